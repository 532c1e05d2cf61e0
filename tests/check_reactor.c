/* SPDX-License-Identifier: MIT */
/*
 * check_reactor.c - the life of a reactor: install, run, stop, triggers, the order of a turn.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <tweed/reactor.h>

#include "reactor/face.h"
#include "tests/test.h"

/* What happened, in order, as a string of letters. */
static char trace[64];
#define L(letter) ((void *)(uintptr_t)(letter)[0])

static void note(void *letter)
{
    size_t length = strlen(trace);
    ck_assert_uint_lt(length, sizeof trace - 1);
    trace[length] = (char)(uintptr_t)letter;
    trace[length + 1] = '\0';
}

static tw_value note_trigger(void *letter)
{
    note(letter);
    return tw_none();
}

static void stop(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tw_reactor_stop(), 0);
}

static void begin(bool virtual_time)
{
    struct tw_reactor_options options = { .virtual_time = virtual_time };

    trace[0] = '\0';
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
}

static void end(void)
{
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}

/* --- run and stop ------------------------------------------------------------------------ */

static void run_inside(void *arg)
{
    (void)arg;
    ck_assert(tw_reactor_running());
    ck_assert_int_eq(tw_reactor_run(), TW_REACTOR_ALREADY_RUNNING);
    ck_assert_int_eq(tw_reactor_iterate(0), TW_REACTOR_ALREADY_RUNNING);
    ck_assert_int_eq(tw_reactor_uninstall(), -EBUSY);
    ck_assert_int_eq(tw_reactor_stop(), 0);
    ck_assert_int_eq(tw_reactor_stop(), TW_REACTOR_NOT_RUNNING);
    note(L("i"));
}

static tw_value run_while_stopping(void *arg)
{
    (void)arg;
    ck_assert_int_eq(tw_reactor_run(), TW_REACTOR_NOT_RESTARTABLE);
    ck_assert_int_eq(tw_reactor_stop(), TW_REACTOR_NOT_RUNNING);
    note(L("r"));
    return tw_none();
}

START_TEST(the_misuses_have_names_and_a_run_can_be_repeated)
{
    begin(true);
    for (int i = 0; i < 3; i++) {
        trace[0] = '\0';
        ck_assert(!tw_reactor_running());
        tw_call_later(1, run_inside, NULL);
        ck_assert_int_gt(
            tw_reactor_add_trigger(TW_DURING, "shutdown", run_while_stopping, NULL), 0);
        ck_assert_int_eq(tw_reactor_run(), 0);
        ck_assert_str_eq(trace, "ir");
    }
    ck_assert_int_eq(tw_reactor_crash(), TW_REACTOR_NOT_RUNNING);
    end();
}
END_TEST

START_TEST(a_stop_before_the_run_makes_it_return_at_once)
{
    begin(true);
    ck_assert_int_eq(tw_reactor_stop(), TW_REACTOR_NOT_RUNNING);
    ck_assert_int_eq(tw_reactor_stop(), TW_REACTOR_NOT_RUNNING);
    tw_call_later(5, note, L("t"));
    tw_reactor_add_trigger(TW_AFTER, "startup", note_trigger, L("u"));
    tw_reactor_add_trigger(TW_AFTER, "shutdown", note_trigger, L("d"));
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "ud");
    ck_assert(tw_clock_seconds(tw_reactor_clock()) == 0);
    /* Once only. */
    tw_call_later(6, stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "udt");
    end();
}
END_TEST

static void crash(void *arg)
{
    note(arg);
    ck_assert_int_eq(tw_reactor_crash(), 0);
}

START_TEST(a_crash_leaves_without_triggers_and_may_run_again)
{
    begin(true);
    tw_reactor_add_trigger(TW_BEFORE, "shutdown", note_trigger, L("x"));
    tw_call_soon(crash, L("c"));
    tw_call_soon(note, L("s"));
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "cs");
    tw_call_soon(stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "csx");
    end();
}
END_TEST

/* --- triggers ---------------------------------------------------------------------------- */

static tw_deferred *pending;

static void let_go(void *arg)
{
    note(arg);
    tw_fire(&pending, tw_fail(&tw_error, "ignored"));
}

static tw_value wait_a_while(void *arg)
{
    note(arg);
    tw_call_later(3, let_go, L("l"));
    return tw_wait(tw_promise(&pending, NULL, NULL));
}

static tw_value fail_trigger(void *arg)
{
    note(arg);
    return tw_fail(&tw_error, "logged, and the rest runs");
}

START_TEST(triggers_run_in_phases_and_before_ones_are_awaited)
{
    int64_t gone;

    begin(true);
    tw_reactor_add_trigger(TW_AFTER, "shutdown", note_trigger, L("6"));
    tw_reactor_add_trigger(TW_DURING, "shutdown", fail_trigger, L("4"));
    tw_reactor_add_trigger(TW_DURING, "shutdown", note_trigger, L("5"));
    tw_reactor_add_trigger(TW_BEFORE, "shutdown", wait_a_while, L("2"));
    tw_reactor_add_trigger(TW_BEFORE, "shutdown", note_trigger, L("3"));
    tw_reactor_add_trigger(TW_AFTER, "startup", note_trigger, L("1"));
    tw_reactor_add_trigger(TW_BEFORE, "startup", note_trigger, L("0"));
    gone = tw_reactor_add_trigger(TW_DURING, "shutdown", note_trigger, L("x"));
    ck_assert_int_eq(tw_reactor_remove_trigger(gone), 0);
    ck_assert_int_eq(tw_reactor_remove_trigger(gone), -ENOENT);
    tw_call_later(1, stop, NULL);
    tw_call_later(2, note, L("t")); /* during shutdown the loop keeps turning */
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "0123tl456");
    ck_assert_int_eq((int)tw_clock_seconds(tw_reactor_clock()), 4);
    end();
}
END_TEST

START_TEST(a_startup_trigger_holds_the_start_back)
{
    begin(true);
    tw_reactor_add_trigger(TW_BEFORE, "startup", wait_a_while, L("0"));
    tw_reactor_add_trigger(TW_DURING, "startup", note_trigger, L("1"));
    tw_call_when_running(note, L("2"));
    tw_call_when_running(stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "0l12");
    end();
}
END_TEST

START_TEST(wrong_triggers_are_refused)
{
    begin(true);
    ck_assert_int_eq(tw_reactor_add_trigger(TW_BEFORE, "lunch", note_trigger, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_add_trigger(TW_BEFORE, NULL, note_trigger, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_add_trigger(TW_BEFORE, "startup", NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_add_trigger((enum tw_phase)3, "startup", note_trigger, NULL),
                     -EINVAL);
    ck_assert_int_eq(tw_reactor_remove_trigger(99), -ENOENT);
    end();
}
END_TEST

static void is_running(void *arg)
{
    tw_call_when_running(note, arg);
    note(L("b"));
    tw_reactor_stop();
}

START_TEST(call_when_running_calls_at_once_when_running)
{
    begin(true);
    tw_call_when_running(is_running, L("a"));
    ck_assert_str_eq(trace, "");
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "ab");
    end();
}
END_TEST

/* --- the order of a turn ----------------------------------------------------------------- */

static int pipe_ends[2];

static void reader(int fd, void *arg)
{
    char c;
    ck_assert_int_eq(read(fd, &c, 1), 1);
    note(arg);
    tw_reactor_crash();
}

static void flushed(struct twi_flush *flush)
{
    (void)flush;
    note(L("f"));
}

static void queue_flush(void *flush)
{
    note(L("s"));
    twi_flush_later(flush);
    twi_flush_later(flush);
}

START_TEST(a_turn_has_its_order)
{
    struct twi_flush flush = { .fn = flushed };

    begin(false);
    ck_assert_int_eq(pipe(pipe_ends), 0);
    ck_assert_int_eq(write(pipe_ends[1], "x", 1), 1);
    ck_assert_int_eq(tw_reactor_add_reader(pipe_ends[0], reader, L("r")), 0);
    tw_call_later(0, note, L("t"));
    tw_call_soon(queue_flush, &flush);
    ck_assert_int_eq(tw_reactor_call_from_thread(tw_reactor_current(), note, L("c")), 0);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "cstfr");
    ck_assert_int_eq(tw_reactor_remove_reader(pipe_ends[0]), 0);
    twi_flush_later(&flush);
    twi_flush_cancel(&flush);
    twi_flush_cancel(&flush);
    end();
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}
END_TEST

static int soon_left;

static void soon_again(void *arg)
{
    note(arg);
    if (--soon_left > 0)
        tw_call_soon(soon_again, arg);
    else
        tw_reactor_stop();
}

START_TEST(a_call_that_queues_itself_does_not_starve_the_rest)
{
    begin(false);
    soon_left = 4;
    tw_call_soon(soon_again, L("s"));
    tw_call_soon(note, L("o"));
    tw_call_later(0, note, L("t"));
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "sotsss");
    end();
}
END_TEST

static int counted;

static void count(void *arg)
{
    ck_assert_int_eq(counted, (int)(intptr_t)arg);
    counted++;
}

START_TEST(the_ready_queue_keeps_order_while_it_grows)
{
    begin(true);
    counted = 0;
    for (intptr_t i = 0; i < 40; i++)
        tw_call_soon(count, (void *)i);
    tw_reactor_iterate(0);
    for (intptr_t i = 40; i < 1000; i++)
        tw_call_soon(count, (void *)i);
    tw_reactor_iterate(0);
    ck_assert_int_eq(counted, 1000);
    end();
}
END_TEST

/* --- install ----------------------------------------------------------------------------- */

static const char *const backends[] = { "epoll", "poll", "select" };

START_TEST(a_backend_is_chosen_by_name)
{
    struct tw_reactor_options options = { .backend = backends[_i] };

    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    ck_assert_str_eq(tw_reactor_backend(), backends[_i]);
    ck_assert_int_eq(tw_reactor_install(&options), -EEXIST);
    trace[0] = '\0';
    tw_call_later(0.002, note, L("t"));
    tw_call_later(0.004, stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(trace, "t");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

START_TEST(an_unknown_backend_is_refused)
{
    struct tw_reactor_options options = { .backend = "kqueue9" };

    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), -ENOTSUP);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static bool life(void *arg)
{
    (void)arg;
    trace[0] = '\0';
    if (tw_reactor_install(NULL) < 0)
        return false;
    bool ok = tw_call_soon(note, L("s")) == 0;
    ok = tw_call_later(0, note, L("t")) > 0 && ok;
    ok = tw_reactor_add_trigger(TW_BEFORE, "shutdown", note_trigger, L("b")) > 0 && ok;
    ok = tw_call_when_running(note, L("r")) == 0 && ok;
    tw_reactor_stop();
    ok = tw_reactor_run() == 0 && ok;
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    return ok;
}

START_TEST(no_allocation_failure_harms_the_reactor)
{
    tw_reactor_uninstall();
    ck_assert_uint_gt(test_each_alloc_failure(life, NULL), 5);
}
END_TEST

START_TEST(no_descriptors_left_is_told)
{
    int fds[4096], count = 0;

    tw_reactor_uninstall();
    while (count < 4096 && (fds[count] = dup(0)) >= 0)
        count++;
    for (int free_fds = 0; free_fds < 6 && count < 4096; free_fds++) {
        int r = tw_reactor_install(NULL);
        ck_assert(r == 0 || r == -EMFILE);
        tw_reactor_uninstall();
        close(fds[--count]);
    }
    while (count > 0)
        close(fds[--count]);
    ck_assert_int_eq(tw_reactor_install(NULL), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- hooks of the layers above ----------------------------------------------------------- */

static void hook_called(struct twi_loop_end *end)
{
    (void)end;
    note(L("h"));
}

static int user_begins(void)
{
    note(L("b"));
    return 0;
}

static void user_stops(void)
{
    note(L("h"));
}

START_TEST(hooks_run_at_each_stop_and_at_the_end)
{
    static const struct twi_loop_user user = { sizeof(struct twi_loop_state), user_begins,
                                               user_stops, user_stops, NULL };
    struct twi_loop_state *state = NULL;
    struct twi_loop_end off = { .fn = hook_called };

    begin(true);
    ck_assert_int_eq(twi_loop_use(&user, &state), 0);
    ck_assert_int_eq(twi_loop_use(&user, &state), 0);
    ck_assert_int_eq(twi_loop_on_end(&off), 0);
    twi_loop_off(&off);
    for (int i = 0; i < 2; i++) {
        tw_reactor_stop();
        tw_reactor_add_trigger(TW_DURING, "shutdown", note_trigger, L("d"));
        ck_assert_int_eq(tw_reactor_run(), 0);
    }
    ck_assert_str_eq(trace, "bhdhd");
    end();
    ck_assert_str_eq(trace, "bhdhdh");
    ck_assert_ptr_null(state);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reactor");

    TEST_ADD(suite, the_misuses_have_names_and_a_run_can_be_repeated);
    TEST_ADD(suite, a_stop_before_the_run_makes_it_return_at_once);
    TEST_ADD(suite, a_crash_leaves_without_triggers_and_may_run_again);
    TEST_ADD(suite, triggers_run_in_phases_and_before_ones_are_awaited);
    TEST_ADD(suite, a_startup_trigger_holds_the_start_back);
    TEST_ADD(suite, wrong_triggers_are_refused);
    TEST_ADD(suite, call_when_running_calls_at_once_when_running);
    TEST_ADD(suite, a_turn_has_its_order);
    TEST_ADD(suite, a_call_that_queues_itself_does_not_starve_the_rest);
    TEST_ADD(suite, the_ready_queue_keeps_order_while_it_grows);
    TEST_ADD_ROWS(suite, a_backend_is_chosen_by_name, backends);
    TEST_ADD(suite, an_unknown_backend_is_refused);
    TEST_ADD(suite, no_allocation_failure_harms_the_reactor);
    TEST_ADD(suite, no_descriptors_left_is_told);
    TEST_ADD(suite, hooks_run_at_each_stop_and_at_the_end);
    return test_run(suite);
}
