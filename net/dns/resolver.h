/* SPDX-License-Identifier: MIT */
/*
 * resolver.h - names to addresses for the rest of net/, without a Deferred in between.
 */
#ifndef NET_DNS_RESOLVER_H
#define NET_DNS_RESOLVER_H

#include "base/list.h"
#include "net/transport/address.h"

/* One wait for a question; embed it. */
struct twi_lookup {
    struct twi_list node_;
    unsigned port_;
    /* Called once, unless cancelled: `count` addresses in the order to try them (lent), or
     * `failure` (lent) and no address. May free the lookup. */
    void (*done)(struct twi_lookup *lookup, const union tw_socket_address *list, size_t count,
                 tw_value failure);
};

/* Ask; `done` is set. For names that are known already (literals, overrides, /etc/hosts,
 * answers kept) it is called within this call. */
void twi_lookup_start(struct twi_lookup *lookup, const char *name, unsigned port);
/* Forget it; done is not called. For one that is done, nothing. */
void twi_lookup_cancel(struct twi_lookup *lookup);

/* For tests: another file instead of /etc/hosts (static storage). */
void twi_resolver_set_hosts(const char *path);
/* For tests: the wait for a server's first answer; 0: as usual. For new channels. */
void twi_resolver_set_timeout(int ms);

#endif
