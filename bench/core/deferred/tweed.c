/* SPDX-License-Identifier: MIT */
/* Deferreds of tweed, in the cases of this group. */
#include "../tools/bench.h"

#include <malloc.h>

#include <tweed/deferred_list.h>

static long hits;

static tw_value count(tw_value result, void *arg)
{
    (*(long *)arg)++;
    return result;
}

static tw_callback *volatile callback = count;

static void fire1(long n)
{
    while (n-- > 0) {
        tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);
        tw_add_callback(d, callback, &hits);
        tw_deferred_fire(d, tw_none());
        tw_deferred_unref(d);
    }
}

static void promise1(long n)
{
    while (n-- > 0) {
        tw_deferred *slot, *d = tw_promise(&slot, NULL, NULL);
        tw_add_callback(d, callback, &hits);
        tw_deferred_unref(d);
        tw_fire(&slot, tw_none());
    }
}

static void chain10(long n)
{
    while (n-- > 0) {
        tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);
        for (int i = 0; i < 10; i++)
            tw_add_callback(d, callback, &hits);
        tw_deferred_fire(d, tw_none());
        tw_deferred_unref(d);
    }
}

static tw_deferred *inner;

static tw_value return_deferred(tw_value result, void *arg)
{
    (void)result;
    (void)arg;
    return tw_wait(tw_promise(&inner, NULL, NULL));
}

static void nested(long n)
{
    while (n-- > 0) {
        tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);
        tw_add_callback(d, return_deferred, NULL);
        tw_add_callback(d, callback, &hits);
        tw_deferred_fire(d, tw_none());
        tw_fire(&inner, tw_none());
        tw_deferred_unref(d);
    }
}

static void all1000(long n)
{
    static tw_deferred *slots[1000], *children[1000];

    for (; n > 0; n -= 1000) {
        tw_deferred *all;
        for (int i = 0; i < 1000; i++)
            children[i] = tw_promise(&slots[i], NULL, NULL);
        all = tw_deferred_list(children, 1000, 0);
        tw_add_callback(all, callback, &hits);
        for (int i = 0; i < 1000; i++)
            tw_fire(&slots[i], tw_none());
        tw_deferred_unref(all);
    }
}

static double bytes(long n)
{
    size_t before = mallinfo2().uordblks;

    for (long i = 0; i < n; i++)
        tw_add_callback(tw_deferred_new(NULL, NULL, NULL), callback, &hits);
    return (double)(mallinfo2().uordblks - before) / (double)n;
}

int main(int argc, char **argv)
{
    static const struct bcase cases[] = {
        { "fire1", fire1, 5000000, NULL },
        { "promise1", promise1, 5000000, NULL },
        { "chain10", chain10, 500000, NULL },
        { "nested", nested, 1000000, NULL },
        { "all1000", all1000, 2000000, NULL },
        { "bytes", NULL, 1000000, bytes },
        { NULL, NULL, 0, NULL },
    };

    return bench_main(argc, argv, cases);
}
