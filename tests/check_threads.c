/* SPDX-License-Identifier: MIT */
/*
 * check_threads.c - calls from other threads, blocking calls, and the thread pool.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <tweed/log.h>
#include <tweed/reactor.h>
#include <tweed/task.h>
#include <tweed/thread.h>

#include "base/slab.h"
#include "reactor/face.h"
#include "tests/test.h"

static void begin(const char *backend, bool virtual_time)
{
    struct tw_reactor_options options = { .backend = backend, .virtual_time = virtual_time };

    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
}

static void end(void)
{
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}

/* --- calls from threads ------------------------------------------------------------------ */

enum { SENDERS = 4, CALLS = 5000 };

struct sender {
    tw_reactor *reactor;
    pthread_t thread;
    int sent, received;
};
static struct sender senders[SENDERS];
static int left;

struct numbered {
    struct sender *sender;
    int number;
};

static void receive(void *arg)
{
    struct numbered *numbered = arg;

    ck_assert_int_eq(numbered->number, numbered->sender->received);
    numbered->sender->received++;
    free(numbered);
    if (--left == 0)
        tw_reactor_stop();
}

static void *send_all(void *arg)
{
    struct sender *sender = arg;

    while (sender->sent < CALLS) {
        struct numbered *numbered = malloc(sizeof *numbered);
        *numbered = (struct numbered){ sender, sender->sent++ };
        ck_assert_int_eq(tw_reactor_call_from_thread(sender->reactor, receive, numbered), 0);
    }
    return NULL;
}

static const char *const backends[] = { "epoll", "poll", "select" };

START_TEST(calls_of_a_thread_arrive_in_order_and_none_is_lost)
{
    begin(backends[_i], false);
    memset(senders, 0, sizeof senders);
    left = SENDERS * CALLS;
    for (int i = 0; i < SENDERS; i++) {
        senders[i].reactor = tw_reactor_current();
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    ck_assert_int_eq(tw_reactor_run(), 0);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    end();
}
END_TEST

/* The tests run without pools; here a thread's posts come from its chunks, as in a program. The
 * reactor has a thread of its own, so that what it pools ends with it. */
static void *receive_pooled(void *arg)
{
    (void)arg;
    begin(NULL, false);
    memset(senders, 0, sizeof senders);
    left = SENDERS * CALLS;
    for (int i = 0; i < SENDERS; i++) {
        senders[i].reactor = tw_reactor_current();
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    ck_assert_int_eq(tw_reactor_run(), 0);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    return NULL;
}

START_TEST(posts_from_chunks_arrive_in_order_and_leave_nothing)
{
    bool direct = twi_slab_direct;
    int64_t before = test_allocs_living();
    pthread_t thread;

    tw_reactor_uninstall();
    twi_slab_direct = false;
    ck_assert_int_eq(pthread_create(&thread, NULL, receive_pooled, NULL), 0);
    pthread_join(thread, NULL);
    twi_slab_direct = direct;
    ck_assert_int_le(test_allocs_living(), before);
}
END_TEST

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

static void *send_stop(void *reactor)
{
    tw_reactor_call_from_thread(reactor, stop, NULL);
    return NULL;
}

/* The sender may still be on its way out of the call when the reactor is already gone. */
START_TEST(a_reactor_may_go_right_after_the_last_call)
{
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        begin(NULL, false);
        ck_assert_int_eq(pthread_create(&thread, NULL, send_stop, tw_reactor_current()), 0);
        ck_assert_int_eq(tw_reactor_run(), 0);
        end();
        pthread_join(thread, NULL);
    }
}
END_TEST

static void set(void *flag)
{
    *(bool *)flag = true;
}

START_TEST(a_reactor_that_is_gone_refuses_and_what_it_took_is_called)
{
    tw_reactor *reactor;
    bool called = false, too_late = false;

    begin(NULL, false);
    reactor = tw_reactor_ref(tw_reactor_current());
    ck_assert_int_eq(tw_reactor_call_from_thread(reactor, set, &called), 0);
    end();
    ck_assert(called);
    ck_assert_int_eq(tw_reactor_call_from_thread(reactor, set, &too_late), -ESHUTDOWN);
    ck_assert(!too_late);
    tw_reactor_unref(reactor);
    ck_assert_int_eq(tw_reactor_call_from_thread(NULL, set, &too_late), -ENOMEM);
}
END_TEST

/* --- blocking calls ---------------------------------------------------------------------- */

static tw_value answer(void *arg)
{
    return tw_integer((intptr_t)arg * 2);
}

static tw_value answer_later(void *arg)
{
    return tw_wait(tw_defer_to_thread(answer, arg));
}

static tw_value answer_failure(void *arg)
{
    (void)arg;
    return tw_fail(&tw_error_url, "no");
}

static tw_deferred *never;

static tw_value answer_never(void *arg)
{
    (void)arg;
    tw_call_soon(stop, NULL);
    return tw_wait(tw_promise(&never, NULL, NULL));
}

static tw_value answer_dead(void *arg)
{
    tw_deferred *slot, *d = tw_promise(&slot, NULL, NULL);

    (void)arg;
    tw_deferred_unref(slot);
    return tw_wait(d);
}

static void *block(void *reactor)
{
    tw_value v = tw_blocking_call_from_thread(reactor, answer, (void *)21);
    ck_assert_int_eq(tw_integer_of(v), 42);
    v = tw_blocking_call_from_thread(reactor, answer_later, (void *)4);
    ck_assert_int_eq(tw_integer_of(v), 8);
    v = tw_blocking_call_from_thread(reactor, answer_failure, NULL);
    ck_assert(tw_failure_is(v, &tw_error_url));
    tw_release(v);
    v = tw_blocking_call_from_thread(reactor, answer_dead, NULL);
    ck_assert(tw_failure_is(v, &tw_error_abandoned));
    tw_release(v);
    v = tw_blocking_call_from_thread(reactor, answer_never, NULL);
    ck_assert(tw_failure_is(v, &tw_error_abandoned));
    tw_release(v);
    v = tw_blocking_call_from_thread(reactor, answer, NULL);
    ck_assert(tw_failure_is(v, &tw_error_abandoned));
    tw_release(v);
    tw_reactor_unref(reactor);
    return NULL;
}

START_TEST(a_blocking_call_gets_the_result_or_the_failure)
{
    tw_value v;
    pthread_t thread;

    begin(NULL, false);
    ck_assert_int_eq(
        pthread_create(&thread, NULL, block, tw_reactor_ref(tw_reactor_current())), 0);
    v = tw_blocking_call_from_thread(tw_reactor_current(), answer, NULL);
    ck_assert(tw_failure_is(v, &tw_error_misuse));
    tw_release(v);
    ck_assert_int_eq(tw_reactor_run(), 0);
    end();
    tw_fire(&never, tw_none());
    pthread_join(thread, NULL);
}
END_TEST

/* --- the pool ---------------------------------------------------------------------------- */

static tw_value square(void *arg)
{
    return tw_integer((intptr_t)arg * (intptr_t)arg);
}

static intptr_t sum;

static tw_value add_up(tw_value result, void *arg)
{
    (void)arg;
    sum += tw_integer_of(result); /* of a failure 0 */
    if (--left == 0)
        tw_reactor_stop();
    return tw_none();
}

START_TEST(results_of_blocking_functions_come_as_deferreds)
{
    begin(backends[_i], false);
    sum = 0;
    left = 200;
    for (intptr_t i = 1; i <= 200; i++) {
        tw_deferred *d = tw_defer_to_thread(square, (void *)i);
        ck_assert_ptr_nonnull(d);
        ck_assert_int_eq(tw_add_both(d, add_up, NULL), 0);
        tw_deferred_unref(d);
    }
    ck_assert(twi_loop_busy());
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(sum, 200 * 201 * 401 / 6);
    end();
}
END_TEST

static tw_value make_bytes(void *arg)
{
    return tw_bytes_format("made by a thread: %d", *(int *)arg);
}

static int releases;

static void count_release(void *arg)
{
    (void)arg;
    releases++;
}

START_TEST(a_value_made_on_a_thread_is_handed_over)
{
    int number = 7;
    tw_value v;

    begin(NULL, false);
    releases = 0;
    v = tw_block_on(tw_defer_to_thread_pool(NULL, make_bytes, &number, count_release));
    ck_assert_str_eq(tw_bytes_data(v), "made by a thread: 7");
    tw_release(v);
    ck_assert_int_eq(releases, 1);
    v = tw_block_on(tw_defer_to_thread(answer_failure, NULL));
    ck_assert(tw_failure_is(v, &tw_error_url));
    tw_release(v);
    end();
}
END_TEST

/* A gate at which pool threads wait. */
static pthread_mutex_t gate_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static int inside;
static bool open_gate;

static tw_value wait_at_gate(void *arg)
{
    pthread_mutex_lock(&gate_mutex);
    inside++;
    pthread_cond_broadcast(&gate_moved);
    while (!open_gate)
        pthread_cond_wait(&gate_moved, &gate_mutex);
    inside--;
    pthread_mutex_unlock(&gate_mutex);
    return tw_integer((intptr_t)arg);
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate_mutex);
    open_gate = open;
    pthread_cond_broadcast(&gate_moved);
    pthread_mutex_unlock(&gate_mutex);
}

static void await_inside(int count)
{
    struct timespec until;
    int r = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&gate_mutex);
    while (inside < count && r == 0)
        r = pthread_cond_timedwait(&gate_moved, &gate_mutex, &until);
    pthread_mutex_unlock(&gate_mutex);
    ck_assert_int_eq(r, 0);
}

static void open_it(void *arg)
{
    (void)arg;
    set_gate(true);
}

static tw_value note_class(tw_value result, void *arg)
{
    *(const tw_error_class **)arg = tw_failure_class(result);
    return tw_none();
}

START_TEST(queued_work_is_cancelled_and_running_work_is_only_forgotten)
{
    tw_thread_pool *pool;
    tw_deferred *running, *queued;
    const tw_error_class *first = NULL, *second = NULL;

    begin(NULL, false);
    set_gate(false);
    releases = 0;
    pool = tw_thread_pool_new(1);
    running = tw_defer_to_thread_pool(pool, wait_at_gate, NULL, count_release);
    await_inside(1);
    queued = tw_defer_to_thread_pool(pool, square, NULL, count_release);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).queued, 1);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).working, 1);
    tw_add_errback(running, note_class, &first);
    tw_add_errback(queued, note_class, &second);
    ck_assert_int_eq(tw_cancel(queued), 0);
    ck_assert_ptr_eq(second, &tw_error_cancelled);
    ck_assert_int_eq(releases, 1);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).queued, 0);
    ck_assert_int_eq(tw_cancel(running), 0);
    ck_assert_ptr_eq(first, &tw_error_cancelled);
    ck_assert_int_eq(releases, 1);
    tw_deferred_unref(running);
    tw_deferred_unref(queued);
    set_gate(true);
    tw_thread_pool_free(pool, true);
    ck_assert_int_eq(releases, 2);
    end();
}
END_TEST

START_TEST(threads_are_started_on_demand_up_to_the_limit)
{
    tw_thread_pool *pool;
    tw_deferred *work[6];

    begin(NULL, false);
    set_gate(false);
    pool = tw_thread_pool_new(2);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).threads, 0);
    work[0] = tw_defer_to_thread_pool(pool, wait_at_gate, NULL, NULL);
    await_inside(1);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).threads, 1);
    for (int i = 1; i < 6; i++)
        work[i] = tw_defer_to_thread_pool(pool, wait_at_gate, NULL, NULL);
    await_inside(2);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).threads, 2);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).queued, 4);
    ck_assert_int_eq(tw_thread_pool_set_size(pool, 5), 0);
    await_inside(5);
    ck_assert_uint_eq(tw_thread_pool_counts(pool).threads, 5);
    ck_assert_int_eq(tw_thread_pool_set_size(pool, 1), 0);
    ck_assert_int_eq(tw_thread_pool_set_size(pool, 0), -EINVAL);
    ck_assert_int_eq(tw_thread_pool_set_size(NULL, 1), -EINVAL);
    set_gate(true);
    for (int i = 0; i < 6; i++)
        tw_release(tw_block_on(work[i]));
    tw_thread_pool_free(pool, true);
    end();
}
END_TEST

START_TEST(a_pool_that_is_freed_finishes_or_cancels_what_is_queued)
{
    bool finish = _i == 1;
    const tw_error_class *error = NULL;
    tw_thread_pool *pool;
    tw_deferred *d;

    begin(NULL, false);
    set_gate(true);
    pool = tw_thread_pool_new(1);
    for (int i = 0; i < 20; i++)
        tw_deferred_unref(tw_defer_to_thread_pool(pool, wait_at_gate, NULL, NULL));
    set_gate(false);
    tw_deferred_unref(tw_defer_to_thread_pool(pool, wait_at_gate, NULL, NULL));
    d = tw_defer_to_thread_pool(pool, square, (void *)3, NULL);
    tw_add_errback(d, note_class, &error);
    await_inside(1);
    tw_call_later(0, stop, NULL);
    tw_reactor_call_from_thread(tw_reactor_current(), open_it, NULL);
    tw_thread_pool_free(pool, finish);
    ck_assert(tw_deferred_called(d));
    ck_assert_ptr_eq(error, finish ? NULL : &tw_error_cancelled);
    tw_deferred_unref(d);
    end();
}
END_TEST

START_TEST(a_pool_of_no_threads_is_refused)
{
    errno = 0;
    ck_assert_ptr_null(tw_thread_pool_new(0));
    ck_assert_int_eq(errno, EINVAL);
    tw_thread_pool_free(NULL, false);
    ck_assert_uint_eq(tw_thread_pool_counts(NULL).threads, 0);
}
END_TEST

static tw_value call_back(void *reactor)
{
    return tw_blocking_call_from_thread(reactor, answer, (void *)5);
}

/* The reactor's pool is joined while its threads still ask the reactor for something. */
START_TEST(the_pool_ends_with_the_reactor_without_a_deadlock)
{
    tw_thread_pool *pool;

    begin(NULL, false);
    pool = tw_thread_pool_current();
    ck_assert_ptr_eq(pool, tw_thread_pool_current());
    for (int i = 0; i < 30; i++) {
        tw_deferred *d = tw_defer_to_thread(call_back, tw_reactor_current());
        tw_add_errback(d, tw_log_failure, NULL);
        tw_deferred_unref(d);
    }
    tw_reactor_stop();
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert(!twi_loop_busy());
    end();
}
END_TEST

/* --- a thread waits for what only a turn brings, and the reactor for that thread ----------- */

static tw_value in_a_minute(void *arg)
{
    (void)arg;
    return tw_wait(tw_defer_later(NULL, 60, NULL, NULL));
}

static tw_value ask_for_a_minute(void *reactor)
{
    tw_value v;

    set_gate(false);
    pthread_mutex_lock(&gate_mutex);
    inside++;
    pthread_cond_broadcast(&gate_moved);
    pthread_mutex_unlock(&gate_mutex);
    for (int i = 0; i < 2; i++) { /* the second comes while the reactor waits */
        v = tw_blocking_call_from_thread(reactor, in_a_minute, NULL);
        if (!tw_failure_is(v, &tw_error_abandoned))
            return v;
        tw_release(v);
    }
    return tw_blocking_call_from_thread(reactor, answer, (void *)5);
}

static void stop_reactor(tw_thread_pool *pool)
{
    (void)pool;
    tw_reactor_stop();
    ck_assert_int_eq(tw_reactor_run(), 0);
}

static void free_pool(tw_thread_pool *pool)
{
    tw_thread_pool_free(pool, true);
}

static void free_pool_in_turn(void *pool)
{
    tw_thread_pool_free(pool, false);
    tw_reactor_stop();
}

static void free_pool_in_a_turn(tw_thread_pool *pool)
{
    tw_call_soon(free_pool_in_turn, pool);
    ck_assert_int_eq(tw_reactor_run(), 0);
}

static void uninstall(tw_thread_pool *pool)
{
    (void)pool;
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}

static const struct {
    void (*wait)(tw_thread_pool *pool);
    bool own; /* a pool of the program's; else the reactor's */
    bool remains;
} waits_for_threads[] = {
    { stop_reactor, false, false }, { free_pool, true, false },
    { free_pool_in_a_turn, true, false }, { free_pool, false, false },
    { uninstall, false, false }, { uninstall, true, true },
};

START_TEST(who_waits_for_a_thread_abandons_what_that_waits_for)
{
    tw_thread_pool *pool;
    tw_value result = tw_none();
    tw_deferred *d;

    begin(NULL, false);
    pool = waits_for_threads[_i].own ? tw_thread_pool_new(2) : tw_thread_pool_current();
    inside = 0;
    d = tw_defer_to_thread_pool(pool, ask_for_a_minute, tw_reactor_current(), NULL);
    await_inside(1);
    for (int i = 0; i < 3; i++)
        tw_reactor_iterate(0.01);
    waits_for_threads[_i].wait(pool);
    ck_assert(tw_deferred_is_done(d));
    result = tw_deferred_take_result(d);
    ck_assert_int_eq(tw_integer_of(result), 10);
    tw_deferred_unref(d);
    if (waits_for_threads[_i].remains)
        tw_thread_pool_free(pool, false);
    end();
}
END_TEST

START_TEST(a_reactor_that_goes_takes_its_work_out_of_a_shared_pool)
{
    tw_thread_pool *pool = tw_thread_pool_new(1);
    const tw_error_class *error = NULL;
    tw_deferred *d;

    begin(NULL, false);
    set_gate(true);
    for (int i = 0; i < 50; i++)
        tw_deferred_unref(tw_defer_to_thread_pool(pool, wait_at_gate, NULL, NULL));
    d = tw_defer_to_thread_pool(pool, square, NULL, NULL);
    tw_add_errback(d, note_class, &error);
    end();
    ck_assert(tw_deferred_called(d));
    tw_deferred_unref(d);
    tw_thread_pool_free(pool, false);
}
END_TEST

START_TEST(virtual_time_waits_for_threads)
{
    tw_value v;

    begin(NULL, true);
    tw_call_later(1000, stop, NULL);
    v = tw_block_on(tw_defer_to_thread(square, (void *)4));
    ck_assert_int_eq(tw_integer_of(v), 16);
    ck_assert(tw_clock_seconds(tw_reactor_clock()) == 0);
    end();
}
END_TEST

/* --- a reactor for each thread ----------------------------------------------------------- */

static void *own_reactor(void *main_reactor)
{
    tw_value v;

    ck_assert_ptr_ne(tw_reactor_current(), main_reactor);
    tw_call_later(0.001, stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    v = tw_block_on(tw_defer_to_thread(square, (void *)5));
    ck_assert_int_eq(tw_integer_of(v), 25);
    tw_call_later_with(100, stop, NULL, NULL);
    return NULL; /* the thread's end releases it */
}

START_TEST(each_thread_has_a_reactor_that_ends_with_it)
{
    pthread_t threads[4];

    begin(NULL, false);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, own_reactor, tw_reactor_current()),
                         0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    end();
}
END_TEST

static bool pool_life(void *arg)
{
    tw_value v;
    bool ok;

    (void)arg;
    if (tw_reactor_install(NULL) < 0)
        return false;
    v = tw_block_on(tw_defer_to_thread(square, (void *)6));
    ok = tw_integer_of(v) == 36;
    tw_release(v);
    ok = tw_reactor_call_from_thread(tw_reactor_current(), stop, NULL) == 0 && ok;
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    return ok;
}

START_TEST(no_allocation_failure_harms_the_pool)
{
    tw_reactor_uninstall();
    test_each_alloc_failure(pool_life, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");

    TEST_ADD_ROWS(suite, calls_of_a_thread_arrive_in_order_and_none_is_lost, backends);
    TEST_ADD(suite, posts_from_chunks_arrive_in_order_and_leave_nothing);
    TEST_ADD(suite, a_reactor_may_go_right_after_the_last_call);
    TEST_ADD(suite, a_reactor_that_is_gone_refuses_and_what_it_took_is_called);
    TEST_ADD(suite, a_blocking_call_gets_the_result_or_the_failure);
    TEST_ADD_ROWS(suite, results_of_blocking_functions_come_as_deferreds, backends);
    TEST_ADD(suite, a_value_made_on_a_thread_is_handed_over);
    TEST_ADD(suite, queued_work_is_cancelled_and_running_work_is_only_forgotten);
    TEST_ADD(suite, threads_are_started_on_demand_up_to_the_limit);
    test_add(suite, a_pool_that_is_freed_finishes_or_cancels_what_is_queued, 0, 2);
    TEST_ADD(suite, a_pool_of_no_threads_is_refused);
    TEST_ADD(suite, the_pool_ends_with_the_reactor_without_a_deadlock);
    TEST_ADD_ROWS(suite, who_waits_for_a_thread_abandons_what_that_waits_for,
                  waits_for_threads);
    TEST_ADD(suite, a_reactor_that_goes_takes_its_work_out_of_a_shared_pool);
    TEST_ADD(suite, virtual_time_waits_for_threads);
    TEST_ADD(suite, each_thread_has_a_reactor_that_ends_with_it);
    TEST_ADD(suite, no_allocation_failure_harms_the_pool);
    return test_run(suite);
}
