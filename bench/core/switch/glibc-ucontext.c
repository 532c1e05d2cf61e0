/* SPDX-License-Identifier: MIT */
#include "bench.h"
#include <ucontext.h>
static ucontext_t m, c;
static char stk[65536];
static void spin(void)
{
    for (;;)
        swapcontext(&c, &m);
}
static void one(void) {}
static void run_switch(long n)
{
    getcontext(&c);
    c.uc_stack.ss_sp = stk;
    c.uc_stack.ss_size = sizeof stk;
    makecontext(&c, spin, 0);
    for (n /= 2; n-- > 0;)
        swapcontext(&m, &c);
}
static void run_create(long n)
{
    while (n--) {
        getcontext(&c);
        c.uc_stack.ss_sp = stk;
        c.uc_stack.ss_size = sizeof stk;
        c.uc_link = &m;
        makecontext(&c, one, 0);
        swapcontext(&m, &c);
    }
}
int main(int ac, char **v)
{
    struct bcase t[] = { { "switch", run_switch, 2000000, 0 },
                         { "create", run_create, 500000, 0 },
                         { 0 } };
    return bench_main(ac, v, t);
}
