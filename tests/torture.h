/* SPDX-License-Identifier: MIT */
/*
 * torture.h - every test again, with the n-th allocation or system call failing.
 */
#ifndef TESTS_TORTURE_H
#define TESTS_TORTURE_H

#include <check.h>
#include <stdbool.h>

/* Remember a test of the suite, with its rows. */
void torture_add(const TTest *test, int from, int to);

/*
 * Run every remembered test in processes of its own: once undisturbed to count, then with each
 * point failing once, then with all from it on. An assertion that fails is what may happen; a
 * crash, a hang, or memory left over by a test that passed is not. Prints a line; returns the
 * exit status for main().
 *
 * From the environment: TEST_TORTURE_SECONDS bounds the time by taking a sample of the points
 * (0: all of them). TEST_TORTURE_AGAIN="NAME ROW KIND NUMBER ALL" does one run in this process,
 * for a debugger or valgrind; KIND is "allocation", "EINTR" and so on as the lines have it, ALL 0
 * or 1.
 */
int torture_run(void);

/* True inside such a process. */
bool torture_running(void);

#endif
