/* SPDX-License-Identifier: MIT */
/*
 * clock.c - the public face of every clock: seconds in, nanoseconds inside.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <time.h>

#include "base/clock.h"
#include "base/hooks.h"

/* About 146 years: leaves room to add two of them. */
#define FOREVER (INT64_MAX / 2)

int twi_seconds_to_ns(double seconds, int64_t *ret_ns)
{
    if (!isfinite(seconds) || seconds < 0)
        return -EINVAL;
    *ret_ns = seconds >= (double)FOREVER / 1e9 ? FOREVER : (int64_t)(seconds * 1e9 + 0.5);
    return 0;
}

int64_t twi_monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * TWI_SECOND + now.tv_nsec;
}

tw_clock *(*twi_hook_clock)(void);

tw_clock *twi_clock_here(void)
{
    tw_clock *(*clock)(void) = TWI_HOOK(twi_hook_clock);

    return clock != NULL ? clock() : NULL;
}

/* The sum, or FOREVER. */
static int64_t clock_later(int64_t at, int64_t ns)
{
    return at > FOREVER - ns ? FOREVER : at + ns;
}

/* The difference, or the beginning of time. */
static int64_t earlier(int64_t at, int64_t ns)
{
    return at > ns ? at - ns : 0;
}

/* "At once" means the next turn, however soon that comes. */
static int64_t clock_time_after(tw_clock *clock, int64_t ns)
{
    return ns == 0 ? twi_clock_now(clock) : clock_later(twi_clock_asked(clock), ns);
}

double tw_clock_seconds(tw_clock *clock)
{
    return clock != NULL ? (double)twi_clock_now(clock) / 1e9 : 0;
}

int64_t tw_clock_call_later(tw_clock *clock, double seconds, void (*fn)(void *arg), void *arg,
                            tw_release_fn *release)
{
    int64_t ns;
    int r = clock != NULL ? twi_seconds_to_ns(seconds, &ns) : -ENOMEM;

    if (fn == NULL)
        r = -EINVAL;
    if (r < 0) {
        if (release != NULL)
            release(arg);
        return r;
    }
    return clock->ops->call_at(clock, clock_time_after(clock, ns), fn, arg, release);
}

int tw_clock_cancel(tw_clock *clock, int64_t call)
{
    return clock != NULL ? clock->ops->cancel(clock, call) : -ENOENT;
}

int tw_clock_reset(tw_clock *clock, int64_t call, double seconds)
{
    int64_t ns;
    int r = twi_seconds_to_ns(seconds, &ns);

    if (r < 0)
        return r;
    if (clock == NULL)
        return -ENOENT;
    return clock->ops->move(clock, call, clock_time_after(clock, ns));
}

int tw_clock_delay(tw_clock *clock, int64_t call, double seconds)
{
    int64_t at, ns;
    int r = twi_seconds_to_ns(fabs(seconds), &ns);

    if (r < 0)
        return r;
    if (clock == NULL)
        return -ENOENT;
    r = clock->ops->when(clock, call, &at);
    if (r < 0)
        return r;
    return clock->ops->move(clock, call, seconds < 0 ? earlier(at, ns) : clock_later(at, ns));
}

int tw_clock_advance(tw_clock *clock, double seconds)
{
    int64_t ns;
    int r = twi_seconds_to_ns(seconds, &ns);

    if (r < 0)
        return r;
    if (clock == NULL || clock->ops->advance == NULL)
        return -EINVAL;
    return clock->ops->advance(clock, ns);
}

size_t tw_clock_pending(tw_clock *clock)
{
    return clock != NULL ? clock->ops->pending(clock) : 0;
}

void tw_clock_free(tw_clock *clock)
{
    if (clock != NULL && clock->ops->free != NULL)
        clock->ops->free(clock);
}
