/* SPDX-License-Identifier: MIT */
/*
 * check_deferred_chain.c - the callbacks that run, their order, and their input.
 */
#include "config.h"

#include <errno.h>

#include "tests/trace.h"

static tw_deferred *fired(int64_t integer)
{
    return tw_succeed(tw_integer(integer));
}

static tw_value a_failure(void)
{
    return tw_fail(&tw_error_system, "on purpose");
}

/* --- pairs, pass-through, recovery: rows ------------------------------------------------ */

/* Each letter adds one step: c callback, e errback, b both, p a pair; upper case: the step fails
 * (of a pair: its callback); r an errback that recovers, f a both that fails, m a both that adds
 * one. */
static const struct {
    const char *when;
    const char *steps;
    bool fails;
    const char *sees;
} rows[] = {
    { "a value meets callbacks only", "ceb", false, "c=1 b=1" },
    { "a failure meets errbacks only", "ceb", true, "e!system b!system" },
    { "each sees what the one before returned", "mmm", false, "m=1 m=2 m=3" },
    { "a failing callback turns to errbacks", "Ccec", false, "C=1 e!system" },
    { "an errback that returns a value recovers", "rc", true, "r!system c=100" },
    { "an errback may fail anew", "ffe", true, "f!system f!system e!system" },
    { "a pair: the callback for a value", "pc", false, "p+=1 c=1" },
    { "a pair: the errback for a failure", "pe", true, "p-!system e!system" },
    { "the errback of a pair does not see its own callback fail", "Pe", false,
      "P+=1 e!system" },
    { "nothing for that side passes it on", "ccccb", true, "b!system" },
    { "more steps than fit inside", "cccccccccccccccccccc", false,
      "c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1 c=1" },
    { "a pair across the edge of the inside", "cpcpc", false, "c=1 p+=1 c=1 p+=1 c=1" },
};

static void add_step(tw_deferred *d, char step)
{
    switch (step) {
    case 'c':
        tw_add_callback(d, pass, "c");
        break;
    case 'C':
        tw_add_callback(d, failing, "C");
        break;
    case 'e':
        tw_add_errback(d, pass, "e");
        break;
    case 'r':
        tw_add_errback(d, recover, "r");
        break;
    case 'b':
        tw_add_both(d, pass, "b");
        break;
    case 'f':
        tw_add_both(d, failing, "f");
        break;
    case 'm':
        tw_add_both(d, more, "m");
        break;
    case 'p':
        tw_add_callbacks(d, pass, "p+", pass, "p-");
        break;
    case 'P':
        tw_add_callbacks(d, failing, "P+", pass, "P-");
        break;
    default:
        ck_abort();
    }
}

static void check_row(int row, bool fire_first)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);
    tw_value result = rows[row].fails ? a_failure() : tw_integer(1);

    if (fire_first)
        tw_deferred_fire(d, result);
    for (const char *step = rows[row].steps; *step != '\0'; step++)
        add_step(d, *step);
    if (!fire_first)
        tw_deferred_fire(d, result);
    ck_assert_msg(strcmp(trace, rows[row].sees) == 0, "%s: %s", rows[row].when, trace);
    tw_deferred_mark_handled(d);
    tw_deferred_unref(d);
}

START_TEST(steps_see_values_or_failures)
{
    trace_setup();
    check_row(_i, false);
    trace_teardown();
}
END_TEST

START_TEST(steps_added_after_firing_run_at_once_and_see_the_same)
{
    trace_setup();
    check_row(_i, true);
    trace_teardown();
}
END_TEST

START_TEST(a_pair_may_lack_either_side)
{
    tw_deferred *d = fired(1);

    trace_setup();
    ck_assert_int_eq(tw_add_callbacks(d, NULL, NULL, pass, "e"), 0);
    ck_assert_int_eq(tw_add_callbacks(d, failing, "c", NULL, NULL), 0);
    ck_assert_int_eq(tw_add_callbacks(d, failing, "c", NULL, NULL), 0);
    ck_assert_int_eq(tw_add_callbacks(d, NULL, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tw_add_callbacks(d, NULL, NULL, recover, "e"), 0);
    ck_trace("c=1 e!system");
    ck_assert_int_eq(tw_add_callback(d, NULL, NULL), -EINVAL);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

/* --- order ------------------------------------------------------------------------------ */

static tw_value add_another(tw_value result, void *d)
{
    trace_seen("x", result);
    tw_add_callback(d, more, "added");
    trace_add("/x");
    return result;
}

START_TEST(what_a_running_callback_adds_is_queued)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    tw_add_callback(d, add_another, d);
    tw_add_callback(d, more, "last");
    tw_deferred_fire(d, tw_integer(1));
    ck_trace("x=1 /x last=1 added=2");
    tw_add_callback(d, add_another, d);
    ck_trace("x=3 /x added=3");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

static int left_to_add;

static tw_value add_myself(tw_value result, void *d)
{
    if (--left_to_add > 0) {
        tw_add_callback(d, add_myself, d);
        if (left_to_add % 3 == 0)
            tw_add_callback(d, say_none, "n");
        trace_reset();
    }
    return result;
}

START_TEST(a_callback_that_adds_itself_for_ever_needs_no_more_memory)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    left_to_add = 100000;
    tw_add_callback(d, pass, "1");
    tw_add_callback(d, pass, "2");
    tw_add_callback(d, add_myself, d);
    test_fail_alloc(0, false);
    tw_deferred_fire(d, tw_integer(1));
    ck_assert_uint_lt(test_allocs(), 20);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

static tw_value look_at_own(tw_value result, void *d)
{
    ck_assert(tw_deferred_called(d));
    ck_assert(!tw_deferred_is_done(d));
    ck_assert_int_eq(tw_integer_of(tw_deferred_result(d)), tw_integer_of(result));
    ck_assert(tw_is_none(tw_deferred_take_result(d)));
    return tw_integer(tw_integer_of(result) + 1);
}

START_TEST(a_callback_sees_its_input_as_the_result)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    tw_add_callback(d, look_at_own, d);
    tw_add_callback(d, look_at_own, d);
    ck_assert(!tw_deferred_called(d));
    ck_assert(tw_is_none(tw_deferred_result(d)));
    tw_deferred_fire(d, tw_integer(5));
    ck_assert_int_eq(tw_integer_of(tw_deferred_result(d)), 7);
    ck_assert(tw_deferred_is_done(d));
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(arguments_are_released_once_run_or_not)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    tw_add_callback_with(d, pass, "a", released);
    tw_add_errback_with(d, pass, "b", released);
    tw_add_both_with(d, pass, "c", released);
    tw_add_callbacks_with(d, pass, "d", released, pass, "e", released);
    tw_deferred_fire(d, tw_integer(1));
    ck_trace("a=1 ~a ~b c=1 ~c d=1 ~d ~e");
    tw_add_callbacks_with(d, failing, "d", released, pass, "e", released);
    tw_add_callbacks_with(d, failing, "d", released, recover, "e", released);
    ck_trace("d=1 ~d ~e e!system ~e ~d");
    ck_assert_int_eq(tw_add_callback_with(d, NULL, "x", released), -EINVAL);
    ck_trace("~x");
    tw_deferred_unref(d);
    d = tw_deferred_new(NULL, NULL, NULL);
    tw_add_callback_with(d, pass, "a", released);
    tw_add_errback_with(d, pass, "b", released);
    tw_add_both_with(d, pass, "c", released);
    tw_deferred_unref(d);
    ck_trace("~a ~b ~c");
    trace_teardown();
}
END_TEST

/* --- values: owned and lent ------------------------------------------------------------- */

static tw_value first_item(tw_value list, void *arg)
{
    (void)arg;
    return tw_list_at(list, 0); /* lent, inside of what goes away */
}

START_TEST(a_lent_part_of_the_input_may_be_returned)
{
    tw_value list = tw_list(1);
    tw_deferred *d;

    trace_setup();
    tw_list_append(list, tw_string("inside"));
    d = tw_succeed(list);
    tw_add_callback(d, first_item, NULL);
    tw_add_callback(d, pass, "a");
    ck_trace("a=inside");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

static tw_value retained(tw_value result, void *arg)
{
    (void)arg;
    return tw_retain(result);
}

START_TEST(an_owned_copy_of_the_input_may_be_returned)
{
    tw_deferred *d = tw_succeed(tw_string("again"));
    tw_value result;

    trace_setup();
    tw_add_callback(d, retained, NULL);
    tw_add_callback(d, pass, "a");
    ck_trace("a=again");
    result = tw_deferred_take_result(d);
    ck_assert(tw_is_owned(result));
    tw_release(result);
    ck_assert(tw_is_none(tw_deferred_result(d)));
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

/* --- returning a Deferred --------------------------------------------------------------- */

START_TEST(a_fired_deferred_returned_gives_its_result)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL), *inner = fired(7);

    trace_setup();
    tw_add_callback(d, wait_for, tw_deferred_ref(inner));
    tw_add_callback(d, more, "a");
    tw_deferred_fire(d, tw_integer(1));
    ck_trace("w=1 a=7");
    tw_add_both(inner, pass, "i");
    ck_trace("i=none");
    tw_deferred_unref(inner);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(a_failed_deferred_returned_is_reported_once)
{
    tw_deferred *d = fired(1);

    trace_setup();
    tw_add_callback(d, wait_for, tw_failed(a_failure()));
    ck_trace("w=1");
    tw_deferred_unref(d);
    ck_trace("unhandled!system");
    trace_teardown();
}
END_TEST

START_TEST(a_pending_deferred_returned_is_waited_for)
{
    tw_deferred *d = fired(1), *slot;
    tw_deferred *inner = tw_promise(&slot, NULL, NULL);

    trace_setup();
    tw_add_callback(inner, more, "earlier");
    tw_add_callback(d, wait_for, tw_deferred_ref(inner));
    tw_add_callback(d, more, "outer");
    tw_add_callback(inner, pass, "later");
    ck_trace("w=1");
    ck_assert_ptr_eq(tw_deferred_waiting_on(d), inner);
    ck_assert_uint_eq(tw_deferred_paused(d), 0);
    ck_assert_int_eq(tw_deferred_unpause(d), -EINVAL);
    ck_assert(tw_deferred_called(d) && !tw_deferred_is_done(d));
    ck_assert(tw_is_none(tw_deferred_result(d)));
    tw_fire(&slot, tw_integer(10));
    ck_trace("earlier=10 outer=11 later=none");
    ck_assert_ptr_null(tw_deferred_waiting_on(d));
    ck_assert_int_eq(tw_integer_of(tw_deferred_result(d)), 12);
    tw_deferred_unref(inner);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(a_paused_or_waiting_deferred_returned_counts_as_pending)
{
    tw_deferred *d = fired(1), *inner = fired(5), *innermost_slot;
    tw_deferred *innermost = tw_promise(&innermost_slot, NULL, NULL);

    trace_setup();
    tw_deferred_pause(inner);
    tw_add_callback(d, wait_for, tw_deferred_ref(inner));
    tw_add_callback(d, pass, "a");
    tw_add_callback(d, wait_for, tw_deferred_ref(inner));
    tw_add_callback(d, pass, "b");
    ck_trace("w=1");
    tw_deferred_unpause(inner);
    ck_trace("a=5 w=5 b=none");
    tw_add_callback(inner, wait_for, innermost);
    tw_add_callback(d, wait_for, tw_deferred_ref(inner));
    tw_add_callback(d, pass, "c");
    ck_trace("w=none w=none");
    ck_assert_ptr_eq(tw_deferred_waiting_on(d), inner);
    tw_fire(&innermost_slot, tw_integer(6));
    ck_trace("c=6");
    tw_deferred_unref(inner);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(waiting_for_what_cannot_be_made_fails)
{
    tw_deferred *d = fired(1);

    trace_setup();
    tw_add_callback(d, wait_for, NULL);
    tw_add_both(d, recover, "a");
    ck_trace("w=1 a!memory");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(returning_itself_is_an_error_at_once)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    tw_add_callback(d, wait_for, tw_deferred_ref(d));
    tw_add_errback(d, recover, "a");
    tw_deferred_fire(d, tw_integer(1));
    ck_trace("w=1 a!misuse");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(waiting_in_a_circle_is_an_error_at_once)
{
    tw_deferred *d[3];

    trace_setup();
    for (int i = 0; i < 3; i++)
        d[i] = tw_deferred_new(NULL, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        tw_add_callback(d[i], wait_for, tw_deferred_ref(d[(i + 1) % 3]));
        tw_add_errback(d[i], pass, "a");
    }
    for (int i = 0; i < 3; i++)
        tw_deferred_fire(d[i], tw_integer(i));
    ck_trace("w=0 w=1 w=2 a!misuse a!misuse a!misuse");
    tw_deferred_mark_handled(d[0]);
    for (int i = 0; i < 3; i++)
        tw_deferred_unref(d[i]);
    trace_teardown();
}
END_TEST

START_TEST(what_dies_unfired_abandons_its_waiters)
{
    tw_deferred *d = fired(1), *slot;
    tw_deferred *inner = tw_promise(&slot, NULL, NULL);

    trace_setup();
    tw_add_both_with(inner, pass, "i", released);
    tw_add_callback(d, wait_for, inner);
    tw_add_both(d, recover, "a");
    tw_deferred_unref(slot);
    ck_trace("w=1 ~i a!abandoned");
    tw_add_callback(d, wait_for, tw_deferred_new(NULL, NULL, NULL));
    tw_add_both(d, recover, "b");
    ck_trace("w=100 b!abandoned");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(the_inner_one_keeps_its_waiter_alive)
{
    tw_deferred *d = fired(1), *slot;

    trace_setup();
    tw_add_callback(d, wait_for, tw_promise(&slot, NULL, NULL));
    tw_add_callback(d, pass, "a");
    tw_deferred_unref(d);
    tw_fire(&slot, tw_integer(2));
    ck_trace("w=1 a=2");
    trace_teardown();
}
END_TEST

START_TEST(a_waiter_that_was_paused_goes_on_when_unpaused)
{
    tw_deferred *d = fired(1), *slot;
    tw_deferred *inner = tw_promise(&slot, NULL, NULL);

    trace_setup();
    tw_add_callback(d, wait_for, tw_deferred_ref(inner));
    tw_add_callback(d, pass, "a");
    tw_add_callback(inner, pass, "i");
    tw_deferred_pause(d);
    ck_assert_uint_eq(tw_deferred_paused(d), 1);
    tw_fire(&slot, tw_integer(2));
    ck_trace("w=1 i=none");
    ck_assert_int_eq(tw_deferred_unpause(d), 0);
    ck_trace("a=2");
    tw_deferred_unref(inner);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

static tw_deferred *outer, *pending;

static void add_waiting(void *arg)
{
    (void)arg;
    tw_add_callback(outer, wait_for, pending);
    tw_add_callback(outer, pass, "late");
}

START_TEST(the_death_of_the_inner_one_may_add_to_its_waiter)
{
    tw_deferred *slot, *pending_slot;

    trace_setup();
    outer = tw_succeed(tw_integer(1));
    pending = tw_promise(&pending_slot, NULL, NULL);
    tw_add_callback(outer, wait_for, tw_promise(&slot, NULL, NULL));
    tw_deferred_on_death(slot, add_waiting, NULL);
    tw_add_callback(outer, pass, "early");
    tw_fire(&slot, tw_integer(2));
    tw_fire(&pending_slot, tw_integer(3));
    ck_trace("w=1 early=2 w=2 late=3");
    tw_deferred_unref(outer);
    trace_teardown();
}
END_TEST

/* --- pause ------------------------------------------------------------------------------ */

static tw_value pause_it(tw_value result, void *d)
{
    tw_deferred_pause(d);
    return result;
}

static tw_value pause_and_unpause(tw_value result, void *d)
{
    tw_deferred_pause(d);
    tw_deferred_unpause(d);
    return result;
}

START_TEST(pauses_are_counted)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    tw_add_callback(d, pass, "a");
    tw_deferred_pause(d);
    tw_deferred_pause(d);
    tw_deferred_fire(d, tw_integer(1));
    ck_trace("");
    ck_assert_int_eq(tw_deferred_unpause(d), 0);
    tw_add_callback(d, pass, "b");
    ck_trace("");
    ck_assert_int_eq(tw_deferred_unpause(d), 0);
    ck_trace("a=1 b=1");
    ck_assert_int_eq(tw_deferred_unpause(d), -EINVAL);
    tw_add_callback(d, pause_it, d);
    tw_add_callback(d, pass, "c");
    ck_trace("");
    tw_deferred_unpause(d);
    tw_add_callback(d, pause_and_unpause, d);
    tw_add_callback(d, pass, "e");
    ck_trace("c=1 e=1");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(what_dies_paused_abandons_its_waiters)
{
    tw_deferred *d = fired(1), *inner = fired(2);

    trace_setup();
    tw_deferred_pause(inner);
    tw_add_callback(d, wait_for, tw_deferred_ref(inner));
    tw_add_both(d, recover, "a");
    tw_deferred_unref(inner);
    ck_trace("w=1 a!abandoned");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

/* --- chain_deferred, resolve_with ------------------------------------------------------- */

START_TEST(chain_deferred_moves_the_result)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL), *slot;
    tw_deferred *next = tw_promise(&slot, NULL, NULL);

    trace_setup();
    tw_add_both(next, pass, "n");
    ck_assert_int_eq(tw_chain_deferred(d, slot), 0);
    tw_add_both(d, pass, "d");
    tw_deferred_fire(d, tw_integer(1));
    ck_trace("n=1 d=none");
    tw_deferred_unref(d);
    tw_deferred_unref(next);
    d = tw_failed(a_failure());
    next = tw_promise(&slot, NULL, NULL);
    ck_assert_int_eq(tw_chain_deferred(d, slot), 0);
    tw_deferred_unref(d); /* its error went on */
    ck_trace("");
    tw_deferred_unref(next);
    ck_trace("unhandled!system");
    ck_assert_int_eq(tw_chain_deferred(NULL, NULL), 0);
    next = tw_promise(&slot, NULL, NULL);
    ck_assert_int_eq(tw_chain_deferred(NULL, slot), 0);
    tw_add_both(next, recover, "n");
    ck_trace("n!memory");
    tw_deferred_unref(next);
    d = tw_deferred_new(NULL, NULL, NULL);
    ck_assert_int_eq(tw_chain_deferred(d, tw_deferred_ref(d)), -EINVAL);
    next = tw_promise(&slot, NULL, NULL);
    tw_chain_deferred(d, slot);
    tw_deferred_unref(d); /* unfired */
    tw_add_both(next, recover, "n");
    ck_trace("n!abandoned");
    tw_deferred_unref(next);
    trace_teardown();
}
END_TEST

START_TEST(chain_deferred_to_a_fired_one_is_firing_twice)
{
    tw_deferred *d = fired(1), *next = fired(2);

    trace_setup();
    tw_chain_deferred(d, tw_deferred_ref(next));
    ck_trace("twice=1");
    tw_deferred_unref(next);
    next = tw_deferred_new(NULL, NULL, NULL);
    tw_deferred_pause(next);
    tw_add_both(next, pass, "n");
    tw_chain_deferred(d, tw_deferred_ref(next));
    tw_deferred_unpause(next);
    ck_trace("n=none");
    tw_deferred_unref(next);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(resolve_with_fires_with_what_another_will_have)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL), *slot;

    trace_setup();
    tw_add_both(d, pass, "a");
    ck_assert_int_eq(tw_deferred_resolve_with(d, tw_promise(&slot, NULL, NULL)), 0);
    ck_assert(tw_deferred_called(d));
    tw_fire(&slot, tw_integer(3));
    ck_trace("a=3");
    ck_assert_int_eq(tw_deferred_resolve_with(d, fired(4)), -EALREADY);
    ck_trace("twice=deferred");
    tw_deferred_unref(d);
    d = tw_deferred_new(NULL, NULL, NULL);
    ck_assert_int_eq(tw_deferred_resolve_with(d, fired(4)), 0);
    tw_add_both(d, pass, "b");
    ck_trace("b=4");
    tw_deferred_unref(d);
    d = tw_deferred_new(NULL, NULL, NULL);
    ck_assert_int_eq(tw_deferred_resolve_with(d, NULL), 0);
    tw_add_both(d, recover, "c");
    ck_trace("c!memory");
    tw_deferred_unref(d);
    d = tw_deferred_new(NULL, NULL, NULL);
    ck_assert_int_eq(tw_deferred_resolve_with(d, tw_deferred_ref(d)), 0);
    tw_add_both(d, recover, "d");
    ck_trace("d!misuse");
    tw_deferred_unref(d);
    d = tw_deferred_new(NULL, NULL, NULL);
    tw_deferred_pause(d);
    tw_add_both(d, pass, "e");
    tw_deferred_resolve_with(d, fired(5));
    ck_trace("");
    tw_deferred_unpause(d);
    ck_trace("e=5");
    tw_deferred_unref(d);
    ck_assert_int_eq(tw_deferred_resolve_with(NULL, fired(5)), 0);
    trace_teardown();
}
END_TEST

START_TEST(maybe_deferred_makes_one_of_anything)
{
    tw_deferred *d = fired(1);

    trace_setup();
    ck_assert_ptr_eq(tw_maybe_deferred(tw_wait(d)), d);
    tw_deferred_unref(d);
    d = tw_maybe_deferred(tw_integer(2));
    tw_add_both(d, pass, "a");
    tw_deferred_unref(d);
    d = tw_maybe_deferred(a_failure());
    tw_add_both(d, recover, "b");
    tw_deferred_unref(d);
    ck_trace("a=2 b!system");
    trace_teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deferred chain");

    TEST_ADD_ROWS(suite, steps_see_values_or_failures, rows);
    TEST_ADD_ROWS(suite, steps_added_after_firing_run_at_once_and_see_the_same, rows);
    TEST_ADD(suite, a_pair_may_lack_either_side);
    TEST_ADD(suite, what_a_running_callback_adds_is_queued);
    TEST_ADD(suite, a_callback_that_adds_itself_for_ever_needs_no_more_memory);
    TEST_ADD(suite, a_callback_sees_its_input_as_the_result);
    TEST_ADD(suite, arguments_are_released_once_run_or_not);
    TEST_ADD(suite, a_lent_part_of_the_input_may_be_returned);
    TEST_ADD(suite, an_owned_copy_of_the_input_may_be_returned);
    TEST_ADD(suite, a_fired_deferred_returned_gives_its_result);
    TEST_ADD(suite, a_failed_deferred_returned_is_reported_once);
    TEST_ADD(suite, a_pending_deferred_returned_is_waited_for);
    TEST_ADD(suite, a_paused_or_waiting_deferred_returned_counts_as_pending);
    TEST_ADD(suite, waiting_for_what_cannot_be_made_fails);
    TEST_ADD(suite, returning_itself_is_an_error_at_once);
    TEST_ADD(suite, waiting_in_a_circle_is_an_error_at_once);
    TEST_ADD(suite, what_dies_unfired_abandons_its_waiters);
    TEST_ADD(suite, the_inner_one_keeps_its_waiter_alive);
    TEST_ADD(suite, a_waiter_that_was_paused_goes_on_when_unpaused);
    TEST_ADD(suite, the_death_of_the_inner_one_may_add_to_its_waiter);
    TEST_ADD(suite, pauses_are_counted);
    TEST_ADD(suite, what_dies_paused_abandons_its_waiters);
    TEST_ADD(suite, chain_deferred_moves_the_result);
    TEST_ADD(suite, chain_deferred_to_a_fired_one_is_firing_twice);
    TEST_ADD(suite, resolve_with_fires_with_what_another_will_have);
    TEST_ADD(suite, maybe_deferred_makes_one_of_anything);
    return test_run(suite);
}
