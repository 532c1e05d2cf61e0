/* SPDX-License-Identifier: MIT */
/*
 * check_seen.c - the set of seen visits holds what was added and nothing else, in at most 12 bytes
 * a key from a million on, survives a snapshot and stays whole without memory.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "spider/job/seen.h"
#include "tests/failing_malloc.h"
#include "tests/random.h"
#include "tests/test.h"

/* An assertion that costs nothing when it holds: for loops of millions. */
#define CK_QUICK(claim)          \
    do {                         \
        if (!(claim))            \
            ck_abort_msg(#claim); \
    } while (0)

/* The n-th of a row of hashes without repetition: SplitMix64 is a permutation. */
static uint64_t hash_of(uint64_t n)
{
    n *= UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ^ n >> 31;
}

START_TEST(what_was_added_is_there_and_nothing_else)
{
    enum { COUNT = 200000 };
    struct twi_seen *seen = test_given(twi_seen_new());

    for (uint64_t n = 0; n < COUNT; n++) {
        CK_QUICK(!twi_seen_has(seen, hash_of(n)));
        twi_seen_prefetch(seen, hash_of(n));
        CK_QUICK(twi_seen_add(seen, hash_of(n)) == 1);
        CK_QUICK(twi_seen_add(seen, hash_of(n / 2)) == 0);
    }
    ck_assert_uint_eq(twi_seen_count(seen), COUNT);
    for (uint64_t n = 0; n < COUNT; n++) {
        CK_QUICK(twi_seen_has(seen, hash_of(n)));
        CK_QUICK(!twi_seen_has(seen, hash_of(n + COUNT)));
    }
    twi_seen_free(seen);
}
END_TEST

START_TEST(a_key_takes_at_most_12_bytes_from_a_million_on)
{
    enum { COUNT = 1300000 };
    struct twi_seen *seen = test_given(twi_seen_new());

    for (uint64_t n = 1; n <= COUNT; n++) {
        CK_QUICK(twi_seen_add(seen, hash_of(n)) == 1);
        if (n >= 1000000 && n % 1000 == 0)
            CK_QUICK(twi_seen_bytes(seen) <= 12 * n);
    }
    ck_assert_uint_lt(twi_seen_bytes(seen), 11 * (uint64_t)COUNT);
    twi_seen_free(seen);
}
END_TEST

/* --- near each other, at the ends of tables, and 0 ------------------------------------------- */

static const struct {
    const char *what;
    uint64_t first, step;
} rows[] = {
    { "from 0 on", 0, 1 },
    { "one table, neighbours", 0, UINT64_C(1) << 24 },
    { "the end of a table", UINT64_C(0x00fffffffffffff0) - 3000, 1 },
    { "across tables", UINT64_C(0x00fffffffffffff0) - 1000, 1 },
    { "the last table's end", UINT64_MAX - 1999, 1 },
    { "a table a key", 0, UINT64_C(1) << 56 },
};

START_TEST(keys_that_are_no_hashes_are_kept_too)
{
    struct twi_seen *seen = test_given(twi_seen_new());
    uint64_t key = rows[_i].first;
    unsigned count = rows[_i].step >> 56 != 0 ? 256 : 2000;

    for (unsigned i = 0; i < count; i++, key += rows[_i].step)
        ck_assert_msg(twi_seen_add(seen, key) == 1, "%s: %u", rows[_i].what, i);
    CK_QUICK(!twi_seen_has(seen, rows[_i].first - 1) || rows[_i].step >> 56 != 0);
    ck_assert_uint_eq(twi_seen_count(seen), count);
    for (key = rows[_i].first; count-- > 0; key += rows[_i].step) {
        ck_assert_msg(twi_seen_has(seen, key), "%s", rows[_i].what);
        ck_assert_msg(twi_seen_add(seen, key) == 0, "%s", rows[_i].what);
    }
    twi_seen_free(seen);
}
END_TEST

START_TEST(room_that_was_made_is_enough)
{
    enum { COUNT = 300000 };
    struct twi_seen *seen = test_given(twi_seen_new());
    uint64_t n = 1;
    size_t bytes;

    CK_QUICK(twi_seen_add(seen, hash_of(0)) == 1);
    ck_assert_int_eq(twi_seen_reserve(seen, COUNT), 0);
    bytes = twi_seen_bytes(seen);
    ck_assert_uint_lt(bytes, 12 * COUNT);
    failing_malloc(1, true);
    while (n < COUNT && twi_seen_add(seen, hash_of(n)) == 1)
        n++;
    ck_assert(!failing_malloc_stop());
    ck_assert_uint_eq(n, COUNT);
    ck_assert_int_eq(twi_seen_reserve(seen, 10), 0); /* never less */
    ck_assert_uint_eq(twi_seen_bytes(seen), bytes);
    ck_assert_int_eq(twi_seen_reserve(seen, UINT64_MAX / 2), -ENOMEM);
    CK_QUICK(twi_seen_has(seen, hash_of(0)));
    twi_seen_free(seen);
}
END_TEST

/* --- snapshots ------------------------------------------------------------------------------ */

struct file {
    char *data;
    size_t length, at, ends; /* writing and reading fail beyond `ends` */
};

static int file_write(const void *data, size_t length, void *arg)
{
    struct file *file = arg;

    if (file->length + length > file->ends)
        return -ENOSPC;
    file->data = test_given(realloc(file->data, file->length + length));
    memcpy(file->data + file->length, data, length);
    file->length += length;
    return 0;
}

static int file_read(void *data, size_t length, void *arg)
{
    struct file *file = arg;

    if (length > file->length - file->at)
        return -EIO;
    memcpy(data, file->data + file->at, length);
    file->at += length;
    return 0;
}

static struct twi_seen *seen_of(uint64_t from, uint64_t to)
{
    struct twi_seen *seen = test_given(twi_seen_new());

    for (uint64_t n = from; n < to; n++)
        CK_QUICK(twi_seen_add(seen, hash_of(n)) == 1);
    return seen;
}

START_TEST(a_snapshot_is_read_back)
{
    static const uint64_t counts[] = { 0, 1, 2, 1000, 100000 };
    uint64_t count = counts[_i];
    struct twi_seen *seen = seen_of(0, count), *again = test_given(twi_seen_new());
    struct file file = { .ends = SIZE_MAX };

    ck_assert_int_eq(twi_seen_write(seen, file_write, &file), 0);
    ck_assert_uint_eq(file.length, 8 + 8 + 256 * 8 + 8 * (count - (count > 0)));
    ck_assert_int_eq(twi_seen_read(again, file_read, &file), 0);
    ck_assert_uint_eq(file.at, file.length);
    ck_assert_uint_eq(twi_seen_count(again), count);
    for (uint64_t n = 0; n < count; n++)
        CK_QUICK(twi_seen_has(again, hash_of(n)));
    for (uint64_t n = count; n < 2 * count; n++)
        CK_QUICK(twi_seen_add(again, hash_of(n)) == 1);
    twi_seen_free(again);
    twi_seen_free(seen);
    free(file.data);
}
END_TEST

START_TEST(a_broken_snapshot_is_refused)
{
    struct twi_seen *seen = seen_of(0, 300), *again;
    struct file file = { .ends = SIZE_MAX };
    size_t length;

    ck_assert_int_eq(twi_seen_write(seen, file_write, &file), 0);
    length = file.length;
    for (file.length = 0; file.length < length; file.length++) {
        file.at = 0;
        again = test_given(twi_seen_new());
        ck_assert_int_eq(twi_seen_read(again, file_read, &file), -EIO);
        twi_seen_free(again);
    }
    for (size_t i = 0; i < 16; i++) {
        file.at = 0;
        file.data[i] ^= 2;
        again = test_given(twi_seen_new());
        ck_assert_int_eq(twi_seen_read(again, file_read, &file), -EBADMSG);
        twi_seen_free(again);
        file.data[i] ^= 2;
    }
    twi_seen_free(seen);
    free(file.data);
}
END_TEST

static void damage_one(void)
{
    struct twi_seen *seen = seen_of(0, 1 + draw(600)), *again = test_given(twi_seen_new());
    struct file file = { .ends = SIZE_MAX };
    int r;

    ck_assert_int_eq(twi_seen_write(seen, file_write, &file), 0);
    for (unsigned i = draw(4); i < 4; i++)
        file.data[draw((unsigned)file.length)] ^= (char)(1 << draw(8));
    r = twi_seen_read(again, file_read, &file);
    ck_assert(r == 0 || r == -EBADMSG || r == -EIO || r == -ENOMEM);
    twi_seen_free(again);
    twi_seen_free(seen);
    free(file.data);
}

START_TEST(a_damaged_snapshot_does_no_harm)
{
    random_programs(damage_one, 500);
}
END_TEST

START_TEST(a_snapshot_that_cannot_be_written_says_so)
{
    struct twi_seen *seen = seen_of(0, 5000);
    struct file file = { .ends = 20000 };

    ck_assert_int_eq(twi_seen_write(seen, file_write, &file), -ENOSPC);
    twi_seen_free(seen);
    free(file.data);
}
END_TEST

/* --- without memory -------------------------------------------------------------------------- */

static bool add_many(void *arg)
{
    enum { COUNT = 20000 };
    struct twi_seen *seen = twi_seen_new();
    uint64_t n = 0;
    int r = 1;

    (void)arg;
    if (seen == NULL)
        return false;
    while (n < COUNT && (r = twi_seen_add(seen, hash_of(n))) == 1)
        n++;
    failing_malloc_stop();
    ck_assert_uint_eq(twi_seen_count(seen), n);
    CK_QUICK(!twi_seen_has(seen, hash_of(n)));
    for (uint64_t i = 0; i < n; i += 1 + n / 64)
        CK_QUICK(twi_seen_has(seen, hash_of(i)));
    CK_QUICK(twi_seen_add(seen, hash_of(n)) == 1); /* it goes on */
    ck_assert(r == 1 || r == -ENOMEM);
    twi_seen_free(seen);
    return r == 1;
}

START_TEST(without_memory_it_stays_whole)
{
    ck_assert_uint_gt(failing_malloc_each(add_many, NULL), 256);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seen");

    TEST_ADD(suite, what_was_added_is_there_and_nothing_else);
    TEST_ADD(suite, a_key_takes_at_most_12_bytes_from_a_million_on);
    TEST_ADD_ROWS(suite, keys_that_are_no_hashes_are_kept_too, rows);
    TEST_ADD(suite, room_that_was_made_is_enough);
    test_add(suite, a_snapshot_is_read_back, 0, 5);
    TEST_ADD(suite, a_broken_snapshot_is_refused);
    TEST_ADD(suite, a_damaged_snapshot_does_no_harm);
    TEST_ADD(suite, a_snapshot_that_cannot_be_written_says_so);
    TEST_ADD(suite, without_memory_it_stays_whole);
    return test_run(suite);
}
