/* SPDX-License-Identifier: MIT */
/*
 * json.c - writing JSON (RFC 8259), always valid UTF-8.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/json.h"

/* A comma before a value or key, unless it is the first one, or the value of a key. */
static void separate(struct cli_text *json)
{
    if (json->length > 0 && strchr("{[:\n", json->data[json->length - 1]) == NULL)
        cli_text_puts(json, ",");
}

void cli_json_open(struct cli_text *json, char bracket)
{
    separate(json);
    cli_text_add(json, &bracket, 1);
}

void cli_json_close(struct cli_text *json, char bracket)
{
    cli_text_add(json, &bracket, 1);
}

/* The length of the UTF-8 character at `at`, no surrogate and no longer than needed; 0 if it is
 * none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    size_t length = *at < 0x80                  ? 1
                    : *at >= 0xc2 && *at < 0xe0 ? 2
                    : *at >= 0xe0 && *at < 0xf0 ? 3
                                                : 4;
    size_t i;

    if (*at >= 0x80 && (*at < 0xc2 || *at > 0xf4))
        return 0;
    if (length > left)
        return 0;
    for (i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] >= 0xa0) ||
        (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] >= 0x90))
        return 0;
    return length;
}

static void put_escape(struct cli_text *json, unsigned char c)
{
    static const char escapes[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    const char *p;

    for (p = escapes; *p != 0; p += 2) {
        if (p[1] == (char)c) {
            cli_text_printf(json, "\\%c", p[0]);
            return;
        }
    }
    cli_text_printf(json, "\\u%04x", c);
}

void cli_json_bytes(struct cli_text *json, const char *data, size_t length)
{
    const unsigned char *at = (const unsigned char *)data, *end = at + length;

    separate(json);
    cli_text_puts(json, "\"");
    while (at < end) {
        const unsigned char *plain = at;
        while (at < end && *at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\')
            at++;
        cli_text_add(json, plain, (size_t)(at - plain));
        if (at < end) {
            size_t size = utf8_length(at, (size_t)(end - at));
            if (size > 1) {
                cli_text_add(json, at, size);
                at += size;
            } else {
                put_escape(json, *at++);
            }
        }
    }
    cli_text_puts(json, "\"");
}

void cli_json_string(struct cli_text *json, const char *string)
{
    if (string != NULL) {
        cli_json_bytes(json, string, strlen(string));
        return;
    }
    separate(json);
    cli_text_puts(json, "null");
}

void cli_json_key(struct cli_text *json, const char *key)
{
    cli_json_string(json, key);
    cli_text_puts(json, ":");
}

void cli_json_integer(struct cli_text *json, int64_t integer)
{
    separate(json);
    cli_text_printf(json, "%lld", (long long)integer);
}

void cli_json_seconds(struct cli_text *json, double seconds)
{
    separate(json);
    cli_text_printf(json, "%.6f", seconds);
}

void cli_json_base64(struct cli_text *json, const char *data, size_t length)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)data;

    separate(json);
    cli_text_puts(json, "\"");
    while (length > 0) {
        size_t size = length < 3 ? length : 3;
        unsigned bits = (unsigned)at[0] << 16 | (size > 1 ? (unsigned)at[1] << 8 : 0) |
                        (size > 2 ? at[2] : 0);
        char out[4] = { digits[bits >> 18], digits[bits >> 12 & 63],
                        size > 1 ? digits[bits >> 6 & 63] : '=',
                        size > 2 ? digits[bits & 63] : '=' };
        cli_text_add(json, out, 4);
        at += size;
        length -= size;
    }
    cli_text_puts(json, "\"");
}

void cli_json_member(struct cli_text *json, const char *key, const char *string)
{
    cli_json_key(json, key);
    cli_json_string(json, string);
}

void cli_json_end_line(struct cli_text *json)
{
    cli_text_puts(json, "\n");
}
