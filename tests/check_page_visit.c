/* SPDX-License-Identifier: MIT */
/*
 * check_page_visit.c - where a page leads: visits, elements, links, forms.
 */
#include "config.h"

#include <stdio.h>

#include "tests/pages.h"

/* All visits as "URL[ INFO]" lines. */
static const char *visits_text(tw_page *page)
{
    struct twi_arena *arena = twi_page_arena(page);
    struct twi_text text = { .arena = arena };

    for (const struct twi_visit *visit = twi_page_outcome(page)->visits; visit != NULL;
         visit = visit->next) {
        twi_text_puts(&text, visit->origin);
        twi_text_puts(&text, visit->path);
        if (visit->info != NULL) {
            twi_text_putc(&text, ' ');
            twi_text_puts(&text, visit->info);
        }
        twi_text_putc(&text, '\n');
    }
    return twi_text_string(&text);
}

/* --- one visit ----------------------------------------------------------------------------- */

static const struct {
    struct tw_visit visit;
    int result;
    const char *text; /* of the visit */
} rows[] = {
    { { .url = "x" }, 1, "http://site.example/dir/x\n" },
    { { .url = " /x?a#b " }, 1, "http://site.example/x?a\n" },
    { { .url = "//other" }, 1, "http://other/\n" },
    { { .url = "x", .callback = pages_parse }, 1, "http://site.example/dir/x\n" },
    { { .url = "x", .callback = pages_detail },
      1,
      "http://site.example/dir/x {\"v\":1,\"callback\":\"detail\"}\n" },
    { { .url = "x", .errback = pages_parse },
      1,
      "http://site.example/dir/x {\"v\":1,\"errback\":\"\"}\n" },
    { { .url = "x", .method = "GET" }, 1, "http://site.example/dir/x\n" },
    { { .url = "x", .method = "HEAD" },
      1,
      "http://site.example/dir/x {\"v\":1,\"method\":\"HEAD\"}\n" },
    { { .url = "x?q", .params = (struct tw_field[]){ { "a b", "\xc3\xa4&" }, { 0 } } },
      1,
      "http://site.example/dir/x?q&a+b=%C3%A4%26\n" },
    { { .url = "x", .form = (struct tw_field[]){ { "a", "b c" }, { "d", NULL }, { 0 } } },
      1,
      "http://site.example/dir/x {\"v\":1,\"type\":\"application/x-www-form-urlencoded\","
      "\"body\":\"a=b+c&d=\"}\n" },
    { { .url = "x", .method = "get", .form = (struct tw_field[]){ { "a", "b" }, { 0 } } },
      1,
      "http://site.example/dir/x?a=b\n" },
    { { .url = "x", .json = "{}" },
      1,
      "http://site.example/dir/x {\"v\":1,\"type\":\"application/json\",\"body\":\"{}\"}\n" },
    { { .url = "x", .method = "POST", .body = "\xff", .body_length = 1 },
      1,
      "http://site.example/dir/x {\"v\":1,\"body64\":\"/w==\"}\n" },
    { { .url = "x", .method = "PUT", .body = "a\0b", .body_length = 3 },
      1,
      "http://site.example/dir/x {\"v\":1,\"method\":\"PUT\",\"body\":\"a\\u0000b\"}\n" },
    { { .url = "x",
        .headers = (struct tw_field[]){ { "H", "1" }, { 0 } },
        .meta = (struct tw_field[]){ { "m", "2" }, { 0 } },
        .jar = "j",
        .proxy = "p",
        .again = true,
        .any_status = true },
      1,
      "http://site.example/dir/x {\"v\":1,\"headers\":[\"H\",\"1\"],\"meta\":[\"m\",\"2\"],"
      "\"jar\":\"j\",\"proxy\":\"p\",\"again\":true,\"any_status\":true}\n" },
    { { .url = "http://u:p@h/" }, 1, "http://h/ {\"v\":1,\"userinfo\":\"u:p\"}\n" },
    { { .url = NULL }, -EINVAL, "" },
    { { .url = "http://[x" }, -EINVAL, "" },
    { { .url = "javascript:x" }, -EINVAL, "" },
    { { .url = "mailto:a@b" }, -EINVAL, "" },
    { { .url = "/seen" }, 0, "" },
    { { .url = "/deep" }, -ELOOP, "" },
    { { .url = "http://offsite/" }, -EXDEV, "" },
};

START_TEST(a_visit_is_what_is_asked_for)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, "<p>");

    ck_assert_int_eq(tw_visit_with(page, &rows[_i].visit), rows[_i].result);
    ck_assert_str_eq(visits_text(page), rows[_i].text);
    ck_assert(tw_is_none(tw_page_failure(page)));
    ck_assert_int_eq(tw_visit(page, "x"), -ECANCELED);
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(a_page_asks_for_each_visit_once_but_for_again)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, "<p>");
    const struct twi_page_outcome *outcome;

    ck_assert_int_eq(tw_visit(page, "/a?x=1&y=2", .priority = 1000), 1);
    ck_assert_int_eq(tw_visit(page, "/a?y=2&x=1#z"), 0);
    ck_assert_int_eq(tw_visit(page, "/a?y=2&x=1", .again = true, .priority = -1000), 1);
    ck_assert_int_eq(tw_visit(page, "/a?y=2&x=1", .json = "1"), 1);
    ck_assert_int_eq(tw_visit(page, "http://offsite/"), -EXDEV);
    ck_assert_int_eq(tw_visit(page, "http://offsite/"), -EXDEV);
    outcome = twi_page_outcome(page);
    ck_assert_uint_eq(outcome->visit_count, 3);
    ck_assert_int_eq(outcome->visits->priority, 127);
    ck_assert_int_eq(outcome->visits->next->priority, -128);
    ck_assert_int_eq((int)outcome->visits->parent, 7);
    ck_assert_uint_eq(outcome->visits->depth, 4);
    ck_assert(!outcome->visits->again && outcome->visits->next->again);
    ck_assert(outcome->visits->key == outcome->visits->next->key);
    ck_assert_ptr_eq(outcome->visits->origin, outcome->visits->next->next->origin);
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(a_function_that_is_not_in_the_table_fails_the_page)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, "<p>");

    ck_assert_int_eq(tw_visit(page, "/a", pages_unknown), -EINVAL);
    ck_assert(pages_failed_with(page, &tw_error_misuse));
    ck_assert(strstr(tw_failure_message(tw_page_failure(page)), "TW_CALLBACK") != NULL);
    twi_page_free(page);
    page = pages_html(pages, "<a href=x><a href=y>");
    ck_assert_uint_eq(tw_follow(page, "a", pages_unknown), 0);
    ck_assert(pages_failed_with(page, &tw_error_misuse));
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(an_item_goes_along_as_it_is)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, "<p>");
    tw_item *item = tw_item_new(page);

    tw_item_set(item, "a", 1);
    ck_assert_int_eq(tw_visit(page, "/a", .item = item), 1);
    tw_item_set(item, "a", 2);
    ck_assert_int_eq(tw_visit(page, "/b", .item = item), 1);
    ck_assert_str_eq(visits_text(page),
                     "http://site.example/a {\"v\":1,\"item\":{\"a\":1}}\n"
                     "http://site.example/b {\"v\":1,\"item\":{\"a\":2}}\n");
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(a_start_is_trusted_and_a_referer_is_kept_where_it_is_wanted)
{
    struct twi_pages_options options = { .keeps_referer = true };
    struct twi_pages *pages = pages_begin(&options);
    struct twi_page_source source = { .url = "start:" };
    tw_page *page = test_given(twi_page_new(pages, &source));

    ck_assert_int_eq(tw_visit(page, "http://h/"), 1);
    ck_assert_int_eq(tw_visit(page, "/h"), -EINVAL);
    ck_assert_str_eq(visits_text(page), "http://h/ {\"v\":1,\"trusted\":true}\n");
    twi_page_free(page);
    page = pages_html(pages, "<p>");
    ck_assert_int_eq(tw_visit(page, "/x"), 1);
    ck_assert_str_eq(visits_text(page),
                     "http://site.example/x "
                     "{\"v\":1,\"referer\":\"http://site.example/dir/page\"}\n");
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

/* --- elements ------------------------------------------------------------------------------ */

static const char menu[] =
    "<a href=1>one</a><a>none</a><area href=' 2\n'><img src=3.png><form action=4></form>"
    "<iframe src=5></iframe><a href=mailto:x>m</a><a href=1#x>again</a><p "
    "class=url>http://h/6</p>"
    "<div class=in><a href=7>in</a></div>";

static const struct {
    const char *css;
    size_t count;
    const char *text;
} follows[] = {
    { "a", 2, "http://site.example/dir/1\nhttp://site.example/dir/7\n" },
    { "a, area, img, form, iframe", 6,
      "http://site.example/dir/1\nhttp://site.example/dir/2\nhttp://site.example/dir/3.png\n"
      "http://site.example/dir/4\nhttp://site.example/dir/5\nhttp://site.example/dir/7\n" },
    { "p.url::text", 1, "http://h/6\n" },
    { "img::attr(src) |> re('^3')", 1, "http://site.example/dir/3\n" },
    { "a |> first", 1, "http://site.example/dir/1\n" },
    { "dl", 0, "" },
};

START_TEST(elements_are_followed)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, menu);

    ck_assert_uint_eq(tw_follow(page, follows[_i].css, NULL), follows[_i].count);
    ck_assert_uint_eq(tw_follow(page, follows[_i].css, NULL), 0);
    ck_assert_str_eq(visits_text(page), follows[_i].text);
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(links_of_one_callback_share_their_texts)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, menu);
    tw_node *in = tw_node_first(tw_page_root(page), TW_CSS, "div.in");
    const struct twi_visit *visits;

    ck_assert_uint_eq(tw_follow(in, "a", pages_detail), 1);
    ck_assert_uint_eq(tw_follow(page, "a", pages_detail), 1);
    visits = twi_page_outcome(page)->visits;
    ck_assert_str_eq(visits->path, "/dir/7");
    ck_assert_ptr_eq(visits->info, visits->next->info);
    ck_assert_ptr_eq(visits->origin, visits->next->origin);
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

/* --- links --------------------------------------------------------------------------------- */

static const char site[] =
    "<nav><a href=/nav>n</a></nav><div id=main><a href=/item?id=1>One</a>"
    "<a href=/item?id=2 rel=nofollow>Two</a><a href=/cat/a.pdf>PDF</a>"
    "<div class=ad><a href=/ad>Ad</a><b><a href=/ad2>Ad</a></b></div><a "
    "href=/cat?b&a>Cat</a></div>"
    "<div class=ad><a href=http://sub.site.example/x>Sub</a></div><link href=/l>";

static const struct {
    const char *name;
    struct tw_links links;
    const char *text; /* without http://site.example */
} links[] = {
    { "all", { 0 }, "/nav /item?id=1 /item?id=2 /ad /ad2 /cat?b&a //sub.site.example/x " },
    { "allow", { .allow = "item\\?" }, "/item?id=1 /item?id=2 " },
    { "deny", { .allow = "item", .deny = "id=1$" }, "/item?id=2 " },
    { "nofollow", { .allow = "item", .nofollow = true }, "/item?id=1 " },
    { "inside", { .css = "#main" }, "/item?id=1 /item?id=2 /ad /ad2 /cat?b&a " },
    { "but not inside",
      { .css = "#main", .deny_css = ".ad" },
      "/item?id=1 /item?id=2 /cat?b&a " },
    { "not inside", { .deny_css = ".ad, nav" }, "/item?id=1 /item?id=2 /cat?b&a " },
    { "all inside", { .deny_css = "body" }, "" },
    { "xpath", { .xpath = "//nav" }, "/nav " },
    { "text", { .text = "^(?i)one|cat$" }, "/item?id=1 /cat?b&a " },
    { "extensions",
      { .allow = "cat", .extensions = (const char *const[]){ NULL } },
      "/cat/a.pdf /cat?b&a " },
    { "own extensions",
      { .allow = "cat", .extensions = (const char *const[]){ "zip", NULL } },
      "/cat/a.pdf /cat?b&a " },
    { "domains",
      { .allow_domains = (const char *const[]){ "sub.site.example", NULL } },
      "//sub.site.example/x " },
    { "not domains",
      { .deny_css = "#main, nav",
        .deny_domains = (const char *const[]){ "site.example", NULL } },
      "" },
    { "tags", { .tags = (const char *const[]){ "link", NULL } }, "/l " },
    { "attrs", { .attrs = (const char *const[]){ "rel", NULL } }, "/dir/nofollow " },
    { "canonical", { .allow = "cat", .canonical = true }, "/cat?a=&b= " },
};

START_TEST(links_are_chosen)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, site);
    struct twi_text text = { .arena = twi_page_arena(page) };
    size_t count = tw_follow_links(page, &links[_i].links, NULL);

    ck_assert(tw_is_none(twi_links_check(&links[_i].links)));
    ck_assert_uint_eq(count, twi_page_outcome(page)->visit_count);
    for (const struct twi_visit *visit = twi_page_outcome(page)->visits; visit != NULL;
         visit = visit->next) {
        if (strcmp(visit->origin, "http://site.example") != 0)
            twi_text_puts(&text, visit->origin + 5);
        twi_text_puts(&text, visit->path);
        twi_text_putc(&text, ' ');
    }
    ck_assert_msg(strcmp(twi_text_string(&text), links[_i].text) == 0, "%s: %s",
                  links[_i].name, twi_text_string(&text));
    ck_assert(tw_is_none(tw_page_failure(page)));
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(of_two_rules_the_first_one_takes_a_link)
{
    const struct tw_links items = { .allow = "item" }, all = { .css = "#main" };
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, site);

    ck_assert_uint_eq(twi_page_follow_rule(page, &items, pages_detail, false), 2);
    ck_assert_uint_eq(twi_page_follow_rule(page, &all, NULL, true), 3);
    ck_assert_str_eq(visits_text(page),
                     "http://site.example/item?id=1 {\"v\":1,\"callback\":\"detail\"}\n"
                     "http://site.example/item?id=2 {\"v\":1,\"callback\":\"detail\"}\n"
                     "http://site.example/ad {\"v\":1,\"rules\":true}\n"
                     "http://site.example/ad2 {\"v\":1,\"rules\":true}\n"
                     "http://site.example/cat?b&a {\"v\":1,\"rules\":true}\n");
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

static const struct tw_links wrong[] = {
    { .allow = "(" },  { .deny = "(" },     { .text = "(" },
    { .css = "a..b" }, { .deny_css = "[" }, { .xpath = "//a[" },
};

START_TEST(links_that_are_wrong_fail_the_page)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, site);
    tw_value failure = twi_links_check(&wrong[_i]);

    ck_assert(tw_failure_is(failure, &tw_error_selector));
    ck_assert(strstr(tw_failure_message(failure), ", at character ") != NULL);
    tw_release(failure);
    ck_assert_uint_eq(tw_follow_links(page, &wrong[_i], NULL), 0);
    ck_assert(pages_failed_with(page, &tw_error_selector));
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

/* --- forms --------------------------------------------------------------------------------- */

static const char login[] =
    "<form id=login method=post action=/in><input name=user value=x><input name=password>"
    "<input type=hidden name=token value='a b'><input type=submit name=go value=Go></form>"
    "<form id=search action=/find?old><input name=q><b class=inside></b></form>";

START_TEST(a_form_is_filled_in_and_sent)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, login);

    ck_assert_int_eq(tw_submit(page, "form#login", pages_detail,
                               { "user", tw_argument(page, "user") }, { "password", NULL },
                               { "more", "1" }),
                     1);
    ck_assert_int_eq(tw_submit(page, "b.inside", NULL, { "q", "w\xc3\xb6ol" }), 1);
    ck_assert_str_eq(
        visits_text(page),
        "http://site.example/in {\"v\":1,\"callback\":\"detail\",\"type\":"
        "\"application/"
        "x-www-form-urlencoded\",\"body\":\"token=a+b&go=Go&user=me+%26+you&more=1\"}\n"
        "http://site.example/find?q=w%C3%B6ol\n");
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(a_form_that_is_not_there_fails_the_page)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, login);

    ck_assert_int_eq(tw_submit(page, "form#other", NULL, { "a", "b" }), -ENOENT);
    ck_assert(pages_failed_with(page, &tw_error_selector));
    ck_assert(strstr(tw_failure_message(tw_page_failure(page)), "form#other") != NULL);
    twi_page_free(page);
    page = pages_html(pages, "<p>no form");
    ck_assert_int_eq(tw_submit(page, NULL, NULL, { "a", "b" }), -ENOENT);
    ck_assert(pages_failed_with(page, &tw_error_selector));
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page_visit");

    TEST_ADD_ROWS(suite, a_visit_is_what_is_asked_for, rows);
    TEST_ADD(suite, a_page_asks_for_each_visit_once_but_for_again);
    TEST_ADD(suite, a_function_that_is_not_in_the_table_fails_the_page);
    TEST_ADD(suite, an_item_goes_along_as_it_is);
    TEST_ADD(suite, a_start_is_trusted_and_a_referer_is_kept_where_it_is_wanted);
    TEST_ADD_ROWS(suite, elements_are_followed, follows);
    TEST_ADD(suite, links_of_one_callback_share_their_texts);
    TEST_ADD_ROWS(suite, links_are_chosen, links);
    TEST_ADD(suite, of_two_rules_the_first_one_takes_a_link);
    TEST_ADD_ROWS(suite, links_that_are_wrong_fail_the_page, wrong);
    TEST_ADD(suite, a_form_is_filled_in_and_sent);
    TEST_ADD(suite, a_form_that_is_not_there_fails_the_page);
    return test_run(suite);
}
