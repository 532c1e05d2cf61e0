/* SPDX-License-Identifier: MIT */
/*
 * check_process_pool.c - functions in worker processes: calls, how pools begin and end.
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

#include "reactor/process/process_wire.h"
#include "tests/process_calls.h"

/* --- calls -------------------------------------------------------------------------------- */

static const enum tw_workers starts[] = { TW_WORKERS_FORK, TW_WORKERS_SPAWN };

START_TEST(values_go_there_and_come_back)
{
    tw_value list = numbers(0, 3), v;

    begin_with(&(struct tw_process_pool_options){ .workers = 2, .start = starts[_i] });
    ck_assert_int_eq(call_integer("square", 12), 144);
    tw_list_append(list, tw_string("text"));
    tw_list_append(list, tw_double(0.5));
    v = call("same", list);
    ck_assert_uint_eq(tw_list_length(v), 5);
    ck_assert_str_eq(tw_bytes_data(tw_list_at(v, 3)), "text");
    tw_release(v);
    v = call("fail_so", tw_string("why"));
    ck_assert_str_eq(tw_failure_message(v), "why");
    ck_fails(v, &error_own, 0);
    ck_fails(call("same", tw_fail(&tw_error_tls, "an argument, too")), &tw_error_tls, 0);
    ck_assert_int_ne(call_integer("pid_of", 0), getpid());
    end();
}
END_TEST

START_TEST(a_function_may_return_a_deferred)
{
    begin_with(&(struct tw_process_pool_options){ .workers = 1, .start = TW_WORKERS_SPAWN });
    ck_assert_int_eq(call_integer("later", 0), 1);
    end();
}
END_TEST

START_TEST(a_worker_has_nothing_but_its_own_descriptors)
{
    tw_value v;
    int extra = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */

    begin_with(&(struct tw_process_pool_options){ .workers = 2, .start = starts[_i] });
    for (int i = 0; i < 3; i++) {
        v = call("descriptors", tw_none());
        ck_assert_uint_eq(tw_list_length(v), 4);
        ck_assert_int_eq(tw_integer_of(tw_list_at(v, 3)), TWI_PROCESS_SOCKET);
        tw_release(v);
        ck_assert(tw_failure_is(v = call("die", tw_integer(SIGKILL)), &tw_error_worker_lost));
        tw_release(v);
    }
    end();
    close(extra);
}
END_TEST

static int64_t many_results, many_sum;

static tw_value add_up(tw_value result, void *arg)
{
    (void)arg;
    ck_assert(!tw_is_failure(result));
    many_sum += tw_integer_of(result);
    many_results++;
    return tw_none();
}

START_TEST(many_calls_are_all_answered)
{
    tw_deferred *calls[500];

    begin(3);
    many_results = many_sum = 0;
    for (int i = 0; i < 500; i++) {
        calls[i] = tw_process_submit(pool, "square", tw_integer(i));
        tw_add_both(calls[i], add_up, NULL);
    }
    ck_assert_uint_eq(tw_process_pool_counts(pool).queued, 500);
    tw_release(tw_block_on(tw_deferred_list(calls, 500, 0)));
    ck_assert_int_eq(many_results, 500);
    ck_assert_int_eq(many_sum, 499 * 500 * 999 / 6);
    ck_assert_uint_eq(tw_process_pool_counts(pool).queued, 0);
    ck_assert_uint_eq(tw_process_pool_counts(pool).working, 0);
    end();
}
END_TEST

START_TEST(big_values_pass_in_both_directions)
{
    enum { BIG = 5 * 1000 * 1000 };
    tw_value big, v;
    char *data;

    begin(2);
    big = tw_bytes_new(BIG, &data);
    memset(data, 'x', BIG);
    v = tw_block_on(tw_process_submit(pool, "same", big));
    ck_assert_uint_eq(tw_bytes_length(v), BIG);
    ck_assert_int_eq(tw_bytes_data(v)[BIG - 1], 'x');
    tw_release(v);
    ck_assert_int_eq(call_integer("square", 3), 9);
    end();
}
END_TEST

START_TEST(what_is_wrong_with_a_call_is_named_and_harms_no_other)
{
    tw_value v, deep = tw_integer(1);

    begin_with(&(struct tw_process_pool_options){
        .workers = 1, .argument_limit = 100, .result_limit = 1000 });
    ck_fails(call("nobody", tw_none()), &tw_error_misuse, 0);
    ck_fails(call("same", tw_pointer(NULL)), &tw_error_misuse, 0);
    ck_fails(call("pointer", tw_none()), &tw_error_misuse, 0);
    ck_fails(call("same", tw_bytes_format("%200d", 1)), &tw_error_toolarge, 100);
    ck_fails(call("zeros", tw_integer(2000)), &tw_error_toolarge, 1000);
    for (int i = 0; i < 70; i++) {
        tw_value outer = tw_list(1);
        tw_list_append(outer, deep);
        deep = outer;
    }
    ck_fails(call("same", deep), &tw_error_misuse, 0);
    ck_fails(tw_block_on(tw_process_submit_timeout(pool, "same", tw_none(), -1)),
             &tw_error_misuse, 0);
    v = call("zeros", tw_integer(900));
    ck_assert_uint_eq(tw_bytes_length(v), 900);
    tw_release(v);
    ck_assert_uint_eq(tw_process_pool_counts(pool).started, 1);
    end();
}
END_TEST

/* --- how it is made ----------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct tw_process_pool_options options;
    int error;
} refused[] = {
    { "no such way", { .start = (enum tw_workers)3 }, EINVAL },
    { "argument limit", { .argument_limit = SIZE_MAX }, EINVAL },
    { "result limit", { .result_limit = (size_t)TWI_FRAME_MAX + 1 }, EINVAL },
    { "init that is not registered", { .init = "nobody" }, EINVAL },
};

START_TEST(wrong_options_are_refused)
{
    errno = 0;
    ck_assert_msg(tw_process_pool_new(&refused[_i].options) == NULL, "%s", refused[_i].what);
    ck_assert_int_eq(errno, refused[_i].error);
    tw_reactor_uninstall();
}
END_TEST

START_TEST(an_init_argument_that_cannot_travel_is_refused)
{
    struct tw_process_pool_options options = { .init = "prepare",
                                               .init_argument = tw_pointer(NULL) };

    ck_assert_ptr_null(tw_process_pool_new(&options));
    ck_assert_int_eq(errno, EINVAL);
    tw_reactor_uninstall();
}
END_TEST

START_TEST(nothing_is_asked_of_no_pool)
{
    tw_process_pool_free(NULL);
    tw_process_pool_close(NULL);
    tw_process_pool_terminate(NULL);
    ck_assert_ptr_null(tw_process_pool_join(NULL));
    ck_assert_ptr_null(tw_process_submit(NULL, "square", tw_string("")));
    ck_assert_ptr_null(tw_process_map(NULL, "square", tw_list(0), NULL));
    ck_assert_ptr_null(tw_process_imap(NULL, "square", tw_list(0), NULL));
    ck_assert_ptr_null(tw_results_next(NULL));
    tw_results_free(NULL);
    ck_assert_uint_eq(tw_process_pool_counts(NULL).workers, 0);
    ck_assert_uint_eq(tw_process_pool_pids(NULL, NULL, 0), 0);
}
END_TEST

START_TEST(each_worker_is_initialised_first)
{
    begin_with(&(struct tw_process_pool_options){
        .workers = 2, .init = "prepare", .init_argument = tw_integer(41) });
    ck_assert_int_eq(call_integer("prepared_by", 0), 41);
    tw_release(call("die", tw_integer(SIGKILL)));
    ck_assert_int_eq(call_integer("prepared_by", 0), 41);
    end();
}
END_TEST

static const struct {
    int64_t argument;
    int64_t number;
} bad_inits[] = { { -1, 0 }, { 0, 3 } };

START_TEST(workers_that_cannot_begin_are_given_up_after_some)
{
    tw_value v;

    begin_with(&(struct tw_process_pool_options){
        .workers = 2,
        .init = "prepare",
        .init_argument = tw_integer(bad_inits[_i].argument) });
    v = call("square", tw_integer(1));
    if (bad_inits[_i].argument < 0)
        ck_assert(tw_failure_has(v, &error_own));
    ck_fails(v, &tw_error_worker_lost, bad_inits[_i].number);
    ck_assert_uint_lt(tw_process_pool_counts(pool).started, 12);
    end();
}
END_TEST

static void *wait_for_it(void *fd)
{
    char c;
    return read(*(int *)fd, &c, 1) < 0 ? fd : NULL;
}

START_TEST(a_program_with_threads_spawns_instead)
{
    pthread_t thread;
    int ends[2];

    if (!TWI_LINUX)
        return; /* nothing tells of threads */
    ck_assert_int_eq(pipe(ends), 0);
    begin_with(&(struct tw_process_pool_options){ .workers = 1, .start = TW_WORKERS_FORK });
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_it, &ends[0]), 0);
    prepared = 5; /* a fork would know this */
    tw_release(call("die", tw_integer(SIGKILL)));
    ck_assert_int_eq(call_integer("prepared_by", 0), 0);
    prepared = 0;
    end();
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
}
END_TEST

/* --- the end ------------------------------------------------------------------------------ */

START_TEST(close_finishes_what_is_there)
{
    tw_deferred *d;
    tw_value v;

    begin(2);
    ck_fails(tw_block_on(tw_process_pool_join(pool)), &tw_error_misuse, 0);
    d = tw_process_map(pool, "square", numbers(0, 100), NULL);
    tw_process_pool_close(pool);
    ck_fails(call("square", tw_integer(1)), &tw_error_misuse, 0);
    ck_assert(tw_is_none(tw_block_on(tw_process_pool_join(pool))));
    ck_assert_uint_eq(tw_process_pool_counts(pool).workers, 0);
    ck_assert_uint_eq(tw_process_pool_counts(pool).lost, 0);
    v = tw_block_on(d);
    ck_assert_int_eq(tw_integer_of(tw_list_at(v, 99)), 99 * 99);
    tw_release(v);
    ck_assert(tw_is_none(tw_block_on(tw_process_pool_join(pool))));
    end();
}
END_TEST

START_TEST(a_closed_pool_replaces_workers_while_there_is_work)
{
    tw_value lost;
    tw_deferred *d, *e;

    begin(1);
    d = start("die", tw_integer(SIGKILL), &lost);
    e = tw_process_submit(pool, "square", tw_integer(4));
    tw_process_pool_close(pool);
    tw_release(tw_block_on(tw_process_pool_join(pool)));
    ck_fails(lost, &tw_error_worker_lost, -SIGKILL);
    ck_assert_int_eq(tw_integer_of(tw_block_on(e)), 16);
    ck_assert_uint_eq(tw_process_pool_counts(pool).started, 2);
    tw_deferred_unref(d);
    end();
}
END_TEST

START_TEST(terminate_fails_what_is_there)
{
    tw_deferred *d, *e;
    tw_value v, w = tw_none();

    begin(2);
    d = start("touch_and_stall", new_path(), &v);
    e = tw_process_map(pool, "stall", numbers(0, 10), NULL);
    tw_add_both(e, keep, &w);
    await_path();
    tw_process_pool_terminate(pool);
    ck_fails(v, &tw_error_cancelled, 0);
    ck_assert(tw_failure_is(tw_list_at(w, 9), &tw_error_cancelled));
    tw_release(w);
    ck_assert(tw_is_none(tw_block_on(tw_process_pool_join(pool))));
    tw_deferred_unref(d);
    tw_deferred_unref(e);
    end();
}
END_TEST

START_TEST(a_join_that_is_cancelled_is_forgotten)
{
    tw_deferred *join;
    tw_value v;

    begin(1);
    tw_process_pool_close(pool);
    join = tw_process_pool_join(pool);
    tw_add_errback(join, keep, &v);
    tw_cancel(join);
    ck_fails(v, &tw_error_cancelled, 0);
    tw_deferred_unref(join);
    end();
}
END_TEST

static tw_value free_the_pool(tw_value result, void *arg)
{
    (void)arg;
    tw_process_pool_free(pool);
    pool = NULL;
    return result;
}

START_TEST(a_callback_may_free_the_pool)
{
    tw_deferred *d, *e;
    tw_value v = tw_none(), w = tw_none();

    begin(2);
    d = tw_process_submit(pool,
                          _i == 0   ? "square"
                          : _i == 1 ? "die"
                                    : "same",
                          _i == 2 ? tw_pointer(NULL) : tw_integer(SIGKILL));
    e = tw_process_map(pool, "square", numbers(0, 100), NULL);
    tw_add_both(d, free_the_pool, NULL);
    tw_add_both(e, keep, &w);
    tw_add_both(d, keep, &v);
    while (tw_is_none(v))
        tw_reactor_iterate(1);
    tw_release(v);
    ck_assert_uint_eq(tw_list_length(w), 100);
    tw_release(w);
    tw_deferred_unref(d);
    tw_deferred_unref(e);
    end();
}
END_TEST

START_TEST(the_workers_end_with_the_reactor)
{
    tw_value v;
    tw_deferred *d;

    begin(2);
    d = start("stall", tw_none(), &v);
    tw_reactor_iterate(0.01);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    ck_fails(v, &tw_error_cancelled, 0);
    tw_deferred_unref(d);
    ck_assert_uint_eq(tw_process_pool_counts(pool).workers, 0);
    ck_fails(tw_block_on(tw_process_submit(pool, "square", tw_none())), &tw_error_misuse, 0);
    end();
}
END_TEST

START_TEST(workers_are_recycled_after_their_share)
{
    int64_t pids[7];

    begin_with(&(struct tw_process_pool_options){ .workers = 1, .tasks_per_worker = 3 });
    for (int i = 0; i < 7; i++)
        pids[i] = call_integer("pid_of", 0);
    for (int i = 1; i < 7; i++)
        ck_assert_int_eq(pids[i] == pids[i - 1], i % 3 != 0);
    ck_assert_uint_eq(tw_process_pool_counts(pool).lost, 0);
    end();
}
END_TEST

/* A child of ours has a pool and is killed; its workers must end, idle or not. */
START_TEST(workers_end_when_their_parent_is_killed)
{
    double deadline = test_deadline();
    int ends[2], status;
    pid_t child, workers[2];

    tw_reactor_uninstall();
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        pool = tw_process_pool_new(&(struct tw_process_pool_options){ .workers = 2 });
        tw_process_pool_pids(pool, workers, 2);
        tw_deferred_unref(tw_process_submit(pool, "touch_and_stall", tw_string("/dev/null")));
        for (int i = 0; i < 20; i++)
            tw_reactor_iterate(0.005);
        _exit(write(ends[1], workers, sizeof workers) < 0 || raise(SIGKILL) != 0);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], workers, sizeof workers), (ssize_t)sizeof workers);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    for (int i = 0; i < 2; i++) {
        char stat[40];
        snprintf(stat, sizeof stat, "/proc/%d/exe", (int)workers[i]);
        while (access(stat, F_OK) == 0 && test_before(deadline))
            usleep(1000);
        ck_assert_int_ne(access(stat, F_OK), 0);
    }
}
END_TEST

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

START_TEST(virtual_time_waits_for_workers)
{
    struct tw_reactor_options options = { .virtual_time = true };

    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
    pool = tw_process_pool_new(&(struct tw_process_pool_options){ .workers = 1 });
    tw_call_later(1000, stop, NULL);
    ck_assert_int_eq(call_integer("square", 8), 64);
    ck_assert(tw_clock_seconds(tw_reactor_clock()) < 100);
    end();
}
END_TEST

static bool pool_life(void *arg)
{
    struct tw_process_pool_options options = { .workers = 1, .start = TW_WORKERS_SPAWN };
    tw_results *results;
    tw_value v, w, x;
    bool ok;

    (void)arg;
    if (tw_reactor_install(NULL) < 0)
        return false;
    pool = tw_process_pool_new(&options);
    v = tw_block_on(tw_process_submit_timeout(pool, "square", tw_integer(6), 30));
    w = tw_block_on(tw_process_map(pool, "square", numbers(0, 5), NULL));
    results = tw_process_imap(pool, "square", numbers(0, 1), NULL);
    x = tw_block_on(tw_results_next(results));
    tw_results_free(results);
    ok = tw_integer_of(v) == 36 && tw_integer_of(tw_list_at(w, 4)) == 16 &&
         tw_list_length(x) == 2;
    tw_release(v);
    tw_release(w);
    tw_release(x);
    tw_process_pool_close(pool);
    tw_release(tw_block_on(tw_process_pool_join(pool)));
    tw_process_pool_free(pool);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    return ok;
}

START_TEST(no_allocation_failure_harms_the_pool)
{
    tw_reactor_uninstall();
    if (getenv("TEST_SLOW") == NULL &&
        getenv("TEST_TORTURE") == NULL) /* hundreds of workers */
        test_each_alloc_failure(pool_life, NULL);
    pool = NULL;
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite;

    if (tw_process_worker(argc, argv))
        return 0;
    suite = suite_create("process_pool");
    TEST_ADD_ROWS(suite, values_go_there_and_come_back, starts);
    TEST_ADD(suite, a_function_may_return_a_deferred);
    TEST_ADD_ROWS(suite, a_worker_has_nothing_but_its_own_descriptors, starts);
    TEST_ADD(suite, many_calls_are_all_answered);
    TEST_ADD(suite, big_values_pass_in_both_directions);
    TEST_ADD(suite, what_is_wrong_with_a_call_is_named_and_harms_no_other);
    TEST_ADD_ROWS(suite, wrong_options_are_refused, refused);
    TEST_ADD(suite, an_init_argument_that_cannot_travel_is_refused);
    TEST_ADD(suite, nothing_is_asked_of_no_pool);
    TEST_ADD(suite, each_worker_is_initialised_first);
    TEST_ADD_ROWS(suite, workers_that_cannot_begin_are_given_up_after_some, bad_inits);
    TEST_ADD(suite, a_program_with_threads_spawns_instead);
    TEST_ADD(suite, close_finishes_what_is_there);
    TEST_ADD(suite, a_closed_pool_replaces_workers_while_there_is_work);
    TEST_ADD(suite, terminate_fails_what_is_there);
    TEST_ADD(suite, a_join_that_is_cancelled_is_forgotten);
    test_add(suite, a_callback_may_free_the_pool, 0, 3);
    TEST_ADD(suite, the_workers_end_with_the_reactor);
    TEST_ADD(suite, workers_are_recycled_after_their_share);
    TEST_ADD(suite, workers_end_when_their_parent_is_killed);
    TEST_ADD(suite, virtual_time_waits_for_workers);
    TEST_ADD(suite, no_allocation_failure_harms_the_pool);
    return test_run(suite);
}
