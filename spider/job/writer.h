/* SPDX-License-Identifier: MIT */
/*
 * writer.h - who commits: a thread, or the reactor itself in turns of its own.
 *
 * Records go in by twi_writer_put(), and whatever has come of them is heard on the reactor's
 * thread. While it commits one batch, the next one gathers; it takes all that is there as one
 * transaction. Its queue needs no memory of its own and holds at most as many records as a crawl
 * has places.
 */
#ifndef SPIDER_JOB_WRITER_H
#define SPIDER_JOB_WRITER_H

#include <tweed/reactor.h>

#include "spider/job/store.h"

struct twi_writer;

/* A chain of records. */
struct twi_records {
    struct twi_record *first, **end; /* `end`: where the next one goes; NULL: empty */
};
void twi_records_add(struct twi_records *records, struct twi_record *record);
/* Move all of `other` behind `records`. */
void twi_records_join(struct twi_records *records, struct twi_records *other);

/* Visits to read back, and the answer. */
struct twi_load {
    int64_t *ids;
    size_t count;
    void (*each)(const struct twi_visit *visit, void *arg);
    void (*done)(tw_value failure, void *arg);
    void *arg;
    struct twi_arena arena; /* of the answer */
    struct twi_visit *visits;
    tw_value failure; /* owned */
    struct twi_load *next;
};

/* All that happened since the last time. The listener owns it. */
struct twi_writer_news {
    struct twi_records committed;
    struct twi_load *loads; /* in their order */
    bool full_changed, is_full;
    char *why;        /* of a full disk; to be freed */
    tw_value failure; /* owned; nothing is committed any more */
    bool is_ended;    /* the last news: free the writer */
};
struct twi_writer_options {
    struct twi_store *store; /* lent; the writer's alone until it is freed */
    bool is_inline;
    void (*hear)(struct twi_writer_news *news, void *arg); /* on the reactor's thread */
    void *arg;
};

/* 0, or a negative errno and a failure. */
int twi_writer_new(const struct twi_writer_options *options, struct twi_writer **ret_writer,
                   tw_value *ret_failure);
/* Commit the records, which are taken out of the list. */
void twi_writer_put(struct twi_writer *writer, struct twi_records *records);
/* Answer `load` after all that was put before it. */
void twi_writer_load(struct twi_writer *writer, struct twi_load *load);
/* Do what is left, end the store, and tell it. On a full disk try once more and give up. */
void twi_writer_end(struct twi_writer *writer, enum twi_job_end end);
/* After the last news, or when nothing was ever put. */
void twi_writer_free(struct twi_writer *writer);

#endif
