/* SPDX-License-Identifier: MIT */
/*
 * check_callbacks.c - a function that is missing is refused when it is given, not missed later.
 */
#include "config.h"

#include <errno.h>
#include <tweed/tweed.h>

#include "tests/test.h"

static unsigned released;

static void count_release(void *arg)
{
    (void)arg;
    released++;
}

START_TEST(numbers_say_what_is_wrong)
{
    released = 0;
    ck_assert_int_eq(tw_call_later(0, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_call_later_with(0, NULL, &released, count_release), -EINVAL);
    ck_assert_int_eq(
        tw_clock_call_later(tw_reactor_clock(), 0, NULL, &released, count_release), -EINVAL);
    ck_assert_uint_eq(released, 2);
    ck_assert_int_eq(tw_call_soon(NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_call_when_running(NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_add_trigger(TW_BEFORE, "shutdown", NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_call_from_thread(tw_reactor_current(), NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_add_reader(0, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_add_writer(1, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_react(NULL, NULL), 1);
    tw_reactor_iterate(0);
}
END_TEST

START_TEST(a_deferred_stays_as_it_is)
{
    tw_deferred *deferred = tw_succeed(tw_integer(1));

    released = 0;
    ck_assert_int_eq(tw_add_raw(deferred, NULL, &released, count_release), -EINVAL);
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(tw_deferred_on_death(deferred, NULL, NULL), -EINVAL);
    tw_deferred_dump(NULL, NULL);
    ck_assert_int_eq(tw_add_callback(deferred, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_add_errback(deferred, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_add_both_with(deferred, NULL, &released, count_release), -EINVAL);
    ck_assert_uint_eq(released, 2);
    ck_assert_int_eq(tw_add_callbacks(deferred, NULL, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tw_integer_of(tw_deferred_result(deferred)), 1);
    tw_deferred_unref(deferred);
}
END_TEST

static void expect_misuse(tw_deferred *deferred)
{
    ck_assert(tw_failure_is(tw_deferred_result(deferred), &tw_error_misuse));
    tw_deferred_mark_handled(deferred);
    tw_deferred_unref(deferred);
}

START_TEST(deferreds_fail_with_misuse)
{
    tw_semaphore *semaphore = tw_semaphore_new(1);
    tw_value failure = tw_blocking_call_from_thread(tw_reactor_current(), NULL, NULL);

    released = 0;
    ck_assert(tw_failure_is(failure, &tw_error_misuse));
    tw_release(failure);
    expect_misuse(tw_defer_to_thread_pool(NULL, NULL, &released, count_release));
    ck_assert_uint_eq(released, 1);
    expect_misuse(tw_semaphore_run(semaphore, NULL, NULL));
    ck_assert_uint_eq(tw_semaphore_available(semaphore), 1);
    expect_misuse(tw_map("", 1, 1, 1, NULL, NULL));
    tw_semaphore_free(semaphore);
}
END_TEST

START_TEST(objects_are_not_made)
{
    static const struct tw_factory_class nothing;
    tw_cooperator *cooperator = tw_cooperator_new(NULL);

    released = 0;
    errno = 0;
    ck_assert_ptr_null(tw_looping_call_new(NULL, NULL, NULL));
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    ck_assert_ptr_null(tw_cooperate(cooperator, NULL, &released, count_release));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_uint_eq(released, 1);
    errno = 0;
    ck_assert_ptr_null(tw_factory_new(&nothing, NULL));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(tw_factory_new(NULL, NULL));
    tw_cooperator_free(cooperator);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callbacks");

    TEST_ADD(suite, numbers_say_what_is_wrong);
    TEST_ADD(suite, a_deferred_stays_as_it_is);
    TEST_ADD(suite, deferreds_fail_with_misuse);
    TEST_ADD(suite, objects_are_not_made);
    return test_run(suite);
}
