/* SPDX-License-Identifier: MIT */
/* ./sleepers - twenty coroutines that sleep for two seconds each: done after two seconds. A task
 * with a callback that has an argument of its own, the first of several, and a loop that runs until
 * it is stopped. asyncio's first programs. */
#include <stdio.h>

#include <tweed/tweed.h>

enum { SLEEPERS = 20 };

static double started;

static double elapsed(void)
{
    return tw_clock_seconds(tw_reactor_clock()) - started;
}

static tw_value sleeper(void *arg)
{
    tw_value slept = tw_sleep(2);

    return tw_is_failure(slept) ? slept : tw_integer(*(int *)arg);
}

static tw_value nap(void *seconds)
{
    tw_value slept = tw_sleep(*(double *)seconds);

    return tw_is_failure(slept) ? slept : tw_double(*(double *)seconds);
}

static tw_value print_result(tw_value result, void *label)
{
    printf("%s %d\n", (char *)label, (int)tw_integer_of(result));
    return result;
}

/* asyncio.gather() */
static tw_value gather_all(void *arg)
{
    tw_deferred *tasks[SLEEPERS];
    int numbers[SLEEPERS], sum = 0;
    tw_value all;

    for (int i = 0; i < SLEEPERS; i++) {
        numbers[i] = i;
        tasks[i] = tw_inline_callbacks(sleeper, &numbers[i]);
    }
    tw_add_callback(tasks[SLEEPERS - 1], print_result, arg);
    all = tw_await(tw_gather(tasks, SLEEPERS));
    for (size_t i = 0; i < tw_list_length(all); i++)
        sum += (int)tw_integer_of(tw_list_at(all, i));
    return tw_integer(sum);
}

/* asyncio.wait(..., return_when=FIRST_COMPLETED), and the rest cancelled */
static tw_value wait_first(void *arg)
{
    double seconds[] = { 3, 1, 2 };
    tw_deferred *naps[3];

    (void)arg;
    for (int i = 0; i < 3; i++)
        naps[i] = tw_inline_callbacks(nap, &seconds[i]);
    return tw_list_at(tw_await(tw_race(naps, 3)), 0);
}

static tw_value stop(tw_value result, void *arg)
{
    (void)arg;
    tw_reactor_stop();
    return result;
}

int main(void)
{
    static char last[] = "the last one is", first[] = "first was";
    tw_value sum;
    tw_deferred *forever;

    started = tw_clock_seconds(tw_reactor_clock());
    sum = tw_block_on(tw_inline_callbacks(gather_all, last)); /* run_until_complete() */
    printf("all together %d, after %.0f s\n", (int)tw_integer_of(sum), elapsed());

    forever = tw_inline_callbacks(wait_first, NULL); /* create_task() */
    tw_add_callback(forever, print_result, first);
    tw_add_both(forever, stop, NULL);
    tw_deferred_unref(forever);
    tw_reactor_run(); /* run_forever() */
    printf("stopped after %.0f s\n", elapsed());
    return 0;
}
