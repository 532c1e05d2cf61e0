/* SPDX-License-Identifier: MIT */
/*
 * seed.h - where a crawl begins, and what reads pages without a function of the spider's:
 * sitemaps and rules.
 */
#ifndef SPIDER_CRAWL_SEED_H
#define SPIDER_CRAWL_SEED_H

#include "spider/crawl/engine.h"

/* The first page: visits to start URLs and sitemaps, or the spider's own start. */
void twi_seed_read(tw_crawl *crawl, tw_page *page);
/* A callback: a sitemap, an index of them, or a robots.txt that names some. */
tw_page_callback twi_sitemap_read;
/* Apply the spider's rules to a page. */
void twi_rules_follow(tw_crawl *crawl, tw_page *page);

/* Compile the patterns of the spider's sitemap rules. None, or the failure, owned. */
tw_value twi_seed_compile(tw_crawl *crawl);
void twi_seed_free(tw_crawl *crawl);

#endif
