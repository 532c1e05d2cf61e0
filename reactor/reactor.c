/* SPDX-License-Identifier: MIT */
/*
 * reactor.c - the reactor of each thread: made on first use, released at the thread's end.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <tweed/log.h>

#include "base/alloc.h"
#include "base/fork.h"
#include "base/thread_end.h"
#include "defer/face.h"
#include "reactor/loop.h"

enum { MAX_IDS = 1 << TWI_WHEEL_ID_BITS };

_Thread_local struct twi_loop *twi_loop_here __attribute__((tls_model("initial-exec")));
_Thread_local char *twi_read_buffer __attribute__((tls_model("initial-exec")));

static _Thread_local struct twi_thread_end thread_end;

/* --- the numbers of reactors ------------------------------------------------------------- */

/* A number is used again when its reactor is gone; timers of the next one go on where those of the
 * last one ended, so that the numbers of calls never come twice. */
static struct {
    uint32_t generation; /* to begin with */
    bool used;
} ids[MAX_IDS];
static uint32_t last_id;

static bool id_is_free(uint32_t id)
{
    return !ids[id].used &&
           ids[id].generation < (UINT32_C(1) << TWI_WHEEL_GENERATION_BITS) - 1;
}

/* Zero when all are in use. */
static uint32_t id_take(uint32_t *ret_generation)
{
    uint32_t id = 0;

    twi_lock(TWI_LOCK_REACTORS);
    for (uint32_t tries = 1; tries < MAX_IDS && id == 0; tries++) {
        last_id = last_id % (MAX_IDS - 1) + 1;
        if (id_is_free(last_id))
            id = last_id;
    }
    ids[id].used = true;
    *ret_generation = ids[id].generation;
    twi_unlock(TWI_LOCK_REACTORS);
    return id;
}

static void id_give(uint32_t id, uint32_t generation)
{
    twi_lock(TWI_LOCK_REACTORS);
    ids[id].used = false;
    ids[id].generation = generation;
    twi_unlock(TWI_LOCK_REACTORS);
}

/* --- making and releasing ---------------------------------------------------------------- */

/* Other threads have sent calls. With edge triggers the descriptor is not read: the count stays
 * in it until it is closed. */
static void woken(unsigned events, void *reactor)
{
    (void)events;
    if (!twi_watch_has_edge())
        twi_inbox_read_wakes(reactor);
}

static int reactor_open_parts(struct twi_loop *loop, const char *backend)
{
    struct tw_reactor *reactor;
    int r;

    r = twi_backend_new(backend, &loop->backend);
    if (r < 0)
        return r;
    r = twi_inbox_new(&reactor);
    if (r < 0)
        goto fail_backend;
    r = twi_backend_watch(loop->backend, reactor->wake_fd, TWI_READABLE | TWI_EDGE, woken,
                          reactor, &reactor->watch);
    if (r < 0)
        goto fail_inbox;
    loop->reactor = reactor;
    return 0;

fail_inbox:
    twi_inbox_close(reactor);
fail_backend:
    twi_backend_free(loop->backend);
    return r;
}

static void init_parts(struct twi_loop *loop, const struct tw_reactor_options *options)
{
    loop->clock.ops = &twi_timer_ops;
    loop->thread = twi_thread_self();
    loop->born = twi_forks;
    loop->virtual_time = options->virtual_time;
    loop->no_signal_handlers = options->no_signal_handlers;
    loop->now = options->virtual_time ? 0 : twi_monotonic_ns();
    loop->few_cycles = twi_few_cycles();
    loop->stale = true;
    twi_list_init(&loop->flushes);
    twi_list_init(&loop->job_list);
    twi_list_init(&loop->blocked);
    for (size_t i = 0; i < TWI_LOOP_STAGES; i++)
        twi_list_init(&loop->hooks[i]);
    twi_event_init(&loop->startup);
    twi_event_init(&loop->shutdown);
    twi_slow_init(&loop->slow);
}

static int loop_new(const struct tw_reactor_options *options, struct twi_loop **ret_loop)
{
    struct twi_loop *loop = twi_calloc(1, sizeof *loop);
    uint32_t id, generation;
    int r;

    if (loop == NULL)
        return -ENOMEM;
    r = reactor_open_parts(loop, options->backend);
    if (r < 0)
        goto fail_free;
    r = -ENOMEM;
    id = id_take(&generation);
    if (id == 0)
        goto fail_parts;
    twi_wheel_init(&loop->wheel, id, generation);
    init_parts(loop, options);
    *ret_loop = loop;
    return 0;

fail_parts:
    twi_watch_free(loop->reactor->watch);
    twi_inbox_close(loop->reactor);
    twi_backend_free(loop->backend);
fail_free:
    twi_free(loop);
    return r;
}

void twi_loop_hook(struct twi_loop *loop, enum twi_loop_stage stage, struct twi_loop_end *hook)
{
    struct twi_list *node = &hook->node_;

    if (node->next == NULL || !twi_list_linked(node))
        twi_list_append(&loop->hooks[stage], node);
}

void twi_loop_call_stops(struct twi_loop *loop, enum twi_loop_stage stage)
{
    struct twi_list *hooks = &loop->hooks[stage], *node = hooks->prev;

    while (node != hooks) {
        struct twi_list *previous = node->prev;
        struct twi_loop_end *stop = TWI_CONTAINER(node, struct twi_loop_end, node_);
        stop->fn(stop);
        node = previous;
    }
}

/* Hooks that are registered meanwhile are called too. */
static void call_ends(struct twi_loop *loop, enum twi_loop_stage stage)
{
    struct twi_list *hooks = &loop->hooks[stage], *node;

    while ((node = hooks->prev) != hooks) {
        struct twi_loop_end *end = TWI_CONTAINER(node, struct twi_loop_end, node_);
        twi_list_remove(node);
        end->fn(end);
    }
}

/* Hooks registered too late to be called are free for another loop. */
static void forget_hooks(struct twi_loop *loop)
{
    for (size_t i = 0; i < TWI_LOOP_STAGES; i++) {
        while (twi_list_take_first(&loop->hooks[i]) != NULL)
            ;
    }
}

/* The loop's users let go of it first, from the top down; then its parts are freed. */
static void loop_free(struct twi_loop *loop)
{
    loop->ending = true;
    twi_bodies_abandon();
    call_ends(loop, TWI_END_WORK);
    twi_signals_release(loop);
    twi_watch_free(loop->reactor->watch);
    twi_inbox_close(loop->reactor);
    call_ends(loop, TWI_END_USERS);
    call_ends(loop, TWI_END_CALLERS);
    twi_event_release(&loop->startup);
    twi_event_release(&loop->shutdown);
    twi_descriptors_release(loop);
    twi_timers_release(loop);
    twi_bodies_abandon(); /* bodies that were started meanwhile */
    forget_hooks(loop);
    twi_loop_here = NULL;
    id_give(loop->wheel.id, twi_wheel_generation(&loop->wheel));
    twi_wheel_free(&loop->wheel);
    twi_backend_free(loop->backend);
    twi_free(loop->ready.calls);
    twi_free(twi_read_buffer);
    twi_read_buffer = NULL;
    twi_free(loop);
}

static void call_left(struct twi_loop *loop)
{
    for (size_t i = 0; i < TWI_LOOP_STAGES; i++) {
        struct twi_list *hooks = &loop->hooks[i], *node = hooks->prev;

        while (node != hooks) {
            struct twi_list *previous = node->prev;
            struct twi_loop_end *end = TWI_CONTAINER(node, struct twi_loop_end, node_);
            if (end->left != NULL)
                end->left(end);
            node = previous;
        }
    }
}

static bool loop_is_inherited(const struct twi_loop *loop)
{
    return loop->born != twi_forks;
}

/* In a child made by fork() the reactor is the parent's still: its connections, children and
 * threads are, and its descriptors are shared. Nothing is called, sent or waited for. Descriptors
 * are closed, or a connection would not end when the parent closes its own; the memory stays, since
 * the program may hold any part of it, and the turn that is left may be on the stack. */
static void loop_leave_to_parent(struct twi_loop *loop)
{
    static struct twi_loop *left;

    loop->left = left;
    left = loop;
    twi_backend_part(loop->backend);
    twi_signals_release(loop);
    twi_bodies_leave();
    call_left(loop);
    twi_watch_free(loop->reactor->watch);
    twi_inbox_leave(loop->reactor);
    twi_descriptors_release(loop);
    twi_backend_leave(loop->backend);
    twi_loop_here = NULL;
    twi_read_buffer = NULL;
}

static void loop_end(struct twi_loop *loop)
{
    if (loop_is_inherited(loop))
        loop_leave_to_parent(loop);
    else
        loop_free(loop);
}

static void reactor_thread_ends(void)
{
    if (twi_loop_here != NULL)
        loop_end(twi_loop_here);
}

/* --- the public face --------------------------------------------------------------------- */

int tw_reactor_install(const struct tw_reactor_options *options)
{
    static const struct tw_reactor_options defaults;
    struct twi_loop *loop;
    int r;

    if (twi_loop_here != NULL)
        return -EEXIST;
    r = loop_new(options != NULL ? options : &defaults, &loop);
    if (r < 0)
        return r;
    twi_thread_end_call(&thread_end, TWI_THREAD_REACTOR, reactor_thread_ends);
    twi_loop_here = loop;
    return 0;
}

int tw_reactor_uninstall(void)
{
    struct twi_loop *loop = twi_loop_here;

    if (loop == NULL)
        return 0;
    if (!loop_is_inherited(loop) && (loop->turning || loop->state != TWI_RUN_IDLE))
        return -EBUSY;
    loop_end(loop);
    return 0;
}

struct twi_loop *twi_loop_make(void)
{
    int r = tw_reactor_install(NULL);

    if (r < 0 && r != -ENOMEM)
        tw_log(TW_LOG_ERROR, "reactor", "no reactor for this thread: error %d", -r);
    return twi_loop_here;
}

tw_reactor *tw_reactor_current(void)
{
    struct twi_loop *loop = twi_loop_get();
    return loop != NULL ? loop->reactor : NULL;
}

const char *tw_reactor_backend(void)
{
    struct twi_loop *loop = twi_loop_get();
    return loop != NULL ? twi_backend_name(loop->backend) : "";
}

/* --- for the layers above ---------------------------------------------------------------- */

char *twi_loop_make_read_buffer(void)
{
    if (twi_read_buffer == NULL && twi_loop_get() != NULL)
        twi_read_buffer = twi_malloc(TWI_READ_BUFFER_SIZE);
    return twi_read_buffer;
}

int twi_loop_on_end(struct twi_loop_end *end)
{
    struct twi_loop *loop = twi_loop_get();

    if (loop == NULL)
        return -ENOMEM;
    twi_loop_hook(loop, TWI_END_USERS, end);
    return 0;
}

static void user_stops(struct twi_loop_end *stop)
{
    TWI_CONTAINER(stop, struct twi_loop_state, stop_)->user_->stop();
}

static void state_free(struct twi_loop_state *state)
{
    twi_loop_off(&state->stop_);
    twi_loop_off(&state->end_);
    *state->here_ = NULL;
    twi_free(state);
}

static void user_ends(struct twi_loop_end *end)
{
    struct twi_loop_state *state = TWI_CONTAINER(end, struct twi_loop_state, end_);

    state->user_->end();
    state_free(state);
}

static void user_left(struct twi_loop_end *end)
{
    struct twi_loop_state *state = TWI_CONTAINER(end, struct twi_loop_state, end_);

    state->user_->left();
    state_free(state);
}

int twi_loop_user_begin(const struct twi_loop_user *user, struct twi_loop_state **here)
{
    struct twi_loop *loop = twi_loop_get();
    struct twi_loop_state *state = loop != NULL ? twi_calloc(1, user->size) : NULL;
    int r;

    if (state == NULL)
        return -ENOMEM;
    *here = state;
    r = user->begin();
    if (r < 0) {
        *here = NULL;
        twi_free(state);
        return r;
    }
    state->user_ = user;
    state->here_ = here;
    state->stop_.fn = user_stops;
    state->end_.fn = user_ends;
    state->end_.left = user_left;
    twi_loop_hook(loop, TWI_STOP_CONNECTIONS, &state->stop_);
    twi_loop_hook(loop, TWI_END_USERS, &state->end_);
    return 0;
}

void twi_loop_off(struct twi_loop_end *end)
{
    if (end->node_.next != NULL)
        twi_list_remove(&end->node_);
}

const void *twi_thread_self(void)
{
    return &twi_loop_here;
}

void twi_assert_thread(const void *owner, const char *what)
{
    if (owner == twi_thread_self())
        return;
    tw_log(TW_LOG_CRITICAL, "reactor", "%s: used on a thread that does not own it", what);
    abort();
}
