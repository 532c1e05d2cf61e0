/* SPDX-License-Identifier: MIT */
/*
 * check_start_tls.c - handshakes that fail, TLS started on a connection, sessions, no memory.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tweed/reactor.h>
#include <tweed/testing.h>
#include <unistd.h>

#include "net/transport/transport.h"
#include "tests/certificates.h"
#include "tests/test.h"
#include "tests/tls_pair.h"

/* --- handshakes that fail ------------------------------------------------------------------ */

START_TEST(a_name_that_does_not_fit_fails_the_connect)
{
    struct tw_connect_options options = { .tls = client_tls, .server_name = "b.test" };
    tw_value result;

    begin();
    options.tls = client_tls;
    result = tw_block_on(
        tw_connect("127.0.0.1", 443, &options, recorder_new(&recorder_class, &client)));
    ck_assert(tw_failure_is(result, &tw_error_tls));
    ck_assert_ptr_nonnull(strstr(tw_failure_message(result), "hostname mismatch"));
    ck_assert_str_eq(record_text(&client), "released");
    tw_release(result);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&server), "released");
    end();
}
END_TEST

START_TEST(the_host_is_the_name_to_verify)
{
    struct tw_connect_options options = { 0 };
    tw_value result;

    begin();
    options.tls = client_tls;
    result = tw_block_on(
        tw_connect("127.0.0.1", 443, &options, recorder_new(&recorder_class, &client)));
    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    lose_client();
    tw_testing_settle();
    end();
}
END_TEST

START_TEST(a_silent_server_costs_the_connect_limit)
{
    double before;
    tw_value result;

    begin();
    tw_listener_close(listener);
    listen_on(&recorder_class, NULL);
    before = tw_clock_seconds(tw_reactor_clock());
    result = tw_block_on(dial_class(&recorder_class));
    ck_assert(tw_failure_is(result, &tw_error_connect_timeout));
    ck_assert_double_eq_tol(tw_clock_seconds(tw_reactor_clock()) - before, 30, 0.1);
    tw_release(result);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&client), "released");
    ck_assert_str_eq(record_text(&server), "made lost:connection_lost released");
    end();
}
END_TEST

static void connect_plain(const tw_protocol_class *protocol_class)
{
    tw_value result = tw_block_on(
        tw_connect("127.0.0.1", 443, NULL, recorder_new(protocol_class, &client)));

    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
}

START_TEST(a_silent_client_is_dropped)
{
    begin();
    connect_plain(&recorder_class);
    tw_testing_advance(29);
    ck_assert_str_eq(record_text(&client), "made");
    tw_testing_advance(2);
    ck_assert_str_eq(record_text(&server), "released");
    ck_assert_str_eq(record_text(&client), "made lost:connection_lost released");
    end();
}
END_TEST

START_TEST(a_client_without_tls_is_told_and_dropped)
{
    begin();
    connect_plain(&recorder_class);
    tw_transport_write(client_transport(), "\x16\3\1\0\5hello", 10);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&server), "released");
    ck_assert_uint_gt(client.data.length, 0); /* an alert */
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(a_server_that_closes_in_the_handshake_is_a_tls_failure)
{
    tw_value result;

    begin();
    tw_listener_close(listener);
    listen_on(&recorder_class, NULL);
    server.on_data = lose_in_data;
    result = tw_block_on(dial_class(&recorder_class));
    ck_assert(tw_failure_is(result, &tw_error_tls));
    ck_assert_ptr_nonnull(strstr(tw_failure_message(result), "during the TLS handshake"));
    tw_release(result);
    tw_testing_settle();
    end();
}
END_TEST

START_TEST(a_cancelled_handshake_leaves_nothing)
{
    tw_deferred *deferred;
    tw_value result;

    begin();
    deferred = dial_class(&recorder_class);
    for (int i = 0; i < _i; i++)
        tw_reactor_iterate(0);
    if (!tw_deferred_called(deferred)) {
        ck_assert_int_eq(tw_cancel(deferred), 0);
        result = tw_deferred_take_result(deferred);
        ck_assert(tw_failure_is(result, &tw_error_cancelled));
        tw_release(result);
        tw_testing_settle();
        ck_assert_str_eq(record_text(&client), "released");
    } else {
        lose_client();
    }
    tw_deferred_unref(deferred);
    tw_testing_advance(5);
    end();
}
END_TEST

START_TEST(the_end_of_the_reactor_ends_handshakes)
{
    tw_deferred *deferred;
    tw_value result;

    begin();
    deferred = dial_class(&recorder_class);
    tw_reactor_iterate(0);
    tw_listener_close(listener);
    tw_reactor_uninstall();
    result = tw_deferred_take_result(deferred);
    ck_assert(tw_is_failure(result));
    tw_release(result);
    tw_deferred_unref(deferred);
    tw_tls_context_unref(client_tls);
    tw_tls_context_unref(server_tls);
    tw_testing_begin();
    tw_testing_end();
    ck_assert_str_eq(record_text(&client), "released");
    record_free(&client);
    record_free(&server);
}
END_TEST

/* --- start_tls ----------------------------------------------------------------------------- */

static void server_starts_tls(struct record *record, const char *data, size_t length)
{
    (void)data, (void)length;
    if (record->data.length == 8 && memcmp(record->data.data, "STARTTLS", 8) == 0) {
        tw_transport_write(record->protocol->transport, "go", 2);
        ck_assert_int_eq(tw_transport_start_tls(record->protocol->transport, server_tls, NULL),
                         0);
        tw_transport_write(record->protocol->transport, "secret", 6);
    }
}

static void client_starts_tls(struct record *record, const char *data, size_t length)
{
    (void)data, (void)length;
    if (record->data.length == 2 && memcmp(record->data.data, "go", 2) == 0)
        ck_assert_int_eq(
            tw_transport_start_tls(record->protocol->transport, client_tls, record->user), 0);
}

static void begin_plain(const char *name)
{
    begin();
    tw_listener_close(listener);
    listen_on(&recorder_class, NULL);
    server.on_data = server_starts_tls;
    client.on_data = client_starts_tls;
    client.user = (char *)name;
    connect_plain(&recorder_class);
    tw_transport_write(client_transport(), "STARTTLS", 8);
    tw_testing_settle();
}

START_TEST(tls_starts_on_a_plain_connection)
{
    begin_plain("a.test");
    ck_assert_str_eq(record_data(&client), "gosecret");
    ck_assert_str_eq(tw_transport_tls_version(client_transport()), "TLSv1.3");
    tw_transport_write(client_transport(), "hidden", 6);
    lose_client();
    tw_testing_settle();
    ck_assert_str_eq(record_data(&server), "STARTTLShidden");
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(a_start_that_fails_is_connection_lost)
{
    begin_plain("b.test");
    ck_assert_str_eq(record_text(&client), "made lost:tls released");
    ck_assert_str_eq(record_text(&server), "made lost:tls released");
    ck_assert_str_eq(record_data(&client), "go");
    end();
}
END_TEST

START_TEST(tls_runs_inside_tls)
{
    begin_plain("a.test");
    ck_assert_int_eq(tw_transport_start_tls(client_transport(), client_tls, "a.test"), 0);
    ck_assert_int_eq(tw_transport_start_tls(client_transport(), client_tls, "a.test"),
                     -EALREADY);
    ck_assert_int_eq(tw_transport_start_tls(server_transport(), server_tls, NULL), 0);
    tw_testing_settle();
    tw_transport_write(client_transport(), "twice", 5);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&server), "STARTTLStwice");
    lose_server();
    tw_testing_advance(5);
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(tls_needs_a_connection)
{
    tw_transport *transport;

    begin();
    connect_plain(&recorder_class);
    transport = tw_transport_ref(client_transport());
    ck_assert_int_eq(tw_transport_start_tls(transport, client_tls, NULL), -EINVAL);
    ck_assert_int_eq(tw_transport_start_tls(transport, client_tls, "not a name"), -EINVAL);
    tw_transport_lose(transport);
    ck_assert_int_eq(tw_transport_start_tls(transport, client_tls, "a.test"), -ENOTCONN);
    tw_testing_settle();
    ck_assert_int_eq(tw_transport_start_tls(transport, client_tls, "a.test"), -ENOTCONN);
    tw_transport_unref(transport);
    end();
}
END_TEST

/* --- sessions ------------------------------------------------------------------------------ */

START_TEST(a_second_connection_resumes)
{
    struct tw_connect_options other = { 0 };
    tw_value result;

    begin();
    for (int i = 0; i < 3; i++) {
        connect_both();
        ck_assert_int_eq(tw_transport_tls_resumed(client_transport()), i > 0);
        lose_client();
        tw_testing_settle();
        record_free(&client);
        record_free(&server);
        memset(&client, 0, sizeof client);
        memset(&server, 0, sizeof server);
    }
    other.tls = client_tls;
    other.server_name = "x.wild.test";
    result = tw_block_on(
        tw_connect("127.0.0.1", 443, &other, recorder_new(&recorder_class, &client)));
    ck_assert(!tw_is_failure(result));
    ck_assert(!tw_transport_tls_resumed(client_transport()));
    lose_client();
    tw_testing_settle();
    end();
}
END_TEST

START_TEST(the_contexts_shared_are_bounded)
{
    tw_tls_context *first = NULL, *context = NULL, *again = NULL;
    char name[16];

    begin();
    for (int i = 0; i < 20; i++) {
        const char *path;

        snprintf(name, sizeof name, "ca%d", i);
        path = certificate_write(name, NULL, test_ca()->certificate, NULL);
        tw_release(tw_tls_client_context(path, NULL, false, &context));
        if (i == 0)
            first = tw_tls_context_ref(context);
    }
    tw_release(tw_tls_client_context(
        certificate_write("ca19", NULL, test_ca()->certificate, NULL), NULL, false, &again));
    ck_assert_ptr_eq(context, again);
    tw_release(tw_tls_client_context(
        certificate_write("ca0", NULL, test_ca()->certificate, NULL), NULL, false, &again));
    ck_assert_ptr_ne(first, again);
    tw_tls_context_unref(first);
    end();
}
END_TEST

START_TEST(contexts_are_shared_by_setting)
{
    tw_tls_context *one = NULL, *two = NULL, *three = NULL, *four = NULL;
    tw_value failure;

    begin();
    tw_release(tw_tls_client_context(test_ca_file(), NULL, false, &one));
    tw_release(tw_tls_client_context(test_ca_file(), NULL, false, &two));
    tw_release(tw_tls_client_context(test_ca_file(), NULL, true, &three));
    tw_release(tw_tls_client_context(NULL, NULL, false, &four));
    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_eq(one, two);
    ck_assert(three != one && four != one && three != four && four != NULL);
    failure = tw_tls_client_context("/nonexistent", NULL, false, &one);
    ck_assert(tw_failure_is(failure, &tw_error_tls));
    tw_release(failure);
    end();
}
END_TEST

/* --- no memory ----------------------------------------------------------------------------- */

static bool talk(void *arg)
{
    tw_deferred *deferred = dial_class(&recorder_class);
    tw_value result;
    bool good;

    (void)arg;
    tw_testing_advance(40);
    result = deferred != NULL && tw_deferred_is_done(deferred)
                 ? tw_deferred_take_result(deferred)
                 : tw_fail_memory();
    good = !tw_is_failure(result);
    tw_release(result);
    tw_deferred_unref(deferred);
    if (client.protocol != NULL)
        tw_transport_write(client_transport(), "x", 1);
    tw_testing_settle();
    good = good && server.data.length == 1;
    if (client.protocol != NULL)
        tw_transport_abort(client_transport());
    tw_testing_advance(40);
    record_free(&client);
    record_free(&server);
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    return good;
}

static void lose_in_made(struct record *record)
{
    tw_transport_lose(record->protocol->transport);
}

/* Its close_notify waits behind the end of the handshake when that cannot be sent. */
static bool lose_at_once(void *arg)
{
    tw_deferred *deferred;
    bool good;

    (void)arg;
    client.on_made = lose_in_made;
    deferred = dial_class(&recorder_class);
    tw_testing_advance(40);
    good = deferred != NULL && tw_deferred_is_done(deferred);
    if (good)
        tw_release(tw_deferred_take_result(deferred));
    tw_deferred_unref(deferred);
    tw_testing_advance(40);
    record_free(&client);
    record_free(&server);
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    return good;
}

START_TEST(a_close_without_memory_leaves_nothing)
{
    begin();
    test_each_alloc_failure(lose_at_once, NULL);
    end();
}
END_TEST

START_TEST(running_out_of_memory_is_survived)
{
    begin();
    ck_assert(talk(NULL));
    for (int all = 0; all < 2; all++) {
        for (uint64_t n = 1; n < 5000; n++) {
            bool good;

            test_fail_alloc(n, all);
            good = talk(NULL);
            if (!test_alloc_failed()) {
                ck_assert(good);
                break;
            }
            test_fail_alloc(0, false);
            ck_assert_msg(twi_transport_count() == 0, "%zu left at %d of %d",
                          twi_transport_count(), (int)n, all);
        }
        test_fail_alloc(0, false);
    }
    ck_assert(talk(NULL));
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("start tls");

    test_spare_openssl();
    TEST_ADD(suite, a_name_that_does_not_fit_fails_the_connect);
    TEST_ADD(suite, the_host_is_the_name_to_verify);
    TEST_ADD(suite, a_silent_server_costs_the_connect_limit);
    TEST_ADD(suite, a_silent_client_is_dropped);
    TEST_ADD(suite, a_client_without_tls_is_told_and_dropped);
    TEST_ADD(suite, a_server_that_closes_in_the_handshake_is_a_tls_failure);
    test_add(suite, a_cancelled_handshake_leaves_nothing, 0, 8);
    TEST_ADD(suite, the_end_of_the_reactor_ends_handshakes);
    TEST_ADD(suite, tls_starts_on_a_plain_connection);
    TEST_ADD(suite, a_start_that_fails_is_connection_lost);
    TEST_ADD(suite, tls_runs_inside_tls);
    TEST_ADD(suite, tls_needs_a_connection);
    TEST_ADD(suite, a_second_connection_resumes);
    TEST_ADD(suite, contexts_are_shared_by_setting);
    TEST_ADD(suite, the_contexts_shared_are_bounded);
    TEST_ADD(suite, a_close_without_memory_leaves_nothing);
    TEST_ADD(suite, running_out_of_memory_is_survived);
    return test_run(suite);
}
