/* SPDX-License-Identifier: MIT */
/*
 * reader.h - looking into a job, also while it is crawled: counts, statistics, the log.
 *
 * A connection of its own that only reads, for short questions: one that takes long keeps the
 * crawl's log from being cut. Belongs to one thread. Each function returns 0, or a negative errno
 * and a failure of tw_error_job; a callback that returns another number than 0 ends it with that.
 */
#ifndef SPIDER_JOB_READER_H
#define SPIDER_JOB_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/job/error.h"
#include "spider/job/record.h"

struct twi_reader;

/* No job in the folder: as twi_job_open() for one that is resumed. */
int twi_reader_open(const char *folder, struct twi_reader **ret_reader, tw_value *ret_failure);
void twi_reader_free(struct twi_reader *reader);

struct twi_reader_facts {
    const char *spider; /* lent until the reader is freed */
    const char *state;  /* "running", "stopped", "finished": how it was left, or would be */
    long process;       /* that crawls it now; 0: nobody does; -1: somebody */
    uint64_t key0, key1;
    int64_t started; /* wall clock, ms */
};
int twi_reader_facts(struct twi_reader *reader, struct twi_reader_facts *facts,
                     tw_value *ret_failure);

struct twi_reader_counts {
    int64_t urls, hosts;
    int64_t pending, done, failed, excluded, redirected; /* of the URLs, by their last row */
    int64_t rows, retries, items, bytes;                 /* of the log */
    int64_t last_seq;
};
/* One pass over the log. */
int twi_reader_count(struct twi_reader *reader, struct twi_reader_counts *counts,
                     tw_value *ret_failure);

/* Statistics in the order of their names; numbers as text, too. */
int twi_reader_stats(struct twi_reader *reader,
                     int (*each)(const char *key, const char *value, bool is_number,
                                 void *arg),
                     void *arg, tw_value *ret_failure);

/* A row of `url`. Strings live for the call. */
struct twi_reader_url {
    int64_t id, parent;
    uint64_t key;
    const char *origin, *path, *info;
    unsigned depth;
    int priority;
};
/* The URLs with a key, by a pass over all of them: two, if one was visited again. */
int twi_reader_find(struct twi_reader *reader, uint64_t key,
                    int (*each)(const struct twi_reader_url *url, void *arg), void *arg,
                    tw_value *ret_failure);
/* The one with an id, if there is one. */
int twi_reader_url(struct twi_reader *reader, int64_t id,
                   int (*each)(const struct twi_reader_url *url, void *arg), void *arg,
                   tw_value *ret_failure);

/* A row of `log`, and its URL. Strings live for the call. */
struct twi_reader_entry {
    int64_t seq, url, at, bytes, items, due;
    enum twi_record_kind kind;
    int status, ms;
    const char *note; /* NULL: none */
    const char *origin, *path;
};
typedef int twi_reader_entry_fn(const struct twi_reader_entry *entry, void *arg);
/* At most `count` rows behind `after`, in order. */
int twi_reader_log(struct twi_reader *reader, int64_t after, int64_t count,
                   twi_reader_entry_fn *each, void *arg, tw_value *ret_failure);
/* All rows of one URL, by a pass over the log. */
int twi_reader_history(struct twi_reader *reader, int64_t url, twi_reader_entry_fn *each,
                       void *arg, tw_value *ret_failure);
/* The last row of each URL that has failed, the latest first. */
int twi_reader_failed(struct twi_reader *reader, twi_reader_entry_fn *each, void *arg,
                      tw_value *ret_failure);

/* A row of `feed`. */
struct twi_reader_feed {
    const char *path, *format;
    int64_t batch, items, bytes;
    bool is_closed;
};
int twi_reader_feeds(struct twi_reader *reader,
                     int (*each)(const struct twi_reader_feed *feed, void *arg), void *arg,
                     tw_value *ret_failure);

#endif
