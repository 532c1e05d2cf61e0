/*
 * lock.c - a lock is a semaphore of one, under another name.
 */
#include <tweed/sync.h>

static tw_semaphore *semaphore_of(const tw_lock *lock)
{
    return (tw_semaphore *)(uintptr_t)lock;
}

tw_lock *tw_lock_new(void)
{
    return (tw_lock *)tw_semaphore_new(1);
}

tw_deferred *tw_lock_acquire_at(const char *where, tw_lock *lock)
{
    return tw_semaphore_acquire_at(where, semaphore_of(lock));
}

int tw_lock_release(tw_lock *lock)
{
    return tw_semaphore_release(semaphore_of(lock));
}

tw_deferred *tw_lock_run_at(const char *where, tw_lock *lock, tw_guarded *fn, void *arg)
{
    return tw_semaphore_run_at(where, semaphore_of(lock), fn, arg);
}

bool tw_lock_held(const tw_lock *lock)
{
    return lock != NULL && tw_semaphore_available(semaphore_of(lock)) == 0;
}

void tw_lock_free(tw_lock *lock)
{
    tw_semaphore_free(semaphore_of(lock));
}
