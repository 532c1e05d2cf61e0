/* SPDX-License-Identifier: MIT */
/*
 * switch.c - how a new stack starts; and the switch itself where it is not written by hand.
 */
#include "defer/coroutine/context.h"

#include <string.h>

#if TWI_SWITCH_UCONTEXT

/* makecontext() hands over ints only: the context comes as two halves. */
static void context_start(unsigned high, unsigned low)
{
    uintptr_t address = ((uintptr_t)high << 16 << 16) | low;
    struct twi_context *context = (struct twi_context *)address;

    context->entry(context->arg);
}

void twi_context_make(struct twi_context *context, void *low, void *top,
                      void (*entry)(void *arg), void *arg)
{
    uintptr_t address = (uintptr_t)context;

    getcontext(&context->registers);
    context->registers.uc_stack.ss_sp = low;
    context->registers.uc_stack.ss_size = (size_t)((char *)top - (char *)low);
    context->registers.uc_link = NULL;
    context->entry = entry;
    context->arg = arg;
    makecontext(&context->registers, (void (*)(void))context_start, 2,
                (unsigned)(address >> 16 >> 16), (unsigned)address);
}

tw_value twi_switch(struct twi_context *from, struct twi_context *to, tw_value value)
{
    to->passed = value;
    swapcontext(&from->registers, &to->registers);
    return from->passed;
}

#else

void twi_switch_start(void) __attribute__((visibility("hidden")));

#if defined(__x86_64__)

/* The words that a thread starts with: everything masked, to nearest, 64 bits of mantissa. A new
 * stack inherits its maker's, as a new thread does. */
static void inherit_control_words(struct twi_context *context)
{
    __asm__("stmxcsr %0\n\tfnstcw %1" : "=m"(context->mxcsr), "=m"(context->x87));
}

void twi_context_make(struct twi_context *context, void *low, void *top,
                      void (*entry)(void *arg), void *arg)
{
    void **sp = top;

    (void)low;
    *--sp = (void *)(uintptr_t)twi_switch_start;
    context->sp = sp;
    context->rbx = arg;
    context->r12 = (void *)(uintptr_t)entry;
    inherit_control_words(context);
}

#elif defined(__aarch64__)

void twi_context_make(struct twi_context *context, void *low, void *top,
                      void (*entry)(void *arg), void *arg)
{
    (void)low;
    context->sp = top;
    context->x19_28[0] = (uintptr_t)arg;
    context->x19_28[1] = (uintptr_t)entry;
    context->x29 = NULL;
    context->x30 = (void *)(uintptr_t)twi_switch_start;
    __asm__("mrs %0, fpcr" : "=r"(context->fpcr));
}

#endif
#endif
