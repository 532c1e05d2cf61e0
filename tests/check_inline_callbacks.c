/* SPDX-License-Identifier: MIT */
/*
 * check_inline_callbacks.c - bodies: how they start, end, fail and are abandoned.
 */
#include "config.h"

#include <pthread.h>

#include <tweed/queue.h>
#include <tweed/task.h>

#include "tests/bodies.h"

/* --- start and end -------------------------------------------------------------------------- */

static tw_value await_one(void *source)
{
    trace_add("start");
    trace_seen("got", tw_await(ask(source)));
    return tw_integer(7);
}

START_TEST(a_body_starts_at_once_and_its_return_fires)
{
    struct source source = { 0 };
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(await_one, &source);
    ck_trace("start");
    ck_assert(!tw_deferred_called(done));
    tw_fire(&source.slot, tw_integer(3));
    see("done", done);
    ck_trace("got=3 done=7");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(a_body_that_awaits_nothing_is_done_at_once)
{
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(return_its_argument, "x");
    see("done", done);
    ck_trace("done=x");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value fail_itself(void *arg)
{
    (void)arg;
    return tw_fail_at("made:1", &tw_error_url, "no good");
}

START_TEST(a_returned_failure_keeps_its_origin)
{
    tw_deferred *done;
    tw_value failure;

    setup();
    done = tw_inline_callbacks(fail_itself, NULL);
    failure = tw_deferred_take_result(done);
    ck_assert(tw_failure_is(failure, &tw_error_url));
    ck_assert_str_eq(tw_failure_where(failure), "made:1");
    tw_release(failure);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(a_failure_that_nobody_sees_is_reported)
{
    setup();
    tw_deferred_unref(tw_inline_callbacks(fail_itself, NULL));
    ck_trace("unhandled!url");
    teardown();
}
END_TEST

static tw_value return_deferred(void *source)
{
    return tw_wait(ask(source));
}

START_TEST(a_returned_deferred_resolves)
{
    struct source source = { 0 };
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(return_deferred, &source);
    ck_assert(!tw_deferred_is_done(done));
    tw_fire(&source.slot, tw_integer(5));
    see("done", done);
    ck_trace("done=5");
    tw_deferred_unref(done);
    done = tw_inline_callbacks(return_deferred, &source);
    ck_assert_int_eq(tw_cancel(done), 0);
    see("done", done);
    ck_trace("done!cancelled");
    ck_assert_int_eq(source.cancels, 1);
    tw_deferred_unref(source.slot);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(a_dropped_deferred_lets_the_body_go_on)
{
    struct source source = { 0 };

    setup();
    tw_deferred_unref(tw_inline_callbacks(await_one, &source));
    tw_fire(&source.slot, tw_integer(1));
    ck_trace("start got=1");
    teardown();
}
END_TEST

static tw_value with_arg(void *arg)
{
    trace_add(arg);
    return tw_none();
}

START_TEST(the_argument_is_released_when_the_body_has_ended)
{
    static const struct tw_coroutine_options options = { .release = released };
    static const struct tw_coroutine_options small = { .stack_size = 100,
                                                       .release = released };
    tw_deferred *done;

    setup();
    tw_deferred_unref(tw_inline_callbacks_with(with_arg, "a", &options));
    ck_trace("a ~a");
    done = tw_inline_callbacks_with(with_arg, "a", &small);
    see("done", done);
    ck_trace("~a done!misuse");
    tw_deferred_unref(done);
    done = tw_inline_callbacks_with(NULL, "a", &options);
    see("done", done);
    ck_trace("~a done!misuse");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

/* --- where things run ----------------------------------------------------------------------- */

static tw_value on_which_stack(tw_value result, void *step)
{
    trace_add(step);
    trace_add(tw_coroutine_current() == NULL ? "outside" : "INSIDE");
    return result;
}

static void release_where(void *step)
{
    on_which_stack(tw_none(), step);
}

static int cancel_where(tw_deferred *deferred, void *step)
{
    (void)deferred;
    on_which_stack(tw_none(), step);
    return 0;
}

static void unhandled_where(tw_deferred *deferred, tw_value failure, void *arg)
{
    (void)deferred;
    (void)failure;
    (void)arg;
    on_which_stack(tw_none(), "unhandled");
}

static void twice_where(tw_deferred *deferred, tw_value failure, void *arg)
{
    (void)deferred;
    (void)failure;
    (void)arg;
    on_which_stack(tw_none(), "twice");
}

static tw_value fire_all_kinds(void *arg)
{
    tw_deferred *slot, *d = tw_promise_with(&slot, cancel_where, "cancel", release_where);

    (void)arg;
    tw_add_both_with(d, on_which_stack, "fired", release_where);
    tw_fire(&slot, tw_integer(1));
    tw_add_both(d, on_which_stack, "added");
    tw_deferred_fire(d, tw_none());
    tw_deferred_unref(d);
    d = tw_promise_with(&slot, cancel_where, "cancel", release_where);
    tw_add_both(d, on_which_stack, "cancelled");
    tw_cancel(d);
    tw_deferred_unref(d);
    tw_deferred_unref(slot);
    d = tw_deferred_new(NULL, "dying", release_where);
    tw_add_both_with(d, on_which_stack, "never", release_where);
    tw_deferred_unref(d);
    tw_add_errback_with(NULL, on_which_stack, "null", release_where);
    return tw_none();
}

START_TEST(callbacks_cancellers_releases_and_hooks_run_outside)
{
    static const struct tw_deferred_hooks hooks = { unhandled_where, twice_where, NULL };

    setup();
    tw_deferred_set_hooks(&hooks);
    tw_deferred_unref(tw_inline_callbacks(fire_all_kinds, NULL));
    ck_trace("cancel outside fired outside fired outside added outside twice outside "
             "cancel outside cancel outside cancelled outside unhandled outside "
             "never outside dying outside null outside null outside");
    teardown();
}
END_TEST

/* --- the end of what it stands on ------------------------------------------------------------ */

START_TEST(what_dies_unfired_resumes_the_body_and_is_reported)
{
    struct source source = { 0 };
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(await_and_return, &source);
    tw_deferred_unref(source.slot);
    see("done", done);
    ck_trace("got!abandoned done!abandoned");
    ck_assert_ptr_nonnull(strstr(logged, "[await] what coroutine "));
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(what_nobody_can_fire_is_abandoned_at_once)
{
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(await_arg, tw_deferred_new(NULL, NULL, NULL));
    see("done", done);
    ck_trace("got!abandoned done!abandoned");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value sleep_and_clean(void *arg)
{
    (void)arg;
    trace_seen("slept", tw_sleep(10));
    trace_seen("again", tw_sleep(10));
    trace_seen("fired", tw_await(tw_succeed(tw_integer(1))));
    return tw_integer(2);
}

START_TEST(the_end_of_the_reactor_resumes_bodies_with_abandoned)
{
    struct source source = { 0 };
    tw_deferred *done, *other;

    setup();
    done = tw_inline_callbacks(sleep_and_clean, NULL);
    other = tw_inline_callbacks(await_and_return, &source);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    see("done", done);
    see("other", other);
    ck_trace("slept!abandoned again!abandoned fired=1 got!abandoned done=2 other!abandoned");
    ck_assert_ptr_nonnull(strstr(logged, "a coroutine is abandoned"));
    tw_fire(&source.slot, tw_fail(&tw_error_url, "too late, and no loss"));
    ck_trace("");
    tw_deferred_unref(done);
    tw_deferred_unref(other);
    teardown();
}
END_TEST

static tw_value get_one(void *queue)
{
    tw_value got = tw_await(tw_queue_get(queue));
    trace_seen("got", got);
    return got;
}

START_TEST(an_abandoned_body_takes_nothing_out_of_a_queue)
{
    tw_queue *queue = test_given(tw_queue_new(1, 1));
    tw_deferred *done;

    setup();
    tw_reactor_current();
    done = tw_inline_callbacks(get_one, queue);
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_queue_put(queue, tw_integer(1)), 0);
    ck_assert_uint_eq(tw_queue_length(queue), 1);
    see("done", done);
    ck_trace("got!abandoned done!abandoned");
    tw_deferred_unref(done);
    tw_queue_free(queue);
    teardown();
}
END_TEST

static tw_value sleep_for_ever(void *arg)
{
    (void)arg;
    while (tw_failure_is(tw_sleep(1), &tw_error_abandoned))
        ;
    return tw_none();
}

static tw_value await_failures_for_ever(void *arg)
{
    tw_value slept = tw_sleep(1);

    (void)arg;
    while (tw_failure_is(slept, &tw_error_abandoned))
        tw_await(tw_failed(tw_fail(&tw_error_url, "as if it could not even begin")));
    return tw_none();
}

START_TEST(a_body_that_awaits_for_ever_loses_its_stack)
{
    static const struct tw_coroutine_options options = { .release = released };
    static tw_coroutine_body *const rows[] = { sleep_for_ever, await_failures_for_ever };

    setup();
    for (size_t i = 0; i < 2; i++) {
        tw_deferred *done = tw_inline_callbacks_with(rows[i], "arg", &options);
        ck_assert_int_eq(tw_reactor_uninstall(), 0);
        see("done", done);
        ck_trace("~arg done!abandoned");
        ck_assert_ptr_nonnull(strstr(logged, "a coroutine's stack is taken away"));
        tw_deferred_unref(done);
        logged[0] = '\0';
    }
    teardown();
}
END_TEST

/* Nothing but the thread's end ends it. */
static tw_value await_thread(void *arg)
{
    tw_deferred *slot;

    (void)arg;
    trace_seen("thread", tw_await(tw_promise(&slot, NULL, NULL)));
    tw_deferred_unref(slot);
    return tw_none();
}

static void *run_thread(void *body)
{
    tw_deferred_unref(tw_inline_callbacks((tw_coroutine_body *)body, NULL));
    return NULL;
}

START_TEST(the_end_of_the_thread_resumes_bodies_with_abandoned)
{
    static const struct {
        tw_coroutine_body *body;
        const char *expected;
    } rows[] = { { sleep_and_clean, "slept!abandoned again!abandoned fired=1" },
                 { await_thread, "thread!abandoned" } };

    setup();
    for (size_t i = 0; i < 2; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, run_thread, (void *)rows[i].body), 0);
        pthread_join(thread, NULL);
        ck_trace(rows[i].expected);
    }
    teardown();
}
END_TEST

/* --- misuse --------------------------------------------------------------------------------- */

static tw_value block_inside(void *arg)
{
    tw_value got = tw_block_on(tw_succeed(tw_integer(1)));

    (void)arg;
    trace_seen("block", got);
    tw_release(got);
    ck_assert_int_eq(tw_reactor_run(), TW_REACTOR_IN_COROUTINE);
    ck_assert_int_eq(tw_reactor_iterate(0), TW_REACTOR_IN_COROUTINE);
    return tw_none();
}

START_TEST(blocking_inside_a_body_is_refused)
{
    setup();
    tw_deferred_unref(tw_inline_callbacks(block_inside, NULL));
    ck_trace("block!misuse");
    teardown();
}
END_TEST

/* --- memory --------------------------------------------------------------------------------- */

static tw_value use_all(void *clock)
{
    tw_value got = tw_await(tw_defer_later(clock, 1, NULL, NULL));

    if (tw_is_failure(got))
        return got;
    for (int i = 0; i < 6; i++) {
        got = tw_await(tw_succeed(tw_string("text")));
        if (tw_is_failure(got))
            return got;
    }
    return tw_await(tw_inline_callbacks(return_its_argument, "inner"));
}

static bool run_body(void *arg)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *done;
    tw_value result;
    bool ok;

    (void)arg;
    if (clock == NULL)
        return false;
    done = tw_inline_callbacks(use_all, clock);
    tw_clock_advance(clock, 2);
    ck_assert(tw_deferred_is_done(done));
    result = tw_deferred_take_result(done);
    ok = strcmp(tw_bytes_data(result), "inner") == 0;
    ck_assert(ok || tw_failure_is(result, &tw_error_memory));
    tw_release(result);
    tw_deferred_unref(done);
    tw_clock_free(clock);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return ok;
}

START_TEST(a_body_ends_whatever_allocation_fails)
{
    setup();
    test_each_alloc_failure(run_body, NULL);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inline callbacks");

    TEST_ADD(suite, a_body_starts_at_once_and_its_return_fires);
    TEST_ADD(suite, a_body_that_awaits_nothing_is_done_at_once);
    TEST_ADD(suite, a_returned_failure_keeps_its_origin);
    TEST_ADD(suite, a_failure_that_nobody_sees_is_reported);
    TEST_ADD(suite, a_returned_deferred_resolves);
    TEST_ADD(suite, a_dropped_deferred_lets_the_body_go_on);
    TEST_ADD(suite, the_argument_is_released_when_the_body_has_ended);
    TEST_ADD(suite, callbacks_cancellers_releases_and_hooks_run_outside);
    TEST_ADD(suite, what_dies_unfired_resumes_the_body_and_is_reported);
    TEST_ADD(suite, what_nobody_can_fire_is_abandoned_at_once);
    TEST_ADD(suite, the_end_of_the_reactor_resumes_bodies_with_abandoned);
    TEST_ADD(suite, an_abandoned_body_takes_nothing_out_of_a_queue);
    TEST_ADD(suite, a_body_that_awaits_for_ever_loses_its_stack);
    TEST_ADD(suite, the_end_of_the_thread_resumes_bodies_with_abandoned);
    TEST_ADD(suite, blocking_inside_a_body_is_refused);
    TEST_ADD(suite, a_body_ends_whatever_allocation_fails);
    return test_run(suite);
}
