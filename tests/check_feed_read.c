/* SPDX-License-Identifier: MIT */
/*
 * check_feed_read.c - feeds are read a record at a time, in pieces of any size.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "spider/text/feed_read.h"
#include "tests/test.h"

/* --- CSV ----------------------------------------------------------------------------------- */

/* Cells end in "|", rows in ";". */
static bool note_row(const struct twi_csv_cell *cells, size_t count, void *arg)
{
    char *seen = arg;

    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(strlen(cells[i].text), cells[i].length);
        strcat(strcat(seen, cells[i].text), "|");
    }
    strcat(seen, ";");
    return strstr(seen, "stop") == NULL;
}

static const struct {
    const char *what, *csv, *seen;
    char delimiter, quote;
} rows[] = {
    { "nothing", "", "", 0, 0 },
    { "a row", "a,b\r\n", "a|b|;", 0, 0 },
    { "the last line without its end", "a,b\n1,2", "a|b|;1|2|;", 0, 0 },
    { "ends of lines of each kind", "a\rb\nc\r\nd", "a|;b|;c|;d|;", 0, 0 },
    { "empty lines are no rows", "\n\r\n\na\n\n\n", "a|;", 0, 0 },
    { "empty cells", ",\n,,", "||;|||;", 0, 0 },
    { "an empty cell in quotes is a row", "\"\"\n\"\"", "|;|;", 0, 0 },
    { "quotes", "\"a,b\",\"c\nd\"\r\n", "a,b|c\nd|;", 0, 0 },
    { "two quotes are one", "\"a\"\"b\",\"\"\"\"", "a\"b|\"|;", 0, 0 },
    { "a quote inside a cell", "a\"b\",c", "a\"b\"|c|;", 0, 0 },
    { "text behind a quoted cell", "\"a\"b,c", "ab|c|;", 0, 0 },
    { "a quoted cell that does not end", "\"a,b\nc", "a,b\nc|;", 0, 0 },
    { "a byte order mark", "\xef\xbb\xbf\"a\",b", "a|b|;", 0, 0 },
    { "half a byte order mark", "\xef\xbb,b", "\xef\xbb|b|;", 0, 0 },
    { "another delimiter and quote", "'a;b';c,d", "a;b|c,d|;", ';', '\'' },
    { "enough is enough", "a\nstop\nb\n", "a|;stop|;", 0, 0 },
};

static void csv_is(const char *csv, char delimiter, char quote, size_t piece,
                   const char *expected)
{
    char seen[256] = "";
    struct twi_csv_options options = {
        .delimiter = delimiter, .quote = quote, .row = note_row, .arg = seen
    };
    struct twi_csv *reader = test_given(twi_csv_new(&options));

    for (size_t at = 0, length = strlen(csv); at < length; at += piece)
        twi_csv_feed(reader, csv + at, length - at < piece ? length - at : piece);
    ck_assert_int_eq(twi_csv_end(reader), 0);
    ck_assert_str_eq(seen, expected);
    twi_csv_free(reader);
}

START_TEST(rows_are_read)
{
    for (size_t piece = 1; piece < 20; piece++)
        csv_is(rows[_i].csv, rows[_i].delimiter, rows[_i].quote, piece, rows[_i].seen);
}
END_TEST

START_TEST(a_row_has_a_limit)
{
    char seen[64] = "";
    struct twi_csv_options options = { .most = 8, .row = note_row, .arg = seen };
    struct twi_csv *reader = test_given(twi_csv_new(&options));

    twi_csv_feed(reader, "1234,6\n", 7);
    twi_csv_feed(reader, "123456789\n5\n", 12);
    ck_assert_int_eq(twi_csv_end(reader), -E2BIG);
    ck_assert_str_eq(seen, "1234|6|;");
    twi_csv_free(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_read");

    TEST_ADD_ROWS(suite, rows_are_read, rows);
    TEST_ADD(suite, a_row_has_a_limit);
    return test_run(suite);
}
