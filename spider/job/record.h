/* SPDX-License-Identifier: MIT */
/*
 * record.h - what a page comes to: the unit that is committed, all of it or nothing.
 *
 * A record names the page and says how it ended; the visits that were found on it, its items and
 * whatever else changes with it hang on lists. Everything that a record points to is lent to the
 * job, from twi_job_put() until `acknowledged`; the writer reads it on its own thread.
 */
#ifndef SPIDER_JOB_RECORD_H
#define SPIDER_JOB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A planned fetch. */
struct twi_visit {
    int64_t id;         /* of its URL: twi_job_number(), before its record is put */
    int64_t parent;     /* the page that found it; 0: the program */
    uint64_t key;       /* keyed hash of method, canonical URL and body */
    const char *origin; /* "https://host:port" without a default port; "file://", "data:" */
    const char *path;   /* what follows it */
    const char
        *info; /* JSON object of all that is not the default; NULL: plain GET to .parse */
    unsigned depth;
    int priority; /* -128 to 127 */
    bool again;   /* even if its key is known; not stored */
    struct twi_visit *next;
};

/* How a page ended; these are the numbers in the table `log`. */
enum twi_record_kind {
    TWI_RECORD_DONE,
    TWI_RECORD_FAILED,
    TWI_RECORD_EXCLUDED, /* by robots.txt, scope or a limit */
    TWI_RECORD_REDIRECT, /* done: the target is a visit of its own */
    TWI_RECORD_RETRY,    /* pending, not before `due` */
    TWI_RECORD_PART,     /* pending: its visits alone, ahead of its items */
};

struct twi_record_item {
    const char *json;
    size_t length;
    uint32_t feeds;   /* a bit for each feed that takes it */
    unsigned ordinal; /* among the page's items: with the page's id it is the item's id */
    struct twi_record_item *next;
};
struct twi_record_cookie {
    const char *jar, *name, *line; /* `line` NULL: taken out */
    struct twi_record_cookie *next;
};
struct twi_record_count {
    const char *key;
    int64_t add;      /* to the number under `key` */
    const char *text; /* not NULL: that instead, in place of what was there */
    bool is_state;    /* the program's own; else a statistic */
    struct twi_record_count *next;
};
struct twi_record_host {
    const char *origin;
    const char *robots; /* NULL: none is known */
    size_t robots_length;
    int robots_status; /* 0 in a record: no news of it, the row keeps what it has */
    int64_t robots_until, not_before; /* wall clock, ms */
    double delay;                     /* seconds */
    struct twi_record_host *next;
};
struct twi_record_file {
    uint64_t key;
    const char *path, *sha256, *etag, *modified;
    int64_t at;
    struct twi_record_file *next;
};

struct twi_record {
    int64_t url; /* the page's id; 0: no page, only what hangs on the lists */
    enum twi_record_kind kind;
    int64_t at; /* wall clock, ms */
    int status; /* of HTTP; 0: none */
    int64_t bytes;
    int ms;
    int64_t due;      /* wall clock, ms; 0: at once */
    const char *note; /* why; NULL: nothing to say */
    struct twi_visit *visits;
    struct twi_record_item *items;
    struct twi_record_cookie *cookies;
    struct twi_record_count *counts;
    struct twi_record_host *hosts;
    struct twi_record_file *files;
    /* It is committed, and its items are in the feeds. On the reactor's thread, in the order of
     * twi_job_put(), never inside it. */
    void (*acknowledged)(struct twi_record *record, void *arg);
    void *arg;
    struct twi_record *next; /* the job's */
};

#endif
