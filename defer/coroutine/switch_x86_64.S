/* SPDX-License-Identifier: MIT */
/*
 * switch_x86_64.S - twi_switch() for the System V ABI of x86-64; see context.h.
 *
 * It leaves by a jump: a ret would be predicted wrong each time. So would the one of the function
 * that called it, wherefore such functions leave by a jump too (TWI_LEAVE_BY_JUMP). The control
 * words are loaded only where they differ, since loading them takes longer than all the rest; of
 * mxcsr the lower six bits are flags, which calls need not keep.
 */
#include "config.h"

#define SP 0
#define RBX 8
#define RBP 16
#define R12 24
#define R13 32
#define R14 40
#define R15 48
#define MXCSR 56
#define X87 60
#define MXCSR_CONTROL 0xffc0

    .text

/* tw_value twi_switch(struct twi_context *from, struct twi_context *to, tw_value value) */
    .globl twi_switch
    .hidden twi_switch
    .type twi_switch, @function
    .p2align 5
twi_switch:
    .cfi_startproc
    mov %rsp, SP(%rdi)
    mov %rbx, RBX(%rdi)
    mov %rbp, RBP(%rdi)
    mov %r12, R12(%rdi)
    mov %r13, R13(%rdi)
    mov %r14, R14(%rdi)
    mov %r15, R15(%rdi)
#if TWI_SWITCH_FPU
    stmxcsr MXCSR(%rdi)
    fnstcw X87(%rdi)
    mov MXCSR(%rdi), %eax
    xor MXCSR(%rsi), %eax
    test $MXCSR_CONTROL, %eax
    jne 2f
1:  movzwl X87(%rdi), %eax
    cmp X87(%rsi), %ax
    jne 3f
4:
#endif
    mov SP(%rsi), %rsp
    mov RBX(%rsi), %rbx
    mov RBP(%rsi), %rbp
    mov R12(%rsi), %r12
    mov R13(%rsi), %r13
    mov R14(%rsi), %r14
    mov R15(%rsi), %r15
    mov %rdx, %rax
    mov %rcx, %rdx
    pop %r11
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %r11
    jmp *%r11
#if TWI_SWITCH_FPU
    .cfi_adjust_cfa_offset 8
    .cfi_restore %rip
2:  ldmxcsr MXCSR(%rsi)
    jmp 1b
3:  fldcw X87(%rsi)
    jmp 4b
#endif
    .cfi_endproc
    .size twi_switch, . - twi_switch

/* Where a new stack starts: rbx holds the argument, r12 the function. Nothing called it, and a
 * back-trace ends here. The nop is for whoever looks up the place before. */
    .globl twi_switch_start
    .hidden twi_switch_start
    .type twi_switch_start, @function
    .cfi_startproc
    .cfi_undefined %rip
    nop
twi_switch_start:
    mov %rbx, %rdi
    xor %ebp, %ebp
    call *%r12
    ud2
    .cfi_endproc
    .size twi_switch_start, . - twi_switch_start

/* What the compiler jumps to instead of a ret, in functions that ask for it. */
    .globl __x86_return_thunk
    .hidden __x86_return_thunk
    .type __x86_return_thunk, @function
    .p2align 4
__x86_return_thunk:
    .cfi_startproc
    pop %r11
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %r11
    jmp *%r11
    .cfi_endproc
    .size __x86_return_thunk, . - __x86_return_thunk

    .section .note.GNU-stack, "", @progbits
