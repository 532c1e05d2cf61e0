/* SPDX-License-Identifier: MIT */
/*
 * check_value_wire.c - values as bytes: there and back, cut, and nonsense.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/value_wire.h"
#include "tests/test.h"

static const tw_error_class error_known = { "error_known", &tw_error_connect, NULL };
static const tw_error_class error_unknown = { "error_unknown", &error_known, NULL };

static tw_value put_and_get(tw_value value)
{
    struct twi_buf buf = { 0 };
    const char *at;
    tw_value result = tw_none();

    ck_assert_int_eq(twi_wire_put(&buf, value, SIZE_MAX), 0);
    at = buf.data;
    ck_assert_int_eq(twi_wire_get(&at, buf.data + buf.length, &result), 0);
    ck_assert_ptr_eq(at, buf.data + buf.length);
    twi_buf_free(&buf);
    tw_release(value);
    return result;
}

static const int64_t integers[] = {
    0, 1, -1, 63, 64, -64, -65, 127, 128, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN,
};

START_TEST(integers_come_back)
{
    tw_value v = put_and_get(tw_integer(integers[_i]));

    ck_assert_ptr_eq(tw_typeof(v), &tw_type_integer);
    ck_assert_int_eq(tw_integer_of(v), integers[_i]);
}
END_TEST

static const double doubles[] = { 0, -0.0, 1.5, -1e300, INFINITY, -INFINITY };

START_TEST(doubles_come_back_to_the_bit)
{
    tw_value v = put_and_get(tw_double(doubles[_i]));

    ck_assert_ptr_eq(tw_typeof(v), &tw_type_double);
    ck_assert(memcmp(&v.as.real, &doubles[_i], sizeof v.as.real) == 0);
    ck_assert(isnan(tw_double_of(put_and_get(tw_double(NAN)))));
}
END_TEST

START_TEST(bytes_and_none_come_back)
{
    tw_value v = put_and_get(tw_bytes("a\0b", 3));

    ck_assert_uint_eq(tw_bytes_length(v), 3);
    ck_assert(memcmp(tw_bytes_data(v), "a\0b", 4) == 0);
    tw_release(v);
    v = put_and_get(tw_bytes("", 0));
    ck_assert(tw_is(v, &tw_type_bytes));
    ck_assert_uint_eq(tw_bytes_length(v), 0);
    tw_release(v);
    ck_assert(tw_is_none(put_and_get(tw_none())));
}
END_TEST

/* [1, [2, "three", []], none, 4.5] */
static tw_value nested(void)
{
    tw_value inner = tw_list(0), list = tw_list(0);

    tw_list_append(inner, tw_integer(2));
    tw_list_append(inner, tw_string("three"));
    tw_list_append(inner, tw_list(0));
    tw_list_append(list, tw_integer(1));
    tw_list_append(list, inner);
    tw_list_append(list, tw_none());
    tw_list_append(list, tw_double(4.5));
    return list;
}

START_TEST(lists_come_back)
{
    tw_value v = put_and_get(nested()), inner = tw_list_at(v, 1);

    ck_assert_uint_eq(tw_list_length(v), 4);
    ck_assert_int_eq(tw_integer_of(tw_list_at(v, 0)), 1);
    ck_assert_uint_eq(tw_list_length(inner), 3);
    ck_assert_str_eq(tw_bytes_data(tw_list_at(inner, 1)), "three");
    ck_assert(tw_is(tw_list_at(inner, 2), &tw_type_list));
    ck_assert(tw_is_none(tw_list_at(v, 2)));
    ck_assert(tw_double_of(tw_list_at(v, 3)) == 4.5);
    tw_release(v);
}
END_TEST

static tw_value failure_of(const tw_error_class *error_class, tw_value cause, tw_value value)
{
    struct tw_failure_fields fields = { .error_class = error_class,
                                        .message = "it broke",
                                        .where = TW_HERE,
                                        .number = -17,
                                        .cause = cause,
                                        .value = value };
    return tw_fail_with(&fields);
}

START_TEST(failures_come_back_with_all_but_their_place)
{
    tw_value v = put_and_get(failure_of(
        &tw_error_connect_refused, failure_of(&error_known, tw_none(), tw_none()), nested()));
    tw_value cause = tw_failure_cause(v);

    ck_assert_ptr_eq(tw_failure_class(v), &tw_error_connect_refused);
    ck_assert_str_eq(tw_failure_message(v), "it broke");
    ck_assert_str_eq(tw_failure_where(v), "");
    ck_assert_int_eq(tw_failure_number(v), -17);
    ck_assert_ptr_eq(tw_failure_class(cause), &error_known);
    ck_assert_uint_eq(tw_list_length(tw_failure_value(v)), 4);
    tw_release(v);
    v = put_and_get(tw_fail_memory());
    ck_assert_ptr_eq(tw_failure_class(v), &tw_error_memory);
}
END_TEST

START_TEST(a_class_that_is_not_known_arrives_as_its_nearest_parent)
{
    tw_value v = put_and_get(failure_of(&error_unknown, tw_none(), tw_none()));

    ck_assert_ptr_eq(tw_failure_class(v), &error_known);
    ck_assert_str_eq(tw_failure_message(v), "error_unknown: it broke");
    tw_release(v);
}
END_TEST

START_TEST(every_class_of_ours_is_known)
{
    static const tw_error_class *const some[] = {
        &tw_error,           &tw_error_closed,       &tw_error_timeout, &tw_error_tls,
        &tw_error_status,    &tw_error_toolarge,     &tw_error_misuse,  &tw_error_system,
        &tw_error_cancelled, &tw_error_worker_lost,  &tw_error_process, &tw_error_group,
        &tw_error_partial,   &tw_error_process_done, &tw_error_url,     &tw_error_dns,
    };

    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        tw_value v = put_and_get(failure_of(some[i], tw_none(), tw_none()));
        ck_assert_ptr_eq(tw_failure_class(v), some[i]);
        tw_release(v);
    }
}
END_TEST

START_TEST(what_cannot_travel_is_refused_and_nothing_is_written)
{
    struct twi_buf buf = { 0 };
    tw_value list = tw_list(0), v;

    ck_assert_int_eq(twi_buf_append(&buf, "before", 6), 0);
    ck_assert_int_eq(twi_wire_put(&buf, tw_pointer(&buf), SIZE_MAX), -EINVAL);
    tw_list_append(list, tw_integer(1));
    tw_list_append(list, tw_pointer(NULL));
    ck_assert_int_eq(twi_wire_put(&buf, list, SIZE_MAX), -EINVAL);
    ck_assert_uint_eq(buf.length, 6);
    tw_release(list);
    /* A failure goes without it. */
    v = put_and_get(failure_of(&tw_error, tw_none(), tw_pointer(&buf)));
    ck_assert(tw_is_none(tw_failure_value(v)));
    ck_assert_str_eq(tw_failure_message(v), "it broke");
    tw_release(v);
    twi_buf_free(&buf);
}
END_TEST

static tw_value lists_inside_lists(unsigned depth)
{
    tw_value v = tw_integer(7);

    while (depth-- > 0) {
        tw_value outer = tw_list(1);
        tw_list_append(outer, v);
        v = outer;
    }
    return v;
}

START_TEST(depth_has_a_limit_both_ways)
{
    char deep[2 * (TWI_WIRE_DEPTH + 1) + 1];
    struct twi_buf buf = { 0 };
    const char *at = deep;
    tw_value v = put_and_get(lists_inside_lists(TWI_WIRE_DEPTH));

    ck_assert_uint_eq(tw_list_length(v), 1);
    tw_release(v);
    v = lists_inside_lists(TWI_WIRE_DEPTH + 1);
    ck_assert_int_eq(twi_wire_put(&buf, v, SIZE_MAX), -ELOOP);
    tw_release(v);
    for (size_t i = 0; i + 1 < sizeof deep; i += 2)
        memcpy(deep + i, "l\1", 2);
    deep[sizeof deep - 1] = 'n';
    ck_assert_int_eq(twi_wire_get(&at, deep + sizeof deep, &v), -EBADMSG);
    ck_assert_ptr_eq(at, deep);
    /* A chain of causes is cut. */
    v = tw_none();
    for (int i = 0; i < 2 * TWI_WIRE_DEPTH; i++)
        v = failure_of(&tw_error, v, tw_none());
    v = put_and_get(v);
    ck_assert_str_eq(tw_failure_message(tw_failure_cause(v)), "it broke");
    tw_release(v);
    twi_buf_free(&buf);
}
END_TEST

START_TEST(size_has_a_limit)
{
    struct twi_buf buf = { 0 };
    tw_value v = tw_string("0123456789");

    ck_assert_int_eq(twi_wire_put(&buf, v, 12), 0);
    ck_assert_int_eq(twi_wire_put(&buf, v, 23), -EMSGSIZE);
    ck_assert_uint_eq(buf.length, 12);
    ck_assert_int_eq(twi_wire_put(&buf, v, 24), 0);
    tw_release(v);
    twi_buf_free(&buf);
}
END_TEST

START_TEST(what_is_cut_anywhere_is_refused)
{
    struct twi_buf buf = { 0 };
    tw_value v = failure_of(&tw_error_dns, failure_of(&tw_error, tw_none(), tw_none()),
                            nested());

    ck_assert_int_eq(twi_wire_put(&buf, v, SIZE_MAX), 0);
    tw_release(v);
    for (size_t length = 0; length < buf.length; length++) {
        char *exact = malloc(length > 0 ? length : 1);
        const char *at = exact;

        memcpy(exact, buf.data, length);
        v = tw_none();
        ck_assert_int_eq(twi_wire_get(&at, exact + length, &v), -EBADMSG);
        ck_assert(tw_is_none(v));
        free(exact);
    }
    twi_buf_free(&buf);
}
END_TEST

#define ROW(what, text)             \
    {                               \
        what, text, sizeof text - 1 \
    }
static const struct {
    const char *what, *data;
    size_t length;
} nonsense[] = {
    ROW("nothing", ""),
    ROW("no such tag", "x"),
    ROW("a number of 11 bytes", "i\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
    ROW("a number above 64 bits", "i\xff\xff\xff\xff\xff\xff\xff\xff\xff\2"),
    ROW("bytes beyond the end", "b\5abcd"),
    ROW("bytes of nearly 2^64", "b\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
    ROW("half a double", "d\0\0\0\0"),
    ROW("more items than bytes", "l\5nnnn"),
    ROW("items without end", "l\xff\xff\xff\xff\xff\xff\xff\xff\xff\1n"),
    ROW("a failure without a class", "f\0\1a\0nn"),
    ROW("a failure of too many parents",
        "f\x11\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\1a\0nn"),
    ROW("a failure without a message", "f\1\1a"),
    ROW("a cause that is no failure", "f\1\1a\1m\0i\2n"),
    ROW("a value that is nonsense", "f\1\1a\1m\0nz"),
};

START_TEST(nonsense_is_refused)
{
    const char *at = nonsense[_i].data;
    tw_value v = tw_none();

    ck_assert_msg(twi_wire_get(&at, at + nonsense[_i].length, &v) == -EBADMSG, "%s",
                  nonsense[_i].what);
    ck_assert(tw_is_none(v));
}
END_TEST

static bool one_journey(void *arg)
{
    struct twi_buf buf = { 0 };
    tw_value v = failure_of(&error_unknown, tw_none(), nested()), got = tw_none();
    const char *at;
    int r = twi_wire_put(&buf, v, SIZE_MAX);

    (void)arg;
    tw_release(v);
    if (r == 0) {
        at = buf.data;
        r = twi_wire_get(&at, buf.data + buf.length, &got);
    }
    twi_buf_free(&buf);
    ck_assert(r == 0 || r == -ENOMEM);
    tw_release(got);
    return r == 0 && !test_alloc_failed();
}

START_TEST(no_allocation_failure_harms_it)
{
    test_each_alloc_failure(one_journey, NULL);
}
END_TEST

int main(void)
{
    static struct twi_wire_class known = { &error_known, NULL };
    Suite *suite = suite_create("value_wire");

    twi_wire_add_class(&known);
    TEST_ADD_ROWS(suite, integers_come_back, integers);
    TEST_ADD_ROWS(suite, doubles_come_back_to_the_bit, doubles);
    TEST_ADD(suite, bytes_and_none_come_back);
    TEST_ADD(suite, lists_come_back);
    TEST_ADD(suite, failures_come_back_with_all_but_their_place);
    TEST_ADD(suite, a_class_that_is_not_known_arrives_as_its_nearest_parent);
    TEST_ADD(suite, every_class_of_ours_is_known);
    TEST_ADD(suite, what_cannot_travel_is_refused_and_nothing_is_written);
    TEST_ADD(suite, depth_has_a_limit_both_ways);
    TEST_ADD(suite, size_has_a_limit);
    TEST_ADD(suite, what_is_cut_anywhere_is_refused);
    TEST_ADD_ROWS(suite, nonsense_is_refused, nonsense);
    TEST_ADD(suite, no_allocation_failure_harms_it);
    return test_run(suite);
}
