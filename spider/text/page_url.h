/* SPDX-License-Identifier: MIT */
/*
 * page_url.h - URLs as they stand in a page: in its charset, relative to its base.
 */
#ifndef SPIDER_TEXT_PAGE_URL_H
#define SPIDER_TEXT_PAGE_URL_H

#include <tweed/url.h>

#include "spider/text/charset.h"

/* Parse `text` (UTF-8; NULL charset: the page's too) like tw_url_parse(), the query of a URL with a
 * host in the charset's bytes; in UTF-8 if that has no form for one of its characters. A lone
 * surrogate is U+FFFD. `arena` is for the call; out of memory (-ENOMEM), it has failed. */
int twi_page_url_parse(struct twi_arena *arena, const struct twi_charset *charset,
                       struct twi_span text, const struct tw_url *base,
                       struct tw_url **ret_url, const char **ret_why);

/* `text` with U+FFFD for lone surrogates; itself if it has none. */
struct twi_span twi_without_surrogates(struct twi_arena *arena, struct twi_span text);
/* Its bytes in the charset; in UTF-8 if it has no form there. */
struct twi_span twi_in_charset(struct twi_arena *arena, const struct twi_charset *charset,
                               struct twi_span text);

/* The page's base: the first <base href> that is not in a comment, script or noscript, relative to
 * `url` (may be NULL). NULL if it has none that is a URL, or out of memory, and `arena` has
 * failed; release it. */
struct tw_url *twi_page_base(struct twi_arena *arena, const struct twi_charset *charset,
                             struct twi_span page, const struct tw_url *url);

/* The first <meta http-equiv=refresh> likewise that has a URL, relative to `base` (may be NULL).
 * False if there is none; release *ret_url. */
bool twi_page_refresh(struct twi_arena *arena, const struct twi_charset *charset,
                      struct twi_span page, const struct tw_url *base, double *ret_seconds,
                      struct tw_url **ret_url);

#endif
