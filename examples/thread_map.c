/* SPDX-License-Identifier: MIT */
/* ./thread_map - the thread pool as an executor: results in order, results as they come, the
 * first one, work cancelled before it began, and a pool shut down after finishing its work. */
#include <stdio.h>
#include <time.h>

#include <tweed/tweed.h>

static tw_thread_pool *pool;
static const int tenths[] = { 3, 1, 2 };
enum { COUNT = sizeof tenths / sizeof tenths[0] };

static tw_value slow(void *arg)
{
    int n = *(const int *)arg;
    struct timespec time = { 0, n * 60 * 1000 * 1000 };

    nanosleep(&time, NULL); /* on a thread, blocking is allowed */
    return tw_integer(n);
}

static tw_deferred *start(const void *item, void *arg)
{
    (void)arg;
    return tw_defer_to_thread_pool(pool, slow, (void *)item, NULL);
}

static void start_all(tw_deferred **work)
{
    for (int i = 0; i < COUNT; i++)
        work[i] = start(&tenths[i], NULL);
}

static tw_value print_number(tw_value result, void *label)
{
    printf("%s %lld\n", (const char *)label, (long long)tw_integer_of(result));
    return tw_none();
}

static tw_value print_cancelled(tw_value failure, void *arg)
{
    (void)arg;
    printf("cancelled: %s\n", tw_failure_is(failure, &tw_error_cancelled) ? "yes" : "no");
    return tw_none();
}

int main(void)
{
    tw_deferred *work[COUNT], *last;
    tw_results *completed;
    tw_value v;

    pool = tw_thread_pool_new(COUNT);

    /* In the order of the items, at most two at a time. */
    v = tw_block_on(tw_map(tenths, COUNT, sizeof tenths[0], 2, start, NULL));
    for (size_t i = 0; i < tw_list_length(v); i++)
        printf("in order %lld\n", (long long)tw_integer_of(tw_list_at(v, i)));
    tw_release(v);

    /* In the order in which they are done. */
    start_all(work);
    completed = tw_as_completed(work, COUNT);
    for (int i = 0; i < COUNT; i++) {
        v = tw_block_on(tw_results_next(completed));
        printf("completed %lld\n", (long long)tw_integer_of(tw_list_at(v, 1)));
        tw_release(v);
    }
    tw_results_free(completed);

    /* The first; the others go on. */
    start_all(work);
    v = tw_block_on(tw_deferred_list(work, COUNT, TW_FIRE_ON_ONE_CALLBACK));
    printf("first %lld\n", (long long)tw_integer_of(tw_list_at(v, 0)));
    tw_release(v);

    /* With one thread the second job still waits in the queue: it can be taken out. */
    tw_thread_pool_set_size(pool, 1);
    work[0] = start(&tenths[1], NULL);
    last = start(&tenths[2], NULL);
    tw_add_callback(work[0], print_number, "finished");
    tw_add_errback(last, print_cancelled, NULL);
    tw_cancel(last);
    printf("done: %s\n", tw_deferred_called(work[0]) ? "yes" : "no");
    tw_thread_pool_free(pool, true); /* finishes what has begun */
    printf("done: %s\n", tw_deferred_called(work[0]) ? "yes" : "no");
    tw_deferred_unref(work[0]);
    tw_deferred_unref(last);
    return 0;
}
