/* SPDX-License-Identifier: MIT */
/*
 * failure.h (base/, private) - failures that need no memory; the trail of failures.
 */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include <tweed/failure.h>

/* --- of things that must not fail for lack of memory: immortal; may be lent or owned, as
 * tw_fail_memory()'s --- */

/* tw_error_closed: thrown into a coroutine to close it. */
tw_value twi_fail_closed(void);
/* tw_error_misuse: a NULL coroutine; a yield or await where it means nothing. */
tw_value twi_fail_no_coroutine(void);
tw_value twi_fail_nobody_listens(void);
/* tw_error_misuse: tw_await() where it must not be called. */
tw_value twi_fail_await_outside(void);

/* --- the trail: where a failure was seen at an await ---------------------------------------
 *
 * Failures are immutable for all who hold them: one with a single holder gets the next step in
 * place; of one with several the next step makes a copy, which has the original's message and a
 * trail of its own. The immortal ones have none. */

struct twi_trail_step {
    const char *where, *name; /* lent, static */
};

enum { TWI_TRAIL_MAX = 32 }; /* steps that are kept; later ones are counted */

/* The same failure (owned, taken) with one step more; as it was when there is no memory. */
tw_value twi_failure_awaited(tw_value failure, const char *where, const char *name);
/* The steps, innermost first, lent; *ret_left_out is the number of later ones, which were not
 * kept. */
size_t twi_failure_trail(tw_value failure, const struct twi_trail_step **ret_steps,
                         size_t *ret_left_out);
/* Are these the same failure, whatever their trails? */
bool twi_failure_same(tw_value one, tw_value other);

#endif
