/* SPDX-License-Identifier: MIT */
/*
 * check_page_item.c - items hold what they are given, in order, and are emitted as they are then.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "tests/pages.h"

static const char shop[] =
    "<h1> Wool </h1><p class=price>\xc2\xa3 1,051.77</p><ul><li>a<li>b<li>c</ul>"
    "<div class=row><b>x</b><i>1</i></div><div class=row><i>2</i></div>"
    "<div class=row><b>z</b></div>";

static const struct {
    const char *text;
    double number;
    bool is_number;
} number_texts[] = {
    { " 1.5 ", 1.5, true }, { "-5", -5, true },    { "+.5", 0.5, true },
    { "2.", 2, true },      { "1e3", 1000, true }, { "1.5E-1", 0.15, true },
    { "", 0, false },       { ".", 0, false },     { "e5", 0, false },
    { "1e", 0, false },     { "1,5", 0, false },   { "0x10", 0, false },
    { "inf", 0, false },    { "nan", 0, false },   { "1 2", 0, false },
};

START_TEST(fields_are_set_by_type_and_replaced_in_place)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, shop);
    tw_item *item = tw_item_new(page);
    tw_value list = tw_list(2), nested = tw_list(1);
    char buffer[] = "text";

    ck_assert_int_eq(tw_list_append(list, tw_integer(1)), 0);
    ck_assert_int_eq(tw_list_append(nested, tw_string("in")), 0);
    ck_assert_int_eq(tw_list_append(list, nested), 0);
    tw_item_set(item, "text", buffer);
    buffer[0] = 'n';
    tw_item_set(item, "null", (const char *)NULL);
    tw_item_set(item, "void", NULL);
    tw_item_set(item, "int", -5);
    tw_item_set(item, "long", INT64_C(9007199254740993));
    tw_item_set(item, "unsigned", 5u);
    tw_item_set(item, "double", 0.1);
    tw_item_set(item, "infinite", INFINITY);
    tw_item_set(item, "bool", (bool)true);
    tw_item_set(item, "none", tw_none());
    tw_item_set(item, "list", list);
    tw_item_set(item, "bytes", tw_bytes("a\0b", 3));
    tw_item_set(item, "double", 2.5);
    ck_assert_str_eq(
        tw_item_text(item),
        "{\"text\":\"text\",\"null\":null,\"void\":null,\"int\":-5,"
        "\"long\":9007199254740993,\"unsigned\":5,\"double\":2.5,\"infinite\":null,"
        "\"bool\":true,\"none\":null,\"list\":[1,[\"in\"]],\"bytes\":\"a\\u0000b\"}");
    ck_assert_str_eq(tw_item_get(item, "text"), "text");
    ck_assert_ptr_null(tw_item_get(item, "null"));
    ck_assert_ptr_null(tw_item_get(item, "absent"));
    ck_assert_str_eq(tw_item_get(item, "bool"), "true");
    ck_assert_str_eq(tw_item_get(item, "list"), "[1,[\"in\"]]");
    ck_assert(tw_item_get_double(item, "int") == -5);
    ck_assert(isnan(tw_item_get_double(item, "text")));
    ck_assert(isnan(tw_item_get_double(item, "absent")));
    for (size_t i = 0; i < sizeof number_texts / sizeof *number_texts; i++) {
        tw_item_set(item, "text", number_texts[i].text);
        ck_assert_msg(number_texts[i].is_number
                          ? tw_item_get_double(item, "text") == number_texts[i].number
                          : isnan(tw_item_get_double(item, "text")),
                      "%s", number_texts[i].text);
    }
    ck_assert_ptr_eq(tw_item_page(item), page);
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(a_value_that_is_none_for_an_item_fails_the_page)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, shop);
    int box = 0;

    tw_item_set(tw_item_new(page), "x", tw_fail(&tw_error_timeout, "late"));
    ck_assert(pages_failed_with(page, &tw_error_timeout));
    twi_page_free(page);
    page = pages_html(pages, shop);
    tw_item_set(tw_item_new(page), "x", tw_pointer(&box));
    ck_assert(pages_failed_with(page, &tw_error_misuse));
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

static const struct {
    enum tw_language language;
    const char *query, *json;
} fields[] = {
    { TW_CSS, "h1::text |> strip", "\"Wool\"" },
    { TW_CSS, "p.price::text |> number", "1051.77" },
    { TW_CSS, "li::text", "\"a\"" },
    { TW_CSS, "li::text |> all", "[\"a\",\"b\",\"c\"]" },
    { TW_CSS, "li::text |> all |> join('+')", "\"a+b+c\"" },
    { TW_CSS, "li::text |> lower |> all", "[\"a\",\"b\",\"c\"]" },
    { TW_CSS, "dl::text", "null" },
    { TW_CSS, "dl::text |> all", "[]" },
    { TW_CSS, "dl::text |> default(0)", "0" },
    { TW_XPATH, "count(//li)", "3" },
    { TW_XPATH, "//li[2]", "\"<li>b</li>\"" },
    { TW_XPATH, "//li/text() |> all", "[\"a\",\"b\",\"c\"]" },
};

START_TEST(a_field_is_what_a_query_finds)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, shop);
    tw_item *item = tw_item_new(page);

    tw_item_query(item, "f", tw_page_root(page), fields[_i].language, fields[_i].query);
    ck_assert_str_eq(tw_item_text(item), tw_format(page, "{\"f\":%s}", fields[_i].json));
    ck_assert(tw_is_none(tw_page_failure(page)));
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(json_values_stay_as_they_are)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_json(pages, "{\"a\":[1,null,{\"b\":1.50}],\"n\":null,\"s\":\"x\"}");
    tw_item *item = tw_item_new(page);

    tw_item_json(item, "a", page, "/a");
    tw_item_json(item, "all", page, "/a |> all");
    tw_item_json(item, "first", page, "/a |> first");
    tw_item_json(item, "a2", page, "/a");
    tw_item_json(item, "n", page, "/n");
    tw_item_json(item, "s", page, "/s");
    ck_assert_str_eq(tw_item_text(item),
                     "{\"a\":[1,null,{\"b\":1.50}],\"all\":[1,{\"b\":1.50}],\"first\":1,"
                     "\"a2\":[1,null,{\"b\":1.50}],\"n\":null,\"s\":\"x\"}");
    ck_assert_str_eq(tw_json_get(page, "/a"), "[1,null,{\"b\":1.50}]");
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(many_fields_are_found_fast)
{
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, shop);
    tw_item *item = tw_item_new(page);
    char name[32];

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 50000; i++) {
            snprintf(name, sizeof name, "field %d", i);
            tw_item_set(item, name, i + round);
        }
    for (int i = 0; i < 50000; i++) {
        snprintf(name, sizeof name, "field %d", i);
        ck_assert(tw_item_get_double(item, name) == i + 1);
    }
    ck_assert(strstr(tw_item_text(item), "\"field 9\":10,\"field 10\":11,") != NULL);
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

/* --- emitted ------------------------------------------------------------------------------- */

static void note(tw_page *page, tw_item *item, void *arg)
{
    size_t *count = arg;

    ck_assert_ptr_eq(page, tw_item_page(item));
    tw_item_set(item, "seen", ++*count == 1 ? "first" : "later");
}

START_TEST(an_item_is_emitted_as_it_is_then)
{
    static const struct twi_page_ops ops = { .emitted = note };
    size_t count = 0, length;
    const struct twi_pages_options options = { .ops = &ops, .arg = &count };
    struct twi_pages *pages = pages_begin(&options);
    tw_page *page = pages_html(pages, shop);
    tw_item *item = tw_item_new(page), *other = tw_item_new(page), *emitted;

    ck_assert_str_eq(tw_item_id(other), "7-2");
    for (int i = 0; i < 3; i++) {
        tw_item_set(item, "n", i);
        tw_emit(item);
    }
    tw_emit(other);
    emitted = twi_page_outcome(page)->items;
    ck_assert_uint_eq(twi_page_outcome(page)->item_count, 4);
    ck_assert_str_eq(twi_item_json(emitted, &length), "{\"n\":0,\"seen\":\"first\"}");
    ck_assert_uint_eq(length, strlen("{\"n\":0,\"seen\":\"first\"}"));
    ck_assert_str_eq(tw_item_id(emitted), "7-1");
    emitted = emitted->next;
    ck_assert_str_eq(tw_item_text(emitted), "{\"n\":1,\"seen\":\"later\"}");
    ck_assert_str_eq(tw_item_id(emitted), "7-3");
    ck_assert_str_eq(tw_item_id(emitted->next), "7-4");
    ck_assert_str_eq(tw_item_id(emitted->next->next), "7-2");
    ck_assert_ptr_null(emitted->next->next->next);
    tw_emit(item);
    ck_assert_uint_eq(twi_page_outcome(page)->item_count, 4);
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(an_item_that_came_along_is_there_once)
{
    struct twi_pages *pages = pages_begin(NULL);
    struct twi_arena arena;
    struct twi_visit_info info = { 0 };
    struct twi_page_source source = { .url = "http://h/", .status = 200, .info = &info };
    struct twi_json_error error;
    tw_page *page;

    twi_arena_init(&arena, 0);
    info.item = twi_json_read(&arena, "{\"a\":1,\"b\":[2]}", 15, &error);
    page = test_given(twi_page_new(pages, &source));
    ck_assert_ptr_eq(tw_page_item(page), tw_page_item(page));
    tw_item_set(tw_page_item(page), "a", "x");
    tw_emit(tw_page_item(page));
    ck_assert_str_eq(tw_item_text(twi_page_outcome(page)->items), "{\"a\":\"x\",\"b\":[2]}");
    ck_assert_str_eq(twi_json_text(info.item->first), "1");
    twi_page_free(page);
    twi_arena_free(&arena);
    twi_pages_free(pages);
}
END_TEST

/* --- tables -------------------------------------------------------------------------------- */

START_TEST(a_table_makes_items)
{
    static const struct tw_extract table[] = {
        { .name = "b", .css = "b::text", .required = true },
        { .name = "i", .xpath = "i/text() |> number" },
        { .name = "nothing" },
        { 0 },
    };
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_html(pages, shop);
    const struct twi_page_outcome *outcome;

    ck_assert_uint_eq(tw_scrape(page, "div.row", table), 2);
    ck_assert_uint_eq(tw_scrape(page, NULL, table), 1);
    ck_assert_uint_eq(tw_scrape(page, "div.none", table), 0);
    outcome = twi_page_outcome(page);
    ck_assert_uint_eq(outcome->item_count, 3);
    ck_assert_str_eq(tw_item_text(outcome->items), "{\"b\":\"x\",\"i\":1,\"nothing\":null}");
    ck_assert_str_eq(tw_item_text(outcome->items->next),
                     "{\"b\":\"z\",\"i\":null,\"nothing\":null}");
    ck_assert_int_eq(twi_page_counted(page, "item_dropped_count", false), 1);
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

START_TEST(a_table_reads_json)
{
    static const struct tw_extract table[] = {
        { .name = "id", .json = "/id", .required = true },
        { .name = "on", .json = "/on" },
        { 0 }
    };
    struct twi_pages *pages = pages_begin(NULL);
    tw_page *page = pages_json(pages,
                               "{\"h\":[{\"id\":1,\"on\":true},{\"id\":null},{\"id\":\"\"}]}");

    ck_assert_uint_eq(tw_scrape(page, "/h", table), 2);
    ck_assert_str_eq(tw_item_text(twi_page_outcome(page)->items), "{\"id\":1,\"on\":true}");
    twi_page_free(page);
    twi_pages_free(pages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page_item");

    TEST_ADD(suite, fields_are_set_by_type_and_replaced_in_place);
    TEST_ADD(suite, a_value_that_is_none_for_an_item_fails_the_page);
    TEST_ADD_ROWS(suite, a_field_is_what_a_query_finds, fields);
    TEST_ADD(suite, json_values_stay_as_they_are);
    TEST_ADD(suite, many_fields_are_found_fast);
    TEST_ADD(suite, an_item_is_emitted_as_it_is_then);
    TEST_ADD(suite, an_item_that_came_along_is_there_once);
    TEST_ADD(suite, a_table_makes_items);
    TEST_ADD(suite, a_table_reads_json);
    return test_run(suite);
}
