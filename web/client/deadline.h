/* SPDX-License-Identifier: MIT */
/*
 * deadline.h - many deadlines, most of which never pass, behind one timed call of the reactor.
 *
 * Setting one costs a place in a heap; the reactor's call is moved only when the first deadline
 * of all comes earlier; when it runs, it compares the deadlines with the clock.
 */
#ifndef WEB_CLIENT_DEADLINE_H
#define WEB_CLIENT_DEADLINE_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/heap.h"

struct twi_deadline {
    struct twi_heap_node node; /* key: when, in nanoseconds of the loop's clock */
    /* It has passed and is out of the heap; may free itself and all others. */
    void (*passed)(struct twi_deadline *deadline);
};

/* All zero, but for the clock, is none. */
struct twi_deadlines {
    tw_clock *clock;
    struct twi_heap heap;
    int64_t alarm, alarm_at;
    bool *gone; /* set when they are freed while the alarm rings */
};

/* Set or move. 0 or -ENOMEM, then it is not set. */
int twi_deadline_set(struct twi_deadlines *deadlines, struct twi_deadline *deadline,
                     int64_t at);
void twi_deadline_clear(struct twi_deadlines *deadlines, struct twi_deadline *deadline);
/* Take back the timed call if there is nothing to wait for. */
void twi_deadlines_rest(struct twi_deadlines *deadlines);
/* Nothing may be set any more. */
void twi_deadlines_free(struct twi_deadlines *deadlines);

#endif
