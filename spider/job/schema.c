/* SPDX-License-Identifier: MIT */
/*
 * schema.c - the tables of a job.
 *
 * All that grows with the crawl is appended by rowid, and nothing is looked up by a random key: the
 * seen set is in memory, and a URL's state is its last row in `log`. Appending there instead of
 * updating `url` halves the cost where pages come in no order.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "spider/job/error.h"
#include "spider/job/schema.h"

const char *const twi_schema_steps[] = {
    /* 0 to 1: the first version. */
    "CREATE TABLE job (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE host (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, robots BLOB,"
    " robots_status INT, robots_until INT, delay REAL, not_before INT);"
    "CREATE TABLE url (id INTEGER PRIMARY KEY, key INTEGER NOT NULL, host INTEGER NOT NULL,"
    " parent INTEGER, depth INTEGER NOT NULL, priority INTEGER NOT NULL, path TEXT NOT NULL,"
    " info TEXT);"
    "CREATE TABLE log (seq INTEGER PRIMARY KEY, url INTEGER NOT NULL, at INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, status INT, bytes INT, ms INT, items INT, due INT, note TEXT);"
    "CREATE TABLE feed (id INTEGER PRIMARY KEY, path TEXT NOT NULL, format TEXT, columns TEXT,"
    " batch INT, items INT, at INT, synced INT, raw INT, state INT);"
    "CREATE TABLE tail (feed INT, batch INT, at INT, raw INT, data BLOB);"
    "CREATE TABLE cookie (jar TEXT, name TEXT, line TEXT, PRIMARY KEY (jar, name)) WITHOUT "
    "ROWID;"
    "CREATE TABLE file (key INTEGER PRIMARY KEY, path TEXT, sha256 TEXT, etag TEXT,"
    " modified TEXT, at INT);"
    "CREATE TABLE stat (key TEXT PRIMARY KEY, value) WITHOUT ROWID;",
};
const size_t twi_schema_count = sizeof twi_schema_steps / sizeof twi_schema_steps[0];

/* The words of the database's head, and how many tables there are. */
struct schema_head {
    int64_t application, version, tables;
};

static int schema_head_read(struct twi_sql *sql, struct schema_head *head)
{
    int r = twi_sql_ask(sql, "PRAGMA application_id", &head->application);

    if (r == 0)
        r = twi_sql_ask(sql, "PRAGMA user_version", &head->version);
    if (r == 0)
        r = twi_sql_ask(sql, "SELECT count(*) FROM sqlite_schema", &head->tables);
    return r;
}

static int refuse_head(const struct schema_head *head, const char *path, size_t count,
                       tw_value *ret_failure)
{
    if (head->application != TWI_SCHEMA_APPLICATION) {
        *ret_failure = twi_job_failure(
            -EINVAL, "%s is a database of another program: name another folder", path);
        return -EINVAL;
    }
    if (head->version < 0 || head->version > (int64_t)count) {
        *ret_failure = twi_job_failure(-EPROTONOSUPPORT,
                                       "%s is of version %lld, and this tweed knows up to "
                                       "%zu: resume it with the newer tweed"
                                       " that made it",
                                       path, (long long)head->version, count);
        return -EPROTONOSUPPORT;
    }
    return 0;
}

int twi_schema_look(struct twi_sql *sql, const char *path, size_t count, size_t *ret_version,
                    tw_value *ret_failure)
{
    struct schema_head head;
    int r = schema_head_read(sql, &head);

    if (r < 0) {
        *ret_failure = twi_sql_failure(sql, r);
        return r;
    }
    if (head.tables > 0 || head.application != 0 || head.version != 0)
        r = refuse_head(&head, path, count, ret_failure);
    *ret_version = (size_t)head.version;
    return r;
}

int twi_schema_check(struct twi_sql *sql, const char *path, tw_value *ret_failure)
{
    size_t version = 0;
    int r = twi_schema_look(sql, path, twi_schema_count, &version, ret_failure);

    if (r == 0 && version < twi_schema_count) {
        r = -EPROTONOSUPPORT;
        *ret_failure = twi_job_failure(
            r, "%s is of the older version %zu: tweed resume brings it up to date", path,
            version);
    }
    return r;
}

static int schema_set_head(struct twi_sql *sql, size_t version)
{
    char text[96];

    snprintf(text, sizeof text, "PRAGMA application_id=%d; PRAGMA user_version=%zu",
             TWI_SCHEMA_APPLICATION, version);
    return twi_sql_run(sql, text);
}

int twi_schema_apply(struct twi_sql *sql, const char *const *steps, size_t from, size_t to)
{
    int r = twi_sql_run(sql, "BEGIN IMMEDIATE");

    for (; r == 0 && from < to; from++)
        r = twi_sql_run(sql, steps[from]);
    if (r == 0)
        r = schema_set_head(sql, to);
    if (r == 0)
        r = twi_sql_run(sql, "COMMIT");
    return r;
}
