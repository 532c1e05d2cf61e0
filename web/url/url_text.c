/* SPDX-License-Identifier: MIT */
/*
 * url_text.c - percent-encoding and the character classes of the URL standard.
 */
#include "config.h"

#include <string.h>

#include <tweed/failure.h>

#include "base/ascii.h"
#include "web/url/url.h"

#define ENCODED                                                                     \
    (TWI_URL_C0 | TWI_URL_FRAGMENT | TWI_URL_QUERY | TWI_URL_SPECIAL_QUERY | TWI_URL_PATH | \
     TWI_URL_USERINFO)
#define NO_HOST (TWI_URL_FORBIDDEN_HOST | TWI_URL_FORBIDDEN_DOMAIN)
#define IN_QUERIES (TWI_URL_QUERY | TWI_URL_SPECIAL_QUERY | TWI_URL_PATH | TWI_URL_USERINFO)
#define IN_PATH (TWI_URL_PATH | TWI_URL_USERINFO)

const uint16_t twi_url_class[256] = {
    [0x00] = ENCODED | NO_HOST,
    [0x01 ... 0x08] = ENCODED | TWI_URL_FORBIDDEN_DOMAIN,
    ['\t'] = ENCODED | NO_HOST,
    ['\n'] = ENCODED | NO_HOST,
    [0x0b ... 0x0c] = ENCODED | TWI_URL_FORBIDDEN_DOMAIN,
    ['\r'] = ENCODED | NO_HOST,
    [0x0e ... 0x1f] = ENCODED | TWI_URL_FORBIDDEN_DOMAIN,
    [' '] = IN_QUERIES | TWI_URL_FRAGMENT | NO_HOST,
    ['"'] = IN_QUERIES | TWI_URL_FRAGMENT,
    ['#'] = IN_QUERIES | NO_HOST | TWI_URL_PART_END,
    ['%'] = TWI_URL_FORBIDDEN_DOMAIN,
    ['\''] = TWI_URL_SPECIAL_QUERY,
    ['/'] = TWI_URL_USERINFO | NO_HOST | TWI_URL_PART_END,
    [':'] = TWI_URL_USERINFO | NO_HOST,
    [';'] = TWI_URL_USERINFO,
    ['<'] = IN_QUERIES | TWI_URL_FRAGMENT | NO_HOST,
    ['='] = TWI_URL_USERINFO,
    ['>'] = IN_QUERIES | TWI_URL_FRAGMENT | NO_HOST,
    ['?'] = IN_PATH | NO_HOST | TWI_URL_PART_END,
    ['@'] = TWI_URL_USERINFO | NO_HOST,
    ['['] = TWI_URL_USERINFO | NO_HOST,
    ['\\'] = TWI_URL_USERINFO | NO_HOST | TWI_URL_BACKSLASH,
    [']'] = TWI_URL_USERINFO | NO_HOST,
    ['^'] = IN_PATH | NO_HOST,
    ['`'] = IN_PATH | TWI_URL_FRAGMENT,
    ['{'] = IN_PATH,
    ['|'] = TWI_URL_USERINFO | NO_HOST,
    ['}'] = IN_PATH,
    [0x7f] = ENCODED | TWI_URL_FORBIDDEN_DOMAIN,
    [0x80 ... 0xff] = ENCODED,
};

static const char digits[] = "0123456789ABCDEF";

static char *write_escaped(char *out, unsigned char c)
{
    out[0] = '%';
    out[1] = digits[c >> 4];
    out[2] = digits[c & 15];
    return out + 3;
}

char *twi_url_write(char *out, const char *data, size_t length, unsigned set)
{
    const char *end = data + length, *run;

    for (;;) {
        for (run = data; data < end && !(twi_url_class[(unsigned char)*data] & set); data++)
            ;
        memcpy(out, run, (size_t)(data - run));
        out += data - run;
        if (data == end)
            return out;
        out = write_escaped(out, (unsigned char)*data++);
    }
}

char *twi_url_unescape(char *out, const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (text[i] == '%' && length - i > 2 && twi_hex(text[i + 1]) >= 0 &&
            twi_hex(text[i + 2]) >= 0) {
            *out++ = (char)(twi_hex(text[i + 1]) << 4 | twi_hex(text[i + 2]));
            i += 2;
        } else {
            *out++ = text[i];
        }
    }
    return out;
}

/* How many escapes will become one byte each. */
static size_t count_escapes(const char *text, size_t length)
{
    size_t i, count = 0;

    for (i = 0; i + 2 < length; i++) {
        if (text[i] == '%' && twi_hex(text[i + 1]) >= 0 && twi_hex(text[i + 2]) >= 0) {
            count++;
            i += 2;
        }
    }
    return count;
}

tw_value tw_url_decode(const char *text, size_t length)
{
    char *data;
    tw_value bytes = tw_bytes_new(length - 2 * count_escapes(text, length), &data);

    if (data != NULL)
        twi_url_unescape(data, text, length);
    return bytes;
}

static bool stays(char c, const char *keep)
{
    return twi_is_alpha(c) || twi_is_digit(c) || (c != 0 && strchr("-._~", c) != NULL) ||
           (c != 0 && keep != NULL && strchr(keep, c) != NULL);
}

tw_value tw_url_encode(const char *data, size_t length, const char *keep)
{
    size_t i, escaped = 0;
    char *out;
    tw_value bytes;

    for (i = 0; i < length; i++)
        escaped += !stays(data[i], keep);
    if (escaped > (SIZE_MAX - length) / 2)
        return tw_fail_memory();
    bytes = tw_bytes_new(length + 2 * escaped, &out);
    for (i = 0; out != NULL && i < length; i++) {
        if (stays(data[i], keep))
            *out++ = data[i];
        else
            out = write_escaped(out, (unsigned char)data[i]);
    }
    return bytes;
}
