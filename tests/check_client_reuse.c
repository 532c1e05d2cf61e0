/* SPDX-License-Identifier: MIT */
/*
 * check_client_reuse.c - a connection is looked at before it is used again.
 */
#include "config.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
    outcome_free(&got[0]);
    client_get(&got[0], url, &options);
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

/* --- on sockets ----------------------------------------------------------------------------- */

/* Two connections that were answered by hand, and the work of the second one's callback. */
static int ends[3];

static void answer(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* A request on each: the first takes the connection that has just become free, the second the one
 * to which the peer has written since it was last read. */
static tw_value poison_and_ask(tw_value result, void *arg)
{
    const char *to = arg;

    answer(ends[0], POISON);
    outcome_of(&got[0], tw_agent_request(client_agent, to, NULL));
    outcome_of(&got[2], tw_agent_request(client_agent, to, NULL));
    return result;
}

static void turn_until(const unsigned *fired)
{
    double patience = test_deadline();

    while (*fired == 0 && test_before(patience))
        tw_reactor_iterate(0.01);
    ck_assert_uint_eq(*fired, 1);
}

static void turn_until_asked(int fd)
{
    double patience = test_deadline();
    char request[1000];

    while (recv(fd, request, sizeof request, MSG_DONTWAIT) <= 0 && test_before(patience))
        tw_reactor_iterate(0.01);
    ck_assert(test_before(patience));
}

static int accepted(int fd)
{
    double patience = test_deadline();
    int end;

    while ((end = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) < 0 && test_before(patience))
        tw_reactor_iterate(0.01);
    ck_assert_int_ge(end, 0);
    return end;
}

static int listen_by_hand(char *to, size_t size)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(to, size, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    return fd;
}

START_TEST(a_socket_is_looked_at_between_two_reads)
{
    char to[40];
    int listening;
    tw_deferred *second;

    ck_assert_int_eq(
        tw_reactor_install(&(struct tw_reactor_options){ .no_signal_handlers = true }), 0);
    client_agent = test_given(tw_agent_new(&(struct tw_agent_options){ .proxy = "" }));
    memset(got, 0, sizeof got);
    listening = listen_by_hand(to, sizeof to);
    outcome_of(&got[0], tw_agent_request(client_agent, to, NULL));
    ends[0] = accepted(listening);
    turn_until_asked(ends[0]);
    second = tw_agent_request(client_agent, to, NULL);
    tw_add_callback(second, poison_and_ask, to);
    outcome_of(&got[1], second);
    ends[1] = accepted(listening);
    turn_until_asked(ends[1]);
    answer(ends[0], HI);
    turn_until(&got[0].fired);
    outcome_free(&got[0]);
    answer(ends[1], HI);
    turn_until(&got[1].fired);
    turn_until_asked(ends[1]);
    answer(ends[1], HI);
    turn_until(&got[0].fired);
    ends[2] = accepted(listening);
    turn_until_asked(ends[2]);
    answer(ends[2], HI);
    turn_until(&got[2].fired);
    ck_assert_str_eq(got[2].body, "hi");
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++) {
        outcome_free(&got[i]);
        close(ends[i]);
    }
    close(listening);
    tw_agent_unref(client_agent);
    client_agent = NULL;
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* --- what on_request() may do --------------------------------------------------------------- */

static unsigned heads;

static void head_went(const struct tw_outgoing *request, void *arg)
{
    static const struct tw_fetch_options plain = { .method = "OPTIONS" };

    (void)arg;
    if (heads++ == 0)
        outcome_of(&got[1], tw_agent_request(client_agent, "http://other/", &plain));
    ck_assert_mem_eq(request->head, "POST / HTTP/1.1\r\n", 17);
    ck_assert_mem_eq(request->head + request->length - 4, "\r\n\r\n", 4);
    ck_assert_str_eq(request->url, url);
    ck_assert(!request->resend);
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

static void head_cancels(const struct tw_outgoing *request, void *arg)
{
    (void)request, (void)arg;
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

static char sendings[200]; /* a word for each */

static void sending_note(const struct tw_outgoing *request, void *arg)
{
    (void)arg;
    ck_assert_ptr_null(strchr(request->url, '@'));
    snprintf(sendings + strlen(sendings), sizeof sendings - strlen(sendings), "%s%s ",
             strstr(request->url, "://") + 3, request->resend ? "!" : "");
}

/* Each connection answers once, and ends at its second request; /moved leads to /. */
static void answer_once(struct peer_connection *connection, const char *request)
{
    if (connection->requests > 1)
        peer_close(connection);
    else
        peer_send(connection,
                  strstr(request, "/moved ") != NULL
                      ? "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
                      : HI);
}

static const struct {
    const char *method, *url, *sendings;
} resends[] = {
    { "GET", "http://u:p@a/", "a/ a/! " },
    { "GET", "http://a/moved", "a/moved a/moved! a/ a/! " },
    { "POST", "http://a/", "a/ " }, /* may not go out twice */
};

START_TEST(a_request_that_goes_out_again_says_so)
{
    struct tw_fetch_options options = { .method = resends[_i].method,
                                        .on_request = sending_note };

    start(false);
    peer.answer = answer_once;
    client_get(&got[0], "http://a/", NULL);
    tw_testing_advance(1); /* so that a POST takes the connection, too */
    sendings[0] = '\0';
    client_get(&got[1], resends[_i].url, &options);
    ck_assert_ptr_eq(got[1].error, _i == 2 ? &tw_error_empty : NULL);
    ck_assert_str_eq(sendings, resends[_i].sendings);
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
    TEST_ADD(suite, a_socket_is_looked_at_between_two_reads);
    TEST_ADD(suite, another_request_may_be_made_while_one_goes_out);
    TEST_ADD(suite, a_request_may_be_cancelled_while_it_goes_out);
    TEST_ADD_ROWS(suite, a_request_that_goes_out_again_says_so, resends);
    return test_run(suite);
}
