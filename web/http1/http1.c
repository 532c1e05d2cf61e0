/* SPDX-License-Identifier: MIT */
/*
 * http1.c - the engine of the HTTP/1.1 parser: lines, bodies, chunks, the end of the stream.
 *
 * A line that lies whole in the caller's data is parsed there; one that is split over reads is
 * collected in held_ first. Beside that the parser remembers only its state.
 */
#include "config.h"

#include <errno.h>

#include "base/ascii.h"
#include "web/http1/http1_parse.h"

const struct twi_http1_limits twi_http1_client_limits = {
    .line = 65536,
    .head = 100000,
    .fields = 500,
    .extensions = 4096,
    .informational = 50,
    .body = -1,
};
const struct twi_http1_limits twi_http1_server_limits = {
    .line = 8192,
    .head = 32768,
    .fields = 100,
    .extensions = 4096,
    .informational = 0,
    .body = 1048576,
};

/* RFC 9112, 2.2 asks for one at least; a client that sends many is an attacker, most likely. */
enum { EMPTY_LINES_MAX = 2 };

struct line {
    const char *text;
    size_t length;
};

/* --- life -------------------------------------------------------------------------------- */

static void init(struct twi_http1 *parser, const struct twi_http1_limits *limits, bool server)
{
    memset(parser, 0, sizeof *parser);
    parser->limits = limits;
    parser->server_ = server;
    twi_http1_begin(parser, NULL);
}

void twi_http1_init_client(struct twi_http1 *parser, const struct twi_http1_limits *limits)
{
    init(parser, limits == NULL ? &twi_http1_client_limits : limits, false);
}

void twi_http1_init_server(struct twi_http1 *parser, const struct twi_http1_limits *limits)
{
    init(parser, limits == NULL ? &twi_http1_server_limits : limits, true);
}

void twi_http1_free(struct twi_http1 *parser)
{
    twi_http1_drop_held(parser);
    tw_headers_free(parser->headers);
    tw_headers_free(parser->trailers);
    parser->headers = parser->trailers = NULL;
}

/* Before each head, also the ones after a 1xx. */
static void begin_head(struct twi_http1 *parser)
{
    if (parser->headers != NULL)
        twi_headers_clear(parser->headers);
    parser->state_ = TWI_H1_START;
    parser->seen_ = 0;
    parser->unread_ = parser->passed_over_ = false;
    parser->head_bytes_ = parser->fields_ = parser->head_length = 0;
    parser->length = parser->remaining = 0;
}

void twi_http1_begin(struct twi_http1 *parser, const char *method)
{
    begin_head(parser);
    if (parser->trailers != NULL)
        tw_headers_free(twi_http1_take_trailers(parser));
    parser->no_body_ = method != NULL && method[0] == 'H' && strcmp(method, "HEAD") == 0;
    parser->connect_ = method != NULL && method[0] == 'C' && strcmp(method, "CONNECT") == 0;
    parser->started_ = false;
    parser->empty_lines_ = 0;
    parser->informational = 0;
    parser->keep_alive = parser->chunked = parser->until_close = false;
    parser->expect_continue = false;
    parser->method = parser->target = parser->reason = "";
    parser->status = 0;
    parser->body_bytes = 0;
    parser->extension_bytes_ = 0;
    parser->error.error_class = NULL;
    twi_http1_drop_held(parser);
}

tw_headers *twi_http1_take_headers(struct twi_http1 *parser)
{
    tw_headers *headers = parser->headers;

    parser->headers = NULL;
    return headers;
}

tw_headers *twi_http1_take_trailers(struct twi_http1 *parser)
{
    tw_headers *trailers = parser->trailers;

    parser->trailers = NULL;
    return trailers;
}

/* --- lines ------------------------------------------------------------------------------- */

static int http1_hold(struct twi_http1 *parser, const char *data, size_t length)
{
    if (twi_buf_append(&parser->held_, data, length) < 0)
        return twi_http1_fail_memory(parser);
    return 0;
}

static int line_too_long(struct twi_http1 *parser)
{
    if (parser->state_ == TWI_H1_START)
        return parser->server_
                   ? twi_http1_fail(parser, &tw_error_toolarge, 414,
                                    "request line is too long")
                   : twi_http1_fail(parser, &tw_error_toolarge, 0, "status line is too long");
    if (parser->state_ == TWI_H1_CHUNK_SIZE)
        return twi_http1_fail(parser, &tw_error_toolarge, 400,
                              "chunk extensions are too long");
    return twi_http1_fail(parser, &tw_error_toolarge, 431, "header is too large");
}

/* The next line without its end, of at most `limit` bytes with it. 1, 0 (not all here yet), -1. A
 * line from held_ is valid until the next call. */
static int next_line(struct twi_http1 *parser, const char **at, const char *end, size_t limit,
                     struct line *line)
{
    const char *text = *at;
    const char *newline = text == end ? NULL : memchr(text, '\n', (size_t)(end - text));
    size_t length = (size_t)((newline == NULL ? end : newline + 1) - text);

    if (length + parser->held_.length > limit)
        return line_too_long(parser);
    *at = text + length;
    if (newline == NULL || parser->held_.length > 0) {
        if (http1_hold(parser, text, length) < 0)
            return -1;
        if (newline == NULL)
            return 0;
        text = parser->held_.data;
        length = parser->held_.length;
        parser->held_.length = 0;
    }
    line->text = text;
    if (length > 1 && text[length - 2] == '\r') {
        line->length = length - 2;
        return 1;
    }
    line->length = length - 1;
    if (parser->server_)
        return twi_http1_fail(parser, &tw_error_protocol, 400, "line ends without CR");
    return 1;
}

/* --- the head ---------------------------------------------------------------------------- */

static int not_http(struct twi_http1 *parser)
{
    return parser->server_
               ? twi_http1_fail(parser, &tw_error_protocol, 400, "not an HTTP request")
               : twi_http1_fail(parser, &tw_error_protocol, 0, "not an HTTP/1 response");
}

/* 1, 0, -1 as next_line(). */
static int start_line(struct twi_http1 *parser, const char **at, const char *end)
{
    struct line line;
    int r;

    if (parser->held_.length == 0 && twi_http1_is_not_http(parser, *at, (size_t)(end - *at)))
        return not_http(parser);
    r = next_line(parser, at, end, parser->limits->line, &line);
    if (r < 0)
        return r;
    if (r == 0) {
        if (parser->held_.length > 0 && parser->held_.data[0] != '\r')
            parser->started_ = true;
        return twi_http1_is_not_http(parser, parser->held_.data, parser->held_.length)
                   ? not_http(parser)
                   : 0;
    }
    if (line.length == 0 && parser->server_ && parser->empty_lines_++ < EMPTY_LINES_MAX)
        return 1;
    parser->started_ = true;
    if (parser->headers == NULL) {
        parser->headers = tw_headers_new();
        if (parser->headers == NULL)
            return twi_http1_fail_memory(parser);
    }
    r = parser->server_ ? twi_http1_request_line(parser, line.text, line.length)
                        : twi_http1_status_line(parser, line.text, line.length);
    if (r < 0)
        return r;
    parser->state_ = TWI_H1_FIELDS;
    return 1;
}

/* One line of the head or of the trailers. 2 after the empty one that ends them. */
static int field_line(struct twi_http1 *parser, tw_headers *headers, const char **at,
                      const char *end)
{
    const struct twi_http1_limits *limits = parser->limits;
    const char *from = *at;
    size_t held = parser->held_.length;
    struct line line;
    int r = next_line(parser, at, end, limits->head - parser->head_bytes_, &line);

    if (r <= 0)
        return r;
    parser->head_bytes_ += held + (size_t)(*at - from);
    if (line.length == 0)
        return 2;
    if (++parser->fields_ > limits->fields)
        return twi_http1_fail(parser, &tw_error_toolarge, 431, "too many header lines");
    return twi_http1_field_line(parser, headers, line.text, line.length) < 0 ? -1 : 1;
}

/* The head is whole: 1 (say so), 0 (a 1xx was skipped), -1. */
static int head_complete(struct twi_http1 *parser)
{
    if (parser->server_) {
        if (twi_http1_request_framing(parser) < 0)
            return -1;
        parser->method = twi_headers_text(parser->headers, parser->text_at_);
        parser->target = twi_headers_text(parser->headers, parser->target_at_);
    } else {
        if (twi_http1_response_framing(parser) < 0)
            return -1;
        if (parser->status < 200) {
            begin_head(parser);
            return 0;
        }
        parser->reason = twi_headers_text(parser->headers, parser->text_at_);
    }
    twi_http1_drop_held(parser);
    return 1;
}

/* 1 (the head is complete), 0, -1. */
static int head(struct twi_http1 *parser, const char **at, const char *end)
{
    const char *from = *at;
    int r;

    for (;;) {
        r = parser->state_ == TWI_H1_START ? start_line(parser, at, end)
                                           : field_line(parser, parser->headers, at, end);
        if (r <= 0)
            break;
        if (r == 2) {
            r = head_complete(parser);
            if (r != 0)
                break;
            from = *at;
        }
    }
    parser->head_length += (size_t)(*at - from);
    return r;
}

/* --- bodies ------------------------------------------------------------------------------ */

static enum twi_http1_event http1_done(struct twi_http1 *parser)
{
    parser->state_ = TWI_H1_DONE;
    twi_http1_drop_held(parser);
    return TWI_HTTP1_DONE;
}

/* Up to `most` bytes of the body. */
static enum twi_http1_event piece(struct twi_http1 *parser, const char **at, const char *end,
                                  uint64_t most)
{
    size_t length = (size_t)(end - *at);

    if (length == 0)
        return TWI_HTTP1_MORE;
    if (length > most)
        length = (size_t)most;
    parser->piece = *at;
    parser->piece_length = length;
    parser->body_bytes += length;
    *at += length;
    return TWI_HTTP1_BODY;
}

static enum twi_http1_event body_length(struct twi_http1 *parser, const char **at,
                                        const char *end)
{
    enum twi_http1_event event;

    if (parser->remaining == 0)
        return http1_done(parser);
    event = piece(parser, at, end, (uint64_t)parser->remaining);
    if (event == TWI_HTTP1_BODY)
        parser->remaining -= (int64_t)parser->piece_length;
    return event;
}

static enum twi_http1_event body_close(struct twi_http1 *parser, const char **at,
                                       const char *end)
{
    const struct twi_http1_limits *limits = parser->limits;
    enum twi_http1_event event = piece(parser, at, end, UINT64_MAX);

    if (limits->body >= 0 && parser->body_bytes > (uint64_t)limits->body) {
        twi_http1_fail(parser, &tw_error_toolarge, 413, "body is too large");
        return TWI_HTTP1_ERROR;
    }
    return event;
}

static int chunk_size(struct twi_http1 *parser, const char **at, const char *end)
{
    const struct twi_http1_limits *limits = parser->limits;
    /* 16 digits and the line's end, beside the extensions. */
    size_t limit = limits->extensions - parser->extension_bytes_ + 18;
    struct line line;
    int r = next_line(parser, at, end, limit, &line);

    if (r <= 0)
        return r;
    if (twi_http1_chunk_line(parser, line.text, line.length) < 0)
        return -1;
    if (limits->body >= 0 && parser->chunk_left_ > limits->body - (int64_t)parser->body_bytes)
        return twi_http1_fail(parser, &tw_error_toolarge, 413, "body is too large");
    parser->state_ = parser->chunk_left_ > 0 ? TWI_H1_CHUNK_DATA : TWI_H1_TRAILERS;
    parser->head_bytes_ = parser->fields_ = 0;
    parser->passed_over_ = false;
    return 1;
}

/* The line end after a chunk's data; 1, 0, -1. */
static int chunk_end(struct twi_http1 *parser, const char **at, const char *end)
{
    if (*at == end)
        return 0;
    if (parser->state_ == TWI_H1_CHUNK_CR && **at == '\r')
        parser->state_ = TWI_H1_CHUNK_LF;
    else if (**at == '\n' && (parser->state_ == TWI_H1_CHUNK_LF || !parser->server_))
        parser->state_ = TWI_H1_CHUNK_SIZE;
    else
        return twi_http1_fail(parser, &tw_error_protocol, 400, "chunk does not end with CRLF");
    (*at)++;
    return 1;
}

/* 2 at their end. */
static int trailers(struct twi_http1 *parser, const char **at, const char *end)
{
    if (parser->trailers == NULL && *at < end && (**at != '\r' && **at != '\n')) {
        parser->trailers = tw_headers_new();
        if (parser->trailers == NULL)
            return twi_http1_fail_memory(parser);
    }
    return field_line(parser, parser->trailers, at, end);
}

static enum twi_http1_event chunked(struct twi_http1 *parser, const char **at, const char *end)
{
    for (;;) {
        enum twi_http1_event event;
        int r;

        switch (parser->state_) {
        case TWI_H1_CHUNK_SIZE:
            r = chunk_size(parser, at, end);
            break;
        case TWI_H1_CHUNK_DATA:
            event = piece(parser, at, end, (uint64_t)parser->chunk_left_);
            if (event == TWI_HTTP1_BODY) {
                parser->chunk_left_ -= (int64_t)parser->piece_length;
                if (parser->chunk_left_ == 0)
                    parser->state_ = TWI_H1_CHUNK_CR;
            }
            return event;
        case TWI_H1_TRAILERS:
            r = trailers(parser, at, end);
            break;
        default:
            r = chunk_end(parser, at, end);
            break;
        }
        if (r == 2)
            return http1_done(parser);
        if (r <= 0)
            return r == 0 ? TWI_HTTP1_MORE : TWI_HTTP1_ERROR;
    }
}

/* --- events ------------------------------------------------------------------------------ */

enum twi_http1_event twi_http1_next(struct twi_http1 *parser, const char **at, const char *end)
{
    int r;

    switch (parser->state_) {
    case TWI_H1_START:
    case TWI_H1_FIELDS:
        r = head(parser, at, end);
        return r > 0 ? TWI_HTTP1_HEAD : r == 0 ? TWI_HTTP1_MORE : TWI_HTTP1_ERROR;
    case TWI_H1_BODY_LENGTH:
        return body_length(parser, at, end);
    case TWI_H1_BODY_CLOSE:
        return body_close(parser, at, end);
    case TWI_H1_DONE:
        return TWI_HTTP1_DONE;
    case TWI_H1_FAILED:
        return TWI_HTTP1_ERROR;
    default:
        return chunked(parser, at, end);
    }
}

enum twi_http1_event twi_http1_received(struct twi_http1 *parser, size_t length)
{
    parser->body_bytes += length;
    if (parser->state_ != TWI_H1_BODY_LENGTH)
        return TWI_HTTP1_BODY;
    parser->remaining -= (int64_t)length;
    return parser->remaining == 0 ? http1_done(parser) : TWI_HTTP1_BODY;
}

enum twi_http1_event twi_http1_eof(struct twi_http1 *parser)
{
    const char *text = "the connection ended inside the body";

    if (parser->state_ == TWI_H1_BODY_CLOSE ||
        (parser->state_ == TWI_H1_BODY_LENGTH && parser->remaining == 0))
        return http1_done(parser);
    if (parser->state_ == TWI_H1_DONE)
        return TWI_HTTP1_DONE;
    if (parser->state_ == TWI_H1_FAILED)
        return TWI_HTTP1_ERROR;
    if (parser->state_ <= TWI_H1_FIELDS) {
        if (!parser->started_) {
            twi_http1_fail(parser, &tw_error_empty, 0,
                           parser->server_ ? "the connection ended without a request"
                                           : "the connection ended without an answer");
            return TWI_HTTP1_ERROR;
        }
        text = "the connection ended inside the header";
    }
    twi_http1_fail(parser, &tw_error_partial, 400, text);
    return TWI_HTTP1_ERROR;
}
