/* SPDX-License-Identifier: MIT */
/*
 * visit.h - planned fetches: everything about them that survives a restart.
 *
 * A visit is stored as origin, path, depth and priority; all else that is not the default is one
 * JSON object, its info, so that a plain GET costs nothing. The info's first member is its version.
 */
#ifndef SPIDER_CRAWL_VISIT_H
#define SPIDER_CRAWL_VISIT_H

#include <tweed/form.h>
#include <tweed/url.h>

#include "spider/job/record.h"
#include "spider/text/json.h"

/* The info as a value; all zero is a plain GET to the spider's parse. Strings are lent. */
struct twi_visit_info {
    const char *callback, *errback; /* names; NULL: parse, none */
    const char *method;             /* NULL: GET, or POST with a body */
    const struct tw_field *headers, *meta;
    const void *body; /* NULL: none */
    size_t body_length;
    const char *content_type;    /* of the body; NULL: none */
    const char *userinfo;        /* of the URL, "user:password" as it stands there */
    const struct twi_json *item; /* an object that goes along */
    const char *jar, *proxy;
    bool again;             /* even if it has been seen */
    bool any_status;        /* the callback wants every status */
    bool has_rules;         /* the spider's rules are applied to the page, whatever its callback */
    bool is_trusted;        /* found on the seed, or on a file: or data: page */
    unsigned redirects, tries;
    const char *referer; /* URL of the page that led here */
};

/* The info as JSON. NULL: all of it is the default, or the arena failed. */
const char *twi_visit_write(struct twi_arena *arena, const struct twi_visit_info *info);
/* Read it again; NULL is all default. Strings lie in the arena. Returns 0, -EINVAL (of a newer
 * version, or no info), -ENOMEM. */
int twi_visit_read(struct twi_arena *arena, const char *json, struct twi_visit_info *ret_info);
/* GET or POST where none is named. */
const char *twi_visit_method(const struct twi_visit_info *info);

/* The keys of a job's hashes. */
struct twi_visit_keys {
    uint64_t k0, k1;
};
/* The hash by which a visit is known: of method, canonical URL and body. */
uint64_t twi_visit_key(struct twi_visit_keys keys, const char *method, const char *canonical,
                       const void *body, size_t body_length);

/* The same of a URL and an info. `scratch` is for the call. Returns 0, -EINVAL (neither http,
 * https, file nor data), -ENOMEM. */
int twi_visit_find_key(struct twi_arena *scratch, struct twi_visit_keys keys,
                       const struct tw_url *url, const struct twi_visit_info *info,
                       uint64_t *ret_key);

/* Fill in a visit to a URL: origin, path, info, key and `again`; the rest is the caller's. What
 * `visit` already holds is kept if it fits, so that many visits share it: a key that is not 0, the
 * origin if it is the URL's, the info if the URL has no userinfo. Other strings lie in `arena`;
 * `scratch` is for the call. Of the URL the fragment is dropped. Returns as above. */
int twi_visit_make(struct twi_arena *arena, struct twi_arena *scratch,
                   struct twi_visit_keys keys, const struct tw_url *url,
                   const struct twi_visit_info *info, struct twi_visit *visit);
/* The URL of a visit, with the userinfo of its info; NULL: out of memory. */
const char *twi_visit_url(struct twi_arena *arena, const struct twi_visit *visit,
                          const struct twi_visit_info *info);

#endif
