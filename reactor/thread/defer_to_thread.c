/* SPDX-License-Identifier: MIT */
/*
 * defer_to_thread.c - a blocking function's result as a Deferred.
 */
#include "config.h"

#include <errno.h>

#include "base/slab.h"
#include "reactor/thread/thread_pool.h"

static struct twi_slab jobs = TWI_SLAB(struct twi_job);

/* On the reactor's thread: the job ends with `result` (taken). */
static void thread_job_finish(struct twi_job *job, tw_value result)
{
    tw_deferred *done = job->done;

    twi_loop_here->jobs--;
    twi_list_remove(&job->loop_node);
    if (job->release != NULL)
        job->release(job->arg);
    twi_thread_pool_unref(job->pool);
    twi_slab_free(&jobs, job);
    tw_fire(&done, result);
}

static tw_value cancelled(void)
{
    return tw_fail(&tw_error_cancelled, "taken out of the thread pool's queue");
}

static void came_back(void *arg)
{
    struct twi_job *job = arg;
    thread_job_finish(job, job->given_up ? cancelled() : job->result);
}

/* Work that has begun goes on; its result is then the late one that is dropped. */
static int thread_job_cancel(tw_deferred *deferred, void *arg)
{
    struct twi_job *job = arg;

    (void)deferred;
    if (twi_thread_pool_withdraw(job->pool, job))
        thread_job_finish(job, cancelled());
    return 0;
}

/* The loop is being released: take back queued jobs, wait for running ones. */
static void thread_jobs_take_back(struct twi_loop_end *end)
{
    struct twi_loop *loop = twi_loop_here;

    (void)end;
    TWI_LIST_EACH (node, &loop->job_list) {
        struct twi_job *job = TWI_CONTAINER(node, struct twi_job, loop_node);
        if (twi_thread_pool_withdraw(job->pool, job))
            thread_job_finish(job, cancelled());
    }
    twi_loop_call_stops(loop, TWI_WAIT_THREADS);
    while (loop->jobs > 0)
        twi_inbox_wait(loop->reactor);
}

static struct twi_job *thread_job_new(struct twi_loop *loop, struct tw_thread_pool *pool,
                                      tw_thread_function *fn, void *arg,
                                      tw_release_fn *release)
{
    struct twi_job *job = twi_slab_alloc(&jobs);

    if (job == NULL)
        return NULL;
    *job = (struct twi_job){ .post = { .fn = came_back, .arg = job },
                             .fn = fn,
                             .arg = arg,
                             .release = release,
                             .pool = pool,
                             .reactor = loop->reactor };
    loop->jobs_end.fn = thread_jobs_take_back;
    twi_loop_hook(loop, TWI_END_WORK, &loop->jobs_end);
    twi_list_append(&loop->job_list, &job->loop_node);
    loop->jobs++;
    twi_thread_pool_ref(pool);
    return job;
}

static tw_deferred *submit(const char *where, struct twi_job *job)
{
    tw_deferred *deferred = tw_promise_at(where, &job->done, thread_job_cancel, job, NULL);
    int r;

    if (deferred == NULL) {
        thread_job_finish(job, tw_none());
        return NULL;
    }
    r = twi_thread_pool_submit(job->pool, job);
    if (r == -ESHUTDOWN)
        thread_job_finish(job, tw_fail(&tw_error_misuse, "the thread pool is being freed"));
    else if (r < 0)
        thread_job_finish(job, r == -ENOMEM ? tw_fail_memory()
                                            : tw_fail_errno(&tw_error_system, r));
    return deferred;
}

tw_deferred *tw_defer_to_thread_at(const char *where, tw_thread_pool *pool,
                                   tw_thread_function *fn, void *arg, tw_release_fn *release)
{
    struct twi_loop *loop = twi_loop_get();
    struct twi_job *job = NULL;

    if (fn == NULL) {
        if (release != NULL)
            release(arg);
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "no function to call"));
    }
    if (loop != NULL && loop->ending) {
        if (release != NULL)
            release(arg);
        return tw_fired_at(where, tw_fail_at(where, &tw_error_abandoned,
                                             "the thread's reactor is on its end"));
    }
    if (pool == NULL)
        pool = tw_thread_pool_current();
    if (loop != NULL && pool != NULL)
        job = thread_job_new(loop, pool, fn, arg, release);
    if (job == NULL) {
        if (release != NULL)
            release(arg);
        return NULL;
    }
    return submit(where, job);
}
