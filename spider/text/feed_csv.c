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

static void put_value(const struct twi_feed_writer *writer, struct twi_text *out,
                      const struct twi_json *value)
{
    struct twi_text text = { .arena = twi_feed_scratch(writer, out) };
    const char *join = writer->join != NULL ? writer->join : ",";

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

static void put_headings(const struct twi_feed_writer *writer, struct twi_text *out)
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
    struct twi_feed_members members;
    size_t start;

    if (writer->fields == NULL) /* a feed that was given none has those of its first item */
        writer->fields = twi_feed_columns_of(out->arena, item, &writer->count);
    if (writer->items == 0 && !writer->no_headers)
        put_headings(writer, out);
    members = twi_feed_members_of(twi_feed_scratch(writer, out), item, writer->count);
    start = out->length;
    for (size_t i = 0; i < writer->count; i++) {
        const struct twi_feed_field *field = &writer->fields[i];
        if (i > 0)
            twi_text_putc(out, ',');
        put_value(writer, out,
                  twi_feed_member_named(&members, field->name, field->name_length));
    }
    end_row(out, start);
}
