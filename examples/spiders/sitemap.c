/* SPDX-License-Identifier: MIT */
/* ./sitemap -o all.jsonl - the pages that a shop's sitemaps list, each kind read its way. */
#include <tweed/spider.h>

static const struct tw_extract product[] = {
    { "name", "h1.title::text |> strip", .required = true },
    { "price", .css = "span.price::text |> number" },
    { "sku", .xpath = "//meta[@itemprop='sku']/@content" },
    { 0 },
};
static const struct tw_extract article[] = {
    { "headline", .css = "h1::text" },
    { "published", .css = "time::attr(datetime)" },
    { 0 },
};

static void parse_product(tw_page *page)
{
    tw_scrape(page, NULL, product);
}

static void parse_article(tw_page *page)
{
    tw_scrape(page, "article", article);
}

TW_SPIDER(sitemap, .sitemaps = { "http://shop.example/robots.txt" },
          .sitemap_rules = { { "/product/", parse_product }, { "/news/", parse_article } },
          .callbacks = { TW_CALLBACK(parse_product), TW_CALLBACK(parse_article) });
