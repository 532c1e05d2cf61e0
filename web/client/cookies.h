/* SPDX-License-Identifier: MIT */
/*
 * cookies.h - the jar inside, for the file format beside the rules.
 */
#ifndef WEB_CLIENT_COOKIES_H
#define WEB_CLIENT_COOKIES_H

#include <string.h>

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

static inline struct twi_cookie *twi_cookie_in_jar(struct twi_list *node)
{
    return TWI_CONTAINER(node, struct twi_cookie, in_jar);
}

static inline struct twi_cookie *twi_cookie_in_domain(struct twi_list *node)
{
    return TWI_CONTAINER(node, struct twi_cookie, in_domain);
}

static inline bool twi_cookie_same_text(const char *a, size_t a_length, const char *b,
                                        size_t b_length)
{
    return a_length == b_length && memcmp(a, b, a_length) == 0;
}

/* --- cookies_jar.c ------------------------------------------------------------------------- */

/* The cookies of this very domain; NULL: none. */
struct twi_cookie_domain *twi_cookies_domain(tw_cookies *jar, const char *name, size_t length);
/* Forget the domain if it has no cookies. */
void twi_cookies_domain_check(tw_cookies *jar, struct twi_cookie_domain *domain);
/* Take a cookie out, and its domain with the last. */
void twi_cookies_drop(tw_cookies *jar, struct twi_cookie *cookie);
/* Take out the one with the same name, domain, path and host_only, if there is one. */
void twi_cookies_take_out(tw_cookies *jar, const struct twi_cookie_fields *fields);
/* Put a cookie in the place of one with the same name, domain, path and host_only, or add it,
 * making room first. 0 or -ENOMEM. */
int twi_cookies_put(tw_cookies *jar, const struct twi_cookie_fields *fields, double now);

/* --- cookies.c ----------------------------------------------------------------------------- */

bool twi_cookie_host_is_address(const char *host, size_t length);
/* True if the text has a control character other than a tab. */
bool twi_cookie_has_control(const char *text, size_t length);
bool twi_cookie_domain_is_public(const char *domain, size_t length);

#endif
