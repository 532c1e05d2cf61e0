/* SPDX-License-Identifier: MIT */
/*
 * check_stream_server.c - servers with a coroutine for each connection, and clients in coroutines.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tweed/inline_callbacks.h>
#include <tweed/log.h>
#include <tweed/stream.h>
#include <tweed/testing.h>

#include "base/buf.h"
#include "tests/certificates.h"
#include "tests/test.h"
#include "tests/tls_ends.h"

enum { PORT = 7 };

static tw_stream_server *server;
static struct twi_buf seen;
static int released;

#define SEEN(text)                                     \
    do {                                               \
        ck_assert_str_eq(twi_buf_text(&seen), (text)); \
        twi_buf_consume(&seen, seen.length);           \
    } while (0)

static void see(tw_value result)
{
    if (tw_is_none(result))
        twi_buf_append_text(&seen, "-");
    else if (tw_is_failure(result))
        twi_buf_printf(&seen, "(%s)", tw_failure_class(result)->name);
    else
        twi_buf_printf(&seen, "[%s]", tw_bytes_data(result));
}

static tw_value see_and_drop(tw_value result, void *arg)
{
    (void)arg;
    see(result);
    return tw_none();
}

static void watch(tw_deferred *wait)
{
    tw_add_both(test_given(wait), see_and_drop, NULL);
    tw_deferred_unref(wait);
}

static void failed(tw_stream *stream, tw_value failure, void *arg)
{
    (void)arg;
    ck_assert_ptr_nonnull(stream);
    twi_buf_append_text(&seen, "!");
    see(failure);
}

static void count_release(void *arg)
{
    (void)arg;
    released++;
}

/* --- handlers ------------------------------------------------------------------------------ */

static tw_value echo_lines(tw_stream *stream, void *arg)
{
    (void)arg;
    for (;;) {
        tw_value line = tw_await(tw_stream_read_line(stream)), drained;

        if (!tw_is(line, &tw_type_bytes))
            return line;
        tw_stream_write_format(stream, "<%s>\n", tw_bytes_data(line));
        tw_drop(&line);
        drained = tw_await(tw_stream_drain(stream));
        if (tw_is_failure(drained))
            return drained;
    }
}

static tw_value greet(tw_stream *stream, void *arg)
{
    tw_stream_write_text(stream, arg);
    return tw_none();
}

static tw_value refuse(tw_stream *stream, void *arg)
{
    (void)stream, (void)arg;
    return tw_fail(&tw_error_protocol, "not like that");
}

/* --- begin and end ------------------------------------------------------------------------- */

static struct tw_stream_server_options options_for(void)
{
    return (struct tw_stream_server_options){
        .listen = { .address = "a.test", .port = PORT },
        .failed = failed,
        .release = count_release,
    };
}

static void begin(void)
{
    ck_assert_int_eq(tw_testing_begin(), 0);
    server = NULL;
    released = 0;
}

static void start(tw_stream_handler *handler, void *arg)
{
    struct tw_stream_server_options options = options_for();

    ck_assert_int_eq(tw_start_server(&options, handler, arg, &server, NULL), 0);
}

static void stop(void)
{
    tw_deferred_unref(tw_stream_server_stop(server, TW_CANCEL_HANDLERS));
    server = NULL;
}

static void end(void)
{
    if (server != NULL)
        stop();
    tw_testing_advance(100);
    ck_assert_int_eq(released, 1);
    twi_buf_free(&seen);
    ck_assert_uint_eq(tw_testing_end(), 0);
}

static tw_value keep(tw_value value, void *slot)
{
    *(tw_stream **)slot = tw_stream_ref(tw_stream_of(value));
    return tw_is_failure(value) ? tw_none() : value;
}

/* A client that the test drives; NULL when it was refused. */
static tw_stream *client(void)
{
    tw_deferred *opened = tw_open_connection("a.test", PORT, NULL);
    tw_stream *stream = NULL;

    tw_add_both(test_given(opened), keep, &stream);
    tw_deferred_unref(opened);
    tw_testing_settle();
    return stream;
}

/* --- serving ------------------------------------------------------------------------------- */

START_TEST(each_connection_has_its_coroutine)
{
    tw_stream *clients[3];

    begin();
    start(echo_lines, NULL);
    for (int i = 0; i < 3; i++)
        clients[i] = client();
    ck_assert_uint_eq(tw_stream_server_count(server), 3);
    for (int i = 0; i < 3; i++) {
        tw_stream_write_format(clients[i], "%d one\r\n%d tw", i, i);
        watch(tw_stream_read_line(clients[i]));
    }
    tw_testing_settle();
    SEEN("[<0 one>][<1 one>][<2 one>]");
    for (int i = 2; i >= 0; i--) {
        tw_stream_write_text(clients[i], "o\n");
        watch(tw_stream_read_line(clients[i]));
    }
    tw_testing_settle();
    SEEN("[<2 two>][<1 two>][<0 two>]");
    tw_stream_write_eof(clients[0]);
    watch(tw_stream_wait_closed(clients[0]));
    tw_testing_settle();
    SEEN("-");
    ck_assert_uint_eq(tw_stream_server_count(server), 2);
    for (int i = 0; i < 3; i++)
        tw_stream_unref(clients[i]);
    tw_testing_settle();
    ck_assert_uint_eq(tw_stream_server_count(server), 0);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
    end();
}
END_TEST

START_TEST(a_handler_that_returns_closes_after_what_it_wrote)
{
    tw_stream *stream;

    begin();
    start(greet, (void *)"hello");
    stream = client();
    watch(tw_stream_read_to_end(stream, 0));
    tw_testing_settle();
    SEEN("[hello]");
    tw_stream_unref(stream);
    end();
}
END_TEST

START_TEST(a_failure_of_a_handler_goes_to_the_hook)
{
    begin();
    start(refuse, NULL);
    tw_stream_unref(client());
    SEEN("!(tw_error_protocol)");
    end();
}
END_TEST

static void observe(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    twi_buf_printf(&seen, "%s:%d:", event->module, (int)event->level);
    see(event->failure);
}

START_TEST(without_a_hook_failures_are_logged)
{
    struct tw_stream_server_options options = options_for();
    tw_stream *stream;

    begin();
    options.failed = NULL;
    ck_assert_int_eq(tw_start_server(&options, refuse, NULL, &server, NULL), 0);
    tw_log_observe(observe, NULL, TW_LOG_DEBUG);
    tw_stream_unref(client());
    ck_assert_str_eq(twi_buf_text(&seen), "stream:3:(tw_error_protocol)");
    twi_buf_consume(&seen, seen.length);
    stop();
    ck_assert_int_eq(tw_start_server(&options, echo_lines, NULL, &server, NULL), 0);
    stream = client();
    tw_stream_abort(stream);
    tw_stream_unref(stream);
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&seen), "stream:0:(tw_error_connection_lost)");
    tw_log_observe(NULL, NULL, TW_LOG_DEBUG);
    released--;
    end();
}
END_TEST

START_TEST(connections_are_limited)
{
    struct tw_stream_server_options options = options_for();
    tw_stream *first, *second, *third;

    begin();
    options.max_connections = 2;
    ck_assert_int_eq(tw_start_server(&options, echo_lines, NULL, &server, NULL), 0);
    first = client();
    second = client();
    third = client(); /* in memory there is no backlog */
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(third);
    tw_stream_unref(first);
    tw_testing_settle();
    third = client();
    ck_assert_ptr_nonnull(third);
    ck_assert_ptr_null(client());
    tw_stream_unref(second);
    tw_stream_unref(third);
    end();
}
END_TEST

START_TEST(limits_of_reads_are_the_options)
{
    struct tw_stream_server_options options = options_for();
    tw_stream *quick, *slow;

    begin();
    options.limit = 10;
    options.timeout = 5;
    ck_assert_int_eq(tw_start_server(&options, echo_lines, NULL, &server, NULL), 0);
    quick = client();
    tw_stream_write_text(quick, "0123456789\n");
    watch(tw_stream_read_line(quick));
    tw_testing_settle();
    SEEN("[<0123456789>]");
    tw_stream_write_text(quick, "0123456789a\n");
    watch(tw_stream_read_line(quick));
    tw_testing_settle();
    SEEN("!(tw_error_toolarge)-");
    slow = client();
    tw_testing_advance(4);
    SEEN("");
    tw_testing_advance(2);
    SEEN("!(tw_error_timeout)");
    tw_stream_unref(quick);
    tw_stream_unref(slow);
    end();
}
END_TEST

static void expect_refusal(const struct tw_stream_server_options *options,
                           tw_stream_handler *handler, int r, const tw_error_class *error)
{
    tw_value failure = tw_none();

    ck_assert_int_eq(tw_start_server(options, handler, NULL, &server, &failure), r);
    ck_assert(tw_failure_is(failure, error));
    tw_release(failure);
}

START_TEST(what_cannot_start_says_so)
{
    struct tw_stream_server_options options = options_for();

    begin();
    expect_refusal(&options, NULL, -EINVAL, &tw_error_misuse);
    options.timeout = -1;
    expect_refusal(&options, refuse, -EINVAL, &tw_error_misuse);
    options.timeout = 0;
    ck_assert_int_eq(released, 2);
    ck_assert_ptr_null(server);
    ck_assert_int_eq(tw_start_server(&options, refuse, NULL, &server, NULL), 0);
    ck_assert_uint_eq(tw_listener_port(tw_stream_server_listener(server)), PORT);
    expect_refusal(&options, refuse, -EADDRINUSE, &tw_error_system);
    stop();
    tw_testing_settle();
    ck_assert_int_eq(released, 4);
    ck_assert_int_eq(tw_start_server(NULL, refuse, NULL, &server, NULL), 0);
    stop();
    released = 1;
    end();
}
END_TEST

START_TEST(endpoints_are_strings)
{
    struct tw_stream_server_options options = options_for();
    tw_stream *stream = NULL;
    tw_deferred *opened;

    begin();
    options.endpoint = "tcp:x";
    expect_refusal(&options, echo_lines, -EINVAL, &tw_error_url);
    options.endpoint = "ssl:443:privateKey=/no/such/file";
    expect_refusal(&options, echo_lines, -EPROTO, &tw_error_tls);
    options.endpoint = "tcp:443:interface=127.0.0.1";
    ck_assert_int_eq(tw_start_server(&options, echo_lines, NULL, &server, NULL), 0);
    ck_assert_int_eq(tw_start_server(&options, echo_lines, NULL, &server, NULL), -EADDRINUSE);
    ck_assert_int_eq(released, 3);
    released = 0;
    opened = tw_open_endpoint("tcp:127.0.0.1:443");
    tw_add_both(test_given(opened), keep, &stream);
    tw_deferred_unref(opened);
    tw_testing_settle();
    tw_stream_write_text(stream, "hello\n");
    watch(tw_stream_read_line(stream));
    watch(tw_open_endpoint("carrier pigeon"));
    tw_testing_settle();
    SEEN("(tw_error_url)[<hello>]");
    tw_stream_unref(stream);
    end();
}
END_TEST

/* --- stopping ------------------------------------------------------------------------------ */

START_TEST(a_stop_waits_for_handlers)
{
    tw_stream *stream;
    tw_stream_server *stopping;

    begin();
    start(echo_lines, NULL);
    stream = test_given(client());
    ck_assert_uint_eq(tw_stream_server_count(server), 1);
    stopping = server;
    watch(tw_stream_server_stop(server, TW_WAIT_FOR_HANDLERS));
    server = NULL;
    watch(tw_stream_server_stop(stopping, TW_WAIT_FOR_HANDLERS));
    SEEN("(tw_error_misuse)");
    ck_assert_ptr_null(tw_stream_server_listener(stopping));
    ck_assert_ptr_null(client());
    tw_stream_write_text(stream, "still\n");
    watch(tw_stream_read_line(stream));
    tw_testing_settle();
    SEEN("[<still>]");
    tw_stream_unref(stream);
    tw_testing_settle();
    SEEN("-");
    end();
}
END_TEST

static tw_value clean_up(tw_stream *stream, void *arg)
{
    tw_value line = tw_await(tw_stream_read_line(stream));

    (void)arg;
    if (!tw_failure_is(line, &tw_error_cancelled))
        return line;
    tw_stream_write_text(stream, "bye");
    tw_sleep(1); /* it may await in its clean-up */
    return tw_await(tw_stream_drain(stream));
}

START_TEST(a_stop_may_cancel_handlers)
{
    tw_stream *first, *second;
    tw_deferred *stopped;

    begin();
    start(clean_up, NULL);
    first = client();
    second = client();
    watch(tw_stream_read_to_end(first, 0));
    watch(tw_stream_read_to_end(second, 0));
    stopped = tw_stream_server_stop(server,
                                    _i == 0 ? TW_CANCEL_HANDLERS : TW_WAIT_FOR_HANDLERS);
    server = NULL;
    if (_i > 0)
        ck_assert_int_eq(tw_deferred_add_timeout(stopped, 10, NULL), 0);
    watch(stopped);
    tw_testing_advance(_i == 0 ? 0.5 : 10.5);
    SEEN("");
    tw_testing_advance(1);
    tw_stream_close(first);
    tw_stream_close(second);
    tw_testing_settle();
    ck_assert_ptr_nonnull(strstr(twi_buf_text(&seen), "[bye][bye]"));
    tw_stream_unref(first);
    tw_stream_unref(second);
    end();
}
END_TEST

static tw_value stop_from_inside(tw_stream *stream, void *arg)
{
    (void)arg;
    watch(tw_stream_server_stop(server, TW_CANCEL_HANDLERS));
    server = NULL;
    return tw_await(tw_stream_read_line(stream));
}

START_TEST(a_handler_may_stop_its_server)
{
    tw_stream *stream;

    begin();
    start(stop_from_inside, NULL);
    stream = client();
    tw_stream_unref(stream);
    tw_testing_settle();
    SEEN("!(tw_error_cancelled)-");
    end();
}
END_TEST

START_TEST(an_idle_server_stops_at_once)
{
    begin();
    start(echo_lines, NULL);
    watch(tw_stream_server_stop(server, TW_WAIT_FOR_HANDLERS));
    server = NULL;
    SEEN("-");
    ck_assert_int_eq(released, 1);
    end();
}
END_TEST

/* --- a whole conversation, and everything that can happen to it ---------------------------- */

static int awaits, cancel_at; /* which await of the client is cancelled */

static tw_value step(tw_deferred *wait)
{
    if (++awaits == cancel_at)
        tw_cancel(tw_inline_callbacks_current());
    return tw_await(wait);
}

/* Asks, cancelled or not; what an await did not get the next one gets. */
static tw_value talk(void *arg)
{
    tw_value opened = step(tw_open_connection("a.test", PORT, NULL)), result;
    tw_stream *stream = tw_stream_of(opened);

    (void)arg;
    if (stream == NULL)
        return opened;
    tw_stream_write_text(stream, "one\ntwo\nthree\n");
    step(tw_stream_drain(stream));
    for (int i = 0; i < 3; i++) {
        result = step(tw_stream_read_line(stream));
        if (tw_failure_is(result, &tw_error_cancelled))
            result = tw_await(tw_stream_read_line(stream));
        if (!tw_is(result, &tw_type_bytes))
            return result;
        see(result);
    }
    tw_stream_write_eof(stream);
    result = step(tw_stream_read_to_end(stream, 0));
    if (tw_failure_is(result, &tw_error_cancelled))
        result = tw_await(tw_stream_read_to_end(stream, 0));
    step(tw_stream_wait_closed(stream));
    return tw_is_failure(result) ? result : tw_none();
}

static bool converse(void *arg)
{
    struct tw_stream_server_options options = options_for();
    bool worked = false;

    (void)arg;
    released = 0;
    awaits = 0;
    server = NULL;
    if (tw_testing_begin() < 0)
        return false;
    if (tw_start_server(&options, echo_lines, NULL, &server, NULL) == 0) {
        tw_deferred *talking = tw_inline_callbacks(talk, NULL);
        tw_testing_advance(40);
        worked = talking != NULL && tw_deferred_called(talking) &&
                 !tw_is_failure(tw_deferred_result(talking)) &&
                 strcmp(twi_buf_text(&seen), "[<one>][<two>][<three>]") == 0;
        tw_deferred_mark_handled(talking);
        tw_deferred_unref(talking);
    }
    if (server != NULL)
        stop();
    tw_testing_advance(100);
    ck_assert_int_eq(released, 1);
    twi_buf_free(&seen);
    ck_assert_uint_eq(tw_testing_end(), 0);
    return worked;
}

START_TEST(a_conversation_in_coroutines)
{
    cancel_at = 0;
    ck_assert(converse(NULL));
    ck_assert_int_eq(awaits, 7);
}
END_TEST

START_TEST(a_cancel_at_any_await_loses_nothing)
{
    cancel_at = _i + 1;
    ck_assert(converse(NULL) == (cancel_at != 1)); /* no connection, no conversation */
    cancel_at = 0;
}
END_TEST

START_TEST(a_conversation_survives_failing_allocations)
{
    cancel_at = 0;
    test_each_alloc_failure(converse, NULL);
}
END_TEST

/* --- TLS and sockets ----------------------------------------------------------------------- */

START_TEST(a_server_speaks_tls)
{
    struct tw_stream_server_options options = options_for();
    struct tw_connect_options connect = { .tls = client_context() };
    tw_tls_context *tls = server_context();
    tw_deferred *opened;
    tw_stream *stream = NULL;

    begin();
    options.listen.tls = tls;
    ck_assert_int_eq(tw_start_server(&options, echo_lines, NULL, &server, NULL), 0);
    opened = tw_open_connection("a.test", PORT, &connect);
    tw_add_both(opened, keep, &stream);
    tw_deferred_unref(opened);
    tw_testing_settle();
    tw_stream_write_text(stream, "secret\n");
    watch(tw_stream_read_line(stream));
    tw_testing_settle();
    SEEN("[<secret>]");
    tw_stream_unref(stream);
    /* One that never ends its handshake holds a stop up for 30 s at most. */
    stream = client();
    watch(tw_stream_server_stop(server, TW_CANCEL_HANDLERS));
    server = NULL;
    tw_testing_advance(29);
    SEEN("");
    tw_testing_advance(2);
    SEEN("-");
    tw_stream_unref(stream);
    tw_tls_context_unref(tls);
    tw_tls_context_unref(connect.tls);
    end();
}
END_TEST

static char path[64];

static tw_value stop_server(tw_value result, void *arg)
{
    (void)arg;
    see(result);
    return tw_wait(tw_stream_server_stop(server, TW_WAIT_FOR_HANDLERS));
}

static tw_value stop_reactor(tw_value result, void *arg)
{
    (void)arg;
    see(result);
    tw_reactor_stop();
    return tw_none();
}

static tw_value talk_by_socket(void *arg)
{
    unsigned port = tw_listener_port(tw_stream_server_listener(server));
    const char *host = arg == NULL ? "127.0.0.1" : arg;
    tw_value opened = tw_await(tw_open_connection(host, port, NULL)), line;
    tw_stream *stream = tw_stream_of(opened);

    if (stream == NULL)
        return opened;
    for (int i = 0; i < 3; i++) {
        tw_stream_write_format(stream, "%d\n", i);
        line = tw_await(tw_stream_read_line(stream));
        see(line);
    }
    tw_stream_close(stream);
    return tw_await(tw_stream_wait_closed(stream));
}

static void give_up(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

START_TEST(streams_run_over_sockets)
{
    struct tw_stream_server_options options = { .failed = failed };
    tw_deferred *done;
    int64_t limit;

    snprintf(path, sizeof path, "unix:@tweed-check-stream-%d", (int)getpid());
    if (_i > 0)
        options.listen.address = path;
    ck_assert_int_eq(tw_start_server(&options, echo_lines, NULL, &server, NULL), 0);
    limit = tw_call_later(10, give_up, NULL);
    done = tw_inline_callbacks(talk_by_socket, _i > 0 ? path : NULL);
    tw_add_both(done, stop_server, NULL);
    tw_add_both(done, stop_reactor, NULL);
    tw_deferred_unref(done);
    ck_assert_int_eq(tw_reactor_run(), 0);
    tw_call_cancel(limit);
    ck_assert_str_eq(twi_buf_text(&seen), "[<0>][<1>][<2>]--");
    twi_buf_free(&seen);
    tw_reactor_uninstall();
    server = NULL;
}
END_TEST

int main(void)
{
    static const int two[2], seven[7];
    Suite *suite = suite_create("stream_server");

    test_spare_openssl();
    TEST_ADD(suite, each_connection_has_its_coroutine);
    TEST_ADD(suite, a_handler_that_returns_closes_after_what_it_wrote);
    TEST_ADD(suite, a_failure_of_a_handler_goes_to_the_hook);
    TEST_ADD(suite, without_a_hook_failures_are_logged);
    TEST_ADD(suite, connections_are_limited);
    TEST_ADD(suite, limits_of_reads_are_the_options);
    TEST_ADD(suite, what_cannot_start_says_so);
    TEST_ADD(suite, endpoints_are_strings);
    TEST_ADD(suite, a_stop_waits_for_handlers);
    TEST_ADD_ROWS(suite, a_stop_may_cancel_handlers, two);
    TEST_ADD(suite, a_handler_may_stop_its_server);
    TEST_ADD(suite, an_idle_server_stops_at_once);
    TEST_ADD(suite, a_conversation_in_coroutines);
    TEST_ADD_ROWS(suite, a_cancel_at_any_await_loses_nothing, seven);
    TEST_ADD(suite, a_conversation_survives_failing_allocations);
    TEST_ADD(suite, a_server_speaks_tls);
    TEST_ADD_ROWS(suite, streams_run_over_sockets, two);
    return test_run(suite);
}
