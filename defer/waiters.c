/*
 * waiters.c - a line of Deferreds.
 */
#include "defer/waiters.h"

struct waiter {
    struct twi_list node;
    struct twi_waiters *line;
    tw_deferred *turn;
};

void twi_waiters_init(struct twi_waiters *waiters)
{
    twi_list_init(&waiters->nodes);
    waiters->count = 0;
}

/* Out of the line: its Deferred is now the caller's to fire or to let go. */
static tw_deferred *leave(struct waiter *waiter)
{
    tw_deferred *turn = waiter->turn;

    twi_list_remove(&waiter->node);
    waiter->line->count--;
    twi_free(waiter);
    return turn;
}

static int cancel(tw_deferred *turn, void *waiter)
{
    (void)turn;
    tw_deferred_unref(leave(waiter));
    return 0;
}

tw_deferred *twi_waiters_join(struct twi_waiters *waiters, const char *where)
{
    struct waiter *waiter = twi_malloc(sizeof *waiter);
    tw_deferred *deferred = NULL;

    if (waiter != NULL)
        deferred = tw_promise_at(where, &waiter->turn, cancel, waiter, NULL);
    if (deferred == NULL) {
        twi_free(waiter);
        return NULL;
    }
    waiter->line = waiters;
    twi_list_append(&waiters->nodes, &waiter->node);
    waiters->count++;
    return deferred;
}

void twi_waiters_serve(struct twi_waiters *waiters, tw_value result)
{
    tw_deferred *turn = leave(TWI_CONTAINER(waiters->nodes.next, struct waiter, node));

    tw_fire_at(turn->where, &turn, result);
}

void twi_waiters_abandon(struct twi_waiters *waiters, const char *what)
{
    while (waiters->count > 0)
        twi_waiters_serve(waiters, tw_fail(&tw_error_abandoned, "the %s is gone", what));
}
