/* SPDX-License-Identifier: MIT */
/*
 * thread_pool.h - work for the threads of a pool, as it is queued.
 */
#ifndef REACTOR_THREAD_THREAD_POOL_H
#define REACTOR_THREAD_THREAD_POOL_H

#include <tweed/thread.h>

#include "reactor/loop.h"

/* Made and released on its reactor's thread; between submit and the post it is the pool's. */
struct twi_job {
    struct twi_post post; /* back to the reactor, when done or given up */
    struct twi_list node; /* in the pool's queue */
    struct twi_list loop_node;
    tw_thread_function *fn;
    void *arg;
    tw_release_fn *release;
    tw_value result;
    tw_deferred *done;
    struct tw_thread_pool *pool; /* a reference */
    struct tw_reactor *reactor;
    bool queued;   /* guarded by the pool's mutex */
    bool given_up; /* by the pool, before it began */
};

/* 0, -ESHUTDOWN (the pool is being freed), -EAGAIN (no thread could be started). */
int twi_thread_pool_submit(struct tw_thread_pool *pool, struct twi_job *job);
/* Take a job that has not begun out again; false when it has. */
bool twi_thread_pool_withdraw(struct tw_thread_pool *pool, struct twi_job *job);
/* The pool of the calling thread; NULL: none. */
struct tw_thread_pool *twi_thread_pool_here(void);
/* True if the reactor of the calling thread waits for the threads of `pool` to end. */
bool twi_thread_pool_is_awaited(struct tw_thread_pool *pool);
void twi_thread_pool_ref(struct tw_thread_pool *pool);
void twi_thread_pool_unref(struct tw_thread_pool *pool);

#endif
