/* SPDX-License-Identifier: MIT */
/*
 * hop.h - one URL on the way of a request: its method, fields, credentials, proxy and trust.
 */
#ifndef WEB_CLIENT_HOP_H
#define WEB_CLIENT_HOP_H

#include "web/client/agent.h"
#include "web/client/connection.h"
#include "web/client/order.h"
#include "web/client/route.h"

struct twi_hop {
    struct twi_message message; /* of twi_hop_message() */
    const struct twi_order *order;
    const char *method;
    struct tw_url *url;      /* the last user may take it */
    tw_headers *headers;     /* set by hand; NULL: none */
    const tw_headers *extra; /* of the cache, lent; NULL: none */
    char *authorization;     /* of the options; NULL: none */
    char *url_authorization; /* of this URL, or of one before it on the same origin */
    char *address;           /* "IP:port" to connect to; NULL: the name's */
    struct twi_proxy *proxy; /* lent, as what follows; NULL: direct */
    tw_tls_context *context, *proxy_context; /* NULL: plain */
    bool tunnelled, body_dropped;
};

/* The first hop: takes `url`, and the members that the order keeps for it. 0 or -ENOMEM. */
int twi_hop_begin(struct twi_hop *hop, struct twi_order *order, struct tw_url *url);
/* Go on to `url` (taken), where a response from `from` with this status leads. 0 or -ENOMEM. */
int twi_hop_redirect(struct twi_hop *hop, const struct tw_url *from, struct tw_url *url,
                     int status);
/* Choose proxy and trust. Returns none, or a failure (owned). */
tw_value twi_hop_choose(struct twi_hop *hop, tw_agent *agent);
struct twi_target twi_hop_target(const struct twi_hop *hop);
/* hop_message.c: the message to send. */
const struct twi_message *twi_hop_message(struct twi_hop *hop);
/* True if a body goes along. */
bool twi_hop_has_body(const struct twi_hop *hop);
bool twi_hop_has_source(const struct twi_hop *hop);
/* True if the request may be sent again when the server may have had it (RFC 9110, 9.2.2). */
bool twi_hop_repeatable(const struct twi_hop *hop);
void twi_hop_free(struct twi_hop *hop);

#endif
