/* SPDX-License-Identifier: MIT */
/*
 * server_connection.c - one client: reads requests, keeps their answers in order, and gives up.
 *
 * Parsing stops between two requests when too many answers are due or the client does not read
 * them; what has been received waits in the backlog, and the transport is paused. Whatever ends
 * an answer calls twi_connection_advance(), which starts parsing again, unless the parsing itself
 * is below on the stack: then its loop sees to it.
 */
#include "config.h"

#include <errno.h>

#include <tweed/reactor.h>

#include "reactor/face.h"
#include "web/server/server.h"

/* Above this many unsent bytes no further request is read. */
enum { UNSENT_MAX = 65536 };
static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

static struct twi_connection *server_connection_of(tw_protocol *protocol)
{
    return (struct twi_connection *)protocol;
}

/* Wait for something else. */
static void wait_for(struct twi_connection *connection, enum twi_wait_kind kind)
{
    connection->wait = (uint8_t)kind;
    if (kind == TWI_WAIT_NONE)
        twi_wait_end(&connection->waiting);
    else
        twi_wait_begin(&connection->waiting, &connection->service->waits[kind]);
}

/* --- the queue of answers ---------------------------------------------------------------- */

static void queue_add(struct twi_connection *connection, tw_request *request)
{
    if (connection->last == NULL)
        connection->first = request;
    else
        connection->last->next = request;
    connection->last = request;
    connection->queued++;
}

static tw_request *queue_take(struct twi_connection *connection)
{
    tw_request *request = connection->first;

    connection->first = request->next;
    if (connection->first == NULL)
        connection->last = NULL;
    if (connection->reading == request)
        connection->reading = NULL;
    request->next = NULL;
    connection->queued--;
    return request;
}

static void send_continue(struct twi_connection *connection, tw_request *request)
{
    request->wants_continue = false;
    tw_transport_write(connection->protocol.transport, continue_line,
                       sizeof continue_line - 1);
}

/* Append to the backlog; -ENOMEM aborts the connection. */
static void backlog_add(struct twi_connection *connection, const char *data, size_t length)
{
    if (connection->backlog == NULL)
        connection->backlog = twi_calloc(1, sizeof *connection->backlog);
    if (connection->backlog != NULL && twi_buf_append(connection->backlog, data, length) == 0)
        return;
    connection->closing = true;
    tw_transport_abort(connection->protocol.transport);
}

static void backlog_free(struct twi_buf *backlog)
{
    if (backlog == NULL)
        return;
    twi_buf_free(backlog);
    twi_free(backlog);
}

static void drop_backlog(struct twi_connection *connection)
{
    backlog_free(connection->backlog);
    connection->backlog = NULL;
}

static void drop_parser(struct twi_connection *connection)
{
    if (connection->parser != NULL)
        twi_service_give_parser(connection->service, connection->parser);
    connection->parser = NULL;
}

/* The last answer is written: close, or let the client read it first. A close while bytes of the
 * client are unread would be a reset, which may overtake the answer. */
static void close_after(struct twi_connection *connection, bool linger)
{
    tw_transport *transport = connection->protocol.transport;

    connection->closing = true;
    connection->blocked = false;
    drop_parser(connection);
    drop_backlog(connection);
    wait_for(connection, TWI_WAIT_NONE);
    if (linger && tw_transport_lose_write(transport) == 0) {
        wait_for(connection, TWI_WAIT_LINGER);
        if (connection->paused)
            tw_transport_resume(transport);
        connection->paused = false;
        return;
    }
    tw_transport_lose(transport);
}

/* --- reading requests -------------------------------------------------------------------- */

static void client_reads(void *arg);
static void client_gone(void *arg)
{
    (void)arg;
}
static const struct tw_producer drain_watch = { .resume = client_reads,
                                                .stop = client_gone,
                                                .pause = client_gone };

/* May the next request be read? If the client is what we wait for, hear when it has read. */
static bool connection_may_go_on(struct twi_connection *connection)
{
    tw_transport *transport = connection->protocol.transport;

    if (connection->closing || connection->blocked ||
        connection->queued >= connection->service->site->max_pipelined)
        return false;
    if (tw_transport_unsent(transport) <= UNSENT_MAX)
        return true;
    /* Somebody else's producer keeps the client's pace for us. */
    if (tw_transport_register_producer(transport, &drain_watch, true, connection) < 0)
        return true;
    connection->blocked = true;
    return false;
}

static void request_broken(struct twi_connection *connection,
                           const struct twi_http1_error *error)
{
    tw_request *request = connection->reading;
    int status = error->status;
    const char *text = error->text;

    connection->closing = true;
    if (request == NULL) {
        request = twi_request_broken(connection);
        if (request == NULL) {
            tw_transport_abort(connection->protocol.transport);
            return;
        }
        queue_add(connection, request);
    }
    connection->reading = NULL;
    request->close = request->linger = true;
    tw_request_error(request, status, text);
}

static const struct twi_http1_error no_memory = { &tw_error_memory, "out of memory", 503 };
static const struct twi_http1_error bad_path = { &tw_error_protocol, "bad path", 400 };

static void head_read(struct twi_connection *connection)
{
    tw_request *request = twi_request_new(connection, connection->parser);

    if (request == NULL) {
        request_broken(connection, &no_memory);
        return;
    }
    queue_add(connection, request);
    connection->reading = request;
    if (request->is_bad) {
        request_broken(connection, &bad_path);
        return;
    }
    if (!connection->parser->expect_continue)
        return;
    if (request->handler == NULL) {
        /* The client holds its body back: it is not wanted. */
        connection->closing = true;
        connection->reading = NULL;
        request->close = request->linger = true;
        twi_request_dispatch(request);
        return;
    }
    request->wants_continue = true;
    if (connection->first == request)
        send_continue(connection, request);
}

static void request_read(struct twi_connection *connection)
{
    tw_request *request = connection->reading;

    connection->reading = NULL;
    drop_parser(connection);
    if (request->close)
        connection->closing = true;
    twi_request_dispatch(request);
}

static void body_read(struct twi_connection *connection)
{
    const struct twi_http1 *parser = connection->parser;

    if (twi_buf_append(&connection->reading->collected, parser->piece, parser->piece_length) <
        0)
        request_broken(connection, &no_memory);
}

/* Read as many requests as there are and may be; returns what is left. */
static const char *parse(struct twi_connection *connection, const char *at, const char *end)
{
    while (!connection->closing) {
        if (connection->parser == NULL) {
            if (at == end || !connection_may_go_on(connection))
                break;
            connection->parser = twi_service_take_parser(connection->service);
            if (connection->parser == NULL) {
                tw_transport_abort(connection->protocol.transport);
                connection->closing = true;
                break;
            }
        }
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

/* What to wait for now. */
static void wait_again(struct twi_connection *connection)
{
    if (connection->closing) {
        if (connection->wait != TWI_WAIT_LINGER)
            wait_for(connection, TWI_WAIT_NONE);
    } else if (connection->reading != NULL) {
        if (connection->wait != TWI_WAIT_BODY) {
            connection->wait_mark = connection->parser->body_bytes;
            wait_for(connection, TWI_WAIT_BODY);
        }
    } else if (connection->parser != NULL && twi_http1_started(connection->parser)) {
        if (connection->wait != TWI_WAIT_HEADER)
            wait_for(connection, TWI_WAIT_HEADER);
    } else if (connection->first != NULL) {
        if (connection->wait != TWI_WAIT_NONE)
            wait_for(connection, TWI_WAIT_NONE);
    } else {
        connection->wait_mark = 0;
        wait_for(connection, TWI_WAIT_IDLE);
    }
}

static void pause_or_resume(struct twi_connection *connection)
{
    bool pause = connection->backlog != NULL;

    if (pause == connection->paused || connection->closing)
        return;
    connection->paused = pause;
    if (pause)
        tw_transport_pause(connection->protocol.transport);
    else
        tw_transport_resume(connection->protocol.transport);
}

/* Parse `data`, keep in the backlog what is left. */
static void consume(struct twi_connection *connection, const char *data, size_t length)
{
    const char *at;

    connection->busy = true;
    at = parse(connection, data, data + length);
    connection->busy = false;
    length -= (size_t)(at - data);
    if (!connection->closing && length > 0)
        backlog_add(connection, at, length);
    pause_or_resume(connection);
    wait_again(connection);
}

/* Go on with the backlog. */
static void go_on(struct twi_connection *connection)
{
    struct twi_buf *backlog = connection->backlog;

    if (connection->busy || connection->closing)
        return;
    if (backlog == NULL) {
        wait_again(connection);
        return;
    }
    connection->backlog = NULL;
    consume(connection, backlog->data, backlog->length);
    backlog_free(backlog);
}

static void client_reads(void *arg)
{
    struct twi_connection *connection = arg;

    if (!connection->blocked)
        return;
    tw_transport_unregister_producer(connection->protocol.transport);
    connection->blocked = false;
    go_on(connection);
}

void twi_connection_advance(struct twi_connection *connection)
{
    while (connection->first != NULL && connection->first->finished) {
        tw_request *request = queue_take(connection);
        bool close = request->close, linger = request->linger;

        request->connection = NULL;
        twi_request_over(request);
        twi_request_unref(request);
        if (close) {
            if (connection->blocked)
                tw_transport_unregister_producer(connection->protocol.transport);
            close_after(connection, linger);
            return;
        }
        request = connection->first;
        if (request == NULL)
            break;
        if (request->wants_continue && !request->complete)
            send_continue(connection, request);
        twi_request_flush(request);
    }
    go_on(connection);
}

/* --- timeouts ---------------------------------------------------------------------------- */

static const struct twi_http1_error too_slow = { &tw_error_timeout,
                                                 "the request took too long", 408 };

static void idle_expired(struct twi_connection *connection)
{
    tw_transport *transport = connection->protocol.transport;
    size_t unsent = tw_transport_unsent(transport);

    if (unsent == 0) {
        connection->closing = true;
        tw_transport_lose(transport);
    } else if (unsent == connection->wait_mark) {
        connection->closing = true;
        tw_transport_abort(transport);
    } else {
        connection->wait_mark = unsent;
        wait_for(connection, TWI_WAIT_IDLE);
    }
}

void twi_connection_expired(struct twi_wait *wait)
{
    struct twi_connection *connection = TWI_CONTAINER(wait, struct twi_connection, waiting);
    const tw_site *site = connection->service->site;
    enum twi_wait_kind kind = connection->wait;
    uint64_t bytes;

    connection->wait = TWI_WAIT_NONE;
    switch (kind) {
    case TWI_WAIT_IDLE:
        idle_expired(connection);
        return;
    case TWI_WAIT_LINGER:
        tw_transport_abort(connection->protocol.transport);
        return;
    case TWI_WAIT_BODY:
        bytes = connection->parser->body_bytes;
        if ((double)(bytes - connection->wait_mark) >=
            site->body_rate * (double)site->times.body / (double)TWI_SECOND) {
            connection->wait_mark = bytes;
            wait_for(connection, TWI_WAIT_BODY);
            return;
        }
        break;
    default:
        break;
    }
    request_broken(connection, &too_slow);
    wait_again(connection);
}

/* --- the protocol ------------------------------------------------------------------------ */

static void connection_made(tw_protocol *protocol)
{
    wait_for(server_connection_of(protocol), TWI_WAIT_IDLE);
}

static void data_received(tw_protocol *protocol, const char *data, size_t length)
{
    struct twi_connection *connection = server_connection_of(protocol);

    if (connection->closing)
        return;
    if (connection->backlog != NULL)
        backlog_add(connection, data, length);
    else
        consume(connection, data, length);
}

static void server_connection_lost(tw_protocol *protocol, tw_value reason)
{
    struct twi_connection *connection = server_connection_of(protocol);

    (void)reason;
    connection->closing = true;
    wait_for(connection, TWI_WAIT_NONE);
    connection->reading = NULL;
    drop_parser(connection);
    drop_backlog(connection);
    for (tw_request *request = connection->first; request != NULL; request = request->next) {
        request->connection = NULL;
        request->refs++;
    }
    while (connection->first != NULL)
        twi_request_gone(queue_take(connection));
}

static void released(tw_protocol *protocol)
{
    struct twi_connection *connection = server_connection_of(protocol);

    connection->service->site->connections--;
    twi_service_unref(connection->service);
}

static const tw_protocol_class connection_class = {
    .name = "http server",
    .size = sizeof(struct twi_connection),
    .connection_made = connection_made,
    .data_received = data_received,
    .connection_lost = server_connection_lost,
    .released = released,
};

tw_protocol *twi_connection_new(struct twi_service *service)
{
    tw_protocol *protocol = tw_protocol_new(&connection_class);
    struct twi_connection *connection = server_connection_of(protocol);

    if (protocol == NULL)
        return NULL;
    connection->service = twi_service_ref(service);
    connection->wait = TWI_WAIT_NONE;
    twi_wait_init(&connection->waiting);
    service->site->connections++;
    return protocol;
}
