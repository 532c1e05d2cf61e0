/* SPDX-License-Identifier: MIT */
/*
 * coroutine.h - functions that stop in the middle and go on later; generators.
 *
 * A coroutine has a stack of its own, so that it may stop at any depth of calls. The caller
 * that resumes it gets control back when it yields or returns. The rules are those of Python's
 * generators: send, throw, close and `yield from`. Inline callbacks (inline_callbacks.h) are
 * built on coroutines. A coroutine belongs to one thread and never changes threads.
 *
 *     static tw_value count_to_three(void *arg)
 *     {
 *         for (int i = 0; i < 3; i++)
 *             if (tw_is_failure(tw_yield(tw_integer(i))))
 *                 break;                              // closed, or thrown into
 *         return tw_none();
 *     }
 *     ...
 *     tw_coroutine *numbers = tw_coroutine_new(count_to_three, NULL);
 *     while (tw_coroutine_next(numbers, &value) == TW_YIELDED)
 *         printf("%d\n", (int)tw_integer_of(value));
 *     tw_coroutine_free(numbers);
 */
#ifndef TWEED_COROUTINE_H
#define TWEED_COROUTINE_H

#include <tweed/value.h>

TW_BEGIN

typedef struct tw_coroutine tw_coroutine;

/* The function that a coroutine runs, on its own stack. The value or failure that it returns is
 * taken. */
typedef tw_value tw_coroutine_body(void *arg);

struct tw_coroutine_options {
    size_t stack_size;      /* bytes, rounded up to pages; 0: 64 KiB; at least 16 KiB */
    const char *name;       /* lent, static; for reports; NULL: where it was made */
    tw_release_fn *release; /* called with arg once: body ended, or none could be made */
};

/* Make a coroutine; it starts with the first next or send. Returns NULL with errno ENOMEM, or
 * EINVAL (a stack too small, no body). options may be NULL. */
#define tw_coroutine_new(body, arg) tw_coroutine_new_at(TW_HERE, (body), (arg), NULL)
#define tw_coroutine_new_with(body, arg, options) \
    tw_coroutine_new_at(TW_HERE, (body), (arg), (options))
TW_API TW_MUST_USE tw_coroutine *tw_coroutine_new_at(
    const char *where, tw_coroutine_body *body, void *arg,
    const struct tw_coroutine_options *options);
/* Close the coroutine if it is suspended, then free it. A body that goes on yielding is closed
 * again, up to 100 times; then its stack is taken away, and a critical event says so in the
 * log. A coroutine that frees itself is freed when its body returns. NULL does nothing. */
TW_API void tw_coroutine_free(tw_coroutine *coroutine);

/* The outcome of resuming a coroutine. */
enum tw_coroutine_status {
    TW_RETURNED = 0, /* *ret_value is the body's result; a failure if it raised one */
    TW_YIELDED = 1   /* *ret_value is the value that it yielded */
};

/*
 * Resume. Inside the body tw_yield() returns none after next, `value` (taken) after send, and
 * `failure` (taken) after throw.
 *
 * *ret_value is lent until the next resume or free; ret_value may be NULL. Each returns TW_YIELDED,
 * TW_RETURNED, or for a misuse a negative errno, with *ret_value a failure of tw_error_misuse that
 * names it:
 *   -EBUSY     it is running (or waits for one that it resumed, or awaits)
 *   -EALREADY  it has ended; a throw then is TW_RETURNED with that same failure, as in Python
 *   -EINVAL    the first send is not none; a throw of a value that is no failure; NULL
 * A throw before the start ends it at once: the body never runs.
 */
TW_API int tw_coroutine_next(tw_coroutine *coroutine, tw_value *ret_value);
TW_API int tw_coroutine_send(tw_coroutine *coroutine, tw_value value, tw_value *ret_value);
TW_API int tw_coroutine_throw(tw_coroutine *coroutine, tw_value failure, tw_value *ret_value);
/*
 * Throw tw_error_closed at the body's yield, so that it cleans up. Returns TW_RETURNED when the
 * body has ended, with *ret_value none, or the failure that it returned if that is not
 * tw_error_closed; TW_YIELDED when it ignored the close and yielded, with *ret_value a failure
 * of tw_error_misuse: it is suspended at that yield. A coroutine that has not started or has
 * ended is ended at once. -EBUSY as above.
 */
TW_API int tw_coroutine_close(tw_coroutine *coroutine, tw_value *ret_value);

/* --- inside a body ------------------------------------------------------------------------ */

/* Hand `value` (taken) to the caller that resumed this coroutine, and stop. Returns the value
 * sent or the failure thrown by the next resume, lent until the next yield. Where nobody could
 * receive the value (outside of coroutines, or in a body of inline callbacks) it returns a
 * failure of tw_error_misuse at once. */
TW_API tw_value tw_yield(tw_value value);
/* Python's `yield from`: until `inner` returns, its yields go to the caller that resumed this
 * coroutine, and sends, throws and closes go to inner. Returns the result of inner, lent until
 * inner is freed; a failure of tw_error_misuse if inner has ended or is running. */
TW_API tw_value tw_yield_from(tw_coroutine *inner);
/* The running one; NULL outside. */
TW_API tw_coroutine *tw_coroutine_current(void);
/* Run fn(arg) on the thread's own stack, then come back: for calls that may need more stack than
 * a coroutine has, such as regular expressions, XPath, a compiler. Outside of coroutines it is a
 * plain call. Inside fn no coroutine runs: tw_yield() and tw_await() are misuse there. */
TW_API void tw_call_home(void (*fn)(void *arg), void *arg);

/* --- looking inside ----------------------------------------------------------------------- */

enum tw_coroutine_state { TW_CREATED, TW_RUNNING, TW_SUSPENDED, TW_ENDED };
TW_API enum tw_coroutine_state tw_coroutine_state(const tw_coroutine *coroutine);
/* Its name, or where it was made, "file:line". */
TW_API const char *tw_coroutine_name(const tw_coroutine *coroutine);
/* Bytes of its stack: all, and the most that was ever in use (its high-water mark). Stacks are
 * used again: the mark counts earlier coroutines on the same stack too, except in builds with
 * --enable-debug. */
TW_API size_t tw_coroutine_stack_size(const tw_coroutine *coroutine);
TW_API size_t tw_coroutine_stack_used(const tw_coroutine *coroutine);
/* The calling thread's coroutines that have not ended. */
TW_API size_t tw_coroutine_count(void);
/* How stacks are guarded here: "guard" (MADV_GUARD_INSTALL), "mprotect" or "canary". */
TW_API const char *tw_coroutine_guard(void);
/*
 * Name the coroutine that overruns its stack. Without this call it hits the guard below the
 * stack, and the process dies of SIGSEGV with no word; where the guard is a canary, the next
 * switch finds the overrun, logs it as critical and aborts. After this call one line is written
 * to `fd`, with the stack's size and the place where the coroutine was made, before the
 * signal's default action. Installs process-wide handlers of SIGSEGV and SIGBUS, and alternate
 * signal stacks for the calling thread and for threads that make coroutines later. Returns 0,
 * -EBADF, -ENOMEM.
 */
TW_API int tw_coroutine_report_overflow(int fd);

TW_END
#endif
