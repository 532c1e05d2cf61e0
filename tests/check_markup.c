/* SPDX-License-Identifier: MIT */
/*
 * check_markup.c - markup is taken out of texts in one pass; a page's base and refresh are found.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/markup.h"
#include "spider/text/page_url.h"
#include "spider/text/query.h"
#include "tests/test.h"

/* Names with "," between them; NULL: none. */
static struct twi_tag_names cut_tags(const char *text, struct twi_span *names)
{
    struct twi_span rest = twi_span_of(text != NULL ? text : "");
    struct twi_tag_names tags = { .names = names };
    struct twi_pair pair;

    while (twi_query_next(&rest, ',', &pair))
        names[tags.count++] = pair.whole;
    return tags;
}

static const struct {
    const char *text, *only, *keep, *with, *expected;
} strips[] = {
    { "no tags", NULL, NULL, "", "no tags" },
    { "<p>one p tag</p>", NULL, NULL, "", "one p tag" },
    { "<p>one p tag</p>", "b", NULL, "", "<p>one p tag</p>" },
    { "<b>stays</b><i>goes</i>", "i", NULL, "", "<b>stays</b>goes" },
    { "<p align=\"center\" class=\"one\">texty</p>", NULL, NULL, "", "texty" },
    { "a<br />b<br/>c", "br", NULL, "", "abc" },
    { "<p>a<br />b<br/>c</p>", NULL, "br", "", "a<br />b<br/>c" },
    { "<p>a<br />b<br/>c</p>", NULL, "p", "", "<p>abc</p>" },
    { "<FOO></foO><BaR></bAr><BAZ/>", "foo,BAR,baZ", NULL, "", "" },
    { "im<b>port</b>ant", NULL, NULL, " ", "im port ant" },
    { "Click <a class=\"one\"\r\n href=\"url\">here</a>", NULL, NULL, "", "Click here" },
    { "<p\nclass=x>a</p\t>", "p", NULL, "", "a" },
    { "a < b > c <> </> d", NULL, NULL, "", "a < b > c <> </> d" },
    { "<a<a<b>x</b>", NULL, NULL, "", "x" },
    { "<<b>x</<b>y< <i>", NULL, NULL, "", "xy< " },
    { "<!--<b>x<b <i>y<b", "b,i", NULL, "", "<!--<b>xy<b" },
    { "a<b", NULL, NULL, "", "a<b" },
    { "a<!-- c -->b<!DOCTYPE html>", NULL, NULL, "", "ab" },
    { "<span>a<s>b", "s", NULL, "", "<span>ab" },
};

START_TEST(tags_are_stripped)
{
    struct twi_span only[4], keep[4];
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };

    twi_arena_init(&arena, 0);
    twi_strip_tags(&out, twi_span_of(strips[_i].text), cut_tags(strips[_i].only, only),
                   cut_tags(strips[_i].keep, keep), twi_span_of(strips[_i].with));
    ck_assert_str_eq(twi_text_string(&out), strips[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *text, *only, *expected;
} drops[] = {
    { "<p>one p tag</p>", NULL, "<p>one p tag</p>" },
    { "<p>one p tag</p>", "p", "" },
    { "<b>stays</b><i>goes</i>", "i", "<b>stays</b>" },
    { "<br/>a<br />", "br", "a" },
    { "<span></span><s></s>", "s", "<span></span>" },
    { "<I class=x>a</i >b<i>c", "i", "b<i>c" },
    { "x</b><b>y</b>z", "b", "x</b>z" },
    { "<a>1<b>2</a>3</b>4", "a,b", "3</b>4" },
    { "<b>1</b><i>2</i><b>3</b>", "b,i", "" },
    { "a<b", "b", "a<b" },
    { "<script <script <script>x</script>", "script", "" },
    { "<b </b>x<b<i>y</b>z<b <br/>", "b,br", "xz<b " },
};

START_TEST(elements_are_dropped)
{
    struct twi_span only[4];
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };

    twi_arena_init(&arena, 0);
    twi_drop_tags(&out, twi_span_of(drops[_i].text), cut_tags(drops[_i].only, only));
    ck_assert_str_eq(twi_text_string(&out), drops[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *text, *expected;
} comments[] = {
    { "none", "none" },
    { "<!--a-->", "" },
    { "test <!--\na\n--> whatever<!---->", "test  whatever" },
    { "test <!--", "test " },
    { "test <!-- a -- > b\n", "test " },
    { "<!-- <!-- a --> b -->", " b -->" },
};

START_TEST(comments_are_stripped)
{
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };

    twi_arena_init(&arena, 0);
    twi_strip_comments(&out, twi_span_of(comments[_i].text));
    ck_assert_str_eq(twi_text_string(&out), comments[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

/* --- references ---------------------------------------------------------------------------- */

static const struct {
    const char *text, *expected;
    bool keeps, keep_illegal; /* keeps: "lt" and "amp" */
} references[] = {
    { "As low as &#163;100 &pound;!",
      "As low as \xc2\xa3"
      "100 \xc2\xa3!",
      false, false },
    { "&aff=buyat&affsrc=d &frac12;oz & x", "&aff=buyat&affsrc=d \xc2\xbdoz & x", false,
      false },
    { "<b>&lt; &amp; &LT; &pound;", "<b>&lt; &amp; &LT; \xc2\xa3", true, false },
    { "a &lt; b &illegal; c &#12345678; six", "a < b  c  six", false, false },
    { "a &lt; b &illegal; c &#12345678; six", "a < b &illegal; c &#12345678; six", false,
      true },
    { "&illegal &#12345678 x", "&illegal &#12345678 x", false, false },
    { "x&#157;y&#xd800;z", "xyz", false, false },
    { "x&#157;y", "x&#157;y", false, true },
    { "&#82179209091;", "", false, false },
    { "x&#153;&#x99;&#X80;y", "x\xe2\x84\xa2\xe2\x84\xa2\xe2\x82\xacy", false, false },
    { "&lt&lt!&LT!&#X41 &#x41h&#65x", "<<!<!A AhAx", false, false },
    { "&sup3!&Aacute!&#9731!&#153", "\xc2\xb3!\xc3\x81!\xe2\x98\x83!\xe2\x84\xa2", false,
      false },
    { "&apos;&in;&in=&NotEqualTilde;", "'\xe2\x88\x88&in=\xe2\x89\x82\xcc\xb8", false, false },
    { "&;&#;&#x;& &", "&;&#;&#x;& &", false, false },
    { "&ltfoo; &copy_id", " \xc2\xa9_id", false, false },
};

START_TEST(references_become_characters)
{
    const struct twi_span keep[] = { { "lt", 2 }, { "amp", 3 } };
    const struct twi_unescape_options options = {
        .keep = keep,
        .keep_count = references[_i].keeps ? 2 : 0,
        .keep_illegal = references[_i].keep_illegal
    };
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };

    twi_arena_init(&arena, 0);
    twi_unescape(&out, twi_span_of(references[_i].text), &options);
    ck_assert_str_eq(twi_text_string(&out), references[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(all_names_of_html_are_known)
{
    ck_assert_uint_eq(twi_entity_count, 2125);
    for (size_t i = 0; i < twi_entity_count; i++)
        ck_assert_ptr_eq(twi_entity_find(twi_span_of(twi_entities[i].name)), &twi_entities[i]);
}
END_TEST

static const struct {
    const char *text, *expected;
} attributes[] = {
    { "plain", "plain" },
    { "?a&amp;b&#38;c&#x26c", "?a&b&c\xc9\xac" },
    { "?a=b&copy=1&copy_=2&copy;&copyx", "?a=b&copy=1\xc2\xa9_=2\xc2\xa9&copyx" },
    { "&in=1&in;&notit;&not;", "&in=1\xe2\x88\x88&notit;\xc2\xac" },
    { "&#0;&#xd800;&#x99;&#x81;", "\xef\xbf\xbd\xef\xbf\xbd\xe2\x84\xa2\xc2\x81" },
};

START_TEST(attributes_are_read_as_browsers_do)
{
    struct twi_arena arena;

    twi_arena_init(&arena, 0);
    ck_assert_str_eq(twi_unescape_attribute(&arena, twi_span_of(attributes[_i].text)).text,
                     attributes[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *text, *expected;
} quoted[] = {
    { "<n>&amp; &copy;\n<![CDATA[a &amp; b]]></n>", "<n>& \xc2\xa9\na &amp; b</n>" },
    { "<![CDATA[a]]><![CDATA[b]]>", "ab" },
    { "x<![CDATA[a]]&lt;", "x<![CDATA[a]]<" },
    { "&lt<![CDATA[]]>;", "<;" },
};

START_TEST(cdata_stands_as_it_is)
{
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };

    twi_arena_init(&arena, 0);
    twi_unquote(&out, twi_span_of(quoted[_i].text), NULL);
    ck_assert_str_eq(twi_text_string(&out), quoted[_i].expected);
    twi_arena_free(&arena);
}
END_TEST

/* --- base and refresh ---------------------------------------------------------------------- */

static const struct {
    const char *page, *base, *refresh; /* NULL: none; refresh as "seconds url" */
} pages[] = {
    { "<html>", NULL, NULL },
    { "<base href='http://o/s' />", "http://o/s", NULL },
    { "<BASE id=x HREF = http://o/s>", "http://o/s", NULL },
    { "<base target=x><base href=' /a '><base href=/b>", "http://h/a", NULL },
    { "<basefoo href='/x'><base href='//n/p'>", "http://n/p", NULL },
    { "<!-- <base href=/a> --><base href=/b>", "http://h/b", NULL },
    { "<!--><base href=/a>-->", "http://h/a", NULL },
    { "<!-- <!-- <base href=/a> -- --> <base href=/b>", "http://h/b", NULL },
    { "<!-- <base href=/a>", NULL, NULL },
    { "<script>'<base href=/a>'</scripty></script><base href=/b>", "http://h/b", NULL },
    { "<noscript><base href=/a></noscript ><base href=/b>", "http://h/b", NULL },
    { "<a title='<base href=/a>'><base href=/b>", "http://h/b", NULL },
    { "<base <base <base href=\"/b\">", "http://h/b", NULL },
    { "<base href=/b", NULL, NULL },
    { "<base href=\"?a=1&amp;b=\xc3\xa9\">", "http://h/p/q?a=1&b=%E9", NULL },
    { "<base href=http://[><base href=/b>", NULL, NULL },
    { "</base href=/a>", NULL, NULL },
    { "<meta http-equiv=refresh content='5;url=http://o/n' />", NULL, "5 http://o/n" },
    { "<META\nHTTP-EQUIV=Refresh\nCONTENT=\"1; URL=http://o/n\">", NULL, "1 http://o/n" },
    { "<meta http-equiv=refresh content=5><meta content='2,/b' http-equiv='refresh'>", NULL,
      "2 http://h/b" },
    { "<meta http-equiv=refresh content='3; url=&#39;x&#39;y'>", NULL, "3 http://h/p/x" },
    { "<base href=/z/><meta http-equiv=refresh content='3 x'>", "http://h/z/",
      "3 http://h/z/x" },
    { "<meta http-equiv=refresh content='.1;URL=i'>", NULL, "0.1 http://h/p/i" },
    { "<meta http-equiv=refresh content='3.25.7;URL=\ni'>", NULL, "3.25 http://h/p/i" },
    { "<meta http-equiv=refresh content='3;url=\xc2\xa3?u=\xc2\xb5'>", NULL,
      "3 http://h/p/%C2%A3?u=%B5" },
    { "<meta http-equiv=refresh content='x;url=a'>", NULL, NULL },
    { "<meta http-equiv=refresh content='5;url='>", NULL, NULL },
    { "<meta http-equiv=refresh content='5url=a'>", NULL, NULL },
    { "<metafoo http-equiv=refresh content='5;url=a'>", NULL, NULL },
    { "<meta name=refresh content='5;url=a'>", NULL, NULL },
    { "<noscript><meta http-equiv=refresh content='0;a'></noscript>", NULL, NULL },
    { "<script>$('<meta http-equiv=refresh content=\"0;a\">')</script>", NULL, NULL },
};

START_TEST(base_and_refresh_are_found)
{
    const struct twi_charset *latin1 = twi_charset_find(twi_span_of("latin1"));
    struct twi_span page = twi_span_of(pages[_i].page);
    struct tw_url *url, *base, *refresh;
    struct twi_arena arena;
    double seconds;
    char got[200];

    twi_arena_init(&arena, 0);
    ck_assert_int_eq(tw_url_parse("http://h/p/q", 12, NULL, &url, NULL), 0);
    base = twi_page_base(&arena, latin1, page, url);
    ck_assert_int_eq(base != NULL, pages[_i].base != NULL);
    if (base != NULL)
        ck_assert_str_eq(base->href, pages[_i].base);
    if (twi_page_refresh(&arena, latin1, page, base != NULL ? base : url, &seconds,
                         &refresh)) {
        snprintf(got, sizeof got, "%g %s", seconds, refresh->href);
        ck_assert_str_eq(got, pages[_i].refresh);
        tw_url_free(refresh);
    } else {
        ck_assert_ptr_null(pages[_i].refresh);
    }
    tw_url_free(base);
    tw_url_free(url);
    twi_arena_free(&arena);
}
END_TEST

/* Regular expressions take quadratic time for these, which would exceed a test's limit. */
START_TEST(hostile_texts_take_one_pass)
{
    static const char *const parts[] = { "<a",   "<script ", "<base ",    "<meta ",
                                         "<!--", "&a",       "<![CDATA[", "<noscript>",
                                         "<b>",  "<a b='",   "</b " };
    enum { LENGTH = 4000000 };
    struct twi_span only = twi_span_of("b"), text = { NULL, LENGTH };
    struct twi_arena arena;
    char *data;

    twi_arena_init(&arena, 0);
    data = twi_arena_alloc(&arena, LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        data[i] = parts[_i][i % strlen(parts[_i])];
    text.text = data;
    for (int what = 0; what < 5; what++) {
        struct twi_text out = { .arena = &arena };
        struct twi_tag_names names = { &only, 1 };
        struct tw_url *url;
        double seconds;
        if (what == 0)
            twi_strip_tags(&out, text, names, (struct twi_tag_names){ 0 }, only);
        else if (what == 1)
            twi_drop_tags(&out, text, names);
        else if (what == 2)
            twi_strip_comments(&out, text);
        else if (what == 3)
            twi_unquote(&out, text, NULL);
        else
            ck_assert(!twi_page_refresh(&arena, NULL, text, NULL, &seconds, &url));
        ck_assert_uint_le(out.length, LENGTH);
    }
    twi_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("markup");

    TEST_ADD_ROWS(suite, tags_are_stripped, strips);
    TEST_ADD_ROWS(suite, elements_are_dropped, drops);
    TEST_ADD_ROWS(suite, comments_are_stripped, comments);
    TEST_ADD_ROWS(suite, references_become_characters, references);
    TEST_ADD(suite, all_names_of_html_are_known);
    TEST_ADD_ROWS(suite, attributes_are_read_as_browsers_do, attributes);
    TEST_ADD_ROWS(suite, cdata_stands_as_it_is, quoted);
    TEST_ADD_ROWS(suite, base_and_refresh_are_found, pages);
    test_add(suite, hostile_texts_take_one_pass, 0, 11);
    return test_run(suite);
}
