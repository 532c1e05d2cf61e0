/* SPDX-License-Identifier: MIT */
/*
 * coroutine.h - the inside of a coroutine, and the functions that inline callbacks use of it.
 *
 * The control block lies at the top of the stack that it describes: a switch touches two of its
 * cache lines and the one where the stack stands. Coroutines that resume each other are a
 * chain:
 *
 *     the thread's stack --> A, the root --> B, a generator --> C, the leaf: it runs
 *
 * A yield goes one step back. A park, of inline callbacks, leaves the whole chain standing and
 * goes back to the thread's stack; resuming the leaf goes on with all of it.
 */
#ifndef DEFER_COROUTINE_COROUTINE_H
#define DEFER_COROUTINE_COROUTINE_H

#include "config.h"

#include <tweed/coroutine.h>

#include "base/list.h"
#include "base/thread_end.h"
#include "defer/coroutine/annotate.h"
#include "defer/coroutine/context.h"
#include "defer/coroutine/running.h"
#include "defer/coroutine/stack.h"

/* The C++ run time's state of a thread (Itanium C++ ABI, 2.2.2): it belongs to a stack. */
struct twi_cxx_globals {
    void *caught;
    unsigned uncaught;
};

struct tw_coroutine {
    _Alignas(64) struct twi_context context; /* first, on lines of its own */
    _Alignas(64) tw_coroutine *resumer;      /* while running: where yields go */
    tw_value in;                             /* the value sent to it */
    tw_value out;                            /* the value that it yielded or returned */
    void *task; /* while running: of the chain's root; begins with a struct twi_task_part */
    uint8_t state;                           /* enum tw_coroutine_state */
    bool deaf;                               /* nobody listens to its yields */
    bool doomed;                             /* freed inside itself */
    bool freeing;                            /* inside tw_coroutine_free() */
    bool careful;                            /* a switch has more to do */
    bool rooted;                             /* the root of a task */

    struct twi_cxx_globals cxx;
    tw_coroutine_body *body;
    void *arg;
    tw_release_fn *release;
    const char *where, *name;
    tw_value complaint; /* about the last misuse */
    struct twi_list node;
    struct twi_stack *stack; /* NULL: home */
#if TWI_ASAN
    void *fake;          /* AddressSanitizer's, while it does not run */
    const void *bottom;  /* of the stack, as it knows it */
    size_t size;
#endif
#if TWI_TSAN
    void *fiber;
#endif
#if TWI_DEBUG
    uint32_t magic;
    const void *owner;
#endif
};

struct twi_locals;

/* The start of a task, whose body is the root of a chain: all that this room knows of it. */
struct twi_task_part {
    struct twi_locals *locals;
};

/* A thread's coroutines; found by twi_running.coroutines. */
struct twi_coroutine_thread {
    tw_coroutine home;    /* the thread's own stack: context and side state only */
    struct twi_stacks stacks;
    struct twi_list living;
    size_t count;         /* of living */
    void (*call)(void *arg); /* to be done on the thread's stack */
    void *call_arg;
    tw_coroutine *caller;
    tw_coroutine *finished; /* a task's root that has just ended */
    void *signal_stack;     /* given by overflow.c */
    tw_value kept;          /* the last result of a coroutine freed inside itself */
    struct twi_locals *locals; /* of the thread, outside of tasks */
    struct twi_thread_end end;
#if TWI_ASAN
    tw_coroutine *previous; /* where the switch came from */
#endif
};

#if TWI_DEBUG
/* Ends the program when `coroutine` is dead or another thread's. */
void twi_coroutine_check(const tw_coroutine *coroutine, const char *function);
#define TWI_CHECK_COROUTINE(coroutine) twi_coroutine_check((coroutine), __func__)
#else
#define TWI_CHECK_COROUTINE(coroutine) ((void)0)
#endif

/* Its name, or where it was made. */
static inline const char *twi_coroutine_name(const tw_coroutine *coroutine)
{
    return coroutine->name != NULL ? coroutine->name : coroutine->where;
}

/* --- coroutine.c ------------------------------------------------------------------------ */

/* A switch that has more to do than to switch. */
tw_value twi_switch_carefully(tw_coroutine *from, tw_coroutine *to, tw_value value);
/* Home was switched to for a call: make it, and those that follow, until a switch comes back
 * for good. */
tw_value twi_coroutine_serve(tw_value value);
/* It has ended: the status for the caller that resumed it last. */
int twi_coroutine_returned(tw_coroutine *coroutine, tw_value *ret_value);
/* A task's root has ended: take its result and destroy it. Returns true. */
bool twi_coroutine_finish(tw_value *ret_value);
/* End it with `result` (owned), without its body. */
void twi_coroutine_end(tw_coroutine *coroutine, tw_value result);
/* Give back its stack. */
void twi_coroutine_destroy(tw_coroutine *coroutine);
/* The calling thread's coroutines, begun if need be; NULL when there is no memory. */
struct twi_coroutine_thread *twi_coroutine_this_thread(void);

/* Not in a function of its own, whose ret would be predicted wrong. */
#define TWI_INLINE static inline __attribute__((always_inline))

/* Sanitizers are told of each switch. */
TWI_INLINE tw_value twi_switch_to(tw_coroutine *from, tw_coroutine *to, tw_value value)
{
    if (TWI_ASAN || TWI_TSAN || TWI_UNLIKELY(from->careful))
        return twi_switch_carefully(from, to, value);
    return twi_switch(&from->context, &to->context, value);
}

/* Leave the place that runs, `running` or the thread's stack, for `coroutine`. */
TWI_INLINE tw_value twi_coroutine_leave(tw_coroutine *running, tw_coroutine *from,
                                        tw_coroutine *coroutine, tw_value value)
{
    twi_running.coroutine = coroutine;
    twi_running.depth |= TWI_ON_COROUTINE;
    value = twi_switch_to(from, coroutine, value);
    twi_running.coroutine = running;
    twi_running.depth &= running != NULL ? ~0u : ~TWI_ON_COROUTINE;
    return value;
}

/* The same, and serve calls until that coroutine, or one that it resumed, comes back for good.
 * Returns the value that it yields. */
TWI_INLINE tw_value twi_coroutine_enter(tw_coroutine *running, tw_coroutine *from,
                                        tw_coroutine *coroutine, tw_value value)
{
    value = twi_coroutine_leave(running, from, coroutine, value);
    if (TWI_UNLIKELY(twi_running.coroutines->call != NULL))
        value = twi_coroutine_serve(value);
    return value;
}

TWI_INLINE void twi_drop(tw_value *value)
{
    tw_value old = *value;

    value->type = 0;
    tw_release(old);
}

/* Go on in a coroutine that is created or suspended, with `value` (owned), until it yields or
 * ends. *ret_value is lent. TW_YIELDED or TW_RETURNED. */
TWI_INLINE int twi_coroutine_go(tw_coroutine *coroutine, tw_value value, tw_value *ret_value)
{
    tw_coroutine *running = twi_running.coroutine;
    tw_coroutine *from = running != NULL ? running : &twi_running.coroutines->home;

    coroutine->in = value;
    coroutine->state = TW_RUNNING;
    coroutine->resumer = from;
    coroutine->task = from->task;
    twi_drop(&coroutine->out);
    value = twi_coroutine_enter(running, from, coroutine, tw_lend(coroutine->in));
    if (TWI_UNLIKELY(coroutine->state == TW_ENDED))
        return twi_coroutine_returned(coroutine, ret_value);
    if (ret_value != NULL)
        *ret_value = value;
    return TW_YIELDED;
}

/* --- overflow.c ------------------------------------------------------------------------- */

void twi_overflow_thread_begins(struct twi_coroutine_thread *thread);
void twi_overflow_thread_ends(struct twi_coroutine_thread *thread);

/* --- local.c ------------------------------------------------------------------------------ */

/* The values that a new task begins with: those of the running one. */
struct twi_locals *twi_locals_inherited(void);
void twi_locals_unref(struct twi_locals *locals);

/* --- for inline callbacks --------------------------------------------------------------- */

/* A coroutine whose owner is `task` (not NULL); public next, send, throw and close on it are
 * -EBUSY. NULL with errno. */
tw_coroutine *twi_coroutine_new(const char *where, tw_coroutine_body *body, void *arg,
                                const struct tw_coroutine_options *options, void *task);
/* From the thread's stack only: go on in `leaf`, which is fresh or parked. Returns when it
 * parks again or the body of its root has ended. True in the second case: the result (owned) is
 * then in *ret_value and the root is gone. */
static inline bool twi_coroutine_resume(tw_coroutine *leaf, tw_value *ret_value)
{
    struct twi_coroutine_thread *thread = twi_running.coroutines;

    TWI_CHECK_COROUTINE(leaf);
    if (TWI_UNLIKELY(leaf->state == TW_CREATED)) {
        leaf->state = TW_RUNNING;
        leaf->resumer = &thread->home;
    }
    twi_coroutine_enter(NULL, &thread->home, leaf, tw_none());
    return TWI_UNLIKELY(thread->finished != NULL) && twi_coroutine_finish(ret_value);
}
/* Under a task: stop the running coroutine and those that resumed it, all at once, back to the
 * thread's stack; returns when the same coroutine is given to twi_coroutine_resume(). */
static inline void twi_coroutine_park(void)
{
    twi_switch_to(twi_running.coroutine, &twi_running.coroutines->home, tw_none());
}
/* Does a coroutine's stack run? */
static inline bool twi_coroutine_inside(void)
{
    return twi_running.coroutine != NULL;
}
/* The task at the root of the running coroutine; NULL when there is none. */
static inline void *twi_coroutine_task(void)
{
    return twi_running.coroutine != NULL ? twi_running.coroutine->task : NULL;
}
/* Destroy the root of a task: one that was not started never runs, and its argument is
 * released; the stack of a parked one is taken away. Reporting that is the caller's affair. */
void twi_coroutine_discard(tw_coroutine *root);

#endif
