/* SPDX-License-Identifier: MIT */
/*
 * semaphore.h - the inside of a semaphore; a lock is a semaphore of one that may have an owner.
 */
#ifndef DEFER_SYNC_SEMAPHORE_H
#define DEFER_SYNC_SEMAPHORE_H

#include <tweed/sync.h>

#include "defer/waiters.h"

/* References: of its owner, of each tw_semaphore_run(), which must be able to give back its
 * token after the owner is gone, and of conditions. */
struct tw_semaphore {
    size_t tokens, limit;
    struct twi_waiters waiting;
    unsigned references;
    bool gone;         /* freed by its owner */
    bool reentrant;    /* a lock that `owner` holds `depth` times */
    const void *owner; /* NULL: not held */
    size_t depth;
};

static inline tw_semaphore *twi_semaphore_of(const tw_lock *lock)
{
    return (tw_semaphore *)(uintptr_t)lock;
}

void twi_semaphore_unref(tw_semaphore *semaphore);
/* Acquire for `owner`. */
tw_deferred *twi_semaphore_acquire(const char *where, tw_semaphore *semaphore,
                                   const void *owner);
int twi_semaphore_try(tw_semaphore *semaphore, const void *owner);
int twi_semaphore_release(tw_semaphore *semaphore, const void *owner);
/* Give one token back, from any owner and any depth, to the first wait. */
void twi_semaphore_hand_over(tw_semaphore *semaphore);
/* The owner of an acquire: `owner`, or for NULL and a re-entrant lock the running coroutine. */
const void *twi_lock_owner(const tw_semaphore *lock, const void *owner);
/* owner NULL: the run itself. */
tw_deferred *twi_semaphore_run(const char *where, tw_semaphore *semaphore, tw_guarded *fn,
                               void *arg, const void *owner);

#endif
