/* SPDX-License-Identifier: MIT */
/*
 * page_query.c - any query of any page. The first byte chooses the language, a line is the query,
 * the rest the page.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "spider/crawl/page.h"

static void ask(tw_page *page, enum tw_language language, const char *query)
{
    struct tw_found found = tw_node_all(tw_page_root(page), language, query);
    const char *first = tw_node_get(tw_page_root(page), language, query);
    tw_item *item = tw_item_new(page);

    if (found.count > 0 && tw_is_none(tw_page_failure(page)))
        FUZZ_ASSERT(first != NULL);
    for (size_t i = 0; i < found.count && i < 20; i++) {
        FUZZ_ASSERT(tw_node_text(found.nodes[i]) != NULL);
        FUZZ_ASSERT(tw_node_html(found.nodes[i]) != NULL);
        tw_item_query(item, "inner", found.nodes[i], TW_JSON, "/0");
        tw_item_css(item, "filtered", found.nodes[i], "|> text |> strip |> lower");
        tw_item_css(item, "number", found.nodes[i], "|> number |> all");
        tw_item_css(item, "integer", found.nodes[i], "|> integer");
        tw_item_css(item, "date", found.nodes[i], "|> date");
    }
    tw_item_query(item, "all", tw_page_root(page), language, query);
    tw_emit(item);
    if (language == TW_CSS)
        tw_follow(page, query, NULL);
    tw_visit(page, first, .item = item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct twi_pages_options options = { .max_page_memory = (size_t)64 << 20 };
    struct twi_page_source source = { .url = "http://h/d/", .status = 200 };
    const uint8_t *end = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    struct twi_pages *pages;
    size_t length;
    char *query;
    tw_page *page;

    if (end == NULL)
        return 0;
    pages = twi_pages_new(&options);
    query = strndup((const char *)data + 1, (size_t)(end - data) - 1);
    source.body = tw_bytes(end + 1, size - (size_t)(end - data) - 1);
    page = twi_page_new(pages, &source);
    FUZZ_ASSERT(page != NULL && query != NULL);
    ask(page, (enum tw_language)(data[0] % 3), query);
    for (tw_item *item = twi_page_outcome(page)->items; item != NULL; item = item->next)
        twi_item_json(item, &length);
    twi_page_free(page);
    twi_pages_free(pages);
    free(query);
    return 0;
}
