/* SPDX-License-Identifier: MIT */
/*
 * dns_asked.c - the questions that have been sent and not been answered.
 */
#include "config.h"

#include "net/dns/dns_asked.h"

#include <string.h>

#include "base/alloc.h"
#include "net/dns/dns_message.h"

#define ASKED_MAX 4096

enum { ID = 2 };

void twi_dns_asked_init(struct twi_dns_asked *asked)
{
    memset(asked, 0, sizeof *asked);
    twi_list_init(&asked->order);
}

void twi_dns_asked_forget(struct twi_dns_asked *asked, const uint8_t id[2])
{
    struct twi_dns_question *question = twi_map_remove(&asked->by_id, (const char *)id, ID);

    if (question == NULL)
        return;
    twi_list_remove(&question->node_);
    twi_free(question);
}

static void asked_drop_oldest(struct twi_dns_asked *asked)
{
    const struct twi_dns_question *oldest = TWI_CONTAINER(asked->order.next,
                                                          struct twi_dns_question, node_);
    uint8_t id[ID] = { oldest->id[0], oldest->id[1] };

    twi_dns_asked_forget(asked, id);
}

void twi_dns_asked_note(struct twi_dns_asked *asked, const void *message, size_t length)
{
    size_t size = twi_dns_question_length(message, length);
    struct twi_dns_question *question;

    if (size == 0)
        return;
    twi_dns_asked_forget(asked, message);
    question = twi_malloc(sizeof *question + size);
    if (question == NULL)
        return;
    memcpy(question->id, message, ID);
    memcpy(question->bytes, (const uint8_t *)message + TWI_DNS_HEADER, size);
    question->length = size;
    twi_list_init(&question->node_);
    if (twi_map_set(&asked->by_id, (const char *)question->id, ID, question, NULL) < 0) {
        twi_free(question);
        return;
    }
    twi_list_append(&asked->order, &question->node_);
    if (asked->by_id.count > ASKED_MAX)
        asked_drop_oldest(asked);
}

const struct twi_dns_question *twi_dns_asked_find(struct twi_dns_asked *asked,
                                                  const uint8_t id[2])
{
    return twi_map_get(&asked->by_id, (const char *)id, ID);
}

void twi_dns_asked_free(struct twi_dns_asked *asked)
{
    while (!twi_list_empty(&asked->order))
        asked_drop_oldest(asked);
    twi_map_free(&asked->by_id);
}
