/* SPDX-License-Identifier: MIT */
/* ./books - the cheap books of a shop into books.csv, their covers into covers/. */
#include <tweed/spider.h>

static void parse_book(tw_page *page)
{
    tw_item *item = tw_item_new(page);

    tw_item_css(item, "title", page, "h1::text");
    tw_item_css(item, "price", page, "p.price::text |> number");
    tw_item_css(item, "stock", page, "p.stock |> text |> re('\\d+') |> integer");
    tw_item_xpath(item, "upc", page, "//th[.='UPC']/following-sibling::td/text()");
    tw_item_css(item, "image_urls", page, "img.cover::attr(src) |> url |> all");
    tw_emit(item);
}

static void parse(tw_page *page)
{
    tw_follow(page, "article.book h3 a", parse_book);
    tw_follow(page, "li.next a", NULL);
}

static tw_value only_cheap(tw_item *item, tw_crawl *crawl)
{
    (void)crawl;
    if (tw_item_get_double(item, "price") > 40)
        return tw_fail(&tw_error_drop, "too dear");
    return tw_none();
}

TW_SPIDER(books, .start_urls = { "http://books.example/" }, .parse = parse,
          .callbacks = { TW_CALLBACK(parse_book) }, .pipelines = { only_cheap, tw_images },
          .feeds = { { "books.csv",
                       .fields = { "title", "price", "stock", "upc", "images" } } },
          .settings = { .files_dir = "covers", .max_per_host = 4 });
