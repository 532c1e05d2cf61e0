/* SPDX-License-Identifier: MIT */
/*
 * feed_name.h - a feed's name: its format, and the names of its files.
 *
 *   books.csv  items.jsonl.gz  -  -:csv  data.txt:jsonl  %(name)-%(time)/part-%(batch)05d.xml.zst
 *
 * %(time) is the job's start in UTC as 2026-11-30T16-39-09, %(name) the spider's name, %(batch) a
 * file's number from 1 on; Scrapy's %(time)s, %(name)s, %(batch_id)d are the same; %% is a
 * per cent sign. The extension tells the format, or a format behind a colon does; "-" is
 * standard output.
 */
#ifndef SPIDER_JOB_FEED_NAME_H
#define SPIDER_JOB_FEED_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include <tweed/value.h>

#include "spider/text/compress.h"
#include "spider/text/feed_write.h"

struct twi_feed_options;

struct twi_feed_name {
    char *before, *after; /* of the batch's number; `after` NULL: the path has none */
    int digits;           /* of the number, at least */
    bool is_output;       /* standard output */
    bool is_sqlite;
    enum twi_feed_kind kind; /* of all others */
    enum twi_coding coding;
    char *pattern;           /* as it was given, but for the time and the name */
    const char *format;      /* "csv", "jsonl.gz": static */
};

/* 0; -EINVAL with a failure of tw_error_job that names the path and what is wrong with it. */
int twi_feed_name_read(const struct twi_feed_options *options, struct twi_feed_name *name,
                       tw_value *ret_failure);
void twi_feed_name_free(struct twi_feed_name *name);

/* The path of a batch, and the one it has until it is whole (the same if the name has no number).
 * To be freed; NULL when there is no memory. */
char *twi_feed_name_path(const struct twi_feed_name *name, int64_t batch);
char *twi_feed_name_part(const struct twi_feed_name *name, int64_t batch);

/* Call each(path, batch, arg) for the files of all batches, whole or not, from the number
 * `from` on. 0, what `each` returned but 0, or a negative errno. A folder that is missing has
 * none. */
int twi_feed_name_scan(const struct twi_feed_name *name, int64_t from,
                       int (*each)(const char *path, int64_t batch, void *arg), void *arg);

#endif
