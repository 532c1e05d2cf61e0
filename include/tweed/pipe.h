/* SPDX-License-Identifier: MIT */
/*
 * pipe.h - any descriptor as a transport: pipes, terminals, serial lines, the end of a socket
 * pair, files, and the program's own standard input and output.
 *
 * All that transport.h says holds: order, flow control, producers, half close, idle timeouts.
 * After Twisted's twisted.internet.stdio and process pipes.
 */
#ifndef TWEED_PIPE_H
#define TWEED_PIPE_H

#include <tweed/transport.h>

TW_BEGIN

/*
 * Make a connection that reads from `read_fd` and writes to `write_fd`, and hand it to `protocol`.
 *   read_fd, write_fd   taken (closed with the connection, and when this fails) and made not to
 *                       block; they may be the same; -1: none, then it reads or writes nothing
 *   protocol            taken, also on failure; may be NULL
 *   ret_transport       may be NULL; lent, until connection_lost has returned
 *
 * The end of what is read is the end of the connection, as of any (see read_connection_lost); a
 * terminal that hangs up is an end, too. Who writes to a pipe that nobody reads loses the
 * connection (tw_error_connection_lost, number EPIPE): a signal SIGPIPE never comes of it.
 * Half close closes a write_fd of its own, or shuts a socket down; else it is -ENOTSUP.
 * Returns 0, -EBADF, -EINVAL (both -1), -EMFILE (a number that "select" cannot watch), -ENOMEM.
 */
TW_API int tw_pipe_open(int read_fd, int write_fd, tw_protocol *protocol,
                        tw_transport **ret_transport);

/* The same with duplicates of the process's standard input and output. Others that share these
 * (a shell) see them not block until the connection is lost. */
TW_API int tw_stdio_open(tw_protocol *protocol, tw_transport **ret_transport);

TW_END
#endif
