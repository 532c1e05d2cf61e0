/* SPDX-License-Identifier: MIT */
/*
 * check_scope.c - a crawl stays where it may be, and each refusal has its reason.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spider/crawl/scope.h"
#include "spider/crawl/settings.h"
#include "tests/test.h"

static struct tw_url *url_of(const char *text)
{
    struct tw_url *url = NULL;
    const char *why;

    ck_assert_msg(tw_url_parse(text, strlen(text), NULL, &url, &why) == 0, "%s", text);
    return url;
}

static struct tw_settings defaults(void)
{
    struct twi_settings settings;

    twi_settings_init(&settings);
    return settings.values; /* its texts are static */
}

struct scope_row {
    const char *domains[3], *start_urls[3];
    enum tw_crawl_scope scope;
    const char *allow, *deny, *url;
    enum twi_found found;
    int verdict;
    enum twi_refusal refusal;
};
#define OFFSITE -EXDEV, TWI_REFUSED_OFFSITE
#define ADMITTED 1, 0
#define WEB TWI_FOUND_ON_WEB

static const struct scope_row rows[] = {
    /* by name */
    { { "example.com" }, { 0 }, 0, 0, 0, "https://example.com/", WEB, ADMITTED },
    { { "example.com" }, { 0 }, 0, 0, 0, "http://EXAMPLE.com:8080/a", WEB, ADMITTED },
    { { "example.com" }, { 0 }, 0, 0, 0, "https://www.example.com/", WEB, ADMITTED },
    { { "example.com" }, { 0 }, 0, 0, 0, "https://a.b.example.com./", WEB, ADMITTED },
    { { "example.com" }, { 0 }, 0, 0, 0, "https://badexample.com/", WEB, OFFSITE },
    { { "example.com" }, { 0 }, 0, 0, 0, "https://example.com.bad/", WEB, OFFSITE },
    { { "example.com" }, { 0 }, 0, 0, 0, "https://com/", WEB, OFFSITE },
    { { "*.Example.com." }, { 0 }, 0, 0, 0, "https://www.example.com/", WEB, ADMITTED },
    { { "www.example.com" }, { 0 }, 0, 0, 0, "https://example.com/", WEB, OFFSITE },
    { { "www.example.com" }, { 0 }, 0, 0, 0, "https://www.example.com/", WEB, ADMITTED },
    { { "a.example", "b.example" }, { 0 }, 0, 0, 0, "https://b.example/", WEB, ADMITTED },
    { { "a.example", "b.example" }, { 0 }, 0, 0, 0, "https://c.example/", WEB, OFFSITE },
    { { "b\xc3\xbc"
        "cher.example" },
      { 0 },
      0,
      0,
      0,
      "https://xn--bcher-kva.example/",
      WEB,
      ADMITTED },
    { { "example.com:8080" }, { 0 }, 0, 0, 0, "http://example.com:8080/", WEB, ADMITTED },
    { { "example.com:8080" }, { 0 }, 0, 0, 0, "http://example.com/", WEB, OFFSITE },
    { { "example.com:8080", "example.com:8081" },
      { 0 },
      0,
      0,
      0,
      "http://example.com:8081/",
      WEB,
      ADMITTED },
    { { "127.0.0.1" }, { 0 }, 0, 0, 0, "http://127.0.0.1:99/", WEB, ADMITTED },
    { { "[::1]" }, { 0 }, 0, 0, 0, "http://[::1]/", WEB, ADMITTED },
    { { "0.0.1" }, { 0 }, 0, 0, 0, "http://127.0.0.1/", WEB, OFFSITE },
    { { "a.example" },
      { "https://b.example/" },
      0,
      0,
      0,
      "https://b.example/x",
      WEB,
      OFFSITE },
    /* by the hosts of the start */
    { { 0 },
      { "https://www.example.com/a" },
      0,
      0,
      0,
      "https://www.example.com/b",
      WEB,
      ADMITTED },
    { { 0 }, { "https://www.example.com/a" }, 0, 0, 0, "http://example.com/", WEB, ADMITTED },
    { { 0 },
      { "https://www.example.com/a" },
      0,
      0,
      0,
      "http://blog.example.com/",
      WEB,
      ADMITTED },
    { { 0 }, { "https://www.example.com/a" }, 0, 0, 0, "http://example.org/", WEB, OFFSITE },
    { { 0 }, { "https://www.com/a" }, 0, 0, 0, "http://example.com/", WEB, ADMITTED },
    { { 0 }, { "http://127.0.0.1:8000/" }, 0, 0, 0, "http://127.0.0.1:8001/", WEB, ADMITTED },
    { { 0 }, { 0 }, 0, 0, 0, "http://example.org/", WEB, OFFSITE },
    { { 0 }, { 0 }, 0, 0, 0, "http://example.org/", TWI_FOUND_AT_START, ADMITTED },
    { { "a.example" }, { 0 }, 0, 0, 0, "http://b.example/", TWI_FOUND_AT_START, ADMITTED },
    /* sites, and everywhere */
    { { 0 },
      { "https://www.shop.example.co.uk/" },
      TW_SCOPE_SITES,
      0,
      0,
      "https://blog.example.co.uk/",
      WEB,
      ADMITTED },
    { { 0 },
      { "https://www.shop.example.co.uk/" },
      TW_SCOPE_SITES,
      0,
      0,
      "https://other.co.uk/",
      WEB,
      OFFSITE },
    { { "shop.example.co.uk" },
      { 0 },
      TW_SCOPE_SITES,
      0,
      0,
      "https://example.co.uk/",
      WEB,
      ADMITTED },
    { { 0 },
      { "https://a.example/" },
      TW_SCOPE_ANY,
      0,
      0,
      "https://b.example/",
      WEB,
      ADMITTED },
    /* schemes */
    { { "example.com" },
      { 0 },
      TW_SCOPE_ANY,
      0,
      0,
      "ftp://example.com/",
      WEB,
      -EXDEV,
      TWI_REFUSED_SCHEME },
    { { 0 },
      { 0 },
      TW_SCOPE_ANY,
      0,
      0,
      "mailto:a@example.com",
      WEB,
      -EXDEV,
      TWI_REFUSED_SCHEME },
    { { 0 },
      { 0 },
      TW_SCOPE_ANY,
      0,
      0,
      "file:///etc/passwd",
      WEB,
      -EXDEV,
      TWI_REFUSED_SCHEME },
    { { 0 }, { 0 }, TW_SCOPE_ANY, 0, 0, "data:text/html,x", WEB, -EXDEV, TWI_REFUSED_SCHEME },
    { { 0 }, { 0 }, 0, 0, 0, "file:///tmp/a.html", TWI_FOUND_LOCALLY, ADMITTED },
    { { 0 }, { 0 }, 0, 0, 0, "data:text/html,x", TWI_FOUND_AT_START, ADMITTED },
    { { 0 },
      { 0 },
      0,
      0,
      0,
      "mailto:a@example.com",
      TWI_FOUND_AT_START,
      -EXDEV,
      TWI_REFUSED_SCHEME },
    { { 0 }, { 0 }, 0, 0, 0, "https://a.example/", TWI_FOUND_LOCALLY, OFFSITE },
    /* patterns */
    { { "a.example" }, { 0 }, 0, "/item/\\d+$", 0, "https://a.example/item/7", WEB, ADMITTED },
    { { "a.example" },
      { 0 },
      0,
      "/item/\\d+$",
      0,
      "https://a.example/item/x",
      WEB,
      -EXDEV,
      TWI_REFUSED_PATTERN },
    { { "a.example" },
      { 0 },
      0,
      0,
      "[?&]sid=",
      "https://a.example/?sid=1",
      WEB,
      -EXDEV,
      TWI_REFUSED_PATTERN },
    { { "a.example" },
      { 0 },
      0,
      "a",
      "b",
      "https://a.example/b",
      WEB,
      -EXDEV,
      TWI_REFUSED_PATTERN },
    { { "a.example" }, { 0 }, 0, "x", 0, "https://a.example/b", TWI_FOUND_AT_START, ADMITTED },
};

static struct twi_scope *scope_of(const struct scope_row *row, struct twi_refusals *refusals)
{
    struct tw_settings settings = defaults();
    struct twi_scope_options options = { row->domains, row->start_urls, &settings, refusals };
    struct twi_scope *scope = NULL;
    tw_value failure = tw_none();
    int r;

    settings.scope = row->scope;
    settings.allow = row->allow;
    settings.deny = row->deny;
    r = twi_scope_new(&options, &scope, &failure);
    ck_assert_msg(r == 0, "%s", r < 0 ? tw_failure_message(failure) : "");
    return scope;
}

START_TEST(a_visit_is_admitted_or_refused)
{
    const struct scope_row *row = &rows[_i];
    struct twi_refusals refusals = { 0 };
    struct twi_scope *scope = scope_of(row, &refusals);
    struct tw_url *url = url_of(row->url);
    uint64_t sum = 0;

    ck_assert_int_eq(twi_scope_admit(scope, url, 1, row->found), row->verdict);
    for (int i = 0; i < TWI_REFUSALS; i++)
        sum += refusals.counts[i];
    ck_assert_uint_eq(sum, row->verdict < 0);
    if (row->verdict < 0)
        ck_assert_uint_eq(refusals.counts[row->refusal], 1);
    tw_url_free(url);
    twi_scope_free(scope);
}
END_TEST

static const struct {
    const char *url;
    unsigned depth;
    int max_depth, max_url_length, verdict;
} limits[] = {
    { "https://a.example/", 100, 100, 2083, 1 },
    { "https://a.example/", 101, 100, 2083, -ELOOP },
    { "https://a.example/", 5000, -1, 2083, 1 },
    { "https://a.example/345", 1, 100, 21, 1 },
    { "https://a.example/3456", 1, 100, 21, -E2BIG },
    { "https://a.example/3456", 1, 100, -1, 1 },
    { "https://a.example/345#fragment", 1, 100, 21, 1 },
};

START_TEST(length_and_depth_have_limits)
{
    static const char *const domains[] = { "a.example", NULL };
    struct tw_settings settings = defaults();
    struct twi_refusals refusals = { 0 };
    struct twi_scope_options options = { domains, NULL, &settings, &refusals };
    struct twi_scope *scope;
    struct tw_url *url = url_of(limits[_i].url);
    tw_value failure;

    settings.max_depth = limits[_i].max_depth;
    settings.max_url_length = limits[_i].max_url_length;
    ck_assert_int_eq(twi_scope_new(&options, &scope, &failure), 0);
    ck_assert_int_eq(twi_scope_admit(scope, url, limits[_i].depth, TWI_FOUND_ON_WEB),
                     limits[_i].verdict);
    tw_url_free(url);
    twi_scope_free(scope);
}
END_TEST

static const struct {
    const char *domain, *start_url, *allow, *message;
} mistakes[] = {
    { "https://example.com/", NULL, NULL,
      "allowed_domains: 'https://example.com/' is not a domain such as example.com" },
    { "", NULL, NULL, "allowed_domains: '' is not a domain such as example.com" },
    { "exa mple", NULL, NULL, "allowed_domains: 'exa mple': " },
    { "a:99999", NULL, NULL, "allowed_domains: 'a:99999': " },
    { NULL, "example.com", NULL, "start_urls: 'example.com': " },
    { NULL, "", NULL, "start_urls: '': " },
    { NULL, NULL, "(a", "allow: '(a': " },
};

START_TEST(a_scope_that_cannot_be_says_why)
{
    const char *domains[] = { mistakes[_i].domain, NULL };
    const char *start_urls[] = { mistakes[_i].start_url, NULL };
    struct tw_settings settings = defaults();
    struct twi_refusals refusals = { 0 };
    struct twi_scope_options options = { domains, start_urls, &settings, &refusals };
    struct twi_scope *scope;
    tw_value failure = tw_none();
    const char *message;

    settings.allow = mistakes[_i].allow;
    ck_assert_int_eq(twi_scope_new(&options, &scope, &failure), -EINVAL);
    ck_assert(tw_failure_is(failure, &tw_error_settings));
    message = tw_failure_message(failure);
    ck_assert_msg(strncmp(message, mistakes[_i].message, strlen(mistakes[_i].message)) == 0,
                  "%s", message);
    tw_release(failure);
}
END_TEST

static const struct {
    const char *url;
    bool is_private;
} hosts[] = {
    { "http://localhost:8000/", true },   { "http://a.localhost/", true },
    { "http://notlocalhost/", false },    { "http://127.0.0.1/", true },
    { "http://10.1.2.3/", true },         { "http://172.31.0.1/", true },
    { "http://172.32.0.1/", false },      { "http://192.168.1.1/", true },
    { "http://169.254.169.254/", true },  { "http://100.64.0.1/", true },
    { "http://8.8.8.8/", false },         { "http://[::1]/", true },
    { "http://[fd00::1]/", true },        { "http://[fe80::1]/", true },
    { "http://[::ffff:10.0.0.1]/", true }, { "http://[2001:db8::1]/", false },
    { "http://example.com/", false },     { "file:///tmp/x", false },
};

START_TEST(a_private_start_is_noticed)
{
    struct scope_row row = { .start_urls = { hosts[_i].url } };
    struct twi_refusals refusals = { 0 };
    struct twi_scope *scope = scope_of(&row, &refusals);

    ck_assert_int_eq(twi_scope_is_private(scope), hosts[_i].is_private);
    twi_scope_free(scope);
}
END_TEST

START_TEST(hosts_of_the_start_become_domains)
{
    struct scope_row row = { 0 };
    struct twi_refusals refusals = { 0 };
    struct twi_scope *scope = scope_of(&row, &refusals);
    char text[60];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++) {
            struct tw_url *url;
            snprintf(text, sizeof text, "http://www.host%d.example/", i);
            url = url_of(text);
            ck_assert_int_eq(
                twi_scope_admit(scope, url, 0, round == 0 ? TWI_FOUND_AT_START : WEB), 1);
            tw_url_free(url);
        }
    }
    ck_assert_uint_eq(refusals.counts[TWI_REFUSED_OFFSITE], 0);
    twi_scope_free(scope);
}
END_TEST

static unsigned reported;
static void report(enum twi_refusal refusal, const char *why, const char *href, void *arg)
{
    ck_assert_int_eq(refusal, TWI_REFUSED_OFFSITE);
    ck_assert_str_eq(why, "none of the domains");
    ck_assert_str_eq(href, "https://b.example/");
    ck_assert_ptr_eq(arg, &reported);
    reported++;
}

START_TEST(the_first_refusals_are_reported)
{
    struct scope_row row = { .domains = { "a.example" } };
    struct twi_refusals refusals = { .report = report, .arg = &reported };
    struct twi_scope *scope = scope_of(&row, &refusals);
    struct tw_url *url = url_of("https://b.example/");

    reported = 0;
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(twi_scope_admit(scope, url, 1, WEB), -EXDEV);
    ck_assert_uint_eq(refusals.counts[TWI_REFUSED_OFFSITE], 1000);
    ck_assert_uint_eq(reported, TWI_REFUSALS_REPORTED);
    ck_assert_str_eq(twi_refusal_key(TWI_REFUSED_OFFSITE), "offsite/filtered");
    for (int i = 0; i < TWI_REFUSALS; i++)
        ck_assert(twi_refusal_key(i) != NULL && twi_refusal_why(i) != NULL);
    tw_url_free(url);
    twi_scope_free(scope);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scope");

    TEST_ADD_ROWS(suite, a_visit_is_admitted_or_refused, rows);
    TEST_ADD_ROWS(suite, length_and_depth_have_limits, limits);
    TEST_ADD_ROWS(suite, a_scope_that_cannot_be_says_why, mistakes);
    TEST_ADD_ROWS(suite, a_private_start_is_noticed, hosts);
    TEST_ADD(suite, hosts_of_the_start_become_domains);
    TEST_ADD(suite, the_first_refusals_are_reported);
    return test_run(suite);
}
