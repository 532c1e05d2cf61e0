/* SPDX-License-Identifier: MIT */
/*
 * job.h - a crawl that survives: records go in, and are acknowledged when they are kept.
 *
 * A job is a folder with one SQLite file. Records are gathered, committed in the order in which
 * they were put, each whole or not at all, and acknowledged in that order. A record that was not
 * acknowledged when the program ends was perhaps committed and perhaps not: the next opening
 * tells. A thread of its own commits; all functions belong to the reactor's thread.
 *
 *   FOLDER/job.sqlite   the truth
 *   FOLDER/lock         held while it is crawled: the process's id
 *   FOLDER/flight       the pages whose callbacks run at this moment
 *
 * Without a folder nothing is kept but the feeds.
 */
#ifndef SPIDER_JOB_JOB_H
#define SPIDER_JOB_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tweed/deferred.h>

#include "spider/job/error.h"
#include "spider/job/record.h"

struct twi_feed_options;
struct twi_job;

/* A row of `host`. */
struct twi_job_host {
    int64_t id;
    const char *origin;
    const char *robots; /* NULL: none is known */
    size_t robots_length;
    int robots_status;
    int64_t robots_until, not_before; /* wall clock, ms; 0: none */
    double delay;                     /* seconds; 0: none */
};

enum twi_job_state {
    TWI_JOB_PENDING,
    TWI_JOB_DONE, /* redirected ones, too */
    TWI_JOB_FAILED,
    TWI_JOB_EXCLUDED,
};
/* A row of `url`, and what the log says of it. */
struct twi_job_url {
    int64_t id, host;
    uint64_t key;
    int priority;
    unsigned depth;
    enum twi_job_state state;
    int64_t due;    /* of a pending one: wall clock, ms, not before; 0: at once */
    unsigned tries; /* of a pending one: fetches that came to nothing */
};

struct twi_job_options {
    const char
        *folder; /* made if it is not there, its parent being there; NULL: nothing is kept */
    const char *spider; /* its name: a job of another spider is refused */
    bool is_resume;     /* there must be a job in the folder */
    bool power;         /* what was acknowledged survives a power failure, too: an fsync a commit */
    /* A bit of twi_record_item.feeds for each, in this order, 32 at most; `spider` and `started`
     * are filled in. With a folder, a feed goes on from where it was; lent for the call. */
    const struct twi_feed_options *feeds;
    size_t feed_count;
    unsigned places;    /* how many records can come before one is acknowledged */
    bool
        is_inline; /* no thread: the reactor commits, in a turn of its own. For virtual time */
    /*
     * During the opening, on the caller's stack; each may be NULL. The structs and their strings
     * live for the call. A negative errno ends the opening.
     * host: each row, by id. url: each row, by id, after all hosts. cookie, file, stat: each row;
     * a statistic is a text, or (NULL) a number.
     */
    int (*host)(const struct twi_job_host *row, void *arg);
    int (*url)(const struct twi_job_url *row, void *arg);
    int (*cookie)(const struct twi_record_cookie *row, void *arg);
    int (*file)(const struct twi_record_file *row, void *arg);
    int (*stat)(const char *key, int64_t number, const char *text, void *arg);
    /* The disk is full, `why` says which file, and it is tried again every ten seconds; or there
     * is room again (`why` NULL). No record is lost or acknowledged meanwhile. */
    void (*full)(bool is_full, const char *why, void *arg);
    /* Nothing is committed or acknowledged any more; `failure` is lent. Close the job. */
    void (*failed)(tw_value failure, void *arg);
    void *arg;
};

/*
 * Open a job, or begin one. Blocks; a large job takes seconds.
 * Returns 0, or a negative errno and a failure of tw_error_job whose message names the folder and
 * says what to do: no such folder (-ENOENT), a file (-ENOTDIR), no job of ours in it
 * (-EINVAL), another spider's (-EEXIST), of a newer version (-EPROTONOSUPPORT), in use
 * (-EBUSY), damaged (-EBADMSG), and whatever the system says. Nothing was changed then.
 */
int twi_job_open(const struct twi_job_options *options, struct twi_job **ret_job,
                 tw_value *ret_failure);

/* The first of `count` new ids of URLs; they rise by one, from 1 in a new job. */
int64_t twi_job_number(struct twi_job *job, size_t count);
/* The keys for twi_visit.key: drawn when the job began. */
uint64_t twi_job_key0(const struct twi_job *job);
uint64_t twi_job_key1(const struct twi_job *job);
/* When the job began, wall clock, ms. */
int64_t twi_job_started(const struct twi_job *job);
/* The program's number under `key`, as far as it is acknowledged. */
int64_t twi_job_state(const struct twi_job *job, const char *key);

/* Commit a record after those before it. It is gathered with others until there are half as many
 * as places (at most 64) or 1 MiB, or 2 ms have passed, or nothing else is in flight. */
void twi_job_put(struct twi_job *job, struct twi_record *record);
/* How many pages are dispatched and not put yet. At 0 nothing is worth waiting for. */
void twi_job_in_flight(struct twi_job *job, unsigned count);

/*
 * Read visits of committed or put records back by their ids. For each that there is each(visit)
 * is called, its strings living for the call; then done(failure, arg), once, the failure none if
 * all went well. Both on the reactor's thread, never inside this call; also when the job fails or
 * is closed meanwhile. `ids` are copied. Returns 0, -ENOMEM.
 */
int twi_job_load(struct twi_job *job, const int64_t *ids, size_t count,
                 void (*each)(const struct twi_visit *visit, void *arg),
                 void (*done)(tw_value failure, void *arg), void *arg);

/* Around a page's callback: it begins or goes on; it awaits or has returned. A page that is
 * between the two when the program ends, three times in a row, fails ("crashed the program"). */
void twi_job_flight_begin(struct twi_job *job, int64_t url);
void twi_job_flight_end(struct twi_job *job, int64_t url);

enum twi_job_end {
    TWI_JOB_BROKEN,   /* whatever was put is committed */
    TWI_JOB_STOPPED,  /* and the next start will be a quick one */
    TWI_JOB_FINISHED, /* and there is nothing left to do */
};
/* Commit and acknowledge what was put, and free the job. Fires when nothing of it is left, with
 * none or the failure that the job ended by: its records will not be acknowledged any more. A
 * cancel changes nothing. The job may not be used after this call, but for what is called by
 * it. */
tw_deferred *twi_job_close(struct twi_job *job, enum twi_job_end end);

#endif
