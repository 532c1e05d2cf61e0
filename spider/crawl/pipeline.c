/* SPDX-License-Identifier: MIT */
/*
 * pipeline.c - pipelines and hooks of each item in the page's coroutine; then its JSON, and
 * which feeds take it.
 */
#include "config.h"

#include <string.h>

#include <tweed/log.h>
#include <tweed/reactor.h>

#include "spider/crawl/pipeline.h"

enum {
    PIPELINES = sizeof(((tw_spider *)NULL)->pipelines) / sizeof(tw_pipeline *),
};

/* --- visits go ahead --------------------------------------------------------------------- */

static void parts_put(void *arg)
{
    tw_crawl *crawl = arg;

    crawl->is_parts_due = false;
    TWI_LIST_EACH (node, &crawl->piping) {
        struct twi_place *place = TWI_CONTAINER(node, struct twi_place, piping);
        twi_list_remove(node);
        if (place->visits != NULL && !twi_place_is_over(place))
            twi_place_put(place, TWI_RECORD_PART, NULL);
    }
    twi_crawl_unref(crawl);
}

/* The visits are in the frontier and may be in work soon, but their record would come only
 * when the pipelines are done: if they still wait in the next turn, the visits go ahead. */
static void part_plan(struct twi_place *place)
{
    tw_crawl *crawl = place->crawl;

    if (place->visits == NULL)
        return;
    twi_list_append(&crawl->piping, &place->piping);
    if (crawl->is_parts_due)
        return;
    if (tw_call_soon(parts_put, crawl) < 0) {
        twi_list_remove(&place->piping);
        twi_place_put(place, TWI_RECORD_PART, NULL);
        return;
    }
    crawl->is_parts_due = true;
    twi_crawl_ref(crawl);
}

/* --- one item ---------------------------------------------------------------------------- */

static tw_value item_pipe(tw_crawl *crawl, tw_item *item)
{
    size_t i;

    for (i = 0; i < PIPELINES && crawl->spider->pipelines[i] != NULL; i++) {
        tw_value verdict = twi_awaited(crawl->spider->pipelines[i](item, crawl));
        if (tw_is_failure(verdict))
            return verdict;
    }
    return crawl->hooks.sees_items ? twi_hooks_item(&crawl->hooks, item) : tw_none();
}

static void item_drop(tw_crawl *crawl, tw_item *item, tw_value why)
{
    item->is_dropped = true;
    twi_stats_add(&crawl->stats, "item_dropped_count", 1);
    twi_stats_add_to(&crawl->stats, "item_dropped_reasons_count/", tw_failure_class(why)->name,
                     1);
    if (!tw_failure_is(why, &tw_error_drop))
        tw_log_problem(TW_LOG_WARNING, "spider", why, tw_page_url(tw_item_page(item)));
    twi_hooks_dropped(&crawl->hooks, item, why);
}

static uint32_t feeds_of(const tw_crawl *crawl, const tw_item *item)
{
    uint32_t feeds = 0;
    size_t i;

    for (i = 0; i < crawl->feed_count; i++)
        if (crawl->feeds[i].accept == NULL || crawl->feeds[i].accept(item))
            feeds |= (uint32_t)1 << i;
    return feeds;
}

static void item_keep(struct twi_place *place, tw_item *item, struct twi_record_item ***end)
{
    struct twi_record_item *kept = twi_arena_zeroed(&place->arena, sizeof *kept);

    if (kept == NULL) {
        tw_page_fail(place->page, tw_fail_memory());
        return;
    }
    kept->json = twi_item_json(item, &kept->length);
    if (kept->json == NULL)
        return;
    kept->feeds = feeds_of(place->crawl, item);
    kept->ordinal = item->ordinal;
    place->items++;
    **end = kept;
    *end = &kept->next;
}

/* --- all of them ------------------------------------------------------------------------- */

static bool has_pipelines(const tw_crawl *crawl)
{
    return crawl->spider->pipelines[0] != NULL || crawl->hooks.sees_items;
}

/* At most so many are in pipelines at once. */
static bool item_enter(tw_crawl *crawl)
{
    tw_value entered;
    bool is_in;

    if (tw_semaphore_try(crawl->in_pipelines) == 0)
        return true;
    entered = tw_await(tw_semaphore_acquire(crawl->in_pipelines));
    is_in = !tw_is_failure(entered);
    tw_drop(&entered);
    return is_in;
}

static bool item_judge(struct twi_place *place, tw_item *item)
{
    tw_crawl *crawl = place->crawl;
    tw_value why;

    if (!item_enter(crawl))
        return false;
    why = item_pipe(crawl, item);
    tw_semaphore_release(crawl->in_pipelines);
    if (twi_place_is_over(place)) {
        tw_release(why);
        return false;
    }
    if (tw_is_failure(why))
        item_drop(crawl, item, why);
    tw_release(why);
    return true;
}

bool twi_pipelines_run(struct twi_place *place, const struct twi_page_outcome *outcome)
{
    struct twi_record_item **end = &place->record.items;
    bool pipes = has_pipelines(place->crawl) && outcome->items != NULL;
    tw_item *item;

    if (pipes)
        part_plan(place);
    for (item = outcome->items; item != NULL; item = item->next) {
        if (pipes && !item_judge(place, item))
            return false;
        if (!item->is_dropped)
            item_keep(place, item, &end);
    }
    twi_list_remove(&place->piping);
    return true;
}
