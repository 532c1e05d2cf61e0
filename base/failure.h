/*
 * failure.h - failures that need no memory, of things that must not fail for lack of it. Immortal;
 * they may be lent or owned, as tw_fail_memory()'s.
 */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include <tweed/failure.h>

/* tw_error_closed: what is thrown into a coroutine to close it. */
tw_value twi_fail_closed(void);
/* tw_error_misuse: a NULL coroutine; a yield or await where it means nothing. */
tw_value twi_fail_no_coroutine(void);
tw_value twi_fail_nobody_listens(void);

#endif
