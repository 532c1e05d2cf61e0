/* SPDX-License-Identifier: MIT */
/*
 * transport.c - the life of a connection of any kind.
 *
 * See transport.h for the states. State changes in become() only.
 */
#include "net/transport/transport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "base/compiler.h"
#include "net/transport/flow.h"
#include "net/transport/protocol.h"

/* --- the thread's connections ------------------------------------------------------- */

static int transports_begin(void);
static void transports_stop(void);
static void transports_end(void);
static void transports_left(void);

struct transports {
    struct twi_loop_state state;
    struct twi_list list;
    size_t count;
    tw_value done, lost, aborted;
    struct twi_cemetery cemetery;
};

static const struct twi_loop_user transports_user = { .size = sizeof(struct transports),
                                                      .begin = transports_begin,
                                                      .stop = transports_stop,
                                                      .end = transports_end,
                                                      .left = transports_left };
static TWI_OWN_TLS struct twi_loop_state *transports_here;

/* NULL before the first, and when the reactor has gone. */
static inline struct transports *transports(void)
{
    return (struct transports *)transports_here;
}

tw_value twi_reason_done(void)
{
    return transports() != NULL ? tw_retain(transports()->done) : tw_none();
}

tw_value twi_reason_lost(void)
{
    return transports() != NULL ? tw_retain(transports()->lost) : tw_none();
}

tw_value twi_reason_aborted(void)
{
    return transports() != NULL ? tw_retain(transports()->aborted) : tw_none();
}

size_t twi_transport_count(void)
{
    return transports() != NULL ? transports()->count : 0;
}

/* The transports of this moment are lost; those that a connection_lost makes are not. */
static void transports_stop(void)
{
    struct twi_list all, *node;

    twi_list_init(&all);
    twi_list_splice(&all, &transports()->list);
    while ((node = twi_list_take_first(&all)) != NULL)
        twi_transport_lost(TWI_CONTAINER(node, tw_transport, node_), twi_reason_lost());
}

static void release_reasons(void)
{
    tw_drop(&transports()->done);
    tw_drop(&transports()->lost);
    tw_drop(&transports()->aborted);
}

static void transports_end(void)
{
    while (!twi_list_empty(&transports()->list))
        transports_stop();
    twi_protocols_bury(&transports()->cemetery);
    release_reasons();
}

/* The failures for the ordinary ends are made beforehand: closing then needs no memory. */
static int make_reasons(void)
{
    transports()->done = tw_fail(&tw_error_connection_done, "the connection ended cleanly");
    transports()->lost = tw_fail(&tw_error_connection_lost, "the connection was lost");
    transports()->aborted = tw_fail(&tw_error_connection_aborted,
                                    "the connection was aborted");
    if (tw_failure_is(transports()->done, &tw_error_memory) ||
        tw_failure_is(transports()->lost, &tw_error_memory) ||
        tw_failure_is(transports()->aborted, &tw_error_memory)) {
        release_reasons();
        return -ENOMEM;
    }
    return 0;
}

static int transports_begin(void)
{
    size_t size;
    int r;

    if (twi_loop_read_buffer(&size) == NULL) /* from now on the buffer exists */
        return -ENOMEM;
    r = make_reasons();
    if (r < 0)
        return r;
    twi_list_init(&transports()->list);
    return 0;
}

/* --- the life cycle ----------------------------------------------------------------- */

static const unsigned may_become[] = {
    [TWI_OPEN] = 1u << TWI_LOSING | 1u << TWI_ENDING | 1u << TWI_LOST,
    [TWI_LOSING] = 1u << TWI_ENDING | 1u << TWI_LOST,
    [TWI_ENDING] = 1u << TWI_LOST,
    [TWI_LOST] = 0,
};

static bool become(tw_transport *transport, enum twi_transport_state next)
{
    if ((may_become[transport->state] & 1u << next) == 0)
        return false;
    transport->state = (uint8_t)next;
    return true;
}

/* Their protocols hear nothing: the connections go on in the parent. */
static void transports_left(void)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(&transports()->list)) != NULL) {
        tw_transport *transport = TWI_CONTAINER(node, tw_transport, node_);

        become(transport, TWI_LOST);
        if (transport->ops->leave != NULL)
            transport->ops->leave(transport);
    }
    release_reasons();
}

static void transport_end_of_turn(struct twi_flush *flush)
{
    tw_transport *transport = TWI_CONTAINER(flush, tw_transport, flush_);

    if (transport->state == TWI_ENDING)
        twi_transport_lost(transport, tw_none());
    else if (transport->state != TWI_LOST)
        transport->ops->flush(transport);
}

int twi_transport_init(tw_transport *transport, const struct twi_transport_ops *ops)
{
    int r = twi_loop_use(&transports_user, &transports_here);

    if (r < 0)
        return r;
    transport->ops = ops;
    transport->refs_ = 1;
#if TWI_DEBUG
    transport->owner_ = twi_thread_self();
#endif
    transport->flush_.fn = transport_end_of_turn;
    twi_list_append(&transports()->list, &transport->node_);
    transports()->count++;
    return 0;
}

static void call_connection_made(tw_transport *transport, tw_protocol *protocol)
{
    protocol->transport = transport;
    if (protocol->protocol_class->connection_made != NULL)
        protocol->protocol_class->connection_made(protocol);
}

void twi_transport_connect(tw_transport *transport, tw_protocol *protocol, tw_factory *factory)
{
    transport->made = true;
    transport->protocol = protocol;
    transport->factory = twi_factory_use(factory);
    if (protocol != NULL)
        call_connection_made(transport, protocol);
}

/* After these reasons the system may still deliver the bytes that it has taken; after others (a
 * TLS error) the peer shall see a broken connection. */
static bool is_orderly(tw_value reason)
{
    return tw_failure_is(reason, &tw_error_connection_done) ||
           tw_failure_is(reason, &tw_error_connection_lost);
}

static void close_and_stop(tw_transport *transport, bool abort, int error)
{
    transport->ops->close(transport, abort);
    twi_outbox_drop(&transport->out, error);
}

void twi_transport_end(tw_transport *transport, tw_value reason)
{
    if (!become(transport, TWI_ENDING)) {
        tw_release(reason);
        return;
    }
    transport->reason_ = tw_take(reason).as.pointer;
    close_and_stop(transport, true, -ECANCELED);
    twi_transport_flush_later(transport);
}

tw_value twi_transport_reason(const tw_transport *transport)
{
    if (transport->reason_ == NULL)
        return twi_reason_lost();
    return tw_retain(tw_value_of(&tw_type_failure, transport->reason_));
}

void twi_transport_lost(tw_transport *transport, tw_value reason)
{
    tw_protocol *protocol = transport->protocol;
    bool ending = transport->state == TWI_ENDING;
    struct twi_flow_watcher watcher;
    tw_transport *lower;

    if (!become(transport, TWI_LOST)) {
        tw_release(reason);
        return;
    }
    if (ending) {
        tw_release(reason);
        reason = tw_value_of(&tw_type_failure, transport->reason_);
        transport->reason_ = NULL;
    } else {
        reason = tw_take(reason);
    }
    twi_flush_cancel(&transport->flush_);
    twi_list_remove(&transport->node_);
    transports()->count--;
    if (!ending)
        close_and_stop(transport, !is_orderly(reason), -ECANCELED);
    else /* bytes of a layer above, which hears of the end only now */
        twi_outbox_drop(&transport->out, -ECANCELED);
    lower = twi_transport_lower(transport);
    if (lower != NULL)
        ((struct twi_filter *)transport)->lower = NULL;
    watcher = twi_flow_end(transport);
    if (protocol != NULL && transport->made &&
        protocol->protocol_class->connection_lost != NULL)
        protocol->protocol_class->connection_lost(protocol, tw_lend(reason));
    transport->protocol = NULL;
    if (protocol != NULL) {
        protocol->transport = NULL;
        tw_protocol_free(protocol);
    }
    twi_factory_unuse(transport->factory);
    transport->factory = NULL;
    if (watcher.lost != NULL)
        watcher.lost(tw_lend(reason), watcher.arg);
    tw_release(reason);
    if (lower != NULL)
        tw_transport_unref(lower);
    tw_transport_unref(transport);
}

tw_transport *tw_transport_ref(tw_transport *transport)
{
    TWI_CHECK_TRANSPORT(transport);
    transport->refs_++;
    return transport;
}

void tw_transport_unref(tw_transport *transport)
{
    if (transport != NULL && --transport->refs_ == 0)
        transport->ops->free(transport);
}

void tw_transport_lose(tw_transport *transport)
{
    TWI_CHECK_TRANSPORT(transport);
    if (!become(transport, TWI_LOSING))
        return;
    transport->ops->reading(transport);
    if (transport->state == TWI_LOSING)
        twi_transport_flush_later(transport);
}

void tw_transport_abort(tw_transport *transport)
{
    TWI_CHECK_TRANSPORT(transport);
    if (transport->state <= TWI_LOSING)
        twi_transport_end(transport, twi_reason_aborted());
}

int tw_transport_lose_write(tw_transport *transport)
{
    TWI_CHECK_TRANSPORT(transport);
    if (transport->ops->shut_write == NULL)
        return -ENOTSUP;
    if (transport->state == TWI_OPEN && !transport->write_closing) {
        transport->write_closing = true;
        twi_transport_flush_later(transport);
    }
    return 0;
}

bool tw_transport_connected(const tw_transport *transport)
{
    return transport->state <= TWI_LOSING;
}

bool tw_transport_losing(const tw_transport *transport)
{
    return transport->state == TWI_LOSING || transport->state == TWI_ENDING;
}

bool tw_transport_quiet(const tw_transport *transport)
{
    TWI_CHECK_TRANSPORT(transport);
    /* Bytes waiting below TLS may be for TLS itself: that is not known without reading them. */
    for (; transport != NULL; transport = twi_transport_lower(transport))
        if (transport->state != TWI_OPEN || transport->eof ||
            (transport->ops->quiet != NULL && !transport->ops->quiet(transport)))
            return false;
    return true;
}

/* --- reading ------------------------------------------------------------------------ */

char *twi_transport_own_buffer(tw_transport *transport, size_t *ret_size)
{
    tw_protocol *protocol = transport->protocol;
    char *buffer;

    *ret_size = 0;
    buffer = protocol->protocol_class->get_buffer(protocol, ret_size);
    return *ret_size > 0 ? buffer : NULL;
}

void twi_transport_filled(tw_transport *transport, size_t length)
{
    tw_protocol *protocol = transport->protocol;

    if (protocol != NULL && protocol->protocol_class->buffer_filled != NULL)
        protocol->protocol_class->buffer_filled(protocol, length);
}

void twi_transport_deliver_eof(tw_transport *transport)
{
    tw_protocol *protocol = transport->protocol;

    if (transport->state != TWI_OPEN || transport->eof)
        return;
    transport->eof = true;
    transport->ops->reading(transport);
    if (transport->state == TWI_OPEN && protocol != NULL &&
        protocol->protocol_class->read_connection_lost != NULL) {
        protocol->protocol_class->read_connection_lost(protocol);
        if (transport->state != TWI_OPEN || !transport->write_shut)
            return;
    }
    /* With nothing to send it is done at once; otherwise queued bytes go out first. */
    if (tw_transport_unsent(transport) == 0 && !twi_flow_has_producer(transport) &&
        !twi_flush_queued(&transport->flush_))
        twi_transport_lost(transport, twi_reason_done());
    else
        tw_transport_lose(transport);
}

void tw_transport_pause(tw_transport *transport)
{
    TWI_CHECK_TRANSPORT(transport);
    if (transport->paused || transport->state != TWI_OPEN)
        return;
    transport->paused = true;
    transport->ops->reading(transport);
}

void tw_transport_resume(tw_transport *transport)
{
    TWI_CHECK_TRANSPORT(transport);
    if (!transport->paused || transport->state != TWI_OPEN)
        return;
    transport->paused = false;
    transport->ops->reading(transport);
}

/* --- writing ------------------------------------------------------------------------ */

static bool may_write(const tw_transport *transport)
{
    TWI_CHECK_TRANSPORT(transport);
    return transport->state <= TWI_LOSING && !transport->write_shut;
}

/* Bytes were put into the outbox, or could not be. */
static inline int written(tw_transport *transport, int r)
{
    tw_transport *lower = twi_transport_lower(transport);

    if (r < 0) {
        twi_transport_end(transport, tw_fail_memory());
        return r;
    }
    if (lower != NULL)
        lower->upper_wrote = true;
    twi_transport_flush_later(transport);
    if (transport->extra_ != NULL)
        twi_flow_queued(transport);
    return 0;
}

int tw_transport_write(tw_transport *transport, const void *data, size_t length)
{
    if (!may_write(transport))
        return -ENOTCONN;
    if (length == 0)
        return 0;
    return written(transport, twi_outbox_add(&transport->out, data, length));
}

int tw_transport_write_value(tw_transport *transport, tw_value bytes)
{
    if (!may_write(transport)) {
        tw_release(bytes);
        return -ENOTCONN;
    }
    if (tw_bytes_length(bytes) == 0) {
        tw_release(bytes);
        return 0;
    }
    return written(transport, twi_outbox_add_value(&transport->out, bytes));
}

int tw_transport_write_file(tw_transport *transport, int fd, int64_t offset, int64_t length,
                            void (*done)(int error, void *arg), void *arg)
{
    if (offset < 0 || length < 0)
        return -EINVAL;
    if (!may_write(transport))
        return -ENOTCONN;
    return written(transport,
                   twi_outbox_add_file(&transport->out, fd, offset, length, done, arg));
}

size_t tw_transport_unsent(const tw_transport *transport)
{
    size_t unsent = transport->out.length;

    if (transport->ops->unsent != NULL)
        unsent += transport->ops->unsent(transport);
    return unsent;
}

static void shut_write_side(tw_transport *transport)
{
    tw_protocol *protocol = transport->protocol;

    transport->write_shut = true;
    transport->ops->shut_write(transport);
    if (transport->state != TWI_OPEN)
        return;
    if (transport->eof)
        twi_transport_lost(transport, twi_reason_done());
    else if (protocol != NULL && protocol->protocol_class->write_connection_lost != NULL)
        protocol->protocol_class->write_connection_lost(protocol);
}

void tw_transport_tell_sent(tw_transport *transport, bool on)
{
    TWI_CHECK_TRANSPORT(transport);
    transport->tells_sent = on;
}

static void tell_sent(tw_transport *transport)
{
    tw_protocol *protocol = transport->protocol;

    if (protocol == NULL || !transport->made || transport->state > TWI_LOSING ||
        protocol->protocol_class->bytes_sent == NULL)
        return;
    if (transport->tells_sent || tw_transport_unsent(transport) > 0)
        protocol->protocol_class->bytes_sent(protocol);
}

void twi_transport_flushed_slow(tw_transport *transport)
{
    tell_sent(transport);
    if (transport->extra_ != NULL) {
        twi_flow_sent(transport);
        if (transport->extra_ != NULL && twi_flow_has_producer(transport))
            return;
    }
    if (transport->state > TWI_LOSING || tw_transport_unsent(transport) > 0)
        return;
    if (transport->state == TWI_LOSING)
        twi_transport_lost(transport, twi_reason_done());
    else if (transport->write_closing && !transport->write_shut)
        shut_write_side(transport);
}

/* --- protocols come and go ---------------------------------------------------------- */

tw_protocol *tw_transport_protocol(const tw_transport *transport)
{
    return transport->protocol;
}

void tw_transport_set_protocol(tw_transport *transport, tw_protocol *protocol)
{
    tw_protocol *old = transport->protocol;

    TWI_CHECK_TRANSPORT(transport);
    if (!transport->made || transport->state > TWI_LOSING) {
        tw_protocol_free(protocol);
        return;
    }
    if (protocol != NULL)
        protocol->factory = transport->factory;
    twi_protocol_retire(&transports()->cemetery, old);
    transport->protocol = protocol;
    transport->tells_sent = false;
    if (protocol != NULL)
        call_connection_made(transport, protocol);
}

void twi_transport_interpose(tw_transport *lower, struct twi_filter *filter,
                             tw_protocol *inner)
{
    tw_transport *upper = &filter->base;

    filter->lower = tw_transport_ref(lower);
    upper->protocol = lower->protocol;
    upper->factory = lower->factory;
    upper->made = lower->made;
    upper->paused = lower->paused;
    upper->tells_sent = lower->tells_sent;
    lower->tells_sent = false;
    twi_flow_move(lower, upper);
    if (upper->protocol != NULL)
        upper->protocol->transport = upper;
    lower->factory = NULL;
    lower->protocol = inner;
    if (inner != NULL)
        inner->transport = lower;
}

/* --- about it ----------------------------------------------------------------------- */

/* A filter is described by the transport that it runs over. */
static const tw_transport *described(const tw_transport *transport)
{
    const tw_transport *lower;

    while ((lower = twi_transport_lower(transport)) != NULL)
        transport = lower;
    return transport;
}

static int transport_describe(const tw_transport *transport, bool peer, char *text,
                              size_t size)
{
    transport = described(transport);
    if (transport->ops->describe != NULL)
        return transport->ops->describe(transport, peer, text, size);
    return snprintf(text, size, "%s", transport->ops->name);
}

int tw_transport_peer(const tw_transport *transport, char *text, size_t size)
{
    return transport_describe(transport, true, text, size);
}

int tw_transport_local(const tw_transport *transport, char *text, size_t size)
{
    return transport_describe(transport, false, text, size);
}

int tw_transport_peer_address(const tw_transport *transport,
                              struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
    transport = described(transport);
    if (transport->ops->address == NULL)
        return -ENOTSUP;
    return transport->ops->address(transport, ret_address, ret_length);
}

static int set_option(tw_transport *transport, int level, int option, int value)
{
    if (transport->state > TWI_LOSING)
        return -ENOTCONN;
    transport = (tw_transport *)described(transport);
    if (transport->ops->set_option == NULL)
        return -ENOTSUP;
    return transport->ops->set_option(transport, level, option, value);
}

int tw_transport_set_nodelay(tw_transport *transport, bool on)
{
    return set_option(transport, IPPROTO_TCP, TCP_NODELAY, on);
}

int tw_transport_set_keepalive(tw_transport *transport, bool on)
{
    return set_option(transport, SOL_SOCKET, SO_KEEPALIVE, on);
}

int tw_transport_fd(const tw_transport *transport)
{
    transport = described(transport);
    return transport->ops->fd == NULL ? -1 : transport->ops->fd(transport);
}
