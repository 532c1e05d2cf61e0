/* SPDX-License-Identifier: MIT */
/*
 * socks.c - SOCKS 5: a greeting, perhaps a password, the question for the origin.
 *
 *   GREETING --> AUTHENTICATING --> ASKING --> open
 *        \____________________________^
 *                (RESOLVING in between, when the names are ours to resolve)
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/resolver.h>

#include "base/buf.h"
#include "web/client/socks.h"
#include "web/url/private_address.h"

enum socks_state { GREETING, AUTHENTICATING, RESOLVING, ASKING };

struct socks {
    tw_protocol protocol;
    const struct twi_route *route;
    twi_tunnel_fn *fn; /* NULL: not begun, or stopped */
    void *arg;
    tw_deferred *resolving;
    struct twi_buf in; /* the bytes of a message that is not complete */
    enum socks_state state;
    bool refuse_private;
};

/* --- the end --------------------------------------------------------------------------- */

/* Takes `failure`. */
static void socks_end(struct socks *socks, tw_value failure)
{
    twi_tunnel_fn *fn = socks->fn;

    socks->fn = NULL;
    if (fn != NULL)
        fn(failure, socks->arg);
    else
        tw_release(failure);
}

static void socks_refuse(struct socks *socks, int64_t number, const char *text)
{
    socks_end(socks, twi_proxy_refusal(socks->route->proxy, number, text));
}

/* --- the conversation ------------------------------------------------------------------ */

enum { SOCKS_VERSION = 5, SOCKS_CONNECT = 1 };
enum { SOCKS_PLAIN = 0, SOCKS_PASSWORD = 2 };
enum { SOCKS_IPV4 = 1, SOCKS_NAME = 3, SOCKS_IPV6 = 4 };

static void socks_send(struct socks *socks, const void *data, size_t length)
{
    tw_transport_write(socks->protocol.transport, data, length);
}

static void socks_greet(struct socks *socks)
{
    static const char plain[] = { SOCKS_VERSION, 1, SOCKS_PLAIN };
    static const char either[] = { SOCKS_VERSION, 2, SOCKS_PLAIN, SOCKS_PASSWORD };

    socks->state = GREETING;
    if (socks->route->proxy->user != NULL)
        socks_send(socks, either, sizeof either);
    else
        socks_send(socks, plain, sizeof plain);
}

static void socks_authenticate(struct socks *socks)
{
    const struct twi_proxy *proxy = socks->route->proxy;
    size_t user = proxy->user == NULL ? 0 : strlen(proxy->user);
    size_t password = proxy->password == NULL ? 0 : strlen(proxy->password);
    char message[3 + 255 + 255];

    if (user < 1 || user > 255 || password > 255) {
        socks_refuse(socks, 0, "needs a user and password of at most 255 bytes");
        return;
    }
    socks->state = AUTHENTICATING;
    message[0] = 1;
    message[1] = (char)user;
    memcpy(message + 2, proxy->user, user);
    message[2 + user] = (char)password;
    memcpy(message + 3 + user, proxy->password, password);
    socks_send(socks, message, 3 + user + password);
}

/* Ask for an address (IPv4 or IPv6), or a name. */
static void socks_ask(struct socks *socks, int type, const void *place, size_t length)
{
    unsigned port = twi_route_port(socks->route);
    char message[5 + 255 + 2] = { SOCKS_VERSION, SOCKS_CONNECT, 0, (char)type };
    size_t at = 4;

    socks->state = ASKING;
    if (type == SOCKS_NAME)
        message[at++] = (char)length;
    memcpy(message + at, place, length);
    at += length;
    message[at++] = (char)(port >> 8);
    message[at++] = (char)port;
    socks_send(socks, message, at);
}

static void socks_ask_address(struct socks *socks, const union tw_socket_address *address)
{
    if (address->any.sa_family == AF_INET6)
        socks_ask(socks, SOCKS_IPV6, &address->ipv6.sin6_addr, 16);
    else
        socks_ask(socks, SOCKS_IPV4, &address->ipv4.sin_addr, 4);
}

static tw_value socks_resolved(tw_value result, void *arg)
{
    struct socks *socks = arg;
    const union tw_socket_address *address = tw_address_of(tw_list_at(result, 0));
    tw_deferred *resolving = socks->resolving;

    socks->resolving = NULL;
    tw_deferred_unref(resolving);
    if (socks->fn == NULL)
        return tw_none();
    if (tw_is_failure(result))
        socks_end(socks, tw_retain(result));
    else if (address == NULL)
        socks_refuse(socks, 0, "the name has no address");
    else if (socks->refuse_private && twi_address_is_private(&address->any))
        socks_end(socks,
                  tw_fail(&tw_error_connect, "%s has a private address", socks->route->name));
    else
        socks_ask_address(socks, address);
    return tw_none();
}

static void socks_ask_origin(struct socks *socks)
{
    const struct twi_route *route = socks->route;
    union tw_socket_address address;
    tw_deferred *resolving;

    if (tw_address_parse(twi_route_host(route), twi_route_port(route), &address) == 0) {
        socks_ask_address(socks, &address);
        return;
    }
    if (route->proxy->kind == TWI_PROXY_SOCKS5H) {
        if (strlen(route->name) > 255)
            socks_refuse(socks, 0, "the host's name is too long");
        else
            socks_ask(socks, SOCKS_NAME, route->name, strlen(route->name));
        return;
    }
    socks->state = RESOLVING;
    resolving = tw_resolve(route->name, route->port);
    socks->resolving = tw_deferred_ref(resolving);
    tw_add_both(resolving, socks_resolved, socks);
    tw_deferred_unref(resolving);
}

static const char *socks_problem(unsigned char reply)
{
    static const char *const texts[] = { "",
                                         "general failure",
                                         "not allowed by its rules",
                                         "network unreachable",
                                         "host unreachable",
                                         "connection refused",
                                         "time to live expired",
                                         "command not supported",
                                         "address type not supported" };
    return reply < sizeof texts / sizeof texts[0] ? texts[reply] : "unknown answer";
}

/* The length of the answer to ASKING; 0: not known yet. */
static size_t socks_answer_length(const struct twi_buf *in)
{
    if (in->length < 5)
        return 0;
    switch (in->data[3]) {
    case SOCKS_IPV4:
        return 4 + 4 + 2;
    case SOCKS_IPV6:
        return 4 + 16 + 2;
    default:
        return 4 + 1 + (size_t)(unsigned char)in->data[4] + 2;
    }
}

static void socks_asked(struct socks *socks)
{
    const struct twi_buf *in = &socks->in;
    size_t length = socks_answer_length(in);

    if (in->length >= 2 && in->data[1] != 0)
        socks_refuse(socks, in->data[1], socks_problem((unsigned char)in->data[1]));
    else if (length > 0 && in->length > length)
        socks_refuse(socks, 0, "bytes after its answer");
    else if (length > 0 && in->length == length)
        socks_end(socks, tw_none());
}

static void socks_next(struct socks *socks)
{
    const struct twi_buf *in = &socks->in;
    enum socks_state state = socks->state;

    if (state == ASKING) {
        if (in->length > 0 && in->data[0] != SOCKS_VERSION)
            socks_refuse(socks, 0, "is no SOCKS 5 proxy");
        else
            socks_asked(socks);
        return;
    }
    if (in->length < 2)
        return;
    if (state == RESOLVING || in->length > 2) {
        socks_refuse(socks, 0, "bytes after its answer");
    } else if (state == GREETING && in->data[0] != SOCKS_VERSION) {
        socks_refuse(socks, 0, "is no SOCKS 5 proxy");
    } else if (state == AUTHENTICATING && in->data[1] != 0) {
        socks_refuse(socks, 0, "user or password refused");
    } else if (state == GREETING && in->data[1] == SOCKS_PASSWORD) {
        socks->in.length = 0;
        socks_authenticate(socks);
    } else if (state == GREETING && in->data[1] != SOCKS_PLAIN) {
        socks_refuse(socks, 0, "no way to authenticate");
    } else {
        socks->in.length = 0;
        socks_ask_origin(socks);
    }
}

/* --- the protocol ---------------------------------------------------------------------- */

static void socks_received(tw_protocol *protocol, const char *data, size_t length)
{
    struct socks *socks = (struct socks *)protocol;

    if (socks->fn == NULL)
        return;
    if (twi_buf_append(&socks->in, data, length) < 0)
        socks_end(socks, tw_fail_memory());
    else
        socks_next(socks);
}

static void resolving_stop(struct socks *socks)
{
    tw_deferred *resolving = tw_deferred_ref(socks->resolving);

    tw_cancel(resolving);
    tw_deferred_unref(resolving);
}

static void socks_lost(tw_protocol *protocol, tw_value reason)
{
    struct socks *socks = (struct socks *)protocol;
    twi_tunnel_fn *fn = socks->fn;

    (void)reason;
    socks->fn = NULL;
    if (socks->resolving != NULL)
        resolving_stop(socks);
    if (fn != NULL)
        fn(tw_fail(&tw_error_connect, "the proxy closed the connection"), socks->arg);
}

static void socks_released(tw_protocol *protocol)
{
    twi_buf_free(&((struct socks *)protocol)->in);
}

static const tw_protocol_class socks_class = {
    .name = "SOCKS client",
    .size = sizeof(struct socks),
    .data_received = socks_received,
    .connection_lost = socks_lost,
    .released = socks_released,
};

tw_protocol *twi_socks_new(void)
{
    return tw_protocol_new(&socks_class);
}

void twi_socks_begin(tw_protocol *protocol, const struct twi_route *route, bool refuse_private,
                     twi_tunnel_fn *fn, void *arg)
{
    struct socks *socks = (struct socks *)protocol;

    socks->route = route;
    socks->refuse_private = refuse_private;
    socks->fn = fn;
    socks->arg = arg;
    socks_greet(socks);
}

void twi_socks_stop(tw_protocol *protocol)
{
    struct socks *socks = (struct socks *)protocol;

    socks->fn = NULL;
    if (socks->resolving != NULL)
        resolving_stop(socks);
    if (protocol->transport != NULL)
        tw_transport_abort(protocol->transport);
}
