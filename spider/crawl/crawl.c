/* SPDX-License-Identifier: MIT */
/*
 * crawl.c - crawls as programs see them: run, pause, stop, count.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/reactor.h>

#include "spider/crawl/close.h"
#include "spider/crawl/crawl.h"
#include "spider/crawl/open.h"
#include "spider/crawl/place.h"
#include "spider/crawl/report.h"

/* --- a crawl's life ---------------------------------------------------------------------- */

tw_crawl *twi_crawl_ref(tw_crawl *crawl)
{
    crawl->refs++;
    return crawl;
}

void twi_crawl_unref(tw_crawl *crawl)
{
    if (--crawl->refs > 0)
        return;
    twi_place_free(crawl->spare);
    twi_open_free(crawl);
    twi_stats_free(&crawl->stats);
    twi_settings_free(&crawl->own_settings);
    twi_arena_free(&crawl->arena);
    tw_release(crawl->failure);
    free(crawl->why);
    free(crawl);
}

static tw_crawl *crawl_new(const tw_spider *spider, const struct tw_crawl_options *options)
{
    tw_crawl *crawl = calloc(1, sizeof *crawl);

    if (crawl == NULL)
        return NULL;
    crawl->refs = 1;
    crawl->spider = spider;
    if (options != NULL)
        crawl->options = *options;
    crawl->arguments = crawl->options.arguments;
    crawl->feeds = spider->feeds;
    while (crawl->feed_count < sizeof spider->feeds / sizeof *spider->feeds &&
           spider->feeds[crawl->feed_count].path != NULL)
        crawl->feed_count++;
    if (crawl->options.feeds != NULL) {
        crawl->feeds = crawl->options.feeds;
        crawl->feed_count = crawl->options.feed_count;
    }
    twi_arena_init(&crawl->arena, 0);
    twi_settings_init(&crawl->own_settings);
    twi_list_init(&crawl->places);
    twi_list_init(&crawl->piping);
    return crawl;
}

/* --- its beginning ----------------------------------------------------------------------- */

/* The reactor stops: the crawl ends first. */
static tw_value crawl_shutdown(void *arg)
{
    tw_crawl *crawl = arg;
    tw_deferred *ended;

    if (crawl->shutdown != NULL || crawl->state >= TWI_CRAWL_CLOSED)
        return tw_none();
    ended = tw_promise(&crawl->shutdown, NULL, NULL);
    twi_crawl_stop(crawl, NULL);
    return tw_wait(ended);
}

static int crawl_cancel(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    twi_crawl_stop(arg, NULL);
    return TW_CANCEL_LATER;
}

static void crawl_drop(void *arg)
{
    twi_crawl_unref(arg);
}

/* Hooks are opened in a coroutine; then it begins. */
static tw_value begin_body(void *arg)
{
    tw_crawl *crawl = arg;
    tw_value opened = tw_retain(crawl->failure); /* of what came after its job was opened */

    if (tw_is_none(opened))
        opened = twi_hooks_open(&crawl->hooks, crawl, crawl->spider);
    if (tw_is_failure(opened))
        return opened;
    twi_report_start(crawl);
    twi_engine_start(crawl);
    return tw_none();
}

static tw_value begin_done(tw_value result, void *arg)
{
    tw_crawl *crawl = arg;

    if (tw_is_failure(result)) {
        tw_release(crawl->failure);
        crawl->failure = tw_retain(result);
        twi_crawl_close(crawl);
    } else if (crawl->why != NULL) {
        twi_crawl_stop(crawl, NULL); /* it was stopped while hooks were being opened */
    }
    twi_crawl_unref(crawl);
    return tw_none();
}

static void crawl_begin(void *arg)
{
    tw_crawl *crawl = arg;
    tw_deferred *begun = tw_inline_callbacks(begin_body, crawl);

    tw_add_both(begun, begin_done, crawl);
    tw_deferred_unref(begun);
}

/* In the next turn, so that the caller has its Deferred before anything happens. */
static tw_deferred *crawl_start(tw_crawl *crawl, tw_crawl **ret_crawl)
{
    tw_deferred *done = tw_promise_with(&crawl->slot, crawl_cancel, twi_crawl_ref(crawl),
                                        crawl_drop);

    if (done == NULL)
        return NULL;
    if (tw_call_soon(crawl_begin, twi_crawl_ref(crawl)) < 0) {
        twi_crawl_unref(crawl);
        tw_fire(&crawl->slot, tw_fail_memory());
        twi_crawl_unref(crawl);
        return done;
    }
    crawl->trigger = tw_reactor_add_trigger(TW_BEFORE, "shutdown", crawl_shutdown, crawl);
    if (ret_crawl != NULL)
        *ret_crawl = crawl;
    return done;
}

static tw_value crawl_take_settings(tw_crawl *crawl)
{
    tw_value failure = tw_none();
    int r = twi_settings_take(&crawl->own_settings, TWI_LAYER_SPIDER, crawl->spider->name,
                              &crawl->spider->settings, &failure);

    if (r >= 0 && crawl->options.settings != NULL)
        r = twi_settings_take(&crawl->own_settings, TWI_LAYER_COMMAND, "tw_crawl_run()",
                              crawl->options.settings, &failure);
    crawl->settings = &crawl->own_settings;
    return r == -ENOMEM && tw_is_none(failure) ? tw_fail_memory() : failure;
}

tw_deferred *twi_crawl_run(const tw_spider *spider, const struct tw_crawl_options *options,
                           struct twi_settings *settings, tw_crawl **ret_crawl)
{
    tw_value failure = twi_open_check(spider);
    tw_crawl *crawl;

    if (tw_is_failure(failure))
        return tw_failed(failure);
    crawl = crawl_new(spider, options);
    if (crawl == NULL)
        return NULL;
    crawl->settings = settings;
    if (settings == NULL)
        failure = crawl_take_settings(crawl);
    if (!tw_is_failure(failure))
        failure = twi_open_parts(crawl);
    if (tw_is_failure(failure) && crawl->frontier == NULL) {
        twi_crawl_unref(crawl);
        return tw_failed(failure);
    }
    crawl->failure = failure;
    return crawl_start(crawl, ret_crawl);
}

tw_deferred *tw_crawl_run(const tw_spider *spider, const struct tw_crawl_options *options,
                          tw_crawl **ret_crawl)
{
    return twi_crawl_run(spider, options, NULL, ret_crawl);
}

/* --- while it runs ----------------------------------------------------------------------- */

void tw_crawl_pause(tw_crawl *crawl)
{
    crawl->is_paused = true;
}

void tw_crawl_resume(tw_crawl *crawl)
{
    crawl->is_paused = false;
    twi_engine_wake(crawl);
}

void tw_crawl_stop(tw_crawl *crawl, const char *why)
{
    twi_crawl_stop(crawl, why);
}

void tw_stat_add(tw_crawl *crawl, const char *key, int64_t n)
{
    twi_stats_add(&crawl->stats, key, n);
}

int64_t tw_stat_get(const tw_crawl *crawl, const char *key)
{
    return twi_stats_get(&crawl->stats, key);
}

void tw_state_add(tw_page *page, const char *key, int64_t n)
{
    twi_page_count(page, key, n, true);
}

int64_t tw_state_get(const tw_page *page, const char *key)
{
    tw_crawl *crawl = tw_page_crawl(page);

    return crawl->frontier->ops->state(crawl->frontier, key) +
           twi_page_counted(page, key, true);
}
