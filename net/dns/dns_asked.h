/* SPDX-License-Identifier: MIT */
/*
 * dns_asked.h - the questions that have been sent and not been answered, by their ids.
 *
 * An answer is believed only if it has the id and the question of one of these (RFC 5452, 9.1).
 */
#ifndef NET_DNS_DNS_ASKED_H
#define NET_DNS_DNS_ASKED_H

#include <stdint.h>

#include "base/list.h"
#include "base/map.h"

struct twi_dns_question {
    struct twi_list node_;
    uint8_t id[2];
    size_t length;
    uint8_t bytes[]; /* name, type and class, as on the wire */
};

struct twi_dns_asked {
    struct twi_map by_id;
    struct twi_list order; /* the oldest first */
};

void twi_dns_asked_init(struct twi_dns_asked *asked);
/* Note a message that has been sent. Beyond 4096 the oldest is forgotten; without memory this
 * one. */
void twi_dns_asked_note(struct twi_dns_asked *asked, const void *message, size_t length);
/* The question with this id; NULL for none. Lent until the next call. */
const struct twi_dns_question *twi_dns_asked_find(struct twi_dns_asked *asked,
                                                  const uint8_t id[2]);
void twi_dns_asked_forget(struct twi_dns_asked *asked, const uint8_t id[2]);
/* Forget all; may be used again. */
void twi_dns_asked_free(struct twi_dns_asked *asked);

#endif
