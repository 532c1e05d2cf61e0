/* SPDX-License-Identifier: MIT */
/*
 * timeout.c - giving up on a Deferred after a while.
 *
 * The timer cancels; an entry at this point of the chain tells that cancellation from any other
 * and stops a timer that is no longer needed. The entry owns the timer and is dropped with its
 * Deferred.
 */
#include "defer/deferred.h"

#include <errno.h>

#include "base/clock.h"

struct timeout {
    tw_deferred *deferred; /* not counted: the entry goes with it */
    tw_clock *clock;
    int64_t call; /* 0: not pending */
    double seconds;
    bool expired;
};

static void timeout_expires(void *arg)
{
    struct timeout *timeout = arg;
    const char *where;
    int r;

    timeout->call = 0;
    timeout->expired = true;
    where = timeout->deferred->where;
    r = tw_cancel(timeout->deferred);
    if (r < 0)
        twi_report_refusal(where, "a timeout", r);
}

static void timeout_stop(struct timeout *timeout)
{
    if (timeout->call != 0)
        tw_clock_cancel(timeout->clock, timeout->call);
    timeout->call = 0;
}

static void timeout_free(void *arg)
{
    struct timeout *timeout = arg;

    timeout_stop(timeout);
    twi_free(timeout);
}

/* True for the failure of such a cancellation: of one Deferred, as the first of several, or of
 * all of them. */
static bool is_cancellation(tw_value failure)
{
    tw_value all = tw_failure_is(failure, &tw_error_group) ? tw_failure_value(failure)
                                                           : tw_none();

    for (size_t i = 0; i < tw_list_length(all); i++) {
        if (!tw_failure_is(tw_list_at(all, i), &tw_error_cancelled))
            return false;
    }
    return tw_list_length(all) > 0 || tw_failure_is(failure, &tw_error_cancelled) ||
           (tw_failure_is(failure, &tw_error_first) &&
            tw_failure_is(tw_failure_cause(failure), &tw_error_cancelled));
}

/* The chain has got here. */
static tw_value timeout_reached(tw_value result, void *arg)
{
    struct timeout *timeout = arg;

    timeout_stop(timeout);
    if (timeout->expired && is_cancellation(result))
        return tw_fail_at(timeout->deferred->where, &tw_error_timeout,
                          "no result after %g seconds", timeout->seconds);
    return result;
}

int tw_deferred_add_timeout(tw_deferred *deferred, double seconds, tw_clock *clock)
{
    struct timeout *timeout;
    int64_t ns;
    int r = twi_seconds_to_ns(seconds, &ns);

    if (r < 0)
        return r;
    if (deferred == NULL)
        return 0;
    TWI_CHECK(deferred);
    if (twi_deferred_done(deferred))
        return 0;
    if (clock == NULL)
        clock = twi_clock_here();
    timeout = clock != NULL ? twi_calloc(1, sizeof *timeout) : NULL;
    if (timeout == NULL)
        return -ENOMEM;
    timeout->deferred = deferred;
    timeout->clock = clock;
    timeout->seconds = seconds;
    timeout->call = tw_clock_call_later(clock, seconds, timeout_expires, timeout, NULL);
    if (timeout->call < 0) {
        r = (int)timeout->call;
        twi_free(timeout);
        return r;
    }
    return tw_add_both_with(deferred, timeout_reached, timeout, timeout_free);
}
