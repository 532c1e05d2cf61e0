/* SPDX-License-Identifier: MIT */
/*
 * open.h - the beginning of a crawl: everything that can be wrong is found here.
 */
#ifndef SPIDER_CRAWL_OPEN_H
#define SPIDER_CRAWL_OPEN_H

#include "spider/crawl/engine.h"

/* Check the spider's table. None, or the failure, owned. */
tw_value twi_open_check(const tw_spider *spider);
/* Make the crawl's parts and open its job; settings and options are there. */
tw_value twi_open_parts(tw_crawl *crawl);
void twi_open_free(tw_crawl *crawl);

#endif
