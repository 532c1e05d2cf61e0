/* SPDX-License-Identifier: MIT */
/*
 * engine.h - a crawl at work, as its parts see it.
 *
 *     dispatch: while the schedule has something ready: take a visit, give it a place
 *     place:    fetch -> excluded? retry? redirect? -> page -> callback -> pipelines -> record
 *     record:   put into the frontier; when it is acknowledged the place is free
 *
 * A place is taken when a visit is dispatched and given back when its record is committed:
 * what a kill makes us fetch again is at most the places.
 */
#ifndef SPIDER_CRAWL_ENGINE_H
#define SPIDER_CRAWL_ENGINE_H

#include <tweed/spider.h>
#include <tweed/sync.h>

#include "base/list.h"
#include "spider/crawl/download.h"
#include "spider/crawl/extension.h"
#include "spider/crawl/frontier.h"
#include "spider/crawl/jars.h"
#include "spider/crawl/limits.h"
#include "spider/crawl/page.h"
#include "spider/crawl/schedule.h"
#include "spider/crawl/scope.h"
#include "spider/crawl/settings.h"
#include "spider/crawl/stats.h"
#include "spider/crawl/trap.h"
#include "spider/text/regex.h"

enum {
    TWI_FETCHES_PER_PAGE = 4, /* sub-fetches at once */
    TWI_FETCHES = 256,        /* in all */
    TWI_ITEMS_IN_PIPELINES = 100
};

/*   OPENING --> RUNNING --> STOPPING --> CLOSING --> CLOSED
 *                  '-----------------------^  (finished)             */
enum twi_crawl_state {
    TWI_CRAWL_OPENING,  /* hooks are being opened */
    TWI_CRAWL_RUNNING,
    TWI_CRAWL_STOPPING, /* nothing is dispatched, places end */
    TWI_CRAWL_CLOSING,  /* no place is left: hooks and the job are being closed */
    TWI_CRAWL_CLOSED
};

struct tw_crawl {
    unsigned refs; /* the run itself, and each coroutine */
    enum twi_crawl_state state;
    bool is_paused, is_full, is_at_once, is_idle;
    bool is_fed; /* the seed has been committed or is in work */
    const tw_spider *spider;
    struct twi_settings *settings, own_settings;
    const char *const *arguments;
    struct tw_crawl_options options;
    struct twi_arena arena; /* as long as the crawl */

    struct twi_schedule *schedule;
    struct twi_frontier *frontier;
    struct twi_scope *scope;
    struct twi_trap *trap;
    struct twi_refusals refusals;
    struct twi_visit_keys keys;
    struct twi_pages *page_pool;
    struct twi_regex **sitemap_patterns; /* of the spider's sitemap rules; NULL: fits all */
    const struct tw_feed *feeds;
    size_t feed_count;
    struct twi_jars jars;
    struct twi_record_cookie *cookies, **cookies_end; /* changes, in no record yet */
    struct twi_names files;  /* that were fetched: keep.h */
    int64_t flying;          /* the page whose callback runs, 0: none */
    bool is_flight_due;
    struct twi_hooks hooks;
    struct twi_flow flow;
    struct twi_stats stats;
    tw_agent *agent; /* NULL: none was needed yet, see agent.h */
    const char *user_agent; /* "": none is sent */
    const char *const *starts; /* start URLs and sitemaps, NULL at the end */
    const char *const *start_hosts; /* theirs */
    size_t start_host_count;

    struct twi_list places;     /* of struct twi_place, in work */
    struct twi_list piping;     /* those whose items are in pipelines */
    bool is_parts_due;          /* a call that puts their visits is queued */
    unsigned place_count;       /* those that hold a place */
    unsigned in_work;           /* those that have a record to come */
    struct twi_place *spare;    /* the next one */
    tw_semaphore *fetches, *in_pipelines;

    int64_t dispatch_timer, second_timer, patience_timer;
    bool is_dispatch_due;       /* a call of it is queued */
    double started, item_at;    /* reactor's clock */
    double stats_told;      /* when a record last carried them */
    double logged_at;       /* the last line of figures, and what it said */
    int64_t logged_pages, logged_items;
    struct twi_record last_record; /* the statistics at the end */
    int64_t pages, items, errors, pages_since_item;
    int64_t memory;        /* of the process, a second ago at most */
    bool has_warned_of_memory;
    int64_t seen;          /* visits ever added, a second ago at most */
    int64_t committed_pages, committed_items;

    char *why;            /* of the end; NULL while it runs */
    tw_value failure;     /* that ended it */
    tw_deferred *slot;    /* fires at the end */
    int64_t trigger;      /* of the reactor's shutdown */
    tw_deferred *shutdown;
};

double twi_now(void);       /* the reactor's clock */
int64_t twi_wall_ms(void);  /* the wall's */

tw_crawl *twi_crawl_ref(tw_crawl *crawl);
void twi_crawl_unref(tw_crawl *crawl);

/* Has it been told to stop, so that nothing new begins? */
static inline bool twi_crawl_ends(const tw_crawl *crawl)
{
    return crawl->state >= TWI_CRAWL_STOPPING;
}

/* Look again, in the next turn, for what can be dispatched and whether the crawl has ended. */
void twi_engine_wake(tw_crawl *crawl);
/* Begin: the timer of each second, the seed. */
void twi_engine_start(tw_crawl *crawl);
/* One more record to come, or one less. */
void twi_engine_in_work(tw_crawl *crawl, int by);
/* Something went wrong that ends the crawl: `failure` is taken. */
void twi_engine_fail(tw_crawl *crawl, tw_value failure);
/* Is a limit reached? Then stop. Called after each outcome. */
void twi_engine_check_limits(tw_crawl *crawl);

#endif
