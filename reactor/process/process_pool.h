/* SPDX-License-Identifier: MIT */
/*
 * process_pool.h - the structs and functions that the files of the process pool share.
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
    struct twi_process_task_set *set; /* of a map's or imap's calls; NULL for a single one */
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
/* The cause of a worker's end. */
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
    double waited; /* seconds, for its end, where the kernel does not tell of it */
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
    /* Deaths in a row, without a result between; of them, those of workers that had not got
     * ready. */
    size_t crashes, barren;
    int64_t start_timer;
    bool start_now; /* the delay is over */
    bool stuck;     /* there is no way to start one */
    tw_value problem; /* the last failure to start a worker, or none */
    uint64_t started, lost;
};

static inline size_t twi_worker_load(const struct twi_worker *worker)
{
    return worker->tail - worker->head;
}

/* --- process_parent_end.c: one worker ---------------------------------------------------- */

/* Start one. 0 or -errno. */
int twi_worker_start(struct tw_process_pool *pool);
/* Append a task (from no list) to the bytes to be sent to the worker. 0 or an error of
 * twi_wire_put(), with *ret_bad the index of the argument at fault. */
int twi_worker_give(struct twi_worker *worker, struct twi_process_task *task, size_t *ret_bad);
void twi_worker_send(struct twi_worker *worker);
/* Start the timer that there was no memory for. */
void twi_worker_check_timer(struct twi_worker *worker);
/* Take back the task at `place` (of the row of tasks) if it has not begun. */
bool twi_worker_revoke(struct twi_worker *worker, size_t place);
/* Take back the last task that has not begun; NULL when there is none. */
struct twi_process_task *twi_worker_take_last(struct twi_worker *worker);
/* Kill it: calls that have not begun go back to the queue, the others die with it. */
void twi_worker_kill(struct twi_worker *worker, enum twi_worker_end end);
/* Fail the calls of a killed worker. */
void twi_worker_fail(struct twi_worker *worker, tw_value failure);
/* Calls of this set are not wanted any more. */
void twi_worker_drop_set(struct twi_worker *worker, struct twi_process_task_set *set);
/* No more tasks: it ends when it has none. */
void twi_worker_retire(struct twi_worker *worker);
/* Wait for the end of a killed worker, here and now. */
void twi_worker_bury(struct twi_worker *worker);
/* In the child of a fork(), whose sibling it is: let go of it. */
void twi_worker_leave(struct twi_worker *worker);
void twi_worker_free(struct twi_worker *worker);

/* --- process_pool.c ----------------------------------------------------------------------- */

/* Around code that may call the program, which may free the pool: its memory is freed by the
 * last leave. */
void twi_process_pool_enter(struct tw_process_pool *pool);
void twi_process_pool_leave(struct tw_process_pool *pool);
/* Look at the queue at the end of the turn. */
void twi_process_pool_look(struct tw_process_pool *pool);
/* The next result (taken) of a task. */
void twi_process_task_answer(struct twi_process_task *task, tw_value result);
/* Note the worker that has the task now; NULL: none. */
void twi_process_task_move(struct twi_process_task *task, struct twi_worker *worker);
/* True if somebody wants its results. */
bool twi_process_task_wanted(const struct twi_process_task *task);
/* Nobody wants its results any more: the task may be freed, or its worker killed. */
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
/* Nobody wants the rest of the set's results. */
void twi_process_pool_drop_set(struct tw_process_pool *pool, struct twi_process_task_set *set);
/* The failure that says why the pool takes no work; none if it takes work. */
tw_value twi_process_pool_refusal(const struct tw_process_pool *pool, const char *name,
                                  double timeout,
                                  const struct tw_process_entry **ret_function);

/* --- process_crew.c ----------------------------------------------------------------------- */

/* At the end of a turn: start missing workers, retire those that have done their share. */
void twi_process_pool_start_workers(struct tw_process_pool *pool);
void twi_process_pool_retire_workers(struct tw_process_pool *pool);
/* A worker has ended, and its tasks are settled. */
void twi_process_pool_lost(struct tw_process_pool *pool, struct twi_worker *worker,
                           tw_value failure);

#endif
