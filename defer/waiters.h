/*
 * waiters.h - a line of Deferreds: first come, first served; who is cancelled leaves it.
 */
#ifndef DEFER_WAITERS_H
#define DEFER_WAITERS_H

#include "defer/deferred.h"

#include "base/list.h"

struct twi_waiters {
    struct twi_list nodes;
    size_t count;
};

void twi_waiters_init(struct twi_waiters *waiters);
/* A new Deferred at the end of the line; NULL when there is no memory. */
tw_deferred *twi_waiters_join(struct twi_waiters *waiters, const char *where);
/* Fire the first with `result` (taken). It may free whatever holds the line. */
void twi_waiters_serve(struct twi_waiters *waiters, tw_value result);
/* Fail all with tw_error_abandoned, or what joins meanwhile too. */
void twi_waiters_abandon(struct twi_waiters *waiters, const char *what);

#endif
