/*
 * http1_response.c - status lines, and how long a response's body is (RFC 9112, 4 and 6.3).
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
        return text[0] != '\r' && !twi_http1_is(text[0], TWI_H1_TOKEN);
    if (length > sizeof prefix - 1)
        length = sizeof prefix - 1;
    return memcmp(text, prefix, length) != 0;
}

int twi_http1_status_line(struct twi_http1 *parser, const char *line, size_t length)
{
    const char *reason = line + 12;
    size_t reason_length = length - 12;
    int64_t place;

    if (length < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !twi_is_digit(line[7]))
        return response_bad(parser, length >= 5 && memcmp(line, "HTTP/", 5) == 0
                                        ? "the HTTP version is not known"
                                        : "not an HTTP/1 response");
    parser->minor = line[7] != '0';
    if (line[8] != ' ' || line[9] == '0' || !twi_is_digit(line[9]) ||
        !twi_is_digit(line[10]) || !twi_is_digit(line[11]) || (length > 12 && line[12] != ' '))
        return response_bad(parser, "bad status line");
    parser->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0';
    if (reason_length > 0) {
        reason++;
        reason_length--;
    }
    if (memchr(reason, '\0', reason_length) != NULL ||
        memchr(reason, '\r', reason_length) != NULL)
        return response_bad(parser, "control character in the status line");
    place = twi_headers_keep(parser->headers, reason, reason_length);
    if (place < 0)
        return twi_http1_fail_memory(parser);
    parser->text_at_ = (uint32_t)place;
    return 0;
}

static int informational(struct twi_http1 *parser)
{
    if (parser->status == 101)
        return response_bad(parser, "switched protocols without being asked to");
    if (++parser->informational > parser->limits->informational)
        return response_bad(parser, "too many 1xx responses");
    return 0;
}

static bool has_body(const struct twi_http1 *parser)
{
    return !parser->no_body_ && parser->status != 204 && parser->status != 304;
}

int twi_http1_response_framing(struct twi_http1 *parser)
{
    bool coded = (parser->seen_ & TWI_H1_SEEN_CODING) != 0;
    bool sized = (parser->seen_ & TWI_H1_SEEN_LENGTH) != 0;

    if (parser->status < 200)
        return informational(parser);
    parser->keep_alive = (parser->seen_ & TWI_H1_SEEN_CLOSE) == 0 &&
                         (parser->minor > 0 || (parser->seen_ & TWI_H1_SEEN_KEEP_ALIVE) != 0);
    /* Who sends both, or a coding in 1.0, may have meant either. */
    if (coded && (sized || parser->minor == 0))
        parser->keep_alive = false;
    parser->state_ = TWI_H1_BODY_LENGTH;
    if (parser->connect_ && parser->status < 300) {
        parser->length = 0;
    } else if (!has_body(parser)) {
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
