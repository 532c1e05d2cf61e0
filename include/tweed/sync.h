/* SPDX-License-Identifier: MIT */
/*
 * sync.h - taking turns and waiting for each other: semaphore, lock, condition, event, barrier.
 *
 * Each wait is a Deferred: add callbacks to it, or tw_await() it in a coroutine. All are first
 * come, first served, and what is released is handed over directly: nobody comes in between.
 * Cancelling a wait takes it out of the line, and a token or notification that it had been given
 * goes to the next; so does one for a wait that everybody has let go of. One thread's, like all
 * Deferreds. Free fails what still waits with tw_error_abandoned. NULL, what could not be made,
 * does no harm: it gives NULL Deferreds, 0 and -EINVAL.
 * After Twisted's DeferredLock and DeferredSemaphore; Condition, Event and Barrier of asyncio.
 */
#ifndef TWEED_SYNC_H
#define TWEED_SYNC_H

#include <tweed/channel.h>
#include <tweed/deferred.h>
#include <tweed/queue.h>

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
/* A token at once or not at all: 0, -EAGAIN. */
TW_API int tw_semaphore_try(tw_semaphore *semaphore);
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

/* --- lock: a semaphore of one ----------------------------------------------------------- */

typedef struct tw_lock tw_lock;
TW_API tw_lock *tw_lock_new(void);
/* A lock that its owner may acquire again, and must release as often. The owner is the running
 * coroutine, or what the _as functions name: any address that is not NULL. Without either, an
 * acquire fails with tw_error_misuse. */
TW_API tw_lock *tw_lock_new_reentrant(void);
/* Fires, with a pointer to the lock, when it is yours. */
#define tw_lock_acquire(lock) tw_lock_acquire_at(TW_HERE, (lock))
#define tw_lock_acquire_as(lock, owner) tw_lock_acquire_as_at(TW_HERE, (lock), (owner))
TW_API tw_deferred *tw_lock_acquire_at(const char *where, tw_lock *lock);
TW_API tw_deferred *tw_lock_acquire_as_at(const char *where, tw_lock *lock, const void *owner);
/* At once or not at all: 0, -EAGAIN, -EINVAL (no owner). */
TW_API int tw_lock_try(tw_lock *lock);
/* 0, -EPERM when it is not held, or by another owner. */
TW_API int tw_lock_release(tw_lock *lock);
TW_API int tw_lock_release_as(tw_lock *lock, const void *owner);
/* As tw_semaphore_run(). A re-entrant one is the running coroutine's, or else this run's own. */
#define tw_lock_run(lock, fn, arg) tw_lock_run_at(TW_HERE, (lock), (fn), (arg))
TW_API tw_deferred *tw_lock_run_at(const char *where, tw_lock *lock, tw_guarded *fn,
                                   void *arg);
TW_API bool tw_lock_held(const tw_lock *lock);
TW_API size_t tw_lock_waiting(const tw_lock *lock);
TW_API void tw_lock_free(tw_lock *lock);

/* --- condition: wait, holding a lock, until somebody changes what the lock guards --------- */

typedef struct tw_condition tw_condition;
/* `lock` of either kind; several may share it. NULL: errno EINVAL (no lock), ENOMEM. */
TW_API tw_condition *tw_condition_new(tw_lock *lock);
/*
 * Release the lock (from all depths), wait for a notification, acquire the lock again; then it
 * fires, with a pointer to the condition. It fires holding the lock, as it was, also when it
 * fails: cancelled, or abandoned when the condition is gone. Only when the lock itself is gone it
 * fails without. A notification that comes with the cancel goes to the next who waits.
 * Fails with tw_error_misuse, at once, when the lock is not held, or a re-entrant one is not the
 * running coroutine's nor `owner`'s.
 */
#define tw_condition_wait(condition) \
    tw_condition_wait_for_at(TW_HERE, (condition), NULL, NULL, NULL)
/* The same until is_true(arg), called with the lock held: before, and at each notification. */
typedef bool tw_predicate(void *arg);
#define tw_condition_wait_for(condition, is_true, arg) \
    tw_condition_wait_for_at(TW_HERE, (condition), NULL, (is_true), (arg))
#define tw_condition_wait_for_as(condition, owner, is_true, arg) \
    tw_condition_wait_for_at(TW_HERE, (condition), (owner), (is_true), (arg))
TW_API tw_deferred *tw_condition_wait_for_at(const char *where, tw_condition *condition,
                                             const void *owner, tw_predicate *is_true,
                                             void *arg);
/* Let up to `count`, or all, who wait have the lock, in their order, once it is released.
 * 0, -EPERM when the lock is not held. */
TW_API int tw_condition_notify(tw_condition *condition, size_t count);
TW_API int tw_condition_notify_all(tw_condition *condition);
TW_API size_t tw_condition_waiting(const tw_condition *condition); /* for a notification */
TW_API void tw_condition_free(tw_condition *condition);

/* --- event: a flag that many wait for ---------------------------------------------------- */

typedef struct tw_event tw_event;
TW_API tw_event *tw_event_new(void);
/* Fires with none when the event is set: at once if it is. */
#define tw_event_wait(event) tw_event_wait_at(TW_HERE, (event))
TW_API tw_deferred *tw_event_wait_at(const char *where, tw_event *event);
/* Fires all who wait now, even if one of them clears it or frees it. 0. */
TW_API int tw_event_set(tw_event *event);
TW_API int tw_event_clear(tw_event *event); /* 0 */
TW_API bool tw_event_is_set(const tw_event *event);
TW_API size_t tw_event_waiting(const tw_event *event);
TW_API void tw_event_free(tw_event *event);

/* --- barrier: so many meet --------------------------------------------------------------- */

typedef struct tw_barrier tw_barrier;
/* parties >= 1; NULL with errno EINVAL or ENOMEM. */
TW_API tw_barrier *tw_barrier_new(size_t parties);
/* Fires when `parties` wait, with the integer 0 for who came first, 1, ...; then the barrier is
 * empty again, for the next round. Fails with tw_error_barrier_broken. A cancelled wait has not
 * come. */
#define tw_barrier_wait(barrier) tw_barrier_wait_at(TW_HERE, (barrier))
TW_API tw_deferred *tw_barrier_wait_at(const char *where, tw_barrier *barrier);
/* Break it: all waits fail, now and until a reset. 0. */
TW_API int tw_barrier_abort(tw_barrier *barrier);
/* Empty and whole again; those who wait now fail. 0. */
TW_API int tw_barrier_reset(tw_barrier *barrier);
TW_API bool tw_barrier_broken(const tw_barrier *barrier);
TW_API size_t tw_barrier_waiting(const tw_barrier *barrier);
TW_API void tw_barrier_free(tw_barrier *barrier);

TW_END
#endif
