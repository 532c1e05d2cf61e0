/* SPDX-License-Identifier: MIT */
/*
 * memory.c - transports in memory: two that are connected, and one that a test reads and feeds.
 *
 * At the end of a turn written bytes move into the peer's inbox, as a system's buffers would
 * take them; the peer reads them at the end of the next one, in pieces of the given size.
 */
#include <errno.h>
#include <string.h>

#include <tweed/testing.h>

#include "base/buf.h"
#include "base/slab.h"
#include "net/transport/listener.h"
#include "net/transport/memory.h"
#include "net/transport/transport.h"

enum { INBOX_SIZE = 256 * 1024, PIECES = 16 };

/* Move up to `size` bytes from the front of `box` to `buffer`; returns how many. */
static size_t memory_take_bytes(struct twi_outbox *box, char *buffer, size_t size)
{
    size_t taken = 0;

    while (taken < size) {
        struct iovec piece;
        size_t n;

        if (twi_outbox_pieces(box, &piece, 1) == 0)
            break;
        n = piece.iov_len < size - taken ? piece.iov_len : size - taken;
        memcpy(buffer + taken, piece.iov_base, n);
        twi_outbox_sent(box, n);
        taken += n;
    }
    return taken;
}

/* Deliver at most `most` bytes of `box`. */
static void memory_deliver_some(tw_transport *transport, struct twi_outbox *box, size_t most)
{
    size_t size, n;
    char *own = twi_transport_buffer(transport, &size);
    char *buffer = own != NULL ? own : twi_loop_read_buffer(&size);

    n = memory_take_bytes(box, buffer, size < most ? size : most);
    if (own != NULL)
        twi_transport_filled(transport, n);
    else
        twi_transport_deliver(transport, buffer, n);
}

/* --- pairs -------------------------------------------------------------------------- */

struct memory {
    tw_transport base;
    struct memory *peer;      /* NULL once it has closed */
    struct twi_outbox inbox;
    struct twi_flush arrival; /* there is something to read */
    size_t piece;
    bool peer_ended : 1;      /* it sends no more */
    bool peer_broken : 1;     /* by an abort */
};

static struct twi_slab memories = TWI_SLAB(struct memory);

static struct memory *memory_of(tw_transport *transport)
{
    return (struct memory *)transport;
}

static void arrive_later(struct memory *memory)
{
    if (!twi_flush_queued(&memory->arrival))
        twi_flush_later(&memory->arrival);
}

static void arrive(struct twi_flush *flush)
{
    struct memory *memory = TWI_CONTAINER(flush, struct memory, arrival);
    tw_transport *transport = &memory->base;

    if (memory->peer_broken) {
        twi_transport_lost(transport, tw_fail_errno(&tw_error_connection_lost, ECONNRESET));
        return;
    }
    if (!twi_transport_reading(transport))
        return;
    if (memory->inbox.length == 0) {
        if (memory->peer_ended)
            twi_transport_deliver_eof(transport);
        return;
    }
    memory_deliver_some(transport, &memory->inbox,
                        memory->piece > 0 ? memory->piece : SIZE_MAX);
    if (transport->state > TWI_LOSING)
        return;
    if (memory->inbox.length > 0 || memory->peer_ended)
        arrive_later(memory);
    if (memory->peer != NULL && memory->peer->base.out.length > 0)
        twi_transport_flush_later(&memory->peer->base);
}

/* Move queued bytes into the peer's inbox, as far as it has room. 0 or a negative errno. */
static int memory_move(struct memory *memory, struct memory *peer)
{
    struct twi_outbox *out = &memory->base.out;

    while (!twi_outbox_empty(out) && peer->inbox.length < INBOX_SIZE) {
        struct iovec piece;
        size_t n;
        int r = twi_outbox_load(out);

        if (r < 0)
            return r;
        if (twi_outbox_pieces(out, &piece, 1) == 0)
            continue;
        n = INBOX_SIZE - peer->inbox.length;
        if (n > piece.iov_len)
            n = piece.iov_len;
        r = twi_outbox_add(&peer->inbox, piece.iov_base, n);
        if (r < 0)
            return r;
        twi_outbox_sent(out, n);
        arrive_later(peer);
    }
    return 0;
}

static void memory_flush(tw_transport *transport)
{
    struct memory *memory = memory_of(transport), *peer = memory->peer;
    int r = 0;

    if (peer == NULL && !twi_outbox_empty(&transport->out)) {
        twi_transport_lost(transport, tw_fail_errno(&tw_error_connection_lost, EPIPE));
        return;
    }
    if (peer != NULL)
        r = memory_move(memory, peer);
    if (r < 0)
        twi_transport_end(transport, tw_fail_errno(&tw_error_connection_lost, r));
    else
        twi_transport_flushed(transport);
}

static void memory_reading(tw_transport *transport)
{
    struct memory *memory = memory_of(transport);

    if (twi_transport_reading(transport) && (memory->inbox.length > 0 || memory->peer_ended))
        arrive_later(memory);
}

static void memory_shut_write(tw_transport *transport)
{
    struct memory *peer = memory_of(transport)->peer;

    if (peer != NULL) {
        peer->peer_ended = true;
        arrive_later(peer);
    }
}

static void memory_close(tw_transport *transport, bool abort)
{
    struct memory *memory = memory_of(transport), *peer = memory->peer;

    twi_flush_cancel(&memory->arrival);
    twi_outbox_drop(&memory->inbox, -ECANCELED);
    memory->peer = NULL;
    if (peer == NULL)
        return;
    peer->peer = NULL;
    peer->peer_ended = true;
    peer->peer_broken = abort;
    arrive_later(peer);
}

static bool memory_quiet(const tw_transport *transport)
{
    const struct memory *memory = (const struct memory *)transport;

    return memory->inbox.length == 0 && !memory->peer_ended && !memory->peer_broken;
}

static void memory_free(tw_transport *transport)
{
    twi_slab_free(&memories, memory_of(transport));
}

static const struct twi_transport_ops memory_ops = {
    .name = "memory",
    .flush = memory_flush,
    .reading = memory_reading,
    .shut_write = memory_shut_write,
    .close = memory_close,
    .free = memory_free,
    .quiet = memory_quiet,
};

static struct memory *memory_new(size_t piece)
{
    struct memory *memory = twi_slab_alloc(&memories);

    if (memory == NULL)
        return NULL;
    memset(memory, 0, sizeof *memory);
    if (twi_transport_init(&memory->base, &memory_ops) < 0) {
        twi_slab_free(&memories, memory);
        return NULL;
    }
    memory->arrival.fn = arrive;
    memory->piece = piece;
    return memory;
}

/* Two ends without protocols; 0 or -ENOMEM. */
static int pair_new(size_t piece, struct memory **ret_left, struct memory **ret_right)
{
    struct memory *left = memory_new(piece), *right;

    if (left == NULL)
        return -ENOMEM;
    right = memory_new(piece);
    if (right == NULL) {
        twi_transport_lost(&left->base, tw_fail_memory());
        return -ENOMEM;
    }
    left->peer = right;
    right->peer = left;
    *ret_left = left;
    *ret_right = right;
    return 0;
}

int tw_memory_pair(tw_protocol *left, tw_protocol *right, size_t piece)
{
    struct memory *left_end, *right_end;
    int r = pair_new(piece, &left_end, &right_end);

    if (r < 0) {
        tw_protocol_free(left);
        tw_protocol_free(right);
        return r;
    }
    twi_transport_connect(&left_end->base, left, NULL);
    twi_transport_connect(&right_end->base, right, NULL);
    return 0;
}

/* --- listeners in memory ------------------------------------------------------------ */

int twi_memory_find(const char *host, unsigned port)
{
    return twi_listener_in_memory(host, port) == NULL ? -ECONNREFUSED : 0;
}

int twi_memory_connect(const char *host, unsigned port, tw_protocol *protocol,
                       tw_transport **ret_transport)
{
    tw_listener *listener = twi_listener_in_memory(host, port);
    struct memory *client, *server;
    tw_factory *factory;
    tw_protocol *accepted;
    int r;

    r = listener == NULL ? -ECONNREFUSED : pair_new(0, &client, &server);
    if (r < 0) {
        tw_protocol_free(protocol);
        return r;
    }
    accepted = twi_listener_build(listener, &factory);
    if (accepted == NULL)
        tw_transport_lose(&server->base);
    twi_transport_connect(&client->base, protocol, NULL);
    if (accepted != NULL)
        twi_transport_connect(&server->base, accepted, factory);
    if (ret_transport != NULL)
        *ret_transport = &client->base;
    return 0;
}

/* --- the string transport ----------------------------------------------------------- */

struct tw_string_transport {
    tw_transport base;
    struct twi_buf written;
    struct twi_outbox inbox; /* delivered while the protocol paused */
    struct twi_flush arrival;
};

static tw_string_transport *string_of(tw_transport *transport)
{
    return (tw_string_transport *)transport;
}

/* Move queued bytes to the place where the test reads them. */
static int collect(tw_string_transport *string)
{
    struct twi_outbox *out = &string->base.out;

    while (!twi_outbox_empty(out)) {
        struct iovec piece;
        int r = twi_outbox_load(out);

        if (r < 0)
            return r;
        if (twi_outbox_pieces(out, &piece, 1) == 0)
            continue;
        r = twi_buf_append(&string->written, piece.iov_base, piece.iov_len);
        if (r < 0)
            return r;
        twi_outbox_sent(out, piece.iov_len);
    }
    return 0;
}

static void string_flush(tw_transport *transport)
{
    int r = collect(string_of(transport));

    if (r < 0)
        twi_transport_end(transport, tw_fail_errno(&tw_error_connection_lost, r));
    else
        twi_transport_flushed(transport);
}

static void string_arrive(struct twi_flush *flush)
{
    tw_string_transport *string = TWI_CONTAINER(flush, tw_string_transport, arrival);

    while (string->inbox.length > 0 && twi_transport_reading(&string->base))
        memory_deliver_some(&string->base, &string->inbox, SIZE_MAX);
}

static void string_reading(tw_transport *transport)
{
    tw_string_transport *string = string_of(transport);

    if (twi_transport_reading(transport) && string->inbox.length > 0 &&
        !twi_flush_queued(&string->arrival))
        twi_flush_later(&string->arrival);
}

static void string_shut_write(tw_transport *transport)
{
    (void)transport;
}

/* The test can still read the bytes that were written. */
static void string_close(tw_transport *transport, bool abort)
{
    tw_string_transport *string = string_of(transport);

    if (!abort)
        collect(string);
    twi_flush_cancel(&string->arrival);
    twi_outbox_drop(&string->inbox, -ECANCELED);
}

static void string_release(tw_transport *transport)
{
    tw_string_transport *string = string_of(transport);

    twi_buf_free(&string->written);
    twi_free(string);
}

static const struct twi_transport_ops string_ops = {
    .name = "memory",
    .flush = string_flush,
    .reading = string_reading,
    .shut_write = string_shut_write,
    .close = string_close,
    .free = string_release,
};

tw_string_transport *tw_string_transport_new(tw_protocol *protocol)
{
    tw_string_transport *string = twi_calloc(1, sizeof *string);

    if (string == NULL || twi_transport_init(&string->base, &string_ops) < 0) {
        twi_free(string);
        tw_protocol_free(protocol);
        return NULL;
    }
    string->arrival.fn = string_arrive;
    tw_transport_ref(&string->base);
    twi_transport_connect(&string->base, protocol, NULL);
    return string;
}

const char *tw_string_transport_written(tw_string_transport *string, size_t *length)
{
    const char *text;

    if (collect(string) < 0)
        twi_transport_end(&string->base, tw_fail_memory());
    text = twi_buf_text(&string->written);
    if (length != NULL)
        *length = string->written.length;
    return text;
}

void tw_string_transport_clear(tw_string_transport *string)
{
    collect(string);
    twi_buf_consume(&string->written, string->written.length);
}

void tw_string_transport_deliver(tw_string_transport *string, const void *data, size_t length)
{
    const char *at = data;

    if (string->base.state != TWI_OPEN || string->base.eof || length == 0)
        return;
    if (!twi_transport_reading(&string->base) || string->inbox.length > 0 ||
        (string->base.protocol != NULL &&
         string->base.protocol->protocol_class->get_buffer != NULL)) {
        if (twi_outbox_add(&string->inbox, at, length) < 0) {
            twi_transport_end(&string->base, tw_fail_memory());
            return;
        }
        string_arrive(&string->arrival);
        return;
    }
    twi_transport_deliver(&string->base, at, length);
}

void tw_string_transport_deliver_eof(tw_string_transport *string)
{
    twi_transport_deliver_eof(&string->base);
}

void tw_string_transport_lose(tw_string_transport *string, tw_value reason)
{
    twi_transport_lost(&string->base, reason);
}

void tw_string_transport_free(tw_string_transport *string)
{
    if (string == NULL)
        return;
    twi_transport_lost(&string->base, twi_reason_lost());
    tw_transport_unref(&string->base);
}
