/* SPDX-License-Identifier: MIT */
/*
 * check_stream_write.c - writing to streams, back-pressure, ends, opening.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/stream_pair.h"

static bool begin(size_t piece)
{
    return tw_testing_begin() == 0 && begin_pair(piece);
}

static void end(void)
{
    tw_stream_unref(left);
    tw_stream_unref(right);
    twi_buf_free(&seen);
    tw_testing_advance(100);
    ck_assert_uint_eq(tw_testing_end(), 0);
}

/* --- writing ----------------------------------------------------------------------------- */

START_TEST(all_ways_to_write_keep_their_order)
{
    static const struct iovec pieces[] = { { (void *)"o", 1 }, { (void *)"ur", 2 } };
    char wide[700];

    ck_assert(begin(0));
    ck_assert_int_eq(tw_stream_write(left, "one ", 4), 0);
    ck_assert_int_eq(tw_stream_write_text(left, "two "), 0);
    ck_assert_int_eq(tw_stream_write_value(left, tw_string("three ")), 0);
    ck_assert_int_eq(tw_stream_write_format(left, "%c", 'f'), 0);
    ck_assert_int_eq(tw_stream_writev(left, pieces, 2), 0);
    ck_assert_int_eq(tw_stream_write_value(left, tw_integer(1)), -EINVAL);
    watch(tw_stream_read_exactly(right, 18));
    tw_testing_settle();
    SEEN("[one two three four]");
    ck_assert_int_eq(tw_stream_write_format(left, "%600d", 7), 0);
    watch(tw_stream_read_exactly(right, 600));
    tw_testing_settle();
    snprintf(wide, sizeof wide, "[%600d]", 7);
    SEEN(wide);
    end();
}
END_TEST

START_TEST(nothing_is_written_after_the_end)
{
    static const struct iovec piece = { (void *)"x", 1 };

    ck_assert(begin(0));
    if (_i == 0)
        ck_assert_int_eq(tw_stream_write_eof(left), 0);
    else if (_i == 1)
        tw_stream_close(left);
    else
        tw_stream_abort(left);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tw_stream_write(left, "x", 1), -ENOTCONN);
        ck_assert_int_eq(tw_stream_write_value(left, tw_string("x")), -ENOTCONN);
        ck_assert_int_eq(tw_stream_write_format(left, "x"), -ENOTCONN);
        ck_assert_int_eq(tw_stream_writev(left, &piece, 1), -ENOTCONN);
        ck_assert_int_eq(tw_stream_write_eof(left), -ENOTCONN);
        tw_testing_settle();
    }
    end();
}
END_TEST

/* --- back-pressure ----------------------------------------------------------------------- */

enum { BIG = 1000 * 1000 };

static void write_big(tw_stream *stream)
{
    tw_stream_write_value(stream, tw_bytes_format("%*d", BIG, 7));
}

START_TEST(a_drain_waits_while_the_peer_reads_nothing)
{
    ck_assert(begin(0));
    watch(tw_stream_drain(left));
    tw_stream_write_text(left, "little");
    watch(tw_stream_drain(left));
    SEEN("--");
    watch(tw_stream_read_exactly(right, 6));
    write_big(left);
    watch(tw_stream_drain(left));
    watch(tw_stream_drain(left));
    tw_testing_settle();
    SEEN("[little]");
    /* The peer's unread bytes are bounded by its limit, those on the way by the transport. */
    tw_deferred_unref(tw_stream_read_to_end(right, BIG));
    tw_testing_settle();
    SEEN("--");
    tw_stream_close(left);
    end();
}
END_TEST

START_TEST(an_unread_peer_holds_its_limit_only)
{
    size_t length;

    ck_assert(begin(1000));
    tw_stream_set_limit(right, 5000);
    write_big(left);
    tw_testing_settle();
    tw_stream_buffered(right, &length);
    ck_assert_uint_ge(length, 5000);
    ck_assert_uint_le(length, 6000);
    tw_stream_abort(left);
    end();
}
END_TEST

START_TEST(a_cancelled_drain_leaves_the_line)
{
    tw_deferred *first, *second;

    ck_assert(begin(0));
    write_big(left);
    first = tw_stream_drain(left);
    second = tw_stream_drain(left);
    tw_cancel(first);
    watch(first);
    SEEN("(tw_error_cancelled)");
    if (_i == 0) {
        watch(second);
    } else {
        tw_cancel(second);
        watch(second);
        SEEN("(tw_error_cancelled)");
        watch(tw_stream_drain(left));
    }
    tw_deferred_unref(tw_stream_read_to_end(right, BIG));
    tw_testing_settle();
    SEEN("-");
    tw_stream_close(left);
    end();
}
END_TEST

START_TEST(a_drain_can_time_out)
{
    ck_assert(begin(0));
    ck_assert_int_eq(tw_stream_set_timeout(left, 3), 0);
    write_big(left);
    watch(tw_stream_drain(left));
    tw_testing_advance(4);
    SEEN("(tw_error_timeout)");
    tw_stream_abort(left);
    end();
}
END_TEST

START_TEST(a_drain_fails_when_the_connection_is_gone)
{
    ck_assert(begin(0));
    write_big(left);
    watch(tw_stream_drain(left));
    watch(tw_stream_wait_closed(left));
    if (_i == 0)
        tw_stream_abort(left);
    else
        tw_stream_abort(right);
    tw_testing_settle();
    SEEN(_i == 0 ? "(tw_error_connection_aborted)-"
                 : "(tw_error_connection_lost)(tw_error_connection_lost)");
    watch(tw_stream_drain(left));
    SEEN(_i == 0 ? "(tw_error_connection_aborted)" : "(tw_error_connection_lost)");
    end();
}
END_TEST

static void nothing(void *arg)
{
    (void)arg;
}
static const struct tw_producer producer = { nothing, nothing, nothing };

START_TEST(a_drain_beside_a_producer_is_a_misuse)
{
    ck_assert(begin(0));
    tw_transport_register_producer(tw_stream_transport(left), &producer, true, NULL);
    write_big(left);
    watch(tw_stream_drain(left));
    SEEN("(tw_error_misuse)");
    tw_transport_unregister_producer(tw_stream_transport(left));
    tw_stream_abort(left);
    end();
}
END_TEST

/* A connection that is taken over while somebody drains does not remember him. */
START_TEST(a_drain_ends_with_the_connection_of_its_stream)
{
    tw_stream *taken = NULL;

    ck_assert(begin(0));
    write_big(left);
    watch(tw_stream_drain(left));
    ck_assert_int_eq(tw_stream_adopt(tw_stream_transport(left), &taken), 0);
    tw_testing_settle();
    SEEN("(tw_error_connection_lost)");
    tw_stream_unref(left);
    left = taken;
    watch(tw_stream_drain(left));
    tw_deferred_unref(tw_stream_read_to_end(right, BIG));
    tw_testing_settle();
    SEEN("-");
    tw_stream_close(left);
    end();
}
END_TEST

/* --- ends -------------------------------------------------------------------------------- */

START_TEST(half_a_close_leaves_the_other_half)
{
    ck_assert(begin(0));
    tw_stream_write_text(left, "question");
    ck_assert_int_eq(tw_stream_write_eof(left), 0);
    watch(tw_stream_read_to_end(right, 0));
    watch(tw_stream_read_to_end(left, 0));
    watch(tw_stream_wait_closed(left));
    watch(tw_stream_wait_closed(right));
    tw_testing_settle();
    SEEN("[question]");
    ck_assert(tw_stream_at_eof(right));
    ck_assert(!tw_stream_is_closing(right));
    tw_stream_write_text(right, "answer");
    tw_stream_close(right);
    ck_assert(tw_stream_is_closing(right));
    tw_testing_settle();
    SEEN("-[answer]-");
    ck_assert(tw_stream_is_closing(left));
    end();
}
END_TEST

START_TEST(a_close_sends_what_was_written)
{
    ck_assert(begin(0));
    tw_stream_set_limit(right, 10);
    write_big(left);
    tw_stream_close(left);
    watch(tw_stream_drain(left));
    watch(tw_stream_wait_closed(left));
    tw_testing_advance(20);
    SEEN("");
    watch(tw_stream_read_until(right, "7", BIG));
    tw_testing_settle();
    ck_assert_uint_gt(seen.length, BIG);
    ck_assert_int_eq(twi_buf_text(&seen)[seen.length - 1], ']');
    ck_assert_ptr_nonnull(strstr(twi_buf_text(&seen), "--"));
    end();
}
END_TEST

START_TEST(a_peer_that_takes_nothing_is_cut_off)
{
    ck_assert(begin(1000));
    tw_stream_set_limit(right, 10);
    write_big(left);
    watch(tw_stream_wait_closed(left));
    tw_stream_close(left);
    tw_testing_advance(29);
    SEEN("");
    tw_deferred_unref(tw_stream_read_exactly(right, BIG / 2));
    tw_testing_advance(10);
    SEEN("");
    tw_testing_advance(60);
    SEEN("(tw_error_timeout)");
    end();
}
END_TEST

START_TEST(waits_for_the_end_can_be_cancelled)
{
    tw_deferred *wait;

    ck_assert(begin(0));
    wait = tw_stream_wait_closed(left);
    tw_cancel(wait);
    watch(wait);
    SEEN("(tw_error_cancelled)");
    watch(tw_stream_wait_closed(left));
    tw_stream_close(left);
    tw_testing_settle();
    SEEN("-");
    watch(tw_stream_wait_closed(left));
    SEEN("-");
    end();
}
END_TEST

/* --- opening ----------------------------------------------------------------------------- */

static tw_protocol *build(tw_factory *factory)
{
    (void)factory;
    return tw_stream_protocol_new(&right);
}

static const struct tw_factory_class factory_class = { .build = build };

static tw_value keep_stream(tw_value value, void *arg)
{
    (void)arg;
    left = tw_stream_ref(tw_stream_of(value));
    return value;
}

static bool open_and_talk(void *arg)
{
    struct tw_listen_options options = { .address = "a.test", .port = 7 };
    tw_factory *factory = NULL;
    tw_listener *listener = NULL;
    bool worked = false;

    (void)arg;
    left = right = NULL;
    if (tw_testing_begin() < 0)
        return false;
    factory = tw_factory_new(&factory_class, NULL);
    if (tw_listen(&options, factory, &listener, NULL) == 0) {
        tw_deferred *opened = tw_open_connection("a.test", 7, NULL), *wait;

        tw_add_callback(opened, keep_stream, NULL);
        tw_testing_settle();
        tw_deferred_mark_handled(opened);
        tw_deferred_unref(opened);
        tw_stream_write_text(left, "hello\n");
        wait = tw_stream_read_line(right);
        tw_testing_settle();
        worked = strcmp(tw_bytes_data(tw_deferred_result(wait)), "hello") == 0;
        tw_deferred_mark_handled(wait);
        tw_deferred_unref(wait);
        write_big(left);
        wait = tw_stream_drain(left);
        tw_deferred_unref(tw_stream_read_to_end(right, BIG));
        tw_testing_settle();
        worked = worked && tw_deferred_called(wait) &&
                 !tw_is_failure(tw_deferred_result(wait));
        tw_deferred_mark_handled(wait);
        tw_deferred_unref(wait);
        tw_stream_close(left);
        wait = tw_stream_wait_closed(left);
        tw_testing_settle();
        worked = worked && tw_deferred_called(wait) &&
                 !tw_is_failure(tw_deferred_result(wait));
        tw_deferred_mark_handled(wait);
        tw_deferred_unref(wait);
        tw_listener_close(listener);
    }
    tw_factory_unref(factory);
    end();
    return worked;
}

START_TEST(opening_connects_a_stream)
{
    ck_assert(open_and_talk(NULL));
}
END_TEST

START_TEST(opening_survives_failing_allocations)
{
    test_each_alloc_failure(open_and_talk, NULL);
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
    tw_deferred *wait;

    ck_assert_int_eq(tw_testing_begin(), 0);
    left = right = NULL;
    watch(tw_open_connection("nobody.test", 7, NULL));
    watch(tw_open_connection("", 7, NULL));
    tw_testing_settle();
    SEEN("(tw_error_url)(tw_error_connect_refused)");
    wait = tw_open_connection("nobody.test", 7, NULL);
    tw_cancel(wait);
    watch(wait);
    SEEN("(tw_error_cancelled)");
    end();
}
END_TEST

int main(void)
{
    static const int two[2], three[3];
    Suite *suite = suite_create("stream_write");

    TEST_ADD(suite, all_ways_to_write_keep_their_order);
    TEST_ADD_ROWS(suite, nothing_is_written_after_the_end, three);
    TEST_ADD(suite, a_drain_waits_while_the_peer_reads_nothing);
    TEST_ADD(suite, an_unread_peer_holds_its_limit_only);
    TEST_ADD_ROWS(suite, a_cancelled_drain_leaves_the_line, two);
    TEST_ADD(suite, a_drain_can_time_out);
    TEST_ADD_ROWS(suite, a_drain_fails_when_the_connection_is_gone, two);
    TEST_ADD(suite, a_drain_beside_a_producer_is_a_misuse);
    TEST_ADD(suite, a_drain_ends_with_the_connection_of_its_stream);
    TEST_ADD(suite, half_a_close_leaves_the_other_half);
    TEST_ADD(suite, a_close_sends_what_was_written);
    TEST_ADD(suite, a_peer_that_takes_nothing_is_cut_off);
    TEST_ADD(suite, waits_for_the_end_can_be_cancelled);
    TEST_ADD(suite, opening_connects_a_stream);
    TEST_ADD(suite, opening_survives_failing_allocations);
    TEST_ADD(suite, what_cannot_be_opened_says_why);
    return test_run(suite);
}
