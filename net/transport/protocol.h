/* SPDX-License-Identifier: MIT */
/*
 * protocol.h - the end of protocols.
 */
#ifndef NET_TRANSPORT_PROTOCOL_H
#define NET_TRANSPORT_PROTOCOL_H

#include <tweed/transport.h>

#include "reactor/face.h"

/* Protocols of a thread that were replaced in this turn: their functions may still be running. */
struct twi_cemetery {
    struct twi_flush flush;
    tw_protocol *dead;
};

/* Free a protocol that was replaced on its transport, at the end of the turn: as a rule one of
 * its own functions replaces it. */
void twi_protocol_retire(struct twi_cemetery *cemetery, tw_protocol *protocol);
/* Free them now. */
void twi_protocols_bury(struct twi_cemetery *cemetery);

#endif
