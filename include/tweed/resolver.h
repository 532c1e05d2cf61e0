/* SPDX-License-Identifier: MIT */
/*
 * resolver.h - names to addresses, without blocking.
 *
 * Answers are kept for their TTL (at most 60 s, failures 1 s), and equal questions in flight
 * are asked once. /etc/hosts is read. Literal addresses are not looked up. For names that DNS
 * does not know the system's other sources are asked (nsswitch.conf: mDNS, NIS, ...), by
 * getaddrinfo(3) on a thread; such answers are kept for 10 s. A question that no server answers
 * ends within about 14 s for each server. A server whose answer cannot be used has failed: the
 * next one is asked at once, or the same one again, up to three times.
 */
#ifndef TWEED_RESOLVER_H
#define TWEED_RESOLVER_H

#include <netinet/in.h>

#include <tweed/deferred.h>

TW_BEGIN

union tw_socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* Fires with a list of addresses (tw_address_of()), in the order of RFC 6724 with IPv6 and IPv4
 * interleaved by RFC 8305, at most 64. IDNA names are converted. Fails with tw_error_url for a
 * text that is no host name, otherwise with tw_error_dns, whose number is one of
 * getaddrinfo(3)'s: no such name (EAI_NONAME), no address (EAI_NODATA), EAI_FAIL, EAI_AGAIN: it
 * may work later, or EAI_SYSTEM: there was no descriptor or the like; its cause is
 * tw_error_system with the errno. A cancel ends the wait; the question may go on, and its answer
 * is kept. */
#define tw_resolve(name, port) tw_resolve_at(TW_HERE, (name), (port))
TW_API TW_MUST_USE tw_deferred *tw_resolve_at(const char *where, const char *name,
                                              unsigned port);
/* The address in an item of that list, lent; NULL for other values. */
TW_API const union tw_socket_address *tw_address_of(tw_value address);
/* "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80"; returns what snprintf() would. The longest
 * address and interface with a port have room in TW_ADDRESS_TEXT_SIZE bytes. */
#define TW_ADDRESS_TEXT_SIZE 80
TW_API int tw_address_format(const union tw_socket_address *address, char *text, size_t size);
/* Parse a literal: four decimal numbers, or IPv6 with or without brackets and zone. 0, -EINVAL. */
TW_API int tw_address_parse(const char *literal, unsigned port,
                            union tw_socket_address *ret_address);

/* From now on resolve `name` (for `port`, 0: for all) to this literal, or to several with
 * commas between, on this thread: curl's --resolve. Literal NULL takes it back. Returns 0,
 * -EINVAL, -ENOMEM. */
TW_API int tw_resolver_override(const char *name, unsigned port, const char *literal);
/* Ask these servers ("127.0.0.1:5353,...") and no other source in place of the system's (NULL:
 * the system's again). Open questions are asked again, all answers forgotten. Returns 0,
 * -EINVAL, -ENOMEM, -EMFILE and the like. */
TW_API int tw_resolver_set_servers(const char *servers);
/* Forget all answers. */
TW_API void tw_resolver_flush(void);

TW_END
#endif
