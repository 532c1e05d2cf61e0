/* SPDX-License-Identifier: MIT */
/*
 * genspider_templates.c - spiders to begin with. @NAME@, @URL@, @DOMAIN@ and @ROBOTS@ are filled
 * in.
 */
#include "config.h"

#include <stddef.h>

#include "cli/genspider.h"

static const char basic[] =
    "/*\n"
    " * @NAME@.c - reads the pages of @DOMAIN@.\n"
    " *\n"
    " *     tweed runspider @NAME@.c -o @NAME@.jsonl\n"
    " */\n"
    "#include <tweed/spider.h>\n"
    "\n"
    "/* An item for each entry of a page; then the next page. */\n"
    "static void parse(tw_page *page)\n"
    "{\n"
    "    TW_CSS_EACH (entry, page, \"article\") {\n"
    "        tw_item *item = tw_item_new(page);\n"
    "        tw_item_css(item, \"title\", entry, \"h2 |> text |> strip\");\n"
    "        tw_item_css(item, \"url\", entry, \"a::attr(href) |> url\");\n"
    "        tw_emit(item);\n"
    "    }\n"
    "    tw_follow(page, \"a[rel=next]\", NULL);\n"
    "}\n"
    "\n"
    "TW_SPIDER(@NAME@, .start_urls = { \"@URL@\" }, .allowed_domains = { \"@DOMAIN@\" },\n"
    "          .parse = parse);\n";

static const char rules[] =
    "/*\n"
    " * @NAME@.c - reads all of @DOMAIN@, link by link.\n"
    " *\n"
    " *     tweed runspider @NAME@.c -o @NAME@.jsonl\n"
    " */\n"
    "#include <tweed/spider.h>\n"
    "\n"
    "static void parse_item(tw_page *page)\n"
    "{\n"
    "    static const struct tw_extract fields[] = {\n"
    "        { \"title\", \"h1 |> text |> strip\" },\n"
    "        { \"description\", \"meta[name=description]::attr(content)\" },\n"
    "        { 0 },\n"
    "    };\n"
    "\n"
    "    tw_scrape(page, NULL, fields);\n"
    "}\n"
    "\n"
    "/* The first rule that fits a link counts; one without a function is only followed. */\n"
    "TW_SPIDER(@NAME@, .start_urls = { \"@URL@\" }, .allowed_domains = { \"@DOMAIN@\" },\n"
    "          .rules = { { { .allow = \"/item/\" }, parse_item },\n"
    "                     { { .deny = \"/login\" } } },\n"
    "          .callbacks = { TW_CALLBACK(parse_item) });\n";

static const char sitemap[] =
    "/*\n"
    " * @NAME@.c - reads the pages that the sitemaps of @DOMAIN@ list.\n"
    " *\n"
    " *     tweed runspider @NAME@.c -o @NAME@.jsonl\n"
    " */\n"
    "#include <tweed/spider.h>\n"
    "\n"
    "static void parse_item(tw_page *page)\n"
    "{\n"
    "    static const struct tw_extract fields[] = {\n"
    "        { \"title\", \"h1 |> text |> strip\", .required = true },\n"
    "        { \"description\", \"meta[name=description]::attr(content)\" },\n"
    "        { 0 },\n"
    "    };\n"
    "\n"
    "    tw_scrape(page, NULL, fields);\n"
    "}\n"
    "\n"
    "/* Sitemaps, or a robots.txt that names them; then which of their URLs go where. */\n"
    "TW_SPIDER(@NAME@, .sitemaps = { \"@ROBOTS@\" }, .allowed_domains = { \"@DOMAIN@\" },\n"
    "          .sitemap_rules = { { NULL, parse_item } },\n"
    "          .callbacks = { TW_CALLBACK(parse_item) });\n";

static const char api[] =
    "/*\n"
    " * @NAME@.c - reads the JSON interface of @DOMAIN@, page by page.\n"
    " *\n"
    " *     tweed runspider @NAME@.c -a query=wool -o @NAME@.jsonl\n"
    " */\n"
    "#include <tweed/spider.h>\n"
    "\n"
    "static void ask(tw_page *page, const char *number)\n"
    "{\n"
    "    tw_visit(page, \"@URL@\",\n"
    "             .params = TW_FIELDS({ \"query\", tw_argument(page, \"query\") },\n"
    "                                 { \"page\", number }));\n"
    "}\n"
    "\n"
    "static void start(tw_page *page)\n"
    "{\n"
    "    ask(page, \"1\");\n"
    "}\n"
    "\n"
    "static void parse(tw_page *page)\n"
    "{\n"
    "    const char *next = tw_json_get(page, \"/next_page\");\n"
    "\n"
    "    TW_JSON_EACH (hit, page, \"/hits\") {\n"
    "        tw_item *item = tw_item_new(page);\n"
    "        tw_item_json(item, \"id\", hit, \"/id\");\n"
    "        tw_item_json(item, \"name\", hit, \"/name\");\n"
    "        tw_emit(item);\n"
    "    }\n"
    "    if (next != NULL)\n"
    "        ask(page, next);\n"
    "}\n"
    "\n"
    "TW_SPIDER(@NAME@, .start = start, .allowed_domains = { \"@DOMAIN@\" }, .parse = "
    "parse);\n";

const struct genspider_template genspider_templates[] = {
    { "basic", "reads lists of entries, page after page", basic },
    { "rules", "follows links by rules through a whole site", rules },
    { "sitemap", "reads what the sitemaps of a site list", sitemap },
    { "api", "asks a JSON interface", api },
    { NULL, NULL, NULL },
};
