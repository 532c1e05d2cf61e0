/* SPDX-License-Identifier: MIT */
/*
 * links.h - the links of a page, as Scrapy's LinkExtractor chooses them.
 */
#ifndef SPIDER_TEXT_LINKS_H
#define SPIDER_TEXT_LINKS_H

#include <tweed/url.h>

#include "spider/text/charset.h"
#include "spider/text/select.h"
#include "spider/text/text_cache.h"

/* Strings, chained. */
struct twi_word {
    struct twi_span text;
    struct twi_word *next;
};

/* Lists that are empty ask for nothing. */
struct twi_links_options {
    const struct tw_url *base;        /* what links are relative to; NULL: unknown */
    const struct twi_charset *charset; /* of queries */
    const struct twi_word *allow, *deny;                 /* expressions for URLs */
    const struct twi_word *allow_domains, *deny_domains; /* and what is below them */
    const struct twi_word *restrict_text;                /* expressions for the text */
    const struct twi_word *tags, *attrs;                 /* NULL: a and area, href; "*" is any */
    const struct twi_word *deny_tags, *deny_attrs;
    bool no_tags, no_attrs;                 /* the list was given, and is empty */
    const struct twi_word *deny_extensions; /* NULL: of what is no page */
    bool all_extensions;                    /* none is denied */
    const struct twi_step *regions;         /* each from the root; NULL: all of the page */
    const struct twi_step *deny_regions;    /* likewise; NULL: none */
    bool canonical, all, no_strip;
    bool no_text;                   /* the links' texts are not wanted */
    struct twi_text_cache *regexes; /* of compiled expressions; NULL: none */
};

struct twi_link {
    const char *url;
    struct twi_span text;
    bool nofollow;
    struct twi_link *next;
};

/* The links in document order; NULL may be none. False with *error filled in. */
bool twi_links_extract(struct twi_selector *selector, const struct twi_links_options *options,
                       struct twi_arena *arena, struct twi_link **ret_links,
                       struct twi_select_error *error);

#endif
