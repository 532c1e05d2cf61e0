/* SPDX-License-Identifier: MIT */
/*
 * polite.h - how long to leave a server alone: the wait of one host.
 *
 * Two starts on a host are as far apart as the longest of these says:
 *   - the delay, or the throttle's where that is longer, varied by the jitter
 *   - Crawl-delay of its robots.txt
 *   - the back-off after 429 and 503 without a Retry-After
 * and none is before the end of a Retry-After or of a pause. A start is the moment at which the
 * request has gone out, not the one at which it was decided.
 * The throttle is Scrapy's AutoThrottle.
 *
 * Times are nanoseconds of a clock that does not go back; spans are seconds in the interface.
 */
#ifndef SPIDER_CRAWL_POLITE_H
#define SPIDER_CRAWL_POLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One host's; several have their own (Scrapy's DOWNLOAD_SLOTS). */
struct twi_host_manners {
    double delay;          /* seconds; 0: none */
    double jitter;         /* 0.5: 0.5 to 1.5 times the delay; 0: always the same */
    unsigned max_per_host; /* at once, at least 1 */
};

struct twi_manners {
    struct twi_host_manners usual;
    bool throttles;         /* auto-throttle */
    double throttle_start;  /* seconds: the first delay of a host, if longer than its own */
    double throttle_target; /* fetches under way on one host, on average */
    double max_delay;       /* seconds: of throttle and back-off */
    double max_retry_after; /* seconds: of Retry-After, Crawl-delay and pauses */
};

struct twi_answer {
    int status;         /* 0: none came */
    double latency;     /* seconds from the request's end to the response's head */
    double retry_after; /* seconds; negative: none */
};

/* A host's wait. */
struct twi_polite {
    int64_t sent_at;       /* the last start; INT64_MIN: there was none */
    int64_t not_before;    /* end of a pause or a Retry-After */
    int64_t backed_off_at; /* the last time that the back-off doubled */
    double delay;          /* seconds: the host's own, or the throttle's */
    double back_off;       /* seconds; 0: none */
    double crawl_delay;    /* seconds; 0: none */
    float factor;          /* of the jitter, for the wait that runs */
    uint32_t good;         /* good answers since the back-off changed */
};

/* `learned`: the throttle's delay of an earlier time, in seconds; 0: none. */
void twi_polite_init(struct twi_polite *polite, const struct twi_manners *manners,
                     const struct twi_host_manners *own, double learned);
/* Other manners of its own from now on. */
void twi_polite_change(struct twi_polite *polite, const struct twi_manners *manners,
                       const struct twi_host_manners *own);
void twi_polite_crawl_delay(struct twi_polite *polite, const struct twi_manners *manners,
                            double seconds);
void twi_polite_pause(struct twi_polite *polite, const struct twi_manners *manners,
                      int64_t now, double seconds);
/* A request has gone out. `random`: 0 to 1. */
void twi_polite_sent(struct twi_polite *polite, const struct twi_host_manners *own,
                     int64_t now, double random);
/* An answer has come to the request that went out at `sent_at`. */
void twi_polite_answered(struct twi_polite *polite, const struct twi_manners *manners,
                         const struct twi_host_manners *own, int64_t now, int64_t sent_at,
                         const struct twi_answer *answer);
/* From when on the next may start. */
int64_t twi_polite_ready(const struct twi_polite *polite);
/* Seconds between two starts, without jitter; 0: none. */
double twi_polite_interval(const struct twi_polite *polite);
/* Nanoseconds in so many seconds, rounded up; at least 0, at most a hundred years. */
int64_t twi_polite_nanoseconds(double seconds);

#endif
