/* SPDX-License-Identifier: MIT */
/*
 * canon.h - the canonical form of a URL, by which duplicates are known. As Scrapy's (w3lib), on the
 * URL standard's parser.
 */
#ifndef SPIDER_TEXT_CANON_H
#define SPIDER_TEXT_CANON_H

#include <stdbool.h>

#include <tweed/url.h>

#include "spider/text/arena.h"

struct twi_canon_options {
    bool keep_fragment;
    bool drop_blank; /* pairs without a value */
    char separator;  /* of pairs; 0: "&" */
};

/*
 * The path without needless escapes, the others in upper case; the query's pairs decoded, in the
 * order of their names, then values, and encoded again; no fragment. `options` may be NULL. The
 * canonical form of a canonical URL is itself. NULL when the arena failed.
 */
const char *twi_canon_url(struct twi_arena *arena, const struct tw_url *url,
                          const struct twi_canon_options *options);

#endif
