/* SPDX-License-Identifier: MIT */
/*
 * check_filter.c - numbers and dates as people write them; queries with filters; what is wrong has
 * a place.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/date.h"
#include "spider/text/extract.h"
#include "spider/text/number.h"
#include "spider/text/pointer.h"
#include "tests/test.h"

#define NBSP "\xc2\xa0"
#define THIN "\xe2\x80\xaf"

/* --- numbers ------------------------------------------------------------------------------- */

static const struct {
    const char *text, *number, *integer; /* NULL: none */
} numbers[] = {
    { "51.77", "51.77", "51" },
    { "\xc2\xa3"
      "51.77",
      "51.77", "51" },
    { "EUR 1,234.50", "1234.5", "1234" },
    { "1.234,50 \xe2\x82\xac", "1234.5", "1234" },
    { "1" NBSP "234,50", "1234.5", "1234" },
    { "1" THIN "234" THIN "567", "1234567", "1234567" },
    { "1'234'567.80", "1234567.8", "1234567" },
    { "1\xe2\x80\x99"
      "234.80",
      "1234.8", "1234" },
    { "1,234", "1234", "1234" },
    { "1,234,567", "1234567", "1234567" },
    { "1.234.567", "1234567", "1234567" },
    { "1,23,45,678", "12345678", "1" },
    { "12,5", "12.5", "12" },
    { "0,123", "0.123", "0123" },
    { "1.234", "1.234", "1234" },
    { "19.90", "19.9", "19" },
    { "20.00", "20", "20" },
    { "007", "7", "7" },
    { "0", "0", "0" },
    { "-5", "-5", "-5" },
    { "\xe2\x88\x92"
      "5.5",
      "-5.5", "-5" },
    { "-$5", "-5", "-5" },
    { "A-5", "5", "5" },
    { "10-20", "10", "10" },
    { ".5", "0.5", "0" },
    { "No.5", "5", "5" },
    { "1e3", "1e3", "1" },
    { "1.5E-7x", "1.5", "1" },
    { "2.5e10 m", "2.5e10", "2" },
    { "3EUR", "3", "3" },
    { "1.5.2", "1.5", "1" },
    { "12.03.2024", "12.03", "12" },
    { "1,234.50 100 left", "1234.5", "1234" },
    { "In stock (22 available)", "22", "22" },
    { "12345678901234567890.10", "12345678901234567890.1", "12345678901234567890" },
    { "5, 10", "5", "5" },
    { "", NULL, NULL },
    { "none", NULL, NULL },
    { ".", NULL, NULL },
};

/* The text that a reader appends; NULL: it found none. */
static const char *taken(bool found, const struct twi_text *text)
{
    return found ? twi_text_string(text) : NULL;
}

static void same_or_none(const char *text, const char *got, const char *expected)
{
    ck_assert_msg((got == NULL) == (expected == NULL) &&
                      (got == NULL || strcmp(got, expected) == 0),
                  "%s: %s, not %s", text, got != NULL ? got : "none",
                  expected != NULL ? expected : "none");
}

START_TEST(a_number_is_read_as_people_write_it)
{
    struct twi_arena arena;
    struct twi_text number = { .arena = &arena }, integer = { .arena = &arena };
    struct twi_span text = twi_span_of(numbers[_i].text);

    twi_arena_init(&arena, 0);
    same_or_none(text.text, taken(twi_number_find(text, 0, &number), &number),
                 numbers[_i].number);
    if (numbers[_i].integer == NULL || numbers[_i].integer[0] != '0' ||
        numbers[_i].integer[1] == 0)
        same_or_none(text.text, taken(twi_integer_find(text, &integer), &integer),
                     numbers[_i].integer);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *text;
    char mark;
    const char *number;
} marked[] = {
    { "1.234", ',', "1234" },  { "1.234,5", ',', "1234.5" },
    { "1,234", ',', "1.234" }, { "1.234.567,89", ',', "1234567.89" },
    { "1,234", '.', "1234" },  { "1,234.5", '.', "1234.5" },
};

START_TEST(the_decimal_mark_may_be_told)
{
    struct twi_arena arena;
    struct twi_text number = { .arena = &arena };

    twi_arena_init(&arena, 0);
    same_or_none(marked[_i].text,
                 taken(twi_number_find(twi_span_of(marked[_i].text), marked[_i].mark, &number),
                       &number),
                 marked[_i].number);
    twi_arena_free(&arena);
}
END_TEST

/* --- dates --------------------------------------------------------------------------------- */

static const struct {
    const char *text, *date; /* NULL: none */
} dates[] = {
    { "2024-03-12", "2024-03-12" },
    { " 2024-03-12\n", "2024-03-12" },
    { "2024/3/12", "2024-03-12" },
    { "2024.03.12", "2024-03-12" },
    { "20240312", "2024-03-12" },
    { "2024-03-12T10:15", "2024-03-12T10:15:00" },
    { "2024-03-12T10:15:30Z", "2024-03-12T10:15:30Z" },
    { "2024-03-12 10:15:30.250", "2024-03-12T10:15:30.250" },
    { "2024-03-12T10:15:30+01:00", "2024-03-12T10:15:30+01:00" },
    { "2024-03-12T10:15:30-0530", "2024-03-12T10:15:30-05:30" },
    { "2024-03-12T10:15:30+01", "2024-03-12T10:15:30+01:00" },
    { "Tue, 12 Mar 2024 10:15:30 GMT", "2024-03-12T10:15:30Z" },
    { "Tue, 12 Mar 2024 10:15:30 +0100", "2024-03-12T10:15:30+01:00" },
    { "12 Mar 24 10:15 EST", "2024-03-12T10:15:00-05:00" },
    { "Tuesday, 12-Mar-24 10:15:30 GMT", "2024-03-12T10:15:30Z" },
    { "Tue Mar 12 10:15:30 2024", "2024-03-12T10:15:30" },
    { "12 March 2024", "2024-03-12" },
    { "12. March 2024", "2024-03-12" },
    { "12th of March 2024", "2024-03-12" },
    { "1st Sept. 1999", "1999-09-01" },
    { "March 12, 2024", "2024-03-12" },
    { "Tuesday, March 12th, 2024 at 10:15 PM", "2024-03-12T22:15:00" },
    { "Mar 12, 2024 12:05 a.m.", "2024-03-12T00:05:00" },
    { "12.03.2024", "2024-03-12" },
    { "12.3.24", "2024-03-12" },
    { "12.03.1970 7:05", "1970-03-12T07:05:00" },
    { "29 Feb 2024", "2024-02-29" },
    { "29 Feb 2023", NULL },
    { "2024-13-01", NULL },
    { "2024-02-30", NULL },
    { "2024-03-12T25:00", NULL },
    { "2024-03-12 13:00 PM", NULL },
    { "12/03/2024", NULL },
    { "March 2024", NULL },
    { "12 March", NULL },
    { "yesterday", NULL },
    { "12 Foo 2024", NULL },
    { "2024-03-12 and more", NULL },
    { "2024-03-12T10:15:30+1", NULL },
    { "", NULL },
};

START_TEST(a_date_is_iso_8601_or_none)
{
    struct twi_arena arena;
    struct twi_text date = { .arena = &arena };

    twi_arena_init(&arena, 0);
    same_or_none(dates[_i].text,
                 taken(twi_date_read(twi_span_of(dates[_i].text), &date), &date),
                 dates[_i].date);
    twi_arena_free(&arena);
}
END_TEST

/* --- queries ------------------------------------------------------------------------------- */

static const char page[] =
    "<html><body><h1>  A <b>good</b> title </h1>"
    "<p class=price>\xc2\xa3 1,051.77</p><p class=price>2</p><p class=none>no</p>"
    "<p id=stock><i></i>In stock (22 <em>available</em>)</p>"
    "<p id=when>12 March 2024</p><p id=loud>\xc3\x84RGER &amp; Stra\xc3\x9f"
    "E</p><p id=blank> \xc2\xa0 </p>"
    "<p id=mail>a@b.c, d@e.f</p>"
    "<a href=' /x?y=1 '>one</a><a href='http://[bad'>two</a><a name=here>three</a>"
    "<script>{\"a\":[1,\"x\"]}</script></body></html>";

/* Names that follow are of this page, at http://h/d/. */
static const struct {
    enum twi_language language;
    const char *query;
    const char *expected; /* JSON of all that comes out, as a list */
} queries[] = {
    { TWI_LANGUAGE_CSS, "p.price::text", "[\"\xc2\xa3 1,051.77\",\"2\"]" },
    { TWI_LANGUAGE_CSS, "p.price::text |> number", "[1051.77,2]" },
    { TWI_LANGUAGE_CSS, "p.price|>number", "[1051.77,2]" },
    { TWI_LANGUAGE_CSS, "p.price |> text |> first |> number", "[1051.77]" },
    { TWI_LANGUAGE_CSS, "p::text |> number |> all |> first", "[1051.77]" },
    { TWI_LANGUAGE_CSS, "p.none::text |> number", "[]" },
    { TWI_LANGUAGE_CSS, "p.none::text |> number |> default(-1.5)", "[-1.5]" },
    { TWI_LANGUAGE_CSS, "p.nowhere |> default('it\\'s')", "[\"it's\"]" },
    { TWI_LANGUAGE_CSS, "p.price::text |> default('none') |> first",
      "[\"\xc2\xa3 1,051.77\"]" },
    { TWI_LANGUAGE_CSS, "h1 |> text", "[\"  A good title \"]" },
    { TWI_LANGUAGE_CSS, "h1 |> text |> strip", "[\"A good title\"]" },
    { TWI_LANGUAGE_CSS, "h1 b", "[\"<b>good</b>\"]" },
    { TWI_LANGUAGE_CSS, "h1 b |> html", "[\"<b>good</b>\"]" },
    { TWI_LANGUAGE_CSS, "h1 b |> re('<(.)>')", "[\"b\"]" },
    { TWI_LANGUAGE_CSS, "h1 ::text |> strip |> join(' + ')", "[\"A + good + title\"]" },
    { TWI_LANGUAGE_CSS, "h1 ::text |> strip |> join(\"\\n\\t\\\\\")",
      "[\"A\\n\\t\\\\good\\n\\t\\\\title\"]" },
    { TWI_LANGUAGE_CSS, "p.nowhere::text |> join(' ')", "[]" },
    { TWI_LANGUAGE_CSS, "#blank::text |> strip", "[]" },
    { TWI_LANGUAGE_CSS, "#blank::text |> strip |> default('')", "[\"\"]" },
    { TWI_LANGUAGE_CSS, "#stock |> text |> re('\\d+') |> integer", "[22]" },
    { TWI_LANGUAGE_CSS, "#stock |> integer", "[22]" },
    { TWI_LANGUAGE_CSS, "#mail::text |> re('(\\w)@(\\w)')", "[\"a\",\"b\",\"d\",\"e\"]" },
    { TWI_LANGUAGE_CSS, "#mail::text |> re('(?<extract>.)@')", "[\"a\"]" },
    { TWI_LANGUAGE_CSS, "#mail::text |> re(\"'|@.\") |> all", "[\"@b\",\"@e\"]" },
    { TWI_LANGUAGE_CSS, "#when |> date", "[\"2024-03-12\"]" },
    { TWI_LANGUAGE_CSS, "#mail::text |> date", "[]" },
    { TWI_LANGUAGE_CSS, "#loud::text |> lower",
      "[\"\xc3\xa4rger & stra\xc3\x9f"
      "e\"]" },
    { TWI_LANGUAGE_CSS, "a::text |> lower |> join('|>')", "[\"one|>two|>three\"]" },
    { TWI_LANGUAGE_CSS, "a |> url", "[\"http://h/d//x?y=1\"]" },
    { TWI_LANGUAGE_CSS, "a::attr(href) |> url |> all", "[\"http://h/d//x?y=1\"]" },
    { TWI_LANGUAGE_CSS, "p:contains('|>'), h1 b |> text", "[\"good\"]" },
    { TWI_LANGUAGE_CSS, "|> text |> re('good')", "[\"good\"]" },
    { TWI_LANGUAGE_XPATH, "//h1/b/text()", "[\"good\"]" },
    { TWI_LANGUAGE_XPATH, "//p[@id='stock']/em |> text", "[\"available\"]" },
    { TWI_LANGUAGE_XPATH, "count(//a)", "[3]" },
    { TWI_LANGUAGE_XPATH, "0 div 0", "[\"NaN\"]" },
    { TWI_LANGUAGE_XPATH, "boolean(//h1)", "[true]" },
    { TWI_LANGUAGE_XPATH, "concat('|>', \"|>\") |> re('.>')", "[\"|>\",\"|>\"]" },
    { TWI_LANGUAGE_XPATH, "//nothing", "[]" },
};

struct asked {
    struct twi_arena *arena;
    struct twi_tree *tree;
    struct twi_json *list;
    size_t most;
};

static bool take(struct twi_filter_value value, void *arg)
{
    struct asked *asked = arg;
    struct twi_json *copy = twi_json_new(asked->arena, TWI_JSON_STRING);

    if (value.json != NULL) {
        *copy = *value.json;
        copy->next = NULL;
    } else {
        struct twi_span text = twi_filter_text(asked->tree, value, asked->arena);
        copy->text = text.text;
        copy->length = text.length;
    }
    twi_json_append(asked->list, copy);
    return --asked->most > 0;
}

/* As if the page stood at http://h/d/. */
static const char *absolute(struct twi_span text, void *arg)
{
    struct asked *asked = arg;
    struct twi_text url = { .arena = asked->arena };

    if (memchr(text.text, '[', text.length) != NULL)
        return NULL;
    twi_text_puts(&url, "http://h/d/");
    twi_text_add(&url, text.text, text.length);
    return twi_text_string(&url);
}

static const char *ask(struct twi_arena *arena, enum twi_language language, const char *query,
                       const struct twi_json *json, size_t most)
{
    struct twi_tree tree;
    struct asked asked = { arena, &tree, twi_json_new(arena, TWI_JSON_LIST), most };
    struct twi_selector selector = { .tree = &tree };
    struct twi_extract_error error;
    struct twi_extractor *extractor = twi_extractor_compile(language, twi_span_of(query),
                                                            &error);
    struct twi_extraction extraction = { .selector = json == NULL ? &selector : NULL,
                                         .in.json = json,
                                         .arena = arena,
                                         .absolute = absolute,
                                         .take = take,
                                         .arg = &asked };
    struct twi_text text = { .arena = arena };

    ck_assert_msg(extractor != NULL, "%s: %s", query, error.why);
    ck_assert(twi_tree_read_html(&tree, arena, page, strlen(page), 0));
    extraction.in.found.node = twi_tree_root(&tree);
    ck_assert_msg(twi_extract(&extraction, extractor, &error), "%s: %s", query, error.why);
    twi_selector_close(&selector);
    twi_extractor_free(extractor);
    twi_json_write(&text, asked.list);
    return twi_text_string(&text);
}

START_TEST(a_query_finds_and_its_filters_change)
{
    struct twi_arena arena;

    twi_arena_init(&arena, 0);
    ck_assert_msg(strcmp(ask(&arena, queries[_i].language, queries[_i].query, NULL, 100),
                         queries[_i].expected) == 0,
                  "%s: %s", queries[_i].query,
                  ask(&arena, queries[_i].language, queries[_i].query, NULL, 100));
    twi_arena_free(&arena);
}
END_TEST

START_TEST(no_more_is_made_than_is_wanted)
{
    struct twi_arena arena;

    twi_arena_init(&arena, 0);
    ck_assert_str_eq(ask(&arena, TWI_LANGUAGE_CSS, "p.price::text |> number", NULL, 1),
                     "[1051.77]");
    ck_assert_str_eq(ask(&arena, TWI_LANGUAGE_CSS, "#mail::text |> re('.@')", NULL, 1),
                     "[\"a@\"]");
    twi_arena_free(&arena);
}
END_TEST

/* --- JSON ---------------------------------------------------------------------------------- */

static const char json[] =
    "{\"a\":[10,\"x\",null,{\"b\":true}],\"\":1,\"m~n\":2,\"a/b\":3,\"n\":null,\"c\":\"1,5\","
    "\"d\":1,\"d\":2}";
static const struct {
    const char *query, *expected; /* expected NULL: refused at `at` */
    size_t at;
} pointers[] = {
    { "/a/0", "[10]", 0 },
    { "/a/3/b", "[true]", 0 },
    { "/a", "[[10,\"x\",null,{\"b\":true}]]", 0 },
    { "/a |> all", "[10,\"x\",{\"b\":true}]", 0 },
    { "/a |> first", "[10]", 0 },
    { "/a |> join(',')", "[\"10,x,{\\\"b\\\":true}\"]", 0 },
    { "/", "[1]", 0 },
    { "/m~0n", "[2]", 0 },
    { "/a~1b", "[3]", 0 },
    { "/d", "[2]", 0 },
    { "/n", "[]", 0 },
    { "/n |> default('x')", "[\"x\"]", 0 },
    { "/c |> number", "[1.5]", 0 },
    { "/a/00", "[]", 0 },
    { "/a/-", "[]", 0 },
    { "/a/4", "[]", 0 },
    { "/a/0/x", "[]", 0 },
    { "/a/b", "[]", 0 },
    { "/A", "[]", 0 },
    { "/it's", "[]", 0 },
    { "a", NULL, 1 },
    { " /a~", NULL, 4 },
    { "/a~2b", NULL, 3 },
};

START_TEST(a_pointer_leads_into_json)
{
    struct twi_arena arena;
    struct twi_json_error wrong;
    struct twi_extract_error error;
    const struct twi_json *value;

    twi_arena_init(&arena, 0);
    value = twi_json_read(&arena, json, strlen(json), &wrong);
    if (pointers[_i].expected != NULL) {
        ck_assert_str_eq(ask(&arena, TWI_LANGUAGE_JSON, pointers[_i].query, value, 100),
                         pointers[_i].expected);
    } else {
        ck_assert_ptr_null(
            twi_extractor_compile(TWI_LANGUAGE_JSON, twi_span_of(pointers[_i].query), &error));
        ck_assert_uint_eq(error.at, pointers[_i].at);
    }
    twi_arena_free(&arena);
}
END_TEST

/* --- what is wrong ------------------------------------------------------------------------- */

static const struct {
    enum twi_language language;
    const char *query;
    size_t at;
    const char *why;
} wrong[] = {
    { TWI_LANGUAGE_CSS, "p |> nmber", 6, "there is no filter \"nmber\"" },
    { TWI_LANGUAGE_CSS, "\xc3\xa4 |> x", 6, "there is no filter \"x\"" },
    { TWI_LANGUAGE_CSS, "p |>", 5, "a filter's name is missing" },
    { TWI_LANGUAGE_CSS, "p |> |> text", 6, "a filter's name is missing" },
    { TWI_LANGUAGE_CSS, "p |> text text", 11, "\"|>\" is missing" },
    { TWI_LANGUAGE_CSS, "p |> text()", 11, "text takes no argument" },
    { TWI_LANGUAGE_CSS, "p |> join", 10, "join wants a text: join('...')" },
    { TWI_LANGUAGE_CSS, "p |> join(x)", 11, "a quoted text is missing" },
    { TWI_LANGUAGE_CSS, "p |> join('x'", 14, "\")\" is missing" },
    { TWI_LANGUAGE_CSS, "p |> join('x", 11, "the text does not end" },
    { TWI_LANGUAGE_CSS, "p |> number('x')", 13, "the decimal mark is '.' or ','" },
    { TWI_LANGUAGE_CSS, "p |> default(1.)", 14, "a quoted text is missing" },
    { TWI_LANGUAGE_CSS, "p |> re('a(b')", 13, "missing closing parenthesis" },
    { TWI_LANGUAGE_CSS, "p..x |> text", 3, NULL },
    { TWI_LANGUAGE_CSS, "  p >", 6, NULL },
    { TWI_LANGUAGE_CSS, "", 1, NULL },
    { TWI_LANGUAGE_XPATH, "//p[", 5, NULL },
    { TWI_LANGUAGE_XPATH, "", 1, NULL },
    { TWI_LANGUAGE_XPATH, " //p[1 |> text", 7, NULL },
    { TWI_LANGUAGE_CSS,
      "p |> all |> all |> all |> all |> all |> all |> all |> all |> all |> all |> all |> all "
      "|> all |> all |> all |> all |> all",
      117, "more than 16 filters" },
};

START_TEST(a_wrong_query_says_what_is_wrong_and_where)
{
    struct twi_extract_error error;

    ck_assert_ptr_null(
        twi_extractor_compile(wrong[_i].language, twi_span_of(wrong[_i].query), &error));
    ck_assert(!error.is_limit);
    ck_assert_msg(error.at == wrong[_i].at, "%s: %s, at %zu", wrong[_i].query, error.why,
                  error.at);
    if (wrong[_i].why != NULL)
        ck_assert_str_eq(error.why, wrong[_i].why);
}
END_TEST

static void release_nothing(void *thing)
{
    ++*(int *)thing;
}

START_TEST(a_cache_keeps_what_is_asked_for_and_lets_the_rest_go)
{
    struct twi_text_cache cache;
    int released[100] = { 0 }, gone = 0;
    char text[16] = "0";

    twi_text_cache_init(&cache, 16, release_nothing);
    ck_assert_ptr_null(twi_text_cache_get(&cache, 1, "0", 1));
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%d", i);
        ck_assert(twi_text_cache_put(&cache, 1, text, strlen(text), &released[i]));
        ck_assert_ptr_eq(twi_text_cache_get(&cache, 1, text, strlen(text)), &released[i]);
        ck_assert_ptr_eq(twi_text_cache_get(&cache, 1, "0", 1), &released[0]);
        ck_assert_ptr_null(twi_text_cache_get(&cache, 2, text, strlen(text)));
    }
    for (int i = 0; i < 100; i++)
        gone += released[i];
    ck_assert_int_eq(released[0], 0);
    ck_assert_int_ge(gone, 100 - 16);
    twi_text_cache_free(&cache);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(released[i], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter");

    TEST_ADD_ROWS(suite, a_number_is_read_as_people_write_it, numbers);
    TEST_ADD_ROWS(suite, the_decimal_mark_may_be_told, marked);
    TEST_ADD_ROWS(suite, a_date_is_iso_8601_or_none, dates);
    TEST_ADD_ROWS(suite, a_query_finds_and_its_filters_change, queries);
    TEST_ADD(suite, no_more_is_made_than_is_wanted);
    TEST_ADD_ROWS(suite, a_pointer_leads_into_json, pointers);
    TEST_ADD_ROWS(suite, a_wrong_query_says_what_is_wrong_and_where, wrong);
    TEST_ADD(suite, a_cache_keeps_what_is_asked_for_and_lets_the_rest_go);
    return test_run(suite);
}
