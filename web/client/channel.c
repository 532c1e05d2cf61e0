/*
 * channel.c - the protocol of a client's connection: hands what comes to the request that it
 * carries, and tells the pool when it is gone.
 */
#include "config.h"

#include <string.h>

#include <tweed/resolver.h>

#include "web/client/engine.h"
#include "web/url/private_address.h"

static struct twi_channel *channel_of(tw_protocol *protocol)
{
    return (struct twi_channel *)protocol;
}

/* --- the protocol -------------------------------------------------------------------------- */

static void channel_received(tw_protocol *protocol, const char *data, size_t length)
{
    struct twi_channel *channel = channel_of(protocol);

    if (channel->closing)
        return;
    if (channel->fetch == NULL)
        /* Nobody asked for this; the next request must not take it for its answer. */
        twi_pool_unwanted(channel);
    else if (channel->fetch->stage == TWI_TUNNELLING)
        twi_tunnel_received(channel->fetch, data, length);
    else
        twi_exchange_received(channel->fetch, data, length);
}

static char *channel_buffer(tw_protocol *protocol, size_t *size)
{
    struct twi_channel *channel = channel_of(protocol);

    if (channel->closing || channel->fetch == NULL || channel->fetch->stage != TWI_EXCHANGING)
        return NULL;
    return twi_exchange_buffer(channel->fetch, size);
}

static void channel_filled(tw_protocol *protocol, size_t length)
{
    struct twi_channel *channel = channel_of(protocol);

    if (!channel->closing && channel->fetch != NULL)
        twi_exchange_filled(channel->fetch, length);
}

static void channel_lost(tw_protocol *protocol, tw_value reason)
{
    struct twi_channel *channel = channel_of(protocol);
    struct twi_fetch *fetch = channel->fetch;

    channel->fetch = NULL;
    twi_tunnel_free(channel->tunnel);
    channel->tunnel = NULL;
    /* The place in the pool first: a retry wants it. */
    if (fetch != NULL) {
        fetch->channel = NULL;
        fetch->host = NULL;
    }
    twi_pool_lost(channel);
    if (fetch != NULL)
        twi_exchange_lost(fetch, reason);
}

static void channel_released(tw_protocol *protocol)
{
    twi_tunnel_free(channel_of(protocol)->tunnel);
}

static const tw_protocol_class channel_class = {
    .name = "http client",
    .size = sizeof(struct twi_channel),
    .data_received = channel_received,
    .get_buffer = channel_buffer,
    .buffer_filled = channel_filled,
    .connection_lost = channel_lost,
    .released = channel_released,
};

/* --- connecting ---------------------------------------------------------------------------- */

static void connected(struct twi_fetch *fetch, struct twi_channel *channel)
{
    fetch->secured_at = channel->made_at = twi_loop_now();
    channel->host = fetch->host;
    channel->fetch = fetch;
    fetch->channel = channel;
    fetch->agent->connects++;
    if (fetch->host->tunnelled)
        twi_tunnel_begin(fetch);
    else
        twi_fetch_connected(fetch);
}

static tw_value connect_done(tw_value result, void *arg)
{
    struct twi_fetch *fetch = arg;
    struct twi_host *host = fetch->host;
    tw_agent *agent = tw_agent_ref(fetch->agent);
    tw_deferred *connecting = fetch->connecting;

    fetch->connecting = NULL;
    agent->connecting--;
    if (tw_is_failure(result)) {
        if (!fetch->stopping)
            twi_fetch_fail_with(fetch, tw_retain(result));
        twi_pool_drop_slot(host);
    } else {
        connected(fetch, tw_pointer_of(result));
        if (agent->wants > 0)
            twi_flush_later(&agent->pump);
    }
    tw_deferred_unref(connecting);
    tw_agent_unref(agent);
    return tw_none();
}

/* What a name leads to is known only now, and may be something else the next time. */
static bool connect_step(enum tw_connect_step step, const struct sockaddr *address, void *arg)
{
    struct twi_fetch *fetch = arg;

    if (step == TW_CONNECT_REACHED)
        fetch->connected_at = twi_loop_now();
    else if (fetch->resolved_at == 0)
        fetch->resolved_at = twi_loop_now();
    return !fetch->agent->refuse_private || fetch->host->proxy != NULL || address == NULL ||
           !twi_address_is_private(address);
}

/* Seconds: 30 years. */
static const double no_limit = 1e9;

static tw_deferred *connect_to(struct twi_fetch *fetch)
{
    const struct twi_host *host = fetch->host;
    const struct twi_proxy *proxy = host->proxy;
    double timeout = fetch->options.connect_timeout;
    struct tw_connect_options options = { .timeout = timeout > 0 ? timeout : no_limit,
                                          .on_step = connect_step,
                                          .step_arg = fetch };
    tw_protocol *protocol = tw_protocol_new(&channel_class);

    if (protocol == NULL)
        return NULL;
    if (proxy == NULL) {
        options.tls = host->context;
        return tw_connect_at(fetch->where, host->name, host->port, &options, protocol);
    }
    options.tls = host->proxy_context;
    return tw_connect_at(fetch->where, proxy->host, proxy->port, &options, protocol);
}

void twi_channel_start(struct twi_fetch *fetch)
{
    tw_deferred *connecting;

    fetch->stage = TWI_CONNECTING;
    fetch->queued_at = twi_loop_now();
    fetch->reused = false;
    connecting = connect_to(fetch);
    /* connect_done() may run at once and end the request. */
    fetch->connecting = tw_deferred_ref(connecting);
    tw_add_both(connecting, connect_done, fetch);
    tw_deferred_unref(connecting);
}

void twi_channel_stop(struct twi_fetch *fetch)
{
    tw_deferred *connecting = tw_deferred_ref(fetch->connecting);

    fetch->stopping = true;
    tw_cancel(connecting);
    tw_deferred_unref(connecting);
}

void twi_channel_close(struct twi_channel *channel, bool at_once)
{
    tw_transport *transport = channel->protocol.transport;

    if (channel->closing)
        return;
    channel->closing = true;
    if (channel->host != NULL)
        channel->host->agent->closing++;
    if (transport == NULL)
        return;
    if (at_once || tw_transport_unsent(transport) > 0)
        tw_transport_abort(transport);
    else
        tw_transport_lose(transport);
}
