/* SPDX-License-Identifier: MIT */
/*
 * scope.h - where a crawl may go: schemes, length, domains, patterns, depth.
 *
 * The domains are those that the spider allows, or else the hosts of its start URLs, a "www." in
 * front left out; their subdomains belong to them. "example.com:8080" is that port only.
 */
#ifndef SPIDER_CRAWL_SCOPE_H
#define SPIDER_CRAWL_SCOPE_H

#include <tweed/settings.h>
#include <tweed/url.h>

#include "spider/crawl/refusal.h"

struct twi_scope;

/* Where a visit was found. */
enum twi_found {
    TWI_FOUND_ON_WEB,
    TWI_FOUND_LOCALLY, /* on a page from file: or data:, which may lead to such */
    TWI_FOUND_AT_START /* asked for by the program itself: any host and path, local ones, too */
};

struct twi_scope_options {
    const char *const *domains, *const *start_urls; /* NULL at the end; NULL: none */
    /* scope, max_depth, max_url_length, allow, deny: as they count. Copied. */
    const struct tw_settings *settings;
    struct twi_refusals *refusals; /* lent; lives longer */
};
/* Returns 0, or -EINVAL with a failure of tw_error_settings that names the domain, URL or pattern
 * that is none, -ENOMEM. */
int twi_scope_new(const struct twi_scope_options *options, struct twi_scope **ret_scope,
                  tw_value *ret_failure);
/* NULL is ignored. */
void twi_scope_free(struct twi_scope *scope);

/*
 * May `url` be visited, `depth` links from the start? Hosts of visits that are found at the start
 * become domains if the spider allows none by name; after a restart the engine tells them again,
 * by twi_scope_add().
 * Returns 1, or as struct tw_visit says -EXDEV, -E2BIG, -ELOOP (counted), or -ENOMEM.
 */
int twi_scope_admit(struct twi_scope *scope, const struct tw_url *url, unsigned depth,
                    enum twi_found found);
/* 0 or -ENOMEM. */
int twi_scope_add(struct twi_scope *scope, const struct tw_url *url);

/* Has a visit of the start led to "localhost" or to an address that is not of the public
 * internet? Then the agent must not refuse such. */
bool twi_scope_is_private(const struct twi_scope *scope);

#endif
