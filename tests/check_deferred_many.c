/* SPDX-License-Identifier: MIT */
/*
 * check_deferred_many.c - the ends of many Deferreds as one: failures that nobody looks at,
 * timeouts, cancels that are refused.
 */
#include "config.h"

#include <tweed/inline_callbacks.h>
#include <tweed/log.h>

#include "tests/many.h"

/* --- failures among the results --------------------------------------------------------- */

static tw_value look_at_item(tw_value results, void *index)
{
    trace_seen("item", tw_list_at(results, (size_t)(intptr_t)index));
    return tw_none();
}

static tw_value only_count(tw_value results, void *arg)
{
    (void)arg;
    return tw_integer((int64_t)tw_list_length(results));
}

static tw_value keep_list(tw_value results, void *kept)
{
    *(tw_value *)kept = tw_retain(results);
    return tw_none();
}

START_TEST(a_failure_among_results_is_reported_if_nobody_looks_at_it)
{
    tw_value kept = tw_none();
    tw_deferred *list;

    for (int i = 0; i < 5; i++) {
        setup();
        list = tw_deferred_list(children, CHILDREN, i == 4 ? TW_CONSUME_ERRORS : 0);
        if (i == 0 || i == 1)
            tw_add_callback(list, look_at_item, (void *)(intptr_t)i);
        if (i == 2 || i == 4)
            tw_add_callback(list, only_count, NULL);
        if (i == 3)
            tw_add_callback(list, keep_list, &kept);
        tw_fire(&slots[0], tw_integer(0));
        tw_fire(&slots[1], tw_fail(&tw_error_dns, "x"));
        ck_trace("");
        tw_fire(&slots[2], tw_integer(20));
        tw_deferred_unref(list);
        if (i == 3) {
            ck_trace("");
            tw_release(kept);
        }
        ck_trace(i == 0   ? "item=0 unhandled!dns"
                 : i == 1 ? "item!dns"
                 : i == 4 ? ""
                          : "unhandled!dns");
        teardown();
    }
}
END_TEST

START_TEST(so_is_one_among_the_results_of_a_list_in_a_list)
{
    tw_deferred *list;
    int64_t before;

    for (int depth = 1; depth < 4; depth++) {
        before = test_allocs_living();
        trace_setup();
        list = tw_failed(tw_fail(&tw_error_dns, "x"));
        for (int i = 0; i < depth; i++)
            list = tw_deferred_list(&list, 1, 0);
        tw_add_callback(list, only_count, NULL);
        tw_deferred_unref(list);
        ck_trace("unhandled!dns");
        ck_assert_int_eq(test_allocs_living(), before);
        trace_teardown();
    }
}
END_TEST

static void note_report(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    trace_add(event->message);
    trace_seen("because", event->failure);
}

START_TEST(without_hooks_the_log_says_whose_result_it_was_among)
{
    tw_deferred *child = tw_failed(tw_fail(&tw_error_dns, "x"));

    trace_setup();
    tw_deferred_set_hooks(NULL);
    tw_log_observe(note_report, NULL, TW_LOG_CRITICAL);
    tw_deferred_unref(tw_deferred_list_at("list.c:7", &child, 1, 0));
    ck_trace("unhandled failure among the results of Deferreds, made at list.c:7 because!dns");
    tw_log_observe(NULL, NULL, TW_LOG_CRITICAL);
    trace_teardown();
}
END_TEST

/* --- a timeout of many ------------------------------------------------------------------ */

static const int three_items[] = { 1, 3, 5 };

static tw_deferred *many_as_list(void)
{
    return tw_deferred_list(children, CHILDREN, 0);
}

static tw_deferred *many_as_gather(void)
{
    return tw_gather(children, CHILDREN);
}

static tw_deferred *many_as_race(void)
{
    return tw_race(children, CHILDREN);
}

static tw_deferred *many_as_map(void)
{
    tw_deferred *all;

    for (int i = 0; i < CHILDREN; i++)
        tw_deferred_unref(children[i]);
    all = tw_map(three_items, 3, sizeof three_items[0], 2, start_item, NULL);
    tw_fire(&map_slots[1], tw_integer(10));
    return all;
}

static const struct {
    tw_deferred *(*make)(void);
    const char *sees;
} timed[] = {
    { many_as_list, "cancel0 cancel2 all=[!cancelled,10,!cancelled]" },
    { many_as_map, "cancel3 cancel5 all=[10,!cancelled,!cancelled]" },
    { many_as_gather, "cancel0 all=!timeout cancel2" },
    { many_as_race, "all=[1,10] cancel0 cancel2" },
};

START_TEST(a_timeout_gives_what_a_cancel_gives)
{
    tw_clock *clock = test_given(tw_clock_virtual_new());
    tw_deferred *all;

    setup();
    all = timed[_i].make();
    tw_deferred_add_timeout(all, 5, clock);
    tw_add_both(all, show, "all");
    tw_fire(&slots[1], tw_integer(10));
    tw_clock_advance(clock, 5);
    ck_trace(timed[_i].sees);
    tw_deferred_unref(all);
    for (int i = 0; i < 8; i++) {
        tw_deferred_unref(map_slots[i]);
        map_slots[i] = NULL;
    }
    tw_clock_free(clock);
    teardown();
}
END_TEST

START_TEST(a_race_that_nobody_wins_in_time_times_out)
{
    tw_clock *clock = test_given(tw_clock_virtual_new());
    tw_deferred *all;

    for (int failed_before = 0; failed_before < 2; failed_before++) {
        setup();
        all = tw_race(children, CHILDREN);
        tw_deferred_add_timeout(all, 5, clock);
        tw_add_both(all, show, "all");
        if (failed_before)
            tw_fire(&slots[1], tw_fail(&tw_error_dns, "x"));
        tw_clock_advance(clock, 5);
        ck_assert_ptr_nonnull(strstr(
            trace, failed_before ? "all=!group[!cancelled,!dns,!cancelled]" : "all=!timeout"));
        tw_deferred_unref(all);
        teardown();
    }
    tw_clock_free(clock);
}
END_TEST

/* --- who refuses to be cancelled is told ------------------------------------------------ */

static tw_deferred *refuser_slot;

static tw_deferred *refuser(void)
{
    return tw_promise_at("refuser.c:1", &refuser_slot, refuse, NULL, NULL);
}

static tw_deferred *start_refuser(const void *item, void *arg)
{
    (void)item;
    (void)arg;
    return refuser();
}

static void cancel_a_list(tw_clock *clock)
{
    tw_deferred *child = refuser(), *all = tw_deferred_list(&child, 1, 0);

    (void)clock;
    ck_assert_int_eq(tw_cancel(all), 0);
    tw_deferred_unref(all);
}

static void cancel_a_map(tw_clock *clock)
{
    tw_deferred *all = tw_map("x", 1, 1, 1, start_refuser, NULL);

    (void)clock;
    ck_assert_int_eq(tw_cancel(all), 0);
    tw_deferred_unref(all);
}

static void free_results(tw_clock *clock)
{
    tw_deferred *child = refuser();

    (void)clock;
    tw_results_free(tw_as_completed(&child, 1));
}

static void let_time_out(tw_clock *clock)
{
    tw_deferred *one = refuser();

    tw_deferred_add_timeout(one, 1, clock);
    tw_clock_advance(clock, 1);
    tw_deferred_unref(one);
}

static tw_value add_refuser(tw_group *group, void *arg)
{
    (void)arg;
    tw_group_add(group, refuser());
    return tw_none();
}

static void cancel_a_group(tw_clock *clock)
{
    tw_deferred *all = tw_group_run(add_refuser, NULL);

    (void)clock;
    ck_assert_int_eq(tw_cancel(all), 0);
    tw_add_both(all, say_none, "all");
    tw_deferred_unref(all);
}

static const struct {
    void (*cancel)(tw_clock *clock);
    const char *says;
} refusals[] = {
    { cancel_a_list, "a list cannot cancel the Deferred made at refuser.c:1: " },
    { cancel_a_map, "a map cannot cancel the Deferred made at refuser.c:1: " },
    { free_results, "as-completed cannot cancel the Deferred made at refuser.c:1: " },
    { let_time_out, "a timeout cannot cancel the Deferred made at refuser.c:1: " },
    { cancel_a_group, "a group cannot cancel the Deferred made at refuser.c:1: " },
};

static void note_refusal(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    trace_add(event->message);
}

START_TEST(a_refused_cancel_is_logged)
{
    tw_clock *clock = test_given(tw_clock_virtual_new());

    trace_setup();
    tw_log_observe(note_refusal, NULL, TW_LOG_ERROR);
    refusals[_i].cancel(clock);
    ck_assert_msg(strncmp(trace, refusals[_i].says, strlen(refusals[_i].says)) == 0, "%s",
                  trace);
    tw_fire(&refuser_slot, tw_none());
    tw_log_observe(NULL, NULL, TW_LOG_ERROR);
    tw_clock_free(clock);
    trace_teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deferred many");

    TEST_ADD(suite, a_failure_among_results_is_reported_if_nobody_looks_at_it);
    TEST_ADD(suite, so_is_one_among_the_results_of_a_list_in_a_list);
    TEST_ADD(suite, without_hooks_the_log_says_whose_result_it_was_among);
    TEST_ADD_ROWS(suite, a_timeout_gives_what_a_cancel_gives, timed);
    TEST_ADD(suite, a_race_that_nobody_wins_in_time_times_out);
    TEST_ADD_ROWS(suite, a_refused_cancel_is_logged, refusals);
    return test_run(suite);
}
