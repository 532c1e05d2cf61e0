/* SPDX-License-Identifier: MIT */
/*
 * number.c - numbers as people write them.
 */
#include "config.h"

#include "spider/text/number.h"
#include "spider/text/utf8.h"

/* --- what stands between digits ------------------------------------------------------------ */

static bool is_space_between(uint32_t c)
{
    return c == ' ' || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f;
}

/* The mark at the start of a text: '.' or ',', 's' for a space, '\'' for an apostrophe; 0: none.
 * *ret_length: its bytes. */
static char mark_at(struct twi_span text, size_t *ret_length)
{
    uint32_t c = 0;

    *ret_length = text.length > 0 ? twi_utf8_get(text.text, text.length, &c) : 0;
    if (*ret_length == 0)
        return 0;
    if (c == '.' || c == ',')
        return (char)c;
    if (c == '\'' || c == 0x2019)
        return '\'';
    return is_space_between(c) ? 's' : 0;
}

static size_t digits_at(struct twi_span text)
{
    size_t count = 0;

    while (count < text.length && twi_is_digit(text.text[count]))
        count++;
    return count;
}

/* --- where it starts ----------------------------------------------------------------------- */

static bool is_word_before(struct twi_span text, size_t at)
{
    return at > 0 && (twi_is_alpha(text.text[at - 1]) || twi_is_digit(text.text[at - 1]));
}

/* Go back over a currency's sign ("-$5") to a minus that does not join words ("A-5"). */
static bool has_minus(struct twi_span text, size_t at)
{
    size_t behind = at;

    if (behind > 0 && text.text[behind - 1] == '$')
        behind--;
    else if (behind > 1 && memcmp(text.text + behind - 2, "\xc2\xa3", 2) == 0)
        behind -= 2;
    else if (behind > 2 && memcmp(text.text + behind - 3, "\xe2\x82", 2) == 0)
        behind -= 3;
    if (behind > 0 && text.text[behind - 1] == '-')
        return !is_word_before(text, behind - 1);
    return behind > 2 && memcmp(text.text + behind - 3, "\xe2\x88\x92", 3) == 0 &&
           !is_word_before(text, behind - 3);
}

/* Where the first digit stands, or the point in front of it (".5"); the length: nowhere. */
static size_t number_start(struct twi_span text)
{
    size_t at = 0;

    while (at < text.length && !twi_is_digit(text.text[at]))
        at++;
    if (at > 0 && at < text.length && text.text[at - 1] == '.' &&
        !is_word_before(text, at - 1))
        return at - 1;
    return at;
}

/* --- its parts ----------------------------------------------------------------------------- */

/* A run of digits and the marks that part it. */
struct number_run {
    struct twi_span text;  /* from the first digit to the last */
    size_t first;          /* digits before the first mark */
    unsigned points, commas, others;
    char last;             /* the last of "." and ","; 0: none */
    size_t behind_last;    /* digits after it */
};

/* Does a mark part groups of digits: are there three behind it, and no more? */
static bool is_group(struct twi_span behind)
{
    return digits_at(behind) == 3;
}

static void run_count(struct number_run *run, char mark, size_t digits)
{
    run->points += mark == '.';
    run->commas += mark == ',';
    run->others += mark == 's' || mark == '\'';
    if (mark == '.' || mark == ',') {
        run->last = mark;
        run->behind_last = digits;
    }
}

/* Does a mark, and what stands behind it, belong to the run? "1.5.2", "1,234.5 100" and
 * "12.03.2024" end before the last one; "1,23,45,678" goes on, as in India. */
static bool run_goes_on(const struct number_run *run, char mark, struct twi_span behind)
{
    size_t digits = digits_at(behind);

    if (mark == 's' || mark == '\'')
        return run->last == 0 && digits == 3;
    if (run->last == 0)
        return true;
    if (mark != run->last)
        return run->behind_last == 3 && (run->points == 0 || run->commas == 0);
    if (run->behind_last != 3 && (mark != ',' || run->behind_last != 2))
        return false;
    return digits == 3 ||
           (digits == 2 && mark == ',' && behind.length > 2 && behind.text[2] == ',');
}

static struct number_run run_read(struct twi_span text)
{
    struct number_run run = { .first = digits_at(text) };
    size_t at = run.first, length;

    for (;;) {
        struct twi_span rest = twi_span_from(text, at);
        char mark = mark_at(rest, &length);
        struct twi_span behind = twi_span_from(rest, mark != 0 ? length : 0);
        size_t digits = digits_at(behind);
        if (mark == 0 || digits == 0 || !run_goes_on(&run, mark, behind))
            break;
        run_count(&run, mark, digits);
        at += length + digits;
    }
    run.text = twi_span_first(text, at);
    return run;
}

/* Which of the run's marks is the decimal one; 0: none is. */
static char decimal_mark(const struct number_run *run, char mark)
{
    if (mark != 0)
        return (mark == '.' ? run->points : run->commas) > 0 ? mark : 0;
    if (run->points > 0 && run->commas > 0)
        return run->last;
    if (run->points + run->commas != 1)
        return 0;
    if (run->last == '.')
        return '.';
    return run->behind_last == 3 && run->first > 0 && run->first <= 3 &&
                   run->text.text[0] != '0'
               ? 0
               : ',';
}

/* --- writing ------------------------------------------------------------------------------- */

/* Digits without what parts them, nor zeros in front. */
static void put_whole(struct twi_text *out, struct twi_span text)
{
    size_t start = out->length;

    for (size_t i = 0; i < text.length; i++)
        if (twi_is_digit(text.text[i]) && (text.text[i] != '0' || out->length > start))
            twi_text_putc(out, text.text[i]);
    if (out->length == start)
        twi_text_putc(out, '0');
}

static void put_fraction(struct twi_text *out, struct twi_span digits)
{
    while (digits.length > 0 && digits.text[digits.length - 1] == '0')
        digits.length--;
    if (digits.length == 0)
        return;
    twi_text_putc(out, '.');
    twi_text_add(out, digits.text, digits.length);
}

/* "e-5" behind the digits. */
static void put_exponent(struct twi_text *out, struct twi_span rest)
{
    size_t at = 1, digits;

    if (rest.length < 2 || twi_lower(rest.text[0]) != 'e')
        return;
    at += rest.text[1] == '-' || rest.text[1] == '+';
    digits = digits_at(twi_span_from(rest, at));
    if (digits == 0 || digits > 3 ||
        (at + digits < rest.length && twi_is_alpha(rest.text[at + digits])))
        return;
    twi_text_add(out, rest.text, at + digits);
}

/* Where the decimal mark of the run stands, which is its last of that kind. */
static size_t mark_place(const struct number_run *run, char mark)
{
    size_t at = run->text.length;

    while (at > 0 && run->text.text[at - 1] != mark)
        at--;
    return at - 1;
}

bool twi_number_find(struct twi_span text, char mark, struct twi_text *out)
{
    size_t start = number_start(text);
    struct twi_span rest = twi_span_from(text, start);
    struct number_run run;
    char decimal;

    if (rest.length == 0)
        return false;
    run = run_read(rest);
    decimal = decimal_mark(&run, mark);
    if (has_minus(text, start))
        twi_text_putc(out, '-');
    if (decimal != 0) {
        size_t place = mark_place(&run, decimal);
        put_whole(out, twi_span_first(run.text, place));
        rest = twi_span_from(run.text, place + 1);
        put_fraction(out, twi_span_first(rest, digits_at(rest)));
    } else {
        put_whole(out, run.text);
    }
    if (run.others + run.points + run.commas <= (decimal != 0))
        put_exponent(out, twi_span_from(text, start + run.text.length));
    return true;
}

bool twi_integer_find(struct twi_span text, struct twi_text *out)
{
    size_t start = number_start(text), at, length;
    struct twi_span rest = twi_span_from(text, start);

    if (rest.length == 0)
        return false;
    at = digits_at(rest);
    for (;;) {
        struct twi_span from = twi_span_from(rest, at);
        if (at == 0 || mark_at(from, &length) == 0 || !is_group(twi_span_from(from, length)))
            break;
        at += length + 3;
    }
    if (has_minus(text, start))
        twi_text_putc(out, '-');
    put_whole(out, twi_span_first(rest, at));
    return true;
}
