/* SPDX-License-Identifier: MIT */
/*
 * feed_write.h - items as the bytes of a feed: JSON lines, JSON, CSV, XML.
 *
 * An item is a JSON object. A feed is what `begin` writes, an item after the other, and what `end`
 * writes; so a file is valid after each item if `end` follows it, and the next item is written over
 * that. After Scrapy's exporters, but for texts of its language: true is true, null is empty.
 */
#ifndef SPIDER_TEXT_FEED_WRITE_H
#define SPIDER_TEXT_FEED_WRITE_H

#include "spider/text/json.h"

enum twi_feed_kind { TWI_FEED_JSONL, TWI_FEED_JSON, TWI_FEED_CSV, TWI_FEED_XML };

/* A column: the member of an item, and its name in the feed. */
struct twi_feed_field {
    const char *name, *heading;
    size_t name_length, heading_length;
};

struct twi_feed_writer {
    enum twi_feed_kind kind;
    const struct twi_feed_field
        *fields; /* only these, in this order; NULL: all that an item has */
    size_t count;
    bool no_headers;  /* of CSV */
    const char *join; /* between the members of a list in CSV; NULL: "," */
    size_t items;     /* written so far */
};

/* False if there is no format of that name. */
bool twi_feed_kind_named(const char *name, enum twi_feed_kind *ret_kind);
void twi_feed_begin(const struct twi_feed_writer *writer, struct twi_text *out);
/* `item` is an object. The first item of a CSV feed without fields gives it its columns, which are
 * made in the arena of `out` and must live as long as the writer. */
void twi_feed_item(struct twi_feed_writer *writer, const struct twi_json *item,
                   struct twi_text *out);
void twi_feed_end(const struct twi_feed_writer *writer, struct twi_text *out);

/* --- between the formats' files ------------------------------------------------------------ */

/* Call each(value, heading, length, arg) for the fields of an item that it has. */
void twi_feed_each_field(const struct twi_feed_writer *writer, const struct twi_json *item,
                         void (*each)(const struct twi_json *value, const char *heading,
                                      size_t length, void *arg),
                         void *arg);
const struct twi_json *twi_feed_value(const struct twi_json *item,
                                      const struct twi_feed_field *field);
/* The row of names. */
void twi_feed_csv_headings(const struct twi_feed_writer *writer, struct twi_text *out);
void twi_feed_csv_item(struct twi_feed_writer *writer, const struct twi_json *item,
                       struct twi_text *out);
void twi_feed_xml_item(const struct twi_feed_writer *writer, const struct twi_json *item,
                       struct twi_text *out);

#endif
