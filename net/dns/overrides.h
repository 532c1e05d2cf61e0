/* SPDX-License-Identifier: MIT */
/*
 * overrides.h - names that a program answers itself: curl's --resolve.
 */
#ifndef NET_DNS_OVERRIDES_H
#define NET_DNS_OVERRIDES_H

#include "base/map.h"
#include "net/transport/address.h"

struct twi_override {
    size_t count;
    union tw_socket_address list[];
};

/* All zero is empty. */
struct twi_overrides {
    struct twi_map by_name; /* and port: "a.test:443", "a.test:0" for every port */
};

/* The addresses for `name` (as by twi_name_to_ascii()) at this port, otherwise at all ports; or
 * NULL. */
const struct twi_override *twi_overrides_find(const struct twi_overrides *overrides,
                                              const char *name, unsigned port);
/* Set, or with NULL take back; `literals` are parted by commas. 0, -EINVAL, -ENOMEM. */
int twi_overrides_set(struct twi_overrides *overrides, const char *name, unsigned port,
                      const char *literals);
void twi_overrides_free(struct twi_overrides *overrides);

#endif
