/* SPDX-License-Identifier: MIT */
/*
 * server.h - what the parts of the HTTP server share.
 *
 * A connection reads requests one after the other and keeps their answers in a queue; only the
 * first in the queue writes to the transport, what later ones write waits with them.
 */
#ifndef WEB_SERVER_SERVER_H
#define WEB_SERVER_SERVER_H

#include "web/server/service.h"

struct twi_connection;

/* --- the connection ---------------------------------------------------------------------- */

struct twi_connection {
    tw_protocol protocol;
    struct twi_service *service; /* counted */
    struct twi_http1 *parser; /* NULL between requests */
    tw_request *first, *last; /* whose answers are due, in this order */
    tw_request *reading;      /* whose body is coming in; the last one then */
    struct twi_wait waiting;
    uint64_t wait_mark; /* body bytes, or unsent bytes, when the wait began */
    struct twi_buf *backlog; /* received, not parsed while too many answers are due; or NULL */
    unsigned queued;        /* answers due */
    uint8_t wait;           /* enum twi_wait_kind */
    bool busy;              /* parsing: whoever finishes a request leaves the rest to it */
    bool blocked;           /* waits for the client to read */
    bool paused;            /* the transport is, by us */
    bool closing;           /* no more requests */
};

/* A protocol that serves the site; NULL when there is no memory. */
tw_protocol *twi_connection_new(struct twi_service *service);
/* The first request has finished: go on with the next. */
void twi_connection_advance(struct twi_connection *connection);
/* For the service's queues. */
void twi_connection_expired(struct twi_wait *wait);

/* --- the request ------------------------------------------------------------------------- */

/* A part of an answer whose turn has not come. */
struct twi_piece {
    struct twi_piece *next;
    tw_value bytes; /* or, when none: */
    struct twi_file *file;
    int64_t offset, length;
};

struct tw_request {
    unsigned refs;
    struct twi_service *service;       /* counted */
    struct twi_connection *connection; /* NULL: the client has gone */
    tw_request *next;                  /* in the connection's queue */
    tw_headers *headers;
    const char *method, *target; /* inside headers */
    const char *query;           /* inside target */
    struct twi_path path;
    struct twi_buf collected; /* the body while it comes in */
    tw_value body;
    tw_handler *handler; /* NULL: nothing is served there */
    void *handler_arg;
    tw_deferred *pending; /* what the handler waits for */
    void (*gone)(tw_request *request, void *arg);
    void *gone_arg;
    tw_headers *answer; /* NULL until a header is set */
    const char *content_type; /* of tw_request_answer(); lent while the head is written */
    char *reason;
    int64_t declared;    /* Content-Length of the answer; -1: not known */
    uint64_t body_bytes; /* of the answer */
    struct twi_piece *pieces, **pieces_end;
    int status;
    unsigned char minor;
    bool head_only;       /* HEAD */
    bool wants_continue;  /* 100 has not been sent */
    bool complete;        /* all of the request is here */
    bool head_sent, chunked, finished;
    bool close;  /* the connection ends with this answer */
    bool linger; /* ... and bytes of the client may still be on their way */
    bool is_over; /* on_finished has been called */
    bool is_bad;  /* the path has no normal form */
    char path_space[128];
};

/* A request for what the parser has read; it takes the headers. NULL when there is no memory. */
tw_request *twi_request_new(struct twi_connection *connection, struct twi_http1 *parser);
/* A request that could not be read. */
tw_request *twi_request_broken(struct twi_connection *connection);
void twi_request_unref(tw_request *request);
/* All of it is here: call the handler. */
void twi_request_dispatch(tw_request *request);
/* Its turn has come: send what waited. */
void twi_request_flush(tw_request *request);
void twi_request_drop_pieces(tw_request *request);
/* Not for HEAD, nor with a status that has none. */
bool twi_request_has_body(const tw_request *request);
/* As tw_request_answer(), with bytes; out of memory ends request and connection. */
int twi_request_answer(tw_request *request, int status, const char *content_type,
                       tw_value body);
/* A whole body at once; takes it. */
int twi_request_put_body(tw_request *request, tw_value body);
/* The answer is written. */
void twi_request_finished(tw_request *request);
/* The client has gone; takes one reference beside the first. */
void twi_request_gone(tw_request *request);
/* Tell the log, once. */
void twi_request_over(tw_request *request);

/* A file that is being sent; counted, closed at the last reference. */
struct twi_file {
    unsigned refs;
    int fd;
};
struct twi_file *twi_file_new(int fd); /* NULL: no memory, fd is closed */
void twi_file_unref(struct twi_file *file);
/* Parts of a body whose length was declared. 0 or negative errno. */
int twi_request_put_file(tw_request *request, struct twi_file *file, int64_t offset,
                         int64_t length);

/* Append `text` with what HTML would take for markup escaped. 0 or -ENOMEM. */
int twi_html_escape(struct twi_buf *page, const char *text);

#endif
