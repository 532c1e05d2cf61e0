/* SPDX-License-Identifier: MIT */
/*
 * check_tree.c - pages and XML become trees, and trees become text again.
 */
#include "config.h"

#include <string.h>

#include "spider/text/tree.h"
#include "spider/text/utf8.h"
#include "tests/test.h"

static struct twi_arena arena;

static struct twi_tree read_tree(const char *text, size_t length, bool is_xml)
{
    struct twi_tree tree;

    twi_arena_init(&arena, 0);
    ck_assert(is_xml ? twi_tree_read_xml(&tree, &arena, text, length)
                     : twi_tree_read_html(&tree, &arena, text, length, 0));
    return tree;
}

static const struct {
    const char *source, *markup; /* NULL: the same */
    bool is_xml;
} written[] = {
    { "<html><body><p>a<br>b</p></body></html>", NULL, false },
    { "<p title='\"&amp;<'>&lt;&amp;\"</p>",
      "<html><body><p title=\"&quot;&amp;&lt;\">&lt;&amp;\"</p></body></html>", false },
    { "<html><head><script>a<b&&c</script></head></html>", NULL, false },
    { "<!DOCTYPE html><html><!--x--><body></body></html>", NULL, false },
    { "<input checked value>", "<html><body><input checked=\"\" value=\"\"></body></html>",
      false },
    { "<P CLASS=A>\xc3\xa4&nbsp;",
      "<html><body><p class=\"A\">\xc3\xa4\xc2\xa0</p></body></html>", false },
    { "<a><b/>x</a>", NULL, true },
    { "<a b=\"&lt;&#10;\">&gt;<![CDATA[<&]]></a>", "<a b=\"&lt;&#10;\">&gt;&lt;&amp;</a>",
      true },
    { "<a xmlns=\"u\" xmlns:p=\"v\"><p:b p:c=\"d\"/></a>", NULL, true },
    { "<?x y?><!--c--><a/><?z?>", NULL, true },
    { "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\"><!ENTITY f \"&e;&e;\">"
      "<!--in--><?in x?>]><a>1&e;2&f;&amp;</a>",
      "<!DOCTYPE a><a>1&e;2&f;&amp;</a>", true },
    { "<a><b>x</a>", "<a><b>x</b></a>", true },
    { "<a p:b=\"c\"><q:r/></a>", NULL, true },
};

START_TEST(what_was_read_is_written)
{
    const char *source = written[_i].source;
    struct twi_tree tree = read_tree(source, strlen(source), written[_i].is_xml);
    struct twi_text out = { .arena = &arena };

    twi_tree_write(&tree, 0, &out);
    ck_assert_str_eq(twi_text_string(&out),
                     written[_i].markup != NULL ? written[_i].markup : source);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(a_part_is_written_with_its_namespaces)
{
    static const char source[] = "<a xmlns='u' xmlns:p='v'><p:b xmlns:p='w'><p:c/></p:b>t</a>";
    struct twi_tree tree = read_tree(source, strlen(source), true);
    struct twi_text out = { .arena = &arena };

    twi_tree_write(&tree, 3, &out);
    ck_assert_str_eq(twi_text_string(&out), "<p:c xmlns:p=\"w\" xmlns=\"u\"/>");
    twi_tree_strip_spaces(&tree);
    out.length = 0;
    twi_tree_write(&tree, 0, &out);
    ck_assert_str_eq(twi_text_string(&out), "<a><b><c/></b>t</a>");
    twi_arena_free(&arena);
}
END_TEST

START_TEST(without_namespaces_each_name_stands_once)
{
    static const char source[] =
        "<l xmlns:p='v' xmlns:q='w' a='0' p:a='1' b='2' p:c='3' c='4' p:d='5' q:d='6'/>";
    struct twi_tree tree = read_tree(source, strlen(source), true);
    struct twi_text out = { .arena = &arena };

    twi_tree_strip_spaces(&tree);
    twi_tree_write(&tree, 0, &out);
    ck_assert_str_eq(twi_text_string(&out), "<l a=\"1\" b=\"2\" c=\"3\" d=\"6\"/>");
    twi_arena_free(&arena);
}
END_TEST

START_TEST(nodes_know_their_places)
{
    static const char source[] =
        "<html><body><p>a<b>c</b>d<!--e--><i></i></p><p></p></body></html>";
    struct twi_tree tree = read_tree(source, strlen(source), false);
    struct twi_text out = { .arena = &arena };
    uint32_t root = twi_tree_root(&tree), body = twi_tree_first(&tree, root),
             p = twi_tree_first(&tree, body), i = tree.nodes[p].end - 1;

    ck_assert(twi_tree_is(&tree, p, twi_tree_find_atom(&tree, "p", 1)));
    ck_assert_uint_eq(tree.nodes[p].elements, 2);
    ck_assert_uint_eq(tree.nodes[i].place, 2);
    ck_assert_uint_eq(tree.nodes[body].elements, 2);
    ck_assert_uint_eq(tree.nodes[twi_tree_next(&tree, p)].previous, p);
    ck_assert_uint_eq(twi_tree_next(&tree, twi_tree_next(&tree, p)), 0);
    ck_assert_int_eq(tree.nodes[tree.nodes[i].previous].kind, TWI_NODE_COMMENT);
    ck_assert_uint_eq(twi_tree_next(&tree, i), 0);
    twi_tree_write_text(&tree, p, &out);
    ck_assert_str_eq(twi_text_string(&out), "acd");
    twi_arena_free(&arena);
}
END_TEST

START_TEST(classes_are_words)
{
    static const char source[] = "<p class=' a\tbc\n'>";
    struct twi_tree tree = read_tree(source, strlen(source), false);

    ck_assert(twi_tree_has_class(&tree, 3, "a", 1));
    ck_assert(twi_tree_has_class(&tree, 3, "bc", 2));
    ck_assert(!twi_tree_has_class(&tree, 3, "b", 1));
    ck_assert(!twi_tree_has_class(&tree, 2, "a", 1));
    ck_assert_uint_eq(tree.nodes[3].classes, twi_class_bit("a", 1) | twi_class_bit("bc", 2));
    twi_arena_free(&arena);
}
END_TEST

START_TEST(names_are_atoms_in_lower_case_too)
{
    struct twi_tree tree;

    twi_arena_init(&arena, 0);
    ck_assert(twi_tree_init(&tree, &arena, 0));
    ck_assert_uint_eq(twi_tree_find_atom(&tree, "href", 4), TWI_NAME_HREF);
    ck_assert_uint_eq(tree.atoms[twi_tree_atom(&tree, "HREF", 4)].lower, TWI_NAME_HREF);
    for (int i = 0; i < 1000; i++) {
        char name[] = { (char)('a' + i % 10), (char)('a' + i / 10 % 10), (char)('A' + i / 100),
                        0 };
        uint32_t atom = twi_tree_atom(&tree, name, 3);
        ck_assert_str_eq(twi_tree_name(&tree, atom), name);
        ck_assert_uint_eq(twi_tree_find_atom(&tree, name, 3), atom);
        name[2] = (char)(name[2] + 32);
        ck_assert_uint_eq(twi_tree_find_atom(&tree, name, 3), tree.atoms[atom].lower);
    }
    ck_assert_uint_eq(twi_tree_find_atom(&tree, "nothing", 7), 0);
    twi_arena_free(&arena);
}
END_TEST

#define DEEP 100000

START_TEST(deep_pages_are_read_and_written)
{
    char *source = malloc(DEEP * 7);
    struct twi_tree tree;
    struct twi_text out;

    for (int i = 0; i < DEEP; i++)
        memcpy(source + 3 * i, _i == 0 ? "<b>" : "<x>", 3);
    if (_i == 1)
        for (int i = 0; i < DEEP; i++)
            memcpy(source + 3 * DEEP + 4 * i, "</x>", 4);
    tree = read_tree(source, DEEP * (_i == 0 ? 3 : 7), _i == 1);
    out = (struct twi_text){ .arena = &arena };
    ck_assert_uint_ge(tree.count, DEEP + 1);
    ck_assert_uint_eq(tree.nodes[tree.count - 1].end, tree.count);
    twi_tree_write(&tree, 0, &out);
    ck_assert_uint_ge(out.length, (size_t)DEEP * 7 - 4);
    twi_arena_free(&arena);
    free(source);
}
END_TEST

START_TEST(a_full_arena_ends_it)
{
    char *source = malloc(1 << 20);
    struct twi_tree tree;

    memset(source, 'x', 1 << 20);
    for (int i = 0; i + 4 < 1 << 20; i += 16)
        memcpy(source + i, "<p><", 4);
    for (size_t limit = 4096; limit < 4 << 20; limit *= 2) {
        twi_arena_init(&arena, limit);
        ck_assert(!twi_tree_read_html(&tree, &arena, source, 1 << 20, 0));
        twi_arena_reset(&arena);
        ck_assert(!twi_tree_read_xml(&tree, &arena, "<a/>", limit > 4096 ? 0 : 4) ||
                  limit > 4096);
        twi_arena_free(&arena);
    }
    free(source);
}
END_TEST

static const struct {
    const char *text;
    size_t length;
    const char *clean;
} dirty[] = {
    { "abc", 3, "abc" },
    { "\xef\xbb\xbf"
      "a",
      4, "a" },
    { "a\0b", 3, "ab" },
    { "\0\0", 2, "" },
    { "\xed\xa0\x80x", 4, "\xef\xbf\xbdx" },
    { "\xff\xc3", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
    { "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80" },
    { "", 0, "" },
};

START_TEST(texts_are_cleaned_for_strict_parsers)
{
    size_t length;
    const char *clean;

    twi_arena_init(&arena, 0);
    clean = twi_utf8_clean(&arena, dirty[_i].text, dirty[_i].length, &length);
    ck_assert_uint_eq(length, strlen(dirty[_i].clean));
    ck_assert_mem_eq(clean, dirty[_i].clean, length);
    twi_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree");

    TEST_ADD_ROWS(suite, what_was_read_is_written, written);
    TEST_ADD(suite, a_part_is_written_with_its_namespaces);
    TEST_ADD(suite, without_namespaces_each_name_stands_once);
    TEST_ADD(suite, nodes_know_their_places);
    TEST_ADD(suite, classes_are_words);
    TEST_ADD(suite, names_are_atoms_in_lower_case_too);
    test_add(suite, deep_pages_are_read_and_written, 0, 2);
    TEST_ADD(suite, a_full_arena_ends_it);
    TEST_ADD_ROWS(suite, texts_are_cleaned_for_strict_parsers, dirty);
    return test_run(suite);
}
