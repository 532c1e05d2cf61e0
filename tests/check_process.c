/* SPDX-License-Identifier: MIT */
/*
 * check_process.c - child processes: their pipes, signals and ends.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <tweed/framing.h>
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
    ck_assert_int_eq(tw_process_close_fd(process, 7), -ENOTCONN);
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

START_TEST(it_may_close_its_pipes_and_live_on)
{
    tw_process *process;

    begin();
    process = shell("exec <&- >&- 2>&-; sleep 100");
    UNTIL(strstr(events(), "lost0") != NULL && strstr(events(), "lost1") != NULL &&
          strstr(events(), "lost2") != NULL);
    ck_assert(tw_process_running(process));
    ck_assert_int_eq(tw_process_write(process, "x", 1), -ENOTCONN);
    ck_assert_int_eq(tw_process_signal_name(process, "TERM"), 0);
    UNTIL(seen.ended);
    ck_assert_ptr_nonnull(strstr(events(), "exited:-1,15 ended"));
    end();
}
END_TEST

START_TEST(grandchildren_may_hold_its_pipes)
{
    tw_process *process;

    begin();
    process = shell("exec 3<&0; (read x <&3; echo late) & exit 0");
    UNTIL(strstr(events(), "exited:0,0") != NULL);
    ck_assert(!seen.ended);
    ck_assert_int_eq(tw_process_signal(process, SIGTERM), TW_PROCESS_EXITED_ALREADY);
    for (int i = 0; i < 3; i++)
        tw_reactor_iterate(0.01);
    ck_assert(!seen.ended);
    tw_process_close_fd(process, 0);
    tw_process_lose(process); /* nobody need wait for them */
    UNTIL(seen.ended);
    end();
}
END_TEST

static const struct {
    const char *name;
    int result, signal;
} names[] = {
    { "KILL", 0, SIGKILL },  { "TERM", 0, SIGTERM },   { "INT", 0, SIGINT },
    { "SIGHUP", 0, SIGHUP }, { "SIGUSR1", 0, SIGUSR1 }, { "term", -EINVAL, 0 },
    { "", -EINVAL, 0 },      { "SIG", -EINVAL, 0 },
};

START_TEST(signals_have_names)
{
    tw_process *process;

    begin();
    process = shell("exec sleep 100");
    ck_assert_int_eq(tw_process_signal_name(process, names[_i].name), names[_i].result);
    if (names[_i].result < 0)
        ck_assert_int_eq(tw_process_signal(process, SIGKILL), 0);
    UNTIL(seen.ended);
    ck_assert_int_eq(tw_process_exit_signal(seen.reason),
                     names[_i].result < 0 ? SIGKILL : names[_i].signal);
    end();
}
END_TEST

static void signal_again(tw_process *process)
{
    ck_assert_int_eq(tw_process_signal(process, SIGTERM), TW_PROCESS_EXITED_ALREADY);
    ck_assert_int_eq(tw_process_signal_name(process, "KILL"), TW_PROCESS_EXITED_ALREADY);
    ck_assert_int_eq(tw_process_signal_group(process, SIGTERM), -ENOTSUP);
}

START_TEST(one_that_has_exited_is_not_signalled)
{
    begin();
    seen.on_exited = signal_again;
    shell("exit 0");
    UNTIL(seen.ended);
    end();
}
END_TEST

START_TEST(a_group_is_signalled_as_one)
{
    struct tw_process_options options = {
        .argv = TW_ARGV("sh", "-c", "sleep 100 & sleep 100"),
        .new_group = _i == 0,
        .new_session = _i == 1,
    };
    tw_process *process;

    begin();
    process = spawn(&options);
    ck_assert_int_eq(tw_process_signal_group(process, SIGKILL), 0);
    UNTIL(seen.ended); /* so the other sleeper is gone, too: it held the pipes */
    ck_assert_int_eq(tw_process_exit_signal(seen.reason), SIGKILL);
    end();
}
END_TEST

/* --- stubborn peers ----------------------------------------------------------------------- */

enum { MUCH = 1024 * 1024 };

START_TEST(it_may_close_its_input_early)
{
    static char data[MUCH];
    tw_process *process;

    begin();
    signal(SIGPIPE, SIG_DFL);
    process = shell("read x; exec <&-; echo closed; sleep 0.05; exit 5");
    tw_process_write(process, "x\n", 2);
    tw_process_write(process, data, sizeof data);
    UNTIL(seen.ended);
    ck_assert_str_eq(data_of(1), "closed\n");
    ck_assert_ptr_nonnull(strstr(events(), "lost0!"));
    ck_assert_int_eq(tw_process_exit_status(seen.reason), 5);
    end();
}
END_TEST

START_TEST(much_goes_through_it_both_ways)
{
    static char data[MUCH];
    tw_process *process;

    begin();
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 13 + i / 257);
    process = shell("cat");
    tw_process_write(process, data, sizeof data);
    tw_process_close_fd(process, 0);
    UNTIL(seen.ended);
    ck_assert_uint_eq(seen.data[1].length, sizeof data);
    ck_assert_mem_eq(seen.data[1].data, data, sizeof data);
    end();
}
END_TEST

static void kill_at_first_data(tw_process *process, int fd)
{
    (void)fd;
    if (seen.data[1].length < 100000)
        tw_process_signal_name(process, "KILL");
}

START_TEST(it_may_be_killed_in_the_middle)
{
    begin();
    seen.on_data = kill_at_first_data;
    shell("exec yes");
    UNTIL(seen.ended);
    ck_assert_int_eq(tw_process_exit_signal(seen.reason), SIGKILL);
    ck_assert_uint_gt(seen.data[1].length, 0);
    end();
}
END_TEST

static void pause_output(tw_process *process)
{
    tw_transport_pause(tw_process_transport(process, 1));
}

START_TEST(a_flood_is_held_back_by_a_pause)
{
    tw_process *process;

    begin();
    seen.on_made = pause_output;
    process = shell("exec yes");
    for (int i = 0; i < 5; i++)
        tw_reactor_iterate(0.01);
    ck_assert_uint_eq(seen.data[1].length, 0);
    tw_process_lose(process);
    UNTIL(seen.ended); /* by SIGPIPE */
    ck_assert_int_eq(tw_process_exit_signal(seen.reason), SIGPIPE);
    end();
}
END_TEST

/* --- its descriptors ---------------------------------------------------------------------- */

START_TEST(the_map_says_what_it_has)
{
    int ends_of_ours[2];
    char text[16];
    const struct tw_child_fd fds[] = {
        { .number = 0, .kind = TW_CHILD_INHERITS, .fd = -1 },
        { .number = 1, .kind = TW_PIPE_FROM_CHILD },
        { .number = 2, .kind = TW_CHILD_SAME_AS, .fd = 1 },
        { .number = 3, .kind = TW_PIPE_BOTH_WAYS },
    };
    struct tw_child_fd own[4];
    tw_process *process;

    begin();
    ck_assert_int_eq(pipe(ends_of_ours), 0);
    ck_assert_int_eq(write(ends_of_ours[1], "given\n", 6), 6);
    memcpy(own, fds, sizeof own);
    own[0].fd = ends_of_ours[0];
    process = spawn(&(struct tw_process_options){
        .argv = TW_ARGV("bash", "-c",
                        "read a; read b <&3; echo $a; echo $b >&2; echo back >&3"),
        .fds = own,
        .fd_count = 4 });
    ck_assert_int_eq(tw_process_write_to(process, 3, "asked\n", 6), 0);
    ck_assert_int_eq(tw_process_write(process, "x", 1), -ENOTCONN);
    UNTIL(seen.ended);
    ck_assert_str_eq(data_of(1), "given\nasked\n");
    ck_assert_str_eq(data_of(3), "back\n");
    ck_assert_int_eq(write(ends_of_ours[1], "ours", 4), 4); /* still */
    ck_assert_int_eq(read(ends_of_ours[0], text, sizeof text), 4);
    close(ends_of_ours[0]);
    close(ends_of_ours[1]);
    end();
}
END_TEST

static const struct {
    struct tw_child_fd fd;
    int result;
} bad_fds[] = {
    { { .number = 4, .kind = TW_CHILD_INHERITS, .fd = 900 }, -EBADF },
    { { .number = 4, .kind = TW_CHILD_SAME_AS, .fd = 5 }, -EBADF },
    { { .number = -4, .kind = TW_PIPE_FROM_CHILD }, -EBADF },
    { { .number = 1, .kind = TW_PIPE_FROM_CHILD }, -EINVAL },
    { { .number = 4, .kind = (enum tw_child_fd_kind)99 }, -EINVAL },
};

/* --- messages ----------------------------------------------------------------------------- */

static struct twi_buf messages;

static void message_received(tw_framing_protocol *self, const char *data, size_t length)
{
    twi_buf_printf(&messages, "[%.*s]", (int)length, data);
    if (length == 4)
        tw_transport_lose(self->protocol.transport);
}

static void message_lost(tw_protocol *protocol, tw_value reason)
{
    (void)protocol;
    twi_buf_printf(&messages, "<%s>", tw_failure_class(reason)->name);
}

static const struct tw_framing_class message_framing = { .framing = TW_NETSTRING,
                                                         .string_received = message_received };

static const tw_protocol_class message_class = {
    .name = "messages",
    .size = sizeof(tw_framing_protocol),
    TW_FRAMING_PROTOCOL,
    .connection_lost = message_lost,
};

static tw_protocol *messages_new(void)
{
    tw_protocol *protocol = test_given(tw_protocol_new(&message_class));

    ((tw_framing_protocol *)protocol)->framing_class = &message_framing;
    return protocol;
}

START_TEST(a_pipe_may_have_a_protocol_of_its_own)
{
    struct tw_child_fd fd = { .number = 3, .kind = TW_PIPE_BOTH_WAYS };
    tw_transport *transport;
    tw_process *process;

    begin();
    fd.protocol = messages_new();
    process = spawn(&(struct tw_process_options){
        .argv = TW_ARGV("sh", "-c", "head -c 8 <&3 >&3; printf '4:last,5:never,' >&3; exit 6"),
        .fds = &fd,
        .fd_count = 1 });
    transport = tw_process_transport(process, 3);
    ck_assert_ptr_nonnull(transport);
    tw_framing_send((tw_framing_protocol *)tw_transport_protocol(transport), "hello", 5);
    UNTIL(seen.ended);
    ck_assert_str_eq(twi_buf_text(&messages), "[hello][last]<tw_error_connection_done>");
    ck_assert_int_eq(tw_process_exit_status(seen.reason), 6);
    ck_assert_str_eq(events(), "made lost3 exited:6,0 ended");
    twi_buf_free(&messages);
    end();
}
END_TEST

START_TEST(a_map_that_cannot_be_is_refused_and_its_protocols_are_freed)
{
    struct tw_child_fd fds[] = {
        { .number = 1, .kind = TW_PIPE_BOTH_WAYS },
        { .number = 2, .kind = TW_PIPE_FROM_CHILD },
        bad_fds[_i].fd,
        { .number = 7, .kind = TW_PIPE_FROM_CHILD },
    };
    tw_value failure;

    begin();
    fds[0].protocol = messages_new();
    fds[3].protocol = messages_new();
    ck_assert_int_eq(tw_spawn_process(&(struct tw_process_options){ .argv = TW_ARGV("true"),
                                                                    .fds = fds,
                                                                    .fd_count = 4,
                                                                    .ret_failure = &failure },
                                      &recorded, &seen, NULL),
                     bad_fds[_i].result);
    ck_assert(tw_failure_is(failure, &tw_error_process_start));
    tw_release(failure);
    ck_assert_str_eq(events(), "");
    ck_assert_str_eq(twi_buf_text(&messages), "");
    twi_buf_free(&messages);
    end();
}
END_TEST

/* --- what cannot be started --------------------------------------------------------------- */

static const struct {
    const char *program, *directory;
    int error;
    const char *message;
} programs[] = {
    { "/no/such/program", NULL, ENOENT,
      "cannot start /no/such/program: the program: No such file or directory" },
    { "no-such-program", NULL, ENOENT,
      "cannot start no-such-program: the program: No such file or directory" },
    { "/etc/passwd", NULL, EACCES,
      "cannot start /etc/passwd: the program: Permission denied" },
    { "true", "/no/such", ENOENT,
      "cannot start true: the directory /no/such: No such file or directory" },
    { NULL, NULL, EINVAL, "cannot start a child: the program: Invalid argument" },
};

START_TEST(what_could_not_be_done_has_a_name_and_a_number)
{
    struct tw_process_options options = { .argv = TW_ARGV(programs[_i].program),
                                          .directory = programs[_i].directory };
    tw_process *process = NULL;
    tw_deferred *output;
    tw_value failure;

    begin();
    ck_assert_int_eq(tw_spawn_process(&options, &recorded, &seen, NULL), -programs[_i].error);
    options.ret_failure = &failure;
    ck_assert_int_eq(tw_spawn_process(&options, &recorded, &seen, &process),
                     -programs[_i].error);
    ck_assert(tw_failure_is(failure, &tw_error_process_start));
    ck_assert_int_eq(tw_failure_number(failure), programs[_i].error);
    ck_assert_str_eq(tw_failure_message(failure), programs[_i].message);
    ck_assert_ptr_null(process);
    ck_assert_str_eq(events(), "");
    tw_release(failure);
    output = tw_get_process_output(&options);
    failure = tw_deferred_take_result(output);
    ck_assert(tw_failure_is(failure, &tw_error_process_start));
    ck_assert_str_eq(tw_failure_message(failure), programs[_i].message);
    tw_release(failure);
    tw_deferred_unref(output);
    end();
}
END_TEST

START_TEST(without_descriptors_nothing_is_left)
{
    struct tw_process_options options = { .argv = TW_ARGV("true") };
    struct rlimit before, few;
    int open_now, refused = 0;

    begin();
    open_now = children_descriptors();
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    for (int more = 0; more < 12; more++) {
        int r;

        few.rlim_cur = (rlim_t)(open_now + more);
        setrlimit(RLIMIT_NOFILE, &few);
        r = tw_spawn_process(&options, &recorded, &seen, NULL);
        setrlimit(RLIMIT_NOFILE, &before);
        ck_assert(r == 0 || r == -EMFILE);
        refused += r < 0;
        if (r == 0)
            UNTIL(seen.ended);
        forget();
        ck_assert_int_eq(children_descriptors(), open_now);
    }
    ck_assert(refused > 6 || children_emulated());
    end();
}
END_TEST

/* --- terminals ---------------------------------------------------------------------------- */

START_TEST(it_may_have_a_terminal_of_its_own)
{
    const struct tw_process_terminal terminal = { .rows = 40, .columns = 100 };
    tw_process *process;

    TEST_NEEDS_TERMINALS();
    begin();
    process = spawn(&(struct tw_process_options){
        .argv = TW_ARGV(
            "sh", "-c",
            "stty -echo; tty >/dev/null && stty size; read x; stty size; echo $x >&2"),
        .terminal = &terminal });
    UNTIL(strcmp(data_of(1), "40 100\r\n") == 0);
    ck_assert_int_eq(tw_process_close_fd(process, 0), -ENOTSUP);
    ck_assert_int_eq(tw_process_set_window(process, 50, 132), 0);
    ck_assert_int_eq(tw_process_write(process, "typed\n", 6), 0);
    UNTIL(seen.ended);
    ck_assert_str_eq(data_of(1), "40 100\r\n50 132\r\ntyped\r\n");
    ck_assert_str_eq(events() + strlen("made "), strstr(events(), "lost1 exited") != NULL
                                                     ? "lost1 exited:0,0 ended"
                                                     : "exited:0,0 lost1 ended");
    end();
}
END_TEST

START_TEST(a_terminal_that_is_lost_hangs_up)
{
    const struct tw_process_terminal terminal = { 0, 0 };
    tw_process *process;

    TEST_NEEDS_TERMINALS();
    begin();
    process = spawn(&(struct tw_process_options){
        .argv = TW_ARGV("sh", "-c", "stty size; exec sleep 100"), .terminal = &terminal });
    UNTIL(seen.data[1].length > 0);
    ck_assert_str_eq(data_of(1), "24 80\r\n");
    tw_process_lose(process);
    UNTIL(seen.ended);
    ck_assert_int_eq(tw_process_exit_signal(seen.reason), SIGHUP);
    begin();
    process = shell("exit 0");
    ck_assert_int_eq(tw_process_set_window(process, 1, 1), -ENOTTY);
    UNTIL(seen.ended);
    end();
}
END_TEST

START_TEST(the_interrupt_character_reaches_who_runs_there)
{
    const struct tw_process_terminal terminal = { 0, 0 };
    tw_process *process;

    TEST_NEEDS_TERMINALS();
    begin();
    process = spawn(&(struct tw_process_options){
        .argv = TW_ARGV("sh", "-c", "echo ready; exec sleep 100"), .terminal = &terminal });
    UNTIL(strstr(data_of(1), "ready") != NULL);
    tw_process_write(process, "\003", 1);
    UNTIL(seen.ended);
    ck_assert_int_eq(tw_process_exit_signal(seen.reason), SIGINT);
    end();
}
END_TEST

/* --- the reactor's end -------------------------------------------------------------------- */

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

START_TEST(a_stop_closes_its_pipes_and_a_later_run_waits_for_it)
{
    tw_process *process;

    begin();
    process = shell("cat; exit 3");
    tw_call_soon(stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert(strstr(events(), "lost0!") != NULL && strstr(events(), "lost1!") != NULL);
    (void)process;
    UNTIL(seen.ended);
    ck_assert_int_eq(tw_process_exit_status(seen.reason), 3);
    end();
}
END_TEST

START_TEST(a_stop_sends_the_signal_that_was_asked_for)
{
    begin();
    spawn(&(struct tw_process_options){ .argv = TW_ARGV("sleep", "100"),
                                        .stop_signal = SIGTERM });
    tw_call_soon(stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    UNTIL(seen.ended);
    ck_assert_int_eq(tw_process_exit_signal(seen.reason), SIGTERM);
    end();
}
END_TEST

START_TEST(the_reactor_may_end_first)
{
    tw_process *process;

    begin();
    process = spawn(&(struct tw_process_options){ .argv = TW_ARGV("sleep", "100"),
                                                  .stop_signal = SIGKILL });
    tw_process_ref(process);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    ck_assert(seen.ended);
    ck_assert(tw_failure_is(seen.reason, &tw_error_abandoned));
    ck_assert_int_eq(tw_process_exit_status(seen.reason), -1);
    ck_assert_str_eq(events(), "made lost0! lost1! lost2! ended");
    ck_assert(!tw_process_running(process));
    ck_assert_int_eq(tw_process_signal(process, SIGTERM), TW_PROCESS_EXITED_ALREADY);
    ck_assert_ptr_null(tw_process_transport(process, 1));
    tw_process_unref(process);
    end();
}
END_TEST

START_TEST(virtual_time_waits_for_it)
{
    struct tw_reactor_options options = { .virtual_time = true };

    begin();
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    tw_call_later(1000, stop, NULL);
    shell("sleep 0.05");
    UNTIL(seen.ended);
    ck_assert_double_lt(tw_clock_seconds(tw_reactor_clock()), 100);
    end();
}
END_TEST

static bool talk_to_cat(void *arg)
{
    struct tw_process_options options = { .argv = TW_ARGV("cat") };
    tw_process *process;
    bool ok;

    (void)arg;
    ok = tw_spawn_process(&options, &recorded, &seen, &process) == 0;
    if (ok) {
        double until = test_deadline();

        ok = tw_process_write(process, "hello", 5) == 0;
        tw_process_close_fd(process, 0);
        while (!seen.ended && test_before(until))
            tw_reactor_iterate(0.1);
        ok = ok && strcmp(data_of(1), "hello") == 0 &&
             tw_process_exit_status(seen.reason) == 0;
    }
    ck_assert(!ok || seen.ended);
    tw_reactor_uninstall();
    children_wait();
    forget();
    return ok;
}

START_TEST(no_allocation_is_taken_for_granted)
{
    begin();
    tw_reactor_uninstall();
    ck_assert_uint_gt(test_each_alloc_failure(talk_to_cat, NULL), 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process");
    static const int groups[2];

    TEST_ADD_ROWS(suite, the_reason_says_how_it_ended, ends);
    TEST_ADD(suite, what_it_writes_comes_by_number);
    TEST_ADD(suite, what_is_written_before_the_close_arrives);
    TEST_ADD(suite, it_may_close_its_pipes_and_live_on);
    TEST_ADD(suite, grandchildren_may_hold_its_pipes);
    TEST_ADD_ROWS(suite, signals_have_names, names);
    TEST_ADD(suite, one_that_has_exited_is_not_signalled);
    TEST_ADD_ROWS(suite, a_group_is_signalled_as_one, groups);
    TEST_ADD(suite, it_may_close_its_input_early);
    TEST_ADD(suite, much_goes_through_it_both_ways);
    TEST_ADD(suite, it_may_be_killed_in_the_middle);
    TEST_ADD(suite, a_flood_is_held_back_by_a_pause);
    TEST_ADD(suite, the_map_says_what_it_has);
    TEST_ADD_ROWS(suite, a_map_that_cannot_be_is_refused_and_its_protocols_are_freed, bad_fds);
    TEST_ADD(suite, a_pipe_may_have_a_protocol_of_its_own);
    TEST_ADD_ROWS(suite, what_could_not_be_done_has_a_name_and_a_number, programs);
    TEST_ADD(suite, without_descriptors_nothing_is_left);
    TEST_ADD(suite, it_may_have_a_terminal_of_its_own);
    TEST_ADD(suite, a_terminal_that_is_lost_hangs_up);
    TEST_ADD(suite, the_interrupt_character_reaches_who_runs_there);
    TEST_ADD(suite, a_stop_closes_its_pipes_and_a_later_run_waits_for_it);
    TEST_ADD(suite, a_stop_sends_the_signal_that_was_asked_for);
    TEST_ADD(suite, the_reactor_may_end_first);
    TEST_ADD(suite, virtual_time_waits_for_it);
    TEST_ADD(suite, no_allocation_is_taken_for_granted);
    return test_run(suite);
}
