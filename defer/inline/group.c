/* SPDX-License-Identifier: MIT */
/*
 * group.c - coroutines that end before the block that started them.
 *
 * A group is a promise that is kept when its body and all members have ended. Each of them is a
 * Deferred whose chain the group taps; it learns of failures there and leaves the results to
 * others.
 */
#include "defer/inline/inline_callbacks.h"

#include <errno.h>

#include "base/failure.h"
#include "base/hooks.h"

struct member {
    struct twi_list node;
    struct tw_group *group;
    tw_deferred *deferred; /* not counted; until it has a result */
};

struct tw_group {
    struct twi_list members;
    struct member body;
    size_t living, references; /* living: members, and the body */
    tw_deferred *done;
    tw_group_body *fn;
    void *arg;
    tw_value failure; /* the first */
    tw_value result;  /* the body's */
    bool body_ended;
    bool closing;   /* all are cancelled: nothing may be started */
    bool cancelled; /* by a call, not by a failure */
};

static void group_unref(tw_group *group)
{
    if (--group->references > 0)
        return;
    tw_release(group->failure);
    tw_release(group->result);
    twi_free(group);
}

static void member_ended(void *arg, size_t index, tw_value *result);

static void cancel_member(struct member *member)
{
    const struct twi_parent parent = { member->group->done, "a group", member_ended, member };

    twi_cancel_child_of(&parent, member->deferred, 0);
}

/* Cancel all members; any of them may end inside, and the group with it. */
static void cancel_members(tw_group *group)
{
    struct twi_list todo, *node;

    group->closing = true;
    group->references++;
    twi_list_init(&todo);
    twi_list_splice(&todo, &group->members);
    while ((node = twi_list_take_first(&todo)) != NULL) {
        twi_list_append(&group->members, node);
        cancel_member(TWI_CONTAINER(node, struct member, node));
    }
    group_unref(group);
}

/* --- the end ------------------------------------------------------------------------------ */

static tw_value final_result(tw_group *group)
{
    tw_value *place = tw_is_none(group->failure) ? &group->result : &group->failure;
    tw_value result = *place;

    *place = tw_none();
    if (group->cancelled && tw_is_none(result))
        return tw_fail_at(group->done->where, &tw_error_cancelled, "the group was cancelled");
    return result;
}

static void one_less(tw_group *group)
{
    if (--group->living > 0)
        return;
    tw_fire_at(group->done->where, &group->done, final_result(group));
    group_unref(group);
}

/* True if the group has taken the failure; otherwise it stays its Deferred's, and is reported
 * there. */
static bool see_failure(tw_group *group, tw_value failure)
{
    if (group->closing && tw_failure_has(failure, &tw_error_cancelled))
        return true;
    if (!tw_is_none(group->failure))
        return twi_failure_same(failure, group->failure);
    group->failure = tw_retain(failure);
    if (!group->closing)
        cancel_members(group);
    return true;
}

static void member_ended(void *arg, size_t index, tw_value *result)
{
    struct member *member = arg;
    tw_group *group = member->group;
    tw_deferred *deferred = member->deferred;

    (void)index;
    twi_list_remove(&member->node);
    group->references++;
    if (member == &group->body) {
        group->body_ended = true;
        group->result = tw_retain(*result);
    } else {
        twi_free(member);
    }
    if (tw_is_failure(*result) && see_failure(group, *result) && deferred != NULL)
        deferred->state |= TWI_HANDLED;
    one_less(group);
    group_unref(group);
}

/* --- members ------------------------------------------------------------------------------ */

/* Takes `deferred` over. The group may have been closed while it started. */
static void member_join(struct member *member, tw_group *group, tw_deferred *deferred)
{
    group->references++;
    member->group = group;
    member->deferred = deferred;
    twi_list_append(&group->members, &member->node);
    twi_deferred_tap(deferred, member_ended, member, 0);
    if (group->closing)
        tw_cancel(deferred);
    tw_deferred_unref(deferred);
    group_unref(group);
}

int tw_group_start_at(const char *where, tw_group *group, tw_coroutine_body *member, void *arg,
                      const struct tw_coroutine_options *options)
{
    struct member *joining = NULL;
    tw_deferred *deferred;

    if (group != NULL && !group->closing)
        joining = twi_malloc(sizeof *joining);
    if (joining == NULL) {
        if (options != NULL && options->release != NULL)
            options->release(arg);
        return group != NULL && group->closing ? -ECANCELED : -ENOMEM;
    }
    group->living++;
    deferred = tw_inline_callbacks_at(where, member, arg, options);
    if (deferred != NULL) {
        member_join(joining, group, deferred);
        return 0;
    }
    twi_free(joining);
    group->living--; /* never the last: the caller is in the group */
    return -ENOMEM;
}

/* The Deferred was cancelled because the group refused it: a cancellation needs no report. */
static void refused(void *arg, size_t index, tw_value *result)
{
    (void)index;
    if (arg != NULL && tw_failure_has(*result, &tw_error_cancelled))
        ((tw_deferred *)arg)->state |= TWI_HANDLED;
}

static int group_refuse(tw_deferred *deferred, int error)
{
    twi_deferred_tap(deferred, refused, deferred, 0);
    tw_cancel(deferred);
    tw_deferred_unref(deferred);
    return error;
}

int tw_group_add(tw_group *group, tw_deferred *deferred)
{
    struct member *joining;

    if (group != NULL && group->closing)
        return group_refuse(deferred, -ECANCELED);
    joining = group != NULL && deferred != NULL ? twi_malloc(sizeof *joining) : NULL;
    if (joining == NULL)
        return group_refuse(deferred, -ENOMEM);
    group->living++;
    member_join(joining, group, deferred);
    return 0;
}

void tw_group_cancel(tw_group *group)
{
    if (group == NULL)
        return;
    if (!group->closing)
        group->cancelled = true;
    cancel_members(group);
}

size_t tw_group_count(const tw_group *group)
{
    return group != NULL ? group->living - !group->body_ended : 0;
}

/* --- running ------------------------------------------------------------------------------ */

static int group_cancel(tw_deferred *done, void *group)
{
    (void)done;
    tw_group_cancel(group);
    return TW_CANCEL_LATER;
}

/* The hook each_member; see deferred.h. */
static void group_each_member(const tw_deferred *deferred,
                              void (*fn)(tw_deferred *member, void *arg), void *arg)
{
    tw_group *group;

    if ((deferred->state & TWI_FIRED) != 0 || deferred->cancel != group_cancel)
        return;
    group = deferred->ctx;
    TWI_LIST_EACH (node, &group->members)
        fn(TWI_CONTAINER(node, struct member, node)->deferred, arg);
}

static tw_value run_body(void *arg)
{
    tw_group *group = arg;
    return group->fn(group, group->arg);
}

tw_deferred *tw_group_run_at(const char *where, tw_group_body *body, void *arg)
{
    tw_group *group = twi_calloc(1, sizeof *group);
    tw_deferred *done = NULL;

    if (group != NULL)
        done = tw_promise_at(where, &group->done, group_cancel, group, NULL);
    if (done == NULL) {
        twi_free(group);
        return NULL;
    }
    TWI_HOOK_SET(twi_body_hooks.each_member, group_each_member);
    twi_list_init(&group->members);
    group->living = group->references = 1;
    group->fn = body;
    group->arg = arg;
    member_join(&group->body, group,
                tw_inline_callbacks_at(where, body != NULL ? run_body : NULL, group, NULL));
    return done;
}
