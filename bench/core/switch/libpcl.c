/* SPDX-License-Identifier: MIT */
#include "bench.h"
#include <pcl.h>
static void spin(void *a)
{
    (void)a;
    for (;;)
        co_resume();
}
static void one(void *a)
{
    (void)a;
}
static void run_switch(long n)
{
    coroutine_t c = co_create((void *)spin, NULL, NULL, 32768);
    for (n /= 2; n-- > 0;)
        co_call(c);
    co_delete(c);
}
static void run_create(long n)
{
    while (n--) {
        coroutine_t c = co_create((void *)one, NULL, NULL, 32768);
        co_call(c);
    }
}
int main(int ac, char **v)
{
    co_thread_init();
    struct bcase t[] = { { "switch", run_switch, 2000000, 0 },
                         { "create", run_create, 300000, 0 },
                         { 0 } };
    return bench_main(ac, v, t);
}
