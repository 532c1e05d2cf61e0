/* SPDX-License-Identifier: MIT */
/*
 * protocol.h - the end of protocols.
 */
#ifndef NET_TRANSPORT_PROTOCOL_H
#define NET_TRANSPORT_PROTOCOL_H

#include <tweed/transport.h>

/* Free a protocol that was replaced on its transport, at the end of the turn: as a rule one of
 * its own functions replaces it. */
void twi_protocol_retire(tw_protocol *protocol);
/* Free them now. */
void twi_protocols_bury(void);
/* Or never: in the child of a fork() nothing is called for them. */
void twi_protocols_leave(void);

#endif
