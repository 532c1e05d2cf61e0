/* SPDX-License-Identifier: MIT */
/*
 * check_client_address.c - requests that are told the address to connect to, and the address that
 * answered.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tweed/resolver.h>
#include <tweed/server.h>

#include "tests/certificates.h"
#include "tests/client_peer.h"
#include "tests/test.h"

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define BYTES(text) text, sizeof text - 1

static struct peer usual, other; /* at the ports 80 and 81 of every address */
static struct outcome got;

static void start_with(const struct tw_agent_options *options)
{
    client_begin_with(options);
    usual = (struct peer){ .reply = HI };
    other = (struct peer){ .reply = HI };
    peer_begin(&usual, 80);
    peer_begin(&other, 81);
}

static void start(void)
{
    start_with(&(struct tw_agent_options){ .proxy = "" });
}

static void stop(void)
{
    outcome_free(&got);
    tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(&usual);
    peer_end(&other);
    client_end();
}

/* Release what came before, and fetch. */
static void get(const char *url, const char *address)
{
    struct tw_fetch_options options = { .address = address };

    outcome_free(&got);
    client_get(&got, url, &options);
}

static void get_hi(const char *url, const char *address)
{
    get(url, address);
    ck_assert_msg(got.error == NULL, "%s: %s", address, tw_failure_message(got.result));
    ck_assert_str_eq(got.body, "hi");
}

/* --- where to ------------------------------------------------------------------------------- */

static const struct {
    const char *url, *address;
    bool other;
} places[] = {
    { "http://a.test/", NULL, false },
    { "http://a.test/", "10.0.0.1", false },
    { "http://a.test/", "10.0.0.1:81", true },
    { "http://a.test:81/", "10.0.0.1", true },
    { "http://a.test:81/", "10.0.0.1:80", false },
    { "http://a.test:9/", "[::1]:81", true },
    { "http://a.test:81/", "::1", true },
    { "http://a.test:81/", "[::1]", true },
    { "http://10.0.0.2:9/", "10.0.0.1:81", true },
};

START_TEST(an_address_stands_in_for_the_name)
{
    const char *host = places[_i].url + strlen("http://");
    char field[60];

    start();
    get_hi(places[_i].url, places[_i].address);
    ck_assert_uint_eq(usual.requests, places[_i].other ? 0 : 1);
    ck_assert_uint_eq(other.requests, places[_i].other ? 1 : 0);
    snprintf(field, sizeof field, "\r\nHost: %.*s\r\n", (int)strcspn(host, "/"), host);
    ck_assert_ptr_nonnull(strstr(peer_log(places[_i].other ? &other : &usual), field));
    stop();
}
END_TEST

static const char *const no_addresses[] = {
    "",          "a.test",        "a.test:80", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:",
    "10.0.0",    "10.0.0.1:80x",  "[::1",      "[::1]80",    "unix:/tmp/x",    "10.0.0.1:-1",
    "[::1]:+80", "10.0.0.1:80:1", "::1:80:q",  " 10.0.0.1",
};

START_TEST(a_text_that_is_no_address_is_refused)
{
    start();
    get("http://a.test/", no_addresses[_i]);
    ck_assert_ptr_eq(got.error, &tw_error_url);
    ck_assert_uint_eq(usual.connections + other.connections, 0);
    stop();
}
END_TEST

/* --- whose connection ----------------------------------------------------------------------- */

START_TEST(a_connection_to_another_address_is_not_used)
{
    static const struct {
        const char *address;
        size_t connections;
    } steps[] = {
        { NULL, 1 },          { "10.0.0.1:80", 2 }, { NULL, 2 },       { "10.0.0.2", 3 },
        { "10.0.0.1", 3 },    { "10.0.0.2:80", 3 }, { "[::1]", 4 },    { "0:0::1", 4 },
        { "[0::1]:80", 4 },   { NULL, 4 },
    };

    start();
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        get_hi("http://a.test/", steps[i].address);
        ck_assert_msg(usual.connections == steps[i].connections, "%zu: %zu", i,
                      usual.connections);
    }
    get_hi("http://b.test/", "10.0.0.1");
    ck_assert_uint_eq(usual.connections, 5);
    stop();
}
END_TEST

START_TEST(connections_made_for_addresses_are_closed_with_their_host)
{
    start();
    get_hi("http://a.test/", "10.0.0.1:81");
    get_hi("http://a.test/", NULL);
    get_hi("http://b.test/", "10.0.0.1");
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 3);
    ck_assert_int_eq(tw_agent_close_host(client_agent, "http://a.test"), 0);
    client_settle();
    ck_assert_uint_eq(tw_agent_counts(client_agent).connections, 1);
    stop();
}
END_TEST

static void answer_redirect(struct peer_connection *connection, const char *request)
{
    char text[200];

    if (strstr(request, "/end ") != NULL) {
        peer_send(connection, HI);
        return;
    }
    snprintf(text, sizeof text,
             "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
             (const char *)connection->peer->user);
    peer_send(connection, text);
}

static const struct {
    const char *location;
    size_t usual, other; /* requests */
} redirects[] = {
    { "/end", 0, 2 },
    { "http://a.test/end", 0, 2 },
    { "http://b.test/end", 1, 1 },
    { "http://sub.a.test/end", 1, 1 },
    { "http://a.test:80/end", 0, 2 },
};

START_TEST(a_redirect_to_another_origin_leaves_the_address)
{
    start();
    usual.answer = other.answer = answer_redirect;
    usual.user = other.user = (void *)redirects[_i].location;
    get_hi("http://a.test/", "10.0.0.1:81");
    ck_assert_uint_eq(usual.requests, redirects[_i].usual);
    ck_assert_uint_eq(other.requests, redirects[_i].other);
    stop();
}
END_TEST

START_TEST(the_address_is_not_taken_up_again_on_the_way_back)
{
    start();
    other.answer = answer_redirect;
    other.user = "http://b.test/";
    usual.answer = answer_redirect;
    usual.user = "http://a.test/end";
    get_hi("http://a.test/", "10.0.0.1:81");
    ck_assert_uint_eq(other.requests, 1);
    ck_assert_uint_eq(usual.requests, 2);
    stop();
}
END_TEST

/* --- who is verified ------------------------------------------------------------------------ */

static const struct {
    const char *url;
    bool trusted;
} names[] = {
    { "https://a.test/", true },
    { "https://b.test/", false },
    { "https://127.0.0.1/", true }, /* the certificate's */
    { "https://10.0.0.1/", false },
};

START_TEST(the_name_is_verified_and_not_the_address)
{
    struct tw_agent_options options = { .proxy = "" };
    tw_tls_context *trust, *identity;

    ck_assert(!tw_is_failure(
        tw_tls_context_new(&(struct tw_tls_options){ .ca_file = test_ca_file() }, &trust)));
    ck_assert(!tw_is_failure(tw_tls_context_new(
        &(struct tw_tls_options){ .server = true, .cert_file = test_leaf_file() },
        &identity)));
    options.tls = trust;
    client_begin_with(&options);
    usual = (struct peer){ .reply = HI, .tls = identity };
    peer_begin(&usual, 8443);
    get(names[_i].url, _i % 2 == 0 ? "10.0.0.1:8443" : "127.0.0.1:8443");
    ck_assert_ptr_eq(got.error, names[_i].trusted ? NULL : &tw_error_tls);
    outcome_free(&got);
    tw_agent_close_idle(client_agent);
    tw_testing_advance(5);
    peer_end(&usual);
    tw_testing_advance(5);
    tw_tls_context_unref(trust);
    tw_tls_context_unref(identity);
    client_end();
}
END_TEST

/* --- through proxies ------------------------------------------------------------------------ */

START_TEST(a_proxy_that_is_told_the_url_looks_names_up_itself)
{
    start_with(&(struct tw_agent_options){ .proxy = "http://proxy:81" });
    get_hi("http://a.test/", "10.0.0.1");
    get_hi("http://a.test/", "10.0.0.2");
    ck_assert_uint_eq(peer_count(&other, "GET http://a.test/ HTTP/1.1\r\n"), 2);
    ck_assert_uint_eq(other.connections, 1);
    stop();
}
END_TEST

START_TEST(a_tunnel_leads_to_the_address)
{
    start_with(&(struct tw_agent_options){ .proxy = "http://proxy:81" });
    other.reply = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    get("https://a.test/", _i == 0 ? "10.0.0.1" : "[::1]:8443");
    ck_assert_ptr_eq(got.error, &tw_error_connect);
    ck_assert_uint_eq(peer_count(&other, _i == 0 ? "CONNECT 10.0.0.1:443 HTTP/1.1\r\n"
                                                 : "CONNECT [::1]:8443 HTTP/1.1\r\n"),
                      1);
    stop();
}
END_TEST

static void answer_socks(struct peer_connection *connection, const char *request)
{
    (void)request;
    if (connection->requests == 1)
        peer_send_n(connection, BYTES("\5\0"));
    else if (connection->requests == 2)
        peer_send_n(connection, BYTES("\5\0\0\1\0\0\0\0\0\0"));
    else
        peer_send(connection, HI);
}

START_TEST(socks_is_asked_for_the_address)
{
    start_with(&(struct tw_agent_options){ .proxy = _i == 0 ? "socks5://proxy:81"
                                                            : "socks5h://proxy:81" });
    other.raw = true;
    other.answer = answer_socks;
    get_hi("http://a.test:7/", "1.2.3.4:81");
    ck_assert_mem_eq(other.log.data + 3, "\5\1\0\1\1\2\3\4\0\121", 10);
    ck_assert_ptr_nonnull(strstr(other.log.data + 13, "\r\nHost: a.test:7\r\n"));
    stop();
}
END_TEST

static const char *const ways[] = { "", "http://proxy:81", "socks5h://proxy:81" };

START_TEST(a_private_address_is_refused)
{
    start_with(&(struct tw_agent_options){ .proxy = ways[_i], .refuse_private = true });
    get("http://a.test/", "127.0.0.1");
    ck_assert_ptr_eq(got.error, &tw_error_connect);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(got.result), "127.0.0.1"));
    ck_assert_uint_eq(usual.requests + other.requests, 0);
    get("https://a.test/", "[::ffff:10.0.0.1]:443");
    ck_assert_ptr_eq(got.error, &tw_error_connect);
    ck_assert_uint_eq(usual.connections + other.connections, 0);
    stop();
}
END_TEST

/* --- the address that answered --------------------------------------------------------------- */

START_TEST(a_connection_in_memory_has_no_address)
{
    start();
    get_hi("http://a.test/", "10.0.0.1");
    ck_assert_str_eq(tw_response_address(got.result), "");
    ck_assert_str_eq(tw_response_address(tw_none()), "");
    stop();
}
END_TEST

static tw_value answer_page(tw_request *request, void *arg)
{
    (void)request, (void)arg;
    return tw_string("hi");
}

static tw_value answer_moved(tw_request *request, void *arg)
{
    tw_request_set_header(request, "Location", arg);
    tw_request_set_status(request, 302, NULL);
    return tw_string("gone");
}

static unsigned site_listen(tw_site *site, const char *address, tw_listener **ret_listener)
{
    ck_assert_int_eq(tw_site_listen(site, &(struct tw_listen_options){ .address = address },
                                    ret_listener, NULL),
                     0);
    return tw_listener_port(*ret_listener);
}

/* The request tells the same as its response. */
static void note_address(const struct tw_outgoing *request, void *sent_to)
{
    snprintf(sent_to, TW_ADDRESS_TEXT_SIZE, "%s", request->address);
}

static void fetch(const char *url, const struct tw_fetch_options *options, const char *answers)
{
    outcome_free(&got);
    got.result = tw_block_on(tw_agent_request(client_agent, url, options));
    ck_assert_msg(tw_response_status(got.result) == 200, "%s by %s: %s", url, answers,
                  tw_failure_message(got.result));
    ck_assert_str_eq(tw_response_address(got.result), answers);
    ck_assert_str_eq(options->stream_arg, answers);
}

START_TEST(a_response_tells_the_address_that_answered)
{
    struct tw_reactor_options reactor = { .no_signal_handlers = true };
    char sent_to[TW_ADDRESS_TEXT_SIZE];
    struct tw_fetch_options options = { .timeout = 12 * test_patience(),
                                        .on_request = note_address,
                                        .stream_arg = sent_to };
    tw_listener *first, *second;
    char moved[80], url[80], here[40], there[40];
    tw_site *site;

    ck_assert_int_eq(tw_reactor_install(&reactor), 0);
    site = test_given(tw_site_new(NULL));
    client_agent = test_given(tw_agent_new(&(struct tw_agent_options){ .proxy = "" }));
    snprintf(here, sizeof here, "127.0.0.1:%u", site_listen(site, "127.0.0.1", &first));
    snprintf(there, sizeof there, "127.0.0.2:%u", site_listen(site, "127.0.0.2", &second));
    snprintf(moved, sizeof moved, "http://%s/page", there);
    ck_assert_int_eq(tw_site_handle(site, "/page", answer_page, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/moved", answer_moved, moved, NULL), 0);

    snprintf(url, sizeof url, "http://%s/page", here);
    fetch(url, &options, here);
    fetch(url, &options, here); /* by the same connection */
    ck_assert_uint_eq(tw_agent_counts(client_agent).reused, 1);
    snprintf(url, sizeof url, "http://%s/moved", here);
    fetch(url, &options, there);
    ck_assert_str_eq(tw_response_address(tw_response_previous(got.result)), here);
    options.address = there;
    fetch("http://nowhere.invalid/page", &options, there);
    options.address = NULL;
    options.proxy = here; /* this page is the proxy's own */
    fetch("http://nowhere.invalid/page", &options, here);

    outcome_free(&got);
    tw_agent_unref(client_agent);
    tw_listener_close(first);
    tw_listener_close(second);
    tw_site_unref(site);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client address");
    static const int two[2];

    test_spare_openssl();
    TEST_ADD_ROWS(suite, an_address_stands_in_for_the_name, places);
    TEST_ADD_ROWS(suite, a_text_that_is_no_address_is_refused, no_addresses);
    TEST_ADD(suite, a_connection_to_another_address_is_not_used);
    TEST_ADD(suite, connections_made_for_addresses_are_closed_with_their_host);
    TEST_ADD_ROWS(suite, a_redirect_to_another_origin_leaves_the_address, redirects);
    TEST_ADD(suite, the_address_is_not_taken_up_again_on_the_way_back);
    TEST_ADD_ROWS(suite, the_name_is_verified_and_not_the_address, names);
    TEST_ADD(suite, a_proxy_that_is_told_the_url_looks_names_up_itself);
    TEST_ADD_ROWS(suite, a_tunnel_leads_to_the_address, two);
    TEST_ADD_ROWS(suite, socks_is_asked_for_the_address, two);
    TEST_ADD_ROWS(suite, a_private_address_is_refused, ways);
    TEST_ADD(suite, a_connection_in_memory_has_no_address);
    TEST_ADD(suite, a_response_tells_the_address_that_answered);
    return test_run(suite);
}
