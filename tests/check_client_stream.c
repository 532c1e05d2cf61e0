/* SPDX-License-Identifier: MIT */
/*
 * check_client_stream.c - bodies as they come: decoded, handed on in pieces, paused and resumed.
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
static struct twi_buf reply;

/* What the callbacks saw. */
static struct {
    unsigned heads, pieces;
    struct twi_buf data;
    int status, head_result, body_result;
    bool pause_at_head, pause_at_pieces;
    tw_value response;
    tw_deferred *cancel;
} seen;

static int head_came(tw_value response, void *arg)
{
    ck_assert_ptr_eq(arg, &seen);
    ck_assert_uint_eq(seen.pieces, 0);
    seen.heads++;
    seen.status = tw_response_status(response);
    seen.response = tw_retain(response);
    ck_assert(!tw_response_complete(response));
    if (seen.pause_at_head)
        tw_response_pause(response);
    return seen.head_result;
}

static int piece_came(const char *data, size_t length, void *arg)
{
    ck_assert_ptr_eq(arg, &seen);
    ck_assert_uint_gt(length, 0);
    seen.pieces++;
    twi_buf_append(&seen.data, data, length);
    if (seen.pause_at_pieces)
        tw_response_pause(seen.response);
    if (seen.cancel != NULL)
        tw_cancel(seen.cancel);
    return seen.body_result;
}

static struct tw_fetch_options streaming(void)
{
    return (struct tw_fetch_options){ .on_headers = head_came,
                                      .on_body = piece_came,
                                      .stream_arg = &seen };
}

static void start(void)
{
    client_begin();
    memset(&seen, 0, sizeof seen);
    peer = (struct peer){ .reply = reply.data, .reply_length = reply.length };
    peer_begin(&peer, 80);
}

static void stop(void)
{
    outcome_free(&got);
    tw_drop(&seen.response);
    twi_buf_free(&seen.data);
    twi_buf_free(&reply);
    tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(&peer);
    client_end();
}

static void add(const char *text)
{
    ck_assert_int_eq(twi_buf_append_text(&reply, text), 0);
}

/* zlib's window bits: 31 gzip, 15 zlib, -15 raw. */
static void add_deflated(const void *data, size_t length, int bits, size_t cut)
{
    z_stream stream = { 0 };
    size_t bound;

    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    bound = deflateBound(&stream, length);
    ck_assert_int_eq(twi_buf_reserve(&reply, bound), 0);
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)reply.data + reply.length;
    stream.avail_out = (uInt)bound;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    reply.length += bound - stream.avail_out - cut;
    deflateEnd(&stream);
}

static void chunk(const char *text)
{
    char head[20];

    snprintf(head, sizeof head, "%zx\r\n", strlen(text));
    add(head);
    add(text);
    add("\r\n");
}

/* --- decoding ------------------------------------------------------------------------------- */

static const struct {
    const char *coding;
    int bits;
    bool chunked;
    size_t cut, max;
    const tw_error_class *error;
} codings[] = {
    { "gzip", 31, false, 0, 0, NULL },
    { "x-gzip", 31, false, 0, 0, NULL },
    { "GZIP", 31, false, 0, 0, NULL },
    { "deflate", 15, false, 0, 0, NULL },
    { "deflate", -15, false, 0, 0, NULL },
    { "gzip", 31, false, 1, 0, &tw_error_encoding },
    { "gzip", 31, false, 9, 0, &tw_error_encoding },
    { "gzip", 15, false, 0, 0, &tw_error_encoding },
    { "gzip", 31, false, 0, 100000, NULL },
    { "gzip", 31, false, 0, 99999, &tw_error_toolarge },
    { "gzip, gzip, gzip, gzip", 31, false, 0, 0, &tw_error_encoding },
};

static void deflated_reply(size_t i)
{
    static char text[100000];

    for (size_t at = 0; at < sizeof text; at++)
        text[at] = (char)('a' + at % 7);
    add("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: ");
    add(codings[i].coding);
    add("\r\n\r\n");
    add_deflated(text, sizeof text, codings[i].bits, codings[i].cut);
}

START_TEST(content_codings_are_undone)
{
    struct tw_fetch_options options = { .max_body = (int64_t)codings[_i].max };

    for (size_t piece = 0; piece < 100; piece = piece * 9 + 1) {
        deflated_reply((size_t)_i);
        start();
        peer.then = PEER_CLOSES;
        peer.piece = piece;
        client_get(&got, "http://a/", &options);
        ck_assert_msg(got.error == codings[_i].error, "%s: %s", codings[_i].coding,
                      got.error == NULL ? "success" : got.error->name);
        if (got.error == NULL)
            ck_assert_uint_eq(got.length, 100000);
        ck_assert_ptr_null(codings[_i].error == NULL
                               ? tw_response_header(got.result, "Content-Encoding")
                               : NULL);
        stop();
    }
}
END_TEST

START_TEST(content_codings_are_undone_while_it_streams)
{
    struct tw_fetch_options options = streaming();

    deflated_reply((size_t)_i);
    start();
    options.max_body = (int64_t)codings[_i].max;
    peer.then = PEER_CLOSES;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, codings[_i].error);
    if (got.error == NULL)
        ck_assert_uint_eq(seen.data.length, 100000);
    if (got.error == &tw_error_toolarge)
        ck_assert_uint_eq(seen.data.length, codings[_i].max);
    stop();
}
END_TEST

START_TEST(an_unknown_coding_is_left_in_the_header)
{
    add("HTTP/1.1 200 OK\r\nContent-Encoding: unheard\r\nContent-Length: 2\r\n\r\nhi");
    start();
    client_get(&got, "http://a/", NULL);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_str_eq(tw_response_header(got.result, "Content-Encoding"), "unheard");
    stop();
}
END_TEST

START_TEST(codings_below_an_unknown_one_stay)
{
    add("HTTP/1.1 200 Fine\r\nContent-Encoding: unheard, gzip\r\nConnection: close\r\n\r\n");
    add_deflated("hi", 2, 31, 0);
    start();
    peer.then = PEER_CLOSES;
    client_get(&got, "http://a/", NULL);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_str_eq(tw_response_header(got.result, "Content-Encoding"), "unheard");
    ck_assert_ptr_nonnull(tw_response_reason(got.result));
    stop();
}
END_TEST

START_TEST(a_body_may_be_left_as_it_is)
{
    struct tw_fetch_options options = { .no_decode = true };
    size_t length;

    add("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n");
    length = reply.length;
    add_deflated("hi", 2, 31, 0);
    length = reply.length - length;
    start();
    peer.then = PEER_CLOSES;
    client_get(&got, "http://a/", &options);
    ck_assert_uint_eq(got.length, length);
    ck_assert_str_eq(tw_response_header(got.result, "Content-Encoding"), "gzip");
    stop();
}
END_TEST

/* 100 MiB of nothing in 100 kB: refused after the first of it. */
START_TEST(a_bomb_is_refused_everywhere)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 404 Not Found\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /loop\r\n",
    };
    static char nothing[100 << 20];
    struct tw_fetch_options options = { .max_body = 1 << 20, .max_redirects = 2 };

    add(heads[_i]);
    add("Content-Encoding: gzip\r\nConnection: close\r\n\r\n");
    add_deflated(nothing, sizeof nothing, 31, 0);
    start();
    peer.then = PEER_CLOSES;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, _i == 2 ? &tw_error_redirect : &tw_error_toolarge);
    ck_assert_uint_le(got.length, 1 << 20);
    stop();
}
END_TEST

/* --- streaming ------------------------------------------------------------------------------ */

START_TEST(a_body_is_handed_on_as_it_comes)
{
    struct tw_fetch_options options = streaming();

    add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunk("one ");
    chunk("two ");
    chunk("three");
    add("0\r\n\r\n");
    start();
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_null(got.error);
    ck_assert_uint_eq(seen.heads, 1);
    ck_assert_str_eq(twi_buf_text(&seen.data), "one two three");
    ck_assert(got.complete);
    ck_assert_uint_eq(got.length, 0);
    ck_assert_uint_eq(tw_response_wire_bytes(got.result), 13);
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 1);
    stop();
}
END_TEST

START_TEST(headers_may_be_told_alone)
{
    struct tw_fetch_options options = { .on_headers = head_came, .stream_arg = &seen };

    add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    start();
    client_get(&got, "http://a/", &options);
    ck_assert_uint_eq(seen.heads, 1);
    ck_assert_str_eq(got.body, "hi");
    stop();
}
END_TEST

static void answer_redirect(struct peer_connection *connection, const char *request)
{
    if (strncmp(request, "GET /end", 8) == 0)
        peer_send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    else
        peer_send(connection,
                  "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 4\r\n\r\nmove");
}

START_TEST(only_the_final_response_streams)
{
    struct tw_fetch_options options = streaming();

    start();
    peer.answer = answer_redirect;
    client_get(&got, "http://a/", &options);
    ck_assert_uint_eq(seen.heads, 1);
    ck_assert_int_eq(seen.status, 200);
    ck_assert_str_eq(twi_buf_text(&seen.data), "hi");
    stop();
}
END_TEST

static const struct {
    int head, body, error;
    const tw_error_class *error_class;
} refusals[] = {
    { -EIO, 0, EIO, &tw_error_system },
    { 0, -ENOSPC, ENOSPC, &tw_error_system },
    { 0, -ECANCELED, ECANCELED, &tw_error_cancelled },
};

START_TEST(a_receiver_may_give_up)
{
    struct tw_fetch_options options = streaming();

    add("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi");
    start();
    seen.head_result = refusals[_i].head;
    seen.body_result = refusals[_i].body;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, refusals[_i].error_class);
    ck_assert_int_eq(tw_failure_number(got.result), refusals[_i].error);
    ck_assert_int_eq(got.status, 200);
    stop();
}
END_TEST

START_TEST(a_receiver_may_cancel)
{
    struct tw_fetch_options options = streaming();

    add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunk("one");
    chunk("two");
    start();
    seen.cancel = tw_agent_request(client_agent, "http://a/", &options);
    outcome_of(&got, tw_deferred_ref(seen.cancel));
    client_settle();
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    ck_assert_uint_eq(seen.pieces, 1);
    tw_deferred_unref(seen.cancel);
    stop();
}
END_TEST

START_TEST(a_stream_has_a_limit)
{
    struct tw_fetch_options options = streaming();

    options.max_body = 4;
    add("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
    start();
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_toolarge);
    ck_assert_str_eq(twi_buf_text(&seen.data), "hell");
    stop();
}
END_TEST

START_TEST(an_error_page_does_not_stream_when_it_fails)
{
    struct tw_fetch_options options = streaming();

    options.fail_on_error = true;
    add("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    start();
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_status);
    ck_assert_str_eq(got.body, "no");
    ck_assert_uint_eq(seen.heads + seen.pieces, 0);
    stop();
}
END_TEST

/* For each cause of failure, and any length of body: a part is kept, the rest not waited
 * for. */
START_TEST(a_failures_endless_body_is_cut)
{
    static const struct {
        const char *head;
        const tw_error_class *error_class;
    } failures[] = {
        { "HTTP/1.1 404 Not Found\r\n", &tw_error_status },
        { "HTTP/1.1 302 Found\r\nLocation: ftp://a/\r\n", &tw_error_url },
        { "HTTP/1.1 302 Found\r\nLocation: /loop\r\n", &tw_error_redirect },
    };
    enum { MOST = 1 << 20 };
    static char nothing[2 * MOST];
    struct tw_fetch_options options = streaming();
    bool packed = _i % 2;

    options.fail_on_error = true;
    options.max_redirects = failures[_i / 2].error_class == &tw_error_redirect ? -1 : 0;
    options.max_body = INT64_MAX;
    add(failures[_i / 2].head);
    add(packed ? "Content-Encoding: gzip\r\n\r\n" : "\r\n");
    if (packed)
        add_deflated(nothing, sizeof nothing, 31, 0);
    else
        twi_buf_append(&reply, nothing, sizeof nothing);
    start();
    client_get(&got, "http://a/", &options);
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_ptr_eq(got.error, failures[_i / 2].error_class);
    ck_assert_uint_eq(got.length, MOST);
    ck_assert(!tw_response_complete(tw_failure_value(got.result)));
    ck_assert_uint_eq(seen.heads + seen.pieces, 0);
    stop();
}
END_TEST

/* --- pause and resume ----------------------------------------------------------------------- */

START_TEST(nothing_comes_while_paused)
{
    struct tw_fetch_options options = streaming();

    options.idle_timeout = 1;
    add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunk("one");
    chunk("two");
    add("0\r\n\r\n");
    start();
    seen.pause_at_head = seen.pause_at_pieces = true;
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", &options));
    tw_testing_advance(10);
    for (unsigned pieces = 0; pieces < 2; pieces++) {
        ck_assert_uint_eq(seen.pieces, pieces);
        ck_assert_uint_eq(got.fired, 0);
        tw_response_resume(seen.response);
        tw_response_resume(seen.response);
        ck_assert_uint_eq(seen.pieces, pieces);
        tw_testing_advance(10);
    }
    ck_assert_str_eq(twi_buf_text(&seen.data), "onetwo");
    tw_response_resume(seen.response);
    client_settle();
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_ptr_null(got.error);
    stop();
}
END_TEST

START_TEST(a_decoded_body_can_be_paused_anywhere)
{
    static char text[200000];
    struct tw_fetch_options options = streaming();

    memset(text, 'x', sizeof text);
    add("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n");
    add_deflated(text, sizeof text, 31, 0);
    start();
    peer.then = PEER_CLOSES;
    seen.pause_at_pieces = true;
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", &options));
    for (int i = 0; i < 20 && got.fired == 0; i++) {
        unsigned before = seen.pieces;
        client_settle();
        ck_assert_uint_le(seen.pieces, before + 1);
        tw_response_resume(seen.response);
    }
    client_settle();
    ck_assert_uint_gt(seen.pieces, 3);
    ck_assert_uint_eq(seen.data.length, sizeof text);
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_ptr_null(got.error);
    stop();
}
END_TEST

static const struct {
    enum peer_then then;
    const tw_error_class *error;
} ends[] = { { PEER_CLOSES, NULL }, { PEER_RESETS, &tw_error_partial } };

START_TEST(the_end_waits_for_a_resume)
{
    struct tw_fetch_options options = streaming();

    add("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi");
    start();
    peer.then = ends[_i].then;
    seen.pause_at_head = true;
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", &options));
    tw_testing_advance(1);
    ck_assert_uint_eq(got.fired, 0);
    ck_assert_uint_eq(seen.pieces, 0);
    tw_response_resume(seen.response);
    client_settle();
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_ptr_eq(got.error, ends[_i].error);
    ck_assert_str_eq(twi_buf_text(&seen.data), "hi");
    stop();
}
END_TEST

START_TEST(the_total_limit_runs_while_paused)
{
    struct tw_fetch_options options = streaming();

    options.timeout = 5;
    add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    start();
    seen.pause_at_head = true;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_timeout);
    ck_assert_double_eq_tol(got.at, 5, 0.1);
    tw_response_resume(seen.response);
    stop();
}
END_TEST

START_TEST(a_paused_request_can_be_cancelled)
{
    struct tw_fetch_options options = streaming();
    tw_deferred *request;

    add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    start();
    seen.pause_at_head = true;
    request = tw_agent_request(client_agent, "http://a/", &options);
    outcome_of(&got, tw_deferred_ref(request));
    client_settle();
    tw_response_resume(seen.response);
    tw_cancel(request);
    tw_deferred_unref(request);
    client_settle();
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    ck_assert_uint_eq(seen.pieces, 0);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client stream");
    static const int bombs[3], endless[6];

    TEST_ADD_ROWS(suite, content_codings_are_undone, codings);
    TEST_ADD_ROWS(suite, content_codings_are_undone_while_it_streams, codings);
    TEST_ADD(suite, an_unknown_coding_is_left_in_the_header);
    TEST_ADD(suite, codings_below_an_unknown_one_stay);
    TEST_ADD(suite, a_body_may_be_left_as_it_is);
    TEST_ADD_ROWS(suite, a_bomb_is_refused_everywhere, bombs);
    TEST_ADD(suite, a_body_is_handed_on_as_it_comes);
    TEST_ADD(suite, headers_may_be_told_alone);
    TEST_ADD(suite, only_the_final_response_streams);
    TEST_ADD_ROWS(suite, a_receiver_may_give_up, refusals);
    TEST_ADD(suite, a_receiver_may_cancel);
    TEST_ADD(suite, a_stream_has_a_limit);
    TEST_ADD(suite, an_error_page_does_not_stream_when_it_fails);
    TEST_ADD_ROWS(suite, a_failures_endless_body_is_cut, endless);
    TEST_ADD(suite, nothing_comes_while_paused);
    TEST_ADD(suite, a_decoded_body_can_be_paused_anywhere);
    TEST_ADD_ROWS(suite, the_end_waits_for_a_resume, ends);
    TEST_ADD(suite, the_total_limit_runs_while_paused);
    TEST_ADD(suite, a_paused_request_can_be_cancelled);
    return test_run(suite);
}
