/* SPDX-License-Identifier: MIT */
/*
 * admit.h - may a URL be visited? What is known, the scope, traps, hooks that say no.
 */
#ifndef SPIDER_CRAWL_ADMIT_H
#define SPIDER_CRAWL_ADMIT_H

#include "spider/crawl/engine.h"

/* 1, or -EXDEV, -E2BIG, -ELOOP as tw_visit() returns them. */
int twi_admit(tw_crawl *crawl, const struct twi_visit *visit, const struct tw_url *url,
              enum twi_found found);
/* In words. */
const char *twi_admit_why(int error);
/* struct twi_page_ops.admit; `arg` is the crawl. -EPERM: a hook says no. */
int twi_admit_from_page(tw_page *page, const struct twi_visit *visit, const struct tw_url *url,
                        const struct tw_visit *asked, void *arg);
/* They are about to enter the frontier: count them for the traps, and take those out of the list
 * that a trap's budget has no room for. How many were. */
size_t twi_admit_enter(tw_crawl *crawl, struct twi_visit **visits);
/* A page of that content has come from `url`: if its folder shows the same again and again, all
 * that it found comes last. */
void twi_admit_sink(tw_crawl *crawl, const char *url, tw_value body, struct twi_visit *visits);

#endif
