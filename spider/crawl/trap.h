/* SPDX-License-Identifier: MIT */
/*
 * trap.h - endless sites: paths that repeat themselves, queries without end, the same page again
 * and again.
 *
 * The memory is fixed, 2.4 MiB, whatever is visited. Queries are counted in a sketch, so a path
 * may be refused too early when very many others have come before: more than 100,000 times
 * max_variants.
 */
#ifndef SPIDER_CRAWL_TRAP_H
#define SPIDER_CRAWL_TRAP_H

#include <tweed/settings.h>
#include <tweed/url.h>

#include "spider/crawl/refusal.h"

struct twi_trap;

/* max_repeats, max_variants, max_host_pages, max_same of `settings`, which are copied; `key0` and
 * `key1`: the job's keys, so that nobody can aim. `refusals` is lent and lives longer. NULL: no
 * memory. */
struct twi_trap *twi_trap_new(const struct tw_settings *settings, uint64_t key0, uint64_t key1,
                              struct twi_refusals *refusals);
/* NULL is ignored. */
void twi_trap_free(struct twi_trap *trap);

/*
 * May `url`, which has not been seen before, be visited? `host_visits`: those of its host so far.
 * Changes nothing but the counts of refusals. Returns 1 or -ELOOP.
 */
int twi_trap_admit(struct twi_trap *trap, const struct tw_url *url, long host_visits);
/* The same when it enters the frontier: counts it as a query of its path. */
int twi_trap_take(struct twi_trap *trap, const struct tw_url *url, long host_visits);

/* A hash of a page's bytes, quick rather than keyed: a site that makes two pages collide gains
 * nothing by it. */
uint64_t twi_trap_content(const void *data, size_t length);
/* A page has come whose content has that hash. True when one of the folders it lies in has shown
 * the same max_same times in a row: its links should come last. */
bool twi_trap_same(struct twi_trap *trap, const struct tw_url *url, uint64_t content);

#endif
