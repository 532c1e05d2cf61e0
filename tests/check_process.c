/*
 * check_process.c - child processes: their pipes, signals and ends.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tweed/process.h>
#include <tweed/reactor.h>

#include "base/buf.h"
#include "tests/children.h"
#include "tests/test.h"

/* --- what happens to a child, written down ------------------------------------------------ */

static struct seen {
    struct twi_buf events, data[4];
    tw_process *process;
    void (*on_made)(tw_process *process);
    void (*on_data)(tw_process *process, int fd);
    void (*on_exited)(tw_process *process);
    bool ended;
    tw_value reason;
} seen;

static void made(tw_process *process, void *arg)
{
    ck_assert(arg == &seen);
    seen.process = process;
    twi_buf_append_text(&seen.events, "made ");
    if (seen.on_made != NULL)
        seen.on_made(process);
}

static void data_received(tw_process *process, int fd, const char *data, size_t length,
                          void *arg)
{
    ck_assert(arg == &seen && fd >= 0 && fd < 4);
    twi_buf_append(&seen.data[fd], data, length);
    if (seen.on_data != NULL)
        seen.on_data(process, fd);
}

static void connection_lost(tw_process *process, int fd, tw_value reason, void *arg)
{
    (void)process, (void)arg;
    twi_buf_printf(&seen.events, "lost%d%s ", fd,
                   tw_failure_is(reason, &tw_error_connection_done) ? "" : "!");
}

static void exited(tw_process *process, tw_value reason, void *arg)
{
    (void)arg;
    ck_assert(!tw_process_running(process));
    twi_buf_printf(&seen.events, "exited:%d,%d ", tw_process_exit_status(reason),
                   tw_process_exit_signal(reason));
    if (seen.on_exited != NULL)
        seen.on_exited(process);
}

static void ended(tw_process *process, tw_value reason, void *arg)
{
    (void)process, (void)arg;
    twi_buf_append_text(&seen.events, "ended");
    ck_assert(!seen.ended);
    seen.ended = true;
    seen.reason = tw_retain(reason);
}

static const struct tw_process_protocol recorded = {
    .connection_made = made,
    .child_data_received = data_received,
    .child_connection_lost = connection_lost,
    .exited = exited,
    .ended = ended,
};

static const char *events(void)
{
    return twi_buf_text(&seen.events);
}

static const char *data_of(int fd)
{
    return twi_buf_text(&seen.data[fd]);
}

static void forget(void)
{
    twi_buf_free(&seen.events);
    for (int i = 0; i < 4; i++)
        twi_buf_free(&seen.data[i]);
    tw_release(seen.reason);
    memset(&seen, 0, sizeof seen);
}

static void begin(void)
{
    forget();
    children_begin(NULL);
}

static void end(void)
{
    forget();
    children_end();
}

#define UNTIL(condition)                                                              \
    do {                                                                              \
        double until_end_ = test_deadline();                                          \
        while (!(condition) && test_before(until_end_))                               \
            tw_reactor_iterate(0.1);                                                  \
        ck_assert_msg((condition), "never: " #condition ", events: %s", events()); \
    } while (0)

static tw_process *spawn(const struct tw_process_options *options)
{
    tw_process *process = NULL;

    ck_assert_int_eq(tw_spawn_process(options, &recorded, &seen, &process), 0);
    return process;
}

static tw_process *shell(const char *script)
{
    struct tw_process_options options = { .argv = TW_ARGV("sh", "-c", script) };

    return spawn(&options);
}

/* --- ends --------------------------------------------------------------------------------- */

static const struct {
    const char *script;
    const tw_error_class *error_class;
    int status, signal;
} ends[] = {
    { "exit 0", &tw_error_process_done, 0, 0 },
    { "exit 3", &tw_error_process_terminated, 3, 0 },
    { "exit 255", &tw_error_process_terminated, 255, 0 },
    { "kill -9 $$", &tw_error_process_terminated, -1, SIGKILL },
    { "kill -TERM $$", &tw_error_process_terminated, -1, SIGTERM },
};

START_TEST(the_reason_says_how_it_ended)
{
    begin();
    shell(ends[_i].script);
    UNTIL(seen.ended);
    ck_assert_ptr_eq(tw_failure_class(seen.reason), ends[_i].error_class);
    ck_assert_int_eq(tw_process_exit_status(seen.reason), ends[_i].status);
    ck_assert_int_eq(tw_process_exit_signal(seen.reason), ends[_i].signal);
    ck_assert_int_eq(tw_failure_number(seen.reason),
                     ends[_i].signal > 0 ? -ends[_i].signal : ends[_i].status);
    end();
}
END_TEST

START_TEST(what_it_writes_comes_by_number)
{
    begin();
    shell("echo out; echo err >&2; exit 4");
    UNTIL(seen.ended);
    ck_assert_str_eq(data_of(1), "out\n");
    ck_assert_str_eq(data_of(2), "err\n");
    ck_assert_ptr_nonnull(strstr(events(), "exited:4,0"));
    ck_assert_ptr_nonnull(strstr(events(), "lost0"));
    ck_assert_ptr_nonnull(strstr(events(), "lost1 "));
    ck_assert_ptr_nonnull(strstr(events(), "lost2 "));
    end();
}
END_TEST

static void write_and_close(tw_process *process)
{
    ck_assert_int_eq(tw_process_write(process, "one\n", 4), 0);
    ck_assert_int_eq(tw_process_write(process, "two\n", 4), 0);
    ck_assert_int_eq(tw_process_close_fd(process, 0), 0);
}

START_TEST(what_is_written_before_the_close_arrives)
{
    begin();
    seen.on_made = write_and_close;
    shell("cat");
    UNTIL(seen.ended);
    ck_assert_str_eq(data_of(1), "one\ntwo\n");
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process");

    TEST_ADD_ROWS(suite, the_reason_says_how_it_ended, ends);
    TEST_ADD(suite, what_it_writes_comes_by_number);
    TEST_ADD(suite, what_is_written_before_the_close_arrives);
    return test_run(suite);
}
