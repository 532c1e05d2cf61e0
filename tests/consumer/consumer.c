/* SPDX-License-Identifier: MIT */
/*
 * consumer.c - a user's program: knows <tweed/tweed.h> and pkg-config, nothing else.
 *
 * Compiled as C and as C++, with all warnings, against the installed library.
 */
#include <tweed/testing.h>
#include <tweed/tweed.h>

#include <stdio.h>
#include <string.h>

static tw_value twice(tw_value value, void *arg)
{
    int *calls = (int *)arg;

    ++*calls;
    return tw_integer(2 * tw_integer_of(value));
}

static tw_value stop(tw_value value, void *arg)
{
    (void)arg;
    tw_reactor_stop();
    return value;
}

static tw_value recover(tw_value failure, void *arg)
{
    int *calls = (int *)arg;

    if (tw_failure_is(failure, &tw_error_url))
        ++*calls;
    return tw_none();
}

int main(void)
{
    int calls = 0;
    tw_deferred *done = NULL;
    tw_deferred *result = tw_promise(&done, NULL, NULL);
    tw_deferred *page = tw_get_page("no url at all");

    if (strcmp(tw_version(), TW_VERSION) != 0)
        return 1;
    tw_add_callback(result, twice, &calls);
    tw_add_both(result, stop, NULL);
    tw_add_errback(page, recover, &calls);
    tw_fire(&done, tw_integer(21));
    tw_deferred_unref(result);
    tw_deferred_unref(page);
    if (tw_reactor_run() < 0)
        return 1;
    printf("consumer: tweed %s, %d calls\n", tw_version(), calls);
    return calls == 2 ? 0 : 1;
}
