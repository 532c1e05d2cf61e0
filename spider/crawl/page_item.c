/* SPDX-License-Identifier: MIT */
/*
 * page_item.c - items: made, filled by queries, emitted.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <tweed/coroutine.h>

#include "spider/crawl/page_state.h"
#include "spider/text/decimal.h"

/* --- made ---------------------------------------------------------------------------------- */

static tw_item *item_inert(tw_page *page)
{
    static tw_item nothing;

    return page != NULL ? &page->no_item : &nothing;
}

static tw_item *item_make(tw_page *page, const struct twi_json *fields)
{
    tw_item *item = twi_arena_zeroed(&page->arena, sizeof *item);

    if (item == NULL || !twi_item_init(&item->fields, &page->arena)) {
        page_fail_memory(page);
        return item_inert(page);
    }
    item->page = page;
    item->ordinal = ++page_outermost(page)->ordinals;
    twi_item_set_all(&item->fields, fields);
    page_is_out_of_memory(page);
    return item;
}

tw_item *tw_item_new(tw_page *page)
{
    return page != NULL ? item_make(page, NULL) : item_inert(NULL);
}

tw_item *tw_page_item(tw_page *page)
{
    if (page == NULL)
        return NULL;
    if (page->carried == NULL && page->info->item != NULL)
        page->carried = item_make(page, page->info->item);
    return page->carried;
}

tw_page *tw_item_page(const tw_item *item)
{
    return item != NULL ? item->page : NULL;
}

/* Is there an item to work on? */
static bool item_is_there(const tw_item *item)
{
    return item != NULL && item->fields.object != NULL;
}

/* --- fields -------------------------------------------------------------------------------- */

static void item_put(tw_item *item, const char *name, const struct twi_json *value)
{
    if (name != NULL && value != NULL)
        twi_item_set(&item->fields, twi_span_of(name), value);
    page_is_out_of_memory(item->page);
}

static struct twi_json *text_or_null(struct twi_arena *arena, const char *text)
{
    return text != NULL ? twi_json_string(arena, text, strlen(text))
                        : twi_json_new(arena, TWI_JSON_NULL);
}

void tw_item_set_text(tw_item *item, const char *name, const char *text)
{
    if (item_is_there(item))
        item_put(item, name, text_or_null(&item->page->arena, text));
}

void tw_item_set_integer(tw_item *item, const char *name, int64_t integer)
{
    if (item_is_there(item))
        item_put(item, name, twi_json_integer(&item->page->arena, integer));
}

void tw_item_set_double(tw_item *item, const char *name, double real)
{
    if (item_is_there(item))
        item_put(item, name, twi_json_double(&item->page->arena, real));
}

void tw_item_set_boolean(tw_item *item, const char *name, bool boolean)
{
    if (item_is_there(item))
        item_put(item, name, twi_json_boolean(&item->page->arena, boolean));
}

/* A value of a callback's as JSON; NULL: out of memory, or the page has failed for it. Lists in
 * lists are few, and a limit keeps their recursion short. */
static struct twi_json *value_json(tw_page *page, tw_value value, int depth)
{
    struct twi_arena *arena = &page->arena;
    struct twi_json *list;

    if (tw_is_none(value))
        return twi_json_new(arena, TWI_JSON_NULL);
    if (tw_is(value, &tw_type_integer))
        return twi_json_integer(arena, value.as.integer);
    if (tw_is(value, &tw_type_double))
        return twi_json_double(arena, value.as.real);
    if (tw_is(value, &tw_type_bytes))
        return twi_json_string(arena, tw_bytes_data(value), tw_bytes_length(value));
    if (tw_is_failure(value)) {
        page_fail(page, tw_retain(value));
        return NULL;
    }
    if (!tw_is(value, &tw_type_list) || depth > 32) {
        page_fail(page, tw_fail(&tw_error_misuse, "an item cannot hold a value of type %s",
                                tw_typeof(value)->name));
        return NULL;
    }
    list = twi_json_new(arena, TWI_JSON_LIST);
    for (size_t i = 0; i < tw_list_length(value) && list != NULL; i++) {
        struct twi_json *member = value_json(page, tw_list_at(value, i), depth + 1);
        if (member == NULL)
            return NULL;
        twi_json_append(list, member);
    }
    return list;
}

void tw_item_set_value(tw_item *item, const char *name, tw_value value)
{
    value = tw_take(value);
    if (item_is_there(item))
        item_put(item, name, value_json(item->page, value, 0));
    tw_release(value);
}

/* --- fields by queries --------------------------------------------------------------------- */

struct item_query {
    struct page_asking asking;
    tw_item *item;
    const char *name;
    tw_node *in;
    enum tw_language language;
    const char *query;
    struct twi_json *list; /* NULL: only the first counts */
    const struct twi_json *value;
};

static bool item_query_take(struct twi_filter_value value, void *arg)
{
    struct item_query *query = arg;
    tw_page *page = query->asking.page;
    const struct twi_json *kept = page_keep_value(page, value);
    struct twi_json *member;

    if (kept == NULL || query->list == NULL) {
        query->value = kept;
        return false;
    }
    /* A value of the page's JSON stands in a list already. */
    member = value.json != NULL && !value.is_made ? twi_json_new(&page->arena, kept->kind)
                                                  : (struct twi_json *)kept;
    if (member != kept && member != NULL) {
        *member = *kept;
        member->next = NULL;
    }
    twi_json_append(query->list, member);
    return member != NULL;
}

static void item_query_at_home(void *arg)
{
    struct item_query *query = arg;
    tw_page *page = query->asking.page;
    const struct twi_extractor *extractor = page_extractor(page, query->language,
                                                           query->query);
    bool is_list = extractor != NULL && extractor->filters.is_list;

    if (is_list)
        query->list = twi_json_new(&page->arena, TWI_JSON_LIST);
    if (extractor != NULL && (query->list != NULL || !is_list))
        page_extract(query->in, extractor, false, item_query_take, query);
    if (query->list != NULL)
        query->value = query->list;
    page_end_scratch(page);
}

/* Set the field; whether something was found. */
static bool item_set_by_query(tw_item *item, const char *name, tw_node *in,
                              enum tw_language language, const char *text)
{
    struct item_query query = {
        .item = item, .name = name, .in = in, .language = language, .query = text
    };

    if (in != NULL && in->page != NULL) {
        query.asking.page = in->page;
        tw_call_home(item_query_at_home, &query);
    }
    item_put(item, name,
             query.value != NULL ? query.value
                                 : twi_json_new(&item->page->arena, TWI_JSON_NULL));
    return query.value != NULL && (query.list == NULL || query.list->first != NULL);
}

void tw_item_query(tw_item *item, const char *name, tw_node *in, enum tw_language language,
                   const char *query)
{
    if (item_is_there(item))
        item_set_by_query(item, name, in, language, query);
}

/* --- looking ------------------------------------------------------------------------------- */

struct item_question {
    const struct twi_json *value;
    struct twi_text text;
};

static void item_write_at_home(void *arg)
{
    struct item_question *question = arg;

    twi_json_write(&question->text, question->value);
}

/* JSON may be nested more deeply than a coroutine's stack is. */
static const char *item_json_write(tw_page *page, const struct twi_json *value,
                                   size_t *ret_length)
{
    struct item_question question = { .value = value, .text = { .arena = &page->arena } };

    tw_call_home(item_write_at_home, &question);
    if (page_is_out_of_memory(page))
        return NULL;
    *ret_length = question.text.length;
    return twi_text_string(&question.text);
}

static const struct twi_json *item_field(const tw_item *item, const char *name)
{
    return item_is_there(item) && name != NULL
               ? twi_item_find(&item->fields, twi_span_of(name))
               : NULL;
}

const char *tw_item_get(const tw_item *item, const char *name)
{
    const struct twi_json *value = item_field(item, name);
    size_t length;

    if (value == NULL || value->kind == TWI_JSON_NULL)
        return NULL;
    return value->kind >= TWI_JSON_LIST ? item_json_write(item->page, value, &length)
                                        : twi_json_text(value);
}

static size_t digits_in(struct twi_span text, size_t at)
{
    size_t start = at;

    while (at < text.length && twi_is_digit(text.text[at]))
        at++;
    return at - start;
}

/* "-1.5e3", nothing else. */
static bool is_number_text(struct twi_span text)
{
    size_t at = text.length > 0 && (text.text[0] == '-' || text.text[0] == '+');
    size_t digits = digits_in(text, at), exponent;

    at += digits;
    if (at < text.length && text.text[at] == '.') {
        exponent = digits_in(text, at + 1);
        digits += exponent;
        at += 1 + exponent;
    }
    if (digits > 0 && at < text.length && twi_lower(text.text[at]) == 'e') {
        at++;
        at += at < text.length && (text.text[at] == '-' || text.text[at] == '+');
        digits = digits_in(text, at);
        at += digits;
    }
    return digits > 0 && at == text.length;
}

double tw_item_get_double(const tw_item *item, const char *name)
{
    const struct twi_json *value = item_field(item, name);
    struct twi_span text;

    if (value == NULL || (value->kind != TWI_JSON_NUMBER && value->kind != TWI_JSON_STRING))
        return NAN;
    text = twi_span_trim((struct twi_span){ value->text, value->length });
    return is_number_text(text) ? twi_decimal_read(text.text) : NAN;
}

const char *twi_item_json(tw_item *item, size_t *ret_length)
{
    *ret_length = 0;
    return item_is_there(item) ? item_json_write(item->page, item->fields.object, ret_length)
                               : NULL;
}

const char *tw_item_text(const tw_item *item)
{
    size_t length;
    const char *text = item_is_there(item)
                           ? item_json_write(item->page, item->fields.object, &length)
                           : NULL;

    return text != NULL ? text : "{}";
}

const char *tw_item_id(const tw_item *item)
{
    tw_item *own = (tw_item *)item;
    char text[48];

    if (!item_is_there(item))
        return "";
    if (own->id == NULL) {
        snprintf(text, sizeof text, "%lld-%u", (long long)page_outermost(own->page)->id,
                 own->ordinal);
        own->id = twi_arena_strdup(&own->page->arena, text);
        page_is_out_of_memory(own->page);
    }
    return own->id != NULL ? own->id : "";
}

/* --- emitted ------------------------------------------------------------------------------- */

/* About as much as its JSON takes; what values share counts each time. */
static size_t fields_size(const struct twi_json *object)
{
    size_t size = 2;

    for (const struct twi_json *field = object->first; field != NULL; field = field->next) {
        size += field->key_length + field->length + 8;
        for (const struct twi_json *member = field->first; member != NULL;
             member = member->next)
            size += member->length + member->key_length + 8;
    }
    return size;
}

void tw_emit(tw_item *item)
{
    tw_page *page = item_is_there(item) ? page_outermost(item->page) : NULL;
    tw_item *copy;

    if (page == NULL || page->is_closed ||
        !page_take_size(page, sizeof *item + fields_size(item->fields.object)))
        return;
    copy = item_make(item->page, item->fields.object);
    if (!item_is_there(copy))
        return;
    /* The first time the item keeps its number, later ones are items of their own. */
    if (!item->is_emitted) {
        unsigned number = copy->ordinal;
        copy->ordinal = item->ordinal;
        page->ordinals = number - 1;
        item->is_emitted = true;
    }
    copy->next = NULL;
    *page->items_end = copy;
    page->items_end = &copy->next;
    page->outcome.items = page->outcome.items != NULL ? page->outcome.items : copy;
    page->outcome.item_count++;
    if (page->pages->ops.emitted != NULL)
        page->pages->ops.emitted(page, copy, page->pages->options.arg);
}

/* --- tables -------------------------------------------------------------------------------- */

static bool scrape_field(tw_item *item, tw_node *in, const struct tw_extract *row)
{
    if (row->css != NULL)
        return item_set_by_query(item, row->name, in, TW_CSS, row->css);
    if (row->xpath != NULL)
        return item_set_by_query(item, row->name, in, TW_XPATH, row->xpath);
    if (row->json != NULL)
        return item_set_by_query(item, row->name, in, TW_JSON, row->json);
    tw_item_set_text(item, row->name, NULL);
    return false;
}

static size_t scrape_one(tw_page *page, tw_node *in, const struct tw_extract *table)
{
    tw_item *item = tw_item_new(page);

    if (!item_is_there(item))
        return 0;
    for (; table->name != NULL; table++) {
        if (scrape_field(item, in, table) || !table->required)
            continue;
        twi_page_count(page, "item_dropped_count", 1, false);
        twi_page_count(page, "item_dropped_reasons_count/required", 1, false);
        return 0;
    }
    tw_emit(item);
    return 1;
}

size_t tw_scrape(tw_page *page, const char *query, const struct tw_extract *table)
{
    struct tw_found found;
    size_t count = 0;

    if (page == NULL || table == NULL)
        return 0;
    if (query == NULL)
        return tw_page_status(page) != 0 ? scrape_one(page, tw_page_root(page), table) : 0;
    found = tw_node_all(tw_page_root(page), *query == '/' ? TW_JSON : TW_CSS, query);
    for (size_t i = 0; i < found.count; i++)
        count += scrape_one(page, found.nodes[i], table);
    return count;
}
