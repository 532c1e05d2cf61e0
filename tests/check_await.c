/* SPDX-License-Identifier: MIT */
/*
 * check_await.c - awaiting: results, values that are held, misuse, and the trail of failures.
 */
#include "config.h"

#include <stdio.h>

#include <tweed/deferred_list.h>
#include <tweed/inline_callbacks.h>
#include <tweed/log.h>
#include <tweed/task.h>
#include <tweed/testing.h>

#include "tests/trace.h"

static int warnings;

static void count_warnings(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    warnings += event->level == TW_LOG_WARNING;
}

static void setup(void)
{
    trace_setup();
    warnings = 0;
    tw_log_observe(count_warnings, NULL, TW_LOG_WARNING);
}

static void teardown(void)
{
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    trace_teardown();
}

static void see(const char *step, tw_deferred *done)
{
    tw_value result = tw_deferred_take_result(done);

    trace_seen(step, result);
    tw_release(result);
    tw_deferred_unref(done);
}

static tw_value await_arg(void *deferred)
{
    tw_value got = tw_await(deferred);
    trace_seen("got", got);
    return got;
}

/* --- fired already -------------------------------------------------------------------------- */

static size_t stack_after;

static tw_value await_many(void *count)
{
    int64_t sum = 0;
    uint64_t before;

    tw_await(tw_succeed(tw_integer(1)));
    before = test_allocs();
    for (int64_t i = 0; i < *(int64_t *)count; i++)
        sum += tw_integer_of(tw_await(tw_succeed(tw_integer(1))));
    /* one for each Deferred, since pools are off in tests; none for what is held */
    ck_assert_uint_eq(test_allocs() - before, (uint64_t)sum);
    stack_after = tw_coroutine_stack_used(tw_coroutine_current());
    return tw_integer(sum);
}

START_TEST(many_fired_awaits_grow_neither_stack_nor_memory)
{
    int64_t few = 10, many = 100000;
    size_t used;

    setup();
    see("few", tw_inline_callbacks(await_many, &few));
    used = stack_after;
    see("many", tw_inline_callbacks(await_many, &many));
    ck_assert_uint_le(stack_after, used + 512);
    ck_trace("few=10 many=100000");
    teardown();
}
END_TEST

static tw_value fired_kinds(void *arg)
{
    (void)arg;
    trace_seen("a", tw_await(tw_succeed(tw_string("text"))));
    trace_seen("b", tw_await(tw_failed(tw_fail(&tw_error_url, "x"))));
    trace_seen("c", tw_await(tw_succeed(tw_none())));
    trace_seen("d", tw_await(NULL));
    return tw_none();
}

START_TEST(what_has_fired_is_given_at_once)
{
    setup();
    see("done", tw_inline_callbacks(fired_kinds, NULL));
    ck_trace("a=text b!url c=none d!memory done=none");
    teardown();
}
END_TEST

START_TEST(a_second_await_of_one_deferred_sees_none)
{
    tw_deferred *slot, *d, *first, *second;

    setup();
    d = tw_promise(&slot, NULL, NULL);
    first = tw_inline_callbacks(await_arg, tw_deferred_ref(d));
    second = tw_inline_callbacks(await_arg, tw_deferred_ref(d));
    tw_fire(&slot, tw_integer(1));
    ck_trace("got=1 got=none");
    see("third", tw_inline_callbacks(await_arg, d));
    ck_trace("got=none third=none");
    tw_deferred_unref(first);
    tw_deferred_unref(second);
    teardown();
}
END_TEST

/* --- waiting -------------------------------------------------------------------------------- */

static tw_value start_and_pass(tw_value result, void *done)
{
    tw_deferred *d = *(tw_deferred **)done;

    *(tw_deferred **)done = tw_inline_callbacks(await_arg, tw_deferred_ref(d));
    trace_add("passed");
    return result;
}

START_TEST(a_running_or_paused_chain_is_awaited_to_its_end)
{
    tw_deferred *slot, *d, *done;

    setup();
    d = done = tw_promise(&slot, NULL, NULL);
    tw_add_callback(d, start_and_pass, &done);
    tw_add_callback(d, more, "m");
    tw_fire(&slot, tw_integer(1));
    see("done", done);
    ck_trace("passed m=1 got=2 done=2");
    tw_deferred_unref(d);
    d = tw_succeed(tw_integer(1));
    tw_deferred_pause(d);
    done = tw_inline_callbacks(await_arg, tw_deferred_ref(d));
    tw_add_callback(d, say_none, "later");
    tw_deferred_unpause(d);
    see("done", done);
    ck_trace("got=1 later=none done=1");
    tw_deferred_unref(d);
    teardown();
}
END_TEST

enum { DEEP = 1000 };

static tw_value await_below(void *depth)
{
    int64_t *left = depth;

    if (--*left == 0)
        return tw_await(tw_deferred_ref(((tw_deferred **)depth)[1]));
    return tw_integer(tw_integer_of(tw_await(tw_inline_callbacks(await_below, depth))) + 1);
}

START_TEST(bodies_that_await_bodies_may_be_many)
{
    struct {
        int64_t depth;
        tw_deferred *d;
    } arg = { DEEP, NULL };
    tw_deferred *slot, *done;

    setup();
    arg.d = tw_promise(&slot, NULL, NULL);
    done = tw_inline_callbacks(await_below, &arg);
    tw_fire(&slot, tw_integer(0));
    see("done", done);
    ck_trace("done=999");
    tw_deferred_unref(arg.d);
    teardown();
}
END_TEST

static tw_value start_another(void *count)
{
    tw_deferred *another;
    tw_value got;

    ++*(int *)count;
    another = tw_inline_callbacks(start_another, count);
    got = tw_await(another);
    return got;
}

START_TEST(starts_within_starts_are_limited)
{
    int count = 0;

    setup();
    see("done", tw_inline_callbacks(start_another, &count));
    ck_trace("done!misuse");
    ck_assert_int_eq(count, 4000);
    teardown();
}
END_TEST

static tw_value yield_awaited(void *deferred)
{
    tw_yield(tw_integer(1));
    tw_yield(tw_await(deferred));
    return tw_none();
}

static tw_value run_generator(void *deferred)
{
    tw_coroutine *generator = tw_coroutine_new(yield_awaited, deferred);
    tw_value value;

    while (tw_coroutine_next(generator, &value) == TW_YIELDED)
        trace_seen("yielded", value);
    tw_coroutine_free(generator);
    return tw_none();
}

START_TEST(a_generator_inside_a_body_may_await)
{
    tw_deferred *slot, *done;

    setup();
    done = tw_inline_callbacks(run_generator, tw_promise(&slot, NULL, NULL));
    ck_trace("yielded=1");
    tw_fire(&slot, tw_integer(2));
    see("done", done);
    ck_trace("yielded=2 done=none");
    teardown();
}
END_TEST

static int ended;

static tw_value sleep_two(void *arg)
{
    (void)arg;
    ck_assert(tw_is_none(tw_sleep(2)));
    ended++;
    return tw_none();
}

static tw_value sleep_all(void *arg)
{
    tw_deferred *sleepers[20];

    for (size_t i = 0; i < 20; i++)
        sleepers[i] = tw_inline_callbacks(sleep_two, arg);
    return tw_retain(tw_await(tw_gather(sleepers, 20)));
}

START_TEST(twenty_sleepers_of_two_seconds_end_in_two)
{
    static const struct tw_reactor_options virtual_time = { .virtual_time = true };
    double before;
    tw_value result;

    setup();
    ended = 0;
    ck_assert_int_eq(tw_reactor_install(&virtual_time), 0);
    before = tw_clock_seconds(tw_reactor_clock());
    result = tw_block_on(tw_inline_callbacks(sleep_all, NULL));
    ck_assert_uint_eq(tw_list_length(result), 20);
    ck_assert_int_eq(ended, 20);
    ck_assert_double_eq_tol(tw_clock_seconds(tw_reactor_clock()) - before, 2, 1e-6);
    tw_release(result);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    teardown();
}
END_TEST

static tw_value sleep_for(void *seconds)
{
    tw_value slept = tw_sleep(*(double *)seconds);
    trace_seen("slept", slept);
    return slept;
}

START_TEST(a_sleep_of_no_time_is_a_misuse_or_a_turn)
{
    double seconds = -1;
    tw_value result;

    setup();
    see("done", tw_inline_callbacks(sleep_for, &seconds));
    ck_trace("slept!misuse done!misuse");
    seconds = 0;
    result = tw_block_on(tw_inline_callbacks(sleep_for, &seconds));
    ck_assert(tw_is_none(result));
    ck_trace("slept=none");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    teardown();
}
END_TEST

/* --- held values ----------------------------------------------------------------------------- */

static tw_value named(const char *name)
{
    return tw_box((void *)name, released);
}

static tw_value hold_and_drop(void *arg)
{
    tw_value a, b, c, d;

    (void)arg;
    a = tw_await(tw_succeed(named("a")));
    b = tw_await(tw_succeed(named("b")));
    c = tw_await(tw_succeed(named("c")));
    d = tw_await(tw_succeed(named("d")));
    ck_trace("");
    tw_drop(&b);
    ck_trace("~b");
    ck_assert(tw_is_none(b));
    tw_drop(&a);
    ck_trace("~a");
    tw_drop(&d);
    ck_trace("~d");
    return c;
}

START_TEST(awaited_values_are_held_until_the_end_or_a_drop)
{
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(hold_and_drop, NULL);
    ck_trace("");
    tw_deferred_unref(done);
    ck_trace("~c");
    teardown();
}
END_TEST

static tw_value drop_in_a_loop(void *arg)
{
    tw_value old[8] = { tw_none() };
    int64_t most = 0, before;

    (void)arg;
    before = test_allocs_living();
    for (int i = 0; i < 20000; i++) {
        tw_drop(&old[i % 8]);
        old[i % 8] = tw_await(tw_succeed(tw_string("x")));
        if (test_allocs_living() - before > most)
            most = test_allocs_living() - before;
    }
    ck_assert_int_le(most, 20);
    return tw_none();
}

START_TEST(a_loop_that_drops_holds_few)
{
    setup();
    see("done", tw_inline_callbacks(drop_in_a_loop, NULL));
    ck_trace("done=none");
    ck_assert_int_eq(warnings, 0);
    teardown();
}
END_TEST

static tw_value never_drop(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3000; i++)
        tw_await(tw_succeed(tw_string("x")));
    return tw_none();
}

START_TEST(a_body_that_holds_many_is_warned_of_once_when_debugging)
{
    setup();
    see("done", tw_inline_callbacks(never_drop, NULL));
    ck_assert_int_eq(warnings, TWI_DEBUG ? 1 : 0);
    ck_trace("done=none");
    teardown();
}
END_TEST

START_TEST(a_drop_outside_leaves_what_is_lent)
{
    tw_value text, lent;

    setup();
    text = tw_string("x");
    lent = tw_lend(text);
    tw_drop(&lent);
    ck_assert(tw_is_none(lent));
    ck_assert_str_eq(tw_bytes_data(text), "x");
    tw_drop(&text);
    ck_assert(tw_is_none(text));
    teardown();
}
END_TEST

/* --- misuse --------------------------------------------------------------------------------- */

static tw_value await_in_callback(tw_value result, void *arg)
{
    (void)arg;
    trace_seen("callback", tw_await(tw_succeed(tw_integer(1))));
    return result;
}

static tw_value fire_in_body(void *arg)
{
    tw_deferred *d = tw_succeed(tw_integer(1));

    (void)arg;
    tw_add_callback(d, await_in_callback, NULL);
    tw_deferred_unref(d);
    return tw_none();
}

static tw_value await_in_generator(void *arg)
{
    (void)arg;
    return tw_await(tw_succeed(tw_integer(1)));
}

START_TEST(an_await_outside_is_a_misuse)
{
    tw_coroutine *generator;
    tw_value value;

    setup();
    value = tw_await(tw_succeed(tw_integer(1)));
    trace_seen("outside", value);
    ck_assert(!tw_is_owned(value));
    trace_seen("sleep", tw_sleep(1));
    see("body", tw_inline_callbacks(fire_in_body, NULL));
    generator = tw_coroutine_new(await_in_generator, NULL);
    ck_assert_int_eq(tw_coroutine_next(generator, &value), TW_RETURNED);
    trace_seen("generator", value);
    tw_coroutine_free(generator);
    ck_trace("outside!misuse sleep!misuse callback!misuse body=none generator!misuse");
    ck_assert_ptr_null(tw_inline_callbacks_current());
    teardown();
}
END_TEST

static tw_value await_itself(void *arg)
{
    tw_value got = tw_await(tw_deferred_ref(tw_inline_callbacks_current()));

    (void)arg;
    trace_seen("itself", got);
    return got;
}

static tw_value await_slot(void *slot)
{
    if (tw_is_failure(tw_await(tw_defer_later(NULL, 1, NULL, NULL))))
        return tw_fail_memory();
    return await_arg(tw_deferred_ref(*(tw_deferred **)slot));
}

START_TEST(an_await_of_ones_own_end_is_refused)
{
    static const struct tw_reactor_options virtual_time = { .virtual_time = true };
    static tw_deferred *first, *second; /* a body looks at it, and may outlive this test */
    tw_value result;

    first = second = NULL;
    setup();
    see("done", tw_inline_callbacks(await_itself, NULL));
    ck_trace("itself!misuse done!misuse");
    ck_assert_int_eq(tw_reactor_install(&virtual_time), 0);
    first = tw_inline_callbacks(await_slot, &second);
    second = tw_inline_callbacks(await_arg, tw_deferred_ref(first));
    result = tw_block_on(tw_deferred_ref(second));
    ck_assert(tw_failure_is(result, &tw_error_misuse));
    ck_trace("got!misuse got!misuse");
    tw_release(result);
    tw_deferred_unref(first);
    tw_deferred_unref(second);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    teardown();
}
END_TEST

/* --- the trail ------------------------------------------------------------------------------ */

static tw_value level(void *deferred)
{
    return tw_await_at("level.c:1", deferred);
}

static tw_value level_two(void *deferred)
{
    static const struct tw_coroutine_options options = { .name = "one" };
    return tw_await_at("level.c:2", tw_inline_callbacks_with(level, deferred, &options));
}

static const struct tw_coroutine_options two = { .name = "two" };

START_TEST(a_failure_knows_where_it_was_awaited)
{
    tw_deferred *done, *failed;
    tw_value failure;
    char text[100], few[6];

    setup();
    failed = tw_failed(tw_fail(&tw_error_url, "x"));
    done = tw_inline_callbacks_with(level_two, failed, &two);
    failure = tw_deferred_take_result(done);
    ck_assert_int_eq(tw_failure_format_trail(failure, text, sizeof text), 33);
    ck_assert_str_eq(text, "level.c:1 in one\nlevel.c:2 in two");
    ck_assert_int_eq(tw_failure_format_trail(failure, few, sizeof few), 33);
    ck_assert_str_eq(few, "level");
    ck_assert_int_eq(tw_failure_format_trail(failure, NULL, 0), 33);
    ck_assert_str_eq(tw_failure_message(failure), "x");
    tw_release(failure);
    tw_deferred_unref(done);
    ck_assert_int_eq(tw_failure_format_trail(tw_integer(1), text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    teardown();
}
END_TEST

START_TEST(the_trail_of_a_shared_failure_is_each_holders_own)
{
    tw_value shared, failure;
    tw_deferred *done;
    char text[100];

    setup();
    shared = tw_fail_with(&(struct tw_failure_fields){
        .error_class = &tw_error_status,
        .message = "shared",
        .number = 404,
        .cause = tw_fail(&tw_error_dns, "cause"),
        .value = tw_string("value"),
    });
    for (int i = 0; i < 2; i++) {
        done = tw_inline_callbacks_with(level_two, tw_failed(tw_retain(shared)), &two);
        failure = tw_deferred_take_result(done);
        tw_failure_format_trail(failure, text, sizeof text);
        ck_assert_str_eq(text, "level.c:1 in one\nlevel.c:2 in two");
        ck_assert_str_eq(tw_failure_message(failure), "shared");
        ck_assert_int_eq(tw_failure_number(failure), 404);
        ck_assert(tw_failure_is(tw_failure_cause(failure), &tw_error_dns));
        ck_assert_str_eq(tw_bytes_data(tw_failure_value(failure)), "value");
        tw_release(failure);
        tw_deferred_unref(done);
    }
    ck_assert_int_eq(tw_failure_format_trail(shared, text, sizeof text), 0);
    tw_release(shared);
    done = tw_inline_callbacks_with(level_two, NULL, &two);
    failure = tw_deferred_take_result(done);
    ck_assert(tw_failure_is(failure, &tw_error_memory));
    ck_assert_int_eq(tw_failure_format_trail(failure, text, sizeof text), 0);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value again_and_again(void *failure)
{
    tw_value got = tw_await(tw_failed(tw_retain(*(tw_value *)failure)));

    for (int i = 1; i < 100; i++) {
        tw_value next = tw_retain(got);
        tw_drop(&got);
        got = tw_await_at("x:1", tw_failed(next));
    }
    return got;
}

START_TEST(a_trail_keeps_what_came_first)
{
    tw_value failure = tw_fail(&tw_error_url, "x");
    char text[4096], *line = text;
    tw_deferred *done;
    tw_value last;
    int lines = 1;

    setup();
    done = tw_inline_callbacks_with(again_and_again, &failure, &two);
    tw_release(failure);
    last = tw_deferred_take_result(done);
    tw_failure_format_trail(last, text, sizeof text);
    while ((line = strchr(line, '\n')) != NULL) {
        lines++;
        line++;
    }
    ck_assert_int_eq(lines, 33);
    ck_assert_ptr_nonnull(strstr(text, "\nand 68 more"));
    tw_release(last);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

/* --- dump ----------------------------------------------------------------------------------- */

static void write_line(const char *line, void *text)
{
    strcat(text, line);
    strcat(text, "\n");
}

START_TEST(a_dump_shows_who_awaits_what_where)
{
    tw_deferred *slot, *done;
    char text[4096] = "";

    setup();
    done = tw_inline_callbacks_with(level_two, tw_promise(&slot, NULL, NULL), &two);
    tw_deferred_dump(write_line, text);
    ck_assert_ptr_nonnull(strstr(text, ": two awaits at level.c:2\n  Deferred"));
    ck_assert_ptr_nonnull(strstr(text, ": one awaits at level.c:1\n    Deferred"));
    tw_fire(&slot, tw_none());
    tw_deferred_unref(done);
    teardown();
}
END_TEST

/* --- memory --------------------------------------------------------------------------------- */

static tw_value await_all_ways(void *clock)
{
    tw_value got, bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = tw_await(tw_succeed(tw_string("text")));
    for (int i = 0; i < 8; i += 2)
        tw_drop(&bytes[i]);
    got = tw_await(tw_failed(tw_fail(&tw_error_url, "x")));
    if (!tw_failure_is(got, &tw_error_url))
        return tw_fail_memory();
    got = tw_await(tw_failed(tw_retain(got)));
    if (!tw_failure_is(got, &tw_error_url))
        return tw_fail_memory();
    got = tw_await(tw_defer_later(clock, 1, NULL, NULL));
    if (tw_is_failure(got))
        return got;
    return bytes[3];
}

struct plan {
    tw_clock *clock;
    tw_deferred *crowded;
};

static tw_value await_crowded(void *arg)
{
    struct plan *plan = arg;
    tw_value got = tw_await(plan->crowded); /* its tap lies in the overflow */
    return tw_is_failure(got) ? got : await_all_ways(plan->clock);
}

static bool use_memory(void *arg)
{
    struct plan plan = { tw_clock_virtual_new(), NULL };
    tw_deferred *slot, *done;
    tw_value result;
    bool ok;

    (void)arg;
    if (plan.clock == NULL)
        return false;
    trace_setup();
    plan.crowded = tw_promise(&slot, NULL, NULL);
    for (int i = 0; i < 2; i++)
        tw_add_both(plan.crowded, pass, "p");
    done = tw_inline_callbacks(await_crowded, &plan);
    tw_fire(&slot, tw_integer(1));
    if (done == NULL)
        tw_deferred_unref(plan.crowded);
    tw_clock_advance(plan.clock, 2);
    ck_assert(tw_deferred_is_done(done));
    result = tw_deferred_take_result(done);
    ok = strcmp(tw_bytes_data(result), "text") == 0;
    ck_assert(ok || tw_failure_is(result, &tw_error_memory));
    tw_release(result);
    tw_deferred_unref(done);
    tw_clock_free(plan.clock);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return ok && !test_alloc_failed();
}

START_TEST(every_await_comes_back_whatever_allocation_fails)
{
    setup();
    test_each_alloc_failure(use_memory, NULL);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("await");

    TEST_ADD(suite, many_fired_awaits_grow_neither_stack_nor_memory);
    TEST_ADD(suite, what_has_fired_is_given_at_once);
    TEST_ADD(suite, a_second_await_of_one_deferred_sees_none);
    TEST_ADD(suite, a_running_or_paused_chain_is_awaited_to_its_end);
    TEST_ADD(suite, bodies_that_await_bodies_may_be_many);
    TEST_ADD(suite, starts_within_starts_are_limited);
    TEST_ADD(suite, a_generator_inside_a_body_may_await);
    TEST_ADD(suite, twenty_sleepers_of_two_seconds_end_in_two);
    TEST_ADD(suite, a_sleep_of_no_time_is_a_misuse_or_a_turn);
    TEST_ADD(suite, awaited_values_are_held_until_the_end_or_a_drop);
    TEST_ADD(suite, a_loop_that_drops_holds_few);
    TEST_ADD(suite, a_body_that_holds_many_is_warned_of_once_when_debugging);
    TEST_ADD(suite, a_drop_outside_leaves_what_is_lent);
    TEST_ADD(suite, an_await_outside_is_a_misuse);
    TEST_ADD(suite, an_await_of_ones_own_end_is_refused);
    TEST_ADD(suite, a_failure_knows_where_it_was_awaited);
    TEST_ADD(suite, the_trail_of_a_shared_failure_is_each_holders_own);
    TEST_ADD(suite, a_trail_keeps_what_came_first);
    TEST_ADD(suite, a_dump_shows_who_awaits_what_where);
    TEST_ADD(suite, every_await_comes_back_whatever_allocation_fails);
    return test_run(suite);
}
