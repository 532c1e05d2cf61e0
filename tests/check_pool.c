/* SPDX-License-Identifier: MIT */
/*
 * check_pool.c - which request gets which connection, and when connections go.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/client_peer.h"
#include "tests/test.h"

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

enum { MANY = 8 };

static struct peer peer;
static struct outcome got[MANY];

static void start(const struct tw_agent_options *options)
{
    struct tw_agent_options own = *options;

    own.proxy = "";
    client_begin_with(&own);
    peer = (struct peer){ .reply = HI };
    peer_begin(&peer, 80);
    memset(got, 0, sizeof got);
}

static void stop(void)
{
    if (client_agent != NULL)
        tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(&peer);
    client_end();
    for (size_t i = 0; i < MANY; i++)
        outcome_free(&got[i]);
}

static const struct tw_agent_options defaults;

static void ask(size_t i, const char *url)
{
    outcome_of(&got[i], tw_agent_request(client_agent, url, NULL));
}

static struct tw_agent_counts counts(void)
{
    return tw_agent_counts(client_agent);
}

/* Answers are given by hand. */
static struct peer_connection *waiting[MANY];
static size_t waiting_count;

static void answer_later(struct peer_connection *connection, const char *request)
{
    (void)request;
    waiting[waiting_count++] = connection;
}

static void answer_next(void)
{
    struct peer_connection *connection = waiting[0];

    ck_assert_uint_gt(waiting_count, 0);
    memmove(waiting, waiting + 1, --waiting_count * sizeof waiting[0]);
    peer_send(connection, HI);
    client_settle();
}

static void hold_answers(void)
{
    waiting_count = 0;
    peer.answer = answer_later;
}

/* --- reuse --------------------------------------------------------------------------------- */

START_TEST(a_connection_is_used_again)
{
    start(&defaults);
    for (size_t i = 0; i < 3; i++) {
        ask(i, "http://a/");
        client_settle();
        ck_assert_str_eq(got[i].body, "hi");
    }
    ck_assert_uint_eq(peer.connections, 1);
    ck_assert_uint_eq(counts().connects, 1);
    ck_assert_uint_eq(counts().requests, 3);
    ck_assert_uint_eq(counts().reused, 2);
    ck_assert_uint_eq(counts().idle, 1);
    stop();
}
END_TEST

static tw_value ask_again(tw_value page, void *arg)
{
    (void)arg;
    ask(1, "http://a/again");
    return page;
}

START_TEST(a_callback_finds_the_connection_of_its_own_request_free)
{
    tw_deferred *first;

    start(&defaults);
    first = tw_agent_request(client_agent, "http://a/", NULL);
    tw_add_callback(first, ask_again, NULL);
    outcome_of(&got[0], first);
    client_settle();
    ck_assert_uint_eq(got[1].status, 200);
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

START_TEST(the_connection_used_last_is_used_first)
{
    start(&defaults);
    hold_answers();
    for (size_t i = 0; i < 3; i++)
        ask(i, "http://a/");
    client_settle();
    ck_assert_uint_eq(peer.connections, 3);
    answer_next();
    answer_next();
    answer_next();
    ck_assert_uint_eq(counts().idle, 3);
    ask(3, "http://a/");
    client_settle();
    ck_assert_uint_eq(waiting[0]->number, 3);
    answer_next();
    stop();
}
END_TEST

static const struct {
    const char *one, *other;
    bool shared;
} places[] = {
    { "http://a/", "http://a/x?y#z", true },
    { "http://a/", "http://A:80/", true },
    { "http://a/", "http://b/", false },
    { "http://a/", "http://a:81/", false },
    { "http://u:p@a/", "http://a/", true },
    { "http://a/", "http://www.a/", false },
    { "http://127.1/", "http://127.0.0.1/", true },
};

START_TEST(connections_belong_to_a_place)
{
    struct peer second = { .reply = HI };

    start(&defaults);
    peer_begin(&second, 81);
    ask(0, places[_i].one);
    client_settle();
    ask(1, places[_i].other);
    client_settle();
    ck_assert_int_eq(got[1].status, 200);
    ck_assert_uint_eq(peer.connections + second.connections, places[_i].shared ? 1 : 2);
    tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(&second);
    stop();
}
END_TEST

/* --- limits -------------------------------------------------------------------------------- */

START_TEST(a_host_has_no_more_connections_than_allowed)
{
    start(&(struct tw_agent_options){ .max_per_host = 2 });
    hold_answers();
    for (size_t i = 0; i < 6; i++)
        ask(i, "http://a/");
    client_settle();
    ck_assert_uint_eq(peer.open_count, 2);
    ck_assert_uint_eq(counts().waiting, 4);
    for (size_t i = 0; i < 6; i++)
        answer_next();
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(got[i].status, 200);
    ck_assert_uint_eq(peer.most_open, 2);
    ck_assert_uint_eq(counts().connects, 2);
    stop();
}
END_TEST

static const char *paths[] = { "http://a/0", "http://a/1", "http://a/2", "http://a/3" };

START_TEST(who_came_first_is_served_first)
{
    const char *at;

    start(&(struct tw_agent_options){ .max_per_host = 1 });
    for (size_t i = 0; i < 4; i++)
        ask(i, paths[i]);
    client_settle();
    at = peer_log(&peer);
    for (size_t i = 0; i < 4; i++) {
        char line[20];
        snprintf(line, sizeof line, "GET /%zu ", i);
        at = strstr(at, line);
        ck_assert_msg(at != NULL, "%s", line);
    }
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

static void close_each(struct peer_connection *connection, const char *request)
{
    (void)request;
    peer_send(connection, HI);
    peer_close(connection);
}

START_TEST(a_line_goes_on_when_connections_close)
{
    start(&(struct tw_agent_options){ .max_per_host = 2 });
    peer.answer = close_each;
    for (size_t i = 0; i < MANY; i++)
        ask(i, "http://a/");
    tw_testing_advance(1);
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(got[i].status, 200);
    ck_assert_uint_le(peer.most_open, 2);
    stop();
}
END_TEST

START_TEST(a_line_goes_on_when_connecting_fails)
{
    start(&(struct tw_agent_options){ .max_per_host = 1 });
    for (size_t i = 0; i < 3; i++)
        ask(i, "http://a:99/");
    tw_testing_advance(1);
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_eq(got[i].error, &tw_error_connect_refused);
    ck_assert_uint_eq(counts().connections, 0);
    stop();
}
END_TEST

START_TEST(the_total_counts_all_hosts)
{
    start(&(struct tw_agent_options){ .max_total = 2 });
    hold_answers();
    ask(0, "http://a/");
    ask(1, "http://b/");
    ask(2, "http://c/");
    client_settle();
    ck_assert_uint_eq(peer.open_count, 2);
    ck_assert_uint_eq(counts().waiting, 1);
    answer_next();
    client_settle();
    ck_assert_uint_eq(peer.connections, 3);
    answer_next();
    answer_next();
    ck_assert_int_eq(got[2].status, 200);
    ck_assert_uint_le(peer.most_open, 2);
    stop();
}
END_TEST

START_TEST(an_unused_connection_makes_room_for_another_host)
{
    start(&(struct tw_agent_options){ .max_total = 2 });
    ask(0, "http://a/");
    client_settle();
    tw_testing_advance(1);
    ask(1, "http://b/");
    client_settle();
    ck_assert_uint_eq(counts().idle, 2);
    ask(2, "http://c/");
    client_settle();
    ck_assert_int_eq(got[2].status, 200);
    ask(3, "http://b/");
    client_settle();
    ck_assert_uint_eq(peer.connections, 3); /* it was a's, unused for longest, that went */
    stop();
}
END_TEST

START_TEST(a_host_without_connections_does_not_starve)
{
    start(&(struct tw_agent_options){ .max_total = 1 });
    hold_answers();
    ask(0, "http://a/");
    client_settle();
    ask(1, "http://a/");
    ask(2, "http://b/");
    ask(3, "http://a/");
    answer_next();
    client_settle();
    ck_assert_uint_eq(peer_count(&peer, "Host: b\r\n"), 1);
    for (size_t i = 0; i < 3; i++) {
        client_settle();
        answer_next();
    }
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(got[i].status, 200);
    ck_assert_uint_eq(peer.most_open, 1);
    stop();
}
END_TEST

START_TEST(busy_hosts_keep_their_connections)
{
    start(&(struct tw_agent_options){ .max_total = 2 });
    hold_answers();
    ask(0, "http://a/");
    ask(1, "http://b/");
    client_settle();
    for (size_t i = 2; i < MANY; i++)
        ask(i, i % 2 == 0 ? "http://a/" : "http://b/");
    for (size_t i = 0; i < MANY; i++)
        answer_next();
    ck_assert_uint_eq(counts().connects, 2);
    stop();
}
END_TEST

START_TEST(a_cancelled_request_leaves_the_line)
{
    tw_deferred *second;

    start(&(struct tw_agent_options){ .max_per_host = 1 });
    hold_answers();
    ask(0, "http://a/0");
    second = tw_agent_request(client_agent, "http://a/1", NULL);
    outcome_of(&got[1], tw_deferred_ref(second));
    ask(2, "http://a/2");
    client_settle();
    ck_assert_int_eq(tw_cancel(second), 0);
    tw_deferred_unref(second);
    ck_assert_ptr_eq(got[1].error, &tw_error_cancelled);
    answer_next();
    answer_next();
    ck_assert_int_eq(got[2].status, 200);
    ck_assert_uint_eq(peer_count(&peer, "GET /1 "), 0);
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

START_TEST(the_time_in_the_line_counts)
{
    struct tw_fetch_options options = { .timeout = 5 };

    start(&(struct tw_agent_options){ .max_per_host = 1 });
    hold_answers();
    ask(0, "http://a/");
    outcome_of(&got[1], tw_agent_request(client_agent, "http://a/", &options));
    tw_testing_advance(6);
    ck_assert_ptr_eq(got[1].error, &tw_error_timeout);
    ck_assert_double_eq_tol(got[1].at, 5, 0.01);
    ck_assert_uint_eq(counts().waiting, 0);
    ck_assert_uint_eq(peer.open_count, 1);
    answer_next();
    stop();
}
END_TEST

/* --- ages ---------------------------------------------------------------------------------- */

START_TEST(an_unused_connection_is_closed_in_time)
{
    start(&(struct tw_agent_options){ .idle_timeout = 10 });
    ask(0, "http://a/");
    client_settle();
    tw_testing_advance(6);
    ask(1, "http://a/");
    ask(2, "http://b/");
    client_settle();
    tw_testing_advance(9.9);
    ck_assert_uint_eq(peer.open_count, 2);
    tw_testing_advance(0.2);
    ck_assert_uint_eq(peer.open_count, 0);
    ck_assert_uint_eq(counts().connections, 0);
    stop();
}
END_TEST

START_TEST(a_negative_idle_timeout_is_none)
{
    start(&(struct tw_agent_options){ .idle_timeout = -1 });
    ask(0, "http://a/");
    tw_testing_advance(100000);
    ck_assert_uint_eq(counts().idle, 1);
    stop();
}
END_TEST

START_TEST(a_connection_has_a_number_of_uses)
{
    start(&(struct tw_agent_options){ .max_uses = 2 });
    for (size_t i = 0; i < 5; i++) {
        ask(i, "http://a/");
        client_settle();
    }
    ck_assert_uint_eq(peer.connections, 3);
    ck_assert_uint_eq(peer.open_count, 1);
    stop();
}
END_TEST

START_TEST(a_connection_has_an_age)
{
    start(&(struct tw_agent_options){ .max_age = 10, .idle_timeout = -1 });
    ask(0, "http://a/");
    tw_testing_advance(9);
    ask(1, "http://a/");
    client_settle();
    ck_assert_uint_eq(peer.connections, 1);
    tw_testing_advance(2);
    ask(2, "http://a/");
    client_settle();
    ck_assert_uint_eq(peer.connections, 2);
    ck_assert_uint_eq(peer.open_count, 1);
    stop();
}
END_TEST

START_TEST(unused_connections_have_a_limit)
{
    start(&(struct tw_agent_options){ .max_idle_per_host = 1 });
    for (size_t i = 0; i < 4; i++)
        ask(i, "http://a/");
    tw_testing_advance(1);
    ck_assert_uint_eq(peer.connections, 4);
    ck_assert_uint_eq(counts().idle, 1);
    ck_assert_uint_eq(peer.open_count, 1);
    stop();
}
END_TEST

START_TEST(a_connection_that_the_server_closes_is_forgotten)
{
    start(&defaults);
    ask(0, "http://a/");
    client_settle();
    peer_close(peer_last(&peer));
    client_settle();
    ck_assert_uint_eq(counts().connections, 0);
    ask(1, "http://a/");
    client_settle();
    ck_assert_int_eq(got[1].status, 200);
    stop();
}
END_TEST

/* --- retries ------------------------------------------------------------------------------- */

/* Answers the first request of each connection and drops the second unanswered. */
static void answer_first(struct peer_connection *connection, const char *request)
{
    (void)request;
    if (connection->requests == 1)
        peer_send(connection, HI);
    else if (connection->peer->user != NULL)
        peer_reset(connection);
    else
        peer_close(connection);
}

static const struct {
    const char *method, *body;
    bool reset, again;
} retries[] = {
    { "GET", NULL, false, true },    { "GET", NULL, true, true },
    { "HEAD", NULL, false, true },   { "OPTIONS", NULL, false, true },
    { "DELETE", NULL, false, true }, { "TRACE", NULL, false, true },
    { "POST", NULL, false, false },  { "PUT", NULL, false, false },
    { "PATCH", NULL, false, false }, { "MINE", NULL, false, false },
    { "GET", "x", false, false },    { "POST", "x", true, false },
};

START_TEST(a_dead_connection_is_replaced_where_that_is_safe)
{
    struct tw_fetch_options options = {
        .method = retries[_i].method,
        .body = retries[_i].body,
        .body_length = retries[_i].body != NULL ? 1 : 0,
    };

    start(&defaults);
    peer.answer = answer_first;
    peer.user = retries[_i].reset ? &peer : NULL;
    ask(0, "http://a/");
    client_settle();
    outcome_of(&got[1], tw_agent_request(client_agent, "http://a/second", &options));
    client_settle();
    if (retries[_i].again)
        ck_assert_int_eq(got[1].status, 200);
    else
        ck_assert_ptr_eq(got[1].error,
                         retries[_i].reset ? &tw_error_connection_lost : &tw_error_empty);
    ck_assert_uint_eq(peer.connections, retries[_i].again ? 2 : 1);
    stop();
}
END_TEST

static void answer_none_but_the_first(struct peer_connection *connection, const char *request)
{
    (void)request;
    if (connection->peer->requests == 1)
        peer_send(connection, HI);
    else
        peer_close(connection);
}

START_TEST(a_request_is_retried_once)
{
    start(&defaults);
    peer.answer = answer_none_but_the_first;
    ask(0, "http://a/");
    client_settle();
    ask(1, "http://a/");
    client_settle();
    ck_assert_ptr_eq(got[1].error, &tw_error_empty);
    ck_assert_uint_eq(peer.requests, 3);
    stop();
}
END_TEST

START_TEST(a_new_connection_is_not_retried)
{
    start(&defaults);
    peer.reply = NULL;
    peer.then = PEER_CLOSES;
    ask(0, "http://a/");
    client_settle();
    ck_assert_ptr_eq(got[0].error, &tw_error_empty);
    ck_assert_uint_eq(peer.requests, 1);
    stop();
}
END_TEST

START_TEST(a_retry_does_not_take_another_old_connection)
{
    start(&defaults);
    hold_answers();
    ask(0, "http://a/");
    ask(1, "http://a/");
    client_settle();
    answer_next();
    answer_next();
    ck_assert_uint_eq(counts().idle, 2);
    peer.answer = answer_first;
    ask(2, "http://a/");
    client_settle();
    ck_assert_int_eq(got[2].status, 200);
    ck_assert_uint_eq(peer.connections, 3);
    stop();
}
END_TEST

START_TEST(half_an_answer_is_not_retried)
{
    start(&defaults);
    ask(0, "http://a/");
    client_settle();
    peer.reply = "HTTP/1.1 2";
    peer.then = PEER_CLOSES;
    ask(1, "http://a/");
    client_settle();
    ck_assert_ptr_eq(got[1].error, &tw_error_partial);
    ck_assert_uint_eq(peer.requests, 2);
    stop();
}
END_TEST

/* --- agents -------------------------------------------------------------------------------- */

START_TEST(an_agent_lives_as_long_as_its_requests)
{
    start(&defaults);
    hold_answers();
    ask(0, "http://a/");
    client_settle();
    tw_agent_unref(client_agent);
    answer_next();
    ck_assert_int_eq(got[0].status, 200);
    client_settle();
    ck_assert_uint_eq(peer.open_count, 0);
    client_agent = tw_agent_new(NULL);
    stop();
}
END_TEST

START_TEST(requests_end_with_the_reactor)
{
    start(&(struct tw_agent_options){ .max_per_host = 1 });
    hold_answers();
    ask(0, "http://a/");
    ask(1, "http://a/");
    client_settle();
    tw_listener_close(peer.listener);
    tw_testing_end();
    ck_assert_uint_eq(got[0].fired, 1);
    ck_assert_uint_eq(got[1].fired, 1);
    ck_assert_ptr_nonnull(got[0].error);
    ck_assert_ptr_nonnull(got[1].error);
    outcome_free(&got[0]);
    outcome_free(&got[1]);
    outcome_of(&got[2], tw_agent_request(client_agent, "http://a/", NULL));
    ck_assert_ptr_eq(got[2].error, &tw_error_abandoned);
    outcome_free(&got[2]);
    tw_agent_unref(client_agent);
    twi_buf_free(&peer.log);
}
END_TEST

static const struct tw_agent_options bad[] = {
    { .proxy = "ftp://x" },
    { .proxy = "http://x:0" },
    { .idle_timeout = 1e300 * 1e300 },
    { .max_age = 0.0 / 0.0 },
};

START_TEST(bad_settings_are_refused)
{
    ck_assert_int_eq(tw_testing_begin(), 0);
    errno = 0;
    ck_assert_ptr_null(tw_agent_new(&bad[_i]));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

START_TEST(a_thread_has_an_agent_of_its_own)
{
    ck_assert_int_eq(tw_testing_begin(), 0);
    ck_assert_ptr_nonnull(tw_agent_current());
    ck_assert_ptr_eq(tw_agent_current(), tw_agent_current());
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");

    TEST_ADD(suite, a_connection_is_used_again);
    TEST_ADD(suite, a_callback_finds_the_connection_of_its_own_request_free);
    TEST_ADD(suite, the_connection_used_last_is_used_first);
    TEST_ADD_ROWS(suite, connections_belong_to_a_place, places);
    TEST_ADD(suite, a_host_has_no_more_connections_than_allowed);
    TEST_ADD(suite, who_came_first_is_served_first);
    TEST_ADD(suite, a_line_goes_on_when_connections_close);
    TEST_ADD(suite, a_line_goes_on_when_connecting_fails);
    TEST_ADD(suite, the_total_counts_all_hosts);
    TEST_ADD(suite, an_unused_connection_makes_room_for_another_host);
    TEST_ADD(suite, a_host_without_connections_does_not_starve);
    TEST_ADD(suite, busy_hosts_keep_their_connections);
    TEST_ADD(suite, a_cancelled_request_leaves_the_line);
    TEST_ADD(suite, the_time_in_the_line_counts);
    TEST_ADD(suite, an_unused_connection_is_closed_in_time);
    TEST_ADD(suite, a_negative_idle_timeout_is_none);
    TEST_ADD(suite, a_connection_has_a_number_of_uses);
    TEST_ADD(suite, a_connection_has_an_age);
    TEST_ADD(suite, unused_connections_have_a_limit);
    TEST_ADD(suite, a_connection_that_the_server_closes_is_forgotten);
    TEST_ADD_ROWS(suite, a_dead_connection_is_replaced_where_that_is_safe, retries);
    TEST_ADD(suite, a_request_is_retried_once);
    TEST_ADD(suite, a_new_connection_is_not_retried);
    TEST_ADD(suite, a_retry_does_not_take_another_old_connection);
    TEST_ADD(suite, half_an_answer_is_not_retried);
    TEST_ADD(suite, an_agent_lives_as_long_as_its_requests);
    TEST_ADD(suite, requests_end_with_the_reactor);
    TEST_ADD_ROWS(suite, bad_settings_are_refused, bad);
    TEST_ADD(suite, a_thread_has_an_agent_of_its_own);
    return test_run(suite);
}
