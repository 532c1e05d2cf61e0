/* SPDX-License-Identifier: MIT */
/* ./coroutine_pool - two that take turns, waited for together; then a pool in which only two run at
 * a time: spawn, join, map in order, as they come. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value foo(void *arg)
{
    (void)arg;
    printf("foo begins\n");
    tw_sleep(0);
    printf("back in foo\n");
    return tw_none();
}

static tw_value bar(void *arg)
{
    (void)arg;
    printf("bar begins\n");
    tw_sleep(0);
    printf("back in bar\n");
    return tw_none();
}

struct job {
    int number;
    double seconds;
};
static struct job jobs[] = { { 0, 5 }, { 1, 1 }, { 2, 2 }, { 3, 1 } };
enum { JOBS = sizeof jobs / sizeof jobs[0] };

static tw_value work(void *arg)
{
    const struct job *job = arg;

    printf("start %d\n", job->number);
    tw_sleep(job->seconds);
    printf("end %d\n", job->number);
    return tw_integer(job->number * job->number);
}

static tw_value with_pool(void *arg)
{
    tw_pool *pool = tw_pool_new(2);
    tw_results *results;
    tw_value list, next;

    (void)arg;
    for (int i = 0; i < JOBS; i++)
        tw_deferred_unref(tw_pool_spawn(pool, work, &jobs[i]));
    printf("%zu run, %zu wait\n", tw_pool_counts(pool).running, tw_pool_counts(pool).waiting);
    tw_await(tw_pool_join(pool));

    list = tw_await(tw_pool_map(pool, work, jobs, JOBS, sizeof jobs[0]));
    for (size_t i = 0; i < tw_list_length(list); i++)
        printf("result %d\n", (int)tw_integer_of(tw_list_at(list, i)));

    results = tw_pool_imap_unordered(pool, work, jobs, JOBS, sizeof jobs[0]);
    while (!tw_is_none(next = tw_await(tw_results_next(results))))
        printf("result %d\n", (int)tw_integer_of(tw_list_at(next, 1)));
    tw_results_free(results);
    tw_pool_free(pool);
    return tw_none();
}

int main(void)
{
    tw_deferred *both[2];

    both[0] = tw_inline_callbacks(foo, NULL);
    both[1] = tw_inline_callbacks(bar, NULL);
    tw_release(tw_block_on(tw_gather(both, 2)));
    tw_release(tw_block_on(tw_inline_callbacks(with_pool, NULL)));
    return 0;
}
