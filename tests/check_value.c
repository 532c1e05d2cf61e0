/* SPDX-License-Identifier: MIT */
/*
 * check_value.c - values: types, ownership, bytes, lists, boxes.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <tweed/value.h>

#include "tests/test.h"

START_TEST(zeroed_memory_is_none)
{
    tw_value value;

    memset(&value, 0, sizeof value);
    ck_assert(tw_is_none(value));
    ck_assert_ptr_eq(tw_typeof(value), &tw_type_none);
    tw_release(value);
}
END_TEST

START_TEST(a_value_is_two_words)
{
    ck_assert_uint_eq(sizeof(tw_value), 2 * sizeof(void *));
}
END_TEST

START_TEST(taking_an_owned_value_does_not_count)
{
    int64_t before = test_allocs_living();
    tw_value bytes = tw_string("x");
    tw_value taken = tw_take(bytes);

    ck_assert_ptr_eq(taken.as.pointer, bytes.as.pointer);
    tw_release(taken);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

START_TEST(taking_a_lent_value_retains)
{
    int64_t before = test_allocs_living();
    tw_value bytes = tw_string("x");
    tw_value kept = tw_take(tw_lend(bytes));

    tw_release(tw_lend(bytes)); /* does nothing */
    tw_release(bytes);
    ck_assert_str_eq(tw_bytes_data(kept), "x");
    tw_release(kept);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

START_TEST(retain_counts_owned_and_lent_alike)
{
    int64_t before = test_allocs_living();
    tw_value bytes = tw_string("x");
    tw_value one = tw_retain(bytes), two = tw_retain(tw_lend(bytes));

    tw_drop(&bytes);
    ck_assert(tw_is_none(bytes));
    tw_drop(&one);
    ck_assert_str_eq(tw_bytes_data(two), "x");
    tw_drop(&two);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

START_TEST(accessors_answer_nothing_for_other_types)
{
    tw_value number = tw_integer(7);

    ck_assert_str_eq(tw_bytes_data(number), "");
    ck_assert_uint_eq(tw_bytes_length(number), 0);
    ck_assert_uint_eq(tw_list_length(number), 0);
    ck_assert(tw_is_none(tw_list_at(number, 0)));
    ck_assert_ptr_null(tw_pointer_of(number));
    ck_assert_int_eq(tw_integer_of(tw_none()), 0);
    ck_assert_int_eq(tw_list_append(number, tw_string("released")), -EINVAL);
}
END_TEST

static const struct {
    double real;
    int64_t integer;
} conversions[] = {
    { 1.9, 1 },
    { -1.9, -1 },
    { 1e300, INT64_MAX },
    { -1e300, INT64_MIN },
    { NAN, 0 },
    { INFINITY, INT64_MAX },
    { 0x1p63, INT64_MAX },
    { -0x1p63, INT64_MIN },
};

START_TEST(doubles_become_integers_saturated)
{
    ck_assert_int_eq(tw_integer_of(tw_double(conversions[_i].real)), conversions[_i].integer);
}
END_TEST

START_TEST(bytes_hold_nul_and_are_terminated)
{
    tw_value bytes = tw_bytes("a\0b", 3);

    ck_assert_uint_eq(tw_bytes_length(bytes), 3);
    ck_assert_mem_eq(tw_bytes_data(bytes), "a\0b", 4);
    tw_release(bytes);
    bytes = tw_bytes_format("%d-%s", 5, "x");
    ck_assert_str_eq(tw_bytes_data(bytes), "5-x");
    tw_release(bytes);
    bytes = tw_string(NULL);
    ck_assert_uint_eq(tw_bytes_length(bytes), 0);
    tw_release(bytes);
}
END_TEST

START_TEST(bytes_too_long_to_exist_are_out_of_memory)
{
    char *place = (char *)"untouched";
    tw_value bytes = tw_bytes_new(SIZE_MAX - 4, &place);

    ck_assert(tw_failure_is(bytes, &tw_error_memory));
    ck_assert_ptr_null(place);
}
END_TEST

START_TEST(a_list_keeps_what_it_is_given)
{
    int64_t before = test_allocs_living();
    tw_value list = tw_list(0);
    tw_value text = tw_string("text");

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tw_list_append(list, tw_lend(text)), 0);
    tw_release(text);
    ck_assert_uint_eq(tw_list_length(list), 100);
    ck_assert_str_eq(tw_bytes_data(tw_list_at(list, 99)), "text");
    ck_assert(!tw_is_owned(tw_list_at(list, 99)));
    ck_assert_int_eq(tw_list_set(list, 0, tw_integer(3)), 0);
    ck_assert_int_eq(tw_integer_of(tw_list_at(list, 0)), 3);
    ck_assert_int_eq(tw_list_set(list, 100, tw_string("released")), -ERANGE);
    tw_release(list);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

START_TEST(nested_lists_of_any_depth_are_released)
{
    int64_t before = test_allocs_living();
    tw_value outer = tw_list(1);

    for (int i = 0; i < 300000; i++) {
        tw_value next = tw_list(2);
        ck_assert_int_eq(tw_list_append(next, outer), 0);
        ck_assert_int_eq(tw_list_append(next, tw_integer(i)), 0);
        outer = next;
    }
    tw_release(outer);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

static int released;
static void count_release(void *arg)
{
    ck_assert_ptr_eq(arg, &released);
    released++;
}

START_TEST(a_box_releases_once_at_the_last_reference)
{
    tw_value box = tw_box(&released, count_release);
    tw_value again = tw_retain(box);

    released = 0;
    ck_assert_ptr_eq(tw_pointer_of(box), &released);
    tw_release(box);
    ck_assert_int_eq(released, 0);
    tw_release(again);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(a_box_without_memory_releases_its_pointer)
{
    tw_value box;

    released = 0;
    test_fail_alloc(1, false);
    box = tw_box(&released, count_release);
    test_fail_alloc(0, false);
    ck_assert(tw_failure_is(box, &tw_error_memory));
    ck_assert_int_eq(released, 1);
}
END_TEST

static const struct {
    tw_value (*make)(void);
    const char *text;
} formats[] = {
    { tw_none, "none" },
};

START_TEST(values_describe_themselves)
{
    char text[200];
    tw_value value = formats[_i].make();

    tw_value_format(value, text, sizeof text);
    ck_assert_str_eq(text, formats[_i].text);
    tw_release(value);
    tw_value_format(tw_integer(-5), text, sizeof text);
    ck_assert_str_eq(text, "-5");
    tw_value_format(tw_double(0.5), text, sizeof text);
    ck_assert_str_eq(text, "0.5");
    value = tw_bytes("a\nb", 3);
    tw_value_format(value, text, sizeof text);
    ck_assert_str_eq(text, "\"a.b\" (3 bytes)");
    ck_assert_int_eq(tw_value_format(value, text, 4), 15);
    ck_assert_str_eq(text, "\"a.");
    tw_release(value);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("value");

    TEST_ADD(suite, zeroed_memory_is_none);
    TEST_ADD(suite, a_value_is_two_words);
    TEST_ADD(suite, taking_an_owned_value_does_not_count);
    TEST_ADD(suite, taking_a_lent_value_retains);
    TEST_ADD(suite, retain_counts_owned_and_lent_alike);
    TEST_ADD(suite, accessors_answer_nothing_for_other_types);
    TEST_ADD_ROWS(suite, doubles_become_integers_saturated, conversions);
    TEST_ADD(suite, bytes_hold_nul_and_are_terminated);
    TEST_ADD(suite, bytes_too_long_to_exist_are_out_of_memory);
    TEST_ADD(suite, a_list_keeps_what_it_is_given);
    TEST_ADD(suite, nested_lists_of_any_depth_are_released);
    TEST_ADD(suite, a_box_releases_once_at_the_last_reference);
    TEST_ADD(suite, a_box_without_memory_releases_its_pointer);
    TEST_ADD_ROWS(suite, values_describe_themselves, formats);
    return test_run(suite);
}
