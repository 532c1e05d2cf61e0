/* SPDX-License-Identifier: MIT */
/*
 * check_ranges.c - which parts of a body are asked for, and lists of entity tags.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tests/test.h"
#include "web/http/entity_tag.h"
#include "web/http/ranges.h"

#define HUGE INT64_MAX
#define WHOLE 0

static const struct {
    const char *text;
    int64_t size;
    int count;
    struct twi_range first;
} rows[] = {
    { "bytes=0-4", 10, 1, { 0, 4 } },
    { "BYTES=0-4", 10, 1, { 0, 4 } },
    { "bytes= 0-4 ,\t", 10, 1, { 0, 4 } },
    { "bytes=,,0-0,,9-", 10, 2, { 0, 0 } },
    { "bytes=4-", 10, 1, { 4, 9 } },
    { "bytes=-4", 10, 1, { 6, 9 } },
    { "bytes=-40", 10, 1, { 0, 9 } },
    { "bytes=8-99999999999999999999", 10, 1, { 8, 9 } },
    { "bytes=20-,1-2", 10, 1, { 1, 2 } },
    { "bytes=0-9", 10, 1, { 0, 9 } },
    { "bytes=10-", 10, -ERANGE, { 0, 0 } },
    { "bytes=-0", 10, -ERANGE, { 0, 0 } },
    { "bytes=0-", 0, -ERANGE, { 0, 0 } },
    { "bytes=99999999999999999999-", HUGE, -ERANGE, { 0, 0 } },
    /* An end of nothing can be satisfied (14.1.2), but has no Content-Range. */
    { "bytes=-5", 0, WHOLE, { 0, 0 } },
    /* more in sum than the whole */
    { "bytes=0-5,5-9", 10, WHOLE, { 0, 0 } },
    { "bytes=0-,,,,50-,,0-", HUGE, WHOLE, { 0, 0 } },
    { "bytes=0-,0-", HUGE, WHOLE, { 0, 0 } },
    { "bytes=-99999999999999999999", HUGE, 1, { 0, HUGE - 1 } },
    { "bytes=1-,0-0", HUGE, 2, { 1, HUGE - 1 } },
    /* malformed */
    { "bytes=", 10, WHOLE, { 0, 0 } },
    { "bytes", 10, WHOLE, { 0, 0 } },
    { "", 10, WHOLE, { 0, 0 } },
    { "bytes=1", 10, WHOLE, { 0, 0 } },
    { "bytes=-", 10, WHOLE, { 0, 0 } },
    { "bytes=1-2,3", 10, WHOLE, { 0, 0 } },
    { "bytes=1 -2", 10, WHOLE, { 0, 0 } },
    { "bytes=4-2", 10, WHOLE, { 0, 0 } },
    { "bytes=1-2;3-4", 10, WHOLE, { 0, 0 } },
    { "bytes=+1-2", 10, WHOLE, { 0, 0 } },
    { "bytes=--2", 10, WHOLE, { 0, 0 } },
    { "bytes=1-2, bytes=3-4", 10, WHOLE, { 0, 0 } },
    { "lines=1-2", 10, WHOLE, { 0, 0 } },
    { "bytes =1-2", 10, WHOLE, { 0, 0 } },
};

/* In a block of its size: a sanitizer sees a step beyond. */
START_TEST(a_range_lies_inside)
{
    struct twi_range ranges[TWI_RANGES_MAX] = { { 0, 0 } };
    char *exact = test_given(strdup(rows[_i].text));

    ck_assert_msg(twi_ranges_parse(exact, rows[_i].size, ranges) == rows[_i].count, "%s",
                  exact);
    if (rows[_i].count > 0)
        ck_assert_msg(ranges[0].first == rows[_i].first.first &&
                          ranges[0].last == rows[_i].first.last,
                      "%s", exact);
    free(exact);
}
END_TEST

enum { NONE = 0, STRONG = 1, WEAK = 2 };

static const struct {
    const char *list;
    int matches; /* "a", in which comparisons */
} lists[] = {
    { "\"a\"", STRONG | WEAK },
    { "W/\"a\"", WEAK },
    { "w/\"a\"", NONE },
    { "\"b\", \"a\"", STRONG | WEAK },
    { "\"b\" , W/\"a\"", WEAK },
    { " , \"b\",,\t\"a\",", STRONG | WEAK },
    { "\"b,\", \"a\"", STRONG | WEAK },
    { "*, \"b\"", NONE },
    { "*a", NONE },
    { "\"*\"", NONE },
    { "a", NONE },
    { "", NONE },
    { "\"a", NONE },
    { "\"aa\"", NONE },
    { "\"b\", c, \"a\"", NONE },
};

START_TEST(a_tag_is_found_in_a_list)
{
    ck_assert_msg(twi_etag_in(lists[_i].list, "\"a\"", false) ==
                      ((lists[_i].matches & STRONG) != 0),
                  "%s", lists[_i].list);
    ck_assert_msg(twi_etag_in(lists[_i].list, "\"a\"", true) ==
                      ((lists[_i].matches & WEAK) != 0),
                  "%s", lists[_i].list);
}
END_TEST

static const struct {
    const char *lines[2]; /* of If-Match */
    const char *tag;      /* NULL: none */
    bool has;
} fields[] = {
    { { NULL, NULL }, "\"a\"", false },      { { "\"a\"", NULL }, "\"a\"", true },
    { { "\"b\"", "\"a\"" }, "\"a\"", true }, { { "b", "\"a\"" }, "\"a\"", true },
    { { "\"a\"", NULL }, NULL, false },      { { "*", NULL }, "\"a\"", true },
    { { "*", NULL }, NULL, true },           { { "*", "\"a\"" }, "\"a\"", false },
    { { "\"b\"", "*" }, "\"a\"", false },
};

START_TEST(lines_of_tags_are_one_list)
{
    tw_headers *headers = test_given(tw_headers_new());

    for (size_t i = 0; i < 2; i++)
        if (fields[_i].lines[i] != NULL)
            ck_assert_int_eq(tw_headers_add(headers, "If-Match", fields[_i].lines[i]), 0);
    ck_assert(twi_headers_have_etag(headers, TWI_HEADER_IF_MATCH, fields[_i].tag, false) ==
              fields[_i].has);
    tw_headers_free(headers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ranges");

    TEST_ADD_ROWS(suite, a_range_lies_inside, rows);
    TEST_ADD_ROWS(suite, a_tag_is_found_in_a_list, lists);
    TEST_ADD_ROWS(suite, lines_of_tags_are_one_list, fields);
    return test_run(suite);
}
