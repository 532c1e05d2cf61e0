/* SPDX-License-Identifier: MIT */
/*
 * http1_fields.c - header lines, and the meaning of framing fields.
 *
 * A request whose framing could be read in two ways is refused (RFC 9112, 6.3 and 11.2); a
 * response is read as browsers do where only the answer itself could suffer.
 */
#include "config.h"

#include <errno.h>

#include "base/ascii.h"
#include "web/http1/http1_parse.h"

static int fields_bad(struct twi_http1 *parser, const char *text)
{
    return twi_http1_fail(parser, &tw_error_protocol, 400, text);
}

/* --- values ------------------------------------------------------------------------------ */

/* A server takes no control character but the tab; a client only refuses NUL and CR. */
static bool is_value_byte(const struct twi_http1 *parser, unsigned char c)
{
    if (c >= 0x20 && c != 0x7f)
        return true;
    return c == '\t' || (!parser->server_ && c != '\0' && c != '\r');
}

__attribute__((noinline)) /* for tabs, and controls that a client lets pass */
static bool
are_value_bytes(const struct twi_http1 *parser, const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_value_byte(parser, (unsigned char)value[i]))
            return false;
    return true;
}

static inline bool check_value(const struct twi_http1 *parser, const char *value,
                               size_t length)
{
    return twi_http_is_plain(value, length) || are_value_bytes(parser, value, length);
}

/* --- framing fields ---------------------------------------------------------------------- */

static int content_length(struct twi_http1 *parser, const char *value, size_t length)
{
    uint64_t number;
    int64_t before = (parser->seen_ & TWI_H1_SEEN_LENGTH) != 0 ? parser->length : -1;
    int r = twi_parse_decimal(value, length, &number);

    if (r == -ERANGE || (r == 0 && number > INT64_MAX))
        return twi_http1_fail(parser, &tw_error_toolarge, 413, "Content-Length is too large");
    if (r < 0)
        return fields_bad(parser, "bad Content-Length");
    if (before >= 0 && (parser->server_ || before != (int64_t)number))
        return fields_bad(parser, "several Content-Lengths");
    parser->length = (int64_t)number;
    parser->seen_ |= TWI_H1_SEEN_LENGTH;
    return 0;
}

/* "5, 5" is what a proxy may make of two equal ones; a server refuses it. */
static int content_lengths(struct twi_http1 *parser, const char *value, size_t length)
{
    const char *end = value + length;

    if (parser->server_)
        return content_length(parser, value, length);
    for (;;) {
        const char *comma = memchr(value, ',', (size_t)(end - value));
        const char *from = value, *to = comma == NULL ? end : comma;

        while (from < to && twi_is_blank(*from))
            from++;
        while (from < to && twi_is_blank(to[-1]))
            to--;
        if (content_length(parser, from, (size_t)(to - from)) < 0)
            return -1;
        if (comma == NULL)
            return 0;
        value = comma + 1;
    }
}

/* Only "chunked" alone is known, and that is all that we ever ask for. */
static int request_coding(struct twi_http1 *parser, const char *value, size_t length)
{
    if ((parser->seen_ & TWI_H1_SEEN_CODING) != 0)
        return fields_bad(parser, "several Transfer-Encodings");
    parser->seen_ |= TWI_H1_SEEN_CODING;
    if (twi_same_nocase(value, length, "chunked", 7))
        return 0;
    return twi_http1_fail(parser, &tw_error_encoding,
                          twi_list_has_token(value, length, "chunked", 7) ? 400 : 501,
                          "the transfer coding is not known");
}

/* Old servers write "identity" for no coding (RFC 2616, 3.6). "chunked" is never applied twice
 * (RFC 9112, 7.1): when it stands twice, a proxy has repeated the server's. */
static int response_coding(struct twi_http1 *parser, const char *value, size_t length)
{
    struct twi_elements codings = { value, value + length, NULL, 0 };

    while (twi_elements_next(&codings)) {
        if (twi_same_nocase(codings.element, codings.length, "identity", 8))
            continue;
        if (!twi_same_nocase(codings.element, codings.length, "chunked", 7))
            return twi_http1_fail(parser, &tw_error_encoding, 0,
                                  "the transfer coding is not known");
        if ((parser->seen_ & TWI_H1_SEEN_CODING) != 0)
            parser->seen_ |= TWI_H1_SEEN_ODD;
        parser->seen_ |= TWI_H1_SEEN_CODING;
    }
    return 0;
}

static int transfer_encoding(struct twi_http1 *parser, const char *value, size_t length)
{
    return parser->server_ ? request_coding(parser, value, length)
                           : response_coding(parser, value, length);
}

static void connection(struct twi_http1 *parser, const char *value, size_t length)
{
    if (twi_list_has_token(value, length, "close", 5))
        parser->seen_ |= TWI_H1_SEEN_CLOSE;
    if (twi_list_has_token(value, length, "keep-alive", 10))
        parser->seen_ |= TWI_H1_SEEN_KEEP_ALIVE;
}

static void expect(struct twi_http1 *parser, const char *value, size_t length)
{
    struct twi_elements expectations = { value, value + length, NULL, 0 };

    while (twi_elements_next(&expectations))
        parser->seen_ |= twi_same_nocase(expectations.element, expectations.length,
                                         "100-continue", 12)
                             ? TWI_H1_SEEN_CONTINUE
                             : TWI_H1_SEEN_OTHER_EXPECTATION;
}

/* --- the host (RFC 3986, 3.2.2) ---------------------------------------------------------- */

/* ":", then nothing or a number up to 65535. */
static bool check_port(const char *at, const char *end)
{
    uint64_t port = 0;

    if (*at++ != ':')
        return false;
    return at == end ||
           (twi_parse_decimal(at, (size_t)(end - at), &port) == 0 && port <= 65535);
}

static bool check_host(const char *host, size_t length)
{
    const char *at = host, *end = host + length;

    if (at < end && *at == '[') {
        for (at++; at < end && (twi_hex(*at) >= 0 || *at == ':' || *at == '.'); at++)
            ;
        if (at == end || *at != ']' || at == host + 1)
            return false;
        at++;
    } else {
        for (; at < end && twi_http_is(*at, TWI_HTTP_HOST); at++)
            ;
        if (at == host)
            return false;
    }
    return at == end || check_port(at, end);
}

static int host(struct twi_http1 *parser, const char *value, size_t length)
{
    if ((parser->seen_ & TWI_H1_SEEN_HOST) != 0)
        return fields_bad(parser, "several Hosts");
    if (!check_host(value, length))
        return fields_bad(parser, "bad Host");
    parser->seen_ |= TWI_H1_SEEN_HOST;
    return 0;
}

/* --- lines ------------------------------------------------------------------------------- */

/* The framing fields of an answer without a body are not even read: a client ignores it behind
 * CONNECT (RFC 9110, 9.3.6), and elsewhere nothing depends on it (RFC 9112, 6.3). */
static bool is_framing_read(const struct twi_http1 *parser)
{
    return parser->server_ || !twi_http1_is_bodiless(parser);
}

static int take_note(struct twi_http1 *parser, enum twi_header id, const char *value,
                     size_t length)
{
    switch (id) {
    case TWI_HEADER_CONTENT_LENGTH:
        return is_framing_read(parser) ? content_lengths(parser, value, length) : 0;
    case TWI_HEADER_TRANSFER_ENCODING:
        return is_framing_read(parser) ? transfer_encoding(parser, value, length) : 0;
    case TWI_HEADER_CONNECTION:
        connection(parser, value, length);
        return 0;
    case TWI_HEADER_HOST:
        return parser->server_ ? host(parser, value, length) : 0;
    case TWI_HEADER_EXPECT:
        if (parser->server_)
            expect(parser, value, length);
        return 0;
    default:
        return 0;
    }
}

int twi_http1_read_last(struct twi_http1 *parser)
{
    const struct twi_field *last;

    if (!parser->unread_)
        return 0;
    parser->unread_ = false;
    last = &parser->headers->fields[parser->headers->count - 1];
    return take_note(parser, last->id, parser->headers->text + last->value,
                     last->value_length);
}

/* Others may read this answer in another way: bytes that follow it on the connection are
 * ignored. */
static void note_odd(struct twi_http1 *parser)
{
    parser->seen_ |= TWI_H1_SEEN_ODD;
    parser->keep_alive = false;
}

/* The rest of a field, or of a line that was skipped. */
static int folded(struct twi_http1 *parser, tw_headers *headers, const char *text,
                  size_t length)
{
    if (parser->server_)
        return fields_bad(parser, "folded header line");
    if (parser->passed_over_)
        return 0;
    if (tw_headers_count(headers) == 0)
        return fields_bad(parser, "white space before the first header");
    return twi_headers_extend(headers, text, length) < 0 ? twi_http1_fail_memory(parser) : 0;
}

/* A line of an answer with a colon and no name before it: programs that print into the head of
 * their answers leave such lines, and browsers skip them. */
static int pass_over(struct twi_http1 *parser, const char *line, size_t length)
{
    if (parser->server_ || memchr(line, ':', length) == NULL)
        return fields_bad(parser, "bad header name");
    if (!check_value(parser, line, length))
        return fields_bad(parser, "control character in a header");
    parser->passed_over_ = true;
    note_odd(parser);
    return 0;
}

/* White space before the colon: a request is refused, a proxy removes it from an answer
 * (RFC 9112, 5.1). */
static const char *find_colon(struct twi_http1 *parser, const char *at, const char *end)
{
    const char *name_end = at;

    while (!parser->server_ && at < end && twi_is_blank(*at))
        at++;
    if (at == end || *at != ':')
        return NULL;
    if (at > name_end)
        note_odd(parser);
    return at;
}

/* A request's field is read at once; an answer's may be folded, and is when the next line shows
 * that it is whole. Trailers say nothing about framing. */
static int keep_field(struct twi_http1 *parser, tw_headers *headers, const char *name,
                      size_t name_length, const char *value, size_t length)
{
    enum twi_header id = twi_header_id(name, name_length);
    bool is_trailer = headers == parser->trailers;

    parser->unread_ = !parser->server_ && !is_trailer;
    if (parser->server_ && !is_trailer && take_note(parser, id, value, length) < 0)
        return -1;
    if (twi_headers_append(headers, id, name, name_length, value, length) < 0)
        return twi_http1_fail_memory(parser);
    return 0;
}

int twi_http1_field_line(struct twi_http1 *parser, tw_headers *headers, const char *line,
                         size_t length)
{
    const char *value = line, *end = line + length;
    size_t name_length;
    bool is_fold = twi_is_blank(*line);

    while (twi_http_is(*value, TWI_HTTP_TOKEN)) /* the line's end is none */
        value++;
    name_length = (size_t)(value - line);
    if (!is_fold) {
        if (twi_http1_read_last(parser) < 0)
            return -1;
        parser->passed_over_ = false;
        value = name_length == 0 ? NULL : find_colon(parser, value, end);
        if (value == NULL)
            return pass_over(parser, line, length);
    }
    value++;
    while (value < end && twi_is_blank(*value))
        value++;
    while (value < end && twi_is_blank(end[-1]))
        end--;
    length = (size_t)(end - value);
    if (!check_value(parser, value, length))
        return fields_bad(parser, "control character in a header");
    return is_fold ? folded(parser, headers, value, length)
                   : keep_field(parser, headers, line, name_length, value, length);
}
