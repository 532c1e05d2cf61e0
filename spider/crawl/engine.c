/* SPDX-License-Identifier: MIT */
/*
 * engine.c - the dispatch: what the schedule has ready gets a place, until nothing is; then
 * one timer waits for the next. And the crawl's end: nothing in work, nothing that waits.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tweed/reactor.h>
#include <tweed/resolver.h>

#include "spider/crawl/close.h"
#include "spider/crawl/engine.h"
#include "spider/crawl/fetch.h"
#include "spider/crawl/place.h"
#include "spider/crawl/report.h"

double twi_now(void)
{
    return tw_clock_seconds(tw_reactor_clock());
}

int64_t twi_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- addresses --------------------------------------------------------------------------- */

struct question {
    tw_crawl *crawl;
    struct twi_host *host;
};

static void address_question_free(void *arg)
{
    struct question *question = arg;

    twi_crawl_unref(question->crawl);
    free(question);
}

static tw_value address_found(tw_value addresses, void *arg)
{
    struct question *question = arg;
    const union tw_socket_address *address;
    char text[80], *colon;

    address = tw_is_failure(addresses) ? NULL : tw_address_of(tw_list_at(addresses, 0));
    if (address != NULL) {
        tw_address_format(address, text, sizeof text);
        colon = strrchr(text, ':');
        if (colon != NULL)
            *colon = '\0';
    }
    twi_schedule_address(question->crawl->schedule, question->host, twi_now(),
                         address == NULL ? NULL : text);
    twi_engine_wake(question->crawl);
    return tw_none();
}

/* A proxy finds the address itself, and a host without a name needs none. */
static void engine_resolve(tw_crawl *crawl, struct twi_host *host)
{
    struct question *question = malloc(sizeof *question);
    struct tw_url *url = NULL;
    const char *origin = twi_host_origin(host);
    tw_deferred *addresses;

    if (question == NULL || tw_url_parse(origin, strlen(origin), NULL, &url, NULL) < 0 ||
        !url->has_host || *url->hostname == '\0') {
        twi_schedule_address(crawl->schedule, host, twi_now(), NULL);
        tw_url_free(url);
        free(question);
        return;
    }
    question->crawl = twi_crawl_ref(crawl);
    question->host = host;
    addresses = tw_resolve(url->hostname, url->effective_port);
    tw_url_free(url);
    tw_add_both_with(addresses, address_found, question, address_question_free);
    tw_deferred_unref(addresses);
}

/* --- dispatch ---------------------------------------------------------------------------- */

static bool may_visit(const tw_crawl *crawl)
{
    return crawl->state == TWI_CRAWL_RUNNING && !crawl->is_paused && !crawl->is_full &&
           !crawl->flow.is_held_up;
}

/* Act on what the schedule has ready; false: nothing is. */
static bool dispatch_one(tw_crawl *crawl)
{
    struct twi_taken taken;
    struct twi_place *place = crawl->spare;

    if (place == NULL)
        place = crawl->spare = twi_place_new(crawl);
    if (place == NULL)
        return false;
    taken.slot = &place->slot;
    switch (twi_schedule_take(crawl->schedule, twi_now(), may_visit(crawl), &taken)) {
    case TWI_TAKE_NOTHING:
        return false;
    case TWI_TAKE_VISIT:
        crawl->spare = NULL;
        twi_place_visit(place, taken.id);
        return true;
    case TWI_TAKE_ROBOTS:
        crawl->spare = NULL;
        twi_place_robots(place, taken.host);
        return true;
    case TWI_TAKE_FETCH:
        twi_fetch_granted(taken.slot);
        return true;
    case TWI_TAKE_ADDRESS:
        engine_resolve(crawl, taken.host);
        return true;
    }
    return false;
}

static void dispatch_timed(void *arg)
{
    tw_crawl *crawl = arg;

    crawl->dispatch_timer = 0;
    twi_engine_wake(crawl);
}

static void dispatch_wait(tw_crawl *crawl)
{
    double seconds = twi_schedule_next(crawl->schedule, twi_now(), may_visit(crawl));

    if (crawl->dispatch_timer > 0)
        tw_call_cancel(crawl->dispatch_timer);
    crawl->dispatch_timer = 0;
    if (seconds >= 0 && crawl->state < TWI_CRAWL_CLOSING)
        crawl->dispatch_timer = tw_call_later(seconds, dispatch_timed, crawl);
}

/* Nothing in work, and nothing that could be. */
static bool is_exhausted(const tw_crawl *crawl)
{
    if (!twi_list_empty(&crawl->places))
        return false;
    return twi_crawl_ends(crawl) ||
           (!twi_schedule_busy(crawl->schedule) && twi_schedule_pending(crawl->schedule) == 0);
}

static void engine_dispatch(void *arg)
{
    tw_crawl *crawl = arg;

    crawl->is_dispatch_due = false;
    if (crawl->state == TWI_CRAWL_RUNNING || crawl->state == TWI_CRAWL_STOPPING) {
        while (dispatch_one(crawl))
            ;
        dispatch_wait(crawl);
        if (is_exhausted(crawl))
            twi_crawl_exhausted(crawl);
    }
    twi_crawl_unref(crawl);
}

void twi_engine_wake(tw_crawl *crawl)
{
    if (crawl->is_dispatch_due || crawl->state < TWI_CRAWL_RUNNING ||
        crawl->state >= TWI_CRAWL_CLOSING)
        return;
    if (tw_call_soon(engine_dispatch, crawl) < 0)
        return;
    crawl->is_dispatch_due = true;
    twi_crawl_ref(crawl);
}

void twi_engine_in_work(tw_crawl *crawl, int by)
{
    crawl->in_work = (unsigned)((int)crawl->in_work + by);
    if (crawl->frontier != NULL && crawl->state < TWI_CRAWL_CLOSING)
        crawl->frontier->ops->in_work(crawl->frontier, crawl->in_work);
}

/* --- limits ------------------------------------------------------------------------------ */

void twi_engine_fail(tw_crawl *crawl, tw_value failure)
{
    if (tw_is_none(crawl->failure))
        crawl->failure = tw_take(failure);
    else
        tw_release(failure);
    twi_crawl_stop(crawl, "failed");
    twi_crawl_stop(crawl, "failed"); /* at once */
}

void twi_engine_check_limits(tw_crawl *crawl)
{
    const struct tw_settings *settings = &crawl->settings->values;
    const struct twi_limits limits = {
        .max_pages = settings->max_pages,
        .max_items = settings->max_items,
        .max_errors = settings->max_errors,
        .max_pages_no_item = settings->max_pages_no_item,
        .max_seconds = settings->max_seconds,
        .max_seconds_no_item = settings->max_seconds_no_item,
        .max_memory = settings->memory_stop,
        .max_seen_memory = settings->seen_memory,
    };
    const struct twi_limits_state state = {
        .pages = crawl->pages,
        .items = crawl->items,
        .errors = crawl->errors,
        .pages_since_item = crawl->pages_since_item,
        .seconds = twi_now() - crawl->started,
        .seconds_since_item = twi_now() - crawl->item_at,
        .memory = crawl->memory,
        .seen = crawl->seen,
    };
    const char *why = twi_limits_reached(&limits, &state);

    if (why != NULL && crawl->state == TWI_CRAWL_RUNNING)
        twi_crawl_stop(crawl, why);
}

/* --- each second ------------------------------------------------------------------------- */

static void engine_second(void *arg)
{
    tw_crawl *crawl = arg;

    crawl->memory = twi_memory_resident();
    if (crawl->frontier != NULL)
        crawl->seen = crawl->frontier->ops->seen(crawl->frontier);
    crawl->second_timer = tw_call_later(1, engine_second, crawl);
    twi_report_second(crawl);
    twi_engine_check_limits(crawl);
}

void twi_engine_start(tw_crawl *crawl)
{
    struct twi_place *place;

    crawl->state = TWI_CRAWL_RUNNING;
    crawl->started = crawl->item_at = twi_now();
    crawl->second_timer = tw_call_later(1, engine_second, crawl);
    if (!crawl->is_fed) {
        place = twi_place_new(crawl);
        if (place == NULL) {
            twi_engine_fail(crawl, tw_fail_memory());
            return;
        }
        twi_place_seed(place);
    }
    twi_engine_wake(crawl);
}
