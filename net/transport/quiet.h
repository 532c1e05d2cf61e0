/* SPDX-License-Identifier: MIT */
/*
 * quiet.h - system calls that must not raise SIGPIPE.
 *
 * Sockets have MSG_NOSIGNAL; write() and sendfile() have not. A program that lets SIGPIPE kill
 * it (without tw_reactor_run(), which ignores it) must not be killed by us: the signal is
 * blocked, and our own is taken off.
 */
#ifndef NET_TRANSPORT_QUIET_H
#define NET_TRANSPORT_QUIET_H

#include <signal.h>
#include <stdbool.h>

struct twi_quiet {
    bool held;
    sigset_t before;
};

struct twi_quiet twi_quiet_begin(void);
/* `failed`: the call failed, errno says how; it is kept. */
void twi_quiet_end(const struct twi_quiet *quiet, bool failed);

#endif
