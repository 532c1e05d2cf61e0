/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - giving up: cancel, pause, shield.
 */
#include "defer/deferred.h"

#include <errno.h>

#include "base/hooks.h"

struct twi_body_hooks twi_body_hooks;

/* --- cancel ----------------------------------------------------------------------------- */

/* The canceller may fire the Deferred, and firing would release the canceller's own argument
 * under it: so the argument is taken out while it runs. */
static int call_canceller(tw_deferred *deferred)
{
    tw_release_fn *release = deferred->ctx_release;
    void *ctx = deferred->ctx;
    int r;

    deferred->ctx_release = NULL;
    deferred->state |= TWI_CANCELLING;
    r = deferred->cancel(deferred, ctx);
    deferred->state &= ~TWI_CANCELLING;
    if ((deferred->state & TWI_FIRED) == 0)
        deferred->ctx_release = release;
    else if (release != NULL)
        release(ctx);
    return r;
}

static TWI_APART int cancel_again(tw_deferred *deferred, bool in_circle)
{
    int (*again)(tw_deferred * deferred,
                 bool in_circle) = TWI_HOOK(twi_body_hooks.cancel_again);

    return again != NULL ? again(deferred, in_circle) : 0;
}

int twi_deferred_give_up(tw_deferred *deferred, tw_value failure, bool always)
{
    int r = 0;

    if ((deferred->state & TWI_CANCELLING) != 0) {
        tw_release(failure);
        r = cancel_again(deferred, false);
        return r > 0 ? 0 : r;
    }
    deferred->references++;
    if (deferred->cancel != NULL)
        r = call_canceller(deferred);
    else
        deferred->state |= TWI_SWALLOW;
    if ((deferred->state & TWI_FIRED) != 0 || (r != 0 && !always)) {
        tw_release(failure);
        twi_deferred_unref(deferred);
    } else {
        if (r != 0)
            deferred->state |= TWI_SWALLOW;
        twi_deferred_fire(deferred, failure, TW_HERE);
    }
    return r > 0 ? 0 : r;
}

struct cancellation {
    tw_deferred *deferred;
    int r;
};

static void cancel_out(void *arg)
{
    struct cancellation *cancellation = arg;

    cancellation->r = tw_cancel(cancellation->deferred);
}

/* Cancellers, and the chains that they fire, run on the thread's stack. */
static TWI_APART int cancel_on_thread(tw_deferred *deferred)
{
    struct cancellation cancellation = { deferred, 0 };

    twi_coroutine_call_out(cancel_out, &cancellation);
    return cancellation.r;
}

int tw_cancel(tw_deferred *deferred)
{
    if (deferred == NULL)
        return 0;
    TWI_CHECK(deferred);
    while ((deferred->state & TWI_WAITING) != 0)
        deferred = deferred->waiting_on;
    if ((deferred->state & TWI_FIRED) != 0)
        return 0;
    if (twi_on_coroutine())
        return cancel_on_thread(deferred);
    return twi_deferred_give_up(
        deferred, tw_fail_at(deferred->where, &tw_error_cancelled, "cancelled"), false);
}

/* --- of what is waited for ---------------------------------------------------------------- */

/* A canceller that cancels what its Deferred waits for; each runs within the one before. */
struct walk {
    const tw_deferred *waiter, *awaited;
    const struct walk *before;
};
static _Thread_local const struct walk *walks;

/* Has a row of such cancellers led from `awaited` to `waiter`? */
static bool comes_round(const tw_deferred *waiter, const tw_deferred *awaited)
{
    const struct walk *walk = walks;

    while (waiter != awaited && walk != NULL && walk->awaited == waiter) {
        waiter = walk->waiter;
        walk = walk->before;
    }
    return waiter == awaited;
}

int twi_cancel_awaited(const tw_deferred *waiter, tw_deferred *awaited)
{
    struct walk walk = { waiter, awaited, walks };
    int r;

    walks = &walk;
    r = tw_cancel(awaited);
    walks = walk.before;
    return r;
}

/* In the place of a tap that was called already; `arg` is the Deferred itself. */
static void taken_back(void *arg, size_t index, tw_value *result)
{
    (void)index;
    if (tw_is_failure(*result))
        ((tw_deferred *)arg)->state |= TWI_HANDLED;
}

static void tap_take_back(const struct twi_parent *parent, tw_deferred *child, size_t index)
{
    struct twi_entry *tap = twi_entries_find_tap(child, parent->tap, parent->arg, index);
    tw_value failure;

    if (tap == NULL)
        return;
    tap->fn.tap = taken_back;
    tap->arg = child;
    failure = tw_fail_at(parent->done->where, &tw_error_cancelled,
                         "cancelled, in a circle of waits");
    parent->tap(parent->arg, index, &failure);
    tw_release(failure);
}

void twi_cancel_child_of(const struct twi_parent *parent, tw_deferred *child, size_t index)
{
    tw_deferred *inner = child;
    const char *where;
    int r;

    if (child == NULL)
        return;
    while ((inner->state & TWI_WAITING) != 0)
        inner = inner->waiting_on;
    where = inner->where; /* it may go */
    r = (inner->state & TWI_CANCELLING) != 0 ? cancel_again(inner, true) : 0;
    if (r == 0 && comes_round(parent->done, inner))
        tap_take_back(parent, child, index);
    else if (r == 0)
        r = twi_cancel_awaited(parent->done, inner);
    if (r < 0)
        twi_report_refusal(where, parent->whose, r);
}

void twi_cancel_child(tw_deferred *child, const char *whose)
{
    const struct twi_parent none = { .whose = whose };

    twi_cancel_child_of(&none, child, 0);
}

/* --- pause ------------------------------------------------------------------------------ */

void tw_deferred_pause(tw_deferred *deferred)
{
    if (deferred == NULL)
        return;
    TWI_CHECK(deferred);
    if (deferred->state < TWI_PAUSES)
        deferred->state += TWI_PAUSE;
}

int tw_deferred_unpause(tw_deferred *deferred)
{
    if (deferred == NULL)
        return 0;
    TWI_CHECK(deferred);
    if (!twi_deferred_paused(deferred))
        return -EINVAL;
    deferred->state -= TWI_PAUSE;
    if (twi_deferred_done(deferred)) {
        deferred->references++;
        twi_deferred_run(deferred);
    }
    return 0;
}

/* --- shield ----------------------------------------------------------------------------- */

/* The result stays in the shielded Deferred (its address is the index) for others that look; a
 * failure counts as handled there, since it goes on here. */
static void shield_done(void *arg, size_t index, tw_value *result)
{
    tw_deferred *shield = arg, *inner = (tw_deferred *)index;

    inner->state |= TWI_HANDLED;
    twi_deferred_fire(shield, tw_retain(*result), shield->where);
}

tw_deferred *tw_shield_at(const char *where, tw_deferred *inner)
{
    tw_deferred *shield = NULL, *kept;

    if (inner == NULL)
        return NULL;
    TWI_CHECK(inner);
    shield = tw_promise_at(where, &kept, NULL, NULL, NULL);
    if (shield != NULL)
        twi_deferred_tap(inner, shield_done, kept, (size_t)inner);
    twi_deferred_unref(inner);
    return shield;
}
