/* SPDX-License-Identifier: MIT */
/*
 * base64.h - bytes as text, RFC 4648.
 */
#ifndef WEB_HTTP_BASE64_H
#define WEB_HTTP_BASE64_H

#include "base/buf.h"

/* Append the base64 of `data`, padded. 0 or -ENOMEM. */
int twi_base64_append(struct twi_buf *buf, const void *data, size_t length);
/* "Basic ..." for the Authorization and Proxy-Authorization fields (RFC 7617); NULL when there is
 * no memory. */
char *twi_basic_credentials(const char *user, const char *password);

#endif
