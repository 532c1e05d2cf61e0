/* SPDX-License-Identifier: MIT */
/*
 * http1_parse.h - shared by the parts of the HTTP/1.1 parser.
 *
 *     START -> FIELDS --+--> BODY_LENGTH ----------------------------+--> DONE
 *       ^        |      +--> BODY_CLOSE (ends with the connection) --+
 *       +--------+      +--> CHUNK_SIZE -> CHUNK_DATA -> CHUNK_CR -> CHUNK_LF --> CHUNK_SIZE
 *     (1xx skipped)              |
 *                                +--> TRAILERS --> DONE            any of them --> FAILED
 */
#ifndef WEB_HTTP1_HTTP1_PARSE_H
#define WEB_HTTP1_HTTP1_PARSE_H

#include "web/http/headers.h"
#include "web/http/syntax.h"
#include "web/http1/http1.h"

enum twi_http1_state {
    TWI_H1_START,
    TWI_H1_FIELDS,
    TWI_H1_BODY_LENGTH,
    TWI_H1_BODY_CLOSE,
    TWI_H1_CHUNK_SIZE,
    TWI_H1_CHUNK_DATA,
    TWI_H1_CHUNK_CR,
    TWI_H1_CHUNK_LF,
    TWI_H1_TRAILERS,
    TWI_H1_DONE,
    TWI_H1_FAILED
};

/* The framing fields seen so far. */
enum twi_http1_seen {
    TWI_H1_SEEN_CLOSE = 1,
    TWI_H1_SEEN_KEEP_ALIVE = 2,
    TWI_H1_SEEN_LENGTH = 4,
    TWI_H1_SEEN_CODING = 8,
    TWI_H1_SEEN_HOST = 16,
    TWI_H1_SEEN_CONTINUE = 32,
    TWI_H1_SEEN_OTHER_EXPECTATION = 64,
    TWI_H1_SEEN_ODD = 128 /* an answer that others may read in another way: not reused */
};

/* Drop the kept beginning of a line. */
static inline void twi_http1_drop_held(struct twi_http1 *parser)
{
    if (parser->held_.data != NULL)
        twi_buf_free(&parser->held_);
}

/* Sets the error and the state; always -1, for returning. */
int twi_http1_fail(struct twi_http1 *parser, const tw_error_class *error_class, int status,
                   const char *text);
int twi_http1_fail_memory(struct twi_http1 *parser);

/* The parts below return 0, or -1 after twi_http1_fail(). */

/* "HTTP/1.1 200 OK" or "GET / HTTP/1.1", without the line's end. */
int twi_http1_status_line(struct twi_http1 *parser, const char *line, size_t length);
int twi_http1_request_line(struct twi_http1 *parser, const char *line, size_t length);
/* True if the part of the first line that has come cannot become one. */
bool twi_http1_is_not_http(const struct twi_http1 *parser, const char *text, size_t length);
/* Read one field line into `headers`; framing fields are noted, except among trailers. The CR
 * or LF that ended the line is still behind it. */
int twi_http1_field_line(struct twi_http1 *parser, tw_headers *headers, const char *line,
                         size_t length);
/* Note the last field of an answer, now that no fold follows. */
int twi_http1_read_last(struct twi_http1 *parser);
/* True if the answer to this request ends with its head, whatever its fields say. */
bool twi_http1_is_bodiless(const struct twi_http1 *parser);
/* The head is complete: decide about the body and set the next state. */
int twi_http1_response_framing(struct twi_http1 *parser);
int twi_http1_request_framing(struct twi_http1 *parser);
/* "1a;name=value" */
int twi_http1_chunk_line(struct twi_http1 *parser, const char *line, size_t length);

#endif
