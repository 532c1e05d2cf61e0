/* SPDX-License-Identifier: MIT */
/*
 * redirect.c - the rules of redirects.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "web/client/redirect.h"

bool twi_redirect_is(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool twi_redirect_to_get(enum tw_redirect_policy policy, int status, const char *method)
{
    if (status == 301 || status == 302)
        return policy != TW_REDIRECT_KEEP && strcmp(method, "POST") == 0;
    return status == 303 && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

bool twi_redirect_allowed(enum tw_redirect_policy policy, int status, const char *method)
{
    if (policy != TW_REDIRECT_SAFE)
        return policy != TW_REDIRECT_NONE;
    return status == 303 || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* The fragment of the page before stays in force unless the new address has its own
 * (RFC 9110, 10.2.2). */
static int inherit_fragment(const struct tw_url *from, struct tw_url **url)
{
    struct twi_buf text = { 0 };
    struct tw_url *whole;
    int r;

    if (from->hash[0] == '\0' || strchr((*url)->href, '#') != NULL)
        return 0;
    r = twi_buf_append_text(&text, (*url)->href);
    if (r == 0)
        r = twi_buf_append_text(&text, from->hash);
    if (r == 0)
        r = tw_url_parse(text.data, text.length, NULL, &whole, NULL);
    twi_buf_free(&text);
    if (r < 0)
        return r;
    tw_url_free(*url);
    *url = whole;
    return 0;
}

int twi_redirect_target(const struct tw_url *from, const char *location,
                        struct tw_url **ret_url, const char **ret_why)
{
    struct tw_url *url;
    int r = tw_url_parse(location, strlen(location), from, &url, ret_why);

    if (r < 0)
        return r;
    if (strcmp(url->protocol, "http:") != 0 && strcmp(url->protocol, "https:") != 0) {
        tw_url_free(url);
        if (ret_why != NULL)
            *ret_why = "neither http nor https";
        return -EPROTONOSUPPORT;
    }
    r = inherit_fragment(from, &url);
    if (r < 0) {
        tw_url_free(url);
        return r;
    }
    *ret_url = url;
    return 0;
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL)
        if (strcasecmp(name, *names++) == 0)
            return true;
    return false;
}

bool twi_redirect_secret(const char *name)
{
    static const char *const names[] = {
        "Authorization",    "Cookie", "Cookie2", "Proxy-Authorization",
        "WWW-Authenticate", "Host",   NULL
    };
    return is_one_of(name, names);
}

bool twi_redirect_describes_body(const char *name)
{
    static const char *const names[] = { "Content-Type",
                                         "Content-Length",
                                         "Content-Encoding",
                                         "Content-Language",
                                         "Content-Location",
                                         "Content-MD5",
                                         "Transfer-Encoding",
                                         "Trailer",
                                         "Expect",
                                         NULL };
    return is_one_of(name, names);
}
