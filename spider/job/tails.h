/* SPDX-License-Identifier: MIT */
/*
 * tails.h - the feeds of a job and their rows: bytes that are committed before they are written.
 *
 * Belongs to the thread of the store.
 */
#ifndef SPIDER_JOB_TAILS_H
#define SPIDER_JOB_TAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/job/feed.h"
#include "spider/job/record.h"
#include "spider/job/sql.h"

enum tails_query {
    TAILS_ADD,
    TAILS_DROP_RAW,
    TAILS_DROP_WRITTEN,
    TAILS_DROP_BATCHES,
    TAILS_SET_FEED,
    TAILS_QUERIES
};
struct twi_tails {
    struct twi_sql *sql; /* NULL: nothing is kept */
    struct twi_tail *tails; /* one for each feed */
    size_t count;
    bool is_touched; /* in the open transaction, or applying is due */
    struct twi_sql_query *queries[TAILS_QUERIES];
};

/* Each function returns 0, or a negative errno and a failure. -ENOSPC may be tried again. */

/* Open the feeds, commit the rows of new ones, and make their files what is committed. `options`
 * have neither spider nor start: these are the job's. */
int twi_tails_open(struct twi_tails *tails, struct twi_sql *sql,
                   const struct twi_feed_options *options, size_t count, const char *spider,
                   int64_t started, tw_value *ret_failure);
/* Nothing is written. Before the connection is closed. */
void twi_tails_free(struct twi_tails *tails);

/* --- within a transaction; whatever fails, undo
 * ---------------------------------------------- */

/* The items of a record. */
int twi_tails_add(struct twi_tails *tails, const struct twi_record *record,
                  tw_value *ret_failure);
/* Close the frames that have been open for long. */
int twi_tails_close_frames(struct twi_tails *tails, int64_t now, tw_value *ret_failure);
/* This is the end of the run. */
int twi_tails_finish(struct twi_tails *tails, tw_value *ret_failure);
/* Write the rows; after all else. */
int twi_tails_write(struct twi_tails *tails, tw_value *ret_failure);

/* --- behind it
 * ------------------------------------------------------------------------------- */

/* It was rolled back. */
void twi_tails_undo(struct twi_tails *tails);
/* It was committed: the bytes go into the files. Does nothing when nothing is due. */
int twi_tails_apply(struct twi_tails *tails, tw_value *ret_failure);

/* --- checkpoints: sync, then forget in a transaction of its own
 * ------------------------------ */

int twi_tails_sync(struct twi_tails *tails, tw_value *ret_failure);
int twi_tails_forget(struct twi_tails *tails, tw_value *ret_failure);

/* Is there a frame to close by twi_tails_close_frames(), now or soon? */
bool twi_tails_want_frames(const struct twi_tails *tails, int64_t now);
bool twi_tails_have_frames(const struct twi_tails *tails);

#endif
