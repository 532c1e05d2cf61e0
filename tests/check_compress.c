/* SPDX-License-Identifier: MIT */
/*
 * check_compress.c - frames come back as the text of all of them; broken ones are told.
 */
#include "config.h"

#include <string.h>

#include "spider/text/compress.h"
#include "tests/test.h"

#define SIZE 300000 /* more than a piece */

static const enum twi_coding codings[] = { TWI_CODING_NONE, TWI_CODING_GZIP, TWI_CODING_ZSTD };

/* Text that does not compress to nothing. */
static char *make_text(struct twi_arena *arena, size_t length)
{
    char *text = test_given(twi_arena_alloc(arena, length + 1));
    unsigned seed = 1;

    for (size_t i = 0; i < length; i++)
        text[i] = (char)((seed = seed * 1103515245 + 12345) >> 20);
    return text;
}

START_TEST(frames_come_back)
{
    static const size_t lengths[] = { 0, 1, SIZE, 5 };
    enum twi_coding coding = codings[_i];
    struct twi_arena arena;
    twi_arena_init(&arena, 0);
    struct twi_text file = { .arena = &arena }, back = { .arena = &arena },
                    head = { .arena = &arena }, all = { .arena = &arena };

    for (int i = 0; i < 4; i++) {
        const char *text = make_text(&arena, lengths[i]);
        size_t length;
        const char *frame = twi_compress(&arena, coding, text, lengths[i], &length);
        ck_assert_ptr_nonnull(frame);
        twi_text_add(&file, frame, length);
        twi_text_add(&all, text, lengths[i]);
    }
    if (coding != TWI_CODING_NONE)
        ck_assert_int_eq(twi_coding_of(file.data, file.length), coding);
    ck_assert_ptr_null(twi_decompress(coding, file.data, file.length, 0, &back));
    ck_assert_uint_eq(back.length, all.length);
    ck_assert_mem_eq(back.data, all.data, all.length);
    ck_assert_ptr_null(twi_decompress(coding, file.data, file.length, 1000, &head));
    ck_assert_uint_eq(head.length, 1000);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(broken_frames_are_told)
{
    enum twi_coding coding = codings[_i + 1];
    struct twi_arena arena;
    twi_arena_init(&arena, 0);
    struct twi_text back = { .arena = &arena };
    const char *text = make_text(&arena, SIZE);
    size_t length;
    char *frame = (char *)(uintptr_t)twi_compress(&arena, coding, text, SIZE, &length);

    ck_assert_str_eq(twi_decompress(coding, frame, length - 1, 0, &back),
                     "the compressed data is cut off");
    frame[length / 2] ^= 1; /* found by its checksum at last */
    ck_assert_str_eq(twi_decompress(coding, frame, length, 0, &back),
                     "the compressed data is broken");
    ck_assert_str_eq(twi_decompress(coding, "no frame", 8, 0, &back),
                     "the compressed data is broken");
    ck_assert_int_eq(twi_coding_of("no frame", 8), TWI_CODING_NONE);
    twi_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compress");

    TEST_ADD_ROWS(suite, frames_come_back, codings);
    test_add(suite, broken_frames_are_told, 0, 2);
    return test_run(suite);
}
