/* SPDX-License-Identifier: MIT */
/*
 * store.h - the truth about a job: its database, opened, committed to and closed.
 *
 * Belongs to one thread at a time: whoever opens it, then the writer.
 */
#ifndef SPIDER_JOB_STORE_H
#define SPIDER_JOB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/job/flight.h"
#include "spider/job/job.h"
#include "spider/text/arena.h"

struct twi_store;

/* What the reactor's side wants to know. */
struct twi_store_facts {
    uint64_t key0, key1;
    int64_t started;  /* wall clock, ms */
    int64_t last_url; /* the highest id */
};

/* As twi_job_open(). */
int twi_store_open(const struct twi_job_options *options, struct twi_store **ret_store,
                   tw_value *ret_failure);
/* Nothing is written: for that, twi_store_end() comes first. */
void twi_store_free(struct twi_store *store);
const struct twi_store_facts *twi_store_facts(const struct twi_store *store);
/* The reactor's, also while the writer has the rest. */
struct twi_flight *twi_store_flight(struct twi_store *store);
/* Call each(key, value) for the program's numbers. 0, or a negative errno and a failure. */
int twi_store_state(struct twi_store *store,
                    int (*each)(const char *key, int64_t value, void *arg), void *arg,
                    tw_value *ret_failure);

/* Each of the following returns 0, or a negative errno and a failure. -ENOSPC: the disk is full,
 * all is as it was before, and the same call may be made again. */

/* All records of the list, in one transaction; none before twi_store_apply() has gone well. */
int twi_store_commit(struct twi_store *store, const struct twi_record *records,
                     tw_value *ret_failure);
/* After a commit: its items into the feeds. Does nothing when nothing is due. */
int twi_store_apply(struct twi_store *store, tw_value *ret_failure);
/* The work that is due from time to time, between commits. `now` in ms, monotonic. */
int twi_store_tick(struct twi_store *store, int64_t now, tw_value *ret_failure);
/* How long until something is due again, in ms. */
int64_t twi_store_next_tick(const struct twi_store *store, int64_t now);
/* The last words: the feeds' ends, the state, a checkpoint. */
int twi_store_end(struct twi_store *store, enum twi_job_end end, tw_value *ret_failure);

/* The visits with these ids, those that there are, as a list in `arena`; not -ENOSPC. */
int twi_store_load(struct twi_store *store, const int64_t *ids, size_t count,
                   struct twi_arena *arena, struct twi_visit **ret_visits,
                   tw_value *ret_failure);

#endif
