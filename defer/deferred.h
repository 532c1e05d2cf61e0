/* SPDX-License-Identifier: MIT */
/*
 * deferred.h - the inside of a Deferred, for the files of defer/.
 *
 * A Deferred is two cache lines: 64 bytes of state and two entries of its chain; further
 * entries, and members that few use, lie in an overflow block.
 *
 *   pending --fire--> FIRED, RUNNING its entries --> FIRED: done; what is added runs at once
 *                       ^    |
 *                       |    v
 *                     FIRED, WAITING for another Deferred
 *
 * A waiting Deferred is an entry at the end of the chain that it waits for: the entry holds a
 * reference of the waiter, and the waiter points back without one.
 */
#ifndef DEFER_DEFERRED_H
#define DEFER_DEFERRED_H

#include "config.h"

#include <tweed/deferred.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/slab.h"
#include "defer/coroutine/running.h"

/* A function of tweed's own that wants a result, for a list or a coroutine. Called exactly
 * once, with the result in place: it may take it and leave another. `index` is the number given
 * when it was added. */
typedef void twi_tap(void *arg, size_t index, tw_value *result);

/* Kinds of entries: the sides that they see, or their special meaning. */
enum {
    TWI_ON_VALUE = 1,
    TWI_ON_FAILURE = 2,
    TWI_ON_BOTH = 3,
    TWI_SIMPLE = 3,   /* a plain callback has no bit but these */
    TWI_PAIRED = 4,   /* the next entry is its errback */
    TWI_RAW = 8,      /* a callback without structs */
    TWI_WAITER = 16,  /* arg: the Deferred that waits */
    TWI_FORWARD = 32, /* arg: a Deferred to fire (chain_deferred) */
    TWI_TAP = 64,
    TWI_RELEASED = 128 /* a callback's argument has a release */
};

struct twi_entry {
    union {
        tw_callback *callback;
        void (*raw)(tw_deferred *deferred, void *arg);
        twi_tap *tap;
    } fn;
    void *arg;
    union {
        tw_release_fn *release;
        size_t index; /* of a tap */
    } with;
    unsigned kind;
};

/* True if somebody waits by this entry: it must not simply be dropped. */
static inline bool twi_is_waiter(const struct twi_entry *entry)
{
    return (entry->kind & (TWI_WAITER | TWI_FORWARD | TWI_TAP)) != 0;
}

struct twi_death {
    struct twi_death *next;
    void (*fn)(void *arg);
    void *arg;
};

/* The overflow block: entries from `next` to `count` are to run; both are 0 when none is. */
struct twi_more {
    unsigned next, count, capacity;
    void *data;
    tw_release_fn *data_release;
    struct twi_death *deaths;
    struct twi_entry entries[];
};

/* The state of a Deferred: flags, which of the two entries inside are to run, and above them the
 * number of pauses. One word, so that several things are tested at once. */
#define TWI_FIRED UINT32_C(1)
#define TWI_RUNNING UINT32_C(2) /* in the runner's hands, or in its queue */
#define TWI_WAITING UINT32_C(4)
#define TWI_SWALLOW UINT32_C(8) /* one late result */
#define TWI_CANCELLING UINT32_C(0x10)
#define TWI_AWAITED UINT32_C(0x20) /* has, or had, a waiter */
#define TWI_HANDLED UINT32_C(0x40) /* the failure it holds needs no report */
#define TWI_LONELY UINT32_C(0x80)  /* only a cancel can fire it: given up when nobody sees it */
#define TWI_HAS_FIRST UINT32_C(0x100)
#define TWI_HAS_SECOND UINT32_C(0x200)
#define TWI_HAS_BOTH (TWI_HAS_FIRST | TWI_HAS_SECOND)
#define TWI_PAUSE UINT32_C(0x10000)
#define TWI_PAUSES UINT32_C(0xffff0000)

enum { TWI_INSIDE = 2 };

struct tw_deferred {
    struct twi_more *more; /* first: the pool overwrites it */
    tw_value result;
    const char *where;
    union {
        tw_canceller *cancel;    /* until it is fired */
        tw_deferred *waiting_on; /* while WAITING */
        tw_deferred *link;       /* while RUNNING: the one that resumed it; the next in a queue */
    };
    union {
        void *ctx;         /* until it is fired */
        size_t waiting_at; /* while WAITING: the place of our entry there */
    };
    union {
        tw_release_fn *ctx_release; /* until it is fired */
        const char *fired_at;
    };
    unsigned references; /* 0: free */
    uint32_t state;
    struct twi_entry entries[TWI_INSIDE];
#if TWI_DEBUG
    const void *owner;
    int64_t made_ns; /* on the real clock */
#endif
};

#if !TWI_DEBUG && UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(tw_deferred) == 128, "a Deferred is two cache lines");
#endif

/* A thread's Deferreds. */
struct twi_defer_thread {
    struct twi_slab_store deferreds;
    struct twi_slab_store overflows;
    unsigned deaths;                   /* of deaths within deaths */
    bool raw_replaced;
    tw_deferred **queue_end;           /* of twi_running.queue */
    tw_deferred *doomed;               /* died too deep; by the outermost death */
    tw_deferred *raw;                  /* the one that runs a raw callback */
    struct tw_deferred_hooks hooks;
};
extern TWI_QUICK_TLS struct twi_defer_thread twi_defer;

#if TWI_DEBUG
/* Name the Deferreds that are left when the calling thread, or the program, ends. */
void twi_leaks_watch(void);
/* Ends the program when `deferred` is dead or another thread's. */
void twi_deferred_check(const tw_deferred *deferred, const char *function);
#define TWI_CHECK(deferred) twi_deferred_check((deferred), __func__)
#else
#define TWI_CHECK(deferred) ((void)0)
#endif

static inline bool twi_deferred_paused(const tw_deferred *deferred)
{
    return deferred->state >= TWI_PAUSE;
}

static inline bool twi_deferred_done(const tw_deferred *deferred)
{
    return (deferred->state & (TWI_PAUSES | TWI_FIRED | TWI_RUNNING | TWI_WAITING)) ==
           TWI_FIRED;
}

static inline bool twi_is_deferred(tw_value value)
{
    return (value.type | 1) == ((uintptr_t)&tw_type_deferred | 1);
}

/* --- deferred.c: life ------------------------------------------------------------------- */

/* The last reference is gone. */
void twi_deferred_last(tw_deferred *deferred);
/* One reference is left. If the Deferred is WAITING, it is that of the entry it waits by: if
 * the Deferred only links its own waiter to the one that it waits for, it is taken out of the
 * chain. If it is LONELY, it is its producer's: if nobody has added a callback, it is given
 * up. */
void twi_deferred_last_but_one(tw_deferred *deferred);

static inline void twi_deferred_unref(tw_deferred *deferred)
{
    unsigned left = --deferred->references;

    if (left == 0)
        twi_deferred_last(deferred);
    else if (left == 1 && (deferred->state & (TWI_WAITING | TWI_LONELY)) != 0)
        twi_deferred_last_but_one(deferred);
}

/* Fire with an owned result, once; consumes a reference. */
int twi_deferred_fire(tw_deferred *deferred, tw_value result, const char *where);
/* Fired: hold `result` (owned), forget the canceller. Does not run. */
void twi_deferred_settle(tw_deferred *deferred, tw_value result, const char *where);
/* Report a second fire, and return its error; releases `result`. */
int twi_deferred_fired_again(tw_deferred *deferred, tw_value result, const char *where);
/* Call the canceller and, if it does not fire, fire with `failure` (owned). Even if the canceller
 * refuses, with `always`. 0, or the canceller's error. */
int twi_deferred_give_up(tw_deferred *deferred, tw_value failure, bool always);
/* Report a failure that nobody will see. */
void twi_report_unhandled(tw_deferred *deferred, tw_value failure);
/* The same for a failure among the results of several Deferreds, made at `where`. */
void twi_report_unread(const char *where, tw_value failure);
/* Log a cancel that was refused, with `error` below 0, where nobody looks at its result. */
void twi_report_refusal(const char *where, const char *whose, int error);

/* --- chain.c: entries and the runner ---------------------------------------------------- */

/* Run the chain of a fired, unpaused Deferred that neither waits nor runs; consumes a reference.
 * `state` becomes its state: it saves a way through memory. Returns 0. */
int twi_deferred_run_in(tw_deferred *deferred, uint32_t state);
static inline int twi_deferred_run(tw_deferred *deferred)
{
    return twi_deferred_run_in(deferred, deferred->state | TWI_RUNNING);
}
/* Append `count` (1 or 2) entries and run them if it is time. 0, or -ENOMEM: then each has been
 * dropped. */
int twi_deferred_add(tw_deferred *deferred, const struct twi_entry *entries, unsigned count);
/* Have fn called with the result at this point of the chain; with tw_error_abandoned when there
 * will never be one, tw_error_memory when the place cannot be had or `deferred` is NULL. */
void twi_deferred_tap_slowly(tw_deferred *deferred, twi_tap *fn, void *arg, size_t index);
static inline void twi_deferred_tap(tw_deferred *deferred, twi_tap *fn, void *arg,
                                    size_t index)
{
    struct twi_entry *entry;

    if (deferred != NULL)
        TWI_CHECK(deferred);
    if (TWI_UNLIKELY(deferred == NULL || deferred->more != NULL ||
                     (deferred->state & (TWI_FIRED | TWI_HAS_BOTH)) != 0)) {
        twi_deferred_tap_slowly(deferred, fn, arg, index);
        return;
    }
    deferred->state |= TWI_HAS_FIRST;
    entry = &deferred->entries[0];
    entry->fn.tap = fn;
    entry->arg = arg;
    entry->with.index = index;
    entry->kind = TWI_TAP;
}
/* The tap of somebody who is no longer interested: it takes the result and does nothing with it. */
void twi_tap_ignore(void *arg, size_t index, tw_value *result);
/* Make `deferred`, which is RUNNING, wait for `inner` (one reference is taken over). True if it
 * waits now, and then a reference of `deferred` is consumed too; false if it holds a result and is
 * RUNNING still. */
bool twi_deferred_wait(tw_deferred *deferred, tw_deferred *inner);
/* Drop an entry that will never see a result: a waiter gets `failure` (lent). */
void twi_entry_drop(const struct twi_entry *entry, tw_value failure);

/* --- entries.c: where entries lie ------------------------------------------------------- */

/* Make sure that `count` (1 or 2) entries can be placed; false when there is no memory. */
bool twi_entries_room(tw_deferred *deferred, unsigned count);
struct twi_entry *twi_entries_at(tw_deferred *deferred, size_t place);
/* The overflow block, made if need be; NULL when there is no memory. */
struct twi_more *twi_entries_more(tw_deferred *deferred);
void twi_more_free(struct twi_more *more);

/* The entry that a tap was given; NULL when it has been called. */
struct twi_entry *twi_entries_find_tap(tw_deferred *deferred, twi_tap *fn, const void *arg,
                                       size_t index);

/* True if no entry is left to run. */
static inline bool twi_entries_none(const tw_deferred *deferred)
{
    return (deferred->state & TWI_HAS_BOTH) == 0 &&
           (deferred->more == NULL || deferred->more->count == 0);
}

/* The same, or nothing but one tap that ignores the result? */
static inline bool twi_entries_ignore(const tw_deferred *deferred)
{
    if (deferred->more != NULL && deferred->more->count > 0)
        return false;
    return (deferred->state & TWI_HAS_BOTH) == 0 ||
           ((deferred->state & TWI_HAS_SECOND) == 0 && deferred->entries[0].kind == TWI_TAP &&
            deferred->entries[0].fn.tap == twi_tap_ignore);
}

/* The place of an entry: see entries.c. */
static inline size_t twi_entries_place_of(const tw_deferred *deferred,
                                          const struct twi_entry *entry)
{
    size_t inside = (size_t)((uintptr_t)entry - (uintptr_t)deferred->entries);

    if (inside < sizeof deferred->entries)
        return inside / sizeof *entry;
    return TWI_INSIDE + (size_t)(entry - deferred->more->entries);
}

/* The next entry of a block that has one. */
static inline struct twi_entry *twi_more_pop(struct twi_more *more)
{
    struct twi_entry *entry = &more->entries[more->next++];

    if (more->next == more->count)
        more->next = more->count = 0;
    return entry;
}

/* The next entry, to be copied before anything else happens; NULL when there is none. */
static inline struct twi_entry *twi_entries_pop(tw_deferred *deferred)
{
    struct twi_more *more = deferred->more;

    if ((deferred->state & TWI_HAS_FIRST) != 0) {
        deferred->state ^= TWI_HAS_FIRST;
        return &deferred->entries[0];
    }
    if ((deferred->state & TWI_HAS_SECOND) != 0) {
        deferred->state ^= TWI_HAS_SECOND;
        return &deferred->entries[1];
    }
    return more != NULL && more->count > 0 ? twi_more_pop(more) : NULL;
}

/* Push, if there is room already; else NULL. */
static inline struct twi_entry *twi_entries_place(tw_deferred *deferred)
{
    struct twi_more *more = deferred->more;

    if ((deferred->state & TWI_HAS_SECOND) == 0 && (more == NULL || more->count == 0)) {
        if ((deferred->state & TWI_HAS_FIRST) == 0) {
            deferred->state |= TWI_HAS_FIRST;
            return &deferred->entries[0];
        }
        deferred->state |= TWI_HAS_SECOND;
        return &deferred->entries[1];
    }
    if (more != NULL && more->count < more->capacity)
        return &more->entries[more->count++];
    return NULL;
}

/* --- deferred_list.c -------------------------------------------------------------------- */

/* If `deferred` was made of several (list, gather, race, ...), call fn with each child that it
 * still waits for (lent). */
void twi_list_each_child(const tw_deferred *deferred,
                         void (*fn)(tw_deferred *child, void *arg), void *arg);

/* --- map.c ------------------------------------------------------------------------------ */

/* The same of a map's. */
void twi_map_each_child(const tw_deferred *deferred, void (*fn)(tw_deferred *child, void *arg),
                        void *arg);

/* --- cancel.c --------------------------------------------------------------------------- */

/* tw_cancel() of one child of several; `whose` ("a list") is for the log. A refusal is logged,
 * since nobody gets it as a return value. If the child is a body that is being cancelled
 * already, it waits for its own canceller in a circle: it goes on at its await. NULL is
 * fine. */
void twi_cancel_child(tw_deferred *child, const char *whose);

/* How a child is tapped by what `done`, if not NULL, waits for all its children with. */
struct twi_parent {
    const tw_deferred *done;
    const char *whose;
    twi_tap *tap;
    void *arg;
};
/* The same, by the canceller of parent->done. Where that is what the child waits for, all would
 * wait for each other for ever: then the tap is called with a failure, and no more afterwards. */
void twi_cancel_child_of(const struct twi_parent *parent, tw_deferred *child, size_t index);
/* tw_cancel() by the canceller of `waiter`, which waits for `awaited`. */
int twi_cancel_awaited(const tw_deferred *waiter, tw_deferred *awaited);

/* --- upwards: hooks of inline/, NULL before the first body or group ---------------------- */

struct twi_body_hooks {
    /* Call the canceller once more, of a body that is being cancelled already: it may await
     * something else by now. If it still awaits what is being cancelled and `in_circle` is set,
     * the caller would wait for it for ever, so the body goes on at its await with a failure.
     * Returns as a canceller; 0 if `deferred` is no body's. */
    int (*cancel_again)(tw_deferred *deferred, bool in_circle);
    /* True if `deferred` is that of a body that has not ended; then the Deferred that it
     * awaits, lent, or NULL, the body's name and the place of its await. */
    bool (*awaits)(const tw_deferred *deferred, tw_deferred **ret_awaited,
                   const char **ret_name, const char **ret_where);
    /* As twi_list_each_child(), with a group's Deferred and its members. */
    void (*each_member)(const tw_deferred *deferred,
                        void (*fn)(tw_deferred *member, void *arg), void *arg);
};
extern struct twi_body_hooks twi_body_hooks;

#endif
