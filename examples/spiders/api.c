/* SPDX-License-Identifier: MIT */
/* ./api -a query=wool -o found.jsonl - search through a JSON interface; details of each hit are
 * awaited inside the callback, and other pages go on meanwhile. */
#include <tweed/spider.h>

static void search(tw_page *page, int number)
{
    tw_visit(page, "http://api.example/search",
             .json = tw_format(page, "{\"query\": %s, \"page\": %d}",
                               tw_json_quote(page, tw_argument(page, "query")), number),
             .headers = TW_FIELDS({ "Authorization", "Bearer 123" }));
}

static void start(tw_page *page)
{
    search(page, 1);
}

static void parse(tw_page *page)
{
    TW_JSON_EACH (hit, page, "/hits") {
        tw_page *more = tw_fetch(page, tw_json_get(hit, "/detail_url"));
        tw_item *item = tw_item_new(page);
        tw_item_json(item, "id", hit, "/id");
        tw_item_json(item, "name", hit, "/name");
        tw_item_json(item, "weight", more, "/shipping/weight");
        tw_emit(item);
    }
    if (tw_json_has(page, "/next_page"))
        search(page, atoi(tw_json_get(page, "/next_page")));
}

TW_SPIDER(api, .start = start, .parse = parse, .allowed_domains = { "api.example" });
