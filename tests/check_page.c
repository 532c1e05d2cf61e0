/* SPDX-License-Identifier: MIT */
/*
 * check_page.c - a page is decoded and searched as it is asked; what goes wrong is its verdict.
 */
#include "config.h"

#include "tests/pages.h"

/* Of all tests. */
static struct twi_pages *pages;

/* --- what there is to know ----------------------------------------------------------------- */

START_TEST(a_page_tells_what_came_and_what_was_sent_along)
{
    const struct tw_field meta[] = { { "a", "1" }, { "b", "" }, { NULL, NULL } };
    const struct twi_visit_info info = { .meta = meta };
    struct twi_page_source source = { .url = "http://h/", .status = 404, .depth = 2 };
    tw_page *page = pages_html(pages, "<p>x");

    ck_assert_str_eq(tw_page_url(page), "http://site.example/dir/page");
    ck_assert_int_eq(tw_page_status(page), 200);
    ck_assert_uint_eq(tw_page_depth(page), 3);
    ck_assert_str_eq(tw_page_header(page, "content-type"), "text/html; charset=utf-8");
    ck_assert_ptr_null(tw_page_header(page, "Server"));
    ck_assert_str_eq(tw_bytes_data(tw_page_body(page)), "<p>x");
    ck_assert_ptr_null(tw_page_meta(page, "a"));
    ck_assert_ptr_null(tw_page_item(page));
    ck_assert(tw_is_none(tw_page_failure(page)));
    ck_assert_str_eq(tw_argument(page, "user"), "me & you");
    ck_assert_ptr_null(tw_argument(page, "password"));
    ck_assert_str_eq(tw_json_quote(page, "a\"\n\xc3\xa4"), "\"a\\\"\\n\xc3\xa4\"");
    ck_assert_str_eq(tw_json_quote(page, NULL), "null");
    ck_assert_str_eq(tw_format(page, "%s-%d", "a", 5), "a-5");
    twi_page_free(page);

    source.info = &info;
    page = test_given(twi_page_new(pages, &source));
    ck_assert_str_eq(tw_page_meta(page, "a"), "1");
    ck_assert_str_eq(tw_page_meta(page, "b"), "");
    ck_assert_ptr_null(tw_page_meta(page, "c"));
    ck_assert_str_eq(tw_page_text(page), "");
    ck_assert(tw_is_none(tw_page_body(page)));
    twi_page_free(page);
}
END_TEST

static const struct {
    const char *type, *body, *text;
} texts[] = {
    { "text/html", "\xef\xbb\xbf\xc3\xa4", "\xc3\xa4" },
    { "text/html; charset=latin1", "\xe4\x80", "\xc3\xa4\xe2\x82\xac" },
    { "text/html", "<meta charset=windows-1251>\xc0", "<meta charset=windows-1251>\xd0\x90" },
    { "text/html", "\xe4", "\xc3\xa4" },
    { NULL, "\xc3\xa4", "\xc3\xa4" },
    { "text/html", "", "" },
};

START_TEST(its_text_is_utf_8)
{
    tw_page *page = pages_make(pages, "http://h/", texts[_i].type, texts[_i].body,
                               strlen(texts[_i].body));

    ck_assert_str_eq(tw_page_text(page), texts[_i].text);
    ck_assert_str_eq(tw_page_text(page), texts[_i].text);
    twi_page_free(page);
}
END_TEST

static const struct {
    const char *base, *href, *url;
} absolutes[] = {
    { "", "x?y#z", "http://site.example/dir/x?y#z" },
    { "", " /x ", "http://site.example/x" },
    { "", "", "http://site.example/dir/page" },
    { "", "http://[bad", NULL },
    { "", "mailto:a@b", "mailto:a@b" },
    { "<base href=/other/>", "x", "http://site.example/other/x" },
    { "<!-- <base href=/no/> --><base href='//h:81'>", "x", "http://h:81/x" },
};

START_TEST(urls_are_made_absolute_by_the_base)
{
    tw_page *page = pages_html(pages, absolutes[_i].base);
    const char *url = tw_page_absolute(page, absolutes[_i].href);

    if (absolutes[_i].url == NULL)
        ck_assert_ptr_null(url);
    else
        ck_assert_str_eq(url, absolutes[_i].url);
    ck_assert_ptr_null(tw_page_absolute(page, NULL));
    twi_page_free(page);
}
END_TEST

START_TEST(queries_of_urls_are_in_the_charset_of_the_page)
{
    tw_page *page = pages_make(pages, "http://h/", "text/html; charset=windows-1251", "\xc0",
                               1);

    ck_assert_str_eq(tw_page_absolute(page, "/\xd0\x90?\xd0\x90"), "http://h/%D0%90?%C0");
    twi_page_free(page);
}
END_TEST

START_TEST(a_refresh_leads_on)
{
    tw_page *page = pages_html(pages, "<meta http-equiv=refresh content='3; url=/next'>");
    const char *url;
    double seconds;

    ck_assert(twi_page_refresh_target(page, &seconds, &url));
    ck_assert(seconds == 3);
    ck_assert_str_eq(url, "http://site.example/next");
    twi_page_free(page);
    page = pages_json(pages, "\"<meta http-equiv=refresh content='3; url=/next'>\"");
    ck_assert(twi_page_refresh_target(page, &seconds, &url));
    twi_page_free(page);
}
END_TEST

/* --- finding ------------------------------------------------------------------------------- */

static const char quotes[] =
    "<div class=quote id=q1><span class=text>One</span><a class=tag href=/t/a>a</a>"
    "<a class=tag href=/t/b>b</a></div>"
    "<div class=quote id=q2><span class=text>Two &amp; <b>more</b></span></div>"
    "<script type='application/ld+json'>{\"@type\":\"Book\",\"offers\":[{\"price\":5},null,7]}"
    "</script><li class=next><a href=/page/2>next</a>";

START_TEST(loops_go_over_all_that_is_found)
{
    tw_page *page = pages_html(pages, quotes);
    char seen[100] = "";

    TW_CSS_EACH (quote, page, "div.quote") {
        strcat(strcat(seen, tw_node_attribute(quote, "id")), ":");
        TW_CSS_EACH (tag, quote, "a.tag") {
            strcat(strcat(seen, tw_node_text(tag)), ",");
        }
    }
    ck_assert_str_eq(seen, "q1:a,b,q2:");
    seen[0] = 0;
    TW_XPATH_EACH (tag, page, "//a/@href") {
        if (strcmp(tw_node_text(tag), "/t/b") == 0)
            continue;
        strcat(seen, tw_node_text(tag));
        if (strcmp(seen, "/t/a") == 0)
            break;
    }
    ck_assert_str_eq(seen, "/t/a");
    TW_CSS_EACH (none, page, "div.none") {
        ck_assert_ptr_null(none);
    }
    ck_assert(tw_is_none(twi_page_outcome(page)->failure));
    twi_page_free(page);
}
END_TEST

static const struct {
    const char *name, *got;
    enum tw_language language;
    const char *query;
} gets[] = {
    { "text", "One", TW_CSS, "span.text::text" },
    { "element", "<span class=\"text\">One</span>", TW_CSS, "span.text" },
    { "attribute", "/t/a", TW_CSS, "a::attr(href)" },
    { "url", "http://site.example/t/a", TW_CSS, "a::attr(href) |> url" },
    { "list", "One", TW_CSS, "span |> text |> all" },
    { "joined", "One+Two & more", TW_CSS, "span |> text |> join('+')" },
    { "nothing", NULL, TW_CSS, "h1::text" },
    { "xpath", "more", TW_XPATH, "//b/text()" },
    { "relative", "q1", TW_XPATH, "body/div/@id" },
    { "number", "3", TW_XPATH, "count(//a)" },
};

START_TEST(a_get_is_the_first_text)
{
    tw_page *page = pages_html(pages, quotes);
    const char *got = tw_node_get(tw_page_root(page), gets[_i].language, gets[_i].query);

    if (gets[_i].got == NULL)
        ck_assert_ptr_null(got);
    else
        ck_assert_msg(got != NULL && strcmp(got, gets[_i].got) == 0, "%s: %s", gets[_i].name,
                      got);
    ck_assert(tw_is_none(tw_page_failure(page)));
    twi_page_free(page);
}
END_TEST

START_TEST(nodes_are_asked_in_turn)
{
    tw_page *page = pages_html(pages, quotes);
    tw_node *second = tw_node_first(tw_page_root(page), TW_CSS, "#q2"), *text, *made;

    ck_assert(tw_css_has(page, "li.next"));
    ck_assert(!tw_css_has(second, "a"));
    ck_assert_str_eq(tw_css_get(second, "b::text"), "more");
    ck_assert_str_eq(tw_css_get(second, "div::attr(id)"), "q2");
    ck_assert_str_eq(tw_xpath_get(second, "@id"), "q2");
    ck_assert_str_eq(tw_xpath_get(second, "preceding-sibling::div/@id"), "q1");
    ck_assert_str_eq(tw_css_get(second, "|> text |> lower"), "two & more");
    ck_assert_str_eq(tw_node_text(second), "Two & more");
    ck_assert_str_eq(tw_node_html(tw_node_first(second, TW_CSS, "b")), "<b>more</b>");
    ck_assert_ptr_null(tw_node_attribute(second, "href"));
    ck_assert_ptr_eq(tw_node_page(second), page);

    text = tw_node_first(second, TW_CSS, "span::text");
    ck_assert_str_eq(tw_node_text(text), "Two & ");
    ck_assert_str_eq(tw_node_html(text), "Two & ");
    ck_assert_str_eq(tw_css_get(text, "|> strip"), "Two &");
    ck_assert_ptr_null(tw_css_get(text, "b"));
    ck_assert_ptr_null(tw_node_attribute(text, "id"));
    made = tw_node_first(second, TW_CSS, "span |> text |> re('m.*')");
    ck_assert_str_eq(tw_node_text(made), "more");
    ck_assert_str_eq(tw_css_get(made, "|> re('..$')"), "re");
    ck_assert_ptr_null(tw_css_get(made, "b"));
    ck_assert_ptr_null(tw_node_attribute(made, "id"));
    ck_assert(tw_is_none(tw_page_failure(page)));
    twi_page_free(page);
}
END_TEST

START_TEST(json_is_found_in_pages_of_it_and_in_texts)
{
    tw_page *page = pages_json(pages, "{\"hits\":[{\"id\":1,\"n\":null},{\"id\":\"b\"}],"
                                      "\"next\":2,\"on\":true,\"o\":{\"a\":[]}}");
    char ids[20] = "";

    TW_JSON_EACH (hit, page, "/hits")
        strcat(ids, tw_json_get(hit, "/id"));
    ck_assert_str_eq(ids, "1b");
    ck_assert_str_eq(tw_json_get(page, "/next"), "2");
    ck_assert_str_eq(tw_json_get(page, "/on"), "true");
    ck_assert_str_eq(tw_json_get(page, "/o"), "{\"a\":[]}");
    ck_assert_str_eq(tw_json_get(page, "/hits |> first"), "{\"id\":1,\"n\":null}");
    ck_assert_ptr_null(tw_json_get(page, "/hits/0/n"));
    ck_assert(tw_json_has(page, "/hits/1"));
    ck_assert(!tw_json_has(page, "/hits/2"));
    ck_assert_str_eq(tw_node_text(tw_node_first(tw_page_root(page), TW_JSON, "/hits")),
                     "[{\"id\":1,\"n\":null},{\"id\":\"b\"}]");
    ck_assert(tw_is_none(tw_page_failure(page)));
    twi_page_free(page);

    page = pages_html(pages, quotes);
    TW_CSS_EACH (script, page, "script") {
        ck_assert_str_eq(tw_json_get(script, "/offers/0/price"), "5");
        ck_assert_str_eq(tw_json_get(script, "/@type"), "Book");
    }
    ck_assert_ptr_null(tw_json_get(tw_node_first(tw_page_root(page), TW_CSS, "a"), "/x"));
    ck_assert(tw_is_none(tw_page_failure(page)));
    ck_assert_ptr_null(tw_json_get(page, "/x"));
    ck_assert(pages_failed_with(page, &tw_error_protocol));
    twi_page_free(page);
}
END_TEST

START_TEST(xml_is_read_as_such)
{
    static const char xml[] =
        "<?xml version='1.0'?><r><Item>a</Item><link>http://h/</link></r>";
    static const char *const types[] = { "application/xml", "application/rss+xml; x=y", NULL };

    for (int i = 0; i < 3; i++) {
        tw_page *page = pages_make(pages, "http://h/", types[i], xml, strlen(xml));
        ck_assert_str_eq(tw_css_get(page, "link::text"), "http://h/");
        ck_assert_str_eq(tw_xpath_get(page, "/r/Item"), "<Item>a</Item>");
        twi_page_free(page);
    }
}
END_TEST

/* --- wrong queries, misuse ----------------------------------------------------------------- */

static const struct {
    enum tw_language language;
    const char *query, *message;
} wrong[] = {
    { TW_CSS, "div..x", "div..x: " },
    { TW_CSS, "p |> nmber", "p |> nmber: there is no filter \"nmber\", at character 6" },
    { TW_XPATH, "//p[", "//p[: " },
    { TW_XPATH, "nofn()", "nofn(): " },
    { TW_JSON, "x", "x: a JSON pointer begins with \"/\", at character 1" },
    { TW_CSS, NULL, "a query is NULL" },
};

START_TEST(a_wrong_query_fails_the_page_and_finds_nothing)
{
    tw_page *page = pages_html(pages, quotes);
    const char *message;

    ck_assert_ptr_null(tw_node_get(tw_page_root(page), wrong[_i].language, wrong[_i].query));
    message = tw_failure_message(tw_page_failure(page));
    ck_assert(pages_failed_with(page, &tw_error_selector));
    ck_assert_msg(strncmp(message, wrong[_i].message, strlen(wrong[_i].message)) == 0, "%s",
                  message);
    twi_page_free(page);
}
END_TEST

/* Everything that may be called with what is not there. */
static void misuse(tw_page *page, tw_node *node, tw_item *item)
{
    tw_page_text(page);
    ck_assert_str_eq(tw_node_text(node), "");
    ck_assert_str_eq(tw_node_html(node), "");
    ck_assert_ptr_null(tw_node_attribute(node, "a"));
    ck_assert_ptr_null(tw_css_get(node, "a"));
    ck_assert_ptr_null(tw_xpath_get(page, "//a"));
    ck_assert_ptr_null(tw_json_get(page, "/a"));
    ck_assert(!tw_css_has(page, "a"));
    TW_CSS_EACH (each, page, "a") {
        ck_abort_msg("%p", (void *)each);
    }
    tw_item_css(item, "a", page, "a");
    tw_item_css(item, "a", node, "a |> all");
    tw_item_set(item, "b", 1);
    tw_item_set(item, NULL, 1);
    tw_item_set(item, "c", tw_bytes("x", 1));
    tw_item_get(item, "a");
    tw_item_get_double(item, "a");
    tw_item_id(item);
    tw_item_page(item);
    tw_emit(item);
    ck_assert_uint_eq(tw_follow(page, "a", NULL), 0);
    ck_assert_uint_eq(tw_follow_links(page, NULL, NULL), 0);
    ck_assert_uint_eq(
        tw_scrape(page, "a", (struct tw_extract[]){ { .name = "x", .css = "a" }, { 0 } }), 0);
    ck_assert_int_eq(tw_visit(page, NULL), -EINVAL);
    ck_assert_int_lt(tw_submit(page, "form", NULL, { "a", "b" }), 0);
    tw_page_header(page, "a");
    tw_page_absolute(page, "a");
    tw_page_retry(page, 1, NULL);
    tw_page_fail(page, tw_fail(&tw_error, "misuse"));
    tw_page_fail(page, tw_none());
}

START_TEST(a_page_that_is_not_there_finds_nothing)
{
    struct twi_page_source source = { .url = "http://h/",
                                      .failure = tw_fail(&tw_error_timeout, "late") };
    tw_page *page = test_given(twi_page_new(pages, &source));

    misuse(NULL, NULL, NULL);
    ck_assert_ptr_null(tw_page_item(NULL));
    ck_assert_str_eq(tw_page_url(NULL), "");
    ck_assert(tw_is_none(tw_page_failure(NULL)));
    misuse(NULL, NULL, tw_item_new(NULL));
    ck_assert(tw_failure_is(tw_page_failure(page), &tw_error_timeout));
    ck_assert_int_eq(tw_page_status(page), 0);
    ck_assert_ptr_null(tw_css_get(page, "a"));
    misuse(page, tw_page_root(page), tw_item_new(page));
    twi_page_free(page);
}
END_TEST

/* --- verdicts ------------------------------------------------------------------------------ */

START_TEST(the_first_verdict_stands_and_takes_all_back)
{
    tw_page *page = pages_html(pages, quotes);
    const struct twi_page_outcome *outcome;

    tw_emit(tw_item_new(page));
    ck_assert_int_eq(tw_visit(page, "/x"), 1);
    twi_page_count(page, "n", 5, true);
    ck_assert_int_eq(twi_page_counted(page, "n", true), 5);
    tw_page_fail(page, tw_fail(&tw_error_drop, "first"));
    tw_page_fail(page, tw_fail(&tw_error_robots, "second"));
    tw_page_retry(page, 5, "third");
    outcome = twi_page_outcome(page);
    ck_assert(tw_failure_is(outcome->failure, &tw_error_drop));
    ck_assert_str_eq(tw_failure_message(tw_page_failure(page)), "first");
    ck_assert(!outcome->is_retry);
    ck_assert_ptr_null(outcome->items);
    ck_assert_ptr_null(outcome->visits);
    ck_assert_ptr_null(outcome->counts);
    ck_assert_uint_eq(outcome->visit_count + outcome->item_count, 0);
    twi_page_free(page);

    page = pages_html(pages, quotes);
    tw_page_retry(page, 5, "half of it");
    tw_page_fail(page, tw_fail(&tw_error_drop, "then"));
    outcome = twi_page_outcome(page);
    ck_assert(outcome->is_retry && outcome->retry_after == 5);
    ck_assert_str_eq(outcome->retry_why, "half of it");
    twi_page_free(page);
}
END_TEST

/* A page of `count` rows, each with a text of 100 bytes. */
static tw_page *page_of_rows(struct twi_pages *of, size_t count)
{
    static const char row[] =
        "<p>0123456789012345678901234567890123456789012345678901234567890"
        "123456789012345678901234567890123456789</p>";
    size_t length = strlen(row);
    char *body;
    tw_value bytes = tw_bytes_new(count * length, &body);
    struct twi_page_source source = { .url = "http://h/", .status = 200, .body = bytes };

    for (size_t i = 0; i < count; i++)
        memcpy(body + i * length, row, length);
    return test_given(twi_page_new(of, &source));
}

START_TEST(memory_is_limited)
{
    struct twi_pages_options options = { .max_page_memory = 1 << 20 };
    struct twi_pages *small = pages_begin(&options);
    tw_page *page = page_of_rows(small, 1000);

    for (int i = 0; i < 20; i++)
        TW_CSS_EACH (row, page, "p |> text |> lower")
            ck_assert_uint_eq(strlen(tw_node_text(row)), 100);
    ck_assert(pages_failed_with(page, &tw_error_memory));
    twi_page_free(page);
    page = page_of_rows(small, 100000);
    ck_assert_ptr_null(tw_css_get(page, "p::text"));
    ck_assert_ptr_null(tw_css_get(page, "p::text"));
    ck_assert(pages_failed_with(page, &tw_error_memory));
    twi_page_free(page);
    page = page_of_rows(small, 1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_str_eq(tw_css_get(page, "p::text |> re('^01') |> number"), "1");
    ck_assert(tw_is_none(twi_page_outcome(page)->failure));
    twi_page_free(page);
    twi_pages_free(small);
}
END_TEST

START_TEST(an_outcome_is_limited)
{
    struct twi_pages_options options = { .max_outcome = 10000, .max_visits = 50 };
    struct twi_pages *small = pages_begin(&options);
    tw_page *page = pages_html(small, quotes);
    int i;

    for (i = 0; tw_is_none(tw_page_failure(page)) && i < 1000; i++) {
        tw_item *item = tw_item_new(page);
        tw_item_set(item, "text", "0123456789012345678901234567890123456789");
        tw_emit(item);
    }
    ck_assert_int_gt(i, 20);
    ck_assert(pages_failed_with(page, &tw_error_toolarge));
    twi_page_free(page);
    page = pages_html(small, quotes);
    for (i = 0; i < 50; i++)
        ck_assert_int_eq(tw_visit(page, tw_format(page, "/%d", i)), 1);
    ck_assert_int_eq(tw_visit(page, "/49"), 0);
    ck_assert_int_eq(tw_visit(page, "/50"), -E2BIG);
    ck_assert(pages_failed_with(page, &tw_error_toolarge));
    twi_page_free(page);
    twi_pages_free(small);
}
END_TEST

/* --- pages in pages ------------------------------------------------------------------------ */

START_TEST(a_fetched_page_is_a_part_of_the_one_that_fetched_it)
{
    tw_page *page = pages_html(pages, quotes), *inner, *third;
    struct twi_page_source source = { .url = "http://other/dir/",
                                      .status = 200,
                                      .outer = page };
    const struct twi_page_outcome *outcome = NULL;

    source.body = tw_string("<a href=x>x</a>");
    inner = test_given(twi_page_new(pages, &source));
    source.outer = inner;
    source.body = tw_string("no json");
    third = test_given(twi_page_new(pages, &source));
    ck_assert_uint_eq(tw_follow(inner, "a", pages_detail), 1);
    tw_emit(tw_item_new(third));
    outcome = twi_page_outcome(page);
    ck_assert_uint_eq(outcome->visit_count, 1);
    ck_assert_str_eq(outcome->visits->path, "/dir/x");
    ck_assert_str_eq(outcome->visits->origin, "http://other");
    ck_assert_uint_eq(outcome->visits->depth, 4);
    ck_assert_uint_eq(outcome->item_count, 1);
    ck_assert_str_eq(tw_item_id(outcome->items), "7-1");
    ck_assert_ptr_null(tw_json_get(third, "/x"));
    ck_assert(tw_failure_is(tw_page_failure(page), &tw_error_protocol));
    twi_page_free(page);
}
END_TEST

static tw_page *fetch_fails(tw_page *page, const struct twi_visit *visit,
                            const struct twi_visit_info *info, void *arg)
{
    struct twi_page_source source = { .url = visit->path, .outer = page, .info = info };

    ck_assert_str_eq(arg, "arg");
    ck_assert_str_eq(info->headers[0].value, "text/html");
    source.failure = tw_fail(&tw_error_timeout, "late");
    return twi_page_new(pages, &source);
}

START_TEST(a_fetch_is_never_null)
{
    const struct twi_page_ops ops = { .fetch = fetch_fails };
    const struct twi_pages_options options = { .ops = &ops, .arg = (char[]){ "arg" } };
    struct twi_pages *own = pages_begin(&options);
    tw_page *page = pages_html(own, quotes), *got;

    got = tw_fetch(page, NULL);
    ck_assert(tw_failure_is(tw_page_failure(got), &tw_error_url));
    got = tw_fetch(page, "mailto:x");
    ck_assert(tw_failure_is(tw_page_failure(got), &tw_error_url));
    ck_assert_ptr_null(tw_css_get(got, "a"));
    twi_page_free(page);
    twi_pages_free(own);

    page = pages_html(pages, quotes);
    got = tw_fetch(page, "/x");
    ck_assert(tw_failure_is(tw_page_failure(got), &tw_error_misuse));
    ck_assert(tw_is_none(twi_page_outcome(page)->failure));
    twi_page_free(page);
}
END_TEST

START_TEST(a_fetch_is_given_on)
{
    struct twi_page_ops ops = { .fetch = fetch_fails };
    const struct twi_pages_options options = { .ops = &ops, .arg = (char[]){ "arg" } };
    struct twi_pages *own = pages_begin(&options);
    tw_page *page = pages_html(own, quotes), *got;

    got = tw_fetch(page, "/x?y", .headers = TW_FIELDS({ "Accept", "text/html" }));
    ck_assert_str_eq(tw_page_url(got), "/x?y");
    ck_assert(tw_failure_is(tw_page_failure(got), &tw_error_timeout));
    ck_assert_ptr_eq(twi_page_outer(got), page);
    ck_assert_uint_eq(twi_page_outcome(page)->visit_count, 0);
    twi_page_free(page);
    twi_pages_free(own);
}
END_TEST

static tw_page *fetch_nothing(tw_page *page, const struct twi_visit *visit,
                              const struct twi_visit_info *info, void *arg)
{
    (void)page;
    (void)visit;
    (void)info;
    (void)arg;
    return NULL;
}

START_TEST(nothing_gathers_in_a_page_that_there_is_no_memory_for)
{
    const struct twi_page_ops ops = { .fetch = fetch_nothing };
    const struct twi_pages_options options = { .ops = &ops };
    struct twi_pages *own = pages_begin(&options);
    tw_page *page = pages_html(own, quotes), *got = tw_fetch(page, "/x");

    ck_assert(pages_failed_with(page, &tw_error_memory));
    ck_assert(tw_failure_is(tw_page_failure(got), &tw_error_memory));
    for (int i = 0; i < 10000; i++) {
        tw_item *item = tw_item_new(got);
        tw_item_set(item, "a", "0123456789");
        tw_emit(item);
        ck_assert_int_eq(tw_visit(got, "http://h/"), -ECANCELED);
        ck_assert_ptr_null(tw_css_get(got, "a"));
    }
    twi_page_free(page);
    twi_pages_free(own);
}
END_TEST

START_TEST(memory_of_a_page_is_used_again)
{
    struct twi_page_source source = { .url = "http://h/", .status = 200 };

    for (int i = 0; i < 20; i++) {
        tw_page *outer = pages_html(pages, quotes), *last = outer;
        for (int n = 0; n < 20; n++) {
            source.outer = n % 2 ? last : outer;
            source.body = tw_string(quotes);
            last = test_given(twi_page_new(pages, &source));
            ck_assert_str_eq(tw_xpath_get(last, "//b/text()"), "more");
        }
        twi_page_free(outer);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page");
    int status;

    pages = twi_pages_new(&(struct twi_pages_options){ .ops = &pages_ops });
    TEST_ADD(suite, a_page_tells_what_came_and_what_was_sent_along);
    TEST_ADD_ROWS(suite, its_text_is_utf_8, texts);
    TEST_ADD_ROWS(suite, urls_are_made_absolute_by_the_base, absolutes);
    TEST_ADD(suite, queries_of_urls_are_in_the_charset_of_the_page);
    TEST_ADD(suite, a_refresh_leads_on);
    TEST_ADD(suite, loops_go_over_all_that_is_found);
    TEST_ADD_ROWS(suite, a_get_is_the_first_text, gets);
    TEST_ADD(suite, nodes_are_asked_in_turn);
    TEST_ADD(suite, json_is_found_in_pages_of_it_and_in_texts);
    TEST_ADD(suite, xml_is_read_as_such);
    TEST_ADD_ROWS(suite, a_wrong_query_fails_the_page_and_finds_nothing, wrong);
    TEST_ADD(suite, a_page_that_is_not_there_finds_nothing);
    TEST_ADD(suite, the_first_verdict_stands_and_takes_all_back);
    TEST_ADD(suite, memory_is_limited);
    TEST_ADD(suite, an_outcome_is_limited);
    TEST_ADD(suite, a_fetched_page_is_a_part_of_the_one_that_fetched_it);
    TEST_ADD(suite, a_fetch_is_never_null);
    TEST_ADD(suite, a_fetch_is_given_on);
    TEST_ADD(suite, nothing_gathers_in_a_page_that_there_is_no_memory_for);
    TEST_ADD(suite, memory_of_a_page_is_used_again);
    status = test_run(suite);
    twi_pages_free(pages);
    return status;
}
