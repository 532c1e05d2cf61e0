/* SPDX-License-Identifier: MIT */
/*
 * close.h - the end of a crawl.
 */
#ifndef SPIDER_CRAWL_CLOSE_H
#define SPIDER_CRAWL_CLOSE_H

#include "spider/crawl/engine.h"

/* Nothing is in work and nothing waits: ask the extensions, else close. */
void twi_crawl_exhausted(tw_crawl *crawl);
/* Close now, whatever is in work. */
void twi_crawl_close(tw_crawl *crawl);
/* The first stop lets what is in work end, as long as `stop_patience`; the second does not. */
void twi_crawl_stop(tw_crawl *crawl, const char *why);

#endif
