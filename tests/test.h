/* SPDX-License-Identifier: MIT */
/*
 * test.h - shared by the test programs.
 *
 * A program lists its tests in a suite and its main() returns test_run(suite). Allocations are
 * counted in all of them, and pools are off (tw_set_allocator()), so that each can be made to fail.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <tweed/alloc.h>
#include <tweed/failure.h>
#include <tweed/reactor.h>

/* Runs the suite; the exit status for main(). */
int test_run(Suite *suite);

/* Return `pointer`; fail the test when it is NULL. */
void *test_given(void *pointer);

/* How long to wait for an event that should come at once, in seconds: five, less under torture,
 * where it often does not come. while (!there && test_before(deadline)) ... */
double test_patience(void);
double test_deadline(void);
bool test_before(double deadline);

/* For a test of terminals: where there are none (a container without /dev/pts) it ends here, and
 * says so in its log, which tools/check.sh repeats. */
#define TEST_NEEDS_TERMINALS()               \
    do {                                     \
        if (!test_has_terminals(__func__))   \
            return;                          \
    } while (0)
bool test_has_terminals(const char *test);

/* Add to a suite: a test, or one run for each row of a table. */
#define TEST_ADD(suite, test) test_add((suite), (test), 0, 1)
#define TEST_ADD_ROWS(suite, test, rows) \
    test_add((suite), (test), 0, (int)(sizeof(rows) / sizeof((rows)[0])))
void test_add(Suite *suite, const TTest *test, int from, int to);

/*
 * Run op(arg) again and again, the 1st, 2nd, 3rd, ... allocation failing, until it goes through
 * without reaching the failing one; first with that one failing, then with all from it on. op
 * must tidy up and return true when it worked. After each run nothing may be left allocated.
 * Returns the number of allocations of a good run.
 */
uint64_t test_each_alloc_failure(bool (*op)(void *arg), void *arg);

/* Make the n-th allocation from now on fail (1: the next; 0: none), with `all` those after it
 * too. */
void test_fail_alloc(uint64_t n, bool all);
bool test_alloc_failed(void);
uint64_t test_allocs(void);       /* since test_fail_alloc() */
int64_t test_allocs_living(void); /* allocated, not released */

/* When a test is tortured and loses the call that would have ended it, it fails at once instead
 * of waiting for ever. */
int64_t test_made(int64_t result);
#define tw_call_later(seconds, fn, arg) test_made((tw_call_later)((seconds), (fn), (arg)))
#define tw_call_soon(fn, arg) test_made((tw_call_soon)((fn), (arg)))
#define tw_reactor_call_from_thread(reactor, fn, arg) \
    test_made((tw_reactor_call_from_thread)((reactor), (fn), (arg)))
#define tw_call_when_running(fn, arg) test_made((tw_call_when_running)((fn), (arg)))

#endif
