/* SPDX-License-Identifier: MIT */
/*
 * tunnel.c - CONNECT: an exchange with the proxy like any other, after which its connection is the
 * origin's.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "web/client/tunnel.h"

struct twi_tunnel {
    struct twi_exchange exchange;
    struct twi_message message;
    struct twi_connection *connection;
    const struct twi_route *route;
    const char *user_agent;
    twi_tunnel_fn *fn;
    void *arg;
    int status;
    char refused[80]; /* the text of a refusal; "": open */
    char authority[]; /* "host:port" */
};

static struct twi_tunnel *tunnel_of(struct twi_exchange *exchange)
{
    return TWI_CONTAINER(exchange, struct twi_tunnel, exchange);
}

/* Takes `failure`; the callee frees the tunnel. */
static void tunnel_end(struct twi_tunnel *tunnel, tw_value failure)
{
    tunnel->fn(failure, tunnel->arg);
}

static void tunnel_refuse(struct twi_tunnel *tunnel, const char *text)
{
    tunnel_end(tunnel, twi_proxy_refusal(tunnel->route->proxy, tunnel->status, text));
}

tw_value twi_proxy_refusal(const struct twi_proxy *proxy, int64_t number, const char *text)
{
    char message[256];
    struct tw_failure_fields fields = {
        .error_class = &tw_error_connect,
        .message = message,
        .where = TW_HERE,
        .number = number,
    };

    snprintf(message, sizeof message, "the proxy %s: %s", proxy->host, text);
    return tw_fail_with(&fields);
}

/* --- what goes out --------------------------------------------------------------------- */

static int tunnel_fields(const struct twi_message *message, twi_field_fn *put, void *arg)
{
    const struct twi_tunnel *tunnel = TWI_CONTAINER(message, struct twi_tunnel, message);
    const struct twi_route *route = tunnel->route;
    const char *authorization = route->tunnel_authorization != NULL
                                    ? route->tunnel_authorization
                                    : route->proxy->authorization;
    const char *agent = tunnel->user_agent;
    int r = put(arg, "Host", 4, tunnel->authority, strlen(tunnel->authority));

    if (r == 0 && agent[0] != '\0')
        r = put(arg, "User-Agent", 10, agent, strlen(agent));
    if (r == 0 && authorization != NULL)
        r = put(arg, "Proxy-Authorization", 19, authorization, strlen(authorization));
    return r;
}

/* --- what comes ------------------------------------------------------------------------ */

static void tunnel_heard(struct twi_exchange *exchange)
{
    (void)exchange;
}

static void tunnel_head(struct twi_exchange *exchange, const struct twi_answer *answer)
{
    struct twi_tunnel *tunnel = tunnel_of(exchange);

    if (answer->status < 200 || answer->status > 299) {
        tunnel->status = answer->status;
        snprintf(tunnel->refused, sizeof tunnel->refused, "%d %.60s", answer->status,
                 answer->reason != NULL ? answer->reason : "");
    }
    tw_headers_free(answer->headers);
    if (tunnel->refused[0] == '\0')
        return;
    twi_exchange_cancel(exchange);
    tunnel_refuse(tunnel, tunnel->refused);
}

static void tunnel_body(struct twi_exchange *exchange, const char *data, size_t length)
{
    (void)exchange, (void)data, (void)length;
}

static void tunnel_done(struct twi_exchange *exchange)
{
    struct twi_tunnel *tunnel = tunnel_of(exchange);

    if (tunnel->connection->spent)
        tunnel_refuse(tunnel, "bytes after its answer");
    else
        tunnel_end(tunnel, tw_none());
}

static void tunnel_failed(struct twi_exchange *exchange,
                          const struct twi_exchange_failure *failure)
{
    struct twi_tunnel *tunnel = tunnel_of(exchange);

    if (failure->end == TWI_EXCHANGE_BROKEN)
        tunnel_refuse(tunnel, failure->text);
    else
        tunnel_end(tunnel, tw_fail_with(&(struct tw_failure_fields){
                               .error_class = &tw_error_connect,
                               .message = "the proxy closed the connection",
                               .where = TW_HERE }));
}

static const struct twi_exchange_sink tunnel_sink = {
    .sent = tunnel_heard,
    .began = tunnel_heard,
    .head = tunnel_head,
    .body = tunnel_body,
    .moved = tunnel_heard,
    .done = tunnel_done,
    .failed = tunnel_failed,
};

/* --- life ------------------------------------------------------------------------------ */

struct twi_tunnel *twi_tunnel_new(struct twi_connection *connection,
                                  const struct twi_route *route, const char *user_agent,
                                  twi_tunnel_fn *fn, void *arg)
{
    size_t size = strlen(twi_route_host(route)) + sizeof ":65535";
    struct twi_tunnel *tunnel = twi_calloc(1, sizeof *tunnel + size);

    if (tunnel == NULL)
        return NULL;
    snprintf(tunnel->authority, size, "%s:%u", twi_route_host(route), twi_route_port(route));
    tunnel->exchange.sink = &tunnel_sink;
    tunnel->connection = connection;
    tunnel->route = route;
    tunnel->user_agent = user_agent;
    tunnel->fn = fn;
    tunnel->arg = arg;
    tunnel->message = (struct twi_message){
        .method = "CONNECT",
        .path = tunnel->authority,
        .query = "",
        .fields = tunnel_fields,
        .tunnel = true,
    };
    if (connection->ops->start(connection, &tunnel->exchange, &tunnel->message) == 0)
        return tunnel;
    twi_free(tunnel);
    return NULL;
}

void twi_tunnel_free(struct twi_tunnel *tunnel)
{
    if (tunnel == NULL)
        return;
    twi_exchange_cancel(&tunnel->exchange);
    twi_free(tunnel);
}
