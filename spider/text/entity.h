/* SPDX-License-Identifier: MIT */
/*
 * entity.h - character references: "&amp;", "&#38;", "&#x26;".
 */
#ifndef SPIDER_TEXT_ENTITY_H
#define SPIDER_TEXT_ENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/text/arena.h"
#include "spider/text/span.h"

enum {
    TWI_ENTITY_BARE = 1, /* browsers read it without its semicolon too */
    TWI_ENTITY_HTML4 = 2 /* one of those of HTML 4 */
};
struct twi_entity {
    const char *name;
    uint32_t first, second; /* its characters; second 0: there is one */
    unsigned flags;
};
/* All of HTML, in the order of their names. */
extern const struct twi_entity twi_entities[];
extern const size_t twi_entity_count;

/* By its name without "&" and ";", whose case counts; NULL: there is none. */
const struct twi_entity *twi_entity_find(struct twi_span name);

struct twi_unescape_options {
    const struct twi_span *keep; /* names, in lower case, whose references stay */
    size_t keep_count;
    bool keep_illegal; /* references to nothing stay */
};
/* Append `text` with characters for references, as Scrapy's (w3lib) replace_entities(): semicolon
 * or not, in any case if need be, 128 to 159 as windows-1252. One to no character is dropped if it
 * has its semicolon. `options` may be NULL. */
void twi_unescape(struct twi_text *out, struct twi_span text,
                  const struct twi_unescape_options *options);
/* As parsel does with a match of an expression: "&amp;" and "&lt;" stay. */
void twi_unescape_match(struct twi_text *out, struct twi_span match);
/* An attribute's value, as the HTML standard reads it: what has no semicolon and goes on as a name
 * or with "=" is no reference. `text` itself if it has none. */
struct twi_span twi_unescape_attribute(struct twi_arena *arena, struct twi_span text);

#endif
