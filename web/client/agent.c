/*
 * agent.c - settings, and the life of what holds the pool.
 *
 * An agent lives as long as users or requests refer to it, and then until its last connection is
 * gone. When the thread's reactor goes, everything under way ends at once.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <tweed/reactor.h>

#include "web/client/engine.h"

static _Thread_local tw_agent *current;

static size_t limit(long wanted, size_t by_default)
{
    return wanted < 0 ? SIZE_MAX : wanted == 0 ? by_default : (size_t)wanted;
}

static int duration(double seconds, double by_default, int64_t *ret_ns)
{
    if (seconds == 0)
        seconds = by_default;
    *ret_ns = 0;
    if (isnan(seconds))
        return -EINVAL;
    return seconds > 0 ? twi_seconds_to_ns(seconds, ret_ns) : 0;
}

/* --- proxies ------------------------------------------------------------------------------- */

static int proxy_from_environment(tw_agent *agent, const char *scheme,
                                  struct twi_proxy **ret_proxy)
{
    const char *text = twi_proxy_environment(scheme);
    int r;

    if (text == NULL)
        return 0;
    r = twi_proxy_parse(text, ret_proxy, &agent->proxy_fault);
    if (r == 0)
        agent->proxy_fault = NULL;
    /* Somebody else's mistake must not keep the agent from being made: requests report it. */
    return r == -EINVAL ? 0 : r;
}

static int take_proxies(tw_agent *agent, const struct tw_agent_options *options)
{
    const char *no_proxy = options->no_proxy;
    const char *why;
    int r = 0;

    if (options->proxy == NULL) {
        r = proxy_from_environment(agent, "http", &agent->http_proxy);
        if (r == 0)
            r = proxy_from_environment(agent, "https", &agent->https_proxy);
    } else if (options->proxy[0] != '\0') {
        r = twi_proxy_parse(options->proxy, &agent->http_proxy, &why);
        agent->https_proxy = r == 0 ? twi_proxy_ref(agent->http_proxy) : NULL;
    }
    if (no_proxy == NULL)
        no_proxy = twi_no_proxy_environment();
    if (r == 0 && no_proxy != NULL && no_proxy[0] != '\0') {
        agent->no_proxy = twi_strdup(no_proxy);
        r = agent->no_proxy == NULL ? -ENOMEM : 0;
    }
    return r;
}

/* --- birth and death ----------------------------------------------------------------------- */

static int take_options(tw_agent *agent, const struct tw_agent_options *options)
{
    int r;

    agent->max_per_host = limit(options->max_per_host, 100);
    agent->max_total = limit(options->max_total, 1000);
    agent->max_idle_per_host = limit(options->max_idle_per_host, agent->max_per_host);
    agent->max_uses = options->max_uses > 0 ? (size_t)options->max_uses : 0;
    agent->refuse_private = options->refuse_private;
    r = duration(options->idle_timeout, 60, &agent->idle_timeout);
    if (r == 0)
        r = duration(options->max_age, 0, &agent->max_age);
    if (r == 0)
        r = take_proxies(agent, options);
    if (r == 0 && options->tls != NULL)
        agent->tls = tw_tls_context_ref(options->tls);
    return r;
}

static void agent_free(tw_agent *agent)
{
    twi_loop_off(&agent->end);
    twi_flush_cancel(&agent->pump);
    twi_deadlines_free(&agent->deadlines);
    if (agent->tls != NULL)
        tw_tls_context_unref(agent->tls);
    twi_proxy_unref(agent->http_proxy);
    twi_proxy_unref(agent->https_proxy);
    twi_free(agent->no_proxy);
    twi_map_free(&agent->hosts);
    twi_buf_free(&agent->scratch);
    twi_free(agent->space);
    twi_free(agent);
}

void twi_agent_settle(tw_agent *agent)
{
    if (agent->references == 0 && agent->hosts.count == 0)
        agent_free(agent);
}

/* The reactor goes: what is under way ends, and the connections are about to be lost. */
static void agent_end(struct twi_loop_end *end)
{
    tw_agent *agent = TWI_CONTAINER(end, tw_agent, end);

    tw_agent_ref(agent);
    agent->closed = true;
    twi_flush_cancel(&agent->pump);
    while (!twi_list_empty(&agent->requests))
        twi_fetch_end(TWI_CONTAINER(agent->requests.next, struct twi_fetch, node),
                      tw_fail(&tw_error_abandoned, "the reactor is gone"));
    twi_pool_close_idle(agent);
    if (agent == current) {
        current = NULL;
        tw_agent_unref(agent);
    }
    tw_agent_unref(agent);
}

tw_agent *tw_agent_new(const struct tw_agent_options *options)
{
    static const struct tw_agent_options defaults;
    tw_agent *agent = twi_calloc(1, sizeof *agent);
    int r;

    if (agent == NULL)
        return NULL;
    agent->references = 1;
    agent->thread = twi_thread_self();
    agent->closed = true; /* until it is registered with the reactor */
    twi_list_init(&agent->idle);
    for (size_t i = 0; i < sizeof agent->wanting / sizeof agent->wanting[0]; i++)
        twi_list_init(&agent->wanting[i]);
    twi_list_init(&agent->requests);
    agent->pump.fn = twi_pool_pump;
    agent->idle_deadline.passed = twi_pool_check_ages;
    agent->deadlines.clock = tw_reactor_clock();
    r = agent->deadlines.clock == NULL ? -ENOMEM : 0;
    if (r == 0)
        r = take_options(agent, options != NULL ? options : &defaults);
    agent->end.fn = agent_end;
    if (r == 0)
        r = twi_loop_on_end(&agent->end);
    if (r < 0) {
        agent_free(agent);
        errno = -r;
        return NULL;
    }
    agent->closed = false;
    return agent;
}

tw_agent *tw_agent_current(void)
{
    if (current == NULL)
        current = tw_agent_new(NULL);
    return current;
}

tw_agent *tw_agent_ref(tw_agent *agent)
{
    if (agent != NULL)
        agent->references++;
    return agent;
}

void tw_agent_unref(tw_agent *agent)
{
    if (agent == NULL || --agent->references > 0)
        return;
    /* Closing may end the last connection at once, and the agent with it. */
    agent->references = 1;
    twi_pool_close_idle(agent);
    agent->references = 0;
    twi_agent_settle(agent);
}

void tw_agent_close_idle(tw_agent *agent)
{
    if (agent != NULL)
        twi_pool_close_idle(agent);
}

struct tw_agent_counts tw_agent_counts(const tw_agent *agent)
{
    if (agent == NULL)
        return (struct tw_agent_counts){ .connections = 0 };
    return (struct tw_agent_counts){
        .connections = agent->open,
        .idle = agent->idle_count,
        .waiting = agent->waiting,
        .connects = agent->connects,
        .requests = agent->sent,
        .reused = agent->reused,
    };
}
