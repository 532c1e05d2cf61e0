/* SPDX-License-Identifier: MIT */
/*
 * slow.h - calls that hold the turn for long.
 *
 * Time is looked at only while somebody wants to know; otherwise a call costs a test of a word
 * that is in the cache anyway.
 */
#ifndef REACTOR_SLOW_H
#define REACTOR_SLOW_H

#include <tweed/reactor.h>

struct twi_slow {
    bool watched;
    tw_slow_call *fn; /* NULL: the log */
    void *arg;
    int64_t limit_ns;
    int64_t since; /* the last call ended, or the wait did; the kernel's coarse clock */
};

void twi_slow_init(struct twi_slow *slow);
/* From here on a call may take long. */
void twi_slow_begin(struct twi_slow *slow);
/* The call of `function` has returned. */
void twi_slow_end(struct twi_slow *slow, const char *kind, void (*function)(void));

#define TWI_SLOW_BEGIN(slow)                           \
    do {                                               \
        if (__builtin_expect((slow)->watched, 0))      \
            twi_slow_begin(slow);                      \
    } while (0)
#define TWI_SLOW_END(slow, kind, function)                                \
    do {                                                                  \
        if (__builtin_expect((slow)->watched, 0))                         \
            twi_slow_end((slow), (kind), (void (*)(void))(function));     \
    } while (0)

#endif
