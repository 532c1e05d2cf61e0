/* SPDX-License-Identifier: MIT */
/*
 * route.h - the way to a peer: a connection's end, the proxy on its way, and the key under
 * which connections that may stand for each other are found.
 */
#ifndef WEB_CLIENT_ROUTE_H
#define WEB_CLIENT_ROUTE_H

#include <tweed/tls.h>
#include <tweed/url.h>

#include "base/buf.h"
#include "web/client/proxy.h"

/* The way that a hop asks for; all lent. */
struct twi_target {
    const struct tw_url *url;
    struct twi_proxy *proxy;        /* NULL: direct */
    tw_tls_context *context;        /* for the origin; NULL: plain */
    tw_tls_context *proxy_context;  /* for the proxy; NULL: plain */
    const char *proxy_authorization; /* a field set by hand; NULL: none */
    const char *address; /* "IP:port" in place of the origin's name; NULL: the name's */
};

/* The way as it is kept. All zero is none. */
struct twi_route {
    char *name; /* of the origin, or of the proxy when it serves all of them */
    unsigned port;
    char *address; /* to go to in place of `name`; NULL: none. IPv6 in brackets */
    unsigned address_port;
    tw_tls_context *context, *proxy_context;
    struct twi_proxy *proxy;
    char *tunnel_authorization; /* for CONNECT, set by hand; NULL: the proxy's own */
    bool tunnelled;             /* the proxy leads to one origin */
};

/* An HTTP proxy that is asked for whole http URLs serves all origins by the same connections; any
 * other leads to one. */
bool twi_target_tunnelled(const struct twi_target *target);
/* Everything that makes connections different. 0 or -ENOMEM. */
int twi_target_key(const struct twi_target *target, struct twi_buf *key);
/* 0, or -ENOMEM with an empty route. */
int twi_route_init(struct twi_route *route, const struct twi_target *target);
void twi_route_free(struct twi_route *route);
/* The origin's end of it: its address if that was given, else its name. */
static inline const char *twi_route_host(const struct twi_route *route)
{
    return route->address != NULL ? route->address : route->name;
}

static inline unsigned twi_route_port(const struct twi_route *route)
{
    return route->address != NULL ? route->address_port : route->port;
}

/* True if it leads to the origin of `url`, and to no other. */
bool twi_route_leads_to(const struct twi_route *route, const struct tw_url *url);

#endif
