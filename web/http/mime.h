/* SPDX-License-Identifier: MIT */
/*
 * mime.h - which type a file has.
 */
#ifndef WEB_HTTP_MIME_H
#define WEB_HTTP_MIME_H

/* By the ending of a name; "application/octet-stream" when it tells nothing. */
const char *twi_mime_type(const char *name);

#endif
