/* SPDX-License-Identifier: MIT */
/*
 * opening.h - the state that a connection needs until its handshake is done.
 */
#ifndef NET_TRANSPORT_OPENING_H
#define NET_TRANSPORT_OPENING_H

#include <tweed/transport.h>

struct twi_opening {
    tw_factory *factory; /* used by it */
    void (*done)(tw_value failure, void *arg); /* called at the end; NULL: nobody waits */
    void *arg;
    int64_t timer; /* 0: none */
};

/* All zero, from a pool; NULL when there is no memory. */
struct twi_opening *twi_opening_new(void);
/* Also cancels its timer and its use of the factory. NULL is fine, here and below. */
void twi_opening_free(struct twi_opening *opening);
/* Call fn(arg) in so many seconds; it sets `timer` to 0. 0 or -ENOMEM. */
int twi_opening_limit(struct twi_opening *opening, double seconds, void (*fn)(void *arg),
                      void *arg);
void twi_opening_stop_timer(struct twi_opening *opening);

/* The function that waits for the opening, called once. */
struct twi_opening_waiter {
    void (*done)(tw_value failure, void *arg);
    void *arg;
};
struct twi_opening_waiter twi_opening_take_waiter(struct twi_opening *opening);
/* Takes `failure`. */
void twi_opening_waiter_tell(struct twi_opening_waiter waiter, tw_value failure);
/* Both in one. */
void twi_opening_tell(struct twi_opening *opening, tw_value failure);

#endif
