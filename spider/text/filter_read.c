/* SPDX-License-Identifier: MIT */
/*
 * filter_read.c - filters are read: "|> NAME" or "|> NAME(ARGUMENT)", one behind the other.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "spider/text/filter.h"

enum filter_wants { WANTS_NOTHING, WANTS_TEXT, WANTS_MARK, WANTS_EXPRESSION, WANTS_DEFAULT };

static const struct {
    const char *name;
    enum twi_filter_kind kind;
    enum filter_wants wants;
} filter_names[] = {
    { "first", TWI_FILTER_FIRST, WANTS_NOTHING },
    { "all", TWI_FILTER_ALL, WANTS_NOTHING },
    { "text", TWI_FILTER_TEXT, WANTS_NOTHING },
    { "strip", TWI_FILTER_STRIP, WANTS_NOTHING },
    { "join", TWI_FILTER_JOIN, WANTS_TEXT },
    { "re", TWI_FILTER_RE, WANTS_EXPRESSION },
    { "number", TWI_FILTER_NUMBER, WANTS_MARK },
    { "integer", TWI_FILTER_INTEGER, WANTS_NOTHING },
    { "url", TWI_FILTER_URL, WANTS_NOTHING },
    { "lower", TWI_FILTER_LOWER, WANTS_NOTHING },
    { "date", TWI_FILTER_DATE, WANTS_NOTHING },
    { "default", TWI_FILTER_DEFAULT, WANTS_DEFAULT },
    { "html", TWI_FILTER_HTML, WANTS_NOTHING },
};

struct filter_reader {
    struct twi_arena *arena;
    struct twi_span text;
    size_t at;
    struct twi_filter_error *error;
};

__attribute__((__format__(__printf__, 3, 4))) static bool filter_refuse(
    struct filter_reader *reader, size_t at, const char *format, ...)
{
    va_list args;

    reader->error->at = at;
    va_start(args, format);
    vsnprintf(reader->error->why, sizeof reader->error->why, format, args);
    va_end(args);
    return false;
}

static void filter_skip(struct filter_reader *reader)
{
    while (reader->at < reader->text.length && twi_is_space(reader->text.text[reader->at]))
        reader->at++;
}

static bool filter_takes(struct filter_reader *reader, char c)
{
    filter_skip(reader);
    if (reader->at == reader->text.length || reader->text.text[reader->at] != c)
        return false;
    reader->at++;
    return true;
}

/* --- arguments ----------------------------------------------------------------------------- */

/* The text between quotes. An expression keeps its backslashes; in other texts "\n", "\t" and
 * the quote have them. */
static bool read_quoted(struct filter_reader *reader, bool is_raw, struct twi_span *ret_text)
{
    struct twi_text text = { .arena = reader->arena };
    size_t start = reader->at;
    char quote = reader->text.text[reader->at++];

    for (; reader->at < reader->text.length; reader->at++) {
        char c = reader->text.text[reader->at];
        if (c == quote) {
            reader->at++;
            *ret_text = (struct twi_span){ twi_text_string(&text), text.length };
            return true;
        }
        if (c == '\\' && reader->at + 1 < reader->text.length) {
            char next = reader->text.text[++reader->at];
            if (is_raw)
                twi_text_putc(&text, '\\');
            c = is_raw ? next : next == 'n' ? '\n' : next == 't' ? '\t' : next;
        }
        twi_text_putc(&text, c);
    }
    return filter_refuse(reader, start, "the text does not end");
}

/* A number as JSON has it, in place of a quoted text. */
static bool read_bare_number(struct filter_reader *reader, struct twi_filter *filter)
{
    struct twi_span rest = twi_span_from(reader->text, reader->at);
    size_t length = twi_span_find_any(rest, 0, ") \t\n");
    struct twi_json_error wrong;
    struct twi_json *value = twi_json_read(reader->arena, rest.text, length, &wrong);

    if (value == NULL || value->kind != TWI_JSON_NUMBER)
        return false;
    filter->argument = (struct twi_span){ value->text, value->length };
    filter->is_number = true;
    reader->at += length;
    return true;
}

static bool at_quote(const struct filter_reader *reader)
{
    return reader->at < reader->text.length &&
           (reader->text.text[reader->at] == '\'' || reader->text.text[reader->at] == '"');
}

static bool read_argument(struct filter_reader *reader, struct twi_filter *filter,
                          enum filter_wants wants, const char *name)
{
    size_t start;

    if (!filter_takes(reader, '('))
        return wants == WANTS_MARK || wants == WANTS_NOTHING ||
               filter_refuse(reader, reader->at, "%s wants a text: %s('...')", name, name);
    filter_skip(reader);
    start = reader->at;
    if (wants == WANTS_NOTHING)
        return filter_refuse(reader, start, "%s takes no argument", name);
    if (at_quote(reader)) {
        if (!read_quoted(reader, wants == WANTS_EXPRESSION, &filter->argument))
            return false;
    } else if (wants != WANTS_DEFAULT || !read_bare_number(reader, filter)) {
        return filter_refuse(reader, start, "a quoted text is missing");
    }
    if (wants == WANTS_MARK && !twi_span_is(filter->argument, ".") &&
        !twi_span_is(filter->argument, ","))
        return filter_refuse(reader, start, "the decimal mark is '.' or ','");
    return filter_takes(reader, ')') || filter_refuse(reader, reader->at, "\")\" is missing");
}

/* How many bytes of a text the characters before a place, counted from 1, take. */
static size_t bytes_before(struct twi_span text, size_t character)
{
    size_t at = 0;

    while (at < text.length && character > 1) {
        at++;
        while (at < text.length && ((unsigned char)text.text[at] & 0xc0) == 0x80)
            at++;
        character--;
    }
    return at;
}

/* The expression of re, or that of lower, which matches anything. */
static bool compile_regex(struct filter_reader *reader, struct twi_filter *filter,
                          size_t start)
{
    struct twi_regex_error wrong;
    struct twi_span text = filter->kind == TWI_FILTER_RE ? filter->argument
                                                         : twi_span_of("(?s).+");

    if (filter->kind != TWI_FILTER_RE && filter->kind != TWI_FILTER_LOWER)
        return true;
    filter->regex = twi_regex_compile(text.text, text.length, 0, &wrong);
    if (filter->regex == NULL && wrong.is_memory)
        reader->arena->failed = true;
    return filter->regex != NULL ||
           filter_refuse(reader, start + bytes_before(text, wrong.at), "%s", wrong.why);
}

/* --- filters ------------------------------------------------------------------------------- */

static struct twi_span read_filter_name(struct filter_reader *reader)
{
    size_t start;

    filter_skip(reader);
    for (start = reader->at;
         reader->at < reader->text.length && twi_is_alpha(reader->text.text[reader->at]);)
        reader->at++;
    return twi_span_first(twi_span_from(reader->text, start), reader->at - start);
}

static bool read_filter(struct filter_reader *reader, struct twi_filter *filter)
{
    struct twi_span name = read_filter_name(reader);
    size_t start = (size_t)(name.text - reader->text.text), argument;

    for (size_t i = 0; i < sizeof filter_names / sizeof *filter_names; i++) {
        if (!twi_span_is(name, filter_names[i].name))
            continue;
        filter->kind = filter_names[i].kind;
        argument = reader->at +
                   twi_span_find_any(twi_span_from(reader->text, reader->at), 0, "'\"") + 1;
        return read_argument(reader, filter, filter_names[i].wants, filter_names[i].name) &&
               compile_regex(reader, filter, argument);
    }
    if (name.length == 0)
        return filter_refuse(reader, start, "a filter's name is missing");
    return filter_refuse(reader, start, "there is no filter \"%.*s\"",
                         (int)(name.length < 40 ? name.length : 40), name.text);
}

static bool takes_arrow(struct filter_reader *reader)
{
    filter_skip(reader);
    if (reader->at + 1 >= reader->text.length || reader->text.text[reader->at] != '|' ||
        reader->text.text[reader->at + 1] != '>')
        return false;
    reader->at += 2;
    return true;
}

bool twi_filters_compile(struct twi_arena *arena, struct twi_span text, size_t at,
                         struct twi_filters *filters, struct twi_filter_error *error)
{
    struct filter_reader reader = { arena, text, at, error };

    *filters = (struct twi_filters){ .count = 0 };
    *error = (struct twi_filter_error){ .at = 0 };
    while (takes_arrow(&reader)) {
        struct twi_filter *filter = &filters->filters[filters->count];
        if (filters->count == TWI_MOST_FILTERS)
            return filter_refuse(&reader, reader.at, "more than %d filters", TWI_MOST_FILTERS);
        filters->count++;
        if (!read_filter(&reader, filter))
            return false;
        if (filter->kind == TWI_FILTER_ALL)
            filters->is_list = true;
        else if (filter->kind == TWI_FILTER_FIRST || filter->kind == TWI_FILTER_JOIN)
            filters->is_list = false;
    }
    if (reader.at < text.length)
        return filter_refuse(&reader, reader.at, "\"|>\" is missing");
    return !arena->failed || filter_refuse(&reader, 0, "out of memory");
}

void twi_filters_free(struct twi_filters *filters)
{
    for (size_t i = 0; i < filters->count; i++)
        twi_regex_free(filters->filters[i].regex);
    filters->count = 0;
}
