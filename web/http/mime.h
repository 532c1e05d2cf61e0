/* SPDX-License-Identifier: MIT */
/*
 * mime.h - the type of a file.
 */
#ifndef WEB_HTTP_MIME_H
#define WEB_HTTP_MIME_H

/* The type by the ending of a name; "application/octet-stream" when that says nothing. */
const char *twi_mime_type(const char *name);

#endif
