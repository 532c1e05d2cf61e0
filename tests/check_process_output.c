/* SPDX-License-Identifier: MIT */
/*
 * check_process_output.c - a child's output and exit status, as a Deferred.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <tweed/process.h>
#include <tweed/reactor.h>

#include "tests/children.h"
#include "tests/test.h"

enum wanted { OUTPUT, VALUE, BOTH };

static tw_deferred *start(enum wanted wanted, const struct tw_process_options *options)
{
    return wanted == OUTPUT  ? tw_get_process_output(options)
           : wanted == VALUE ? tw_get_process_value(options)
                             : tw_get_process_output_and_value(options);
}

static tw_value run(enum wanted wanted, const char *script,
                    const struct tw_process_options *others)
{
    struct tw_process_options options = { 0 };
    const char *argv[] = { "sh", "-c", script, NULL };

    if (others != NULL)
        options = *others;
    options.argv = argv;
    return tw_block_on(start(wanted, &options));
}

static const struct {
    enum wanted wanted;
    const char *script;
    enum tw_process_errors errors;
    const tw_error_class *failure; /* NULL: none */
    const char *output;            /* of a failure too */
    const char *error_output;
    int status; /* of a failure: its number */
} rows[] = {
    { OUTPUT, "echo out", TW_ERRORS_FAIL, NULL, "out\n", NULL, 0 },
    { OUTPUT, "true", TW_ERRORS_FAIL, NULL, "", NULL, 0 },
    { OUTPUT, "printf 'a\\0b'; cat", TW_ERRORS_FAIL, NULL, "a", NULL, 0 },
    { OUTPUT, "echo out; echo err >&2", TW_ERRORS_FAIL, &tw_error_process_errors, "out\n",
      "err\n", 0 },
    { OUTPUT, "echo out; echo err >&2", TW_ERRORS_JOIN, NULL, "out\nerr\n", NULL, 0 },
    { OUTPUT, "echo out; echo err >&2", TW_ERRORS_DROP, NULL, "out\n", NULL, 0 },
    { OUTPUT, "echo out; echo >&2", TW_ERRORS_INHERIT, NULL, "out\n", NULL, 0 },
    { OUTPUT, "echo out; exit 3", TW_ERRORS_FAIL, &tw_error_process_terminated, "out\n", "",
      3 },
    { OUTPUT, "echo e >&2; exit 3", TW_ERRORS_FAIL, &tw_error_process_terminated, "", "e\n",
      3 },
    { OUTPUT, "echo out; kill -9 $$", TW_ERRORS_FAIL, &tw_error_process_terminated, "out\n",
      "", -9 },
    { VALUE, "exit 0", TW_ERRORS_FAIL, NULL, NULL, NULL, 0 },
    { VALUE, "echo out; echo err >&2; exit 250", TW_ERRORS_FAIL, NULL, NULL, NULL, 250 },
    { VALUE, "kill -15 $$", TW_ERRORS_FAIL, &tw_error_process_terminated, "", "", -15 },
    { BOTH, "echo out; echo err >&2; exit 4", TW_ERRORS_FAIL, NULL, "out\n", "err\n", 4 },
    { BOTH, "echo out; kill -2 $$", TW_ERRORS_FAIL, &tw_error_process_terminated, "out\n", "",
      -2 },
};

START_TEST(it_fires_with_what_was_wanted)
{
    struct tw_process_options options = { .errors = rows[_i].errors };
    tw_value result, list;

    children_begin(NULL);
    result = run(rows[_i].wanted, rows[_i].script, &options);
    ck_assert_ptr_eq(tw_failure_class(result), rows[_i].failure);
    list = rows[_i].failure != NULL ? tw_failure_value(result) : result;
    if (rows[_i].failure != NULL || rows[_i].wanted == BOTH) {
        ck_assert_uint_eq(tw_list_length(list), 3);
        ck_assert_str_eq(tw_bytes_data(tw_list_at(list, 0)), rows[_i].output);
        ck_assert_str_eq(tw_bytes_data(tw_list_at(list, 1)), rows[_i].error_output);
        ck_assert_int_eq(tw_integer_of(tw_list_at(list, 2)), rows[_i].status);
    } else if (rows[_i].wanted == OUTPUT) {
        ck_assert_str_eq(tw_bytes_data(result), rows[_i].output);
    } else {
        ck_assert_int_eq(tw_integer_of(result), rows[_i].status);
    }
    if (rows[_i].failure != NULL)
        ck_assert_int_eq(tw_failure_number(result), rows[_i].status);
    tw_release(result);
    children_end();
}
END_TEST

enum { MUCH = 1024 * 1024 };

START_TEST(its_input_is_given_whole)
{
    struct tw_process_options options = { .argv = TW_ARGV("cat"), .max_output = MUCH };
    char *data;
    tw_value result;

    children_begin(NULL);
    options.input = tw_bytes_new(MUCH, &data);
    for (size_t i = 0; i < MUCH; i++)
        data[i] = (char)(i * 11 + i / 253);
    result = tw_block_on(tw_get_process_output(&options));
    ck_assert_uint_eq(tw_bytes_length(result), MUCH);
    ck_assert_mem_eq(tw_bytes_data(result), tw_bytes_data(options.input), MUCH);
    tw_release(result);
    options.argv = TW_ARGV("head", "-c", "3"); /* does not read it all */
    result = tw_block_on(tw_get_process_output(&options));
    ck_assert_uint_eq(tw_bytes_length(result), 3);
    tw_release(result);
    tw_release(options.input);
    children_end();
}
END_TEST

static const struct {
    const char *script;
    size_t max;
    bool too_large;
} floods[] = {
    { "printf 12345", 5, false },
    { "printf 123456", 5, true },
    { "exec yes", 100000, true },
    { "exec yes >&2", 100000, true },
    { "trap '' TERM; while :; do echo much; done", 5, true },
};

START_TEST(a_flood_ends_at_the_limit)
{
    struct tw_process_options options = { .max_output = floods[_i].max, .grace = 0.05 };
    tw_value result, list;

    children_begin(NULL);
    result = run(BOTH, floods[_i].script, &options);
    ck_assert_int_eq(tw_failure_is(result, &tw_error_toolarge), floods[_i].too_large);
    list = floods[_i].too_large ? tw_failure_value(result) : result;
    ck_assert_uint_eq(tw_bytes_length(tw_list_at(list, 0)) +
                          tw_bytes_length(tw_list_at(list, 1)),
                      floods[_i].max);
    tw_release(result);
    children_end();
}
END_TEST

/* --- giving up ---------------------------------------------------------------------------- */

static const struct {
    const char *script;
    int signal; /* that ends it */
} stubborn[] = {
    { "echo begun; exec sleep 100", SIGTERM },
    { "trap '' TERM; echo begun; while :; do sleep 0.01; done", SIGKILL },
    { "sleep 100 & echo begun; exec sleep 100", SIGTERM }, /* a grandchild holds the pipe */
};

static void cancel(void *deferred)
{
    ck_assert_int_eq(tw_cancel(deferred), 0);
    ck_assert_int_eq(tw_cancel(deferred), 0);
}

START_TEST(a_cancel_kills_it)
{
    const char *argv[] = { "sh", "-c", stubborn[_i].script, NULL };
    struct tw_process_options options = { .argv = argv, .grace = 0.1, .new_group = true };
    tw_deferred *deferred;
    tw_value result;

    children_begin(NULL);
    deferred = tw_get_process_output(&options);
    tw_call_later(0.2, cancel, deferred);
    result = tw_block_on(deferred);
    ck_assert_ptr_eq(tw_failure_class(result), &tw_error_cancelled);
    ck_assert_str_eq(tw_bytes_data(tw_list_at(tw_failure_value(result), 0)), "begun\n");
    ck_assert_int_eq(tw_integer_of(tw_list_at(tw_failure_value(result), 2)),
                     -stubborn[_i].signal);
    tw_release(result);
    children_end();
}
END_TEST

START_TEST(a_timeout_kills_it)
{
    struct tw_process_options options = { .argv = TW_ARGV("sleep", "100"), .grace = 0.1 };
    tw_deferred *deferred;
    tw_value result;

    children_begin(NULL);
    deferred = start(_i, &options);
    ck_assert_int_eq(tw_deferred_add_timeout(deferred, 0.05, NULL), 0);
    result = tw_block_on(deferred);
    ck_assert_ptr_eq(tw_failure_class(result), &tw_error_timeout);
    tw_release(result);
    children_end();
}
END_TEST

START_TEST(once_exited_a_cancel_lets_go_of_who_holds_its_pipes)
{
    struct tw_process_options options = { .argv = TW_ARGV("sh", "-c",
                                                          "sleep 1 & echo begun") };
    tw_deferred *deferred;
    tw_value result;

    children_begin(NULL);
    deferred = tw_get_process_output(&options);
    tw_call_later(0.2, cancel, deferred);
    result = tw_block_on(deferred);
    ck_assert_ptr_eq(tw_failure_class(result), &tw_error_cancelled);
    tw_release(result);
    children_end();
}
END_TEST

START_TEST(who_drops_it_lets_it_run)
{
    char path[] = "/tmp/tweed-output-XXXXXX";
    const char *argv[] = { "sh", "-c", "echo x >$0", path, NULL };
    struct tw_process_options options = { .argv = argv };
    int fd = mkstemp(path);
    double until = test_deadline();
    char c = 0;

    children_begin(NULL);
    tw_deferred_unref(tw_get_process_value(&options));
    while (pread(fd, &c, 1, 0) != 1 && test_before(until))
        tw_reactor_iterate(0.01);
    ck_assert_int_eq(c, 'x');
    children_end();
    unlink(path);
    close(fd);
}
END_TEST

static void stop(void *arg)
{
    (void)arg;
    tw_reactor_stop();
}

static tw_value keep(tw_value result, void *kept)
{
    *(tw_value *)kept = tw_retain(result);
    return tw_none();
}

START_TEST(half_an_answer_is_none_when_the_reactor_stops)
{
    struct tw_process_options options = {
        .argv = TW_ARGV("sh", "-c", "trap 'exit 0' TERM; echo half; sleep 100 & wait"),
        .new_group = true
    };
    tw_value result = tw_none();
    tw_deferred *deferred;
    double until = test_deadline();

    children_begin(NULL);
    deferred = tw_get_process_output(&options);
    tw_add_both(deferred, keep, &result);
    tw_call_later(0.1, stop, NULL);
    tw_reactor_run();
    while (tw_is_none(result) && test_before(until))
        tw_reactor_iterate(0.1);
    ck_assert_ptr_eq(tw_failure_class(result), &tw_error_connection_lost);
    tw_release(result);
    tw_deferred_unref(deferred);
    children_end();
}
END_TEST

START_TEST(the_reactor_may_end_first)
{
    struct tw_process_options options = { .argv = TW_ARGV("sleep", "100") };
    tw_value result = tw_none();
    tw_deferred *deferred;

    children_begin(NULL);
    deferred = start(_i, &options);
    tw_add_both(deferred, keep, &result);
    tw_reactor_uninstall();
    ck_assert(tw_is_failure(result));
    tw_release(result);
    tw_deferred_unref(deferred);
    children_end();
}
END_TEST

static bool run_one(void *wanted)
{
    struct tw_process_options options = { .argv = TW_ARGV("sh", "-c", "cat; exit 0") };
    tw_value result;
    bool ok;

    options.input = tw_string("hello");
    if (tw_is_failure(options.input))
        return false;
    result = tw_block_on(start(*(enum wanted *)wanted, &options));
    ok = !tw_is_failure(result);
    tw_release(result);
    tw_release(options.input);
    tw_reactor_uninstall();
    children_wait(); /* one may have been left behind */
    return ok;
}

START_TEST(no_allocation_is_taken_for_granted)
{
    enum wanted wanted = (enum wanted)_i;

    children_begin(NULL);
    tw_reactor_uninstall();
    ck_assert_uint_gt(test_each_alloc_failure(run_one, &wanted), 0);
    children_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process output");
    static const int each[] = { OUTPUT, VALUE, BOTH };

    TEST_ADD_ROWS(suite, it_fires_with_what_was_wanted, rows);
    TEST_ADD(suite, its_input_is_given_whole);
    TEST_ADD_ROWS(suite, a_flood_ends_at_the_limit, floods);
    TEST_ADD_ROWS(suite, a_cancel_kills_it, stubborn);
    TEST_ADD_ROWS(suite, a_timeout_kills_it, each);
    TEST_ADD(suite, once_exited_a_cancel_lets_go_of_who_holds_its_pipes);
    TEST_ADD(suite, who_drops_it_lets_it_run);
    TEST_ADD(suite, half_an_answer_is_none_when_the_reactor_stops);
    TEST_ADD_ROWS(suite, the_reactor_may_end_first, each);
    TEST_ADD_ROWS(suite, no_allocation_is_taken_for_granted, each);
    return test_run(suite);
}
