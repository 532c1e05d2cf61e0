/* SPDX-License-Identifier: MIT */
/*
 * robots.c - the one fetch that precedes all others on a host (RFC 9309).
 */
#include "config.h"

#include <string.h>

#include "spider/crawl/agent.h"
#include "spider/crawl/redirect.h"
#include "spider/crawl/request.h"
#include "spider/crawl/robots.h"

#define REDIRECTS 5 /* RFC 9309, 2.3.1.2 */

/* --- asking ------------------------------------------------------------------------------ */

static void robots_sent(size_t bytes, void *arg)
{
    struct twi_place *place = arg;

    (void)bytes;
    place->sent = twi_now();
    twi_schedule_sent(place->crawl->schedule, &place->slot, place->sent);
    twi_stats_add(&place->crawl->stats, "robotstxt/request_count", 1);
}

static void robots_fetch(struct twi_place *place, bool is_first)
{
    tw_crawl *crawl = place->crawl;
    struct twi_request request;

    twi_fetched_free(&place->fetched, &crawl->flow);
    if (twi_request_make(crawl, &place->arena, place->url, &place->info, &request) < 0) {
        place->fetched.failure = tw_fail_memory();
    } else {
        request.options.fetch.cookies = NULL;
        request.options.fetch.cache_mode = TW_CACHE_DEFAULT;
        request.options.fetch.max_body = -1; /* it is cut, not refused */
        request.options.fetch.address = is_first ? twi_host_address(place->slot.host) : NULL;
        request.options.sent = robots_sent;
        request.options.arg = place;
        request.options.enough = TWI_ROBOTS_MAX;
        twi_download(twi_crawl_agent(crawl), &crawl->flow, place->url, &request.options,
                     &place->fetched);
    }
    twi_request_free(&request);
}

/* Where a redirect leads, in the place's arena; NULL: it is none. */
static const char *robots_target(struct twi_place *place)
{
    const char *location, *next = NULL;
    struct tw_url *url;

    if (!twi_lead_status(place->fetched.status))
        return NULL;
    location = tw_headers_get(place->fetched.headers, "Location");
    url = location == NULL ? NULL : twi_lead_target(place->url, location);
    if (url != NULL)
        next = twi_arena_strdup(&place->arena, url->href);
    tw_url_free(url);
    return next;
}

static void robots_follow(struct twi_place *place)
{
    const char *next = place->url;
    int hop;

    for (hop = 0; next != NULL && hop <= REDIRECTS && !twi_place_is_over(place); hop++) {
        place->url = next;
        robots_fetch(place, hop == 0);
        next = robots_target(place);
    }
}

/* --- the answer -------------------------------------------------------------------------- */

/* The file is kept with the host, in a record of its own. */
static void robots_put(struct twi_place *place, const struct twi_robots_news *news)
{
    struct twi_record_host *row = twi_place_keep_manners(place);

    if (row == NULL)
        return;
    row->robots = tw_bytes_data(place->fetched.body);
    row->robots_length = news->length;
    row->robots_status = place->fetched.status;
    row->robots_until = twi_wall_ms() + (int64_t)(news->seconds * 1000);
    twi_place_put(place, TWI_RECORD_DONE, NULL);
}

static void robots_tell(struct twi_place *place)
{
    tw_crawl *crawl = place->crawl;
    const struct twi_robots_answer answer = {
        .status = place->fetched.status,
        .body = tw_bytes_data(place->fetched.body),
        .length = tw_bytes_length(place->fetched.body),
    };
    struct twi_robots_news news = { .arena = &place->arena };

    if (answer.status != 0) {
        twi_stats_add(&crawl->stats, "robotstxt/response_count", 1);
        twi_stats_add_number(&crawl->stats, "robotstxt/response_status_count/", answer.status,
                             1);
    }
    if (twi_schedule_robots(crawl->schedule, place->slot.host, twi_now(), &answer, &news) ==
            0 &&
        (news.state == TWI_ROBOTS_RULES || news.state == TWI_ROBOTS_ALL))
        robots_put(place, &news);
}

/* Files and data: have none, and all is allowed. */
static void robots_tell_none(struct twi_place *place)
{
    const struct twi_robots_answer answer = { .status = 404 };

    twi_schedule_robots(place->crawl->schedule, place->slot.host, twi_now(), &answer, NULL);
}

tw_value twi_robots_body(void *arg)
{
    struct twi_place *place = arg;
    const char *origin = twi_host_origin(place->slot.host);
    struct twi_text url = { .arena = &place->arena };

    if (strncmp(origin, "http", 4) != 0) {
        robots_tell_none(place);
        return tw_none();
    }
    twi_text_puts(&url, origin);
    twi_text_puts(&url, "/robots.txt");
    place->url = twi_text_string(&url);
    robots_follow(place);
    if (twi_place_is_over(place))
        return tw_none();
    twi_place_tell_answer(place, &place->fetched);
    robots_tell(place);
    return tw_none();
}

/* --- obeying ----------------------------------------------------------------------------- */

const char *twi_robots_forbid(tw_crawl *crawl, struct twi_host *host, struct twi_arena *arena,
                              const char *url)
{
    struct twi_robots_verdict verdict = { 0 };
    const char *why = NULL;

    if (crawl->settings->values.ignore_robots || strncmp(url, "http", 4) != 0)
        return NULL;
    if (twi_schedule_allowed(crawl->schedule, host, url, strlen(url), &verdict) == 1)
        return NULL;
    twi_stats_add(&crawl->stats, "robotstxt/forbidden", 1);
    if (verdict.text != NULL)
        why = twi_arena_copy(arena, verdict.text, verdict.length);
    return why == NULL ? "no reason" : why;
}

bool twi_robots_admit(struct twi_place *place)
{
    const char *why = twi_robots_forbid(place->crawl, place->slot.host, &place->arena,
                                        place->url);

    if (why == NULL)
        return true;
    twi_place_free_slot(place);
    twi_place_put(place, TWI_RECORD_EXCLUDED, twi_place_note(place, "robots.txt: %s", why));
    return false;
}
