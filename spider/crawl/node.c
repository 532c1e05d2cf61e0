/* SPDX-License-Identifier: MIT */
/*
 * node.c - finding things in pages.
 *
 * A query runs on the thread's own stack, with the scratch arena of all pages for whatever it makes
 * on the way; results are moved into the page. So a loop over many rows with many queries leaves
 * only what was found.
 */
#include "config.h"

#include <string.h>

#include <tweed/coroutine.h>

#include "spider/crawl/page_state.h"

tw_node *tw_page_root(tw_page *page)
{
    static tw_node nothing;

    return page != NULL ? &page->root : &nothing;
}

tw_node *tw_node_self(tw_node *node)
{
    return node != NULL ? node : tw_page_root(NULL);
}

tw_page *tw_node_page(const tw_node *node)
{
    return node != NULL ? node->page : NULL;
}

static bool is_tree_value(const tw_node *node)
{
    return node->kind == PAGE_NODE_TREE ||
           (node->kind == PAGE_NODE_PAGE && page_read_tree(node->page));
}

static struct twi_filter_value node_value(const tw_node *node)
{
    return (struct twi_filter_value){ .json = node->kind == PAGE_NODE_JSON ? node->json : NULL,
                                      .found = node->found };
}

/* --- compiling ----------------------------------------------------------------------------- */

static void fail_query(tw_page *page, const char *query, const struct twi_extract_error *error)
{
    if (page_is_out_of_memory(page))
        return;
    if (error->is_limit && strcmp(error->why, "out of memory") == 0)
        page_fail_memory(page);
    else if (error->at > 0)
        page_fail(page, tw_fail(&tw_error_selector, "%.500s: %s, at character %zu", query,
                                error->why, error->at));
    else
        page_fail(page, tw_fail(&tw_error_selector, "%.500s: %s", query, error->why));
}

const struct twi_extractor *page_extractor(tw_page *page, enum tw_language language,
                                           const char *query)
{
    static const enum twi_language languages[] = { [TW_CSS] = TWI_LANGUAGE_CSS,
                                                   [TW_XPATH] = TWI_LANGUAGE_XPATH,
                                                   [TW_JSON] = TWI_LANGUAGE_JSON };
    const struct twi_extractor *extractor;
    struct twi_extract_error error = { .at = 0 };

    if (query == NULL) {
        page_fail(page, tw_fail(&tw_error_selector, "a query is NULL"));
        return NULL;
    }
    extractor = twi_extractor_get(&page->pages->extractors, languages[language],
                                  twi_span_of(query), &error);
    if (extractor == NULL)
        fail_query(page, query, &error);
    return extractor;
}

/* --- asking -------------------------------------------------------------------------------- */

static const char *absolute_for_filter(struct twi_span text, void *arg)
{
    const struct page_asking *asking = arg;
    struct tw_url *url = page_parse_url(asking->page, text);
    const char *copy = NULL;

    if (url != NULL)
        copy = twi_arena_strdup(&asking->page->pages->scratch, url->href);
    tw_url_free(url);
    return copy;
}

/* The JSON that a node's text is; NULL: it is none. */
static const struct twi_json *node_json(tw_node *node)
{
    struct twi_json_error wrong;
    struct twi_text text = { .arena = &node->page->arena };

    if (node->kind == PAGE_NODE_PAGE)
        return page_read_json(node->page);
    if (node->kind == PAGE_NODE_JSON || node->is_json_known)
        return node->json;
    node->is_json_known = true;
    if (node->found.attr != 0)
        twi_text_puts(&text, node->page->tree.attrs[node->found.attr - 1].value);
    else
        twi_tree_write_text(&node->page->tree, node->found.node, &text);
    node->json = twi_json_read(&node->page->arena, twi_text_string(&text), text.length,
                               &wrong);
    return node->json;
}

/* Where a query begins. False: there is nothing to look into. */
static bool extraction_begin(struct twi_extraction *extraction, tw_node *in,
                             enum twi_language language)
{
    tw_page *page = in->page;

    if (language == TWI_LANGUAGE_JSON) {
        extraction->in.json = node_json(in);
        return extraction->in.json != NULL;
    }
    if (in->kind == PAGE_NODE_JSON) {
        extraction->in.json = in->json;
        return true;
    }
    if (!page_read_tree(page))
        return false;
    extraction->selector = &page->selector;
    extraction->in.found = in->found;
    return true;
}

void page_extract(tw_node *in, const struct twi_extractor *extractor, bool spreads,
                  bool (*take)(struct twi_filter_value value, void *arg), void *arg)
{
    tw_page *page = in->page;
    struct twi_extraction extraction = { .arena = &page->pages->scratch,
                                         .absolute = absolute_for_filter,
                                         .take = take,
                                         .arg = arg,
                                         .spreads = spreads };
    struct twi_extract_error error = { .at = 0 };

    if (!extraction_begin(&extraction, in, extractor->language))
        return;
    if (!twi_extract(&extraction, extractor, &error))
        fail_query(page, extractor->text.text, &error);
}

const struct twi_json *page_keep_value(tw_page *page, struct twi_filter_value value)
{
    struct twi_span text;
    struct twi_json *kept;

    if (value.json != NULL && !value.is_made)
        return value.json;
    kept = twi_json_new(&page->arena, value.json != NULL ? value.json->kind : TWI_JSON_STRING);
    if (kept == NULL)
        return NULL;
    if (value.json != NULL)
        text = (struct twi_span){ twi_arena_copy(&page->arena, value.json->text,
                                                 value.json->length),
                                  value.json->length };
    else
        text = twi_filter_text(&page->tree, value, &page->arena);
    kept->text = text.text;
    kept->length = text.length;
    return kept->text != NULL ? kept : NULL;
}

/* --- nodes --------------------------------------------------------------------------------- */

struct node_query {
    struct page_asking asking;
    tw_node *in;
    enum tw_language language;
    const char *query;
    bool is_first;
    struct twi_filter_value *values; /* in the scratch arena */
    size_t count, room;
    struct tw_found found;
    const char *text;
};

static bool query_take(struct twi_filter_value value, void *arg)
{
    struct node_query *query = arg;
    struct twi_arena *arena = &query->asking.page->pages->scratch;

    if (query->count == query->room) {
        size_t room = query->room > 0 ? query->room * 2 : 16;
        struct twi_filter_value *values = twi_arena_grow(
            arena, query->values, query->room * sizeof value, room * sizeof value);
        if (values == NULL)
            return false;
        query->values = values;
        query->room = room;
    }
    query->values[query->count++] = value;
    return !query->is_first;
}

static void query_ask(struct node_query *query, bool spreads)
{
    const struct twi_extractor *extractor = page_extractor(query->asking.page, query->language,
                                                           query->query);

    if (extractor != NULL)
        page_extract(query->in, extractor, spreads, query_take, query);
}

static bool node_fill(tw_node *node, tw_page *page, struct twi_filter_value value)
{
    *node = (tw_node){ .page = page, .kind = PAGE_NODE_TREE, .found = value.found };
    if (value.json == NULL)
        return true;
    node->kind = PAGE_NODE_JSON;
    node->json = page_keep_value(page, value);
    return node->json != NULL;
}

static void query_make_nodes(struct node_query *query)
{
    tw_page *page = query->asking.page;
    size_t count = query->count;
    tw_node **nodes = NULL, *made = NULL;

    if (count > 0)
        nodes = twi_arena_alloc(&page->arena, count * sizeof(tw_node *));
    if (nodes != NULL)
        made = twi_arena_alloc(&page->arena, count * sizeof(tw_node));
    for (size_t i = 0; i < count && made != NULL; i++) {
        nodes[i] = &made[i];
        if (!node_fill(&made[i], page, query->values[i]))
            return;
    }
    if (made != NULL)
        query->found = (struct tw_found){ .nodes = nodes, .count = count };
}

static void nodes_at_home(void *arg)
{
    struct node_query *query = arg;

    query_ask(query, !query->is_first);
    query_make_nodes(query);
    page_end_scratch(query->asking.page);
}

static void text_of_first_at_home(void *arg)
{
    struct node_query *query = arg;
    tw_page *page = query->asking.page;

    query_ask(query, false);
    if (query->count > 0) {
        struct twi_filter_value *value = &query->values[0];
        struct twi_span text = twi_filter_text(&page->tree, *value, &page->arena);
        query->text = value->is_made ? twi_arena_copy(&page->arena, text.text, text.length)
                                     : text.text;
    }
    page_end_scratch(page);
}

static struct node_query node_query_of(tw_node *in, enum tw_language language,
                                       const char *text, bool is_first)
{
    return (struct node_query){ .asking = { in->page },
                                .in = in,
                                .language = language,
                                .query = text,
                                .is_first = is_first };
}

static bool can_ask(const tw_node *in)
{
    return in != NULL && in->page != NULL;
}

struct tw_found tw_node_all(tw_node *in, enum tw_language language, const char *query)
{
    struct node_query run;

    if (!can_ask(in))
        return (struct tw_found){ .count = 0 };
    run = node_query_of(in, language, query, false);
    tw_call_home(nodes_at_home, &run);
    return run.found;
}

tw_node *tw_node_first(tw_node *in, enum tw_language language, const char *query)
{
    struct node_query run;

    if (!can_ask(in))
        return NULL;
    run = node_query_of(in, language, query, true);
    tw_call_home(nodes_at_home, &run);
    return run.found.count > 0 ? run.found.nodes[0] : NULL;
}

const char *tw_node_get(tw_node *in, enum tw_language language, const char *query)
{
    struct node_query run;

    if (!can_ask(in))
        return NULL;
    run = node_query_of(in, language, query, true);
    tw_call_home(text_of_first_at_home, &run);
    return run.text;
}

/* --- one node ------------------------------------------------------------------------------ */

static void node_text_at_home(void *arg)
{
    struct node_query *query = arg;
    tw_page *page = query->asking.page;
    struct twi_text text = { .arena = &page->arena };

    if (query->in->kind != PAGE_NODE_JSON && !is_tree_value(query->in))
        return;
    if (query->in->kind != PAGE_NODE_JSON && query->in->found.attr == 0) {
        twi_tree_write_text(&page->tree, query->in->found.node, &text);
        query->text = twi_text_string(&text);
    } else {
        query->text = twi_filter_text(&page->tree, node_value(query->in), &page->arena).text;
    }
    page_end_scratch(page);
}

static void node_html_at_home(void *arg)
{
    struct node_query *query = arg;
    tw_page *page = query->asking.page;

    if (query->in->kind != PAGE_NODE_JSON && !is_tree_value(query->in))
        return;
    query->text = twi_filter_text(&page->tree, node_value(query->in), &page->arena).text;
    page_end_scratch(page);
}

static const char *node_ask(tw_node *node, void (*ask)(void *arg))
{
    struct node_query query;

    if (!can_ask(node))
        return "";
    query = node_query_of(node, TW_CSS, NULL, true);
    tw_call_home(ask, &query);
    return query.text != NULL ? query.text : "";
}

const char *tw_node_text(tw_node *node)
{
    return node_ask(node, node_text_at_home);
}

const char *tw_node_html(tw_node *node)
{
    return node_ask(node, node_html_at_home);
}

static void attribute_at_home(void *arg)
{
    struct node_query *query = arg;
    const struct twi_tree *tree = &query->asking.page->tree;
    uint32_t node = 0, atom = 0;

    if (query->in->kind != PAGE_NODE_JSON && query->in->found.attr == 0 &&
        is_tree_value(query->in))
        node = query->in->found.node;
    if (node != 0 && tree->nodes[node].kind == TWI_NODE_ELEMENT)
        atom = twi_tree_find_atom(tree, query->query, strlen(query->query));
    if (atom != 0)
        query->text = twi_tree_attr_value(tree, node, atom);
}

const char *tw_node_attribute(tw_node *node, const char *name)
{
    struct node_query query;

    if (!can_ask(node) || name == NULL)
        return NULL;
    query = node_query_of(node, TW_CSS, name, true);
    tw_call_home(attribute_at_home, &query);
    return query.text;
}
