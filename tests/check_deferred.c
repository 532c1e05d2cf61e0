/* SPDX-License-Identifier: MIT */
/*
 * check_deferred.c - the life of a Deferred: made, fired, counted, inspected, dead.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/inline_callbacks.h>
#include <tweed/log.h>

#include "tests/trace.h"

static tw_value a_failure(void)
{
    return tw_fail(&tw_error_system, "on purpose");
}

/* --- promise and fire ------------------------------------------------------------------- */

START_TEST(a_promise_gives_each_side_a_reference)
{
    tw_deferred *slot, *d = tw_promise(&slot, NULL, NULL);

    trace_setup();
    ck_assert_ptr_eq(d, slot);
    tw_add_both(d, pass, "a");
    ck_assert_int_eq(tw_fire(&slot, tw_string("text")), 0);
    ck_assert_ptr_null(slot);
    ck_trace("a=text");
    ck_assert_int_eq(tw_fire(&slot, tw_string("to nobody")), 0);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

static tw_value check_empty(tw_value result, void *slot)
{
    ck_assert_ptr_null(*(tw_deferred **)slot);
    return result;
}

START_TEST(the_slot_is_empty_before_callbacks_run)
{
    tw_deferred *slot, *d = tw_promise(&slot, NULL, NULL);

    trace_setup();
    tw_add_both(d, check_empty, &slot);
    tw_deferred_unref(d);
    tw_fire(&slot, tw_integer(1));
    trace_teardown();
}
END_TEST

START_TEST(dropping_the_consumers_reference_only_detaches)
{
    tw_deferred *slot, *d = tw_promise(&slot, NULL, NULL);

    trace_setup();
    tw_add_both(d, pass, "a");
    tw_deferred_unref(d);
    ck_trace("");
    tw_fire(&slot, tw_integer(1));
    ck_trace("a=1");
    trace_teardown();
}
END_TEST

START_TEST(a_callback_may_drop_the_last_reference)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    tw_add_callback(d, let_go, d);
    tw_add_callback(d, pass, "a");
    tw_deferred_fire(d, tw_integer(1));
    ck_trace("x=1 a=1");
    trace_teardown();
}
END_TEST

START_TEST(firing_twice_is_refused_and_reported)
{
    tw_deferred *slot, *d = tw_promise(&slot, NULL, NULL);

    trace_setup();
    ck_assert_int_eq(tw_deferred_fire(d, tw_integer(1)), 0);
    ck_assert_int_eq(tw_deferred_fire(d, tw_string("again")), -EALREADY);
    ck_trace("twice=again");
    ck_assert_int_eq(tw_fire(&slot, a_failure()), -EALREADY);
    ck_trace("twice!system");
    ck_assert_int_eq(tw_integer_of(tw_deferred_result(d)), 1);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(a_bare_deferred_is_no_result)
{
    tw_deferred *slot, *d = tw_promise(&slot, NULL, NULL);

    trace_setup();
    ck_assert_int_eq(tw_fire(&slot, tw_wait(tw_succeed(tw_integer(1)))), -EINVAL);
    ck_assert_ptr_eq(slot, d);
    ck_assert_int_eq(tw_deferred_fire(d, tw_wait(tw_succeed(tw_integer(1)))), -EINVAL);
    ck_assert(!tw_deferred_called(d));
    tw_deferred_unref(slot);
    tw_deferred_unref(d);
    d = tw_succeed(tw_wait(tw_succeed(tw_integer(1))));
    tw_add_both(d, recover, "a");
    ck_trace("a!misuse");
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

START_TEST(references_are_counted)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    ck_assert_ptr_eq(tw_deferred_ref(d), d);
    tw_deferred_unref(d);
    ck_assert_uint_eq(tw_deferred_count(), 1);
    tw_deferred_unref(d);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    trace_teardown();
}
END_TEST

/* --- the canceller's argument ----------------------------------------------------------- */

START_TEST(the_cancellers_argument_is_released_when_fired_or_dead)
{
    tw_deferred *slot, *d;

    trace_setup();
    d = tw_promise_with(&slot, NULL, "ctx", released);
    tw_add_both(d, pass, "a");
    tw_fire(&slot, tw_integer(1));
    ck_trace("~ctx a=1");
    tw_deferred_unref(d);
    ck_trace("");
    d = tw_deferred_new(NULL, "ctx", released);
    tw_deferred_unref(d);
    ck_trace("~ctx");
    trace_teardown();
}
END_TEST

static tw_deferred *adding_to;

static void add_when_released(void *arg)
{
    (void)arg;
    tw_add_both(adding_to, pass, "late");
}

START_TEST(what_a_release_adds_runs_in_its_turn)
{
    tw_deferred *slot;

    trace_setup();
    adding_to = tw_promise_with(&slot, NULL, NULL, add_when_released);
    tw_add_both(adding_to, pass, "early");
    tw_fire(&slot, tw_integer(1));
    ck_trace("early=1 late=1");
    tw_deferred_unref(adding_to);
    trace_teardown();
}
END_TEST

/* --- unhandled failures ----------------------------------------------------------------- */

static tw_value take_memory(tw_value failure, void *arg)
{
    (void)arg;
    return tw_failure_is(failure, &tw_error_memory) ? tw_none() : failure;
}

START_TEST(an_unhandled_failure_is_reported_at_the_last_unref)
{
    tw_deferred *d = tw_failed(a_failure());

    trace_setup();
    tw_deferred_ref(d);
    tw_deferred_unref(d);
    ck_trace("");
    tw_deferred_unref(d);
    ck_trace("unhandled!system");
    d = tw_failed(a_failure());
    tw_add_errback(d, take_memory, NULL); /* looks, and passes it on: trap() */
    tw_deferred_unref(d);
    ck_trace("unhandled!system");
    trace_teardown();
}
END_TEST

START_TEST(a_failure_may_be_handled_late_marked_or_taken)
{
    tw_deferred *d = tw_failed(a_failure());
    tw_value taken;

    trace_setup();
    tw_add_errback(d, say_none, "e");
    tw_deferred_unref(d);
    ck_trace("e!system");
    d = tw_failed(a_failure());
    tw_deferred_mark_handled(d);
    tw_add_callback(d, pass, "c"); /* passes it on: still the same */
    tw_deferred_unref(d);
    ck_trace("");
    d = tw_failed(a_failure());
    tw_deferred_mark_handled(d);
    tw_add_errback(d, failing, "f"); /* another one */
    tw_deferred_unref(d);
    ck_trace("f!system unhandled!system");
    d = tw_failed(a_failure());
    taken = tw_deferred_take_result(d);
    ck_assert(tw_failure_is(taken, &tw_error_system));
    tw_release(taken);
    tw_deferred_unref(d);
    ck_trace("");
    trace_teardown();
}
END_TEST

static tw_deferred *kept;

static void keep_it(tw_deferred *deferred, tw_value failure, void *arg)
{
    (void)arg;
    trace_seen("hook", failure);
    kept = tw_deferred_ref(deferred);
}

START_TEST(a_hook_may_keep_what_would_die)
{
    const struct tw_deferred_hooks hooks = { keep_it, NULL, NULL };

    trace_setup();
    tw_deferred_set_hooks(&hooks);
    tw_deferred_unref(tw_failed(a_failure()));
    ck_trace("hook!system");
    ck_assert(tw_failure_is(tw_deferred_result(kept), &tw_error_system));
    tw_deferred_unref(kept);
    ck_trace("");
    trace_teardown();
}
END_TEST

/* --- what is logged without hooks ------------------------------------------------------- */

static void observe(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    ck_assert_int_eq(event->level, TW_LOG_CRITICAL);
    ck_assert_str_eq(event->module, "deferred");
    trace_add(event->message);
}

START_TEST(without_hooks_the_log_says_where_it_was_made_and_fired)
{
    tw_deferred *slot, *d;

    trace_setup();
    tw_deferred_set_hooks(NULL);
    tw_log_observe(observe, NULL, TW_LOG_DEBUG);
    d = tw_promise_at("maker.c:1", &slot, NULL, NULL, NULL);
    ck_assert_str_eq(tw_deferred_where(d), "maker.c:1");
    ck_assert_ptr_null(tw_deferred_fired_where(d));
    tw_fire_at("firer.c:2", &slot, a_failure());
    ck_assert_str_eq(tw_deferred_fired_where(d), "firer.c:2");
    tw_deferred_fire_at("second.c:3", d, tw_integer(1));
    ck_assert_ptr_nonnull(strstr(trace, "maker.c:1"));
    ck_assert_ptr_nonnull(strstr(trace, "firer.c:2"));
    ck_assert_ptr_nonnull(strstr(trace, "second.c:3"));
    trace_reset();
    tw_deferred_unref(d);
    ck_assert_ptr_nonnull(strstr(trace, "maker.c:1"));
    ck_assert_ptr_nonnull(strstr(trace, "firer.c:2"));
    tw_log_observe(NULL, NULL, TW_LOG_DEBUG);
    trace_teardown();
}
END_TEST

/* --- NULL ------------------------------------------------------------------------------- */

START_TEST(null_is_the_deferred_that_could_not_be_made)
{
    tw_deferred *const none = NULL;
    char text[128];

    trace_setup();
    ck_assert_int_eq(tw_add_callback_with(none, pass, "c", released), 0);
    ck_trace("~c");
    ck_assert_int_eq(tw_add_errback_with(none, failing, "e", released), 0);
    ck_trace("e!memory ~e");
    ck_assert_int_eq(tw_add_both(none, pass, "b"), 0);
    ck_assert_int_eq(tw_add_callbacks(none, pass, "p+", recover, "p-"), 0);
    ck_trace("b!memory p-!memory");
    ck_assert_int_eq(tw_add_both(none, wait_for, tw_succeed(tw_integer(1))), 0);
    ck_trace("w!memory");
    ck_assert_int_eq(tw_cancel(none), 0);
    tw_deferred_pause(none);
    ck_assert_int_eq(tw_deferred_unpause(none), 0);
    ck_assert_int_eq(tw_deferred_add_timeout(none, 1, NULL), 0);
    ck_assert_int_eq(tw_deferred_add_timeout(none, -1, NULL), -EINVAL);
    ck_assert_int_eq(tw_deferred_fire(none, tw_string("x")), 0);
    ck_assert_ptr_null(tw_shield(none));
    ck_assert(tw_deferred_called(none) && tw_deferred_is_done(none));
    ck_assert_uint_eq(tw_deferred_paused(none), 0);
    ck_assert(tw_failure_is(tw_deferred_result(none), &tw_error_memory));
    ck_assert(tw_failure_is(tw_deferred_take_result(none), &tw_error_memory));
    ck_assert_ptr_null(tw_deferred_waiting_on(none));
    ck_assert_ptr_null(tw_deferred_where(none));
    ck_assert_ptr_null(tw_deferred_fired_where(none));
    tw_deferred_mark_handled(none);
    ck_assert_int_eq(tw_deferred_set_data(none, "data", released), -ENOMEM);
    ck_trace("~data");
    ck_assert_ptr_null(tw_deferred_data(none));
    ck_assert_int_eq(tw_deferred_on_death(none, released, "d"), -ENOMEM);
    ck_assert_int_gt(tw_deferred_format(none, text, sizeof text), 0);
    ck_assert_ptr_null(tw_deferred_ref(none));
    tw_deferred_unref(none);
    trace_teardown();
}
END_TEST

/* --- for language bindings -------------------------------------------------------------- */

static void raw_look(tw_deferred *d, void *step)
{
    trace_seen(step, tw_deferred_result(d));
}

static void raw_replace(tw_deferred *d, void *step)
{
    tw_value input = tw_deferred_result(d);

    trace_seen(step, input);
    ck_assert_int_eq(tw_deferred_replace(d, tw_string("first")), 0);
    trace_seen("still", input);
    ck_assert_int_eq(tw_deferred_replace(d, tw_string("second")), 0);
}

static void raw_wait(tw_deferred *d, void *inner)
{
    ck_assert_int_eq(tw_deferred_replace(d, tw_wait(inner)), 0);
}

static void raw_nested(tw_deferred *d, void *other)
{
    tw_deferred_fire(other, tw_integer(2));
    ck_assert_int_eq(tw_deferred_replace(other, tw_integer(3)), -EINVAL);
    ck_assert_int_eq(tw_deferred_replace(d, tw_integer(4)), 0);
}

START_TEST(raw_callbacks_read_and_replace_the_result)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL), *slot;
    tw_deferred *other = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    ck_assert_int_eq(tw_deferred_replace(d, tw_string("outside")), -EINVAL);
    tw_add_raw(d, raw_look, "look", released);
    tw_add_raw(d, raw_replace, "r", NULL);
    tw_add_both(d, pass, "a");
    tw_add_raw(d, raw_wait, tw_promise(&slot, NULL, NULL), NULL);
    tw_add_raw(d, raw_look, "b", NULL);
    tw_deferred_fire(d, tw_string("in"));
    ck_trace("look=in ~look r=in still=in a=second");
    tw_fire(&slot, a_failure());
    ck_trace("b!system");
    tw_add_raw(other, raw_look, "other", NULL);
    tw_add_raw(d, raw_nested, other, NULL);
    tw_add_both(d, pass, "c");
    ck_trace("other=2 c=4");
    ck_assert_int_eq(tw_add_raw(NULL, raw_look, "null", released), 0);
    ck_trace("null!memory ~null");
    tw_deferred_unref(other);
    tw_deferred_unref(d);
    trace_teardown();
}
END_TEST

/* --- the result, in each state ------------------------------------------------------------ */

static tw_deferred *looked_at, *inner_slot;

static void look(const char *when)
{
    char text[64], line[128];

    tw_value_format(tw_deferred_result(looked_at), text, sizeof text);
    snprintf(line, sizeof line, "%s:%s", when, text);
    trace_add(line);
}

static tw_value look_inside(tw_value input, void *when)
{
    look(when);
    ck_assert_int_eq(tw_integer_of(input), tw_integer_of(tw_deferred_result(looked_at)));
    return tw_integer(tw_integer_of(input) + 1);
}

static void replace_and_look(tw_deferred *deferred, void *when)
{
    look("raw");
    tw_deferred_replace(deferred, tw_integer(50));
    look(when);
}

static int look_in_canceller(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    (void)arg;
    look("canceller");
    return -EBUSY;
}

static tw_value await_and_look(void *deferred)
{
    trace_seen("await", tw_await(deferred));
    look("awaited");
    return tw_none();
}

static tw_value give_inner(tw_value input, void *inner)
{
    (void)input;
    return tw_wait(inner);
}

START_TEST(the_result_is_to_be_had_in_each_state)
{
    tw_deferred *slot;

    trace_setup();
    looked_at = tw_promise(&slot, look_in_canceller, NULL);
    look("pending");
    tw_cancel(looked_at);
    tw_add_callback(looked_at, look_inside, "inside");
    tw_add_raw(looked_at, replace_and_look, "replaced", NULL);
    tw_add_callback(looked_at, give_inner, tw_promise(&inner_slot, NULL, NULL));
    tw_add_callback(looked_at, look_inside, "behind");
    tw_deferred_pause(looked_at);
    tw_fire(&slot, tw_integer(7));
    look("paused");
    ck_trace("pending:none canceller:none paused:7");
    tw_deferred_unpause(looked_at);
    look("waiting");
    tw_fire(&inner_slot, tw_integer(20));
    look("done");
    ck_trace("inside:7 raw:8 replaced:50 waiting:none behind:20 done:21");
    tw_deferred_unref(tw_inline_callbacks(await_and_look, tw_deferred_ref(looked_at)));
    look("then");
    ck_trace("await=21 awaited:none then:none");
    tw_deferred_unref(looked_at);
    trace_teardown();
}
END_TEST

/* Each takes the result of a done one, a reference of which it is given. */
static tw_deferred *kept;

static void by_wait(tw_deferred *done)
{
    kept = tw_succeed(tw_none());
    tw_add_callback(kept, give_inner, done);
}

static void by_resolving(tw_deferred *done)
{
    kept = tw_deferred_new(NULL, NULL, NULL);
    tw_deferred_resolve_with(kept, done);
}

static void by_chaining(tw_deferred *done)
{
    kept = tw_deferred_new(NULL, NULL, NULL);
    tw_chain_deferred(done, tw_deferred_ref(kept));
    tw_deferred_unref(done);
}

static void by_awaiting(tw_deferred *done)
{
    kept = tw_inline_callbacks(await_and_look, done);
}

static void by_taking(tw_deferred *done)
{
    kept = tw_fired_at(TW_HERE, tw_deferred_take_result(done));
    tw_deferred_unref(done);
}

static void (*const takers[])(tw_deferred *done) = {
    by_wait, by_resolving, by_chaining, by_awaiting, by_taking,
};

START_TEST(a_result_that_was_handed_on_is_none)
{
    trace_setup();
    looked_at = tw_succeed(tw_integer(7));
    takers[_i](tw_deferred_ref(looked_at));
    trace_reset();
    look("then");
    ck_trace("then:none");
    ck_assert(tw_deferred_called(looked_at) && tw_deferred_is_done(looked_at));
    tw_deferred_unref(looked_at);
    tw_deferred_unref(kept);
    trace_teardown();
}
END_TEST

START_TEST(user_data_is_released_once_and_death_is_told)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    trace_setup();
    ck_assert_ptr_null(tw_deferred_data(d));
    ck_assert_int_eq(tw_deferred_set_data(d, "one", released), 0);
    ck_assert_str_eq(tw_deferred_data(d), "one");
    ck_assert_int_eq(tw_deferred_set_data(d, "two", released), 0);
    ck_trace("~one");
    ck_assert_int_eq(tw_deferred_on_death(d, released, "death"), 0);
    for (int i = 0; i < 20; i++)
        tw_add_both(d, pass, "a");
    ck_assert_str_eq(tw_deferred_data(d), "two");
    tw_deferred_fire(d, tw_none());
    trace_reset();
    tw_deferred_unref(d);
    ck_trace("~two ~death");
    trace_teardown();
}
END_TEST

/* --- inspection ------------------------------------------------------------------------- */

static void collect(const char *line, void *arg)
{
    (void)arg;
    trace_add(line);
    trace_add("\n");
}

static bool dump_says(const char *text)
{
    trace_reset();
    tw_deferred_dump(collect, NULL);
    return strstr(trace, text) != NULL;
}

START_TEST(a_deferred_describes_itself)
{
    tw_deferred *slot, *inner = tw_promise_at("inner.c:1", &slot, NULL, NULL, NULL);
    tw_deferred *d = tw_deferred_new_at("outer.c:2", NULL, NULL, NULL);
    char text[256];

    trace_setup();
    tw_deferred_format(d, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "made at outer.c:2: pending"));
    tw_deferred_pause(d);
    tw_deferred_format(d, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "paused 1 times"));
    tw_deferred_unpause(d);
    tw_deferred_resolve_with(d, tw_deferred_ref(inner));
    tw_deferred_format(d, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "waiting for"));
    ck_assert_ptr_nonnull(strstr(text, "inner.c:1"));
    tw_value_format(tw_wait(d), text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "outer.c:2"));
    ck_assert(dump_says("inner.c:1: pending"));
    ck_assert(dump_says("outer.c:2: waiting for"));
    ck_assert(dump_says("  Deferred"));
#if TWI_DEBUG
    ck_assert(dump_says(" s old, made at"));
#endif
    ck_assert_int_gt(tw_deferred_format(d, text, 5), 5);
    tw_fire(&slot, tw_integer(12));
    tw_deferred_format(d, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "result 12"));
    ck_assert(!dump_says("outer.c:2"));
    tw_deferred_unref(inner);
    tw_deferred_unref(d);
    ck_assert(!dump_says("Deferred"));
    trace_teardown();
}
END_TEST

/* --- misuse ------------------------------------------------------------------------------ */

#if TWI_DEBUG
static void *fire_elsewhere(void *d)
{
    tw_deferred_fire(d, tw_none());
    return NULL;
}

START_TEST(a_foreign_thread_is_caught_in_debug_builds)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        pthread_t thread;
        struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        pthread_create(&thread, NULL, fire_elsewhere, tw_deferred_new(NULL, NULL, NULL));
        pthread_join(thread, NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST
#endif

/* --- another thread ---------------------------------------------------------------------- */

#if TWI_DEBUG
static tw_deferred *foreign;
static char misuse[256];

static void keep_and_leave(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    snprintf(misuse, sizeof misuse, "%s", event->message);
    pthread_exit(NULL); /* it would end the process */
}

static void use_add(void)
{
    tw_add_both(foreign, tw_log_failure, NULL);
}

static void use_fire(void)
{
    tw_deferred_fire(foreign, tw_none());
}

static void use_list(void)
{
    tw_deferred_unref(tw_shield(foreign));
}

static void use_called(void)
{
    tw_deferred_called(foreign);
}

static void use_done(void)
{
    tw_deferred_is_done(foreign);
}

static void use_result(void)
{
    tw_deferred_result(foreign);
}

static void use_take(void)
{
    tw_release(tw_deferred_take_result(foreign));
}

static void use_handled(void)
{
    tw_deferred_mark_handled(foreign);
}

static void use_set_data(void)
{
    tw_deferred_set_data(foreign, NULL, NULL);
}

static void use_data(void)
{
    tw_deferred_data(foreign);
}

static void use_death(void)
{
    tw_deferred_on_death(foreign, released, "never");
}

static void use_format(void)
{
    tw_deferred_format(foreign, NULL, 0);
}

static void use_cancel(void)
{
    tw_cancel(foreign);
}

static void use_unref(void)
{
    tw_deferred_unref(foreign);
}

static void (*const uses[])(void) = {
    use_add,     use_fire,     use_list, use_called, use_done,   use_result, use_take,
    use_handled, use_set_data, use_data, use_death,  use_format, use_cancel, use_unref,
};

static void *use_it(void *which)
{
    uses[*(const int *)which]();
    return NULL;
}

START_TEST(use_on_another_thread_is_named)
{
    pthread_t thread;
    int which = _i;

    foreign = test_given(tw_deferred_new(NULL, NULL, NULL));
    misuse[0] = '\0';
    tw_log_observe(keep_and_leave, NULL, TW_LOG_CRITICAL);
    ck_assert_int_eq(pthread_create(&thread, NULL, use_it, &which), 0);
    pthread_join(thread, NULL);
    tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
    ck_assert_ptr_nonnull(strstr(misuse, "belongs to another thread"));
    tw_deferred_unref(foreign);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("deferred");

    TEST_ADD(suite, a_promise_gives_each_side_a_reference);
    TEST_ADD(suite, the_slot_is_empty_before_callbacks_run);
    TEST_ADD(suite, dropping_the_consumers_reference_only_detaches);
    TEST_ADD(suite, a_callback_may_drop_the_last_reference);
    TEST_ADD(suite, firing_twice_is_refused_and_reported);
    TEST_ADD(suite, a_bare_deferred_is_no_result);
    TEST_ADD(suite, references_are_counted);
    TEST_ADD(suite, the_cancellers_argument_is_released_when_fired_or_dead);
    TEST_ADD(suite, what_a_release_adds_runs_in_its_turn);
    TEST_ADD(suite, an_unhandled_failure_is_reported_at_the_last_unref);
    TEST_ADD(suite, a_failure_may_be_handled_late_marked_or_taken);
    TEST_ADD(suite, a_hook_may_keep_what_would_die);
    TEST_ADD(suite, without_hooks_the_log_says_where_it_was_made_and_fired);
    TEST_ADD(suite, null_is_the_deferred_that_could_not_be_made);
    TEST_ADD(suite, raw_callbacks_read_and_replace_the_result);
    TEST_ADD(suite, the_result_is_to_be_had_in_each_state);
    TEST_ADD_ROWS(suite, a_result_that_was_handed_on_is_none, takers);
    TEST_ADD(suite, user_data_is_released_once_and_death_is_told);
    TEST_ADD(suite, a_deferred_describes_itself);
#if TWI_DEBUG
    TEST_ADD(suite, a_foreign_thread_is_caught_in_debug_builds);
#endif
#if TWI_DEBUG
    TEST_ADD_ROWS(suite, use_on_another_thread_is_named, uses);
#endif
    return test_run(suite);
}
