/* SPDX-License-Identifier: MIT */
/*
 * reconnect.h - keep a connection: connect again, later and later, when it fails or is lost.
 *
 * The factory builds a protocol for each attempt. The wait before the n-th retry grows by a
 * factor up to a limit, and is varied at random, so that the clients of a server that comes
 * back do not all come at once. Only tw_reconnector_reset() makes it short again: a server that
 * accepts and then hangs up is no better than one that refuses. After Twisted's
 * ReconnectingClientFactory, with its numbers.
 */
#ifndef TWEED_RECONNECT_H
#define TWEED_RECONNECT_H

#include <tweed/tcp.h>

TW_BEGIN

typedef struct tw_reconnector tw_reconnector;

enum tw_jitter {
    TW_JITTER_NORMAL, /* normally distributed about the wait, as Twisted does */
    TW_JITTER_FULL,   /* anything between 0 and the wait */
    TW_JITTER_NONE,
};

/* All zero is the default. */
struct tw_reconnect_options {
    /* Copied, its strings too; its TLS context is counted. */
    struct tw_connect_options connect;
    double initial_delay; /* seconds; 0: 1. The first retry waits this times factor */
    double max_delay;     /* before the jitter; 0: 3600 */
    double factor;        /* 0: 2.718281828459045 */
    enum tw_jitter jitter;
    double sigma;         /* of TW_JITTER_NORMAL, relative to the wait; 0: 0.119626565582 */
    unsigned max_retries; /* in a row; 0: no limit */
    /* An attempt failed, or the connection was lost, because of `failure` (lent). The next
     * attempt comes in `wait` seconds; if that is negative, there will be none. May be NULL. */
    void (*failed)(tw_reconnector *reconnector, tw_value failure, double wait, void *arg);
    void *arg;
};

/* Begin: the first attempt starts at once, but nothing is called inside this call. `factory` is
 * counted. Returns NULL when there is no memory, or a number is negative or not finite (errno
 * EINVAL). It ends by tw_reconnector_stop() or with the thread's reactor. A protocol must not
 * hand its transport to another protocol in connection_made: its end would then go unnoticed. */
TW_API tw_reconnector *tw_reconnect(const char *host, unsigned port,
                                    const struct tw_reconnect_options *options,
                                    tw_factory *factory);
/* The connection works (it is logged in, say): the next wait will be the first one again. */
TW_API void tw_reconnector_reset(tw_reconnector *reconnector);
/* If a retry is waiting, try now. */
TW_API void tw_reconnector_hurry(tw_reconnector *reconnector);
/* Retries made since the beginning or the last reset. */
TW_API unsigned tw_reconnector_retries(const tw_reconnector *reconnector);
/* The connection, lent; NULL while there is none. */
TW_API tw_transport *tw_reconnector_transport(const tw_reconnector *reconnector);
/* Cancel what is under way and release the reconnector; a connection stays. */
TW_API void tw_reconnector_stop(tw_reconnector *reconnector);

TW_END
#endif
