/* SPDX-License-Identifier: MIT */
/*
 * stats.h - the numbers of a crawl, by name: "downloader/request_count".
 *
 * Names are Scrapy's where it has one. Each number remembers how much of it has been handed to
 * the job, so that records carry differences. Without memory a count is lost, nothing else.
 */
#ifndef SPIDER_CRAWL_STATS_H
#define SPIDER_CRAWL_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/crawl/names.h"

struct twi_stat {
    int64_t number, told; /* now; as the job knows it */
    char *text;           /* in place of a number: a time, a reason; NULL: none */
    char key[];
};

/* All zero is empty. */
struct twi_stats {
    struct twi_names names; /* of struct twi_stat */
    size_t untold;
};

void twi_stats_add(struct twi_stats *stats, const char *key, int64_t n);
/* The name in two parts, put together here. */
void twi_stats_add_to(struct twi_stats *stats, const char *prefix, const char *rest,
                      int64_t n);
void twi_stats_add_number(struct twi_stats *stats, const char *prefix, int64_t number,
                          int64_t n);
/* Raise it to `n` if it is less. */
void twi_stats_most(struct twi_stats *stats, const char *key, int64_t n);
void twi_stats_set_text(struct twi_stats *stats, const char *key, const char *text);
int64_t twi_stats_get(const struct twi_stats *stats, const char *key);
/* A number that the job kept from a run before. */
void twi_stats_restore(struct twi_stats *stats, const char *key, int64_t number);

/* Call each(key, difference) for all numbers that changed since the last call. */
void twi_stats_tell(struct twi_stats *stats,
                    void (*each)(const char *key, int64_t add, void *arg), void *arg);
/* All of them in the order of their names: an array of pointers to free, NULL without memory.
 * */
const struct twi_stat **twi_stats_sorted(const struct twi_stats *stats, size_t *ret_count);
void twi_stats_free(struct twi_stats *stats);

#endif
