/* SPDX-License-Identifier: MIT */
/*
 * place.c - the life of a place: it begins in a coroutine, puts its record, and is free when
 * that is acknowledged.
 */
#include "config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/log.h>
#include <tweed/reactor.h>

#include "spider/crawl/agent.h"
#include "spider/crawl/callback.h"
#include "spider/crawl/judge.h"
#include "spider/crawl/keep.h"
#include "spider/crawl/place.h"
#include "spider/crawl/report.h"
#include "spider/crawl/request.h"
#include "spider/crawl/robots.h"

struct twi_place *twi_place_new(tw_crawl *crawl)
{
    struct twi_place *place = calloc(1, sizeof *place);

    if (place == NULL)
        return NULL;
    place->crawl = crawl;
    twi_list_init(&place->node);
    twi_list_init(&place->piping);
    twi_arena_init(&place->arena, 0);
    return place;
}

void twi_place_free(struct twi_place *place)
{
    if (place == NULL)
        return;
    if (place->page != NULL)
        twi_page_free(place->page);
    twi_fetched_free(&place->fetched, &place->crawl->flow);
    tw_semaphore_free(place->fetches);
    twi_list_remove(&place->node);
    twi_list_remove(&place->piping);
    tw_deferred_unref(place->run);
    free(place->planned);
    twi_arena_free(&place->arena);
    free(place);
}

bool twi_place_is_over(const struct twi_place *place)
{
    return place->crawl->is_at_once || place->crawl->state >= TWI_CRAWL_CLOSING;
}

const char *twi_place_note(struct twi_place *place, const char *format, ...)
{
    struct twi_text text = { .arena = &place->arena };
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    twi_text_puts(&text, line);
    return twi_text_string(&text);
}

/* --- its end ----------------------------------------------------------------------------- */

void twi_place_free_slot(struct twi_place *place)
{
    if (!place->has_slot)
        return;
    place->has_slot = false;
    twi_schedule_network_free(place->crawl->schedule, &place->slot, twi_now());
    twi_engine_wake(place->crawl);
}

static void place_release(struct twi_place *place)
{
    tw_crawl *crawl = place->crawl;

    twi_place_free_slot(place);
    if (place->has_place) {
        twi_schedule_place_free(crawl->schedule, &place->slot, twi_now());
        crawl->place_count--;
    }
    twi_place_free(place);
    twi_engine_wake(crawl);
    twi_crawl_unref(crawl);
}

/* The coroutine may still be running when its record is acknowledged, and a record may be on
 * its way when the coroutine has ended: who comes last frees the place. */
static void place_check(struct twi_place *place)
{
    if (place->has_ended && place->records == 0)
        place_release(place);
}

void twi_place_forget_records(struct twi_place *place)
{
    place->records = 0;
    place_check(place);
}

static void place_acknowledged(struct twi_record *record, void *arg)
{
    struct twi_place *place = arg;

    place->records--;
    if (record == &place->record)
        twi_report_committed(place->crawl, place->planned != NULL, (int64_t)place->items);
    place_check(place);
}

/* It has no record to come any more. */
static void place_count_out(struct twi_place *place)
{
    if (!place->is_counted)
        return;
    place->is_counted = false;
    twi_engine_in_work(place->crawl, -1);
}

void twi_place_put(struct twi_place *place, enum twi_record_kind kind, const char *note)
{
    struct twi_record *record = kind == TWI_RECORD_PART ? &place->part : &place->record;
    const struct twi_fetched *fetched = &place->fetched;

    if (place->crawl->state >= TWI_CRAWL_CLOSING)
        return; /* it was left to itself, and its job is closed */
    record->url = place->id;
    record->kind = kind;
    record->at = twi_wall_ms();
    record->status = fetched->status;
    record->bytes = fetched->bytes;
    record->ms = (int)lround((twi_now() - place->begun) * 1000);
    record->note = note;
    record->visits = place->visits;
    record->acknowledged = place_acknowledged;
    record->arg = place;
    place->visits = NULL;
    place->records++;
    if (kind != TWI_RECORD_PART) {
        twi_report_attach(place->crawl, &place->arena, record);
        twi_keep_attach(place->crawl, &place->arena, record);
        place_count_out(place);
    }
    place->crawl->frontier->ops->commit(place->crawl->frontier, record);
}

static tw_value place_ended(tw_value result, void *arg)
{
    struct twi_place *place = arg;

    if (tw_is_failure(result))
        tw_log_problem(TW_LOG_ERROR, "spider", result, place->url);
    place->has_ended = true;
    twi_place_free_slot(place);
    place_count_out(place);
    place_check(place);
    return tw_none();
}

static void place_begin(struct twi_place *place, tw_coroutine_body *body, const char *name)
{
    const struct tw_coroutine_options options = { .name = name };
    tw_deferred *run;

    twi_crawl_ref(place->crawl);
    twi_engine_in_work(place->crawl, 1);
    place->is_counted = true;
    twi_list_append(&place->crawl->places, &place->node);
    place->begun = twi_now();
    run = tw_inline_callbacks_with(body, place, &options);
    place->run = tw_deferred_ref(run);
    tw_add_both(run, place_ended, place);
    tw_deferred_unref(run);
}

/* --- a visit ----------------------------------------------------------------------------- */

static bool place_take_visit(struct twi_place *place)
{
    struct twi_frontier *frontier = place->crawl->frontier;

    place->planned = frontier->ops->take(frontier, place->id);
    if (place->planned == NULL) {
        tw_value loaded = tw_await(frontier->ops->load(frontier, place->id));
        if (!tw_is_failure(loaded))
            place->planned = frontier->ops->take(frontier, place->id);
        else if (!twi_place_is_over(place))
            twi_engine_fail(place->crawl, tw_retain(loaded));
        tw_drop(&loaded);
    }
    return place->planned != NULL;
}

static bool place_understand(struct twi_place *place)
{
    const struct twi_visit *visit = &place->planned->visit;
    int r = twi_visit_read(&place->arena, visit->info, &place->info);

    place->url = twi_visit_url(&place->arena, visit, &place->info);
    if (r == 0 && place->url != NULL)
        return true;
    twi_place_put(place, TWI_RECORD_FAILED,
                  r == -EINVAL ? "the visit is of a newer version" : "out of memory");
    return false;
}

static void place_sent(size_t bytes, void *arg)
{
    struct twi_place *place = arg;

    place->sent = twi_now();
    twi_schedule_sent(place->crawl->schedule, &place->slot, place->sent);
    twi_report_request(place->crawl, twi_visit_method(&place->info), bytes);
}

struct twi_record_host *twi_place_keep_manners(struct twi_place *place)
{
    struct twi_record_host *row = twi_arena_zeroed(&place->arena, sizeof *row);
    struct twi_host_state state;

    if (row == NULL)
        return NULL;
    twi_schedule_state(place->crawl->schedule, place->slot.host, twi_now(), &state);
    row->origin = twi_host_origin(place->slot.host);
    row->delay = state.learned;
    row->not_before = twi_wall_ms() + (int64_t)(state.wait * 1000);
    place->record.hosts = row;
    return row;
}

void twi_place_tell_answer(struct twi_place *place, const struct twi_fetched *fetched)
{
    struct twi_answer answer = { .status = fetched->status, .retry_after = -1 };

    if (fetched->is_kept)
        return;
    if (place->sent == 0 && fetched->status == 0)
        twi_schedule_lost_address(place->crawl->schedule, place->slot.host, twi_now());
    if (fetched->status != 0) {
        answer.latency = fetched->seconds;
        answer.retry_after = twi_retry_after(fetched->headers, twi_wall_ms());
    }
    twi_schedule_answered(place->crawl->schedule, &place->slot, twi_now(), &answer);
    if (answer.status == 429 || answer.status == 503)
        twi_place_keep_manners(place);
}

/* The hooks may await, so the request is made before them and the slot is held. */
static tw_value place_ask_hooks(struct twi_place *place, struct tw_fetch_options *options)
{
    tw_value verdict = tw_none();

    if (!place->crawl->hooks.sees_requests)
        return verdict;
    place->page = twi_callback_page(place);
    if (place->page == NULL)
        return tw_fail_memory();
    verdict = twi_hooks_request(&place->crawl->hooks, place->page, options);
    twi_page_free(place->page);
    place->page = NULL;
    return verdict;
}

static void place_fetch(struct twi_place *place)
{
    tw_crawl *crawl = place->crawl;
    struct twi_request request;
    tw_value verdict = tw_none();

    if (twi_request_make(crawl, &place->arena, place->url, &place->info, &request) < 0)
        verdict = tw_fail_memory();
    request.options.fetch.address = twi_host_address(place->slot.host);
    request.options.sent = place_sent;
    request.options.arg = place;
    if (!tw_is_failure(verdict))
        verdict = place_ask_hooks(place, &request.options.fetch);
    if (tw_is_failure(verdict)) {
        place->fetched.failure = verdict;
    } else {
        twi_download(twi_crawl_agent(crawl), &crawl->flow, place->url, &request.options,
                     &place->fetched);
        twi_place_tell_answer(place, &place->fetched);
        twi_report_answer(crawl, &place->fetched);
    }
    twi_request_free(&request);
    twi_place_free_slot(place);
}

static tw_value place_visit_body(void *arg)
{
    struct twi_place *place = arg;

    if (!place_take_visit(place) || !place_understand(place))
        return tw_none();
    if (!twi_robots_admit(place))
        return tw_none();
    place_fetch(place);
    if (twi_place_is_over(place))
        return tw_none();
    if (!twi_judge(place))
        twi_callback_run(place);
    return tw_none();
}

void twi_place_visit(struct twi_place *place, int64_t id)
{
    place->id = id;
    place->has_slot = place->has_place = true;
    place->crawl->place_count++;
    place_begin(place, place_visit_body, "a visit");
}

void twi_place_robots(struct twi_place *place, struct twi_host *host)
{
    place->slot.host = host;
    place->has_slot = true;
    place_begin(place, twi_robots_body, "a robots.txt");
}

void twi_place_seed(struct twi_place *place)
{
    place->url = "start:";
    place_begin(place, twi_callback_seed_body, "the seed");
}
