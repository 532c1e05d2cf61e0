/* SPDX-License-Identifier: MIT */
/*
 * generator.c - next, send, throw, close, yield and yield from, by Python's rules (PEP 342, 380).
 *
 * The coroutine keeps a value sent until its next yield, and a value yielded until its next
 * resume; meanwhile each is lent to the other side.
 */
#include "defer/coroutine/coroutine.h"

#include <errno.h>

#include <tweed/failure.h>
#include <tweed/log.h>

#include "base/failure.h"

enum { MOST_CLOSES = 100 };

tw_coroutine *tw_coroutine_new_at(const char *where, tw_coroutine_body *body, void *arg,
                                  const struct tw_coroutine_options *options)
{
    if (body == NULL) {
        if (options != NULL && options->release != NULL)
            options->release(arg);
        errno = EINVAL;
        return NULL;
    }
    return twi_coroutine_new(where, body, arg, options, NULL);
}

/* --- resuming --------------------------------------------------------------------------- */

static int generator_answer(int status, tw_value value, tw_value *ret_value)
{
    if (ret_value != NULL)
        *ret_value = value;
    return status;
}

/* A failure about a misuse; the coroutine keeps it. */
static int complain(tw_coroutine *coroutine, int error, const char *what, tw_value *ret_value)
{
    tw_value old = coroutine->complaint;

    coroutine->complaint = tw_fail(&tw_error_misuse, "coroutine %s (made at %s) %s",
                                   twi_coroutine_name(coroutine), coroutine->where, what);
    tw_release(old);
    return generator_answer(error, tw_lend(coroutine->complaint), ret_value);
}

/* The error of a coroutine that stands neither at its start nor at a yield. */
static int generator_refuse(tw_coroutine *coroutine, tw_value *ret_value)
{
    if (coroutine->state == TW_ENDED)
        return complain(coroutine, -EALREADY, "has ended", ret_value);
    return complain(coroutine, -EBUSY,
                    coroutine->rooted ? "belongs to inline callbacks" : "is running already",
                    ret_value);
}

static inline bool stands(const tw_coroutine *coroutine)
{
    return coroutine->state == TW_SUSPENDED ||
           (coroutine->state == TW_CREATED && !coroutine->rooted);
}

static TWI_APART TWI_LEAVE_BY_JUMP int generator_start(tw_coroutine *coroutine, tw_value value,
                                                       tw_value *ret_value)
{
    int r;

    if (coroutine == NULL)
        r = generator_answer(-EINVAL, tw_lend(twi_fail_no_coroutine()), ret_value);
    else if (!stands(coroutine))
        r = generator_refuse(coroutine, ret_value);
    else if (!tw_is_none(value))
        r = complain(coroutine, -EINVAL, "has not started: nothing but none can be sent",
                     ret_value);
    else
        return twi_coroutine_go(coroutine, tw_none(), ret_value);
    tw_release(value);
    return r;
}

TWI_LEAVE_BY_JUMP int tw_coroutine_send(tw_coroutine *coroutine, tw_value value,
                                        tw_value *ret_value)
{
    if (coroutine != NULL)
        TWI_CHECK_COROUTINE(coroutine);
    if (TWI_LIKELY(coroutine != NULL && coroutine->state == TW_SUSPENDED))
        return twi_coroutine_go(coroutine, tw_take(value), ret_value);
    return generator_start(coroutine, value, ret_value);
}

TWI_LEAVE_BY_JUMP int tw_coroutine_next(tw_coroutine *coroutine, tw_value *ret_value)
{
    if (coroutine != NULL)
        TWI_CHECK_COROUTINE(coroutine);
    if (TWI_LIKELY(coroutine != NULL && coroutine->state == TW_SUSPENDED))
        return twi_coroutine_go(coroutine, tw_none(), ret_value);
    return generator_start(coroutine, tw_none(), ret_value);
}

TWI_LEAVE_BY_JUMP int tw_coroutine_throw(tw_coroutine *coroutine, tw_value failure,
                                         tw_value *ret_value)
{
    int r;

    if (coroutine == NULL) {
        tw_release(failure);
        return generator_answer(-EINVAL, tw_lend(twi_fail_no_coroutine()), ret_value);
    }
    TWI_CHECK_COROUTINE(coroutine);
    if (!tw_is_failure(failure)) {
        r = complain(coroutine, -EINVAL, "is thrown what is no failure", ret_value);
    } else if (coroutine->state == TW_SUSPENDED) {
        return twi_coroutine_go(coroutine, tw_take(failure), ret_value);
    } else if (coroutine->state == TW_ENDED) {
        tw_value old = coroutine->complaint;
        coroutine->complaint = tw_take(failure);
        tw_release(old);
        return generator_answer(TW_RETURNED, tw_lend(coroutine->complaint), ret_value);
    } else if (stands(coroutine)) {
        twi_coroutine_end(coroutine, tw_take(failure));
        return generator_answer(TW_RETURNED, tw_lend(coroutine->out), ret_value);
    } else {
        r = generator_refuse(coroutine, ret_value);
    }
    tw_release(failure);
    return r;
}

/* --- closing ---------------------------------------------------------------------------- */

TWI_LEAVE_BY_JUMP int tw_coroutine_close(tw_coroutine *coroutine, tw_value *ret_value)
{
    tw_value value;
    int status;

    if (coroutine == NULL)
        return generator_answer(-EINVAL, tw_lend(twi_fail_no_coroutine()), ret_value);
    TWI_CHECK_COROUTINE(coroutine);
    if (coroutine->state == TW_ENDED)
        return generator_answer(TW_RETURNED, tw_none(), ret_value);
    if (!stands(coroutine))
        return generator_refuse(coroutine, ret_value);
    if (coroutine->state == TW_CREATED) {
        twi_coroutine_end(coroutine, tw_none());
        return generator_answer(TW_RETURNED, tw_none(), ret_value);
    }
    status = twi_coroutine_go(coroutine, twi_fail_closed(), &value);
    if (status == TW_YIELDED) {
        complain(coroutine, 0, "ignored that it was closed", ret_value);
        return TW_YIELDED;
    }
    if (!tw_is_failure(value) || tw_failure_is(value, &tw_error_closed))
        value = tw_none();
    return generator_answer(TW_RETURNED, value, ret_value);
}

/* Close it until it has ended, or has ignored that too often. */
static void close_at_last(tw_coroutine *coroutine)
{
    tw_value value = tw_none();
    int status = TW_YIELDED;

    for (int i = 0; i < MOST_CLOSES && status == TW_YIELDED; i++)
        status = tw_coroutine_close(coroutine, &value);
    if (status == TW_YIELDED) {
        tw_log(TW_LOG_CRITICAL, "coroutine",
               "coroutine %s (made at %s) ignored %d closes: its stack is taken away",
               twi_coroutine_name(coroutine), coroutine->where, MOST_CLOSES);
        twi_coroutine_end(coroutine, tw_none());
    } else if (tw_is_failure(value)) {
        tw_log_problem(TW_LOG_CRITICAL, "coroutine", value,
                       "unhandled failure of a coroutine that was freed");
    }
}

void tw_coroutine_free(tw_coroutine *coroutine)
{
    if (coroutine == NULL)
        return;
    TWI_CHECK_COROUTINE(coroutine);
    if (coroutine->freeing)
        return;
    if (coroutine->state != TW_ENDED && !stands(coroutine)) {
        coroutine->doomed = coroutine->deaf = true;
        return;
    }
    coroutine->freeing = true;
    if (coroutine->state != TW_ENDED)
        close_at_last(coroutine);
    twi_coroutine_destroy(coroutine);
}

/* --- inside a body ---------------------------------------------------------------------- */

static TWI_APART tw_value nobody_listens(tw_coroutine *running, tw_value value)
{
    tw_release(value);
    return tw_lend(running != NULL && running->doomed ? twi_fail_closed()
                                                      : twi_fail_nobody_listens());
}

TWI_LEAVE_BY_JUMP tw_value tw_yield(tw_value value)
{
    tw_coroutine *running = twi_running.coroutine;
    tw_value sent;

    if (TWI_UNLIKELY(running == NULL || running->deaf))
        return nobody_listens(running, value);
    running->out = tw_take(value);
    sent = running->in;
    running->in.type = 0;
    tw_release(sent);
    running->state = TW_SUSPENDED;
    return twi_switch_to(running, running->resumer, tw_lend(running->out));
}

/* A close goes to the inner coroutine first; a failure that it raises takes the place of the
 * close. */
static int generator_pass_on(tw_coroutine *inner, tw_value sent, tw_value *ret_value)
{
    int status;

    if (!tw_is_failure(sent))
        return tw_coroutine_send(inner, sent, ret_value);
    if (!tw_failure_is(sent, &tw_error_closed))
        return tw_coroutine_throw(inner, sent, ret_value);
    status = tw_coroutine_close(inner, ret_value);
    if (status == TW_RETURNED && tw_is_none(*ret_value))
        *ret_value = sent;
    return status == TW_YIELDED ? TW_RETURNED : status;
}

tw_value tw_yield_from(tw_coroutine *inner)
{
    tw_value value;
    int status = tw_coroutine_next(inner, &value);

    while (status == TW_YIELDED)
        status = generator_pass_on(inner, tw_yield(value), &value);
    return value;
}
