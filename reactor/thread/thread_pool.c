/* SPDX-License-Identifier: MIT */
/*
 * thread_pool.c - threads that take work from one queue.
 *
 * Waking is a chain: queueing work wakes or starts one thread, and none while one is on its
 * way; that thread wakes the next if work is left when it has taken its own. A burst of jobs
 * costs its sender one wake.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/fork.h"
#include "reactor/thread/thread_pool.h"

enum { DEFAULT_SIZE = 10, LIBRARY_SIZE = 4 };

struct tw_thread_pool {
    atomic_uint references; /* the owner's and one for each job */
    struct tw_thread_pool **home; /* its place in a loop; NULL: the program's own */
    struct twi_loop_end stop, end;
    pthread_mutex_t mutex;  /* guards all below */
    pthread_cond_t work, empty;
    struct twi_list queue;   /* of jobs */
    struct twi_list workers; /* those that run */
    struct twi_list ended;   /* those to be joined */
    size_t limit, threads, idle, working, queued;
    bool waking;  /* a thread is on its way to the queue */
    bool closing;
    struct tw_reactor *closer; /* told when the last thread is gone */
    struct twi_post gone;
    bool told;
    unsigned born; /* twi_forks */
};

struct worker {
    struct twi_list node;
    struct tw_thread_pool *pool;
    pthread_t thread;
};

static void *work(void *arg);

/* The pool that the calling thread belongs to. */
static _Thread_local struct tw_thread_pool *pool_here;

/* In a child made by fork() there are none of its threads, and what one had locked stays so. */
static void pool_own(struct tw_thread_pool *pool)
{
    if (pool->born == twi_forks)
        return;
    pool->born = twi_forks;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->empty, NULL);
    twi_list_init(&pool->workers);
    twi_list_init(&pool->ended);
    pool->threads = pool->idle = pool->working = 0;
    pool->waking = false;
}

/* --- threads; all with the mutex --------------------------------------------------------- */

static void join_ended(struct tw_thread_pool *pool)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(&pool->ended)) != NULL) {
        struct worker *worker = TWI_CONTAINER(node, struct worker, node);
        pthread_join(worker->thread, NULL);
        twi_free(worker);
    }
}

/* Signals are for the program's own threads. */
static int create(struct worker *worker)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

static int pool_start_thread(struct tw_thread_pool *pool)
{
    struct worker *worker = twi_calloc(1, sizeof *worker);
    int r;

    if (worker == NULL)
        return -ENOMEM;
    join_ended(pool);
    worker->pool = pool;
    r = create(worker);
    if (r < 0) {
        twi_free(worker);
        return r;
    }
    twi_list_append(&pool->workers, &worker->node);
    pool->threads++;
    return 0;
}

/* Make sure that a thread will look at the queue. Writes true when the caller has to signal
 * `work`, which it does without the mutex: the thread that wakes needs it. */
static int wake_one(struct tw_thread_pool *pool, bool *ret_signal)
{
    int r = 0;

    *ret_signal = false;
    if (pool->waking || (pool->idle == 0 && pool->threads >= pool->limit))
        return 0;
    if (pool->idle > 0)
        *ret_signal = true;
    else
        r = pool_start_thread(pool);
    pool->waking = r == 0;
    return pool->threads > 0 ? 0 : r;
}

/* Unlock, and wake one if there is work. */
static int unlock_and_wake(struct tw_thread_pool *pool)
{
    bool signal = false;
    int r = 0;

    if (!twi_list_empty(&pool->queue))
        r = wake_one(pool, &signal);
    pthread_mutex_unlock(&pool->mutex);
    if (signal)
        pthread_cond_signal(&pool->work);
    return r;
}

/* --- a thread ---------------------------------------------------------------------------- */

static struct twi_job *take_job(struct tw_thread_pool *pool)
{
    struct twi_list *node = twi_list_take_first(&pool->queue);
    struct twi_job *job = TWI_CONTAINER(node, struct twi_job, node);

    job->queued = false;
    pool->queued--;
    return job;
}

/* With the mutex. False: nothing more to do for this thread. */
static bool wait_for_work(struct tw_thread_pool *pool)
{
    while (twi_list_empty(&pool->queue)) {
        if (pool->closing || pool->threads > pool->limit)
            return false;
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->mutex);
        pool->idle--;
        pool->waking = false;
    }
    return pool->threads <= pool->limit || pool->closing;
}

/* With the mutex; the job may be gone as soon as it is sent. */
static void run_job(struct tw_thread_pool *pool, struct twi_job *job)
{
    struct tw_reactor *reactor = job->reactor;

    pool->working++;
    unlock_and_wake(pool);
    job->result = tw_take(job->fn(job->arg));
    twi_inbox_push(reactor, &job->post);
    pthread_mutex_lock(&pool->mutex);
    pool->working--;
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct tw_thread_pool *pool = worker->pool;

    pool_here = pool;
    pthread_mutex_lock(&pool->mutex);
    pool->waking = false;
    while (wait_for_work(pool))
        run_job(pool, take_job(pool));
    pool->threads--;
    twi_list_remove(&worker->node);
    twi_list_append(&pool->ended, &worker->node);
    if (pool->threads == 0) {
        pthread_cond_broadcast(&pool->empty);
        if (pool->closing && pool->closer != NULL)
            twi_inbox_push(pool->closer, &pool->gone);
    }
    unlock_and_wake(pool);
    return NULL;
}

/* --- for defer_to_thread.c and blocking_call.c ------------------------------------------- */

int twi_thread_pool_submit(struct tw_thread_pool *pool, struct twi_job *job)
{
    int r;

    pool_own(pool);
    pthread_mutex_lock(&pool->mutex);
    if (pool->closing) {
        pthread_mutex_unlock(&pool->mutex);
        return -ESHUTDOWN;
    }
    job->queued = true;
    twi_list_append(&pool->queue, &job->node);
    pool->queued++;
    r = unlock_and_wake(pool);
    /* No thread at all could be started: nobody else will take it. */
    if (r < 0 && !twi_thread_pool_withdraw(pool, job))
        r = 0;
    return r;
}

bool twi_thread_pool_withdraw(struct tw_thread_pool *pool, struct twi_job *job)
{
    bool queued;

    pool_own(pool);
    pthread_mutex_lock(&pool->mutex);
    queued = job->queued;
    if (queued) {
        twi_list_remove(&job->node);
        pool->queued--;
        job->queued = false;
    }
    pthread_mutex_unlock(&pool->mutex);
    return queued;
}

struct tw_thread_pool *twi_thread_pool_here(void)
{
    return pool_here;
}

bool twi_thread_pool_is_awaited(struct tw_thread_pool *pool)
{
    bool awaited;

    pool_own(pool);
    pthread_mutex_lock(&pool->mutex);
    awaited = pool->closing && pool->closer == twi_loop_here->reactor;
    pthread_mutex_unlock(&pool->mutex);
    return awaited;
}

void twi_thread_pool_ref(struct tw_thread_pool *pool)
{
    atomic_fetch_add_explicit(&pool->references, 1, memory_order_relaxed);
}

void twi_thread_pool_unref(struct tw_thread_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->references, 1, memory_order_acq_rel) > 1)
        return;
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->empty);
    pthread_mutex_destroy(&pool->mutex);
    twi_free(pool);
}

/* --- the end of a pool ------------------------------------------------------------------- */

static void all_gone(void *arg)
{
    struct tw_thread_pool *pool = arg;
    pool->told = true;
}

/* With the mutex. Their reactors hear that they were given up. */
static void give_up_queue(struct tw_thread_pool *pool)
{
    while (!twi_list_empty(&pool->queue)) {
        struct twi_job *job = take_job(pool);
        struct tw_reactor *reactor = job->reactor;
        job->given_up = true;
        twi_inbox_push(reactor, &job->post);
    }
}

/* With the mutex. A thread may need calls of this one's reactor before it can end: keep making
 * them. Anything that needs a turn of the loop will not come any more. */
static void wait_for_threads(struct tw_thread_pool *pool)
{
    struct tw_reactor *reactor = pool->closer;

    if (reactor == NULL) {
        while (pool->threads > 0)
            pthread_cond_wait(&pool->empty, &pool->mutex);
        return;
    }
    if (pool->threads == 0)
        return;
    pthread_mutex_unlock(&pool->mutex);
    twi_loop_call_stops(twi_loop_here, TWI_WAIT_THREADS);
    while (!pool->told)
        twi_inbox_wait(reactor);
    pthread_mutex_lock(&pool->mutex);
}

void tw_thread_pool_free(tw_thread_pool *pool, bool finish)
{
    struct twi_loop *loop = twi_loop_here;

    if (pool == NULL)
        return;
    if (pool->home != NULL)
        *pool->home = NULL;
    twi_loop_off(&pool->stop);
    twi_loop_off(&pool->end);
    pool_own(pool);
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pool->closer = loop != NULL ? loop->reactor : NULL;
    pool->gone.fn = all_gone;
    pool->gone.arg = pool;
    if (!finish)
        give_up_queue(pool);
    pthread_cond_broadcast(&pool->work);
    wait_for_threads(pool);
    join_ended(pool);
    pthread_mutex_unlock(&pool->mutex);
    if (loop != NULL)
        twi_inbox_run(loop->reactor);
    twi_thread_pool_unref(pool);
}

/* --- the public face --------------------------------------------------------------------- */

tw_thread_pool *tw_thread_pool_new(size_t threads)
{
    struct tw_thread_pool *pool;

    if (threads == 0) {
        errno = EINVAL;
        return NULL;
    }
    pool = twi_calloc(1, sizeof *pool);
    if (pool == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    atomic_init(&pool->references, 1);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->empty, NULL);
    twi_list_init(&pool->queue);
    twi_list_init(&pool->workers);
    twi_list_init(&pool->ended);
    pool->limit = threads;
    pool->born = twi_forks;
    return pool;
}

static void run_stopped(struct twi_loop_end *stop)
{
    tw_thread_pool_free(TWI_CONTAINER(stop, struct tw_thread_pool, stop), false);
}

static void loop_ends(struct twi_loop_end *end)
{
    tw_thread_pool_free(TWI_CONTAINER(end, struct tw_thread_pool, end), false);
}

/* The pool of a place in the loop, made if need be; it is freed with the loop at the latest. */
static struct tw_thread_pool *pool_at(struct twi_loop *loop, struct tw_thread_pool **place,
                                      size_t threads)
{
    struct tw_thread_pool *pool = *place;

    if (pool != NULL || loop->ending)
        return pool;
    pool = tw_thread_pool_new(threads);
    if (pool == NULL)
        return NULL;
    pool->stop.fn = run_stopped;
    pool->end.fn = loop_ends;
    pool->home = place;
    twi_loop_hook(loop, TWI_END_WORK, &pool->end);
    return *place = pool;
}

tw_thread_pool *tw_thread_pool_current(void)
{
    struct twi_loop *loop = twi_loop_get();
    struct tw_thread_pool *pool;

    pool = loop != NULL ? pool_at(loop, &loop->pool, DEFAULT_SIZE) : NULL;
    if (pool != NULL)
        twi_loop_hook(loop, TWI_STOP_THREADS, &pool->stop);
    return pool;
}

struct tw_thread_pool *twi_loop_library_pool(void)
{
    struct twi_loop *loop = twi_loop_get();

    if (loop == NULL || loop->ending)
        return NULL;
    return pool_at(loop, &loop->library_pool, LIBRARY_SIZE);
}

int tw_thread_pool_set_size(tw_thread_pool *pool, size_t threads)
{
    if (pool == NULL || threads == 0)
        return -EINVAL;
    pool_own(pool);
    pthread_mutex_lock(&pool->mutex);
    pool->limit = threads;
    pthread_cond_broadcast(&pool->work);
    unlock_and_wake(pool);
    return 0;
}

struct tw_thread_pool_counts tw_thread_pool_counts(tw_thread_pool *pool)
{
    struct tw_thread_pool_counts counts = { 0 };

    if (pool == NULL)
        return counts;
    pool_own(pool);
    pthread_mutex_lock(&pool->mutex);
    counts.threads = pool->threads;
    counts.working = pool->working;
    counts.queued = pool->queued;
    pthread_mutex_unlock(&pool->mutex);
    return counts;
}
