/* SPDX-License-Identifier: MIT */
/*
 * thread_end.h - the work at the end of a thread, in stages.
 *
 *     static _Thread_local struct twi_thread_end end;
 *     twi_thread_end_call(&end, TWI_THREAD_CACHES, cache_release);
 */
#ifndef BASE_THREAD_END_H
#define BASE_THREAD_END_H

#include <stdbool.h>

/* From the top down: each stage may still use the objects of those below. */
enum twi_thread_stage {
    TWI_THREAD_REACTOR,    /* its loop, and all that lives there */
    TWI_THREAD_BODIES,     /* bodies that still wait */
    TWI_THREAD_COROUTINES, /* their stacks */
    TWI_THREAD_CACHES,     /* objects that are kept to be used again */
    TWI_THREAD_SLABS,      /* after the destructors of the program's own keys */
    TWI_THREAD_STAGES
};

struct twi_thread_end {
    void (*fn)(void); /* NULL: not registered */
    struct twi_thread_end *next_;
};

/*
 * Call fn() once when the calling thread ends, in that stage; the last registered in a stage is
 * called first. Registering again before that changes nothing; during the end it counts, too.
 *   end    of the thread, zero at first
 *
 * False when the system has no key for it: then fn is never called.
 */
bool twi_thread_end_call(struct twi_thread_end *end, enum twi_thread_stage stage,
                         void (*fn)(void));

#endif
