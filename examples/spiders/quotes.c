/* SPDX-License-Identifier: MIT */
/* ./quotes -o quotes.jsonl - every quote of a site, from page to page. */
#include <tweed/spider.h>

static void parse(tw_page *page)
{
    TW_CSS_EACH (quote, page, "div.quote") {
        tw_item *item = tw_item_new(page);
        tw_item_css(item, "text", quote, "span.text::text");
        tw_item_css(item, "author", quote, "small.author::text");
        tw_item_css(item, "tags", quote, "a.tag::text |> all");
        tw_emit(item);
    }
    tw_follow(page, "li.next a", NULL);
}

TW_SPIDER(quotes, .start_urls = { "http://quotes.example/" }, .parse = parse);
