/* SPDX-License-Identifier: MIT */
/*
 * await.c - stopping until a Deferred has its result.
 *
 * A Deferred that has fired costs no switch. Otherwise the body's task taps the chain, which
 * resumes it straight from the fire. The task takes the result over: counted values are held
 * and lent to the body until it ends.
 */
#include "defer/inline/inline_callbacks.h"

#include <stdio.h>
#include <string.h>

#include <tweed/log.h>
#include <tweed/task.h>

#include "base/failure.h"

/* The number of awaits that may fail once the reactor is gone; then the body's stack is taken
 * away. */
enum { REFUSED_MAX = 100 };
/* More held values than this are most likely a leak. */
enum { HELD_MANY = 1000 };

/* --- held values ------------------------------------------------------------------------- */

void twi_held_release(struct twi_held *held)
{
    for (size_t i = held->first; i < held->end; i++)
        tw_release(held->values[i]);
    if (held->values != held->few)
        twi_free(held->values);
}

/* Room at the end; moves what is held to the front if that is enough. */
static bool held_room(struct twi_held *held)
{
    size_t count = held->end - held->first;
    tw_value *grown;

    if (held->values == NULL) {
        held->values = held->few;
        held->capacity = sizeof held->few / sizeof held->few[0];
    }
    if (held->end < held->capacity)
        return true;
    if (held->first > held->capacity / 2) {
        memmove(held->values, held->values + held->first, count * sizeof *held->values);
    } else {
        grown = twi_malloc(held->capacity * 2 * sizeof *grown);
        if (grown == NULL)
            return false;
        memcpy(grown, held->values + held->first, count * sizeof *grown);
        if (held->values != held->few)
            twi_free(held->values);
        held->values = grown;
        held->capacity *= 2;
    }
    held->first = 0;
    held->end = count;
    return true;
}

/* Where a value is held; SIZE_MAX when nowhere. Loops drop the first or the last. */
static size_t held_find(const struct twi_held *held, tw_value value)
{
    for (size_t low = held->first, high = held->end; low < high; low++) {
        if (held->values[low].as.pointer == value.as.pointer &&
            tw_typeof(held->values[low]) == tw_typeof(value))
            return low;
        if (held->values[--high].as.pointer == value.as.pointer &&
            tw_typeof(held->values[high]) == tw_typeof(value))
            return high;
    }
    return SIZE_MAX;
}

void twi_held_drop(tw_value value)
{
    struct twi_task *task = twi_coroutine_task();
    struct twi_held *held;
    size_t at;

    if (task == NULL)
        return;
    held = &task->held;
    at = held_find(held, value);
    if (at == SIZE_MAX)
        return;
    value = held->values[at];
    if (at - held->first < held->end - at) {
        memmove(&held->values[held->first + 1], &held->values[held->first],
                (at - held->first) * sizeof value);
        held->first++;
    } else {
        held->end--;
        memmove(&held->values[at], &held->values[at + 1], (held->end - at) * sizeof value);
    }
    if (held->first == held->end)
        held->first = held->end = 0;
    tw_release(value);
}

static inline bool is_counted(tw_value value)
{
    return (value.type & ~(uintptr_t)1) != 0 && tw_typeof(value)->release != NULL;
}

static void warn_of_many(struct twi_task *task)
{
    if (!TWI_DEBUG || task->warned || task->held.end - task->held.first <= HELD_MANY)
        return;
    task->warned = true;
    tw_log(TW_LOG_WARNING, "await",
           "coroutine %s, made at %s, holds more than %d awaited values: tw_drop() those that "
           "it no longer needs",
           task->name, task->where, HELD_MANY);
}

/* Keep an awaited result (owned) until the body ends; lent. */
static TWI_APART tw_value await_hold(struct twi_task *task, tw_value result, const char *where)
{
    if (tw_is_failure(result)) {
        if (tw_failure_has(result, &tw_error_cancelled))
            task->cancelled_in = twi_tasks.round;
        result = twi_failure_awaited(result, where, task->name);
    }
    if (!held_room(&task->held)) {
        tw_release(result);
        return tw_lend(tw_fail_memory());
    }
    task->held.values[task->held.end++] = result;
    warn_of_many(task);
    return tw_lend(result);
}

static inline tw_value await_deliver(struct twi_task *task, tw_value result, const char *where)
{
    return is_counted(result) ? await_hold(task, result, where) : tw_lend(result);
}

/* --- awaiting ----------------------------------------------------------------------------- */

/* The death of an unfired Deferred is told to the body that awaits it and to the log, since the
 * body may ignore it. */
static TWI_APART void see_death(const struct twi_task *task, tw_value failure)
{
    char context[256];

    if ((task->awaited->state & TWI_FIRED) != 0 ||
        !tw_failure_is(failure, &tw_error_abandoned))
        return;
    snprintf(context, sizeof context, "what coroutine %s awaits at %s has died", task->name,
             task->awaits_at);
    tw_log_problem(TW_LOG_ERROR, "await", failure, context);
}

static TWI_LEAVE_BY_JUMP void await_arrived(void *arg, size_t index, tw_value *result)
{
    struct twi_task *task = arg;

    (void)index;
    task->result = *result;
    *result = tw_none();
    if (TWI_UNLIKELY(tw_is_failure(task->result)))
        see_death(task, task->result);
    task->awaited = NULL;
    if (TWI_LIKELY(task->parked))
        twi_task_run(task);
}

/* The task is no longer interested. */
static void untap(tw_deferred *deferred, const struct twi_task *task)
{
    struct twi_entry *entry = twi_entries_find_tap(deferred, await_arrived, task, 0);

    if (entry != NULL)
        entry->fn.tap = twi_tap_ignore;
}

void twi_task_interrupt(struct twi_task *task, tw_value failure)
{
    tw_deferred *awaited = task->awaited;

    if (awaited != NULL)
        untap(awaited, task);
    task->awaited = NULL;
    task->result = failure;
    if (awaited != NULL && (awaited->state & TWI_LONELY) != 0 && awaited->references == 1)
        tw_cancel(awaited); /* nobody else could end it */
    twi_task_run(task);
}

/* True if `deferred` waits for the end of the task. Ends at another circle on the way. */
static TWI_APART bool walk_to(const tw_deferred *deferred, const struct twi_task *task)
{
    uint64_t walk = ++twi_tasks.walk;
    struct twi_task *other;

    while (deferred != NULL && deferred != task->outer) {
        if ((deferred->state & TWI_WAITING) != 0) {
            deferred = deferred->waiting_on;
            continue;
        }
        other = twi_task_of(deferred);
        if (other == NULL || other->walk == walk)
            return false;
        other->walk = walk;
        deferred = other->awaited;
    }
    return deferred != NULL;
}

/* Only a Deferred that somebody waits for can close a circle, so the usual case costs
 * nothing. */
static inline bool waits_for_task(const tw_deferred *deferred, const struct twi_task *task)
{
    return deferred == task->outer ||
           ((task->outer->state & TWI_AWAITED) != 0 && walk_to(deferred, task));
}

/* Park until the tap has brought a result; it may have come already. */
static void task_wait_for(struct twi_task *task, tw_deferred *deferred)
{
    task->awaited = deferred;
    deferred->state |= TWI_AWAITED;
    twi_deferred_tap(deferred, await_arrived, task, 0);
    if (TWI_UNLIKELY(task->cancel_next) && task->awaited != NULL) {
        task->cancel_next = false;
        tw_cancel(deferred);
    }
    twi_deferred_unref(deferred);
    if (TWI_UNLIKELY(task->awaited == NULL))
        return;
    task->leaf = twi_running.coroutine;
    task->parked = true;
    twi_coroutine_park();
}

static tw_value take_result(tw_deferred *deferred)
{
    tw_value result;

    if (deferred == NULL)
        return tw_fail_memory();
    result = deferred->result;
    deferred->result = tw_none();
    twi_deferred_unref(deferred);
    return result;
}

/* The reactor has gone, so no result will come. A body that ignores this is stopped for good at
 * its await. */
static TWI_APART tw_value await_at_end(struct twi_task *task, tw_deferred *deferred)
{
    tw_value result;

    if (tw_deferred_is_done(deferred)) {
        result = take_result(deferred);
    } else {
        twi_deferred_tap(deferred, twi_tap_ignore, NULL, 0);
        tw_deferred_unref(deferred);
        result = tw_fail_at(task->awaits_at, &tw_error_abandoned,
                            "the thread's reactor has gone");
    }
    if (!tw_is_failure(result) || ++task->refused <= REFUSED_MAX)
        return result;
    tw_release(result);
    task->stuck = true;
    for (;;)
        twi_coroutine_park();
}

static TWI_APART TWI_LEAVE_BY_JUMP tw_value await_slowly(const char *where,
                                                         tw_deferred *deferred)
{
    struct twi_task *task = twi_coroutine_task();
    tw_value result;

    if (task == NULL) {
        tw_deferred_unref(deferred);
        tw_log(TW_LOG_CRITICAL, "await", "tw_await() at %s is outside of a body", where);
        return tw_lend(twi_fail_await_outside());
    }
    task->awaits_at = where;
    if (TWI_UNLIKELY(twi_tasks.ending)) {
        result = await_at_end(task, deferred);
    } else if (deferred == NULL || twi_deferred_done(deferred)) {
        result = take_result(deferred);
    } else if (TWI_UNLIKELY(waits_for_task(deferred, task))) {
        tw_deferred_unref(deferred);
        result = tw_fail_at(where, &tw_error_misuse, "a coroutine awaits its own end");
    } else {
        task_wait_for(task, deferred);
        result = task->result;
        task->result = tw_none();
    }
    return await_deliver(task, result, where);
}

/* The quickest case: a Deferred that has fired with a number, and that nobody else holds. */
static inline bool deferred_is_ready(const tw_deferred *deferred)
{
    uint32_t rest = TWI_PAUSES | TWI_HAS_BOTH | TWI_WAITING | TWI_RUNNING | TWI_FIRED;

    return (deferred->state & rest) == TWI_FIRED && deferred->references == 1 &&
           deferred->more == NULL && !is_counted(deferred->result);
}

tw_value tw_await_at(const char *where, tw_deferred *deferred)
{
    tw_value result;

    if (deferred != NULL)
        TWI_CHECK(deferred);
    if (TWI_UNLIKELY(twi_coroutine_task() == NULL || deferred == NULL ||
                     !deferred_is_ready(deferred)))
        return await_slowly(where, deferred);
    result = deferred->result;
    twi_store_free(&twi_defer.deferreds, deferred);
    return tw_lend(result);
}

tw_value tw_sleep_at(const char *where, double seconds)
{
    if (twi_coroutine_task() == NULL)
        return tw_await_at(where, NULL);
    return tw_await_at(where, tw_defer_later_at(where, NULL, seconds, NULL, NULL));
}

/* --- the trail ---------------------------------------------------------------------------- */

int tw_failure_format_trail(tw_value failure, char *text, size_t size)
{
    const struct twi_trail_step *steps;
    size_t left_out, count = twi_failure_trail(failure, &steps, &left_out);
    int length = 0;

    if (size > 0)
        text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t used = (size_t)length < size ? (size_t)length : size;
        length += snprintf(text + used, size - used, "%s%s in %s", i > 0 ? "\n" : "",
                           steps[i].where, steps[i].name);
    }
    if (count > 0 && left_out > 0) {
        size_t used = (size_t)length < size ? (size_t)length : size;
        length += snprintf(text + used, size - used, "\nand %zu more", left_out);
    }
    return length;
}
