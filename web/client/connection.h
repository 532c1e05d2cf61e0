/* SPDX-License-Identifier: MIT */
/*
 * connection.h - the client's side of a connection: its operations, and its events.
 *
 *     pool, hop ---- twi_connection_ops ---->  connection (HTTP/1, later HTTP/2)
 *     request    <--- twi_exchange_sink ----
 *
 * An exchange is one request and its answer. A connection carries up to `capacity` of them at
 * once; it knows how a message is framed and nothing of hops, redirects or the pool. Upwards it
 * speaks only through the sink of the exchange and, about itself, through the owner's functions.
 */
#ifndef WEB_CLIENT_CONNECTION_H
#define WEB_CLIENT_CONNECTION_H

#include <tweed/cache.h>
#include <tweed/failure.h>
#include <tweed/headers.h>
#include <tweed/resolver.h>
#include <tweed/value.h>

#include "base/list.h"

struct twi_connection;
struct twi_exchange;
struct twi_host;
struct twi_message;

/* Takes one field; 0 or -ENOMEM. Name and value have been checked. */
typedef int twi_field_fn(void *arg, const char *name, size_t name_length, const char *value,
                         size_t value_length);

/* A request as it shall go out, whatever the protocol; all of it lent for the start(). */
struct twi_message {
    const char *method;
    const char *origin;      /* "http://host:port" before the path, for a proxy; NULL: not said */
    const char *path, *query; /* "/path" and "?query"; of a tunnel "host:port" and "" */
    /* Calls `put` for each field in their order, Host first; Content-Length is among them,
     * Transfer-Encoding is not. 0, or the error of `put`. */
    int (*fields)(const struct twi_message *message, twi_field_fn *put, void *arg);
    tw_value body;           /* bytes; none */
    bool has_source;         /* the body comes by the sink's read() */
    bool length_known;       /* a Content-Length was said for it */
    bool http10;             /* use that version, where there is a choice */
    bool says_connection;    /* a Connection field is among the fields */
    bool last;               /* nothing shall follow on the same connection */
    bool tunnel;             /* CONNECT: bytes that follow a 2xx answer are not HTTP */
    size_t max_head, max_fields; /* of the answer's head; 0: the usual limits */
};

/* The head of an answer. */
struct twi_answer {
    int status;
    unsigned minor;      /* of HTTP/1.minor */
    const char *reason;  /* lives as long as the headers, unchanged */
    tw_headers *headers; /* the callee's */
    int64_t length;      /* of the body; -1: not known */
    bool until_close;    /* the body ends with the connection */
    enum tw_cache_source source;
};

/* The ways in which an exchange ends without a whole answer. */
enum twi_exchange_end {
    TWI_EXCHANGE_UNSENT,     /* the peer has not got any of the request */
    TWI_EXCHANGE_UNANSWERED, /* no byte has come */
    TWI_EXCHANGE_CUT,        /* the connection ended inside the answer */
    TWI_EXCHANGE_BROKEN      /* the answer is no HTTP, or over a limit */
};

/* The bytes of an exchange on the wire, beside the head of its request. */
enum twi_wire {
    TWI_WIRE_HEAD,     /* of the answer, whole; of none that is interim */
    TWI_WIRE_SENT,     /* of the request's body */
    TWI_WIRE_RECEIVED, /* of the answer's body */
    TWI_WIRE_WHOLE     /* the answer is; no bytes */
};

struct twi_exchange_failure {
    enum twi_exchange_end end;
    tw_value reason;                    /* lent: of the connection's end */
    const tw_error_class *error_class;  /* when broken */
    const char *text;                   /* when broken; static */
};

/*
 * The events of an exchange. Any of these functions may cancel it, after which nothing more is
 * heard; done() and failed() are the last, and the connection has let go of it by then. Static;
 * `went_out`, `wire`, `read`, `place` and `placed` may be NULL.
 */
struct twi_exchange_sink {
    /* The head as it stands on the wire, lent; only if `tell_head` of the exchange. */
    void (*went_out)(struct twi_exchange *exchange, const char *head, size_t length);
    /* Bytes with their framing, before the event that they make; only if `tell_wire`. */
    void (*wire)(struct twi_exchange *exchange, enum twi_wire what, const char *data,
                 size_t length);
    /* More of the request's body, at most `size` bytes: how many; 0 at its end; -EAGAIN: later,
     * by send_more(). When the source fails, the exchange is cancelled. */
    int64_t (*read)(struct twi_exchange *exchange, char *data, size_t size);
    /* All of the request is handed to the transport. */
    void (*sent)(struct twi_exchange *exchange);
    /* The first byte of the answer has come. */
    void (*began)(struct twi_exchange *exchange);
    void (*head)(struct twi_exchange *exchange, const struct twi_answer *answer);
    /* Some bytes of the body, as it was sent, without its framing; not empty; lent. */
    void (*body)(struct twi_exchange *exchange, const char *data, size_t length);
    /* The place where the next `most` bytes of the body may be received directly; NULL: by
     * body(). Then the number that came. */
    char *(*place)(struct twi_exchange *exchange, int64_t most, size_t *ret_size);
    void (*placed)(struct twi_exchange *exchange, size_t length);
    /* All that had come has been delivered, and more is expected. */
    void (*moved)(struct twi_exchange *exchange);
    void (*done)(struct twi_exchange *exchange);
    void (*failed)(struct twi_exchange *exchange, const struct twi_exchange_failure *failure);
};

/* One request and its answer; embedded in the one who asks. */
struct twi_exchange {
    const struct twi_exchange_sink *sink;
    struct twi_connection *connection; /* NULL: not started, or over */
    bool tell_head, tell_wire;
};

/* The progress of the sending. */
struct twi_sending {
    size_t unsent;       /* bytes that the system has not got */
    bool more;           /* the body's source has not ended */
    bool shaking_hands;  /* nothing is sent before TLS inside a tunnel is up */
};

struct twi_connection_ops {
    const char *name;
    /* Send `message`; the answer goes to exchange->sink. head() and later events never come
     * inside this call. 0; or -ENOMEM, then it is not started, and the connection may be
     * spent. */
    int (*start)(struct twi_connection *connection, struct twi_exchange *exchange,
                 const struct twi_message *message);
    /* End the exchange: its sink hears nothing more. */
    void (*cancel)(struct twi_exchange *exchange);
    /* After a pause no event comes until the resume, unless the connection ends: then all that
     * had come, and the end. A resume may call the sink. */
    void (*pause)(struct twi_exchange *exchange);
    void (*resume)(struct twi_exchange *exchange);
    /* The source that read() returned -EAGAIN for has more. */
    void (*send_more)(struct twi_exchange *exchange);
    struct twi_sending (*sending)(const struct twi_exchange *exchange);
    /* A look before the connection is used again: true if the peer has neither ended it nor
     * sent bytes that nobody asked for. */
    bool (*quiet)(struct twi_connection *connection);
    /* Close; `at_once` drops what is unsent. The owner's lost() comes later, or never if it has
     * none. */
    void (*close)(struct twi_connection *connection, bool at_once);
};

/* The owner, which hears of a connection as a whole. */
struct twi_connection_owner {
    /* It takes no further exchange (`spent` is set) though none has just ended. */
    void (*spent)(struct twi_connection *connection);
    /* It is gone, and its memory is about to be. Exchanges hear of it after this. */
    void (*lost)(struct twi_connection *connection);
};

/* The pool's notes on a connection. */
struct twi_pooled {
    struct twi_host *host;     /* as long as it counts as open */
    struct twi_list node;      /* among those of the host with room */
    struct twi_list idle_node; /* among those of the pool without any exchange */
    struct twi_list places;    /* that are taken */
    union tw_socket_address address; /* of the other end; family 0: none */
    int64_t made_at, idle_since;
    size_t uses, taken;
    bool closing;
    bool settled; /* unused for a whole turn */
};

struct twi_connection {
    const struct twi_connection_ops *ops;
    const struct twi_connection_owner *owner; /* NULL: none yet */
    size_t capacity;                          /* exchanges at once */
    bool spent;                               /* no further exchange */
    struct twi_pooled pooled;
};

/* --- short forms for the owner of an exchange ------------------------------------------- */

/* Does nothing when the exchange is over. */
static inline void twi_exchange_cancel(struct twi_exchange *exchange)
{
    if (exchange->connection != NULL)
        exchange->connection->ops->cancel(exchange);
}

static inline void twi_exchange_pause(struct twi_exchange *exchange)
{
    if (exchange->connection != NULL)
        exchange->connection->ops->pause(exchange);
}

#endif
