/* SPDX-License-Identifier: MIT */
/*
 * turn.c - one turn of the loop, in its order, with the sending at its end.
 */
#include "config.h"

#include "reactor/loop.h"

/* --- the flush --------------------------------------------------------------------------- */

void twi_flush_later(struct twi_flush *flush)
{
    struct twi_loop *loop;

    if (flush->node_.next != NULL)
        return;
    loop = twi_loop_get();
    if (loop != NULL)
        twi_list_append(&loop->flushes, &flush->node_);
}

void twi_flush_cancel(struct twi_flush *flush)
{
    if (flush->node_.next == NULL)
        return;
    twi_list_remove(&flush->node_);
    flush->node_.next = NULL;
}

/* Flushes queued meanwhile wait for the next turn: a writer that is always hungry would starve
 * all others. */
static void run_flushes(struct twi_loop *loop)
{
    struct twi_list now = TWI_LIST_INIT(now), *node;

    if (twi_list_empty(&loop->flushes)) /* nearly always: those who read flush by themselves */
        return;
    twi_list_splice(&now, &loop->flushes);
    while ((node = twi_list_take_first(&now)) != NULL) {
        struct twi_flush *flush = TWI_CONTAINER(node, struct twi_flush, node_);
        void (*fn)(struct twi_flush * flush);

        node->next = NULL;
        fn = flush->fn;
        fn(flush);
        TWI_SLOW_END(&loop->slow, "flush", fn);
    }
}

/* --- waiting ----------------------------------------------------------------------------- */

bool twi_loop_has_work(const struct twi_loop *loop)
{
    return loop->ready.head != loop->ready.tail || !twi_list_empty(&loop->flushes) ||
           loop->crashed || twi_backend_busy(loop->backend) ||
           twi_inbox_has_posts(loop->reactor) || twi_run_step_due(loop);
}

bool twi_loop_busy(void)
{
    struct twi_loop *loop = twi_loop_here;
    return loop != NULL && (twi_loop_has_work(loop) || loop->jobs > 0 ||
                            loop->wheel.bound <= twi_loop_time(loop));
}

static size_t wait(struct twi_loop *loop, bool block)
{
    size_t calls;

    if (twi_backend_wait(loop->backend, block, &calls) < 0)
        twi_descriptors_preen(loop);
    return calls;
}

static void wait_real(struct twi_loop *loop, int64_t limit)
{
    int64_t until = loop->wheel.bound < limit ? loop->wheel.bound : limit;
    bool block = !twi_loop_has_work(loop) && until > twi_loop_time(loop);

    if (block && until != INT64_MAX)
        twi_backend_alarm(loop->backend, until);
    loop->stale = true;
    wait(loop, block);
}

bool twi_loop_is_virtual(void)
{
    struct twi_loop *loop = twi_loop_get();
    return loop != NULL && loop->virtual_time;
}

void twi_loop_hold(void)
{
    struct twi_loop *loop = twi_loop_get();

    if (loop != NULL)
        loop->holds++;
}

void twi_loop_release(void)
{
    struct twi_loop *loop = twi_loop_here;

    if (loop != NULL && loop->holds > 0)
        loop->holds--;
}

/* Wait: virtual time passes as real time does. */
static void wait_held(struct twi_loop *loop, int64_t until)
{
    int64_t begun = twi_monotonic_ns(), passed;

    if (until != INT64_MAX)
        twi_backend_alarm(loop->backend, begun + (until - loop->now));
    wait(loop, true);
    passed = twi_monotonic_ns() - begun;
    loop->now = passed < until - loop->now ? loop->now + passed : until;
}

/* Idle means: nothing was ready and nothing waits to be done. Then time may jump. Threads at work
 * and others outside are waited for first. */
static void wait_virtual(struct twi_loop *loop, int64_t limit)
{
    int64_t until = loop->wheel.bound < limit ? loop->wheel.bound : limit;
    bool quiet = wait(loop, false) == 0 && !twi_loop_has_work(loop);

    loop->idle = quiet && loop->jobs == 0 && (loop->holds == 0 || until <= loop->now);
    if (quiet && loop->holds > 0 && until > loop->now)
        wait_held(loop, until);
    else if (loop->idle && until != INT64_MAX)
        loop->now = until > loop->now ? until : loop->now;
    else if (quiet && until > loop->now)
        wait(loop, true);
}

/* --- the turn ---------------------------------------------------------------------------- */

/* Calls queued by others, by the loop itself, and timed ones; true if there were any. */
static bool turn_run_calls(struct twi_loop *loop)
{
    bool any;

    TWI_SLOW_BEGIN(&loop->slow);
    any = twi_inbox_run(loop->reactor);

    any |= twi_ready_run(loop);
    return twi_timers_run(loop) || any;
}

void twi_loop_turn(struct twi_loop *loop, int64_t limit, bool wait_only_if_quiet)
{
    loop->turning = true;
    loop->stale = true;
    if (turn_run_calls(loop) && wait_only_if_quiet)
        limit = INT64_MIN;
    twi_run_step(loop);
    run_flushes(loop);
    if (loop->virtual_time)
        wait_virtual(loop, limit);
    else
        wait_real(loop, limit);
    run_flushes(loop);
    loop->turning = false;
}
