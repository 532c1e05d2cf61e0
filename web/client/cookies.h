/* SPDX-License-Identifier: MIT */
/*
 * cookies.h - the jar inside, for the file format beside the rules.
 */
#ifndef WEB_CLIENT_COOKIES_H
#define WEB_CLIENT_COOKIES_H

#include <string.h>

#include <tweed/cookies.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"

/* One allocation with its strings. */
struct twi_cookie {
    struct twi_list in_domain; /* in the order of creation */
    struct twi_list in_jar;    /* the longest unused first */
    struct twi_list changed;   /* among the changes that are not told yet */
    struct twi_cookie_domain *domain;
    const char *name, *value, *path;
    size_t name_length, value_length, path_length;
    uint64_t created; /* a count, not a time */
    double expires;   /* seconds since 1970; INFINITY: with the session */
    bool host_only, secure, http_only;
    bool gone; /* taken out, and only here to be told */
};

struct twi_cookie_domain {
    struct twi_list cookies;
    size_t count, length;
    size_t gone; /* cookies that were taken out and not told yet */
    char name[];
};

struct tw_cookies {
    struct twi_map domains;
    struct twi_list cookies;
    size_t count;
    unsigned references;
    uint64_t created;
    struct twi_list changes; /* cookies */
    tw_cookies_hook *hook;   /* NULL: none */
    void *hook_arg;
    struct twi_buf text; /* with a hook: room for the longest text of a cookie */
    size_t text_max;
    bool telling;
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
/* Forget the domain if it has no cookies. It stays while one is to be told. */
void twi_cookies_domain_check(tw_cookies *jar, struct twi_cookie_domain *domain);
/* Take a cookie out, and its domain with the last. */
void twi_cookies_drop(tw_cookies *jar, struct twi_cookie *cookie);
/* Free one that was taken out, now that it is told. */
void twi_cookies_free_gone(tw_cookies *jar, struct twi_cookie *cookie);
/* Take out the one with the same name, domain, path and host_only, if there is one. */
void twi_cookies_take_out(tw_cookies *jar, const struct twi_cookie_fields *fields);
/* Put a cookie in the place of one with the same name, domain, path and host_only, or add it,
 * making room first. 0 or -ENOMEM. */
int twi_cookies_put(tw_cookies *jar, const struct twi_cookie_fields *fields, double now);

/* --- cookies_change.c ---------------------------------------------------------------------- */

/* Have room for the text of a cookie that is to be stored. 0 or -ENOMEM. */
int twi_cookies_reserve_text(tw_cookies *jar, const struct twi_cookie_fields *fields);
/* Call the hook for all that has changed; it may do anything, also to the jar. Inside a call of the
 * hook nothing happens: the rest is told when it returns. */
void twi_cookies_tell(tw_cookies *jar);
static inline bool twi_cookies_have_news(const tw_cookies *jar)
{
    return !twi_list_empty(&jar->changes);
}
/* All, in the order in which they were made, to be freed; NULL: no memory. */
struct twi_cookie **twi_cookies_sorted(const tw_cookies *jar);

/* --- cookies_file.c ------------------------------------------------------------------------ */

/* ".domain\tpath\tname", without the dot for this host only. 0 or -ENOMEM. */
int twi_cookie_write_key(struct twi_buf *buf, const struct twi_cookie *cookie);
/* A line of the file, without its end. 0 or -ENOMEM. */
int twi_cookie_write_line(struct twi_buf *buf, const struct twi_cookie *cookie);

/* --- cookies.c ----------------------------------------------------------------------------- */

/* As the public ones, but that changes are told later, by twi_cookies_tell(). */
int twi_cookies_store(tw_cookies *jar, const struct tw_url *from, const char *set_cookie,
                      double now);
tw_value twi_cookies_for(tw_cookies *jar, const struct tw_url *url, double now);

bool twi_cookie_host_is_address(const char *host, size_t length);
/* True if the text has a control character other than a tab. */
bool twi_cookie_has_control(const char *text, size_t length);
bool twi_cookie_domain_is_public(const char *domain, size_t length);

#endif
