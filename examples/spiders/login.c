/* SPDX-License-Identifier: MIT */
/* ./login -a user=ann -a password=secret -o orders.jsonl - log in, then read what only members see:
 * items that begin on one page and end on another. */
#include <tweed/spider.h>

static void parse_order(tw_page *page)
{
    tw_item *item = tw_page_item(page);

    tw_item_css(item, "address", page, "div.address |> text |> strip");
    tw_item_css(item, "lines", page, "td.line::text |> all");
    tw_emit(item);
}

static void parse_orders(tw_page *page)
{
    TW_CSS_EACH (row, page, "tr.order") {
        tw_item *item = tw_item_new(page);
        tw_item_css(item, "number", row, "td.number::text");
        tw_item_css(item, "total", row, "td.total::text |> number");
        tw_visit(page, tw_css_get(row, "a::attr(href)"), parse_order, .item = item);
    }
    tw_follow(page, "a[rel=next]", parse_orders);
}

static void after_login(tw_page *page)
{
    if (!tw_css_has(page, "a.logout")) {
        tw_crawl_stop(tw_page_crawl(page), "login refused");
        return;
    }
    tw_visit(page, "/orders", parse_orders);
}

static void login(tw_page *page)
{
    tw_submit(page, "form#login", after_login, { "user", tw_argument(page, "user") },
              { "password", tw_argument(page, "password") });
}

TW_SPIDER(login, .start_urls = { "http://members.example/login" }, .parse = login,
          .callbacks = { TW_CALLBACK(after_login), TW_CALLBACK(parse_orders),
                         TW_CALLBACK(parse_order) });
