/* SPDX-License-Identifier: MIT */
/*
 * condition.c - wait, holding a lock, until somebody changes what the lock guards.
 *
 *   tw_condition_wait --> in the condition's line --notify, cancel, free--> in the lock's line
 *                              ^                                                  |
 *                              +-- its predicate is still false <-- has the lock--+--> fires
 *
 * A wait always ends holding the lock, so that its owner may release the lock in any case: a
 * cancelled wait, too, lines up for the lock first.
 */
#include <errno.h>

#include "defer/coroutine/coroutine.h"
#include "defer/sync/semaphore.h"

/* References: of its owner and of each wait. It holds one of its lock. */
struct tw_condition {
    tw_semaphore *lock;
    struct twi_waiters waiting;
    unsigned references;
    bool gone;
};

struct wait {
    struct twi_waiter waiter; /* first; its owner is the lock's */
    tw_condition *condition;
    tw_value outcome; /* a failure, once there is one */
    size_t depth;
    tw_predicate *is_true;
    void *arg;
    bool notified; /* by a notification for one wait only */
};

static struct twi_slab pool = TWI_SLAB(struct wait);

static void condition_unref(tw_condition *condition)
{
    if (--condition->references > 0)
        return;
    twi_semaphore_unref(condition->lock);
    twi_free(condition);
}

tw_condition *tw_condition_new(tw_lock *lock)
{
    tw_condition *condition;

    if (lock == NULL) {
        errno = EINVAL;
        return NULL;
    }
    condition = twi_malloc(sizeof *condition);
    if (condition == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    condition->lock = twi_semaphore_of(lock);
    condition->lock->references++;
    condition->references = 1;
    condition->gone = false;
    twi_waiters_init(&condition->waiting);
    return condition;
}

/* --- the end of a wait ------------------------------------------------------------------ */

static tw_deferred *wait_free(struct wait *wait)
{
    tw_condition *condition = wait->condition;
    tw_deferred *turn = wait->waiter.turn;

    twi_slab_free(&pool, wait);
    condition_unref(condition);
    return turn;
}

static void wait_finish(struct wait *wait, tw_value result)
{
    tw_deferred *turn = wait_free(wait);

    tw_fire_at(turn->where, &turn, result);
}

static void wait_fail(struct wait *wait, tw_value failure)
{
    if (tw_is_none(wait->outcome))
        wait->outcome = tw_take(failure);
    else
        tw_release(failure);
}

struct question {
    tw_predicate *is_true;
    void *arg;
    bool answer;
};

static void put_question(void *arg)
{
    struct question *question = arg;

    question->answer = question->is_true(question->arg);
}

/* Users' functions run on the thread's stack, and may do anything. */
static bool predicate_ask(tw_predicate *is_true, void *arg)
{
    struct question question = { is_true, arg, true };

    if (is_true != NULL)
        twi_coroutine_call_out(put_question, &question);
    return question.answer;
}

/* The wait is in no line and about to get the lock. False: it goes on waiting, and the lock
 * goes to another. */
static bool has_lock(struct wait *wait)
{
    tw_condition *condition = wait->condition;
    tw_semaphore *lock = condition->lock;

    lock->owner = wait->waiter.owner;
    lock->depth = wait->depth;
    if (tw_is_none(wait->outcome) && !predicate_ask(wait->is_true, wait->arg)) {
        if (condition->gone || lock->gone)
            wait_fail(wait, tw_fail(&tw_error_abandoned, "the condition is gone"));
        if (tw_is_none(wait->outcome)) {
            wait->notified = false;
            twi_waiter_append(&condition->waiting, &wait->waiter);
            return false;
        }
    }
    wait_finish(wait, tw_is_none(wait->outcome) ? tw_pointer(condition) : wait->outcome);
    return true;
}

/* The wait is the first in the lock's line; or the lock is gone. */
static bool lock_served(struct twi_waiter *waiter, tw_value result)
{
    struct wait *wait = (struct wait *)waiter;

    twi_waiter_remove(waiter);
    if (!tw_is_failure(result))
        return has_lock(wait);
    tw_release(wait->outcome);
    wait_finish(wait, result);
    return true;
}

static void wait_line_up(struct wait *wait)
{
    tw_semaphore *lock = wait->condition->lock;

    if (lock->gone) {
        tw_release(wait->outcome);
        wait_finish(wait, tw_fail(&tw_error_abandoned, "the lock is gone"));
    } else if (lock->tokens == 0) {
        twi_waiter_append(&lock->waiting, &wait->waiter);
    } else {
        lock->tokens--;
        has_lock(wait);
    }
}

/* --- notify ----------------------------------------------------------------------------- */

static void notify_one(tw_condition *condition)
{
    struct twi_waiter *waiter = twi_waiters_first(&condition->waiting);

    if (waiter == NULL)
        return;
    ((struct wait *)waiter)->notified = true;
    twi_waiter_remove(waiter);
    wait_line_up((struct wait *)waiter);
}

int tw_condition_notify(tw_condition *condition, size_t count)
{
    if (condition == NULL)
        return -EINVAL;
    TWI_WAITERS_CHECK(&condition->waiting);
    if (condition->lock->tokens > 0)
        return -EPERM;
    for (; count > 0 && condition->waiting.count > 0; count--)
        notify_one(condition);
    return 0;
}

/* A cancelled wait does not pass on a notification for all: that was for the waits of its
 * moment. */
int tw_condition_notify_all(tw_condition *condition)
{
    if (condition == NULL)
        return -EINVAL;
    TWI_WAITERS_CHECK(&condition->waiting);
    if (condition->lock->tokens > 0)
        return -EPERM;
    while (condition->waiting.count > 0) {
        struct twi_waiter *waiter = twi_waiters_first(&condition->waiting);
        if (waiter == NULL)
            break;
        twi_waiter_remove(waiter);
        wait_line_up((struct wait *)waiter);
    }
    return 0;
}

/* --- wait ------------------------------------------------------------------------------- */

/* Drop a wait that nobody sees: nobody would release the lock that it would get. */
static void wait_drop(struct twi_waiter *waiter)
{
    struct wait *wait = (struct wait *)waiter;
    tw_condition *condition = wait->condition;
    bool pass_on = wait->notified;

    condition->references++;
    twi_waiter_remove(waiter);
    tw_release(wait->outcome);
    tw_deferred_unref(wait_free(wait));
    if (pass_on)
        notify_one(condition);
    condition_unref(condition);
}

static const struct twi_waiter_kind kind = { lock_served, wait_drop };

/* A cancelled wait lines up for the lock, if it does not already, and fails when it has it. */
static int wait_cancel(tw_deferred *turn, void *arg)
{
    struct wait *wait = arg;
    tw_condition *condition = wait->condition;
    bool pass_on = wait->notified;

    condition->references++;
    wait->notified = false;
    wait_fail(wait, tw_fail_at(turn->where, &tw_error_cancelled, "cancelled"));
    if (wait->waiter.line == &condition->waiting) {
        twi_waiter_remove(&wait->waiter);
        wait_line_up(wait);
    }
    if (pass_on)
        notify_one(condition);
    condition_unref(condition);
    return TW_CANCEL_LATER;
}

static bool may_wait(const tw_condition *condition, const void *owner)
{
    const tw_semaphore *lock = condition->lock;

    return lock->tokens == 0 && (!lock->reentrant || lock->owner == owner);
}

static tw_deferred *condition_join(const char *where, tw_condition *condition,
                                   tw_predicate *is_true, void *arg)
{
    struct wait *wait = twi_slab_alloc(&pool);
    tw_deferred *deferred = NULL;

    if (wait != NULL)
        deferred = tw_promise_at(where, &wait->waiter.turn, wait_cancel, wait, NULL);
    if (deferred == NULL) {
        if (wait != NULL)
            twi_slab_free(&pool, wait);
        return NULL;
    }
    wait->waiter.owner = condition->lock->owner;
    wait->waiter.kind = &kind;
    wait->waiter.value = wait->outcome = tw_none();
    wait->condition = condition;
    wait->depth = condition->lock->depth;
    wait->is_true = is_true;
    wait->arg = arg;
    wait->notified = false;
    condition->references++;
    twi_waiter_append(&condition->waiting, &wait->waiter);
    return deferred;
}

tw_deferred *tw_condition_wait_for_at(const char *where, tw_condition *condition,
                                      const void *owner, tw_predicate *is_true, void *arg)
{
    tw_deferred *deferred;

    if (condition == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&condition->waiting);
    if (!may_wait(condition, twi_lock_owner(condition->lock, owner)))
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse,
                                             "waits without holding the condition's lock"));
    if (is_true != NULL && predicate_ask(is_true, arg))
        return tw_fired_at(where, tw_pointer(condition));
    deferred = condition_join(where, condition, is_true, arg);
    if (deferred != NULL)
        twi_semaphore_hand_over(condition->lock);
    return deferred;
}

size_t tw_condition_waiting(const tw_condition *condition)
{
    return condition != NULL ? condition->waiting.count : 0;
}

void tw_condition_free(tw_condition *condition)
{
    if (condition == NULL)
        return;
    TWI_WAITERS_CHECK(&condition->waiting);
    condition->gone = true;
    while (condition->waiting.count > 0) {
        struct twi_waiter *waiter = TWI_CONTAINER(condition->waiting.nodes.next,
                                                  struct twi_waiter, node);
        wait_fail((struct wait *)waiter,
                  tw_fail(&tw_error_abandoned, "the condition is gone"));
        twi_waiter_remove(waiter);
        wait_line_up((struct wait *)waiter);
    }
    condition_unref(condition);
}
