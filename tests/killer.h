/* SPDX-License-Identifier: MIT */
/*
 * killer.h - calls that change files: the process dies at the n-th of them, or they fail.
 *
 * A program that is linked with killer.c makes these calls by it, as do the libraries that it uses:
 * write, pwrite, fsync, fdatasync, rename, ftruncate, unlink, mkdir.
 */
#ifndef TESTS_KILLER_H
#define TESTS_KILLER_H

#include <stdbool.h>

enum { KILLER_STATUS = 77 };

/* From here on the n-th call ends the process with KILLER_STATUS: before anything is done, or, for
 * bytes, when half of them are written. 0: calls are only counted. */
void killer_arm(unsigned n, bool is_torn);
unsigned killer_calls(void);

enum killer_fault { KILLER_FULL, KILLER_ERROR }; /* ENOSPC, EIO */
/* From the n-th call on (1: the next; 0: none) each fails so. */
void killer_fail(unsigned n, enum killer_fault fault);

#endif
