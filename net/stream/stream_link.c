/* SPDX-License-Identifier: MIT */
/*
 * stream_link.c - connecting a stream to its connection, and parting the two.
 */
#include "net/stream/stream.h"

#include <errno.h>

#include "net/transport/transport.h"

/* --- the protocol ------------------------------------------------------------------- */

static void stream_no_memory(const tw_stream *stream)
{
    tw_transport *transport = twi_stream_transport(stream);

    if (transport != NULL)
        twi_transport_end(transport, tw_fail_memory());
}

/* The input is lent while it is delivered: a read that waits, or begins now, takes its bytes
 * from there. */
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
        r = twi_input_keep(&stream->input); /* called while earlier bytes are delivered */
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
        twi_stream_free(stream);
}

void twi_stream_ended(tw_protocol *protocol)
{
    tw_stream *stream = ((struct twi_stream_link *)protocol)->stream;

    if (stream == NULL)
        return;
    stream->eof = true;
    twi_stream_serve(stream);
}

/* The connection is lost, or has been handed on. Takes `reason`. */
static void link_part(struct twi_stream_link *link, tw_value reason)
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
    link_part((struct twi_stream_link *)protocol, tw_retain(reason));
}

void twi_stream_released(tw_protocol *protocol)
{
    struct twi_stream_link *link = (struct twi_stream_link *)protocol;

    if (link->stream != NULL)
        link_part(link, tw_fail(&tw_error_connection_lost, "the stream has no connection"));
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

/* --- opening ------------------------------------------------------------------------ */

static tw_value stream_opened(tw_value protocol, void *stream)
{
    (void)protocol;
    return tw_stream_value(stream);
}

static void let_go(void *stream)
{
    tw_stream_unref(stream);
}

/* Takes both. */
static tw_deferred *open_with(tw_deferred *connecting, tw_stream *stream)
{
    tw_add_callback_with(connecting, stream_opened, stream, let_go);
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
