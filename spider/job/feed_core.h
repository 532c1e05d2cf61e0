/* SPDX-License-Identifier: MIT */
/*
 * feed_core.h - a feed, between the files that implement feed.h.
 */
#ifndef SPIDER_JOB_FEED_CORE_H
#define SPIDER_JOB_FEED_CORE_H

#include "spider/job/feed.h"
#include "spider/job/feed_target.h"
#include "spider/text/arena.h"

/* A row of the transaction. */
struct feed_row {
    struct twi_feed_write write; /* first, so that one is the other */
    bool ends_batch;             /* no row of this batch follows */
    bool is_applied;
    int64_t end; /* of what is written then */
};

/* Bytes of items that no row but raw ones has yet:
 *
 *   | of frames closed in this transaction | of the open frame        |
 *   0                                      start                      length
 *
 * The first `kept` bytes were committed as raw rows by earlier transactions. */
struct feed_bytes {
    char *data;
    size_t length, size, kept, start;
};

struct twi_feed {
    struct twi_feed_name name;
    struct twi_feed_target *target;
    struct twi_feed_writer writer;
    struct twi_arena lasting; /* the options' fields, `empty` and `ending` */
    struct twi_arena fields;  /* those of `columns` */
    bool append, overwrite, is_new;
    const struct twi_feed_field *sorted; /* its fields by name */
    bool has_own_fields; /* by the options; else CSV takes its first item's */
    long batch;
    struct twi_feed_state now, committed;
    char *columns;           /* of `now`, if not of `committed` */
    char *committed_columns;
    const char *empty, *ending; /* as they stand in the file */
    size_t empty_length, ending_length;

    struct feed_bytes bytes;
    size_t items_in_bytes;   /* of a database: rows since `start` */
    struct twi_arena turn;   /* rows of the transaction */
    struct twi_arena scratch; /* one item */
    struct feed_row *first, *last;
    bool drops_raw, is_due;
    bool wants_newline;      /* the file that is appended to does not end in one */
    bool is_begun;           /* standard output has had its beginning */
    bool is_reopened;        /* and not yet settled */
    bool is_taken_away;      /* the file whose rows are restored */
    int64_t restored_batch, restored_to; /* rows up to there are in the file */
    int64_t frame_since;     /* when the open frame was first seen; -1: not yet */
    int64_t unknown;
    char *unknown_name;
    int64_t kept_batches;
};

/* --- feed_item.c --- */

/* Append an item as the format has it; `is_first`: of the file, behind the beginning. 0, -EINVAL,
 * -ENOMEM. */
int twi_feed_put_item(struct twi_feed *feed, const char *json, size_t length, const char *id,
                      bool is_first, tw_value *ret_failure);
int twi_feed_put_bytes(struct twi_feed *feed, const char *data, size_t length);
/* The fields of the options. 0, -ENOMEM. */
int twi_feed_take_fields(struct twi_feed *feed, const char *const *names);
/* The columns of a CSV file, a list in JSON, which must be the options' fields if there are any.
 * 0, -EINVAL, -ENOMEM. */
int twi_feed_take_columns(struct twi_feed *feed, const char *columns, tw_value *ret_failure);
/* Columns that only the transaction gave go. */
void twi_feed_drop_columns(struct twi_feed *feed);

#endif
