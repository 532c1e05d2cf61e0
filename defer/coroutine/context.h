/* SPDX-License-Identifier: MIT */
/*
 * context.h - the registers that a switch between stacks keeps.
 *
 * By hand on x86-64 and AArch64, by ucontext elsewhere (configure --with-switch). The registers
 * are kept here and not on the stack, so a switch touches this and the line that the stack stands
 * at, whatever its depth. The floating-point control words are kept as the ABI asks for, unless
 * configured with --disable-switch-fpu.
 */
#ifndef DEFER_COROUTINE_CONTEXT_H
#define DEFER_COROUTINE_CONTEXT_H

#include "config.h"

#include <stddef.h>
#include <stdint.h>

#include <tweed/value.h>

#if TWI_SWITCH_UCONTEXT
#include <ucontext.h>

struct twi_context {
    ucontext_t registers;
    void (*entry)(void *arg);
    void *arg;
    tw_value passed;
};
#elif defined(__x86_64__)
/* The offsets are known to switch_x86_64.S. */
struct twi_context {
    void *sp;            /* the address to go on at is on top of the stack */
    void *rbx, *rbp;
    void *r12, *r13, *r14, *r15;
    uint32_t mxcsr;
    uint16_t x87, unused;
};
_Static_assert(sizeof(struct twi_context) == 64, "a cache line");
#elif defined(__aarch64__)
/* The offsets are known to switch_aarch64.S. */
struct twi_context {
    uint64_t x19_28[10];
    void *x29, *x30;
    uint64_t d8_15[8];
    void *sp;
    uint64_t fpcr;
};
_Static_assert(sizeof(struct twi_context) == 176, "as switch_aarch64.S has it");
#endif

/* The first switch to `context` calls entry(arg), which never returns, on the stack from `low` to
 * `top` (aligned to 16). */
void twi_context_make(struct twi_context *context, void *low, void *top,
                      void (*entry)(void *arg), void *arg);
/* Stop here, keeping that in `from`, and go on where `to` stopped: there it returns `value`. */
tw_value twi_switch(struct twi_context *from, struct twi_context *to, tw_value value);

/* For a function that returns on another stack than the one that was last called on: a ret would
 * be predicted wrong. Lets it leave by a jump. */
#if defined(__x86_64__) && !TWI_SWITCH_UCONTEXT && defined(__OPTIMIZE__) && !defined(__clang__)
#define TWI_LEAVE_BY_JUMP __attribute__((function_return("thunk-extern")))
#else
#define TWI_LEAVE_BY_JUMP
#endif

#endif
