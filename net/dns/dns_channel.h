/* SPDX-License-Identifier: MIT */
/*
 * dns_channel.h - a channel of c-ares; only for the resolver.
 */
#ifndef NET_DNS_DNS_CHANNEL_H
#define NET_DNS_DNS_CHANNEL_H

#include <ares.h>

#include "net/dns/dns_message.h"

/* What a channel tells its owner; lives as long as it. */
struct twi_dns_hooks {
    ares_sock_state_cb socket_state;
    /* A sound datagram came; c-ares reads it next. */
    void (*heard)(void *arg, const struct twi_dns_verdict *verdict);
    void *arg;
    int timeout_ms; /* of the first try; each further one has twice the last one's. 0: 2 s */
};

/* With these servers, or with NULL the system's. 0, -EINVAL (the servers), -ENOTSUP (c-ares
 * cannot be had on this system or knows no server), -ENOMEM. ares_destroy() it. */
int twi_dns_channel_new(struct twi_dns_hooks *hooks, const char *servers,
                        ares_channel *ret_channel);
/* Of the two families' statuses, the one that tells why: "there is none" needs both. */
int twi_dns_telling(int status, int other);
/* What c-ares (by its status) and the servers (by their RCODE, 0 for none) say of a name. */
tw_value twi_dns_failure(const char *name, int status, unsigned code);

#endif
