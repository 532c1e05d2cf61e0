/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the inside of a clock: a table of functions in nanoseconds.
 *
 * base/ has the virtual clock (a heap); reactor/ has the real one (a timer wheel).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <tweed/clock.h>

#define TWI_SECOND INT64_C(1000000000)
/* On virtual time, work that is done in every turn takes this long for each turn: otherwise
 * time would never pass. */
#define TWI_VIRTUAL_TURN (TWI_SECOND / 1000)

struct twi_clock_ops {
    int64_t (*now)(tw_clock *clock);
    int64_t (*asked)(tw_clock *clock);
    int64_t (*call_at)(tw_clock *clock, int64_t at, void (*fn)(void *), void *arg,
                       tw_release_fn *release);
    int (*cancel)(tw_clock *clock, int64_t call);
    int (*move)(tw_clock *clock, int64_t call, int64_t at);
    int (*when)(tw_clock *clock, int64_t call, int64_t *ret_at);
    int (*advance)(tw_clock *clock, int64_t by);
    bool (*stands_still)(const tw_clock *clock); /* time is virtual */
    size_t (*pending)(tw_clock *clock);
    void (*free)(tw_clock *clock);
};

struct tw_clock {
    const struct twi_clock_ops *ops;
};

static inline int64_t twi_clock_now(tw_clock *clock)
{
    return clock->ops->now(clock);
}

/* The time from which a delay counts: now, or a few microseconds later, so that nothing is
 * called early. */
static inline int64_t twi_clock_asked(tw_clock *clock)
{
    return clock->ops->asked(clock);
}

static inline bool twi_clock_stands_still(const tw_clock *clock)
{
    return clock->ops->stands_still(clock);
}

/* Seconds to nanoseconds, rounded and saturated; -EINVAL for a number that is negative or not
 * finite. */
int twi_seconds_to_ns(double seconds, int64_t *ret_ns);
/* The clock of the calling thread's reactor; NULL when it has none and none can be made. */
tw_clock *twi_clock_here(void);
/* CLOCK_MONOTONIC. */
int64_t twi_monotonic_ns(void);

#endif
