/* SPDX-License-Identifier: MIT */
/*
 * check_stream.c - reading from streams, however the bytes arrive.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tweed/stream.h>
#include <tweed/testing.h>

#include "base/buf.h"
#include "net/transport/transport.h"
#include "tests/test.h"

static tw_stream *stream;
static tw_string_transport *string;
static struct twi_buf seen; /* results: [bytes], - for none, (class:value) for failures */

static void see(tw_value result)
{
    if (tw_is_none(result)) {
        twi_buf_append_text(&seen, "-");
    } else if (tw_is_failure(result)) {
        tw_value value = tw_failure_value(result);

        twi_buf_printf(&seen, "(%s", tw_failure_class(result)->name);
        if (!tw_is_none(value))
            twi_buf_printf(&seen, ":%s", tw_bytes_data(value));
        twi_buf_append_text(&seen, ")");
    } else {
        twi_buf_append_text(&seen, "[");
        twi_buf_append(&seen, tw_bytes_data(result), tw_bytes_length(result));
        twi_buf_append_text(&seen, "]");
    }
}

static tw_value see_and_drop(tw_value result, void *arg)
{
    (void)arg;
    see(result);
    return tw_none();
}

/* Start a wait whose result will be seen. */
static void watch(tw_deferred *wait)
{
    tw_add_both(test_given(wait), see_and_drop, NULL);
    tw_deferred_unref(wait);
}

static bool begin(void)
{
    tw_protocol *protocol;

    stream = NULL;
    string = NULL;
    if (tw_testing_begin() < 0)
        return false;
    protocol = tw_stream_protocol_new(&stream);
    string = protocol == NULL ? NULL : tw_string_transport_new(protocol);
    return string != NULL;
}

static void deliver(const char *data, size_t length)
{
    tw_string_transport_deliver(string, data, length);
}

static void say(const char *text)
{
    deliver(text, strlen(text));
}

static void end(void)
{
    tw_stream_unref(stream);
    tw_string_transport_free(string);
    twi_buf_free(&seen);
    ck_assert_uint_eq(tw_testing_end(), 0);
}

#define SEEN(text)                                     \
    do {                                               \
        ck_assert_str_eq(twi_buf_text(&seen), (text)); \
        twi_buf_consume(&seen, seen.length);           \
    } while (0)

/* --- what is read does not depend on how it comes ------------------------------------------ */

/* Reads, one after the other: L line, X3 exactly, P3 peek, U;5 until ";" with a limit of 5, E5 to
 * the end; the last one again and again until it gives none or fails. */
struct reading {
    const char *next;
    unsigned count;
};

static tw_value read_on(tw_value result, void *arg);

static tw_deferred *start_read(const char *op)
{
    static char delimiter[2];
    size_t number = strtoul(op + (op[0] == 'U' ? 2 : 1), NULL, 10);

    switch (op[0]) {
    case 'L':
        return tw_stream_read_line(stream);
    case 'X':
        return tw_stream_read_exactly(stream, number);
    case 'P':
        return tw_stream_peek(stream, number);
    case 'U':
        delimiter[0] = op[1] == '0' ? '\0' : op[1];
        return tw_stream_read_until(stream, delimiter, number);
    case 'D':
        return tw_stream_read_until(stream, "--aab", number);
    default:
        return tw_stream_read_to_end(stream, number);
    }
}

static void next_read(struct reading *reading)
{
    const char *space = strchr(reading->next, ' ');
    tw_deferred *wait;

    wait = start_read(reading->next);
    if (space != NULL)
        reading->next = space + 1;
    reading->count++;
    tw_add_both(wait, read_on, reading);
    tw_deferred_unref(wait);
}

static tw_value read_on(tw_value result, void *arg)
{
    see(result);
    if (tw_is(result, &tw_type_bytes) && ((struct reading *)arg)->count < 20)
        next_read(arg);
    return tw_none();
}

static const struct {
    const char *in;
    size_t length; /* 0: strlen(in) */
    const char *reads, *seen;
} rows[] = {
    { "one\ntwo\r\n\nlast\n", 0, "L", "[one][two][][last]-" },
    { "one\ntwo", 0, "L", "[one][two]-" },
    { "", 0, "L", "-" },
    { "\r", 0, "L", "[\r]-" },
    { "a\rb\n\r\n", 0, "L", "[a\rb][]-" },
    { "01234567\n", 0, "L", "[01234567]-" },
    { "01234567\r\n8\n", 0, "L", "[01234567][8]-" },
    { "012345678\n", 0, "L", "(tw_error_toolarge)" },
    { "01234567\r8\n", 0, "L", "(tw_error_toolarge)" },
    { "abcdefgh", 0, "X3 X5 X1", "[abc][defgh](tw_error_partial:)" },
    { "abcde", 0, "X3", "[abc](tw_error_partial:de)" },
    { "abc", 0, "X0 X3 X0 L", "[][abc][]-" },
    { "abc", 0, "P2 P3 L", "[ab][abc][abc]-" },
    { "abc", 0, "P4", "(tw_error_partial:abc)" },
    { "a;bc;;d", 0, "U;0", "[a][bc][](tw_error_partial:d)" },
    { "a;bc;def;", 0, "U;2", "[a][bc](tw_error_toolarge)" },
    { "a\0b\0", 4, "U00", "[a][b](tw_error_partial:)" },
    { "x--aa--aab--a-aab--aab", 0, "D0", "[x--aa][--a-aab](tw_error_partial:)" },
    { "x----aab-", 0, "D3", "[x--](tw_error_partial:-)" },
    { "0123--aab", 0, "D3", "(tw_error_toolarge)" },
    { "one\nrest\nall", 0, "L E0 X1", "[one][rest\nall](tw_error_partial:)" },
    { "12345", 0, "E5 X1", "[12345](tw_error_partial:)" },
    { "123456", 0, "E5", "(tw_error_toolarge)" },
    { "GET / HTTP/1.0\r\n\r\nbody", 0, "U\r40 X3 X4 E0 L",
      "[GET / HTTP/1.0][\n\r\n][body][]-" },
};

/* Cuts: before[0], before[1], ... are delivered one by one, then the end. */
static void run_row(int i, size_t cut, size_t piece)
{
    size_t length = rows[i].length > 0 ? rows[i].length : strlen(rows[i].in);
    struct reading reading = { .next = rows[i].reads };

    ck_assert(begin());
    tw_stream_set_limit(stream, 8);
    next_read(&reading);
    for (size_t at = 0; at < length;) {
        size_t n = piece > 0 ? piece : at < cut ? cut : length - at;

        deliver(rows[i].in + at, n < length - at ? n : length - at);
        at += n;
    }
    tw_string_transport_deliver_eof(string);
    ck_assert_msg(strcmp(twi_buf_text(&seen), rows[i].seen) == 0,
                  "row %d, cut %zu, piece %zu: %s", i, cut, piece, twi_buf_text(&seen));
    end();
}

START_TEST(reads_do_not_depend_on_how_bytes_arrive)
{
    size_t length = rows[_i].length > 0 ? rows[_i].length : strlen(rows[_i].in);

    run_row(_i, 0, 0);
    for (size_t cut = 1; cut < length; cut++)
        run_row(_i, cut, 0);
    for (size_t piece = 1; piece < 4; piece++)
        run_row(_i, 0, piece);
}
END_TEST

START_TEST(what_came_before_is_read_at_once)
{
    struct reading reading = { .next = rows[_i].reads };
    size_t length = rows[_i].length > 0 ? rows[_i].length : strlen(rows[_i].in);

    ck_assert(begin());
    tw_stream_set_limit(stream, 8);
    deliver(rows[_i].in, length);
    next_read(&reading);
    tw_string_transport_deliver_eof(string);
    ck_assert_str_eq(twi_buf_text(&seen), rows[_i].seen);
    end();
}
END_TEST

START_TEST(the_end_may_come_before_the_reads)
{
    struct reading reading = { .next = rows[_i].reads };
    size_t length = rows[_i].length > 0 ? rows[_i].length : strlen(rows[_i].in);

    ck_assert(begin());
    deliver(rows[_i].in, length);
    tw_string_transport_deliver_eof(string);
    tw_stream_set_limit(stream, 8);
    next_read(&reading);
    ck_assert_str_eq(twi_buf_text(&seen), rows[_i].seen);
    end();
}
END_TEST

START_TEST(some_is_what_there_is)
{
    ck_assert(begin());
    watch(tw_stream_read(stream, 4));
    say("abcdef");
    SEEN("[abcd]");
    watch(tw_stream_read(stream, 4));
    SEEN("[ef]");
    watch(tw_stream_read(stream, 0));
    SEEN("[]");
    watch(tw_stream_read(stream, 4));
    SEEN("");
    tw_string_transport_deliver_eof(string);
    SEEN("[]");
    ck_assert(tw_stream_at_eof(stream));
    watch(tw_stream_read(stream, 4));
    SEEN("[]");
    end();
}
END_TEST

START_TEST(what_is_too_large_stays_to_be_read)
{
    ck_assert(begin());
    tw_stream_set_limit(stream, 4);
    watch(tw_stream_read_line(stream));
    say("abcdef\nxy\n");
    watch(tw_stream_read_until(stream, "\n", 5));
    watch(tw_stream_read_to_end(stream, 3));
    SEEN("(tw_error_toolarge)(tw_error_toolarge)(tw_error_toolarge)");
    watch(tw_stream_read_until(stream, "\n", 6));
    watch(tw_stream_read_line(stream));
    SEEN("[abcdef][xy]");
    end();
}
END_TEST

/* --- ends ------------------------------------------------------------------------------------ */

START_TEST(a_broken_connection_gives_what_came_and_then_the_reason)
{
    size_t length;

    ck_assert(begin());
    watch(tw_stream_read_exactly(stream, 10));
    say("abc");
    tw_string_transport_lose(string, tw_fail(&tw_error_connection_lost, "cut"));
    SEEN("(tw_error_connection_lost)");
    ck_assert_mem_eq(tw_stream_buffered(stream, &length), "abc", 3);
    ck_assert_uint_eq(length, 3);
    ck_assert(!tw_stream_at_eof(stream));
    watch(tw_stream_read_line(stream));
    watch(tw_stream_read_to_end(stream, 0));
    watch(tw_stream_read_until(stream, ";", 0));
    SEEN("(tw_error_connection_lost)(tw_error_connection_lost)(tw_error_connection_lost)");
    watch(tw_stream_read_exactly(stream, 1));
    watch(tw_stream_read(stream, 10));
    watch(tw_stream_read(stream, 10));
    SEEN("[a][bc](tw_error_connection_lost)");
    ck_assert(tw_stream_at_eof(stream));
    ck_assert_ptr_null(tw_stream_transport(stream));
    ck_assert_int_eq(tw_stream_write(stream, "x", 1), -ENOTCONN);
    watch(tw_stream_drain(stream));
    watch(tw_stream_wait_closed(stream));
    SEEN("(tw_error_connection_lost)(tw_error_connection_lost)");
    end();
}
END_TEST

START_TEST(an_end_before_a_loss_is_an_end)
{
    ck_assert(begin());
    say("a");
    tw_string_transport_deliver_eof(string);
    tw_string_transport_lose(string, tw_fail(&tw_error_connection_lost, "cut"));
    watch(tw_stream_read_line(stream));
    watch(tw_stream_read_line(stream));
    SEEN("[a]-");
    end();
}
END_TEST

START_TEST(a_close_ends_reads)
{
    ck_assert(begin());
    say("ab");
    watch(tw_stream_read_exactly(stream, 3));
    tw_stream_close(stream);
    SEEN("(tw_error_connection_done)");
    watch(tw_stream_read_exactly(stream, 3));
    watch(tw_stream_read(stream, 3));
    watch(tw_stream_read(stream, 3));
    SEEN("(tw_error_connection_done)[ab](tw_error_connection_done)");
    tw_testing_settle();
    watch(tw_stream_read(stream, 3));
    SEEN("(tw_error_connection_done)");
    end();
}
END_TEST

START_TEST(an_abort_ends_reads)
{
    ck_assert(begin());
    watch(tw_stream_read_exactly(stream, 3));
    tw_stream_abort(stream);
    tw_stream_abort(stream);
    tw_stream_close(stream);
    watch(tw_stream_drain(stream));
    SEEN("(tw_error_connection_aborted)(tw_error_connection_aborted)");
    tw_testing_settle();
    watch(tw_stream_read(stream, 3));
    watch(tw_stream_wait_closed(stream));
    SEEN("(tw_error_connection_aborted)-");
    end();
}
END_TEST

/* --- cancel, timeouts, misuse ---------------------------------------------------------------- */

static const char *const reads[] = { "L", "X10", "P10", "U;9", "E9" };

START_TEST(a_cancelled_read_loses_nothing)
{
    tw_deferred *wait;

    for (int before = 0; before < 4; before++) {
        ck_assert(begin());
        deliver("abc", (size_t)before);
        wait = start_read(reads[_i]);
        deliver(&"abc"[before], (size_t)(3 - before));
        ck_assert_int_eq(tw_cancel(wait), 0);
        watch(wait);
        SEEN("(tw_error_cancelled)");
        watch(tw_stream_read_exactly(stream, 4));
        say("d");
        SEEN("[abcd]");
        end();
    }
}
END_TEST

START_TEST(a_read_that_times_out_loses_nothing)
{
    tw_deferred *wait;

    ck_assert(begin());
    wait = start_read(reads[_i]);
    ck_assert_int_eq(tw_deferred_add_timeout(wait, 5, NULL), 0);
    watch(wait);
    tw_testing_advance(4);
    say("abc");
    SEEN("");
    tw_testing_advance(2);
    SEEN("(tw_error_timeout)");
    watch(tw_stream_read(stream, 9));
    SEEN("[abc]");
    end();
}
END_TEST

START_TEST(a_streams_timeout_is_each_waits)
{
    ck_assert(begin());
    ck_assert_int_eq(tw_stream_set_timeout(stream, -1), -EINVAL);
    ck_assert_int_eq(tw_stream_set_timeout(stream, 5), 0);
    watch(start_read(reads[_i]));
    tw_testing_advance(4);
    SEEN("");
    tw_testing_advance(2);
    SEEN("(tw_error_timeout)");
    ck_assert_int_eq(tw_stream_set_timeout(stream, 0), 0);
    watch(tw_stream_read(stream, 9));
    tw_testing_advance(100);
    say("abc");
    SEEN("[abc]");
    end();
}
END_TEST

START_TEST(misuse_has_a_name)
{
    size_t length = 1;

    ck_assert(begin());
    watch(tw_stream_read_line(stream));
    watch(tw_stream_read(stream, 1));
    watch(tw_stream_start_tls(stream, NULL, NULL));
    watch(tw_stream_read_until(stream, NULL, 1));
    SEEN("(tw_error_misuse)(tw_error_misuse)(tw_error_misuse)");
    ck_assert_int_eq(tw_stream_unread(stream, "x", 1), -EBUSY);
    say("line\n");
    SEEN("[line]");
    watch(tw_stream_start_tls(stream, NULL, NULL));
    watch(tw_stream_read_line(NULL));
    watch(tw_stream_read_until(NULL, "x", 0));
    watch(tw_stream_drain(NULL));
    watch(tw_stream_start_tls(NULL, NULL, NULL));
    SEEN("(tw_error_misuse)(tw_error_misuse)(tw_error_misuse)(tw_error_misuse)"
         "(tw_error_misuse)");
    watch(tw_stream_wait_closed(NULL));
    SEEN("-");
    ck_assert_int_eq(tw_stream_write(NULL, "x", 1), -ENOTCONN);
    ck_assert_int_eq(tw_stream_unread(NULL, "x", 1), -EINVAL);
    ck_assert(tw_stream_at_eof(NULL));
    ck_assert(tw_stream_is_closing(NULL));
    ck_assert_str_eq(tw_stream_buffered(NULL, &length), "");
    ck_assert_uint_eq(length, 0);
    ck_assert(tw_is_none(tw_stream_value(NULL)));
    ck_assert_ptr_null(tw_stream_of(tw_integer(1)));
    ck_assert_ptr_null(tw_stream_transport(NULL));
    tw_stream_close(NULL);
    tw_stream_abort(NULL);
    tw_stream_set_limit(NULL, 1);
    tw_stream_unref(NULL);
    end();
}
END_TEST

/* --- the buffer ------------------------------------------------------------------------------ */

START_TEST(bytes_can_be_put_back)
{
    ck_assert(begin());
    ck_assert_int_eq(tw_stream_unread(stream, "", 0), 0);
    ck_assert_int_eq(tw_stream_unread(stream, "b", 1), 0);
    ck_assert_int_eq(tw_stream_unread(stream, "a", 1), 0);
    say("c\nrest");
    ck_assert_int_eq(tw_stream_unread(stream, "_", 1), 0);
    watch(tw_stream_read_line(stream));
    watch(tw_stream_read(stream, 2));
    ck_assert_int_eq(tw_stream_unread(stream, "re", 2), 0);
    watch(tw_stream_read(stream, 100));
    SEEN("[_abc][re][rest]");
    end();
}
END_TEST

static tw_value deliver_more(tw_value result, void *arg)
{
    say(arg);
    return result;
}

START_TEST(bytes_that_come_within_a_callback_come_behind)
{
    tw_deferred *wait;

    ck_assert(begin());
    wait = tw_stream_read_line(stream);
    tw_add_callback(wait, deliver_more, (void *)"three\n");
    watch(wait);
    say("one\ntwo\n");
    watch(tw_stream_read_line(stream));
    watch(tw_stream_read_line(stream));
    SEEN("[one][two][three]");
    end();
}
END_TEST

START_TEST(a_peer_has_to_wait_while_too_much_is_unread)
{
    tw_transport *transport;

    ck_assert(begin());
    transport = tw_stream_transport(stream);
    tw_stream_set_limit(stream, 4);
    say("1234");
    ck_assert(!transport->paused);
    say("5");
    ck_assert(transport->paused);
    say("6789");
    watch(tw_stream_read(stream, 2));
    ck_assert(transport->paused);
    SEEN("[12]");
    watch(tw_stream_read(stream, 1));
    ck_assert(!transport->paused);
    watch(tw_stream_read_exactly(stream, 6));
    tw_testing_settle();
    SEEN("[3][456789]");
    /* A read gets as many bytes as it asks for. */
    say("abcdef");
    ck_assert(transport->paused);
    watch(tw_stream_read_exactly(stream, 20));
    ck_assert(!transport->paused);
    say("0123456789abcdef");
    SEEN("[abcdef0123456789abcd]");
    tw_stream_set_limit(stream, 1);
    ck_assert(transport->paused);
    tw_stream_set_limit(stream, 0);
    ck_assert(!transport->paused);
    end();
}
END_TEST

START_TEST(an_idle_stream_holds_no_buffer)
{
    int64_t idle;

    ck_assert(begin());
    watch(tw_stream_read_line(stream));
    say("x\n");
    twi_buf_free(&seen);
    idle = test_allocs_living();
    for (int i = 0; i < 3; i++) {
        say("some more bytes");
        ck_assert_int_eq(test_allocs_living(), idle + 1);
        watch(tw_stream_read_exactly(stream, 15));
        twi_buf_free(&seen);
        ck_assert_int_eq(test_allocs_living(), idle);
    }
    end();
}
END_TEST

/* A block that is read whole is handed over as it lies: no second copy in memory. */
START_TEST(large_reads_are_whole)
{
    static char big[300000];
    tw_deferred *wait;
    tw_value result;

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 % 251);
    for (size_t piece = 4096; piece <= sizeof big; piece *= 3) {
        ck_assert(begin());
        wait = piece % 2 == 0 ? tw_stream_read_exactly(stream, sizeof big)
                              : tw_stream_read_to_end(stream, 0);
        for (size_t at = 0; at < sizeof big; at += piece)
            deliver(big + at, sizeof big - at < piece ? sizeof big - at : piece);
        tw_string_transport_deliver_eof(string);
        ck_assert(tw_deferred_called(wait));
        result = tw_deferred_result(wait);
        ck_assert_uint_eq(tw_bytes_length(result), sizeof big);
        ck_assert_int_eq(memcmp(tw_bytes_data(result), big, sizeof big), 0);
        ck_assert_int_eq(tw_bytes_data(result)[sizeof big], '\0');
        tw_deferred_unref(wait);
        end();
    }
}
END_TEST

/* --- counting -------------------------------------------------------------------------------- */

START_TEST(what_waits_keeps_the_stream_and_the_last_reference_closes_it)
{
    tw_transport *transport;

    ck_assert(begin());
    transport = tw_stream_transport(stream);
    tw_stream_write_text(stream, "bye");
    watch(tw_stream_read_line(stream));
    tw_stream_unref(stream);
    stream = NULL;
    tw_testing_settle();
    ck_assert(tw_transport_connected(transport));
    say("line\nmore");
    SEEN("[line]");
    tw_testing_settle();
    ck_assert(!tw_transport_connected(transport));
    ck_assert_str_eq(tw_string_transport_written(string, NULL), "bye");
    end();
}
END_TEST

START_TEST(a_stream_is_a_value)
{
    char text[80];
    tw_value value;

    ck_assert(begin());
    say("abc");
    value = tw_stream_value(stream);
    ck_assert_ptr_eq(tw_stream_of(value), stream);
    tw_value_format(value, text, sizeof text);
    ck_assert_str_eq(text, "stream with memory (3 bytes unread)");
    tw_release(value);
    tw_string_transport_lose(string, tw_fail(&tw_error_connection_lost, "cut"));
    value = tw_stream_value(stream);
    tw_value_format(value, text, sizeof text);
    ck_assert_str_eq(text, "stream with nobody (3 bytes unread)");
    tw_release(value);
    end();
}
END_TEST

START_TEST(a_stream_without_a_connection_says_so)
{
    tw_protocol *protocol;

    ck_assert_int_eq(tw_testing_begin(), 0);
    protocol = tw_stream_protocol_new(&stream);
    ck_assert_int_eq(tw_stream_write(stream, "x", 1), -ENOTCONN);
    watch(tw_stream_read_line(stream));
    watch(tw_stream_wait_closed(stream));
    SEEN("");
    tw_protocol_free(protocol);
    SEEN("(tw_error_connection_lost)(tw_error_connection_lost)");
    string = NULL;
    end();
}
END_TEST

static const tw_protocol_class silent_class = { .name = "silent",
                                                .size = sizeof(tw_protocol) };

START_TEST(a_connection_can_be_taken_over)
{
    tw_protocol *protocol;
    tw_stream *taken = NULL;

    ck_assert_int_eq(tw_testing_begin(), 0);
    protocol = tw_protocol_new(&silent_class);
    string = tw_string_transport_new(protocol);
    tw_transport_pause(protocol->transport);
    say("lost no byte\n");
    ck_assert_int_eq(tw_stream_adopt(protocol->transport, &stream), 0);
    ck_assert_int_eq(tw_stream_unread(stream, "I ", 2), 0);
    watch(tw_stream_read_line(stream));
    tw_testing_settle();
    SEEN("[I lost no byte]");
    /* And again, by another stream. */
    watch(tw_stream_read_line(stream));
    ck_assert_int_eq(tw_stream_adopt(tw_stream_transport(stream), &taken), 0);
    tw_testing_settle();
    SEEN("(tw_error_connection_lost)");
    tw_stream_close(taken);
    ck_assert_int_eq(tw_stream_adopt(tw_stream_transport(taken), &taken), -ENOTCONN);
    tw_stream_unref(taken);
    end();
}
END_TEST

/* --- memory ---------------------------------------------------------------------------------- */

/* True when all reads got what they should. */
static bool read_all(void *arg)
{
    static const char input[] = "a line\r\nuntil;0123456789and the rest";
    tw_deferred *waits[5];
    bool worked = begin();
    const char *wanted[] = { "a line", "until", "01234", "0123456789", "and the rest" };

    (void)arg;
    for (size_t i = 0; worked && i < 5; i++) {
        static const char *const ops[] = { "L", "U;0", "P5", "X10", "E0" };

        waits[i] = start_read(ops[i]);
        if (i == 0)
            for (size_t at = 0; at < sizeof input - 1; at += 9)
                deliver(input + at, sizeof input - 1 - at < 9 ? sizeof input - 1 - at : 9);
        if (i == 4)
            tw_string_transport_deliver_eof(string);
        worked = waits[i] != NULL && tw_deferred_called(waits[i]) &&
                 strcmp(tw_bytes_data(tw_deferred_result(waits[i])), wanted[i]) == 0;
        tw_deferred_mark_handled(waits[i]);
        tw_deferred_unref(waits[i]);
    }
    if (worked && tw_stream_unread(stream, "x", 1) < 0)
        worked = false;
    end();
    return worked;
}

START_TEST(reads_survive_failing_allocations)
{
    test_each_alloc_failure(read_all, NULL);
}
END_TEST

/* A read without memory takes nothing: the next one gets it all. */
START_TEST(a_read_without_memory_loses_nothing)
{
    tw_deferred *wait;
    uint64_t needed;

    for (uint64_t n = 1;; n++) {
        ck_assert(begin());
        say("abc\ndef");
        tw_string_transport_deliver_eof(string);
        test_fail_alloc(n, true);
        wait = start_read(reads[_i]);
        needed = test_allocs();
        test_fail_alloc(0, false);
        if (needed < n) {
            tw_deferred_mark_handled(wait);
            tw_deferred_unref(wait);
            end();
            return;
        }
        ck_assert(wait == NULL || tw_failure_is(tw_deferred_result(wait), &tw_error_memory));
        tw_deferred_mark_handled(wait);
        tw_deferred_unref(wait);
        watch(tw_stream_read(stream, 10));
        SEEN("[abc\ndef]");
        end();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream");

    TEST_ADD_ROWS(suite, reads_do_not_depend_on_how_bytes_arrive, rows);
    TEST_ADD_ROWS(suite, what_came_before_is_read_at_once, rows);
    TEST_ADD_ROWS(suite, the_end_may_come_before_the_reads, rows);
    TEST_ADD(suite, some_is_what_there_is);
    TEST_ADD(suite, what_is_too_large_stays_to_be_read);
    TEST_ADD(suite, a_broken_connection_gives_what_came_and_then_the_reason);
    TEST_ADD(suite, an_end_before_a_loss_is_an_end);
    TEST_ADD(suite, a_close_ends_reads);
    TEST_ADD(suite, an_abort_ends_reads);
    TEST_ADD_ROWS(suite, a_cancelled_read_loses_nothing, reads);
    TEST_ADD_ROWS(suite, a_read_that_times_out_loses_nothing, reads);
    TEST_ADD_ROWS(suite, a_streams_timeout_is_each_waits, reads);
    TEST_ADD(suite, misuse_has_a_name);
    TEST_ADD(suite, bytes_can_be_put_back);
    TEST_ADD(suite, bytes_that_come_within_a_callback_come_behind);
    TEST_ADD(suite, a_peer_has_to_wait_while_too_much_is_unread);
    TEST_ADD(suite, an_idle_stream_holds_no_buffer);
    TEST_ADD(suite, large_reads_are_whole);
    TEST_ADD(suite, what_waits_keeps_the_stream_and_the_last_reference_closes_it);
    TEST_ADD(suite, a_stream_is_a_value);
    TEST_ADD(suite, a_stream_without_a_connection_says_so);
    TEST_ADD(suite, a_connection_can_be_taken_over);
    TEST_ADD(suite, reads_survive_failing_allocations);
    TEST_ADD_ROWS(suite, a_read_without_memory_loses_nothing, reads);
    return test_run(suite);
}
