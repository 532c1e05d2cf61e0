/* SPDX-License-Identifier: MIT */
/*
 * check_connect.c - tw_connect(): names, many addresses, timeouts and cancels, over real sockets.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <tweed/reactor.h>
#include <tweed/resolver.h>
#include <tweed/tcp.h>
#include <unistd.h>

#include "net/dns/resolver.h"
#include "net/transport/transport.h"
#include "tests/certificates.h"
#include "tests/recorder.h"
#include "tests/test.h"

static struct record client, server;
static tw_listener *listener;
static unsigned port;

/* Listens on 127.0.0.2, so that 127.0.0.1 refuses. */
static void begin_with(tw_tls_context *tls)
{
    struct tw_listen_options options = { .address = "127.0.0.2", .tls = tls };
    tw_factory *factory;

    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    factory = recorder_factory(&server);
    ck_assert_int_eq(tw_listen(&options, factory, &listener, NULL), 0);
    tw_factory_unref(factory);
    port = tw_listener_port(listener);
    twi_resolver_set_hosts("/dev/null");
}

static void begin(void)
{
    begin_with(NULL);
}

static void end(void)
{
    if (client.protocol != NULL)
        tw_transport_lose(client.protocol->transport);
    for (int i = 0; i < 50 && twi_transport_count() > 0; i++)
        tw_reactor_iterate(0.1);
    tw_listener_close(listener);
    ck_assert_uint_eq(twi_transport_count(), 0);
    ck_assert_uint_eq(tw_clock_pending(tw_reactor_clock()), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    record_free(&client);
    record_free(&server);
    twi_resolver_set_hosts("/etc/hosts");
}

static tw_deferred *dial(const char *host, const struct tw_connect_options *options)
{
    return tw_connect(host, port, options, recorder_new(&recorder_class, &client));
}

static void expect_connected(const char *host, const struct tw_connect_options *options)
{
    tw_value result = tw_block_on(dial(host, options));

    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    ck_assert_ptr_eq(tw_pointer_of(result), client.protocol);
    ck_assert_str_eq(record_text(&client), "made");
}

static tw_value expect_failed(tw_deferred *deferred, const tw_error_class *error_class)
{
    tw_value result = tw_block_on(deferred);

    ck_assert_msg(tw_failure_class(result) == error_class, "%s: %s",
                  tw_failure_class(result)->name, tw_failure_message(result));
    ck_assert_str_eq(record_text(&client), "released");
    return result;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* --- where to ------------------------------------------------------------------------------ */

static const struct {
    const char *host, *override;
} reachable[] = {
    { "127.0.0.2", NULL },
    { "a.test", "127.0.0.2" },
    { "A.TEST.", "127.0.0.2" },
    { "a.test", "127.0.0.1,127.0.0.2" }, /* refused, then at once the next */
    { "a.test", "127.0.0.1,127.0.0.3,127.0.0.4,127.0.0.2" },
    { "a.test", "::1,127.0.0.2" },
};

START_TEST(a_host_is_reached)
{
    struct timespec before, after;
    char text[80];

    begin();
    if (reachable[_i].override != NULL)
        ck_assert_int_eq(tw_resolver_override("a.test", port, reachable[_i].override), 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    expect_connected(reachable[_i].host, &(struct tw_connect_options){ .attempt_delay = 20 });
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 10);
    tw_transport_peer(client.protocol->transport, text, sizeof text);
    ck_assert_int_eq(strncmp(text, "127.0.0.2:", 10), 0);
    end();
}
END_TEST

START_TEST(a_local_address_is_bound)
{
    char text[80];

    begin();
    expect_connected("127.0.0.2",
                     &(struct tw_connect_options){ .local_address = "127.0.0.9" });
    tw_transport_local(client.protocol->transport, text, sizeof text);
    ck_assert_int_eq(strncmp(text, "127.0.0.9:", 10), 0);
    end();
}
END_TEST

static const char *const unix_paths[] = { "unix:/tmp/tweed-connect-%d",
                                          "unix:@tweed-connect-%d" };

START_TEST(a_unix_socket_is_reached)
{
    struct tw_listen_options options = { 0 };
    char path[64];
    tw_factory *factory;
    tw_listener *local;

    begin();
    snprintf(path, sizeof path, unix_paths[_i], (int)getpid());
    options.address = path;
    factory = recorder_factory(&server);
    ck_assert_int_eq(tw_listen(&options, factory, &local, NULL), 0);
    tw_factory_unref(factory);
    port = 0;
    expect_connected(path, NULL);
    tw_listener_close(local);
    ck_assert_int_ne(access(path + 5, F_OK), 0);
    tw_release(tw_block_on(tw_connect(path, 0, NULL, tw_protocol_new(&recorder_class))));
    end();
}
END_TEST

/* --- what cannot be ------------------------------------------------------------------------ */

static const struct {
    const char *when, *host;
    int port; /* -1: the listener's */
    struct tw_connect_options options;
    const tw_error_class *error_class;
} hopeless[] = {
    { "refused", "127.0.0.1", -1, { .timeout = 0 }, &tw_error_connect_refused },
    { "no host", "", -1, { .timeout = 0 }, &tw_error_url },
    { "no host at all", NULL, -1, { .timeout = 0 }, &tw_error_url },
    { "no port", "127.0.0.1", 0, { .timeout = 0 }, &tw_error_url },
    { "a port too high", "127.0.0.1", 65536, { .timeout = 0 }, &tw_error_url },
    { "no name", "a test", -1, { .timeout = 0 }, &tw_error_url },
    { "a bracket too much", "[::1", -1, { .timeout = 0 }, &tw_error_url },
    { "a negative timeout", "127.0.0.1", -1, { .timeout = -1 }, &tw_error_url },
    { "a local address of no kind",
      "127.0.0.2",
      -1,
      { .local_address = "x" },
      &tw_error_connect_bind },
    { "a local address of the other family",
      "127.0.0.2",
      -1,
      { .local_address = "::1" },
      &tw_error_connect_bind },
    { "a local address that is not ours",
      "127.0.0.2",
      -1,
      { .local_address = "192.0.2.1" },
      &tw_error_connect_bind },
    { "no path", "unix:", 0, { .timeout = 0 }, &tw_error_url },
    { "no such path", "unix:/nonexistent/socket", 0, { .timeout = 0 }, &tw_error_connect },
    { "too long a path",
      "unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
      "01234567890123456789012345678901234567890123456789",
      0,
      { .timeout = 0 },
      &tw_error_url },
};

START_TEST(a_failure_has_its_class)
{
    unsigned to;

    begin();
    to = hopeless[_i].port < 0 ? port : (unsigned)hopeless[_i].port;
    tw_release(expect_failed(tw_connect(hopeless[_i].host, to, &hopeless[_i].options,
                                        recorder_new(&recorder_class, &client)),
                             hopeless[_i].error_class));
    end();
}
END_TEST

START_TEST(all_that_failed_are_in_the_causes)
{
    tw_value failure, cause;
    int depth = 1;

    begin();
    tw_resolver_override("a.test", 0, "127.0.0.1,127.0.0.3,127.0.0.4");
    failure = expect_failed(dial("a.test", NULL), &tw_error_connect_refused);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "127.0.0.4"));
    ck_assert_int_eq(tw_failure_number(failure), ECONNREFUSED);
    ck_assert_str_eq(tw_failure_word(failure), "connect");
    for (cause = tw_failure_cause(failure); !tw_is_none(cause);
         cause = tw_failure_cause(cause))
        depth++;
    ck_assert_int_eq(depth, 3);
    tw_release(failure);
    end();
}
END_TEST

START_TEST(without_descriptors_it_is_a_failure)
{
    struct rlimit before, none;
    tw_value failure;

    begin();
    expect_connected("127.0.0.2", NULL);
    tw_transport_abort(client.protocol->transport);
    tw_reactor_iterate(0);
    record_free(&client);
    memset(&client, 0, sizeof client);
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    failure = tw_block_on(dial("127.0.0.2", NULL));
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert(tw_failure_is(failure, &tw_error_connect));
    ck_assert_int_eq(tw_failure_number(failure), EMFILE);
    tw_release(failure);
    end();
}
END_TEST

/* --- a host that does not answer ----------------------------------------------------------- */

static int deaf, callers[16];

/* A socket whose queue of connections is full: the next one gets no answer. */
static bool deaf_start(const char *literal)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    bool full = false;

    inet_pton(AF_INET, literal, &address.sin_addr);
    deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(deaf, (struct sockaddr *)&address, sizeof address), 0);
    listen(deaf, 0);
    for (int i = 0; i < 16; i++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        struct timespec moment = { .tv_nsec = 1000000 };

        callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(callers[i], (struct sockaddr *)&address, sizeof address);
        nanosleep(&moment, NULL);
        full = full || getpeername(callers[i], (struct sockaddr *)&peer, &size) < 0;
    }
    return full;
}

static void deaf_stop(void)
{
    close(deaf);
    for (int i = 0; i < 16; i++)
        close(callers[i]);
}

START_TEST(the_next_address_is_tried_after_a_delay)
{
    unsigned descriptors;

    begin();
    if (deaf_start("127.0.0.5")) {
        tw_resolver_override("a.test", 0, "127.0.0.5,127.0.0.2,127.0.0.1");
        descriptors = count_descriptors();
        expect_connected("a.test",
                         &(struct tw_connect_options){ .attempt_delay = 0.01, .timeout = 5 });
        tw_reactor_iterate(0);
        ck_assert_uint_le(count_descriptors(), descriptors + 2); /* both ends, no loser */
    }
    deaf_stop();
    end();
}
END_TEST

START_TEST(the_timeout_is_for_everything)
{
    struct tw_connect_options options = { .timeout = 0.05, .attempt_delay = 0.001 };
    tw_value failure;

    begin();
    if (deaf_start("127.0.0.5")) {
        tw_resolver_override("a.test", 0, "127.0.0.1,127.0.0.5");
        failure = expect_failed(dial("a.test", &options), &tw_error_connect_timeout);
        ck_assert_str_eq(tw_failure_word(failure), "timeout");
        ck_assert(tw_failure_has(failure, &tw_error_connect_refused));
        tw_release(failure);
    }
    deaf_stop();
    end();
}
END_TEST

START_TEST(a_cancel_drops_every_attempt)
{
    struct tw_connect_options options = { .attempt_delay = 0.001 };
    unsigned descriptors;
    tw_deferred *deferred;
    tw_value failure;

    begin();
    if (deaf_start("127.0.0.5")) {
        tw_resolver_override("a.test", 0, "127.0.0.5,127.0.0.5,127.0.0.5,127.0.0.5");
        tw_reactor_iterate(0);
        descriptors = count_descriptors();
        deferred = dial("a.test", &options);
        for (int i = 0; i < 10; i++)
            tw_reactor_iterate(0.002);
        ck_assert_uint_gt(count_descriptors(), descriptors);
        ck_assert_int_eq(tw_cancel(deferred), 0);
        ck_assert_uint_eq(count_descriptors(), descriptors);
        failure = tw_deferred_take_result(deferred);
        ck_assert(tw_failure_is(failure, &tw_error_cancelled));
        ck_assert_str_eq(record_text(&client), "released");
        tw_release(failure);
        tw_deferred_unref(deferred);
    }
    deaf_stop();
    end();
}
END_TEST

static void cancel_in_made(struct record *record)
{
    ck_assert_int_eq(tw_cancel(*(tw_deferred **)record->user), 0);
}

static void fired_twice(tw_deferred *deferred, tw_value result, void *arg)
{
    (void)deferred;
    (void)result;
    ++*(int *)arg;
}

START_TEST(a_cancel_in_connection_made_ends_the_connection)
{
    int twice = 0;
    const struct tw_deferred_hooks hooks = { .fired_twice = fired_twice, .arg = &twice };
    tw_deferred *deferred;

    begin();
    tw_deferred_set_hooks(&hooks);
    client.on_made = cancel_in_made;
    client.user = &deferred;
    deferred = dial("127.0.0.2", NULL);
    for (int i = 0; i < 100 && !tw_deferred_called(deferred); i++)
        tw_reactor_iterate(0.05);
    ck_assert(tw_failure_is(tw_deferred_result(deferred), &tw_error_cancelled));
    tw_deferred_mark_handled(deferred);
    tw_deferred_unref(deferred);
    tw_reactor_iterate(0);
    ck_assert_str_eq(record_text(&client), "made lost:connection_aborted released");
    ck_assert_int_eq(twice, 0);
    tw_deferred_set_hooks(NULL);
    end();
}
END_TEST

START_TEST(a_cancel_during_the_lookup_leaves_nothing)
{
    tw_deferred *deferred;

    begin();
    ck_assert_int_eq(tw_resolver_set_servers("127.0.0.2:9"), 0);
    deferred = dial("silent.test", NULL);
    ck_assert_int_eq(tw_cancel(deferred), 0);
    tw_deferred_mark_handled(deferred);
    tw_deferred_unref(deferred);
    ck_assert_str_eq(record_text(&client), "released");
    end();
}
END_TEST

/* --- TLS over sockets ---------------------------------------------------------------------- */

START_TEST(tls_runs_over_sockets)
{
    tw_tls_context *client_tls, *server_tls;
    struct tw_connect_options options = { .timeout = 5 };
    static char block[300000];
    double deadline;

    ck_assert(tw_is_none(tw_tls_context_new(
        &(struct tw_tls_options){ .ca_file = test_ca_file() }, &client_tls)));
    ck_assert(tw_is_none(tw_tls_context_new(
        &(struct tw_tls_options){ .server = true, .cert_file = test_leaf_file() },
        &server_tls)));
    begin_with(server_tls);
    tw_resolver_override("a.test", 0, "127.0.0.2");
    options.tls = client_tls;
    expect_connected("a.test", &options);
    ck_assert_int_ge(tw_transport_fd(client.protocol->transport), 0);
    ck_assert_int_eq(tw_transport_set_nodelay(client.protocol->transport, false), 0);
    tw_transport_write(client.protocol->transport, block, sizeof block);
    deadline = test_deadline();
    while (server.data.length < sizeof block && test_before(deadline))
        tw_reactor_iterate(0.1);
    ck_assert_uint_eq(server.data.length, sizeof block);
    end();
    tw_tls_context_unref(client_tls);
    tw_tls_context_unref(server_tls);
}
END_TEST

/* --- no memory ----------------------------------------------------------------------------- */

/* Waiting may fail by itself while the connecting goes on. */
static bool connect_once(void *arg)
{
    tw_deferred *deferred = dial("a.test", NULL);
    tw_value result = tw_block_on(tw_deferred_ref(deferred));
    bool good = !tw_is_failure(result);

    (void)arg;
    tw_release(result);
    for (int i = 0; i < 100 && deferred != NULL && !tw_deferred_called(deferred); i++)
        tw_reactor_iterate(0.1);
    tw_deferred_unref(deferred);
    if (client.protocol != NULL)
        tw_transport_abort(client.protocol->transport);
    for (int i = 0; i < 100 && twi_transport_count() > 0; i++)
        tw_reactor_iterate(0.1);
    record_free(&client);
    record_free(&server);
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    return good;
}

START_TEST(running_out_of_memory_is_survived)
{
    begin();
    tw_resolver_override("a.test", 0, "127.0.0.1,127.0.0.2");
    ck_assert(connect_once(NULL));
    for (uint64_t n = 1; n < 1000; n++) {
        bool failed;

        test_fail_alloc(n, false);
        connect_once(NULL);
        failed = test_alloc_failed();
        test_fail_alloc(0, false);
        ck_assert_msg(twi_transport_count() == 0, "%zu left at %d", twi_transport_count(),
                      (int)n);
        if (!failed)
            break;
    }
    ck_assert(connect_once(NULL));
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connect");

    test_spare_openssl();
    TEST_ADD_ROWS(suite, a_host_is_reached, reachable);
    TEST_ADD(suite, a_local_address_is_bound);
    TEST_ADD_ROWS(suite, a_unix_socket_is_reached, unix_paths);
    TEST_ADD_ROWS(suite, a_failure_has_its_class, hopeless);
    TEST_ADD(suite, all_that_failed_are_in_the_causes);
    TEST_ADD(suite, without_descriptors_it_is_a_failure);
    TEST_ADD(suite, the_next_address_is_tried_after_a_delay);
    TEST_ADD(suite, the_timeout_is_for_everything);
    TEST_ADD(suite, a_cancel_drops_every_attempt);
    TEST_ADD(suite, a_cancel_in_connection_made_ends_the_connection);
    TEST_ADD(suite, a_cancel_during_the_lookup_leaves_nothing);
    TEST_ADD(suite, tls_runs_over_sockets);
    TEST_ADD(suite, running_out_of_memory_is_survived);
    return test_run(suite);
}
