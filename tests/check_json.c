/* SPDX-License-Identifier: MIT */
/*
 * check_json.c - JSON is read strictly, nothing of it is lost, and what is wrong has a place.
 */
#include "config.h"

#include <string.h>

#include "spider/text/json.h"
#include "tests/test.h"

#define S(text) text, sizeof(text) - 1

static const struct {
    const char *input;
    size_t length;
    const char *expected; /* NULL: as the input */
} rows[] = {
    { S("null"), NULL },
    { S(" \t\r\n true \n"), "true" },
    { S("false"), NULL },
    { S("-0"), NULL },
    { S("12345678901234567890123"), NULL },
    { S("1.50e+07"), NULL },
    { S("0.1E-9"), NULL },
    { S("\"\""), NULL },
    { S("\"a\\u0000b\""), NULL },
    { S("\"\\b\\f\\n\\r\\t\\\"\\\\\""), NULL },
    { S("\"\\/\\u0041\\u00e4\\u20AC\\ud83d\\ude00\""),
      "\"/A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
    { S("\"\\ud800\""), NULL },
    { S("\"\\udc00\\ud800x\""), NULL },
    { S("\"\\ud800\\u0041\""), "\"\\ud800A\"" },
    { S("\"\\ud800\\ud800\\udc00\""), "\"\\ud800\xf0\x90\x80\x80\"" },
    { S("\"\x7f\""), "\"\\u007f\"" },
    { S("\"\xff\xc3\xa9\xc3\""), "\"\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\"" },
    { S("[]"), NULL },
    { S("{}"), NULL },
    { S("[ [ ] , { } , [1,2] ]"), "[[],{},[1,2]]" },
    { S("{\"b\":1,\"a\":[{\"c\":null}],\"b\":2}"), NULL },
    { S("{\"\":{\"\":[]}}"), NULL },
};

START_TEST(a_value_is_read_and_written_again)
{
    const char *expected = rows[_i].expected != NULL ? rows[_i].expected : rows[_i].input;
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    struct twi_json_error error;
    struct twi_json *value;

    twi_arena_init(&arena, 0);
    value = twi_json_read(&arena, rows[_i].input, rows[_i].length, &error);
    ck_assert_msg(value != NULL, "%s: %s at %zu", rows[_i].input, error.why, error.at);
    twi_json_write(&text, value);
    ck_assert_str_eq(twi_text_string(&text), expected);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *input;
    size_t at;
    const char *why;
} wrong[] = {
    { "", 0, "no value" },
    { "nul", 0, "no value" },
    { "tru", 0, "no value" },
    { "+1", 0, "no value" },
    { ".5", 0, "no value" },
    { "01", 1, "something follows the value" },
    { "1.", 2, "a digit must follow the point" },
    { "1e", 2, "the exponent has no digits" },
    { "1e+", 3, "the exponent has no digits" },
    { "-", 1, "no value" },
    { "\"a", 2, "the string does not end" },
    { "\"\\", 2, "the string does not end" },
    { "\"\\x\"", 2, "no such escape" },
    { "\"\\u12\"", 3, "\\u wants four hexadecimal digits" },
    { "\"\\ud800\\u12\"", 9, "\\u wants four hexadecimal digits" },
    { "\"\n\"", 1, "a control character must be escaped" },
    { "'a'", 0, "no value" },
    { "[", 1, "no value" },
    { "[1", 2, "a comma or the end is missing" },
    { "[1,]", 3, "no value" },
    { "[1 2]", 3, "a comma or the end is missing" },
    { "[}", 1, "no value" },
    { "[1}", 2, "a comma or the end is missing" },
    { "{", 1, "a member's name is missing" },
    { "{1:2}", 1, "a member's name is missing" },
    { "{\"a\"}", 4, "a colon is missing" },
    { "{\"a\":}", 5, "no value" },
    { "{\"a\":1,}", 7, "a member's name is missing" },
    { "1 2", 2, "something follows the value" },
    { "[] []", 3, "something follows the value" },
    { "\xef\xbb\xbf[]", 0, "no value" },
};

START_TEST(a_wrong_one_is_refused_with_its_place)
{
    struct twi_arena arena;
    struct twi_json_error error;

    twi_arena_init(&arena, 0);
    ck_assert_ptr_null(
        twi_json_read(&arena, wrong[_i].input, strlen(wrong[_i].input), &error));
    ck_assert_str_eq(error.why, wrong[_i].why);
    ck_assert_uint_eq(error.at, wrong[_i].at);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(depth_is_limited)
{
    static char deep[2000];
    struct twi_arena arena;
    struct twi_json_error error;

    twi_arena_init(&arena, 0);
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    ck_assert_ptr_nonnull(twi_json_read(&arena, deep, 2000, &error));
    memset(deep, '[', 2000);
    ck_assert_ptr_null(twi_json_read(&arena, deep, 2000, &error));
    ck_assert_str_eq(error.why, "nested too deeply");
    ck_assert_uint_eq(error.at, 1000);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(members_are_found)
{
    struct twi_arena arena;
    struct twi_json_error error;
    struct twi_json *value;

    twi_arena_init(&arena, 0);
    value = twi_json_read(&arena, S("{\"a\":\"1\",\"b\":[true],\"a\":\"x\"}"), &error);
    ck_assert(twi_json_is_text(twi_json_member(value, "a"), "x"));
    ck_assert_ptr_null(twi_json_text(twi_json_member(value, "b")));
    ck_assert_str_eq(twi_json_text(twi_json_member(value, "b")->first), "true");
    ck_assert_ptr_null(twi_json_member(value, "c"));
    ck_assert_ptr_null(twi_json_member(value->first, "c"));
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    double number;
    const char *text;
} doubles[] = { { 0.1, "0.1" },
                { 1e300, "1e+300" },
                { 1.0 / 3, "0.3333333333333333" },
                { -5, "-5" },
                { 0.0 / 0.0, "null" } };

START_TEST(a_double_has_the_shortest_text)
{
    struct twi_arena arena;

    twi_arena_init(&arena, 0);
    ck_assert_str_eq(twi_json_text(twi_json_double(&arena, doubles[_i].number)),
                     doubles[_i].text);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(making_survives_a_full_arena)
{
    struct twi_arena arena;
    struct twi_json *list;

    twi_arena_init(&arena, 2000);
    list = twi_json_new(&arena, TWI_JSON_LIST);
    for (int i = 0; i < 1000; i++)
        twi_json_append(list, twi_json_integer(&arena, i));
    ck_assert(arena.failed);
    twi_json_put_string(&arena, NULL, "a", "b");
    twi_json_put_string(&arena, NULL, "a", NULL);
    twi_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");

    TEST_ADD_ROWS(suite, a_value_is_read_and_written_again, rows);
    TEST_ADD_ROWS(suite, a_wrong_one_is_refused_with_its_place, wrong);
    TEST_ADD(suite, depth_is_limited);
    TEST_ADD(suite, members_are_found);
    TEST_ADD_ROWS(suite, a_double_has_the_shortest_text, doubles);
    TEST_ADD(suite, making_survives_a_full_arena);
    return test_run(suite);
}
