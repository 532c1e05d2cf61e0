/* SPDX-License-Identifier: MIT */
/*
 * check_crawl_traps.c - endless sites, crawled: budgets hold, and what repeats itself comes last.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/crawl_site.h"

static void visit_days(tw_page *page)
{
    if (strstr(tw_page_url(page), "day=") == NULL)
        for (int i = 0; i < 40; i++)
            tw_visit(page, tw_format(page, "/calendar?day=%d", i));
}

START_TEST(one_page_cannot_pass_a_traps_budget)
{
    static const struct crawl_page pages[] = { { 0 } };
    static const tw_spider spider = { .name = "variants",
                                      .start_urls = { "http://a.example/",
                                                      "http://a.example/b" },
                                      .parse = visit_days,
                                      .settings = { CRAWL_QUIET, .max_variants = 15 } };
    struct crawl_test test;

    crawl_begin(&test, pages);
    test.peer.answer = NULL;
    test.peer.reply = "HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n";
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_int_eq(crawl_stat(&test, "downloader/request_count"), 2 + 15);
    ck_assert_int_ge(crawl_stat(&test, "trap/variants"), 25);
    crawl_end(&test);
}
END_TEST

/* /trap/1 leads to /trap/2 and so on, each with the same content; /other/1/ likewise, each with
 * its own. */
static void go_on_below(tw_page *page)
{
    const char *url = tw_page_url(page);
    const char *number = strpbrk(url + strlen("http://"), "0123456789");

    crawl_say("%s\n", url);
    if (number == NULL) {
        tw_visit(page, "/trap/1");
        tw_visit(page, "/other/1/");
    } else {
        tw_visit(page, tw_format(page, strstr(url, "trap") != NULL ? "/trap/%d" : "/other/%d/",
                                 atoi(number) + 1));
    }
}

enum { MANY = 12 };

/* "start", MANY that are the same, MANY that are not. */
static const struct crawl_page *make_pages(void)
{
    static struct crawl_page pages[2 * MANY + 2];
    static char paths[2 * MANY][20], bodies[MANY][20];

    pages[0] = (struct crawl_page){ .path = "/", .body = "start" };
    for (int i = 0; i < MANY; i++) {
        snprintf(paths[i], sizeof paths[i], "/trap/%d", i + 1);
        snprintf(paths[MANY + i], sizeof paths[i], "/other/%d/", i + 1);
        snprintf(bodies[i], sizeof bodies[i], "body %d", i);
        pages[1 + i] = (struct crawl_page){ .path = paths[i], .body = "the same" };
        pages[1 + MANY + i] = (struct crawl_page){ .path = paths[MANY + i],
                                                   .body = bodies[i] };
    }
    return pages;
}

static const char *place_of(const char *line)
{
    const char *found = strstr(crawl_said, line);

    ck_assert_msg(found != NULL, "%s in %s", line, crawl_said);
    return found;
}

START_TEST(the_same_content_again_and_again_comes_last)
{
    static const tw_spider spider = { .name = "same",
                                      .start_urls = { "http://a.example/" },
                                      .parse = go_on_below,
                                      .settings = { CRAWL_QUIET, .max_total = 1,
                                                    .max_same = 5 } };
    struct crawl_test test;

    crawl_begin(&test, make_pages());
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    /* The fifth one is the same for the fifth time; the sixth waits for all others. */
    ck_assert(place_of("/trap/5\n") < place_of("/other/7/\n"));
    ck_assert(place_of("/trap/6\n") > place_of("/other/12/\n"));
    ck_assert(place_of("/trap/12\n") > place_of("/trap/6\n"));
    ck_assert_int_eq(crawl_stat(&test, "trap/same"), MANY - 4);
    crawl_end(&test);
}
END_TEST

/* --- the set of seen visits ---------------------------------------------------------------- */

static void visit_very_many(tw_page *page)
{
    static int number;

    for (int i = 0; i < 2000; i++)
        tw_visit(page, tw_format(page, "/%d", number++));
}

START_TEST(a_crawl_stops_when_it_has_seen_more_than_memory_allows)
{
    static const struct crawl_page pages[] = { { 0 } };
    static const tw_spider spider = {
        .name = "seen",
        .start_urls = { "http://a.example/" },
        .parse = visit_very_many,
        .settings = { .delay = 1, .max_per_ip = -1, .seen_memory = 1 << 20 }
    };
    struct crawl_test test;

    crawl_begin(&test, pages);
    test.peer.answer = NULL;
    test.peer.reply = "HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n";
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "seen_memory_exceeded");
    ck_assert_int_ge(crawl_stat(&test, "scheduler/enqueued"), (1 << 20) / 11);
    ck_assert_int_le(crawl_stat(&test, "scheduler/enqueued"), (1 << 20) / 11 + 10000);
    crawl_end(&test);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crawl_traps");

    TEST_ADD(suite, one_page_cannot_pass_a_traps_budget);
    TEST_ADD(suite, the_same_content_again_and_again_comes_last);
    TEST_ADD(suite, a_crawl_stops_when_it_has_seen_more_than_memory_allows);
    return test_run(suite);
}
