/* SPDX-License-Identifier: MIT */
/*
 * base64.c - bytes as letters (RFC 4648, 4; the Infra standard on what is forgiven).
 */
#include "config.h"

#include "spider/text/base64.h"
#include "spider/text/span.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_digit(char c)
{
    const char *found = c != 0 ? strchr(base64_digits, c) : NULL;

    return found != NULL ? (int)(found - base64_digits) : -1;
}

bool twi_base64_decode(struct twi_text *out, const char *data, size_t length)
{
    unsigned bits = 0;
    int count = 0;
    size_t digits = 0, padding = 0, i;

    for (i = 0; i < length && data[i] != '='; i++) {
        int digit = base64_digit(data[i]);
        if (digit < 0 && twi_is_space(data[i]))
            continue;
        if (digit < 0)
            return false;
        bits = bits << 6 | (unsigned)digit;
        digits++;
        count += 6;
        if (count >= 8) {
            count -= 8;
            twi_text_putc(out, (char)(bits >> count));
        }
    }
    for (; i < length; i++) {
        if (data[i] != '=' && !twi_is_space(data[i]))
            return false;
        padding += data[i] == '=';
    }
    return padding == 0 ? digits % 4 != 1 : padding <= 2 && (digits + padding) % 4 == 0;
}

void twi_base64_encode(struct twi_text *out, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i += 3) {
        const unsigned char *at = (const unsigned char *)data + i;
        size_t left = length - i;
        unsigned bits = (unsigned)at[0] << 16 | (left > 1 ? (unsigned)at[1] << 8 : 0) |
                        (left > 2 ? at[2] : 0u);
        twi_text_putc(out, base64_digits[bits >> 18]);
        twi_text_putc(out, base64_digits[bits >> 12 & 63]);
        twi_text_putc(out, left > 1 ? base64_digits[bits >> 6 & 63] : '=');
        twi_text_putc(out, left > 2 ? base64_digits[bits & 63] : '=');
    }
}
