/* SPDX-License-Identifier: MIT */
/*
 * robots.h - robots.txt of hosts: fetched when the schedule asks for one, obeyed by each visit.
 */
#ifndef SPIDER_CRAWL_ROBOTS_H
#define SPIDER_CRAWL_ROBOTS_H

#include "spider/crawl/place.h"

/* The body of a coroutine that fetches the robots.txt of the place's host. */
tw_value twi_robots_body(void *arg);
/* May the place's visit be fetched? False: its record is put. */
bool twi_robots_admit(struct twi_place *place);
/* The line that forbids a URL of the host, in `arena`; NULL: it is allowed. */
const char *twi_robots_forbid(tw_crawl *crawl, struct twi_host *host, struct twi_arena *arena,
                              const char *url);

#endif
