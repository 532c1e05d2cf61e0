/* SPDX-License-Identifier: MIT */
/*
 * page_state.h - a page inside: between the files that make one.
 */
#ifndef SPIDER_CRAWL_PAGE_STATE_H
#define SPIDER_CRAWL_PAGE_STATE_H

#include "spider/crawl/page.h"
#include "spider/text/charset.h"
#include "spider/text/extract.h"

struct twi_pages {
    struct twi_pages_options options;
    struct twi_page_ops ops; /* each set or NULL */
    struct twi_text_cache extractors, regexes;
    struct twi_arena scratch; /* for one call; reset behind it */
    tw_page *nothing;         /* in place of a page that there is no memory for */
    tw_page *kept;            /* pages that are done, for their memory */
    size_t kept_count;
};

enum page_node_kind {
    PAGE_NODE_PAGE,
    PAGE_NODE_TREE, /* an element, a text, an attribute */
    PAGE_NODE_JSON  /* a JSON value, or a text that a filter made */
};
struct tw_node {
    tw_page *page;
    enum page_node_kind kind;
    bool is_json_known; /* of a part of a tree: `json` is what its text says, or NULL */
    struct twi_found found;
    const struct twi_json *json;
};

enum page_kind { PAGE_HTML, PAGE_XML };

struct tw_page {
    struct twi_pages *pages;
    struct twi_arena arena;
    int64_t id;
    const char *url;
    int status;
    unsigned depth;
    const tw_headers *headers;
    tw_value body, keep, failure;
    const struct twi_visit_info *info;
    tw_page *outer, *inner, *next; /* `next`: of the outer page's, or of those kept */

    struct tw_node root;
    struct tw_item no_item;
    tw_item *carried;

    /* read when it is asked for */
    bool has_text, has_tree, has_json, has_base;
    const struct twi_charset *charset;
    struct twi_span text;
    struct twi_tree tree;
    struct twi_selector selector; /* without a tree there is none */
    const struct twi_json *json;
    struct tw_url *own_url, *base_found;

    /* the outcome */
    bool is_closed;
    struct twi_page_outcome outcome; /* without the last parts of lists below */
    struct twi_visit **visits_end;
    tw_item **items_end;
    unsigned ordinals;
    size_t outcome_size;
    uint64_t *visit_keys; /* a table, of those that are not `again`; 0: free */
    size_t visit_keys_count, visit_keys_room;
    /* of the last visit, as most have the same */
    const char *last_origin;
    struct {
        const char *callback, *text;
        bool has_rules;
    } last_info;
};

/* --- verdicts: page.c ---------------------------------------------------------------------- */

/* `failure` is taken. */
void page_fail(tw_page *page, tw_value failure);
void page_fail_memory(tw_page *page);
/* Fail it if an arena has failed; whether it has. */
bool page_is_out_of_memory(tw_page *page);
/* Behind each call that used the scratch arena. */
void page_end_scratch(tw_page *page);
/* The page that the outcome is gathered in. */
tw_page *page_outermost(tw_page *page);
/* Add to what the outcome takes; false, and the page fails: it is too large. */
bool page_take_size(tw_page *page, size_t size);

/* --- reading: page_read.c ------------------------------------------------------------------ */

/* To be called on the thread's stack. */
void page_read_text(tw_page *page);
/* Whether there is a tree; if not for want of memory, the page has failed. */
bool page_read_tree(tw_page *page);
/* NULL: it is no JSON, and has failed, or there is nothing. */
const struct twi_json *page_read_json(tw_page *page);
/* What URLs are relative to; NULL: nothing. */
const struct tw_url *page_base(tw_page *page);
/* A URL as it stands in the page; NULL: it is none. To be released. */
struct tw_url *page_parse_url(tw_page *page, struct twi_span text);

/* --- queries: node.c ----------------------------------------------------------------------- */

/* Compiled, or NULL, and the page has failed. On the thread's stack. */
const struct twi_extractor *page_extractor(tw_page *page, enum tw_language language,
                                           const char *query);
/* Hand over what a query finds: values lie in the scratch arena or in the page. On the thread's
 * stack; the page fails if the query does. */
void page_extract(tw_node *in, const struct twi_extractor *extractor, bool spreads,
                  bool (*take)(struct twi_filter_value value, void *arg), void *arg);
/* A value that lives as long as the page; NULL: out of memory. */
const struct twi_json *page_keep_value(tw_page *page, struct twi_filter_value value);
/* As page_extract()'s `arg`: the page, in front of whatever else. */
struct page_asking {
    tw_page *page;
};

#endif
