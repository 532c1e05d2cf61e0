/* SPDX-License-Identifier: MIT */
/*
 * check_channel.c - channels and select.
 */
#include "config.h"

#include <errno.h>

#include <tweed/channel.h>
#include <tweed/inline_callbacks.h>

#include "tests/trace.h"

static void note(tw_deferred *d, const char *step)
{
    tw_add_both(d, say_none, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

/* A select fires with [index, item]. */
static tw_value show(tw_value chosen, void *step)
{
    char text[32];

    if (!tw_is(chosen, &tw_type_list))
        return say_none(chosen, step);
    snprintf(text, sizeof text, "%s:%d", (const char *)step,
             (int)tw_integer_of(tw_list_at(chosen, 0)));
    trace_seen(text, tw_list_at(chosen, 1));
    return tw_none();
}

static void note_choice(tw_deferred *d, const char *step)
{
    tw_add_both(d, show, (void *)(uintptr_t)step);
    tw_deferred_unref(d);
}

static tw_channel *a, *b;

static void setup(size_t capacity)
{
    a = test_given(tw_channel_new(capacity));
    b = test_given(tw_channel_new(capacity));
    trace_setup();
}

static void teardown(void)
{
    tw_channel_free(a);
    tw_channel_free(b);
    trace_teardown();
}

START_TEST(a_send_waits_for_its_receiver)
{
    setup(0);
    note(tw_channel_send(a, tw_integer(1)), "sent");
    note(tw_channel_send(a, tw_integer(2)), "sent");
    ck_trace("");
    note(tw_channel_receive(a), "got");
    note(tw_channel_receive(a), "got");
    ck_trace("sent=none got=1 sent=none got=2");
    note(tw_channel_receive(a), "got");
    note(tw_channel_send(a, tw_integer(3)), "sent");
    ck_trace("got=3 sent=none");
    ck_assert_uint_eq(tw_channel_length(a), 0);
    teardown();
}
END_TEST

START_TEST(a_channel_holds_its_capacity_and_is_read_empty_after_its_close)
{
    setup(1);
    note(tw_channel_send(a, tw_integer(1)), "sent");
    note(tw_channel_send(a, tw_integer(2)), "sent");
    ck_assert_uint_eq(tw_channel_length(a), 1);
    ck_assert_int_eq(tw_channel_close(a), 0);
    ck_trace("sent=none sent!queue_closed");
    ck_assert(tw_channel_closed(a));
    ck_assert_int_eq(tw_channel_close(a), -EALREADY);
    note(tw_channel_receive(a), "got");
    note(tw_channel_receive(a), "got");
    note(tw_channel_send(a, tw_integer(3)), "sent");
    ck_trace("got=1 got!queue_closed sent!queue_closed");
    teardown();
}
END_TEST

/* --- select ----------------------------------------------------------------------------- */

START_TEST(select_does_what_can_be_done)
{
    struct tw_select_case cases[3];

    setup(0);
    note(tw_channel_send(b, tw_integer(1)), "sent");
    cases[0] = tw_case_receive(a);
    cases[1] = tw_case_receive(b);
    cases[2] = tw_case_receive(NULL);
    note_choice(tw_select(cases, 3), "s");
    ck_trace("sent=none s:1=1");
    note(tw_channel_receive(a), "got");
    cases[0] = tw_case_send(a, tw_string("hello"));
    cases[1] = tw_case_send(b, tw_string("not sent"));
    note_choice(tw_select(cases, 2), "s");
    ck_trace("got=hello s:0=none");
    teardown();
}
END_TEST

START_TEST(select_waits_for_the_first_and_leaves_the_other_lines)
{
    struct tw_select_case cases[3];

    setup(0);
    cases[0] = tw_case_receive(a);
    cases[1] = tw_case_send(b, tw_string("hello"));
    cases[2] = tw_case_receive(a);
    note_choice(tw_select(cases, 2), "s");
    cases[1] = tw_case_send(b, tw_string("world"));
    note_choice(tw_select(cases, 3), "t");
    ck_trace("");
    note(tw_channel_receive(b), "got");
    ck_trace("s:1=none got=hello");
    note(tw_channel_send(a, tw_integer(5)), "sent");
    ck_trace("t:0=5 sent=none");
    note(tw_channel_receive(b), "got");
    ck_trace("");
    teardown();
    ck_assert_str_eq(trace, "got!abandoned");
}
END_TEST

START_TEST(select_now_does_not_wait)
{
    struct tw_select_case cases[2];

    setup(1);
    cases[0] = tw_case_receive(a);
    cases[1] = tw_case_receive(b);
    note_choice(tw_select_now(cases, 2), "s");
    ck_trace("s=none");
    cases[1] = tw_case_send(b, tw_string("x"));
    note_choice(tw_select_now(cases, 2), "s");
    ck_trace("s:1=none");
    cases[1] = tw_case_send(b, tw_string("y"));
    note_choice(tw_select_now(cases, 2), "s");
    ck_trace("s=none");
    teardown();
}
END_TEST

START_TEST(a_select_that_is_cancelled_or_timed_out_leaves_all_lines)
{
    tw_clock *clock = tw_clock_virtual_new();
    struct tw_select_case cases[2];
    tw_deferred *d;

    setup(0);
    cases[0] = tw_case_receive(a);
    cases[1] = tw_case_send(b, tw_string("x"));
    d = tw_select(cases, 2);
    note(tw_deferred_ref(d), "s");
    tw_cancel(d);
    tw_deferred_unref(d);
    cases[1] = tw_case_send(b, tw_string("x"));
    d = tw_select(cases, 2);
    tw_deferred_add_timeout(d, 3, clock);
    note(d, "s");
    tw_clock_advance(clock, 3);
    ck_trace("s!cancelled s!timeout");
    note(tw_channel_receive(b), "got");
    note(tw_channel_send(a, tw_integer(1)), "sent");
    ck_trace("");
    teardown();
    ck_assert_str_eq(trace, "sent!abandoned got!abandoned");
    tw_clock_free(clock);
}
END_TEST

START_TEST(a_closed_channel_is_ready)
{
    struct tw_select_case cases[2];

    setup(0);
    cases[0] = tw_case_receive(a);
    cases[1] = tw_case_send(b, tw_string("x"));
    note_choice(tw_select(cases, 2), "s");
    tw_channel_close(a);
    ck_trace("s:0!queue_closed");
    note_choice(tw_select(cases, 1), "s");
    ck_trace("s:0!queue_closed");
    cases[0] = tw_case_send(a, tw_string("x"));
    note_choice(tw_select(cases, 1), "s");
    ck_trace("s:0!queue_closed");
    cases[0] = tw_case_send(b, tw_wait(tw_succeed(tw_none())));
    note_choice(tw_select(cases, 1), "s");
    ck_trace("s:0!misuse");
    teardown();
}
END_TEST

START_TEST(a_select_never_meets_itself)
{
    struct tw_select_case cases[2];

    setup(0);
    cases[0] = tw_case_send(a, tw_integer(1));
    cases[1] = tw_case_receive(a);
    note_choice(tw_select(cases, 2), "s");
    ck_trace("");
    cases[0] = tw_case_send(a, tw_integer(2));
    note_choice(tw_select(cases, 2), "t"); /* either meets the other */
    if (strcmp(trace, "s:1=2 t:0=none") != 0)
        ck_assert_str_eq(trace, "s:0=none t:1=1");
    teardown();
}
END_TEST

START_TEST(a_select_of_nothing_waits_until_it_is_cancelled)
{
    tw_deferred *d;

    setup(0);
    d = tw_select(NULL, 0);
    note(tw_deferred_ref(d), "s");
    ck_trace("");
    tw_cancel(d);
    ck_trace("s!cancelled");
    tw_deferred_unref(d);
    note_choice(tw_select_now(NULL, 0), "s");
    ck_trace("s=none");
    teardown();
}
END_TEST

/* Awaited, or timed, it is seen by somebody. */
static tw_value await_it(void *select)
{
    return tw_await(select);
}

START_TEST(a_select_of_nothing_goes_when_nobody_is_left_to_see_it)
{
    tw_clock *clock = test_given(tw_clock_virtual_new());
    tw_deferred *body, *copy;

    setup(0);
    for (size_t count = 0; count < 3; count++) {
        struct tw_select_case none[2] = { tw_case_send(NULL, tw_bytes("x", 1)),
                                          tw_case_receive(NULL) };
        if (count == 0)
            tw_release(none[0].value);
        tw_deferred_unref(tw_select(none, count));
        ck_assert_uint_eq(tw_deferred_count(), 0);
    }
    copy = tw_deferred_ref(tw_select(NULL, 0));
    tw_deferred_unref(copy);
    ck_assert_uint_eq(tw_deferred_count(), 1);
    body = tw_inline_callbacks(await_it, copy);
    ck_assert_uint_eq(tw_deferred_count(), 2);
    tw_cancel(body);
    note(body, "body");
    ck_trace("body!cancelled");
    copy = tw_select(NULL, 0);
    tw_deferred_add_timeout(copy, 1, clock);
    note(copy, "timed");
    ck_trace("");
    tw_clock_advance(clock, 1);
    ck_trace("timed!timeout");
    ck_assert_uint_eq(tw_deferred_count(), 0);
    tw_clock_free(clock);
    teardown();
}
END_TEST

START_TEST(select_is_fair_among_the_ready)
{
    enum { ROUNDS = 3000 };
    struct tw_select_case cases[3];
    int chosen[3] = { 0 };

    setup(ROUNDS);
    for (int i = 0; i < ROUNDS; i++) {
        tw_deferred_unref(tw_channel_send(a, tw_integer(i)));
        tw_deferred_unref(tw_channel_send(b, tw_integer(i)));
    }
    cases[0] = tw_case_receive(a);
    cases[1] = tw_case_receive(NULL);
    cases[2] = tw_case_receive(b);
    for (int i = 0; i < ROUNDS; i++) {
        tw_deferred *d = tw_select(cases, 3);
        chosen[tw_integer_of(tw_list_at(tw_deferred_result(d), 0))]++;
        tw_deferred_unref(d);
    }
    ck_assert_int_eq(chosen[1], 0);
    ck_assert_int_gt(chosen[0], ROUNDS / 4);
    ck_assert_int_gt(chosen[2], ROUNDS / 4);
    teardown();
}
END_TEST

/* Freed by whoever it wakes. */
static tw_value free_both(tw_value result, void *step)
{
    tw_channel *first = a, *second = b;

    trace_seen(step, result);
    a = b = NULL;
    tw_channel_free(first);
    tw_channel_free(second);
    return tw_none();
}

START_TEST(whoever_a_select_serves_may_free_the_channels)
{
    struct tw_select_case cases[2];
    tw_deferred *d;

    setup(0);
    d = tw_channel_receive(a);
    tw_add_both(d, free_both, "got");
    tw_deferred_unref(d);
    note(tw_channel_receive(b), "other");
    cases[0] = tw_case_send(a, tw_string("x"));
    note_choice(tw_select(cases, 1), "s");
    ck_trace("got=x other!abandoned s:0=none");
    teardown();
}
END_TEST

/* --- in coroutines: a sieve, as Go's ------------------------------------------------------ */

static tw_value generate(void *to)
{
    for (int i = 2; !tw_is_failure(tw_await(tw_channel_send(to, tw_integer(i)))); i++)
        continue;
    return tw_none();
}

struct filter {
    tw_channel *from, *to;
    int64_t prime;
};

static tw_value filter(void *arg)
{
    const struct filter *self = arg;
    tw_value number;

    while (!tw_is_failure(number = tw_await(tw_channel_receive(self->from))))
        if (tw_integer_of(number) % self->prime != 0 &&
            tw_is_failure(tw_await(tw_channel_send(self->to, number))))
            break;
    tw_channel_close(self->from);
    return tw_none();
}

START_TEST(channels_join_coroutines_to_a_sieve)
{
    enum { PRIMES = 10 };
    static const int primes[PRIMES] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29 };
    struct filter filters[PRIMES];
    tw_channel *channel = test_given(tw_channel_new(0));
    tw_deferred *running[PRIMES + 1];

    trace_setup();
    running[PRIMES] = tw_inline_callbacks(generate, channel);
    for (int i = 0; i < PRIMES; i++) {
        tw_deferred *d = tw_channel_receive(channel);

        ck_assert(tw_deferred_called(d));
        filters[i].prime = tw_integer_of(tw_deferred_result(d));
        ck_assert_int_eq(filters[i].prime, primes[i]);
        tw_deferred_unref(d);
        filters[i].from = channel;
        filters[i].to = channel = test_given(tw_channel_new(0));
        running[i] = tw_inline_callbacks(filter, &filters[i]);
    }
    tw_channel_close(channel);
    for (int i = 0; i <= PRIMES; i++) {
        ck_assert(tw_deferred_is_done(running[i]));
        tw_deferred_unref(running[i]);
    }
    for (int i = 0; i < PRIMES; i++)
        tw_channel_free(filters[i].from);
    tw_channel_free(channel);
    trace_teardown();
}
END_TEST

START_TEST(what_could_not_be_made_does_no_harm)
{
    trace_setup();
    note(tw_channel_send(NULL, tw_string("x")), "a");
    note(tw_channel_receive(NULL), "b");
    ck_trace("a!memory b!memory");
    ck_assert_int_eq(tw_channel_close(NULL), -EINVAL);
    ck_assert(!tw_channel_closed(NULL));
    ck_assert_uint_eq(tw_channel_length(NULL), 0);
    tw_channel_free(NULL);
    trace_teardown();
}
END_TEST

/* --- without memory --------------------------------------------------------------------- */

static int sent, received;

static tw_value count_choice(tw_value chosen, void *arg)
{
    tw_value item = tw_list_at(chosen, 1);

    (void)arg;
    if (tw_list_length(chosen) == 2 && !tw_is_failure(item))
        ++*(tw_is_none(item) ? &sent : &received);
    return tw_none();
}

static bool use_select(void *arg)
{
    tw_channel *first = tw_channel_new(1), *second = tw_channel_new(0);

    (void)arg;
    trace_setup();
    sent = received = 0;
    for (int i = 0; i < 6; i++) {
        struct tw_select_case cases[] = {
            i % 2 == 0 ? tw_case_send(first, tw_integer(1)) : tw_case_receive(first),
            i % 3 == 0 ? tw_case_send(second, tw_integer(2)) : tw_case_receive(second),
        };
        tw_deferred *d = tw_select(cases, 2);
        tw_add_both(d, count_choice, NULL);
        tw_deferred_unref(d);
    }
    ck_assert_int_eq(sent, received + (int)tw_channel_length(first));
    tw_channel_free(first);
    tw_channel_free(second);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    return !test_alloc_failed();
}

START_TEST(select_loses_nothing_without_memory)
{
    test_each_alloc_failure(use_select, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("channel");

    TEST_ADD(suite, a_send_waits_for_its_receiver);
    TEST_ADD(suite, a_channel_holds_its_capacity_and_is_read_empty_after_its_close);
    TEST_ADD(suite, select_does_what_can_be_done);
    TEST_ADD(suite, select_waits_for_the_first_and_leaves_the_other_lines);
    TEST_ADD(suite, select_now_does_not_wait);
    TEST_ADD(suite, a_select_that_is_cancelled_or_timed_out_leaves_all_lines);
    TEST_ADD(suite, a_closed_channel_is_ready);
    TEST_ADD(suite, a_select_never_meets_itself);
    TEST_ADD(suite, a_select_of_nothing_waits_until_it_is_cancelled);
    TEST_ADD(suite, a_select_of_nothing_goes_when_nobody_is_left_to_see_it);
    TEST_ADD(suite, select_is_fair_among_the_ready);
    TEST_ADD(suite, whoever_a_select_serves_may_free_the_channels);
    TEST_ADD(suite, channels_join_coroutines_to_a_sieve);
    TEST_ADD(suite, what_could_not_be_made_does_no_harm);
    TEST_ADD(suite, select_loses_nothing_without_memory);
    return test_run(suite);
}
