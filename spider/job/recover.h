/* SPDX-License-Identifier: MIT */
/*
 * recover.h - a job read back at its start, in one pass over its rows.
 */
#ifndef SPIDER_JOB_RECOVER_H
#define SPIDER_JOB_RECOVER_H

#include "spider/job/origins.h"
#include "spider/job/job.h"
#include "spider/job/sql.h"

/* Fill `hosts` and tell the rows of `host`, then those of `url` with what the log says of them,
 * cookies, files and statistics.
 * *ret_last is the highest id of a URL. 0, or a negative errno and a failure. */
int twi_recover(struct twi_sql *sql, const struct twi_job_options *options,
                struct twi_origins *hosts, int64_t *ret_last, tw_value *ret_failure);

#endif
