/* SPDX-License-Identifier: MIT */
/*
 * memory.h - meeting in memory, between tw_testing_begin() and tw_testing_end().
 */
#ifndef NET_TRANSPORT_MEMORY_H
#define NET_TRANSPORT_MEMORY_H

#include <tweed/transport.h>

/* True if tw_connect() reaches tw_listen() in memory on this thread. Then no name is looked
 * up. */
bool twi_memory_on(void);
/* 0 if there is a listener in memory for "host:port" ("unix:/path" with port 0), otherwise
 * -ECONNREFUSED. */
int twi_memory_find(const char *host, unsigned port);
/* Connect `protocol` (taken, also on failure) to it; connection_made is called at once on both
 * sides. 0, -ECONNREFUSED, -ENOMEM. *ret_transport (may be NULL) as with twi_socket_adopt(). */
int twi_memory_connect(const char *host, unsigned port, tw_protocol *protocol,
                       tw_transport **ret_transport);

#endif
