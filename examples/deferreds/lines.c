/* SPDX-License-Identifier: MIT */
/* ./lines - a queue with room for two, joined; a condition; a select with a timeout. */
#include <stdio.h>

#include <tweed/tweed.h>

/* Print what a Deferred ends with, and let go of it. */
static tw_value show(tw_value result, void *name)
{
    char text[64] = "";

    if (tw_is_failure(result))
        snprintf(text, sizeof text, "(%s)", tw_failure_message(result));
    else if (tw_is(result, &tw_type_list)) /* a select's: index, item */
        snprintf(text, sizeof text, "%d, %s", (int)tw_integer_of(tw_list_at(result, 0)),
                 tw_bytes_data(tw_list_at(result, 1)));
    else if (!tw_is_none(result) && !tw_is(result, &tw_type_pointer))
        tw_value_format(result, text, sizeof text);
    printf("%s%s%s\n", (const char *)name, text[0] != '\0' ? ": " : "", text);
    return tw_none();
}

static void watch(tw_deferred *d, char *name)
{
    tw_add_both(d, show, name);
    tw_deferred_unref(d);
}

static char put_1[] = "put 1", put_2[] = "put 2", put_3[] = "put 3", got[] = "got",
            joined[] = "all work is done", full[] = "the tank is full", chosen[] = "chosen";

static void bounded(void)
{
    tw_queue *queue = tw_queue_new(2, TW_UNLIMITED);

    watch(tw_queue_put_wait(queue, tw_integer(1)), put_1);
    watch(tw_queue_put_wait(queue, tw_integer(2)), put_2);
    watch(tw_queue_put_wait(queue, tw_integer(3)), put_3); /* there is no room */
    watch(tw_queue_join(queue), joined);
    for (int i = 0; i < 3; i++)
        watch(tw_queue_get(queue), got);
    for (int i = 0; i < 3; i++)
        tw_queue_task_done(queue);
    tw_queue_free(queue);
}

static bool is_full(void *litres)
{
    return *(int *)litres >= 20;
}

static void until_it_is_true(void)
{
    tw_lock *lock = tw_lock_new();
    tw_condition *changed = tw_condition_new(lock);
    int litres = 0;

    tw_lock_try(lock);
    watch(tw_condition_wait_for(changed, is_full, &litres), full); /* lets go of the lock */
    while (tw_lock_try(lock) == 0) { /* and has it again in the end */
        litres += 10;
        printf("%d litres\n", litres);
        tw_condition_notify_all(changed);
        tw_lock_release(lock);
    }
    tw_lock_release(lock);
    tw_condition_free(changed);
    tw_lock_free(lock);
}

static void first_of_two(void)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_channel *left = tw_channel_new(0), *right = tw_channel_new(0);
    struct tw_select_case cases[] = { tw_case_receive(left), tw_case_receive(right) };
    tw_deferred *d;

    watch(tw_select(cases, 2), chosen);
    tw_deferred_unref(tw_channel_send(right, tw_string("hello")));
    d = tw_select(cases, 2);
    tw_deferred_add_timeout(d, 5, clock);
    watch(d, chosen);
    tw_clock_advance(clock, 5);
    tw_channel_free(left);
    tw_channel_free(right);
    tw_clock_free(clock);
}

int main(void)
{
    bounded();
    until_it_is_true();
    first_of_two();
    return 0;
}
