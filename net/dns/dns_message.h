/* SPDX-License-Identifier: MIT */
/*
 * dns_message.h - is a datagram a DNS message at all? Pure: bytes in, a verdict out.
 */
#ifndef NET_DNS_DNS_MESSAGE_H
#define NET_DNS_DNS_MESSAGE_H

#include "net/transport/address.h"

struct twi_dns_verdict {
    unsigned code;             /* RCODE: 0 no error, 2 server failure, 3 no such name, 5 refused */
    bool truncated;            /* to be asked again over TCP */
    char name[TWI_NAME_SIZE];  /* of the question, lower case; "" when there was none */
};

/* True if every name and record in it is whole: labels of 63, names of 255 octets at most,
 * compression pointers that only point back (RFC 1035, 4.1.4). */
bool twi_dns_message_check(const void *data, size_t length,
                           struct twi_dns_verdict *ret_verdict);

#endif
