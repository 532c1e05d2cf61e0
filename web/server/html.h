/* SPDX-License-Identifier: MIT */
/*
 * html.h - text in a page.
 */
#ifndef WEB_SERVER_HTML_H
#define WEB_SERVER_HTML_H

#include "base/buf.h"

/* Append `text` with the characters of markup escaped. 0 or -ENOMEM. */
int twi_html_escape(struct twi_buf *page, const char *text);

#endif
