/* SPDX-License-Identifier: MIT */
/*
 * span.h - a piece of a text that lies elsewhere.
 */
#ifndef SPIDER_TEXT_SPAN_H
#define SPIDER_TEXT_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/ascii.h"

struct twi_span {
    const char *text;
    size_t length;
};

static inline struct twi_span twi_span_of(const char *string)
{
    return (struct twi_span){ string, strlen(string) };
}
/* Behind `at` bytes, which are at most all. */
static inline struct twi_span twi_span_from(struct twi_span span, size_t at)
{
    return (struct twi_span){ span.text + at, span.length - at };
}
static inline struct twi_span twi_span_first(struct twi_span span, size_t length)
{
    return (struct twi_span){ span.text, length < span.length ? length : span.length };
}
/* Where `c` first stands; the length if nowhere. */
static inline size_t twi_span_find(struct twi_span span, char c)
{
    const char *found = span.length > 0 ? memchr(span.text, c, span.length) : NULL;

    return found != NULL ? (size_t)(found - span.text) : span.length;
}
/* Where one of the characters of `set` first stands, from `at` on; the length if nowhere. */
static inline size_t twi_span_find_any(struct twi_span span, size_t at, const char *set)
{
    while (at < span.length && (span.text[at] == 0 || strchr(set, span.text[at]) == NULL))
        at++;
    return at;
}
/* How many bytes it starts with that are ASCII. */
static inline size_t twi_span_ascii(struct twi_span span)
{
    size_t i = 0;

    while (i + 8 <= span.length && (twi_load_8(span.text + i) & 0x8080808080808080u) == 0)
        i += 8;
    while (i < span.length && (unsigned char)span.text[i] < 0x80)
        i++;
    return i;
}
/* ASCII white space (WHATWG Infra), and the vertical tab. */
static inline bool twi_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline struct twi_span twi_span_trim(struct twi_span span)
{
    while (span.length > 0 && twi_is_space(span.text[0]))
        span = twi_span_from(span, 1);
    while (span.length > 0 && twi_is_space(span.text[span.length - 1]))
        span.length--;
    return span;
}
static inline bool twi_span_is(struct twi_span span, const char *string)
{
    return strlen(string) == span.length && memcmp(span.text, string, span.length) == 0;
}
/* Does it begin with `string`, a word in lower case, in any case? */
static inline bool twi_span_starts_nocase(struct twi_span span, const char *string)
{
    for (size_t i = 0; string[i] != 0; i++)
        if (i >= span.length || twi_lower(span.text[i]) != string[i])
            return false;
    return true;
}
static inline bool twi_span_is_nocase(struct twi_span span, const char *string)
{
    return strlen(string) == span.length && twi_span_starts_nocase(span, string);
}
/* All digits: the number; false if it is none, or more than 32 bits. */
static inline bool twi_span_number(struct twi_span span, uint32_t *ret_number)
{
    uint64_t number = 0;

    for (size_t i = 0; i < span.length; i++) {
        if (!twi_is_digit(span.text[i]))
            return false;
        number = number * 10 + (uint64_t)(span.text[i] - '0');
        if (number > UINT32_MAX)
            return false;
    }
    *ret_number = (uint32_t)number;
    return span.length > 0;
}

#endif
