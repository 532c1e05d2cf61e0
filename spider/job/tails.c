/* SPDX-License-Identifier: MIT */
/*
 * tails.c - the feeds of a job and their rows.
 *
 * A feed's bytes are rows of `tail` before they are in its file, and the row of `feed` says how
 * long the file then is; both are committed with the pages that the items come from. Rows of a
 * feed that this run was not asked for stay as they are, until a run is.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/job/error.h"
#include "spider/job/tails.h"

struct twi_tail {
    struct twi_feed *feed;
    char *path;   /* as in its row */
    int64_t id;   /* of its row; 0: it has none yet */
    int64_t kept; /* batches below it have no rows any more */
};

static const char *const tails_texts[TAILS_QUERIES] = {
    [TAILS_ADD] = "INSERT INTO tail (feed, batch, at, raw, data) VALUES (?, ?, ?, ?, ?)",
    [TAILS_DROP_RAW] = "DELETE FROM tail WHERE feed = ? AND raw = 1",
    [TAILS_DROP_WRITTEN] = "DELETE FROM tail WHERE feed = ? AND raw = 0",
    [TAILS_DROP_BATCHES] = "DELETE FROM tail WHERE feed = ? AND batch < ?",
    [TAILS_SET_FEED] =
        ("INSERT OR REPLACE INTO feed (id, path, format, columns, batch, items, at,"
         " synced, raw, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
};

static int tails_fail(struct twi_tails *tails, int error, tw_value *ret_failure)
{
    if (error == -ENOMEM)
        *ret_failure = tw_fail_memory();
    else if (tails->sql == NULL)
        *ret_failure = tw_fail_errno(&tw_error_job, error);
    else
        *ret_failure = twi_sql_failure(tails->sql, error);
    return error;
}

/* --- opening -------------------------------------------------------------------------------- */

/* The feed's row, if there is one; its strings live as long as the query's row. */
static int tail_find(struct twi_tail *tail, struct twi_sql_query *query,
                     struct twi_feed_state *state)
{
    int r = twi_sql_bind(query, "t", tail->path);

    if (r == 0)
        r = twi_sql_step(query);
    if (r <= 0)
        return r;
    tail->id = twi_sql_integer(query, 0);
    *state = (struct twi_feed_state){ .path = tail->path,
                                      .format = twi_sql_text(query, 1),
                                      .columns = twi_sql_text(query, 2),
                                      .batch = twi_sql_integer(query, 3),
                                      .items = twi_sql_integer(query, 4),
                                      .at = twi_sql_integer(query, 5),
                                      .synced = twi_sql_integer(query, 6),
                                      .raw = twi_sql_integer(query, 7),
                                      .state = (int)twi_sql_integer(query, 8) };
    return 1;
}

static int refuse_twin(const char *path, tw_value *ret_failure)
{
    *ret_failure = twi_job_failure(-EINVAL, "two feeds write %s: give each a name of its own",
                                   path);
    return -EINVAL;
}

static int tail_open(struct twi_tails *tails, size_t at,
                     const struct twi_feed_options *options, struct twi_sql_query *query,
                     tw_value *ret_failure)
{
    struct twi_tail *tail = &tails->tails[at];
    struct twi_feed_state state;
    int r = twi_feed_path(options, &tail->path, ret_failure);

    for (size_t i = 0; r == 0 && i < at; i++)
        if (strcmp(tails->tails[i].path, tail->path) == 0)
            return refuse_twin(tail->path, ret_failure);
    if (r < 0)
        return r;
    r = query != NULL ? tail_find(tail, query, &state) : 0;
    if (r < 0)
        return tails_fail(tails, r, ret_failure);
    r = twi_feed_open(options, r == 1 ? &state : NULL, &tail->feed, ret_failure);
    if (query != NULL)
        twi_sql_reset(query);
    return r;
}

static int tails_open_each(struct twi_tails *tails, const struct twi_feed_options *options,
                           const char *spider, int64_t started, tw_value *ret_failure)
{
    struct twi_sql_query *query = NULL;
    int r = 0;

    if (tails->sql != NULL)
        r = twi_sql_prepare(tails->sql,
                            "SELECT id, format, columns, batch, items, at, synced, raw, state"
                            " FROM feed WHERE path = ?",
                            &query);
    if (r < 0)
        return tails_fail(tails, r, ret_failure);
    for (size_t i = 0; r == 0 && i < tails->count; i++) {
        struct twi_feed_options filled = options[i];

        filled.spider = spider;
        filled.started = started;
        r = tail_open(tails, i, &filled, query, ret_failure);
    }
    if (query != NULL)
        twi_sql_query_free(query);
    return r;
}

static int tail_set_row(struct twi_tails *tails, struct twi_tail *tail)
{
    const struct twi_feed_state *state = twi_feed_state(tail->feed);

    return twi_sql_do(tails->queries[TAILS_SET_FEED], "itttiiiiii", tail->id, state->path,
                      state->format, state->columns, state->batch, state->items, state->at,
                      state->synced, state->raw, (int64_t)state->state);
}

static bool tails_has_new(const struct twi_tails *tails)
{
    for (size_t i = 0; i < tails->count; i++)
        if (tails->tails[i].id == 0)
            return true;
    return false;
}

static int tails_insert_new(struct twi_tails *tails, int64_t id)
{
    int r = twi_sql_run(tails->sql, "BEGIN IMMEDIATE");

    for (size_t i = 0; r == 0 && i < tails->count; i++)
        if (tails->tails[i].id == 0) {
            tails->tails[i].id = ++id;
            r = tail_set_row(tails, &tails->tails[i]);
        }
    return r == 0 ? twi_sql_run(tails->sql, "COMMIT") : r;
}

/* Before a feed's file is on the disk a row says that it is ours, and is on the disk itself: a
 * power failure must not leave a file that no job knows. */
static int tails_own(struct twi_tails *tails, tw_value *ret_failure)
{
    int64_t id = 0, synchronous = 0;
    char restore[64];
    int r = 0;

    if (tails->sql == NULL)
        return 0;
    for (int i = 0; r == 0 && i < TAILS_QUERIES; i++)
        r = twi_sql_prepare(tails->sql, tails_texts[i], &tails->queries[i]);
    if (r == 0)
        r = twi_sql_ask(tails->sql, "SELECT max(id) FROM feed", &id);
    if (r == 0)
        r = twi_sql_ask(tails->sql, "PRAGMA synchronous", &synchronous);
    if (r == 0)
        r = twi_sql_run(tails->sql, "PRAGMA synchronous=FULL");
    if (r == 0 && tails_has_new(tails))
        r = tails_insert_new(tails, id);
    snprintf(restore, sizeof restore, "PRAGMA synchronous=%d", (int)synchronous);
    if (r == 0)
        r = twi_sql_run(tails->sql, restore);
    return r < 0 ? tails_fail(tails, r, ret_failure) : 0;
}

static int tail_restore(struct twi_tails *tails, struct twi_tail *tail,
                        struct twi_sql_query *query, tw_value *ret_failure)
{
    int r = twi_sql_bind(query, "i", tail->id);

    if (r < 0)
        return tails_fail(tails, r, ret_failure);
    while ((r = twi_sql_step(query)) == 1) {
        struct twi_feed_write row = { .batch = twi_sql_integer(query, 0),
                                      .at = twi_sql_integer(query, 1),
                                      .is_raw = twi_sql_integer(query, 2) != 0 };

        row.data = twi_sql_bytes(query, 3, &row.length);
        r = twi_feed_restore(tail->feed, &row, ret_failure);
        if (r < 0)
            return r;
    }
    return r < 0 ? tails_fail(tails, r, ret_failure) : 0;
}

/* Its file becomes what is committed. */
static int tail_settle(struct twi_tails *tails, struct twi_tail *tail, tw_value *ret_failure)
{
    struct twi_sql_query *query = NULL;
    int r = 0;

    if (tails->sql != NULL) {
        r = twi_sql_prepare(
            tails->sql, "SELECT batch, at, raw, data FROM tail WHERE feed = ? ORDER BY rowid",
            &query);
        if (r < 0)
            return tails_fail(tails, r, ret_failure);
        r = tail_restore(tails, tail, query, ret_failure);
        twi_sql_query_free(query);
    }
    return r < 0 ? r : twi_feed_settle(tail->feed, ret_failure);
}

static int tails_settle(struct twi_tails *tails, tw_value *ret_failure)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < tails->count; i++)
        r = tail_settle(tails, &tails->tails[i], ret_failure);
    return r;
}

/* After a sync that failed the file is written once more, from the rows that it still has. */
static int tail_mend(struct twi_tails *tails, struct twi_tail *tail, tw_value *ret_failure)
{
    if (!twi_feed_is_lost(tail->feed))
        return 0;
    if (tails->sql == NULL) {
        twi_feed_forgive(tail->feed);
        return twi_feed_apply(tail->feed, ret_failure);
    }
    twi_feed_reopen(tail->feed);
    return tail_settle(tails, tail, ret_failure);
}

int twi_tails_open(struct twi_tails *tails, struct twi_sql *sql,
                   const struct twi_feed_options *options, size_t count, const char *spider,
                   int64_t started, tw_value *ret_failure)
{
    int r;

    *tails = (struct twi_tails){ .sql = sql };
    if (count == 0)
        return 0;
    tails->tails = calloc(count, sizeof *tails->tails);
    if (tails->tails == NULL) {
        *ret_failure = tw_fail_memory();
        return -ENOMEM;
    }
    tails->count = count;
    r = tails_open_each(tails, options, spider, started, ret_failure);
    if (r == 0)
        r = tails_own(tails, ret_failure);
    if (r == 0)
        r = tails_settle(tails, ret_failure);
    return r;
}

void twi_tails_free(struct twi_tails *tails)
{
    for (size_t i = 0; i < tails->count; i++) {
        if (tails->tails[i].feed != NULL)
            twi_feed_free(tails->tails[i].feed);
        free(tails->tails[i].path);
    }
    free(tails->tails);
    *tails = (struct twi_tails){ 0 };
}

/* --- within a transaction ------------------------------------------------------------------- */

static int tails_add_item(struct twi_tails *tails, int64_t url,
                          const struct twi_record_item *item, tw_value *ret_failure)
{
    char id[48];
    int r = 0;

    snprintf(id, sizeof id, "%" PRId64 "-%u", url, item->ordinal);
    for (size_t i = 0; r == 0 && i < tails->count; i++)
        if (item->feeds >> i & 1)
            r = twi_feed_add(tails->tails[i].feed, item->json, item->length, id, ret_failure);
    return r;
}

int twi_tails_add(struct twi_tails *tails, const struct twi_record *record,
                  tw_value *ret_failure)
{
    const struct twi_record_item *item;
    int r = 0;

    for (item = record->items; r == 0 && item != NULL; item = item->next) {
        tails->is_touched = true;
        r = tails_add_item(tails, record->url, item, ret_failure);
    }
    return r;
}

int twi_tails_close_frames(struct twi_tails *tails, int64_t now, tw_value *ret_failure)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < tails->count; i++)
        if (twi_feed_wants_frame(tails->tails[i].feed, now)) {
            tails->is_touched = true;
            r = twi_feed_close_frame(tails->tails[i].feed);
        }
    return r < 0 ? tails_fail(tails, r, ret_failure) : 0;
}

int twi_tails_finish(struct twi_tails *tails, tw_value *ret_failure)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < tails->count; i++) {
        tails->is_touched = true;
        r = twi_feed_finish(tails->tails[i].feed);
    }
    return r < 0 ? tails_fail(tails, r, ret_failure) : 0;
}

/* Batches that stand under their names may be taken away: no start may look for them. */
static int drop_batches(struct twi_tails *tails, struct twi_tail *tail)
{
    int64_t kept = twi_feed_kept_batches(tail->feed);
    int r = 0;

    if (kept > tail->kept)
        r = twi_sql_do(tails->queries[TAILS_DROP_BATCHES], "ii", tail->id, kept);
    tail->kept = kept;
    return r;
}

static int tail_write(struct twi_tails *tails, struct twi_tail *tail)
{
    const struct twi_feed_write *row;
    bool drop_raw = false;
    int r = twi_feed_writes(tail->feed, &row, &drop_raw);

    if (r < 0 || tails->sql == NULL)
        return r;
    if (drop_raw)
        r = twi_sql_do(tails->queries[TAILS_DROP_RAW], "i", tail->id);
    if (r == 0)
        r = drop_batches(tails, tail);
    for (; r == 0 && row != NULL; row = row->next)
        r = twi_sql_do(tails->queries[TAILS_ADD], "iiiib", tail->id, row->batch, row->at,
                       (int64_t)row->is_raw, (const void *)row->data, row->length);
    return r == 0 ? tail_set_row(tails, tail) : r;
}

int twi_tails_write(struct twi_tails *tails, tw_value *ret_failure)
{
    int r = 0;

    for (size_t i = 0; tails->is_touched && r == 0 && i < tails->count; i++)
        r = tail_write(tails, &tails->tails[i]);
    return r < 0 ? tails_fail(tails, r, ret_failure) : 0;
}

/* --- behind it ------------------------------------------------------------------------------ */

void twi_tails_undo(struct twi_tails *tails)
{
    for (size_t i = 0; tails->is_touched && i < tails->count; i++) {
        twi_feed_undo(tails->tails[i].feed);
        tails->tails[i].kept = 0; /* its rows may be there again */
    }
    tails->is_touched = false;
}

int twi_tails_apply(struct twi_tails *tails, tw_value *ret_failure)
{
    int r = 0;

    for (size_t i = 0; tails->is_touched && r == 0 && i < tails->count; i++) {
        struct twi_tail *tail = &tails->tails[i];

        r = twi_feed_apply(tail->feed, ret_failure);
        if (r < 0 && twi_feed_is_lost(tail->feed)) {
            tw_release(*ret_failure);
            r = tail_mend(tails, tail, ret_failure);
        }
    }
    if (r == 0)
        tails->is_touched = false;
    return r;
}

/* --- checkpoints ---------------------------------------------------------------------------- */

int twi_tails_sync(struct twi_tails *tails, tw_value *ret_failure)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < tails->count; i++) {
        r = tail_mend(tails, &tails->tails[i], ret_failure);
        if (r == 0)
            r = twi_feed_sync(tails->tails[i].feed, ret_failure);
    }
    return r;
}

int twi_tails_forget(struct twi_tails *tails, tw_value *ret_failure)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < tails->count; i++) {
        r = twi_sql_do(tails->queries[TAILS_DROP_WRITTEN], "i", tails->tails[i].id);
        if (r == 0)
            r = tail_set_row(tails, &tails->tails[i]);
    }
    return r < 0 ? tails_fail(tails, r, ret_failure) : 0;
}

bool twi_tails_want_frames(const struct twi_tails *tails, int64_t now)
{
    for (size_t i = 0; i < tails->count; i++)
        if (twi_feed_wants_frame(tails->tails[i].feed, now))
            return true;
    return false;
}

bool twi_tails_have_frames(const struct twi_tails *tails)
{
    for (size_t i = 0; i < tails->count; i++)
        if (twi_feed_state(tails->tails[i].feed)->raw > 0)
            return true;
    return false;
}
