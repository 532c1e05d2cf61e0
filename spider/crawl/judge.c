/* SPDX-License-Identifier: MIT */
/*
 * judge.c - retries, redirects and meta refreshes: visits again, or visits elsewhere.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spider/crawl/admit.h"
#include "spider/crawl/callback.h"
#include "spider/crawl/judge.h"
#include "spider/crawl/redirect.h"
#include "spider/crawl/retry.h"

/* A page says where it refreshes to near its beginning, as Scrapy reads it. */
#define REFRESH_WITHIN 4096

/* --- again ------------------------------------------------------------------------------- */

double twi_retry_after(const tw_headers *headers, int64_t wall_ms)
{
    const char *value = tw_headers_get(headers, "Retry-After");
    int64_t date;
    char *end;

    if (value == NULL)
        return -1;
    if (*value >= '0' && *value <= '9') {
        unsigned long long seconds = strtoull(value, &end, 10);
        return *end == '\0' ? (double)seconds : -1;
    }
    if (tw_http_date_parse(value, strlen(value), &date) < 0)
        return -1;
    return date * 1000 > wall_ms ? (double)(date * 1000 - wall_ms) / 1000 : 0;
}

static double random_fraction(void)
{
    return (double)random() / ((double)RAND_MAX + 1);
}

bool twi_judge_retry(struct twi_place *place, double seconds, const char *why)
{
    tw_crawl *crawl = place->crawl;
    struct twi_visit visit = place->planned->visit;
    unsigned tries = place->planned->tries;

    if ((int64_t)tries >= crawl->settings->values.max_retries) {
        twi_stats_add(&crawl->stats, "retry/max_reached", 1);
        return false;
    }
    if (seconds < 0)
        seconds = twi_retry_delay(tries, random_fraction());
    if (seconds > crawl->settings->values.max_retry_after)
        seconds = crawl->settings->values.max_retry_after;
    twi_stats_add(&crawl->stats, "retry/count", 1);
    twi_stats_add_to(&crawl->stats, "retry/reason_count/", why, 1);
    if (visit.priority > -128)
        visit.priority--;
    place->record.due = twi_wall_ms() + (int64_t)(seconds * 1000);
    twi_place_put(place, TWI_RECORD_RETRY, why);
    crawl->frontier->ops->defer(crawl->frontier, &visit, seconds, tries + 1);
    return true;
}

static bool judge_retries(struct twi_place *place)
{
    const struct twi_fetched *fetched = &place->fetched;
    const struct tw_settings *settings = &place->crawl->settings->values;
    double wait;

    if (tw_is_failure(fetched->failure))
        return twi_retry_failure(fetched->failure) &&
               twi_judge_retry(place, -1, tw_failure_class(fetched->failure)->name);
    if (!twi_retry_status(settings->retry_statuses, fetched->status))
        return false;
    wait = twi_retry_after(fetched->headers, twi_wall_ms());
    return twi_judge_retry(place, wait, twi_place_note(place, "%d", fetched->status));
}

/* --- elsewhere --------------------------------------------------------------------------- */

static bool is_secret_field(const char *name)
{
    return strcasecmp(name, "Authorization") == 0 || strcasecmp(name, "Cookie") == 0;
}

/* A visit's own credentials stay with the origin that it named. */
static const struct tw_field *fields_without_secrets(struct twi_arena *arena,
                                                     const struct tw_field *fields)
{
    size_t count = 0, kept = 0, i;
    struct tw_field *copy;

    while (fields != NULL && fields[count].name != NULL)
        count++;
    if (count == 0 || (copy = twi_arena_zeroed(arena, (count + 1) * sizeof *copy)) == NULL)
        return NULL;
    for (i = 0; i < count; i++)
        if (!is_secret_field(fields[i].name))
            copy[kept++] = fields[i];
    return copy;
}

static bool is_same_origin(const char *from, const struct tw_url *to)
{
    struct tw_url *url = NULL;
    bool same;

    if (tw_url_parse(from, strlen(from), NULL, &url, NULL) < 0)
        return false;
    same = tw_url_same_origin(url, to);
    tw_url_free(url);
    return same;
}

/* A server that answers a form, sets a cookie or leads to the URL itself means it, though the
 * target has been seen: the limit of redirects ends a loop. */
static bool goes_again(const struct twi_place *place, const struct tw_url *target)
{
    return place->info.again || strcmp(twi_visit_method(&place->info), "GET") != 0 ||
           tw_headers_has(place->fetched.headers, "Set-Cookie") ||
           strcmp(target->href, place->url) == 0;
}

void twi_judge_lead(struct twi_arena *arena, const char *url, const struct tw_url *target,
                    int status, struct twi_visit_info *info)
{
    info->redirects++;
    info->tries = 0;
    info->is_trusted = false;
    info->userinfo = NULL;
    if (!twi_lead_keeps(status, twi_visit_method(info))) {
        info->method = NULL;
        info->body = NULL;
        info->body_length = 0;
        info->content_type = NULL;
    }
    if (!is_same_origin(url, target))
        info->headers = fields_without_secrets(arena, info->headers);
}

/* The visit to `target`, in the frontier and in the record to come; why not. */
static const char *lead(struct twi_place *place, const struct tw_url *target, int status)
{
    tw_crawl *crawl = place->crawl;
    struct twi_visit *visit = twi_arena_zeroed(&place->arena, sizeof *visit);
    struct twi_visit_info info = place->info;
    struct twi_arena scratch;
    int r = -ENOMEM;

    info.again = goes_again(place, target);
    twi_judge_lead(&place->arena, place->url, target, status, &info);
    twi_arena_init(&scratch, 0);
    if (visit != NULL)
        r = twi_visit_make(&place->arena, &scratch, crawl->keys, target, &info, visit);
    twi_arena_free(&scratch);
    if (r < 0)
        return "out of memory";
    visit->parent = place->id;
    visit->depth = place->planned->visit.depth;
    visit->priority = place->planned->visit.priority;
    r = twi_admit(crawl, visit, target, TWI_FOUND_ON_WEB);
    if (r < 0)
        return twi_admit_why(r);
    if (crawl->frontier->ops->add(crawl->frontier, &visit) == 0) {
        twi_stats_add(&crawl->stats, "dupefilter/filtered", 1);
        return "seen before";
    }
    place->visits = visit;
    return NULL;
}

static bool judge_leads(struct twi_place *place, struct tw_url *target, int status)
{
    const struct tw_settings *settings = &place->crawl->settings->values;
    const char *why;

    if ((int64_t)place->info.redirects >= settings->max_redirects) {
        twi_stats_add(&place->crawl->stats, "redirect/max_reached", 1);
        tw_release(place->fetched.failure);
        place->fetched.failure = tw_fail(&tw_error_redirect, "more than %d redirects",
                                         settings->max_redirects);
        return false;
    }
    why = lead(place, target, status);
    twi_place_put(place, TWI_RECORD_REDIRECT,
                  why == NULL ? twi_place_note(place, "to %s", target->href)
                              : twi_place_note(place, "%s: to %s", why, target->href));
    return true;
}

static bool judge_redirect(struct twi_place *place)
{
    const struct twi_fetched *fetched = &place->fetched;
    const char *location;
    struct tw_url *target;
    bool led;

    if (!twi_lead_status(fetched->status) || place->crawl->settings->values.max_redirects <= 0)
        return false;
    location = tw_headers_get(fetched->headers, "Location");
    if (location == NULL || (target = twi_lead_target(place->url, location)) == NULL)
        return false;
    led = judge_leads(place, target, fetched->status);
    tw_url_free(target);
    return led;
}

/* --- meta refresh ------------------------------------------------------------------------ */

static bool has_word(const char *text, size_t length, const char *word)
{
    size_t size = strlen(word), i;

    for (i = 0; i + size <= length; i++)
        if (strncasecmp(text + i, word, size) == 0)
            return true;
    return false;
}

static struct tw_url *refresh_target(struct twi_place *place, double *ret_seconds)
{
    size_t length = tw_bytes_length(place->fetched.body);
    struct tw_url *target = NULL;
    const char *url;

    if (!has_word(tw_bytes_data(place->fetched.body),
                  length < REFRESH_WITHIN ? length : REFRESH_WITHIN, "refresh") ||
        twi_callback_page(place) == NULL ||
        !twi_page_refresh_target(place->page, ret_seconds, &url) ||
        tw_url_parse(url, strlen(url), NULL, &target, NULL) < 0)
        return NULL;
    return target;
}

static bool is_html_answer(const tw_headers *headers)
{
    const char *type = tw_headers_get(headers, "Content-Type");

    return type == NULL || strncasecmp(type, "text/html", 9) == 0 ||
           strncasecmp(type, "application/xhtml+xml", 21) == 0;
}

static bool judge_refresh(struct twi_place *place)
{
    const struct tw_settings *settings = &place->crawl->settings->values;
    double seconds = 0;
    struct tw_url *target;
    bool led = false;

    if (place->fetched.status / 100 != 2 || settings->max_refresh < 0 ||
        settings->max_redirects <= 0 || !is_html_answer(place->fetched.headers))
        return false;
    target = refresh_target(place, &seconds);
    if (target == NULL)
        return false;
    /* A page that shows itself again is meant to be read. */
    if (seconds < settings->max_refresh && strncmp(target->protocol, "http", 4) == 0 &&
        strcmp(target->href, place->url) != 0)
        led = judge_leads(place, target, 302);
    tw_url_free(target);
    return led;
}

bool twi_judge(struct twi_place *place)
{
    if (judge_retries(place))
        return true;
    if (tw_is_failure(place->fetched.failure))
        return false;
    return judge_redirect(place) || judge_refresh(place);
}
