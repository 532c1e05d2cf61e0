/* SPDX-License-Identifier: MIT */
/*
 * lock.c - a lock is a semaphore of one under another name; a re-entrant one knows its owner.
 */
#include <errno.h>

#include "defer/coroutine/coroutine.h"
#include "defer/sync/semaphore.h"

/* The running coroutine: all of its generators are one owner. */
static const void *running(void)
{
    const void *task = twi_coroutine_task();

    return task != NULL ? task : tw_coroutine_current();
}

const void *twi_lock_owner(const tw_semaphore *lock, const void *owner)
{
    return owner == NULL && lock->reentrant ? running() : owner;
}

tw_lock *tw_lock_new(void)
{
    return (tw_lock *)tw_semaphore_new(1);
}

tw_lock *tw_lock_new_reentrant(void)
{
    tw_semaphore *lock = tw_semaphore_new(1);

    if (lock != NULL)
        lock->reentrant = true;
    return (tw_lock *)lock;
}

tw_deferred *tw_lock_acquire_as_at(const char *where, tw_lock *lock, const void *owner)
{
    tw_semaphore *semaphore = twi_semaphore_of(lock);

    if (semaphore == NULL)
        return NULL;
    owner = twi_lock_owner(semaphore, owner);
    if (owner == NULL && semaphore->reentrant)
        return tw_fired_at(
            where, tw_fail_at(where, &tw_error_misuse, "who would own the re-entrant lock?"));
    return twi_semaphore_acquire(where, semaphore, owner);
}

tw_deferred *tw_lock_acquire_at(const char *where, tw_lock *lock)
{
    return tw_lock_acquire_as_at(where, lock, NULL);
}

int tw_lock_try(tw_lock *lock)
{
    tw_semaphore *semaphore = twi_semaphore_of(lock);
    const void *owner = semaphore != NULL ? twi_lock_owner(semaphore, NULL) : NULL;

    if (semaphore == NULL || (owner == NULL && semaphore->reentrant))
        return -EINVAL;
    return twi_semaphore_try(semaphore, owner);
}

int tw_lock_release_as(tw_lock *lock, const void *owner)
{
    tw_semaphore *semaphore = twi_semaphore_of(lock);

    if (semaphore == NULL)
        return -EINVAL;
    return twi_semaphore_release(semaphore, twi_lock_owner(semaphore, owner));
}

int tw_lock_release(tw_lock *lock)
{
    return tw_lock_release_as(lock, NULL);
}

tw_deferred *tw_lock_run_at(const char *where, tw_lock *lock, tw_guarded *fn, void *arg)
{
    tw_semaphore *semaphore = twi_semaphore_of(lock);

    if (semaphore == NULL)
        return NULL;
    return twi_semaphore_run(where, semaphore, fn, arg, twi_lock_owner(semaphore, NULL));
}

bool tw_lock_held(const tw_lock *lock)
{
    return lock != NULL && tw_semaphore_available(twi_semaphore_of(lock)) == 0;
}

size_t tw_lock_waiting(const tw_lock *lock)
{
    return tw_semaphore_waiting(twi_semaphore_of(lock));
}

void tw_lock_free(tw_lock *lock)
{
    tw_semaphore_free(twi_semaphore_of(lock));
}
