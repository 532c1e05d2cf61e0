/* SPDX-License-Identifier: MIT */
/*
 * ascii.h - characters and numbers without a locale.
 */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool twi_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
/* A space or a tab, which may stand around a field's value (RFC 9110, 5.6.3). */
static inline bool twi_is_blank(char c)
{
    return c == ' ' || c == '\t';
}
static inline char twi_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline bool twi_is_alpha(char c)
{
    return twi_lower(c) >= 'a' && twi_lower(c) <= 'z';
}
/* 0 to 15; -1 for a character that is no hexadecimal digit. */
static inline int twi_hex(char c)
{
    if (twi_is_digit(c))
        return c - '0';
    c = twi_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
/* Bytes as a word, in the machine's order. */
static inline uint64_t twi_load_8(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
    return word;
}
static inline uint32_t twi_load_4(const char *text)
{
    uint32_t word;

    memcpy(&word, text, sizeof word);
    return word;
}
bool twi_same_nocase(const char *a, size_t a_length, const char *b, size_t b_length);
/* All digits, no sign, no overflow: 0, else -EINVAL or -ERANGE. */
int twi_parse_decimal(const char *text, size_t length, uint64_t *ret_number);

#endif
