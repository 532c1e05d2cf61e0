/* SPDX-License-Identifier: MIT */
/*
 * check_client.c - requests: their heads, their bodies, their ends.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tweed/version.h>

#include "tests/client_peer.h"
#include "tests/test.h"
#include "web/http/decode.h"

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define USUAL "User-Agent: tweed/" TW_VERSION "\r\nAccept: */*\r\n"
#define CODINGS "Accept-Encoding: " TWI_DECODE_ACCEPT "\r\n"

static struct peer peer;
static struct outcome got;

static void start(const char *reply)
{
    client_start(&peer, reply);
}

static void stop(void)
{
    client_stop(&peer, &got);
}

/* --- what goes out -------------------------------------------------------------------------- */

static const struct tw_field fields[] = { { "q", "a b" }, { NULL, NULL } };
static const struct tw_part parts[] = { { .name = "q", .data = "a b", .length = 3 },
                                        { .name = NULL } };

static const struct {
    const char *url;
    struct tw_fetch_options options;
    const char *name, *value; /* a field by hand */
    const char *text;
} heads[] = {
    { "http://a", { 0 }, NULL, NULL, "GET / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "\r\n" },
    { "http://A/p/../q?x=y#z",
      { 0 },
      NULL,
      NULL,
      "GET /q?x=y HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "\r\n" },
    { "http://[::1]/",
      { 0 },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: [::1]\r\n" USUAL CODINGS "\r\n" },
    { "http://b\xc3\xbc"
      "cher/",
      { 0 },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: xn--bcher-kva\r\n" USUAL CODINGS "\r\n" },
    { "http://a/%20?\"",
      { 0 },
      NULL,
      NULL,
      "GET /%20?%22 HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "\r\n" },
    { "http://a",
      { .method = "HEAD" },
      NULL,
      NULL,
      "HEAD / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "\r\n" },
    { "http://a",
      { .method = "PROPFIND" },
      NULL,
      NULL,
      "PROPFIND / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "\r\n" },
    { "http://a",
      { .no_decode = true },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL "\r\n" },
    { "http://a",
      { .user_agent = "mine" },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: mine\r\nAccept: */*\r\n" CODINGS "\r\n" },
    { "http://a",
      { .user_agent = "" },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n" CODINGS "\r\n" },
    { "http://a",
      { .http10 = true },
      NULL,
      NULL,
      "GET / HTTP/1.0\r\nHost: a\r\n" USUAL CODINGS "Connection: close\r\n\r\n" },
    { "http://a",
      { .body = "x=y", .body_length = 3 },
      NULL,
      NULL,
      "POST / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "Content-Length: 3\r\n\r\nx=y" },
    { "http://a",
      { .method = "POST" },
      NULL,
      NULL,
      "POST / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "Content-Length: 0\r\n\r\n" },
    { "http://a",
      { .method = "GET", .body = "", .body_length = 0 },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "Content-Length: 0\r\n\r\n" },
    { "http://a/p?x#f",
      { .params = fields },
      NULL,
      NULL,
      "GET /p?x&q=a+b HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "\r\n" },
    { "http://a",
      { .form = fields },
      NULL,
      NULL,
      "POST / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS
      "Content-Length: 5\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nq=a+b" },
    { "http://a",
      { .form = fields },
      "Content-Type",
      "mine",
      "POST / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS
      "Content-Length: 5\r\nContent-Type: mine\r\n\r\nq=a+b" },
    { "http://a",
      { .user = "u", .password = "p" },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "Authorization: Basic dTpw\r\n\r\n" },
    { "http://u:p@a",
      { 0 },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "Authorization: Basic dTpw\r\n\r\n" },
    { "http://x:y@a",
      { .user = "u", .password = "p" },
      NULL,
      NULL,
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "Authorization: Basic dTpw\r\n\r\n" },
    { "http://u:p@a",
      { 0 },
      "Authorization",
      "mine",
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "Authorization: mine\r\n\r\n" },
    { "http://a", { 0 }, "Host", "b", "GET / HTTP/1.1\r\nHost: b\r\n" USUAL CODINGS "\r\n" },
    { "http://a",
      { 0 },
      "user-agent",
      "b",
      "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n" CODINGS "user-agent: b\r\n\r\n" },
    { "http://a",
      { 0 },
      "Accept-Encoding",
      "br",
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL "Accept-Encoding: br\r\n\r\n" },
    { "http://a",
      { 0 },
      "Range",
      "bytes=0-1",
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL "Range: bytes=0-1\r\n\r\n" },
    { "http://a",
      { 0 },
      "Content-Length",
      "99",
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "\r\n" },
    { "http://a",
      { 0 },
      "Transfer-Encoding",
      "chunked",
      "GET / HTTP/1.1\r\nHost: a\r\n" USUAL CODINGS "\r\n" },
};

START_TEST(a_request_goes_out_as_asked)
{
    struct tw_fetch_options options = heads[_i].options;
    tw_headers *headers = client_headers();

    if (heads[_i].name != NULL)
        ck_assert_int_eq(tw_headers_set(headers, heads[_i].name, heads[_i].value), 0);
    options.headers = headers;
    start(HI);
    client_get(&got, heads[_i].url, &options);
    ck_assert_str_eq(peer_log(&peer), heads[_i].text);
    tw_headers_free(headers);
    stop();
}
END_TEST

START_TEST(parts_go_out_with_their_boundary)
{
    const struct tw_fetch_options options = { .parts = parts };
    char line[80];
    const char *at;

    start(HI);
    client_get(&got, "http://a/", &options);
    at = test_given(strstr(peer_log(&peer), "boundary="));
    snprintf(line, sizeof line, "\r\n\r\na b\r\n--%.32s--\r\n", at + 9);
    ck_assert_uint_eq(peer_count(&peer, line), 1);
    ck_assert_uint_eq(peer_count(&peer, "POST / HTTP/1.1"), 1);
    stop();
}
END_TEST

START_TEST(another_port_stands_in_the_host_field)
{
    struct peer other = { .reply = HI };

    start(NULL);
    peer_begin(&other, 8080);
    client_get(&got, "http://a:8080/", NULL);
    ck_assert_uint_eq(peer_count(&other, "Host: a:8080\r\n"), 1);
    peer_end(&other);
    stop();
}
END_TEST

static const struct {
    const char *url;
    struct tw_fetch_options options;
    const tw_error_class *error;
} refused[] = {
    { "", { 0 }, &tw_error_url },
    { NULL, { 0 }, &tw_error_url },
    { "a", { 0 }, &tw_error_url },
    { "ftp://a/", { 0 }, &tw_error_url },
    { "file:///etc/passwd", { 0 }, &tw_error_url },
    { "http://", { 0 }, &tw_error_url },
    { "http://a:0/", { 0 }, &tw_error_url },
    { "http://a:65536/", { 0 }, &tw_error_url },
    { "http://a:+80/", { 0 }, &tw_error_url },
    { "http://a b/", { 0 }, &tw_error_url },
    { "http://a/", { .method = "GET /x" }, &tw_error_url },
    { "http://a/", { .method = "G\r\nX" }, &tw_error_url },
    { "http://a/", { .method = "" }, &tw_error_url },
    { "http://a/", { .method = "CONNECT" }, &tw_error_misuse },
    { "http://a/", { .user_agent = "x\r\nEvil: 1" }, &tw_error_misuse },
    { "http://a/", { .body = "x", .form = fields }, &tw_error_misuse },
    { "http://a/", { .form = fields, .parts = parts }, &tw_error_misuse },
    { "http://a/", { .user = "a:b" }, &tw_error_misuse },
    { "http://a/", { .proxy = "gopher://x" }, &tw_error_url },
    { "http://a/", { .timeout = 1e300 * 1e300 }, &tw_error_misuse },
    { "http://a/", { .idle_timeout = 0.0 / 0.0 }, &tw_error_misuse },
};

START_TEST(what_cannot_be_asked_fails_at_once)
{
    start(HI);
    outcome_of(&got, tw_agent_request(client_agent, refused[_i].url, &refused[_i].options));
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_ptr_eq(got.error, refused[_i].error);
    client_settle();
    ck_assert_uint_eq(peer.connections, 0);
    ck_assert_uint_eq(tw_agent_counts(client_agent).requests, 0);
    stop();
}
END_TEST

START_TEST(error_texts_tell_no_secrets)
{
    start(HI);
    client_get(&got, "http://user:secret@a:81/", NULL);
    ck_assert_ptr_null(strstr(tw_failure_message(got.result), "secret"));
    outcome_free(&got);
    client_get(&got, "http://user:secret@a/", NULL);
    ck_assert_str_eq(tw_response_url(got.result), "http://a/");
    stop();
}
END_TEST

/* --- time ----------------------------------------------------------------------------------- */

static void answer_slowly(struct peer_connection *connection, const char *request)
{
    (void)connection;
    (void)request;
}

static const struct {
    const char *what;
    struct tw_fetch_options options;
    double at;
} silences[] = {
    { "total", { .timeout = 5 }, 5 },
    { "first byte", { .first_byte_timeout = 4 }, 4 },
    { "the sooner", { .first_byte_timeout = 4, .timeout = 3 }, 3 },
    { "the default", { 0 }, 60 },
    { "the default total", { .first_byte_timeout = -1 }, 300 },
    { "idle does not count before", { .idle_timeout = 2, .timeout = 9 }, 9 },
};

START_TEST(silence_is_bounded)
{
    start(NULL);
    peer.answer = answer_slowly;
    client_get(&got, "http://a/", &silences[_i].options);
    ck_assert_ptr_eq(got.error, &tw_error_timeout);
    ck_assert_double_eq_tol(got.at, silences[_i].at, 0.1);
    stop();
}
END_TEST

/* One byte every quarter of a second. */
static struct peer_connection *dripping;

static void drip_while_open(void *arg)
{
    (void)arg;
    if (peer.open_count == 0 || dripping == NULL)
        return;
    peer_send(dripping, "x");
    tw_call_later(0.25, drip_while_open, NULL);
}

static void answer_dripping(struct peer_connection *connection, const char *request)
{
    (void)request;
    dripping = connection;
    peer_send(connection, "HTTP/1.1 200 OK\r\n\r\n");
    drip_while_open(NULL);
}

START_TEST(a_trickle_ends_at_the_total_limit)
{
    struct tw_fetch_options options = { .timeout = 20, .idle_timeout = 1 };

    start(NULL);
    peer.answer = answer_dripping;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_timeout);
    ck_assert_double_eq_tol(got.at, 20, 0.1);
    ck_assert_uint_ge(got.length, 75);
    ck_assert_int_eq(got.status, 200);
    dripping = NULL;
    tw_testing_advance(1);
    stop();
}
END_TEST

START_TEST(silence_between_bytes_is_bounded)
{
    struct tw_fetch_options options = { .idle_timeout = 6 };

    start("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi");
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_timeout);
    ck_assert_double_eq_tol(got.at, 6, 0.1);
    ck_assert_str_eq(got.body, "hi");
    ck_assert(!got.complete);
    stop();
}
END_TEST

START_TEST(a_negative_limit_is_none)
{
    struct tw_fetch_options options = { .timeout = -1, .idle_timeout = -1 };

    start("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi");
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", &options));
    tw_testing_advance(100000);
    ck_assert_uint_eq(got.fired, 0);
    peer_send(peer_last(&peer), "you");
    client_settle();
    ck_assert_str_eq(got.body, "hiyou");
    stop();
}
END_TEST

START_TEST(a_response_knows_its_times)
{
    struct tw_response_times times;

    start(NULL);
    peer.answer = answer_slowly;
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", NULL));
    tw_testing_advance(2);
    peer_send(peer_last(&peer), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    tw_testing_advance(3);
    peer_send(peer_last(&peer), "hi");
    client_settle();
    times = tw_response_times(got.result);
    ck_assert_double_lt(times.connected, 0.1);
    ck_assert_double_lt(times.sent, 0.1);
    ck_assert_double_eq_tol(times.first_byte, 2, 0.1);
    ck_assert_double_eq_tol(times.done, 5, 0.1);
    ck_assert_uint_eq(tw_response_wire_bytes(got.result), 2);
    stop();
}
END_TEST

/* --- ends ----------------------------------------------------------------------------------- */

START_TEST(a_part_may_be_a_success)
{
    struct tw_fetch_options options = { .accept_partial = true };

    start("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi");
    peer.then = PEER_CLOSES;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_null(got.error);
    ck_assert_str_eq(got.body, "hi");
    ck_assert(!got.complete);
    stop();
}
END_TEST

START_TEST(a_part_of_a_head_is_no_success)
{
    struct tw_fetch_options options = { .accept_partial = true };

    start("HTTP/1.1 200 OK\r\n");
    peer.then = PEER_CLOSES;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_partial);
    stop();
}
END_TEST

static const struct {
    const char *reply;
    const tw_error_class *error;
    int status;
} statuses[] = {
    { "HTTP/1.1 399 Odd\r\nContent-Length: 2\r\n\r\nno", NULL, 399 },
    { "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\nno", &tw_error_status, 400 },
    { "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", &tw_error_status, 404 },
    { "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", &tw_error_status, 500 },
};

START_TEST(a_status_may_be_a_failure)
{
    struct tw_fetch_options options = { .fail_on_error = true };

    start(statuses[_i].reply);
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, statuses[_i].error);
    ck_assert_int_eq(got.status, statuses[_i].status);
    ck_assert_str_eq(got.body, "no");
    ck_assert(got.complete);
    if (got.error != NULL)
        ck_assert_int_eq(tw_failure_number(got.result), statuses[_i].status);
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 1);
    stop();
}
END_TEST

/* Cancelled after so many turns: wherever the request is then. */
START_TEST(a_cancel_ends_a_request_anywhere)
{
    tw_deferred *request;

    start("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi");
    request = tw_agent_request(client_agent, "http://a/", NULL);
    outcome_of(&got, tw_deferred_ref(request));
    for (int i = 0; i < _i; i++)
        tw_reactor_iterate(0);
    ck_assert_int_eq(tw_cancel(request), 0);
    ck_assert_uint_eq(got.fired, 1);
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    tw_deferred_unref(request);
    client_settle();
    ck_assert_uint_eq(tw_agent_counts(client_agent).connections, 0);
    ck_assert_uint_eq(peer.open_count, 0);
    stop();
}
END_TEST

START_TEST(who_drops_a_request_does_not_cancel_it)
{
    start(HI);
    tw_deferred_unref(tw_agent_request(client_agent, "http://a/", NULL));
    client_settle();
    ck_assert_uint_eq(peer.requests, 1);
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 1);
    stop();
}
END_TEST

START_TEST(a_host_that_is_done_keeps_no_idle_connections)
{
    tw_agent *agent;

    start(HI);
    agent = client_agent;
    tw_deferred_unref(tw_agent_request(agent, "http://a/", NULL));
    tw_deferred_unref(tw_agent_request(agent, "http://a/", NULL));
    tw_deferred_unref(tw_agent_request(agent, "http://b/", NULL));
    client_settle();
    ck_assert_uint_eq(tw_agent_counts(agent).idle, 3);
    ck_assert_int_eq(tw_agent_close_host(agent, "https://a/"), 0);
    ck_assert_int_eq(tw_agent_close_host(agent, "http://a:81/"), 0);
    ck_assert_int_eq(tw_agent_close_host(agent, "http://a.b/"), 0);
    ck_assert_uint_eq(tw_agent_counts(agent).idle, 3);
    ck_assert_int_eq(tw_agent_close_host(agent, "http://A:80/any?thing"), 0);
    client_settle();
    ck_assert_uint_eq(tw_agent_counts(agent).connections, 1);
    ck_assert_int_eq(tw_agent_close_host(agent, "ftp://a/"), -EINVAL);
    ck_assert_int_eq(tw_agent_close_host(agent, "a"), -EINVAL);
    ck_assert_int_eq(tw_agent_close_host(NULL, "http://b/"), 0);
    ck_assert_uint_eq(tw_agent_counts(agent).connections, 1);
    stop();
}
END_TEST

START_TEST(a_refused_connection_says_so)
{
    start(HI);
    client_get(&got, "http://a:81/", NULL);
    ck_assert_ptr_eq(got.error, &tw_error_connect_refused);
    ck_assert_str_eq(tw_failure_word(got.result), "connect");
    stop();
}
END_TEST

static const char *const private_hosts[] = {
    "http://127.0.0.1/",      "http://10.1.2.3/",   "http://[::1]/",
    "http://0x7f.1/",         "http://2130706433/", "http://[::ffff:127.0.0.1]/",
    "http://169.254.169.254/"
};

START_TEST(private_addresses_can_be_refused)
{
    client_begin_with(&(struct tw_agent_options){ .refuse_private = true, .proxy = "" });
    peer = (struct peer){ .reply = HI };
    peer_begin(&peer, 80);
    client_get(&got, private_hosts[_i], NULL);
    ck_assert_ptr_eq(got.error, &tw_error_connect);
    ck_assert_uint_eq(peer.connections, 0);
    stop();
}
END_TEST

/* --- the value ------------------------------------------------------------------------------ */

START_TEST(a_response_can_be_asked)
{
    char text[200];

    start("HTTP/1.1 201 Made so\r\nX: 1\r\nX: 2\r\nContent-Length: 2\r\n\r\nhi");
    client_get(&got, "http://a/b?c#d", NULL);
    ck_assert_int_eq(tw_response_status(got.result), 201);
    ck_assert_str_eq(tw_response_reason(got.result), "Made so");
    ck_assert_str_eq(tw_response_version(got.result), "HTTP/1.1");
    ck_assert_str_eq(tw_response_header(got.result, "x"), "1");
    ck_assert_ptr_null(tw_response_header(got.result, "y"));
    ck_assert_uint_eq(tw_headers_count(tw_response_headers(got.result)), 3);
    ck_assert_str_eq(tw_response_url(got.result), "http://a/b?c#d");
    ck_assert_int_gt(tw_value_format(got.result, text, sizeof text), 0);
    ck_assert_str_eq(text, "response 201 from http://a/b?c#d, 2 bytes");
    tw_response_pause(got.result);
    tw_response_resume(got.result);
    stop();
}
END_TEST

START_TEST(what_is_no_response_answers_nothing)
{
    tw_value none = tw_none();

    ck_assert_int_eq(tw_response_status(none), 0);
    ck_assert_str_eq(tw_response_reason(none), "");
    ck_assert_str_eq(tw_response_version(none), "");
    ck_assert_ptr_null(tw_response_headers(none));
    ck_assert_ptr_null(tw_response_header(none, "x"));
    ck_assert(tw_is_none(tw_response_body(none)));
    ck_assert_str_eq(tw_response_url(none), "");
    ck_assert_uint_eq(tw_response_redirects(none), 0);
    ck_assert(!tw_response_complete(none));
    ck_assert(tw_is_none(tw_response_previous(none)));
    ck_assert_double_eq(tw_response_times(none).done, 0);
    ck_assert_uint_eq(tw_response_wire_bytes(none), 0);
    tw_response_pause(none);
    tw_response_resume(none);
}
END_TEST

static const char *const numbers[] = { "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
                                       "HTTP/1.9 200 OK\r\n\r\n" };

START_TEST(a_response_knows_its_version)
{
    start(numbers[_i]);
    peer.then = PEER_CLOSES;
    client_get(&got, "http://a/", NULL);
    ck_assert_str_eq(tw_response_version(got.result), _i == 0 ? "HTTP/1.0" : "HTTP/1.1");
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    static const int turns[12];

    TEST_ADD_ROWS(suite, a_request_goes_out_as_asked, heads);
    TEST_ADD(suite, parts_go_out_with_their_boundary);
    TEST_ADD(suite, another_port_stands_in_the_host_field);
    TEST_ADD_ROWS(suite, what_cannot_be_asked_fails_at_once, refused);
    TEST_ADD(suite, error_texts_tell_no_secrets);
    TEST_ADD_ROWS(suite, silence_is_bounded, silences);
    TEST_ADD(suite, a_trickle_ends_at_the_total_limit);
    TEST_ADD(suite, silence_between_bytes_is_bounded);
    TEST_ADD(suite, a_negative_limit_is_none);
    TEST_ADD(suite, a_response_knows_its_times);
    TEST_ADD(suite, a_part_may_be_a_success);
    TEST_ADD(suite, a_part_of_a_head_is_no_success);
    TEST_ADD_ROWS(suite, a_status_may_be_a_failure, statuses);
    TEST_ADD_ROWS(suite, a_cancel_ends_a_request_anywhere, turns);
    TEST_ADD(suite, who_drops_a_request_does_not_cancel_it);
    TEST_ADD(suite, a_host_that_is_done_keeps_no_idle_connections);
    TEST_ADD(suite, a_refused_connection_says_so);
    TEST_ADD_ROWS(suite, private_addresses_can_be_refused, private_hosts);
    TEST_ADD(suite, a_response_can_be_asked);
    TEST_ADD(suite, what_is_no_response_answers_nothing);
    TEST_ADD_ROWS(suite, a_response_knows_its_version, numbers);
    return test_run(suite);
}
