/* SPDX-License-Identifier: MIT */
/*
 * inline_callbacks.c - the life of a body: start, cancel, end.
 *
 * A body runs on its coroutine's stack; all that happens around it (callbacks, cancellers,
 * releases, the start of other bodies) happens on the thread's.
 */
#include "defer/inline/inline_callbacks.h"

#include <errno.h>

#include <tweed/log.h>

#include "base/hooks.h"
#include "base/thread_end.h"
#include "defer/face.h"

/* Starts within starts; each takes about 300 bytes of the thread's stack. */
enum { STARTING_MAX = 4000 };

TWI_QUICK_TLS struct twi_tasks twi_tasks;
static struct twi_slab task_slab = TWI_SLAB(struct twi_task);

/* --- the thread --------------------------------------------------------------------------- */

static _Thread_local struct twi_thread_end thread_end;

static void bodies_end(void)
{
    twi_bodies_abandon();
    twi_tasks.known = false;
}

static int task_cancel_again(tw_deferred *outer, bool in_circle);
static bool task_awaits(const tw_deferred *deferred, tw_deferred **ret_awaited,
                        const char **ret_name, const char **ret_where);

static void set_hooks(void)
{
    TWI_HOOK_SET(twi_hook_drop_lent, twi_held_drop);
    TWI_HOOK_SET(twi_body_hooks.cancel_again, task_cancel_again);
    TWI_HOOK_SET(twi_body_hooks.awaits, task_awaits);
}

static TWI_APART void know_thread(struct twi_tasks *tasks)
{
    set_hooks();
    twi_thread_end_call(&thread_end, TWI_THREAD_BODIES, bodies_end);
    if (tasks->all.next == NULL)
        twi_list_init(&tasks->all);
    tasks->known = true;
}

struct twi_tasks *twi_tasks_here(void)
{
    struct twi_tasks *tasks = &twi_tasks;

    if (TWI_UNLIKELY(!tasks->known))
        know_thread(tasks);
    return tasks;
}

/* --- the end of a body -------------------------------------------------------------------- */

static void task_free(struct twi_task *task)
{
    twi_list_remove(&task->node);
    twi_locals_unref(task->part.locals);
    twi_slab_free(&task_slab, task);
}

/* The body has returned `result` (owned). The outer Deferred is fired last of all. */
void twi_task_end(struct twi_task *task, tw_value result)
{
    const char *where = task->where;
    tw_deferred *outer;

    task->ended = true;
    twi_held_release(&task->held);
    outer = task->outer;
    task_free(task);
    if (TWI_UNLIKELY(twi_is_deferred(result))) {
        tw_deferred_resolve_with_at(where, outer, result.as.pointer);
        twi_deferred_unref(outer);
    } else {
        tw_fire_at(where, &outer, result);
    }
}

/* Stop a body that goes on awaiting though nothing will come. */
void twi_task_kill(struct twi_task *task)
{
    tw_value failure = tw_fail_at(task->awaits_at, &tw_error_abandoned,
                                  "%s awaits again and again though the reactor has gone",
                                  task->name);

    tw_log_problem(TW_LOG_CRITICAL, "await", failure, "a coroutine's stack is taken away");
    twi_coroutine_discard(task->leaf);
    twi_task_end(task, failure);
}

/* --- cancel --------------------------------------------------------------------------------- */

static int task_cancel(tw_deferred *outer, void *arg);

struct twi_task *twi_task_of(const tw_deferred *deferred)
{
    if ((deferred->state & TWI_FIRED) != 0 || deferred->cancel != task_cancel)
        return NULL;
    return deferred->ctx;
}

/* The cancel has come round a circle of bodies that wait for each other: none of them would
 * end. */
static TWI_APART int break_circle(struct twi_task *task)
{
    twi_task_interrupt(task, tw_fail_at(task->awaits_at, &tw_error_cancelled,
                                        "cancelled, in a circle of waits"));
    return TW_CANCEL_LATER;
}

/* The Deferred that a cancel goes to; NULL when the body does not wait. */
static tw_deferred *innermost(const struct twi_task *task)
{
    tw_deferred *inner = task->parked ? task->awaited : NULL;

    while (inner != NULL && (inner->state & TWI_WAITING) != 0)
        inner = inner->waiting_on;
    return inner != NULL && (inner->state & TWI_FIRED) == 0 ? inner : NULL;
}

/* A body often awaits another body's Deferred: these are followed in a loop, so that they may
 * be any number. */
static int task_cancel(tw_deferred *outer, void *arg)
{
    struct twi_task *task, *next = arg;
    uint64_t walk = ++twi_tasks.walk;
    tw_deferred *inner;
    bool again = false; /* one of them was cancelled in this round: it may clean up */
    int r;

    do {
        task = next;
        task->walk = walk;
        again |= twi_tasks.in_round && task->cancelled_in == twi_tasks.round;
        task->cancelled_in = twi_tasks.round;
        inner = innermost(task);
        if (inner == NULL) {
            task->cancel_next |= !again;
            return TW_CANCEL_LATER;
        }
        next = twi_task_of(inner);
        if ((inner->state & TWI_CANCELLING) != 0 || (next != NULL && next->walk == walk))
            return break_circle(task);
    } while (next != NULL);
    if (again)
        return TW_CANCEL_LATER;
    r = twi_cancel_awaited(outer, inner);
    return r < 0 ? r : TW_CANCEL_LATER;
}

struct again {
    struct twi_task *task;
    int r;
};

static void cancel_again_out(void *arg)
{
    struct again *again = arg;

    again->r = task_cancel(again->task->outer, again->task);
}

/* The hooks cancel_again and awaits; see deferred.h. */
static int task_cancel_again(tw_deferred *outer, bool in_circle)
{
    struct again again = { twi_task_of(outer), 0 };
    const tw_deferred *inner = again.task != NULL ? innermost(again.task) : NULL;

    if (again.task == NULL ||
        (!in_circle && inner != NULL && (inner->state & TWI_CANCELLING) != 0))
        return 0;
    twi_coroutine_call_out(cancel_again_out, &again);
    return again.r;
}

static bool task_awaits(const tw_deferred *deferred, tw_deferred **ret_awaited,
                        const char **ret_name, const char **ret_where)
{
    const struct twi_task *task = twi_task_of(deferred);

    if (task == NULL)
        return false;
    *ret_awaited = task->awaited;
    *ret_name = task->name;
    *ret_where = task->awaits_at;
    return true;
}

static void cancel_in_round(tw_deferred *outer)
{
    const char *where = outer->where;
    int r = tw_cancel(outer);

    if (r < 0)
        twi_report_refusal(where, "tw_inline_callbacks_cancel_all()", r);
}

/* Cancels the bodies that exist at its begin, each once: a body is either cancelled itself or
 * sees the cancellation of the one that it awaits. */
size_t tw_inline_callbacks_cancel_all(void)
{
    struct twi_tasks *tasks = twi_tasks_here();
    struct twi_list todo, *node;
    uint64_t round = ++tasks->round;
    bool outer = tasks->in_round;
    size_t count = 0;

    tasks->in_round = true;

    twi_list_init(&todo);
    twi_list_splice(&todo, &tasks->all);
    TWI_LIST_EACH (each, &todo)
        count += !TWI_CONTAINER(each, struct twi_task, node)->ended;
    while ((node = twi_list_take_first(&todo)) != NULL) {
        struct twi_task *task = TWI_CONTAINER(node, struct twi_task, node);
        twi_list_append(&tasks->all, node);
        if (task->cancelled_in < round && !task->ended)
            cancel_in_round(task->outer);
    }
    tasks->in_round = outer;
    return count;
}

/* --- the end of the thread's reactor -------------------------------------------------------- */

static struct twi_task *find_parked(const struct twi_tasks *tasks)
{
    TWI_LIST_EACH (node, &tasks->all) {
        struct twi_task *task = TWI_CONTAINER(node, struct twi_task, node);
        if (task->parked)
            return task;
    }
    return NULL;
}

static void abandon_all(void *arg)
{
    struct twi_tasks *tasks = arg;
    bool outer = tasks->ending;
    struct twi_task *task;

    tasks->ending = true;
    while ((task = find_parked(tasks)) != NULL) {
        tw_value failure = tw_fail_at(task->awaits_at, &tw_error_abandoned,
                                      "the reactor has gone while %s was waiting", task->name);
        tw_log_problem(TW_LOG_ERROR, "await", failure, "a coroutine is abandoned");
        twi_task_interrupt(task, failure);
    }
    tasks->ending = outer;
}

void twi_bodies_abandon(void)
{
    if (twi_tasks.known)
        twi_coroutine_call_out(abandon_all, &twi_tasks);
}

void twi_bodies_leave(void)
{
    struct twi_task *task;

    if (!twi_tasks.known)
        return;
    while ((task = find_parked(&twi_tasks)) != NULL)
        twi_list_remove(&task->node);
}

/* --- start ---------------------------------------------------------------------------------- */

static struct twi_task *task_new(const char *where, const struct tw_coroutine_options *options)
{
    struct twi_tasks *tasks = twi_tasks_here();
    struct twi_task *task = twi_slab_alloc(&task_slab);

    if (task == NULL)
        return NULL;
    *task = (struct twi_task){
        .where = where,
        .name = options != NULL && options->name != NULL ? options->name : where,
        .part.locals = twi_locals_inherited(),
    };
    twi_list_append(&tasks->all, &task->node);
    return task;
}

/* The body could not be started: nobody has seen its Deferred yet. */
static tw_deferred *task_give_up(struct twi_task *task, tw_deferred *outer, int error)
{
    const char *where = task->where, *what = "no body, or its stack is too small";

    tw_deferred_unref(task->outer);
    tw_deferred_unref(outer);
    task_free(task);
    if (error == ENOMEM)
        return NULL;
    if (error == ELOOP)
        what = "bodies start bodies, too many within each other";
    return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "%s", what));
}

static tw_coroutine *make_coroutine(const char *where, tw_coroutine_body *body, void *arg,
                                    const struct tw_coroutine_options *options,
                                    struct twi_task *task)
{
    bool deep = twi_tasks.starting == STARTING_MAX;

    if (TWI_LIKELY(body != NULL && !deep))
        return twi_coroutine_new(where, body, arg, options, task);
    if (options != NULL && options->release != NULL)
        options->release(arg);
    errno = deep ? ELOOP : EINVAL;
    return NULL;
}

static TWI_LEAVE_BY_JUMP void task_start(void *task)
{
    twi_tasks.starting++;
    twi_task_run(task);
    twi_tasks.starting--;
}

tw_deferred *tw_inline_callbacks_at(const char *where, tw_coroutine_body *body, void *arg,
                                    const struct tw_coroutine_options *options)
{
    struct twi_task *task = task_new(where, options);
    tw_deferred *outer = NULL;

    if (task != NULL)
        outer = tw_promise_at(where, &task->outer, task_cancel, task, NULL);
    if (outer == NULL) {
        if (task != NULL)
            task_free(task);
        if (options != NULL && options->release != NULL)
            options->release(arg);
        return NULL;
    }
    task->leaf = make_coroutine(where, body, arg, options, task);
    if (task->leaf == NULL)
        return task_give_up(task, outer, errno);
    twi_coroutine_call_out(task_start, task);
    return outer;
}

tw_deferred *tw_inline_callbacks_current(void)
{
    struct twi_task *task = twi_coroutine_task();
    return task != NULL ? task->outer : NULL;
}
