/* SPDX-License-Identifier: MIT */
/*
 * check_coroutine_pool.c - coroutines, so many at a time.
 */
#include "config.h"

#include <errno.h>

#include <tweed/deferred_list.h>
#include <tweed/pool.h>

#include "tests/trace.h"

static tw_deferred *slots[8];

static void note(tw_deferred *d, const char *step)
{
    tw_add_both(d, say_none, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

static void say(const char *what, int number)
{
    char text[32];

    snprintf(text, sizeof text, "%s%d", what, number);
    trace_add(text);
}

static int number_of(const void *arg)
{
    return (int)(intptr_t)arg;
}

/* Wait for the slot of that number. */
static tw_value body(void *arg)
{
    tw_deferred *promise = tw_promise(&slots[number_of(arg)], NULL, NULL);
    tw_value result;

    say("start", number_of(arg));
    result = tw_await(promise);
    say(tw_is_failure(result) ? "stop" : "end", number_of(arg));
    return result;
}

static tw_value at_once(void *arg)
{
    ++*(int *)arg;
    return tw_none();
}

static void released_number(void *arg)
{
    say("~", number_of(arg));
}

static const struct tw_coroutine_options with_release = { .release = released_number };

static void ck_counts(const tw_pool *pool, size_t running, size_t waiting)
{
    struct tw_pool_counts counts = tw_pool_counts(pool);

    ck_assert_uint_eq(counts.running, running);
    ck_assert_uint_eq(counts.waiting, waiting);
}

START_TEST(only_so_many_run_at_a_time)
{
    tw_pool *pool = test_given(tw_pool_new(2));

    trace_setup();
    note(tw_pool_spawn(pool, body, (void *)0), "a");
    note(tw_pool_spawn(pool, body, (void *)1), "b");
    note(tw_pool_spawn(pool, body, (void *)2), "c");
    note(tw_pool_spawn(pool, body, (void *)3), "d");
    note(tw_pool_join(pool), "join");
    ck_trace("start0 start1");
    ck_counts(pool, 2, 2);
    tw_fire(&slots[1], tw_integer(11));
    ck_trace("end1 start2 b=11");
    tw_fire(&slots[0], tw_fail(&tw_error_dns, "x"));
    ck_trace("stop0 start3 a!dns");
    tw_fire(&slots[2], tw_integer(12));
    tw_fire(&slots[3], tw_integer(13));
    ck_trace("end2 c=12 end3 join=none d=13");
    ck_counts(pool, 0, 0);
    note(tw_pool_join(pool), "join");
    ck_trace("join=none");
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

START_TEST(a_pool_has_at_least_one_place)
{
    errno = 0;
    ck_assert_ptr_null(tw_pool_new(0));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(a_cancelled_spawn_leaves_the_line_or_cancels_its_body)
{
    tw_pool *pool = test_given(tw_pool_new(1));
    tw_deferred *running, *waiting, *next;

    trace_setup();
    running = tw_pool_spawn_with(pool, body, (void *)0, &with_release);
    note(tw_deferred_ref(running), "a");
    waiting = tw_pool_spawn_with(pool, body, (void *)1, &with_release);
    note(tw_deferred_ref(waiting), "b");
    next = tw_pool_spawn_with(pool, body, (void *)2, &with_release);
    note(tw_deferred_ref(next), "c");
    ck_trace("start0");
    tw_cancel(waiting);
    ck_trace("~1 b!cancelled");
    tw_cancel(running);
    ck_assert_ptr_nonnull(strstr(trace, "stop0"));
    ck_assert_ptr_nonnull(strstr(trace, "start2"));
    ck_assert_ptr_nonnull(strstr(trace, "a!cancelled"));
    trace_reset();
    tw_cancel(next); /* it waited, and runs now */
    ck_assert_ptr_nonnull(strstr(trace, "c!cancelled"));
    ck_counts(pool, 0, 0);
    for (int i = 0; i < 3; i++)
        tw_fire(&slots[i], tw_none());
    tw_deferred_unref(running);
    tw_deferred_unref(waiting);
    tw_deferred_unref(next);
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

START_TEST(a_long_line_is_run_without_recursion)
{
    enum { MANY = 20000 };
    tw_pool *pool = test_given(tw_pool_new(1));
    int count = 0;

    trace_setup();
    note(tw_pool_spawn(pool, body, (void *)0), "a");
    for (int i = 0; i < MANY; i++)
        tw_deferred_unref(tw_pool_spawn(pool, at_once, &count));
    ck_assert_int_eq(count, 0);
    ck_counts(pool, 1, MANY);
    tw_fire(&slots[0], tw_none());
    ck_assert_int_eq(count, MANY);
    ck_counts(pool, 0, 0);
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

/* A maker that waits with its work until there is a place for it. */
static tw_value maker(void *pool)
{
    for (int i = 0; i < 4; i++) {
        if (tw_is_failure(tw_await(tw_pool_wait_available(pool))))
            return tw_fail(&tw_error_abandoned, "no pool");
        note(tw_pool_spawn(pool, body, (void *)(intptr_t)i), "w");
    }
    return tw_none();
}

START_TEST(whoever_makes_work_may_wait_for_a_place)
{
    tw_pool *pool = test_given(tw_pool_new(2));

    trace_setup();
    note(tw_inline_callbacks(maker, pool), "made");
    ck_trace("start0 start1");
    ck_counts(pool, 2, 0);
    tw_fire(&slots[0], tw_integer(1));
    ck_trace("end0 start2 w=1");
    tw_fire(&slots[1], tw_integer(1));
    ck_trace("end1 start3 made=none w=1");
    tw_fire(&slots[2], tw_integer(1));
    tw_fire(&slots[3], tw_integer(1));
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

START_TEST(cancel_ends_all_that_run_or_wait)
{
    tw_pool *pool = test_given(tw_pool_new(2));

    trace_setup();
    for (intptr_t i = 0; i < 4; i++)
        note(tw_pool_spawn_with(pool, body, (void *)i, &with_release), "x");
    note(tw_pool_join(pool), "join");
    trace_reset();
    ck_assert_uint_eq(tw_pool_cancel(pool), 4);
    ck_assert_ptr_nonnull(strstr(trace, "~2 x!cancelled ~3 x!cancelled"));
    ck_assert_ptr_nonnull(strstr(trace, "stop0"));
    ck_assert_ptr_nonnull(strstr(trace, "stop1"));
    ck_assert_ptr_nonnull(strstr(trace, "join=none"));
    ck_counts(pool, 0, 0);
    ck_assert_uint_eq(tw_pool_cancel(pool), 0);
    for (int i = 0; i < 2; i++)
        tw_fire(&slots[i], tw_none());
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

static tw_value cancels_all(void *pool)
{
    tw_deferred *promise = tw_promise(&slots[7], NULL, NULL);

    tw_pool_cancel(pool);
    return tw_await(promise);
}

START_TEST(one_that_cancels_all_is_cancelled_at_its_next_wait)
{
    tw_pool *pool = test_given(tw_pool_new(2));

    trace_setup();
    note(tw_pool_spawn(pool, body, (void *)0), "a");
    note(tw_pool_spawn(pool, cancels_all, pool), "b");
    ck_trace("start0 stop0 a!cancelled b!cancelled");
    ck_counts(pool, 0, 0);
    tw_fire(&slots[0], tw_none());
    tw_fire(&slots[7], tw_none());
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

/* --- a body cancels itself ---------------------------------------------------------------- */

static tw_deferred *itself;

/* Its way to its own Deferred is the row's. */
static tw_value cancels_itself(void *arg)
{
    tw_deferred *fired = tw_succeed(tw_integer(1));

    (void)arg;
    trace_add("starts");
    tw_cancel(itself);
    trace_seen("fired", tw_await(fired));
    return body((void *)(intptr_t)1);
}

static tw_deferred *alone(tw_deferred *spawned)
{
    return spawned;
}

static tw_deferred *in_a_list(tw_deferred *spawned)
{
    return tw_gather(&spawned, 1);
}

static tw_deferred *in_a_race(tw_deferred *spawned)
{
    return tw_race(&spawned, 1);
}

static tw_value add_to_group(tw_group *group, void *spawned)
{
    tw_group_add(group, spawned);
    return tw_none();
}

static tw_deferred *in_a_group(tw_deferred *spawned)
{
    return tw_group_run(add_to_group, spawned);
}

static const struct {
    tw_deferred *(*hold)(tw_deferred *spawned);
    bool waits; /* for a place */
    const char *sees;
} holders[] = {
    { alone, false, "starts fired=1 start1 stop1 a!cancelled" },
    { alone, true, "starts fired=1 start1 stop1 a!cancelled" },
    { in_a_list, true, "starts fired=1 start1 stop1 a!first" },
    { in_a_race, true, "starts fired=1 start1 stop1 a!group" },
    { in_a_group, true, "starts fired=1 start1 stop1 a!cancelled" },
};

START_TEST(a_body_that_cancels_itself_sees_it_at_its_next_wait)
{
    tw_pool *pool = test_given(tw_pool_new(1));
    tw_deferred *spawned;

    trace_setup();
    if (holders[_i].waits)
        tw_deferred_unref(tw_pool_spawn(pool, body, (void *)0));
    itself = NULL;
    trace_reset();
    spawned = tw_pool_spawn(pool, cancels_itself, NULL);
    if (holders[_i].waits) {
        itself = holders[_i].hold(spawned);
        note(tw_deferred_ref(itself), "a");
        tw_fire(&slots[0], tw_none());
        ck_assert_ptr_nonnull(strstr(trace, holders[_i].sees));
    } else {
        tw_cancel(spawned);
        note(spawned, "a");
        ck_trace(holders[_i].sees);
    }
    ck_counts(pool, 0, 0);
    tw_fire(&slots[1], tw_none());
    tw_deferred_unref(itself);
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

static void cancels_again(void *arg)
{
    (void)arg;
    trace_add("~");
    tw_cancel(itself);
}

/* The release of an argument comes while the Deferred is neither in the line nor fired. */
START_TEST(a_release_may_cancel_the_one_that_it_belongs_to)
{
    const struct tw_coroutine_options options = { .release = cancels_again };
    tw_pool *pool = test_given(tw_pool_new(1));

    trace_setup();
    tw_deferred_unref(tw_pool_spawn(pool, body, (void *)0));
    for (int i = 0; i < 3; i++) {
        itself = NULL; /* until it is there: the release comes before, too */
        itself = tw_pool_spawn_with(pool, body, (void *)1, &options);
        note(tw_deferred_ref(itself), "a");
        trace_reset();
        if (i == 0)
            tw_cancel(itself);
        else if (i == 1)
            ck_assert_uint_eq(tw_pool_cancel(pool), 2);
        else
            tw_pool_free(pool);
        ck_assert_ptr_nonnull(strstr(trace, i < 2 ? "~ a!cancelled" : "~ a!abandoned"));
        tw_deferred_unref(itself);
        if (i == 1) {
            tw_fire(&slots[0], tw_none());
            tw_deferred_unref(tw_pool_spawn(pool, body, (void *)0));
        }
    }
    tw_fire(&slots[0], tw_none());
    trace_teardown();
}
END_TEST

START_TEST(freeing_a_pool_abandons_what_waits_and_lets_the_rest_run)
{
    tw_pool *pool = test_given(tw_pool_new(1));

    trace_setup();
    note(tw_pool_spawn(pool, body, (void *)0), "a");
    note(tw_pool_spawn_with(pool, body, (void *)1, &with_release), "b");
    note(tw_pool_wait_available(pool), "place");
    note(tw_pool_join(pool), "join");
    tw_pool_free(pool);
    ck_trace("start0 ~1 b!abandoned place!abandoned join!abandoned");
    tw_fire(&slots[0], tw_integer(5));
    ck_trace("end0 a=5");
    tw_pool_free(NULL);
    trace_teardown();
}
END_TEST

START_TEST(a_pool_that_could_not_be_made_does_no_harm)
{
    int items[1] = { 0 };

    trace_setup();
    note(tw_pool_spawn_with(NULL, body, (void *)3, &with_release), "a");
    note(tw_pool_join(NULL), "b");
    note(tw_pool_wait_available(NULL), "c");
    note(tw_pool_map(NULL, body, items, 1, sizeof items[0]), "d");
    ck_trace("~3 a!memory b!memory c!memory d!memory");
    ck_assert_ptr_null(tw_pool_imap(NULL, body, items, 1, sizeof items[0]));
    note(tw_results_next(NULL), "e");
    ck_trace("e!memory");
    tw_results_free(NULL);
    ck_assert_uint_eq(tw_pool_cancel(NULL), 0);
    ck_counts(NULL, 0, 0);
    trace_teardown();
}
END_TEST

/* --- map, imap -------------------------------------------------------------------------- */

static const int items[] = { 0, 1, 2, 3, 4 };
enum { ITEMS = sizeof items / sizeof items[0] };

static tw_value of_item(void *item)
{
    return body((void *)(intptr_t) * (int *)item);
}

static tw_value show_list(tw_value list, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < tw_list_length(list); i++)
        trace_seen("item", tw_list_at(list, i));
    return tw_none();
}

START_TEST(map_gives_results_in_order_failures_among_them)
{
    tw_pool *pool = test_given(tw_pool_new(2));
    tw_deferred *d = tw_pool_map(pool, of_item, items, ITEMS, sizeof items[0]);

    trace_setup();
    tw_add_callback(d, show_list, NULL);
    tw_pool_free(pool); /* what has begun would go on: the rest is refused */
    tw_fire(&slots[1], tw_integer(1));
    tw_fire(&slots[0], tw_fail(&tw_error_dns, "x"));
    ck_trace("end1 stop0 item!dns item=1 item!abandoned item!abandoned item!abandoned");
    tw_deferred_unref(d);
    pool = test_given(tw_pool_new(2));
    d = tw_pool_map(pool, of_item, items, ITEMS, sizeof items[0]);
    tw_add_callback(d, show_list, NULL);
    for (int i = 0; i < ITEMS; i++)
        tw_fire(&slots[i], tw_integer(10 + i));
    ck_assert_ptr_nonnull(strstr(trace, "item=10 item=11 item=12 item=13 item=14"));
    tw_deferred_unref(d);
    d = tw_pool_map(pool, of_item, items, ITEMS, sizeof items[0]);
    trace_reset();
    note(tw_deferred_ref(d), "map");
    tw_cancel(d);
    ck_trace("stop0 stop1 map=list");
    ck_counts(pool, 0, 0);
    tw_fire(&slots[0], tw_none());
    tw_fire(&slots[1], tw_none());
    tw_deferred_unref(d);
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

static tw_value show_pair(tw_value pair, void *step)
{
    char text[16];

    if (!tw_is(pair, &tw_type_list))
        return say_none(pair, step);
    snprintf(text, sizeof text, "%s:%d", (const char *)step,
             (int)tw_integer_of(tw_list_at(pair, 0)));
    trace_seen(text, tw_list_at(pair, 1));
    return tw_none();
}

static void next(tw_results *results, const char *step)
{
    tw_deferred *d = tw_results_next(results);

    tw_add_both(d, show_pair, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

/* The items end in the order 1, 2 (failing), 0, 4, 3. */
static const struct {
    bool ordered;
    const char *sees[5];
} imaps[] = {
    { true,
      { "end1 start2", "stop2 start3", "end0 start4 a:0=10 b:1=11", "c:2!dns",
        "d:3=13 e:4=14 f=none" } },
    { false,
      { "end1 start2 a:1=11", "stop2 start3 b:2!dns", "end0 start4", "c:0=10",
        "d:4=14 e:3=13 f=none" } },
};

START_TEST(imap_gives_each_result_when_its_turn_comes)
{
    tw_pool *pool = test_given(tw_pool_new(2));
    tw_results *results;

    trace_setup();
    results = tw_pool_imap_at(TW_HERE, pool, of_item, items, ITEMS, sizeof items[0],
                              imaps[_i].ordered);
    next(results, "a");
    next(results, "b");
    trace_reset();
    tw_fire(&slots[1], tw_integer(11));
    ck_trace(imaps[_i].sees[0]);
    tw_fire(&slots[2], tw_fail(&tw_error_dns, "x"));
    ck_trace(imaps[_i].sees[1]);
    tw_fire(&slots[0], tw_integer(10));
    ck_trace(imaps[_i].sees[2]);
    next(results, "c");
    ck_trace(imaps[_i].sees[3]);
    tw_fire(&slots[4], tw_integer(14));
    tw_fire(&slots[3], tw_integer(13));
    trace_reset();
    next(results, "d");
    next(results, "e");
    next(results, "f");
    ck_trace(imaps[_i].sees[4]);
    tw_results_free(results);
    tw_pool_free(pool);
    trace_teardown();
}
END_TEST

START_TEST(freeing_results_cancels_what_is_left)
{
    tw_pool *pool = test_given(tw_pool_new(2));
    tw_results *results;

    trace_setup();
    results = tw_pool_imap(pool, of_item, items, ITEMS, sizeof items[0]);
    next(results, "a");
    tw_fire(&slots[1], tw_fail(&tw_error_dns, "nobody asks for it"));
    tw_pool_free(pool);
    trace_reset();
    tw_results_free(results);
    ck_trace("a!abandoned stop0 stop2");
    tw_fire(&slots[0], tw_none());
    tw_fire(&slots[2], tw_none());
    trace_teardown();
}
END_TEST

/* --- without memory --------------------------------------------------------------------- */

static tw_value count_it(tw_value result, void *count)
{
    (void)result;
    ++*(int *)count;
    return tw_none();
}

static tw_value nap(void *arg)
{
    tw_value result = tw_await(tw_promise(&slots[0], NULL, NULL));

    (void)arg;
    return result;
}

static bool use_pool(void *arg)
{
    tw_pool *pool = tw_pool_new(1);
    tw_results *results;
    int seen = 0, run = 0, counts[3] = { 0 };

    (void)arg;
    trace_setup();
    if (pool == NULL)
        return false;
    slots[0] = NULL;
    for (int i = 0; i < 3; i++) {
        tw_deferred *d = tw_pool_spawn(pool, i == 0 ? nap : at_once, &run);
        tw_add_both(d, count_it, &seen);
        tw_deferred_unref(d);
    }
    tw_fire(&slots[0], tw_none());
    ck_assert_int_eq(seen, 3);
    ck_counts(pool, 0, 0);
    note(tw_pool_map(pool, at_once, counts, 3, sizeof counts[0]), "map");
    results = tw_pool_imap_unordered(pool, at_once, counts, 3, sizeof counts[0]);
    for (int i = 0; i < 4; i++)
        next(results, "n");
    tw_results_free(results);
    ck_counts(pool, 0, 0);
    tw_pool_free(pool);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(a_pool_loses_no_place_without_memory)
{
    test_each_alloc_failure(use_pool, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coroutine pool");

    TEST_ADD(suite, only_so_many_run_at_a_time);
    TEST_ADD(suite, a_pool_has_at_least_one_place);
    TEST_ADD(suite, a_cancelled_spawn_leaves_the_line_or_cancels_its_body);
    TEST_ADD(suite, a_long_line_is_run_without_recursion);
    TEST_ADD(suite, whoever_makes_work_may_wait_for_a_place);
    TEST_ADD(suite, cancel_ends_all_that_run_or_wait);
    TEST_ADD(suite, one_that_cancels_all_is_cancelled_at_its_next_wait);
    TEST_ADD_ROWS(suite, a_body_that_cancels_itself_sees_it_at_its_next_wait, holders);
    TEST_ADD(suite, a_release_may_cancel_the_one_that_it_belongs_to);
    TEST_ADD(suite, freeing_a_pool_abandons_what_waits_and_lets_the_rest_run);
    TEST_ADD(suite, a_pool_that_could_not_be_made_does_no_harm);
    TEST_ADD(suite, map_gives_results_in_order_failures_among_them);
    TEST_ADD_ROWS(suite, imap_gives_each_result_when_its_turn_comes, imaps);
    TEST_ADD(suite, freeing_results_cancels_what_is_left);
    TEST_ADD(suite, a_pool_loses_no_place_without_memory);
    return test_run(suite);
}
