/* SPDX-License-Identifier: MIT */
/*
 * pace.h - the client's pace: tells the writer of an answer when to stop and when to go on.
 *
 * Above TWI_PACE_HIGH unsent bytes a producer is paused and tw_request_drain() waits; at
 * TWI_PACE_LOW they go on.
 */
#ifndef WEB_SERVER_PACE_H
#define WEB_SERVER_PACE_H

#include <tweed/server.h>

#include "base/list.h"

enum { TWI_PACE_HIGH = 65536, TWI_PACE_LOW = 16384 };

struct twi_pace {
    struct twi_list drains; /* of the waits */
    const struct tw_producer *producer;
    void *producer_arg;
    bool push, is_paused;
    bool is_told; /* a producer of the transport was, that the client has gone */
};

static inline void twi_pace_init(struct twi_pace *pace)
{
    twi_list_init(&pace->drains);
}
/* True if somebody waits for bytes to leave. */
static inline bool twi_pace_waits(const struct twi_pace *pace)
{
    return pace->producer != NULL || !twi_list_empty(&pace->drains);
}
/* Bytes were written. */
void twi_pace_written(tw_request *request);
/* Bytes were sent. */
void twi_pace_sent(tw_request *request);
/* The answer is over: end all waits. */
void twi_pace_finished(tw_request *request);
/* The client has gone. True if a producer was told so, by us or by the transport. */
bool twi_pace_gone(tw_request *request);

#endif
