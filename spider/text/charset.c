/* SPDX-License-Identifier: MIT */
/*
 * charset.c - texts of any encoding to UTF-8, and back.
 */
#include "config.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#include "spider/text/charset.h"
#include "spider/text/charset_tables.h"
#include "spider/text/utf8.h"

#define MAX_LABEL 20 /* no label is longer */

static int compare_label(const void *key, const void *entry)
{
    return strcmp(key, ((const struct twi_charset_label *)entry)->label);
}

const struct twi_charset *twi_charset_find(struct twi_span label)
{
    char key[MAX_LABEL + 1];
    const struct twi_charset_label *found;
    size_t i;

    label = twi_span_trim(label);
    if (label.length > MAX_LABEL || memchr(label.text, 0, label.length) != NULL)
        return NULL;
    for (i = 0; i < label.length; i++)
        key[i] = twi_lower(label.text[i]);
    key[i] = 0;
    found = bsearch(key, twi_charset_labels, twi_charset_label_count,
                    sizeof *twi_charset_labels, compare_label);
    return found != NULL ? &twi_charsets[found->charset] : NULL;
}

const char *twi_charset_name(const struct twi_charset *charset)
{
    return charset->name;
}

const struct twi_charset *twi_charset_utf8(void)
{
    return &twi_charsets[0];
}

void twi_charset_put(struct twi_text *out, uint32_t character)
{
    char bytes[4];

    twi_text_add(out, bytes, twi_utf8_put(bytes, character));
}

/* --- UTF-8 --------------------------------------------------------------------------------- */

/* A character that texts may hold: no surrogate. Its length; 0 if it is none. */
static size_t scalar_length(struct twi_span text)
{
    uint32_t character;
    size_t length = twi_utf8_get(text.text, text.length, &character);

    return length == 3 && character >= 0xd800 && character <= 0xdfff ? 0 : length;
}

size_t twi_utf8_valid_length(struct twi_span text)
{
    size_t whole = text.length;

    for (;;) {
        size_t length;
        text = twi_span_from(text, twi_span_ascii(text));
        length = text.length > 0 ? scalar_length(text) : 0;
        if (length == 0)
            return whole - text.length;
        text = twi_span_from(text, length);
    }
}

/* How many bytes of a broken character belong together (Unicode, "maximal subpart"). */
static size_t broken_length(struct twi_span text)
{
    const unsigned char *at = (const unsigned char *)text.text;
    unsigned char least = 0x80, most = 0xbf;
    size_t wanted = at[0] < 0xc2   ? 1
                    : at[0] < 0xe0 ? 2
                    : at[0] < 0xf0 ? 3
                    : at[0] < 0xf5 ? 4
                                   : 1;
    size_t length = 1;

    if (at[0] == 0xe0)
        least = 0xa0;
    else if (at[0] == 0xed)
        most = 0x9f;
    else if (at[0] == 0xf0)
        least = 0x90;
    else if (at[0] == 0xf4)
        most = 0x8f;
    while (length < wanted && length < text.length && at[length] >= least &&
           at[length] <= most) {
        least = 0x80;
        most = 0xbf;
        length++;
    }
    return length;
}

static void repair_utf8(struct twi_text *out, struct twi_span data)
{
    while (!out->arena->failed) {
        size_t valid = twi_utf8_valid_length(data);
        twi_text_add(out, data.text, valid);
        data = twi_span_from(data, valid);
        if (data.length == 0)
            break;
        twi_charset_put(out, 0xfffd);
        data = twi_span_from(data, broken_length(data));
    }
}

/* --- the others ---------------------------------------------------------------------------- */

static void decode_single(struct twi_text *out, const uint16_t *upper, struct twi_span data)
{
    while (data.length > 0 && !out->arena->failed) {
        size_t plain = twi_span_ascii(data), i;
        twi_text_add(out, data.text, plain);
        for (i = plain; i < data.length && (unsigned char)data.text[i] >= 0x80; i++) {
            uint16_t character = upper[(unsigned char)data.text[i] - 0x80];
            twi_charset_put(out, character != 0 ? character : 0xfffd);
        }
        data = twi_span_from(data, i);
    }
}

static void decode_user_defined(struct twi_text *out, struct twi_span data)
{
    for (size_t i = 0; i < data.length && !out->arena->failed; i++) {
        unsigned char byte = (unsigned char)data.text[i];
        twi_charset_put(out, byte < 0x80 ? byte : 0xf700u + byte);
    }
}

static uint32_t code_unit(struct twi_span data, size_t at, bool is_big)
{
    unsigned char first = (unsigned char)data.text[at],
                  second = (unsigned char)data.text[at + 1];

    return is_big ? first * 256u + second : second * 256u + first;
}

static void decode_utf16(struct twi_text *out, struct twi_span data, bool is_big)
{
    size_t i = 0;

    while (i + 1 < data.length && !out->arena->failed) {
        uint32_t unit = code_unit(data, i, is_big), next;
        i += 2;
        if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < data.length) {
            next = code_unit(data, i, is_big);
            if (next >= 0xdc00 && next < 0xe000) {
                unit = 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);
                i += 2;
            }
        } else if (unit >= 0xd800 && unit < 0xdc00) {
            i = data.length; /* cut off: one mistake, however much is there of its other half */
        }
        twi_charset_put(out, unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit);
    }
    if (i < data.length)
        twi_charset_put(out, 0xfffd);
}

struct twi_span twi_charset_decode(struct twi_arena *arena, const struct twi_charset *charset,
                                   struct twi_span data)
{
    struct twi_text out = { .arena = arena };

    switch (charset->kind) {
    case TWI_CHARSET_UTF8:
        if (twi_utf8_valid_length(data) == data.length)
            return data;
        repair_utf8(&out, data);
        break;
    case TWI_CHARSET_SINGLE:
        decode_single(&out, twi_charset_upper[charset->upper], data);
        break;
    case TWI_CHARSET_USER_DEFINED:
        decode_user_defined(&out, data);
        break;
    case TWI_CHARSET_REPLACEMENT:
        if (data.length > 0)
            twi_charset_put(&out, 0xfffd);
        break;
    case TWI_CHARSET_UTF16_BE:
    case TWI_CHARSET_UTF16_LE:
        decode_utf16(&out, data, charset->kind == TWI_CHARSET_UTF16_BE);
        break;
    default:
        twi_charset_decode_multi(&out, charset->kind, data);
    }
    if (arena->failed)
        return (struct twi_span){ "", 0 };
    return (struct twi_span){ twi_text_string(&out), out.length };
}

/* --- encoding ------------------------------------------------------------------------------ */

static bool encode_single(struct twi_text *out, const uint16_t *upper, struct twi_span text)
{
    while (text.length > 0) {
        size_t plain = twi_span_ascii(text), length;
        uint32_t character;
        unsigned i;
        twi_text_add(out, text.text, plain);
        text = twi_span_from(text, plain);
        if (text.length == 0)
            return true;
        length = twi_utf8_get(text.text, text.length, &character);
        for (i = 0; i < 128 && upper[i] != character; i++)
            ;
        if (length == 0 || i == 128)
            return false;
        twi_text_putc(out, (char)(0x80 + i));
        text = twi_span_from(text, length);
    }
    return true;
}

static bool encode_by_iconv(struct twi_text *out, const char *name, struct twi_span text)
{
    iconv_t converter = iconv_open(name, "UTF-8");
    char buffer[1024], *in = (char *)(uintptr_t)text.text, *to;
    size_t left = text.length, room, r;

    if (converter == (iconv_t)-1)
        return false;
    do {
        to = buffer;
        room = sizeof buffer;
        r = left > 0 ? iconv(converter, &in, &left, &to, &room)
                     : iconv(converter, NULL, NULL, &to, &room);
        if (r == (size_t)-1 && errno != E2BIG)
            break;
        twi_text_add(out, buffer, sizeof buffer - room);
    } while (!out->arena->failed && (left > 0 || to > buffer));
    iconv_close(converter);
    return left == 0 && r != (size_t)-1;
}

bool twi_charset_encode(struct twi_text *out, const struct twi_charset *charset,
                        struct twi_span text)
{
    struct twi_text encoded = { .arena = out->arena };
    bool ok = true;

    if (charset->kind == TWI_CHARSET_SINGLE)
        ok = encode_single(&encoded, twi_charset_upper[charset->upper], text);
    else if (charset->iconv != NULL)
        ok = encode_by_iconv(&encoded, charset->iconv, text);
    else
        twi_text_add(&encoded, text.text, text.length);
    if (ok)
        twi_text_add(out, encoded.data != NULL ? encoded.data : "", encoded.length);
    return ok;
}
