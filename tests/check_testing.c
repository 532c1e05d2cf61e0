/* SPDX-License-Identifier: MIT */
/*
 * check_testing.c - counting allocations as a user's test would.
 */
#include <errno.h>

#include <tweed/testing.h>
#include <tweed/value.h>

#include "tests/test.h"

static int counting;

START_TEST(allocations_are_counted)
{
    int64_t before = tw_testing_allocations_living();
    tw_value bytes;

    ck_assert_int_eq(counting, 0);
    tw_testing_fail_allocation(0, false);
    bytes = tw_string("a string of some length");
    ck_assert_uint_eq(tw_testing_allocations(), 1);
    ck_assert_int_eq(tw_testing_allocations_living(), before + 1);
    tw_release(bytes);
    ck_assert_int_eq(tw_testing_allocations_living(), before);
    ck_assert(!tw_testing_allocation_failed());
}
END_TEST

static const struct {
    uint64_t n;
    bool all;
    bool fails[4];
} rows[] = {
    { 0, false, { false, false, false, false } },
    { 1, false, { true, false, false, false } },
    { 3, false, { false, false, true, false } },
    { 2, true, { false, true, true, true } },
};

START_TEST(the_planned_allocation_fails)
{
    bool any = false;

    tw_testing_fail_allocation(rows[_i].n, rows[_i].all);
    for (int i = 0; i < 4; i++) {
        tw_value bytes = tw_string("a string");
        ck_assert(tw_is_failure(bytes) == rows[_i].fails[i]);
        any = any || rows[_i].fails[i];
        tw_release(bytes);
    }
    ck_assert(tw_testing_allocation_failed() == any);
    ck_assert_uint_eq(tw_testing_allocations(), 4);
    tw_testing_fail_allocation(0, false);
}
END_TEST

START_TEST(a_growing_list_is_counted_once)
{
    int64_t before = tw_testing_allocations_living();
    tw_value list = tw_list(1);

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tw_list_append(list, tw_integer(i)), 0);
    ck_assert_int_le(tw_testing_allocations_living(), before + 2);
    tw_release(list);
    ck_assert_int_eq(tw_testing_allocations_living(), before);
    tw_testing_fail_allocation(1, false);
    list = tw_list(1);
    ck_assert(tw_is_failure(list));
    tw_release(list);
}
END_TEST

START_TEST(it_is_too_late_to_begin_counting)
{
    tw_release(tw_list(1));
    ck_assert_int_eq(tw_testing_count_allocations(), -EBUSY);
}
END_TEST

START_TEST(without_a_beginning_there_is_nothing_left_at_the_end)
{
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("testing");

    counting =
        tw_testing_count_allocations(); /* instead of test.c's: nothing is allocated yet */
    TEST_ADD(suite, allocations_are_counted);
    TEST_ADD_ROWS(suite, the_planned_allocation_fails, rows);
    TEST_ADD(suite, a_growing_list_is_counted_once);
    TEST_ADD(suite, it_is_too_late_to_begin_counting);
    TEST_ADD(suite, without_a_beginning_there_is_nothing_left_at_the_end);
    return test_run(suite);
}
