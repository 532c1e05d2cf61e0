/* SPDX-License-Identifier: MIT */
/*
 * deferred.h - a result that will exist later.
 *
 * A Deferred is fired exactly once, by the code that created it, with a value or a failure.
 * Callbacks added to it run in order; each is given what the one before returned. Deferreds
 * are counted: a function that returns one gives you a reference; adding callbacks does not
 * consume it; list, gather, race, tw_wait, tw_await, resolve_with, shield and block_on take
 * yours over. Everything here belongs to one reactor's thread.
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
 * tw_retain() it to keep it. What you return is given to the chain: a value, a failure
 * (tw_fail()), or a Deferred to wait for (tw_wait()). */
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
 *   cancel    NULL: cannot be stopped; a cancel fires tw_error_cancelled at once and one late
 *             result is then swallowed
 *   ctx       for cancel; the _with form calls `release` with it once: when the Deferred fires
 *             or dies, and also when none could be made
 * NULL, and *slot NULL, when there is no memory.
 */
#define tw_promise(slot, cancel, ctx) tw_promise_at(TW_HERE, (slot), (cancel), (ctx), NULL)
#define tw_promise_with(slot, cancel, ctx, release) \
    tw_promise_at(TW_HERE, (slot), (cancel), (ctx), (release))
TW_API tw_deferred *tw_promise_at(const char *where, tw_deferred **slot, tw_canceller *cancel,
                                  void *ctx, tw_release_fn *release);
/* Empty the slot, fire what was in it with `result` (taken), let go of it. An empty slot only
 * releases `result`. Returns 0, -EALREADY (fired by somebody else: reported, result released),
 * -EINVAL (a bare Deferred as the result: the slot stays as it is, use
 * tw_deferred_resolve_with()). A failure as the result makes the chain go on with errbacks. */
#define tw_fire(slot, ...) tw_fire_at(TW_HERE, (slot), __VA_ARGS__)
TW_API int tw_fire_at(const char *where, tw_deferred **slot, tw_value result);

/* The same by hand, with one reference for all: new, then fire. */
#define tw_deferred_new(cancel, ctx, release) \
    tw_deferred_new_at(TW_HERE, (cancel), (ctx), (release))
TW_API tw_deferred *tw_deferred_new_at(const char *where, tw_canceller *cancel, void *ctx,
                                       tw_release_fn *release);
#define tw_deferred_fire(deferred, ...) tw_deferred_fire_at(TW_HERE, (deferred), __VA_ARGS__)
TW_API int tw_deferred_fire_at(const char *where, tw_deferred *deferred, tw_value result);
/* Fire `deferred` with what `inner` will have; takes over your reference of inner. A cancel of
 * `deferred` goes on to inner. Returns 0, -EALREADY. */
#define tw_deferred_resolve_with(deferred, inner) \
    tw_deferred_resolve_with_at(TW_HERE, (deferred), (inner))
TW_API int tw_deferred_resolve_with_at(const char *where, tw_deferred *deferred,
                                       tw_deferred *inner);

/* Already fired. `result` is taken; a failure makes a failed one, and so (tw_error_misuse) does
 * a Deferred. */
#define tw_succeed(...) tw_fired_at(TW_HERE, __VA_ARGS__)
#define tw_failed(...) tw_fired_at(TW_HERE, __VA_ARGS__)
TW_API tw_deferred *tw_fired_at(const char *where, tw_value result);
/* Whatever a callback may return, as a Deferred: a Deferred (tw_wait()) as it is, anything else
 * already fired. Twisted's maybeDeferred: tw_maybe_deferred(fn(arg)). */
#define tw_maybe_deferred(...) tw_maybe_deferred_at(TW_HERE, __VA_ARGS__)
TW_API tw_deferred *tw_maybe_deferred_at(const char *where, tw_value result);

/* One more reference; the argument again. */
TW_API tw_deferred *tw_deferred_ref(tw_deferred *deferred);
/* Let go of one. At the last, a failure that nobody handled is reported (see the hooks), and
 * whoever waits for an unfired one sees tw_error_abandoned. */
TW_API void tw_deferred_unref(tw_deferred *deferred);

/* --- callbacks -------------------------------------------------------------------------- */

/* Each adds one step to the chain and returns 0; on a fired Deferred it runs at once, before
 * the call returns, unless the chain is paused, waiting or running. Out of memory fails the
 * Deferred with tw_error_memory first and then runs; -ENOMEM only where that is impossible.
 * -EINVAL without fn. */
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
/* Inside a raw callback: what the chain goes on with; takes `result`. Returns 0, -EINVAL. */
TW_API int tw_deferred_replace(tw_deferred *deferred, tw_value result);

/* Return this from a callback to wait for `inner`; takes over your reference. */
TW_API tw_value tw_wait(tw_deferred *inner);

/* Hand the result of `deferred` to `next`, callback to callback and errback to errback; later
 * callbacks of `deferred` see none. Takes no reference of `deferred`; takes over yours of
 * `next`'s producer side: `next` must not be fired by anybody else. Twisted's chainDeferred. */
TW_API int tw_chain_deferred(tw_deferred *deferred, tw_deferred *next);

/* --- pause, cancel, timeouts, shield ------------------------------------------------------ */

/* Counted: the chain goes on at the unpause that takes the last pause back, before that returns. */
TW_API void tw_deferred_pause(tw_deferred *deferred);
TW_API int tw_deferred_unpause(tw_deferred *deferred); /* 0, -EINVAL when it was not paused */

/* Give up the wait. Not fired: the canceller is called, and if it did not fire,
 * tw_error_cancelled is. Fired and waiting for another: forwarded to the innermost. Fired and
 * done: nothing. Returns 0, or the canceller's error (then nothing was fired). */
TW_API int tw_cancel(tw_deferred *deferred);

/*
 * Give up on `deferred` once `seconds` have passed.
 *   seconds    0 or more; 0 gives up on the next turn, never inside this call
 *   clock      lent; must outlive `deferred`; NULL for the calling thread's reactor
 *
 * `deferred` is then cancelled. What comes of that goes on: the failure tw_error_cancelled (as the
 * first of gather's, or all of race's) as tw_error_timeout to the callbacks added from here on; any
 * other, and a value, as it is. A cancelled list or map gives its list of results. If it fires
 * first, the timer is gone; in a tie, what was scheduled first wins. A refused cancel is logged.
 * Covers the callbacks added before it; several are allowed.
 * Returns 0, -EINVAL (negative or not finite), -ENOMEM.
 */
TW_API int tw_deferred_add_timeout(tw_deferred *deferred, double seconds, tw_clock *clock);

/* A Deferred that gets the result of `inner` (your reference is taken over); cancelling it
 * leaves inner alone. */
#define tw_shield(inner) tw_shield_at(TW_HERE, (inner))
TW_API tw_deferred *tw_shield_at(const char *where, tw_deferred *inner);

/* --- looking inside ------------------------------------------------------------------------- */

TW_API bool tw_deferred_called(const tw_deferred *deferred);
/* How many tw_deferred_unpause() are to come. A chain that waits for another Deferred goes on by
 * that one and does not count as paused. */
TW_API unsigned tw_deferred_paused(const tw_deferred *deferred);
/* The current result, lent, to be had at any time:
 *   before it is fired, in its canceller too        none
 *   inside one of its callbacks                     that callback's input
 *   in a raw callback after tw_deferred_replace()   what it was replaced by
 *   while it is paused                              what the next callback will see
 *   while it waits for another                      none
 *   when it is done                                 what the last callback returned
 *   once its result was handed on                   none: by an await, tw_wait(), resolve_with,
 *                                                   tw_chain_deferred(), block_on or take_result;
 *                                                   and a failure that a list or map consumed
 * NULL: tw_error_memory. */
TW_API tw_value tw_deferred_result(const tw_deferred *deferred);
/* Done: fired, not paused, not waiting, all callbacks run. */
TW_API bool tw_deferred_is_done(const tw_deferred *deferred);
/* What its chain waits for, lent; NULL when for nothing. */
TW_API tw_deferred *tw_deferred_waiting_on(const tw_deferred *deferred);
/* Where it was made and where it was fired (NULL: not yet), "file:line". */
TW_API const char *tw_deferred_where(const tw_deferred *deferred);
TW_API const char *tw_deferred_fired_where(const tw_deferred *deferred);
/* Take the result out of one that is done, leaving none: owned, and no longer unhandled. */
TW_API tw_value tw_deferred_take_result(tw_deferred *deferred);
/* Say that the failure it holds has been dealt with. */
TW_API void tw_deferred_mark_handled(tw_deferred *deferred);

/* One pointer of the user's, with a release called once, when replaced or at the death of the
 * Deferred. Returns 0, -ENOMEM (released). */
TW_API int tw_deferred_set_data(tw_deferred *deferred, void *data, tw_release_fn *release);
TW_API void *tw_deferred_data(const tw_deferred *deferred);
/* fn(arg) at the death of the Deferred. Returns 0, -EINVAL (no fn), -ENOMEM. */
TW_API int tw_deferred_on_death(tw_deferred *deferred, void (*fn)(void *arg), void *arg);

/* One line of text for a person: address, state, result, what it waits for, where made. */
TW_API int tw_deferred_format(const tw_deferred *deferred, char *text, size_t size);
/* A line for each pending Deferred of this thread and, indented below it, what it waits for.
 * `line` is lent for the call. A build with --enable-debug tells ages too. */
TW_API void tw_deferred_dump(void (*write_line)(const char *line, void *arg), void *arg);
/* How many Deferreds of this thread are alive. */
TW_API size_t tw_deferred_count(void);

/* Hooks of the calling thread; NULL restores the default, which logs at TW_LOG_CRITICAL. */
struct tw_deferred_hooks {
    /* The last reference of `deferred` goes while it holds `failure` (lent). `deferred` is NULL for
     * one among the results of a list, at which nobody has looked. */
    void (*unhandled)(tw_deferred *deferred, tw_value failure, void *arg);
    /* Somebody fired it a second time with `result` (lent). */
    void (*fired_twice)(tw_deferred *deferred, tw_value result, void *arg);
    void *arg;
};
TW_API void tw_deferred_set_hooks(const struct tw_deferred_hooks *hooks);

TW_END
#endif
