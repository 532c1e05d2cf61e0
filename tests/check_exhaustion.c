/* SPDX-License-Identifier: MIT */
/*
 * check_exhaustion.c - no descriptor, buffer or memory at each step of the way to a connection.
 *
 * The program's own socket(), open() and so on stand before the system's and fail on demand.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <tweed/client.h>
#include <tweed/reactor.h>
#include <tweed/resolver.h>
#include <tweed/server.h>
#include <tweed/task.h>
#include <tweed/tcp.h>
#include <tweed/tls.h>
#include <unistd.h>

#include "base/posix.h"
#include "net/dns/dns_channel.h"
#include "net/dns/resolver.h"
#include "tests/certificates.h"
#include "tests/dns_server.h"
#include "tests/recorder.h"
#include "tests/test.h"

/* --- calls that fail ----------------------------------------------------------------------- */

static struct {
    const char *call;
    const char *path; /* of open() and fopen(): only this one */
    int error;
    int type; /* of socket(): only such; 0: any */
    int left; /* how many times more */
    int failed;
} fault;

static void fault_plan(const char *call, int error, int times)
{
    memset(&fault, 0, sizeof fault);
    fault.call = call;
    fault.error = error;
    fault.left = times;
}

static void fault_clear(void)
{
    fault.left = 0;
}

static bool fault_strikes(const char *call)
{
    if (fault.left == 0 || strcmp(fault.call, call) != 0)
        return false;
    fault.left--;
    fault.failed++;
    errno = fault.error;
    return true;
}

#define EXPORT __attribute__((visibility("default"))) /* OpenSSL calls fopen(), too */
#define REAL(name_) \
    static __typeof__(&name_) real; \
    if (real == NULL) \
    *(void **)&real = dlsym(RTLD_NEXT, #name_)

EXPORT int socket(int family, int type, int protocol)
{
    REAL(socket);
    if ((fault.type == 0 || (type & fault.type) == fault.type) && fault_strikes("socket"))
        return -1;
    return real(family, type, protocol);
}

EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    REAL(connect);
    return fault_strikes("connect") ? -1 : real(fd, address, length);
}

EXPORT int accept(int fd, struct sockaddr *address, socklen_t *length)
{
    REAL(accept);
    return fault_strikes("accept") ? -1 : real(fd, address, length);
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    REAL(accept4);
    return fault_strikes("accept") ? -1 : real(fd, address, length, flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    return fault_strikes("sendmsg") ? -1 : real(fd, message, flags);
}

EXPORT int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    REAL(epoll_ctl);
    if (operation == EPOLL_CTL_ADD && fault_strikes("epoll_ctl"))
        return -1;
    return real(epoll, operation, fd, event);
}

EXPORT int open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    REAL(open);
    if ((flags & O_CREAT) != 0) {
        va_list arguments;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (fault.path != NULL && strcmp(path, fault.path) == 0 && fault_strikes("open"))
        return -1;
    return real(path, flags, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
    REAL(fopen);
    if (fault.path != NULL && strcmp(path, fault.path) == 0 && fault_strikes("fopen"))
        return NULL;
    return real(path, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
    REAL(fopen64);
    if (fault.path != NULL && strcmp(path, fault.path) == 0 && fault_strikes("fopen"))
        return NULL;
    return real(path, mode);
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* --- connecting ---------------------------------------------------------------------------- */

static const struct {
    const char *call;
    int error;
} connect_rows[] = {
    { "socket", EMFILE },    { "socket", ENFILE },   { "socket", ENOBUFS },
    { "socket", ENOMEM },    { "connect", ENOBUFS }, { "connect", ENOMEM },
    { "epoll_ctl", ENOSPC }, { "epoll_ctl", ENOMEM },
};

static struct record client, accepted;
static tw_listener *listener;

static void listen_here(void)
{
    struct tw_listen_options options = { .address = "127.0.0.1" };
    tw_factory *factory;

    memset(&client, 0, sizeof client);
    memset(&accepted, 0, sizeof accepted);
    factory = recorder_factory(&accepted);
    ck_assert_int_eq(tw_listen(&options, factory, &listener, NULL), 0);
    tw_factory_unref(factory);
}

static tw_deferred *dial(void)
{
    return tw_connect("127.0.0.1", tw_listener_port(listener), NULL,
                      recorder_new(&recorder_class, &client));
}

static void hang_up(void)
{
    double deadline = test_deadline();

    if (client.protocol != NULL)
        tw_transport_abort(client.protocol->transport);
    while ((client.protocol != NULL || accepted.protocol != NULL) && test_before(deadline))
        tw_reactor_iterate(0.1);
    record_free(&client);
    record_free(&accepted);
    memset(&client, 0, sizeof client);
    memset(&accepted, 0, sizeof accepted);
}

/* The end of the reactor may be the end of a connection, too. */
static void listen_no_more(void)
{
    tw_listener_close(listener);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    record_free(&client);
    record_free(&accepted);
}

static void expect_connected(void)
{
    tw_value result = tw_block_on(dial());
    double deadline = test_deadline();

    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    while (accepted.protocol == NULL && test_before(deadline))
        tw_reactor_iterate(0.1);
    ck_assert_ptr_nonnull(accepted.protocol);
    hang_up();
}

START_TEST(connecting_says_what_there_was_none_of)
{
    unsigned descriptors;
    tw_value result;

    listen_here();
    expect_connected();
    descriptors = count_descriptors();
    fault_plan(connect_rows[_i].call, connect_rows[_i].error, 1);
    result = tw_block_on(dial());
    fault_clear();
    if (fault.failed > 0) { /* not every back end has the call */
        bool memory = tw_failure_is(result, &tw_error_memory);

        ck_assert_msg(memory || tw_failure_is(result, &tw_error_connect), "%s",
                      tw_failure_message(result));
        ck_assert(memory || tw_failure_number(result) == connect_rows[_i].error);
        ck_assert_ptr_null(client.protocol);
    }
    tw_release(result);
    hang_up();
    ck_assert_uint_eq(count_descriptors(), descriptors);
    expect_connected();
    listen_no_more();
}
END_TEST

static const int accept_rows[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR };

START_TEST(a_listener_goes_on_when_there_is_some_again)
{
    listen_here();
    fault_plan("accept", accept_rows[_i], 3);
    expect_connected();
    ck_assert_int_gt(fault.failed, 0);
    fault_clear();
    expect_connected();
    listen_no_more();
}
END_TEST

/* --- names --------------------------------------------------------------------------------- */

static void answer_question(const struct message *question, const struct sockaddr_in *to)
{
    struct message answer;

    message_begin(&answer, question, 0);
    if (server.type == TYPE_A)
        put_ipv4(&answer, 60, "127.0.0.1");
    send_to(&answer, to);
}

static char hosts[] = "/tmp/tweed-hosts-XXXXXX";

static void begin_names(void)
{
    static const char text[] = "192.0.2.7 Known.test\n";
    int fd;

    memcpy(hosts + sizeof hosts - 7, "XXXXXX", 6);
    fd = mkstemp(hosts);
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    server.answer = answer_question;
    server_start();
    twi_resolver_set_hosts(hosts);
}

static void end_names(void)
{
    server_stop();
    unlink(hosts);
}

static const struct {
    const char *call, *path;
    int error, number; /* number: of getaddrinfo(3) */
} name_rows[] = {
    { "socket", NULL, EMFILE, EAI_SYSTEM },
    { "socket", NULL, ENFILE, EAI_SYSTEM },
    { "socket", NULL, ENOBUFS, EAI_SYSTEM },
    { "socket", NULL, ENOMEM, 0 },
    { "connect", NULL, ENOBUFS, EAI_AGAIN },
    { "sendmsg", NULL, ENOBUFS, EAI_AGAIN },
    { "open", hosts, EMFILE, EAI_SYSTEM },
    { "open", hosts, ENFILE, EAI_SYSTEM },
    { "open", hosts, ENOMEM, 0 },
};

/* A name that only failed for want of something is asked again by the next who wants it. */
START_TEST(a_lookup_says_what_there_was_none_of)
{
    tw_value result;

    begin_names();
    fault_plan(name_rows[_i].call, name_rows[_i].error, 1000);
    fault.path = name_rows[_i].path;
    result = tw_block_on(tw_resolve("a.test", 80));
    fault_clear();
    ck_assert_int_gt(fault.failed, 0);
    if (name_rows[_i].number == 0) {
        ck_assert(tw_failure_is(result, &tw_error_memory));
    } else {
        ck_assert_msg(tw_failure_is(result, &tw_error_dns), "%s", tw_failure_message(result));
        ck_assert_int_eq(tw_failure_number(result), name_rows[_i].number);
    }
    if (name_rows[_i].number == EAI_SYSTEM) {
        ck_assert(tw_failure_is(tw_failure_cause(result), &tw_error_system));
        ck_assert_int_eq(tw_failure_number(tw_failure_cause(result)), name_rows[_i].error);
        ck_assert_ptr_nonnull(
            strstr(tw_failure_message(result), strerror(name_rows[_i].error)));
    }
    tw_release(result);
    if (name_rows[_i].number == EAI_AGAIN)
        tw_resolver_flush();
    result = tw_block_on(tw_resolve("a.test", 80));
    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    tw_release(result);
    end_names();
}
END_TEST

START_TEST(a_hosts_file_that_cannot_be_read_again_is_as_it_was)
{
    tw_value result;

    begin_names();
    tw_release(tw_block_on(tw_resolve("known.test", 80)));
    fault_plan("open", EMFILE, 1000);
    fault.path = hosts;
    for (int i = 0; i < 12; i++) /* it is looked at once a second */
        tw_reactor_iterate(0.1);
    result = tw_block_on(tw_resolve("KNOWN.test", 80));
    fault_clear();
    ck_assert_uint_eq(tw_list_length(result), 1);
    ck_assert_uint_eq(server.questions, 0);
    tw_release(result);
    end_names();
}
END_TEST

static void heard(void *arg, const char *name, unsigned code)
{
    (void)arg;
    (void)name;
    (void)code;
}

static void visited(void *arg)
{
    (void)arg;
}

static int open_channel(const char *conf, struct twi_dns_channel **ret_channel)
{
    struct twi_dns_hooks hooks = { heard, visited, NULL };
    struct twi_dns_options options = { .conf = conf };

    return twi_dns_channel_new(&options, &hooks, ret_channel);
}

/* Else this machine would be asked for all names from then on. */
START_TEST(servers_that_cannot_be_read_now_are_no_servers)
{
    struct twi_dns_channel *channel;

    fault_plan("open", EMFILE, 1000);
    fault.path = "/etc/resolv.conf";
    ck_assert_int_eq(open_channel(NULL, &channel), -EMFILE);
    fault_clear();
}
END_TEST

/* --- TLS ----------------------------------------------------------------------------------- */

static const char *const tls_files[] = { "ca", "identity" };

START_TEST(a_context_says_which_file_could_not_be_opened)
{
    struct tw_tls_options options = { .ca_file = test_ca_file() };
    tw_tls_context *context = NULL;
    tw_value result;

    fault_plan("fopen", EMFILE, 1000);
    fault.path = options.ca_file;
    if (_i == 1) {
        options = (struct tw_tls_options){ .server = true, .cert_file = test_leaf_file() };
        fault.path = options.cert_file;
    }
    result = tw_tls_context_new(&options, &context);
    fault_clear();
    ck_assert_int_gt(fault.failed, 0);
    ck_assert_msg(tw_failure_is(result, &tw_error_tls), "%s", tls_files[_i]);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(result), fault.path));
    ck_assert_ptr_null(context);
    tw_release(result);
    ck_assert(!tw_is_failure(tw_tls_context_new(&options, &context)));
    tw_tls_context_unref(context);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- requests ------------------------------------------------------------------------------ */

static tw_value a_moment_later(void *arg)
{
    (void)arg;
    fault_clear();
    return tw_string("late");
}

static tw_value answer_late(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_wait(tw_defer_later(NULL, 0.3, a_moment_later, NULL));
}

static const struct {
    int type;
} request_rows[] = { { SOCK_DGRAM }, { SOCK_STREAM } };

/* The first holds what the second needs; looking its name up takes a descriptor, too. */
START_TEST(a_request_waits_for_a_descriptor)
{
    struct tw_listen_options listen = { .address = "127.0.0.1" };
    struct tw_agent_options options = { .proxy = "" };
    struct tw_fetch_options limits = { .timeout = 12 * test_patience() };
    tw_agent *agent;
    tw_site *site = test_given(tw_site_new(NULL));
    tw_deferred *first, *second;
    char url[64];
    tw_value result;

    begin_names();
    agent = test_given(tw_agent_new(&options));
    ck_assert_int_eq(tw_site_handle(site, "/", answer_late, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_listen(site, &listen, &listener, NULL), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", tw_listener_port(listener));
    first = tw_agent_request(agent, url, &limits);
    for (int i = 0; i < 4; i++)
        tw_reactor_iterate(0.02);
    fault_plan("socket", EMFILE, 1000);
    fault.type = request_rows[_i].type;
    snprintf(url, sizeof url, "http://b.test:%u/", tw_listener_port(listener));
    second = tw_agent_request(agent, url, &limits);
    result = tw_block_on(first);
    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    tw_release(result);
    ck_assert_int_gt(fault.failed, 0);
    result = tw_block_on(second);
    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    ck_assert_str_eq(tw_bytes_data(tw_response_body(result)), "late");
    tw_release(result);
    tw_agent_unref(agent);
    tw_listener_close(listener);
    tw_site_unref(site);
    end_names();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exhaustion");

    TEST_ADD_ROWS(suite, connecting_says_what_there_was_none_of, connect_rows);
    TEST_ADD_ROWS(suite, a_listener_goes_on_when_there_is_some_again, accept_rows);
    TEST_ADD_ROWS(suite, a_lookup_says_what_there_was_none_of, name_rows);
    TEST_ADD(suite, a_hosts_file_that_cannot_be_read_again_is_as_it_was);
    TEST_ADD(suite, servers_that_cannot_be_read_now_are_no_servers);
    TEST_ADD_ROWS(suite, a_context_says_which_file_could_not_be_opened, tls_files);
    TEST_ADD_ROWS(suite, a_request_waits_for_a_descriptor, request_rows);
    return test_run(suite);
}
