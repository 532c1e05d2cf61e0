/* SPDX-License-Identifier: MIT */
/*
 * check_condition.c - re-entrant lock, condition, event, barrier.
 */
#include "config.h"

#include <errno.h>

#include <tweed/inline_callbacks.h>
#include <tweed/sync.h>

#include "tests/trace.h"

static void note(tw_deferred *d, const char *step)
{
    tw_add_both(d, say_none, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

/* --- re-entrant lock -------------------------------------------------------------------- */

START_TEST(its_owner_may_acquire_a_reentrant_lock_again)
{
    static const char anna = 'a', bert = 'b';
    tw_lock *lock = test_given(tw_lock_new_reentrant());

    trace_setup();
    note(tw_lock_acquire_as(lock, &anna), "a");
    note(tw_lock_acquire_as(lock, &bert), "b");
    note(tw_lock_acquire_as(lock, &anna), "a");
    ck_trace("a=pointer a=pointer");
    ck_assert_uint_eq(tw_lock_waiting(lock), 1);
    ck_assert_int_eq(tw_lock_release_as(lock, &bert), -EPERM);
    ck_assert_int_eq(tw_lock_release(lock), -EPERM);
    ck_assert_int_eq(tw_lock_release_as(lock, &anna), 0);
    ck_trace("");
    ck_assert_int_eq(tw_lock_release_as(lock, &anna), 0);
    ck_trace("b=pointer");
    ck_assert_int_eq(tw_lock_release_as(lock, &anna), -EPERM);
    ck_assert_int_eq(tw_lock_release_as(lock, &bert), 0);
    ck_assert_int_eq(tw_lock_release_as(lock, &bert), -EPERM);
    ck_assert(!tw_lock_held(lock));
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

START_TEST(nobody_owns_a_reentrant_lock)
{
    tw_lock *lock = test_given(tw_lock_new_reentrant());

    trace_setup();
    note(tw_lock_acquire(lock), "a");
    ck_trace("a!misuse");
    ck_assert_int_eq(tw_lock_try(lock), -EINVAL);
    ck_assert_int_eq(tw_lock_release(lock), -EPERM);
    ck_assert(!tw_lock_held(lock));
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

/* Acquires once more in a generator of its own: still the same owner. */
static tw_value acquire_in_generator(void *lock)
{
    tw_yield(tw_integer(tw_is_failure(tw_await(tw_lock_acquire(lock)))));
    return tw_none();
}

static tw_value owner(void *lock)
{
    tw_coroutine *generator;
    tw_value value;

    tw_await(tw_lock_acquire(lock));
    ck_assert_int_eq(tw_lock_try(lock), 0);
    generator = test_given(tw_coroutine_new(acquire_in_generator, lock));
    ck_assert_int_eq(tw_coroutine_next(generator, &value), TW_YIELDED);
    ck_assert_int_eq(tw_integer_of(value), 0);
    tw_coroutine_free(generator);
    trace_add("has");
    tw_await(tw_lock_run(lock, (tw_guarded *)NULL, NULL));
    tw_lock_release(lock);
    tw_lock_release(lock);
    trace_add("twice");
    ck_assert_int_eq(tw_lock_release(lock), 0);
    return tw_integer(tw_lock_release(lock));
}

START_TEST(a_coroutine_owns_its_locks_in_its_generators_too)
{
    static const char anna = 'a';
    tw_lock *lock = test_given(tw_lock_new_reentrant());

    trace_setup();
    note(tw_lock_acquire_as(lock, &anna), "a");
    note(tw_inline_callbacks(owner, lock), "b");
    note(tw_lock_acquire_as(lock, &anna + 1), "c");
    ck_trace("a=pointer");
    tw_lock_release_as(lock, &anna);
    ck_assert_str_eq(trace, "has twice c=pointer b=-1");
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

static tw_deferred *slot, *inner;

static tw_deferred *start(void *arg)
{
    (void)arg;
    trace_add("start");
    return tw_promise(&slot, NULL, NULL);
}

START_TEST(a_run_owns_a_reentrant_lock_itself)
{
    static const char anna = 'a';
    tw_lock *lock = test_given(tw_lock_new_reentrant());

    trace_setup();
    note(tw_lock_run(lock, start, NULL), "a");
    note(tw_lock_acquire_as(lock, &anna), "b");
    ck_trace("start");
    tw_fire(&slot, tw_integer(3));
    ck_trace("b=pointer a=3");
    tw_lock_release_as(lock, &anna);
    ck_assert(!tw_lock_held(lock));
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

START_TEST(a_run_that_is_paused_and_dropped_gives_its_turn_back)
{
    tw_lock *lock = test_given(tw_lock_new());
    tw_deferred *run;

    trace_setup();
    ck_assert_int_eq(tw_lock_try(lock), 0);
    ck_assert_int_eq(tw_lock_try(lock), -EAGAIN);
    run = tw_lock_run(lock, start, NULL);
    tw_deferred_pause(run);
    tw_lock_release(lock);
    ck_assert(tw_lock_held(lock));
    tw_deferred_unref(run);
    ck_assert(!tw_lock_held(lock));
    ck_trace("");
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

/* --- condition -------------------------------------------------------------------------- */

static tw_lock *lock;
static tw_condition *condition;

static void condition_setup(void)
{
    lock = test_given(tw_lock_new());
    condition = test_given(tw_condition_new(lock));
    trace_setup();
}

static void condition_teardown(void)
{
    tw_condition_free(condition);
    tw_lock_free(lock);
    trace_teardown();
}

/* Acquire, wait; a woken wait says so, with the lock held. */
static tw_deferred *wait_with_lock(const char *step)
{
    tw_deferred *wait;

    ck_assert_int_eq(tw_lock_try(lock), 0);
    wait = tw_condition_wait(condition);
    tw_add_both(wait, say_none, (void *)(uintptr_t)step);
    ck_assert(!tw_lock_held(lock));
    return wait;
}

START_TEST(who_is_notified_has_the_lock_when_it_is_released)
{
    condition_setup();
    tw_deferred_unref(wait_with_lock("a"));
    tw_deferred_unref(wait_with_lock("b"));
    tw_deferred_unref(wait_with_lock("c"));
    ck_assert_uint_eq(tw_condition_waiting(condition), 3);
    ck_assert_int_eq(tw_condition_notify(condition, 1), -EPERM);
    ck_assert_int_eq(tw_condition_notify_all(condition), -EPERM);
    tw_lock_try(lock);
    ck_assert_int_eq(tw_condition_notify(condition, 2), 0);
    ck_assert_uint_eq(tw_condition_waiting(condition), 1);
    ck_trace("");
    note(tw_lock_acquire(lock), "d"); /* behind the notified ones */
    tw_lock_release(lock);
    ck_trace("a=pointer");
    tw_lock_release(lock);
    ck_trace("b=pointer");
    tw_lock_release(lock);
    ck_trace("d=pointer");
    ck_assert_int_eq(tw_condition_notify_all(condition), 0);
    tw_lock_release(lock);
    ck_trace("c=pointer");
    tw_lock_release(lock);
    ck_assert(!tw_lock_held(lock));
    condition_teardown();
}
END_TEST

START_TEST(a_wait_without_the_lock_is_a_misuse)
{
    static const char anna = 'a';
    tw_lock *mine = test_given(tw_lock_new_reentrant());
    tw_condition *of_mine = test_given(tw_condition_new(mine));

    condition_setup();
    note(tw_condition_wait(condition), "a");
    ck_trace("a!misuse");
    note(tw_lock_acquire_as(mine, &anna), "b");
    note(tw_condition_wait(of_mine), "c");
    ck_trace("b=pointer c!misuse");
    tw_condition_free(of_mine);
    tw_lock_free(mine);
    condition_teardown();
}
END_TEST

START_TEST(a_cancelled_wait_fails_when_it_has_the_lock)
{
    tw_deferred *a, *b;

    condition_setup();
    a = wait_with_lock("a");
    b = wait_with_lock("b");
    tw_lock_try(lock);
    tw_cancel(a);
    tw_cancel(a);
    ck_trace("");
    ck_assert_uint_eq(tw_condition_waiting(condition), 1);
    tw_lock_release(lock);
    ck_trace("a!cancelled");
    ck_assert(tw_lock_held(lock));
    tw_lock_release(lock);
    tw_cancel(b); /* nobody has the lock */
    ck_trace("b!cancelled");
    ck_assert(tw_lock_held(lock));
    tw_lock_release(lock);
    tw_deferred_unref(a);
    tw_deferred_unref(b);
    condition_teardown();
}
END_TEST

START_TEST(a_notification_passes_on_from_who_is_cancelled)
{
    tw_deferred *a, *b, *c;

    condition_setup();
    a = wait_with_lock("a");
    b = wait_with_lock("b");
    c = wait_with_lock("c");
    tw_lock_try(lock);
    tw_condition_notify(condition, 1);
    tw_cancel(a);
    ck_assert_uint_eq(tw_condition_waiting(condition), 1);
    tw_lock_release(lock);
    ck_trace("a!cancelled");
    tw_lock_release(lock);
    ck_trace("b=pointer");
    tw_lock_release(lock);
    ck_trace("");
    tw_cancel(c);
    tw_lock_release(lock);
    tw_deferred_unref(a);
    tw_deferred_unref(b);
    tw_deferred_unref(c);
    condition_teardown();
}
END_TEST

START_TEST(a_notification_for_one_that_was_let_go_of_goes_to_the_next)
{
    tw_deferred *a;

    condition_setup();
    tw_lock_try(lock);
    a = tw_condition_wait(condition);
    tw_deferred_unref(wait_with_lock("b"));
    tw_lock_try(lock);
    tw_condition_notify(condition, 1);
    tw_deferred_unref(a);
    ck_assert_uint_eq(tw_condition_waiting(condition), 1);
    tw_lock_release(lock);
    ck_trace("b=pointer");
    tw_lock_release(lock);
    ck_assert(!tw_lock_held(lock));
    condition_teardown();
}
END_TEST

START_TEST(a_wait_that_fails_for_want_of_memory_keeps_no_lock)
{
    tw_deferred *a;

    condition_setup();
    a = wait_with_lock("a");
    for (int i = 0; i < 9; i++)
        tw_add_both(a, say_none, "x"); /* its chain is full */
    tw_lock_try(lock);
    test_fail_alloc(1, true);
    tw_add_both(a, say_none, "last");
    test_fail_alloc(0, false);
    ck_assert_ptr_nonnull(strstr(trace, "a!memory"));
    trace_reset();
    note(tw_condition_wait(condition),
         "b"); /* a, which had lined up for the lock, is passed over */
    ck_assert(!tw_lock_held(lock));
    ck_trace("");
    tw_deferred_unref(a);
    tw_condition_free(condition);
    ck_trace("b!abandoned");
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

START_TEST(a_timeout_ends_a_wait_as_a_cancel_does)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *a;

    condition_setup();
    tw_lock_try(lock);
    a = tw_condition_wait(condition);
    tw_deferred_add_timeout(a, 5, clock);
    note(a, "a");
    tw_clock_advance(clock, 5);
    ck_trace("a!timeout");
    ck_assert_int_eq(tw_lock_release(lock), 0);
    tw_clock_free(clock);
    condition_teardown();
}
END_TEST

START_TEST(a_wait_gives_back_all_levels_of_a_reentrant_lock)
{
    static const char anna = 'a', bert = 'b';

    lock = test_given(tw_lock_new_reentrant());
    condition = test_given(tw_condition_new(lock));
    trace_setup();
    for (int i = 0; i < 3; i++)
        note(tw_lock_acquire_as(lock, &anna), "a");
    note(tw_condition_wait_for_as(condition, &anna, NULL, NULL), "woken");
    ck_assert(!tw_lock_held(lock));
    note(tw_lock_acquire_as(lock, &bert), "b");
    tw_condition_notify_all(condition);
    trace_reset();
    tw_lock_release_as(lock, &bert);
    ck_trace("woken=pointer");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tw_lock_release_as(lock, &anna), 0);
    ck_assert_int_eq(tw_lock_release_as(lock, &anna), -EPERM);
    ck_assert(!tw_lock_held(lock));
    condition_teardown();
}
END_TEST

static int level;

static bool level_is(void *wanted)
{
    return level >= *(const int *)wanted;
}

START_TEST(wait_for_waits_until_it_is_true)
{
    static int two = 2, none = 0;
    enum { MANY = 50000 };

    condition_setup();
    level = 0;
    tw_lock_try(lock);
    note(tw_condition_wait_for(condition, level_is, &none), "a");
    ck_trace("a=pointer");
    note(tw_condition_wait_for(condition, level_is, &two), "b");
    for (level = 1; level <= 2; level++) {
        tw_lock_try(lock);
        tw_condition_notify_all(condition);
        tw_lock_release(lock);
        ck_trace(level == 1 ? "" : "b=pointer");
    }
    level = 0;
    for (int i = 0; i < MANY; i++) { /* all look once more, none goes deeper */
        note(tw_condition_wait_for(condition, level_is, &two), "c");
        ck_assert_int_eq(tw_lock_try(lock), 0);
    }
    tw_condition_notify_all(condition);
    tw_lock_release(lock);
    ck_assert(!tw_lock_held(lock));
    ck_assert_uint_eq(tw_condition_waiting(condition), MANY);
    tw_lock_try(lock);
    tw_lock_free(lock);
    tw_condition_free(condition);
    trace_teardown();
}
END_TEST

static bool frees_the_condition(void *again)
{
    if (*(int *)again == 0)
        tw_condition_free(condition);
    return --*(int *)again == 5;
}

START_TEST(a_condition_may_be_freed_by_its_predicate)
{
    int again = 1;

    condition_setup();
    tw_lock_try(lock);
    note(tw_condition_wait_for(condition, frees_the_condition, &again), "a");
    tw_lock_try(lock);
    tw_condition_notify_all(condition);
    tw_lock_release(lock);
    ck_trace("a!abandoned");
    ck_assert(tw_lock_held(lock));
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

START_TEST(who_waits_for_a_condition_that_goes_is_abandoned_with_the_lock)
{
    condition_setup();
    tw_deferred_unref(wait_with_lock("a"));
    tw_deferred_unref(wait_with_lock("b"));
    tw_condition_free(condition);
    ck_trace("a!abandoned");
    ck_assert_int_eq(tw_lock_release(lock), 0);
    ck_trace("b!abandoned");
    ck_assert_int_eq(tw_lock_release(lock), 0);
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

START_TEST(who_waits_for_a_lock_that_goes_is_abandoned_without)
{
    condition_setup();
    tw_deferred_unref(wait_with_lock("a"));
    tw_deferred_unref(wait_with_lock("b"));
    tw_lock_try(lock);
    tw_condition_notify(condition, 1);
    tw_lock_free(lock);
    ck_trace("a!abandoned");
    tw_condition_free(condition);
    ck_trace("b!abandoned");
    trace_teardown();
}
END_TEST

static tw_value waits_in_a_coroutine(void *arg)
{
    tw_value woken;

    (void)arg;
    tw_await(tw_lock_acquire(lock));
    woken = tw_await(tw_condition_wait(condition));
    trace_seen("woken", woken);
    trace_add(tw_lock_held(lock) ? "held" : "free");
    tw_lock_release(lock);
    return woken;
}

START_TEST(a_cancelled_coroutine_still_has_its_lock_to_release)
{
    tw_deferred *task;

    condition_setup();
    task = tw_inline_callbacks(waits_in_a_coroutine, NULL);
    note(tw_deferred_ref(task), "a");
    tw_lock_try(lock);
    tw_cancel(task);
    ck_trace("");
    tw_lock_release(lock);
    ck_trace("woken!cancelled held a!cancelled");
    ck_assert(!tw_lock_held(lock));
    tw_deferred_unref(task);
    condition_teardown();
}
END_TEST

/* --- event ------------------------------------------------------------------------------ */

static tw_event *event;

static tw_value clears_and_waits(tw_value result, void *step)
{
    trace_seen("cleared", result);
    tw_event_clear(event);
    note(tw_event_wait(event), step);
    return tw_none();
}

START_TEST(set_wakes_all_who_wait_now)
{
    tw_deferred *a;

    trace_setup();
    event = test_given(tw_event_new());
    a = tw_event_wait(event);
    tw_add_both(a, clears_and_waits, "again");
    tw_deferred_unref(a);
    note(tw_event_wait(event), "b");
    ck_assert_uint_eq(tw_event_waiting(event), 2);
    ck_assert_int_eq(tw_event_set(event), 0);
    ck_trace("cleared=none b=none");
    ck_assert(!tw_event_is_set(event));
    ck_assert_uint_eq(tw_event_waiting(event), 1);
    tw_event_set(event);
    tw_event_set(event);
    ck_trace("again=none");
    note(tw_event_wait(event), "c");
    ck_trace("c=none");
    ck_assert(tw_event_is_set(event));
    tw_event_clear(event);
    note(tw_event_wait(event), "d");
    tw_event_free(event);
    ck_trace("d!abandoned");
    trace_teardown();
}
END_TEST

/* --- barrier ---------------------------------------------------------------------------- */

START_TEST(a_barrier_lets_all_go_when_the_last_comes)
{
    tw_barrier *barrier = test_given(tw_barrier_new(3));
    tw_deferred *b;

    trace_setup();
    for (int round = 0; round < 2; round++) {
        note(tw_barrier_wait(barrier), "a");
        b = tw_barrier_wait(barrier);
        note(tw_deferred_ref(b), "b");
        tw_cancel(b); /* has not come */
        tw_deferred_unref(b);
        note(tw_barrier_wait(barrier), "c");
        ck_assert_uint_eq(tw_barrier_waiting(barrier), 2);
        note(tw_barrier_wait(barrier), "d");
        ck_trace("b!cancelled a=0 c=1 d=2");
        ck_assert_uint_eq(tw_barrier_waiting(barrier), 0);
    }
    note(tw_barrier_wait(barrier), "e");
    tw_barrier_free(barrier);
    ck_trace("e!abandoned");
    trace_teardown();
}
END_TEST

START_TEST(a_broken_barrier_says_so_until_it_is_reset)
{
    tw_barrier *barrier = test_given(tw_barrier_new(2));

    trace_setup();
    note(tw_barrier_wait(barrier), "a");
    ck_assert_int_eq(tw_barrier_abort(barrier), 0);
    note(tw_barrier_wait(barrier), "b");
    ck_trace("a!barrier_broken b!barrier_broken");
    ck_assert(tw_barrier_broken(barrier));
    ck_assert_int_eq(tw_barrier_reset(barrier), 0);
    ck_assert(!tw_barrier_broken(barrier));
    note(tw_barrier_wait(barrier), "c");
    tw_barrier_reset(barrier);
    ck_trace("c!barrier_broken");
    note(tw_barrier_wait(barrier), "d");
    note(tw_barrier_wait(barrier), "e");
    ck_trace("d=0 e=1");
    tw_barrier_free(barrier);
    errno = 0;
    ck_assert_ptr_null(tw_barrier_new(0));
    ck_assert_int_eq(errno, EINVAL);
    trace_teardown();
}
END_TEST

static bool meet(void *arg)
{
    tw_barrier *barrier = tw_barrier_new(2);
    tw_deferred *first = tw_barrier_wait(barrier), *second = tw_barrier_wait(barrier);

    (void)arg;
    if (first != NULL && second != NULL)
        ck_assert(tw_deferred_called(first) && tw_deferred_called(second));
    else if (first != NULL)
        ck_assert(!tw_deferred_called(first));
    tw_deferred_unref(first);
    tw_deferred_unref(second);
    tw_barrier_free(barrier);
    return !test_alloc_failed();
}

START_TEST(nobody_goes_when_the_last_has_no_memory)
{
    test_each_alloc_failure(meet, NULL);
}
END_TEST

START_TEST(what_could_not_be_made_does_no_harm)
{
    trace_setup();
    errno = 0;
    ck_assert_ptr_null(tw_condition_new(NULL));
    ck_assert_int_eq(errno, EINVAL);
    note(tw_condition_wait(NULL), "a");
    note(tw_event_wait(NULL), "b");
    note(tw_barrier_wait(NULL), "c");
    note(tw_lock_acquire_as(NULL, &slot), "d");
    ck_trace("a!memory b!memory c!memory d!memory");
    ck_assert_int_eq(tw_condition_notify(NULL, 1), -EINVAL);
    ck_assert_int_eq(tw_condition_notify_all(NULL), -EINVAL);
    ck_assert_int_eq(tw_event_set(NULL), -EINVAL);
    ck_assert_int_eq(tw_event_clear(NULL), -EINVAL);
    ck_assert_int_eq(tw_barrier_abort(NULL), -EINVAL);
    ck_assert_int_eq(tw_barrier_reset(NULL), -EINVAL);
    ck_assert_int_eq(tw_lock_try(NULL), -EINVAL);
    ck_assert_int_eq(tw_semaphore_try(NULL), -EINVAL);
    ck_assert_int_eq(tw_lock_release_as(NULL, &inner), -EINVAL);
    ck_assert(!tw_event_is_set(NULL) && !tw_barrier_broken(NULL));
    ck_assert_uint_eq(tw_condition_waiting(NULL) + tw_event_waiting(NULL) +
                          tw_barrier_waiting(NULL) + tw_lock_waiting(NULL),
                      0);
    tw_condition_free(NULL);
    tw_event_free(NULL);
    tw_barrier_free(NULL);
    trace_teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("condition");

    TEST_ADD(suite, its_owner_may_acquire_a_reentrant_lock_again);
    TEST_ADD(suite, nobody_owns_a_reentrant_lock);
    TEST_ADD(suite, a_coroutine_owns_its_locks_in_its_generators_too);
    TEST_ADD(suite, a_run_owns_a_reentrant_lock_itself);
    TEST_ADD(suite, a_run_that_is_paused_and_dropped_gives_its_turn_back);
    TEST_ADD(suite, who_is_notified_has_the_lock_when_it_is_released);
    TEST_ADD(suite, a_wait_without_the_lock_is_a_misuse);
    TEST_ADD(suite, a_cancelled_wait_fails_when_it_has_the_lock);
    TEST_ADD(suite, a_notification_passes_on_from_who_is_cancelled);
    TEST_ADD(suite, a_notification_for_one_that_was_let_go_of_goes_to_the_next);
    TEST_ADD(suite, a_wait_that_fails_for_want_of_memory_keeps_no_lock);
    TEST_ADD(suite, a_timeout_ends_a_wait_as_a_cancel_does);
    TEST_ADD(suite, a_wait_gives_back_all_levels_of_a_reentrant_lock);
    TEST_ADD(suite, wait_for_waits_until_it_is_true);
    TEST_ADD(suite, a_condition_may_be_freed_by_its_predicate);
    TEST_ADD(suite, who_waits_for_a_condition_that_goes_is_abandoned_with_the_lock);
    TEST_ADD(suite, who_waits_for_a_lock_that_goes_is_abandoned_without);
    TEST_ADD(suite, a_cancelled_coroutine_still_has_its_lock_to_release);
    TEST_ADD(suite, set_wakes_all_who_wait_now);
    TEST_ADD(suite, a_barrier_lets_all_go_when_the_last_comes);
    TEST_ADD(suite, a_broken_barrier_says_so_until_it_is_reset);
    TEST_ADD(suite, nobody_goes_when_the_last_has_no_memory);
    TEST_ADD(suite, what_could_not_be_made_does_no_harm);
    return test_run(suite);
}
