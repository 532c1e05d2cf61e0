/* SPDX-License-Identifier: MIT */
/*
 * check_stream_tls.c - TLS on streams, started in the middle.
 */
#include "config.h"

#include <string.h>

#include "tests/certificates.h"
#include "tests/stream_pair.h"
#include "tests/tls_ends.h"

/* The client is the left one. */
static tw_tls_context *client_tls, *server_tls;

static void begin(size_t piece)
{
    ck_assert_int_eq(tw_testing_begin(), 0);
    client_tls = context_new(
        (struct tw_tls_options){ .ca_file = test_ca_file(), .no_sessions = true });
    server_tls = server_context();
    ck_assert(begin_pair(piece));
}

static void end_pair(void)
{
    tw_stream_unref(left);
    tw_stream_unref(right);
    tw_testing_advance(100);
}

static void end(void)
{
    end_pair();
    tw_tls_context_unref(client_tls);
    tw_tls_context_unref(server_tls);
    twi_buf_free(&seen);
    ck_assert_uint_eq(tw_testing_end(), 0);
}

static void shake_hands(void)
{
    watch(tw_stream_start_tls(right, server_tls, NULL));
    watch(tw_stream_start_tls(left, client_tls, "a.test"));
    tw_testing_settle();
    SEEN("--");
}

static const size_t pieces[] = { 0, 1, 2, 7, 100 };

START_TEST(tls_starts_between_two_lines)
{
    begin(pieces[_i]);
    watch(tw_stream_read_line(right));
    tw_stream_write_text(left, "STARTTLS\r\n");
    tw_testing_settle();
    tw_stream_write_text(right, "go ahead\r\n");
    watch(tw_stream_read_line(left));
    tw_testing_settle();
    SEEN("[STARTTLS][go ahead]");
    ck_assert_ptr_null(tw_transport_tls_version(tw_stream_transport(left)));
    shake_hands();
    ck_assert_str_eq(tw_transport_tls_version(tw_stream_transport(left)), "TLSv1.3");
    ck_assert_str_eq(tw_transport_tls_version(tw_stream_transport(right)), "TLSv1.3");
    watch(tw_stream_read_line(right));
    watch(tw_stream_read_line(left));
    tw_stream_write_text(left, "question\n");
    tw_testing_settle();
    tw_stream_write_text(right, "answer\n");
    tw_testing_settle();
    SEEN("[question][answer]");
    tw_stream_close(right);
    watch(tw_stream_read_line(left));
    watch(tw_stream_wait_closed(right));
    tw_testing_settle();
    ck_assert_uint_eq(seen.length, 2); /* both ends, in either order */
    SEEN("--");
    end();
}
END_TEST

/* The peer begins at once; what it says behind the handshake is kept for the reader. */
START_TEST(what_is_written_in_the_handshake_comes_after_it)
{
    begin(pieces[_i]);
    watch(tw_stream_start_tls(left, client_tls, "a.test"));
    tw_stream_write_text(left, "early\n");
    watch(tw_stream_drain(left));
    tw_testing_settle();
    SEEN("-");
    watch(tw_stream_start_tls(right, server_tls, NULL));
    tw_stream_write_text(right, "early too\n");
    tw_testing_settle();
    watch(tw_stream_read_line(left));
    watch(tw_stream_read_line(right));
    SEEN("--[early too][early]");
    end();
}
END_TEST

/* --- what was injected ------------------------------------------------------------------- */

START_TEST(plain_bytes_before_the_handshake_are_refused)
{
    tw_stream *victim, *other;

    begin(0);
    victim = _i == 0 ? right : left;
    other = _i == 0 ? left : right;
    watch(tw_stream_read_line(victim));
    tw_stream_write_text(other, "STARTTLS\r\nINJECTED\r\n");
    tw_testing_settle();
    SEEN("[STARTTLS]");
    watch(tw_stream_start_tls(victim, _i == 0 ? server_tls : client_tls,
                              _i == 0 ? NULL : "a.test"));
    SEEN("(tw_error_protocol)");
    ck_assert(tw_stream_is_closing(victim));
    watch(tw_stream_wait_closed(other));
    tw_testing_settle();
    SEEN("(tw_error_connection_lost)");
    end();
}
END_TEST

/* They are on the way still: then they are no TLS. */
START_TEST(plain_bytes_after_the_start_are_refused)
{
    size_t length;

    begin(0);
    tw_stream_write_text(left, "INJECTED\r\nINJECTED\r\n");
    watch(tw_stream_start_tls(right, server_tls, NULL));
    tw_testing_settle();
    SEEN("(tw_error_tls)");
    tw_stream_buffered(right, &length);
    ck_assert_uint_eq(length, 0);
    watch(tw_stream_read(right, 100));
    SEEN("(tw_error_tls)");
    end();
}
END_TEST

/* --- what fails -------------------------------------------------------------------------- */

START_TEST(a_name_that_does_not_fit_ends_both)
{
    begin(0);
    watch(tw_stream_start_tls(right, server_tls, NULL));
    watch(tw_stream_start_tls(left, client_tls, "b.test"));
    tw_testing_settle();
    watch(tw_stream_read_line(left));
    watch(tw_stream_wait_closed(left));
    watch(tw_stream_start_tls(left, client_tls, "b.test"));
    SEEN("(tw_error_tls)(tw_error_tls)(tw_error_tls)(tw_error_tls)(tw_error_connection)");
    end();
}
END_TEST

START_TEST(a_misused_start_changes_nothing)
{
    begin(0);
    watch(tw_stream_start_tls(left, client_tls, NULL));
    watch(tw_stream_start_tls(left, client_tls, "not a name"));
    watch(tw_stream_start_tls(left, NULL, "a.test"));
    SEEN("(tw_error_misuse)(tw_error_misuse)(tw_error_misuse)");
    tw_stream_write_text(left, "plain\n");
    watch(tw_stream_read_line(right));
    tw_testing_settle();
    SEEN("[plain]");
    watch(tw_stream_start_tls(left, client_tls, "a.test"));
    watch(tw_stream_start_tls(left, client_tls, "a.test"));
    watch(tw_stream_read_line(left));
    SEEN("(tw_error_misuse)(tw_error_misuse)");
    watch(tw_stream_start_tls(right, server_tls, NULL));
    tw_testing_settle();
    SEEN("--");
    tw_stream_write_eof(left);
    watch(tw_stream_start_tls(left, client_tls, "a.test"));
    SEEN("(tw_error_connection)");
    end();
}
END_TEST

START_TEST(a_handshake_can_be_given_up)
{
    tw_deferred *wait;

    begin(0);
    if (_i == 1)
        tw_stream_set_timeout(left, 10);
    wait = tw_stream_start_tls(left, client_tls, "a.test");
    tw_testing_settle();
    if (_i == 0)
        tw_cancel(wait);
    else if (_i == 2)
        tw_stream_abort(left);
    else if (_i == 3)
        tw_stream_close(left);
    watch(wait);
    watch(tw_stream_wait_closed(left));
    tw_testing_advance(_i == 4 ? 29 : 11);
    if (_i == 4)
        SEEN("");
    tw_testing_advance(2);
    SEEN(((const char *[]){ "(tw_error_cancelled)-", "(tw_error_timeout)-",
                            "(tw_error_connection_aborted)-", "(tw_error_connection_done)-",
                            "(tw_error_tls)(tw_error_tls)" })[_i]);
    end();
}
END_TEST

START_TEST(a_connection_that_is_cut_is_no_end)
{
    begin(0);
    shake_hands();
    tw_stream_write_text(right, "half a li");
    watch(tw_stream_read_line(left));
    tw_testing_settle();
    tw_stream_abort(right);
    tw_testing_settle();
    SEEN("(tw_error_connection_lost)");
    end();
}
END_TEST

START_TEST(half_a_close_leaves_the_other_half)
{
    begin(pieces[_i]);
    shake_hands();
    tw_stream_write_text(left, "question");
    ck_assert_int_eq(tw_stream_write_eof(left), 0);
    watch(tw_stream_read_to_end(right, 0));
    tw_testing_settle();
    SEEN("[question]");
    watch(tw_stream_read_to_end(left, 0));
    tw_stream_write_text(right, "answer");
    tw_stream_close(right);
    tw_testing_settle();
    SEEN("[answer]");
    end();
}
END_TEST

START_TEST(a_drain_waits_over_tls_too)
{
    enum { BIG = 1000 * 1000 };

    begin(0);
    /* Written in plain, drained by TLS. */
    tw_stream_write_value(left, tw_bytes_format("%*d", BIG, 7));
    watch(tw_stream_drain(left));
    watch(tw_stream_read_to_end(right, BIG));
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&seen), "-");
    twi_buf_consume(&seen, 1);
    tw_stream_write_eof(left);
    tw_testing_settle();
    twi_buf_consume(&seen, seen.length);
    end();
    begin(0);
    shake_hands();
    tw_stream_write_value(left, tw_bytes_format("%*d", BIG, 7));
    watch(tw_stream_drain(left));
    tw_testing_settle();
    SEEN("");
    watch(tw_stream_read_until(right, "7", BIG));
    tw_testing_settle();
    ck_assert_int_eq(twi_buf_text(&seen)[0], '-');
    ck_assert_uint_eq(seen.length, BIG - 1 + 3);
    end();
}
END_TEST

/* --- memory ------------------------------------------------------------------------------ */

static bool got(tw_deferred *wait, const char *bytes)
{
    tw_value result = tw_deferred_result(wait);
    bool right_one = wait != NULL && tw_deferred_called(wait) && !tw_is_failure(result) &&
                     strcmp(tw_bytes_data(result), bytes) == 0;

    tw_deferred_mark_handled(wait);
    tw_deferred_unref(wait);
    return right_one;
}

static bool start_and_talk(void *arg)
{
    bool worked = begin_pair(0);

    (void)arg;
    if (worked) {
        tw_deferred *first = tw_stream_start_tls(right, server_tls, NULL), *line;
        tw_deferred *second = tw_stream_start_tls(left, client_tls, "a.test");

        tw_testing_settle();
        worked = got(first, "");
        worked = got(second, "") && worked;
        tw_stream_write_text(left, "line\n");
        line = tw_stream_read_line(right);
        tw_testing_settle();
        worked = got(line, "line") && worked;
    }
    end_pair();
    return worked;
}

START_TEST(a_start_survives_failing_allocations)
{
    begin(0);
    end_pair();
    test_each_alloc_failure(start_and_talk, NULL);
    ck_assert(begin_pair(0));
    end();
}
END_TEST

int main(void)
{
    static const int two[2], five[5];
    Suite *suite = suite_create("stream_tls");

    test_spare_openssl();
    TEST_ADD_ROWS(suite, tls_starts_between_two_lines, pieces);
    TEST_ADD_ROWS(suite, what_is_written_in_the_handshake_comes_after_it, pieces);
    TEST_ADD_ROWS(suite, plain_bytes_before_the_handshake_are_refused, two);
    TEST_ADD(suite, plain_bytes_after_the_start_are_refused);
    TEST_ADD(suite, a_name_that_does_not_fit_ends_both);
    TEST_ADD(suite, a_misused_start_changes_nothing);
    TEST_ADD_ROWS(suite, a_handshake_can_be_given_up, five);
    TEST_ADD(suite, a_connection_that_is_cut_is_no_end);
    TEST_ADD_ROWS(suite, half_a_close_leaves_the_other_half, pieces);
    TEST_ADD(suite, a_drain_waits_over_tls_too);
    TEST_ADD(suite, a_start_survives_failing_allocations);
    return test_run(suite);
}
