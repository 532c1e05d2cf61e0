/* SPDX-License-Identifier: MIT */
/* ./errors - failures: seen at the await, handled or returned, and the way they went. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value read_disk(void *name)
{
    (void)name;
    tw_sleep(1);
    return tw_fail_at("disk.c:40", &tw_error_system, "no such file");
}

static tw_value load(void *name)
{
    static const struct tw_coroutine_options reader = { .name = "reader" };
    tw_value text = tw_await_at("load.c:12",
                                tw_inline_callbacks_with(read_disk, name, &reader));

    if (tw_is_failure(text))
        return text; /* fails the Deferred of this body */
    return tw_bytes_format("<%s>", tw_bytes_data(text));
}

static tw_value load_or_default(void *name)
{
    static const struct tw_coroutine_options loader = { .name = "loader" };
    tw_value text = tw_await_at("main.c:7", tw_inline_callbacks_with(load, name, &loader));
    char trail[200];

    if (tw_failure_is(text, &tw_error_system)) {
        tw_failure_format_trail(text, trail, sizeof trail);
        printf("%s (%s), awaited at\n%s\n", tw_failure_message(text), tw_failure_where(text),
               trail);
        return tw_string("default"); /* handled */
    }
    return text;
}

int main(void)
{
    static const struct tw_reactor_options virtual_time = { .virtual_time = true };
    static const struct tw_coroutine_options program = { .name = "program" };
    tw_value text;

    tw_reactor_install(&virtual_time);
    text = tw_block_on(tw_inline_callbacks_with(load_or_default, "x", &program));
    printf("%s\n", tw_bytes_data(text));
    tw_release(text);
    return 0;
}
