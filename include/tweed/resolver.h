/* SPDX-License-Identifier: MIT */
/*
 * resolver.h - names to addresses, without blocking.
 *
 * Answers are kept for their TTL (at most 60 s, failures 1 s), and equal questions in flight are
 * asked once. /etc/hosts counts. Literal addresses never get here. What DNS does not know is
 * asked of the system's other sources (nsswitch.conf: mDNS, NIS, ...), in getaddrinfo(3) on a
 * thread; such answers are kept for 10 s. An unanswered question ends within about 14 s for each
 * server. A server whose answer cannot be used has failed: the next one is asked at once, or the
 * same again, three times.
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
 * interleaved by RFC 8305, at most 64. IDNA names are converted. Fails with tw_error_url for what
 * is not the name of a host, else with tw_error_dns, whose number is one of getaddrinfo(3)'s: no
 * such name (EAI_NONAME), no address (EAI_NODATA), EAI_FAIL, or EAI_AGAIN: it may work later.
 * Cancel leaves nothing behind. */
#define tw_resolve(name, port) tw_resolve_at(TW_HERE, (name), (port))
TW_API tw_deferred *tw_resolve_at(const char *where, const char *name, unsigned port);
/* The address in an item of that list, lent; NULL for other values. */
TW_API const union tw_socket_address *tw_address_of(tw_value address);
/* "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80"; returns what snprintf() would. */
TW_API int tw_address_format(const union tw_socket_address *address, char *text, size_t size);
/* Parse a literal: four decimal numbers, or IPv6 with or without brackets and zone. 0, -EINVAL. */
TW_API int tw_address_parse(const char *literal, unsigned port,
                            union tw_socket_address *ret_address);

/* Answer `name` (and `port`, 0 for all) with this literal, or several with commas between, from now
 * on, on this thread: curl's --resolve. Literal NULL takes it back. 0, -EINVAL, -ENOMEM. */
TW_API int tw_resolver_override(const char *name, unsigned port, const char *literal);
/* Ask these servers ("127.0.0.1:5353,...") instead of the system's (NULL: the system's again), also
 * what has been asked already, and no other source; forgets all answers. 0, -EINVAL, -ENOMEM. */
TW_API int tw_resolver_set_servers(const char *servers);
/* Forget all answers. */
TW_API void tw_resolver_flush(void);

TW_END
#endif
