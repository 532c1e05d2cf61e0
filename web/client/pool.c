/*
 * pool.c - which request gets which connection.
 *
 * A connection that becomes free goes to the first in its own host's line; one is opened for a
 * host that has a line and is below its limit, hosts taking turns. When the total is reached,
 * the connection that has been unused longest makes room; a host that has no connection at all
 * gets the next that becomes free anywhere, so none starves while busy hosts keep theirs.
 *
 * Lines move at the end of the turn, so that nothing here calls the user's code while somebody
 * above stands in the middle of a request.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "web/client/engine.h"

/* agent->wanting[]: hosts whose line may move, as they have no connection, have some and may open
 * one more, or have an unused one. */
enum { NEEDY, GROWING, SERVABLE };

/* --- hosts --------------------------------------------------------------------------------- */

static bool origin_is_secure(const struct twi_fetch *fetch)
{
    return strcmp(fetch->url->protocol, "https:") == 0;
}

/* An HTTP proxy that is asked for whole http URLs serves all origins by the same connections. */
static bool proxy_speaks_for_origin(const struct twi_fetch *fetch,
                                    const struct twi_proxy *proxy)
{
    return proxy != NULL && !origin_is_secure(fetch) &&
           (proxy->kind == TWI_PROXY_HTTP || proxy->kind == TWI_PROXY_HTTPS);
}

static const char *tunnel_authorization(const struct twi_fetch *fetch,
                                        const struct twi_proxy *proxy)
{
    if (proxy == NULL || !origin_is_secure(fetch) || fetch->headers == NULL)
        return NULL;
    return tw_headers_get(fetch->headers, "Proxy-Authorization");
}

/* Everything that makes connections different; origins never contain a newline. */
static int write_key(struct twi_buf *key, const struct twi_fetch *fetch)
{
    const struct twi_proxy *proxy = fetch->hop_proxy;
    const char *by_hand = tunnel_authorization(fetch, proxy);
    int r = 0;

    key->length = 0;
    if (!proxy_speaks_for_origin(fetch, proxy))
        r = twi_buf_append_text(key, fetch->url->origin);
    if (r == 0 && proxy != NULL) {
        r = twi_buf_append_char(key, '\n');
        if (r == 0)
            r = twi_buf_append_text(key, proxy->key);
    }
    if (r == 0 && fetch->hop_context != NULL)
        r = twi_buf_append(key, &fetch->hop_context, sizeof fetch->hop_context);
    if (r == 0 && fetch->hop_proxy_context != NULL)
        r = twi_buf_append(key, &fetch->hop_proxy_context, sizeof fetch->hop_proxy_context);
    if (r == 0 && by_hand != NULL)
        r = twi_buf_printf(key, "\n%s", by_hand);
    return r;
}

static struct twi_host *host_new(struct twi_fetch *fetch, const struct twi_buf *key)
{
    struct twi_proxy *proxy = fetch->hop_proxy;
    struct twi_host *host = twi_calloc(1, sizeof *host + key->length);
    bool speaks = proxy_speaks_for_origin(fetch, proxy);
    const char *by_hand = tunnel_authorization(fetch, proxy);

    if (host == NULL)
        return NULL;
    host->name = twi_strdup(speaks ? proxy->host : fetch->url->hostname);
    if (by_hand != NULL)
        host->tunnel_authorization = twi_strdup(by_hand);
    if (host->name == NULL || (by_hand != NULL && host->tunnel_authorization == NULL)) {
        twi_free(host->tunnel_authorization);
        twi_free(host->name);
        twi_free(host);
        return NULL;
    }
    host->agent = fetch->agent;
    host->port = speaks ? proxy->port : fetch->url->effective_port;
    host->proxy = twi_proxy_ref(proxy);
    host->tunnelled = proxy != NULL && !speaks;
    if (fetch->hop_context != NULL)
        host->context = tw_tls_context_ref(fetch->hop_context);
    if (fetch->hop_proxy_context != NULL)
        host->proxy_context = tw_tls_context_ref(fetch->hop_proxy_context);
    twi_list_init(&host->node);
    twi_list_init(&host->idle);
    twi_list_init(&host->waiters);
    host->key_length = key->length;
    memcpy(host->key, key->data, key->length);
    return host;
}

static void host_free(struct twi_host *host)
{
    twi_list_remove(&host->node);
    twi_proxy_unref(host->proxy);
    if (host->context != NULL)
        tw_tls_context_unref(host->context);
    if (host->proxy_context != NULL)
        tw_tls_context_unref(host->proxy_context);
    twi_free(host->tunnel_authorization);
    twi_free(host->name);
    twi_free(host);
}

static int host_find(struct twi_fetch *fetch, struct twi_host **ret_host)
{
    tw_agent *agent = fetch->agent;
    struct twi_host *host;
    int r = write_key(&agent->scratch, fetch);

    if (r < 0)
        return r;
    host = twi_map_get(&agent->hosts, agent->scratch.data, agent->scratch.length);
    if (host == NULL) {
        host = host_new(fetch, &agent->scratch);
        if (host == NULL)
            return -ENOMEM;
        r = twi_map_set(&agent->hosts, host->key, host->key_length, host, NULL);
        if (r < 0) {
            host_free(host);
            return r;
        }
    }
    *ret_host = host;
    return 0;
}

/* The first in line has just met a dead connection: it gets a new one. */
static bool first_wants_new(const struct twi_host *host)
{
    return !twi_list_empty(&host->waiters) &&
           TWI_CONTAINER(host->waiters.next, struct twi_fetch, waiter)->retried;
}

static bool can_serve(const struct twi_host *host)
{
    return !twi_list_empty(&host->waiters) && host->idle_count > 0 && !first_wants_new(host);
}

/* Put the host among those whose line may move, or take it out; forget it when nothing is left
 * of it. */
static void host_update(struct twi_host *host)
{
    tw_agent *agent = host->agent;
    bool serves = can_serve(host);
    bool wants = serves ||
                 (!twi_list_empty(&host->waiters) && host->open < agent->max_per_host);

    if (host->open == 0 && twi_list_empty(&host->waiters)) {
        agent->wants -= twi_list_linked(&host->node);
        twi_map_remove(&agent->hosts, host->key, host->key_length);
        host_free(host);
        return;
    }
    agent->wants += wants - (size_t)twi_list_linked(&host->node);
    twi_list_remove(&host->node);
    if (!wants)
        return;
    twi_list_append(&agent->wanting[serves ? SERVABLE : host->open > 0], &host->node);
    twi_flush_later(&agent->pump);
}

/* --- idle connections ---------------------------------------------------------------------- */

static void leave_idle(struct twi_channel *channel)
{
    struct twi_host *host = channel->host;

    if (!channel->idle)
        return;
    channel->idle = false;
    twi_list_remove(&channel->node);
    twi_list_remove(&channel->idle_node);
    host->idle_count--;
    host->agent->idle_count--;
}

static void close_idle(struct twi_channel *channel)
{
    leave_idle(channel);
    twi_channel_close(channel, false);
}

static struct twi_channel *longest_idle(const struct twi_list *list)
{
    return TWI_CONTAINER(list->next, struct twi_channel, idle_node);
}

static void expect_ages(tw_agent *agent)
{
    int64_t at;

    if (agent->idle_timeout == 0 || twi_list_empty(&agent->idle) ||
        twi_heap_has(&agent->idle_deadline.node))
        return;
    at = longest_idle(&agent->idle)->idle_since + agent->idle_timeout;
    /* Without memory for the alarm the next one that becomes idle tries again. */
    (void)twi_deadline_set(&agent->deadlines, &agent->idle_deadline, at);
}

void twi_pool_check_ages(struct twi_deadline *deadline)
{
    tw_agent *agent = TWI_CONTAINER(deadline, tw_agent, idle_deadline);
    int64_t now = twi_loop_now();

    tw_agent_ref(agent);
    while (!twi_list_empty(&agent->idle)) {
        struct twi_channel *oldest = longest_idle(&agent->idle);
        if (oldest->idle_since + agent->idle_timeout > now)
            break;
        close_idle(oldest);
    }
    expect_ages(agent);
    tw_agent_unref(agent);
}

static void become_idle(struct twi_channel *channel)
{
    struct twi_host *host = channel->host;
    tw_agent *agent = host->agent;

    channel->idle = true;
    channel->idle_since = twi_loop_now();
    twi_list_prepend(&host->idle, &channel->node);
    twi_list_append(&agent->idle, &channel->idle_node);
    host->idle_count++;
    agent->idle_count++;
    if (host->idle_count > agent->max_idle_per_host)
        close_idle(TWI_CONTAINER(host->idle.prev, struct twi_channel, node));
    expect_ages(agent);
}

static bool too_old(const tw_agent *agent, const struct twi_channel *channel)
{
    return agent->max_age > 0 && twi_loop_now() - channel->made_at >= agent->max_age;
}

static struct twi_channel *take_idle(struct twi_host *host)
{
    while (!twi_list_empty(&host->idle)) {
        struct twi_channel *channel = TWI_CONTAINER(host->idle.next, struct twi_channel, node);
        leave_idle(channel);
        if (!too_old(host->agent, channel) &&
            tw_transport_connected(channel->protocol.transport) &&
            !tw_transport_losing(channel->protocol.transport))
            return channel;
        twi_channel_close(channel, false);
    }
    return NULL;
}

/* One of them turned out to be dead: the others are no better, and a retry gets a new one. */
static void close_all_idle(struct twi_host *host)
{
    while (!twi_list_empty(&host->idle))
        close_idle(TWI_CONTAINER(host->idle.next, struct twi_channel, node));
}

void twi_pool_unwanted(struct twi_channel *channel)
{
    leave_idle(channel);
    twi_channel_close(channel, true);
}

void twi_pool_close_idle(tw_agent *agent)
{
    while (!twi_list_empty(&agent->idle))
        close_idle(longest_idle(&agent->idle));
    twi_deadline_clear(&agent->deadlines, &agent->idle_deadline);
    twi_deadlines_rest(&agent->deadlines);
}

/* --- lines --------------------------------------------------------------------------------- */

static void hand_over(struct twi_fetch *fetch, struct twi_channel *channel)
{
    fetch->channel = channel;
    fetch->reused = true;
    fetch->queued_at = twi_loop_now();
    channel->fetch = fetch;
    twi_fetch_connected(fetch);
}

static struct twi_fetch *first_waiter(struct twi_host *host)
{
    struct twi_fetch *fetch = TWI_CONTAINER(host->waiters.next, struct twi_fetch, waiter);

    twi_list_remove(&fetch->waiter);
    host->agent->waiting--;
    return fetch;
}

int twi_pool_join(struct twi_fetch *fetch)
{
    tw_agent *agent = fetch->agent;
    struct twi_channel *channel = NULL;
    struct twi_host *host;
    int r = host_find(fetch, &host);

    if (r < 0)
        return r;
    fetch->host = host;
    if (fetch->retried)
        close_all_idle(host);
    else if (twi_list_empty(&host->waiters))
        channel = take_idle(host);
    if (channel != NULL) {
        hand_over(fetch, channel);
        return 0;
    }
    fetch->stage = TWI_WAITING;
    if (fetch->retried)
        twi_list_prepend(&host->waiters, &fetch->waiter);
    else
        twi_list_append(&host->waiters, &fetch->waiter);
    agent->waiting++;
    host_update(host);
    return 0;
}

void twi_pool_leave(struct twi_fetch *fetch)
{
    struct twi_host *host = fetch->host;

    fetch->host = NULL;
    if (host == NULL || fetch->stage != TWI_WAITING)
        return;
    twi_list_remove(&fetch->waiter);
    host->agent->waiting--;
    host_update(host);
}

static struct twi_host *next_wanting(const tw_agent *agent)
{
    const struct twi_list *list =
        &agent->wanting[twi_list_empty(&agent->wanting[NEEDY]) ? GROWING : NEEDY];
    return twi_list_empty(list) ? NULL : TWI_CONTAINER(list->next, struct twi_host, node);
}

/* Is there room for one more, or can some be made? What is closed makes room when it is gone. */
static bool has_room(tw_agent *agent)
{
    while (agent->open >= agent->max_total && agent->closing < agent->wants &&
           !twi_list_empty(&agent->idle))
        close_idle(longest_idle(&agent->idle));
    return agent->connecting < TWI_MAX_CONNECTING && agent->open < agent->max_total;
}

static void open_for(struct twi_host *host)
{
    tw_agent *agent = host->agent;
    struct twi_fetch *fetch = first_waiter(host);

    host->open++;
    agent->open++;
    agent->connecting++;
    host_update(host);
    twi_channel_start(fetch);
}

/* Hand unused connections to the line of their host. */
static void serve(struct twi_host *host)
{
    struct twi_channel *channel;

    while (can_serve(host) && (channel = take_idle(host)) != NULL)
        hand_over(first_waiter(host), channel);
    host_update(host);
}

void twi_pool_pump(struct twi_flush *flush)
{
    tw_agent *agent = TWI_CONTAINER(flush, tw_agent, pump);
    struct twi_host *host;

    tw_agent_ref(agent);
    while (!twi_list_empty(&agent->wanting[SERVABLE]))
        serve(TWI_CONTAINER(agent->wanting[SERVABLE].next, struct twi_host, node));
    while (!agent->closed && (host = next_wanting(agent)) != NULL && has_room(agent))
        open_for(host);
    tw_agent_unref(agent);
}

/* Some host has a line, and all connections are elsewhere. */
static bool somebody_starves(const tw_agent *agent)
{
    return agent->open >= agent->max_total && agent->closing < agent->wants &&
           !twi_list_empty(&agent->wanting[NEEDY]);
}

void twi_pool_release(struct twi_channel *channel, bool reusable)
{
    struct twi_host *host = channel->host;
    tw_agent *agent = host->agent;

    channel->fetch = NULL;
    if (!reusable || agent->closed || agent->references == 0 ||
        (agent->max_uses > 0 && channel->uses >= agent->max_uses) || too_old(agent, channel) ||
        tw_transport_losing(channel->protocol.transport) || somebody_starves(agent) ||
        (first_wants_new(host) && host->open >= agent->max_per_host)) {
        twi_channel_close(channel, false);
        return;
    }
    become_idle(channel);
    if (!twi_list_empty(&host->waiters))
        host_update(host);
    else if (agent->wants > 0)
        twi_flush_later(&agent->pump);
}

/* A connection, or an attempt at one, is gone. */
void twi_pool_drop_slot(struct twi_host *host)
{
    tw_agent *agent = host->agent;

    tw_agent_ref(agent);
    host->open--;
    agent->open--;
    host_update(host);
    if (agent->wants > 0)
        twi_flush_later(&agent->pump);
    tw_agent_unref(agent);
}

void twi_pool_lost(struct twi_channel *channel)
{
    struct twi_host *host = channel->host;

    if (host == NULL)
        return;
    leave_idle(channel);
    channel->host = NULL;
    if (channel->closing)
        host->agent->closing--;
    twi_pool_drop_slot(host);
}
