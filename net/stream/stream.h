/* SPDX-License-Identifier: MIT */
/*
 * stream.h - what a stream is inside.
 *
 *     tw_stream ------------> struct twi_stream_link (a tw_protocol) ------> the transport
 *     counted by users and   <---- (uncounted) ----
 *     by what waits on it
 *
 * Either may go first: a stream without a connection still gives what came; a connection without
 * its stream is flushed and closed.
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
    size_t unsent;     /* after a close: when it was last looked at */
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
    size_t searched;      /* so far of the input, for what `read` looks for */
    size_t limit;
    struct twi_read read;
    tw_deferred *reader;  /* who waits for it */
    void *reason;         /* of the loss: a failure */
    struct twi_waiters drains, ends; /* who waits for one */
    tw_transport *drained;   /* whose producer it is, while somebody waits for a drain */
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
/* NULL when there is none, not yet or no more. */
static inline tw_transport *twi_stream_transport(const tw_stream *stream)
{
    return stream != NULL && stream->link != NULL ? stream->link->base.transport : NULL;
}
static inline tw_value twi_stream_reason(const tw_stream *stream)
{
    return tw_lend(tw_value_of(&tw_type_failure, stream->reason));
}
/* Limit a wait as the stream says: the argument again, or NULL when there is no memory for it. */
tw_deferred *twi_stream_limit(const tw_stream *stream, tw_deferred *wait);
static inline tw_deferred *twi_stream_limited(const tw_stream *stream, tw_deferred *wait)
{
    return stream->timeout > 0 ? twi_stream_limit(stream, wait) : wait;
}

/* --- stream_reader.c ----------------------------------------------------------------- */

/* More has come, or the end: fire who reads, if that is enough. */
void twi_stream_serve(tw_stream *stream);
/* Fire who reads with `result` (taken). */
void twi_stream_finish(tw_stream *stream, tw_value result);
/* Nobody reads any longer: the Deferred is now the caller's to fire or to let go, and so is the
 * reference of the stream that it held. */
tw_deferred *twi_stream_leave(tw_stream *stream);
/* Drop so many bytes that are unread. */
void twi_stream_skip(tw_stream *stream, size_t length);
/* Why a read may not begin now; NULL: it may. */
const char *twi_stream_forbidden(const tw_stream *stream);
/* A failed Deferred. */
tw_deferred *twi_stream_misused(const char *where, const char *what);
/* Let the peer wait, or go on, as what is unread demands. */
void twi_stream_throttle_now(tw_stream *stream);
static inline void twi_stream_throttle(tw_stream *stream)
{
    if (stream->paused || stream->input.length > stream->limit)
        twi_stream_throttle_now(stream);
}

/* --- stream_writer.c ----------------------------------------------------------------- */

/* The connection is lost: those who wait hear of it. */
void twi_stream_tell_lost(tw_stream *stream);
/* Be no producer any longer, so that the connection can be closed. */
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
