/* SPDX-License-Identifier: MIT */
/*
 * ascii.c - characters and numbers without a locale.
 */
#include "config.h"

#include <errno.h>

#include "base/ascii.h"

bool twi_same_nocase(const char *a, size_t a_length, const char *b, size_t b_length)
{
    if (a_length != b_length)
        return false;
    for (size_t i = 0; i < a_length; i++) {
        if (twi_lower(a[i]) != twi_lower(b[i]))
            return false;
    }
    return true;
}

int twi_parse_decimal(const char *text, size_t length, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (length == 0)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        if (!twi_is_digit(text[i]))
            return -EINVAL;
        if (__builtin_mul_overflow(number, (uint64_t)10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number))
            return -ERANGE;
    }
    *ret_number = number;
    return 0;
}
