/* SPDX-License-Identifier: MIT */
/*
 * http1_output.c - see http1_output.h.
 *
 * The head is built in the service's scratch buffer and goes out with a small body in one
 * write. Bytes written before their answer's turn has come wait in pieces.
 */
#include "config.h"

#include <errno.h>

#include "base/alloc.h"
#include "web/server/http1_output.h"

/* Chunks up to this many bytes are copied between their frame. */
enum { CHUNK_COPY_MAX = 8192 };

static struct twi_http1_server *turn_connection(const struct twi_http1_turn *turn)
{
    return turn->request.carrier;
}

static tw_transport *turn_transport(const struct twi_http1_turn *turn)
{
    return turn_connection(turn)->protocol.transport;
}

/* Half a head or chunk must not stand alone: without memory for it the connection is
 * aborted. */
static int turn_failed(struct twi_http1_turn *turn)
{
    turn->request.answer.is_cut = true;
    tw_transport_abort(turn_transport(turn));
    return -ENOMEM;
}

/* --- pieces ------------------------------------------------------------------------------ */

/* Takes `bytes`; counts `file`, which may be NULL. */
static int piece_add(struct twi_http1_turn *turn, tw_value bytes, struct twi_file *file,
                     int64_t offset, int64_t length)
{
    struct twi_piece *piece = twi_malloc(sizeof *piece);

    if (piece == NULL || tw_is_failure(bytes)) {
        twi_free(piece);
        tw_release(bytes);
        return turn_failed(turn);
    }
    piece->next = NULL;
    piece->bytes = tw_take(bytes);
    piece->file = file == NULL ? NULL : twi_file_ref(file);
    piece->offset = offset;
    piece->length = length;
    *turn->pieces_end = piece;
    turn->pieces_end = &piece->next;
    turn->held += (uint64_t)length;
    return 0;
}

static void piece_free(struct twi_piece *piece)
{
    tw_release(piece->bytes);
    twi_file_unref(piece->file);
    twi_free(piece);
}

/* --- to the transport -------------------------------------------------------------------- */

/* Bytes that the transport did not take are never sent: they count as held for ever. */
static int turn_wrote(struct twi_http1_turn *turn, int r, uint64_t length)
{
    if (r == 0)
        turn_connection(turn)->written += length;
    else
        turn->held += length;
    return r;
}

int twi_http1_server_write(struct twi_http1_server *connection, const void *data,
                           size_t length)
{
    int r = tw_transport_write(connection->protocol.transport, data, length);

    if (r == 0)
        connection->written += length;
    return r;
}

static void file_sent(int error, void *arg)
{
    (void)error;
    twi_file_unref(arg);
}

static int turn_put(struct twi_http1_turn *turn, const void *data, size_t length)
{
    if (turn->stage != TWI_TURN_WRITES)
        return piece_add(turn, tw_bytes(data, length), NULL, 0, (int64_t)length);
    return turn_wrote(turn, tw_transport_write(turn_transport(turn), data, length), length);
}

int twi_http1_write_value(tw_request *request, tw_value bytes)
{
    struct twi_http1_turn *turn = twi_http1_turn_of(request);
    size_t length = tw_bytes_length(bytes);

    if (turn->stage != TWI_TURN_WRITES)
        return piece_add(turn, bytes, NULL, 0, (int64_t)length);
    return turn_wrote(turn, tw_transport_write_value(turn_transport(turn), bytes), length);
}

int twi_http1_write_file(tw_request *request, struct twi_file *file, int64_t offset,
                         int64_t length)
{
    struct twi_http1_turn *turn = twi_http1_turn_of(request);
    int r;

    if (turn->stage != TWI_TURN_WRITES)
        return piece_add(turn, tw_none(), file, offset, length);
    r = tw_transport_write_file(turn_transport(turn), file->fd, offset, length, file_sent,
                                twi_file_ref(file));
    if (r < 0)
        twi_file_unref(file);
    return turn_wrote(turn, r, (uint64_t)length);
}

void twi_http1_turn_begin(struct twi_http1_turn *turn)
{
    struct twi_piece *piece = turn->pieces;

    turn->stage = TWI_TURN_WRITES;
    turn->start = turn_connection(turn)->written;
    turn->pieces = NULL;
    turn->pieces_end = &turn->pieces;
    turn->held = 0;
    while (piece != NULL) {
        struct twi_piece *next = piece->next;

        if (piece->file != NULL)
            twi_http1_write_file(&turn->request, piece->file, piece->offset, piece->length);
        else
            twi_http1_write_value(&turn->request, tw_retain(tw_lend(piece->bytes)));
        piece_free(piece);
        piece = next;
    }
}

void twi_http1_turn_drop(struct twi_http1_turn *turn)
{
    while (turn->pieces != NULL) {
        struct twi_piece *piece = turn->pieces;

        turn->pieces = piece->next;
        piece_free(piece);
    }
    turn->pieces_end = &turn->pieces;
    turn->held = 0;
}

/* --- the sink ---------------------------------------------------------------------------- */

int twi_http1_send_head(tw_request *request, const void *data, size_t length)
{
    struct twi_http1_turn *turn = twi_http1_turn_of(request);
    struct twi_buf *head = &turn->service->scratch;

    head->length = 0;
    if (twi_http1_head(turn, head) < 0 || twi_buf_append(head, data, length) < 0)
        return turn_failed(turn);
    return turn_put(turn, head->data, head->length);
}

static int put_chunk(struct twi_http1_turn *turn, const void *data, size_t length)
{
    struct twi_buf *chunk = &turn->service->scratch;
    char head[TWI_HTTP1_CHUNK_HEAD_SIZE];
    size_t head_length = twi_http1_chunk_head(head, length);
    int r;

    if (length > CHUNK_COPY_MAX) {
        r = turn_put(turn, head, head_length);
        if (r == 0)
            r = turn_put(turn, data, length);
        return r < 0 ? r : turn_put(turn, TWI_HTTP1_CHUNK_END, 2);
    }
    chunk->length = 0;
    if (twi_buf_append(chunk, head, head_length) < 0 ||
        twi_buf_append(chunk, data, length) < 0 ||
        twi_buf_append(chunk, TWI_HTTP1_CHUNK_END, 2) < 0)
        return turn_failed(turn);
    return turn_put(turn, chunk->data, chunk->length);
}

int twi_http1_write(tw_request *request, const void *data, size_t length)
{
    struct twi_http1_turn *turn = twi_http1_turn_of(request);

    return turn->chunked ? put_chunk(turn, data, length) : turn_put(turn, data, length);
}

int twi_http1_write_end_of_body(struct twi_http1_turn *turn)
{
    if (!turn->chunked || turn->request.answer.is_cut)
        return 0;
    return turn_put(turn, TWI_HTTP1_LAST_CHUNK, sizeof TWI_HTTP1_LAST_CHUNK - 1);
}

void twi_http1_cut(tw_request *request)
{
    tw_transport_abort(turn_transport(twi_http1_turn_of(request)));
}

tw_transport *twi_http1_transport(tw_request *request)
{
    return turn_transport(twi_http1_turn_of(request));
}

/* --- how far it is ----------------------------------------------------------------------- */

uint64_t twi_http1_server_sent(const struct twi_http1_server *connection)
{
    const tw_transport *transport = connection->protocol.transport;
    uint64_t unsent;

    /* At the end unsent bytes are dropped, and no longer counted as unsent. */
    if (transport == NULL || !tw_transport_connected(transport))
        return connection->sent;
    unsent = tw_transport_unsent(transport);
    return unsent < connection->written ? connection->written - unsent : 0;
}

size_t twi_http1_unsent(const tw_request *request)
{
    const struct twi_http1_turn *turn = twi_http1_turn_of(request);
    const struct twi_http1_server *connection = turn_connection(turn);
    uint64_t end, sent;

    if (turn->stage == TWI_TURN_WAITS)
        return (size_t)turn->held;
    end = turn->stage == TWI_TURN_LEAVES ? turn->end : connection->written;
    sent = twi_http1_server_sent(connection);
    if (sent < turn->start)
        sent = turn->start;
    return (size_t)(turn->held + (end > sent ? end - sent : 0));
}
