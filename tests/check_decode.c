/* SPDX-License-Identifier: MIT */
/*
 * check_decode.c - content codings: each alone and in chains, in pieces of any size; bombs,
 * damage, cuts and junk are named errors.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "tests/test.h"
#include "web/http/decode.h"

/* --- encoders ---------------------------------------------------------------------------- */

static struct twi_buf encode_zlib(const char *data, size_t length, int window_bits)
{
    z_stream stream = { .next_in = (unsigned char *)(uintptr_t)data,
                        .avail_in = (unsigned)length };
    struct twi_buf out = { 0 };

    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, 0), Z_OK);
    ck_assert_int_eq(twi_buf_reserve(&out, deflateBound(&stream, length) + 64), 0);
    stream.next_out = (unsigned char *)out.data;
    stream.avail_out = (unsigned)out.size;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.length = stream.total_out;
    deflateEnd(&stream);
    return out;
}

static struct twi_buf encode_one(const char *coding, const char *data, size_t length)
{
    struct twi_buf out = { 0 };

    if (strcmp(coding, "gzip") == 0 || strcmp(coding, "x-gzip") == 0)
        return encode_zlib(data, length, 31);
    if (strcmp(coding, "deflate") == 0)
        return encode_zlib(data, length, 15);
    if (strcmp(coding, "raw") == 0)
        return encode_zlib(data, length, -15);
    if (strcmp(coding, "br") == 0) {
        size_t room = BrotliEncoderMaxCompressedSize(length) + 64;

        ck_assert_int_eq(twi_buf_reserve(&out, room), 0);
        ck_assert(BrotliEncoderCompress(4, 22, BROTLI_MODE_GENERIC, length,
                                        (const uint8_t *)data, &room, (uint8_t *)out.data));
        out.length = room;
        return out;
    }
    ck_assert_str_eq(coding, "zstd");
    ck_assert_int_eq(twi_buf_reserve(&out, ZSTD_compressBound(length) + 64), 0);
    out.length = ZSTD_compress(out.data, out.size, data, length, 3);
    return out;
}

/* `codings` as in Content-Encoding: applied from left to right. */
static struct twi_buf encode(const char *codings, const char *data, size_t length)
{
    struct twi_buf out = { 0 };

    ck_assert_int_eq(twi_buf_append(&out, data, length), 0);
    while (*codings != '\0') {
        size_t n = strcspn(codings, ", ");
        struct twi_buf next;
        char name[16];

        ck_assert_uint_lt(n, sizeof name);
        memcpy(name, codings, n);
        name[n] = '\0';
        codings += n;
        codings += strspn(codings, ", ");
        if (strcmp(name, "identity") == 0)
            continue;
        next = encode_one(name, out.data, out.length);
        twi_buf_free(&out);
        out = next;
    }
    return out;
}

/* --- decoding in pieces ------------------------------------------------------------------ */

struct result {
    struct twi_buf out;
    int r; /* of the end, or of what failed before */
    const tw_error_class *error_class;
};

static struct result decode(const char *codings, const char *data, size_t length, size_t piece,
                            size_t room, int64_t max_output)
{
    struct result result = { .r = 0 };
    struct twi_decoder *decoder;
    char *space = malloc(room);
    unsigned left;

    ck_assert_int_eq(twi_decoder_new(codings, max_output, &decoder, &left), 0);
    ck_assert_ptr_nonnull(decoder);
    ck_assert_uint_eq(left, 0);
    for (size_t from = 0; from < length && result.r >= 0; from += piece) {
        const char *at = data + from;
        const char *end = data + (piece < length - from ? from + piece : length);
        size_t produced;

        do {
            result.r = twi_decoder_run(decoder, &at, end, space, room, &produced);
            ck_assert_uint_le(produced, room);
            ck_assert_int_eq(twi_buf_append(&result.out, space, produced), 0);
        } while (result.r == 1);
        ck_assert(result.r < 0 || at == end);
    }
    if (result.r == 0)
        result.r = twi_decoder_end(decoder);
    if (result.r < 0) {
        result.error_class = twi_decoder_error(decoder).error_class;
        ck_assert_str_ne(twi_decoder_error(decoder).text, "");
        ck_assert_int_eq(twi_decoder_end(decoder), result.r);
    }
    twi_decoder_free(decoder);
    free(space);
    return result;
}

/* Text that neither repeats at once nor is random. */
static struct twi_buf sample(size_t length)
{
    struct twi_buf text = { 0 };
    uint32_t seed = 12345;

    while (text.length < length) {
        seed = seed * 1664525 + 1013904223;
        ck_assert_int_eq(twi_buf_printf(&text, "<p>%u of %zu</p>\n", seed >> 20, text.length),
                         0);
    }
    return text;
}

static const struct {
    const char *codings, *label;
} chains[] = {
    { "gzip", "gzip" },
    { "gzip", "x-gzip" },
    { "gzip", " GZip ," },
    { "deflate", "deflate" },
    { "raw", "deflate" },
    { "br", "br" },
    { "zstd", "zstd" },
    { "gzip", "identity, gzip" },
    { "gzip, br", "gzip, br" },
    { "zstd, deflate", "zstd, deflate" },
    { "raw, gzip", "deflate,gzip" },
    { "br, zstd, gzip", "br, zstd, gzip" },
    { "gzip, gzip, gzip", "gzip, gzip, gzip" },
};
static const size_t pieces[] = { 1, 3, 1000, 1000000 };
static const size_t rooms[] = { 1, 4096, 1000000 };

START_TEST(what_was_encoded_is_decoded_in_pieces_of_any_size)
{
    struct twi_buf text = sample(4000);
    struct twi_buf coded = encode(chains[_i].codings, text.data, text.length);
    int64_t before = test_allocs_living();

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        for (size_t j = 0; j < sizeof rooms / sizeof rooms[0]; j++) {
            struct result result = decode(chains[_i].label, coded.data, coded.length,
                                          pieces[i], rooms[j], (int64_t)text.length);

            ck_assert_msg(result.r == 0, "%s by %zu and %zu", chains[_i].label, pieces[i],
                          rooms[j]);
            ck_assert_uint_eq(result.out.length, text.length);
            ck_assert_mem_eq(result.out.data, text.data, text.length);
            twi_buf_free(&result.out);
        }
    ck_assert_int_eq(test_allocs_living(), before);
    twi_buf_free(&coded);
    twi_buf_free(&text);
}
END_TEST

START_TEST(an_empty_body_is_complete_encoded_or_not)
{
    struct twi_buf coded = encode(chains[_i].codings, "", 0);
    struct result result = decode(chains[_i].label, coded.data, coded.length, 5, 5, 0);

    ck_assert_int_eq(result.r, 0);
    ck_assert_uint_eq(result.out.length, 0);
    result = decode(chains[_i].label, "", 0, 1, 1, 0);
    ck_assert_int_eq(result.r, 0);
    twi_buf_free(&coded);
}
END_TEST

START_TEST(a_cut_anywhere_is_an_error)
{
    struct twi_buf text = sample(300);
    struct twi_buf coded = encode(chains[_i].codings, text.data, text.length);

    for (size_t cut = 1; cut < coded.length; cut++) {
        struct result result = decode(chains[_i].label, coded.data, cut, 50, 64, -1);

        ck_assert_msg(result.r == -EINVAL, "%s cut at %zu of %zu", chains[_i].label, cut,
                      coded.length);
        ck_assert_ptr_eq(result.error_class, &tw_error_encoding);
        twi_buf_free(&result.out);
    }
    twi_buf_free(&coded);
    twi_buf_free(&text);
}
END_TEST

static const char *const padding[] = { "junk", "\n", "\0\0\0\0\0\0\0", "\xff\x1f\x8b\x28" };

/* As browsers and gzip(1) do; the coding says itself that the content is whole. */
START_TEST(bytes_after_the_end_are_dropped)
{
    struct twi_buf text = sample(300);
    struct twi_buf coded = encode(chains[_i].codings, text.data, text.length);
    size_t length = coded.length;

    for (size_t i = 0; i < sizeof padding / sizeof *padding; i++) {
        ck_assert_int_eq(twi_buf_append(&coded, padding[i], i == 2 ? 7 : strlen(padding[i])),
                         0);
        for (size_t piece = 1; piece < 400; piece += 99) {
            struct result result = decode(chains[_i].label, coded.data, coded.length, piece,
                                          64, -1);

            ck_assert_int_eq(result.r, 0);
            ck_assert_uint_eq(result.out.length, text.length);
            ck_assert_mem_eq(result.out.data, text.data, text.length);
            twi_buf_free(&result.out);
        }
        coded.length = length;
    }
    twi_buf_free(&coded);
    twi_buf_free(&text);
}
END_TEST

/* Every byte changed: an error, or (a header's field that means nothing) the same text. A format
 * without a checksum may give other text, but no more than it could. */
START_TEST(damage_is_an_error_or_harmless)
{
    struct twi_buf text = sample(600);
    struct twi_buf coded = encode(chains[_i].codings, text.data, text.length);

    for (size_t at = 0; at < coded.length; at++) {
        struct result result;

        coded.data[at] ^= 0x55;
        result = decode(chains[_i].label, coded.data, coded.length, 100, 256, 5000);
        ck_assert(result.r <= 0 && result.out.length <= 5000);
        if (strstr(chains[_i].label, "gzip") != NULL)
            ck_assert(result.r < 0 || (result.out.length == text.length &&
                                       memcmp(result.out.data, text.data, text.length) == 0));
        coded.data[at] ^= 0x55;
        twi_buf_free(&result.out);
    }
    twi_buf_free(&coded);
    twi_buf_free(&text);
}
END_TEST

START_TEST(members_and_frames_may_follow_each_other)
{
    static const char *const codings[] = { "gzip", "zstd" };
    struct twi_buf one = encode(codings[_i], "one ", 4), two = encode(codings[_i], "two", 3);
    struct result result;

    ck_assert_int_eq(twi_buf_append(&one, two.data, two.length), 0);
    for (size_t piece = 1; piece <= one.length; piece++) {
        result = decode(codings[_i], one.data, one.length, piece, 3, 7);
        ck_assert_int_eq(result.r, 0);
        ck_assert_uint_eq(result.out.length, 7);
        ck_assert_mem_eq(result.out.data, "one two", 7);
        twi_buf_free(&result.out);
    }
    twi_buf_free(&one);
    twi_buf_free(&two);
}
END_TEST

START_TEST(a_bomb_stops_when_the_limit_is_crossed)
{
    size_t length = 4 << 20;
    char *zeros = calloc(1, length);
    struct twi_buf coded = encode(chains[_i].codings, zeros, length);
    struct result result;

    ck_assert_uint_lt(coded.length, length / 300);
    result = decode(chains[_i].label, coded.data, coded.length, coded.length, 8192, 1000000);
    ck_assert_int_eq(result.r, -E2BIG);
    ck_assert_ptr_eq(result.error_class, &tw_error_toolarge);
    ck_assert_uint_eq(result.out.length, 1000000);
    twi_buf_free(&result.out);
    twi_buf_free(&coded);
    free(zeros);
}
END_TEST

/* Inner layers count as well: what is large between two stages and small at the end. */
START_TEST(a_bomb_between_two_stages_stops_too)
{
    struct twi_buf empty = encode("gzip", "", 0), many = { 0 }, coded;
    struct result result;

    for (unsigned i = 0; i < 100000; i++)
        ck_assert_int_eq(twi_buf_append(&many, empty.data, empty.length), 0);
    coded = encode("gzip", many.data, many.length);
    result = decode("gzip, gzip", coded.data, coded.length, coded.length, 4096, 1000);
    ck_assert_int_eq(result.r, -E2BIG);
    ck_assert_ptr_eq(result.error_class, &tw_error_toolarge);
    twi_buf_free(&result.out);
    result = decode("gzip, gzip", coded.data, coded.length, coded.length, 4096, 4000000);
    ck_assert_int_eq(result.r, 0);
    twi_buf_free(&empty);
    twi_buf_free(&many);
    twi_buf_free(&coded);
}
END_TEST

START_TEST(a_window_that_is_too_large_is_refused)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    size_t length = 20 << 20;
    char *data = calloc(1, length), *coded = malloc(ZSTD_compressBound(length));
    struct result result;
    ZSTD_inBuffer in = { data, length, 0 };
    ZSTD_outBuffer out = { coded, ZSTD_compressBound(length), 0 };

    ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, 27);
    ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_flush);
    ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_end);
    result = decode("zstd", coded, out.pos, out.pos, 4096, -1);
    ck_assert_int_eq(result.r, -EINVAL);
    twi_buf_free(&result.out);
    ZSTD_freeCCtx(ctx);
    free(data);
    free(coded);
}
END_TEST

static const struct {
    const char *codings;
    int r;
    bool decoder;
    unsigned left;
} lists[] = {
    { "", 0, false, 0 },
    { " , ,", 0, false, 0 },
    { "identity", 0, false, 0 },
    { "Identity, identity, identity, identity", 0, false, 0 },
    { "gzip", 0, true, 0 },
    { "gzip,br,zstd", 0, true, 0 },
    { "snail", 0, false, 1 },
    { "snail, gzip", 0, true, 1 },
    { "gzip, snail", 0, false, 2 },
    { "gzip, snail, br", 0, true, 2 },
    { "gzip, gzip, gzip, gzip", -EINVAL, false, 0 },
    { "gzip, snail, gzip, gzip", -EINVAL, false, 0 },
    { "gzipp", 0, false, 1 },
};

START_TEST(a_list_of_codings_is_undone_from_its_end)
{
    struct twi_decoder *decoder = NULL;
    unsigned left = 0;

    ck_assert_int_eq(twi_decoder_new(lists[_i].codings, -1, &decoder, &left), lists[_i].r);
    ck_assert_uint_eq(left, lists[_i].left);
    ck_assert_int_eq(decoder != NULL, lists[_i].decoder);
    twi_decoder_free(decoder);
}
END_TEST

static struct twi_buf memory_input;

static bool decode_chain(void *arg)
{
    struct twi_decoder *decoder = NULL;
    const char *at = memory_input.data, *end = at + memory_input.length;
    char out[2000];
    size_t produced;
    unsigned left;
    int r = twi_decoder_new("br, zstd, gzip", -1, &decoder, &left);

    (void)arg;
    ck_assert(r == 0 || r == -ENOMEM);
    while (r == 0 && at < end)
        do
            r = twi_decoder_run(decoder, &at, end, out, sizeof out, &produced);
        while (r == 1);
    if (r == 0)
        r = twi_decoder_end(decoder);
    ck_assert(r == 0 || r == -ENOMEM);
    twi_decoder_free(decoder);
    return r == 0;
}

START_TEST(out_of_memory_is_no_damage)
{
    struct twi_buf text = sample(10000);

    memory_input = encode("br, zstd, gzip", text.data, text.length);
    twi_buf_free(&text);
    ck_assert_uint_gt(test_each_alloc_failure(decode_chain, NULL), 0);
    twi_buf_free(&memory_input);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");

    TEST_ADD_ROWS(suite, what_was_encoded_is_decoded_in_pieces_of_any_size, chains);
    TEST_ADD_ROWS(suite, an_empty_body_is_complete_encoded_or_not, chains);
    TEST_ADD_ROWS(suite, a_cut_anywhere_is_an_error, chains);
    TEST_ADD_ROWS(suite, bytes_after_the_end_are_dropped, chains);
    TEST_ADD_ROWS(suite, damage_is_an_error_or_harmless, chains);
    test_add(suite, members_and_frames_may_follow_each_other, 0, 2);
    TEST_ADD_ROWS(suite, a_bomb_stops_when_the_limit_is_crossed, chains);
    TEST_ADD(suite, a_bomb_between_two_stages_stops_too);
    TEST_ADD(suite, a_window_that_is_too_large_is_refused);
    TEST_ADD_ROWS(suite, a_list_of_codings_is_undone_from_its_end, lists);
    TEST_ADD(suite, out_of_memory_is_no_damage);
    return test_run(suite);
}
