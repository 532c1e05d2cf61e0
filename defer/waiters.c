/* SPDX-License-Identifier: MIT */
/*
 * waiters.c - a line of Deferreds.
 */
#include "defer/waiters.h"

#include <stdlib.h>

#include <tweed/log.h>

static struct twi_slab pool = TWI_SLAB(struct twi_waiter);

void twi_waiters_init(struct twi_waiters *waiters)
{
    twi_list_init(&waiters->nodes);
    waiters->count = 0;
#if TWI_DEBUG
    waiters->owner = &twi_defer;
#endif
}

#if TWI_DEBUG
void twi_waiters_check(const struct twi_waiters *waiters, const char *function)
{
    if (waiters->owner == &twi_defer)
        return;
    tw_log(TW_LOG_CRITICAL, "deferred", "%s: this is another thread's", function);
    abort();
}
#endif

void twi_waiter_append(struct twi_waiters *waiters, struct twi_waiter *waiter)
{
    waiter->line = waiters;
    twi_list_append(&waiters->nodes, &waiter->node);
    waiters->count++;
}

void twi_waiter_remove(struct twi_waiter *waiter)
{
    twi_list_remove(&waiter->node);
    waiter->line->count--;
    waiter->line = NULL;
}

/* Take a waiter out of its line; its Deferred is then the caller's to fire or to drop. */
static tw_deferred *waiter_leave(struct twi_waiter *waiter)
{
    tw_deferred *turn = waiter->turn;
    tw_value value = waiter->value;

    twi_waiter_remove(waiter);
    twi_slab_free(&pool, waiter);
    tw_release(value);
    return turn;
}

static int waiter_cancel(tw_deferred *turn, void *waiter)
{
    (void)turn;
    tw_deferred_unref(waiter_leave(waiter));
    return 0;
}

tw_deferred *twi_waiters_join_as(struct twi_waiters *waiters, const char *where,
                                 struct twi_waiter **ret_waiter)
{
    struct twi_waiter *waiter = twi_slab_alloc(&pool);
    tw_deferred *deferred = NULL;

    if (waiter != NULL)
        deferred = tw_promise_at(where, &waiter->turn, waiter_cancel, waiter, NULL);
    if (deferred == NULL) {
        if (waiter != NULL)
            twi_slab_free(&pool, waiter);
        return NULL;
    }
    waiter->value = tw_none();
    waiter->owner = NULL;
    waiter->kind = NULL;
    twi_waiter_append(waiters, waiter);
    *ret_waiter = waiter;
    return deferred;
}

tw_deferred *twi_waiters_join(struct twi_waiters *waiters, const char *where)
{
    struct twi_waiter *waiter;

    return twi_waiters_join_as(waiters, where, &waiter);
}

static struct twi_waiter *first(const struct twi_waiters *waiters)
{
    return TWI_CONTAINER(waiters->nodes.next, struct twi_waiter, node);
}

struct twi_waiter *twi_waiters_first(struct twi_waiters *waiters)
{
    while (waiters->count > 0) {
        struct twi_waiter *waiter = first(waiters);
        if (!twi_waiter_unseen(waiter))
            return waiter;
        if (waiter->kind != NULL)
            waiter->kind->drop(waiter);
        else
            tw_deferred_unref(waiter_leave(waiter));
    }
    return NULL;
}

bool twi_waiter_serve(struct twi_waiter *waiter, tw_value result)
{
    tw_deferred *turn;

    if (waiter->kind != NULL)
        return waiter->kind->serve(waiter, result);
    turn = waiter_leave(waiter);
    tw_fire_at(turn->where, &turn, result);
    return true;
}

void twi_waiters_serve(struct twi_waiters *waiters, tw_value result)
{
    twi_waiter_serve(first(waiters), result);
}

void twi_waiters_abandon(struct twi_waiters *waiters, const char *what)
{
    while (waiters->count > 0)
        twi_waiters_serve(waiters, tw_fail(&tw_error_abandoned, "the %s is gone", what));
}

void twi_waiters_move_all(struct twi_waiters *line, struct twi_waiters *from)
{
    twi_waiters_init(line);
    TWI_LIST_EACH (node, &from->nodes)
        TWI_CONTAINER(node, struct twi_waiter, node)->line = line;
    twi_list_splice(&line->nodes, &from->nodes);
    line->count = from->count;
    from->count = 0;
}

void twi_waiters_serve_all(struct twi_waiters *line, tw_value result)
{
    result = tw_take(result);
    while (line->count > 0)
        twi_waiters_serve(line, tw_lend(result));
    tw_release(result);
}
