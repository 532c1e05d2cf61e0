/* SPDX-License-Identifier: MIT */
/*
 * date.c - dates as pages write them.
 *
 * The text is cut into words, numbers and marks. Each word says by itself what it is: a month, a
 * weekday, a zone. Which number is which follows from where the month's name stands, or from the
 * length of the first.
 */
#include "config.h"

#include <stdio.h>

#include "spider/text/date.h"

struct date_reader {
    struct twi_span rest;
    int year, month, day; /* -1: not yet known */
    int hour, minute, second;
    struct twi_span fraction; /* digits */
    char zone[16];            /* "": none */
    bool has_month_name;
};

/* --- pieces -------------------------------------------------------------------------------- */

static void date_skip(struct date_reader *reader, const char *set)
{
    while (reader->rest.length > 0 && reader->rest.text[0] != 0 &&
           strchr(set, reader->rest.text[0]) != NULL)
        reader->rest = twi_span_from(reader->rest, 1);
}

static bool date_takes(struct date_reader *reader, char c)
{
    if (reader->rest.length == 0 || reader->rest.text[0] != c)
        return false;
    reader->rest = twi_span_from(reader->rest, 1);
    return true;
}

static size_t date_digits(const struct date_reader *reader)
{
    size_t count = 0;

    while (count < reader->rest.length && twi_is_digit(reader->rest.text[count]))
        count++;
    return count;
}

/* A number of `least` to `most` digits, all that stand there. */
static bool date_number(struct date_reader *reader, size_t least, size_t most, int *ret_number)
{
    size_t digits = date_digits(reader);
    int number = 0;

    if (digits < least || digits > most)
        return false;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (reader->rest.text[i] - '0');
    reader->rest = twi_span_from(reader->rest, digits);
    *ret_number = number;
    return true;
}

static struct twi_span date_word(const struct date_reader *reader)
{
    size_t length = 0;

    while (length < reader->rest.length && twi_is_alpha(reader->rest.text[length]))
        length++;
    return twi_span_first(reader->rest, length);
}

/* --- names --------------------------------------------------------------------------------- */

/* The number, from 1, of the name that the word is, or is the first three letters or more of. */
static int name_number(struct twi_span word, const char *const *names, int count)
{
    for (int i = 0; i < count && word.length >= 3; i++) {
        struct twi_span name = twi_span_of(names[i]);
        size_t same = 0;
        while (same < word.length && same < name.length &&
               twi_lower(word.text[same]) == name.text[same])
            same++;
        if (same == word.length)
            return i + 1;
    }
    return 0;
}

static int month_number(struct twi_span word)
{
    static const char *const names[] = { "january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december" };

    return name_number(word, names, 12);
}

static bool is_weekday(struct twi_span word)
{
    static const char *const names[] = { "monday", "tuesday",  "wednesday", "thursday",
                                         "friday", "saturday", "sunday" };

    return name_number(word, names, 7) > 0;
}

/* A zone by its name in RFC 822. */
static const char *zone_of(struct twi_span word)
{
    static const struct {
        const char *name, *zone;
    } zones[] = { { "z", "Z" },        { "gmt", "Z" },      { "utc", "Z" },
                  { "ut", "Z" },       { "est", "-05:00" }, { "edt", "-04:00" },
                  { "cst", "-06:00" }, { "cdt", "-05:00" }, { "mst", "-07:00" },
                  { "mdt", "-06:00" }, { "pst", "-08:00" }, { "pdt", "-07:00" } };

    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        if (twi_span_is_nocase(word, zones[i].name))
            return zones[i].zone;
    return NULL;
}

/* --- the time ------------------------------------------------------------------------------ */

/* "Z", "+01:00", "+0100", "+01", "GMT", if one of them stands there. */
static bool read_zone(struct date_reader *reader)
{
    struct twi_span word = date_word(reader);
    const char *zone = zone_of(word);
    char sign = reader->rest.length > 0 ? reader->rest.text[0] : 0;
    int hours, minutes = 0;

    if (zone != NULL) {
        snprintf(reader->zone, sizeof reader->zone, "%s", zone);
        reader->rest = twi_span_from(reader->rest, word.length);
        return true;
    }
    if (sign != '+' && sign != '-')
        return true;
    reader->rest = twi_span_from(reader->rest, 1);
    if (date_digits(reader) == 4) {
        date_number(reader, 4, 4, &hours);
        minutes = hours % 100;
        hours /= 100;
    } else if (!date_number(reader, 2, 2, &hours) ||
               (date_takes(reader, ':') && !date_number(reader, 2, 2, &minutes))) {
        return false;
    }
    snprintf(reader->zone, sizeof reader->zone, "%c%02d:%02d", sign, hours % 100,
             minutes % 100);
    return hours < 24 && minutes < 60;
}

/* "PM", "p.m." behind a time on a clock of twelve hours. */
static bool read_half(struct date_reader *reader)
{
    struct twi_span rest = reader->rest;
    char half = rest.length > 0 ? twi_lower(rest.text[0]) : 0;
    bool has_point = rest.length > 1 && rest.text[1] == '.';
    size_t m = has_point ? 2 : 1;

    if ((half != 'a' && half != 'p') || rest.length <= m || twi_lower(rest.text[m]) != 'm')
        return true;
    reader->rest = twi_span_from(rest, m + 1);
    if (has_point)
        date_takes(reader, '.');
    if (reader->hour < 1 || reader->hour > 12)
        return false;
    reader->hour = reader->hour % 12 + (half == 'p' ? 12 : 0);
    return true;
}

/* "10:15", "10:15:30.25", "10:15 PM", and a zone. */
static bool date_read_time(struct date_reader *reader)
{
    size_t digits;

    if (!date_number(reader, 1, 2, &reader->hour) || !date_takes(reader, ':') ||
        !date_number(reader, 2, 2, &reader->minute))
        return false;
    reader->second = 0;
    if (date_takes(reader, ':') && !date_number(reader, 2, 2, &reader->second))
        return false;
    if (reader->rest.length > 1 &&
        (reader->rest.text[0] == '.' || reader->rest.text[0] == ',') &&
        twi_is_digit(reader->rest.text[1])) {
        reader->rest = twi_span_from(reader->rest, 1);
        digits = date_digits(reader);
        reader->fraction = twi_span_first(reader->rest, digits < 9 ? digits : 9);
        reader->rest = twi_span_from(reader->rest, digits);
    }
    date_skip(reader, " ");
    if (!read_half(reader))
        return false;
    date_skip(reader, " ");
    return read_zone(reader);
}

/* --- the day ------------------------------------------------------------------------------- */

static void set_short_year(struct date_reader *reader, int year, size_t digits)
{
    reader->year = digits > 2 ? year : year < 70 ? 2000 + year : 1900 + year;
}

/* "2024-03-12", "20240312". */
static bool read_year_first(struct date_reader *reader)
{
    char mark;

    if (date_digits(reader) == 8) {
        int all = 0;
        date_number(reader, 8, 8, &all);
        reader->year = all / 10000;
        reader->month = all / 100 % 100;
        reader->day = all % 100;
        return true;
    }
    date_number(reader, 4, 4, &reader->year);
    mark = reader->rest.length > 0 ? reader->rest.text[0] : 0;
    return (mark == '-' || mark == '/' || mark == '.') && date_takes(reader, mark) &&
           date_number(reader, 1, 2, &reader->month) && date_takes(reader, mark) &&
           date_number(reader, 1, 2, &reader->day);
}

/* "12.03.2024", the day being read. */
static bool read_points(struct date_reader *reader)
{
    size_t digits;
    int year;

    if (!date_number(reader, 1, 2, &reader->month) || !date_takes(reader, '.'))
        return false;
    date_skip(reader, " ");
    digits = date_digits(reader);
    if ((digits != 2 && digits != 4) || !date_number(reader, 2, 4, &year))
        return false;
    set_short_year(reader, year, digits);
    return true;
}

/* A month, a weekday; "at" and "of" say nothing. */
static bool date_read_word(struct date_reader *reader)
{
    struct twi_span word = date_word(reader);
    int month = month_number(word);

    if (month > 0 && reader->month < 0) {
        reader->month = month;
        reader->has_month_name = true;
    } else if (!is_weekday(word) && !twi_span_is_nocase(word, "at") &&
               !twi_span_is_nocase(word, "of")) {
        return false;
    }
    reader->rest = twi_span_from(reader->rest, word.length);
    return true;
}

static bool is_ordinal(struct twi_span word)
{
    return twi_span_is_nocase(word, "st") || twi_span_is_nocase(word, "nd") ||
           twi_span_is_nocase(word, "rd") || twi_span_is_nocase(word, "th");
}

/* A day, or the year behind day and month. */
static bool read_day_or_year(struct date_reader *reader)
{
    size_t digits = date_digits(reader);
    int number;
    struct twi_span word;

    if (!date_number(reader, 1, 4, &number) || digits == 3)
        return false;
    if (digits == 4 || reader->day >= 0) {
        if (reader->year >= 0 || digits < 2)
            return false;
        set_short_year(reader, number, digits);
        return true;
    }
    reader->day = number;
    word = date_word(reader);
    if (is_ordinal(word))
        reader->rest = twi_span_from(reader->rest, word.length);
    if (!reader->has_month_name && reader->rest.length > 1 && reader->rest.text[0] == '.' &&
        twi_is_digit(reader->rest.text[1])) {
        date_takes(reader, '.');
        return read_points(reader);
    }
    if (reader->rest.length > 1 &&
        (reader->rest.text[0] == '.' ||
         (reader->rest.text[0] == '-' && twi_is_alpha(reader->rest.text[1]))))
        reader->rest = twi_span_from(reader->rest, 1);
    return true;
}

/* Is there "10:" ahead, which begins a time? */
static bool is_time_ahead(const struct date_reader *reader)
{
    size_t digits = date_digits(reader);

    return digits > 0 && digits <= 2 && digits < reader->rest.length &&
           reader->rest.text[digits] == ':';
}

static bool date_read_piece(struct date_reader *reader)
{
    size_t digits = date_digits(reader);

    if (is_time_ahead(reader))
        return reader->hour < 0 && date_read_time(reader);
    if (digits == 0)
        return date_read_word(reader);
    if ((digits == 8 || digits == 4) && reader->day < 0 && reader->month < 0)
        return read_year_first(reader);
    return read_day_or_year(reader);
}

static bool date_is_possible(const struct date_reader *reader)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = reader->year, most;

    if (reader->month < 1 || reader->month > 12 || reader->day < 1 || year < 0)
        return false;
    most = days[reader->month - 1];
    if (reader->month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        most = 29;
    return reader->day <= most && reader->hour < 24 && reader->minute < 60 &&
           reader->second <= 60;
}

static void date_write(const struct date_reader *reader, struct twi_text *out)
{
    char text[48];

    snprintf(text, sizeof text, "%04d-%02d-%02d", reader->year, reader->month, reader->day);
    twi_text_puts(out, text);
    if (reader->hour < 0)
        return;
    snprintf(text, sizeof text, "T%02d:%02d:%02d", reader->hour, reader->minute,
             reader->second);
    twi_text_puts(out, text);
    if (reader->fraction.length > 0) {
        twi_text_putc(out, '.');
        twi_text_add(out, reader->fraction.text, reader->fraction.length);
    }
    twi_text_puts(out, reader->zone);
}

bool twi_date_read(struct twi_span text, struct twi_text *out)
{
    struct date_reader reader = {
        .rest = twi_span_trim(text), .year = -1, .month = -1, .day = -1, .hour = -1
    };

    if (reader.rest.length == 0 || reader.rest.length > 64)
        return false;
    while (reader.rest.length > 0) {
        if (!date_read_piece(&reader))
            return false;
        if (reader.year >= 0 && reader.day >= 0 && reader.rest.length > 1 &&
            (reader.rest.text[0] == 'T' || reader.rest.text[0] == 't') &&
            twi_is_digit(reader.rest.text[1]))
            reader.rest = twi_span_from(reader.rest, 1);
        date_skip(&reader,
                  reader.has_month_name || reader.day < 0 ? " ,.-\t\n\r" : " ,\t\n\r");
    }
    if (!date_is_possible(&reader))
        return false;
    date_write(&reader, out);
    return true;
}
