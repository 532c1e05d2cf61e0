/* SPDX-License-Identifier: MIT */
/* ./rules -o items.jsonl - a whole site by rules: which links to follow, which pages to read. */
#include <tweed/spider.h>

static void parse_item(tw_page *page)
{
    static const struct tw_extract fields[] = {
        { "id", .css = "td#item_id::text |> re('ID: (\\d+)')" },
        { "name", .css = "td#item_name::text" },
        { "description", .css = "td#item_description |> text" },
        { 0 },
    };
    tw_scrape(page, NULL, fields);
}

TW_SPIDER(rules, .start_urls = { "http://www.example/" },
          .rules = { { .links = { .allow = "category\\.php", .deny = "subsection\\.php" } },
                     { .links = { .allow = "item\\.php" }, .callback = parse_item } },
          .callbacks = { TW_CALLBACK(parse_item) });
