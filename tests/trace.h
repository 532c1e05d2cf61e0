/* SPDX-License-Identifier: MIT */
/*
 * trace.h - callbacks that write down their input, for tests of chains.
 *
 * A step is a letter; the trace after a run reads like "a=1 b!cancelled c=none": step a saw the
 * integer 1, step b a failure, ...
 */
#ifndef TESTS_TRACE_H
#define TESTS_TRACE_H

#include <stdio.h>
#include <string.h>

#include <tweed/deferred.h>

#include "tests/test.h"

static char trace[4096];

static inline void trace_reset(void)
{
    trace[0] = '\0';
}

static inline void trace_add(const char *text)
{
    size_t length = strlen(trace);
    snprintf(trace + length, sizeof trace - length, "%s%s", length > 0 ? " " : "", text);
}

/* The short name of a failure's class: "tw_error_cancelled" is "cancelled". */
static inline const char *trace_class(tw_value failure)
{
    const char *name = tw_failure_class(failure)->name;
    return strncmp(name, "tw_error_", 9) == 0 ? name + 9 : name;
}

static inline void trace_seen(const char *step, tw_value seen)
{
    char text[128];

    if (tw_is_failure(seen))
        snprintf(text, sizeof text, "%s!%s", step, trace_class(seen));
    else if (tw_is(seen, &tw_type_bytes))
        snprintf(text, sizeof text, "%s=%s", step, tw_bytes_data(seen));
    else if (tw_is(seen, &tw_type_integer))
        snprintf(text, sizeof text, "%s=%d", step, (int)tw_integer_of(seen));
    else
        snprintf(text, sizeof text, "%s=%s", step, tw_typeof(seen)->name);
    trace_add(text);
}

/* --- callbacks; the argument is the step's name ----------------------------------------- */

static inline tw_value pass(tw_value result, void *step)
{
    trace_seen(step, result);
    return result;
}

static inline tw_value more(tw_value result, void *step)
{
    trace_seen(step, result);
    return tw_integer(tw_integer_of(result) + 1);
}

static inline tw_value say_none(tw_value result, void *step)
{
    trace_seen(step, result);
    return tw_none();
}

static inline tw_value failing(tw_value result, void *step)
{
    trace_seen(step, result);
    return tw_fail(&tw_error_system, "from step %s", (const char *)step);
}

static inline tw_value recover(tw_value result, void *step)
{
    trace_seen(step, result);
    return tw_integer(100);
}

/* The argument is a Deferred to wait for. */
static inline tw_value wait_for(tw_value result, void *inner)
{
    trace_seen("w", result);
    return tw_wait(inner);
}

/* The argument is a Deferred of which a reference is dropped. */
static inline tw_value let_go(tw_value result, void *deferred)
{
    trace_seen("x", result);
    tw_deferred_unref(deferred);
    return result;
}

static inline void released(void *step)
{
    char text[64];
    snprintf(text, sizeof text, "~%s", (const char *)step);
    trace_add(text);
}

/* --- hooks ------------------------------------------------------------------------------ */

static inline void trace_unhandled(tw_deferred *deferred, tw_value failure, void *arg)
{
    (void)deferred;
    (void)arg;
    trace_seen("unhandled", failure);
}

static inline void trace_twice(tw_deferred *deferred, tw_value result, void *arg)
{
    (void)deferred;
    (void)arg;
    trace_seen("twice", result);
}

static inline void trace_setup(void)
{
    static const struct tw_deferred_hooks hooks = { trace_unhandled, trace_twice, NULL };

    tw_deferred_set_hooks(&hooks);
    trace_reset();
}

/* Nothing may be left over. */
static inline void trace_teardown(void)
{
    ck_assert_uint_eq(tw_deferred_count(), 0);
}

#define ck_trace(expected)               \
    do {                                 \
        ck_assert_str_eq(trace, (expected)); \
        trace_reset();                   \
    } while (0)

#endif
