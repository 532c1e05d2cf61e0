/* SPDX-License-Identifier: MIT */
/*
 * dial.h - one attempt to get a connection: to the peer or its proxy, and through that to the
 * origin. One limit of time over connecting, another over the proxy's tunnel.
 */
#ifndef WEB_CLIENT_DIAL_H
#define WEB_CLIENT_DIAL_H

#include <tweed/resolver.h>

#include "base/buf.h"
#include "web/client/connection.h"
#include "web/client/route.h"

struct twi_tunnel;

/* Embedded in its owner. All zero is none. */
struct twi_dial {
    /* Set before the start; the strings are lent. */
    const char *where;      /* for failures */
    const char *user_agent; /* for a proxy; "": none */
    double timeout;         /* seconds; not above 0: none */
    /* Called once: with a connection, or with NULL and the failure (taken). */
    void (*done)(struct twi_dial *dial, struct twi_connection *connection, tw_value failure);
    /* Nanoseconds of the loop's clock; 0: not yet. */
    int64_t resolved_at, connected_at, secured_at;
    union tw_socket_address address; /* that was reached; family 0: none */

    const struct twi_route *route;
    struct twi_buf *scratch;
    tw_deferred *connecting;
    tw_protocol *protocol; /* of the connected transport, on the way through a proxy */
    struct twi_tunnel *tunnel;
    int64_t timer;
    bool refuse_private;
};

/* Connect by `route`, lent as `scratch` until the end. done() may be called inside this. */
void twi_dial_start(struct twi_dial *dial, const struct twi_route *route,
                    struct twi_buf *scratch, bool refuse_private);
/* Give up; done() is not called. */
void twi_dial_stop(struct twi_dial *dial);

#endif
