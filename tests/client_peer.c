/* SPDX-License-Identifier: MIT */
/*
 * client_peer.c - a scripted HTTP server in memory.
 */
#include "config.h"

#include <string.h>

#include "tests/client_peer.h"
#include "tests/test.h"

void client_settle(void)
{
    tw_testing_advance(0.01);
}

/* --- sending ------------------------------------------------------------------------------- */

static void finish_sending(struct peer_connection *connection)
{
    if (connection->then_reset)
        tw_transport_abort(connection->protocol.transport);
    else if (connection->then_close)
        tw_transport_lose(connection->protocol.transport);
}

static void send_piece(void *arg)
{
    struct peer_connection *connection = arg;
    struct twi_buf *out = &connection->out;
    size_t piece = connection->peer->piece;

    connection->trickle = 0;
    if (connection->protocol.transport == NULL)
        return;
    if (piece == 0 || piece > out->length)
        piece = out->length;
    if (piece > 0 && connection->protocol.transport != NULL)
        tw_transport_write(connection->protocol.transport, out->data, piece);
    twi_buf_consume(out, piece);
    /* A reset throws away what has not arrived: it comes some turns later. */
    if (out->length > 0)
        connection->trickle = tw_call_later(0, send_piece, connection);
    else if (connection->then_reset && piece > 0)
        connection->trickle = tw_call_later(0.001, send_piece, connection);
    else
        finish_sending(connection);
}

void peer_send_n(struct peer_connection *connection, const char *data, size_t length)
{
    ck_assert_int_eq(twi_buf_append(&connection->out, data, length), 0);
    if (connection->trickle == 0)
        connection->trickle = tw_call_later(0, send_piece, connection);
}

void peer_send(struct peer_connection *connection, const char *text)
{
    peer_send_n(connection, text, strlen(text));
}

void peer_close(struct peer_connection *connection)
{
    connection->then_close = true;
    if (connection->trickle == 0)
        finish_sending(connection);
}

void peer_reset(struct peer_connection *connection)
{
    connection->then_reset = true;
    if (connection->trickle == 0)
        finish_sending(connection);
}

/* --- receiving ----------------------------------------------------------------------------- */

static void answer(struct peer_connection *connection, const char *request)
{
    struct peer *peer = connection->peer;

    if (peer->answer != NULL) {
        peer->answer(connection, request);
        return;
    }
    if (peer->reply != NULL)
        peer_send_n(connection, peer->reply,
                    peer->reply_length > 0 ? peer->reply_length : strlen(peer->reply));
    if (peer->then == PEER_CLOSES)
        peer_close(connection);
    else if (peer->then == PEER_RESETS)
        peer_reset(connection);
}

/* How long the request at the front is; 0: not all here. */
static size_t request_length(struct twi_buf *in)
{
    const char *text = twi_buf_text(in), *end = strstr(text, "\r\n\r\n"), *field, *last;
    size_t length;

    if (end == NULL)
        return 0;
    length = (size_t)(end - text) + 4;
    field = strstr(text, "\r\nContent-Length: ");
    if (field != NULL && field < end)
        length += strtoul(field + 18, NULL, 10);
    field = strstr(text, "\r\nTransfer-Encoding: chunked");
    if (field != NULL && field < end) {
        last = strstr(end, "\r\n0\r\n\r\n");
        length = last == NULL ? SIZE_MAX : (size_t)(last - text) + 7;
    }
    return length <= in->length ? length : 0;
}

static void peer_received(tw_protocol *protocol, const char *data, size_t length)
{
    struct peer_connection *connection = (struct peer_connection *)protocol;
    struct peer *peer = connection->peer;
    char *request;

    twi_buf_append(&connection->in, data, length);
    while ((length = peer->raw ? connection->in.length : request_length(&connection->in)) >
           0) {
        request = twi_strndup(connection->in.data, length);
        ck_assert_ptr_nonnull(request);
        twi_buf_append(&peer->log, request, length);
        twi_buf_consume(&connection->in, length);
        connection->requests++;
        peer->requests++;
        answer(connection, request);
        twi_free(request);
    }
}

static void peer_made(tw_protocol *protocol)
{
    struct peer_connection *connection = (struct peer_connection *)protocol;
    struct peer *peer = connection->peer;

    twi_list_append(&peer->open, &connection->node);
    connection->number = ++peer->connections;
    if (++peer->open_count > peer->most_open)
        peer->most_open = peer->open_count;
}

static void peer_lost(tw_protocol *protocol, tw_value reason)
{
    struct peer_connection *connection = (struct peer_connection *)protocol;

    (void)reason;
    if (connection->trickle > 0)
        tw_call_cancel(connection->trickle);
    connection->peer->open_count--;
    twi_list_remove(&connection->node);
}

static void peer_released(tw_protocol *protocol)
{
    struct peer_connection *connection = (struct peer_connection *)protocol;

    twi_buf_free(&connection->in);
    twi_buf_free(&connection->out);
}

static const tw_protocol_class peer_class = {
    .name = "scripted peer",
    .size = sizeof(struct peer_connection),
    .connection_made = peer_made,
    .data_received = peer_received,
    .connection_lost = peer_lost,
    .released = peer_released,
};

static tw_protocol *peer_build(tw_factory *factory)
{
    tw_protocol *protocol = tw_protocol_new(&peer_class);

    if (protocol != NULL)
        ((struct peer_connection *)protocol)->peer = tw_factory_data(factory);
    return protocol;
}

void peer_begin(struct peer *peer, unsigned port)
{
    static const struct tw_factory_class factory_class = { .build = peer_build };
    struct tw_listen_options options = { .address = "0.0.0.0",
                                         .port = port,
                                         .tls = peer->tls };
    tw_factory *factory = tw_factory_new(&factory_class, peer);

    ck_assert_ptr_nonnull(factory);
    twi_list_init(&peer->open);
    ck_assert_int_eq(tw_listen(&options, factory, &peer->listener, NULL), 0);
    tw_factory_unref(factory);
}

void peer_end(struct peer *peer)
{
    tw_listener_close(peer->listener);
    while (!twi_list_empty(&peer->open)) {
        struct twi_list *node = twi_list_take_first(&peer->open);
        tw_transport_abort(
            TWI_CONTAINER(node, struct peer_connection, node)->protocol.transport);
    }
    client_settle();
    twi_buf_free(&peer->log);
}

struct peer_connection *peer_last(struct peer *peer)
{
    ck_assert(!twi_list_empty(&peer->open));
    return TWI_CONTAINER(peer->open.prev, struct peer_connection, node);
}

const char *peer_log(struct peer *peer)
{
    return twi_buf_text(&peer->log);
}

size_t peer_count(struct peer *peer, const char *text)
{
    const char *at = peer_log(peer);
    size_t count = 0;

    while ((at = strstr(at, text)) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

/* --- the client ---------------------------------------------------------------------------- */

tw_agent *client_agent;

void client_begin_with(const struct tw_agent_options *options)
{
    ck_assert_int_eq(tw_testing_begin(), 0);
    client_agent = tw_agent_new(options);
    ck_assert_ptr_nonnull(client_agent);
}

/* No proxy of the environment gets in the way. */
void client_begin(void)
{
    client_begin_with(&(struct tw_agent_options){ .proxy = "" });
}

void client_end(void)
{
    tw_agent_unref(client_agent);
    client_agent = NULL;
    ck_assert_uint_eq(tw_testing_end(), 0);
}

tw_headers *client_headers(void)
{
    tw_headers *headers = tw_headers_new();

    ck_assert_ptr_nonnull(headers);
    return headers;
}

tw_cookies *client_cookies(void)
{
    tw_cookies *cookies = tw_cookies_new();

    ck_assert_ptr_nonnull(cookies);
    return cookies;
}

static tw_value take_outcome(tw_value result, void *arg)
{
    struct outcome *outcome = arg;
    tw_value response = tw_is_failure(result) ? tw_failure_value(result) : result;
    tw_value body = tw_is(response, &tw_type_response) ? tw_response_body(response) : response;

    outcome->fired++;
    outcome->result = tw_retain(result);
    outcome->error = tw_is_failure(result) ? tw_failure_class(result) : NULL;
    outcome->status = tw_response_status(response);
    outcome->complete = tw_response_complete(response);
    outcome->body = tw_bytes_data(body);
    outcome->length = tw_bytes_length(body);
    outcome->at = tw_clock_seconds(tw_reactor_clock());
    return tw_none();
}

void outcome_of(struct outcome *outcome, tw_deferred *deferred)
{
    tw_add_both(deferred, take_outcome, outcome);
    tw_deferred_unref(deferred);
}

void outcome_free(struct outcome *outcome)
{
    tw_drop(&outcome->result);
    memset(outcome, 0, sizeof *outcome);
}

void client_get(struct outcome *outcome, const char *url,
                const struct tw_fetch_options *options)
{
    *outcome = (struct outcome){ 0 };
    outcome_of(outcome, tw_agent_request(client_agent, url, options));
    for (int i = 0; i < 3600 && outcome->fired == 0; i++)
        tw_testing_advance(1);
    ck_assert_uint_eq(outcome->fired, 1);
}

void client_start(struct peer *peer, const char *reply)
{
    client_begin();
    *peer = (struct peer){ .reply = reply };
    peer_begin(peer, 80);
}

void client_stop(struct peer *peer, struct outcome *outcome)
{
    outcome_free(outcome);
    tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(peer);
    client_end();
}
