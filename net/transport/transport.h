/* SPDX-License-Identifier: MIT */
/*
 * transport.h - the inside of every kind of transport.
 *
 * A kind (stream, memory, TLS, ...) is a struct that begins with a tw_transport and a table of
 * functions. All that kinds have in common stands in transport.c: the life cycle, the queue of
 * bytes to be sent, producers and their watermarks, half close, the idle timeout, the counting
 * of references.
 *
 *     OPEN ------> LOSING ------> LOST       OPEN      reads and writes
 *      |  lose()     |  flushed    ^         LOSING    sends what is queued, reads no more
 *      |             v             |         ENDING    closed by one of our own calls;
 *      +--------> ENDING ----------+                   connection_lost is due
 *         abort()        end of turn         LOST      connection_lost has been called
 *
 * connection_lost is never called inside a call of the user's: a kind calls twi_transport_lost()
 * from the top of the turn only (a ready descriptor, its flush), twi_transport_end() elsewhere.
 * So a transport does not go away below a callback of its protocol.
 */
#ifndef NET_TRANSPORT_TRANSPORT_H
#define NET_TRANSPORT_TRANSPORT_H

#include "config.h"

#include <tweed/transport.h>

#include "base/list.h"
#include "reactor/face.h"
#include "net/transport/outbox.h"

enum twi_transport_state { TWI_OPEN, TWI_LOSING, TWI_ENDING, TWI_LOST };

struct twi_transport_ops {
    const char *name;
    /* At the end of a turn in which something was written, or lose() or lose_write() called:
     * send from transport->out, then call twi_transport_flushed(). */
    void (*flush)(tw_transport *transport);
    /* twi_transport_reading() may have changed. */
    void (*reading)(tw_transport *transport);
    /* Everything is flushed: shut our side down. NULL: half close is not supported. */
    void (*shut_write)(tw_transport *transport);
    /* Let go of the descriptor, the lower transport, ...; called once, before connection_lost.
     * `abort`: so that the peer sees it as broken. */
    void (*close)(tw_transport *transport, bool abort);
    /* Last: the kind's memory. */
    void (*free)(tw_transport *transport);
    /* The rest may be NULL. */
    /* Instead of close(), in the child of a fork(): let go of the descriptor, of which the parent
     * has a copy, and do nothing to what both of them refer to. */
    void (*leave)(tw_transport *transport);
    /* Nothing is queued: send at once, without a copy, as many bytes as the system takes;
     * returns how many. The flush of the rest finds an error. */
    size_t (*send_now)(tw_transport *transport, const void *data, size_t length);
    size_t (*unsent)(const tw_transport *transport); /* beyond transport->out */
    /* True if nothing has come that was not delivered, as far as a look can tell. */
    bool (*quiet)(const tw_transport *transport);
    /* For a filter, those of the lowest transport are called. */
    int (*describe)(const tw_transport *transport, bool peer, char *text, size_t size);
    int (*address)(const tw_transport *transport, struct sockaddr_storage *ret_address,
                   socklen_t *ret_length);
    int (*fd)(const tw_transport *transport);
    int (*set_option)(tw_transport *transport, int level, int option, int value);
};

struct twi_transport_extra;

struct tw_transport {
    const struct twi_transport_ops *ops;
    tw_protocol *protocol; /* owned; NULL for none and once lost */
    tw_factory *factory;   /* used by this connection */
    struct twi_transport_extra *extra_; /* producer, watermarks, timeout: few have any */
    struct twi_list node_;              /* among the thread's transports */
    struct twi_flush flush_;
    void *reason_; /* of the end that is due: a failure */
    struct twi_outbox out;
    unsigned refs_;
    uint8_t state; /* enum twi_transport_state */
    bool made : 1; /* connection_made has been called */
    bool paused : 1;
    bool eof : 1;          /* the peer sends no more */
    bool write_closing : 1; /* shut our side down after flushing */
    bool write_shut : 1;
    bool upper_wrote : 1; /* a filter above has something to send this turn */
    bool filter : 1;      /* a struct twi_filter */
    bool tells_sent : 1;  /* the protocol hears of each flush */
    bool had_producer : 1; /* when the connection was lost */
#if TWI_DEBUG
    const void *owner_; /* the thread */
#endif
};

/* A kind that runs over another transport begins with this. */
struct twi_filter {
    tw_transport base;
    tw_transport *lower; /* that it writes to, counted; NULL: not yet or no longer */
};

static inline tw_transport *twi_transport_lower(const tw_transport *transport)
{
    return transport->filter ? ((const struct twi_filter *)transport)->lower : NULL;
}

#if TWI_DEBUG
#define TWI_CHECK_TRANSPORT(transport) twi_assert_thread((transport)->owner_, "a transport")
#else
#define TWI_CHECK_TRANSPORT(transport) ((void)(transport))
#endif

/* Set up the common part of zeroed memory, with one reference: the connection's. 0, -ENOMEM. */
int twi_transport_init(tw_transport *transport, const struct twi_transport_ops *ops);
/* Make the connection: `protocol` (taken, may be NULL) gets connection_made. `factory` is counted,
 * may be NULL. The transport stays valid until the end of the turn, whatever the protocol does. */
void twi_transport_connect(tw_transport *transport, tw_protocol *protocol,
                           tw_factory *factory);

/* True if the protocol wants bytes. Ask before every delivery. */
static inline bool twi_transport_reading(const tw_transport *transport)
{
    return transport->state == TWI_OPEN && !transport->paused && !transport->eof;
}
/* The place where the protocol wants the next bytes, and the most that fit; NULL: by
 * twi_transport_deliver(). Ask before every delivery; then say how many came. */
char *twi_transport_own_buffer(tw_transport *transport, size_t *ret_size);
static inline char *twi_transport_buffer(tw_transport *transport, size_t *ret_size)
{
    tw_protocol *protocol = transport->protocol;

    if (protocol == NULL || protocol->protocol_class->get_buffer == NULL)
        return NULL;
    return twi_transport_own_buffer(transport, ret_size);
}
void twi_transport_filled(tw_transport *transport, size_t length);
/* Hand bytes to data_received. */
static inline void twi_transport_deliver(tw_transport *transport, const char *data,
                                         size_t length)
{
    tw_protocol *protocol = transport->protocol;

    if (protocol != NULL && protocol->protocol_class->data_received != NULL)
        protocol->protocol_class->data_received(protocol, data, length);
}
/* The end of the peer's stream: half close, or flush and close. May call connection_lost. */
void twi_transport_deliver_eof(tw_transport *transport);
/* Between these two calls, a write does not queue a flush for the end of the turn; release()
 * says whether one is due, which the caller does at once. */
static inline void twi_transport_hold(tw_transport *transport)
{
    if (!twi_flush_queued(&transport->flush_))
        twi_list_init(&transport->flush_.node_);
}
static inline bool twi_transport_release(tw_transport *transport)
{
    struct twi_list *node = &transport->flush_.node_;

    if (node->next != node)
        return false;
    node->next = NULL;
    if (transport->state == TWI_ENDING)
        twi_flush_later(&transport->flush_);
    return !twi_outbox_empty(&transport->out) || transport->state == TWI_LOSING ||
           transport->write_closing;
}
/* Call ops->flush at the end of this turn; in the flush phase itself, of the next. */
static inline void twi_transport_flush_later(tw_transport *transport)
{
    if (!twi_flush_queued(&transport->flush_))
        twi_flush_later(&transport->flush_);
}
/* After a flush that sent all or a part: the protocol is told and producers are resumed; once all
 * is sent a losing connection is closed (connection_lost) and a closing write side is shut. */
void twi_transport_flushed_slow(tw_transport *transport);
static inline void twi_transport_flushed(tw_transport *transport)
{
    if (transport->extra_ != NULL || transport->state != TWI_OPEN ||
        !twi_outbox_empty(&transport->out) || transport->write_closing ||
        transport->tells_sent)
        twi_transport_flushed_slow(transport);
}
/* The connection is over: close and connection_lost(reason), now. Takes `reason`. Does nothing
 * if it is lost already; a reason that was due takes precedence. */
void twi_transport_lost(tw_transport *transport, tw_value reason);
/* The same, with connection_lost at the end of the turn; closed (aborted) at once. */
void twi_transport_end(tw_transport *transport, tw_value reason);
/* The thread's failures for the ordinary ends; owned, need no memory. */
tw_value twi_reason_done(void);
tw_value twi_reason_lost(void);
tw_value twi_reason_aborted(void);

/* Owned: of the end that is due; else a loss. */
tw_value twi_transport_reason(const tw_transport *transport);

/* Put the filter `upper` (initialised, not connected) between `lower` and its protocol: the
 * protocol, factory, producer and timeout move up, with no event; `inner` (taken) becomes the
 * protocol of `lower`. Bytes that `lower` has queued stay there. upper->lower is set, with a
 * reference that twi_transport_lost() on `upper` gives back after ops->close(). */
void twi_transport_interpose(tw_transport *lower, struct twi_filter *upper,
                             tw_protocol *inner);

/* Build a protocol for a new connection; NULL: close it. */
tw_protocol *twi_factory_build(tw_factory *factory);
/* Count one more, and one fewer, listener or connection: calls started() and stopped(). NULL is
 * fine. */
tw_factory *twi_factory_use(tw_factory *factory);
void twi_factory_unuse(tw_factory *factory);

/* Connections of this thread not yet lost. */
size_t twi_transport_count(void);

#endif
