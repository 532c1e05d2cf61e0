/* SPDX-License-Identifier: MIT */
/*
 * check_block_on.c - programs around one Deferred: tw_block_on() and tw_react().
 */
#include "config.h"

#include <errno.h>
#include <signal.h>

#include <tweed/log.h>
#include <tweed/reactor.h>
#include <tweed/task.h>

#include "tests/test.h"

static tw_deferred *pending;
static int logged;

static void begin(void)
{
    struct tw_reactor_options options = { .virtual_time = true };

    tw_reactor_uninstall();
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    ck_assert_int_eq(tw_reactor_install(&options), 0);
}

static void end(void)
{
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}

static tw_value seven(void *arg)
{
    (void)arg;
    return tw_integer(7);
}

static tw_value fail_url(void *arg)
{
    (void)arg;
    return tw_fail(&tw_error_url, "no host");
}

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

static void count_log(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    logged += event->level >= TW_LOG_CRITICAL;
}

static void ck_is(tw_value v, const tw_error_class *error)
{
    ck_assert(tw_failure_is(v, error));
    tw_release(v);
}

/* --- tw_block_on ---------------------------------------------------------------------------- */

static tw_value count_shutdown(void *arg)
{
    ++*(int *)arg;
    return tw_none();
}

START_TEST(it_runs_until_the_deferred_is_done_and_again)
{
    int shutdowns = 0;

    begin();
    tw_reactor_add_trigger(TW_DURING, "shutdown", count_shutdown, &shutdowns);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tw_integer_of(tw_block_on(tw_defer_later(NULL, 5, seven, NULL))), 7);
    ck_assert(tw_clock_seconds(tw_reactor_clock()) == 15);
    ck_is(tw_block_on(tw_defer_later(NULL, 1, fail_url, NULL)), &tw_error_url);
    ck_assert(!tw_reactor_running());
    /* No shutdown in between: connections stay. */
    ck_assert_int_eq(shutdowns, 0);
    end();
}
END_TEST

START_TEST(what_is_done_already_is_not_waited_for)
{
    begin();
    ck_assert_int_eq(tw_integer_of(tw_block_on(tw_succeed(tw_integer(3)))), 3);
    ck_is(tw_block_on(tw_failed(tw_fail(&tw_error_dns, "none"))), &tw_error_dns);
    ck_is(tw_block_on(NULL), &tw_error_memory);
    end();
}
END_TEST

static tw_value block_inside(void *arg)
{
    (void)arg;
    ck_is(tw_block_on(tw_promise(&pending, NULL, NULL)), &tw_error_misuse);
    tw_fire(&pending, tw_none());
    return tw_none();
}

START_TEST(inside_a_running_reactor_it_is_misuse)
{
    begin();
    tw_release(tw_block_on(tw_defer_later(NULL, 1, block_inside, NULL)));
    end();
}
END_TEST

START_TEST(a_stop_abandons_the_wait_and_a_late_result_harms_nobody)
{
    tw_deferred *d;

    begin();
    d = tw_promise(&pending, NULL, NULL);
    tw_call_later(1, stop, NULL);
    ck_is(tw_block_on(d), &tw_error_abandoned);
    tw_fire(&pending, tw_bytes("late", 4));
    tw_reactor_stop();
    ck_is(tw_block_on(tw_promise(&pending, NULL, NULL)), &tw_error_abandoned);
    tw_fire(&pending, tw_fail(&tw_error_url, "late; nobody handles it"));
    end();
}
END_TEST

static void let_die(void *arg)
{
    (void)arg;
    tw_deferred_unref(pending);
    pending = NULL;
}

START_TEST(a_deferred_that_dies_unfired_does_not_hang_the_program)
{
    tw_deferred *outer;

    begin();
    outer = tw_deferred_new(NULL, NULL, NULL);
    tw_deferred_resolve_with(tw_deferred_ref(outer), tw_promise(&pending, NULL, NULL));
    tw_deferred_unref(outer);
    tw_call_later(1, let_die, NULL);
    tw_call_later(100, stop, NULL);
    ck_is(tw_block_on(outer), &tw_error_abandoned);
    end();
}
END_TEST

/* --- tw_react --------------------------------------------------------------------------------- */

static tw_deferred *start_good(void *arg)
{
    (void)arg;
    ck_assert(tw_reactor_running());
    return tw_defer_later(NULL, 5, seven, NULL);
}

static tw_deferred *start_bad(void *arg)
{
    (void)arg;
    return tw_defer_later(NULL, 5, fail_url, NULL);
}

static tw_deferred *start_nothing(void *arg)
{
    (void)arg;
    return NULL;
}

static tw_deferred *start_stopped(void *arg)
{
    (void)arg;
    tw_call_later(1, stop, NULL);
    return tw_promise(&pending, NULL, NULL);
}

static tw_value raise_int(void *arg)
{
    (void)arg;
    raise(SIGINT);
    return tw_none();
}

static tw_deferred *start_signalled(void *arg)
{
    (void)arg;
    tw_deferred *later = test_given(tw_defer_later(NULL, 1, raise_int, NULL));

    ck_assert(!tw_deferred_called(later));
    tw_deferred_unref(later);
    return tw_promise(&pending, NULL, NULL);
}

static tw_deferred *start_inside(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tw_react(start_good, NULL), 1);
    return tw_succeed(tw_none());
}

static const struct {
    const char *what;
    tw_deferred *(*start)(void *arg);
    int status, logged;
} programs[] = {
    { "succeeds", start_good, 0, 0 },
    { "fails", start_bad, 1, 1 },
    { "no memory", start_nothing, 1, 1 },
    { "stopped by somebody else", start_stopped, 0, 0 },
    { "stopped by a signal", start_signalled, 128 + SIGINT, 0 },
    { "inside another", start_inside, 0, 1 },
};

START_TEST(react_gives_an_exit_status)
{
    begin();
    logged = 0;
    tw_log_observe(count_log, NULL, TW_LOG_DEBUG);
    ck_assert_msg(tw_react(programs[_i].start, NULL) == programs[_i].status, "%s",
                  programs[_i].what);
    tw_log_observe(NULL, NULL, TW_LOG_DEBUG);
    ck_assert_msg(logged == programs[_i].logged, "%s: %d logged", programs[_i].what, logged);
    tw_fire(&pending, tw_none());
    end();
}
END_TEST

static tw_value wait_for_ever(void *arg)
{
    (void)arg;
    return tw_wait(tw_promise(&pending, NULL, NULL));
}

static void crash(void *arg)
{
    (void)arg;
    tw_reactor_crash();
}

START_TEST(a_program_that_never_began_is_forgotten)
{
    begin();
    tw_reactor_add_trigger(TW_BEFORE, "startup", wait_for_ever, NULL);
    tw_call_soon(crash, NULL);
    ck_assert_int_eq(tw_react(start_bad, NULL), 0);
    tw_fire(&pending, tw_none());
    tw_call_soon(stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    end();
}
END_TEST

static bool whole_program(void *arg)
{
    struct tw_reactor_options options = { .virtual_time = true };
    tw_value v;
    bool ok;

    (void)arg;
    if (tw_reactor_install(&options) < 0)
        return false;
    v = tw_block_on(tw_defer_later(NULL, 1, seven, NULL));
    ok = tw_integer_of(v) == 7;
    tw_release(v);
    ok = tw_react(start_good, NULL) == 0 && ok;
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    return ok;
}

START_TEST(no_allocation_failure_harms_a_program)
{
    tw_reactor_uninstall();
    test_each_alloc_failure(whole_program, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block_on");

    TEST_ADD(suite, it_runs_until_the_deferred_is_done_and_again);
    TEST_ADD(suite, what_is_done_already_is_not_waited_for);
    TEST_ADD(suite, inside_a_running_reactor_it_is_misuse);
    TEST_ADD(suite, a_stop_abandons_the_wait_and_a_late_result_harms_nobody);
    TEST_ADD(suite, a_deferred_that_dies_unfired_does_not_hang_the_program);
    TEST_ADD_ROWS(suite, react_gives_an_exit_status, programs);
    TEST_ADD(suite, a_program_that_never_began_is_forgotten);
    TEST_ADD(suite, no_allocation_failure_harms_a_program);
    return test_run(suite);
}
