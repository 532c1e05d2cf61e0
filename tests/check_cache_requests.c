/* SPDX-License-Identifier: MIT */
/*
 * check_cache_requests.c - requests and a cache on virtual time: ages, streams, cancels, requests
 * at once and inside of others, memory that runs out.
 */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tweed/cache.h>

#include "tests/client_peer.h"
#include "tests/test.h"
#include "web/http/http_date.h"

enum { BIG = 700000 }; /* of a body that is read from its file piece by piece */

#define KEEP                                                                          \
    "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\nContent-Length: " \
    "2\r\n\r\nhi"

static struct peer peer;
static struct outcome got, other;
static tw_cache *cache;
static char folder[40];

static int file_delete(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

/* `_i` of each test: memory, folder. */
static const bool stores[] = { false, true };

static void start_limited(bool in_folder, int64_t max_bytes)
{
    struct tw_cache_options where = { .folder = in_folder ? folder : NULL,
                                      .max_bytes = max_bytes };

    ck_assert_int_eq(tw_testing_begin(), 0);
    strcpy(folder, "/tmp/check_cache_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    cache = tw_cache_new(&where);
    ck_assert_ptr_nonnull(cache);
    client_agent = tw_agent_new(&(struct tw_agent_options){ .proxy = "", .cache = cache });
    ck_assert_ptr_nonnull(client_agent);
    peer = (struct peer){ .reply = KEEP };
    peer_begin(&peer, 80);
}

static void start(bool in_folder)
{
    start_limited(in_folder, 0);
}

static void stop(void)
{
    outcome_free(&got);
    outcome_free(&other);
    tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(&peer);
    client_end();
    tw_cache_unref(cache);
    nftw(folder, file_delete, 16, FTW_DEPTH | FTW_PHYS);
}

static void fetch(const char *url, const struct tw_fetch_options *options)
{
    outcome_free(&got);
    client_get(&got, url, options);
}

static void ck_source(const struct outcome *outcome, enum tw_cache_source source,
                      size_t requests)
{
    ck_assert_ptr_null(outcome->error);
    ck_assert_int_eq(tw_response_source(outcome->result), source);
    ck_assert_uint_eq(peer.requests, requests);
}

/* --- time ---------------------------------------------------------------------------------- */

START_TEST(an_answer_ages_as_time_passes)
{
    start(stores[_i]);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_SERVER, 1);
    tw_testing_advance(50);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_CACHE, 1);
    ck_assert_int_ge(atoi(tw_response_header(got.result, "Age")), 50);
    ck_assert_int_le(atoi(tw_response_header(got.result, "Age")), 53);
    tw_testing_advance(12);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_SERVER, 2);
    ck_assert_uint_eq(peer_count(&peer, "If-None-Match: \"a\""), 1);
    stop();
}
END_TEST

static void answer_slowly(void *arg)
{
    peer_send(arg, "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nAge: 10\r\n"
                   "Content-Length: 2\r\n\r\nhi");
}

static void answer_later(struct peer_connection *connection, const char *request)
{
    (void)request;
    tw_call_later(20, answer_slowly, connection);
}

START_TEST(the_delay_of_an_answer_is_part_of_its_age)
{
    start(stores[_i]);
    peer.answer = answer_later;
    fetch("http://a/", NULL);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_CACHE, 1);
    ck_assert_int_ge(atoi(tw_response_header(got.result, "Age")), 30);
    tw_testing_advance(31);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_SERVER, 2);
    stop();
}
END_TEST

START_TEST(a_hit_needs_no_connection)
{
    start(stores[_i]);
    fetch("http://a/", NULL);
    tw_agent_close_idle(client_agent);
    client_settle();
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_CACHE, 1);
    ck_assert_uint_eq(tw_agent_counts(client_agent).connections, 0);
    ck_assert_str_eq(got.body, "hi");
    ck_assert(got.complete);
    ck_assert_uint_eq(tw_cache_counts(cache).hits, 1);
    ck_assert_uint_eq(tw_cache_counts(cache).misses, 1);
    ck_assert_uint_eq(tw_cache_counts(cache).stored, 1);
    stop();
}
END_TEST

START_TEST(an_agent_without_a_cache_may_be_given_one_for_a_request)
{
    struct tw_fetch_options options = { 0 };

    start(false);
    tw_agent_unref(client_agent);
    client_agent = tw_agent_new(&(struct tw_agent_options){ .proxy = "" });
    fetch("http://a/", NULL);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_SERVER, 2);
    options.cache = cache;
    fetch("http://a/", &options);
    fetch("http://a/", &options);
    ck_source(&got, TW_SOURCE_CACHE, 3);
    stop();
}
END_TEST

START_TEST(a_mode_counts_without_a_cache)
{
    struct tw_fetch_options options = { .cache_mode = TW_CACHE_RELOAD };

    start(false);
    tw_agent_unref(client_agent);
    client_agent = tw_agent_new(&(struct tw_agent_options){ .proxy = "" });
    fetch("http://a/", &options);
    ck_source(&got, TW_SOURCE_SERVER, 1);
    ck_assert_uint_eq(peer_count(&peer, "Pragma: no-cache\r\nCache-Control: no-cache\r\n"), 1);
    options.cache_mode = TW_CACHE_ONLY_IF_CACHED;
    fetch("http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_cache);
    stop();
}
END_TEST

START_TEST(cookies_of_a_stored_answer_are_not_set_again)
{
    struct tw_fetch_options options = { .cookies = client_cookies() };

    start(stores[_i]);
    peer.reply = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\n"
                 "Set-Cookie: k=1\r\nContent-Length: 2\r\n\r\nhi";
    fetch("http://a/", &options);
    ck_assert_uint_eq(tw_cookies_count(options.cookies), 1);
    tw_cookies_clear(options.cookies);
    fetch("http://a/", &options);
    ck_source(&got, TW_SOURCE_CACHE, 1);
    ck_assert_uint_eq(tw_cookies_count(options.cookies), 0);
    peer.reply = "HTTP/1.1 304 Same\r\nETag: \"a\"\r\nSet-Cookie: l=1\r\n\r\n";
    options.cache_mode = TW_CACHE_NO_CACHE;
    fetch("http://a/", &options);
    ck_source(&got, TW_SOURCE_REVALIDATED, 2);
    ck_assert_uint_eq(tw_cookies_count(options.cookies), 1);
    tw_cookies_unref(options.cookies);
    stop();
}
END_TEST

/* --- streams ------------------------------------------------------------------------------- */

struct stream {
    tw_value response;
    size_t length, pieces, pause_at;
    uint32_t sum;
    int give_up; /* what on_body returns */
    tw_deferred *cancel;
};

static int stream_headers(tw_value response, void *arg)
{
    struct stream *stream = arg;

    tw_drop(&stream->response);
    stream->response = tw_retain(response);
    return 0;
}

static void stream_resume(void *arg)
{
    tw_response_resume(((struct stream *)arg)->response);
}

static int stream_body(const char *data, size_t length, void *arg)
{
    struct stream *stream = arg;

    for (size_t i = 0; i < length; i++)
        stream->sum = stream->sum * 31 + (unsigned char)data[i];
    stream->length += length;
    stream->pieces++;
    if (stream->pieces == stream->pause_at) {
        tw_response_pause(stream->response);
        tw_call_later(5, stream_resume, stream);
    }
    if (stream->cancel != NULL)
        tw_cancel(stream->cancel);
    return stream->give_up;
}

static char *big_reply(void)
{
    static char text[BIG + 200];
    int head = snprintf(text, sizeof text,
                        "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n"
                        "Content-Length: %d\r\n\r\n",
                        BIG);

    for (size_t i = 0; i < BIG; i++)
        text[(size_t)head + i] = (char)(i * 7 + i / 251 + (i % 13 == 0));
    peer.reply_length = (size_t)head + BIG;
    return text;
}

START_TEST(a_stream_is_stored_while_it_comes_and_played_in_pieces)
{
    struct stream first = { .pause_at = 3 }, second = { .pause_at = 2 };
    struct tw_fetch_options options = { .on_headers = stream_headers, .on_body = stream_body };

    start(stores[_i]);
    peer.reply = big_reply();
    options.stream_arg = &first;
    fetch("http://a/", &options);
    ck_source(&got, TW_SOURCE_SERVER, 1);
    ck_assert_uint_eq(first.length, BIG);
    options.stream_arg = &second;
    fetch("http://a/", &options);
    ck_source(&got, TW_SOURCE_CACHE, 1);
    ck_assert_uint_eq(second.length, BIG);
    ck_assert_uint_eq(second.sum, first.sum);
    ck_assert_uint_gt(second.pieces, 5);
    fetch("http://a/", NULL); /* the same, collected */
    ck_source(&got, TW_SOURCE_CACHE, 1);
    ck_assert_uint_eq(got.length, BIG);
    ck_assert_int_eq(memcmp(got.body, peer.reply + peer.reply_length - BIG, BIG), 0);
    tw_drop(&first.response);
    tw_drop(&second.response);
    stop();
}
END_TEST

static const struct {
    const char *range;
    size_t first, length;
} parts[] = {
    { "bytes=0-9", 0, 10 },
    { "bytes=0-", 0, BIG },
    { "bytes=100000-399999", 100000, 300000 },
    { "bytes=-70000", BIG - 70000, 70000 },
};

START_TEST(a_part_of_a_long_answer_is_taken_from_it)
{
    tw_headers *headers = client_headers();
    struct tw_fetch_options options = { .headers = headers };

    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        start(stores[i]);
        peer.reply = big_reply();
        fetch("http://a/", NULL);
        ck_assert_int_eq(tw_headers_set(headers, "Range", parts[_i].range), 0);
        fetch("http://a/", &options);
        ck_source(&got, TW_SOURCE_CACHE, 1);
        ck_assert_int_eq(got.status, 206);
        ck_assert_uint_eq(got.length, parts[_i].length);
        ck_assert_int_eq(memcmp(got.body,
                                peer.reply + peer.reply_length - BIG + parts[_i].first,
                                got.length),
                         0);
        stop();
    }
    tw_headers_free(headers);
}
END_TEST

START_TEST(a_stream_that_is_given_up_is_not_stored)
{
    struct stream stream = { .give_up = -EIO };
    struct tw_fetch_options options = { .on_body = stream_body, .stream_arg = &stream };

    start(stores[_i]);
    peer.reply = big_reply();
    peer.piece = 10000;
    fetch("http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_system);
    ck_assert_uint_eq(tw_cache_counts(cache).stored, 0);
    stream.give_up = 0;
    fetch("http://a/", &options);
    ck_source(&got, TW_SOURCE_SERVER, 2);
    stream.give_up = -EIO; /* a hit may be given up, and stays */
    fetch("http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_system);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_CACHE, 2);
    stop();
}
END_TEST

START_TEST(a_request_is_cancelled_inside_its_own_hit)
{
    struct stream stream = { 0 };
    struct tw_fetch_options options = { .on_body = stream_body, .stream_arg = &stream };

    start(stores[_i]);
    peer.reply = big_reply();
    fetch("http://a/", NULL);
    outcome_free(&got);
    stream.cancel = tw_agent_request(client_agent, "http://a/", &options);
    tw_deferred_ref(stream.cancel);
    outcome_of(&got, stream.cancel);
    tw_testing_advance(1);
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    ck_assert_uint_eq(stream.pieces, 1);
    tw_deferred_unref(stream.cancel);
    stream = (struct stream){ 0 };
    outcome_free(&got); /* and before it has begun */
    stream.cancel = tw_agent_request(client_agent, "http://a/", &options);
    tw_deferred_ref(stream.cancel);
    outcome_of(&got, stream.cancel);
    tw_cancel(stream.cancel);
    tw_deferred_unref(stream.cancel);
    tw_testing_advance(1);
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    ck_assert_uint_eq(stream.pieces, 0);
    stop();
}
END_TEST

START_TEST(a_limit_of_the_body_counts_for_hits)
{
    struct tw_fetch_options options = { .max_body = 1 };

    start(stores[_i]);
    fetch("http://a/", NULL);
    fetch("http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_toolarge);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_CACHE, 1);
    stop();
}
END_TEST

/* --- several requests ---------------------------------------------------------------------- */

START_TEST(requests_at_once_each_ask_and_the_last_answer_is_kept)
{
    start(stores[_i]);
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", NULL));
    outcome_of(&other, tw_agent_request(client_agent, "http://a/", NULL));
    tw_testing_advance(1);
    ck_source(&got, TW_SOURCE_SERVER, 2);
    ck_source(&other, TW_SOURCE_SERVER, 2);
    outcome_free(&got);
    outcome_free(&other);
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", NULL));
    outcome_of(&other, tw_agent_request(client_agent, "http://a/", NULL));
    tw_testing_advance(1);
    ck_source(&got, TW_SOURCE_CACHE, 2);
    ck_source(&other, TW_SOURCE_CACHE, 2);
    stop();
}
END_TEST

START_TEST(one_refresh_runs_for_many_requests)
{
    start(stores[_i]);
    peer.reply = "HTTP/1.1 200 OK\r\nCache-Control: max-age=1, stale-while-revalidate=60\r\n"
                 "Content-Length: 2\r\n\r\nhi";
    fetch("http://a/", NULL);
    tw_testing_advance(5);
    outcome_free(&got);
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", NULL));
    outcome_of(&other, tw_agent_request(client_agent, "http://a/", NULL));
    tw_testing_advance(0.5);
    ck_source(&got, TW_SOURCE_STALE, 2);
    ck_source(&other, TW_SOURCE_STALE, 2);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_CACHE, 2);
    tw_testing_advance(5); /* a refresh may fail, and another one follows */
    tw_listener_close(peer.listener);
    tw_agent_close_idle(client_agent);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_STALE, 2);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_STALE, 2);
    peer_begin(&peer, 81); /* for the end */
    stop();
}
END_TEST

static const char error_reply[] = "HTTP/1.1 500 Bad\r\nContent-Length: 1\r\n\r\nx";

static tw_value ask_inside(tw_value result, void *arg)
{
    (void)arg;
    ck_assert_int_eq(tw_response_status(result), 200);
    outcome_of(&other, tw_agent_request(client_agent, "http://a/", NULL));
    tw_cache_clear(cache);
    return tw_none();
}

START_TEST(a_callback_may_ask_again_clear_the_cache_and_leave_it)
{
    tw_deferred *first;

    start(stores[_i]);
    fetch("http://a/", NULL);
    peer.reply = error_reply;
    first = tw_agent_request(client_agent, "http://a/", NULL);
    tw_add_callback(first, ask_inside, NULL);
    tw_deferred_unref(first);
    tw_testing_advance(1);
    ck_assert_int_eq(other.status, 200); /* it was found before the clearing */
    fetch("http://a/", NULL);
    ck_assert_int_eq(got.status, 500);
    stop();
}
END_TEST

static int leave_inside(tw_value response, void *arg)
{
    (void)response;
    (void)arg;
    tw_cache_unref(cache);
    cache = NULL;
    tw_agent_unref(client_agent);
    client_agent = NULL;
    return 0;
}

START_TEST(cache_and_agent_may_go_while_they_are_in_use)
{
    struct tw_fetch_options options = { .on_headers = leave_inside };

    start(stores[_i]);
    fetch("http://a/", NULL);
    outcome_free(&got);
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", &options));
    tw_testing_advance(1);
    ck_assert_int_eq(got.status, 200);
    ck_assert_str_eq(got.body, "hi");
    stop();
}
END_TEST

static int invalidate_inside(const char *data, size_t length, void *arg)
{
    (void)data;
    *(size_t *)arg += length;
    ck_assert_int_eq(tw_cache_remove(cache, "http://a/"), 0);
    return 0;
}

START_TEST(an_answer_that_is_removed_while_it_is_played_is_played_to_its_end)
{
    size_t length = 0;
    struct tw_fetch_options options = { .on_body = invalidate_inside, .stream_arg = &length };

    start(stores[_i]);
    peer.reply = big_reply();
    fetch("http://a/", NULL);
    fetch("http://a/", &options);
    ck_source(&got, TW_SOURCE_CACHE, 1);
    ck_assert_uint_eq(length, BIG);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_SERVER, 2);
    ck_assert_int_eq(tw_cache_remove(cache, "nothing"), -EINVAL);
    stop();
}
END_TEST

/* --- limits -------------------------------------------------------------------------------- */

static void answer_kilobytes(struct peer_connection *connection, const char *request)
{
    static char text[10200];
    int head = snprintf(text, sizeof text,
                        "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n"
                        "Content-Length: 10000\r\n\r\n");

    (void)request;
    memset(text + head, 'x', 10000);
    peer_send_n(connection, text, (size_t)head + 10000);
}

START_TEST(the_answers_used_longest_ago_go_first)
{
    char url[40];
    size_t before;

    start_limited(stores[_i], 100000);
    peer.answer = answer_kilobytes;
    for (int i = 0; i < 30; i++) {
        snprintf(url, sizeof url, "http://a/%d", i);
        fetch(url, NULL);
        usleep(stores[_i] ? 2000 : 0); /* the times of files tell them apart */
    }
    ck_assert_int_le(tw_cache_counts(cache).bytes, 100000);
    ck_assert_int_ge(tw_cache_counts(cache).bytes, 50000);
    ck_assert_uint_gt(tw_cache_counts(cache).evicted, 10);
    before = peer.requests;
    fetch("http://a/29", NULL);
    fetch("http://a/28", NULL);
    ck_source(&got, TW_SOURCE_CACHE, before);
    fetch("http://a/1", NULL);
    ck_source(&got, TW_SOURCE_SERVER, before + 1);
    stop();
}
END_TEST

START_TEST(an_answer_of_more_than_half_is_not_kept)
{
    start_limited(stores[_i], 18000);
    peer.answer = answer_kilobytes;
    fetch("http://a/", NULL);
    fetch("http://a/", NULL);
    ck_source(&got, TW_SOURCE_SERVER, 2);
    ck_assert_uint_eq(tw_cache_counts(cache).failed, 0);
    stop();
}
END_TEST

/* --- memory -------------------------------------------------------------------------------- */

static tw_value torture_came(tw_value result, void *arg)
{
    if (!tw_is_failure(result)) {
        ck_assert_int_eq(tw_response_status(result), 200);
        ck_assert_str_eq(tw_bytes_data(tw_response_body(result)), "hi");
        ++*(int *)arg;
    } else {
        ck_assert(tw_failure_is(result, &tw_error_memory) ||
                  tw_failure_is(result, &tw_error_connection));
        *(int *)arg -= 100;
    }
    return tw_none();
}

static void torture_answer(tw_protocol *protocol, const char *data, size_t length)
{
    bool conditional = memmem(data, length, "If-None-Match", 13) != NULL;
    const char *text = conditional
                           ? "HTTP/1.1 304 Same\r\nETag: \"a\"\r\nVary: X-B\r\n\r\n"
                           : "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\n"
                             "Vary: X-A\r\nContent-Length: 2\r\n\r\nhi";

    tw_transport_write(protocol->transport, text, strlen(text));
}

static const tw_protocol_class torture_class = { .name = "tortured",
                                                 .size = sizeof(tw_protocol),
                                                 .data_received = torture_answer };

static tw_protocol *torture_build(tw_factory *factory)
{
    (void)factory;
    return tw_protocol_new(&torture_class);
}

/* A miss, a hit, a validation, a removal. */
static int torture_requests(tw_agent *agent)
{
    static const enum tw_cache_mode modes[] = { TW_CACHE_DEFAULT, TW_CACHE_DEFAULT,
                                                TW_CACHE_NO_CACHE, TW_CACHE_FORCE_CACHE };
    int done = 0;

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct tw_fetch_options options = { .cache_mode = modes[i] };
        tw_deferred *response = tw_agent_request(agent, "http://a/", &options);
        tw_add_both(response, torture_came, &done);
        tw_deferred_unref(response);
        tw_testing_advance(1);
    }
    return done;
}

static bool torture_run(void *arg)
{
    static const struct tw_factory_class factory_class = { .build = torture_build };
    struct tw_listen_options listen = { .address = "0.0.0.0", .port = 80 };
    struct tw_cache_options where = { .folder = *(bool *)arg ? folder : NULL };
    struct tw_agent_options options = { .proxy = "" };
    tw_listener *listener = NULL;
    tw_factory *factory;
    tw_agent *agent = NULL;
    int done = 0;

    if (tw_testing_begin() < 0)
        return false;
    factory = tw_factory_new(&factory_class, NULL);
    options.cache = tw_cache_new(&where);
    if (factory != NULL && options.cache != NULL &&
        tw_listen(&listen, factory, &listener, NULL) == 0)
        agent = tw_agent_new(&options);
    tw_factory_unref(factory);
    if (agent != NULL)
        done = torture_requests(agent);
    tw_agent_unref(agent);
    if (options.cache != NULL)
        tw_cache_clear(options.cache);
    tw_cache_unref(options.cache);
    if (listener != NULL)
        tw_listener_close(listener);
    tw_testing_settle();
    tw_testing_end();
    return done == 4;
}

START_TEST(memory_that_runs_out_fails_a_request_or_leaves_it_uncached)
{
    bool in_folder = stores[_i];

    strcpy(folder, "/tmp/check_cache_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_uint_gt(test_each_alloc_failure(torture_run, &in_folder), 50);
    nftw(folder, file_delete, 16, FTW_DEPTH | FTW_PHYS);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("cache requests");

    TEST_ADD_ROWS(suite, an_answer_ages_as_time_passes, stores);
    TEST_ADD_ROWS(suite, the_delay_of_an_answer_is_part_of_its_age, stores);
    TEST_ADD_ROWS(suite, a_hit_needs_no_connection, stores);
    TEST_ADD(suite, an_agent_without_a_cache_may_be_given_one_for_a_request);
    TEST_ADD(suite, a_mode_counts_without_a_cache);
    TEST_ADD_ROWS(suite, cookies_of_a_stored_answer_are_not_set_again, stores);
    TEST_ADD_ROWS(suite, a_stream_is_stored_while_it_comes_and_played_in_pieces, stores);
    TEST_ADD_ROWS(suite, a_part_of_a_long_answer_is_taken_from_it, parts);
    TEST_ADD_ROWS(suite, a_stream_that_is_given_up_is_not_stored, stores);
    TEST_ADD_ROWS(suite, a_request_is_cancelled_inside_its_own_hit, stores);
    TEST_ADD_ROWS(suite, a_limit_of_the_body_counts_for_hits, stores);
    TEST_ADD_ROWS(suite, requests_at_once_each_ask_and_the_last_answer_is_kept, stores);
    TEST_ADD_ROWS(suite, one_refresh_runs_for_many_requests, stores);
    TEST_ADD_ROWS(suite, a_callback_may_ask_again_clear_the_cache_and_leave_it, stores);
    TEST_ADD_ROWS(suite, cache_and_agent_may_go_while_they_are_in_use, stores);
    TEST_ADD_ROWS(suite, an_answer_that_is_removed_while_it_is_played_is_played_to_its_end,
                  stores);
    TEST_ADD_ROWS(suite, the_answers_used_longest_ago_go_first, stores);
    TEST_ADD_ROWS(suite, an_answer_of_more_than_half_is_not_kept, stores);
    TEST_ADD_ROWS(suite, memory_that_runs_out_fails_a_request_or_leaves_it_uncached, stores);
    return suite;
}

int main(void)
{
    return test_run(suite());
}
