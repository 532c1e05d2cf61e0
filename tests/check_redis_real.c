/* SPDX-License-Identifier: MIT */
/*
 * check_redis_real.c - the client and a real redis-server, over a UNIX socket and TCP.
 *
 * Where there is no redis-server the tests end at once and say so.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/inline_callbacks.h>
#include <tweed/redis.h>
#include <tweed/task.h>

#include "tests/test.h"

static char folder[] = "/tmp/check_redis.XXXXXX";
static char url[100];
static pid_t server;

static bool is_installed(void)
{
    return access("/usr/bin/redis-server", X_OK) == 0 ||
           access("/usr/local/bin/redis-server", X_OK) == 0;
}

/* What it wrote to a file before is there again. */
static void server_start(void)
{
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        if (chdir(folder) < 0 || freopen("log", "a", stdout) == NULL)
            _exit(127);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", "socket",
               "--save", "", "--appendonly", "yes", "--appendfsync", "always", (char *)NULL);
        _exit(127);
    }
}

static void server_kill(void)
{
    kill(server, SIGKILL);
    ck_assert_int_eq(waitpid(server, NULL, 0), server);
}

/* In a body: the reply, lent until it ends. */
#define ASK(redis, ...) tw_await(tw_redis_command((redis), __VA_ARGS__))

/* Run a body against a fresh server. */
static void with_server(tw_value (*body)(void *arg))
{
    tw_redis *redis;
    tw_value result;

    if (!is_installed()) {
        printf("skipped, no redis-server here\n");
        return;
    }
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(url, sizeof url, "unix:%s/socket?db=3", folder);
    server_start();
    redis = test_given(tw_redis_new(url, NULL));
    result = tw_block_on(tw_inline_callbacks(body, redis));
    if (tw_is_failure(result))
        ck_abort_msg("%s", tw_failure_message(result));
    tw_release(result);
    tw_redis_unref(redis);
    server_kill();
    ck_assert_int_eq(system((snprintf(url, sizeof url, "rm -r %s", folder), url)), 0);
    tw_reactor_uninstall();
}

static tw_value all_kinds(void *redis)
{
    size_t big = 10000000;
    char *data;
    tw_value bytes = tw_bytes_new(big, &data), reply;
    const char *words[3] = { "SET", "big", data };
    const size_t lengths[3] = { 3, 3, big };

    memset(data, 'b', big);
    data[5] = '\0';
    ck_assert_str_eq(tw_bytes_data(ASK(redis, "SET", "key", "value")), "OK");
    ck_assert_str_eq(tw_bytes_data(ASK(redis, "GET", "key")), "value");
    ck_assert(tw_is_none(ASK(redis, "GET", "none")));
    ck_assert_int_eq(tw_integer_of(ASK(redis, "STRLEN", "key")), 5);
    reply = tw_await(tw_redis_send(redis, 3, words, lengths));
    ck_assert_str_eq(tw_bytes_data(reply), "OK");
    reply = ASK(redis, "GET", "big");
    ck_assert_uint_eq(tw_bytes_length(reply), big);
    ck_assert_mem_eq(tw_bytes_data(reply), data, big);
    tw_release(bytes);
    reply = tw_await(tw_redis_command(redis, "LPUSH", "key", "x"));
    ck_assert(tw_failure_is(reply, &tw_error_redis));
    ck_assert_int_eq(strncmp(tw_failure_message(reply), "WRONGTYPE ", 10), 0);
    tw_await(tw_redis_command(redis, "MULTI"));
    tw_await(tw_redis_command(redis, "LPUSH", "list", "x"));
    tw_await(tw_redis_command(redis, "LPUSH", "key", "x"));
    reply = ASK(redis, "EXEC");
    ck_assert_uint_eq(tw_list_length(reply), 2);
    ck_assert_int_eq(tw_integer_of(tw_list_at(reply, 0)), 1);
    ck_assert(tw_failure_is(tw_list_at(reply, 1), &tw_error_redis));
    reply = ASK(redis, "COMMAND", "INFO", "get");
    ck_assert(tw_is(tw_list_at(reply, 0), &tw_type_list));
    return tw_none();
}

START_TEST(replies_of_all_kinds)
{
    with_server(all_kinds);
}
END_TEST

static tw_value many(void *redis)
{
    enum { COUNT = 20000 };
    tw_deferred *last = NULL;
    size_t most = 0;

    for (int i = 0; i < COUNT; i++) {
        tw_deferred_unref(last);
        last = tw_redis_command(redis, "INCR", "count");
        if (tw_redis_pending(redis) > most)
            most = tw_redis_pending(redis);
    }
    ck_assert_uint_eq(most, COUNT);
    ck_assert_int_eq(tw_integer_of(tw_await(last)), COUNT);
    return tw_none();
}

START_TEST(twenty_thousand_commands_at_once)
{
    with_server(many);
}
END_TEST

static tw_value script(void *redis)
{
    static struct tw_redis_script add = {
        .lua = "return redis.call('INCRBY', KEYS[1], ARGV[1])",
    };
    static const char *const words[] = { "sum", "5" };

    for (int i = 1; i <= 3; i++)
        ck_assert_int_eq(
            tw_integer_of(tw_await(tw_redis_eval(redis, &add, 1, 2, words, NULL))), 5 * i);
    tw_await(tw_redis_command(redis, "SCRIPT", "FLUSH"));
    ck_assert_int_eq(tw_integer_of(tw_await(tw_redis_eval(redis, &add, 1, 2, words, NULL))),
                     20);
    return tw_none();
}

START_TEST(scripts_by_their_hash)
{
    with_server(script);
}
END_TEST

static tw_deferred *heard;

static void hear(tw_value channel, tw_value message, void *arg)
{
    (void)channel;
    (void)arg;
    tw_fire(&heard, tw_retain(message));
}

static tw_value channels(void *redis)
{
    tw_redis_subscription *news = tw_redis_subscribe(redis, "news", false, hear, NULL);
    tw_deferred *message = tw_promise(&heard, NULL, NULL);

    tw_await(tw_redis_subscribed(news));
    ck_assert_int_eq(tw_integer_of(ASK(redis, "PUBLISH", "news", "hello")), 1);
    ck_assert_str_eq(tw_bytes_data(tw_await(message)), "hello");
    server_kill();
    server_start();
    /* Until it has subscribed again. */
    while (tw_integer_of(tw_await(tw_redis_command(redis, "PUBLISH", "news", "x"))) != 1)
        tw_sleep(0.02);
    tw_redis_unsubscribe(news);
    return tw_none();
}

START_TEST(channels_come_back_with_the_server)
{
    with_server(channels);
}
END_TEST

/* Increments until it has seen `arg` replies; the number of commands whose fate is unknown. */
static tw_value count_up(void *redis)
{
    int64_t known = 0, unknown = 0, count;

    for (int i = 0; i < 300; i++) {
        tw_value reply = tw_await(tw_redis_command(redis, "INCR", "count"));
        if (tw_is_failure(reply))
            unknown++;
        else
            known++;
        if (i % 100 == 50) {
            server_kill();
            server_start();
        }
    }
    count = tw_integer_of(tw_await(tw_redis_command(redis, "INCRBY", "count", "0")));
    ck_assert_int_ge(count, known);
    ck_assert_int_le(count, known + unknown);
    ck_assert_int_ge(known, 290);
    return tw_none();
}

START_TEST(a_server_that_is_killed_comes_back)
{
    with_server(count_up);
}
END_TEST

static tw_value password(void *redis)
{
    const char *why = NULL;
    char good[200], bad[200];
    tw_redis *other;
    tw_value reply;

    tw_await(tw_redis_command(redis, "CONFIG", "SET", "requirepass", "a secret"));
    snprintf(good, sizeof good, "%s", url);
    other = test_given(
        tw_redis_new(good, &(struct tw_redis_options){ .password = "a secret" }));
    ck_assert_str_eq(tw_bytes_data(ASK(other, "PING")), "PONG");
    tw_redis_unref(other);
    snprintf(bad, sizeof bad, "%s", url);
    other = test_given(
        tw_redis_open(bad, &(struct tw_redis_options){ .password = "guess" }, &why));
    reply = tw_await(tw_redis_command(other, "PING"));
    ck_assert(tw_failure_is(reply, &tw_error_redis));
    ck_assert_int_eq(strncmp(tw_failure_message(reply), "WRONGPASS ", 10), 0);
    tw_redis_unref(other);
    return tw_none();
}

START_TEST(a_password_is_needed)
{
    with_server(password);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("Redis, a real one");

    TEST_ADD(suite, replies_of_all_kinds);
    TEST_ADD(suite, twenty_thousand_commands_at_once);
    TEST_ADD(suite, scripts_by_their_hash);
    TEST_ADD(suite, channels_come_back_with_the_server);
    TEST_ADD(suite, a_server_that_is_killed_comes_back);
    TEST_ADD(suite, a_password_is_needed);
    return test_run(suite);
}
