/* SPDX-License-Identifier: MIT */
/*
 * link.c - see link.h.
 *
 * A connection's protocol outlives the link's interest in it: the link lets go of the protocol, and
 * what still comes over it is for nobody.
 */
#include "config.h"

#include "spider/redis/link.h"

#include <errno.h>
#include <stdio.h>

#include <tweed/reactor.h>
#include <tweed/tcp.h>

#include "spider/redis/reply.h"

struct twi_redis_protocol {
    tw_protocol base;
    struct twi_redis_link *link; /* NULL: nobody listens */
    struct twi_redis_reader *reader;
};

/* --- the end -------------------------------------------------------------------------------- */

static void call_drop(int64_t *call)
{
    if (*call > 0)
        tw_call_cancel(*call);
    *call = 0;
}

/* Without a connection and without an attempt. */
static void link_drop(struct twi_redis_link *link)
{
    struct twi_redis_protocol *protocol = link->protocol;
    tw_deferred *connecting = link->connecting;

    call_drop(&link->limit_call);
    call_drop(&link->retry_call);
    link->protocol = NULL;
    link->connecting = NULL;
    link->is_ready = false;
    link->greetings = 0;
    if (protocol != NULL) {
        protocol->link = NULL;
        if (protocol->base.transport != NULL)
            tw_transport_abort(protocol->base.transport);
    }
    if (connecting != NULL)
        tw_cancel(connecting);
}

void twi_redis_link_close(struct twi_redis_link *link)
{
    link_drop(link);
    tw_release(link->why);
    link->why = tw_none();
}

/* 0.5 to 1, so that clients that lost one server do not all come back at once. By the clock: on a
 * virtual one a program does the same each time. */
static double jitter(void)
{
    uint64_t bits = (uint64_t)(tw_clock_seconds(tw_reactor_clock()) * 1e6);

    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return 0.5 + (double)(bits >> 33) / 4294967296.0;
}

/* Takes `why`. */
static void link_down(struct twi_redis_link *link, tw_value why, bool refused)
{
    double most = link->options->max_delay;

    link_drop(link);
    link->not_before = tw_clock_seconds(tw_reactor_clock()) + link->delay * jitter();
    link->delay = link->delay * 2 < most ? link->delay * 2 : most;
    tw_release(link->why);
    link->why = tw_take(why);
    link->owner->down(link, tw_lend(link->why), refused);
}

void twi_redis_link_break(struct twi_redis_link *link, tw_value why)
{
    tw_redis *redis = tw_redis_ref(link->redis);

    link_down(link, why, false);
    tw_redis_unref(redis);
}

/* --- greetings ------------------------------------------------------------------------------ */

static void link_is_ready(struct twi_redis_link *link)
{
    call_drop(&link->limit_call);
    link->is_ready = true;
    link->delay = link->options->min_delay;
    link->not_before = 0;
    link->owner->ready(link);
}

static void greeting_reply(struct twi_redis_link *link, tw_value reply)
{
    link->greetings--;
    if (tw_is_failure(reply))
        link_down(link, tw_retain(reply), true);
    else if (link->greetings == 0)
        link_is_ready(link);
}

/* `words` end with NULL. 0 or a negative errno. */
static int greeting_write(struct twi_redis_link *link, const char *const *words)
{
    size_t count = 0;
    tw_value bytes;

    while (words[count] != NULL)
        count++;
    bytes = twi_redis_format(count, words, NULL);
    if (tw_is_failure(bytes))
        return -ENOMEM;
    link->greetings++;
    return tw_transport_write_value(link->protocol->base.transport, bytes);
}

static void link_greet(struct twi_redis_link *link)
{
    const struct twi_redis_place *place = link->place;
    const char *with_user[] = { "AUTH", place->user, place->password, NULL };
    const char *alone[] = { "AUTH", place->password, NULL };
    char database[24];
    int r = 0;

    if (place->password != NULL)
        r = greeting_write(link, place->user != NULL ? with_user : alone);
    if (r == 0 && place->database != 0) {
        snprintf(database, sizeof database, "%ld", place->database);
        r = greeting_write(link, (const char *[]){ "SELECT", database, NULL });
    }
    if (r < 0)
        link_down(link, tw_fail_memory(), false);
    else if (link->greetings == 0)
        link_is_ready(link);
}

/* --- the connection ------------------------------------------------------------------------- */

static void protocol_made(tw_protocol *base)
{
    struct twi_redis_protocol *protocol = (struct twi_redis_protocol *)base;
    struct twi_redis_link *link = protocol->link;
    tw_redis *redis;

    if (link == NULL) {
        tw_transport_abort(base->transport);
        return;
    }
    redis = tw_redis_ref(link->redis);
    link->protocol = protocol;
    link_greet(link);
    tw_redis_unref(redis);
}

static void protocol_received(tw_protocol *base, const char *data, size_t length)
{
    struct twi_redis_protocol *protocol = (struct twi_redis_protocol *)base;
    tw_redis *redis;
    tw_value reply;
    int r = 0;

    if (protocol->link == NULL)
        return;
    redis = tw_redis_ref(protocol->link->redis);
    twi_redis_reader_feed(protocol->reader, data, length);
    while (protocol->link != NULL &&
           (r = twi_redis_reader_next(protocol->reader, &reply)) > 0) {
        if (protocol->link->greetings > 0)
            greeting_reply(protocol->link, tw_lend(reply));
        else
            protocol->link->owner->reply(protocol->link, tw_lend(reply));
        tw_release(reply);
    }
    if (r < 0)
        link_down(protocol->link, reply, false);
    tw_redis_unref(redis);
}

static void protocol_lost(tw_protocol *base, tw_value reason)
{
    struct twi_redis_link *link = ((struct twi_redis_protocol *)base)->link;

    if (link != NULL)
        twi_redis_link_break(link, tw_retain(reason));
}

static void protocol_released(tw_protocol *base)
{
    twi_redis_reader_free(((struct twi_redis_protocol *)base)->reader);
}

static const tw_protocol_class protocol_class = {
    .name = "Redis",
    .size = sizeof(struct twi_redis_protocol),
    .connection_made = protocol_made,
    .data_received = protocol_received,
    .connection_lost = protocol_lost,
    .released = protocol_released,
};

/* --- attempts ------------------------------------------------------------------------------- */

static void link_over_time(void *arg)
{
    struct twi_redis_link *link = arg;

    link->limit_call = 0;
    twi_redis_link_break(link,
                         tw_fail(&tw_error_timeout, "no answer to AUTH or SELECT in time"));
}

/* The protocol has heard of it before. */
static tw_value link_connected(tw_value result, void *arg)
{
    struct twi_redis_link *link = arg;

    (void)result;
    link->connecting = NULL;
    return tw_none();
}

static tw_value link_not_connected(tw_value failure, void *arg)
{
    struct twi_redis_link *link = arg;

    if (link->connecting == NULL) /* dropped */
        return tw_none();
    link->connecting = NULL;
    link->protocol = NULL; /* released by now */
    twi_redis_link_break(link, tw_retain(failure));
    return tw_none();
}

/* A protocol whose reader hears of this link; NULL when there is no memory. */
static tw_protocol *protocol_new(struct twi_redis_link *link)
{
    int64_t most = link->options->max_reply;
    tw_protocol *base = tw_protocol_new(&protocol_class);
    struct twi_redis_protocol *protocol = (struct twi_redis_protocol *)base;

    if (base == NULL)
        return NULL;
    protocol->reader = twi_redis_reader_new(most < 0 ? 0 : (uint64_t)most);
    protocol->link = link;
    if (protocol->reader != NULL)
        return base;
    tw_protocol_free(base);
    return NULL;
}

static void link_attempt(void *arg)
{
    struct twi_redis_link *link = arg;
    double limit = link->options->connect_timeout;
    struct tw_connect_options options = { .timeout = limit, .tls = link->place->tls };
    tw_protocol *protocol = protocol_new(link);
    tw_deferred *deferred;

    link->retry_call = 0;
    link->limit_call = protocol != NULL ? tw_call_later(limit, link_over_time, link) : 0;
    deferred = link->limit_call > 0
                   ? tw_connect(link->place->host, link->place->port, &options, protocol)
                   : NULL;
    if (deferred == NULL) {
        if (link->limit_call <= 0 && protocol != NULL)
            tw_protocol_free(protocol);
        twi_redis_link_break(link, tw_fail_memory());
        return;
    }
    link->protocol = (struct twi_redis_protocol *)protocol;
    link->connecting = deferred;
    tw_add_callbacks(deferred, link_connected, link, link_not_connected, link);
    tw_deferred_unref(deferred);
}

void twi_redis_link_want(struct twi_redis_link *link)
{
    double wait = link->not_before - tw_clock_seconds(tw_reactor_clock());

    if (link->protocol != NULL || link->connecting != NULL || link->retry_call > 0)
        return;
    link->retry_call = tw_call_later(wait > 0 ? wait : 0, link_attempt, link);
}

int twi_redis_link_write(struct twi_redis_link *link, tw_value bytes)
{
    return tw_transport_write_value(link->protocol->base.transport, bytes);
}
