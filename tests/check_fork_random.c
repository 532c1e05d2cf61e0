/* SPDX-License-Identifier: MIT */
/*
 * check_fork_random.c - programs that fork anywhere: in handlers, callbacks, bodies, timers,
 * readers, triggers and threads of a pool.
 *
 * A child ends at once, or leaves the reactor that it inherited and serves a page with one of its
 * own. The parent's program gets all its pages, results, bytes and calls as if it had not forked.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/client.h>
#include <tweed/inline_callbacks.h>
#include <tweed/reactor.h>
#include <tweed/server.h>
#include <tweed/thread.h>

#include "tests/random.h"
#include "tests/test.h"

enum { PROGRAMS = 12, PAGES = 4, JOBS = 3, BODIES = 3, ROUNDS = 2, CALLS = 4, SIGNALS = 1 };
enum { CHILDREN = 10 };
/* All that a program waits for. */
enum { EVENTS = PAGES + JOBS + BODIES + 2 * CALLS + SIGNALS };

static struct {
    tw_site *site;
    tw_listener *listener;
    char url[64];
    int ends[2];
    bool threads;
    int events;
    pid_t children[CHILDREN];
    size_t count;
} world;

/* --- a site ------------------------------------------------------------------------------- */

static int site_open(tw_handler *handler, tw_site **ret_site, tw_listener **ret_listener,
                     char *url, size_t size)
{
    *ret_site = test_given(tw_site_new(NULL));
    if (tw_site_handle(*ret_site, "/", handler, NULL, NULL) != 0 ||
        tw_site_listen(*ret_site, NULL, ret_listener, NULL) != 0)
        return -1;
    snprintf(url, size, "http://127.0.0.1:%u/", tw_listener_port(*ret_listener));
    return 0;
}

static bool is_text(tw_value bytes, const char *text)
{
    return tw_is(bytes, &tw_type_bytes) && strcmp(tw_bytes_data(bytes), text) == 0;
}

/* --- the child ---------------------------------------------------------------------------- */

static tw_value answer_in_child(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_string("the child's");
}

static int child_serves(void)
{
    tw_listener *listener;
    tw_site *site;
    char url[64];
    tw_value page;
    bool right;

    if (tw_reactor_uninstall() != 0 ||
        site_open(answer_in_child, &site, &listener, url, sizeof url) != 0)
        return 1;
    page = tw_block_on(tw_get_page(url));
    right = is_text(page, "the child's");
    tw_release(page);
    tw_listener_close(listener);
    tw_site_unref(site);
    return right && tw_reactor_uninstall() == 0 ? 0 : 1;
}

enum way { AT_ONCE, LEAVES, SERVES, SERVES_TWICE, WAYS };

__attribute__((noreturn)) static void child_goes(enum way way)
{
    int r = 0;

    signal(SIGALRM, SIG_DFL); /* the runner would kill its process group */
    alarm(30);
    if (way == LEAVES)
        r = tw_reactor_uninstall();
    if (way >= SERVES)
        r = child_serves();
    if (way == SERVES_TWICE && r == 0)
        r = child_serves();
    _exit(r == 0 ? 0 : 1);
}

/* A sanitizer's allocator may be locked by another thread at the fork; then nothing may be
 * allocated in the child. */
static enum way draw_way(bool in_body)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    if (world.threads)
        return AT_ONCE;
#endif
    return (enum way)draw(in_body ? SERVES : WAYS);
}

static void maybe_fork_in(bool in_body)
{
    enum way way = draw_way(in_body);
    pid_t child;

    if (world.count == CHILDREN || !one_in(3))
        return;
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        child_goes(way);
    world.children[world.count++] = child;
}

static void maybe_fork(void)
{
    maybe_fork_in(false);
}

static void end_children(void)
{
    for (size_t i = 0; i < world.count; i++) {
        int status;

        ck_assert_int_eq(waitpid(world.children[i], &status, 0), world.children[i]);
        ck_assert_msg(status == 0, "child %zu: %x", i, (unsigned)status);
    }
}

/* --- the parent --------------------------------------------------------------------------- */

static void count_event(void)
{
    if (++world.events == EVENTS)
        tw_reactor_stop();
}

static tw_value in_thread(void *arg)
{
    intptr_t number = (intptr_t)arg;
    int status = 0;

    if (number % 2 == 0) {
        pid_t child = fork();
        if (child == 0)
            child_goes(AT_ONCE);
        waitpid(child, &status, 0);
    }
    return tw_integer(status == 0 ? number * number : -1);
}

static tw_value page_of(tw_value number, void *arg)
{
    (void)arg;
    maybe_fork();
    return tw_integer_of(number) == 16 ? tw_string("the parent's") : tw_retain(number);
}

static tw_value answer(tw_request *request, void *arg)
{
    tw_deferred *later;

    (void)request;
    (void)arg;
    maybe_fork();
    if (!world.threads || one_in(2))
        return tw_string("the parent's");
    later = tw_defer_to_thread(in_thread, (void *)4);
    tw_add_callback(later, page_of, NULL);
    return tw_wait(later);
}

static tw_value got_page(tw_value page, void *arg)
{
    (void)arg;
    ck_assert(is_text(page, "the parent's"));
    maybe_fork();
    count_event();
    return tw_none();
}

static tw_value job_done(tw_value result, void *number)
{
    ck_assert_int_eq(tw_integer_of(result), (intptr_t)number * (intptr_t)number);
    maybe_fork();
    count_event();
    return tw_none();
}

static tw_value body(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        tw_sleep(0.001 * draw(4));
        maybe_fork_in(true);
        ck_assert(is_text(tw_await(tw_get_page(world.url)), "the parent's"));
        maybe_fork_in(true);
    }
    count_event();
    return tw_pointer(arg);
}

static void read_one(int fd, void *arg)
{
    char byte;

    (void)arg;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    maybe_fork();
    count_event();
}

static void timed(void *arg)
{
    (void)arg;
    maybe_fork();
    ck_assert_int_eq(write(world.ends[1], "x", 1), 1);
    count_event();
}

static void signalled(int number, void *arg)
{
    (void)number;
    (void)arg;
    maybe_fork();
    count_event();
}

static void raise_signal(void *arg)
{
    (void)arg;
    raise(SIGUSR1);
}

static tw_value stopping(void *arg)
{
    (void)arg;
    maybe_fork();
    return tw_none();
}

static void start_all(void)
{
    for (int i = 0; i < PAGES; i++) {
        tw_deferred *page = tw_get_page(world.url);
        tw_add_callback(page, got_page, NULL);
        tw_deferred_unref(page);
    }
    for (intptr_t i = 0; i < JOBS; i++) {
        tw_deferred *job = world.threads ? tw_defer_to_thread(in_thread, (void *)i)
                                         : tw_succeed(tw_integer(i * i));
        tw_add_callback(job, job_done, (void *)i);
        tw_deferred_unref(job);
    }
    for (int i = 0; i < BODIES; i++)
        tw_deferred_unref(tw_inline_callbacks(body, NULL));
    for (int i = 0; i < CALLS; i++)
        (tw_call_later)(0.001 * draw(10), timed, NULL);
    (tw_call_later)(0.001 * draw(10), raise_signal, NULL);
}

static void run_program(void)
{
    memset(&world, 0, sizeof world);
    world.threads = one_in(2);
    ck_assert_int_eq(pipe(world.ends), 0);
    ck_assert_int_eq(
        site_open(answer, &world.site, &world.listener, world.url, sizeof world.url), 0);
    ck_assert_int_eq(tw_reactor_add_reader(world.ends[0], read_one, NULL), 0);
    ck_assert_int_eq(tw_reactor_on_signal(SIGUSR1, signalled, NULL), 0);
    tw_reactor_add_trigger(TW_BEFORE, "shutdown", stopping, NULL);
    start_all();
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_int_eq(world.events, EVENTS);
    end_children();
    tw_listener_close(world.listener);
    tw_site_unref(world.site);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    close(world.ends[0]);
    close(world.ends[1]);
}

START_TEST(the_parent_gets_all_as_if_it_had_not_forked)
{
    random_programs(run_program, PROGRAMS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fork random");

    TEST_ADD(suite, the_parent_gets_all_as_if_it_had_not_forked);
    return test_run(suite);
}
