/* SPDX-License-Identifier: MIT */
/*
 * check_declare.c - a spider is read out of options.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spider/crawl/declare.h"
#include "tests/test.h"

enum { WORDS_MOST = 20 };

static void put(char *line, size_t size, const char *key, const char *text)
{
    if (text != NULL)
        snprintf(line + strlen(line), size - strlen(line), "%s%s ", key, text);
}

static void put_words(char *line, size_t size, const char *key, const struct twi_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        put(line, size, key, words->words[i]);
}

static const char *declaration_line(const struct twi_declaration *declaration)
{
    static char line[1000];

    snprintf(line, sizeof line, "%s: ", declaration->name);
    put_words(line, sizeof line, "", &declaration->urls);
    put_words(line, sizeof line, "sitemap:", &declaration->sitemaps);
    put_words(line, sizeof line, "follow:", &declaration->follow);
    put_words(line, sizeof line, "domain:", &declaration->domains);
    for (const struct twi_declared_item *item = declaration->items; item != NULL;
         item = item->next) {
        put(line, sizeof line, "item:", item->css != NULL ? item->css : "the page");
        for (const struct tw_extract *field = item->fields; field->name != NULL; field++) {
            put(line, sizeof line, field->required ? "required " : "", field->name);
            put(line, sizeof line, "css ", field->css);
            put(line, sizeof line, "xpath ", field->xpath);
            put(line, sizeof line, "json ", field->json);
        }
    }
    return line;
}

static const struct {
    char *words[WORDS_MOST];
    const char *line;    /* NULL: refused */
    const char *message; /* its beginning */
} rows[] = {
    { { "https://a.example/" }, "crawl: https://a.example/ ", NULL },
    { { "a.example/x", "data:text/html,x", "file:///tmp/x" },
      "crawl: https://a.example/x data:text/html,x file:///tmp/x ",
      NULL },
    { { "a.example", "--follow", "li.next a", "-f", "a[rel=next]", "-d", "a.example",
        "--name=shop", "--sitemap", "a.example/robots.txt" },
      "shop: https://a.example sitemap:https://a.example/robots.txt follow:li.next a "
      "follow:a[rel=next] domain:a.example ",
      NULL },
    { { "a.example", "--field", "title=h1::text" },
      "crawl: https://a.example item:the page title css h1::text ",
      NULL },
    { { "a.example", "--item", "div.quote", "--field", "text=span::text |> strip",
        "--required=by=small::text", "-i", "li", "-F", "link=a::attr(href)" },
      "crawl: https://a.example item:div.quote text css span::text |> strip required by css "
      "small::text item:li link css a::attr(href) ",
      NULL },
    { { "a.example", "-F", "a=//h1/text()", "-F", "b=./p", "-F", "c=(//a)[1]", "-F",
        "d=json:/x/y" },
      "crawl: https://a.example item:the page a xpath //h1/text() b xpath ./p c xpath "
      "(//a)[1] "
      "d json /x/y ",
      NULL },
    { { "--sitemap", "https://a.example/sitemap.xml" },
      "crawl: sitemap:https://a.example/sitemap.xml ",
      NULL },
    { { NULL }, NULL, "no URL given" },
    { { "a.example", "--follow", "li[" }, NULL, "--follow: 'li[': " },
    { { "a.example", "--item", "" }, NULL, "--item: '': " },
    { { "a.example", "--item", "div" }, NULL, "--item 'div' has no --field" },
    { { "a.example", "--field", "h1" }, NULL, "--field: 'h1' is not of the form NAME=QUERY" },
    { { "a.example", "--field", "a=" }, NULL, "--field: 'a=' is not of the form NAME=QUERY" },
    { { "a.example", "--field", "a=p >" }, NULL, "--field: 'p >': " },
    { { "a.example", "--field", "a=p", "--required", "a=p" },
      NULL,
      "--required: 'a' is there already" },
    { { "a.example", "--field", "a=p |> wool" }, NULL, "--field: 'p |> wool': " },
    { { "a.example", "--field", "a=p |> re('(')" }, NULL, "--field: 'p |> re('(')': " },
    { { "a.example", "--field", "a=//p[" }, NULL, "--field: '//p[': " },
    { { "a.example", "--field", "a=json:x" }, NULL, "--field: 'x': " },
    { { "http://" }, NULL, "'http://': " },
    { { "a.example", "--sitemap", "a b" }, NULL, "'a b': " },
    { { "a.example", "--max-pages=x" }, NULL, "--max-pages: max_pages: 'x' is not" },
};

START_TEST(a_spider_is_read_out_of_options)
{
    struct twi_options options;
    struct twi_declaration declaration;
    struct twi_option_set set;
    enum twi_options_verdict verdict;
    tw_value failure = tw_none();
    int count = 0, r;

    while (rows[_i].words[count] != NULL)
        count++;
    twi_options_init(&options);
    set = twi_declare_options(&declaration, &options);
    r = twi_options_read(&options, &set, count, rows[_i].words, &verdict, &failure);
    if (r == 0)
        r = twi_declare_finish(&declaration, &options, &failure);
    if (rows[_i].line != NULL) {
        ck_assert_msg(r == 0, "%s", tw_failure_message(failure));
        ck_assert_str_eq(declaration_line(&declaration), rows[_i].line);
    } else {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert(tw_failure_is(failure, &tw_error_settings));
        ck_assert_msg(strncmp(tw_failure_message(failure), rows[_i].message,
                              strlen(rows[_i].message)) == 0,
                      "%s", tw_failure_message(failure));
        tw_release(failure);
    }
    twi_options_free(&options);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("declare");

    TEST_ADD_ROWS(suite, a_spider_is_read_out_of_options, rows);
    return test_run(suite);
}
