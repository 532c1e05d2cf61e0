/* SPDX-License-Identifier: MIT */
/*
 * check_redirect.c - the rules of redirects.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tests/test.h"
#include "web/client/redirect.h"

static const struct {
    int status;
    const char *method;
    bool is_redirect, to_get, safe;
} methods[] = {
    { 200, "GET", false, false, true },   { 300, "GET", false, false, true },
    { 301, "GET", true, false, true },    { 301, "HEAD", true, false, true },
    { 301, "POST", true, true, false },   { 301, "PUT", true, false, false },
    { 302, "GET", true, false, true },    { 302, "POST", true, true, false },
    { 302, "DELETE", true, false, false }, { 303, "GET", true, false, true },
    { 303, "HEAD", true, false, true },   { 303, "POST", true, true, true },
    { 303, "PUT", true, true, true },     { 304, "GET", false, false, true },
    { 305, "GET", false, false, true },   { 306, "GET", false, false, true },
    { 307, "GET", true, false, true },    { 307, "POST", true, false, false },
    { 308, "GET", true, false, true },    { 308, "POST", true, false, false },
    { 309, "GET", false, false, true },   { 404, "GET", false, false, true },
};

START_TEST(the_status_decides_the_method)
{
    int status = methods[_i].status;
    const char *method = methods[_i].method;

    ck_assert_int_eq(twi_redirect_is(status), methods[_i].is_redirect);
    ck_assert_int_eq(twi_redirect_to_get(TW_REDIRECT_FOLLOW, status, method),
                     methods[_i].to_get);
    ck_assert_int_eq(twi_redirect_allowed(TW_REDIRECT_SAFE, status, method), methods[_i].safe);
    ck_assert(twi_redirect_allowed(TW_REDIRECT_FOLLOW, status, method));
    ck_assert(!twi_redirect_allowed(TW_REDIRECT_NONE, status, method));
    ck_assert(twi_redirect_allowed(TW_REDIRECT_KEEP, status, method));
    ck_assert_int_eq(twi_redirect_to_get(TW_REDIRECT_KEEP, status, method),
                     status == 303 && methods[_i].to_get);
}
END_TEST

static const struct {
    const char *from, *location;
    int r;
    const char *to;
} targets[] = {
    { "http://a/b/c", "d", 0, "http://a/b/d" },
    { "http://a/b/c", "/d", 0, "http://a/d" },
    { "http://a/b/c", "?q", 0, "http://a/b/c?q" },
    { "http://a/b/c", "//x/y", 0, "http://x/y" },
    { "https://a/b", "http://a/", 0, "http://a/" },
    { "http://a/b", " /space ", 0, "http://a/space" },
    { "http://a/b", "/a b", 0, "http://a/a%20b" },
    { "http://a/b", "/caf\xc3\xa9", 0, "http://a/caf%C3%A9" },
    { "http://a/b#top", "/c", 0, "http://a/c#top" },
    { "http://a/b#top", "/c#end", 0, "http://a/c#end" },
    { "http://a/b#top", "/c#", 0, "http://a/c#" },
    { "http://u:p@a/b", "/c", 0, "http://u:p@a/c" },
    { "http://u:p@a/b", "//x/c", 0, "http://x/c" },
    { "http://a/b", "file:///etc/passwd", -EPROTONOSUPPORT, NULL },
    { "http://a/b", "ftp://a/", -EPROTONOSUPPORT, NULL },
    { "http://a/b", "data:text/plain,x", -EPROTONOSUPPORT, NULL },
    { "http://a/b", "javascript:alert(1)", -EPROTONOSUPPORT, NULL },
    { "http://a/b", "gopher://a/", -EPROTONOSUPPORT, NULL },
    { "http://a/b", "http://", -EINVAL, NULL },
    { "http://a/b", "http://a:99999/", -EINVAL, NULL },
    { "http://a/b", "http://a b/", -EINVAL, NULL },
};

static struct tw_url *parsed(const char *text)
{
    struct tw_url *url;
    ck_assert_int_eq(tw_url_parse(text, strlen(text), NULL, &url, NULL), 0);
    return url;
}

START_TEST(a_location_is_resolved_against_its_page)
{
    struct tw_url *from = parsed(targets[_i].from), *to = NULL;
    const char *why = "";

    ck_assert_int_eq(twi_redirect_target(from, targets[_i].location, &to, &why),
                     targets[_i].r);
    if (targets[_i].r == 0)
        ck_assert_str_eq(to->href, targets[_i].to);
    else
        ck_assert_str_ne(why, "");
    tw_url_free(to);
    tw_url_free(from);
}
END_TEST

START_TEST(what_was_set_by_hand_stays_at_home)
{
    static const char *const secrets[] = {
        "Authorization",       "authorization",    "COOKIE", "Cookie2",
        "Proxy-Authorization", "WWW-Authenticate", "host"
    };

    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        ck_assert_msg(twi_redirect_secret(secrets[i]), "%s", secrets[i]);
    ck_assert(!twi_redirect_secret("Accept"));
    ck_assert(!twi_redirect_secret("Cookies"));
    ck_assert(twi_redirect_describes_body("content-type"));
    ck_assert(!twi_redirect_describes_body("Accept"));
}
END_TEST

static bool resolve(void *arg)
{
    struct tw_url *from, *to = NULL;
    int r = tw_url_parse("http://a/b#f", 12, NULL, &from, NULL);

    (void)arg;
    if (r < 0)
        return false;
    r = twi_redirect_target(from, "/c", &to, NULL);
    tw_url_free(to);
    tw_url_free(from);
    return r == 0;
}

START_TEST(a_target_survives_without_memory)
{
    ck_assert_uint_ge(test_each_alloc_failure(resolve, NULL), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redirect");

    TEST_ADD_ROWS(suite, the_status_decides_the_method, methods);
    TEST_ADD_ROWS(suite, a_location_is_resolved_against_its_page, targets);
    TEST_ADD(suite, what_was_set_by_hand_stays_at_home);
    TEST_ADD(suite, a_target_survives_without_memory);
    return test_run(suite);
}
