/* SPDX-License-Identifier: MIT */
/*
 * agent.c - an agent without limits of its own: places and manners are the crawl's.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/log.h>

#include "spider/crawl/agent.h"

static tw_tls_context *tls_context(const struct tw_settings *settings)
{
    tw_tls_context *context = NULL;
    tw_value made;

    if (!settings->insecure)
        return NULL;
    made = tw_tls_client_context(NULL, NULL, true, &context);
    if (tw_is_failure(made))
        tw_log_problem(TW_LOG_ERROR, "spider", made, "insecure");
    tw_release(made);
    return context;
}

/* A folder that cannot be used is told, and the crawl goes on without. */
static tw_cache *cache_open(const struct tw_settings *settings)
{
    const struct tw_cache_options options = { .folder = settings->cache };
    tw_cache *cache;

    if (settings->cache == NULL || *settings->cache == '\0')
        return NULL;
    cache = tw_cache_new(&options);
    if (cache == NULL)
        tw_log(TW_LOG_ERROR, "spider", "no cache: %s: %s", settings->cache, strerror(errno));
    return cache;
}

static tw_agent *agent_new(const tw_crawl *crawl)
{
    const struct tw_settings *settings = &crawl->settings->values;
    const struct tw_agent_options options = {
        .max_per_host = -1,
        .max_total = -1,
        .max_idle_per_host = settings->max_per_host,
        .proxy = settings->proxy,
        .tls = tls_context(settings),
        .refuse_private = !settings->allow_private && !twi_scope_is_private(crawl->scope),
        .cache = cache_open(settings),
    };
    tw_agent *agent = tw_agent_new(&options);

    tw_cache_unref(options.cache);
    return agent;
}

tw_agent *twi_crawl_agent(tw_crawl *crawl)
{
    if (crawl->agent == NULL)
        crawl->agent = agent_new(crawl);
    return crawl->agent;
}
