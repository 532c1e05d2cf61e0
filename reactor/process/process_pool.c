/* SPDX-License-Identifier: MIT */
/*
 * process_pool.c - the queue of a process pool, and its beginning and end.
 *
 * At the end of each turn the queue is handed out: first a task for each idle worker, then
 * tasks sent ahead, more to workers that were fast. A worker without work gets what another has
 * not begun. So a short task costs few system calls, and a long one holds up nothing behind it.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <tweed/coroutine.h>
#include <tweed/reactor.h>

#include "base/alloc.h"
#include "base/slab.h"
#include "reactor/process/process_pool.h"

enum {
    DEFAULT_LIMIT = 64 << 20,
    AHEAD_BYTES = 256 * 1024, /* no more is sent ahead of a worker that does not read */
};

static struct twi_slab tasks = TWI_SLAB(struct twi_process_task);

/* --- tasks -------------------------------------------------------------------------------- */

void twi_process_task_set_unref(struct twi_process_task_set *set)
{
    if (--set->references == 0)
        set->release(set);
}

static struct twi_process_task *process_task_new(struct tw_process_pool *pool,
                                                 const struct tw_process_entry *function,
                                                 double timeout)
{
    struct twi_process_task *task = twi_slab_alloc(&tasks);

    if (task == NULL)
        return NULL;
    *task = (struct twi_process_task){ .pool = pool, .function = function, .count = 1 };
    twi_list_init(&task->node);
    twi_seconds_to_ns(timeout, &task->timeout);
    return task;
}

/* Its last result has been given, or nobody wants it. */
void twi_process_task_free(struct twi_process_task *task)
{
    tw_deferred_unref(task->done);
    tw_release(task->argument);
    if (task->set != NULL)
        twi_process_task_set_unref(task->set);
    twi_slab_free(&tasks, task);
}

bool twi_process_task_wanted(const struct twi_process_task *task)
{
    return task->set != NULL ? !task->set->dropped : task->done != NULL;
}

void twi_process_task_move(struct twi_process_task *task, struct twi_worker *worker)
{
    struct tw_process_pool *pool = task->pool;
    size_t left = task->count - task->answered;

    *(task->worker != NULL ? &pool->sent : &pool->waiting) -= left;
    *(worker != NULL ? &pool->sent : &pool->waiting) += left;
    task->worker = worker;
}

void twi_process_task_answer(struct twi_process_task *task, tw_value result)
{
    size_t index = task->first + task->answered++;

    --*(task->worker != NULL ? &task->pool->sent : &task->pool->waiting);
    if (!twi_process_task_wanted(task))
        tw_release(result);
    else if (task->set != NULL)
        task->set->deliver(task->set, index, result);
    else
        tw_fire(&task->done, result);
}

/* Drop a task that is in no list: nothing is left of it, or nobody wants the rest. */
static void drop_task(struct twi_process_task *task)
{
    task->pool->waiting -= task->count - task->answered;
    twi_process_task_free(task);
}

/* Fail all that is left of it. It is in no list, or with a worker. */
static void fail_task(struct twi_process_task *task, tw_value failure)
{
    while (task->answered < task->count)
        twi_process_task_answer(task, tw_retain(failure));
}

/* --- the queue ---------------------------------------------------------------------------- */

static tw_value terminated(void)
{
    return tw_fail(&tw_error_cancelled, "the process pool was terminated");
}

static void enqueue(struct tw_process_pool *pool, struct twi_process_task *task)
{
    twi_process_pool_enter(pool);
    pool->waiting += task->count;
    twi_list_append(&pool->queue, &task->node);
    twi_process_pool_look(pool);
    twi_process_pool_leave(pool);
}

void twi_process_pool_requeue(struct tw_process_pool *pool, struct twi_process_task *task)
{
    task->first += task->answered;
    task->count -= task->answered;
    task->answered = 0;
    if (pool->terminated) {
        tw_value failure = terminated();
        fail_task(task, failure);
        tw_release(failure);
    }
    if (task->answered == task->count || !twi_process_task_wanted(task)) {
        drop_task(task);
        return;
    }
    twi_list_prepend(&pool->queue, &task->node);
    twi_process_pool_look(pool);
}

void twi_process_pool_fail_queue(struct tw_process_pool *pool, tw_value failure)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(&pool->queue)) != NULL) {
        struct twi_process_task *task = TWI_CONTAINER(node, struct twi_process_task, node);
        fail_task(task, failure);
        twi_process_task_free(task);
    }
}

/* Take a task of at most `count` calls from the front; NULL when there is no memory for a part. */
static struct twi_process_task *take_piece(struct tw_process_pool *pool, size_t count)
{
    struct twi_process_task *task = TWI_CONTAINER(pool->queue.next, struct twi_process_task,
                                                  node),
                            *piece;

    if (task->count <= count) {
        twi_list_remove(&task->node);
        return task;
    }
    piece = twi_slab_alloc(&tasks);
    if (piece == NULL)
        return NULL;
    *piece = *task;
    twi_list_init(&piece->node);
    piece->set->references++;
    piece->count = count;
    task->first += count;
    task->count -= count;
    return piece;
}

static tw_value failure_to_send(const struct twi_process_task *task, int error)
{
    struct tw_failure_fields fields = {
        .error_class = &tw_error_toolarge,
        .message = "the argument is larger than the pool's limit",
        .number = (int64_t)task->pool->options.argument_limit,
    };

    if (error == -EMSGSIZE)
        return tw_fail_with(&fields);
    if (error == -ENOMEM)
        return tw_fail_memory();
    return tw_fail(&tw_error_misuse, "the argument of %s %s", task->function->name,
                   error == -ELOOP ? "is too deep" : "cannot go to another process");
}

/* The first call of the queue cannot be sent. */
static void fail_first(struct tw_process_pool *pool, int error)
{
    struct twi_process_task *task = TWI_CONTAINER(pool->queue.next, struct twi_process_task,
                                                  node);
    tw_value failure = failure_to_send(task, error);

    twi_list_remove(&task->node); /* the program may be called, and end the pool */
    twi_process_task_answer(task, failure);
    twi_process_pool_requeue(pool, task);
}

/* --- handing out -------------------------------------------------------------------------- */

static size_t chunk_of_first(const struct tw_process_pool *pool)
{
    const struct twi_process_task *task = TWI_CONTAINER(pool->queue.next,
                                                        struct twi_process_task, node);
    return task->set != NULL ? task->set->chunk : 1;
}

static void hand_one_out(struct tw_process_pool *pool, struct twi_worker *worker)
{
    size_t count = chunk_of_first(pool), bad;
    struct twi_process_task *piece;
    int r;

    do {
        bad = 0;
        piece = take_piece(pool, count);
        r = piece != NULL ? twi_worker_give(worker, piece, &bad) : -ENOMEM;
        if (r < 0 && piece != NULL)
            twi_list_prepend(&pool->queue, &piece->node);
        count = bad; /* the arguments before it can be sent */
    } while (r < 0 && bad > 0);
    if (r < 0)
        fail_first(pool, r);
}

static bool may_have_more(const struct twi_worker *worker, size_t load)
{
    const struct tw_process_pool_options *options = &worker->pool->options;

    return worker->state == TWI_WORKER_READY && twi_worker_load(worker) < load &&
           (load == 1 || worker->out.length - worker->out_sent < AHEAD_BYTES) &&
           (options->tasks_per_worker == 0 || worker->given < options->tasks_per_worker);
}

/* Fill each worker up to its window, or (not ahead) give one task to each that has none. */
static void process_pool_hand_out(struct tw_process_pool *pool, bool ahead)
{
    TWI_LIST_EACH (node, &pool->workers) {
        struct twi_worker *worker = TWI_CONTAINER(node, struct twi_worker, node);

        while (!twi_list_empty(&pool->queue) &&
               may_have_more(worker, ahead ? worker->window : 1))
            hand_one_out(pool, worker);
    }
}

/* Take back a task that was sent ahead to a worker and has not begun. */
static struct twi_process_task *steal(struct tw_process_pool *pool)
{
    TWI_LIST_EACH (node, &pool->workers) {
        struct twi_worker *worker = TWI_CONTAINER(node, struct twi_worker, node);
        struct twi_process_task *task = twi_worker_load(worker) >= 2
                                            ? twi_worker_take_last(worker)
                                            : NULL;

        if (task != NULL)
            return task;
    }
    return NULL;
}

static void share_out(struct tw_process_pool *pool)
{
    TWI_LIST_EACH (node, &pool->workers) {
        struct twi_worker *worker = TWI_CONTAINER(node, struct twi_worker, node);
        struct twi_process_task *task;

        if (!may_have_more(worker, 1))
            continue;
        task = steal(pool);
        if (task == NULL)
            return;
        twi_list_prepend(&pool->queue, &task->node);
        hand_one_out(pool, worker);
    }
}

/* --- in and out --------------------------------------------------------------------------- */

static void process_pool_end_of_turn(struct twi_flush *flush)
{
    struct tw_process_pool *pool = TWI_CONTAINER(flush, struct tw_process_pool, flush);

    twi_process_pool_enter(pool);
    twi_process_pool_start_workers(pool);
    process_pool_hand_out(pool, false);
    process_pool_hand_out(pool, true);
    if (twi_list_empty(&pool->queue))
        share_out(pool);
    TWI_LIST_EACH (node, &pool->workers) {
        struct twi_worker *worker = TWI_CONTAINER(node, struct twi_worker, node);
        twi_worker_check_timer(worker);
        twi_worker_send(worker);
    }
    twi_process_pool_retire_workers(pool);
    twi_process_pool_leave(pool);
}

void twi_process_pool_look(struct tw_process_pool *pool)
{
    if (!pool->ended && !pool->freed)
        twi_flush_later(&pool->flush);
}

void twi_process_pool_enter(struct tw_process_pool *pool)
{
#if TWI_DEBUG
    twi_assert_thread(pool->thread, "a process pool");
#endif
    pool->inside++;
}

/* While workers, which keep real time, are busy, virtual time waits for them. */
static void hold_time(struct tw_process_pool *pool)
{
    bool hold = !pool->ended &&
                (twi_process_pool_has_work(pool) || (pool->live > 0 && pool->joins.count > 0));

    if (hold == pool->held)
        return;
    pool->held = hold;
    if (hold)
        twi_loop_hold();
    else
        twi_loop_release();
}

static void free_gone(struct tw_process_pool *pool)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(&pool->gone)) != NULL)
        twi_worker_free(TWI_CONTAINER(node, struct twi_worker, node));
}

/* No worker does anything more: all that is not done fails. */
static void end_work(struct tw_process_pool *pool)
{
    tw_value failure = terminated();

    pool->closed = pool->terminated = true;
    TWI_LIST_EACH (node, &pool->workers)
        twi_worker_kill(TWI_CONTAINER(node, struct twi_worker, node), TWI_END_KILLED);
    TWI_LIST_EACH (node, &pool->workers)
        twi_worker_fail(TWI_CONTAINER(node, struct twi_worker, node), failure);
    twi_process_pool_fail_queue(pool, failure);
    tw_release(failure);
    if (pool->start_timer > 0)
        tw_call_cancel(pool->start_timer);
    pool->start_timer = 0;
}

static void bury_workers(struct tw_process_pool *pool)
{
    TWI_LIST_EACH (node, &pool->workers)
        twi_worker_bury(TWI_CONTAINER(node, struct twi_worker, node));
}

void twi_process_pool_leave(struct tw_process_pool *pool)
{
    if (pool->inside == 1 && pool->freed)
        bury_workers(pool);
    if (pool->inside == 1 && pool->closed && pool->live == 0 &&
        !twi_process_pool_has_work(pool))
        while (pool->joins.count > 0)
            twi_waiters_serve(&pool->joins, tw_none());
    hold_time(pool);
    if (--pool->inside > 0)
        return;
    free_gone(pool);
    if (!pool->freed)
        return;
    twi_flush_cancel(&pool->flush);
    twi_loop_off(&pool->end_hook);
    tw_release(pool->problem);
    tw_release(pool->options.init_argument);
    twi_free(pool);
}

/* --- making and ending -------------------------------------------------------------------- */

static size_t processors(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef HAVE_SCHED_GETAFFINITY
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (size_t)CPU_COUNT(&set);
#endif
    return online > 0 ? (size_t)online : 1;
}

/* Fill in the defaults of the options. 0, -EINVAL. */
static int complete(struct tw_process_pool *pool)
{
    struct tw_process_pool_options *options = &pool->options;

    if (options->workers == 0)
        options->workers = processors();
    if (options->argument_limit == 0)
        options->argument_limit = DEFAULT_LIMIT;
    if (options->result_limit == 0)
        options->result_limit = DEFAULT_LIMIT;
    if (options->argument_limit > TWI_FRAME_MAX || options->result_limit > TWI_FRAME_MAX ||
        (unsigned)options->start > TW_WORKERS_SPAWN)
        return -EINVAL;
    if (options->init != NULL)
        pool->init = twi_process_function(options->init, strlen(options->init));
    return options->init != NULL && pool->init == NULL ? -EINVAL : 0;
}

/* The reactor is being released, and ends the workers; the program frees the pool. */
static void reactor_ends(struct twi_loop_end *end)
{
    struct tw_process_pool *pool = TWI_CONTAINER(end, struct tw_process_pool, end_hook);

    twi_process_pool_enter(pool);
    end_work(pool);
    bury_workers(pool);
    pool->ended = true;
    twi_flush_cancel(&pool->flush);
    twi_process_pool_leave(pool);
}

/* The workers are the parent's, and so are their results. */
static void reactor_left(struct twi_loop_end *end)
{
    struct tw_process_pool *pool = TWI_CONTAINER(end, struct tw_process_pool, end_hook);
    struct twi_list *node;

    while ((node = twi_list_take_first(&pool->workers)) != NULL) {
        twi_worker_leave(TWI_CONTAINER(node, struct twi_worker, node));
        twi_list_append(&pool->gone, node);
    }
    pool->live = 0;
    pool->start_timer = 0;
    pool->closed = pool->ended = true;
    pool->held = false;
    twi_flush_cancel(&pool->flush);
}

/* A fork copies the stack that it runs on, and a coroutine's is small: inside one, workers
 * start at the end of the turn. */
static int start_all(struct tw_process_pool *pool)
{
    int r = 0;

    if (tw_coroutine_current() != NULL)
        twi_process_pool_look(pool);
    else
        while (r == 0 && pool->live < pool->options.workers)
            r = twi_worker_start(pool);
    return r;
}

tw_process_pool *tw_process_pool_new(const struct tw_process_pool_options *options)
{
    struct tw_process_pool *pool = twi_calloc(1, sizeof *pool);
    int r = -ENOMEM;

    if (pool == NULL)
        goto fail;
    if (options != NULL)
        pool->options = *options;
    pool->options.init_argument = tw_take(pool->options.init_argument);
    pool->thread = twi_thread_self();
    pool->flush.fn = process_pool_end_of_turn;
    pool->end_hook.fn = reactor_ends;
    pool->end_hook.left = reactor_left;
    twi_list_init(&pool->queue);
    twi_list_init(&pool->workers);
    twi_list_init(&pool->gone);
    twi_waiters_init(&pool->joins);
    r = complete(pool);
    if (r == 0)
        r = twi_loop_on_end(&pool->end_hook);
    if (r == 0)
        r = start_all(pool);
    if (r == 0)
        return pool;
fail:
    if (pool != NULL)
        tw_process_pool_free(pool);
    else if (options != NULL)
        tw_release(options->init_argument);
    errno = -r;
    return NULL;
}

void tw_process_pool_close(tw_process_pool *pool)
{
    if (pool == NULL)
        return;
    pool->closed = true;
    twi_process_pool_look(pool);
}

void tw_process_pool_terminate(tw_process_pool *pool)
{
    if (pool == NULL || pool->terminated)
        return;
    twi_process_pool_enter(pool);
    end_work(pool);
    twi_process_pool_leave(pool);
}

void tw_process_pool_free(tw_process_pool *pool)
{
    if (pool == NULL)
        return;
    twi_process_pool_enter(pool);
    if (!pool->terminated)
        end_work(pool);
    pool->freed = true;
    twi_process_pool_leave(pool);
}

tw_deferred *tw_process_pool_join_at(const char *where, tw_process_pool *pool)
{
    tw_deferred *deferred;

    if (pool == NULL)
        return NULL;
    if (!pool->closed)
        return tw_fired_at(where, tw_fail(&tw_error_misuse, "the process pool is not closed"));
    if (pool->live == 0 && !twi_process_pool_has_work(pool))
        return tw_fired_at(where, tw_none());
    twi_process_pool_enter(pool);
    deferred = twi_waiters_join(&pool->joins, where);
    twi_process_pool_leave(pool);
    return deferred;
}

struct tw_process_pool_counts tw_process_pool_counts(const tw_process_pool *pool)
{
    struct tw_process_pool_counts counts = { 0 };

    if (pool != NULL)
        counts = (struct tw_process_pool_counts){ .workers = pool->live,
                                                  .working = pool->sent,
                                                  .queued = pool->waiting,
                                                  .started = pool->started,
                                                  .lost = pool->lost };
    return counts;
}

size_t tw_process_pool_pids(const tw_process_pool *pool, pid_t *pids, size_t size)
{
    size_t count = 0;

    if (pool == NULL)
        return 0;
    TWI_LIST_EACH (node, &pool->workers) {
        if (count < size)
            pids[count] = TWI_CONTAINER(node, struct twi_worker, node)->pid;
        count++;
    }
    return count;
}

/* --- work --------------------------------------------------------------------------------- */

tw_value twi_process_pool_refusal(const struct tw_process_pool *pool, const char *name,
                                  double timeout, const struct tw_process_entry **ret_function)
{
    int64_t ns;

    *ret_function = twi_process_function(name, strlen(name));
    if (*ret_function == NULL)
        return tw_fail(&tw_error_misuse, "no function is registered as %s", name);
    if (twi_seconds_to_ns(timeout, &ns) < 0)
        return tw_fail(&tw_error_misuse, "%g is no time", timeout);
    if (pool->closed)
        return tw_fail(&tw_error_misuse, "the process pool is closed");
    return tw_none();
}

/* Nobody wants the rest of a task. A call that has begun ends only with its worker. */
void twi_process_task_unwanted(struct twi_process_task *task)
{
    struct twi_worker *worker = task->worker;

    if (worker == NULL) {
        twi_list_remove(&task->node);
        drop_task(task);
    } else if (twi_worker_revoke(worker, task->place)) {
        drop_task(task);
    } else if (!task->pool->options.cancel_lets_run) {
        twi_worker_kill(worker, TWI_END_KILLED);
    }
}

static int cancel_task(tw_deferred *deferred, void *arg)
{
    struct twi_process_task *task = arg;
    struct tw_process_pool *pool = task->pool;
    tw_deferred *done = task->done;

    (void)deferred;
    task->done = NULL;
    twi_process_pool_enter(pool);
    twi_process_task_unwanted(task);
    twi_process_pool_look(pool);
    tw_fire(&done, tw_fail(&tw_error_cancelled, "taken out of the process pool"));
    twi_process_pool_leave(pool);
    return 0;
}

tw_deferred *tw_process_submit_at(const char *where, tw_process_pool *pool, const char *name,
                                  tw_value argument, double timeout)
{
    const struct tw_process_entry *function;
    tw_deferred *deferred = NULL;
    struct twi_process_task *task = NULL;
    tw_value refusal;

    if (pool == NULL)
        goto fail;
    refusal = twi_process_pool_refusal(pool, name, timeout, &function);
    if (tw_is_failure(refusal)) {
        tw_release(argument);
        return tw_fired_at(where, refusal);
    }
    task = process_task_new(pool, function, timeout);
    if (task != NULL)
        deferred = tw_promise_at(where, &task->done, cancel_task, task, NULL);
    if (deferred == NULL)
        goto fail;
    task->argument = tw_take(argument);
    enqueue(pool, task);
    return deferred;

fail:
    tw_release(argument);
    if (task != NULL)
        twi_process_task_free(task);
    return NULL;
}

int twi_process_pool_add_set(struct tw_process_pool *pool,
                             const struct tw_process_entry *function,
                             struct twi_process_task_set *set, double timeout)
{
    struct twi_process_task *task = process_task_new(pool, function, timeout);

    if (task == NULL)
        return -ENOMEM;
    task->set = set;
    set->references++;
    task->count = tw_list_length(set->arguments);
    enqueue(pool, task);
    return 0;
}

void twi_process_pool_drop_set(struct tw_process_pool *pool, struct twi_process_task_set *set)
{
    set->dropped = true;
    twi_process_pool_enter(pool);
    TWI_LIST_EACH (node, &pool->queue) {
        struct twi_process_task *task = TWI_CONTAINER(node, struct twi_process_task, node);
        if (task->set == set)
            twi_process_task_unwanted(task);
    }
    TWI_LIST_EACH (node, &pool->workers)
        twi_worker_drop_set(TWI_CONTAINER(node, struct twi_worker, node), set);
    twi_process_pool_look(pool);
    twi_process_pool_leave(pool);
}
