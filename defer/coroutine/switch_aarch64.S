/* SPDX-License-Identifier: MIT */
/*
 * switch_aarch64.S - twi_switch() for the procedure call standard of AArch64; see context.h.
 *
 * Of the vector registers a call keeps the lower halves of v8 to v15. It leaves by a jump, not by
 * a ret, which would be predicted wrong each time. fpcr is written only where it differs.
 */
#include "config.h"

#define X19 0
#define X21 16
#define X23 32
#define X25 48
#define X27 64
#define X29 80
#define D8 96
#define D10 112
#define D12 128
#define D14 144
#define SP 160
#define FPCR 168

    .text

/* tw_value twi_switch(struct twi_context *from, struct twi_context *to, tw_value value) */
    .globl twi_switch
    .hidden twi_switch
    .type twi_switch, %function
    .p2align 5
twi_switch:
    .cfi_startproc
    mov x9, sp
    stp x19, x20, [x0, #X19]
    stp x21, x22, [x0, #X21]
    stp x23, x24, [x0, #X23]
    stp x25, x26, [x0, #X25]
    stp x27, x28, [x0, #X27]
    stp x29, x30, [x0, #X29]
    stp d8, d9, [x0, #D8]
    stp d10, d11, [x0, #D10]
    stp d12, d13, [x0, #D12]
    stp d14, d15, [x0, #D14]
    str x9, [x0, #SP]
#if TWI_SWITCH_FPU
    mrs x10, fpcr
    str x10, [x0, #FPCR]
    ldr x11, [x1, #FPCR]
    cmp x10, x11
    b.eq 1f
    msr fpcr, x11
1:
#endif
    ldr x9, [x1, #SP]
    ldp x19, x20, [x1, #X19]
    ldp x21, x22, [x1, #X21]
    ldp x23, x24, [x1, #X23]
    ldp x25, x26, [x1, #X25]
    ldp x27, x28, [x1, #X27]
    ldp x29, x30, [x1, #X29]
    ldp d8, d9, [x1, #D8]
    ldp d10, d11, [x1, #D10]
    ldp d12, d13, [x1, #D12]
    ldp d14, d15, [x1, #D14]
    mov sp, x9
    mov x0, x2
    mov x1, x3
    br x30
    .cfi_endproc
    .size twi_switch, . - twi_switch

/* Where a new stack starts: x19 holds the argument, x20 the function. Nothing called it, and a
 * back-trace ends here. The nop is for whoever looks up the place before. */
    .globl twi_switch_start
    .hidden twi_switch_start
    .type twi_switch_start, %function
    .cfi_startproc
    .cfi_undefined x30
    nop
twi_switch_start:
    mov x0, x19
    mov x29, xzr
    mov x30, xzr
    blr x20
    brk #1
    .cfi_endproc
    .size twi_switch_start, . - twi_switch_start

    .section .note.GNU-stack, "", %progbits
