/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - attributes on which speed depends.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define TWI_LIKELY(condition) __builtin_expect((condition), 1)
#define TWI_UNLIKELY(condition) __builtin_expect((condition), 0)
/* A function for rare cases, so that the quick one that calls it need not save registers. */
#define TWI_APART __attribute__((noinline))
/* A thread's variable at a fixed place: no call to find it. Such places are few when the library
 * is loaded late (tests/check_dlopen.c): what is large lies behind a pointer. OWN: of one file. */
#define TWI_QUICK_TLS \
    __attribute__((visibility("hidden"), tls_model("initial-exec"))) _Thread_local
#define TWI_OWN_TLS __attribute__((tls_model("initial-exec"))) _Thread_local

#endif
