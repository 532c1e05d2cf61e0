/* SPDX-License-Identifier: MIT */
/* A process pool of two workers, with a function that does nothing: `rt` one call at a time, `many`
 * calls queued at once, `map` in chunks of 100; wall ns for each call. */
#include "../tools/bench.h"

#include <tweed/tweed.h>

static tw_process_pool *pool;

static tw_value nothing(tw_value argument)
{
    return argument;
}
TW_PROCESS_FUNCTION(nothing);

static double rt(long n)
{
    double before = wall_ns();

    for (long i = 0; i < n; i++)
        tw_release(tw_block_on(tw_process_submit(pool, "nothing", tw_integer(i))));
    return (wall_ns() - before) / n;
}

static double many(long n)
{
    tw_deferred **calls = malloc((size_t)n * sizeof *calls);
    double before = wall_ns(), after;

    for (long i = 0; i < n; i++)
        calls[i] = tw_process_submit(pool, "nothing", tw_integer(i));
    tw_release(tw_block_on(tw_deferred_list(calls, (size_t)n, 0)));
    after = wall_ns();
    free(calls);
    return (after - before) / n;
}

static double map(long n)
{
    struct tw_process_map_options options = { .chunk = 100 };
    tw_value arguments = tw_list((size_t)n);
    double before = wall_ns();

    for (long i = 0; i < n; i++)
        tw_list_append(arguments, tw_integer(i));
    tw_release(tw_block_on(tw_process_map(pool, "nothing", arguments, &options)));
    return (wall_ns() - before) / n;
}

int main(int argc, char **argv)
{
    const struct bcase cases[] = { { "rt", NULL, 20000, rt },
                                   { "many", NULL, 100000, many },
                                   { "map", NULL, 1000000, map },
                                   { 0 } };
    struct tw_process_pool_options options = { .workers = 2 };
    int status;

    if (tw_process_worker(argc, argv))
        return 0;
    pool = tw_process_pool_new(&options);
    status = bench_main(argc, argv, cases);
    tw_process_pool_free(pool);
    return status;
}
