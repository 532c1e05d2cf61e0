/* SPDX-License-Identifier: MIT */
/*
 * crawl_site.c - pages of a table, served by the scripted peer; a crawl that commits inline.
 */
#include "config.h"

#include <stdarg.h>

#include "tests/crawl_site.h"

char crawl_said[CRAWL_LOG];

void crawl_say(const char *format, ...)
{
    size_t length = strlen(crawl_said);
    va_list args;

    va_start(args, format);
    vsnprintf(crawl_said + length, sizeof crawl_said - length, format, args);
    va_end(args);
}

bool crawl_has_said(const char *text)
{
    return strstr(crawl_said, text) != NULL;
}

/* --- the site ------------------------------------------------------------------------------ */

static bool is_page(const struct crawl_page *page, const char *request)
{
    const char *path = strchr(request, ' ') + 1;
    size_t length = strcspn(path, " ");

    return strlen(page->path) == length && strncmp(page->path, path, length) == 0;
}

static void serve_page(struct peer_connection *connection, const struct crawl_page *page,
                       int status, bool has_body)
{
    const char *body = page->body == NULL ? "" : page->body;
    char head[1024];

    snprintf(head, sizeof head,
             "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", status,
             page->type == NULL ? "text/html" : page->type, strlen(body),
             page->headers == NULL ? "" : page->headers);
    peer_send(connection, head);
    if (has_body)
        peer_send(connection, body);
}

static void site_answer(struct peer_connection *connection, const char *request)
{
    static const struct crawl_page missing = { "", .status = 404 };
    struct crawl_test *test = connection->peer->user;
    const struct crawl_page *page = test->pages;
    int status;

    while (page->path != NULL && !is_page(page, request))
        page++;
    if (page->path == NULL) {
        serve_page(connection, &missing, 404, true);
        return;
    }
    test->served[page - test->pages]++;
    status = page->status;
    if (page->times > 0 && test->served[page - test->pages] > page->times)
        status = 200;
    if (!page->silent)
        serve_page(connection, page, status == 0 ? 200 : status,
                   strncmp(request, "HEAD", 4) != 0);
}

void crawl_begin(struct crawl_test *test, const struct crawl_page *pages)
{
    memset(test, 0, sizeof *test);
    crawl_said[0] = '\0';
    ck_assert_int_eq(tw_testing_begin(), 0);
    test->pages = pages;
    test->peer.answer = site_answer;
    test->peer.user = test;
    peer_begin(&test->peer, 80);
}

void crawl_end(struct crawl_test *test)
{
    peer_end(&test->peer);
    tw_testing_settle();
    ck_assert_uint_eq(tw_testing_end(), 0);
}

/* --- the crawl ----------------------------------------------------------------------------- */

static void crawl_take_stat(const char *key, int64_t number, const char *text, void *arg)
{
    struct crawl_test *test = arg;

    ck_assert_uint_lt(test->stat_count, CRAWL_STATS);
    snprintf(test->stats[test->stat_count].key, 80, "%s", key);
    snprintf(test->stats[test->stat_count].text, 64, "%s", text == NULL ? "" : text);
    test->stats[test->stat_count++].number = number;
}

static tw_value crawl_fired(tw_value result, void *arg)
{
    struct crawl_test *test = arg;

    test->fired++;
    test->ended = tw_clock_seconds(tw_reactor_clock());
    test->crawl = NULL;
    if (tw_is_failure(result)) {
        test->error = tw_failure_class(result);
        snprintf(test->message, sizeof test->message, "%s", tw_failure_message(result));
    } else {
        snprintf(test->why, sizeof test->why, "%s", tw_bytes_data(result));
    }
    return tw_none();
}

void crawl_start(struct crawl_test *test, const tw_spider *spider,
                 const struct tw_crawl_options *options)
{
    tw_deferred *done;

    if (options != NULL)
        test->options = *options;
    test->options.commit_inline = true;
    test->options.statistic = crawl_take_stat;
    test->options.arg = test;
    test->fired = 0;
    test->error = NULL;
    test->stat_count = 0;
    test->why[0] = test->message[0] = '\0';
    done = tw_crawl_run(spider, &test->options, &test->crawl);
    tw_add_both(done, crawl_fired, test);
    tw_deferred_unref(done);
}

void crawl_run(struct crawl_test *test, const tw_spider *spider,
               const struct tw_crawl_options *options)
{
    int seconds;

    crawl_start(test, spider, options);
    for (seconds = 0; test->fired == 0 && seconds < 86400; seconds += 60)
        tw_testing_advance(60);
    ck_assert_uint_eq(test->fired, 1);
}

int64_t crawl_stat(const struct crawl_test *test, const char *key)
{
    size_t i;

    for (i = 0; i < test->stat_count; i++)
        if (strcmp(test->stats[i].key, key) == 0)
            return test->stats[i].number;
    return 0;
}

size_t crawl_requested(struct crawl_test *test, const char *path)
{
    char text[300];
    size_t get, post;

    snprintf(text, sizeof text, "GET %s HTTP", path);
    get = peer_count(&test->peer, text);
    snprintf(text, sizeof text, "POST %s HTTP", path);
    post = peer_count(&test->peer, text);
    return get + post;
}
