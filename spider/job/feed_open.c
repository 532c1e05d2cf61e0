/* SPDX-License-Identifier: MIT */
/*
 * feed_open.c - a feed is opened, and its files become what is committed.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tweed/failure.h>

#include "spider/job/feed_append.h"
#include "spider/job/feed_sqlite.h"

int twi_feed_path(const struct twi_feed_options *options, char **ret_path,
                  tw_value *ret_failure)
{
    struct twi_feed_name name;
    int r = twi_feed_name_read(options, &name, ret_failure);

    if (r < 0)
        return r;
    *ret_path = name.pattern;
    name.pattern = NULL;
    twi_feed_name_free(&name);
    return 0;
}

/* --- opening ------------------------------------------------------------------------------- */

/* A feed's ending, and what it is without items, as they stand in the file. */
static int make_endings(struct twi_feed *feed)
{
    struct twi_text ending = { .arena = &feed->lasting }, empty = { .arena = &feed->lasting };
    bool is_framed = feed->name.coding != TWI_CODING_NONE;

    if (feed->name.is_sqlite)
        return 0;
    twi_feed_end(&feed->writer, &ending);
    twi_feed_begin(&feed->writer, &empty);
    twi_text_add(&empty, ending.data, ending.length);
    if (ending.length > 0)
        feed->ending = twi_compress(&feed->lasting, feed->name.coding, ending.data,
                                    ending.length, &feed->ending_length);
    if (is_framed || empty.length > 0) /* nothing at all is no gzip file */
        feed->empty = twi_compress(&feed->lasting, feed->name.coding, empty.data, empty.length,
                                   &feed->empty_length);
    if ((ending.length > 0 && feed->ending == NULL) ||
        ((is_framed || empty.length > 0) && feed->empty == NULL))
        return -ENOMEM;
    return feed->lasting.failed ? -ENOMEM : 0;
}

static struct twi_feed_target *new_target(struct twi_feed *feed)
{
    if (feed->name.is_output)
        return twi_feed_output_new(&feed->name, feed->empty, feed->empty_length, feed->ending,
                                   feed->ending_length);
    if (feed->name.is_sqlite)
        return twi_feed_sqlite_new(&feed->name);
    return twi_feed_file_new(&feed->name, feed->empty, feed->empty_length, feed->ending,
                             feed->ending_length);
}

/* As it was committed. */
static int take_committed(struct twi_feed *feed, const struct twi_feed_state *state,
                          tw_value *ret_failure)
{
    int r = 0;

    if (strcmp(state->format, feed->name.format) != 0)
        return twi_feed_refuse(ret_failure, EINVAL,
                               "feed %s: it was begun as %s and can't go on "
                               "as %s",
                               feed->name.pattern, state->format, feed->name.format);
    if (state->columns != NULL)
        r = twi_feed_take_columns(feed, state->columns, ret_failure);
    if (r < 0)
        return r;
    feed->now = *state;
    return 0;
}

static int feed_start(struct twi_feed *feed, const struct twi_feed_options *options,
                      const struct twi_feed_state *state, tw_value *ret_failure)
{
    int r = twi_feed_name_read(options, &feed->name, ret_failure);

    if (r < 0)
        return r;
    feed->writer.kind = feed->name.kind;
    feed->batch = options->batch > 0 ? options->batch : 0;
    feed->append = options->append;
    feed->overwrite = options->overwrite;
    feed->is_new = state == NULL;
    feed->now.batch = 1;
    r = make_endings(feed);
    if (r == 0)
        r = twi_feed_take_fields(feed, options->fields);
    if (r < 0)
        return twi_feed_system(ret_failure, r, "", "");
    r = state != NULL ? take_committed(feed, state, ret_failure)
                      : twi_feed_meet(feed, ret_failure);
    if (r < 0)
        return r;
    feed->now.path = feed->name.pattern;
    feed->now.format = feed->name.format;
    feed->now.columns = feed->committed_columns = feed->columns;
    feed->committed = feed->now;
    feed->restored_to = feed->now.synced;
    feed->target = new_target(feed);
    return feed->target != NULL ? 0 : twi_feed_system(ret_failure, -ENOMEM, "", "");
}

int twi_feed_open(const struct twi_feed_options *options, const struct twi_feed_state *state,
                  struct twi_feed **ret_feed, tw_value *ret_failure)
{
    struct twi_feed *feed = calloc(1, sizeof *feed);
    int r;

    if (feed == NULL)
        return twi_feed_system(ret_failure, -ENOMEM, "", "");
    twi_arena_init(&feed->lasting, 0);
    twi_arena_init(&feed->fields, 0);
    twi_arena_init(&feed->turn, 0);
    twi_arena_init(&feed->scratch, 0);
    feed->frame_since = -1;
    r = feed_start(feed, options, state, ret_failure);
    if (r < 0)
        twi_feed_free(feed);
    else
        *ret_feed = feed;
    return r;
}

void twi_feed_free(struct twi_feed *feed)
{
    if (feed == NULL)
        return;
    if (feed->target != NULL)
        feed->target->ops->free(feed->target);
    if (feed->columns != feed->committed_columns)
        free(feed->committed_columns);
    free(feed->columns);
    free(feed->unknown_name);
    free(feed->bytes.data);
    twi_feed_name_free(&feed->name);
    twi_arena_free(&feed->lasting);
    twi_arena_free(&feed->fields);
    twi_arena_free(&feed->turn);
    twi_arena_free(&feed->scratch);
    free(feed);
}

/* --- restoring ----------------------------------------------------------------------------- */

static bool is_finished(const struct twi_feed *feed, int64_t batch)
{
    return feed->batch > 0 && (batch < feed->now.batch || feed->now.state == TWI_FEED_CLOSED);
}

/* Rows of this batch are done. */
static int restore_end(struct twi_feed *feed, tw_value *ret_failure)
{
    int r;

    if (feed->target->batch == 0)
        return 0;
    r = feed->target->ops->settle(feed->target, feed->restored_to, ret_failure);
    if (r == 0 && is_finished(feed, feed->restored_batch))
        r = feed->target->ops->finish(feed->target, ret_failure);
    return r;
}

/* Rows of this batch begin; of a batch that was synced in part, behind that. */
static int restore_begin(struct twi_feed *feed, int64_t batch, int64_t at,
                         tw_value *ret_failure)
{
    int64_t synced = batch == feed->now.batch ? feed->now.synced : at;
    enum twi_feed_found found = TWI_FOUND_STARTED;
    int r = restore_end(feed, ret_failure);

    if (r < 0)
        return r;
    feed->restored_batch = batch;
    feed->restored_to = synced;
    if (is_finished(feed, batch))
        found = TWI_FOUND_FINISHED;
    else if (feed->overwrite && feed->batch == 0 && synced == 0) /* not even a table is kept */
        found = TWI_FOUND_FRESH;
    r = feed->target->ops->open(feed->target, batch, found, synced, ret_failure);
    feed->is_taken_away = r == 1;
    return r < 0 ? r : 0;
}

static int refuse_tail(const struct twi_feed *feed, tw_value *ret_failure)
{
    return twi_feed_refuse(ret_failure, EBADMSG,
                           "feed %s: the job's database lacks items that it "
                           "says it has: it is damaged",
                           feed->name.pattern);
}

static int64_t row_end(const struct twi_feed *feed, const struct twi_feed_write *row)
{
    int64_t end = row->at;

    if (!feed->name.is_sqlite)
        return end + (int64_t)row->length;
    for (size_t i = 0; i < row->length; i++) /* an item a line */
        end += row->data[i] == '\n';
    return end;
}

int twi_feed_restore(struct twi_feed *feed, const struct twi_feed_write *row,
                     tw_value *ret_failure)
{
    int r = 0;

    if (row->is_raw) {
        r = twi_feed_put_bytes(feed, row->data, row->length);
        feed->bytes.kept = feed->bytes.length;
        return r < 0 ? twi_feed_system(ret_failure, r, "", "") : 0;
    }
    if (row->batch != feed->restored_batch)
        r = restore_begin(feed, row->batch, row->at, ret_failure);
    if (r < 0)
        return r;
    if (row->batch > feed->now.batch || (row->at > feed->restored_to && !feed->name.is_output))
        return refuse_tail(feed, ret_failure);
    if (row_end(feed, row) > feed->restored_to)
        feed->restored_to = row_end(feed, row);
    if (feed->is_taken_away)
        return 0;
    feed->is_begun = true;
    return feed->target->ops->put(feed->target, row->at, row->data, row->length, ret_failure);
}

/* Was the last batch renamed? Then it is let alone. */
static bool has_its_name(const struct twi_feed *feed)
{
    char *path = twi_feed_name_path(&feed->name, feed->now.batch);
    char *part = twi_feed_name_part(&feed->name, feed->now.batch);
    bool has = path != NULL && part != NULL && access(part, F_OK) < 0 &&
               access(path, F_OK) == 0;

    free(path);
    free(part);
    return has;
}

/* The batch that goes on, also when the tail has nothing of it. */
static int restore_last(struct twi_feed *feed, tw_value *ret_failure)
{
    int r = 0;

    if (feed->restored_batch != feed->now.batch) {
        if (is_finished(feed, feed->now.batch) && has_its_name(feed))
            return restore_end(feed, ret_failure);
        r = restore_begin(feed, feed->now.batch, feed->now.synced, ret_failure);
    }
    if (r < 0 || feed->is_taken_away)
        return r;
    if (feed->restored_to != feed->now.at && !feed->name.is_output)
        return refuse_tail(feed, ret_failure);
    return restore_end(feed, ret_failure);
}

int twi_feed_settle(struct twi_feed *feed, tw_value *ret_failure)
{
    int r = 0;

    if (feed->now.raw != (int64_t)feed->bytes.kept)
        return refuse_tail(feed, ret_failure);
    if (feed->is_new)
        r = twi_feed_remove_stale(feed, ret_failure);
    if (r == 0)
        r = restore_last(feed, ret_failure);
    if (r == 0 && !feed->is_new)
        r = twi_feed_remove_stale(feed, ret_failure);
    if (r == 0)
        r = twi_feed_look_at_end(feed, ret_failure);
    if (r == 0)
        feed->is_reopened = false;
    return r;
}
