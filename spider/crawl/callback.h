/* SPDX-License-Identifier: MIT */
/*
 * callback.h - from an answer to an outcome: hooks, the spider's function, pipelines, the
 * record.
 */
#ifndef SPIDER_CRAWL_CALLBACK_H
#define SPIDER_CRAWL_CALLBACK_H

#include "spider/crawl/place.h"

/* The place's page, made of its answer if it has none yet. NULL: no memory. */
tw_page *twi_callback_page(struct twi_place *place);
/* Read the page and put its record. Awaits. */
void twi_callback_run(struct twi_place *place);
/* The body of the seed's coroutine. */
tw_value twi_callback_seed_body(void *arg);

/* struct twi_page_ops.callback_name; `arg` is the crawl. */
const char *twi_callback_name(tw_page_callback *callback, void *arg);
/* Its function; NULL and *ret_known false: the spider has none of that name. A known one may
 * be NULL: nothing is called. */
tw_page_callback *twi_callback_find(const tw_spider *spider, const char *name,
                                    bool *ret_known);

#endif
