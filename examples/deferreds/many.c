/* SPDX-License-Identifier: MIT */
/* ./many - many Deferreds as one: all of them, the first of them, as they come, so many at a
 * time. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_clock *virtual_clock;

static tw_value name_of(void *name)
{
    return tw_string(name);
}

static tw_value give_up(void *name)
{
    return tw_fail(&tw_error, "%s gave up", (const char *)name);
}

/* Three runners: the second is the fastest, the third gives up. */
static void start_race(tw_deferred *runners[3])
{
    static char anna[] = "Anna", bert[] = "Bert", carl[] = "Carl";

    runners[0] = tw_defer_later(virtual_clock, 3, name_of, anna);
    runners[1] = tw_defer_later(virtual_clock, 1, name_of, bert);
    runners[2] = tw_defer_later(virtual_clock, 2, give_up, carl);
}

static void print_one(tw_value value)
{
    if (tw_is_failure(value))
        printf(" (%s)", tw_failure_message(value));
    else if (tw_is(value, &tw_type_integer))
        printf(" %d", (int)tw_integer_of(value));
    else
        printf(" %s", tw_bytes_data(value));
}

static tw_value print_list(tw_value list, void *what)
{
    printf("%s:", (const char *)what);
    for (size_t i = 0; i < tw_list_length(list); i++)
        print_one(tw_list_at(list, i));
    if (tw_is_failure(list))
        print_one(list);
    printf("\n");
    return tw_none();
}

static void watch(tw_deferred *d, char *what)
{
    tw_add_both(d, print_list, what);
    tw_deferred_unref(d);
}

static tw_deferred *square(const void *item, void *arg)
{
    (void)arg;
    return tw_succeed(tw_integer(*(const int *)item * *(const int *)item));
}

int main(void)
{
    static char all[] = "all", gathered[] = "gather", first[] = "race", next[] = "next",
                squares[] = "squares";
    static const int numbers[] = { 1, 2, 3, 4 };
    tw_deferred *runners[3];
    tw_results *arrivals;

    virtual_clock = tw_clock_virtual_new();
    start_race(runners);
    watch(tw_deferred_list(runners, 3, TW_CONSUME_ERRORS), all);
    start_race(runners);
    watch(tw_gather(runners, 3), gathered);
    start_race(runners);
    watch(tw_race(runners, 3), first);
    start_race(runners);
    arrivals = tw_as_completed(runners, 3);
    for (int i = 0; i < 3; i++)
        watch(tw_results_next(arrivals), next);
    watch(tw_map(numbers, 4, sizeof numbers[0], 2, square, NULL), squares);
    tw_clock_advance(virtual_clock, 5);
    tw_results_free(arrivals);
    tw_clock_free(virtual_clock);
    return 0;
}
