/* SPDX-License-Identifier: MIT */
/*
 * coroutine.h - functions that stop in the middle and go on later; generators.
 *
 * A coroutine has a stack of its own, so that it may stop at any depth of calls. Whoever resumes
 * it gets control back when it yields or returns. The rules are those of Python's generators:
 * send, throw, close and `yield from`. On top of it stand inline callbacks (inline_callbacks.h).
 * One thread's, like all here: a coroutine never changes threads.
 *
 *     static tw_value count(void *arg)
 *     {
 *         for (int i = 0; i < 3; i++)
 *             if (tw_is_failure(tw_yield(tw_integer(i))))
 *                 break;                              // closed, or thrown into
 *         return tw_none();
 *     }
 *     ... tw_coroutine *numbers = tw_coroutine_new(count, NULL);
 *     while (tw_coroutine_next(numbers, &value) == TW_YIELDED)
 *         printf("%d\n", (int)tw_integer_of(value));
 *     tw_coroutine_free(numbers);
 */
#ifndef TWEED_COROUTINE_H
#define TWEED_COROUTINE_H

#include <tweed/value.h>

TW_BEGIN

typedef struct tw_coroutine tw_coroutine;

/* What a coroutine runs, on its own stack. What it returns is given: a value, or a failure. */
typedef tw_value tw_coroutine_body(void *arg);

struct tw_coroutine_options {
    size_t stack_size;      /* bytes, rounded up to pages; 0: 64 KiB; at least 16 KiB */
    const char *name;       /* lent, static; for reports; NULL: where it was made */
    tw_release_fn *release; /* called with arg once: body ended, or none could be made */
};

/* Makes one; it starts with the first next or send. NULL with errno ENOMEM, or EINVAL (a stack
 * too small, no body). options may be NULL. */
#define tw_coroutine_new(body, arg) tw_coroutine_new_at(TW_HERE, (body), (arg), NULL)
#define tw_coroutine_new_with(body, arg, options) \
    tw_coroutine_new_at(TW_HERE, (body), (arg), (options))
TW_API tw_coroutine *tw_coroutine_new_at(const char *where, tw_coroutine_body *body, void *arg,
                                         const struct tw_coroutine_options *options);
/* Closes it if it is suspended, then lets it go. A body that goes on yielding is closed again, up
 * to 100 times; then its stack is taken away and that is reported to the log, as critical. Inside
 * itself: it is freed when its body returns. NULL does nothing. */
TW_API void tw_coroutine_free(tw_coroutine *coroutine);

/* What resuming gave. */
enum tw_coroutine_status {
    TW_RETURNED = 0, /* *ret_value is what the body returned; a failure: it raised */
    TW_YIELDED = 1   /* *ret_value is what it yielded */
};

/*
 * Resume: with none; with `value` (taken) as what tw_yield() gives; with `failure` (taken) there.
 *
 * *ret_value is lent until the next resume or free; ret_value may be NULL. Each returns TW_YIELDED,
 * TW_RETURNED, or for a misuse a negative errno, with *ret_value a failure of tw_error_misuse that
 * names it:
 *   -EBUSY     it is running (or waits for one that it resumed, or awaits)
 *   -EALREADY  it has ended; a throw then is TW_RETURNED with that same failure, as in Python
 *   -EINVAL    something else than none is sent before the start; throws what is no failure; NULL
 * A throw before the start ends it at once: the body never runs.
 */
TW_API int tw_coroutine_next(tw_coroutine *coroutine, tw_value *ret_value);
TW_API int tw_coroutine_send(tw_coroutine *coroutine, tw_value value, tw_value *ret_value);
TW_API int tw_coroutine_throw(tw_coroutine *coroutine, tw_value failure, tw_value *ret_value);
/*
 * Throw tw_error_closed where it stands, so that it cleans up. TW_RETURNED when the body has
 * ended, with *ret_value none; a failure other than tw_error_closed when it raised that. TW_YIELDED
 * when it ignored the close and yielded, with *ret_value a failure of tw_error_misuse: it stands at
 * that yield. Not started or ended: ends at once. -EBUSY as above.
 */
TW_API int tw_coroutine_close(tw_coroutine *coroutine, tw_value *ret_value);

/* --- inside a body ------------------------------------------------------------------------ */

/* Hand `value` (taken) to whoever resumed this coroutine, and stop. Gives what is sent, or the
 * failure that is thrown: lent until the next yield. Where nobody listens (outside, or in a body
 * of inline callbacks) it gives a failure of tw_error_misuse at once. */
TW_API tw_value tw_yield(tw_value value);
/* Python's `yield from`: until `inner` returns, what it yields goes to whoever resumed this one,
 * and sends, throws and closes go to inner. Gives what inner returned, lent until inner is freed.
 * An inner one that has ended, or runs, gives a failure of tw_error_misuse. */
TW_API tw_value tw_yield_from(tw_coroutine *inner);
/* The running one; NULL outside. */
TW_API tw_coroutine *tw_coroutine_current(void);

/* --- looking inside ----------------------------------------------------------------------- */

enum tw_coroutine_state { TW_CREATED, TW_RUNNING, TW_SUSPENDED, TW_ENDED };
TW_API enum tw_coroutine_state tw_coroutine_state(const tw_coroutine *coroutine);
/* Its name, or where it was made, "file:line". */
TW_API const char *tw_coroutine_name(const tw_coroutine *coroutine);
/* Bytes of its stack: all, and the most that was ever in use (its high-water mark). Stacks are
 * used again: but in builds with --enable-debug that counts earlier coroutines on it, too. */
TW_API size_t tw_coroutine_stack_size(const tw_coroutine *coroutine);
TW_API size_t tw_coroutine_stack_used(const tw_coroutine *coroutine);
/* The calling thread's coroutines that have not ended. */
TW_API size_t tw_coroutine_count(void);
/* How stacks are guarded here: "guard" (MADV_GUARD_INSTALL), "mprotect" or "canary". */
TW_API const char *tw_coroutine_guard(void);
/*
 * What overruns its stack runs into the guard below and dies of SIGSEGV; with a canary it is found
 * at the next switch, named to the log as critical, and aborted. Once this is called, the first is
 * named too: with one line to `fd`, size and place of making included, before what was to happen
 * happens. Installs process-wide handlers of SIGSEGV and SIGBUS, and alternate signal stacks for
 * the calling thread and those that make coroutines later. 0, -EBADF, -ENOMEM.
 */
TW_API int tw_coroutine_report_overflow(int fd);

TW_END
#endif
