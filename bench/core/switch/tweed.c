/* SPDX-License-Identifier: MIT */
/* Coroutines of tweed, in the cases of this group. */
#include "../tools/bench.h"

#include <tweed/coroutine.h>
#include <tweed/inline_callbacks.h>

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

/* --- inline callbacks ---------------------------------------------------------------------- */

static tw_deferred *pending;
static long hits, left;

static tw_value await_for_ever(void *arg)
{
    (void)arg;
    while (left > 0)
        hits += (long)tw_integer_of(tw_await(tw_promise(&pending, NULL, NULL)));
    return tw_none();
}

/* Make a Deferred, await it, fire it, go on. */
static void run_await(long n)
{
    left = n;
    tw_deferred_unref(tw_inline_callbacks(await_for_ever, NULL));
    while (left-- > 0)
        tw_fire(&pending, tw_integer(1));
}

static tw_value await_once(void *arg)
{
    (void)arg;
    hits += (long)tw_integer_of(tw_await(tw_promise(&pending, NULL, NULL)));
    return tw_none();
}

/* Start a body that awaits once, and end it. */
static void run_call(long n)
{
    while (n-- > 0) {
        tw_deferred *done = tw_inline_callbacks(await_once, NULL);
        tw_fire(&pending, tw_integer(1));
        tw_deferred_unref(done);
    }
}

static tw_value await_ready(void *count)
{
    for (long n = *(long *)count; n > 0; n--)
        hits += (long)tw_integer_of(tw_await(tw_succeed(tw_integer(1))));
    return tw_none();
}

static void run_ready(long n)
{
    tw_deferred_unref(tw_inline_callbacks(await_ready, &n));
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
    struct bcase cases[] = {
        { "switch", run_switch, 20000000, 0 }, { "create", run_create, 5000000, 0 },
        { "rr10k", run_many, 2000000, 0 },     { "await", run_await, 5000000, 0 },
        { "call", run_call, 2000000, 0 },      { "ready", run_ready, 5000000, 0 },
        { "bytes", 0, 100000, parked_bytes },  { 0 }
    };

    return bench_main(argc, argv, cases);
}
