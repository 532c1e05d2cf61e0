/* SPDX-License-Identifier: MIT */
/*
 * inline_callbacks.h (defer/, private) - a body of inline callbacks and its wait.
 *
 *   running --await--> PARKED --its Deferred has a result--> running --return--> gone
 *
 * A task is known by its coroutine, by the canceller of its Deferred, and by the tap at the end
 * of the chain that it waits for; it points to the awaited Deferred without a reference.
 */
#ifndef DEFER_INLINE_INLINE_CALLBACKS_H
#define DEFER_INLINE_INLINE_CALLBACKS_H

#include "defer/coroutine/coroutine.h"
#include "defer/deferred.h"

#include <tweed/inline_callbacks.h>

#include "base/list.h"

/* Awaited values that are counted: lent to the body until it ends. */
struct twi_held {
    tw_value *values;
    size_t first, end, capacity; /* those from first to end are held */
    tw_value few[3];
};

struct twi_task {
    struct twi_task_part part; /* first */
    struct twi_list node; /* of the thread's; oldest first */
    tw_deferred *outer;   /* fired at the end */
    tw_coroutine *leaf;   /* while PARKED: the coroutine that goes on; else its own */
    tw_deferred *awaited; /* until it has a result */
    tw_value result;      /* of the awaited Deferred */
    const char *where, *name;
    const char *awaits_at;
    uint64_t cancelled_in; /* the last round of cancel_all when it was cancelled */
    uint64_t walk;         /* the last walk from body to body that came by */
    struct twi_held held;
    unsigned refused;        /* awaits, since the thread's reactor has gone */
    bool parked;
    bool cancel_next;        /* the next await that waits is cancelled */
    bool ended;              /* the body has returned */
    bool stuck;              /* it awaits again and again though nothing will come */
    bool warned;             /* of many held values */
};

/* A thread's tasks. */
struct twi_tasks {
    struct twi_list all; /* of struct twi_task */
    uint64_t round; /* of cancel_all */
    uint64_t walk;  /* counts walks */
    unsigned starting; /* bodies on their way to their first await */
    bool in_round;
    bool known, ending; /* the reactor is being released: nothing will come any more */
};
extern TWI_QUICK_TLS struct twi_tasks twi_tasks;

/* --- inline_callbacks.c ------------------------------------------------------------------- */

/* The calling thread's tasks, with a destructor for its end. */
struct twi_tasks *twi_tasks_here(void);
/* The body of this Deferred; NULL when it has none, or that has ended. */
struct twi_task *twi_task_of(const tw_deferred *deferred);
/* End: the body has returned `result` (owned). Kill: it awaits again and again though nothing
 * will come. */
void twi_task_end(struct twi_task *task, tw_value result);
void twi_task_kill(struct twi_task *task);
/* On the thread's stack: let it go on until it awaits again or ends. The caller leaves by a
 * jump. */
static inline void twi_task_run(struct twi_task *task)
{
    tw_value result;

    task->parked = false;
    if (TWI_UNLIKELY(twi_coroutine_resume(task->leaf, &result)))
        twi_task_end(task, result);
    else if (TWI_UNLIKELY(task->stuck))
        twi_task_kill(task);
}

/* --- await.c ------------------------------------------------------------------------------ */

void twi_held_release(struct twi_held *held);
/* base/'s hook drop_lent. */
void twi_held_drop(tw_value value);
/* Give a parked task `failure` (owned) in place of the result that it awaits. */
void twi_task_interrupt(struct twi_task *task, tw_value failure);

#endif
