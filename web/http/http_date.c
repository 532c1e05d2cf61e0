/* SPDX-License-Identifier: MIT */
/*
 * http_date.c - the three date formats of HTTP, and the lenient one of cookies.
 *
 * No libc calendar: that depends on locale and time zone, and its errors are not ours.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"
#include "web/http/http_date.h"

#define FIRST_SECOND INT64_C(-62167219200) /* of the year 0 */
#define LAST_SECOND INT64_C(253402300799)  /* of the year 9999 */

struct date {
    int year, month, day, hour, minute, second; /* month from 1 */
};

static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char *const day_names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };

/* --- the calendar ------------------------------------------------------------------------- */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970 of a Gregorian date; years are counted from March, so that leap days end one. */
static int64_t to_days(int64_t year, int month, int day)
{
    int64_t era, year_of_era, day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
           day_of_year - 719468;
}

static void from_days(int64_t days, struct date *date)
{
    int64_t era, day_of_era, year_of_era, day_of_year, shifted;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) /
                  365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted = (5 * day_of_year + 2) / 153;
    date->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    date->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    date->year = (int)(year_of_era + era * 400 + (date->month <= 2));
}

static int to_seconds(const struct date *date, int64_t *ret_seconds)
{
    int64_t seconds;

    if (date->day < 1 || date->day > days_in_month(date->year, date->month) ||
        date->hour > 23 || date->minute > 59 || date->second > 60)
        return -EINVAL;
    seconds = to_days(date->year, date->month, date->day) * 86400 + date->hour * 3600 +
              date->minute * 60 + date->second;
    if (seconds > LAST_SECOND)
        return -EINVAL; /* a leap second there would be in a year of five digits */
    *ret_seconds = seconds;
    return 0;
}

static int full_year(int two_digits)
{
    return two_digits + (two_digits < 70 ? 2000 : 1900);
}

/* 1 to 12, or 0. */
static int find_month(const char *text)
{
    int i;

    for (i = 0; i < 12; i++) {
        if (twi_same_nocase(text, 3, month_names[i], 3))
            return i + 1;
    }
    return 0;
}

/* --- HTTP --------------------------------------------------------------------------------- */

/* The name of a day, whole or its first three letters: how many bytes it has, or 0. */
static size_t day_name_length(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < 7; i++) {
        size_t whole = strlen(day_names[i]);
        if (length >= whole && twi_same_nocase(text, whole, day_names[i], whole))
            return whole;
        if (length >= 3 && twi_same_nocase(text, 3, day_names[i], 3))
            return 3;
    }
    return 0;
}

/*
 * Match `text` with a picture of the same length: D day, b month, Y year, h m s, each as many
 * letters as it has bytes; anything else stands for itself. The day may be padded by a space.
 */
static bool match(const char *picture, const char *text, struct date *date)
{
    for (; *picture != 0; picture++, text++) {
        int *number;
        switch (*picture) {
        case 'D':
            number = &date->day;
            break;
        case 'Y':
            number = &date->year;
            break;
        case 'h':
            number = &date->hour;
            break;
        case 'm':
            number = &date->minute;
            break;
        case 's':
            number = &date->second;
            break;
        case 'b':
            date->month = find_month(text);
            if (date->month == 0)
                return false;
            picture += 2;
            text += 2;
            continue;
        default:
            if (*picture != *text)
                return false;
            continue;
        }
        if (*text == ' ' && *picture == 'D' && picture[1] == 'D')
            continue;
        if (!twi_is_digit(*text))
            return false;
        *number = *number * 10 + (*text - '0');
    }
    return true;
}

int tw_http_date_parse(const char *text, size_t length, int64_t *ret_seconds)
{
    static const struct {
        const char *picture;
        bool short_year;
    } formats[] = {
        { ", DD bbb YYYY hh:mm:ss GMT", false },
        { ", DD-bbb-YY hh:mm:ss GMT", true },
        { " bbb DD hh:mm:ss YYYY", false },
    };
    size_t i, name;

    for (; length > 0 && twi_is_blank(*text); text++)
        length--;
    while (length > 0 && twi_is_blank(text[length - 1]))
        length--;
    name = day_name_length(text, length);
    if (name == 0)
        return -EINVAL;
    for (i = 0; i < 3; i++) {
        struct date date = { 0 };
        if (length - name != strlen(formats[i].picture) ||
            !match(formats[i].picture, text + name, &date))
            continue;
        if (formats[i].short_year)
            date.year = full_year(date.year);
        return to_seconds(&date, ret_seconds);
    }
    return -EINVAL;
}

/* Write two digits. */
static void digits_write(char *at, int number)
{
    at[0] = (char)('0' + number / 10);
    at[1] = (char)('0' + number % 10);
}

void twi_http_date_format(int64_t seconds, char text[TWI_HTTP_DATE_SIZE])
{
    struct date date;
    int64_t days;
    int rest;

    if (seconds < FIRST_SECOND)
        seconds = FIRST_SECOND;
    if (seconds > LAST_SECOND)
        seconds = LAST_SECOND;
    days = seconds / 86400;
    rest = (int)(seconds % 86400);
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    from_days(days, &date);
    memcpy(text, "Day, 00 Mon 0000 00:00:00 GMT", TWI_HTTP_DATE_SIZE);
    memcpy(text, day_names[((days + 4) % 7 + 7) % 7], 3);
    digits_write(text + 5, date.day);
    memcpy(text + 8, month_names[date.month - 1], 3);
    digits_write(text + 12, date.year / 100);
    digits_write(text + 14, date.year % 100);
    digits_write(text + 17, rest / 3600);
    digits_write(text + 20, rest / 60 % 60);
    digits_write(text + 23, rest % 60);
}

/* --- cookies ------------------------------------------------------------------------------ */

static bool is_delimiter(char c)
{
    unsigned char u = (unsigned char)c;

    return u == 0x09 || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) ||
           (u >= 0x5b && u <= 0x60) || (u >= 0x7b && u <= 0x7e);
}

/* `least` to `most` digits and then no further one; moves *at behind them. */
static bool date_read_digits(const char **at, const char *end, int least, int most,
                             int *ret_number)
{
    int number = 0, count = 0;

    while (*at < end && twi_is_digit(**at)) {
        if (++count > most)
            return false;
        number = number * 10 + (*(*at)++ - '0');
    }
    if (count < least)
        return false;
    *ret_number = number;
    return true;
}

static bool read_time(const char *at, const char *end, struct date *date)
{
    struct date read;

    if (!date_read_digits(&at, end, 1, 2, &read.hour) || at == end || *at++ != ':' ||
        !date_read_digits(&at, end, 1, 2, &read.minute) || at == end || *at++ != ':' ||
        !date_read_digits(&at, end, 1, 2, &read.second))
        return false;
    date->hour = read.hour;
    date->minute = read.minute;
    date->second = read.second;
    return true;
}

/* The meaning of a token depends on the parts found before it; -1 is "not yet". */
static void read_token(const char *at, const char *end, struct date *date)
{
    const char *p = at;

    if (date->hour < 0 && read_time(at, end, date))
        return;
    if (date->day < 0 && date_read_digits(&p, end, 1, 2, &date->day))
        return;
    if (date->month < 0 && end - at >= 3 && find_month(at) > 0) {
        date->month = find_month(at);
        return;
    }
    p = at;
    if (date->year < 0)
        date_read_digits(&p, end, 2, 4, &date->year);
}

int twi_cookie_date_parse(const char *text, size_t length, int64_t *ret_seconds)
{
    struct date date = { -1, -1, -1, -1, -1, -1 };
    const char *at = text, *end = text + length;

    while (at < end) {
        const char *token;
        while (at < end && is_delimiter(*at))
            at++;
        token = at;
        while (at < end && !is_delimiter(*at))
            at++;
        read_token(token, at, &date);
    }
    if (date.year >= 0 && date.year < 100)
        date.year = full_year(date.year);
    if (date.hour < 0 || date.month < 0 || date.year < 1601 || date.second > 59)
        return -EINVAL;
    return to_seconds(&date, ret_seconds);
}
