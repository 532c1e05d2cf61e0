/* SPDX-License-Identifier: MIT */
/*
 * request.h - what a visit asks its server: header fields, cookies, credentials, limits.
 */
#ifndef SPIDER_CRAWL_REQUEST_H
#define SPIDER_CRAWL_REQUEST_H

#include "spider/crawl/download.h"
#include "spider/crawl/engine.h"
#include "spider/crawl/visit.h"

struct twi_request {
    struct twi_download_options options;
    tw_headers *headers;
};

/* Fill it in for a visit to `url`; what it points to is lent, or lies in `arena`. 0 or -ENOMEM.
 * Release it with twi_request_free() in any case. */
int twi_request_make(tw_crawl *crawl, struct twi_arena *arena, const char *url,
                     const struct twi_visit_info *info, struct twi_request *ret_request);
void twi_request_free(struct twi_request *request);

/* Is `host` the domain, or below it? */
bool twi_domain_covers(const char *domain, const char *host);

#endif
