/* SPDX-License-Identifier: MIT */
/*
 * feed_write.c - a feed's frame, its fields, and the formats of JSON.
 */
#include "config.h"

#include <string.h>

#include "spider/text/feed_write.h"

bool twi_feed_kind_named(const char *name, enum twi_feed_kind *ret_kind)
{
    static const struct {
        const char *name;
        enum twi_feed_kind kind;
    } names[] = { { "jsonl", TWI_FEED_JSONL },
                  { "jsonlines", TWI_FEED_JSONL },
                  { "json", TWI_FEED_JSON },
                  { "csv", TWI_FEED_CSV },
                  { "xml", TWI_FEED_XML } };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, name) == 0) {
            *ret_kind = names[i].kind;
            return true;
        }
    }
    return false;
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void put_member(const struct twi_json *value, const char *heading, size_t length,
                       void *arg)
{
    struct twi_text *out = arg;

    if (out->length > 0 && out->data[out->length - 1] != '{')
        twi_text_putc(out, ',');
    twi_json_write_string(out, heading, length);
    twi_text_putc(out, ':');
    twi_json_write(out, value);
}

static void put_object(const struct twi_feed_writer *writer, const struct twi_json *item,
                       struct twi_text *out)
{
    twi_text_putc(out, '{');
    twi_feed_each_field(writer, item, out, put_member);
    twi_text_putc(out, '}');
}

/* --- the frame ----------------------------------------------------------------------------- */

void twi_feed_begin(const struct twi_feed_writer *writer, struct twi_text *out)
{
    if (writer->kind == TWI_FEED_JSON)
        twi_text_puts(out, "[");
    else if (writer->kind == TWI_FEED_XML)
        twi_text_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<items>");
}

void twi_feed_item(struct twi_feed_writer *writer, const struct twi_json *item,
                   struct twi_text *out)
{
    switch (writer->kind) {
    case TWI_FEED_CSV:
        twi_feed_csv_item(writer, item, out);
        break;
    case TWI_FEED_XML:
        twi_feed_xml_item(writer, item, out);
        break;
    case TWI_FEED_JSON:
        twi_text_puts(out, writer->items > 0 ? ",\n" : "\n");
        put_object(writer, item, out);
        break;
    case TWI_FEED_JSONL:
        put_object(writer, item, out);
        twi_text_putc(out, '\n');
        break;
    }
    writer->items++;
}

void twi_feed_end(const struct twi_feed_writer *writer, struct twi_text *out)
{
    if (writer->kind == TWI_FEED_JSON)
        twi_text_puts(out, "\n]\n");
    else if (writer->kind == TWI_FEED_XML)
        twi_text_puts(out, "</items>\n");
}
