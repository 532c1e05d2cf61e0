/* SPDX-License-Identifier: MIT */
/*
 * extract.h - queries of a page: a CSS selector, an XPath expression or a JSON pointer, and the
 * filters behind it.
 */
#ifndef SPIDER_TEXT_EXTRACT_H
#define SPIDER_TEXT_EXTRACT_H

#include "spider/text/filter.h"
#include "spider/text/text_cache.h"

enum twi_language { TWI_LANGUAGE_CSS, TWI_LANGUAGE_XPATH, TWI_LANGUAGE_JSON };

struct twi_extract_error {
    bool is_limit; /* too many steps, or no memory */
    size_t at;     /* character of the query, from 1; 0: unknown */
    char why[200];
};

/* A compiled query. One that has only filters asks for the value itself. */
struct twi_extractor {
    struct twi_arena arena; /* of what follows */
    enum twi_language language;
    struct twi_span text;     /* as it was given, with a NUL behind it */
    struct twi_span selector; /* without filters */
    const struct twi_css *css;
    struct twi_xpath_expression *xpath;
    struct twi_filters filters;
};
/* NULL with *error filled in. */
struct twi_extractor *twi_extractor_compile(enum twi_language language, struct twi_span text,
                                            struct twi_extract_error *error);
void twi_extractor_free(struct twi_extractor *extractor);

/* The same out of a cache whose `release` is twi_extractor_release(); lent until the next call. */
const struct twi_extractor *twi_extractor_get(struct twi_text_cache *cache,
                                              enum twi_language language, struct twi_span text,
                                              struct twi_extract_error *error);
void twi_extractor_release(void *extractor);

/* --- asking -------------------------------------------------------------------------------- */

/* The question, and where answers go. */
struct twi_extraction {
    struct twi_selector *selector;   /* of the tree; NULL: there is none */
    struct twi_filter_value in;      /* from there on */
    struct twi_arena *arena;         /* of all that is made on the way */
    const char *(*absolute)(struct twi_span url, void *arg);
    bool (*take)(struct twi_filter_value value, void *arg); /* false: no more is wanted */
    void *arg;
    bool spreads; /* a list of JSON comes as its values, also without filters */
};
/* Hand over all that the query finds. False with *error filled in. */
bool twi_extract(struct twi_extraction *extraction, const struct twi_extractor *extractor,
                 struct twi_extract_error *error);

#endif
