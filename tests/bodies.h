/* SPDX-License-Identifier: MIT */
/*
 * bodies.h - shared by tests of bodies: a Deferred to await and its source, the log.
 */
#ifndef TESTS_BODIES_H
#define TESTS_BODIES_H

#include <stdio.h>

#include <tweed/inline_callbacks.h>
#include <tweed/log.h>

#include "tests/trace.h"

static char logged[2048];

static inline void observe(const struct tw_log_event *event, void *arg)
{
    size_t length = strlen(logged);

    (void)arg;
    snprintf(logged + length, sizeof logged - length, "[%s] %s\n", event->module,
             event->message);
}

static inline void setup(void)
{
    trace_setup();
    logged[0] = '\0';
    tw_log_observe(observe, NULL, TW_LOG_WARNING);
}

static inline void teardown(void)
{
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    trace_teardown();
}

/* A Deferred to await, and its producer. */
struct source {
    tw_deferred *slot;
    int cancels;
};

static inline int count_cancel(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    ((struct source *)arg)->cancels++;
    return 0;
}

static inline tw_deferred *ask(struct source *source)
{
    return tw_promise(&source->slot, count_cancel, source);
}

/* Write down the result of a Deferred that is done, and drop it. */
static inline void see(const char *step, tw_deferred *done)
{
    if (!tw_deferred_is_done(done)) {
        trace_add(step);
        trace_add("pending");
        return;
    }
    tw_value result = tw_deferred_take_result(done);
    trace_seen(step, result);
    tw_release(result);
}

static inline tw_value await_and_return(void *source)
{
    tw_value got = tw_await(ask(source));
    trace_seen("got", got);
    return got;
}

static inline tw_value await_arg(void *deferred)
{
    tw_value got = tw_await(deferred);
    trace_seen("got", got);
    return got;
}

static inline tw_value return_its_argument(void *arg)
{
    return tw_string(arg);
}

#endif
