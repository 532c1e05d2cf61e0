/* SPDX-License-Identifier: MIT */
/*
 * html.c - see html.h.
 */
#include "config.h"

#include "web/server/html.h"

int twi_html_escape(struct twi_buf *page, const char *text)
{
    int r = 0;

    for (; *text != '\0' && r == 0; text++)
        switch (*text) {
        case '&':
            r = twi_buf_append_text(page, "&amp;");
            break;
        case '<':
            r = twi_buf_append_text(page, "&lt;");
            break;
        case '>':
            r = twi_buf_append_text(page, "&gt;");
            break;
        case '"':
            r = twi_buf_append_text(page, "&quot;");
            break;
        case '\'':
            r = twi_buf_append_text(page, "&#39;");
            break;
        default:
            r = twi_buf_append_char(page, *text);
        }
    return r;
}
