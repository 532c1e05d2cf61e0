/* SPDX-License-Identifier: MIT */
/*
 * hop.c - from URL to URL: the fields and secrets that go along, and those that must not.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/resolver.h>

#include "web/client/hop.h"
#include "web/client/redirect.h"
#include "web/http/base64.h"
#include "web/http/headers.h"
#include "web/url/private_address.h"

/* --- credentials ----------------------------------------------------------------------- */

/* "Basic ..." of the URL's, percent-decoded; a NUL is a byte like any other. */
static int credentials_write(const struct tw_url *url, struct twi_buf *text)
{
    tw_value user = tw_url_decode(url->username, strlen(url->username));
    tw_value password = tw_url_decode(url->password, strlen(url->password));
    struct twi_buf plain = { 0 };
    int r = tw_is_failure(user) || tw_is_failure(password) ? -ENOMEM : 0;

    if (r == 0)
        r = twi_buf_append(&plain, tw_bytes_data(user), tw_bytes_length(user));
    if (r == 0)
        r = twi_buf_append_char(&plain, ':');
    if (r == 0)
        r = twi_buf_append(&plain, tw_bytes_data(password), tw_bytes_length(password));
    if (r == 0)
        r = twi_buf_append_text(text, "Basic ");
    if (r == 0)
        r = twi_base64_append(text, plain.data, plain.length);
    twi_buf_free(&plain);
    tw_release(user);
    tw_release(password);
    return r;
}

static int url_credentials_take(struct twi_hop *hop)
{
    const struct tw_url *url = hop->url;
    struct twi_buf text = { 0 };
    int r;

    if (url->username[0] == '\0' && url->password[0] == '\0')
        return 0;
    twi_free(hop->url_authorization);
    hop->url_authorization = NULL;
    r = credentials_write(url, &text);
    if (r == 0)
        hop->url_authorization = twi_strndup(text.data, text.length);
    twi_buf_free(&text);
    return hop->url_authorization == NULL ? -ENOMEM : 0;
}

/* --- from hop to hop ------------------------------------------------------------------- */

static void fields_drop(tw_headers *headers, bool (*unwanted)(const char *name))
{
    const char *name, *value;
    size_t i = 0;

    while (headers != NULL && tw_headers_at(headers, i, &name, &value)) {
        if (unwanted(name)) {
            tw_headers_remove(headers, name);
            i = 0;
        } else {
            i++;
        }
    }
}

/* Secrets for one origin go nowhere else, and do not come back on the way back. */
static void secrets_drop(struct twi_hop *hop)
{
    fields_drop(hop->headers, twi_redirect_secret);
    twi_free(hop->authorization);
    twi_free(hop->url_authorization);
    hop->authorization = hop->url_authorization = NULL;
}

/* The order's address, with the URL's port if it has none. */
static int hop_address_take(struct twi_hop *hop)
{
    union tw_socket_address address = hop->order->address;
    char text[TW_ADDRESS_TEXT_SIZE];

    if (address.any.sa_family == AF_INET && address.ipv4.sin_port == 0)
        address.ipv4.sin_port = htons((uint16_t)hop->url->effective_port);
    else if (address.any.sa_family == AF_INET6 && address.ipv6.sin6_port == 0)
        address.ipv6.sin6_port = htons((uint16_t)hop->url->effective_port);
    tw_address_format(&address, text, sizeof text);
    hop->address = twi_strdup(text);
    return hop->address == NULL ? -ENOMEM : 0;
}

static void hop_address_drop(struct twi_hop *hop)
{
    twi_free(hop->address);
    hop->address = NULL;
}

int twi_hop_begin(struct twi_hop *hop, struct twi_order *order, struct tw_url *url)
{
    hop->order = order;
    hop->url = url;
    hop->method = order->method;
    hop->headers = order->headers;
    hop->authorization = order->authorization;
    order->headers = NULL;
    order->authorization = NULL;
    return order->has_address && hop_address_take(hop) < 0 ? -ENOMEM
                                                           : url_credentials_take(hop);
}

int twi_hop_redirect(struct twi_hop *hop, const struct tw_url *from, struct tw_url *url,
                     int status)
{
    if (twi_redirect_to_get(hop->order->options.redirects, status, hop->method)) {
        hop->method = "GET";
        hop->body_dropped = true;
        fields_drop(hop->headers, twi_redirect_describes_body);
    }
    if (!tw_url_same_origin(from, url)) {
        secrets_drop(hop);
        hop_address_drop(hop);
    }
    tw_url_free(hop->url);
    hop->url = url;
    return url_credentials_take(hop);
}

void twi_hop_free(struct twi_hop *hop)
{
    tw_url_free(hop->url);
    tw_headers_free(hop->headers);
    twi_free(hop->authorization);
    twi_free(hop->url_authorization);
    twi_free(hop->address);
}

/* --- the way there --------------------------------------------------------------------- */

static bool hop_is_secure(const struct tw_url *url)
{
    return strcmp(url->protocol, "https:") == 0;
}

/* An address in the URL, or in place of its name, which a proxy would connect to for us. Names are
 * looked at when they have been resolved. */
static bool may_go_there(const struct twi_hop *hop, const tw_agent *agent)
{
    union tw_socket_address address;

    if (!twi_agent_refuses_private(agent))
        return true;
    if (hop->address != NULL && twi_address_is_private(&hop->order->address.any))
        return false;
    return tw_address_parse(hop->url->hostname, 0, &address) < 0 ||
           !twi_address_is_private(&address.any);
}

tw_value twi_hop_choose(struct twi_hop *hop, tw_agent *agent)
{
    const struct tw_fetch_options *options = &hop->order->options;
    bool secure = hop_is_secure(hop->url);
    tw_value failure = tw_none();
    struct twi_target target;
    const char *why;

    if (!may_go_there(hop, agent))
        return tw_fail(&tw_error_connect, "%s is a private address",
                       hop->address != NULL ? hop->address : hop->url->hostname);
    if (twi_agent_proxy(agent, options->proxy != NULL, hop->order->proxy, secure,
                        hop->url->hostname, &hop->proxy, &why) < 0)
        return tw_fail(&tw_error_url, "the environment's proxy: %s", why);
    hop->context = hop->proxy_context = NULL;
    if (secure)
        failure = twi_agent_trust(agent, options->tls, &hop->context);
    if (!tw_is_failure(failure) && hop->proxy != NULL && hop->proxy->kind == TWI_PROXY_HTTPS)
        failure = twi_agent_trust(agent, NULL, &hop->proxy_context);
    hop->tunnelled = false;
    if (hop->proxy != NULL) {
        target = twi_hop_target(hop);
        hop->tunnelled = twi_target_tunnelled(&target);
    }
    return failure;
}

struct twi_target twi_hop_target(const struct twi_hop *hop)
{
    return (struct twi_target){
        .url = hop->url,
        .proxy = hop->proxy,
        .context = hop->context,
        .proxy_context = hop->proxy_context,
        .proxy_authorization = hop->proxy != NULL && hop->headers != NULL
                                   ? twi_headers_value(hop->headers,
                                                       TWI_HEADER_PROXY_AUTHORIZATION)
                                   : NULL,
        .address = hop->address,
    };
}

/* --- what is sent ---------------------------------------------------------------------- */

bool twi_hop_has_source(const struct twi_hop *hop)
{
    return hop->order->has_source && !hop->body_dropped;
}

bool twi_hop_has_body(const struct twi_hop *hop)
{
    return !hop->body_dropped && (hop->order->has_source || !tw_is_none(hop->order->body));
}

bool twi_hop_repeatable(const struct twi_hop *hop)
{
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "DELETE", "TRACE" };

    if (twi_hop_has_body(hop))
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(hop->method, methods[i]) == 0)
            return true;
    return false;
}
