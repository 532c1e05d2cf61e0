/* SPDX-License-Identifier: MIT */
/*
 * coroutine.c - stacks that take turns: making, switching, ending.
 *
 * The hard part is on which stack code runs. The thread's own stack takes part as a coroutine
 * called home, which is never resumed: a switch comes back to it by a yield of the coroutine
 * that it resumed, by a park, or for a call that must run there. Such a call may resume others,
 * so home may have left several times; a switch always comes back to the last place, and home
 * writes its context anew before it leaves again.
 */
#include "defer/coroutine/coroutine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/failure.h>
#include <tweed/log.h>

#include "base/alloc.h"
#include "base/failure.h"
#include "base/thread_end.h"

enum {
    STACK_SIZE = 64 * 1024,
    LEAST_STACK = 16 * 1024,
    COLOURS = 16, /* tops of stacks start at different cache sets */
    LINE = 64
};
#define MAGIC UINT32_C(0x436f726f)

/* Sanitizers make frames several times as large. */
#if TWI_ASAN || TWI_TSAN
enum { STACK_FACTOR = 4 };
#else
enum { STACK_FACTOR = 1 };
#endif

TWI_QUICK_TLS struct twi_running twi_running;

/* Of the C++ run time: there when the program, or a library of it, is in C++. */
extern struct twi_cxx_globals *__cxa_get_globals(void) __attribute__((weak));

/* --- misuse ----------------------------------------------------------------------------- */

#if TWI_DEBUG
void twi_coroutine_check(const tw_coroutine *coroutine, const char *function)
{
    const char *what;

    if (coroutine->magic != MAGIC)
        what = "is given a coroutine that is freed";
    else if (coroutine->owner != &twi_running)
        what = "is given a coroutine of another thread";
    else
        return;
    tw_log(TW_LOG_CRITICAL, "coroutine", "%s() %s", function, what);
    abort();
}
#endif

static TWI_APART void overran(const tw_coroutine *coroutine)
{
    tw_log(TW_LOG_CRITICAL, "coroutine",
           "coroutine %s (made at %s) has overrun its stack of %zu bytes; the program ends",
           twi_coroutine_name(coroutine), coroutine->where,
           (size_t)(coroutine->stack->top - coroutine->stack->low));
    abort();
}

/* --- switching -------------------------------------------------------------------------- */

static TWI_APART void exchange_cxx(tw_coroutine *from, tw_coroutine *to)
{
    struct twi_cxx_globals *globals = twi_running.cxx;

    from->cxx = *globals;
    *globals = to->cxx;
}

/* Right after a switch has come to `here`. */
static inline void coroutine_arrived(tw_coroutine *here, bool first)
{
#if TWI_ASAN
    tw_coroutine *previous = twi_running.coroutines->previous;
    __sanitizer_finish_switch_fiber(first ? NULL : here->fake, &previous->bottom,
                                    &previous->size);
#else
    (void)here;
    (void)first;
#endif
}

TWI_LEAVE_BY_JUMP tw_value twi_switch_carefully(tw_coroutine *from, tw_coroutine *to,
                                                tw_value value)
{
    if (from->stack != NULL && twi_stack_overrun(from->stack, false))
        overran(from);
    if (twi_running.cxx != NULL)
        exchange_cxx(from, to);
#if TWI_ASAN
    twi_running.coroutines->previous = from;
    __sanitizer_start_switch_fiber(from->state == TW_ENDED ? NULL : &from->fake, to->bottom,
                                   to->size);
#endif
#if TWI_TSAN
    if (from == &twi_running.coroutines->home)
        from->fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    value = twi_switch(&from->context, &to->context, value);
    coroutine_arrived(from, false);
    return value;
}

/* The called function may resume other coroutines, and then comes through here again. */
TWI_LEAVE_BY_JUMP tw_value twi_coroutine_serve(tw_value value)
{
    struct twi_coroutine_thread *thread = twi_running.coroutines;

    while (thread->call != NULL) {
        void (*call)(void *arg) = thread->call;
        tw_coroutine *caller = thread->caller;
        thread->call = NULL;
        call(thread->call_arg);
        value = twi_coroutine_leave(NULL, &thread->home, caller, tw_none());
    }
    return value;
}

/* A coroutine that was freed inside itself is destroyed now; its result is kept, as the caller
 * may still look at it. */
TWI_LEAVE_BY_JUMP int twi_coroutine_returned(tw_coroutine *coroutine, tw_value *ret_value)
{
    tw_value *kept = &coroutine->out;

    if (coroutine->doomed) {
        kept = &twi_running.coroutines->kept;
        twi_drop(kept);
        *kept = coroutine->out;
        coroutine->out = tw_none();
    }
    if (ret_value != NULL)
        *ret_value = tw_lend(*kept);
    if (coroutine->doomed)
        twi_coroutine_destroy(coroutine);
    return TW_RETURNED;
}

/* --- starting and ending ---------------------------------------------------------------- */

void twi_coroutine_end(tw_coroutine *coroutine, tw_value result)
{
    tw_release_fn *release = coroutine->release;
    tw_value old = coroutine->out;

    coroutine->out = result;
    tw_release(old);
    twi_drop(&coroutine->in);
    coroutine->release = NULL;
    if (release != NULL)
        release(coroutine->arg);
    coroutine->state = TW_ENDED;
    twi_list_remove(&coroutine->node);
    twi_running.coroutines->count--;
}

static void coroutine_main(void *arg)
{
    tw_coroutine *coroutine = arg;
    tw_value result;

    coroutine_arrived(coroutine, true);
    result = coroutine->body(coroutine->arg);
    twi_coroutine_end(coroutine, tw_take(result));
    if (coroutine->rooted)
        twi_running.coroutines->finished = coroutine;
    twi_switch_to(coroutine, coroutine->resumer, tw_none());
    __builtin_unreachable();
}

void twi_coroutine_destroy(tw_coroutine *coroutine)
{
    struct twi_stack *stack = coroutine->stack;

    if (TWI_UNLIKELY(stack->guard == TWI_GUARD_CANARY) && twi_stack_overrun(stack, true))
        overran(coroutine);
    twi_drop(&coroutine->in);
    twi_drop(&coroutine->out);
    twi_drop(&coroutine->complaint);
#if TWI_TSAN
    __tsan_destroy_fiber(coroutine->fiber);
#endif
#if TWI_DEBUG
    coroutine->magic = ~MAGIC;
#endif
    twi_stack_give_back(stack);
}

/* --- threads ---------------------------------------------------------------------------- */

/* Close this thread's remaining coroutines and log them. Bodies may still make and free
 * coroutines. */
static void close_living(struct twi_coroutine_thread *thread)
{
    while (!twi_list_empty(&thread->living)) {
        tw_coroutine *coroutine = TWI_CONTAINER(thread->living.next, tw_coroutine, node);
        tw_log(TW_LOG_CRITICAL, "coroutine",
               "coroutine %s (made at %s) is left when its thread ends",
               twi_coroutine_name(coroutine), coroutine->where);
        if (coroutine->rooted || coroutine->state == TW_RUNNING)
            twi_coroutine_discard(coroutine);
        else
            tw_coroutine_free(coroutine);
    }
}

static void coroutines_release(void)
{
    struct twi_coroutine_thread *thread = twi_running.coroutines;
    struct twi_locals *locals;

    close_living(thread);
    twi_drop(&thread->kept);
    locals = thread->locals;
    thread->locals = NULL;
    twi_locals_unref(locals);
    twi_overflow_thread_ends(thread);
    twi_stacks_unmap(&thread->stacks);
    twi_running.coroutines = NULL; /* another stage may make one */
    twi_thread_block_free(thread);
}

static TWI_APART bool begin_thread(void)
{
    struct twi_coroutine_thread *thread = twi_thread_block_new(sizeof *thread);

    if (thread == NULL) {
        errno = ENOMEM;
        return false;
    }
    twi_thread_end_call(&thread->end, TWI_THREAD_COROUTINES, coroutines_release);
    twi_list_init(&thread->living);
    thread->home.state = TW_RUNNING;
    if (__cxa_get_globals != NULL)
        twi_running.cxx = __cxa_get_globals();
    thread->home.careful = twi_running.cxx != NULL;
    twi_overflow_thread_begins(thread);
    twi_running.coroutines = thread;
    return true;
}

struct twi_coroutine_thread *twi_coroutine_this_thread(void)
{
    if (twi_running.coroutines == NULL)
        begin_thread();
    return twi_running.coroutines;
}

/* --- making ----------------------------------------------------------------------------- */

static void coroutine_fill(tw_coroutine *coroutine, const struct tw_coroutine_options *options)
{
    coroutine->in.type = coroutine->out.type = coroutine->complaint.type = 0; /* none */
    coroutine->resumer = NULL;
    coroutine->state = TW_CREATED;
    coroutine->deaf = coroutine->doomed = coroutine->freeing = false;
    coroutine->careful = coroutine->stack->guard == TWI_GUARD_CANARY ||
                         twi_running.cxx != NULL;
    coroutine->cxx.caught = NULL;
    coroutine->cxx.uncaught = 0;
    coroutine->release = options != NULL ? options->release : NULL;
    coroutine->name = options != NULL ? options->name : NULL;
#if TWI_ASAN
    coroutine->fake = NULL;
    coroutine->bottom = coroutine->stack->low;
    coroutine->size = (size_t)(coroutine->stack->top - coroutine->stack->low);
#endif
#if TWI_TSAN
    coroutine->fiber = __tsan_create_fiber(0);
#endif
#if TWI_DEBUG
    coroutine->magic = MAGIC;
    coroutine->owner = &twi_running;
#endif
}

/* The control block at the top of a new stack; NULL with errno. */
static inline tw_coroutine *coroutine_make(const struct tw_coroutine_options *options)
{
    size_t size = options != NULL && options->stack_size > 0 ? options->stack_size
                                                             : STACK_SIZE;
    struct twi_stack *stack;
    tw_coroutine *coroutine;

    if (size < LEAST_STACK) {
        errno = EINVAL;
        return NULL;
    }
    stack = size > SIZE_MAX / 8
                ? NULL
                : twi_stack_take(&twi_running.coroutines->stacks, size * STACK_FACTOR);
    if (stack == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    coroutine = (tw_coroutine *)(void *)(stack->top - sizeof *coroutine -
                                         stack->number % COLOURS * LINE);
    coroutine->stack = stack;
    coroutine_fill(coroutine, options);
    twi_context_make(&coroutine->context, stack->low, coroutine, coroutine_main, coroutine);
    return coroutine;
}

tw_coroutine *twi_coroutine_new(const char *where, tw_coroutine_body *body, void *arg,
                                const struct tw_coroutine_options *options, void *task)
{
    tw_coroutine *coroutine = NULL;

    if (TWI_LIKELY(twi_running.coroutines != NULL) || begin_thread())
        coroutine = coroutine_make(options);
    if (coroutine == NULL) {
        int error = errno;
        if (options != NULL && options->release != NULL)
            options->release(arg);
        errno = error;
        return NULL;
    }
    coroutine->where = where;
    coroutine->body = body;
    coroutine->arg = arg;
    coroutine->task = task;
    coroutine->rooted = coroutine->deaf = task != NULL;
    twi_list_append(&twi_running.coroutines->living, &coroutine->node);
    twi_running.coroutines->count++;
    return coroutine;
}

/* --- for inline callbacks --------------------------------------------------------------- */

bool twi_coroutine_finish(tw_value *ret_value)
{
    struct twi_coroutine_thread *thread = twi_running.coroutines;
    tw_coroutine *finished = thread->finished;

    thread->finished = NULL;
    *ret_value = finished->out;
    finished->out = tw_none();
    twi_coroutine_destroy(finished);
    return true;
}

TWI_LEAVE_BY_JUMP void twi_coroutine_call_out(void (*fn)(void *arg), void *arg)
{
    struct twi_coroutine_thread *thread = twi_running.coroutines;

    if (twi_running.coroutine == NULL) {
        fn(arg);
        return;
    }
    thread->call = fn;
    thread->call_arg = arg;
    thread->caller = twi_running.coroutine;
    twi_switch_to(twi_running.coroutine, &thread->home, tw_none());
}

void tw_call_home(void (*fn)(void *arg), void *arg)
{
    twi_coroutine_call_out(fn, arg);
}

void twi_coroutine_discard(tw_coroutine *root)
{
    twi_coroutine_end(root, tw_none());
    twi_coroutine_destroy(root);
}

/* --- looking inside --------------------------------------------------------------------- */

tw_coroutine *tw_coroutine_current(void)
{
    return twi_running.coroutine;
}

enum tw_coroutine_state tw_coroutine_state(const tw_coroutine *coroutine)
{
    if (coroutine == NULL)
        return TW_ENDED;
    TWI_CHECK_COROUTINE(coroutine);
    return coroutine->state;
}

const char *tw_coroutine_name(const tw_coroutine *coroutine)
{
    if (coroutine == NULL)
        return "";
    TWI_CHECK_COROUTINE(coroutine);
    return twi_coroutine_name(coroutine);
}

size_t tw_coroutine_stack_size(const tw_coroutine *coroutine)
{
    if (coroutine == NULL)
        return 0;
    TWI_CHECK_COROUTINE(coroutine);
    return (size_t)(coroutine->stack->top - coroutine->stack->low);
}

size_t tw_coroutine_stack_used(const tw_coroutine *coroutine)
{
    if (coroutine == NULL)
        return 0;
    TWI_CHECK_COROUTINE(coroutine);
    return twi_stack_used(coroutine->stack);
}

size_t tw_coroutine_count(void)
{
    return twi_running.coroutines != NULL ? twi_running.coroutines->count : 0;
}

const char *tw_coroutine_guard(void)
{
    static const char *const names[] = {
        [TWI_GUARD_UNKNOWN] = "canary",
        [TWI_GUARD_MARKER] = "guard",
        [TWI_GUARD_MPROTECT] = "mprotect",
        [TWI_GUARD_CANARY] = "canary",
    };
    return names[twi_stack_guard()];
}
