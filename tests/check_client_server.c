/* SPDX-License-Identifier: MIT */
/*
 * check_client_server.c - tweed's client and tweed's server over real sockets, on each back end.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/deferred_list.h>
#include <tweed/server.h>

#include "tests/certificates.h"
#include "tests/client_peer.h"
#include "tests/test.h"

enum { MANY = 100, BIG = 3000000 };

static const char *const backends[] = { "epoll", "poll", "select" };

static tw_site *site;
static tw_listener *listener;
static tw_tls_context *trust, *identity;
static char url[80];

static tw_value answer_hi(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_string("hi");
}

static tw_value answer_big(tw_request *request, void *arg)
{
    char *data;
    tw_value body = tw_bytes_new(BIG, &data);

    (void)request;
    (void)arg;
    if (data != NULL)
        memset(data, 'x', BIG);
    return body;
}

static tw_value answer_echo(tw_request *request, void *arg)
{
    (void)arg;
    return tw_retain(tw_request_body(request));
}

static void start(const char *backend, bool tls)
{
    struct tw_reactor_options reactor = { .backend = backend, .no_signal_handlers = true };
    struct tw_agent_options agent = { .proxy = "" };
    struct tw_site_options limits = { .max_body = BIG };
    struct tw_listen_options listen = { .address = "127.0.0.1" };

    ck_assert_int_eq(tw_reactor_install(&reactor), 0);
    if (tls) {
        ck_assert(!tw_is_failure(tw_tls_context_new(
            &(struct tw_tls_options){ .ca_file = test_ca_file() }, &trust)));
        ck_assert(!tw_is_failure(tw_tls_context_new(
            &(struct tw_tls_options){ .server = true, .cert_file = test_leaf_file() },
            &identity)));
    }
    listen.tls = identity;
    agent.tls = trust;
    site = test_given(tw_site_new(&limits));
    ck_assert_int_eq(tw_site_handle(site, "/hi", answer_hi, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/big", answer_big, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/echo", answer_echo, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_listen(site, &listen, &listener, NULL), 0);
    client_agent = tw_agent_new(&agent);
    ck_assert_ptr_nonnull(client_agent);
}

static void stop(void)
{
    tw_agent_unref(client_agent);
    tw_listener_close(listener);
    tw_site_unref(site);
    tw_tls_context_unref(trust);
    tw_tls_context_unref(identity);
    trust = identity = NULL;
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}

static const char *url_of(const char *path)
{
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", trust != NULL ? "https" : "http",
             tw_listener_port(listener), path);
    return url;
}

/* Connections that are never accepted are waited for no longer than this. */
static tw_deferred *ask(const char *to, const struct tw_fetch_options *options)
{
    struct tw_fetch_options limited = { 0 };

    if (options != NULL)
        limited = *options;
    limited.timeout = 12 * test_patience();
    return tw_agent_request(client_agent, to, &limited);
}

/* A row for each back end, plain and TLS. */
static const char *backend_of(int row)
{
    return backends[row % 3];
}

START_TEST(many_pages_come_at_once)
{
    struct tw_agent_counts counts;
    tw_deferred *pages[MANY];
    tw_value results;

    start(backend_of(_i), _i >= 3);
    for (int i = 0; i < MANY; i++)
        pages[i] = ask(url_of("/hi"), NULL);
    results = tw_block_on(tw_gather(pages, MANY));
    ck_assert_msg(!tw_is_failure(results), "%s", tw_failure_message(results));
    for (size_t i = 0; i < MANY; i++)
        ck_assert_str_eq(tw_bytes_data(tw_response_body(tw_list_at(results, i))), "hi");
    tw_release(results);
    counts = tw_agent_counts(client_agent);
    ck_assert_uint_eq(counts.requests, MANY);
    ck_assert_uint_le(counts.connects, 100);
    stop();
}
END_TEST

START_TEST(a_big_page_comes_whole)
{
    tw_value page;

    start(backend_of(_i), _i >= 3);
    page = tw_block_on(ask(url_of("/big"), NULL));
    ck_assert_msg(!tw_is_failure(page), "%s", tw_failure_message(page));
    ck_assert_uint_eq(tw_bytes_length(tw_response_body(page)), BIG);
    ck_assert_uint_eq(strspn(tw_bytes_data(tw_response_body(page)), "x"), BIG);
    tw_release(page);
    stop();
}
END_TEST

static size_t left;

static int64_t read_source(tw_upload *upload, char *data, size_t size, void *arg)
{
    (void)upload, (void)arg;
    if (size > left)
        size = left;
    memset(data, 'y', size);
    left -= size;
    return (int64_t)size;
}

START_TEST(a_big_body_comes_back)
{
    struct tw_body_source source = { .length = -1, .read = read_source };
    struct tw_fetch_options options = { .method = "POST", .body_source = &source };
    tw_value page;

    start(backend_of(_i), _i >= 3);
    left = BIG;
    page = tw_block_on(ask(url_of("/echo"), &options));
    ck_assert_msg(!tw_is_failure(page), "%s", tw_failure_message(page));
    ck_assert_uint_eq(tw_bytes_length(tw_response_body(page)), BIG);
    ck_assert_uint_eq(strspn(tw_bytes_data(tw_response_body(page)), "y"), BIG);
    tw_release(page);
    stop();
}
END_TEST

START_TEST(a_name_that_leads_home_is_refused)
{
    struct tw_agent_options options = { .proxy = "", .refuse_private = true };
    char by_name[80];
    tw_value page;

    start("epoll", false);
    snprintf(by_name, sizeof by_name, "http://localhost:%u/hi", tw_listener_port(listener));
    page = tw_block_on(ask(by_name, NULL));
    ck_assert_int_eq(tw_response_status(page), 200);
    ck_assert_double_ge(tw_response_times(page).connected, tw_response_times(page).resolved);
    tw_release(page);
    tw_agent_unref(client_agent);
    client_agent = test_given(tw_agent_new(&options));
    page = tw_block_on(ask(by_name, NULL));
    ck_assert(tw_failure_is(page, &tw_error_connect));
    ck_assert_uint_eq(tw_agent_counts(client_agent).connects, 0);
    tw_release(page);
    stop();
}
END_TEST

/* --- few descriptors ----------------------------------------------------------------------- */

static pid_t server;

/* In a process of its own, which has descriptors of its own. */
static void serve_elsewhere(void)
{
    unsigned port;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        start("epoll", false);
        port = tw_listener_port(listener);
        if (write(ends[1], &port, sizeof port) == sizeof port)
            tw_reactor_run();
        _exit(0);
    }
    ck_assert_int_eq(read(ends[0], &port, sizeof port), sizeof port);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_eq(
        tw_reactor_install(&(struct tw_reactor_options){ .no_signal_handlers = true }), 0);
    client_agent = test_given(tw_agent_new(&(struct tw_agent_options){ .proxy = "" }));
    snprintf(url, sizeof url, "http://127.0.0.1:%u/hi", port);
}

static void stop_elsewhere(void)
{
    tw_agent_unref(client_agent);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

/* From now on so many descriptors more. */
static struct rlimit leave_descriptors(int count)
{
    struct rlimit before, limit;
    int lowest = dup(STDERR_FILENO);

    close(lowest);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)(lowest + count);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

START_TEST(concurrency_sinks_to_the_descriptors_there_are)
{
    enum { FEW = 6 };
    struct rlimit before;
    tw_deferred *pages[MANY];
    tw_value results;

    serve_elsewhere();
    before = leave_descriptors(FEW);
    for (int i = 0; i < MANY; i++)
        pages[i] = ask(url, NULL);
    results = tw_block_on(tw_gather(pages, MANY));
    ck_assert_msg(!tw_is_failure(results), "%s", tw_failure_message(results));
    for (size_t i = 0; i < MANY; i++)
        ck_assert_str_eq(tw_bytes_data(tw_response_body(tw_list_at(results, i))), "hi");
    ck_assert_uint_le(tw_agent_counts(client_agent).connects, FEW);
    tw_release(results);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    stop_elsewhere();
}
END_TEST

START_TEST(without_any_descriptor_a_request_says_so)
{
    struct rlimit before;
    tw_value page;

    serve_elsewhere();
    before = leave_descriptors(0);
    for (int i = 0; i < 2; i++) {
        page = tw_block_on(ask(url, NULL));
        ck_assert(tw_failure_is(page, &tw_error_connect));
        ck_assert_int_eq(tw_failure_number(page), EMFILE);
        tw_release(page);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    page = tw_block_on(ask(url, NULL));
    ck_assert_int_eq(tw_response_status(page), 200);
    tw_release(page);
    stop_elsewhere();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client and server");
    static const int rows[6];

    test_spare_openssl();
    TEST_ADD_ROWS(suite, many_pages_come_at_once, rows);
    TEST_ADD_ROWS(suite, a_big_page_comes_whole, rows);
    TEST_ADD_ROWS(suite, a_big_body_comes_back, rows);
    TEST_ADD(suite, a_name_that_leads_home_is_refused);
    TEST_ADD(suite, concurrency_sinks_to_the_descriptors_there_are);
    TEST_ADD(suite, without_any_descriptor_a_request_says_so);
    return test_run(suite);
}
