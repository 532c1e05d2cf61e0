/* SPDX-License-Identifier: MIT */
/*
 * block_on.c - whole programs around one Deferred.
 */
#include "config.h"

#include <errno.h>

#include <tweed/coroutine.h>
#include <tweed/log.h>

#include "base/alloc.h"
#include "reactor/loop.h"

/* Shared by the waiting function and the callback, which may outlive it. */
struct awaited {
    unsigned references;
    bool waiting; /* the run is still for this wait */
    bool done;
    tw_value result;
};

static void block_unref(void *arg)
{
    struct awaited *awaited = arg;

    if (--awaited->references > 0)
        return;
    tw_release(awaited->result);
    twi_free(awaited);
}

static tw_value block_arrived(tw_value result, void *arg)
{
    struct awaited *awaited = arg;

    if (!awaited->waiting)
        return result;
    awaited->done = true;
    awaited->result = tw_retain(result);
    tw_reactor_crash(); /* no shutdown: the program may block again */
    return tw_none();
}

static tw_value run_for(tw_deferred *deferred)
{
    struct awaited *awaited = twi_calloc(1, sizeof *awaited);
    tw_value result;

    if (awaited == NULL)
        return tw_fail_memory();
    awaited->references = 2;
    awaited->waiting = true;
    tw_add_both_with(deferred, block_arrived, awaited, block_unref);
    if (!awaited->done)
        tw_reactor_run();
    awaited->waiting = false;
    result = awaited->done ? awaited->result
                           : tw_fail(&tw_error_abandoned, "the reactor was stopped");
    awaited->result = tw_none();
    block_unref(awaited);
    return result;
}

/* Log the misuse too, since the result of the call is often dropped. */
static tw_value refuse_to_block(const char *what)
{
    tw_log(TW_LOG_CRITICAL, "reactor", "%s", what);
    return tw_fail(&tw_error_misuse, "%s", what);
}

tw_value tw_block_on(tw_deferred *deferred)
{
    struct twi_loop *loop = twi_loop_get();
    tw_value result;

    if (deferred == NULL || loop == NULL)
        result = tw_fail_memory();
    else if (tw_coroutine_current() != NULL)
        result = refuse_to_block("tw_block_on() inside a coroutine: use tw_await()");
    else if (loop->turning || loop->state != TWI_RUN_IDLE)
        result = refuse_to_block("tw_block_on() inside a running reactor");
    else if (tw_deferred_is_done(deferred))
        result = tw_deferred_take_result(deferred);
    else
        result = run_for(deferred);
    tw_deferred_unref(deferred);
    return result;
}

/* --- react ------------------------------------------------------------------------------- */

struct program {
    tw_deferred *(*start)(void *arg);
    void *arg;
    unsigned references; /* tw_react()'s and the callback's */
    int64_t trigger;     /* the number of block_begin(); 0 once it has been called */
    bool over;           /* tw_react() has returned */
    int status;
};

static void program_unref(void *arg)
{
    struct program *program = arg;

    if (--program->references == 0)
        twi_free(program);
}

static tw_value block_ended(tw_value result, void *arg)
{
    struct program *program = arg;

    if (program->over)
        return result;
    program->status = 0;
    if (tw_is_failure(result)) {
        tw_log_problem(TW_LOG_CRITICAL, "reactor", result, "the program");
        program->status = 1;
    }
    tw_reactor_stop();
    return tw_none();
}

static tw_value block_begin(void *arg)
{
    struct program *program = arg;
    tw_deferred *deferred = program->start(program->arg);

    program->references++;
    program->trigger = 0;
    tw_add_both_with(deferred, block_ended, program, program_unref);
    tw_deferred_unref(deferred);
    return tw_none();
}

/* A run that ended before it had started, by a crash, leaves block_begin() behind. */
static int run_program(struct program *program)
{
    int r;

    if (tw_reactor_running())
        return TW_REACTOR_ALREADY_RUNNING;
    program->trigger = tw_reactor_add_trigger(TW_AFTER, "startup", block_begin, program);
    if (program->trigger < 0)
        return (int)program->trigger;
    r = tw_reactor_run();
    if (program->trigger > 0)
        tw_reactor_remove_trigger(program->trigger);
    return r;
}

int tw_react(tw_deferred *(*start)(void *arg), void *arg)
{
    struct program *program = start != NULL ? twi_calloc(1, sizeof *program) : NULL;
    int r = start != NULL ? -ENOMEM : -EINVAL, status;

    if (program != NULL) {
        *program = (struct program){ .start = start, .arg = arg, .references = 1 };
        r = run_program(program);
    }
    if (r < 0) {
        tw_value failure = tw_fail_errno(&tw_error_system, r);
        tw_log_problem(TW_LOG_CRITICAL, "reactor", failure, "the program could not run");
        tw_release(failure);
        status = 1;
    } else {
        status = tw_reactor_exit_signal() != 0 ? 128 + tw_reactor_exit_signal()
                                               : program->status;
    }
    if (program != NULL) {
        program->over = true;
        program_unref(program);
    }
    return status;
}
