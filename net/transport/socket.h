/* SPDX-License-Identifier: MIT */
/*
 * socket.h - connected sockets, and transports over them.
 */
#ifndef NET_TRANSPORT_SOCKET_H
#define NET_TRANSPORT_SOCKET_H

#include <tweed/transport.h>

struct twi_watch;

/* A connected or accepted, non-blocking descriptor. */
struct twi_socket {
    int fd;
    unsigned ready;          /* events that the watch has reported besides the connecting */
    struct twi_watch *watch; /* NULL: none yet */
};
/* Close a socket that nobody wants. */
void twi_socket_close(struct twi_socket *socket);

/*
 * Make a connected socket (taken, also on failure) a transport and connect `protocol` (taken, also
 * on failure: then released unconnected) to it. `factory` (may be NULL) is counted. `peer` (may be
 * NULL) is the peer's address. *ret_transport (may be NULL) is valid until the end of the turn.
 * Returns 0 or -ENOMEM, ...
 */
int twi_socket_adopt(struct twi_socket *socket, const struct sockaddr *peer,
                     tw_protocol *protocol, tw_factory *factory, tw_transport **ret_transport);

#endif
