/* SPDX-License-Identifier: MIT */
/*
 * page.c - a callback of a user's spider, in C and in C++: the macros and overloads of
 * <tweed/page.h>. There is no page, so it finds nothing.
 */
#include <tweed/page.h>

#include <stdio.h>

#ifdef __cplusplus
#define NO_TEXT nullptr
#else
#define NO_TEXT NULL
#endif

static int found;

static void parse(tw_page *page)
{
    char text[] = "x";
    tw_item *item = tw_item_new(page);

    TW_CSS_EACH (row, page, "tr") {
        TW_XPATH_EACH (cell, row, "td") {
            found += tw_css_has(cell, "b");
        }
    }
    tw_item_css(item, "css", page, "p::text |> number");
    tw_item_json(item, "json", tw_page_root(page), "/a");
    tw_item_set(item, "text", text);
    tw_item_set(item, "literal", "x");
    tw_item_set(item, "null", NO_TEXT);
    tw_item_set(item, "int", 1);
    tw_item_set(item, "size", sizeof text);
    tw_item_set(item, "double", 1.5);
    tw_item_set(item, "bool", (bool)true);
    tw_item_set(item, "value", tw_string("x"));
    tw_emit(item);
    found += tw_css_get(page, "a") != NO_TEXT;
    found += tw_visit(page, "/next", parse) > 0;
    found += tw_fetch(page, "/other") != page;
    found += (int)tw_follow(page, "a", parse);
#ifndef __cplusplus
    found += tw_visit(page, "/next", .priority = 1, .headers = TW_FIELDS({ "A", "b" })) > 0;
    found += tw_submit(page, "form", parse, { "user", "me" }, { "password", "x" }) > 0;
#endif
}

int main(void)
{
    parse(NO_TEXT);
    puts("consumer: pages in both languages");
    return found;
}
