/* SPDX-License-Identifier: MIT */
/* ./cancel - a cancel is a failure at the await: clean up, which may await too, or carry on. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value upload(void *arg)
{
    tw_value sent = tw_sleep(60);

    (void)arg;
    if (tw_is_failure(sent)) {
        printf("%s; saying goodbye\n", tw_failure_message(sent));
        tw_sleep(2); /* the clean-up takes its time */
        printf("said goodbye\n");
    }
    return sent;
}

static tw_value patient(void *arg)
{
    (void)arg;
    if (tw_failure_is(tw_sleep(60), &tw_error_cancelled))
        return tw_string("what I have so far");
    return tw_string("all of it");
}

static void cancel(void *deferred)
{
    printf("cancel\n");
    tw_cancel(deferred);
}

static void run(const char *name, tw_deferred *deferred)
{
    double start = tw_clock_seconds(tw_reactor_clock());
    tw_value result;

    tw_call_later(5, cancel, deferred);
    result = tw_block_on(deferred);
    printf("%s: %s after %g s\n", name,
           tw_is_failure(result) ? tw_failure_message(result) : tw_bytes_data(result),
           tw_clock_seconds(tw_reactor_clock()) - start);
    tw_release(result);
}

int main(void)
{
    static const struct tw_reactor_options virtual_time = { .virtual_time = true };

    tw_reactor_install(&virtual_time);
    run("upload", tw_inline_callbacks(upload, NULL));
    run("patient", tw_inline_callbacks(patient, NULL));
    return 0;
}
