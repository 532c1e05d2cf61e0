/* SPDX-License-Identifier: MIT */
/*
 * cooperator.c - many iterations on one thread.
 *
 * A ring of tasks that can go on; each turn of the clock a slice of 10 ms goes round it. On a
 * virtual clock, whose time stands still meanwhile, a slice is one round, and the next one
 * comes 10 ms later: otherwise an endless task would keep time from passing. A task that is
 * paused or waits is out of the ring; when the ring is empty, nothing is scheduled.
 *
 *   RUNNABLE <-> paused or waiting --> ENDED
 */
#include <errno.h>

#include <tweed/log.h>
#include <tweed/task.h>

#include "defer/waiters.h"

#include "base/clock.h"

enum { SLICE_NS = 10 * 1000 * 1000 };

struct tw_cooperator {
    tw_clock *clock;
    int64_t call; /* the number of the timed call; 0: none */
    struct twi_list runnable;
    struct twi_list resting; /* paused or waiting */
    bool running;            /* inside a slice */
    bool freed;
};

/* References: of its cooperator until it ends, of its owner, of the Deferred that it waits
 * for. */
struct tw_cooperative_task {
    struct twi_list node;
    tw_cooperator *cooperator; /* NULL: ended */
    tw_step *step;
    void *arg;
    tw_release_fn *release;
    struct twi_waiters ends; /* tw_cooperative_task_done() */
    tw_value outcome;
    unsigned references;
    unsigned pauses;
    bool waiting; /* for the Deferred that the last step returned */
    bool more;    /* the last step wants another */
    bool told;    /* somebody has seen the outcome */
};

/* --- the ring --------------------------------------------------------------------------- */

static void slice(void *arg);

/* Without memory for a timed call nothing would run again: then all tasks end. */
static void end_all(tw_cooperator *cooperator, tw_value failure);

static void unschedule(tw_cooperator *cooperator)
{
    int64_t call = cooperator->call;

    cooperator->call = 0;
    if (call != 0)
        tw_clock_cancel(cooperator->clock, call);
}

/* A slice is called for while there is something to run, and only then. */
static void cooperator_schedule(tw_cooperator *cooperator, int64_t from_now)
{
    tw_clock *clock = cooperator->clock;
    int64_t call;

    if (cooperator->running)
        return;
    if (twi_list_empty(&cooperator->runnable)) {
        unschedule(cooperator);
        return;
    }
    if (cooperator->call != 0)
        return;
    call = clock->ops->call_at(clock, twi_clock_now(clock) + from_now, slice, cooperator,
                               NULL);
    if (call > 0)
        cooperator->call = call;
    else
        end_all(cooperator, tw_fail_memory());
}

static void task_place(tw_cooperative_task *task)
{
    tw_cooperator *cooperator = task->cooperator;
    bool rests = task->waiting || task->pauses > 0;

    twi_list_remove(&task->node);
    twi_list_append(rests ? &cooperator->resting : &cooperator->runnable, &task->node);
    cooperator_schedule(cooperator, 0);
}

static void task_unref(tw_cooperative_task *task)
{
    if (--task->references > 0)
        return;
    if (tw_is_failure(task->outcome) && !task->told)
        tw_log_problem(TW_LOG_CRITICAL, "task", tw_lend(task->outcome),
                       "unhandled failure of a cooperative task");
    tw_release(task->outcome);
    twi_free(task);
}

/* Takes `outcome`. The callbacks of the task's Deferreds may free the cooperator. */
static void end(tw_cooperative_task *task, tw_value outcome)
{
    tw_release_fn *release = task->release;
    tw_cooperator *cooperator = task->cooperator;

    twi_list_remove(&task->node);
    if (twi_list_empty(&cooperator->runnable))
        unschedule(cooperator);
    task->cooperator = NULL;
    task->outcome = outcome;
    task->release = NULL;
    if (release != NULL)
        release(task->arg);
    task->told = task->told || task->ends.count > 0;
    while (task->ends.count > 0)
        twi_waiters_serve(&task->ends, tw_lend(outcome));
    task_unref(task);
}

static void end_all(tw_cooperator *cooperator, tw_value failure)
{
    struct twi_list all, *node;
    bool freed = cooperator->freed; /* a task's release may free it */

    twi_list_init(&all);
    twi_list_splice(&all, &cooperator->runnable);
    twi_list_splice(&all, &cooperator->resting);
    while ((node = twi_list_take_first(&all)) != NULL) {
        tw_cooperative_task *task = TWI_CONTAINER(node, tw_cooperative_task, node);
        task->told = task->told || freed;
        end(task, tw_retain(failure));
    }
    tw_release(failure);
}

/* --- steps ------------------------------------------------------------------------------ */

static void after_step(tw_cooperative_task *task, tw_value result)
{
    if (tw_is_failure(result)) {
        end(task, result);
        return;
    }
    tw_release(result);
    if (!task->more)
        end(task, tw_none());
    else
        task_place(task);
}

static void waited(void *arg, size_t index, tw_value *result)
{
    tw_cooperative_task *task = arg;
    tw_value outcome = *result;

    (void)index;
    *result = tw_none();
    task->waiting = false;
    if (task->cooperator != NULL)
        after_step(task, outcome);
    else
        tw_release(outcome);
    task_unref(task);
}

static void run_step(tw_cooperative_task *task)
{
    tw_value result;

    task->references++;
    task->more = false;
    result = tw_take(task->step(&task->more, task->arg));
    if (task->cooperator == NULL) {
        tw_release(result); /* stopped from within */
    } else if (twi_is_deferred(result)) {
        task->waiting = true;
        task->references++;
        task_place(task);
        twi_deferred_tap(result.as.pointer, waited, task, 0);
        tw_release(result);
    } else {
        after_step(task, result);
    }
    task_unref(task);
}

static void slice(void *arg)
{
    tw_cooperator *cooperator = arg;
    bool is_virtual = twi_clock_stands_still(cooperator->clock);
    int64_t until = twi_monotonic_ns() + SLICE_NS;
    size_t round = 0;

    cooperator->call = 0;
    cooperator->running = true;
    TWI_LIST_EACH (node, &cooperator->runnable)
        round++;
    while (!twi_list_empty(&cooperator->runnable)) {
        run_step(TWI_CONTAINER(cooperator->runnable.next, tw_cooperative_task, node));
        if (is_virtual ? --round == 0 : twi_monotonic_ns() >= until)
            break;
    }
    cooperator->running = false;
    if (cooperator->freed)
        twi_free(cooperator);
    else
        cooperator_schedule(cooperator, is_virtual ? SLICE_NS : 0);
}

/* --- public ----------------------------------------------------------------------------- */

tw_cooperator *tw_cooperator_new(tw_clock *clock)
{
    tw_cooperator *cooperator;

    if (clock == NULL)
        clock = twi_clock_here();
    cooperator = clock != NULL ? twi_calloc(1, sizeof *cooperator) : NULL;
    if (cooperator == NULL)
        return NULL;
    cooperator->clock = clock;
    twi_list_init(&cooperator->runnable);
    twi_list_init(&cooperator->resting);
    return cooperator;
}

static tw_value stopped(void)
{
    return tw_fail(&tw_error_cancelled, "the task was stopped");
}

void tw_cooperator_free(tw_cooperator *cooperator)
{
    if (cooperator == NULL)
        return;
    cooperator->freed = true;
    end_all(cooperator, stopped());
    unschedule(cooperator);
    if (!cooperator->running)
        twi_free(cooperator);
}

tw_cooperative_task *tw_cooperate(tw_cooperator *cooperator, tw_step *step, void *arg,
                                  tw_release_fn *release)
{
    tw_cooperative_task *task = NULL;

    if (step == NULL)
        errno = EINVAL;
    else if (cooperator != NULL && !cooperator->freed)
        task = twi_calloc(1, sizeof *task);
    if (task == NULL) {
        if (release != NULL)
            release(arg);
        return NULL;
    }
    task->cooperator = cooperator;
    task->step = step;
    task->arg = arg;
    task->release = release;
    task->references = 2;
    twi_waiters_init(&task->ends);
    twi_list_init(&task->node);
    task_place(task);
    return task;
}

tw_deferred *tw_cooperative_task_done_at(const char *where, tw_cooperative_task *task)
{
    if (task == NULL)
        return NULL;
    if (task->cooperator == NULL) {
        task->told = true;
        return tw_fired_at(where, tw_lend(task->outcome));
    }
    return twi_waiters_join(&task->ends, where);
}

/* True also for a task that could not be made. */
static bool task_has_ended(const tw_cooperative_task *task)
{
    return task == NULL || task->cooperator == NULL;
}

int tw_cooperative_task_pause(tw_cooperative_task *task)
{
    if (task_has_ended(task))
        return -EALREADY;
    task->pauses++;
    task_place(task);
    return 0;
}

int tw_cooperative_task_resume(tw_cooperative_task *task)
{
    if (task_has_ended(task))
        return -EALREADY;
    if (task->pauses == 0)
        return -EINVAL;
    if (--task->pauses == 0)
        task_place(task);
    return 0;
}

int tw_cooperative_task_stop(tw_cooperative_task *task)
{
    if (task_has_ended(task))
        return -EALREADY;
    task->told = true;
    end(task, stopped());
    return 0;
}

void tw_cooperative_task_unref(tw_cooperative_task *task)
{
    if (task != NULL)
        task_unref(task);
}
