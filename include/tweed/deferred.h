/* SPDX-License-Identifier: MIT */
/*
 * deferred.h - a result that will exist later.
 *
 * A Deferred is fired exactly once, by the code that created it, with a value or a failure.
 * Callbacks added to it run in order; each is given what the one before returned. Deferreds
 * are counted: a function that returns one gives you a reference; adding callbacks does not
 * consume it; list, gather, race, tw_wait, tw_await, resolve_with, shield and block_on take
 * yours over. Everything here belongs to one reactor's thread.
 *
 *     static tw_value print_sum(tw_value sum, void *what)
 *     {
 *         printf("%s = %d\n", (char *)what, (int)tw_integer_of(sum));
 *         return tw_none();
 *     }
 *     ...
 *     tw_deferred *slot, *sum = tw_promise(&slot, NULL, NULL);   // to fire; to wait for
 *     tw_add_callback(sum, print_sum, "1 + 2");
 *     tw_add_errback(sum, tw_log_failure, "1 + 2");
 *     tw_deferred_unref(sum);
 *     tw_fire(&slot, tw_integer(1 + 2));                          // prints "1 + 2 = 3"
 *
 * After Twisted's twisted.internet.defer.
 *
 * NULL is the Deferred that could not be made: every function takes it, and every errback added
 * to it sees tw_error_memory.
 */
#ifndef TWEED_DEFERRED_H
#define TWEED_DEFERRED_H

#include <tweed/clock.h>
#include <tweed/failure.h>

TW_BEGIN

typedef struct tw_deferred tw_deferred;

/* One callback. `result` is lent for the call; return it, or anything inside it, to pass it on;
 * tw_retain() it to keep it. The chain takes what you return: a value, a failure (tw_fail()),
 * or a Deferred to wait for (tw_wait()). */
typedef tw_value tw_callback(tw_value result, void *arg);

/* Called by tw_cancel() to stop the work behind `deferred`; it may fire it, or leave that to
 * tw_cancel(). Returns 0; a negative errno when the work cannot be stopped: then tw_cancel()
 * returns that and nothing is fired; or TW_CANCEL_LATER when the work is being stopped and will
 * fire by itself: then tw_cancel() fires nothing and returns 0. */
typedef int tw_canceller(tw_deferred *deferred, void *ctx);
#define TW_CANCEL_LATER 1

/* --- making and firing ------------------------------------------------------------------ */

/*
 * Promise a result. Fills *slot with the producer's reference and returns the consumer's.
 *   cancel    NULL: the work cannot be stopped; tw_cancel() then fires tw_error_cancelled at
 *             once, and one late result is dropped without a report
 *   ctx       for cancel; the _with form calls `release` with it once: when the Deferred fires
 *             or dies, and also when none could be made
 * Without memory returns NULL and sets *slot to NULL.
 */
#define tw_promise(slot, cancel, ctx) tw_promise_at(TW_HERE, (slot), (cancel), (ctx), NULL)
#define tw_promise_with(slot, cancel, ctx, release) \
    tw_promise_at(TW_HERE, (slot), (cancel), (ctx), (release))
TW_API TW_MUST_USE tw_deferred *tw_promise_at(const char *where, tw_deferred **slot,
                                              tw_canceller *cancel, void *ctx,
                                              tw_release_fn *release);
/* Empty the slot, fire the Deferred from it with `result` (taken), drop the reference. With an
 * empty slot only `result` is released. Returns 0, -EALREADY (fired by somebody else: reported,
 * result released), -EINVAL (a bare Deferred as the result: the slot stays as it is, use
 * tw_deferred_resolve_with()). A failure as the result makes the chain go on with errbacks. */
#define tw_fire(slot, ...) tw_fire_at(TW_HERE, (slot), __VA_ARGS__)
TW_API int tw_fire_at(const char *where, tw_deferred **slot, tw_value result);

/* The same by hand, with one reference for all: new, then fire. */
#define tw_deferred_new(cancel, ctx, release) \
    tw_deferred_new_at(TW_HERE, (cancel), (ctx), (release))
TW_API TW_MUST_USE tw_deferred *tw_deferred_new_at(const char *where, tw_canceller *cancel,
                                                   void *ctx, tw_release_fn *release);
#define tw_deferred_fire(deferred, ...) tw_deferred_fire_at(TW_HERE, (deferred), __VA_ARGS__)
TW_API int tw_deferred_fire_at(const char *where, tw_deferred *deferred, tw_value result);
/* Fire `deferred` with the result that `inner` has or will have; takes over your reference of
 * inner. A cancel of `deferred` goes on to inner. Returns 0, -EALREADY. */
#define tw_deferred_resolve_with(deferred, inner) \
    tw_deferred_resolve_with_at(TW_HERE, (deferred), (inner))
TW_API int tw_deferred_resolve_with_at(const char *where, tw_deferred *deferred,
                                       tw_deferred *inner);

/* A Deferred that has fired with `result` (taken). A failure makes a failed one; a bare
 * Deferred as the result makes one that failed with tw_error_misuse. */
#define tw_succeed(...) tw_fired_at(TW_HERE, __VA_ARGS__)
#define tw_failed(...) tw_fired_at(TW_HERE, __VA_ARGS__)
TW_API TW_MUST_USE tw_deferred *tw_fired_at(const char *where, tw_value result);
/* Make a Deferred of anything that a callback may return: a Deferred (tw_wait()) stays as it
 * is, any other value becomes one that has fired. Twisted's maybeDeferred:
 * tw_maybe_deferred(fn(arg)). */
#define tw_maybe_deferred(...) tw_maybe_deferred_at(TW_HERE, __VA_ARGS__)
TW_API TW_MUST_USE tw_deferred *tw_maybe_deferred_at(const char *where, tw_value result);

/* Add a reference; returns the argument. */
TW_API tw_deferred *tw_deferred_ref(tw_deferred *deferred);
/* Drop a reference. With the last one a failure that nobody handled is reported (see the
 * hooks), and all that wait for a Deferred that has not fired see tw_error_abandoned. */
TW_API void tw_deferred_unref(tw_deferred *deferred);

/* --- callbacks -------------------------------------------------------------------------- */

/* Each adds one step to the chain and returns 0; on a fired Deferred the step runs at once,
 * before the call returns, unless the chain is paused, waiting or running. Without memory the
 * Deferred first fails with tw_error_memory, then the step runs on that failure; where this is
 * impossible (a chain that is paused or running) the call returns -ENOMEM. -EINVAL without fn. */
TW_API int tw_add_callback(tw_deferred *deferred, tw_callback *fn, void *arg);
TW_API int tw_add_errback(tw_deferred *deferred, tw_callback *fn, void *arg);
TW_API int tw_add_both(tw_deferred *deferred, tw_callback *fn, void *arg);
/* A pair: the errback does not see failures of its own callback. Either may be NULL, which
 * passes the result through. */
TW_API int tw_add_callbacks(tw_deferred *deferred, tw_callback *callback, void *callback_arg,
                            tw_callback *errback, void *errback_arg);
/* Any of the above with a release for the argument, called once, whether fn ran or was
 * dropped, and also when the call fails. */
TW_API int tw_add_callback_with(tw_deferred *deferred, tw_callback *fn, void *arg,
                                tw_release_fn *release);
TW_API int tw_add_errback_with(tw_deferred *deferred, tw_callback *fn, void *arg,
                               tw_release_fn *release);
TW_API int tw_add_both_with(tw_deferred *deferred, tw_callback *fn, void *arg,
                            tw_release_fn *release);
TW_API int tw_add_callbacks_with(tw_deferred *deferred, tw_callback *callback,
                                 void *callback_arg, tw_release_fn *callback_release,
                                 tw_callback *errback, void *errback_arg,
                                 tw_release_fn *errback_release);
/* For language bindings: fn runs for either side, reads tw_deferred_result() and may call
 * tw_deferred_replace(); it takes and returns no struct. -EINVAL without fn. */
TW_API int tw_add_raw(tw_deferred *deferred, void (*fn)(tw_deferred *deferred, void *arg),
                      void *arg, tw_release_fn *release);
/* Inside a raw callback: replace the chain's current result by `result` (taken). Returns 0,
 * -EINVAL. */
TW_API int tw_deferred_replace(tw_deferred *deferred, tw_value result);

/* Return this from a callback to wait for `inner`; takes over your reference. */
TW_API TW_MUST_USE tw_value tw_wait(tw_deferred *inner);

/* Hand the result of `deferred` to `next`, callback to callback and errback to errback; later
 * callbacks of `deferred` see none. Takes no reference of `deferred`; takes over yours of
 * `next`'s producer side: `next` must not be fired by anybody else. Twisted's chainDeferred. */
TW_API int tw_chain_deferred(tw_deferred *deferred, tw_deferred *next);

/* --- pause, cancel, timeouts, shield ------------------------------------------------------ */

/* Counted: the chain goes on at the unpause that takes the last pause back, before that returns. */
TW_API void tw_deferred_pause(tw_deferred *deferred);
TW_API int tw_deferred_unpause(tw_deferred *deferred); /* 0, -EINVAL when it was not paused */

/* Give up the wait. If `deferred` has not fired, its canceller is called, and if that does not
 * fire it, it is fired with tw_error_cancelled. If it waits for another Deferred, the innermost
 * of these is cancelled. If it is done, nothing happens. Returns 0, or the canceller's error
 * (then nothing was fired). */
TW_API int tw_cancel(tw_deferred *deferred);

/*
 * Give up on `deferred` once `seconds` have passed.
 *   seconds    0 or more; 0 gives up on the next turn, never inside this call
 *   clock      lent; must outlive `deferred`; NULL for the calling thread's reactor
 *
 * `deferred` is then cancelled, and callbacks added from here on see the outcome:
 * tw_error_timeout in place of the failure tw_error_cancelled (also where that is gather's
 * first failure, or all of race's); another failure, or a value, unchanged. A cancelled list or
 * map gives its list of results. If `deferred` fires before, the timer is dropped; in a tie,
 * the event that was scheduled first wins. A refused cancel is logged. The limit covers the
 * callbacks added before this call; several limits are allowed.
 * Returns 0, -EINVAL (negative or not finite), -ENOMEM.
 */
TW_API int tw_deferred_add_timeout(tw_deferred *deferred, double seconds, tw_clock *clock);

/* A Deferred that gets the result of `inner` (your reference is taken over); cancelling it does
 * not cancel inner. */
#define tw_shield(inner) tw_shield_at(TW_HERE, (inner))
TW_API TW_MUST_USE tw_deferred *tw_shield_at(const char *where, tw_deferred *inner);

/* --- looking inside ------------------------------------------------------------------------- */

TW_API bool tw_deferred_called(const tw_deferred *deferred);
/* The number of tw_deferred_unpause() calls until the chain goes on. A chain that waits for
 * another Deferred does not count as paused. */
TW_API unsigned tw_deferred_paused(const tw_deferred *deferred);
/* The current result, lent. It may be read at any time:
 *   before it is fired, in its canceller too        none
 *   inside one of its callbacks                     that callback's input
 *   in a raw callback after tw_deferred_replace()   the replacement
 *   while it is paused                              the next callback's input
 *   while it waits for another                      none
 *   when it is done                                 the last callback's result
 *   once its result was handed on                   none: by an await, tw_wait(), resolve_with,
 *                                                   tw_chain_deferred(), block_on or take_result;
 *                                                   and a failure that a list or map consumed
 * NULL: tw_error_memory. */
TW_API tw_value tw_deferred_result(const tw_deferred *deferred);
/* Done: fired, not paused, not waiting, all callbacks run. */
TW_API bool tw_deferred_is_done(const tw_deferred *deferred);
/* The Deferred that its chain waits for, lent; NULL when there is none. */
TW_API tw_deferred *tw_deferred_waiting_on(const tw_deferred *deferred);
/* The places where it was made and where it was fired (NULL: not yet), "file:line". */
TW_API const char *tw_deferred_where(const tw_deferred *deferred);
TW_API const char *tw_deferred_fired_where(const tw_deferred *deferred);
/* Take the result, owned, out of a Deferred that is done, leaving none. A failure taken out
 * counts as handled. */
TW_API TW_MUST_USE tw_value tw_deferred_take_result(tw_deferred *deferred);
/* Mark the failure that it holds as handled: it will not be reported. */
TW_API void tw_deferred_mark_handled(tw_deferred *deferred);

/* One pointer of the user's, with a release called once, when replaced or at the death of the
 * Deferred. Returns 0, -ENOMEM (released). */
TW_API int tw_deferred_set_data(tw_deferred *deferred, void *data, tw_release_fn *release);
TW_API void *tw_deferred_data(const tw_deferred *deferred);
/* Call fn(arg) when the Deferred's last reference is dropped. Returns 0, -EINVAL (no fn),
 * -ENOMEM. */
TW_API int tw_deferred_on_death(tw_deferred *deferred, void (*fn)(void *arg), void *arg);

/* One line of text for a person: its address, state and result, the Deferred that it waits for,
 * the place where it was made. Returns as snprintf(). */
TW_API int tw_deferred_format(const tw_deferred *deferred, char *text, size_t size);
/* Write a line for each pending Deferred of this thread and, indented below it, for the one
 * that it waits for. `line` is lent for the call. A build with --enable-debug adds ages. */
TW_API void tw_deferred_dump(void (*write_line)(const char *line, void *arg), void *arg);
/* The number of Deferreds of this thread. */
TW_API size_t tw_deferred_count(void);

/* Hooks of the calling thread; NULL restores the default, which logs at TW_LOG_CRITICAL. */
struct tw_deferred_hooks {
    /* The last reference of `deferred` is dropped while it holds `failure` (lent). `deferred`
     * is NULL for a failure among a list's results that nobody has looked at. */
    void (*unhandled)(tw_deferred *deferred, tw_value failure, void *arg);
    /* `deferred` was fired a second time, with `result` (lent). */
    void (*fired_twice)(tw_deferred *deferred, tw_value result, void *arg);
    void *arg;
};
TW_API void tw_deferred_set_hooks(const struct tw_deferred_hooks *hooks);

TW_END
#endif
