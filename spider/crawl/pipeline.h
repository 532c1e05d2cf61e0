/* SPDX-License-Identifier: MIT */
/*
 * pipeline.h - the way of items from a page to the feeds.
 */
#ifndef SPIDER_CRAWL_PIPELINE_H
#define SPIDER_CRAWL_PIPELINE_H

#include "spider/crawl/place.h"

/* Send the items of the outcome through the pipelines, one after the other, into the place's
 * record. Awaits. False: the crawl ended meanwhile. */
bool twi_pipelines_run(struct twi_place *place, const struct twi_page_outcome *outcome);

#endif
