/* SPDX-License-Identifier: MIT */
/*
 * later.c - a Deferred that a clock fires.
 */
#include <tweed/task.h>

#include "defer/deferred.h"

#include "base/clock.h"

struct later {
    tw_deferred *done;
    tw_clock *clock;
    int64_t call;
    tw_task_function *fn;
    void *arg;
};

static int later_cancel(tw_deferred *done, void *arg)
{
    struct later *later = arg;

    (void)done;
    tw_deferred_unref(later->done);
    later->done = NULL;
    tw_clock_cancel(later->clock, later->call); /* frees it */
    return 0;
}

static void later_due(void *arg)
{
    struct later *later = arg;
    tw_deferred *done = later->done;
    tw_value result = later->fn != NULL ? later->fn(later->arg) : tw_none();

    if (later->done == NULL) { /* fn has cancelled it */
        tw_release(result);
        return;
    }
    later->done = NULL;
    if (twi_is_deferred(result))
        tw_deferred_resolve_with_at(done->where, done, tw_take(result).as.pointer);
    else
        tw_deferred_fire_at(done->where, done, result);
    tw_deferred_unref(done);
}

/* Released with the call, be that made, cancelled, never set for want of memory, or lost with
 * its clock. */
static void later_free(void *arg)
{
    struct later *later = arg;
    tw_deferred *done = later->done;

    if (done != NULL)
        tw_fire_at(done->where, &later->done,
                   later->call < 0
                       ? tw_fail_memory()
                       : tw_fail_at(done->where, &tw_error_abandoned, "the clock is gone"));
    twi_free(later);
}

tw_deferred *tw_defer_later_at(const char *where, tw_clock *clock, double seconds,
                               tw_task_function *fn, void *arg)
{
    struct later *later;
    tw_deferred *deferred = NULL;
    int64_t ns, call;

    if (twi_seconds_to_ns(seconds, &ns) < 0)
        return tw_fired_at(where,
                           tw_fail_at(where, &tw_error_misuse, "%g is no delay", seconds));
    if (clock == NULL)
        clock = twi_clock_here();
    later = clock != NULL ? twi_calloc(1, sizeof *later) : NULL;
    if (later != NULL)
        deferred = tw_promise_at(where, &later->done, later_cancel, later, NULL);
    if (deferred == NULL) {
        twi_free(later);
        return NULL;
    }
    later->clock = clock;
    later->fn = fn;
    later->arg = arg;
    later->call = -1;
    call = tw_clock_call_later(clock, seconds, later_due, later, later_free);
    if (call > 0)
        later->call = call;
    return deferred;
}
