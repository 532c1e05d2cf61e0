/* SPDX-License-Identifier: MIT */
/*
 * store.c - a job's database: opening it, and the transaction of a batch of records.
 *
 * A transaction writes rows in the order of the records, so a child is never there without its
 * parent. Hosts that are new in it get their rows last; when it is rolled back, the next one writes
 * them, as they are known by then.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spider/job/flight.h"
#include "spider/job/folder.h"
#include "spider/job/origins.h"
#include "spider/job/recover.h"
#include "spider/job/schema.h"
#include "spider/job/sql.h"
#include "spider/job/store.h"
#include "spider/job/tails.h"
#include "spider/job/tally.h"

enum {
    CHECKPOINT_MS = 30 * 1000,
    CHECKPOINT_BYTES = 16 << 20, /* of the log written ahead */
    TRUNCATE_BYTES = 64 << 20,   /* it is cut when it has grown to this */
    FRAME_LOOK_MS = 1000,        /* how often to look whether a feed's frame is old enough */
};

enum store_query {
    QUERY_BEGIN,
    QUERY_COMMIT,
    QUERY_URL,
    QUERY_LOG,
    QUERY_HOST_ADD,
    QUERY_HOST_ROBOTS,
    QUERY_HOST_MANNERS,
    QUERY_COOKIE_SET,
    QUERY_COOKIE_DROP,
    QUERY_FILE,
    QUERY_STAT_ADD,
    QUERY_STAT_SET,
    QUERY_STATE_ADD,
    QUERY_STATE,
    QUERY_LOAD,
    QUERY_COUNT
};
static const char *const query_texts[QUERY_COUNT] = {
    [QUERY_BEGIN] = "BEGIN IMMEDIATE",
    [QUERY_COMMIT] = "COMMIT",
    [QUERY_URL] = "INSERT INTO url (id, key, host, parent, depth, priority, path, info)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [QUERY_LOG] = "INSERT INTO log (url, at, kind, status, bytes, ms, items, due, note)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [QUERY_HOST_ADD] = "INSERT INTO host (id, origin) VALUES (?, ?)",
    [QUERY_HOST_ROBOTS] =
        "UPDATE host SET robots = ?, robots_status = ?, robots_until = ? WHERE id = ?",
    [QUERY_HOST_MANNERS] = "UPDATE host SET delay = ?, not_before = ? WHERE id = ?",
    [QUERY_COOKIE_SET] = "INSERT OR REPLACE INTO cookie (jar, name, line) VALUES (?, ?, ?)",
    [QUERY_COOKIE_DROP] = "DELETE FROM cookie WHERE jar = ? AND name = ?",
    [QUERY_FILE] = "INSERT OR REPLACE INTO file (key, path, sha256, etag, modified, at)"
                   " VALUES (?, ?, ?, ?, ?, ?)",
    [QUERY_STAT_ADD] = "INSERT INTO stat (key, value) VALUES (?, ?)"
                       " ON CONFLICT (key) DO UPDATE SET value = value + excluded.value",
    [QUERY_STAT_SET] = "INSERT OR REPLACE INTO stat (key, value) VALUES (?, ?)",
    [QUERY_STATE_ADD] = "INSERT INTO job (key, value) VALUES ('user.' || ?, ?)"
                        " ON CONFLICT (key) DO UPDATE SET value = value + excluded.value",
    [QUERY_STATE] = "UPDATE job SET value = ? WHERE key = 'state'",
    [QUERY_LOAD] = "SELECT id, parent, key, host, path, info, depth, priority FROM url"
                   " WHERE id = ?",
};

struct twi_store {
    struct twi_folder folder;
    struct twi_flight flight; /* the reactor's */
    struct twi_sql *sql; /* NULL: nothing is kept */
    struct twi_sql_query *queries[QUERY_COUNT];
    struct twi_origins hosts;
    int64_t hosts_stored; /* rows in the table; those above are written by the next commit */
    struct twi_tally tally;
    struct twi_tails tails;
    struct twi_store_facts facts;
    int64_t checkpoint_at; /* ms, monotonic: the next one; 0: none is due */
    bool has_committed;    /* since the last one */
};

/* --- the rows of a record ------------------------------------------------------------------- */

static struct twi_sql_query *query_at(struct twi_store *store, enum store_query query)
{
    return store->queries[query];
}

static int write_visits(struct twi_store *store, const struct twi_visit *visit)
{
    const char *origin = NULL; /* links of a page mostly share theirs */
    int64_t host = 0;
    int r = 0;

    for (; r == 0 && visit != NULL; visit = visit->next) {
        if (visit->origin != origin) {
            host = twi_origins_id(&store->hosts, visit->origin);
            origin = visit->origin;
        }
        if (host < 0)
            return (int)host;
        r = twi_sql_do(query_at(store, QUERY_URL), "iiiiiitt", visit->id, (int64_t)visit->key,
                       host, visit->parent, (int64_t)visit->depth, (int64_t)visit->priority,
                       visit->path, visit->info);
    }
    return r;
}

static int write_log(struct twi_store *store, const struct twi_record *record)
{
    const struct twi_record_item *item;
    int64_t items = 0;

    for (item = record->items; item != NULL; item = item->next)
        items++;
    return twi_sql_do(query_at(store, QUERY_LOG), "iiiiiiiit", record->url, record->at,
                      (int64_t)record->kind, (int64_t)record->status, record->bytes,
                      (int64_t)record->ms, items, record->due, record->note);
}

static int write_new_hosts(struct twi_store *store)
{
    int r = 0;

    while (r == 0 && store->hosts_stored < store->hosts.count) {
        int64_t id = store->hosts_stored + 1;

        r = twi_sql_do(query_at(store, QUERY_HOST_ADD), "it", id,
                       twi_origins_origin(&store->hosts, id));
        if (r == 0)
            store->hosts_stored = id;
    }
    return r;
}

static int write_hosts(struct twi_store *store, const struct twi_record_host *host)
{
    int r = 0;

    for (; r == 0 && host != NULL; host = host->next) {
        int64_t id = twi_origins_id(&store->hosts, host->origin);

        if (id < 0)
            return (int)id;
        r = write_new_hosts(store);
        if (r == 0 && host->robots_status != 0)
            r = twi_sql_do(query_at(store, QUERY_HOST_ROBOTS), "biii", host->robots,
                           host->robots_length, (int64_t)host->robots_status,
                           host->robots_until, id);
        if (r == 0)
            r = twi_sql_do(query_at(store, QUERY_HOST_MANNERS), "dii", host->delay,
                           host->not_before, id);
    }
    return r;
}

static int write_cookies(struct twi_store *store, const struct twi_record_cookie *cookie)
{
    int r = 0;

    for (; r == 0 && cookie != NULL; cookie = cookie->next)
        if (cookie->line != NULL)
            r = twi_sql_do(query_at(store, QUERY_COOKIE_SET), "ttt", cookie->jar, cookie->name,
                           cookie->line);
        else
            r = twi_sql_do(query_at(store, QUERY_COOKIE_DROP), "tt", cookie->jar,
                           cookie->name);
    return r;
}

static int write_files(struct twi_store *store, const struct twi_record_file *file)
{
    int r = 0;

    for (; r == 0 && file != NULL; file = file->next)
        r = twi_sql_do(query_at(store, QUERY_FILE), "itttti", (int64_t)file->key, file->path,
                       file->sha256, file->etag, file->modified, file->at);
    return r;
}

static int tally_counts(struct twi_store *store, const struct twi_record_count *count)
{
    int r = 0;

    for (; r == 0 && count != NULL; count = count->next)
        r = twi_tally_add(&store->tally, count->key, count->is_state, count->add, count->text);
    return r;
}

static int write_record(struct twi_store *store, const struct twi_record *record)
{
    int r = write_visits(store, record->visits);

    if (r == 0 && record->url != 0)
        r = write_log(store, record);
    if (r == 0)
        r = write_hosts(store, record->hosts);
    if (r == 0)
        r = write_cookies(store, record->cookies);
    if (r == 0)
        r = write_files(store, record->files);
    if (r == 0)
        r = tally_counts(store, record->counts);
    return r;
}

/* --- what a transaction writes once --------------------------------------------------------- */

static int write_count(struct twi_store *store, const struct twi_tally_count *count)
{
    if (count->is_state)
        return twi_sql_do(query_at(store, QUERY_STATE_ADD), "ti", count->key, count->add);
    if (count->text != NULL)
        return twi_sql_do(query_at(store, QUERY_STAT_SET), "tt", count->key, count->text);
    return twi_sql_do(query_at(store, QUERY_STAT_ADD), "ti", count->key, count->add);
}

static int write_tally(struct twi_store *store)
{
    const struct twi_tally_count *count;
    int r = 0;

    for (size_t slot = 0; slot < TWI_TALLY_SLOTS; slot++)
        for (count = store->tally.slots[slot]; r == 0 && count != NULL; count = count->next)
            r = write_count(store, count);
    return r;
}

static int write_rows(struct twi_store *store, const struct twi_record *records)
{
    int r = 0;

    for (; r == 0 && records != NULL; records = records->next)
        r = write_record(store, records);
    if (r == 0)
        r = write_new_hosts(store);
    if (r == 0)
        r = write_tally(store);
    return r;
}

/* --- transactions --------------------------------------------------------------------------- */

/* The failure in SQLite's words, unless a feed has said why. */
static int store_fail(struct twi_store *store, int error, tw_value *ret_failure)
{
    if (!tw_is_failure(*ret_failure))
        *ret_failure = error == -ENOMEM ? tw_fail_memory()
                                        : twi_sql_failure(store->sql, error);
    return error;
}

/* The purpose of a transaction. */
struct store_task {
    const struct twi_record *records;
    int64_t now;       /* of the frames that are to be closed; 0: none */
    const char *state; /* of the job from here on: its run ends; NULL: it goes on */
    bool is_checkpoint;
};

static int store_fill(struct twi_store *store, const struct store_task *task,
                      tw_value *ret_failure)
{
    const struct twi_record *record;
    int r = 0;

    if (store->sql != NULL)
        r = write_rows(store, task->records);
    for (record = task->records; r == 0 && record != NULL; record = record->next)
        r = twi_tails_add(&store->tails, record, ret_failure);
    if (r == 0 && task->now != 0)
        r = twi_tails_close_frames(&store->tails, task->now, ret_failure);
    if (r == 0 && task->state != NULL)
        r = twi_tails_finish(&store->tails, ret_failure);
    if (r == 0 && task->is_checkpoint)
        r = twi_tails_forget(&store->tails, ret_failure);
    if (r == 0 && task->state != NULL && store->sql != NULL)
        r = twi_sql_do(query_at(store, QUERY_STATE), "t", task->state);
    return r == 0 ? twi_tails_write(&store->tails, ret_failure) : r;
}

/* All of it or nothing. Afterwards applying is due. */
static int store_transact(struct twi_store *store, const struct store_task *task,
                          tw_value *ret_failure)
{
    int64_t hosts_stored = store->hosts_stored;
    int r = 0;

    *ret_failure = tw_none();
    if (store->sql != NULL)
        r = twi_sql_do(query_at(store, QUERY_BEGIN), "");
    if (r == 0)
        r = store_fill(store, task, ret_failure);
    if (r == 0 && store->sql != NULL)
        r = twi_sql_do(query_at(store, QUERY_COMMIT), "");
    twi_tally_clear(&store->tally);
    if (r < 0) {
        store_fail(store, r, ret_failure);
        if (store->sql != NULL)
            twi_sql_rollback(store->sql);
        twi_tails_undo(&store->tails);
        store->hosts_stored = hosts_stored;
    } else {
        store->has_committed = true;
    }
    return r;
}

int twi_store_commit(struct twi_store *store, const struct twi_record *records,
                     tw_value *ret_failure)
{
    return store_transact(store, &(struct store_task){ .records = records }, ret_failure);
}

int twi_store_apply(struct twi_store *store, tw_value *ret_failure)
{
    return twi_tails_apply(&store->tails, ret_failure);
}

/* --- checkpoints ---------------------------------------------------------------------------- */

/*
 * First the feeds' bytes are on the disk, then their rows go, then the database takes in its log. A
 * power failure may take the database back to any commit; each still has the rows from its own
 * `synced` on.
 */
static int store_checkpoint(struct twi_store *store, tw_value *ret_failure)
{
    int r = twi_tails_sync(&store->tails, ret_failure);

    if (r == 0 && store->sql != NULL)
        r = store_transact(store, &(struct store_task){ .is_checkpoint = true }, ret_failure);
    if (r == 0 && store->sql != NULL) {
        r = twi_sql_checkpoint(store->sql, twi_sql_log_bytes(store->sql) > TRUNCATE_BYTES);
        if (r < 0)
            store_fail(store, r, ret_failure);
    }
    return r;
}

static bool checkpoint_is_due(struct twi_store *store, int64_t now)
{
    int64_t bytes = store->sql != NULL ? twi_sql_log_bytes(store->sql) : 0;

    if (!store->has_committed)
        return false;
    if (store->checkpoint_at == 0)
        store->checkpoint_at = now + CHECKPOINT_MS;
    return now >= store->checkpoint_at || bytes >= CHECKPOINT_BYTES;
}

int twi_store_tick(struct twi_store *store, int64_t now, tw_value *ret_failure)
{
    int r = 0;

    if (twi_tails_want_frames(&store->tails, now)) {
        r = store_transact(store, &(struct store_task){ .now = now }, ret_failure);
        if (r == 0)
            r = twi_store_apply(store, ret_failure);
    }
    if (r < 0 || !checkpoint_is_due(store, now))
        return r;
    r = store_checkpoint(store, ret_failure);
    if (r == 0) {
        store->checkpoint_at = 0;
        store->has_committed = false;
    }
    return r;
}

int64_t twi_store_next_tick(const struct twi_store *store, int64_t now)
{
    int64_t wait = CHECKPOINT_MS;

    if (store->checkpoint_at != 0)
        wait = store->checkpoint_at > now ? store->checkpoint_at - now : 0;
    return twi_tails_have_frames(&store->tails) && wait > FRAME_LOOK_MS ? FRAME_LOOK_MS : wait;
}

int twi_store_end(struct twi_store *store, enum twi_job_end end, tw_value *ret_failure)
{
    static const char *const states[] = {
        [TWI_JOB_BROKEN] = NULL, [TWI_JOB_STOPPED] = "stopped", [TWI_JOB_FINISHED] = "finished"
    };
    struct store_task task = { .state = states[end] };
    int r = 0;

    if (store->sql == NULL) /* nothing goes on from here */
        task.state = states[TWI_JOB_FINISHED];
    if (task.state != NULL)
        r = store_transact(store, &task, ret_failure);
    if (r == 0)
        r = twi_store_apply(store, ret_failure);
    return r == 0 ? store_checkpoint(store, ret_failure) : r;
}

/* --- opening -------------------------------------------------------------------------------- */

/* Only what has to be there before anything is written. */
static int store_pragmas(struct twi_store *store, const struct twi_job_options *options)
{
    return twi_sql_run(store->sql, options->power
                                       ? "PRAGMA synchronous=FULL; PRAGMA cache_size=-16384;"
                                         "PRAGMA temp_store=MEMORY"
                                       : "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384;"
                                         "PRAGMA temp_store=MEMORY");
}

/* The log that is written ahead: 0, -ENOTSUP where files cannot be shared by mapping them. */
static int store_write_ahead(struct twi_store *store)
{
    struct twi_sql_query *query;
    const char *mode;
    int r = twi_sql_prepare(store->sql, "PRAGMA journal_mode=WAL", &query);

    if (r < 0)
        return r;
    r = twi_sql_step(query);
    if (r == 1) {
        mode = twi_sql_text(query, 0);
        r = mode != NULL && strcmp(mode, "wal") == 0 ? 0 : -ENOTSUP;
    }
    twi_sql_query_free(query);
    return r < 0 ? r : twi_sql_run(store->sql, "PRAGMA wal_autocheckpoint=0");
}

static int store_upgrade(struct twi_store *store, const struct twi_job_options *options,
                         tw_value *ret_failure)
{
    const char *path = store->folder.database;
    size_t version;
    int r = twi_schema_look(store->sql, path, twi_schema_count, &version, ret_failure);

    if (r < 0)
        return r;
    r = store_pragmas(store, options);
    if (r == 0)
        r = store_write_ahead(store);
    if (r == -ENOTSUP) {
        *ret_failure = twi_job_failure(
            r,
            "%s: its file system cannot keep a job safe (no shared mappings): use another one",
            path);
        return r;
    }
    if (r == 0 && version < twi_schema_count)
        r = twi_schema_apply(store->sql, twi_schema_steps, version, twi_schema_count);
    return r < 0 ? store_fail(store, r, ret_failure) : 0;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The first rows of a new job. */
static int job_begin(struct twi_store *store, const struct twi_job_options *options)
{
    struct twi_sql_query *query;
    uint64_t keys[2];
    int r;

    twi_sql_random(keys, sizeof keys);
    r = twi_sql_prepare(
        store->sql,
        "INSERT INTO job (key, value) VALUES ('spider', ?), ('k0', ?), ('k1', ?),"
        " ('started', ?), ('state', 'running'), ('places', ?)",
        &query);
    if (r < 0)
        return r;
    r = twi_sql_do(query, "tiiii", options->spider, (int64_t)keys[0], (int64_t)keys[1],
                   wall_ms(), (int64_t)options->places);
    twi_sql_query_free(query);
    return r;
}

/* A row of `job` into the facts; *ret_spider, to be freed, if it is that one. */
static int job_read_row(struct twi_store *store, struct twi_sql_query *query,
                        char **ret_spider)
{
    const char *key = twi_sql_text(query, 0), *text;

    if (key == NULL)
        return -EBADMSG;
    if (strcmp(key, "k0") == 0)
        store->facts.key0 = (uint64_t)twi_sql_integer(query, 1);
    else if (strcmp(key, "k1") == 0)
        store->facts.key1 = (uint64_t)twi_sql_integer(query, 1);
    else if (strcmp(key, "started") == 0)
        store->facts.started = twi_sql_integer(query, 1);
    else if (strcmp(key, "spider") == 0) {
        text = twi_sql_text(query, 1);
        *ret_spider = strdup(text != NULL ? text : "");
        return *ret_spider == NULL ? -ENOMEM : 0;
    }
    return 0;
}

static int job_read(struct twi_store *store, char **ret_spider)
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(store->sql,
                            "SELECT key, value FROM job WHERE key IN ('k0', 'k1', 'spider',"
                            " 'started')",
                            &query);

    if (r < 0)
        return r;
    while ((r = twi_sql_step(query)) == 1 && (r = job_read_row(store, query, ret_spider)) == 0)
        ;
    twi_sql_query_free(query);
    return r;
}

/* Whose job it is. */
static int store_enter(struct twi_store *store, const struct twi_job_options *options,
                       tw_value *ret_failure)
{
    char *spider = NULL;
    int r = job_read(store, &spider);

    if (r == 0 && spider == NULL && (r = job_begin(store, options)) == 0)
        r = job_read(store, &spider);
    if (r == 0 && options->spider != NULL && strcmp(spider, options->spider) != 0) {
        *ret_failure = twi_job_failure(
            -EEXIST, "%s is the job of the spider \"%s\", not of \"%s\": name another folder",
            options->folder, spider, options->spider);
        r = -EEXIST;
    } else if (r == 0) {
        r = twi_sql_run(store->sql, "UPDATE job SET value = 'running' WHERE key = 'state'"
                                    " AND value != 'running'");
    }
    if (r < 0 && r != -EEXIST)
        store_fail(store, r, ret_failure);
    free(spider);
    return r;
}

static int store_prepare(struct twi_store *store, tw_value *ret_failure)
{
    int r = 0;

    for (int i = 0; r == 0 && i < QUERY_COUNT; i++)
        r = twi_sql_prepare(store->sql, query_texts[i], &store->queries[i]);
    return r < 0 ? store_fail(store, r, ret_failure) : 0;
}

/* Pages that crash the program fail before the log is read. */
static int store_judge(struct twi_store *store, tw_value *ret_failure)
{
    int64_t last = 0;
    int r = twi_flight_open(&store->flight, store->folder.path, ret_failure);

    if (r < 0)
        return r;
    r = twi_sql_ask(store->sql, "SELECT max(id) FROM url", &last);
    if (r == 0)
        r = twi_flight_judge(&store->flight, store->sql, last, wall_ms());
    return r < 0 ? store_fail(store, r, ret_failure) : 0;
}

/* All that a folder needs. */
static int store_open_folder(struct twi_store *store, const struct twi_job_options *options,
                             tw_value *ret_failure)
{
    int r = twi_folder_open(options->folder, options->is_resume, &store->folder, ret_failure);

    if (r == 0)
        r = twi_sql_open(store->folder.database, TWI_SQL_MAKE, &store->sql, ret_failure);
    if (r == 0)
        r = store_upgrade(store, options, ret_failure);
    if (r == 0)
        r = store_enter(store, options, ret_failure);
    if (r == 0)
        r = store_prepare(store, ret_failure);
    if (r == 0)
        r = store_judge(store, ret_failure);
    if (r < 0)
        return r;
    twi_origins_free(&store->hosts);
    twi_origins_init(&store->hosts, store->facts.key0, store->facts.key1);
    r = twi_recover(store->sql, options, &store->hosts, &store->facts.last_url, ret_failure);
    store->hosts_stored = store->hosts.count;
    return r;
}

int twi_store_open(const struct twi_job_options *options, struct twi_store **ret_store,
                   tw_value *ret_failure)
{
    struct twi_store *store = calloc(1, sizeof *store);
    int r = 0;

    if (store == NULL) {
        *ret_failure = tw_fail_memory();
        return -ENOMEM;
    }
    store->folder.lock = -1;
    twi_origins_init(&store->hosts, 0, 0);
    twi_tally_init(&store->tally);
    if (options->folder != NULL) {
        r = store_open_folder(store, options, ret_failure);
    } else {
        twi_sql_random(&store->facts.key0, sizeof store->facts.key0);
        twi_sql_random(&store->facts.key1, sizeof store->facts.key1);
        store->facts.started = wall_ms();
    }
    if (r == 0)
        r = twi_tails_open(&store->tails, store->sql, options->feeds, options->feed_count,
                           options->spider, store->facts.started, ret_failure);
    if (r < 0) {
        twi_store_free(store);
        return r;
    }
    *ret_store = store;
    return 0;
}

void twi_store_free(struct twi_store *store)
{
    if (store == NULL)
        return;
    twi_tails_free(&store->tails);
    twi_sql_close(store->sql);
    twi_flight_close(&store->flight);
    twi_folder_close(&store->folder);
    twi_origins_free(&store->hosts);
    twi_tally_free(&store->tally);
    free(store);
}

const struct twi_store_facts *twi_store_facts(const struct twi_store *store)
{
    return &store->facts;
}

/* --- reading -------------------------------------------------------------------------------- */

/* A row of QUERY_LOAD; NULL without memory. */
static struct twi_visit *read_visit(struct twi_store *store, struct twi_sql_query *query,
                                    struct twi_arena *arena)
{
    struct twi_visit *visit = twi_arena_zeroed(arena, sizeof *visit);
    const char *path = twi_sql_text(query, 4), *info = twi_sql_text(query, 5);

    if (visit == NULL || path == NULL)
        return NULL;
    visit->id = twi_sql_integer(query, 0);
    visit->parent = twi_sql_integer(query, 1);
    visit->key = (uint64_t)twi_sql_integer(query, 2);
    visit->origin = twi_origins_origin(&store->hosts, twi_sql_integer(query, 3));
    visit->origin = twi_arena_strdup(arena, visit->origin != NULL ? visit->origin : "");
    visit->path = twi_arena_strdup(arena, path);
    visit->info = info != NULL ? twi_arena_strdup(arena, info) : NULL;
    visit->depth = (unsigned)twi_sql_integer(query, 6);
    visit->priority = (int)twi_sql_integer(query, 7);
    return arena->failed ? NULL : visit;
}

int twi_store_load(struct twi_store *store, const int64_t *ids, size_t count,
                   struct twi_arena *arena, struct twi_visit **ret_visits,
                   tw_value *ret_failure)
{
    struct twi_visit **end = ret_visits;
    int r = 0;

    *ret_visits = NULL;
    for (size_t i = 0; store->sql != NULL && i < count; i++) {
        struct twi_sql_query *query = query_at(store, QUERY_LOAD);

        r = twi_sql_bind(query, "i", ids[i]);
        if (r == 0)
            r = twi_sql_step(query);
        if (r == 1) {
            *end = read_visit(store, query, arena);
            r = *end == NULL ? -ENOMEM : 0;
            end = *end != NULL ? &(*end)->next : end;
        }
        twi_sql_reset(query);
        if (r < 0)
            return store_fail(store, r, ret_failure);
    }
    return 0;
}

struct twi_flight *twi_store_flight(struct twi_store *store)
{
    return &store->flight;
}

int twi_store_state(struct twi_store *store,
                    int (*each)(const char *key, int64_t value, void *arg), void *arg,
                    tw_value *ret_failure)
{
    struct twi_sql_query *query;
    int r;

    if (store->sql == NULL)
        return 0;
    r = twi_sql_prepare(
        store->sql, "SELECT substr(key, 6), value FROM job WHERE key GLOB 'user.*'", &query);
    if (r == 0) {
        while ((r = twi_sql_step(query)) == 1 &&
               (r = each(twi_sql_text(query, 0), twi_sql_integer(query, 1), arg)) == 0)
            ;
        twi_sql_query_free(query);
    }
    return r < 0 ? store_fail(store, r, ret_failure) : 0;
}
