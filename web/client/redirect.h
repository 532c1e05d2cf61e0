/* SPDX-License-Identifier: MIT */
/*
 * redirect.h - the rules of redirects: their target and method, and the fields that must not go
 * along.
 *
 * RFC 9110, 15.4 and the fetch standard's "HTTP-redirect fetch". Pure.
 */
#ifndef WEB_CLIENT_REDIRECT_H
#define WEB_CLIENT_REDIRECT_H

#include <tweed/client.h>

/* 301, 302, 303, 307 and 308 lead elsewhere when they have a Location. */
bool twi_redirect_is(int status);
/* True if the request becomes a GET without a body. */
bool twi_redirect_to_get(enum tw_redirect_policy policy, int status, const char *method);
/* True if this redirect may be followed under this policy. */
bool twi_redirect_allowed(enum tw_redirect_policy policy, int status, const char *method);
/* Resolve `location` against the page that sent it; its fragment is inherited. As
 * tw_url_parse(), and -EPROTONOSUPPORT for a URL that is neither http nor https. */
int twi_redirect_target(const struct tw_url *from, const char *location,
                        struct tw_url **ret_url, const char **ret_why);
/* Header fields set by hand that belong to the first origin only. */
bool twi_redirect_secret(const char *name);
/* Header fields that describe a body. */
bool twi_redirect_describes_body(const char *name);

#endif
