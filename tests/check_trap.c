/* SPDX-License-Identifier: MIT */
/*
 * check_trap.c - endless sites end, in fixed memory, and others do not suffer by it.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "spider/crawl/settings.h"
#include "spider/crawl/trap.h"
#include "tests/test.h"

static struct tw_settings defaults(void)
{
    struct twi_settings settings;

    twi_settings_init(&settings);
    return settings.values;
}

static struct tw_url *url_of(const char *text)
{
    struct tw_url *url = NULL;
    const char *why;

    ck_assert_msg(tw_url_parse(text, strlen(text), NULL, &url, &why) == 0, "%s", text);
    return url;
}

static int admit(struct twi_trap *trap, const char *text)
{
    struct tw_url *url = url_of(text);
    int verdict = twi_trap_admit(trap, url, 0);

    tw_url_free(url);
    return verdict;
}

static int take(struct twi_trap *trap, const char *text)
{
    struct tw_url *url = url_of(text);
    int verdict = twi_trap_take(trap, url, 0);

    tw_url_free(url);
    return verdict;
}

static const struct {
    const char *url;
    int verdict;
} paths[] = {
    { "http://a/", 1 },
    { "http://a/b/b/b", 1 },
    { "http://a/b/b/b/b", -ELOOP },
    { "http://a/b/c/b/c/b/c/b", -ELOOP },
    { "http://a/b/c/b/c/b/c", 1 },
    { "http://a/b/b/b/?b=/b/b/b/b", 1 },
    { "http://a/b/b/b/bb", 1 },
    { "http://a/2020/01/01/01", 1 },
    { "http://a/x//y//z//", -ELOOP }, /* four empty ones, the last too */
    { "http://a/x//y//z/", 1 },
    { "data:text/html,/b/b/b/b", 1 },
};

START_TEST(a_path_that_repeats_itself_is_a_trap)
{
    struct tw_settings settings = defaults();
    struct twi_refusals refusals = { 0 };
    struct twi_trap *trap = twi_trap_new(&settings, 1, 2, &refusals);

    ck_assert_int_eq(admit(trap, paths[_i].url), paths[_i].verdict);
    ck_assert_uint_eq(refusals.counts[TWI_REFUSED_REPEATS], paths[_i].verdict < 0);
    twi_trap_free(trap);
}
END_TEST

/* Half a megabyte of segments: no time that grows with the square. */
START_TEST(a_path_of_very_many_segments_is_a_trap)
{
    static char text[1 << 19];
    struct tw_settings settings = defaults();
    struct twi_refusals refusals = { 0 };
    struct twi_trap *trap = twi_trap_new(&settings, 1, 2, &refusals);
    size_t length = (size_t)snprintf(text, sizeof text, "http://a");

    for (unsigned i = 0; length < sizeof text - 20; i++)
        length += (size_t)snprintf(text + length, 20, "/%u", i);
    ck_assert_int_eq(admit(trap, text), -ELOOP);
    settings.max_repeats = -1;
    twi_trap_free(trap);
    trap = twi_trap_new(&settings, 1, 2, &refusals);
    ck_assert_int_eq(admit(trap, text), 1);
    twi_trap_free(trap);
}
END_TEST

START_TEST(a_path_has_so_many_queries)
{
    struct tw_settings settings = defaults();
    struct twi_refusals refusals = { 0 };
    struct twi_trap *trap = twi_trap_new(&settings, 1, 2, &refusals);
    char text[60];

    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "http://a.example/calendar?day=%d", i);
        ck_assert_int_eq(admit(trap, text), 1);
        ck_assert_int_eq(take(trap, text), 1);
    }
    ck_assert_int_eq(admit(trap, "http://a.example/calendar?day=1000"), -ELOOP);
    ck_assert_int_eq(take(trap, "http://a.example/calendar?day=1000"), -ELOOP);
    ck_assert_int_eq(admit(trap, "http://a.example/calendar"), 1);
    ck_assert_int_eq(admit(trap, "http://a.example/calendar2?day=1000"), 1);
    ck_assert_int_eq(admit(trap, "http://b.example/calendar?day=1000"), 1);
    ck_assert_int_eq(admit(trap, "https://a.example/calendar?day=1000"), 1);
    ck_assert_uint_eq(refusals.counts[TWI_REFUSED_VARIANTS], 2);
    twi_trap_free(trap);
}
END_TEST

START_TEST(a_host_has_so_many_pages)
{
    struct tw_settings settings = defaults();
    struct twi_refusals refusals = { 0 };
    struct tw_url *url = url_of("http://a.example/");
    struct twi_trap *trap;

    trap = twi_trap_new(&settings, 1, 2, &refusals);
    ck_assert_int_eq(twi_trap_admit(trap, url, 1000000000), 1);
    twi_trap_free(trap);
    settings.max_host_pages = 10;
    trap = twi_trap_new(&settings, 1, 2, &refusals);
    ck_assert_int_eq(twi_trap_admit(trap, url, 9), 1);
    ck_assert_int_eq(twi_trap_admit(trap, url, 10), -ELOOP);
    ck_assert_uint_eq(refusals.counts[TWI_REFUSED_HOST_PAGES], 1);
    twi_trap_free(trap);
    tw_url_free(url);
}
END_TEST

static bool same(struct twi_trap *trap, const char *text, uint64_t content)
{
    struct tw_url *url = url_of(text);
    bool is_same = twi_trap_same(trap, url, content);

    tw_url_free(url);
    return is_same;
}

START_TEST(the_same_content_in_a_row_is_noticed)
{
    struct tw_settings settings = defaults();
    struct twi_refusals refusals = { 0 };
    struct twi_trap *trap = twi_trap_new(&settings, 1, 2, &refusals);
    char text[80];

    /* Other pages of the host do not break the row of a folder. */
    for (int i = 0; i < 99; i++) {
        snprintf(text, sizeof text, "http://a.example/calendar/%d/x.html", i);
        ck_assert(!same(trap, text, 7));
        snprintf(text, sizeof text, "http://a.example/%d.html", i);
        ck_assert(!same(trap, text, (uint64_t)i));
    }
    ck_assert(same(trap, "http://a.example/calendar/99/x.html", 7));
    ck_assert(same(trap, "http://a.example/calendar/100/x.html", 7));
    ck_assert(!same(trap, "http://b.example/calendar/100/x.html", 7));
    ck_assert(!same(trap, "http://a.example/calendar/101/x.html", 8));
    ck_assert(!same(trap, "http://a.example/calendar/102/x.html", 7));
    settings.max_same = -1;
    twi_trap_free(trap);
    trap = twi_trap_new(&settings, 1, 2, &refusals);
    for (int i = 0; i < 200; i++)
        ck_assert(!same(trap, "http://a.example/", 7));
    twi_trap_free(trap);
}
END_TEST

static size_t memory_in_use(void)
{
#ifdef __GLIBC__
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

START_TEST(contents_differ_by_each_byte_and_length)
{
    char text[40] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    for (size_t length = 0; length < sizeof text; length++) {
        uint64_t content = twi_trap_content(text, length);
        ck_assert(content != twi_trap_content(text, length + 1));
        ck_assert(content == twi_trap_content(text, length));
        for (size_t i = 0; i < length; i++) {
            text[i] ^= 1;
            ck_assert(content != twi_trap_content(text, length));
            text[i] ^= 1;
        }
    }
}
END_TEST

/* The parser is left out: ten million times it would take as long as all other tests. */
START_TEST(ten_million_hostile_urls_take_no_memory)
{
    enum { MANY = 10 * 1000 * 1000 };
    struct tw_settings settings = defaults();
    struct twi_refusals refusals = { 0 };
    struct twi_trap *trap = twi_trap_new(&settings, 1, 2, &refusals);
    struct tw_url *url = url_of("http://evil.example/?x"), copy = *url;
    char path[40];
    size_t before = memory_in_use();
    int admitted = 0;

    copy.pathname = path;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned n = i % (MANY / 2);
        char *at = path + 9;
        for (*at = 0; at > path + 1; n /= 10)
            *--at = (char)('0' + n % 10);
        path[0] = '/';
        admitted += twi_trap_take(trap, &copy, 0);
    }
    ck_assert_int_eq(admitted, MANY);
    ck_assert_uint_le(memory_in_use(), before + 4096);
    /* A path that comes now has nearly all of its queries left. */
    copy.pathname = "/fresh";
    for (int i = 0; i < 900; i++)
        ck_assert_int_eq(twi_trap_take(trap, &copy, 0), 1);
    for (int i = 0; i < 100; i++)
        twi_trap_take(trap, &copy, 0);
    ck_assert_int_eq(twi_trap_take(trap, &copy, 0), -ELOOP);
    tw_url_free(url);
    twi_trap_free(trap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trap");

    TEST_ADD_ROWS(suite, a_path_that_repeats_itself_is_a_trap, paths);
    TEST_ADD(suite, a_path_of_very_many_segments_is_a_trap);
    TEST_ADD(suite, a_path_has_so_many_queries);
    TEST_ADD(suite, a_host_has_so_many_pages);
    TEST_ADD(suite, the_same_content_in_a_row_is_noticed);
    TEST_ADD(suite, contents_differ_by_each_byte_and_length);
    TEST_ADD(suite, ten_million_hostile_urls_take_no_memory);
    return test_run(suite);
}
