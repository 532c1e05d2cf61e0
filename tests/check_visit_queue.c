/* SPDX-License-Identifier: MIT */
/*
 * check_visit_queue.c - queues of visits give back what was pushed in their order, beside a model;
 * over 1,000 hosts a number takes at most 4 bytes; without memory they stay whole.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "spider/job/queue.h"
#include "tests/failing_malloc.h"
#include "tests/random.h"
#include "tests/test.h"

/* --- one queue ------------------------------------------------------------------------------ */

static const struct {
    const char *what;
    int64_t numbers[6];
} rows[] = {
    { "growing", { 1, 2, 3, 100, 20000, 3000000 } },
    { "falling", { 3000000, 20000, 100, 3, 2, 1 } },
    { "the same", { 7, 7, 7, 7, 7, 7 } },
    { "far apart", { INT64_MAX, INT64_MIN, INT64_MAX, 0, INT64_MIN, -1 } },
    { "about a byte", { 0, 63, 127, 64, 0, -64 } },
};

struct told {
    int64_t numbers[2000];
    size_t count;
};

static void tell_number(int64_t number, void *arg)
{
    struct told *told = arg;

    told->numbers[told->count++] = number;
}

START_TEST(numbers_come_back_in_order)
{
    struct twi_queue_slab *slab = test_given(twi_queue_slab_new());

    for (int lifo = 0; lifo <= 1; lifo++)
        for (size_t count = 1; count <= 1800; count += 1 + count / 3) {
            struct twi_queue queue = { 0 };
            static struct told told;
            told.count = 0;
            for (size_t i = 0; i < count; i++)
                ck_assert_int_eq(twi_queue_push(slab, &queue, rows[_i].numbers[i % 6], lifo),
                                 0);
            for (int times = 0; times < 2; times++) {
                told.count = 0;
                twi_queue_each(slab, &queue, lifo, tell_number, &told);
                ck_assert_uint_eq(told.count, count);
                for (size_t i = 0; i < count; i++)
                    ck_assert_int_eq(told.numbers[i], rows[_i].numbers[i % 6]);
            }
            for (size_t i = 0; i < count; i++) {
                size_t at = lifo ? count - 1 - i : i;
                ck_assert_int_eq(twi_queue_pop(slab, &queue, lifo), rows[_i].numbers[at % 6]);
            }
            ck_assert_uint_eq(queue.count, 0);
        }
    twi_queue_slab_free(slab);
}
END_TEST

START_TEST(over_1000_hosts_a_number_takes_at_most_4_bytes)
{
    enum { HOSTS = 1000, COUNT = 1000000 };
    struct twi_queue_slab *slab = test_given(twi_queue_slab_new());
    struct twi_queues *hosts = test_given(calloc(HOSTS, sizeof *hosts));
    size_t bytes = HOSTS * sizeof *hosts;
    int priority;

    for (int64_t id = 1; id <= COUNT; id++)
        if (twi_queues_push(slab, &hosts[(uint64_t)id * 2654435761 % HOSTS], id, 0, _i) != 0)
            ck_abort_msg("no memory");
    for (size_t i = 0; i < HOSTS; i++)
        bytes += twi_queues_bytes(&hosts[i]);
    ck_assert_uint_le(bytes + twi_queue_slab_bytes(slab), 4 * COUNT);
    bytes = twi_queue_slab_bytes(slab);
    for (size_t i = 0; i < HOSTS; i++)
        while (hosts[i].waiting > 0)
            twi_queues_pop(slab, &hosts[i], _i, &priority);
    for (int64_t id = 1; id <= COUNT; id++) /* blocks are used again */
        twi_queues_push(slab, &hosts[(uint64_t)id * 2654435761 % HOSTS], id, 0, _i);
    ck_assert_uint_eq(twi_queue_slab_bytes(slab), bytes);
    for (size_t i = 0; i < HOSTS; i++)
        twi_queues_clear(slab, &hosts[i], _i);
    free(hosts);
    twi_queue_slab_free(slab);
}
END_TEST

/* --- by priority, beside a model ------------------------------------------------------------- */

enum { MODELS = 4, MOST = 3000 };
static struct model {
    struct {
        int64_t number;
        int priority;
    } entries[MOST]; /* in the order of pushing */
    size_t count;
} models[MODELS];

static size_t model_best(const struct model *model, bool is_lifo)
{
    size_t best = 0;

    for (size_t i = 1; i < model->count; i++)
        if (model->entries[i].priority > model->entries[best].priority ||
            (is_lifo && model->entries[i].priority == model->entries[best].priority))
            best = i;
    return best;
}

static void model_remove(struct model *model, size_t at)
{
    memmove(&model->entries[at], &model->entries[at + 1],
            (--model->count - at) * sizeof model->entries[0]);
}

static int64_t draw_number(int64_t before)
{
    switch (draw(4)) {
    case 0:
        return before + 1 + draw(200);
    case 1:
        return before - draw(100000);
    case 2:
        return (int64_t)((uint64_t)draw(1U << 31) << 33 | draw(1U << 31));
    default:
        return before + draw(1 << 20);
    }
}

static bool seen_in_each[MOST];
static void tell_each(int64_t number, int priority, void *arg)
{
    const struct model *model = arg;

    for (size_t i = 0; i < model->count; i++) {
        if (seen_in_each[i] || model->entries[i].priority != priority)
            continue;
        ck_assert_int_eq(model->entries[i].number, number); /* the first of this priority */
        seen_in_each[i] = true;
        return;
    }
    ck_abort_msg("%lld of priority %d is not there", (long long)number, priority);
}

static void compare_each(struct twi_queue_slab *slab, struct twi_queues *queues,
                         struct model *model, bool is_lifo)
{
    memset(seen_in_each, 0, sizeof seen_in_each);
    twi_queues_each(slab, queues, is_lifo, tell_each, model);
    for (size_t i = 0; i < model->count; i++)
        ck_assert(seen_in_each[i]);
}

static void compare_pop(struct twi_queue_slab *slab, struct twi_queues *queues,
                        struct model *model, bool is_lifo)
{
    size_t best = model_best(model, is_lifo);
    int priority = 1000;

    ck_assert_int_eq(twi_queues_priority(queues), model->entries[best].priority);
    ck_assert_int_eq(twi_queues_pop(slab, queues, is_lifo, &priority),
                     model->entries[best].number);
    ck_assert_int_eq(priority, model->entries[best].priority);
    model_remove(model, best);
}

static void push_both(struct twi_queue_slab *slab, struct twi_queues *queues,
                      struct model *model, bool is_lifo, unsigned priorities)
{
    int64_t before = model->count > 0 ? model->entries[model->count - 1].number : 0;
    int64_t number = draw_number(before);
    int priority = (int)draw(priorities) - (int)priorities / 2;

    if (model->count == MOST)
        return;
    ck_assert_int_eq(twi_queues_push(slab, queues, number, priority, is_lifo), 0);
    model->entries[model->count].number = number;
    model->entries[model->count++].priority = priority;
}

static void random_program(void)
{
    struct twi_queue_slab *slab = test_given(twi_queue_slab_new());
    struct twi_queues queues[MODELS] = { { 0 } };
    unsigned priorities = one_in(3) ? 256 : 1 + draw(4), pushes = 1 + draw(4);
    bool is_lifo = one_in(2);

    for (int i = 0; i < MODELS; i++)
        models[i].count = 0;
    for (int i = 0; i < 3000; i++) {
        unsigned at = draw(MODELS);
        if (draw(5) < pushes)
            push_both(slab, &queues[at], &models[at], is_lifo, priorities);
        else if (models[at].count > 0)
            compare_pop(slab, &queues[at], &models[at], is_lifo);
        ck_assert_uint_eq(queues[at].waiting, models[at].count);
        if (one_in(200))
            compare_each(slab, &queues[at], &models[at], is_lifo);
        if (one_in(1000)) {
            twi_queues_clear(slab, &queues[at], is_lifo);
            models[at].count = 0;
        }
    }
    for (int i = 0; i < MODELS; i++) {
        while (models[i].count > 0 && i > 0)
            compare_pop(slab, &queues[i], &models[i], is_lifo);
        twi_queues_clear(slab, &queues[i], is_lifo);
    }
    twi_queue_slab_free(slab);
}

START_TEST(random_programs_agree_with_the_model)
{
    random_programs(random_program, 60);
}
END_TEST

START_TEST(priorities_beyond_the_last_count_as_the_last)
{
    static const struct {
        int given, taken;
    } limits[] = { { 128, 127 }, { 1 << 30, 127 }, { -129, -128 }, { -(1 << 30), -128 } };
    struct twi_queue_slab *slab = test_given(twi_queue_slab_new());
    struct twi_queues queues = { 0 };
    int priority;

    for (int i = 0; i < 4; i++) {
        twi_queues_push(slab, &queues, i, limits[i].given, false);
        twi_queues_pop(slab, &queues, false, &priority);
        ck_assert_int_eq(priority, limits[i].taken);
    }
    twi_queues_clear(slab, &queues, false);
    twi_queue_slab_free(slab);
}
END_TEST

/* --- without memory -------------------------------------------------------------------------- */

static void count_each(int64_t number, int priority, void *arg)
{
    (void)number;
    (void)priority;
    ++*(size_t *)arg;
}

static bool push_many(void *arg)
{
    struct twi_queue_slab *slab = twi_queue_slab_new();
    struct twi_queues queues = { 0 };
    size_t pushed = 0, told = 0;
    int r = slab != NULL ? 0 : -ENOMEM;

    (void)arg;
    for (; pushed < 100000 && r == 0; pushed += r == 0)
        r = twi_queues_push(slab, &queues, (int64_t)pushed * 100000, (int)(pushed % 9), false);
    failing_malloc_stop();
    if (slab == NULL)
        return false;
    twi_queues_each(slab, &queues, false, count_each, &told);
    ck_assert_uint_eq(told, pushed);
    ck_assert_uint_eq(queues.waiting, pushed);
    for (int priority; queues.waiting > 0;)
        twi_queues_pop(slab, &queues, false, &priority);
    twi_queues_clear(slab, &queues, false);
    twi_queue_slab_free(slab);
    ck_assert(r == 0 || r == -ENOMEM);
    return r == 0;
}

START_TEST(without_memory_they_stay_whole)
{
    ck_assert_uint_gt(failing_malloc_each(push_many, NULL), 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("visit queue");

    TEST_ADD_ROWS(suite, numbers_come_back_in_order, rows);
    test_add(suite, over_1000_hosts_a_number_takes_at_most_4_bytes, 0, 2);
    TEST_ADD(suite, random_programs_agree_with_the_model);
    TEST_ADD(suite, priorities_beyond_the_last_count_as_the_last);
    TEST_ADD(suite, without_memory_they_stay_whole);
    return test_run(suite);
}
