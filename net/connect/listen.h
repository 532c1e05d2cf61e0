/* SPDX-License-Identifier: MIT */
/*
 * listen.h - the errors of functions that listen.
 */
#ifndef NET_CONNECT_LISTEN_H
#define NET_CONNECT_LISTEN_H

#include <tweed/value.h>

/* Put `failure` (taken) into *ret_failure (may be NULL); returns the errno that belongs to its
 * class, as <tweed/tcp.h> has it. */
int twi_listen_failed(tw_value failure, tw_value *ret_failure);

#endif
