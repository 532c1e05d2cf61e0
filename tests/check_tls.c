/* SPDX-License-Identifier: MIT */
/*
 * check_tls.c - TLS connections: their bytes, their ends, their flow; in memory and virtual time.
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
    ck_assert_ptr_null(tw_transport_alpn(twi_transport_lower(client_transport())));
    ck_assert_ptr_null(tw_transport_tls_version(twi_transport_lower(client_transport())));
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
    tw_transport_lose(twi_transport_lower(client_transport()));
}

static void reset_client(void)
{
    tw_transport_abort(twi_transport_lower(client_transport()));
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
    tw_transport_pause(twi_transport_lower(server_transport())); /* it does not even read */
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

START_TEST(a_clients_context_serves_nobody)
{
    struct tw_listen_options options = { 0 };
    tw_factory *factory = test_given(tw_factory_of(&recorder_class, NULL));
    tw_listener *none = NULL;
    tw_value failure = tw_tls_client_context(NULL, NULL, true, &options.tls);

    ck_assert(!tw_is_failure(failure));
    ck_assert_int_eq(tw_listen(&options, factory, &none, &failure), -EINVAL);
    ck_assert(tw_failure_is(failure, &tw_error_url));
    tw_release(failure);
    tw_factory_unref(factory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls");

    test_spare_openssl();
    TEST_ADD(suite, a_clients_context_serves_nobody);
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
    return test_run(suite);
}
