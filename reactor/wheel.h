/*
 * wheel.h - a hierarchical timer wheel: a million calls pending, each at constant cost.
 *
 * Pure: it is told the time, calls nothing and reads no clock. Nanoseconds in, exact order out.
 */
#ifndef REACTOR_WHEEL_H
#define REACTOR_WHEEL_H

#include <stdint.h>

#include <tweed/api.h>

#include "base/list.h"

/* The bits of a call's number: reactor, place in the table, how often that place was used. */
enum { TWI_WHEEL_ID_BITS = 14, TWI_WHEEL_INDEX_BITS = 25, TWI_WHEEL_GENERATION_BITS = 24 };

enum twi_timer_state { TWI_TIMER_PENDING = 1, TWI_TIMER_CALLED, TWI_TIMER_CANCELLED };

/* One cache line. */
struct twi_timer {
    struct twi_list node; /* in a slot of the wheel, in `due`, or (next only) in the free list */
    int64_t due;
    void (*fn)(void *arg);
    void *arg;
    tw_release_fn *release;
    uint32_t index;
    uint32_t generation;
    uint32_t state;
};

enum { TWI_WHEEL_LEVELS = 6, TWI_WHEEL_SLOTS = 256 };

/* All zero, then twi_wheel_init(). */
struct twi_wheel {
    int64_t bound;   /* no call is due before; INT64_MAX when there is none */
    uint64_t tick;   /* everything before has been collected */
    size_t pending;  /* in the slots and in `due` */
    struct twi_list due; /* collected, in order, to be called */
    struct twi_timer *free;
    struct twi_timer **chunks;
    size_t chunk_count, chunk_capacity;
    uint32_t used; /* places of the table that were ever used */
    uint32_t id, first_generation;
    uint64_t occupied[TWI_WHEEL_LEVELS][TWI_WHEEL_SLOTS / 64];
    struct twi_list slots[TWI_WHEEL_LEVELS][TWI_WHEEL_SLOTS]; /* valid where occupied */
};

/* `id` and the generation to begin with make the numbers differ from those of other wheels. */
void twi_wheel_init(struct twi_wheel *wheel, uint32_t id, uint32_t first_generation);
/* The largest generation in use, for the next wheel with the same id. */
uint32_t twi_wheel_generation(const struct twi_wheel *wheel);
/* Releases the table; what was pending must have been taken out. */
void twi_wheel_free(struct twi_wheel *wheel);

/* A timer that is pending from here on, due at `due`; NULL when there is no memory. */
struct twi_timer *twi_wheel_add(struct twi_wheel *wheel, int64_t due);
int64_t twi_wheel_number(const struct twi_wheel *wheel, const struct twi_timer *timer);
/* 0 and a pending timer, or -EALREADY, -ECANCELED, -ENOENT. */
int twi_wheel_find(const struct twi_wheel *wheel, int64_t number, struct twi_timer **ret_timer);
/* Give a pending timer another time, as if added now. */
void twi_wheel_move(struct twi_wheel *wheel, struct twi_timer *timer, int64_t due);
/* Take a pending timer out; its place is used again. `state` says why it is gone. */
void twi_wheel_remove(struct twi_wheel *wheel, struct twi_timer *timer,
                      enum twi_timer_state state);

/* Move on to `now`: all that is due by then goes to the end of wheel->due, ordered by time, then
 * by when it was added. */
void twi_wheel_collect(struct twi_wheel *wheel, int64_t now);
/* Any pending timer; NULL when there is none. */
struct twi_timer *twi_wheel_any(struct twi_wheel *wheel);

#endif
