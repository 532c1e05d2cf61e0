/* SPDX-License-Identifier: MIT */
/*
 * syntax.c - the bytes that tokens and field values may have in every version of HTTP.
 */
#include "web/http/syntax.h"

#include <stdint.h>

#include "base/ascii.h"

/* Bits of enum twi_http_class for each byte; none for those above 127. */
const unsigned char twi_http_classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
    0, 7, 4, 1, 7, 7, 7, 7, 6, 6, 7, 7, 6, 7, 7, 4, /* 0x20 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 6, 4, 6, 4, 4, /* 0x30 */
    4, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 0x40 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 4, 4, 5, 7, /* 0x50 */
    5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 0x60 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 5, 4, 7, 0, /* 0x70 */
};

bool twi_http_is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!twi_http_is(text[i], TWI_HTTP_TOKEN))
            return false;
    return length > 0;
}

/* True if one of the eight bytes is a control character; bytes above 127 are none. */
static inline bool has_control(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    uint64_t low, deleted;

    low = (word - ones * 0x20) & ~word;
    deleted = word ^ (ones * 0x7f);
    deleted = (deleted - ones) & ~deleted;
    return ((low | deleted) & high) != 0;
}

/* The last word overlaps the one before. */
bool twi_http_is_plain(const char *text, size_t length)
{
    const char *last = text + length - 8;

    if (length >= 8) {
        for (; text < last; text += 8)
            if (has_control(twi_load_8(text)))
                return false;
        return !has_control(twi_load_8(last));
    }
    if (length >= 4)
        return !has_control(twi_load_4(text) | (uint64_t)twi_load_4(text + length - 4) << 32);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

bool twi_http_is_value(const char *text, size_t length)
{
    if (twi_http_is_plain(text, length))
        return true;
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\r' || text[i] == '\n' || text[i] == '\0')
            return false;
    return true;
}
