/* SPDX-License-Identifier: MIT */
/*
 * testing.h - programs under test: virtual time, memory in place of sockets, failing allocations.
 *
 * With tw_testing_begin() the calling thread's reactor gets a virtual clock, and tw_connect()
 * reaches tw_listen() in memory: a whole program, client and server, runs deterministically,
 * without sleeping and without the network. No name is looked up: a listener's address may be any
 * name ("quotes.example"), and "0.0.0.0" stands for all.
 */
#ifndef TWEED_TESTING_H
#define TWEED_TESTING_H

#include <tweed/transport.h>

TW_BEGIN

/* Give this thread a fresh reactor with virtual time and memory transports, in place of the one
 * it may have. Returns 0, -EBUSY (that one is running), -ENOMEM. */
TW_API int tw_testing_begin(void);
/* Release it; returns the number of Deferreds, connections and timed calls left over (0 in a
 * tidy test). */
TW_API size_t tw_testing_end(void);
/* Run turns and move virtual time on until `seconds` have passed and nothing is left to do. */
TW_API void tw_testing_advance(double seconds);
/* Run turns, without moving time, until nothing is ready. */
TW_API void tw_testing_settle(void);

/* Two connected transports in memory: bytes written to one arrive at the other in the next
 * turn, at most `piece` of them in each turn (0: no limit). Takes both protocols, also on
 * failure; either may be NULL. Returns 0, -ENOMEM. */
TW_API int tw_memory_pair(tw_protocol *left, tw_protocol *right, size_t piece);

/* A transport without a peer: bytes written to it are kept for the test to read. Takes
 * `protocol` and makes the connection. NULL when there is no memory (`protocol` is then
 * released). */
typedef struct tw_string_transport tw_string_transport;
TW_API TW_MUST_USE tw_string_transport *tw_string_transport_new(tw_protocol *protocol);
/* All bytes written so far, lent until the next call. */
TW_API const char *tw_string_transport_written(tw_string_transport *transport, size_t *length);
TW_API void tw_string_transport_clear(tw_string_transport *transport);
/* Deliver bytes, the end of the stream, or the loss of the connection with `reason` (taken), at
 * once; while the protocol is paused, after its resume. */
TW_API void tw_string_transport_deliver(tw_string_transport *transport, const void *data,
                                        size_t length);
TW_API void tw_string_transport_deliver_eof(tw_string_transport *transport);
TW_API void tw_string_transport_lose(tw_string_transport *transport, tw_value reason);
TW_API void tw_string_transport_free(tw_string_transport *transport);

/* Make the n-th allocation from now on fail (1: the next; 0: none); with `all`, those after it
 * too. Needs tw_testing_count_allocations() first. */
TW_API int tw_testing_count_allocations(void); /* returns as tw_set_allocator(), direct */
TW_API void tw_testing_fail_allocation(uint64_t n, bool all);
TW_API uint64_t tw_testing_allocations(void);        /* made since the last fail_allocation */
TW_API bool tw_testing_allocation_failed(void);      /* the planned failure was reached */
TW_API int64_t tw_testing_allocations_living(void);  /* allocated and not released */

TW_END
#endif
