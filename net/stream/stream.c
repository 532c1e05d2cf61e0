/* SPDX-License-Identifier: MIT */
/*
 * stream.c - the life of a stream: how it gets its connection, and how the two part.
 */
#include "net/stream/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/slab.h"
#include "net/transport/transport.h"

enum { DEFAULT_LIMIT = 65536 };

static _Thread_local struct twi_slab streams = TWI_SLAB(struct tw_stream);

/* --- making and letting go ---------------------------------------------------------- */

tw_stream *twi_stream_new(struct twi_stream_link *link)
{
    tw_stream *stream = twi_slab_alloc(&streams);

    if (stream == NULL)
        return NULL;
    memset(stream, 0, sizeof *stream);
    stream->references = 1;
    stream->limit = DEFAULT_LIMIT;
    twi_waiters_init(&stream->drains);
    twi_waiters_init(&stream->ends);
    stream->link = link;
    link->stream = stream;
    return stream;
}

static void stream_free(tw_stream *stream)
{
    struct twi_stream_link *link = stream->link;

    if (link != NULL) {
        tw_stream_close(stream);
        link->stream = NULL;
    }
    twi_input_free(&stream->input);
    if (stream->reason != NULL)
        tw_release(tw_value_of(&tw_type_failure, stream->reason));
    twi_slab_free(&streams, stream);
}

tw_stream *tw_stream_ref(tw_stream *stream)
{
    if (stream != NULL)
        stream->references++;
    return stream;
}

void tw_stream_unref(tw_stream *stream)
{
    if (stream != NULL && --stream->references == 0)
        stream_free(stream);
}

/* --- the protocol ------------------------------------------------------------------- */

static void stream_no_memory(const tw_stream *stream)
{
    tw_transport *transport = twi_stream_transport(stream);

    if (transport != NULL)
        twi_transport_end(transport, tw_fail_memory());
}

/* While it is delivered the input is lent: who reads now, or reads on, takes it from there. */
void twi_stream_received(tw_protocol *protocol, const char *data, size_t length)
{
    tw_stream *stream = ((struct twi_stream_link *)protocol)->stream;
    int r = 0;

    if (stream == NULL || length == 0)
        return;
    stream->references++;
    if (stream->input.length == 0) {
        twi_input_lend(&stream->input, data, length);
    } else {
        r = twi_input_keep(&stream->input); /* this comes while something is delivered */
        if (r == 0)
            r = twi_input_append(&stream->input, data, length);
    }
    if (r == 0) {
        twi_stream_serve(stream);
        r = twi_input_keep(&stream->input);
    }
    if (r < 0)
        stream_no_memory(stream);
    twi_stream_throttle(stream);
    if (--stream->references == 0)
        stream_free(stream);
}

void twi_stream_ended(tw_protocol *protocol)
{
    tw_stream *stream = ((struct twi_stream_link *)protocol)->stream;

    if (stream == NULL)
        return;
    stream->eof = true;
    twi_stream_serve(stream);
}

/* The connection is no more, or another's. Takes `reason`. */
static void part(struct twi_stream_link *link, tw_value reason)
{
    tw_stream *stream = link->stream;

    if (stream == NULL) {
        tw_release(reason);
        return;
    }
    stream->references++;
    link->stream = NULL;
    stream->link = NULL;
    stream->reason = tw_take(reason).as.pointer;
    twi_stream_stop_draining(stream);
    twi_stream_serve(stream);
    twi_stream_tell_lost(stream);
    tw_stream_unref(stream);
}

void twi_stream_lost(tw_protocol *protocol, tw_value reason)
{
    part((struct twi_stream_link *)protocol, tw_retain(reason));
}

void twi_stream_released(tw_protocol *protocol)
{
    struct twi_stream_link *link = (struct twi_stream_link *)protocol;

    if (link->stream != NULL)
        part(link, tw_fail(&tw_error_connection_lost, "the stream has no connection"));
}

static const tw_protocol_class link_class = {
    .name = "stream",
    .size = sizeof(struct twi_stream_link),
    TWI_STREAM_PROTOCOL,
};

tw_protocol *tw_stream_protocol_new(tw_stream **ret_stream)
{
    tw_protocol *protocol = tw_protocol_new(&link_class);
    tw_stream *stream = NULL;

    if (protocol != NULL)
        stream = twi_stream_new((struct twi_stream_link *)protocol);
    if (stream == NULL) {
        tw_protocol_free(protocol);
        return NULL;
    }
    *ret_stream = stream;
    return protocol;
}

int tw_stream_adopt(tw_transport *transport, tw_stream **ret_stream)
{
    tw_protocol *protocol;
    tw_stream *stream;

    if (!transport->made || transport->state != TWI_OPEN)
        return -ENOTCONN;
    protocol = tw_stream_protocol_new(&stream);
    if (protocol == NULL)
        return -ENOMEM;
    stream->eof = transport->eof;
    tw_transport_set_protocol(transport, protocol);
    tw_transport_resume(transport);
    *ret_stream = stream;
    return 0;
}

tw_transport *tw_stream_transport(const tw_stream *stream)
{
    return twi_stream_transport(stream);
}

/* --- as a value --------------------------------------------------------------------- */

static void retain(void *object)
{
    tw_stream_ref(object);
}

static void release(void *object)
{
    tw_stream_unref(object);
}

static int format(void *object, char *text, size_t size)
{
    const tw_stream *stream = object;
    const tw_transport *transport = twi_stream_transport(stream);
    char peer[128] = "nobody";

    if (transport != NULL)
        tw_transport_peer(transport, peer, sizeof peer);
    return snprintf(text, size, "stream with %s (%zu bytes unread)", peer,
                    stream->input.length);
}

const tw_type tw_type_stream = { "stream", retain, release, format };

tw_value tw_stream_value(tw_stream *stream)
{
    if (stream == NULL)
        return tw_none();
    return tw_value_of(&tw_type_stream, tw_stream_ref(stream));
}

/* --- opening ------------------------------------------------------------------------ */

static tw_value stream_opened(tw_value protocol, void *stream)
{
    (void)protocol;
    return tw_stream_value(stream);
}

/* Takes both. */
static tw_deferred *open_with(tw_deferred *connecting, tw_stream *stream)
{
    tw_add_callback_with(connecting, stream_opened, stream, release);
    return connecting;
}

tw_deferred *tw_open_connection_at(const char *where, const char *host, unsigned port,
                                   const struct tw_connect_options *options)
{
    tw_stream *stream = NULL;
    tw_protocol *protocol = tw_stream_protocol_new(&stream);

    return open_with(tw_connect_at(where, host, port, options, protocol), stream);
}

tw_deferred *tw_open_endpoint_at(const char *where, const char *endpoint)
{
    tw_stream *stream = NULL;
    tw_protocol *protocol = tw_stream_protocol_new(&stream);

    return open_with(tw_connect_endpoint_at(where, endpoint, protocol), stream);
}

/* --- limits ------------------------------------------------------------------------- */

void tw_stream_set_limit(tw_stream *stream, size_t limit)
{
    if (stream == NULL)
        return;
    stream->limit = limit > 0 ? limit : DEFAULT_LIMIT;
    twi_stream_throttle(stream);
}

int tw_stream_set_timeout(tw_stream *stream, double seconds)
{
    int64_t ns;
    int r = twi_seconds_to_ns(seconds, &ns);

    if (r == 0 && stream != NULL)
        stream->timeout = seconds;
    return r;
}

tw_deferred *twi_stream_limit(const tw_stream *stream, tw_deferred *wait)
{
    if (wait == NULL || tw_deferred_called(wait) ||
        tw_deferred_add_timeout(wait, stream->timeout, NULL) == 0)
        return wait;
    tw_cancel(wait);
    tw_deferred_mark_handled(wait);
    tw_deferred_unref(wait);
    return NULL;
}
