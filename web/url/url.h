/* SPDX-License-Identifier: MIT */
/*
 * url.h - shared by the parts of the URL parser, and the client's way to it.
 */
#ifndef WEB_URL_URL_H
#define WEB_URL_URL_H

#include <tweed/url.h>

/* The characters that each component percent-encodes, and that a host may not have: bits of
 * twi_url_class[]. */
enum twi_url_set {
    TWI_URL_C0 = 1,
    TWI_URL_FRAGMENT = 2,
    TWI_URL_QUERY = 4,
    TWI_URL_SPECIAL_QUERY = 8,
    TWI_URL_PATH = 16,
    TWI_URL_USERINFO = 32,
    TWI_URL_FORBIDDEN_HOST = 64,
    TWI_URL_FORBIDDEN_DOMAIN = 128,
    TWI_URL_PART_END = 256, /* "/", "?" and "#" */
    TWI_URL_BACKSLASH = 512
};
extern const uint16_t twi_url_class[256];

/* Write `length` bytes to `out`, those of the set percent-encoded: at most three times as many.
 * Returns the end of the output. */
char *twi_url_write(char *out, const char *data, size_t length, unsigned set);
/* The same for percent-decoding; never longer than the input. */
char *twi_url_unescape(char *out, const char *text, size_t length);

/* The host parser. `special` hosts are domains or addresses, others opaque. Writes at most
 * 3 * length + TWI_URL_HOST_ROOM bytes to `out`. Returns how many, or -EINVAL and *ret_why. */
#define TWI_URL_HOST_ROOM 512
int twi_url_host(const char *text, size_t length, bool special, char *out,
                 const char **ret_why);

/* One label of a domain, UTF-8 or Punycode, through UTS 46 (not transitional). Writes at most
 * `room` bytes to `out`; returns how many, or -EINVAL. */
#define TWI_URL_LABEL_MAX 253
int twi_url_label(const char *label, size_t length, char *out, size_t room);

/* Parse a URL that a program wants to request, more strictly than the standard: blanks, control
 * characters and port 0 are refused, and so are URLs that are not http or https with a host. As
 * tw_url_parse(). */
int twi_url_parse_request(const char *text, struct tw_url **ret_url, const char **ret_why);

#endif
