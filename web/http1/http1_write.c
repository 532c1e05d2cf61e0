/* SPDX-License-Identifier: MIT */
/*
 * http1_write.c - heads and chunk lines as text; characters that could break a line are
 * refused.
 */
#include "config.h"

#include <errno.h>

#include "base/ascii.h"
#include "web/http/headers.h"
#include "web/http1/http1_parse.h"

/* True if the text has no character that ends a target: no space, control character or DEL. */
static bool is_target_text(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= 0x20 || *text == 0x7f)
            return false;
    return true;
}

static void append_word(char **at, const char *text, size_t length)
{
    memcpy(*at, text, length);
    *at += length;
}

int twi_http1_write_request_line(struct twi_buf *buf, const char *method, const char *target,
                                 unsigned minor)
{
    size_t method_length = strlen(method), target_length = strlen(target);
    char *at;

    if (!twi_http_is_token(method, method_length) || !is_target_text(target))
        return -EINVAL;
    if (twi_buf_reserve(buf, method_length + target_length + 12) < 0)
        return -ENOMEM;
    at = buf->data + buf->length;
    append_word(&at, method, method_length);
    *at++ = ' ';
    append_word(&at, target, target_length);
    append_word(&at, minor == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n", 11);
    buf->length = (size_t)(at - buf->data);
    return 0;
}

int twi_http1_write_status_line(struct twi_buf *buf, unsigned minor, int status,
                                const char *reason)
{
    char code[3];

    if (reason == NULL)
        reason = twi_http1_reason(status);
    if (status < 100 || status > 999 || !twi_http_is_value(reason, strlen(reason)))
        return -EINVAL;
    if (twi_buf_reserve(buf, strlen(reason) + 16) < 0)
        return -ENOMEM;
    code[0] = (char)('0' + status / 100);
    code[1] = (char)('0' + status / 10 % 10);
    code[2] = (char)('0' + status % 10);
    twi_buf_append(buf, minor == 0 ? "HTTP/1.0 " : "HTTP/1.1 ", 9);
    twi_buf_append(buf, code, 3);
    twi_buf_append(buf, " ", 1);
    twi_buf_append(buf, reason, strlen(reason));
    return twi_buf_append(buf, "\r\n", 2);
}

static int write_field(struct twi_buf *buf, const char *name, size_t name_length,
                       const char *value, size_t value_length)
{
    char *at;

    if (twi_buf_reserve(buf, name_length + value_length + 4) < 0)
        return -ENOMEM;
    at = buf->data + buf->length;
    append_word(&at, name, name_length);
    append_word(&at, ": ", 2);
    append_word(&at, value, value_length);
    append_word(&at, "\r\n", 2);
    buf->length = (size_t)(at - buf->data);
    return 0;
}

int twi_http1_write_field(struct twi_buf *buf, const char *name, const char *value)
{
    size_t name_length = strlen(name), value_length = strlen(value);

    if (!twi_http_is_token(name, name_length) || !twi_http_is_value(value, value_length))
        return -EINVAL;
    return write_field(buf, name, name_length, value, value_length);
}

int twi_http1_write_number(struct twi_buf *buf, const char *name, uint64_t number)
{
    char text[20], *at = text + sizeof text;

    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return write_field(buf, name, strlen(name), at, (size_t)(text + sizeof text - at));
}

int twi_http1_write_fields(struct twi_buf *buf, const tw_headers *headers)
{
    int r = 0;

    for (uint32_t i = 0; i < headers->count && r == 0; i++) {
        const struct twi_field *field = &headers->fields[i];

        r = write_field(buf, headers->text + field->name, field->value - field->name - 1,
                        headers->text + field->value, field->value_length);
    }
    return r;
}

int twi_http1_write_end(struct twi_buf *buf)
{
    return twi_buf_append(buf, "\r\n", 2);
}

size_t twi_http1_chunk_head(char text[TWI_HTTP1_CHUNK_HEAD_SIZE], size_t length)
{
    static const char digits[] = "0123456789abcdef";
    size_t count = 1, at;

    while (count < 16 && length >> (4 * count) != 0)
        count++;
    for (at = count; at > 0; length >>= 4)
        text[--at] = digits[length & 15];
    text[count] = '\r';
    text[count + 1] = '\n';
    return count + 2;
}

const char *twi_http1_reason(int status)
{
    static const char *const reasons[600] = {
        [100] = "Continue",
        [101] = "Switching Protocols",
        [102] = "Processing",
        [103] = "Early Hints",
        [200] = "OK",
        [201] = "Created",
        [202] = "Accepted",
        [203] = "Non-Authoritative Information",
        [204] = "No Content",
        [205] = "Reset Content",
        [206] = "Partial Content",
        [207] = "Multi-Status",
        [300] = "Multiple Choices",
        [301] = "Moved Permanently",
        [302] = "Found",
        [303] = "See Other",
        [304] = "Not Modified",
        [305] = "Use Proxy",
        [307] = "Temporary Redirect",
        [308] = "Permanent Redirect",
        [400] = "Bad Request",
        [401] = "Unauthorized",
        [402] = "Payment Required",
        [403] = "Forbidden",
        [404] = "Not Found",
        [405] = "Method Not Allowed",
        [406] = "Not Acceptable",
        [407] = "Proxy Authentication Required",
        [408] = "Request Timeout",
        [409] = "Conflict",
        [410] = "Gone",
        [411] = "Length Required",
        [412] = "Precondition Failed",
        [413] = "Content Too Large",
        [414] = "URI Too Long",
        [415] = "Unsupported Media Type",
        [416] = "Range Not Satisfiable",
        [417] = "Expectation Failed",
        [418] = "I'm a teapot",
        [421] = "Misdirected Request",
        [422] = "Unprocessable Content",
        [425] = "Too Early",
        [426] = "Upgrade Required",
        [428] = "Precondition Required",
        [429] = "Too Many Requests",
        [431] = "Request Header Fields Too Large",
        [451] = "Unavailable For Legal Reasons",
        [500] = "Internal Server Error",
        [501] = "Not Implemented",
        [502] = "Bad Gateway",
        [503] = "Service Unavailable",
        [504] = "Gateway Timeout",
        [505] = "HTTP Version Not Supported",
        [507] = "Insufficient Storage",
        [511] = "Network Authentication Required",
    };
    const char *reason = status >= 0 && status < 600 ? reasons[status] : NULL;

    return reason == NULL ? "" : reason;
}
