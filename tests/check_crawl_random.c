/* SPDX-License-Identifier: MIT */
/*
 * check_crawl_random.c - random crawls beside a model: whatever callbacks, pipelines and
 * servers do, and however often a crawl is stopped, each item is in the feed once when it has
 * finished.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <tweed/task.h>

#include "tests/crawl_site.h"
#include "tests/random.h"

enum { PAGES = 24, RUNS = 200 };

static struct crawl_test test;
static tw_deferred *done; /* of the run; NULL: it has ended */
static unsigned stops_left;
static tw_deferred *nevers[64];
static size_t never_count;
static char folder[40];

/* --- the site: page n leads to 2n and 2n + 1 -----------------------------------------------
 * */

static void random_answer(struct peer_connection *connection, const char *request)
{
    char text[400], body[200];
    int page = atoi(strchr(request, '/') + 1);

    if (one_in(12)) {
        peer_reset(connection);
        return;
    }
    if (one_in(12)) {
        peer_send(connection, "HTTP/1.1 503 X\r\nContent-Length: 0\r\nRetry-After: 2\r\n\r\n");
        return;
    }
    if (page >= 100) { /* a detour */
        snprintf(text, sizeof text,
                 "HTTP/1.1 302 X\r\nLocation: /%d\r\nSet-Cookie: n=%u\r\n"
                 "Content-Length: 0\r\n\r\n",
                 page - 100, draw(1000));
        peer_send(connection, text);
        return;
    }
    snprintf(body, sizeof body, "<a href=/%d>a</a><a href=/%d>b</a><p>%d</p>", page * 2,
             page * 2 + 1 + (page % 3 == 1 ? 100 : 0), page);
    if (page * 2 > PAGES)
        snprintf(body, sizeof body, "<p>%d</p>", page);
    snprintf(text, sizeof text,
             "HTTP/1.1 200 X\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    peer_send(connection, text);
}

/* --- the spider: anything may happen, but nothing that decides about items ------------------
 * */

static void random_resume(void *arg)
{
    (void)arg;
    if (done != NULL && test.crawl != NULL)
        tw_crawl_resume(test.crawl);
}

static void random_end(tw_crawl *crawl)
{
    if (stops_left == 0)
        return;
    stops_left--;
    switch (draw(4)) {
    case 0:
        tw_crawl_stop(crawl, "stop");
        break;
    case 1:
        tw_crawl_stop(crawl, "stop");
        tw_crawl_stop(crawl, "at once");
        break;
    case 2:
        if (done != NULL)
            tw_cancel(done);
        break;
    default:
        tw_crawl_stop(crawl, "cancelled");
        tw_crawl_stop(crawl, "at once");
        tw_inline_callbacks_cancel_all();
        break;
    }
}

/* Only in a crawl that is being stopped: it would wait for it for ever. */
static void random_never(tw_crawl *crawl)
{
    if (stops_left == 0 || never_count >= sizeof nevers / sizeof *nevers)
        return;
    stops_left--;
    tw_crawl_stop(crawl, "never");
    tw_await(tw_promise(&nevers[never_count++], NULL, NULL));
}

static void random_act(tw_page *page)
{
    tw_crawl *crawl = tw_page_crawl(page);

    switch (draw(14)) {
    case 0:
        tw_sleep(draw(50) / 10.0);
        break;
    case 1:
        tw_fetch(page, tw_format(page, "/%d", (int)draw(PAGES)));
        break;
    case 2:
        tw_crawl_pause(crawl);
        tw_call_later(draw(30) / 10.0, random_resume, NULL);
        break;
    case 3:
        if (one_in(3))
            random_end(crawl);
        break;
    case 4:
        if (one_in(10))
            random_never(crawl);
        break;
    default:
        break;
    }
}

static void random_parse(tw_page *page)
{
    tw_item *item = tw_item_new(page);

    random_act(page);
    tw_item_css(item, "n", page, "p::text |> integer");
    tw_emit(item);
    random_act(page);
    tw_follow(page, "a", NULL);
    random_act(page);
}

static tw_value random_pipe(tw_item *item, tw_crawl *crawl)
{
    switch (draw(12)) {
    case 0:
        return tw_wait(tw_defer_later(NULL, draw(30) / 10.0, NULL, NULL));
    case 1:
        tw_sleep(0);
        break;
    case 2:
        tw_fetch(tw_item_page(item), "/1");
        break;
    case 3:
        if (one_in(3))
            random_end(crawl);
        break;
    default:
        break;
    }
    return tw_none();
}

static tw_value random_hook(tw_page *page, void *state)
{
    (void)state;
    random_act(page);
    return tw_none();
}

static tw_value random_close(tw_crawl *crawl, const char *why, void *state)
{
    (void)state;
    (void)why;
    tw_crawl_stop(crawl, "while it closes");
    return one_in(2) ? tw_none() : tw_wait(tw_defer_later(NULL, 1, NULL, NULL));
}

/* --- a program -----------------------------------------------------------------------------
 * */

static tw_value random_fired(tw_value result, void *arg)
{
    (void)arg;
    test.fired++;
    test.crawl = NULL;
    done = NULL;
    ck_assert_msg(!tw_is_failure(result), "%s%s", random_failed(),
                  tw_failure_message(tw_is_failure(result) ? result : tw_fail_memory()));
    snprintf(test.why, sizeof test.why, "%s", tw_bytes_data(result));
    return tw_none();
}

static void run_once(const tw_spider *spider)
{
    char feed[60];
    const struct tw_feed feeds[] = { { .path = feed } };
    const struct tw_crawl_options options = {
        .job = folder, .feeds = feeds, .feed_count = 1, .commit_inline = true
    };
    tw_deferred *running;
    int minutes;

    snprintf(feed, sizeof feed, "%s/items.jsonl", folder);
    test.fired = 0;
    running = done = tw_crawl_run(spider, &options, &test.crawl);
    tw_add_both(running, random_fired, NULL);
    for (minutes = 0; test.fired == 0 && minutes < 600; minutes++)
        tw_testing_advance(60);
    ck_assert_msg(test.fired == 1, "%sfired %u times", random_failed(), test.fired);
    tw_deferred_unref(running);
}

/* The ones that were never to come back. */
static void nevers_end(void)
{
    while (never_count > 0)
        tw_fire(&nevers[--never_count], tw_none());
    tw_testing_settle();
}

static void items_check(void)
{
    unsigned seen[PAGES * 3] = { 0 };
    char path[60], line[100];
    FILE *file;
    int n;

    snprintf(path, sizeof path, "%s/items.jsonl", folder);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        ck_assert_int_eq(sscanf(line, "{\"n\":%d}", &n), 1);
        seen[n]++;
    }
    fclose(file);
    for (n = 1; n <= PAGES; n++)
        ck_assert_msg(seen[n] == 1, "%sitem %d: %u times", random_failed(), n, seen[n]);
}

static void folder_remove(void)
{
    char command[80];

    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void random_crawl(void)
{
    static const tw_extension hooks = { .name = "random",
                                        .on_page = random_hook,
                                        .close = random_close };
    tw_spider spider = {
        .name = "random",
        .start_urls = { "http://a.example/1" },
        .parse = random_parse,
        .pipelines = { random_pipe },
        .extensions = { one_in(2) ? &hooks : NULL },
        .settings = { CRAWL_QUIET, .max_retries = 1000, .ignore_robots = true,
                      .max_total = (int)draw(8) + 1, .max_per_host = (int)draw(4) + 1,
                      .timeout = 20, .max_retry_after = 5 },
    };
    int run;

    strcpy(folder, "/tmp/check-crawl-random-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&test, 0, sizeof test);
    ck_assert_int_eq(tw_testing_begin(), 0);
    test.peer.answer = random_answer;
    peer_begin(&test.peer, 80);
    stops_left = draw(6);
    for (run = 0; run < RUNS; run++) {
        run_once(&spider);
        if (strcmp(test.why, "finished") == 0)
            break;
    }
    ck_assert_msg(run < RUNS, "%snever finished: %s", random_failed(), test.why);
    nevers_end();
    items_check();
    peer_end(&test.peer);
    tw_testing_settle();
    ck_assert_msg(tw_testing_end() == 0, "%ssomething is left", random_failed());
    folder_remove();
}

START_TEST(each_item_is_there_once_whatever_happens)
{
    random_programs(random_crawl, 40);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crawl_random");

    TEST_ADD(suite, each_item_is_there_once_whatever_happens);
    return test_run(suite);
}
