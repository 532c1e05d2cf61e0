/* SPDX-License-Identifier: MIT */
/*
 * check_base.c - the parts below: slabs, lists, buffers, heaps, maps, numbers.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slab.h"
#include "base/thread_end.h"
#include "tests/test.h"

struct thing {
    void *first;
    long mark[5];
};

static void count_marked(void *object, void *arg)
{
    struct thing *thing = object;
    if (thing->mark[0] == 4711)
        ++*(int *)arg;
}

/* Allocates, frees every other one, finds the rest. */
static void use_slab(struct twi_slab *slab)
{
    struct thing *things[1000];
    int found = 0;

    for (int i = 0; i < 1000; i++) {
        things[i] = twi_slab_alloc(slab);
        ck_assert_ptr_nonnull(things[i]);
        ck_assert_uint_eq((uintptr_t)things[i] % _Alignof(max_align_t), 0);
        *things[i] = (struct thing){ .mark = { 4711 } };
    }
    for (int i = 0; i < 1000; i += 2) {
        things[i]->mark[0] = 0;
        twi_slab_free(slab, things[i]);
    }
    ck_assert_uint_eq(twi_slab_store(slab)->living, 500);
    twi_slab_each(slab, count_marked, &found);
    ck_assert_int_eq(found, 500);
    for (int i = 1; i < 1000; i += 2) {
        things[i]->mark[0] = 0;
        twi_slab_free(slab, things[i]);
    }
    ck_assert_uint_eq(twi_slab_store(slab)->living, 0);
}

static void *use_slab_in_thread(void *arg)
{
    static struct twi_slab slab = TWI_SLAB(struct thing);

    (void)arg;
    use_slab(&slab);
    return NULL;
}

START_TEST(a_slab_gives_back_its_blocks_when_the_thread_ends)
{
    bool modes[] = { true, TWI_SLAB_ALWAYS_DIRECT };
    bool before = twi_slab_direct;

    for (int i = 0; i < 2; i++) {
        int64_t living = test_allocs_living();
        pthread_t thread;
        twi_slab_direct = modes[i];
        ck_assert_int_eq(pthread_create(&thread, NULL, use_slab_in_thread, NULL), 0);
        pthread_join(thread, NULL);
        ck_assert_int_eq(test_allocs_living(), living);
    }
    twi_slab_direct = before;
}
END_TEST

/* A letter for each function that the end of a thread called. */
static char called[16];
static pthread_key_t users_key;

static void note(char letter)
{
    called[strlen(called)] = letter;
}

static void note_reactor(void)
{
    note('r');
}

static void note_cache(void)
{
    note('c');
}

static void note_slabs(void)
{
    note('s');
}

static void note_program(void *unused)
{
    (void)unused;
    note('p');
}

static _Thread_local struct twi_thread_end ends[5];

static void note_bodies_and_use_all(void)
{
    note('b');
    twi_thread_end_call(&ends[1], TWI_THREAD_CACHES, note_cache);
    twi_thread_end_call(&ends[4], TWI_THREAD_REACTOR, note_reactor);
}

static void *end_in_stages(void *arg)
{
    (void)arg;
    pthread_setspecific(users_key, &users_key);
    ck_assert(twi_thread_end_call(&ends[0], TWI_THREAD_SLABS, note_slabs));
    ck_assert(twi_thread_end_call(&ends[1], TWI_THREAD_CACHES, note_cache));
    ck_assert(twi_thread_end_call(&ends[2], TWI_THREAD_BODIES, note_bodies_and_use_all));
    ck_assert(twi_thread_end_call(&ends[3], TWI_THREAD_REACTOR, note_reactor));
    ck_assert(twi_thread_end_call(&ends[3], TWI_THREAD_REACTOR, note_reactor));
    return NULL;
}

/* The program's own destructor comes where the system likes, but before the slabs. */
START_TEST(a_thread_ends_in_stages_whatever_registers_meanwhile)
{
    pthread_t thread;
    char order[16] = "";

    ck_assert_int_eq(pthread_key_create(&users_key, note_program), 0);
    memset(called, 0, sizeof called);
    ck_assert_int_eq(pthread_create(&thread, NULL, end_in_stages, NULL), 0);
    pthread_join(thread, NULL);
    for (const char *c = called; *c != '\0'; c++) {
        if (*c != 'p')
            order[strlen(order)] = *c;
    }
    ck_assert_str_eq(order, "rbrcs");
    ck_assert_ptr_nonnull(strchr(called, 'p'));
    ck_assert(strchr(called, 'p') < strchr(called, 's'));
    pthread_key_delete(users_key);
}
END_TEST

START_TEST(lists_keep_order_when_spliced)
{
    struct twi_list a = TWI_LIST_INIT(a), b = TWI_LIST_INIT(b), nodes[6];
    int i = 0;

    for (i = 0; i < 3; i++)
        twi_list_append(&a, &nodes[i]);
    for (i = 3; i < 6; i++)
        twi_list_append(&b, &nodes[i]);
    twi_list_splice(&a, &b);
    ck_assert(twi_list_empty(&b));
    i = 0;
    TWI_LIST_EACH (node, &a) {
        ck_assert_ptr_eq(node, &nodes[i++]);
        twi_list_remove(node);
    }
    ck_assert_int_eq(i, 6);
    ck_assert_ptr_null(twi_list_take_first(&a));
    twi_list_splice(&a, &b);
    ck_assert(twi_list_empty(&a));
}
END_TEST

static bool fill_buffer(void *arg)
{
    struct twi_buf buf = { 0 };
    bool ok = true;
    tw_value bytes;

    (void)arg;
    for (int i = 0; i < 100; i++)
        ok = ok && twi_buf_printf(&buf, "%d,", i) == 0 && twi_buf_append_char(&buf, ' ') == 0;
    if (ok)
        twi_buf_consume(&buf, 3);
    ok = ok && strncmp(twi_buf_text(&buf), "1, 2, ", 6) == 0;
    bytes = twi_buf_take(&buf);
    ok = ok && !tw_is_failure(bytes) && tw_bytes_length(bytes) == 387;
    tw_release(bytes);
    return ok;
}

START_TEST(a_buffer_grows_and_survives_without_memory)
{
    test_each_alloc_failure(fill_buffer, NULL);
}
END_TEST

START_TEST(a_heap_gives_keys_in_order_and_equals_as_they_came)
{
    enum { COUNT = 2000 };
    static struct twi_heap_node nodes[COUNT];
    struct twi_heap heap = { 0 };
    uint32_t seed = 1;
    struct twi_heap_node *last = NULL;

    for (int i = 0; i < COUNT; i++) {
        seed = seed * 1103515245 + 12345;
        ck_assert_int_eq(twi_heap_add(&heap, &nodes[i], seed >> 24), 0);
    }
    for (int i = 0; i < COUNT; i += 3)
        twi_heap_remove(&heap, &nodes[i]);
    for (int i = 1; i < COUNT; i += 3)
        twi_heap_move(&heap, &nodes[i], nodes[i].key / 2);
    while (heap.length > 0) {
        struct twi_heap_node *first = twi_heap_first(&heap);
        ck_assert(twi_heap_has(first));
        if (last != NULL)
            ck_assert(last->key < first->key ||
                      (last->key == first->key && last->order_ < first->order_));
        twi_heap_remove(&heap, first);
        ck_assert(!twi_heap_has(first));
        last = first;
    }
    twi_heap_free(&heap);
}
END_TEST

static bool fill_map(void *arg)
{
    struct twi_map map = { 0 };
    bool ok = true;
    size_t cursor = 0, seen = 0;
    char key[16];

    (void)arg;
    for (int i = 0; i < 300 && ok; i++) {
        int length = snprintf(key, sizeof key, "key %d", i);
        ok = twi_map_set(&map, key, (size_t)length, &map, NULL) == 0;
    }
    for (int i = 0; i < 300 && ok; i += 2) {
        int length = snprintf(key, sizeof key, "key %d", i);
        ok = twi_map_remove(&map, key, (size_t)length) == &map;
    }
    while (ok && twi_map_next(&map, &cursor) != NULL)
        seen++;
    if (ok) {
        ck_assert_uint_eq(seen, 150);
        ck_assert_uint_eq(map.count, 150);
        ck_assert_ptr_eq(twi_map_get(&map, "key 1", 5), &map);
        ck_assert_ptr_null(twi_map_get(&map, "key 2", 5));
        ck_assert_ptr_null(twi_map_remove(&map, "key 2", 5));
    }
    twi_map_free(&map);
    return ok;
}

START_TEST(a_map_finds_what_is_there_and_survives_without_memory)
{
    test_each_alloc_failure(fill_map, NULL);
}
END_TEST

START_TEST(setting_a_key_again_answers_the_old_value)
{
    struct twi_map map = { 0 };
    int one, two;
    void *old = &map;

    ck_assert_int_eq(twi_map_set(&map, "", 0, &one, &old), 0);
    ck_assert_ptr_null(old);
    ck_assert_int_eq(twi_map_set(&map, "", 0, &two, &old), 0);
    ck_assert_ptr_eq(old, &one);
    ck_assert_uint_eq(map.count, 1);
    twi_map_free(&map);
}
END_TEST

START_TEST(removing_and_adding_for_ever_does_not_grow_a_map)
{
    struct twi_map map = { 0 };

    for (int i = 0; i < 10000; i++) {
        ck_assert_int_eq(twi_map_set(&map, &i, sizeof i, &map, NULL), 0);
        ck_assert_ptr_eq(twi_map_remove(&map, &i, sizeof i), &map);
    }
    ck_assert_uint_le(map.capacity_, 16);
    twi_map_free(&map);
}
END_TEST

static const struct {
    const char *text;
    int result;
    uint64_t number;
} decimals[] = {
    { "0", 0, 0 },
    { "007", 0, 7 },
    { "18446744073709551615", 0, UINT64_MAX },
    { "18446744073709551616", -ERANGE, 0 },
    { "99999999999999999999999", -ERANGE, 0 },
    { "", -EINVAL, 0 },
    { "+1", -EINVAL, 0 },
    { "-1", -EINVAL, 0 },
    { " 1", -EINVAL, 0 },
    { "1 ", -EINVAL, 0 },
    { "0x1", -EINVAL, 0 },
};

START_TEST(decimals_are_digits_only)
{
    uint64_t number = 0;
    int r = twi_parse_decimal(decimals[_i].text, strlen(decimals[_i].text), &number);

    ck_assert_int_eq(r, decimals[_i].result);
    ck_assert_uint_eq(number, decimals[_i].number);
}
END_TEST

START_TEST(an_allocator_cannot_be_replaced_in_use)
{
    twi_free(twi_malloc(1));
    ck_assert_int_eq(tw_set_allocator(NULL, false), -EBUSY);
}
END_TEST

START_TEST(sizes_that_overflow_are_out_of_memory)
{
    void *array = NULL;
    size_t capacity = 0;

    ck_assert_ptr_null(twi_calloc(SIZE_MAX / 2, 4));
    ck_assert_int_eq(twi_grow(&array, &capacity, SIZE_MAX / 4, 64), -ENOMEM);
    ck_assert_uint_eq(capacity, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");

    TEST_ADD(suite, a_slab_gives_back_its_blocks_when_the_thread_ends);
    TEST_ADD(suite, a_thread_ends_in_stages_whatever_registers_meanwhile);
    TEST_ADD(suite, lists_keep_order_when_spliced);
    TEST_ADD(suite, a_buffer_grows_and_survives_without_memory);
    TEST_ADD(suite, a_heap_gives_keys_in_order_and_equals_as_they_came);
    TEST_ADD(suite, a_map_finds_what_is_there_and_survives_without_memory);
    TEST_ADD(suite, setting_a_key_again_answers_the_old_value);
    TEST_ADD(suite, removing_and_adding_for_ever_does_not_grow_a_map);
    TEST_ADD_ROWS(suite, decimals_are_digits_only, decimals);
    TEST_ADD(suite, an_allocator_cannot_be_replaced_in_use);
    TEST_ADD(suite, sizes_that_overflow_are_out_of_memory);
    return test_run(suite);
}
