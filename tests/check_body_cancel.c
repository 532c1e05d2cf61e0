/* SPDX-License-Identifier: MIT */
/*
 * check_body_cancel.c - bodies that are cancelled: clean-up, a second cancel, rows of bodies, all.
 */
#include "config.h"

#include <tweed/deferred_list.h>
#include <tweed/task.h>

#include "tests/bodies.h"

START_TEST(a_cancel_goes_to_what_is_awaited)
{
    struct source source = { 0 };
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(await_and_return, &source);
    ck_assert_int_eq(tw_cancel(done), 0);
    ck_assert_int_eq(source.cancels, 1);
    see("done", done);
    ck_trace("got!cancelled done!cancelled");
    tw_deferred_unref(source.slot);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value translate(void *source)
{
    if (tw_failure_is(tw_await(ask(source)), &tw_error_cancelled))
        return tw_fail(&tw_error_timeout, "translated");
    return tw_none();
}

static tw_value catch_it(void *source)
{
    tw_await(ask(source));
    return tw_integer(4);
}

START_TEST(a_body_may_catch_or_translate_a_cancel)
{
    static const struct {
        tw_coroutine_body *body;
        const char *expected;
    } rows[] = { { translate, "done!timeout" }, { catch_it, "done=4" } };

    setup();
    for (size_t i = 0; i < 2; i++) {
        struct source source = { 0 };
        tw_deferred *done = tw_inline_callbacks(rows[i].body, &source);
        ck_assert_int_eq(tw_cancel(done), 0);
        see("done", done);
        ck_trace(rows[i].expected);
        tw_deferred_unref(source.slot);
        tw_deferred_unref(done);
    }
    teardown();
}
END_TEST

struct two {
    struct source first, second;
};

static tw_value clean_up(void *arg)
{
    struct two *two = arg;
    tw_value got = tw_await(ask(&two->first));

    trace_seen("got", got);
    trace_seen("cleaned", tw_await(ask(&two->second)));
    return got;
}

START_TEST(clean_up_may_await_and_the_outer_fires_after_it)
{
    struct two two = { 0 };
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(clean_up, &two);
    tw_cancel(done);
    see("done", done);
    ck_trace("got!cancelled done pending");
    tw_fire(&two.second.slot, tw_integer(2));
    see("done", done);
    ck_trace("cleaned=2 done!cancelled");
    tw_deferred_unref(two.first.slot);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(a_second_cancel_goes_to_what_is_awaited_then)
{
    struct two two = { 0 };
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(clean_up, &two);
    tw_cancel(done);
    ck_assert_int_eq(two.second.cancels, 0);
    tw_cancel(done);
    ck_assert_int_eq(two.first.cancels, 1);
    ck_assert_int_eq(two.second.cancels, 1);
    see("done", done);
    ck_trace("got!cancelled cleaned!cancelled done!cancelled");
    tw_deferred_unref(two.first.slot);
    tw_deferred_unref(two.second.slot);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value cancel_itself(void *source)
{
    ck_assert_int_eq(tw_cancel(tw_inline_callbacks_current()), 0);
    trace_seen("fired", tw_await(tw_succeed(tw_integer(1))));
    trace_seen("first", tw_await(ask(source)));
    return tw_integer(3);
}

START_TEST(a_cancel_while_it_runs_is_for_the_next_await_that_waits)
{
    struct source source = { 0 };
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(cancel_itself, &source);
    see("done", done);
    ck_trace("fired=1 first!cancelled done=3");
    ck_assert_int_eq(source.cancels, 1);
    tw_deferred_unref(source.slot);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(a_cancel_when_something_has_fired_is_for_the_next_await)
{
    struct two two = { 0 };
    tw_deferred *done, *first;

    setup();
    done = tw_inline_callbacks(clean_up, &two);
    first = tw_deferred_ref(two.first.slot);
    tw_deferred_pause(first);
    tw_fire(&two.first.slot, tw_integer(1));
    ck_assert_int_eq(tw_cancel(done), 0);
    tw_deferred_unpause(first);
    see("done", done);
    ck_trace("got=1 cleaned!cancelled done=1");
    tw_deferred_unref(first);
    tw_deferred_unref(two.second.slot);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static int refuse(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    (void)arg;
    return -EBUSY;
}

START_TEST(a_refused_cancel_is_told)
{
    tw_deferred *slot, *done;

    setup();
    done = tw_inline_callbacks(await_arg, tw_promise(&slot, refuse, NULL));
    ck_assert_int_eq(tw_cancel(done), -EBUSY);
    tw_fire(&slot, tw_integer(1));
    see("done", done);
    ck_trace("got=1 done=1");
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value await_inner(void *source)
{
    tw_value got = tw_await(tw_inline_callbacks(await_and_return, source));
    trace_seen("outer", got);
    return got;
}

START_TEST(a_cancel_goes_through_bodies_to_the_innermost)
{
    struct source source = { 0 };
    tw_deferred *done;

    setup();
    done = tw_inline_callbacks(await_inner, &source);
    tw_cancel(done);
    ck_assert_int_eq(source.cancels, 1);
    see("done", done);
    ck_trace("got!cancelled outer!cancelled done!cancelled");
    tw_deferred_unref(source.slot);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

static tw_value await_quietly(void *deferred)
{
    return tw_await(deferred);
}

START_TEST(a_row_of_bodies_is_cancelled_through)
{
    struct source source = { 0 };
    tw_deferred *done;

    setup();
    done = ask(&source);
    for (int i = 0; i < 2000; i++)
        done = tw_inline_callbacks(await_quietly, done);
    ck_assert_int_eq(tw_cancel(done), 0);
    ck_assert_int_eq(source.cancels, 1);
    see("done", done);
    ck_trace("done!cancelled");
    tw_deferred_unref(source.slot);
    tw_deferred_unref(done);
    teardown();
}
END_TEST

START_TEST(cancel_all_reaches_each_body_once)
{
    struct two two = { 0 };
    struct source third = { 0 };
    tw_deferred *done[4];

    setup();
    done[0] = tw_inline_callbacks(clean_up, &two);
    done[1] = tw_inline_callbacks(await_inner, &third); /* two bodies */
    done[2] = tw_inline_callbacks(await_arg, tw_deferred_ref(done[0]));
    done[3] = tw_inline_callbacks(return_its_argument, "ended");
    ck_assert_uint_eq(tw_inline_callbacks_cancel_all(), 4);
    ck_trace("got!cancelled got!cancelled outer!cancelled");
    ck_assert_int_eq(two.first.cancels, 1);
    ck_assert_int_eq(two.second.cancels, 0); /* its clean-up goes on */
    ck_assert_int_eq(third.cancels, 1);
    tw_fire(&two.second.slot, tw_integer(1));
    ck_trace("cleaned=1 got!cancelled");
    ck_assert_uint_eq(tw_inline_callbacks_cancel_all(), 0);
    tw_deferred_unref(two.first.slot);
    tw_deferred_unref(third.slot);
    see("b", done[1]);
    see("c", done[2]);
    see("d", done[3]);
    ck_trace("b!cancelled c!cancelled d=ended");
    for (size_t i = 0; i < 4; i++)
        tw_deferred_unref(done[i]);
    teardown();
}
END_TEST

static tw_value await_twice(void *clock)
{
    tw_value got = tw_await(tw_defer_later(clock, 1, NULL, NULL));
    trace_seen("first", got);
    got = tw_await(tw_defer_later(clock, 1, NULL, NULL));
    trace_seen("second", got);
    return got;
}

START_TEST(who_awaits_a_cancelled_body_is_cancelled_with_it)
{
    tw_clock *clock = tw_clock_virtual_new();
    tw_deferred *waited, *done;

    setup();
    waited = tw_inline_callbacks(await_twice, clock);
    done = tw_inline_callbacks(await_arg, tw_deferred_ref(waited));
    ck_assert_uint_eq(tw_inline_callbacks_cancel_all(), 2);
    ck_trace("first!cancelled");
    tw_clock_advance(clock, 1);
    see("done", done);
    ck_trace("second=none got=none done=none");
    tw_deferred_unref(waited);
    tw_deferred_unref(done);
    tw_clock_free(clock);
    teardown();
}
END_TEST

/* Goes on meanwhile: what is cancelled gets a result, and its canceller cancels whoever asked. */
struct moved_on {
    struct source second;
    tw_deferred *first_slot, *body, *list;
};

static int fire_and_cancel(tw_deferred *deferred, void *arg)
{
    struct moved_on *moved = arg;

    (void)deferred;
    tw_fire(&moved->first_slot, tw_integer(1));
    ck_assert_int_eq(tw_cancel(moved->list != NULL ? moved->list : moved->body), 0);
    return 0;
}

static tw_value await_two(void *arg)
{
    struct moved_on *moved = arg;

    trace_seen("first", tw_await(tw_promise(&moved->first_slot, fire_and_cancel, moved)));
    return tw_await(ask(&moved->second));
}

START_TEST(a_cancel_within_a_cancel_goes_to_what_is_awaited_by_then)
{
    setup();
    for (int by_list = 0; by_list < 2; by_list++) {
        struct moved_on moved = { 0 };
        tw_deferred *child;

        moved.body = tw_inline_callbacks(await_two, &moved);
        child = tw_deferred_ref(moved.body);
        if (by_list)
            moved.list = tw_deferred_list(&child, 1, 0);
        else
            tw_deferred_unref(child);
        ck_assert_int_eq(tw_cancel(moved.body), 0);
        ck_assert_int_eq(moved.second.cancels, 1);
        see("body", moved.body);
        ck_trace("first=1 body!cancelled");
        tw_deferred_unref(moved.second.slot);
        tw_deferred_unref(moved.body);
        tw_deferred_unref(moved.list);
    }
    teardown();
}
END_TEST

/* --- circles ------------------------------------------------------------------------------ */

/* A list waits for a promise, that for a map, that for a body, and that for the list. */
struct circle {
    tw_deferred *slot, *promise, *list, *map, *body;
};

static tw_deferred *give_ref(const void *item, void *arg)
{
    (void)item;
    return tw_deferred_ref(*(tw_deferred **)arg);
}

static tw_value await_list(void *arg)
{
    struct circle *circle = arg;
    return tw_await(tw_deferred_ref(circle->list));
}

static void circle_make(struct circle *circle, bool through_a_body)
{
    circle->promise = tw_promise(&circle->slot, NULL, NULL);
    circle->list = tw_gather(((tw_deferred *[]){ tw_deferred_ref(circle->promise) }), 1);
    circle->body = through_a_body ? tw_inline_callbacks(await_list, circle)
                                  : tw_deferred_ref(circle->list);
    circle->map = tw_map("x", 1, 1, 1, give_ref, &circle->body);
    tw_deferred_resolve_with(circle->slot, tw_deferred_ref(circle->map));
    tw_deferred_unref(circle->slot);
}

static size_t circle_end(struct circle *circle)
{
    tw_deferred *all[] = { circle->promise, circle->list, circle->map, circle->body };
    size_t pending = 0;

    for (size_t i = 0; i < 4; i++) {
        pending += !tw_deferred_is_done(all[i]);
        tw_deferred_mark_handled(all[i]);
        tw_deferred_unref(all[i]);
    }
    return pending;
}

static int cancel_by_number(struct circle *circle, int number)
{
    tw_deferred *all[] = { circle->promise, circle->list, circle->map, circle->body };

    if (number < 4)
        return tw_cancel(all[number]);
    return (int)tw_inline_callbacks_cancel_all();
}

START_TEST(a_cancel_ends_a_circle_wherever_it_begins)
{
    struct circle circle;

    setup();
    for (int through_a_body = 0; through_a_body < 2; through_a_body++) {
        for (int from = 0; from < 4 + through_a_body; from++) {
            circle_make(&circle, through_a_body);
            ck_assert_int_eq(cancel_by_number(&circle, from), from == 4);
            ck_assert_msg(circle_end(&circle) == 0, "from number %d", from);
            ck_assert_uint_eq(tw_deferred_count(), 0);
        }
    }
    ck_trace("");
    ck_assert_str_eq(logged, "");
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inline callbacks, cancelled");

    TEST_ADD(suite, a_cancel_goes_to_what_is_awaited);
    TEST_ADD(suite, a_body_may_catch_or_translate_a_cancel);
    TEST_ADD(suite, clean_up_may_await_and_the_outer_fires_after_it);
    TEST_ADD(suite, a_second_cancel_goes_to_what_is_awaited_then);
    TEST_ADD(suite, a_cancel_while_it_runs_is_for_the_next_await_that_waits);
    TEST_ADD(suite, a_cancel_when_something_has_fired_is_for_the_next_await);
    TEST_ADD(suite, a_refused_cancel_is_told);
    TEST_ADD(suite, a_cancel_goes_through_bodies_to_the_innermost);
    TEST_ADD(suite, a_row_of_bodies_is_cancelled_through);
    TEST_ADD(suite, cancel_all_reaches_each_body_once);
    TEST_ADD(suite, who_awaits_a_cancelled_body_is_cancelled_with_it);
    TEST_ADD(suite, a_cancel_within_a_cancel_goes_to_what_is_awaited_by_then);
    TEST_ADD(suite, a_cancel_ends_a_circle_wherever_it_begins);
    return test_run(suite);
}
