/* SPDX-License-Identifier: MIT */
/*
 * check_signals.c - signals in a turn; SIGINT and SIGTERM stop a run; a second one kills.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/reactor.h>

#include "tests/test.h"

static int seen[3], seen_count;

static void note_signal(int number, void *arg)
{
    ck_assert(arg == &seen);
    seen[seen_count++] = number;
}

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

static void raise_it(void *number)
{
    raise((int)(intptr_t)number);
}

/* The test runner has its own, or whoever started it ignored some. */
static void set_defaults(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
}

static void begin(void)
{
    struct tw_reactor_options options = { .virtual_time = true };

    tw_reactor_uninstall();
    seen_count = 0;
    set_defaults();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
}

static bool is_default(int number)
{
    struct sigaction action;
    ck_assert_int_eq(sigaction(number, NULL, &action), 0);
    return action.sa_handler == SIG_DFL;
}

START_TEST(a_signal_becomes_a_call_in_a_turn)
{
    begin();
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR1, note_signal, &seen), 0);
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR2, note_signal, &seen), 0);
    raise(SIGUSR2);
    raise(SIGUSR1);
    raise(SIGUSR1); /* pending already: one call */
    ck_assert_int_eq(seen_count, 0);
    tw_reactor_iterate(0);
    ck_assert_int_eq(seen_count, 2);
    ck_assert_int_eq(seen[0], SIGUSR2);
    ck_assert_int_eq(seen[1], SIGUSR1);
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR1, NULL, NULL), 0);
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR1, NULL, NULL), -ENOENT);
    ck_assert(is_default(SIGUSR1) && !is_default(SIGUSR2));
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    ck_assert(is_default(SIGUSR2));
}
END_TEST

static const int not_handled[] = { 0, -1, SIGKILL, SIGSTOP, 10000 };

START_TEST(what_cannot_be_handled_is_refused)
{
    begin();
    ck_assert_int_eq(tw_reactor_on_signal(not_handled[_i], note_signal, &seen), -EINVAL);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static const int stopping[] = { SIGINT, SIGTERM };

START_TEST(sigint_and_sigterm_stop_a_run_and_are_given_back)
{
    begin();
    for (int i = 0; i < 2; i++) {
        tw_call_later(1, raise_it, (void *)(intptr_t)stopping[_i]);
        ck_assert_int_eq(tw_reactor_run(), 0);
        ck_assert_int_eq(tw_reactor_exit_signal(), stopping[_i]);
        ck_assert(is_default(SIGINT) && is_default(SIGTERM) && is_default(SIGPIPE));
    }
    tw_call_soon(stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(tw_reactor_exit_signal(), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static tw_value raise_again(void *number)
{
    raise((int)(intptr_t)number);
    return tw_none();
}

START_TEST(a_second_signal_ends_the_process_at_once)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        alarm(20);
        begin();
        tw_reactor_add_trigger(TW_BEFORE, "shutdown", raise_again,
                               (void *)(intptr_t)stopping[1 - _i]);
        tw_call_soon(raise_it, (void *)(intptr_t)stopping[_i]);
        tw_reactor_run();
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), stopping[1 - _i]);
}
END_TEST

static volatile sig_atomic_t own_calls;

static void own_handler(int number)
{
    (void)number;
    own_calls++;
}

START_TEST(a_programs_own_sigint_is_kept)
{
    struct sigaction action = { .sa_handler = own_handler };

    begin();
    own_calls = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGPIPE, &action, NULL);
    tw_call_later(1, raise_it, (void *)SIGINT);
    tw_call_later(1, raise_it, (void *)SIGPIPE);
    tw_call_later(2, stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(own_calls, 2);
    ck_assert_int_eq(tw_reactor_exit_signal(), 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    /* The same by the reactor's own means. */
    ck_assert_int_eq(tw_reactor_on_signal(SIGINT, note_signal, &seen), 0);
    ck_assert_int_eq(tw_reactor_on_signal(SIGTERM, note_signal, &seen), 0);
    tw_call_later(1, raise_it, (void *)SIGINT);
    tw_call_later(1, raise_it, (void *)SIGTERM);
    tw_call_later(2, stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(seen_count, 2);
    ck_assert(!is_default(SIGINT));
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void take_over(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tw_reactor_on_signal(SIGINT, NULL, NULL), -ENOENT);
    ck_assert_int_eq(tw_reactor_on_signal(SIGINT, note_signal, &seen), 0);
    raise(SIGINT);
}

START_TEST(a_program_may_take_sigint_over_during_the_run)
{
    begin();
    tw_call_soon(take_over, NULL);
    tw_call_later(2, stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(seen_count, 1);
    ck_assert_int_eq(tw_reactor_on_signal(SIGINT, NULL, NULL), 0);
    ck_assert(is_default(SIGINT));
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void see_defaults(void *arg)
{
    (void)arg;
    ck_assert(is_default(SIGINT) && is_default(SIGTERM) && is_default(SIGPIPE));
    tw_reactor_stop();
}

START_TEST(signals_can_be_left_alone)
{
    struct tw_reactor_options options = { .virtual_time = true, .no_signal_handlers = true };

    tw_reactor_uninstall();
    set_defaults();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    tw_call_soon(see_defaults, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void write_to_nobody(void *arg)
{
    int ends[2];

    (void)arg;
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    close(ends[1]);
    tw_reactor_stop();
}

START_TEST(sigpipe_does_not_kill_a_running_reactor)
{
    begin();
    tw_call_soon(write_to_nobody, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void *other_thread(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR1, note_signal, &seen), -EBUSY);
    /* A run of another thread than the main one leaves signals alone. */
    tw_call_soon(see_defaults, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    return NULL;
}

START_TEST(a_signal_belongs_to_one_thread)
{
    pthread_t thread;

    begin();
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR1, note_signal, &seen), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void *send_signals(void *process)
{
    (void)process;
    for (int i = 0; i < 200; i++)
        kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    return NULL;
}

static void stop_on(int number, void *arg)
{
    (void)number;
    (void)arg;
    tw_reactor_stop();
}

START_TEST(signals_wake_a_reactor_that_waits)
{
    pthread_t thread;

    tw_reactor_uninstall();
    seen_count = 0;
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR1, stop_on, NULL), 0);
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR2, stop_on, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_signals, NULL), 0);
    ck_assert_int_eq(tw_reactor_run(), 0);
    pthread_join(thread, NULL);
    tw_reactor_iterate(0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("signals");

    TEST_ADD(suite, a_signal_becomes_a_call_in_a_turn);
    TEST_ADD_ROWS(suite, what_cannot_be_handled_is_refused, not_handled);
    TEST_ADD_ROWS(suite, sigint_and_sigterm_stop_a_run_and_are_given_back, stopping);
    TEST_ADD_ROWS(suite, a_second_signal_ends_the_process_at_once, stopping);
    TEST_ADD(suite, a_programs_own_sigint_is_kept);
    TEST_ADD(suite, a_program_may_take_sigint_over_during_the_run);
    TEST_ADD(suite, signals_can_be_left_alone);
    TEST_ADD(suite, sigpipe_does_not_kill_a_running_reactor);
    TEST_ADD(suite, a_signal_belongs_to_one_thread);
    TEST_ADD(suite, signals_wake_a_reactor_that_waits);
    return test_run(suite);
}
