/* SPDX-License-Identifier: MIT */
/*
 * check_process_map.c - a function for each item of a list, in workers: map, imap, chunks.
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
#include <tweed/inline_callbacks.h>

#include "reactor/process/process_wire.h"
#include "tests/process_calls.h"

/* --- maps --------------------------------------------------------------------------------- */

static const size_t chunks[] = { 0, 1, 7, 1000 };

START_TEST(a_map_gives_results_in_order)
{
    struct tw_process_map_options options = { .chunk = chunks[_i] };
    tw_value v;

    begin(3);
    v = tw_block_on(tw_process_map(pool, "square", numbers(0, 300), &options));
    ck_assert_uint_eq(tw_list_length(v), 300);
    for (int64_t i = 0; i < 300; i++)
        ck_assert_int_eq(tw_integer_of(tw_list_at(v, (size_t)i)), i * i);
    tw_release(v);
    v = tw_block_on(tw_process_map(pool, "square", tw_list(0), &options));
    ck_assert(tw_is(v, &tw_type_list));
    tw_release(v);
    ck_fails(tw_block_on(tw_process_map(pool, "square", tw_integer(1), NULL)),
             &tw_error_misuse, 0);
    ck_fails(tw_block_on(tw_process_map(pool, "nobody", numbers(0, 2), NULL)),
             &tw_error_misuse, 0);
    end();
}
END_TEST

START_TEST(failures_of_a_map_stand_in_their_places)
{
    struct tw_process_map_options options = { .chunk = chunks[_i] };
    tw_value arguments = tw_list(0), v;

    begin_with(&(struct tw_process_pool_options){ .workers = 2, .argument_limit = 100 });
    tw_list_append(arguments, tw_string("short"));
    tw_list_append(arguments, tw_bytes_format("%200d", 1)); /* too large */
    tw_list_append(arguments, tw_pointer(NULL));
    tw_list_append(arguments, tw_string("good"));
    tw_list_append(arguments, tw_pointer(NULL));
    v = tw_block_on(tw_process_map(pool, "length_of", arguments, &options));
    ck_assert_uint_eq(tw_list_length(v), 5);
    ck_assert_int_eq(tw_integer_of(tw_list_at(v, 0)), 5);
    ck_assert(tw_failure_is(tw_list_at(v, 1), &tw_error_toolarge));
    ck_assert(tw_failure_is(tw_list_at(v, 2), &tw_error_misuse));
    ck_assert_int_eq(tw_integer_of(tw_list_at(v, 3)), 4);
    ck_assert(tw_failure_is(tw_list_at(v, 4), &tw_error_misuse));
    tw_release(v);
    end();
}
END_TEST

START_TEST(a_death_in_a_chunk_takes_what_had_begun_and_no_more)
{
    struct tw_process_map_options options = { .chunk = 5 };
    tw_value arguments = tw_list(0), v;

    begin(1);
    /* SIGURG harms nobody. */
    for (int i = 0; i < 5; i++)
        tw_list_append(arguments, tw_integer(i == 2 ? SIGKILL : SIGURG));
    v = tw_block_on(tw_process_map(pool, "die", arguments, &options));
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(tw_is_failure(tw_list_at(v, i)), i <= 2);
    tw_release(v);
    ck_assert_uint_eq(tw_process_pool_counts(pool).lost, 1);
    end();
}
END_TEST

START_TEST(large_results_of_a_chunk_are_sent_as_they_come)
{
    struct tw_process_map_options options = { .chunk = 4 };
    tw_value arguments = tw_list(0), v;

    begin_with(&(struct tw_process_pool_options){ .workers = 1, .result_limit = 1 << 20 });
    for (int i = 0; i < 4; i++)
        tw_list_append(arguments, tw_integer(1000 * 1000));
    v = tw_block_on(tw_process_map(pool, "zeros", arguments, &options));
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(tw_bytes_length(tw_list_at(v, i)), 1000 * 1000);
    tw_release(v);
    end();
}
END_TEST

START_TEST(imap_gives_results_one_by_one)
{
    struct tw_process_map_options options = { .chunk = 2 };
    bool seen[50] = { false };
    tw_results *results;
    tw_value v;

    begin(2);
    results = _i == 0 ? tw_process_imap(pool, "square", numbers(0, 50), &options)
                      : tw_process_imap_unordered(pool, "square", numbers(0, 50), &options);
    for (int64_t i = 0; i < 50; i++) {
        int64_t index;

        v = tw_block_on(tw_results_next(results));
        index = tw_integer_of(tw_list_at(v, 0));
        ck_assert(index >= 0 && index < 50 && !seen[index] && (_i == 1 || index == i));
        seen[index] = true;
        ck_assert_int_eq(tw_integer_of(tw_list_at(v, 1)), index * index);
        tw_release(v);
    }
    ck_assert(tw_is_none(tw_block_on(tw_results_next(results))));
    tw_results_free(results);
    end();
}
END_TEST

START_TEST(results_may_be_asked_for_before_they_are_there)
{
    tw_results *results;
    tw_deferred *nexts[4];
    tw_value v;

    begin(2);
    results = tw_process_imap(pool, "square", numbers(0, 3), NULL);
    for (int i = 0; i < 4; i++)
        nexts[i] = tw_results_next(results);
    tw_cancel(nexts[0]);
    tw_add_errback(nexts[0], keep, &v);
    ck_fails(v, &tw_error_cancelled, 0);
    tw_deferred_unref(nexts[0]);
    ck_assert(tw_deferred_called(nexts[3])); /* none: the others have them all */
    nexts[0] = tw_results_next(results);
    for (int i = 0; i < 3; i++) {
        v = tw_block_on(nexts[(i + 1) % 3]);
        ck_assert_int_eq(tw_integer_of(tw_list_at(v, 0)), i);
        tw_release(v);
    }
    tw_deferred_unref(nexts[3]);
    tw_results_free(results);
    end();
}
END_TEST

START_TEST(freed_results_cancel_what_is_left)
{
    tw_results *results;
    tw_deferred *next;
    tw_value v = tw_none();

    begin(2);
    results = tw_process_imap_unordered(pool, "stall", numbers(0, 30), NULL);
    next = tw_results_next(results);
    tw_add_errback(next, keep, &v);
    tw_results_free(results);
    ck_fails(v, &tw_error_abandoned, 0);
    tw_deferred_unref(next);
    ck_assert_uint_eq(tw_process_pool_counts(pool).queued, 0);
    results = tw_process_imap(pool, "nobody", numbers(0, 2), NULL);
    v = tw_block_on(tw_results_next(results));
    ck_assert(tw_failure_is(tw_list_at(v, 1), &tw_error_misuse));
    tw_release(v);
    tw_results_free(results);
    end();
}
END_TEST

START_TEST(results_outlive_their_pool)
{
    tw_results *results;
    tw_value v;

    begin(1);
    results = tw_process_imap(pool, "stall", numbers(0, 2), NULL);
    tw_process_pool_free(pool);
    pool = NULL;
    v = tw_block_on(tw_results_next(results));
    ck_assert(tw_failure_is(tw_list_at(v, 1), &tw_error_cancelled));
    tw_release(v);
    tw_results_free(results);
    end();
}
END_TEST

/* --- a program that cannot spawn: main() does not call tw_process_worker() -------------------- */

static void *wait_for_it(void *fd)
{
    char c;
    return read(*(int *)fd, &c, 1) < 0 ? fd : NULL;
}

START_TEST(what_can_only_be_forked_is_refused_once_there_are_threads)
{
    pthread_t thread;
    int ends[2];
    tw_value v;

    if (!TWI_LINUX)
        return; /* nothing tells of threads */
    begin(1);
    ck_assert_int_eq(call_integer("square", 5), 25);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_it, &ends[0]), 0);
    ck_assert_ptr_null(tw_process_pool_new(NULL));
    ck_assert_int_eq(errno, EDEADLK);
    tw_release(call("die", tw_integer(SIGKILL)));
    v = call("square", tw_integer(5));
    ck_assert_ptr_nonnull(strstr(tw_failure_message(v), "threads"));
    ck_fails(v, &tw_error_misuse, 0);
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
    ck_assert_int_eq(call_integer("square", 5), 25); /* now it can fork again */
    end();
}
END_TEST

START_TEST(spawning_is_refused_where_main_does_not_know_of_workers)
{
    struct tw_process_pool_options options = { .start = TW_WORKERS_SPAWN };

    ck_assert_ptr_null(tw_process_pool_new(&options));
    ck_assert_int_eq(errno, ENOTSUP);
    tw_reactor_uninstall();
}
END_TEST

static tw_value inside(void *arg)
{
    tw_value v;

    (void)arg;
    pool = tw_process_pool_new(&(struct tw_process_pool_options){ .workers = 1 });
    v = tw_await(tw_process_submit(pool, "square", tw_integer(6)));
    ck_assert_int_eq(tw_integer_of(v), 36);
    return tw_await(tw_process_submit(pool, "fail_so", tw_string("so")));
}

START_TEST(a_coroutine_may_make_a_pool_and_await_its_calls)
{
    tw_reactor_uninstall();
    ck_fails(tw_block_on(tw_inline_callbacks(inside, NULL)), &error_own, 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process_map");

    TEST_ADD(suite, what_can_only_be_forked_is_refused_once_there_are_threads);
    TEST_ADD(suite, spawning_is_refused_where_main_does_not_know_of_workers);
    TEST_ADD(suite, a_coroutine_may_make_a_pool_and_await_its_calls);
    TEST_ADD_ROWS(suite, a_map_gives_results_in_order, chunks);
    TEST_ADD_ROWS(suite, failures_of_a_map_stand_in_their_places, chunks);
    TEST_ADD(suite, a_death_in_a_chunk_takes_what_had_begun_and_no_more);
    TEST_ADD(suite, large_results_of_a_chunk_are_sent_as_they_come);
    test_add(suite, imap_gives_results_one_by_one, 0, 2);
    TEST_ADD(suite, results_may_be_asked_for_before_they_are_there);
    TEST_ADD(suite, freed_results_cancel_what_is_left);
    TEST_ADD(suite, results_outlive_their_pool);
    return test_run(suite);
}
