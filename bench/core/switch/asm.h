/* SPDX-License-Identifier: MIT */
/* Minimal x86-64 switch: callee-saved registers and the stack
 * pointer.  JMP: leave through an indirect jump rather than ret, which the
 * return predictor gets wrong.  FPU: also keep mxcsr and the x87 control word
 * (what the ABI asks for and Boost.Context does). */
#include "bench.h"
#include <sys/mman.h>
void sw(void **from, void *to);
__asm__(".text\n.globl sw\n.type sw,@function\nsw:\n"
        "	push %rbp\n	push %rbx\n	push %r12\n	push %r13\n	push "
        "%r14\n	push %r15\n"
#ifdef FPU
        "	sub $8,%rsp\n	stmxcsr (%rsp)\n	fnstcw 4(%rsp)\n"
#endif
        "	mov %rsp,(%rdi)\n	mov %rsi,%rsp\n"
#ifdef FPU
        "	ldmxcsr (%rsp)\n	fldcw 4(%rsp)\n	add $8,%rsp\n"
#endif
        "	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop "
        "%rbx\n	pop %rbp\n"
#ifdef JMP
        "	pop %rcx\n	jmp *%rcx\n"
#else
         "	ret\n"
#endif
        ".size sw,.-sw\n");
#ifndef STK
#define STK 16384
#endif
typedef struct co {
    void *sp, *caller;
    void (*fn)(struct co *);
    int done;
} co;
static void entry(void);
static co *cur;
static void co_init(co *c, char *stk, size_t size, void (*fn)(co *))
{
    uintptr_t top = ((uintptr_t)stk + size) & ~(uintptr_t)15;
    void **p = (void **)top;
    *--p = 0; /* keeps rsp 16n+8 at entry */
    *--p = (void *)entry;
    p -= 6;
    memset(p, 0, 48);
#ifdef FPU
    p--;
    ((uint32_t *)p)[0] = 0x1f80;
    ((uint32_t *)p)[1] = 0x37f;
#endif
    c->sp = p;
    c->fn = fn;
    c->done = 0;
}
static inline void co_resume(co *c)
{
    co *old = cur;
    cur = c;
    sw(&c->caller, c->sp);
    cur = old;
}
static inline void co_yield (co *c)
{
    sw(&c->sp, c->caller);
}
static void entry(void)
{
    co *c = cur;
    c->fn(c);
    c->done = 1;
    sw(&c->sp, c->caller);
    __builtin_trap();
}
static void spin(co *c)
{
    for (;;)
        co_yield (c);
}
static void once(co *c)
{
    (void)c;
}

static void run_switch(long n)
{
    static char *s;
    static co c;
    if (!s) {
        s = malloc(STK);
        co_init(&c, s, STK, spin);
    }
    for (n /= 2; n-- > 0;)
        co_resume(&c);
}
static void run_create(long n)   /* start, finish, on a stack from a pool of one */
{
    static char *s;
    co c;
    if (!s)
        s = malloc(STK);
    while (n--) {
        co_init(&c, s, STK, once);
        co_resume(&c);
    }
}
#define MANY 10000
static void many(long n, int colour)   /* round robin over 10k coroutines: cold stacks */
{
    static co *c[2];
    static char *m[2];
    if (!c[colour]) {
        c[colour] = malloc(MANY * sizeof(co));
        m[colour] = mmap(NULL, (size_t)MANY * STK, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (long i = 0; i < MANY; i++)
            co_init(c[colour] + i, m[colour] + i * STK, STK - (colour ? (i % 32) * 64 : 0),
                    spin);
    }
    for (long i = 0, j = 0; i < n; i += 2) {
        co_resume(c[colour] + j);
        if (++j == MANY)
            j = 0;
    }
}
static void run_many(long n)
{
    many(n, 0);
}
static void run_many_col(long n)
{
    many(n, 1);
}
static double mem(long n)   /* RSS per parked coroutine, one slab, no guards */
{
    long a = rss_bytes();
    co *c = malloc(n * sizeof *c);
    char *m = mmap(NULL, (size_t)n * STK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (long i = 0; i < n; i++) {
        co_init(c + i, m + i * STK, STK, spin);
        co_resume(c + i);
    }
    return (rss_bytes() - a) / (double)n;
}
int main(int ac, char **v)
{
    struct bcase t[] = {
        { "switch", run_switch, 20000000, 0 }, { "create", run_create, 5000000, 0 },
        { "rr10k", run_many, 2000000, 0 },     { "rr10k_colour", run_many_col, 2000000, 0 },
        { "bytes", 0, 100000, mem },           { 0 }
    };
    return bench_main(ac, v, t);
}
