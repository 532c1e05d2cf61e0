/* SPDX-License-Identifier: MIT */
#include "bench.h"
typedef void *fc;
typedef struct {
    fc f;
    void *d;
} tr; /* Boost's C ABI */
extern tr jump_fcontext(fc to, void *d);
extern fc make_fcontext(void *top, size_t size, void (*fn)(tr));
static char stk[65536] __attribute__((aligned(64)));
static void spin(tr t)
{
    for (;;)
        t = jump_fcontext(t.f, NULL);
}
static void run_switch(long n)
{
    tr t = { make_fcontext(stk + sizeof stk, sizeof stk, spin), 0 };
    for (n /= 2; n-- > 0;)
        t = jump_fcontext(t.f, NULL);
}
static void once(tr t)
{
    jump_fcontext(t.f, NULL);
}
static void run_create(long n)
{
    while (n--)
        jump_fcontext(make_fcontext(stk + sizeof stk, sizeof stk, once), NULL);
}
int main(int ac, char **v)
{
    struct bcase t[] = { { "switch", run_switch, 20000000, 0 },
                         { "create", run_create, 5000000, 0 },
                         { 0 } };
    return bench_main(ac, v, t);
}
