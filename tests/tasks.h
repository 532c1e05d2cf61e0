/* SPDX-License-Identifier: MIT */
/*
 * tasks.h - shared by tests of objects that a clock drives.
 */
#ifndef TESTS_TASKS_H
#define TESTS_TASKS_H

#include <tweed/task.h>

#include "tests/trace.h"

static tw_clock *test_clock;
static tw_deferred *slot; /* of what a function or a step waits for */

static inline void setup(void)
{
    trace_setup();
    test_clock = tw_clock_virtual_new();
}

static inline void teardown(void)
{
    ck_assert_uint_eq(tw_clock_pending(test_clock), 0);
    tw_clock_free(test_clock);
    trace_teardown();
}

static inline void note(tw_deferred *d, const char *step)
{
    tw_add_both(d, say_none, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

static inline void trace_number(const char *what, int64_t number)
{
    char text[64];

    snprintf(text, sizeof text, "%s%lld", what, (long long)number);
    trace_add(text);
}

#endif
