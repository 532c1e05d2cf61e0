/* SPDX-License-Identifier: MIT */
/*
 * stream.c - the life of a stream.
 */
#include "net/stream/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/slab.h"
#include "net/transport/transport.h"

#define PATIENCE 30.0 /* seconds for a peer that takes none of a closed stream's last bytes */

static struct twi_slab streams = TWI_SLAB(struct tw_stream);

/* --- making and letting go ---------------------------------------------------------- */

tw_stream *twi_stream_new(struct twi_stream_link *link)
{
    tw_stream *stream = twi_slab_alloc(&streams);

    if (stream == NULL)
        return NULL;
    memset(stream, 0, sizeof *stream);
    stream->references = 1;
    stream->limit = TWI_STREAM_LIMIT;
    twi_waiters_init(&stream->drains);
    twi_waiters_init(&stream->ends);
    stream->link = link;
    link->stream = stream;
    return stream;
}

/* After a close the peer may take the last bytes slowly; when it takes none for PATIENCE
 * seconds, the connection ends. */
static void look_at_peer(tw_protocol *protocol)
{
    struct twi_stream_link *link = (struct twi_stream_link *)protocol;
    tw_transport *transport = protocol->transport;
    size_t unsent = tw_transport_unsent(transport);

    if (unsent < link->unsent &&
        tw_transport_set_timeout(transport, PATIENCE, look_at_peer) == 0)
        link->unsent = unsent;
    else
        twi_transport_end(transport, tw_fail(&tw_error_timeout,
                                             "a peer that took nothing for %g s", PATIENCE));
}

void twi_stream_close_link(struct twi_stream_link *link)
{
    tw_transport *transport = link->base.transport;

    tw_transport_lose(transport);
    link->unsent = tw_transport_unsent(transport);
    if (link->unsent > 0 && tw_transport_connected(transport) &&
        tw_transport_set_timeout(transport, PATIENCE, look_at_peer) < 0)
        twi_transport_end(transport, tw_fail_memory());
}

void twi_stream_free(tw_stream *stream)
{
    struct twi_stream_link *link = stream->link;

    if (link != NULL) {
        if (link->base.transport != NULL && !stream->closing)
            twi_stream_close_link(link);
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
        twi_stream_free(stream);
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

/* --- limits ------------------------------------------------------------------------- */

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
