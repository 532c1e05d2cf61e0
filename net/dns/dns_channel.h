/* SPDX-License-Identifier: MIT */
/*
 * dns_channel.h - a channel of c-ares in the thread's reactor; only for the resolver.
 */
#ifndef NET_DNS_DNS_CHANNEL_H
#define NET_DNS_DNS_CHANNEL_H

#include <ares.h>
#include <tweed/value.h>

#include "base/buf.h"
#include "net/dns/dns_asked.h"

/* In place of an RCODE: an answer that cannot be used. */
#define TWI_DNS_UNUSABLE 0x100
/* In place of a status of c-ares: the system had no socket for the question. */
#define TWI_DNS_NO_SOCKET 0x100

struct twi_dns_hooks {
    /* A server has answered for a name with an RCODE, or with TWI_DNS_UNUSABLE. c-ares reads
     * the answer next. */
    void (*heard)(void *arg, const char *name, unsigned code);
    /* A call of c-ares has returned: the callbacks that it made have been noted and can be
     * worked on. */
    void (*visited)(void *arg);
    void *arg;
};

struct twi_dns_options {
    const char *servers; /* NULL: the system's */
    int timeout_ms;      /* of the first try; each further one has twice the last one's. 0: 2 s */
    bool stream;         /* ask by TCP */
    const char *conf;    /* resolv.conf(5); NULL: the system's */
};

struct twi_dns_channel {
    ares_channel ares;
    struct twi_dns_hooks hooks;
    struct twi_list sockets_; /* watched */
    struct twi_dns_asked asked_;
    struct twi_buf stream_; /* the part of a message that has come by TCP */
    int64_t timer_;
    struct sockaddr_in6 *zoned_; /* servers whose zones c-ares does not know */
    size_t zoned_count_;
    bool held_;     /* c-ares keeps real time */
    bool no_memory; /* to watch a socket or the time: open questions are given up */
    int exhausted;  /* the errno of a socket that could not be made in this visit to c-ares; or 0 */
    /* In c-ares' callback: the answer, told as ARES_EFORMERR, did not fit into a datagram. */
    bool truncated;
};

/* 0, -EINVAL (the servers), -ENOTSUP (c-ares cannot be had on this system or knows no server),
 * -ENOMEM, -EMFILE and the like. */
int twi_dns_channel_new(const struct twi_dns_options *options,
                        const struct twi_dns_hooks *hooks,
                        struct twi_dns_channel **ret_channel);
/* Open questions are called back with ARES_EDESTRUCTION. NULL is fine. */
void twi_dns_channel_free(struct twi_dns_channel *channel);
/* Set the channel's clock, after a question was asked or cancelled. Without memory for that,
 * all are cancelled. */
void twi_dns_channel_rearm(struct twi_dns_channel *channel);

/* The status that tells more, of the two families': "there is no address" needs both. */
int twi_dns_telling(int status, int other);
/* The failure for a name, from c-ares's status and the servers' RCODE (0 for none). */
tw_value twi_dns_failure(const char *name, int status, unsigned code);

#endif
