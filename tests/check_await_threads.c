/* SPDX-License-Identifier: MIT */
/*
 * check_await_threads.c - the thread pool from inside coroutines.
 */
#include "config.h"

#include <pthread.h>
#include <time.h>

#include <tweed/deferred_list.h>
#include <tweed/inline_callbacks.h>
#include <tweed/reactor.h>
#include <tweed/thread.h>

#include "tests/test.h"

static void begin(void)
{
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(NULL), 0);
}

static void end(void)
{
    ck_assert_uint_eq(tw_deferred_count(), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}

/* --- on threads --------------------------------------------------------------------------- */

static tw_value square(void *arg)
{
    return tw_integer((intptr_t)arg * (intptr_t)arg);
}

static tw_value fail_with_bytes(void *arg)
{
    (void)arg;
    return tw_fail(&tw_error_url, "from a thread");
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool is_inside, is_open;

static tw_value wait_at_gate(void *arg)
{
    pthread_mutex_lock(&mutex);
    is_inside = true;
    pthread_cond_broadcast(&moved);
    while (!is_open)
        pthread_cond_wait(&moved, &mutex);
    pthread_mutex_unlock(&mutex);
    return tw_integer((intptr_t)arg);
}

static void await_inside(void)
{
    struct timespec until;
    int r = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&mutex);
    while (!is_inside && r == 0)
        r = pthread_cond_timedwait(&moved, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    ck_assert_int_eq(r, 0);
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&mutex);
    is_open = open;
    is_inside = false;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&mutex);
}

static int releases;

static void count_release(void *arg)
{
    (void)arg;
    releases++;
}

/* --- in coroutines ------------------------------------------------------------------------ */

static tw_value sum_of_squares(void *arg)
{
    int64_t sum = 0;

    for (intptr_t i = 1; i <= (intptr_t)arg; i++)
        sum += tw_integer_of(tw_await(tw_defer_to_thread(square, (void *)i)));
    return tw_integer(sum);
}

START_TEST(a_coroutine_awaits_one_call_after_another)
{
    tw_value v;

    begin();
    v = tw_block_on(tw_inline_callbacks(sum_of_squares, (void *)10));
    ck_assert_int_eq(tw_integer_of(v), 385);
    end();
}
END_TEST

START_TEST(many_coroutines_await_at_once)
{
    tw_deferred *tasks[50];
    tw_value v;

    begin();
    for (int i = 0; i < 50; i++)
        tasks[i] = tw_inline_callbacks(sum_of_squares, (void *)5);
    v = tw_block_on(tw_gather(tasks, 50));
    ck_assert_uint_eq(tw_list_length(v), 50);
    for (size_t i = 0; i < 50; i++)
        ck_assert_int_eq(tw_integer_of(tw_list_at(v, i)), 55);
    tw_release(v);
    end();
}
END_TEST

static tw_value recover(void *arg)
{
    tw_value v = tw_await(tw_defer_to_thread(fail_with_bytes, NULL));

    (void)arg;
    ck_assert(tw_failure_is(v, &tw_error_url));
    ck_assert_str_eq(tw_failure_message(v), "from a thread");
    return tw_await(tw_defer_to_thread(square, (void *)3));
}

START_TEST(a_failure_from_a_thread_is_seen_at_the_await)
{
    tw_value v;

    begin();
    v = tw_block_on(tw_inline_callbacks(recover, NULL));
    ck_assert_int_eq(tw_integer_of(v), 9);
    end();
}
END_TEST

static tw_thread_pool *pool;

static tw_value await_gate(void *arg)
{
    tw_deferred *d = tw_defer_to_thread_pool(pool, wait_at_gate, arg, count_release);
    tw_value v = tw_await(d);

    /* Clean-up may use the pool again. */
    if (tw_failure_is(v, &tw_error_cancelled)) {
        tw_value w = tw_await(tw_defer_to_thread(square, (void *)4));
        ck_assert_int_eq(tw_integer_of(w), 16);
    }
    return v;
}

static tw_value note(tw_value result, void *arg)
{
    *(tw_value *)arg = tw_retain(result);
    return tw_none();
}

START_TEST(a_cancelled_coroutine_takes_queued_work_out_and_forgets_what_runs)
{
    tw_value running = tw_none(), queued = tw_none();
    double deadline = test_deadline();
    tw_deferred *first, *second;

    begin();
    set_gate(false);
    releases = 0;
    pool = tw_thread_pool_new(1);
    first = tw_inline_callbacks(await_gate, (void *)1);
    await_inside();
    second = tw_inline_callbacks(await_gate, (void *)2);
    tw_add_both(first, note, &running);
    tw_add_both(second, note, &queued);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).queued, 1);
    tw_cancel(second);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).queued, 0);
    ck_assert_int_eq(releases, 1);
    tw_cancel(first);
    while ((tw_is_none(running) || tw_is_none(queued)) && test_before(deadline))
        tw_reactor_iterate(0.01);
    ck_assert(tw_failure_is(running, &tw_error_cancelled));
    ck_assert(tw_failure_is(queued, &tw_error_cancelled));
    ck_assert_int_eq(releases, 1); /* the thread still has its argument */
    tw_release(running);
    tw_release(queued);
    tw_deferred_unref(first);
    tw_deferred_unref(second);
    set_gate(true);
    tw_thread_pool_free(pool, true);
    ck_assert_int_eq(releases, 2);
    end();
}
END_TEST

static tw_value with_timeout(void *arg)
{
    tw_deferred *d = tw_defer_to_thread_pool(pool, wait_at_gate, arg, NULL);

    if (tw_deferred_add_timeout(d, 0.01, NULL) < 0)
        set_gate(true);
    return tw_await(d);
}

START_TEST(a_timeout_of_an_awaited_call_is_seen_at_the_await)
{
    tw_value v;

    begin();
    set_gate(false);
    pool = tw_thread_pool_new(1);
    v = tw_block_on(tw_inline_callbacks(with_timeout, NULL));
    ck_assert(tw_failure_is(v, &tw_error_timeout));
    tw_release(v);
    set_gate(true);
    tw_thread_pool_free(pool, true);
    end();
}
END_TEST

START_TEST(the_end_of_a_pool_is_seen_at_the_await)
{
    tw_value v = tw_none();
    tw_deferred *d;

    begin();
    set_gate(true);
    pool = tw_thread_pool_new(1);
    for (int i = 0; i < 20; i++)
        tw_deferred_unref(tw_defer_to_thread_pool(pool, wait_at_gate, NULL, NULL));
    d = tw_inline_callbacks(await_gate, (void *)7);
    tw_add_both(d, note, &v);
    tw_thread_pool_free(pool, false);
    while (tw_is_none(v))
        tw_reactor_iterate(0.01);
    ck_assert(tw_integer_of(v) == 7 || tw_failure_is(v, &tw_error_cancelled));
    tw_release(v);
    tw_deferred_unref(d);
    end();
}
END_TEST

static bool life(void *arg)
{
    tw_value v;
    bool ok;

    (void)arg;
    if (tw_reactor_install(NULL) < 0)
        return false;
    v = tw_block_on(tw_inline_callbacks(sum_of_squares, (void *)3));
    ok = tw_integer_of(v) == 14;
    tw_release(v);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    return ok;
}

START_TEST(no_allocation_failure_harms_a_coroutine_and_its_thread)
{
    tw_reactor_uninstall();
    test_each_alloc_failure(life, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("await_threads");

    TEST_ADD(suite, a_coroutine_awaits_one_call_after_another);
    TEST_ADD(suite, many_coroutines_await_at_once);
    TEST_ADD(suite, a_failure_from_a_thread_is_seen_at_the_await);
    TEST_ADD(suite, a_cancelled_coroutine_takes_queued_work_out_and_forgets_what_runs);
    TEST_ADD(suite, a_timeout_of_an_awaited_call_is_seen_at_the_await);
    TEST_ADD(suite, the_end_of_a_pool_is_seen_at_the_await);
    TEST_ADD(suite, no_allocation_failure_harms_a_coroutine_and_its_thread);
    return test_run(suite);
}
