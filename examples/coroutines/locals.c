/* SPDX-License-Identifier: MIT */
/* ./locals - values that each coroutine has for itself, and hands on to those it starts. */
#include <stdio.h>

#include <tweed/tweed.h>

static const struct tw_local request = { "request" };

/* Far below, and nobody has passed anything along. */
static void note(const char *what)
{
    printf("[%s] %s\n", tw_bytes_data(tw_local_get(&request)), what);
}

static tw_value look_up(void *arg)
{
    (void)arg;
    tw_sleep(1);
    note("looked up");
    return tw_none();
}

static tw_value serve(void *name)
{
    tw_local_set(&request, tw_string(name));
    note("begins");
    tw_await(tw_inline_callbacks(look_up, NULL)); /* inherits */
    note("ends");
    return tw_none();
}

int main(void)
{
    static char first[] = "first", second[] = "second";
    static const struct tw_reactor_options virtual_time = { .virtual_time = true };
    tw_deferred *both[2];

    tw_reactor_install(&virtual_time);
    both[0] = tw_inline_callbacks(serve, first);
    both[1] = tw_inline_callbacks(serve, second);
    tw_release(tw_block_on(tw_gather(both, 2)));
    return 0;
}
