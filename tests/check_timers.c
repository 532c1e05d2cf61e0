/* SPDX-License-Identifier: MIT */
/*
 * check_timers.c - timed calls of a reactor, on real and on virtual time.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <tweed/reactor.h>
#include <tweed/task.h>

#include "base/clock.h"
#include "reactor/face.h"
#include "tests/test.h"

static char trace[64];
#define L(letter) ((void *)(uintptr_t)(letter)[0])

static void note(void *letter)
{
    size_t length = strlen(trace);
    ck_assert_uint_lt(length, sizeof trace - 1);
    trace[length] = (char)(uintptr_t)letter;
    trace[length + 1] = '\0';
}

static void note_upper(void *letter)
{
    note((void *)((uintptr_t)letter - 'a' + 'A'));
}

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

static void begin(bool virtual_time)
{
    struct tw_reactor_options options = { .virtual_time = virtual_time };

    trace[0] = '\0';
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
}

static void run_for(double seconds)
{
    tw_call_later(seconds, stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
}

static double now(void)
{
    return tw_clock_seconds(tw_reactor_clock());
}

/* Virtual time is exact to the nanosecond, but doubles are not. */
#define ASSERT_NOW(seconds) ck_assert(fabs(now() - (seconds)) < 1e-8)

START_TEST(calls_come_in_time_order_and_equal_ones_in_the_order_added)
{
    begin(true);
    tw_call_later(0.0003, note, L("d"));
    tw_call_later(0.0001, note, L("a"));
    tw_call_later(70000, note, L("g"));
    tw_call_later(0.0002, note, L("b"));
    tw_call_later(0.0002, note, L("c"));
    tw_call_later(3, note, L("e"));
    tw_call_later(3, note, L("f"));
    run_for(100000);
    ck_assert_str_eq(trace, "abcdefg");
    ASSERT_NOW(100000);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void add_between(void *arg)
{
    note(arg);
    ASSERT_NOW(0.0001);
    tw_call_later(0.0001, note, L("b"));
    tw_call_later(0, note, L("0"));
}

START_TEST(time_is_right_inside_each_call_and_new_ones_fall_into_place)
{
    begin(true);
    tw_call_later(0.0003, note, L("c"));
    tw_call_later(0.0001, add_between, L("a"));
    run_for(1);
    ck_assert_str_eq(trace, "a0bc");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static int64_t own;

static void touch_itself(void *arg)
{
    note(arg);
    ck_assert(!tw_call_active(own));
    ck_assert_int_eq(tw_call_cancel(own), -EALREADY);
    ck_assert_int_eq(tw_call_reset(own, 1), -EALREADY);
    ck_assert_int_eq(tw_call_delay(own, 1), -EALREADY);
}

START_TEST(a_number_that_is_done_is_refused_and_says_why)
{
    int64_t call, other;

    begin(true);
    own = tw_call_later(1, touch_itself, L("t"));
    call = tw_call_later(2, note, L("x"));
    other = tw_call_later(3, note, L("o"));
    ck_assert_int_gt(own, 0);
    ck_assert_int_ne(call, other);
    ck_assert(tw_call_active(call));
    ck_assert_int_eq(tw_call_cancel(call), 0);
    ck_assert(!tw_call_active(call));
    ck_assert_int_eq(tw_call_cancel(call), -ECANCELED);
    ck_assert_int_eq(tw_call_reset(call, 1), -ECANCELED);
    ck_assert_int_eq(tw_call_delay(call, 1), -ECANCELED);
    /* Its place is taken by another, which it does not touch. */
    ck_assert_int_gt(tw_call_later(2, note, L("n")), 0);
    ck_assert_int_eq(tw_call_cancel(call), -ENOENT);
    ck_assert_int_eq(tw_call_cancel(0), -ENOENT);
    ck_assert_int_eq(tw_call_cancel(-1), -ENOENT);
    ck_assert_int_eq(tw_call_cancel(12345), -ENOENT);
    run_for(10);
    ck_assert_str_eq(trace, "tno");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    ck_assert_int_eq(tw_call_cancel(other), -ENOENT);
    ck_assert_int_eq(tw_call_reset(other, 1), -ENOENT);
    ck_assert_int_eq(tw_call_delay(other, 1), -ENOENT);
    ck_assert(!tw_call_active(other));
}
END_TEST

START_TEST(a_number_of_an_earlier_reactor_is_refused)
{
    int64_t call;

    begin(true);
    call = tw_call_later(1, note, L("x"));
    begin(true);
    ck_assert_int_gt(tw_call_later(1, note, L("a")), 0);
    ck_assert_int_eq(tw_call_cancel(call), -ENOENT);
    run_for(2);
    ck_assert_str_eq(trace, "a");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static const struct {
    const char *what;
    double reset, delay; /* NAN: not done */
    double at;
} moves[] = {
    { "neither", NAN, NAN, 10 },
    { "reset to earlier", 3, NAN, 4 },
    { "reset to later", 100, NAN, 101 },
    { "reset to now", 0, NAN, 1 },
    { "delayed", NAN, 5, 15 },
    { "hastened", NAN, -4, 6 },
    { "hastened into the past", NAN, -40, 1 },
    { "both", 3, 5, 9 },
};
static double called_at;

static void note_time(void *arg)
{
    (void)arg;
    called_at = now();
}

static void move_it(void *arg)
{
    int i = (int)(intptr_t)arg;

    if (!isnan(moves[i].reset))
        ck_assert_int_eq(tw_call_reset(own, moves[i].reset), 0);
    if (!isnan(moves[i].delay))
        ck_assert_int_eq(tw_call_delay(own, moves[i].delay), 0);
}

START_TEST(a_call_can_be_moved)
{
    begin(true);
    own = tw_call_later(10, note_time, NULL);
    tw_call_later(1, move_it, (void *)(intptr_t)_i);
    run_for(1000);
    ck_assert_msg(fabs(called_at - moves[_i].at) < 1e-8, "%s: %f", moves[_i].what, called_at);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static const double wrong_times[] = { -1, -0.000001, NAN, INFINITY, -INFINITY };

START_TEST(a_time_that_is_none_is_refused_and_the_argument_released)
{
    int64_t call;

    begin(true);
    call = tw_call_later(1, note, L("t"));
    ck_assert_int_eq(tw_call_later_with(wrong_times[_i], note, L("a"), note_upper), -EINVAL);
    ck_assert_str_eq(trace, "A");
    ck_assert_int_eq(tw_call_reset(call, wrong_times[_i]), -EINVAL);
    if (isnan(wrong_times[_i]) || isinf(wrong_times[_i]))
        ck_assert_int_eq(tw_call_delay(call, wrong_times[_i]), -EINVAL);
    ck_assert_int_eq(tw_reactor_iterate(NAN), -EINVAL);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

START_TEST(the_argument_is_released_once_however_it_ends)
{
    int64_t call;

    begin(true);
    tw_call_later_with(1, note, L("a"), note_upper);
    call = tw_call_later_with(2, note, L("b"), note_upper);
    tw_call_later_with(1e300, note, L("c"), note_upper);
    tw_call_cancel(call);
    ck_assert_str_eq(trace, "B");
    run_for(3);
    ck_assert_str_eq(trace, "BaA");
    ck_assert_uint_eq(tw_clock_pending(tw_reactor_clock()), 1);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    ck_assert_str_eq(trace, "BaAC");
}
END_TEST

static int64_t later_call;

static void cancel_later(void *arg)
{
    note(arg);
    ck_assert_int_eq(tw_call_cancel(later_call), 0);
}

static void reset_later(void *arg)
{
    note(arg);
    ck_assert_int_eq(tw_call_reset(later_call, 1), 0);
}

START_TEST(a_call_due_in_the_same_turn_can_still_be_cancelled_or_moved)
{
    begin(true);
    tw_call_later(1, cancel_later, L("c"));
    later_call = tw_call_later(1, note, L("x"));
    run_for(3);
    tw_call_later(1, reset_later, L("r"));
    later_call = tw_call_later(1, note, L("l"));
    tw_call_later(1.5, note, L("m"));
    run_for(3);
    ck_assert_str_eq(trace, "crml");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void again(void *arg)
{
    note(arg);
    if (strlen(trace) < 4)
        tw_call_later(0, again, arg);
}

static void soon_note(void *arg)
{
    tw_call_soon(note, arg);
}

START_TEST(a_call_of_no_delay_waits_for_the_next_turn)
{
    begin(true);
    tw_call_later(0, again, L("a"));
    tw_call_later(0, soon_note, L("s"));
    tw_reactor_iterate(0);
    ck_assert_str_eq(trace, "a");
    tw_reactor_iterate(0);
    ck_assert_str_eq(trace, "asa");
    tw_reactor_iterate(0);
    ck_assert_str_eq(trace, "asaa");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- the reactor's clock ----------------------------------------------------------------- */

START_TEST(the_clock_and_the_calls_are_the_same)
{
    tw_clock *clock;
    int64_t call;

    begin(true);
    clock = tw_clock_current();
    ck_assert_ptr_eq(clock, tw_reactor_clock());
    call = tw_clock_call_later(clock, 5, note, L("a"), NULL);
    ck_assert(tw_call_active(call));
    ck_assert_uint_eq(tw_clock_pending(clock), 1);
    ck_assert_int_eq(tw_clock_reset(clock, call, 7), 0);
    ck_assert_int_eq(tw_clock_delay(clock, call, 1), 0);
    ck_assert_int_eq(tw_clock_advance(clock, 7.9), 0);
    ck_assert_str_eq(trace, "");
    ck_assert_int_eq(tw_clock_advance(clock, 0.1), 0);
    ck_assert_str_eq(trace, "a");
    ASSERT_NOW(8);
    ck_assert_int_eq(tw_clock_cancel(clock, call), -EALREADY);
    ck_assert(!twi_loop_busy());
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void every_second(void *arg)
{
    note(arg);
    tw_call_later(1, every_second, arg);
    tw_call_soon(note_upper, arg);
    ck_assert(twi_loop_busy());
    ck_assert_int_eq(tw_clock_advance(tw_reactor_clock(), 1), -EINVAL);
}

START_TEST(advancing_turns_until_the_time_has_passed)
{
    begin(true);
    tw_call_later(1, every_second, L("a"));
    ck_assert_int_eq(tw_clock_advance(tw_reactor_clock(), 3.5), 0);
    ck_assert_str_eq(trace, "aAaAaA");
    ASSERT_NOW(3.5);
    ck_assert_int_eq(tw_clock_advance(tw_reactor_clock(), 0), 0);
    ASSERT_NOW(3.5);
    begin(false);
    ck_assert_int_eq(tw_clock_advance(tw_reactor_clock(), 1), -EINVAL);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- real time --------------------------------------------------------------------------- */

static tw_looping_call *loop_made;
static int64_t set_at;
static double waited;

static void note_wait(void *arg)
{
    (void)arg;
    waited = (double)(twi_monotonic_ns() - set_at) / 1e9;
    tw_reactor_stop();
}

static void work(double seconds)
{
    int64_t until = twi_monotonic_ns() + (int64_t)(seconds * 1e9);

    while (twi_monotonic_ns() < until)
        ;
}

/* Ways to set a call. */
static void by_call(double seconds)
{
    tw_call_later(seconds, note_wait, NULL);
}

static void by_reset(double seconds)
{
    int64_t call = tw_call_later(seconds / 2, note_wait, NULL);

    ck_assert_int_eq(tw_call_reset(call, seconds), 0);
}

static void by_clock(double seconds)
{
    tw_clock_call_later(tw_reactor_clock(), seconds, note_wait, NULL, NULL);
}

static tw_value note_result(tw_value result, void *arg)
{
    note_wait(arg);
    return result;
}

static void by_deferred(double seconds)
{
    tw_deferred *later = tw_defer_later(NULL, seconds, NULL, NULL);

    tw_add_callback(later, note_result, NULL);
    tw_deferred_unref(later);
}

static tw_value note_tick(tw_looping_call *loop, uint64_t count, void *arg)
{
    (void)count;
    note_wait(arg);
    tw_looping_call_stop(loop);
    return tw_none();
}

static void by_loop(double seconds)
{
    tw_looping_call *loop = tw_looping_call_new(NULL, note_tick, NULL);

    tw_deferred_unref(tw_looping_call_start(loop, seconds, false));
    loop_made = loop;
}

static const struct {
    void (*set)(double seconds);
    double works, waits; /* first, in the same callback */
} early_rows[] = {
    { by_call, 0, 0 },           { by_call, 0, 0.0002 },
    { by_call, 0, 0.003 },       { by_call, 0.00001, 0.00001 },
    { by_call, 0.0009, 0.001 },  { by_call, 0.0035, 0.001 },
    { by_call, 0.006, 0.002 },   { by_reset, 0.0035, 0.001 },
    { by_clock, 0.0035, 0.001 }, { by_deferred, 0.0035, 0.001 },
    { by_loop, 0.0035, 0.001 },
};

static void set_after_work(void *arg)
{
    int row = (int)(intptr_t)arg;

    tw_call_cancel(tw_call_later(60, note_wait, NULL)); /* the time of the turn is known */
    work(early_rows[row].works);
    set_at = twi_monotonic_ns();
    early_rows[row].set(early_rows[row].waits);
}

START_TEST(a_call_is_never_early)
{
    begin(false);
    for (int i = 0; i < 8; i++) {
        waited = -1;
        ck_assert_int_ge(tw_call_soon(set_after_work, (void *)(intptr_t)_i), 0);
        ck_assert_int_eq(tw_reactor_run(), 0);
        ck_assert_msg(waited >= early_rows[_i].waits, "%g s instead of %g", waited,
                      early_rows[_i].waits);
        tw_looping_call_free(loop_made);
        loop_made = NULL;
    }
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static int fired;

static void count(void *arg)
{
    (void)arg;
    if (++fired == 20000)
        tw_reactor_stop();
}

START_TEST(many_calls_all_come)
{
    begin(false);
    fired = 0;
    for (int i = 0; i < 20000; i++)
        tw_call_later((double)((i * 7919) % 20000) / 1e6, count, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(fired, 20000);
    ck_assert_uint_eq(tw_clock_pending(tw_reactor_clock()), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

START_TEST(iterate_waits_no_longer_than_told)
{
    int64_t before;

    begin(false);
    tw_call_later(100, note, L("x"));
    before = twi_monotonic_ns();
    ck_assert_int_eq(tw_reactor_iterate(0.002), 0);
    ck_assert_int_lt(twi_monotonic_ns() - before, 50 * TWI_SECOND);
    ck_assert_int_eq(tw_reactor_iterate(0), 0);
    tw_call_soon(note, L("s"));
    ck_assert_int_eq(tw_reactor_iterate(-1), 0);
    ck_assert_str_eq(trace, "s");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- a Deferred's timeout on the reactor's clock ----------------------------------------- */

static tw_value note_timeout(tw_value result, void *arg)
{
    note(arg);
    ck_assert(tw_failure_is(result, &tw_error_timeout));
    tw_reactor_stop();
    return tw_none();
}

START_TEST(a_deferred_times_out_on_the_reactor)
{
    tw_deferred *slot, *d;

    begin(true);
    d = tw_promise(&slot, NULL, NULL);
    ck_assert_int_eq(tw_deferred_add_timeout(d, 2, NULL), 0);
    tw_add_both(d, note_timeout, L("t"));
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "t");
    ASSERT_NOW(2);
    tw_deferred_unref(d);
    tw_fire(&slot, tw_none());
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timers");

    TEST_ADD(suite, calls_come_in_time_order_and_equal_ones_in_the_order_added);
    TEST_ADD(suite, time_is_right_inside_each_call_and_new_ones_fall_into_place);
    TEST_ADD(suite, a_number_that_is_done_is_refused_and_says_why);
    TEST_ADD(suite, a_number_of_an_earlier_reactor_is_refused);
    TEST_ADD_ROWS(suite, a_call_can_be_moved, moves);
    TEST_ADD_ROWS(suite, a_time_that_is_none_is_refused_and_the_argument_released,
                  wrong_times);
    TEST_ADD(suite, the_argument_is_released_once_however_it_ends);
    TEST_ADD(suite, a_call_due_in_the_same_turn_can_still_be_cancelled_or_moved);
    TEST_ADD(suite, a_call_of_no_delay_waits_for_the_next_turn);
    TEST_ADD(suite, the_clock_and_the_calls_are_the_same);
    TEST_ADD(suite, advancing_turns_until_the_time_has_passed);
    TEST_ADD_ROWS(suite, a_call_is_never_early, early_rows);
    TEST_ADD(suite, many_calls_all_come);
    TEST_ADD(suite, iterate_waits_no_longer_than_told);
    TEST_ADD(suite, a_deferred_times_out_on_the_reactor);
    return test_run(suite);
}
