/* SPDX-License-Identifier: MIT */
/*
 * feed_csv.c - items as CSV (RFC 4180): CRLF ends a row, quotes stand where they must.
 */
#include "config.h"

#include <string.h>

#include "spider/text/feed_write.h"

static bool wants_quotes(const char *data, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if (data[i] == ',' || data[i] == '"' || data[i] == '\r' || data[i] == '\n')
            return true;
    return false;
}

static void put_cell(struct twi_text *out, const char *data, size_t length)
{
    const char *end = data + length;

    if (!wants_quotes(data, length)) {
        twi_text_add(out, data, length);
        return;
    }
    twi_text_putc(out, '"');
    while (data < end) {
        const char *quote = memchr(data, '"', (size_t)(end - data));
        size_t plain = (size_t)((quote != NULL ? quote : end) - data);
        twi_text_add(out, data, plain);
        if (quote != NULL)
            twi_text_puts(out, "\"\"");
        data += plain + (quote != NULL);
    }
    twi_text_putc(out, '"');
}

/* Its text; nothing for null, JSON for an object or a list in a list. */
static void put_plain(struct twi_text *text, const struct twi_json *value)
{
    if (value->kind == TWI_JSON_STRING)
        twi_text_add(text, value->text, value->length);
    else if (value->kind != TWI_JSON_NULL)
        twi_json_write(text, value);
}

static void put_value(struct twi_text *out, const struct twi_json *value, const char *join)
{
    struct twi_text text = { .arena = out->arena };

    if (value == NULL)
        return;
    if (value->kind != TWI_JSON_LIST) {
        put_plain(&text, value);
    } else {
        for (const struct twi_json *one = value->first; one != NULL; one = one->next) {
            put_plain(&text, one);
            if (one->next != NULL)
                twi_text_puts(&text, join);
        }
    }
    put_cell(out, twi_text_string(&text), text.length);
}

/* A row of one empty cell would be an empty line, which is no row to who reads it. */
static void end_row(struct twi_text *out, size_t start)
{
    if (out->length == start)
        twi_text_puts(out, "\"\"");
    twi_text_puts(out, "\r\n");
}

/* The columns of a feed that was given none: the members of its first item, each once. */
static void take_columns(struct twi_feed_writer *writer, const struct twi_json *item,
                         struct twi_arena *arena)
{
    struct twi_feed_field *fields;
    size_t count = 0, i;

    for (const struct twi_json *member = item->first; member != NULL; member = member->next)
        count++;
    fields = twi_arena_alloc(arena, (count + 1) * sizeof *fields);
    if (fields == NULL)
        return;
    count = 0;
    for (const struct twi_json *member = item->first; member != NULL; member = member->next) {
        for (i = 0; i < count; i++)
            if (fields[i].name_length == member->key_length &&
                memcmp(fields[i].name, member->key, member->key_length) == 0)
                break;
        if (i < count)
            continue;
        fields[count].name = fields[count].heading = twi_arena_copy(arena, member->key,
                                                                    member->key_length);
        fields[count].name_length = fields[count].heading_length = member->key_length;
        if (fields[count++].name == NULL)
            return;
    }
    writer->fields = fields;
    writer->count = count;
}

void twi_feed_csv_headings(const struct twi_feed_writer *writer, struct twi_text *out)
{
    size_t start = out->length;

    for (size_t i = 0; i < writer->count; i++) {
        if (i > 0)
            twi_text_putc(out, ',');
        put_cell(out, writer->fields[i].heading, writer->fields[i].heading_length);
    }
    end_row(out, start);
}

void twi_feed_csv_item(struct twi_feed_writer *writer, const struct twi_json *item,
                       struct twi_text *out)
{
    size_t start;

    if (writer->fields == NULL)
        take_columns(writer, item, out->arena);
    if (writer->items == 0 && !writer->no_headers)
        twi_feed_csv_headings(writer, out);
    start = out->length;
    for (size_t i = 0; i < writer->count; i++) {
        if (i > 0)
            twi_text_putc(out, ',');
        put_value(out, twi_feed_value(item, &writer->fields[i]),
                  writer->join != NULL ? writer->join : ",");
    }
    end_row(out, start);
}
