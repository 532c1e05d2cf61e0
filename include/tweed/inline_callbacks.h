/* SPDX-License-Identifier: MIT */
/*
 * inline_callbacks.h - straight-line code that awaits Deferreds.
 *
 * A body runs in a coroutine: tw_await() stops it, at any depth of calls, until a Deferred has its
 * result, while everything else goes on. The body's result fires the body's own Deferred.
 *
 *     static tw_value task(void *url)
 *     {
 *         tw_value page = tw_await(tw_get_page(url));
 *         if (tw_is_failure(page))
 *             return page;                        // fails the Deferred below
 *         printf("%s: %zu bytes\n", (char *)url, tw_bytes_length(page));
 *         return page;
 *     }
 *     ...
 *     tw_deferred *done = tw_inline_callbacks(task, url);
 *
 * After Twisted's inlineCallbacks; groups after trio's nurseries.
 */
#ifndef TWEED_INLINE_CALLBACKS_H
#define TWEED_INLINE_CALLBACKS_H

#include <tweed/coroutine.h>
#include <tweed/deferred.h>

TW_BEGIN

/*
 * Run body(arg) in a coroutine: inside this call up to its first await of a Deferred that has
 * not fired. The returned Deferred fires with the body's result (tw_wait(d): with the result of
 * d).
 *   options   may be NULL
 * A cancel of the returned Deferred cancels the one that the body awaits: the body sees the
 * failure at its await and may clean up (awaiting again), recover, or return it; the Deferred
 * fires with the body's result when the body has ended. A second cancel goes to the await of
 * that moment. If the body is running, or its await has fired already, the cancel goes to its
 * next await that has to wait.
 * Dropping the Deferred does not stop the body. NULL when there is no memory: `release` was
 * called. Fails with tw_error_misuse when there is no body, its stack is less than 16 KiB, or
 * 4,000 bodies are being started, each inside the start of the one before.
 */
#define tw_inline_callbacks(body, arg) tw_inline_callbacks_at(TW_HERE, (body), (arg), NULL)
#define tw_inline_callbacks_with(body, arg, options) \
    tw_inline_callbacks_at(TW_HERE, (body), (arg), (options))
TW_API TW_MUST_USE tw_deferred *tw_inline_callbacks_at(
    const char *where, tw_coroutine_body *body, void *arg,
    const struct tw_coroutine_options *options);

/*
 * Wait for `deferred`, whose reference is taken over, and return its result: a value or a
 * failure, lent until the body returns (or tw_drop() in a loop). If it has fired, this returns
 * at once. A second await of the same Deferred returns none: the first took the result.
 * The place of this await is added to a failure's trail. Fails with
 *   tw_error_misuse      outside of inline callbacks (logged as critical); `deferred` waits for the
 *                        end of this body
 *   tw_error_abandoned   the Deferred died unfired, or the thread's reactor ended: then every
 *                        further await that would wait fails in the same way, and after 100 of
 *                        them the body's stack is taken away; all is logged
 *   tw_error_memory      `deferred` is NULL
 * Also works inside a generator that a body of inline callbacks runs: then all of them wait.
 */
#define tw_await(deferred) tw_await_at(TW_HERE, (deferred))
TW_API tw_value tw_await_at(const char *where, tw_deferred *deferred);

/* Await that many seconds (0: until the next turn) on the thread's reactor: none, or a failure when
 * cancelled. */
#define tw_sleep(seconds) tw_sleep_at(TW_HERE, (seconds))
TW_API tw_value tw_sleep_at(const char *where, double seconds);

/* The trail of a failure: a line for each coroutine that saw it at an await, innermost first,
 * "file:line in NAME"; 32 at most, then "and 5 more". Returns as snprintf(). Immortal failures,
 * as tw_fail_memory(), have no trail; when several hold a failure, each has a trail of its own. */
TW_API int tw_failure_format_trail(tw_value failure, char *text, size_t size);

/* Cancel every body of the calling thread that has not ended; returns how many. Each is cancelled
 * once; a body that awaits another sees the other's cancellation. */
TW_API size_t tw_inline_callbacks_cancel_all(void);
/* The Deferred of the running body, lent; NULL outside. */
TW_API tw_deferred *tw_inline_callbacks_current(void);

/* --- values of a coroutine ---------------------------------------------------------------- */

/* A name for a value that each coroutine has for itself. Static. A new coroutine begins with
 * the values of the one that starts it (as with Python's contextvars). */
struct tw_local {
    const char *name;
};
/* Set the running coroutine's value, outside of one the thread's own. `value` is taken. Returns
 * 0, -ENOMEM. */
TW_API int tw_local_set(const struct tw_local *local, tw_value value);
/* The value, lent until it is set again or the coroutine ends; none when it was never set. */
TW_API tw_value tw_local_get(const struct tw_local *local);

/* --- groups: coroutines that end before the block that started them ------------------------ */

/* Lives until its Deferred has fired. */
typedef struct tw_group tw_group;
/* May start coroutines into the group, here or by handing the group on. */
typedef tw_value tw_group_body(tw_group *group, void *arg);
/*
 * Run body(group, arg) in a coroutine; the Deferred fires with the body's result once the body
 * and all members have ended. At the first failure, of the body or a member, all others are
 * cancelled; when they have ended the Deferred fails with it. Further failures are reported as
 * unhandled. A cancel cancels the body and all members.
 */
#define tw_group_run(body, arg) tw_group_run_at(TW_HERE, (body), (arg))
TW_API TW_MUST_USE tw_deferred *tw_group_run_at(const char *where, tw_group_body *body,
                                                void *arg);
/* Start member(arg) in a coroutine of its own; or make any Deferred (taken over) a member.
 * Returns 0, -ECANCELED (the group is ending), -ENOMEM; on failure the new coroutine's
 * `release` is called, or the Deferred is cancelled. */
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
