/* SPDX-License-Identifier: MIT */
/*
 * check_client_wire.c - the bytes of a request and its answers as they went over the wire, and
 * responses read out of such bytes again.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "tests/client_peer.h"
#include "tests/test.h"

static struct peer peer;
static struct outcome got;
static tw_deferred *victim;

/* What was told, of all hops. */
static struct {
    struct twi_buf requests, heads, sent, received,
        answers; /* answers: heads and what follows */
    unsigned head_count, whole;
    int cancel_at; /* the number of the call; 0: never */
    bool pause;
    int calls;
    tw_value response;
} seen;

static void called(void)
{
    if (++seen.calls == seen.cancel_at)
        tw_cancel(victim);
}

static void request_went(const struct tw_outgoing *request, void *arg)
{
    ck_assert_ptr_eq(arg, &seen);
    twi_buf_append(&seen.requests, request->head, request->length);
    called();
}

static void head_came(const char *head, size_t length, void *arg)
{
    ck_assert_ptr_eq(arg, &seen);
    seen.head_count++;
    twi_buf_append(&seen.heads, head, length);
    twi_buf_append(&seen.answers, head, length);
    called();
}

static void wire_went(enum tw_wire what, const char *data, size_t length, void *arg)
{
    ck_assert_ptr_eq(arg, &seen);
    if (what == TW_WIRE_SENT)
        twi_buf_append(&seen.sent, data, length);
    else if (what == TW_WIRE_RECEIVED)
        twi_buf_append(&seen.received, data, length);
    if (what == TW_WIRE_RECEIVED)
        twi_buf_append(&seen.answers, data, length);
    if (what == TW_WIRE_WHOLE) {
        ck_assert_ptr_null(data);
        seen.whole++;
    } else {
        ck_assert_uint_gt(length, 0);
    }
    if (seen.pause && what == TW_WIRE_RECEIVED)
        tw_response_pause(seen.response);
    called();
}

static int headers_came(tw_value response, void *arg)
{
    (void)arg;
    tw_drop(&seen.response);
    seen.response = tw_retain(response);
    return 0;
}

static struct tw_fetch_options watching(void)
{
    return (struct tw_fetch_options){ .on_request = request_went,
                                      .on_response_head = head_came,
                                      .on_wire = wire_went,
                                      .stream_arg = &seen };
}

static void forget(void)
{
    twi_buf_free(&seen.requests);
    twi_buf_free(&seen.heads);
    twi_buf_free(&seen.sent);
    twi_buf_free(&seen.received);
    twi_buf_free(&seen.answers);
    tw_drop(&seen.response);
    memset(&seen, 0, sizeof seen);
}

static void start(const char *reply, size_t length, size_t piece)
{
    client_begin();
    peer = (struct peer){ .reply = reply, .reply_length = length, .piece = piece };
    peer_begin(&peer, 80);
}

static void stop(void)
{
    forget();
    client_stop(&peer, &got);
}

static void is_text(struct twi_buf *buf, const char *text, size_t length)
{
    ck_assert_msg(buf->length == length &&
                      (length == 0 || memcmp(buf->data, text, length) == 0),
                  "[%s] is not [%.*s]", twi_buf_text(buf), (int)length, text);
}

/* --- answers -------------------------------------------------------------------------------- */

#define PACKED "\x1f\x8b\x08\0\0\0\0\0\x02\xff\xcb\xc8\x04\0\xac\x2a\x93\xd8\x02\0\0\0"
#define BYTES(text) text, sizeof text - 1

static const struct {
    const char *method;
    const char *interim;
    const char *head;
    const char *wire;
    size_t length;
    const char *body;
    bool closes;
} answers[] = {
    { "GET", "", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", BYTES("hi"), "hi", false },
    { "GET", "", "HTTP/1.1 200 OK\nContent-Length: 2\n\n", BYTES("hi"), "hi", false },
    { "GET", "", "HTTP/1.1 200  Odd \t reason\r\nA:b\r\n fold\r\nContent-Length:0\r\n\r\n",
      BYTES(""), "", false },
    { "GET", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      BYTES("1;x=y\r\nh\r\n001\r\ni\r\n0\r\nT: r\r\n\r\n"), "hi", false },
    { "GET", "", "HTTP/1.1 200 OK\r\n\r\n", BYTES("hi"), "hi", true },
    { "GET", "", "HTTP/1.0 200\r\n\r\n", BYTES(""), "", true },
    { "GET", "", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n",
      BYTES(PACKED), "hi", false },
    { "GET", "",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
      BYTES("16\r\n" PACKED "\r\n0\r\n\r\n"), "hi", false },
    { "GET", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", BYTES("hi"), "hi", false },
    { "HEAD", "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", BYTES(""), "", false },
    { "GET", "", "HTTP/1.1 204 No Content\r\n\r\n", BYTES(""), "", false },
    { "GET", "", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n", BYTES("hi"), "hi",
      false },
};

static void reply_make(struct twi_buf *reply, size_t i)
{
    twi_buf_append_text(reply, answers[i].interim);
    twi_buf_append_text(reply, answers[i].head);
    twi_buf_append(reply, answers[i].wire, answers[i].length);
}

/* The same bytes make the same response again. */
static void is_read_again(size_t i, tw_value response)
{
    struct tw_fetch_options options = { .method = answers[i].method };
    tw_value again = tw_response_read("http://a/", seen.answers.data, seen.answers.length,
                                      &options);

    ck_assert_msg(!tw_is_failure(again), "%s", tw_failure_message(again));
    ck_assert_int_eq(tw_response_status(again), tw_response_status(response));
    ck_assert_str_eq(tw_response_reason(again), tw_response_reason(response));
    ck_assert_str_eq(tw_response_version(again), tw_response_version(response));
    ck_assert_str_eq(tw_response_url(again), tw_response_url(response));
    ck_assert(tw_response_complete(again));
    ck_assert_uint_eq(tw_response_wire_bytes(again), tw_response_wire_bytes(response));
    ck_assert_uint_eq(tw_headers_count(tw_response_headers(again)),
                      tw_headers_count(tw_response_headers(response)));
    ck_assert_str_eq(tw_bytes_data(tw_response_body(again)), answers[i].body);
    tw_release(again);
}

START_TEST(the_bytes_of_an_answer_are_told_as_they_came)
{
    static const size_t pieces[] = { 0, 1, 7, 40 };
    struct twi_buf reply = { 0 };

    reply_make(&reply, (size_t)_i);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct tw_fetch_options options = watching();

        options.method = answers[_i].method;
        start(reply.data, reply.length, pieces[i]);
        peer.then = answers[_i].closes ? PEER_CLOSES : PEER_KEEPS;
        for (int again = 0; again < 2; again++) { /* by the same connection, if that stays */
            client_get(&got, "http://a/", &options);
            ck_assert_msg(got.error == NULL, "%s", tw_failure_message(got.result));
            ck_assert_str_eq(got.body, answers[_i].body);
            is_text(&seen.heads, answers[_i].head, strlen(answers[_i].head));
            is_text(&seen.received, answers[_i].wire, answers[_i].length);
            ck_assert_uint_eq(seen.head_count, 1);
            ck_assert_uint_eq(seen.whole, 1);
            is_read_again((size_t)_i, got.result);
            outcome_free(&got);
            forget();
        }
        stop();
    }
    twi_buf_free(&reply);
}
END_TEST

/* The long body of a redirect is left. */
static void answer_hops(struct peer_connection *connection, const char *request)
{
    static const char moved[] =
        "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 2\r\n\r\n42";
    static const char far[] =
        "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 999999\r\n\r\n";

    peer_send(connection, strstr(request, "/end ") != NULL   ? "HTTP/1.1 200 OK\r\n"
                                                             "Content-Length: 2\r\n\r\nhi"
                          : connection->peer->user != NULL ? far
                                                           : moved);
}

START_TEST(every_hop_is_told)
{
    struct tw_fetch_options options = watching();

    start(NULL, 0, 0);
    peer.answer = answer_hops;
    peer.user = _i == 1 ? &peer : NULL;
    client_get(&got, "http://a/", &options);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(seen.head_count, 2);
    ck_assert_uint_eq(seen.whole, _i == 1 ? 1 : 2);
    is_text(&seen.received, _i == 1 ? "hi" : "42hi", _i == 1 ? 2 : 4);
    is_text(&seen.requests, peer_log(&peer), peer.log.length);
    stop();
}
END_TEST

static const struct {
    const char *reply;
    const tw_error_class *error;
    size_t heads, received;
} faults[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", &tw_error_partial, 1, 2 },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", &tw_error_partial, 1,
      7 },
    { "HTTP/1.1 200 OK\r\nContent-Len", &tw_error_partial, 0, 0 },
    { "HTTP/1.1 100 Continue\r\n\r\n", &tw_error_empty, 0, 0 },
    { "nonsense\r\n\r\n", &tw_error_protocol, 0, 0 },
    { "", &tw_error_empty, 0, 0 },
};

START_TEST(a_broken_answer_is_not_whole)
{
    struct tw_fetch_options options = watching();

    start(faults[_i].reply, 0, 0);
    peer.then = PEER_CLOSES;
    client_get(&got, "http://a/", &options);
    ck_assert_msg(got.error == faults[_i].error ||
                      (faults[_i].error == &tw_error_empty && got.error == &tw_error_partial),
                  "%s", tw_failure_message(got.result));
    ck_assert_uint_eq(seen.head_count, faults[_i].heads);
    ck_assert_uint_eq(seen.received.length, faults[_i].received);
    ck_assert_uint_eq(seen.whole, 0);
    stop();
}
END_TEST

/* --- requests ------------------------------------------------------------------------------- */

static size_t source_left;

static int64_t source_read(tw_upload *upload, char *data, size_t size, void *arg)
{
    size_t length = source_left < 5 ? source_left : 5;

    (void)upload, (void)size, (void)arg;
    memset(data, 'y', length);
    source_left -= length;
    return (int64_t)length;
}

START_TEST(the_body_of_a_request_is_told_as_it_was_sent)
{
    static const struct tw_field form[] = { { "a", "b c" }, { NULL, NULL } };
    struct tw_body_source source = { .length = _i == 2 ? 12 : -1, .read = source_read };
    struct tw_fetch_options options = watching();

    if (_i == 0)
        options.form = form;
    else if (_i == 1) {
        options.body = "the body";
        options.body_length = 8;
    } else {
        options.body_source = &source;
    }
    source_left = 12;
    start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 0, 0);
    client_get(&got, "http://a/", &options);
    ck_assert_str_eq(got.body, "hi");
    twi_buf_append(&seen.requests, seen.sent.data, seen.sent.length);
    is_text(&seen.requests, peer_log(&peer), peer.log.length);
    stop();
}
END_TEST

/* --- what the callbacks may do ---------------------------------------------------------------- */

START_TEST(a_request_may_be_cancelled_in_each_call)
{
    struct tw_body_source source = { .length = -1, .read = source_read };
    struct tw_fetch_options options = watching();
    int calls = 0;

    options.body_source = &source;
    for (int cancel_at = 1; cancel_at == 1 || calls == cancel_at - 1; cancel_at++) {
        source_left = 12;
        start(_i == 0
                  ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
                  : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
              0, _i == 0 ? 3 : 0);
        seen.cancel_at = cancel_at;
        victim = tw_agent_request(client_agent, "http://a/", &options);
        outcome_of(&got, tw_deferred_ref(victim));
        client_settle();
        calls = seen.calls;
        ck_assert_ptr_eq(got.error, calls == cancel_at ? &tw_error_cancelled : NULL);
        tw_deferred_unref(victim);
        stop();
    }
    ck_assert_int_gt(calls, 10);
}
END_TEST

START_TEST(a_pause_holds_back_what_comes_next)
{
    struct tw_fetch_options options = watching();

    options.on_headers = headers_came;
    start("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
          0, 0);
    seen.pause = true;
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", &options));
    for (int i = 0; i < 40 && got.fired == 0; i++) {
        size_t length;

        client_settle();
        length = seen.received.length;
        client_settle();
        ck_assert_uint_eq(seen.received.length, length);
        tw_response_resume(seen.response);
    }
    client_settle();
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_str_eq(got.body, "hi");
    is_text(&seen.received, BYTES("1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"));
    stop();
}
END_TEST

/* --- reading from memory ---------------------------------------------------------------------- */

static const struct {
    const char *text;
    struct tw_fetch_options options;
    const tw_error_class *error;
    int status; /* of the response, or the failure's */
    const char *body;
} readings[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more", { 0 }, NULL, 200, "hi" },
    { "HTTP/1.1 200 OK\r\n\r\nto the end", { 0 }, NULL, 200, "to the end" },
    { "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", { 0 }, NULL, 200, "x" },
    { "", { 0 }, &tw_error_empty, 0, NULL },
    { "HTTP/1.1 200 OK\r\nContent", { 0 }, &tw_error_partial, 0, NULL },
    { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", { 0 }, &tw_error_partial, 200, "hi" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
      { .accept_partial = true },
      NULL,
      200,
      "hi" },
    { "<html>", { 0 }, &tw_error_protocol, 0, NULL },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
      { 0 },
      &tw_error_protocol,
      200,
      "" },
    { "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip",
      { 0 },
      &tw_error_encoding,
      200,
      "" },
    { "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip",
      { .no_decode = true },
      NULL,
      200,
      "no gzip" },
    { "HTTP/1.1 200 OK\r\nContent-Encoding: new\r\n\r\nnew", { 0 }, NULL, 200, "new" },
    { "HTTP/1.1 200 OK\r\n\r\n0123456789", { .max_body = 9 }, &tw_error_toolarge, 200, NULL },
    { "HTTP/1.1 200 OK\r\n\r\n0123456789", { .max_body = 10 }, NULL, 200, "0123456789" },
    { "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n",
      { .max_header_lines = 1 },
      &tw_error_toolarge,
      0,
      NULL },
    { "HTTP/1.1 404 Gone\r\n\r\nsorry", { 0 }, NULL, 404, "sorry" },
    { "HTTP/1.1 404 Gone\r\n\r\nsorry",
      { .fail_on_error = true },
      &tw_error_status,
      404,
      "sorry" },
    { "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nmoved", { 0 }, NULL, 302, "moved" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", { .method = "HEAD" }, NULL, 200, "" },
};

START_TEST(a_response_is_read_from_memory_as_from_a_connection)
{
    const char *text = readings[_i].text;
    tw_value result = tw_response_read("http://u:p@a/x", text, strlen(text),
                                       &readings[_i].options);
    tw_value response = tw_is_failure(result) ? tw_failure_value(result) : result;

    ck_assert_msg((tw_is_failure(result) ? tw_failure_class(result) : NULL) ==
                      readings[_i].error,
                  "%s: %s", text, tw_failure_message(result));
    ck_assert_int_eq(tw_response_status(response), readings[_i].status);
    if (readings[_i].status != 0)
        ck_assert_str_eq(tw_response_url(response), "http://a/x");
    if (readings[_i].body != NULL)
        ck_assert_str_eq(tw_bytes_data(tw_response_body(response)), readings[_i].body);
    tw_response_pause(response); /* nothing comes any more */
    tw_release(result);
}
END_TEST

START_TEST(a_response_needs_a_url)
{
    static const char *const urls[] = { NULL, "", "a", "http://[/" };

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        tw_value result = tw_response_read(urls[i], BYTES("HTTP/1.1 200 OK\r\n\r\n"), NULL);

        ck_assert(tw_failure_is(result, &tw_error_url));
        tw_release(result);
    }
}
END_TEST

static const struct {
    const char *codings; /* NULL: no field */
    const char *data;
    size_t length;
    int64_t max;
    const tw_error_class *error;
    const char *body;
    unsigned left;
} bodies[] = {
    { NULL, BYTES("hi"), 0, NULL, "hi", 0 },
    { "identity", BYTES("hi"), 0, NULL, "hi", 0 },
    { "gzip", BYTES(PACKED), 0, NULL, "hi", 0 },
    { "X-GZIP", BYTES(PACKED), -1, NULL, "hi", 0 },
    { "new, gzip", BYTES(PACKED), 0, NULL, "hi", 1 },
    { "gzip, new", BYTES("new"), 0, NULL, "new", 2 },
    { "gzip", BYTES(""), 0, NULL, "", 0 },
    { "gzip", PACKED, 21, 0, &tw_error_encoding, NULL, 0 },
    { "gzip", BYTES("plain"), 0, &tw_error_encoding, NULL, 0 },
    { "gzip", BYTES(PACKED), 2, NULL, "hi", 0 },
    { "gzip", BYTES(PACKED), 1, &tw_error_toolarge, NULL, 0 },
    { NULL, BYTES("hi"), 1, &tw_error_toolarge, NULL, 0 },
    { "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip", BYTES(PACKED), 0,
      &tw_error_encoding, NULL, 0 },
};

START_TEST(a_body_in_memory_is_decoded)
{
    tw_headers *headers = client_headers();
    unsigned left = 99;
    tw_value body;

    if (bodies[_i].codings != NULL)
        ck_assert_int_eq(tw_headers_add(headers, "Content-Encoding", bodies[_i].codings), 0);
    body = tw_decode(headers, bodies[_i].data, bodies[_i].length, bodies[_i].max, &left);
    ck_assert_ptr_eq(tw_is_failure(body) ? tw_failure_class(body) : NULL, bodies[_i].error);
    ck_assert_uint_eq(left, bodies[_i].error != NULL ? 99 : bodies[_i].left);
    if (bodies[_i].body != NULL)
        ck_assert_str_eq(tw_bytes_data(body), bodies[_i].body);
    tw_release(body);
    tw_headers_free(headers);
}
END_TEST

static bool read_and_decode(void *arg)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Encoding: new, gzip\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n16\r\n" PACKED
                               "\r\n0\r\nT: r\r\n\r\n";
    tw_value response = tw_response_read("http://u:p@a/", head, sizeof head - 1, NULL);
    tw_headers *headers = tw_headers_new();
    tw_value body = tw_none();
    bool good;

    (void)arg;
    if (headers != NULL && tw_headers_add(headers, "Content-Encoding", "gzip") == 0)
        body = tw_decode(headers, PACKED, 22, 0, NULL);
    good = tw_response_complete(response) && tw_bytes_length(body) == 2;
    tw_release(response);
    tw_release(body);
    tw_headers_free(headers);
    return good;
}

START_TEST(reading_stands_failing_allocations)
{
    ck_assert_uint_gt(test_each_alloc_failure(read_and_decode, NULL), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client wire");
    static const int two[2], four[4];

    TEST_ADD_ROWS(suite, the_bytes_of_an_answer_are_told_as_they_came, answers);
    TEST_ADD_ROWS(suite, every_hop_is_told, two);
    TEST_ADD_ROWS(suite, a_broken_answer_is_not_whole, faults);
    TEST_ADD_ROWS(suite, the_body_of_a_request_is_told_as_it_was_sent, four);
    TEST_ADD_ROWS(suite, a_request_may_be_cancelled_in_each_call, two);
    TEST_ADD(suite, a_pause_holds_back_what_comes_next);
    TEST_ADD_ROWS(suite, a_response_is_read_from_memory_as_from_a_connection, readings);
    TEST_ADD(suite, a_response_needs_a_url);
    TEST_ADD_ROWS(suite, a_body_in_memory_is_decoded, bodies);
    TEST_ADD(suite, reading_stands_failing_allocations);
    return test_run(suite);
}
