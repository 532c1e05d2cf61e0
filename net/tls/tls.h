/* SPDX-License-Identifier: MIT */
/*
 * tls.h - TLS as a filter: protocols, for transports about to be made, that carry another
 * protocol above.
 */
#ifndef NET_TLS_TLS_H
#define NET_TLS_TLS_H

#include "net/transport/transport.h"
#include <tweed/tls.h>

struct twi_tls_client {
    tw_tls_context *context;
    const char *server_name; /* to verify, and for SNI */
    const char *session_key; /* of the sessions that may be resumed; NULL: none */
    /* Called once: with none after connection_made of the protocol, or with the failure (lent)
     * when there is no connection; the protocol has then been released. */
    void (*done)(tw_value failure, void *arg);
    void *arg;
};

/*
 * A protocol for a transport about to be made, which shakes hands over it and then makes the
 * connection of `protocol` (taken, also on failure) above. Strings are lent for the call. Released
 * without having been connected, it releases `protocol` and does not call done. Has no timeout of
 * its own. Returns 0, -EINVAL (server_name is none), -ENOMEM; *ret_inner is written on success.
 */
int twi_tls_client_protocol(const struct twi_tls_client *client, tw_protocol *protocol,
                            tw_protocol **ret_inner);
/* Give up: drop the connection and release the protocol; done is not called. */
void twi_tls_client_cancel(tw_protocol *inner);

/* The same for a server, which has 30 s for the handshake; `factory` is that of `protocol` (taken,
 * also on failure) and is counted. NULL: no memory. */
tw_protocol *twi_tls_server_protocol(tw_tls_context *context, tw_protocol *protocol,
                                     tw_factory *factory);

/* Everything for tw_transport_start_tls(), lent for the call. */
struct twi_tls_start {
    tw_tls_context *context;
    const char *server_name;
    const char *early; /* what the peer has sent of its handshake already */
    size_t early_length;
    /* Called once unless the start fails: with none after the handshake, or with the failure (lent)
     * when the connection is over. May be NULL. */
    void (*done)(tw_value failure, void *arg);
    void *arg;
};
int twi_transport_start_tls(tw_transport *transport, const struct twi_tls_start *start);

#endif
