/* SPDX-License-Identifier: MIT */
/*
 * quoted.h - text in quotes (RFC 9110, 5.6.4).
 */
#ifndef WEB_HTTP_QUOTED_H
#define WEB_HTTP_QUOTED_H

#include "base/buf.h"

/* Append `text` as a quoted string: quotes and backslashes in it are escaped. 0 or -ENOMEM. */
int twi_quoted_append(struct twi_buf *buf, const char *text);

#endif
