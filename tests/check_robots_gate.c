/* SPDX-License-Identifier: MIT */
/*
 * check_robots_gate.c - the states of a host's robots.txt, what they allow, and how little is kept.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spider/crawl/robots_gate.h"
#include "tests/failing_malloc.h"
#include "tests/random.h"
#include "tests/test.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define DAY (24 * 60 * MINUTE)

static const char file[] =
    "# hello\nUser-agent: other\nDisallow: /\n\nUser-agent: *\n"
    "Disallow: /private # secret\nAllow: /private/but\nCrawl-delay: 2.5\n"
    "Sitemap: http://h/s.xml\n";

static struct twi_arena scratch;

static int told(struct twi_robots_gate *gate, int64_t now, int status, const char *body)
{
    const struct twi_robots_answer answer = { status, body, strlen(body) };

    return twi_robots_gate_answered(gate, now, "we/1.0", &answer, NULL);
}

static bool allows(const struct twi_robots_gate *gate, const char *url)
{
    struct twi_robots_verdict verdict;
    int r = twi_robots_gate_allow(gate, &scratch, url, strlen(url), &verdict);

    ck_assert_int_ge(r, 0);
    return r > 0;
}

/* --- states --------------------------------------------------------------------------------- */

static const struct {
    int status;
    enum twi_robots_state state;
    double minutes; /* until it is asked again */
    bool allowed;   /* /private */
} rows[] = {
    { 200, TWI_ROBOTS_RULES, 1440, false }, { 206, TWI_ROBOTS_RULES, 1440, false },
    { 301, TWI_ROBOTS_ALL, 1440, true },    { 404, TWI_ROBOTS_ALL, 1440, true },
    { 403, TWI_ROBOTS_ALL, 1440, true },    { 401, TWI_ROBOTS_ALL, 1440, true },
    { 410, TWI_ROBOTS_ALL, 1440, true },    { 499, TWI_ROBOTS_ALL, 1440, true },
    { 429, TWI_ROBOTS_NONE, 10, false },    { 500, TWI_ROBOTS_NONE, 10, false },
    { 503, TWI_ROBOTS_NONE, 10, false },    { 0, TWI_ROBOTS_NONE, 10, false },
    { 999, TWI_ROBOTS_NONE, 10, false },    { 101, TWI_ROBOTS_NONE, 10, false },
};

START_TEST(a_status_leads_to_a_state)
{
    struct twi_robots_gate gate = { 0 };
    struct twi_arena arena;
    struct twi_robots_news news = { .arena = &arena };
    const struct twi_robots_answer answer = { rows[_i].status, file, sizeof file - 1 };
    int64_t until, now = 5 * DAY;

    twi_arena_init(&arena, 0);
    ck_assert(twi_robots_gate_wants(&gate, now));
    twi_robots_gate_asks(&gate);
    ck_assert(!twi_robots_gate_wants(&gate, now));
    ck_assert(twi_robots_gate_waits(&gate, now, -1, &until));
    ck_assert_int_eq(twi_robots_gate_answered(&gate, now, "we", &answer, &news), 0);
    ck_assert_int_eq(gate.state, rows[_i].state);
    ck_assert_int_eq(news.state, rows[_i].state);
    ck_assert_double_eq_tol(news.seconds, rows[_i].minutes * 60, 1e-6);
    ck_assert(allows(&gate, "http://h/private") == rows[_i].allowed);
    ck_assert(twi_robots_gate_waits(&gate, now, -1, &until) ==
              (rows[_i].state == TWI_ROBOTS_NONE));
    ck_assert_int_eq(until, now + (int64_t)rows[_i].minutes * MINUTE);
    ck_assert(!twi_robots_gate_wants(&gate, until - 1));
    ck_assert(twi_robots_gate_wants(&gate, until));
    ck_assert_double_eq(news.crawl_delay, (rows[_i].state == TWI_ROBOTS_RULES ? 2.5 : -1));
    ck_assert((news.sitemaps != NULL) == (rows[_i].state == TWI_ROBOTS_RULES));
    twi_robots_gate_clear(&gate);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(a_file_that_cannot_be_had_is_asked_for_at_longer_and_longer_times)
{
    static const int minutes[] = { 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440 };
    struct twi_robots_gate gate = { 0 };
    int64_t now = 0, until;

    for (int i = 0; i < 11; i++) {
        ck_assert(twi_robots_gate_wants(&gate, now));
        twi_robots_gate_asks(&gate);
        ck_assert_int_eq(told(&gate, now, i % 2 == 0 ? 0 : 503, ""), 0);
        ck_assert(twi_robots_gate_waits(&gate, now, -1, &until));
        ck_assert_int_eq(until - now, minutes[i] * MINUTE);
        now = until;
    }
    told(&gate, now, 200, file);
    ck_assert(!twi_robots_gate_waits(&gate, now, 0, &until));
    told(&gate, now, 500, ""); /* from the beginning; the rules still hold */
    ck_assert(!twi_robots_gate_waits(&gate, now, 0, &until));
    ck_assert_int_eq(until - now, 10 * MINUTE);
    ck_assert(!allows(&gate, "/private/x"));
    ck_assert(allows(&gate, "/x"));
    twi_robots_gate_clear(&gate);
}
END_TEST

START_TEST(news_are_those_of_the_answer)
{
    struct twi_robots_gate gate = { 0 };
    struct twi_robots_news news = { .arena = &scratch };
    const struct twi_robots_answer answer = { .status = 503 };

    told(&gate, DAY, 200, file);
    ck_assert_int_eq(twi_robots_gate_answered(&gate, 2 * DAY, "we", &answer, &news), 0);
    ck_assert_int_eq(gate.state, TWI_ROBOTS_RULES);
    ck_assert_int_eq(news.state, TWI_ROBOTS_NONE);
    ck_assert_double_eq_tol(news.seconds, 600, 1e-6);
    ck_assert_double_eq_tol(news.crawl_delay, 2.5, 1e-9);
    twi_robots_gate_clear(&gate);
}
END_TEST

START_TEST(patience_ends)
{
    struct twi_robots_gate gate = { 0 };
    struct twi_robots_verdict verdict;
    int64_t start = 3 * DAY, now = start, until = 0, patience = 7 * DAY;
    int asked = 0;

    for (; asked < 100; asked++) {
        if (twi_robots_gate_wants(&gate, now)) {
            twi_robots_gate_asks(&gate);
            told(&gate, now, 500, "");
        }
        if (!twi_robots_gate_waits(&gate, now, patience, &until))
            break;
        ck_assert_int_gt(until, now);
        now = until;
    }
    ck_assert_int_eq(now - start, patience);
    ck_assert_int_lt(asked, 16);
    ck_assert_int_eq(twi_robots_gate_allow(&gate, &scratch, "/", 1, &verdict), 0);
    ck_assert_uint_eq(verdict.line, 0);
    ck_assert_str_eq(verdict.text, "robots.txt could not be fetched");
    twi_robots_gate_clear(&gate);
}
END_TEST

START_TEST(an_earlier_answer_is_taken_up)
{
    struct twi_robots_gate gate = { 0 };
    const struct twi_robots_answer answer = { 200, file, sizeof file - 1 };

    ck_assert_int_eq(twi_robots_gate_restore(&gate, DAY, DAY + MINUTE, "we", &answer), 0);
    ck_assert(!twi_robots_gate_wants(&gate, DAY + MINUTE - 1));
    ck_assert(twi_robots_gate_wants(&gate, DAY + MINUTE));
    ck_assert(!allows(&gate, "/private"));
    twi_robots_gate_clear(&gate);
    /* a wall clock that jumped makes it no older than a day */
    ck_assert_int_eq(twi_robots_gate_restore(&gate, DAY, 99 * DAY, "we", &answer), 0);
    ck_assert(twi_robots_gate_wants(&gate, 2 * DAY));
    twi_robots_gate_clear(&gate);
}
END_TEST

/* --- rules ---------------------------------------------------------------------------------- */

START_TEST(the_line_that_decides_is_told)
{
    static const struct {
        const char *url;
        bool allowed;
        size_t line;
        const char *text;
    } lines[] = {
        { "/x", true, 0, NULL },
        { "http://h/private?x", false, 6, "Disallow: /private" },
        { "/private/button", true, 7, "Allow: /private/but" },
        { "/robots.txt", true, 0, NULL },
    };
    struct twi_robots_gate gate = { 0 };
    struct twi_robots_verdict verdict;

    told(&gate, 0, 200, file);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ck_assert(twi_robots_gate_allow(&gate, &scratch, lines[i].url, strlen(lines[i].url),
                                        &verdict) == lines[i].allowed);
        ck_assert_uint_eq(verdict.line, lines[i].line);
        ck_assert((verdict.text == NULL) == (lines[i].text == NULL));
        if (lines[i].text != NULL) {
            ck_assert_uint_eq(verdict.length, strlen(lines[i].text));
            ck_assert_int_eq(memcmp(verdict.text, lines[i].text, verdict.length), 0);
        }
    }
    ck_assert_uint_lt(twi_robots_gate_bytes(&gate), 100);
    twi_robots_gate_clear(&gate);
}
END_TEST

START_TEST(a_file_counts_up_to_its_limit_in_whole_lines)
{
    size_t length = TWI_ROBOTS_MAX + 100, at = (size_t)TWI_ROBOTS_MAX - 13;
    char *body = test_given(malloc(length));
    struct twi_robots_gate gate = { 0 };
    struct twi_robots_answer answer = { 200, body, length };
    struct twi_arena arena;
    struct twi_robots_news news = { .arena = &arena };

    twi_arena_init(&arena, 0);
    memset(body, '\n', length);
    memcpy(body, "User-agent: *", 13);
    memcpy(body + 100, "Disallow: /first\n", 17);
    memcpy(body + at, "Disallow: /a/long/one\nDisallow: /out\n", 37);
    ck_assert_int_eq(twi_robots_gate_answered(&gate, 0, "we", &answer, &news), 0);
    ck_assert_uint_eq(news.length, at);
    ck_assert(allows(&gate, "/a/other"));
    ck_assert(allows(&gate, "/a/long/one"));
    ck_assert(allows(&gate, "/out"));
    ck_assert(!allows(&gate, "/first"));
    twi_robots_gate_clear(&gate);
    twi_arena_free(&arena);
    free(body);
}
END_TEST

/* As the file itself says; many lines, for short files and long ones. */
static void random_file(void)
{
    static const char *const words[] = { "User-agent: *\n",
                                         "User-agent: we\n",
                                         "User-agent: other\n",
                                         "Disallow: /",
                                         "Allow: /",
                                         "a",
                                         "b/",
                                         "*",
                                         "$",
                                         "\n",
                                         "\r\n",
                                         "Crawl-delay: 1\n",
                                         "# c",
                                         "Disallow: /a/index.html\n" };
    static char body[20000];
    static const char *const urls[] = { "/", "/a", "/ab/", "/b/a", "/aab/b/", "/a/", "/ba" };
    struct twi_robots_gate gate = { 0 };
    struct twi_arena arena;
    struct twi_robots *robots;
    unsigned count = one_in(10) ? 1500 : draw(40);

    body[0] = 0;
    for (unsigned i = 0, at = 0; i < count && at < sizeof body - 40; i++) {
        const char *word = words[draw(sizeof words / sizeof words[0])];
        memcpy(body + at, word, strlen(word) + 1);
        at += (unsigned)strlen(word);
    }
    told(&gate, 0, 200, body);
    twi_arena_init(&arena, 0);
    robots = twi_robots_read(&arena, body, strlen(body), "we");
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct twi_robots_verdict verdict;
        size_t line;
        bool allowed = twi_robots_allow(robots, &arena, urls[i], strlen(urls[i]), &line);
        int r = twi_robots_gate_allow(&gate, &scratch, urls[i], strlen(urls[i]), &verdict);
        ck_assert_msg(r == allowed && verdict.line == line, "%s in %s", urls[i], body);
    }
    twi_arena_free(&arena);
    twi_robots_gate_clear(&gate);
}

START_TEST(the_lines_that_are_kept_say_what_the_file_says)
{
    random_programs(random_file, 1000);
}
END_TEST

/* --- without memory -------------------------------------------------------------------------- */

static bool be_told(void *arg)
{
    struct twi_robots_gate gate = { 0 };
    const struct twi_robots_answer answer = { 200, arg, strlen(arg) };
    struct twi_arena own;
    struct twi_robots_verdict verdict;
    int r, allowed;

    twi_arena_init(&own, 0);
    twi_robots_gate_asks(&gate);
    r = twi_robots_gate_answered(&gate, 0, "we", &answer, NULL);
    allowed = twi_robots_gate_allow(&gate, &own, "/private", 8, &verdict);
    failing_malloc_stop();
    ck_assert_int_eq(gate.state, r == 0 ? TWI_ROBOTS_RULES : TWI_ROBOTS_NONE);
    ck_assert(r == 0 || r == -ENOMEM);
    ck_assert(allowed == 0 || allowed == -ENOMEM);
    twi_robots_gate_clear(&gate);
    twi_arena_free(&own);
    return r == 0 && allowed == 0;
}

START_TEST(without_memory_no_file_has_come)
{
    static char longer[30000] = "User-agent: we\n";

    ck_assert_uint_ge(failing_malloc_each(be_told, (void *)file), 3);
    for (size_t at = strlen(longer); at + 30 < sizeof longer; at += strlen(longer + at))
        snprintf(longer + at, 30, "Disallow: /private%zu\n", at);
    memcpy(longer + 15, "Disallow: /private\n", 19);
    ck_assert_uint_ge(failing_malloc_each(be_told, longer), 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("robots gate");
    int failed;

    twi_arena_init(&scratch, 0);
    TEST_ADD_ROWS(suite, a_status_leads_to_a_state, rows);
    TEST_ADD(suite, a_file_that_cannot_be_had_is_asked_for_at_longer_and_longer_times);
    TEST_ADD(suite, news_are_those_of_the_answer);
    TEST_ADD(suite, patience_ends);
    TEST_ADD(suite, an_earlier_answer_is_taken_up);
    TEST_ADD(suite, the_line_that_decides_is_told);
    TEST_ADD(suite, a_file_counts_up_to_its_limit_in_whole_lines);
    TEST_ADD(suite, the_lines_that_are_kept_say_what_the_file_says);
    TEST_ADD(suite, without_memory_no_file_has_come);
    failed = test_run(suite);
    twi_arena_free(&scratch);
    return failed;
}
