/* SPDX-License-Identifier: MIT */
/*
 * order.h - the options of a fetch, checked, with copies of lent strings.
 *
 * Nothing of it changes while the request goes from hop to hop.
 */
#ifndef WEB_CLIENT_ORDER_H
#define WEB_CLIENT_ORDER_H

#include <tweed/client.h>
#include <tweed/resolver.h>

#include "web/client/proxy.h"

struct twi_order {
    /* Defaults are filled in; pointers that were lent are not used. */
    struct tw_fetch_options options;
    const char *method;
    char *owned_method, *owned_agent;
    tw_headers *headers;     /* set by hand; NULL: none. The first hop takes them */
    char *authorization;     /* of user and password; NULL: none. The first hop takes it */
    struct twi_proxy *proxy; /* NULL: none, or the agent's */
    union tw_socket_address address; /* port 0: the URL's. Read by the first hop */
    bool has_address;
    tw_value body;           /* bytes; none */
    struct tw_body_source source;
    bool has_source;
};

/* Copy and check into zeroed memory. none, or a failure (owned); free it either way. */
tw_value twi_order_take(struct twi_order *order, const struct tw_fetch_options *options);
void twi_order_free(struct twi_order *order);
/* Release the source of a request that could not be made; NULL is fine. */
void twi_body_source_release(const struct tw_body_source *source);

#endif
