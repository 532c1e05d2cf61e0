/*
 * connect.h - one attempt to connect to one address, and descriptors made into transports.
 */
#ifndef NET_CONNECT_ATTEMPT_H
#define NET_CONNECT_ATTEMPT_H

#include <tweed/tcp.h>

struct twi_watch;

/* A connected or accepted, non-blocking descriptor. */
struct twi_socket {
    int fd;
    unsigned ready;          /* what the watch has told already, beyond the connecting */
    struct twi_watch *watch; /* NULL: none yet */
};
/* Close one that nobody wants. */
void twi_socket_close(struct twi_socket *socket);

/* One attempt under way. */
struct twi_attempt;
/* error 0: `socket` is connected and the callee's. Else a negative errno; socket->fd is -1. The
 * attempt is gone either way. */
typedef void twi_attempt_fn(int error, struct twi_socket *socket, void *arg);

/*
 * Start to connect to `address` (AF_INET, AF_INET6, AF_UNIX), honouring local_address and
 * keep_delay of `options` (may be NULL). No timeout of its own. fn is called once, never inside
 * this call, unless it is cancelled. *ret_attempt is written on success only.
 * Returns 0 or a negative errno: -EMFILE, -ENETUNREACH, -EINVAL (local_address is no literal of
 * this family), -EADDRNOTAVAIL and -EADDRINUSE (binding), -ENOMEM, ...
 */
int twi_attempt_start(const struct sockaddr *address, socklen_t length,
                      const struct tw_connect_options *options, twi_attempt_fn *fn, void *arg,
                      struct twi_attempt **ret_attempt);
/* Drop it without a call. */
void twi_attempt_cancel(struct twi_attempt *attempt);
/* The failure for such an errno: the class below tw_error_connect, the text with the address. */
tw_value twi_attempt_failure(int error, const char *address);

/*
 * Make a connected socket (taken, also on failure) a transport and connect `protocol` (taken, also
 * on failure: then released unconnected) to it. `factory` (may be NULL) is counted. `peer` (may be
 * NULL) is the peer's address. *ret_transport (may be NULL) is valid until the end of the turn.
 * Returns 0 or -ENOMEM, ...
 */
int twi_socket_adopt(struct twi_socket *socket, const struct sockaddr *peer,
                     tw_protocol *protocol, tw_factory *factory, tw_transport **ret_transport);

/* --- in memory, between tw_testing_begin() and tw_testing_end() --------------------- */

/* Do tw_listen() and tw_connect() meet in memory on this thread? Then no name is looked up. */
bool twi_memory_on(void);
/* Is there a listener in memory for "host:port" ("unix:/path" with port 0)? 0 or -ECONNREFUSED. */
int twi_memory_find(const char *host, unsigned port);
/* Connect `protocol` (taken, also on failure) to it; connection_made is called at once on both
 * sides. 0, -ECONNREFUSED, -ENOMEM. *ret_transport (may be NULL) as above. */
int twi_memory_connect(const char *host, unsigned port, tw_protocol *protocol,
                       tw_transport **ret_transport);

/* --- TLS ---------------------------------------------------------------------------- */

/* net/tls/tls.c: a protocol for a transport about to be made, which shakes hands as a server
 * over it and then makes the connection of `protocol` (taken, also on failure) above. NULL: no
 * memory. */
tw_protocol *twi_tls_server_protocol(tw_tls_context *context, tw_protocol *protocol,
                                     tw_factory *factory);

#endif
