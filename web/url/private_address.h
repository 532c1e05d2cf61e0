/* SPDX-License-Identifier: MIT */
/*
 * private_address.h - the addresses that a program which fetches for others must not reach.
 */
#ifndef WEB_URL_PRIVATE_ADDRESS_H
#define WEB_URL_PRIVATE_ADDRESS_H

#include <sys/socket.h>

#include <tweed/api.h>

/* True unless the address is a unicast one of the public internet: loopback, private,
 * link-local, shared, documentation, benchmark, multicast and reserved ranges are private, and
 * so is an IPv6 address that stands for such an IPv4 one (mapped, NAT64, 6to4), and an address
 * of another family. By IANA's special-purpose registries (RFC 6890). */
bool twi_address_is_private(const struct sockaddr *address);

#endif
