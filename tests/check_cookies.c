/* SPDX-License-Identifier: MIT */
/*
 * check_cookies.c - cookies go back to where they came from, and nowhere else.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tweed/cookies.h>

#include "tests/test.h"

#define NOW 1000000000.0

static struct tw_url *url_of(const char *text)
{
    struct tw_url *url = NULL;

    ck_assert_msg(tw_url_parse(text, strlen(text), NULL, &url, NULL) == 0, "%s", text);
    return url;
}

static int store_at(tw_cookies *jar, const char *from, const char *set_cookie, double now)
{
    struct tw_url *url = url_of(from);
    int r = tw_cookies_store(jar, url, set_cookie, now);

    tw_url_free(url);
    return r;
}

static int store(tw_cookies *jar, const char *from, const char *set_cookie)
{
    return store_at(jar, from, set_cookie, NOW);
}

/* What is sent, "-" for nothing; valid until the next call. */
static const char *sent_at(tw_cookies *jar, const char *to, double now)
{
    static char text[8192];
    struct tw_url *url = url_of(to);
    tw_value value = tw_cookies_for(jar, url, now);

    ck_assert(!tw_is_failure(value));
    snprintf(text, sizeof text, "%s", tw_is_none(value) ? "-" : tw_bytes_data(value));
    tw_release(value);
    tw_url_free(url);
    return text;
}

static const char *sent(tw_cookies *jar, const char *to)
{
    return sent_at(jar, to, NOW);
}

/* --- what is stored, and where it goes ---------------------------------------------------- */

static const struct {
    const char *from, *set_cookie;
    int result;
    const char *to, *sent;
} rows[] = {
    /* syntax */
    { "http://h.test/", "a=b", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "  a = b ; Path=/", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b=c", 0, "http://h.test/", "a=b=c" },
    { "http://h.test/", "a=\"b c\"", 0, "http://h.test/", "a=\"b c\"" },
    { "http://h.test/", "a=", 0, "http://h.test/", "a=" },
    { "http://h.test/", "=b", 0, "http://h.test/", "b" },
    { "http://h.test/", "b", 0, "http://h.test/", "b" },
    { "http://h.test/", "a=\xc3\xbc", 0, "http://h.test/", "a=\xc3\xbc" },
    { "http://h.test/", "a=b;;; ;x", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b;unknown=1;SameSite=Strict", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "=", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "; Path=/", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "a=b\rc", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "a=b\nX: y", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "a=b\x01", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "a=b\x7f", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "a=b; Path=/\x1f", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "a=b\tc", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "a\tb=c", -EINVAL, "http://h.test/", "-" },
    { "http://h.test/", "a=b\t;\tPath=/", 0, "http://h.test/", "a=b" },
    { "mailto:x", "a=b", -EPERM, "http://h.test/", "-" },
    /* hosts */
    { "http://h.test/", "a=b", 0, "http://H.TEST:8080/x", "a=b" },
    { "http://h.test/", "a=b", 0, "https://h.test/", "a=b" },
    { "http://h.test/", "a=b", 0, "http://sub.h.test/", "-" },
    { "http://h.test/", "a=b", 0, "http://xh.test/", "-" },
    { "http://sub.h.test/", "a=b", 0, "http://h.test/", "-" },
    { "http://h.test/", "a=b; Domain=h.test", 0, "http://sub.h.test/", "a=b" },
    { "http://h.test/", "a=b; domain=.H.TEST", 0, "http://a.b.h.test/", "a=b" },
    { "http://sub.h.test/", "a=b; Domain=h.test", 0, "http://h.test/", "a=b" },
    { "http://sub.h.test/", "a=b; Domain=h.test", 0, "http://xh.test/", "-" },
    { "http://h.test/", "a=b; Domain=", 0, "http://sub.h.test/", "-" },
    { "http://h.test/", "a=b; Domain=.", 0, "http://sub.h.test/", "-" },
    { "http://h.test/", "a=b; Domain", 0, "http://sub.h.test/", "-" },
    { "http://h.test/", "a=b; Domain=other.test", -EPERM, "http://other.test/", "-" },
    { "http://h.test/", "a=b; Domain=sub.h.test", -EPERM, "http://sub.h.test/", "-" },
    { "http://h.test/", "a=b; Domain=.test", -EPERM, "http://h.test/", "-" },
    { "http://h.test/", "a=b; Domain=..h.test", -EPERM, "http://h.test/", "-" },
    { "http://h.test/", "a=b; Domain=a b", -EPERM, "http://h.test/", "-" },
    { "http://h.test/", "a=b; Domain=x.test; Domain=h.test", 0, "http://s.h.test/", "a=b" },
    { "http://xn--tda.test/", "a=b; Domain=\xc3\xbc.test", 0, "http://s.xn--tda.test/",
      "a=b" },
    /* public suffixes */
    { "http://www.example.com/", "a=b; Domain=com", -EPERM, "http://x.com/", "-" },
    { "http://www.example.co.uk/", "a=b; Domain=co.uk", -EPERM, "http://x.co.uk/", "-" },
    { "http://www.example.co.uk/", "a=b; Domain=example.co.uk", 0, "http://example.co.uk/",
      "a=b" },
    { "http://me.github.io/", "a=b; Domain=github.io", -EPERM, "http://you.github.io/", "-" },
    { "http://github.io/", "a=b; Domain=github.io", 0, "http://github.io/", "a=b" },
    { "http://github.io/", "a=b; Domain=github.io", 0, "http://you.github.io/", "-" },
    { "http://www.example.com./", "a=b; Domain=com.", -EPERM, "http://x.com./", "-" },
    { "http://localhost/", "a=b; Domain=localhost", 0, "http://localhost/", "a=b" },
    { "http://a.example/", "a=b; Domain=example", -EPERM, "http://b.example/", "-" },
    /* addresses have no parents */
    { "http://127.0.0.1/", "a=b", 0, "http://127.1/", "a=b" },
    { "http://127.0.0.1/", "a=b; Domain=127.0.0.1", 0, "http://127.0.0.1/", "a=b" },
    { "http://127.0.0.1/", "a=b; Domain=0.0.1", -EPERM, "http://127.0.0.1/", "-" },
    { "http://127.0.0.1/", "a=b; Domain=.0.1", -EPERM, "http://127.0.0.1/", "-" },
    { "http://127.0.0.1/", "a=b; Domain=1", -EPERM, "http://127.0.0.1/", "-" },
    { "http://[::1]/", "a=b; Domain=[::1]", 0, "http://[::1]:81/", "a=b" },
    { "http://[::1]/", "a=b", 0, "http://[::2]/", "-" },
    /* paths */
    { "http://h.test/a/b", "a=b", 0, "http://h.test/a/c", "a=b" },
    { "http://h.test/a/b", "a=b", 0, "http://h.test/a", "a=b" },
    { "http://h.test/a/b", "a=b", 0, "http://h.test/ab", "-" },
    { "http://h.test/a/b", "a=b", 0, "http://h.test/", "-" },
    { "http://h.test/a/", "a=b", 0, "http://h.test/a/", "a=b" },
    { "http://h.test/a", "a=b", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Path=/x", 0, "http://h.test/x", "a=b" },
    { "http://h.test/", "a=b; Path=/x", 0, "http://h.test/x/y?z", "a=b" },
    { "http://h.test/", "a=b; Path=/x", 0, "http://h.test/xy", "-" },
    { "http://h.test/", "a=b; Path=/x/", 0, "http://h.test/x", "-" },
    { "http://h.test/", "a=b; Path=/x/", 0, "http://h.test/x/y", "a=b" },
    { "http://h.test/a/b", "a=b; Path=x", 0, "http://h.test/a/", "a=b" },
    { "http://h.test/a/b", "a=b; Path=", 0, "http://h.test/a/", "a=b" },
    { "http://h.test/a/b", "a=b; Path=/; Path", 0, "http://h.test/", "-" },
    /* secure */
    { "https://h.test/", "a=b; Secure", 0, "https://h.test/", "a=b" },
    { "https://h.test/", "a=b; Secure", 0, "http://h.test/", "-" },
    { "wss://h.test/", "a=b; Secure", 0, "wss://h.test/", "a=b" },
    { "http://h.test/", "a=b; Secure", -EPERM, "https://h.test/", "-" },
    { "http://localhost/", "a=b; Secure", 0, "http://localhost/", "a=b" },
    { "http://localhost:8080/", "__Host-a=b; Secure; Path=/", 0, "https://localhost/",
      "__Host-a=b" },
    { "http://a.localhost./", "a=b; Secure", 0, "http://a.localhost./", "a=b" },
    { "http://127.1.2.3/", "a=b; Secure", 0, "ws://127.1.2.3/", "a=b" },
    { "http://[::1]/", "a=b; Secure", 0, "http://[0::1]/", "a=b" },
    { "http://notlocalhost/", "a=b; Secure", -EPERM, "https://notlocalhost/", "-" },
    { "http://localhost.test/", "a=b; Secure", -EPERM, "https://localhost.test/", "-" },
    { "http://127.0.0.1.test/", "a=b; Secure", -EPERM, "https://127.0.0.1.test/", "-" },
    { "http://128.0.0.1/", "a=b; Secure", -EPERM, "https://128.0.0.1/", "-" },
    { "http://[::2]/", "a=b; Secure", -EPERM, "https://[::2]/", "-" },
    { "https://h.test/", "a=b; HttpOnly", 0, "http://h.test/", "a=b" },
    /* prefixes */
    { "https://h.test/", "__Secure-a=b; Secure", 0, "https://h.test/", "__Secure-a=b" },
    { "https://h.test/", "__Secure-a=b", -EPERM, "https://h.test/", "-" },
    { "https://h.test/", "__sEcure-a=b", -EPERM, "https://h.test/", "-" },
    { "https://h.test/", "__Host-a=b; Secure; Path=/", 0, "https://h.test/", "__Host-a=b" },
    { "https://h.test/", "__Host-a=b; Secure", -EPERM, "https://h.test/", "-" },
    { "https://h.test/", "__Host-a=b; Secure; Path=x", -EPERM, "https://h.test/", "-" },
    { "https://h.test/", "__Host-a=b; Secure; Path=/x", -EPERM, "https://h.test/", "-" },
    { "https://h.test/", "__Host-a=b; Path=/", -EPERM, "https://h.test/", "-" },
    { "https://h.test/", "__Host-a=b; Secure; Path=/; Domain=h.test", -EPERM,
      "https://h.test/", "-" },
    { "http://h.test/", "__Host-a=b; Secure; Path=/", -EPERM, "https://h.test/", "-" },
    { "https://h.test/", "=__Host-a=b; Secure; Path=/", -EPERM, "https://h.test/", "-" },
    { "https://h.test/", "__Secure-x; Secure", -EPERM, "https://h.test/", "-" },
    /* expiry */
    { "http://h.test/", "a=b; Max-Age=1", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Max-Age=0", 0, "http://h.test/", "-" },
    { "http://h.test/", "a=b; Max-Age=-1", 0, "http://h.test/", "-" },
    { "http://h.test/", "a=b; Max-Age=+1", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Max-Age=0x", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Max-Age=-", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Max-Age=", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Max-Age=99999999999999999999999", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Expires=Sun, 06 Nov 1994 08:49:37 GMT", 0, "http://h.test/",
      "-" },
    { "http://h.test/", "a=b; Expires=Sun, 06 Nov 2094 08:49:37 GMT", 0, "http://h.test/",
      "a=b" },
    { "http://h.test/", "a=b; Expires=yesterday", 0, "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=9", 0,
      "http://h.test/", "a=b" },
    { "http://h.test/", "a=b; Max-Age=9; Expires=Sun, 06 Nov 1994 08:49:37 GMT", 0,
      "http://h.test/", "a=b" },
};

static tw_cookies *new_jar(void)
{
    tw_cookies *jar = tw_cookies_new();

    ck_assert_ptr_nonnull(jar);
    return jar;
}

START_TEST(a_cookie_goes_where_it_belongs)
{
    tw_cookies *jar = new_jar();
    int r = store(jar, rows[_i].from, rows[_i].set_cookie);

    ck_assert_msg(r == rows[_i].result, "%s: %s: %d", rows[_i].from, rows[_i].set_cookie, r);
    ck_assert_msg(strcmp(sent(jar, rows[_i].to), rows[_i].sent) == 0, "%s: %s to %s: %s",
                  rows[_i].from, rows[_i].set_cookie, rows[_i].to, sent(jar, rows[_i].to));
    tw_cookies_unref(jar);
}
END_TEST

/* --- several ------------------------------------------------------------------------------ */

START_TEST(longer_paths_come_first_then_older_ones)
{
    tw_cookies *jar = new_jar();

    store(jar, "http://s.h.test/", "a=1");
    store(jar, "http://s.h.test/", "b=2; Path=/x/y");
    store(jar, "http://s.h.test/", "c=3; Domain=h.test; Path=/x");
    store(jar, "http://s.h.test/", "d=4; Path=/x");
    store(jar, "http://s.h.test/", "e=5; Domain=h.test");
    ck_assert_str_eq(sent(jar, "http://s.h.test/x/y"), "b=2; c=3; d=4; a=1; e=5");
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(a_new_value_takes_the_old_ones_place)
{
    tw_cookies *jar = new_jar();

    store(jar, "http://h.test/", "a=1");
    store(jar, "http://h.test/", "b=2");
    store(jar, "http://h.test/", "a=3");
    store(jar, "http://h.test/", "A=4");
    ck_assert_uint_eq(tw_cookies_count(jar), 3);
    ck_assert_str_eq(sent(jar, "http://h.test/"), "a=3; b=2; A=4");
    store(jar, "http://h.test/", "a=5; Domain=h.test");
    ck_assert_str_eq(sent(jar, "http://h.test/"), "a=3; b=2; A=4; a=5");
    store(jar, "http://h.test/", "a=; Max-Age=0");
    ck_assert_str_eq(sent(jar, "http://h.test/"), "b=2; A=4; a=5");
    store(jar, "http://h.test/", "zzz=; Max-Age=0");
    ck_assert_uint_eq(tw_cookies_count(jar), 3);
    tw_cookies_clear(jar);
    ck_assert_uint_eq(tw_cookies_count(jar), 0);
    ck_assert_str_eq(sent(jar, "http://h.test/"), "-");
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(cookies_expire)
{
    tw_cookies *jar = new_jar();

    store(jar, "http://h.test/", "a=1; Max-Age=10");
    store(jar, "http://h.test/", "b=2; Max-Age=20");
    store(jar, "http://h.test/", "c=3");
    store(jar, "http://h.test/", "d=4; Max-Age=99999999999");
    ck_assert_str_eq(sent_at(jar, "http://h.test/", NOW + 9), "a=1; b=2; c=3; d=4");
    ck_assert_str_eq(sent_at(jar, "http://h.test/", NOW + 10), "b=2; c=3; d=4");
    ck_assert_uint_eq(tw_cookies_count(jar), 3);
    ck_assert_str_eq(sent_at(jar, "http://h.test/", NOW + 400 * 86400.0 + 1), "c=3");
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(the_last_cookie_of_a_domain_may_expire)
{
    tw_cookies *jar = new_jar();

    store(jar, "http://h.test/", "a=1; Max-Age=10");
    ck_assert_str_eq(sent_at(jar, "http://h.test/", NOW + 20), "-");
    ck_assert_uint_eq(tw_cookies_count(jar), 0);
    store(jar, "http://h.test/", "a=2");
    ck_assert_str_eq(sent(jar, "http://h.test/"), "a=2");
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(plain_http_cannot_replace_a_secure_cookie)
{
    tw_cookies *jar = new_jar();

    store(jar, "https://s.h.test/", "a=1; Secure; Path=/x");
    ck_assert_int_eq(store(jar, "http://s.h.test/", "a=2; Path=/x"), -EPERM);
    ck_assert_int_eq(store(jar, "http://s.h.test/", "a=2; Path=/x/y"), -EPERM);
    ck_assert_int_eq(store(jar, "http://o.h.test/", "a=2; Path=/x; Domain=h.test"), -EPERM);
    ck_assert_int_eq(store(jar, "http://s.h.test/", "a=2; Path=/x; Max-Age=0"), -EPERM);
    ck_assert_int_eq(store(jar, "http://s.h.test/", "a=2; Path=/xy"), 0);
    ck_assert_int_eq(store(jar, "http://s.h.test/", "b=2; Path=/x"), 0);
    ck_assert_int_eq(store(jar, "http://o.h.test/", "a=2; Path=/x"), 0);
    ck_assert_int_eq(store(jar, "https://s.h.test/", "a=3; Path=/x"), 0);
    ck_assert_int_eq(store(jar, "http://s.h.test/", "a=4; Path=/x"), 0);
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(a_jar_is_counted)
{
    tw_cookies *jar = new_jar();

    ck_assert_ptr_eq(tw_cookies_ref(jar), jar);
    store(jar, "http://h.test/", "a=b");
    tw_cookies_unref(jar);
    ck_assert_str_eq(sent(jar, "http://h.test/"), "a=b");
    tw_cookies_unref(jar);
    tw_cookies_unref(NULL);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------- */

START_TEST(a_cookie_has_a_limit)
{
    tw_cookies *jar = new_jar();
    char text[8192];

    memset(text, 'x', sizeof text);
    text[1] = '=';
    text[4098] = 0;
    ck_assert_int_eq(store(jar, "http://h.test/", text), -E2BIG);
    text[4097] = 0;
    ck_assert_int_eq(store(jar, "http://h.test/", text), 0);
    ck_assert_uint_eq(strlen(sent(jar, "http://h.test/")), 4097);
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(a_long_attribute_is_ignored)
{
    tw_cookies *jar = new_jar();
    char text[4096] = "a=b; Path=/x; Path=/";
    size_t length = strlen(text);

    memset(text + length, 'x', 1023);
    ck_assert_int_eq(store(jar, "http://h.test/", text), 0);
    ck_assert_str_eq(sent(jar, "http://h.test/x"), "-");
    memset(text + length, 'x', 1024);
    ck_assert_int_eq(store(jar, "http://h.test/", text), 0);
    ck_assert_str_eq(sent(jar, "http://h.test/x"), "a=b");
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(a_field_has_a_limit)
{
    tw_cookies *jar = new_jar();
    size_t size = (1 << 20) + 2;
    char *text = malloc(size);

    memset(text, ';', size);
    memcpy(text, "a=b", 3);
    text[size - 1] = 0;
    ck_assert_int_eq(store(jar, "http://h.test/", text), -E2BIG);
    text[size - 2] = 0;
    ck_assert_int_eq(store(jar, "http://h.test/", text), 0);
    free(text);
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(a_domain_keeps_the_fifty_last_used)
{
    tw_cookies *jar = new_jar();
    char text[64];
    int i;

    for (i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "c%d=%d; Path=/%d", i, i, i);
        ck_assert_int_eq(store(jar, "http://h.test/", text), 0);
    }
    store(jar, "http://other.test/", "o=p");
    ck_assert_str_eq(sent(jar, "http://h.test/0"), "c0=0");
    store(jar, "http://h.test/", "new=1");
    ck_assert_uint_eq(tw_cookies_count(jar), 51);
    ck_assert_str_eq(sent(jar, "http://h.test/0"), "c0=0; new=1");
    ck_assert_str_eq(sent(jar, "http://h.test/1"), "new=1");
    store(jar, "http://h.test/", "c2=3; Path=/2"); /* replaces, drops nothing */
    ck_assert_uint_eq(tw_cookies_count(jar), 51);
    ck_assert_str_eq(sent(jar, "http://h.test/3"), "c3=3; new=1");
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(expired_cookies_make_room_first)
{
    tw_cookies *jar = new_jar();
    char text[64];
    int i;

    for (i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "c%d=%d; Path=/%d%s", i, i, i,
                 i == 7 ? "; Max-Age=5" : "");
        store(jar, "http://h.test/", text);
    }
    store_at(jar, "http://h.test/", "new=1", NOW + 10);
    ck_assert_str_eq(sent(jar, "http://h.test/7"), "new=1");
    ck_assert_str_eq(sent(jar, "http://h.test/0"), "c0=0; new=1");
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(a_jar_keeps_three_thousand)
{
    tw_cookies *jar = new_jar();
    char host[64];
    int i;

    for (i = 0; i < 3100; i++) {
        snprintf(host, sizeof host, "http://h%d.test/", i);
        ck_assert_int_eq(store(jar, host, "a=b"), 0);
    }
    ck_assert_uint_eq(tw_cookies_count(jar), 3000);
    ck_assert_str_eq(sent(jar, "http://h99.test/"), "-");
    ck_assert_str_eq(sent(jar, "http://h100.test/"), "a=b");
    tw_cookies_unref(jar);
}
END_TEST

/* --- files -------------------------------------------------------------------------------- */

static char path[64];

static void make_path(void)
{
    int fd;

    strcpy(path, "/tmp/tweed-cookies-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_path(void)
{
    unlink(path);
}

static void write_file(const char *text, size_t length)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    fclose(file);
}

static const char *read_file(void)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    size_t length;

    ck_assert_ptr_nonnull(file);
    length = fread(text, 1, sizeof text - 1, file);
    text[length] = 0;
    fclose(file);
    return text;
}

START_TEST(a_jar_survives_in_a_file)
{
    tw_cookies *jar = new_jar(), *again = new_jar();
    struct stat status;

    store(jar, "https://s.h.test/p/", "a=1; Secure; HttpOnly; Max-Age=86400");
    store(jar, "https://s.h.test/", "b=2; Domain=h.test");
    store(jar, "http://127.0.0.1/", "c=");
    store(jar, "http://n.test/", "nameless");
    ck_assert_int_eq(tw_cookies_save(jar, path), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_str_eq(read_file(), "# Netscape HTTP Cookie File\n"
                                  "# Written by tweed; lines are replaced.\n\n"
                                  "#HttpOnly_s.h.test\tFALSE\t/p\tTRUE\t1000086400\ta\t1\n"
                                  ".h.test\tTRUE\t/\tFALSE\t0\tb\t2\n"
                                  "127.0.0.1\tFALSE\t/\tFALSE\t0\tc\t\n"
                                  "n.test\tFALSE\t/\tFALSE\t0\t\tnameless\n");
    ck_assert_int_eq(tw_cookies_load(again, path, NULL), 0);
    ck_assert_uint_eq(tw_cookies_count(again), 4);
    ck_assert_str_eq(sent(again, "https://s.h.test/p"), "a=1; b=2");
    ck_assert_str_eq(sent(again, "http://h.test/"), "b=2");
    ck_assert_str_eq(sent(again, "http://127.0.0.1/"), "c=");
    ck_assert_str_eq(sent(again, "http://n.test/"), "nameless");
    tw_cookies_unref(jar);
    tw_cookies_unref(again);
}
END_TEST

START_TEST(a_saved_jar_has_the_mode_of_the_old_one)
{
    static const mode_t modes[] = { 0600, 0664, 0640, 0400 };
    char link[sizeof path + 8];
    tw_cookies *jar = new_jar();
    struct stat status;

    store(jar, "http://h.test/", "a=b");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        write_file("", 0);
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        ck_assert_int_eq(tw_cookies_save(jar, path), 0);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 07777, modes[i]);
        ck_assert_ptr_nonnull(strstr(read_file(), "\ta\tb\n"));
        unlink(path);
    }
    snprintf(link, sizeof link, "%s.link", path);
    ck_assert_int_eq(symlink(path, link), 0);
    for (int i = 0; i < 2; i++) { /* leading nowhere, then to a file */
        ck_assert_int_eq(tw_cookies_save(jar, link), 0);
        ck_assert_int_eq(lstat(link, &status), 0);
        ck_assert(S_ISLNK(status.st_mode));
        ck_assert_ptr_nonnull(strstr(read_file(), "\ta\tb\n"));
    }
    unlink(link);
    tw_cookies_unref(jar);
}
END_TEST

/* No cookie of a server may make the file unreadable. */
START_TEST(no_cookie_breaks_the_file)
{
    static const char *const fields[] = {
        "a\tb=c", "a=b\tc",          "a=b; Path=/\tx", "a=b; Path=/\tFALSE\t0\tsid\tevil",
        "=\t",    "a=b\tc; Path=/x",
    };
    tw_cookies *jar = new_jar(), *again = new_jar();
    char from[20000] = "http://h.test/";
    size_t i;

    for (i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_msg(store(jar, from, fields[i]) == -EINVAL, "%s", fields[i]);
    ck_assert_int_eq(store(jar, from, "#a=b;\tPath=/;\tX=a\tb"), 0);
    for (i = strlen(from); i < sizeof from - 3; i++)
        from[i] = 'p';
    from[i] = '/';
    ck_assert_int_eq(store(jar, from, "long=1"), -E2BIG);
    ck_assert_int_eq(store(jar, from, "short=1; Path=/"), 0);
    ck_assert_int_eq(tw_cookies_save(jar, path), 0);
    ck_assert_int_eq(tw_cookies_load(again, path, NULL), 0);
    ck_assert_str_eq(sent(again, "http://h.test/"), "#a=b; short=1");
    tw_cookies_unref(jar);
    tw_cookies_unref(again);
}
END_TEST

START_TEST(curls_file_is_read)
{
    static const char text[] = "# Netscape HTTP Cookie File\r\n\r\n# a comment\n"
                               ".H.test\tTRUE\t/\tFALSE\t0\ta\tb\r\n"
                               "h.test\tFALSE\t/\tFALSE\t4102444800\tempty\n"
                               "com\tTRUE\t/\tFALSE\t0\tsuper\tcookie\n"
                               "old.test\tFALSE\t/\tFALSE\t1\tx\ty\n"
                               "10.0.0.1\tTRUE\t/\tFALSE\t0\ti\tj";
    tw_cookies *jar = new_jar();
    unsigned line = 99;

    write_file(text, sizeof text - 1);
    ck_assert_int_eq(tw_cookies_load(jar, path, &line), 0);
    ck_assert_uint_eq(line, 99);
    ck_assert_str_eq(sent(jar, "http://s.h.test/"), "a=b");
    ck_assert_str_eq(sent(jar, "http://h.test/"), "a=b; empty=");
    ck_assert_str_eq(sent(jar, "http://x.com/"), "-");
    ck_assert_str_eq(sent(jar, "http://old.test/"), "-");
    ck_assert_str_eq(sent(jar, "http://10.0.0.1/"), "i=j");
    tw_cookies_unref(jar);
}
END_TEST

static const char *const bad_lines[] = {
    "h.test\tFALSE\t/\tFALSE\t\tsession\t1", /* Python's, without an end */
    "h.test\tFALSE\t/\tFALSE\t0",
    "h.test\tFALSE\t/\tFALSE\t0\ta\tb\tc",
    "h.test FALSE / FALSE 0 a b",
    "h.test\tMAYBE\t/\tFALSE\t0\ta\tb",
    "h.test\tFALSE\t/\tno\t0\ta\tb",
    "h.test\tFALSE\tx\tFALSE\t0\ta\tb",
    "h.test\tFALSE\t/\tFALSE\tsoon\ta\tb",
    "h.test\tFALSE\t/\tFALSE\t-1\ta\tb",
    "h test\tFALSE\t/\tFALSE\t0\ta\tb",
    "\tFALSE\t/\tFALSE\t0\ta\tb",
    "h.test\tFALSE\t/\tFALSE\t0\t\t",
    "#HttpOnly_",
    "h.test\tFALSE\t/\tFALSE\t0\ta\tb\rX: y",
    "h.test\tFALSE\t/\tFALSE\t0\ta\r\tb",
    "h.test\tFALSE\t/\r\tFALSE\t0\ta\tb",
    "h.test\tFALSE\t/\tFALSE\t0\ta\tb\001",
};

START_TEST(a_bad_line_is_passed_over_and_named)
{
    char text[512];
    tw_cookies *jar = new_jar();
    unsigned line = 0;

    snprintf(text, sizeof text,
             "# x\nh.test\tFALSE\t/\tFALSE\t0\tgood\t1\n%s\n"
             "h.test\tFALSE\t/\tFALSE\t0\tlast\t2",
             bad_lines[_i]);
    write_file(text, strlen(text));
    ck_assert_int_eq(tw_cookies_load(jar, path, &line), 1);
    ck_assert_uint_eq(line, 3);
    ck_assert_str_eq(sent(jar, "http://h.test/"), "good=1; last=2");
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(a_line_has_a_limit_and_no_nul)
{
    static char text[20000];
    tw_cookies *jar = new_jar();
    unsigned line = 0;

    write_file("\na\0b\n\0", 6);
    ck_assert_int_eq(tw_cookies_load(jar, path, &line), 2);
    ck_assert_uint_eq(line, 2);
    memset(text, '#', sizeof text);
    write_file(text, sizeof text);
    ck_assert_int_eq(tw_cookies_load(jar, path, NULL), 1);
    memset(text, 'a', 300);
    strcpy(text + 300, "\tFALSE\t/\tFALSE\t0\ta\tb\n");
    write_file(text, strlen(text));
    ck_assert_int_eq(tw_cookies_load(jar, path, NULL), 1);
    ck_assert_uint_eq(tw_cookies_count(jar), 0);
    tw_cookies_unref(jar);
}
END_TEST

START_TEST(file_errors_are_answered)
{
    tw_cookies *jar = new_jar();

    store(jar, "http://h.test/", "a=b");
    ck_assert_int_eq(tw_cookies_load(jar, "/nonexistent/file", NULL), -ENOENT);
    ck_assert_int_eq(tw_cookies_load(jar, "/", NULL), -EISDIR);
    ck_assert_int_eq(tw_cookies_save(jar, "/nonexistent/file"), -ENOENT);
    ck_assert_int_eq(tw_cookies_save(jar, "/dev/full"), -ENOSPC);
    ck_assert_int_eq(tw_cookies_save(jar, "/dev/null"), 0);
    tw_cookies_unref(jar);
}
END_TEST

/* --- memory ------------------------------------------------------------------------------- */

static bool use_a_jar(void *arg)
{
    struct tw_url *url = arg;
    tw_cookies *jar = tw_cookies_new();
    tw_value value = tw_none();
    bool good = jar != NULL && tw_cookies_store(jar, url, "a=b", NOW) == 0 &&
                tw_cookies_store(jar, url, "c=d; Domain=test.example", NOW) == 0 &&
                tw_cookies_store(jar, url, "a=e", NOW) == 0;

    if (good)
        value = tw_cookies_for(jar, url, NOW);
    good = good && !tw_is_failure(value);
    tw_release(value);
    good = good && tw_cookies_save(jar, path) == 0 && tw_cookies_load(jar, path, NULL) == 0;
    tw_cookies_unref(jar);
    return good;
}

START_TEST(a_jar_survives_without_memory)
{
    struct tw_url *url = url_of("http://s.test.example/");

    test_each_alloc_failure(use_a_jar, url);
    tw_url_free(url);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cookies");
    TCase *files = tcase_create("files");

    TEST_ADD_ROWS(suite, a_cookie_goes_where_it_belongs, rows);
    TEST_ADD(suite, longer_paths_come_first_then_older_ones);
    TEST_ADD(suite, a_new_value_takes_the_old_ones_place);
    TEST_ADD(suite, cookies_expire);
    TEST_ADD(suite, the_last_cookie_of_a_domain_may_expire);
    TEST_ADD(suite, plain_http_cannot_replace_a_secure_cookie);
    TEST_ADD(suite, a_jar_is_counted);
    TEST_ADD(suite, a_cookie_has_a_limit);
    TEST_ADD(suite, a_long_attribute_is_ignored);
    TEST_ADD(suite, a_field_has_a_limit);
    TEST_ADD(suite, a_domain_keeps_the_fifty_last_used);
    TEST_ADD(suite, expired_cookies_make_room_first);
    TEST_ADD(suite, a_jar_keeps_three_thousand);
    tcase_add_checked_fixture(files, make_path, remove_path);
    tcase_add_test(files, a_jar_survives_in_a_file);
    tcase_add_test(files, a_saved_jar_has_the_mode_of_the_old_one);
    tcase_add_test(files, no_cookie_breaks_the_file);
    tcase_add_test(files, curls_file_is_read);
    tcase_add_loop_test(files, a_bad_line_is_passed_over_and_named, 0,
                        (int)(sizeof bad_lines / sizeof *bad_lines));
    tcase_add_test(files, a_line_has_a_limit_and_no_nul);
    tcase_add_test(files, file_errors_are_answered);
    tcase_add_test(files, a_jar_survives_without_memory);
    suite_add_tcase(suite, files);
    return test_run(suite);
}
