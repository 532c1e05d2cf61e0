/* SPDX-License-Identifier: MIT */
/*
 * check_reconnect.c - a connection that is made again, in virtual time.
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include <tweed/reconnect.h>
#include <tweed/testing.h>

#include "net/transport/transport.h"
#include "tests/recorder.h"
#include "tests/test.h"

#define E 2.718281828459045

static struct record server, client;
static tw_factory *client_factory, *accepting;
static tw_listener *listener;
static double waits[32];
static const tw_error_class *failures[32];
static int failed_count;
static bool stop_when_failed;

static void note_failure(tw_reconnector *reconnector, tw_value failure, double wait, void *arg)
{
    ck_assert_ptr_eq(arg, &failed_count);
    if (failed_count < 32) {
        failures[failed_count] = tw_failure_class(failure);
        waits[failed_count++] = wait;
    }
    if (stop_when_failed)
        tw_reconnector_stop(reconnector);
}

static void begin(void)
{
    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    failed_count = 0;
    stop_when_failed = false;
    listener = NULL;
    ck_assert_int_eq(tw_testing_begin(), 0);
    client_factory = recorder_factory(&client);
    accepting = recorder_factory(&server);
    ck_assert(client_factory != NULL && accepting != NULL);
}

static void end(void)
{
    tw_listener_close(listener);
    tw_factory_unref(client_factory);
    tw_factory_unref(accepting);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&server);
    record_free(&client);
}

static void open_server(void)
{
    struct tw_listen_options options = { .address = "a.example", .port = 80 };
    ck_assert_int_eq(tw_listen(&options, accepting, &listener, NULL), 0);
}

static tw_reconnector *start(struct tw_reconnect_options options)
{
    tw_reconnector *reconnector;

    options.failed = note_failure;
    options.arg = &failed_count;
    reconnector = tw_reconnect("a.example", 80, &options, client_factory);
    ck_assert_ptr_nonnull(reconnector);
    return reconnector;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

START_TEST(a_lost_connection_is_made_again)
{
    tw_reconnector *reconnector;

    begin();
    open_server();
    reconnector = start((struct tw_reconnect_options){ .jitter = TW_JITTER_NONE });
    ck_assert_ptr_null(tw_reconnector_transport(reconnector));
    tw_testing_settle();
    ck_assert_ptr_eq(tw_reconnector_transport(reconnector), client.protocol->transport);
    tw_transport_abort(server.protocol->transport);
    tw_testing_settle();
    ck_assert_ptr_null(tw_reconnector_transport(reconnector));
    ck_assert_int_eq(failed_count, 1);
    ck_assert_ptr_eq(failures[0], &tw_error_connection_lost);
    ck_assert(close_to(waits[0], E)); /* the first wait is a factor above the initial one */
    ck_assert_uint_eq(tw_reconnector_retries(reconnector), 1);
    tw_testing_advance(E + 0.001);
    ck_assert_ptr_nonnull(tw_reconnector_transport(reconnector));
    tw_reconnector_reset(reconnector);
    ck_assert_uint_eq(tw_reconnector_retries(reconnector), 0);
    tw_reconnector_stop(reconnector);
    tw_testing_settle();
    ck_assert_ptr_nonnull(client.protocol); /* the connection stays */
    tw_transport_lose(client.protocol->transport);
    tw_testing_settle();
    ck_assert_int_eq(failed_count, 1);
    end();
}
END_TEST

START_TEST(the_wait_grows_up_to_its_limit_and_the_retries_end)
{
    tw_reconnector *reconnector;

    begin();
    reconnector = start((struct tw_reconnect_options){ .jitter = TW_JITTER_NONE,
                                                       .initial_delay = 2,
                                                       .factor = 3,
                                                       .max_delay = 30,
                                                       .max_retries = 4 });
    tw_testing_advance(1000);
    ck_assert_int_eq(failed_count, 5);
    ck_assert_ptr_eq(failures[0], &tw_error_connect_refused);
    ck_assert(close_to(waits[0], 6) && close_to(waits[1], 18) && close_to(waits[2], 30));
    ck_assert(close_to(waits[3], 30) && waits[4] < 0);
    tw_reconnector_stop(reconnector);
    end();
}
END_TEST

static const struct {
    enum tw_jitter jitter;
    double low, high;
} jitters[] = {
    { TW_JITTER_NORMAL, 1.0, 5.0 }, /* five deviations of 0.12 e and more */
    { TW_JITTER_FULL, 0.0, E },
    { TW_JITTER_NONE, E - 1e-6, E + 1e-6 },
};

START_TEST(the_wait_is_blurred)
{
    double sum = 0;
    bool differ = false;

    begin();
    for (int i = 0; i < 30; i++) {
        tw_reconnector *reconnector = start(
            (struct tw_reconnect_options){ .jitter = jitters[_i].jitter });
        tw_testing_settle();
        ck_assert_int_eq(failed_count, i + 1);
        ck_assert(waits[i] >= jitters[_i].low && waits[i] <= jitters[_i].high);
        differ = differ || !close_to(waits[i], waits[0]);
        sum += waits[i];
        tw_reconnector_stop(reconnector);
    }
    ck_assert(differ == (jitters[_i].jitter != TW_JITTER_NONE));
    ck_assert(sum > 0);
    end();
}
END_TEST

START_TEST(a_retry_can_be_hurried)
{
    tw_reconnector *reconnector;

    begin();
    reconnector = start((struct tw_reconnect_options){ .initial_delay = 1000 });
    tw_testing_settle();
    ck_assert_int_eq(failed_count, 1);
    open_server();
    tw_reconnector_hurry(reconnector);
    tw_testing_advance(0.1);
    ck_assert_ptr_nonnull(tw_reconnector_transport(reconnector));
    tw_reconnector_hurry(reconnector);
    tw_testing_settle();
    tw_transport_lose(client.protocol->transport);
    tw_testing_settle();
    ck_assert_ptr_eq(failures[1], &tw_error_connection_done);
    tw_reconnector_stop(reconnector);
    end();
}
END_TEST

START_TEST(it_can_be_stopped_from_inside_and_at_any_time)
{
    begin();
    tw_reconnector_stop(start((struct tw_reconnect_options){ 0 }));
    tw_reconnector_stop(NULL);
    stop_when_failed = true;
    start((struct tw_reconnect_options){ 0 });
    tw_testing_advance(10000);
    ck_assert_int_eq(failed_count, 1);
    open_server();
    start((struct tw_reconnect_options){ 0 });
    tw_testing_settle();
    tw_transport_abort(client.protocol->transport);
    tw_testing_advance(10000);
    ck_assert_int_eq(failed_count, 2);
    end();
}
END_TEST

START_TEST(it_goes_with_its_reactor)
{
    begin();
    start((struct tw_reconnect_options){ 0 });
    tw_testing_settle();
    tw_factory_unref(client_factory);
    tw_factory_unref(accepting);
    ck_assert_uint_eq(tw_testing_end(), 1); /* the retry that was due */
    record_free(&client);
    record_free(&server);
}
END_TEST

static const struct tw_reconnect_options bad[] = {
    { .initial_delay = -1 },
    { .max_delay = -1 },
    { .factor = NAN },
    { .sigma = INFINITY },
};

START_TEST(bad_numbers_are_refused)
{
    begin();
    ck_assert_ptr_null(tw_reconnect("a.example", 80, &bad[_i], client_factory));
    ck_assert_ptr_null(tw_reconnect("a.example", 80, NULL, NULL));
    end();
}
END_TEST

static bool connect_and_stop(void *arg)
{
    struct tw_listen_options at = { .address = "a.example", .port = 80 };
    struct tw_reconnect_options options = {
        .connect = { .local_address = "127.0.0.1", .server_name = "a.example" },
        .failed = note_failure,
        .arg = &failed_count,
        .max_retries = 1,
    };
    tw_reconnector *reconnector = NULL;
    bool ok = false;

    (void)arg;
    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    failed_count = 0;
    stop_when_failed = false;
    listener = NULL;
    if (tw_testing_begin() < 0)
        return false;
    client_factory = recorder_factory(&client);
    accepting = recorder_factory(&server);
    if (client_factory != NULL && accepting != NULL &&
        tw_listen(&at, accepting, &listener, NULL) == 0)
        reconnector = tw_reconnect("a.example", 80, &options, client_factory);
    if (reconnector != NULL) {
        tw_testing_advance(100);
        ok = tw_reconnector_transport(reconnector) != NULL && failed_count == 0;
        tw_reconnector_stop(reconnector);
    }
    if (client.protocol != NULL)
        tw_transport_abort(client.protocol->transport);
    tw_testing_settle();
    tw_listener_close(listener);
    tw_factory_unref(client_factory);
    tw_factory_unref(accepting);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&server);
    record_free(&client);
    return ok;
}

START_TEST(it_survives_every_failed_allocation)
{
    ck_assert_uint_gt(test_each_alloc_failure(connect_and_stop, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reconnect");

    TEST_ADD(suite, a_lost_connection_is_made_again);
    TEST_ADD(suite, the_wait_grows_up_to_its_limit_and_the_retries_end);
    TEST_ADD_ROWS(suite, the_wait_is_blurred, jitters);
    TEST_ADD(suite, a_retry_can_be_hurried);
    TEST_ADD(suite, it_can_be_stopped_from_inside_and_at_any_time);
    TEST_ADD(suite, it_goes_with_its_reactor);
    TEST_ADD_ROWS(suite, bad_numbers_are_refused, bad);
    TEST_ADD(suite, it_survives_every_failed_allocation);
    return test_run(suite);
}
