/* SPDX-License-Identifier: MIT */
/*
 * attempt.h - one attempt to connect to one address.
 */
#ifndef NET_CONNECT_ATTEMPT_H
#define NET_CONNECT_ATTEMPT_H

#include <tweed/tcp.h>

#include "net/transport/socket.h"

/* One attempt under way. */
struct twi_attempt;
/* error 0: `socket` is connected, and now the callee's. Otherwise error is a negative errno,
 * and socket->fd is -1. The attempt is freed in both cases. */
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
/* The failure for such an errno: its class is below tw_error_connect, its text names the
 * address. */
tw_value twi_attempt_failure(int error, const char *address);

#endif
