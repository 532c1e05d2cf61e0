/* SPDX-License-Identifier: MIT */
/*
 * sql.h - SQLite in the few words that a job needs. sql.c is the only file that sees the library.
 *
 * A connection belongs to one thread at a time. A function that returns an int returns a negative
 * errno when it failed: -ENOSPC the disk is full (for SQLite, or for the system below it),
 * -ENOMEM, -EBADMSG damaged, or no database at all, -EBUSY another process keeps it, -EACCES,
 * -EROFS, -EIO and whatever else the system said. twi_sql_failure() has the words.
 */
#ifndef SPIDER_JOB_SQL_H
#define SPIDER_JOB_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tweed/value.h>

struct twi_sql;
struct twi_sql_query; /* a prepared statement */

enum twi_sql_use {
    TWI_SQL_READ,  /* the file must be there; nothing is written */
    TWI_SQL_WRITE, /* the file must be there */
    TWI_SQL_MAKE,  /* it is made when it is not */
};

/* Open a database file; 0, or a negative errno and a failure of tw_error_job. */
int twi_sql_open(const char *path, enum twi_sql_use use, struct twi_sql **ret_sql,
                 tw_value *ret_failure);
/* Frees the queries, too. NULL is fine. */
void twi_sql_close(struct twi_sql *sql);
/* Open a copy of a database that lies in memory, to read. */
int twi_sql_open_image(const void *data, size_t length, struct twi_sql **ret_sql,
                       tw_value *ret_failure);
/* Why the last call failed: tw_error_job, with the file's path, SQLite's words and the system's;
 * `error` is the number that the call returned. */
tw_value twi_sql_failure(struct twi_sql *sql, int error);

/* Run statements whose results nobody wants. */
int twi_sql_run(struct twi_sql *sql, const char *statements);
/* The number that a statement returns first. */
int twi_sql_ask(struct twi_sql *sql, const char *statement, int64_t *ret_number);
/* Roll the open transaction back, if there is still one. */
void twi_sql_rollback(struct twi_sql *sql);

/* Lives until twi_sql_query_free() or twi_sql_close(). */
int twi_sql_prepare(struct twi_sql *sql, const char *statement,
                    struct twi_sql_query **ret_query);
void twi_sql_query_free(struct twi_sql_query *query);

/* Give the parameters their values, one letter each: i int64_t, d double, t text (const char *,
 * lent until the next bind; NULL is null), b bytes (const void *, size_t; lent, NULL is null), n
 * null. Starts the query anew. */
int twi_sql_bind(struct twi_sql_query *query, const char *types, ...);
/* The same for one parameter, from 1 on, when their number is not known; s: text of a length (const
 * char *, size_t). Between twi_sql_clear(), which makes all of them null, and a step. */
int twi_sql_bind_one(struct twi_sql_query *query, int at, int type, ...);
void twi_sql_clear(struct twi_sql_query *query);
/* 1: there is a row; 0: there is none left. The end and an error start the query anew. */
int twi_sql_step(struct twi_sql_query *query);
/* Bind, and step until no row is left. */
int twi_sql_do(struct twi_sql_query *query, const char *types, ...);
void twi_sql_reset(struct twi_sql_query *query);

/* Columns of the row; lent until the next step. */
int64_t twi_sql_integer(struct twi_sql_query *query, int column);
double twi_sql_real(struct twi_sql_query *query, int column);
const char *twi_sql_text(struct twi_sql_query *query, int column); /* NULL: null */
const void *twi_sql_bytes(struct twi_sql_query *query, int column, size_t *ret_length);
bool twi_sql_is_null(struct twi_sql_query *query, int column);
bool twi_sql_is_text(struct twi_sql_query *query, int column);

/* Bytes that nobody can guess: SQLite seeds its generator from the system's. */
void twi_sql_random(void *bytes, size_t size);

/* --- the log that is written ahead ---------------------------------------------------------- */

/* Bytes in it after the last commit of this connection. */
int64_t twi_sql_log_bytes(const struct twi_sql *sql);
/* Move it into the database as far as no reader stands in the way; with `truncate`, wait for the
 * readers and cut the file. */
int twi_sql_checkpoint(struct twi_sql *sql, bool truncate);

#endif
