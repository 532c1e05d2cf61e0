/* SPDX-License-Identifier: MIT */
/*
 * blocking_call.c - another thread waits for a result of the reactor's thread.
 *
 * The result must reach the thread as its only reference. A Deferred's is still held by its chain
 * while the callback runs; so the thread is told one call later, by a post of the reactor to
 * itself.
 */
#include "config.h"

#include <pthread.h>

#include "base/alloc.h"
#include "reactor/loop.h"
#include "reactor/thread/thread_pool.h"

struct blocked {
    struct twi_post post;
    struct twi_list node; /* in the loop's list while a Deferred is waited for */
    struct tw_reactor *reactor;
    struct tw_thread_pool *pool; /* the pool whose thread waits; NULL: no pool's */
    tw_value (*fn)(void *arg);
    void *arg;
    atomic_uint references; /* the thread's and the callback's */
    tw_value result;        /* the reactor's until `done` */
    bool have_result;
    pthread_mutex_t mutex;
    pthread_cond_t finished;
    bool done;
};

static void blocked_unref(struct blocked *blocked)
{
    if (atomic_fetch_sub(&blocked->references, 1) > 1)
        return;
    pthread_cond_destroy(&blocked->finished);
    pthread_mutex_destroy(&blocked->mutex);
    twi_free(blocked);
}

/* --- on the reactor's thread ------------------------------------------------------------- */

static void blocked_keep(struct blocked *blocked, tw_value result)
{
    if (blocked->have_result) {
        tw_release(result);
        return;
    }
    blocked->result = result;
    blocked->have_result = true;
}

static void blocked_tell(void *arg)
{
    struct blocked *blocked = arg;

    twi_list_remove(&blocked->node);
    pthread_mutex_lock(&blocked->mutex);
    blocked->done = true;
    pthread_cond_signal(&blocked->finished);
    pthread_mutex_unlock(&blocked->mutex);
    blocked_unref(blocked);
}

static tw_value blocked_fired(tw_value result, void *arg)
{
    blocked_keep(arg, tw_retain(result));
    return tw_none();
}

/* After the callback, or instead of it when the Deferred died. */
static void callback_gone(void *arg)
{
    struct blocked *blocked = arg;

    if (!twi_list_linked(&blocked->node)) {
        blocked_unref(blocked); /* abandoned before */
        return;
    }
    if (!blocked->have_result)
        blocked_keep(blocked, tw_fail(&tw_error_abandoned, "the Deferred died"));
    blocked->post.fn = blocked_tell;
    twi_inbox_push(blocked->reactor, &blocked->post);
}

/* Its callback is still out there, and will find an unlinked node. */
static void blocked_abandon(struct blocked *blocked, const char *why)
{
    atomic_fetch_add(&blocked->references, 1);
    blocked_keep(blocked, tw_fail(&tw_error_abandoned, "%s", why));
    blocked_tell(blocked);
}

/* No turn will come that could bring the result before this thread of a pool has ended. Other
 * threads are not waited for: they hear of the end once the loop is gone. */
static void blocked_abandon_if_vain(struct twi_loop *loop, struct blocked *blocked)
{
    if (blocked->have_result || blocked->pool == NULL)
        return;
    if (loop->ending || twi_thread_pool_is_awaited(blocked->pool))
        blocked_abandon(blocked, "the reactor waits for this thread to end");
}

/* The loop waits for threads. */
static void blocked_abandon_vain(struct twi_loop_end *wait)
{
    struct twi_loop *loop = twi_loop_here;

    (void)wait;
    TWI_LIST_EACH (node, &loop->blocked)
        blocked_abandon_if_vain(loop, TWI_CONTAINER(node, struct blocked, node));
}

/* The loop is being released. A post that its closed inbox refused has its result; others are
 * abandoned. */
static void blocked_abandon_all(struct twi_loop_end *end)
{
    struct twi_loop *loop = twi_loop_here;

    (void)end;
    while (!twi_list_empty(&loop->blocked)) {
        struct blocked *blocked = TWI_CONTAINER(loop->blocked.next, struct blocked, node);
        if (blocked->have_result)
            blocked_tell(blocked);
        else
            blocked_abandon(blocked, "the reactor is gone");
    }
}

static void blocked_hang_on(struct twi_loop *loop, struct blocked *blocked)
{
    loop->callers_wait.fn = blocked_abandon_vain;
    twi_loop_hook(loop, TWI_WAIT_THREADS, &loop->callers_wait);
    loop->callers_end.fn = blocked_abandon_all;
    twi_loop_hook(loop, TWI_END_CALLERS, &loop->callers_end);
    twi_list_append(&loop->blocked, &blocked->node);
}

static void blocked_call(void *arg)
{
    struct blocked *blocked = arg;
    tw_value result = blocked->fn(blocked->arg);

    atomic_fetch_add(&blocked->references, 1);
    blocked_hang_on(twi_loop_here, blocked);
    if (tw_is(result, &tw_type_deferred)) {
        tw_add_both_with(result.as.pointer, blocked_fired, blocked, callback_gone);
        tw_release(result);
        blocked_abandon_if_vain(twi_loop_here, blocked);
        return;
    }
    blocked_keep(blocked, tw_take(result));
    blocked_tell(blocked);
}

/* --- on the other thread ----------------------------------------------------------------- */

static struct blocked *blocked_new(tw_reactor *reactor, tw_value (*fn)(void *arg), void *arg)
{
    struct blocked *blocked = twi_calloc(1, sizeof *blocked);

    if (blocked == NULL)
        return NULL;
    pthread_mutex_init(&blocked->mutex, NULL);
    pthread_cond_init(&blocked->finished, NULL);
    atomic_init(&blocked->references, 1);
    twi_list_init(&blocked->node);
    blocked->post.fn = blocked_call;
    blocked->post.arg = blocked;
    blocked->reactor = reactor;
    blocked->pool = twi_thread_pool_here();
    blocked->fn = fn;
    blocked->arg = arg;
    return blocked;
}

static tw_value blocked_wait(struct blocked *blocked)
{
    pthread_mutex_lock(&blocked->mutex);
    while (!blocked->done)
        pthread_cond_wait(&blocked->finished, &blocked->mutex);
    pthread_mutex_unlock(&blocked->mutex);
    return blocked->result;
}

tw_value tw_blocking_call_from_thread(tw_reactor *reactor, tw_value (*fn)(void *arg),
                                      void *arg)
{
    struct blocked *blocked;
    tw_value result;

    if (fn == NULL)
        return tw_fail(&tw_error_misuse, "no function to call");
    if (twi_loop_here != NULL && twi_loop_here->reactor == reactor)
        return tw_fail(&tw_error_misuse, "a blocking call from the reactor's own thread");
    blocked = reactor != NULL ? blocked_new(reactor, fn, arg) : NULL;
    if (blocked == NULL)
        return tw_fail_memory();
    if (twi_inbox_push(reactor, &blocked->post) < 0)
        result = tw_fail(&tw_error_abandoned, "the reactor is gone");
    else
        result = blocked_wait(blocked);
    blocked_unref(blocked);
    return result;
}
