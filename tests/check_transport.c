/* SPDX-License-Identifier: MIT */
/*
 * check_transport.c - the life of a connection, seen through a string transport.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/reactor.h>
#include <tweed/testing.h>

#include "net/transport/transport.h"
#include "tests/recorder.h"
#include "tests/test.h"

static struct record record;
static tw_string_transport *string;
static tw_transport *transport;

static void begin_with(const tw_protocol_class *protocol_class)
{
    ck_assert_int_eq(tw_testing_begin(), 0);
    memset(&record, 0, sizeof record);
    string = tw_string_transport_new(recorder_new(protocol_class, &record));
    ck_assert_ptr_nonnull(string);
    transport = record.protocol->transport;
}

static void begin(void)
{
    begin_with(&recorder_class);
}

static void end(void)
{
    tw_string_transport_free(string);
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&record);
}

static const char *written(void)
{
    return tw_string_transport_written(string, NULL);
}

/* --- ends --------------------------------------------------------------------------- */

static void do_nothing(void) {}
static void do_lose(void)
{
    tw_transport_lose(transport);
}
static void do_lose_twice(void)
{
    tw_transport_lose(transport);
    tw_transport_lose(transport);
}
static void do_abort(void)
{
    tw_transport_abort(transport);
}
static void do_lose_and_abort(void)
{
    tw_transport_lose(transport);
    tw_transport_abort(transport);
    tw_transport_lose(transport);
}
static void do_eof(void)
{
    tw_string_transport_deliver_eof(string);
}
static void do_eof_twice(void)
{
    tw_string_transport_deliver_eof(string);
    tw_string_transport_deliver_eof(string);
}
static void do_break(void)
{
    tw_string_transport_lose(string, tw_fail(&tw_error_connection_lost, "a test"));
}
static void do_tls_error(void)
{
    tw_string_transport_lose(string, tw_fail(&tw_error_tls, "a test"));
}
static void do_data_after_lose(void)
{
    tw_transport_lose(transport);
    tw_string_transport_deliver(string, "late", 4);
}
static void do_data_after_abort(void)
{
    tw_transport_abort(transport);
    tw_string_transport_deliver(string, "late", 4);
}
static void do_shut_and_eof(void)
{
    tw_transport_lose_write(transport);
    tw_testing_settle();
    tw_string_transport_deliver_eof(string);
}
static void do_eof_and_shut(void)
{
    tw_string_transport_deliver_eof(string);
    tw_transport_lose_write(transport);
}
static void do_shut(void)
{
    tw_transport_lose_write(transport);
    tw_transport_lose_write(transport);
}

static const struct {
    const tw_protocol_class *protocol_class;
    void (*act)(void);
    const char *text;
} ends[] = {
    { &recorder_class, do_nothing, "made" },
    { &recorder_class, do_lose, "made lost:connection_done released" },
    { &recorder_class, do_lose_twice, "made lost:connection_done released" },
    { &recorder_class, do_abort, "made lost:connection_aborted released" },
    { &recorder_class, do_lose_and_abort, "made lost:connection_aborted released" },
    { &recorder_class, do_eof, "made lost:connection_done released" },
    { &recorder_class, do_break, "made lost:connection_lost released" },
    { &recorder_class, do_tls_error, "made lost:tls released" },
    { &recorder_class, do_data_after_lose, "made lost:connection_done released" },
    { &recorder_class, do_data_after_abort, "made lost:connection_aborted released" },
    { &recorder_half_class, do_eof, "made eof" },
    { &recorder_half_class, do_eof_twice, "made eof" },
    { &recorder_half_class, do_shut, "made shut" },
    { &recorder_half_class, do_shut_and_eof, "made shut eof lost:connection_done released" },
    { &recorder_half_class, do_eof_and_shut, "made eof lost:connection_done released" },
    { &recorder_half_class, do_lose, "made lost:connection_done released" },
};

START_TEST(a_connection_ends_once_and_last)
{
    begin_with(ends[_i].protocol_class);
    ends[_i].act();
    tw_testing_settle();
    ck_assert_str_eq(record_text(&record), ends[_i].text);
    ck_assert_str_eq(record_data(&record), "");
    end();
}
END_TEST

START_TEST(abort_does_not_call_back_at_once)
{
    begin();
    tw_transport_abort(transport);
    ck_assert_str_eq(record_text(&record), "made");
    ck_assert(!tw_transport_connected(transport));
    ck_assert(tw_transport_losing(transport));
    ck_assert_int_eq(tw_transport_write(transport, "x", 1), -ENOTCONN);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&record), "made lost:connection_aborted released");
    end();
}
END_TEST

START_TEST(a_reference_outlives_the_connection)
{
    begin();
    tw_transport_ref(transport);
    tw_transport_abort(transport);
    tw_testing_settle();
    tw_string_transport_free(string);
    ck_assert(!tw_transport_connected(transport));
    ck_assert(!tw_transport_losing(transport));
    ck_assert_ptr_null(tw_transport_protocol(transport));
    ck_assert_int_eq(tw_transport_write(transport, "x", 1), -ENOTCONN);
    ck_assert_int_eq(tw_transport_write_value(transport, tw_string("x")), -ENOTCONN);
    ck_assert_int_eq(tw_transport_write_file(transport, 0, 0, 1, NULL, NULL), -ENOTCONN);
    ck_assert_int_eq(tw_transport_set_nodelay(transport, true), -ENOTCONN);
    ck_assert_int_eq(tw_transport_set_timeout(transport, 1, NULL), 0);
    ck_assert_int_eq(tw_transport_set_watermarks(transport, 2, 1), 0);
    tw_transport_lose(transport);
    tw_transport_abort(transport);
    tw_transport_lose_write(transport);
    tw_transport_pause(transport);
    tw_transport_resume(transport);
    tw_transport_reset_timeout(transport);
    tw_transport_unregister_producer(transport);
    tw_transport_unref(transport);
    ck_assert_uint_eq(tw_testing_end(), 0);
    ck_assert_str_eq(record_text(&record), "made lost:connection_aborted released");
    record_free(&record);
}
END_TEST

START_TEST(a_reactor_that_goes_loses_its_connections)
{
    begin();
    tw_transport_ref(transport);
    tw_reactor_uninstall();
    ck_assert_str_eq(record_text(&record), "made lost:connection_lost released");
    tw_transport_unref(transport);
    end();
}
END_TEST

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

START_TEST(a_shutdown_loses_all_connections)
{
    begin();
    tw_call_later(1, stop, NULL);
    ck_assert_int_eq(tw_reactor_run(), 0);
    ck_assert_str_eq(record_text(&record), "made lost:connection_lost released");
    end();
}
END_TEST

/* --- writing ------------------------------------------------------------------------ */

START_TEST(writes_keep_their_order)
{
    char *big = malloc(100000), *expected = malloc(300000);
    size_t length = 0, got, offset = 0;
    const char *all;

    begin();
    memset(big, 'b', 100000);
    for (size_t n = 1; n < 60000; n = n * 2 + 1) {
        memset(big, 'a' + (int)(n % 26), n);
        memcpy(expected + length, big, n);
        ck_assert_int_eq(n % 4 == 3 && n > 100
                             ? tw_transport_write_value(transport, tw_bytes(big, n))
                             : tw_transport_write(transport, big, n),
                         0);
        length += n;
    }
    ck_assert_int_eq(tw_transport_write(transport, "", 0), 0);
    ck_assert_int_eq(tw_transport_write_value(transport, tw_string("")), 0);
    ck_assert_uint_eq(tw_transport_unsent(transport), length);
    all = tw_string_transport_written(string, &got);
    ck_assert_uint_eq(got, length);
    for (offset = 0; offset < length && all[offset] == expected[offset]; offset++)
        continue;
    ck_assert_uint_eq(offset, length);
    ck_assert_uint_eq(tw_transport_unsent(transport), 0);
    tw_string_transport_clear(string);
    ck_assert_str_eq(written(), "");
    free(big);
    free(expected);
    end();
}
END_TEST

START_TEST(what_is_written_after_lose_is_still_sent)
{
    begin();
    tw_transport_write(transport, "a", 1);
    tw_transport_lose(transport);
    ck_assert_int_eq(tw_transport_write(transport, "b", 1), 0);
    tw_testing_settle();
    ck_assert_str_eq(written(), "ab");
    ck_assert_str_eq(record_text(&record), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(what_is_written_before_a_shut_is_sent_and_nothing_after_it)
{
    begin_with(&recorder_half_class);
    tw_transport_write(transport, "a", 1);
    ck_assert_int_eq(tw_transport_lose_write(transport), 0);
    ck_assert_int_eq(tw_transport_write(transport, "b", 1), 0);
    tw_testing_settle();
    ck_assert_int_eq(tw_transport_write(transport, "c", 1), -ENOTCONN);
    tw_string_transport_deliver(string, "still", 5);
    ck_assert_str_eq(written(), "ab");
    ck_assert_str_eq(record_data(&record), "still");
    ck_assert_str_eq(record_text(&record), "made shut");
    end();
}
END_TEST

START_TEST(what_is_written_is_flushed_at_the_peers_end)
{
    begin();
    tw_transport_write(transport, "answer", 6);
    tw_string_transport_deliver_eof(string);
    ck_assert_str_eq(record_text(&record), "made");
    tw_testing_settle();
    ck_assert_str_eq(written(), "answer");
    ck_assert_str_eq(record_text(&record), "made lost:connection_done released");
    end();
}
END_TEST

static int file_errors[4], files_done;

static void file_done(int error, void *arg)
{
    (void)arg;
    file_errors[files_done++] = error;
}

static int temporary_file(const char *content)
{
    char name[] = "tweed-check-XXXXXX";
    int fd = mkstemp(name);

    ck_assert_int_ge(fd, 0);
    unlink(name);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    return fd;
}

START_TEST(a_file_is_sent_in_its_place)
{
    int fd = temporary_file("0123456789");

    begin();
    files_done = 0;
    tw_transport_write(transport, "<", 1);
    ck_assert_int_eq(tw_transport_write_file(transport, fd, 2, 5, file_done, NULL), 0);
    ck_assert_int_eq(tw_transport_write_file(transport, fd, 0, 0, file_done, NULL), 0);
    ck_assert_int_eq(tw_transport_write_file(transport, fd, 9, 1, NULL, NULL), 0);
    ck_assert_int_eq(tw_transport_write_file(transport, fd, -1, 1, file_done, NULL), -EINVAL);
    tw_transport_write(transport, ">", 1);
    ck_assert_uint_eq(tw_transport_unsent(transport), 8);
    tw_testing_settle();
    ck_assert_str_eq(written(), "<234569>");
    ck_assert_int_eq(files_done, 2);
    ck_assert_int_eq(file_errors[0], 0);
    ck_assert_int_eq(file_errors[1], 0);
    close(fd);
    end();
}
END_TEST

START_TEST(a_file_that_is_too_short_breaks_the_connection)
{
    int fd = temporary_file("0123456789");

    begin();
    files_done = 0;
    tw_transport_write_file(transport, fd, 8, 5, file_done, NULL);
    tw_transport_write_file(transport, fd, 0, 5, file_done, NULL);
    tw_testing_settle();
    ck_assert_int_eq(files_done, 2);
    ck_assert_int_lt(file_errors[0], 0);
    ck_assert_int_eq(file_errors[1], -ECANCELED);
    ck_assert_str_eq(record_text(&record), "made lost:connection_lost released");
    close(fd);
    end();
}
END_TEST

/* --- flow control ------------------------------------------------------------------- */

START_TEST(a_pause_holds_deliveries_back)
{
    begin();
    tw_transport_pause(transport);
    tw_transport_pause(transport);
    tw_string_transport_deliver(string, "one ", 4);
    tw_string_transport_deliver(string, "two", 3);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&record), "");
    tw_transport_resume(transport);
    tw_transport_resume(transport);
    tw_testing_settle();
    ck_assert_str_eq(record_data(&record), "one two");
    end();
}
END_TEST

START_TEST(own_buffers_are_filled_as_far_as_they_reach)
{
    begin_with(&recorder_buffered_class);
    record.buffer = malloc(4);
    record.buffer_size = 4;
    tw_string_transport_deliver(string, "0123456789", 10);
    ck_assert_str_eq(record_data(&record), "0123456789");
    ck_assert_uint_eq(record.deliveries, 3);
    ck_assert_uint_eq(record.largest, 4);
    record.buffer_size = 0;
    tw_string_transport_deliver(string, "0123456789", 10);
    ck_assert_uint_eq(record.deliveries, 4);
    end();
}
END_TEST

static struct twi_buf production;

static void produce_pause(void *arg)
{
    (void)arg;
    twi_buf_append_text(&production, "P");
}

static void produce_resume(void *arg)
{
    int *left = arg;
    twi_buf_append_text(&production, "R");
    if (left != NULL && (*left)-- > 0)
        tw_transport_write(transport, "piece ", 6);
    else if (left != NULL)
        tw_transport_unregister_producer(transport);
}

static void produce_stop(void *arg)
{
    (void)arg;
    twi_buf_append_text(&production, "S");
}

static const struct tw_producer producer = { produce_pause, produce_resume, produce_stop };

START_TEST(a_push_producer_is_paused_above_the_high_mark_and_resumed_at_the_low)
{
    begin();
    ck_assert_int_eq(tw_transport_set_watermarks(transport, 1, 2), -EINVAL);
    ck_assert_int_eq(tw_transport_set_watermarks(transport, 4, 0), 0);
    ck_assert_int_eq(tw_transport_register_producer(transport, &producer, true, NULL), 0);
    ck_assert_int_eq(tw_transport_register_producer(transport, &producer, true, NULL),
                     -EEXIST);
    tw_transport_write(transport, "1234", 4);
    ck_assert_str_eq(twi_buf_text(&production), "");
    tw_transport_write(transport, "5", 1);
    tw_transport_write(transport, "6", 1);
    ck_assert_str_eq(twi_buf_text(&production), "P");
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&production), "PR");
    tw_transport_abort(transport);
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&production), "PRS");
    twi_buf_free(&production);
    end();
}
END_TEST

START_TEST(a_pull_producer_gets_a_resume_for_each_empty_buffer)
{
    int left = 3;

    begin();
    tw_transport_register_producer(transport, &producer, false, &left);
    ck_assert_str_eq(twi_buf_text(&production), "R");
    tw_transport_lose(transport);
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&production), "RRRR");
    ck_assert_str_eq(written(), "piece piece piece ");
    ck_assert_str_eq(record_text(&record), "made lost:connection_done released");
    twi_buf_free(&production);
    end();
}
END_TEST

/* --- what leaves ------------------------------------------------------------------------- */

static size_t tellings, told_unsent;

static void note_sent(tw_protocol *protocol)
{
    tellings++;
    told_unsent = tw_transport_unsent(protocol->transport);
}

START_TEST(a_protocol_hears_how_its_bytes_leave)
{
    enum { SIZE = 300 * 1024, IN_FLIGHT = 256 * 1024 };
    static char many[SIZE];
    tw_protocol_class telling = recorder_class;
    struct record peer = { 0 };
    tw_transport *there;

    ck_assert_int_eq(tw_testing_begin(), 0);
    memset(&record, 0, sizeof record);
    telling.bytes_sent = note_sent;
    tellings = 0;
    ck_assert_int_eq(tw_memory_pair(recorder_new(&telling, &record),
                                    recorder_new(&recorder_class, &peer), 0),
                     0);
    there = record.protocol->transport;
    tw_transport_pause(peer.protocol->transport);
    tw_transport_write(there, "a", 1);
    tw_testing_settle();
    ck_assert_uint_eq(tellings, 0); /* it went at once */
    tw_transport_write(there, many, sizeof many);
    tw_testing_settle();
    ck_assert_uint_eq(tellings, 1);
    ck_assert_uint_eq(told_unsent, SIZE + 1 - IN_FLIGHT);
    tw_transport_tell_sent(there, true);
    tw_transport_resume(peer.protocol->transport);
    tw_testing_settle();
    ck_assert_uint_eq(told_unsent, 0);
    tellings = 0;
    tw_transport_write(there, "b", 1);
    tw_testing_settle();
    ck_assert_uint_eq(tellings, 1);
    tw_transport_tell_sent(there, false);
    tw_transport_write(there, "c", 1);
    tw_testing_settle();
    ck_assert_uint_eq(tellings, 1);
    /* The last ones too, before the end. */
    tw_transport_tell_sent(there, true);
    tw_transport_write(there, "d", 1);
    tw_transport_lose(there);
    tw_testing_settle();
    ck_assert_uint_eq(tellings, 2);
    ck_assert_str_eq(record_text(&record), "made lost:connection_done released");
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&record);
    record_free(&peer);
}
END_TEST

START_TEST(lose_waits_for_the_producer)
{
    begin();
    tw_transport_register_producer(transport, &producer, true, NULL);
    tw_transport_lose(transport);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&record), "made");
    tw_transport_write(transport, "end", 3);
    tw_transport_unregister_producer(transport);
    tw_testing_settle();
    ck_assert_str_eq(written(), "end");
    ck_assert_str_eq(record_text(&record), "made lost:connection_done released");
    twi_buf_free(&production);
    end();
}
END_TEST

START_TEST(a_producer_on_a_lost_connection_is_stopped_at_once)
{
    begin();
    tw_transport_abort(transport);
    ck_assert_int_eq(tw_transport_register_producer(transport, &producer, true, NULL), 0);
    ck_assert_str_eq(twi_buf_text(&production), "S");
    twi_buf_free(&production);
    end();
}
END_TEST

/* --- the idle timeout --------------------------------------------------------------- */

static void timed_out(tw_protocol *protocol)
{
    tw_transport_write(protocol->transport, "timeout", 7);
}

START_TEST(silence_is_ended_by_the_timeout)
{
    begin();
    ck_assert_int_eq(tw_transport_set_timeout(transport, -1, NULL), -EINVAL);
    ck_assert_int_eq(tw_transport_set_timeout(transport, 0, NULL), 0);
    ck_assert(tw_transport_timeout(transport) == 0);
    ck_assert_int_eq(tw_transport_set_timeout(transport, 10, NULL), 0);
    ck_assert(tw_transport_timeout(transport) == 10);
    for (int i = 0; i < 5; i++) {
        tw_testing_advance(9);
        tw_transport_reset_timeout(transport);
    }
    tw_testing_advance(9);
    ck_assert_str_eq(record_text(&record), "made");
    tw_testing_advance(2);
    ck_assert_str_eq(record_text(&record), "made lost:connection_done released");
    end();
}
END_TEST

START_TEST(the_timeout_calls_what_it_was_told_and_can_be_turned_off)
{
    begin();
    tw_transport_set_timeout(transport, 10, timed_out);
    tw_testing_advance(11);
    ck_assert_str_eq(written(), "timeout");
    tw_testing_advance(11);
    ck_assert_str_eq(written(), "timeout");
    tw_transport_set_timeout(transport, 10, timed_out);
    tw_transport_set_timeout(transport, 20, timed_out);
    tw_testing_advance(11);
    tw_transport_set_timeout(transport, 0, NULL);
    tw_testing_advance(100);
    ck_assert_str_eq(written(), "timeout");
    ck_assert_str_eq(record_text(&record), "made");
    end();
}
END_TEST

/* --- protocols and factories -------------------------------------------------------- */

static struct record second;

static void replace(struct record *first, const char *data, size_t length)
{
    tw_protocol *protocol = first->protocol;

    (void)data;
    (void)length;
    tw_transport_set_protocol(transport, recorder_new(&recorder_class, &second));
    ck_assert_ptr_null(protocol->transport);
}

START_TEST(a_protocol_may_replace_itself)
{
    begin();
    memset(&second, 0, sizeof second);
    record.on_data = replace;
    tw_string_transport_deliver(string, "one", 3);
    tw_string_transport_deliver(string, "two", 3);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&record), "made released");
    ck_assert_str_eq(record_data(&record), "one");
    ck_assert_str_eq(record_data(&second), "two");
    ck_assert_ptr_eq(tw_transport_protocol(transport), second.protocol);
    tw_transport_lose(transport);
    tw_testing_settle();
    ck_assert_str_eq(record_text(&second), "made lost:connection_done released");
    record_free(&second);
    end();
}
END_TEST

START_TEST(a_protocol_that_was_never_connected_is_only_released)
{
    memset(&record, 0, sizeof record);
    tw_protocol_free(recorder_new(&recorder_class, &record));
    tw_protocol_free(NULL);
    ck_assert_str_eq(record_text(&record), "released");
    record_free(&record);
}
END_TEST

START_TEST(protocols_of_every_size_are_zeroed_and_aligned)
{
    for (size_t size = 0; size < 2000; size += 24) {
        const tw_protocol_class sized = { .name = "sized", .size = size };
        tw_protocol *protocol = tw_protocol_new(&sized);
        ck_assert_uint_eq((uintptr_t)protocol % 16, 0);
        for (size_t i = sizeof *protocol; i < size; i++)
            ck_assert_int_eq(((char *)protocol)[i], 0);
        if (size > sizeof *protocol)
            memset(protocol + 1, 0xff, size - sizeof *protocol);
        tw_protocol_free(protocol);
    }
}
END_TEST

START_TEST(a_transport_tells_about_itself)
{
    char text[32];
    struct sockaddr_storage address;
    socklen_t length;

    begin();
    ck_assert_int_eq(tw_transport_peer(transport, text, sizeof text), 6);
    ck_assert_str_eq(text, "memory");
    ck_assert_int_eq(tw_transport_local(transport, text, 4), 6);
    ck_assert_str_eq(text, "mem");
    ck_assert_int_eq(tw_transport_peer_address(transport, &address, &length), -ENOTSUP);
    ck_assert_int_eq(tw_transport_fd(transport), -1);
    ck_assert_int_eq(tw_transport_set_keepalive(transport, true), -ENOTSUP);
    ck_assert(tw_transport_connected(transport));
    end();
}
END_TEST

/* --- misuse ------------------------------------------------------------------------------ */

#if TWI_DEBUG
static void *write_elsewhere(void *arg)
{
    tw_transport_write(arg, "x", 1);
    return NULL;
}

START_TEST(another_threads_transport_is_refused)
{
    int status;
    pid_t child;

    begin();
    child = fork();
    if (child == 0) {
        pthread_t thread;
        signal(SIGABRT, SIG_DFL);
        pthread_create(&thread, NULL, write_elsewhere, transport);
        pthread_join(thread, NULL);
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    end();
}
END_TEST
#endif

/* --- out of memory ------------------------------------------------------------------ */

static bool a_conversation(void *arg)
{
    tw_string_transport *here;
    tw_protocol *protocol;
    struct record log = { .protocol = NULL };
    bool ok = false;

    (void)arg;
    if (tw_testing_begin() < 0)
        return false;
    protocol = recorder_new(&recorder_class, &log);
    here = protocol == NULL ? NULL : tw_string_transport_new(protocol);
    if (here != NULL) {
        tw_transport *there = log.protocol->transport;
        char big[6000];

        memset(big, 'x', sizeof big);
        ok = tw_transport_write(there, "hello", 5) == 0 &&
             tw_transport_write(there, big, sizeof big) == 0 &&
             tw_transport_write_value(there, tw_bytes(big, sizeof big)) == 0 &&
             tw_transport_set_timeout(there, 5, NULL) == 0;
        tw_transport_pause(there);
        tw_string_transport_deliver(here, "in", 2);
        tw_transport_resume(there);
        tw_transport_ref(there);
        tw_testing_settle();
        tw_transport_lose(there);
        tw_transport_unref(there);
        tw_testing_settle();
        ok = ok && log.text.length > 4 && log.data.length == 2;
        /* After each failure the connection has ended. */
        ck_assert_ptr_null(log.protocol);
        tw_string_transport_free(here);
    }
    ck_assert_uint_eq(tw_testing_end(), 0);
    record_free(&log);
    return ok;
}

START_TEST(a_connection_survives_every_failed_allocation)
{
    ck_assert_uint_gt(test_each_alloc_failure(a_conversation, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport");

    TEST_ADD_ROWS(suite, a_connection_ends_once_and_last, ends);
    TEST_ADD(suite, abort_does_not_call_back_at_once);
    TEST_ADD(suite, a_reference_outlives_the_connection);
    TEST_ADD(suite, a_reactor_that_goes_loses_its_connections);
    TEST_ADD(suite, a_shutdown_loses_all_connections);
    TEST_ADD(suite, writes_keep_their_order);
    TEST_ADD(suite, what_is_written_after_lose_is_still_sent);
    TEST_ADD(suite, what_is_written_before_a_shut_is_sent_and_nothing_after_it);
    TEST_ADD(suite, what_is_written_is_flushed_at_the_peers_end);
    TEST_ADD(suite, a_file_is_sent_in_its_place);
    TEST_ADD(suite, a_file_that_is_too_short_breaks_the_connection);
    TEST_ADD(suite, a_pause_holds_deliveries_back);
    TEST_ADD(suite, own_buffers_are_filled_as_far_as_they_reach);
    TEST_ADD(suite, a_push_producer_is_paused_above_the_high_mark_and_resumed_at_the_low);
    TEST_ADD(suite, a_pull_producer_gets_a_resume_for_each_empty_buffer);
    TEST_ADD(suite, a_protocol_hears_how_its_bytes_leave);
    TEST_ADD(suite, lose_waits_for_the_producer);
    TEST_ADD(suite, a_producer_on_a_lost_connection_is_stopped_at_once);
    TEST_ADD(suite, silence_is_ended_by_the_timeout);
    TEST_ADD(suite, the_timeout_calls_what_it_was_told_and_can_be_turned_off);
    TEST_ADD(suite, a_protocol_may_replace_itself);
    TEST_ADD(suite, a_protocol_that_was_never_connected_is_only_released);
    TEST_ADD(suite, protocols_of_every_size_are_zeroed_and_aligned);
    TEST_ADD(suite, a_transport_tells_about_itself);
#if TWI_DEBUG
    TEST_ADD(suite, another_threads_transport_is_refused);
#endif
    TEST_ADD(suite, a_connection_survives_every_failed_allocation);
    return test_run(suite);
}
