/* SPDX-License-Identifier: MIT */
/*
 * filter.h - what is done with the values that a selector finds: "|> re('[0-9.]+') |> number".
 *
 * Values go through the filters one by one, in order, and only as many as are asked for, so that
 * "the first" of a million costs one. After Scrapy's item loaders; <tweed/page.h> describes each
 * filter.
 */
#ifndef SPIDER_TEXT_FILTER_H
#define SPIDER_TEXT_FILTER_H

#include "spider/text/json.h"
#include "spider/text/regex.h"
#include "spider/text/select.h"
#include "spider/text/span.h"

/* A value on its way: a JSON value, or, if `json` is NULL, a part of the tree. */
struct twi_filter_value {
    const struct twi_json *json;
    struct twi_found found;
    bool is_made; /* by a filter: it lies in the run's arena */
};

enum twi_filter_kind {
    TWI_FILTER_FIRST,
    TWI_FILTER_ALL,
    TWI_FILTER_TEXT,
    TWI_FILTER_STRIP,
    TWI_FILTER_JOIN,
    TWI_FILTER_RE,
    TWI_FILTER_NUMBER,
    TWI_FILTER_INTEGER,
    TWI_FILTER_URL,
    TWI_FILTER_LOWER,
    TWI_FILTER_DATE,
    TWI_FILTER_DEFAULT,
    TWI_FILTER_HTML
};
struct twi_filter {
    enum twi_filter_kind kind;
    struct twi_span argument;
    bool is_number; /* the argument, of default */
    struct twi_regex *regex;
};

#define TWI_MOST_FILTERS 16
struct twi_filters {
    struct twi_filter filters[TWI_MOST_FILTERS];
    size_t count;
    bool is_list; /* all that comes out is wanted, as a list */
};

struct twi_filter_error {
    size_t at; /* byte of the text */
    char why[200];
};
/* Read the filters of a text, each behind its "|>", from byte `at` on. `arena` is theirs. False
 * with *error filled in, also when the arena failed. To be freed in both cases. */
bool twi_filters_compile(struct twi_arena *arena, struct twi_span text, size_t at,
                         struct twi_filters *filters, struct twi_filter_error *error);
void twi_filters_free(struct twi_filters *filters);

/* --- running ------------------------------------------------------------------------------- */

struct twi_filter_run {
    const struct twi_filters *filters;
    struct twi_arena *arena;     /* of what filters make */
    const struct twi_tree *tree; /* of the values; NULL: they are JSON */
    /* A URL as it stands in the page, made absolute; NULL: it is none. In any arena. */
    const char *(*absolute)(struct twi_span url, void *arg);
    /* Takes what comes out; false: no more is wanted. */
    bool (*take)(struct twi_filter_value value, void *arg);
    void *arg;
    bool is_over_limit; /* set when an expression took too many steps */

    struct twi_filter_state {
        bool has_passed, is_full;
        struct twi_text text; /* of join */
    } states[TWI_MOST_FILTERS];
};
/* Put a value in; false: no more is wanted. */
bool twi_filter_put(struct twi_filter_run *run, struct twi_filter_value value);
/* Behind the last value. */
void twi_filter_end(struct twi_filter_run *run);

/* A value's text: of an element its markup, of an attribute its value, of a list JSON. Where it
 * lies already it is not copied. */
struct twi_span twi_filter_text(const struct twi_tree *tree, struct twi_filter_value value,
                                struct twi_arena *arena);

/* The URL that an element leads to: its href, src or action; NULL text: it has none. */
struct twi_span twi_element_url(const struct twi_tree *tree, uint32_t node);

#endif
