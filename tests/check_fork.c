/* SPDX-License-Identifier: MIT */
/*
 * check_fork.c - a child made by fork() leaves its parent's reactor alone.
 *
 * Both share the kernel's set of what is watched, the alarm and the wake-up descriptor. Whatever
 * the child does with the reactor that it inherited, the parent's reader and timer are called as
 * before.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/inline_callbacks.h>
#include <tweed/reactor.h>
#include <tweed/tcp.h>
#include <tweed/thread.h>

#include "tests/test.h"

static const char *const backends[] = { "epoll", "poll", "select" };

static int ends[2], others[2];
static int reads, fires;

static void read_one(int fd, void *arg)
{
    char byte;

    (void)arg;
    reads += read(fd, &byte, 1) == 1;
    if (reads > 0 && fires > 0)
        tw_reactor_stop();
}

static void fire_one(void *arg)
{
    (void)arg;
    fires++;
    if (reads > 0 && fires > 0)
        tw_reactor_stop();
}

static void nothing(void *arg)
{
    (void)arg;
}

static void just_stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

/* --- what the child does; 0 when it went as it should ------------------------------------- */

static int child_uninstalls(void)
{
    return tw_reactor_uninstall();
}

static int child_has_its_own(void)
{
    int r = tw_reactor_uninstall();

    reads = fires = 0;
    if (r != 0 || tw_reactor_add_reader(others[0], read_one, NULL) != 0 ||
        write(others[1], "x", 1) != 1)
        return 1;
    (tw_call_later)(0.001, fire_one, NULL);
    tw_reactor_run();
    return reads == 1 && fires == 1 ? tw_reactor_uninstall() : 1;
}

static int child_removes_all(void)
{
    return tw_reactor_remove_all() == 1 ? 0 : 1;
}

static int child_closes_and_adds(void)
{
    tw_reactor_remove_reader(ends[0]);
    close(ends[0]);
    return tw_reactor_add_reader(others[0], read_one, NULL);
}

/* Its copies of the parent's timers are its own. */
static int child_turns(void)
{
    (tw_call_later)(0.0001, just_stop, NULL);
    return tw_reactor_run();
}

static int child_watches_more(void)
{
    return tw_reactor_add_writer(others[1], read_one, NULL);
}

static void *end_thread(void *arg)
{
    return arg;
}

static int child_calls_itself(void)
{
    pthread_t thread;

    tw_reactor_uninstall();
    if (tw_reactor_call_from_thread(tw_reactor_current(), just_stop, NULL) != 0)
        return 1;
    if (pthread_create(&thread, NULL, end_thread, NULL) == 0)
        pthread_join(thread, NULL);
    return tw_reactor_run();
}

static tw_value in_thread(void *arg)
{
    return tw_integer((intptr_t)arg);
}

/* The pool's threads are the parent's only. */
static int child_leaves_the_threads(void)
{
    int r = tw_reactor_uninstall();
    tw_value v = tw_block_on(tw_defer_to_thread(in_thread, (void *)7));

    return r == 0 && tw_integer_of(v) == 7 ? tw_reactor_uninstall() : 1;
}

/* Its own wake-up: the parent's is not touched. */
static int child_posts_to_what_it_inherited(void)
{
    if (tw_reactor_call_from_thread(tw_reactor_current(), just_stop, NULL) != 0)
        return 1;
    return tw_reactor_run();
}

static pthread_key_t last_key;

/* In the last round of destructors; an exit would look for leaks of the runner's, whose stack is
 * gone. */
static void end_process(void *rounds)
{
    intptr_t left = (intptr_t)rounds - 1;

    if (left == 0)
        _exit(0);
    pthread_setspecific(last_key, (void *)left);
}

static int child_ends_its_thread(void)
{
    if (pthread_key_create(&last_key, end_process) != 0 ||
        pthread_setspecific(last_key, (void *)(intptr_t)PTHREAD_DESTRUCTOR_ITERATIONS) != 0)
        return 1;
    pthread_exit(NULL);
    return 1;
}

static int (*const children[])(void) = {
    child_uninstalls,         child_has_its_own,  child_removes_all,
    child_closes_and_adds,    child_turns,        child_watches_more,
    child_leaves_the_threads, child_calls_itself, child_posts_to_what_it_inherited,
    child_ends_its_thread,
};

static void run_child(int row, int (*child_fn)(void))
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGALRM, SIG_DFL); /* the runner would kill its process group */
        alarm(20);
        _exit(child_fn() == 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d: %x", row, status);
}

START_TEST(the_parents_reactor_goes_on)
{
    tw_value v;

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pipe(others), 0);
    reads = fires = 0;
    ck_assert_int_eq(tw_reactor_add_reader(ends[0], read_one, NULL), 0);
    tw_call_later(60, nothing, NULL);
    v = tw_block_on(tw_defer_to_thread(in_thread, (void *)5));
    ck_assert_int_eq(tw_integer_of(v), 5);
    tw_reactor_iterate(0);
    run_child(_i, children[_i]);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    tw_call_later(0.002, fire_one, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(reads, 1);
    ck_assert_int_eq(fires, 1);
    v = tw_block_on(tw_defer_to_thread(in_thread, (void *)6));
    ck_assert_int_eq(tw_integer_of(v), 6);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(others[i]);
    }
}
END_TEST

/* --- a listener and a waiting body, which both have; no threads --------------------------- */

static tw_factory *factory;
static tw_listener *inherited;
static int accepted, resumed;

static tw_protocol *refuse(tw_factory *self)
{
    (void)self;
    accepted++;
    return NULL;
}

static int connect_to(const tw_listener *listener)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)tw_listener_port(listener)),
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Does the listener hear of somebody who connects? */
static bool is_reached(const tw_listener *listener)
{
    int fd = connect_to(listener);

    accepted = 0;
    for (int i = 0; fd >= 0 && accepted == 0 && i < 100; i++)
        tw_reactor_iterate(0.1);
    if (fd >= 0)
        close(fd);
    return accepted == 1;
}

static tw_value wait_long(void *arg)
{
    tw_value v = tw_sleep(60);

    (void)arg;
    resumed++;
    return v;
}

static int child_listens_too(void)
{
    tw_listener *listener, *second;

    if (tw_reactor_uninstall() != 0 || tw_listen(NULL, factory, &listener, NULL) != 0 ||
        tw_listen(NULL, factory, &second, NULL) != 0)
        return 1;
    tw_listener_close(inherited);
    if (!is_reached(listener) || !is_reached(second))
        return 1;
    return tw_reactor_uninstall() == 0 && resumed == 0 ? 0 : 1;
}

/* A child's own bodies and listeners end with its reactor, as they would without the fork. */
static int child_ends_what_is_its_own(void)
{
    tw_listener *listener;
    unsigned port;

    if (tw_reactor_uninstall() != 0 || tw_listen(NULL, factory, &listener, NULL) != 0)
        return 1;
    port = tw_listener_port(listener);
    tw_deferred_unref(tw_inline_callbacks(wait_long, NULL));
    if (tw_reactor_uninstall() != 0 || resumed != 1)
        return 1;
    return tw_listen(&(struct tw_listen_options){ .port = port }, factory, &listener, NULL);
}

static int (*const listening_children[])(void) = {
    child_uninstalls,
    child_listens_too,
    child_ends_what_is_its_own,
};

START_TEST(the_parents_listener_and_bodies_go_on)
{
    static const struct tw_factory_class factory_class = { .build = refuse };

    resumed = 0;
    factory = tw_factory_new(&factory_class, NULL);
    ck_assert_int_eq(tw_listen(NULL, factory, &inherited, NULL), 0);
    tw_deferred_unref(tw_inline_callbacks(wait_long, NULL));
    tw_reactor_iterate(0);
    run_child(_i, listening_children[_i]);
    ck_assert(is_reached(inherited));
    ck_assert_int_eq(resumed, 0);
    tw_factory_unref(factory);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    ck_assert_int_eq(resumed, 1);
}
END_TEST

/* Several processes may accept on one listener: each goes on with what it inherited. */
static int child_accepts_too(void)
{
    accepted = 0;
    for (int i = 0; accepted == 0 && i < 100; i++)
        tw_reactor_iterate(0.1);
    return accepted == 1 ? 0 : 1;
}

START_TEST(a_listener_may_be_shared)
{
    static const struct tw_factory_class factory_class = { .build = refuse };
    pid_t child;
    int status, fd;

    tw_reactor_install(&(struct tw_reactor_options){ .backend = backends[_i] });
    factory = tw_factory_new(&factory_class, NULL);
    ck_assert_int_eq(tw_listen(NULL, factory, &inherited, NULL), 0);
    tw_reactor_iterate(0);
    child = fork();
    if (child == 0)
        _exit(child_accepts_too());
    fd = connect_to(inherited);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close(fd);
    ck_assert(is_reached(inherited));
    tw_factory_unref(factory);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- inside a turn ------------------------------------------------------------------------ */

static int (*const inner_children[])(void) = {
    child_uninstalls,         child_has_its_own,   child_leaves_the_threads,
    child_calls_itself,       child_ends_its_thread,
};

static void fork_in_callback(void *row)
{
    run_child(*(int *)row, inner_children[*(int *)row]);
    tw_reactor_stop();
}

START_TEST(a_callback_may_fork)
{
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pipe(others), 0);
    tw_call_soon(fork_in_callback, &_i);
    ck_assert_int_eq(tw_reactor_run(), 0);
    reads = fires = 0;
    tw_reactor_add_reader(ends[0], read_one, NULL);
    tw_call_later(0.002, fire_one, NULL);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(reads, 1);
    ck_assert_int_eq(fires, 1);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(others[i]);
    }
}
END_TEST

static tw_value fork_in_body(void *arg)
{
    (void)arg;
    tw_sleep(0);
    run_child(0, child_uninstalls);
    return tw_sleep(0);
}

START_TEST(a_body_may_fork)
{
    tw_value v = tw_block_on(tw_inline_callbacks(fork_in_body, NULL));

    ck_assert(!tw_is_failure(v));
    tw_release(v);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

static void uninstalls(void *arg)
{
    (void)arg;
    tw_reactor_uninstall();
}

static int child_returns(void)
{
    static const struct rlimit none;

    setrlimit(RLIMIT_CORE, &none);
    (tw_call_soon)(uninstalls, NULL);
    tw_reactor_run();
    return 0;
}

START_TEST(whoever_has_left_a_turn_does_not_return_into_it)
{
    pid_t child;
    int status;

    tw_reactor_iterate(0);
    child = fork();
    if (child == 0)
        _exit(child_returns());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- other threads ------------------------------------------------------------------------ */

static tw_reactor *other;
static pthread_barrier_t barrier;

static void *have_reactor(void *arg)
{
    other = tw_reactor_current();
    pthread_barrier_wait(&barrier);
    tw_reactor_run();
    return arg;
}

static int child_calls_the_other(void)
{
    return tw_reactor_call_from_thread(other, just_stop, NULL) == -ESHUTDOWN ? 0 : 1;
}

START_TEST(reactors_of_other_threads_are_gone_in_the_child)
{
    pthread_t thread;

    pthread_barrier_init(&barrier, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, have_reactor, NULL), 0);
    pthread_barrier_wait(&barrier);
    run_child(0, child_calls_the_other);
    ck_assert_int_eq(tw_reactor_call_from_thread(other, just_stop, NULL), 0);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&barrier);
}
END_TEST

static atomic_bool enough;

static void *make_reactors(void *arg)
{
    while (!atomic_load(&enough)) {
        tw_reactor_install(NULL);
        tw_reactor_on_signal(SIGUSR1, NULL, NULL);
        tw_reactor_uninstall();
    }
    return arg;
}

static void ignore_signal(int number, void *arg)
{
    (void)number;
    (void)arg;
}

static int child_makes_one(void)
{
    int r = tw_reactor_install(NULL);

    if (r == 0)
        r = tw_reactor_on_signal(SIGUSR2, ignore_signal, NULL);
    return r == 0 ? tw_reactor_uninstall() : 1;
}

/* A sanitizer's own allocator may be locked by the other thread at the fork. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { FORKS = 0 };
#else
enum { FORKS = 100 };
#endif

/* A lock that the other thread held at the fork would be held in the child for ever. */
START_TEST(a_fork_finds_no_lock_held)
{
    pthread_t thread;

    atomic_store(&enough, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, make_reactors, NULL), 0);
    for (int i = 0; i < FORKS; i++)
        run_child(i, child_makes_one);
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fork");

    TEST_ADD_ROWS(suite, the_parents_reactor_goes_on, children);
    TEST_ADD_ROWS(suite, the_parents_listener_and_bodies_go_on, listening_children);
    TEST_ADD_ROWS(suite, a_listener_may_be_shared, backends);
    TEST_ADD_ROWS(suite, a_callback_may_fork, inner_children);
    TEST_ADD(suite, a_body_may_fork);
    TEST_ADD(suite, whoever_has_left_a_turn_does_not_return_into_it);
    TEST_ADD(suite, reactors_of_other_threads_are_gone_in_the_child);
    TEST_ADD(suite, a_fork_finds_no_lock_held);
    return test_run(suite);
}
