/* SPDX-License-Identifier: MIT */
/*
 * http1.h - the HTTP/1.1 codec for both directions: bytes in, events out.
 *
 * Pure: no descriptor, no clock. A parser is asked for the next event with the bytes that are
 * there; it parses in place and keeps a copy only of a line that is split over reads. Body
 * bytes are never copied: the event points into the caller's data. Strict for requests (a
 * server must not read a request that another would read differently), lenient for responses
 * where that is harmless. RFC 9112; the limits and the error of each fault are in the tables of
 * the tests.
 *
 *     const char *at = data, *end = data + length;
 *     for (;;)
 *         switch (twi_http1_next(&parser, &at, end)) {
 *         case TWI_HTTP1_MORE:   return;              everything is consumed
 *         case TWI_HTTP1_HEAD:   parser.status, parser.headers, parser.remaining ...; break;
 *         case TWI_HTTP1_BODY:   use(parser.piece, parser.piece_length); break;
 *         case TWI_HTTP1_DONE:   bytes from `at` on belong to the next message; return;
 *         case TWI_HTTP1_ERROR:  parser.error; the connection is of no more use; return;
 *         }
 */
#ifndef WEB_HTTP1_HTTP1_H
#define WEB_HTTP1_HTTP1_H

#include <tweed/failure.h>
#include <tweed/headers.h>

#include "base/buf.h"

enum twi_http1_event {
    TWI_HTTP1_MORE,
    TWI_HTTP1_HEAD,
    TWI_HTTP1_BODY,
    TWI_HTTP1_DONE,
    TWI_HTTP1_ERROR
};

struct twi_http1_error {
    const tw_error_class *error_class;
    const char *text; /* static */
    int status;       /* of a server's answer */
};

struct twi_http1_limits {
    size_t line;                 /* start line */
    size_t head;                 /* all header lines with their ends; the same for trailers */
    size_t fields;               /* header lines; the same for trailers */
    size_t extensions;           /* bytes of chunk extensions in one body */
    unsigned informational;      /* 1xx responses before the real one */
    int64_t body;                /* bytes; negative: none. Declared or counted, 413 */
};
/* 64 KiB, 100,000, 500, 4096, 50, none. */
extern const struct twi_http1_limits twi_http1_client_limits;
/* 8 KiB, 32 KiB, 100, 4096, -, 1 MiB. */
extern const struct twi_http1_limits twi_http1_server_limits;

/* One parser for each connection; about 200 bytes and, between messages, nothing else. */
struct twi_http1 {
    const struct twi_http1_limits *limits; /* lent */

    /* After HEAD. The text pointers live as long as `headers`, unchanged. */
    tw_headers *headers; /* the parser's, until taken by twi_http1_take_headers() */
    const char *method;  /* request */
    const char *target;  /* request */
    const char *reason;  /* response; "" if none */
    int status;          /* response */
    unsigned char minor; /* of HTTP/1.minor; above 1 reads as 1 */

    /* After HEAD; keep_alive is certain at DONE. */
    bool keep_alive;      /* the connection may carry another message */
    bool chunked;         /* the body is in chunks */
    bool until_close;     /* the body ends with the connection */
    bool expect_continue; /* request: the client waits for 100 before it sends the body */
    int64_t length;       /* Content-Length of this body; 0: no body; -1: not known before */
    int64_t remaining;    /* bytes of `length` still to come; -1 with that */

    const char *piece; /* after BODY */
    size_t piece_length;

    tw_headers *trailers; /* after DONE: NULL if there were none; the parser's */
    struct twi_http1_error error;
    size_t head_length;     /* bytes of this head so far, line ends included; whole after HEAD */
    unsigned informational; /* 1xx responses skipped so far */
    uint64_t body_bytes;    /* body bytes (without chunk framing) passed so far */

    unsigned char state_, seen_, empty_lines_;
    bool server_, no_body_, connect_, started_, unread_, passed_over_;
    size_t head_bytes_, fields_, extension_bytes_;
    uint32_t text_at_, target_at_; /* method or reason; places in the headers' text */
    int64_t chunk_left_;
    struct twi_buf held_; /* a line that has not ended yet */
};

/* --- parsing ----------------------------------------------------------------------------- */

/* Once for a connection. limits: NULL for the defaults above. */
void twi_http1_init_client(struct twi_http1 *parser, const struct twi_http1_limits *limits);
void twi_http1_init_server(struct twi_http1 *parser, const struct twi_http1_limits *limits);
void twi_http1_free(struct twi_http1 *parser);
/* Before each message; a client names the method that it sent (an answer to HEAD has no body,
 * CONNECT with 2xx makes a tunnel: DONE comes right after HEAD, and the bytes that follow are
 * the tunnel's). */
void twi_http1_begin(struct twi_http1 *parser, const char *method);

/* The next event from the bytes between *at and `end`; *at moves past the consumed ones. After
 * DONE nothing is consumed until twi_http1_begin(). */
enum twi_http1_event twi_http1_next(struct twi_http1 *parser, const char **at,
                                    const char *end);
/* `length` (at most `remaining`) body bytes were received past the parser, straight into their
 * place. BODY, or DONE when they were the last. */
enum twi_http1_event twi_http1_received(struct twi_http1 *parser, size_t length);
/* The peer will send no more. DONE (the body ends with the connection, or nothing was missing),
 * or ERROR: tw_error_empty when no byte of this message has come, otherwise
 * tw_error_partial. */
enum twi_http1_event twi_http1_eof(struct twi_http1 *parser);
/* True once a byte of the message has come. */
static inline bool twi_http1_started(const struct twi_http1 *parser)
{
    return parser->started_;
}
/* The headers become the caller's (tw_headers_free()); valid from HEAD on. */
tw_headers *twi_http1_take_headers(struct twi_http1 *parser);
tw_headers *twi_http1_take_trailers(struct twi_http1 *parser);

/* --- writing ----------------------------------------------------------------------------- */

/* Each appends to `buf` and returns 0, -EINVAL (CR, LF, NUL, not a token, white space in a
 * target; nothing is appended then), -ENOMEM. */
int twi_http1_write_request_line(struct twi_buf *buf, const char *method, const char *target,
                                 unsigned minor);
/* reason NULL: the usual one. */
int twi_http1_write_status_line(struct twi_buf *buf, unsigned minor, int status,
                                const char *reason);
int twi_http1_write_field(struct twi_buf *buf, const char *name, const char *value);
int twi_http1_write_number(struct twi_buf *buf, const char *name, uint64_t number);
int twi_http1_write_fields(struct twi_buf *buf, const tw_headers *headers);
int twi_http1_write_end(struct twi_buf *buf); /* the empty line */

/* The line before a chunk of `length` bytes (not 0), as text; returns its length. After the
 * chunk comes TWI_HTTP1_CHUNK_END, after the last one TWI_HTTP1_LAST_CHUNK. */
#define TWI_HTTP1_CHUNK_HEAD_SIZE 20
#define TWI_HTTP1_CHUNK_END "\r\n"
#define TWI_HTTP1_LAST_CHUNK "0\r\n\r\n"
size_t twi_http1_chunk_head(char text[TWI_HTTP1_CHUNK_HEAD_SIZE], size_t length);

/* The usual reason phrase, "" for a status that has none. */
const char *twi_http1_reason(int status);

#endif
