/* SPDX-License-Identifier: MIT */
/*
 * check_warc.c - web archives are read, whole and broken, plain and packed, and written.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "spider/text/warc_check.h"
#include "spider/text/warc_read.h"
#include "spider/text/warc_write.h"
#include "tests/test.h"

#define BYTES(text) text, sizeof text - 1

/* --- making files --------------------------------------------------------------------------- */

static void pack(struct twi_buf *to, const char *data, size_t length)
{
    z_stream zip = { .next_in = (unsigned char *)(uintptr_t)data,
                     .avail_in = (unsigned)length };
    size_t bound;

    ck_assert_int_eq(deflateInit2(&zip, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
    bound = deflateBound(&zip, length) + 64;
    ck_assert_int_eq(twi_buf_reserve(to, bound), 0);
    zip.next_out = (unsigned char *)to->data + to->length;
    zip.avail_out = (unsigned)bound;
    ck_assert_int_eq(deflate(&zip, Z_FINISH), Z_STREAM_END);
    to->length += zip.total_out;
    deflateEnd(&zip);
}

/* Texts are packed a member each, "!" before one leaves it as it is. */
static struct twi_buf file_of(const char *const *texts, bool packed)
{
    struct twi_buf file = { 0 };

    for (size_t i = 0; texts[i] != NULL; i++) {
        const char *text = texts[i];
        bool plain = *text == '!';

        text += plain;
        if (packed && !plain)
            pack(&file, text, strlen(text));
        else
            ck_assert_int_eq(twi_buf_append_text(&file, text), 0);
    }
    return file;
}

/* --- reading files -------------------------------------------------------------------------- */

/* "TYPE@OFFSET[BLOCK]+LENGTH" for each record, "-" behind one that is not whole; "(word)" for each
 * fault. Blocks in one piece, line ends as "|". Without places if they are packed. */
static struct twi_buf seen;
static bool places;

static void see_block(const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = data[i] == '\n' ? '|' : data[i];
        if (c != '\r')
            twi_buf_append_char(&seen, c);
    }
}

static void see(const struct twi_warc_reader *reader, enum twi_warc_event event)
{
    const struct twi_warc_record *record = &reader->record;
    const char *type = twi_warc_head_field(&record->head, "warc-type");

    if (event == TWI_WARC_RECORD && places)
        twi_buf_printf(&seen, "%s@%" PRIu64 "[", type != NULL ? type : "?", record->offset);
    else if (event == TWI_WARC_RECORD)
        twi_buf_printf(&seen, "%s[", type != NULL ? type : "?");
    else if (event == TWI_WARC_BLOCK)
        see_block(reader->piece, reader->piece_length);
    else if (event == TWI_WARC_CLOSED && places)
        twi_buf_printf(&seen, "]%s+%" PRId64 " ", record->whole ? "" : "-", record->length);
    else if (event == TWI_WARC_CLOSED)
        twi_buf_printf(&seen, "]%s%s ", record->whole ? "" : "-",
                       record->length < 0 ? "?" : "");
    else if (event == TWI_WARC_FAULT)
        twi_buf_printf(&seen, "(%s) ", reader->fault.word);
}

static const char *read_in_pieces(const struct twi_buf *file, size_t piece)
{
    struct twi_warc_reader *reader = twi_warc_reader_new(0);
    const char *at = file->length > 0 ? file->data : "", *end = at + file->length;
    enum twi_warc_event event;

    ck_assert_ptr_nonnull(reader);
    seen.length = 0;
    while (at < end) {
        const char *stop = (size_t)(end - at) < piece ? end : at + piece;

        while ((event = twi_warc_next(reader, &at, stop)) != TWI_WARC_MORE)
            see(reader, event);
        ck_assert_ptr_eq(at, stop);
    }
    while ((event = twi_warc_end(reader)) != TWI_WARC_MORE)
        see(reader, event);
    twi_warc_reader_free(reader);
    if (seen.length > 0 && seen.data[seen.length - 1] == ' ')
        seen.length--;
    return twi_buf_text(&seen);
}

static void reads_as(const char *const *texts, bool packed, const char *wanted)
{
    static const size_t pieces[] = { SIZE_MAX, 1, 2, 7 };
    struct twi_buf file = file_of(texts, packed);

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        ck_assert_str_eq(read_in_pieces(&file, pieces[i]), wanted);
    twi_buf_free(&file);
    twi_buf_free(&seen);
}

#define A "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n"
#define B "WARC/1.1\r\nwarc-type:b\r\nContent-Length:0\r\n\r\n\r\n\r\n"

/* A is 48 bytes and the line ends behind it, B 43. */
static const struct {
    const char *texts[5];
    const char *plain;
} plains[] = {
    { { A }, "a@0[abc]+48" },
    { { A, B, A }, "a@0[abc]+48 b@52[]+43 a@99[abc]+48" },
    { { "" }, "" },
    { { "\r\n\n" }, "" },
    { { "WARC/1.0\nWARC-Type: a\nContent-Length: 2\n\nhi\n\n", B }, "a@0[hi]+43 b@45[]+43" },
    { { "WARC/1.0\nWARC-Type: a\nContent-Length: 2\n\nhi", B }, "a@0[hi]+43 b@43[]+43" },
    { { "WARC/1.0\nWARC-Type: a\nContent-Length: 2\n\r\r\nhi" }, "a@0[hi]+45" },
    { { "junk\n", A }, "(garbage) a@5[abc]+48" },
    { { A, "junk\n\njunk\r\n", A }, "a@0[abc]+48 (garbage) a@64[abc]+48" },
    { { "junk" A }, "(garbage)" },
    { { "no archive at all" }, "(garbage)" },
    { { "WARX/1.0\r\n" }, "(garbage)" },
    { { "WARC/x\r\n\r\n", B }, "(head) b@10[]+43" },
    { { "WARC/1.0\r\nWARC-Type: a\r\n\r\nabc\r\n\r\n", B },
      "a@0[(length) ]+26 (garbage) b@33[]+43" },
    { { "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: -3\r\n\r\nabc\r\n\r\n", B },
      "a@0[(length) ]+46 (garbage) b@53[]+43" },
    { { "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: 99999999999999999999\r\n\r\n", B },
      "a@0[(length) ]+64 b@64[]+43" },
    /* lies */
    { { "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: 1\r\n\r\nabc\r\n\r\n", B },
      "a@0[a]+46 (garbage) b@52[]+43" },
    { { "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: 9\r\n\r\nabc\r\n\r\n", B, A },
      "a@0[abc||WA]+54 (garbage) a@99[abc]+48" },
    /* cut */
    { { "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: 9\r\n\r\nabc" },
      "a@0[abc]-+48 (truncated)" },
    { { A, "WARC/1.0\r\nWARC-Ty" }, "a@0[abc]+48 (truncated)" },
    { { A, "WAR" }, "a@0[abc]+48 (truncated)" },
    { { A "\x1f\x8b" }, "a@0[abc]+48 (truncated)" },
    { { A "\x1f\x8bno" }, "a@0[abc]+48 (garbage)" },
    { { "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: 3\r\n\r\nabc" }, "a@0[abc]+48" },
};

START_TEST(a_plain_file_is_read)
{
    places = true;
    reads_as(plains[_i].texts, false, plains[_i].plain);
}
END_TEST

/* Each text is a member. */
static const struct {
    const char *texts[5];
    const char *seen;
} members[] = {
    { { A }, "a[abc]" },
    { { A, B, A }, "a[abc] b[] a[abc]" },
    { { "WARC/1.0\nWARC-Type: a\nContent-Length: 2\n\nhi\n\n", B }, "a[hi] b[]" },
    { { A "\r\n\r\n\r\n", B }, "a[abc] b[]" },
    { { A B, A }, "a[abc]? (members) b[]? a[abc]" },
    { { A B A }, "a[abc]? (members) b[]? a[abc]?" },
    { { "!junk", A, "!\r\njunk\n", B }, "(garbage) a[abc] (garbage) b[]" },
    { { "junk", A }, "(garbage) a[abc]" },
    { { "", A }, "a[abc]" },
    { { "!" A, A, "!" B }, "a[abc] a[abc] b[]" }, /* some are packed */
    /* lies do not reach into the next member */
    { { "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: 1\r\n\r\nabc\r\n\r\n", B },
      "a[a(length) ] b[]" },
    { { "WARC/1.0\r\nWARC-Type: a\r\nContent-Length: 999\r\n\r\nabc\r\n\r\n", B },
      "a[abc||(length) ]- b[]" },
    { { "WARC/1.0\r\nWARC-Type: a\r\n", B }, "(truncated) b[]" },
    { { "WARC/1.0\r\nWARC-Type: a\r\n\r\nabc\r\n\r\n", B }, "a[(length) (length) ] b[]" },
};

START_TEST(a_file_of_members_is_read)
{
    places = false;
    reads_as(members[_i].texts, true, members[_i].seen);
}
END_TEST

START_TEST(a_member_has_its_place)
{
    static const char *const texts[] = { A, B, NULL };
    struct twi_buf file = file_of(texts, true),
                   first = file_of((const char *[]){ A, NULL }, true);
    char wanted[100];

    places = true;
    snprintf(wanted, sizeof wanted, "a@0[abc]+%zu b@%zu[]+%zu", first.length, first.length,
             file.length - first.length);
    ck_assert_str_eq(read_in_pieces(&file, 5), wanted);
    twi_buf_free(&file);
    twi_buf_free(&first);
    twi_buf_free(&seen);
}
END_TEST

/* Cut anywhere, or with any byte wrong: something is said, and the rest is found. */
START_TEST(a_damaged_member_costs_only_its_own_record)
{
    struct twi_buf first = file_of((const char *[]){ A, NULL }, true);
    struct twi_buf file = file_of((const char *[]){ A, B, NULL }, true);
    size_t lost = 0;

    places = false;
    for (size_t i = 0; i < first.length; i++) {
        struct twi_buf broken = { 0 };

        ck_assert_int_eq(twi_buf_append(&broken, file.data, file.length), 0);
        broken.data[i] = (char)(broken.data[i] ^ 0x55);
        read_in_pieces(&broken, SIZE_MAX);
        if (i != 4 && i != 5 && i != 6 && i != 7 && i != 8 && i != 9) /* time, flags, system */
            ck_assert_msg(strchr(twi_buf_text(&seen), '(') != NULL, "%zu: %s", i,
                          twi_buf_text(&seen));
        lost += strstr(twi_buf_text(&seen), "b[]") == NULL;
        twi_buf_free(&broken);
    }
    ck_assert_uint_eq(lost, 0);
    for (size_t i = 1; i < first.length; i++) {
        struct twi_buf cut = { 0 };

        ck_assert_int_eq(twi_buf_append(&cut, file.data, i), 0);
        read_in_pieces(&cut, SIZE_MAX);
        ck_assert_msg(strstr(twi_buf_text(&seen), "(truncated)") != NULL ||
                          strstr(twi_buf_text(&seen), "(garbage)") != NULL,
                      "%zu: %s", i, twi_buf_text(&seen));
        twi_buf_free(&cut);
    }
    twi_buf_free(&first);
    twi_buf_free(&file);
    twi_buf_free(&seen);
}
END_TEST

START_TEST(a_head_has_a_limit)
{
    struct twi_buf file = { 0 };

    twi_buf_append_text(&file, "WARC/1.0\r\nX: ");
    while (file.length < 3000000)
        twi_buf_append_text(&file,
                            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    twi_buf_append_text(&file, "\r\n\r\n" B);
    places = false;
    ck_assert_str_eq(read_in_pieces(&file, 4096), "(head) b[]");
    ck_assert_str_eq(read_in_pieces(&file, SIZE_MAX), "(head) b[]");
    twi_buf_free(&file);
    twi_buf_free(&seen);
}
END_TEST

/* --- heads ---------------------------------------------------------------------------------- */

static struct twi_warc_head head;

static bool head_read(const char *text)
{
    return twi_warc_head_read(&head, strdup(text), strlen(text));
}

static const struct {
    const char *text, *name, *value; /* NULL: none */
} fields[] = {
    { "WARC/1.0\r\nA: b\r\n\r\n", "a", "b" },
    { "WARC/1.0\r\nA:b\r\nA: c\r\n\r\n", "A", "b" },
    { "WARC/1.0\r\nA \t:  b \t\r\n\r\n", "A", "b" },
    { "WARC/1.0\r\nA: b\r\n c\r\n\td\r\nE: f\r\n\r\n", "A", "b c\td" },
    { "WARC/1.0\r\nA: b\r\n c\r\n\td\r\nE: f\r\n\r\n", "E", "f" },
    { "WARC/1.0\nA: b: c\nno field\nE:\n\n", "A", "b: c" },
    { "WARC/1.0\nA: b: c\nno field\nE:\n\n", "E", "" },
    { "WARC/1.0\nA: b\n\n", "B", NULL },
    { "WARC/0.18\n\n", "B", NULL },
};

START_TEST(a_field_is_found)
{
    const char *value;

    ck_assert(head_read(fields[_i].text));
    value = twi_warc_head_field(&head, fields[_i].name);
    if (fields[_i].value == NULL)
        ck_assert_ptr_null(value);
    else
        ck_assert_str_eq(value, fields[_i].value);
    twi_warc_head_free(&head);
}
END_TEST

static const struct {
    const char *written, *uri;
} uris[] = {
    { "http://a.test/", "http://a.test/" },
    { "<http://a.test/>", "http://a.test/" },
    { "http://a.test/a b  c", "http://a.test/a%20b%20%20c" },
    { "<http://a.test/a b>", "http://a.test/a%20b" },
    { "<http://a.test/", "<http://a.test/" },
    { "<>", "" },
};

START_TEST(a_uri_is_mended)
{
    char text[100];

    snprintf(text, sizeof text, "WARC/1.0\r\nWARC-Target-URI: %s\r\n\r\n", uris[_i].written);
    ck_assert(head_read(text));
    ck_assert_str_eq(head.uri, uris[_i].uri);
    twi_warc_head_free(&head);
}
END_TEST

/* --- payloads ------------------------------------------------------------------------------- */

#define OK "HTTP/1.1 200 OK\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define RESPONSE "WARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"

static const struct {
    const char *fields, *block, *raw, *payload;
    int status;
} payloads[] = {
    { RESPONSE, OK "hi", "hi", "hi", 200 },
    { RESPONSE, "HTTP/1.0 404\nA: b\n\nhi", "hi", "hi", 404 },
    { RESPONSE, "HTTP/1.1 200 OK", "", "", 200 },
    { RESPONSE, "", "", "", 0 },
    { RESPONSE, "nonsense", "", "", 0 },
    { RESPONSE, CHUNKED "2\r\nhi\r\n0\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n", "hi", 200 },
    { RESPONSE, CHUNKED "1;x=y\r\nh\r\n0001 \ni\n0\r\nT: r\r\n\r\nmore",
      "1;x=y\r\nh\r\n0001 \ni\n0\r\nT: r\r\n\r\nmore", "hi", 200 },
    { RESPONSE,
      CHUNKED "a;"
              "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
              "\r\n0123456789\r\n0\r\n\r\n",
      NULL, "0123456789", 200 },
    { RESPONSE, CHUNKED "<p>not in chunks at all, whatever it says</p>\r\n",
      "<p>not in chunks at all, whatever it says</p>\r\n",
      "<p>not in chunks at all, whatever it says</p>\r\n", 200 },
    { RESPONSE, CHUNKED "hi", "hi", "hi", 200 },
    { RESPONSE, CHUNKED "2\r\nhi\r\nno chunk", "2\r\nhi\r\nno chunk", "hino chunk", 200 },
    { RESPONSE, CHUNKED "2\r\nhi, no end", "2\r\nhi, no end", "hi, no end", 200 },
    { RESPONSE, CHUNKED "9\r\ncut", "9\r\ncut", "cut", 200 },
    { RESPONSE, CHUNKED "ffffffffffffffffff\r\nx", "ffffffffffffffffff\r\nx",
      "ffffffffffffffffff\r\nx", 200 },
    { RESPONSE,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
      "1\r\nx\r\n0\r\n\r\n", "x", 200 },
    { "WARC-Type: request\r\nContent-Type: application/http;msgtype=request\r\n",
      "POST / HTTP/1.1\r\nA: b\r\n\r\na=b", "a=b", "a=b", 0 },
    { "WARC-Type: response\r\nWARC-Target-URI: https://a/\r\n", OK "hi", "hi", "hi", 200 },
    { "WARC-Type: response\r\nWARC-Target-URI: dns:a\r\nContent-Type: text/dns\r\n",
      "a 1.2.3.4", "a 1.2.3.4", "a 1.2.3.4", 0 },
    { "WARC-Type: resource\r\nContent-Type: text/html\r\n", OK "hi", OK "hi", OK "hi", 0 },
    { "WARC-Type: warcinfo\r\n", "software: x\r\n", "software: x\r\n", "software: x\r\n", 0 },
    { "", "x", "x", "x", 0 },
};

struct got {
    struct twi_buf raw, each;
};

static void take_raw(const void *data, size_t length, void *arg)
{
    ck_assert_uint_gt(length, 0);
    twi_buf_append(&((struct got *)arg)->raw, data, length);
}

static void take_each(const void *data, size_t length, void *arg)
{
    ck_assert_uint_gt(length, 0);
    twi_buf_append(&((struct got *)arg)->each, data, length);
}

static void head_of(const char *text)
{
    char whole[500];

    snprintf(whole, sizeof whole, "WARC/1.0\r\n%s\r\n", text);
    ck_assert(head_read(whole));
}

START_TEST(a_block_is_taken_apart)
{
    static const size_t pieces[] = { 1, 3, 1000 };
    const char *block = payloads[_i].block;
    struct twi_warc_payload payload;

    for (size_t i = 0; i < 3; i++) {
        struct got got = { .raw = { 0 } };

        head_of(payloads[_i].fields);
        twi_warc_payload_begin(&payload, &head, take_raw, take_each, &got);
        for (size_t at = 0; at < strlen(block); at += pieces[i])
            twi_warc_payload_add(&payload, block + at,
                                 strlen(block + at) < pieces[i] ? strlen(block + at)
                                                                : pieces[i]);
        twi_warc_payload_end(&payload);
        if (payloads[_i].raw != NULL)
            ck_assert_str_eq(twi_buf_text(&got.raw), payloads[_i].raw);
        ck_assert_str_eq(twi_buf_text(&got.each), payloads[_i].payload);
        ck_assert_int_eq(payload.status, payloads[_i].status);
        twi_buf_free(&got.raw);
        twi_buf_free(&got.each);
        twi_warc_head_free(&head);
    }
}
END_TEST

/* --- digests -------------------------------------------------------------------------------- */

/* Of "hi", "abc" and nothing, as sha1sum, md5sum, sha256sum and base32 have them. */
static const struct {
    const char *fields, *block;
    enum twi_warc_verdict block_verdict, payload_verdict;
} digests[] = {
    { "", "hi", TWI_WARC_NONE, TWI_WARC_NONE },
    { "WARC-Block-Digest: sha1:a9993e364706816aba3e25717850c26c9cd0d89d\r\n", "abc",
      TWI_WARC_PASS, TWI_WARC_NONE },
    { "WARC-Block-Digest: SHA1:A9993E364706816ABA3E25717850C26C9CD0D89D\r\n", "abc",
      TWI_WARC_PASS, TWI_WARC_NONE },
    { "WARC-Block-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n", "abc", TWI_WARC_PASS,
      TWI_WARC_NONE },
    { "WARC-Block-Digest: sha1:vgmt4nsha2awvor6evyxqugcnsonbwe5\r\n", "abc", TWI_WARC_PASS,
      TWI_WARC_NONE },
    { "WARC-Block-Digest: sha1:qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\r\n", "abc", TWI_WARC_PASS,
      TWI_WARC_NONE },
    { "WARC-Block-Digest: sha1:qZk-NkcGgWq6PiVxeFDCbJzQ2J0\r\n", "abc", TWI_WARC_PASS,
      TWI_WARC_NONE },
    { "WARC-Block-Digest: sha1:qzk-NkcGgWq6PiVxeFDCbJzQ2J0\r\n", "abc", TWI_WARC_FAIL,
      TWI_WARC_NONE },
    { "WARC-Block-Digest: md5:900150983cd24fb0d6963f7d28e17f72\r\n", "abc", TWI_WARC_PASS,
      TWI_WARC_NONE },
    { "WARC-Block-Digest: sha-256:"
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n",
      "abc", TWI_WARC_PASS, TWI_WARC_NONE },
    { "WARC-Block-Digest: sha1:a9993e364706816aba3e25717850c26c9cd0d89e\r\n", "abc",
      TWI_WARC_FAIL, TWI_WARC_NONE },
    { "WARC-Block-Digest: sha1:\r\n", "abc", TWI_WARC_FAIL, TWI_WARC_NONE },
    { "WARC-Block-Digest: a9993e364706816aba3e25717850c26c9cd0d89d\r\n", "abc",
      TWI_WARC_UNKNOWN, TWI_WARC_NONE },
    { "WARC-Block-Digest: xxx:a9993e364706816aba3e25717850c26c9cd0d89d\r\n", "abc",
      TWI_WARC_UNKNOWN, TWI_WARC_NONE },
    { "WARC-Payload-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n", "abc", TWI_WARC_NONE,
      TWI_WARC_PASS },
    { RESPONSE "WARC-Payload-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n", OK "abc",
      TWI_WARC_NONE, TWI_WARC_PASS },
    { RESPONSE "WARC-Payload-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n", OK "abd",
      TWI_WARC_NONE, TWI_WARC_FAIL },
    { RESPONSE "WARC-Payload-Digest: sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ\r\n", OK,
      TWI_WARC_NONE, TWI_WARC_PASS },
    /* of the entity, and of the chunks */
    { RESPONSE "WARC-Payload-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n",
      CHUNKED "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", TWI_WARC_NONE, TWI_WARC_PASS },
    { RESPONSE "WARC-Payload-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n", CHUNKED "abc",
      TWI_WARC_NONE, TWI_WARC_PASS },
    { RESPONSE "WARC-Payload-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n",
      CHUNKED "1\r\na\r\n2\r\nbd\r\n0\r\n\r\n", TWI_WARC_NONE, TWI_WARC_FAIL },
    /* the payload is elsewhere */
    { "WARC-Type: revisit\r\nWARC-Payload-Digest: sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5\r\n"
      "WARC-Block-Digest: sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ\r\n",
      "", TWI_WARC_PASS, TWI_WARC_NONE },
    { RESPONSE "WARC-Segment-Number: 1\r\nWARC-Payload-Digest: sha1:x\r\n", OK, TWI_WARC_NONE,
      TWI_WARC_NONE },
};

START_TEST(a_digest_is_checked)
{
    enum twi_warc_verdict block, payload;
    struct twi_warc_check check;

    head_of(digests[_i].fields);
    twi_warc_check_begin(&check, &head);
    for (const char *at = digests[_i].block; *at != '\0'; at++)
        twi_warc_check_add(&check, at, 1);
    ck_assert(twi_warc_check_end(&check, &block, &payload));
    ck_assert_str_eq(twi_warc_verdict_word(block),
                     twi_warc_verdict_word(digests[_i].block_verdict));
    ck_assert_str_eq(twi_warc_verdict_word(payload),
                     twi_warc_verdict_word(digests[_i].payload_verdict));
    twi_warc_head_free(&head);
}
END_TEST

/* --- writing -------------------------------------------------------------------------------- */

static int append(const void *data, size_t length, void *buf)
{
    return twi_buf_append(buf, data, length);
}

static const struct {
    int64_t seconds;
    const char *text; /* NULL: none */
} dates[] = {
    { 0, "1970-01-01T00:00:00Z" },
    { 951782399, "2000-02-28T23:59:59Z" },
    { 951782400, "2000-02-29T00:00:00Z" },
    { 1709251199, "2024-02-29T23:59:59Z" },
    { 4107542400, "2100-03-01T00:00:00Z" },
    { -1, "1969-12-31T23:59:59Z" },
    { 253402300799, "9999-12-31T23:59:59Z" },
    { 253402300800, NULL },
    { -62135596800, "0001-01-01T00:00:00Z" },
    { -62135596801, NULL },
};

START_TEST(a_date_is_written)
{
    char text[TWI_WARC_DATE_SIZE];

    ck_assert_int_eq(twi_warc_date_write(text, dates[_i].seconds), dates[_i].text != NULL);
    if (dates[_i].text != NULL)
        ck_assert_str_eq(text, dates[_i].text);
}
END_TEST

static const char id[] = "<urn:uuid:00010203-0405-4607-8809-0a0b0c0d0e0f>";
static const char http[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3\r\nabc\r\n0\r\n\r\n";

START_TEST(an_id_is_a_random_uuid)
{
    static const unsigned char random[16] = { 0, 1, 2,  3,  4,  5,  6,  7,
                                              8, 9, 10, 11, 12, 13, 14, 15 };
    char text[TWI_WARC_ID_SIZE];

    twi_warc_id_write(text, random);
    ck_assert_str_eq(text, id);
}
END_TEST

static const struct {
    struct twi_warc_entry entry;
    const char *text;
} entries[] = {
    { { .type = TWI_WARC_RESPONSE,
        .id = id,
        .date = "2026-01-02T03:04:05Z",
        .uri = "http://a.test/",
        .ip = "::1",
        .length = 5 },
      "WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: "
      "<urn:uuid:00010203-0405-4607-8809-0a0b0c0d0e0f>\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
      "WARC-Target-URI: http://a.test/\r\nWARC-IP-Address: ::1\r\nContent-Type: "
      "application/http; msgtype=response\r\nContent-Length: 5\r\n\r\nblock\r\n\r\n" },
    { { .type = TWI_WARC_REVISIT,
        .profile = "identical-payload-digest",
        .refers_to_uri = "http://a.test/x",
        .refers_to_date = "2025-01-02T03:04:05Z",
        .length = 5 },
      "WARC/1.1\r\nWARC-Type: revisit\r\nWARC-Profile: "
      "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest\r\n"
      "WARC-Refers-To-Target-URI: http://a.test/x\r\n"
      "WARC-Refers-To-Date: 2025-01-02T03:04:05Z\r\n"
      "Content-Type: application/http; msgtype=response\r\nContent-Length: 5\r\n\r\n"
      "block\r\n\r\n" },
    { { .type = TWI_WARC_METADATA, .content_type = "application/json", .length = 5 },
      "WARC/1.1\r\nWARC-Type: metadata\r\nContent-Type: application/json\r\n"
      "Content-Length: 5\r\n\r\nblock\r\n\r\n" },
    { { .type = TWI_WARC_REQUEST, .concurrent_to = id, .truncated = "time", .length = 5 },
      "WARC/1.1\r\nWARC-Type: request\r\nWARC-Concurrent-To: "
      "<urn:uuid:00010203-0405-4607-8809-0a0b0c0d0e0f>\r\nWARC-Truncated: time\r\n"
      "Content-Type: application/http; msgtype=request\r\nContent-Length: 5\r\n\r\n"
      "block\r\n\r\n" },
    { { .type = TWI_WARC_WARCINFO, .filename = "x.warc.gz", .length = 5 },
      "WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Filename: x.warc.gz\r\n"
      "Content-Type: application/warc-fields\r\nContent-Length: 5\r\n\r\nblock\r\n\r\n" },
};

START_TEST(a_record_is_written)
{
    struct twi_buf file = { 0 };
    struct twi_warc_writer *writer = twi_warc_writer_new(false, append, &file);

    ck_assert_int_eq(twi_warc_write_begin(writer, &entries[_i].entry), 0);
    ck_assert_int_eq(twi_warc_write_block(writer, "bl", 2), 0);
    ck_assert_int_eq(twi_warc_write_block(writer, "ock", 3), 0);
    ck_assert_int_eq(twi_warc_write_end(writer), 0);
    ck_assert_str_eq(twi_buf_text(&file), entries[_i].text);
    twi_warc_writer_free(writer);
    twi_buf_free(&file);
}
END_TEST

/* Two records, read back with their digests. */
static void write_two(struct twi_warc_writer *writer)
{
    char block[TWI_WARC_DIGEST_SIZE], payload[TWI_WARC_DIGEST_SIZE];
    struct twi_warc_entry entry = { .type = TWI_WARC_RESPONSE,
                                    .uri = "http://a.test/",
                                    .length = sizeof http - 1,
                                    .block_digest = block,
                                    .payload_digest = payload };
    size_t head_length = (size_t)(strstr(http, "\r\n\r\n") + 4 - http);
    struct twi_warc_gather gather;

    for (int i = 0; i < 2; i++) {
        twi_warc_gather_begin(&gather);
        twi_warc_gather_add(&gather, http, head_length, false);
        twi_warc_gather_add(&gather, http + head_length, sizeof http - 1 - head_length, true);
        ck_assert_uint_eq(gather.length, sizeof http - 1);
        ck_assert(twi_warc_gather_end(&gather, block, payload));
        ck_assert_int_eq(twi_warc_write_begin(writer, &entry), 0);
        ck_assert_int_eq(twi_warc_write_block(writer, http, sizeof http - 1), 0);
        ck_assert_int_eq(twi_warc_write_end(writer), 0);
    }
}

static unsigned check_all(const struct twi_buf *file)
{
    struct twi_warc_reader *reader = twi_warc_reader_new(0);
    const char *at = file->data, *end = at + file->length;
    enum twi_warc_verdict block, payload;
    struct twi_warc_check check;
    enum twi_warc_event event;
    unsigned records = 0;

    while ((event = twi_warc_next(reader, &at, end)) != TWI_WARC_MORE ||
           (event = twi_warc_end(reader)) != TWI_WARC_MORE) {
        ck_assert_int_ne(event, TWI_WARC_FAULT);
        if (event == TWI_WARC_RECORD)
            twi_warc_check_begin(&check, &reader->record.head);
        if (event == TWI_WARC_BLOCK)
            twi_warc_check_add(&check, reader->piece, reader->piece_length);
        if (event != TWI_WARC_CLOSED)
            continue;
        ck_assert(twi_warc_check_end(&check, &block, &payload));
        ck_assert_int_eq(block, TWI_WARC_PASS);
        ck_assert_int_eq(payload, TWI_WARC_PASS);
        ck_assert_int_eq(check.payload.status, 200);
        ck_assert_str_eq(reader->record.head.version, "1.1");
        records++;
    }
    twi_warc_reader_free(reader);
    return records;
}

START_TEST(what_is_written_is_read)
{
    struct twi_buf file = { 0 };
    struct twi_warc_writer *writer = twi_warc_writer_new(_i == 1, append, &file);

    write_two(writer);
    ck_assert_uint_eq(check_all(&file), 2);
    twi_warc_writer_free(writer);
    twi_buf_free(&file);
}
END_TEST

static int writes_left;

static int fail_later(const void *data, size_t length, void *arg)
{
    (void)data, (void)length, (void)arg;
    return writes_left-- > 0 ? 0 : -ENOSPC;
}

START_TEST(a_record_that_goes_wrong_is_told)
{
    struct twi_buf file = { 0 };
    struct twi_warc_writer *writer = twi_warc_writer_new(_i == 1, append, &file);
    struct twi_warc_entry entry = { .type = TWI_WARC_METADATA, .length = 3 };

    ck_assert_int_eq(twi_warc_write_begin(writer, &entry), 0);
    ck_assert_int_eq(twi_warc_write_block(writer, "abcd", 4), -EOVERFLOW);
    ck_assert_int_eq(twi_warc_write_block(writer, "ab", 2), 0);
    ck_assert_int_eq(twi_warc_write_end(writer), -ENODATA);
    file.length = 0;
    entry.uri = "http://a\r\nInjected: yes";
    ck_assert_int_eq(twi_warc_write_begin(writer, &entry), -EINVAL);
    ck_assert_uint_eq(file.length, 0);
    twi_warc_writer_free(writer);
    twi_buf_free(&file);

    entry.uri = NULL;
    writer = twi_warc_writer_new(_i == 1, fail_later, NULL);
    writes_left = 0;
    ck_assert_int_eq(twi_warc_write_begin(writer, &entry), -ENOSPC);
    twi_warc_writer_free(writer);
}
END_TEST

/* More than any buffer, so that packing goes round. */
START_TEST(a_large_block_passes_through)
{
    enum { SIZE = 3000000 };
    struct twi_buf file = { 0 };
    struct twi_warc_writer *writer = twi_warc_writer_new(_i == 1, append, &file);
    struct twi_warc_entry entry = { .type = TWI_WARC_METADATA, .length = SIZE };
    char *block = malloc(SIZE);
    uint32_t random = 1;

    for (size_t i = 0; i < SIZE; i++)
        block[i] = (char)((random = random * 1664525 + 1013904223) >> 24);
    ck_assert_int_eq(twi_warc_write_begin(writer, &entry), 0);
    ck_assert_int_eq(twi_warc_write_block(writer, block, SIZE), 0);
    ck_assert_int_eq(twi_warc_write_end(writer), 0);
    {
        struct twi_warc_reader *reader = twi_warc_reader_new(0);
        const char *at = file.data, *end = at + file.length;
        enum twi_warc_event event;
        size_t length = 0;

        while ((event = twi_warc_next(reader, &at, end)) != TWI_WARC_MORE) {
            ck_assert_int_ne(event, TWI_WARC_FAULT);
            if (event != TWI_WARC_BLOCK)
                continue;
            ck_assert_mem_eq(reader->piece, block + length, reader->piece_length);
            length += reader->piece_length;
        }
        ck_assert_uint_eq(length, SIZE);
        ck_assert(reader->record.whole);
        twi_warc_reader_free(reader);
    }
    free(block);
    twi_warc_writer_free(writer);
    twi_buf_free(&file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("web archives");
    static const int two[2];

    TEST_ADD_ROWS(suite, a_plain_file_is_read, plains);
    TEST_ADD_ROWS(suite, a_file_of_members_is_read, members);
    TEST_ADD(suite, a_member_has_its_place);
    TEST_ADD(suite, a_damaged_member_costs_only_its_own_record);
    TEST_ADD(suite, a_head_has_a_limit);
    TEST_ADD_ROWS(suite, a_field_is_found, fields);
    TEST_ADD_ROWS(suite, a_uri_is_mended, uris);
    TEST_ADD_ROWS(suite, a_block_is_taken_apart, payloads);
    TEST_ADD_ROWS(suite, a_digest_is_checked, digests);
    TEST_ADD_ROWS(suite, a_date_is_written, dates);
    TEST_ADD(suite, an_id_is_a_random_uuid);
    TEST_ADD_ROWS(suite, a_record_is_written, entries);
    TEST_ADD_ROWS(suite, what_is_written_is_read, two);
    TEST_ADD_ROWS(suite, a_record_that_goes_wrong_is_told, two);
    TEST_ADD_ROWS(suite, a_large_block_passes_through, two);
    return test_run(suite);
}
