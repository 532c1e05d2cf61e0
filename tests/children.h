/* SPDX-License-Identifier: MIT */
/*
 * children.h - tests with child processes: nothing is left of them.
 */
#ifndef TESTS_CHILDREN_H
#define TESTS_CHILDREN_H

#include <stdbool.h>

/* A fresh reactor on `backend` (NULL: the best). */
void children_begin(const char *backend);
/* It goes; no descriptor and no child may be left that was not there. */
void children_end(void);
/* Until no child is left, and no thread that waited for one. */
void children_wait(void);
/* Under valgrind: limits, unknown programs and exit statuses are its own there. */
bool children_emulated(void);
/* How many descriptors are open. */
int children_descriptors(void);

#endif
