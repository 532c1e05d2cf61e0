/* SPDX-License-Identifier: MIT */
/*
 * check_crawl.c - whole crawls of sites in memory.
 */
#include "config.h"

#include <tweed/task.h>

#include "tests/crawl_site.h"

/* --- following and items ------------------------------------------------------------------- */

static const struct crawl_page quotes[] = {
    { "/", .body = "<div class=quote><span class=text>one</span></div>"
                   "<li class=next><a href=/2>" },
    { "/2", .body = "<div class=quote><span class=text>two</span></div>"
                    "<div class=quote><span class=text>three</span></div>"
                    "<li class=next><a href=/>first</a>" },
    { 0 },
};

static void parse_quotes(tw_page *page)
{
    crawl_say("%s:", tw_page_url(page));
    TW_CSS_EACH (quote, page, "div.quote") {
        tw_item *item = tw_item_new(page);
        tw_item_css(item, "text", quote, "span.text::text");
        crawl_say(" %s", tw_item_text(item));
        tw_emit(item);
    }
    crawl_say("\n");
    tw_follow(page, "li.next a", NULL);
}

START_TEST(pages_are_read_and_links_followed_once)
{
    static const tw_spider spider = { .name = "quotes",
                                      .start_urls = { "http://quotes.example/" },
                                      .parse = parse_quotes,
                                      .settings = { CRAWL_QUIET } };
    struct crawl_test test;

    crawl_begin(&test, quotes);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_str_eq(crawl_said, "http://quotes.example/: {\"text\":\"one\"}\n"
                                 "http://quotes.example/2: {\"text\":\"two\"} "
                                 "{\"text\":\"three\"}\n");
    ck_assert_int_eq(crawl_stat(&test, "item_scraped_count"), 3);
    ck_assert_int_eq(crawl_stat(&test, "downloader/response_status_count/200"), 2);
    ck_assert_uint_eq(crawl_requested(&test, "/"), 1);
    ck_assert_uint_eq(crawl_requested(&test, "/robots.txt"), 1);
    crawl_end(&test);
}
END_TEST

/* --- where answers lead -------------------------------------------------------------------- */

static const struct crawl_page site[] = {
    { "/",
      .body = "<a href=/moved>a</a><a href=/loop>b</a><a href=/late>c</a><a href=/bad>d</a>"
              "<a href=/gone>e</a><a href=/private/x>f</a><a href=http://other.example/>g</a>"
              "<a href=/fresh>h</a>" },
    { "/moved", .status = 301, .headers = "Location: /arrived\r\n" },
    { "/arrived", .body = "arrived" },
    { "/loop", .status = 302, .headers = "Location: /pool\r\n" },
    { "/pool", .status = 302, .headers = "Location: /loop\r\n" },
    { "/late", .status = 503, .times = 2, .body = "late" },
    { "/bad", .status = 500 },
    { "/fresh", .body = "<meta http-equiv=refresh content='1; url=/refreshed'>" },
    { "/refreshed", .body = "refreshed" },
    { "/robots.txt", .type = "text/plain", .body = "User-agent: *\nDisallow: /private\n" },
    { 0 },
};

static void say_url(tw_page *page)
{
    crawl_say("%s %d\n", tw_page_url(page), tw_page_status(page));
    tw_follow(page, "a", NULL);
}

START_TEST(answers_lead_on_are_tried_again_or_fail)
{
    static const tw_spider spider = { .name = "site",
                                      .start_urls = { "http://a.example/" },
                                      .parse = say_url,
                                      .settings = { CRAWL_QUIET } };
    struct crawl_test test;

    crawl_begin(&test, site);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert(crawl_has_said("http://a.example/arrived 200\n"));
    ck_assert(crawl_has_said("http://a.example/refreshed 200\n"));
    ck_assert(crawl_has_said("http://a.example/late 200\n"));
    ck_assert(!crawl_has_said("loop") && !crawl_has_said("pool") && !crawl_has_said("bad") &&
              !crawl_has_said("gone"));
    ck_assert(!crawl_has_said("private") && !crawl_has_said("other.example") &&
              !crawl_has_said("fresh 200"));
    ck_assert_uint_eq(crawl_requested(&test, "/loop"), 1);
    ck_assert_uint_eq(crawl_requested(&test, "/late"), 3);
    ck_assert_uint_eq(crawl_requested(&test, "/bad"), 3);
    ck_assert_uint_eq(crawl_requested(&test, "/gone"), 1);
    ck_assert_uint_eq(crawl_requested(&test, "/private/x"), 0);
    ck_assert_int_eq(crawl_stat(&test, "retry/count"), 4);
    ck_assert_int_eq(crawl_stat(&test, "retry/max_reached"), 1);
    ck_assert_int_eq(crawl_stat(&test, "robotstxt/forbidden"), 1);
    ck_assert_int_eq(crawl_stat(&test, "offsite/filtered"), 1);
    ck_assert_int_eq(crawl_stat(&test, "httperror/response_ignored_status_count/404"), 1);
    crawl_end(&test);
}
END_TEST

/* --- errbacks, statuses, failures ---------------------------------------------------------- */

static void say_failure(tw_page *page)
{
    crawl_say("errback %s %d %s\n", tw_page_url(page), tw_page_status(page),
              tw_is_failure(tw_page_failure(page))
                  ? tw_failure_class(tw_page_failure(page))->name
                  : "-");
    tw_visit(page, "/after");
}

static void visit_all(tw_page *page)
{
    if (strstr(tw_page_url(page), "/after") != NULL || tw_page_depth(page) > 0) {
        crawl_say("parse %s %d\n", tw_page_url(page), tw_page_status(page));
        return;
    }
    tw_visit(page, "/missing", .errback = say_failure);
    tw_visit(page, "/missing?any", .any_status = true);
    tw_visit(page, "/silent", .errback = say_failure);
    tw_visit(page, "ftp://a.example/");
}

START_TEST(errbacks_get_what_callbacks_do_not)
{
    static const struct crawl_page pages[] = {
        CRAWL_PAGE("/"), { "/silent", .silent = true }, CRAWL_PAGE("/after"), { 0 }
    };
    static const tw_spider spider = {
        .name = "errors",
        .start_urls = { "http://a.example/" },
        .parse = visit_all,
        .callbacks = { TW_CALLBACK(say_failure) },
        .settings = { CRAWL_QUIET, .max_retries = -1, .timeout = 5 },
    };
    struct crawl_test test;

    crawl_begin(&test, pages);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert(crawl_has_said("errback http://a.example/missing 404 -\n"));
    ck_assert(crawl_has_said("parse http://a.example/missing?any 404\n"));
    ck_assert(crawl_has_said("errback http://a.example/silent 0 tw_error_timeout\n"));
    ck_assert(crawl_has_said("parse http://a.example/after 200\n"));
    crawl_end(&test);
}
END_TEST

/* --- pages inside pages -------------------------------------------------------------------- */

static void fetch_details(tw_page *page)
{
    tw_page *detail = tw_fetch(page, "/detail"), *none = tw_fetch(page, "/missing"),
            *forbidden = tw_fetch(page, "/private/x"), *moved = tw_fetch(page, "/moved");
    tw_item *item = tw_item_new(page);

    tw_item_json(item, "weight", detail, "/weight");
    tw_item_set(item, "status", tw_page_status(none));
    tw_item_set(item, "forbidden", tw_failure_class(tw_page_failure(forbidden))->name);
    tw_item_set(item, "moved", tw_page_url(moved));
    crawl_say("%s\n", tw_item_text(item));
    tw_emit(item);
}

START_TEST(a_page_may_fetch_others_and_wait_for_them)
{
    static const struct crawl_page pages[] = {
        CRAWL_PAGE("/"),
        { "/detail", .type = "application/json", .body = "{\"weight\": 7}" },
        { "/moved", .status = 302, .headers = "Location: /detail\r\n" },
        { "/robots.txt", .type = "text/plain", .body = "User-agent: *\nDisallow: /private\n" },
        { 0 },
    };
    static const tw_spider spider = { .name = "fetch",
                                      .start_urls = { "http://a.example/" },
                                      .parse = fetch_details,
                                      .settings = { CRAWL_QUIET, .max_total = 1,
                                                    .max_per_host = 1 } };
    struct crawl_test test;

    crawl_begin(&test, pages);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_str_eq(crawl_said,
                     "{\"weight\":7,\"status\":404,\"forbidden\":\"tw_error_robots\","
                     "\"moved\":\"http://a.example/detail\"}\n");
    ck_assert_int_eq(crawl_stat(&test, "item_scraped_count"), 1);
    crawl_end(&test);
}
END_TEST

/* --- pipelines and hooks ------------------------------------------------------------------- */

static void emit_three(tw_page *page)
{
    int i;

    for (i = 1; i <= 3; i++) {
        tw_item *item = tw_item_new(page);
        tw_item_set(item, "n", i);
        tw_emit(item);
    }
    if (tw_page_depth(page) == 0)
        tw_visit(page, "/next");
}

static tw_value drop_two(tw_item *item, tw_crawl *crawl)
{
    (void)crawl;
    crawl_say("pipe %s\n", tw_item_text(item));
    if (tw_item_get_double(item, "n") == 2)
        return tw_fail(&tw_error_drop, "two");
    return tw_none();
}

static tw_value wait_and_mark(tw_item *item, tw_crawl *crawl)
{
    (void)crawl;
    tw_await(tw_defer_later(NULL, 3, NULL, NULL));
    tw_item_set(item, "waited", (bool)true);
    return tw_wait(tw_defer_later(NULL, 2, NULL, NULL));
}

static tw_value hook_open(tw_crawl *crawl, void **state)
{
    static int states;
    (void)crawl;
    *state = &states;
    crawl_say("open\n");
    return tw_wait(tw_defer_later(NULL, 1, NULL, NULL));
}

static tw_value hook_request(tw_page *page, struct tw_fetch_options *options, void *state)
{
    ck_assert_ptr_nonnull(state);
    crawl_say("request %s %s\n", tw_page_url(page), options->user_agent);
    return tw_none();
}

static tw_value hook_page(tw_page *page, void *state)
{
    ck_assert_ptr_nonnull(state);
    crawl_say("page %s\n", tw_page_url(page));
    return tw_none();
}

static tw_value hook_item(tw_item *item, void *state)
{
    ck_assert_ptr_nonnull(state);
    crawl_say("item %s\n", tw_item_text(item));
    return tw_none();
}

static void hook_dropped(tw_item *item, tw_value why, void *state)
{
    (void)state;
    crawl_say("dropped %s %s\n", tw_item_text(item), tw_failure_message(why));
}

static void hook_committed(tw_crawl *crawl, int64_t pages, int64_t items, void *state)
{
    (void)crawl;
    (void)state;
    crawl_say("committed %d %d\n", (int)pages, (int)items);
}

static tw_value hook_idle(tw_page *page, void *state)
{
    static int idles;

    (void)state;
    crawl_say("idle\n");
    if (idles++ == 0)
        tw_visit(page, "http://a.example/idle");
    return tw_none();
}

static tw_value hook_close(tw_crawl *crawl, const char *why, void *state)
{
    (void)crawl;
    (void)state;
    crawl_say("close %s\n", why);
    return tw_wait(tw_defer_later(NULL, 1, NULL, NULL));
}

static const tw_extension watcher = {
    .name = "watcher",
    .open = hook_open,
    .on_request = hook_request,
    .on_page = hook_page,
    .on_item = hook_item,
    .on_dropped = hook_dropped,
    .on_committed = hook_committed,
    .on_idle = hook_idle,
    .close = hook_close,
};

START_TEST(items_go_through_pipelines_and_hooks_in_their_order)
{
    static const struct crawl_page pages[] = {
        CRAWL_PAGE("/"), CRAWL_PAGE("/next"), CRAWL_PAGE("/idle"), { 0 }
    };
    static const tw_spider spider = {
        .name = "pipes",
        .start_urls = { "http://a.example/" },
        .parse = emit_three,
        .pipelines = { drop_two, wait_and_mark },
        .extensions = { &watcher },
        .settings = { CRAWL_QUIET },
    };
    struct crawl_test test;

    crawl_begin(&test, pages);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_int_eq(crawl_stat(&test, "item_scraped_count"), 6);
    ck_assert_int_eq(crawl_stat(&test, "item_dropped_count"), 3);
    ck_assert_int_eq(crawl_stat(&test, "item_dropped_reasons_count/tw_error_drop"), 3);
    ck_assert(crawl_has_said("open\nrequest http://a.example/ pipes (tweed/"));
    ck_assert(crawl_has_said("page http://a.example/\npipe {\"n\":1}\n"));
    ck_assert(crawl_has_said(
        "item {\"n\":1,\"waited\":true}\npipe {\"n\":2}\ndropped {\"n\":2} two\n"));
    ck_assert(crawl_has_said("committed 1 2\n"));
    ck_assert(crawl_has_said("idle\n"));
    ck_assert(crawl_has_said("page http://a.example/idle\n"));
    ck_assert(crawl_has_said("close finished\n"));
    crawl_end(&test);
}
END_TEST

/* --- other ways to begin ------------------------------------------------------------------- */

static void say_page(tw_page *page)
{
    crawl_say("%s %s\n", tw_page_url(page), tw_page_text(page));
    tw_follow(page, "a", NULL);
}

START_TEST(data_urls_come_from_the_seed_only)
{
    static const struct crawl_page pages[] = {
        { "/", .body = "<a href='data:text/plain,evil'>x</a>" }, { 0 }
    };
    static const tw_spider spider = {
        .name = "data",
        .start_urls = { "data:text/html,<a href='data:,deep'>y</a>", "http://a.example/" },
        .parse = say_page,
        .settings = { CRAWL_QUIET },
    };
    struct crawl_test test;

    crawl_begin(&test, pages);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert(crawl_has_said(
        "data:text/html,<a href='data:,deep'>y</a> <a href='data:,deep'>y</a>\n"));
    ck_assert(crawl_has_said("data:,deep deep\n"));
    ck_assert(crawl_has_said("http://a.example/ <a href="));
    ck_assert(!crawl_has_said("evil\n"));
    crawl_end(&test);
}
END_TEST

static void say_product(tw_page *page)
{
    crawl_say("product %s\n", tw_page_url(page));
}

START_TEST(sitemaps_lead_by_their_rules)
{
    static const struct crawl_page pages[] = {
        { "/robots.txt", .type = "text/plain",
          .body = "Sitemap: http://a.example/index.xml\n" },
        { "/index.xml", .type = "application/xml",
          .body = "<sitemapindex><sitemap><loc>http://a.example/map.xml</loc></sitemap>"
                  "</sitemapindex>" },
        { "/map.xml", .type = "application/xml",
          .body = "<urlset><url><loc>http://a.example/product/1</loc></url>"
                  "<url><loc>http://a.example/other</loc></url></urlset>" },
        CRAWL_PAGE("/product/1"),
        CRAWL_PAGE("/other"),
        { 0 },
    };
    static const tw_spider spider = { .name = "maps",
                                      .sitemaps = { "http://a.example/robots.txt" },
                                      .sitemap_rules = { { "/product/", say_product } },
                                      .callbacks = { TW_CALLBACK(say_product) },
                                      .settings = { CRAWL_QUIET } };
    struct crawl_test test;

    crawl_begin(&test, pages);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_str_eq(crawl_said, "product http://a.example/product/1\n");
    ck_assert_uint_eq(crawl_requested(&test, "/other"), 0);
    crawl_end(&test);
}
END_TEST

START_TEST(rules_lead_to_callbacks_and_on)
{
    static const struct crawl_page pages[] = {
        { "/", .body = "<a href=/category?1>a</a><a href=/item?1>b</a><a href=/x>c</a>" },
        { "/category?1", .body = "<a href=/item?2>a</a>" },
        { "/item?1", .body = "<a href=/item?3>a</a>" },
        CRAWL_PAGE("/item?2"),
        { 0 },
    };
    static const tw_spider spider = { .name = "rules",
                                      .start_urls = { "http://a.example/" },
                                      .rules = { { .links = { .allow = "/category" } },
                                                 { .links = { .allow = "/item" },
                                                   .callback = say_product } },
                                      .callbacks = { TW_CALLBACK(say_product) },
                                      .settings = { CRAWL_QUIET } };
    struct crawl_test test;

    crawl_begin(&test, pages);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert(crawl_has_said("product http://a.example/item?1\n"));
    ck_assert(crawl_has_said("product http://a.example/item?2\n"));
    ck_assert_uint_eq(crawl_requested(&test, "/x"), 0);
    ck_assert_uint_eq(crawl_requested(&test, "/item?3"), 0);
    crawl_end(&test);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crawl");

    TEST_ADD(suite, pages_are_read_and_links_followed_once);
    TEST_ADD(suite, answers_lead_on_are_tried_again_or_fail);
    TEST_ADD(suite, errbacks_get_what_callbacks_do_not);
    TEST_ADD(suite, a_page_may_fetch_others_and_wait_for_them);
    TEST_ADD(suite, items_go_through_pipelines_and_hooks_in_their_order);
    TEST_ADD(suite, data_urls_come_from_the_seed_only);
    TEST_ADD(suite, sitemaps_lead_by_their_rules);
    TEST_ADD(suite, rules_lead_to_callbacks_and_on);
    return test_run(suite);
}
