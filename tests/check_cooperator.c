/* SPDX-License-Identifier: MIT */
/*
 * check_cooperator.c - many iterations on one thread, by turns.
 */
#include "config.h"

#include <errno.h>

#include <tweed/log.h>

#include "tests/tasks.h"

struct counter {
    const char *name;
    int left;
    tw_cooperative_task *task;
};

static tw_value step(bool *ret_more, void *arg)
{
    struct counter *counter = arg;

    trace_number(counter->name, counter->left);
    *ret_more = --counter->left > 0;
    return tw_none();
}

static void counter_released(void *arg)
{
    trace_number("~", ((struct counter *)arg)->left);
}

static tw_cooperator *cooperator;

static void begin(void)
{
    setup();
    cooperator = test_given(tw_cooperator_new(test_clock));
}

static void end(void)
{
    tw_cooperator_free(cooperator);
    teardown();
}

static void count_with(struct counter *counter, const char *name, int left, tw_step *fn)
{
    *counter = (struct counter){ name, left, NULL };
    counter->task = tw_cooperate(cooperator, fn, counter, counter_released);
    note(tw_cooperative_task_done(counter->task), name);
}

START_TEST(tasks_take_turns)
{
    struct counter a, b;

    begin();
    count_with(&a, "a", 3, step);
    count_with(&b, "b", 2, step);
    ck_trace("");
    tw_clock_advance(test_clock, 1);
    ck_trace("a3 b2 a2 b1 ~0 b=none a1 ~0 a=none");
    note(tw_cooperative_task_done(a.task), "late");
    ck_trace("late=none");
    ck_assert_int_eq(tw_cooperative_task_pause(a.task), -EALREADY);
    ck_assert_int_eq(tw_cooperative_task_resume(a.task), -EALREADY);
    ck_assert_int_eq(tw_cooperative_task_stop(a.task), -EALREADY);
    tw_cooperative_task_unref(a.task);
    tw_cooperative_task_unref(b.task);
    tw_cooperative_task_unref(NULL);
    end();
}
END_TEST

static tw_value step_on(bool *ret_more, void *steps)
{
    ++*(int *)steps;
    *ret_more = true;
    return tw_none();
}

/* On a clock that moves a slice is 10 ms long; on one that stands still, one round. */
START_TEST(a_turn_has_a_slice_of_steps)
{
    struct tw_reactor_options options = { .virtual_time = _i == 1 };
    tw_cooperative_task *task;
    int steps = 0;

    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    cooperator = test_given(tw_cooperator_new(NULL));
    task = test_given(tw_cooperate(cooperator, step_on, &steps, NULL));
    for (int turns = 0; turns < 3; turns++)
        tw_reactor_iterate(0);
    if (options.virtual_time)
        ck_assert_int_le(steps, 3);
    else
        ck_assert_int_gt(steps, 3);
    tw_cooperative_task_unref(task);
    tw_cooperator_free(cooperator);
    tw_reactor_uninstall();
}
END_TEST

static tw_value step_and_wait(bool *ret_more, void *arg)
{
    step(ret_more, arg);
    return tw_wait(tw_promise(&slot, NULL, NULL));
}

static tw_value step_and_go_on(bool *ret_more, void *arg)
{
    step(ret_more, arg);
    return tw_wait(tw_succeed(tw_none()));
}

static tw_value step_and_fail(bool *ret_more, void *arg)
{
    step(ret_more, arg);
    return tw_fail(&tw_error_dns, "x");
}

START_TEST(an_endless_task_lets_virtual_time_pass)
{
    tw_cooperative_task *task;
    int steps = 0;

    begin();
    task = tw_cooperate(cooperator, step_on, &steps, NULL);
    ck_assert_int_eq(tw_clock_advance(test_clock, 0), 0);
    ck_assert_int_eq(steps, 1);
    ck_assert_int_eq(tw_clock_advance(test_clock, 1), 0);
    ck_assert_int_eq(steps, 101); /* one round for each 10 ms */
    ck_assert_uint_eq(tw_clock_pending(test_clock), 1);
    tw_cooperative_task_unref(task);
    tw_cooperator_free(cooperator);
    ck_assert_uint_eq(tw_clock_pending(test_clock), 0);
    teardown();
}
END_TEST

/* Ways of taking the last task that can run out of the ring. */
static int take_out_by_pause(tw_cooperative_task *task)
{
    return tw_cooperative_task_pause(task);
}

static int take_out_by_stop(tw_cooperative_task *task)
{
    return tw_cooperative_task_stop(task);
}

static int (*const take_out[])(tw_cooperative_task *task) = {
    take_out_by_pause,
    take_out_by_stop,
};

START_TEST(nothing_is_scheduled_while_nothing_can_run)
{
    tw_cooperative_task *first, *second;
    int steps = 0;

    begin();
    first = tw_cooperate(cooperator, step_on, &steps, NULL);
    second = tw_cooperate(cooperator, step_on, &steps, NULL);
    ck_assert_uint_eq(tw_clock_pending(test_clock), 1);
    ck_assert_int_eq(take_out[_i](first), 0);
    ck_assert_uint_eq(tw_clock_pending(test_clock), 1);
    ck_assert_int_eq(take_out[_i](second), 0);
    ck_assert_uint_eq(tw_clock_pending(test_clock), 0);
    if (tw_cooperative_task_resume(second) == 0)
        ck_assert_uint_eq(tw_clock_pending(test_clock), 1);
    tw_cooperative_task_unref(first);
    tw_cooperative_task_unref(second);
    tw_cooperator_free(cooperator);
    ck_assert_uint_eq(tw_clock_pending(test_clock), 0);
    teardown();
}
END_TEST

START_TEST(a_task_that_waits_holds_up_nobody_else)
{
    struct counter a, b, c;

    begin();
    count_with(&a, "a", 2, step_and_wait);
    count_with(&b, "b", 2, step);
    count_with(&c, "c", 2, step_and_go_on);
    tw_clock_advance(test_clock, 1);
    ck_trace("a2 b2 c2 b1 ~0 b=none c1 ~0 c=none");
    ck_assert_int_eq(tw_cooperative_task_resume(a.task), -EINVAL);
    tw_fire(&slot, tw_none());
    tw_clock_advance(test_clock, 0);
    ck_trace("a1");
    tw_fire(&slot, tw_fail(&tw_error_dns, "x"));
    ck_trace("~0 a!dns");
    tw_cooperative_task_unref(a.task);
    tw_cooperative_task_unref(b.task);
    tw_cooperative_task_unref(c.task);
    end();
}
END_TEST

START_TEST(pauses_of_a_task_are_counted)
{
    struct counter a, b;

    begin();
    count_with(&a, "a", 1, step);
    count_with(&b, "b", 3, step_and_wait);
    tw_cooperative_task_pause(a.task);
    tw_cooperative_task_pause(a.task);
    tw_clock_advance(test_clock, 0);
    ck_trace("b3");
    ck_assert_int_eq(tw_cooperative_task_resume(a.task), 0);
    tw_clock_advance(test_clock, 0);
    ck_trace("");
    ck_assert_int_eq(tw_cooperative_task_resume(a.task), 0);
    ck_assert_int_eq(tw_cooperative_task_resume(a.task), -EINVAL);
    tw_clock_advance(test_clock, 0);
    ck_trace("a1 ~0 a=none");
    tw_cooperative_task_pause(b.task);
    tw_fire(&slot, tw_none());
    tw_clock_advance(test_clock, 0);
    ck_trace("");
    ck_assert_int_eq(tw_cooperative_task_stop(b.task), 0);
    ck_trace("~2 b!cancelled");
    tw_cooperative_task_unref(a.task);
    tw_cooperative_task_unref(b.task);
    end();
}
END_TEST

static tw_value step_and_stop(bool *ret_more, void *arg)
{
    struct counter *counter = arg;

    step(ret_more, arg);
    tw_cooperative_task_stop(counter->task);
    return tw_string("nobody wants it");
}

static tw_value step_and_free(bool *ret_more, void *arg)
{
    step(ret_more, arg);
    tw_cooperator_free(cooperator);
    return tw_none();
}

START_TEST(a_task_may_be_stopped_anywhere)
{
    struct counter a, b, c;

    begin();
    count_with(&a, "a", 2, step_and_stop);
    count_with(&b, "b", 2, step_and_fail);
    count_with(&c, "c", 2, step_and_wait);
    tw_clock_advance(test_clock, 0);
    ck_trace("a2 ~1 a!cancelled b2 ~1 b!dns c2");
    tw_cooperative_task_stop(c.task);
    ck_trace("~1 c!cancelled");
    tw_fire(&slot, tw_fail(&tw_error_dns, "x"));
    ck_trace("");
    tw_cooperative_task_unref(a.task);
    tw_cooperative_task_unref(b.task);
    tw_cooperative_task_unref(c.task);
    count_with(&a, "a", 2, step_and_free);
    count_with(&b, "b", 2, step);
    tw_clock_advance(test_clock, 0);
    ck_trace("a2 ~1 a!cancelled ~2 b!cancelled");
    tw_cooperative_task_unref(a.task);
    tw_cooperative_task_unref(b.task);
    ck_assert_ptr_null(tw_cooperate(NULL, step, &a, counter_released));
    ck_trace("~1");
    ck_assert_ptr_null(tw_cooperative_task_done(NULL));
    ck_assert_int_eq(tw_cooperative_task_stop(NULL), -EALREADY);
    tw_cooperator_free(NULL);
    teardown();
}
END_TEST

static void observe(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    trace_add(event->module);
}

START_TEST(a_failed_task_that_nobody_asks_about_is_logged)
{
    struct counter a = { "a", 2, NULL };

    setup();
    tw_log_observe(observe, NULL, TW_LOG_ERROR);
    cooperator = tw_cooperator_new(test_clock);
    tw_cooperative_task_unref(tw_cooperate(cooperator, step_and_fail, &a, NULL));
    tw_clock_advance(test_clock, 0);
    ck_trace("a2 task");
    tw_cooperative_task_unref(tw_cooperate(cooperator, step, &a, NULL));
    tw_cooperator_free(cooperator);
    ck_trace("");
    tw_log_observe(NULL, NULL, TW_LOG_ERROR);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cooperator");

    TEST_ADD(suite, tasks_take_turns);
    test_add(suite, a_turn_has_a_slice_of_steps, 0, 2);
    TEST_ADD(suite, an_endless_task_lets_virtual_time_pass);
    TEST_ADD_ROWS(suite, nothing_is_scheduled_while_nothing_can_run, take_out);
    TEST_ADD(suite, a_task_that_waits_holds_up_nobody_else);
    TEST_ADD(suite, pauses_of_a_task_are_counted);
    TEST_ADD(suite, a_task_may_be_stopped_anywhere);
    TEST_ADD(suite, a_failed_task_that_nobody_asks_about_is_logged);
    return test_run(suite);
}
