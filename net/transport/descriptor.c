/* SPDX-License-Identifier: MIT */
/*
 * descriptor.c - transports over descriptors.
 *
 * Where the backend has edge triggers, a descriptor is registered once, for reading and
 * writing, for its whole life: pausing, a full send buffer and the wait for the peer then cost
 * no system call. The news of an edge is remembered: `pending`, `read_on`, `blocked`.
 *
 * The hard part is when a read may stop. A short read of a socket means that nothing more was
 * there, but an error may wait behind it (a reset gives no further edge). When something is about
 * to be sent, the sending will show it; otherwise we read once more. Terminals give out less than
 * they have: they are read until there is nothing. With level triggers (poll, select) the next
 * wait shows everything.
 */
#include "net/transport/descriptor.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/posix.h"

enum {
    READS_PER_TURN = 4, /* then it is the turn of others */
    WRITES_PER_TURN = 16,
    WRITE_PER_TURN = 1024 * 1024, /* bytes */
    PIECES = 64,
};

static const struct twi_descriptor_ops *descriptor_ops(const struct twi_descriptor *descriptor)
{
    return (const struct twi_descriptor_ops *)descriptor->base.ops;
}

static tw_value descriptor_broken_by(int error)
{
    return tw_fail_errno(&tw_error_connection_lost, error);
}

/* --- watching ----------------------------------------------------------------------- */

/* With level triggers: watch for the wanted events. */
static void descriptor_rewatch(struct twi_descriptor *descriptor)
{
    tw_transport *transport = &descriptor->base;
    unsigned in = twi_transport_reading(transport) ? TWI_READABLE : 0u;
    unsigned out = descriptor->blocked ? TWI_WRITABLE : 0u;
    int r;

    if (descriptor->edge || transport->state > TWI_LOSING)
        return;
    r = descriptor_ops(descriptor)->watch(descriptor, in, out);
    if (r < 0)
        twi_transport_end(transport, descriptor_broken_by(r));
}

void twi_descriptor_read_later(struct twi_descriptor *descriptor)
{
    descriptor->pending = false;
    if (descriptor->fd < 0)
        return;
    if (descriptor->watch == NULL)
        descriptor_ops(descriptor)->again(descriptor);
    else if (descriptor->edge && twi_watch_poke(descriptor->watch) < 0)
        twi_transport_end(&descriptor->base, tw_fail_memory());
}

/* When the protocol pauses, the watch stays until the next event; but with level triggers an
 * ended stream would report without end. */
void twi_descriptor_reading(tw_transport *transport)
{
    struct twi_descriptor *descriptor = twi_descriptor_of(transport);
    bool reading = twi_transport_reading(transport);

    if (reading || transport->eof)
        descriptor_rewatch(descriptor);
    if (reading && descriptor->pending)
        twi_descriptor_read_later(descriptor);
}

/* --- reading ------------------------------------------------------------------------ */

/* One read, delivered: how many bytes, or a negative errno. *ret_short: less came than there was
 * room for. */
__attribute__((always_inline)) /* it is called for each message */
static inline ssize_t
descriptor_read(struct twi_descriptor *descriptor, bool *ret_short)
{
    tw_transport *transport = &descriptor->base;
    size_t size;
    char *own = twi_transport_buffer(transport, &size);
    char *buffer = own;
    ssize_t n;

    if (own == NULL)
        buffer = twi_loop_read_buffer(&size);
    do
        n = descriptor->socket ? recv(descriptor->fd, buffer, size, 0)
                               : descriptor_ops(descriptor)->read(descriptor, buffer, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *ret_short = (size_t)n < size;
    if (n > 0) {
        transport->upper_wrote = false;
        if (own != NULL)
            twi_transport_filled(transport, (size_t)n);
        else
            twi_transport_deliver(transport, buffer, (size_t)n);
    }
    return n;
}

/* True if we may stop after a short read. */
static bool descriptor_is_read(const struct twi_descriptor *descriptor)
{
    if (descriptor->read_on)
        return false;
    return !descriptor->edge || descriptor->base.out.length > 0 ||
           descriptor->base.upper_wrote;
}

static void descriptor_read_some(struct twi_descriptor *descriptor)
{
    tw_transport *transport = &descriptor->base;

    for (int i = 0; i < READS_PER_TURN; i++) {
        bool was_short = false;
        ssize_t n;

        if (!twi_transport_reading(transport)) {
            descriptor->pending = true;
            descriptor_rewatch(descriptor);
            return;
        }
        n = descriptor_read(descriptor, &was_short);
        if (n == -EAGAIN || n == -EWOULDBLOCK) {
            descriptor->pending = false;
            return;
        }
        if (n < 0) {
            twi_transport_lost(transport, descriptor_broken_by((int)-n));
            return;
        }
        if (n == 0) {
            twi_transport_deliver_eof(transport);
            return;
        }
        if (was_short && descriptor_is_read(descriptor)) {
            descriptor->pending = false;
            return;
        }
        if (descriptor->watch == NULL) /* a descriptor that is always ready takes turns */
            break;
    }
    descriptor->pending = true;
    if (twi_transport_reading(transport))
        twi_descriptor_read_later(descriptor);
}

/* --- writing ------------------------------------------------------------------------ */

/* Bytes that the peer sent before it left are still delivered: a server may have answered early
 * and closed. If that ends as it should and nothing was left to write, all is well. */
void twi_descriptor_write_failed(struct twi_descriptor *descriptor, int error)
{
    tw_transport *transport = &descriptor->base;
    bool all_written = twi_outbox_empty(&transport->out), was_short;
    ssize_t n = 1;

    transport->write_shut = true;
    twi_outbox_drop(&transport->out, -error);
    while (n > 0 && twi_transport_reading(transport))
        n = descriptor_read(descriptor, &was_short);
    twi_transport_lost(transport, all_written && n == 0 ? twi_reason_done()
                                                        : descriptor_broken_by(error));
}

static ssize_t descriptor_write_pieces(struct twi_descriptor *descriptor)
{
    struct iovec pieces[PIECES];
    int count = twi_outbox_pieces(&descriptor->base.out, pieces, PIECES);

    return descriptor_ops(descriptor)->write(descriptor, pieces, count);
}

/* Write from the file that is first in the queue; as write(). */
static ssize_t descriptor_write_file(struct twi_descriptor *descriptor, int fd, int64_t offset,
                                     int64_t length)
{
    const struct twi_descriptor_ops *ops = descriptor_ops(descriptor);
    int r;

    if (length == 0)
        return 0;
    if (ops->write_file != NULL) {
        size_t most = length < WRITE_PER_TURN ? (size_t)length : WRITE_PER_TURN;
        ssize_t n = ops->write_file(descriptor, fd, (off_t)offset, most);

        if (n == 0)
            errno = EIO; /* the file is shorter than was said */
        if (n > 0 || (errno != EINVAL && errno != ENOSYS))
            return n > 0 ? n : -1;
    }
    r = twi_outbox_load(&descriptor->base.out);
    if (r < 0) {
        errno = -r;
        return -1;
    }
    return descriptor_write_pieces(descriptor);
}

/* Write the first part of the queue, once; as write(). */
static ssize_t descriptor_write_once(struct twi_descriptor *descriptor)
{
    int64_t offset, length;
    int fd;

    if (twi_outbox_file(&descriptor->base.out, &fd, &offset, &length))
        return descriptor_write_file(descriptor, fd, offset, length);
    return descriptor_write_pieces(descriptor);
}

/* A write has failed: false when the connection is lost over it. */
static bool descriptor_may_go_on(struct twi_descriptor *descriptor, int error)
{
    if (error == EINTR)
        return true;
    if (error != EAGAIN && error != EWOULDBLOCK) {
        twi_descriptor_write_failed(descriptor, error);
        return false;
    }
    descriptor->blocked = true;
    descriptor_rewatch(descriptor);
    return true;
}

/* Write all that is queued; false when the connection is lost over it. */
static bool descriptor_write_all(struct twi_descriptor *descriptor)
{
    tw_transport *transport = &descriptor->base;
    size_t written = 0;

    for (int calls = 0; !twi_outbox_empty(&transport->out) && !descriptor->blocked; calls++) {
        ssize_t n;

        if (written >= WRITE_PER_TURN || calls >= WRITES_PER_TURN) {
            twi_transport_flush_later(transport);
            break;
        }
        n = descriptor_write_once(descriptor);
        if (n < 0) {
            if (!descriptor_may_go_on(descriptor, errno))
                return false;
            continue;
        }
        written += (size_t)n;
        twi_outbox_sent(&transport->out, (size_t)n);
    }
    return transport->state <= TWI_LOSING;
}

__attribute__((noinline)) /* a queue that goes in one write shall not pay for it */
static void
descriptor_flush_rest(struct twi_descriptor *descriptor)
{
    if (descriptor->blocked)
        return;
    if (twi_outbox_empty(&descriptor->base.out) || descriptor_write_all(descriptor))
        twi_transport_flushed(&descriptor->base);
}

void twi_descriptor_flush(tw_transport *transport)
{
    struct twi_descriptor *descriptor = twi_descriptor_of(transport);
    const char *bytes = NULL;
    size_t length;

    if (descriptor->socket && !descriptor->blocked)
        bytes = twi_outbox_front(&transport->out, &length);
    /* Nearly always there is one piece, and it goes in one write. */
    if (bytes != NULL && twi_outbox_is_one(&transport->out)) {
        ssize_t n = send(descriptor->fd, bytes, length, MSG_NOSIGNAL);

        if (n > 0)
            twi_outbox_sent(&transport->out, (size_t)n);
        else if (!descriptor_may_go_on(descriptor, errno))
            return;
        if ((size_t)n == length) {
            twi_transport_flushed(transport);
            return;
        }
    }
    descriptor_flush_rest(descriptor);
}

/* --- readiness ---------------------------------------------------------------------- */

/* Bytes written while the protocol reads are sent when it returns: they leave while the
 * connection's data are in the cache, and do not wait until other connections have been
 * read. */
static void descriptor_read_and_answer(struct twi_descriptor *descriptor)
{
    tw_transport *transport = &descriptor->base;

    twi_transport_hold(transport);
    descriptor_read_some(descriptor);
    if (twi_transport_release(transport))
        twi_descriptor_flush(transport);
}

void twi_descriptor_writable(struct twi_descriptor *descriptor)
{
    descriptor->blocked = false;
    twi_descriptor_flush(&descriptor->base);
    if (!descriptor->blocked)
        descriptor_rewatch(descriptor);
}

void twi_descriptor_ready(unsigned ready, void *arg)
{
    struct twi_descriptor *descriptor = arg;
    tw_transport *transport = &descriptor->base;

    transport->refs_++;
    if (ready & TWI_HANGUP)
        descriptor->read_on = true;
    if ((ready & TWI_WRITABLE) && descriptor->blocked)
        twi_descriptor_writable(descriptor);
    if ((ready & (TWI_READABLE | TWI_HANGUP)) && transport->state <= TWI_LOSING)
        descriptor_read_and_answer(descriptor);
    if (--transport->refs_ == 0)
        transport->ops->free(transport);
}
