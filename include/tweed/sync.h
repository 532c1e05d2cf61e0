/*
 * sync.h - taking turns: lock, semaphore, queue.
 *
 * All are first come, first served; what is released is handed over directly. Cancelling a
 * waiting acquire or get takes it out of the line. One thread's, like all Deferreds. Free
 * fails what still waits with tw_error_abandoned. NULL, what could not be made, does no harm: it
 * gives NULL Deferreds, 0 and -EINVAL.
 * After Twisted's DeferredLock, DeferredSemaphore and DeferredQueue.
 */
#ifndef TWEED_SYNC_H
#define TWEED_SYNC_H

#include <tweed/deferred.h>

TW_BEGIN

/* Starts work while a lock or semaphore is held; it is released when the returned Deferred is
 * done, be that success, failure or cancel. */
typedef tw_deferred *tw_guarded(void *arg);

typedef struct tw_semaphore tw_semaphore;
/* tokens >= 1; NULL with errno EINVAL or ENOMEM. */
TW_API tw_semaphore *tw_semaphore_new(size_t tokens);
/* Fires, with a pointer to the semaphore, when a token is yours. */
#define tw_semaphore_acquire(semaphore) tw_semaphore_acquire_at(TW_HERE, (semaphore))
TW_API tw_deferred *tw_semaphore_acquire_at(const char *where, tw_semaphore *semaphore);
/* 0, -EPERM when more is released than was acquired. */
TW_API int tw_semaphore_release(tw_semaphore *semaphore);
/* Acquire, call fn(arg), release; fires with the result of what fn returned. A cancel leaves the
 * line, or goes on to what fn returned. */
#define tw_semaphore_run(semaphore, fn, arg) \
    tw_semaphore_run_at(TW_HERE, (semaphore), (fn), (arg))
TW_API tw_deferred *tw_semaphore_run_at(const char *where, tw_semaphore *semaphore,
                                        tw_guarded *fn, void *arg);
TW_API size_t tw_semaphore_available(const tw_semaphore *semaphore);
TW_API size_t tw_semaphore_waiting(const tw_semaphore *semaphore);
TW_API void tw_semaphore_free(tw_semaphore *semaphore);

/* A lock is a semaphore of one. */
typedef struct tw_lock tw_lock;
TW_API tw_lock *tw_lock_new(void);
/* Fires, with a pointer to the lock, when it is yours. */
#define tw_lock_acquire(lock) tw_lock_acquire_at(TW_HERE, (lock))
TW_API tw_deferred *tw_lock_acquire_at(const char *where, tw_lock *lock);
TW_API int tw_lock_release(tw_lock *lock); /* 0, -EPERM when it is not held */
#define tw_lock_run(lock, fn, arg) tw_lock_run_at(TW_HERE, (lock), (fn), (arg))
TW_API tw_deferred *tw_lock_run_at(const char *where, tw_lock *lock, tw_guarded *fn,
                                   void *arg);
TW_API bool tw_lock_held(const tw_lock *lock);
TW_API void tw_lock_free(tw_lock *lock);

#define TW_UNLIMITED SIZE_MAX
typedef struct tw_queue tw_queue;
/* size: how many values may wait (0: only a rendezvous); backlog: how many gets may wait. */
TW_API tw_queue *tw_queue_new(size_t size, size_t backlog);
/* Takes `value`. 0, -EOVERFLOW when full (QueueOverflow), -ENOMEM, -EINVAL (a bare Deferred). */
TW_API int tw_queue_put(tw_queue *queue, tw_value value);
/* Fires with the next value; already failed with tw_error_queue_empty when too many wait
 * (QueueUnderflow). */
#define tw_queue_get(queue) tw_queue_get_at(TW_HERE, (queue))
TW_API tw_deferred *tw_queue_get_at(const char *where, tw_queue *queue);
TW_API size_t tw_queue_length(const tw_queue *queue);
TW_API size_t tw_queue_waiting(const tw_queue *queue);
TW_API void tw_queue_free(tw_queue *queue);

TW_END
#endif
