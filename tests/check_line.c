/* SPDX-License-Identifier: MIT */
/*
 * check_line.c - lines, however the bytes arrive.
 */
#include "config.h"

#include <string.h>

#include <tweed/line.h>
#include <tweed/testing.h>

#include "base/buf.h"
#include "tests/test.h"

struct liner {
    tw_line_protocol line;
    struct twi_buf seen; /* what was delivered: [line], {raw}, <too long> */
};

static struct liner *liner;
static tw_string_transport *string;

static struct liner *liner_of(tw_line_protocol *line)
{
    return (struct liner *)line;
}

static void see(struct liner *self, const char *around, const char *data, size_t length)
{
    twi_buf_append(&self->seen, around, 1);
    twi_buf_append(&self->seen, data, length);
    twi_buf_append(&self->seen, around + 1, 1);
}

/* Some lines are commands. */
static void line_received(tw_line_protocol *line, const char *data, size_t length)
{
    struct liner *self = liner_of(line);

    see(self, "[]", data, length);
    if (length == 3 && memcmp(data, "raw", 3) == 0)
        tw_line_set_raw(line);
    if (length == 5 && memcmp(data, "pause", 5) == 0)
        tw_line_pause(line);
    if (length == 4 && memcmp(data, "flip", 4) == 0) {
        tw_line_pause(line);
        tw_line_resume(line);
    }
    if (length == 4 && memcmp(data, "more", 4) == 0)
        tw_line_set_line(line, "put\r\nbehind\r\n", 13);
    if (length == 4 && memcmp(data, "lose", 4) == 0)
        tw_transport_lose(line->protocol.transport);
    if (length == 5 && memcmp(data, "abort", 5) == 0)
        tw_transport_abort(line->protocol.transport);
    if (length == 4 && memcmp(data, "echo", 4) == 0)
        tw_line_send(line, data, length);
}

/* Raw until "." comes. */
static void raw_received(tw_line_protocol *line, const char *data, size_t length)
{
    const char *dot = memchr(data, '.', length);

    see(liner_of(line), "{}", data, dot == NULL ? length : (size_t)(dot - data));
    if (dot != NULL)
        tw_line_set_line(line, dot + 1, length - (size_t)(dot + 1 - data));
}

static void line_too_long(tw_line_protocol *line, const char *start, size_t length)
{
    see(liner_of(line), "<>", start, length);
}

static const struct tw_line_class lines = {
    .line_received = line_received,
    .raw_received = raw_received,
    .max_length = 16,
};
static const struct tw_line_class lenient_lines = {
    .line_received = line_received,
    .raw_received = raw_received,
    .line_too_long = line_too_long,
    .max_length = 16,
};
static const struct tw_line_class newline_lines = {
    .line_received = line_received,
    .delimiter = "\n",
};
static const struct tw_line_class strange_lines = {
    .line_received = line_received,
    .delimiter = "--aab",
};

static const tw_protocol_class liner_class = {
    .name = "liner",
    .size = sizeof(struct liner),
    TW_LINE_PROTOCOL,
};

static void begin(const struct tw_line_class *line_class)
{
    tw_protocol *protocol = tw_protocol_new(&liner_class);

    ck_assert_int_eq(tw_testing_begin(), 0);
    liner = (struct liner *)protocol;
    liner->line.line_class = line_class;
    string = tw_string_transport_new(protocol);
    tw_transport_ref(protocol->transport);
}

static void deliver(const char *text)
{
    tw_string_transport_deliver(string, text, strlen(text));
}

/* The test frees the record: the protocol does not outlive its connection. */
static void end(void)
{
    struct twi_buf seen = liner->seen;
    tw_transport *transport = liner->line.protocol.transport;

    tw_transport_unref(transport);
    tw_string_transport_free(string);
    twi_buf_free(&seen);
    ck_assert_uint_eq(tw_testing_end(), 0);
}

static const struct {
    const struct tw_line_class *line_class;
    const char *in, *seen;
} rows[] = {
    { &lines, "one\r\ntwo\r\n", "[one][two]" },
    { &lines, "\r\n\r\n", "[][]" },
    { &lines, "a\rb\nc\r\n", "[a\rb\nc]" },
    { &lines, "a\r\r\nb\r\n", "[a\r][b]" },
    { &lines, "unfinished", "" },
    { &lines, "0123456789abcdef\r\n", "[0123456789abcdef]" },
    { &lines, "one\r\nmore\r\n", "[one][more][put][behind]" },
    { &lines, "flip\r\none\r\n", "[flip][one]" },
    { &lines, "lose\r\none\r\n", "[lose]" },
    { &lines, "abort\r\none\r\n", "[abort]" },
    { &lines, "pause\r\none\r\n", "[pause]" },
    { &newline_lines, "one\ntwo\r\nthree", "[one][two\r]" },
    { &strange_lines, "one--aabtwo--aa--aab--aaab--aab", "[one][two--aa][--aaab]" },
    { &strange_lines, "-----aab-", "[---]" },
};

START_TEST(lines_are_found_however_they_are_cut)
{
    size_t length = strlen(rows[_i].in);

    for (size_t piece = 1; piece <= length; piece++) {
        begin(rows[_i].line_class);
        for (size_t at = 0; at < length; at += piece)
            tw_string_transport_deliver(string, rows[_i].in + at,
                                        length - at < piece ? length - at : piece);
        ck_assert_msg(strcmp(twi_buf_text(&liner->seen), rows[_i].seen) == 0,
                      "in pieces of %zu: %s", piece, twi_buf_text(&liner->seen));
        end();
    }
}
END_TEST

START_TEST(what_is_handed_back_goes_behind_what_has_come)
{
    begin(&lines);
    deliver("more\r\none\r\npart");
    ck_assert_str_eq(twi_buf_text(&liner->seen), "[more][one][partput][behind]");
    end();
}
END_TEST

START_TEST(raw_mode_takes_everything_and_gives_back_the_rest)
{
    begin(&lines);
    deliver("raw\r\na\r\nb.line\r\nraw\r\nc");
    deliver("d.");
    deliver("end\r\n");
    ck_assert_str_eq(twi_buf_text(&liner->seen), "[raw]{a\r\nb}[line][raw]{c}{d}[end]");
    end();
}
END_TEST

START_TEST(a_resume_delivers_what_had_come)
{
    begin(&lines);
    deliver("pause\r\none\r\npause\r\ntwo\r\nthr");
    deliver("ee\r\n");
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&liner->seen), "[pause]");
    tw_line_resume(&liner->line);
    ck_assert_str_eq(twi_buf_text(&liner->seen), "[pause][one][pause]");
    tw_line_resume(&liner->line);
    tw_testing_settle();
    ck_assert_str_eq(twi_buf_text(&liner->seen), "[pause][one][pause][two][three]");
    tw_line_resume(&liner->line);
    end();
}
END_TEST

static const struct {
    const char *in;
    bool at_once; /* before the delimiter has come */
} long_rows[] = {
    { "0123456789abcdefg\r\nnext\r\n", false },
    { "0123456789abcdef0123456789", true },
};

START_TEST(a_line_that_is_too_long_ends_the_connection)
{
    begin(&lines);
    deliver(long_rows[_i].in);
    ck_assert_str_eq(twi_buf_text(&liner->seen), "");
    ck_assert(tw_transport_losing(liner->line.protocol.transport));
    end();
}
END_TEST

START_TEST(a_line_that_is_too_long_is_for_its_handler)
{
    begin(&lenient_lines);
    deliver("one\r\n");
    deliver(long_rows[_i].in);
    deliver("two\r\n");
    ck_assert(!tw_transport_losing(liner->line.protocol.transport));
    twi_buf_append_text(&liner->seen, "");
    ck_assert_ptr_nonnull(strstr(twi_buf_text(&liner->seen), "[one]<0123456789abcdef"));
    ck_assert_ptr_nonnull(strstr(twi_buf_text(&liner->seen), ">[two]"));
    end();
}
END_TEST

START_TEST(a_line_is_sent_with_its_delimiter)
{
    begin(&lines);
    deliver("echo\r\n");
    ck_assert_str_eq(tw_string_transport_written(string, NULL), "echo\r\n");
    end();
}
END_TEST

START_TEST(without_a_transport_nothing_is_sent)
{
    tw_protocol *protocol = test_given(tw_protocol_new(&liner_class));

    ck_assert_int_lt(tw_line_send((tw_line_protocol *)protocol, "x", 1), 0);
    tw_line_pause((tw_line_protocol *)protocol);
    tw_line_resume((tw_line_protocol *)protocol);
    tw_protocol_free(protocol);
}
END_TEST

static bool lines_in_pieces(void *arg)
{
    static const char in[] = "one\r\ntwo\r\nthree\r\nmore\r\n";
    bool ok = false;

    (void)arg;
    if (tw_testing_begin() < 0)
        return false;
    liner = (struct liner *)tw_protocol_new(&liner_class);
    if (liner != NULL) {
        liner->line.line_class = &lines;
        string = tw_string_transport_new(&liner->line.protocol);
    }
    if (liner != NULL && string != NULL) {
        tw_transport *transport = liner->line.protocol.transport;
        struct twi_buf seen;

        for (size_t at = 0; at < sizeof in - 1; at += 3)
            tw_string_transport_deliver(string, in + at,
                                        sizeof in - 1 - at < 3 ? sizeof in - 1 - at : 3);
        ok = tw_transport_connected(transport) && !tw_transport_losing(transport) &&
             strcmp(twi_buf_text(&liner->seen), "[one][two][three][more][put][behind]") == 0;
        seen = liner->seen;
        tw_string_transport_free(string);
        twi_buf_free(&seen);
    }
    ck_assert_uint_eq(tw_testing_end(), 0);
    return ok;
}

START_TEST(lines_survive_every_failed_allocation)
{
    ck_assert_uint_gt(test_each_alloc_failure(lines_in_pieces, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("line");

    TEST_ADD_ROWS(suite, lines_are_found_however_they_are_cut, rows);
    TEST_ADD(suite, what_is_handed_back_goes_behind_what_has_come);
    TEST_ADD(suite, raw_mode_takes_everything_and_gives_back_the_rest);
    TEST_ADD(suite, a_resume_delivers_what_had_come);
    TEST_ADD_ROWS(suite, a_line_that_is_too_long_ends_the_connection, long_rows);
    TEST_ADD_ROWS(suite, a_line_that_is_too_long_is_for_its_handler, long_rows);
    TEST_ADD(suite, a_line_is_sent_with_its_delimiter);
    TEST_ADD(suite, without_a_transport_nothing_is_sent);
    TEST_ADD(suite, lines_survive_every_failed_allocation);
    return test_run(suite);
}
