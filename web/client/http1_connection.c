/* SPDX-License-Identifier: MIT */
/*
 * http1_connection.c - HTTP/1.1 as a connection of the client: messages out, the codec's events in.
 *
 * One exchange at a time. Bytes that come when there is none, or before any of its request has
 * left, do not belong to it: the peer counts requests in another way, and the connection is
 * never used again.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "reactor/face.h"
#include "web/client/http1_connection.h"
#include "web/http1/http1.h"

/* A read that took all bytes is as good as a look, and is trusted for this long. */
#define LOOK_HOLDS_NS INT64_C(50000)

enum {
    WITH_HEAD = 16 << 10, /* copied behind the head, so that both leave in one packet train */
    AT_ONCE = 64 << 10,   /* asked of a source before the transport is waited for */
    PIECE = 8 << 10,
    USUAL_HEAD = 512
};

struct http1 {
    tw_protocol protocol;
    struct twi_connection base;
    struct twi_exchange *exchange; /* NULL: none */
    struct twi_buf *scratch;
    struct twi_http1 parser;
    struct twi_http1_limits limits;
    struct twi_buf held; /* came while paused, not parsed yet */
    /* An answer's head so far, if that is to be told and came in pieces. A connection that is left
     * in the middle of one is spent. */
    struct twi_buf head;
    size_t written;      /* of the request, by its start() */
    int64_t drained_at;  /* the real time of an answer that ended a read; 0: look */
    size_t exchanges;
    bool last, tunnel, tls_inside;
    bool left;                        /* some of the request has been sent */
    bool paused, began, drained;
    bool head_came;
    bool chunked, uploading, producing, stalled;
    bool closed, lost;
};

static struct http1 *http1_of(struct twi_connection *connection)
{
    return TWI_CONTAINER(connection, struct http1, base);
}

static struct http1 *http1_of_exchange(const struct twi_exchange *exchange)
{
    return http1_of(exchange->connection);
}

static tw_transport *http1_transport(const struct http1 *http1)
{
    return http1->protocol.transport;
}

/* --- the request's body ---------------------------------------------------------------- */

static void bytes_write(struct http1 *http1, const void *data, size_t length)
{
    /* An error here ends the connection, which tells us by connection_lost. */
    (void)tw_transport_write(http1_transport(http1), data, length);
}

/* False when the exchange is over: the callee may cancel it. */
static bool wire_tell(struct http1 *http1, enum twi_wire what, const char *data, size_t length)
{
    struct twi_exchange *exchange = http1->exchange;

    exchange->sink->wire(exchange, what, data, length);
    return http1->exchange == exchange;
}

/* Some of the request's body with its framing; false as wire_tell(). */
static bool body_write(struct http1 *http1, const char *data, size_t length)
{
    bytes_write(http1, data, length);
    return !http1->exchange->tell_wire || wire_tell(http1, TWI_WIRE_SENT, data, length);
}

static void upload_stop(struct http1 *http1)
{
    http1->stalled = http1->uploading = false;
    if (!http1->producing)
        return;
    http1->producing = false;
    if (http1_transport(http1) != NULL)
        tw_transport_unregister_producer(http1_transport(http1));
}

static void http1_request_sent(struct http1 *http1)
{
    upload_stop(http1);
    http1->exchange->sink->sent(http1->exchange);
}

static void piece_write(struct http1 *http1, const char *piece, size_t length)
{
    char head[TWI_HTTP1_CHUNK_HEAD_SIZE];

    if (!http1->chunked)
        (void)body_write(http1, piece, length);
    else if (body_write(http1, head, twi_http1_chunk_head(head, length)) &&
             body_write(http1, piece, length))
        (void)body_write(http1, TWI_HTTP1_CHUNK_END, sizeof TWI_HTTP1_CHUNK_END - 1);
}

/* A pull producer's resume: the transport has sent everything. */
static void upload_produce(void *arg)
{
    struct http1 *http1 = arg;
    struct twi_exchange *exchange = http1->exchange;
    char piece[PIECE];

    http1->left = true; /* a transport that asks for more has sent what it had */
    for (size_t total = 0; total < AT_ONCE;) {
        int64_t length;

        if (!http1->uploading || http1->stalled)
            return;
        length = exchange->sink->read(exchange, piece, sizeof piece);
        if (http1->exchange != exchange || !http1->uploading)
            return;
        if (length == -EAGAIN) {
            http1->stalled = true;
            return;
        }
        if (length <= 0) {
            if (!http1->chunked ||
                body_write(http1, TWI_HTTP1_LAST_CHUNK, sizeof TWI_HTTP1_LAST_CHUNK - 1))
                http1_request_sent(http1);
            return;
        }
        piece_write(http1, piece, (size_t)length);
        total += (size_t)length;
    }
}

/* The connection is gone; the exchange learns it by connection_lost. */
static void upload_cut(void *arg)
{
    struct http1 *http1 = arg;
    http1->producing = false;
}

static const struct tw_producer upload_producer = { .resume = upload_produce,
                                                    .stop = upload_cut };

static int upload_start(struct http1 *http1)
{
    int r;

    http1->uploading = http1->producing = true;
    r = tw_transport_register_producer(http1_transport(http1), &upload_producer, false, http1);
    if (r < 0)
        http1->producing = false;
    return r;
}

static void http1_send_more(struct twi_exchange *exchange)
{
    struct http1 *http1 = http1_of_exchange(exchange);

    if (!http1->stalled)
        return;
    http1->stalled = false;
    upload_produce(http1);
}

/* --- the request's head ---------------------------------------------------------------- */

static int field_put(void *arg, const char *name, size_t name_length, const char *value,
                     size_t value_length)
{
    struct twi_buf *head = arg;
    char *at;

    if (twi_buf_reserve(head, name_length + value_length + 4) < 0)
        return -ENOMEM;
    at = head->data + head->length;
    memcpy(at, name, name_length);
    memcpy(at + name_length, ": ", 2);
    memcpy(at + name_length + 2, value, value_length);
    memcpy(at + name_length + 2 + value_length, "\r\n", 2);
    head->length += name_length + value_length + 4;
    return 0;
}

static int line_write(struct twi_buf *head, const struct twi_message *message)
{
    int r = twi_buf_append_text(head, message->method);

    if (r == 0)
        r = twi_buf_append_char(head, ' ');
    if (r == 0 && message->origin != NULL)
        r = twi_buf_append_text(head, message->origin);
    if (r == 0)
        r = twi_buf_append_text(head, message->path);
    if (r == 0)
        r = twi_buf_append_text(head, message->query);
    if (r == 0)
        r = twi_buf_append(head, message->http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n", 11);
    return r;
}

static int head_write(struct twi_buf *head, const struct twi_message *message)
{
    int r;

    head->length = 0;
    r = twi_buf_reserve(head, USUAL_HEAD);
    if (r == 0)
        r = line_write(head, message);
    if (r == 0)
        r = message->fields(message, field_put, head);
    if (r == 0 && message->has_source && !message->length_known)
        r = twi_buf_append(head, "Transfer-Encoding: chunked\r\n", 28);
    if (r == 0 && message->http10 && !message->says_connection)
        r = twi_buf_append(head, "Connection: close\r\n", 19);
    if (r == 0)
        r = twi_buf_append(head, "\r\n", 2);
    return r;
}

/* --- the ends of an exchange ----------------------------------------------------------- */

/* Let go of the exchange, and return it for its last event. */
static struct twi_exchange *exchange_take(struct http1 *http1)
{
    struct twi_exchange *exchange = http1->exchange;

    upload_stop(http1);
    http1->exchange = NULL;
    if (exchange != NULL)
        exchange->connection = NULL;
    if (http1->held.data != NULL)
        twi_buf_free(&http1->held);
    return exchange;
}

static void exchange_fail(struct http1 *http1, const struct twi_exchange_failure *failure)
{
    struct twi_exchange *exchange = exchange_take(http1);

    http1->base.spent = true;
    exchange->sink->failed(exchange, failure);
}

/* The answer is whole; `clean` if no bytes came behind it. */
static void exchange_finish(struct http1 *http1, bool clean)
{
    bool opened = http1->tunnel && http1->parser.status < 300;
    struct twi_exchange *exchange = http1->exchange;

    if (exchange->tell_wire && !wire_tell(http1, TWI_WIRE_WHOLE, NULL, 0))
        return;
    if (!clean || (!opened && (!http1->parser.keep_alive || http1->last)) ||
        http1->uploading || (!http1->lost && tw_transport_unsent(http1_transport(http1)) > 0))
        http1->base.spent = true;
    http1->drained_at = http1->drained && !twi_loop_is_virtual() ? twi_monotonic_ns() : 0;
    exchange = exchange_take(http1);
    exchange->sink->done(exchange);
}

static void http1_cancel(struct twi_exchange *exchange)
{
    struct http1 *http1 = http1_of_exchange(exchange);

    exchange_take(http1);
    http1->base.spent = true;
}

/* --- starting -------------------------------------------------------------------------- */

static void parser_begin(struct http1 *http1, const struct twi_message *message)
{
    http1->limits = twi_http1_client_limits;
    if (message->max_head > 0)
        http1->limits.head = message->max_head;
    if (message->max_fields > 0)
        http1->limits.fields = message->max_fields;
    twi_http1_begin(&http1->parser, message->method);
}

static void exchange_begin(struct http1 *http1, struct twi_exchange *exchange,
                           const struct twi_message *message)
{
    parser_begin(http1, message);
    exchange->connection = &http1->base;
    http1->exchange = exchange;
    http1->exchanges++;
    http1->last = message->last || message->http10;
    http1->tunnel = message->tunnel;
    http1->chunked = message->has_source && !message->length_known;
    http1->left = http1->paused = http1->began = http1->head_came = false;
}

/* The callee may write another head into the same buffer, so this one is taken out of it
 * first. */
static void head_tell(struct http1 *http1, size_t length)
{
    struct twi_exchange *exchange = http1->exchange;
    struct twi_buf *scratch = http1->scratch, head = *scratch;

    *scratch = (struct twi_buf){ 0 };
    exchange->sink->went_out(exchange, head.data, length);
    if (scratch->data != NULL)
        twi_buf_free(&head);
    else
        *scratch = head;
}

static int start_undo(struct http1 *http1)
{
    exchange_take(http1);
    http1->base.spent = true;
    return -ENOMEM;
}

static int http1_start(struct twi_connection *connection, struct twi_exchange *exchange,
                       const struct twi_message *message)
{
    struct http1 *http1 = http1_of(connection);
    struct twi_buf *head = http1->scratch;
    size_t length = tw_bytes_length(message->body), head_length;
    int r = head_write(head, message);

    head_length = head->length;
    if (r == 0 && length > 0 && length <= WITH_HEAD) {
        r = twi_buf_append(head, tw_bytes_data(message->body), length);
        length = 0;
    }
    if (r < 0)
        return r;
    exchange_begin(http1, exchange, message);
    http1->written = head->length + length;
    bytes_write(http1, head->data, head->length);
    if (length > 0)
        (void)tw_transport_write_value(http1_transport(http1), tw_lend(message->body));
    if (exchange->tell_head)
        head_tell(http1, head_length);
    if (http1->exchange == exchange && exchange->tell_wire && !tw_is_none(message->body))
        wire_tell(http1, TWI_WIRE_SENT, tw_bytes_data(message->body),
                  tw_bytes_length(message->body));
    if (http1->exchange != exchange)
        return 0;
    if (!message->has_source)
        http1_request_sent(http1);
    else if (upload_start(http1) < 0)
        return start_undo(http1);
    return 0;
}

static struct twi_sending http1_sending(const struct twi_exchange *exchange)
{
    const struct http1 *http1 = http1_of_exchange(exchange);
    tw_transport *transport = http1_transport(http1);

    return (struct twi_sending){
        .unsent = tw_transport_unsent(transport),
        .more = http1->uploading,
        .shaking_hands = http1->tls_inside && tw_transport_tls_version(transport) == NULL,
    };
}

/* --- bytes that come ------------------------------------------------------------------- */

static void exchange_fail_memory(struct http1 *http1)
{
    exchange_fail(http1, &(struct twi_exchange_failure){ .end = TWI_EXCHANGE_BROKEN,
                                                         .error_class = &tw_error_memory,
                                                         .text = "out of memory" });
}

/* Some of the answer's head lies between `from` and `at`. It is told from there if it is whole,
 * and collected otherwise; an interim answer before it is dropped. */
static bool head_bytes_tell(struct http1 *http1, const char *from, const char *at, bool whole)
{
    struct twi_buf *head = &http1->head, told;
    size_t length = http1->parser.head_length;
    bool alive;

    if (whole && (size_t)(at - from) >= length)
        return wire_tell(http1, TWI_WIRE_HEAD, at - length, length);
    if (twi_buf_append(head, from, (size_t)(at - from)) < 0) {
        exchange_fail_memory(http1);
        return false;
    }
    if (head->length > length)
        twi_buf_consume(head, head->length - length);
    if (!whole)
        return true;
    told = *head;
    *head = (struct twi_buf){ 0 };
    alive = wire_tell(http1, TWI_WIRE_HEAD, told.data, told.length);
    twi_buf_free(&told);
    return alive;
}

/* The codec has taken the bytes from `from` to `at`. False when the exchange is over. */
static bool input_tell(struct http1 *http1, const char *from, const char *at,
                       enum twi_http1_event event)
{
    if (http1->head_came)
        return at == from || wire_tell(http1, TWI_WIRE_RECEIVED, from, (size_t)(at - from));
    if (event == TWI_HTTP1_ERROR)
        return true;
    http1->head_came = event == TWI_HTTP1_HEAD;
    return head_bytes_tell(http1, from, at, http1->head_came);
}

static void http1_head_came(struct http1 *http1)
{
    struct twi_http1 *parser = &http1->parser;
    struct twi_exchange *exchange = http1->exchange;
    struct twi_answer answer = {
        .status = parser->status,
        .minor = parser->minor,
        .reason = parser->reason,
        .headers = twi_http1_take_headers(parser),
        .length = parser->length,
        .until_close = parser->until_close,
    };

    exchange->sink->head(exchange, &answer);
}

static void answer_broken(struct http1 *http1)
{
    const struct twi_http1_error *error = &http1->parser.error;

    exchange_fail(http1, &(struct twi_exchange_failure){ .end = TWI_EXCHANGE_BROKEN,
                                                         .error_class = error->error_class,
                                                         .text = error->text });
}

static void input_hold(struct http1 *http1, const char *data, size_t length)
{
    if (length > 0 && twi_buf_append(&http1->held, data, length) < 0)
        exchange_fail_memory(http1);
}

/* Run the codec over some bytes. False when the exchange is over, or paused. */
static bool input_parse(struct http1 *http1, const char *data, size_t length)
{
    struct twi_exchange *exchange = http1->exchange;
    const char *at = data, *end = data + length, *from;
    enum twi_http1_event event;

    for (;;) {
        if (http1->paused && !http1->lost) {
            input_hold(http1, at, (size_t)(end - at));
            return false;
        }
        from = at;
        event = twi_http1_next(&http1->parser, &at, end);
        if (exchange->tell_wire && !input_tell(http1, from, at, event))
            return false;
        switch (event) {
        case TWI_HTTP1_MORE:
            return true;
        case TWI_HTTP1_HEAD:
            http1_head_came(http1);
            break;
        case TWI_HTTP1_BODY:
            exchange->sink->body(exchange, http1->parser.piece, http1->parser.piece_length);
            break;
        case TWI_HTTP1_DONE:
            exchange_finish(http1, at == end);
            return false;
        case TWI_HTTP1_ERROR:
            answer_broken(http1);
            return false;
        }
        if (http1->exchange != exchange)
            return false;
    }
}

/* Bytes came that nobody asked for. */
static void input_refuse(struct http1 *http1)
{
    http1->base.spent = true;
    if (http1->base.owner != NULL)
        http1->base.owner->spent(&http1->base);
    else
        tw_transport_abort(http1_transport(http1));
}

/* True if some of the request has been sent. Bytes that come before are no answer to it. */
static bool request_left(struct http1 *http1)
{
    if (!http1->left)
        http1->left = http1->exchanges == 1 ||
                      tw_transport_unsent(http1_transport(http1)) < http1->written;
    return http1->left;
}

static void exchange_unsent(struct http1 *http1)
{
    exchange_fail(http1, &(struct twi_exchange_failure){ .end = TWI_EXCHANGE_UNSENT });
}

static void http1_received(tw_protocol *protocol, const char *data, size_t length)
{
    struct http1 *http1 = (struct http1 *)protocol;
    struct twi_exchange *exchange = http1->exchange;

    if (http1->closed)
        return;
    if (exchange == NULL) {
        input_refuse(http1);
        return;
    }
    if (!request_left(http1)) {
        exchange_unsent(http1);
        return;
    }
    if (!http1->began) {
        http1->began = true;
        exchange->sink->began(exchange);
        if (http1->exchange != exchange)
            return;
    }
    http1->drained = length < TWI_READ_BUFFER_SIZE;
    if (input_parse(http1, data, length))
        exchange->sink->moved(exchange);
    http1->drained = false;
    http1->drained_at = 0;
}

static char *http1_buffer(tw_protocol *protocol, size_t *size)
{
    const struct http1 *http1 = (struct http1 *)protocol;
    struct twi_exchange *exchange = http1->exchange;

    if (exchange == NULL || exchange->sink->place == NULL || http1->parser.chunked ||
        http1->parser.remaining <= 0 || http1->paused || exchange->tell_wire)
        return NULL;
    return exchange->sink->place(exchange, http1->parser.remaining, size);
}

static void http1_filled(tw_protocol *protocol, size_t length)
{
    struct http1 *http1 = (struct http1 *)protocol;
    struct twi_exchange *exchange = http1->exchange;
    enum twi_http1_event event;

    if (exchange == NULL)
        return;
    event = twi_http1_received(&http1->parser, length);
    exchange->sink->placed(exchange, length);
    if (http1->exchange != exchange)
        return;
    if (event == TWI_HTTP1_DONE)
        exchange_finish(http1, true);
    else
        exchange->sink->moved(exchange);
}

static void http1_pause(struct twi_exchange *exchange)
{
    struct http1 *http1 = http1_of_exchange(exchange);

    if (http1->paused)
        return;
    http1->paused = true;
    if (http1_transport(http1) != NULL)
        tw_transport_pause(http1_transport(http1));
}

/* Held bytes are delivered first, then the transport resumes. */
static void http1_resume(struct twi_exchange *exchange)
{
    struct http1 *http1 = http1_of_exchange(exchange);
    struct twi_buf held = http1->held;

    http1->paused = false;
    http1->held = (struct twi_buf){ 0 };
    if (held.length == 0 || input_parse(http1, held.data, held.length)) {
        tw_transport_resume(http1_transport(http1));
        exchange->sink->moved(exchange);
    }
    twi_buf_free(&held);
}

/* --- the connection's end -------------------------------------------------------------- */

/* The peer sends no more. If none of the request has left, it is not sent at all. */
static void http1_read_ended(tw_protocol *protocol)
{
    struct http1 *http1 = (struct http1 *)protocol;

    if (http1->exchange != NULL && !http1->closed && !request_left(http1)) {
        exchange_unsent(http1);
        tw_transport_abort(http1_transport(http1));
    } else {
        tw_transport_lose(http1_transport(http1));
    }
}

static void exchange_cut(struct http1 *http1, tw_value reason)
{
    bool clean = tw_failure_is(reason, &tw_error_connection_done);
    struct twi_exchange_failure failure = { .end = TWI_EXCHANGE_CUT, .reason = reason };

    if (!twi_http1_started(&http1->parser)) {
        failure.end = TWI_EXCHANGE_UNANSWERED;
    } else if (clean && twi_http1_eof(&http1->parser) == TWI_HTTP1_DONE) {
        exchange_finish(http1, false);
        return;
    }
    exchange_fail(http1, &failure);
}

static void http1_lost(tw_protocol *protocol, tw_value reason)
{
    struct http1 *http1 = (struct http1 *)protocol;
    struct twi_exchange *exchange = http1->exchange;
    struct twi_buf held = http1->held;

    http1->lost = http1->closed = http1->base.spent = true;
    http1->producing = false;
    http1->held = (struct twi_buf){ 0 };
    if (http1->base.owner != NULL)
        http1->base.owner->lost(&http1->base);
    if (exchange != NULL && held.length > 0)
        (void)input_parse(http1, held.data, held.length);
    if (http1->exchange != NULL)
        exchange_cut(http1, reason);
    twi_buf_free(&held);
}

static void http1_released(tw_protocol *protocol)
{
    struct http1 *http1 = (struct http1 *)protocol;

    twi_http1_free(&http1->parser);
    twi_buf_free(&http1->held);
    twi_buf_free(&http1->head);
}

/* True inside the delivery that ended the answer before, and for a short time only. */
static bool looked_at_just_now(const struct http1 *http1)
{
    return http1->drained_at != 0 && twi_monotonic_ns() - http1->drained_at < LOOK_HOLDS_NS;
}

static bool http1_quiet(struct twi_connection *connection)
{
    const struct http1 *http1 = http1_of(connection);
    tw_transport *transport = http1_transport(http1);

    return !connection->spent && tw_transport_connected(transport) &&
           !tw_transport_losing(transport) &&
           (looked_at_just_now(http1) || tw_transport_quiet(transport));
}

static void http1_close(struct twi_connection *connection, bool at_once)
{
    struct http1 *http1 = http1_of(connection);
    tw_transport *transport = http1_transport(http1);

    connection->spent = true;
    if (http1->closed)
        return;
    http1->closed = true;
    if (transport == NULL)
        return;
    if (at_once || tw_transport_unsent(transport) > 0)
        tw_transport_abort(transport);
    else
        tw_transport_lose(transport);
}

/* --- making one ------------------------------------------------------------------------ */

static const struct twi_connection_ops http1_ops = {
    .name = "HTTP/1.1",
    .start = http1_start,
    .cancel = http1_cancel,
    .pause = http1_pause,
    .resume = http1_resume,
    .send_more = http1_send_more,
    .sending = http1_sending,
    .quiet = http1_quiet,
    .close = http1_close,
};

static const tw_protocol_class http1_class = {
    .name = "http client",
    .size = sizeof(struct http1),
    .data_received = http1_received,
    .get_buffer = http1_buffer,
    .buffer_filled = http1_filled,
    .read_connection_lost = http1_read_ended,
    .connection_lost = http1_lost,
    .released = http1_released,
};

tw_protocol *twi_http1_connection_new(struct twi_buf *scratch)
{
    tw_protocol *protocol = tw_protocol_new(&http1_class);
    struct http1 *http1 = (struct http1 *)protocol;

    if (protocol == NULL)
        return NULL;
    http1->base.ops = &http1_ops;
    http1->base.capacity = 1;
    http1->scratch = scratch;
    twi_http1_init_client(&http1->parser, &http1->limits);
    return protocol;
}

struct twi_connection *twi_http1_connection_of(tw_protocol *protocol)
{
    return &((struct http1 *)protocol)->base;
}

int twi_http1_connection_tunnelled(struct twi_connection *connection, tw_tls_context *context,
                                   const char *name)
{
    struct http1 *http1 = http1_of(connection);

    http1->exchanges = 0;
    http1->tls_inside = context != NULL;
    return context == NULL ? 0 : tw_transport_start_tls(http1_transport(http1), context, name);
}
