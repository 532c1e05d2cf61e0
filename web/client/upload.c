/*
 * upload.c - the body of a request on its way out.
 *
 * Bytes go out with the head, or behind it without a copy. A source is asked for more whenever
 * the transport has sent what it had.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "web/client/engine.h"

enum {
    WITH_HEAD = 16 << 10, /* copied behind the head, so that both leave in one packet train */
    AT_ONCE = 64 << 10,   /* asked of a source before the transport is waited for */
    PIECE = 8 << 10
};

static tw_transport *transport_of(const struct twi_fetch *fetch)
{
    return fetch->channel->protocol.transport;
}

static void write_all(struct twi_fetch *fetch, const void *data, size_t length)
{
    /* An error here ends the connection, which tells us by connection_lost. */
    (void)tw_transport_write(transport_of(fetch), data, length);
}

/* TLS inside a tunnel shakes hands while the request waits. */
static bool shaking_hands(const struct twi_fetch *fetch)
{
    return fetch->host->tunnelled && fetch->host->context != NULL &&
           tw_transport_tls_version(transport_of(fetch)) == NULL;
}

/* Everything is handed over; now it is the server's turn. */
static void sent(struct twi_fetch *fetch)
{
    bool much = tw_transport_unsent(transport_of(fetch)) > AT_ONCE;

    fetch->uploading = false;
    fetch->sent_at = twi_loop_now();
    if (twi_http1_started(&fetch->parser))
        return;
    if (shaking_hands(fetch))
        twi_fetch_set_phase(fetch, TWI_PHASE_CONNECT, fetch->options.connect_timeout);
    else if (much)
        twi_fetch_set_phase(fetch, TWI_PHASE_SEND, fetch->options.idle_timeout);
    else
        twi_fetch_set_phase(fetch, TWI_PHASE_FIRST_BYTE, fetch->options.first_byte_timeout);
}

/* --- sources ------------------------------------------------------------------------------- */

static void source_ended(struct twi_fetch *fetch)
{
    if (fetch->upload_left > 0) {
        twi_fetch_fail(fetch, &tw_error_misuse, 0, tw_none(),
                       "the body ended before its length");
        return;
    }
    if (fetch->upload_left < 0)
        write_all(fetch, TWI_HTTP1_LAST_CHUNK, sizeof TWI_HTTP1_LAST_CHUNK - 1);
    twi_upload_stop(fetch);
    sent(fetch);
}

static void write_piece(struct twi_fetch *fetch, const char *piece, size_t length)
{
    char head[TWI_HTTP1_CHUNK_HEAD_SIZE];

    if (fetch->upload_left >= 0) {
        write_all(fetch, piece, length);
        fetch->upload_left -= (int64_t)length;
        return;
    }
    write_all(fetch, head, twi_http1_chunk_head(head, length));
    write_all(fetch, piece, length);
    write_all(fetch, TWI_HTTP1_CHUNK_END, sizeof TWI_HTTP1_CHUNK_END - 1);
}

/* What the source answers: bytes, 0, or an error; false when it ended the request. */
static bool ask(struct twi_fetch *fetch, char *piece, int64_t *ret_length)
{
    struct twi_guard guard;
    size_t size = PIECE;

    *ret_length = 0;
    if (fetch->upload_left == 0)
        return true;
    if (fetch->upload_left > 0 && fetch->upload_left < PIECE)
        size = (size_t)fetch->upload_left;
    twi_guard_enter(fetch, &guard);
    *ret_length = fetch->source.read(&fetch->upload, piece, size, fetch->source.arg);
    if (!twi_guard_leave(fetch, &guard))
        return false;
    if (*ret_length > (int64_t)size)
        *ret_length = -EOVERFLOW;
    return true;
}

/* A pull producer's resume: the transport has sent everything. */
static void produce(void *arg)
{
    struct twi_fetch *fetch = arg;
    char piece[PIECE];
    int64_t length;

    for (size_t total = 0; total < AT_ONCE; total += (size_t)length) {
        if (!fetch->uploading || fetch->upload.stalled)
            return;
        if (!ask(fetch, piece, &length) || fetch->channel == NULL)
            return;
        if (length == -EAGAIN) {
            fetch->upload.stalled = true;
            return;
        }
        if (length < 0) {
            twi_fetch_fail(fetch, &tw_error_system, -length, tw_none(),
                           "the body cannot be read: %s", strerror((int)-length));
            return;
        }
        if (length == 0) {
            source_ended(fetch);
            return;
        }
        write_piece(fetch, piece, (size_t)length);
    }
}

/* The connection is gone; the request learns it by connection_lost. */
static void no_more(void *arg)
{
    struct twi_fetch *fetch = arg;
    fetch->producing = false;
}

static const struct tw_producer producer = { .resume = produce, .stop = no_more };

static void start_source(struct twi_fetch *fetch)
{
    int r;

    fetch->upload_left = fetch->source.length < 0 ? -1 : fetch->source.length;
    fetch->uploading = fetch->producing = true;
    if (!twi_fetch_set_phase(fetch, TWI_PHASE_SEND, fetch->options.idle_timeout))
        return;
    if (fetch->upload_left == 0) {
        fetch->producing = false;
        source_ended(fetch);
        return;
    }
    r = tw_transport_register_producer(transport_of(fetch), &producer, false, fetch);
    if (r < 0)
        twi_fetch_end(fetch, tw_fail_memory());
}

void tw_upload_ready(tw_upload *upload)
{
    if (!upload->stalled)
        return;
    upload->stalled = false;
    produce(TWI_CONTAINER(upload, struct twi_fetch, upload));
}

/* --- both ---------------------------------------------------------------------------------- */

void twi_upload_start(struct twi_fetch *fetch)
{
    struct twi_buf *head = &fetch->agent->scratch;
    size_t length = fetch->body_dropped ? 0 : tw_bytes_length(fetch->body);
    bool source = fetch->has_source && !fetch->body_dropped;

    if (length > 0 && length <= WITH_HEAD) {
        if (twi_buf_append(head, tw_bytes_data(fetch->body), length) < 0) {
            twi_fetch_end(fetch, tw_fail_memory());
            return;
        }
        length = 0;
    }
    write_all(fetch, head->data, head->length);
    if (length > 0)
        (void)tw_transport_write_value(transport_of(fetch), tw_lend(fetch->body));
    if (source)
        start_source(fetch);
    else
        sent(fetch);
}

void twi_upload_stop(struct twi_fetch *fetch)
{
    fetch->upload.stalled = false;
    fetch->uploading = false;
    if (!fetch->producing)
        return;
    fetch->producing = false;
    if (fetch->channel != NULL)
        tw_transport_unregister_producer(transport_of(fetch));
}

bool twi_upload_rewind(struct twi_fetch *fetch)
{
    struct twi_guard guard;
    int r;

    if (!fetch->has_source || fetch->body_dropped)
        return true;
    twi_guard_enter(fetch, &guard);
    r = fetch->source.rewind(fetch->source.arg);
    if (!twi_guard_leave(fetch, &guard))
        return false;
    if (r < 0)
        twi_fetch_fail(fetch, &tw_error_system, -r, tw_none(),
                       "the body cannot start over: %s", strerror(-r));
    return r >= 0;
}
