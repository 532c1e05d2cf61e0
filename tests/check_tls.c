/*
 * check_tls.c - TLS connections, in memory and virtual time.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tweed/reactor.h>
#include <tweed/tcp.h>
#include <tweed/testing.h>
#include <unistd.h>

#include "net/connect.h"
#include "net/transport.h"
#include "tests/certificates.h"
#include "tests/recorder.h"
#include "tests/test.h"

static struct record client, server;
static tw_tls_context *client_tls, *server_tls;
static tw_listener *listener;
static const tw_protocol_class *server_class;

static tw_tls_context *context_new(struct tw_tls_options options)
{
    tw_tls_context *context = NULL;
    tw_value failure = tw_tls_context_new(&options, &context);

    ck_assert_msg(!tw_is_failure(failure), "%s", tw_failure_message(failure));
    return context;
}

static tw_protocol *build(tw_factory *factory)
{
    return recorder_new(server_class, tw_factory_data(factory));
}

static void listen_on(const tw_protocol_class *protocol_class, tw_tls_context *tls)
{
    static const struct tw_factory_class factory_class = { .build = build };
    tw_factory *factory = tw_factory_new(&factory_class, &server);
    struct tw_listen_options options = { .port = 443, .tls = tls };

    server_class = protocol_class;
    ck_assert_int_eq(tw_listen(&options, factory, &listener), 0);
    tw_factory_unref(factory);
}

static void begin_class(const tw_protocol_class *protocol_class)
{
    ck_assert_int_eq(tw_testing_begin(), 0);
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    client_tls = context_new(
        (struct tw_tls_options){ .ca_file = test_ca_file(), .alpn = "h2,http/1.1" });
    server_tls = context_new((struct tw_tls_options){
        .server = true, .alpn = "http/1.1", .cert_file = test_leaf_file() });
    listen_on(protocol_class, server_tls);
}

static void begin(void)
{
    begin_class(&recorder_class);
}

static void end(void)
{
    tw_listener_close(listener);
    tw_tls_context_unref(client_tls);
    tw_tls_context_unref(server_tls);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&client);
    record_free(&server);
}

static tw_deferred *dial_class(const tw_protocol_class *protocol_class)
{
    struct tw_connect_options options = { .tls = client_tls, .server_name = "a.test" };

    return tw_connect("127.0.0.1", 443, &options, recorder_new(protocol_class, &client));
}

static void connect_class(const tw_protocol_class *protocol_class)
{
    tw_value result = tw_block_on(dial_class(protocol_class));

    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    ck_assert_ptr_eq(tw_pointer_of(result), client.protocol);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&server), "made");
}

static void connect_both(void)
{
    connect_class(&recorder_class);
}

static tw_transport *client_transport(void)
{
    return client.protocol->transport;
}

static tw_transport *server_transport(void)
{
    return server.protocol->transport;
}

/* --- a connection -------------------------------------------------------------------------- */

START_TEST(bytes_go_both_ways)
{
    char text[80];

    begin();
    connect_both();
    ck_assert_str_eq(tw_transport_alpn(client_transport()), "http/1.1");
    ck_assert_str_eq(tw_transport_alpn(server_transport()), "http/1.1");
    ck_assert_str_eq(tw_transport_tls_version(client_transport()), "TLSv1.3");
    ck_assert(!tw_transport_tls_resumed(client_transport()));
    ck_assert_ptr_null(tw_transport_alpn(client_transport()->lower));
    ck_assert_ptr_null(tw_transport_tls_version(client_transport()->lower));
    ck_assert_int_gt(tw_transport_peer(client_transport(), text, sizeof text), 0);
    ck_assert_int_gt(tw_transport_local(client_transport(), text, sizeof text), 0);
    ck_assert_int_eq(tw_transport_fd(client_transport()), -1);
    tw_transport_write(client_transport(), "question", 8);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&server), "question");
    tw_transport_write_value(server_transport(), tw_string("answer"));
    tw_testing_settle();
    ck_assert_str_eq(record_data(&client), "answer");
    ck_assert_uint_eq(tw_transport_unsent(client_transport()), 0);
    tw_transport_lose(client_transport());
    tw_testing_settle();
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(what_a_turn_writes_is_one_record)
{
    begin();
    connect_both();
    for (int i = 0; i < 100; i++)
        tw_transport_write(client_transport(), "0123456789", 10);
    tw_testing_settle();
    ck_assert_uint_eq(server.data.length, 1000);
    ck_assert_uint_eq(server.deliveries, 1);
    for (int i = 0; i < 5; i++) {
        tw_transport_write(client_transport(), "head", 4);
        tw_transport_write_value(client_transport(), tw_string("body"));
    }
    tw_testing_settle();
    ck_assert_uint_eq(server.deliveries, 2);
    tw_transport_lose(client_transport());
    tw_testing_settle();
    end();
}
END_TEST

static void write_in_made(struct record *record)
{
    tw_transport_write(record->protocol->transport, "first", 5);
}

START_TEST(what_is_written_in_connection_made_comes_first)
{
    begin();
    client.on_made = write_in_made;
    server.on_made = write_in_made;
    connect_both();
    ck_assert_str_eq(record_data(&server), "first");
    ck_assert_str_eq(record_data(&client), "first");
    tw_transport_lose(server_transport());
    tw_testing_settle();
    end();
}
END_TEST

/* --- ends ---------------------------------------------------------------------------------- */

static void lose_client(void)
{
    tw_transport_lose(client_transport());
}

static void lose_server(void)
{
    tw_transport_lose(server_transport());
}

static void write_and_lose(void)
{
    tw_transport_write(client_transport(), "last words", 10);
    tw_transport_lose(client_transport());
}

static void lose_both(void)
{
    lose_client();
    lose_server();
}

static void abort_client(void)
{
    tw_transport_abort(client_transport());
}

/* The stream ends below TLS, as an attacker could make it. */
static void cut_client(void)
{
    tw_transport_lose(client_transport()->lower);
}

static void reset_client(void)
{
    tw_transport_abort(client_transport()->lower);
}

static void shut_client(void)
{
    tw_transport_lose_write(client_transport());
}

static const struct {
    const tw_protocol_class *server_class, *client_class;
    void (*act)(void);
    const char *client, *server;
} ends[] = {
    { &recorder_class, &recorder_class, lose_client, "lost:connection_done",
      "lost:connection_done" },
    { &recorder_class, &recorder_class, lose_server, "lost:connection_done",
      "lost:connection_done" },
    { &recorder_class, &recorder_class, write_and_lose, "lost:connection_done",
      "lost:connection_done" },
    { &recorder_class, &recorder_class, lose_both, "lost:connection_done",
      "lost:connection_done" },
    { &recorder_class, &recorder_class, abort_client, "lost:connection_aborted",
      "lost:connection_lost" },
    { &recorder_class, &recorder_class, cut_client, "lost:connection_lost",
      "lost:connection_lost" },
    { &recorder_half_class, &recorder_class, cut_client, "lost:connection_lost",
      "lost:connection_lost" },
    { &recorder_class, &recorder_class, reset_client, "lost:connection_aborted",
      "lost:connection_lost" },
    { &recorder_class, &recorder_half_class, shut_client, "shut eof lost:connection_done",
      "lost:connection_done" },
    { &recorder_half_class, &recorder_class, lose_server, "lost:connection_done",
      "lost:connection_done" },
};

START_TEST(a_connection_ends_with_its_reason)
{
    char expected[80];

    begin_class(ends[_i].server_class);
    connect_class(ends[_i].client_class);
    ends[_i].act();
    tw_testing_advance(5);
    snprintf(expected, sizeof expected, "made %s released", ends[_i].client);
    ck_assert_str_eq(record_text(&client), expected);
    snprintf(expected, sizeof expected, "made %s released", ends[_i].server);
    ck_assert_str_eq(record_text(&server), expected);
    end();
}
END_TEST

START_TEST(a_half_closed_connection_still_carries)
{
    begin_class(&recorder_half_class);
    connect_class(&recorder_half_class);
    tw_transport_write(client_transport(), "request", 7);
    ck_assert_int_eq(tw_transport_lose_write(client_transport()), 0);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&client), "made shut");
    ck_assert_str_eq(record_text(&server), "made eof");
    tw_transport_write(server_transport(), "response", 8);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&client), "response");
    tw_transport_lose(server_transport());
    tw_testing_settle();
    ck_assert_str_eq(record_text(&client), "made shut eof lost:connection_done released");
    end();
}
END_TEST

START_TEST(a_peer_that_does_not_answer_close_notify_is_dropped)
{
    begin();
    connect_both();
    tw_transport_pause(server_transport()->lower); /* it does not even read */
    lose_client();
    tw_testing_settle();
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    ck_assert_str_eq(record_text(&server), "made");
    ck_assert_uint_eq(twi_transport_count(), 3);
    tw_testing_advance(10);
    ck_assert_uint_eq(twi_transport_count(), 0);
    ck_assert_str_eq(record_text(&server), "made lost:connection_lost released");
    end();
}
END_TEST

static void lose_in_data(struct record *record, const char *data, size_t length)
{
    (void)data, (void)length;
    if (record->protocol != NULL)
        tw_transport_lose(record->protocol->transport);
}

static void abort_in_data(struct record *record, const char *data, size_t length)
{
    (void)data, (void)length;
    tw_transport_abort(record->protocol->transport);
}

START_TEST(nothing_is_delivered_after_a_close_in_data_received)
{
    begin();
    server.on_data = _i == 0 ? lose_in_data : abort_in_data;
    connect_both();
    tw_transport_write(client_transport(), "one", 3);
    tw_reactor_iterate(0);
    tw_transport_write(client_transport(), "two", 3);
    tw_testing_advance(5);
    ck_assert_str_eq(record_data(&server), "one");
    ck_assert_str_eq(record_text(&server), _i == 0 ? "made lost:connection_done released"
                                                   : "made lost:connection_aborted released");
    end();
}
END_TEST

/* --- flow ---------------------------------------------------------------------------------- */

START_TEST(a_paused_protocol_gets_nothing)
{
    begin();
    connect_both();
    tw_transport_pause(server_transport());
    tw_transport_write(client_transport(), "one", 3);
    tw_transport_lose(client_transport());
    tw_testing_settle();
    ck_assert_uint_eq(server.data.length, 0);
    ck_assert_str_eq(record_text(&server), "made");
    tw_transport_resume(server_transport());
    tw_testing_settle();
    ck_assert_str_eq(record_data(&server), "one");
    ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    end();
}
END_TEST

static void pause_in_data(struct record *record, const char *data, size_t length)
{
    (void)data, (void)length;
    tw_transport_pause(record->protocol->transport);
}

START_TEST(a_pause_in_data_received_holds_what_was_read)
{
    static char bytes[200000];

    begin();
    server.on_data = pause_in_data;
    connect_both();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 + i / 509);
    tw_transport_write(client_transport(), bytes, sizeof bytes);
    for (size_t deliveries = 1; server.data.length < sizeof bytes; deliveries++) {
        tw_testing_settle();
        ck_assert_uint_eq(server.deliveries, deliveries);
        tw_transport_resume(server_transport());
    }
    ck_assert_mem_eq(server.data.data, bytes, sizeof bytes);
    lose_client();
    tw_testing_settle();
    end();
}
END_TEST

static struct {
    size_t left;
    bool paused, stopped;
    unsigned pauses;
} producing;

static void produce(void *arg)
{
    static char block[50000];

    (void)arg;
    producing.paused = false;
    while (producing.left > 0 && !producing.paused && client.protocol != NULL) {
        size_t length = producing.left < sizeof block ? producing.left : sizeof block;

        producing.left -= length;
        tw_transport_write(client_transport(), block, length);
    }
    if (producing.left == 0 && client.protocol != NULL)
        tw_transport_unregister_producer(client_transport());
}

static void pause_producing(void *arg)
{
    (void)arg;
    producing.paused = true;
    producing.pauses++;
}

static void stop_producing(void *arg)
{
    (void)arg;
    producing.stopped = true;
}

static const struct tw_producer producer = { pause_producing, produce, stop_producing };

START_TEST(a_producer_is_slowed_by_what_is_below)
{
    begin();
    connect_both();
    memset(&producing, 0, sizeof producing);
    producing.left = 5000000;
    ck_assert_int_eq(tw_transport_register_producer(client_transport(), &producer, true, NULL),
                     0);
    tw_transport_pause(server_transport());
    produce(NULL);
    tw_testing_settle();
    ck_assert_uint_gt(producing.left, 4000000);
    ck_assert_uint_gt(producing.pauses, 0);
    ck_assert_uint_lt(tw_transport_unsent(client_transport()), 500000);
    tw_transport_lose(client_transport());
    tw_testing_settle();
    ck_assert_str_eq(record_text(&client), "made"); /* it waits for its producer */
    tw_transport_resume(server_transport());
    tw_testing_settle();
    ck_assert_uint_eq(server.data.length, 5000000);
    ck_assert(!producing.stopped);
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(a_protocol_may_bring_its_own_buffer)
{
    begin_class(&recorder_buffered_class);
    server.buffer_size = 10;
    server.buffer = malloc(10);
    connect_both();
    tw_transport_write(client_transport(), "0123456789abcdefghijklmno", 25);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&server), "0123456789abcdefghijklmno");
    ck_assert_uint_eq(server.largest, 10);
    lose_client();
    tw_testing_settle();
    end();
}
END_TEST

static void file_done(int error, void *arg)
{
    *(int *)arg = error;
}

START_TEST(files_are_sent_through_tls)
{
    FILE *file = tmpfile();
    int done = 1;

    begin();
    connect_both();
    for (int i = 0; i < 100000; i++)
        fprintf(file, "line %d\n", i);
    fflush(file);
    tw_transport_write(client_transport(), "<", 1);
    ck_assert_int_eq(
        tw_transport_write_file(client_transport(), fileno(file), 0, 700000, file_done, &done),
        0);
    tw_transport_write(client_transport(), ">", 1);
    tw_testing_settle();
    ck_assert_int_eq(done, 0);
    ck_assert_uint_eq(server.data.length, 700002);
    ck_assert_mem_eq(server.data.data, "<line 0\nline 1\n", 15);
    ck_assert_int_eq(server.data.data[700001], '>');
    lose_client();
    tw_testing_settle();
    end();
    fclose(file);
}
END_TEST

START_TEST(a_file_that_is_too_short_ends_the_connection)
{
    FILE *file = tmpfile();
    int done = 1;

    begin();
    connect_both();
    fputs("short", file);
    fflush(file);
    tw_transport_write_file(client_transport(), fileno(file), 0, 1000, file_done, &done);
    tw_testing_settle();
    ck_assert_int_lt(done, 0);
    ck_assert_str_eq(record_text(&client), "made lost:connection_lost released");
    end();
    fclose(file);
}
END_TEST

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
    Suite *suite = suite_create("tls");

    TEST_ADD(suite, bytes_go_both_ways);
    TEST_ADD(suite, what_a_turn_writes_is_one_record);
    TEST_ADD(suite, what_is_written_in_connection_made_comes_first);
    TEST_ADD_ROWS(suite, a_connection_ends_with_its_reason, ends);
    TEST_ADD(suite, a_half_closed_connection_still_carries);
    TEST_ADD(suite, a_peer_that_does_not_answer_close_notify_is_dropped);
    test_add(suite, nothing_is_delivered_after_a_close_in_data_received, 0, 2);
    TEST_ADD(suite, a_paused_protocol_gets_nothing);
    TEST_ADD(suite, a_pause_in_data_received_holds_what_was_read);
    TEST_ADD(suite, a_producer_is_slowed_by_what_is_below);
    TEST_ADD(suite, a_protocol_may_bring_its_own_buffer);
    TEST_ADD(suite, files_are_sent_through_tls);
    TEST_ADD(suite, a_file_that_is_too_short_ends_the_connection);
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
    TEST_ADD(suite, running_out_of_memory_is_survived);
    return test_run(suite);
}
