/* SPDX-License-Identifier: MIT */
/*
 * run.c - the life of a run: start, turns, stop, crash.
 */
#include "config.h"

#include <tweed/coroutine.h>

#include "base/alloc.h"
#include "reactor/loop.h"

/* --- what happens between timed calls and descriptors ------------------------------------ */

bool twi_run_step_due(const struct twi_loop *loop)
{
    switch (loop->state) {
    case TWI_RUN_STARTING:
        return loop->stop_asked || twi_event_may_continue(&loop->startup);
    case TWI_RUN_RUNNING:
        return loop->stop_asked;
    case TWI_RUN_STOPPING:
        return twi_event_may_continue(&loop->shutdown);
    case TWI_RUN_IDLE:
    case TWI_RUN_ENDING:
        break;
    }
    return false;
}

static void finish_start(struct twi_loop *loop)
{
    loop->state = TWI_RUN_RUNNING;
    twi_event_call(&loop->startup, TW_DURING);
    twi_event_call(&loop->startup, TW_AFTER);
}

/* Twisted's order: leave the loop, disconnect all, the program's own; then the threads end. */
static void finish_stop(struct twi_loop *loop)
{
    loop->state = TWI_RUN_ENDING;
    loop->crashed = true;
    twi_loop_call_stops(loop, TWI_STOP_CONNECTIONS);
    tw_reactor_remove_all();
    twi_event_call(&loop->shutdown, TW_DURING);
    twi_loop_call_stops(loop, TWI_STOP_THREADS);
    twi_event_call(&loop->shutdown, TW_AFTER);
}

void twi_run_step(struct twi_loop *loop)
{
    if (loop->state == TWI_RUN_STARTING && twi_event_may_continue(&loop->startup))
        finish_start(loop);
    if (loop->stop_asked &&
        (loop->state == TWI_RUN_RUNNING || loop->state == TWI_RUN_STARTING)) {
        loop->state = TWI_RUN_STOPPING;
        twi_event_begin(&loop->shutdown);
    }
    if (loop->state == TWI_RUN_STOPPING && twi_event_may_continue(&loop->shutdown))
        finish_stop(loop);
}

/* --- the public face --------------------------------------------------------------------- */

int tw_reactor_run(void)
{
    struct twi_loop *loop = twi_loop_get();

    if (loop == NULL)
        return -ENOMEM;
    if (tw_coroutine_current() != NULL)
        return TW_REACTOR_IN_COROUTINE;
    if (loop->state == TWI_RUN_STOPPING || loop->state == TWI_RUN_ENDING)
        return TW_REACTOR_NOT_RESTARTABLE;
    if (loop->state != TWI_RUN_IDLE || loop->turning)
        return TW_REACTOR_ALREADY_RUNNING;
    loop->crashed = false;
    loop->exit_signal = 0;
    loop->state = TWI_RUN_STARTING;
    twi_signals_begin(loop);
    twi_event_begin(&loop->startup);
    do
        twi_loop_turn(loop, INT64_MAX, false);
    while (!loop->crashed);
    twi_signals_end(loop);
    loop->state = TWI_RUN_IDLE;
    loop->stop_asked = loop->crashed = false;
    return 0;
}

int tw_reactor_stop(void)
{
    struct twi_loop *loop = twi_loop_get();
    bool running;

    if (loop == NULL)
        return TW_REACTOR_NOT_RUNNING;
    running = loop->state == TWI_RUN_STARTING || loop->state == TWI_RUN_RUNNING;
    if (running && !loop->stop_asked) {
        loop->stop_asked = true;
        return 0;
    }
    if (loop->state == TWI_RUN_IDLE)
        loop->stop_asked = true;
    return TW_REACTOR_NOT_RUNNING;
}

int tw_reactor_crash(void)
{
    struct twi_loop *loop = twi_loop_here;

    if (loop == NULL || loop->state == TWI_RUN_IDLE)
        return TW_REACTOR_NOT_RUNNING;
    loop->crashed = true;
    return 0;
}

int tw_reactor_iterate(double seconds)
{
    struct twi_loop *loop = twi_loop_get();
    int64_t ns, limit = INT64_MAX;
    int r;

    if (loop == NULL)
        return -ENOMEM;
    if (tw_coroutine_current() != NULL)
        return TW_REACTOR_IN_COROUTINE;
    if (loop->turning)
        return TW_REACTOR_ALREADY_RUNNING;
    if (!(seconds < 0)) {
        r = twi_seconds_to_ns(seconds, &ns);
        if (r < 0)
            return r;
        limit = ns == 0 ? INT64_MIN : twi_loop_time(loop) + ns;
    }
    twi_loop_turn(loop, limit, true);
    return 0;
}

bool tw_reactor_running(void)
{
    return twi_loop_here != NULL && twi_is_running(twi_loop_here);
}

int tw_reactor_exit_signal(void)
{
    return twi_loop_here != NULL ? twi_loop_here->exit_signal : 0;
}
