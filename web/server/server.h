/*
 * server.h - what the parts of the HTTP server share.
 *
 * A connection reads requests one after the other and keeps their answers in a queue; only the
 * first in the queue writes to the transport, what later ones write waits with them. Connections
 * that wait for the same thing stand in one queue of the site: equal durations keep it ordered,
 * so that a queue needs one timed call and a request two list operations.
 */
#ifndef WEB_SERVER_SERVER_H
#define WEB_SERVER_SERVER_H

#include <tweed/server.h>

#include "base/list.h"
#include "web/http/headers.h"
#include "web/http1/http1.h"
#include "web/http/http_date.h"

struct twi_connection;

/* --- the site ---------------------------------------------------------------------------- */

struct twi_route {
    char *path;
    size_t length;
    bool below; /* ends with "/" */
    tw_handler *handler;
    void *arg;
    tw_release_fn *release;
};

/* What a connection waits for. */
enum twi_wait {
    TWI_WAIT_IDLE,   /* the first byte of a request, or the client to read */
    TWI_WAIT_HEADER, /* the rest of a head */
    TWI_WAIT_BODY,   /* bytes of a body, enough of them */
    TWI_WAIT_LINGER, /* the client to read the last answer and close */
    TWI_WAIT_COUNT,
    TWI_WAIT_NONE = TWI_WAIT_COUNT
};

struct twi_wait_queue {
    tw_site *site;
    struct twi_list list; /* of struct twi_connection, by deadline */
    int64_t duration;     /* 0: never */
    int64_t call;         /* 0: none is set */
};

struct tw_site {
    unsigned refs;
    unsigned connections, max_connections, max_pipelined;
    struct twi_http1_limits limits;
    struct twi_wait_queue waits[TWI_WAIT_COUNT];
    double body_rate; /* bytes a second */
    struct twi_route *routes; /* longest first */
    size_t route_count, route_capacity;
    void (*on_finished)(tw_request *request, void *arg);
    void *on_finished_arg;
    struct twi_http1 *spare_parser;
    tw_headers *spare_headers;
    tw_value empty;         /* bytes */
    struct twi_buf scratch; /* heads are built here */
    /* "HTTP/1.1 200 OK", Server and Date with their line ends: how most answers begin. */
    char *ok_lines;
    size_t ok_length, server_length;
    int64_t date_until; /* by the turn's clock */
};

/* The route for a path, or NULL. */
const struct twi_route *twi_site_route(const tw_site *site, const char *path);
/* A route for path + "/" exists. */
bool twi_site_has_below(const tw_site *site, const char *path);
/* Bring the Date in ok_lines up to the second. */
void twi_site_update_date(tw_site *site);
/* "Server: ...\r\n", and "Date: ...\r\n" of now. */
const char *twi_site_server_line(const tw_site *site);
const char *twi_site_date_line(tw_site *site);
enum { TWI_DATE_LINE_LENGTH = 6 + TWI_HTTP_DATE_SIZE - 1 + 2 };
struct twi_http1 *twi_site_take_parser(tw_site *site);
void twi_site_give_parser(tw_site *site, struct twi_http1 *parser);
void twi_site_give_headers(tw_site *site, tw_headers *headers);

/* --- the connection ---------------------------------------------------------------------- */

struct twi_connection {
    tw_protocol protocol;
    tw_site *site;
    struct twi_http1 *parser; /* NULL between requests */
    tw_request *first, *last; /* whose answers are due, in this order */
    tw_request *reading;      /* whose body is coming in; the last one then */
    struct twi_list wait_node;
    int64_t deadline;
    uint64_t wait_mark; /* body bytes, or unsent bytes, when the wait began */
    struct twi_buf *backlog; /* received, not parsed while too many answers are due; or NULL */
    unsigned queued;        /* answers due */
    uint8_t wait;           /* enum twi_wait */
    bool busy;              /* parsing: whoever finishes a request leaves the rest to it */
    bool blocked;           /* waits for the client to read */
    bool paused;            /* the transport is, by us */
    bool closing;           /* no more requests */
};

/* A protocol that serves `site` (counted); NULL when there is no memory. */
tw_protocol *twi_connection_new(tw_site *site);
/* The first request has finished: go on with the next. */
void twi_connection_advance(struct twi_connection *connection);
/* The queue's deadline for this connection has come. */
void twi_connection_expired(struct twi_connection *connection);
void twi_wait_set(struct twi_connection *connection, enum twi_wait wait);

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
    tw_site *site;
    struct twi_connection *connection; /* NULL: the client has gone */
    tw_request *next;                  /* in the connection's queue */
    tw_headers *headers;
    const char *method, *target; /* inside headers */
    const char *query;           /* inside target */
    char *path;
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
    bool is_bad;  /* the path cannot be decoded */
    char path_space[64];
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

/* --- static files ------------------------------------------------------------------------ */

/* A page that lists a directory (fd is closed) at `path`. 0 or negative errno. */
int twi_listing(int fd, const char *path, struct twi_buf *page);
/* By the ending of a name. */
const char *twi_mime_type(const char *name);

struct twi_range {
    int64_t first, last; /* inclusive */
};
enum { TWI_RANGES_MAX = 16 };
/*
 * Read a Range field for a body of `size` bytes (RFC 9110, 14.2).
 * Returns how many ranges there are; 0 to send the whole (not bytes, malformed, too many, more
 * in sum than the whole); -ERANGE when none can be satisfied.
 */
int twi_ranges_parse(const char *text, int64_t size, struct twi_range ranges[TWI_RANGES_MAX]);

#endif
