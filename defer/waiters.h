/* SPDX-License-Identifier: MIT */
/*
 * waiters.h - a line of Deferreds: first come, first served; a cancelled one leaves it.
 *
 * A token or value that is handed over must reach somebody who will see it: a waiter whose
 * Deferred nobody holds, and that has no callbacks, is passed over.
 */
#ifndef DEFER_WAITERS_H
#define DEFER_WAITERS_H

#include "defer/deferred.h"

#include "base/list.h"

struct twi_waiters {
    struct twi_list nodes;
    size_t count;
#if TWI_DEBUG
    const void *owner;
#endif
};

struct twi_waiter;
struct twi_waiter_kind {
    /* The waiter's turn has come, with `result` (taken); returns false if it does not want that
     * now. */
    bool (*serve)(struct twi_waiter *waiter, tw_value result);
    /* Nobody would see it: leave the line for good. */
    void (*drop)(struct twi_waiter *waiter);
};

/* One cache line. A select or a condition, which need more, begin their own struct with it. */
struct twi_waiter {
    struct twi_list node;
    struct twi_waiters *line; /* NULL: in none */
    tw_deferred *turn;
    tw_value value; /* of a waiting put */
    union {
        int64_t priority;  /* of that value */
        const void *owner; /* the owner that waits for a re-entrant lock */
    };
    const struct twi_waiter_kind *kind; /* NULL: leaves the line, and fires */
};

void twi_waiters_init(struct twi_waiters *waiters);
/* A new Deferred at the end of the line; NULL when there is no memory. */
tw_deferred *twi_waiters_join(struct twi_waiters *waiters, const char *where);
/* The same; *ret_waiter is for the caller to fill in. */
tw_deferred *twi_waiters_join_as(struct twi_waiters *waiters, const char *where,
                                 struct twi_waiter **ret_waiter);
/* The first whose result somebody will see; those before it are dropped. NULL when there is
 * none. */
struct twi_waiter *twi_waiters_first(struct twi_waiters *waiters);
/* Serve the first, seen or not, with `result` (taken). Its callbacks may free the object that
 * holds the line. */
void twi_waiters_serve(struct twi_waiters *waiters, tw_value result);
/* Fail all waiters with tw_error_abandoned, those that join meanwhile too. */
void twi_waiters_abandon(struct twi_waiters *waiters, const char *what);
/* Move all to `line`, new and on the caller's stack; nobody joins it there. */
void twi_waiters_move_all(struct twi_waiters *line, struct twi_waiters *from);
/* Serve all in such a line with `result` (taken). */
void twi_waiters_serve_all(struct twi_waiters *line, tw_value result);

/* For waiters in structs of their own. */
void twi_waiter_append(struct twi_waiters *waiters, struct twi_waiter *waiter);
void twi_waiter_remove(struct twi_waiter *waiter);
bool twi_waiter_serve(struct twi_waiter *waiter, tw_value result);
/* True if nobody will see it fire. Without memory it may have been failed already, too. */
static inline bool twi_waiter_unseen(const struct twi_waiter *waiter)
{
    const tw_deferred *turn = waiter->turn;

    return (turn->references == 1 && twi_entries_ignore(turn)) ||
           (turn->state & TWI_FIRED) != 0;
}

#if TWI_DEBUG
/* Ends the program when the line is another thread's. */
void twi_waiters_check(const struct twi_waiters *waiters, const char *function);
#define TWI_WAITERS_CHECK(waiters) twi_waiters_check((waiters), __func__)
#else
#define TWI_WAITERS_CHECK(waiters) ((void)0)
#endif

#endif
