/* SPDX-License-Identifier: MIT */
/*
 * tls.c - TLS as a filter: a transport above another transport.
 *
 *     the user's protocol
 *     struct tls (a tw_transport)     plaintext queued in its outbox
 *         struct twi_tls              the engine; appends records to the outbox below
 *     struct inner (a tw_protocol)    gets ciphertext from
 *     the lower transport             TCP, memory, another TLS
 *
 * The bytes written in a turn are encrypted at its end and leave in one call. While the lower
 * transport has unsent bytes, plaintext waits here, so that watermarks above count it.
 *
 * Closing says close_notify and waits a little for the peer's: a socket closed with bytes unread
 * is reset, and the reset may overtake what we sent last. Until then the lower transport lingers
 * alone; for the user the connection is over.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tweed/log.h>
#include <tweed/reactor.h>

#include "base/alloc.h"
#include "base/slab.h"
#include "net/transport/opening.h"
#include "net/tls/tls.h"
#include "net/tls/tls_engine.h"

#define RECORD_SIZE 16384
#define SEND_AHEAD (128 * 1024) /* ciphertext to make before sending some */
#define SEND_PER_TURN (1024 * 1024)
#define LINGER_SECONDS 2.0
#define LINGER_BYTES (256 * 1024) /* a peer that sends more is not waited for */
#define HANDSHAKE_SECONDS 30.0    /* where the caller has no limit of its own */
#define PIECES 16

struct inner {
    tw_protocol base;
    struct tls *tls; /* NULL: lingering */
    size_t lingered; /* bytes dropped since */
};

struct tls {
    union {
        tw_transport base;
        struct twi_filter filter;
    };
    struct twi_tls *engine; /* NULL: closed */
    struct inner *inner;    /* NULL: the lower transport is lost, or lingers */
    struct twi_opening *opening; /* NULL: done */
    bool drain : 1; /* there may be plaintext to deliver at the end of the turn */
    bool lower_eof : 1;
    bool waiting : 1; /* for the lower transport to have sent all */
    bool broken : 1;  /* an alert is on its way: send it before closing */
    bool cancelled : 1;
};

static struct twi_slab pool = TWI_SLAB(struct tls);

static const struct twi_transport_ops tls_ops;
static const tw_protocol_class inner_class;

static struct tls *tls_of(tw_transport *transport)
{
    return (struct tls *)transport;
}

static const struct tls *const_tls_of(const tw_transport *transport)
{
    return (const struct tls *)transport;
}

/* True while the connection's protocol may be called. */
static bool alive(const struct tls *tls)
{
    return tls->engine != NULL && tls->base.state <= TWI_LOSING;
}

static bool handshaken(const struct tls *tls)
{
    return tls->engine != NULL && twi_tls_handshaken(tls->engine);
}

/* Records were appended below: they leave at the end of this turn. */
static void send_soon(struct tls *tls)
{
    tw_transport *lower = tls->filter.lower;

    if (lower != NULL && lower->out.length > 0 && lower->state <= TWI_LOSING)
        twi_transport_flush_later(lower);
}

/* The handshake is over. */
static void end_opening(struct tls *tls)
{
    struct twi_opening *opening = tls->opening;

    tls->opening = NULL;
    twi_opening_free(opening);
}

/* --- ends ---------------------------------------------------------------------------------- */

/* The connection is over; from the top of the turn. Takes `reason`. */
static void tls_lost(struct tls *tls, tw_value reason)
{
    struct twi_opening_waiter waiter = twi_opening_take_waiter(tls->opening);
    tw_value kept = tw_retain(reason);

    if (!tls->base.made && waiter.done == NULL && !tls->cancelled)
        tw_log_problem(TW_LOG_DEBUG, "tls", kept, "a client's handshake");
    twi_transport_lost(&tls->base, reason);
    twi_opening_waiter_tell(waiter, kept);
}

/* TLS itself has failed. */
static void tls_fail(struct tls *tls)
{
    tls->broken = true;
    send_soon(tls);
    tls_lost(tls, twi_tls_failure(tls->engine));
}

/* The lower connection ended, because of `cause` (lent), before the peer's close_notify. */
static tw_value truncation(const struct tls *tls, tw_value cause)
{
    const tw_error_class *error_class = &tw_error_connection_lost;
    const char *message = "the connection was closed without close_notify";

    if (tw_failure_is(cause, &tw_error_memory))
        return tw_retain(cause);
    if (!handshaken(tls)) {
        error_class = &tw_error_tls;
        message = "the connection was closed during the TLS handshake";
    } else if (tw_is_failure(cause) && !tw_failure_is(cause, &tw_error_connection_done)) {
        return tw_retain(cause);
    }
    return tw_fail_with(&(struct tw_failure_fields){
        .error_class = error_class,
        .message = message,
        .where = TW_HERE,
        .cause = tw_retain(cause),
    });
}

static void linger_timed_out(tw_protocol *protocol)
{
    if (protocol->transport != NULL)
        tw_transport_abort(protocol->transport);
}

static void linger(tw_transport *lower, struct inner *inner)
{
    inner->lingered = 0;
    tw_transport_resume(lower);
    if (tw_transport_set_timeout(lower, LINGER_SECONDS, linger_timed_out) < 0 ||
        tw_transport_lose_write(lower) < 0)
        tw_transport_lose(lower);
}

static void tls_close(tw_transport *transport, bool abort)
{
    struct tls *tls = tls_of(transport);
    tw_transport *lower = tls->filter.lower;
    struct inner *inner = tls->inner;
    bool ended = tls->lower_eof || (tls->engine != NULL && twi_tls_ended(tls->engine));

    twi_opening_stop_timer(tls->opening);
    if (!abort && tls->engine != NULL && handshaken(tls))
        twi_tls_shut(tls->engine);
    twi_tls_free(tls->engine);
    tls->engine = NULL;
    tls->inner = NULL;
    if (inner != NULL) {
        inner->tls = NULL;
        if (tls->waiting)
            tw_transport_unregister_producer(lower);
        if (tls->broken || (!abort && ended))
            tw_transport_lose(lower);
        else if (abort)
            tw_transport_abort(lower);
        else
            linger(lower, inner);
    }
    twi_opening_tell(tls->opening, twi_transport_reason(transport));
    end_opening(tls);
}

static void tls_free(tw_transport *transport)
{
    twi_slab_free(&pool, tls_of(transport));
}

/* --- plaintext out ------------------------------------------------------------------------- */

static void lower_drained(void *arg)
{
    struct tls *tls = arg;

    tls->waiting = false;
    tw_transport_unregister_producer(tls->filter.lower);
    twi_transport_flush_later(&tls->base);
}

static void lower_stopped(void *arg)
{
    ((struct tls *)arg)->waiting = false;
}

static const struct tw_producer drained = { NULL, lower_drained, lower_stopped };

/* Ask to be told when the lower transport has handed everything to the system. */
static void wait_for_lower(struct tls *tls)
{
    if (tls->waiting)
        return;
    tls->waiting = true;
    if (tw_transport_register_producer(tls->filter.lower, &drained, false, tls) == 0)
        return;
    tls->waiting = false;
    twi_transport_end(&tls->base, tw_fail_memory());
}

static size_t send_below(void *arg, const void *data, size_t length)
{
    tw_transport *lower = arg;

    return lower->ops->send_now(lower, data, length);
}

/* A turn that ends in one record saves the copy into the outbox below. */
static ssize_t write_last(struct tls *tls, const void *data, size_t length)
{
    tw_transport *lower = tls->filter.lower;
    struct twi_tls_way way = { send_below, lower };
    ssize_t written;

    if (lower->ops->send_now != NULL && lower->state <= TWI_LOSING)
        twi_tls_send_by(tls->engine, &way);
    written = twi_tls_write(tls->engine, data, length);
    twi_tls_send_by(tls->engine, NULL);
    return written;
}

/* One record's worth from several small pieces. */
static ssize_t write_gathered(struct tls *tls, const struct iovec *pieces, int count)
{
    char record[RECORD_SIZE];
    size_t length = 0;

    for (int i = 0; i < count && length < sizeof record; i++) {
        size_t size = pieces[i].iov_len;

        if (size > sizeof record - length)
            size = sizeof record - length;
        memcpy(record + length, pieces[i].iov_base, size);
        length += size;
    }
    if (length == tls->base.out.length)
        return write_last(tls, record, length);
    return twi_tls_write(tls->engine, record, length);
}

static ssize_t tls_write_pieces(struct tls *tls, const struct iovec *pieces, int count)
{
    size_t length = pieces[0].iov_len;

    if (count > 1 && length < RECORD_SIZE)
        return write_gathered(tls, pieces, count);
    if (length == tls->base.out.length && length <= RECORD_SIZE)
        return write_last(tls, pieces[0].iov_base, length);
    if (count > 1)
        length -= length % RECORD_SIZE;
    return twi_tls_write(tls->engine, pieces[0].iov_base,
                         length < SEND_AHEAD ? length : SEND_AHEAD);
}

/* Turn queued plaintext into records; false when the connection is over. */
static bool encrypt(struct tls *tls)
{
    struct twi_outbox *out = &tls->base.out;

    while (!twi_outbox_empty(out) && tls->filter.lower->out.length < SEND_AHEAD) {
        struct iovec pieces[PIECES];
        int count = twi_outbox_pieces(out, pieces, PIECES);
        ssize_t written = 0;

        if (count == 0) {
            int r = twi_outbox_load(out);
            if (r < 0) {
                tls_lost(tls, tw_fail_errno(&tw_error_connection_lost, r));
                return false;
            }
            if (twi_outbox_pieces(out, pieces, 1) > 0)
                continue;
        } else {
            written = tls_write_pieces(tls, pieces, count);
        }
        if (written < 0) {
            tls_fail(tls);
            return false;
        }
        twi_outbox_sent(out, (size_t)written);
        if (!alive(tls))
            return false;
    }
    return true;
}

/* The lower transport's flush is called from here: otherwise it would come a turn later. */
static void tls_send_all(struct tls *tls)
{
    tw_transport *lower = tw_transport_ref(tls->filter.lower);
    size_t sent = 0;
    bool waits = false;

    for (;;) {
        size_t before;

        if (!encrypt(tls))
            break;
        before = lower->out.length;
        if (before > 0)
            lower->ops->flush(lower);
        if (!alive(tls))
            break;
        if (tw_transport_unsent(lower) > 0) {
            wait_for_lower(tls);
            waits = true;
            break;
        }
        if (twi_outbox_empty(&tls->base.out))
            break;
        sent += before;
        if (sent >= SEND_PER_TURN) {
            twi_transport_flush_later(&tls->base);
            break;
        }
    }
    if (waits && alive(tls)) /* this outbox may be empty while much is left below */
        twi_transport_flushed_slow(&tls->base);
    else if (alive(tls))
        twi_transport_flushed(&tls->base);
    tw_transport_unref(lower);
}

static void tls_shut_write(tw_transport *transport)
{
    struct tls *tls = tls_of(transport);

    twi_tls_shut(tls->engine);
    tw_transport_lose_write(tls->filter.lower);
}

/* --- ciphertext in ------------------------------------------------------------------------- */

/* Decrypt as many bytes as fit or are there; *ret_last is the last result of twi_tls_read(),
 * which says why it stopped. */
static size_t decrypt(struct tls *tls, char *buffer, size_t size, ssize_t *ret_last)
{
    size_t length = 0;

    do {
        *ret_last = twi_tls_read(tls->engine, buffer + length, size - length);
        if (*ret_last > 0)
            length += (size_t)*ret_last;
    } while (*ret_last > 0 && length < size);
    return length;
}

/* Deliver the bytes at hand, once; returns the last result of twi_tls_read(). */
static ssize_t tls_deliver_some(struct tls *tls)
{
    tw_transport *transport = &tls->base;
    char space[RECORD_SIZE];
    size_t size = sizeof space, length;
    char *own = twi_transport_buffer(transport, &size);
    ssize_t last;

    if (own == NULL) {
        own = space;
        size = sizeof space;
    }
    length = decrypt(tls, own, size, &last);
    if (length == 0)
        return last;
    if (own == space)
        twi_transport_deliver(transport, space, length);
    else
        twi_transport_filled(transport, length);
    return last;
}

/* Deliver all that can be read now, and the end if it has come. */
static void tls_read_all(struct tls *tls)
{
    ssize_t last = 1;

    while (last > 0 && alive(tls) && twi_transport_reading(&tls->base))
        last = tls_deliver_some(tls);
    if (!alive(tls))
        return;
    send_soon(tls);
    if (last == -EPROTO)
        tls_fail(tls);
    else if (last == -ENODATA && twi_transport_reading(&tls->base))
        twi_transport_deliver_eof(&tls->base);
    else if (last == 0 && tls->lower_eof && twi_transport_reading(&tls->base))
        tls_lost(tls, truncation(tls, tw_none()));
}

static void tls_opened(struct tls *tls)
{
    tw_transport *transport = &tls->base;
    tw_protocol *protocol = transport->protocol;

    twi_opening_stop_timer(tls->opening);
    if (!transport->made)
        twi_transport_connect(transport, protocol, tls->opening->factory);
    twi_opening_tell(tls->opening, tw_none());
    end_opening(tls);
    if (!alive(tls))
        return;
    if (transport->out.length > 0 || transport->state == TWI_LOSING ||
        transport->write_closing)
        twi_transport_flush_later(transport);
    if (transport->paused)
        tw_transport_pause(tls->filter.lower);
}

static void shake(struct tls *tls)
{
    int r = twi_tls_handshake(tls->engine);

    send_soon(tls);
    if (r < 0)
        tls_fail(tls);
    else if (r > 0)
        tls_opened(tls);
    else if (tls->lower_eof)
        tls_lost(tls, truncation(tls, tw_none()));
}

/* Do what the ciphertext at hand allows. From the top of the turn. */
static void advance(struct tls *tls)
{
    if (alive(tls) && !handshaken(tls))
        shake(tls);
    if (alive(tls) && handshaken(tls))
        tls_read_all(tls);
    if (tls->engine != NULL && twi_tls_keep(tls->engine) < 0)
        tls_lost(tls, tw_fail_memory());
}

static void drain_later(struct tls *tls)
{
    tls->drain = true;
    twi_transport_flush_later(&tls->base);
}

/* At the end of a turn. */
static void tls_flush(tw_transport *transport)
{
    struct tls *tls = tls_of(transport);

    tw_transport_ref(transport);
    if (tls->drain) {
        tls->drain = false;
        advance(tls);
    }
    if (!handshaken(tls)) {
        if (transport->state == TWI_LOSING && transport->out.length == 0)
            twi_transport_flushed(transport);
    } else if (!tls->waiting) {
        tls_send_all(tls);
    }
    tw_transport_unref(transport);
}

static void tls_reading(tw_transport *transport)
{
    struct tls *tls = tls_of(transport);

    if (tls->inner == NULL || !handshaken(tls) || transport->eof)
        return;
    if (!twi_transport_reading(transport)) {
        tw_transport_pause(tls->filter.lower);
        return;
    }
    tw_transport_resume(tls->filter.lower);
    if (tls->lower_eof || twi_tls_pending(tls->engine) || twi_tls_ended(tls->engine))
        drain_later(tls);
}

/* --- the protocol below -------------------------------------------------------------------- */

static void inner_made(tw_protocol *protocol)
{
    struct tls *tls = ((struct inner *)protocol)->tls;

    tls->filter.lower = tw_transport_ref(protocol->transport);
    twi_tls_plug(tls->engine, &protocol->transport->out);
    tw_transport_ref(&tls->base);
    advance(tls);
    tw_transport_unref(&tls->base);
}

static void inner_received(tw_protocol *protocol, const char *data, size_t length)
{
    struct inner *inner = (struct inner *)protocol;
    struct tls *tls = inner->tls;

    if (tls == NULL) {
        inner->lingered += length;
        if (inner->lingered > LINGER_BYTES)
            tw_transport_abort(protocol->transport);
        return;
    }
    if (tls->base.eof || !alive(tls))
        return;
    tw_transport_ref(&tls->base);
    if (twi_tls_feed(tls->engine, data, length) < 0)
        tls_lost(tls, tw_fail_memory());
    else
        advance(tls);
    tw_transport_unref(&tls->base);
}

/* The stream below has ended; if that was before a close_notify, something was cut off. */
static void inner_eof(tw_protocol *protocol)
{
    struct tls *tls = ((struct inner *)protocol)->tls;

    if (tls == NULL) {
        tw_transport_lose(protocol->transport);
        return;
    }
    tls->lower_eof = true;
    if (tls->base.eof)
        return;
    tw_transport_ref(&tls->base);
    advance(tls);
    tw_transport_unref(&tls->base);
}

static void inner_lost(tw_protocol *protocol, tw_value reason)
{
    struct inner *inner = (struct inner *)protocol;
    struct tls *tls = inner->tls;

    if (tls == NULL)
        return;
    inner->tls = NULL;
    tls->inner = NULL;
    twi_tls_plug(tls->engine, NULL);
    if (twi_tls_ended(tls->engine) && tw_failure_is(reason, &tw_error_connection_done))
        tls_lost(tls, twi_reason_done());
    else
        tls_lost(tls, truncation(tls, reason));
}

/* The transport that it was made for never came to be. */
static void inner_released(tw_protocol *protocol)
{
    struct inner *inner = (struct inner *)protocol;
    struct tls *tls = inner->tls;

    if (tls == NULL)
        return;
    inner->tls = NULL;
    tls->inner = NULL;
    twi_opening_take_waiter(tls->opening);
    tls->cancelled = true;
    tls_lost(tls, twi_reason_lost());
}

static const tw_protocol_class inner_class = {
    .name = "tls",
    .size = sizeof(struct inner),
    .connection_made = inner_made,
    .data_received = inner_received,
    .read_connection_lost = inner_eof,
    .connection_lost = inner_lost,
    .released = inner_released,
};

/* --- about it ------------------------------------------------------------------------------ */

static size_t tls_unsent(const tw_transport *transport)
{
    const tw_transport *lower = twi_transport_lower(transport);

    return lower != NULL ? tw_transport_unsent(lower) : 0;
}

static const struct twi_transport_ops tls_ops = {
    .name = "tls",
    .flush = tls_flush,
    .reading = tls_reading,
    .shut_write = tls_shut_write,
    .close = tls_close,
    .free = tls_free,
    .unsent = tls_unsent,
};

/* --- making one ---------------------------------------------------------------------------- */

/* A filter and its inner protocol, not yet over anything. */
static int tls_new(tw_tls_context *context, const struct twi_tls_peer *peer,
                   struct tls **ret_tls)
{
    struct inner *inner;
    struct tls *tls;
    int r = -ENOMEM;

    tls = twi_slab_alloc(&pool);
    if (tls == NULL)
        return -ENOMEM;
    memset(tls, 0, sizeof *tls);
    tls->opening = twi_opening_new();
    if (tls->opening == NULL)
        goto fail_free;
    r = twi_tls_new(context, peer, &tls->engine);
    if (r < 0)
        goto fail_opening;
    inner = (struct inner *)tw_protocol_new(&inner_class);
    r = inner == NULL ? -ENOMEM : twi_transport_init(&tls->base, &tls_ops);
    if (r < 0)
        goto fail_inner;
    tls->base.filter = true;
    inner->tls = tls;
    tls->inner = inner;
    *ret_tls = tls;
    return 0;

fail_inner:
    tw_protocol_free(inner == NULL ? NULL : &inner->base);
    twi_tls_free(tls->engine);
fail_opening:
    end_opening(tls);
fail_free:
    twi_slab_free(&pool, tls);
    return r;
}

static void handshake_timed_out(void *arg)
{
    struct tls *tls = arg;

    tls->opening->timer = 0;
    tls_lost(tls, tw_fail(&tw_error_tls, "the TLS handshake took longer than %g s",
                          HANDSHAKE_SECONDS));
}

int twi_tls_client_protocol(const struct twi_tls_client *client, tw_protocol *protocol,
                            tw_protocol **ret_inner)
{
    struct twi_tls_peer peer = { client->server_name, client->session_key };
    struct tls *tls;
    int r = tls_new(client->context, &peer, &tls);

    if (r < 0) {
        tw_protocol_free(protocol);
        return r;
    }
    tls->base.protocol = protocol;
    tls->opening->done = client->done;
    tls->opening->arg = client->arg;
    *ret_inner = &tls->inner->base;
    return 0;
}

void twi_tls_client_cancel(tw_protocol *inner)
{
    struct tls *tls = ((struct inner *)inner)->tls;

    if (tls == NULL)
        return;
    twi_opening_take_waiter(tls->opening);
    tls->cancelled = true;
    twi_transport_end(&tls->base, twi_reason_aborted());
}

tw_protocol *twi_tls_server_protocol(tw_tls_context *context, tw_protocol *protocol,
                                     tw_factory *factory)
{
    struct twi_tls_peer peer = { NULL, NULL };
    struct tls *tls;

    if (tls_new(context, &peer, &tls) < 0) {
        tw_protocol_free(protocol);
        return NULL;
    }
    tls->base.protocol = protocol;
    tls->opening->factory = twi_factory_use(factory);
    if (twi_opening_limit(tls->opening, HANDSHAKE_SECONDS, handshake_timed_out, tls) < 0) {
        tw_protocol_free(&tls->inner->base);
        return NULL;
    }
    return &tls->inner->base;
}

/* The key of sessions: the same name by another way (a proxy) has another key. */
static int tls_session_key(const tw_transport *transport, const char *server_name, char *key,
                           size_t size)
{
    char peer[128];
    unsigned depth = 0;
    const tw_transport *lower;

    for (lower = transport; lower != NULL; lower = twi_transport_lower(lower))
        depth++;
    tw_transport_peer(transport, peer, sizeof peer);
    return snprintf(key, size, "%s by %s #%u", server_name, peer, depth);
}

/* Bytes that have come already are worked on at the end of the turn. */
static int take_early(struct tls *tls, const struct twi_tls_start *start)
{
    int r = twi_tls_feed(tls->engine, start->early, start->early_length);

    if (r == 0)
        r = twi_tls_keep(tls->engine);
    if (r == 0)
        drain_later(tls);
    return r;
}

int twi_transport_start_tls(tw_transport *transport, const struct twi_tls_start *start)
{
    struct twi_tls_peer peer = { start->server_name, NULL };
    bool server = twi_tls_context_is_server(start->context);
    char key[512];
    struct tls *tls;
    int r;

    if (transport->state != TWI_OPEN || !transport->made || transport->write_closing)
        return -ENOTCONN;
    if (transport->ops == &tls_ops && !handshaken(tls_of(transport)))
        return -EALREADY;
    if (!server && peer.server_name != NULL &&
        tls_session_key(transport, peer.server_name, key, sizeof key) < (int)sizeof key)
        peer.session_key = key;
    r = tls_new(start->context, &peer, &tls);
    if (r < 0)
        return r;
    r = twi_opening_limit(tls->opening, HANDSHAKE_SECONDS, handshake_timed_out, tls);
    if (r == 0 && start->early_length > 0)
        r = take_early(tls, start);
    if (r < 0) {
        tw_protocol_free(&tls->inner->base);
        return r;
    }
    twi_transport_interpose(transport, &tls->filter, &tls->inner->base);
    twi_tls_plug(tls->engine, &transport->out);
    tw_transport_resume(transport);
    tls->opening->done = start->done;
    tls->opening->arg = start->arg;
    if (!server && twi_tls_handshake(tls->engine) < 0)
        twi_transport_end(&tls->base, twi_tls_failure(tls->engine));
    send_soon(tls);
    return 0;
}

int tw_transport_start_tls(tw_transport *transport, tw_tls_context *context,
                           const char *server_name)
{
    struct twi_tls_start start = { .context = context, .server_name = server_name };

    return twi_transport_start_tls(transport, &start);
}

static struct twi_tls *engine_of(const tw_transport *transport)
{
    return transport->ops == &tls_ops ? const_tls_of(transport)->engine : NULL;
}

const char *tw_transport_alpn(const tw_transport *transport)
{
    struct twi_tls *engine = engine_of(transport);

    return engine != NULL ? twi_tls_alpn(engine) : NULL;
}

const char *tw_transport_tls_version(const tw_transport *transport)
{
    struct twi_tls *engine = engine_of(transport);

    return engine != NULL ? twi_tls_version(engine) : NULL;
}

bool tw_transport_tls_resumed(const tw_transport *transport)
{
    struct twi_tls *engine = engine_of(transport);

    return engine != NULL && twi_tls_resumed(engine);
}
