/*
 * as_completed.c - results in the order in which they come.
 */
#include <tweed/deferred_list.h>

#include "defer/waiters.h"

struct arrival {
    size_t index;
    tw_value result;
};

/* Counted by its owner and by each child without a result. */
struct tw_as_completed {
    size_t count, arrived, taken;
    size_t references;
    struct twi_waiters waiting;
    tw_deferred **children;    /* not counted; NULL: has a result */
    struct arrival arrivals[]; /* `taken` of the `arrived` have been handed out */
};

static void completed_unref(tw_as_completed *results)
{
    if (--results->references > 0)
        return;
    for (; results->taken < results->arrived; results->taken++)
        tw_release(results->arrivals[results->taken].result);
    twi_free(results->children);
    twi_free(results);
}

/* The next arrival as [index, result]; without memory for it, a failure, and it stays. */
static tw_value completed_take(tw_as_completed *results)
{
    struct arrival *arrival = &results->arrivals[results->taken];
    tw_value pair = twi_pair(tw_integer((int64_t)arrival->index), tw_lend(arrival->result));

    if (tw_is(pair, &tw_type_list)) {
        tw_release(arrival->result);
        results->taken++;
    }
    return pair;
}

static void completed_child_done(void *arg, size_t index, tw_value *result)
{
    tw_as_completed *results = arg;
    struct arrival *arrival = &results->arrivals[results->arrived++];

    results->children[index] = NULL;
    arrival->index = index;
    arrival->result = tw_retain(*result);
    if (tw_is_failure(*result)) {
        tw_release(*result);
        *result = tw_none();
    }
    if (results->waiting.count > 0)
        twi_waiters_serve(&results->waiting, completed_take(results));
    completed_unref(results);
}

static tw_as_completed *completed_new(size_t count)
{
    tw_as_completed *results = NULL;
    size_t size;

    if (!__builtin_mul_overflow(count, sizeof results->arrivals[0], &size) &&
        !__builtin_add_overflow(size, sizeof *results, &size))
        results = twi_malloc(size);
    if (results == NULL)
        return NULL;
    results->children = twi_calloc(count > 0 ? count : 1, sizeof results->children[0]);
    if (results->children == NULL) {
        twi_free(results);
        return NULL;
    }
    results->count = count;
    results->arrived = results->taken = 0;
    results->references = count + 1;
    twi_waiters_init(&results->waiting);
    return results;
}

tw_as_completed *tw_as_completed_new(tw_deferred *const *deferreds, size_t count)
{
    tw_as_completed *results = completed_new(count);

    for (size_t i = 0; i < count; i++) {
        if (results != NULL) {
            results->children[i] = deferreds[i];
            twi_deferred_tap(deferreds[i], completed_child_done, results, i);
        }
        tw_deferred_unref(deferreds[i]);
    }
    return results;
}

tw_deferred *tw_as_completed_next_at(const char *where, tw_as_completed *results)
{
    tw_value next;

    if (results == NULL)
        return NULL;
    if (results->taken < results->arrived) {
        next = completed_take(results);
        return tw_fired_at(where, next);
    }
    if (results->arrived + results->waiting.count >= results->count)
        return tw_fired_at(where, tw_none());
    return twi_waiters_join(&results->waiting, where);
}

void tw_as_completed_free(tw_as_completed *results)
{
    if (results == NULL)
        return;
    results->references++;
    twi_waiters_abandon(&results->waiting, "group");
    for (size_t i = 0; i < results->count; i++)
        tw_cancel(results->children[i]);
    completed_unref(results);
    completed_unref(results);
}
