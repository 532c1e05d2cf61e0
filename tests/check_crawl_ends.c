/* SPDX-License-Identifier: MIT */
/*
 * check_crawl_ends.c - how crawls end and go on: stops, limits, jobs, mistakes.
 */
#include "config.h"

#include <tweed/task.h>

#include "tests/crawl_site.h"

static void say_page(tw_page *page)
{
    crawl_say("%s %s\n", tw_page_url(page), tw_page_text(page));
    tw_follow(page, "a", NULL);
}

static void say_product(tw_page *page)
{
    crawl_say("product %s\n", tw_page_url(page));
}

/* --- ends ---------------------------------------------------------------------------------- */

enum act {
    ACT_STOP,
    ACT_STOP_TWICE,
    ACT_CANCEL,
    ACT_FAIL_PAGE,
    ACT_AWAIT_FOR_EVER,
    ACT_STOP_REACTOR,
    ACT_NOTHING
};
static enum act act;
static tw_deferred *acting_done;

static void acts(tw_page *page)
{
    tw_deferred *never, *slot;

    tw_follow(page, "a", NULL);
    switch (act) {
    case ACT_STOP_TWICE:
        tw_crawl_stop(tw_page_crawl(page), "enough");
        /* fall through */
    case ACT_STOP:
        tw_crawl_stop(tw_page_crawl(page), "enough");
        break;
    case ACT_CANCEL:
        tw_cancel(acting_done);
        break;
    case ACT_FAIL_PAGE:
        tw_page_fail(page, tw_fail(&tw_error_protocol, "unreadable"));
        break;
    case ACT_AWAIT_FOR_EVER:
        never = tw_promise(&slot, NULL, NULL);
        tw_crawl_stop(tw_page_crawl(page), "enough");
        tw_await(never);
        tw_deferred_unref(slot);
        break;
    case ACT_STOP_REACTOR:
        tw_reactor_stop();
        break;
    case ACT_NOTHING:
        break;
    }
}

static tw_value act_fired(tw_value result, void *arg)
{
    struct crawl_test *test = arg;

    test->fired++;
    test->ended = tw_clock_seconds(tw_reactor_clock());
    snprintf(test->why, sizeof test->why, "%s",
             tw_is_failure(result) ? tw_failure_message(result) : tw_bytes_data(result));
    return tw_none();
}

static const struct {
    enum act act;
    const char *why;
    double most; /* seconds */
    size_t requests;
} ends[] = {
    { ACT_STOP, "enough", 1, 1 },
    { ACT_STOP_TWICE, "enough", 2, 1 },
    { ACT_CANCEL, "shutdown", 1, 1 },
    { ACT_FAIL_PAGE, "finished", 1, 1 },
    { ACT_AWAIT_FOR_EVER, "enough", 33, 1 },
    { ACT_NOTHING, "finished", 1, 2 },
};

START_TEST(a_callback_may_end_its_crawl_in_any_way)
{
    static const struct crawl_page pages[] = { { "/", .body = "<a href=/2>" },
                                               CRAWL_PAGE("/2"),
                                               { 0 } };
    static const tw_spider spider = { .name = "acts",
                                      .start_urls = { "http://a.example/" },
                                      .parse = acts,
                                      .settings = { CRAWL_QUIET, .ignore_robots = true } };
    struct crawl_test test;

    act = ends[_i].act;
    crawl_begin(&test, pages);
    acting_done = tw_crawl_run(
        &spider, &(const struct tw_crawl_options){ .commit_inline = true }, NULL);
    tw_add_both(acting_done, act_fired, &test);
    tw_testing_advance(100);
    tw_deferred_unref(acting_done);
    ck_assert_uint_eq(test.fired, 1);
    ck_assert_str_eq(test.why, ends[_i].why);
    ck_assert_double_le(test.ended, ends[_i].most);
    ck_assert_uint_eq(test.peer.requests, ends[_i].requests);
    crawl_end(&test);
}
END_TEST

START_TEST(a_reactor_that_stops_waits_for_the_crawl)
{
    static const struct crawl_page pages[] = { { "/", .body = "<a href=/2>" },
                                               CRAWL_PAGE("/2"),
                                               { 0 } };
    static const tw_spider spider = { .name = "acts",
                                      .start_urls = { "http://a.example/" },
                                      .parse = acts,
                                      .settings = { CRAWL_QUIET, .ignore_robots = true } };
    struct crawl_test test;

    act = ACT_STOP_REACTOR;
    crawl_begin(&test, pages);
    acting_done = tw_crawl_run(
        &spider, &(const struct tw_crawl_options){ .commit_inline = true }, NULL);
    tw_add_both(acting_done, act_fired, &test);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_uint_eq(test.fired, 1);
    ck_assert_str_eq(test.why, "shutdown");
    tw_deferred_unref(acting_done);
    crawl_end(&test);
}
END_TEST

/* --- numbers of one's own ------------------------------------------------------------------ */

static void count_pages(tw_page *page)
{
    tw_state_add(page, "pages", 1);
    crawl_say("%d ", (int)tw_state_get(page, "pages"));
    tw_stat_add(tw_page_crawl(page), "mine/pages", 1);
    tw_follow(page, "a", NULL);
}

START_TEST(numbers_count_when_their_page_is_committed)
{
    static const struct crawl_page pages[] = { { "/", .body = "<a href=/2>" },
                                               { "/2", .body = "<a href=/3>" },
                                               CRAWL_PAGE("/3"),
                                               { 0 } };
    static const tw_spider spider = { .name = "numbers",
                                      .start_urls = { "http://a.example/" },
                                      .parse = count_pages,
                                      .settings = { CRAWL_QUIET } };
    struct crawl_test test;

    crawl_begin(&test, pages);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(crawl_said, "1 2 3 ");
    ck_assert_int_eq(crawl_stat(&test, "mine/pages"), 3);
    crawl_end(&test);
}
END_TEST

/* --- files --------------------------------------------------------------------------------- */

static char files_dir[] = "/tmp/check-crawl-files-XXXXXX";

static void emit_images(tw_page *page)
{
    tw_item *item = tw_item_new(page);

    tw_item_css(item, "image_urls", page, "img::attr(src) |> all");
    tw_emit(item);
}

static tw_value say_item(tw_item *item, tw_crawl *crawl)
{
    (void)crawl;
    crawl_say("%s\n", tw_item_text(item));
    return tw_none();
}

START_TEST(images_become_files_named_by_their_content)
{
    static const struct crawl_page pages[] = {
        { "/", .body = "<img src=/a.png><img src=/b?x><img src=/page><img src=/gone.png>" },
        { "/a.png", .type = "image/png", .body = "PNG" },
        { "/b?x", .type = "image/png", .body = "PNG" },
        { "/page", .body = "<p>" },
        { 0 },
    };
    tw_spider spider = { .name = "images",
                         .start_urls = { "http://a.example/" },
                         .parse = emit_images,
                         .pipelines = { tw_images, say_item },
                         .settings = { CRAWL_QUIET, .files_dir = files_dir } };
    struct crawl_test test;
    char command[200], *path;

    ck_assert_ptr_nonnull(mkdtemp(files_dir));
    crawl_begin(&test, pages);
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_int_eq(crawl_stat(&test, "file_count"), 2);
    ck_assert_int_eq(crawl_stat(&test, "file_failed_count"), 2);
    path = strstr(crawl_said, "\"path\":\"");
    ck_assert_ptr_nonnull(path);
    snprintf(command, sizeof command, "test \"$(cat %s/%.*s)\" = PNG", files_dir,
             (int)strcspn(path + 8, "\""), path + 8);
    ck_assert_int_eq(system(command), 0);
    ck_assert_ptr_nonnull(strstr(crawl_said, "\"url\":\"http://a.example/b?x\""));
    snprintf(command, sizeof command, "test $(find %s -type f | wc -l) = 1 && rm -r %s",
             files_dir, files_dir);
    ck_assert_int_eq(system(command), 0);
    crawl_end(&test);
}
END_TEST

/* --- jobs ---------------------------------------------------------------------------------- */

static char job_dir[] = "/tmp/check-crawl-job-XXXXXX";

static void visit_members(tw_page *page)
{
    crawl_say("%s\n", tw_page_url(page));
    tw_state_add(page, "pages", 1);
    if (strstr(tw_page_url(page), "/enter") != NULL)
        tw_crawl_stop(tw_page_crawl(page), "enough");
    tw_follow(page, "a", NULL);
}

static void say_state(tw_page *page)
{
    crawl_say("%s %d\n", tw_page_url(page), (int)tw_state_get(page, "pages"));
}

static void remove_folder(char *folder)
{
    char command[100];

    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

START_TEST(a_job_goes_on_where_it_was_stopped)
{
    static const struct crawl_page pages[] = {
        { "/", .body = "<a href=/enter>" },
        { "/enter", .headers = "Set-Cookie: session=open\r\n", .body = "<a href=/in>" },
        CRAWL_PAGE("/in"),
        { 0 },
    };
    tw_spider spider = { .name = "job",
                         .start_urls = { "http://a.example/" },
                         .parse = visit_members,
                         .settings = { CRAWL_QUIET } };
    struct tw_crawl_options options = { .job = job_dir };
    struct crawl_test test;

    ck_assert_ptr_nonnull(mkdtemp(job_dir));
    crawl_begin(&test, pages);
    crawl_run(&test, &spider, &options);
    ck_assert_str_eq(test.why, "enough");
    ck_assert_str_eq(crawl_said, "http://a.example/\nhttp://a.example/enter\n");
    spider.parse = say_state;
    crawl_run(&test, &spider, &options);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_str_eq(crawl_said, "http://a.example/\nhttp://a.example/enter\n"
                                 "http://a.example/in 2\n");
    ck_assert_uint_eq(crawl_requested(&test, "/"), 1);
    ck_assert_uint_eq(crawl_requested(&test, "/robots.txt"), 1);
    ck_assert_uint_eq(peer_count(&test.peer, "Cookie: session=open"), 1);
    crawl_run(&test, &spider, &options);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_uint_eq(crawl_requested(&test, "/in"), 1);
    spider.name = "other";
    crawl_run(&test, &spider, &options);
    ck_assert_ptr_nonnull(test.error);
    crawl_end(&test);
    remove_folder(job_dir);
}
END_TEST

static double read_at[2]; /* when the pages behind the refusal were read, by run */
static int run;

static void visit_the_busy(tw_page *page)
{
    if (strstr(tw_page_url(page), "/next") != NULL)
        read_at[run] = tw_clock_seconds(tw_reactor_clock());
    tw_follow(page, "a", NULL);
}

START_TEST(a_job_remembers_what_a_server_has_asked_for)
{
    static const struct crawl_page pages[] = {
        { "/", .body = "<a href=/busy><a href=/next>" },
        { "/busy", .status = 429, .headers = "Retry-After: 500\r\n", .times = 1 },
        CRAWL_PAGE("/next"),
        { 0 },
    };
    tw_spider spider = { .name = "busy",
                         .start_urls = { "http://a.example/" },
                         .parse = visit_the_busy,
                         .settings = { CRAWL_QUIET, .max_per_host = 1, .max_seconds = 30 } };
    struct tw_crawl_options options = { .job = job_dir };
    struct crawl_test test;
    double began;

    ck_assert_ptr_nonnull(mkdtemp(job_dir));
    crawl_begin(&test, pages);
    crawl_run(&test, &spider, &options);
    ck_assert_str_eq(test.why, "closespider_timeout");
    ck_assert_uint_eq(crawl_requested(&test, "/busy"), 1);
    ck_assert_uint_eq(crawl_requested(&test, "/next"), 0);
    run = 1;
    spider.settings.max_seconds = 0;
    began = test.ended;
    crawl_run(&test, &spider, &options);
    ck_assert_str_eq(test.why, "finished");
    ck_assert_double_ge(read_at[1] - began, 400);
    ck_assert_uint_eq(crawl_requested(&test, "/robots.txt"), 1); /* its row has kept it */
    crawl_end(&test);
    remove_folder(job_dir);
}
END_TEST

static void go_to_named(tw_page *page)
{
    tw_visit(page, "/named", say_state);
    tw_crawl_stop(tw_page_crawl(page), "enough");
}

START_TEST(a_name_that_is_gone_stops_the_program)
{
    static const struct crawl_page pages[] = { CRAWL_PAGE("/"), CRAWL_PAGE("/named"), { 0 } };
    tw_spider spider = { .name = "names",
                         .start_urls = { "http://a.example/" },
                         .parse = go_to_named,
                         .callbacks = { TW_CALLBACK(say_state) },
                         .settings = { CRAWL_QUIET } };
    struct tw_crawl_options options = { .job = job_dir };
    struct crawl_test test;

    ck_assert_ptr_nonnull(mkdtemp(job_dir));
    crawl_begin(&test, pages);
    crawl_run(&test, &spider, &options);
    ck_assert_str_eq(test.why, "enough");
    spider.callbacks[0].name = NULL;
    crawl_run(&test, &spider, &options);
    ck_assert_ptr_eq(test.error, &tw_error_misuse);
    ck_assert_msg(strstr(test.message, "TW_CALLBACK(say_state)") != NULL, "%s", test.message);
    spider.callbacks[0].name = "say_state";
    crawl_run(&test, &spider, &options);
    ck_assert_str_eq(test.why, "finished");
    ck_assert(crawl_has_said("http://a.example/named"));
    crawl_end(&test);
    remove_folder(job_dir);
}
END_TEST

/* --- limits -------------------------------------------------------------------------------- */

static void go_on(tw_page *page)
{
    static int number;

    if (tw_stat_get(tw_page_crawl(page), "downloader/response_count") % 2 == 0)
        tw_emit(tw_item_new(page));
    tw_visit(page, tw_format(page, "/?%d", number++));
    tw_visit(page, tw_format(page, "/?%d", number++));
}

static void go_on_without_items(tw_page *page)
{
    tw_visit(page, tw_format(page, "/?%d", (int)tw_page_depth(page)));
}

static void go_wrong(tw_page *page)
{
    if (tw_page_depth(page) > 0)
        tw_page_fail(page, tw_fail(&tw_error_protocol, "wrong"));
    for (int i = 0; i < 30; i++)
        tw_visit(page, tw_format(page, "/?%d", i));
}

static const struct {
    struct tw_settings settings;
    tw_page_callback *parse;
    const char *why;
} limits[] = {
    { { CRAWL_QUIET, .max_pages = 10 }, go_on, "closespider_pagecount" },
    { { CRAWL_QUIET, .max_items = 10 }, go_on, "closespider_itemcount" },
    { { CRAWL_QUIET, .max_errors = 10 }, go_wrong, "closespider_errorcount" },
    { { .delay = 1, .max_per_ip = -1, .max_seconds = 30 }, go_on, "closespider_timeout" },
    { { CRAWL_QUIET, .max_pages_no_item = 10 },
      go_on_without_items,
      "closespider_pagecount_no_item" },
    { { .delay = 5, .max_per_ip = -1, .max_seconds_no_item = 30 },
      go_on_without_items,
      "closespider_timeout_no_item" },
};

START_TEST(a_crawl_closes_at_its_limits)
{
    static const struct crawl_page pages[] = { { 0 } };
    tw_spider spider = { .name = "limits",
                         .start_urls = { "http://a.example/" },
                         .parse = limits[_i].parse,
                         .settings = limits[_i].settings };
    struct crawl_test test;

    crawl_begin(&test, pages);
    test.peer.answer = NULL;
    test.peer.reply = "HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n";
    crawl_run(&test, &spider, NULL);
    ck_assert_str_eq(test.why, limits[_i].why);
    crawl_end(&test);
}
END_TEST

/* --- mistakes ------------------------------------------------------------------------------ */

START_TEST(a_wrong_table_is_told_before_anything_is_fetched)
{
    static const struct crawl_page pages[] = { CRAWL_PAGE("/"), { 0 } };
    static const struct {
        tw_spider spider;
        const char *says;
    } rows[] = {
        { { .name = NULL }, "no name" },
        { { .name = "a" }, "nowhere to start" },
        { { .name = "a", .start_urls = { "no url" } }, "no url" },
        { { .name = "a",
            .start_urls = { "http://a/" },
            .rules = { { .callback = say_product } } },
          "TW_CALLBACK" },
        { { .name = "a",
            .start_urls = { "http://a/" },
            .rules = { { .links = { .allow = "x" } }, { .links = { .css = "a..b" } } } },
          "rule 2: .css \"a..b\": " },
        { { .name = "a",
            .start_urls = { "http://a/" },
            .sitemap_rules = { { "(", say_page } },
            .parse = say_page },
          "sitemap rule 1" },
        { { .name = "a", .start_urls = { "http://a/" }, .settings = { .max_total = -5 } },
          "max_total" },
    };
    struct crawl_test test;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        crawl_begin(&test, pages);
        crawl_run(&test, &rows[i].spider, NULL);
        ck_assert_ptr_nonnull(test.error);
        ck_assert_msg(strstr(test.message, rows[i].says) != NULL, "%s", test.message);
        ck_assert_uint_eq(test.peer.requests, 0);
        crawl_end(&test);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crawl_ends");

    TEST_ADD_ROWS(suite, a_callback_may_end_its_crawl_in_any_way, ends);
    TEST_ADD(suite, a_reactor_that_stops_waits_for_the_crawl);
    TEST_ADD(suite, numbers_count_when_their_page_is_committed);
    TEST_ADD(suite, images_become_files_named_by_their_content);
    TEST_ADD(suite, a_job_goes_on_where_it_was_stopped);
    TEST_ADD(suite, a_job_remembers_what_a_server_has_asked_for);
    TEST_ADD(suite, a_name_that_is_gone_stops_the_program);
    TEST_ADD_ROWS(suite, a_crawl_closes_at_its_limits, limits);
    TEST_ADD(suite, a_wrong_table_is_told_before_anything_is_fetched);
    return test_run(suite);
}
