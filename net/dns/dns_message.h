/* SPDX-License-Identifier: MIT */
/*
 * dns_message.h - whether a DNS answer can be used. Pure: bytes in, a verdict out.
 */
#ifndef NET_DNS_DNS_MESSAGE_H
#define NET_DNS_DNS_MESSAGE_H

#include <stdint.h>

#include "net/transport/address.h"

struct twi_dns_verdict {
    unsigned code;             /* RCODE: 0 no error, 2 server failure, 3 no such name, 5 refused */
    bool truncated;            /* to be asked again over TCP */
    char name[TWI_NAME_SIZE];  /* of the question, lower case; "" when there was none */
};

#define TWI_DNS_HEADER 12
/* A name, a type and a class. */
#define TWI_DNS_QUESTION_MAX (255 + 4)

/* True if it answers one question and every name and record in it is whole: labels of 63, names of
 * 255 octets at most, compression pointers that only point back (RFC 1035, 4.1.4), and addresses
 * only of the name that was asked for or its aliases, of which there are at most 16. */
bool twi_dns_message_check(const void *data, size_t length,
                           struct twi_dns_verdict *ret_verdict);
/* The length of the first question, which stands behind the header; 0: it is not whole or there
 * is none. */
size_t twi_dns_question_length(const void *data, size_t length);
/* Make an answer of a header and this question, with this RCODE, to the message with this id
 * (two bytes). Returns its length, at most TWI_DNS_HEADER + TWI_DNS_QUESTION_MAX. */
size_t twi_dns_answer_only(void *data, const uint8_t id[2], const void *question,
                           size_t question_length, unsigned code);

#endif
