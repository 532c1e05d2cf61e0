/* SPDX-License-Identifier: MIT */
/* ./process_pool - a pool of processes for work that keeps a processor busy: Fibonacci numbers the
 * slow way, by single calls, map, imap and imap unordered; and a worker that is killed. */
#include <signal.h>
#include <stdio.h>

#include <tweed/tweed.h>

static int64_t fib(int64_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* In a worker: a value in, a value out. */
static tw_value fibonacci(tw_value n)
{
    return tw_integer(fib(tw_integer_of(n)));
}
TW_PROCESS_FUNCTION(fibonacci);

static tw_value die(tw_value argument)
{
    raise(SIGKILL);
    return argument;
}
TW_PROCESS_FUNCTION(die);

static tw_value report(tw_value result, void *label)
{
    if (tw_failure_is(result, &tw_error_worker_lost))
        printf("%s: its worker is lost, by signal %d\n", (char *)label,
               -(int)tw_failure_number(result));
    else
        printf("%s: %lld\n", (char *)label, (long long)tw_integer_of(result));
    return tw_none();
}

static tw_value numbers(void)
{
    tw_value list = tw_list(8);

    for (int n = 25; n <= 32; n++)
        tw_list_append(list, tw_integer(n));
    return list;
}

/* imap, imap_unordered: results one by one */
static void drain(tw_results *results, const char *label)
{
    tw_value pair;

    while (!tw_is_none(pair = tw_block_on(tw_results_next(results)))) {
        printf("%s fib(%lld) = %lld\n", label,
               25 + (long long)tw_integer_of(tw_list_at(pair, 0)),
               (long long)tw_integer_of(tw_list_at(pair, 1)));
        tw_release(pair);
    }
    tw_results_free(results);
}

int main(int argc, char **argv)
{
    tw_deferred *calls[2];
    tw_process_pool *pool;
    tw_value all;

    if (tw_process_worker(argc, argv)) /* this process is a worker, and has done its work */
        return 0;
    pool = tw_process_pool_new(NULL);

    calls[0] = tw_process_submit(pool, "fibonacci", tw_integer(20)); /* apply_async */
    calls[1] = tw_process_submit(pool, "die", tw_none());
    tw_add_both(calls[0], report, "fib(20)");
    tw_add_both(calls[1], report, "die");
    tw_release(tw_block_on(tw_gather(calls, 2)));

    all = tw_block_on(tw_process_map(pool, "fibonacci", numbers(), NULL));
    for (size_t i = 0; i < tw_list_length(all); i++)
        printf("map fib(%zu) = %lld\n", 25 + i, (long long)tw_integer_of(tw_list_at(all, i)));
    tw_release(all);

    drain(tw_process_imap(pool, "fibonacci", numbers(), NULL), "imap");
    drain(tw_process_imap_unordered(pool, "fibonacci", numbers(), NULL), "unordered");

    tw_process_pool_close(pool);
    tw_release(tw_block_on(tw_process_pool_join(pool)));
    printf("joined\n");
    tw_process_pool_free(pool);
    return 0;
}
