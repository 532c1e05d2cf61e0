/* SPDX-License-Identifier: MIT */
/*
 * feed_sqlite.c - a feed in a SQLite database.
 *
 * The n-th item is the row whose key _n is n, so a database goes back to what is committed as
 * a file is cut: rows behind that go. (Keys made of items' ids would not do: a later job that
 * adds to the database has the same ids, and after a power failure pages get other ones.)
 * Each member of items is a column, added when it first occurs, of the type that it then has;
 * lists and objects are JSON. _item is the item as it was: columns have no way to tell true
 * from 1, keep numbers of many digits, or say that a member was not there. _id is the item's
 * id.
 *
 * The write-ahead log lets others read while it grows; a database that is finished is one file.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spider/job/disk.h"
#include "spider/job/error.h"
#include "spider/job/feed_sqlite.h"
#include "spider/job/sql.h"
#include "spider/text/decimal.h"
#include "spider/text/json.h"
#include "spider/text/utf8.h"

#define MOST_COLUMNS 200 /* what does not fit stands in _item */
#define OWN_COLUMNS 3    /* _n, _id, _item */

struct feed_database {
    struct twi_feed_target base;
    /* Of the file, which it locks. Closed behind `sql`: whoever closes a file takes away the
     * locks that SQLite has on it. -1: none. */
    int fd;
    struct twi_sql *sql;
    struct twi_sql_query *insert; /* NULL: to be made for the columns that there are */
    char *path;
    char *columns[MOST_COLUMNS]; /* of members, in the order of `insert` */
    int count;
    bool is_folder_dirty;
    struct twi_arena scratch;
};

static struct feed_database *database_of(struct twi_feed_target *target)
{
    return (struct feed_database *)target;
}

static int database_failed(struct feed_database *base, int r, tw_value *ret_failure)
{
    if (r == -ENOMEM || base->sql == NULL)
        return twi_feed_system(ret_failure, r, "can't be used", base->path);
    *ret_failure = twi_sql_failure(base->sql, r);
    return r;
}

static void database_forget_columns(struct feed_database *base)
{
    while (base->count > 0)
        free(base->columns[--base->count]);
    twi_sql_query_free(base->insert);
    base->insert = NULL;
}

static void database_disconnect(struct feed_database *base)
{
    database_forget_columns(base);
    twi_sql_close(base->sql);
    base->sql = NULL;
    if (base->fd >= 0)
        twi_disk->close(base->fd);
    base->fd = -1;
}

static void database_close(struct feed_database *base)
{
    database_disconnect(base);
    free(base->path);
    base->path = NULL;
    base->base.lost = 0;
    base->base.batch = 0;
}

/* --- files --------------------------------------------------------------------------------- */

int twi_feed_sqlite_remove(const char *path)
{
    static const char *const beside[] = { "", "-wal", "-shm", "-journal" };
    size_t size = strlen(path) + 16;
    char *name = malloc(size);
    int r = name != NULL ? 0 : -ENOMEM;

    for (size_t i = 0; i < sizeof beside / sizeof *beside && r == 0; i++) {
        snprintf(name, size, "%s%s", path, beside[i]);
        r = twi_disk_remove(name);
    }
    free(name);
    return r;
}

/* A batch that has its name is taken back. True if a database is there. */
static bool database_is_there(struct feed_database *base, int64_t batch, int *ret_r)
{
    struct stat st;
    char *path;

    *ret_r = 0;
    if (stat(base->path, &st) == 0)
        return true;
    path = twi_feed_name_path(base->base.name, batch);
    if (path == NULL)
        *ret_r = -ENOMEM;
    else if (strcmp(path, base->path) != 0)
        *ret_r = twi_disk_rename(path, base->path);
    else
        *ret_r = -ENOENT;
    free(path);
    if (*ret_r == 0)
        return true;
    if (*ret_r == -ENOENT)
        *ret_r = 0;
    return false;
}

/* Another crawl's database stays. */
static int refuse_locked(const char *path, tw_value *ret_failure)
{
    int fd = twi_disk_open(path, O_RDWR | O_NONBLOCK), r = 0;

    if (fd < 0) /* making it will tell why */
        return 0;
    r = twi_feed_lock(ret_failure, fd, path);
    twi_disk->close(fd);
    return r;
}

static int make_way(const char *path, tw_value *ret_failure)
{
    int r = twi_disk_make_folders(path);

    if (r == 0)
        r = twi_feed_sqlite_remove(path);
    return r < 0 ? twi_feed_system(ret_failure, r, "can't be made", path) : 0;
}

/* 1: it has been taken away. */
static int database_find(struct feed_database *base, int64_t batch, enum twi_feed_found found,
                         int64_t synced, tw_value *ret_failure)
{
    struct stat st;
    int r = 0;

    if (found == TWI_FOUND_FRESH) {
        r = refuse_locked(base->path, ret_failure);
        return r < 0 ? r : make_way(base->path, ret_failure);
    }
    if (database_is_there(base, batch, &r))
        return stat(base->path, &st) == 0
                   ? twi_feed_check_mode(ret_failure, st.st_mode, base->path)
                   : twi_feed_system(ret_failure, -errno, "can't be looked at", base->path);
    if (r == 0 && synced == 0)
        r = twi_disk_make_folders(base->path);
    else if (r == 0)
        return found == TWI_FOUND_FINISHED
                   ? 1
                   : twi_feed_refuse(ret_failure, ENOENT,
                                     "feed %s: it is gone, but %lld items of it were on the "
                                     "disk: put it back, or begin a new job",
                                     base->path, (long long)synced);
    return r < 0 ? twi_feed_system(ret_failure, r, "can't be made", base->path) : 0;
}

/* --- the table ----------------------------------------------------------------------------- */

static int rows_of(struct twi_sql *sql, int64_t *ret_rows)
{
    return twi_sql_ask(sql, "SELECT coalesce(max(_n), 0) FROM items", ret_rows);
}

static bool is_own_column(const char *name)
{
    return strcasecmp(name, "_n") == 0 || strcasecmp(name, "_id") == 0 ||
           strcasecmp(name, "_item") == 0;
}

static int database_read_columns(struct feed_database *base)
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(base->sql, "PRAGMA table_info(items)", &query);

    if (r < 0)
        return r;
    while ((r = twi_sql_step(query)) == 1) {
        const char *name = twi_sql_text(query, 1);
        if (name == NULL || is_own_column(name) || base->count == MOST_COLUMNS)
            continue;
        base->columns[base->count] = strdup(name);
        if (base->columns[base->count] == NULL) {
            r = -ENOMEM;
            break;
        }
        base->count++;
    }
    twi_sql_query_free(query);
    return r;
}

static int database_prepare(struct feed_database *base, int64_t synced, tw_value *ret_failure)
{
    int64_t rows = 0;
    int r = twi_sql_run(base->sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                                   "CREATE TABLE IF NOT EXISTS items (_n INTEGER PRIMARY KEY,"
                                   " _id TEXT, _item TEXT NOT NULL)");

    if (r == 0)
        r = rows_of(base->sql, &rows);
    if (r == 0)
        r = database_read_columns(base);
    if (r < 0)
        return database_failed(base, r, ret_failure);
    if (rows < synced)
        return twi_feed_refuse(ret_failure, ESTALE,
                               "feed %s: its last item is %lld, but %lld were on the disk: "
                               "somebody cut it; put them back, or begin a new job",
                               base->path, (long long)rows, (long long)synced);
    return 0;
}

static int database_lock(struct feed_database *base, tw_value *ret_failure)
{
    base->fd = twi_disk_open(base->path, O_RDWR | O_CREAT);
    if (base->fd < 0)
        return twi_feed_system(ret_failure, base->fd, "can't be made", base->path);
    return twi_feed_lock(ret_failure, base->fd, base->path);
}

static int database_connect(struct feed_database *base, int64_t synced, tw_value *ret_failure)
{
    int r = database_lock(base, ret_failure);

    if (r == 0)
        r = twi_sql_open(base->path, TWI_SQL_WRITE, &base->sql, ret_failure);
    if (r == 0)
        r = database_prepare(base, synced, ret_failure);
    if (r < 0)
        database_disconnect(base);
    return r;
}

static int database_open(struct twi_feed_target *target, int64_t batch,
                         enum twi_feed_found found, int64_t synced, tw_value *ret_failure)
{
    struct feed_database *base = database_of(target);
    int r;

    database_close(base);
    base->path = twi_feed_name_part(target->name, batch);
    if (base->path == NULL)
        return twi_feed_system(ret_failure, -ENOMEM, "", "");
    r = database_find(base, batch, found, synced, ret_failure);
    if (r == 0)
        r = database_connect(base, synced, ret_failure);
    if (r != 0) {
        database_close(base);
        return r;
    }
    target->batch = batch;
    base->is_folder_dirty = true;
    return 0;
}

/* --- columns ------------------------------------------------------------------------------- */

/* "name" as SQL has it. */
static void put_quoted(struct twi_text *text, const char *name)
{
    twi_text_putc(text, '"');
    for (; *name != 0; name++) {
        if (*name == '"')
            twi_text_putc(text, '"');
        twi_text_putc(text, *name);
    }
    twi_text_putc(text, '"');
}

static bool is_whole_number(const struct twi_json *value)
{
    return strpbrk(value->text, ".eE") == NULL;
}

static const char *type_of(const struct twi_json *value)
{
    switch (value->kind) {
    case TWI_JSON_FALSE:
    case TWI_JSON_TRUE:
        return " INTEGER";
    case TWI_JSON_NUMBER:
        return is_whole_number(value) ? " INTEGER" : " REAL";
    case TWI_JSON_NULL:
        return "";
    default:
        return " TEXT";
    }
}

/* Of the columns, without looking at case, as SQLite does; -1: none. */
static int column_find(const struct feed_database *base, const char *name)
{
    for (int i = 0; i < base->count; i++)
        if (strcasecmp(base->columns[i], name) == 0)
            return i;
    return -1;
}

/* A name that a column can have. */
static bool is_column_name(struct feed_database *base, const struct twi_json *member)
{
    size_t length;
    const char *clean = twi_utf8_clean(&base->scratch, member->key, member->key_length,
                                       &length);

    return clean == member->key && length > 0 && length < 256 && !is_own_column(clean);
}

static int column_add(struct feed_database *base, const struct twi_json *member)
{
    struct twi_text text = { .arena = &base->scratch };
    int r;

    base->columns[base->count] = strdup(member->key);
    if (base->columns[base->count] == NULL)
        return -ENOMEM;
    base->count++;
    twi_sql_query_free(base->insert);
    base->insert = NULL;
    twi_text_puts(&text, "ALTER TABLE items ADD COLUMN ");
    put_quoted(&text, member->key);
    twi_text_puts(&text, type_of(member));
    r = base->scratch.failed ? -ENOMEM : twi_sql_run(base->sql, text.data);
    return r;
}

static int columns_extend(struct feed_database *base, const struct twi_json *item)
{
    for (const struct twi_json *member = item->first; member != NULL; member = member->next) {
        int r;
        if (base->count == MOST_COLUMNS)
            return 0;
        if (column_find(base, member->key) >= 0 || !is_column_name(base, member))
            continue;
        r = column_add(base, member);
        if (r < 0)
            return r;
    }
    return base->scratch.failed ? -ENOMEM : 0;
}

static int make_insert(struct feed_database *base)
{
    struct twi_text text = { .arena = &base->scratch };

    twi_text_puts(&text, "INSERT OR REPLACE INTO items (_n, _id, _item");
    for (int i = 0; i < base->count; i++) {
        twi_text_puts(&text, ", ");
        put_quoted(&text, base->columns[i]);
    }
    twi_text_puts(&text, ") VALUES (?, ?, ?");
    for (int i = 0; i < base->count; i++)
        twi_text_puts(&text, ", ?");
    twi_text_puts(&text, ")");
    if (base->scratch.failed)
        return -ENOMEM;
    return twi_sql_prepare(base->sql, text.data, &base->insert);
}

/* --- items --------------------------------------------------------------------------------- */

static int bind_text(struct feed_database *base, int at, const char *text, size_t length)
{
    const char *clean = twi_utf8_clean(&base->scratch, text, length, &length);

    return clean == NULL ? -ENOMEM : twi_sql_bind_one(base->insert, at, 's', clean, length);
}

static int bind_number(struct feed_database *base, int at, const struct twi_json *value)
{
    char *end;

    errno = 0;
    if (is_whole_number(value)) {
        long long integer = strtoll(value->text, &end, 10);
        if (errno == 0)
            return twi_sql_bind_one(base->insert, at, 'i', (int64_t)integer);
    }
    return twi_sql_bind_one(base->insert, at, 'd', twi_decimal_read(value->text));
}

static int bind_value(struct feed_database *base, int at, const struct twi_json *value)
{
    struct twi_text text = { .arena = &base->scratch };

    switch (value->kind) {
    case TWI_JSON_NULL:
        return twi_sql_bind_one(base->insert, at, 'n');
    case TWI_JSON_FALSE:
    case TWI_JSON_TRUE:
        return twi_sql_bind_one(base->insert, at, 'i',
                                (int64_t)(value->kind == TWI_JSON_TRUE));
    case TWI_JSON_NUMBER:
        return bind_number(base, at, value);
    case TWI_JSON_STRING:
        return bind_text(base, at, value->text, value->length);
    default:
        twi_json_write(&text, value);
        return twi_sql_bind_one(base->insert, at, 's', twi_text_string(&text), text.length);
    }
}

static int bind_item(struct feed_database *base, int64_t n, const struct twi_json *id,
                     const struct twi_json *item)
{
    struct twi_text text = { .arena = &base->scratch };
    int r;

    twi_sql_clear(base->insert);
    twi_json_write(&text, item);
    r = twi_sql_bind_one(base->insert, 1, 'i', n);
    if (r == 0)
        r = bind_value(base, 2, id);
    if (r == 0)
        r = twi_sql_bind_one(base->insert, 3, 's', twi_text_string(&text), text.length);
    for (const struct twi_json *member = item->first; member != NULL && r == 0;
         member = member->next) {
        int column = column_find(base, member->key);
        if (column >= 0 && is_column_name(base, member))
            r = bind_value(base, OWN_COLUMNS + 1 + column, member);
    }
    return base->scratch.failed ? -ENOMEM : r;
}

/* A line of the tail: ["id",{...}]. */
static int put_line(struct feed_database *base, int64_t n, const char *line, size_t length)
{
    struct twi_json_error error;
    const struct twi_json *pair, *item;
    int r;

    twi_arena_reset(&base->scratch);
    pair = twi_json_read(&base->scratch, line, length, &error);
    if (pair == NULL || pair->first == NULL || pair->first->next == NULL)
        return base->scratch.failed ? -ENOMEM : -EBADMSG;
    item = pair->first->next;
    r = columns_extend(base, item);
    if (r == 0 && base->insert == NULL)
        r = make_insert(base);
    if (r == 0)
        r = bind_item(base, n, pair->first, item);
    while (r == 0 && (r = twi_sql_step(base->insert)) == 1)
        r = 0;
    return r;
}

static int put_lines(struct feed_database *base, int64_t at, const char *data, size_t length)
{
    const char *end = data + length;
    int r = twi_sql_run(base->sql, "BEGIN IMMEDIATE");

    while (data < end && r == 0) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        size_t line = (size_t)((newline != NULL ? newline : end) - data);
        r = put_line(base, ++at, data, line);
        data += line + 1;
    }
    return r == 0 ? twi_sql_run(base->sql, "COMMIT") : r;
}

/* After a failure all that is known of the database is forgotten: columns that were added may
 * have gone with the transaction. Trying again begins with a connection. */
static int database_put(struct twi_feed_target *target, int64_t at, const char *data,
                        size_t length, tw_value *ret_failure)
{
    struct feed_database *base = database_of(target);
    int r = base->sql != NULL ? 0 : database_connect(base, 0, ret_failure);

    if (r < 0)
        return r;
    r = put_lines(base, at, data, length);
    if (r == 0)
        return 0;
    r = database_failed(base, r, ret_failure);
    database_disconnect(base);
    return r;
}

static int database_settle(struct twi_feed_target *target, int64_t at, tw_value *ret_failure)
{
    struct feed_database *base = database_of(target);
    char statement[64];
    int r;

    snprintf(statement, sizeof statement, "DELETE FROM items WHERE _n > %lld", (long long)at);
    r = twi_sql_run(base->sql, statement);
    return r < 0 ? database_failed(base, r, ret_failure) : 0;
}

static int database_end(struct twi_feed_target *target, int64_t at, tw_value *ret_failure)
{
    (void)target, (void)at, (void)ret_failure;
    return 0;
}

/* --- the disk ------------------------------------------------------------------------------ */

/* The log goes to the disk in any case; what a reader keeps from being moved stays in it. */
static int sync_log(const struct feed_database *base)
{
    size_t size = strlen(base->path) + 8;
    char *path = malloc(size);
    int fd, r;

    if (path == NULL)
        return -ENOMEM;
    snprintf(path, size, "%s-wal", base->path);
    fd = twi_disk_open(path, O_RDWR);
    free(path);
    if (fd == -ENOENT)
        return 0;
    r = fd < 0 ? fd : twi_disk_sync(fd);
    if (fd >= 0)
        twi_disk->close(fd);
    return r;
}

static int database_sync(struct twi_feed_target *target, tw_value *ret_failure)
{
    struct feed_database *base = database_of(target);
    int r;

    if (base->sql == NULL)
        return 0;
    r = twi_sql_checkpoint(base->sql, false);
    if (r < 0)
        return database_failed(base, r, ret_failure);
    if (base->base.lost == 0)
        base->base.lost = sync_log(base);
    if (base->base.lost == 0 && base->is_folder_dirty)
        base->base.lost = twi_disk_sync_folder(base->path);
    if (base->base.lost < 0)
        return twi_feed_system(ret_failure, base->base.lost, "can't be put on the disk",
                               base->path);
    base->is_folder_dirty = false;
    return 0;
}

/* One file without a log. A batch whose reader stays is a reason to try later, as it would
 * lose its log with its name. A database that keeps its name may keep its log. */
static int database_fold(struct feed_database *base, tw_value *ret_failure)
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(base->sql, "PRAGMA journal_mode=DELETE", &query);

    if (r == 0) {
        r = twi_sql_step(query);
        if (r == 1)
            r = strcmp(twi_sql_text(query, 0), "delete") == 0 ? 0 : -EBUSY;
        twi_sql_query_free(query);
    }
    if (r == -EBUSY && base->base.name->after == NULL)
        return 0;
    if (r == -EBUSY)
        return twi_feed_refuse(ret_failure, EBUSY,
                               "feed %s: another program reads it, so it can't "
                               "be finished yet",
                               base->path);
    return r < 0 ? database_failed(base, r, ret_failure) : 0;
}

static int database_rename(struct feed_database *base, tw_value *ret_failure)
{
    char *path = twi_feed_name_path(base->base.name, base->base.batch);
    int r = path == NULL ? -ENOMEM : 0;

    if (r == 0 && strcmp(path, base->path) != 0) {
        r = twi_disk_rename(base->path, path);
        if (r == 0) {
            free(base->path);
            base->path = path;
            path = NULL;
        }
    }
    if (r == 0)
        r = twi_disk_sync_folder(base->path);
    free(path);
    return r < 0 ? twi_feed_system(ret_failure, r, "can't get its name", base->path) : 0;
}

static int database_finish(struct twi_feed_target *target, tw_value *ret_failure)
{
    struct feed_database *base = database_of(target);
    int r = base->sql != NULL ? database_sync(target, ret_failure) : 0;

    if (r == 0 && base->sql != NULL)
        r = database_fold(base, ret_failure);
    if (r < 0)
        return r;
    database_disconnect(base);
    r = database_rename(base, ret_failure);
    if (r == 0)
        database_close(base);
    return r;
}

static void database_forget(struct twi_feed_target *target)
{
    database_close(database_of(target));
}

static void database_free(struct twi_feed_target *target)
{
    struct feed_database *base = database_of(target);

    database_close(base);
    twi_arena_free(&base->scratch);
    free(base);
}

struct twi_feed_target *twi_feed_sqlite_new(const struct twi_feed_name *name)
{
    static const struct twi_feed_target_ops ops = { .open = database_open,
                                                    .put = database_put,
                                                    .settle = database_settle,
                                                    .end = database_end,
                                                    .sync = database_sync,
                                                    .finish = database_finish,

                                                    .close = database_forget,
                                                    .free = database_free };
    struct feed_database *base = calloc(1, sizeof *base);

    if (base == NULL)
        return NULL;
    base->base = (struct twi_feed_target){ .ops = &ops, .name = name };
    base->fd = -1;
    twi_arena_init(&base->scratch, 0);
    return &base->base;
}

/* --- reading ------------------------------------------------------------------------------- */

/* Is there a table of items? -EEXIST if it is not a feed's. */
static int look_for_items(struct twi_sql *sql, int64_t *ret_tables)
{
    int64_t columns = 0;
    int r = twi_sql_ask(sql, "SELECT count(*) FROM sqlite_schema WHERE name = 'items'",
                        ret_tables);

    if (r == 0 && *ret_tables > 0)
        r = twi_sql_ask(sql,
                        "SELECT count(*) FROM pragma_table_info('items')"
                        " WHERE name IN ('_n', '_id', '_item')",
                        &columns);
    return r == 0 && *ret_tables > 0 && columns != OWN_COLUMNS ? -EEXIST : r;
}

int twi_feed_sqlite_rows(const char *path, int64_t *ret_rows, tw_value *ret_failure)
{
    struct twi_sql *sql;
    int64_t tables = 0;
    int r = twi_sql_open(path, TWI_SQL_READ, &sql, ret_failure);

    if (r < 0)
        return r;
    *ret_rows = 0;
    r = look_for_items(sql, &tables);
    if (r == 0 && tables > 0)
        r = rows_of(sql, ret_rows);
    if (r == -EEXIST)
        twi_feed_refuse(ret_failure, EEXIST,
                        "feed %s: it can't be added to, as it has a table "
                        "'items' that is no feed's; -O replaces it",
                        path);
    else if (r < 0)
        *ret_failure = twi_sql_failure(sql, r);
    twi_sql_close(sql);
    return r;
}

static int read_items(struct twi_sql *sql,
                      bool (*each)(const char *json, size_t length, void *arg), void *arg)
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(sql, "SELECT _item FROM items ORDER BY _n", &query);
    bool goes_on = true;

    if (r < 0)
        return r;
    while (goes_on && (r = twi_sql_step(query)) == 1) {
        size_t length;
        const char *json = twi_sql_bytes(query, 0, &length);
        goes_on = each(json != NULL ? json : "", length, arg);
    }
    twi_sql_query_free(query);
    return r < 0 ? r : 0;
}

int twi_feed_sqlite_read(const char *data, size_t length,
                         bool (*each)(const char *json, size_t length, void *arg), void *arg,
                         tw_value *ret_failure)
{
    struct twi_sql *sql;
    int64_t tables = 0;
    int r = twi_sql_open_image(data, length, &sql, ret_failure);

    if (r < 0)
        return r;
    r = look_for_items(sql, &tables);
    if (r == -EEXIST || (r == 0 && tables == 0))
        r = twi_feed_refuse(ret_failure, EINVAL,
                            "the database has no table 'items' of a feed");
    else if (r == 0 && (r = read_items(sql, each, arg)) < 0)
        *ret_failure = twi_sql_failure(sql, r);
    else if (r < 0)
        *ret_failure = twi_sql_failure(sql, r);
    twi_sql_close(sql);
    return r;
}
