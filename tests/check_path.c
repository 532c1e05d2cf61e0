/* SPDX-License-Identifier: MIT */
/*
 * check_path.c - a path has one normal form, and routes are matched on it.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/test.h"
#include "web/server/path.h"

/* The segments, each in brackets. */
static const char *segments_of(const struct twi_path *path)
{
    static char shown[512];
    const char *segment;

    shown[0] = '\0';
    for (size_t i = 0; (segment = twi_path_segment(path, i)) != NULL; i++)
        sprintf(shown + strlen(shown), "[%s]", segment);
    return shown;
}

/* Without a text: -EINVAL. */
static const struct {
    const char *from, *text, *segments, *link;
} rows[] = {
    { "/", "/", "[]", "/" },
    { "/a", "/a", "[a]", "/a" },
    { "/a/", "/a/", "[a][]", "/a/" },
    { "/a/b", "/a/b", "[a][b]", "/a/b" },
    { "*", "*", "", "" },
    { "", "", "", "" },
    /* escapes */
    { "/%61%20b", "/a b", "[a b]", "/a%20b" },
    { "/%c3%9c%FF", "/\303\234\377", "[\303\234\377]", "/%C3%9C%FF" },
    { "/%2a", "/*", "[*]", "/*" },
    { "/100%25", "/100%", "[100%]", "/100%25" },
    { "/a%3fb%23c", "/a?b#c", "[a?b#c]", "/a%3Fb%23c" },
    { "/%0a", "/\n", "[\n]", "/%0A" },
    /* A slash that was escaped parts nothing. */
    { "/a%2Fb", "/a%2Fb", "[a/b]", "/a%2Fb" },
    { "/%2f%2fa", "/%2F%2Fa", "[//a]", "/%2F%2Fa" },
    { "/a%252fb", "/a%2fb", "[a%2fb]", "/a%252fb" },
    { "/..%2fa", "/..%2Fa", "[../a]", "/..%2Fa" },
    { "/a%2f../b", "/a%2F../b", "[a/..][b]", "/a%2F../b" },
    /* Not slashes and dots, whatever others take them for. */
    { "/a\\..\\b", "/a\\..\\b", "[a\\..\\b]", "/a%5C..%5Cb" },
    { "/..;/a", "/..;/a", "[..;][a]", "/..;/a" },
    { "/a;x=1/b", "/a;x=1/b", "[a;x=1][b]", "/a;x=1/b" },
    { "/%c0%af", "/\300\257", "[\300\257]", "/%C0%AF" },
    { "/%c0%ae%c0%ae/a", "/\300\256\300\256/a", "[\300\256\300\256][a]", "/%C0%AE%C0%AE/a" },
    { "/%252e%252e/a", "/%2e%2e/a", "[%2e%2e][a]", "/%252e%252e/a" },
    { "/...", "/...", "[...]", "/..." },
    /* RFC 3986, 5.2.4 */
    { "/a/b/c/./../../g", "/a/g", "[a][g]", "/a/g" },
    { "/.", "/", "[]", "/" },
    { "/./", "/", "[]", "/" },
    { "/a/.", "/a/", "[a][]", "/a/" },
    { "/a/..", "/", "[]", "/" },
    { "/a/../", "/", "[]", "/" },
    { "/a/b/..", "/a/", "[a][]", "/a/" },
    { "/./a", "/a", "[a]", "/a" },
    { "/a/../b", "/b", "[b]", "/b" },
    { "/a%2fb/../c", "/c", "[c]", "/c" },
    { "/%2e/a", "/a", "[a]", "/a" },
    { "/a/%2E%2e/b", "/b", "[b]", "/b" },
    { "/a/.%2e/b", "/b", "[b]", "/b" },
    /* Empty segments are some. */
    { "//", "//", "[][]", "/.//" },
    { "//a", "//a", "[][a]", "/.//a" },
    { "/a//b", "/a//b", "[a][][b]", "/a//b" },
    { "/a//../b", "/a/b", "[a][b]", "/a/b" },
    { "/.//a", "//a", "[][a]", "/.//a" },
    { "//../a", "/a", "[a]", "/a" },
    /* up from the root */
    { "/..", NULL, NULL, NULL },
    { "/../a", NULL, NULL, NULL },
    { "/a/../../b", NULL, NULL, NULL },
    { "/%2e%2e/a", NULL, NULL, NULL },
    { "/./../a", NULL, NULL, NULL },
    /* malformed */
    { "/%", NULL, NULL, NULL },
    { "/%2", NULL, NULL, NULL },
    { "/%g0", NULL, NULL, NULL },
    { "/%0g", NULL, NULL, NULL },
    { "/%%20", NULL, NULL, NULL },
    { "/a%00b", NULL, NULL, NULL },
    { "/a/%00/../b", NULL, NULL, NULL },
    { "a", NULL, NULL, NULL },
    { "**", NULL, NULL, NULL },
};

static void path_is_as_row(const char *from, char *space, size_t room, int row)
{
    struct twi_path path;
    struct twi_buf link = { 0 };
    int r = twi_path_read(&path, from, strlen(from), space, room);

    if (rows[row].text == NULL) {
        ck_assert_msg(r == -EINVAL && *path.text == '\0' && path.length == 0, "%s", from);
        return;
    }
    ck_assert_msg(r == 0, "%s", from);
    ck_assert_str_eq(path.text, rows[row].text);
    ck_assert_str_eq(segments_of(&path), rows[row].segments);
    ck_assert_int_eq(twi_path_link(&path, &link), 0);
    ck_assert_str_eq(twi_buf_text(&link), rows[row].link);
    twi_buf_free(&link);
    twi_path_free(&path);
}

/* In the space given, and in memory of its own; each of its size, so that a sanitizer sees a step
 * beyond. */
START_TEST(a_path_has_one_normal_form)
{
    size_t length = strlen(rows[_i].from);
    char *exact = test_given(malloc(length + 1)),
         *space = test_given(malloc(2 * (length + 1)));

    strcpy(exact, rows[_i].from);
    path_is_as_row(exact, space, 2 * (length + 1), _i);
    path_is_as_row(exact, NULL, 0, _i);
    free(exact);
    free(space);
}
END_TEST

static const char *const parts[] = { "a",    "/",   "//", ".",  "/.", "/..", "/.a",
                                     "/../", "/./", "a/", "..", "*",  "\\",  "\377" };

/* Paths that need no decoding are copied by words; with one letter escaped they are not. */
START_TEST(a_path_reads_the_same_with_a_letter_escaped)
{
    const char *part = parts[_i];

    for (size_t before = 0; before < 20; before++)
        for (size_t after = 0; after < 20; after++) {
            char plain[64], escaped[72];
            struct twi_path a, b;
            int n = sprintf(plain, "/%.*s%s%.*sz", (int)before, "abcdefghijklmnopqrst", part,
                            (int)after, "ABCDEFGHIJKLMNOPQRST");
            int m = sprintf(escaped, "%.*s%%7A", n - 1, plain);
            int r = twi_path_read(&a, plain, (size_t)n, NULL, 0);

            ck_assert_int_eq(r, twi_path_read(&b, escaped, (size_t)m, NULL, 0));
            ck_assert_str_eq(a.text, b.text);
            ck_assert_uint_eq(a.length, b.length);
            ck_assert_mem_eq(a.segments, b.segments, a.length);
            twi_path_free(&a);
            twi_path_free(&b);
        }
}
END_TEST

/* The link of a path is read as the same path. */
START_TEST(a_link_leads_to_its_path)
{
    struct twi_path path, again;
    struct twi_buf link = { 0 };

    if (rows[_i].text == NULL || rows[_i].text[0] != '/')
        return;
    ck_assert_int_eq(twi_path_read(&path, rows[_i].from, strlen(rows[_i].from), NULL, 0), 0);
    ck_assert_int_eq(twi_path_link(&path, &link), 0);
    ck_assert_int_eq(twi_path_read(&again, link.data, link.length, NULL, 0), 0);
    ck_assert_uint_eq(path.length, again.length);
    ck_assert_mem_eq(path.segments, again.segments, path.length);
    twi_buf_free(&link);
    twi_path_free(&path);
    twi_path_free(&again);
}
END_TEST

static const struct {
    const char *target, *path; /* NULL: none */
} targets[] = {
    { "/a?b", "/a" },
    { "/a", "/a" },
    { "/?", "/" },
    { "*", "*" },
    { "http://host/a?b", "/a" },
    { "HTTP://host:80/a", "/a" },
    { "http://host", "" },
    { "http://host?/a", "" },
    { "http://host/a?http://b/c", "/a" },
    { "/a?http://b/c", "/a" },
    { "host:443", NULL },
};

START_TEST(a_target_has_a_path)
{
    size_t length;
    const char *path = twi_path_of_target(targets[_i].target, &length);

    if (targets[_i].path == NULL) {
        ck_assert_ptr_null(path);
        return;
    }
    ck_assert_msg(length == strlen(targets[_i].path) &&
                      strncmp(path, targets[_i].path, length) == 0,
                  "%s", targets[_i].target);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("path");

    TEST_ADD_ROWS(suite, a_path_has_one_normal_form, rows);
    TEST_ADD_ROWS(suite, a_path_reads_the_same_with_a_letter_escaped, parts);
    TEST_ADD_ROWS(suite, a_link_leads_to_its_path, rows);
    TEST_ADD_ROWS(suite, a_target_has_a_path, targets);
    return test_run(suite);
}
