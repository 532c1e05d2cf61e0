/* SPDX-License-Identifier: MIT */
/*
 * address.h - addresses inside net/: lists of them, their order, and names before the resolver.
 */
#ifndef NET_TRANSPORT_ADDRESS_H
#define NET_TRANSPORT_ADDRESS_H

#include <sys/un.h>
#include <tweed/resolver.h>

/* The most addresses of one name; the rest of an answer is dropped. */
#define TWI_ADDRESSES_MAX 64
/* A name on the wire has at most 255 octets, which is 253 characters and a final dot. */
#define TWI_NAME_SIZE 256

/* An owned value of one address, or the failure tw_error_memory. */
tw_value twi_address_value(const union tw_socket_address *address);
static inline socklen_t twi_address_length(const union tw_socket_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->ipv6 : sizeof address->ipv4;
}
bool twi_address_same(const union tw_socket_address *a, const union tw_socket_address *b);
bool twi_addresses_have(const union tw_socket_address *list, size_t count,
                        const union tw_socket_address *address);
void twi_address_set_port(union tw_socket_address *address, unsigned port);

/* A UNIX socket's path, or behind '@' a name without a file (Linux's abstract ones). 0, -EINVAL. */
int twi_unix_address(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_length);

/* The source that the system would use to reach `address`; false when there is no way. */
typedef bool twi_source_fn(const union tw_socket_address *address,
                           union tw_socket_address *ret_source);
bool twi_address_source(const union tw_socket_address *address,
                        union tw_socket_address *ret_source);
/* Order by RFC 6724, 6: rules 1, 2, 5, 6, 8 and 10 (the system does not tell what 3, 4 and 7
 * need, and 9 undoes the server's round robin). At most TWI_ADDRESSES_MAX of them. */
void twi_addresses_sort(union tw_socket_address *list, size_t count, twi_source_fn *source);
/* Alternate the families, beginning with the first one's (RFC 8305, 4); order is kept within
 * each family. */
void twi_addresses_interleave(union tw_socket_address *list, size_t count);

/* The name in the form that is asked for: lower case, A-labels, without a final dot. 0, -EINVAL
 * (no host name), -ENOMEM. */
int twi_name_to_ascii(const char *name, char text[TWI_NAME_SIZE]);

#endif
