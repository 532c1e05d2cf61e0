/* SPDX-License-Identifier: MIT */
/*
 * report.c - statistics under Scrapy's names.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tweed/log.h>

#include "spider/crawl/keep.h"
#include "spider/crawl/report.h"

#define TELL_EVERY 1.0 /* seconds between records that carry statistics */

/* --- counting ---------------------------------------------------------------------------- */

static void set_time(tw_crawl *crawl, const char *key)
{
    time_t now = (time_t)(twi_wall_ms() / 1000);
    struct tm parts;
    char text[40];

    gmtime_r(&now, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    twi_stats_set_text(&crawl->stats, key, text);
}

void twi_report_start(tw_crawl *crawl)
{
    set_time(crawl, "start_time");
}

void twi_report_request(tw_crawl *crawl, const char *method, size_t bytes)
{
    twi_stats_add(&crawl->stats, "downloader/request_count", 1);
    twi_stats_add_to(&crawl->stats, "downloader/request_method_count/", method, 1);
    twi_stats_add(&crawl->stats, "downloader/request_bytes", (int64_t)bytes);
}

void twi_report_answer(tw_crawl *crawl, const struct twi_fetched *fetched)
{
    struct twi_stats *stats = &crawl->stats;

    if (tw_is_failure(fetched->failure)) {
        twi_stats_add(stats, "downloader/exception_count", 1);
        twi_stats_add_to(stats, "downloader/exception_type_count/",
                         tw_failure_class(fetched->failure)->name, 1);
        return;
    }
    twi_stats_add(stats, fetched->is_kept ? "httpcache/hit" : "downloader/response_count", 1);
    twi_stats_add_number(stats, "downloader/response_status_count/", fetched->status, 1);
    twi_stats_add(stats, "downloader/response_bytes", fetched->bytes);
    twi_stats_add(stats, "response_received_count", 1);
}

void twi_report_committed(tw_crawl *crawl, bool is_page, int64_t items)
{
    crawl->committed_pages += is_page;
    crawl->committed_items += items;
    if (is_page || items > 0)
        twi_hooks_committed(&crawl->hooks, is_page, items);
}

/* --- into the job ------------------------------------------------------------------------ */

struct telling {
    struct twi_arena *arena;
    struct twi_record_count *first;
};

static void tell_count(const char *key, int64_t add, void *arg)
{
    struct telling *telling = arg;
    struct twi_record_count *count = twi_arena_zeroed(telling->arena, sizeof *count);

    if (count == NULL)
        return;
    count->key = key; /* as long as the crawl */
    count->add = add;
    count->next = telling->first;
    telling->first = count;
}

static void attach_all(tw_crawl *crawl, struct twi_arena *arena, struct twi_record *record)
{
    struct telling telling = { arena, NULL };
    struct twi_record_count **end = &telling.first;

    twi_stats_tell(&crawl->stats, tell_count, &telling);
    while (*end != NULL)
        end = &(*end)->next;
    *end = record->counts;
    record->counts = telling.first;
}

void twi_report_attach(tw_crawl *crawl, struct twi_arena *arena, struct twi_record *record)
{
    if (twi_now() - crawl->stats_told < TELL_EVERY)
        return;
    crawl->stats_told = twi_now();
    attach_all(crawl, arena, record);
}

/* --- the log ----------------------------------------------------------------------------- */

/* Once in a run; Scrapy's name. */
static void warn_of_memory(tw_crawl *crawl)
{
    int64_t limit = crawl->settings->values.memory_warn;

    if (limit < 0 || crawl->memory < limit || crawl->has_warned_of_memory)
        return;
    crawl->has_warned_of_memory = true;
    twi_stats_add(&crawl->stats, "memusage/warning_reached", 1);
    tw_log(TW_LOG_WARNING, "spider", "the process takes %lld MiB, memory_warn is %lld MiB",
           (long long)(crawl->memory >> 20), (long long)(limit >> 20));
}

void twi_report_second(tw_crawl *crawl)
{
    double every = crawl->settings->values.log_every, now = twi_now();
    double minutes = (now - crawl->logged_at) / 60;
    int64_t pages, items;

    warn_of_memory(crawl);
    if (every <= 0 || now - crawl->logged_at < every)
        return;
    pages = twi_stats_get(&crawl->stats, "response_received_count");
    items = crawl->items;
    tw_log(TW_LOG_INFO, "spider",
           "crawled %lld pages (at %.0f pages/min), scraped %lld items (at %.0f items/min), "
           "%zu visits wait",
           (long long)pages, (double)(pages - crawl->logged_pages) / minutes, (long long)items,
           (double)(items - crawl->logged_items) / minutes,
           twi_schedule_pending(crawl->schedule));
    crawl->logged_at = now;
    crawl->logged_pages = pages;
    crawl->logged_items = items;
}

/* --- the end ----------------------------------------------------------------------------- */

static void record_forget(struct twi_record *record, void *arg)
{
    (void)record;
    twi_crawl_unref(arg);
}

static void attach_text(tw_crawl *crawl, const char *key)
{
    struct twi_record_count *count = twi_arena_zeroed(&crawl->arena, sizeof *count);
    const struct twi_stat *stat = twi_names_get(&crawl->stats.names, key);

    if (count == NULL || stat == NULL || stat->text == NULL)
        return;
    count->key = stat->key;
    count->text = stat->text;
    count->next = crawl->last_record.counts;
    crawl->last_record.counts = count;
}

static void set_refusals(tw_crawl *crawl)
{
    int i;

    for (i = 0; i < TWI_REFUSALS; i++)
        if (crawl->refusals.counts[i] > 0)
            twi_stats_add(&crawl->stats, twi_refusal_key((enum twi_refusal)i),
                          (int64_t)crawl->refusals.counts[i]);
}

void twi_report_end(tw_crawl *crawl)
{
    struct twi_record *record = &crawl->last_record;

    set_refusals(crawl);
    twi_stats_most(&crawl->stats, "memusage/max", twi_memory_peak());
    twi_stats_set_text(&crawl->stats, "finish_reason",
                       crawl->why == NULL ? "finished" : crawl->why);
    set_time(crawl, "finish_time");
    if (crawl->frontier == NULL)
        return;
    attach_all(crawl, &crawl->arena, record);
    twi_keep_attach(crawl, &crawl->arena, record);
    attach_text(crawl, "start_time");
    attach_text(crawl, "finish_time");
    attach_text(crawl, "finish_reason");
    record->kind = TWI_RECORD_DONE;
    record->at = twi_wall_ms();
    record->acknowledged = record_forget;
    record->arg = twi_crawl_ref(crawl);
    crawl->frontier->ops->commit(crawl->frontier, record);
}

void twi_report_statistics(tw_crawl *crawl)
{
    size_t count, i;
    const struct twi_stat **sorted;

    if (crawl->options.statistic == NULL)
        return;
    sorted = twi_stats_sorted(&crawl->stats, &count);
    for (i = 0; sorted != NULL && i < count; i++)
        crawl->options.statistic(sorted[i]->key, sorted[i]->number, sorted[i]->text,
                                 crawl->options.arg);
    free(sorted);
}
