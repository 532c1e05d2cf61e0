/* SPDX-License-Identifier: MIT */
/*
 * answers.h - answers of the resolver, kept for a while.
 */
#ifndef NET_DNS_ANSWERS_H
#define NET_DNS_ANSWERS_H

#include "base/list.h"
#include "base/map.h"
#include "net/transport/address.h"

/* A name's addresses, or the failure that says why it has none. */
struct twi_answer {
    struct twi_list node_;
    int64_t expires_ns;
    tw_value failure; /* none when there are addresses */
    size_t count;
    const char *name;
    union tw_socket_address list[];
};

struct twi_answers {
    struct twi_map by_name;
    struct twi_list order; /* the one used last at the end */
};

void twi_answers_init(struct twi_answers *answers);
/* The answer for a name, lent until the next call; NULL when there is none or it has
 * expired. */
const struct twi_answer *twi_answers_find(struct twi_answers *answers, const char *name,
                                          int64_t now_ns);
/* Keep an answer until `expires_ns`; beyond 1024 the least recently used one is dropped.
 * `failure` is lent. Without memory the answer is not kept. */
void twi_answers_keep(struct twi_answers *answers, const char *name,
                      const union tw_socket_address *list, size_t count, tw_value failure,
                      int64_t expires_ns);
/* Forget all; may be used again. */
void twi_answers_free(struct twi_answers *answers);

#endif
