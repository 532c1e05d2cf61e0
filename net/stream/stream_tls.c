/* SPDX-License-Identifier: MIT */
/*
 * stream_tls.c - TLS in the middle of a stream.
 */
#include "net/stream/stream.h"

#include <errno.h>
#include <string.h>

#include "net/tls/tls.h"
#include "net/transport/transport.h"

static void shaken(tw_value failure, void *arg)
{
    tw_stream *stream = arg;

    if (stream->reader != NULL && stream->read.wanted == TWI_HANDSHAKE)
        twi_stream_finish(stream, tw_retain(failure));
    tw_stream_unref(stream);
}

static int cancel_handshake(tw_deferred *deferred, void *arg)
{
    tw_stream *stream = arg;

    (void)deferred;
    tw_deferred_unref(twi_stream_leave(stream));
    tw_stream_abort(stream);
    tw_stream_unref(stream);
    return 0;
}

/* True if the peer has begun its handshake already. Other bytes in plain would be an
 * attacker's. */
static bool begins_handshake(const struct twi_input *input)
{
    static const char handshake[] = { 0x16, 0x03 }; /* RFC 8446, 5.1 */

    return memcmp(input->at, handshake, input->length < 2 ? input->length : 2) == 0;
}

static tw_value injected(tw_stream *stream)
{
    size_t length = stream->input.length;

    tw_stream_abort(stream);
    return tw_fail(&tw_error_protocol, "%zu bytes came in plain before the TLS handshake",
                   length);
}

static tw_value cannot_start(int error)
{
    switch (error) {
    case -ENOMEM:
        return tw_fail_memory();
    case -EINVAL:
        return tw_fail(&tw_error_misuse, "TLS for no name");
    case -EALREADY:
        return tw_fail(&tw_error_misuse, "TLS in the middle of a handshake");
    default:
        return tw_fail_errno(&tw_error_connection, error);
    }
}

tw_deferred *tw_stream_start_tls_at(const char *where, tw_stream *stream,
                                    tw_tls_context *context, const char *server_name)
{
    tw_transport *transport = twi_stream_transport(stream);
    struct twi_tls_start start = { context, server_name, NULL, 0, shaken, stream };
    const char *wrong = twi_stream_forbidden(stream);
    tw_deferred *deferred;
    int r;

    if (wrong != NULL)
        return twi_stream_misused(where, wrong);
    if (context == NULL)
        return twi_stream_misused(where, "TLS without a context");
    if (transport == NULL || stream->closing || stream->write_ended)
        return tw_fired_at(where, cannot_start(-ENOTCONN));
    if (stream->input.length > 0 && !begins_handshake(&stream->input))
        return tw_fired_at(where, injected(stream));
    deferred = tw_promise_at(where, &stream->reader, cancel_handshake, stream, NULL);
    if (deferred == NULL)
        return NULL;
    stream->references += 2; /* the wait's, the handshake's */
    stream->read = (struct twi_read){ .wanted = TWI_HANDSHAKE };
    start.early = stream->input.at;
    start.early_length = stream->input.length;
    r = twi_transport_start_tls(transport, &start);
    if (r == 0) {
        twi_stream_skip(stream, stream->input.length);
        twi_stream_throttle(stream);
        if (stream->drained != NULL)
            stream->drained = twi_stream_transport(stream);
    } else {
        twi_stream_finish(stream, cannot_start(r));
        tw_stream_unref(stream);
    }
    return twi_stream_limited(stream, deferred);
}
