/* SPDX-License-Identifier: MIT */
/*
 * deferred_list.c - many Deferreds as one: list, gather, race.
 *
 * All three are a group that taps each child's chain and differ in when they fire and with what.
 * A child costs a slot for its result and one for its address.
 */
#include "defer/deferred.h"

#include <errno.h>

#include <tweed/deferred_list.h>

#include "base/value_list.h"

/* One flag more than the public ones: the first success wins, or all must fail. */
enum { RACE = 1 << 16 };

/* References: of the Deferred that it fires, until that is fired, and of each child without a
 * result. */
struct group {
    tw_deferred *done; /* NULL once it is fired */
    tw_value results;  /* a list with an item for each child */
    tw_value *items;   /* inside of it */
    size_t count, left, references;
    unsigned flags;
    tw_deferred *children[]; /* not counted; NULL: has a result */
};

static void list_unref(struct group *group)
{
    if (--group->references > 0)
        return;
    tw_release(group->results);
    twi_free(group);
}

static void group_release(void *arg)
{
    list_unref(arg);
}

static void list_child_done(void *arg, size_t index, tw_value *result);

static void list_cancel_one(struct group *group, size_t index)
{
    const struct twi_parent parent = { group->done, "a list", list_child_done, group };

    twi_cancel_child_of(&parent, group->children[index], index);
}

/* Cancel all that have no result yet. Each may fire others, and the group itself. */
static void cancel_children(struct group *group)
{
    group->references++;
    for (size_t i = 0; i < group->count && group->left > 0; i++)
        list_cancel_one(group, i);
    list_unref(group);
}

/* The children fire the group, once they have stopped. */
static int list_cancel(tw_deferred *done, void *arg)
{
    (void)done;
    cancel_children(arg);
    return TW_CANCEL_LATER;
}

void twi_list_each_child(const tw_deferred *deferred,
                         void (*fn)(tw_deferred *child, void *arg), void *arg)
{
    struct group *group;

    if ((deferred->state & TWI_FIRED) != 0 || deferred->cancel != list_cancel)
        return;
    group = deferred->ctx;
    for (size_t i = 0; i < group->count; i++) {
        if (group->children[i] != NULL)
            fn(group->children[i], arg);
    }
}

/* --- firing ----------------------------------------------------------------------------- */

static void list_fire(struct group *group, tw_value result)
{
    const char *where = group->done->where;

    tw_fire_at(where, &group->done, result);
    if ((group->flags & TW_CANCEL_REST) != 0)
        cancel_children(group);
}

/* The list [first, second]; takes both. A failure when there is no memory. */
static tw_value list_pair(tw_value first, tw_value second)
{
    tw_value list = tw_list(2);

    if (tw_is_failure(list)) {
        tw_release(first);
        tw_release(second);
        return list;
    }
    tw_list_append(list, first);
    tw_list_append(list, second);
    return list;
}

static tw_value first_failure(const char *where, tw_value failure, size_t index)
{
    struct tw_failure_fields fields = {
        .error_class = &tw_error_first,
        .message = "the first of several failed",
        .where = where,
        .number = (int64_t)index,
        .cause = tw_retain(failure),
    };

    return tw_fail_with(&fields);
}

static tw_value group_failure(const char *where, tw_value failures)
{
    struct tw_failure_fields fields = {
        .error_class = &tw_error_group,
        .message = "all of them failed",
        .where = where,
        .value = failures,
    };

    return tw_fail_with(&fields);
}

static tw_value list_take_results(struct group *group)
{
    tw_value results = group->results;

    group->results = tw_none();
    return results;
}

/* A result has come and been put into its place: is it time? */
static void consider(struct group *group, size_t index, tw_value result)
{
    bool failed = tw_is_failure(result);

    if (group->done == NULL)
        return;
    if (!failed && (group->flags & RACE) != 0)
        list_fire(group, list_pair(tw_integer((int64_t)index), tw_lend(result)));
    else if (!failed && (group->flags & TW_FIRE_ON_ONE_CALLBACK) != 0)
        list_fire(group, list_pair(tw_lend(result), tw_integer((int64_t)index)));
    else if (failed && (group->flags & TW_FIRE_ON_ONE_ERRBACK) != 0)
        list_fire(group, first_failure(group->done->where, result, index));
    else if (group->left == 0 && (group->flags & RACE) != 0)
        list_fire(group, group_failure(group->done->where, list_take_results(group)));
    else if (group->left == 0)
        list_fire(group, list_take_results(group));
}

/* A failure that the list hands on is the reader's to handle, and no longer the child's. It
 * stays the child's where the list may fire without it. */
static void hand_on(struct group *group, tw_deferred *child, size_t index)
{
    bool goes_on = (group->flags & TW_FIRE_ON_ONE_ERRBACK) != 0;

    if ((group->flags & (TW_FIRE_ON_ONE_ERRBACK | TW_FIRE_ON_ONE_CALLBACK)) == 0)
        goes_on = twi_list_expect_reader(group->results, index, twi_report_unread,
                                         group->done->where) == 0;
    if (goes_on && child != NULL)
        child->state |= TWI_HANDLED;
}

static void list_child_done(void *arg, size_t index, tw_value *result)
{
    struct group *group = arg;
    tw_deferred *child = group->children[index];

    group->children[index] = NULL;
    group->left--;
    if (group->done != NULL) {
        group->items[index] = tw_retain(*result);
        if (tw_is_failure(*result) && (group->flags & (RACE | TW_CONSUME_ERRORS)) == 0)
            hand_on(group, child, index);
    }
    if (group->left == 0 || (group->flags & ~(unsigned)TW_CONSUME_ERRORS) != 0)
        consider(group, index, *result);
    if ((group->flags & TW_CONSUME_ERRORS) != 0 && tw_is_failure(*result)) {
        tw_release(*result);
        *result = tw_none();
    }
    list_unref(group);
}

/* --- making ----------------------------------------------------------------------------- */

static struct group *group_new(const char *where, size_t count, unsigned flags,
                               tw_deferred **ret_done)
{
    struct group *group = NULL;
    size_t size;

    if (!__builtin_mul_overflow(count, sizeof group->children[0], &size) &&
        !__builtin_add_overflow(size, sizeof *group, &size))
        group = twi_malloc(size);
    if (group == NULL)
        return NULL;
    group->results = twi_list_filled(count, &group->items);
    if (group->items == NULL) {
        twi_free(group);
        return NULL;
    }
    group->references = 1;
    group->flags = flags;
    group->count = group->left = count;
    *ret_done = tw_promise_at(where, &group->done, list_cancel, group, group_release);
    return *ret_done != NULL ? group : NULL;
}

/* Without memory nothing can be waited for: the references are dropped, and failures are
 * reported as the children's own. */
static void list_let_go(tw_deferred *const *deferreds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tw_deferred_unref(deferreds[i]);
}

static tw_deferred *wait_for_all(const char *where, tw_deferred *const *deferreds,
                                 size_t count, unsigned flags)
{
    tw_deferred *done = NULL;
    struct group *group = group_new(where, count, flags, &done);

    if (group == NULL) {
        list_let_go(deferreds, count);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        group->children[i] = deferreds[i];
    group->references += count + 1;
    if (count == 0)
        consider(group, 0, tw_none());
    for (size_t i = 0; i < count; i++) {
        twi_deferred_tap(deferreds[i], list_child_done, group, i);
        tw_deferred_unref(deferreds[i]);
    }
    list_unref(group);
    return done;
}

static tw_deferred *never(const char *where)
{
    return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "the first of none"));
}

tw_deferred *tw_deferred_list_at(const char *where, tw_deferred *const *deferreds,
                                 size_t count, unsigned flags)
{
    flags &= TW_FIRE_ON_ONE_CALLBACK | TW_FIRE_ON_ONE_ERRBACK | TW_CONSUME_ERRORS |
             TW_CANCEL_REST;
    if (count == 0 && (flags & TW_FIRE_ON_ONE_CALLBACK) != 0)
        return never(where);
    return wait_for_all(where, deferreds, count, flags);
}

tw_deferred *tw_gather_at(const char *where, tw_deferred *const *deferreds, size_t count)
{
    return wait_for_all(where, deferreds, count, TW_FIRE_ON_ONE_ERRBACK | TW_CONSUME_ERRORS);
}

tw_deferred *tw_race_at(const char *where, tw_deferred *const *deferreds, size_t count)
{
    if (count == 0)
        return never(where);
    return wait_for_all(where, deferreds, count, RACE | TW_CONSUME_ERRORS | TW_CANCEL_REST);
}
