/* SPDX-License-Identifier: MIT */
/*
 * close.c - stopping in two steps, and closing in a coroutine of its own: hooks, the last
 * statistics, the job; then the crawl's Deferred fires.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <tweed/log.h>
#include <tweed/reactor.h>

#include "spider/crawl/close.h"
#include "spider/crawl/place.h"
#include "spider/crawl/report.h"

/* --- stopping ---------------------------------------------------------------------------- */

/* Coroutines that do not end though what they await is cancelled are left to themselves: each
 * holds a reference of the crawl. */
static void abandon_timed(void *arg)
{
    tw_crawl *crawl = arg;

    crawl->patience_timer = 0;
    if (crawl->state == TWI_CRAWL_STOPPING)
        twi_crawl_close(crawl);
    twi_crawl_unref(crawl);
}

static void patience_set(tw_crawl *crawl, double seconds, void (*fn)(void *arg))
{
    if (crawl->patience_timer > 0 && tw_call_cancel(crawl->patience_timer) == 0)
        twi_crawl_unref(crawl);
    crawl->patience_timer = tw_call_later(seconds, fn, crawl);
    if (crawl->patience_timer > 0)
        twi_crawl_ref(crawl);
}

/* A cancel may end any place, and with it start anything: begin again from the front each
 * time. */
static void places_cancel(tw_crawl *crawl)
{
    struct twi_place *place;
    bool found = true;

    while (found) {
        found = false;
        TWI_LIST_EACH (node, &crawl->places) {
            place = TWI_CONTAINER(node, struct twi_place, node);
            if (place->run == NULL || place->is_cancelled)
                continue;
            place->is_cancelled = found = true;
            tw_cancel(place->run);
            break;
        }
    }
}

static void stop_at_once(tw_crawl *crawl)
{
    crawl->is_at_once = true;
    patience_set(crawl, 1, abandon_timed);
    places_cancel(crawl);
    twi_engine_wake(crawl);
}

static void stop_patience_over(void *arg)
{
    tw_crawl *crawl = arg;

    crawl->patience_timer = 0;
    if (crawl->state == TWI_CRAWL_STOPPING && !crawl->is_at_once)
        stop_at_once(crawl);
    twi_crawl_unref(crawl);
}

void twi_crawl_stop(tw_crawl *crawl, const char *why)
{
    if (crawl->state >= TWI_CRAWL_CLOSING)
        return;
    if (crawl->why == NULL)
        crawl->why = strdup(why == NULL ? "shutdown" : why);
    if (crawl->state == TWI_CRAWL_RUNNING) {
        crawl->state = TWI_CRAWL_STOPPING;
        patience_set(crawl, crawl->settings->values.stop_patience, stop_patience_over);
        twi_engine_wake(crawl);
    } else if (crawl->state == TWI_CRAWL_STOPPING && !crawl->is_at_once) {
        stop_at_once(crawl);
    }
}

/* --- closing ----------------------------------------------------------------------------- */

static void crawl_fire(tw_crawl *crawl)
{
    tw_value failure = crawl->failure;

    crawl->state = TWI_CRAWL_CLOSED;
    crawl->failure = tw_none();
    twi_report_statistics(crawl);
    if (tw_is_failure(failure))
        tw_fire(&crawl->slot, failure);
    else
        tw_fire(&crawl->slot, tw_string(crawl->why == NULL ? "finished" : crawl->why));
    if (crawl->shutdown != NULL)
        tw_fire(&crawl->shutdown, tw_none());
}

static enum twi_job_end close_job_end(const tw_crawl *crawl)
{
    if (tw_is_failure(crawl->failure) || crawl->is_at_once)
        return TWI_JOB_BROKEN;
    return crawl->why == NULL ? TWI_JOB_FINISHED : TWI_JOB_STOPPED;
}

static void failure_keep(tw_crawl *crawl, tw_value failure)
{
    if (tw_is_none(crawl->failure))
        crawl->failure = tw_take(failure);
    else
        tw_release(failure);
}

/* A hook's failure at the end is told, and does not keep the job from being closed. */
static void close_hooks(tw_crawl *crawl)
{
    tw_value closed = twi_hooks_close(&crawl->hooks,
                                      crawl->why == NULL ? "finished" : crawl->why);

    if (tw_is_failure(closed))
        tw_log_problem(TW_LOG_ERROR, "spider", closed, "an extension's close");
    tw_release(closed);
}

/* Each one freed may be the next of the walk's. */
static void places_forget(tw_crawl *crawl)
{
    struct twi_list left;
    struct twi_list *node;

    twi_list_init(&left);
    twi_list_splice(&left, &crawl->places);
    while ((node = twi_list_take_first(&left)) != NULL) {
        twi_list_append(&crawl->places, node);
        twi_place_forget_records(TWI_CONTAINER(node, struct twi_place, node));
    }
}

static tw_value close_body(void *arg)
{
    tw_crawl *crawl = arg;
    tw_value closed;

    close_hooks(crawl);
    twi_report_end(crawl);
    if (crawl->frontier != NULL) {
        enum twi_job_end end = close_job_end(crawl);
        closed = tw_await(crawl->frontier->ops->close(crawl->frontier, end));
        if (tw_is_failure(closed))
            failure_keep(crawl, tw_retain(closed));
        tw_drop(&closed);
    }
    places_forget(crawl);
    return tw_none();
}

static tw_value close_done(tw_value result, void *arg)
{
    tw_crawl *crawl = arg;

    if (tw_is_failure(result))
        failure_keep(crawl, tw_retain(result));
    crawl_fire(crawl);
    twi_crawl_unref(crawl); /* the run's own */
    return tw_none();
}

static void close_timer(int64_t *timer)
{
    if (*timer > 0)
        tw_call_cancel(*timer);
    *timer = 0;
}

void twi_crawl_close(tw_crawl *crawl)
{
    tw_deferred *closing;

    if (crawl->state >= TWI_CRAWL_CLOSING)
        return;
    crawl->state = TWI_CRAWL_CLOSING;
    close_timer(&crawl->dispatch_timer);
    close_timer(&crawl->second_timer);
    if (crawl->patience_timer > 0 && tw_call_cancel(crawl->patience_timer) == 0)
        twi_crawl_unref(crawl);
    crawl->patience_timer = 0;
    if (crawl->trigger > 0)
        tw_reactor_remove_trigger(crawl->trigger);
    crawl->trigger = 0;
    closing = tw_inline_callbacks(close_body, crawl);
    tw_add_both(closing, close_done, crawl);
    tw_deferred_unref(closing);
}

void twi_crawl_exhausted(tw_crawl *crawl)
{
    struct twi_place *place;

    if (crawl->state == TWI_CRAWL_RUNNING && !crawl->is_idle && crawl->hooks.sees_idle) {
        place = twi_place_new(crawl);
        if (place != NULL) {
            crawl->is_idle = true;
            twi_place_seed(place);
            return;
        }
    }
    twi_crawl_close(crawl);
}
