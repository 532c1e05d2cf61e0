/* SPDX-License-Identifier: MIT */
/*
 * follow.h - between the files that lead from a page to others.
 */
#ifndef SPIDER_CRAWL_FOLLOW_H
#define SPIDER_CRAWL_FOLLOW_H

#include "spider/crawl/page_state.h"

/* A visit as it is asked for inside: what tw_visit() says, and more. */
struct follow_wish {
    struct tw_visit asked;
    const char *content_type; /* of asked.body; NULL: none */
    bool has_rules;
};
/* As tw_visit(). */
int page_go(tw_page *page, const struct follow_wish *wish);

#endif
