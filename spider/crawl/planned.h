/* SPDX-License-Identifier: MIT */
/*
 * planned.h - visits that are in memory, by their number.
 */
#ifndef SPIDER_CRAWL_PLANNED_H
#define SPIDER_CRAWL_PLANNED_H

#include "spider/crawl/frontier.h"

/* All zero is empty. */
struct twi_planned_set {
    struct twi_planned **slots; /* open addressing */
    size_t count, size;
    size_t bytes; /* of the visits */
};

/* A copy with its strings; NULL: no memory. A visit without an origin has none.
 * */
struct twi_planned *twi_planned_new(const struct twi_visit *visit, unsigned tries);

/* Put it in, in place of one of the same number. 0 or -ENOMEM: it stays the caller's. */
int twi_planned_put(struct twi_planned_set *set, struct twi_planned *planned);
struct twi_planned *twi_planned_get(const struct twi_planned_set *set, int64_t id);
/* ... and it is the caller's. NULL: it is not there. */
struct twi_planned *twi_planned_take(struct twi_planned_set *set, int64_t id);
void twi_planned_free(struct twi_planned_set *set);

#endif
