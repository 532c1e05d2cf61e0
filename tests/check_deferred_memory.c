/* SPDX-License-Identifier: MIT */
/*
 * check_deferred_memory.c - Deferreds without memory.
 */
#include "config.h"

#include <errno.h>

#include "tests/trace.h"

static void no_more_memory(void)
{
    test_fail_alloc(1, true);
}

static void memory_again(void)
{
    test_fail_alloc(0, false);
}

/* Two entries lie inside a Deferred, eight in its first overflow block: the next needs memory. */
static void fill(tw_deferred *d, int entries)
{
    for (int i = 0; i < entries; i++)
        tw_add_both(d, pass, "f");
}

static int note_cancel(tw_deferred *deferred, void *ctx)
{
    (void)deferred;
    trace_add(ctx);
    return 0;
}

static int refuse(tw_deferred *deferred, void *ctx)
{
    (void)deferred;
    trace_add(ctx);
    return -EBUSY;
}

START_TEST(an_add_that_cannot_be_stored_fails_the_deferred_first)
{
    tw_deferred *slot, *d = tw_promise_with(&slot, note_cancel, "stop", released);

    trace_setup();
    tw_add_errback(d, pass, "a");
    fill(d, 9);
    no_more_memory();
    ck_assert_int_eq(tw_add_both_with(d, say_none, "last", released), 0);
    memory_again();
    ck_assert_ptr_nonnull(strstr(trace, "stop ~stop a!memory f!memory"));
    ck_assert_ptr_nonnull(strstr(trace, "last!memory ~last"));
    tw_fire(&slot, tw_integer(1));
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(a_canceller_that_refuses_does_not_keep_it_from_failing)
{
    tw_deferred *slot, *d = tw_promise(&slot, refuse, "no");

    trace_setup();
    fill(d, 10);
    no_more_memory();
    ck_assert_int_eq(tw_add_both(d, say_none, "last"), 0);
    memory_again();
    ck_assert_ptr_nonnull(strstr(trace, "no f!memory"));
    ck_assert_ptr_nonnull(strstr(trace, "last!memory"));
    trace_reset();
    ck_assert_int_eq(tw_fire(&slot, tw_integer(1)), 0); /* swallowed */
    ck_trace("");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(where_that_is_impossible_the_loss_is_reported)
{
    tw_deferred *d = tw_succeed(tw_integer(1));

    trace_setup();
    tw_deferred_pause(d);
    fill(d, 10);
    no_more_memory();
    ck_assert_int_eq(tw_add_both_with(d, pass, "lost", released), -ENOMEM);
    ck_assert_int_eq(tw_add_callbacks_with(d, pass, "l1", released, pass, "l2", released),
                     -ENOMEM);
    memory_again();
    ck_trace("~lost unhandled!memory ~l1 ~l2 unhandled!memory");
    tw_deferred_unpause(d);
    ck_trace("f=1 f=1 f=1 f=1 f=1 f=1 f=1 f=1 f=1 f=1");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(waiting_without_memory_fails_who_would_wait)
{
    tw_deferred *slot, *inner = tw_promise(&slot, NULL, NULL);
    tw_deferred *d = tw_succeed(tw_integer(1)), *next_slot, *next;

    trace_setup();
    fill(inner, 10);
    no_more_memory();
    tw_add_callback(d, wait_for, tw_deferred_ref(inner));
    tw_add_both(d, say_none, "d");
    ck_trace("w=1 d!memory");
    next = tw_fired_at("x", tw_none());
    ck_assert_ptr_null(next);
    memory_again();
    next = tw_promise(&next_slot, NULL, NULL);
    tw_deferred_pause(inner);
    no_more_memory();
    ck_assert_int_eq(tw_chain_deferred(inner, next_slot), -ENOMEM);
    memory_again();
    tw_add_both(next, say_none, "n");
    ck_trace("n!memory");
    tw_deferred_unpause(inner);
    tw_fire(&slot, tw_integer(5));
    trace_reset();
    tw_deferred_unref(next);
    tw_deferred_unref(inner);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

/* --- anything, failing anywhere --------------------------------------------------------- */

struct tally {
    int made, released, last;
};

static void release_tally(void *arg)
{
    ((struct tally *)arg)->released++;
}

static tw_value see(tw_value result, void *arg)
{
    (void)arg;
    return tw_is_failure(result) ? result : tw_bytes_format("%s+", tw_bytes_data(result));
}

static tw_value see_last(tw_value result, void *arg)
{
    struct tally *tally = arg;

    tally->last++;
    return tw_is_failure(result) ? tw_none() : result;
}

static tw_value wait_again(tw_value result, void *arg)
{
    tw_deferred **slot = arg;

    if (tw_is_failure(result))
        return result;
    return tw_wait(tw_promise(slot, NULL, NULL));
}

static bool use_chain(void *arg)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *slot, *inner_slot = NULL, *next_slot;
    tw_deferred *d, *shield, *next;
    struct tally tally = { 0, 0, 0 };

    (void)arg;
    if (clock == NULL)
        return false;
    trace_setup();
    d = tw_promise_with(&slot, NULL, &tally, release_tally);
    tally.made++;
    for (int i = 0; i < 12; i++) {
        tw_add_both_with(d, see, &tally, release_tally);
        tally.made++;
    }
    tw_add_both(d, wait_again, &inner_slot);
    tw_deferred_add_timeout(d, 5, clock);
    tw_deferred_set_data(d, &tally, release_tally);
    tally.made++;
    tw_add_callbacks_with(d, see, &tally, release_tally, see, &tally, release_tally);
    tally.made += 2;
    shield = tw_shield(tw_deferred_ref(d));
    next = tw_promise(&next_slot, NULL, NULL);
    tw_chain_deferred(d, next_slot);
    tw_add_both(next, see_last, &tally);
    tw_add_both(shield, see_last, &tally);
    tw_fire(&slot, tw_string("x"));
    tw_clock_advance(clock, 1);
    tw_fire(&inner_slot, tw_string("y"));
    tw_deferred_unref(shield);
    tw_deferred_unref(next);
    tw_deferred_mark_handled(d);
    tw_deferred_unref(d);
    ck_assert_int_eq(tally.last, 2);
    ck_assert_int_eq(tally.released, tally.made);
    tw_clock_free(clock);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(a_chain_sees_everything_once_whatever_allocation_fails)
{
    test_each_alloc_failure(use_chain, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deferred memory");

    TEST_ADD(suite, an_add_that_cannot_be_stored_fails_the_deferred_first);
    TEST_ADD(suite, a_canceller_that_refuses_does_not_keep_it_from_failing);
    TEST_ADD(suite, where_that_is_impossible_the_loss_is_reported);
    TEST_ADD(suite, waiting_without_memory_fails_who_would_wait);
    TEST_ADD(suite, a_chain_sees_everything_once_whatever_allocation_fails);
    return test_run(suite);
}
