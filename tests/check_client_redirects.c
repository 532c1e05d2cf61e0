/* SPDX-License-Identifier: MIT */
/*
 * check_client_redirects.c - the target of a redirect, and the fields that go along.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/client_peer.h"
#include "tests/test.h"

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static struct peer peer;
static struct outcome got;

/* Any path but /end leads to where `user` says. */
static void answer_redirect(struct peer_connection *connection, const char *request)
{
    const char *path = strchr(request, ' ');

    if (strncmp(path, " /end", 5) == 0)
        peer_send(connection, HI);
    else
        peer_send(connection, connection->peer->user);
}

static void start(const char *redirect)
{
    client_begin();
    peer = (struct peer){ .answer = answer_redirect, .user = (void *)redirect };
    peer_begin(&peer, 80);
}

static void stop(void)
{
    outcome_free(&got);
    tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(&peer);
    client_end();
}

static char *to(int status, const char *location)
{
    static char text[500];

    snprintf(text, sizeof text,
             "HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nmove", status,
             location);
    return text;
}

/* --- methods ------------------------------------------------------------------------------- */

static const struct {
    int status;
    const char *method, *body, *then; /* NULL: not followed */
    bool body_again;
} methods[] = {
    { 301, "GET", NULL, "GET", false },     { 301, "POST", "data", "GET", false },
    { 302, "POST", "data", "GET", false },  { 303, "POST", "data", "GET", false },
    { 307, "POST", "data", "POST", true },  { 308, "POST", "data", "POST", true },
    { 301, "PUT", "data", "PUT", true },    { 303, "PUT", "data", "GET", false },
    { 302, "HEAD", NULL, "HEAD", false },   { 303, "HEAD", NULL, "HEAD", false },
    { 300, "GET", NULL, NULL, false },      { 304, "GET", NULL, NULL, false },
    { 305, "GET", NULL, NULL, false },      { 200, "GET", NULL, NULL, false },
};

START_TEST(a_redirect_keeps_or_changes_the_method)
{
    struct tw_fetch_options options = {
        .method = methods[_i].method,
        .body = methods[_i].body,
        .body_length = methods[_i].body != NULL ? strlen(methods[_i].body) : 0,
    };
    tw_headers *headers = client_headers();
    char line[40];

    ck_assert_int_eq(tw_headers_set(headers, "Content-Type", "text/x"), 0);
    options.headers = headers;
    start(to(methods[_i].status, "/end"));
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_null(got.error);
    ck_assert_int_eq(got.status, methods[_i].then != NULL ? 200 : methods[_i].status);
    ck_assert_uint_eq(tw_response_redirects(got.result), methods[_i].then != NULL ? 1 : 0);
    snprintf(line, sizeof line, "%s /end HTTP/1.1\r\n",
             methods[_i].then != NULL ? methods[_i].then : "");
    ck_assert_uint_eq(peer_count(&peer, line), methods[_i].then != NULL ? 1 : 0);
    ck_assert_uint_eq(peer_count(&peer, "data"),
                      (methods[_i].body != NULL) + methods[_i].body_again);
    ck_assert_uint_eq(peer_count(&peer, "Content-Type"),
                      methods[_i].then == NULL                          ? 1
                      : methods[_i].body != NULL && !methods[_i].body_again ? 1
                                                                            : 2);
    tw_headers_free(headers);
    stop();
}
END_TEST

static const struct {
    enum tw_redirect_policy policy;
    int status;
    const char *method;
    const tw_error_class *error;
    int result;
} policies[] = {
    { TW_REDIRECT_NONE, 301, "GET", NULL, 301 },
    { TW_REDIRECT_NONE, 307, "POST", NULL, 307 },
    { TW_REDIRECT_KEEP, 302, "POST", NULL, 200 },
    { TW_REDIRECT_SAFE, 301, "GET", NULL, 200 },
    { TW_REDIRECT_SAFE, 302, "HEAD", NULL, 200 },
    { TW_REDIRECT_SAFE, 303, "POST", NULL, 200 },
    { TW_REDIRECT_SAFE, 302, "POST", &tw_error_redirect, 302 },
    { TW_REDIRECT_SAFE, 307, "PUT", &tw_error_redirect, 307 },
};

START_TEST(a_method_may_be_kept)
{
    struct tw_fetch_options options = { .body = "data",
                                        .body_length = 4,
                                        .redirects = TW_REDIRECT_KEEP };

    start(to(302, "/end"));
    client_get(&got, "http://a/", &options);
    ck_assert_uint_eq(peer_count(&peer, "POST /end "), 1);
    ck_assert_uint_eq(peer_count(&peer, "data"), 2);
    stop();
}
END_TEST

START_TEST(a_policy_says_what_is_followed)
{
    struct tw_fetch_options options = { .method = policies[_i].method,
                                        .redirects = policies[_i].policy };

    start(to(policies[_i].status, "/end"));
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, policies[_i].error);
    ck_assert_int_eq(got.status, policies[_i].result);
    stop();
}
END_TEST

/* --- how far ------------------------------------------------------------------------------- */

static const struct {
    int max;
    unsigned followed;
} depths[] = { { 0, 20 }, { 3, 3 }, { -1, 0 } };

START_TEST(a_loop_ends_at_the_limit)
{
    struct tw_fetch_options options = { .max_redirects = depths[_i].max };

    start(to(302, "/loop"));
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_redirect);
    ck_assert_int_eq(got.status, 302);
    ck_assert_str_eq(got.body, "move");
    ck_assert_uint_eq(peer.requests, depths[_i].followed + 1);
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

static const char *const nowhere[] = { "file:///etc/passwd", "ftp://a/",      "data:,x",
                                       "javascript:x",       "http://a:0xx/", "http:// x/" };

START_TEST(a_redirect_to_elsewhere_than_http_is_an_error)
{
    start(to(302, nowhere[_i]));
    client_get(&got, "http://a/", NULL);
    ck_assert_ptr_eq(got.error, &tw_error_url);
    ck_assert_int_eq(got.status, 302);
    ck_assert_str_eq(got.body, "move");
    ck_assert(got.complete);
    stop();
}
END_TEST

START_TEST(the_redirects_before_can_be_looked_at)
{
    tw_value before;

    start(to(302, "/end"));
    client_get(&got, "http://u:p@a/start#part", NULL);
    ck_assert_str_eq(tw_response_url(got.result), "http://a/end#part");
    before = tw_response_previous(got.result);
    ck_assert_int_eq(tw_response_status(before), 302);
    ck_assert_str_eq(tw_response_url(before), "http://a/start#part");
    ck_assert_str_eq(tw_bytes_data(tw_response_body(before)), "move");
    ck_assert(tw_response_complete(before));
    ck_assert(tw_is_none(tw_response_previous(before)));
    stop();
}
END_TEST

static const struct {
    const char *fields;
    int status;
    const char *body;
} empty_locations[] = {
    { "Location: \r\n", 302, "move" },
    { "Location:\r\nLocation: \t\r\n", 302, "move" },
    { "Location: \r\nLocation: /end\r\n", 200, "hi" },
    { "Location: /end\r\nLocation: \r\n", 200, "hi" },
    { "Location: /end\r\nLocation: /loop\r\n", 200, "hi" },
};

START_TEST(the_first_location_that_says_anything_counts)
{
    char reply[200];

    snprintf(reply, sizeof reply, "HTTP/1.1 302 Found\r\n%sContent-Length: 4\r\n\r\nmove",
             empty_locations[_i].fields);
    start(reply);
    client_get(&got, "http://a/", NULL);
    ck_assert_ptr_null(got.error);
    ck_assert_int_eq(got.status, empty_locations[_i].status);
    ck_assert_str_eq(got.body, empty_locations[_i].body);
    ck_assert_uint_eq(peer.requests, empty_locations[_i].status == 200 ? 2 : 1);
    stop();
}
END_TEST

/* --- what goes along ----------------------------------------------------------------------- */

static const struct {
    const char *location;
    bool same;
} origins[] = {
    { "/end", true },           { "http://a/end", true },     { "http://A:80/end", true },
    { "http://b/end", false },  { "http://a:81/end", false }, { "http://www.a/end", false },
    { "//b/end", false },       { "http://a.b/end", false },
};

START_TEST(what_belongs_to_an_origin_stays_there)
{
    struct tw_fetch_options options = { 0 };
    tw_headers *headers = client_headers();
    struct peer other = { .reply = HI };
    size_t copies = origins[_i].same ? 2 : 1;
    static const char *const secret[] = { "Authorization: secret", "Cookie: secret",
                                          "Cookie2: secret", "Proxy-Authorization: secret" };

    tw_headers_set(headers, "Authorization", "secret");
    tw_headers_set(headers, "cookie", "secret");
    tw_headers_set(headers, "Cookie2", "secret");
    tw_headers_set(headers, "Proxy-Authorization", "secret");
    tw_headers_set(headers, "Host", "virtual");
    tw_headers_set(headers, "X-Mine", "yes");
    options.headers = headers;
    start(to(302, origins[_i].location));
    peer_begin(&other, 81);
    client_get(&got, "http://a/", &options);
    ck_assert_int_eq(got.status, 200);
    twi_buf_append_text(&peer.log, peer_log(&other));
    ck_assert_uint_eq(peer_count(&peer, "secret\r\n"), 4 * copies);
    ck_assert_uint_ge(peer_count(&peer, secret[0]), 1);
    ck_assert_uint_eq(peer_count(&peer, "Host: virtual\r\n"), copies);
    ck_assert_uint_eq(peer_count(&peer, "X-Mine: yes\r\n"), 2);
    tw_headers_free(headers);
    peer_end(&other);
    stop();
}
END_TEST

static const char *chain[] = { "http://b/2", "http://a/end" };

static void answer_chain(struct peer_connection *connection, const char *request)
{
    size_t step = connection->peer->requests - 1;

    (void)request;
    peer_send(connection, step < 2 ? to(302, chain[step]) : HI);
}

START_TEST(credentials_are_not_restored_on_the_way_back)
{
    struct tw_fetch_options options = { .user = "u", .password = "p" };

    start(NULL);
    peer.answer = answer_chain;
    client_get(&got, "http://a/", &options);
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_eq(peer.requests, 3);
    ck_assert_uint_eq(peer_count(&peer, "Authorization: Basic dTpw\r\n"), 1);
    stop();
}
END_TEST

START_TEST(credentials_of_the_url_belong_to_that_url)
{
    start(to(302, "http://b/end"));
    client_get(&got, "http://u:p@a/", NULL);
    ck_assert_uint_eq(peer_count(&peer, "Authorization: Basic dTpw\r\n"), 1);
    ck_assert_uint_eq(peer_count(&peer, "u:p"), 0);
    stop();
}
END_TEST

START_TEST(credentials_of_the_url_go_out_whole)
{
    start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    client_get(&got, "http://u%00x:p%00w@a/", NULL);
    ck_assert_uint_eq(peer_count(&peer, "Authorization: Basic dQB4OnAAdw==\r\n"), 1);
    stop();
}
END_TEST

/* Relative or absolute; an absolute one may bring its own. */
static const struct {
    const char *location;
    unsigned same, other; /* how often u:p@ and x:y go out */
} credentialed[] = {
    { "/end", 2, 0 },
    { "//a/end", 2, 0 },
    { "http://a/end", 2, 0 },
    { "http://A:80/end", 2, 0 },
    { "http://x:y@a/end", 1, 1 },
    { "http://b/end", 1, 0 },
    { "http://x:y@b/end", 1, 1 },
};

START_TEST(credentials_of_the_url_go_along_within_the_origin)
{
    start(to(302, credentialed[_i].location));
    client_get(&got, "http://u:p%40@a/", NULL);
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_eq(peer_count(&peer, "Authorization: Basic dTpwQA==\r\n"),
                      credentialed[_i].same);
    ck_assert_uint_eq(peer_count(&peer, "Authorization: Basic eDp5\r\n"),
                      credentialed[_i].other);
    ck_assert_uint_eq(peer_count(&peer, "Authorization:"),
                      credentialed[_i].same + credentialed[_i].other);
    stop();
}
END_TEST

START_TEST(credentials_of_the_url_are_not_restored_on_the_way_back)
{
    start(NULL);
    peer.answer = answer_chain;
    client_get(&got, "http://u:p@a/", NULL);
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_eq(peer_count(&peer, "Authorization:"), 1);
    stop();
}
END_TEST

START_TEST(cookies_are_kept_and_sent_where_they_belong)
{
    struct tw_fetch_options options = { .cookies = client_cookies() };

    start("HTTP/1.1 302 Found\r\nLocation: http://a/end\r\nSet-Cookie: k=v\r\n"
          "Set-Cookie: evil=1; Domain=com\r\nContent-Length: 0\r\n\r\n");
    client_get(&got, "http://a/", &options);
    ck_assert_uint_eq(peer_count(&peer, "Cookie: k=v\r\n"), 1);
    outcome_free(&got);
    client_get(&got, "http://b/end", &options);
    ck_assert_uint_eq(peer_count(&peer, "Cookie: "), 1);
    ck_assert_uint_eq(tw_cookies_count(options.cookies), 1);
    tw_cookies_unref(options.cookies);
    stop();
}
END_TEST

START_TEST(a_cookie_by_hand_switches_the_jar_off)
{
    struct tw_fetch_options options = { .cookies = client_cookies() };
    tw_headers *headers = client_headers();

    start("HTTP/1.1 200 OK\r\nSet-Cookie: k=v\r\nContent-Length: 0\r\n\r\n");
    client_get(&got, "http://a/", &options);
    outcome_free(&got);
    tw_headers_set(headers, "Cookie", "mine=1");
    options.headers = headers;
    client_get(&got, "http://a/", &options);
    ck_assert_uint_eq(peer_count(&peer, "Cookie: k=v"), 0);
    ck_assert_uint_eq(peer_count(&peer, "Cookie: mine=1\r\n"), 1);
    tw_headers_free(headers);
    tw_cookies_unref(options.cookies);
    stop();
}
END_TEST

START_TEST(cookies_by_hand_may_join_those_of_the_jar)
{
    struct tw_fetch_options options = { .cookies = client_cookies(), .join_cookies = true };
    tw_headers *headers = client_headers();

    start("HTTP/1.1 302 Found\r\nLocation: http://a/end\r\nSet-Cookie: k=v\r\n"
          "Content-Length: 0\r\n\r\n");
    tw_headers_add(headers, "Cookie", "mine=1");
    tw_headers_add(headers, "Cookie", "more=2");
    options.headers = headers;
    client_get(&got, "http://a/one", &options);
    ck_assert_uint_eq(peer_count(&peer, "Cookie: mine=1; more=2\r\n"), 1);
    ck_assert_uint_eq(peer_count(&peer, "Cookie: k=v; mine=1; more=2\r\n"), 1);
    ck_assert_uint_eq(peer_count(&peer, "Cookie: "), 2);
    outcome_free(&got);
    peer.user = to(302, "http://b/end");
    client_get(&got, "http://a/", &options);
    ck_assert_uint_eq(peer_count(&peer, "Cookie: "), 3);
    tw_headers_free(headers);
    tw_cookies_unref(options.cookies);
    stop();
}
END_TEST

/* --- bodies of redirects ------------------------------------------------------------------- */

static void answer_with_big_body(struct peer_connection *connection, const char *request)
{
    static char big[70000];

    if (strstr(request, " /end") != NULL) {
        peer_send(connection, HI);
        return;
    }
    memset(big, 'x', sizeof big);
    peer_send(connection, connection->peer->user);
    peer_send_n(connection, big, sizeof big);
}

static const struct {
    const char *head;
    bool kept;
} big_bodies[] = {
    { "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 70000\r\n\r\n", false },
    { "HTTP/1.1 302 Found\r\nLocation: /end\r\n\r\n", false },
    { "HTTP/1.1 302 Found\r\nLocation: /end\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n",
      false },
};

START_TEST(a_big_body_of_a_redirect_is_not_waited_for)
{
    start(big_bodies[_i].head);
    peer.answer = answer_with_big_body;
    client_get(&got, "http://a/", NULL);
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_eq(peer.connections, 2);
    ck_assert_double_lt(got.at, 5);
    stop();
}
END_TEST

static void answer_with_half_a_body(struct peer_connection *connection, const char *request)
{
    if (strstr(request, " /end") != NULL) {
        peer_send(connection, HI);
        return;
    }
    peer_send(connection,
              "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 9\r\n\r\nhalf");
    if (connection->peer->user != NULL)
        peer_close(connection);
}

START_TEST(a_body_of_a_redirect_that_stops_is_left)
{
    start(NULL);
    peer.answer = answer_with_half_a_body;
    peer.user = _i == 0 ? NULL : &peer; /* it stalls; it is cut */
    client_get(&got, "http://a/", NULL);
    ck_assert_int_eq(got.status, 200);
    ck_assert_double_le(got.at, 1.1);
    ck_assert_str_eq(tw_bytes_data(tw_response_body(tw_response_previous(got.result))),
                     "half");
    ck_assert(!tw_response_complete(tw_response_previous(got.result)));
    stop();
}
END_TEST

/* --- bodies that are produced -------------------------------------------------------------- */

struct source {
    const char *text;
    size_t at;
    unsigned rewinds, releases;
};

static int64_t read_source(tw_upload *upload, char *data, size_t size, void *arg)
{
    struct source *source = arg;
    size_t length = strlen(source->text) - source->at;

    (void)upload, (void)size;
    length = length > 3 ? 3 : length;
    memcpy(data, source->text + source->at, length);
    source->at += length;
    return (int64_t)length;
}

static int rewind_source(void *arg)
{
    struct source *source = arg;

    source->rewinds++;
    source->at = 0;
    return 0;
}

static int cannot_rewind(void *arg)
{
    (void)arg;
    return -ESPIPE;
}

static void release_source(void *arg)
{
    struct source *source = arg;
    source->releases++;
}

static const struct {
    int status;
    int (*rewind)(void *arg);
    const tw_error_class *error;
    unsigned rewinds;
} sources[] = {
    { 307, rewind_source, NULL, 1 },
    { 302, rewind_source, NULL, 0 },
    { 302, NULL, NULL, 0 },
    { 307, NULL, &tw_error_redirect, 0 },
    { 307, cannot_rewind, &tw_error_system, 0 },
};

START_TEST(a_source_starts_over_for_a_redirect)
{
    struct source source = { .text = "from a source" };
    struct tw_body_source body = { .length = -1,
                                   .read = read_source,
                                   .rewind = sources[_i].rewind,
                                   .release = release_source,
                                   .arg = &source };
    struct tw_fetch_options options = { .body_source = &body };

    start(to(sources[_i].status, "/end"));
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, sources[_i].error);
    ck_assert_uint_eq(source.rewinds, sources[_i].rewinds);
    ck_assert_uint_eq(source.releases, 1);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client redirects");
    static const int halves[2];

    TEST_ADD_ROWS(suite, a_redirect_keeps_or_changes_the_method, methods);
    TEST_ADD(suite, a_method_may_be_kept);
    TEST_ADD_ROWS(suite, a_policy_says_what_is_followed, policies);
    TEST_ADD_ROWS(suite, a_loop_ends_at_the_limit, depths);
    TEST_ADD_ROWS(suite, a_redirect_to_elsewhere_than_http_is_an_error, nowhere);
    TEST_ADD(suite, the_redirects_before_can_be_looked_at);
    TEST_ADD_ROWS(suite, the_first_location_that_says_anything_counts, empty_locations);
    TEST_ADD_ROWS(suite, what_belongs_to_an_origin_stays_there, origins);
    TEST_ADD(suite, credentials_are_not_restored_on_the_way_back);
    TEST_ADD(suite, credentials_of_the_url_belong_to_that_url);
    TEST_ADD(suite, credentials_of_the_url_go_out_whole);
    TEST_ADD_ROWS(suite, credentials_of_the_url_go_along_within_the_origin, credentialed);
    TEST_ADD(suite, credentials_of_the_url_are_not_restored_on_the_way_back);
    TEST_ADD(suite, cookies_are_kept_and_sent_where_they_belong);
    TEST_ADD(suite, a_cookie_by_hand_switches_the_jar_off);
    TEST_ADD(suite, cookies_by_hand_may_join_those_of_the_jar);
    TEST_ADD_ROWS(suite, a_big_body_of_a_redirect_is_not_waited_for, big_bodies);
    TEST_ADD_ROWS(suite, a_body_of_a_redirect_that_stops_is_left, halves);
    TEST_ADD_ROWS(suite, a_source_starts_over_for_a_redirect, sources);
    return test_run(suite);
}
