/* SPDX-License-Identifier: MIT */
/*
 * buf.c - a growing byte buffer.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

enum { FIRST_SIZE = 64 };

int twi_buf_reserve(struct twi_buf *buf, size_t extra)
{
    size_t wanted;
    size_t size = buf->size > 0 ? buf->size : FIRST_SIZE;
    char *grown;

    if (extra <= buf->size - buf->length)
        return 0;
    if (__builtin_add_overflow(buf->length, extra, &wanted) || wanted > SIZE_MAX / 2)
        return -ENOMEM;
    while (size < wanted)
        size *= 2;
    grown = twi_realloc(buf->data, size);
    if (grown == NULL)
        return -ENOMEM;
    buf->data = grown;
    buf->size = size;
    return 0;
}

int twi_buf_append_slow(struct twi_buf *buf, const void *data, size_t length)
{
    int r = twi_buf_reserve(buf, length);

    if (r < 0)
        return r;
    memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    return 0;
}

int twi_buf_append_text(struct twi_buf *buf, const char *text)
{
    return twi_buf_append(buf, text, strlen(text));
}

int twi_buf_append_char(struct twi_buf *buf, char c)
{
    return twi_buf_append(buf, &c, 1);
}

int twi_buf_printf(struct twi_buf *buf, const char *format, ...)
{
    va_list args;
    int length;
    int r;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return -EINVAL;
    r = twi_buf_reserve(buf, (size_t)length + 1);
    if (r < 0)
        return r;
    va_start(args, format);
    vsnprintf(buf->data + buf->length, (size_t)length + 1, format, args);
    va_end(args);
    buf->length += (size_t)length;
    return 0;
}

void twi_buf_consume(struct twi_buf *buf, size_t length)
{
    buf->length -= length;
    if (buf->length > 0)
        memmove(buf->data, buf->data + length, buf->length);
}

const char *twi_buf_text(struct twi_buf *buf)
{
    if (twi_buf_reserve(buf, 1) < 0)
        return "";
    buf->data[buf->length] = '\0';
    return buf->data;
}

tw_value twi_buf_take(struct twi_buf *buf)
{
    tw_value bytes = tw_bytes(buf->data, buf->length);

    twi_buf_free(buf);
    return bytes;
}

void twi_buf_free(struct twi_buf *buf)
{
    twi_free(buf->data);
    *buf = (struct twi_buf){ 0 };
}
