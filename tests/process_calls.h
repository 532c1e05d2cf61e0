/* SPDX-License-Identifier: MIT */
/*
 * process_calls.h - shared by tests of process pools. The functions that workers can call are
 * in process_calls.c: each is registered by its own name.
 */
#ifndef TESTS_PROCESS_CALLS_H
#define TESTS_PROCESS_CALLS_H

#include <tweed/process_pool.h>

#include "tests/test.h"

/* The pool of the test that runs. */
extern tw_process_pool *pool;
extern const tw_error_class error_own;
extern int64_t prepared; /* what the init function "prepare" was given, in its worker */

void begin_with(const struct tw_process_pool_options *options);
void begin(size_t workers);
/* Free the pool: no process, no Deferred may be left. */
void end(void);
size_t open_descriptors(void);
/* The result of a call, owned. */
tw_value call(const char *name, tw_value argument);
int64_t call_integer(const char *name, int64_t argument);
/* A call whose result will be written to *ret_result, owned. */
tw_deferred *start(const char *name, tw_value argument, tw_value *ret_result);
tw_value keep(tw_value result, void *ret_result);
/* `v` (taken) is a failure of that class with that number. */
void ck_fails(tw_value v, const tw_error_class *error_class, int64_t number);
/* A list of so many numbers. */
tw_value numbers(int64_t from, size_t count);
/* Turn until the pool has so many workers. */
void await_workers(size_t workers);
/* A path for "touch_and_stall", and turn until it is there. */
tw_value new_path(void);
void await_path(void);

#endif
