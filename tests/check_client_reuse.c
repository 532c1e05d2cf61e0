/* SPDX-License-Identifier: MIT */
/*
 * check_client_reuse.c - a connection is looked at before it is used again.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/certificates.h"
#include "tests/client_peer.h"
#include "tests/test.h"

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define POISON "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

enum { RECORD = 16384 }; /* of TLS, at most */

static struct peer peer;
static struct outcome got[3];
static tw_tls_context *trust, *identity;
static const char *url;

static void start(bool tls)
{
    struct tw_agent_options options = { .proxy = "" };

    ck_assert_int_eq(tw_testing_begin(), 0);
    memset(got, 0, sizeof got);
    peer = (struct peer){ .reply = HI };
    url = tls ? "https://a.test/" : "http://a.test/";
    if (tls) {
        ck_assert(!tw_is_failure(tw_tls_context_new(
            &(struct tw_tls_options){ .ca_file = test_ca_file() }, &trust)));
        ck_assert(!tw_is_failure(tw_tls_context_new(
            &(struct tw_tls_options){ .server = true, .cert_file = test_leaf_file() },
            &identity)));
    }
    options.tls = trust;
    peer.tls = identity;
    client_agent = test_given(tw_agent_new(&options));
    peer_begin(&peer, tls ? 443 : 80);
}

static void stop(void)
{
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++)
        outcome_free(&got[i]);
    tw_agent_close_idle(client_agent);
    tw_testing_advance(5);
    peer_end(&peer);
    tw_testing_advance(5);
    tw_tls_context_unref(trust);
    tw_tls_context_unref(identity);
    trust = identity = NULL;
    client_end();
}

/* Plain and by TLS; how far the bytes have come on their way to the client. */
static const struct {
    bool tls;
    int turns;
} ways[] = { { false, 1 }, { false, 2 }, { false, 3 }, { false, 9 },
             { true, 1 },  { true, 2 },  { true, 3 },  { true, 9 } };

START_TEST(what_came_meanwhile_answers_nobody)
{
    static const char *const methods[] = { "GET", "POST" };

    for (size_t i = 0; i < 2; i++) {
        struct tw_fetch_options options = { .method = methods[i] };

        start(ways[_i].tls);
        client_get(&got[0], url, NULL);
        ck_assert_str_eq(got[0].body, "hi");
        tw_transport_write(peer_last(&peer)->protocol.transport, POISON, sizeof POISON - 1);
        for (int turn = 0; turn < ways[_i].turns; turn++)
            tw_reactor_iterate(0);
        client_get(&got[1], url, &options);
        ck_assert_str_eq(got[1].body, "hi");
        ck_assert_uint_eq(peer.connections, 2);
        ck_assert_uint_eq(peer.requests, 2);
        stop();
    }
}
END_TEST

static size_t asked;
static struct tw_fetch_options again;

static tw_value ask_again(tw_value result, void *arg)
{
    (void)arg;
    if (++asked < sizeof got / sizeof got[0]) {
        tw_deferred *next = tw_agent_request(client_agent, url, &again);
        tw_add_callback(next, ask_again, NULL);
        outcome_of(&got[asked], next);
    }
    return result;
}

static void ask_thrice(const struct tw_fetch_options *options)
{
    tw_deferred *first;

    again = *options;
    asked = 0;
    first = tw_agent_request(client_agent, url, options);
    tw_add_callback(first, ask_again, NULL);
    outcome_of(&got[0], first);
    tw_testing_advance(1);
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++)
        ck_assert_int_eq(got[i].status, 200);
}

static const struct {
    bool tls;
    const char *method, *body;
} silent[] = {
    { false, "POST", "x" }, { false, "POST", "" }, { false, "PUT", "x" },
    { false, "GET", NULL }, { true, "POST", "x" }, { true, "GET", NULL },
};

/* The peer says nothing of closing, and closes. */
START_TEST(a_request_goes_out_once_although_the_peer_closes)
{
    struct tw_fetch_options options = {
        .method = silent[_i].method,
        .body = silent[_i].body,
        .body_length = silent[_i].body != NULL ? strlen(silent[_i].body) : 0,
    };

    start(silent[_i].tls);
    peer.then = PEER_CLOSES;
    ask_thrice(&options);
    ck_assert_uint_eq(peer.connections, 3);
    ck_assert_uint_eq(peer.requests, 3);
    stop();
}
END_TEST

/* An answer that fills a record, and another one in the next: both are there when the first is
 * delivered, and the request that its callback makes has not left yet. */
static void answer_in_a_record(struct peer_connection *connection, const char *request)
{
    static char text[RECORD + sizeof POISON];
    size_t head = 0;

    (void)request;
    for (int i = 0; i < 2; i++) /* once for its own length */
        head = (size_t)snprintf(text, sizeof text,
                                "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                                RECORD - (head > 0 ? head : 42));
    memset(text + head, 'x', RECORD - head);
    memcpy(text + RECORD, POISON, sizeof POISON - 1);
    tw_transport_write(connection->protocol.transport, text, RECORD + sizeof POISON - 1);
}

START_TEST(what_comes_before_a_request_has_left_is_not_its_answer)
{
    static const struct tw_fetch_options options = { 0 };

    start(true);
    peer.answer = answer_in_a_record;
    ask_thrice(&options);
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++)
        ck_assert_uint_gt(got[i].length, RECORD / 2);
    ck_assert_uint_eq(peer.connections, 3);
    ck_assert_uint_eq(peer.requests, 3);
    ck_assert_uint_eq(tw_agent_counts(client_agent).reused, 2);
    stop();
}
END_TEST

START_TEST(a_quiet_connection_is_used_again)
{
    struct tw_fetch_options options = { .method = _i % 2 == 0 ? "GET" : "POST" };

    start(_i / 2 == 1);
    ask_thrice(&options);
    ck_assert_uint_eq(peer.connections, 1);
    client_get(&got[0], url, &options);
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

/* --- what on_request() may do --------------------------------------------------------------- */

static unsigned heads;

static void head_went(const char *head, size_t length, void *arg)
{
    static const struct tw_fetch_options plain = { .method = "OPTIONS" };

    (void)arg;
    if (heads++ == 0)
        outcome_of(&got[1], tw_agent_request(client_agent, "http://other/", &plain));
    ck_assert_mem_eq(head, "POST / HTTP/1.1\r\n", 17);
    ck_assert_mem_eq(head + length - 4, "\r\n\r\n", 4);
}

START_TEST(another_request_may_be_made_while_one_goes_out)
{
    struct tw_fetch_options options = { .body = "body",
                                        .body_length = 4,
                                        .on_request = head_went };

    start(false);
    heads = 0;
    client_get(&got[0], url, &options);
    ck_assert_str_eq(got[0].body, "hi");
    ck_assert_int_eq(got[1].status, 200);
    ck_assert_uint_eq(peer_count(&peer, "Content-Length: 4\r\n\r\nbody"), 1);
    ck_assert_uint_eq(peer_count(&peer, "OPTIONS / HTTP/1.1\r\n"), 1);
    stop();
}
END_TEST

static tw_deferred *victim;

static void head_cancels(const char *head, size_t length, void *arg)
{
    (void)head, (void)length, (void)arg;
    tw_cancel(victim);
}

START_TEST(a_request_may_be_cancelled_while_it_goes_out)
{
    struct tw_fetch_options options = { .on_request = head_cancels };

    start(false);
    victim = tw_agent_request(client_agent, url, &options);
    outcome_of(&got[0], tw_deferred_ref(victim));
    client_settle();
    ck_assert_ptr_eq(got[0].error, &tw_error_cancelled);
    ck_assert_uint_eq(tw_agent_counts(client_agent).connections, 0);
    tw_deferred_unref(victim);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client reuse");
    static const int four[4];

    test_spare_openssl();
    TEST_ADD_ROWS(suite, what_came_meanwhile_answers_nobody, ways);
    TEST_ADD_ROWS(suite, a_request_goes_out_once_although_the_peer_closes, silent);
    TEST_ADD(suite, what_comes_before_a_request_has_left_is_not_its_answer);
    TEST_ADD_ROWS(suite, a_quiet_connection_is_used_again, four);
    TEST_ADD(suite, another_request_may_be_made_while_one_goes_out);
    TEST_ADD(suite, a_request_may_be_cancelled_while_it_goes_out);
    return test_run(suite);
}
