/* SPDX-License-Identifier: MIT */
/*
 * sockets.h - a listener, a client and a server on sockets, both recorded.
 */
#ifndef TESTS_SOCKETS_H
#define TESTS_SOCKETS_H

#include <tweed/reactor.h>
#include <tweed/tcp.h>

#include "net/connect/attempt.h"
#include "net/transport/transport.h"
#include "tests/recorder.h"
#include "tests/test.h"

static const char *const backends[] = { "epoll", "poll", "select" };

extern struct record server, client;
extern tw_listener *listener;
extern const tw_protocol_class *server_class; /* of what server_factory() builds */

/* Turn until the condition holds, as long as the test's patience lasts. */
#define UNTIL(condition)                                                            \
    do {                                                                            \
        double until_end_ = test_deadline();                                        \
        while (!(condition) && test_before(until_end_))                             \
            tw_reactor_iterate(0.1);                                                \
        ck_assert_msg((condition), "never: " #condition ", client: %s, server: %s", \
                      record_text(&client), record_text(&server));                  \
    } while (0)

/* A reactor on `backend` (NULL: the best) with a listener; a client is connected to it, unless
 * client_protocol is NULL. */
void begin_on(const char *backend, const tw_protocol_class *server_protocol,
              const tw_protocol_class *client_protocol);
/* Everything goes; nothing may be left. */
void end(void);

tw_factory *server_factory(void);
/* Connect `protocol` to the listener. */
void dial(tw_protocol *protocol);
/* A twi_attempt_fn that makes the protocol `arg` a connection. */
void connected(int error, struct twi_socket *socket, void *arg);
/* A blocking socket, connected to the listener; and its end by a reset. */
int raw_client(void);
void reset(int fd);

void write_text(struct record *record, const char *text);
/* An on_data. */
void echo(struct record *record, const char *data, size_t length);

#endif
