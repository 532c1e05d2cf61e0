/* SPDX-License-Identifier: MIT */
/*
 * check_headers.c - header fields: order, names without case, replacing, growing.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/test.h"
#include "web/http/headers.h"

static void expect(const tw_headers *headers, const char *expected)
{
    const char *name, *value;
    char text[512] = "";

    for (size_t i = 0; tw_headers_at(headers, i, &name, &value); i++) {
        ck_assert_uint_lt(strlen(text) + strlen(name) + strlen(value) + 2, sizeof text);
        strcat(strcat(strcat(strcat(text, name), "="), value), ";");
    }
    ck_assert_str_eq(text, expected);
}

static tw_headers *new_headers(void)
{
    tw_headers *headers = tw_headers_new();

    ck_assert_ptr_nonnull(headers);
    return headers;
}

START_TEST(fields_keep_their_order_and_spelling)
{
    tw_headers *headers = new_headers();

    expect(headers, "");
    ck_assert_int_eq(tw_headers_add(headers, "Set-Cookie", " a=b\t"), 0);
    ck_assert_int_eq(tw_headers_add(headers, "X-Other", "1"), 0);
    ck_assert_int_eq(tw_headers_add(headers, "set-cookie", "c=d"), 0);
    ck_assert_int_eq(tw_headers_add_n(headers, "X-Part", 3, "abc", 2), 0);
    expect(headers, "Set-Cookie=a=b;X-Other=1;set-cookie=c=d;X-P=ab;");
    ck_assert_uint_eq(tw_headers_count(headers), 4);
    ck_assert_str_eq(tw_headers_get(headers, "SET-COOKIE"), "a=b");
    ck_assert_str_eq(tw_headers_get(headers, "x-OTHER"), "1");
    ck_assert_ptr_null(tw_headers_get(headers, "x-othe"));
    ck_assert_ptr_null(tw_headers_get(headers, "Cookie"));
    ck_assert_ptr_null(tw_headers_get(headers, ""));
    ck_assert(tw_headers_has(headers, "x-p"));
    ck_assert(!tw_headers_has(headers, "x-q"));
    tw_headers_free(headers);
    tw_headers_free(NULL);
}
END_TEST

START_TEST(setting_replaces_all_of_that_name_at_the_first_place)
{
    tw_headers *headers = new_headers();

    tw_headers_add(headers, "A", "1");
    tw_headers_add(headers, "Host", "x");
    tw_headers_add(headers, "a", "2");
    tw_headers_add(headers, "B", "3");
    ck_assert_int_eq(tw_headers_set(headers, "A", " longer than before "), 0);
    expect(headers, "A=longer than before;Host=x;B=3;");
    ck_assert_int_eq(tw_headers_set(headers, "a", "s"), 0);
    expect(headers, "A=s;Host=x;B=3;");
    ck_assert_int_eq(tw_headers_set(headers, "C", "4"), 0);
    ck_assert_int_eq(tw_headers_set(headers, "host", "y"), 0);
    expect(headers, "A=s;Host=y;B=3;C=4;");
    tw_headers_free(headers);
}
END_TEST

START_TEST(removing_takes_all_of_that_name)
{
    tw_headers *headers = new_headers();

    tw_headers_add(headers, "Cookie", "1");
    tw_headers_add(headers, "B", "2");
    tw_headers_add(headers, "cookie", "3");
    ck_assert_uint_eq(tw_headers_remove(headers, "COOKIE"), 2);
    ck_assert_uint_eq(tw_headers_remove(headers, "COOKIE"), 0);
    ck_assert(!tw_headers_has(headers, "Cookie"));
    expect(headers, "B=2;");
    ck_assert_uint_eq(tw_headers_remove(headers, "b"), 1);
    expect(headers, "");
    tw_headers_free(headers);
}
END_TEST

START_TEST(a_list_has_its_tokens)
{
    tw_headers *headers = new_headers();

    tw_headers_add(headers, "Connection", "foo , Upgrade");
    tw_headers_add(headers, "X-List", "a");
    tw_headers_add(headers, "connection", ",, keep-alive");
    ck_assert(tw_headers_has_token(headers, "Connection", "FOO"));
    ck_assert(tw_headers_has_token(headers, "Connection", "upgrade"));
    ck_assert(tw_headers_has_token(headers, "Connection", "keep-alive"));
    ck_assert(!tw_headers_has_token(headers, "Connection", "keep"));
    ck_assert(!tw_headers_has_token(headers, "Connection", "a"));
    ck_assert(tw_headers_has_token(headers, "x-list", "a"));
    ck_assert(!tw_headers_has_token(headers, "x-none", "a"));
    tw_headers_free(headers);
}
END_TEST

static const struct {
    const char *list, *token;
    bool has;
} lists[] = {
    { "private=\"a, no-store\", max-age=1", "no-store", false },
    { "private=\"a, no-store\", max-age=1", "max-age=1", true },
    { "a=\"\\\", b\", c", "b", false },
    { "a=\"\\\", b\", c", "c", true },
    { "\"never closed, a", "a", false },
    { "\"never closed\\", "a", false },
    { " ,\t, a\t,", "a", true },
    { "", "", false },
    { ",,", "", false },
};

START_TEST(a_comma_in_a_quoted_string_parts_nothing)
{
    tw_headers *headers = new_headers();

    tw_headers_add(headers, "Cache-Control", lists[_i].list);
    ck_assert_msg(tw_headers_has_token(headers, "Cache-Control", lists[_i].token) ==
                      lists[_i].has,
                  "%s", lists[_i].list);
    tw_headers_free(headers);
}
END_TEST

START_TEST(several_lines_of_a_list_are_one_list)
{
    tw_headers *headers = new_headers();
    tw_value list;

    ck_assert(tw_is_none(tw_headers_list(headers, "Vary")));
    tw_headers_add(headers, "Vary", "Accept");
    tw_headers_add(headers, "X-Other", "1");
    tw_headers_add(headers, "vary", "");
    tw_headers_add(headers, "VARY", "Cookie, Origin");
    list = tw_headers_list(headers, "vary");
    ck_assert_str_eq(tw_bytes_data(list), "Accept, , Cookie, Origin");
    ck_assert_uint_eq(tw_bytes_length(list), strlen(tw_bytes_data(list)));
    tw_release(list);
    list = tw_headers_list(headers, "X-Other");
    ck_assert_str_eq(tw_bytes_data(list), "1");
    tw_release(list);
    ck_assert(tw_is_none(tw_headers_list(headers, "X-None")));
    tw_headers_free(headers);
}
END_TEST

START_TEST(every_common_name_has_its_number)
{
    for (unsigned id = 1; id < TWI_HEADER_COUNT; id++) {
        const char *name = twi_header_name(id);
        size_t length = strlen(name);
        char text[32];

        ck_assert_uint_gt(length, 0);
        ck_assert_uint_eq(twi_header_id(name, length), id);
        for (size_t i = 0; i <= length; i++)
            text[i] = (char)toupper((unsigned char)name[i]);
        ck_assert_uint_eq(twi_header_id(text, length), id);
        for (size_t i = 0; i < length; i++) {
            text[i] ^= 1;
            ck_assert_uint_ne(twi_header_id(text, length), id);
            text[i] ^= 1;
        }
        ck_assert_uint_ne(twi_header_id(text, length - 1), id);
    }
}
END_TEST

START_TEST(a_copy_stands_by_itself)
{
    tw_headers *headers = new_headers(), *copy;

    tw_headers_add(headers, "A", "1");
    tw_headers_add(headers, "Host", "b");
    copy = tw_headers_copy(headers);
    tw_headers_set(headers, "A", "2");
    tw_headers_free(headers);
    expect(copy, "A=1;Host=b;");
    ck_assert(twi_headers_has(copy, TWI_HEADER_HOST));
    tw_headers_free(copy);
}
END_TEST

START_TEST(what_is_replaced_does_not_pile_up)
{
    tw_headers *headers = new_headers();
    char value[400];

    memset(value, 'x', sizeof value);
    tw_headers_add(headers, "Keep", "1");
    for (unsigned i = 0; i < 10000; i++) {
        value[i % 399 + 1] = '\0';
        ck_assert_int_eq(tw_headers_set(headers, "Other", value), 0);
        ck_assert_str_eq(tw_headers_get(headers, "other"), value);
        value[i % 399 + 1] = 'x';
        ck_assert_uint_lt(headers->text_size, 4096);
    }
    ck_assert_str_eq(tw_headers_get(headers, "keep"), "1");
    tw_headers_free(headers);
}
END_TEST

START_TEST(a_value_may_come_from_the_headers_themselves)
{
    tw_headers *headers = new_headers();
    char name[16];

    ck_assert_int_eq(tw_headers_add(headers, "N0", "some text that is not so short"), 0);
    for (unsigned i = 1; i < 200; i++) {
        snprintf(name, sizeof name, "N%u", i);
        ck_assert_int_eq(tw_headers_add(headers, name, tw_headers_get(headers, "n0")), 0);
        ck_assert_str_eq(tw_headers_get(headers, name), "some text that is not so short");
    }
    ck_assert_int_eq(tw_headers_set(headers, "N0", tw_headers_get(headers, "n0") + 5), 0);
    ck_assert_str_eq(tw_headers_get(headers, "n0"), "text that is not so short");
    ck_assert_str_eq(tw_headers_get(headers, "n199"), "some text that is not so short");
    ck_assert_uint_eq(tw_headers_count(headers), 200);
    tw_headers_free(headers);
}
END_TEST

START_TEST(text_may_be_kept_before_the_fields)
{
    tw_headers *headers = new_headers();
    struct twi_buf list = { 0 };
    int64_t place = twi_headers_keep(headers, "start", 5);
    char value[600];

    memset(value, 'v', sizeof value);
    ck_assert_int_ge(place, 0);
    tw_headers_add(headers, "A", "1");
    tw_headers_set(headers, "A", "longer");
    ck_assert_int_eq(twi_headers_append(headers, TWI_HEADER_ALLOW, "Allow", 5, value, 600), 0);
    ck_assert_int_eq(twi_headers_extend(headers, "more", 4), 0);
    ck_assert_int_eq(twi_headers_extend(headers, "", 0), 0);
    ck_assert_str_eq(twi_headers_text(headers, (size_t)place), "start");
    ck_assert_str_eq(tw_headers_get(headers, "A"), "longer");
    ck_assert_uint_eq(strlen(twi_headers_value(headers, TWI_HEADER_ALLOW)), 605);
    ck_assert_ptr_null(twi_headers_value(headers, TWI_HEADER_HOST));
    tw_headers_add(headers, "Vary", "a");
    tw_headers_add(headers, "vary", "b");
    ck_assert_int_eq(twi_headers_list(headers, TWI_HEADER_VARY, &list), 0);
    ck_assert_str_eq(twi_buf_text(&list), "a, b");
    twi_headers_clear(headers);
    ck_assert_uint_eq(tw_headers_count(headers), 0);
    ck_assert_ptr_eq(headers->text, headers->own_text);
    twi_buf_free(&list);
    tw_headers_free(headers);
}
END_TEST

static bool use_all(void *arg)
{
    tw_headers *headers = tw_headers_new(), *copy = NULL;
    char name[16], value[64];
    bool ok = headers != NULL;

    (void)arg;
    for (unsigned i = 0; i < 40 && ok; i++) {
        snprintf(name, sizeof name, "N%u", i);
        snprintf(value, sizeof value, "a value that fills the text soon %u", i);
        ok = tw_headers_add(headers, name, value) == 0 &&
             tw_headers_set(headers, "x", value) == 0;
    }
    copy = ok ? tw_headers_copy(headers) : NULL;
    if (copy != NULL)
        ck_assert_str_eq(tw_headers_get(copy, "n39"), value);
    tw_headers_free(headers);
    tw_headers_free(copy);
    return copy != NULL;
}

START_TEST(out_of_memory_leaves_the_fields_whole)
{
    ck_assert_uint_gt(test_each_alloc_failure(use_all, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("headers");

    TEST_ADD(suite, fields_keep_their_order_and_spelling);
    TEST_ADD(suite, setting_replaces_all_of_that_name_at_the_first_place);
    TEST_ADD(suite, removing_takes_all_of_that_name);
    TEST_ADD(suite, a_list_has_its_tokens);
    TEST_ADD_ROWS(suite, a_comma_in_a_quoted_string_parts_nothing, lists);
    TEST_ADD(suite, several_lines_of_a_list_are_one_list);
    TEST_ADD(suite, every_common_name_has_its_number);
    TEST_ADD(suite, a_copy_stands_by_itself);
    TEST_ADD(suite, what_is_replaced_does_not_pile_up);
    TEST_ADD(suite, a_value_may_come_from_the_headers_themselves);
    TEST_ADD(suite, text_may_be_kept_before_the_fields);
    TEST_ADD(suite, out_of_memory_leaves_the_fields_whole);
    return test_run(suite);
}
