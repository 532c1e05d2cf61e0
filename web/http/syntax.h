/* SPDX-License-Identifier: MIT */
/*
 * syntax.h - the bytes that tokens and field values may have in every version of HTTP.
 */
#ifndef WEB_HTTP_SYNTAX_H
#define WEB_HTTP_SYNTAX_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>

enum twi_http_class {
    TWI_HTTP_TOKEN = 1, /* tchar of RFC 9110, 5.6.2 */
    TWI_HTTP_HOST = 2,  /* of a registered name, RFC 3986, 3.2.2, "%" included */
    TWI_HTTP_TARGET = 4 /* visible ASCII but "#" */
};

extern const unsigned char twi_http_classes[256];

static inline bool twi_http_is(char c, enum twi_http_class bit)
{
    return (twi_http_classes[(unsigned char)c] & bit) != 0;
}

/* A token (RFC 9110, 5.6.2); a field value without CR, LF, NUL. */
bool twi_http_is_token(const char *text, size_t length);
bool twi_http_is_value(const char *text, size_t length);
/* True if the text has no control character at all, not even a tab. */
bool twi_http_is_plain(const char *text, size_t length);

#endif
