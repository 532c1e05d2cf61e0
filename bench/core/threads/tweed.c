/* SPDX-License-Identifier: MIT */
/* tw_defer_to_thread: `defer` with 64 jobs in flight, `rt` one at a time. The job does nothing. */
#include "../tools/bench.h"

#include <tweed/tweed.h>

static long left, running;

static tw_value work(void *arg)
{
    (void)arg;
    return tw_none();
}

static void start(void);

static tw_value done(tw_value result, void *arg)
{
    (void)arg;
    if (left > 0) {
        left--;
        start();
    } else if (--running == 0) {
        tw_reactor_crash();
    }
    return result;
}

static void start(void)
{
    tw_deferred *d = tw_defer_to_thread(work, NULL);

    tw_add_callback(d, done, NULL);
    tw_deferred_unref(d);
}

static void many(long n, long at_once)
{
    running = n < at_once ? n : at_once;
    left = n - running;
    for (long i = running; i > 0; i--)
        start();
    tw_reactor_run();
}

static void defer(long n)
{
    many(n, 64);
}

static double rt(long n)
{
    double before = wall_ns();

    many(n, 1);
    return (wall_ns() - before) / n;
}

int main(int argc, char **argv)
{
    const struct bcase cases[] = { { "defer", defer, 200000, NULL },
                                   { "rt", NULL, 30000, rt },
                                   { 0 } };

    return bench_main(argc, argv, cases);
}
