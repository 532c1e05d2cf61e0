/* SPDX-License-Identifier: MIT */
/*
 * extract.c - queries of a page.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "spider/text/extract.h"
#include "spider/text/pointer.h"

static bool extract_fail(struct twi_extract_error *error, bool is_limit, size_t at,
                         const char *why)
{
    error->is_limit = is_limit;
    error->at = at;
    snprintf(error->why, sizeof error->why, "%s", why);
    return false;
}

static bool extract_out_of_memory(struct twi_extract_error *error)
{
    return extract_fail(error, true, 0, "out of memory");
}

/* --- compiling ----------------------------------------------------------------------------- */

/* Behind a quoted text, or at the end. In CSS a backslash takes the next character along. */
static size_t extract_skip_quoted(struct twi_span text, size_t at, bool has_escapes)
{
    char quote = text.text[at++];

    while (at < text.length && text.text[at] != quote)
        at += has_escapes && text.text[at] == '\\' ? 2 : 1;
    return at < text.length ? at + 1 : text.length;
}

/* Where the first filter begins, with its "|>". A pointer may hold quotes. */
static size_t filters_start(enum twi_language language, struct twi_span text)
{
    bool is_css = language == TWI_LANGUAGE_CSS;
    size_t at = 0;

    while (at < text.length) {
        char c = text.text[at];
        if (c == '|' && at + 1 < text.length && text.text[at + 1] == '>')
            return at;
        if (language != TWI_LANGUAGE_JSON && (c == '"' || c == '\''))
            at = extract_skip_quoted(text, at, is_css);
        else
            at += is_css && c == '\\' ? 2 : 1;
    }
    return text.length;
}

static size_t characters_to(struct twi_span text, size_t end)
{
    size_t count = 1;

    for (size_t i = 0; i < end && i < text.length; i++)
        count += ((unsigned char)text.text[i] & 0xc0) != 0x80;
    return count;
}

static bool compile_css(struct twi_extractor *extractor, size_t before,
                        struct twi_extract_error *error)
{
    struct twi_css_error wrong;

    extractor->css = twi_css_compile(&extractor->arena, extractor->selector.text,
                                     extractor->selector.length, NULL, &wrong);
    if (extractor->css != NULL)
        return true;
    if (extractor->arena.failed)
        return extract_out_of_memory(error);
    return extract_fail(error, false, before + wrong.at, wrong.why);
}

static bool compile_xpath(struct twi_extractor *extractor, size_t before,
                          struct twi_extract_error *error)
{
    struct twi_xpath_error wrong;

    extractor->xpath = twi_xpath_compile(extractor->selector.text, extractor->selector.length,
                                         &wrong);
    return extractor->xpath != NULL ||
           extract_fail(error, wrong.is_limit, wrong.at > 0 ? before + wrong.at : 0,
                        wrong.why);
}

static bool compile_selector(struct twi_extractor *extractor, size_t before,
                             struct twi_extract_error *error)
{
    const char *why;
    size_t at;

    if (extractor->selector.length == 0 && extractor->filters.count > 0)
        return true;
    if (extractor->language == TWI_LANGUAGE_CSS)
        return compile_css(extractor, before, error);
    if (extractor->language == TWI_LANGUAGE_XPATH)
        return compile_xpath(extractor, before, error);
    why = twi_pointer_check(extractor->selector, &at);
    return why == NULL ||
           extract_fail(error, false, before + characters_to(extractor->selector, at), why);
}

static bool extractor_fill(struct twi_extractor *extractor, struct twi_span text,
                           struct twi_extract_error *error)
{
    const char *copy = twi_arena_copy(&extractor->arena, text.text, text.length);
    struct twi_filter_error wrong;
    size_t start = filters_start(extractor->language, text);

    if (copy == NULL)
        return extract_out_of_memory(error);
    text.text = copy;
    extractor->text = text;
    if (!twi_filters_compile(&extractor->arena, text, start, &extractor->filters, &wrong))
        return extract_fail(error, extractor->arena.failed, characters_to(text, wrong.at),
                            wrong.why);
    extractor->selector = twi_span_trim(twi_span_first(text, start));
    return compile_selector(
        extractor, characters_to(text, (size_t)(extractor->selector.text - text.text)) - 1,
        error);
}

struct twi_extractor *twi_extractor_compile(enum twi_language language, struct twi_span text,
                                            struct twi_extract_error *error)
{
    struct twi_extractor *extractor = calloc(1, sizeof *extractor);

    if (extractor == NULL) {
        extract_out_of_memory(error);
        return NULL;
    }
    twi_arena_init(&extractor->arena, 0);
    extractor->language = language;
    if (extractor_fill(extractor, text, error))
        return extractor;
    twi_extractor_free(extractor);
    return NULL;
}

void twi_extractor_free(struct twi_extractor *extractor)
{
    if (extractor == NULL)
        return;
    twi_filters_free(&extractor->filters);
    twi_xpath_expression_free(extractor->xpath);
    twi_arena_free(&extractor->arena);
    free(extractor);
}

void twi_extractor_release(void *extractor)
{
    twi_extractor_free(extractor);
}

const struct twi_extractor *twi_extractor_get(struct twi_text_cache *cache,
                                              enum twi_language language, struct twi_span text,
                                              struct twi_extract_error *error)
{
    struct twi_extractor *extractor = twi_text_cache_get(cache, language, text.text,
                                                         text.length);

    if (extractor != NULL)
        return extractor;
    extractor = twi_extractor_compile(language, text, error);
    if (extractor == NULL)
        return NULL;
    if (!twi_text_cache_put(cache, language, text.text, text.length, extractor)) {
        extract_out_of_memory(error);
        return NULL;
    }
    return extractor;
}

/* --- asking -------------------------------------------------------------------------------- */

struct extract_run {
    struct twi_extraction *extraction;
    const struct twi_extractor *extractor;
    struct twi_filter_run filters; /* begun when there are any */
    bool goes_on;
};

static void run_put(struct extract_run *run, struct twi_filter_value value)
{
    if (run->extractor->filters.count > 0)
        run->goes_on = twi_filter_put(&run->filters, value);
    else if (value.json == NULL || value.json->kind != TWI_JSON_NULL)
        run->goes_on = run->extraction->take(value, run->extraction->arg);
}

/* A list as its values where that is asked for; else as it is. */
static void run_put_json(struct extract_run *run, const struct twi_json *json)
{
    bool spreads = run->extraction->spreads || run->extractor->filters.count > 0;
    struct twi_filter_value value = { .json = json };

    if (json == NULL)
        return;
    if (!spreads || json->kind != TWI_JSON_LIST) {
        run_put(run, value);
        return;
    }
    for (json = json->first; json != NULL && run->goes_on; json = json->next) {
        value.json = json;
        run_put(run, value);
    }
}

/* A value that an expression computed, as JSON. */
static const struct twi_json *computed_json(struct extract_run *run,
                                            const struct twi_value *value)
{
    struct twi_arena *arena = run->extraction->arena;
    bool is_finite = value->kind == TWI_VALUE_NUMBER && value->length > 0 &&
                     (twi_is_digit(value->text[0]) ||
                      (value->length > 1 && twi_is_digit(value->text[1])));
    struct twi_json *json;

    if (value->kind == TWI_VALUE_BOOLEAN)
        return twi_json_boolean(
            arena, twi_span_is((struct twi_span){ value->text, value->length }, "true"));
    json = twi_json_new(arena, is_finite ? TWI_JSON_NUMBER : TWI_JSON_STRING);
    if (json != NULL) {
        json->text = value->text;
        json->length = value->length;
    }
    return json;
}

static bool extract_css(struct extract_run *run, struct twi_extract_error *error)
{
    struct twi_extraction *extraction = run->extraction;
    struct twi_found_list list = { .arena = extraction->arena };
    uint32_t context = extraction->in.found.node;
    bool is_limit = false;

    if (!twi_css_select(run->extractor->css, extraction->selector->tree, &context, 1, &list,
                        &is_limit))
        return is_limit ? extract_fail(error, true, 0, "too many steps")
                        : extract_out_of_memory(error);
    for (size_t i = 0; i < list.count && run->goes_on; i++)
        run_put(run, (struct twi_filter_value){ .found = list.items[i] });
    return true;
}

static bool extract_xpath(struct extract_run *run, struct twi_extract_error *error)
{
    struct twi_extraction *extraction = run->extraction;
    struct twi_selector *selector = extraction->selector;
    struct twi_value_list list = { .arena = extraction->arena };
    uint32_t context = extraction->in.found.node;
    struct twi_xpath_error wrong;

    if (selector->xpath == NULL)
        selector->xpath = twi_xpath_open(selector->tree, NULL, NULL);
    if (selector->xpath == NULL)
        return extract_out_of_memory(error);
    if (!twi_xpath_run(selector->xpath, run->extractor->xpath, &context, 1, &list, &wrong))
        return extract_fail(error, wrong.is_limit, wrong.at, wrong.why);
    twi_values_in_order(&list);
    for (size_t i = 0; i < list.count && run->goes_on; i++) {
        struct twi_value *value = &list.items[i];
        struct twi_filter_value found = { .found = value->found };
        if (value->kind != TWI_VALUE_NODE)
            found = (struct twi_filter_value){ .json = computed_json(run, value),
                                               .is_made = true };
        if (value->kind == TWI_VALUE_NODE || found.json != NULL)
            run_put(run, found);
    }
    return true;
}

static bool is_in_element(const struct twi_extraction *extraction)
{
    const struct twi_filter_value *in = &extraction->in;

    return in->json == NULL && extraction->selector != NULL && in->found.attr == 0 &&
           extraction->selector->tree->nodes[in->found.node].kind == TWI_NODE_ELEMENT;
}

/* Expressions and selectors look below elements; in texts, attributes and JSON they find
 * nothing. */
static bool extract_find(struct extract_run *run, struct twi_extract_error *error)
{
    struct twi_extraction *extraction = run->extraction;
    const struct twi_extractor *extractor = run->extractor;

    if (extractor->language == TWI_LANGUAGE_JSON) {
        if (extraction->in.json != NULL)
            run_put_json(run, twi_pointer_find(extraction->in.json, extractor->selector));
        return true;
    }
    if (extractor->selector.length == 0) {
        run_put(run, extraction->in);
        return true;
    }
    if (!is_in_element(extraction))
        return true;
    return extractor->language == TWI_LANGUAGE_CSS ? extract_css(run, error)
                                                   : extract_xpath(run, error);
}

bool twi_extract(struct twi_extraction *extraction, const struct twi_extractor *extractor,
                 struct twi_extract_error *error)
{
    struct extract_run run = { .extraction = extraction,
                               .extractor = extractor,
                               .goes_on = true };
    const struct twi_selector *selector = extraction->selector;

    if (extractor->filters.count > 0) {
        run.filters.filters = &extractor->filters;
        run.filters.arena = extraction->arena;
        run.filters.tree = selector != NULL ? selector->tree : NULL;
        run.filters.absolute = extraction->absolute;
        run.filters.take = extraction->take;
        run.filters.arg = extraction->arg;
    }
    if (!extract_find(&run, error))
        return false;
    if (extractor->filters.count > 0)
        twi_filter_end(&run.filters);
    if (run.filters.is_over_limit)
        return extract_fail(error, true, 0, "an expression took too many steps");
    return !extraction->arena->failed || extract_out_of_memory(error);
}
