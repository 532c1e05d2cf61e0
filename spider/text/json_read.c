/* SPDX-License-Identifier: MIT */
/*
 * json_read.c - reading JSON, strictly (RFC 8259).
 *
 * Open lists and objects stand on a stack of their own in the arena, so the depth is limited by a
 * number and not by the thread's stack.
 */
#include "config.h"

#include <string.h>

#include "base/ascii.h"
#include "spider/text/json.h"
#include "spider/text/utf8.h"

#define MAX_DEPTH 1000

struct json_reader {
    struct twi_arena *arena;
    const char *start, *at, *end;
    struct twi_json_error *error;
    struct twi_json *open[MAX_DEPTH];
    int depth;
};

static bool reader_refuse(struct json_reader *reader, const char *why)
{
    reader->error->at = (size_t)(reader->at - reader->start);
    reader->error->why = reader->arena->failed ? "out of memory" : why;
    return false;
}

static void skip_space(struct json_reader *reader)
{
    while (reader->at < reader->end && memchr(" \t\n\r", *reader->at, 4) != NULL)
        reader->at++;
}

static bool reader_takes(struct json_reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

/* --- strings ------------------------------------------------------------------------------- */

/* The four digits of a \u escape; -1 if they are none. */
static int32_t read_code_unit(struct json_reader *reader)
{
    int32_t unit = 0;
    int i;

    if (reader->end - reader->at < 4)
        return -1;
    for (i = 0; i < 4; i++) {
        int digit = twi_hex(reader->at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    reader->at += 4;
    return unit;
}

static bool is_high(int32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

/* Behind "\u": two units that belong together are one character. */
static bool read_escaped_character(struct json_reader *reader, struct twi_text *text)
{
    int32_t unit = read_code_unit(reader), low;
    char bytes[4];

    if (unit < 0)
        return reader_refuse(reader, "\\u wants four hexadecimal digits");
    if (is_high(unit) && reader->end - reader->at >= 6 && reader->at[0] == '\\' &&
        reader->at[1] == 'u') {
        const char *before = reader->at;
        reader->at += 2;
        low = read_code_unit(reader);
        if (low >= 0xdc00 && low < 0xe000)
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        else
            reader->at = before;
    }
    twi_text_add(text, bytes, twi_utf8_put(bytes, (uint32_t)unit));
    return true;
}

static bool read_escape(struct json_reader *reader, struct twi_text *text)
{
    static const char escapes[] = "b\bf\fn\nr\rt\t\"\"\\\\//";
    const char *p;

    if (reader->at == reader->end)
        return reader_refuse(reader, "the string does not end");
    if (reader_takes(reader, 'u'))
        return read_escaped_character(reader, text);
    for (p = escapes; *p != 0; p += 2) {
        if (reader_takes(reader, p[0])) {
            twi_text_putc(text, p[1]);
            return true;
        }
    }
    return reader_refuse(reader, "no such escape");
}

/* A character of more than a byte, or one that must not stand there. */
static bool read_character(struct json_reader *reader, struct twi_text *text)
{
    uint32_t character;
    size_t length;

    if ((unsigned char)*reader->at < 0x20)
        return reader_refuse(reader, "a control character must be escaped");
    length = twi_utf8_get(reader->at, (size_t)(reader->end - reader->at), &character);
    if (length == 0)
        twi_text_puts(text, "\xef\xbf\xbd");
    else
        twi_text_add(text, reader->at, length);
    reader->at += length != 0 ? length : 1;
    return true;
}

static bool is_plain_ascii(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* Behind the opening quote. */
static bool read_string(struct json_reader *reader, struct twi_text *text)
{
    for (;;) {
        const char *plain = reader->at;
        while (reader->at < reader->end && is_plain_ascii(*reader->at))
            reader->at++;
        twi_text_add(text, plain, (size_t)(reader->at - plain));
        if (reader->arena->failed || reader->at == reader->end)
            return reader_refuse(reader, "the string does not end");
        if (reader_takes(reader, '"'))
            return true;
        if (reader_takes(reader, '\\') ? !read_escape(reader, text)
                                       : !read_character(reader, text))
            return false;
    }
}

/* --- numbers and words --------------------------------------------------------------------- */

static bool skip_digits(struct json_reader *reader)
{
    const char *start = reader->at;

    while (reader->at < reader->end && twi_is_digit(*reader->at))
        reader->at++;
    return reader->at > start;
}

static bool skip_number(struct json_reader *reader)
{
    reader_takes(reader, '-');
    if (!reader_takes(reader, '0') && !skip_digits(reader))
        return reader_refuse(reader, "no value");
    if (reader_takes(reader, '.') && !skip_digits(reader))
        return reader_refuse(reader, "a digit must follow the point");
    if (reader_takes(reader, 'e') || reader_takes(reader, 'E')) {
        if (!reader_takes(reader, '+'))
            reader_takes(reader, '-');
        if (!skip_digits(reader))
            return reader_refuse(reader, "the exponent has no digits");
    }
    return true;
}

static bool reader_takes_word(struct json_reader *reader, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

/* --- values -------------------------------------------------------------------------------- */

/* A value that holds no others; NULL when it is wrong. */
static struct twi_json *read_leaf(struct json_reader *reader)
{
    struct twi_json *value = twi_json_new(reader->arena, TWI_JSON_NULL);
    struct twi_text text = { .arena = reader->arena };
    const char *start = reader->at;

    if (value == NULL)
        return NULL;
    if (reader_takes(reader, '"')) {
        if (!read_string(reader, &text))
            return NULL;
        value->kind = TWI_JSON_STRING;
        value->text = twi_text_string(&text);
        value->length = text.length;
        return value;
    }
    if (reader_takes_word(reader, "null"))
        return value;
    if (reader_takes_word(reader, "true") || reader_takes_word(reader, "false")) {
        value->kind = *start == 't' ? TWI_JSON_TRUE : TWI_JSON_FALSE;
        return value;
    }
    if (!skip_number(reader))
        return NULL;
    value->kind = TWI_JSON_NUMBER;
    value->length = (size_t)(reader->at - start);
    value->text = twi_arena_copy(reader->arena, start, value->length);
    return value->text != NULL ? value : NULL;
}

/* Into the list or object that is open; `value` is the whole when none is. */
static void reader_add(struct json_reader *reader, struct twi_json *value)
{
    if (reader->depth > 0)
        twi_json_append(reader->open[reader->depth - 1], value);
}

/* A list or an object is opened: it has its members later. */
static struct twi_json *reader_open(struct json_reader *reader)
{
    struct twi_json *value = twi_json_new(reader->arena, *reader->at == '[' ? TWI_JSON_LIST
                                                                            : TWI_JSON_OBJECT);

    if (value == NULL || reader->depth == MAX_DEPTH) {
        reader_refuse(reader, "nested too deeply");
        return NULL;
    }
    reader->at++;
    return value;
}

/* "key" : in front of a member's value. */
static bool read_key(struct json_reader *reader, const char **ret_key, size_t *ret_length)
{
    struct twi_text text = { .arena = reader->arena };

    skip_space(reader);
    if (!reader_takes(reader, '"'))
        return reader_refuse(reader, "a member's name is missing");
    if (!read_string(reader, &text))
        return false;
    skip_space(reader);
    if (!reader_takes(reader, ':'))
        return reader_refuse(reader, "a colon is missing");
    *ret_key = twi_text_string(&text);
    *ret_length = text.length;
    return true;
}

static struct twi_json *reader_top(const struct json_reader *reader)
{
    return reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
}

/* Close what ends here, and go past a comma. True if another value must follow. */
static bool reader_closes(struct json_reader *reader, bool *ret_ok)
{
    *ret_ok = true;
    for (;;) {
        struct twi_json *top = reader_top(reader);
        skip_space(reader);
        if (top == NULL)
            return false;
        if (reader_takes(reader, top->kind == TWI_JSON_LIST ? ']' : '}')) {
            reader->depth--;
        } else if (reader_takes(reader, ',')) {
            return true;
        } else {
            *ret_ok = reader_refuse(reader, "a comma or the end is missing");
            return false;
        }
    }
}

/* A value with its key, if it has one. An empty list or object is whole at once; NULL if wrong. */
static struct twi_json *read_one_value(struct json_reader *reader)
{
    struct twi_json *top = reader_top(reader), *value;
    const char *key = NULL;
    size_t key_length = 0;

    if (top != NULL && top->kind == TWI_JSON_OBJECT && !read_key(reader, &key, &key_length))
        return NULL;
    skip_space(reader);
    if (reader->at < reader->end && (*reader->at == '[' || *reader->at == '{'))
        value = reader_open(reader);
    else
        value = read_leaf(reader);
    if (value == NULL)
        return NULL;
    value->key = key;
    value->key_length = key_length;
    reader_add(reader, value);
    return value;
}

/* True when `value`, just opened, has something in it: go on inside. */
static bool reader_enters(struct json_reader *reader, struct twi_json *value)
{
    if (value->kind < TWI_JSON_LIST)
        return false;
    skip_space(reader);
    if (reader_takes(reader, value->kind == TWI_JSON_LIST ? ']' : '}'))
        return false;
    reader->open[reader->depth++] = value;
    return true;
}

static struct twi_json *read_whole(struct json_reader *reader)
{
    struct twi_json *root = NULL;
    bool ok = true;

    do {
        struct twi_json *value = read_one_value(reader);
        if (value == NULL)
            return NULL;
        if (root == NULL)
            root = value;
        if (reader_enters(reader, value))
            continue;
        if (!reader_closes(reader, &ok))
            break;
    } while (true);
    return ok ? root : NULL;
}

struct twi_json *twi_json_read(struct twi_arena *arena, const char *data, size_t length,
                               struct twi_json_error *error)
{
    struct json_reader reader = {
        .arena = arena, .start = data, .at = data, .end = data + length, .error = error
    };
    struct twi_json *root;

    *error = (struct twi_json_error){ 0, "out of memory" };
    root = read_whole(&reader);
    if (root == NULL)
        return NULL;
    skip_space(&reader);
    if (reader.at < reader.end) {
        reader_refuse(&reader, "something follows the value");
        return NULL;
    }
    return root;
}
