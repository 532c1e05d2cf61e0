/* Coroutines of tweed, in the cases of this group. */
#include "bench.h"

#include <tweed/coroutine.h>

static tw_value spin(void *arg)
{
    (void)arg;
    while (!tw_is_failure(tw_yield(tw_none())))
        continue;
    return tw_none();
}

static tw_value once(void *arg)
{
    (void)arg;
    return tw_none();
}

/* One way: there and back counts as two. */
static void run_switch(long n)
{
    static tw_coroutine *coroutine;

    if (coroutine == NULL)
        coroutine = tw_coroutine_new(spin, NULL);
    for (n /= 2; n-- > 0;)
        tw_coroutine_next(coroutine, NULL);
}

static void run_create(long n)
{
    while (n-- > 0) {
        tw_coroutine *coroutine = tw_coroutine_new(once, NULL);
        tw_coroutine_next(coroutine, NULL);
        tw_coroutine_free(coroutine);
    }
}

enum { MANY = 10000 };

static void run_many(long n)
{
    static tw_coroutine *coroutines[MANY];

    if (coroutines[0] == NULL) {
        for (int i = 0; i < MANY; i++)
            coroutines[i] = tw_coroutine_new(spin, NULL);
    }
    for (long i = 0, j = 0; i < n; i += 2) {
        tw_coroutine_next(coroutines[j], NULL);
        if (++j == MANY)
            j = 0;
    }
}

/* RSS of a parked one; each has its guard. */
static double parked_bytes(long n)
{
    long before = rss_bytes();

    for (long i = 0; i < n; i++)
        tw_coroutine_next(tw_coroutine_new(spin, NULL), NULL);
    return (double)(rss_bytes() - before) / (double)n;
}

int main(int argc, char **argv)
{
    struct bcase cases[] = { { "switch", run_switch, 20000000, 0 },
                             { "create", run_create, 5000000, 0 },
                             { "rr10k", run_many, 2000000, 0 },
                             { "bytes", 0, 100000, parked_bytes },
                             { 0 } };

    return bench_main(argc, argv, cases);
}
