/* SPDX-License-Identifier: MIT */
/*
 * client_peer.h - a scripted HTTP server in memory, and one request to be looked at afterwards.
 *
 *     struct peer peer = { .reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" };
 *     client_begin();
 *     peer_begin(&peer, 80);
 *     struct outcome got = { 0 };
 *     outcome_of(&got, tw_agent_request(client_agent, "http://a/", NULL));
 *     tw_testing_advance(1);
 *     ... got.status, got.body, got.error ...
 *     outcome_free(&got);
 *     peer_end(&peer);
 *     client_end();
 */
#ifndef TESTS_CLIENT_PEER_H
#define TESTS_CLIENT_PEER_H

#include <tweed/client.h>
#include <tweed/reactor.h>
#include <tweed/tcp.h>
#include <tweed/testing.h>

#include "base/buf.h"
#include "base/list.h"

struct peer;

struct peer_connection {
    tw_protocol protocol;
    struct peer *peer;
    struct twi_list node;
    struct twi_buf in, out; /* not yet a whole request; not yet sent */
    size_t number, requests;
    int64_t trickle; /* the call that sends the next piece */
    bool then_close, then_reset;
};

/* The peer's action once the reply is sent. */
enum peer_then { PEER_KEEPS, PEER_CLOSES, PEER_RESETS };

struct peer {
    const char *reply;   /* to every request; NULL: silence */
    size_t reply_length; /* 0: strlen(reply) */
    size_t piece;        /* bytes a turn; 0: whole */
    enum peer_then then;
    /* Instead of reply; `request` is the whole text. */
    void (*answer)(struct peer_connection *connection, const char *request);
    bool raw;            /* every piece that comes is a request */
    tw_tls_context *tls; /* NULL: plain */
    void *user;

    tw_listener *listener;
    struct twi_list open;
    size_t connections, open_count, most_open, requests;
    struct twi_buf log; /* all requests, one after the other */
};

void peer_begin(struct peer *peer, unsigned port);
void peer_end(struct peer *peer);
void peer_send(struct peer_connection *connection, const char *text);
void peer_send_n(struct peer_connection *connection, const char *data, size_t length);
/* Once everything is sent. */
void peer_close(struct peer_connection *connection);
void peer_reset(struct peer_connection *connection);
/* The connection accepted last that is still open; there must be one. */
struct peer_connection *peer_last(struct peer *peer);
const char *peer_log(struct peer *peer);
size_t peer_count(struct peer *peer, const char *text); /* in the log */

extern tw_agent *client_agent;
void client_begin(void);
void client_begin_with(const struct tw_agent_options *options);
void client_end(void);
/* Until all that is under way has happened: a hundredth of a second. */
void client_settle(void);

/* New ones. */
tw_headers *client_headers(void);
tw_cookies *client_cookies(void);

struct outcome {
    unsigned fired;
    tw_value result; /* ours; none once released */
    const tw_error_class *error; /* NULL: success */
    int status;          /* of the response, also that of a failure; 0: none */
    bool complete;
    const char *body;    /* of the response, or the bytes */
    size_t length;
    double at; /* when, on the reactor's clock */
};
void outcome_of(struct outcome *outcome, tw_deferred *deferred); /* takes it */
void outcome_free(struct outcome *outcome);
/* One request from start to end; at most an hour. */
void client_get(struct outcome *outcome, const char *url,
                const struct tw_fetch_options *options);

/* The usual test: a peer at port 80 that gives this reply to all; and its end, with one outcome. */
void client_start(struct peer *peer, const char *reply);
void client_stop(struct peer *peer, struct outcome *outcome);

#endif
