/* SPDX-License-Identifier: MIT */
/*
 * http1_connection.h - a connection that speaks HTTP/1.1: one exchange at a time.
 */
#ifndef WEB_CLIENT_HTTP1_CONNECTION_H
#define WEB_CLIENT_HTTP1_CONNECTION_H

#include <tweed/tls.h>
#include <tweed/transport.h>

#include "base/buf.h"
#include "web/client/connection.h"

/* A protocol that is to be connected; `scratch`, where heads are written, outlives it. NULL when
 * there is no memory. */
tw_protocol *twi_http1_connection_new(struct twi_buf *scratch);
/* The connection of such a protocol. */
struct twi_connection *twi_http1_connection_of(tw_protocol *protocol);
/* Through a tunnel: from here on the bytes are those of another peer, by TLS unless `context` is
 * NULL. 0, or what tw_transport_start_tls() returns. */
int twi_http1_connection_tunnelled(struct twi_connection *connection, tw_tls_context *context,
                                   const char *name);

#endif
