/* SPDX-License-Identifier: MIT */
/*
 * check_redis.c - commands to a server of the test, in memory and virtual time: what it saw, and
 * what the Deferreds fired with.
 */
#include "config.h"

#include <string.h>

#include <tweed/redis.h>

#include "tests/redis_server.h"
#include "tests/trace.h"

static tw_redis *client(const char *tail, struct tw_redis_options options)
{
    char url[200];

    snprintf(url, sizeof url, "redis://%s", tail);
    return test_given(tw_redis_new(url, &options));
}

#define CLIENT(...) client("redis.example", (struct tw_redis_options){ __VA_ARGS__ })

static tw_value end_of_chain(tw_value result, void *step)
{
    trace_seen(step, result);
    return tw_none();
}

/* The trace tells how it ends. */
static void ask(tw_redis *redis, const char *word)
{
    tw_deferred *deferred = tw_redis_command(redis, word);

    tw_add_both(deferred, end_of_chain, (void *)word);
    tw_deferred_unref(deferred);
}

/* --- replies ---------------------------------------------------------------------------------- */

static const struct {
    const char *wire, *value;
} replies[] = {
    { "+OK\r\n", "OK" },
    { "+\r\n", "" },
    { "$5\r\nhello\r\n", "hello" },
    { "$0\r\n\r\n", "" },
    { "$2\r\n\r\n\r\n", "\r\n" },
    { ":12\r\n", "12" },
    { ":-9223372036854775808\r\n", "-9223372036854775808" },
    { "$-1\r\n", "none" },
    { "*-1\r\n", "none" },
    { "*0\r\n", "()" },
    { "*2\r\n:1\r\n$1\r\na\r\n", "(1 a)" },
    { "*2\r\n*1\r\n+x\r\n*0\r\n", "((x) ())" },
    { "*2\r\n$-1\r\n-ERR no\r\n", "(none !redis ERR no)" },
    { "-WRONGTYPE Operation against a key\r\n", "!redis WRONGTYPE Operation against a key" },
    { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n", "(((((((7)))))))" },
    { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n",
      "!protocol No support for nested multi bulk replies with depth > 7" },
    { "?what\r\n", "!protocol Protocol error, got \"?\" as reply type byte" },
    { "$600000000\r\n", "!timeout no reply from Redis in time" },
    { "*2147483647\r\n:1\r\n", "!timeout no reply from Redis in time" },
};

static void value_tell(tw_value value, char *text)
{
    char *at = text + strlen(text);

    if (tw_is_failure(value)) {
        sprintf(at, "!%s %s", trace_class(value), tw_failure_message(value));
    } else if (tw_is(value, &tw_type_list)) {
        strcat(at, "(");
        for (size_t i = 0; i < tw_list_length(value); i++) {
            strcat(text, i > 0 ? " " : "");
            value_tell(tw_list_at(value, i), text);
        }
        strcat(text, ")");
    } else if (tw_is(value, &tw_type_bytes)) {
        memcpy(at, tw_bytes_data(value), tw_bytes_length(value) + 1);
    } else if (tw_is_none(value)) {
        strcat(at, "none");
    } else {
        sprintf(at, "%lld", (long long)tw_integer_of(value));
    }
}

static tw_value keep_told(tw_value result, void *text)
{
    value_tell(result, text);
    return tw_none();
}

static void reply_becomes(const char *wire, const char *value, size_t piece)
{
    char told[1000] = "";
    tw_redis *redis;
    tw_deferred *deferred;

    begin();
    server_open();
    redis = CLIENT(.timeout = 5);
    deferred = tw_redis_command(redis, "GET", "key");
    tw_add_both(deferred, keep_told, told);
    tw_deferred_unref(deferred);
    tw_testing_settle();
    ck_assert_str_eq(server_saw(), "[GET key]");
    for (size_t at = 0; wire[at] != '\0' && server.last != NULL; at += piece) {
        size_t length = strlen(wire + at);
        tw_transport_write(server.last->transport, wire + at, length < piece ? length : piece);
        tw_testing_settle();
        if (length < piece)
            break;
    }
    tw_testing_advance(6);
    ck_assert_str_eq(told, value);
    tw_redis_unref(redis);
    end();
}

START_TEST(a_reply_becomes_a_value)
{
    reply_becomes(replies[_i].wire, replies[_i].value, 1000);
}
END_TEST

START_TEST(a_reply_may_come_in_pieces)
{
    reply_becomes(replies[_i].wire, replies[_i].value, 1);
}
END_TEST

START_TEST(a_reply_that_is_too_large_ends_the_connection)
{
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(.max_reply = 16);
    ask(redis, "a");
    ask(redis, "b");
    tw_testing_settle();
    server_says("$5\r\nsmall\r\n");
    ck_trace("a=small");
    server_says("$1000\r\n012345678901234567890");
    ck_trace("b!toolarge");
    ck_assert(!tw_redis_ready(redis));
    tw_redis_unref(redis);
    end();
}
END_TEST

/* --- order ------------------------------------------------------------------------------------ */

START_TEST(commands_go_out_without_waiting_and_are_answered_in_order)
{
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(0);
    ask(redis, "a");
    ask(redis, "b");
    ask(redis, "c");
    ck_assert_uint_eq(tw_redis_pending(redis), 3);
    tw_testing_settle();
    ck_assert_str_eq(server_saw(), "[a] [b] [c]");
    server_says("+1\r\n:2\r\n-ERR three\r\n");
    ck_trace("a=1 b=2 c!redis");
    ck_assert_uint_eq(tw_redis_pending(redis), 0);
    ck_assert_uint_eq(server.connections, 1);
    tw_redis_unref(redis);
    end();
}
END_TEST

START_TEST(words_may_hold_any_bytes)
{
    static const char *const words[] = { "SET", "a\0b", "" };
    static const size_t lengths[] = { 3, 3, 0 };
    static const char wire[] = "*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$0\r\n\r\n";
    tw_redis *redis;
    tw_deferred *deferred;

    begin();
    server_open();
    redis = CLIENT(0);
    deferred = tw_redis_send(redis, 3, words, lengths);
    tw_add_errback(deferred, end_of_chain, "binary");
    tw_testing_settle();
    ck_assert_mem_eq(server.seen, wire, sizeof wire - 1);
    tw_deferred_unref(deferred);
    tw_redis_unref(redis);
    end();
}
END_TEST

START_TEST(a_cancelled_command_is_not_sent_or_its_reply_dropped)
{
    tw_redis *redis;
    tw_deferred *first, *second;

    begin();
    server_open();
    redis = CLIENT(0);
    first = tw_redis_command(redis, "first");
    tw_add_both(first, end_of_chain, "first");
    tw_cancel(first);
    second = tw_redis_command(redis, "second");
    tw_add_both(second, end_of_chain, "second");
    ask(redis, "third");
    tw_testing_settle();
    tw_cancel(second);
    ck_assert_str_eq(server_saw(), "[second] [third]");
    server_says("+2\r\n+3\r\n");
    ck_trace("first!cancelled second!cancelled third=3");
    tw_deferred_unref(first);
    tw_deferred_unref(second);
    tw_redis_unref(redis);
    end();
}
END_TEST

START_TEST(there_are_at_most_so_many_pending)
{
    tw_redis *redis;

    begin();
    redis = CLIENT(.max_pending = 2);
    ask(redis, "a");
    ask(redis, "b");
    ask(redis, "c");
    ck_trace("c!queue_full");
    tw_redis_unref(redis);
    ck_trace("a!connection_aborted b!connection_aborted");
    end();
}
END_TEST

/* --- connections come and go ------------------------------------------------------------------ */

START_TEST(commands_wait_for_a_server_until_their_time_is_up)
{
    tw_redis *redis;

    begin();
    redis = CLIENT(.timeout = 20);
    ask(redis, "early");
    tw_testing_advance(15);
    ck_trace("");
    ask(redis, "late");
    tw_testing_advance(6);
    ck_trace("early!timeout");
    server_open();
    tw_testing_advance(5.1); /* the longest wait between two attempts */
    ck_assert_str_eq(server_saw(), "[late]");
    server_says("+hello\r\n");
    ck_trace("late=hello");
    tw_redis_unref(redis);
    end();
}
END_TEST

static tw_value tell_cause(tw_value failure, void *text)
{
    snprintf(text, 100, "%s", tw_failure_class(tw_failure_cause(failure))->name);
    return tw_none();
}

START_TEST(a_timeout_says_why_there_was_no_connection)
{
    char cause[100] = "";
    tw_redis *redis;
    tw_deferred *deferred;

    begin();
    redis = CLIENT(.timeout = 3);
    deferred = tw_redis_command(redis, "PING");
    tw_add_errback(deferred, tell_cause, cause);
    tw_testing_advance(4);
    ck_assert_str_eq(cause, "tw_error_connect_refused");
    tw_deferred_unref(deferred);
    tw_redis_unref(redis);
    end();
}
END_TEST

START_TEST(what_was_sent_is_not_sent_again)
{
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(0);
    ask(redis, "a");
    ask(redis, "b");
    tw_testing_settle();
    server_says("+1\r\n");
    server_hangs_up();
    ck_trace("a=1 b!connection_lost");
    server_saw();
    ask(redis, "c");
    tw_testing_advance(0.2);
    ck_assert_str_eq(server_saw(), "[c]");
    server_says("+3\r\n");
    ck_trace("c=3");
    ck_assert_uint_eq(server.connections, 2);
    tw_redis_unref(redis);
    end();
}
END_TEST

START_TEST(an_idle_client_stays_away)
{
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(0);
    tw_testing_advance(10);
    ck_assert_uint_eq(server.connections, 0);
    ask(redis, "a");
    tw_testing_settle();
    server_says("+1\r\n");
    server_hangs_up();
    tw_testing_advance(1000);
    ck_assert_uint_eq(server.connections, 1);
    tw_redis_unref(redis);
    end();
}
END_TEST

START_TEST(a_server_that_hangs_loses_the_connection)
{
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(.timeout = 3);
    ask(redis, "a");
    tw_testing_advance(2);
    ask(redis, "b");
    tw_testing_advance(2);
    ck_trace("a!timeout b!connection_lost");
    ask(redis, "c");
    tw_testing_advance(0.5);
    server_says("+3\r\n");
    ck_trace("c=3");
    tw_redis_unref(redis);
    end();
}
END_TEST

START_TEST(a_reply_to_nothing_ends_the_connection)
{
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(0);
    ask(redis, "a");
    tw_testing_settle();
    server_says("+1\r\n+2\r\n");
    ck_trace("a=1");
    ck_assert(!tw_redis_ready(redis));
    tw_redis_unref(redis);
    end();
}
END_TEST

static void state_tell(tw_redis *redis, bool ready, tw_value why, void *arg)
{
    (void)redis;
    (void)arg;
    trace_seen(ready ? "ready" : "down", why);
}

START_TEST(the_state_is_told)
{
    tw_redis *redis;

    begin();
    redis = CLIENT(.on_state = state_tell, .min_delay = 2);
    ask(redis, "a");
    tw_testing_advance(0.5);
    server_open();
    tw_testing_advance(2);
    server_hangs_up();
    ck_trace("down!connect_refused ready=none a!connection_lost down!connection_lost");
    tw_redis_unref(redis);
    end();
}
END_TEST

/* --- who one is ------------------------------------------------------------------------------- */

static const struct {
    const char *tail, *greeting;
} greetings[] = {
    { "redis.example", "" },
    { "redis.example/", "" },
    { "redis.example/0", "" },
    { "redis.example:6379/3", "[SELECT 3]" },
    { ":secret@redis.example", "[AUTH secret]" },
    { "me:se%20cret@redis.example/12", "[AUTH me se cret] [SELECT 12]" },
};

START_TEST(the_url_says_who_and_which_database)
{
    const char *greeting = greetings[_i].greeting;
    tw_redis *redis;

    begin();
    server_open();
    redis = client(greetings[_i].tail, (struct tw_redis_options){ 0 });
    ask(redis, "a");
    tw_testing_settle();
    if (*greeting != '\0') {
        ck_assert_str_eq(server_saw(), greeting);
        server_says("+OK\r\n");
        if (strchr(greeting, ']')[1] != '\0') {
            ck_assert_str_eq(server_saw(), "");
            server_says("+OK\r\n");
        }
    }
    ck_assert_str_eq(server_saw(), "[a]");
    tw_redis_unref(redis);
    ck_trace("a!connection_aborted");
    end();
}
END_TEST

START_TEST(a_wrong_password_is_told_to_all_that_wait)
{
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(.password = "wrong");
    ask(redis, "a");
    ask(redis, "b");
    tw_testing_settle();
    server_says("-WRONGPASS invalid\r\n");
    ck_trace("a!redis b!redis");
    ck_assert_str_eq(server_saw(), "[AUTH wrong]");
    tw_testing_advance(100);
    ck_assert_uint_eq(server.connections, 1);
    tw_redis_unref(redis);
    end();
}
END_TEST

START_TEST(a_server_that_does_not_greet_is_left)
{
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(.password = "secret", .connect_timeout = 2, .timeout = 9);
    ask(redis, "a");
    tw_testing_advance(3.1);
    ck_assert_uint_eq(server.connections, 2);
    tw_testing_advance(10);
    ck_trace("a!timeout");
    tw_redis_unref(redis);
    end();
}
END_TEST

static const struct {
    const char *url, *why;
} wrong_urls[] = {
    { "http://a/", "neither redis:, rediss: nor unix:" },
    { "redis:///3", "no host" },
    { "redis://a/x", "the path is not the number of a database" },
    { "redis://a/3/4", "the path is not the number of a database" },
    { "redis://a/-1", "the path is not the number of a database" },
    { "redis://a/3?db=4", "something behind the number of the database" },
    { "redis://a:0", "port 0" },
    { "unix:", "no path of a socket" },
    { "unix:/s?database=2", "after the path of a socket only ?db=NUMBER" },
};

START_TEST(a_wrong_url_is_refused_with_words)
{
    const char *why = "";

    ck_assert_ptr_null(tw_redis_open(wrong_urls[_i].url, NULL, &why));
    ck_assert_str_eq(why, wrong_urls[_i].why);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* --- scripts ---------------------------------------------------------------------------------- */

START_TEST(a_script_goes_by_its_hash_and_whole_if_it_is_unknown)
{
    static struct tw_redis_script script = { .lua = "return 1" };
    static const char *const words[] = { "key", "argument" };
    tw_redis *redis;
    tw_deferred *deferred;

    begin();
    server_open();
    redis = CLIENT(0);
    deferred = tw_redis_eval(redis, &script, 1, 2, words, NULL);
    tw_add_both(deferred, end_of_chain, "script");
    ask(redis, "a");
    tw_testing_settle();
    ck_assert_str_eq(server_saw(),
                     "[EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 1 key argument] [a]");
    server_says("-NOSCRIPT No matching script\r\n+1\r\n");
    ck_trace("a=1");
    ck_assert_str_eq(server_saw(), "[EVAL return 1 1 key argument]");
    server_says(":5\r\n");
    ck_trace("script=5");
    tw_deferred_unref(deferred);
    tw_redis_unref(redis);
    end();
}
END_TEST

/* --- channels --------------------------------------------------------------------------------- */

static tw_redis_subscription *taken_back;

static void message(tw_value channel, tw_value text, void *arg)
{
    char seen[100];

    snprintf(seen, sizeof seen, "%s:%s=%s", (const char *)arg, tw_bytes_data(channel),
             tw_bytes_data(text));
    trace_add(seen);
    if (taken_back != NULL)
        tw_redis_unsubscribe(taken_back);
    taken_back = NULL;
}

#define SAID(channel, text) "*3\r\n$7\r\nmessage\r\n$" channel "\r\n$" text "\r\n"

START_TEST(messages_come_again_after_the_connection_was_lost)
{
    tw_redis_subscription *news, *more;
    tw_deferred *confirmed;
    tw_redis *redis;

    begin();
    server_open();
    redis = CLIENT(0);
    news = tw_redis_subscribe(redis, "news", false, message, "n");
    more = tw_redis_subscribe(redis, "m*", true, message, "p");
    confirmed = tw_redis_subscribed(news);
    tw_add_both(confirmed, end_of_chain, "there");
    tw_testing_settle();
    ck_assert_str_eq(server_saw(), "[SUBSCRIBE news] [PSUBSCRIBE m*]");
    server_says("*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$10\r\npsubscribe\r\n$"
                "2\r\nm*\r\n:2\r\n");
    server_says(SAID("4\r\nnews", "2\r\nhi"));
    server_says("*4\r\n$8\r\npmessage\r\n$2\r\nm*\r\n$4\r\nmany\r\n$2\r\nho\r\n");
    ck_trace("there=none n:news=hi p:many=ho");
    server_hangs_up();
    tw_testing_advance(0.2);
    ck_assert_str_eq(server_saw(), "[SUBSCRIBE news] [PSUBSCRIBE m*]");
    tw_redis_unsubscribe(more);
    tw_testing_settle();
    ck_assert_str_eq(server_saw(), "[PUNSUBSCRIBE m*]");
    server_says(SAID("4\r\nnews", "2\r\nyo"));
    ck_trace("n:news=yo");
    tw_deferred_unref(confirmed);
    tw_redis_unref(redis);
    tw_redis_unsubscribe(news);
    end();
}
END_TEST

START_TEST(a_subscription_may_be_taken_back_inside_its_message)
{
    tw_redis *redis;
    tw_redis_subscription *second;

    begin();
    server_open();
    redis = CLIENT(0);
    taken_back = tw_redis_subscribe(redis, "c", false, message, "1");
    second = tw_redis_subscribe(redis, "c", false, message, "2");
    tw_testing_settle();
    server_says(SAID("1\r\nc", "1\r\na") SAID("1\r\nc", "1\r\nb"));
    ck_trace("1:c=a 2:c=a 2:c=b");
    taken_back = second;
    server_says(SAID("1\r\nc", "1\r\nc") SAID("1\r\nc", "1\r\nd"));
    ck_trace("2:c=c");
    tw_redis_unref(redis);
    end();
}
END_TEST

/* --- anything inside a callback --------------------------------------------------------------- */

static tw_value leave(tw_value result, void *redis)
{
    trace_seen("leave", result);
    tw_redis_unref(redis);
    return tw_none();
}

START_TEST(the_client_may_be_left_inside_a_callback)
{
    tw_redis *redis;
    tw_deferred *deferred;

    begin();
    server_open();
    redis = CLIENT(0);
    deferred = tw_redis_command(redis, "a");
    tw_add_both(deferred, leave, redis);
    ask(redis, "b");
    tw_testing_settle();
    server_says("+1\r\n+2\r\n");
    ck_trace("leave=1 b=2");
    tw_deferred_unref(deferred);
    end();
}
END_TEST

static tw_value ask_more(tw_value result, void *redis)
{
    trace_seen("more", result);
    ask(redis, "again");
    return tw_none();
}

START_TEST(a_callback_may_ask_more_when_the_connection_is_lost)
{
    tw_redis *redis;
    tw_deferred *deferred;

    begin();
    server_open();
    redis = CLIENT(0);
    deferred = tw_redis_command(redis, "a");
    tw_add_both(deferred, ask_more, redis);
    tw_testing_settle();
    server_hangs_up();
    ck_trace("more!connection_lost");
    tw_testing_advance(0.2);
    ck_assert_str_eq(server_saw(), "[a] [again]");
    server_says("+2\r\n");
    ck_trace("again=2");
    tw_deferred_unref(deferred);
    tw_redis_unref(redis);
    end();
}
END_TEST

static bool round_trip(void *arg)
{
    tw_redis *redis;
    tw_deferred *deferred;
    bool worked = false;

    (void)arg;
    if (tw_testing_begin() < 0)
        return false;
    memset(&server, 0, sizeof server);
    server.answers = true;
    server.factory = tw_factory_of(&server_class, NULL);
    if (server.factory != NULL) {
        struct tw_listen_options options = { .address = "redis.example", .port = 6379 };
        tw_listen(&options, server.factory, &server.listener, NULL);
    }
    redis = tw_redis_new("redis://redis.example", NULL);
    deferred = tw_redis_command(redis, "PING");
    tw_testing_advance(1);
    worked = deferred != NULL && tw_deferred_is_done(deferred) &&
             tw_is(tw_deferred_result(deferred), &tw_type_bytes);
    tw_deferred_mark_handled(deferred);
    if (redis != NULL)
        tw_redis_unref(redis);
    tw_deferred_mark_handled(deferred);
    tw_deferred_unref(deferred);
    tw_listener_close(server.listener);
    tw_factory_unref(server.factory);
    tw_testing_settle();
    tw_testing_end();
    return worked;
}

START_TEST(any_allocation_may_fail)
{
    test_each_alloc_failure(round_trip, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("Redis");

    TEST_ADD_ROWS(suite, a_reply_becomes_a_value, replies);
    TEST_ADD_ROWS(suite, a_reply_may_come_in_pieces, replies);
    TEST_ADD(suite, a_reply_that_is_too_large_ends_the_connection);
    TEST_ADD(suite, commands_go_out_without_waiting_and_are_answered_in_order);
    TEST_ADD(suite, words_may_hold_any_bytes);
    TEST_ADD(suite, a_cancelled_command_is_not_sent_or_its_reply_dropped);
    TEST_ADD(suite, there_are_at_most_so_many_pending);
    TEST_ADD(suite, commands_wait_for_a_server_until_their_time_is_up);
    TEST_ADD(suite, a_timeout_says_why_there_was_no_connection);
    TEST_ADD(suite, what_was_sent_is_not_sent_again);
    TEST_ADD(suite, an_idle_client_stays_away);
    TEST_ADD(suite, a_server_that_hangs_loses_the_connection);
    TEST_ADD(suite, a_reply_to_nothing_ends_the_connection);
    TEST_ADD(suite, the_state_is_told);
    TEST_ADD_ROWS(suite, the_url_says_who_and_which_database, greetings);
    TEST_ADD(suite, a_wrong_password_is_told_to_all_that_wait);
    TEST_ADD(suite, a_server_that_does_not_greet_is_left);
    TEST_ADD_ROWS(suite, a_wrong_url_is_refused_with_words, wrong_urls);
    TEST_ADD(suite, a_script_goes_by_its_hash_and_whole_if_it_is_unknown);
    TEST_ADD(suite, messages_come_again_after_the_connection_was_lost);
    TEST_ADD(suite, a_subscription_may_be_taken_back_inside_its_message);
    TEST_ADD(suite, the_client_may_be_left_inside_a_callback);
    TEST_ADD(suite, a_callback_may_ask_more_when_the_connection_is_lost);
    TEST_ADD(suite, any_allocation_may_fail);
    return test_run(suite);
}
