/* SPDX-License-Identifier: MIT */
/*
 * check_memory.c - connections and listeners in memory, and the reactor under test.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/reactor.h>
#include <tweed/tcp.h>
#include <tweed/testing.h>

#include "net/transport/memory.h"
#include "net/transport/transport.h"
#include "tests/recorder.h"
#include "tests/test.h"

static struct record left, right;

static void begin_with(const tw_protocol_class *protocol_class, size_t piece)
{
    memset(&left, 0, sizeof left);
    memset(&right, 0, sizeof right);
    ck_assert_int_eq(tw_testing_begin(), 0);
    ck_assert_int_eq(tw_memory_pair(recorder_new(protocol_class, &left),
                                    recorder_new(protocol_class, &right), piece),
                     0);
}

static void begin(size_t piece)
{
    begin_with(&recorder_class, piece);
}

static void end(void)
{
    if (left.protocol != NULL)
        tw_transport_abort(left.protocol->transport);
    tw_testing_settle();
    if (right.protocol != NULL)
        tw_transport_abort(right.protocol->transport);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&left);
    record_free(&right);
}

static int write_text(struct record *from, const char *text)
{
    return tw_transport_write(from->protocol->transport, text, strlen(text));
}

START_TEST(what_is_written_arrives_in_a_later_turn)
{
    begin(0);
    write_text(&left, "over ");
    write_text(&left, "there");
    write_text(&right, "and back");
    ck_assert_str_eq(record_data(&right), "");
    tw_testing_settle();
    ck_assert_str_eq(record_data(&right), "over there");
    ck_assert_str_eq(record_data(&left), "and back");
    ck_assert_uint_eq(right.deliveries, 1);
    end();
}
END_TEST

START_TEST(pieces_are_as_small_as_asked_for)
{
    begin(3);
    write_text(&left, "0123456789");
    tw_testing_settle();
    ck_assert_str_eq(record_data(&right), "0123456789");
    ck_assert_uint_eq(right.deliveries, 4);
    ck_assert_uint_eq(right.largest, 3);
    end();
}
END_TEST

START_TEST(a_clean_end_comes_after_the_data)
{
    begin(1);
    write_text(&left, "bye");
    tw_transport_lose(left.protocol->transport);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&right), "bye");
    ck_assert_str_eq(record_text(&left), "made lost:connection_done released");
    ck_assert_str_eq(record_text(&right), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(an_abort_breaks_the_other_side)
{
    begin(1);
    write_text(&left, "dropped");
    tw_transport_abort(left.protocol->transport);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&right), "");
    ck_assert_str_eq(record_text(&left), "made lost:connection_aborted released");
    ck_assert_str_eq(record_text(&right), "made lost:connection_lost released");
    end();
}
END_TEST

static void answer(struct record *record)
{
    write_text(record, "answer");
    tw_transport_lose_write(record->protocol->transport);
}

START_TEST(a_half_closed_connection_still_carries_the_answer)
{
    begin_with(&recorder_half_class, 0);
    right.on_eof = answer;
    write_text(&left, "question");
    tw_transport_lose_write(left.protocol->transport);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&right), "question");
    ck_assert_str_eq(record_data(&left), "answer");
    ck_assert_str_eq(record_text(&left), "made shut eof lost:connection_done released");
    ck_assert_str_eq(record_text(&right), "made eof lost:connection_done released");
    end();
}
END_TEST

START_TEST(writing_to_who_has_gone_breaks_the_connection)
{
    begin_with(&recorder_half_class, 0);
    tw_transport_lose(left.protocol->transport);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&right), "made eof");
    write_text(&right, "hello?");
    tw_testing_settle();
    ck_assert_str_eq(record_text(&right), "made eof lost:connection_lost released");
    end();
}
END_TEST

START_TEST(a_paused_reader_holds_the_writer_back)
{
    static char big[1024 * 1024];

    begin(0);
    tw_transport_pause(right.protocol->transport);
    memset(big, 'x', sizeof big);
    tw_transport_write(left.protocol->transport, big, sizeof big);
    tw_testing_settle();
    ck_assert_uint_eq(right.deliveries, 0);
    ck_assert_uint_gt(tw_transport_unsent(left.protocol->transport), 0);
    tw_transport_lose(left.protocol->transport);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&left), "made");
    tw_transport_resume(right.protocol->transport);
    tw_testing_settle();
    ck_assert_uint_eq(right.data.length, sizeof big);
    ck_assert_str_eq(record_text(&left), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(a_side_may_have_no_protocol)
{
    memset(&left, 0, sizeof left);
    memset(&right, 0, sizeof right);
    ck_assert_int_eq(tw_testing_begin(), 0);
    ck_assert_int_eq(tw_memory_pair(recorder_new(&recorder_class, &left), NULL, 0), 0);
    write_text(&left, "nobody");
    tw_testing_settle();
    tw_transport_lose(left.protocol->transport);
    tw_testing_settle();
    end();
}
END_TEST

/* --- listeners ---------------------------------------------------------------------- */

static struct record server, client;

static void greet(struct record *record)
{
    write_text(record, "welcome");
}

static tw_listener *listen_at(const char *address, unsigned port)
{
    struct tw_listen_options options = { .address = address, .port = port };
    tw_factory *factory = recorder_factory(&server);
    tw_listener *listener = NULL;

    ck_assert_int_eq(tw_listen(&options, factory, &listener, NULL), 0);
    tw_factory_unref(factory);
    return listener;
}

static const struct {
    const char *listen, *host;
    unsigned listen_port, port;
    int r;
} meetings[] = {
    { "quotes.example", "quotes.example", 80, 80, 0 },
    { "quotes.example", "other.example", 80, 80, -ECONNREFUSED },
    { "quotes.example", "quotes.example", 80, 81, -ECONNREFUSED },
    { "0.0.0.0", "any.example", 80, 80, 0 },
    { "::", "any.example", 80, 80, 0 },
    { "0.0.0.0", "unix:/some/path", 0, 0, -ECONNREFUSED },
    { NULL, "127.0.0.1", 8080, 8080, 0 },
    { NULL, "localhost", 8080, 8080, 0 },
    { "unix:/some/path", "unix:/some/path", 0, 0, 0 },
};

START_TEST(listeners_are_met_by_name_and_port)
{
    tw_listener *listener;

    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    ck_assert_int_eq(tw_testing_begin(), 0);
    ck_assert(twi_memory_on());
    listener = listen_at(meetings[_i].listen, meetings[_i].listen_port);
    server.on_made = greet;
    ck_assert_int_eq(twi_memory_find(meetings[_i].host, meetings[_i].port), meetings[_i].r);
    ck_assert_int_eq(twi_memory_connect(meetings[_i].host, meetings[_i].port,
                                        recorder_new(&recorder_class, &client), NULL),
                     meetings[_i].r);
    tw_testing_settle();
    if (meetings[_i].r == 0) {
        ck_assert_str_eq(record_data(&client), "welcome");
        tw_transport_lose(client.protocol->transport);
    } else {
        ck_assert_str_eq(record_text(&client), "released");
    }
    tw_listener_close(listener);
    tw_testing_settle();
    if (meetings[_i].r == 0)
        ck_assert_str_eq(record_text(&server), "made lost:connection_done released");
    ck_assert_uint_eq(tw_testing_end(), 0);
    ck_assert(!twi_memory_on());
    record_free(&server);
    record_free(&client);
}
END_TEST

START_TEST(a_port_in_memory_is_taken_once)
{
    struct tw_listen_options options = { .port = 80 };
    tw_listener *first, *second, *third = NULL;
    tw_factory *factory = recorder_factory(&server);
    char text[32];

    memset(&server, 0, sizeof server);
    ck_assert_int_eq(tw_testing_begin(), 0);
    first = listen_at(NULL, 80);
    ck_assert_int_eq(tw_listen(&options, factory, &third, NULL), -EADDRINUSE);
    ck_assert_ptr_null(third);
    second = listen_at(NULL, 0);
    third = listen_at("::1", 0);
    ck_assert_uint_gt(tw_listener_port(second), 0);
    ck_assert_uint_ne(tw_listener_port(second), tw_listener_port(third));
    tw_listener_address(first, text, sizeof text);
    ck_assert_str_eq(text, "127.0.0.1:80");
    tw_listener_pause(first);
    ck_assert_int_eq(twi_memory_find("127.0.0.1", 80), -ECONNREFUSED);
    tw_listener_resume(first);
    ck_assert_int_eq(twi_memory_find("127.0.0.1", 80), 0);
    tw_listener_close(first);
    tw_listener_close(second);
    tw_factory_unref(factory);
    ck_assert_uint_eq(tw_testing_end(), 0); /* the third goes with the reactor */
}
END_TEST

static tw_protocol *build_none(tw_factory *factory)
{
    (void)factory;
    return NULL;
}

static int starts, stops, releases;
static void count_start(tw_factory *factory)
{
    (void)factory;
    starts++;
}
static void count_stop(tw_factory *factory)
{
    (void)factory;
    stops++;
}
static void count_release(tw_factory *factory)
{
    ck_assert_ptr_eq(tw_factory_data(factory), &starts);
    releases++;
}

START_TEST(a_factory_that_builds_nothing_turns_connections_away)
{
    static const struct tw_factory_class none = { build_none, count_start, count_stop,
                                                  count_release };
    struct tw_listen_options options = { .port = 80 };
    tw_factory *factory = tw_factory_new(&none, &starts);
    tw_listener *listener;

    starts = stops = releases = 0;
    memset(&client, 0, sizeof client);
    ck_assert_int_eq(tw_testing_begin(), 0);
    ck_assert_int_eq(tw_listen(&options, factory, &listener, NULL), 0);
    tw_factory_unref(factory);
    ck_assert_int_eq(starts, 1);
    ck_assert_int_eq(
        twi_memory_connect("localhost", 80, recorder_new(&recorder_class, &client), NULL), 0);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&client), "made lost:connection_done released");
    ck_assert_int_eq(stops, 0);
    tw_listener_close(listener);
    ck_assert_int_eq(stops, 1);
    ck_assert_int_eq(releases, 1);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&client);
}
END_TEST

static int count_living;
static void living_made(tw_protocol *protocol)
{
    ck_assert_ptr_nonnull(protocol->factory);
    ck_assert_ptr_eq(tw_factory_data(protocol->factory), &count_living);
    count_living++;
}
static void living_lost(tw_protocol *protocol, tw_value reason)
{
    (void)reason;
    ck_assert_ptr_nonnull(protocol->factory);
    count_living--;
}

START_TEST(the_simple_factory_builds_one_class_and_outlives_its_listener)
{
    static const tw_protocol_class living = {
        .name = "living",
        .connection_made = living_made,
        .connection_lost = living_lost,
    };
    struct tw_listen_options options = { .port = 80 };
    tw_factory *factory = tw_factory_of(&living, &count_living);
    tw_listener *listener;

    memset(&client, 0, sizeof client);
    ck_assert_int_eq(tw_testing_begin(), 0);
    ck_assert_int_eq(tw_listen(&options, tw_factory_ref(factory), &listener, NULL), 0);
    tw_factory_unref(factory);
    tw_factory_unref(factory);
    twi_memory_connect("localhost", 80, recorder_new(&recorder_class, &client), NULL);
    ck_assert_int_eq(count_living, 1);
    tw_listener_close(listener);
    tw_transport_lose(client.protocol->transport);
    tw_testing_settle();
    ck_assert_int_eq(count_living, 0);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&client);
}
END_TEST

/* --- the reactor under test --------------------------------------------------------- */

static void later(void *arg)
{
    double *when = arg;
    *when = tw_clock_seconds(tw_reactor_clock());
}

START_TEST(time_moves_as_it_is_told)
{
    double first = 0, second = 0, begun;

    ck_assert_int_eq(tw_testing_begin(), 0);
    begun = tw_clock_seconds(tw_reactor_clock());
    tw_call_later(5, later, &first);
    tw_call_later(15, later, &second);
    tw_testing_settle();
    ck_assert(first == 0);
    tw_testing_advance(10);
    ck_assert(first == begun + 5);
    ck_assert(second == 0);
    ck_assert(tw_clock_seconds(tw_reactor_clock()) == begun + 10);
    tw_testing_advance(10);
    ck_assert(second == begun + 15);
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

START_TEST(what_is_left_over_is_counted)
{
    double never = 0;

    begin(0);
    tw_call_later(5, later, &never);
    ck_assert_uint_eq(tw_testing_end(), 3);
    ck_assert_str_eq(record_text(&left), "made lost:connection_lost released");
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&left);
    record_free(&right);
}
END_TEST

START_TEST(a_reactor_that_is_there_is_replaced)
{
    ck_assert_ptr_nonnull(tw_reactor_current());
    ck_assert_int_eq(tw_testing_begin(), 0);
    ck_assert_int_eq(tw_testing_begin(), 0);
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

/* --- out of memory ------------------------------------------------------------------ */

static bool a_meeting(void *arg)
{
    struct tw_listen_options options = { .address = "a.example", .port = 80 };
    tw_factory *factory;
    tw_listener *listener = NULL;
    bool ok = false;

    (void)arg;
    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    if (tw_testing_begin() < 0)
        return false;
    factory = recorder_factory(&server);
    server.on_made = greet;
    if (factory != NULL && tw_listen(&options, factory, &listener, NULL) == 0) {
        tw_protocol *protocol = recorder_new(&recorder_class, &client);
        if (protocol != NULL && twi_memory_connect("a.example", 80, protocol, NULL) == 0) {
            tw_testing_settle();
            ok = strcmp(record_data(&client), "welcome") == 0;
            if (client.protocol != NULL)
                tw_transport_lose(client.protocol->transport);
            tw_testing_settle();
            ck_assert_ptr_null(server.protocol);
            ck_assert_ptr_null(client.protocol);
        }
    }
    tw_listener_close(listener);
    tw_factory_unref(factory);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&server);
    record_free(&client);
    return ok;
}

START_TEST(a_meeting_survives_every_failed_allocation)
{
    ck_assert_uint_gt(test_each_alloc_failure(a_meeting, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");

    TEST_ADD(suite, what_is_written_arrives_in_a_later_turn);
    TEST_ADD(suite, pieces_are_as_small_as_asked_for);
    TEST_ADD(suite, a_clean_end_comes_after_the_data);
    TEST_ADD(suite, an_abort_breaks_the_other_side);
    TEST_ADD(suite, a_half_closed_connection_still_carries_the_answer);
    TEST_ADD(suite, writing_to_who_has_gone_breaks_the_connection);
    TEST_ADD(suite, a_paused_reader_holds_the_writer_back);
    TEST_ADD(suite, a_side_may_have_no_protocol);
    TEST_ADD_ROWS(suite, listeners_are_met_by_name_and_port, meetings);
    TEST_ADD(suite, a_port_in_memory_is_taken_once);
    TEST_ADD(suite, a_factory_that_builds_nothing_turns_connections_away);
    TEST_ADD(suite, the_simple_factory_builds_one_class_and_outlives_its_listener);
    TEST_ADD(suite, time_moves_as_it_is_told);
    TEST_ADD(suite, what_is_left_over_is_counted);
    TEST_ADD(suite, a_reactor_that_is_there_is_replaced);
    TEST_ADD(suite, a_meeting_survives_every_failed_allocation);
    return test_run(suite);
}
