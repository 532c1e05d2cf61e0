/* SPDX-License-Identifier: MIT */
/*
 * resolv_conf.h - resolv.conf(5), as far as it says whom to ask for what.
 */
#ifndef NET_DNS_RESOLV_CONF_H
#define NET_DNS_RESOLV_CONF_H

#include <stdbool.h>

#include "net/transport/address.h"

enum { TWI_NAME_SERVERS_MAX = 16, TWI_SEARCH_MAX = 32 };

struct twi_resolv_conf {
    union tw_socket_address servers[TWI_NAME_SERVERS_MAX]; /* with zones; the port is 0 */
    size_t server_count;
    char *domains[TWI_SEARCH_MAX]; /* of the last "search" or "domain" */
    size_t domain_count;
    int ndots; /* -1: not said */
    bool rotate;
    char *text_; /* that the domains lie in */
};

/* Lines that cannot be understood are skipped; a missing file is empty. Of a larger file a
 * megabyte is read. 0, -ENOMEM, -EMFILE and the like: it cannot be read now. */
int twi_resolv_conf_read(const char *path, struct twi_resolv_conf *ret_conf);
void twi_resolv_conf_free(struct twi_resolv_conf *conf);

#endif
