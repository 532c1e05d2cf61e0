/* SPDX-License-Identifier: MIT */
/*
 * check_client_replies.c - the client's reading of good, broken and hostile replies: each
 * whole, a byte at a time, cut at every byte, stalled and reset.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tweed/tls.h>

#include "net/transport/transport.h"
#include "tests/certificates.h"
#include "tests/client_peer.h"
#include "tests/test.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define CL(n) "Content-Length: " #n "\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static const struct reply {
    const char *name, *reply;
    enum peer_then then;
    const tw_error_class *error; /* NULL: success */
    const char *body;
    bool reused; /* the connection is kept */
    const char *method;
} replies[] = {
    /* legal */
    { "length", OK CL(2) "\r\nhi", PEER_KEEPS, NULL, "hi", true, NULL },
    { "no body", OK CL(0) "\r\n", PEER_KEEPS, NULL, "", true, NULL },
    { "until close", OK "\r\nhi", PEER_CLOSES, NULL, "hi", false, NULL },
    { "1.0 until close", "HTTP/1.0 200 OK\r\n\r\nhi", PEER_CLOSES, NULL, "hi", false, NULL },
    { "1.0 kept", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CL(2) "\r\nhi", PEER_KEEPS,
      NULL, "hi", true, NULL },
    { "closes", OK "Connection: close\r\n" CL(2) "\r\nhi", PEER_KEEPS, NULL, "hi", false,
      NULL },
    { "chunks", CHUNKED "1\r\nh\r\n1;x=y\r\ni\r\n0\r\n\r\n", PEER_KEEPS, NULL, "hi", true,
      NULL },
    { "trailers", CHUNKED "2\r\nhi\r\n0\r\nX: y\r\n\r\n", PEER_KEEPS, NULL, "hi", true, NULL },
    { "no reason", "HTTP/1.1 200\r\n" CL(2) "\r\nhi", PEER_KEEPS, NULL, "hi", true, NULL },
    { "informational", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK CL(2) "\r\nhi",
      PEER_KEEPS, NULL, "hi", true, NULL },
    { "204", "HTTP/1.1 204 No Content\r\n\r\n", PEER_KEEPS, NULL, "", true, NULL },
    { "304", "HTTP/1.1 304 Not Modified\r\n" CL(99) "\r\n", PEER_KEEPS, NULL, "", true, NULL },
    { "HEAD", OK CL(99) "\r\n", PEER_KEEPS, NULL, "", true, "HEAD" },
    { "404", "HTTP/1.1 404 Not Found\r\n" CL(2) "\r\nno", PEER_KEEPS, NULL, "no", true, NULL },
    { "bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", PEER_KEEPS, NULL, "hi", true,
      NULL },
    { "equal lengths", OK CL(2) CL(2) "\r\nhi", PEER_KEEPS, NULL, "hi", true, NULL },
    { "space in a name", OK "X y: z\r\n" CL(2) "\r\nhi", PEER_KEEPS, NULL, "hi", false, NULL },
    { "chunked twice", OK "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
      PEER_KEEPS, NULL, "hi", false, NULL },
    { "length and chunked", OK CL(99) "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
      PEER_KEEPS, NULL, "hi", false, NULL },
    /* ended too early */
    { "nothing", "", PEER_CLOSES, &tw_error_empty, "", false, NULL },
    { "status line cut", "HTTP/1.1 200 O", PEER_CLOSES, &tw_error_partial, "", false, NULL },
    { "header cut", OK "X: y\r\n", PEER_CLOSES, &tw_error_partial, "", false, NULL },
    { "body cut", OK CL(3) "\r\nhi", PEER_CLOSES, &tw_error_partial, "hi", false, NULL },
    { "body reset", OK CL(3) "\r\nhi", PEER_RESETS, &tw_error_partial, "hi", false, NULL },
    { "last chunk missing", CHUNKED "2\r\nhi\r\n", PEER_CLOSES, &tw_error_partial, "hi", false,
      NULL },
    { "chunk cut", CHUNKED "9\r\nhi", PEER_CLOSES, &tw_error_partial, "hi", false, NULL },
    { "until a reset", OK "\r\nhi", PEER_RESETS, &tw_error_partial, "hi", false, NULL },
    /* broken */
    { "chunk size", CHUNKED "x\r\nhi\r\n0\r\n\r\n", PEER_KEEPS, &tw_error_protocol, "", false,
      NULL },
    { "0x chunk", CHUNKED "0x2\r\nhi\r\n0\r\n\r\n", PEER_KEEPS, &tw_error_protocol, "", false,
      NULL },
    { "signed chunk", CHUNKED "+2\r\nhi\r\n0\r\n\r\n", PEER_KEEPS, &tw_error_protocol, "",
      false, NULL },
    { "underscored chunk", CHUNKED "0_2\r\nhi\r\n0\r\n\r\n", PEER_KEEPS, &tw_error_protocol,
      "", false, NULL },
    { "huge chunk", CHUNKED "8000000000000000\r\nhi", PEER_KEEPS, &tw_error_toolarge, "",
      false, NULL },
    { "huge length", OK "Content-Length: 9223372036854775808\r\n\r\nhi", PEER_KEEPS,
      &tw_error_toolarge, "", false, NULL },
    { "no end of chunk", CHUNKED "2\r\nhiX", PEER_KEEPS, &tw_error_protocol, "hi", false,
      NULL },
    { "negative length", OK CL(-1) "\r\n", PEER_KEEPS, &tw_error_protocol, "", false, NULL },
    { "junk length", OK CL(2x) "\r\n", PEER_KEEPS, &tw_error_protocol, "", false, NULL },
    { "two lengths", OK CL(2) CL(3) "\r\nhi", PEER_KEEPS, &tw_error_protocol, "", false,
      NULL },
    { "no HTTP", "SSH-2.0-OpenSSH\r\n", PEER_KEEPS, &tw_error_protocol, "", false, NULL },
    { "0.9", "<html>hello</html>\r\n", PEER_CLOSES, &tw_error_protocol, "", false, NULL },
    { "HTTP/5", "HTTP/5.0 200 OK\r\n\r\n", PEER_KEEPS, &tw_error_protocol, "", false, NULL },
    { "bare CR", OK "X: a\rb\r\n\r\n", PEER_KEEPS, &tw_error_protocol, "", false, NULL },
    { "no colon", OK "X y\r\n\r\n", PEER_KEEPS, &tw_error_protocol, "", false, NULL },
};

static struct peer peer;

static void start(const struct reply *row, size_t piece)
{
    client_begin();
    peer = (struct peer){ .reply = row->reply, .then = row->then, .piece = piece };
    peer_begin(&peer, 80);
}

static void stop(void)
{
    tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(&peer);
    client_end();
}

static struct tw_fetch_options options_of(const struct reply *row)
{
    return (struct tw_fetch_options){ .method = row->method };
}

static void expect(const struct reply *row, const struct outcome *got)
{
    ck_assert_msg(got->error == row->error, "%s: %s, not %s", row->name,
                  got->error == NULL ? "success" : got->error->name,
                  row->error == NULL ? "success" : row->error->name);
    ck_assert_msg(got->length == strlen(row->body) &&
                      memcmp(got->body, row->body, got->length) == 0,
                  "%s: \"%.*s\"", row->name, (int)got->length, got->body);
    ck_assert_msg(got->complete == (row->error == NULL), "%s", row->name);
    ck_assert_msg((tw_agent_counts(client_agent).idle == 1) == row->reused, "%s", row->name);
}

START_TEST(a_reply_means_the_same_whole_and_in_pieces)
{
    const struct reply *row = &replies[_i];
    struct tw_fetch_options options = options_of(row);
    struct outcome got;

    for (size_t piece = 0; piece < 4; piece++) {
        start(row, piece);
        client_get(&got, "http://a/", &options);
        expect(row, &got);
        outcome_free(&got);
        stop();
    }
}
END_TEST

/* A prefix of a reply: is it a reply of its own? */
static bool may_be_complete(const struct reply *row, size_t length)
{
    const char *end = strstr(row->reply, "\r\n\r\n");
    return strstr(row->reply, "ntil") == NULL && strstr(row->reply, CL(2)) == NULL &&
           strstr(row->reply, "chunked") == NULL && end != NULL &&
           length >= (size_t)(end - row->reply) + 4;
}

START_TEST(a_reply_cut_at_any_byte_is_an_error)
{
    const struct reply *row = &replies[_i];
    struct tw_fetch_options options = options_of(row);
    size_t length = strlen(row->reply);
    struct outcome got;

    for (size_t cut = 0; row->error == NULL && cut < length; cut++)
        for (int then = PEER_CLOSES; then <= PEER_RESETS; then++) {
            const tw_error_class *error = cut > 0 ? &tw_error_partial
                                          : then == PEER_CLOSES ? &tw_error_empty
                                                                : &tw_error_connection_lost;
            start(row, 0);
            peer.reply_length = cut;
            peer.reply = cut == 0 ? NULL : row->reply;
            peer.then = (enum peer_then)then;
            client_get(&got, "http://a/", &options);
            if (got.error == NULL)
                ck_assert_msg(then == PEER_CLOSES && may_be_complete(row, cut), "%s: %zu",
                              row->name, cut);
            else
                ck_assert_msg(got.error == error, "%s: %zu: %s", row->name, cut,
                              got.error->name);
            outcome_free(&got);
            stop();
        }
}
END_TEST

START_TEST(a_reply_that_stalls_anywhere_times_out)
{
    const struct reply *row = &replies[_i];
    struct tw_fetch_options options = options_of(row);
    size_t length = strlen(row->reply);
    struct outcome got;

    options.timeout = 7;
    for (size_t cut = 0; row->error == NULL && cut < length; cut++) {
        start(row, 0);
        peer.reply_length = cut;
        peer.reply = cut == 0 ? NULL : row->reply;
        peer.then = PEER_KEEPS;
        client_get(&got, "http://a/", &options);
        ck_assert_msg(got.error == &tw_error_timeout, "%s: %zu: %s", row->name, cut,
                      got.error == NULL ? "success" : got.error->name);
        ck_assert_double_eq_tol(got.at, 7, 0.01);
        ck_assert(!got.complete);
        outcome_free(&got);
        stop();
    }
}
END_TEST

/* --- limits -------------------------------------------------------------------------------- */

static void answer_endlessly(struct peer_connection *connection, const char *request)
{
    static char many[65536];

    (void)request;
    memset(many, 'x', sizeof many);
    peer_send(connection, OK "\r\n");
    for (int i = 0; i < 40; i++)
        peer_send_n(connection, many, sizeof many);
}

START_TEST(an_endless_body_ends_at_the_limit)
{
    struct tw_fetch_options options = { .max_body = 1000000 };
    struct outcome got;

    start(&replies[0], 0);
    peer.answer = answer_endlessly;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_toolarge);
    ck_assert_uint_eq(got.length, 1000000);
    ck_assert(!got.complete);
    outcome_free(&got);
    stop();
}
END_TEST

static const struct {
    const char *length;
    int64_t max;
    bool fits;
} limits[] = {
    { "3", 2, false },
    { "2", 2, true },
    { "99999999999", 0, false },
};

START_TEST(a_length_over_the_limit_is_refused_at_once)
{
    struct tw_fetch_options options = { .max_body = limits[_i].max };
    char reply[100];
    struct outcome got;

    snprintf(reply, sizeof reply, OK "Content-Length: %s\r\n\r\nhi", limits[_i].length);
    start(&replies[0], 0);
    peer.reply = reply;
    client_get(&got, "http://a/", &options);
    if (limits[_i].fits)
        ck_assert_ptr_null(got.error);
    else
        ck_assert_ptr_eq(got.error, &tw_error_toolarge);
    ck_assert_int_eq(got.status, 200);
    outcome_free(&got);
    stop();
}
END_TEST

static void answer_many_fields(struct peer_connection *connection, const char *request)
{
    (void)request;
    peer_send(connection, OK);
    for (int i = 0; i < 501; i++)
        peer_send(connection, "X: y\r\n");
    peer_send(connection, CL(0) "\r\n");
}

static void answer_long_field(struct peer_connection *connection, const char *request)
{
    static char much[100001];

    (void)request;
    memset(much, 'x', sizeof much);
    peer_send(connection, OK "X: ");
    peer_send_n(connection, much, sizeof much);
}

static void answer_long_status(struct peer_connection *connection, const char *request)
{
    static char much[65537];

    (void)request;
    memset(much, 'x', sizeof much);
    peer_send(connection, "HTTP/1.1 200 ");
    peer_send_n(connection, much, sizeof much);
}

static void answer_only_informational(struct peer_connection *connection, const char *request)
{
    (void)request;
    for (int i = 0; i < 51; i++)
        peer_send(connection, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void (*const floods[])(struct peer_connection *, const char *) = {
    answer_many_fields,
    answer_long_field,
    answer_long_status,
    answer_only_informational,
};

START_TEST(a_head_has_limits)
{
    struct outcome got;

    start(&replies[0], 0);
    peer.answer = floods[_i];
    client_get(&got, "http://a/", NULL);
    ck_assert(got.error == &tw_error_toolarge || got.error == &tw_error_protocol);
    outcome_free(&got);
    stop();
}
END_TEST

START_TEST(the_limits_of_a_head_can_be_changed)
{
    struct tw_fetch_options options = { .max_header_lines = 600 };
    struct outcome got;

    start(&replies[0], 0);
    peer.answer = answer_many_fields;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_null(got.error);
    outcome_free(&got);
    options.max_header_lines = 0;
    options.max_header_bytes = 10;
    peer.answer = NULL;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_toolarge);
    outcome_free(&got);
    stop();
}
END_TEST

/* --- bytes that nobody asked for ----------------------------------------------------------- */

static const char *const unwanted[] = {
    OK CL(2) "\r\nhiX",
    OK CL(2) "\r\nhi" OK CL(4) "\r\nevil",
    "HTTP/1.1 204 No Content\r\n\r\nbody",
    "HTTP/1.1 304 Not Modified\r\n" CL(4) "\r\nbody",
    CHUNKED "2\r\nhi\r\n0\r\n\r\nX",
};

START_TEST(bytes_after_a_reply_end_the_connection)
{
    struct outcome first, second;

    start(&replies[0], 0);
    peer.reply = unwanted[_i];
    client_get(&first, "http://a/1", NULL);
    ck_assert_ptr_null(first.error);
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 0);
    peer.reply = OK CL(4) "\r\ngood";
    client_get(&second, "http://a/2", NULL);
    ck_assert_ptr_null(second.error);
    ck_assert_str_eq(second.body, "good");
    ck_assert_uint_eq(peer.connections, 2);
    outcome_free(&first);
    outcome_free(&second);
    stop();
}
END_TEST

START_TEST(a_reply_that_nobody_asked_for_ends_the_connection)
{
    struct outcome first, second;

    start(&replies[0], 0);
    client_get(&first, "http://a/1", NULL);
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 1);
    peer_send(peer_last(&peer), OK CL(4) "\r\nevil");
    client_settle();
    ck_assert_uint_eq(tw_agent_counts(client_agent).connections, 0);
    client_get(&second, "http://a/2", NULL);
    ck_assert_str_eq(second.body, "hi");
    outcome_free(&first);
    outcome_free(&second);
    stop();
}
END_TEST

/* --- the end of a connection over TLS ------------------------------------------------------ */

static const struct {
    const char *what, *reply;
    bool says_so; /* by close_notify; else TCP ends below */
    const tw_error_class *error;
} tls_ends[] = {
    { "until close", OK "\r\nhello", true, NULL },
    { "until close, cut", OK "\r\nhello", false, &tw_error_partial },
    { "a length", OK CL(5) "\r\nhello", true, NULL },
    { "a length, cut behind it", OK CL(5) "\r\nhello", false, NULL },
    { "half a length", OK CL(10) "\r\nhello", true, &tw_error_partial },
    { "half a length, cut", OK CL(10) "\r\nhello", false, &tw_error_partial },
    { "chunks", CHUNKED "5\r\nhello\r\n", true, &tw_error_partial },
    { "1.0 until close, cut", "HTTP/1.0 200 OK\r\n\r\nhello", false, &tw_error_partial },
};

static void end_below(void *arg)
{
    const struct peer_connection *connection = arg;

    tw_transport_lose(twi_transport_lower(connection->protocol.transport));
}

static void answer_and_end(struct peer_connection *connection, const char *request)
{
    const int *row = connection->peer->user;

    (void)request;
    peer_send(connection, tls_ends[*row].reply);
    if (tls_ends[*row].says_so)
        peer_close(connection);
    else
        tw_call_later(0.001, end_below, connection); /* when the reply has left */
}

/* Anybody on the way can end TCP, and what has come would pass for the whole. */
START_TEST(an_end_that_tls_did_not_say_is_a_cut)
{
    struct tw_tls_options any = { .no_verify = true };
    struct tw_tls_options ours = { .server = true, .cert_file = test_leaf_file() };
    struct tw_fetch_options options = { .timeout = 10 };
    tw_tls_context *identity;
    struct outcome got;
    int row = _i;

    client_begin();
    ck_assert(!tw_is_failure(tw_tls_context_new(&ours, &identity)));
    ck_assert(!tw_is_failure(tw_tls_context_new(&any, &options.tls)));
    peer = (struct peer){ .answer = answer_and_end, .tls = identity, .user = &row };
    peer_begin(&peer, 443);
    client_get(&got, "https://a.test/", &options);
    ck_assert_msg(got.error == tls_ends[_i].error, "%s: %s", tls_ends[_i].what,
                  tw_is_failure(got.result) ? tw_failure_message(got.result) : "a success");
    ck_assert_msg(strcmp(got.body, "hello") == 0, "%s: %s", tls_ends[_i].what, got.body);
    ck_assert(got.complete == (tls_ends[_i].error == NULL));
    outcome_free(&got);
    tw_tls_context_unref(options.tls);
    tw_tls_context_unref(identity);
    peer_end(&peer);
    client_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client replies");

    TEST_ADD_ROWS(suite, a_reply_means_the_same_whole_and_in_pieces, replies);
    TEST_ADD_ROWS(suite, a_reply_cut_at_any_byte_is_an_error, replies);
    TEST_ADD_ROWS(suite, a_reply_that_stalls_anywhere_times_out, replies);
    TEST_ADD(suite, an_endless_body_ends_at_the_limit);
    TEST_ADD_ROWS(suite, a_length_over_the_limit_is_refused_at_once, limits);
    TEST_ADD_ROWS(suite, a_head_has_limits, floods);
    TEST_ADD(suite, the_limits_of_a_head_can_be_changed);
    TEST_ADD_ROWS(suite, bytes_after_a_reply_end_the_connection, unwanted);
    TEST_ADD(suite, a_reply_that_nobody_asked_for_ends_the_connection);
    TEST_ADD_ROWS(suite, an_end_that_tls_did_not_say_is_a_cut, tls_ends);
    return test_run(suite);
}
