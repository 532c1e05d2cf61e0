/* SPDX-License-Identifier: MIT */
/*
 * chain.c - entries are added, the chain runs.
 *
 * Nothing here recurses with the length of chains and rows of waiting Deferreds. A Deferred
 * that waits is resumed in the same loop as the one that it waited for; Deferreds that were
 * left in the middle of their own chains meanwhile are a stack, linked through themselves. A
 * fire inside a callback does nest, but past MAX_DEPTH it goes to a queue that the outermost
 * run empties.
 */
#include "defer/deferred.h"

#include <errno.h>

enum { MAX_DEPTH = 64 };

/* --- waiting ---------------------------------------------------------------------------- */

/* Only a Deferred that is waited for can close a circle, so the usual case costs nothing. */
static bool waits_for(const tw_deferred *inner, const tw_deferred *deferred)
{
    if ((deferred->state & TWI_AWAITED) == 0)
        return false;
    while ((inner->state & TWI_WAITING) != 0) {
        inner = inner->waiting_on;
        if (inner == deferred)
            return true;
    }
    return false;
}

static bool resolve_now(tw_deferred *deferred, tw_deferred *inner, tw_value result)
{
    deferred->result = result;
    twi_deferred_unref(inner);
    return false;
}

bool twi_deferred_wait(tw_deferred *deferred, tw_deferred *inner)
{
    struct twi_entry *entry;

    if (twi_deferred_done(inner)) {
        tw_value result = inner->result;
        inner->result = tw_none();
        return resolve_now(deferred, inner, result);
    }
    if (inner == deferred || waits_for(inner, deferred))
        return resolve_now(
            deferred, inner,
            tw_fail_at(deferred->where, &tw_error_misuse, "a Deferred waits for itself"));
    if (inner->references == 1)
        return resolve_now(deferred, inner,
                           tw_fail_at(inner->where, &tw_error_abandoned,
                                      "what was waited for died without a result"));
    entry = twi_entries_place(inner);
    if (TWI_UNLIKELY(entry == NULL)) {
        if (!twi_entries_room(inner, 1))
            return resolve_now(deferred, inner, tw_fail_memory());
        entry = twi_entries_place(inner);
    }
    entry->kind = TWI_WAITER;
    entry->arg = deferred;
    inner->state |= TWI_AWAITED;
    deferred->state = (deferred->state & ~TWI_RUNNING) | TWI_WAITING;
    deferred->waiting_on = inner;
    deferred->waiting_at = twi_entries_place_of(inner, entry);
    twi_deferred_unref(inner);
    if (deferred->references == 1)
        twi_deferred_last_but_one(deferred);
    return true;
}

static void collapse(tw_deferred *deferred)
{
    tw_deferred *inner = deferred->waiting_on, *waiter;
    uint32_t inside = deferred->state & TWI_HAS_BOTH;
    struct twi_entry *only = &deferred->entries[inside == TWI_HAS_SECOND];

    if (deferred->more != NULL || twi_deferred_paused(deferred) || inside == TWI_HAS_BOTH ||
        inside == 0)
        return;
    if (only->kind != TWI_WAITER)
        return;
    waiter = only->arg;
    waiter->waiting_on = inner;
    waiter->waiting_at = deferred->waiting_at;
    twi_entries_at(inner, deferred->waiting_at)->arg = waiter;
    deferred->references = 0;
    twi_store_free(&twi_defer.deferreds, deferred);
}

static void give_up_lonely(void *arg)
{
    tw_deferred *deferred = arg;

    deferred->cancel(deferred, deferred->ctx);
}

void twi_deferred_last_but_one(tw_deferred *deferred)
{
    if ((deferred->state & TWI_WAITING) != 0)
        collapse(deferred);
    else if ((deferred->state & (TWI_FIRED | TWI_CANCELLING)) == 0 &&
             twi_entries_none(deferred))
        twi_coroutine_call_out(give_up_lonely, deferred);
}

/* --- one entry -------------------------------------------------------------------------- */

/* The value that a callback returned becomes the result. */
static inline void chain_keep(tw_deferred *deferred, tw_value returned)
{
    tw_value old = deferred->result;

    deferred->result = tw_take(returned);
    deferred->state &= ~TWI_HANDLED;
    tw_release(old);
}

/* Returning the input changes nothing. */
static inline bool is_input(const tw_deferred *deferred, tw_value returned)
{
    return returned.type == tw_lend(deferred->result).type &&
           returned.as.pointer == deferred->result.as.pointer;
}

static inline bool wants(const struct twi_entry *entry, tw_value result)
{
    return (entry->kind & (tw_is_failure(result) ? TWI_ON_FAILURE : TWI_ON_VALUE)) != 0;
}

static void call_release(const struct twi_entry *entry)
{
    if ((entry->kind & TWI_RELEASED) != 0)
        entry->with.release(entry->arg);
}

static void chain_call(tw_deferred *deferred, const struct twi_entry *entry)
{
    if (wants(entry, deferred->result)) {
        tw_value returned = entry->fn.callback(tw_lend(deferred->result), entry->arg);
        if (!is_input(deferred, returned))
            chain_keep(deferred, returned);
    }
    call_release(entry);
}

/* A callback and its errback: one of them sees the result. */
static void call_pair(tw_deferred *deferred, const struct twi_entry *callback)
{
    struct twi_entry errback = *twi_entries_pop(deferred);
    bool failed = tw_is_failure(deferred->result);
    const struct twi_entry *other = failed ? callback : &errback;

    chain_call(deferred, failed ? &errback : callback);
    call_release(other);
}

static void call_raw(tw_deferred *deferred, const struct twi_entry *entry)
{
    struct twi_defer_thread *self = &twi_defer;
    tw_deferred *outer = self->raw;
    bool outer_replaced = self->raw_replaced;
    tw_value given = deferred->result;

    self->raw = deferred;
    self->raw_replaced = false;
    entry->fn.raw(deferred, entry->arg);
    if (self->raw_replaced)
        tw_release(given);
    self->raw = outer;
    self->raw_replaced = outer_replaced;
    call_release(entry);
}

/* The result moves on to a Deferred that is to be fired with it. True if that one can run now;
 * otherwise the entry's reference of it is gone. */
static bool forward(tw_deferred *deferred, tw_deferred *next)
{
    tw_value result = deferred->result;

    deferred->result = tw_none();
    if ((next->state & TWI_FIRED) != 0) {
        twi_deferred_fired_again(next, result, deferred->where);
    } else {
        twi_deferred_settle(next, result, deferred->where);
        if (!twi_deferred_paused(next))
            return true;
    }
    twi_deferred_unref(next);
    return false;
}

/* The same to one that has waited for it. */
static bool resume(tw_deferred *deferred, tw_deferred *waiter)
{
    waiter->result = deferred->result;
    waiter->state &= ~TWI_WAITING;
    deferred->result = tw_none();
    if (!twi_deferred_paused(waiter))
        return true;
    twi_deferred_unref(waiter);
    return false;
}

/* --- the runner ------------------------------------------------------------------------- */

/* Leave a Deferred that has nothing more to run for now; the one that resumed it goes on. */
static inline tw_deferred *chain_leave(tw_deferred *deferred, uint32_t state)
{
    tw_deferred *resumed_by = deferred->link;

    deferred->state = state & ~TWI_RUNNING;
    if (--deferred->references == 0)
        twi_deferred_last(deferred);
    return resumed_by;
}

static inline tw_deferred *chain_enter(tw_deferred *deferred, tw_deferred *resumed_by)
{
    deferred->state |= TWI_RUNNING;
    deferred->link = resumed_by;
    return deferred;
}

/* Go on with the Deferred that was handed a result. If the first has nothing left to do its
 * reference is dropped, so that a long chain is freed while it unwinds; but only once the next
 * one is entered: its death may run any code. */
static tw_deferred *descend(tw_deferred *deferred, tw_deferred *next)
{
    if (twi_deferred_paused(deferred) || !twi_entries_none(deferred))
        return chain_enter(next, deferred);
    chain_enter(next, deferred->link);
    chain_leave(deferred, deferred->state);
    return next;
}

static TWI_APART tw_deferred *run_waiter(tw_deferred *deferred, tw_deferred *waiter)
{
    return resume(deferred, waiter) ? descend(deferred, waiter) : deferred;
}

/* If a callback returned a Deferred, wait for it. Returns the Deferred whose chain goes on
 * now. */
static tw_deferred *chain_go_on(tw_deferred *deferred)
{
    tw_deferred *inner = deferred->result.as.pointer;
    tw_deferred *resumed_by = deferred->link;

    if (!twi_is_deferred(deferred->result))
        return deferred;
    TWI_CHECK(inner);
    deferred->result = tw_none();
    return twi_deferred_wait(deferred, inner) ? resumed_by : deferred;
}

/* The entry's place may be taken by another as soon as it is called. */
static TWI_APART tw_deferred *run_special(tw_deferred *deferred, const struct twi_entry *place)
{
    struct twi_entry entry = *place;

    switch (entry.kind & ~TWI_RELEASED) {
    case TWI_FORWARD:
        return forward(deferred, entry.arg) ? descend(deferred, entry.arg) : deferred;
    case TWI_RAW:
        call_raw(deferred, &entry);
        break;
    case TWI_ON_VALUE:
    case TWI_ON_FAILURE:
    case TWI_ON_BOTH:
        chain_call(deferred, &entry);
        break;
    default:
        call_pair(deferred, &entry);
    }
    return chain_go_on(deferred);
}

static TWI_APART tw_deferred *keep_and_go_on(tw_deferred *deferred, tw_value returned)
{
    chain_keep(deferred, returned);
    return chain_go_on(deferred);
}

/* The next entry of the chain; NULL, and `state` not yet written, when there is none. */
static inline struct twi_entry *next_entry(tw_deferred *deferred, uint32_t state)
{
    struct twi_more *more;

    if (TWI_LIKELY((state & (TWI_PAUSES | TWI_HAS_FIRST)) == TWI_HAS_FIRST)) {
        deferred->state = state ^ TWI_HAS_FIRST;
        return &deferred->entries[0];
    }
    if ((state & TWI_HAS_SECOND) != 0) {
        deferred->state = state;
        return state < TWI_PAUSE ? twi_entries_pop(deferred) : NULL;
    }
    more = deferred->more;
    if (more == NULL || more->count == 0 || state >= TWI_PAUSE)
        return NULL;
    deferred->state = state;
    return twi_more_pop(more);
}

/* The plain callback that returns its input stays in this loop; all else has functions of its
 * own, so that this one needs few registers. */
static inline __attribute__((always_inline)) void chain_run(tw_deferred *deferred,
                                                            uint32_t state)
{
    deferred->link = NULL;
    for (;;) {
        struct twi_entry *next = next_entry(deferred, state);

        if (next == NULL) {
            deferred = chain_leave(deferred, state);
        } else if (TWI_UNLIKELY(next->kind > TWI_SIMPLE)) {
            if (next->kind == TWI_TAP)
                next->fn.tap(next->arg, next->with.index, &deferred->result);
            else if (next->kind == TWI_WAITER)
                deferred = run_waiter(deferred, next->arg);
            else
                deferred = run_special(deferred, next);
        } else if (TWI_LIKELY(wants(next, deferred->result))) {
            tw_value returned = next->fn.callback(tw_lend(deferred->result), next->arg);
            if (TWI_UNLIKELY(!is_input(deferred, returned)))
                deferred = keep_and_go_on(deferred, returned);
        }
        if (deferred == NULL)
            break;
        state = deferred->state;
    }
}

static TWI_APART void run_later(struct twi_running *self, tw_deferred *deferred)
{
    deferred->link = NULL;
    if (self->queue == NULL)
        self->queue = deferred;
    else
        *twi_defer.queue_end = deferred;
    twi_defer.queue_end = &deferred->link;
}

static tw_deferred *take_queued(struct twi_running *self)
{
    tw_deferred *deferred = self->queue;

    self->queue = deferred->link;
    return deferred;
}

static void run_queued_one(tw_deferred *deferred)
{
    chain_run(deferred, deferred->state);
}

static TWI_APART void run_queued(struct twi_running *self)
{
    while (self->depth == 1 && self->queue != NULL)
        run_queued_one(take_queued(self));
}

static void run_out(void *deferred)
{
    twi_deferred_run(deferred);
}

/* Run the chain on the thread's stack, or later when chains are less deep. */
static TWI_APART int run_elsewhere(struct twi_running *self, tw_deferred *deferred,
                                   uint32_t state)
{
    deferred->state = state;
    if (twi_on_coroutine())
        twi_coroutine_call_out(run_out, deferred);
    else
        run_later(self, deferred);
    return 0;
}

TWI_APART int twi_deferred_run_in(tw_deferred *deferred, uint32_t state)
{
    struct twi_running *self = &twi_running;

    if (TWI_UNLIKELY(self->depth >= MAX_DEPTH))
        return run_elsewhere(self, deferred, state);
    self->depth++;
    chain_run(deferred, state);
    if (TWI_UNLIKELY(self->queue != NULL))
        run_queued(self);
    self->depth--;
    return 0;
}

/* --- adding ----------------------------------------------------------------------------- */

void twi_entry_drop(const struct twi_entry *entry, tw_value failure)
{
    tw_deferred *waiter = entry->arg;
    tw_value result;

    switch (entry->kind) {
    case TWI_WAITER:
        waiter->state &= ~TWI_WAITING;
        waiter->result = tw_retain(failure);
        if (!twi_deferred_paused(waiter))
            twi_deferred_run(waiter);
        else
            twi_deferred_unref(waiter);
        break;
    case TWI_FORWARD:
        twi_deferred_fire(waiter, tw_retain(failure), waiter->where);
        break;
    case TWI_TAP:
        result = tw_retain(failure);
        entry->fn.tap(entry->arg, entry->with.index, &result);
        tw_release(result);
        break;
    default:
        call_release(entry);
    }
}

static void run_added(tw_deferred *deferred)
{
    if (!twi_deferred_done(deferred))
        return;
    deferred->references++;
    twi_deferred_run(deferred);
}

static void push(tw_deferred *deferred, const struct twi_entry *entries, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        *twi_entries_place(deferred) = entries[i];
    if ((deferred->state & TWI_FIRED) != 0)
        run_added(deferred);
}

/* An entry that cannot be stored makes the Deferred fail; it then runs at once and need not be
 * stored. */
static int add_without_memory(tw_deferred *deferred, const struct twi_entry *entries,
                              unsigned count)
{
    bool reported = false;
    int r = 0;

    deferred->references++;
    if ((deferred->state & TWI_FIRED) == 0 && !twi_deferred_paused(deferred))
        twi_deferred_give_up(deferred, tw_fail_memory(), true);
    if (twi_entries_room(deferred, count)) {
        push(deferred, entries, count);
    } else {
        for (unsigned i = 0; i < count; i++) {
            reported = reported || twi_is_waiter(&entries[i]);
            twi_entry_drop(&entries[i], tw_lend(tw_fail_memory()));
        }
        if (!reported)
            twi_report_unhandled(deferred, tw_lend(tw_fail_memory()));
        r = -ENOMEM;
    }
    twi_deferred_unref(deferred);
    return r;
}

/* A Deferred that could not be made: its errbacks see tw_error_memory. */
static void add_to_null(const struct twi_entry *entry)
{
    tw_value failure = tw_lend(tw_fail_memory());
    struct twi_defer_thread *self = &twi_defer;
    tw_deferred *outer = self->raw;

    if ((entry->kind & TWI_RAW) != 0) {
        self->raw = NULL;
        entry->fn.raw(NULL, entry->arg);
        self->raw = outer;
    } else if (!twi_is_waiter(entry) && (entry->kind & TWI_ON_FAILURE) != 0) {
        tw_release(entry->fn.callback(failure, entry->arg));
    }
    twi_entry_drop(entry, failure);
}

struct addition {
    tw_deferred *deferred;
    const struct twi_entry *entries;
    unsigned count;
    int r;
};

/* An entry that cannot be added is called or dropped at once. */
static void cannot_add(void *arg)
{
    struct addition *addition = arg;

    if (addition->deferred != NULL) {
        addition->r = add_without_memory(addition->deferred, addition->entries,
                                         addition->count);
        return;
    }
    for (unsigned i = 0; i < addition->count; i++)
        add_to_null(&addition->entries[i]);
}

int twi_deferred_add(tw_deferred *deferred, const struct twi_entry *entries, unsigned count)
{
    struct addition addition = { deferred, entries, count, 0 };

    if (deferred != NULL)
        TWI_CHECK(deferred);
    if (deferred != NULL && twi_entries_room(deferred, count))
        push(deferred, entries, count);
    else if (twi_on_coroutine())
        twi_coroutine_call_out(cannot_add, &addition);
    else
        cannot_add(&addition);
    return addition.r;
}

void twi_tap_ignore(void *arg, size_t index, tw_value *result)
{
    (void)arg;
    (void)index;
    tw_release(*result);
    *result = tw_none();
}

void twi_deferred_tap_slowly(tw_deferred *deferred, twi_tap *fn, void *arg, size_t index)
{
    struct twi_entry entry = {
        .kind = TWI_TAP, .fn.tap = fn, .arg = arg, .with.index = index
    };

    twi_deferred_add(deferred, &entry, 1);
}

static inline void write_entry(struct twi_entry *entry, unsigned kind, tw_callback *fn,
                               void *arg, tw_release_fn *release)
{
    entry->fn.callback = fn;
    entry->arg = arg;
    if (release != NULL) {
        entry->with.release = release;
        kind |= TWI_RELEASED;
    }
    entry->kind = kind;
}

static TWI_APART int add_slowly(tw_deferred *deferred, unsigned kind, tw_callback *fn,
                                void *arg, tw_release_fn *release)
{
    struct twi_entry entry;

    if (fn == NULL) {
        if (release != NULL)
            release(arg);
        return -EINVAL;
    }
    write_entry(&entry, kind, fn, arg, release);
    return twi_deferred_add(deferred, &entry, 1);
}

/* Quick while there is room and nothing to run yet. */
static inline int chain_add(tw_deferred *deferred, unsigned kind, tw_callback *fn, void *arg,
                            tw_release_fn *release)
{
    struct twi_entry *entry;
    uint32_t state;

    if (TWI_UNLIKELY(deferred == NULL || fn == NULL))
        return add_slowly(deferred, kind, fn, arg, release);
    TWI_CHECK(deferred);
    state = deferred->state;
    if (TWI_LIKELY((state & (TWI_FIRED | TWI_HAS_BOTH)) == 0 && deferred->more == NULL)) {
        deferred->state = state | TWI_HAS_FIRST;
        write_entry(&deferred->entries[0], kind, fn, arg, release);
        return 0;
    }
    entry = twi_entries_place(deferred);
    if (TWI_UNLIKELY(entry == NULL))
        return add_slowly(deferred, kind, fn, arg, release);
    write_entry(entry, kind, fn, arg, release);
    if ((state & TWI_FIRED) != 0)
        run_added(deferred);
    return 0;
}

int tw_add_callback(tw_deferred *deferred, tw_callback *fn, void *arg)
{
    return chain_add(deferred, TWI_ON_VALUE, fn, arg, NULL);
}

int tw_add_errback(tw_deferred *deferred, tw_callback *fn, void *arg)
{
    return chain_add(deferred, TWI_ON_FAILURE, fn, arg, NULL);
}

int tw_add_both(tw_deferred *deferred, tw_callback *fn, void *arg)
{
    return chain_add(deferred, TWI_ON_BOTH, fn, arg, NULL);
}

int tw_add_callback_with(tw_deferred *deferred, tw_callback *fn, void *arg,
                         tw_release_fn *release)
{
    return chain_add(deferred, TWI_ON_VALUE, fn, arg, release);
}

int tw_add_errback_with(tw_deferred *deferred, tw_callback *fn, void *arg,
                        tw_release_fn *release)
{
    return chain_add(deferred, TWI_ON_FAILURE, fn, arg, release);
}

int tw_add_both_with(tw_deferred *deferred, tw_callback *fn, void *arg, tw_release_fn *release)
{
    return chain_add(deferred, TWI_ON_BOTH, fn, arg, release);
}

int tw_add_callbacks_with(tw_deferred *deferred, tw_callback *callback, void *callback_arg,
                          tw_release_fn *callback_release, tw_callback *errback,
                          void *errback_arg, tw_release_fn *errback_release)
{
    unsigned on_value = callback != NULL ? TWI_ON_VALUE : 0;
    unsigned on_failure = errback != NULL ? TWI_ON_FAILURE : 0;
    struct twi_entry pair[2];

    write_entry(&pair[0], on_value | TWI_PAIRED, callback, callback_arg, callback_release);
    write_entry(&pair[1], on_failure, errback, errback_arg, errback_release);
    return twi_deferred_add(deferred, pair, 2);
}

int tw_add_callbacks(tw_deferred *deferred, tw_callback *callback, void *callback_arg,
                     tw_callback *errback, void *errback_arg)
{
    return tw_add_callbacks_with(deferred, callback, callback_arg, NULL, errback, errback_arg,
                                 NULL);
}

int tw_add_raw(tw_deferred *deferred, void (*fn)(tw_deferred *deferred, void *arg), void *arg,
               tw_release_fn *release)
{
    struct twi_entry entry;

    if (fn == NULL) {
        if (release != NULL)
            release(arg);
        return -EINVAL;
    }
    write_entry(&entry, TWI_RAW, NULL, arg, release);
    entry.fn.raw = fn;
    return twi_deferred_add(deferred, &entry, 1);
}

int tw_deferred_replace(tw_deferred *deferred, tw_value result)
{
    struct twi_defer_thread *self = &twi_defer;
    tw_value old;

    if (deferred == NULL || self->raw != deferred) {
        tw_release(result);
        return deferred == NULL ? 0 : -EINVAL;
    }
    old = deferred->result;
    deferred->result = tw_take(result);
    deferred->state &= ~TWI_HANDLED;
    if (self->raw_replaced)
        tw_release(old);
    self->raw_replaced = true;
    return 0;
}

tw_value tw_wait(tw_deferred *inner)
{
    return inner != NULL ? tw_value_of(&tw_type_deferred, inner) : tw_fail_memory();
}

int tw_chain_deferred(tw_deferred *deferred, tw_deferred *next)
{
    struct twi_entry entry = { .kind = TWI_FORWARD, .arg = next };

    if (next == NULL)
        return 0;
    TWI_CHECK(next);
    if (next == deferred) {
        tw_deferred_unref(next);
        return -EINVAL;
    }
    return twi_deferred_add(deferred, &entry, 1);
}
