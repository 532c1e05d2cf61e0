/* SPDX-License-Identifier: MIT */
/*
 * pipe.h - a pipe transport before it is connected.
 */
#ifndef NET_TRANSPORT_PIPE_H
#define NET_TRANSPORT_PIPE_H

#include <tweed/pipe.h>

/* As tw_pipe_open(); connect it by twi_transport_connect(), or drop it by
 * twi_transport_lost(). */
int twi_pipe_new(int read_fd, int write_fd, tw_transport **ret_transport);

#endif
