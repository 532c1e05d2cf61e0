/* SPDX-License-Identifier: MIT */
/* ./errors - failures go down the other side of the chain until somebody handles them. */
#include <stdio.h>
#include <stdlib.h>

#include <tweed/tweed.h>

static tw_value parse(tw_value text, void *arg)
{
    char *end;
    long number = strtol(tw_bytes_data(text), &end, 10);

    (void)arg;
    if (*end != '\0')
        return tw_fail(&tw_error_protocol, "%s is no number", tw_bytes_data(text));
    if (number > 100)
        return tw_fail(&tw_error_toolarge, "%ld is too much", number);
    return tw_integer(number);
}

/* Twisted's trap(): handle one class of errors, pass on all others. */
static tw_value zero_instead(tw_value failure, void *arg)
{
    (void)arg;
    if (!tw_failure_is(failure, &tw_error_protocol))
        return failure;
    printf("  %s: 0 instead\n", tw_failure_message(failure));
    return tw_integer(0);
}

static tw_value print_number(tw_value number, void *arg)
{
    (void)arg;
    printf("  number %d\n", (int)tw_integer_of(number));
    return tw_none();
}

static tw_value print_failure(tw_value failure, void *arg)
{
    (void)arg;
    printf("  failed: %s\n", tw_failure_message(failure));
    return tw_none();
}

static void try_text(const char *text)
{
    tw_deferred *d = tw_succeed(tw_string(text));

    printf("%s\n", text);
    tw_add_callback(d, parse, NULL);
    tw_add_errback(d, zero_instead, NULL);
    tw_add_callbacks(d, print_number, NULL, print_failure, NULL); /* one or the other */
    tw_deferred_unref(d);
}

static void unhandled(tw_deferred *deferred, tw_value failure, void *arg)
{
    (void)deferred;
    (void)arg;
    printf("nobody handled: %s\n", tw_failure_message(failure));
}

int main(void)
{
    const struct tw_deferred_hooks hooks = { .unhandled = unhandled };

    try_text("42");
    try_text("many");
    try_text("1000");
    tw_deferred_set_hooks(&hooks); /* without hooks, it is logged */
    tw_deferred_unref(tw_failed(tw_fail(&tw_error, "lost")));
    return 0;
}
