/* SPDX-License-Identifier: MIT */
/*
 * callback.c - a page in its coroutine. When the callback has returned, its visits enter the
 * frontier together; when the pipelines are done, one record carries all of it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tweed/log.h>

#include "spider/crawl/admit.h"
#include "spider/crawl/callback.h"
#include "spider/crawl/judge.h"
#include "spider/crawl/keep.h"
#include "spider/crawl/pipeline.h"
#include "spider/crawl/report.h"
#include "spider/crawl/seed.h"

/* --- names ------------------------------------------------------------------------------- */

static const struct tw_named_callback own_callbacks[] = {
    { ":sitemap", twi_sitemap_read },
};
enum {
    OWN = sizeof own_callbacks / sizeof *own_callbacks,
    NAMED = sizeof(((tw_spider *)NULL)->callbacks) / sizeof(struct tw_named_callback),
};

const char *twi_callback_name(tw_page_callback *callback, void *arg)
{
    const tw_spider *spider = ((tw_crawl *)arg)->spider;
    size_t i;

    if (callback == NULL || callback == spider->parse)
        return "";
    for (i = 0; i < NAMED && spider->callbacks[i].name != NULL; i++)
        if (spider->callbacks[i].callback == callback)
            return spider->callbacks[i].name;
    for (i = 0; i < OWN; i++)
        if (own_callbacks[i].callback == callback)
            return own_callbacks[i].name;
    return NULL;
}

tw_page_callback *twi_callback_find(const tw_spider *spider, const char *name, bool *ret_known)
{
    size_t i;

    *ret_known = true;
    if (name == NULL || *name == '\0')
        return spider->parse;
    for (i = 0; i < NAMED && spider->callbacks[i].name != NULL; i++)
        if (strcmp(spider->callbacks[i].name, name) == 0)
            return spider->callbacks[i].callback;
    for (i = 0; i < OWN; i++)
        if (strcmp(own_callbacks[i].name, name) == 0)
            return own_callbacks[i].callback;
    *ret_known = false;
    return NULL;
}

/* --- the page ---------------------------------------------------------------------------- */

tw_page *twi_callback_page(struct twi_place *place)
{
    const struct twi_fetched *fetched = &place->fetched;
    struct twi_page_source source = {
        .id = place->id,
        .url = place->url,
        .status = fetched->status,
        .headers = fetched->headers,
        .depth = place->planned == NULL ? 0 : place->planned->visit.depth,
        .info = &place->info,
    };

    if (place->page != NULL)
        return place->page;
    source.keep = tw_retain(fetched->keep);
    source.body = tw_retain(fetched->body);
    source.failure = tw_retain(fetched->failure);
    place->page = twi_page_new(place->crawl->page_pool, &source);
    return place->page;
}

static bool is_success(const struct twi_place *place)
{
    const struct twi_fetched *fetched = &place->fetched;

    if (tw_is_failure(fetched->failure))
        return false;
    return fetched->status / 100 == 2 || place->info.any_status;
}

/* --- failures ---------------------------------------------------------------------------- */

static void page_failed(struct twi_place *place, tw_value failure)
{
    tw_crawl *crawl = place->crawl;

    crawl->errors++;
    tw_log_problem(TW_LOG_ERROR, "spider", failure, place->url);
    if (place->page != NULL)
        twi_hooks_failed(&crawl->hooks, place->page, failure);
    twi_place_put(place, TWI_RECORD_FAILED,
                  twi_place_note(place, "%s", tw_failure_message(failure)));
    twi_engine_check_limits(crawl);
}

static tw_value page_status_failure(const struct twi_place *place)
{
    char text[40];

    snprintf(text, sizeof text, "HTTP status %d", place->fetched.status);
    return tw_fail_with(&(const struct tw_failure_fields){ .error_class = &tw_error_status,
                                                           .message = text,
                                                           .where = TW_HERE,
                                                           .number = place->fetched.status });
}

/* Nobody reads it. */
static void unread_page(struct twi_place *place)
{
    tw_value failure;

    if (tw_is_failure(place->fetched.failure)) {
        page_failed(place, place->fetched.failure);
        return;
    }
    twi_stats_add(&place->crawl->stats, "httperror/response_ignored_count", 1);
    twi_stats_add_number(&place->crawl->stats, "httperror/response_ignored_status_count/",
                         place->fetched.status, 1);
    failure = page_status_failure(place);
    page_failed(place, failure);
    tw_release(failure);
}

/* --- the callback ------------------------------------------------------------------------ */

static void page_unknown(struct twi_place *place, const char *name)
{
    twi_engine_fail(place->crawl,
                    tw_fail(&tw_error_misuse,
                            "spider %s: the job has visits for %s, which is not among its "
                            "callbacks: add TW_CALLBACK(%s)",
                            place->crawl->spider->name, name, name));
}

/* The function that reads the page; false: none does, and its end is decided. */
static bool callback_of(struct twi_place *place, tw_page_callback **ret_callback)
{
    const char *name = is_success(place) ? place->info.callback : place->info.errback;
    bool known;

    if (!is_success(place) && name == NULL) {
        unread_page(place);
        return false;
    }
    *ret_callback = twi_callback_find(place->crawl->spider, name, &known);
    if (!known)
        page_unknown(place, name);
    return known;
}

static void page_read(struct twi_place *place, tw_page_callback *callback)
{
    tw_value verdict = twi_hooks_page(&place->crawl->hooks, place->page);

    if (tw_is_failure(verdict)) {
        tw_page_fail(place->page, verdict);
        return;
    }
    twi_keep_flight_begin(place->crawl, place->id);
    if (callback != NULL)
        callback(place->page);
    if (is_success(place) && (place->info.has_rules || callback == NULL))
        twi_rules_follow(place->crawl, place->page);
    twi_keep_flight_end(place->crawl, place->id);
}

/* No link leads to what the seed asks for. */
static void visits_begin(struct twi_visit *visits)
{
    for (; visits != NULL; visits = visits->next)
        visits->depth = 0;
}

/* Its visits become real, all at once. */
static void visits_enter(struct twi_place *place, const struct twi_page_outcome *outcome)
{
    tw_crawl *crawl = place->crawl;
    size_t count = outcome->visit_count, entered;

    place->visits = outcome->visits;
    if (place->planned != NULL)
        twi_admit_sink(crawl, place->url, place->fetched.body, place->visits);
    if (place->visits == NULL)
        return;
    if (place->planned == NULL)
        visits_begin(place->visits);
    else
        count -= twi_admit_enter(crawl, &place->visits);
    entered = crawl->frontier->ops->add(crawl->frontier, &place->visits);
    twi_stats_add(&crawl->stats, "scheduler/enqueued", (int64_t)entered);
    twi_stats_add(&crawl->stats, "dupefilter/filtered", (int64_t)(count - entered));
    twi_engine_wake(crawl);
}

static void outcome_failed(struct twi_place *place, const struct twi_page_outcome *outcome)
{
    const char *why = outcome->retry_why == NULL ? "asked_by_spider" : outcome->retry_why;

    if (outcome->is_retry && place->planned != NULL && place->visits == NULL &&
        twi_judge_retry(place, outcome->retry_after, why))
        return;
    place->record.items = NULL;
    place->items = 0;
    twi_stats_add_to(&place->crawl->stats, "spider_exceptions/",
                     tw_failure_class(outcome->failure)->name, 1);
    page_failed(place, outcome->failure);
}

static void outcome_done(struct twi_place *place, const struct twi_page_outcome *outcome)
{
    tw_crawl *crawl = place->crawl;

    place->record.counts = outcome->counts;
    crawl->items += (int64_t)place->items;
    crawl->pages_since_item = place->items > 0 ? 0 : crawl->pages_since_item + 1;
    if (place->items > 0)
        crawl->item_at = twi_now();
    twi_stats_add(&crawl->stats, "item_scraped_count", (int64_t)place->items);
    twi_place_put(place, TWI_RECORD_DONE,
                  tw_is_failure(place->fetched.failure)
                      ? twi_place_note(place, "%s", tw_failure_message(place->fetched.failure))
                      : NULL);
    twi_engine_check_limits(crawl);
}

static void outcome_settle(struct twi_place *place)
{
    const struct twi_page_outcome *outcome = twi_page_outcome(place->page);

    if (tw_is_failure(outcome->failure)) {
        outcome_failed(place, outcome);
        return;
    }
    visits_enter(place, outcome);
    if (!twi_pipelines_run(place, outcome))
        return;
    outcome = twi_page_outcome(place->page); /* pipelines may have failed it, or counted */
    if (tw_is_failure(outcome->failure))
        outcome_failed(place, outcome);
    else
        outcome_done(place, outcome);
}

void twi_callback_run(struct twi_place *place)
{
    tw_page_callback *callback = NULL;

    if (twi_callback_page(place) == NULL) {
        page_failed(place, tw_fail_memory());
        return;
    }
    place->crawl->pages++;
    if (!callback_of(place, &callback))
        return;
    page_read(place, callback);
    if (!twi_place_is_over(place))
        outcome_settle(place);
}

/* --- the seed ---------------------------------------------------------------------------- */

/* The seed's own row goes in front of what it found, in the same record: a job either has
 * begun or has not. */
static void seed_put_row(struct twi_place *place)
{
    struct twi_visit *row = twi_arena_zeroed(&place->arena, sizeof *row);

    if (row == NULL)
        return;
    row->id = place->id;
    row->origin = "start:";
    row->path = "";
    row->next = place->visits;
    place->visits = row;
}

static void seed_settle(struct twi_place *place, bool is_first)
{
    const struct twi_page_outcome *outcome = twi_page_outcome(place->page);

    if (tw_is_failure(outcome->failure)) {
        twi_engine_fail(place->crawl, tw_retain(outcome->failure));
        return;
    }
    visits_enter(place, outcome);
    if (!is_first && place->visits == NULL && outcome->items == NULL)
        return;
    seed_put_row(place);
    if (!twi_pipelines_run(place, outcome))
        return;
    place->crawl->is_idle = false;
    outcome_done(place, twi_page_outcome(place->page));
}

tw_value twi_callback_seed_body(void *arg)
{
    struct twi_place *place = arg;
    tw_crawl *crawl = place->crawl;
    bool is_first = !crawl->is_fed;
    tw_value verdict = tw_none();

    crawl->is_fed = true;
    place->info.is_trusted = true;
    place->id = crawl->frontier->ops->number(crawl->frontier);
    if (twi_callback_page(place) == NULL) {
        twi_engine_fail(crawl, tw_fail_memory());
        return tw_none();
    }
    if (is_first)
        twi_seed_read(crawl, place->page);
    else
        verdict = twi_hooks_idle(&crawl->hooks, place->page);
    if (tw_is_failure(verdict))
        twi_engine_fail(crawl, verdict);
    else if (!twi_place_is_over(place))
        seed_settle(place, is_first);
    return tw_none();
}
