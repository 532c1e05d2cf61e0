/* SPDX-License-Identifier: MIT */
/*
 * base64.c - bytes as text, and credentials in that form.
 */
#include "config.h"

#include <errno.h>

#include "web/http/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int twi_base64_append(struct twi_buf *buf, const void *data, size_t length)
{
    const unsigned char *in = data;
    char *out;
    size_t i;

    if (length > SIZE_MAX / 4 || twi_buf_reserve(buf, (length + 2) / 3 * 4) < 0)
        return -ENOMEM;
    out = buf->data + buf->length;
    for (i = 0; i < length; i += 3) {
        unsigned bits = (unsigned)in[i] << 16;
        bits |= i + 1 < length ? (unsigned)in[i + 1] << 8 : 0;
        bits |= i + 2 < length ? (unsigned)in[i + 2] : 0;
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = i + 1 < length ? digits[bits >> 6 & 63] : '=';
        *out++ = i + 2 < length ? digits[bits & 63] : '=';
    }
    buf->length = (size_t)(out - buf->data);
    return 0;
}

char *twi_basic_credentials(const char *user, const char *password)
{
    struct twi_buf plain = { 0 }, text = { 0 };
    char *credentials = NULL;

    if (twi_buf_append_text(&plain, user) == 0 && twi_buf_append_char(&plain, ':') == 0 &&
        twi_buf_append_text(&plain, password) == 0 &&
        twi_buf_append_text(&text, "Basic ") == 0 &&
        twi_base64_append(&text, plain.data, plain.length) == 0)
        credentials = twi_strndup(text.data, text.length);
    twi_buf_free(&plain);
    twi_buf_free(&text);
    return credentials;
}
