/* SPDX-License-Identifier: MIT */
/*
 * utf8.c - characters of UTF-8 texts (RFC 3629).
 */
#include "config.h"

#include <string.h>

#include "base/ascii.h"
#include "spider/text/utf8.h"

size_t twi_utf8_put(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

size_t twi_utf8_get(const char *text, size_t left, uint32_t *ret_character)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *at = (const unsigned char *)text;
    size_t length = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    uint32_t c = length < 2 ? *at : *at & (0x7fu >> length);
    size_t i;

    if (length == 0 || *at > 0xf4 || length > left)
        return 0;
    for (i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (at[i] & 0x3f);
    }
    if (c < least[length] || c > 0x10ffff)
        return 0;
    *ret_character = c;
    return length;
}

/* All 8 bytes are ASCII, and none is NUL: no byte has its highest bit, also if 1 is taken off. */
static bool is_clean_word(const char *at)
{
    uint64_t word = twi_load_8(at);

    return (((word - 0x0101010101010101u) | word) & 0x8080808080808080u) == 0;
}

/* How many bytes from `at` on are clean; stops at the first that is not. */
static size_t utf8_clean_span(const char *at, size_t left)
{
    size_t i = 0;

    while (i < left) {
        uint32_t c;
        size_t n;
        if (left - i >= 8 && is_clean_word(at + i)) {
            i += 8;
            continue;
        }
        if (at[i] > 0) {
            i++;
            continue;
        }
        n = at[i] != 0 ? twi_utf8_get(at + i, left - i, &c) : 0;
        if (n == 0 || (c >= 0xd800 && c <= 0xdfff))
            break;
        i += n;
    }
    return i;
}

const char *twi_utf8_clean(struct twi_arena *arena, const char *text, size_t length,
                           size_t *ret_length)
{
    struct twi_text clean = { .arena = arena };
    size_t at = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t span = utf8_clean_span(text + at, length - at);

    if (at + span == length) {
        *ret_length = span;
        return text + at;
    }
    while (at < length && !arena->failed) {
        uint32_t c;
        twi_text_add(&clean, text + at, span);
        at += span;
        if (at < length && text[at] == 0) {
            at++;
        } else if (at < length) {
            size_t n = twi_utf8_get(text + at, length - at, &c);
            twi_text_puts(&clean, "\xef\xbf\xbd");
            at += n > 0 ? n : 1;
        }
        span = utf8_clean_span(text + at, length - at);
    }
    *ret_length = clean.length;
    return arena->failed ? NULL : twi_text_string(&clean);
}
