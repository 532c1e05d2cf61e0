/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - pages that are fetched as a part of another: tw_fetch(), and files.
 *
 * They take a network slot of their host, ahead of visits, but no place: a page that holds a
 * place may wait for them. At most 4 at once for a page, 256 in all.
 */
#ifndef SPIDER_CRAWL_FETCH_H
#define SPIDER_CRAWL_FETCH_H

#include "spider/crawl/place.h"

/* struct twi_page_ops.fetch; `arg` is the crawl. Awaits. */
tw_page *twi_fetch_page(tw_page *page, const struct twi_visit *visit,
                        const struct twi_visit_info *info, void *arg);
/* Fetch a URL for the outermost of the page, with retries and redirects. Awaits. *ret_url is
 * where the answer came from, in the page's arena; release *ret_fetched. */
void twi_fetch(tw_page *page, const char *url, const struct twi_visit_info *info,
               struct twi_fetched *ret_fetched, const char **ret_url);
/* The place of the outermost of the page; NULL: its crawl has left it to itself. */
struct twi_place *twi_fetch_place(tw_page *page);
/* The schedule gives the slot that was asked for. */
void twi_fetch_granted(struct twi_slot *slot);

#endif
