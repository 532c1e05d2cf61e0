/* SPDX-License-Identifier: MIT */
/*
 * tunnel.h - from a connected proxy on to the origin, by CONNECT (RFC 9110, 9.3.6).
 */
#ifndef WEB_CLIENT_TUNNEL_H
#define WEB_CLIENT_TUNNEL_H

#include "web/client/connection.h"
#include "web/client/route.h"

/* The way is open (`failure` is none), or not (a failure, taken). */
typedef void twi_tunnel_fn(tw_value failure, void *arg);

struct twi_tunnel;
/* Ask the proxy at the other end of `connection`. `route` and `user_agent` are lent until the
 * tunnel is freed; fn is called once, never inside this, unless it is freed before. NULL when
 * there is no memory. */
struct twi_tunnel *twi_tunnel_new(struct twi_connection *connection,
                                  const struct twi_route *route, const char *user_agent,
                                  twi_tunnel_fn *fn, void *arg);
/* Free it; fn is not called any more. NULL is fine. */
void twi_tunnel_free(struct twi_tunnel *tunnel);

/* The failure for a proxy that says no: `number` is an HTTP status or a SOCKS reply. */
tw_value twi_proxy_refusal(const struct twi_proxy *proxy, int64_t number, const char *text);

#endif
