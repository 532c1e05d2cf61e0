/*
 * check_site.c - a site's routes, and what helps handlers: methods and passwords.
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
    ck_assert_int_eq(tw_site_handle(site, "/", NULL, &releases, note_release), -EINVAL);
    ck_assert_int_eq(tw_site_handle(site, "/", hello, &releases, note_release), 0);
    ck_assert_int_eq(tw_site_handle(site, "/", hello, &releases, note_release), -EEXIST);
    ck_assert_uint_eq(releases, 4);
    ck_assert_ptr_null(tw_site_new(&bad));
    ck_assert_int_eq(errno, EINVAL);
    site_end();
    ck_assert_uint_eq(releases, 5);
}
END_TEST

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

int main(void)
{
    Suite *suite = suite_create("site");

    TEST_ADD(suite, routes_are_checked);
    TEST_ADD(suite, methods_are_allowed_or_named);
    TEST_ADD_ROWS(suite, a_password_is_asked_for, credentials);
    return test_run(suite);
}
