/* SPDX-License-Identifier: MIT */
/*
 * feed_sqlite.h - feeds in SQLite databases, written and read.
 */
#ifndef SPIDER_JOB_FEED_SQLITE_H
#define SPIDER_JOB_FEED_SQLITE_H

#include "spider/job/feed_target.h"

/* NULL when there is no memory. */
struct twi_feed_target *twi_feed_sqlite_new(const struct twi_feed_name *name);
/* The number of the last item in the database at `path`; 0 if it has none. 0, or a refusal:
 * it is no database, or its items are not those of a feed. */
int twi_feed_sqlite_rows(const char *path, int64_t *ret_rows, tw_value *ret_failure);
/* Take away a database that may not be there, with its logs. 0 or a negative errno. */
int twi_feed_sqlite_remove(const char *path);

/* Call each(json, length, arg), which returns false for enough, for the items of a database
 * that lies in memory. 0, or a negative errno and a failure. */
int twi_feed_sqlite_read(const char *data, size_t length,
                         bool (*each)(const char *json, size_t length, void *arg), void *arg,
                         tw_value *ret_failure);

#endif
