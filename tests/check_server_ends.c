/* SPDX-License-Identifier: MIT */
/*
 * check_server_ends.c - clients that read slowly, say no more, or leave; and the events that
 * handlers and the log get.
 */
#include "config.h"

#include <errno.h>

#include <tweed/inline_callbacks.h>
#include <tweed/task.h>
#include <tweed/tls.h>

#include "tests/certificates.h"
#include "tests/recorder.h"
#include "tests/site.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

/* --- the client, in memory: 256 KiB are on their way when it does not read ----------- */

static struct record client;
static tw_protocol *server_end;

static void client_connect(void)
{
    memset(&client, 0, sizeof client);
    server_end = site_protocol();
    ck_assert_int_eq(
        tw_memory_pair(server_end, recorder_new(&recorder_half_class, &client), 0), 0);
    ck_assert_ptr_nonnull(client.protocol);
}

static tw_transport *client_transport(void)
{
    ck_assert_ptr_nonnull(client.protocol);
    return client.protocol->transport;
}

/* From here on both speak TLS. */
static void client_secures(void)
{
    struct tw_tls_options ours = { .no_verify = true };
    struct tw_tls_options theirs = { .server = true, .cert_file = test_leaf_file() };
    tw_tls_context *client_context, *server_context;

    ck_assert(!tw_is_failure(tw_tls_context_new(&ours, &client_context)));
    ck_assert(!tw_is_failure(tw_tls_context_new(&theirs, &server_context)));
    ck_assert_int_eq(tw_transport_start_tls(server_end->transport, server_context, NULL), 0);
    ck_assert_int_eq(tw_transport_start_tls(client_transport(), client_context, "a.test"), 0);
    tw_tls_context_unref(client_context);
    tw_tls_context_unref(server_context);
    tw_testing_settle();
    ck_assert_ptr_nonnull(tw_transport_tls_version(client_transport()));
}

static void client_send(const char *text)
{
    tw_transport_write(client_transport(), text, strlen(text));
    tw_testing_settle();
}

/* Reads once, up to 64 KiB. */
static void client_reads_some(void)
{
    tw_transport_resume(client_transport());
    tw_reactor_iterate(0);
    tw_transport_pause(client_transport());
    tw_testing_settle();
}

static const char *client_text(void)
{
    return record_data(&client);
}

/* --- handlers ------------------------------------------------------------------------ */

static tw_request *waiting[8];
static unsigned waiting_count, big_count, gone_count, stop_count, cancel_count;

static tw_value hello(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_answer(request, 200, "text/plain", tw_string("hello"));
    return tw_none();
}

static tw_value filled(size_t length)
{
    char *data;
    tw_value bytes = tw_bytes_new(length, &data);

    ck_assert_ptr_nonnull(data);
    memset(data, 'x', length);
    return bytes;
}

static tw_value big(tw_request *request, void *arg)
{
    (void)arg;
    big_count++;
    tw_request_answer(request, 200, "text/plain", filled(MIB));
    return tw_none();
}

static tw_value wait_for_test(tw_request *request, void *arg)
{
    (void)arg;
    waiting[waiting_count++] = request;
    return tw_none();
}

static char piece[64 * KIB];

static tw_value begin_big(tw_request *request, void *arg)
{
    for (int i = 0; i < 16; i++)
        tw_request_write(request, piece, sizeof piece);
    return wait_for_test(request, arg);
}

static tw_value answer_late(void *arg)
{
    return tw_string(arg);
}

static char late_text[] = "late answer";

static tw_value later(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_wait(tw_defer_later(NULL, 20, answer_late, late_text));
}

/* --- what the log says --------------------------------------------------------------- */

static struct {
    unsigned count, cut;
    uint64_t bytes;
    int status;
    bool knows_peer;
} log_says;

static void finished(tw_request *request, void *arg)
{
    char peer[64] = "";
    tw_transport *transport = tw_request_transport(request);

    (void)arg;
    log_says.count++;
    log_says.cut += tw_request_answer_cut(request);
    log_says.bytes += tw_request_answer_bytes(request);
    log_says.status = tw_request_answer_status(request);
    if (transport != NULL)
        tw_transport_peer(transport, peer, sizeof peer);
    log_says.knows_peer = *peer != '\0';
}

static void begin(const struct tw_site_options *options)
{
    site_begin(options);
    waiting_count = big_count = gone_count = stop_count = cancel_count = 0;
    memset(&log_says, 0, sizeof log_says);
    ck_assert_int_eq(tw_site_handle(site, "/hello", hello, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/big", big, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/wait", wait_for_test, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/begin", begin_big, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/late", later, NULL, NULL), 0);
    client_connect();
}

static void end(void)
{
    for (unsigned i = 0; i < waiting_count; i++)
        if (waiting[i] != NULL)
            tw_request_finish(waiting[i]);
    if (client.protocol != NULL)
        tw_transport_abort(client_transport());
    tw_testing_settle();
    record_free(&client);
    site_end();
}

/* --- a client that does not read ----------------------------------------------------- */

#define CLOSING_GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static const struct {
    const char *what, *request;
    bool half_closes;
} unread[] = {
    { "an answer", GET("/big"), false },
    { "the last answer", CLOSING_GET("/big"), false },
    { "an answer that is being written", GET("/begin"), false },
    { "an answer before a refusal", GET("/big") "junk\r\n\r\n", false },
    { "an answer after which nothing is sent", GET("/big"), true },
    { "an answer before one that is late", GET("/big") GET("/wait"), false },
    { "an answer before a body",
      GET("/big") "POST /hello HTTP/1.1\r\nHost: a\r\n"
                  "Content-Length: 9\r\n\r\n",
      false },
};

static void begin_unread(const struct tw_site_options *options, int row)
{
    begin(options);
    tw_transport_pause(client_transport());
    client_send(unread[row].request);
    if (unread[row].half_closes)
        tw_transport_lose_write(client_transport());
    tw_testing_settle();
}

START_TEST(who_reads_nothing_for_30_seconds_is_let_go)
{
    struct tw_site_options options = { .body_rate = -1, .idle_timeout = 5 };

    begin_unread(&options, _i);
    tw_testing_advance(29);
    ck_assert_msg(site->connections == 1, "%s", unread[_i].what);
    tw_testing_advance(2);
    ck_assert_msg(is_closed(), "%s", unread[_i].what);
    end();
}
END_TEST

START_TEST(who_reads_a_little_has_time)
{
    struct tw_site_options options = { .body_rate = -1, .idle_timeout = 5 };

    begin_unread(&options, _i);
    for (int i = 0; i < 4; i++) {
        tw_testing_advance(20);
        ck_assert_msg(site->connections == 1, "%s", unread[_i].what);
        client_reads_some();
    }
    tw_testing_advance(29);
    ck_assert_msg(site->connections == 1, "%s", unread[_i].what);
    tw_testing_advance(2);
    ck_assert_msg(is_closed(), "%s", unread[_i].what);
    end();
}
END_TEST

START_TEST(the_time_to_read_can_be_set)
{
    struct tw_site_options options = { .send_timeout = -1 };

    begin_unread(&options, 1);
    tw_testing_advance(10000);
    ck_assert_uint_eq(site->connections, 1);
    end();
    options.send_timeout = 3;
    begin_unread(&options, 1);
    tw_testing_advance(2.9);
    ck_assert_uint_eq(site->connections, 1);
    tw_testing_advance(0.2);
    ck_assert(is_closed());
    end();
}
END_TEST

/* Idle time counts from when the client has read all. */
START_TEST(who_has_read_all_may_ask_again)
{
    struct tw_site_options options = { .idle_timeout = 5 };

    begin_unread(&options, 0);
    tw_testing_advance(9.9);
    tw_transport_resume(client_transport());
    tw_testing_settle();
    ck_assert_uint_gt(client.data.length, MIB);
    tw_testing_advance(4.5);
    ck_assert_uint_eq(site->connections, 1);
    tw_testing_advance(1);
    ck_assert(is_closed());
    end();
}
END_TEST

/* --- the handler's side of it -------------------------------------------------------- */

enum { STREAMED = 16 * MIB, HELD = 256 * KIB + 256 * KIB };

static size_t streamed;
static int drain_failed;

static tw_value stream_body(void *arg)
{
    tw_request *request = arg;

    for (streamed = 0; streamed < STREAMED; streamed += sizeof piece) {
        tw_value drained;
        int r = tw_request_write(request, piece, sizeof piece);

        if (r < 0)
            return tw_fail_errno(&tw_error_connection, r);
        drained = tw_await(tw_request_drain(request));
        if (tw_is_failure(drained)) {
            drain_failed++;
            return drained;
        }
    }
    tw_request_finish(request);
    return tw_none();
}

static tw_value stream(tw_request *request, void *arg)
{
    (void)arg;
    return tw_wait(tw_inline_callbacks(stream_body, request));
}

START_TEST(a_coroutine_writes_at_the_clients_pace)
{
    begin(NULL);
    ck_assert_int_eq(tw_site_handle(site, "/stream", stream, NULL, NULL), 0);
    tw_transport_pause(client_transport());
    client_send(GET("/stream"));
    ck_assert_uint_ge(streamed, 256 * KIB);
    ck_assert_uint_le(streamed, HELD);
    for (int i = 0; i < 20; i++) {
        tw_testing_advance(10);
        client_reads_some();
        ck_assert_uint_le(streamed, client.data.length + HELD);
    }
    tw_transport_resume(client_transport());
    tw_testing_settle();
    ck_assert_uint_eq(streamed, STREAMED);
    ck_assert_uint_gt(client.data.length, STREAMED);
    end();
}
END_TEST

START_TEST(a_drain_fails_when_the_client_goes)
{
    begin(NULL);
    drain_failed = 0;
    ck_assert_int_eq(tw_site_handle(site, "/stream", stream, NULL, NULL), 0);
    tw_transport_pause(client_transport());
    client_send(GET("/stream"));
    ck_assert_uint_lt(streamed, STREAMED);
    tw_transport_abort(client_transport());
    tw_testing_settle();
    ck_assert_int_eq(drain_failed, 1);
    ck_assert(is_closed());
    end();
}
END_TEST

static tw_value count_call(tw_value result, void *arg)
{
    ++*(unsigned *)arg;
    return result;
}

static tw_value count_failure(tw_value failure, void *arg)
{
    ck_assert(tw_failure_is(failure, &tw_error_cancelled));
    ++*(unsigned *)arg;
    return tw_none();
}

static tw_deferred *drain_of(unsigned index, unsigned *calls)
{
    tw_deferred *drained = tw_request_drain(waiting[index]);

    tw_add_callback(drained, count_call, calls);
    return drained;
}

START_TEST(a_drain_may_be_cancelled_or_forgotten)
{
    unsigned calls[3] = { 0 };
    tw_deferred *drained[3];

    begin(NULL);
    tw_transport_pause(client_transport());
    client_send(GET("/begin"));
    for (int i = 0; i < 3; i++)
        drained[i] = drain_of(0, &calls[i]);
    tw_cancel(drained[1]);
    tw_add_errback(drained[1], count_failure, &cancel_count);
    ck_assert_uint_eq(cancel_count, 1);
    tw_deferred_unref(drained[2]);
    tw_transport_resume(client_transport());
    tw_testing_settle();
    ck_assert_uint_eq(calls[0], 1);
    ck_assert_uint_eq(calls[1], 0);
    ck_assert_uint_eq(calls[2], 1);
    tw_deferred_unref(drained[0]);
    tw_deferred_unref(drained[1]);
    end();
}
END_TEST

/* Bytes queued behind another answer are unsent as well. */
START_TEST(an_answer_that_waits_for_its_turn_is_pending)
{
    unsigned calls = 0;
    tw_deferred *drained;

    begin(NULL);
    client_send(GET("/wait") GET("/wait"));
    ck_assert_uint_eq(waiting_count, 2);
    ck_assert_uint_eq(tw_request_pending(waiting[1]), 0);
    for (int i = 0; i < 4; i++)
        tw_request_write(waiting[1], piece, sizeof piece);
    ck_assert_uint_ge(tw_request_pending(waiting[1]), 4 * sizeof piece);
    ck_assert_uint_eq(tw_request_pending(waiting[0]), 0);
    drained = drain_of(1, &calls);
    tw_testing_advance(10);
    ck_assert_uint_eq(calls, 0);
    tw_request_answer(waiting[0], 200, NULL, tw_string("first"));
    waiting[0] = NULL;
    tw_testing_settle();
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(tw_request_pending(waiting[1]), 0);
    tw_deferred_unref(drained);
    end();
}
END_TEST

/* ... so no more requests are read while there is much of it. */
START_TEST(answers_behind_a_late_one_hold_back_further_requests)
{
    char text[4096] = GET("/wait");

    begin(NULL);
    for (int i = 0; i < 12; i++)
        strcat(text, GET("/big"));
    client_send(text);
    ck_assert_uint_eq(big_count, 1);
    tw_request_answer(waiting[0], 200, NULL, tw_string("first"));
    waiting[0] = NULL;
    tw_testing_settle();
    ck_assert_uint_eq(count_text(client_text(), "HTTP/1.1 200 OK"), 13);
    end();
}
END_TEST

/* --- producers ----------------------------------------------------------------------- */

static unsigned pause_count, resume_count;

static void note_pause(void *arg)
{
    (void)arg;
    pause_count++;
}

static void note_resume(void *arg)
{
    (void)arg;
    resume_count++;
}

static void note_stop(void *arg)
{
    (void)arg;
    stop_count++;
}

static const struct tw_producer producer = { note_pause, note_resume, note_stop };

static void note_gone(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    gone_count++;
}

START_TEST(a_push_producer_is_paused_and_resumed)
{
    begin(NULL);
    pause_count = resume_count = 0;
    tw_transport_pause(client_transport());
    client_send(GET("/wait"));
    ck_assert_int_eq(tw_request_register_producer(waiting[0], &producer, true, NULL), 0);
    ck_assert_int_eq(tw_request_register_producer(waiting[0], &producer, true, NULL), -EEXIST);
    for (int i = 0; i < 8; i++)
        tw_request_write(waiting[0], piece, sizeof piece);
    ck_assert_uint_eq(pause_count, 1);
    tw_testing_settle();
    ck_assert_uint_eq(resume_count, 0);
    tw_transport_resume(client_transport());
    tw_testing_settle();
    ck_assert_uint_eq(resume_count, 1);
    tw_request_finish(waiting[0]);
    waiting[0] = NULL;
    tw_testing_settle();
    ck_assert_uint_eq(pause_count, 1);
    ck_assert_uint_eq(stop_count, 0);
    end();
}
END_TEST

static unsigned pulls;

static void pulled(void *arg)
{
    (void)arg;
    if (++pulls <= 5)
        tw_request_write(waiting[0], piece, sizeof piece);
    else
        tw_request_unregister_producer(waiting[0]);
}

START_TEST(a_pull_producer_is_asked_each_time_that_all_is_sent)
{
    static const struct tw_producer puller = { NULL, pulled, note_stop };

    begin(NULL);
    pulls = 0;
    client_send(GET("/wait"));
    ck_assert_int_eq(tw_request_register_producer(waiting[0], &puller, true, NULL), -EINVAL);
    ck_assert_int_eq(tw_request_register_producer(waiting[0], &puller, false, NULL), 0);
    ck_assert_uint_eq(pulls, 1);
    tw_testing_settle();
    ck_assert_uint_eq(pulls, 6);
    ck_assert_uint_gt(client.data.length, 5 * sizeof piece);
    end();
}
END_TEST

static const struct {
    const char *what;
    enum { NO_PRODUCER, OF_ANSWER, OF_TRANSPORT } has_producer;
    bool sets_gone;
    unsigned stops, gones;
} told[] = {
    { "nobody", NO_PRODUCER, false, 0, 0 },
    { "on_gone", NO_PRODUCER, true, 0, 1 },
    { "stop", OF_ANSWER, false, 1, 0 },
    { "one of them", OF_ANSWER, true, 1, 0 },
    { "the transport's stop", OF_TRANSPORT, false, 1, 0 },
    { "one of them, the transport's", OF_TRANSPORT, true, 1, 0 },
};

START_TEST(a_client_that_goes_tells_one)
{
    begin(NULL);
    client_send(GET("/wait"));
    if (told[_i].has_producer == OF_ANSWER)
        tw_request_register_producer(waiting[0], &producer, true, NULL);
    else if (told[_i].has_producer == OF_TRANSPORT)
        tw_transport_register_producer(tw_request_transport(waiting[0]), &producer, true,
                                       NULL);
    if (told[_i].sets_gone)
        tw_request_on_gone(waiting[0], note_gone, NULL);
    tw_transport_abort(client_transport());
    tw_testing_settle();
    ck_assert_msg(stop_count == told[_i].stops && gone_count == told[_i].gones, "%s",
                  told[_i].what);
    ck_assert_uint_eq(tw_request_pending(waiting[0]), 0);
    ck_assert_int_eq(tw_request_register_producer(waiting[0], &producer, true, NULL), 0);
    ck_assert_uint_eq(stop_count, told[_i].stops + 1);
    end();
}
END_TEST

/* --- half close ---------------------------------------------------------------------- */

static const struct {
    const char *what, *request;
    unsigned answers;
    const char *last; /* what the client gets ends with it */
} halves[] = {
    { "nothing was asked", "", 0, "" },
    { "a late answer", GET("/late"), 1, "late answer" },
    { "the last answer", CLOSING_GET("/late"), 1, "late answer" },
    { "a large one", GET("/late") GET("/big"), 2, "xxxxxxxx" },
    { "two", GET("/late") GET("/hello"), 2, "hello" },
    { "more than is kept in order at once",
      GET("/late") GET("/hello") GET("/hello") GET("/hello"), 4, "hello" },
    { "a request that breaks off", GET("/late") "GET /hello HT", 1, "late answer" },
    { "a body that breaks off",
      GET("/late") "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 1,
      "late answer" },
    { "only a body that breaks off",
      "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 0, "" },
};

enum { HALVES = (int)(sizeof halves / sizeof halves[0]) };

/* Each plain, then over TLS, whose close_notify says no more. */
START_TEST(what_is_due_is_sent_to_a_client_that_says_no_more)
{
    struct tw_site_options options = { .max_pipelined = 2, .on_finished = finished };
    const char *text;
    int row = _i % HALVES;

    begin(&options);
    if (_i >= HALVES)
        client_secures();
    client_send(halves[row].request);
    tw_transport_lose_write(client_transport());
    tw_testing_settle();
    tw_testing_advance(21);
    text = client_text();
    ck_assert_msg(count_text(text, "HTTP/1.1 200 OK") == halves[row].answers, "%s: %s",
                  halves[row].what, text);
    ck_assert_str_eq(text + strlen(text) - strlen(halves[row].last), halves[row].last);
    ck_assert_msg(is_closed(), "%s", halves[row].what);
    ck_assert_ptr_nonnull(strstr(record_text(&client), "lost:connection_done"));
    end();
}
END_TEST

/* A TCP end without close_notify may be somebody else's: it cuts the request off. */
START_TEST(an_end_below_tls_is_no_half_close)
{
    tw_transport *lower;

    begin(NULL);
    lower = tw_transport_ref(client_transport());
    client_secures();
    client_send(GET("/wait"));
    tw_request_on_gone(waiting[0], note_gone, NULL);
    ck_assert_int_eq(tw_transport_lose_write(lower), 0);
    tw_testing_settle();
    ck_assert_uint_eq(gone_count, 1);
    ck_assert(is_closed());
    tw_transport_unref(lower);
    end();
}
END_TEST

START_TEST(who_says_no_more_waits_a_minute)
{
    begin(NULL);
    client_send(GET("/wait"));
    tw_request_on_gone(waiting[0], note_gone, NULL);
    tw_transport_lose_write(client_transport());
    tw_testing_advance(59);
    tw_request_write(waiting[0], "a", 1);
    tw_testing_advance(59);
    ck_assert_uint_eq(gone_count, 0);
    tw_testing_advance(70);
    ck_assert_uint_eq(gone_count, 1);
    ck_assert(is_closed());
    end();
}
END_TEST

/* --- the log ------------------------------------------------------------------------- */

START_TEST(the_log_hears_when_the_answer_is_with_the_system)
{
    struct tw_site_options options = { .on_finished = finished };

    begin(&options);
    tw_transport_pause(client_transport());
    client_send(GET("/hello"));
    ck_assert_uint_eq(log_says.count, 1);
    ck_assert_uint_eq(log_says.bytes, 5);
    ck_assert(log_says.knows_peer);
    client_send(GET("/big"));
    ck_assert_uint_eq(log_says.count, 1);
    tw_transport_resume(client_transport());
    tw_testing_settle();
    ck_assert_uint_eq(log_says.count, 2);
    ck_assert_uint_eq(log_says.bytes, 5 + MIB);
    ck_assert_uint_eq(log_says.cut, 0);
    end();
}
END_TEST

static const struct {
    const char *what, *request;
    unsigned logged, cut;
    uint64_t least, most;
} cuts[] = {
    { "an answer, finished", GET("/big"), 1, 1, 200 * KIB, 300 * KIB },
    { "the last one", CLOSING_GET("/big"), 1, 1, 200 * KIB, 300 * KIB },
    { "an answer on its way", GET("/begin"), 1, 1, 200 * KIB, 300 * KIB },
    { "no answer", GET("/wait"), 1, 1, 0, 0 },
    { "two that were sent", GET("/hello") GET("/hello"), 2, 0, 10, 10 },
    { "one sent and one not", GET("/hello") GET("/big"), 2, 1, 200 * KIB, 300 * KIB },
    { "one behind another", GET("/wait") GET("/hello"), 2, 2, 0, 0 },
    { "half a request", "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 1, 1,
      0, 0 },
};

START_TEST(the_log_says_what_was_cut)
{
    struct tw_site_options options = { .on_finished = finished };

    begin(&options);
    tw_transport_pause(client_transport());
    client_send(cuts[_i].request);
    tw_transport_abort(client_transport());
    tw_testing_settle();
    ck_assert_msg(log_says.count == cuts[_i].logged, "%s: %u", cuts[_i].what, log_says.count);
    ck_assert_msg(log_says.cut == cuts[_i].cut, "%s: %u", cuts[_i].what, log_says.cut);
    ck_assert_msg(log_says.bytes >= cuts[_i].least && log_says.bytes <= cuts[_i].most,
                  "%s: %llu", cuts[_i].what, (unsigned long long)log_says.bytes);
    ck_assert(log_says.knows_peer);
    end();
}
END_TEST

static void finish_other(tw_request *request, void *other)
{
    tw_request_finish(other);
    tw_request_finish(request);
}

START_TEST(so_was_an_answer_that_the_end_of_another_one_finished)
{
    struct tw_site_options options = { .on_finished = finished };

    begin(&options);
    client_send(GET("/wait") GET("/wait"));
    tw_request_on_gone(waiting[0], finish_other, waiting[1]);
    tw_transport_abort(client_transport());
    tw_testing_settle();
    waiting_count = 0;
    ck_assert_uint_eq(log_says.count, 2);
    ck_assert_uint_eq(log_says.cut, 2);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server_ends");

    TEST_ADD_ROWS(suite, who_reads_nothing_for_30_seconds_is_let_go, unread);
    TEST_ADD_ROWS(suite, who_reads_a_little_has_time, unread);
    TEST_ADD(suite, the_time_to_read_can_be_set);
    TEST_ADD(suite, who_has_read_all_may_ask_again);
    TEST_ADD(suite, a_coroutine_writes_at_the_clients_pace);
    TEST_ADD(suite, a_drain_fails_when_the_client_goes);
    TEST_ADD(suite, a_drain_may_be_cancelled_or_forgotten);
    TEST_ADD(suite, an_answer_that_waits_for_its_turn_is_pending);
    TEST_ADD(suite, answers_behind_a_late_one_hold_back_further_requests);
    TEST_ADD(suite, a_push_producer_is_paused_and_resumed);
    TEST_ADD(suite, a_pull_producer_is_asked_each_time_that_all_is_sent);
    TEST_ADD_ROWS(suite, a_client_that_goes_tells_one, told);
    test_add(suite, what_is_due_is_sent_to_a_client_that_says_no_more, 0, 2 * HALVES);
    TEST_ADD(suite, an_end_below_tls_is_no_half_close);
    TEST_ADD(suite, who_says_no_more_waits_a_minute);
    TEST_ADD(suite, the_log_hears_when_the_answer_is_with_the_system);
    TEST_ADD_ROWS(suite, the_log_says_what_was_cut, cuts);
    TEST_ADD(suite, so_was_an_answer_that_the_end_of_another_one_finished);
    return test_run(suite);
}
