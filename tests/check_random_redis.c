/* SPDX-License-Identifier: MIT */
/*
 * check_random_redis.c - clients of Redis that do at random, inside their callbacks too, whatever
 * can be done, against a server that answers, hangs, breaks and comes back.
 *
 * Each command ends once; its reply is its own; none is sent twice; one that was taken back
 * before it was sent is never seen; nothing is left.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/reactor.h>
#include <tweed/redis.h>
#include <tweed/tcp.h>
#include <tweed/testing.h>

#include "tests/random.h"
#include "tests/test.h"

enum { COMMANDS = 60, SUBSCRIPTIONS = 4 };

#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition))                                                      \
            ck_abort_msg("%snot " #condition, random_failed());                \
    } while (0)

static struct {
    tw_deferred *deferred; /* NULL: not asked yet, or ended */
    bool seen, ended;
} commands[COMMANDS];
static int asked, depth;
static tw_redis *redis;
static tw_redis_subscription *subscriptions[SUBSCRIPTIONS];
static tw_listener *listener;
static tw_factory *factory;
static tw_protocol *connections[8];

static void act(void);

static void act_inside(void)
{
    if (++depth < 5)
        for (unsigned times = draw(3); times > 0; times--)
            act();
    depth--;
}

/* --- the server ----------------------------------------------------------------------------- */

static void peer_made(tw_protocol *protocol)
{
    for (size_t i = 0; i < 8; i++)
        if (connections[i] == NULL) {
            connections[i] = protocol;
            return;
        }
    tw_transport_abort(protocol->transport);
}

static void peer_lost(tw_protocol *protocol, tw_value reason)
{
    (void)reason;
    for (size_t i = 0; i < 8; i++)
        if (connections[i] == protocol)
            connections[i] = NULL;
}

struct peer {
    tw_protocol base;
    bool hangs;      /* it takes what comes and says nothing */
    bool subscribed; /* its client has, once */
};

static void peer_reply(tw_protocol *protocol, const char *word)
{
    static const char *const odd[] = { "?\r\n", "-ERR\r\n" };
    char text[100];
    long number;

    if (*word == 's' || *word == 'u') {
        ((struct peer *)protocol)->subscribed = true;
        snprintf(text, sizeof text, "*3\r\n$%d\r\n%ssubscribe\r\n$1\r\nc\r\n:1\r\n",
                 *word == 's' ? 9 : 11, *word == 's' ? "" : "un");
    } else {
        number = strtol(word, NULL, 10);
        MUST(number < asked && !commands[number].seen);
        commands[number].seen = true;
        if (one_in(30))
            ((struct peer *)protocol)->hangs = true;
        snprintf(text, sizeof text, ":%ld\r\n", number);
    }
    if (((struct peer *)protocol)->hangs)
        return;
    if (one_in(60))
        snprintf(text, sizeof text, "%s", odd[draw(2)]);
    tw_transport_write(protocol->transport, text, strlen(text));
}

/* Commands are short and come whole. */
static void peer_received(tw_protocol *protocol, const char *data, size_t length)
{
    const char *end = data + length;

    for (const char *at = data; at < end; at++) {
        if (*at == '#')
            peer_reply(protocol, at + 1);
        else if (end - at > 9 && memcmp(at, "\nSUBSCRIBE", 10) == 0)
            peer_reply(protocol, "s");
        else if (end - at > 11 && memcmp(at, "\nUNSUBSCRIBE", 12) == 0)
            peer_reply(protocol, "u");
    }
    if (one_in(40))
        tw_transport_abort(protocol->transport);
}

static const tw_protocol_class peer = { .name = "peer",
                                        .size = sizeof(struct peer),
                                        .connection_made = peer_made,
                                        .data_received = peer_received,
                                        .connection_lost = peer_lost };

static void server_toggle(void)
{
    struct tw_listen_options options = { .address = "r.example", .port = 6379 };

    tw_listener_close(listener);
    if (listener == NULL)
        ck_assert_int_eq(tw_listen(&options, factory, &listener, NULL), 0);
    else
        listener = NULL;
}

static void peer_acts(void)
{
    static const char message[] = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n";
    tw_protocol *one = connections[draw(8)];

    if (one == NULL)
        return;
    if (one_in(3))
        tw_transport_abort(one->transport);
    else if (((struct peer *)one)->subscribed)
        tw_transport_write(one->transport, message, sizeof message - 1);
}

/* --- the client ------------------------------------------------------------------------------- */

static tw_value command_ended(tw_value result, void *arg)
{
    intptr_t number = (intptr_t)arg;

    MUST(!commands[number].ended);
    commands[number].ended = true;
    if (!tw_is_failure(result) && tw_is(result, &tw_type_integer))
        MUST(tw_integer_of(result) == number && commands[number].seen);
    act_inside();
    return tw_none();
}

static void command_ask(void)
{
    char word[24];
    intptr_t number = asked;
    tw_deferred *deferred;

    if (redis == NULL || asked == COMMANDS)
        return;
    snprintf(word, sizeof word, "#%d", asked++);
    deferred = tw_redis_command(redis, word);
    commands[number].deferred = deferred;
    tw_add_both(deferred, command_ended, (void *)number);
}

static void command_cancel(void)
{
    unsigned number = draw(COMMANDS);
    bool unseen = commands[number].deferred != NULL && !commands[number].ended &&
                  !tw_redis_ready(redis);

    tw_cancel(commands[number].deferred);
    if (unseen && commands[number].ended && !commands[number].seen)
        commands[number].seen = true; /* from now on it must not be */
}

static void hear(tw_value channel, tw_value message, void *arg)
{
    size_t number = (size_t)(intptr_t)arg;

    MUST(subscriptions[number] != NULL);
    MUST(strcmp(tw_bytes_data(channel), "c") == 0 && tw_bytes_length(message) == 2);
    act_inside();
}

static void subscription_toggle(void)
{
    unsigned number = draw(SUBSCRIPTIONS);
    tw_redis_subscription *old = subscriptions[number];

    subscriptions[number] = NULL;
    if (old != NULL)
        tw_redis_unsubscribe(old);
    else if (redis != NULL)
        subscriptions[number] = tw_redis_subscribe(redis, "c", false, hear,
                                                   (void *)(intptr_t)number);
}

static void state(tw_redis *self, bool ready, tw_value why, void *arg)
{
    (void)arg;
    MUST(ready == tw_redis_ready(self));
    MUST(ready == tw_is_none(why));
    act_inside();
}

static void client_leave(void)
{
    tw_redis *old = redis;

    redis = NULL;
    tw_redis_unref(old);
}

static void act(void)
{
    switch (draw(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        command_ask();
        break;
    case 4:
        command_cancel();
        break;
    case 5:
        subscription_toggle();
        break;
    case 6:
        if (one_in(3))
            server_toggle();
        break;
    case 7:
        peer_acts();
        break;
    case 8:
        if (one_in(15))
            client_leave();
        break;
    default:
        if (depth == 0)
            tw_testing_advance(draw(40) * 0.05);
    }
}

static void run(void)
{
    struct tw_redis_options options = { .timeout = 1 + draw(3),
                                        .on_state = state,
                                        .max_delay = 1 };

    memset(commands, 0, sizeof commands);
    memset(connections, 0, sizeof connections);
    asked = depth = 0;
    listener = NULL;
    ck_assert_int_eq(tw_testing_begin(), 0);
    factory = test_given(tw_factory_of(&peer, NULL));
    redis = test_given(tw_redis_new("redis://r.example", &options));
    server_toggle();
    for (int i = 0; i < 60; i++)
        act();
    depth = 5; /* callbacks do nothing any more */
    tw_testing_advance(10);
    for (int i = 0; i < asked; i++)
        MUST(commands[i].ended);
    client_leave();
    for (int i = 0; i < asked; i++)
        tw_deferred_unref(commands[i].deferred);
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        tw_redis_unsubscribe(subscriptions[i]);
        subscriptions[i] = NULL;
    }
    tw_listener_close(listener);
    tw_factory_unref(factory);
    tw_testing_settle();
    tw_testing_end();
    ck_assert_uint_eq(tw_deferred_count(), 0);
}

START_TEST(whatever_clients_do_each_command_ends_once)
{
    random_programs(run, 300);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("Redis, at random");

    TEST_ADD(suite, whatever_clients_do_each_command_ends_once);
    return test_run(suite);
}
