/* SPDX-License-Identifier: MIT */
/*
 * declare.h - a spider out of options, for `tweed crawl`: where to start, which links to follow,
 * which items to take.
 *
 *     tweed crawl https://quotes.example/ --follow 'li.next a' --item div.quote \
 *         --field text='span.text::text' --field tags='a.tag::text |> all' -o quotes.csv
 *
 * A query is CSS with filters; one that begins with "/", "./" or "(" is XPath, and behind "json:"
 * stands a JSON pointer. Fields belong to the --item in front of them, or to the page if there is
 * none.
 */
#ifndef SPIDER_CRAWL_DECLARE_H
#define SPIDER_CRAWL_DECLARE_H

#include <tweed/page.h>

#include "spider/crawl/options.h"

struct twi_declared_item {
    const char *css; /* an item for each match; NULL: the page is one */
    struct tw_extract *fields; /* for tw_scrape(): the last one has no name */
    size_t count;
    struct twi_declared_item *next;
};
/* Everything lies in the arena of the options, or in `argv`. */
struct twi_declaration {
    const char *name;       /* the spider's: "crawl" unless it is given */
    struct twi_words urls;  /* absolute; "example.com" has become "https://example.com" */
    struct twi_words follow, domains, sitemaps;
    struct twi_declared_item *items;
    struct twi_arena *arena;
};

/* Make the set of options that fills `declaration`, for twi_options_read(options, ...). */
struct twi_option_set twi_declare_options(struct twi_declaration *declaration,
                                          struct twi_options *options);
/* When they are read: take the URLs over, check what belongs together.
 * Returns 0, -EINVAL or -ENOMEM with *ret_failure. */
int twi_declare_finish(struct twi_declaration *declaration, const struct twi_options *options,
                       tw_value *ret_failure);

#endif
