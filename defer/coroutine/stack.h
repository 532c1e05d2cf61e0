/* SPDX-License-Identifier: MIT */
/*
 * stack.h - stacks for coroutines: pooled, guarded.
 *
 * A stack lies in a slot of a slab, which is one mapping; below it in its slot are some pages that
 * are never used. They are the guard, one of
 *   "guard"     a marker in the page tables (MADV_GUARD_INSTALL, Linux 6.13): costs no mapping
 *   "mprotect"  made inaccessible: costs two mappings, of which a process has about 65,000
 *   "canary"    only looked at: they must still be all zeros
 */
#ifndef DEFER_COROUTINE_STACK_H
#define DEFER_COROUTINE_STACK_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum twi_guard { TWI_GUARD_UNKNOWN, TWI_GUARD_MARKER, TWI_GUARD_MPROTECT, TWI_GUARD_CANARY };

struct twi_stack_class;

struct twi_stack {
    char *low, *top; /* top is aligned to a page */
    struct twi_stack_class *stack_class;
    enum twi_guard guard;
    unsigned number; /* counts those of its size, for colouring */
    unsigned valgrind_id;
};

/* A thread's pools, one for each size. All zeros is none. */
struct twi_stacks {
    struct twi_stack_class *classes; /* the last that was asked for first */
};

/* A stack of at least `size` bytes; NULL when there is no memory. */
struct twi_stack *twi_stack_take(struct twi_stacks *stacks, size_t size);
void twi_stack_give_back(struct twi_stack *stack);
/* True if something was written below the stack. Looks at the bytes that a deep call would
 * write first, or, if `whole`, at the whole page below. Only with canaries. */
bool twi_stack_overrun(const struct twi_stack *stack, bool whole);
/* True if the address lies in the guard of this stack. */
bool twi_stack_guards(const struct twi_stack *stack, const void *address);
/* The most that was in use, in bytes, since its memory was fresh. */
size_t twi_stack_used(const struct twi_stack *stack);
/* Unmap them all, also what is in use. */
void twi_stacks_unmap(struct twi_stacks *stacks);

/* The kind of guard that new stacks get. */
enum twi_guard twi_stack_guard(void);
/* For tests: another way; UNKNOWN finds out anew. */
void twi_stack_set_guard(enum twi_guard guard);

#endif
