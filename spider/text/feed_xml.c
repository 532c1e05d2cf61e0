/* SPDX-License-Identifier: MIT */
/*
 * feed_xml.c - items as XML (1.0, 5th edition), well-formed whatever they hold: characters that XML
 * has no way to write are left out, of texts and of names.
 */
#include "config.h"

#include <string.h>

#include "base/ascii.h"
#include "spider/text/feed_write.h"
#include "spider/text/utf8.h"

/* --- names: NameStartChar and NameChar without the colon, which would ask for a namespace --- */

struct range {
    uint32_t from, to;
};

static bool is_in(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    return false;
}

static bool starts_name(uint32_t c)
{
    static const struct range ranges[] = {
        { 'A', 'Z' },       { '_', '_' },       { 'a', 'z' },       { 0xc0, 0xd6 },
        { 0xd8, 0xf6 },     { 0xf8, 0x2ff },    { 0x370, 0x37d },   { 0x37f, 0x1fff },
        { 0x200c, 0x200d }, { 0x2070, 0x218f }, { 0x2c00, 0x2fef }, { 0x3001, 0xd7ff },
        { 0xf900, 0xfdcf }, { 0xfdf0, 0xfffd }, { 0x10000, 0xeffff },
    };

    return is_in(c, ranges, sizeof ranges / sizeof *ranges);
}

static bool continues_name(uint32_t c)
{
    static const struct range ranges[] = {
        { '-', '.' }, { '0', '9' }, { 0xb7, 0xb7 }, { 0x300, 0x36f }, { 0x203f, 0x2040 },
    };

    return starts_name(c) || is_in(c, ranges, sizeof ranges / sizeof *ranges);
}

/* Bytes at the start of a name that stand as they are, if it starts like one. */
static size_t plain_name_length(const char *name, size_t length)
{
    size_t at = 0;

    if (length == 0 || !(twi_is_alpha(name[0]) || name[0] == '_'))
        return 0;
    while (at < length && (twi_is_alpha(name[at]) || twi_is_digit(name[at]) ||
                           name[at] == '_' || name[at] == '-' || name[at] == '.'))
        at++;
    return at;
}

static void put_name(struct twi_text *out, const char *name, size_t length)
{
    size_t start = out->length, at = plain_name_length(name, length);

    twi_text_add(out, name, at);
    while (at < length) {
        uint32_t c = 0;
        size_t size = twi_utf8_get(name + at, length - at, &c);
        if (size > 0 && continues_name(c)) {
            if (out->length == start && !starts_name(c))
                twi_text_putc(out, '_');
            twi_text_add(out, name + at, size);
        }
        at += size > 0 ? size : 1;
    }
    if (out->length == start)
        twi_text_putc(out, '_');
}

/* --- texts --------------------------------------------------------------------------------- */

static bool is_xml(uint32_t c)
{
    return c >= 0x20 ? (c < 0xd800 || c > 0xdfff) && c != 0xfffe && c != 0xffff
                     : c == '\t' || c == '\n' || c == '\r';
}

static const char *reference_to(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#13;"; /* a reader would make it a line feed */
    default:
        return NULL;
    }
}

/* Bytes that stand as they are, and are no part of longer characters. */
static size_t plain_text_length(const char *data, size_t length)
{
    size_t at = 0;

    while (at < length && (unsigned char)data[at] >= 0x20 && (unsigned char)data[at] < 0x80 &&
           data[at] != '&' && data[at] != '<' && data[at] != '>')
        at++;
    return at;
}

static void put_xml_text(struct twi_text *out, const char *data, size_t length)
{
    size_t at = 0;

    for (;;) {
        uint32_t c = 0;
        size_t plain = plain_text_length(data + at, length - at);
        twi_text_add(out, data + at, plain);
        at += plain;
        if (at == length)
            break;
        size_t size = twi_utf8_get(data + at, length - at, &c);
        const char *reference = reference_to(data[at]);
        if (reference != NULL)
            twi_text_puts(out, reference);
        else if (size > 0 && is_xml(c))
            twi_text_add(out, data + at, size);
        at += size > 0 ? size : 1;
    }
}

/* --- elements ------------------------------------------------------------------------------ */

static void put_element(const struct twi_json *value, const char *name, size_t length,
                        void *arg);

/* By recursion: the reader of items limits the depth. */
static void put_xml_content(struct twi_text *out, const struct twi_json *value)
{
    const struct twi_json *child;

    if (value->kind == TWI_JSON_LIST) {
        for (child = value->first; child != NULL; child = child->next)
            put_element(child, "value", 5, out);
    } else if (value->kind == TWI_JSON_OBJECT) {
        for (child = value->first; child != NULL; child = child->next)
            put_element(child, child->key, child->key_length, out);
    } else if (value->kind == TWI_JSON_STRING) {
        put_xml_text(out, value->text, value->length);
    } else if (value->kind != TWI_JSON_NULL) {
        twi_text_puts(out, twi_json_text(value));
    }
}

static void put_element(const struct twi_json *value, const char *name, size_t length,
                        void *arg)
{
    struct twi_text *out = arg;

    twi_text_putc(out, '<');
    put_name(out, name, length);
    twi_text_putc(out, '>');
    put_xml_content(out, value);
    twi_text_puts(out, "</");
    put_name(out, name, length);
    twi_text_putc(out, '>');
}

void twi_feed_xml_item(const struct twi_feed_writer *writer, const struct twi_json *item,
                       struct twi_text *out)
{
    twi_text_puts(out, "<item>");
    twi_feed_each_field(writer, item, out, put_element);
    twi_text_puts(out, "</item>");
}
