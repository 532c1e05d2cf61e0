/* SPDX-License-Identifier: MIT */
/*
 * regex_python.c - what Python writes otherwise than PCRE2: \uXXXX, \UXXXXXXXX, \Z, {,N} and (?u).
 */
#include "config.h"

#include <string.h>

#include "spider/text/regex.h"

struct python_reader {
    const char *at, *end;
    struct twi_text *out;
    bool in_class;
};

static bool is_at(const struct python_reader *reader, size_t offset, const char *among)
{
    const char *at = reader->at + offset;

    return (size_t)(reader->end - reader->at) > offset && *at != 0 &&
           strchr(among, *at) != NULL;
}

/* How many of these characters stand here, at most so many. */
static size_t count_at(const struct python_reader *reader, size_t offset, const char *among,
                       size_t most)
{
    size_t count = 0;

    while (count < most && is_at(reader, offset + count, among))
        count++;
    return count;
}

static void pattern_copy(struct python_reader *reader, size_t length)
{
    size_t left = (size_t)(reader->end - reader->at);

    length = length < left ? length : left;
    twi_text_add(reader->out, reader->at, length);
    reader->at += length;
}

static void escape_read(struct python_reader *reader)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    size_t digits = is_at(reader, 1, "u") ? 4 : is_at(reader, 1, "U") ? 8 : 0;

    if (digits > 0 && count_at(reader, 2, hex, digits) == digits) {
        twi_text_puts(reader->out, "\\x{");
        twi_text_add(reader->out, reader->at + 2, digits);
        twi_text_putc(reader->out, '}');
        reader->at += 2 + digits;
    } else if (is_at(reader, 1, "Z") && !reader->in_class) {
        twi_text_puts(reader->out, "\\z");
        reader->at += 2;
    } else {
        pattern_copy(reader, 2);
    }
}

/* The first ] of a class stands for itself. */
static void class_open(struct python_reader *reader)
{
    pattern_copy(reader, is_at(reader, 1, "^") ? 2 : 1);
    if (is_at(reader, 0, "]"))
        pattern_copy(reader, 1);
    reader->in_class = true;
}

static void repeat_read(struct python_reader *reader)
{
    size_t digits = is_at(reader, 1, ",")
                        ? count_at(reader, 2, "0123456789", (size_t)(reader->end - reader->at))
                        : 0;

    pattern_copy(reader, 1);
    if (digits > 0 && is_at(reader, 1 + digits, "}"))
        twi_text_putc(reader->out, '0');
}

/* Patterns are of Unicode in any case. */
static void group_read(struct python_reader *reader)
{
    size_t flags = is_at(reader, 1, "?") ? count_at(reader, 2, "imsux", 8) : 0;

    if (flags == 0 || !is_at(reader, 2 + flags, "-:)")) {
        pattern_copy(reader, 1);
        return;
    }
    pattern_copy(reader, 2);
    for (; flags > 0; flags--, reader->at++)
        if (*reader->at != 'u')
            twi_text_putc(reader->out, *reader->at);
}

size_t twi_regex_from_python(const char *pattern, size_t length, size_t most,
                             struct twi_text *out)
{
    struct python_reader reader = { pattern, pattern + length, out, false };

    while (reader.at < reader.end && out->length < most && !out->arena->failed) {
        if (*reader.at == '\\')
            escape_read(&reader);
        else if (reader.in_class) {
            reader.in_class = *reader.at != ']';
            pattern_copy(&reader, 1);
        } else if (*reader.at == '[')
            class_open(&reader);
        else if (*reader.at == '{')
            repeat_read(&reader);
        else if (*reader.at == '(')
            group_read(&reader);
        else
            pattern_copy(&reader, 1);
    }
    return (size_t)(reader.at - pattern);
}
