/* SPDX-License-Identifier: MIT */
/*
 * check_robots.c - robots.txt is obeyed as RFC 9309 says, and what is wrong in it is read as
 * Google's parser reads it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/robots.h"
#include "tests/test.h"

#define S(text) text, sizeof(text) - 1

static const struct {
    const char *file;
    size_t length;
    const char *agent, *url;
    bool allowed;
    size_t line;
} rows[] = {
    /* groups and names */
    { S(""), "a", "/x", true, 0 },
    { S("User-agent: a\nDisallow: /\n"), "a", "/x", false, 2 },
    { S("User-agent: a\nDisallow: /\n"), "A", "/x", false, 2 },
    { S("user-AGENT: A/2.1 (x)\nDisallow: /\n"), "a/3 b", "/x", false, 2 },
    { S("User-agent: ab\nDisallow: /\n"), "a", "/x", true, 0 },
    { S("User-agent: a\nDisallow: /\n"), "ab", "/x", true, 0 },
    { S("User-agent: a 1\nDisallow: /\n"), "a", "/x", false, 2 },
    { S("User-agent: *\nDisallow: /\n"), "a", "/x", false, 2 },
    { S("User-agent: * x\nDisallow: /\n"), "a", "/x", false, 2 },
    { S("User-agent: *x\nDisallow: /\n"), "a", "/x", true, 0 },
    { S("User-agent: *\nDisallow: /\nUser-agent: a\n"), "a", "/x", true, 0 },
    { S("User-agent: a\nDisallow: /\nUser-agent: *\nAllow: /\n"), "*", "/x", true, 4 },
    { S("User-agent: a\nDisallow: /x\nUser-agent: b\nDisallow: /\nUser-agent: a\n"
        "Disallow: /y\n"),
      "a", "/y", false, 6 },
    { S("User-agent: a\nUser-agent: b\nDisallow: /\n"), "a", "/x", false, 3 },
    { S("User-agent: a\nSitemap: x\nfoo: bar\n\n\nUser-agent: b\nDisallow: /\n"), "a", "/x",
      false, 7 },
    { S("User-agent: a\nCrawl-delay: 1\nUser-agent: b\nDisallow: /\n"), "a", "/x", false, 4 },
    { S("User-agent: a\nDisallow:\nUser-agent: b\nDisallow: /\n"), "a", "/x", true, 0 },
    { S("User-agent:\nDisallow: /\n"), "", "/x", true, 0 },
    { S("Disallow: /\nUser-agent: a\n"), "a", "/x", true, 0 },
    /* lines */
    { S("\xef\xbb\xbfUser-agent: a\nDisallow: /\n"), "a", "/x", false, 2 },
    { S("\xef\xbbUser-agent: a\nDisallow: /\n"), "a", "/x", false, 2 },
    { S("\xef\xbb\xbcUser-agent: a\nDisallow: /\n"), "a", "/x", true, 0 },
    { S("User-agent: a\n\xef\xbb\xbfUser-agent: b\nDisallow: /\n"), "a", "/x", false, 3 },
    { S("User-agent: a\r\n\r\nDisallow: /\r\n"), "a", "/x", false, 3 },
    { S("User-agent: a\rDisallow: /"), "a", "/x", false, 2 },
    { S("User-agent: a\n\rDisallow: /"), "a", "/x", false, 3 },
    { S("  User-agent \t:\t a # b\nDisallow:/x#y"), "a", "/xz", false, 2 },
    { S("User-agent a\nDisallow /\n"), "a", "/x", false, 2 },
    { S("User-agent a\nDisallow / b\n"), "a", "/x", true, 0 },
    { S("useragent: a\nUser agent: b\ndissallow: /\n"), "a", "/x", false, 3 },
    { S("user agent: a\ndisallaw: /\n"), "a", "/x", false, 2 },
    { S("user-agent: a\ndissalow: /a\ndisalow: /b\ndiasllow: /c\n"), "a", "/c", false, 4 },
    { S("User-agent: a\nDisallow: /\0x\n"), "a", "/", true, 0 },
    /* the longest rule */
    { S("User-agent: a\nDisallow: /\nAllow: /x"), "a", "/xy", true, 3 },
    { S("User-agent: a\nAllow: /x\nDisallow: /xy"), "a", "/xyz", false, 3 },
    { S("User-agent: a\nDisallow: /x\nAllow: /x"), "a", "/x", true, 3 },
    { S("User-agent: a\nAllow: /x\nDisallow: /x\nAllow: /x"), "a", "/x", true, 2 },
    { S("User-agent: a\nAllow: /p\nDisallow: /*.html"), "a", "/p/q.html", false, 3 },
    { S("User-agent: a\nAllow: /$\nDisallow: /"), "a", "/", true, 2 },
    { S("User-agent: a\nAllow: /$\nDisallow: /"), "a", "/x", false, 3 },
    { S("User-agent: a\nAllow: /a%41\nDisallow: /*a"), "a", "/aA", true, 2 },
    { S("User-agent: a\nDisallow: /"), "a", "/robots.txt", true, 0 },
    { S("User-agent: a\nDisallow: /"), "a", "http://h/robots.txt#f", true, 0 },
    { S("User-agent: a\nDisallow: /"), "a", "/robots.txt?", false, 2 },
    { S("User-agent: a\nAllow: /d/index.html\nDisallow: /"), "a", "/d/", true, 2 },
    { S("User-agent: a\nAllow: /d/index.html\nDisallow: /"), "a", "/d/index.htm", false, 3 },
    { S("User-agent: a\nDisallow: /d/index.html"), "a", "/d/", true, 0 },
    { S("User-agent: a\nDisallow: x"), "a", "/x", true, 0 },
    { S("User-agent: a\nDisallow: *x"), "a", "/x", false, 2 },
    /* wildcards */
    { S("User-agent: a\nDisallow: /f*.php"), "a", "/folder/a.php?b", false, 2 },
    { S("User-agent: a\nDisallow: /f*.php$"), "a", "/folder/a.php?b", true, 0 },
    { S("User-agent: a\nDisallow: /f*.php$"), "a", "/f.php/x.php", false, 2 },
    { S("User-agent: a\nDisallow: /*aa$"), "a", "/aaa", false, 2 },
    { S("User-agent: a\nDisallow: /*ab*ab$"), "a", "/ab", true, 0 },
    { S("User-agent: a\nDisallow: /a**b"), "a", "/axxb", false, 2 },
    { S("User-agent: a\nDisallow: /*$"), "a", "/x", false, 2 },
    { S("User-agent: a\nDisallow: $"), "a", "/x", true, 0 },
    { S("User-agent: a\nDisallow: /a$b"), "a", "/a$b", false, 2 },
    { S("User-agent: a\nDisallow: /a$b"), "a", "/a%24b", false, 2 },
    { S("User-agent: a\nDisallow: /a%24"), "a", "/a$c", false, 2 },
    { S("User-agent: a\nDisallow: /a%24"), "a", "/a", true, 0 },
    { S("User-agent: a\nDisallow: /a%2Ab"), "a", "/a*b", false, 2 },
    { S("User-agent: a\nDisallow: /a%2ab"), "a", "/axb", true, 0 },
    { S("User-agent: a\nDisallow: /a$$"), "a", "/a$", false, 2 },
    /* one form of escapes */
    { S("User-agent: a\nDisallow: /\xe3\x83\x84"), "a", "/%e3%83%84", false, 2 },
    { S("User-agent: a\nDisallow: /%E3%83%84"), "a", "/\xe3\x83\x84", false, 2 },
    { S("User-agent: a\nDisallow: /%62%61%7a"), "a", "/baz", false, 2 },
    { S("User-agent: a\nDisallow: /baz"), "a", "/%62a%7A", false, 2 },
    { S("User-agent: a\nDisallow: /a%2fb"), "a", "/a%2Fb", false, 2 },
    { S("User-agent: a\nDisallow: /a%2fb"), "a", "/a/b", true, 0 },
    { S("User-agent: a\nDisallow: /a b"), "a", "/a%20b", false, 2 },
    { S("User-agent: a\nDisallow: /%zz"), "a", "/%zz", false, 2 },
    { S("User-agent: a\nDisallow: /%"), "a", "/%25", false, 2 },
    { S("User-agent: a\nDisallow: /%7E\xe9"), "a", "/~%E9", false, 2 },
    /* URLs */
    { S("User-agent: a\nDisallow: /x"), "a", "https://h:1/x?y", false, 2 },
    { S("User-agent: a\nDisallow: /?x"), "a", "http://h?x", false, 2 },
    { S("User-agent: a\nDisallow: /x"), "a", "//h/x", false, 2 },
    { S("User-agent: a\nDisallow: /x"), "a", "h/x", false, 2 },
    { S("User-agent: a\nDisallow: /$"), "a", "http://h", false, 2 },
    { S("User-agent: a\nDisallow: /$"), "a", "http://", false, 2 },
    { S("User-agent: a\nDisallow: /$"), "a", "", false, 2 },
    { S("User-agent: a\nDisallow: /x"), "a", "http://h#/x", true, 0 },
    { S("User-agent: a\nDisallow: /a?b=http://c"), "a", "http://h/a?b=http://c/d", false, 2 },
};

START_TEST(a_rule_decides)
{
    struct twi_arena arena;
    struct twi_robots *robots;
    size_t line;
    bool allowed;

    twi_arena_init(&arena, 0);
    robots = twi_robots_read(&arena, rows[_i].file, rows[_i].length, rows[_i].agent);
    allowed = twi_robots_allow(robots, &arena, rows[_i].url, strlen(rows[_i].url), &line);
    ck_assert_msg(allowed == rows[_i].allowed && line == rows[_i].line,
                  "%s asked about %s: %d by line %zu", rows[_i].file, rows[_i].url, allowed,
                  line);
    twi_arena_free(&arena);
}
END_TEST

struct kept_lines {
    char text[4000];
    size_t length, numbers[100], count;
};

static void keep_line(size_t line, const char *text, size_t length, void *arg)
{
    struct kept_lines *kept = arg;

    memcpy(kept->text + kept->length, text, length);
    kept->text[kept->length + length] = '\n';
    kept->length += length + 1;
    kept->numbers[kept->count++] = line;
}

START_TEST(the_lines_for_an_agent_say_the_same_alone)
{
    static struct kept_lines kept;
    struct twi_arena arena;
    struct twi_robots *robots;
    size_t line;
    bool allowed;

    kept = (struct kept_lines){ .text = "User-agent: *\n", .length = 14, .count = 1 };
    twi_arena_init(&arena, 0);
    robots = twi_robots_read(&arena, rows[_i].file, rows[_i].length, rows[_i].agent);
    twi_robots_each_line(robots, keep_line, &kept);
    robots = twi_robots_read(&arena, kept.text, kept.length, "*");
    allowed = twi_robots_allow(robots, &arena, rows[_i].url, strlen(rows[_i].url), &line);
    ck_assert_msg(allowed == rows[_i].allowed, "%s asked about %s", kept.text, rows[_i].url);
    ck_assert_uint_eq(line > 0 ? kept.numbers[line - 1] : 0, rows[_i].line);
    twi_arena_free(&arena);
}
END_TEST

/* The fields beside the rules, as one line. */
static const struct {
    const char *file, *expected;
} fields[] = {
    { "User-agent: a\nCrawl-delay: 1.5", "1.5 0/0 -1--1 -1--1" },
    { "User-agent: a\ncrawl delay: 2\nCrawl-delay: 3", "3 0/0 -1--1 -1--1" },
    { "User-agent: a\nCrawl-delay: 2\nCrawl-delay: x", "2 0/0 -1--1 -1--1" },
    { "User-agent: a\nCrawl-delay: -1", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nCrawl-delay: .", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nCrawl-delay: .5", "0.5 0/0 -1--1 -1--1" },
    { "User-agent: a\nCrawl-delay: inf", "-1 0/0 -1--1 -1--1" },
    { "Crawl-delay: 1\nUser-agent: a", "-1 0/0 -1--1 -1--1" },
    { "User-agent: b\nCrawl-delay: 1\nUser-agent: a\nDisallow: /", "-1 0/0 -1--1 -1--1" },
    { "User-agent: *\nCrawl-delay: 1\nUser-agent: a", "-1 0/0 -1--1 -1--1" },
    { "User-agent: *\nDisallow: /\nCrawl-delay: 1\nUser-agent: a", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nDisallow: /\nCrawl-delay: 7", "7 0/0 -1--1 -1--1" },
    { "User-agent: a\nRequest-rate: 1/5", "-1 1/5 -1--1 -1--1" },
    { "User-agent: a\nRequest-rate: 3/10s", "-1 3/10 -1--1 -1--1" },
    { "User-agent: a\nRequest-rate: 3/2M", "-1 3/120 -1--1 -1--1" },
    { "User-agent: a\nRequest-rate: 3/1h 0800-1745", "-1 3/3600 800-1745 -1--1" },
    { "User-agent: a\nrequest rate: 3/1d   08:00-17:45", "-1 3/86400 800-1745 -1--1" },
    { "User-agent: a\nRequest-rate: 3/1 0800-2460", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nRequest-rate: 3/1.5", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nRequest-rate: 3/", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nRequest-rate: /m", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nRequest-rate: 99999999999999999999/1", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nVisit-time: 0600-0845", "-1 0/0 -1--1 600-845" },
    { "User-agent: a\nVisit-time: 0600 0845", "-1 0/0 -1--1 600-845" },
    { "User-agent: a\nvisit time: 0000 - 2359", "-1 0/0 -1--1 0-2359" },
    { "User-agent: a\nVisit-time: 0600", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nVisit-time: 06000845", "-1 0/0 -1--1 -1--1" },
    { "User-agent: a\nVisit-time: 600-845", "-1 0/0 -1--1 -1--1" },
};

START_TEST(pace_is_read)
{
    struct twi_arena arena;
    struct twi_robots *robots;
    const struct twi_robots_group *group;
    char got[200];

    twi_arena_init(&arena, 0);
    robots = twi_robots_read(&arena, fields[_i].file, strlen(fields[_i].file), "a");
    group = &robots->group;
    snprintf(got, sizeof got, "%g %d/%d %d-%d %d-%d", group->crawl_delay,
             (int)group->rate.requests, (int)group->rate.seconds,
             group->has_rate ? group->rate.start : -1, group->has_rate ? group->rate.end : -1,
             group->visit_start, group->visit_end);
    ck_assert_str_eq(got, fields[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(sitemaps_and_the_host_are_as_written)
{
    static const char file[] = "Sitemap: http://h/a.xml\nUser-agent: b\nDisallow: /\n"
                               "sitemaps:\thttp://h/B%20.xml # c\nSite-map: d\nSitemap:\n"
                               "Host: x\nhost: y.example\n";
    struct twi_arena arena;
    struct twi_robots *robots;
    char got[200] = "";

    twi_arena_init(&arena, 0);
    robots = twi_robots_read(&arena, S(file), "a");
    for (struct twi_robots_text *at = robots->sitemaps; at != NULL; at = at->next) {
        strncat(got, at->text, at->length);
        strcat(got, ",");
    }
    strncat(got, robots->host->text, robots->host->length);
    ck_assert_str_eq(got, "http://h/a.xml,http://h/B%20.xml,d,y.example");
    twi_arena_free(&arena);
}
END_TEST

/* Google's parser reads as much of a line as eight URLs of a browser have. */
START_TEST(long_lines_are_cut)
{
    static char file[40000], url[20000];
    struct twi_arena arena;
    struct twi_robots *robots;
    size_t line;

    memset(url, 'a', 16652);
    url[0] = '/';
    url[16652] = 0;
    snprintf(file, sizeof file, "User-agent: a\nDisallow: %s/qux\n", url);
    strcat(url, "//fux");
    twi_arena_init(&arena, 0);
    robots = twi_robots_read(&arena, file, strlen(file), "a");
    ck_assert(!twi_robots_allow(robots, &arena, url, strlen(url), &line));
    ck_assert_uint_eq(line, 2);
    ck_assert(twi_robots_allow(robots, &arena, S("/fux"), &line));
    twi_arena_free(&arena);
}
END_TEST

/* A matcher that tried all ways would not end. */
START_TEST(many_wildcards_take_no_time)
{
    static char file[5000] = "User-agent: *\nDisallow: /", url[20000];
    struct twi_arena arena;
    struct twi_robots *robots;
    size_t line;

    for (int i = 0; i < 1000; i++)
        strcat(file, "*a");
    strcat(file, "*b$");
    memset(url, 'a', sizeof url);
    url[0] = '/';
    twi_arena_init(&arena, 0);
    robots = twi_robots_read(&arena, file, strlen(file), "a");
    ck_assert(twi_robots_allow(robots, &arena, url, sizeof url, &line));
    url[sizeof url - 1] = 'b';
    ck_assert(!twi_robots_allow(robots, &arena, url, sizeof url, &line));
    twi_arena_free(&arena);
}
END_TEST

START_TEST(a_full_arena_is_no_answer)
{
    static char file[4000] = "User-agent: *\n";
    struct twi_arena arena;

    for (int i = 0; i < 200; i++)
        strcat(file, "Disallow: /a\n");
    twi_arena_init(&arena, 9000);
    ck_assert_ptr_null(twi_robots_read(&arena, file, strlen(file), "a"));
    twi_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("robots");

    TEST_ADD_ROWS(suite, a_rule_decides, rows);
    TEST_ADD_ROWS(suite, the_lines_for_an_agent_say_the_same_alone, rows);
    TEST_ADD_ROWS(suite, pace_is_read, fields);
    TEST_ADD(suite, sitemaps_and_the_host_are_as_written);
    TEST_ADD(suite, long_lines_are_cut);
    TEST_ADD(suite, many_wildcards_take_no_time);
    TEST_ADD(suite, a_full_arena_is_no_answer);
    return test_run(suite);
}
