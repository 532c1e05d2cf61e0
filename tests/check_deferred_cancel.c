/* SPDX-License-Identifier: MIT */
/*
 * check_deferred_cancel.c - cancel, timeouts, shield.
 */
#include "config.h"

#include <errno.h>
#include <math.h>

#include "tests/trace.h"

static tw_deferred *slot;

/* --- cancellers ------------------------------------------------------------------------- */

static int leave_it(tw_deferred *deferred, void *ctx)
{
    (void)deferred;
    trace_add(ctx);
    return 0;
}

static int fire_value(tw_deferred *deferred, void *ctx)
{
    (void)deferred;
    trace_add(ctx);
    tw_fire(&slot, tw_integer(42));
    trace_add("fired");
    return 0;
}

static int fire_failure(tw_deferred *deferred, void *ctx)
{
    (void)ctx;
    tw_deferred_fire(deferred, tw_fail(&tw_error_dns, "stopped"));
    return 0;
}

static int refuse(tw_deferred *deferred, void *ctx)
{
    (void)deferred;
    trace_add(ctx);
    return -EBUSY;
}

static int later(tw_deferred *deferred, void *ctx)
{
    (void)deferred;
    trace_add(ctx);
    return TW_CANCEL_LATER;
}

static int again(tw_deferred *deferred, void *ctx)
{
    trace_add(ctx);
    ck_assert_int_eq(tw_cancel(deferred), 0);
    return 0;
}

/* The effects of a cancel: its result, the chain's input, and the result of a late fire. */
static const struct {
    const char *when;
    tw_canceller *canceller;
    int answer;
    const char *sees;
    int late;
    const char *late_sees;
} rows[] = {
    { "no canceller: one late result is swallowed", NULL, 0, "~ctx a!cancelled", 0, "" },
    { "a canceller that does not fire", leave_it, 0, "ctx ~ctx a!cancelled", -EALREADY,
      "twice=1" },
    { "a canceller that fires a value; its argument outlives that", fire_value, 0,
      "ctx a=42 fired ~ctx", 0, "" },
    { "a canceller that fires a failure of its own", fire_failure, 0, "a!dns ~ctx", -EALREADY,
      "twice=1" },
    { "a canceller that fails", refuse, -EBUSY, "ctx", 0, "~ctx a=1" },
    { "a canceller that will fire by itself", later, 0, "ctx", 0, "~ctx a=1" },
    { "a canceller that cancels", again, 0, "ctx ~ctx a!cancelled", -EALREADY, "twice=1" },
};

START_TEST(cancel_asks_the_canceller)
{
    tw_deferred *d = tw_promise_with(&slot, rows[_i].canceller, "ctx", released);

    trace_setup();
    tw_add_both(d, pass, "a");
    ck_assert_int_eq(tw_cancel(d), rows[_i].answer);
    ck_assert_msg(strcmp(trace, rows[_i].sees) == 0, "%s: %s", rows[_i].when, trace);
    trace_reset();
    ck_assert_int_eq(tw_fire(&slot, tw_integer(1)), rows[_i].late);
    ck_assert_msg(strcmp(trace, rows[_i].late_sees) == 0, "%s: %s", rows[_i].when, trace);
    tw_deferred_mark_handled(d);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(exactly_one_late_result_is_swallowed)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    tw_add_errback(d, say_none, "a");
    ck_assert_int_eq(tw_cancel(d), 0);
    ck_assert_int_eq(tw_cancel(d), 0);
    ck_trace("a!cancelled");
    ck_assert_int_eq(tw_deferred_fire(d, tw_string("late")), 0);
    ck_assert_int_eq(tw_deferred_fire(d, tw_string("later")), -EALREADY);
    ck_trace("twice=later");
    tw_deferred_unref(d);
    d = tw_deferred_new(NULL, NULL, NULL);
    tw_add_errback(d, say_none, "b");
    tw_cancel(d);
    ck_assert_int_eq(tw_deferred_resolve_with(d, tw_succeed(tw_string("late"))), 0);
    ck_trace("b!cancelled");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(cancelling_what_is_done_is_nothing)
{
    tw_deferred *d = tw_succeed(tw_integer(1));

    trace_setup();
    ck_assert_int_eq(tw_cancel(d), 0);
    tw_deferred_pause(d);
    tw_add_both(d, pass, "a");
    ck_assert_int_eq(tw_cancel(d), 0);
    tw_deferred_unpause(d);
    ck_trace("a=1");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(cancel_is_forwarded_to_the_innermost)
{
    tw_deferred *outer = tw_succeed(tw_integer(1)), *middle = tw_succeed(tw_integer(2));
    tw_deferred *inner = tw_promise(&slot, leave_it, "stop");

    trace_setup();
    tw_add_callback(middle, wait_for, inner);
    tw_add_both(middle, pass, "middle");
    tw_add_callback(outer, wait_for, middle);
    tw_add_both(outer, say_none, "outer");
    ck_trace("w=2 w=1");
    ck_assert_int_eq(tw_cancel(outer), 0);
    ck_trace("stop middle!cancelled outer!cancelled");
    tw_deferred_unref(slot);
    tw_deferred_unref(outer);
    outer = tw_succeed(tw_integer(1));
    tw_add_callback(outer, wait_for, tw_promise(&slot, refuse, "no"));
    tw_add_both(outer, pass, "outer");
    ck_assert_int_eq(tw_cancel(outer), -EBUSY);
    ck_trace("w=1 no");
    tw_fire(&slot, tw_integer(3));
    ck_trace("outer=3");
    tw_deferred_unref(outer);
    trace_teardown();
}
END_TEST

START_TEST(cancel_of_a_resolved_one_goes_on_to_its_inner)
{
    tw_deferred *d = tw_deferred_new(refuse, "never asked", NULL);

    trace_setup();
    tw_deferred_resolve_with(d, tw_promise(&slot, leave_it, "inner"));
    tw_add_both(d, say_none, "a");
    ck_assert_int_eq(tw_cancel(d), 0);
    ck_trace("inner a!cancelled");
    tw_deferred_unref(slot);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(a_canceller_may_drop_everything)
{
    tw_deferred *d = tw_promise(&slot, leave_it, "stop");

    trace_setup();
    tw_deferred_unref(slot);
    tw_add_both(d, let_go, d);
    tw_cancel(d);
    ck_trace("stop x!cancelled unhandled!cancelled");
    trace_teardown();
}
END_TEST

START_TEST(a_shared_inner_is_cancelled_for_all_who_wait)
{
    tw_deferred *inner = tw_promise(&slot, NULL, NULL);
    tw_deferred *a = tw_succeed(tw_none()), *b = tw_succeed(tw_none());

    trace_setup();
    tw_add_callback(a, wait_for, tw_deferred_ref(inner));
    tw_add_both(a, say_none, "a");
    tw_add_callback(b, wait_for, tw_deferred_ref(inner));
    tw_add_both(b, say_none, "b");
    tw_cancel(b);
    ck_trace("w=none w=none a!cancelled b=none");
    tw_deferred_unref(slot);
    tw_deferred_unref(inner);
    tw_deferred_unref(a);
    tw_deferred_unref(b);
    trace_teardown();
}
END_TEST

/* --- shield ----------------------------------------------------------------------------- */

START_TEST(a_shield_keeps_a_cancel_from_its_inner)
{
    tw_deferred *inner = tw_promise(&slot, leave_it, "never"), *a, *b;

    trace_setup();
    a = tw_shield(tw_deferred_ref(inner));
    b = tw_shield(tw_deferred_ref(inner));
    tw_add_both(a, say_none, "a");
    tw_add_both(b, say_none, "b");
    tw_add_both(inner, pass, "i");
    tw_cancel(a);
    ck_trace("a!cancelled");
    tw_fire(&slot, tw_integer(1));
    ck_trace("b=1 i=1");
    tw_deferred_unref(a);
    tw_deferred_unref(b);
    tw_deferred_unref(inner);
    a = tw_shield(tw_failed(tw_fail(&tw_error_dns, "x")));
    ck_trace("");
    tw_deferred_unref(a);
    ck_trace("unhandled!dns");
    a = tw_shield(tw_promise(&slot, NULL, NULL));
    tw_add_both(a, say_none, "a");
    tw_deferred_unref(slot);
    ck_trace("a!abandoned");
    tw_deferred_unref(a);
    trace_teardown();
}
END_TEST

/* --- timeouts --------------------------------------------------------------------------- */

#define NEVER (-1.0)

static void fire_slot(void *arg)
{
    (void)arg;
    tw_fire(&slot, tw_integer(1));
}

static const struct {
    const char *when;
    double fires_at, timeout;
    const char *sees;
} times[] = {
    { "fires first", 5, 10, "before=1 after=1" },
    { "time runs out first", 20, 10, "before!cancelled after!timeout" },
    { "never fires", NEVER, 10, "before!cancelled after!timeout" },
    { "a tie: scheduled first wins", 10, 10, "before=1 after=1" },
    { "no time at all, but never inside the call", NEVER, 0,
      "before!cancelled after!timeout" },
};

START_TEST(a_timeout_bounds_a_deferred)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *d = tw_promise(&slot, NULL, NULL);

    trace_setup();
    if (times[_i].fires_at >= 0)
        tw_clock_call_later(clock, times[_i].fires_at, fire_slot, NULL, NULL);
    tw_add_both(d, pass, "before");
    ck_assert_int_eq(tw_deferred_add_timeout(d, times[_i].timeout, clock), 0);
    tw_add_both(d, say_none, "after");
    ck_trace("");
    tw_clock_advance(clock, 30);
    ck_assert_msg(strcmp(trace, times[_i].sees) == 0, "%s: %s", times[_i].when, trace);
    ck_assert_uint_eq(tw_clock_pending(clock), 0);
    tw_deferred_unref(slot);
    slot = NULL;
    tw_deferred_unref(d);
    tw_clock_free(clock);
    trace_teardown();
}
END_TEST

START_TEST(a_timeout_covers_only_what_came_before_it)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *d = tw_succeed(tw_integer(1)), *inner;

    trace_setup();
    ck_assert_int_eq(tw_deferred_add_timeout(d, 10, clock), 0);
    ck_assert_uint_eq(tw_clock_pending(clock), 0);
    inner = tw_promise(&slot, NULL, NULL);
    tw_add_callback(d, wait_for, inner);
    tw_clock_advance(clock, 100);
    ck_assert(!tw_deferred_is_done(d));
    ck_assert_int_eq(tw_deferred_add_timeout(d, 10, clock), 0);
    tw_add_both(d, say_none, "a");
    tw_clock_advance(clock, 10); /* reaches what it waits for */
    ck_trace("w=1 a!timeout");
    tw_deferred_unref(slot);
    tw_deferred_unref(d);
    tw_clock_free(clock);
    trace_teardown();
}
END_TEST

START_TEST(a_users_cancel_stays_cancelled_and_others_pass)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *d = tw_promise(&slot, NULL, NULL);

    trace_setup();
    tw_deferred_add_timeout(d, 10, clock);
    tw_cancel(d);
    tw_add_both(d, say_none, "a");
    ck_trace("a!cancelled");
    ck_assert_uint_eq(tw_clock_pending(clock), 0);
    tw_deferred_unref(slot);
    tw_deferred_unref(d);
    d = tw_deferred_new(fire_failure, NULL, NULL);
    tw_deferred_add_timeout(d, 10, clock);
    tw_add_both(d, say_none, "b");
    tw_clock_advance(clock, 10);
    ck_trace("b!dns");
    tw_deferred_unref(d);
    d = tw_promise(&slot, fire_value, "c");
    tw_deferred_add_timeout(d, 10, clock);
    tw_add_both(d, say_none, "c");
    tw_clock_advance(clock, 10);
    ck_trace("c c=42 fired");
    tw_deferred_unref(d);
    tw_clock_free(clock);
    trace_teardown();
}
END_TEST

START_TEST(several_timeouts_each_have_their_place)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *d = tw_promise(&slot, NULL, NULL), *second;

    trace_setup();
    tw_deferred_add_timeout(d, 10, clock);
    tw_add_errback(d, say_none, "first");
    tw_add_callback(d, wait_for, tw_promise(&second, NULL, NULL));
    tw_deferred_add_timeout(d, 15, clock);
    tw_add_errback(d, say_none, "second");
    tw_clock_advance(clock, 10);
    ck_trace("first!timeout w=none");
    tw_clock_advance(clock, 5);
    ck_trace("second!timeout");
    tw_deferred_unref(second);
    tw_deferred_unref(slot);
    tw_deferred_unref(d);
    tw_clock_free(clock);
    trace_teardown();
}
END_TEST

START_TEST(a_timeout_goes_with_its_deferred)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    ck_assert_int_eq(tw_deferred_add_timeout(d, 10, clock), 0);
    ck_assert_uint_eq(tw_clock_pending(clock), 1);
    ck_assert_int_eq(tw_deferred_add_timeout(d, -1, clock), -EINVAL);
    ck_assert_int_eq(tw_deferred_add_timeout(d, INFINITY, clock), -EINVAL);
    ck_assert_int_eq(tw_deferred_add_timeout(d, NAN, clock), -EINVAL);
    tw_deferred_unref(d);
    ck_assert_uint_eq(tw_clock_pending(clock), 0);
    tw_clock_free(clock);
    trace_teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deferred cancel");

    TEST_ADD_ROWS(suite, cancel_asks_the_canceller, rows);
    TEST_ADD(suite, exactly_one_late_result_is_swallowed);
    TEST_ADD(suite, cancelling_what_is_done_is_nothing);
    TEST_ADD(suite, cancel_is_forwarded_to_the_innermost);
    TEST_ADD(suite, cancel_of_a_resolved_one_goes_on_to_its_inner);
    TEST_ADD(suite, a_canceller_may_drop_everything);
    TEST_ADD(suite, a_shared_inner_is_cancelled_for_all_who_wait);
    TEST_ADD(suite, a_shield_keeps_a_cancel_from_its_inner);
    TEST_ADD_ROWS(suite, a_timeout_bounds_a_deferred, times);
    TEST_ADD(suite, a_timeout_covers_only_what_came_before_it);
    TEST_ADD(suite, a_users_cancel_stays_cancelled_and_others_pass);
    TEST_ADD(suite, several_timeouts_each_have_their_place);
    TEST_ADD(suite, a_timeout_goes_with_its_deferred);
    return test_run(suite);
}
