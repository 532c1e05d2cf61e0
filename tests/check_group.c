/* SPDX-License-Identifier: MIT */
/*
 * check_group.c - groups: nobody outlives the block, one failure ends all; values of coroutines.
 */
#include "config.h"

#include <errno.h>

#include <tweed/deferred_list.h>
#include <tweed/inline_callbacks.h>
#include <tweed/task.h>

#include "tests/trace.h"

static tw_clock *clock_;

static void setup(void)
{
    trace_setup();
    clock_ = test_given(tw_clock_virtual_new());
}

static void teardown(void)
{
    tw_clock_free(clock_);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    trace_teardown();
}

static void see(const char *step, tw_deferred *done)
{
    tw_value result;

    if (!tw_deferred_is_done(done)) {
        trace_add("pending");
        return;
    }
    result = tw_deferred_take_result(done);
    trace_seen(step, result);
    tw_release(result);
}

/* A member: sleeps, then ends as it is told. */
struct member {
    const char *name;
    double seconds;
    const tw_error_class *fails;
    double cleans; /* seconds, when cancelled */
};

static tw_value later(double seconds)
{
    return tw_await(tw_defer_later(clock_, seconds, NULL, NULL));
}

static tw_value run_member(void *arg)
{
    const struct member *member = arg;
    tw_value slept = later(member->seconds);

    if (tw_is_failure(slept) && member->cleans > 0)
        later(member->cleans);
    if (!tw_is_failure(slept) && member->fails != NULL)
        slept = tw_fail(member->fails, "%s", member->name);
    trace_seen(member->name, slept);
    return slept;
}

static tw_value start_members(tw_group *group, void *arg)
{
    for (struct member *member = arg; member->name != NULL; member++)
        ck_assert_int_eq(tw_group_start(group, run_member, member), 0);
    return tw_integer((int64_t)tw_group_count(group));
}

START_TEST(a_group_ends_when_all_have_ended)
{
    struct member members[] = { { "a", 3, NULL, 0 }, { "b", 1, NULL, 0 }, { 0 } };
    tw_deferred *done;

    setup();
    done = tw_group_run(start_members, members);
    tw_clock_advance(clock_, 2);
    see("done", done);
    tw_clock_advance(clock_, 2);
    see("done", done);
    ck_trace("b=none pending a=none done=2");
    tw_deferred_unref(done);
    done = tw_group_run(start_members, members + 2);
    see("done", done);
    ck_trace("done=0");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(the_first_failure_cancels_the_others_and_is_the_groups)
{
    struct member members[] = {
        { "a", 3, NULL, 5 }, { "b", 1, &tw_error_url, 0 }, { "c", 9, NULL, 0 }, { 0 }
    };
    tw_deferred *done;

    setup();
    done = tw_group_run(start_members, members);
    tw_clock_advance(clock_, 1);
    see("done", done);
    ck_trace("b!url c!cancelled pending");
    tw_clock_advance(clock_, 5);
    see("done", done);
    ck_trace("a!cancelled done!url");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value fail_late(void *arg)
{
    (void)arg;
    later(100);
    return tw_fail(&tw_error_dns, "in the clean-up");
}

static tw_value two_failures(tw_group *group, void *arg)
{
    tw_group_start(group, fail_late, NULL);
    return start_members(group, arg);
}

START_TEST(a_further_failure_is_reported)
{
    struct member members[] = { { "b", 1, &tw_error_url, 0 }, { 0 } };
    tw_deferred *done;

    setup();
    done = tw_group_run(two_failures, members);
    tw_clock_advance(clock_, 1);
    see("done", done);
    ck_trace("b!url unhandled!dns done!url");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value fail_after_start(tw_group *group, void *arg)
{
    start_members(group, arg);
    return tw_fail(&tw_error_tls, "the body");
}

START_TEST(a_failing_body_cancels_the_members)
{
    struct member members[] = { { "a", 3, NULL, 0 }, { 0 } };
    tw_deferred *done;

    setup();
    done = tw_group_run(fail_after_start, members);
    see("done", done);
    ck_trace("a!cancelled done!tls");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value wait_in_body(tw_group *group, void *arg)
{
    tw_value slept;

    start_members(group, arg);
    slept = later(50);
    trace_seen("body", slept);
    ck_assert_int_eq(tw_group_start(group, run_member, arg),
                     tw_is_failure(slept) ? -ECANCELED : 0);
    return slept;
}

START_TEST(a_failure_reaches_the_body_at_its_await)
{
    struct member members[] = { { "b", 1, &tw_error_url, 0 }, { 0 } };
    tw_deferred *done;

    setup();
    done = tw_group_run(wait_in_body, members);
    tw_clock_advance(clock_, 1);
    see("done", done);
    ck_trace("b!url body!cancelled done!url");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value fail_at_once(void *arg)
{
    (void)arg;
    return tw_fail(&tw_error_url, "at once");
}

static tw_value start_failing(tw_group *group, void *arg)
{
    ck_assert_int_eq(tw_group_start(group, fail_at_once, arg), 0);
    trace_seen("body", later(5));
    return tw_none();
}

START_TEST(a_member_that_fails_at_once_cancels_the_running_body)
{
    tw_deferred *done;

    setup();
    done = tw_group_run(start_failing, NULL);
    see("done", done);
    ck_trace("body!cancelled done!url");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(a_cancel_cancels_all)
{
    struct member members[] = { { "a", 3, NULL, 0 }, { "b", 4, NULL, 2 }, { 0 } };
    tw_deferred *done;

    setup();
    done = tw_group_run(wait_in_body, members);
    ck_assert_int_eq(tw_cancel(done), 0);
    see("done", done);
    ck_trace("a!cancelled body!cancelled pending");
    tw_clock_advance(clock_, 2);
    see("done", done);
    ck_trace("b!cancelled done!cancelled");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value cancel_itself(tw_group *group, void *arg)
{
    start_members(group, arg);
    tw_group_cancel(group);
    return tw_none();
}

static tw_value recover_from_cancel(tw_group *group, void *arg)
{
    start_members(group, arg);
    later(9);
    return tw_integer((int64_t)tw_group_count(group));
}

START_TEST(a_cancelled_group_fails_unless_its_body_returns_something)
{
    struct member members[] = { { "a", 3, NULL, 1 }, { 0 } };
    tw_deferred *done;

    setup();
    done = tw_group_run(cancel_itself, members);
    tw_clock_advance(clock_, 1);
    see("done", done);
    ck_trace("a!cancelled done!cancelled");
    tw_deferred_unref(done);
    done = tw_group_run(recover_from_cancel, members);
    tw_cancel(done);
    tw_clock_advance(clock_, 1);
    see("done", done);
    ck_trace("a!cancelled done=1");
    tw_deferred_unref(done);
    tw_group_cancel(NULL);
    ck_assert_uint_eq(tw_group_count(NULL), 0);
    teardown();
}
END_TEST

struct added {
    tw_deferred *deferred, *own;
};

static tw_value add_and_await(tw_group *group, void *arg)
{
    struct added *added = arg;
    tw_value got;

    ck_assert_int_eq(tw_group_add(group, tw_deferred_ref(added->deferred)), 0);
    got = tw_await(tw_deferred_ref(added->deferred));
    trace_seen("body", got);
    ck_assert_int_eq(tw_group_add(group, added->own), tw_is_failure(got) ? -ECANCELED : 0);
    return got;
}

START_TEST(any_deferred_may_be_a_member)
{
    struct added added;
    tw_deferred *slot, *done;

    setup();
    for (int i = 0; i < 2; i++) {
        added.deferred = tw_promise(&slot, NULL, NULL);
        added.own = tw_defer_later(clock_, 1, NULL, NULL);
        done = tw_group_run(add_and_await, &added);
        tw_fire(&slot, i == 0 ? tw_integer(1) : tw_fail(&tw_error_url, "x"));
        if (i == 0)
            see("done", done);
        tw_clock_advance(clock_, 2);
        see("done", done);
        ck_trace(i == 0 ? "body=1 pending done=1" : "body!url done!url");
        tw_deferred_unref(done);
        tw_deferred_unref(added.deferred);
    }
    teardown();
}
END_TEST

/* --- cancelled from inside what is being cancelled ---------------------------------------- */

static struct {
    tw_group *group;
    tw_deferred *member, *gate, *opens, *work;
} inside;

static int open_gate(tw_deferred *work, void *arg)
{
    (void)work;
    (void)arg;
    tw_fire(&inside.opens, tw_none());
    return 0;
}

static tw_value works(void *arg)
{
    (void)arg;
    trace_seen("work", tw_await(tw_promise(&inside.work, open_gate, NULL)));
    return tw_none();
}

/* Resumed by the member's canceller. */
static tw_value supervises(void *cancel_all)
{
    tw_await(tw_deferred_ref(inside.gate));
    trace_add("gate");
    ((void (*)(void))cancel_all)();
    trace_add("on");
    return tw_none();
}

static tw_value start_inside(tw_group *group, void *cancel_all)
{
    inside.group = group;
    inside.member = tw_inline_callbacks(works, NULL);
    tw_group_add(group, tw_deferred_ref(inside.member));
    tw_group_start(group, supervises, cancel_all);
    return tw_none();
}

static void cancel_group(void)
{
    tw_group_cancel(inside.group);
}

static void cancel_member(void)
{
    tw_cancel(inside.member);
}

static void cancel_list(void)
{
    tw_deferred *slot, *other = tw_promise(&slot, NULL, NULL);
    tw_deferred *both[] = { tw_deferred_ref(inside.member), other };
    tw_deferred *list = tw_deferred_list(both, 2, TW_CONSUME_ERRORS);

    tw_cancel(list);
    tw_deferred_unref(list);
    tw_deferred_unref(slot);
}

static void cancel_everything(void)
{
    tw_inline_callbacks_cancel_all();
}

static const struct {
    void (*cancel_all)(void);
    const char *sees;
} inside_rows[] = {
    { cancel_group, "gate work!cancelled on done!cancelled" },
    { cancel_member, "gate on work!cancelled done=none" },
    { cancel_list, "gate work!cancelled on done=none" },
    { cancel_everything, "gate on work!cancelled done=none" },
};

START_TEST(a_body_may_cancel_those_that_are_being_cancelled)
{
    tw_deferred *done;

    setup();
    inside.gate = tw_promise(&inside.opens, NULL, NULL);
    done = tw_group_run(start_inside, (void *)(uintptr_t)inside_rows[_i].cancel_all);
    tw_cancel(inside.member);
    see("done", done);
    ck_trace(inside_rows[_i].sees);
    tw_deferred_unref(inside.member);
    tw_deferred_unref(inside.gate);
    tw_deferred_unref(inside.work);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(a_group_needs_a_body)
{
    tw_deferred *done;

    setup();
    done = tw_group_run(NULL, NULL);
    see("done", done);
    ck_trace("done!misuse");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value run_inner(void *members)
{
    return tw_await(tw_group_run(start_members, members));
}

static tw_value nest(tw_group *group, void *arg)
{
    struct member *members = arg;

    tw_group_start(group, run_inner, members);
    tw_group_start(group, run_inner, members + 2);
    return tw_none();
}

START_TEST(groups_nest)
{
    struct member members[] = {
        { "a", 5, NULL, 0 }, { 0 }, { "b", 1, &tw_error_url, 0 }, { 0 }
    };
    tw_deferred *done;

    setup();
    done = tw_group_run(nest, members);
    tw_clock_advance(clock_, 1);
    see("done", done);
    ck_trace("b!url a!cancelled done!url");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

/* --- values of coroutines --------------------------------------------------------------------- */

static const struct tw_local user = { "user" }, request = { "request" };

static tw_value inner_local(void *arg)
{
    (void)arg;
    trace_seen("inherited", tw_local_get(&user));
    later(1);
    ck_assert_int_eq(tw_local_set(&user, tw_string("inner")), 0);
    ck_assert_int_eq(tw_local_set(&request, tw_integer(2)), 0);
    later(1);
    trace_seen("own", tw_local_get(&user));
    return tw_none();
}

static tw_value outer_local(void *arg)
{
    tw_deferred *inner;

    trace_seen("thread", tw_local_get(&user));
    tw_local_set(&user, tw_string("outer"));
    inner = tw_inline_callbacks(inner_local, arg);
    tw_local_set(&user, tw_string("changed"));
    tw_await(inner);
    trace_seen("outer", tw_local_get(&user));
    trace_seen("request", tw_local_get(&request));
    return tw_none();
}

START_TEST(locals_are_inherited_and_then_ones_own)
{
    setup();
    trace_seen("none", tw_local_get(&user));
    ck_assert_int_eq(tw_local_set(&user, tw_string("main")), 0);
    tw_deferred_unref(tw_inline_callbacks(outer_local, NULL));
    tw_clock_advance(clock_, 1);
    tw_clock_advance(clock_, 1);
    trace_seen("main", tw_local_get(&user));
    ck_trace("none=none thread=main inherited=outer own=inner outer=changed request=none "
             "main=main");
    tw_local_set(&user, tw_none());
    trace_seen("unset", tw_local_get(&user));
    ck_trace("unset=none");
    teardown();
}
END_TEST

/* --- memory --------------------------------------------------------------------------------- */

static tw_value member_with_local(void *arg)
{
    if (tw_local_set(&request, tw_string("mine")) < 0)
        return tw_fail_memory();
    return run_member(arg);
}

static tw_value start_checked(tw_group *group, void *arg)
{
    static const struct tw_coroutine_options options = { .release = released };

    for (struct member *member = arg; member->name != NULL; member++) {
        if (tw_group_start_at(TW_HERE, group, member_with_local, member, NULL) < 0)
            return tw_fail_memory();
    }
    if (tw_group_start_at(TW_HERE, group, fail_late, "r", &options) < 0)
        return tw_fail_memory();
    if (tw_group_add(group, tw_defer_later(clock_, 1, NULL, NULL)) < 0)
        return tw_fail_memory();
    return later(7);
}

static bool use_group(void *arg)
{
    struct member members[] = { { "a", 3, NULL, 5 }, { "b", 1, &tw_error_url, 0 }, { 0 } };
    tw_deferred *done;
    tw_value result;
    bool ok;

    (void)arg;
    trace_setup();
    clock_ = tw_clock_virtual_new();
    if (clock_ == NULL)
        return false;
    done = tw_group_run(start_checked, members);
    tw_clock_advance(clock_, 200);
    ck_assert(tw_deferred_is_done(done));
    result = tw_deferred_take_result(done);
    ok = tw_failure_is(result, &tw_error_url);
    ck_assert(ok || test_alloc_failed());
    tw_release(result);
    tw_deferred_unref(done);
    tw_clock_free(clock_);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return ok && !test_alloc_failed();
}

START_TEST(a_group_ends_whatever_allocation_fails)
{
    test_each_alloc_failure(use_group, NULL);
}
END_TEST

static tw_value add_itself(tw_group *group, void *arg)
{
    later(1);
    tw_group_add(group, tw_deferred_ref(*(tw_deferred **)arg));
    return tw_none();
}

START_TEST(a_group_that_waits_for_itself_ends_by_a_cancel)
{
    tw_deferred *group = NULL; /* seen at once when nothing can be waited for */

    setup();
    group = tw_group_run(add_itself, &group);
    tw_clock_advance(clock_, 1);
    see("group", group);
    ck_trace("pending");
    ck_assert_int_eq(tw_cancel(group), 0);
    see("group", group);
    ck_trace("group!cancelled");
    tw_deferred_unref(group);
    teardown();
}
END_TEST

static tw_group *around;

static tw_value cancel_around(void *arg)
{
    (void)arg;
    trace_seen("cancelled", later(5));
    tw_group_cancel(around);
    trace_seen("cleaned", later(1));
    return tw_none();
}

static tw_value list_inside(tw_group *group, void *arg)
{
    tw_deferred *child = tw_inline_callbacks(cancel_around, NULL);
    tw_deferred **list = arg;

    around = group;
    *list = tw_deferred_list(&child, 1, 0);
    tw_group_add(group, tw_deferred_ref(*list));
    return tw_none();
}

START_TEST(a_list_that_is_being_cancelled_is_waited_for_all_the_same)
{
    tw_deferred *list = NULL, *group;

    setup();
    group = tw_group_run(list_inside, &list);
    tw_cancel(list);
    see("group", group);
    ck_trace("cancelled!cancelled pending");
    tw_clock_advance(clock_, 1);
    see("list", list);
    see("group", group);
    ck_trace("cleaned=none list=list group!cancelled");
    tw_deferred_unref(list);
    tw_deferred_unref(group);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group");

    TEST_ADD(suite, a_group_ends_when_all_have_ended);
    TEST_ADD(suite, the_first_failure_cancels_the_others_and_is_the_groups);
    TEST_ADD(suite, a_further_failure_is_reported);
    TEST_ADD(suite, a_failing_body_cancels_the_members);
    TEST_ADD(suite, a_failure_reaches_the_body_at_its_await);
    TEST_ADD(suite, a_member_that_fails_at_once_cancels_the_running_body);
    TEST_ADD(suite, a_cancel_cancels_all);
    TEST_ADD(suite, a_cancelled_group_fails_unless_its_body_returns_something);
    TEST_ADD(suite, any_deferred_may_be_a_member);
    TEST_ADD_ROWS(suite, a_body_may_cancel_those_that_are_being_cancelled, inside_rows);
    TEST_ADD(suite, a_group_needs_a_body);
    TEST_ADD(suite, groups_nest);
    TEST_ADD(suite, locals_are_inherited_and_then_ones_own);
    TEST_ADD(suite, a_group_ends_whatever_allocation_fails);
    TEST_ADD(suite, a_group_that_waits_for_itself_ends_by_a_cancel);
    TEST_ADD(suite, a_list_that_is_being_cancelled_is_waited_for_all_the_same);
    return test_run(suite);
}
