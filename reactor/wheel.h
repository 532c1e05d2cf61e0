/* SPDX-License-Identifier: MIT */
/*
 * wheel.h - a hierarchical timer wheel: a million calls pending, each at constant cost.
 *
 * Pure: it is told the time, calls nothing and reads no clock. Nanoseconds in, exact order out.
 */
#ifndef REACTOR_WHEEL_H
#define REACTOR_WHEEL_H

#include <errno.h>
#include <stdint.h>

#include <tweed/api.h>

#include "base/list.h"

/* The bits of a call's number: the reactor, the place in the table, the number of uses of that
 * place. */
enum { TWI_WHEEL_ID_BITS = 14, TWI_WHEEL_INDEX_BITS = 25, TWI_WHEEL_GENERATION_BITS = 24 };

/* Due: pending still, but collected. */
enum twi_timer_state {
    TWI_TIMER_PENDING = 1,
    TWI_TIMER_DUE,
    TWI_TIMER_CALLED,
    TWI_TIMER_CANCELLED,
};

/* One cache line. */
struct twi_timer {
    struct twi_list node; /* in a slot of the wheel, in `due` or in `later` */
    int64_t due;
    void (*fn)(void *arg);
    void *arg;
    tw_release_fn *release;
    uint64_t order; /* among equal times */
    uint32_t index;
    /* The generation and, above it, the state. One word: a load that followed narrower stores to it
     * would wait until they, and all cache misses before them, are through. */
    uint32_t use;
};

enum {
    /* Level 0 has 2^6 slots (a millisecond), each of those above 2^8. */
    TWI_WHEEL_LEVELS = 7,
    TWI_WHEEL_BITS_0 = 6,
    TWI_WHEEL_BITS = 8,
    TWI_WHEEL_SLOTS = (1 << TWI_WHEEL_BITS_0) + (TWI_WHEEL_LEVELS - 1) * (1 << TWI_WHEEL_BITS),
    /* Chunks of the table double: the first has 2^8 timers, the last 2^24. */
    TWI_WHEEL_CHUNK_BITS = 8,
    TWI_WHEEL_CHUNKS = TWI_WHEEL_INDEX_BITS - TWI_WHEEL_CHUNK_BITS,
};

/* All zero, then twi_wheel_init(). */
struct twi_wheel {
    int64_t bound;   /* no call is due before; INT64_MAX when there is none */
    uint64_t tick;   /* everything before has been collected */
    size_t pending;  /* in the slots, `due` and `later` */
    struct twi_list due;   /* collected, in order, to be called */
    struct twi_list later; /* met by the collection, but added after it began */
    uint64_t next_order;
    struct twi_timer *chunks[TWI_WHEEL_CHUNKS];
    uint32_t used, room; /* places of the table that were ever used, that there are */
    /* Free places among the used: the lowest is taken first, so that the table stays dense and
     * calls set one after the other lie side by side. A bit for each place, one for each word. */
    uint64_t *free_places, *free_words;
    uint32_t free_count, first_free_word; /* in free_words; none before it */
    uint32_t id, first_generation;
    uint64_t occupied[TWI_WHEEL_SLOTS / 64]; /* a bit for each slot */
    struct twi_list slots[TWI_WHEEL_SLOTS];  /* level 0 first; valid where occupied */
};

/* `id` and the generation to begin with make the numbers differ from those of other wheels. */
void twi_wheel_init(struct twi_wheel *wheel, uint32_t id, uint32_t first_generation);
/* The largest generation in use, for the next wheel with the same id. */
uint32_t twi_wheel_generation(const struct twi_wheel *wheel);
/* Releases the table; pending timers must have been taken out. */
void twi_wheel_free(struct twi_wheel *wheel);

/* A timer that is pending from here on, due at `due`; NULL when there is no memory. */
struct twi_timer *twi_wheel_add(struct twi_wheel *wheel, int64_t due);
static inline int64_t twi_wheel_number(const struct twi_wheel *wheel,
                                       const struct twi_timer *timer);
/* 0 and a pending timer, or -EALREADY, -ECANCELED, -ENOENT. */
static inline int twi_wheel_find(const struct twi_wheel *wheel, int64_t number,
                                 struct twi_timer **ret_timer);
/* Give a pending timer another time, as if added now. */
static inline void twi_wheel_move(struct twi_wheel *wheel, struct twi_timer *timer,
                                  int64_t due);
void twi_wheel_move_now(struct twi_wheel *wheel, struct twi_timer *timer, int64_t due);
/* Take a pending timer out; its place is used again. `state` says why it is gone. */
void twi_wheel_remove(struct twi_wheel *wheel, struct twi_timer *timer,
                      enum twi_timer_state state);

/*
 * Move on towards `now`: the next timers that are due by then, if they were added or moved before
 * next_order was `before`, go to wheel->due, ordered by time, then by when they were added. Call
 * again, with the same arguments, once they are called and removed; false when there are no more.
 */
bool twi_wheel_collect(struct twi_wheel *wheel, int64_t now, uint64_t before);
/* Any pending timer; NULL when there is none. */
struct twi_timer *twi_wheel_any(struct twi_wheel *wheel);

/* --- inline ------------------------------------------------------------------------------ */

static inline uint32_t twi_timer_generation(const struct twi_timer *timer)
{
    return timer->use & ((1u << TWI_WHEEL_GENERATION_BITS) - 1);
}

static inline enum twi_timer_state twi_timer_state(const struct twi_timer *timer)
{
    return (enum twi_timer_state)(timer->use >> TWI_WHEEL_GENERATION_BITS);
}

static inline void twi_timer_use(struct twi_timer *timer, uint32_t generation,
                                 enum twi_timer_state state)
{
    timer->use = generation | (uint32_t)state << TWI_WHEEL_GENERATION_BITS;
}

/* Chunk k begins at index 2^(8+k) - 2^8. */
static inline struct twi_timer *twi_wheel_at(const struct twi_wheel *wheel, uint32_t index)
{
    uint32_t shifted = index + (1u << TWI_WHEEL_CHUNK_BITS);
    int top = 31 - __builtin_clz(shifted);
    return &wheel->chunks[top - TWI_WHEEL_CHUNK_BITS][shifted - (1u << top)];
}

static inline int64_t twi_wheel_number(const struct twi_wheel *wheel,
                                       const struct twi_timer *timer)
{
    return (int64_t)wheel->id << (TWI_WHEEL_INDEX_BITS + TWI_WHEEL_GENERATION_BITS) |
           (int64_t)timer->index << TWI_WHEEL_GENERATION_BITS | twi_timer_generation(timer);
}

static inline int twi_wheel_find(const struct twi_wheel *wheel, int64_t number,
                                 struct twi_timer **ret_timer)
{
    const uint32_t indices = 1u << TWI_WHEEL_INDEX_BITS;
    const uint32_t generations = 1u << TWI_WHEEL_GENERATION_BITS;
    uint32_t index = (uint32_t)(number >> TWI_WHEEL_GENERATION_BITS) & (indices - 1);
    struct twi_timer *timer;

    if (number >> (TWI_WHEEL_INDEX_BITS + TWI_WHEEL_GENERATION_BITS) != wheel->id ||
        index >= wheel->used)
        return -ENOENT;
    timer = twi_wheel_at(wheel, index);
    if (twi_timer_generation(timer) != ((uint32_t)number & (generations - 1)))
        return -ENOENT;
    if (twi_timer_state(timer) > TWI_TIMER_DUE)
        return twi_timer_state(timer) == TWI_TIMER_CALLED ? -EALREADY : -ECANCELED;
    *ret_timer = timer;
    return 0;
}

/* To later: it stays where it is until its old time comes, so that a timeout which is put off
 * again and again costs two stores. */
static inline void twi_wheel_move(struct twi_wheel *wheel, struct twi_timer *timer,
                                  int64_t due)
{
    if (due < timer->due || twi_timer_state(timer) != TWI_TIMER_PENDING) {
        twi_wheel_move_now(wheel, timer, due);
        return;
    }
    timer->due = due;
    timer->order = wheel->next_order++;
}

#endif
