/* SPDX-License-Identifier: MIT */
/*
 * failing_malloc.h - make malloc(3), calloc(3) and realloc(3) of a whole program fail.
 *
 * For the second library, whose allocations do not go through tw_set_allocator().
 */
#ifndef TESTS_FAILING_MALLOC_H
#define TESTS_FAILING_MALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* The n-th allocation from now on fails (1: the next; 0: none), with `all` those after it, too. */
void failing_malloc(uint64_t n, bool all);
/* From now on none fails, so that the test may assert: Check allocates too. Has one failed? */
bool failing_malloc_stop(void);

/* Run op(arg) with the 1st, 2nd, 3rd, ... allocation failing, alone and with all after it, until it
 * reaches none that fails. op must tidy up and return true when it worked, which it must if nothing
 * failed. It may call failing_malloc_stop(). Returns the number of allocations of a good run. */
uint64_t failing_malloc_each(bool (*op)(void *arg), void *arg);

#endif
