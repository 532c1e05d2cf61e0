/* SPDX-License-Identifier: MIT */
/*
 * looping_call.c - a function on a fixed grid of times.
 *
 *   IDLE --start--> SCHEDULED --due--> CALLING --its result--> SCHEDULED
 *    ^                  |                 |
 *    +------stop--------+<----- stopped, failed
 *
 * The grid is start + n * interval, reckoned in whole nanoseconds, so it never drifts. Ticks
 * missed while fn was busy are skipped, and reported by the count.
 */
#include <errno.h>

#include <tweed/task.h>

#include "defer/deferred.h"

#include "base/clock.h"

/* References: of its owner, of a call of fn in progress, and of the Deferred of start(). */
struct tw_looping_call {
    tw_clock *clock;
    tw_looping_function *fn;
    void *arg;
    int64_t interval, start;
    int64_t last;         /* the grid point of the last call; -1: the one before the first */
    int64_t call;         /* the number of the timed call; 0: none */
    tw_deferred *done;    /* NULL: idle */
    tw_deferred *waiting; /* the Deferred that fn returned; not counted */
    unsigned references;
    bool running;         /* not stopped */
    bool calling;         /* fn, or the Deferred that it returned, is in progress */
    bool cancelled;       /* cancel also the Deferred that fn returns */
};

static void loop_unref(void *arg)
{
    tw_looping_call *loop = arg;

    if (--loop->references == 0)
        twi_free(loop);
}

/* --- the grid --------------------------------------------------------------------------- */

/* The start may lie a moment ahead (see twi_clock_asked()). */
static int64_t point_at(const tw_looping_call *loop, int64_t at)
{
    return loop->interval > 0 && at > loop->start ? (at - loop->start) / loop->interval : 0;
}

/* The first grid point after `now`. Without a grid it is `now`: the next turn; but on virtual
 * time turns have to take some time. */
static int64_t next_time(const tw_looping_call *loop, int64_t now)
{
    int64_t next;

    if (loop->interval == 0)
        return twi_clock_stands_still(loop->clock) ? now + TWI_VIRTUAL_TURN : now;
    if (__builtin_mul_overflow(point_at(loop, now) + 1, loop->interval, &next) ||
        __builtin_add_overflow(loop->start, next, &next))
        return INT64_MAX;
    return next;
}

static void loop_finish(tw_looping_call *loop, tw_value result)
{
    loop->running = false;
    if (loop->done != NULL)
        tw_fire_at(loop->done->where, &loop->done, result);
    else
        tw_release(result);
}

static void due(void *arg);

static void loop_schedule(tw_looping_call *loop)
{
    int64_t at = next_time(loop, twi_clock_now(loop->clock));
    int64_t call = loop->clock->ops->call_at(loop->clock, at, due, loop, NULL);

    if (call > 0)
        loop->call = call;
    else
        loop_finish(loop, tw_fail_memory());
}

static void loop_unschedule(tw_looping_call *loop)
{
    if (loop->call != 0)
        tw_clock_cancel(loop->clock, loop->call);
    loop->call = 0;
}

/* --- calling fn ------------------------------------------------------------------------- */

static void fn_done(void *arg, size_t index, tw_value *result)
{
    tw_looping_call *loop = arg;
    tw_value outcome = *result;

    (void)index;
    *result = tw_none();
    loop->waiting = NULL;
    loop->calling = false;
    if (tw_is_failure(outcome)) {
        loop_finish(loop, outcome);
    } else {
        tw_release(outcome);
        if (loop->running)
            loop_schedule(loop);
        else
            loop_finish(loop, tw_none());
    }
    loop_unref(loop);
}

/* The number of grid points since the last call; 0: no call is due. */
static uint64_t count_points(tw_looping_call *loop)
{
    int64_t last = loop->last, point;

    if (loop->interval == 0)
        return 1;
    point = point_at(loop, twi_clock_now(loop->clock));
    if (point > last)
        loop->last = point;
    return point > last ? (uint64_t)(point - last) : 0;
}

static void loop_call(tw_looping_call *loop)
{
    uint64_t count = count_points(loop);
    tw_value result = tw_none();

    loop->references++;
    loop->calling = true;
    if (count > 0)
        result = tw_take(loop->fn(loop, count, loop->arg));
    if (!twi_is_deferred(result)) {
        fn_done(loop, 0, &result);
        return;
    }
    loop->waiting = result.as.pointer;
    loop->references++;
    twi_deferred_tap(result.as.pointer, fn_done, loop, 0);
    if (loop->cancelled)
        tw_cancel(loop->waiting);
    tw_release(result);
    loop_unref(loop);
}

static void due(void *arg)
{
    tw_looping_call *loop = arg;

    loop->call = 0;
    loop_call(loop);
}

/* --- public ----------------------------------------------------------------------------- */

tw_looping_call *tw_looping_call_new(tw_clock *clock, tw_looping_function *fn, void *arg)
{
    tw_looping_call *loop;

    if (fn == NULL) {
        errno = EINVAL;
        return NULL;
    }
    if (clock == NULL)
        clock = twi_clock_here();
    loop = clock != NULL ? twi_calloc(1, sizeof *loop) : NULL;
    if (loop == NULL)
        return NULL;
    loop->clock = clock;
    loop->fn = fn;
    loop->arg = arg;
    loop->references = 1;
    return loop;
}

/* The Deferred that fn waits for is cancelled too, and the loop ends with its outcome. */
static int loop_cancel(tw_deferred *done, void *arg)
{
    tw_looping_call *loop = arg;

    (void)done;
    loop->running = false;
    if (loop->calling) {
        loop->cancelled = true;
        tw_cancel(loop->waiting);
        return TW_CANCEL_LATER;
    }
    loop_unschedule(loop);
    tw_deferred_unref(loop->done);
    loop->done = NULL;
    return 0;
}

tw_deferred *tw_looping_call_start_at(const char *where, tw_looping_call *loop,
                                      double interval, bool now)
{
    tw_deferred *done;
    int64_t ns;

    if (loop == NULL)
        return NULL;
    if (loop->done != NULL)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "it runs already"));
    if (twi_seconds_to_ns(interval, &ns) < 0)
        return tw_fired_at(where,
                           tw_fail_at(where, &tw_error_misuse, "%g is no interval", interval));
    loop->references++;
    done = tw_promise_at(where, &loop->done, loop_cancel, loop, loop_unref);
    if (done == NULL)
        return NULL;
    loop->interval = ns;
    loop->start = twi_clock_asked(loop->clock);
    loop->last = now ? -1 : 0;
    loop->running = true;
    loop->cancelled = false;
    if (now)
        loop_call(loop);
    else
        loop_schedule(loop);
    return done;
}

int tw_looping_call_stop(tw_looping_call *loop)
{
    if (loop == NULL || !loop->running)
        return -EINVAL;
    loop->running = false;
    if (!loop->calling) {
        loop_unschedule(loop);
        loop_finish(loop, tw_none());
    }
    return 0;
}

int tw_looping_call_reset(tw_looping_call *loop)
{
    if (loop == NULL || !loop->running)
        return -EINVAL;
    loop->start = twi_clock_asked(loop->clock);
    loop->last = 0;
    if (!loop->calling) {
        loop_unschedule(loop);
        loop_schedule(loop);
    }
    return 0;
}

bool tw_looping_call_running(const tw_looping_call *loop)
{
    return loop != NULL && loop->running;
}

void tw_looping_call_free(tw_looping_call *loop)
{
    if (loop == NULL)
        return;
    tw_looping_call_stop(loop);
    loop_unref(loop);
}
