/* SPDX-License-Identifier: MIT */
/*
 * buf.h - a growing byte buffer, for building text and collecting input.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <string.h>

#include <tweed/value.h>

#include "base/alloc.h"

/* All zero is empty. `data` is not terminated unless twi_buf_text() was called. */
struct twi_buf {
    char *data;
    size_t length, size;
};

/* Make room for `extra` more bytes. 0 or -ENOMEM. */
int twi_buf_reserve(struct twi_buf *buf, size_t extra);
int twi_buf_append_slow(struct twi_buf *buf, const void *data, size_t length);
static inline int twi_buf_append(struct twi_buf *buf, const void *data, size_t length)
{
    if (length > buf->size - buf->length)
        return twi_buf_append_slow(buf, data, length);
    if (length > 0)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    return 0;
}
int twi_buf_append_text(struct twi_buf *buf, const char *text);
int twi_buf_append_char(struct twi_buf *buf, char c);
int twi_buf_printf(struct twi_buf *buf, const char *format, ...) TW_PRINTF(2, 3);
/* Drop `length` bytes from the front. */
void twi_buf_consume(struct twi_buf *buf, size_t length);
/* The content as a string; "" when there is no memory to terminate it. */
const char *twi_buf_text(struct twi_buf *buf);
/* The content as owned bytes, leaving the buffer empty. */
tw_value twi_buf_take(struct twi_buf *buf);
void twi_buf_free(struct twi_buf *buf);

#endif
