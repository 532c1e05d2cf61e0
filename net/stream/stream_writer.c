/* SPDX-License-Identifier: MIT */
/*
 * stream_writer.c - the writing side of a stream, and its end.
 *
 * While a drain waits the stream is its transport's producer: one that writes nothing and wants
 * to hear when it may.
 */
#include "net/stream/stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slab.h"
#include "net/transport/flow.h"
#include "net/transport/transport.h"

/* --- writing ------------------------------------------------------------------------ */

/* The transport to write to; NULL when there is none. */
static tw_transport *writable(const tw_stream *stream)
{
    if (stream == NULL || stream->closing || stream->write_ended)
        return NULL;
    return twi_stream_transport(stream);
}

int tw_stream_write(tw_stream *stream, const void *data, size_t length)
{
    tw_transport *transport = writable(stream);

    return transport != NULL ? tw_transport_write(transport, data, length) : -ENOTCONN;
}

int tw_stream_write_value(tw_stream *stream, tw_value bytes)
{
    tw_transport *transport = writable(stream);

    if (transport == NULL) {
        tw_release(bytes);
        return -ENOTCONN;
    }
    if (tw_is(bytes, &tw_type_bytes))
        return tw_transport_write_value(transport, bytes);
    if (tw_failure_is(bytes, &tw_error_memory)) {
        twi_transport_end(transport, bytes);
        return -ENOMEM;
    }
    tw_release(bytes);
    return -EINVAL;
}

int tw_stream_write_text(tw_stream *stream, const char *text)
{
    return tw_stream_write(stream, text, strlen(text));
}

int tw_stream_write_format(tw_stream *stream, const char *format, ...)
{
    char text[512];
    va_list args;
    int length, r;

    va_start(args, format);
    length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        return -EINVAL;
    if ((size_t)length < sizeof text) {
        r = tw_stream_write(stream, text, (size_t)length);
    } else {
        char *whole;

        va_start(args, format);
        whole = twi_vformat(format, args);
        va_end(args);
        r = whole != NULL ? tw_stream_write(stream, whole, (size_t)length)
                          : tw_stream_write_value(stream, tw_fail_memory());
        twi_free(whole);
    }
    return r;
}

int tw_stream_writev(tw_stream *stream, const struct iovec *pieces, int count)
{
    int r = writable(stream) != NULL ? 0 : -ENOTCONN;

    for (int i = 0; i < count && r == 0; i++)
        r = tw_stream_write(stream, pieces[i].iov_base, pieces[i].iov_len);
    return r;
}

int tw_stream_write_eof(tw_stream *stream)
{
    tw_transport *transport = writable(stream);
    int r = transport != NULL ? tw_transport_lose_write(transport) : -ENOTCONN;

    if (r == 0)
        stream->write_ended = true;
    return r;
}

/* --- waiting ------------------------------------------------------------------------ */

/* A wait in a line of the stream; it holds a reference of that. */
struct stream_waiter {
    struct twi_waiter waiter; /* first */
    tw_stream *stream;
};

static struct twi_slab stream_waiters = TWI_SLAB(struct stream_waiter);

/* Take a wait out of its line: its Deferred is now the caller's to fire or to drop, and so is
 * the reference of the stream that it held. */
static tw_deferred *writer_leave(struct twi_waiter *waiter, tw_stream **ret_stream)
{
    tw_deferred *turn = waiter->turn;

    *ret_stream = ((struct stream_waiter *)waiter)->stream;
    twi_waiter_remove(waiter);
    twi_slab_free(&stream_waiters, waiter);
    return turn;
}

static bool writer_serve(struct twi_waiter *waiter, tw_value result)
{
    tw_stream *stream;
    tw_deferred *turn = writer_leave(waiter, &stream);

    tw_fire(&turn, result);
    tw_stream_unref(stream);
    return true;
}

static void writer_drop(struct twi_waiter *waiter)
{
    tw_stream *stream;

    tw_deferred_unref(writer_leave(waiter, &stream));
    if (stream->drained != NULL && stream->drains.count == 0)
        twi_stream_stop_draining(stream);
    tw_stream_unref(stream);
}

static const struct twi_waiter_kind writer_kind = { writer_serve, writer_drop };

static int writer_cancel(tw_deferred *deferred, void *waiter)
{
    (void)deferred;
    writer_drop(waiter);
    return 0;
}

static tw_deferred *writer_join(const char *where, tw_stream *stream, struct twi_waiters *line)
{
    struct stream_waiter *waiter = twi_slab_alloc(&stream_waiters);
    tw_deferred *deferred = NULL;

    if (waiter == NULL)
        return NULL;
    *waiter = (struct stream_waiter){ .waiter.kind = &writer_kind };
    deferred = tw_promise_at(where, &waiter->waiter.turn, writer_cancel, waiter, NULL);
    if (deferred == NULL) {
        twi_slab_free(&stream_waiters, waiter);
        return NULL;
    }
    waiter->stream = tw_stream_ref(stream);
    twi_waiter_append(line, &waiter->waiter);
    return deferred;
}

/* Fire the waits that are in the line now with `result` (lent). */
static void writer_tell(struct twi_waiters *line, tw_value result)
{
    struct twi_waiters now;

    twi_waiters_move_all(&now, line);
    twi_waiters_serve_all(&now, tw_retain(result));
}

/* --- draining ----------------------------------------------------------------------- */

static void drain_begins(void *arg)
{
    (void)arg;
}

static void drain_done(void *arg)
{
    tw_stream *stream = tw_stream_ref(arg);

    twi_stream_stop_draining(stream);
    writer_tell(&stream->drains, tw_none());
    tw_stream_unref(stream);
}

/* The connection is lost: connection_lost tells the waits. */
static void drain_stops(void *arg)
{
    tw_stream *stream = arg;

    stream->drained = NULL;
    tw_stream_unref(stream);
}

static const struct tw_producer drained = { drain_begins, drain_done, drain_stops };

void twi_stream_stop_draining(tw_stream *stream)
{
    tw_transport *transport = stream->drained;

    if (transport == NULL)
        return;
    stream->drained = NULL;
    tw_transport_unregister_producer(transport);
    tw_stream_unref(stream);
}

/* 0 or a negative errno. */
static int start_draining(tw_stream *stream, tw_transport *transport)
{
    int r = tw_transport_register_producer(transport, &drained, true, stream);

    if (r < 0)
        return r;
    stream->drained = transport;
    tw_stream_ref(stream);
    return 0;
}

tw_deferred *tw_stream_drain_at(const char *where, tw_stream *stream)
{
    tw_transport *transport = twi_stream_transport(stream);
    tw_deferred *deferred;
    int r;

    if (stream == NULL)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "a drain of no stream"));
    if (stream->reason != NULL)
        return tw_fired_at(where, tw_retain(twi_stream_reason(stream)));
    if (stream->aborted)
        return tw_fired_at(where, twi_reason_aborted());
    if (transport == NULL || (stream->drained == NULL &&
                              tw_transport_unsent(transport) <= twi_flow_high(transport)))
        return tw_fired_at(where, tw_none());
    r = stream->closing || stream->drained != NULL ? 0 : start_draining(stream, transport);
    if (r == -EEXIST)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse,
                                             "a drain of a transport with a producer"));
    deferred = r == 0 ? writer_join(where, stream, &stream->drains) : NULL;
    if (deferred == NULL && stream->drains.count == 0)
        twi_stream_stop_draining(stream);
    return twi_stream_limited(stream, deferred);
}

/* --- the end ------------------------------------------------------------------------ */

void tw_stream_close(tw_stream *stream)
{
    tw_transport *transport = twi_stream_transport(stream);

    if (transport == NULL || stream->closing)
        return;
    stream->closing = true;
    twi_stream_stop_draining(stream);
    twi_stream_close_link(stream->link);
    twi_stream_serve(stream);
}

void tw_stream_abort(tw_stream *stream)
{
    tw_transport *transport = twi_stream_transport(stream);

    if (transport == NULL || stream->aborted)
        return;
    stream->closing = stream->aborted = true;
    twi_stream_stop_draining(stream);
    tw_transport_abort(transport);
    twi_stream_serve(stream);
}

bool tw_stream_is_closing(const tw_stream *stream)
{
    const tw_transport *transport = twi_stream_transport(stream);

    return stream == NULL || stream->closing || stream->reason != NULL ||
           (transport != NULL && transport->state != TWI_OPEN);
}

/* None if all was sent, otherwise the reason. */
static tw_value writer_outcome(const tw_stream *stream)
{
    tw_value reason = twi_stream_reason(stream);

    return tw_failure_is(reason, &tw_error_connection_done) ? tw_none() : reason;
}

/* None if it was closed in good order, otherwise the reason. */
static tw_value end_of(const tw_stream *stream)
{
    return stream->aborted ? tw_none() : writer_outcome(stream);
}

void twi_stream_tell_lost(tw_stream *stream)
{
    writer_tell(&stream->drains, writer_outcome(stream));
    writer_tell(&stream->ends, end_of(stream));
}

tw_deferred *tw_stream_wait_closed_at(const char *where, tw_stream *stream)
{
    if (stream == NULL)
        return tw_fired_at(where, tw_none());
    if (stream->reason != NULL)
        return tw_fired_at(where, tw_retain(end_of(stream)));
    return writer_join(where, stream, &stream->ends);
}
