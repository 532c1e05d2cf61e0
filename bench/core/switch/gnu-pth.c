/* SPDX-License-Identifier: MIT */
#include "bench.h"
#include <pth.h>
static void *y(void *a)
{
    for (long n = (long)a; n-- > 0;)
        pth_yield(NULL);
    return NULL;
}
static void *one(void *a)
{
    return a;
}
static pth_attr_t at(void)
{
    pth_attr_t a = pth_attr_new();
    pth_attr_set(a, PTH_ATTR_STACK_SIZE, 32768);
    return a;
}
static void run_switch(long n)
{
    pth_attr_t a = at();
    pth_t x = pth_spawn(a, y, (void *)(n / 2)), z = pth_spawn(a, y, (void *)(n / 2));
    pth_join(x, NULL);
    pth_join(z, NULL);
}
static void run_create(long n)
{
    pth_attr_t a = at();
    while (n--)
        pth_join(pth_spawn(a, one, NULL), NULL);
}
int main(int ac, char **v)
{
    pth_init();
    struct bcase t[] = { { "switch", run_switch, 200000, 0 },
                         { "create", run_create, 50000, 0 },
                         { 0 } };
    return bench_main(ac, v, t);
}
