/* SPDX-License-Identifier: MIT */
/*
 * page.c - pages: made, judged, freed.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/coroutine.h>

#include "spider/crawl/page_state.h"

#define MAX_PAGE_MEMORY ((size_t)256 << 20)
#define MAX_OUTCOME ((size_t)64 << 20)
#define MAX_VISITS 100000
#define NOTHING_MEMORY ((size_t)64 << 10)
#define MOST_EXTRACTORS 1024
#define MOST_REGEXES 256
#define MOST_KEPT 16

const tw_error_class tw_error_selector = { "tw_error_selector", &tw_error, "selector" };
const tw_error_class tw_error_drop = { "tw_error_drop", &tw_error, "drop" };
const tw_error_class tw_error_offsite = { "tw_error_offsite", &tw_error, "offsite" };
const tw_error_class tw_error_robots = { "tw_error_robots", &tw_error, "robots" };

/* --- what pages share ---------------------------------------------------------------------- */

static void regex_release(void *regex)
{
    twi_regex_free(regex);
}

static size_t limit_or(size_t limit, size_t otherwise)
{
    return limit != 0 ? limit : otherwise;
}

struct twi_pages *twi_pages_new(const struct twi_pages_options *options)
{
    const struct twi_page_source none = { .url = "", .failure = tw_fail_memory() };
    struct twi_pages *pages = calloc(1, sizeof *pages);

    if (pages == NULL)
        return NULL;
    pages->options = *options;
    if (options->ops != NULL)
        pages->ops = *options->ops;
    pages->options.max_page_memory = limit_or(options->max_page_memory, MAX_PAGE_MEMORY);
    pages->options.max_outcome = limit_or(options->max_outcome, MAX_OUTCOME);
    pages->options.max_visits = limit_or(options->max_visits, MAX_VISITS);
    twi_text_cache_init(&pages->extractors, MOST_EXTRACTORS, twi_extractor_release);
    twi_text_cache_init(&pages->regexes, MOST_REGEXES, regex_release);
    twi_arena_init(&pages->scratch, pages->options.max_page_memory);
    pages->nothing = twi_page_new(pages, &none);
    if (pages->nothing == NULL) {
        twi_pages_free(pages);
        return NULL;
    }
    /* It lives as long as the crawl, and many may hold it: nothing gathers in it. */
    pages->nothing->is_closed = true;
    pages->nothing->arena.limit = NOTHING_MEMORY;
    return pages;
}

void twi_pages_free(struct twi_pages *pages)
{
    if (pages == NULL)
        return;
    twi_page_free(pages->nothing);
    while (pages->kept != NULL) {
        tw_page *page = pages->kept;
        pages->kept = page->next;
        twi_arena_free(&page->arena);
        free(page);
    }
    twi_text_cache_free(&pages->extractors);
    twi_text_cache_free(&pages->regexes);
    twi_arena_free(&pages->scratch);
    free(pages);
}

/* --- made and freed ------------------------------------------------------------------------ */

static void source_release(const struct twi_page_source *source)
{
    tw_release(source->body);
    tw_release(source->keep);
    tw_release(source->failure);
}

/* An empty page, perhaps with the memory of one that is done. */
static tw_page *page_blank(struct twi_pages *pages)
{
    tw_page *page = pages->kept;
    struct twi_arena arena;

    if (page == NULL) {
        page = calloc(1, sizeof *page);
        if (page != NULL)
            twi_arena_init(&page->arena, 0);
        return page;
    }
    pages->kept = page->next;
    pages->kept_count--;
    arena = page->arena;
    memset(page, 0, sizeof *page);
    page->arena = arena;
    return page;
}

/* Bytes that a page, and those that it fetched, have taken. */
static size_t page_used(const tw_page *page)
{
    size_t used = page->arena.used;

    for (const tw_page *inner = page->inner; inner != NULL; inner = inner->next)
        used += inner->arena.used;
    return used;
}

static size_t arena_limit(struct twi_pages *pages, tw_page *outer)
{
    size_t limit = pages->options.max_page_memory;
    size_t used = outer != NULL ? page_used(page_outermost(outer)) : 0;

    return used < limit ? limit - used : 1;
}

static void page_set_source(tw_page *page, const struct twi_page_source *source)
{
    static const struct twi_visit_info plain = { .callback = NULL };

    page->id = source->id;
    page->status = source->status;
    page->depth = source->depth;
    page->headers = source->headers;
    page->body = tw_take(source->body);
    page->keep = tw_take(source->keep);
    page->failure = tw_take(source->failure);
    page->info = source->info != NULL ? source->info : &plain;
    page->root.page = page;
    page->no_item.page = page;
    page->visits_end = &page->outcome.visits;
    page->items_end = &page->outcome.items;
    if (source->outer != NULL) {
        page->outer = source->outer;
        page->next = source->outer->inner;
        source->outer->inner = page;
    }
}

tw_page *twi_page_new(struct twi_pages *pages, const struct twi_page_source *source)
{
    tw_page *page = page_blank(pages);

    if (page == NULL) {
        source_release(source);
        return NULL;
    }
    page->pages = pages;
    page->arena.limit = arena_limit(pages, source->outer);
    page->url = twi_arena_strdup(&page->arena, source->url);
    if (page->url == NULL) {
        source_release(source);
        twi_arena_free(&page->arena);
        free(page);
        return NULL;
    }
    page_set_source(page, source);
    return page;
}

/* Let go of what lies outside of the arena; keep it, or free it. */
static void page_let_go(tw_page *page)
{
    struct twi_pages *pages = page->pages;

    twi_selector_close(&page->selector);
    tw_url_free(page->base_found);
    tw_url_free(page->own_url);
    tw_release(page->body);
    tw_release(page->keep);
    tw_release(page->failure);
    tw_release(page->outcome.failure);
    if (pages->kept_count == MOST_KEPT) {
        twi_arena_free(&page->arena);
        free(page);
        return;
    }
    twi_arena_reset(&page->arena);
    page->next = pages->kept;
    pages->kept = page;
    pages->kept_count++;
}

/* Fetches of fetches hang on pages of their own; one list of all of them needs no recursion. */
void twi_page_free(tw_page *page)
{
    if (page != NULL)
        page->next = NULL;
    while (page != NULL) {
        tw_page *one = page, *inner = one->inner;
        page = one->next;
        while (inner != NULL) {
            tw_page *next = inner->next;
            inner->next = page;
            page = inner;
            inner = next;
        }
        page_let_go(one);
    }
}

/* --- verdicts ------------------------------------------------------------------------------ */

tw_page *page_outermost(tw_page *page)
{
    while (page->outer != NULL)
        page = page->outer;
    return page;
}

void page_fail(tw_page *page, tw_value failure)
{
    struct twi_page_outcome *outcome = &page_outermost(page)->outcome;

    failure = tw_take(failure);
    if (page == page->pages->nothing || !tw_is_none(outcome->failure)) {
        tw_release(failure);
        return;
    }
    if (!tw_is_failure(failure)) {
        tw_release(failure);
        failure = tw_fail(&tw_error, "the page was given up");
    }
    outcome->failure = failure;
}

void page_fail_memory(tw_page *page)
{
    page_fail(page, tw_fail_memory());
}

bool page_is_out_of_memory(tw_page *page)
{
    if (!page->arena.failed && !page->pages->scratch.failed)
        return false;
    page_fail_memory(page);
    return true;
}

void page_end_scratch(tw_page *page)
{
    page_is_out_of_memory(page);
    twi_arena_reset(&page->pages->scratch);
}

bool page_take_size(tw_page *page, size_t size)
{
    size_t limit = page->pages->options.max_outcome;

    if (size <= limit && page->outcome_size <= limit - size) {
        page->outcome_size += size;
        return true;
    }
    page_fail(page, tw_fail(&tw_error_toolarge,
                            "the items and visits of %s take more than %zu bytes", page->url,
                            limit));
    return false;
}

void tw_page_fail(tw_page *page, tw_value failure)
{
    if (page == NULL)
        tw_release(tw_take(failure));
    else
        page_fail(page, failure);
}

void tw_page_retry(tw_page *page, double after_seconds, const char *why)
{
    tw_page *outermost;

    if (page == NULL)
        return;
    outermost = page_outermost(page);
    if (!tw_is_none(outermost->outcome.failure))
        return;
    page_fail(page, tw_fail(&tw_error, "to be fetched again: %s",
                            why != NULL ? why : "the program wants it"));
    outermost->outcome.is_retry = true;
    outermost->outcome.retry_after = after_seconds;
    outermost->outcome.retry_why = why != NULL ? twi_arena_strdup(&outermost->arena, why)
                                               : NULL;
}

/* --- what there is to know ----------------------------------------------------------------- */

const char *tw_page_url(const tw_page *page)
{
    return page != NULL ? page->url : "";
}

int tw_page_status(const tw_page *page)
{
    return page != NULL ? page->status : 0;
}

const char *tw_page_header(const tw_page *page, const char *name)
{
    return page != NULL && page->headers != NULL ? tw_headers_get(page->headers, name) : NULL;
}

tw_value tw_page_body(const tw_page *page)
{
    return page != NULL ? tw_lend(page->body) : tw_none();
}

unsigned tw_page_depth(const tw_page *page)
{
    return page != NULL ? page->depth : 0;
}

const char *tw_page_meta(const tw_page *page, const char *name)
{
    const struct tw_field *field = page != NULL ? page->info->meta : NULL;

    for (; field != NULL && field->name != NULL; field++)
        if (strcmp(field->name, name) == 0)
            return field->value;
    return NULL;
}

tw_value tw_page_failure(const tw_page *page)
{
    if (page == NULL)
        return tw_none();
    return tw_lend(tw_is_none(page->outcome.failure) ? page->failure : page->outcome.failure);
}

tw_crawl *tw_page_crawl(const tw_page *page)
{
    return page != NULL ? page->pages->options.crawl : NULL;
}

int64_t twi_page_id(const tw_page *page)
{
    return page->id;
}

tw_page *twi_page_outer(const tw_page *page)
{
    return page->outer;
}

struct twi_arena *twi_page_arena(tw_page *page)
{
    return &page->arena;
}

const char *tw_argument(const tw_page *page, const char *name)
{
    if (page == NULL || page->pages->ops.argument == NULL)
        return NULL;
    return page->pages->ops.argument(name, page->pages->options.arg);
}

const char *tw_json_quote(tw_page *page, const char *text)
{
    struct twi_text quoted = { 0 };

    if (page == NULL || text == NULL)
        return "null";
    quoted.arena = &page->arena;
    twi_json_write_string(&quoted, text, strlen(text));
    return page_is_out_of_memory(page) ? "null" : twi_text_string(&quoted);
}

const char *tw_format(tw_page *page, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int length;

    if (page == NULL)
        return NULL;
    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0)
        text = twi_arena_alloc(&page->arena, (size_t)length + 1);
    if (text == NULL) {
        page_fail_memory(page);
        return NULL;
    }
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

/* --- numbers ------------------------------------------------------------------------------- */

static struct twi_record_count *count_find(const tw_page *page, const char *key, bool is_state)
{
    struct twi_record_count *count = page->outcome.counts;

    while (count != NULL && (count->is_state != is_state || strcmp(count->key, key) != 0))
        count = count->next;
    return count;
}

void twi_page_count(tw_page *page, const char *key, int64_t n, bool is_state)
{
    struct twi_record_count *count;

    page = page_outermost(page);
    count = count_find(page, key, is_state);
    if (count == NULL) {
        count = twi_arena_zeroed(&page->arena, sizeof *count);
        key = twi_arena_strdup(&page->arena, key);
        if (page_is_out_of_memory(page))
            return;
        *count = (struct twi_record_count){ .key = key,
                                            .is_state = is_state,
                                            .next = page->outcome.counts };
        page->outcome.counts = count;
        if (!page_take_size(page, sizeof *count + strlen(key)))
            return;
    }
    count->add += n;
}

int64_t twi_page_counted(const tw_page *page, const char *key, bool is_state)
{
    const struct twi_record_count *count;

    while (page->outer != NULL)
        page = page->outer;
    count = count_find(page, key, is_state);
    return count != NULL ? count->add : 0;
}

/* --- the outcome --------------------------------------------------------------------------- */

const struct twi_page_outcome *twi_page_outcome(tw_page *page)
{
    page->is_closed = true;
    if (!tw_is_none(page->outcome.failure)) {
        page->outcome.visits = NULL;
        page->outcome.visit_count = 0;
        page->outcome.items = NULL;
        page->outcome.item_count = 0;
        page->outcome.counts = NULL;
    }
    return &page->outcome;
}
