/* SPDX-License-Identifier: MIT */
/*
 * check_endpoint.c - where to connect and listen, said in a string.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <tweed/endpoint.h>
#include <tweed/reactor.h>
#include <tweed/testing.h>
#include <unistd.h>

#include "tests/certificates.h"
#include "tests/recorder.h"
#include "tests/test.h"

static struct record client, server;
static tw_listener *listener;
static char text[400];
static int listened; /* what listening returned */

static void begin_records(void)
{
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    listener = NULL;
}

static tw_value listen_at(const char *endpoint)
{
    tw_factory *factory = test_given(recorder_factory(&server));
    tw_value failure = tw_none();

    listened = tw_listen_endpoint(endpoint, factory, &listener, &failure);

    tw_factory_unref(factory);
    return failure;
}

static void listen_well(const char *endpoint)
{
    tw_value failure = listen_at(endpoint);

    ck_assert_msg(!tw_is_failure(failure), "%s: %s", endpoint, tw_failure_message(failure));
    ck_assert_int_eq(listened, 0);
}

static tw_deferred *connect_to(const char *endpoint)
{
    return tw_connect_endpoint(endpoint, test_given(recorder_new(&recorder_class, &client)));
}

static void end_records(void)
{
    tw_listener_close(listener);
    record_free(&client);
    record_free(&server);
}

/* --- in memory ----------------------------------------------------------------------------- */

static const struct {
    const char *server, *client, *address;
} pairs[] = {
    { "tcp:80", "tcp:any.test:80", "0.0.0.0:80" },
    { "tcp:port=80", "tcp:host=any.test:port=80", "0.0.0.0:80" },
    { "tcp:80:interface=a.test", "tcp:a.test:80:timeout=5", "a.test:80" },
    { "tcp:80:interface=:backlog=5", "tcp:port=80:any.test:timeout=1.5", "0.0.0.0:80" },
    { "tcp:80:interface=\\:\\:1", "tcp:\\:\\:1:80:bindAddress=\\:\\:1", "[::1]:80" },
    { "tcp:interface=x=y:port=80", "tcp:x\\=y:80", "x=y:80" },
    { "unix:/run/it", "unix:/run/it:timeout=3", "unix:/run/it" },
    { "unix:/a\\:b\\\\c:mode=600:lockfile=0:backlog=1", "unix:path=/a\\:b\\\\c",
      "unix:/a:b\\c" },
    { "unix:address=/run/it:mode=0660", "unix:/run/it", "unix:/run/it" },
};

START_TEST(strings_lead_to_each_other)
{
    tw_deferred *connected;

    begin_records();
    ck_assert_int_eq(tw_testing_begin(), 0);
    listen_well(pairs[_i].server);
    tw_listener_address(listener, text, sizeof text);
    ck_assert_str_eq(text, pairs[_i].address);
    connected = connect_to(pairs[_i].client);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&server), "made");
    ck_assert(tw_pointer_of(tw_deferred_result(connected)) == client.protocol);
    tw_deferred_unref(connected);
    tw_transport_abort(client.protocol->transport);
    tw_testing_settle();
    end_records();
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

/* --- TLS ----------------------------------------------------------------------------------- */

static const struct {
    const char *what, *server, *client; /* %1: the leaf's file, %2: the CA's */
    const tw_error_class *error;
} secured[] = {
    { "tls", "ssl:443:privateKey=%1", "tls:a.test:443:trustRoots=%2", NULL },
    { "the other names", "tls:443:privateKey=%1:certKey=%1",
      "ssl:host=a.test:port=443:caCertsDir=%2", NULL },
    { "another name to verify", "ssl:443:certificate=%1",
      "tls:other.test:443:hostname=a.test:trustRoots=%2", NULL },
    { "a certificate of ours", "ssl:443:certKey=%1",
      "tls:a.test:443:trustRoots=%2:certificate=%1", NULL },
    { "another's name", "ssl:443:privateKey=%1", "tls:wrong.example:443:trustRoots=%2",
      &tw_error_tls },
    { "the system does not trust it", "ssl:443:privateKey=%1", "tls:a.test:443",
      &tw_error_tls },
};

/* `format` with the names of the files. */
static const char *with_files(const char *format)
{
    size_t length = 0;

    for (; *format != '\0'; format++) {
        const char *file = format[1] == '1' ? test_leaf_file() : test_ca_file();
        if (*format == '%')
            length += (size_t)snprintf(text + length, sizeof text - length, "%s", file);
        else
            text[length++] = *format;
        format += *format == '%';
    }
    text[length] = '\0';
    return text;
}

START_TEST(strings_may_ask_for_tls)
{
    tw_deferred *connected;

    begin_records();
    ck_assert_int_eq(tw_testing_begin(), 0);
    listen_well(with_files(secured[_i].server));
    connected = connect_to(with_files(secured[_i].client));
    tw_testing_settle();
    if (secured[_i].error == NULL) {
        ck_assert_msg(client.protocol != NULL, "%s", secured[_i].what);
        ck_assert_ptr_nonnull(tw_transport_tls_version(client.protocol->transport));
        tw_transport_abort(client.protocol->transport);
    } else {
        ck_assert_msg(tw_failure_is(tw_deferred_result(connected), secured[_i].error), "%s",
                      secured[_i].what);
        tw_deferred_mark_handled(connected);
    }
    tw_deferred_unref(connected);
    tw_testing_settle();
    end_records();
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

/* --- mistakes ------------------------------------------------------------------------------ */

static const struct {
    const char *endpoint, *text;
    const tw_error_class *error;
} bad_clients[] = {
    { "", "no scheme", &tw_error_url },
    { "tcp", "no scheme", &tw_error_url },
    { "http:a.test:80", "not one of tcp", &tw_error_url },
    { "tcp:a.test", "no port", &tw_error_url },
    { "tcp::80", "no host", &tw_error_url },
    { "tcp:a.test:0", "no port", &tw_error_url },
    { "tcp:a.test:65536", "not a number", &tw_error_url },
    { "tcp:a.test:8O", "not a number", &tw_error_url },
    { "tcp:a.test:", "not a number", &tw_error_url },
    { "tcp:a.test:99999999999999999999", "not a number", &tw_error_url },
    { "tcp:a.test:80:81", "what is \"81\"?", &tw_error_url },
    { "tcp:a.test:80:port=81", "what is \"port\"?", &tw_error_url },
    { "tcp:a.test:80:colour=red", "what is \"colour\"?", &tw_error_url },
    { "tcp:a.test:80:hostname=a", "what is \"hostname\"?", &tw_error_url },
    { "tcp:a.test:80:timeout=1:timeout=2", "what is \"timeout\"?", &tw_error_url },
    { "tcp:a.test:80:timeout=", "seconds", &tw_error_url },
    { "tcp:a.test:80:timeout=-1", "seconds", &tw_error_url },
    { "tcp:a.test:80:timeout=nan", "seconds", &tw_error_url },
    { "tcp:a.test:80:timeout=1x", "seconds", &tw_error_url },
    { "tcp:1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17", "too many", &tw_error_url },
    { "unix:", "no path", &tw_error_url },
    { "unix:/a:b", "what is \"b\"?", &tw_error_url },
    { "tls:a.test:443:trustRoots=/no/such/file", "/no/such/file", &tw_error_tls },
    { "tls:a.test:443:certificate=/no/such/file", "/no/such/file", &tw_error_tls },
};

static void expect_failure(tw_value failure, const char *endpoint, const tw_error_class *error,
                           const char *part)
{
    ck_assert_msg(tw_failure_is(failure, error), "%s", endpoint);
    ck_assert_msg(strstr(tw_failure_message(failure), part) != NULL, "%s: %s", endpoint,
                  tw_failure_message(failure));
}

START_TEST(where_to_connect_is_told_from_a_mistake)
{
    tw_deferred *connected;

    begin_records();
    connected = connect_to(bad_clients[_i].endpoint);
    expect_failure(tw_deferred_result(connected), bad_clients[_i].endpoint,
                   bad_clients[_i].error, bad_clients[_i].text);
    ck_assert_str_eq(record_text(&client), "released");
    tw_deferred_mark_handled(connected);
    tw_deferred_unref(connected);
    ck_assert_ptr_null(tw_connect_endpoint("tcp:a.test:80", NULL));
    end_records();
    tw_reactor_uninstall();
}
END_TEST

static const struct {
    const char *endpoint, *text;
    const tw_error_class *error;
    int r;
} bad_servers[] = {
    { "80", "no scheme", &tw_error_url, -EINVAL },
    { "udp:80", "not one of tcp", &tw_error_url, -EINVAL },
    { "tcp:", "not a number", &tw_error_url, -EINVAL },
    { "tcp:70000", "not a number", &tw_error_url, -EINVAL },
    { "tcp:80:localhost", "what is \"localhost\"?", &tw_error_url, -EINVAL },
    { "tcp:80:interface=localhost", "not an address", &tw_error_url, -EINVAL },
    { "tcp:80:privateKey=x", "what is \"privateKey\"?", &tw_error_url, -EINVAL },
    { "unix:", "no path", &tw_error_url, -EINVAL },
    { "unix:/a:mode=888", "not a number", &tw_error_url, -EINVAL },
    { "unix:/a:mode=7777", "not a number", &tw_error_url, -EINVAL },
    { "unix:/a:lockfile=2", "not a number", &tw_error_url, -EINVAL },
    { "unix:/no/such/folder/socket:lockfile=0", "No such file", &tw_error_system, -ENOENT },
    { "ssl:443", "certificate", &tw_error_tls, -EPROTO },
    { "ssl:443:privateKey=/no/such/file", "/no/such/file", &tw_error_tls, -EPROTO },
};

START_TEST(where_to_listen_is_told_from_a_mistake)
{
    tw_value failure;

    begin_records();
    failure = listen_at(bad_servers[_i].endpoint);
    expect_failure(failure, bad_servers[_i].endpoint, bad_servers[_i].error,
                   bad_servers[_i].text);
    ck_assert_int_eq(listened, bad_servers[_i].r);
    ck_assert_ptr_null(listener);
    tw_release(failure);
    end_records();
    tw_reactor_uninstall();
}
END_TEST

START_TEST(a_unix_socket_is_made_as_told)
{
    struct stat status;
    char path[64], endpoint[128];

    begin_records();
    snprintf(path, sizeof path, "tweed-check-%d.endpoint", (int)getpid());
    snprintf(endpoint, sizeof endpoint, "unix:%s:mode=640", path);
    listen_well(endpoint);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0640);
    snprintf(endpoint, sizeof endpoint, "%s.lock", path);
    ck_assert_int_eq(stat(endpoint, &status), 0);
    end_records();
    ck_assert_int_lt(stat(endpoint, &status), 0);
    tw_reactor_uninstall();
}
END_TEST

/* --- no memory ----------------------------------------------------------------------------- */

static bool connect_once(void *endpoint)
{
    tw_protocol *protocol = tw_protocol_new(&recorder_class);
    tw_deferred *connected = tw_connect_endpoint(endpoint, protocol);
    bool made = tw_failure_is(tw_deferred_result(connected), &tw_error_url);

    tw_deferred_mark_handled(connected);
    tw_deferred_unref(connected);
    return made;
}

START_TEST(running_out_of_memory_is_survived)
{
    char unix_socket[] = "unix:", tcp[] = "tcp:a.test:80:what";

    begin_records();
    test_each_alloc_failure(connect_once, unix_socket);
    test_each_alloc_failure(connect_once, tcp);
    end_records();
    tw_reactor_uninstall();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("endpoint");

    test_spare_openssl();
    TEST_ADD_ROWS(suite, strings_lead_to_each_other, pairs);
    TEST_ADD_ROWS(suite, strings_may_ask_for_tls, secured);
    TEST_ADD_ROWS(suite, where_to_connect_is_told_from_a_mistake, bad_clients);
    TEST_ADD_ROWS(suite, where_to_listen_is_told_from_a_mistake, bad_servers);
    TEST_ADD(suite, a_unix_socket_is_made_as_told);
    TEST_ADD(suite, running_out_of_memory_is_survived);
    return test_run(suite);
}
