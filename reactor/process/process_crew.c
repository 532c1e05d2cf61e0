/* SPDX-License-Identifier: MIT */
/*
 * process_crew.c - the workers of a process pool: started, replaced, retired.
 *
 * A worker that dies is replaced, but not for ever at full speed: when workers die in a row
 * without a result between, each new one waits longer. When several do not even get ready for
 * work, queued calls fail: they would wait for ever.
 */
#include "config.h"

#include <errno.h>

#include <tweed/reactor.h>

#include "reactor/process/process_pool.h"

enum {
    /* Workers may all die at once, and are replaced at once; then this many more, one by
     * one. */
    CRASHES_MORE = 8,
};
/* Seconds between starts, doubled with each crash; the longest after crashes in calls, of which
 * there is an end, and of workers that do not get ready. */
static const double first_delay = 0.01, longest_delay = 0.05, longest_barren_delay = 1;

static size_t crash_limit(const struct tw_process_pool *pool)
{
    return pool->options.workers + CRASHES_MORE;
}

/* Seconds until the next may be started. */
static double start_delay(const struct tw_process_pool *pool)
{
    double longest = pool->barren > 0 ? longest_barren_delay : longest_delay;
    double delay = first_delay;

    if (pool->crashes <= pool->options.workers)
        return 0;
    for (size_t i = pool->options.workers + 1; i < pool->crashes && delay < longest; i++)
        delay *= 2;
    return delay < longest ? delay : longest;
}

static void start_later(void *arg)
{
    struct tw_process_pool *pool = arg;

    pool->start_timer = 0;
    pool->start_now = true;
    twi_process_pool_look(pool);
}

/* One after another has died, or could not even be started. */
static void crew_give_up(struct tw_process_pool *pool)
{
    struct tw_failure_fields fields = {
        .error_class = &tw_error_worker_lost,
        .message = "too many workers in a row died without a result",
        .number = tw_failure_number(pool->problem),
        .cause = tw_retain(pool->problem),
    };
    tw_value failure = tw_fail_with(&fields);

    pool->barren = crash_limit(pool) - 1; /* the next call has one try, after a while */
    twi_process_pool_fail_queue(pool, failure);
    tw_release(failure);
}

static void count_crash(struct tw_process_pool *pool, bool barren, tw_value problem)
{
    tw_drop(&pool->problem);
    pool->problem = tw_retain(problem);
    pool->crashes++;
    pool->barren = barren ? pool->barren + 1 : 0;
    if (pool->barren >= crash_limit(pool))
        crew_give_up(pool);
}

static tw_value start_failure(int error)
{
    if (error == -EDEADLK)
        return tw_fail(&tw_error_misuse, "a program that has threads cannot fork workers, and "
                                         "without tw_process_worker() not spawn them");
    if (error == -ENOTSUP)
        return tw_fail(&tw_error_misuse,
                       "workers cannot be spawned without tw_process_worker()");
    return error == -ENOMEM ? tw_fail_memory() : tw_fail_errno(&tw_error_system, error);
}

/* A later start may succeed, but nobody must wait for that. */
static void start_failed(struct tw_process_pool *pool, int error)
{
    tw_value failure = start_failure(error);

    pool->stuck = error == -EDEADLK || error == -ENOTSUP;
    if (!pool->stuck)
        count_crash(pool, true, failure);
    else if (pool->live == 0)
        twi_process_pool_fail_queue(pool, failure);
    tw_release(failure);
}

static bool wants_worker(const struct tw_process_pool *pool)
{
    if (pool->terminated || pool->live >= pool->options.workers)
        return false;
    if (pool->closed)
        return pool->live < pool->waiting;
    /* After a give-up only when there is something to do. */
    return (!pool->stuck && pool->barren + 1 < crash_limit(pool)) || pool->waiting > 0;
}

void twi_process_pool_start_workers(struct tw_process_pool *pool)
{
    while (pool->start_timer == 0 && wants_worker(pool)) {
        double delay = pool->start_now ? 0 : start_delay(pool);
        int r;

        if (delay > 0) {
            pool->start_timer = tw_call_later(delay, start_later, pool);
            if (pool->start_timer > 0)
                return;
            pool->start_timer = 0; /* no memory: at once, then */
        }
        pool->start_now = false;
        r = twi_worker_start(pool);
        if (r < 0)
            start_failed(pool, r);
        else
            pool->stuck = false;
        if (pool->stuck)
            return;
    }
}

/* Retire workers that have done their share, or have nothing left to do. */
void twi_process_pool_retire_workers(struct tw_process_pool *pool)
{
    size_t share = pool->options.tasks_per_worker;
    bool all = pool->closed && !twi_process_pool_has_work(pool);

    TWI_LIST_EACH (node, &pool->workers) {
        struct twi_worker *worker = TWI_CONTAINER(node, struct twi_worker, node);

        if (all || (share > 0 && worker->given >= share && twi_worker_load(worker) == 0))
            twi_worker_retire(worker);
    }
}

void twi_process_pool_lost(struct tw_process_pool *pool, struct twi_worker *worker,
                           tw_value failure)
{
    bool crash = worker->end <= TWI_END_INIT_FAILED && !worker->retired;

    twi_list_remove(&worker->node);
    twi_list_append(&pool->gone, &worker->node);
    pool->live--;
    if (crash && !pool->terminated) {
        pool->lost++;
        count_crash(pool, !worker->was_ready, failure);
    }
    twi_process_pool_look(pool);
}
