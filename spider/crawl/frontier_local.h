/* SPDX-License-Identifier: MIT */
/*
 * frontier_local.h - the frontier of one process: seen set and visits in memory, all else in
 * its job's folder.
 */
#ifndef SPIDER_CRAWL_FRONTIER_LOCAL_H
#define SPIDER_CRAWL_FRONTIER_LOCAL_H

#include "spider/crawl/frontier.h"
#include "spider/crawl/schedule.h"
#include "spider/job/job.h"

struct twi_frontier_options {
    struct twi_schedule *schedule; /* lent */
    size_t hot_limit;              /* bytes of visits whose text stays in memory */
    bool retry_failed;             /* what failed is pending again */
    int64_t wall_ms;               /* now, ms since 1970 */
    /* A host's manners may be its own; called for each new one. May be NULL. */
    void (*new_host)(struct twi_host *host, void *arg);
    /* While the job is read: the origin of each visit of the seed. */
    void (*start_host)(const char *origin, void *arg);
    /* ... and each cookie and file that is kept. */
    int (*cookie)(const struct twi_record_cookie *row, void *arg);
    int (*file)(const struct twi_record_file *row, void *arg);
    /* As struct twi_job_options has them. */
    void (*full)(bool is_full, const char *why, void *arg);
    void (*failed)(tw_value failure, void *arg);
    void *arg;
};

/* Open the job and read it; the functions in `job` are not used. 0 or a negative errno with
 * *ret_failure. */
int twi_frontier_local_open(const struct twi_frontier_options *options,
                            const struct twi_job_options *job,
                            struct twi_frontier **ret_frontier, tw_value *ret_failure);
/* Its job, lent. */
struct twi_job *twi_frontier_local_job(struct twi_frontier *frontier);

#endif
