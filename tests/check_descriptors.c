/* SPDX-License-Identifier: MIT */
/*
 * check_descriptors.c - readers, writers and watches, on every backend.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tweed/log.h>
#include <tweed/reactor.h>

#include "base/clock.h"
#include "reactor/face.h"
#include "tests/test.h"

static const char *const backends[] = { "epoll", "poll", "select" };
static char trace[64];
static int pair[2];
#define L(letter) ((void *)(uintptr_t)(letter)[0])

static void note(void *letter)
{
    size_t length = strlen(trace);
    ck_assert_uint_lt(length, sizeof trace - 1);
    trace[length] = (char)(uintptr_t)letter;
    trace[length + 1] = '\0';
}

static void begin(int backend)
{
    struct tw_reactor_options options = { .backend = backends[backend] };

    trace[0] = '\0';
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
}

static void end(void)
{
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    close(pair[0]);
    close(pair[1]);
}

static void turns(int count)
{
    while (count-- > 0)
        ck_assert_int_eq(tw_reactor_iterate(0), 0);
}

static void send_byte(void)
{
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
}

static void on_ready(int fd, void *letter)
{
    ck_assert_int_eq(fd, pair[0]);
    note(letter);
}

static void on_read(int fd, void *letter)
{
    char c;
    on_ready(fd, letter);
    ck_assert_int_eq(read(fd, &c, 1), 1);
}

START_TEST(readers_and_writers_are_called_while_ready)
{
    begin(_i);
    ck_assert_int_eq(tw_reactor_add_reader(pair[0], on_read, L("r")), 0);
    turns(2);
    ck_assert_str_eq(trace, "");
    send_byte();
    send_byte();
    turns(4); /* level-triggered: once for each byte that is read */
    ck_assert_str_eq(trace, "rr");
    ck_assert_int_eq(tw_reactor_add_writer(pair[0], on_ready, L("w")), 0);
    turns(3);
    ck_assert_str_eq(trace, "rrwww");
    ck_assert_int_eq(tw_reactor_remove_writer(pair[0]), 0);
    send_byte();
    turns(2);
    ck_assert_str_eq(trace, "rrwwwr");
    ck_assert_int_eq(tw_reactor_remove_reader(pair[0]), 0);
    send_byte();
    turns(2);
    ck_assert_str_eq(trace, "rrwwwr");
    ck_assert_int_eq(tw_reactor_remove_reader(pair[0]), -ENOENT);
    ck_assert_int_eq(tw_reactor_remove_writer(pair[0]), -ENOENT);
    end();
}
END_TEST

START_TEST(a_writer_first_then_a_reader)
{
    begin(_i);
    send_byte();
    ck_assert_int_eq(tw_reactor_add_writer(pair[0], on_ready, L("w")), 0);
    ck_assert_int_eq(tw_reactor_add_reader(pair[0], on_read, L("r")), 0);
    ck_assert_int_eq(tw_reactor_remove_writer(pair[0]), 0);
    turns(1);
    ck_assert_str_eq(trace, "r");
    ck_assert_int_eq(tw_reactor_add_writer(pair[0], on_ready, L("w")), 0);
    ck_assert_int_eq(tw_reactor_remove_reader(pair[0]), 0);
    send_byte();
    turns(1);
    ck_assert_str_eq(trace, "rw");
    end();
}
END_TEST

static void remove_both(int fd, void *letter)
{
    note(letter);
    tw_reactor_remove_reader(fd);
    tw_reactor_remove_writer(fd);
}

static void replace_file(int fd, void *letter)
{
    int new_pair[2];

    note(letter);
    tw_reactor_remove_reader(fd);
    tw_reactor_remove_writer(fd);
    /* The same number comes back for another file, whose writer is not ready. */
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, new_pair), 0);
    ck_assert_int_eq(dup2(new_pair[0], fd), fd);
    close(new_pair[0]);
    close(new_pair[1]);
    ck_assert_int_eq(tw_reactor_add_writer(fd, on_ready, L("w")), 0);
    tw_reactor_remove_writer(fd);
    tw_reactor_add_reader(fd, on_ready, L("R"));
    tw_reactor_remove_reader(fd);
}

START_TEST(what_is_removed_during_the_turn_is_not_called)
{
    begin(_i);
    send_byte();
    tw_reactor_add_reader(pair[0], remove_both, L("r"));
    tw_reactor_add_writer(pair[0], on_ready, L("w"));
    turns(2);
    ck_assert(strcmp(trace, "r") == 0 || strcmp(trace, "wr") == 0);
    trace[0] = '\0';
    tw_reactor_add_reader(pair[0], replace_file, L("r"));
    tw_reactor_add_writer(pair[0], on_ready, L("w"));
    turns(2);
    ck_assert(strcmp(trace, "r") == 0 || strcmp(trace, "wr") == 0);
    end();
}
END_TEST

START_TEST(misuse_is_refused)
{
    begin(_i);
    ck_assert_int_eq(tw_reactor_add_reader(pair[0], on_read, NULL), 0);
    ck_assert_int_eq(tw_reactor_add_reader(pair[0], on_read, NULL), -EEXIST);
    ck_assert_int_eq(tw_reactor_add_reader(-1, on_read, NULL), -EBADF);
    ck_assert_int_eq(tw_reactor_add_writer(2000000000, on_read, NULL), -EBADF);
    ck_assert_int_eq(tw_reactor_add_writer(pair[0], NULL, NULL), -EINVAL);
    ck_assert_int_eq(tw_reactor_remove_writer(pair[0]), -ENOENT);
    ck_assert_int_eq(tw_reactor_remove_reader(-7), -ENOENT);
    ck_assert_int_eq(tw_reactor_remove_reader(2000000000), -ENOENT);
    end();
}
END_TEST

START_TEST(epoll_says_that_it_cannot_watch_files)
{
    int fd = open("/proc/self/maps", O_RDONLY);

    begin(0);
    fd = fd >= 0 ? fd : open("/etc/passwd", O_RDONLY);
    close(fd);
    fd = open("/etc/passwd", O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(tw_reactor_add_reader(fd, on_read, NULL), -EPERM);
    ck_assert_int_eq(tw_reactor_remove_reader(fd), -ENOENT);
    close(fd);
    end();
}
END_TEST

START_TEST(select_refuses_numbers_that_it_cannot_hold)
{
    struct rlimit limit;
    int fd;

    begin(2);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur <= FD_SETSIZE) {
        limit.rlim_cur = FD_SETSIZE + 100 < limit.rlim_max ? FD_SETSIZE + 100 : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    fd = fcntl(pair[0], F_DUPFD, FD_SETSIZE);
    if (fd >= 0) {
        ck_assert_int_eq(tw_reactor_add_reader(fd, on_read, NULL), -EMFILE);
        close(fd);
    }
    end();
}
END_TEST

START_TEST(they_can_be_listed_and_all_removed)
{
    int fds[4] = { 0 };

    begin(_i);
    tw_reactor_add_reader(pair[0], on_read, NULL);
    tw_reactor_add_reader(pair[1], on_read, NULL);
    tw_reactor_add_writer(pair[1], on_read, NULL);
    ck_assert_uint_eq(tw_reactor_readers(fds, 4), 2);
    ck_assert_int_eq(fds[0], pair[0]);
    ck_assert_int_eq(fds[1], pair[1]);
    ck_assert_uint_eq(tw_reactor_readers(NULL, 0), 2);
    ck_assert_uint_eq(tw_reactor_writers(fds, 4), 1);
    ck_assert_int_eq(tw_reactor_remove_all(), 3);
    ck_assert_uint_eq(tw_reactor_readers(fds, 4), 0);
    ck_assert_int_eq(tw_reactor_remove_all(), 0);
    /* The reactor's own are spared. */
    tw_call_later(0.001, note, L("t"));
    ck_assert_int_eq(tw_reactor_call_from_thread(tw_reactor_current(), note, L("c")), 0);
    while (strlen(trace) < 2)
        tw_reactor_iterate(1);
    tw_reactor_add_reader(pair[0], on_read, NULL);
    tw_reactor_stop();
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_uint_eq(tw_reactor_readers(fds, 4), 0);
    end();
}
END_TEST

static int complaints;

static void count_complaints(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    complaints += event->level == TW_LOG_ERROR;
}

START_TEST(select_survives_a_descriptor_that_was_closed)
{
    int other[2];

    begin(2);
    complaints = 0;
    ck_assert_int_eq(pipe(other), 0);
    tw_log_observe(count_complaints, NULL, TW_LOG_ERROR);
    tw_reactor_add_reader(other[0], on_read, L("x"));
    tw_reactor_add_reader(pair[0], on_read, L("r"));
    close(other[0]);
    turns(1);
    send_byte();
    turns(2);
    ck_assert_str_eq(trace, "r");
    ck_assert_int_eq(complaints, 1);
    ck_assert_uint_eq(tw_reactor_readers(NULL, 0), 1);
    tw_log_observe(NULL, NULL, TW_LOG_ERROR);
    close(other[1]);
    end();
}
END_TEST

/* --- watches ----------------------------------------------------------------------------- */

static struct twi_watch *watch;
static unsigned last_ready;

static void on_watch(unsigned ready, void *letter)
{
    last_ready = ready;
    note(letter);
}

static void on_watch_free(unsigned ready, void *letter)
{
    on_watch(ready, letter);
    twi_watch_free(watch);
    watch = NULL;
}

static const struct {
    const char *backend;
    unsigned first, then;
    const char *called;
} changes[] = {
    { "epoll", TWI_READABLE, TWI_WRITABLE, "w" },
    { "epoll", TWI_READABLE, TWI_READABLE | TWI_WRITABLE, "b" },
    { "epoll", TWI_READABLE | TWI_WRITABLE, TWI_READABLE, "r" },
    { "epoll", 0, TWI_READABLE, "r" },
    { "epoll", TWI_READABLE, 0, "" },
    { "poll", TWI_WRITABLE, TWI_READABLE, "r" },
    { "poll", 0, 0, "" },
    { "select", TWI_WRITABLE, TWI_READABLE | TWI_WRITABLE, "b" },
};

START_TEST(what_is_watched_can_be_changed)
{
    struct tw_reactor_options options = { .backend = changes[_i].backend };
    unsigned told = 0;

    begin(0);
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    send_byte();
    ck_assert_int_eq(twi_watch_new(pair[0], changes[_i].first, on_watch, L("x"), &watch), 0);
    ck_assert_int_eq(twi_watch_change(watch, changes[_i].then), 0);
    ck_assert_int_eq(twi_watch_change(watch, changes[_i].then), 0);
    for (int i = 0; i < 2; i++) {
        last_ready = 0;
        turns(1);
        told |= last_ready;
    }
    if (changes[_i].called[0] == '\0')
        ck_assert_uint_eq(told, 0);
    else
        ck_assert_uint_ne(told, 0);
    ck_assert_uint_eq(told & ~changes[_i].then, 0);
    /* And back, with the function changed. */
    ck_assert_int_eq(twi_watch_change(watch, changes[_i].first), 0);
    twi_watch_set(watch, on_watch, L("y"));
    trace[0] = '\0';
    turns(1);
    ck_assert_int_eq(trace[0], changes[_i].first != 0 ? 'y' : 0);
    twi_watch_free(watch);
    end();
}
END_TEST

START_TEST(an_edge_is_told_once_and_a_hangup_too)
{
    char c;

    begin(_i);
    ck_assert_int_eq(twi_watch_new(pair[0], TWI_READABLE | TWI_EDGE, on_watch, L("e"), &watch),
                     0);
    ck_assert(twi_watch_has_edge() == (_i == 0));
    send_byte();
    turns(3);
    ck_assert_str_eq(trace, _i == 0 ? "e" : "eee");
    ck_assert_int_eq(read(pair[0], &c, 1), 1);
    shutdown(pair[1], SHUT_WR);
    turns(1);
    ck_assert_uint_eq(last_ready & TWI_READABLE, TWI_READABLE);
    ck_assert_uint_eq(last_ready & TWI_HANGUP, _i == 0 ? TWI_HANGUP : 0);
    twi_watch_free(watch);
    end();
}
END_TEST

START_TEST(a_poke_calls_once_and_a_watch_may_go_inside)
{
    begin(_i);
    ck_assert_int_eq(twi_watch_new(pair[0], TWI_READABLE, on_watch, L("p"), &watch), 0);
    ck_assert_int_eq(twi_watch_poke(watch), 0);
    ck_assert_int_eq(twi_watch_poke(watch), 0);
    turns(2);
    ck_assert_str_eq(trace, "p");
    ck_assert_uint_eq(last_ready, TWI_READABLE);
    twi_watch_set(watch, on_watch_free, L("f"));
    twi_watch_poke(watch);
    turns(2);
    ck_assert_str_eq(trace, "pf");
    ck_assert_int_eq(twi_watch_new(pair[0], TWI_READABLE, on_watch_free, L("g"), &watch), 0);
    send_byte();
    turns(2);
    ck_assert_str_eq(trace, "pfg");
    ck_assert_int_eq(twi_watch_new(pair[0], TWI_READABLE, on_watch, L("p"), &watch), 0);
    twi_watch_poke(watch);
    twi_watch_free(watch);
    twi_watch_free(NULL);
    turns(1);
    ck_assert_str_eq(trace, "pfg");
    end();
}
END_TEST

START_TEST(a_watch_of_nothing_is_refused)
{
    begin(_i);
    ck_assert_int_eq(twi_watch_new(-1, TWI_READABLE, on_watch, NULL, &watch), -EBADF);
    ck_assert_int_eq(twi_watch_new(1000, TWI_READABLE, on_watch, NULL, &watch), -EBADF);
    end();
}
END_TEST

START_TEST(there_is_one_read_buffer)
{
    size_t size = 0;
    char *buffer;

    begin(0);
    buffer = twi_loop_read_buffer(&size);
    ck_assert_ptr_nonnull(buffer);
    ck_assert_uint_eq(size, 65536);
    ck_assert_ptr_eq(twi_loop_read_buffer(&size), buffer);
    end();
}
END_TEST

static int ends[2];

static bool watch_life(void *arg)
{
    struct twi_watch *w;
    bool ok = false;
    int r;

    (void)arg;
    if (tw_reactor_install(NULL) < 0)
        return false;
    r = twi_watch_new(ends[0], TWI_READABLE, on_watch, NULL, &w);
    if (r == 0) {
        ok = twi_watch_change(w, TWI_READABLE | TWI_WRITABLE) == 0;
        ok = twi_watch_change(w, TWI_READABLE) == 0 && ok;
        ok = twi_watch_change(w, TWI_WRITABLE) == 0 && ok;
        twi_watch_free(w);
    }
    ok = tw_reactor_add_reader(ends[1], on_read, NULL) == 0 && ok;
    ok = tw_reactor_add_writer(ends[1], on_read, NULL) == 0 && ok;
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    return ok;
}

START_TEST(no_allocation_failure_harms_a_watch)
{
    tw_reactor_uninstall();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    test_each_alloc_failure(watch_life, NULL);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* Its sets grow when it waits. */
START_TEST(select_does_not_spin_without_memory)
{
    int64_t begun;

    begin(2);
    ck_assert_int_eq(tw_reactor_add_reader(pair[0], on_read, L("a")), 0);
    begun = twi_monotonic_ns();
    test_fail_alloc(1, true);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(tw_reactor_iterate(1), 0);
    ck_assert(test_alloc_failed());
    test_fail_alloc(0, false);
    ck_assert_int_ge(twi_monotonic_ns() - begun, 15000000);
    send_byte();
    turns(2);
    ck_assert_str_eq(trace, "a");
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("descriptors");

    TEST_ADD_ROWS(suite, readers_and_writers_are_called_while_ready, backends);
    TEST_ADD_ROWS(suite, a_writer_first_then_a_reader, backends);
    TEST_ADD_ROWS(suite, what_is_removed_during_the_turn_is_not_called, backends);
    TEST_ADD_ROWS(suite, misuse_is_refused, backends);
    TEST_ADD(suite, epoll_says_that_it_cannot_watch_files);
    TEST_ADD(suite, select_refuses_numbers_that_it_cannot_hold);
    TEST_ADD(suite, select_survives_a_descriptor_that_was_closed);
    TEST_ADD(suite, select_does_not_spin_without_memory);
    TEST_ADD_ROWS(suite, they_can_be_listed_and_all_removed, backends);
    TEST_ADD_ROWS(suite, what_is_watched_can_be_changed, changes);
    TEST_ADD_ROWS(suite, an_edge_is_told_once_and_a_hangup_too, backends);
    TEST_ADD_ROWS(suite, a_poke_calls_once_and_a_watch_may_go_inside, backends);
    TEST_ADD_ROWS(suite, a_watch_of_nothing_is_refused, backends);
    TEST_ADD(suite, there_is_one_read_buffer);
    TEST_ADD(suite, no_allocation_failure_harms_a_watch);
    return test_run(suite);
}
