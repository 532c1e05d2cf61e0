/* SPDX-License-Identifier: MIT */
/*
 * crawl.h - crawls whose settings were read elsewhere.
 */
#ifndef SPIDER_CRAWL_CRAWL_H
#define SPIDER_CRAWL_CRAWL_H

#include "spider/crawl/engine.h"

/* As tw_crawl_run() with these settings, lent until the end; NULL: those of the spider and of
 * the options. */
tw_deferred *twi_crawl_run(const tw_spider *spider, const struct tw_crawl_options *options,
                           struct twi_settings *settings, tw_crawl **ret_crawl);

#endif
