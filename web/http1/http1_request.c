/* SPDX-License-Identifier: MIT */
/*
 * http1_request.c - request lines, and the length of a request's body (RFC 9112, 3 and 6).
 */
#include "config.h"

#include <strings.h>

#include "base/ascii.h"
#include "web/http1/http1_parse.h"

static int request_bad(struct twi_http1 *parser, const char *text)
{
    return twi_http1_fail(parser, &tw_error_protocol, 400, text);
}

/* The length of "http://host" or "https://host", 0 for anything else. No user name. */
static size_t absolute_prefix(const char *target, size_t length)
{
    size_t scheme = length >= 7 && strncasecmp(target, "http://", 7) == 0    ? 7
                    : length >= 8 && strncasecmp(target, "https://", 8) == 0 ? 8
                                                                             : 0;
    size_t at = scheme;

    if (scheme == 0)
        return 0;
    while (at < length && target[at] != '/' && target[at] != '?') {
        if (target[at] == '@')
            return 0;
        at++;
    }
    return at == scheme ? 0 : at;
}

/* The four forms of RFC 9112, 3.2. */
static bool is_target(const char *method, size_t method_length, const char *target,
                      size_t length)
{
    bool connects = method_length == 7 && memcmp(method, "CONNECT", 7) == 0;

    for (size_t i = 0; i < length; i++)
        if (!twi_http_is(target[i], TWI_HTTP_TARGET))
            return false;
    if (length > 0 && target[0] == '/' && !connects)
        return true;
    if (connects)
        return length > 0 && target[0] != ':' && memchr(target, '/', length) == NULL &&
               memchr(target, '@', length) == NULL && memchr(target, ':', length) != NULL;
    if (length == 1 && target[0] == '*')
        return method_length == 7 && memcmp(method, "OPTIONS", 7) == 0;
    return absolute_prefix(target, length) > 0;
}

/* "HTTP/1.1" after the target. */
static int version(struct twi_http1 *parser, const char *text, size_t length)
{
    if (length == 8 && memcmp(text, "HTTP/1.1", 8) == 0) {
        parser->minor = 1;
        return 0;
    }
    if (length != 8 || memcmp(text, "HTTP/", 5) != 0 || !twi_is_digit(text[5]) ||
        text[6] != '.' || !twi_is_digit(text[7]))
        return request_bad(parser, "bad request line");
    if (text[5] != '1')
        return twi_http1_fail(parser, &tw_error_protocol, 505,
                              "the HTTP version is not known");
    parser->minor = text[7] != '0';
    return 0;
}

int twi_http1_request_line(struct twi_http1 *parser, const char *line, size_t length)
{
    const char *end = line + length, *target = line, *after;
    size_t method_length;
    int64_t place;
    char *text;

    while (target < end && twi_http_is(*target, TWI_HTTP_TOKEN))
        target++;
    method_length = (size_t)(target - line);
    if (method_length == 0 || target == end || *target != ' ')
        return request_bad(parser, "bad request line");
    target++;
    after = memchr(target, ' ', (size_t)(end - target));
    if (after == NULL)
        return request_bad(parser, "bad request line");
    if (version(parser, after + 1, (size_t)(end - after - 1)) < 0)
        return -1;
    if (!is_target(line, method_length, target, (size_t)(after - target)))
        return request_bad(parser, "bad request target");
    /* The line is kept as it is; NULs then end the method and the target. */
    place = twi_headers_keep(parser->headers, line, length);
    if (place < 0)
        return twi_http1_fail_memory(parser);
    text = parser->headers->text + place;
    text[method_length] = text[after - line] = '\0';
    parser->text_at_ = (uint32_t)place;
    parser->target_at_ = (uint32_t)(place + (target - line));
    return 0;
}

int twi_http1_request_framing(struct twi_http1 *parser)
{
    unsigned seen = parser->seen_;

    if (parser->minor > 0 && (seen & TWI_H1_SEEN_HOST) == 0)
        return request_bad(parser, "no Host");
    if ((seen & TWI_H1_SEEN_CODING) != 0 && (seen & TWI_H1_SEEN_LENGTH) != 0)
        return request_bad(parser, "Content-Length and Transfer-Encoding");
    if ((seen & TWI_H1_SEEN_CODING) != 0 && parser->minor == 0)
        return request_bad(parser, "Transfer-Encoding in HTTP/1.0");
    if ((seen & TWI_H1_SEEN_OTHER_EXPECTATION) != 0 && parser->minor > 0)
        return twi_http1_fail(parser, &tw_error_protocol, 417, "the expectation is not known");
    parser->keep_alive = (seen & TWI_H1_SEEN_CLOSE) == 0 &&
                         (parser->minor > 0 || (seen & TWI_H1_SEEN_KEEP_ALIVE) != 0);
    parser->state_ = TWI_H1_BODY_LENGTH;
    if ((seen & TWI_H1_SEEN_CODING) != 0) {
        parser->chunked = true;
        parser->length = -1;
        parser->state_ = TWI_H1_CHUNK_SIZE;
    }
    parser->remaining = parser->length;
    if (parser->limits->body >= 0 && parser->length > parser->limits->body)
        return twi_http1_fail(parser, &tw_error_toolarge, 413, "body is too large");
    parser->expect_continue = (seen & TWI_H1_SEEN_CONTINUE) != 0 && parser->minor > 0 &&
                              parser->length != 0;
    return 0;
}
