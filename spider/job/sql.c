/* SPDX-License-Identifier: MIT */
/*
 * sql.c - SQLite behind a few words.
 *
 * Its extended codes become errnos, so that a full disk is told from a broken one in one place.
 */
#include "config.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "spider/job/error.h"
#include "spider/job/sql.h"

/* How long to wait for another connection: `tweed stats` closing, a backup. */
enum { SQL_PATIENCE_MS = 10000 };

struct twi_sql {
    sqlite3 *db;
    char *path;
    int64_t log_pages;
    int64_t page_size;
};

static sqlite3_stmt *statement_of(struct twi_sql_query *query)
{
    return (sqlite3_stmt *)query;
}

static struct twi_sql_query *query_of(sqlite3_stmt *statement)
{
    return (struct twi_sql_query *)statement;
}

/* --- errors --------------------------------------------------------------------------------- */

/* An error of input and output has the system's errno; a failed write does not always. */
static int io_errno(sqlite3 *db)
{
    int error = db != NULL ? sqlite3_system_errno(db) : 0;

    if (error == ENOSPC || error == EDQUOT)
        return -ENOSPC;
    return error > 0 ? -error : -EIO;
}

static int sql_errno(sqlite3 *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_NOMEM ? -ENOMEM : io_errno(db);
    default:
        return -EINVAL; /* a statement that is wrong, or a table that is not there */
    }
}

static int query_errno(sqlite3_stmt *statement, int code)
{
    return sql_errno(sqlite3_db_handle(statement), code);
}

static tw_value failure_of(sqlite3 *db, const char *path, int error)
{
    int system = db != NULL ? sqlite3_system_errno(db) : 0;

    if (error == -ENOMEM)
        return tw_fail_memory();
    return twi_job_failure(error, "%s: %s%s%s", path,
                           db != NULL ? sqlite3_errmsg(db) : "out of memory",
                           system != 0 ? ": " : "", system != 0 ? strerror(system) : "");
}

tw_value twi_sql_failure(struct twi_sql *sql, int error)
{
    return failure_of(sql->db, sql->path, error);
}

/* --- connections ---------------------------------------------------------------------------- */

static int log_grew(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct twi_sql *sql = arg;

    (void)db;
    (void)name;
    sql->log_pages = pages;
    return SQLITE_OK;
}

int twi_sql_open(const char *path, enum twi_sql_use use, struct twi_sql **ret_sql,
                 tw_value *ret_failure)
{
    static const int flags[] = {
        [TWI_SQL_READ] = SQLITE_OPEN_READONLY,
        [TWI_SQL_WRITE] = SQLITE_OPEN_READWRITE,
        [TWI_SQL_MAKE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    struct twi_sql *sql = calloc(1, sizeof *sql);
    int code, error;

    if (sql == NULL || (sql->path = strdup(path)) == NULL) {
        free(sql);
        *ret_failure = tw_fail_memory();
        return -ENOMEM;
    }
    code = sqlite3_open_v2(path, &sql->db,
                           flags[use] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    error = sql->db == NULL ? -ENOMEM : sql_errno(sql->db, code);
    if (error == 0) {
        sqlite3_busy_timeout(sql->db, SQL_PATIENCE_MS);
        /* A stranger may have put functions into the schema of this file. */
        error = twi_sql_run(sql, "PRAGMA trusted_schema=OFF");
    }
    /* The file is read here for the first time. */
    if (error == 0)
        error = twi_sql_ask(sql, "PRAGMA page_size", &sql->page_size);
    if (error != 0) {
        *ret_failure = failure_of(sql->db, path, error);
        twi_sql_close(sql);
        return error;
    }
    sqlite3_wal_hook(sql->db, log_grew, sql);
    *ret_sql = sql;
    return 0;
}

/* Bytes 18 and 19 of the head say that there is a log: an image has none. */
static unsigned char *copy_image(const void *data, size_t length)
{
    unsigned char *image = sqlite3_malloc64(length);

    if (image != NULL) {
        memcpy(image, data, length);
        if (length > 19)
            image[18] = image[19] = 1;
    }
    return image;
}

int twi_sql_open_image(const void *data, size_t length, struct twi_sql **ret_sql,
                       tw_value *ret_failure)
{
    struct twi_sql *sql;
    int r = twi_sql_open(":memory:", TWI_SQL_MAKE, &sql, ret_failure);
    unsigned char *image;

    if (r < 0)
        return r;
    image = copy_image(data, length);
    if (image == NULL)
        r = -ENOMEM;
    else /* which frees the image also when it fails */
        r = sql_errno(sql->db,
                      sqlite3_deserialize(
                          sql->db, "main", image, (sqlite3_int64)length, (sqlite3_int64)length,
                          SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY));
    if (r == 0)
        r = twi_sql_ask(sql, "PRAGMA page_size", &sql->page_size);
    if (r < 0) {
        *ret_failure = twi_sql_failure(sql, r);
        twi_sql_close(sql);
        return r;
    }
    *ret_sql = sql;
    return 0;
}

void twi_sql_close(struct twi_sql *sql)
{
    sqlite3_stmt *statement;

    if (sql == NULL)
        return;
    while (sql->db != NULL && (statement = sqlite3_next_stmt(sql->db, NULL)) != NULL)
        sqlite3_finalize(statement);
    sqlite3_close(sql->db);
    free(sql->path);
    free(sql);
}

int twi_sql_run(struct twi_sql *sql, const char *statements)
{
    return sql_errno(sql->db, sqlite3_exec(sql->db, statements, NULL, NULL, NULL));
}

int twi_sql_ask(struct twi_sql *sql, const char *statement, int64_t *ret_number)
{
    struct twi_sql_query *query = NULL;
    int r = twi_sql_prepare(sql, statement, &query);

    if (r < 0)
        return r;
    r = twi_sql_step(query);
    if (r == 1)
        *ret_number = twi_sql_integer(query, 0);
    twi_sql_query_free(query);
    return r < 0 ? r : 0;
}

void twi_sql_rollback(struct twi_sql *sql)
{
    if (!sqlite3_get_autocommit(sql->db))
        sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
}

/* --- queries -------------------------------------------------------------------------------- */

int twi_sql_prepare(struct twi_sql *sql, const char *statement,
                    struct twi_sql_query **ret_query)
{
    sqlite3_stmt *prepared = NULL;
    int code = sqlite3_prepare_v3(sql->db, statement, -1, SQLITE_PREPARE_PERSISTENT, &prepared,
                                  NULL);

    if (code != SQLITE_OK)
        return sql_errno(sql->db, code);
    *ret_query = query_of(prepared);
    return 0;
}

void twi_sql_query_free(struct twi_sql_query *query)
{
    sqlite3_finalize(statement_of(query));
}

static int bind_bytes(sqlite3_stmt *statement, int at, const void *bytes, size_t length)
{
    if (bytes == NULL)
        return sqlite3_bind_null(statement, at);
    return sqlite3_bind_blob64(statement, at, bytes, length, SQLITE_STATIC);
}

static int bind_parameter(sqlite3_stmt *statement, int at, char type, va_list *args)
{
    const void *bytes;

    switch (type) {
    case 'i':
        return sqlite3_bind_int64(statement, at, va_arg(*args, int64_t));
    case 'd':
        return sqlite3_bind_double(statement, at, va_arg(*args, double));
    case 't':
        return sqlite3_bind_text(statement, at, va_arg(*args, const char *), -1,
                                 SQLITE_STATIC);
    case 's':
        bytes = va_arg(*args, const char *);
        return sqlite3_bind_text64(statement, at, bytes, va_arg(*args, size_t), SQLITE_STATIC,
                                   SQLITE_UTF8);
    case 'b':
        bytes = va_arg(*args, const void *);
        return bind_bytes(statement, at, bytes, va_arg(*args, size_t));
    default:
        return sqlite3_bind_null(statement, at);
    }
}

/* A va_list may be an array, which is a pointer as a parameter: only a copy has an address. */
static int query_bind(sqlite3_stmt *statement, const char *types, va_list args)
{
    int at, code = SQLITE_OK;
    va_list copy;

    va_copy(copy, args);
    sqlite3_reset(statement);
    for (at = 1; code == SQLITE_OK && *types != '\0'; at++)
        code = bind_parameter(statement, at, *types++, &copy);
    va_end(copy);
    return query_errno(statement, code);
}

int twi_sql_bind(struct twi_sql_query *query, const char *types, ...)
{
    va_list args;
    int r;

    va_start(args, types);
    r = query_bind(statement_of(query), types, args);
    va_end(args);
    return r;
}

int twi_sql_bind_one(struct twi_sql_query *query, int at, int type, ...)
{
    va_list args;
    int code;

    va_start(args, type);
    code = bind_parameter(statement_of(query), at, (char)type, &args);
    va_end(args);
    return query_errno(statement_of(query), code);
}

void twi_sql_clear(struct twi_sql_query *query)
{
    sqlite3_reset(statement_of(query));
    sqlite3_clear_bindings(statement_of(query));
}

int twi_sql_step(struct twi_sql_query *query)
{
    sqlite3_stmt *statement = statement_of(query);
    int code = sqlite3_step(statement), error;

    if (code == SQLITE_ROW)
        return 1;
    error = query_errno(statement, code);
    sqlite3_reset(statement);
    return error;
}

int twi_sql_do(struct twi_sql_query *query, const char *types, ...)
{
    va_list args;
    int r;

    va_start(args, types);
    r = query_bind(statement_of(query), types, args);
    va_end(args);
    if (r == 0)
        while ((r = twi_sql_step(query)) == 1)
            ;
    return r;
}

void twi_sql_reset(struct twi_sql_query *query)
{
    sqlite3_reset(statement_of(query));
}

int64_t twi_sql_integer(struct twi_sql_query *query, int column)
{
    return sqlite3_column_int64(statement_of(query), column);
}

double twi_sql_real(struct twi_sql_query *query, int column)
{
    return sqlite3_column_double(statement_of(query), column);
}

const char *twi_sql_text(struct twi_sql_query *query, int column)
{
    return (const char *)sqlite3_column_text(statement_of(query), column);
}

const void *twi_sql_bytes(struct twi_sql_query *query, int column, size_t *ret_length)
{
    const void *bytes = sqlite3_column_blob(statement_of(query), column);

    *ret_length = (size_t)sqlite3_column_bytes(statement_of(query), column);
    /* Nothing at all is not null. */
    return bytes != NULL || twi_sql_is_null(query, column) ? bytes : "";
}

bool twi_sql_is_null(struct twi_sql_query *query, int column)
{
    return sqlite3_column_type(statement_of(query), column) == SQLITE_NULL;
}

bool twi_sql_is_text(struct twi_sql_query *query, int column)
{
    return sqlite3_column_type(statement_of(query), column) == SQLITE_TEXT;
}

void twi_sql_random(void *bytes, size_t size)
{
    sqlite3_randomness((int)size, bytes);
}

/* --- the log that is written ahead ---------------------------------------------------------- */

int64_t twi_sql_log_bytes(const struct twi_sql *sql)
{
    return sql->log_pages * sql->page_size;
}

int twi_sql_checkpoint(struct twi_sql *sql, bool truncate)
{
    int pages = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(
        sql->db, NULL, truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
        &pages, &moved);

    /* A reader that stays is no error: the next time will do. */
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
        return sql_errno(sql->db, code);
    return 0;
}
