/* SPDX-License-Identifier: MIT */
/*
 * testing.c - see tweed/testing.h.
 */
#include <tweed/testing.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <tweed/alloc.h>
#include <tweed/reactor.h>

#include "reactor/face.h"
#include "net/transport/memory.h"
#include "net/transport/transport.h"

enum { TURNS_MAX = 10000000 }; /* a program that takes more never comes to rest */

static _Thread_local struct {
    bool on;
    size_t deferreds; /* before it began */
} testing;

bool twi_memory_on(void)
{
    return testing.on;
}

int tw_testing_begin(void)
{
    static const struct tw_reactor_options virtual = { .virtual_time = true };
    size_t deferreds = tw_deferred_count();
    int r = tw_reactor_install(&virtual);

    if (r == -EEXIST) {
        r = tw_reactor_uninstall();
        if (r == 0)
            r = tw_reactor_install(&virtual);
    }
    if (r < 0)
        return r;
    testing.on = true;
    testing.deferreds = deferreds;
    return 0;
}

size_t tw_testing_end(void)
{
    size_t left, deferreds;

    if (!testing.on)
        return 0;
    tw_testing_settle();
    left = twi_transport_count() + tw_clock_pending(tw_reactor_clock());
    tw_reactor_uninstall();
    testing.on = false;
    deferreds = tw_deferred_count();
    if (deferreds > testing.deferreds)
        left += deferreds - testing.deferreds;
    return left;
}

void tw_testing_settle(void)
{
    int turns = 0;

    do
        tw_reactor_iterate(0);
    while (twi_loop_busy() && ++turns < TURNS_MAX);
}

/* In nanoseconds: the rest of a double may be less than one, and time would stand still. */
void tw_testing_advance(double seconds)
{
    tw_clock *clock = tw_reactor_clock();
    int64_t end, before;

    if (twi_seconds_to_ns(seconds, &end) < 0)
        return;
    end += twi_clock_now(clock);
    tw_testing_settle();
    for (before = twi_clock_now(clock); before < end; before = twi_clock_now(clock)) {
        double left = (double)(end - before) / (double)TWI_SECOND;
        tw_reactor_iterate(left);
        if (twi_clock_now(clock) <= before && !twi_loop_busy())
            tw_clock_advance(clock, left); /* no call is due before */
    }
    tw_testing_settle();
}

/* --- allocations -------------------------------------------------------------------- */

static _Atomic uint64_t made;      /* since the plan */
static _Atomic uint64_t fail_from; /* 0: never */
static atomic_bool fail_all, has_failed;
static _Atomic int64_t living;

/* True for the allocation that shall fail. */
static bool fails(void)
{
    uint64_t n = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    uint64_t from = atomic_load_explicit(&fail_from, memory_order_relaxed);

    if (from == 0 || n < from || (n > from && !atomic_load(&fail_all)))
        return false;
    atomic_store(&has_failed, true);
    return true;
}

static void *count_allocate(size_t size, void *ctx)
{
    void *block;

    (void)ctx;
    block = fails() ? NULL : malloc(size);
    if (block != NULL)
        atomic_fetch_add_explicit(&living, 1, memory_order_relaxed);
    return block;
}

static void *count_reallocate(void *block, size_t size, void *ctx)
{
    void *moved;

    (void)ctx;
    if (fails())
        return NULL;
    moved = realloc(block, size);
    if (moved != NULL && block == NULL)
        atomic_fetch_add_explicit(&living, 1, memory_order_relaxed);
    return moved;
}

static void count_release(void *block, void *ctx)
{
    (void)ctx;
    if (block != NULL)
        atomic_fetch_sub_explicit(&living, 1, memory_order_relaxed);
    free(block);
}

int tw_testing_count_allocations(void)
{
    static const struct tw_allocator counting = {
        .allocate = count_allocate,
        .reallocate = count_reallocate,
        .release = count_release,
    };
    return tw_set_allocator(&counting, true);
}

void tw_testing_fail_allocation(uint64_t n, bool all)
{
    atomic_store(&fail_from, 0);
    atomic_store(&made, 0);
    atomic_store(&has_failed, false);
    atomic_store(&fail_all, all);
    atomic_store(&fail_from, n);
}

uint64_t tw_testing_allocations(void)
{
    return atomic_load(&made);
}

bool tw_testing_allocation_failed(void)
{
    return atomic_load(&has_failed);
}

int64_t tw_testing_allocations_living(void)
{
    return atomic_load(&living);
}
