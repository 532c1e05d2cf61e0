/* SPDX-License-Identifier: MIT */
/*
 * check_crawl_parts.c - the engine's decisions one by one, without a crawl.
 */
#include "config.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spider/crawl/judge.h"
#include "spider/crawl/limits.h"
#include "spider/crawl/planned.h"
#include "spider/crawl/redirect.h"
#include "spider/crawl/referer.h"
#include "spider/crawl/request.h"
#include "spider/crawl/retry.h"
#include "spider/crawl/scheme_file.h"
#include "spider/crawl/stats.h"
#include "tests/random.h"
#include "tests/test.h"

/* --- retries ------------------------------------------------------------------------------- */

static const struct {
    const char *statuses;
    int status;
    bool again;
} statuses[] = {
    { "408,429,500", 429, true }, { "408,429,500", 503, false }, { "5xx", 599, true },
    { "5xx", 499, false },        { "404,5xx", 404, true },      { "", 500, false },
    { NULL, 500, false },         { "500", 0, false },           { "500", 5000, false },
};

START_TEST(statuses_are_tried_again_as_the_setting_says)
{
    ck_assert(twi_retry_status(statuses[_i].statuses, statuses[_i].status) ==
              statuses[_i].again);
}
END_TEST

static const struct {
    const tw_error_class *error;
    int64_t number;
    bool again;
} failures[] = {
    { &tw_error_timeout, 0, true },         { &tw_error_connect_refused, 0, true },
    { &tw_error_connection_lost, 0, true }, { &tw_error_empty, 0, true },
    { &tw_error_partial, 0, true },         { &tw_error_dns, EAI_AGAIN, true },
    { &tw_error_dns, EAI_NONAME, false },   { &tw_error_tls, 0, false },
    { &tw_error_toolarge, 0, false },       { &tw_error_url, 0, false },
};

START_TEST(failures_that_may_pass_are_tried_again)
{
    tw_value failure = tw_fail_with(&(const struct tw_failure_fields){
        .error_class = failures[_i].error, .message = "x", .number = failures[_i].number });

    ck_assert(twi_retry_failure(failure) == failures[_i].again);
    tw_release(failure);
}
END_TEST

START_TEST(the_wait_doubles_up_to_a_minute)
{
    ck_assert_double_eq(twi_retry_delay(0, 1), 1);
    ck_assert_double_eq(twi_retry_delay(0, 0), 0.5);
    ck_assert_double_eq(twi_retry_delay(3, 1), 8);
    ck_assert_double_eq(twi_retry_delay(1000000, 1), 60);
}
END_TEST

static const struct {
    const char *value;
    double seconds;
} retry_afters[] = {
    { NULL, -1 },
    { "120", 120 },
    { "0", 0 },
    { "x", -1 },
    { "-5", -1 },
    { "12 apples", -1 },
    { "Thu, 01 Jan 1970 00:01:40 GMT", 90 },
    { "Thu, 01 Jan 1970 00:00:01 GMT", 0 },
};

START_TEST(retry_after_is_seconds_or_a_date)
{
    tw_headers *headers = tw_headers_new();

    if (retry_afters[_i].value != NULL)
        tw_headers_set(headers, "Retry-After", retry_afters[_i].value);
    ck_assert_double_eq(twi_retry_after(headers, 10000), retry_afters[_i].seconds);
    tw_headers_free(headers);
}
END_TEST

/* --- redirects ----------------------------------------------------------------------------- */

static const struct {
    int status;
    const char *method;
    bool keeps;
} methods[] = {
    { 301, "GET", true },   { 301, "POST", false }, { 302, "POST", false },
    { 303, "POST", false }, { 303, "PUT", false },  { 303, "HEAD", true },
    { 307, "POST", true },  { 308, "POST", true },  { 302, "PUT", true },
};

START_TEST(a_redirect_keeps_the_method_as_in_browsers)
{
    ck_assert(twi_lead_keeps(methods[_i].status, methods[_i].method) == methods[_i].keeps);
}
END_TEST

static const struct {
    const char *location, *leads;
} targets[] = {
    { "/b", "http://a.example/b" },
    { "b?c", "http://a.example/x/b?c" },
    { "//other.example/", "http://other.example/" },
    { "https://a.example/", "https://a.example/" },
    { "file:///etc/passwd", NULL },
    { "data:,x", NULL },
    { "javascript:alert(1)", NULL },
    { "http://", NULL },
};

START_TEST(a_redirect_leads_into_the_web_only)
{
    struct tw_url *url = twi_lead_target("http://a.example/x/y", targets[_i].location);

    if (targets[_i].leads == NULL)
        ck_assert_ptr_null(url);
    else
        ck_assert_str_eq(url->href, targets[_i].leads);
    tw_url_free(url);
}
END_TEST

START_TEST(secrets_stay_with_their_origin)
{
    static const struct tw_field fields[] = {
        { "Authorization", "Bearer 1" }, { "X-Mine", "yes" }, { "cookie", "a=b" }, { 0 }
    };
    struct twi_visit_info info = {
        .headers = fields, .body = "x", .body_length = 1, .userinfo = "u:p", .is_trusted = true
    };
    struct tw_url *same = twi_lead_target("http://a/", "http://a:80/2");
    struct tw_url *other = twi_lead_target("http://a/", "http://b/");
    struct twi_arena arena;

    twi_arena_init(&arena, 0);
    twi_judge_lead(&arena, "http://a/", same, 307, &info);
    ck_assert_ptr_eq(info.headers, fields);
    ck_assert_ptr_nonnull(info.body);
    ck_assert_uint_eq(info.redirects, 1);
    ck_assert(!info.is_trusted && info.userinfo == NULL);
    twi_judge_lead(&arena, "http://a/", other, 302, &info);
    ck_assert_str_eq(info.headers[0].name, "X-Mine");
    ck_assert_ptr_null(info.headers[1].name);
    ck_assert_ptr_null(info.body);
    tw_url_free(same);
    tw_url_free(other);
    twi_arena_free(&arena);
}
END_TEST

/* --- Referer ------------------------------------------------------------------------------- */

static const struct {
    enum tw_crawl_referer policy;
    const char *from, *to, *says;
} referers[] = {
    { TW_REFERER_STRICT_ORIGIN, "http://u:p@a/b?c#d", "http://a/e", "http://a/b?c" },
    { TW_REFERER_STRICT_ORIGIN, "http://a/b", "http://c/", "http://a/" },
    { TW_REFERER_STRICT_ORIGIN, "https://a/b", "http://a/", NULL },
    { TW_REFERER_STRICT_ORIGIN, "http://a/b", "https://a/", "http://a/" },
    { TW_REFERER_NO_DOWNGRADE, "http://a/b", "http://c/", "http://a/b" },
    { TW_REFERER_NO_DOWNGRADE, "https://a/b", "http://c/", NULL },
    { TW_REFERER_SAME_ORIGIN, "http://a/b", "http://a/c", "http://a/b" },
    { TW_REFERER_SAME_ORIGIN, "http://a/b", "http://c/", NULL },
    { TW_REFERER_NONE, "http://a/b", "http://a/c", NULL },
    { TW_REFERER_NO_DOWNGRADE, "file:///a", "http://c/", NULL },
};

START_TEST(the_referer_follows_its_policy)
{
    struct tw_url *from, *to;
    struct twi_arena arena;
    const char *says;

    twi_arena_init(&arena, 0);
    ck_assert_int_eq(
        tw_url_parse(referers[_i].from, strlen(referers[_i].from), NULL, &from, NULL), 0);
    ck_assert_int_eq(tw_url_parse(referers[_i].to, strlen(referers[_i].to), NULL, &to, NULL),
                     0);
    says = twi_referer(&arena, referers[_i].policy, from, to);
    if (referers[_i].says == NULL)
        ck_assert_ptr_null(says);
    else
        ck_assert_str_eq(says, referers[_i].says);
    tw_url_free(from);
    tw_url_free(to);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(a_domain_covers_what_is_below_it)
{
    ck_assert(twi_domain_covers("example.com", "example.com"));
    ck_assert(twi_domain_covers("example.com", "www.Example.com"));
    ck_assert(!twi_domain_covers("example.com", "badexample.com"));
    ck_assert(!twi_domain_covers("www.example.com", "example.com"));
}
END_TEST

/* --- limits -------------------------------------------------------------------------------- */

static const struct {
    struct twi_limits limits;
    struct twi_limits_state state;
    const char *why;
} limit_rows[] = {
    { { 0 }, { .pages = 1000000 }, NULL },
    { { .max_pages = -1 }, { .pages = 1000000 }, NULL },
    { { .max_pages = 10 }, { .pages = 9 }, NULL },
    { { .max_pages = 10 }, { .pages = 10 }, "closespider_pagecount" },
    { { .max_items = 10 }, { .items = 11 }, "closespider_itemcount" },
    { { .max_errors = 1 }, { .errors = 1 }, "closespider_errorcount" },
    { { .max_pages_no_item = 5 }, { .pages_since_item = 5 }, "closespider_pagecount_no_item" },
    { { .max_seconds = 1.5 }, { .seconds = 1.5 }, "closespider_timeout" },
    { { .max_seconds_no_item = 1 },
      { .seconds_since_item = 2 },
      "closespider_timeout_no_item" },
    { { .max_memory = 100 }, { .memory = 100 }, "memusage_exceeded" },
    { { .max_seen_memory = 110 }, { .seen = 9 }, NULL },
    { { .max_seen_memory = 110 }, { .seen = 10 }, "seen_memory_exceeded" },
};

START_TEST(limits_have_scrapys_names)
{
    const char *why = twi_limits_reached(&limit_rows[_i].limits, &limit_rows[_i].state);

    if (limit_rows[_i].why == NULL)
        ck_assert_ptr_null(why);
    else
        ck_assert_str_eq(why, limit_rows[_i].why);
}
END_TEST

START_TEST(the_process_knows_its_memory)
{
    ck_assert_int_gt(twi_memory_resident(), 1 << 20);
    ck_assert_int_ge(twi_memory_peak(), twi_memory_resident() / 2);
}
END_TEST

/* --- statistics ---------------------------------------------------------------------------- */

static void add_up(const char *key, int64_t add, void *arg)
{
    if (strcmp(key, "n/500") == 0)
        *(int64_t *)arg += add;
}

START_TEST(statistics_are_told_by_their_differences)
{
    struct twi_stats stats = { 0 };
    const struct twi_stat **sorted;
    int64_t told = 0;
    size_t count, i;

    for (i = 0; i < 1000; i++)
        twi_stats_add_number(&stats, "n/", (int64_t)i, 1);
    twi_stats_tell(&stats, add_up, &told);
    ck_assert_int_eq(told, 1);
    twi_stats_tell(&stats, add_up, &told);
    ck_assert_int_eq(told, 1);
    twi_stats_add_to(&stats, "n/", "500", 4);
    twi_stats_tell(&stats, add_up, &told);
    ck_assert_int_eq(told, 5);
    ck_assert_int_eq(twi_stats_get(&stats, "n/500"), 5);
    ck_assert_int_eq(twi_stats_get(&stats, "unknown"), 0);
    twi_stats_restore(&stats, "restored", 7);
    twi_stats_tell(&stats, add_up, &told);
    ck_assert_int_eq(told, 5);
    ck_assert_int_eq(twi_stats_get(&stats, "restored"), 7);
    twi_stats_most(&stats, "most", 3);
    twi_stats_most(&stats, "most", 2);
    ck_assert_int_eq(twi_stats_get(&stats, "most"), 3);
    twi_stats_set_text(&stats, "a", "text");
    sorted = twi_stats_sorted(&stats, &count);
    ck_assert_uint_eq(count, 1003);
    ck_assert_str_eq(sorted[0]->key, "a");
    ck_assert_str_eq(sorted[0]->text, "text");
    for (i = 1; i < count; i++)
        ck_assert_int_lt(strcmp(sorted[i - 1]->key, sorted[i]->key), 0);
    free(sorted);
    twi_stats_free(&stats);
}
END_TEST

/* --- visits in memory ---------------------------------------------------------------------- */

enum { PLANNED = 3000 };

static void planned_program(void)
{
    static bool there[PLANNED];
    struct twi_planned_set set = { 0 };
    char path[40];
    size_t count = 0;
    int step;

    memset(there, 0, sizeof there);
    for (step = 0; step < 20000; step++) {
        int64_t id = (int64_t)(draw(PLANNED));
        struct twi_planned *found = twi_planned_get(&set, id);
        ck_assert((found != NULL) == there[id]);
        if (found != NULL && one_in(2)) {
            found = twi_planned_take(&set, id);
            snprintf(path, sizeof path, "/%lld", (long long)id);
            ck_assert_str_eq(found->visit.path, path);
            ck_assert_str_eq(found->visit.origin, "http://a");
            ck_assert_ptr_null(found->visit.info);
            free(found);
            there[id] = false;
            count--;
        } else {
            snprintf(path, sizeof path, "/%lld", (long long)id);
            count += !there[id];
            ck_assert_int_eq(
                twi_planned_put(&set, twi_planned_new(
                                          &(const struct twi_visit){
                                              .id = id, .origin = "http://a", .path = path },
                                          0)),
                0);
            there[id] = true;
        }
        ck_assert_uint_eq(set.count, count);
    }
    twi_planned_free(&set);
}

START_TEST(visits_in_memory_are_found_by_their_number)
{
    random_programs(planned_program, 3);
}
END_TEST

/* --- local URLs ---------------------------------------------------------------------------- */

static const struct {
    const char *url, *type, *body;
    const tw_error_class *error;
} locals[] = {
    { "data:text/html,%3Cp%3E", "text/html", "<p>", NULL },
    { "data:;base64,aGk=", "text/plain;charset=\"US-ASCII\"", "hi", NULL },
    { "data:nothing", NULL, NULL, &tw_error_url },
    { "data:,toolong", NULL, NULL, &tw_error_toolarge },
    { "file:///no/such/file", NULL, NULL, &tw_error_system },
    { "file:///tmp", NULL, NULL, &tw_error_system },
    { "file://elsewhere/tmp/x", NULL, NULL, &tw_error_url },
    { "file:///tmp/%00x", NULL, NULL, &tw_error_url },
};

START_TEST(local_urls_are_read_as_answers)
{
    tw_headers *headers = tw_headers_new();
    tw_value body = tw_none(), failure = twi_scheme_read(locals[_i].url, 4, &body, headers);

    if (locals[_i].error != NULL) {
        ck_assert_msg(tw_failure_class(failure) == locals[_i].error, "%s",
                      tw_failure_message(failure));
    } else {
        ck_assert(tw_is_none(failure));
        ck_assert_str_eq(tw_bytes_data(body), locals[_i].body);
        ck_assert_str_eq(tw_headers_get(headers, "Content-Type"), locals[_i].type);
    }
    tw_release(failure);
    tw_release(body);
    tw_headers_free(headers);
}
END_TEST

START_TEST(a_file_is_an_answer_of_its_extensions_type)
{
    char path[] = "/tmp/check-crawl-XXXXXX.html", url[80];
    int fd = mkstemps(path, 5);
    tw_headers *headers = tw_headers_new();
    tw_value body = tw_none();

    ck_assert_int_eq(write(fd, "<p>hi", 5), 5);
    close(fd);
    snprintf(url, sizeof url, "file://%s", path);
    ck_assert(tw_is_none(twi_scheme_read(url, -1, &body, headers)));
    ck_assert_str_eq(tw_bytes_data(body), "<p>hi");
    ck_assert_str_eq(tw_headers_get(headers, "Content-Type"), "text/html");
    unlink(path);
    tw_release(body);
    tw_headers_free(headers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crawl_parts");

    TEST_ADD_ROWS(suite, statuses_are_tried_again_as_the_setting_says, statuses);
    TEST_ADD_ROWS(suite, failures_that_may_pass_are_tried_again, failures);
    TEST_ADD(suite, the_wait_doubles_up_to_a_minute);
    TEST_ADD_ROWS(suite, retry_after_is_seconds_or_a_date, retry_afters);
    TEST_ADD_ROWS(suite, a_redirect_keeps_the_method_as_in_browsers, methods);
    TEST_ADD_ROWS(suite, a_redirect_leads_into_the_web_only, targets);
    TEST_ADD(suite, secrets_stay_with_their_origin);
    TEST_ADD_ROWS(suite, the_referer_follows_its_policy, referers);
    TEST_ADD(suite, a_domain_covers_what_is_below_it);
    TEST_ADD_ROWS(suite, limits_have_scrapys_names, limit_rows);
    TEST_ADD(suite, the_process_knows_its_memory);
    TEST_ADD(suite, statistics_are_told_by_their_differences);
    TEST_ADD(suite, visits_in_memory_are_found_by_their_number);
    TEST_ADD_ROWS(suite, local_urls_are_read_as_answers, locals);
    TEST_ADD(suite, a_file_is_an_answer_of_its_extensions_type);
    return test_run(suite);
}
