/* SPDX-License-Identifier: MIT */
/*
 * admit.c - the verdicts of scope and traps on links; the seen set answers first, as most
 * links of most pages lead to what is known.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/log.h>

#include "spider/crawl/admit.h"

static enum twi_found found_on(const tw_page *page)
{
    const char *url = tw_page_url(page);

    if (strcmp(url, "start:") == 0)
        return TWI_FOUND_AT_START;
    return strncmp(url, "file:", 5) == 0 || strncmp(url, "data:", 5) == 0 ? TWI_FOUND_LOCALLY
                                                                          : TWI_FOUND_ON_WEB;
}

static long visits_of_host(tw_crawl *crawl, const struct twi_visit *visit)
{
    struct twi_host *host;

    if (crawl->settings->values.max_host_pages < 0)
        return 0;
    host = twi_schedule_host(crawl->schedule, visit->origin);
    return host == NULL ? 0 : (long)*twi_host_number(host);
}

int twi_admit(tw_crawl *crawl, const struct twi_visit *visit, const struct tw_url *url,
              enum twi_found found)
{
    int r = twi_scope_admit(crawl->scope, url, visit->depth, found);

    if (r <= 0 || found == TWI_FOUND_AT_START)
        return r;
    return twi_trap_admit(crawl->trap, url, visits_of_host(crawl, visit));
}

const char *twi_admit_why(int error)
{
    return error == -EXDEV ? "offsite"
           : error == -E2BIG ? "the URL is too long"
           : error == -ELOOP ? "too deep, or a trap"
                             : strerror(-error);
}

static bool hooks_admit(tw_crawl *crawl, tw_page *page, const struct tw_url *url,
                        const struct tw_visit *asked)
{
    tw_value verdict = twi_hooks_visit(&crawl->hooks, page, url->href, asked);

    if (!tw_is_failure(verdict))
        return true;
    tw_log_problem(TW_LOG_DEBUG, "spider", verdict, url->href);
    tw_release(verdict);
    return false;
}

static struct tw_url *visit_parse(const struct twi_visit *visit, struct twi_arena *arena)
{
    const char *text = twi_visit_url(arena, visit, NULL);
    struct tw_url *url = NULL;

    if (text == NULL || tw_url_parse(text, strlen(text), NULL, &url, NULL) < 0)
        return NULL;
    return url;
}

int twi_admit_from_page(tw_page *page, const struct twi_visit *visit, const struct tw_url *url,
                        const struct tw_visit *asked, void *arg)
{
    tw_crawl *crawl = arg;
    int r;

    if (!visit->again && crawl->frontier->ops->has(crawl->frontier, visit->key)) {
        twi_stats_add(&crawl->stats, "dupefilter/filtered", 1);
        return 0;
    }
    r = twi_admit(crawl, visit, url, found_on(page));
    if (r > 0 && crawl->hooks.sees_visits && !hooks_admit(crawl, page, url, asked))
        r = -EPERM;
    return r;
}

/* What is asked for again on purpose is no link of an endless site. */
static bool is_variant(const struct twi_visit *visit)
{
    return !visit->again && strchr(visit->path, '?') != NULL;
}

size_t twi_admit_enter(tw_crawl *crawl, struct twi_visit **visits)
{
    struct twi_arena scratch;
    struct tw_url *url;
    size_t dropped = 0;

    if (crawl->settings->values.max_variants < 0)
        return 0;
    twi_arena_init(&scratch, 0);
    while (*visits != NULL) {
        url = is_variant(*visits) ? visit_parse(*visits, &scratch) : NULL;
        if (url != NULL && twi_trap_take(crawl->trap, url, 0) < 0) {
            *visits = (*visits)->next;
            dropped++;
        } else {
            visits = &(*visits)->next;
        }
        tw_url_free(url);
        twi_arena_reset(&scratch);
    }
    twi_arena_free(&scratch);
    return dropped;
}

void twi_admit_sink(tw_crawl *crawl, const char *url, tw_value body, struct twi_visit *visits)
{
    struct tw_url *parsed = NULL;
    uint64_t content;

    if (crawl->settings->values.max_same < 0 || tw_bytes_length(body) == 0 ||
        tw_url_parse(url, strlen(url), NULL, &parsed, NULL) < 0)
        return;
    content = twi_trap_content(tw_bytes_data(body), tw_bytes_length(body));
    if (twi_trap_same(crawl->trap, parsed, content)) {
        twi_stats_add(&crawl->stats, "trap/same", 1);
        for (; visits != NULL; visits = visits->next)
            visits->priority = -128;
    }
    tw_url_free(parsed);
}
