/* SPDX-License-Identifier: MIT */
/* ./repeat - a function on a fixed grid of times, and long work in small steps. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_clock *virtual_clock;

static tw_value tick(tw_looping_call *loop, uint64_t count, void *arg)
{
    double now = tw_clock_seconds(virtual_clock);

    (void)arg;
    printf("%g: tick%s\n", now, count > 1 ? ", some were missed" : "");
    if (now >= 12)
        tw_looping_call_stop(loop);
    /* The second tick takes its time. */
    return now == 2 ? tw_wait(tw_defer_later(virtual_clock, 7, NULL, NULL)) : tw_none();
}

static tw_value say(tw_value result, void *text)
{
    printf("%s\n", (const char *)text);
    return result;
}

struct sum {
    char name;
    int next, total;
};

static tw_value add_next(bool *ret_more, void *arg)
{
    struct sum *sum = arg;

    sum->total += sum->next--;
    printf("%c: %d\n", sum->name, sum->total);
    *ret_more = sum->next > 0;
    return tw_none();
}

int main(void)
{
    static char stopped[] = "stopped";
    struct sum a = { 'a', 3, 0 }, b = { 'b', 2, 0 };
    tw_looping_call *loop;
    tw_cooperator *cooperator;
    tw_deferred *d;

    virtual_clock = tw_clock_virtual_new();
    loop = tw_looping_call_new(virtual_clock, tick, NULL);
    d = tw_looping_call_start(loop, 2, true);
    tw_add_both(d, say, stopped);
    tw_deferred_unref(d);
    tw_clock_advance(virtual_clock, 20);
    tw_looping_call_free(loop);

    cooperator = tw_cooperator_new(virtual_clock);
    tw_cooperative_task_unref(tw_cooperate(cooperator, add_next, &a, NULL));
    tw_cooperative_task_unref(tw_cooperate(cooperator, add_next, &b, NULL));
    tw_clock_advance(virtual_clock, 1);
    tw_cooperator_free(cooperator);
    tw_clock_free(virtual_clock);
    return 0;
}
