/* SPDX-License-Identifier: MIT */
/*
 * limits.h - when a crawl closes by itself.
 */
#ifndef SPIDER_CRAWL_LIMITS_H
#define SPIDER_CRAWL_LIMITS_H

#include <stdint.h>

/* Zero or less: no limit. */
struct twi_limits {
    int64_t max_pages, max_items, max_errors;
    int64_t max_pages_no_item; /* answers in a row without an item */
    double max_seconds, max_seconds_no_item;
    int64_t max_memory; /* resident, in bytes */
    int64_t max_seen_memory; /* of the set of seen visits, in bytes */
};
/* The most that a seen visit takes (job/seen.h). */
enum { TWI_SEEN_BYTES = 11 };

struct twi_limits_state {
    int64_t pages, items, errors, pages_since_item;
    double seconds, seconds_since_item;
    int64_t memory;
    int64_t seen; /* visits */
};

/* The reason to close, by Scrapy's name; NULL to go on. */
const char *twi_limits_reached(const struct twi_limits *limits,
                               const struct twi_limits_state *state);
/* Bytes of the process in memory, and the most that it ever had; 0 when it cannot be told. */
int64_t twi_memory_resident(void);
int64_t twi_memory_peak(void);

#endif
