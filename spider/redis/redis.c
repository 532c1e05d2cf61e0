/* SPDX-License-Identifier: MIT */
/*
 * redis.c - see tweed/redis.h: commands and their replies, in order.
 *
 * A command is `waiting` until there is a connection, then `sent`; replies come in the order of
 * `sent`. All have the same time to be answered, so the first of each list is the first that is
 * over time, and one timed call serves all.
 */
#include "config.h"

#include "spider/redis/redis.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/reactor.h>

#include "spider/redis/reply.h"

struct redis_command {
    struct twi_list node;
    tw_redis *redis;
    struct twi_redis_request request; /* released when sent, but for a script's second part */
    tw_deferred *slot;                /* NULL: cancelled */
    double deadline;
};

static double now_seconds(void)
{
    return tw_clock_seconds(tw_reactor_clock());
}

/* A timed call is as exact as the clock's nanoseconds, and a sum of doubles is not. */
static bool is_late(const struct redis_command *command)
{
    return command->deadline <= now_seconds() + 1e-6;
}

/* --- a command ------------------------------------------------------------------------------ */

static void request_release(struct twi_redis_request *request)
{
    tw_release(request->head);
    tw_release(request->tail);
    request->head = request->tail = tw_none();
}

/* Out of its list. */
static void command_unlink(struct redis_command *command)
{
    twi_list_remove(&command->node);
    command->redis->pending--;
}

/* Takes `result`. The command must be out of its list. */
static void command_end(struct redis_command *command, tw_value result)
{
    tw_deferred *slot = command->slot;

    request_release(&command->request);
    free(command);
    tw_fire(&slot, result);
}

static int command_cancel(tw_deferred *deferred, void *arg)
{
    struct redis_command *command = arg;
    bool is_sent = tw_is_none(command->request.head);

    (void)deferred;
    tw_deferred_unref(command->slot);
    command->slot = NULL;
    if (!is_sent) {
        command_unlink(command);
        request_release(&command->request);
        free(command);
    }
    return 0;
}

static void command_send(struct redis_command *command)
{
    tw_redis *redis = command->redis;
    tw_value head = command->request.head;

    command->request.head = tw_none();
    twi_list_append(&redis->sent, &command->node);
    twi_redis_link_write(&redis->link, head);
    if (tw_is_none(command->request.tail))
        return;
    if (command->request.script != NULL) {
        twi_redis_link_write(&redis->link, tw_retain(command->request.tail));
        return;
    }
    twi_redis_link_write(&redis->link, command->request.tail);
    command->request.tail = tw_none();
}

/* --- time ----------------------------------------------------------------------------------- */

static struct redis_command *command_first(struct twi_list *list)
{
    return twi_list_empty(list) ? NULL : TWI_CONTAINER(list->next, struct redis_command, node);
}

static void deadline_plan(tw_redis *redis);

/* All that wait for a connection and are over time. */
static void waiting_end_late(tw_redis *redis)
{
    struct redis_command *command;

    while ((command = command_first(&redis->waiting)) != NULL && is_late(command)) {
        tw_value cause = tw_is_none(redis->link.why) ? tw_none() : tw_retain(redis->link.why);
        struct tw_failure_fields fields = { .error_class = &tw_error_timeout,
                                            .message = "no connection to Redis in time",
                                            .where = TW_HERE,
                                            .cause = cause };
        command_unlink(command);
        command_end(command, tw_fail_with(&fields));
    }
}

static void deadline_over(void *arg)
{
    tw_redis *redis = tw_redis_ref(arg);
    struct redis_command *oldest = command_first(&redis->sent);

    redis->deadline_call = 0;
    if (oldest != NULL && is_late(oldest))
        twi_redis_link_break(&redis->link,
                             tw_fail(&tw_error_timeout, "no reply from Redis in time"));
    waiting_end_late(redis);
    deadline_plan(redis);
    tw_redis_unref(redis);
}

static void deadline_plan(tw_redis *redis)
{
    const struct redis_command *sent = command_first(&redis->sent),
                               *waiting = command_first(&redis->waiting);
    double first, wait;

    if (redis->is_closed || redis->deadline_call > 0 || redis->options.timeout < 0 ||
        (sent == NULL && waiting == NULL))
        return;
    first = sent != NULL ? sent->deadline : waiting->deadline;
    if (waiting != NULL && waiting->deadline < first)
        first = waiting->deadline;
    wait = first - now_seconds();
    redis->deadline_call = tw_call_later(wait > 0 ? wait : 0, deadline_over, redis);
}

/* --- what the link tells -------------------------------------------------------------------- */

static tw_redis *redis_of(struct twi_redis_link *link)
{
    return link->redis;
}

static void commands_ready(struct twi_redis_link *link)
{
    tw_redis *redis = redis_of(link);
    struct redis_command *command;

    while ((command = command_first(&redis->waiting)) != NULL) {
        twi_list_remove(&command->node);
        command_send(command);
    }
    if (redis->options.on_state != NULL)
        redis->options.on_state(redis, true, tw_none(), redis->options.arg);
}

/* A server that does not know the script gets it whole; true: it is on its way. */
static bool command_again(struct redis_command *command, tw_value reply)
{
    tw_redis *redis = command->redis;
    const char *no_script = "NOSCRIPT";
    tw_value head;

    if (command->request.script == NULL || command->slot == NULL ||
        !tw_failure_is(reply, &tw_error_redis) ||
        strncmp(tw_failure_message(reply), no_script, strlen(no_script)) != 0)
        return false;
    head = twi_redis_script_head(command->request.script, command->request.words, true);
    if (tw_is_failure(head))
        return false;
    command->request.head = head;
    command->request.script = NULL;
    redis->pending++;
    command_send(command);
    return true;
}

static void commands_reply(struct twi_redis_link *link, tw_value reply)
{
    tw_redis *redis = redis_of(link);
    struct redis_command *command = command_first(&redis->sent);

    if (command == NULL) {
        twi_redis_link_break(link, tw_fail(&tw_error_protocol, "a reply to no command"));
        return;
    }
    command_unlink(command);
    if (!command_again(command, reply))
        command_end(command, tw_retain(reply));
}

static tw_value failure_of_sent(const struct redis_command *command, tw_value why)
{
    bool timed_out = tw_failure_is(why, &tw_error_timeout) && is_late(command);
    struct tw_failure_fields fields = { .where = TW_HERE, .cause = tw_retain(why) };

    fields.error_class = timed_out ? &tw_error_timeout : &tw_error_connection_lost;
    fields.message = timed_out ? "no reply from Redis in time"
                               : "the connection to Redis was lost before the reply";
    if (tw_failure_is(why, &tw_error_protocol) || tw_failure_is(why, &tw_error_toolarge)) {
        tw_release(fields.cause);
        return tw_retain(why);
    }
    return tw_fail_with(&fields);
}

/* Commands that callbacks add meanwhile stay. */
static void commands_fail(struct twi_list *list, bool are_sent, tw_value why)
{
    struct twi_list ending;
    struct redis_command *command;

    twi_list_init(&ending);
    twi_list_splice(&ending, list);
    while ((command = command_first(&ending)) != NULL) {
        command_unlink(command);
        command_end(command, are_sent ? failure_of_sent(command, why) : tw_retain(why));
    }
}

static void commands_down(struct twi_redis_link *link, tw_value why, bool refused)
{
    tw_redis *redis = redis_of(link);

    why = tw_retain(why); /* the link may get another one */
    commands_fail(&redis->sent, true, tw_lend(why));
    if (refused)
        commands_fail(&redis->waiting, false, tw_lend(why));
    if (!redis->is_closed && redis->options.on_state != NULL)
        redis->options.on_state(redis, false, tw_lend(why), redis->options.arg);
    if (!redis->is_closed && !twi_list_empty(&redis->waiting))
        twi_redis_link_want(link);
    tw_release(why);
}

static const struct twi_redis_link_owner commands_owner = { commands_ready, commands_reply,
                                                            commands_down };

/* --- sending -------------------------------------------------------------------------------- */

static tw_deferred *command_refuse(const char *where, struct twi_redis_request *request,
                                   tw_value failure)
{
    request_release(request);
    return tw_fired_at(where, failure);
}

tw_deferred *twi_redis_request_send(const char *where, tw_redis *redis,
                                    struct twi_redis_request request)
{
    int64_t most = redis->options.max_pending;
    struct redis_command *command;
    tw_deferred *deferred;

    if (tw_is_failure(request.head) || tw_is_failure(request.tail))
        return command_refuse(where, &request, tw_fail_memory());
    if (redis->is_closed)
        return command_refuse(where, &request,
                              tw_fail(&tw_error_connection_aborted, "the client is closed"));
    if (most >= 0 && redis->pending >= (uint64_t)most)
        return command_refuse(
            where, &request,
            tw_fail(&tw_error_queue_full, "%zu commands wait for a reply", redis->pending));
    command = calloc(1, sizeof *command);
    if (command == NULL)
        return command_refuse(where, &request, tw_fail_memory());
    *command = (struct redis_command){ .redis = redis, .request = request };
    command->deadline = redis->options.timeout < 0 ? INFINITY
                                                   : now_seconds() + redis->options.timeout;
    deferred = tw_promise_at(where, &command->slot, command_cancel, command, NULL);
    if (deferred == NULL) {
        request_release(&command->request);
        free(command);
        return NULL;
    }
    redis->pending++;
    if (redis->link.is_ready) {
        command_send(command);
    } else {
        twi_list_append(&redis->waiting, &command->node);
        twi_redis_link_want(&redis->link);
    }
    deadline_plan(redis);
    return deferred;
}

tw_deferred *tw_redis_send_at(const char *where, tw_redis *redis, size_t count,
                              const char *const *words, const size_t *lengths)
{
    struct twi_redis_request request = { 0 };

    if (redis == NULL)
        return NULL;
    if (count == 0)
        return tw_fired_at(where, tw_fail(&tw_error_misuse, "a command without words"));
    request.head = twi_redis_format(count, words, lengths);
    return twi_redis_request_send(where, redis, request);
}

tw_deferred *tw_redis_command_at(const char *where, tw_redis *redis, const char *const *words)
{
    size_t count = 0;

    while (words[count] != NULL)
        count++;
    return tw_redis_send_at(where, redis, count, words, NULL);
}

/* --- the client ----------------------------------------------------------------------------- */

static double time_or(double seconds, double usual)
{
    return seconds == 0 ? usual : seconds;
}

static bool is_no_number(double number)
{
    return isnan(number) || isinf(number);
}

/* False when a time is no number. */
static bool redis_take_options(tw_redis *redis, const struct tw_redis_options *options)
{
    struct tw_redis_options *own = &redis->options;

    *own = *options;
    own->user = own->password = NULL;
    own->tls = NULL;
    own->connect_timeout = time_or(own->connect_timeout, 10);
    if (own->connect_timeout < 0)
        own->connect_timeout = 1e9;
    own->timeout = time_or(own->timeout, 30);
    own->min_delay = time_or(own->min_delay, 0.1);
    own->max_delay = time_or(own->max_delay, 5);
    own->max_reply = own->max_reply == 0 ? INT64_C(512) << 20 : own->max_reply;
    own->max_pending = own->max_pending == 0 ? 1000000 : own->max_pending;
    return !is_no_number(own->connect_timeout) && !is_no_number(own->timeout) &&
           !is_no_number(own->min_delay) && !is_no_number(own->max_delay);
}

static void link_init(struct twi_redis_link *link, tw_redis *redis,
                      const struct twi_redis_link_owner *owner)
{
    link->owner = owner;
    link->redis = redis;
    link->place = &redis->place;
    link->options = &redis->options;
    link->delay = redis->options.min_delay > 0 ? redis->options.min_delay : 0;
}

tw_redis *tw_redis_open(const char *url, const struct tw_redis_options *options,
                        const char **ret_why)
{
    static const struct tw_redis_options defaults;
    const char *why = NULL;
    tw_redis *redis = calloc(1, sizeof *redis);
    int r;

    if (redis == NULL)
        return NULL;
    options = options != NULL ? options : &defaults;
    redis->references = 1;
    twi_list_init(&redis->waiting);
    twi_list_init(&redis->sent);
    r = twi_redis_place_read(&redis->place, url, options, &why);
    if (r == 0 && !redis_take_options(redis, options)) {
        why = "a time that is no number";
        r = -EINVAL;
    }
    if (r < 0) {
        twi_redis_place_free(&redis->place);
        free(redis);
        if (ret_why != NULL)
            *ret_why = why;
        errno = -r;
        return NULL;
    }
    link_init(&redis->link, redis, &commands_owner);
    link_init(&redis->channel_link, redis, &twi_redis_channels_owner);
    twi_list_init(&redis->subscriptions);
    return redis;
}

tw_redis *tw_redis_ref(tw_redis *redis)
{
    if (redis != NULL)
        redis->references++;
    return redis;
}

static void redis_close(tw_redis *redis)
{
    tw_value why = tw_fail(&tw_error_connection_aborted, "the client is closed");

    redis->is_closed = true;
    if (redis->deadline_call > 0)
        tw_call_cancel(redis->deadline_call);
    twi_redis_link_close(&redis->link);
    twi_redis_channels_close(redis);
    commands_fail(&redis->sent, false, tw_lend(why));
    commands_fail(&redis->waiting, false, tw_lend(why));
    tw_release(why);
}

void tw_redis_unref(tw_redis *redis)
{
    if (redis == NULL || --redis->references > 0)
        return;
    redis->references = 1; /* while callbacks run that take one and give it back */
    if (!redis->is_closed)
        redis_close(redis);
    if (--redis->references > 0)
        return;
    twi_redis_place_free(&redis->place);
    free(redis);
}

bool tw_redis_ready(const tw_redis *redis)
{
    return redis != NULL && redis->link.is_ready;
}

size_t tw_redis_pending(const tw_redis *redis)
{
    return redis == NULL ? 0 : redis->pending;
}
