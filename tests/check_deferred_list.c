/* SPDX-License-Identifier: MIT */
/*
 * check_deferred_list.c - list, gather, race, as_completed, map.
 */
#include "config.h"

#include <errno.h>

#include "tests/many.h"

/* --- the list: rows --------------------------------------------------------------------- */

/* Moves: a digit fires that child with its number (times 10), with ! before it makes it fail, C
 * cancels the list. */
static const struct {
    const char *when;
    unsigned flags;
    const char *moves;
    const char *sees;
} rows[] = {
    { "results in the order given", 0, "201", "all=[0,10,20]" },
    { "failures are items", 0, "2!01", "all=[!system,10,20]" },
    { "errors may be consumed", TW_CONSUME_ERRORS, "2!01", "all=[!system,10,20]" },
    { "on one callback: value and index", TW_FIRE_ON_ONE_CALLBACK, "1", "all=[10,1]" },
    { "on one callback: failures do not count", TW_FIRE_ON_ONE_CALLBACK | TW_CONSUME_ERRORS,
      "!2!10", "all=[0,0]" },
    { "on one callback: all fail", TW_FIRE_ON_ONE_CALLBACK | TW_CONSUME_ERRORS, "!2!1!0",
      "all=[!system,!system,!system]" },
    { "on one errback: the first", TW_FIRE_ON_ONE_ERRBACK, "0!2", "all=!first(2)" },
    { "on one errback: later ones are their own", TW_FIRE_ON_ONE_ERRBACK, "!0!2",
      "all=!first(0) unhandled!system" },
    { "on one errback: none fails", TW_FIRE_ON_ONE_ERRBACK, "012", "all=[0,10,20]" },
    { "the others go on, late failures are their own", TW_FIRE_ON_ONE_CALLBACK, "0!12",
      "all=[0,0] unhandled!system" },
    { "failures before it, too", TW_FIRE_ON_ONE_CALLBACK, "!12",
      "unhandled!system all=[20,2]" },
    { "late failures may be consumed", TW_FIRE_ON_ONE_CALLBACK | TW_CONSUME_ERRORS, "0!12",
      "all=[0,0]" },
    { "the rest may be cancelled",
      TW_FIRE_ON_ONE_CALLBACK | TW_CANCEL_REST | TW_CONSUME_ERRORS, "1",
      "all=[10,1] cancel0 cancel2" },
    { "the rest of failures, too", TW_FIRE_ON_ONE_ERRBACK | TW_CANCEL_REST | TW_CONSUME_ERRORS,
      "!1", "all=!first(1) cancel0 cancel2" },
    { "cancel goes to all children, whose failures fire it", TW_CONSUME_ERRORS, "1C",
      "cancel0 cancel2 all=[!cancelled,10,!cancelled]" },
    { "cancel with on one errback", TW_FIRE_ON_ONE_ERRBACK | TW_CONSUME_ERRORS, "C",
      "cancel0 all=!first(0) cancel1 cancel2" },
    { "cancel after it fired is nothing", TW_FIRE_ON_ONE_CALLBACK, "0C", "all=[0,0]" },
};

static void move(const char **moves, tw_deferred *list)
{
    bool fails = **moves == '!';
    int child;

    if (**moves == 'C') {
        tw_cancel(list);
        ++*moves;
        return;
    }
    *moves += fails;
    child = *(*moves)++ - '0';
    tw_fire(&slots[child],
            fails ? tw_fail(&tw_error_system, "child %d", child) : tw_integer(10 * child));
}

START_TEST(a_list_waits_for_all_or_one)
{
    tw_deferred *list;

    setup();
    list = tw_deferred_list(children, CHILDREN, rows[_i].flags);
    tw_add_both(list, show, "all");
    for (const char *moves = rows[_i].moves; *moves != '\0';)
        move(&moves, list);
    ck_assert_msg(strcmp(trace, rows[_i].sees) == 0, "%s: %s", rows[_i].when, trace);
    tw_deferred_set_hooks(&(struct tw_deferred_hooks){ trace_unhandled, NULL, NULL });
    tw_deferred_unref(list);
    teardown();
}
END_TEST

START_TEST(lists_of_none)
{
    trace_setup();
    tw_deferred *d = tw_deferred_list(NULL, 0, 0);
    tw_add_both(d, show, "list");
    tw_deferred_unref(d);
    d = tw_deferred_list(NULL, 0, TW_FIRE_ON_ONE_ERRBACK);
    tw_add_both(d, show, "errback");
    tw_deferred_unref(d);
    d = tw_deferred_list(NULL, 0, TW_FIRE_ON_ONE_CALLBACK);
    tw_add_both(d, show, "callback");
    tw_deferred_unref(d);
    d = tw_gather(NULL, 0);
    tw_add_both(d, show, "gather");
    tw_deferred_unref(d);
    d = tw_race(NULL, 0);
    tw_add_both(d, show, "race");
    tw_deferred_unref(d);
    ck_trace("list=[] errback=[] callback=!misuse gather=[] race=!misuse");
    trace_teardown();
}
END_TEST

START_TEST(a_list_is_one_more_callback_on_each_child)
{
    tw_deferred *list, *child;

    setup();
    child = tw_deferred_ref(children[0]);
    tw_add_callback(child, more, "before");
    list = tw_deferred_list(children, CHILDREN, 0);
    tw_add_callback(child, pass, "after");
    tw_add_both(list, show, "all");
    for (int i = 0; i < CHILDREN; i++)
        tw_fire(&slots[i], tw_integer(i));
    ck_trace("before=0 after=1 all=[1,1,2]");
    tw_deferred_unref(child);
    tw_deferred_unref(list);
    teardown();
}
END_TEST

START_TEST(children_that_cannot_be_made_or_die_are_failures)
{
    tw_deferred *mixed[3], *list, *slot;

    trace_setup();
    mixed[0] = NULL;
    mixed[1] = tw_succeed(tw_integer(1));
    mixed[2] = tw_promise(&slot, NULL, NULL);
    list = tw_deferred_list(mixed, 3, 0);
    tw_add_both(list, show, "all");
    ck_trace("");
    tw_deferred_unref(slot);
    ck_trace("all=[!memory,1,!abandoned]");
    tw_deferred_unref(list);
    trace_teardown();
}
END_TEST

START_TEST(a_list_lives_by_its_children)
{
    tw_deferred *list;

    setup();
    list = tw_deferred_list(children, CHILDREN, 0);
    tw_add_both(list, show, "all");
    tw_deferred_unref(list);
    for (int i = 0; i < CHILDREN; i++)
        tw_fire(&slots[i], tw_integer(i));
    ck_trace("all=[0,1,2]");
    teardown();
}
END_TEST

START_TEST(cancelling_a_list_goes_past_a_child_that_refuses)
{
    tw_deferred *mixed[2], *slot[2], *list;

    trace_setup();
    mixed[0] = tw_promise(&slot[0], refuse, NULL);
    mixed[1] = tw_promise(&slot[1], NULL, NULL);
    list = tw_deferred_list(mixed, 2, TW_CONSUME_ERRORS);
    tw_add_both(list, show, "all");
    ck_assert_int_eq(tw_cancel(list), 0);
    ck_trace("");
    tw_fire(&slot[0], tw_integer(1));
    ck_trace("all=[1,!cancelled]");
    tw_fire(&slot[1], tw_integer(2)); /* swallowed */
    ck_trace("");
    tw_deferred_unref(list);
    trace_teardown();
}
END_TEST

START_TEST(cancelling_a_list_reaches_what_fired_children_wait_for)
{
    tw_deferred *child = tw_succeed(tw_integer(1)), *slot, *list;

    trace_setup();
    tw_add_callback(child, wait_for, tw_promise(&slot, note_cancel, NULL));
    list = tw_deferred_list(&child, 1, TW_CONSUME_ERRORS);
    tw_add_both(list, show, "all");
    tw_cancel(list);
    ck_trace("w=1 cancel0 all=[!cancelled]");
    tw_deferred_unref(slot);
    tw_deferred_unref(list);
    trace_teardown();
}
END_TEST

static tw_value fire_others(tw_value result, void *arg)
{
    (void)arg;
    for (int i = 0; i < CHILDREN; i++)
        tw_fire(&slots[i], tw_integer(i));
    return result;
}

START_TEST(children_may_fire_each_other_and_the_list)
{
    tw_deferred *list;

    setup();
    list = tw_deferred_list(children, CHILDREN, TW_FIRE_ON_ONE_CALLBACK);
    tw_add_both(list, fire_others, NULL);
    tw_add_both(list, show, "all");
    tw_fire(&slots[1], tw_integer(7));
    ck_trace("all=[7,1]");
    tw_deferred_unref(list);
    teardown();
}
END_TEST

static void collect(const char *line, void *arg)
{
    (void)arg;
    trace_add(line);
}

static tw_deferred *give_child(const void *item, void *arg)
{
    (void)item;
    return arg;
}

START_TEST(a_dump_shows_what_a_list_or_map_waits_for)
{
    trace_setup();
    for (int is_map = 0; is_map < 2; is_map++) {
        tw_deferred *slot, *child = tw_promise_at("child.c:1", &slot, NULL, NULL, NULL);
        tw_deferred *all = is_map ? tw_map_at("all.c:2", "x", 1, 1, 1, give_child, child)
                                  : tw_deferred_list_at("all.c:2", &child, 1, 0);
        tw_deferred_dump(collect, NULL);
        ck_assert_ptr_nonnull(strstr(trace, "all.c:2: pending   Deferred"));
        trace_reset();
        tw_fire(&slot, tw_none());
        tw_deferred_unref(all);
    }
    trace_teardown();
}
END_TEST

/* --- gather, race ----------------------------------------------------------------------- */

START_TEST(gather_gives_values_or_the_first_failure)
{
    tw_deferred *all;

    setup();
    all = tw_gather(children, CHILDREN);
    tw_add_both(all, show, "all");
    tw_fire(&slots[2], tw_string("c"));
    tw_fire(&slots[0], tw_string("a"));
    tw_fire(&slots[1], tw_string("b"));
    ck_trace("all=[a,b,c]");
    tw_deferred_unref(all);
    teardown();
    setup();
    all = tw_gather(children, CHILDREN);
    tw_add_both(all, show, "all");
    tw_fire(&slots[1], tw_fail(&tw_error_dns, "x"));
    tw_fire(&slots[0], tw_fail(&tw_error_tls, "y"));
    ck_trace("all=!first(1)");
    tw_deferred_unref(all);
    teardown();
}
END_TEST

START_TEST(race_gives_the_first_success_and_cancels_the_rest)
{
    tw_deferred *all;

    setup();
    all = tw_race(children, CHILDREN);
    tw_add_both(all, show, "race");
    tw_fire(&slots[0], tw_fail(&tw_error_dns, "x"));
    tw_fire(&slots[2], tw_string("c"));
    ck_trace("race=[2,c] cancel1");
    tw_deferred_unref(all);
    teardown();
    setup();
    all = tw_race(children, CHILDREN);
    tw_add_both(all, show, "race");
    tw_fire(&slots[2], tw_fail(&tw_error_dns, "x"));
    tw_fire(&slots[0], tw_fail(&tw_error_tls, "y"));
    tw_fire(&slots[1], tw_fail(&tw_error_url, "z"));
    ck_trace("race=!group[!tls,!url,!dns]");
    tw_deferred_unref(all);
    teardown();
    setup();
    all = tw_race(children, CHILDREN);
    tw_add_both(all, show, "race");
    tw_cancel(all);
    ck_trace("cancel0 cancel1 cancel2 race=!group[!cancelled,!cancelled,!cancelled]");
    tw_deferred_unref(all);
    teardown();
}
END_TEST

/* --- as_completed ----------------------------------------------------------------------- */

static void ask(tw_results *results, const char *step)
{
    tw_deferred *d = tw_results_next(results);
    tw_add_both(d, show, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

START_TEST(as_completed_hands_out_results_as_they_come)
{
    tw_results *results;

    setup();
    results = tw_as_completed(children, CHILDREN);
    ask(results, "a");
    tw_fire(&slots[2], tw_integer(20));
    ck_trace("a=[2,20]");
    tw_fire(&slots[0], tw_fail(&tw_error_dns, "x"));
    ask(results, "b");
    ck_trace("b=[0,!dns]");
    ask(results, "c");
    ask(results, "d");
    ck_trace("d=none");
    tw_fire(&slots[1], tw_integer(10));
    ck_trace("c=[1,10]");
    ask(results, "e");
    ck_trace("e=none");
    tw_results_free(results);
    teardown();
}
END_TEST

START_TEST(freeing_as_completed_cancels_and_abandons)
{
    tw_results *results;
    tw_deferred *d;

    setup();
    results = tw_as_completed(children, CHILDREN);
    d = tw_results_next(results);
    tw_add_both(d, show, "cancelled");
    tw_cancel(d);
    tw_deferred_unref(d);
    ask(results, "a");
    tw_fire(&slots[1], tw_integer(10));
    tw_fire(&slots[0], tw_integer(0)); /* not asked for */
    ask(results, "b");
    ask(results, "c");
    tw_results_free(results);
    ck_trace("cancelled=!cancelled a=[1,10] b=[0,0] c=!abandoned cancel2");
    teardown();
    tw_results_free(NULL);
    ck_assert_ptr_null(tw_results_next(NULL));
    results = tw_as_completed(NULL, 0);
    ask(results, "none");
    ck_trace("none=none");
    tw_results_free(results);
}
END_TEST

/* --- map -------------------------------------------------------------------------------- */

START_TEST(map_keeps_the_order_and_the_limit)
{
    static const int items[] = { 1, 2, 3, -1, 5, 7, 4 };
    tw_deferred *all;

    trace_setup();
    map_active = map_most = 0;
    all = tw_map(items, 7, sizeof items[0], 2, start_item, NULL);
    tw_add_both(all, show, "map");
    ck_assert_ptr_nonnull(map_slots[1]);
    ck_assert_ptr_nonnull(map_slots[3]);
    ck_assert_ptr_null(map_slots[5]);
    tw_fire(&map_slots[3], tw_integer(3));
    ck_assert_ptr_nonnull(map_slots[5]);
    ck_assert_ptr_null(map_slots[7]);
    tw_fire(&map_slots[1], tw_integer(1));
    tw_fire(&map_slots[7], tw_fail(&tw_error_dns, "x"));
    ck_trace("");
    tw_fire(&map_slots[5], tw_integer(5));
    ck_trace("map=[1,2,3,!system,5,!dns,4]");
    ck_assert_int_eq(map_most, 2);
    tw_deferred_unref(all);
    trace_teardown();
}
END_TEST

START_TEST(map_of_many_done_at_once_does_not_recurse)
{
    enum { MANY = 200000 };
    int *items = calloc(MANY, sizeof *items);
    tw_deferred *all;

    trace_setup();
    all = tw_map(items, MANY, sizeof items[0], 1, start_item, NULL);
    ck_assert_uint_eq(tw_list_length(tw_deferred_result(all)), MANY);
    tw_deferred_unref(all);
    all = tw_map(items, 0, sizeof items[0], 1, start_item, NULL);
    ck_assert_uint_eq(tw_list_length(tw_deferred_result(all)), 0);
    tw_deferred_unref(all);
    all = tw_map(items, 1, sizeof items[0], 0, start_item, NULL);
    tw_add_both(all, show, "map");
    ck_trace("map=!misuse");
    tw_deferred_unref(all);
    free(items);
    trace_teardown();
}
END_TEST

START_TEST(cancelling_map_starts_nothing_more)
{
    static const int items[] = { 1, 3, 5 };
    tw_deferred *all;

    trace_setup();
    all = tw_map(items, 3, sizeof items[0], 2, start_item, NULL);
    tw_add_both(all, show, "map");
    tw_cancel(all);
    ck_trace("cancel1 cancel3 map=[!cancelled,!cancelled,!cancelled]");
    ck_assert_ptr_null(map_slots[5]);
    for (int i = 1; i < 4; i += 2) {
        tw_deferred_unref(map_slots[i]);
        map_slots[i] = NULL;
    }
    tw_deferred_unref(all);
    trace_teardown();
}
END_TEST

static tw_deferred *map_all;

static tw_deferred *start_item_or_cancel(const void *item, void *arg)
{
    if (*(const int *)item == 3)
        tw_cancel(map_all);
    return start_item(item, arg);
}

START_TEST(cancelling_map_while_it_starts_an_item_cancels_that_too)
{
    static const int items[] = { 1, 3, 5 };

    trace_setup();
    map_slots[5] = NULL;
    map_all = tw_map(items, 3, sizeof items[0], 1, start_item_or_cancel, NULL);
    tw_add_both(map_all, show, "map");
    tw_fire(&map_slots[1], tw_none());
    ck_trace("cancel3 map=[none,!cancelled,!cancelled]");
    ck_assert_ptr_null(map_slots[5]);
    tw_deferred_unref(map_slots[3]);
    map_slots[3] = NULL;
    tw_deferred_unref(map_all);
    trace_teardown();
}
END_TEST

/* --- without memory --------------------------------------------------------------------- */

static tw_value count_result(tw_value result, void *seen)
{
    ++*(int *)seen;
    return tw_is_failure(result) ? tw_none() : result;
}

static tw_deferred *make_list(int kind, tw_deferred *const *of, size_t count)
{
    switch (kind) {
    case 0:
        return tw_deferred_list(of, count, TW_CONSUME_ERRORS);
    case 1:
        return tw_gather(of, count);
    case 2:
        return tw_race(of, count);
    default:
        return tw_deferred_list(of, count, TW_FIRE_ON_ONE_CALLBACK | TW_CONSUME_ERRORS);
    }
}

static bool use_list(void *kind)
{
    tw_deferred *of[4], *slot[4], *list;
    int seen = 0;

    trace_setup();
    for (int i = 0; i < 4; i++) {
        of[i] = tw_promise(&slot[i], NULL, NULL);
        tw_add_callback(of[i], pass, "a");
        tw_add_callback(of[i], pass, "b");
    }
    list = make_list(*(int *)kind, of, 4);
    tw_add_both(list, count_result, &seen);
    for (int i = 0; i < 4; i++)
        tw_fire(&slot[i], i == 1 ? tw_fail(&tw_error_dns, "x") : tw_integer(i));
    tw_deferred_unref(list);
    ck_assert_int_eq(seen, 1);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(a_list_survives_without_memory)
{
    test_each_alloc_failure(use_list, &_i);
}
END_TEST

static bool use_as_completed_and_map(void *arg)
{
    static const int items[] = { 1, 2, -1, 3 };
    tw_deferred *of[2], *slot[2], *d;
    tw_results *results;
    int seen = 0;

    (void)arg;
    trace_setup();
    for (int i = 0; i < 2; i++)
        of[i] = tw_promise(&slot[i], NULL, NULL);
    results = tw_as_completed(of, 2);
    for (int i = 0; i < 2; i++) {
        d = tw_results_next(results);
        tw_add_both(d, count_result, &seen);
        tw_deferred_unref(d);
        tw_fire(&slot[i], tw_string("x"));
    }
    tw_results_free(results);
    ck_assert_int_eq(seen, 2);
    d = tw_map(items, 4, sizeof items[0], 2, start_item, NULL);
    tw_add_both(d, count_result, &seen);
    tw_fire(&map_slots[1], tw_integer(1));
    tw_fire(&map_slots[3], tw_integer(1));
    tw_deferred_unref(d);
    ck_assert_int_eq(seen, 3);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(as_completed_and_map_survive_without_memory)
{
    test_each_alloc_failure(use_as_completed_and_map, NULL);
}
END_TEST

int main(void)
{
    static const int kinds[4];
    Suite *suite = suite_create("deferred list");

    TEST_ADD_ROWS(suite, a_list_waits_for_all_or_one, rows);
    TEST_ADD(suite, lists_of_none);
    TEST_ADD(suite, a_list_is_one_more_callback_on_each_child);
    TEST_ADD(suite, children_that_cannot_be_made_or_die_are_failures);
    TEST_ADD(suite, a_list_lives_by_its_children);
    TEST_ADD(suite, cancelling_a_list_goes_past_a_child_that_refuses);
    TEST_ADD(suite, cancelling_a_list_reaches_what_fired_children_wait_for);
    TEST_ADD(suite, children_may_fire_each_other_and_the_list);
    TEST_ADD(suite, a_dump_shows_what_a_list_or_map_waits_for);
    TEST_ADD(suite, gather_gives_values_or_the_first_failure);
    TEST_ADD(suite, race_gives_the_first_success_and_cancels_the_rest);
    TEST_ADD(suite, as_completed_hands_out_results_as_they_come);
    TEST_ADD(suite, freeing_as_completed_cancels_and_abandons);
    TEST_ADD(suite, map_keeps_the_order_and_the_limit);
    TEST_ADD(suite, map_of_many_done_at_once_does_not_recurse);
    TEST_ADD(suite, cancelling_map_starts_nothing_more);
    TEST_ADD(suite, cancelling_map_while_it_starts_an_item_cancels_that_too);
    TEST_ADD_ROWS(suite, a_list_survives_without_memory, kinds);
    TEST_ADD(suite, as_completed_and_map_survive_without_memory);
    return test_run(suite);
}
