/* SPDX-License-Identifier: MIT */
/*
 * check_url_site.c - the site of a URL is what somebody can register.
 */
#include <check.h>
#include <string.h>

#include <tweed/url.h>

#include "tests/test.h"

static const struct {
    const char *url, *site;
} rows[] = {
    { "http://example.com/", "example.com" },
    { "http://www.example.com:8080/a?b", "example.com" },
    { "https://a.b.c.example.co.uk/", "example.co.uk" },
    { "https://WWW.Example.COM/", "example.com" },
    { "http://example.com./", "example.com." },
    { "http://www.example.com./", "example.com." },
    { "http://co.uk/", "co.uk" },
    { "http://com/", "com" },
    { "http://localhost/", "localhost" },
    { "http://me.github.io/", "me.github.io" },
    { "http://www.me.github.io/", "me.github.io" },
    { "http://a.b.unlisted/", "b.unlisted" },
    { "http://www.city.kawasaki.jp/", "city.kawasaki.jp" },
    { "http://a.b.kawasaki.jp/", "a.b.kawasaki.jp" },
    { "http://b\xc3\xbc"
      "cher.example.de/",
      "example.de" },
    { "http://127.0.0.1/", "127.0.0.1" },
    { "http://10.1/", "10.0.0.1" },
    { "http://[::1]:8080/", "[::1]" },
    { "file:///a/b", "" },
    { "mailto:a@example.com", "" },
};

START_TEST(a_site_can_be_registered)
{
    struct tw_url *url;
    const char *site;

    ck_assert_int_eq(tw_url_parse(rows[_i].url, strlen(rows[_i].url), NULL, &url, NULL), 0);
    site = tw_url_site(url);
    ck_assert_str_eq(site, rows[_i].site);
    ck_assert(site >= url->hostname && site <= url->hostname + strlen(url->hostname));
    tw_url_free(url);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("url_site");

    TEST_ADD_ROWS(suite, a_site_can_be_registered, rows);
    return test_run(suite);
}
