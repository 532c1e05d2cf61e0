/* SPDX-License-Identifier: MIT */
/*
 * schema.h - the tables of a job, and the steps from each version of them to the next.
 */
#ifndef SPIDER_JOB_SCHEMA_H
#define SPIDER_JOB_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "spider/job/sql.h"

/* "twee": what an SQLite file of ours says in its head. */
enum { TWI_SCHEMA_APPLICATION = 0x74776565 };

/* The statements that take a job of version n to n + 1 stand at n; the first makes the tables. */
extern const char *const twi_schema_steps[];
extern const size_t twi_schema_count;

/*
 * The version of a database; 0: it is new. Nothing is written. `count`: the newest version known.
 * 0, or a negative errno and a failure of tw_error_job: of another program (-EINVAL), of a newer
 * version (-EPROTONOSUPPORT), and whatever SQLite says.
 */
int twi_schema_look(struct twi_sql *sql, const char *path, size_t count, size_t *ret_version,
                    tw_value *ret_failure);
/* The same for those that only read: an older version is refused, too. */
int twi_schema_check(struct twi_sql *sql, const char *path, tw_value *ret_failure);
/* Take a database from one version to another, all in one transaction. 0, or a negative errno,
 * the database being as it was. */
int twi_schema_apply(struct twi_sql *sql, const char *const *steps, size_t from, size_t to);

#endif
