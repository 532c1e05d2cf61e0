/* SPDX-License-Identifier: MIT */
/*
 * channels.c - messages of channels, over a connection of their own.
 *
 * Once it has subscribed, a connection of RESP2 carries nothing but messages and confirmations,
 * each a list whose first item names it. The server knows a channel once, however many of ours
 * listen.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/redis/redis.h"
#include "spider/redis/reply.h"

struct tw_redis_subscription {
    struct twi_list node;
    tw_redis *redis;
    unsigned holds; /* taken while its function runs, and by itself until it is taken back */
    bool is_pattern, is_confirmed, is_gone;
    char *channel;
    void (*on_message)(tw_value channel, tw_value message, void *arg);
    void *arg;
    struct twi_list waiting; /* of struct confirmation */
};

struct confirmation {
    struct twi_list node;
    tw_deferred *slot;
};

static void subscription_drop(tw_redis_subscription *subscription)
{
    if (--subscription->holds > 0)
        return;
    free(subscription->channel);
    free(subscription);
}

static struct tw_redis_subscription *subscription_at(struct twi_list *node)
{
    return TWI_CONTAINER(node, struct tw_redis_subscription, node);
}

/* --- what is sent --------------------------------------------------------------------------- */

static void subscription_send(tw_redis_subscription *subscription, bool on)
{
    static const char *const names[2][2] = { { "UNSUBSCRIBE", "SUBSCRIBE" },
                                             { "PUNSUBSCRIBE", "PSUBSCRIBE" } };
    struct twi_redis_link *link = &subscription->redis->channel_link;
    tw_value bytes = twi_redis_format(
        2, (const char *[]){ names[subscription->is_pattern][on], subscription->channel },
        NULL);

    if (tw_is_failure(bytes))
        twi_redis_link_break(link, bytes);
    else
        twi_redis_link_write(link, bytes);
}

static void channels_ready(struct twi_redis_link *link)
{
    tw_redis *redis = link->redis;

    TWI_LIST_EACH (node, &redis->subscriptions) {
        if (!link->is_ready) /* there was no memory */
            return;
        subscription_send(subscription_at(node), true);
    }
}

static void channels_down(struct twi_redis_link *link, tw_value why, bool refused)
{
    (void)why;
    (void)refused;
    TWI_LIST_EACH (node, &link->redis->subscriptions)
        subscription_at(node)->is_confirmed = false;
    if (!link->redis->is_closed && !twi_list_empty(&link->redis->subscriptions))
        twi_redis_link_want(link);
}

/* --- what comes ----------------------------------------------------------------------------- */

static bool bytes_are(tw_value bytes, const char *text)
{
    return tw_bytes_length(bytes) == strlen(text) &&
           memcmp(tw_bytes_data(bytes), text, strlen(text)) == 0;
}

static bool subscription_is(const tw_redis_subscription *subscription, tw_value channel,
                            bool is_pattern)
{
    return subscription->is_pattern == is_pattern && bytes_are(channel, subscription->channel);
}

static void confirmations_fire(tw_redis_subscription *subscription, tw_value result)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(&subscription->waiting)) != NULL) {
        struct confirmation *confirmation = TWI_CONTAINER(node, struct confirmation, node);
        tw_deferred *slot = confirmation->slot;
        free(confirmation);
        tw_fire(&slot, tw_retain(result));
    }
}

/* Call each(subscription, reply) for those of a channel; any of them may end meanwhile. */
static void channel_each(tw_redis *redis, tw_value channel, bool is_pattern, tw_value reply,
                         void (*each)(tw_redis_subscription *subscription, tw_value reply))
{
    struct twi_list *node = redis->subscriptions.next;

    while (node != &redis->subscriptions) {
        tw_redis_subscription *subscription = subscription_at(node);
        subscription->holds++;
        if (!subscription->is_gone && subscription_is(subscription, channel, is_pattern))
            each(subscription, reply);
        node = node->next;
        if (subscription->holds == 1)
            twi_list_remove(&subscription->node);
        subscription_drop(subscription);
    }
}

static void message_tell(tw_redis_subscription *subscription, tw_value reply)
{
    size_t at = subscription->is_pattern ? 2 : 1;

    subscription->on_message(tw_list_at(reply, at), tw_list_at(reply, at + 1),
                             subscription->arg);
}

static void confirmed_tell(tw_redis_subscription *subscription, tw_value reply)
{
    (void)reply;
    subscription->is_confirmed = true;
    confirmations_fire(subscription, tw_none());
}

static void channels_reply(struct twi_redis_link *link, tw_value reply)
{
    static const struct {
        const char *kind;
        bool is_pattern;
        void (*each)(tw_redis_subscription *subscription, tw_value reply);
    } kinds[] = {
        { "message", false, message_tell },
        { "pmessage", true, message_tell },
        { "subscribe", false, confirmed_tell },
        { "psubscribe", true, confirmed_tell },
    };
    tw_value kind = tw_list_at(reply, 0);

    if (tw_is_failure(reply)) {
        twi_redis_link_break(link, tw_retain(reply));
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (bytes_are(kind, kinds[i].kind))
            channel_each(link->redis, tw_list_at(reply, 1), kinds[i].is_pattern, reply,
                         kinds[i].each);
}

const struct twi_redis_link_owner twi_redis_channels_owner = { channels_ready, channels_reply,
                                                               channels_down };

/* --- the public face ------------------------------------------------------------------------ */

static bool channel_is_known(tw_redis *redis, const char *channel, bool is_pattern)
{
    tw_value name = tw_string(channel);
    bool known = false;

    TWI_LIST_EACH (node, &redis->subscriptions)
        known = known || (!subscription_at(node)->is_gone &&
                          subscription_is(subscription_at(node), name, is_pattern));
    tw_release(name);
    return known;
}

tw_redis_subscription *tw_redis_subscribe(
    tw_redis *redis, const char *channel, bool is_pattern,
    void (*on_message)(tw_value channel, tw_value message, void *arg), void *arg)
{
    tw_redis_subscription *subscription;

    if (redis == NULL)
        return NULL;
    if (channel == NULL || on_message == NULL || redis->is_closed) {
        errno = EINVAL;
        return NULL;
    }
    subscription = calloc(1, sizeof *subscription);
    if (subscription == NULL)
        return NULL;
    *subscription = (tw_redis_subscription){ .redis = redis,
                                             .holds = 1,
                                             .is_pattern = is_pattern };
    subscription->channel = strdup(channel);
    subscription->on_message = on_message;
    subscription->arg = arg;
    twi_list_init(&subscription->waiting);
    if (subscription->channel == NULL) {
        free(subscription);
        return NULL;
    }
    twi_list_append(&redis->subscriptions, &subscription->node);
    if (redis->channel_link.is_ready)
        subscription_send(subscription, true);
    else
        twi_redis_link_want(&redis->channel_link);
    return subscription;
}

static int confirmation_cancel(tw_deferred *deferred, void *arg)
{
    struct confirmation *confirmation = arg;

    (void)deferred;
    twi_list_remove(&confirmation->node);
    tw_deferred_unref(confirmation->slot);
    free(confirmation);
    return 0;
}

tw_deferred *tw_redis_subscribed(tw_redis_subscription *subscription)
{
    struct confirmation *confirmation;
    tw_deferred *deferred;

    if (subscription == NULL)
        return NULL;
    if (subscription->is_confirmed)
        return tw_succeed(tw_none());
    confirmation = calloc(1, sizeof *confirmation);
    if (confirmation == NULL)
        return NULL;
    deferred = tw_promise(&confirmation->slot, confirmation_cancel, confirmation);
    if (deferred == NULL)
        free(confirmation);
    else
        twi_list_append(&subscription->waiting, &confirmation->node);
    return deferred;
}

/* Nobody is told of it any more. */
static void subscription_end(tw_redis_subscription *subscription)
{
    tw_value why = tw_fail(&tw_error_connection_aborted, "the subscription was taken back");

    confirmations_fire(subscription, tw_lend(why));
    tw_release(why);
}

void tw_redis_unsubscribe(tw_redis_subscription *subscription)
{
    tw_redis *redis;

    if (subscription == NULL)
        return;
    redis = subscription->redis;
    subscription->is_gone = true;
    subscription->redis = NULL;
    if (redis != NULL) {
        tw_redis_ref(redis);
        if (!channel_is_known(redis, subscription->channel, subscription->is_pattern) &&
            redis->channel_link.is_ready) {
            subscription->redis = redis;
            subscription_send(subscription, false);
        }
        if (subscription->holds == 1)
            twi_list_remove(&subscription->node);
        subscription_end(subscription);
        tw_redis_unref(redis);
    }
    subscription_drop(subscription);
}

void twi_redis_channels_close(tw_redis *redis)
{
    struct twi_list *node;

    twi_redis_link_close(&redis->channel_link);
    while ((node = twi_list_take_first(&redis->subscriptions)) != NULL) {
        tw_redis_subscription *subscription = subscription_at(node);
        subscription->redis = NULL;
        subscription->holds++;
        subscription_end(subscription);
        subscription_drop(subscription);
    }
}
