/* SPDX-License-Identifier: MIT */
/*
 * task.h - work that repeats: LoopingCall, Cooperator, deferLater.
 *
 * `clock` is lent and must outlive the object; NULL is the calling thread's reactor.
 * After Twisted's twisted.internet.task.
 */
#ifndef TWEED_TASK_H
#define TWEED_TASK_H

#include <tweed/deferred.h>

TW_BEGIN

/* Fires `seconds` from now with what fn(arg) returns (fn NULL: none). A cancel kills the timer. */
#define tw_defer_later(clock, seconds, fn, arg) \
    tw_defer_later_at(TW_HERE, (clock), (seconds), (fn), (arg))
typedef tw_value tw_task_function(void *arg);
TW_API TW_MUST_USE tw_deferred *tw_defer_later_at(const char *where, tw_clock *clock,
                                                  double seconds, tw_task_function *fn,
                                                  void *arg);

/* --- LoopingCall ------------------------------------------------------------------------- */

/* Calls fn(loop, count, arg) on a fixed grid of times from its start; missed ticks are skipped.
 * fn may return a Deferred (tw_wait()), which is waited for; a failure stops the loop. */
typedef struct tw_looping_call tw_looping_call;
/* count: grid points since the last call, 1 or more (withCount). */
typedef tw_value tw_looping_function(tw_looping_call *loop, uint64_t count, void *arg);
/* NULL when there is no memory, or no fn (errno EINVAL). */
TW_API TW_MUST_USE tw_looping_call *tw_looping_call_new(tw_clock *clock,
                                                        tw_looping_function *fn, void *arg);
/*
 * Fires with none when the loop is stopped, or with fn's failure.
 *   interval   seconds; 0: every turn (on virtual time: every millisecond)
 *   now        make the first call at once
 * Fails with tw_error_misuse while the loop runs, and for an interval that is negative or not
 * finite. A cancel stops the loop, and cancels the Deferred that fn waits for.
 */
#define tw_looping_call_start(loop, interval, now) \
    tw_looping_call_start_at(TW_HERE, (loop), (interval), (now))
TW_API TW_MUST_USE tw_deferred *tw_looping_call_start_at(const char *where,
                                                         tw_looping_call *loop,
                                                         double interval, bool now);
TW_API int tw_looping_call_stop(tw_looping_call *loop);  /* 0, -EINVAL when not running */
TW_API int tw_looping_call_reset(tw_looping_call *loop); /* a new grid from now */
TW_API bool tw_looping_call_running(const tw_looping_call *loop);
/* Stop and free the loop; may be called inside fn. */
TW_API void tw_looping_call_free(tw_looping_call *loop);

/* --- Cooperator -------------------------------------------------------------------------- */

/* Many tasks share one thread: they take their steps in rounds, for a slice of 10 ms in each
 * turn; on virtual time a slice is one round, and takes 10 ms. Nothing is scheduled while all
 * tasks are paused, wait, or have ended. */
typedef struct tw_cooperator tw_cooperator;
typedef struct tw_cooperative_task tw_cooperative_task;
/* One step of a task. Writes true to *ret_more to be called again. A returned Deferred
 * (tw_wait()) pauses this task only; a failure ends it. */
typedef tw_value tw_step(bool *ret_more, void *arg);
TW_API TW_MUST_USE tw_cooperator *tw_cooperator_new(tw_clock *clock);
TW_API void tw_cooperator_free(tw_cooperator *cooperator); /* tasks end as stopped */
/* Add a task. The cooperator holds a reference until the task ends, you hold one until you
 * unref it. `release` is called with arg once: when the task ends, and also when none could be
 * made. Returns NULL when there is no memory, the cooperator is being freed, or there is no
 * step (errno EINVAL). */
TW_API TW_MUST_USE tw_cooperative_task *tw_cooperate(tw_cooperator *cooperator, tw_step *step,
                                                     void *arg, tw_release_fn *release);
/* Fires with none when the task has ended; fails with the task's failure, or tw_error_cancelled
 * when it was stopped. */
#define tw_cooperative_task_done(task) tw_cooperative_task_done_at(TW_HERE, (task))
TW_API TW_MUST_USE tw_deferred *tw_cooperative_task_done_at(const char *where,
                                                            tw_cooperative_task *task);
/* Each returns 0, -EALREADY (the task has ended), -EINVAL (resume: it is not paused). Pauses
 * are counted. */
TW_API int tw_cooperative_task_pause(tw_cooperative_task *task);
TW_API int tw_cooperative_task_resume(tw_cooperative_task *task);
TW_API int tw_cooperative_task_stop(tw_cooperative_task *task);
TW_API void tw_cooperative_task_unref(tw_cooperative_task *task);

TW_END
#endif
