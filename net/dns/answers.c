/* SPDX-License-Identifier: MIT */
/*
 * answers.c - answers of the resolver, kept for a while.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "net/dns/answers.h"

#define ANSWERS_MAX 1024

static struct twi_answer *answer_of(struct twi_list *node)
{
    return TWI_CONTAINER(node, struct twi_answer, node_);
}

static void answer_free(struct twi_answer *answer)
{
    twi_list_remove(&answer->node_);
    tw_release(answer->failure);
    twi_free(answer);
}

static void answers_drop(struct twi_answers *answers, struct twi_answer *answer)
{
    twi_map_remove(&answers->by_name, answer->name, strlen(answer->name));
    answer_free(answer);
}

void twi_answers_init(struct twi_answers *answers)
{
    memset(answers, 0, sizeof *answers);
    twi_list_init(&answers->order);
}

const struct twi_answer *twi_answers_find(struct twi_answers *answers, const char *name,
                                          int64_t now_ns)
{
    struct twi_answer *answer = twi_map_get(&answers->by_name, name, strlen(name));

    if (answer == NULL)
        return NULL;
    if (answer->expires_ns <= now_ns) {
        answers_drop(answers, answer);
        return NULL;
    }
    twi_list_remove(&answer->node_);
    twi_list_append(&answers->order, &answer->node_);
    return answer;
}

void twi_answers_keep(struct twi_answers *answers, const char *name,
                      const union tw_socket_address *list, size_t count, tw_value failure,
                      int64_t expires_ns)
{
    size_t length = strlen(name), size = count * sizeof *list;
    struct twi_answer *answer = twi_malloc(sizeof *answer + size + length + 1);
    void *old = NULL;

    if (answer == NULL)
        return;
    twi_list_init(&answer->node_);
    answer->expires_ns = expires_ns;
    answer->failure = tw_retain(failure);
    answer->count = count;
    if (size > 0)
        memcpy(answer->list, list, size);
    answer->name = memcpy((char *)answer->list + size, name, length + 1);
    if (twi_map_set(&answers->by_name, name, length, answer, &old) < 0) {
        answer_free(answer);
        return;
    }
    if (old != NULL)
        answer_free(old);
    twi_list_append(&answers->order, &answer->node_);
    if (answers->by_name.count > ANSWERS_MAX)
        answers_drop(answers, answer_of(answers->order.next));
}

void twi_answers_free(struct twi_answers *answers)
{
    while (!twi_list_empty(&answers->order))
        answers_drop(answers, answer_of(answers->order.next));
    twi_map_free(&answers->by_name);
}
