/* SPDX-License-Identifier: MIT */
/*
 * check_css.c - selectors find what Selectors 4 says, and wrong ones are refused with their place.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/css.h"
#include "tests/test.h"

static struct twi_arena arena;

static const char page[] =
    "<html lang=en><head><title>T</title><link href=l rel=x></head><body>"
    "<div id=d1 class='a b'><p id=p1>one<b id=b1>bold</b></p><p id=p2 class=b></p>"
    "<p id=p3 lang=de-Latn-DE>three<a id=a1 href=/x hreflang=en-US>x</a><a "
    "id=a2>y</a></p></div>"
    "<div id=d2 class=B title='say \"hi\"'><span id=s1><!--c--></span><span id=s2> </span>"
    "<p id=p4><b id=b2>deep</b></p></div>"
    "<form id=f><fieldset id=fs disabled><legend id=le><input id=i1 type=TEXT "
    "required></legend>"
    "<input id=i2 type=checkbox checked></fieldset><input id=i3 placeholder=p>"
    "<input id=i4 type=radio name=r><select id=se><optgroup id=og disabled>"
    "<option id=o1 selected>1</option></optgroup><option id=o2>2</option></select>"
    "<textarea id=ta readonly></textarea><button id=bu>go</button></form>"
    "<ul id=u dir=rtl><li id=l1>1<li id=l2 class=x>2<li id=l3>3<li id=l4 class=x>4"
    "<li id=l5 class=x>5</ul></body></html>";

static void put_found(const struct twi_tree *tree, const struct twi_found *found,
                      struct twi_text *out)
{
    const struct twi_node *node = &tree->nodes[found->node];
    const char *id = node->kind == TWI_NODE_ELEMENT
                         ? twi_tree_attr_value(tree, found->node, TWI_NAME_ID)
                         : node->text;

    if (out->length > 0)
        twi_text_putc(out, ' ');
    if (found->attr != 0)
        id = tree->attrs[found->attr - 1].value;
    twi_text_puts(out, id != NULL ? id : twi_tree_name(tree, node->name));
}

static const char *select_in(const struct twi_tree *tree, const char *selector,
                             const uint32_t *contexts, size_t count)
{
    static struct twi_prefix svg = { "svg", "http://www.w3.org/2000/svg", NULL };
    struct twi_found_list list = { .arena = &arena };
    struct twi_text out = { .arena = &arena };
    struct twi_css_error error;
    const struct twi_css *css = twi_css_compile(&arena, selector, strlen(selector), &svg,
                                                &error);
    bool limit;

    ck_assert_msg(css != NULL, "%s: %s at %zu", selector, error.why, error.at);
    ck_assert(twi_css_select(css, tree, contexts, count, &list, &limit));
    for (size_t i = 0; i < list.count; i++)
        put_found(tree, &list.items[i], &out);
    return twi_text_string(&out);
}

static const struct {
    const char *selector, *found;
} rows[] = {
    { "p", "p1 p2 p3 p4" },
    { "P", "p1 p2 p3 p4" },
    { "*|p", "p1 p2 p3 p4" },
    { "svg|p", "" },
    { "#d1 > *", "p1 p2 p3" },
    { ".b", "d1 p2" },
    { ".B", "d2" },
    { ".a.b", "d1" },
    { "div b", "b1 b2" },
    { "div > b", "" },
    { "div>p>b", "b1 b2" },
    { "p + p", "p2 p3" },
    { "p ~ p", "p2 p3" },
    { "b, #d1 , p#p1", "d1 p1 b1 b2" },
    { "div p b, html > body div", "d1 b1 d2 b2" },
    { "body *:first-child", "d1 p1 b1 a1 s1 b2 fs le i1 og o1 l1" },
    { "#u > :nth-child(odd)", "l1 l3 l5" },
    { "li:nth-child( -n + 2 )", "l1 l2" },
    { "li:nth-child(+3)", "l3" },
    { "li:nth-child(n+4)", "l4 l5" },
    { "li:nth-child(0n-1)", "" },
    { "li:nth-last-child(2n)", "l2 l4" },
    { "li:nth-child(2 of .x)", "l4" },
    { "li:nth-last-child(even of .x, #l1)", "l1 l4" },
    { "p:last-of-type", "p3 p4" },
    { "#d1 :only-of-type", "b1" },
    { "a:nth-of-type(2)", "a2" },
    { "a:nth-last-of-type(2)", "a1" },
    { "#p4 :only-child", "b2" },
    { "#d2 > :empty", "s1" },
    { ":root", "html" },
    { ":link", "link a1" },
    { "a:any-link", "a1" },
    { ":not(p, div, b) > p", "" },
    { "div > :not(p)", "s1 s2" },
    { "p:not(div#d1 *)", "p4" },
    { ":is(#d1, #d2) > :where(p, ::before, :nonsense, )", "p1 p2 p3 p4" },
    { "p:is()", "" },
    { "div:has(b)", "d1 d2" },
    { "div:has(> p + p a)", "d1" },
    { "p:has(+ p)", "p1 p2" },
    { "p:has(~ #p3)", "p1 p2" },
    { "div:has(:is(#d2 b))", "d2" },
    { "body:has(div b) > div:not(:has(a))", "d2" },
    { "[lang|=en]", "html" },
    { "[hreflang|='en']", "a1" },
    { "[title~=\"\\\"hi\\\"\"]", "d2" },
    { "[title*='y \"']", "d2" },
    { "[title^=SAY]", "" },
    { "[title^=SAY i]", "d2" },
    { "[title$='\"' s]", "d2" },
    { "[title^='']", "" },
    { "[type=text]", "i1" },
    { "[type=text s]", "" },
    { "[TYPE]", "i1 i2 i4" },
    { "a[href!='/x']", "a2" },
    { "#p3 a[href='/x'", "a1" },
    { ":lang(en) > b", "b1 b2" },
    { "p:lang(de-DE)", "p3" },
    { "p:lang('*-latn')", "p3" },
    { "p:lang(fr, de)", "p3" },
    { "li:dir(rtl)", "l1 l2 l3 l4 l5" },
    { "div:dir(ltr)", "d1 d2" },
    { ":checked", "i2 o1" },
    { ":disabled", "fs i2 og o1" },
    { "input:enabled", "i1 i3 i4" },
    { ":required", "i1" },
    { ":optional", "i2 i3 i4 se ta" },
    { ":read-write", "i1 i3" },
    { ":placeholder-shown", "i3" },
    { "#f :default", "i2 o1 bu" },
    { ":indeterminate", "i4" },
    { "a:hover, a:visited, p::before, p:after, p::nonsense(x)", "" },
    { "p:contains('one')", "p1" },
    { "div:contains(eb)", "d1" },
    { "p:contains(eb)", "p1" },
    { "b:contains(eb)", "" },
    { "div:contains(bold)", "d1" },
    { "p:contains('')", "p1 p2 p3 p4" },
    { "p::text", "one three" },
    { "#p1 ::text", "one bold" },
    { "#d1 > ::text", "one three" },
    { "#p3::attr(lang)", "de-Latn-DE" },
    { "#p3 ::attr(ID)", "p3 a1 a2" },
    { "#p3::attr( 'lang' )", "de-Latn-DE" },
    { "#d2 > p > b::text, title::text", "T deep" },
    { "/**/p/* > */>/**/b", "b1 b2" },
    { "\\70 #p\\31", "p1" },
    { "#\\000070 4", "p4" },
    { ":scope > body > ul", "u" },
};

START_TEST(a_selector_finds)
{
    struct twi_tree tree;
    uint32_t root;

    twi_arena_init(&arena, 0);
    ck_assert(twi_tree_read_html(&tree, &arena, page, strlen(page), 0));
    root = twi_tree_root(&tree);
    ck_assert_msg(strcmp(select_in(&tree, rows[_i].selector, &root, 1), rows[_i].found) == 0,
                  "%s: %s", rows[_i].selector, select_in(&tree, rows[_i].selector, &root, 1));
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *selector;
    size_t at;
} wrong[] = {
    { "", 1 },
    { " ", 2 },
    { "div,", 5 },
    { ",div", 1 },
    { "> p", 1 },
    { "p >", 4 },
    { "p > > b", 5 },
    { "p ++ b", 4 },
    { "a|b", 1 },
    { "p %", 3 },
    { "#", 2 },
    { "#1", 2 },
    { ".", 2 },
    { "..a", 2 },
    { "[", 2 },
    { "[a=]", 4 },
    { "[a=b c]", 6 },
    { "[a%=b]", 3 },
    { "[=a]", 2 },
    { "[a]b", 4 },
    { ":nonsense", 1 },
    { "p:nonsense(x)", 2 },
    { ":not()", 6 },
    { ":has()", 6 },
    { ":not(a", 0 },
    { ":nth-child()", 12 },
    { ":nth-child(x)", 12 },
    { ":nth-child(n +)", 15 },
    { ":nth-child(2 off a)", 14 },
    { "a:has(b:has(c))", 8 },
    { "a::text b", 9 },
    { "a::text.b", 8 },
    { ":not(a::text)", 13 },
    { "p)", 2 },
    { "\xc3\xa4\xc3\xa4 ,", 5 },
    { "'a'", 1 },
    { "[a='b\n']", 4 },
    { "a!", 2 },
    { ":lang()", 7 },
    { ":dir('ltr')", 6 },
    { "a:", 3 },
    { "::", 3 },
};

START_TEST(a_wrong_selector_is_refused_with_its_place)
{
    struct twi_css_error error = { 0 };
    const struct twi_css *css;

    twi_arena_init(&arena, 0);
    css = twi_css_compile(&arena, wrong[_i].selector, strlen(wrong[_i].selector), NULL,
                          &error);
    ck_assert_msg((css != NULL) == (wrong[_i].at == 0), "%s", wrong[_i].selector);
    ck_assert_msg(error.at == wrong[_i].at, "%s: %s at %zu", wrong[_i].selector, error.why,
                  error.at);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(contexts_bound_what_is_found)
{
    struct twi_tree tree;
    uint32_t root, body, contexts[2];

    twi_arena_init(&arena, 0);
    ck_assert(twi_tree_read_html(&tree, &arena, page, strlen(page), 0));
    root = twi_tree_root(&tree);
    body = tree.nodes[tree.nodes[root].end - 1].parent;
    while (!twi_tree_is(&tree, body, TWI_NAME_BODY))
        body = tree.nodes[body].parent;
    contexts[0] = body;
    contexts[1] = twi_tree_first(&tree, body);
    ck_assert_str_eq(select_in(&tree, "html b", contexts, 1), "");
    ck_assert_str_eq(select_in(&tree, "body b", contexts, 2), "b1 b2");
    ck_assert_str_eq(select_in(&tree, "div", contexts + 1, 1), "d1");
    ck_assert_str_eq(select_in(&tree, ":scope > p", contexts, 2), "p1 p2 p3");
    ck_assert_str_eq(select_in(&tree, "div ~ div", contexts + 1, 1), "");
    twi_arena_free(&arena);
}
END_TEST

START_TEST(xml_minds_case_and_namespaces)
{
    static const char xml[] =
        "<r xmlns:s='http://www.w3.org/2000/svg' xmlns='d'><A id='1'/><a id='2' s:id='3'/>"
        "<s:a id='4' xml:lang='en' Type='X'/></r>";
    static const char *const cases[][2] = {
        { "A", "1" },
        { "a", "2 4" },
        { "svg|a", "4" },
        { "svg|*", "4" },
        { "|a", "" },
        { "[svg|id]", "2" },
        { "[*|id='3']", "2" },
        { ":lang(en)", "4" },
        { "[type]", "" },
        { "[Type=x]", "" },
        { "a:link, :checked", "" },
        { "r > :nth-of-type(1)", "1 2 4" },
    };
    struct twi_tree tree;
    uint32_t root;

    twi_arena_init(&arena, 0);
    ck_assert(twi_tree_read_xml(&tree, &arena, xml, strlen(xml)));
    root = twi_tree_root(&tree);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(strcmp(select_in(&tree, cases[i][0], &root, 1), cases[i][1]) == 0,
                      "%s: %s", cases[i][0], select_in(&tree, cases[i][0], &root, 1));
    twi_arena_free(&arena);
}
END_TEST

static const char *const hard[] = {
    "a b b b b b b c",
    "b b > b ~ b b + b b b > b c",
    ":is(b b b b) :not(b b c) b:has(c):has(b c)",
    "b:has(b b b b > x)",
    "b:nth-last-of-type(2n+1 of b), b:nth-last-of-type(3), b:nth-child(2 of b b)",
    "b:contains(x):lang(en):dir(rtl)",
    "b:empty, b:disabled, :read-write b, b:contains(y)",
};

#define DEEP 100000

START_TEST(deep_and_wide_pages_take_linear_time)
{
    char *source = malloc(DEEP * 7);
    struct twi_tree tree;
    struct twi_found_list list = { .arena = &arena };
    struct twi_css_error error;
    const struct twi_css *css;
    uint32_t root;
    bool limit = false;

    for (int i = 0; i < DEEP; i++)
        memcpy(source + 7 * i, _i % 2 == 0 ? "<b>y   " : "<b></b>", 7);
    twi_arena_init(&arena, 0);
    ck_assert(twi_tree_read_html(&tree, &arena, source, (size_t)DEEP * 7, 0));
    root = twi_tree_root(&tree);
    css = twi_css_compile(&arena, hard[_i / 2], strlen(hard[_i / 2]), NULL, &error);
    if (css != NULL)
        ck_assert(twi_css_select(css, &tree, &root, 1, &list, &limit));
    else
        ck_assert_str_eq(error.why, ") is missing");
    ck_assert(!limit);
    twi_arena_free(&arena);
    free(source);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("css");

    TEST_ADD_ROWS(suite, a_selector_finds, rows);
    TEST_ADD_ROWS(suite, a_wrong_selector_is_refused_with_its_place, wrong);
    TEST_ADD(suite, contexts_bound_what_is_found);
    TEST_ADD(suite, xml_minds_case_and_namespaces);
    test_add(suite, deep_and_wide_pages_take_linear_time, 0,
             2 * (int)(sizeof hard / sizeof *hard));
    return test_run(suite);
}
