/* SPDX-License-Identifier: MIT */
/*
 * route.c - the way to a peer, its copy and its key.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "web/client/route.h"

bool twi_target_tunnelled(const struct twi_target *target)
{
    return target->proxy != NULL &&
           (target->context != NULL ||
            (target->proxy->kind != TWI_PROXY_HTTP && target->proxy->kind != TWI_PROXY_HTTPS));
}

static const char *tunnel_authorization(const struct twi_target *target)
{
    return target->proxy != NULL && target->context != NULL ? target->proxy_authorization
                                                            : NULL;
}

/* A proxy that serves all origins looks names up itself. */
static const char *origin_address(const struct twi_target *target)
{
    return target->proxy == NULL || twi_target_tunnelled(target) ? target->address : NULL;
}

/* Origins never contain a newline, and no proxy's key begins with "@". */
int twi_target_key(const struct twi_target *target, struct twi_buf *key)
{
    const char *by_hand = tunnel_authorization(target);
    const char *address = origin_address(target);
    int r = 0;

    key->length = 0;
    if (target->proxy == NULL || twi_target_tunnelled(target))
        r = twi_buf_append_text(key, target->url->origin);
    if (r == 0 && address != NULL) {
        r = twi_buf_append(key, "\n@", 2);
        if (r == 0)
            r = twi_buf_append_text(key, address);
    }
    if (r == 0 && target->proxy != NULL) {
        r = twi_buf_append_char(key, '\n');
        if (r == 0)
            r = twi_buf_append_text(key, target->proxy->key);
    }
    if (r == 0 && target->context != NULL)
        r = twi_buf_append(key, &target->context, sizeof target->context);
    if (r == 0 && target->proxy_context != NULL)
        r = twi_buf_append(key, &target->proxy_context, sizeof target->proxy_context);
    if (r == 0 && by_hand != NULL)
        r = twi_buf_printf(key, "\n%s", by_hand);
    return r;
}

/* Split "IP:port". */
static int route_address_take(struct twi_route *route, const char *address)
{
    const char *colon = strrchr(address, ':');

    route->address_port = (unsigned)strtoul(colon + 1, NULL, 10);
    route->address = twi_strndup(address, (size_t)(colon - address));
    return route->address == NULL ? -ENOMEM : 0;
}

int twi_route_init(struct twi_route *route, const struct twi_target *target)
{
    const char *by_hand = tunnel_authorization(target);
    bool tunnelled = twi_target_tunnelled(target);
    bool to_origin = target->proxy == NULL || tunnelled;
    const char *address = origin_address(target);

    *route = (struct twi_route){ .tunnelled = tunnelled };
    route->name = twi_strdup(to_origin ? target->url->hostname : target->proxy->host);
    if (by_hand != NULL)
        route->tunnel_authorization = twi_strdup(by_hand);
    if (route->name == NULL || (by_hand != NULL && route->tunnel_authorization == NULL) ||
        (address != NULL && route_address_take(route, address) < 0)) {
        twi_route_free(route);
        return -ENOMEM;
    }
    route->port = to_origin ? target->url->effective_port : target->proxy->port;
    route->proxy = twi_proxy_ref(target->proxy);
    if (target->context != NULL)
        route->context = tw_tls_context_ref(target->context);
    if (target->proxy_context != NULL)
        route->proxy_context = tw_tls_context_ref(target->proxy_context);
    return 0;
}

void twi_route_free(struct twi_route *route)
{
    twi_proxy_unref(route->proxy);
    if (route->context != NULL)
        tw_tls_context_unref(route->context);
    if (route->proxy_context != NULL)
        tw_tls_context_unref(route->proxy_context);
    twi_free(route->tunnel_authorization);
    twi_free(route->name);
    twi_free(route->address);
    *route = (struct twi_route){ 0 };
}

bool twi_route_leads_to(const struct twi_route *route, const struct tw_url *url)
{
    bool secure = strcmp(url->protocol, "https:") == 0;

    return (route->proxy == NULL || route->tunnelled) && (route->context != NULL) == secure &&
           route->port == url->effective_port && strcmp(route->name, url->hostname) == 0;
}
