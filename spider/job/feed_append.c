/* SPDX-License-Identifier: MIT */
/*
 * feed_append.c - adding to a file, as Scrapy's -o does, where the format allows it.
 *
 * A CSV file that is added to keeps its columns: they are read from its first row. Behind the
 * end of a JSON list or an XML document nothing may follow, and batches are files of one job
 * only.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spider/job/disk.h"
#include "spider/job/feed_append.h"
#include "spider/job/feed_sqlite.h"
#include "spider/text/feed_read.h"

#define HEAD_SIZE (64 << 10) /* of a file: its first row must be in it */

/* --- columns ------------------------------------------------------------------------------- */

struct first_row {
    struct twi_arena *arena;
    struct twi_json *list;
};

static bool take_first_row(const struct twi_csv_cell *cells, size_t count, void *arg)
{
    struct first_row *row = arg;

    row->list = twi_json_new(row->arena, TWI_JSON_LIST);
    for (size_t i = 0; i < count; i++)
        twi_json_append(row->list,
                        twi_json_string(row->arena, cells[i].text, cells[i].length));
    return false;
}

/* The columns that the head of a file names, as JSON; NULL: none. */
static const char *columns_of(struct twi_arena *arena, const char *head, size_t length)
{
    struct first_row row = { .arena = arena };
    struct twi_csv_options options = { .row = take_first_row, .arg = &row };
    struct twi_csv *csv = twi_csv_new(&options);
    struct twi_text columns = { .arena = arena };

    if (csv == NULL)
        return NULL;
    twi_csv_feed(csv, head, length);
    if (length < HEAD_SIZE)
        twi_csv_end(csv);
    twi_csv_free(csv);
    if (row.list == NULL)
        return NULL;
    twi_json_write(&columns, row.list);
    return arena->failed ? NULL : twi_text_string(&columns);
}

/* The first bytes of a file; of its text, if it is compressed. */
static int read_head(const struct twi_feed *feed, const char *path, struct twi_text *head)
{
    char *data = malloc(HEAD_SIZE);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = -1;
    int r = 0;

    if (fd >= 0 && data != NULL)
        n = read(fd, data, HEAD_SIZE);
    if (data == NULL || n < 0)
        r = data == NULL ? -ENOMEM : -errno;
    else
        twi_decompress(feed->name.coding, data, (size_t)n, HEAD_SIZE,
                       head); /* it may be cut */
    if (fd >= 0)
        close(fd);
    free(data);
    return r;
}

/* --- what is there ------------------------------------------------------------------------- */

static int append_csv(struct twi_feed *feed, const char *path, const struct twi_text *head,
                      tw_value *ret_failure)
{
    struct twi_arena arena;
    const char *columns;
    int r;

    twi_arena_init(&arena, 0);
    columns = columns_of(&arena, twi_text_string(head), head->length);
    r = columns != NULL ? twi_feed_take_columns(feed, columns, ret_failure)
                        : twi_feed_refuse(ret_failure, EEXIST,
                                          "feed %s: it can't be added to, as its first "
                                          "row names no columns; -O replaces it",
                                          path);
    twi_arena_free(&arena);
    return r;
}

static int append_rows(struct twi_feed *feed, const char *path, tw_value *ret_failure)
{
    int64_t rows;
    int r = twi_feed_sqlite_rows(path, &rows, ret_failure);

    if (r == 0)
        feed->now.at = feed->now.synced = rows;
    return r;
}

static int append_to(struct twi_feed *feed, const char *path, int64_t size,
                     tw_value *ret_failure)
{
    struct twi_arena arena;
    struct twi_text head = { .arena = &arena };
    int r;

    if (feed->name.kind == TWI_FEED_JSON || feed->name.kind == TWI_FEED_XML)
        return twi_feed_refuse(
            ret_failure, EEXIST,
            "feed %s: it is there, and nothing can be "
            "added behind the end of %s: -O replaces it, jsonl can be added "
            "to",
            path, feed->name.kind == TWI_FEED_JSON ? "a JSON list" : "an XML document");
    if (feed->name.is_sqlite)
        return append_rows(feed, path, ret_failure);
    twi_arena_init(&arena, 0);
    r = read_head(feed, path, &head);
    if (r < 0)
        twi_feed_system(ret_failure, r, "can't be read", path);
    else if (feed->name.coding != TWI_CODING_NONE && head.length == 0)
        r = twi_feed_refuse(ret_failure, EEXIST,
                            "feed %s: it can't be added to, as it is not %s; "
                            "-O replaces it",
                            path, feed->name.format);
    else if (feed->name.kind == TWI_FEED_CSV)
        r = append_csv(feed, path, &head, ret_failure);
    twi_arena_free(&arena);
    if (r == 0)
        feed->now.at = feed->now.synced = size;
    return r;
}

static int meet_file(struct twi_feed *feed, const char *path, tw_value *ret_failure)
{
    struct stat st;
    int r;

    if (stat(path, &st) < 0)
        return errno == ENOENT
                   ? 0
                   : twi_feed_system(ret_failure, -errno, "can't be looked at", path);
    r = twi_feed_check_mode(ret_failure, st.st_mode, path);
    if (r < 0 || st.st_size == 0 || feed->overwrite)
        return r;
    if (!feed->append)
        return twi_feed_refuse(ret_failure, EEXIST,
                               "feed %s: it is there, and not of this job: "
                               "-o adds to it, -O replaces it",
                               path);
    return append_to(feed, path, st.st_size, ret_failure);
}

struct meeting {
    struct twi_feed *feed;
    tw_value *ret_failure;
};

static int meet_batch(const char *path, int64_t batch, void *arg)
{
    struct meeting *meeting = arg;

    (void)batch;
    return twi_feed_refuse(meeting->ret_failure, EEXIST,
                           "feed %s: %s is there, and not of this "
                           "job: -O replaces it, or name others",
                           meeting->feed->name.pattern, path);
}

int twi_feed_meet(struct twi_feed *feed, tw_value *ret_failure)
{
    struct meeting meeting = { feed, ret_failure };
    char *path;
    int r = 0;

    if (feed->name.is_output)
        return 0;
    if (feed->batch > 0) {
        if (!feed->overwrite)
            r = twi_feed_name_scan(&feed->name, 1, meet_batch, &meeting);
        if (r < 0 && r != -EEXIST)
            twi_feed_system(ret_failure, r, "its folder can't be read", feed->name.pattern);
        return r;
    }
    path = twi_feed_name_path(&feed->name, 1);
    if (path == NULL)
        return twi_feed_system(ret_failure, -ENOMEM, "", "");
    r = meet_file(feed, path, ret_failure);
    free(path);
    return r;
}

int twi_feed_look_at_end(struct twi_feed *feed, tw_value *ret_failure)
{
    char *path, last = '\n';
    int fd, r = 0;

    if (feed->now.at == 0 || feed->now.items > 0 || feed->name.is_output ||
        feed->name.is_sqlite || feed->name.coding != TWI_CODING_NONE)
        return 0;
    path = twi_feed_name_path(&feed->name, feed->now.batch);
    if (path == NULL)
        return twi_feed_system(ret_failure, -ENOMEM, "", "");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, &last, 1, (off_t)feed->now.at - 1) < 0)
        r = twi_feed_system(ret_failure, -errno, "can't be read", path);
    if (fd >= 0)
        close(fd);
    free(path);
    feed->wants_newline = last != '\n' && last != '\r';
    return r;
}

/* --- batches that are not committed -------------------------------------------------------- */

static int remove_batch(const char *path, int64_t batch, void *arg)
{
    const struct twi_feed *feed = arg;

    (void)batch;
    return feed->name.is_sqlite ? twi_feed_sqlite_remove(path) : twi_disk_remove(path);
}

/* After a power failure the database may be older than the files: what it does not know of comes
 * again, under the same names. With -O files of an earlier job go. */
int twi_feed_remove_stale(struct twi_feed *feed, tw_value *ret_failure)
{
    int64_t from = feed->is_new ? 1 : feed->now.batch + 1;
    int r;

    if (feed->batch <= 0 || feed->name.is_output || (feed->is_new && !feed->overwrite))
        return 0;
    r = twi_feed_name_scan(&feed->name, from, remove_batch, feed);
    return r < 0 ? twi_feed_system(ret_failure, r, "an old batch can't be removed",
                                   feed->name.pattern)
                 : 0;
}
