/* SPDX-License-Identifier: MIT */
/*
 * fetch.c - a fetch inside a page's coroutine: a turn among the page's and among all, a slot
 * of the host, the download; again on redirects and on temporary failures.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <tweed/reactor.h>

#include "spider/crawl/callback.h"
#include "spider/crawl/fetch.h"
#include "spider/crawl/judge.h"
#include "spider/crawl/redirect.h"
#include "spider/crawl/report.h"
#include "spider/crawl/request.h"
#include "spider/crawl/retry.h"
#include "spider/crawl/robots.h"
#include "spider/crawl/agent.h"

/* A fetch that waits for its slot, or holds it. */
struct turn {
    struct twi_slot slot;
    tw_crawl *crawl;
    tw_deferred *granted; /* to fire; empty once it is */
    bool is_sent;
};

/* --- slots ------------------------------------------------------------------------------- */

void twi_fetch_granted(struct twi_slot *slot)
{
    struct turn *turn = TWI_CONTAINER(slot, struct turn, slot);

    tw_fire(&turn->granted, tw_none());
}

static int turn_forget(tw_deferred *deferred, void *arg)
{
    struct turn *turn = arg;

    (void)deferred;
    twi_schedule_forget(turn->crawl->schedule, &turn->slot, twi_now());
    tw_fire(&turn->granted, tw_fail(&tw_error_cancelled, "not fetched"));
    return 0;
}

/* Wait for a slot of the host; none, or the failure, owned. */
static tw_value turn_take(struct turn *turn, struct twi_host *host)
{
    tw_deferred *wait = tw_promise(&turn->granted, turn_forget, turn);
    tw_value result, failure = tw_none();

    if (wait == NULL)
        return tw_fail_memory();
    twi_schedule_ask(turn->crawl->schedule, host, twi_now(), &turn->slot);
    twi_engine_wake(turn->crawl);
    result = tw_await(wait);
    if (tw_is_failure(result))
        failure = tw_retain(result);
    tw_drop(&result);
    return failure;
}

static void turn_sent(size_t bytes, void *arg)
{
    struct turn *turn = arg;

    turn->is_sent = true;
    twi_schedule_sent(turn->crawl->schedule, &turn->slot, twi_now());
    twi_report_request(turn->crawl, "GET", bytes);
}

static void turn_end(struct turn *turn, const struct twi_fetched *fetched)
{
    struct twi_answer answer = { .status = fetched->status, .retry_after = -1 };

    if (fetched->status != 0) {
        answer.latency = fetched->seconds;
        answer.retry_after = twi_retry_after(fetched->headers, twi_wall_ms());
    }
    if (!fetched->is_kept)
        twi_schedule_answered(turn->crawl->schedule, &turn->slot, twi_now(), &answer);
    twi_schedule_network_free(turn->crawl->schedule, &turn->slot, twi_now());
    twi_engine_wake(turn->crawl);
}

/* --- one request ------------------------------------------------------------------------- */

static struct twi_host *host_of(tw_crawl *crawl, const char *url, struct twi_arena *arena)
{
    struct tw_url *parsed = NULL;
    const char *origin;

    if (tw_url_parse(url, strlen(url), NULL, &parsed, NULL) < 0)
        return NULL;
    origin = parsed->has_host && *parsed->hostname != '\0'
                 ? twi_arena_strdup(arena, parsed->origin)
             : strcmp(parsed->protocol, "data:") == 0 ? "data:"
                                                      : "file://";
    tw_url_free(parsed);
    return origin == NULL ? NULL : twi_schedule_host(crawl->schedule, origin);
}

static void fetch_download(struct turn *turn, struct twi_arena *arena, const char *url,
                           const struct twi_visit_info *info, struct twi_fetched *fetched)
{
    tw_crawl *crawl = turn->crawl;
    const char *why = twi_robots_forbid(crawl, turn->slot.host, arena, url);
    struct twi_request request;

    if (why != NULL) {
        fetched->failure = tw_fail(&tw_error_robots, "robots.txt: %s", why);
        twi_schedule_network_free(crawl->schedule, &turn->slot, twi_now());
        return;
    }
    if (twi_request_make(crawl, arena, url, info, &request) < 0) {
        fetched->failure = tw_fail_memory();
    } else {
        request.options.fetch.address = twi_host_address(turn->slot.host);
        request.options.sent = turn_sent;
        request.options.arg = turn;
        twi_download(twi_crawl_agent(crawl), &crawl->flow, url, &request.options, fetched);
        twi_report_answer(crawl, fetched);
    }
    twi_request_free(&request);
    turn_end(turn, fetched);
}

static void fetch_once(tw_crawl *crawl, struct twi_arena *arena, const char *url,
                       const struct twi_visit_info *info, struct twi_fetched *fetched)
{
    struct turn turn = { .crawl = crawl };
    struct twi_host *host = host_of(crawl, url, arena);

    twi_fetched_free(fetched, &crawl->flow);
    if (host == NULL) {
        fetched->failure = tw_fail(&tw_error_url, "no URL: %s", url);
        return;
    }
    fetched->failure = turn_take(&turn, host);
    if (!tw_is_failure(fetched->failure))
        fetch_download(&turn, arena, url, info, fetched);
}

/* --- until there is an answer ------------------------------------------------------------ */

static bool is_temporary(const tw_crawl *crawl, const struct twi_fetched *fetched)
{
    if (tw_is_failure(fetched->failure))
        return twi_retry_failure(fetched->failure);
    return twi_retry_status(crawl->settings->values.retry_statuses, fetched->status);
}

/* Wait as long as a retry takes; false: the crawl ended meanwhile. */
static bool fetch_wait(struct twi_place *place, const struct twi_fetched *fetched, int tries)
{
    double seconds = fetched->headers == NULL
                         ? -1
                         : twi_retry_after(fetched->headers, twi_wall_ms());
    tw_value slept;

    if (seconds < 0)
        seconds = twi_retry_delay((unsigned)tries, 1);
    if (seconds > place->crawl->settings->values.max_retry_after)
        seconds = place->crawl->settings->values.max_retry_after;
    slept = tw_sleep(seconds);
    return !tw_is_failure(slept) && !twi_place_is_over(place);
}

static void fetch_patiently(struct twi_place *place, struct twi_arena *arena, const char *url,
                            const struct twi_visit_info *info, struct twi_fetched *fetched)
{
    tw_crawl *crawl = place->crawl;
    int tries = 0;

    fetch_once(crawl, arena, url, info, fetched);
    while (is_temporary(crawl, fetched) && tries < crawl->settings->values.max_retries &&
           !twi_place_is_over(place) && fetch_wait(place, fetched, tries)) {
        tries++;
        twi_stats_add(&crawl->stats, "retry/count", 1);
        fetch_once(crawl, arena, url, info, fetched);
    }
}

/* The next URL, in the arena, and what goes along; NULL: it is no redirect. */
static const char *fetch_redirect(struct twi_arena *arena, const char *url,
                                  struct twi_visit_info *info,
                                  const struct twi_fetched *fetched)
{
    const char *location, *next;
    struct tw_url *target;

    if (!twi_lead_status(fetched->status))
        return NULL;
    location = tw_headers_get(fetched->headers, "Location");
    target = location == NULL ? NULL : twi_lead_target(url, location);
    if (target == NULL)
        return NULL;
    twi_judge_lead(arena, url, target, fetched->status, info);
    next = twi_arena_strdup(arena, target->href);
    tw_url_free(target);
    return next;
}

static const char *fetch_follow(struct twi_place *place, struct twi_arena *arena,
                                const char *url, struct twi_visit_info *info,
                                struct twi_fetched *fetched)
{
    const char *next = url;

    while (next != NULL && !twi_place_is_over(place)) {
        if ((int64_t)info->redirects > place->crawl->settings->values.max_redirects) {
            twi_fetched_free(fetched, &place->crawl->flow);
            fetched->failure = tw_fail(&tw_error_redirect, "too many redirects");
            break;
        }
        url = next;
        fetch_patiently(place, arena, url, info, fetched);
        next = place->crawl->settings->values.max_redirects > 0
                   ? fetch_redirect(arena, url, info, fetched)
                   : NULL;
    }
    return url;
}

/* --- turns ------------------------------------------------------------------------------- */

static bool turn_acquire(tw_semaphore *semaphore)
{
    tw_value result;
    bool acquired;

    if (tw_semaphore_try(semaphore) == 0)
        return true;
    result = tw_await(tw_semaphore_acquire(semaphore));
    acquired = !tw_is_failure(result);
    tw_drop(&result);
    return acquired;
}

struct twi_place *twi_fetch_place(tw_page *page)
{
    tw_crawl *crawl = tw_page_crawl(page);

    while (twi_page_outer(page) != NULL)
        page = twi_page_outer(page);
    TWI_LIST_EACH (node, &crawl->places) {
        struct twi_place *place = TWI_CONTAINER(node, struct twi_place, node);
        if (place->page == page)
            return place;
    }
    return NULL; /* it was left to itself */
}

void twi_fetch(tw_page *page, const char *url, const struct twi_visit_info *info,
               struct twi_fetched *ret_fetched, const char **ret_url)
{
    struct twi_place *place = twi_fetch_place(page);
    struct twi_visit_info leading = *info;

    memset(ret_fetched, 0, sizeof *ret_fetched);
    *ret_url = url;
    if (place != NULL && place->fetches == NULL)
        place->fetches = tw_semaphore_new(TWI_FETCHES_PER_PAGE);
    if (place == NULL || twi_place_is_over(place) || !turn_acquire(place->fetches)) {
        ret_fetched->failure = tw_fail(&tw_error_cancelled, "the crawl has ended");
        return;
    }
    if (turn_acquire(place->crawl->fetches)) {
        *ret_url = fetch_follow(place, twi_page_arena(page), url, &leading, ret_fetched);
        tw_semaphore_release(place->crawl->fetches);
    }
    if (tw_is_none(ret_fetched->failure) && ret_fetched->status == 0)
        ret_fetched->failure = tw_fail(&tw_error_cancelled, "the crawl has ended");
    tw_semaphore_release(place->fetches);
}

tw_page *twi_fetch_page(tw_page *page, const struct twi_visit *visit,
                        const struct twi_visit_info *info, void *arg)
{
    tw_crawl *crawl = arg;
    struct twi_arena *arena = twi_page_arena(page);
    struct twi_visit_info *kept = twi_arena_alloc(arena, sizeof *kept);
    const char *url = twi_visit_url(arena, visit, info);
    struct twi_fetched fetched;
    tw_page *made;

    if (kept == NULL || url == NULL)
        return NULL;
    *kept = *info;
    twi_fetch(page, url, kept, &fetched, &url);
    made = twi_page_new(crawl->page_pool, &(const struct twi_page_source){
                                              .id = twi_page_id(page),
                                              .url = url,
                                              .status = fetched.status,
                                              .headers = fetched.headers,
                                              .keep = tw_retain(fetched.keep),
                                              .body = tw_retain(fetched.body),
                                              .failure = tw_retain(fetched.failure),
                                              .depth = tw_page_depth(page),
                                              .info = kept,
                                              .outer = page,
                                          });
    twi_fetched_free(&fetched, &crawl->flow);
    return made;
}
