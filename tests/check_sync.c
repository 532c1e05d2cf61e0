/* SPDX-License-Identifier: MIT */
/*
 * check_sync.c - lock, semaphore, queue.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#include <tweed/log.h>
#include <tweed/sync.h>

#include "tests/trace.h"

/* Note the step when the Deferred fires, and let go of it. */
static void note(tw_deferred *d, const char *step)
{
    tw_add_both(d, say_none, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

/* --- semaphore -------------------------------------------------------------------------- */

START_TEST(tokens_are_handed_over_in_order)
{
    tw_semaphore *semaphore = test_given(tw_semaphore_new(2));

    trace_setup();
    note(tw_semaphore_acquire(semaphore), "a");
    note(tw_semaphore_acquire(semaphore), "b");
    note(tw_semaphore_acquire(semaphore), "c");
    note(tw_semaphore_acquire(semaphore), "d");
    ck_trace("a=pointer b=pointer");
    ck_assert_uint_eq(tw_semaphore_waiting(semaphore), 2);
    ck_assert_uint_eq(tw_semaphore_available(semaphore), 0);
    ck_assert_int_eq(tw_semaphore_release(semaphore), 0);
    ck_trace("c=pointer");
    ck_assert_uint_eq(tw_semaphore_available(semaphore),
                      0); /* handed over, never free between */
    ck_assert_int_eq(tw_semaphore_release(semaphore), 0);
    ck_trace("d=pointer");
    ck_assert_int_eq(tw_semaphore_release(semaphore), 0);
    ck_assert_int_eq(tw_semaphore_release(semaphore), 0);
    ck_assert_uint_eq(tw_semaphore_available(semaphore), 2);
    ck_assert_int_eq(tw_semaphore_release(semaphore), -EPERM);
    tw_semaphore_free(semaphore);
    tw_semaphore_free(NULL);
    trace_teardown();
}
END_TEST

START_TEST(a_semaphore_has_at_least_one_token)
{
    errno = 0;
    ck_assert_ptr_null(tw_semaphore_new(0));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(who_acquires_gets_the_semaphore)
{
    tw_semaphore *semaphore = test_given(tw_semaphore_new(1));
    tw_deferred *d = tw_semaphore_acquire(semaphore);

    trace_setup();
    ck_assert_ptr_eq(tw_pointer_of(tw_deferred_result(d)), semaphore);
    tw_deferred_unref(d);
    tw_semaphore_free(semaphore);
    trace_teardown();
}
END_TEST

START_TEST(a_cancelled_acquire_leaves_the_line)
{
    tw_semaphore *semaphore = test_given(tw_semaphore_new(1));
    tw_deferred *b;

    trace_setup();
    note(tw_semaphore_acquire(semaphore), "a");
    b = tw_semaphore_acquire(semaphore);
    note(tw_deferred_ref(b), "b");
    note(tw_semaphore_acquire(semaphore), "c");
    tw_cancel(b);
    ck_trace("a=pointer b!cancelled");
    ck_assert_uint_eq(tw_semaphore_waiting(semaphore), 1);
    tw_semaphore_release(semaphore);
    ck_trace("c=pointer");
    tw_deferred_unref(b);
    tw_semaphore_free(semaphore);
    trace_teardown();
}
END_TEST

START_TEST(freeing_abandons_who_waits)
{
    tw_semaphore *semaphore = test_given(tw_semaphore_new(1));

    trace_setup();
    note(tw_semaphore_acquire(semaphore), "a");
    note(tw_semaphore_acquire(semaphore), "b");
    tw_semaphore_free(semaphore);
    ck_trace("a=pointer b!abandoned");
    trace_teardown();
}
END_TEST

/* --- run -------------------------------------------------------------------------------- */

static tw_deferred *slots[4];

static int note_cancel(tw_deferred *deferred, void *number)
{
    char text[16];

    (void)deferred;
    snprintf(text, sizeof text, "cancel%d", (int)(intptr_t)number);
    trace_add(text);
    return 0;
}

static tw_deferred *start(void *number)
{
    char text[16];

    snprintf(text, sizeof text, "start%d", (int)(intptr_t)number);
    trace_add(text);
    return tw_promise(&slots[(intptr_t)number], note_cancel, number);
}

static tw_deferred *no_memory(void *arg)
{
    (void)arg;
    return NULL;
}

START_TEST(run_releases_on_success_failure_and_cancel)
{
    tw_semaphore *semaphore = test_given(tw_semaphore_new(1));
    tw_deferred *waiting, *running;

    trace_setup();
    note(tw_semaphore_run(semaphore, start, (void *)0), "a");
    note(tw_semaphore_run(semaphore, start, (void *)1), "b");
    running = tw_semaphore_run(semaphore, start, (void *)2);
    note(tw_deferred_ref(running), "c");
    waiting = tw_semaphore_run(semaphore, start, (void *)3);
    note(tw_deferred_ref(waiting), "d");
    ck_trace("start0");
    tw_fire(&slots[0], tw_integer(10));
    ck_trace("start1 a=10");
    tw_cancel(waiting);
    ck_trace("d!cancelled");
    tw_fire(&slots[1], tw_fail(&tw_error_dns, "x"));
    ck_trace("start2 b!dns");
    tw_cancel(running);
    ck_trace("cancel2 c!cancelled");
    ck_assert_uint_eq(tw_semaphore_available(semaphore), 1);
    note(tw_semaphore_run(semaphore, no_memory, NULL), "e");
    ck_trace("e!memory");
    note(tw_semaphore_run(semaphore, start, (void *)1), "f");
    tw_deferred_unref(slots[1]);
    ck_trace("start1 f!abandoned");
    ck_assert_uint_eq(tw_semaphore_available(semaphore), 1);
    ck_assert_ptr_null(tw_semaphore_run(NULL, start, NULL));
    tw_deferred_unref(slots[2]);
    tw_deferred_unref(waiting);
    tw_deferred_unref(running);
    tw_semaphore_free(semaphore);
    trace_teardown();
}
END_TEST

START_TEST(a_run_may_outlive_its_semaphore)
{
    tw_semaphore *semaphore = test_given(tw_semaphore_new(1));

    trace_setup();
    note(tw_semaphore_run(semaphore, start, (void *)0), "a");
    note(tw_semaphore_run(semaphore, start, (void *)1), "b");
    tw_semaphore_free(semaphore);
    ck_trace("start0 b!abandoned");
    tw_fire(&slots[0], tw_integer(1));
    ck_trace("a=1");
    trace_teardown();
}
END_TEST

static tw_deferred *at_once(void *count)
{
    ++*(int *)count;
    return tw_succeed(tw_none());
}

START_TEST(a_long_line_is_served_without_recursion)
{
    enum { MANY = 100000 };
    tw_lock *lock = test_given(tw_lock_new());
    int count = 0;

    trace_setup();
    tw_deferred_unref(tw_lock_acquire(lock));
    for (int i = 0; i < MANY; i++)
        tw_deferred_unref(tw_lock_run(lock, at_once, &count));
    ck_assert_int_eq(count, 0);
    tw_lock_release(lock);
    ck_assert_int_eq(count, MANY);
    ck_assert(!tw_lock_held(lock));
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

/* --- lock ------------------------------------------------------------------------------- */

START_TEST(a_lock_is_a_semaphore_of_one)
{
    tw_lock *lock = test_given(tw_lock_new());
    tw_deferred *d = tw_lock_acquire(lock);

    trace_setup();
    ck_assert_ptr_eq(tw_pointer_of(tw_deferred_result(d)), lock);
    tw_deferred_unref(d);
    ck_assert(tw_lock_held(lock));
    note(tw_lock_run(lock, start, (void *)0), "a");
    ck_trace("");
    ck_assert_int_eq(tw_lock_release(lock), 0);
    ck_trace("start0");
    ck_assert(tw_lock_held(lock));
    tw_fire(&slots[0], tw_integer(5));
    ck_trace("a=5");
    ck_assert(!tw_lock_held(lock));
    ck_assert_int_eq(tw_lock_release(lock), -EPERM);
    tw_lock_free(lock);
    trace_teardown();
}
END_TEST

/* --- queue: rows ------------------------------------------------------------------------ */

/* Moves: p puts its number, counting refused ones (+ good, - full), g gets (the next letter). */
static const struct {
    const char *when;
    size_t size, backlog;
    const char *moves;
    const char *sees;
} rows[] = {
    { "values wait", TW_UNLIMITED, TW_UNLIMITED, "ppgg", "put+ put+ a=0 b=1" },
    { "gets wait", TW_UNLIMITED, TW_UNLIMITED, "ggpp", "a=0 put+ b=1 put+" },
    { "full", 2, TW_UNLIMITED, "pppgpg", "put+ put+ put- a=0 put+ b=1" },
    { "too many wait", TW_UNLIMITED, 1, "ggp", "b!queue_empty a=0 put+" },
    { "only a rendezvous", 0, 1, "pgpp", "put- a=1 put+ put-" },
    { "nobody may wait", 1, 0, "gpgp", "a!queue_empty put+ b=0 put+" },
    { "a ring", 3, 1, "pppgpgpgpggg",
      "put+ put+ put+ a=0 put+ b=1 put+ c=2 put+ d=3 e=4 f=5" },
};

START_TEST(a_queue_keeps_the_order_and_its_limits)
{
    static const char *const letters[] = { "a", "b", "c", "d", "e", "f", "g" };
    tw_queue *queue = test_given(tw_queue_new(rows[_i].size, rows[_i].backlog));
    int next = 0, gets = 0;

    trace_setup();
    for (const char *move = rows[_i].moves; *move != '\0'; move++) {
        if (*move == 'g') {
            note(tw_queue_get(queue), letters[gets++]);
        } else {
            int r = tw_queue_put(queue, tw_integer(next++));
            ck_assert(r == 0 || r == -EOVERFLOW);
            trace_add(r == 0 ? "put+" : "put-");
        }
    }
    ck_assert_msg(strcmp(trace, rows[_i].sees) == 0, "%s: %s", rows[_i].when, trace);
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

START_TEST(a_cancelled_get_leaves_the_queue)
{
    tw_queue *queue = test_given(tw_queue_new(TW_UNLIMITED, TW_UNLIMITED));
    tw_deferred *a = tw_queue_get(queue);

    trace_setup();
    note(tw_deferred_ref(a), "a");
    note(tw_queue_get(queue), "b");
    ck_assert_uint_eq(tw_queue_waiting(queue), 2);
    tw_cancel(a);
    ck_assert_uint_eq(tw_queue_waiting(queue), 1);
    tw_queue_put(queue, tw_string("x"));
    ck_trace("a!cancelled b=x");
    note(tw_queue_get(queue), "c");
    tw_deferred_unref(a);
    tw_queue_free(queue);
    ck_trace("c!abandoned");
    trace_teardown();
}
END_TEST

START_TEST(a_queue_holds_failures_and_lets_go_of_what_is_left)
{
    tw_queue *queue = test_given(tw_queue_new(TW_UNLIMITED, TW_UNLIMITED));

    trace_setup();
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tw_queue_put(queue, tw_fail(&tw_error_dns, "number %d", i)), 0);
    ck_assert_uint_eq(tw_queue_length(queue), 100);
    note(tw_queue_get(queue), "a");
    ck_trace("a!dns");
    ck_assert_int_eq(tw_queue_put(queue, tw_wait(tw_succeed(tw_none()))), -EINVAL);
    tw_queue_free(queue);
    tw_queue_free(NULL);
    trace_teardown();
}
END_TEST

START_TEST(what_could_not_be_made_does_no_harm)
{
    trace_setup();
    note(tw_semaphore_acquire(NULL), "a");
    note(tw_lock_run(NULL, start, NULL), "b");
    note(tw_queue_get(NULL), "c");
    ck_trace("a!memory b!memory c!memory");
    ck_assert_int_eq(tw_semaphore_release(NULL), -EINVAL);
    ck_assert_int_eq(tw_lock_release(NULL), -EINVAL);
    ck_assert_int_eq(tw_queue_put(NULL, tw_string("x")), -EINVAL);
    ck_assert(!tw_lock_held(NULL));
    ck_assert_uint_eq(tw_semaphore_waiting(NULL) + tw_semaphore_available(NULL), 0);
    ck_assert_uint_eq(tw_queue_length(NULL) + tw_queue_waiting(NULL), 0);
    trace_teardown();
}
END_TEST

/* --- another thread ---------------------------------------------------------------------- */

#if TWI_DEBUG
static char misuse[256];
static tw_semaphore *their_semaphore;
static tw_event *their_event;
static tw_barrier *their_barrier;
static tw_queue *their_queue;

static void keep_and_leave(const struct tw_log_event *logged, void *arg)
{
    (void)arg;
    snprintf(misuse, sizeof misuse, "%s", logged->message);
    pthread_exit(NULL); /* it would end the process */
}

static void use_semaphore_there(void)
{
    tw_semaphore_try(their_semaphore);
}

static void use_event_there(void)
{
    tw_event_set(their_event);
}

static void use_barrier_there(void)
{
    tw_barrier_abort(their_barrier);
}

static void use_queue_there(void)
{
    tw_queue_put(their_queue, tw_none());
}

static void (*const uses[])(void) = { use_semaphore_there, use_event_there, use_barrier_there,
                                      use_queue_there };

static void *use_there(void *use)
{
    uses[*(int *)use]();
    return NULL;
}

START_TEST(a_debug_build_names_the_use_by_another_thread)
{
    pthread_t thread;
    int use = _i;

    their_semaphore = test_given(tw_semaphore_new(1));
    their_event = test_given(tw_event_new());
    their_barrier = test_given(tw_barrier_new(2));
    their_queue = test_given(tw_queue_new(1, 1));
    tw_log_observe(keep_and_leave, NULL, TW_LOG_CRITICAL);
    ck_assert_int_eq(pthread_create(&thread, NULL, use_there, &use), 0);
    pthread_join(thread, NULL);
    tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
    ck_assert_ptr_nonnull(strstr(misuse, "another thread's"));
    tw_semaphore_free(their_semaphore);
    tw_event_free(their_event);
    tw_barrier_free(their_barrier);
    tw_queue_free(their_queue);
}
END_TEST
#endif

/* --- without memory --------------------------------------------------------------------- */

static tw_value count_it(tw_value result, void *count)
{
    ++*(int *)count;
    return tw_is_failure(result) ? tw_none() : result;
}

static bool use_semaphore(void *arg)
{
    tw_semaphore *semaphore = tw_semaphore_new(1);
    int seen = 0, started = 0;

    (void)arg;
    trace_setup();
    for (int i = 0; i < 3; i++) {
        tw_deferred *d = tw_semaphore_run(semaphore, at_once, &started);
        tw_add_both(d, count_it, &seen);
        tw_deferred_unref(d);
    }
    if (semaphore != NULL) {
        tw_deferred *held = tw_semaphore_acquire(semaphore), *d;
        d = tw_semaphore_run(semaphore, at_once, &started);
        tw_add_both(d, count_it, &seen);
        tw_deferred_unref(d);
        if (held != NULL)
            tw_semaphore_release(semaphore);
        tw_deferred_unref(held);
        ck_assert_uint_eq(tw_semaphore_available(semaphore), 1);
        ck_assert_int_eq(seen, 4);
    }
    tw_semaphore_free(semaphore);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(a_semaphore_loses_no_token_without_memory)
{
    test_each_alloc_failure(use_semaphore, NULL);
}
END_TEST

static bool use_queue(void *arg)
{
    tw_queue *queue = tw_queue_new(TW_UNLIMITED, TW_UNLIMITED);
    int seen = 0, put = 0, got = 0;

    (void)arg;
    trace_setup();
    if (queue == NULL)
        return false;
    for (int i = 0; i < 20; i++)
        put += tw_queue_put(queue, tw_string("x")) == 0;
    for (int i = 0; i < 25; i++) {
        tw_deferred *d = tw_queue_get(queue);
        got += d != NULL && tw_deferred_called(d);
        tw_add_both(d, count_it, &seen);
        tw_deferred_unref(d);
    }
    ck_assert_int_eq(got + (int)tw_queue_length(queue), put);
    tw_queue_free(queue);
    ck_assert_int_eq(seen, 25);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(a_queue_loses_no_value_without_memory)
{
    test_each_alloc_failure(use_queue, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sync");

    TEST_ADD(suite, tokens_are_handed_over_in_order);
    TEST_ADD(suite, a_semaphore_has_at_least_one_token);
    TEST_ADD(suite, who_acquires_gets_the_semaphore);
    TEST_ADD(suite, a_cancelled_acquire_leaves_the_line);
    TEST_ADD(suite, freeing_abandons_who_waits);
    TEST_ADD(suite, run_releases_on_success_failure_and_cancel);
    TEST_ADD(suite, a_run_may_outlive_its_semaphore);
    TEST_ADD(suite, a_long_line_is_served_without_recursion);
    TEST_ADD(suite, a_lock_is_a_semaphore_of_one);
    TEST_ADD_ROWS(suite, a_queue_keeps_the_order_and_its_limits, rows);
    TEST_ADD(suite, a_cancelled_get_leaves_the_queue);
    TEST_ADD(suite, a_queue_holds_failures_and_lets_go_of_what_is_left);
    TEST_ADD(suite, what_could_not_be_made_does_no_harm);
#if TWI_DEBUG
    TEST_ADD_ROWS(suite, a_debug_build_names_the_use_by_another_thread, uses);
#endif
    TEST_ADD(suite, a_semaphore_loses_no_token_without_memory);
    TEST_ADD(suite, a_queue_loses_no_value_without_memory);
    return test_run(suite);
}
