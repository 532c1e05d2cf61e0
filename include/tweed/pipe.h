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
 * End of file on `read_fd` ends the connection, as with any transport (see
 * read_connection_lost); the hang-up of a terminal is an end, too. A write to a pipe that
 * nobody reads ends the connection with tw_error_connection_lost, number EPIPE, and never by a
 * signal SIGPIPE.
 * Half close closes write_fd if it is not read_fd, or shuts a socket down; otherwise it is
 * -ENOTSUP. Returns 0, -EBADF, -EINVAL (both -1), -EMFILE (a number that "select" cannot
 * watch), -ENOMEM.
 */
TW_API int tw_pipe_open(int read_fd, int write_fd, tw_protocol *protocol,
                        tw_transport **ret_transport);

/* The same with duplicates of the process's standard input and output. Until the connection is
 * lost these do not block for other processes that share them either (a shell). */
TW_API int tw_stdio_open(tw_protocol *protocol, tw_transport **ret_transport);

TW_END
#endif
