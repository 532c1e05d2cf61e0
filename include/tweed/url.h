/* SPDX-License-Identifier: MIT */
/*
 * url.h - URLs by the WHATWG standard: parse, resolve, serialise.
 *
 * The one parser for checking and connecting. Components are as they stand in the serialised
 * form, the same as JavaScript's URL shows them. https://url.spec.whatwg.org
 */
#ifndef TWEED_URL_H
#define TWEED_URL_H

#include <tweed/value.h>

TW_BEGIN

/* A parsed URL: one allocation; all strings are parts of it, NUL-terminated, never NULL. */
struct tw_url {
    const char *href;     /* the whole, serialised */
    const char *protocol; /* with the colon: "https:" */
    const char *username, *password; /* percent-encoded */
    const char *hostname; /* lower case, ASCII; IPv6 in brackets; "" if none */
    const char *pathname;
    const char *search;   /* with "?", or "" */
    const char *hash;     /* with "#", or "" */
    const char *origin;   /* "https://host:port" without a default port, or "null" */
    int port;             /* as written; -1: none or the scheme's default */
    unsigned effective_port; /* port, or the scheme's default; 0: unknown */
    bool has_host;        /* false: "mailto:x" */
};

/*
 * Parse `text` (`length` bytes, any bytes), relative to `base` (may be NULL; made by this
 * function). Where the standard speaks of code points, bytes that are no UTF-8 are
 * percent-encoded as they stand, so that links of pages in other encodings reach their server
 * unchanged; in a host they are refused. A host name in another script than ASCII has at most
 * 253 bytes, both as written and as mapped (UTS 46); one in ASCII is taken in lower case.
 * Returns 0 and writes *ret_url, or -EINVAL and, if `ret_why` is not NULL, a static string that
 * says what is wrong; -ENOMEM; -E2BIG (over 1 MiB).
 */
TW_API int tw_url_parse(const char *text, size_t length, const struct tw_url *base,
                        struct tw_url **ret_url, const char **ret_why);
/* NULL is ignored. */
TW_API void tw_url_free(struct tw_url *url);
/* True for the same scheme, host and effective port. False for URLs without an origin: "file:",
 * "mailto:". */
TW_API bool tw_url_same_origin(const struct tw_url *a, const struct tw_url *b);

/* The site of a URL: the part of its hostname that somebody can register, by the list of public
 * suffixes. "www.shop.example.co.uk" is of the site "example.co.uk". An address, a name without a
 * dot and a public suffix are sites of their own; "" for a URL without a host. A part of `url`.
 * https://html.spec.whatwg.org/#obtain-a-site */
TW_API const char *tw_url_site(const struct tw_url *url);

/* Percent-decoding and -encoding into bytes; failures are tw_error_memory. Decoding keeps a "%"
 * that is not followed by two hexadecimal digits. Encoding keeps letters, digits, "-._~" and
 * the characters of `keep` (may be NULL). */
TW_API TW_MUST_USE tw_value tw_url_decode(const char *text, size_t length);
TW_API TW_MUST_USE tw_value tw_url_encode(const char *data, size_t length, const char *keep);

TW_END
#endif
