/* SPDX-License-Identifier: MIT */
/*
 * feed_target.h - where the bytes of a feed go: a file, standard output, a database.
 *
 * One batch is open at a time. Places count bytes, or rows of a database.
 */
#ifndef SPIDER_JOB_FEED_TARGET_H
#define SPIDER_JOB_FEED_TARGET_H

#include "spider/job/feed_name.h"

struct twi_feed_target;

/* How a batch is found. */
enum twi_feed_found {
    TWI_FOUND_FRESH,    /* nothing of it is committed: made, or emptied */
    TWI_FOUND_STARTED,  /* it may be missing while nothing of it is sure to be on the disk */
    TWI_FOUND_FINISHED, /* the same, but it may have its name, and may have been taken away */
};

struct twi_feed_target_ops {
    /* Open a batch that is sure to have `synced`. 0; 1: it has been taken away; a negative
     * errno. */
    int (*open)(struct twi_feed_target *target, int64_t batch, enum twi_feed_found found,
                int64_t synced, tw_value *ret_failure);
    /* Write a row's bytes at its place. May be done again, also partly. */
    int (*put)(struct twi_feed_target *target, int64_t at, const char *data, size_t length,
               tw_value *ret_failure);
    /* Nothing follows the place `at` but the ending. */
    int (*settle)(struct twi_feed_target *target, int64_t at, tw_value *ret_failure);
    /* The ending stands behind what was written. */
    int (*end)(struct twi_feed_target *target, int64_t at, tw_value *ret_failure);
    int (*sync)(struct twi_feed_target *target, tw_value *ret_failure);
    /* The batch is whole: on the disk, under its name, closed. */
    int (*finish)(struct twi_feed_target *target, tw_value *ret_failure);
    /* Forget the batch that is open. */
    void (*close)(struct twi_feed_target *target);
    void (*free)(struct twi_feed_target *target);
};

/* The part that is common to all; each kind goes on behind it. */
struct twi_feed_target {
    const struct twi_feed_target_ops *ops;
    const struct twi_feed_name *name;
    int64_t batch; /* the one that is open; 0: none */
    /* Why a sync failed; every later one fails so. A system that could not write its pages
     * lets go of them, and says that all is well the next time. */
    int lost;
};

/* `empty`, a feed without items, and `ending`, which follows the last one, are lent. NULL
 * when there is no memory. */
struct twi_feed_target *twi_feed_file_new(const struct twi_feed_name *name, const char *empty,
                                          size_t empty_length, const char *ending,
                                          size_t ending_length);
struct twi_feed_target *twi_feed_output_new(const struct twi_feed_name *name,
                                            const char *empty, size_t empty_length,
                                            const char *ending, size_t ending_length);

/* Fill in *ret_failure, of tw_error_job, with a text that names the path; its number is `error`, a
 * positive errno. Returns -error. */
int twi_feed_refuse(tw_value *ret_failure, int error, const char *format, ...) TW_PRINTF(3, 4);
/* The same for a call that failed: `r` is the negative errno, `doing` ends in the path. */
int twi_feed_system(tw_value *ret_failure, int r, const char *doing, const char *path);
/* Keep a file from other crawls, and from another feed of this one, until the descriptor is closed.
 * 0, or a refusal; where the file system has no locks, nothing happens. */
int twi_feed_lock(tw_value *ret_failure, int fd, const char *path);
/* 0 for a file, or a refusal that says what `mode` is. */
int twi_feed_check_mode(tw_value *ret_failure, unsigned mode, const char *path);

#endif
