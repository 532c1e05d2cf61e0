/* SPDX-License-Identifier: MIT */
/*
 * check_mistakes.c - mistakes speak: a newcomer's mistakes are reported without being asked
 * for.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tweed/inline_callbacks.h>
#include <tweed/log.h>
#include <tweed/reactor.h>

#include "tests/test.h"

/* --- what is told before a program says who listens ----------------------------------------- */

static void fail_unhandled(void)
{
    tw_deferred_unref(tw_failed(tw_fail(&tw_error_dns, "nobody looks")));
}

static void fire_twice(void)
{
    tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);

    tw_deferred_fire(d, tw_none());
    tw_deferred_fire(d, tw_none());
    tw_deferred_unref(d);
}

static void await_outside(void)
{
    tw_value v = tw_await(tw_succeed(tw_integer(1)));

    ck_assert(tw_failure_is(v, &tw_error_misuse));
}

static void block(void *arg)
{
    tw_value v = tw_block_on(tw_succeed(tw_integer(1)));

    (void)arg;
    ck_assert(tw_failure_is(v, &tw_error_misuse));
    tw_release(v);
    tw_reactor_stop();
}

static void block_in_callback(void)
{
    tw_call_soon(block, NULL);
    tw_reactor_run();
}

static tw_value block_body(void *arg)
{
    tw_value v = tw_block_on(tw_succeed(tw_integer(1)));

    (void)arg;
    ck_assert(tw_failure_is(v, &tw_error_misuse));
    return v;
}

static void block_in_body(void)
{
    tw_deferred *d = tw_inline_callbacks(block_body, NULL);

    tw_deferred_mark_handled(d);
    tw_deferred_unref(d);
}

static void log_error(void)
{
    tw_log(TW_LOG_ERROR, "test", "only an error");
}

static const struct {
    void (*mistake)(void);
    const char *says; /* NULL: nothing */
} mistakes[] = {
    { fail_unhandled, "critical [deferred] unhandled failure in Deferred made at " },
    { fire_twice, "is fired again at " },
    { await_outside, "tw_await() at " },
    { block_in_callback, "tw_block_on() inside a running reactor" },
    { block_in_body, "tw_block_on() inside a coroutine" },
    { log_error, NULL },
};

/* Run the mistake in a process of its own; `text` gets its standard error. */
static void told_by(void (*mistake)(void), void (*before)(void), char *text, size_t size)
{
    int ends[2], status;
    size_t length = 0;
    ssize_t got;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        if (before != NULL)
            before();
        mistake();
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

START_TEST(what_is_critical_goes_to_standard_error_at_first)
{
    char text[2000];

    told_by(mistakes[_i].mistake, NULL, text, sizeof text);
    if (mistakes[_i].says == NULL)
        ck_assert_str_eq(text, "");
    else
        ck_assert_msg(strncmp(text, "tweed: critical ", 16) == 0 &&
                          strstr(text, mistakes[_i].says) != NULL,
                      "%s", text);
}
END_TEST

static void say_nobody(void)
{
    tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
}

static void say_no_file(void)
{
    tw_log_to(NULL, TW_LOG_CRITICAL);
}

static void ignore(const struct tw_log_event *event, void *arg)
{
    (void)event;
    (void)arg;
}

static void say_somebody(void)
{
    tw_log_observe(ignore, NULL, TW_LOG_CRITICAL);
}

static void (*const listeners[])(void) = { say_nobody, say_no_file, say_somebody };

START_TEST(once_the_program_has_said_who_listens_it_does_not)
{
    char text[2000];

    told_by(fail_unhandled, listeners[_i], text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

/* --- who holds the turn ---------------------------------------------------------------------- */

static int slow_calls, hold_ms;
static struct tw_slow_event slowest;

static void note_slow(const struct tw_slow_event *event, void *arg)
{
    ck_assert_ptr_eq(arg, &slowest);
    slow_calls++;
    slowest = *event;
}

static void hold(void *arg)
{
    struct timespec ms = { 0, hold_ms * 1000000L };

    (void)arg;
    nanosleep(&ms, NULL);
}

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

static void hold_once_read(int fd, void *arg)
{
    char byte;

    ck_assert_int_eq(read(fd, &byte, 1), 1);
    hold(arg);
    tw_reactor_stop();
}

static const char *const kinds[] = { "timed call", "call", "call from a thread",
                                     "descriptor" };

static void start_kind(int kind, const int *ends)
{
    if (kind == 0)
        tw_call_later(0, hold, NULL);
    else if (kind == 1)
        tw_call_soon(hold, NULL);
    else if (kind == 2)
        tw_reactor_call_from_thread(tw_reactor_current(), hold, NULL);
    if (kind < 3) {
        tw_call_later(0.05, stop, NULL);
        return;
    }
    ck_assert_int_eq(tw_reactor_add_reader(ends[0], hold_once_read, NULL), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
}

START_TEST(who_holds_the_turn_is_named)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    for (hold_ms = 0; hold_ms < 60; hold_ms += 40) {
        slow_calls = 0;
        ck_assert_int_eq(tw_reactor_on_slow_call(0.03, note_slow, &slowest), 0);
        start_kind(_i, ends);
        ck_assert_int_eq(tw_reactor_run(), 0);
        if (hold_ms == 0)
            continue; /* on a machine that is busy that may be slow, too */
        ck_assert_int_ge(slow_calls, 1);
        ck_assert_str_eq(slowest.kind, kinds[_i]);
        ck_assert(slowest.seconds >= 0.03);
        if (_i < 3)
            ck_assert(slowest.function == (void (*)(void))hold);
        tw_reactor_remove_all();
    }
    ck_assert_int_eq(tw_reactor_on_slow_call(-1, note_slow, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_on_slow_call(0, NULL, NULL), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

#if TWI_DEBUG
static void hold_and_stop(void *arg)
{
    hold_ms = 120;
    hold(arg);
    tw_reactor_stop();
}

static void hold_the_turn(void)
{
    tw_log_to(stderr, TW_LOG_WARNING);
    tw_call_soon(hold_and_stop, NULL);
    tw_reactor_run();
}

START_TEST(a_debug_build_names_it_by_itself)
{
    char text[2000];

    told_by(hold_the_turn, NULL, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "warning [reactor] call "));
    ck_assert_ptr_nonnull(strstr(text, " held the turn for 0."));
}
END_TEST
#endif

/* --- leaks ------------------------------------------------------------------------------------ */

static tw_deferred *kept[30];

#if TWI_DEBUG
static void leak_and_exit(void)
{
    kept[0] = tw_deferred_new_at("leaked.c:7", NULL, NULL, NULL);
    kept[1] = tw_fired_at("fired.c:8", tw_integer(3));
    tw_deferred_unref(tw_deferred_new(NULL, NULL, NULL));
    exit(0);
}

static void leak_many_and_exit(void)
{
    for (size_t i = 0; i < 30; i++)
        kept[i] = tw_deferred_new_at("many.c:9", NULL, NULL, NULL);
    tw_log_observe(ignore, NULL, TW_LOG_DEBUG);
    exit(0);
}

static void *leak_in_thread(void *arg)
{
    kept[0] = tw_deferred_new_at("thread.c:10", NULL, NULL, NULL);
    return arg;
}

static void leak_at_the_end_of_a_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, leak_in_thread, NULL) == 0)
        pthread_join(thread, NULL);
}

static void leave_it_to_the_parent(void)
{
    exit(0);
}

START_TEST(a_debug_build_names_the_deferreds_that_are_left)
{
    char text[8000];
    size_t lines = 0;
    tw_deferred *of_parent = tw_deferred_new(NULL, NULL, NULL);

    told_by(leak_and_exit, NULL, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "tweed: critical [deferred] left at the end of the "
                                       "program, with 1 references: Deferred 0x"));
    ck_assert_ptr_nonnull(strstr(text, "made at leaked.c:7: pending\n"));
    ck_assert_ptr_nonnull(strstr(text, "made at fired.c:8: result 3\n"));
    told_by(leak_many_and_exit, NULL, text, sizeof text);
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines, 21);
    ck_assert_ptr_nonnull(strstr(text, "left at the end of the program: 10 more Deferreds\n"));
    told_by(leak_and_exit, say_nobody, text, sizeof text);
    ck_assert_str_eq(text, "");
    told_by(leak_at_the_end_of_a_thread, NULL, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "left at the end of the thread"));
    ck_assert_ptr_nonnull(strstr(text, "made at thread.c:10: pending\n"));
    told_by(leave_it_to_the_parent, NULL, text, sizeof text);
    ck_assert_str_eq(text, "");
    tw_deferred_unref(of_parent);
}
END_TEST
#endif

/* There where the tests are built with a sanitizer that finds leaks. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void leak_one(void)
{
    tw_deferred *volatile leaked = tw_deferred_new_at("leaked.c:7", NULL, NULL, NULL);

    leaked = NULL;
    (void)leaked;
}

/* One that is found is no way to another. */
static void leak_beside_one_that_is_kept(void)
{
    char stack[4096];

    kept[0] = tw_deferred_new(NULL, NULL, NULL);
    leak_one();
    memset(stack, 0, sizeof stack);
    kept[1] = tw_deferred_new(NULL, NULL, NULL);
    _exit(__lsan_do_recoverable_leak_check() == 0 || stack[0] != 0);
}

START_TEST(leak_sanitizer_sees_objects_of_the_pools)
{
    char text[8000];

    if (__lsan_do_recoverable_leak_check == NULL)
        return;
    told_by(leak_beside_one_that_is_kept, NULL, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "Direct leak of "));
    ck_assert_ptr_nonnull(strstr(text, "in leak_one"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mistakes");

    TEST_ADD_ROWS(suite, what_is_critical_goes_to_standard_error_at_first, mistakes);
    TEST_ADD_ROWS(suite, once_the_program_has_said_who_listens_it_does_not, listeners);
    TEST_ADD_ROWS(suite, who_holds_the_turn_is_named, kinds);
#if TWI_DEBUG
    TEST_ADD(suite, a_debug_build_names_it_by_itself);
    if (getenv("TEST_SLOW") == NULL) /* valgrind would name them, too */
        TEST_ADD(suite, a_debug_build_names_the_deferreds_that_are_left);
#endif
    TEST_ADD(suite, leak_sanitizer_sees_objects_of_the_pools);
    return test_run(suite);
}
