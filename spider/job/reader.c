/* SPDX-License-Identifier: MIT */
/*
 * reader.c - looking into a job, also while it is crawled.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/job/folder.h"
#include "spider/job/reader.h"
#include "spider/job/schema.h"

struct twi_reader {
    struct twi_sql *sql;
    char *folder;
    char *spider, *state; /* as last told */
};

#define ENTRY_COLUMNS                                                                  \
    "log.seq, log.url, log.at, log.kind, log.status, log.bytes, log.ms, log.items,"    \
    " log.due, log.note, host.origin, url.path"                                        \
    " FROM log LEFT JOIN url ON url.id = log.url LEFT JOIN host ON host.id = url.host"
#define URL_COLUMNS                                                           \
    "url.id, url.parent, url.key, host.origin, url.path, url.info, url.depth," \
    " url.priority FROM url LEFT JOIN host ON host.id = url.host"

/* --- opening -------------------------------------------------------------------------------- */

int twi_reader_open(const char *folder, struct twi_reader **ret_reader, tw_value *ret_failure)
{
    struct twi_reader *reader = calloc(1, sizeof *reader);
    char *path = twi_folder_file(folder, TWI_FOLDER_DATABASE);
    int r = -ENOMEM;

    *ret_failure = tw_none();
    if (reader != NULL && path != NULL && (reader->folder = strdup(folder)) != NULL) {
        r = twi_folder_look(folder, ret_failure);
        if (r == 0)
            r = twi_sql_open(path, TWI_SQL_READ, &reader->sql, ret_failure);
        if (r == 0)
            r = twi_schema_check(reader->sql, path, ret_failure);
    } else {
        *ret_failure = tw_fail_memory();
    }
    free(path);
    if (r < 0) {
        twi_reader_free(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

void twi_reader_free(struct twi_reader *reader)
{
    if (reader == NULL)
        return;
    twi_sql_close(reader->sql);
    free(reader->folder);
    free(reader->spider);
    free(reader->state);
    free(reader);
}

static int reader_fail(struct twi_reader *reader, int error, tw_value *ret_failure)
{
    *ret_failure = error == -ENOMEM ? tw_fail_memory() : twi_sql_failure(reader->sql, error);
    return error;
}

/* Call each(query, arg) for the rows of a statement with one parameter, if it has one. */
static int reader_rows(struct twi_reader *reader, const char *statement, const char *types,
                       int64_t first, int64_t second,
                       int (*each)(struct twi_sql_query *query, void *arg), void *arg,
                       tw_value *ret_failure)
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(reader->sql, statement, &query), told = 0;

    if (r < 0)
        return reader_fail(reader, r, ret_failure);
    r = twi_sql_bind(query, types, first, second);
    while (r == 0 && told == 0 && (r = twi_sql_step(query)) == 1) {
        told = each(query, arg);
        r = 0;
    }
    if (r < 0)
        reader_fail(reader, r, ret_failure);
    twi_sql_query_free(query);
    return r < 0 ? r : told;
}

/* --- facts and statistics ------------------------------------------------------------------- */

struct reader_telling {
    struct twi_reader *reader;
    struct twi_reader_facts *facts;
    int (*stat)(const char *key, const char *value, bool is_number, void *arg);
    int (*url)(const struct twi_reader_url *url, void *arg);
    int (*feed)(const struct twi_reader_feed *feed, void *arg);
    twi_reader_entry_fn *entry;
    void *arg;
    unsigned char *kinds; /* by URL: its last row's kind + 1 */
    struct twi_reader_counts *counts;
};

static int fact_keep(char **slot, const char *text)
{
    free(*slot);
    *slot = strdup(text != NULL ? text : "");
    return *slot == NULL ? -ENOMEM : 0;
}

static int tell_fact(struct twi_sql_query *query, void *arg)
{
    struct reader_telling *telling = arg;
    struct twi_reader_facts *facts = telling->facts;
    const char *key = twi_sql_text(query, 0);

    if (key == NULL)
        return 0;
    if (strcmp(key, "spider") == 0)
        return fact_keep(&telling->reader->spider, twi_sql_text(query, 1));
    if (strcmp(key, "state") == 0)
        return fact_keep(&telling->reader->state, twi_sql_text(query, 1));
    if (strcmp(key, "k0") == 0)
        facts->key0 = (uint64_t)twi_sql_integer(query, 1);
    else if (strcmp(key, "k1") == 0)
        facts->key1 = (uint64_t)twi_sql_integer(query, 1);
    else if (strcmp(key, "started") == 0)
        facts->started = twi_sql_integer(query, 1);
    return 0;
}

int twi_reader_facts(struct twi_reader *reader, struct twi_reader_facts *facts,
                     tw_value *ret_failure)
{
    struct reader_telling telling = { .reader = reader, .facts = facts };
    int r;

    *facts = (struct twi_reader_facts){ .process = twi_folder_holder(reader->folder) };
    r = reader_rows(reader, "SELECT key, value FROM job WHERE key NOT GLOB 'user.*'", "", 0, 0,
                    tell_fact, &telling, ret_failure);
    if (r == -ENOMEM)
        return reader_fail(reader, r, ret_failure);
    facts->spider = reader->spider != NULL ? reader->spider : "";
    facts->state = reader->state != NULL ? reader->state : "";
    return r;
}

static int tell_stat(struct twi_sql_query *query, void *arg)
{
    struct reader_telling *telling = arg;
    bool is_number = !twi_sql_is_text(query, 1);
    const char *key = twi_sql_text(query, 0), *value = twi_sql_text(query, 1);

    return telling->stat(key != NULL ? key : "", value != NULL ? value : "", is_number,
                         telling->arg);
}

int twi_reader_stats(struct twi_reader *reader,
                     int (*each)(const char *key, const char *value, bool is_number,
                                 void *arg),
                     void *arg, tw_value *ret_failure)
{
    struct reader_telling telling = { .stat = each, .arg = arg };

    return reader_rows(reader, "SELECT key, value FROM stat ORDER BY key", "", 0, 0, tell_stat,
                       &telling, ret_failure);
}

static int tell_feed(struct twi_sql_query *query, void *arg)
{
    struct reader_telling *telling = arg;
    struct twi_reader_feed feed = { .path = twi_sql_text(query, 0),
                                    .format = twi_sql_text(query, 1),
                                    .batch = twi_sql_integer(query, 2),
                                    .items = twi_sql_integer(query, 3),
                                    .bytes = twi_sql_integer(query, 4),
                                    .is_closed = twi_sql_integer(query, 5) != 0 };

    return telling->feed(&feed, telling->arg);
}

int twi_reader_feeds(struct twi_reader *reader,
                     int (*each)(const struct twi_reader_feed *feed, void *arg), void *arg,
                     tw_value *ret_failure)
{
    struct reader_telling telling = { .feed = each, .arg = arg };

    return reader_rows(reader,
                       "SELECT path, format, batch, items, at, state FROM feed ORDER BY id",
                       "", 0, 0, tell_feed, &telling, ret_failure);
}

/* --- URLs ----------------------------------------------------------------------------------- */

static int tell_url(struct twi_sql_query *query, void *arg)
{
    struct reader_telling *telling = arg;
    struct twi_reader_url url = { .id = twi_sql_integer(query, 0),
                                  .parent = twi_sql_integer(query, 1),
                                  .key = (uint64_t)twi_sql_integer(query, 2),
                                  .origin = twi_sql_text(query, 3),
                                  .path = twi_sql_text(query, 4),
                                  .info = twi_sql_text(query, 5),
                                  .depth = (unsigned)twi_sql_integer(query, 6),
                                  .priority = (int)twi_sql_integer(query, 7) };

    return telling->url(&url, telling->arg);
}

int twi_reader_find(struct twi_reader *reader, uint64_t key,
                    int (*each)(const struct twi_reader_url *url, void *arg), void *arg,
                    tw_value *ret_failure)
{
    struct reader_telling telling = { .url = each, .arg = arg };

    return reader_rows(reader, "SELECT " URL_COLUMNS " WHERE url.key = ? ORDER BY url.id", "i",
                       (int64_t)key, 0, tell_url, &telling, ret_failure);
}

int twi_reader_url(struct twi_reader *reader, int64_t id,
                   int (*each)(const struct twi_reader_url *url, void *arg), void *arg,
                   tw_value *ret_failure)
{
    struct reader_telling telling = { .url = each, .arg = arg };

    return reader_rows(reader, "SELECT " URL_COLUMNS " WHERE url.id = ?", "i", id, 0, tell_url,
                       &telling, ret_failure);
}

/* --- the log -------------------------------------------------------------------------------- */

static int tell_entry(struct twi_sql_query *query, void *arg)
{
    struct reader_telling *telling = arg;
    struct twi_reader_entry entry = { .seq = twi_sql_integer(query, 0),
                                      .url = twi_sql_integer(query, 1),
                                      .at = twi_sql_integer(query, 2),
                                      .kind = (enum twi_record_kind)twi_sql_integer(query, 3),
                                      .status = (int)twi_sql_integer(query, 4),
                                      .bytes = twi_sql_integer(query, 5),
                                      .ms = (int)twi_sql_integer(query, 6),
                                      .items = twi_sql_integer(query, 7),
                                      .due = twi_sql_integer(query, 8),
                                      .note = twi_sql_text(query, 9),
                                      .origin = twi_sql_text(query, 10),
                                      .path = twi_sql_text(query, 11) };

    return telling->entry(&entry, telling->arg);
}

int twi_reader_log(struct twi_reader *reader, int64_t after, int64_t count,
                   twi_reader_entry_fn *each, void *arg, tw_value *ret_failure)
{
    struct reader_telling telling = { .entry = each, .arg = arg };

    return reader_rows(reader,
                       "SELECT " ENTRY_COLUMNS " WHERE log.seq > ? ORDER BY log.seq LIMIT ?",
                       "ii", after, count, tell_entry, &telling, ret_failure);
}

int twi_reader_history(struct twi_reader *reader, int64_t url, twi_reader_entry_fn *each,
                       void *arg, tw_value *ret_failure)
{
    struct reader_telling telling = { .entry = each, .arg = arg };

    return reader_rows(reader, "SELECT " ENTRY_COLUMNS " WHERE log.url = ? ORDER BY log.seq",
                       "i", url, 0, tell_entry, &telling, ret_failure);
}

static int count_row(struct twi_sql_query *query, void *arg)
{
    struct reader_telling *telling = arg;
    struct twi_reader_counts *counts = telling->counts;
    int64_t url = twi_sql_integer(query, 1), kind = twi_sql_integer(query, 2);

    counts->last_seq = twi_sql_integer(query, 0);
    counts->rows++;
    counts->bytes += twi_sql_integer(query, 3);
    counts->items += twi_sql_integer(query, 4);
    counts->retries += kind == TWI_RECORD_RETRY;
    if (url >= 1 && url <= counts->urls && kind >= 0 && kind <= TWI_RECORD_PART)
        telling->kinds[url] = (unsigned char)(kind + 1);
    return 0;
}

/* One pass; then telling->kinds has each URL's last kind. */
static int reader_pass(struct twi_reader *reader, struct reader_telling *telling,
                       tw_value *ret_failure)
{
    struct twi_reader_counts *counts = telling->counts;
    int r = twi_sql_ask(reader->sql, "SELECT max(id) FROM url", &counts->urls);

    if (r == 0)
        r = twi_sql_ask(reader->sql, "SELECT count(*) FROM host", &counts->hosts);
    if (r == 0 && (counts->urls < 0 || counts->urls > INT64_C(1) << 36))
        r = -EBADMSG;
    if (r == 0 && (telling->kinds = calloc((size_t)counts->urls + 1, 1)) == NULL)
        r = -ENOMEM;
    if (r < 0)
        return reader_fail(reader, r, ret_failure);
    return reader_rows(reader, "SELECT seq, url, kind, bytes, items FROM log ORDER BY seq", "",
                       0, 0, count_row, telling, ret_failure);
}

int twi_reader_count(struct twi_reader *reader, struct twi_reader_counts *counts,
                     tw_value *ret_failure)
{
    struct reader_telling telling = { .counts = counts };
    int64_t kinds[TWI_RECORD_PART + 2] = { 0 };
    int r;

    *counts = (struct twi_reader_counts){ 0 };
    r = twi_sql_run(reader->sql, "BEGIN");
    r = r < 0 ? reader_fail(reader, r, ret_failure)
              : reader_pass(reader, &telling, ret_failure);
    twi_sql_rollback(reader->sql);
    for (int64_t id = 1; r == 0 && id <= counts->urls; id++)
        kinds[telling.kinds[id]]++;
    counts->pending = kinds[0] + kinds[TWI_RECORD_RETRY + 1] + kinds[TWI_RECORD_PART + 1];
    counts->done = kinds[TWI_RECORD_DONE + 1];
    counts->failed = kinds[TWI_RECORD_FAILED + 1];
    counts->excluded = kinds[TWI_RECORD_EXCLUDED + 1];
    counts->redirected = kinds[TWI_RECORD_REDIRECT + 1];
    free(telling.kinds);
    return r;
}

/* A row of a failure; only a URL's last one counts, which comes first. */
static int tell_failed(struct twi_sql_query *query, void *arg)
{
    struct reader_telling *telling = arg;
    int64_t url = twi_sql_integer(query, 1);

    if (url < 1 || url > telling->counts->urls || telling->kinds[url] != TWI_RECORD_FAILED + 1)
        return 0;
    telling->kinds[url] = 0;
    return tell_entry(query, arg);
}

int twi_reader_failed(struct twi_reader *reader, twi_reader_entry_fn *each, void *arg,
                      tw_value *ret_failure)
{
    struct twi_reader_counts counts = { 0 };
    struct reader_telling telling = { .counts = &counts, .entry = each, .arg = arg };
    int r = twi_sql_run(reader->sql, "BEGIN");

    r = r < 0 ? reader_fail(reader, r, ret_failure)
              : reader_pass(reader, &telling, ret_failure);
    if (r == 0)
        r = reader_rows(reader,
                        "SELECT " ENTRY_COLUMNS " WHERE log.kind = ? ORDER BY log.seq DESC",
                        "i", TWI_RECORD_FAILED, 0, tell_failed, &telling, ret_failure);
    twi_sql_rollback(reader->sql);
    free(telling.kinds);
    return r;
}
