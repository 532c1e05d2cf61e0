/* SPDX-License-Identifier: MIT */
/*
 * socks.h - from a connected proxy on to the origin, by SOCKS 5 (RFC 1928, with the password of
 * RFC 1929): a protocol that gives its place to another one when the way is open.
 */
#ifndef WEB_CLIENT_SOCKS_H
#define WEB_CLIENT_SOCKS_H

#include <tweed/transport.h>

#include "web/client/tunnel.h"

/* A protocol that is to be connected to the proxy; NULL when there is no memory. */
tw_protocol *twi_socks_new(void);
/* Ask for the way to the origin, on the connected protocol. `route` is lent until fn has been
 * called, or twi_socks_stop(); fn is called once, never inside this. */
void twi_socks_begin(tw_protocol *protocol, const struct twi_route *route, bool refuse_private,
                     twi_tunnel_fn *fn, void *arg);
/* Give up, and close. fn is not called any more. */
void twi_socks_stop(tw_protocol *protocol);

#endif
