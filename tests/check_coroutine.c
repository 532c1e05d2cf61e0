/* SPDX-License-Identifier: MIT */
/*
 * check_coroutine.c - coroutines as generators: next, send, throw, close, yield from; misuse.
 */
#include "config.h"

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/coroutine.h>
#include <tweed/log.h>

#include "defer/coroutine/coroutine.h"
#include "tests/test.h"

static tw_value value;

static tw_coroutine *given(tw_coroutine *coroutine)
{
    return test_given(coroutine);
}

static void yields(int status, int64_t wanted)
{
    ck_assert_int_eq(status, TW_YIELDED);
    ck_assert_int_eq(tw_integer_of(value), wanted);
}

static void returns(int status, int64_t wanted)
{
    ck_assert_int_eq(status, TW_RETURNED);
    ck_assert(tw_is(value, &tw_type_integer));
    ck_assert_int_eq(tw_integer_of(value), wanted);
}

static void raises(int status, const tw_error_class *wanted)
{
    ck_assert_int_eq(status, TW_RETURNED);
    ck_assert(tw_failure_is(value, wanted));
}

/* --- the rules of generators ------------------------------------------------------------ */

static tw_value count(void *arg)
{
    int *most = arg;

    for (int i = 0; i < *most; i++) {
        tw_value sent = tw_yield(tw_integer(i));
        if (tw_is_failure(sent))
            return sent;
    }
    return tw_integer(*most * 100);
}

START_TEST(next_gives_each_value_and_then_what_is_returned)
{
    int most = 3;
    tw_coroutine *numbers = given(tw_coroutine_new(count, &most));

    ck_assert_int_eq(tw_coroutine_state(numbers), TW_CREATED);
    yields(tw_coroutine_next(numbers, &value), 0);
    ck_assert_int_eq(tw_coroutine_state(numbers), TW_SUSPENDED);
    yields(tw_coroutine_next(numbers, &value), 1);
    yields(tw_coroutine_next(numbers, &value), 2);
    returns(tw_coroutine_next(numbers, &value), 300);
    ck_assert_int_eq(tw_coroutine_state(numbers), TW_ENDED);
    ck_assert_int_eq(tw_coroutine_next(numbers, &value), -EALREADY);
    ck_assert(tw_failure_is(value, &tw_error_misuse));
    tw_coroutine_free(numbers);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
}
END_TEST

/* Adds up the numbers sent to it; each answer is bytes, so that faults of ownership show. */
static tw_value adder(void *arg)
{
    int64_t sum = 0;
    tw_value sent = tw_yield(tw_none());

    (void)arg;
    while (tw_integer_of(sent) >= 0) {
        sum += tw_integer_of(sent);
        sent = tw_yield(tw_bytes_format("%d", (int)sum));
    }
    return tw_bytes_format("total %d", (int)sum);
}

START_TEST(send_is_what_yield_gives)
{
    tw_coroutine *sums = given(tw_coroutine_new(adder, NULL));

    ck_assert_int_eq(tw_coroutine_next(sums, &value), TW_YIELDED);
    ck_assert_int_eq(tw_coroutine_send(sums, tw_integer(5), &value), TW_YIELDED);
    ck_assert_str_eq(tw_bytes_data(value), "5");
    ck_assert_int_eq(tw_coroutine_send(sums, tw_integer(7), &value), TW_YIELDED);
    ck_assert_str_eq(tw_bytes_data(value), "12");
    ck_assert_int_eq(tw_coroutine_send(sums, tw_integer(-1), &value), TW_RETURNED);
    ck_assert_str_eq(tw_bytes_data(value), "total 12");
    tw_coroutine_free(sums);
}
END_TEST

static tw_value echo(void *arg)
{
    tw_value sent = tw_none();

    (void)arg;
    while (!tw_failure_is(sent, &tw_error_closed))
        sent = tw_yield(sent);
    return sent;
}

START_TEST(what_is_yielded_may_be_sent_back)
{
    tw_coroutine *same = given(tw_coroutine_new(echo, NULL));

    ck_assert_int_eq(tw_coroutine_next(same, &value), TW_YIELDED);
    value = tw_string("to and fro");
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(tw_coroutine_send(same, value, &value), TW_YIELDED);
        ck_assert_str_eq(tw_bytes_data(value), "to and fro");
    }
    ck_assert_int_eq(tw_coroutine_state(same), TW_SUSPENDED);
    ck_assert_int_eq(tw_coroutine_throw(same, tw_fail(&tw_error_url, "thrown"), &value),
                     TW_YIELDED);
    ck_assert(tw_failure_is(value, &tw_error_url));
    tw_coroutine_free(same);
}
END_TEST

START_TEST(a_throw_ends_a_body_that_passes_it_on)
{
    int most = 3;
    tw_coroutine *numbers = given(tw_coroutine_new(count, &most));

    yields(tw_coroutine_next(numbers, &value), 0);
    raises(tw_coroutine_throw(numbers, tw_fail(&tw_error_url, "thrown"), &value),
           &tw_error_url);
    raises(tw_coroutine_throw(numbers, tw_fail(&tw_error_dns, "again"), &value),
           &tw_error_dns);
    tw_coroutine_free(numbers);
}
END_TEST

START_TEST(a_throw_before_the_start_ends_it_and_the_body_never_runs)
{
    tw_coroutine *never = given(tw_coroutine_new(count, NULL));

    raises(tw_coroutine_throw(never, tw_fail(&tw_error_url, "thrown"), &value), &tw_error_url);
    ck_assert_int_eq(tw_coroutine_state(never), TW_ENDED);
    tw_coroutine_free(never);
}
END_TEST

/* --- yield from ------------------------------------------------------------------------- */

static tw_value delegate(void *arg)
{
    tw_value result = tw_yield_from(arg);

    if (tw_failure_is(result, &tw_error_closed))
        return result;
    if (tw_is_failure(result))
        return tw_integer(-1);
    tw_yield(result);
    return tw_integer(7);
}

START_TEST(yield_from_passes_everything_through_and_gives_what_inner_returned)
{
    int most = 2;
    tw_coroutine *inner = given(tw_coroutine_new(count, &most));
    tw_coroutine *outer = given(tw_coroutine_new(delegate, inner));

    yields(tw_coroutine_next(outer, &value), 0);
    yields(tw_coroutine_next(outer, &value), 1);
    yields(tw_coroutine_next(outer, &value), 200);
    returns(tw_coroutine_next(outer, &value), 7);
    tw_coroutine_free(outer);
    tw_coroutine_free(inner);
}
END_TEST

START_TEST(throws_and_closes_go_to_inner)
{
    int most = 2;
    tw_coroutine *inner = given(tw_coroutine_new(count, &most));
    tw_coroutine *outer = given(tw_coroutine_new(delegate, inner));

    yields(tw_coroutine_next(outer, &value), 0);
    returns(tw_coroutine_throw(outer, tw_fail(&tw_error_url, "thrown"), &value), -1);
    ck_assert_int_eq(tw_coroutine_state(inner), TW_ENDED);
    tw_coroutine_free(outer);
    tw_coroutine_free(inner);

    inner = given(tw_coroutine_new(count, &most));
    outer = given(tw_coroutine_new(delegate, inner));
    yields(tw_coroutine_next(outer, &value), 0);
    ck_assert_int_eq(tw_coroutine_close(outer, &value), TW_RETURNED);
    ck_assert(tw_is_none(value));
    ck_assert_int_eq(tw_coroutine_state(inner), TW_ENDED);
    tw_coroutine_free(outer);
    tw_coroutine_free(inner);
}
END_TEST

/* --- closing ---------------------------------------------------------------------------- */

static char story[256];

static void note(const char *what)
{
    size_t length = strlen(story);

    snprintf(story + length, sizeof story - length, "%s%s", length > 0 ? " " : "", what);
}

static void keep_report(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    note(event->message);
}

/* Ignores so many closes, then does what `then` says. */
struct stubborn {
    int closes;
    const tw_error_class *then;
};

static tw_value ignores(void *arg)
{
    struct stubborn *stubborn = arg;
    tw_value sent = tw_yield(tw_integer(0));

    while (tw_failure_is(sent, &tw_error_closed) && stubborn->closes-- > 0)
        sent = tw_yield(tw_integer(1));
    return stubborn->then != NULL ? tw_fail(stubborn->then, "in the clean-up") : tw_none();
}

START_TEST(who_ignores_a_close_stands_at_its_next_yield)
{
    struct stubborn stubborn = { .closes = 1 };
    tw_coroutine *coroutine = given(tw_coroutine_new(ignores, &stubborn));

    ck_assert_int_eq(tw_coroutine_next(coroutine, &value), TW_YIELDED);
    ck_assert_int_eq(tw_coroutine_close(coroutine, &value), TW_YIELDED);
    ck_assert(tw_failure_is(value, &tw_error_misuse));
    ck_assert_ptr_nonnull(strstr(tw_failure_message(value), "ignored"));
    ck_assert_int_eq(tw_coroutine_state(coroutine), TW_SUSPENDED);
    ck_assert_int_eq(tw_coroutine_close(coroutine, &value), TW_RETURNED);
    ck_assert(tw_is_none(value));
    ck_assert_int_eq(tw_coroutine_close(coroutine, &value), TW_RETURNED);
    ck_assert(tw_is_none(value));
    tw_coroutine_free(coroutine);
}
END_TEST

START_TEST(what_the_clean_up_raises_comes_out_of_close)
{
    struct stubborn stubborn = { .then = &tw_error_dns };
    tw_coroutine *coroutine = given(tw_coroutine_new(ignores, &stubborn));

    ck_assert_int_eq(tw_coroutine_next(coroutine, &value), TW_YIELDED);
    raises(tw_coroutine_close(coroutine, &value), &tw_error_dns);
    tw_coroutine_free(coroutine);
}
END_TEST

START_TEST(one_that_has_not_started_is_closed_without_running)
{
    tw_coroutine *coroutine = given(tw_coroutine_new(ignores, NULL));

    ck_assert_int_eq(tw_coroutine_close(coroutine, &value), TW_RETURNED);
    ck_assert(tw_is_none(value));
    ck_assert_int_eq(tw_coroutine_next(coroutine, &value), -EALREADY);
    tw_coroutine_free(coroutine);
}
END_TEST

static const struct {
    int closes;
    const tw_error_class *then;
    const char *report;
} frees[] = {
    { 0, NULL, "" },
    { 99, NULL, "" },
    { 100, NULL, "ignored 100 closes" },
    { 1000000, NULL, "ignored 100 closes" },
    { 0, &tw_error_dns, "unhandled failure of a coroutine that was freed" },
};

START_TEST(to_free_is_to_close_at_last)
{
    struct stubborn stubborn = { .closes = frees[_i].closes, .then = frees[_i].then };
    tw_coroutine *coroutine = given(tw_coroutine_new(ignores, &stubborn));

    story[0] = '\0';
    tw_log_observe(keep_report, NULL, TW_LOG_CRITICAL);
    ck_assert_int_eq(tw_coroutine_next(coroutine, &value), TW_YIELDED);
    tw_coroutine_free(coroutine);
    tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    if (frees[_i].report[0] == '\0')
        ck_assert_str_eq(story, "");
    else
        ck_assert_msg(strstr(story, frees[_i].report) != NULL, "%s", story);
}
END_TEST

/* --- freed inside itself ---------------------------------------------------------------- */

static void note_release(void *arg)
{
    (void)arg;
    note("released");
}

static tw_value frees_itself(void *arg)
{
    tw_value sent;

    (void)arg;
    tw_coroutine_free(tw_coroutine_current());
    tw_coroutine_free(tw_coroutine_current());
    note("still here");
    sent = tw_yield(tw_integer(1));
    return tw_failure_is(sent, &tw_error_closed) ? tw_string("the end") : tw_none();
}

START_TEST(freed_inside_itself_it_goes_when_its_body_returns)
{
    struct tw_coroutine_options options = { .release = note_release };
    tw_coroutine *coroutine = given(tw_coroutine_new_with(frees_itself, NULL, &options));

    story[0] = '\0';
    ck_assert_int_eq(tw_coroutine_next(coroutine, &value), TW_RETURNED);
    ck_assert_str_eq(tw_bytes_data(value), "the end");
    ck_assert_str_eq(story, "still here released");
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    coroutine = given(tw_coroutine_new(frees_itself, NULL));
    ck_assert_int_eq(tw_coroutine_next(coroutine, NULL), TW_RETURNED);
}
END_TEST

static tw_value frees_when_closed(void *arg)
{
    (void)arg;
    tw_yield(tw_none());
    tw_coroutine_free(tw_coroutine_current());
    return tw_none();
}

START_TEST(freed_by_its_own_clean_up_it_goes_once)
{
    tw_coroutine *coroutine = given(tw_coroutine_new(frees_when_closed, NULL));

    tw_coroutine_next(coroutine, NULL);
    tw_coroutine_free(coroutine);
    coroutine = given(tw_coroutine_new(frees_when_closed, NULL));
    tw_coroutine_next(coroutine, NULL);
    ck_assert_int_eq(tw_coroutine_close(coroutine, &value), TW_RETURNED);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
}
END_TEST

/* --- misuse ----------------------------------------------------------------------------- */

static void misused(int status, int error, const char *says)
{
    ck_assert_int_eq(status, error);
    ck_assert(tw_failure_is(value, &tw_error_misuse));
    ck_assert_msg(strstr(tw_failure_message(value), says) != NULL, "%s",
                  tw_failure_message(value));
}

START_TEST(nothing_but_none_is_sent_before_the_start)
{
    int most = 1;
    tw_coroutine *numbers = given(tw_coroutine_new(count, &most));

    misused(tw_coroutine_send(numbers, tw_string("early"), &value), -EINVAL, "not started");
    yields(tw_coroutine_send(numbers, tw_none(), &value), 0);
    tw_coroutine_free(numbers);
}
END_TEST

START_TEST(one_that_has_ended_is_not_resumed)
{
    int none = 0;
    struct tw_coroutine_options options = { .name = "the counter" };
    tw_coroutine *numbers = given(tw_coroutine_new_with(count, &none, &options));

    returns(tw_coroutine_next(numbers, &value), 0);
    misused(tw_coroutine_next(numbers, &value), -EALREADY, "the counter (made at ");
    misused(tw_coroutine_send(numbers, tw_string("late"), &value), -EALREADY, "has ended");
    ck_assert_int_eq(tw_coroutine_next(numbers, NULL), -EALREADY);
    tw_coroutine_free(numbers);
}
END_TEST

START_TEST(only_failures_are_thrown)
{
    int most = 1;
    tw_coroutine *numbers = given(tw_coroutine_new(count, &most));

    yields(tw_coroutine_next(numbers, &value), 0);
    misused(tw_coroutine_throw(numbers, tw_string("soft"), &value), -EINVAL, "no failure");
    returns(tw_coroutine_next(numbers, &value), 100);
    tw_coroutine_free(numbers);
}
END_TEST

START_TEST(there_must_be_a_coroutine)
{
    struct tw_coroutine_options options = { .release = note_release };

    misused(tw_coroutine_next(NULL, &value), -EINVAL, "no coroutine");
    misused(tw_coroutine_send(NULL, tw_string("lost"), &value), -EINVAL, "no coroutine");
    misused(tw_coroutine_throw(NULL, tw_fail(&tw_error_dns, "lost"), &value), -EINVAL,
            "no coroutine");
    misused(tw_coroutine_close(NULL, &value), -EINVAL, "no coroutine");
    ck_assert_int_eq(tw_coroutine_next(NULL, NULL), -EINVAL);
    tw_coroutine_free(NULL);
    ck_assert_int_eq(tw_coroutine_state(NULL), TW_ENDED);
    ck_assert_str_eq(tw_coroutine_name(NULL), "");
    ck_assert_uint_eq(tw_coroutine_stack_size(NULL), 0);
    ck_assert_uint_eq(tw_coroutine_stack_used(NULL), 0);
    ck_assert_ptr_null(tw_coroutine_current());
    story[0] = '\0';
    ck_assert_ptr_null(tw_coroutine_new_with(NULL, NULL, &options));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_str_eq(story, "released");
    value = tw_yield_from(NULL);
    ck_assert(tw_failure_is(value, &tw_error_misuse));
}
END_TEST

START_TEST(outside_of_a_coroutine_nobody_listens)
{
    value = tw_yield(tw_string("hello?"));
    ck_assert(tw_failure_is(value, &tw_error_misuse));
    ck_assert_ptr_nonnull(strstr(tw_failure_message(value), "nobody listens"));
}
END_TEST

/* Resumes, throws into and closes the running coroutine. */
static tw_value resumes_what_runs(void *arg)
{
    tw_coroutine *running = *(tw_coroutine **)arg;

    ck_assert_int_eq(tw_coroutine_state(running), TW_RUNNING);
    misused(tw_coroutine_next(running, &value), -EBUSY, "is running already");
    misused(tw_coroutine_send(running, tw_string("lost"), &value), -EBUSY, "running");
    misused(tw_coroutine_throw(running, tw_fail(&tw_error_dns, "lost"), &value), -EBUSY,
            "running");
    misused(tw_coroutine_close(running, &value), -EBUSY, "running");
    value = tw_yield_from(running);
    ck_assert(tw_failure_is(value, &tw_error_misuse));
    return tw_integer(1);
}

static tw_value resumes_who_resumed_it(void *arg)
{
    tw_coroutine *inner = given(tw_coroutine_new(resumes_what_runs, arg));

    returns(tw_coroutine_next(inner, &value), 1);
    tw_coroutine_free(inner);
    return tw_integer(2);
}

START_TEST(one_that_runs_is_not_resumed)
{
    tw_coroutine *self = NULL;

    self = given(tw_coroutine_new(resumes_what_runs, &self));
    returns(tw_coroutine_next(self, &value), 1);
    tw_coroutine_free(self);
    self = given(tw_coroutine_new(resumes_who_resumed_it, &self));
    returns(tw_coroutine_next(self, &value), 2);
    tw_coroutine_free(self);
}
END_TEST

/* --- yield from that goes wrong --------------------------------------------------------- */

static tw_value passes_on(void *arg)
{
    return tw_yield_from(arg);
}

START_TEST(closing_an_outer_one_whose_inner_ignores_it_raises_that)
{
    struct stubborn stubborn = { .closes = 1 };
    tw_coroutine *inner = given(tw_coroutine_new(ignores, &stubborn));
    tw_coroutine *outer = given(tw_coroutine_new(passes_on, inner));

    yields(tw_coroutine_next(outer, &value), 0);
    raises(tw_coroutine_close(outer, &value), &tw_error_misuse);
    ck_assert_int_eq(tw_coroutine_state(inner), TW_SUSPENDED);
    tw_coroutine_free(outer);
    tw_coroutine_free(inner);
}
END_TEST

START_TEST(what_inner_raises_is_raised_at_the_yield_from)
{
    int most = 2;
    tw_coroutine *inner = given(tw_coroutine_new(count, &most));
    tw_coroutine *outer = given(tw_coroutine_new(passes_on, inner));

    yields(tw_coroutine_next(outer, &value), 0);
    raises(tw_coroutine_throw(outer, tw_fail(&tw_error_url, "deep"), &value), &tw_error_url);
    tw_coroutine_free(outer);
    outer = given(tw_coroutine_new(passes_on, inner));
    raises(tw_coroutine_next(outer, &value), &tw_error_misuse); /* inner has ended */
    tw_coroutine_free(outer);
    tw_coroutine_free(inner);
}
END_TEST

enum { DEEP = 50 };

static tw_value deeper(void *arg)
{
    intptr_t left = (intptr_t)arg;
    tw_coroutine *inner;
    tw_value result;

    if (left == 0)
        return tw_yield(tw_string("from the bottom"));
    inner = given(tw_coroutine_new(deeper, (void *)(left - 1)));
    result = tw_retain(tw_yield_from(inner));
    tw_coroutine_free(inner);
    return result;
}

START_TEST(delegates_of_delegates_are_one_line)
{
    tw_coroutine *outer = given(tw_coroutine_new(deeper, (void *)(intptr_t)DEEP));

    ck_assert_int_eq(tw_coroutine_next(outer, &value), TW_YIELDED);
    ck_assert_str_eq(tw_bytes_data(value), "from the bottom");
    ck_assert_uint_eq(tw_coroutine_count(), DEEP + 1);
    ck_assert_int_eq(tw_coroutine_send(outer, tw_string("to the bottom"), &value),
                     TW_RETURNED);
    ck_assert_str_eq(tw_bytes_data(value), "to the bottom");
    tw_coroutine_free(outer);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
}
END_TEST

/* --- without memory --------------------------------------------------------------------- */

static bool tell_a_story(void *arg)
{
    tw_coroutine *sums = tw_coroutine_new(adder, NULL);
    tw_coroutine *outer = tw_coroutine_new(passes_on, sums);
    bool good;

    (void)arg;
    good = sums != NULL && outer != NULL && tw_coroutine_next(outer, &value) == TW_YIELDED &&
           tw_coroutine_send(outer, tw_integer(2), &value) == TW_YIELDED &&
           tw_is(value, &tw_type_bytes) &&
           tw_coroutine_throw(outer, tw_fail(&tw_error_url, "no"), &value) == TW_YIELDED &&
           tw_coroutine_send(outer, tw_integer(-1), &value) == TW_RETURNED &&
           tw_is(value, &tw_type_bytes) && tw_coroutine_next(outer, &value) == -EALREADY &&
           tw_failure_is(value, &tw_error_misuse);
    tw_coroutine_free(outer);
    tw_coroutine_free(sums);
    return good;
}

START_TEST(each_allocation_may_fail)
{
    test_each_alloc_failure(tell_a_story, NULL);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
}
END_TEST

/* --- threads ---------------------------------------------------------------------------- */

static tw_value cleans_up(void *arg)
{
    tw_value sent = tw_yield(tw_none());

    (void)arg;
    note(tw_failure_is(sent, &tw_error_closed) ? "cleaned up" : "not closed");
    return tw_none();
}

static void *leaves_some(void *arg)
{
    struct tw_coroutine_options options = { .release = note_release, .name = "left" };
    tw_coroutine *left;

    tw_coroutine_next(tw_coroutine_new_with(cleans_up, NULL, &options), NULL);
    left = tw_coroutine_new_with(cleans_up, NULL, &options);
    (void)left;
    return arg;
}

START_TEST(what_a_thread_leaves_is_closed_and_reported)
{
    pthread_t thread;
    int64_t living = test_allocs_living();

    story[0] = '\0';
    tw_log_observe(keep_report, NULL, TW_LOG_CRITICAL);
    ck_assert_int_eq(pthread_create(&thread, NULL, leaves_some, NULL), 0);
    pthread_join(thread, NULL);
    tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
    ck_assert_ptr_eq(strstr(story, "coroutine left (made at "), story);
    ck_assert_ptr_nonnull(strstr(story, ") is left when its thread ends cleaned up released"));
    ck_assert_ptr_nonnull(strstr(story, ") is left when its thread ends released"));
    ck_assert_int_eq(test_allocs_living(), living);
}
END_TEST

#if TWI_DEBUG
static void *resumes_another_threads(void *arg)
{
    tw_coroutine_next(arg, NULL);
    return NULL;
}

static void say_to_parent(const struct tw_log_event *event, void *arg)
{
    ssize_t written = write(*(int *)arg, event->message, strlen(event->message));
    (void)written;
}

START_TEST(another_thread_may_not_touch_it)
{
    const struct rlimit no_core = { 0, 0 };
    char text[256] = "";
    int ends[2], status;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        pthread_t thread;
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        tw_log_observe(say_to_parent, &ends[1], TW_LOG_CRITICAL);
        pthread_create(&thread, NULL, resumes_another_threads,
                       tw_coroutine_new(cleans_up, NULL));
        pthread_join(thread, NULL);
        _exit(0);
    }
    close(ends[1]);
    ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "of another thread"));
}
END_TEST
#endif

/* --- what a switch keeps ---------------------------------------------------------------- */

static tw_value rounds_upwards(void *arg)
{
    (void)arg;
    fesetround(FE_UPWARD);
    tw_yield(tw_none());
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    return tw_none();
}

START_TEST(each_has_its_own_way_of_rounding)
{
    tw_coroutine *coroutine = given(tw_coroutine_new(rounds_upwards, NULL));

    ck_assert_int_eq(tw_coroutine_next(coroutine, NULL), TW_YIELDED);
#if TWI_SWITCH_FPU
    ck_assert_int_eq(fegetround(), FE_TONEAREST);
#endif
    ck_assert_int_eq(tw_coroutine_next(coroutine, NULL), TW_RETURNED);
    fesetround(FE_TONEAREST);
    tw_coroutine_free(coroutine);
}
END_TEST

/* --- the seam to inline callbacks ------------------------------------------------------- */

static int task;
static int said;

static void say(void *arg)
{
    ck_assert(!twi_coroutine_inside());
    ck_assert_ptr_null(twi_coroutine_task());
    said += *(int *)arg;
}

static tw_value parks(void *arg)
{
    int one = 1;

    ck_assert_ptr_eq(twi_coroutine_task(), &task);
    twi_coroutine_call_out(say, &one);
    ck_assert(twi_coroutine_inside());
    tw_yield(tw_none());
    *(tw_coroutine **)arg = tw_coroutine_current();
    twi_coroutine_park();
    ck_assert_ptr_eq(twi_coroutine_task(), &task);
    return tw_integer(3);
}

static tw_value generates(void *arg)
{
    *(tw_coroutine **)arg = tw_coroutine_current();
    ck_assert_ptr_eq(twi_coroutine_task(), &task);
    twi_coroutine_park();
    tw_yield(tw_integer(1));
    return tw_integer(2);
}

static tw_value parks_in_a_generator(void *arg)
{
    tw_coroutine *numbers = given(tw_coroutine_new(generates, arg));

    yields(tw_coroutine_next(numbers, &value), 1);
    returns(tw_coroutine_next(numbers, &value), 2);
    tw_coroutine_free(numbers);
    return tw_integer(4);
}

START_TEST(a_task_parks_and_goes_on_where_its_leaf_stands)
{
    tw_coroutine *leaf = NULL;
    tw_coroutine *root = given(twi_coroutine_new("here", parks, &leaf, NULL, &task));

    said = 0;
    ck_assert(!twi_coroutine_resume(root, &value));
    ck_assert_int_eq(said, 1);
    ck_assert_ptr_eq(leaf, root);
    ck_assert_int_eq(tw_coroutine_next(root, &value), -EBUSY);
    ck_assert(!twi_coroutine_inside());
    ck_assert(twi_coroutine_resume(leaf, &value));
    ck_assert_int_eq(tw_integer_of(value), 3);

    root = given(twi_coroutine_new("here", parks_in_a_generator, &leaf, NULL, &task));
    ck_assert(!twi_coroutine_resume(root, &value));
    ck_assert_ptr_ne(leaf, root);
    ck_assert(twi_coroutine_resume(leaf, &value));
    ck_assert_int_eq(tw_integer_of(value), 4);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coroutine");

    TEST_ADD(suite, next_gives_each_value_and_then_what_is_returned);
    TEST_ADD(suite, send_is_what_yield_gives);
    TEST_ADD(suite, what_is_yielded_may_be_sent_back);
    TEST_ADD(suite, a_throw_ends_a_body_that_passes_it_on);
    TEST_ADD(suite, a_throw_before_the_start_ends_it_and_the_body_never_runs);
    TEST_ADD(suite, yield_from_passes_everything_through_and_gives_what_inner_returned);
    TEST_ADD(suite, throws_and_closes_go_to_inner);
    TEST_ADD(suite, who_ignores_a_close_stands_at_its_next_yield);
    TEST_ADD(suite, what_the_clean_up_raises_comes_out_of_close);
    TEST_ADD(suite, one_that_has_not_started_is_closed_without_running);
    TEST_ADD_ROWS(suite, to_free_is_to_close_at_last, frees);
    TEST_ADD(suite, freed_inside_itself_it_goes_when_its_body_returns);
    TEST_ADD(suite, freed_by_its_own_clean_up_it_goes_once);
    TEST_ADD(suite, nothing_but_none_is_sent_before_the_start);
    TEST_ADD(suite, one_that_has_ended_is_not_resumed);
    TEST_ADD(suite, only_failures_are_thrown);
    TEST_ADD(suite, there_must_be_a_coroutine);
    TEST_ADD(suite, outside_of_a_coroutine_nobody_listens);
    TEST_ADD(suite, one_that_runs_is_not_resumed);
    TEST_ADD(suite, closing_an_outer_one_whose_inner_ignores_it_raises_that);
    TEST_ADD(suite, what_inner_raises_is_raised_at_the_yield_from);
    TEST_ADD(suite, delegates_of_delegates_are_one_line);
    TEST_ADD(suite, each_allocation_may_fail);
    TEST_ADD(suite, what_a_thread_leaves_is_closed_and_reported);
#if TWI_DEBUG
    TEST_ADD(suite, another_thread_may_not_touch_it);
#endif
    TEST_ADD(suite, each_has_its_own_way_of_rounding);
    TEST_ADD(suite, a_task_parks_and_goes_on_where_its_leaf_stands);
    return test_run(suite);
}
