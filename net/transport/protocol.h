/* SPDX-License-Identifier: MIT */
/*
 * protocol.h - the end of protocols.
 */
#ifndef NET_TRANSPORT_PROTOCOL_H
#define NET_TRANSPORT_PROTOCOL_H

#include <tweed/transport.h>

/* Free one that was replaced on its transport, at the end of the turn: the replacing is done by
 * one of its own functions, as a rule. */
void twi_protocol_retire(tw_protocol *protocol);
/* Free them now. */
void twi_protocols_bury(void);

#endif
