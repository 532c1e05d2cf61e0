/* SPDX-License-Identifier: MIT */
/*
 * check_canon.c - the canonical form of URLs, their queries, and data: URLs.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/base64.h"
#include "spider/text/canon.h"
#include "spider/text/data_url.h"
#include "spider/text/query.h"
#include "tests/test.h"

static const struct {
    const char *url, *expected;
    struct twi_canon_options options;
} rows[] = {
    { "http://www.example.com", "http://www.example.com/", { 0 } },
    { "http://h/do?c=3&b=5&b=2&a=50", "http://h/do?a=50&b=2&b=5&c=3", { 0 } },
    { "http://h/do?&a=1&&", "http://h/do?a=1", { 0 } },
    { "http://h/do?", "http://h/do", { 0 } },
    { "http://h/do?&#x", "http://h/do", { 0 } },
    { "http://U:p@H:80/#x", "http://U:p@h/", { 0 } },
    { "http://h/do?a=1#frag", "http://h/do?a=1#frag", { .keep_fragment = true } },
    { "http://h/do?b=&a=2&c", "http://h/do?a=2&b=&c=", { 0 } },
    { "http://h/do?b=&c&a=2", "http://h/do?a=2", { .drop_blank = true } },
    { "http://h/do?b=", "http://h/do", { .drop_blank = true } },
    { "http://h/do?1750,4", "http://h/do?1750%2C4=", { 0 } },
    { "http://h/do?q=a space&a=1", "http://h/do?a=1&q=a+space", { 0 } },
    { "http://h/do?q=a+space&a=b%20", "http://h/do?a=b+&q=a+space", { 0 } },
    { "http://h/do?q=%2B%26%3d=", "http://h/do?q=%2B%26%3D%3D", { 0 } },
    { "http://h/do?a=b;c=d&e", "http://h/do?a=b%3Bc%3Dd&e=", { 0 } },
    { "http://h/do?c=d;a=b&e", "http://h/do?a=b%26e;c=d", { .separator = ';' } },
    { "http://h/do?=x&a", "http://h/do?=x&a=", { 0 } },
    { "http://h/do?k=r%c3%a9%a3", "http://h/do?k=r%C3%A9%A3", { 0 } },
    { "http://h/r\xc3\xa9s%c3%a9?q=\xc3\xa9", "http://h/r%C3%A9s%C3%A9?q=%C3%A9", { 0 } },
    { "http://h/a%a3do %20x", "http://h/a%A3do%20%20x", { 0 } },
    { "http://h/AC%2fDC+r%3f%23%25x", "http://h/AC%2FDC+r%3F%23%25x", { 0 } },
    { "http://h/%7e%41%21%5b%7c%5c%7b", "http://h/~A![|%5C%7B", { 0 } },
    { "http://h/%2541", "http://h/%2541", { 0 } },
    { "http://h/%zz%4", "http://h/%zz%4", { 0 } },
    { "http://h/%%341/%4%31/%%41/%g%41", "http://h/%%341/%4%31/%%41/%gA", { 0 } },
    { "file:///c%7c/x", "file:///c%7C/x", { 0 } },
    { "mailto:a%40b?c", "mailto:a@b?c=", { 0 } },
    { "foo:/.//p%41?", "foo:/.//pA", { 0 } },
    { "http://b\xc3\xbc"
      "cher.de?q=b\xc3\xbc",
      "http://xn--bcher-kva.de/?q=b%C3%BC",
      { 0 } },
};

static const char *canonical(struct twi_arena *arena, const char *text,
                             const struct twi_canon_options *options)
{
    struct tw_url *url;
    const char *href;

    ck_assert_int_eq(tw_url_parse(text, strlen(text), NULL, &url, NULL), 0);
    href = twi_canon_url(arena, url, options);
    tw_url_free(url);
    return href;
}

START_TEST(a_url_has_one_canonical_form)
{
    struct twi_arena arena;
    const char *href;

    twi_arena_init(&arena, 0);
    href = canonical(&arena, rows[_i].url, &rows[_i].options);
    ck_assert_str_eq(href, rows[_i].expected);
    ck_assert_str_eq(canonical(&arena, href, &rows[_i].options), href);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(a_canonical_form_needs_memory)
{
    struct twi_arena arena;

    twi_arena_init(&arena, 100);
    ck_assert_ptr_null(canonical(&arena, "http://h/?abcdefgh=ijklmnop&qrstuv=wxyz", NULL));
    twi_arena_free(&arena);
}
END_TEST

/* --- queries ------------------------------------------------------------------------------- */

static const struct {
    const char *url, *name, *value; /* NULL: there is none */
} gets[] = {
    { "product.html?id=200&foo=bar", "id", "200" },
    { "product.html?id=200&foo=bar", "f", NULL },
    { "?id=", "id", "" },
    { "?id", "id", "" },
    { "?a=1&a=2", "a", "1" },
    { "?a%20b=c+d%e9", "a b", "c d\xe9" },
    { "?a#?b=c", "b", NULL },
    { "#?b=c", "b", NULL },
    { "?=x", "", "x" },
    { "?a=b=c", "a", "b=c" },
};

START_TEST(a_parameter_is_found)
{
    struct twi_arena arena;
    struct twi_span value;
    bool found;

    twi_arena_init(&arena, 0);
    found = twi_query_get(&arena, twi_span_of(gets[_i].url), '&', twi_span_of(gets[_i].name),
                          &value);
    ck_assert_int_eq(found, gets[_i].value != NULL);
    ck_assert(!found || twi_span_is(value, gets[_i].value));
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *url;
    struct twi_query_value values[3];
    const char *expected;
} sets[] = {
#define V(n, v)                                                       \
    {                                                                 \
        .name = { n, sizeof(n) - 1 }, .value = { v, sizeof(v) - 1 } \
    }
    { "http://h/t", { V("a", "v") }, "http://h/t?a=v" },
    { "http://h/t?a=1&b=2&c=3", { V("b", "x") }, "http://h/t?a=1&b=x&c=3" },
    { "t?a=1&b=2&a=3", { V("a", "x y&") }, "t?a=x+y%26&b=2" },
    { "t?", { V("a", "\xc3\xa9") }, "t?a=%C3%A9" },
    { "?b=2,60&c#f?g", { V("\xe4", "1") }, "?b=2,60&c&%E4=1#f?g" },
    { "?%61=2", { V("a", "1") }, "?a=1" },
    { "?x", { V("b", "1"), V("a", "2"), V("b", "3") }, "?x&b=3&a=2" },
    { "?a&b", { { .name = { "a", 1 }, .is_absent = true } }, "?b" },
    { "?a", { { .name = { "a", 1 }, .is_absent = true } }, "" },
};

START_TEST(parameters_are_set)
{
    struct twi_arena arena;
    struct twi_query_value values[3];
    struct twi_span url;
    size_t count = 0;

    memcpy(values, sets[_i].values, sizeof values);
    while (count < 3 && values[count].name.text != NULL)
        count++;
    twi_arena_init(&arena, 0);
    url = twi_query_set(&arena, twi_span_of(sets[_i].url), '&', values, count);
    ck_assert_str_eq(url.text, sets[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *url, *keep, *drop; /* names with "," between them; NULL: all */
    bool repeated, fragment;
    const char *expected;
} cleans[] = {
    { "p.html?", "", NULL, false, false, "p.html" },
    { "p.html?&", "", NULL, false, false, "p.html" },
    { "p.html?&id=200&&foo=bar&n=w", "id", NULL, false, false, "p.html?id=200" },
    { "p.html?foo=bar&n=w", "id", NULL, false, false, "p.html" },
    { "p.html?id=2&foo=b&n=w", "n,id", NULL, false, false, "p.html?id=2&n=w" },
    { "p.html?id&other=3&novalue=", "id", NULL, false, false, "p.html?id" },
    { "p.html?d=1&e=b&d=2&d=3", "d", NULL, false, false, "p.html?d=1" },
    { "p.html?d=1&e=b&d=2&d=3", "d", NULL, true, false, "p.html?d=1&d=2&d=3" },
    { "p.html?id=2&f=b&n=w#i", "id,f", NULL, false, false, "p.html?id=2&f=b" },
    { "p.html?id=2&f=b&n=w#i", "id", NULL, false, true, "p.html?id=2#i" },
    { "p.html?id=2&f=b&n=w#i", NULL, "id", false, false, "p.html?f=b&n=w" },
    { "p.html?id=2#i", NULL, "id", false, true, "p.html#i" },
    { "p.html?b=1&a=1&b=2", NULL, "x", false, false, "p.html?b=1&a=1" },
    { "p.html?%61=1&a", "a", NULL, false, false, "p.html?a" },
};

static size_t cut_names(const char *text, struct twi_span *names)
{
    struct twi_span rest = twi_span_of(text != NULL ? text : "");
    struct twi_pair pair;
    size_t count = 0;

    while (twi_query_next(&rest, ',', &pair))
        names[count++] = pair.whole;
    return count;
}

START_TEST(parameters_are_picked)
{
    struct twi_arena arena;
    struct twi_span keep[4], drop[4], url;
    struct twi_query_clean clean = {
        .keep = keep,
        .drop = drop,
        .keep_count = cut_names(cleans[_i].keep, keep),
        .drop_count = cut_names(cleans[_i].drop, drop),
        .keeps = cleans[_i].keep != NULL,
        .keep_repeated = cleans[_i].repeated,
        .keep_fragment = cleans[_i].fragment,
    };

    twi_arena_init(&arena, 0);
    url = twi_query_clean(&arena, twi_span_of(cleans[_i].url), '&', &clean);
    ck_assert_str_eq(url.text, cleans[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

/* --- data: --------------------------------------------------------------------------------- */

static const struct {
    const char *url, *expected; /* type|name=value;...|data, or why not */
} datas[] = {
    { "data:,A%20brief%20note", "text/plain|charset=US-ASCII;|A brief note" },
    { " DaTa:,a#b", "text/plain|charset=US-ASCII;|a" },
    { "data:,\xc3\xa9", "text/plain|charset=US-ASCII;|\xc3\xa9" },
    { "data:;charset=iso-8859-7,%be%d3", "text/plain|charset=iso-8859-7;|\xbe\xd3" },
    { "data:text/html,x", "text/html||x" },
    { "data:text/plain;foo=%22foo;bar%5C%22%22;charset=utf-8;bar=%22foo;%5C%22foo%20;/"
      "%20,%22,x",
      "text/plain|foo=foo;bar\";charset=utf-8;bar=foo;\"foo ;/ ,;|x" },
    { "data:a/b;c=1;c=2,", "a/b|c=2;|" },
    { "data:text/plain;base64,SGVsbG8sIHdvcmxkLg%3D%3D", "text/plain||Hello, world." },
    { "data:;base64,SGVsb%20G8sIH%0A%20%20dvcm%20xk Lg%3D%0A%3D",
      "text/plain|charset=US-ASCII;|Hello, world." },
    { "data:;BASE64,SGVsbG8", "text/plain|charset=US-ASCII;|Hello" },
    { "data:text/plain;baes64,x", "neither a parameter nor ;base64 in front of the comma" },
    { "data:;a=,x", "neither a parameter nor ;base64 in front of the comma" },
    { "data:;a=\"x,y", "neither a parameter nor ;base64 in front of the comma" },
    { "data:;base64,!", "no base64 behind the comma" },
    { "data:;base64,SGVsb", "no base64 behind the comma" },
    { "data:;base64,SGVsbG8==", "no base64 behind the comma" },
    { "data:;base64,SGVsbA=", "no base64 behind the comma" },
    { "data:;base64,=", "no base64 behind the comma" },
    { "data:A%20brief%20note", "no comma in front of the data" },
    { "text/plain,x", "no data: URL" },
    { "http://h/", "no data: URL" },
    { "data", "no data: URL" },
};

START_TEST(a_data_url_is_read)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    struct twi_data_url url;
    const char *why;

    twi_arena_init(&arena, 0);
    why = twi_data_url_read(&arena, twi_span_of(datas[_i].url), &url);
    if (why != NULL) {
        ck_assert_str_eq(why, datas[_i].expected);
        twi_arena_free(&arena);
        return;
    }
    twi_text_add(&text, url.type.text, url.type.length);
    twi_text_putc(&text, '|');
    for (struct twi_data_parameter *at = url.parameters; at != NULL; at = at->next) {
        twi_text_add(&text, at->name.text, at->name.length);
        twi_text_putc(&text, '=');
        twi_text_add(&text, at->value.text, at->value.length);
        twi_text_putc(&text, ';');
    }
    twi_text_putc(&text, '|');
    twi_text_add(&text, url.data.text, url.data.length);
    ck_assert_str_eq(twi_text_string(&text), datas[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *data, *letters;
} letters[] = { { "", "" },
                { "f", "Zg==" },
                { "fo", "Zm8=" },
                { "foo", "Zm9v" },
                { "foob", "Zm9vYg==" },
                { "\xff\xfe\xfd", "//79" },
                { "fooba", "Zm9vYmE=" } };

START_TEST(base64_goes_both_ways)
{
    struct twi_arena arena;
    struct twi_text there = { .arena = &arena }, back = { .arena = &arena };

    twi_arena_init(&arena, 0);
    twi_base64_encode(&there, letters[_i].data, strlen(letters[_i].data));
    ck_assert_str_eq(twi_text_string(&there), letters[_i].letters);
    ck_assert(twi_base64_decode(&back, twi_text_string(&there), there.length));
    ck_assert_str_eq(twi_text_string(&back), letters[_i].data);
    twi_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("canon");

    TEST_ADD_ROWS(suite, a_url_has_one_canonical_form, rows);
    TEST_ADD(suite, a_canonical_form_needs_memory);
    TEST_ADD_ROWS(suite, a_parameter_is_found, gets);
    TEST_ADD_ROWS(suite, parameters_are_set, sets);
    TEST_ADD_ROWS(suite, parameters_are_picked, cleans);
    TEST_ADD_ROWS(suite, a_data_url_is_read, datas);
    TEST_ADD_ROWS(suite, base64_goes_both_ways, letters);
    return test_run(suite);
}
