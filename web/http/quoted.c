/* SPDX-License-Identifier: MIT */
/*
 * quoted.c - see quoted.h.
 */
#include "config.h"

#include <string.h>

#include "web/http/quoted.h"

int twi_quoted_append(struct twi_buf *buf, const char *text)
{
    int r = twi_buf_append_char(buf, '"');

    while (r == 0 && *text != '\0') {
        size_t plain = strcspn(text, "\"\\");

        r = twi_buf_append(buf, text, plain);
        text += plain;
        if (r == 0 && *text != '\0') {
            r = twi_buf_append_char(buf, '\\');
            if (r == 0)
                r = twi_buf_append_char(buf, *text++);
        }
    }
    return r == 0 ? twi_buf_append_char(buf, '"') : r;
}
