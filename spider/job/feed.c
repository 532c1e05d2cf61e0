/* SPDX-License-Identifier: MIT */
/*
 * feed.c - a feed's transactions.
 *
 * A transaction changes `now` and appends to `bytes`; rows are made when a batch or a frame is
 * closed, and at the end. Undoing it cuts `bytes` to what was committed. Once committed, the rows
 * are due until each has been written.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/failure.h>

#include "spider/job/feed_core.h"

#define FRAME_SIZE (256 << 10) /* of items, in bytes */
#define FRAME_MS 5000

/* --- rows ---------------------------------------------------------------------------------- */

static bool is_compressed(const struct twi_feed *feed)
{
    return feed->name.coding != TWI_CODING_NONE;
}

static size_t bytes_open(const struct feed_bytes *bytes)
{
    return bytes->length - bytes->start;
}

static struct feed_row *add_row(struct twi_feed *feed, bool is_raw, int64_t at,
                                const char *data, size_t length)
{
    struct feed_row *row = twi_arena_zeroed(&feed->turn, sizeof *row);

    if (row == NULL)
        return NULL;
    row->write = (struct twi_feed_write){
        .batch = feed->now.batch, .at = at, .is_raw = is_raw, .data = data, .length = length
    };
    if (feed->last != NULL)
        feed->last->write.next = &row->write;
    else
        feed->first = row;
    feed->last = row;
    return row;
}

/* The open frame becomes a row for the file. */
static int close_bytes(struct twi_feed *feed)
{
    struct feed_bytes *bytes = &feed->bytes;
    size_t length = bytes_open(bytes);
    struct feed_row *row;
    const char *data;

    if (length == 0)
        return 0;
    if (is_compressed(feed))
        data = twi_compress(&feed->turn, feed->name.coding, bytes->data + bytes->start, length,
                            &length);
    else
        data = twi_arena_copy(&feed->turn, bytes->data + bytes->start, length);
    row = data != NULL ? add_row(feed, false, feed->now.at, data, length) : NULL;
    if (row == NULL)
        return -ENOMEM;
    feed->now.at += feed->name.is_sqlite ? (int64_t)feed->items_in_bytes : (int64_t)length;
    row->end = feed->now.at;
    feed->now.raw = 0;
    if (bytes->start < bytes->kept)
        feed->drops_raw = true;
    bytes->start = bytes->length;
    feed->items_in_bytes = 0;
    return 0;
}

/* The open frame goes on: only what is new in it becomes a row. */
static int add_raw(struct twi_feed *feed)
{
    struct feed_bytes *bytes = &feed->bytes;
    size_t from = bytes->kept > bytes->start ? bytes->kept : bytes->start;

    feed->now.raw = (int64_t)bytes_open(bytes);
    if (from == bytes->length)
        return 0;
    return add_row(feed, true, (int64_t)(from - bytes->start), bytes->data + from,
                   bytes->length - from) != NULL
               ? 0
               : -ENOMEM;
}

/* --- batches ------------------------------------------------------------------------------- */

static int close_batch(struct twi_feed *feed)
{
    int r = close_bytes(feed);

    if (r == 0)
        feed->now.state = TWI_FEED_CLOSED;
    return r;
}

/* An item comes: a closed batch is followed by the next, a closed file goes on. */
static void open_batch(struct twi_feed *feed)
{
    if (feed->now.state == TWI_FEED_OPEN)
        return;
    feed->now.state = TWI_FEED_OPEN;
    if (feed->batch <= 0)
        return;
    if (feed->last != NULL)
        feed->last->ends_batch = true;
    feed->now.batch++;
    feed->now.at = feed->now.items = feed->now.synced = feed->now.raw = 0;
}

static bool is_busy(const struct twi_feed *feed)
{
    return feed->is_due || feed->is_reopened;
}

static int refuse_busy(const struct twi_feed *feed, tw_value *ret_failure)
{
    return twi_feed_refuse(ret_failure, EBUSY, "feed %s: its rows must be written first",
                           feed->name.pattern);
}

static bool is_at_start(const struct twi_feed *feed)
{
    if (bytes_open(&feed->bytes) > 0)
        return false;
    return feed->name.is_output ? !feed->is_begun && feed->first == NULL : feed->now.at == 0;
}

static int put_beginning(struct twi_feed *feed)
{
    struct twi_text text = { .arena = &feed->scratch };

    twi_arena_reset(&feed->scratch);
    if (feed->wants_newline && feed->now.items == 0)
        twi_text_puts(&text, "\n");
    if (is_at_start(feed) && !feed->name.is_sqlite)
        twi_feed_begin(&feed->writer, &text);
    if (feed->scratch.failed)
        return -ENOMEM;
    return twi_feed_put_bytes(feed, text.data, text.length);
}

int twi_feed_add(struct twi_feed *feed, const char *json, size_t length, const char *id,
                 tw_value *ret_failure)
{
    bool is_first;
    int r;

    if (is_busy(feed))
        return refuse_busy(feed, ret_failure);
    open_batch(feed);
    is_first = is_at_start(feed);
    r = put_beginning(feed);
    if (r < 0)
        return twi_feed_system(ret_failure, r, "", "");
    r = twi_feed_put_item(feed, json, length, id, is_first, ret_failure);
    if (r < 0)
        return r;
    feed->now.items++;
    feed->items_in_bytes++;
    if (feed->batch > 0 && feed->now.items >= feed->batch)
        r = close_batch(feed);
    return r < 0 ? twi_feed_system(ret_failure, r, "", "") : 0;
}

int twi_feed_close_frame(struct twi_feed *feed)
{
    return is_busy(feed) ? -EBUSY : close_bytes(feed);
}

int twi_feed_finish(struct twi_feed *feed)
{
    return is_busy(feed) ? -EBUSY : close_batch(feed);
}

/* --- the end of a transaction -------------------------------------------------------------- */

int twi_feed_writes(struct twi_feed *feed, const struct twi_feed_write **ret_first,
                    bool *ret_drop_raw)
{
    int r;

    if (is_compressed(feed) && bytes_open(&feed->bytes) < FRAME_SIZE)
        r = add_raw(feed);
    else
        r = close_bytes(feed);
    *ret_first = feed->first != NULL ? &feed->first->write : NULL;
    *ret_drop_raw = feed->drops_raw;
    return r;
}

const struct twi_feed_state *twi_feed_state(const struct twi_feed *feed)
{
    return &feed->now;
}

/* Neither rows nor anything that they point to is wanted any longer. */
static void turn_reset(struct twi_feed *feed)
{
    feed->first = feed->last = NULL;
    feed->drops_raw = false;
    twi_arena_reset(&feed->turn);
}

void twi_feed_undo(struct twi_feed *feed)
{
    if (feed->is_due)
        return;
    twi_feed_drop_columns(feed);
    feed->now = feed->committed;
    feed->bytes.length = feed->bytes.kept;
    feed->bytes.start = 0;
    feed->items_in_bytes = 0;
    turn_reset(feed);
}

/* The transaction is the truth now. */
static void commit(struct twi_feed *feed)
{
    struct feed_bytes *bytes = &feed->bytes;

    if (feed->columns != feed->committed_columns)
        free(feed->committed_columns);
    feed->committed_columns = feed->columns;
    feed->committed = feed->now;
    if (feed->now.raw == 0)
        feed->frame_since = -1;
    feed->is_due = true;
    bytes->length -=
        bytes->start; /* raw rows point into it, but only files are still written */
    if (bytes->start > 0 && bytes->length > 0)
        memmove(bytes->data, bytes->data + bytes->start, bytes->length);
    bytes->start = 0;
    bytes->kept = bytes->length;
}

/* --- writing ------------------------------------------------------------------------------- */

static int ensure_open(struct twi_feed *feed, int64_t batch, int64_t at, tw_value *ret_failure)
{
    if (feed->target->batch == batch)
        return 0;
    return feed->target->ops->open(
        feed->target, batch, at == 0 ? TWI_FOUND_FRESH : TWI_FOUND_STARTED, at, ret_failure);
}

static int finish_batch(struct twi_feed *feed, int64_t batch, int64_t end,
                        tw_value *ret_failure)
{
    int r = feed->target->ops->end(feed->target, end, ret_failure);

    if (r == 0)
        r = feed->target->ops->finish(feed->target, ret_failure);
    if (r == 0 && feed->batch > 0)
        feed->kept_batches = batch + 1;
    return r;
}

static int apply_row(struct twi_feed *feed, struct feed_row *row, tw_value *ret_failure)
{
    const struct twi_feed_write *write = &row->write;
    int r = ensure_open(feed, write->batch, write->at, ret_failure);

    if (r == 0)
        r = feed->target->ops->put(feed->target, write->at, write->data, write->length,
                                   ret_failure);
    if (r == 0 && row->ends_batch)
        r = finish_batch(feed, write->batch, row->end, ret_failure);
    if (r == 0)
        feed->is_begun = true;
    return r;
}

static int apply_rows(struct twi_feed *feed, tw_value *ret_failure)
{
    for (struct feed_row *row = feed->first; row != NULL;
         row = (struct feed_row *)(uintptr_t)row->write.next) {
        int r = row->is_applied || row->write.is_raw ? 0 : apply_row(feed, row, ret_failure);
        if (r < 0)
            return r;
        row->is_applied = true;
    }
    return 0;
}

/* A batch that has raw rows only has a file all the same. */
static int apply_state(struct twi_feed *feed, tw_value *ret_failure)
{
    int r;

    if (feed->now.state == TWI_FEED_CLOSED)
        return feed->target->batch == feed->now.batch
                   ? finish_batch(feed, feed->now.batch, feed->now.at, ret_failure)
                   : 0;
    r = ensure_open(feed, feed->now.batch, feed->now.at, ret_failure);
    return r < 0 ? r : feed->target->ops->end(feed->target, feed->now.at, ret_failure);
}

int twi_feed_apply(struct twi_feed *feed, tw_value *ret_failure)
{
    int r;

    if (feed->is_reopened)
        return refuse_busy(feed, ret_failure);
    if (!feed->is_due)
        commit(feed);
    r = apply_rows(feed, ret_failure);
    if (r == 0)
        r = apply_state(feed, ret_failure);
    if (r < 0)
        return r;
    feed->is_due = false;
    turn_reset(feed);
    return 0;
}

/* --- now and then -------------------------------------------------------------------------- */

bool twi_feed_wants_frame(struct twi_feed *feed, int64_t now_ms)
{
    size_t length = feed->bytes.kept;

    if (!is_compressed(feed) || length == 0)
        return false;
    if (feed->frame_since < 0)
        feed->frame_since = now_ms;
    return length >= FRAME_SIZE || now_ms - feed->frame_since >= FRAME_MS;
}

int twi_feed_sync(struct twi_feed *feed, tw_value *ret_failure)
{
    int r;

    if (is_busy(feed))
        return refuse_busy(feed, ret_failure);
    r = feed->target->ops->sync(feed->target, ret_failure);
    if (r == 0)
        feed->now.synced = feed->committed.synced = feed->now.at;
    return r;
}

bool twi_feed_is_lost(const struct twi_feed *feed)
{
    return feed->is_reopened || feed->target->lost != 0;
}

void twi_feed_reopen(struct twi_feed *feed)
{
    feed->target->ops->close(feed->target);
    feed->now = feed->committed;
    feed->bytes.length = feed->bytes.kept = feed->bytes.start = 0;
    feed->is_due = feed->is_new = feed->is_taken_away = false;
    feed->restored_batch = 0;
    feed->restored_to = feed->now.synced;
    feed->is_reopened = true;
    turn_reset(feed);
}

void twi_feed_forgive(struct twi_feed *feed)
{
    feed->target->lost = 0;
}

int64_t twi_feed_kept_batches(const struct twi_feed *feed)
{
    return feed->kept_batches;
}

int64_t twi_feed_unknown(struct twi_feed *feed, const char **ret_name)
{
    int64_t count = feed->unknown;

    *ret_name = feed->unknown_name;
    feed->unknown = 0;
    return count;
}
