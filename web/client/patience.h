/* SPDX-License-Identifier: MIT */
/*
 * patience.h - the limits of time of a request: in total, and in the phase that it is in.
 *
 * A limit that moves to later is only noted; the alarm finds it.
 */
#ifndef WEB_CLIENT_PATIENCE_H
#define WEB_CLIENT_PATIENCE_H

#include "web/client/deadline.h"

/* The limit that runs beside the total one. */
enum twi_phase {
    TWI_PHASE_NONE,
    TWI_PHASE_CONNECT, /* TLS inside a tunnel */
    TWI_PHASE_SEND,
    TWI_PHASE_FIRST_BYTE,
    TWI_PHASE_IDLE,
    TWI_PHASE_DRAIN /* of a redirect's body: at the end it is left */
};

/* The limit that was crossed. */
enum twi_patience_over {
    TWI_OVER_TOTAL,
    TWI_OVER_PHASE,
    TWI_OVER_MEMORY /* no limit could be set any more */
};

struct twi_patience {
    struct twi_deadline deadline;
    struct twi_deadlines *deadlines; /* lent */
    void (*over)(struct twi_patience *patience, enum twi_patience_over over);
    int64_t total_at, phase_at; /* ns; INT64_MAX: none */
    enum twi_phase phase;
};

/* Seconds, here and below; not above 0: none. 0 or -ENOMEM. */
int twi_patience_begin(struct twi_patience *patience, struct twi_deadlines *deadlines,
                       double total,
                       void (*over)(struct twi_patience *patience,
                                    enum twi_patience_over over));
/* Another phase, or the same anew. 0 or -ENOMEM. */
int twi_patience_enter(struct twi_patience *patience, enum twi_phase phase, double seconds);
/* Only the total limit goes on. */
void twi_patience_rest(struct twi_patience *patience);
void twi_patience_end(struct twi_patience *patience);

#endif
