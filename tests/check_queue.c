/* SPDX-License-Identifier: MIT */
/*
 * check_queue.c - queues with an order, a limit, join and close.
 */
#include "config.h"

#include <errno.h>

#include <tweed/queue.h>

#include "tests/trace.h"

static void note(tw_deferred *d, const char *step)
{
    tw_add_both(d, say_none, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

/* --- order: rows ------------------------------------------------------------------------ */

/* Moves: a letter is a put of it, waiting for a place, with its place in the alphabet halved as
 * its priority, so that a and b are equal; - is a get. */
static const struct {
    const char *when;
    enum tw_queue_order order;
    size_t size;
    const char *moves, *sees;
} rows[] = {
    { "first in first out", TW_FIFO, TW_UNLIMITED, "cab--d--", "c a b d" },
    { "last in first out", TW_LIFO, TW_UNLIMITED, "cab--d--", "b a d c" },
    { "the lowest first, equals in their order", TW_PRIORITY, TW_UNLIMITED, "dcba----",
      "b a d c" },
    { "by priority, between", TW_PRIORITY, TW_UNLIMITED, "gec-a--d-b--", "c a e d b g" },
    { "a place for one", TW_FIFO, 1, "abcd----", "a b c d" },
    { "the last in, of those that have a place", TW_LIFO, 2, "abcd----", "b c d a" },
    { "the lowest, of those that have a place", TW_PRIORITY, 2, "gecha-----", "e c g a h" },
    { "from hand to hand", TW_FIFO, 0, "ab--c-", "a b c" },
    { "from hand to hand, by priority: who came first", TW_PRIORITY, 0, "ga--c-", "g a c" },
    { "around the ring", TW_FIFO, 3, "abc-d-e-f-g-h---", "a b c d e f g h" },
    { "gets wait", TW_PRIORITY, 1, "---cba", "c b a" },
};

START_TEST(a_queue_keeps_its_order)
{
    tw_queue *queue = test_given(
        tw_queue_new_ordered(rows[_i].order, rows[_i].size, TW_UNLIMITED));
    char seen[64] = "";
    size_t length = 0;

    trace_setup();
    for (const char *move = rows[_i].moves; *move != '\0'; move++) {
        if (*move == '-')
            note(tw_queue_get(queue), "");
        else
            tw_deferred_unref(
                tw_queue_put_wait_priority(queue, (*move - 'a') / 2, tw_bytes(move, 1)));
        ck_assert(tw_queue_length(queue) <= rows[_i].size);
    }
    for (const char *c = trace; *c != '\0'; c++)
        if (*c != '=')
            seen[length++] = *c;
    seen[length] = '\0';
    ck_assert_msg(strcmp(seen, rows[_i].sees) == 0, "%s: %s", rows[_i].when, seen);
    ck_assert_uint_eq(tw_queue_length(queue) + tw_queue_puts_waiting(queue), 0);
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

/* --- waiting puts ----------------------------------------------------------------------- */

START_TEST(a_put_waits_for_a_place)
{
    tw_queue *queue = test_given(tw_queue_new(1, TW_UNLIMITED));
    tw_deferred *b;
    tw_value value;

    trace_setup();
    note(tw_queue_put_wait(queue, tw_string("a")), "put a");
    b = tw_queue_put_wait(queue, tw_string("b"));
    note(tw_deferred_ref(b), "put b");
    note(tw_queue_put_wait(queue, tw_string("c")), "put c");
    ck_assert_int_eq(tw_queue_put(queue, tw_string("d")), -EOVERFLOW);
    ck_trace("put a=none");
    ck_assert_uint_eq(tw_queue_puts_waiting(queue), 2);
    tw_cancel(b);
    ck_trace("put b!cancelled");
    note(tw_queue_get(queue), "got");
    ck_trace("put c=none got=a");
    ck_assert_int_eq(tw_queue_try_get(queue, &value), 0);
    ck_assert_str_eq(tw_bytes_data(value), "c");
    tw_release(value);
    ck_assert_int_eq(tw_queue_try_get(queue, &value), -EAGAIN);
    tw_deferred_unref(b);
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

START_TEST(letting_go_of_a_waiting_put_does_not_take_it_back)
{
    tw_queue *queue = test_given(tw_queue_new(0, TW_UNLIMITED));

    trace_setup();
    tw_deferred_unref(tw_queue_put_wait(queue, tw_string("a")));
    tw_deferred_unref(tw_queue_put_wait(queue, tw_string("b")));
    note(tw_queue_get(queue), "got");
    note(tw_queue_get(queue), "got");
    ck_trace("got=a got=b");
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

START_TEST(a_get_that_was_let_go_of_takes_no_value)
{
    tw_queue *queue = test_given(tw_queue_new(TW_UNLIMITED, TW_UNLIMITED));

    trace_setup();
    tw_deferred_unref(tw_queue_get(queue));
    note(tw_queue_get(queue), "b");
    tw_deferred_unref(tw_queue_get(queue));
    tw_queue_put(queue, tw_string("x"));
    ck_trace("b=x");
    tw_queue_put(queue, tw_string("y"));
    ck_assert_uint_eq(tw_queue_length(queue), 1);
    ck_assert_uint_eq(tw_queue_waiting(queue), 0);
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

START_TEST(a_deferred_is_no_value_to_put)
{
    tw_queue *queue = test_given(tw_queue_new(1, TW_UNLIMITED));

    trace_setup();
    note(tw_queue_put_wait(queue, tw_wait(tw_succeed(tw_none()))), "a");
    ck_trace("a!misuse");
    ck_assert_int_eq(tw_queue_put(queue, tw_wait(tw_succeed(tw_none()))), -EINVAL);
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

/* --- join ------------------------------------------------------------------------------- */

START_TEST(join_waits_until_all_work_is_done)
{
    tw_queue *queue = test_given(tw_queue_new(2, TW_UNLIMITED));

    trace_setup();
    note(tw_queue_join(queue), "nothing");
    ck_trace("nothing=none");
    tw_queue_put(queue, tw_string("a"));
    tw_queue_put(queue, tw_string("b"));
    tw_deferred_unref(tw_queue_put_wait(queue, tw_string("c")));
    note(tw_queue_join(queue), "join");
    ck_assert_int_eq(tw_queue_task_done(queue), -EPERM); /* nobody has any */
    for (int i = 0; i < 3; i++) {
        tw_deferred_unref(tw_queue_get(queue));
        ck_trace("");
        ck_assert_int_eq(tw_queue_task_done(queue), 0);
    }
    ck_trace("join=none");
    ck_assert_int_eq(tw_queue_task_done(queue), -EPERM);
    note(tw_queue_get(queue), "direct");
    tw_queue_put(queue, tw_string("d"));
    note(tw_queue_join(queue), "join");
    ck_trace("direct=d");
    tw_queue_free(queue);
    ck_trace("join!abandoned");
    trace_teardown();
}
END_TEST

/* --- close ------------------------------------------------------------------------------ */

START_TEST(a_closed_queue_gives_what_is_left)
{
    tw_queue *queue = test_given(tw_queue_new(1, TW_UNLIMITED));
    tw_value value;

    trace_setup();
    tw_queue_put(queue, tw_string("a"));
    note(tw_queue_put_wait(queue, tw_string("b")), "put b");
    note(tw_queue_join(queue), "join");
    ck_assert_int_eq(tw_queue_close(queue, false), 0);
    ck_trace("put b!queue_closed");
    ck_assert(tw_queue_closed(queue));
    ck_assert_int_eq(tw_queue_put(queue, tw_string("c")), -EPIPE);
    note(tw_queue_put_wait(queue, tw_string("d")), "put d");
    ck_trace("put d!queue_closed");
    note(tw_queue_get(queue), "got");
    note(tw_queue_get(queue), "got");
    ck_trace("got=a got!queue_closed");
    ck_assert_int_eq(tw_queue_try_get(queue, &value), -EPIPE);
    tw_queue_task_done(queue);
    ck_trace("join=none");
    ck_assert_int_eq(tw_queue_close(queue, false), -EALREADY);
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

START_TEST(close_fails_gets_that_wait)
{
    tw_queue *queue = test_given(tw_queue_new(1, TW_UNLIMITED));

    trace_setup();
    note(tw_queue_get(queue), "a");
    note(tw_queue_get(queue), "b");
    tw_queue_close(queue, false);
    ck_trace("a!queue_closed b!queue_closed");
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

static tw_value close_again(tw_value result, void *queue)
{
    trace_seen("join", result);
    ck_assert_int_eq(tw_queue_close(queue, true), -EALREADY);
    tw_queue_free(queue);
    return tw_none();
}

START_TEST(a_close_that_discards_counts_the_work_as_done)
{
    for (enum tw_queue_order order = TW_FIFO; order <= TW_PRIORITY; order++) {
        tw_queue *queue = test_given(tw_queue_new_ordered(order, TW_UNLIMITED, TW_UNLIMITED));
        tw_deferred *join;

        trace_setup();
        for (int i = 0; i < 20; i++)
            tw_queue_put_priority(queue, -i, tw_bytes_format("%d", i));
        tw_deferred_unref(tw_queue_get(queue));
        join = tw_queue_join(queue);
        tw_add_both(join, close_again, queue);
        tw_deferred_unref(join);
        ck_assert_int_eq(tw_queue_close(queue, false), 0);
        ck_assert_int_eq(tw_queue_close(queue, true), -EALREADY);
        ck_assert_uint_eq(tw_queue_length(queue), 0);
        ck_trace("");
        tw_queue_task_done(queue);
        ck_trace("join=none");
        trace_teardown();
    }
}
END_TEST

static void frees_queue(void *queue)
{
    trace_add("released");
    tw_queue_free(queue);
}

START_TEST(a_value_may_free_the_queue_that_lets_go_of_it)
{
    tw_queue *queue = test_given(tw_queue_new(TW_UNLIMITED, TW_UNLIMITED));

    trace_setup();
    tw_queue_put(queue, tw_string("a"));
    tw_queue_put(queue, tw_box(queue, frees_queue));
    tw_queue_put(queue, tw_string("b"));
    tw_queue_close(queue, true);
    ck_trace("released");
    trace_teardown();
}
END_TEST

/* --- from inside ------------------------------------------------------------------------ */

static tw_value get_more(tw_value result, void *queue)
{
    trace_seen("more", result);
    if (!tw_is_failure(result))
        note(tw_queue_get(queue), "inner");
    return tw_none();
}

START_TEST(whoever_is_served_may_get_more)
{
    tw_queue *queue = test_given(tw_queue_new(1, TW_UNLIMITED));
    tw_deferred *put;

    trace_setup();
    tw_queue_put(queue, tw_string("a"));
    put = tw_queue_put_wait(queue, tw_string("b"));
    tw_add_both(put, get_more, queue);
    tw_deferred_unref(put);
    note(tw_queue_get(queue), "got");
    ck_trace("more=none inner=b got=a");
    tw_queue_free(queue);
    trace_teardown();
}
END_TEST

static tw_value get_until_the_end(tw_value result, void *queue)
{
    trace_seen("x", result);
    if (!tw_failure_is(result, &tw_error_queue_closed) &&
        !tw_failure_is(result, &tw_error_memory)) {
        tw_deferred *get = tw_queue_get(queue);
        tw_add_both(get, get_until_the_end, queue);
        tw_deferred_unref(get);
    }
    return tw_none();
}

START_TEST(a_get_while_the_queue_is_freed_finds_it_closed)
{
    tw_queue *queue = test_given(tw_queue_new(1, TW_UNLIMITED));

    trace_setup();
    get_until_the_end(tw_none(), queue);
    tw_queue_free(queue);
    ck_trace("x=none x!abandoned x!queue_closed");
    trace_teardown();
}
END_TEST

START_TEST(what_could_not_be_made_does_no_harm)
{
    tw_value value;

    trace_setup();
    note(tw_queue_put_wait(NULL, tw_string("x")), "a");
    note(tw_queue_join(NULL), "b");
    ck_trace("a!memory b!memory");
    ck_assert_int_eq(tw_queue_put_priority(NULL, 1, tw_string("x")), -EINVAL);
    ck_assert_int_eq(tw_queue_try_get(NULL, &value), -EINVAL);
    ck_assert_int_eq(tw_queue_task_done(NULL), -EINVAL);
    ck_assert_int_eq(tw_queue_close(NULL, true), -EINVAL);
    ck_assert(!tw_queue_closed(NULL));
    ck_assert_uint_eq(tw_queue_puts_waiting(NULL), 0);
    trace_teardown();
}
END_TEST

/* --- without memory --------------------------------------------------------------------- */

static bool use_queue(void *arg)
{
    enum tw_queue_order order = *(const enum tw_queue_order *)arg;
    tw_queue *queue = tw_queue_new_ordered(order, 10, TW_UNLIMITED);
    int put = 0, got = 0;
    tw_value value;

    trace_setup();
    if (queue == NULL)
        return false;
    for (int i = 0; i < 12; i++) {
        tw_deferred *d = tw_queue_put_wait_priority(queue, i % 3, tw_string("x"));
        put += d != NULL && (!tw_deferred_called(d) || !tw_is_failure(tw_deferred_result(d)));
        tw_deferred_mark_handled(d);
        tw_deferred_unref(d);
    }
    for (int i = 0; i < 3; i++)
        put += tw_queue_put(queue, tw_string("x")) == 0;
    for (int i = 0; i < 3; i++) {
        tw_deferred *d = tw_queue_get(queue);
        got += d != NULL && tw_deferred_called(d);
        tw_deferred_unref(d);
    }
    while (tw_queue_try_get(queue, &value) == 0) {
        tw_release(value);
        got++;
    }
    ck_assert_int_eq(got, put);
    for (int i = 0; i < got; i++)
        ck_assert_int_eq(tw_queue_task_done(queue), 0);
    ck_assert_int_eq(tw_queue_task_done(queue), -EPERM);
    tw_queue_free(queue);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(no_value_is_lost_without_memory)
{
    for (enum tw_queue_order order = TW_FIFO; order <= TW_PRIORITY; order++)
        test_each_alloc_failure(use_queue, &order);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queue");

    TEST_ADD_ROWS(suite, a_queue_keeps_its_order, rows);
    TEST_ADD(suite, a_put_waits_for_a_place);
    TEST_ADD(suite, letting_go_of_a_waiting_put_does_not_take_it_back);
    TEST_ADD(suite, a_get_that_was_let_go_of_takes_no_value);
    TEST_ADD(suite, a_deferred_is_no_value_to_put);
    TEST_ADD(suite, join_waits_until_all_work_is_done);
    TEST_ADD(suite, a_closed_queue_gives_what_is_left);
    TEST_ADD(suite, close_fails_gets_that_wait);
    TEST_ADD(suite, a_close_that_discards_counts_the_work_as_done);
    TEST_ADD(suite, a_value_may_free_the_queue_that_lets_go_of_it);
    TEST_ADD(suite, whoever_is_served_may_get_more);
    TEST_ADD(suite, a_get_while_the_queue_is_freed_finds_it_closed);
    TEST_ADD(suite, what_could_not_be_made_does_no_harm);
    TEST_ADD(suite, no_value_is_lost_without_memory);
    return test_run(suite);
}
