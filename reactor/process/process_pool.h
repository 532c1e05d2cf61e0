/* SPDX-License-Identifier: MIT */
/*
 * process_pool.h - what the files of the process pool share.
 */
#ifndef REACTOR_PROCESS_PROCESS_POOL_H
#define REACTOR_PROCESS_PROCESS_POOL_H

#include "base/list.h"
#include "defer/waiters.h"
#include "reactor/process/child.h"
#include "reactor/face.h"
#include "reactor/process/process_wire.h"

struct twi_worker;

/* A call, or a row of calls of one set. */
struct twi_process_task {
    struct twi_list node; /* in the pool's queue, while it is not with a worker */
    struct tw_process_pool *pool;
    struct twi_worker *worker; /* NULL: queued */
    size_t place;              /* in the worker's row */
    const struct tw_process_entry *function;
    tw_deferred *done;       /* of a single call; NULL: nobody wants the result */
    struct twi_process_task_set *set; /* or whose calls these are */
    tw_value argument;       /* of a single call; else the set has them */
    size_t first, count;     /* items of the set; 0, 1 */
    size_t answered;
    int64_t timeout; /* for each call; 0: none */
};

/* The part that all tasks of a map or imap share. Counted by each task. */
struct twi_process_task_set {
    size_t references;
    tw_value arguments; /* a list */
    size_t chunk;
    bool dropped; /* nobody wants results any more */
    /* Takes `result`. */
    void (*deliver)(struct twi_process_task_set *set, size_t index, tw_value result);
    void (*release)(struct twi_process_task_set *set);
};
void twi_process_task_set_unref(struct twi_process_task_set *set);

/*   STARTING --> READY --> RETIRING (its socket is shut down: it ends by itself)
 *        |          |          |
 *        +----------+----------+--> DYING (killed, or has hung up) --> reaped and gone   */
enum twi_worker_state {
    TWI_WORKER_STARTING,
    TWI_WORKER_READY,
    TWI_WORKER_RETIRING,
    TWI_WORKER_DYING,
    TWI_WORKER_GONE
};
/* Why it dies. */
enum twi_worker_end {
    TWI_END_BY_ITSELF,
    TWI_END_BROKE_RULES,
    TWI_END_INIT_FAILED,
    TWI_END_TIMEOUT,
    TWI_END_KILLED
};

struct twi_worker {
    struct twi_list node;
    struct tw_process_pool *pool;
    struct twi_child *child;
    pid_t pid;
    int fd;
    struct twi_watch *watch;
    bool watches_writable;
    struct twi_board *board;
    struct twi_buf in, out;
    size_t out_sent;
    enum twi_worker_state state;
    enum twi_worker_end end;
    bool retired; /* it was to end */
    bool was_ready, killed;
    double waited; /* for its end, of which nobody tells */
    /* Tasks it has, in their order: [head, tail) modulo the size; NULL: taken back, or unwanted
     * before it began. */
    struct twi_process_task *tasks[TWI_PROCESS_SLOTS];
    size_t head, tail;
    size_t window; /* how many it may have */
    size_t given;  /* tasks, ever */
    int64_t timer; /* of the task at the head; 0: none */
    double timed_out; /* seconds that were too long */
    tw_value init_failure;
};

struct tw_process_pool {
    const void *thread;
    struct tw_process_pool_options options;
    const struct tw_process_entry *init;
    struct twi_list queue, workers, gone;
    size_t live; /* workers that are not gone */
    size_t waiting, sent; /* calls */
    bool closed, terminated, freed, ended; /* ended: its reactor has */
    unsigned inside; /* calls of ours that may call the program */
    bool held;
    struct twi_flush flush;
    struct twi_loop_end end_hook;
    struct twi_waiters joins;
    /* Deaths in a row, without a result between; and of those who had not even got ready. */
    size_t crashes, barren;
    int64_t start_timer;
    bool start_now; /* the delay is over */
    bool stuck;     /* there is no way to start one */
    tw_value problem; /* the last that kept a worker from starting, a failure or none */
    uint64_t started, lost;
};

static inline size_t twi_worker_load(const struct twi_worker *worker)
{
    return worker->tail - worker->head;
}

/* --- process_parent_end.c: one worker ---------------------------------------------------- */

/* Start one. 0 or -errno. */
int twi_worker_start(struct tw_process_pool *pool);
/* Put a task (from no list) into what will be sent to it. 0 or a failure of twi_wire_put(), with
 * *ret_bad the index of the argument at fault. */
int twi_worker_give(struct twi_worker *worker, struct twi_process_task *task, size_t *ret_bad);
void twi_worker_send(struct twi_worker *worker);
/* Start the timer that there was no memory for. */
void twi_worker_check_timer(struct twi_worker *worker);
/* Take back the task at `place` (of the row of tasks) if it has not begun. */
bool twi_worker_revoke(struct twi_worker *worker, size_t place);
/* The last of those that have not begun, taken back; NULL when there is none. */
struct twi_process_task *twi_worker_take_last(struct twi_worker *worker);
/* Kill it: calls that have not begun go back to the queue, the others die with it. */
void twi_worker_kill(struct twi_worker *worker, enum twi_worker_end end);
/* Fail the calls of a killed one. */
void twi_worker_fail(struct twi_worker *worker, tw_value failure);
/* Calls of this set are not wanted any more. */
void twi_worker_drop_set(struct twi_worker *worker, struct twi_process_task_set *set);
/* No more tasks: it ends when it has none. */
void twi_worker_retire(struct twi_worker *worker);
/* Wait for the end of a killed one, here and now. */
void twi_worker_bury(struct twi_worker *worker);
void twi_worker_free(struct twi_worker *worker);

/* --- process_pool.c ----------------------------------------------------------------------- */

/* Around whatever may call the program, which may free the pool: its memory goes with the last
 * leave. */
void twi_process_pool_enter(struct tw_process_pool *pool);
void twi_process_pool_leave(struct tw_process_pool *pool);
/* Look at the queue at the end of the turn. */
void twi_process_pool_look(struct tw_process_pool *pool);
/* The next result (taken) of a task. */
void twi_process_task_answer(struct twi_process_task *task, tw_value result);
/* It is now with that worker; NULL: with none. */
void twi_process_task_move(struct twi_process_task *task, struct twi_worker *worker);
/* Does anybody want its results? */
bool twi_process_task_wanted(const struct twi_process_task *task);
/* Nobody wants its results any more. It may be freed, or its worker killed. */
void twi_process_task_unwanted(struct twi_process_task *task);
void twi_process_task_free(struct twi_process_task *task);
/* Put the rest of a task that is in no list at the front of the queue. */
void twi_process_pool_requeue(struct tw_process_pool *pool, struct twi_process_task *task);
/* Fail all that is queued. */
void twi_process_pool_fail_queue(struct tw_process_pool *pool, tw_value failure);
static inline bool twi_process_pool_has_work(const struct tw_process_pool *pool)
{
    return pool->waiting + pool->sent > 0;
}

/* Queue calls of a set: all of its arguments. `set` gets a reference. 0, -ENOMEM. */
int twi_process_pool_add_set(struct tw_process_pool *pool,
                             const struct tw_process_entry *function,
                             struct twi_process_task_set *set, double timeout);
/* Nobody wants the rest. */
void twi_process_pool_drop_set(struct tw_process_pool *pool, struct twi_process_task_set *set);
/* Why the pool takes no work; none if it does. */
tw_value twi_process_pool_refusal(const struct tw_process_pool *pool, const char *name,
                                  double timeout,
                                  const struct tw_process_entry **ret_function);

/* --- process_crew.c ----------------------------------------------------------------------- */

/* At the end of a turn: start those that are missing, let go those that have done their share. */
void twi_process_pool_start_workers(struct tw_process_pool *pool);
void twi_process_pool_retire_workers(struct tw_process_pool *pool);
/* A worker has ended, and its tasks are settled. */
void twi_process_pool_lost(struct tw_process_pool *pool, struct twi_worker *worker,
                           tw_value failure);

#endif
