/* SPDX-License-Identifier: MIT */
/*
 * inline_callbacks.h - straight-line code that awaits Deferreds.
 *
 * A body runs in a coroutine: tw_await() stops it, at any depth of calls, until a Deferred has its
 * result, while everything else goes on. What the body returns fires its own Deferred.
 *
 *     static tw_value task(void *url)
 *     {
 *         tw_value page = tw_await(tw_get_page(url));
 *         if (tw_is_failure(page))
 *             return page;                        // fails the Deferred below
 *         printf("%s: %zu bytes\n", (char *)url, tw_bytes_length(page));
 *         return page;
 *     }
 *     ... tw_deferred *done = tw_inline_callbacks(task, url);
 *
 * After Twisted's inlineCallbacks; groups after trio's nurseries.
 */
#ifndef TWEED_INLINE_CALLBACKS_H
#define TWEED_INLINE_CALLBACKS_H

#include <tweed/coroutine.h>
#include <tweed/deferred.h>

TW_BEGIN

/*
 * Run body(arg) in a coroutine, at once up to its first await of something unfired; the Deferred
 * fires with what it returns (tw_wait(d): with what d will have).
 *   options   may be NULL
 * A cancel of the Deferred cancels what is awaited: the body sees that failure at its await and may
 * clean up (awaiting again), recover, or return it; the Deferred fires when the body has ended,
 * with what it returned. A second cancel goes to what is awaited then. A cancel of a body that is
 * running, or has something fired, cancels its next await that waits.
 * Dropping the Deferred detaches; the body goes on. NULL when there is no memory: `release` was
 * called. Fails with tw_error_misuse when there is no body, its stack is less than 16 KiB, or it is
 * the 4001st that starts within the start of another.
 */
#define tw_inline_callbacks(body, arg) tw_inline_callbacks_at(TW_HERE, (body), (arg), NULL)
#define tw_inline_callbacks_with(body, arg, options) \
    tw_inline_callbacks_at(TW_HERE, (body), (arg), (options))
TW_API tw_deferred *tw_inline_callbacks_at(const char *where, tw_coroutine_body *body,
                                           void *arg,
                                           const struct tw_coroutine_options *options);

/*
 * Wait for `deferred`, whose reference is taken over, and give its result: a value or a failure,
 * lent until the body returns (or tw_drop() in a loop). What has fired already does not stop.
 * A second await of the same Deferred gives none: the first took the result.
 * A failure gets the place of this await added to its trail. Fails with
 *   tw_error_misuse      outside of inline callbacks (logged as critical); `deferred` waits for the
 *                        end of this body
 *   tw_error_abandoned   the Deferred died unfired, or the thread's reactor ended: then each
 *                        further await that would wait fails so too, and after 100 that fail the
 *                        body's stack is taken away; all is logged
 *   tw_error_memory      `deferred` is NULL
 * Also works inside a generator that a body of inline callbacks runs: then all of them wait.
 */
#define tw_await(deferred) tw_await_at(TW_HERE, (deferred))
TW_API tw_value tw_await_at(const char *where, tw_deferred *deferred);

/* Await that many seconds (0: until the next turn) on the thread's reactor: none, or a failure when
 * cancelled. */
#define tw_sleep(seconds) tw_sleep_at(TW_HERE, (seconds))
TW_API tw_value tw_sleep_at(const char *where, double seconds);

/* Where a failure went: a line for each coroutine that saw it at an await, innermost first,
 * "file:line in NAME"; 32 at most, then "and 5 more". As snprintf(). Immortal failures, as
 * tw_fail_memory(), have none; of a failure that several hold, each holder's trail is its own. */
TW_API int tw_failure_format_trail(tw_value failure, char *text, size_t size);

/* Cancel every body of the calling thread that has not ended; returns how many. Each is cancelled
 * once, also when one awaits another: then it sees that one's cancellation. */
TW_API size_t tw_inline_callbacks_cancel_all(void);
/* The Deferred of the running body, lent; NULL outside. */
TW_API tw_deferred *tw_inline_callbacks_current(void);

/* --- values of a coroutine ---------------------------------------------------------------- */

/* A name for a value that each coroutine has for itself. Static. One that a coroutine starts sees
 * what its starter had at that moment (as Python's contextvars). */
struct tw_local {
    const char *name;
};
/* 0, -ENOMEM. `value` is taken. Outside of a coroutine: the thread's own. */
TW_API int tw_local_set(const struct tw_local *local, tw_value value);
/* Lent until it is set again or the coroutine ends; none when never set. */
TW_API tw_value tw_local_get(const struct tw_local *local);

/* --- groups: coroutines that end before the block that started them ------------------------ */

/* Lives until its Deferred has fired. */
typedef struct tw_group tw_group;
/* May start coroutines into the group, here or by handing the group on. */
typedef tw_value tw_group_body(tw_group *group, void *arg);
/*
 * Run body(group, arg) in a coroutine; the Deferred fires with what it returned once the body and
 * everything started into the group have ended. The first failure, of the body or a member, cancels
 * all others, waits for them and is what the Deferred fails with; further ones are reported as
 * unhandled. A cancel cancels all.
 */
#define tw_group_run(body, arg) tw_group_run_at(TW_HERE, (body), (arg))
TW_API tw_deferred *tw_group_run_at(const char *where, tw_group_body *body, void *arg);
/* Start member(arg) in a coroutine of its own; or take any Deferred in, whose result others may
 * still see. 0; -ECANCELED when the group is on its end; -ENOMEM. What is not taken in is
 * cancelled, its `release` called. */
#define tw_group_start(group, member, arg) \
    tw_group_start_at(TW_HERE, (group), (member), (arg), NULL)
TW_API int tw_group_start_at(const char *where, tw_group *group, tw_coroutine_body *member,
                             void *arg, const struct tw_coroutine_options *options);
TW_API int tw_group_add(tw_group *group, tw_deferred *deferred);
/* Cancel all members, and the body at its await; the Deferred then fires with tw_error_cancelled
 * unless the body returns something. */
TW_API void tw_group_cancel(tw_group *group);
TW_API size_t tw_group_count(const tw_group *group); /* members that have not ended */

TW_END
#endif
