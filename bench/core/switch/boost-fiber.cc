/* SPDX-License-Identifier: MIT */
#include <boost/fiber/all.hpp>
#include "bench.h"
using namespace boost;
static void run_switch(long n)
{
    fibers::fiber a([n] {
        for (long i = 0; i < n / 2; i++)
            this_fiber::yield();
    }),
        b([n] {
            for (long i = 0; i < n / 2; i++)
                this_fiber::yield();
        });
    a.join();
    b.join();
}
static void run_create(long n)
{
    while (n--)
        fibers::fiber([] {}).join();
}
int main(int c, char **v)
{
    bcase t[] = { { "switch", run_switch, 1000000, 0 },
                  { "create", run_create, 100000, 0 },
                  { 0, 0, 0, 0 } };
    return bench_main(c, v, t);
}
