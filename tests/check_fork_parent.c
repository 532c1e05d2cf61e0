/* SPDX-License-Identifier: MIT */
/*
 * check_fork_parent.c - a parent's connections, files and processes, while a child that has left
 * its reactor lives on.
 *
 * The child has copies of all descriptors. If it kept them, a connection would not end when the
 * parent closes its own; what it changed on one would be changed for both.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/client.h>
#include <tweed/pipe.h>
#include <tweed/process.h>
#include <tweed/reconnect.h>
#include <tweed/tcp.h>

#include "tests/process_calls.h"

/* --- the child ---------------------------------------------------------------------------- */

static int go_on, left;
static pid_t child;

/* It leaves the reactor, does more(), tells, and lives until it is let go. */
static void fork_child(bool (*more)(void))
{
    int tells[2], waits[2];
    char byte = 'f';

    ck_assert_int_eq(pipe(tells), 0);
    ck_assert_int_eq(pipe(waits), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGALRM, SIG_DFL); /* the runner would kill its process group */
        alarm(20);
        close(waits[1]);
        if (tw_reactor_uninstall() == 0 && (more == NULL || more()))
            byte = 'g';
        if (write(tells[1], &byte, 1) == 1 && read(waits[0], &byte, 1) == 0)
            _exit(tw_reactor_uninstall());
        _exit(1);
    }
    close(tells[1]);
    close(waits[0]);
    go_on = waits[1];
    left = tells[0];
    ck_assert_int_eq(read(left, &byte, 1), 1);
    ck_assert_msg(byte == 'g', "the child could not do what it should");
}

static void end_child(void)
{
    int status;

    close(go_on);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close(left);
}

#define TURN_UNTIL(condition)                                  \
    do {                                                       \
        double until_end_ = test_deadline();                   \
        while (!(condition) && test_before(until_end_))        \
            tw_reactor_iterate(0.1);                           \
        ck_assert_msg((condition), "never: " #condition);      \
    } while (0)

/* --- connections -------------------------------------------------------------------------- */

static tw_transport *accepted;
static int lost;

static void note_made(tw_protocol *protocol)
{
    accepted = protocol->transport;
}

static void note_lost(tw_protocol *protocol, tw_value reason)
{
    (void)protocol;
    (void)reason;
    accepted = NULL;
    lost++;
}

static const tw_protocol_class noting = { .size = sizeof(tw_protocol),
                                          .connection_made = note_made,
                                          .connection_lost = note_lost };

static int connect_to(const tw_listener *listener)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)tw_listener_port(listener)),
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static bool ends_soon(int fd)
{
    struct pollfd readable = { .fd = fd, .events = POLLIN };
    char byte;

    return poll(&readable, 1, (int)(1000 * test_patience())) == 1 &&
           recv(fd, &byte, 1, 0) <= 0;
}

static bool connection_is_lost(void)
{
    return tw_transport_write(accepted, "x", 1) == -ENOTCONN && lost == 0;
}

static bool (*const left_connections[])(void) = { NULL, connection_is_lost };

START_TEST(a_connection_ends_when_the_parent_closes_it)
{
    tw_factory *factory = tw_factory_of(&noting, NULL);
    tw_listener *listener;
    int fd;

    lost = 0;
    ck_assert_int_eq(tw_listen(NULL, factory, &listener, NULL), 0);
    fd = connect_to(listener);
    TURN_UNTIL(accepted != NULL);
    fork_child(left_connections[_i]);
    ck_assert_int_eq(tw_transport_write(accepted, "y", 1), 0);
    tw_transport_lose(accepted);
    TURN_UNTIL(lost == 1);
    ck_assert_int_eq(recv(fd, &(char){ 0 }, 1, 0), 1);
    ck_assert(ends_soon(fd));
    close(fd);
    /* Nobody listens any more either. */
    fd = (int)tw_listener_port(listener);
    tw_listener_close(listener);
    ck_assert_int_eq(tw_listen(&(struct tw_listen_options){ .port = (unsigned)fd }, factory,
                               &listener, NULL),
                     0);
    end_child();
    tw_factory_unref(factory);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- files -------------------------------------------------------------------------------- */

static tw_listener *inherited;

static bool close_inherited(void)
{
    tw_listener_close(inherited);
    return true;
}

static bool (*const unix_children[])(void) = { NULL, close_inherited };

START_TEST(the_file_of_a_unix_socket_stays)
{
    tw_factory *factory = tw_factory_of(&noting, NULL);
    char name[40], lock[60], path[60];
    struct stat status;

    snprintf(path, sizeof path, "unix:check_fork.%d.%d", (int)getpid(), _i);
    snprintf(name, sizeof name, "check_fork.%d.%d", (int)getpid(), _i);
    snprintf(lock, sizeof lock, "%s.lock", name);
    ck_assert_int_eq(
        tw_listen(&(struct tw_listen_options){ .address = path, .lock_file = true }, factory,
                  &inherited, NULL),
        0);
    fork_child(unix_children[_i]);
    end_child();
    ck_assert_int_eq(stat(name, &status), 0);
    ck_assert_int_eq(stat(lock, &status), 0);
    tw_listener_close(inherited);
    ck_assert_int_lt(stat(name, &status), 0);
    tw_factory_unref(factory);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static bool does_not_block(int fd)
{
    return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

START_TEST(standard_input_does_not_block_meanwhile)
{
    int ends[2], before = dup(STDIN_FILENO);

    lost = 0;
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    ck_assert_int_eq(tw_stdio_open(tw_protocol_new(&noting), NULL), 0);
    ck_assert(does_not_block(ends[0]));
    fork_child(NULL);
    ck_assert(does_not_block(ends[0]));
    end_child();
    close(ends[1]);
    TURN_UNTIL(lost == 1);
    ck_assert(!does_not_block(ends[0]));
    close(ends[0]);
    dup2(before, STDIN_FILENO);
    close(before);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- processes ---------------------------------------------------------------------------- */

static tw_process *process;
static int64_t ended_with;

static void note_ended(tw_process *self, tw_value reason, void *arg)
{
    (void)self;
    (void)arg;
    ended_with = tw_failure_number(reason);
    lost++;
}

static bool cannot_kill(void)
{
    return tw_process_signal(process, SIGKILL) == TW_PROCESS_EXITED_ALREADY &&
           tw_process_signal_group(process, SIGKILL) == TW_PROCESS_EXITED_ALREADY && lost == 0;
}

static bool (*const killing_children[])(void) = { NULL, cannot_kill };

START_TEST(a_process_is_left_alone)
{
    static const struct tw_process_protocol protocol = { .ended = note_ended };
    struct tw_process_options options = { .argv = TW_ARGV("sh", "-c", "read line; exit 7"),
                                          .new_group = true,
                                          .stop_signal = SIGKILL };

    lost = 0;
    ck_assert_int_eq(tw_spawn_process(&options, &protocol, NULL, &process), 0);
    fork_child(killing_children[_i]);
    ck_assert_int_eq(tw_process_write(process, "\n", 1), 0);
    TURN_UNTIL(lost == 1);
    ck_assert_int_eq(ended_with, 7);
    end_child();
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static tw_value under_way;

static bool free_the_pool(void)
{
    bool is_answered = !tw_is_none(under_way); /* the worker was faster than the fork */

    tw_process_pool_free(pool);
    return is_answered || tw_failure_is(under_way, &tw_error_cancelled);
}

static bool is_refused(void)
{
    tw_value v = tw_block_on(tw_process_submit(pool, "square", tw_integer(2)));

    return tw_failure_is(v, &tw_error_misuse);
}

static bool (*const pool_children[])(void) = { NULL, free_the_pool, is_refused };

START_TEST(a_process_pool_works_on)
{
    tw_deferred *deferred;

    begin_with(&(struct tw_process_pool_options){ .workers = 2, .start = TW_WORKERS_SPAWN });
    ck_assert_int_eq(call_integer("square", 3), 9);
    under_way = tw_none();
    deferred = start("square", tw_integer(4), &under_way);
    tw_reactor_iterate(0);
    fork_child(pool_children[_i]);
    TURN_UNTIL(!tw_is_none(under_way));
    ck_assert_int_eq(tw_integer_of(under_way), 16);
    tw_deferred_unref(deferred);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(call_integer("square", i), i * i);
    end_child();
    end();
}
END_TEST

/* --- what the program holds may still be freed -------------------------------------------- */

static tw_reconnector *reconnector;
static tw_agent *agent;
static tw_deferred *page;
static tw_transport *kept;

static bool free_all(void)
{
    tw_reconnector_stop(reconnector);
    tw_agent_unref(agent);
    tw_deferred_unref(page);
    tw_process_unref(process);
    tw_transport_unref(kept);
    return tw_reactor_iterate(0) == 0 && lost == 0;
}

static tw_value keep_quiet(tw_value result, void *arg)
{
    (void)result;
    (void)arg;
    return tw_none();
}

START_TEST(a_child_frees_what_the_program_holds)
{
    tw_factory *factory = tw_factory_of(&noting, NULL);
    char url[100];
    int fd;

    lost = 0;
    ck_assert_int_eq(tw_listen(NULL, factory, &inherited, NULL), 0);
    fd = connect_to(inherited);
    TURN_UNTIL(accepted != NULL);
    kept = tw_transport_ref(accepted);
    reconnector = tw_reconnect("127.0.0.1", tw_listener_port(inherited), NULL, factory);
    agent = tw_agent_new(NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", tw_listener_port(inherited));
    page = tw_agent_request(agent, url, NULL);
    tw_add_errback(page, keep_quiet, NULL);
    ck_assert_int_eq(tw_spawn_process(&(struct tw_process_options){ .argv = TW_ARGV("cat") },
                                      NULL, NULL, &process),
                     0);
    tw_process_ref(process);
    for (int i = 0; i < 5; i++)
        tw_reactor_iterate(0);
    fork_child(free_all);
    end_child();
    ck_assert_int_eq(lost, 0);
    ck_assert(tw_process_running(process));
    tw_transport_unref(kept);
    tw_process_lose(process);
    TURN_UNTIL(!tw_process_running(process));
    tw_process_unref(process);
    tw_reconnector_stop(reconnector);
    tw_cancel(page);
    tw_deferred_unref(page);
    tw_agent_unref(agent);
    close(fd);
    tw_factory_unref(factory);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite;

    if (tw_process_worker(argc, argv))
        return 0;
    suite = suite_create("fork_parent");
    TEST_ADD_ROWS(suite, a_connection_ends_when_the_parent_closes_it, left_connections);
    TEST_ADD_ROWS(suite, the_file_of_a_unix_socket_stays, unix_children);
    TEST_ADD(suite, standard_input_does_not_block_meanwhile);
    TEST_ADD_ROWS(suite, a_process_is_left_alone, killing_children);
    TEST_ADD_ROWS(suite, a_process_pool_works_on, pool_children);
    TEST_ADD(suite, a_child_frees_what_the_program_holds);
    return test_run(suite);
}
