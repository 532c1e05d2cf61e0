/* SPDX-License-Identifier: MIT */
/*
 * redis_server.h - a server in memory that says what the test tells it to, and shows what it saw.
 */
#ifndef TESTS_REDIS_SERVER_H
#define TESTS_REDIS_SERVER_H

#include <string.h>

#include <tweed/tcp.h>
#include <tweed/testing.h>

#include "tests/trace.h"

static struct {
    tw_listener *listener;
    tw_factory *factory;
    tw_protocol *last; /* the connection made last; NULL: it is lost */
    unsigned connections;
    char seen[20000]; /* of all, lengths and line ends as "|" */
    bool answers;     /* each line "PING" by +PONG */
} server;

static void server_made(tw_protocol *protocol)
{
    server.last = protocol;
    server.connections++;
}

static void server_received(tw_protocol *protocol, const char *data, size_t length)
{
    size_t at = strlen(server.seen);

    ck_assert_uint_lt(at + length, sizeof server.seen);
    memcpy(server.seen + at, data, length);
    server.seen[at + length] = '\0';
    for (const char *ping = server.seen + at;
         server.answers && (ping = strstr(ping, "PING\r")) != NULL; ping++)
        tw_transport_write(protocol->transport, "+PONG\r\n", 7);
}

static void server_lost(tw_protocol *protocol, tw_value reason)
{
    (void)reason;
    if (server.last == protocol)
        server.last = NULL;
}

static const tw_protocol_class server_class = { .name = "test's Redis",
                                                .connection_made = server_made,
                                                .data_received = server_received,
                                                .connection_lost = server_lost };

static void server_open(void)
{
    struct tw_listen_options options = { .address = "redis.example", .port = 6379 };

    ck_assert_int_eq(tw_listen(&options, server.factory, &server.listener, NULL), 0);
}

static void server_says(const char *reply)
{
    ck_assert_ptr_nonnull(server.last);
    tw_transport_write(server.last->transport, reply, strlen(reply));
    tw_testing_settle();
}

static void server_hangs_up(void)
{
    ck_assert_ptr_nonnull(server.last);
    tw_transport_abort(server.last->transport);
    tw_testing_settle();
}

/* The words of what was seen since the last time, each command in brackets. */
static inline const char *server_saw(void)
{
    static char text[20000];
    char *line = strtok(server.seen, "\r\n");
    size_t at = 0;

    text[0] = '\0';
    for (; line != NULL; line = strtok(NULL, "\r\n"))
        if (*line == '*')
            at += (size_t)sprintf(text + at, "%s[", at > 0 ? "] " : "");
        else if (*line != '$')
            at += (size_t)sprintf(text + at, "%s%s", text[at - 1] == '[' ? "" : " ", line);
    if (at > 0)
        sprintf(text + at, "]");
    server.seen[0] = '\0';
    return text;
}

/* Virtual time, and a server that does not listen yet. */
static void begin(void)
{
    trace_reset();
    memset(&server, 0, sizeof server);
    ck_assert_int_eq(tw_testing_begin(), 0);
    server.factory = test_given(tw_factory_of(&server_class, NULL));
}

static void end(void)
{
    tw_listener_close(server.listener);
    tw_factory_unref(server.factory);
    tw_testing_settle();
    ck_assert_uint_eq(tw_testing_end(), 0);
}

#endif
