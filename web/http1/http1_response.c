/* SPDX-License-Identifier: MIT */
/*
 * http1_response.c - status lines, and the length of a response's body (RFC 9112, 4 and 6.3).
 */
#include "config.h"

#include "base/ascii.h"
#include "web/http1/http1_parse.h"

static int response_bad(struct twi_http1 *parser, const char *text)
{
    return twi_http1_fail(parser, &tw_error_protocol, 0, text);
}

bool twi_http1_is_not_http(const struct twi_http1 *parser, const char *text, size_t length)
{
    static const char prefix[] = "HTTP/1.";

    if (length == 0)
        return false;
    if (parser->server_)
        return text[0] != '\r' && !twi_http_is(text[0], TWI_HTTP_TOKEN);
    if (length > sizeof prefix - 1)
        length = sizeof prefix - 1;
    return memcmp(text, prefix, length) != 0;
}

/* The code behind the version and any white space (RFC 9112, 4); false if there is none. *at
 * moves behind it. */
static bool read_status(const char **at, const char *end, int *ret_status)
{
    const char *digits = *at;

    while (digits < end && twi_is_blank(*digits))
        digits++;
    if (digits == *at || end - digits < 3 || digits[0] == '0' || !twi_is_digit(digits[0]) ||
        !twi_is_digit(digits[1]) || !twi_is_digit(digits[2]))
        return false;
    *ret_status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0';
    *at = digits + 3;
    return *at == end || twi_is_blank(**at);
}

static int keep_reason(struct twi_http1 *parser, const char *reason, const char *end)
{
    int64_t place;

    while (reason < end && twi_is_blank(*reason))
        reason++;
    if (memchr(reason, '\0', (size_t)(end - reason)) != NULL ||
        memchr(reason, '\r', (size_t)(end - reason)) != NULL)
        return response_bad(parser, "control character in the status line");
    place = twi_headers_keep(parser->headers, reason, (size_t)(end - reason));
    if (place < 0)
        return twi_http1_fail_memory(parser);
    parser->text_at_ = (uint32_t)place;
    return 0;
}

int twi_http1_status_line(struct twi_http1 *parser, const char *line, size_t length)
{
    const char *at = line + 8, *end = line + length;

    if (length < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !twi_is_digit(line[7]))
        return response_bad(parser, length >= 5 && memcmp(line, "HTTP/", 5) == 0
                                        ? "the HTTP version is not known"
                                        : "not an HTTP/1 response");
    parser->minor = line[7] != '0';
    if (!read_status(&at, end, &parser->status))
        return response_bad(parser, "bad status line");
    return keep_reason(parser, at, end);
}

static int informational(struct twi_http1 *parser)
{
    if (parser->status == 101)
        return response_bad(parser, "switched protocols without being asked to");
    if (++parser->informational > parser->limits->informational)
        return response_bad(parser, "too many 1xx responses");
    return 0;
}

/* RFC 9112, 6.3, 1 and 2. */
bool twi_http1_is_bodiless(const struct twi_http1 *parser)
{
    int status = parser->status;

    return parser->no_body_ || status < 200 || status == 204 || status == 304 ||
           (parser->connect_ && status < 300);
}

int twi_http1_response_framing(struct twi_http1 *parser)
{
    bool coded, sized;

    if (twi_http1_read_last(parser) < 0)
        return -1;
    if (parser->status < 200)
        return informational(parser);
    coded = (parser->seen_ & TWI_H1_SEEN_CODING) != 0;
    sized = (parser->seen_ & TWI_H1_SEEN_LENGTH) != 0;
    parser->keep_alive = (parser->seen_ & (TWI_H1_SEEN_CLOSE | TWI_H1_SEEN_ODD)) == 0 &&
                         (parser->minor > 0 || (parser->seen_ & TWI_H1_SEEN_KEEP_ALIVE) != 0);
    /* A server that sends both, or a coding in 1.0, may have meant either. */
    if (coded && (sized || parser->minor == 0))
        parser->keep_alive = false;
    parser->state_ = TWI_H1_BODY_LENGTH;
    if (twi_http1_is_bodiless(parser)) {
        parser->length = 0;
    } else if (coded) {
        parser->chunked = true;
        parser->length = -1;
        parser->state_ = TWI_H1_CHUNK_SIZE;
    } else if (!sized) {
        parser->until_close = true;
        parser->keep_alive = false;
        parser->length = -1;
        parser->state_ = TWI_H1_BODY_CLOSE;
    }
    parser->remaining = parser->length;
    if (parser->limits->body >= 0 && parser->length > parser->limits->body)
        return twi_http1_fail(parser, &tw_error_toolarge, 0, "body is too large");
    return 0;
}
