/* SPDX-License-Identifier: MIT */
/*
 * coroutine_pool.c - a pool of coroutines.
 *
 * One loop, pool_pump(), gives the places: a body that ends at once finds the loop running and
 * leaves the next place to it, so nothing recurses with the length of the line.
 */
#include "defer/inline/coroutine_pool.h"

#include <errno.h>
#include <string.h>

#include "defer/waiters.h"

/* References: of its owner, of each job, and of a pump or cancel in progress. */
struct tw_pool {
    size_t size, running;
    struct twi_list jobs;                        /* those that run */
    struct twi_waiters waiting, available, joins; /* waiting: jobs without a place */
    unsigned references;
    bool pumping, gone;
};

struct job {
    struct twi_waiter waiter; /* first; while it waits */
    struct twi_list node;     /* while it runs */
    tw_pool *pool;
    tw_deferred *inner; /* not counted; NULL: not there yet, or done */
    tw_coroutine_body *body;
    void *arg;
    struct tw_coroutine_options options;
    const char *where;
    bool cancelled; /* while its Deferred is being made */
};

static struct twi_slab slab = TWI_SLAB(struct job);

tw_pool *tw_pool_new(size_t size)
{
    tw_pool *pool;

    if (size == 0) {
        errno = EINVAL;
        return NULL;
    }
    pool = twi_calloc(1, sizeof *pool);
    if (pool == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    pool->size = size;
    pool->references = 1;
    twi_list_init(&pool->jobs);
    twi_waiters_init(&pool->waiting);
    twi_waiters_init(&pool->available);
    twi_waiters_init(&pool->joins);
    return pool;
}

tw_pool *twi_body_pool_ref(tw_pool *pool)
{
    pool->references++;
    return pool;
}

void twi_body_pool_unref(tw_pool *pool)
{
    if (--pool->references == 0)
        twi_free(pool);
}

/* --- a job ------------------------------------------------------------------------------ */

static void pool_pump(tw_pool *pool);

static void pool_job_free(struct job *job)
{
    tw_pool *pool = job->pool;

    twi_slab_free(&slab, job);
    twi_body_pool_unref(pool);
}

/* A job may end while its Deferred is being made: then pool_job_start() frees it. */
static void job_done(void *arg, size_t index, tw_value *result)
{
    struct job *job = arg;
    tw_pool *pool = job->pool;

    (void)index;
    (void)result;
    twi_list_remove(&job->node);
    pool->references++;
    pool->running--;
    job->inner = NULL;
    pool_job_free(job);
    pool_pump(pool);
    twi_body_pool_unref(pool);
}

/* The body runs inside, up to its first wait: it may spawn, cancel all, free the pool. */
static tw_deferred *pool_job_start(struct job *job)
{
    tw_pool *pool = job->pool;
    tw_deferred *inner;

    pool->running++;
    twi_list_append(&pool->jobs, &job->node);
    inner = tw_inline_callbacks_at(job->where, job->body, job->arg, &job->options);
    job->inner = inner;
    if (job->cancelled)
        tw_cancel(inner);
    twi_deferred_tap(inner, job_done, job, 0);
    return inner;
}

static void job_drop(struct job *job)
{
    if (job->options.release != NULL)
        job->options.release(job->arg);
    pool_job_free(job);
}

/* --- jobs that wait --------------------------------------------------------------------- */

static void pool_job_forget(struct job *job)
{
    tw_deferred *turn = job->waiter.turn;

    twi_waiter_remove(&job->waiter);
    job_drop(job);
    tw_deferred_unref(turn);
}

/* If its turn has come, its body is on the way to its first await, where it will see the
 * cancellation. */
static int pool_job_cancel(tw_deferred *turn, void *arg)
{
    struct job *job = arg;

    (void)turn;
    if (job->waiter.line == NULL) {
        job->cancelled = true;
        return TW_CANCEL_LATER;
    }
    pool_job_forget(job);
    return 0;
}

static void pool_job_drop(struct twi_waiter *waiter)
{
    pool_job_forget((struct job *)waiter);
}

/* A failure instead of a place. */
static bool pool_job_serve(struct twi_waiter *waiter, tw_value result)
{
    struct job *job = (struct job *)waiter;
    tw_deferred *turn = waiter->turn;

    twi_waiter_remove(waiter);
    if (tw_is_failure(result)) {
        job_drop(job);
        tw_fire_at(turn->where, &turn, result);
    } else {
        const char *where = job->where;
        tw_deferred_resolve_with_at(where, turn, pool_job_start(job));
        tw_deferred_unref(turn);
    }
    return true;
}

static const struct twi_waiter_kind kind = { pool_job_serve, pool_job_drop };

/* --- the loop --------------------------------------------------------------------------- */

/* Waits for a free place are served one after the other, since each will take the place. */
static void give_places(tw_pool *pool)
{
    while (pool->running < pool->size) {
        if (pool->waiting.count > 0)
            twi_waiters_serve(&pool->waiting, tw_none());
        else if (twi_waiters_first(&pool->available) != NULL)
            twi_waiters_serve(&pool->available, tw_none());
        else
            break;
    }
}

static void pool_pump(tw_pool *pool)
{
    struct twi_waiters line;

    if (pool->pumping || pool->gone)
        return;
    pool->references++;
    pool->pumping = true;
    give_places(pool);
    pool->pumping = false;
    if (pool->running == 0 && pool->waiting.count == 0) {
        twi_waiters_move_all(&line, &pool->joins);
        twi_waiters_serve_all(&line, tw_none());
    }
    twi_body_pool_unref(pool);
}

/* --- spawn ------------------------------------------------------------------------------ */

static struct job *pool_job_new(const char *where, tw_pool *pool, tw_coroutine_body *body,
                                void *arg, const struct tw_coroutine_options *options)
{
    struct job *job = pool != NULL ? twi_slab_alloc(&slab) : NULL;

    if (job == NULL) {
        if (options != NULL && options->release != NULL)
            options->release(arg);
        return NULL;
    }
    memset(job, 0, sizeof *job);
    if (options != NULL)
        job->options = *options;
    job->where = where;
    job->body = body;
    job->arg = arg;
    job->pool = pool;
    pool->references++;
    return job;
}

static tw_deferred *pool_job_line_up(struct job *job)
{
    tw_deferred *deferred = tw_promise_at(job->where, &job->waiter.turn, pool_job_cancel, job,
                                          NULL);

    if (deferred == NULL) {
        job_drop(job);
        return NULL;
    }
    job->waiter.kind = &kind;
    twi_waiter_append(&job->pool->waiting, &job->waiter);
    return deferred;
}

tw_deferred *tw_pool_spawn_at(const char *where, tw_pool *pool, tw_coroutine_body *body,
                              void *arg, const struct tw_coroutine_options *options)
{
    struct job *job = pool_job_new(where, pool, body, arg, options);

    if (job == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&pool->waiting);
    if (pool->gone) {
        job_drop(job);
        return tw_fired_at(where, tw_fail_at(where, &tw_error_abandoned, "the pool is gone"));
    }
    if (pool->running < pool->size && pool->waiting.count == 0)
        return pool_job_start(job);
    return pool_job_line_up(job);
}

tw_deferred *tw_pool_wait_available_at(const char *where, tw_pool *pool)
{
    if (pool == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&pool->available);
    if (pool->running < pool->size && pool->waiting.count == 0)
        return tw_fired_at(where, tw_none());
    return twi_waiters_join(&pool->available, where);
}

/* --- join, cancel, free ----------------------------------------------------------------- */

tw_deferred *tw_pool_join_at(const char *where, tw_pool *pool)
{
    if (pool == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&pool->joins);
    if (pool->running == 0 && pool->waiting.count == 0)
        return tw_fired_at(where, tw_none());
    return twi_waiters_join(&pool->joins, where);
}

static size_t cancel_running(tw_pool *pool)
{
    struct twi_list now, *node;
    size_t count = 0;

    twi_list_init(&now);
    twi_list_splice(&now, &pool->jobs);
    for (; (node = twi_list_take_first(&now)) != NULL; count++) {
        struct job *job = TWI_CONTAINER(node, struct job, node);
        twi_list_append(&pool->jobs, node);
        job->cancelled = job->inner == NULL;
        twi_cancel_child(job->inner, "a pool");
    }
    return count;
}

size_t tw_pool_cancel(tw_pool *pool)
{
    struct twi_waiters line;
    size_t count;
    bool outer;

    if (pool == NULL)
        return 0;
    TWI_WAITERS_CHECK(&pool->waiting);
    pool->references++;
    outer = pool->pumping;
    pool->pumping = true;
    twi_waiters_move_all(&line, &pool->waiting);
    count = line.count + cancel_running(pool);
    while (line.count > 0)
        twi_waiters_serve(&line, tw_fail(&tw_error_cancelled, "cancelled"));
    pool->pumping = outer;
    pool_pump(pool);
    twi_body_pool_unref(pool);
    return count;
}

struct tw_pool_counts tw_pool_counts(const tw_pool *pool)
{
    struct tw_pool_counts counts = { 0, 0, 0 };

    if (pool != NULL)
        counts = (struct tw_pool_counts){ pool->size, pool->running, pool->waiting.count };
    return counts;
}

void tw_pool_free(tw_pool *pool)
{
    if (pool == NULL)
        return;
    TWI_WAITERS_CHECK(&pool->waiting);
    pool->gone = true;
    twi_waiters_abandon(&pool->waiting, "pool");
    twi_waiters_abandon(&pool->available, "pool");
    twi_waiters_abandon(&pool->joins, "pool");
    twi_body_pool_unref(pool);
}
