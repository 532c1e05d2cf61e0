/* SPDX-License-Identifier: MIT */
/*
 * tls_pair.h - a client and a server of TLS, in memory and virtual time.
 */
#ifndef TESTS_TLS_PAIR_H
#define TESTS_TLS_PAIR_H

#include <tweed/tcp.h>

#include "tests/recorder.h"

extern struct record client, server;
extern tw_tls_context *client_tls, *server_tls;
extern tw_listener *listener; /* 127.0.0.1, port 443 */

/* A listener whose connections get protocols of this class. */
void listen_on(const tw_protocol_class *protocol_class, tw_tls_context *tls);
void begin_class(const tw_protocol_class *protocol_class);
void begin(void);
void end(void);
/* Connect as "a.test". */
tw_deferred *dial_class(const tw_protocol_class *protocol_class);
void connect_class(const tw_protocol_class *protocol_class);
void connect_both(void);

tw_transport *client_transport(void);
tw_transport *server_transport(void);
void lose_client(void);
void lose_server(void);
/* For on_data. */
void lose_in_data(struct record *record, const char *data, size_t length);

#endif
