/* SPDX-License-Identifier: MIT */
/*
 * annotate.h - tells AddressSanitizer, ThreadSanitizer and valgrind about stacks.
 *
 * In a build for users only valgrind's marks are left, if its header was found: a few
 * instructions when a slot is first used.
 */
#ifndef DEFER_COROUTINE_ANNOTATE_H
#define DEFER_COROUTINE_ANNOTATE_H

#include "config.h"

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define TWI_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define TWI_UNCHECKED __attribute__((no_sanitize("address", "undefined")))
#else
#define TWI_ASAN 0
#define TWI_UNCHECKED
#endif

#if defined(__SANITIZE_THREAD__)
#define TWI_TSAN 1
#include <sanitizer/tsan_interface.h>
#else
#define TWI_TSAN 0
#endif

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#define TWI_VALGRIND 1
#include <valgrind/memcheck.h>
#endif
#endif

#ifdef TWI_VALGRIND
#define TWI_VALGRIND_REGISTER(low, top) VALGRIND_STACK_REGISTER((low), (top))
#define TWI_VALGRIND_DEREGISTER(id) VALGRIND_STACK_DEREGISTER(id)
#define TWI_VALGRIND_LOOK_AWAY() VALGRIND_DISABLE_ERROR_REPORTING
#define TWI_VALGRIND_LOOK_AGAIN() VALGRIND_ENABLE_ERROR_REPORTING
#define TWI_VALGRIND_UNDEFINED(low, size) ((void)VALGRIND_MAKE_MEM_UNDEFINED((low), (size)))
#else
#define TWI_VALGRIND_REGISTER(low, top) 0
#define TWI_VALGRIND_DEREGISTER(id) ((void)(id))
#define TWI_VALGRIND_LOOK_AWAY() ((void)0)
#define TWI_VALGRIND_LOOK_AGAIN() ((void)0)
#define TWI_VALGRIND_UNDEFINED(low, size) ((void)0)
#endif

/* The old content of this stack is gone. */
static inline void twi_stack_is_new(char *low, char *top)
{
    size_t size = (size_t)(top - low);
#if TWI_ASAN
    __asan_unpoison_memory_region(low, size);
#endif
#if TWI_DEBUG
    TWI_VALGRIND_UNDEFINED(low, size);
#endif
    (void)low;
    (void)size;
}
#define TWI_STACK_IS_NEW(low, top) twi_stack_is_new((low), (top))

#endif
