/* SPDX-License-Identifier: MIT */
/*
 * listener.h - shared by listeners in the system and in memory.
 */
#ifndef NET_TRANSPORT_LISTENER_H
#define NET_TRANSPORT_LISTENER_H

#include <tweed/tcp.h>

#include "base/list.h"

/* A layer between a listener's connections and their protocols, like TLS. */
struct twi_listener_layer {
    /* A protocol for the transport, with `protocol` (taken, also on failure) above; `factory` is
     * its own
     * and counted. NULL: no memory. */
    tw_protocol *(*wrap)(void *arg, tw_protocol *protocol, tw_factory *factory);
    void (*release)(void *arg);
    void *arg;
};

struct listener_socket;

struct tw_listener {
    struct twi_list node_; /* among the thread's listeners */
    tw_factory *factory;   /* used; NULL once it has stopped */
    struct twi_listener_layer layer; /* wrap is NULL: none */
    char *host;                     /* the address as given; "unix:/path" */
    unsigned port;
    size_t piece;                   /* in memory: of its connections */
    bool paused;
    bool busy, closed; /* accepting; to be freed after that */
    struct listener_socket *socket; /* NULL in memory, and once it has stopped */
};

/* As tw_listen(), without its TLS: in its place `layer` (NULL: none), which is released with the
 * listener or, when this fails, stays the caller's. */
int twi_listener_new(const struct tw_listen_options *options,
                     const struct twi_listener_layer *layer, tw_factory *factory,
                     tw_listener **ret_listener);
/* The address in the options; "127.0.0.1" without one. */
const char *twi_listen_host(const struct tw_listen_options *options);
/* "127.0.0.1:80", "[::1]:80", "unix:/path"; returns what snprintf() would. */
int twi_listen_address(const char *host, unsigned port, char *text, size_t size);
/* Build the protocol for a new connection, with the layer around it, and what to give to the
 * transport as its factory. NULL: turn the connection away. */
tw_protocol *twi_listener_build(tw_listener *listener, tw_factory **ret_factory);
/* The thread's listener in memory for this address, NULL when there is none. */
tw_listener *twi_listener_in_memory(const char *host, unsigned port);

#endif
