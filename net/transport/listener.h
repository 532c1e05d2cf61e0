/*
 * listener.h - what listeners in the system and in memory share.
 */
#ifndef NET_TRANSPORT_LISTENER_H
#define NET_TRANSPORT_LISTENER_H

#include <tweed/tcp.h>

#include "base/list.h"

struct listener_socket;

struct tw_listener {
    struct twi_list node_; /* among the thread's listeners */
    tw_factory *factory;   /* used; NULL once it has stopped */
    tw_tls_context *tls;
    char *host;                     /* the address as given; "unix:/path" */
    unsigned port;
    size_t piece;                   /* in memory: of its connections */
    bool paused;
    bool busy, closed; /* accepting; to be freed after that */
    struct listener_socket *socket; /* NULL in memory, and once it has stopped */
};

/* Build the protocol for a new connection, TLS around it if need be, and what to give to the
 * transport as its factory. NULL: turn the connection away. */
tw_protocol *twi_listener_build(tw_listener *listener, tw_factory **ret_factory);
/* The thread's listener in memory for this address, NULL when there is none. */
tw_listener *twi_listener_in_memory(const char *host, unsigned port);

#endif
