/* SPDX-License-Identifier: MIT */
/*
 * hooks.h - how lower folders call higher ones: by pointers that those fill in.
 *
 * A hook is one pointer, NULL until the folder above has registered its function; that may be
 * done again and on any thread, since it is always the same function. A caller's objects of an
 * upper folder were made there, after the registration: so no order between threads is needed.
 */
#ifndef BASE_HOOKS_H
#define BASE_HOOKS_H

#include <tweed/clock.h>
#include <tweed/value.h>

/* The function, or NULL. */
#define TWI_HOOK(hook) __atomic_load_n(&(hook), __ATOMIC_RELAXED)
/* Looks first: the line stays shared between threads that set it again. */
#define TWI_HOOK_SET(hook, fn)                                      \
    do {                                                            \
        if (TWI_HOOK(hook) != (fn))                                 \
            __atomic_store_n(&(hook), (fn), __ATOMIC_RELAXED);      \
    } while (0)

/* A function that registers what may be wanted before any other of its folder is called. With
 * ELF it runs before the program's own constructors, those of static objects in C++ too. */
#ifdef __ELF__
#define TWI_AT_START __attribute__((constructor(101)))
#else
#define TWI_AT_START __attribute__((constructor))
#endif

/* tw_drop() of a lent value: if it is one that the running body got by an await, let it go now and
 * not when the body ends. By the first body. */
extern void (*twi_hook_drop_lent)(tw_value value);
/* The clock of the calling thread's reactor. At the start. */
extern tw_clock *(*twi_hook_clock)(void);

#endif
