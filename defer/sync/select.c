/* SPDX-License-Identifier: MIT */
/*
 * select.c - one of several sends and receives.
 *
 * A select that waits stands in the line of each of its channels; the first whose turn comes
 * takes it out of all. The list that it fires with is made beforehand, so that no value handed
 * over to it can be lost for want of memory.
 */
#include <tweed/channel.h>

#include "defer/sync/queue.h"

struct choice {
    tw_deferred *turn;
    tw_value result;
    size_t count;
    struct twi_waiter waiters[]; /* one for each case; in no line: its channel is NULL */
};

static void release_values(const struct tw_select_case *cases, size_t count, size_t but)
{
    for (size_t i = 0; i < count; i++)
        if (i != but && cases[i].sends)
            tw_release(cases[i].value);
}

/* --- waiting ---------------------------------------------------------------------------- */

static tw_deferred *leave_all(struct choice *choice, tw_value *ret_result)
{
    tw_deferred *turn = choice->turn;

    *ret_result = choice->result;
    for (size_t i = 0; i < choice->count; i++)
        if (choice->waiters[i].line != NULL)
            twi_waiter_remove(&choice->waiters[i]);
    for (size_t i = 0; i < choice->count; i++)
        tw_release(choice->waiters[i].value);
    twi_free(choice);
    return turn;
}

static void choice_forget(struct choice *choice)
{
    tw_value result;

    tw_deferred_unref(leave_all(choice, &result));
    tw_release(result);
}

static int choice_cancel(tw_deferred *turn, void *choice)
{
    (void)turn;
    choice_forget(choice);
    return 0;
}

/* While it waits, its Deferred is not fired. */
static struct choice *choice_of(const struct twi_waiter *waiter)
{
    return waiter->turn->ctx;
}

static void choice_drop(struct twi_waiter *waiter)
{
    choice_forget(choice_of(waiter));
}

static bool choice_serve(struct twi_waiter *waiter, tw_value item)
{
    struct choice *choice = choice_of(waiter);
    int64_t index = waiter - choice->waiters;
    tw_value result;
    tw_deferred *turn = leave_all(choice, &result);

    tw_list_append(result, tw_integer(index));
    tw_list_append(result, item);
    tw_fire_at(turn->where, &turn, result);
    return true;
}

static const struct twi_waiter_kind kind = { choice_serve, choice_drop };

static struct choice *choice_new(const char *where, size_t count, tw_deferred **ret_deferred)
{
    struct choice *choice = NULL;
    size_t size;

    if (!__builtin_mul_overflow(count, sizeof choice->waiters[0], &size) &&
        !__builtin_add_overflow(size, sizeof *choice, &size))
        choice = twi_calloc(1, size);
    if (choice == NULL)
        return NULL;
    *ret_deferred = tw_promise_at(where, &choice->turn, choice_cancel, choice, NULL);
    if (*ret_deferred == NULL) {
        twi_free(choice);
        return NULL;
    }
    choice->count = count;
    return choice;
}

/* Takes `result`. */
static tw_deferred *stand_in_all_lines(const char *where, const struct tw_select_case *cases,
                                       size_t count, tw_value result)
{
    tw_deferred *deferred = NULL;
    struct choice *choice = choice_new(where, count, &deferred);

    if (choice == NULL) {
        tw_release(result);
        release_values(cases, count, count);
        return NULL;
    }
    choice->result = result;
    choice->turn->state |= TWI_LONELY;
    for (size_t i = 0; i < count; i++) {
        struct twi_waiter *waiter = &choice->waiters[i];
        tw_queue *queue = twi_channel_queue(cases[i].channel);

        waiter->turn = choice->turn;
        waiter->kind = &kind;
        waiter->value = cases[i].sends ? tw_take(cases[i].value) : tw_none();
        if (queue == NULL)
            continue;
        twi_waiter_append(cases[i].sends ? &queue->puts : &queue->gets, waiter);
        choice->turn->state &= ~TWI_LONELY;
    }
    return deferred;
}

/* --- at once ---------------------------------------------------------------------------- */

static bool case_is_ready(const struct tw_select_case *one)
{
    tw_queue *queue = twi_channel_queue(one->channel);

    if (queue == NULL)
        return false;
    TWI_WAITERS_CHECK(&queue->gets);
    if (one->sends)
        return twi_is_deferred(one->value) || twi_queue_may_put(queue);
    return twi_queue_may_get(queue);
}

/* A random case, by xorshift: any order will do as long as no case can starve another. */
static size_t choice_draw(size_t below)
{
    static _Thread_local uint32_t seed = 2463534242;

    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return below > 0 ? seed % below : 0;
}

/* `count` when none is. */
static size_t find_ready(const struct tw_select_case *cases, size_t count)
{
    size_t start = choice_draw(count);

    for (size_t i = 0; i < count; i++)
        if (case_is_ready(&cases[(start + i) % count]))
            return (start + i) % count;
    return count;
}

static tw_value send_now(const char *where, tw_queue *queue, tw_value value)
{
    if (!twi_is_deferred(value) && !queue->closed)
        return twi_queue_accept(queue, 0, value) == 0 ? tw_none() : tw_fail_memory();
    tw_release(value);
    if (queue->closed)
        return twi_queue_closed_at(where);
    return tw_fail_at(where, &tw_error_misuse, "a Deferred is no value to send");
}

/* Doing the one case may run any callback, which may free the channels: it comes last. */
static tw_deferred *do_one(const char *where, const struct tw_select_case *cases, size_t count,
                           size_t index, tw_value result)
{
    tw_deferred *deferred = tw_fired_at(where, result);
    tw_queue *queue = twi_channel_queue(cases[index].channel);
    struct twi_waiter *put = NULL;
    tw_value item;

    if (deferred == NULL) {
        release_values(cases, count, count);
        return NULL;
    }
    tw_list_append(result, tw_integer((int64_t)index));
    if (cases[index].sends) {
        item = send_now(where, queue, cases[index].value);
    } else if (queue->length > 0 || queue->puts.count > 0) {
        item = twi_queue_take(queue, &put);
    } else {
        item = twi_queue_closed_at(where);
    }
    tw_list_append(result, item);
    if (put != NULL)
        twi_waiter_serve(put, tw_none());
    release_values(cases, count, index);
    return deferred;
}

tw_deferred *tw_select_at(const char *where, const struct tw_select_case *cases, size_t count,
                          bool wait)
{
    size_t index = find_ready(cases, count);
    tw_value result;

    if (index == count && !wait) {
        release_values(cases, count, count);
        return tw_fired_at(where, tw_none());
    }
    result = tw_list(2);
    if (tw_is_failure(result)) {
        release_values(cases, count, count);
        return NULL;
    }
    if (index < count)
        return do_one(where, cases, count, index, result);
    return stand_in_all_lines(where, cases, count, result);
}
