/* SPDX-License-Identifier: MIT */
/*
 * check_page_deep.c - on a coroutine's small stack, with pages that are nested deeply or huge, all
 * calls work or end with their limit; and without memory each page fails by that name.
 */
#include "config.h"

#include <stdio.h>

#include <tweed/coroutine.h>

#include "tests/failing_malloc.h"
#include "tests/pages.h"

#define LEVELS 10000

/* `count` times `part`, `middle`, and `count` times `end`. */
static tw_value nested(const char *part, size_t count, const char *middle, const char *end)
{
    size_t length = strlen(part), end_length = strlen(end), middle_length = strlen(middle);
    char *data;
    tw_value bytes = tw_bytes_new((length + end_length) * count + middle_length, &data);

    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < count; i++, data += length)
        memcpy(data, part, length);
    memcpy(data, middle, middle_length);
    data += middle_length;
    for (size_t i = 0; i < count; i++, data += end_length)
        memcpy(data, end, end_length);
    return bytes;
}

static tw_page *page_of(struct twi_pages *pages, tw_value body)
{
    const struct twi_page_source source = { .url = "http://h/", .status = 200, .body = body };

    return test_given(twi_page_new(pages, &source));
}

/* Run a test's body as a coroutine. */
static void in_coroutine(tw_coroutine_body *body, void *arg)
{
    tw_coroutine *coroutine = test_given(tw_coroutine_new(body, arg));

    ck_assert_int_eq(tw_coroutine_next(coroutine, NULL), TW_RETURNED);
    tw_coroutine_free(coroutine);
}

static tw_value reads_deep_elements(void *arg)
{
    struct twi_pages *pages = arg;
    tw_page *page = page_of(pages, nested("<div class=x>", LEVELS,
                                          "<form><input name=a><a href=/in>deep</a></form>",
                                          "</div>"));
    tw_item *item = tw_item_new(page);
    tw_node *node = tw_node_first(tw_page_root(page), TW_CSS, "div.x div.x > form a");
    size_t count = 0;

    ck_assert_str_eq(tw_node_text(node), "deep");
    ck_assert_str_eq(tw_css_get(page, "div:not(:has(> div)) |> text"), "deep");
    ck_assert_str_eq(tw_xpath_get(page, "count(//div)"), "10000");
    ck_assert_str_eq(tw_xpath_get(page, "count(//a/ancestor::div)"), "10000");
    ck_assert_str_eq(tw_xpath_get(page, "string(//div)"), "deep");
    ck_assert_uint_gt(strlen(tw_node_html(tw_page_root(page))), LEVELS * 20);
    ck_assert_str_eq(tw_css_get(page, "div |> re('d(e+)p')"), "ee");
    TW_CSS_EACH (div, page, "div") {
        count++;
        if (count % 1000 == 0)
            ck_assert_str_eq(tw_node_text(div), "deep");
    }
    ck_assert_uint_eq(count, LEVELS);
    tw_item_css(item, "a", page, "a::attr(href) |> url |> all");
    tw_emit(item);
    ck_assert_uint_eq(tw_follow_links(page, NULL, NULL), 1);
    ck_assert_int_eq(tw_submit(page, "form", NULL, { "a", "b" }), 1);
    ck_assert_str_eq(tw_item_text(twi_page_outcome(page)->items), "{\"a\":[\"http://h/in\"]}");
    ck_assert(tw_is_none(twi_page_outcome(page)->failure));
    twi_page_free(page);
    return tw_none();
}

static tw_value reads_deep_json(void *arg)
{
    struct twi_pages *pages = arg;
    tw_page *page = page_of(pages, nested("[", 1000, "1", "]"));
    tw_item *item = tw_item_new(page);
    size_t length;

    tw_item_json(item, "all", page, "");
    tw_emit(item);
    ck_assert_uint_eq(strlen(tw_json_get(page, "")), 2001);
    ck_assert_uint_eq(strlen(tw_item_get(item, "all")), 2001);
    ck_assert_str_eq(tw_json_get(page, "/0/0/0 |> re('1')"), "1");
    ck_assert_int_eq(tw_visit(page, "/x", .item = item), 1);
    ck_assert_ptr_nonnull(twi_item_json(twi_page_outcome(page)->items, &length));
    ck_assert(tw_is_none(twi_page_outcome(page)->failure));
    twi_page_free(page);
    page = page_of(pages, nested("[", LEVELS, "1", "]"));
    ck_assert_ptr_null(tw_json_get(page, "/0"));
    ck_assert(pages_failed_with(page, &tw_error_protocol));
    twi_page_free(page);
    return tw_none();
}

static tw_value asks_deep_queries(void *arg)
{
    struct twi_pages *pages = arg;
    const tw_value queries[] = { nested("(", LEVELS, "1", ")"),
                                 nested(":not(", LEVELS, "a", ")"),
                                 nested("|> re('(", 1, "|> re('", "") };
    tw_value regex = nested("(", 200, "a", ")*"), query;
    tw_page *page;

    page = page_of(pages, nested("<p>", 1, "aaa", ""));
    ck_assert_ptr_null(tw_xpath_get(page, tw_bytes_data(queries[0])));
    ck_assert(pages_failed_with(page, &tw_error_selector));
    twi_page_free(page);
    page = page_of(pages, nested("<p>", 1, "aaa", ""));
    ck_assert_ptr_null(tw_css_get(page, tw_bytes_data(queries[1])));
    ck_assert(pages_failed_with(page, &tw_error_selector));
    twi_page_free(page);
    page = page_of(pages, nested("a", 1 << 20, "b", "c"));
    query = tw_bytes_format("p::text |> re('%s')", tw_bytes_data(regex));
    tw_css_get(page, tw_bytes_data(query));
    tw_css_get(page, "p::text |> re('(a|aa)+$')");
    tw_css_get(page, "p::text |> re('(.|\\n)*c') |> lower");
    twi_page_free(page);
    tw_release(query);
    tw_release(regex);
    for (int i = 0; i < 3; i++)
        tw_release(queries[i]);
    return tw_none();
}

/* Charsets are converted by iconv, whose modules are loaded then. */
static tw_value decodes(void *arg)
{
    tw_page *page = pages_make(arg, "http://h/", "text/html; charset=big5",
                               "<a href='?\xa4\x40'>", 15);

    ck_assert_str_eq(tw_css_get(page, "a::attr(href)"), "?\xe4\xb8\x80");
    ck_assert_str_eq(tw_css_get(page, "a::attr(href) |> url"), "http://h/?%A4@");
    twi_page_free(page);
    return tw_none();
}

static const struct {
    const char *name;
    tw_coroutine_body *body;
} bodies[] = { { "elements", reads_deep_elements },
               { "json", reads_deep_json },
               { "queries", asks_deep_queries },
               { "charsets", decodes } };

START_TEST(a_coroutine_is_stack_enough)
{
    struct twi_pages *pages = pages_begin(NULL);

    in_coroutine(bodies[_i].body, pages);
    twi_pages_free(pages);
}
END_TEST

/* --- large pages --------------------------------------------------------------------------- */

static const struct {
    const char *part;
    size_t count;
    const char *end;
    size_t memory;
    bool is_too_large;
} large[] = {
    { "0123456789 123456789 123456789\n", 1 << 19, "", 0, false },
    { "0123456789 123456789 123456789\n", 3 << 20, "", 0, true },
    { "<b>", 4 << 20, "", 32 << 20, true },
    { "<a href=x>", 1 << 20, "", 32 << 20, true },
    { "<!--", 4 << 20, "-->", 32 << 20, true },
    { "<p a=b c=d>&amp;", 1 << 20, "", 32 << 20, true },
    { "\xff", 20 << 20, "", 32 << 20, true },
};

static tw_value reads_a_large_page(void *arg)
{
    int i = *(int *)arg;
    struct twi_pages_options options = { .max_page_memory = large[i].memory };
    struct twi_pages *pages = pages_begin(&options);
    tw_page *page = page_of(pages, nested(large[i].part, large[i].count, "", large[i].end));
    const char *text = tw_css_get(page, "body |> text |> re('[0-9]+')");

    if (!large[i].is_too_large)
        ck_assert_str_eq(text, "0123456789");
    tw_xpath_get(page, "count(//a)");
    tw_follow(page, "a", NULL);
    ck_assert(large[i].is_too_large == pages_failed_with(page, &tw_error_memory));
    twi_page_free(page);
    twi_pages_free(pages);
    return tw_none();
}

START_TEST(a_large_page_is_read_or_named)
{
    int i = _i;

    in_coroutine(reads_a_large_page, &i);
}
END_TEST

/* --- without memory ------------------------------------------------------------------------ */

/* All of the API on one page. */
static void use_all(tw_page *page)
{
    static const struct tw_extract table[] = { { .name = "t", .css = "a |> text |> lower" },
                                               { .name = "n",
                                                 .xpath = "count(//a) |> number" },
                                               { .name = "d", .css = "i |> date |> all" },
                                               { 0 } };
    tw_item *item = tw_item_new(page);

    TW_CSS_EACH (link, page, "a") {
        tw_item_css(item, tw_format(page, "%s", tw_node_text(link)), link,
                    "a::attr(href) |> url");
        tw_node_html(link);
    }
    for (int i = 0; i < 40; i++)
        tw_item_set(item, tw_format(page, "n%d", i), tw_json_quote(page, "x"));
    tw_emit(item);
    tw_scrape(page, NULL, table);
    tw_json_get(tw_node_first(tw_page_root(page), TW_CSS, "script"), "/a/0");
    tw_visit(page, "/x", pages_detail, .item = item, .headers = TW_FIELDS({ "A", "b" }),
             .form = TW_FIELDS({ "c", "d" }), .params = TW_FIELDS({ "c", "d" }));
    tw_follow(page, "a", NULL);
    tw_follow_links(page, &(const struct tw_links){ .allow = "x", .css = "body" },
                    pages_detail);
    tw_submit(page, "form", NULL, { "a", "b" });
    tw_fetch(page, "/y", .json = "{}");
    tw_page_absolute(page, "z");
    tw_item_id(item);
    twi_page_count(page, "n", 1, true);
}

static const char everything[] =
    "<base href=/b/><a href=1>One</a><a href=x2>Two</a><i>12 May 2024</i><form><input name=a>"
    "</form><script>{\"a\":[1]}</script>";

/* A page that has less than it needs fails for want of memory, and nothing else happens. */
START_TEST(each_limit_of_memory_is_named)
{
    size_t limit = 1, steps = 0;
    bool is_done = false;

    for (; !is_done && steps < 3000; limit += limit < 4096 ? 97 : 331, steps++) {
        struct twi_pages_options options = { .ops = &pages_ops, .max_page_memory = limit };
        struct twi_pages *pages = twi_pages_new(&options);
        struct twi_page_source source = { .url = "http://h/", .status = 200 };
        tw_page *page;
        if (pages == NULL)
            continue;
        source.body = tw_string(everything);
        page = twi_page_new(pages, &source);
        if (page != NULL) {
            use_all(page);
            is_done = tw_is_none(twi_page_outcome(page)->failure);
            if (!is_done)
                ck_assert_msg(pages_failed_with(page, &tw_error_memory), "%zu: %s", limit,
                              tw_failure_message(tw_page_failure(page)));
            else
                ck_assert_uint_eq(twi_page_outcome(page)->visit_count, 4);
        }
        twi_page_free(page);
        twi_pages_free(pages);
    }
    ck_assert(is_done);
    ck_assert_uint_gt(steps, 20);
}
END_TEST

/* The same for each allocation: of libtweed (URLs, values, failures), and of arenas and copies. */
static bool use_once(void *arg)
{
    struct twi_pages_options options = { .ops = &pages_ops };
    struct twi_pages *pages = twi_pages_new(&options);
    struct twi_page_source source = { .url = "http://h/", .status = 200 };
    tw_page *page;
    bool is_good;

    (void)arg;
    if (pages == NULL)
        return false;
    source.body = tw_string(everything);
    page = tw_is_failure(source.body) ? NULL : twi_page_new(pages, &source);
    if (page == NULL) {
        twi_pages_free(pages);
        return false;
    }
    use_all(page);
    is_good = tw_is_none(twi_page_outcome(page)->failure);
    /* Assertions allocate, too. */
    if (!is_good && !pages_failed_with(page, &tw_error_memory)) {
        failing_malloc_stop();
        ck_abort_msg("%s", tw_failure_message(tw_page_failure(page)));
    }
    twi_page_free(page);
    twi_pages_free(pages);
    return is_good;
}

START_TEST(each_allocation_may_fail)
{
    ck_assert_uint_gt(test_each_alloc_failure(use_once, NULL), 10);
    ck_assert_uint_gt(failing_malloc_each(use_once, NULL), 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page_deep");

    TEST_ADD_ROWS(suite, a_coroutine_is_stack_enough, bodies);
    TEST_ADD_ROWS(suite, a_large_page_is_read_or_named, large);
    TEST_ADD(suite, each_limit_of_memory_is_named);
    TEST_ADD(suite, each_allocation_may_fail);
    return test_run(suite);
}
