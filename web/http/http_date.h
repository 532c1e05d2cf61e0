/* SPDX-License-Identifier: MIT */
/*
 * http_date.h - dates in HTTP fields and cookies, as seconds since 1970 (UTC).
 */
#ifndef WEB_HTTP_HTTP_DATE_H
#define WEB_HTTP_HTTP_DATE_H

#include <stddef.h>
#include <stdint.h>

#include <tweed/headers.h>

/* RFC 6265, 5.1.1: all that servers write into "Expires". 0 or -EINVAL. */
int twi_cookie_date_parse(const char *text, size_t length, int64_t *ret_seconds);
/* "Sun, 06 Nov 1994 08:49:37 GMT", terminated; years outside 0 to 9999 are brought inside. */
#define TWI_HTTP_DATE_SIZE 30
void twi_http_date_format(int64_t seconds, char text[TWI_HTTP_DATE_SIZE]);

#endif
