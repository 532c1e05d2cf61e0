/* SPDX-License-Identifier: MIT */
/*
 * hooks.h - how lower folders call higher ones: by pointers that the higher ones fill in.
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
/* Reads before it writes, so that the cache line stays shared between threads that set the hook
 * again. */
#define TWI_HOOK_SET(hook, fn)                                      \
    do {                                                            \
        if (TWI_HOOK(hook) != (fn))                                 \
            __atomic_store_n(&(hook), (fn), __ATOMIC_RELAXED);      \
    } while (0)

/* A function that registers hooks that may be called before any other function of its folder.
 * With ELF it runs before the program's own constructors, also those of static objects in
 * C++. */
#ifdef __ELF__
#define TWI_AT_START __attribute__((constructor(101)))
#else
#define TWI_AT_START __attribute__((constructor))
#endif

/* tw_drop() of a lent value: if the running body got it by an await, release it now and not
 * when the body ends. Registered by the first body. */
extern void (*twi_hook_drop_lent)(tw_value value);
/* The clock of the calling thread's reactor. Registered at the start. */
extern tw_clock *(*twi_hook_clock)(void);

#endif
