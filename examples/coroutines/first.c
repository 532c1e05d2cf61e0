/* SPDX-License-Identifier: MIT */
/* ./first - a body that awaits, called as any function is, and what goes on meanwhile. */
#include <stdio.h>

#include <tweed/tweed.h>

static double now(void)
{
    return tw_clock_seconds(tw_reactor_clock());
}

/* It may be called at any depth: it stops its caller's coroutine, and only that. */
static int boil(const char *what, double minutes)
{
    printf("%g: %s is on\n", now(), what);
    tw_sleep(minutes);
    printf("%g: %s is done\n", now(), what);
    return 1;
}

static tw_value cook(void *arg)
{
    int pots = 0;

    (void)arg;
    pots += boil("rice", 20);
    pots += boil("tea", 4);
    return tw_integer(pots);
}

static tw_value lay_the_table(void *arg)
{
    (void)arg;
    tw_sleep(15);
    printf("%g: the table is laid\n", now());
    return tw_none();
}

int main(void)
{
    static const struct tw_reactor_options virtual_time = { .virtual_time = true };
    tw_deferred *dinner;
    tw_value pots;

    tw_reactor_install(&virtual_time);
    dinner = tw_inline_callbacks(cook, NULL);
    printf("cook has started\n");
    tw_deferred_unref(tw_inline_callbacks(lay_the_table, NULL));
    pots = tw_block_on(dinner);
    printf("%d pots\n", (int)tw_integer_of(pots));
    return 0;
}
