/* SPDX-License-Identifier: MIT */
/*
 * query.h - the pairs of a URL's query, as forms write them: NAME=VALUE, cut at a separator.
 *
 * These work on the text of any URL, relative ones too, and leave all else in it as it stands.
 */
#ifndef SPIDER_TEXT_QUERY_H
#define SPIDER_TEXT_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "spider/text/arena.h"
#include "spider/text/span.h"

/* One pair as it is written; what stands without "=" is a name with an empty value. */
struct twi_pair {
    struct twi_span whole, name, value;
};

/* Take the next pair off the front of *rest; empty ones are skipped. False at the end. */
bool twi_query_next(struct twi_span *rest, char separator, struct twi_pair *pair);
/* How many there may be. */
size_t twi_query_count(struct twi_span query, char separator);

/* "+" is a space, escapes are bytes. The text is in the arena; empty when it failed. */
struct twi_span twi_query_decode(struct twi_arena *arena, struct twi_span text);
/* Letters, digits and "_.-~" stay, a space is "+", all else is escaped. */
void twi_query_encode(struct twi_text *text, struct twi_span data);

/* A URL's text in three: up to the "?", the query, and from the "#" on. */
struct twi_url_text {
    struct twi_span before, query, fragment;
};
struct twi_url_text twi_url_cut(struct twi_span url);

/* The decoded value of the first pair of that (decoded) name; false if there is none. */
bool twi_query_get(struct twi_arena *arena, struct twi_span url, char separator,
                   struct twi_span name, struct twi_span *ret_value);

struct twi_query_value {
    struct twi_span name, value;
    bool is_absent; /* the name is to be taken out */
    size_t place; /* the function's own, as the next */
    bool is_done;
};
/* Give names the values of `values` (reordered): in the place of the first pair of that name,
 * those after it gone, or at the end. Of values for one name the last counts. */
struct twi_span twi_query_set(struct twi_arena *arena, struct twi_span url, char separator,
                              struct twi_query_value *values, size_t count);

struct twi_query_clean {
    struct twi_span *keep, *drop; /* names as they are written; reordered */
    size_t keep_count, drop_count;
    bool keeps;                   /* only those of `keep`; else all but those of `drop` */
    bool keep_repeated;           /* else each name once */
    bool keep_fragment;
};
struct twi_span twi_query_clean(struct twi_arena *arena, struct twi_span url, char separator,
                                struct twi_query_clean *options);

#endif
