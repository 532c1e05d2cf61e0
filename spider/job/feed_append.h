/* SPDX-License-Identifier: MIT */
/*
 * feed_append.h - files that are there before the job begins.
 */
#ifndef SPIDER_JOB_FEED_APPEND_H
#define SPIDER_JOB_FEED_APPEND_H

#include "spider/job/feed_core.h"

/* What a new feed does with what stands at its path: a file is added to, replaced, or refused.
 * Sets where it begins, and its columns. Nothing is changed on the disk. 0 or a negative
 * errno. */
int twi_feed_meet(struct twi_feed *feed, tw_value *ret_failure);
/* Look whether the last line of the file that is added to lacks its end. */
int twi_feed_look_at_end(struct twi_feed *feed, tw_value *ret_failure);
/* Take away the files of batches that are not committed. */
int twi_feed_remove_stale(struct twi_feed *feed, tw_value *ret_failure);

#endif
