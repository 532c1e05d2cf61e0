/* SPDX-License-Identifier: MIT */
/*
 * http1_server.c - one client: reads requests, keeps their answers in order, and gives up.
 *
 * Parsing stops between two requests when too many answers are due or the client does not read
 * them; received bytes wait in the backlog, and the transport is paused. The end of an answer
 * starts the next one and the parsing again, unless the parsing itself is below on the stack:
 * then its loop does so.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/slab.h"
#include "web/server/answer.h"
#include "web/server/handling.h"
#include "web/server/http1_output.h"

enum {
    UNSENT_MAX = 65536, /* above this many unsent bytes no further request is read, */
    UNSENT_LOW = 16384, /* until this many are left */
};
static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

static struct twi_slab turns = TWI_SLAB(struct twi_http1_turn);
static struct twi_slab slows = TWI_SLAB(struct twi_http1_slow);

static struct twi_http1_server *server_of(tw_protocol *protocol)
{
    return (struct twi_http1_server *)protocol;
}

/* --- turns ------------------------------------------------------------------------------- */

static const struct twi_sink http1_sink;

/* The last of them, for a request that could not be read; NULL when there is no memory. */
static struct twi_http1_turn *turn_add(struct twi_http1_server *connection)
{
    struct twi_http1_turn *turn = twi_slab_alloc(&turns);
    struct twi_service *service = connection->service;

    if (turn == NULL)
        return NULL;
    memset(turn, 0, offsetof(struct twi_http1_turn, path_space));
    twi_request_init(&turn->request, &http1_sink, connection, service->site);
    turn->service = twi_service_ref(service);
    turn->pieces_end = &turn->pieces;
    turn->minor = 1;
    if (connection->oldest == NULL)
        connection->oldest = turn;
    else
        connection->last->next = turn;
    connection->last = turn;
    connection->queued++;
    if (connection->first == NULL) {
        connection->first = turn;
        turn->stage = TWI_TURN_WRITES;
        turn->start = connection->written;
    }
    return turn;
}

/* The sink's release(). */
static void turn_release(tw_request *request)
{
    struct twi_http1_turn *turn = twi_http1_turn_of(request);
    struct twi_service *service = turn->service;

    if (turn->pieces != NULL)
        twi_http1_turn_drop(turn);
    if (turn->collected.data != NULL)
        twi_buf_free(&turn->collected);
    twi_service_give_headers(service, request->headers);
    twi_slab_free(&turns, turn);
    twi_service_unref(service);
}

/* The turn no longer belongs to the connection. */
static void turn_leaves(struct twi_http1_turn *turn)
{
    twi_request_over(&turn->request);
    turn->request.carrier = NULL;
    twi_request_unref(&turn->request);
}

/* Release finished turns whose answers have been sent. */
static void turns_sent(struct twi_http1_server *connection, uint64_t sent)
{
    struct twi_http1_turn *turn;

    while ((turn = connection->oldest) != connection->first && turn->end <= sent) {
        connection->oldest = turn->next;
        turn_leaves(turn);
    }
}

/* Bytes of the answers that wait for their turn. */
static uint64_t turns_hold(const struct twi_http1_server *connection)
{
    uint64_t held = 0;

    for (const struct twi_http1_turn *turn = connection->first; turn != NULL;
         turn = turn->next)
        held += turn->held;
    return held;
}

/* --- waiting ----------------------------------------------------------------------------- */

/* Begin another wait. */
static void wait_for(struct twi_http1_server *connection, enum twi_wait_kind kind)
{
    connection->wait = (uint8_t)kind;
    if (kind == TWI_WAIT_NONE)
        twi_wait_end(&connection->waiting);
    else
        twi_wait_begin(&connection->waiting, &connection->service->waits[kind]);
}

static void wait_for_body(struct twi_http1_server *connection)
{
    connection->last->body_mark = connection->parser->body_bytes;
    wait_for(connection, TWI_WAIT_BODY);
}

/* Choose the wait for this moment. From the first byte on, even of an empty line, a request has
 * to come. */
static void wait_again(struct twi_http1_server *connection)
{
    if (connection->closing) {
        if (connection->wait != TWI_WAIT_LINGER && connection->wait != TWI_WAIT_HALF)
            wait_for(connection, TWI_WAIT_NONE);
    } else if (connection->reading) {
        if (connection->wait != TWI_WAIT_BODY)
            wait_for_body(connection);
    } else if (connection->parser != NULL) {
        if (connection->wait != TWI_WAIT_HEADER)
            wait_for(connection, TWI_WAIT_HEADER);
    } else if (connection->first != NULL) {
        if (connection->wait != TWI_WAIT_NONE)
            wait_for(connection, TWI_WAIT_NONE);
    } else {
        wait_for(connection, TWI_WAIT_IDLE);
    }
}

/* --- what is in the way ------------------------------------------------------------------ */

static void connection_abort(struct twi_http1_server *connection)
{
    connection->closing = true;
    tw_transport_abort(connection->protocol.transport);
}

/* Without memory for it the connection is aborted: NULL. */
static struct twi_http1_slow *slow_of(struct twi_http1_server *connection)
{
    struct twi_http1_slow *slow = connection->slow;

    if (slow != NULL)
        return slow;
    slow = twi_slab_alloc(&slows);
    if (slow == NULL) {
        connection_abort(connection);
        return NULL;
    }
    memset(slow, 0, sizeof *slow);
    slow->connection = connection;
    twi_wait_init(&slow->sending);
    return connection->slow = slow;
}

static void slow_free(struct twi_http1_server *connection)
{
    struct twi_http1_slow *slow = connection->slow;

    connection->slow = NULL;
    if (slow == NULL)
        return;
    twi_wait_end(&slow->sending);
    twi_buf_free(&slow->backlog);
    twi_slab_free(&slows, slow);
}

static bool has_backlog(const struct twi_http1_server *connection)
{
    return connection->slow != NULL && connection->slow->backlog.length > 0;
}

static bool is_sending(const struct twi_http1_server *connection)
{
    return connection->slow != NULL && twi_list_linked(&connection->slow->sending.node);
}

/* Append to the backlog; without memory the connection is aborted. */
static void backlog_add(struct twi_http1_server *connection, const char *data, size_t length)
{
    struct twi_http1_slow *slow = slow_of(connection);

    if (slow != NULL && twi_buf_append(&slow->backlog, data, length) < 0)
        connection_abort(connection);
}

static void watch_sent(struct twi_http1_server *connection)
{
    tw_transport_tell_sent(connection->protocol.transport, true);
}

/* The client has `unsent` bytes still to read: each time that it takes some, its limit starts
 * anew. */
static void sending_again(struct twi_http1_server *connection, size_t unsent)
{
    struct twi_http1_slow *slow;

    if (unsent == 0) {
        if (!is_sending(connection))
            return;
        twi_wait_end(&connection->slow->sending);
        if (connection->wait == TWI_WAIT_IDLE)
            wait_for(connection, TWI_WAIT_IDLE);
        return;
    }
    slow = slow_of(connection);
    if (slow == NULL)
        return;
    slow->sending_mark = connection->sent;
    twi_wait_begin(&slow->sending, &connection->service->waits[TWI_WAIT_SEND]);
    watch_sent(connection);
}

/* --- the end ----------------------------------------------------------------------------- */

static void drop_parser(struct twi_http1_server *connection)
{
    if (connection->parser != NULL)
        twi_service_give_parser(connection->service, connection->parser);
    connection->parser = NULL;
}

/* The last answer is written: close, or let the client read it first. Closing while bytes of
 * the client are unread would be a reset, which may overtake the answer. */
static void close_after(struct twi_http1_server *connection, bool linger)
{
    tw_transport *transport = connection->protocol.transport;

    connection->closing = true;
    connection->blocked = false;
    drop_parser(connection);
    if (connection->slow != NULL)
        twi_buf_free(&connection->slow->backlog);
    wait_for(connection, TWI_WAIT_NONE);
    if (linger && !connection->ended && tw_transport_lose_write(transport) == 0) {
        wait_for(connection, TWI_WAIT_LINGER);
        if (connection->paused)
            tw_transport_resume(transport);
        connection->paused = false;
        return;
    }
    tw_transport_lose(transport);
}

/* --- reading requests -------------------------------------------------------------------- */

static void send_continue(struct twi_http1_server *connection, struct twi_http1_turn *turn)
{
    turn->wants_continue = false;
    twi_http1_server_write(connection, continue_line, sizeof continue_line - 1);
    turn->start = connection->written;
}

/* True if the next request may be read. If not, because the client does not read, ask to hear
 * when it has. */
static bool reading_may_go_on(struct twi_http1_server *connection)
{
    uint64_t unsent;

    if (connection->closing || connection->blocked ||
        connection->queued >= connection->service->site->max_pipelined)
        return false;
    unsent = tw_transport_unsent(connection->protocol.transport) + turns_hold(connection);
    if (unsent <= UNSENT_MAX)
        return true;
    connection->blocked = true;
    watch_sent(connection);
    return false;
}

static void request_broken(struct twi_http1_server *connection,
                           const struct twi_http1_error *error)
{
    struct twi_http1_turn *turn = connection->last;
    int status = error->status;
    const char *text = error->text;

    connection->closing = true;
    if (!connection->reading) {
        turn = turn_add(connection);
        if (turn == NULL) {
            tw_transport_abort(connection->protocol.transport);
            return;
        }
    }
    connection->reading = false;
    turn->request.is_complete = true;
    turn->request.answer.close = turn->linger = true;
    tw_request_error(&turn->request, status, text);
}

static const struct twi_http1_error no_memory = { &tw_error_memory, "out of memory", 503 };
static const struct twi_http1_error bad_path = { &tw_error_protocol, "bad path", 400 };

/* The client holds the body back until 100, and it is not wanted. */
static void request_refused(struct twi_http1_server *connection, struct twi_http1_turn *turn)
{
    connection->closing = true;
    connection->reading = false;
    turn->request.answer.close = turn->linger = true;
    twi_request_dispatch(&turn->request, tw_retain(connection->service->empty));
}

static void head_read(struct twi_http1_server *connection)
{
    struct twi_http1 *parser = connection->parser;
    struct twi_http1_turn *turn = turn_add(connection);
    tw_request *request;
    int r;

    if (turn == NULL) {
        request_broken(connection, &no_memory);
        return;
    }
    connection->reading = true;
    request = &turn->request;
    request->version = parser->minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
    turn->minor = parser->minor;
    request->answer.close = !parser->keep_alive;
    r = twi_request_asks(request, parser->method, parser->target,
                         twi_http1_take_headers(parser), turn->path_space,
                         sizeof turn->path_space);
    if (r < 0 || request->is_bad) {
        request_broken(connection, r < 0 ? &no_memory : &bad_path);
        return;
    }
    if (!parser->expect_continue)
        return;
    if (request->handler == NULL) {
        request_refused(connection, turn);
        return;
    }
    turn->wants_continue = true;
    if (connection->first == turn)
        send_continue(connection, turn);
}

static void request_read(struct twi_http1_server *connection)
{
    struct twi_http1_turn *turn = connection->last;
    tw_value body;

    connection->reading = false;
    drop_parser(connection);
    if (turn->request.answer.close)
        connection->closing = true;
    turn->wants_continue = false;
    if (turn->collected.length > 0)
        body = twi_buf_take(&turn->collected);
    else
        body = tw_retain(connection->service->empty);
    twi_request_dispatch(&turn->request, body);
}

static void body_read(struct twi_http1_server *connection)
{
    const struct twi_http1 *parser = connection->parser;
    struct twi_buf *collected = &connection->last->collected;

    if (twi_buf_append(collected, parser->piece, parser->piece_length) < 0)
        request_broken(connection, &no_memory);
}

/* A parser for the next request, if it may be read. */
static bool begin_request(struct twi_http1_server *connection)
{
    if (!reading_may_go_on(connection))
        return false;
    connection->parser = twi_service_take_parser(connection->service);
    if (connection->parser == NULL)
        connection_abort(connection);
    return connection->parser != NULL;
}

/* Read as many requests as have come and may be read; returns the rest. */
static const char *read_requests(struct twi_http1_server *connection, const char *at,
                                 const char *end)
{
    while (!connection->closing) {
        if (connection->parser == NULL && (at == end || !begin_request(connection)))
            break;
        switch (twi_http1_next(connection->parser, &at, end)) {
        case TWI_HTTP1_HEAD:
            head_read(connection);
            break;
        case TWI_HTTP1_BODY:
            body_read(connection);
            break;
        case TWI_HTTP1_DONE:
            request_read(connection);
            break;
        case TWI_HTTP1_ERROR:
            request_broken(connection, &connection->parser->error);
            break;
        default:
            return at;
        }
    }
    return at;
}

static void pause_or_resume(struct twi_http1_server *connection)
{
    bool pause = has_backlog(connection);

    if (pause == connection->paused || connection->closing)
        return;
    connection->paused = pause;
    if (pause)
        tw_transport_pause(connection->protocol.transport);
    else
        tw_transport_resume(connection->protocol.transport);
}

/* The client has sent all that it will. Its requests are still answered (RFC 9112, 9.6). */
static void reading_ended(struct twi_http1_server *connection)
{
    struct twi_http1_slow *slow;

    if (connection->reading) { /* a request that will never be complete */
        connection->reading = false;
        connection->last->request.answer.is_cut = true;
        connection->last->request.answer.close = true;
        connection->closing = true;
        twi_answer_finished(&connection->last->request);
    }
    connection->closing = true;
    if (connection->first == NULL) {
        close_after(connection, false);
        return;
    }
    drop_parser(connection);
    connection->last->request.answer.close = true;
    slow = slow_of(connection);
    if (slow == NULL)
        return;
    slow->half_mark = connection->sent;
    wait_for(connection, TWI_WAIT_HALF);
}

/* Parse `data`; the rest goes to the backlog. */
static void consume(struct twi_http1_server *connection, const char *data, size_t length)
{
    const char *at;

    connection->busy = true;
    at = read_requests(connection, data, data + length);
    connection->busy = false;
    length -= (size_t)(at - data);
    if (!connection->closing && length > 0)
        backlog_add(connection, at, length);
    pause_or_resume(connection);
    wait_again(connection);
}

/* Go on with the backlog. */
static void go_on(struct twi_http1_server *connection)
{
    struct twi_buf backlog;

    if (connection->busy || connection->closing)
        return;
    if (!has_backlog(connection)) {
        wait_again(connection);
        return;
    }
    backlog = connection->slow->backlog;
    memset(&connection->slow->backlog, 0, sizeof backlog);
    consume(connection, backlog.data, backlog.length);
    twi_buf_free(&backlog);
    if (connection->ended && !connection->closing && !has_backlog(connection))
        reading_ended(connection);
}

/* --- answers in their order -------------------------------------------------------------- */

/* The first turn has finished: go on with the next. */
static void connection_advance(struct twi_http1_server *connection)
{
    bool tells = connection->service->site->on_finished != NULL;
    struct twi_http1_turn *turn;

    while ((turn = connection->first) != NULL && turn->request.answer.finished) {
        bool close = turn->request.answer.close, linger = turn->linger;

        turn->end = connection->written;
        turn->stage = TWI_TURN_LEAVES;
        connection->first = turn->next;
        connection->queued--;
        if (!tells) {
            connection->oldest = turn->next;
            turn->request.carrier = NULL;
            twi_request_unref(&turn->request);
        }
        if (close) {
            close_after(connection, linger);
            return;
        }
        turn = connection->first;
        if (turn == NULL)
            break;
        if (turn->wants_continue && !turn->request.is_complete)
            send_continue(connection, turn);
        twi_http1_turn_begin(turn);
    }
    go_on(connection);
}

/* The sink's finished(). */
static int turn_finished(tw_request *request)
{
    struct twi_http1_turn *turn = twi_http1_turn_of(request);
    struct twi_http1_server *connection = request->carrier;
    int r = twi_http1_write_end_of_body(turn);

    if (connection->first == turn)
        connection_advance(connection);
    return r;
}

/* The sink's watch(). */
static void turn_watch(tw_request *request)
{
    watch_sent(request->carrier);
}

static const struct twi_sink http1_sink = {
    .head = twi_http1_send_head,
    .write = twi_http1_write,
    .write_value = twi_http1_write_value,
    .write_file = twi_http1_write_file,
    .finished = turn_finished,
    .cut = twi_http1_cut,
    .unsent = twi_http1_unsent,
    .watch = turn_watch,
    .transport = twi_http1_transport,
    .release = turn_release,
};

/* --- timeouts ---------------------------------------------------------------------------- */

static const struct twi_http1_error too_slow = { &tw_error_timeout,
                                                 "the request took too long", 408 };

static bool body_is_fast_enough(const struct twi_http1_server *connection)
{
    const tw_site *site = connection->service->site;
    uint64_t bytes = connection->parser->body_bytes - connection->last->body_mark;

    return (double)bytes >= site->body_rate * (double)site->times.body / (double)TWI_SECOND;
}

/* True if the last answers have made progress. */
static bool half_goes_on(struct twi_http1_server *connection)
{
    uint64_t sent = twi_http1_server_sent(connection);
    bool goes_on = sent != connection->slow->half_mark;

    connection->slow->half_mark = sent;
    return goes_on;
}

void twi_http1_server_expired(struct twi_wait *wait)
{
    struct twi_http1_server *connection = TWI_CONTAINER(wait, struct twi_http1_server,
                                                        waiting);
    tw_transport *transport = connection->protocol.transport;
    enum twi_wait_kind kind = connection->wait;

    connection->wait = TWI_WAIT_NONE;
    switch (kind) {
    case TWI_WAIT_IDLE:
    case TWI_WAIT_LINGER:
        if (tw_transport_unsent(transport) > 0) { /* TWI_WAIT_SEND counts */
            wait_for(connection, kind);
            return;
        }
        connection->closing = true;
        if (kind == TWI_WAIT_IDLE)
            tw_transport_lose(transport);
        else
            tw_transport_abort(transport);
        return;
    case TWI_WAIT_HALF:
        if (half_goes_on(connection))
            wait_for(connection, kind);
        else
            tw_transport_abort(transport);
        return;
    case TWI_WAIT_BODY:
        if (body_is_fast_enough(connection)) {
            wait_for_body(connection);
            return;
        }
        break;
    default:
        break;
    }
    request_broken(connection, &too_slow);
    wait_again(connection);
}

void twi_http1_server_stalled(struct twi_wait *wait)
{
    struct twi_http1_slow *slow = TWI_CONTAINER(wait, struct twi_http1_slow, sending);
    struct twi_http1_server *connection = slow->connection;
    uint64_t sent = twi_http1_server_sent(connection);

    /* Below TLS bytes may have left without a word. */
    if (sent == slow->sending_mark) {
        connection_abort(connection);
        return;
    }
    slow->sending_mark = sent;
    twi_wait_begin(wait, &connection->service->waits[TWI_WAIT_SEND]);
}

/* --- the protocol ------------------------------------------------------------------------ */

static void server_made(tw_protocol *protocol)
{
    struct twi_http1_server *connection = server_of(protocol);

    if (connection->service->site->on_finished != NULL)
        watch_sent(connection);
    wait_for(connection, TWI_WAIT_IDLE);
}

static void data_received(tw_protocol *protocol, const char *data, size_t length)
{
    struct twi_http1_server *connection = server_of(protocol);

    if (connection->closing)
        return;
    if (has_backlog(connection))
        backlog_add(connection, data, length);
    else
        consume(connection, data, length);
}

static void read_connection_lost(tw_protocol *protocol)
{
    struct twi_http1_server *connection = server_of(protocol);

    connection->ended = true;
    if (connection->wait == TWI_WAIT_LINGER)
        tw_transport_lose(protocol->transport);
    else if (!has_backlog(connection))
        reading_ended(connection);
}

/* True if somebody has to hear of each flush. */
static bool wants_sent(const struct twi_http1_server *connection)
{
    if (connection->service->site->on_finished != NULL || connection->blocked ||
        is_sending(connection))
        return true;
    for (const struct twi_http1_turn *turn = connection->first; turn != NULL;
         turn = turn->next)
        if (twi_pace_waits(&turn->request.pace))
            return true;
    return false;
}

static void bytes_sent(tw_protocol *protocol)
{
    struct twi_http1_server *connection = server_of(protocol);
    tw_transport *transport = protocol->transport;

    connection->sent = twi_http1_server_sent(connection);
    sending_again(connection, tw_transport_unsent(transport));
    turns_sent(connection, connection->sent);
    if (connection->first != NULL)
        twi_pace_sent(&connection->first->request);
    if (connection->blocked &&
        tw_transport_unsent(transport) + turns_hold(connection) <= UNSENT_LOW) {
        connection->blocked = false;
        go_on(connection);
    }
    if (!is_sending(connection) && !has_backlog(connection) && !connection->closing)
        slow_free(connection);
    tw_transport_tell_sent(transport, wants_sent(connection));
}

/* All requests are marked as gone before the first callback may act on others. */
static void server_lost(tw_protocol *protocol, tw_value reason)
{
    struct twi_http1_server *connection = server_of(protocol);
    struct twi_http1_turn *turn;

    (void)reason;
    connection->closing = true;
    connection->reading = false;
    wait_for(connection, TWI_WAIT_NONE);
    drop_parser(connection);
    slow_free(connection);
    if (connection->first != NULL)
        connection->first->request.pace.is_told = tw_transport_has_producer(
            protocol->transport);
    for (turn = connection->oldest; turn != NULL; turn = turn->next) {
        turn->request.is_gone = true;
        twi_request_ref(&turn->request);
        if (turn->stage != TWI_TURN_LEAVES)
            twi_request_ref(&turn->request);
    }
    while ((turn = connection->oldest) != NULL) {
        tw_request *request = &turn->request;

        connection->oldest = turn->next;
        if (turn->stage == TWI_TURN_LEAVES) {
            turn_leaves(turn);
        } else {
            twi_request_gone(request);
            request->carrier = NULL;
            twi_http1_turn_drop(turn);
        }
        twi_request_unref(request);
    }
    connection->first = connection->last = NULL;
}

static void released(tw_protocol *protocol)
{
    struct twi_http1_server *connection = server_of(protocol);

    connection->service->site->connections--;
    twi_service_unref(connection->service);
}

static const tw_protocol_class connection_class = {
    .name = "http server",
    .size = sizeof(struct twi_http1_server),
    .connection_made = server_made,
    .data_received = data_received,
    .read_connection_lost = read_connection_lost,
    .bytes_sent = bytes_sent,
    .connection_lost = server_lost,
    .released = released,
};

tw_protocol *twi_http1_server_new(struct twi_service *service)
{
    tw_protocol *protocol = tw_protocol_new(&connection_class);
    struct twi_http1_server *connection = server_of(protocol);

    if (protocol == NULL)
        return NULL;
    connection->service = twi_service_ref(service);
    connection->wait = TWI_WAIT_NONE;
    twi_wait_init(&connection->waiting);
    service->site->connections++;
    return protocol;
}
