/*
 * tunnel.c - from a connected proxy on to the origin: CONNECT (RFC 9110, 9.3.6), or SOCKS 5
 * (RFC 1928, with the password of RFC 1929); then TLS inside, for https.
 *
 *   ASKING ---------------------------------> through      HTTP: 2xx
 *   GREETING --> AUTHENTICATING --> ASKING --> through      SOCKS
 *        \____________________________^
 *                (RESOLVING in between, when the names are ours to resolve)
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tweed/resolver.h>

#include "web/client/engine.h"
#include "web/url/private_address.h"

enum tunnel_state { GREETING, AUTHENTICATING, RESOLVING, ASKING };

struct twi_tunnel {
    enum tunnel_state state;
    bool socks;
    struct twi_fetch *fetch;
    tw_deferred *resolving;
    struct twi_buf in; /* SOCKS: what came and is not complete */
};

static void forget_answer(struct twi_tunnel *tunnel)
{
    tunnel->in.length = 0;
}

void twi_tunnel_free(struct twi_tunnel *tunnel)
{
    tw_deferred *resolving;

    if (tunnel == NULL)
        return;
    resolving = tunnel->resolving;
    tunnel->resolving = NULL;
    tunnel->fetch = NULL;
    if (resolving != NULL) {
        /* resolved() frees the tunnel. */
        tw_cancel(resolving);
        tw_deferred_unref(resolving);
        return;
    }
    twi_buf_free(&tunnel->in);
    twi_free(tunnel);
}

static void refuse(struct twi_fetch *fetch, int64_t number, const char *text)
{
    twi_fetch_fail(fetch, &tw_error_connect, number, tw_none(), "the proxy %s: %s",
                   fetch->host->proxy->host, text);
}

/* The bytes from here on are the origin's. */
static void through(struct twi_fetch *fetch)
{
    struct twi_channel *channel = fetch->channel;
    struct twi_host *host = fetch->host;
    int r = 0;

    twi_tunnel_free(channel->tunnel);
    channel->tunnel = NULL;
    if (host->context != NULL)
        r = tw_transport_start_tls(channel->protocol.transport, host->context, host->name);
    if (r < 0) {
        twi_fetch_fail(fetch, r == -ENOMEM ? &tw_error_memory : &tw_error_tls, r, tw_none(),
                       "TLS does not start");
        return;
    }
    fetch->secured_at = twi_loop_now();
    twi_fetch_connected(fetch);
}

/* --- CONNECT ------------------------------------------------------------------------------- */

static int write_connect(struct twi_buf *head, const struct twi_host *host,
                         const struct twi_fetch *fetch)
{
    const char *authorization = host->tunnel_authorization != NULL
                                    ? host->tunnel_authorization
                                    : host->proxy->authorization;
    const char *agent = fetch->options.user_agent;
    int r = twi_buf_printf(head, "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n", host->name,
                           host->port, host->name, host->port);

    if (r == 0 && agent[0] != '\0')
        r = twi_http1_write_field(head, "User-Agent", agent);
    if (r == 0 && authorization != NULL)
        r = twi_http1_write_field(head, "Proxy-Authorization", authorization);
    if (r == 0)
        r = twi_http1_write_end(head);
    return r;
}

static void connect_begin(struct twi_fetch *fetch)
{
    struct twi_buf *head = &fetch->agent->scratch;

    head->length = 0;
    if (write_connect(head, fetch->host, fetch) < 0) {
        twi_fetch_end(fetch, tw_fail_memory());
        return;
    }
    twi_http1_init_client(&fetch->parser, NULL);
    twi_http1_begin(&fetch->parser, "CONNECT");
    tw_transport_write(fetch->channel->protocol.transport, head->data, head->length);
}

static void connect_refused(struct twi_fetch *fetch)
{
    char text[80];

    snprintf(text, sizeof text, "%d %.60s", fetch->parser.status,
             fetch->parser.reason != NULL ? fetch->parser.reason : "");
    refuse(fetch, fetch->parser.status, text);
}

static void connect_received(struct twi_fetch *fetch, const char *data, size_t length)
{
    const char *at = data, *end = data + length;
    enum twi_http1_event event = twi_http1_next(&fetch->parser, &at, end);

    if (event == TWI_HTTP1_MORE)
        return;
    if (event == TWI_HTTP1_ERROR) {
        refuse(fetch, 0, fetch->parser.error.text);
        return;
    }
    if (fetch->parser.status < 200 || fetch->parser.status > 299) {
        connect_refused(fetch);
        return;
    }
    event = twi_http1_next(&fetch->parser, &at, end);
    twi_http1_free(&fetch->parser);
    if (event != TWI_HTTP1_DONE || at != end)
        refuse(fetch, 0, "bytes after its answer");
    else
        through(fetch);
}

/* --- SOCKS 5 ------------------------------------------------------------------------------- */

enum { SOCKS_VERSION = 5, SOCKS_CONNECT = 1 };
enum { SOCKS_PLAIN = 0, SOCKS_PASSWORD = 2 };
enum { SOCKS_IPV4 = 1, SOCKS_NAME = 3, SOCKS_IPV6 = 4 };

static void send_bytes(struct twi_tunnel *tunnel, const void *data, size_t length)
{
    tw_transport_write(tunnel->fetch->channel->protocol.transport, data, length);
}

static void socks_greet(struct twi_tunnel *tunnel)
{
    static const char plain[] = { SOCKS_VERSION, 1, SOCKS_PLAIN };
    static const char either[] = { SOCKS_VERSION, 2, SOCKS_PLAIN, SOCKS_PASSWORD };

    tunnel->state = GREETING;
    if (tunnel->fetch->host->proxy->user != NULL)
        send_bytes(tunnel, either, sizeof either);
    else
        send_bytes(tunnel, plain, sizeof plain);
}

static void socks_authenticate(struct twi_tunnel *tunnel)
{
    const struct twi_proxy *proxy = tunnel->fetch->host->proxy;
    size_t user = proxy->user == NULL ? 0 : strlen(proxy->user);
    size_t password = proxy->password == NULL ? 0 : strlen(proxy->password);
    char message[3 + 255 + 255];

    if (user < 1 || user > 255 || password > 255) {
        refuse(tunnel->fetch, 0, "needs a user and password of at most 255 bytes");
        return;
    }
    tunnel->state = AUTHENTICATING;
    message[0] = 1;
    message[1] = (char)user;
    memcpy(message + 2, proxy->user, user);
    message[2 + user] = (char)password;
    memcpy(message + 3 + user, proxy->password, password);
    send_bytes(tunnel, message, 3 + user + password);
}

/* Ask for an address (IPv4 or IPv6), or a name. */
static void socks_ask(struct twi_tunnel *tunnel, int type, const void *place, size_t length)
{
    unsigned port = tunnel->fetch->host->port;
    char message[5 + 255 + 2] = { SOCKS_VERSION, SOCKS_CONNECT, 0, (char)type };
    size_t at = 4;

    tunnel->state = ASKING;
    if (type == SOCKS_NAME)
        message[at++] = (char)length;
    memcpy(message + at, place, length);
    at += length;
    message[at++] = (char)(port >> 8);
    message[at++] = (char)port;
    send_bytes(tunnel, message, at);
}

static void socks_ask_address(struct twi_tunnel *tunnel,
                              const union tw_socket_address *address)
{
    if (address->any.sa_family == AF_INET6)
        socks_ask(tunnel, SOCKS_IPV6, &address->ipv6.sin6_addr, 16);
    else
        socks_ask(tunnel, SOCKS_IPV4, &address->ipv4.sin_addr, 4);
}

static tw_value resolved(tw_value result, void *arg)
{
    struct twi_tunnel *tunnel = arg;
    const union tw_socket_address *address = tw_address_of(tw_list_at(result, 0));
    tw_deferred *resolving = tunnel->resolving;

    tunnel->resolving = NULL;
    if (tunnel->fetch == NULL)
        twi_tunnel_free(tunnel);
    else if (tw_is_failure(result))
        twi_fetch_fail_with(tunnel->fetch, tw_retain(result));
    else if (address == NULL)
        refuse(tunnel->fetch, 0, "the name has no address");
    else if (tunnel->fetch->agent->refuse_private && twi_address_is_private(&address->any))
        twi_fetch_fail(tunnel->fetch, &tw_error_connect, 0, tw_none(),
                       "%s has a private address", tunnel->fetch->host->name);
    else
        socks_ask_address(tunnel, address);
    tw_deferred_unref(resolving);
    return tw_none();
}

static void socks_ask_origin(struct twi_tunnel *tunnel)
{
    const struct twi_host *host = tunnel->fetch->host;
    union tw_socket_address address;
    tw_deferred *resolving;

    if (tw_address_parse(host->name, host->port, &address) == 0) {
        socks_ask_address(tunnel, &address);
        return;
    }
    if (host->proxy->kind == TWI_PROXY_SOCKS5H) {
        if (strlen(host->name) > 255)
            refuse(tunnel->fetch, 0, "the host's name is too long");
        else
            socks_ask(tunnel, SOCKS_NAME, host->name, strlen(host->name));
        return;
    }
    tunnel->state = RESOLVING;
    resolving = tw_resolve(host->name, host->port);
    tunnel->resolving = tw_deferred_ref(resolving);
    tw_add_both(resolving, resolved, tunnel);
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

/* How long the answer to ASKING is; 0: cannot be told yet. */
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

static void socks_asked(struct twi_tunnel *tunnel)
{
    struct twi_fetch *fetch = tunnel->fetch;
    const struct twi_buf *in = &tunnel->in;
    size_t length = socks_answer_length(in);

    if (in->length >= 2 && in->data[1] != 0)
        refuse(fetch, in->data[1], socks_problem((unsigned char)in->data[1]));
    else if (length > 0 && in->length > length)
        refuse(fetch, 0, "bytes after its answer");
    else if (length > 0 && in->length == length)
        through(fetch);
}

static void socks_next(struct twi_tunnel *tunnel)
{
    const struct twi_buf *in = &tunnel->in;
    enum tunnel_state state = tunnel->state;

    if (state == ASKING) {
        if (in->length > 0 && in->data[0] != SOCKS_VERSION)
            refuse(tunnel->fetch, 0, "is no SOCKS 5 proxy");
        else
            socks_asked(tunnel);
        return;
    }
    if (in->length < 2)
        return;
    if (state == RESOLVING || in->length > 2) {
        refuse(tunnel->fetch, 0, "bytes after its answer");
    } else if (state == GREETING && in->data[0] != SOCKS_VERSION) {
        refuse(tunnel->fetch, 0, "is no SOCKS 5 proxy");
    } else if (state == AUTHENTICATING && in->data[1] != 0) {
        refuse(tunnel->fetch, 0, "user or password refused");
    } else if (state == GREETING && in->data[1] == SOCKS_PASSWORD) {
        forget_answer(tunnel);
        socks_authenticate(tunnel);
    } else if (state == GREETING && in->data[1] != SOCKS_PLAIN) {
        refuse(tunnel->fetch, 0, "no way to authenticate");
    } else {
        forget_answer(tunnel);
        socks_ask_origin(tunnel);
    }
}

/* --- both ---------------------------------------------------------------------------------- */

void twi_tunnel_begin(struct twi_fetch *fetch)
{
    struct twi_tunnel *tunnel = twi_calloc(1, sizeof *tunnel);
    enum twi_proxy_kind kind = fetch->host->proxy->kind;

    if (tunnel == NULL) {
        twi_fetch_end(fetch, tw_fail_memory());
        return;
    }
    fetch->stage = TWI_TUNNELLING;
    fetch->channel->tunnel = tunnel;
    tunnel->fetch = fetch;
    tunnel->state = ASKING;
    tunnel->socks = kind == TWI_PROXY_SOCKS5 || kind == TWI_PROXY_SOCKS5H;
    if (!twi_fetch_set_phase(fetch, TWI_PHASE_CONNECT, fetch->options.connect_timeout))
        return;
    if (tunnel->socks)
        socks_greet(tunnel);
    else
        connect_begin(fetch);
}

void twi_tunnel_received(struct twi_fetch *fetch, const char *data, size_t length)
{
    struct twi_tunnel *tunnel = fetch->channel->tunnel;

    if (!tunnel->socks)
        connect_received(fetch, data, length);
    else if (twi_buf_append(&tunnel->in, data, length) < 0)
        twi_fetch_end(fetch, tw_fail_memory());
    else
        socks_next(tunnel);
}
