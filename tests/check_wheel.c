/* SPDX-License-Identifier: MIT */
/*
 * check_wheel.c - the timer wheel beside a plain sorted list.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "reactor/wheel.h"
#include "tests/test.h"

enum { MODELS = 3000 };

/* What the wheel should hold: kept in no order, searched whole. */
struct model {
    int64_t due, number;
    uint64_t order;
    bool pending;
};
static struct model models[MODELS];
static uint64_t next_order, seed = 88172645463325252;
static struct twi_wheel *wheel;

static uint64_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void make_wheel(uint32_t generation)
{
    wheel = twi_calloc(1, sizeof *wheel);
    ck_assert_ptr_nonnull(wheel);
    twi_wheel_init(wheel, 7, generation);
    memset(models, 0, sizeof models);
}

static void free_wheel(void)
{
    struct twi_timer *timer;

    while ((timer = twi_wheel_any(wheel)) != NULL)
        twi_wheel_remove(wheel, timer, TWI_TIMER_CANCELLED);
    twi_wheel_free(wheel);
    twi_free(wheel);
}

static struct model *first_model(int64_t now)
{
    struct model *first = NULL;

    for (int i = 0; i < MODELS; i++) {
        struct model *m = &models[i];
        if (m->pending && m->due <= now &&
            (first == NULL || m->due < first->due ||
             (m->due == first->due && m->order < first->order)))
            first = m;
    }
    return first;
}

static void set_model(struct model *m, int64_t due)
{
    m->due = due;
    m->order = next_order++;
}

/* Delays of all magnitudes, often equal ones, from a nanosecond to years. */
static int64_t random_delay(void)
{
    int64_t delay = (int64_t)(random_bits() >> (8 + random_bits() % 56));
    return random_bits() % 4 == 0 ? delay / 1000000 * 1000000 : delay;
}

static void change_something(int64_t now)
{
    struct model *m = &models[random_bits() % MODELS];
    struct twi_timer *timer;

    if (!m->pending) {
        set_model(m, now + random_delay());
        timer = twi_wheel_add(wheel, m->due);
        m->number = twi_wheel_number(wheel, timer);
        m->pending = true;
        return;
    }
    ck_assert_int_eq(twi_wheel_find(wheel, m->number, &timer), 0);
    ck_assert_int_eq(timer->due, m->due);
    if (random_bits() % 3 == 0) {
        twi_wheel_remove(wheel, timer, TWI_TIMER_CANCELLED);
        ck_assert_int_eq(twi_wheel_find(wheel, m->number, &timer), -ECANCELED);
        m->pending = false;
    } else {
        set_model(m, now + random_delay());
        twi_wheel_move(wheel, timer, m->due);
    }
}

static void compare_due(int64_t now)
{
    while (twi_wheel_collect(wheel, now, UINT64_MAX)) {
        while (!twi_list_empty(&wheel->due)) {
            struct twi_timer *timer = TWI_CONTAINER(wheel->due.next, struct twi_timer, node);
            struct model *m = first_model(now);
            ck_assert_ptr_nonnull(m);
            ck_assert_int_eq(twi_wheel_number(wheel, timer), m->number);
            twi_wheel_remove(wheel, timer, TWI_TIMER_CALLED);
            m->pending = false;
        }
    }
    ck_assert_ptr_null(first_model(now));
}

/* Collect and count as called. */
static int collect_all(int64_t now, uint64_t before)
{
    int count = 0;

    while (twi_wheel_collect(wheel, now, before)) {
        while (!twi_list_empty(&wheel->due)) {
            twi_wheel_remove(wheel, TWI_CONTAINER(wheel->due.next, struct twi_timer, node),
                             TWI_TIMER_CALLED);
            count++;
        }
    }
    return count;
}

START_TEST(the_wheel_keeps_exact_order_at_every_distance)
{
    int64_t now = _i == 0 ? 0 : INT64_C(123456789012345);

    make_wheel(0);
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 60; i++)
            change_something(now);
        now += random_delay() >> (random_bits() % 30);
        if (now > INT64_MAX / 4)
            break;
        ck_assert(first_model(INT64_MAX) == NULL ||
                  wheel->bound <= first_model(INT64_MAX)->due);
        compare_due(now);
    }
    free_wheel();
}
END_TEST

START_TEST(moving_to_the_bound_always_gets_nearer)
{
    static const int64_t delays[] = { 1,
                                      999999,
                                      1048576,
                                      300000000,
                                      70000000000,
                                      86400000000000,
                                      INT64_C(31536000000000000),
                                      INT64_MAX / 2 - 1000 };
    int64_t now = 1000;
    int turns = 0;
    bool called = false;

    make_wheel(0);
    twi_wheel_add(wheel, now);
    twi_wheel_add(wheel, now + delays[_i]);
    ck_assert_int_eq(collect_all(now, UINT64_MAX), 1);
    while (!called) {
        ck_assert_int_le(now, wheel->bound);
        ck_assert_int_le(wheel->bound, 1000 + delays[_i]);
        now = wheel->bound;
        called = collect_all(now, UINT64_MAX) == 1;
        ck_assert_int_lt(turns++, TWI_WHEEL_LEVELS + 1);
    }
    ck_assert_int_eq(now, 1000 + delays[_i]);
    free_wheel();
}
END_TEST

START_TEST(what_is_added_during_a_collection_is_for_the_next)
{
    struct twi_timer *timer;
    uint64_t before;

    make_wheel(0);
    twi_wheel_add(wheel, 5000000);
    before = wheel->next_order;
    timer = twi_wheel_add(wheel, 5000000);
    twi_wheel_add(wheel, 6000000);
    twi_wheel_move(wheel, timer, 4000000);
    ck_assert_int_eq(collect_all(7000000, before), 1);
    ck_assert_int_eq(wheel->bound, 4000000);
    ck_assert_int_eq(collect_all(7000000, UINT64_MAX), 2);
    ck_assert_uint_eq(wheel->pending, 0);
    free_wheel();
}
END_TEST

START_TEST(putting_off_keeps_the_order)
{
    struct twi_timer *first, *second, *third;

    make_wheel(0);
    first = twi_wheel_add(wheel, 1000);
    twi_wheel_move(wheel, first, 9000000);
    second = twi_wheel_add(wheel, 9000000);
    third = twi_wheel_add(wheel, 8000000);
    twi_wheel_move(wheel, third, 9000000);
    ck_assert(twi_wheel_collect(wheel, 9000000, UINT64_MAX));
    ck_assert_ptr_eq(wheel->due.next, &first->node);
    ck_assert_ptr_eq(first->node.next, &second->node);
    ck_assert_ptr_eq(second->node.next, &third->node);
    free_wheel();
}
END_TEST

START_TEST(numbers_are_never_used_again)
{
    struct twi_timer *timer, *unused;
    volatile int64_t largest = INT64_MAX; /* the compiler shall not look for its place */
    int64_t first, second;

    make_wheel((1u << TWI_WHEEL_GENERATION_BITS) - 3);
    timer = twi_wheel_add(wheel, 5);
    first = twi_wheel_number(wheel, timer);
    twi_wheel_remove(wheel, timer, TWI_TIMER_CALLED);
    ck_assert_int_eq(twi_wheel_find(wheel, first, &unused), -EALREADY);
    timer = twi_wheel_add(wheel, 5);
    second = twi_wheel_number(wheel, timer);
    ck_assert_int_ne(first, second);
    ck_assert_int_eq(twi_wheel_find(wheel, first, &unused), -ENOENT);
    twi_wheel_remove(wheel, timer, TWI_TIMER_CALLED);
    /* The place has no numbers left: another one is taken. */
    timer = twi_wheel_add(wheel, 5);
    ck_assert_int_eq(timer->index, 1);
    ck_assert_int_eq(twi_wheel_find(wheel, second, &unused), -EALREADY);
    ck_assert_int_eq(twi_wheel_generation(wheel), (1u << TWI_WHEEL_GENERATION_BITS) - 1);
    ck_assert_int_eq(twi_wheel_find(wheel, 0, &unused), -ENOENT);
    ck_assert_int_eq(twi_wheel_find(wheel, -5, &unused), -ENOENT);
    ck_assert_int_eq(twi_wheel_find(wheel, largest, &unused), -ENOENT);
    free_wheel();
}
END_TEST

static bool fill(void *arg)
{
    bool ok = true;

    (void)arg;
    make_wheel(0);
    for (int i = 0; i < 1000 && ok; i++)
        ok = twi_wheel_add(wheel, i) != NULL;
    free_wheel();
    return ok;
}

START_TEST(no_memory_for_a_call_is_told)
{
    bool (*op)(void *) = fill;
    int64_t before = test_allocs_living();

    /* The wheel itself is made with memory to spare: only its table is made to fail. */
    for (uint64_t n = 2;; n++) {
        bool ok;
        test_fail_alloc(n, false);
        ok = op(NULL);
        ck_assert_int_eq(test_allocs_living(), before);
        if (!test_alloc_failed())
            break;
        ck_assert(!ok);
    }
    test_fail_alloc(0, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wheel");

    test_add(suite, the_wheel_keeps_exact_order_at_every_distance, 0, 2);
    test_add(suite, moving_to_the_bound_always_gets_nearer, 0, 8);
    TEST_ADD(suite, what_is_added_during_a_collection_is_for_the_next);
    TEST_ADD(suite, putting_off_keeps_the_order);
    TEST_ADD(suite, numbers_are_never_used_again);
    TEST_ADD(suite, no_memory_for_a_call_is_told);
    return test_run(suite);
}
