/* SPDX-License-Identifier: MIT */
/* ./giving_up - cancel, timeouts and a shield, on a clock that moves when it is told. */
#include <stdio.h>

#include <tweed/tweed.h>

struct job {
    const char *name;
    tw_deferred *done;
};

static int job_cancel(tw_deferred *deferred, void *ctx)
{
    struct job *job = ctx;

    (void)deferred;
    printf("%s: stopping\n", job->name);
    tw_fire(&job->done, tw_fail(&tw_error_cancelled, "stopped"));
    return 0;
}

static tw_deferred *job_start(struct job *job, const char *name)
{
    job->name = name;
    return tw_promise(&job->done, job_cancel, job);
}

static tw_value print(tw_value result, void *name)
{
    if (tw_is_failure(result))
        printf("%s: %s\n", (const char *)name, tw_failure_class(result)->name);
    else
        printf("%s: %s\n", (const char *)name, tw_bytes_data(result));
    return tw_none();
}

static void watch(tw_deferred *d, char *name)
{
    tw_add_both(d, print, name);
    tw_deferred_unref(d);
}

int main(void)
{
    char quick_name[] = "quick", slow_name[] = "slow";
    char shield_name[] = "shield", precious_name[] = "precious";
    tw_clock *clock = tw_clock_virtual_new();
    struct job quick, slow, precious;
    tw_deferred *d, *shield;

    d = job_start(&quick, quick_name);
    tw_deferred_add_timeout(d, 5, clock);
    watch(d, quick_name);
    d = job_start(&slow, slow_name);
    tw_deferred_add_timeout(d, 5, clock);
    watch(d, slow_name);
    tw_clock_advance(clock, 1);
    tw_fire(&quick.done, tw_string("in time"));
    tw_clock_advance(clock, 4);

    d = job_start(&precious, precious_name);
    shield = tw_shield(tw_deferred_ref(d));
    tw_cancel(shield); /* the job itself goes on */
    watch(shield, shield_name);
    tw_fire(&precious.done, tw_string("done all the same"));
    watch(d, precious_name);
    tw_clock_free(clock);
    return 0;
}
