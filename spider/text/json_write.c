/* SPDX-License-Identifier: MIT */
/*
 * json_write.c - writing JSON, always valid UTF-8.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/json.h"
#include "spider/text/utf8.h"

static void put_code_unit(struct twi_text *text, unsigned unit)
{
    char escape[8];

    snprintf(escape, sizeof escape, "\\u%04x", unit & 0xffff);
    twi_text_add(text, escape, 6);
}

static void put_control(struct twi_text *text, char c)
{
    static const char escapes[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    const char *p;

    for (p = escapes; *p != 0; p += 2) {
        if (p[1] == c) {
            twi_text_putc(text, '\\');
            twi_text_putc(text, p[0]);
            return;
        }
    }
    put_code_unit(text, (unsigned char)c);
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f && c != '"' && c != '\\';
}

/* What does not stand for itself in ASCII. Its length. */
static size_t put_other(struct twi_text *text, const char *at, size_t left)
{
    uint32_t character;
    size_t length = twi_utf8_get(at, left, &character);

    if (length == 0) {
        twi_text_puts(text, "\xef\xbf\xbd");
        return 1;
    }
    if (length == 1)
        put_control(text, *at);
    else if (character >= 0xd800 && character <= 0xdfff)
        put_code_unit(text, character);
    else
        twi_text_add(text, at, length);
    return length;
}

void twi_json_write_string(struct twi_text *text, const char *data, size_t length)
{
    const char *at = data, *end = data + length;

    twi_text_putc(text, '"');
    while (at < end) {
        const char *plain = at;
        while (at < end && is_plain(*at))
            at++;
        twi_text_add(text, plain, (size_t)(at - plain));
        if (at < end)
            at += put_other(text, at, (size_t)(end - at));
    }
    twi_text_putc(text, '"');
}

/* By recursion: the reader limits the depth. */
static void write_children(struct twi_text *text, const struct twi_json *parent)
{
    const struct twi_json *child;

    twi_text_putc(text, parent->kind == TWI_JSON_LIST ? '[' : '{');
    for (child = parent->first; child != NULL; child = child->next) {
        if (parent->kind == TWI_JSON_OBJECT) {
            twi_json_write_string(text, child->key, child->key_length);
            twi_text_putc(text, ':');
        }
        twi_json_write(text, child);
        if (child->next != NULL)
            twi_text_putc(text, ',');
    }
    twi_text_putc(text, parent->kind == TWI_JSON_LIST ? ']' : '}');
}

void twi_json_write(struct twi_text *text, const struct twi_json *value)
{
    if (value == NULL)
        twi_text_puts(text, "null");
    else if (value->kind == TWI_JSON_STRING)
        twi_json_write_string(text, value->text, value->length);
    else if (value->kind >= TWI_JSON_LIST)
        write_children(text, value);
    else
        twi_text_puts(text, twi_json_text(value));
}
