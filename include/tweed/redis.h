/* SPDX-License-Identifier: MIT */
/*
 * redis.h - commands to a Redis server, each answered by a Deferred.
 *
 * One connection carries all commands in order, without waiting for the reply before. It is made
 * at the first command, and made again, later and later, when it fails or is lost and somebody
 * still waits. Messages of channels come over a second connection.
 *
 *     static tw_value show(tw_value count, void *arg)
 *     {
 *         printf("%lld visits\n", (long long)tw_integer_of(count));
 *         return tw_none();
 *     }
 *     ...
 *     tw_redis *redis = tw_redis_new("redis://127.0.0.1", NULL);
 *     tw_deferred *count = tw_redis_command(redis, "INCR", "visits");
 *     tw_add_callback(count, show, NULL);
 *     tw_add_errback(count, tw_log_failure, "INCR");
 *     tw_deferred_unref(count);
 *
 * In a coroutine: tw_value count = tw_await(tw_redis_command(redis, "INCR", "visits")).
 *
 * Replies are values: a string or status is bytes, an integer an integer, nil none, an array a
 * list, at most 7 deep. An error is a failure of tw_error_redis with the server's words, as an
 * item of a list, too (of EXEC). Protocol: RESP2, https://redis.io/docs/reference/protocol-spec/.
 * Everything belongs to one reactor's thread. After txredisapi and hiredis.
 */
#ifndef TWEED_REDIS_H
#define TWEED_REDIS_H

#include <tweed/deferred.h>
#include <tweed/tls.h>

TW_BEGIN

typedef struct tw_redis tw_redis;

/* An error that the server replied: the message is its text, "WRONGTYPE Operation against ...". */
TW_API extern const tw_error_class tw_error_redis;

/* All zero is the default. Seconds; a negative time or limit is none. Strings are copied. */
struct tw_redis_options {
    const char *user, *password; /* for AUTH, in place of the URL's */
    tw_tls_context *tls;         /* counted; of rediss:, NULL: the system's trust */
    double connect_timeout;      /* name, TCP, TLS, AUTH and SELECT; 0: 10 */
    /* Of a command, from its call to its reply, the wait for a connection included; 0: 30. A
     * server that keeps a command waiting for longer loses the connection, since the commands
     * behind it could not be answered: give commands that block (BLPOP, XREAD BLOCK) a tw_redis of
     * their own with a longer time. */
    double timeout;
    double min_delay, max_delay; /* between attempts to connect, doubling; 0: 0.1 and 5 */
    int64_t max_reply;           /* bytes of one reply; 0: 512 MiB, which is Redis's own limit */
    int64_t max_pending;         /* commands without a reply; 0: 1,000,000 */
    /* Called when the connection is ready for commands, and when it is lost or could not be made
     * (`why`, lent); may do anything. */
    void (*on_state)(tw_redis *redis, bool ready, tw_value why, void *arg);
    void *arg;
};
/*
 * A client of the server at `url`; nothing is connected yet. Counted. The URL is one of
 *   redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]     port 6379
 *   rediss://...                                         the same over TLS
 *   unix:/PATH[?db=DATABASE]
 * NULL when there is no memory, or errno EINVAL; then *ret_why, if it is given, says what is wrong
 * (static).
 */
TW_API TW_MUST_USE tw_redis *tw_redis_open(const char *url,
                                           const struct tw_redis_options *options,
                                           const char **ret_why);
static inline TW_MUST_USE tw_redis *tw_redis_new(const char *url,
                                                 const struct tw_redis_options *options)
{
    return tw_redis_open(url, options, NULL);
}
TW_API tw_redis *tw_redis_ref(tw_redis *redis);
/* With the last reference the connections are closed; commands without a reply fail with
 * tw_error_connection_aborted. NULL is allowed, here and below: its commands are NULL. */
TW_API void tw_redis_unref(tw_redis *redis);
/* True if commands go out at once. */
TW_API bool tw_redis_ready(const tw_redis *redis);
/* The number of commands without a reply. */
TW_API size_t tw_redis_pending(const tw_redis *redis);

/*
 * Send a command: its words are strings, tw_redis_command(redis, "SET", "key", "value").
 *
 * Fires with the reply. Fails with
 *   tw_error_redis              the server's error
 *   tw_error_connection         the connection was lost after the command had been sent, so it may
 *                               have been carried out or not; the cause says how
 *   tw_error_timeout            no reply in time; whether it was carried out is not known
 *   tw_error_queue_full         max_pending
 *   tw_error_protocol, _toolarge   the reply
 *   what AUTH or SELECT failed with: a wrong password is told to all that wait
 * A command is sent once. While there is no connection it waits until its time is up; the cause of
 * its tw_error_timeout then says why there was none. A cancel of a command that has not been sent
 * takes it back; else its reply will be dropped.
 */
#define tw_redis_command(redis, ...)                                                    \
    tw_redis_command_at(TW_HERE, (redis), \
                        (const char *const[]){ __VA_ARGS__, (const char *)0 })
TW_API TW_MUST_USE tw_deferred *tw_redis_command_at(const char *where, tw_redis *redis,
                                                    const char *const *words);
/* The same with lengths: words of any bytes. */
#define tw_redis_send(redis, count, words, lengths) \
    tw_redis_send_at(TW_HERE, (redis), (count), (words), (lengths))
TW_API TW_MUST_USE tw_deferred *tw_redis_send_at(const char *where, tw_redis *redis,
                                                 size_t count, const char *const *words,
                                                 const size_t *lengths);

/* Run a Lua script, by EVALSHA and, if the server does not know it, EVAL. The words are the keys
 * and then the other arguments. `sha1` is filled in at the first use: static, { .lua = "..." }. */
struct tw_redis_script {
    const char *lua;
    char sha1[41];
};
#define tw_redis_eval(redis, script, key_count, count, words, lengths) \
    tw_redis_eval_at(TW_HERE, (redis), (script), (key_count), (count), (words), (lengths))
TW_API TW_MUST_USE tw_deferred *tw_redis_eval_at(const char *where, tw_redis *redis,
                                                 struct tw_redis_script *script,
                                                 size_t key_count, size_t count,
                                                 const char *const *words,
                                                 const size_t *lengths);

/* --- channels ------------------------------------------------------------------------------- */

typedef struct tw_redis_subscription tw_redis_subscription;
/* Call on_message for each message of the channel, or with `is_pattern` of all channels that match
 * (PSUBSCRIBE). `channel` and `message` are bytes, lent. It is subscribed again when the connection
 * comes back; messages sent meanwhile are lost, as Redis keeps none. on_message may do anything.
 * NULL when there is no memory, or errno EINVAL (no function, no channel). */
TW_API TW_MUST_USE tw_redis_subscription *tw_redis_subscribe(
    tw_redis *redis, const char *channel, bool is_pattern,
    void (*on_message)(tw_value channel, tw_value message, void *arg), void *arg);
/* Fires with none when the server has confirmed it; NULL-safe. A cancel does nothing else. */
TW_API TW_MUST_USE tw_deferred *tw_redis_subscribed(tw_redis_subscription *subscription);
/* Take it back; on_message is not called again. NULL is allowed. */
TW_API void tw_redis_unsubscribe(tw_redis_subscription *subscription);

TW_END
#endif
