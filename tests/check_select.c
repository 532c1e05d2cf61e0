/* SPDX-License-Identifier: MIT */
/*
 * check_select.c - XPath, regular expressions and steps find what lxml and parsel find.
 */
#include "config.h"

#include <string.h>

#include "spider/text/select.h"
#include "tests/test.h"

static struct twi_arena arena;

static const char page[] =
    "<div id=a class='x y'><p lang=en-US>Hello<a href=/1>one 12</a><a href=/2>two 34</a></p>"
    "<p>x<b>y</b></p><!--k--></div>";
static const char xml[] =
    "<r xmlns='d' xmlns:s='urn:s' xml:lang='en'><a s:q='1'/><s:b>t</s:b><?pi x y?></r>";

static struct twi_prefix prefix = { "s", "urn:s", NULL };
static struct twi_variable variable = { "n",
                                        { .kind = TWI_VALUE_NUMBER, .text = "2", .length = 1 },
                                        NULL };

/* "KIND TEXT" for each step: c, x, r, i; NULL ends them. */
static const char *select_all(struct twi_selector *selector, const char *const *steps)
{
    struct twi_step step[4] = { 0 };
    struct twi_value_list list = { .arena = &arena };
    struct twi_select_error error;
    struct twi_text out = { .arena = &arena };

    for (int i = 0; steps[i] != NULL; i++) {
        step[i].kind = (enum twi_step_kind)(strchr("cxri", steps[i][0]) - "cxri");
        step[i].text = steps[i] + 2;
        step[i].length = strlen(steps[i] + 2);
        if (i > 0)
            step[i - 1].next = &step[i];
    }
    if (!twi_select(selector, step, &list, &error)) {
        twi_text_puts(&out, error.word);
        twi_text_puts(&out, ": ");
        twi_text_puts(&out, error.message);
    }
    for (size_t i = 0; i < list.count; i++) {
        twi_value_write(selector->tree, &list.items[i], &out);
        twi_text_putc(&out, '|');
    }
    return twi_text_string(&out);
}

static const struct {
    const char *steps[4];
    const char *found;
    bool is_xml;
} rows[] = {
    { { "x //a/@href" }, "/1|/2|", false },
    { { "x count(//a)" }, "2|", false },
    { { "x 1 div 0" }, "Infinity|", false },
    { { "x 0 * -1" }, "0|", false },
    { { "x 4915112345678" }, "4915112345678|", false },
    { { "x -1e21 - 5e20" }, "-1500000000000000000000|", false },
    { { "x 0.1 + 0.2" }, "0.30000000000000004|", false },
    { { "x 1 div -3" }, "-0.3333333333333333|", false },
    { { "x 0.00000125" }, "0.00000125|", false },
    { { "x 12.5 * 100" }, "1250|", false },
    { { "x //a[$n]/text()" }, "two 34|", false },
    { { "x string(//b)" }, "y|", false },
    { { "x boolean(//i)" }, "false|", false },
    { { "x //a[re:test(., 'T\\w+', 'i')]/@href" }, "/2|", false },
    { { "x re:match(//a, '(\\d)(\\d)')" },
      "<match>12</match>|<match>1</match>|<match>2</match>|",
      false },
    { { "x re:match(//p, '\\d+', 'g')/text()" }, "12|34|", false },
    { { "x re:match('a1-b22', '([a-z])(-)?([0-9]+)', 'g')/text()" }, "a1|b22|", false },
    { { "x re:replace('abab', '(b)', '', '<\\1\\0>')" }, "a<bb>ab|", false },
    { { "x re:replace('abab', '(?P<k>b)', 'g', '-\\g<k>\\g<1>')" }, "a-bba-bb|", false },
    { { "x set:difference(//p/*, //a)" }, "<b>y</b>|", false },
    { { "x set:intersection(//p/*, //b)" }, "<b>y</b>|", false },
    { { "x set:has-same-node(//a, //b)" }, "false|", false },
    { { "x set:leading(//p/*, //a[2])/@href" }, "/1|", false },
    { { "x set:trailing(//p/*, //a[2])" }, "<b>y</b>|", false },
    { { "x count(set:leading(//p/*, //i))" }, "3|", false },
    { { "x count(set:distinct(//p | //p))" }, "2|", false },
    { { "x //*[has-class('y', 'x')]/@id" }, "a|", false },
    { { "x id('a')/p[2]/b" }, "<b>y</b>|", false },
    { { "x //comment()" }, "<!--k-->|", false },
    { { "x //text()", "x ." }, "", false },
    { { "x //@href", "c a" }, "", false },
    { { "x /" }, "", false },
    { { "x //b | //a", "i 2" }, "<b>y</b>|", false },
    { { "c a", "x ..", "x @lang" }, "en-US|", false },
    { { "c p", "x //b" }, "<b>y</b>|", false },
    { { "c a", "i 7" }, "", false },
    { { "c a::text", "r (\\d)(\\d)" }, "1|2|3|4|", false },
    { { "c a::text", "r (?P<extract>\\w)\\w" }, "o|t|", false },
    { { "c b", "r (z)?y" }, "|", false },
    { { "c b::text", "r x*" }, "||", false },
    { { "c a::text", "r \\u006f\\U0000006e[\\u0065]" }, "one|", false },
    { { "c a::text", "r (?iu)O{,2}[]{,2}n]?N(?u:e)?" }, "one|", false },
    { { "x 'a\n'", "r a\\Z|\\n\\Z" }, "\n|", false },
    { { "c b", "r &?.>" }, "b>|b>|", false },
    { { "x \"a&#38;b&lt;&eacute;\"", "r .+" }, "a&b&lt;\xc3\xa9|", false },
    { { "x //s:b" }, "<s:b xmlns=\"d\" xmlns:s=\"urn:s\">t</s:b>|", true },
    { { "x //@s:q" }, "1|", true },
    { { "x //a" }, "", true },
    { { "x name(//s:*)" }, "s:b|", true },
    { { "x //processing-instruction('pi')" }, "<?pi x y?>|", true },
    { { "x count(//s:b/namespace::*)" }, "3|", true },
    { { "x count(//*[lang('en')])" }, "3|", true },
    { { "x //@xml:lang" }, "en|", true },
    { { "x //a[has-class(1)]" }, "xpath: has-class() wants strings", false },
    { { "x //a[" }, "xpath: a wrong expression, at character 5", false },
    { { "x nothing()" }, "xpath: function nothing not found", false },
    { { "x $nothing" }, "xpath: no such variable", false },
    { { "x q:a" }, "xpath: no namespace has this prefix", false },
    { { "x has-class()" }, "xpath: has-class() wants at least one class", false },
    { { "x re:test('a')" }, "xpath: too many or too few arguments", false },
    { { "x re:test('a', '(')" },
      "xpath: regular expression: missing closing parenthesis, at character 2",
      false },
    { { "x set:distinct('a')" }, "xpath: a value of a wrong type", false },
    { { "r \xc3\xa4(" }, "re: missing closing parenthesis, at character 3", false },
    { { "r \\u00e4{,2}(" }, "re: missing closing parenthesis, at character 12", false },
    { { "c p", "c [" }, "css: [ wants the name of an attribute, at character 2", false },
    { { "i -1" }, "usage: an index is a number from 0", false },
};

START_TEST(steps_find)
{
    struct twi_tree tree;
    struct twi_selector selector = { .tree = &tree,
                                     .prefixes = &prefix,
                                     .variables = &variable };
    const char *found;

    twi_arena_init(&arena, 0);
    ck_assert(rows[_i].is_xml ? twi_tree_read_xml(&tree, &arena, xml, strlen(xml))
                              : twi_tree_read_html(&tree, &arena, page, strlen(page), 0));
    found = select_all(&selector, rows[_i].steps);
    ck_assert_msg(strcmp(found, rows[_i].found) == 0, "%s: %s", rows[_i].steps[0], found);
    twi_selector_close(&selector);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(every_element_is_found_again_by_its_path)
{
    struct twi_tree tree;
    struct twi_selector selector = { .tree = &tree };
    struct twi_select_error error;

    twi_arena_init(&arena, 0);
    ck_assert(_i == 0 ? twi_tree_read_xml(&tree, &arena, xml, strlen(xml))
                      : twi_tree_read_html(&tree, &arena, page, strlen(page), 0));
    for (uint32_t i = 1; i < tree.count; i++) {
        struct twi_value_list list = { .arena = &arena };
        struct twi_text path = { .arena = &arena };
        struct twi_step step = { .kind = TWI_STEP_XPATH };
        if (tree.nodes[i].kind != TWI_NODE_ELEMENT)
            continue;
        twi_selector_path(&selector, i, &path);
        step.text = twi_text_string(&path);
        step.length = path.length;
        ck_assert(twi_select(&selector, &step, &list, &error));
        ck_assert_uint_eq(list.count, 1);
        ck_assert_uint_eq(list.items[0].found.node, i);
    }
    twi_selector_close(&selector);
    twi_arena_free(&arena);
}
END_TEST

static const char *const endless[][4] = {
    { "r (a|aa)+$(?<=c)" },
    { "x re:test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', '(a|aa)+$(?<=c)')" },
    { "x count(//*[count(//*[count(//*[count(//*) > 1]) > 1]) > 1])" },
};

START_TEST(what_takes_too_long_is_a_limit)
{
    char *source = malloc(4000);
    struct twi_tree tree;
    struct twi_selector selector = { .tree = &tree };

    memset(source, 'a', 4000);
    for (int i = 0; i < 1000; i++)
        memcpy(source + 4 * i, _i == 2 ? "<br>" : "aaaa", 4);
    source[3999] = _i == 2 ? '>' : 'b';
    twi_arena_init(&arena, 0);
    ck_assert(twi_tree_read_html(&tree, &arena, source, 4000, 0));
    ck_assert_msg(strncmp(select_all(&selector, endless[_i]), "limit: ", 7) == 0, "%s",
                  select_all(&selector, endless[_i]));
    twi_selector_close(&selector);
    twi_arena_free(&arena);
    free(source);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("select");

    TEST_ADD_ROWS(suite, steps_find, rows);
    test_add(suite, every_element_is_found_again_by_its_path, 0, 2);
    TEST_ADD_ROWS(suite, what_takes_too_long_is_a_limit, endless);
    return test_run(suite);
}
