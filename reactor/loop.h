/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the loop of a thread and its parts, shared by the files of the reactor.
 *
 * Other threads may hold a tw_reactor, which is a counted inbox. The twi_loop behind it belongs
 * to its thread alone and needs no locks.
 */
#ifndef REACTOR_LOOP_H
#define REACTOR_LOOP_H

#include <tweed/reactor.h>

#include "reactor/face.h"
#include "reactor/backend.h"
#include "reactor/inbox.h"
#include "reactor/slow.h"
#include "reactor/wheel.h"

/* Calls queued by the loop's own thread: a ring of a power of two. */
struct twi_ready_call {
    void (*fn)(void *arg);
    void *arg;
};
struct twi_ready {
    struct twi_ready_call *calls;
    size_t head, tail, size; /* head and tail count on; the place is modulo size */
};

/*   IDLE --> STARTING --> RUNNING --> STOPPING (before) --> ENDING (during, after) --> IDLE
 *                |            |            |                                            ^
 *                +------------+------------+-------------- crash -----------------------+  */
enum twi_run_state {
    TWI_RUN_IDLE,
    TWI_RUN_STARTING,
    TWI_RUN_RUNNING,
    TWI_RUN_STOPPING,
    TWI_RUN_ENDING,
};

/* One event, startup or shutdown, on its way through its phases. */
struct twi_event {
    struct twi_list phases[3]; /* of triggers */
    /* The wait for the Deferreds of the "before" triggers; NULL when there are none. */
    struct twi_phase_wait *wait;
};

/* The moments at which the users of a loop are called: at the stop of a run, before it waits for
 * threads, and when the loop is freed. */
enum twi_loop_stage {
    TWI_STOP_CONNECTIONS, /* before the "during" triggers: Twisted's disconnectAll */
    TWI_STOP_THREADS,     /* after them */
    TWI_WAIT_THREADS,     /* no turn until some threads have ended: release waits for one */
    TWI_END_WORK,         /* other threads are heard for the last time: take their work back */
    TWI_END_USERS,        /* nothing comes in any more: the loop's users let go of it */
    TWI_END_CALLERS,      /* threads that still wait for the loop hear that it is gone */
    TWI_LOOP_STAGES
};

struct twi_loop {
    tw_clock clock; /* first: a tw_clock * is a twi_loop * */
    struct tw_reactor *reactor;
    struct twi_backend *backend;
    const void *thread;
    unsigned born; /* twi_forks */

    /* time */
    int64_t now;
    uint64_t cycles;  /* of the processor's counter when `now` was read */
    uint64_t few_cycles; /* within this many later `now` is at most a tick of the wheel old */
    bool stale;       /* in a turn: read the clock when asked next */
    bool virtual_time;
    bool idle; /* virtual: the last turn found nothing to do */
    size_t holds; /* virtual: waits for others that keep real time */
    struct twi_wheel wheel;

    /* the turn */
    bool turning;
    bool no_signal_handlers;
    enum twi_run_state state;
    bool stop_asked; /* by tw_reactor_stop() */
    bool crashed;    /* leave after this turn */
    int exit_signal;
    struct twi_ready ready;
    struct twi_list flushes;
    struct twi_list job_list; /* given to thread pools, not yet back */
    size_t jobs;

    /* its parts */
    struct twi_event startup, shutdown;
    int64_t next_trigger;
    struct twi_descriptor **descriptors; /* by number */
    size_t descriptor_capacity;
    uint64_t last_serial; /* of a descriptor */
    struct tw_thread_pool *pool, *library_pool; /* of thread_pool.c */
    bool ending;
    struct twi_list blocked; /* threads in tw_blocking_call_from_thread() */
    struct twi_loop_end callers_wait, callers_end; /* of blocking_call.c */
    struct twi_loop_end jobs_end;                  /* of defer_to_thread.c */
    struct twi_list hooks[TWI_LOOP_STAGES]; /* of struct twi_loop_end */
    struct twi_slow slow;
    struct twi_loop *left; /* another that was left to the parent process */
};

/* The calling thread's loop; NULL when it has none. */
extern _Thread_local struct twi_loop *twi_loop_here __attribute__((tls_model("initial-exec")));
/* Made if need be; NULL when there is no memory. */
struct twi_loop *twi_loop_make(void);
static inline struct twi_loop *twi_loop_get(void)
{
    struct twi_loop *loop = twi_loop_here;
    return __builtin_expect(loop != NULL, 1) ? loop : twi_loop_make();
}

/* Call `hook` in that stage; does nothing if it is registered for one already. */
void twi_loop_hook(struct twi_loop *loop, enum twi_loop_stage stage,
                   struct twi_loop_end *hook);
/* Call the hooks of a stop or a wait, which stay; last registered first. */
void twi_loop_call_stops(struct twi_loop *loop, enum twi_loop_stage stage);

#if TWI_DEBUG
#define TWI_CHECK_THREAD(loop, what) twi_assert_thread((loop)->thread, (what))
#else
#define TWI_CHECK_THREAD(loop, what) ((void)0)
#endif

/* turn.c: one turn, waiting until `limit` (of the loop's time) at most; with `wait_only_if_quiet`
 * not at all when it called something before. */
void twi_loop_turn(struct twi_loop *loop, int64_t limit, bool wait_only_if_quiet);
/* True if there is work to do at once, so that a turn must not wait. */
bool twi_loop_has_work(const struct twi_loop *loop);

/* timers.c */
uint64_t twi_few_cycles(void);
extern const struct twi_clock_ops twi_timer_ops;
bool twi_timers_run(struct twi_loop *loop);
void twi_timers_release(struct twi_loop *loop);
int64_t twi_loop_time(struct twi_loop *loop);

/* ready.c */
bool twi_ready_run(struct twi_loop *loop);

/* run.c: the step between timed calls and descriptors. */
void twi_run_step(struct twi_loop *loop);
/* True if that step has work to do, so that a turn must not wait. */
bool twi_run_step_due(const struct twi_loop *loop);
static inline bool twi_is_running(const struct twi_loop *loop)
{
    return loop->state == TWI_RUN_RUNNING || loop->state == TWI_RUN_STOPPING;
}

/* triggers.c */
void twi_event_init(struct twi_event *event);
/* Call the "before" triggers. */
void twi_event_begin(struct twi_event *event);
/* True once nothing is waited for. */
bool twi_event_may_continue(const struct twi_event *event);
/* Call the triggers of a later phase. */
void twi_event_call(struct twi_event *event, enum tw_phase phase);
void twi_event_release(struct twi_event *event);

/* signals.c */
void twi_signals_begin(struct twi_loop *loop); /* of a run */
void twi_signals_end(struct twi_loop *loop);
void twi_signals_release(struct twi_loop *loop);

/* descriptors.c */
void twi_descriptors_release(struct twi_loop *loop);
/* Drop those that were closed without being removed. */
void twi_descriptors_preen(struct twi_loop *loop);

#endif
