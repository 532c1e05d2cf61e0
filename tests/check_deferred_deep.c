/* SPDX-License-Identifier: MIT */
/*
 * check_deferred_deep.c - chains of any length, on a small stack; loops without end in constant
 * memory.
 */
#include "config.h"

#include <pthread.h>
#include <unistd.h>

#include <tweed/deferred_list.h>

#include "tests/trace.h"

enum { LONG = 300000, LONGER = 1000000, STACK = 256 * 1024 };

static tw_deferred *slots[LONGER];
static tw_deferred *chain[LONGER];

/* Run a test on a thread of its own with a small stack; each thread has its own pools. */
static void on_a_small_stack(void *(*test)(void *))
{
    pthread_attr_t attr;
    pthread_t thread;

    ck_assert_int_eq(pthread_attr_init(&attr), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attr, STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &attr, test, NULL), 0);
    pthread_attr_destroy(&attr);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* A failure here is in another thread: it ends the process. */
#define check(condition)                                                           \
    do {                                                                           \
        if (!(condition)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);        \
            _exit(EXIT_FAILURE);                                                  \
        }                                                                          \
    } while (0)

static tw_value add_one(tw_value result, void *arg)
{
    (void)arg;
    return tw_is_failure(result) ? result : tw_integer(tw_integer_of(result) + 1);
}

/* --- waiting ---------------------------------------------------------------------------- */

/* Each waits for the next, and adds one when it has come. */
static void build_chain(int length, bool inner_first)
{
    for (int i = 0; i < length; i++)
        chain[i] = tw_promise(&slots[i], NULL, NULL);
    for (int i = 0; i < length - 1; i++) {
        tw_add_callback(chain[i], wait_for, chain[i + 1]);
        tw_add_callback(chain[i], add_one, NULL);
    }
    for (int n = 0; n < length - 1; n++) {
        tw_fire(&slots[inner_first ? length - 2 - n : n], tw_integer(0));
        trace_reset();
    }
}

static void *unwind(void *arg)
{
    (void)arg;
    for (int inner_first = 0; inner_first < 2; inner_first++) {
        build_chain(LONGER, inner_first);
        check(!tw_deferred_is_done(chain[0]));
        tw_fire(&slots[LONGER - 1], tw_integer(0));
        check(tw_integer_of(tw_deferred_result(chain[0])) == LONGER - 1);
        check(tw_deferred_count() == 1);
        tw_deferred_unref(chain[0]);
    }
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(a_chain_of_a_million_unwinds_in_a_loop)
{
    on_a_small_stack(unwind);
}
END_TEST

static void *cancel_deep(void *arg)
{
    (void)arg;
    build_chain(LONG, false);
    check(tw_cancel(chain[0]) == 0);
    check(tw_failure_is(tw_deferred_result(chain[0]), &tw_error_cancelled));
    tw_deferred_mark_handled(chain[0]);
    tw_deferred_unref(chain[0]);
    tw_fire(&slots[LONG - 1], tw_none());
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(cancel_reaches_the_end_of_a_long_chain)
{
    on_a_small_stack(cancel_deep);
}
END_TEST

static void *abandon(void *arg)
{
    (void)arg;
    build_chain(LONG, false);
    tw_deferred_unref(slots[LONG - 1]);
    check(tw_failure_is(tw_deferred_result(chain[0]), &tw_error_abandoned));
    tw_deferred_mark_handled(chain[0]);
    tw_deferred_unref(chain[0]);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(a_long_chain_is_abandoned_in_a_loop)
{
    on_a_small_stack(abandon);
}
END_TEST

static void *resolve(void *arg)
{
    (void)arg;
    for (int i = 0; i < LONG; i++)
        chain[i] = tw_deferred_new(NULL, NULL, NULL);
    for (int i = 0; i < LONG - 1; i++)
        tw_deferred_resolve_with(chain[i], tw_deferred_ref(chain[i + 1]));
    tw_deferred_fire(chain[LONG - 1], tw_integer(5));
    check(tw_integer_of(tw_deferred_result(chain[0])) == 5);
    check(tw_is_none(tw_deferred_result(chain[1])));
    for (int i = 0; i < LONG; i++)
        tw_deferred_unref(chain[i]);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(resolving_one_by_the_next_is_no_recursion)
{
    on_a_small_stack(resolve);
}
END_TEST

/* --- chain_deferred, nested fires ------------------------------------------------------- */

static void *forward(void *arg)
{
    (void)arg;
    for (int i = 0; i < LONG; i++)
        chain[i] = tw_deferred_new(NULL, NULL, NULL);
    for (int i = 0; i < LONG - 1; i++) {
        tw_add_callback(chain[i], add_one, NULL);
        tw_chain_deferred(chain[i], tw_deferred_ref(chain[i + 1]));
    }
    tw_deferred_fire(chain[0], tw_integer(0));
    check(tw_integer_of(tw_deferred_result(chain[LONG - 1])) == LONG - 1);
    for (int i = 0; i < LONG; i++)
        tw_deferred_unref(chain[i]);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(chain_deferred_does_not_recurse)
{
    on_a_small_stack(forward);
}
END_TEST

static int deepest, depth;

static tw_value fire_next(tw_value result, void *arg)
{
    tw_deferred **slot = arg;

    if (++depth > deepest)
        deepest = depth;
    tw_fire(slot, tw_integer(tw_integer_of(result) + 1));
    depth--;
    return result;
}

static void *fire_nested(void *arg)
{
    (void)arg;
    deepest = depth = 0;
    for (int i = 0; i < LONG; i++)
        chain[i] = tw_promise(&slots[i], NULL, NULL);
    for (int i = 0; i < LONG - 1; i++)
        tw_add_callback(chain[i], fire_next, &slots[i + 1]);
    tw_fire(&slots[0], tw_integer(0));
    /* All of them, before the outermost fire returned. */
    check(tw_integer_of(tw_deferred_result(chain[LONG - 1])) == LONG - 1);
    check(deepest >= 16 && deepest <= 64);
    for (int i = 0; i < LONG; i++)
        tw_deferred_unref(chain[i]);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(fires_within_fires_are_queued_when_too_deep)
{
    on_a_small_stack(fire_nested);
}
END_TEST

static char order[256];

static tw_value note_order(tw_value result, void *step)
{
    strcat(order, step);
    return result;
}

static tw_value look_queued(tw_value result, void *d)
{
    /* Fired, but its turn has not come: adding only queues, pausing holds it back. */
    check(tw_deferred_called(d));
    check(!tw_deferred_is_done(d));
    tw_add_both(d, note_order, "2");
    tw_deferred_pause(d);
    return result;
}

static void *queue_order(void *arg)
{
    tw_deferred *queued, *queued_slot;

    (void)arg;
    order[0] = '\0';
    for (int i = 0; i < 64; i++)
        chain[i] = tw_promise(&slots[i], NULL, NULL);
    queued = tw_promise(&queued_slot, NULL, NULL);
    tw_add_both(queued, note_order, "1");
    for (int i = 0; i < 63; i++)
        tw_add_callback(chain[i], fire_next, &slots[i + 1]);
    tw_add_callback(chain[63], fire_next, &queued_slot);
    tw_add_callback(chain[63], look_queued, queued);
    tw_fire(&slots[0], tw_integer(0));
    check(strcmp(order, "") == 0);
    tw_deferred_unpause(queued);
    check(strcmp(order, "12") == 0);
    for (int i = 0; i < 64; i++)
        tw_deferred_unref(chain[i]);
    tw_deferred_unref(queued);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(what_is_queued_may_be_added_to_and_paused)
{
    on_a_small_stack(queue_order);
}
END_TEST

/* --- dying ------------------------------------------------------------------------------ */

static void drop(void *deferred)
{
    tw_deferred_unref(deferred);
}

static void *die(void *arg)
{
    tw_deferred *first = NULL;

    (void)arg;
    for (int i = 0; i < LONG; i++) {
        tw_deferred *d = tw_deferred_new(NULL, NULL, NULL);
        tw_add_both_with(d, add_one, first, drop);
        first = d;
    }
    check(tw_deferred_count() == LONG);
    tw_deferred_unref(first);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(deaths_within_deaths_do_not_recurse)
{
    on_a_small_stack(die);
}
END_TEST

/* --- lists of lists --------------------------------------------------------------------- */

static void *nest_lists(void *arg)
{
    tw_deferred *slot, *d = tw_promise(&slot, NULL, NULL);

    (void)arg;
    for (int i = 0; i < LONG; i++)
        d = i % 2 == 0 ? tw_gather(&d, 1) : tw_deferred_list(&d, 1, 0);
    tw_fire(&slot, tw_integer(5));
    check(tw_deferred_is_done(d));
    tw_deferred_unref(d);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(lists_of_lists_do_not_recurse)
{
    on_a_small_stack(nest_lists);
}
END_TEST

/* --- loops without end ------------------------------------------------------------------ */

static tw_deferred *tick;
static int rounds;
static size_t most;

static tw_value next_round(tw_value result, void *arg);

/* One round of work, and then the next: a tail call. */
static tw_deferred *work(void)
{
    tw_deferred *d = tw_promise(&tick, NULL, NULL);

    tw_add_callback(d, next_round, NULL);
    return d;
}

static tw_value next_round(tw_value result, void *arg)
{
    (void)arg;
    if (--rounds == 0)
        return tw_string("the end");
    return tw_is_failure(result) ? result : tw_wait(work());
}

static void run_rounds(int stop_at)
{
    while (rounds > stop_at) {
        check(tick != NULL); /* the next round could be made */
        if (tw_deferred_count() > most)
            most = tw_deferred_count();
        tw_fire(&tick, tw_none());
    }
}

static void *loop_for_ever(void *arg)
{
    tw_deferred *d;

    (void)arg;
    rounds = LONGER;
    most = 0;
    d = work();
    run_rounds(0);
    check(most <= 4);
    check(strcmp(tw_bytes_data(tw_deferred_result(d)), "the end") == 0);
    tw_deferred_unref(d);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(a_loop_of_returned_deferreds_runs_in_constant_memory)
{
    on_a_small_stack(loop_for_ever);
}
END_TEST

static void *cancel_loop(void *arg)
{
    tw_deferred *d;

    (void)arg;
    rounds = 1000;
    d = work();
    run_rounds(500);
    check(!tw_deferred_is_done(d));
    check(tw_deferred_waiting_on(d) != NULL);
    tw_cancel(d);
    check(tw_failure_is(tw_deferred_result(d), &tw_error_cancelled));
    tw_deferred_mark_handled(d);
    tw_deferred_unref(tick);
    tw_deferred_unref(d);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(cancelling_such_a_loop_reaches_its_present_round)
{
    on_a_small_stack(cancel_loop);
}
END_TEST

/* A link that somebody else holds, or has added to, stays. */
static void *held_link(void *arg)
{
    tw_deferred *outer = tw_deferred_new(NULL, NULL, NULL), *slot;
    tw_deferred *link = tw_deferred_new(NULL, NULL, NULL), *watched;
    tw_deferred *inner = tw_promise(&slot, NULL, NULL);

    (void)arg;
    watched = tw_deferred_new(NULL, NULL, NULL);
    tw_deferred_resolve_with(outer, tw_deferred_ref(link));
    tw_deferred_resolve_with(link, tw_deferred_ref(watched));
    tw_deferred_resolve_with(watched, inner);
    check(tw_deferred_waiting_on(outer) == link);
    tw_add_callback(watched, add_one, NULL);
    tw_deferred_unref(link); /* only a link now */
    check(tw_deferred_waiting_on(outer) == watched);
    tw_deferred_unref(watched); /* something is still to be done in it */
    check(tw_deferred_waiting_on(outer) == watched);
    tw_fire(&slot, tw_integer(1));
    check(tw_integer_of(tw_deferred_result(outer)) == 1);
    tw_deferred_unref(outer);
    check(tw_deferred_count() == 0);
    return NULL;
}

START_TEST(a_link_that_is_held_or_has_work_stays)
{
    on_a_small_stack(held_link);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deferred deep");

    TEST_ADD(suite, a_chain_of_a_million_unwinds_in_a_loop);
    TEST_ADD(suite, cancel_reaches_the_end_of_a_long_chain);
    TEST_ADD(suite, a_long_chain_is_abandoned_in_a_loop);
    TEST_ADD(suite, resolving_one_by_the_next_is_no_recursion);
    TEST_ADD(suite, chain_deferred_does_not_recurse);
    TEST_ADD(suite, fires_within_fires_are_queued_when_too_deep);
    TEST_ADD(suite, what_is_queued_may_be_added_to_and_paused);
    TEST_ADD(suite, deaths_within_deaths_do_not_recurse);
    TEST_ADD(suite, lists_of_lists_do_not_recurse);
    TEST_ADD(suite, a_loop_of_returned_deferreds_runs_in_constant_memory);
    TEST_ADD(suite, cancelling_such_a_loop_reaches_its_present_round);
    TEST_ADD(suite, a_link_that_is_held_or_has_work_stays);
    return test_run(suite);
}
