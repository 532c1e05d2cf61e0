/* SPDX-License-Identifier: MIT */
/*
 * policy.h - the decisions of a private cache: what it keeps, for how long, and when it has to
 * ask (RFC 9111, RFC 5861, RFC 8246, the fetch standard's modes). Pure.
 */
#ifndef WEB_CACHE_POLICY_H
#define WEB_CACHE_POLICY_H

#include <tweed/cache.h>

#include "web/cache/directives.h"
#include "web/cache/head.h"

/* True if the answer to a GET with these directives may be kept (RFC 9111, 3). */
bool twi_cache_may_store(const struct twi_directives *asked, int status,
                         const tw_headers *headers);
/* Seconds, at `now` (ms since 1970): its age, and how long it is fresh (RFC 9111, 4.2). */
int64_t twi_cache_age(const struct twi_cache_head *head, int64_t now);
int64_t twi_cache_lifetime(const struct twi_cache_head *head);

enum twi_cache_verdict {
    TWI_CACHE_FRESH,
    TWI_CACHE_STALE,   /* it may be used all the same */
    TWI_CACHE_REFRESH, /* the same, and it shall be validated meanwhile (RFC 5861, 3) */
    TWI_CACHE_VALIDATE /* not without asking the server */
};
/* May a stored response answer a request with these directives, in this mode? */
enum twi_cache_verdict twi_cache_judge(const struct twi_cache_head *head,
                                       const struct twi_directives *asked,
                                       enum tw_cache_mode mode, int64_t now);
/* May it stand in for an error (RFC 5861, 4)? */
bool twi_cache_covers_error(const struct twi_cache_head *head,
                            const struct twi_directives *asked, int64_t now);

/* Add the fields that ask whether it is still the same (RFC 9111, 4.3.1). 1; 0 when it has no
 * validator; -ENOMEM. */
int twi_cache_add_conditions(const struct twi_cache_head *head, tw_headers *headers);
/* True if a 304 that was asked for with these is about this response (RFC 9111, 4.3.4). */
bool twi_cache_is_same(const struct twi_cache_head *head, const tw_headers *not_modified);
/* True if an answer to HEAD does not contradict it (RFC 9111, 4.3.5). */
bool twi_cache_agrees(const struct twi_cache_head *head, const tw_headers *of_head);
/* Remove the fields that no-cache="..." keeps from being used without validation (5.2.2.4). */
int twi_cache_hide_fields(tw_headers *headers);
/* Methods that change nothing; all others invalidate (RFC 9111, 4.4). */
bool twi_cache_is_safe(const char *method);

#endif
