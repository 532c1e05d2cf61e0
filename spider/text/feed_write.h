/* SPDX-License-Identifier: MIT */
/*
 * feed_write.h - items as the bytes of a feed: JSON lines, JSON, CSV, XML.
 *
 * An item is a JSON object. A feed is what `begin` writes, an item after the other, and what
 * `end` writes; so a file is valid after each item if `end` follows it, and the next item is
 * written over that. After Scrapy's exporters, but for texts of its language: true is true,
 * null is empty.
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
    /* For what is needed during an item only; its owner empties it. NULL: the output's arena. */
    struct twi_arena *scratch;
};

/* False if there is no format of that name. */
bool twi_feed_kind_named(const char *name, enum twi_feed_kind *ret_kind);
void twi_feed_begin(const struct twi_feed_writer *writer, struct twi_text *out);
/* `item` is an object. The first item of a CSV feed without fields gives it its columns,
 * which are made in the arena of `out` and must live as long as the writer. */
void twi_feed_item(struct twi_feed_writer *writer, const struct twi_json *item,
                   struct twi_text *out);
void twi_feed_end(const struct twi_feed_writer *writer, struct twi_text *out);

/* --- between the formats' files ------------------------------------------------------------ */

/* Where the writer may leave what is needed during an item. */
struct twi_arena *twi_feed_scratch(const struct twi_feed_writer *writer,
                                   const struct twi_text *out);
/* Order of names: by length, then by bytes. */
int twi_feed_compare_names(const char *a, size_t a_length, const char *b, size_t b_length);
/* The members of an item, to be found by name in the time of a sort, however many there are.
 * Lives as long as the arena and the item. */
struct twi_feed_members {
    const struct twi_json *first;
    const struct twi_feed_member *sorted; /* NULL: few enough to look at each */
    size_t count;
};
struct twi_feed_members twi_feed_members_of(struct twi_arena *arena,
                                            const struct twi_json *item, size_t questions);
/* The last of that name; NULL: none. */
const struct twi_json *twi_feed_member_named(const struct twi_feed_members *members,
                                             const char *name, size_t length);
/* The names of an item's members, each once, in their order, copied. NULL when there is no
 * memory. */
struct twi_feed_field *twi_feed_columns_of(struct twi_arena *arena,
                                           const struct twi_json *item, size_t *ret_count);
/* Call each(value, heading, length, out) for the fields of an item that it has. */
void twi_feed_each_field(const struct twi_feed_writer *writer, const struct twi_json *item,
                         struct twi_text *out,
                         void (*each)(const struct twi_json *value, const char *heading,
                                      size_t length, void *arg));
void twi_feed_csv_item(struct twi_feed_writer *writer, const struct twi_json *item,
                       struct twi_text *out);
void twi_feed_xml_item(const struct twi_feed_writer *writer, const struct twi_json *item,
                       struct twi_text *out);

#endif
