/* SPDX-License-Identifier: MIT */
/*
 * recover.c - a job read back at its start.
 *
 * The log comes first, in the order of commits, so that each URL's last row wins: a byte a URL.
 * Then the URLs come by id. Times before which a page is not to be tried again are few: they are
 * sorted by id and met on the way.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "spider/job/recover.h"

/* A URL's byte: how often it was tried in vain above its state. */
enum { STATE_MASK = 3, TRIES_SHIFT = 2, TRIES_MAX = 63 };

struct recover_due {
    int64_t id;
    int64_t due;
    size_t order; /* in the log */
};
struct recover {
    struct twi_sql *sql;
    const struct twi_job_options *options;
    struct twi_origins *hosts;
    unsigned char *states; /* by id */
    int64_t last;
    struct recover_due *dues;
    size_t due_count, due_size;
};

/* --- hosts ---------------------------------------------------------------------------------- */

static int recover_host(struct recover *recover, struct twi_sql_query *query)
{
    const struct twi_job_options *options = recover->options;
    struct twi_job_host row = {
        .id = twi_sql_integer(query, 0),
        .origin = twi_sql_text(query, 1),
        .robots_status = (int)twi_sql_integer(query, 3),
        .robots_until = twi_sql_integer(query, 4),
        .delay = twi_sql_real(query, 5),
        .not_before = twi_sql_integer(query, 6),
    };
    int r;

    row.robots = twi_sql_bytes(query, 2, &row.robots_length);
    if (row.origin == NULL)
        return -EBADMSG;
    r = twi_origins_add(recover->hosts, row.id, row.origin);
    if (r == 0 && options->host != NULL)
        r = options->host(&row, options->arg);
    return r;
}

/* Call each() for each row of a statement. 0, or what it or SQLite returned. */
static int recover_rows(struct recover *recover, const char *statement,
                        int (*each)(struct recover *recover, struct twi_sql_query *query))
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(recover->sql, statement, &query);

    if (r < 0)
        return r;
    while ((r = twi_sql_step(query)) == 1 && (r = each(recover, query)) == 0)
        ;
    twi_sql_query_free(query);
    return r;
}

/* --- the log -------------------------------------------------------------------------------- */

static int note_due(struct recover *recover, int64_t id, int64_t due)
{
    size_t size = recover->due_size == 0 ? 64 : recover->due_size * 2;
    struct recover_due *dues;

    if (recover->due_count == recover->due_size) {
        dues = realloc(recover->dues, size * sizeof *dues);
        if (dues == NULL)
            return -ENOMEM;
        recover->dues = dues;
        recover->due_size = size;
    }
    recover->dues[recover->due_count] = (struct recover_due){ .id = id,
                                                              .due = due,
                                                              .order = recover->due_count };
    recover->due_count++;
    return 0;
}

static int recover_log(struct recover *recover, struct twi_sql_query *query)
{
    static const unsigned char states[] = {
        [TWI_RECORD_DONE] = TWI_JOB_DONE,         [TWI_RECORD_FAILED] = TWI_JOB_FAILED,
        [TWI_RECORD_EXCLUDED] = TWI_JOB_EXCLUDED, [TWI_RECORD_REDIRECT] = TWI_JOB_DONE,
        [TWI_RECORD_RETRY] = TWI_JOB_PENDING,     [TWI_RECORD_PART] = TWI_JOB_PENDING,
    };
    int64_t id = twi_sql_integer(query, 0), kind = twi_sql_integer(query, 1);
    unsigned char *state;
    int tries;

    if (id < 1 || id > recover->last || kind < 0 || kind > TWI_RECORD_PART)
        return -EBADMSG;
    state = &recover->states[id];
    tries = *state >> TRIES_SHIFT;
    if (kind == TWI_RECORD_RETRY && tries < TRIES_MAX)
        tries++;
    *state = (unsigned char)(tries << TRIES_SHIFT | states[kind]);
    return kind == TWI_RECORD_RETRY ? note_due(recover, id, twi_sql_integer(query, 2)) : 0;
}

static int compare_dues(const void *one, const void *other)
{
    const struct recover_due *a = one, *b = other;

    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* Only the last of each URL stays. */
static void sort_dues(struct recover *recover)
{
    struct recover_due *dues = recover->dues;
    size_t from, to = 0;

    if (recover->due_count == 0)
        return;
    qsort(dues, recover->due_count, sizeof *dues, compare_dues);
    for (from = 1; from < recover->due_count; from++) {
        if (dues[from].id != dues[to].id)
            to++;
        dues[to] = dues[from];
    }
    recover->due_count = to + 1;
    recover->due_size = 0; /* from here on: how many were met */
}

/* --- URLs ----------------------------------------------------------------------------------- */

/* Ids rise from call to call. */
static int64_t due_of(struct recover *recover, int64_t id)
{
    size_t *at = &recover->due_size;

    while (*at < recover->due_count && recover->dues[*at].id < id)
        (*at)++;
    return *at < recover->due_count && recover->dues[*at].id == id ? recover->dues[*at].due
                                                                   : 0;
}

static int recover_url(struct recover *recover, struct twi_sql_query *query)
{
    struct twi_job_url row = {
        .id = twi_sql_integer(query, 0),
        .key = (uint64_t)twi_sql_integer(query, 1),
        .host = twi_sql_integer(query, 2),
        .priority = (int)twi_sql_integer(query, 3),
        .depth = (unsigned)twi_sql_integer(query, 4),
    };
    unsigned char state = recover->states[row.id];

    if (twi_origins_origin(recover->hosts, row.host) == NULL)
        return -EBADMSG;
    row.state = state & STATE_MASK;
    row.tries = state >> TRIES_SHIFT;
    if (row.state == TWI_JOB_PENDING && row.tries > 0)
        row.due = due_of(recover, row.id);
    return recover->options->url(&row, recover->options->arg);
}

static int recover_urls(struct recover *recover)
{
    int r;

    recover->states = calloc((size_t)recover->last + 1, 1);
    if (recover->states == NULL)
        return -ENOMEM;
    r = recover_rows(recover, "SELECT url, kind, due FROM log ORDER BY seq", recover_log);
    if (r < 0)
        return r;
    sort_dues(recover);
    return recover_rows(
        recover, "SELECT id, key, host, priority, depth FROM url WHERE id > 0 ORDER BY id",
        recover_url);
}

/* --- the rest ------------------------------------------------------------------------------- */

static int recover_cookie(struct recover *recover, struct twi_sql_query *query)
{
    struct twi_record_cookie row = { .jar = twi_sql_text(query, 0),
                                     .name = twi_sql_text(query, 1),
                                     .line = twi_sql_text(query, 2) };

    if (row.jar == NULL || row.name == NULL || row.line == NULL)
        return -EBADMSG;
    return recover->options->cookie(&row, recover->options->arg);
}

static int recover_file(struct recover *recover, struct twi_sql_query *query)
{
    struct twi_record_file row = { .key = (uint64_t)twi_sql_integer(query, 0),
                                   .path = twi_sql_text(query, 1),
                                   .sha256 = twi_sql_text(query, 2),
                                   .etag = twi_sql_text(query, 3),
                                   .modified = twi_sql_text(query, 4),
                                   .at = twi_sql_integer(query, 5) };

    return recover->options->file(&row, recover->options->arg);
}

static int recover_stat(struct recover *recover, struct twi_sql_query *query)
{
    const char *key = twi_sql_text(query, 0);
    const char *text = twi_sql_is_text(query, 1) ? twi_sql_text(query, 1) : NULL;

    if (key == NULL)
        return -EBADMSG;
    return recover->options->stat(key, text != NULL ? 0 : twi_sql_integer(query, 1), text,
                                  recover->options->arg);
}

static int recover_rest(struct recover *recover)
{
    int r = 0;

    if (recover->options->cookie != NULL)
        r = recover_rows(recover, "SELECT jar, name, line FROM cookie", recover_cookie);
    if (r == 0 && recover->options->file != NULL)
        r = recover_rows(recover, "SELECT key, path, sha256, etag, modified, at FROM file",
                         recover_file);
    if (r == 0 && recover->options->stat != NULL)
        r = recover_rows(recover, "SELECT key, value FROM stat", recover_stat);
    return r;
}

int twi_recover(struct twi_sql *sql, const struct twi_job_options *options,
                struct twi_origins *hosts, int64_t *ret_last, tw_value *ret_failure)
{
    struct recover recover = { .sql = sql, .options = options, .hosts = hosts };
    int r = twi_sql_ask(sql, "SELECT max(id) FROM url", &recover.last);

    if (r == 0 && (recover.last < 0 || recover.last > INT64_C(1) << 36))
        r = -EBADMSG;
    if (r == 0)
        r = recover_rows(
            &recover,
            "SELECT id, origin, robots, robots_status, robots_until, delay, not_before"
            " FROM host ORDER BY id",
            recover_host);
    if (r == 0 && options->url != NULL)
        r = recover_urls(&recover);
    if (r == 0)
        r = recover_rest(&recover);
    free(recover.states);
    free(recover.dues);
    *ret_last = recover.last;
    if (r == -ENOMEM)
        *ret_failure = tw_fail_memory();
    else if (r == -EBADMSG)
        *ret_failure = twi_job_failure(
            r, "%s is damaged: restore it from a copy, or begin in a new folder",
            options->folder);
    else if (r < 0)
        *ret_failure = twi_sql_failure(sql, r);
    return r;
}
