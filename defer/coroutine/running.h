/* SPDX-License-Identifier: MIT */
/*
 * running.h - the stack that the calling thread runs on, and its depth in chains.
 *
 * One record for the chains and the switches, so that a chain needs one comparison at one
 * address before it runs. It stands in the lowest room since a switch changes it.
 */
#ifndef DEFER_COROUTINE_RUNNING_H
#define DEFER_COROUTINE_RUNNING_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/* In `depth`: a coroutine's stack is in use. So one comparison finds both chains that must run
 * on the thread's stack and chains that are too deep. */
#define TWI_ON_COROUTINE 0x10000u

struct twi_running {
    unsigned depth;                          /* of runs within runs, and TWI_ON_COROUTINE */
    struct tw_deferred *queue;               /* of chain.c: fired too deep, run by the outermost */
    struct tw_coroutine *coroutine;          /* NULL on the thread's stack */
    struct twi_coroutine_thread *coroutines; /* NULL before the first */
    struct twi_cxx_globals *cxx;             /* of the C++ run time, if there is one */
};
extern TWI_QUICK_TLS struct twi_running twi_running;

/* Callbacks, cancellers and releases do not run on a coroutine's stack: where this is true, call
 * them by twi_coroutine_call_out(). */
static inline bool twi_on_coroutine(void)
{
    return TWI_UNLIKELY(twi_running.depth >= TWI_ON_COROUTINE);
}
/* Run fn(arg) on the thread's stack, and come back. Callbacks of chains run so. fn may resume other
 * coroutines. */
void twi_coroutine_call_out(void (*fn)(void *arg), void *arg);

#endif
