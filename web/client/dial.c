/* SPDX-License-Identifier: MIT */
/*
 * dial.c - from a route to a connection.
 *
 *     connecting --> (CONNECT | SOCKS) --> TLS for the origin --> done
 *
 * TLS with the peer itself belongs to the connecting. Inside a tunnel it shakes hands while the
 * first request waits in the transport. A protocol that is chosen by ALPN is made here, after
 * the handshake.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tweed/reactor.h>
#include <tweed/resolver.h>
#include <tweed/tcp.h>

#include "reactor/face.h"
#include "web/client/dial.h"
#include "web/client/http1_connection.h"
#include "web/client/socks.h"
#include "web/url/private_address.h"

/* Seconds: 30 years. */
static const double no_limit = 1e9;

static bool by_socks(const struct twi_route *route)
{
    return route->tunnelled &&
           (route->proxy->kind == TWI_PROXY_SOCKS5 || route->proxy->kind == TWI_PROXY_SOCKS5H);
}

/* --- the end --------------------------------------------------------------------------- */

static void dial_clear(struct twi_dial *dial)
{
    if (dial->timer > 0)
        tw_call_cancel(dial->timer);
    dial->timer = 0;
    twi_tunnel_free(dial->tunnel);
    dial->tunnel = NULL;
    dial->protocol = NULL;
}

/* Takes `failure`. */
static void dial_fail(struct twi_dial *dial, tw_value failure)
{
    tw_protocol *protocol = dial->protocol;

    dial_clear(dial);
    if (protocol != NULL && by_socks(dial->route)) {
        twi_socks_stop(protocol);
    } else if (protocol != NULL) {
        struct twi_connection *connection = twi_http1_connection_of(protocol);
        connection->ops->close(connection, true);
    }
    if (dial->done != NULL)
        dial->done(dial, NULL, failure);
    else
        tw_release(failure);
}

static void dial_succeed(struct twi_dial *dial, tw_protocol *protocol)
{
    dial_clear(dial);
    dial->secured_at = twi_loop_now();
    dial->done(dial, twi_http1_connection_of(protocol), tw_none());
}

/* --- through a proxy ------------------------------------------------------------------- */

static void tunnel_timed_out(void *arg)
{
    struct twi_dial *dial = arg;

    dial->timer = 0;
    dial_fail(dial, tw_fail_at(dial->where, &tw_error_connect_timeout,
                               "not connected within %g s", dial->timeout));
}

/* The bytes from here on are the origin's. */
static void tunnel_open(struct twi_dial *dial, tw_protocol *protocol)
{
    const struct twi_route *route = dial->route;
    int r = twi_http1_connection_tunnelled(twi_http1_connection_of(protocol), route->context,
                                           route->name);

    if (r == 0)
        dial_succeed(dial, protocol);
    else
        dial_fail(dial, r == -ENOMEM ? tw_fail_memory()
                                     : tw_fail(&tw_error_tls, "TLS does not start"));
}

static void connect_answered(tw_value failure, void *arg)
{
    struct twi_dial *dial = arg;

    if (tw_is_failure(failure))
        dial_fail(dial, failure);
    else
        tunnel_open(dial, dial->protocol);
}

static void socks_answered(tw_value failure, void *arg)
{
    struct twi_dial *dial = arg;
    tw_transport *transport = dial->protocol->transport;
    tw_protocol *protocol = NULL;

    if (tw_is_failure(failure)) {
        dial_fail(dial, failure);
        return;
    }
    protocol = twi_http1_connection_new(dial->scratch);
    if (protocol == NULL) {
        dial_fail(dial, tw_fail_memory());
        return;
    }
    tw_transport_set_protocol(transport, protocol);
    dial->protocol = NULL;
    tunnel_open(dial, protocol);
}

static void tunnel_begin(struct twi_dial *dial, tw_protocol *protocol)
{
    const struct twi_route *route = dial->route;

    dial->protocol = protocol;
    if (dial->timeout > 0)
        dial->timer = tw_call_later(dial->timeout, tunnel_timed_out, dial);
    if (dial->timer < 0) {
        dial_fail(dial, tw_fail_memory());
    } else if (by_socks(route)) {
        twi_socks_begin(protocol, route, dial->refuse_private, socks_answered, dial);
    } else {
        dial->tunnel = twi_tunnel_new(twi_http1_connection_of(protocol), route,
                                      dial->user_agent, connect_answered, dial);
        if (dial->tunnel == NULL)
            dial_fail(dial, tw_fail_memory());
    }
}

/* --- connecting ------------------------------------------------------------------------ */

/* The name that has no address is not the one that was asked for. */
static tw_value failure_of_proxy(tw_value failure)
{
    char message[512];

    snprintf(message, sizeof message, "proxy: %s", tw_failure_message(failure));
    return tw_fail_with(&(struct tw_failure_fields){
        .error_class = tw_failure_class(failure),
        .message = message,
        .where = tw_failure_where(failure),
        .number = tw_failure_number(failure),
        .cause = tw_retain(failure),
    });
}

static tw_value dial_connected(tw_value result, void *arg)
{
    struct twi_dial *dial = arg;
    tw_deferred *connecting = dial->connecting;

    dial->connecting = NULL;
    if (dial->route->proxy != NULL && tw_failure_is(result, &tw_error_dns))
        dial_fail(dial, failure_of_proxy(result));
    else if (tw_is_failure(result))
        dial_fail(dial, tw_retain(result));
    else if (dial->route->tunnelled)
        tunnel_begin(dial, tw_pointer_of(result));
    else
        dial_succeed(dial, tw_pointer_of(result));
    tw_deferred_unref(connecting);
    return tw_none();
}

static void address_keep(union tw_socket_address *to, const struct sockaddr *address)
{
    *to = (union tw_socket_address){ .any.sa_family = AF_UNSPEC };
    if (address != NULL && address->sa_family == AF_INET)
        memcpy(&to->ipv4, address, sizeof to->ipv4);
    else if (address != NULL && address->sa_family == AF_INET6)
        memcpy(&to->ipv6, address, sizeof to->ipv6);
}

/* The addresses of a name are known only now, and may be others the next time. */
static bool dial_step(enum tw_connect_step step, const struct sockaddr *address, void *arg)
{
    struct twi_dial *dial = arg;

    if (step == TW_CONNECT_REACHED) {
        dial->connected_at = twi_loop_now();
        address_keep(&dial->address, address);
    } else if (dial->resolved_at == 0) {
        dial->resolved_at = twi_loop_now();
    }
    return !dial->refuse_private || dial->route->proxy != NULL || address == NULL ||
           !twi_address_is_private(address);
}

static tw_deferred *dial_connect(struct twi_dial *dial)
{
    const struct twi_route *route = dial->route;
    const struct twi_proxy *proxy = route->proxy;
    struct tw_connect_options options = { .timeout = dial->timeout > 0 ? dial->timeout
                                                                       : no_limit,
                                          .on_step = dial_step,
                                          .step_arg = dial };
    tw_protocol *protocol = by_socks(route) ? twi_socks_new()
                                            : twi_http1_connection_new(dial->scratch);

    if (protocol == NULL)
        return NULL;
    options.tls = proxy == NULL ? route->context : route->proxy_context;
    options.server_name = proxy == NULL ? route->name : NULL;
    return tw_connect_at(dial->where, proxy == NULL ? twi_route_host(route) : proxy->host,
                         proxy == NULL ? twi_route_port(route) : proxy->port, &options,
                         protocol);
}

void twi_dial_start(struct twi_dial *dial, const struct twi_route *route,
                    struct twi_buf *scratch, bool refuse_private)
{
    tw_deferred *connecting;

    dial->route = route;
    dial->scratch = scratch;
    dial->refuse_private = refuse_private;
    dial->resolved_at = dial->connected_at = dial->secured_at = 0;
    address_keep(&dial->address, NULL);
    connecting = dial_connect(dial);
    /* dial_connected() may run at once and free the owner. */
    dial->connecting = tw_deferred_ref(connecting);
    tw_add_both(connecting, dial_connected, dial);
    tw_deferred_unref(connecting);
}

void twi_dial_stop(struct twi_dial *dial)
{
    tw_deferred *connecting = tw_deferred_ref(dial->connecting);

    dial->done = NULL;
    if (dial->protocol != NULL)
        dial_fail(dial, tw_none());
    tw_cancel(connecting);
    tw_deferred_unref(connecting);
}
