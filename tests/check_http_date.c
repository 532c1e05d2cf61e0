/* SPDX-License-Identifier: MIT */
/*
 * check_http_date.c - dates are read in every format that servers use and written in one.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/test.h"
#include "web/http/http_date.h"

#define EXAMPLE 784111777 /* 6 November 1994, 8:49:37 */

static const struct {
    const char *text;
    int64_t seconds;
} http_dates[] = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE },
    { "Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE },
    { "Sun Nov  6 08:49:37 1994", EXAMPLE },
    { "  Sun, 06 Nov 1994 08:49:37 GMT\t", EXAMPLE },
    { "sun, 06 nov 1994 08:49:37 GMT", EXAMPLE },
    { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
    { "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
    { "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
    { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
    { "Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648) },
    { "Friday, 31-Dec-99 23:59:59 GMT", 946684799 },
    { "Monday, 01-Jan-69 00:00:00 GMT", INT64_C(3124224000) },
    { "Fri Dec 31 23:59:59 9999", INT64_C(253402300799) },
};

START_TEST(http_dates_are_read)
{
    const char *text = http_dates[_i].text;
    int64_t seconds = 0;

    ck_assert_msg(tw_http_date_parse(text, strlen(text), &seconds) == 0, "%s", text);
    ck_assert_msg(seconds == http_dates[_i].seconds, "%s: %lld", text, (long long)seconds);
}
END_TEST

static const char *const not_http_dates[] = {
    "",
    "Sun",
    "Sun,",
    "0",
    "-1",
    "06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06 Now 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Wed, 29 Feb 1900 00:00:00 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1994 8:049:37 GMT",
    "Son, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06 Nov 1994 08:49:37 GMTx",
    "Sun Nov 06 08:49:37 1994 GMT",
    "Sun, xx Nov 1994 08:49:37 GMT",
    "Fri, 31 Dec 9999 23:59:60 GMT",
};

START_TEST(what_is_no_http_date_is_refused)
{
    int64_t seconds = 77;

    ck_assert_int_eq(
        tw_http_date_parse(not_http_dates[_i], strlen(not_http_dates[_i]), &seconds), -EINVAL);
    ck_assert_int_eq(seconds, 77);
}
END_TEST

static const struct {
    const char *text;
    int64_t seconds;
} cookie_dates[] = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE },
    { "Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE },
    { "Sun Nov  6 08:49:37 1994", EXAMPLE },
    { "Sun, 06-Nov-1994 08:49:37 GMT", EXAMPLE },
    { "6 November 1994 8:49:37", EXAMPLE },
    { "1994 nov 06 08:49:37", EXAMPLE },
    { "08:49:37 6Nov 94 Nov", EXAMPLE },
    { "08:49:37x Nov 6th 1994th", EXAMPLE },
    { "Sun, 06 Nov 1994 08:49:37 +0200 (EET)", EXAMPLE },
    { "\x01 6 Nov 1994 08:49:37 \x7f\xff", EXAMPLE },
    { "1 Jan 70 0:0:0", 0 },
    { "1 Jan 69 0:0:0", INT64_C(3124224000) },
    { "1 Jan 1601 00:00:00", INT64_C(-11644473600) },
    { "Mon, 99-Dec-2020", INT64_MIN },
    { "", INT64_MIN },
    { "6 Nov 1994", INT64_MIN },
    { "6 Nov 08:49:37", INT64_MIN },
    { "Nov 1994 08:49:37", INT64_MIN },
    { "6 1994 08:49:37", INT64_MIN },
    { "0 Nov 1994 08:49:37", INT64_MIN },
    { "32 Nov 1994 08:49:37", INT64_MIN },
    { "31 Nov 1994 08:49:37", INT64_MIN },
    { "29 Feb 2001 08:49:37", INT64_MIN },
    { "6 Nov 1600 08:49:37", INT64_MIN },
    { "6 Nov 19945 08:49:37", INT64_MIN },
    { "6 Nov 1994 24:49:37", INT64_MIN },
    { "6 Nov 1994 08:60:37", INT64_MIN },
    { "6 Nov 1994 08:49:60", INT64_MIN },
    { "6 Nov 1994 08:49", INT64_MIN },
    { "6 Nov 1994 08:49:", INT64_MIN },
    { "6 Nov 1994 008:49:37", INT64_MIN },
    { "6 Nov 1994 08:49:377", INT64_MIN },
};

START_TEST(cookie_dates_are_read_leniently)
{
    const char *text = cookie_dates[_i].text;
    int64_t seconds = INT64_MIN;
    int r = twi_cookie_date_parse(text, strlen(text), &seconds);

    ck_assert_msg(seconds == cookie_dates[_i].seconds, "%s: %lld", text, (long long)seconds);
    ck_assert_int_eq(r, seconds == INT64_MIN ? -EINVAL : 0);
}
END_TEST

static const struct {
    int64_t seconds;
    const char *text;
} formatted[] = {
    { EXAMPLE, "Sun, 06 Nov 1994 08:49:37 GMT" },
    { 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
    { -1, "Wed, 31 Dec 1969 23:59:59 GMT" },
    { 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
    { INT64_C(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT" },
    { INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
    { INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT" },
};

START_TEST(dates_are_written_in_the_fixed_format)
{
    char text[TWI_HTTP_DATE_SIZE];

    twi_http_date_format(formatted[_i].seconds, text);
    ck_assert_str_eq(text, formatted[_i].text);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    int64_t seconds, read;
    char text[TWI_HTTP_DATE_SIZE];

    for (seconds = INT64_C(-12000000000); seconds < INT64_C(8000000000); seconds += 7654321) {
        twi_http_date_format(seconds, text);
        ck_assert_int_eq(tw_http_date_parse(text, strlen(text), &read), 0);
        ck_assert_int_eq(read, seconds);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_date");

    TEST_ADD_ROWS(suite, http_dates_are_read, http_dates);
    TEST_ADD_ROWS(suite, what_is_no_http_date_is_refused, not_http_dates);
    TEST_ADD_ROWS(suite, cookie_dates_are_read_leniently, cookie_dates);
    TEST_ADD_ROWS(suite, dates_are_written_in_the_fixed_format, formatted);
    TEST_ADD(suite, what_is_written_is_read_back);
    return test_run(suite);
}
