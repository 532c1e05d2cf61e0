/* SPDX-License-Identifier: MIT */
/*
 * stream.h - the inside of a stream.
 *
 *     tw_stream ------------> struct twi_stream_link (a tw_protocol) ------> the transport
 *     counted by users and   <---- (uncounted) ----
 *     by what waits on it
 *
 * Either may be freed first: a stream without a connection still gives the bytes that came; a
 * connection without its stream is flushed and closed.
 */
#ifndef NET_STREAM_STREAM_H
#define NET_STREAM_STREAM_H

#include <tweed/stream.h>

#include "base/list.h"
#include "defer/waiters.h"
#include "net/transport/input.h"

struct twi_stream_link {
    tw_protocol base;
    tw_stream *stream; /* NULL: gone */
    size_t unsent;     /* after a close, at the last look */
};

/* The condition that a reader waits for. */
enum twi_wanted {
    TWI_NOTHING,
    TWI_SOME,
    TWI_EXACTLY,
    TWI_PEEK,
    TWI_LINE,
    TWI_UNTIL,
    TWI_TO_END,
    TWI_HANDSHAKE
};

struct twi_read {
    enum twi_wanted wanted;
    uint32_t delimiter_length;
    size_t count; /* or limit */
    const char *delimiter;
};

struct tw_stream {
    struct twi_stream_link *link; /* NULL: lost */
    unsigned references;
    bool eof : 1;         /* the peer has sent all */
    bool paused : 1;      /* the peer has to wait */
    bool closing : 1;     /* by us */
    bool aborted : 1;     /* by us */
    bool write_ended : 1; /* by us */
    double timeout;       /* of each wait, in seconds; 0: none */
    struct twi_input input;
    size_t searched;      /* of the input so far, for the delimiter of `read` */
    size_t limit;
    struct twi_read read;
    tw_deferred *reader;  /* waits for `read` */
    void *reason;         /* of the loss: a failure */
    struct twi_waiters drains, ends; /* waits for a drain, for the end */
    tw_transport *drained;   /* the transport that it is a producer of, while a drain waits */
};

/* The files, each calling those before it only: stream.c (its life), stream_reader.c,
 * stream_writer.c, stream_tls.c, stream_link.c, stream_server.c. */

/* --- stream.c ------------------------------------------------------------------------ */

#define TWI_STREAM_LIMIT 65536 /* bytes, the default */

/* A stream for a link without one; NULL when there is no memory. */
tw_stream *twi_stream_new(struct twi_stream_link *link);
/* Its last reference has gone. */
void twi_stream_free(tw_stream *stream);
/* Flush and close the connection; a peer that takes nothing for a while is cut off. */
void twi_stream_close_link(struct twi_stream_link *link);
/* The stream's transport; NULL when there is none yet, or no longer. */
static inline tw_transport *twi_stream_transport(const tw_stream *stream)
{
    return stream != NULL && stream->link != NULL ? stream->link->base.transport : NULL;
}
static inline tw_value twi_stream_reason(const tw_stream *stream)
{
    return tw_lend(tw_value_of(&tw_type_failure, stream->reason));
}
/* Give a wait the stream's timeout; returns the argument, or NULL when there is no memory. */
tw_deferred *twi_stream_limit(const tw_stream *stream, tw_deferred *wait);
static inline tw_deferred *twi_stream_limited(const tw_stream *stream, tw_deferred *wait)
{
    return stream->timeout > 0 ? twi_stream_limit(stream, wait) : wait;
}

/* --- stream_reader.c ----------------------------------------------------------------- */

/* More bytes or the end have come: fire the reader if that is enough. */
void twi_stream_serve(tw_stream *stream);
/* Fire the reader with `result` (taken). */
void twi_stream_finish(tw_stream *stream, tw_value result);
/* Take the reader out: its Deferred is now the caller's to fire or to drop, and so is the
 * reference of the stream that it held. */
tw_deferred *twi_stream_leave(tw_stream *stream);
/* Drop `length` unread bytes. */
void twi_stream_skip(tw_stream *stream, size_t length);
/* The reason why a read may not begin now; NULL: it may. */
const char *twi_stream_forbidden(const tw_stream *stream);
/* A failed Deferred. */
tw_deferred *twi_stream_misused(const char *where, const char *what);
/* Make the peer wait or go on, by the number of unread bytes. */
void twi_stream_throttle_now(tw_stream *stream);
static inline void twi_stream_throttle(tw_stream *stream)
{
    if (stream->paused || stream->input.length > stream->limit)
        twi_stream_throttle_now(stream);
}

/* --- stream_writer.c ----------------------------------------------------------------- */

/* The connection is lost: tell all waits. */
void twi_stream_tell_lost(tw_stream *stream);
/* Unregister as a producer, so that the connection can be closed. */
void twi_stream_stop_draining(tw_stream *stream);

/* --- stream_link.c ------------------------------------------------------------------- */

/* The functions of a link's class. */
void twi_stream_received(tw_protocol *protocol, const char *data, size_t length);
void twi_stream_ended(tw_protocol *protocol);
void twi_stream_lost(tw_protocol *protocol, tw_value reason);
void twi_stream_released(tw_protocol *protocol);
#define TWI_STREAM_PROTOCOL                                                                \
    .data_received = twi_stream_received, .read_connection_lost = twi_stream_ended,        \
    .connection_lost = twi_stream_lost, .released = twi_stream_released

#endif
