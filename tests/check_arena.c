/* SPDX-License-Identifier: MIT */
/*
 * check_arena.c - an arena's memory is apart, aligned, limited and gone at once.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "spider/text/arena.h"
#include "tests/test.h"

START_TEST(what_is_allocated_stays_apart_and_aligned)
{
    struct twi_arena arena;
    unsigned char *blocks[200];
    size_t i;

    twi_arena_init(&arena, 0);
    for (i = 0; i < 200; i++) {
        blocks[i] = twi_arena_alloc(&arena, i * 37);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, i * 37);
    }
    for (i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 37; k++)
            ck_assert_uint_eq(blocks[i][k], (unsigned char)i);
    ck_assert(!arena.failed);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(a_limit_is_kept_and_remembered)
{
    struct twi_arena arena;
    size_t count = 0;

    twi_arena_init(&arena, 100000);
    while (twi_arena_alloc(&arena, 1000) != NULL)
        count++;
    ck_assert_uint_ge(count, 90);
    ck_assert_uint_le(count, 100);
    ck_assert(arena.failed);
    ck_assert_uint_le(arena.used, 100000);
    twi_arena_reset(&arena);
    ck_assert(!arena.failed);
    ck_assert_ptr_nonnull(twi_arena_alloc(&arena, 1000));
    ck_assert_ptr_null(twi_arena_alloc(&arena, SIZE_MAX - 5));
    ck_assert_ptr_null(twi_arena_copy(&arena, "", SIZE_MAX));
    twi_arena_free(&arena);
}
END_TEST

START_TEST(the_last_block_grows_in_place)
{
    struct twi_arena arena;
    char *block, *other;

    twi_arena_init(&arena, 0);
    block = twi_arena_copy(&arena, "abc", 3);
    ck_assert_ptr_eq(twi_arena_grow(&arena, block, 4, 500), block);
    other = twi_arena_alloc(&arena, 1);
    ck_assert(other >= block + 500);
    other = twi_arena_grow(&arena, block, 500, 600);
    ck_assert_ptr_ne(other, block);
    ck_assert_str_eq(other, "abc");
    twi_arena_free(&arena);
}
END_TEST

START_TEST(a_text_grows)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena }, empty = { .arena = &arena };
    size_t i;

    twi_arena_init(&arena, 0);
    ck_assert_str_eq(twi_text_string(&empty), "");
    for (i = 0; i < 10000; i++) {
        twi_text_putc(&text, 'a');
        twi_text_puts(&text, "bc");
    }
    ck_assert_uint_eq(text.length, 30000);
    ck_assert_uint_eq(strlen(twi_text_string(&text)), 30000);
    ck_assert_str_eq(twi_text_string(&text) + 29997, "abc");
    twi_arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");

    TEST_ADD(suite, what_is_allocated_stays_apart_and_aligned);
    TEST_ADD(suite, a_limit_is_kept_and_remembered);
    TEST_ADD(suite, the_last_block_grows_in_place);
    TEST_ADD(suite, a_text_grows);
    return test_run(suite);
}
