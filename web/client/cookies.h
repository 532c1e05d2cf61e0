/* SPDX-License-Identifier: MIT */
/*
 * cookies.h - the jar inside, for the file format beside the rules.
 */
#ifndef WEB_CLIENT_COOKIES_H
#define WEB_CLIENT_COOKIES_H

#include <tweed/cookies.h>

#include "base/list.h"
#include "base/map.h"

/* One allocation with its strings. */
struct twi_cookie {
    struct twi_list in_domain; /* in the order of creation */
    struct twi_list in_jar;    /* the longest unused first */
    struct twi_cookie_domain *domain;
    const char *name, *value, *path;
    size_t name_length, value_length, path_length;
    uint64_t created; /* a count, not a time */
    double expires;   /* seconds since 1970; INFINITY: with the session */
    bool host_only, secure, http_only;
};

struct twi_cookie_domain {
    struct twi_list cookies;
    size_t count, length;
    char name[];
};

struct tw_cookies {
    struct twi_map domains;
    struct twi_list cookies;
    size_t count;
    unsigned references;
    uint64_t created;
};

/* The fields of a new cookie; strings by length, lent. */
struct twi_cookie_fields {
    const char *name, *value, *domain, *path;
    size_t name_length, value_length, domain_length, path_length;
    double expires;
    bool host_only, secure, http_only;
};
/* Put a cookie in the place of one with the same name, domain, path and host_only, or add it,
 * making room first. 0 or -ENOMEM. */
int twi_cookies_put(tw_cookies *jar, const struct twi_cookie_fields *fields, double now);
bool twi_cookie_host_is_address(const char *host, size_t length);
/* True if the text has a control character other than a tab. */
bool twi_cookie_has_control(const char *text, size_t length);
bool twi_cookie_domain_is_public(const char *domain, size_t length);

#endif
