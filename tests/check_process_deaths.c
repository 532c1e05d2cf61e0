/* SPDX-License-Identifier: MIT */
/*
 * check_process_deaths.c - workers of a process pool that die, or are killed: no call is lost.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/deferred_list.h>

#include "reactor/process/child.h"
#include "reactor/process/process_wire.h"
#include "tests/process_calls.h"

static const enum tw_workers starts[] = { TW_WORKERS_FORK, TW_WORKERS_SPAWN };

/* --- workers that die --------------------------------------------------------------------- */

static const struct {
    int64_t how, number;
} deaths[] = {
    { SIGKILL, -SIGKILL }, { SIGSEGV, -SIGSEGV }, { SIGTERM, -SIGTERM }, { 0, 0 }, { -7, 7 },
    { -255, 255 },
};

START_TEST(a_death_fails_its_call_by_name_and_another_worker_comes)
{
    tw_value lost, other;
    tw_deferred *d, *e;

    begin_with(&(struct tw_process_pool_options){ .workers = 1, .start = starts[_i % 2] });
    d = start("die", tw_integer(deaths[_i / 2].how), &lost);
    e = start("square", tw_integer(9), &other); /* sent ahead to the same worker */
    ck_assert_int_eq(call_integer("square", 5), 25);
    ck_fails(lost, &tw_error_worker_lost, deaths[_i / 2].number);
    ck_assert_int_eq(tw_integer_of(other), 81);
    ck_assert_uint_eq(tw_process_pool_counts(pool).started, 2);
    ck_assert_uint_eq(tw_process_pool_counts(pool).lost, 1);
    tw_deferred_unref(d);
    tw_deferred_unref(e);
    end();
}
END_TEST

START_TEST(without_pidfd_a_death_is_seen_too)
{
    tw_value lost, cancelled;
    tw_deferred *d;
    pid_t pid;

    twi_child_without = TWI_CHILD_NO_PIDFD;
    begin_with(&(struct tw_process_pool_options){ .workers = 1, .start = TW_WORKERS_FORK });
    for (int i = 0; i < 3; i++) {
        lost = call("die", tw_integer(-7));
        ck_fails(lost, &tw_error_worker_lost, 7);
        ck_fails(call("die", tw_integer(SIGKILL)), &tw_error_worker_lost, -SIGKILL);
    }
    d = start("touch_and_stall", new_path(), &cancelled);
    await_path();
    tw_cancel(d);
    ck_fails(cancelled, &tw_error_cancelled, 0);
    ck_assert_int_eq(call_integer("square", 5), 25);
    ck_fails(call("hang_up", tw_none()), &tw_error_worker_lost, -SIGKILL);
    ck_assert_int_eq(call_integer("square", 5), 25);
    tw_process_pool_pids(pool, &pid, 1);
    kill(pid, SIGKILL);
    ck_assert_int_eq(call_integer("square", 6), 36);
    tw_deferred_unref(d);
    end();
    twi_child_without = 0;
}
END_TEST

START_TEST(an_idle_worker_that_is_killed_is_replaced)
{
    double deadline = test_deadline();
    pid_t pids[2];

    begin(2);
    ck_assert_uint_eq(tw_process_pool_pids(pool, pids, 2), 2);
    ck_assert_int_eq(call_integer("square", 2), 4);
    kill(pids[0], SIGKILL);
    kill(pids[1], SIGKILL);
    while (tw_process_pool_counts(pool).started < 4 && test_before(deadline))
        tw_reactor_iterate(0.01);
    ck_assert_uint_eq(tw_process_pool_counts(pool).lost, 2);
    ck_assert_int_eq(call_integer("square", 2), 4);
    end();
}
END_TEST

static const struct {
    const char *what, *data;
    size_t length;
} scribbles[] = {
    { "a frame of nothing", "\0\0\0\0", 4 },
    { "a frame too long", "\xff\xff\xff\xff", 4 },
    { "no such frame", "\1\0\0\0?", 5 },
    { "a second hello", "\1\0\0\0r", 5 },
    { "a failed init", "\1\0\0\0f", 5 },
    { "results of another slot", "\7\0\0\0R\5\1\0\0\0n", 11 },
    { "results without a count", "\2\0\0\0R\0", 6 },
    { "no results", "\6\0\0\0R\0\0\0\0\0", 10 },
    { "too many results", "\7\0\0\0R\0\2\0\0\0n", 11 },
    { "results of nonsense", "\7\0\0\0R\0\1\0\0\0?", 11 },
    { "skips what runs", "\2\0\0\0s\0", 6 },
    { "skips another", "\2\0\0\0s\7", 6 },
};

START_TEST(a_worker_that_talks_nonsense_is_killed)
{
    tw_value v;

    begin(1);
    v = call("scribble", tw_bytes(scribbles[_i].data, scribbles[_i].length));
    ck_assert_msg(tw_failure_is(v, &tw_error_worker_lost), "%s", scribbles[_i].what);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(v), "nonsense"));
    tw_release(v);
    ck_assert_int_eq(call_integer("square", 5), 25);
    end();
}
END_TEST

START_TEST(a_worker_that_hangs_up_is_killed)
{
    begin(1);
    ck_fails(call("hang_up", tw_none()), &tw_error_worker_lost, -SIGKILL);
    ck_assert_int_eq(call_integer("square", 5), 25);
    end();
}
END_TEST

START_TEST(calls_that_kill_every_worker_all_fail_and_do_not_run_wild)
{
    enum { CALLS = 8 };
    struct tw_process_map_options options = { 0 };
    tw_value arguments = tw_list(0), v;

    begin(2);
    for (int i = 0; i < CALLS; i++)
        tw_list_append(arguments, tw_integer(SIGKILL));
    v = tw_block_on(tw_process_map(pool, "die", arguments, &options));
    ck_assert_uint_eq(tw_list_length(v), CALLS);
    for (size_t i = 0; i < CALLS; i++)
        ck_assert(tw_failure_is(tw_list_at(v, i), &tw_error_worker_lost));
    tw_release(v);
    ck_assert_uint_le(tw_process_pool_counts(pool).started, CALLS + 2);
    end();
}
END_TEST

START_TEST(a_call_that_takes_too_long_is_killed_and_one_behind_it_is_not)
{
    tw_value slow, other;
    tw_deferred *d, *e;

    begin(1);
    d = tw_process_submit_timeout(pool, "stall", tw_none(), 0.05);
    slow = tw_none();
    tw_add_both(d, keep, &slow);
    e = start("square", tw_integer(9), &other);
    ck_assert_int_eq(call_integer("square", 4), 16);
    ck_fails(slow, &tw_error_timeout, 0);
    ck_assert_int_eq(tw_integer_of(other), 81);
    ck_assert_uint_eq(tw_process_pool_counts(pool).lost, 0);
    tw_deferred_unref(d);
    tw_deferred_unref(e);
    end();
}
END_TEST

/* The claim at stake: whatever dies, each call has a result or a failure with a name. */
START_TEST(random_kills_lose_no_call_of_a_map)
{
    enum { CALLS = 10000 };
    unsigned seed = 4711 + (unsigned)_i;
    struct tw_process_map_options options = { .chunk = _i == 0 ? 1 : 7 };
    struct tw_process_pool_counts counts;
    tw_value results = tw_none();
    tw_deferred *d;
    size_t lost = 0, kills = 0;

    begin(3);
    d = tw_process_map(pool, "square", numbers(0, CALLS), &options);
    tw_add_both(d, keep, &results);
    while (tw_is_none(results)) {
        pid_t pids[3];
        size_t count = tw_process_pool_pids(pool, pids, 3);

        counts = tw_process_pool_counts(pool);
        if (count > 0 && counts.working > 0 && counts.started < 200 &&
            rand_r(&seed) % 4 == 0) {
            kill(pids[(size_t)rand_r(&seed) % count], SIGKILL);
            kills++;
        }
        tw_reactor_iterate(1);
    }
    counts = tw_process_pool_counts(pool);
    ck_assert_uint_eq(tw_list_length(results), CALLS);
    for (size_t i = 0; i < CALLS; i++) {
        tw_value v = tw_list_at(results, i);

        if (tw_is_failure(v)) {
            ck_assert(tw_failure_is(v, &tw_error_worker_lost));
            ck_assert_int_eq(tw_failure_number(v), -SIGKILL);
            lost++;
        } else {
            ck_assert_int_eq(tw_integer_of(v), (int64_t)(i * i));
        }
    }
    ck_assert_uint_gt(kills, 0);
    ck_assert_uint_gt(counts.lost, 0);
    ck_assert_uint_le(lost, counts.lost * options.chunk); /* no more than what ran */
    tw_release(results);
    tw_deferred_unref(d);
    end();
}
END_TEST

START_TEST(no_descriptor_leaks_however_workers_end)
{
    size_t before;

    begin(2);
    tw_release(call("square", tw_integer(1)));
    before = open_descriptors();
    for (int i = 0; i < 20; i++)
        tw_release(call("die", tw_integer(i % 2 == 0 ? SIGKILL : 0)));
    await_workers(2);
    ck_assert_uint_eq(open_descriptors(), before);
    end();
}
END_TEST

/* --- cancel ------------------------------------------------------------------------------- */

START_TEST(a_cancel_takes_a_call_out_of_the_queue)
{
    tw_value v, first;
    tw_deferred *d, *e;

    begin(1);
    e = start("square", tw_integer(2), &first);
    d = start("die", tw_integer(SIGKILL), &v);
    ck_assert_int_eq(tw_cancel(d), 0);
    ck_fails(v, &tw_error_cancelled, 0);
    ck_assert_int_eq(call_integer("square", 3), 9);
    ck_assert_int_eq(tw_integer_of(first), 4);
    ck_assert_uint_eq(tw_process_pool_counts(pool).started, 1);
    tw_deferred_unref(d);
    tw_deferred_unref(e);
    end();
}
END_TEST

START_TEST(what_was_sent_ahead_can_be_taken_back)
{
    tw_value running, ahead;
    tw_deferred *d, *e;

    begin_with(&(struct tw_process_pool_options){ .workers = 1, .cancel_lets_run = true });
    d = start("touch_and_stall", new_path(), &running);
    e = start("die", tw_integer(SIGKILL), &ahead);
    await_path();
    ck_assert_uint_eq(tw_process_pool_counts(pool).working, 2);
    ck_assert_int_eq(tw_cancel(e), 0);
    ck_fails(ahead, &tw_error_cancelled, 0);
    ck_assert_uint_eq(tw_process_pool_counts(pool).working, 1);
    ck_assert_int_eq(tw_cancel(d), 0);
    ck_fails(running, &tw_error_cancelled, 0);
    ck_assert_uint_eq(tw_process_pool_counts(pool).workers, 1);
    tw_deferred_unref(d);
    tw_deferred_unref(e);
    end();
}
END_TEST

START_TEST(a_cancel_of_what_runs_kills_its_worker_only)
{
    tw_value running, ahead;
    tw_deferred *d, *e;
    pid_t before, after;

    begin(1);
    tw_process_pool_pids(pool, &before, 1);
    d = start("touch_and_stall", new_path(), &running);
    e = start("square", tw_integer(6), &ahead);
    await_path();
    ck_assert_int_eq(tw_cancel(d), 0);
    ck_fails(running, &tw_error_cancelled, 0);
    ck_assert_int_eq(call_integer("square", 3), 9);
    ck_assert_int_eq(tw_integer_of(ahead), 36);
    tw_process_pool_pids(pool, &after, 1);
    ck_assert_int_ne(before, after);
    ck_assert_uint_eq(tw_process_pool_counts(pool).lost, 0);
    tw_deferred_unref(d);
    tw_deferred_unref(e);
    end();
}
END_TEST

START_TEST(a_cancelled_map_takes_all_its_calls_with_it)
{
    tw_value v = tw_none();
    tw_deferred *d;

    begin(2);
    d = tw_process_map(pool, "stall", numbers(0, 100), NULL);
    tw_add_both(d, keep, &v);
    for (int i = 0; i < 20; i++)
        tw_reactor_iterate(0.002);
    ck_assert_int_eq(tw_cancel(d), 0);
    ck_assert_uint_eq(tw_list_length(v), 100);
    for (size_t i = 0; i < 100; i++)
        ck_assert(tw_failure_is(tw_list_at(v, i), &tw_error_cancelled));
    tw_release(v);
    ck_assert_uint_eq(tw_process_pool_counts(pool).queued, 0);
    ck_assert_int_eq(call_integer("square", 3), 9);
    tw_deferred_unref(d);
    end();
}
END_TEST

START_TEST(a_cancelled_map_gives_what_was_done)
{
    double deadline = test_deadline();
    struct tw_process_pool_counts counts;
    tw_value v = tw_none();
    tw_deferred *d;

    begin(1);
    d = tw_process_map(pool, "stall_unless_0", numbers(0, 3), NULL);
    tw_add_both(d, keep, &v);
    do {
        tw_reactor_iterate(0.01);
        counts = tw_process_pool_counts(pool);
    } while (counts.working + counts.queued > 2 && test_before(deadline));
    ck_assert_int_eq(tw_cancel(d), 0);
    ck_assert_uint_eq(tw_list_length(v), 3);
    ck_assert(tw_is(tw_list_at(v, 0), &tw_type_bytes));
    ck_assert(tw_failure_is(tw_list_at(v, 1), &tw_error_cancelled));
    ck_assert(tw_failure_is(tw_list_at(v, 2), &tw_error_cancelled));
    tw_release(v);
    tw_deferred_unref(d);
    end();
}
END_TEST

START_TEST(a_worker_without_work_takes_what_another_has_not_begun)
{
    tw_value stalled, results[4];
    tw_deferred *d, *calls[4];

    begin(2);
    d = start("touch_and_stall", new_path(), &stalled);
    for (int i = 0; i < 4; i++)
        calls[i] = start("square", tw_integer(i), &results[i]);
    await_path();
    ck_assert_int_eq(call_integer("square", 9), 81);
    for (int i = 0; i < 4; i++) {
        double deadline = test_deadline();
        while (tw_is_none(results[i]) && test_before(deadline))
            tw_reactor_iterate(0.01);
        ck_assert_int_eq(tw_integer_of(results[i]), i * i);
        tw_deferred_unref(calls[i]);
    }
    tw_cancel(d);
    tw_release(stalled);
    tw_deferred_unref(d);
    end();
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite;

    if (tw_process_worker(argc, argv))
        return 0;
    suite = suite_create("process_deaths");
    test_add(suite, a_death_fails_its_call_by_name_and_another_worker_comes, 0,
             2 * (int)(sizeof deaths / sizeof deaths[0]));
    TEST_ADD(suite, without_pidfd_a_death_is_seen_too);
    TEST_ADD(suite, an_idle_worker_that_is_killed_is_replaced);
    TEST_ADD_ROWS(suite, a_worker_that_talks_nonsense_is_killed, scribbles);
    TEST_ADD(suite, a_worker_that_hangs_up_is_killed);
    TEST_ADD(suite, calls_that_kill_every_worker_all_fail_and_do_not_run_wild);
    TEST_ADD(suite, a_call_that_takes_too_long_is_killed_and_one_behind_it_is_not);
    test_add(suite, random_kills_lose_no_call_of_a_map, 0, 2);
    TEST_ADD(suite, no_descriptor_leaks_however_workers_end);
    TEST_ADD(suite, a_cancel_takes_a_call_out_of_the_queue);
    TEST_ADD(suite, what_was_sent_ahead_can_be_taken_back);
    TEST_ADD(suite, a_cancel_of_what_runs_kills_its_worker_only);
    TEST_ADD(suite, a_cancelled_map_takes_all_its_calls_with_it);
    TEST_ADD(suite, a_cancelled_map_gives_what_was_done);
    TEST_ADD(suite, a_worker_without_work_takes_what_another_has_not_begun);
    return test_run(suite);
}
