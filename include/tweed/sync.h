/* SPDX-License-Identifier: MIT */
/*
 * sync.h - taking turns and waiting for each other: semaphore, lock, condition, event, barrier.
 *
 * Each wait is a Deferred: add callbacks to it, or tw_await() it in a coroutine. Waits are
 * served in the order in which they came, and a release hands over directly to the first:
 * nobody can come in between. Cancelling a wait takes it out of the line, and a token or
 * notification that it had been given goes to the next; so does one for a wait whose Deferred
 * nobody holds any more. All belong to one thread, like Deferreds. Freeing an object fails its
 * waits with tw_error_abandoned. NULL, an object that could not be made, does no harm: it gives
 * NULL Deferreds, 0 and -EINVAL. After Twisted's DeferredLock and DeferredSemaphore; Condition,
 * Event and Barrier of asyncio.
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
TW_API TW_MUST_USE tw_semaphore *tw_semaphore_new(size_t tokens);
/* Fires, with a pointer to the semaphore, when a token is yours. */
#define tw_semaphore_acquire(semaphore) tw_semaphore_acquire_at(TW_HERE, (semaphore))
TW_API TW_MUST_USE tw_deferred *tw_semaphore_acquire_at(const char *where,
                                                        tw_semaphore *semaphore);
/* Take a token at once or not at all. Returns 0, -EAGAIN. */
TW_API int tw_semaphore_try(tw_semaphore *semaphore);
/* Give a token back. Returns 0, -EPERM (more released than acquired). */
TW_API int tw_semaphore_release(tw_semaphore *semaphore);
/* Acquire, call fn(arg), release; fires with the result of the Deferred that fn returned. A
 * cancel leaves the line, or goes on to that Deferred. */
#define tw_semaphore_run(semaphore, fn, arg) \
    tw_semaphore_run_at(TW_HERE, (semaphore), (fn), (arg))
TW_API TW_MUST_USE tw_deferred *tw_semaphore_run_at(const char *where, tw_semaphore *semaphore,
                                                    tw_guarded *fn, void *arg);
TW_API size_t tw_semaphore_available(const tw_semaphore *semaphore);
TW_API size_t tw_semaphore_waiting(const tw_semaphore *semaphore);
TW_API void tw_semaphore_free(tw_semaphore *semaphore);

/* --- lock: a semaphore of one ----------------------------------------------------------- */

typedef struct tw_lock tw_lock;
TW_API TW_MUST_USE tw_lock *tw_lock_new(void);
/* A lock that its owner may acquire again, and must release as often. The owner is the running
 * coroutine, or the `owner` of the _as functions: any address that is not NULL. Without either,
 * an acquire fails with tw_error_misuse. */
TW_API TW_MUST_USE tw_lock *tw_lock_new_reentrant(void);
/* Fires, with a pointer to the lock, when it is yours. */
#define tw_lock_acquire(lock) tw_lock_acquire_at(TW_HERE, (lock))
#define tw_lock_acquire_as(lock, owner) tw_lock_acquire_as_at(TW_HERE, (lock), (owner))
TW_API TW_MUST_USE tw_deferred *tw_lock_acquire_at(const char *where, tw_lock *lock);
TW_API TW_MUST_USE tw_deferred *tw_lock_acquire_as_at(const char *where, tw_lock *lock,
                                                      const void *owner);
/* Acquire at once or not at all. Returns 0, -EAGAIN, -EINVAL (no owner). */
TW_API int tw_lock_try(tw_lock *lock);
/* Returns 0, -EPERM (it is not held, or by another owner). */
TW_API int tw_lock_release(tw_lock *lock);
TW_API int tw_lock_release_as(tw_lock *lock, const void *owner);
/* As tw_semaphore_run(). The owner of a re-entrant lock is the running coroutine, otherwise
 * this very run. */
#define tw_lock_run(lock, fn, arg) tw_lock_run_at(TW_HERE, (lock), (fn), (arg))
TW_API TW_MUST_USE tw_deferred *tw_lock_run_at(const char *where, tw_lock *lock,
                                               tw_guarded *fn, void *arg);
TW_API bool tw_lock_held(const tw_lock *lock);
TW_API size_t tw_lock_waiting(const tw_lock *lock);
TW_API void tw_lock_free(tw_lock *lock);

/* --- condition: wait, holding a lock, until somebody changes what the lock guards --------- */

typedef struct tw_condition tw_condition;
/* `lock` is of either kind; several conditions may share it. NULL with errno EINVAL (no lock)
 * or ENOMEM. */
TW_API TW_MUST_USE tw_condition *tw_condition_new(tw_lock *lock);
/*
 * Release the lock (from all depths), wait for a notification, acquire the lock again, as deep
 * as it was; then fire with a pointer to the condition. The lock is held again also when this
 * fails, cancelled or abandoned (the condition was freed); only if the lock itself was freed it
 * is not. A notification that a cancelled wait had been given goes to the next one.
 * Fails at once with tw_error_misuse when the lock is not held, or a re-entrant lock belongs
 * neither to the running coroutine nor to `owner`.
 */
#define tw_condition_wait(condition) \
    tw_condition_wait_for_at(TW_HERE, (condition), NULL, NULL, NULL)
/* Wait so until is_true(arg) returns true. It is called with the lock held: before the first
 * wait, and at each notification. */
typedef bool tw_predicate(void *arg);
#define tw_condition_wait_for(condition, is_true, arg) \
    tw_condition_wait_for_at(TW_HERE, (condition), NULL, (is_true), (arg))
#define tw_condition_wait_for_as(condition, owner, is_true, arg) \
    tw_condition_wait_for_at(TW_HERE, (condition), (owner), (is_true), (arg))
TW_API TW_MUST_USE tw_deferred *tw_condition_wait_for_at(const char *where,
                                                         tw_condition *condition,
                                                         const void *owner,
                                                         tw_predicate *is_true, void *arg);
/* Notify up to `count` waits, or all: they get the lock, in their order, once it is released.
 * Returns 0, -EPERM (the lock is not held). */
TW_API int tw_condition_notify(tw_condition *condition, size_t count);
TW_API int tw_condition_notify_all(tw_condition *condition);
TW_API size_t tw_condition_waiting(const tw_condition *condition); /* for a notification */
TW_API void tw_condition_free(tw_condition *condition);

/* --- event: a flag that many wait for ---------------------------------------------------- */

typedef struct tw_event tw_event;
TW_API TW_MUST_USE tw_event *tw_event_new(void);
/* Fires with none when the event is set: at once if it is. */
#define tw_event_wait(event) tw_event_wait_at(TW_HERE, (event))
TW_API TW_MUST_USE tw_deferred *tw_event_wait_at(const char *where, tw_event *event);
/* Set the event and fire all waits of this moment, even if one of them clears or frees it.
 * Returns 0. */
TW_API int tw_event_set(tw_event *event);
TW_API int tw_event_clear(tw_event *event); /* returns 0 */
TW_API bool tw_event_is_set(const tw_event *event);
TW_API size_t tw_event_waiting(const tw_event *event);
TW_API void tw_event_free(tw_event *event);

/* --- barrier: a given number of waits meet ----------------------------------------------- */

typedef struct tw_barrier tw_barrier;
/* parties >= 1; NULL with errno EINVAL or ENOMEM. */
TW_API TW_MUST_USE tw_barrier *tw_barrier_new(size_t parties);
/* Fires when `parties` wait, with an integer: 0 for the wait that came first, 1 for the second,
 * and so on. The barrier is then empty again, for the next round. Fails with
 * tw_error_barrier_broken. A cancelled wait does not count. */
#define tw_barrier_wait(barrier) tw_barrier_wait_at(TW_HERE, (barrier))
TW_API TW_MUST_USE tw_deferred *tw_barrier_wait_at(const char *where, tw_barrier *barrier);
/* Break it: all waits fail, now and until a reset. Returns 0. */
TW_API int tw_barrier_abort(tw_barrier *barrier);
/* Make it empty and whole again; the waits of this moment fail. Returns 0. */
TW_API int tw_barrier_reset(tw_barrier *barrier);
TW_API bool tw_barrier_broken(const tw_barrier *barrier);
TW_API size_t tw_barrier_waiting(const tw_barrier *barrier);
TW_API void tw_barrier_free(tw_barrier *barrier);

TW_END
#endif
