/* SPDX-License-Identifier: MIT */
/*
 * referer.h - how much of a page's URL the next server is told (W3C Referrer Policy, 8.3 and
 * 8.4).
 */
#ifndef SPIDER_CRAWL_REFERER_H
#define SPIDER_CRAWL_REFERER_H

#include <tweed/settings.h>
#include <tweed/url.h>

#include "spider/text/arena.h"

/* The field's value; NULL: none is sent. */
const char *twi_referer(struct twi_arena *arena, enum tw_crawl_referer policy,
                        const struct tw_url *from, const struct tw_url *to);

#endif
