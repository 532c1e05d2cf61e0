/* SPDX-License-Identifier: MIT */
/*
 * hosts.h - the names of /etc/hosts.
 */
#ifndef NET_DNS_HOSTS_H
#define NET_DNS_HOSTS_H

#include "net/transport/address.h"

/* The file's text as it was when last read; all zero is unread. */
struct twi_hosts {
    /* Names in lower case, addresses as they are: zones are not names. Terminated; NULL: none. */
    char *text;
    size_t length;
    int64_t checked_ns; /* when the file was last looked at */
    int64_t changed_ns, size;
    uint64_t inode;
    int error; /* it was never read, for lack of a descriptor or memory: a negative errno; or 0 */
};

/* Write the addresses of `name` (lower case) in the file at `path`, in its order; returns how
 * many. The file is read again when it has changed, which is checked once a second. Where that
 * cannot be, it counts as unchanged, or `error` says that there is nothing to go by. */
size_t twi_hosts_find(struct twi_hosts *hosts, const char *path, int64_t now_ns,
                      const char *name, union tw_socket_address list[TWI_ADDRESSES_MAX]);
/* The addresses of "localhost" and names below it, which never leave the machine (RFC 6761,
 * 6.3); returns how many, 0 for other names. */
size_t twi_hosts_localhost(const char *name, union tw_socket_address list[TWI_ADDRESSES_MAX]);
void twi_hosts_free(struct twi_hosts *hosts);

#endif
