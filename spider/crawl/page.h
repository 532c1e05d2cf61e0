/* SPDX-License-Identifier: MIT */
/*
 * page.h - pages from the engine's side: made from an answer, read by a callback, then the outcome.
 *
 * A page speaks upwards only through a table of functions, so tests make pages from bytes. It
 * decodes, parses and copies when it is asked, not before.
 */
#ifndef SPIDER_CRAWL_PAGE_H
#define SPIDER_CRAWL_PAGE_H

#include <tweed/headers.h>
#include <tweed/page.h>

#include "spider/crawl/visit.h"
#include "spider/text/item.h"

/* Each may be NULL: everything is admitted, there are no callbacks, no fetches, no arguments. */
struct twi_page_ops {
    /* May it be visited? 1, 0 it has been seen, or an errno as of tw_visit(). */
    int (*admit)(tw_page *page, const struct twi_visit *visit, const struct tw_url *url,
                 const struct tw_visit *asked, void *arg);
    /* Await a page of tw_fetch(); it was made with the given one as `outer`. NULL: no memory. */
    tw_page *(*fetch)(tw_page *page, const struct twi_visit *visit,
                      const struct twi_visit_info *info, void *arg);
    /* The name by which a function is kept; "" for the spider's parse, NULL: it is none of its. */
    const char *(*callback_name)(tw_page_callback *callback, void *arg);
    /* An item has been emitted; it is the last one of the outcome. */
    void (*emitted)(tw_page *page, tw_item *item, void *arg);
    const char *(*argument)(const char *name, void *arg);
};

/* Shared by the pages of a crawl: compiled queries, memory to use again. */
struct twi_pages;
struct twi_pages_options {
    const struct twi_page_ops *ops; /* lent; NULL: none */
    void *arg;
    tw_crawl *crawl;
    struct twi_visit_keys keys;
    size_t max_page_memory; /* bytes; 0: 256 MiB */
    size_t max_outcome;     /* bytes; 0: 64 MiB */
    size_t max_visits;      /* of one page; 0: 100,000 */
    bool keeps_referer;     /* visits know the URL of their page */
};
/* NULL: no memory. */
struct twi_pages *twi_pages_new(const struct twi_pages_options *options);
/* All its pages must be gone. NULL is allowed. */
void twi_pages_free(struct twi_pages *pages);

/* All zero but the URL is an empty page, from which a start goes on. */
struct twi_page_source {
    int64_t id;                /* of its visit */
    const char *url;           /* copied */
    int status;                /* 0: the fetch failed, or there was none */
    const tw_headers *headers; /* lent, with `keep`; NULL: none */
    tw_value body;             /* taken: bytes, or none */
    tw_value keep;             /* taken: what `headers` are a part of, or none */
    tw_value failure;          /* taken: why there is no page, or none */
    unsigned depth;
    const struct twi_visit_info *info; /* lent while the page lives; NULL: default */
    tw_page *outer; /* a fetch of that page: freed with it, and its memory counts there */
};
/* NULL: no memory; what is taken has been released. */
tw_page *twi_page_new(struct twi_pages *pages, const struct twi_page_source *source);
/* With the pages that it fetched. NULL is allowed. */
void twi_page_free(tw_page *page);

int64_t twi_page_id(const tw_page *page);
tw_page *twi_page_outer(const tw_page *page); /* NULL: it is none of tw_fetch() */
struct twi_arena *twi_page_arena(tw_page *page);
/* Where its refresh leads, and in how many seconds; false: it has none. The URL is the page's. */
bool twi_page_refresh_target(tw_page *page, double *ret_seconds, const char **ret_url);
/* Add to a number when the page is committed; `key` is copied. */
void twi_page_count(tw_page *page, const char *key, int64_t n, bool is_state);
/* All that was added to it so far in this page. */
int64_t twi_page_counted(const tw_page *page, const char *key, bool is_state);
/* tw_follow_links() for a rule: pages that it leads to carry `has_rules`. */
size_t twi_page_follow_rule(tw_page *page, const struct tw_links *links,
                            tw_page_callback *callback, bool has_rules);
/* Can its expressions and selectors be read? None, or a failure that says which cannot, and
 * where. */
tw_value twi_links_check(const struct tw_links *links);

/* --- the outcome -------------------------------------------------------------------------- */

struct tw_item {
    struct twi_item fields;
    tw_page *page;
    unsigned
        ordinal; /* from 1, among the items of the page, in the order in which they were made */
    bool is_emitted;  /* once, at least */
    bool is_dropped;  /* the engine's: it is not wanted */
    uint32_t feeds;   /* the engine's */
    const char *id;
    struct tw_item *next;
};
/* The item's JSON, in the page's arena; NULL: out of memory, the page has failed. */
const char *twi_item_json(tw_item *item, size_t *ret_length);

struct twi_page_outcome {
    tw_value failure; /* none: it is done; lent. Else nothing else counts. */
    bool is_retry;    /* the failure stands for a wish to fetch it again */
    double retry_after;
    const char *retry_why; /* NULL: nothing was said */
    struct twi_visit *visits; /* in order; all NULL and 0 when it failed */
    size_t visit_count;
    tw_item *items;
    size_t item_count;
    struct twi_record_count *counts;
};
/* The callback has returned: what it comes to. From here on visits and items are refused; pipelines
 * may change items and count, which shows in a second call. Lent while the page lives. */
const struct twi_page_outcome *twi_page_outcome(tw_page *page);

#endif
