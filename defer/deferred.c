/* SPDX-License-Identifier: MIT */
/*
 * deferred.c - the life of a Deferred: making, firing, counting, dying.
 *
 * Dying is the hard part: it calls releases and hooks and resumes waiters, any of which may
 * drop the last reference of another Deferred. Deaths within deaths are therefore counted, and
 * those too deep are left to the outermost.
 */
#include "defer/deferred.h"

#include <errno.h>
#include <stdlib.h>

#include <tweed/log.h>

enum { MAX_DEATHS = 64 };

TWI_QUICK_TLS struct twi_defer_thread twi_defer = {
    .deferreds = { .size = sizeof(tw_deferred) },
    .overflows = { .size = sizeof(struct twi_more) + 8 * sizeof(struct twi_entry) },
};

/* --- the type of values ----------------------------------------------------------------- */

static void value_retain(void *object)
{
    tw_deferred *deferred = object;
    deferred->references++;
}

static void value_release(void *object)
{
    twi_deferred_unref(object);
}

static int value_format(void *object, char *text, size_t size)
{
    return tw_deferred_format(object, text, size);
}

const tw_type tw_type_deferred = { "deferred", value_retain, value_release, value_format };

/* --- making ----------------------------------------------------------------------------- */

static inline tw_deferred *deferred_make(const char *where, unsigned references)
{
    tw_deferred *deferred = twi_store_alloc(&twi_defer.deferreds);

    if (TWI_UNLIKELY(deferred == NULL))
        return NULL;
    deferred->more = NULL;
    deferred->result = tw_none();
    deferred->where = where;
    deferred->references = references;
    deferred->state = 0;
#if TWI_DEBUG
    deferred->owner = &twi_defer;
    deferred->made_ns = twi_monotonic_ns();
    twi_leaks_watch();
#endif
    return deferred;
}

static inline tw_deferred *make_pending(const char *where, unsigned references,
                                        tw_canceller *cancel, void *ctx,
                                        tw_release_fn *release)
{
    tw_deferred *deferred = deferred_make(where, references);

    if (TWI_UNLIKELY(deferred == NULL))
        return NULL;
    deferred->cancel = cancel;
    deferred->ctx = ctx;
    deferred->ctx_release = release;
    return deferred;
}

/* The slot often lies in ctx, which may be gone after its release. */
static TWI_APART tw_deferred *promise_slowly(const char *where, tw_deferred **slot,
                                             tw_canceller *cancel, void *ctx,
                                             tw_release_fn *release)
{
    tw_deferred *deferred = make_pending(where, slot != NULL ? 2 : 1, cancel, ctx, release);

    if (slot != NULL)
        *slot = deferred;
    if (deferred == NULL && release != NULL)
        release(ctx);
    return deferred;
}

tw_deferred *tw_deferred_new_at(const char *where, tw_canceller *cancel, void *ctx,
                                tw_release_fn *release)
{
    if (TWI_UNLIKELY(!twi_store_ready(&twi_defer.deferreds)))
        return promise_slowly(where, NULL, cancel, ctx, release);
    return make_pending(where, 1, cancel, ctx, release);
}

tw_deferred *tw_promise_at(const char *where, tw_deferred **slot, tw_canceller *cancel,
                           void *ctx, tw_release_fn *release)
{
    if (TWI_UNLIKELY(!twi_store_ready(&twi_defer.deferreds)))
        return promise_slowly(where, slot, cancel, ctx, release);
    return *slot = make_pending(where, 2, cancel, ctx, release);
}

tw_deferred *tw_fired_at(const char *where, tw_value result)
{
    tw_deferred *deferred = deferred_make(where, 1);

    if (deferred == NULL) {
        tw_release(result);
        return NULL;
    }
    if (twi_is_deferred(result)) {
        tw_release(result);
        result = tw_fail_at(where, &tw_error_misuse, "a Deferred is no result");
    }
    deferred->state = TWI_FIRED;
    deferred->fired_at = where;
    deferred->result = tw_take(result);
    return deferred;
}

tw_deferred *tw_maybe_deferred_at(const char *where, tw_value result)
{
    if (twi_is_deferred(result))
        return tw_take(result).as.pointer;
    return tw_fired_at(where, result);
}

/* --- firing ----------------------------------------------------------------------------- */

/* No callback runs during the release, even if it adds some. */
static TWI_APART void release_ctx(tw_deferred *deferred, tw_release_fn *release)
{
    deferred->state |= TWI_RUNNING;
    twi_coroutine_call_out(release, deferred->ctx);
    deferred->state &= ~TWI_RUNNING;
}

void twi_deferred_settle(tw_deferred *deferred, tw_value result, const char *where)
{
    tw_release_fn *release = deferred->ctx_release;

    deferred->state |= TWI_FIRED;
    deferred->result = result;
    deferred->fired_at = where;
    if (release != NULL)
        release_ctx(deferred, release);
}

TWI_APART int twi_deferred_fire(tw_deferred *deferred, tw_value result, const char *where)
{
    int r = 0;

    if ((deferred->state & TWI_FIRED) != 0) {
        r = twi_deferred_fired_again(deferred, result, where);
        twi_deferred_unref(deferred);
        return r;
    }
    twi_deferred_settle(deferred, result, where);
    if (!twi_deferred_paused(deferred))
        return twi_deferred_run(deferred);
    twi_deferred_unref(deferred);
    return 0;
}

static TWI_APART int fire_slowly(tw_deferred *deferred, tw_value result, const char *where)
{
    uint32_t state = deferred->state;

    result = tw_take(result);
    if ((state & (TWI_PAUSES | TWI_FIRED)) != 0 || deferred->ctx_release != NULL)
        return twi_deferred_fire(deferred, result, where);
    deferred->result = result;
    deferred->fired_at = where;
    return twi_deferred_run_in(deferred, state | TWI_FIRED | TWI_RUNNING);
}

/* As twi_deferred_fire(), quick when nothing is special. */
static inline int deferred_fire(tw_deferred *deferred, tw_value result, const char *where)
{
    uint32_t state = deferred->state;

    if (TWI_UNLIKELY((state & (TWI_PAUSES | TWI_FIRED)) != 0 ||
                     deferred->ctx_release != NULL ||
                     (!tw_is_owned(result) && !tw_is_none(result))))
        return fire_slowly(deferred, result, where);
    deferred->result = result;
    deferred->fired_at = where;
    return twi_deferred_run_in(deferred, state | TWI_FIRED | TWI_RUNNING);
}

/* There is no Deferred to fire, or a bare Deferred as the result. */
static TWI_APART int deferred_refuse(tw_value result)
{
    tw_release(result);
    return twi_is_deferred(result) ? -EINVAL : 0;
}

int tw_fire_at(const char *where, tw_deferred **slot, tw_value result)
{
    tw_deferred *deferred = *slot;

    if (TWI_UNLIKELY(deferred == NULL || twi_is_deferred(result)))
        return deferred_refuse(result);
    TWI_CHECK(deferred);
    *slot = NULL;
    return deferred_fire(deferred, result, where);
}

int tw_deferred_fire_at(const char *where, tw_deferred *deferred, tw_value result)
{
    if (TWI_UNLIKELY(deferred == NULL || twi_is_deferred(result)))
        return deferred_refuse(result);
    TWI_CHECK(deferred);
    deferred->references++;
    return deferred_fire(deferred, result, where);
}

int tw_deferred_resolve_with_at(const char *where, tw_deferred *deferred, tw_deferred *inner)
{
    if (inner == NULL)
        return tw_deferred_fire_at(where, deferred, tw_fail_memory());
    if (deferred == NULL) {
        tw_deferred_unref(inner);
        return 0;
    }
    TWI_CHECK(deferred);
    TWI_CHECK(inner);
    if ((deferred->state & TWI_FIRED) != 0)
        return twi_deferred_fired_again(deferred, tw_wait(inner), where);
    deferred->references++;
    twi_deferred_settle(deferred, tw_none(), where);
    deferred->state |= TWI_RUNNING;
    if (twi_deferred_wait(deferred, inner))
        return 0;
    deferred->state &= ~TWI_RUNNING;
    if (!twi_deferred_paused(deferred))
        twi_deferred_run(deferred);
    else
        twi_deferred_unref(deferred);
    return 0;
}

/* --- counting --------------------------------------------------------------------------- */

tw_deferred *tw_deferred_ref(tw_deferred *deferred)
{
    if (deferred != NULL) {
        TWI_CHECK(deferred);
        deferred->references++;
    }
    return deferred;
}

/* --- dying ------------------------------------------------------------------------------ */

static void drop_entries(tw_deferred *deferred)
{
    tw_value failure = tw_none();
    struct twi_entry *next;

    while ((next = twi_entries_pop(deferred)) != NULL) {
        struct twi_entry entry = *next;
        if (twi_is_waiter(&entry) && tw_is_none(failure))
            failure = tw_fail_at(deferred->where, &tw_error_abandoned,
                                 "what was waited for died without a result");
        twi_entry_drop(&entry, tw_lend(failure));
    }
    tw_release(failure);
}

static void drop_more(struct twi_more *more)
{
    if (more->data_release != NULL)
        more->data_release(more->data);
    while (more->deaths != NULL) {
        struct twi_death *death = more->deaths;
        more->deaths = death->next;
        death->fn(death->arg);
        twi_free(death);
    }
    twi_more_free(more);
}

static void deferred_bury(tw_deferred *deferred)
{
    tw_value result;

    deferred->references = 1; /* the functions called here may look at it */
    if (tw_is_failure(deferred->result) && (deferred->state & TWI_HANDLED) == 0) {
        deferred->state |= TWI_HANDLED;
        twi_report_unhandled(deferred, deferred->result);
        if (deferred->references > 1) { /* the hook kept it */
            deferred->references--;
            return;
        }
    }
    drop_entries(deferred);
    if ((deferred->state & TWI_FIRED) == 0 && deferred->ctx_release != NULL)
        deferred->ctx_release(deferred->ctx);
    if (deferred->more != NULL)
        drop_more(deferred->more);
    result = deferred->result;
    deferred->references = 0;
    twi_store_free(&twi_defer.deferreds, deferred);
    tw_release(result);
}

static void die_out(void *deferred);

static TWI_APART void die(tw_deferred *deferred)
{
    struct twi_defer_thread *self = &twi_defer;

    if (twi_on_coroutine()) {
        twi_coroutine_call_out(die_out, deferred);
        return;
    }
    if (self->deaths == MAX_DEATHS) {
        deferred->link = self->doomed;
        self->doomed = deferred;
        return;
    }
    self->deaths++;
    deferred_bury(deferred);
    while (self->deaths == 1 && self->doomed != NULL) {
        deferred = self->doomed;
        self->doomed = deferred->link;
        deferred_bury(deferred);
    }
    self->deaths--;
}

static void die_out(void *deferred)
{
    die(deferred);
}

static inline bool needs_release(tw_value result)
{
    return !tw_is_none(result) && tw_typeof(result)->release != NULL;
}

/* Most Deferreds have nothing left to release. */
static inline void last(tw_deferred *deferred)
{
    if (TWI_UNLIKELY((deferred->state & (TWI_FIRED | TWI_HAS_BOTH)) != TWI_FIRED ||
                     deferred->more != NULL || needs_release(deferred->result)))
        die(deferred);
    else
        twi_store_free(&twi_defer.deferreds, deferred);
}

void twi_deferred_last(tw_deferred *deferred)
{
    last(deferred);
}

void tw_deferred_unref(tw_deferred *deferred)
{
    unsigned left;

    if (deferred == NULL)
        return;
    TWI_CHECK(deferred);
    left = --deferred->references;
    if (left == 0)
        last(deferred);
    else if (TWI_UNLIKELY((deferred->state & (TWI_WAITING | TWI_LONELY)) != 0) && left == 1)
        twi_deferred_last_but_one(deferred);
}

#if TWI_DEBUG
void twi_deferred_check(const tw_deferred *deferred, const char *function)
{
    const char *what = NULL;

    if (deferred->references == 0)
        what = "is dead";
    else if (deferred->owner != &twi_defer)
        what = "belongs to another thread";
    if (what == NULL)
        return;
    tw_log(TW_LOG_CRITICAL, "deferred", "%s: Deferred %p %s", function, (const void *)deferred,
           what);
    abort();
}
#endif
