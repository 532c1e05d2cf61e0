/* SPDX-License-Identifier: MIT */
/*
 * check_proxy.c - which proxy a request takes.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"
#include "web/http/base64.h"
#include "web/client/proxy.h"

static const struct {
    const char *text;
    int r;
    enum twi_proxy_kind kind;
    const char *host;
    unsigned port;
    const char *user, *password, *authorization;
} proxies[] = {
    { "http://proxy:3128", 0, TWI_PROXY_HTTP, "proxy", 3128, NULL, NULL, NULL },
    { "proxy:3128", 0, TWI_PROXY_HTTP, "proxy", 3128, NULL, NULL, NULL },
    { "proxy", 0, TWI_PROXY_HTTP, "proxy", 1080, NULL, NULL, NULL },
    { "http://proxy:80/", 0, TWI_PROXY_HTTP, "proxy", 80, NULL, NULL, NULL },
    { "https://proxy", 0, TWI_PROXY_HTTPS, "proxy", 443, NULL, NULL, NULL },
    { "HTTP://PROXY:1/path?x#y", 0, TWI_PROXY_HTTP, "proxy", 1, NULL, NULL, NULL },
    { "socks5://127.0.0.1", 0, TWI_PROXY_SOCKS5, "127.0.0.1", 1080, NULL, NULL, NULL },
    { "socks5h://[::1]:9050", 0, TWI_PROXY_SOCKS5H, "[::1]", 9050, NULL, NULL, NULL },
    { "http://[::1]", 0, TWI_PROXY_HTTP, "[::1]", 1080, NULL, NULL, NULL },
    { "http://u:p@proxy:1", 0, TWI_PROXY_HTTP, "proxy", 1, "u", "p", "Basic dTpw" },
    { "u:p@proxy:1", 0, TWI_PROXY_HTTP, "proxy", 1, "u", "p", "Basic dTpw" },
    { "http://u@proxy:1", 0, TWI_PROXY_HTTP, "proxy", 1, "u", "", "Basic dTo=" },
    { "http://u%40v:p%3a@proxy:1", 0, TWI_PROXY_HTTP, "proxy", 1, "u@v",
      "p:", "Basic dUB2OnA6" },
    { "http://u:p@q@proxy:1", 0, TWI_PROXY_HTTP, "proxy", 1, "u", "p@q", "Basic dTpwQHE=" },
    { "ftp://proxy", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
    { "socks4://proxy", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
    { "http://", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
    { "http://:80", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
    { "http://proxy:0", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
    { "http://proxy:65536", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
    { "http://proxy:+80", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
    { "http://pro xy:80", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
    { "http://u%00:p@proxy:80", -EINVAL, 0, NULL, 0, NULL, NULL, NULL },
};

static void same_text(const char *a, const char *b)
{
    ck_assert_msg((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0), "%s, %s",
                  a == NULL ? "(null)" : a, b == NULL ? "(null)" : b);
}

START_TEST(a_proxy_is_named_as_for_curl)
{
    struct twi_proxy *proxy = NULL;
    const char *why = NULL;

    ck_assert_int_eq(twi_proxy_parse(proxies[_i].text, &proxy, &why), proxies[_i].r);
    if (proxies[_i].r < 0) {
        ck_assert_ptr_nonnull(why);
        return;
    }
    ck_assert_int_eq(proxy->kind, proxies[_i].kind);
    ck_assert_str_eq(proxy->host, proxies[_i].host);
    ck_assert_uint_eq(proxy->port, proxies[_i].port);
    same_text(proxy->user, proxies[_i].user);
    same_text(proxy->password, proxies[_i].password);
    same_text(proxy->authorization, proxies[_i].authorization);
    twi_proxy_unref(proxy);
}
END_TEST

static bool same_key(const char *a, const char *b)
{
    struct twi_proxy *first = NULL, *second = NULL;
    const char *why;
    bool same;

    ck_assert_int_eq(twi_proxy_parse(a, &first, &why), 0);
    ck_assert_int_eq(twi_proxy_parse(b, &second, &why), 0);
    same = strcmp(first->key, second->key) == 0;
    twi_proxy_unref(first);
    twi_proxy_unref(second);
    return same;
}

START_TEST(proxies_are_the_same_by_kind_place_and_credentials)
{
    ck_assert(same_key("proxy:1", "http://PROXY:1/"));
    ck_assert(!same_key("proxy:1", "proxy:2"));
    ck_assert(!same_key("proxy:1", "u@proxy:1"));
    ck_assert(!same_key("u:a@proxy:1", "u:b@proxy:1"));
    ck_assert(!same_key("http://proxy:1", "https://proxy:1"));
    ck_assert(!same_key("socks5://proxy:1", "socks5h://proxy:1"));
}
END_TEST

static const struct {
    const char *list, *host;
    bool has;
} exceptions[] = {
    { "*", "example.com", true },
    { "example.com", "example.com", true },
    { "example.com", "EXAMPLE.com", true },
    { "example.com", "www.example.com", true },
    { ".example.com", "www.example.com", true },
    { ".example.com", "example.com", true },
    { "example.com", "badexample.com", false },
    { "example.com", "example.org", false },
    { "example.com", "example.com.", true },
    { "example.com.", "example.com", true },
    { "www.example.com", "example.com", false },
    { "a,b", "b", true },
    { "a, b", "b", true },
    { "a b", "b", true },
    { " a\t, b ", "b", true },
    { ",,a,,", "a", true },
    { "", "a", false },
    { ".", "a", false },
    { "*,x", "a", false },
    { "*.example.com", "www.example.com", false },
    { "127.0.0.1", "127.0.0.1", true },
    { "127.0.0.1", "127.0.0.2", false },
    { "127.0.0.0/8", "127.9.9.9", true },
    { "127.0.0.0/8", "128.0.0.1", false },
    { "10.0.0.0/9", "10.127.0.1", true },
    { "10.0.0.0/9", "10.128.0.1", false },
    { "0.0.0.0/0", "8.8.8.8", true },
    { "10.0.0.0/33", "10.0.0.1", false },
    { "10.0.0.0/", "10.0.0.0", false },
    { "10.0.0.0/x", "10.0.0.0", false },
    { "::1", "[::1]", true },
    { "[::1]", "[::1]", true },
    { "::1", "[::2]", false },
    { "fe80::/10", "[fe80::1]", true },
    { "fe80::/10", "[fec0::1]", false },
    { "0:0::1", "[::1]", true },
    { "127.0.0.1", "[::1]", false },
    { "0.0.1", "127.0.0.1", false },
};

START_TEST(no_proxy_is_read_as_by_curl)
{
    ck_assert_msg(twi_no_proxy_has(exceptions[_i].list, exceptions[_i].host) ==
                      exceptions[_i].has,
                  "\"%s\" \"%s\"", exceptions[_i].list, exceptions[_i].host);
}
END_TEST

static void clear_environment(void)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "HTTP_PROXY",
                                         "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                         "no_proxy", "NO_PROXY" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

static const struct {
    const char *name;
    const char *http, *https; /* who takes it */
} variables[] = {
    { "http_proxy", "x", NULL },   { "HTTP_PROXY", NULL, NULL }, { "https_proxy", NULL, "x" },
    { "HTTPS_PROXY", NULL, "x" },  { "all_proxy", "x", "x" },    { "ALL_PROXY", "x", "x" },
};

START_TEST(the_environment_names_proxies)
{
    clear_environment();
    setenv(variables[_i].name, "x", 1);
    same_text(twi_proxy_environment("http"), variables[_i].http);
    same_text(twi_proxy_environment("https"), variables[_i].https);
    setenv(variables[_i].name, "", 1);
    same_text(twi_proxy_environment("http"), NULL);
    same_text(twi_proxy_environment("https"), NULL);
    clear_environment();
}
END_TEST

START_TEST(lower_case_comes_first)
{
    clear_environment();
    setenv("HTTPS_PROXY", "upper", 1);
    setenv("https_proxy", "lower", 1);
    setenv("all_proxy", "all", 1);
    ck_assert_str_eq(twi_proxy_environment("https"), "lower");
    ck_assert_str_eq(twi_proxy_environment("http"), "all");
    setenv("NO_PROXY", "upper", 1);
    ck_assert_str_eq(twi_no_proxy_environment(), "upper");
    setenv("no_proxy", "lower", 1);
    ck_assert_str_eq(twi_no_proxy_environment(), "lower");
    clear_environment();
}
END_TEST

static const struct {
    const char *plain, *text;
} codes[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
    { "\xff\xfe", "//4=" },
};

START_TEST(base64_is_padded)
{
    struct twi_buf buf = { 0 };

    ck_assert_int_eq(twi_base64_append(&buf, codes[_i].plain, strlen(codes[_i].plain)), 0);
    ck_assert_str_eq(twi_buf_text(&buf), codes[_i].text);
    twi_buf_free(&buf);
}
END_TEST

static bool parse(void *arg)
{
    struct twi_proxy *proxy = NULL;
    const char *why;
    int r = twi_proxy_parse("http://u:p@proxy:1", &proxy, &why);

    (void)arg;
    twi_proxy_unref(proxy);
    return r == 0;
}

START_TEST(a_proxy_survives_without_memory)
{
    ck_assert_uint_ge(test_each_alloc_failure(parse, NULL), 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy");

    TEST_ADD_ROWS(suite, a_proxy_is_named_as_for_curl, proxies);
    TEST_ADD(suite, proxies_are_the_same_by_kind_place_and_credentials);
    TEST_ADD_ROWS(suite, no_proxy_is_read_as_by_curl, exceptions);
    TEST_ADD_ROWS(suite, the_environment_names_proxies, variables);
    TEST_ADD(suite, lower_case_comes_first);
    TEST_ADD_ROWS(suite, base64_is_padded, codes);
    TEST_ADD(suite, a_proxy_survives_without_memory);
    return test_run(suite);
}
