/* SPDX-License-Identifier: MIT */
/*
 * check_framing.c - strings with their length in front, however the bytes arrive.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tweed/framing.h>
#include <tweed/testing.h>

#include "base/buf.h"
#include "tests/test.h"

static struct twi_buf seen; /* what was delivered: [string], <what broke it>, (how it ended) */
static tw_framing_protocol *reader;
static tw_string_transport *string;

/* Some strings are commands. */
static void string_received(tw_framing_protocol *self, const char *data, size_t length)
{
    twi_buf_append_text(&seen, "[");
    twi_buf_append(&seen, data, length);
    twi_buf_append_text(&seen, "]");
    if (length == 5 && memcmp(data, "pause", 5) == 0)
        tw_framing_pause(self);
    if (length == 4 && memcmp(data, "flip", 4) == 0) {
        tw_framing_pause(self);
        tw_framing_resume(self);
    }
    if (length == 4 && memcmp(data, "lose", 4) == 0)
        tw_transport_lose(self->protocol.transport);
    if (length == 5 && memcmp(data, "abort", 5) == 0)
        tw_transport_abort(self->protocol.transport);
    if (length == 4 && memcmp(data, "echo", 4) == 0)
        tw_framing_send(self, data, length);
}

static void was_broken(tw_framing_protocol *self, tw_value reason)
{
    twi_buf_printf(&seen, "<%s %lld>", tw_failure_word(reason),
                   (long long)tw_failure_number(reason));
    tw_framing_send(self, "no", 2);
}

static void connection_lost(tw_protocol *protocol, tw_value reason)
{
    twi_buf_printf(&seen, "(%s %zu)", tw_failure_class(reason)->name + strlen("tw_error_"),
                   tw_framing_unfinished((tw_framing_protocol *)protocol));
}

static const tw_protocol_class reader_class = {
    .name = "reader",
    .size = sizeof(tw_framing_protocol),
    TW_FRAMING_PROTOCOL,
    .connection_lost = connection_lost,
};

enum { LIMIT = 16 };
static const struct tw_framing_class strict[] = {
    [TW_INT32] = { TW_INT32, LIMIT, string_received, NULL },
    [TW_INT16] = { TW_INT16, LIMIT, string_received, NULL },
    [TW_INT8] = { TW_INT8, LIMIT, string_received, NULL },
    [TW_NETSTRING] = { TW_NETSTRING, LIMIT, string_received, NULL },
};
static const struct tw_framing_class answering[] = {
    [TW_INT32] = { TW_INT32, LIMIT, string_received, was_broken },
    [TW_INT16] = { TW_INT16, LIMIT, string_received, was_broken },
    [TW_INT8] = { TW_INT8, LIMIT, string_received, was_broken },
    [TW_NETSTRING] = { TW_NETSTRING, LIMIT, string_received, was_broken },
};

static void begin(const struct tw_framing_class *framing_class)
{
    tw_protocol *protocol;

    ck_assert_int_eq(tw_testing_begin(), 0);
    protocol = test_given(tw_protocol_new(&reader_class));
    reader = (tw_framing_protocol *)protocol;
    reader->framing_class = framing_class;
    string = test_given(tw_string_transport_new(protocol));
}

static void end(void)
{
    tw_string_transport_free(string);
    twi_buf_free(&seen);
    ck_assert_uint_eq(tw_testing_end(), 0);
}

static void deliver_in(const char *data, size_t length, size_t piece)
{
    for (size_t at = 0; at < length; at += piece)
        tw_string_transport_deliver(string, data + at,
                                    length - at < piece ? length - at : piece);
}

/* With its length, as a literal may hold NULs. */
#define IN(text) text, sizeof(text) - 1

static const struct {
    enum tw_framing framing;
    const char *in;
    size_t length;
    const char *seen;
} rows[] = {
    { TW_INT32, IN("\0\0\0\3one\0\0\0\0\0\0\0\3two"), "[one][][two]" },
    { TW_INT32,
      IN("\0\0\0\x10"
         "0123456789abcdef"),
      "[0123456789abcdef]" },
    { TW_INT32,
      IN("\0\0\0\x11"
         "0123456789abcdefg"),
      "(toolarge 0)" },
    { TW_INT32, IN("\xff\xff\xff\xff"), "(toolarge 0)" },
    { TW_INT32, IN("\0\0\1\0"), "(toolarge 0)" },
    { TW_INT32, IN("\0\0\0"), "" },
    { TW_INT32, IN("\0\0\0\5four"), "" },
    { TW_INT32, IN("\0\0\0\3one\0\0\0\xffno"), "[one](toolarge 0)" },
    { TW_INT16, IN("\0\3one\0\0\0\3two"), "[one][][two]" },
    { TW_INT16, IN("\1\0"), "(toolarge 0)" },
    { TW_INT8, IN("\3one\0\3two\2"), "[one][][two]" },
    { TW_INT8, IN("\x11"), "(toolarge 0)" },
    { TW_NETSTRING, IN("3:one,0:,3:two,"), "[one][][two]" },
    { TW_NETSTRING, IN("16:0123456789abcdef,"), "[0123456789abcdef]" },
    { TW_NETSTRING, IN("17"), "(toolarge 0)" },
    { TW_NETSTRING, IN("99999999999999999999999999999999999999"), "(toolarge 0)" },
    { TW_NETSTRING, IN("3:one3:two,"), "(protocol 0)" },
    { TW_NETSTRING, IN("03:one,"), "(protocol 0)" },
    { TW_NETSTRING, IN("00:,"), "(protocol 0)" },
    { TW_NETSTRING, IN(":,"), "(protocol 0)" },
    { TW_NETSTRING, IN("3 :one,"), "(protocol 0)" },
    { TW_NETSTRING, IN("+3:one,"), "(protocol 0)" },
    { TW_NETSTRING, IN("-1:"), "(protocol 0)" },
    { TW_NETSTRING, IN("3:one,x"), "[one](protocol 0)" },
    { TW_NETSTRING, IN("3:one,1"), "[one]" },
    { TW_INT8, IN("\4flip\3one"), "[flip][one]" },
    { TW_INT8, IN("\5pause\3one"), "[pause]" },
    { TW_INT8, IN("\4lose\3one"), "[lose](connection_done 0)" },
    { TW_INT8, IN("\5abort\3one"), "[abort](connection_aborted 0)" },
    { TW_NETSTRING, IN("4:lose,bad"), "[lose](connection_done 0)" },
};

START_TEST(strings_are_found_however_they_are_cut)
{
    for (size_t piece = rows[_i].length; piece >= 1; piece--) {
        begin(&strict[rows[_i].framing]);
        deliver_in(rows[_i].in, rows[_i].length, piece);
        tw_testing_settle();
        ck_assert_msg(strcmp(twi_buf_text(&seen), rows[_i].seen) == 0, "in pieces of %zu: %s",
                      piece, twi_buf_text(&seen));
        end();
    }
}
END_TEST

START_TEST(who_is_told_may_answer_and_nothing_more_is_read)
{
    static const struct {
        enum tw_framing framing;
        const char *in;
        size_t length;
        const char *seen, *answer;
        size_t answer_length;
    } broken[] = {
        { TW_INT32, IN("\0\0\0\3one\1\0\0\0\0\0\0\3two"),
          "[one]<toolarge 16>(connection_done 0)", IN("\0\0\0\2no") },
        { TW_NETSTRING, IN("3:one,1x3:two,"), "[one]<protocol 0>(connection_done 0)",
          IN("2:no,") },
    };

    for (int i = 0; i < 2; i++)
        for (size_t piece = broken[i].length; piece >= 1; piece--) {
            size_t length;
            const char *written;

            begin(&answering[broken[i].framing]);
            deliver_in(broken[i].in, broken[i].length, piece);
            tw_testing_settle();
            ck_assert_str_eq(twi_buf_text(&seen), broken[i].seen);
            written = tw_string_transport_written(string, &length);
            ck_assert_uint_eq(length, broken[i].answer_length);
            ck_assert_mem_eq(written, broken[i].answer, length);
            end();
        }
}
END_TEST

START_TEST(a_resume_delivers_what_had_come)
{
    begin(&strict[TW_INT8]);
    deliver_in(IN("\5pause\3one\5pause\3two\5th"), 100);
    deliver_in(IN("ree"), 1);
    ck_assert_str_eq(twi_buf_text(&seen), "[pause]");
    ck_assert_uint_gt(tw_framing_unfinished(reader), 0);
    tw_framing_resume(reader);
    ck_assert_str_eq(twi_buf_text(&seen), "[pause][one][pause]");
    tw_framing_resume(reader);
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&seen), "[pause][one][pause][two][three]");
    tw_framing_resume(reader);
    ck_assert_uint_eq(tw_framing_unfinished(reader), 0);
    end();
}
END_TEST

START_TEST(a_string_that_is_cut_is_known_at_the_end)
{
    begin(&strict[TW_INT32]);
    deliver_in(IN("\0\0\0\4ab"), 100);
    tw_string_transport_deliver_eof(string);
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&seen), "(connection_done 6)");
    end();
}
END_TEST

static const struct {
    enum tw_framing framing;
    size_t length;
    const char *head;
    size_t head_length;
    int result;
} sends[] = {
    { TW_INT32, 0, IN("\0\0\0\0"), 0 },       { TW_INT32, 70000, IN("\0\1\x11\x70"), 0 },
    { TW_INT16, 65535, IN("\xff\xff"), 0 },   { TW_INT16, 65536, IN(""), TW_STRING_TOO_LONG },
    { TW_INT8, 255, IN("\xff"), 0 },          { TW_INT8, 256, IN(""), TW_STRING_TOO_LONG },
    { TW_NETSTRING, 70000, IN("70000:"), 0 }, { TW_NETSTRING, 0, IN("0:"), 0 },
};

START_TEST(strings_are_sent_with_their_length)
{
    static char data[70000];
    const char *written;
    size_t length, tail = sends[_i].framing == TW_NETSTRING ? 1 : 0;

    for (int as_value = 0; as_value < 2; as_value++) {
        begin(&strict[sends[_i].framing]);
        memset(data, 'x', sizeof data);
        ck_assert_int_eq(as_value
                             ? tw_framing_send_value(reader, tw_bytes(data, sends[_i].length))
                             : tw_framing_send(reader, data, sends[_i].length),
                         sends[_i].result);
        written = tw_string_transport_written(string, &length);
        if (sends[_i].result < 0) {
            ck_assert_uint_eq(length, 0);
        } else {
            ck_assert_uint_eq(length, sends[_i].head_length + sends[_i].length + tail);
            ck_assert_mem_eq(written, sends[_i].head, sends[_i].head_length);
            ck_assert_mem_eq(written + sends[_i].head_length, data, sends[_i].length);
            ck_assert(tail == 0 || written[length - 1] == ',');
        }
        end();
    }
}
END_TEST

START_TEST(without_a_transport_nothing_is_sent)
{
    tw_protocol *protocol = test_given(tw_protocol_new(&reader_class));
    tw_framing_protocol *framing = (tw_framing_protocol *)protocol;

    ck_assert_int_eq(tw_framing_send(framing, "x", 1), -ENOTCONN);
    ck_assert_int_eq(tw_framing_send_value(framing, tw_string("x")), -ENOTCONN);
    tw_framing_pause(framing);
    tw_framing_resume(framing);
    tw_protocol_free(protocol);
}
END_TEST

START_TEST(a_length_alone_takes_no_memory)
{
    static const struct tw_framing_class big = { TW_INT32, SIZE_MAX, string_received, NULL };
    int64_t before;

    begin(&big);
    before = test_allocs_living();
    deliver_in(IN("\xff\xff\xff\xff"
                  "abc"),
               100);
    ck_assert_str_eq(twi_buf_text(&seen), "");
    ck_assert_uint_lt(reader->rest_size_, 4096);
    ck_assert_int_le(test_allocs_living(), before + 2);
    end();
}
END_TEST

START_TEST(the_limit_of_its_own_accord_is_99999)
{
    static const struct tw_framing_class plain = { .framing = TW_INT32 };

    begin(&plain);
    deliver_in(IN("\0\1\x86\x9f"), 100);
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&seen), "");
    end();
    begin(&plain);
    deliver_in(IN("\0\1\x86\xa0"), 100);
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&seen), "(toolarge 0)");
    end();
}
END_TEST

static bool strings_in_pieces(void *framing)
{
    const char *in = *(enum tw_framing *)framing == TW_INT8 ? "\3one\5three\4echo"
                                                            : "3:one,5:three,4:echo,";
    bool ok = false;

    if (tw_testing_begin() < 0)
        return false;
    string = NULL;
    reader = (tw_framing_protocol *)tw_protocol_new(&reader_class);
    if (reader != NULL) {
        reader->framing_class = &strict[*(enum tw_framing *)framing];
        string = tw_string_transport_new(&reader->protocol);
    }
    if (string != NULL) {
        deliver_in(in, strlen(in), 4);
        ok = strcmp(twi_buf_text(&seen), "[one][three][echo]") == 0;
        tw_string_transport_free(string);
    }
    twi_buf_free(&seen);
    ck_assert_uint_eq(tw_testing_end(), 0);
    return ok;
}

START_TEST(no_allocation_is_taken_for_granted)
{
    enum tw_framing framings[] = { TW_INT8, TW_NETSTRING };

    for (int i = 0; i < 2; i++)
        ck_assert_uint_gt(test_each_alloc_failure(strings_in_pieces, &framings[i]), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("framing");

    TEST_ADD_ROWS(suite, strings_are_found_however_they_are_cut, rows);
    TEST_ADD(suite, who_is_told_may_answer_and_nothing_more_is_read);
    TEST_ADD(suite, a_resume_delivers_what_had_come);
    TEST_ADD(suite, a_string_that_is_cut_is_known_at_the_end);
    TEST_ADD_ROWS(suite, strings_are_sent_with_their_length, sends);
    TEST_ADD(suite, without_a_transport_nothing_is_sent);
    TEST_ADD(suite, a_length_alone_takes_no_memory);
    TEST_ADD(suite, the_limit_of_its_own_accord_is_99999);
    TEST_ADD(suite, no_allocation_is_taken_for_granted);
    return test_run(suite);
}
