/* SPDX-License-Identifier: MIT */
/*
 * check_site.c - a site's routes, and helpers of handlers: methods and passwords.
 */
#include "config.h"

#include <errno.h>

#include "tests/site.h"

#define OK_TEXT(length) \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " #length "\r\n\r\n"

static tw_value hello(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_answer(request, 200, "text/plain", tw_string("hello"));
    return tw_none();
}

static void expect(const char *what, const char *answer)
{
    const char *text = answered();

    ck_assert_msg(strcmp(text, answer) == 0, "%s: got\n%s\nexpected\n%s", what, text, answer);
}

/* --- making a site ----------------------------------------------------------------------- */

static void note_release(void *arg)
{
    ++*(unsigned *)arg;
}

START_TEST(routes_are_checked)
{
    struct tw_site_options bad = { .server_name = "a\r\nb" };
    unsigned releases = 0;

    site_begin(NULL);
    ck_assert_int_eq(tw_site_handle(site, "a", hello, &releases, note_release), -EINVAL);
    ck_assert_int_eq(tw_site_handle(site, NULL, hello, &releases, note_release), -EINVAL);
    ck_assert_int_eq(tw_site_handle(site, "/%zz", hello, &releases, note_release), -EINVAL);
    ck_assert_int_eq(tw_site_handle(site, "/../a", hello, &releases, note_release), -EINVAL);
    ck_assert_int_eq(tw_site_handle(site, "/", NULL, &releases, note_release), -EINVAL);
    ck_assert_int_eq(tw_site_handle(site, "/", hello, &releases, note_release), 0);
    ck_assert_int_eq(tw_site_handle(site, "/", hello, &releases, note_release), -EEXIST);
    ck_assert_int_eq(tw_site_handle(site, "/a/..", hello, &releases, note_release), -EEXIST);
    ck_assert_uint_eq(releases, 7);
    ck_assert_ptr_null(tw_site_new(&bad));
    ck_assert_int_eq(errno, EINVAL);
    site_end();
    ck_assert_uint_eq(releases, 8);
}
END_TEST

/* --- routes ------------------------------------------------------------------------------ */

/* The name of the route, the path, and its segments. */
static tw_value show(tw_request *request, void *arg)
{
    char text[256];
    const char *segment;
    int length = snprintf(text, sizeof text, "%s %s", (char *)arg, tw_request_path(request));

    for (size_t i = 0; (segment = tw_request_segment(request, i)) != NULL; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, " [%s]", segment);
    tw_request_answer(request, 200, NULL, tw_bytes(text, (size_t)length));
    return tw_none();
}

static char root_route[] = "root", private_route[] = "private", deep_route[] = "deep",
            odd_route[] = "odd", star_route[] = "star", connect_route[] = "connect";

static const struct {
    const char *method, *target, *shown; /* NULL: 400 */
} routed[] = {
    { "GET", "/", "root / []" },
    { "GET", "/x", "root /x [x]" },
    { "GET", "/private", "root /private [private]" },
    { "GET", "/private/", "private /private/ [private] []" },
    { "GET", "/private/x", "private /private/x [private] [x]" },
    { "GET", "/privatex/x", "root /privatex/x [privatex] [x]" },
    { "GET", "/private/deep", "deep /private/deep [private] [deep]" },
    { "GET", "/private/deep/", "private /private/deep/ [private] [deep] []" },
    /* one reading, however the path is spelled */
    { "GET", "/./private/x", "private /private/x [private] [x]" },
    { "GET", "/%2e/private/x", "private /private/x [private] [x]" },
    { "GET", "/%70rivate/x", "private /private/x [private] [x]" },
    { "GET", "/x/../private/x", "private /private/x [private] [x]" },
    { "GET", "/x/%2e%2E/private/x", "private /private/x [private] [x]" },
    { "GET", "/private/x/..", "private /private/ [private] []" },
    { "GET", "/private/..", "root / []" },
    { "GET", "http://h/./private/x", "private /private/x [private] [x]" },
    { "GET", "/../private/x", NULL },
    /* not the same paths, and no files there */
    { "GET", "//private/x", "root //private/x [] [private] [x]" },
    { "GET", "/.//private/x", "root //private/x [] [private] [x]" },
    { "GET", "/%2fprivate/x", "root /%2Fprivate/x [/private] [x]" },
    { "GET", "/private%2fx", "root /private%2Fx [private/x]" },
    { "GET", "/private%2fdeep", "root /private%2Fdeep [private/deep]" },
    { "GET", "/private;a/x", "root /private;a/x [private;a] [x]" },
    { "GET", "/private\\x", "root /private\\x [private\\x]" },
    { "GET", "/Private/x", "root /Private/x [Private] [x]" },
    { "GET", "/a%20b/c%2fd", "odd /a b/c%2Fd [a b] [c/d]" },
    /* no paths */
    { "OPTIONS", "*", "star *" },
    { "OPTIONS", "/*", "root /* [*]" },
    { "CONNECT", "a:1", "connect " },
};

START_TEST(a_route_is_found_by_segments)
{
    char text[256];
    const char *answer;

    site_begin(NULL);
    ck_assert_int_eq(tw_site_handle(site, "/", show, root_route, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/private/", show, private_route, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/private/deep", show, deep_route, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "/x/../a%20b/c%2Fd", show, odd_route, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "*", show, star_route, NULL), 0);
    ck_assert_int_eq(tw_site_handle(site, "", show, connect_route, NULL), 0);
    wire = site_connect();
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", routed[_i].method,
             routed[_i].target);
    send_text(text);
    answer = answered();
    if (routed[_i].shown == NULL)
        ck_assert_int_eq(atoi(answer + 9), 400);
    else
        ck_assert_str_eq((char *)test_given(strstr(answer, "\r\n\r\n")) + 4, routed[_i].shown);
    site_end();
}
END_TEST

/* RFC 9110, 9.3.7: a question to the server as a whole. */
START_TEST(what_is_no_path_has_an_answer)
{
    site_begin(NULL);
    ck_assert_int_eq(tw_site_handle(site, "/", hello, NULL, NULL), 0);
    wire = site_connect();
    send_text("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    expect("OPTIONS *", "HTTP/1.1 204 No Content\r\n\r\n");
    send_text("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n" GET("/"));
    ck_assert_int_eq(strncmp(answered(), "HTTP/1.1 501 ", 13), 0);
    ck_assert(is_closed());
    site_end();
}
END_TEST

/* Two slashes in front would lead to another host. */
START_TEST(a_slash_is_added_to_the_same_path)
{
    site_begin(NULL);
    ck_assert_int_eq(tw_site_handle(site, "//host/a b/", hello, NULL, NULL), 0);
    wire = site_connect();
    send_text(GET("//host/a%20b?q"));
    ck_assert_ptr_nonnull(strstr(answered(), "\r\nLocation: /.//host/a%20b/?q\r\n"));
    send_text(GET("/.//host/a%20b/"));
    expect("its target", OK_TEXT(5) "hello");
    site_end();
}
END_TEST

/* --- what helps handlers ------------------------------------------------------------------ */

static tw_value methods(tw_request *request, void *arg)
{
    if (tw_request_allow(request, "GET, PUT"))
        hello(request, arg);
    return tw_none();
}

START_TEST(methods_are_allowed_or_named)
{
    const char *text;

    site_begin(NULL);
    ck_assert_int_eq(tw_site_handle(site, "/", methods, NULL, NULL), 0);
    wire = site_connect();
    send_text(GET("/"));
    expect("get", OK_TEXT(5) "hello");
    send_text("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
    text = answered();
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 405 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(text, "\r\nAllow: GET, PUT\r\n"));
    send_text("FOO / HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_int_eq(strncmp(answered(), "HTTP/1.1 501 ", 13), 0);
    site_end();
}
END_TEST

static tw_value secret(tw_request *request, void *arg)
{
    if (tw_request_authorized(request, "the realm", "Aladdin", "open sesame"))
        hello(request, arg);
    return tw_none();
}

/* RFC 7617, 2 */
static const struct {
    const char *field;
    int status;
} credentials[] = {
    { "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 200 },
    { "Authorization: bASIC  QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 200 },
    { "X: y", 401 },
    { "Authorization: Basic", 401 },
    { "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=", 401 },
    { "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==x", 401 },
    { "Authorization: Basic qWxhZGRpbjpvcGVuIHNlc2FtZQ==", 401 },
    { "Authorization: Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 401 },
};

START_TEST(a_password_is_asked_for)
{
    char text[256];
    const char *answer;

    site_begin(NULL);
    ck_assert_int_eq(tw_site_handle(site, "/", secret, NULL, NULL), 0);
    wire = site_connect();
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
             credentials[_i].field);
    send_text(text);
    answer = answered();
    ck_assert_msg(atoi(answer + 9) == credentials[_i].status, "%s", credentials[_i].field);
    ck_assert(
        credentials[_i].status == 200 ||
        strstr(answer, "WWW-Authenticate: Basic realm=\"the realm\", charset=\"UTF-8\"\r\n"));
    site_end();
}
END_TEST

static const struct {
    const char *realm, *challenge; /* NULL: no field can say it */
} realms[] = {
    { "", "Basic realm=\"\"," },
    { "the \"inner\" circle", "Basic realm=\"the \\\"inner\\\" circle\"," },
    { "C:\\", "Basic realm=\"C:\\\\\"," },
    { "\", evil=\"", "Basic realm=\"\\\", evil=\\\"\"," },
    { "caf\303\251", "Basic realm=\"caf\303\251\"," },
    { "a\r\nSet-Cookie: b", NULL },
};

static const char *realm;

static tw_value guarded(tw_request *request, void *arg)
{
    (void)arg;
    ck_assert(!tw_request_authorized(request, realm, "Aladdin", "open sesame"));
    return tw_none();
}

START_TEST(a_realm_is_quoted)
{
    const char *answer;

    realm = realms[_i].realm;
    site_begin(NULL);
    ck_assert_int_eq(tw_site_handle(site, "/", guarded, NULL, NULL), 0);
    wire = site_connect();
    send_text(GET("/"));
    answer = answered();
    if (realms[_i].challenge == NULL) {
        ck_assert_int_eq(atoi(answer + 9), 500);
        ck_assert_ptr_null(strstr(answer, "Set-Cookie"));
    } else {
        ck_assert_int_eq(atoi(answer + 9), 401);
        ck_assert_ptr_nonnull(strstr(answer, realms[_i].challenge));
    }
    site_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("site");

    TEST_ADD(suite, routes_are_checked);
    TEST_ADD_ROWS(suite, a_route_is_found_by_segments, routed);
    TEST_ADD(suite, what_is_no_path_has_an_answer);
    TEST_ADD(suite, a_slash_is_added_to_the_same_path);
    TEST_ADD(suite, methods_are_allowed_or_named);
    TEST_ADD_ROWS(suite, a_password_is_asked_for, credentials);
    TEST_ADD_ROWS(suite, a_realm_is_quoted, realms);
    return test_run(suite);
}
