/* SPDX-License-Identifier: MIT */
/*
 * check_client_proxy.c - the way through proxies, and https with and without them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tweed/resolver.h>

#include "tests/certificates.h"
#include "tests/client_peer.h"
#include "tests/test.h"

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define BYTES(text) text, sizeof text - 1

static struct peer peer;
static struct outcome got;
static tw_tls_context *trust, *identity;

static tw_tls_context *context_new(struct tw_tls_options options)
{
    tw_tls_context *context = NULL;
    tw_value failure = tw_tls_context_new(&options, &context);

    ck_assert_msg(!tw_is_failure(failure), "%s", tw_failure_message(failure));
    return context;
}

static void clear_environment(void)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
                                         "all_proxy",  "ALL_PROXY",   "no_proxy",
                                         "NO_PROXY" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

/* A proxy on port 3128 that is every origin itself. */
static void answer_as_proxy(struct peer_connection *connection, const char *request)
{
    static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

    if (strncmp(request, "CONNECT ", 8) != 0) {
        peer_send(connection, HI);
        return;
    }
    tw_transport_write(connection->protocol.transport, established, sizeof established - 1);
    ck_assert_int_eq(tw_transport_start_tls(connection->protocol.transport, identity, NULL),
                     0);
}

static void start_at(const struct tw_agent_options *options, unsigned port, bool tls)
{
    struct tw_agent_options own = *options;

    clear_environment();
    ck_assert_int_eq(tw_testing_begin(), 0);
    trust = context_new((struct tw_tls_options){ .ca_file = test_ca_file() });
    identity = context_new(
        (struct tw_tls_options){ .server = true, .cert_file = test_leaf_file() });
    own.tls = trust;
    client_agent = tw_agent_new(&own);
    ck_assert_ptr_nonnull(client_agent);
    peer = (struct peer){ .answer = answer_as_proxy, .tls = tls ? identity : NULL };
    peer_begin(&peer, port);
}

static void start(const char *proxy)
{
    start_at(&(struct tw_agent_options){ .proxy = proxy }, 3128, false);
}

static void stop(void)
{
    outcome_free(&got);
    tw_agent_close_idle(client_agent);
    tw_testing_advance(5);
    peer_end(&peer);
    tw_testing_advance(5);
    tw_tls_context_unref(trust);
    tw_tls_context_unref(identity);
    client_end();
    clear_environment();
}

/* --- without a proxy ------------------------------------------------------------------------ */

START_TEST(https_verifies_the_peer)
{
    start_at(&(struct tw_agent_options){ .proxy = "" }, 443, true);
    client_get(&got, "https://a.test/", NULL);
    ck_assert_ptr_null(got.error);
    ck_assert_str_eq(got.body, "hi");
    outcome_free(&got);
    client_get(&got, "https://a.test/again", NULL);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(peer.connections, 1);
    outcome_free(&got);
    client_get(&got, "https://b.test/", NULL);
    ck_assert_ptr_eq(got.error, &tw_error_tls);
    ck_assert_uint_eq(peer_count(&peer, "b.test"), 0);
    stop();
}
END_TEST

START_TEST(connections_are_not_shared_between_trusts)
{
    tw_tls_context *other;
    struct tw_fetch_options options = { 0 };

    start_at(&(struct tw_agent_options){ .proxy = "" }, 443, true);
    options.tls = other = context_new((struct tw_tls_options){ .no_verify = true });
    client_get(&got, "https://a.test/", &options);
    ck_assert_str_eq(got.body, "hi");
    outcome_free(&got);
    client_get(&got, "https://a.test/", NULL);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(peer.connections, 2);
    tw_tls_context_unref(other);
    stop();
}
END_TEST

static const struct {
    double connect_timeout, at;
    const tw_error_class *error;
} stalls[] = {
    { 3, 3, &tw_error_connect_timeout },
    { 0, 30, &tw_error_connect_timeout },
    { -1, 100, &tw_error_timeout }, /* no limit but the total one */
};

START_TEST(a_stalled_handshake_counts_as_connecting)
{
    struct tw_fetch_options options = { .connect_timeout = stalls[_i].connect_timeout,
                                        .timeout = 100 };

    start_at(&(struct tw_agent_options){ .proxy = "" }, 443, false);
    peer.raw = true;
    peer.answer = NULL;
    client_get(&got, "https://a.test/", &options);
    ck_assert_ptr_eq(got.error, stalls[_i].error);
    ck_assert_double_eq_tol(got.at, stalls[_i].at, 0.1);
    stop();
}
END_TEST

/* --- HTTP proxies --------------------------------------------------------------------------- */

START_TEST(a_proxy_is_told_the_whole_url)
{
    start("http://proxy:3128");
    client_get(&got, "http://u:p@a/path?query#part", NULL);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_ptr_eq(
        strstr(peer_log(&peer), "GET http://a/path?query HTTP/1.1\r\nHost: a\r\n"),
        peer_log(&peer));
    ck_assert_uint_eq(peer_count(&peer, "\r\nAuthorization: Basic dTpw\r\n"), 1);
    outcome_free(&got);
    client_get(&got, "http://b:81/", NULL);
    ck_assert_uint_eq(peer_count(&peer, "GET http://b:81/ HTTP/1.1\r\nHost: b:81\r\n"), 1);
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

START_TEST(https_goes_through_a_tunnel)
{
    start("http://proxy:3128");
    client_get(&got, "https://a.test/path", NULL);
    ck_assert_ptr_null(got.error);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_ptr_eq(
        strstr(peer_log(&peer), "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n"),
        peer_log(&peer));
    ck_assert_uint_eq(peer_count(&peer, "GET /path HTTP/1.1\r\nHost: a.test\r\n"), 1);
    outcome_free(&got);
    client_get(&got, "https://a.test/again", NULL);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

START_TEST(a_proxy_may_be_spoken_to_by_tls)
{
    start_at(&(struct tw_agent_options){ .proxy = "https://a.test:3128" }, 3128, true);
    client_get(&got, _i == 0 ? "http://b.test/" : "https://a.test/", NULL);
    ck_assert_ptr_null(got.error);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(peer_count(&peer, "CONNECT"), _i == 0 ? 0 : 1);
    stop();
}
END_TEST

static const char *const schemes[] = { "http://a.test/", "https://a.test/" };

START_TEST(only_the_proxy_sees_its_credentials)
{
    start("http://u:p@proxy:3128");
    client_get(&got, schemes[_i], NULL);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(peer_count(&peer, "Proxy-Authorization: Basic dTpw\r\n"), 1);
    stop();
}
END_TEST

START_TEST(proxy_credentials_by_hand_go_to_the_proxy)
{
    struct tw_fetch_options options = { 0 };
    tw_headers *headers = client_headers();

    tw_headers_set(headers, "Proxy-Authorization", "mine");
    options.headers = headers;
    start("http://u:p@proxy:3128");
    client_get(&got, schemes[_i], &options);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(peer_count(&peer, "Proxy-Authorization: "), 1);
    ck_assert_uint_eq(peer_count(&peer, "Proxy-Authorization: mine\r\n"), 1);
    outcome_free(&got);
    /* A tunnel that was opened by them is for them. */
    client_get(&got, schemes[_i], NULL);
    ck_assert_uint_eq(peer.connections, _i == 0 ? 1 : 2);
    tw_headers_free(headers);
    stop();
}
END_TEST

static void answer_by_user(struct peer_connection *connection, const char *request)
{
    (void)request;
    if (connection->peer->user != NULL)
        peer_send(connection, connection->peer->user);
    else
        peer_close(connection);
}

static const struct {
    const char *reply; /* NULL: closes */
    int number;
} refusals[] = {
    { "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", 407 },
    { "HTTP/1.1 403 Forbidden\r\n\r\n", 403 },
    { "HTTP/1.1 302 Found\r\nLocation: http://evil/\r\n\r\n", 302 },
    { "HTTP/1.1 200 OK\r\n\r\nsurprise", 0 },
    { "nonsense\r\n", 0 },
    { NULL, 0 },
};

START_TEST(a_tunnel_may_be_refused)
{
    start("http://proxy:3128");
    peer.answer = answer_by_user;
    peer.user = (void *)refusals[_i].reply;
    client_get(&got, "https://u:p@a.test/", NULL);
    ck_assert_ptr_eq(got.error, &tw_error_connect);
    ck_assert_int_eq(tw_failure_number(got.result), refusals[_i].number);
    ck_assert_uint_eq(peer_count(&peer, "\r\nAuthorization"), 0);
    ck_assert_uint_eq(peer_count(&peer, "GET "), 0);
    client_settle();
    ck_assert_uint_eq(tw_agent_counts(client_agent).connections, 0);
    stop();
}
END_TEST

/* RFC 9110, 9.3.6: nothing of these frames anything. */
static const char *const framings[] = {
    "Content-Length: 5\r\n",
    "Content-Length:\r\n",
    "Content-Length: 0\r\nContent-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n",
};

static void answer_with_framing(struct peer_connection *connection, const char *request)
{
    tw_transport *transport = connection->protocol.transport;
    const char *fields = connection->peer->user;

    if (strncmp(request, "CONNECT ", 8) != 0) {
        peer_send(connection, HI);
        return;
    }
    tw_transport_write(transport, BYTES("HTTP/1.1 200 Fine\r\n"));
    tw_transport_write(transport, fields, strlen(fields));
    tw_transport_write(transport, BYTES("\r\n"));
    ck_assert_int_eq(tw_transport_start_tls(transport, identity, NULL), 0);
}

START_TEST(framing_fields_of_an_open_tunnel_mean_nothing)
{
    start("http://proxy:3128");
    peer.answer = answer_with_framing;
    peer.user = (void *)framings[_i];
    client_get(&got, "https://a.test/", NULL);
    ck_assert_ptr_null(got.error);
    ck_assert_str_eq(got.body, "hi");
    stop();
}
END_TEST

static void answer_nothing(struct peer_connection *connection, const char *request)
{
    static const char established[] = "HTTP/1.1 200 OK\r\n\r\n";

    if (connection->peer->user != NULL && strncmp(request, "CONNECT", 7) == 0)
        tw_transport_write(connection->protocol.transport, established,
                           sizeof established - 1);
    connection->peer->raw = true;
}

START_TEST(a_stalled_tunnel_counts_as_connecting)
{
    struct tw_fetch_options options = { .connect_timeout = 3 };

    start("http://proxy:3128");
    peer.answer = answer_nothing;
    peer.user = _i == 0 ? NULL : &peer; /* the proxy stalls; the origin's handshake does */
    client_get(&got, "https://a.test/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_connect_timeout);
    ck_assert_double_eq_tol(got.at, 3, 0.1);
    stop();
}
END_TEST

START_TEST(a_slow_answer_inside_a_tunnel_is_not_connecting)
{
    struct tw_fetch_options options = { .connect_timeout = 3, .first_byte_timeout = 20 };

    start("http://proxy:3128");
    client_get(&got, "https://a.test/", &options);
    outcome_free(&got);
    tw_agent_close_idle(client_agent);
    tw_testing_advance(5);
    got = (struct outcome){ 0 };
    outcome_of(&got, tw_agent_request(client_agent, "https://a.test/", &options));
    for (int i = 0; i < 1000 && peer_count(&peer, "CONNECT") < 2; i++)
        tw_reactor_iterate(0);
    peer.answer = answer_nothing;
    tw_testing_advance(15);
    ck_assert_uint_eq(got.fired, 0);
    tw_testing_advance(15);
    ck_assert_ptr_eq(got.error, &tw_error_timeout);
    stop();
}
END_TEST

START_TEST(the_peer_behind_a_tunnel_is_verified)
{
    start("http://proxy:3128");
    client_get(&got, "https://wrong.test/secret", NULL);
    ck_assert_ptr_eq(got.error, &tw_error_tls);
    ck_assert_uint_eq(peer_count(&peer, "secret"), 0);
    stop();
}
END_TEST

static const struct {
    const char *one, *other;
    bool shared;
} ways[] = {
    { "http://proxy:3128", "http://PROXY:3128/", true },
    { "http://proxy:3128", "http://u:p@proxy:3128", false },
    { "http://u:p@proxy:3128", "http://u:q@proxy:3128", false },
    { "http://proxy:3128", "http://proxy2:3128", false },
};

START_TEST(connections_are_not_shared_between_proxies)
{
    struct tw_fetch_options options = { .proxy = ways[_i].one };

    for (int i = 0; i < 2; i++) {
        start("");
        options.proxy = ways[_i].one;
        client_get(&got, schemes[i], &options);
        ck_assert_str_eq(got.body, "hi");
        outcome_free(&got);
        options.proxy = ways[_i].other;
        client_get(&got, schemes[i], &options);
        ck_assert_str_eq(got.body, "hi");
        ck_assert_uint_eq(peer.connections, ways[_i].shared ? 1 : 2);
        stop();
    }
}
END_TEST

/* --- the environment ------------------------------------------------------------------------ */

static const struct {
    const char *variable, *value, *no_proxy, *url;
    bool proxied;
} environments[] = {
    { "http_proxy", "http://proxy:3128", NULL, "http://a.test/", true },
    { "all_proxy", "proxy:3128", NULL, "http://a.test/", true },
    { "https_proxy", "http://proxy:3128", NULL, "http://a.test:3128/", false },
    { "http_proxy", "http://proxy:3128", "a.test", "http://a.test:3128/", false },
    { "http_proxy", "http://proxy:3128", "b.test", "http://a.test/", true },
    { "http_proxy", "http://proxy:3128", "*", "http://a.test:3128/", false },
    { "https_proxy", "http://proxy:3128", NULL, "https://a.test/", true },
};

START_TEST(the_environment_may_name_a_proxy)
{
    start("");
    tw_agent_unref(client_agent);
    setenv(environments[_i].variable, environments[_i].value, 1);
    if (environments[_i].no_proxy != NULL)
        setenv("no_proxy", environments[_i].no_proxy, 1);
    client_agent = tw_agent_new(&(struct tw_agent_options){ .tls = trust });
    client_get(&got, environments[_i].url, NULL);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(peer_count(&peer, "GET http://") + peer_count(&peer, "CONNECT "),
                      environments[_i].proxied);
    stop();
}
END_TEST

START_TEST(a_bad_proxy_of_the_environment_is_told)
{
    start("");
    tw_agent_unref(client_agent);
    setenv("http_proxy", "gopher://proxy", 1);
    setenv("no_proxy", "direct.test", 1);
    client_agent = tw_agent_new(NULL);
    client_get(&got, "http://a.test:3128/", NULL);
    ck_assert_ptr_eq(got.error, &tw_error_url);
    outcome_free(&got);
    client_get(&got, "http://direct.test:3128/", NULL);
    ck_assert_str_eq(got.body, "hi");
    stop();
}
END_TEST

START_TEST(a_request_may_go_without_the_proxy)
{
    struct tw_fetch_options options = { .proxy = "" };

    start("http://nowhere:1");
    client_get(&got, "http://a.test:3128/", &options);
    ck_assert_str_eq(got.body, "hi");
    ck_assert_uint_eq(peer_count(&peer, "GET / HTTP/1.1\r\n"), 1);
    stop();
}
END_TEST

/* --- SOCKS 5 -------------------------------------------------------------------------------- */

struct step {
    const char *send; /* what the proxy says, once it has read so much */
    size_t length;
    const char *expect;
    size_t expect_length;
};

#define GRANTED BYTES("\5\0\0\1\0\0\0\0\0\0")
#define NAMED "\5\1\0\3\6a.test\0\120"

static const struct socks {
    const char *proxy, *url;
    struct step steps[4];
    const tw_error_class *error;
    int number;
} socks[] = {
    { "socks5h://proxy:3128",
      "http://a.test/",
      { { BYTES("\5\0"), BYTES("\5\1\0") }, { GRANTED, BYTES(NAMED) } },
      NULL,
      0 },
    { "socks5h://u:pw@proxy:3128",
      "http://a.test/",
      { { BYTES("\5\2"), BYTES("\5\2\0\2") },
        { BYTES("\1\0"), BYTES("\1\1u\2pw") },
        { GRANTED, BYTES(NAMED) } },
      NULL,
      0 },
    { "socks5h://u:pw@proxy:3128",
      "http://a.test/",
      { { BYTES("\5\0"), BYTES("\5\2\0\2") }, { GRANTED, BYTES(NAMED) } },
      NULL,
      0 },
    { "socks5://proxy:3128",
      "http://1.2.3.4:81/",
      { { BYTES("\5\0"), BYTES("\5\1\0") },
        { BYTES("\5\0\0\3\2xy\0\0"), BYTES("\5\1\0\1\1\2\3\4\0\121") } },
      NULL,
      0 },
    { "socks5://proxy:3128",
      "http://[::1]/",
      { { BYTES("\5\0"), BYTES("\5\1\0") },
        { BYTES("\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
          BYTES("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\120") } },
      NULL,
      0 },
    { "socks5h://proxy:3128",
      "http://a.test/",
      { { BYTES("\5\377"), BYTES("\5\1\0") } },
      &tw_error_connect,
      0 },
    { "socks5h://proxy:3128",
      "http://a.test/",
      { { BYTES("\4\0"), BYTES("\5\1\0") } },
      &tw_error_connect,
      0 },
    { "socks5h://proxy:3128",
      "http://a.test/",
      { { BYTES("\5\0\0"), BYTES("\5\1\0") } },
      &tw_error_connect,
      0 },
    { "socks5h://proxy:3128",
      "http://a.test/",
      { { BYTES("\5\2"), BYTES("\5\1\0") } },
      &tw_error_connect,
      0 },
    { "socks5h://u:pw@proxy:3128",
      "http://a.test/",
      { { BYTES("\5\2"), BYTES("\5\2\0\2") }, { BYTES("\1\1"), BYTES("\1\1u\2pw") } },
      &tw_error_connect,
      0 },
    { "socks5h://proxy:3128",
      "http://a.test/",
      { { BYTES("\5\0"), BYTES("\5\1\0") }, { BYTES("\5\5\0\1\0\0\0\0\0\0"), BYTES(NAMED) } },
      &tw_error_connect,
      5 },
    { "socks5h://proxy:3128",
      "http://a.test/",
      { { BYTES("\5\0"), BYTES("\5\1\0") }, { BYTES("\5\0\0\1\0\0\0\0\0\0X"), BYTES(NAMED) } },
      &tw_error_connect,
      0 },
    { "socks5h://proxy:3128",
      "http://a.test/",
      { { BYTES("\5\0"), BYTES("\5\1\0") }, { BYTES("HTTP/1.1 400"), BYTES(NAMED) } },
      &tw_error_connect,
      0 },
};

static size_t socks_at; /* of the log */

static void answer_socks(struct peer_connection *connection, const char *request)
{
    const struct step *step = connection->peer->user;
    struct twi_buf *log = &connection->peer->log;

    (void)request;
    if (step->send == NULL) {
        peer_send(connection, HI);
        return;
    }
    if (log->length - socks_at < step->expect_length)
        return;
    ck_assert_uint_eq(log->length - socks_at, step->expect_length);
    ck_assert_mem_eq(log->data + socks_at, step->expect, step->expect_length);
    socks_at = log->length;
    peer_send_n(connection, step->send, step->length);
    connection->peer->user = (void *)(step + 1);
}

START_TEST(socks_leads_to_the_origin)
{
    for (size_t piece = 0; piece < 2; piece++) {
        start(socks[_i].proxy);
        peer.raw = true;
        peer.piece = piece;
        peer.answer = answer_socks;
        peer.user = (void *)socks[_i].steps;
        socks_at = 0;
        client_get(&got, socks[_i].url, NULL);
        /* Bytes behind the proxy's answer are taken for the origin's. */
        ck_assert(got.error == socks[_i].error ||
                  (piece > 0 && got.error == &tw_error_protocol));
        if (got.error == NULL)
            ck_assert_str_eq(got.body, "hi");
        else if (socks[_i].number != 0)
            ck_assert_int_eq(tw_failure_number(got.result), socks[_i].number);
        stop();
    }
}
END_TEST

/* --- private addresses ---------------------------------------------------------------------- */

static void answer_to_private(struct peer_connection *connection, const char *request)
{
    if (strstr(request, "/away") != NULL)
        peer_send(connection, "HTTP/1.1 302 Found\r\nLocation: http://[::ffff:10.0.0.1]/\r\n"
                              "Content-Length: 0\r\n\r\n");
    else
        peer_send(connection, HI);
}

static void refuses(const char *url)
{
    outcome_free(&got);
    client_get(&got, url, NULL);
    ck_assert_msg(got.error == &tw_error_connect, "%s", url);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(got.result), "a private address"));
}

/* The proxy's own address is the user's choice; an open connection to it changes nothing. */
START_TEST(a_proxy_is_not_sent_to_private_addresses)
{
    start_at(&(struct tw_agent_options){ .proxy = "127.0.0.1:3128", .refuse_private = true },
             3128, false);
    peer.answer = answer_to_private;
    client_get(&got, "http://a.test/", NULL);
    ck_assert_ptr_null(got.error);
    refuses("http://169.254.169.254/");
    refuses("https://127.1/");
    refuses("http://a.test/away");
    ck_assert_uint_eq(peer.connections, 1);
    ck_assert_uint_eq(peer_count(&peer, "HTTP/1.1\r\n"), 2);
    stop();
}
END_TEST

START_TEST(what_is_resolved_for_socks_may_be_private)
{
    static const struct step steps[] = { { BYTES("\5\0"), BYTES("\5\1\0") },
                                         { NULL, 0, NULL, 0 } };

    start_at(
        &(struct tw_agent_options){ .proxy = "socks5://proxy:3128", .refuse_private = true },
        3128, false);
    ck_assert_int_eq(tw_resolver_override("inner.test", 0, "10.1.2.3"), 0);
    peer.raw = true;
    peer.answer = answer_socks;
    peer.user = (void *)steps;
    socks_at = 0;
    refuses("http://[::1]/");
    ck_assert_uint_eq(peer.connections, 0);
    refuses("http://inner.test/");
    ck_assert_uint_eq(peer.log.length, 3);
    ck_assert_int_eq(tw_resolver_override("inner.test", 0, NULL), 0);
    stop();
}
END_TEST

static void answer_socks_then_tls(struct peer_connection *connection, const char *request)
{
    (void)request;
    switch (connection->requests) {
    case 1:
        tw_transport_write(connection->protocol.transport, BYTES("\5\0"));
        break;
    case 2:
        tw_transport_write(connection->protocol.transport, GRANTED);
        ck_assert_int_eq(
            tw_transport_start_tls(connection->protocol.transport, identity, NULL), 0);
        break;
    default:
        peer_send(connection, HI);
    }
}

START_TEST(socks_leads_to_https)
{
    start("socks5h://proxy:3128");
    peer.raw = true;
    peer.answer = answer_socks_then_tls;
    client_get(&got, "https://a.test/", NULL);
    ck_assert_ptr_null(got.error);
    ck_assert_str_eq(got.body, "hi");
    stop();
}
END_TEST

static void answer_first_step(struct peer_connection *connection, const char *request)
{
    (void)request;
    if (connection->requests == 1)
        tw_transport_write(connection->protocol.transport, BYTES("\5\0"));
}

/* A name server that hears every question and answers none. */
static int silent_name_server(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    char text[32];

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(tw_resolver_set_servers(text), 0);
    return fd;
}

static const struct {
    const char *proxy, *address; /* NULL: nobody knows */
} cancels[] = {
    { "socks5h://proxy:3128", NULL },
    { "socks5://proxy:3128", NULL },
    { "socks5://proxy:3128", "192.0.2.1" },
};

START_TEST(a_request_can_be_cancelled_in_a_tunnel)
{
    tw_deferred *request;
    int server;

    start(cancels[_i].proxy);
    server = silent_name_server();
    if (cancels[_i].address != NULL)
        ck_assert_int_eq(tw_resolver_override("a.test", 0, cancels[_i].address), 0);
    peer.raw = true;
    peer.answer = answer_first_step;
    request = tw_agent_request(client_agent, "http://a.test/", NULL);
    got = (struct outcome){ 0 };
    outcome_of(&got, tw_deferred_ref(request));
    for (int i = 0; i < 8; i++)
        tw_reactor_iterate(0);
    tw_cancel(request);
    tw_deferred_unref(request);
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    client_settle();
    ck_assert_uint_eq(tw_agent_counts(client_agent).connections, 0);
    tw_resolver_override("a.test", 0, NULL);
    ck_assert_int_eq(tw_resolver_set_servers(NULL), 0);
    close(server);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client proxy");
    static const int two[2];

    test_spare_openssl();
    TEST_ADD(suite, https_verifies_the_peer);
    TEST_ADD(suite, connections_are_not_shared_between_trusts);
    TEST_ADD_ROWS(suite, a_stalled_handshake_counts_as_connecting, stalls);
    TEST_ADD(suite, a_proxy_is_told_the_whole_url);
    TEST_ADD(suite, https_goes_through_a_tunnel);
    TEST_ADD_ROWS(suite, a_proxy_may_be_spoken_to_by_tls, two);
    TEST_ADD_ROWS(suite, only_the_proxy_sees_its_credentials, schemes);
    TEST_ADD_ROWS(suite, proxy_credentials_by_hand_go_to_the_proxy, schemes);
    TEST_ADD_ROWS(suite, a_tunnel_may_be_refused, refusals);
    TEST_ADD_ROWS(suite, framing_fields_of_an_open_tunnel_mean_nothing, framings);
    TEST_ADD_ROWS(suite, a_stalled_tunnel_counts_as_connecting, two);
    TEST_ADD(suite, a_slow_answer_inside_a_tunnel_is_not_connecting);
    TEST_ADD(suite, the_peer_behind_a_tunnel_is_verified);
    TEST_ADD_ROWS(suite, connections_are_not_shared_between_proxies, ways);
    TEST_ADD_ROWS(suite, the_environment_may_name_a_proxy, environments);
    TEST_ADD(suite, a_bad_proxy_of_the_environment_is_told);
    TEST_ADD(suite, a_request_may_go_without_the_proxy);
    TEST_ADD_ROWS(suite, socks_leads_to_the_origin, socks);
    TEST_ADD(suite, socks_leads_to_https);
    TEST_ADD(suite, a_proxy_is_not_sent_to_private_addresses);
    TEST_ADD(suite, what_is_resolved_for_socks_may_be_private);
    TEST_ADD_ROWS(suite, a_request_can_be_cancelled_in_a_tunnel, cancels);
    return test_run(suite);
}
