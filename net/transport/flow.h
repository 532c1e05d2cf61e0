/* SPDX-License-Identifier: MIT */
/*
 * flow.h - parts that only some transports have: a producer, watermarks, an idle timeout.
 */
#ifndef NET_TRANSPORT_FLOW_H
#define NET_TRANSPORT_FLOW_H

#include "net/transport/transport.h"

/* Call lost(reason, arg) after connection_lost; one at a time, NULL takes it back. `reason` is
 * lent. 0, -ENOTCONN (lost already), -ENOMEM. */
int twi_flow_on_lost(tw_transport *transport, void (*lost)(tw_value reason, void *arg),
                     void *arg);

/* A function that hears of the end. */
struct twi_flow_watcher {
    void (*lost)(tw_value reason, void *arg); /* may be NULL */
    void *arg;
};
/* The connection is lost: stop the producer and the timeout, release the block. */
struct twi_flow_watcher twi_flow_end(tw_transport *transport);
/* Bytes were queued: pause a push producer above the high-water mark. */
void twi_flow_queued(tw_transport *transport);
/* Bytes were sent: resume a producer where that is due. */
void twi_flow_sent(tw_transport *transport);
/* The high-water mark. */
size_t twi_flow_high(const tw_transport *transport);
bool twi_flow_has_producer(const tw_transport *transport);
/* The protocol and all that belongs to it has moved from `from` to `to`. */
void twi_flow_move(tw_transport *from, tw_transport *to);

#endif
