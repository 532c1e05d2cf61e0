/* SPDX-License-Identifier: MIT */
/*
 * check_clock.c - the virtual clock.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <tweed/clock.h>

#include "tests/test.h"

static tw_clock *clock_;
static char trace[64];

static void note(void *letter)
{
    strcat(trace, letter);
}

static void note_and_add(void *letter)
{
    strcat(trace, letter);
    ck_assert_int_gt(tw_clock_call_later(clock_, 1, note, (void *)"n", NULL), 0);
    ck_assert_int_gt(tw_clock_call_later(clock_, 0, note, (void *)"z", NULL), 0);
}

static void setup(void)
{
    clock_ = tw_clock_virtual_new();
    trace[0] = '\0';
}

START_TEST(calls_run_in_time_order_and_equals_as_set)
{
    setup();
    tw_clock_call_later(clock_, 2, note, (void *)"c", NULL);
    tw_clock_call_later(clock_, 1, note, (void *)"a", NULL);
    tw_clock_call_later(clock_, 1, note, (void *)"b", NULL);
    ck_assert_str_eq(trace, "");
    ck_assert_uint_eq(tw_clock_pending(clock_), 3);
    tw_clock_advance(clock_, 1);
    ck_assert_str_eq(trace, "ab");
    tw_clock_advance(clock_, 0.5);
    ck_assert_str_eq(trace, "ab");
    tw_clock_advance(clock_, 0.5);
    ck_assert_str_eq(trace, "abc");
    ck_assert_double_eq(tw_clock_seconds(clock_), 2);
    tw_clock_free(clock_);
}
END_TEST

START_TEST(calls_added_while_advancing_run_if_they_are_due)
{
    setup();
    tw_clock_call_later(clock_, 1, note_and_add, (void *)"a", NULL);
    tw_clock_call_later(clock_, 3, note, (void *)"c", NULL);
    tw_clock_advance(clock_, 3);
    ck_assert_str_eq(trace, "aznc");
    tw_clock_free(clock_);
}
END_TEST

START_TEST(stale_numbers_are_refused_by_name)
{
    int64_t called, cancelled;

    setup();
    called = tw_clock_call_later(clock_, 0, note, (void *)"a", NULL);
    cancelled = tw_clock_call_later(clock_, 0, note, (void *)"b", NULL);
    ck_assert_int_eq(tw_clock_cancel(clock_, cancelled), 0);
    tw_clock_advance(clock_, 0);
    ck_assert_str_eq(trace, "a");
    ck_assert_int_eq(tw_clock_cancel(clock_, called), -EALREADY);
    ck_assert_int_eq(tw_clock_reset(clock_, called, 1), -EALREADY);
    ck_assert_int_eq(tw_clock_cancel(clock_, cancelled), -ECANCELED);
    ck_assert_int_eq(tw_clock_delay(clock_, cancelled, 1), -ECANCELED);
    ck_assert_int_eq(tw_clock_cancel(clock_, 12345), -ENOENT);
    ck_assert_int_eq(tw_clock_cancel(clock_, -1), -ENOENT);
    ck_assert_int_eq(tw_clock_cancel(clock_, 0), -ENOENT);
    tw_clock_free(clock_);
}
END_TEST

static void ignore(void *arg)
{
    (void)arg;
}

/* The fates of the last thousand numbers or so are remembered, by their last digits. */
START_TEST(an_old_call_does_not_change_the_fate_of_a_newer_one)
{
    enum { MANY = 5000 };
    int64_t old[2], newer[MANY];

    setup();
    for (int i = 0; i < 2; i++)
        old[i] = tw_clock_call_later(clock_, 10 + i, ignore, NULL, NULL);
    for (int i = 0; i < MANY; i++)
        newer[i] = tw_clock_call_later(clock_, i % 2, ignore, NULL, NULL);
    tw_clock_advance(clock_, 0);
    for (int i = 1; i < MANY; i += 2)
        ck_assert_int_eq(tw_clock_cancel(clock_, newer[i]), 0);
    ck_assert_int_eq(tw_clock_cancel(clock_, old[0]), 0);
    tw_clock_advance(clock_, 20);
    for (int i = MANY - 1000; i < MANY; i++)
        ck_assert_int_eq(tw_clock_cancel(clock_, newer[i]),
                         i % 2 == 0 ? -EALREADY : -ECANCELED);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tw_clock_cancel(clock_, old[i]), -ENOENT);
    tw_clock_free(clock_);
}
END_TEST

START_TEST(reset_counts_from_now_and_delay_from_the_time_set)
{
    int64_t reset, delayed;

    setup();
    reset = tw_clock_call_later(clock_, 4, note, (void *)"r", NULL);
    delayed = tw_clock_call_later(clock_, 4, note, (void *)"d", NULL);
    tw_clock_advance(clock_, 2);
    ck_assert_int_eq(tw_clock_reset(clock_, reset, 4), 0);
    ck_assert_int_eq(tw_clock_delay(clock_, delayed, 1), 0);
    tw_clock_advance(clock_, 2.5);
    ck_assert_str_eq(trace, "");
    tw_clock_advance(clock_, 1);
    ck_assert_str_eq(trace, "d");
    tw_clock_advance(clock_, 1);
    ck_assert_str_eq(trace, "dr");
    tw_clock_free(clock_);
}
END_TEST

START_TEST(a_delay_may_be_negative_but_not_before_the_beginning)
{
    int64_t call;

    setup();
    call = tw_clock_call_later(clock_, 4, note, (void *)"x", NULL);
    ck_assert_int_eq(tw_clock_delay(clock_, call, -1), 0);
    tw_clock_advance(clock_, 2.5);
    ck_assert_str_eq(trace, "");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tw_clock_delay(clock_, call, 1e300), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(tw_clock_delay(clock_, call, -1e300), 0);
    tw_clock_advance(clock_, 0);
    ck_assert_str_eq(trace, "x");
    ck_assert(tw_clock_seconds(clock_) == 2.5);
    tw_clock_free(clock_);
}
END_TEST

static const struct {
    double seconds;
    bool ok;
} delays[] = {
    { 0, true },
    { 0.001, true },
    { 1e300, true },
    { -0.0, true },
    { -1, false },
    { (double)NAN, false },
    { (double)INFINITY, false },
};

static int releases;
static void count(void *arg)
{
    (void)arg;
    releases++;
}

START_TEST(a_delay_is_finite_and_not_negative)
{
    int64_t call;

    setup();
    releases = 0;
    call = tw_clock_call_later(clock_, delays[_i].seconds, note, (void *)"x", count);
    ck_assert_int_eq(call > 0, delays[_i].ok);
    ck_assert_int_eq(releases, delays[_i].ok ? 0 : 1);
    tw_clock_free(clock_);
    ck_assert_int_eq(releases, 1);
}
END_TEST

static void free_clock(void *clock)
{
    tw_clock_call_later(clock, 1, note, (void *)"never", count);
    tw_clock_free(clock);
    ck_assert_int_eq(releases, 2);
}

static void advance_into_free(void *clock)
{
    ck_assert_int_eq(tw_clock_advance(clock, 5), 0);
}

START_TEST(a_clock_may_be_freed_inside_its_call)
{
    setup();
    releases = 0;
    tw_clock_call_later(clock_, 1, advance_into_free, clock_, NULL);
    tw_clock_call_later(clock_, 2, free_clock, clock_, NULL);
    tw_clock_call_later(clock_, 3, note, (void *)"never", count);
    ck_assert_int_eq(tw_clock_advance(clock_, 5), 0);
    ck_assert_int_eq(releases, 2);
    ck_assert_str_eq(trace, "");
}
END_TEST

static bool use_clock(void *arg)
{
    tw_clock *clock = tw_clock_virtual_new();
    bool ok = clock != NULL;

    (void)arg;
    releases = 0;
    for (int i = 0; i < 20 && ok; i++)
        ok = tw_clock_call_later(clock, i, count, NULL, count) > 0;
    if (ok) {
        tw_clock_advance(clock, 9);
        ck_assert_int_eq(releases, 20);
    }
    tw_clock_free(clock);
    return ok;
}

START_TEST(a_clock_survives_without_memory)
{
    test_each_alloc_failure(use_clock, NULL);
}
END_TEST

START_TEST(no_clock_is_no_crash)
{
    ck_assert_int_eq(tw_clock_call_later(NULL, 1, note, NULL, NULL), -ENOMEM);
    ck_assert_int_eq(tw_clock_cancel(NULL, 1), -ENOENT);
    ck_assert_double_eq(tw_clock_seconds(NULL), 0);
    ck_assert_int_eq(tw_clock_advance(NULL, 1), -EINVAL);
    tw_clock_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");

    TEST_ADD(suite, calls_run_in_time_order_and_equals_as_set);
    TEST_ADD(suite, calls_added_while_advancing_run_if_they_are_due);
    TEST_ADD(suite, stale_numbers_are_refused_by_name);
    TEST_ADD(suite, an_old_call_does_not_change_the_fate_of_a_newer_one);
    TEST_ADD(suite, reset_counts_from_now_and_delay_from_the_time_set);
    TEST_ADD(suite, a_delay_may_be_negative_but_not_before_the_beginning);
    TEST_ADD_ROWS(suite, a_delay_is_finite_and_not_negative, delays);
    TEST_ADD(suite, a_clock_may_be_freed_inside_its_call);
    TEST_ADD(suite, a_clock_survives_without_memory);
    TEST_ADD(suite, no_clock_is_no_crash);
    return test_run(suite);
}
