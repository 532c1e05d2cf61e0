/* SPDX-License-Identifier: MIT */
/*
 * sitemap.h - the URLs that a site lists for crawlers.
 *
 * A push parser for sitemaps and their indexes (sitemaps.org), RSS 1.0 and 2.0, Atom, and plain
 * lists of URLs, gzip or not. Memory does not grow with the file: each entry is handed over when it
 * is complete, and let go. Nothing that a document type declares is fetched or expanded.
 */
#ifndef SPIDER_TEXT_SITEMAP_H
#define SPIDER_TEXT_SITEMAP_H

#include <stddef.h>

/* Values as written, without white space around them; NULL for what is missing. They live during
 * the call only. */
struct twi_sitemap_entry {
    const char *loc; /* never NULL or empty */
    const char *lastmod, *changefreq, *priority;
    const char *const *alternates; /* URLs of the same page in other languages */
    size_t alternate_count;
};

struct twi_sitemap;
/* NULL when there is no memory. */
struct twi_sitemap *twi_sitemap_new(void (*each)(const struct twi_sitemap_entry *entry,
                                                 void *arg),
                                    void *arg);
/* Say, before the first piece, that the file is UTF-8 whatever its declaration names. */
void twi_sitemap_ignore_charset(struct twi_sitemap *sitemap);
/* Read the next piece of the file. The rest is ignored behind something broken beyond repair. */
void twi_sitemap_feed(struct twi_sitemap *sitemap, const char *data, size_t length);
/* Say that the file ends. Returns its kind, "urlset", "sitemapindex", "text", "rss" or "atom"; NULL
 * if it is none of these. */
const char *twi_sitemap_end(struct twi_sitemap *sitemap);
void twi_sitemap_free(struct twi_sitemap *sitemap);

#endif
