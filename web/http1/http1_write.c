/* SPDX-License-Identifier: MIT */
/*
 * http1_write.c - heads and chunk lines as text; nothing that could break a line gets in.
 */
#include "config.h"

#include <errno.h>

#include "base/ascii.h"
#include "web/http/headers.h"
#include "web/http1/http1_parse.h"

/* Bits of enum twi_http1_class for each byte; none for those above 127. */
const unsigned char twi_http1_classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
    0, 7, 4, 1, 7, 7, 7, 7, 6, 6, 7, 7, 6, 7, 7, 4, /* 0x20 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 6, 4, 6, 4, 4, /* 0x30 */
    4, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 0x40 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 4, 4, 5, 7, /* 0x50 */
    5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 0x60 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 5, 4, 7, 0, /* 0x70 */
};

bool twi_http1_is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!twi_http1_is(text[i], TWI_H1_TOKEN))
            return false;
    return length > 0;
}

/* True if one of the eight bytes is a control character; bytes above 127 are none. */
static bool has_control(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    uint64_t word, low, deleted;

    memcpy(&word, text, sizeof word);
    low = (word - ones * 0x20) & ~word;
    deleted = word ^ (ones * 0x7f);
    deleted = (deleted - ones) & ~deleted;
    return ((low | deleted) & high) != 0;
}

bool twi_http1_is_plain(const char *text, size_t length)
{
    const char *last = text + length - 8;

    if (length < 8) {
        for (size_t i = 0; i < length; i++)
            if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
                return false;
        return true;
    }
    for (; text < last; text += 8)
        if (has_control(text))
            return false;
    return !has_control(last);
}

bool twi_http1_is_value(const char *text, size_t length)
{
    if (twi_http1_is_plain(text, length))
        return true;
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\r' || text[i] == '\n' || text[i] == '\0')
            return false;
    return true;
}

/* Nothing that ends a target: no space, control character or DEL. */
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

    if (!twi_http1_is_token(method, method_length) || !is_target_text(target))
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
    if (status < 100 || status > 999 || !twi_http1_is_value(reason, strlen(reason)))
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

    if (!twi_http1_is_token(name, name_length) || !twi_http1_is_value(value, value_length))
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
