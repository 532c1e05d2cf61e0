/* SPDX-License-Identifier: MIT */
/*
 * agent.c - settings, and the life of an agent, which holds the pool.
 *
 * An agent lives as long as users or requests refer to it, and then until its last connection
 * is gone. When the thread's reactor is released, everything under way ends at once.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <tweed/reactor.h>

#include "web/client/agent.h"

enum { SPACE = 32 << 10 }; /* for decoded pieces */

struct tw_agent {
    unsigned references; /* users and requests */
    const void *thread;  /* that it belongs to */
    bool closed;         /* the reactor is being released: nothing is connected any more */
    tw_tls_context *tls; /* NULL: the thread's default */
    tw_cache *cache;     /* NULL: none */
    struct twi_proxy *http_proxy, *https_proxy;
    const char *proxy_fault; /* the mistake in the environment's proxy; static */
    char *no_proxy;          /* NULL: none */
    struct twi_list users;
    struct twi_connections connections;
    struct twi_deadlines deadlines;
    char *space;
    struct twi_loop_end end;
};

static _Thread_local tw_agent *current;

static size_t limit_of(long wanted, size_t by_default)
{
    return wanted < 0 ? SIZE_MAX : wanted == 0 ? by_default : (size_t)wanted;
}

static int duration_of(double seconds, double by_default, int64_t *ret_ns)
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
    /* A mistake in the environment must not keep the agent from being made: requests report
     * it. */
    return r == -EINVAL ? 0 : r;
}

static int proxies_take(tw_agent *agent, const struct tw_agent_options *options)
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

static int limits_take(const struct tw_agent_options *options,
                       struct twi_connections_limits *limits)
{
    int r;

    limits->per_host = limit_of(options->max_per_host, 100);
    limits->total = limit_of(options->max_total, 1000);
    limits->idle_per_host = limit_of(options->max_idle_per_host, limits->per_host);
    limits->uses = options->max_uses > 0 ? (size_t)options->max_uses : 0;
    limits->refuse_private = options->refuse_private;
    r = duration_of(options->idle_timeout, 60, &limits->idle_timeout);
    return r < 0 ? r : duration_of(options->max_age, 0, &limits->max_age);
}

static void connections_empty(struct twi_connections *connections);

static int options_take(tw_agent *agent, const struct tw_agent_options *options)
{
    struct twi_connections_limits limits = { 0 };
    int r = limits_take(options, &limits);

    twi_connections_init(&agent->connections, &limits, &agent->deadlines, connections_empty);
    if (r == 0)
        r = proxies_take(agent, options);
    if (r == 0 && options->tls != NULL)
        agent->tls = tw_tls_context_ref(options->tls);
    agent->cache = tw_cache_ref(options->cache);
    return r;
}

static void agent_free(tw_agent *agent)
{
    twi_loop_off(&agent->end);
    twi_deadlines_free(&agent->deadlines);
    if (agent->tls != NULL)
        tw_tls_context_unref(agent->tls);
    tw_cache_unref(agent->cache);
    twi_proxy_unref(agent->http_proxy);
    twi_proxy_unref(agent->https_proxy);
    twi_free(agent->no_proxy);
    twi_connections_free(&agent->connections);
    twi_free(agent->space);
    twi_free(agent);
}

static void connections_empty(struct twi_connections *connections)
{
    tw_agent *agent = TWI_CONTAINER(connections, tw_agent, connections);

    if (agent->references == 0)
        agent_free(agent);
}

/* The reactor is being released: requests under way end, and the connections are about to be
 * lost. */
static void agent_end(struct twi_loop_end *end)
{
    tw_agent *agent = TWI_CONTAINER(end, tw_agent, end);

    tw_agent_ref(agent);
    agent->closed = true;
    twi_connections_shut(&agent->connections);
    while (!twi_list_empty(&agent->users)) {
        struct twi_agent_user *user = TWI_CONTAINER(agent->users.next, struct twi_agent_user,
                                                    node);
        user->end(user);
    }
    twi_connections_close_idle(&agent->connections);
    if (agent == current) {
        current = NULL;
        tw_agent_unref(agent);
    }
    tw_agent_unref(agent);
}

/* Its connections are the parent's. */
static void agent_left(struct twi_loop_end *end)
{
    tw_agent *agent = TWI_CONTAINER(end, tw_agent, end);

    agent->closed = true;
    if (agent == current)
        current = NULL;
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
    twi_list_init(&agent->users);
    agent->deadlines.clock = tw_reactor_clock();
    r = options_take(agent, options != NULL ? options : &defaults);
    if (r == 0 && agent->deadlines.clock == NULL)
        r = -ENOMEM;
    agent->end.fn = agent_end;
    agent->end.left = agent_left;
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
    /* Frees it once no connection is left, which may be now. */
    twi_connections_close_idle(&agent->connections);
}

void tw_agent_close_idle(tw_agent *agent)
{
    if (agent != NULL)
        twi_connections_close_idle(&agent->connections);
}

int tw_agent_close_host(tw_agent *agent, const char *text)
{
    struct tw_url *url;
    int r = tw_url_parse(text, strlen(text), NULL, &url, NULL);

    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    if (strcmp(url->protocol, "http:") != 0 && strcmp(url->protocol, "https:") != 0)
        r = -EINVAL;
    else if (agent != NULL)
        twi_connections_close_origin(&agent->connections, url);
    tw_url_free(url);
    return r;
}

struct tw_agent_counts tw_agent_counts(const tw_agent *agent)
{
    if (agent == NULL)
        return (struct tw_agent_counts){ .connections = 0 };
    return twi_connections_counts(&agent->connections);
}

/* --- for requests -------------------------------------------------------------------------- */

int twi_agent_enter(struct twi_agent_user *user, tw_agent *agent,
                    void (*end)(struct twi_agent_user *user))
{
    if (agent->closed)
        return -ENOTCONN;
    user->agent = tw_agent_ref(agent);
    user->end = end;
    twi_list_append(&agent->users, &user->node);
    return 0;
}

void twi_agent_leave(struct twi_agent_user *user)
{
    twi_list_remove(&user->node);
}

struct twi_connections *twi_agent_connections(tw_agent *agent)
{
    return &agent->connections;
}

struct twi_deadlines *twi_agent_deadlines(tw_agent *agent)
{
    return &agent->deadlines;
}

int twi_agent_proxy(const tw_agent *agent, bool given, struct twi_proxy *proxy, bool secure,
                    const char *hostname, struct twi_proxy **ret_proxy, const char **ret_why)
{
    const char *fault = NULL;

    if (!given) {
        proxy = secure ? agent->https_proxy : agent->http_proxy;
        fault = proxy == NULL ? agent->proxy_fault : NULL;
    }
    if ((proxy != NULL || fault != NULL) && agent->no_proxy != NULL &&
        twi_no_proxy_has(agent->no_proxy, hostname)) {
        proxy = NULL;
        fault = NULL;
    }
    *ret_proxy = proxy;
    *ret_why = fault;
    return fault == NULL ? 0 : -EINVAL;
}

/* One context for the whole thread, unless another was given. */
tw_value twi_agent_trust(tw_agent *agent, tw_tls_context *given, tw_tls_context **ret_context)
{
    tw_value failure;

    *ret_context = given != NULL ? given : agent->tls;
    if (*ret_context != NULL)
        return tw_none();
    failure = tw_tls_client_context(NULL, NULL, false, ret_context);
    if (!tw_is_failure(failure))
        agent->tls = tw_tls_context_ref(*ret_context);
    return failure;
}

tw_cache *twi_agent_cache(const tw_agent *agent)
{
    return agent->cache;
}

bool twi_agent_refuses_private(const tw_agent *agent)
{
    return agent->connections.limits.refuse_private;
}

char *twi_agent_space(tw_agent *agent, size_t *ret_size)
{
    if (agent->space == NULL)
        agent->space = twi_malloc(SPACE);
    *ret_size = SPACE;
    return agent->space;
}

void twi_agent_check_thread(const tw_agent *agent, const char *what)
{
#if TWI_DEBUG
    twi_assert_thread(agent->thread, what);
#else
    (void)agent, (void)what;
#endif
}
