/* SPDX-License-Identifier: MIT */
/*
 * check_client_body.c - bodies of requests: bytes, and sources that are asked piece by piece.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/client_peer.h"
#include "tests/test.h"

#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static struct peer peer;
static struct outcome got;

static void start(const char *reply)
{
    client_start(&peer, reply);
}

static void stop(void)
{
    client_stop(&peer, &got);
}

static const size_t sizes[] = { 1, 16384, 16385, 65536, 1000000 };

START_TEST(a_body_of_any_size_goes_out_whole)
{
    size_t size = sizes[_i], wrong = 0;
    char *body = malloc(size);
    struct tw_fetch_options options = { .body = body, .body_length = size };

    for (size_t i = 0; i < size; i++)
        body[i] = (char)('a' + i % 26);
    start(HI);
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", &options));
    memset(body, 0, size);
    free(body);
    tw_testing_advance(1);
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_gt(peer.log.length, size);
    for (size_t i = 0; i < size; i++)
        wrong += peer.log.data[peer.log.length - size + i] != (char)('a' + i % 26);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 1);
    stop();
}
END_TEST

/* A source of `total` letters, in pieces; it has nothing at the marked places. */
struct source {
    size_t total, piece, at, stall_at;
    int error;
    unsigned calls, releases;
    bool ready;
    tw_upload *upload; /* the last that asked */
    struct tw_body_source body;
};

static int64_t source_read(tw_upload *upload, char *data, size_t size, void *arg)
{
    struct source *source = arg;
    size_t length = source->total - source->at;

    source->calls++;
    source->upload = upload;
    if (source->stall_at > 0 && source->at >= source->stall_at && !source->ready)
        return -EAGAIN;
    if (source->error < 0 && source->at > 0)
        return source->error;
    if (length > source->piece)
        length = source->piece;
    if (length > size)
        length = size;
    memset(data, 'x', length);
    source->at += length;
    return (int64_t)length;
}

static void source_release(void *arg)
{
    struct source *source = arg;
    source->releases++;
}

static struct tw_fetch_options source_options(struct source *source, bool known)
{
    source->body = (struct tw_body_source){ .length = known ? (int64_t)source->total : -1,
                                            .read = source_read,
                                            .release = source_release,
                                            .arg = source };
    return (struct tw_fetch_options){ .body_source = &source->body };
}

START_TEST(a_source_that_cannot_be_read_is_a_misuse)
{
    struct source source = { .total = 10 };
    struct tw_fetch_options options = source_options(&source, true);

    start(HI);
    source.body.read = NULL;
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_misuse);
    ck_assert_uint_eq(source.releases, 1);
    ck_assert_uint_eq(peer.connections, 0);
    stop();
}
END_TEST

static const struct {
    size_t total, piece;
    bool known;
} uploads[] = {
    { 0, 10, true },         { 0, 10, false },       { 10, 3, true },
    { 10, 3, false },        { 10, 100, false },     { 300000, 8192, true },
    { 300000, 8192, false }, { 300000, 777, false },
};

START_TEST(a_source_is_sent_with_its_length_or_in_chunks)
{
    struct source source = { .total = uploads[_i].total, .piece = uploads[_i].piece };
    struct tw_fetch_options options = source_options(&source, uploads[_i].known);
    char length[50];
    size_t letters = 0;

    start(HI);
    client_get(&got, "http://a/", &options);
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_eq(source.at, source.total);
    ck_assert_uint_eq(source.releases, 1);
    for (size_t i = 0; i < peer.log.length; i++)
        letters += peer.log.data[i] == 'x';
    ck_assert_uint_ge(letters, source.total);
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", source.total);
    ck_assert_uint_eq(peer_count(&peer, length), uploads[_i].known);
    ck_assert_uint_eq(peer_count(&peer, "Transfer-Encoding: chunked\r\n"), !uploads[_i].known);
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 1);
    stop();
}
END_TEST

START_TEST(chunks_are_framed)
{
    struct source source = { .total = 10, .piece = 8 };
    struct tw_fetch_options options = source_options(&source, false);

    start(HI);
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_nonnull(
        strstr(peer_log(&peer), "\r\n\r\n8\r\nxxxxxxxx\r\n2\r\nxx\r\n0\r\n\r\n"));
    stop();
}
END_TEST

START_TEST(a_source_may_wait_for_more)
{
    struct source source = { .total = 10, .piece = 5, .stall_at = 5 };
    struct tw_fetch_options options = source_options(&source, true);

    start(HI);
    outcome_of(&got, tw_agent_request(client_agent, "http://a/", &options));
    tw_testing_advance(5);
    ck_assert_uint_eq(source.at, 5);
    ck_assert_uint_eq(got.fired, 0);
    tw_upload_ready(source.upload);
    ck_assert_uint_eq(source.at, 5);
    source.ready = true;
    tw_upload_ready(source.upload);
    ck_assert_uint_eq(source.at, 10);
    tw_upload_ready(source.upload); /* nothing is waited for */
    ck_assert_uint_eq(source.at, 10);
    tw_testing_advance(1);
    ck_assert_int_eq(got.status, 200);
    stop();
}
END_TEST

START_TEST(a_source_that_stays_silent_times_out)
{
    struct source source = { .total = 10, .piece = 5, .stall_at = 5 };
    struct tw_fetch_options options = source_options(&source, true);

    options.idle_timeout = 3;
    start(HI);
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_timeout);
    ck_assert_double_ge(got.at, 3);
    ck_assert_double_le(got.at, 6.1); /* what moved since is looked at once in that time */
    stop();
}
END_TEST

START_TEST(a_source_that_ends_early_is_a_misuse)
{
    struct source source = { .total = 10, .piece = 5 };
    struct tw_fetch_options options = source_options(&source, true);

    source.body.length = 11;
    start(HI);
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_misuse);
    ck_assert_uint_eq(source.releases, 1);
    stop();
}
END_TEST

START_TEST(a_source_is_not_asked_for_more_than_its_length)
{
    struct source source = { .total = 100, .piece = 50 };
    struct tw_fetch_options options = source_options(&source, true);

    source.body.length = 7;
    start(HI);
    client_get(&got, "http://a/", &options);
    ck_assert_int_eq(got.status, 200);
    ck_assert_uint_eq(source.at, 7);
    stop();
}
END_TEST

START_TEST(the_error_of_a_source_ends_the_request)
{
    struct source source = { .total = 10, .piece = 5, .error = -EIO };
    struct tw_fetch_options options = source_options(&source, false);

    start(HI);
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_system);
    ck_assert_int_eq(tw_failure_number(got.result), EIO);
    stop();
}
END_TEST

static void answer_at_once(struct peer_connection *connection, const char *request)
{
    (void)request;
    if (connection->requests == 1)
        peer_send(connection, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
}

START_TEST(an_early_answer_stops_the_source)
{
    struct source source = { .total = 10, .piece = 5, .stall_at = 5 };
    struct tw_fetch_options options = source_options(&source, true);

    start(NULL);
    peer.answer = answer_at_once;
    peer.raw = true;
    client_get(&got, "http://a/", &options);
    ck_assert_int_eq(got.status, 413);
    ck_assert_str_eq(got.body, "no");
    ck_assert_uint_eq(source.releases, 1);
    ck_assert_uint_eq(tw_agent_counts(client_agent).idle, 0);
    stop();
}
END_TEST

START_TEST(a_source_of_unknown_length_needs_http_1_1)
{
    struct source source = { .total = 10, .piece = 5 };
    struct tw_fetch_options options = source_options(&source, false);

    options.http10 = true;
    start(HI);
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_misuse);
    ck_assert_uint_eq(source.releases, 1);
    stop();
}
END_TEST

START_TEST(a_request_has_one_body)
{
    struct source source = { .total = 10, .piece = 5 };
    struct tw_fetch_options options = source_options(&source, false);

    options.body = "x";
    options.body_length = 1;
    start(HI);
    client_get(&got, "http://a/", &options);
    ck_assert_ptr_eq(got.error, &tw_error_misuse);
    ck_assert_uint_eq(source.releases, 1);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client body");

    TEST_ADD_ROWS(suite, a_body_of_any_size_goes_out_whole, sizes);
    TEST_ADD_ROWS(suite, a_source_is_sent_with_its_length_or_in_chunks, uploads);
    TEST_ADD(suite, a_source_that_cannot_be_read_is_a_misuse);
    TEST_ADD(suite, chunks_are_framed);
    TEST_ADD(suite, a_source_may_wait_for_more);
    TEST_ADD(suite, a_source_that_stays_silent_times_out);
    TEST_ADD(suite, a_source_that_ends_early_is_a_misuse);
    TEST_ADD(suite, a_source_is_not_asked_for_more_than_its_length);
    TEST_ADD(suite, the_error_of_a_source_ends_the_request);
    TEST_ADD(suite, an_early_answer_stops_the_source);
    TEST_ADD(suite, a_source_of_unknown_length_needs_http_1_1);
    TEST_ADD(suite, a_request_has_one_body);
    return test_run(suite);
}
