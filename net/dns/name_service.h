/* SPDX-License-Identifier: MIT */
/*
 * name_service.h - the system's own ways to an address, for names that DNS does not know.
 *
 * Asked with getaddrinfo(3), which blocks, on the library's threads. nsswitch.conf(5) says
 * whether there are any besides the hosts file and DNS.
 */
#ifndef NET_DNS_NAME_SERVICE_H
#define NET_DNS_NAME_SERVICE_H

#include <netdb.h>

#include "net/transport/address.h"

/* All zero is unread. */
struct twi_name_service {
    int64_t checked_ns; /* when nsswitch.conf was read last; 0: never */
    bool more;          /* it names other sources than files and DNS */
};

/* True if names may be asked here at all. Not with virtual time, unless twi_name_service_set()
 * was called. */
bool twi_name_service_allowed(void);
/* True if the system has other sources than files and DNS. Looked up once a second at most. */
bool twi_name_service_has_more(struct twi_name_service *service, int64_t now_ns);
/* True for a name of these sources rather than of DNS: of one label, or below .local (RFC 6762,
 * 3). */
bool twi_name_service_is_local(const char *name);

struct twi_name_call;
/* Called once, unless cancelled: addresses in getaddrinfo's order, or `failure` (lent). */
typedef void twi_name_done(void *arg, const union tw_socket_address *list, size_t count,
                           tw_value failure);
/* Ask for both families; never calls `done` within the call. 0, -ENOMEM. */
int twi_name_service_ask(const char *name, twi_name_done *done, void *arg,
                         struct twi_name_call **ret_call);
/* Cancel a call. A thread that is already at it ends by itself. */
void twi_name_call_cancel(struct twi_name_call *call);

/* A name's failure with a number of getaddrinfo(3)'s. */
tw_value twi_name_failure(const char *name, int number, const char *text);
/* The system could not look: tw_error_dns with EAI_SYSTEM, the errno (positive or negative) as its
 * cause; without memory tw_error_memory. */
tw_value twi_name_failure_system(const char *name, int error);

/* For tests: another system on this thread, NULL for the real one (static storage). `lookup` is
 * called on the library's threads. */
struct twi_name_system {
    const char *nsswitch; /* path */
    int (*lookup)(const char *name, const char *service, const struct addrinfo *hints,
                  struct addrinfo **ret_list);
    const char *servers; /* of DNS: NULL for the system's, "" for none */
};
void twi_name_service_set(const struct twi_name_system *system);
const char *twi_name_service_servers(void);

#endif
