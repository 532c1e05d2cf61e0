/* SPDX-License-Identifier: MIT */
/*
 * check_task.c - deferLater, LoopingCall; and the Cooperator, without memory.
 */
#include "config.h"

#include <errno.h>
#include <math.h>

#include "tests/tasks.h"

/* --- deferLater ------------------------------------------------------------------------- */

static tw_value give(void *text)
{
    return tw_string(text);
}

static tw_value give_failure(void *arg)
{
    (void)arg;
    return tw_fail(&tw_error_dns, "x");
}

static tw_value give_promise(void *arg)
{
    (void)arg;
    return tw_wait(tw_promise(&slot, NULL, NULL));
}

static tw_value cancel_itself(void *d)
{
    tw_cancel(*(tw_deferred **)d);
    return tw_string("too late");
}

START_TEST(defer_later_fires_with_what_the_function_returns)
{
    setup();
    note(tw_defer_later(test_clock, 2, give, "two"), "a");
    note(tw_defer_later(test_clock, 1, NULL, NULL), "b");
    note(tw_defer_later(test_clock, 3, give_failure, NULL), "c");
    note(tw_defer_later(test_clock, 4, give_promise, NULL), "d");
    ck_trace("");
    tw_clock_advance(test_clock, 2);
    ck_trace("b=none a=two");
    tw_clock_advance(test_clock, 2);
    ck_trace("c!dns");
    tw_fire(&slot, tw_integer(7));
    ck_trace("d=7");
    note(tw_defer_later(test_clock, -1, NULL, NULL), "e");
    note(tw_defer_later(test_clock, NAN, NULL, NULL), "f");
    ck_trace("e!misuse f!misuse");
    teardown();
}
END_TEST

START_TEST(cancelling_defer_later_kills_the_timer)
{
    tw_deferred *d;

    setup();
    d = tw_defer_later(test_clock, 2, give, "two");
    tw_cancel(d);
    ck_assert_uint_eq(tw_clock_pending(test_clock), 0);
    note(d, "a");
    ck_trace("a!cancelled");
    d = tw_defer_later(test_clock, 2, cancel_itself, &d);
    tw_clock_advance(test_clock, 2);
    note(d, "b");
    ck_trace("b!cancelled");
    teardown();
}
END_TEST

START_TEST(a_clock_that_goes_away_abandons_defer_later)
{
    tw_deferred *d;

    setup();
    d = tw_defer_later(test_clock, 2, give, "two");
    tw_clock_free(test_clock);
    note(d, "a");
    ck_trace("a!abandoned");
    trace_teardown();
}
END_TEST

/* --- LoopingCall: rows ------------------------------------------------------------------ */

/* The first five calls of fn: when, and the count it got. Every advance is one step in time. */
static const struct {
    const char *when;
    double interval;
    bool now;
    const char *advances; /* seconds, in digits */
    const char *sees;
} rows[] = {
    { "on the grid", 2, false, "222", "2:1 4:1 6:1" },
    { "at once, too: counts one", 2, true, "22", "0:1 2:1 4:1" },
    { "one long advance runs all", 2, false, "6", "2:1 4:1 6:1" },
    { "odd steps", 2, false, "1111", "2:1 4:1" },
};

static double last_time;

static tw_value tell(tw_looping_call *loop, uint64_t count, void *arg)
{
    char text[64];

    (void)arg;
    last_time = tw_clock_seconds(test_clock);
    snprintf(text, sizeof text, "%g:%d", last_time, (int)count);
    trace_add(text);
    ck_assert(tw_looping_call_running(loop));
    return tw_none();
}

START_TEST(a_loop_calls_on_a_fixed_grid)
{
    tw_looping_call *loop;

    setup();
    loop = tw_looping_call_new(test_clock, tell, NULL);
    ck_assert(!tw_looping_call_running(loop));
    note(tw_looping_call_start(loop, rows[_i].interval, rows[_i].now), "end");
    for (const char *by = rows[_i].advances; *by != '\0'; by++)
        tw_clock_advance(test_clock, *by - '0');
    ck_assert_msg(strcmp(trace, rows[_i].sees) == 0, "%s: %s", rows[_i].when, trace);
    trace_reset();
    ck_assert_int_eq(tw_looping_call_stop(loop), 0);
    ck_trace("end=none");
    ck_assert_int_eq(tw_looping_call_stop(loop), -EINVAL);
    ck_assert_int_eq(tw_looping_call_reset(loop), -EINVAL);
    tw_looping_call_free(loop);
    teardown();
}
END_TEST

static int leave_promise(tw_deferred *deferred, void *ctx)
{
    (void)deferred;
    (void)ctx;
    trace_add("stop");
    return 0;
}

static tw_value tell_and_wait(tw_looping_call *loop, uint64_t count, void *arg)
{
    tell(loop, count, arg);
    return tw_wait(tw_promise(&slot, leave_promise, NULL));
}

START_TEST(what_is_waited_for_skips_ticks_and_counts_them)
{
    tw_looping_call *loop;

    setup();
    loop = tw_looping_call_new(test_clock, tell_and_wait, NULL);
    note(tw_looping_call_start(loop, 2, true), "end");
    tw_clock_advance(test_clock, 5);
    tw_fire(&slot, tw_none());
    ck_trace("0:1");
    tw_clock_advance(test_clock, 1);
    ck_trace("6:3");
    tw_fire(&slot, tw_none());
    tw_clock_advance(test_clock, 2);
    ck_trace("8:1");
    /* Stopped from outside while fn is busy: ends when that does. */
    ck_assert_int_eq(tw_looping_call_stop(loop), 0);
    ck_assert(!tw_looping_call_running(loop));
    ck_trace("");
    note(tw_looping_call_start(loop, 1, true), "again");
    ck_trace("again!misuse");
    tw_fire(&slot, tw_none());
    ck_trace("end=none");
    tw_looping_call_free(loop);
    teardown();
}
END_TEST

static tw_value slow(tw_looping_call *loop, uint64_t count, void *seconds)
{
    tell(loop, count, NULL);
    /* Time goes by inside. */
    if (tw_clock_seconds(test_clock) < 9)
        tw_clock_advance(test_clock, *(double *)seconds);
    return tw_none();
}

START_TEST(a_slow_function_stays_on_the_grid)
{
    double seconds = 2.5;
    tw_looping_call *loop;

    setup();
    loop = tw_looping_call_new(test_clock, slow, &seconds);
    note(tw_looping_call_start(loop, 1, true), "end");
    ck_trace("0:1");
    tw_clock_advance(test_clock, 0.5);
    ck_trace("3:3");
    tw_looping_call_free(loop);
    ck_trace("end=none");
    teardown();
}
END_TEST

static int calls_left;

static tw_value count_down(tw_looping_call *loop, uint64_t count, void *arg)
{
    (void)arg;
    ck_assert_uint_eq(count, 1);
    trace_number("", calls_left);
    if (--calls_left == 0)
        tw_looping_call_stop(loop);
    return tw_none();
}

START_TEST(interval_0_is_every_turn_with_count_1)
{
    tw_looping_call *loop;

    setup();
    calls_left = 3;
    loop = tw_looping_call_new(test_clock, count_down, NULL);
    note(tw_looping_call_start(loop, 0, false), "end");
    ck_trace("");
    tw_clock_advance(test_clock, 1);
    ck_trace("3 2 1 end=none");
    /* and it may be started again */
    calls_left = 1;
    note(tw_looping_call_start(loop, 5, true), "end");
    ck_trace("1 end=none");
    tw_looping_call_free(loop);
    teardown();
}
END_TEST

static tw_value fail_at_two(tw_looping_call *loop, uint64_t count, void *arg)
{
    tell(loop, count, arg);
    return last_time < 2 ? tw_none() : tw_fail(&tw_error_dns, "x");
}

START_TEST(a_failure_stops_the_loop)
{
    tw_looping_call *loop;

    setup();
    loop = tw_looping_call_new(test_clock, fail_at_two, NULL);
    note(tw_looping_call_start(loop, 1, true), "end");
    tw_clock_advance(test_clock, 10);
    ck_trace("0:1 1:1 2:1 end!dns");
    ck_assert(!tw_looping_call_running(loop));
    tw_looping_call_free(loop);
    loop = tw_looping_call_new(test_clock, tell_and_wait, NULL);
    note(tw_looping_call_start(loop, 1, true), "end");
    tw_deferred_unref(slot);
    ck_trace("10:1 end!abandoned");
    tw_looping_call_free(loop);
    teardown();
}
END_TEST

START_TEST(reset_begins_a_new_grid)
{
    tw_looping_call *loop;

    setup();
    loop = tw_looping_call_new(test_clock, tell, NULL);
    note(tw_looping_call_start(loop, 3, false), "end");
    tw_clock_advance(test_clock, 2);
    ck_assert_int_eq(tw_looping_call_reset(loop), 0);
    tw_clock_advance(test_clock, 6);
    ck_trace("5:1 8:1");
    tw_looping_call_free(loop);
    ck_trace("end=none");
    loop = tw_looping_call_new(test_clock, tell_and_wait, NULL);
    note(tw_looping_call_start(loop, 3, true), "end");
    tw_clock_advance(test_clock, 1);
    ck_assert_int_eq(tw_looping_call_reset(loop), 0); /* while fn is busy */
    tw_fire(&slot, tw_none());
    tw_clock_advance(test_clock, 3);
    ck_trace("8:1 12:1");
    tw_looping_call_free(loop);
    tw_fire(&slot, tw_none());
    ck_trace("end=none");
    teardown();
}
END_TEST

START_TEST(cancelling_the_loops_deferred_stops_it)
{
    tw_looping_call *loop;
    tw_deferred *d;

    setup();
    loop = tw_looping_call_new(test_clock, tell, NULL);
    d = tw_looping_call_start(loop, 3, false);
    note(tw_deferred_ref(d), "end");
    tw_cancel(d);
    ck_trace("end!cancelled");
    ck_assert(!tw_looping_call_running(loop));
    tw_deferred_unref(d);
    tw_looping_call_free(loop);
    loop = tw_looping_call_new(test_clock, tell_and_wait, NULL);
    d = tw_looping_call_start(loop, 3, true);
    note(tw_deferred_ref(d), "end");
    tw_cancel(d);
    ck_trace("0:1 stop end!cancelled");
    tw_deferred_unref(slot);
    tw_deferred_unref(d);
    tw_looping_call_free(loop);
    teardown();
}
END_TEST

static tw_deferred *loop_done;

static tw_value cancel_loop_and_wait(tw_looping_call *loop, uint64_t count, void *arg)
{
    (void)loop;
    (void)count;
    (void)arg;
    tw_cancel(loop_done);
    return tw_wait(tw_promise(&slot, leave_promise, NULL));
}

START_TEST(a_cancel_inside_the_function_reaches_what_it_then_returns)
{
    tw_looping_call *loop;

    setup();
    loop = tw_looping_call_new(test_clock, cancel_loop_and_wait, NULL);
    loop_done = tw_looping_call_start(loop, 3, false);
    note(tw_deferred_ref(loop_done), "end");
    tw_clock_advance(test_clock, 3);
    ck_trace("stop end!cancelled");
    ck_assert(!tw_looping_call_running(loop));
    tw_deferred_unref(slot);
    tw_deferred_unref(loop_done);
    tw_looping_call_free(loop);
    teardown();
}
END_TEST

static tw_value free_loop(tw_looping_call *loop, uint64_t count, void *arg)
{
    (void)arg;
    trace_number("free", (int64_t)count);
    tw_looping_call_free(loop);
    return tw_none();
}

START_TEST(a_loop_may_be_freed_inside_its_function)
{
    tw_looping_call *loop;

    setup();
    loop = tw_looping_call_new(test_clock, free_loop, NULL);
    note(tw_looping_call_start(loop, 3, true), "end");
    ck_trace("free1 end=none");
    loop = tw_looping_call_new(test_clock, tell, NULL);
    note(tw_looping_call_start(loop, -1, true), "a");
    note(tw_looping_call_start(loop, INFINITY, true), "b");
    ck_trace("a!misuse b!misuse");
    tw_looping_call_free(loop);
    tw_looping_call_free(NULL);
    ck_assert_ptr_null(tw_looping_call_start(NULL, 1, true));
    ck_assert_int_eq(tw_looping_call_stop(NULL), -EINVAL);
    teardown();
}
END_TEST

static tw_value count_on(tw_looping_call *loop, uint64_t count, void *arg)
{
    (void)loop;
    *(int *)arg += (int)count;
    return tw_none();
}

START_TEST(an_endless_loop_of_every_turn_lets_virtual_time_pass)
{
    tw_looping_call *loop;
    int calls = 0;

    setup();
    loop = tw_looping_call_new(test_clock, count_on, &calls);
    note(tw_looping_call_start(loop, 0, true), "end");
    ck_assert_int_eq(tw_clock_advance(test_clock, 1), 0);
    ck_assert_int_eq(calls, 1001); /* one for each millisecond */
    tw_looping_call_stop(loop);
    ck_trace("end=none");
    tw_looping_call_free(loop);
    teardown();
}
END_TEST

/* --- without memory --------------------------------------------------------------------- */

static tw_value count_it(tw_value result, void *count)
{
    ++*(int *)count;
    return tw_is_failure(result) ? tw_none() : result;
}

static void counted(tw_deferred *d, int *seen)
{
    tw_add_both(d, count_it, seen);
    tw_deferred_unref(d);
}

static tw_value few_steps(bool *ret_more, void *left)
{
    *ret_more = --*(int *)left > 0;
    return tw_wait(tw_succeed(tw_none()));
}

static tw_value few_calls(tw_looping_call *loop, uint64_t count, void *left)
{
    (void)count;
    if (--*(int *)left <= 0)
        tw_looping_call_stop(loop);
    return tw_none();
}

static bool use_all(void *arg)
{
    tw_clock *clock = tw_clock_virtual_new();
    int seen = 0, steps = 3, calls = 3;
    tw_looping_call *loop;
    tw_cooperator *cooperator;
    tw_cooperative_task *task;

    (void)arg;
    if (clock == NULL)
        return false;
    trace_setup();
    counted(tw_defer_later(clock, 1, give, "x"), &seen);
    loop = tw_looping_call_new(clock, few_calls, &calls);
    counted(tw_looping_call_start(loop, 1, true), &seen);
    cooperator = tw_cooperator_new(clock);
    task = tw_cooperate(cooperator, few_steps, &steps, NULL);
    counted(tw_cooperative_task_done(task), &seen);
    tw_clock_advance(clock, 10);
    ck_assert_int_eq(seen, 3);
    tw_cooperative_task_unref(task);
    tw_cooperator_free(cooperator);
    tw_looping_call_free(loop);
    ck_assert_uint_eq(tw_clock_pending(clock), 0);
    tw_clock_free(clock);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(each_ends_without_memory)
{
    test_each_alloc_failure(use_all, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("task");

    TEST_ADD(suite, defer_later_fires_with_what_the_function_returns);
    TEST_ADD(suite, cancelling_defer_later_kills_the_timer);
    TEST_ADD(suite, a_clock_that_goes_away_abandons_defer_later);
    TEST_ADD_ROWS(suite, a_loop_calls_on_a_fixed_grid, rows);
    TEST_ADD(suite, what_is_waited_for_skips_ticks_and_counts_them);
    TEST_ADD(suite, a_slow_function_stays_on_the_grid);
    TEST_ADD(suite, interval_0_is_every_turn_with_count_1);
    TEST_ADD(suite, a_failure_stops_the_loop);
    TEST_ADD(suite, reset_begins_a_new_grid);
    TEST_ADD(suite, cancelling_the_loops_deferred_stops_it);
    TEST_ADD(suite, a_cancel_inside_the_function_reaches_what_it_then_returns);
    TEST_ADD(suite, a_loop_may_be_freed_inside_its_function);
    TEST_ADD(suite, an_endless_loop_of_every_turn_lets_virtual_time_pass);
    TEST_ADD(suite, each_ends_without_memory);
    return test_run(suite);
}
