/* SPDX-License-Identifier: MIT */
/*
 * check_pipe.c - any descriptor as a transport.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <tweed/pipe.h>

#include "tests/children.h"
#include "tests/sockets.h"

static struct record ours;
static tw_transport *transport;

#define SOON(condition)                                                   \
    do {                                                                  \
        double soon_end_ = test_deadline();                               \
        while (!(condition) && test_before(soon_end_))                    \
            tw_reactor_iterate(0.1);                                      \
        ck_assert_msg((condition), "never: " #condition ", events: %s, %s", \
                      record_text(&ours), record_data(&ours));            \
    } while (0)

static bool is_lost(void)
{
    return ours.protocol == NULL;
}

static void open_with(const tw_protocol_class *protocol_class, int read_fd, int write_fd)
{
    ck_assert_int_eq(
        tw_pipe_open(read_fd, write_fd, recorder_new(protocol_class, &ours), &transport), 0);
}

static void finish(void)
{
    record_free(&ours);
    memset(&ours, 0, sizeof ours);
    children_end();
}

/* The kinds of descriptors that go both ways: two pipes, a socket pair, a terminal. */
enum kind { PIPES, SOCKETS, TERMINAL };
struct peer {
    int in, out; /* what the test reads from and writes to */
};

static struct peer open_pipes(const tw_protocol_class *protocol_class)
{
    int there[2], back[2];

    ck_assert_int_eq(pipe2(there, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(back, O_CLOEXEC), 0);
    open_with(protocol_class, back[0], there[1]);
    return (struct peer){ there[0], back[1] };
}

static struct peer open_sockets(const tw_protocol_class *protocol_class)
{
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    open_with(protocol_class, ends[0], ends[0]);
    return (struct peer){ ends[1], ends[1] };
}

static struct peer open_terminal(const tw_protocol_class *protocol_class)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    struct termios raw;

    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    open_with(protocol_class, master, master);
    return (struct peer){ slave, slave };
}

static struct peer open_kind(enum kind kind, const tw_protocol_class *protocol_class)
{
    return kind == PIPES     ? open_pipes(protocol_class)
           : kind == SOCKETS ? open_sockets(protocol_class)
                             : open_terminal(protocol_class);
}

static void close_peer(struct peer peer)
{
    close(peer.in);
    if (peer.out != peer.in)
        close(peer.out);
}

static const struct {
    const char *backend;
    enum kind kind;
} rows[] = {
    { "epoll", PIPES },  { "poll", PIPES },  { "select", PIPES },
    { "epoll", SOCKETS }, { "poll", SOCKETS }, { "select", SOCKETS },
    { "epoll", TERMINAL }, { "poll", TERMINAL }, { "select", TERMINAL },
};

static void write_all(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* So many bytes that were written to it; fewer when they do not come. */
static ssize_t take(int fd, char *text, size_t wanted)
{
    double until = test_deadline();
    size_t length = 0;
    ssize_t n = 1;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    while (length < wanted && n != 0 && test_before(until)) {
        n = read(fd, text + length, wanted - length);
        if (n < 0)
            tw_reactor_iterate(0.01);
        length += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)length;
}

/* --- both ways ---------------------------------------------------------------------------- */

START_TEST(what_is_written_arrives_in_order)
{
    struct peer peer;
    char text[64];

    if (rows[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(rows[_i].backend);
    peer = open_kind(rows[_i].kind, &recorder_class);
    write_all(peer.out, "hello ");
    SOON(strcmp(record_data(&ours), "hello ") == 0);
    tw_reactor_iterate(0);
    write_all(peer.out, "again");
    SOON(strcmp(record_data(&ours), "hello again") == 0);
    tw_transport_write(transport, "one ", 4);
    tw_transport_write(transport, "two ", 4);
    tw_transport_write_value(transport, tw_string("three"));
    tw_reactor_iterate(0);
    ck_assert_int_eq(take(peer.in, text, 13), 13);
    ck_assert_mem_eq(text, "one two three", 13);
    close_peer(peer);
    SOON(is_lost());
    ck_assert_str_eq(record_text(&ours), "made lost:connection_done released");
    finish();
}
END_TEST

enum { MUCH = 1024 * 1024 };

static void fill(char *data)
{
    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i * 7 + i / 251);
}

START_TEST(much_is_written_without_blocking_and_flushed_before_the_end)
{
    static char data[MUCH], got[MUCH];
    struct peer peer;
    size_t length = 0;
    ssize_t n = 1;

    if (rows[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(rows[_i].backend);
    fill(data);
    peer = open_kind(rows[_i].kind, &recorder_class);
    ck_assert_int_eq(tw_transport_write(transport, data, MUCH), 0);
    tw_reactor_iterate(0);
    ck_assert_uint_gt(tw_transport_unsent(transport), 0);
    if (rows[_i].kind != TERMINAL) /* it would drop what has not been read */
        tw_transport_lose(transport);
    fcntl(peer.in, F_SETFL, O_NONBLOCK);
    for (double until = test_deadline(); length < MUCH && n != 0 && test_before(until);) {
        n = read(peer.in, got + length, MUCH - length);
        if (n < 0)
            tw_reactor_iterate(0.1);
        length += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(length, MUCH);
    ck_assert_mem_eq(got, data, MUCH);
    if (rows[_i].kind == TERMINAL)
        tw_transport_lose(transport);
    SOON(is_lost());
    ck_assert_str_eq(record_text(&ours), "made lost:connection_done released");
    close_peer(peer);
    finish();
}
END_TEST

START_TEST(much_is_read)
{
    static char data[MUCH];
    struct peer peer;
    size_t sent = 0;

    if (rows[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(rows[_i].backend);
    fill(data);
    peer = open_kind(rows[_i].kind, &recorder_class);
    fcntl(peer.out, F_SETFL, O_NONBLOCK);
    for (double until = test_deadline(); ours.data.length < MUCH && test_before(until);) {
        ssize_t n = write(peer.out, data + sent, MUCH - sent);
        sent += n > 0 ? (size_t)n : 0;
        tw_reactor_iterate(0.01);
    }
    ck_assert_uint_eq(ours.data.length, MUCH);
    ck_assert_mem_eq(ours.data.data, data, MUCH);
    close_peer(peer);
    SOON(is_lost());
    finish();
}
END_TEST

START_TEST(a_pause_holds_back_what_comes)
{
    struct peer peer;

    if (rows[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(rows[_i].backend);
    peer = open_kind(rows[_i].kind, &recorder_class);
    tw_transport_pause(transport);
    write_all(peer.out, "hello");
    for (int i = 0; i < 3; i++)
        tw_reactor_iterate(0.01);
    ck_assert_str_eq(record_data(&ours), "");
    tw_transport_resume(transport);
    SOON(strcmp(record_data(&ours), "hello") == 0);
    tw_transport_pause(transport);
    close(peer.out);
    tw_reactor_iterate(0.01);
    ck_assert(!is_lost());
    tw_transport_resume(transport);
    SOON(is_lost());
    if (peer.in != peer.out)
        close(peer.in);
    finish();
}
END_TEST

static void pause_it(struct record *record, const char *data, size_t length)
{
    (void)data, (void)length;
    tw_transport_pause(record->protocol->transport);
}

START_TEST(a_pause_in_the_middle_of_much_loses_nothing)
{
    static char data[65536];
    struct peer peer;
    size_t sent = 0;

    if (rows[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(rows[_i].backend);
    ours.on_data = pause_it;
    peer = open_kind(rows[_i].kind, &recorder_class);
    memset(data, 'x', sizeof data);
    fcntl(peer.out, F_SETFL, O_NONBLOCK);
    for (double until = test_deadline();
         ours.data.length < sizeof data && test_before(until);) {
        ssize_t n = sent < sizeof data ? write(peer.out, data + sent, sizeof data - sent) : 0;
        sent += n > 0 ? (size_t)n : 0;
        tw_reactor_iterate(0.01);
        if (is_lost())
            break;
        tw_transport_resume(transport);
    }
    ck_assert_uint_eq(ours.data.length, sizeof data);
    close_peer(peer);
    ours.on_data = NULL;
    SOON(is_lost());
    finish();
}
END_TEST

static void echo_back(struct record *record, const char *data, size_t length)
{
    tw_transport_write(record->protocol->transport, data, length);
}

START_TEST(an_answer_goes_in_the_turn_of_its_question)
{
    struct peer peer;
    char text[8];

    if (rows[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(rows[_i].backend);
    ours.on_data = echo_back;
    peer = open_kind(rows[_i].kind, &recorder_class);
    write_all(peer.out, "ping");
    SOON(ours.data.length == 4);
    ck_assert_int_eq(take(peer.in, text, 4), 4);
    close_peer(peer);
    SOON(is_lost());
    finish();
}
END_TEST

START_TEST(an_abort_ends_it_later_and_at_once)
{
    struct peer peer;

    if (rows[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(rows[_i].backend);
    peer = open_kind(rows[_i].kind, &recorder_class);
    tw_transport_write(transport, "lost", 4);
    tw_transport_abort(transport);
    ck_assert(!is_lost());
    tw_reactor_iterate(0);
    ck_assert_str_eq(record_text(&ours), "made lost:connection_aborted released");
    close_peer(peer);
    finish();
}
END_TEST

static const struct {
    const char *backend;
    enum kind kind;
    int result;
} halves[] = {
    { "epoll", PIPES, 0 },           { "poll", PIPES, 0 },
    { "epoll", SOCKETS, 0 },         { "poll", SOCKETS, 0 },
    { "epoll", TERMINAL, -ENOTSUP },
};

START_TEST(its_writing_half_may_be_closed)
{
    struct peer peer;
    char text[8];

    if (halves[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(halves[_i].backend);
    peer = open_kind(halves[_i].kind, &recorder_half_class);
    tw_transport_write(transport, "last", 4);
    ck_assert_int_eq(tw_transport_lose_write(transport), halves[_i].result);
    tw_reactor_iterate(0);
    ck_assert_int_eq(take(peer.in, text, 4), 4);
    if (halves[_i].result == 0) {
        ck_assert_int_eq(take(peer.in, text, 1), 0);
        write_all(peer.out, "answer");
        SOON(strcmp(record_data(&ours), "answer") == 0);
        ck_assert_int_eq(tw_transport_write(transport, "x", 1), -ENOTCONN);
    }
    close_peer(peer);
    SOON(strstr(record_text(&ours), "eof") != NULL);
    ck_assert_int_eq(is_lost(), halves[_i].result == 0);
    if (!is_lost())
        tw_transport_lose(transport);
    SOON(is_lost());
    finish();
}
END_TEST

/* --- one way ------------------------------------------------------------------------------ */

START_TEST(one_that_only_reads_writes_nothing)
{
    int ends[2];

    children_begin(backends[_i]);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    open_with(&recorder_half_class, ends[0], -1);
    ck_assert_int_eq(tw_transport_write(transport, "x", 1), -ENOTCONN);
    ck_assert_int_eq(tw_transport_fd(transport), ends[0]);
    write_all(ends[1], "hello");
    close(ends[1]);
    SOON(is_lost());
    ck_assert_str_eq(record_data(&ours), "hello");
    ck_assert_str_eq(record_text(&ours), "made eof lost:connection_done released");
    finish();
}
END_TEST

/* The program's own handling of SIGPIPE. */
static void (*const dispositions[])(int) = { SIG_DFL, SIG_IGN };

START_TEST(nobody_reads_and_no_signal_comes_of_it)
{
    for (int backend = 0; backend < 3; backend++)
        for (int kind = PIPES; kind <= SOCKETS; kind++) {
            struct peer peer;

            signal(SIGPIPE, dispositions[_i]);
            children_begin(backends[backend]);
            peer = open_kind(kind, &recorder_class);
            tw_reactor_iterate(0);
            if (kind == PIPES)
                close(peer.in); /* but peer.out stays: nothing else tells */
            else
                close_peer(peer);
            tw_transport_write(transport, "x", 1);
            SOON(is_lost());
            ck_assert_ptr_nonnull(strstr(record_text(&ours), "lost:connection_"));
            if (kind == PIPES)
                close(peer.out);
            finish();
            signal(SIGPIPE, SIG_DFL);
        }
}
END_TEST

static const char *const hang_ups[] = { "epoll", "poll", "select" };

START_TEST(that_nobody_reads_any_more_is_noticed)
{
    int ends[2];

    children_begin(hang_ups[_i]);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    open_with(&recorder_class, -1, ends[1]);
    for (int i = 0; i < 3; i++)
        tw_reactor_iterate(0);
    ck_assert(!is_lost());
    close(ends[0]);
    SOON(is_lost());
    ck_assert_str_eq(record_text(&ours), "made lost:connection_lost released");
    finish();
}
END_TEST

START_TEST(what_came_before_the_reader_went_is_delivered)
{
    struct peer peer;

    children_begin(backends[_i]);
    peer = open_kind(PIPES, &recorder_class);
    tw_transport_write(transport, "x", 1);
    write_all(peer.out, "answered early");
    close(peer.in);
    SOON(is_lost());
    ck_assert_str_eq(record_data(&ours), "answered early");
    close(peer.out);
    finish();
}
END_TEST

/* --- producers ---------------------------------------------------------------------------- */

static int produced;

static void produce_pause(void *arg)
{
    (void)arg;
    produced = -1;
}

static void produce_resume(void *arg)
{
    (void)arg;
    produced = 1;
}

START_TEST(a_producer_is_paused_and_resumed)
{
    static const struct tw_producer producer = { produce_pause, produce_resume,
                                                 produce_pause };
    static char data[2 * MUCH];
    struct peer peer;

    if (rows[_i].kind == TERMINAL)
        TEST_NEEDS_TERMINALS();
    children_begin(rows[_i].backend);
    produced = 0;
    peer = open_kind(rows[_i].kind, &recorder_class);
    ck_assert_int_eq(tw_transport_register_producer(transport, &producer, true, NULL), 0);
    tw_transport_write(transport, data, sizeof data);
    ck_assert_int_eq(produced, -1);
    fcntl(peer.in, F_SETFL, O_NONBLOCK);
    for (double until = test_deadline(); produced < 0 && test_before(until);) {
        char drain[65536];
        if (read(peer.in, drain, sizeof drain) < 0)
            tw_reactor_iterate(0.01);
    }
    ck_assert_int_eq(produced, 1);
    tw_transport_unregister_producer(transport);
    tw_transport_abort(transport);
    SOON(is_lost());
    close_peer(peer);
    finish();
}
END_TEST

/* --- files and odd descriptors ------------------------------------------------------------ */

START_TEST(a_file_is_read_and_written_like_a_pipe)
{
    char path[] = "/tmp/tweed-pipe-XXXXXX", text[32];
    int fd;

    children_begin(backends[_i]);
    fd = mkstemp(path);
    open_with(&recorder_class, -1, fcntl(fd, F_DUPFD_CLOEXEC, 3));
    tw_transport_write(transport, "written", 7);
    tw_transport_lose(transport);
    SOON(is_lost());
    ck_assert_int_eq(pread(fd, text, sizeof text, 0), 7);
    record_free(&ours);
    memset(&ours, 0, sizeof ours);
    lseek(fd, 0, SEEK_SET);
    open_with(&recorder_class, fd, -1);
    tw_transport_pause(transport);
    for (int i = 0; i < 3; i++)
        tw_reactor_iterate(0);
    ck_assert_str_eq(record_data(&ours), "");
    tw_transport_resume(transport);
    SOON(is_lost());
    ck_assert_str_eq(record_data(&ours), "written");
    unlink(path);
    finish();
}
END_TEST

START_TEST(a_file_is_copied_into_a_pipe)
{
    char path[] = "/tmp/tweed-pipe-XXXXXX", text[32];
    struct peer peer;
    int fd;

    children_begin(NULL);
    fd = mkstemp(path);
    unlink(path);
    write_all(fd, "0123456789");
    peer = open_kind(PIPES, &recorder_class);
    tw_transport_write(transport, "<", 1);
    ck_assert_int_eq(tw_transport_write_file(transport, fd, 2, 6, NULL, NULL), 0);
    tw_transport_write(transport, ">", 1);
    tw_transport_lose(transport);
    SOON(is_lost());
    ck_assert_int_eq(take(peer.in, text, 8), 8);
    ck_assert_mem_eq(text, "<234567>", 8);
    close(fd);
    close_peer(peer);
    finish();
}
END_TEST

START_TEST(what_is_no_descriptor_is_refused)
{
    int ends[2];

    children_begin(NULL);
    ck_assert_int_eq(tw_pipe_open(-1, -1, recorder_new(&recorder_class, &ours), NULL),
                     -EINVAL);
    ck_assert_int_eq(tw_pipe_open(900, -1, recorder_new(&recorder_class, &ours), NULL),
                     -EBADF);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(tw_pipe_open(ends[0], 900, recorder_new(&recorder_class, &ours), NULL),
                     -EBADF);
    ck_assert_int_eq(fcntl(ends[0], F_GETFD), -1); /* taken */
    close(ends[1]);
    ck_assert_str_eq(record_text(&ours), "released released released");
    finish();
}
END_TEST

/* In a process of its own, whose standard streams are pipes. */
static int talk_on_stdio(int in, int out)
{
    int flags;

    dup2(in, 0);
    dup2(out, 1);
    flags = fcntl(0, F_GETFL);
    tw_reactor_uninstall();
    ours.on_data = echo_back;
    if (tw_stdio_open(recorder_new(&recorder_class, &ours), &transport) < 0)
        return 1;
    if ((fcntl(0, F_GETFL) & O_NONBLOCK) == 0)
        return 2;
    for (double until = test_deadline(); !is_lost() && test_before(until);)
        tw_reactor_iterate(0.1);
    return !is_lost() ? 3 : fcntl(0, F_GETFL) == flags ? 0 : 4;
}

START_TEST(standard_input_and_output_are_a_connection)
{
    int there[2], back[2], status;
    char text[16];
    pid_t pid;

    children_begin(NULL);
    ck_assert_int_eq(pipe2(there, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(back, O_CLOEXEC), 0);
    write_all(there[1], "hello");
    pid = fork();
    if (pid == 0) {
        close(there[1]);
        close(back[0]);
        _exit(talk_on_stdio(there[0], back[1]));
    }
    close(there[1]);
    close(back[1]);
    ck_assert_int_eq(read(back[0], text, sizeof text), 5);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    close(there[0]);
    close(back[0]);
    finish();
}
END_TEST

static bool pipe_once(void *arg)
{
    int there[2], back[2];
    char c;
    bool ok = false;

    (void)arg;
    if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0)
        return false;
    if (tw_pipe_open(back[0], there[1], recorder_new(&recorder_class, &ours), &transport) ==
        0) {
        write_all(back[1], "question");
        ok = ours.protocol != NULL && tw_transport_write(transport, "x", 1) == 0;
        for (int i = 0; i < 3; i++)
            tw_reactor_iterate(0);
        ok = ok && strcmp(record_data(&ours), "question") == 0 && !is_lost() &&
             read(there[0], &c, 1) == 1;
        if (!is_lost())
            tw_transport_abort(transport);
        tw_reactor_iterate(0);
    }
    tw_reactor_uninstall();
    record_free(&ours);
    memset(&ours, 0, sizeof ours);
    close(there[0]);
    close(back[1]);
    return ok;
}

START_TEST(no_allocation_is_taken_for_granted)
{
    children_begin(NULL);
    tw_reactor_uninstall();
    ck_assert_uint_gt(test_each_alloc_failure(pipe_once, NULL), 0);
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipe");

    TEST_ADD_ROWS(suite, what_is_written_arrives_in_order, rows);
    TEST_ADD_ROWS(suite, much_is_written_without_blocking_and_flushed_before_the_end, rows);
    TEST_ADD_ROWS(suite, much_is_read, rows);
    TEST_ADD_ROWS(suite, a_pause_holds_back_what_comes, rows);
    TEST_ADD_ROWS(suite, a_pause_in_the_middle_of_much_loses_nothing, rows);
    TEST_ADD_ROWS(suite, an_answer_goes_in_the_turn_of_its_question, rows);
    TEST_ADD_ROWS(suite, an_abort_ends_it_later_and_at_once, rows);
    TEST_ADD_ROWS(suite, its_writing_half_may_be_closed, halves);
    TEST_ADD_ROWS(suite, one_that_only_reads_writes_nothing, backends);
    TEST_ADD_ROWS(suite, nobody_reads_and_no_signal_comes_of_it, dispositions);
    TEST_ADD_ROWS(suite, that_nobody_reads_any_more_is_noticed, hang_ups);
    TEST_ADD_ROWS(suite, what_came_before_the_reader_went_is_delivered, backends);
    TEST_ADD_ROWS(suite, a_producer_is_paused_and_resumed, rows);
    TEST_ADD_ROWS(suite, a_file_is_read_and_written_like_a_pipe, backends);
    TEST_ADD(suite, a_file_is_copied_into_a_pipe);
    TEST_ADD(suite, what_is_no_descriptor_is_refused);
    TEST_ADD(suite, standard_input_and_output_are_a_connection);
    TEST_ADD(suite, no_allocation_is_taken_for_granted);
    return test_run(suite);
}
