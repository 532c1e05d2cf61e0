/* SPDX-License-Identifier: MIT */
/*
 * power.h - a disk that loses power, below the C library's calls.
 *
 * A program that is linked with power.c makes its calls on files by it, as do the libraries that
 * it uses. Bytes are on the platter when their file was synced, names when their folder was. When
 * power fails, of the rest a random part is there: of the bytes any sectors, of the names the
 * first ones.
 */
#ifndef TESTS_POWER_H
#define TESTS_POWER_H

#include <stdint.h>

enum { POWER_STATUS = 78 };

/* From here on power fails at the n-th call that changes a file in this folder or below: the
 * files become what is on the platter, and the process ends with POWER_STATUS. All that is there
 * now is there for sure. 0: never; calls are counted. */
void power_begin(const char *folder, unsigned n, uint32_t seed);
unsigned power_calls(void);

#endif
