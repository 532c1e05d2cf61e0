/* SPDX-License-Identifier: MIT */
/*
 * frontier.h - planned fetches: where the engine finds what a visit is, and where outcomes go.
 *
 * The engine sees this table only, so that a crawl can live in a folder (frontier_local.h) or
 * be shared with other machines. Which visit is next is the schedule's decision; the frontier
 * pushes their numbers there. Everything happens on the reactor's thread.
 *
 * A visit is pending from its add until the commit of a record that ends it. Between its take
 * and that commit it is in work; nothing of this is stored, so a kill makes it pending again.
 */
#ifndef SPIDER_CRAWL_FRONTIER_H
#define SPIDER_CRAWL_FRONTIER_H

#include <tweed/deferred.h>

#include "spider/job/job.h"

struct twi_frontier;

/* A visit, one block of memory with its strings: free(). */
struct twi_planned {
    struct twi_visit visit;
    unsigned tries; /* before this one */
};

struct twi_frontier_ops {
    /* Was a request of that key ever added? */
    bool (*has)(struct twi_frontier *frontier, uint64_t key);
    /* Number the visits and make them pending. The ones that were added before are taken out of
     * the list, unless `again` is theirs. The strings are lent until the record that carries
     * the list is acknowledged. Returns how many are new. */
    size_t (*add)(struct twi_frontier *frontier, struct twi_visit **visits);
    /* A number for a page that is no visit: the seed. */
    int64_t (*number)(struct twi_frontier *frontier);
    /* The program's own number of that name, as far as it is committed. */
    int64_t (*state)(struct twi_frontier *frontier, const char *key);
    /* The visit that the schedule gave out, if it is in memory; NULL: load it first. */
    struct twi_planned *(*take)(struct twi_frontier *frontier, int64_t id);
    /* Fires with none when a take will find it; fails if it cannot be read. */
    tw_deferred *(*load)(struct twi_frontier *frontier, int64_t id);
    /* Make a visit that was taken pending again, in so many seconds and after so many tries. */
    void (*defer)(struct twi_frontier *frontier, const struct twi_visit *visit, double seconds,
                  unsigned tries);
    /* Store what a visit came to, in the order of these calls. */
    void (*commit)(struct twi_frontier *frontier, struct twi_record *record);
    /* The callback of a page runs from now on, or no longer: one that crashes the program again
     * and again is found by that. */
    void (*flight)(struct twi_frontier *frontier, int64_t id, bool runs);
    /* So many visits are in work: with none, what was put is stored at once. */
    void (*in_work)(struct twi_frontier *frontier, unsigned count);
    int64_t (*seen)(struct twi_frontier *frontier); /* how many were ever added */
    /* Store everything and let go. Fires with none or the failure that kept it from that. */
    tw_deferred *(*close)(struct twi_frontier *frontier, enum twi_job_end end);
    void (*free)(struct twi_frontier *frontier);
};

/* The head of each kind of frontier. */
struct twi_frontier {
    const struct twi_frontier_ops *ops;
};

#endif
