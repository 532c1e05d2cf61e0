/* SPDX-License-Identifier: MIT */
/*
 * open.c - checks of the spider's table, then scope, schedule, job.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/log.h>
#include <tweed/version.h>

#include "spider/crawl/admit.h"
#include "spider/crawl/callback.h"
#include "spider/crawl/close.h"
#include "spider/crawl/fetch.h"
#include "spider/crawl/frontier_local.h"
#include "spider/crawl/keep.h"
#include "spider/crawl/open.h"
#include "spider/crawl/seed.h"
#include "spider/job/feed.h"

#define SPIDER_COUNT(member) \
    (sizeof(((tw_spider *)NULL)->member) / sizeof(((tw_spider *)NULL)->member[0]))
#define ADDRESS_SECONDS 60 /* a name is resolved again after this time */

/* --- the table --------------------------------------------------------------------------- */

static bool is_named_callback(const tw_spider *spider, tw_page_callback *callback)
{
    size_t i;

    if (callback == NULL || callback == spider->parse)
        return true;
    for (i = 0; i < SPIDER_COUNT(callbacks) && spider->callbacks[i].name != NULL; i++)
        if (spider->callbacks[i].callback == callback)
            return true;
    return false;
}

static tw_value check_rule_links(const tw_spider *spider)
{
    size_t i;

    for (i = 0; i < SPIDER_COUNT(rules); i++) {
        tw_value wrong = twi_links_check(&spider->rules[i].links), failure;
        if (!tw_is_failure(wrong))
            continue;
        failure = tw_fail(&tw_error_selector, "spider %s: rule %zu: %s", spider->name, i + 1,
                          tw_failure_message(wrong));
        tw_release(wrong);
        return failure;
    }
    return tw_none();
}

static tw_value check_rules(const tw_spider *spider)
{
    size_t i;

    for (i = 0; i < SPIDER_COUNT(rules); i++)
        if (!is_named_callback(spider, spider->rules[i].callback))
            return tw_fail(&tw_error_misuse,
                           "spider %s: rule %zu leads to a function that is not among its "
                           "callbacks: add TW_CALLBACK(function) to .callbacks",
                           spider->name, i + 1);
    for (i = 0; i < SPIDER_COUNT(sitemap_rules); i++)
        if (!is_named_callback(spider, spider->sitemap_rules[i].callback))
            return tw_fail(&tw_error_misuse,
                           "spider %s: sitemap rule %zu leads to a function that is not among "
                           "its callbacks: add TW_CALLBACK(function) to .callbacks",
                           spider->name, i + 1);
    return check_rule_links(spider);
}

static tw_value check_names(const tw_spider *spider)
{
    size_t i, j;

    for (i = 0; i < SPIDER_COUNT(callbacks) && spider->callbacks[i].name != NULL; i++)
        for (j = 0; j < i; j++)
            if (strcmp(spider->callbacks[i].name, spider->callbacks[j].name) == 0)
                return tw_fail(&tw_error_misuse, "spider %s: two callbacks are named %s",
                               spider->name, spider->callbacks[i].name);
    return tw_none();
}

tw_value twi_open_check(const tw_spider *spider)
{
    tw_value failure;

    if (spider->name == NULL || *spider->name == '\0')
        return tw_fail(&tw_error_misuse, "a spider has no name");
    if (spider->start == NULL && spider->start_urls[0] == NULL && spider->sitemaps[0] == NULL)
        return tw_fail(&tw_error_misuse,
                       "spider %s: nowhere to start: .start_urls, .start or "
                       ".sitemaps",
                       spider->name);
    failure = check_names(spider);
    return tw_is_failure(failure) ? failure : check_rules(spider);
}

/* --- scope ------------------------------------------------------------------------------- */

static void refusal_report(enum twi_refusal refusal, const char *why, const char *href,
                           void *arg)
{
    (void)refusal;
    (void)arg;
    tw_log(TW_LOG_INFO, "spider", "not visited, %s: %s", why, href);
}

static tw_value open_scope(tw_crawl *crawl)
{
    const struct twi_scope_options options = {
        .domains = crawl->spider->allowed_domains[0] == NULL ? NULL
                                                             : crawl->spider->allowed_domains,
        .start_urls = crawl->starts,
        .settings = &crawl->settings->values,
        .refusals = &crawl->refusals,
    };
    tw_value failure = tw_none();
    int r;

    crawl->refusals.report = refusal_report;
    r = twi_scope_new(&options, &crawl->scope, &failure);
    return r == -ENOMEM && tw_is_none(failure) ? tw_fail_memory() : failure;
}

/* Start URLs and sitemaps in one list, and the hosts among them. */
static tw_value open_starts(tw_crawl *crawl)
{
    const tw_spider *spider = crawl->spider;
    size_t most = SPIDER_COUNT(start_urls) + SPIDER_COUNT(sitemaps), count = 0, i;
    const char **starts = twi_arena_zeroed(&crawl->arena, (most + 1) * sizeof *starts);
    const char **hosts = twi_arena_zeroed(&crawl->arena, (most + 1) * sizeof *hosts);

    if (starts == NULL || hosts == NULL)
        return tw_fail_memory();
    for (i = 0; i < SPIDER_COUNT(start_urls) && spider->start_urls[i] != NULL; i++)
        starts[count++] = spider->start_urls[i];
    for (i = 0; i < SPIDER_COUNT(sitemaps) && spider->sitemaps[i] != NULL; i++)
        starts[count++] = spider->sitemaps[i];
    for (i = 0; i < count; i++) {
        struct tw_url *url = NULL;
        const char *why = "";
        if (tw_url_parse(starts[i], strlen(starts[i]), NULL, &url, &why) < 0)
            return tw_fail(&tw_error_url, "spider %s: start URL %s: %s", spider->name,
                           starts[i], why);
        hosts[i] = twi_arena_strdup(&crawl->arena, url->hostname);
        tw_url_free(url);
        if (hosts[i] == NULL)
            return tw_fail_memory();
    }
    crawl->starts = starts;
    crawl->start_hosts = hosts;
    crawl->start_host_count = count;
    return tw_none();
}

/* --- schedule ---------------------------------------------------------------------------- */

/* A proxy looks names up and hides addresses. */
static bool is_proxied(const struct tw_settings *settings)
{
    if (settings->proxy != NULL)
        return *settings->proxy != '\0';
    return getenv("http_proxy") != NULL || getenv("https_proxy") != NULL ||
           getenv("all_proxy") != NULL;
}

static const char *open_user_agent(tw_crawl *crawl)
{
    struct twi_text text = { .arena = &crawl->arena };

    if (crawl->settings->values.user_agent != NULL)
        return crawl->settings->values.user_agent;
    twi_text_puts(&text, crawl->spider->name);
    twi_text_puts(&text, " (tweed/");
    twi_text_puts(&text, tw_version());
    twi_text_puts(&text, ")");
    return twi_text_string(&text);
}

static struct twi_schedule *open_schedule(tw_crawl *crawl)
{
    const struct tw_settings *settings = &crawl->settings->values;
    const struct twi_schedule_options options = {
        .manners = {
            .usual = {
                .delay = settings->delay,
                .jitter = settings->jitter,
                .max_per_host = (unsigned)settings->max_per_host,
            },
            .throttles = !settings->no_autothrottle,
            .throttle_target = settings->throttle_target,
            .max_delay = settings->throttle_max,
            .max_retry_after = settings->max_retry_after,
        },
        .max_per_ip = settings->max_per_ip < 0 || is_proxied(settings)
                          ? 0
                          : (unsigned)settings->max_per_ip,
        .max_total = (unsigned)settings->max_total,
        .address_age = ADDRESS_SECONDS,
        .obeys_robots = !settings->ignore_robots,
        .robots_patience = settings->robots_patience,
        .agent = *crawl->user_agent == '\0' ? crawl->spider->name : crawl->user_agent,
        .is_depth_first = settings->order == TW_DEPTH_FIRST,
    };

    return twi_schedule_new(&options, (uint64_t)twi_wall_ms());
}

/* A host that has manners of its own. */
static void new_host(struct twi_host *host, void *arg)
{
    tw_crawl *crawl = arg;
    const char *origin = twi_host_origin(host);
    struct tw_url *url = NULL;
    struct twi_manner manner;

    if (crawl->settings->hosts == NULL ||
        tw_url_parse(origin, strlen(origin), NULL, &url, NULL) < 0)
        return;
    manner = twi_settings_manner(crawl->settings, url->hostname);
    twi_schedule_set_manners(crawl->schedule, host, twi_now(),
                             &(const struct twi_host_manners){
                                 .delay = manner.delay,
                                 .jitter = manner.jitter,
                                 .max_per_host = (unsigned)manner.max_per_host,
                             });
    tw_url_free(url);
}

/* --- the job ----------------------------------------------------------------------------- */

static void open_job_full(bool is_full, const char *why, void *arg)
{
    tw_crawl *crawl = arg;

    crawl->is_full = is_full;
    if (is_full)
        tw_log(TW_LOG_ERROR, "spider", "the disk is full, waiting: %s", why);
    else
        tw_log(TW_LOG_INFO, "spider", "there is room on the disk again");
    if (is_full && crawl->settings->values.on_full == TW_FULL_STOP) {
        crawl->is_at_once = true;
        twi_crawl_stop(crawl, "disk_full");
    }
    twi_engine_wake(crawl);
}

static void open_job_failed(tw_value failure, void *arg)
{
    twi_engine_fail(arg, tw_retain(failure));
}

/* The seed was committed before, so it is not read again; hosts of its visits are in scope. */
static void job_start_host(const char *origin, void *arg)
{
    tw_crawl *crawl = arg;
    struct tw_url *url = NULL;

    crawl->is_fed = true;
    if (tw_url_parse(origin, strlen(origin), NULL, &url, NULL) < 0)
        return;
    if (url->has_host)
        twi_scope_add(crawl->scope, url);
    tw_url_free(url);
}

static int job_cookie(const struct twi_record_cookie *row, void *arg)
{
    return twi_keep_restore_cookie(arg, row);
}

static int job_file(const struct twi_record_file *row, void *arg)
{
    return twi_keep_file(arg, row);
}

static const struct twi_feed_options *open_feeds(tw_crawl *crawl)
{
    struct twi_feed_options *feeds = twi_arena_zeroed(&crawl->arena,
                                                      (crawl->feed_count + 1) * sizeof *feeds);
    size_t i;

    for (i = 0; feeds != NULL && i < crawl->feed_count; i++) {
        const struct tw_feed *feed = &crawl->feeds[i];
        feeds[i].path = feed->path;
        feeds[i].fields = feed->fields[0] == NULL ? NULL : feed->fields;
        feeds[i].batch = feed->batch;
        feeds[i].spider = crawl->spider->name;
        feeds[i].append = !feed->overwrite;
        feeds[i].overwrite = feed->overwrite;
    }
    return feeds;
}

static tw_value open_frontier(tw_crawl *crawl)
{
    const struct tw_settings *settings = &crawl->settings->values;
    const struct twi_frontier_options options = {
        .schedule = crawl->schedule,
        .hot_limit = crawl->options.job == NULL ? SIZE_MAX : (size_t)(settings->memory / 8),
        .retry_failed = crawl->options.retry_failed,
        .wall_ms = twi_wall_ms(),
        .new_host = new_host,
        .start_host = job_start_host,
        .cookie = job_cookie,
        .file = job_file,
        .full = open_job_full,
        .failed = open_job_failed,
        .arg = crawl,
    };
    const struct twi_job_options job = {
        .folder = crawl->options.job,
        .spider = crawl->spider->name,
        .power = settings->durability == TW_SAFE_POWER,
        .places = (unsigned)settings->max_total,
        .feeds = open_feeds(crawl),
        .feed_count = crawl->feed_count,
        .is_inline = crawl->options.commit_inline,
    };
    tw_value failure = tw_none();
    struct twi_job *opened;

    if (job.feeds == NULL)
        return tw_fail_memory();
    if (twi_frontier_local_open(&options, &job, &crawl->frontier, &failure) < 0)
        return failure;
    opened = twi_frontier_local_job(crawl->frontier);
    twi_keep_watch_cookies(crawl);
    crawl->keys = (struct twi_visit_keys){ twi_job_key0(opened), twi_job_key1(opened) };
    return failure;
}

/* --- pages ------------------------------------------------------------------------------- */

static const char *find_argument(const char *name, void *arg)
{
    const char *const *arguments = ((tw_crawl *)arg)->arguments;
    size_t length = strlen(name);
    const char *value = NULL;

    for (; arguments != NULL && *arguments != NULL; arguments++)
        if (strncmp(*arguments, name, length) == 0 && (*arguments)[length] == '=')
            value = *arguments + length + 1;
    return value;
}

static size_t open_limit(int64_t limit)
{
    return limit < 0 ? SIZE_MAX : (size_t)limit;
}

static struct twi_pages *open_pages(tw_crawl *crawl)
{
    static const struct twi_page_ops ops = {
        .admit = twi_admit_from_page,
        .fetch = twi_fetch_page,
        .callback_name = twi_callback_name,
        .argument = find_argument,
    };
    const struct tw_settings *settings = &crawl->settings->values;

    return twi_pages_new(&(const struct twi_pages_options){
        .ops = &ops,
        .arg = crawl,
        .crawl = crawl,
        .keys = crawl->keys,
        .max_page_memory = open_limit(settings->max_page_memory),
        .max_outcome = open_limit(settings->max_outcome),
        .max_visits = open_limit(settings->max_visits),
    });
}

/* --- all of it --------------------------------------------------------------------------- */

static void flow_eased(void *arg)
{
    twi_engine_wake(arg);
}

static tw_value open_rest(tw_crawl *crawl)
{
    const struct tw_settings *settings = &crawl->settings->values;

    crawl->page_pool = open_pages(crawl);
    crawl->trap = twi_trap_new(settings, crawl->keys.k0, crawl->keys.k1, &crawl->refusals);
    crawl->fetches = tw_semaphore_new(TWI_FETCHES);
    crawl->in_pipelines = tw_semaphore_new(TWI_ITEMS_IN_PIPELINES);
    twi_flow_init(&crawl->flow, settings->memory / 4);
    crawl->flow.eased = flow_eased;
    crawl->flow.arg = crawl;
    if (crawl->page_pool == NULL || crawl->trap == NULL || crawl->fetches == NULL ||
        crawl->in_pipelines == NULL)
        return tw_fail_memory();
    return twi_seed_compile(crawl);
}

tw_value twi_open_parts(tw_crawl *crawl)
{
    tw_value failure = open_starts(crawl);

    if (!tw_is_failure(failure))
        failure = open_scope(crawl);
    if (tw_is_failure(failure))
        return failure;
    crawl->user_agent = open_user_agent(crawl);
    crawl->schedule = crawl->arena.failed ? NULL : open_schedule(crawl);
    if (crawl->schedule == NULL)
        return tw_fail_memory();
    failure = open_frontier(crawl);
    return tw_is_failure(failure) ? failure : open_rest(crawl);
}

void twi_open_free(tw_crawl *crawl)
{
    twi_seed_free(crawl);
    twi_pages_free(crawl->page_pool);
    twi_trap_free(crawl->trap);
    tw_semaphore_free(crawl->fetches);
    tw_semaphore_free(crawl->in_pipelines);
    if (crawl->frontier != NULL)
        crawl->frontier->ops->free(crawl->frontier);
    twi_schedule_free(crawl->schedule);
    twi_scope_free(crawl->scope);
    twi_jars_free(&crawl->jars);
    twi_keep_free(crawl);
    tw_agent_unref(crawl->agent);
}
