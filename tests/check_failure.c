/* SPDX-License-Identifier: MIT */
/*
 * check_failure.c - failures: classes, words, causes, and having no memory for one.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/log.h>

#include "tests/test.h"

START_TEST(a_failure_belongs_to_its_class_and_those_above)
{
    tw_value failure = tw_fail(&tw_error_connect_refused, "port %d", 80);

    ck_assert(tw_is_failure(failure));
    ck_assert(tw_failure_is(failure, &tw_error_connect_refused));
    ck_assert(tw_failure_is(failure, &tw_error_connect));
    ck_assert(tw_failure_is(failure, &tw_error));
    ck_assert(!tw_failure_is(failure, &tw_error_dns));
    ck_assert_str_eq(tw_failure_message(failure), "port 80");
    ck_assert_ptr_nonnull(strstr(tw_failure_where(failure), "check_failure.c:"));
    tw_release(failure);
}
END_TEST

static const struct {
    const tw_error_class *error_class;
    const char *word;
} words[] = {
    { &tw_error_url, "url" },           { &tw_error_dns, "dns" },
    { &tw_error_connect, "connect" },   { &tw_error_connect_refused, "connect" },
    { &tw_error_tls, "tls" },           { &tw_error_connect_timeout, "timeout" },
    { &tw_error_timeout, "timeout" },   { &tw_error_empty, "empty" },
    { &tw_error_partial, "partial" },   { &tw_error_protocol, "protocol" },
    { &tw_error_encoding, "encoding" }, { &tw_error_redirect, "redirect" },
    { &tw_error_toolarge, "toolarge" }, { &tw_error_connection_aborted, "aborted" },
    { &tw_error_status, "status" },     { &tw_error_memory, "other" },
};

START_TEST(each_class_has_a_word)
{
    tw_value failure = tw_fail(words[_i].error_class, "x");

    ck_assert_str_eq(tw_failure_word(failure), words[_i].word);
    tw_release(failure);
}
END_TEST

START_TEST(what_is_no_failure_answers_nothing)
{
    tw_value value = tw_integer(1);

    ck_assert(!tw_failure_is(value, &tw_error));
    ck_assert(!tw_failure_has(value, &tw_error));
    ck_assert_ptr_null(tw_failure_class(value));
    ck_assert_str_eq(tw_failure_message(value), "");
    ck_assert_str_eq(tw_failure_word(value), "other");
    ck_assert_str_eq(tw_failure_where(value), "");
    ck_assert_int_eq(tw_failure_number(value), 0);
    ck_assert(tw_is_none(tw_failure_cause(value)));
    ck_assert(tw_is_none(tw_failure_value(value)));
}
END_TEST

START_TEST(a_failure_carries_cause_number_and_value)
{
    int64_t before = test_allocs_living();
    struct tw_failure_fields fields = {
        .error_class = &tw_error_first,
        .message = "second",
        .where = TW_HERE,
        .number = 2,
        .cause = tw_fail_errno(&tw_error_system, -ENOENT),
        .value = tw_string("mine"),
    };
    tw_value failure = tw_fail_with(&fields);

    ck_assert_int_eq(tw_failure_number(failure), 2);
    ck_assert_str_eq(tw_bytes_data(tw_failure_value(failure)), "mine");
    ck_assert_int_eq(tw_failure_number(tw_failure_cause(failure)), ENOENT);
    ck_assert(tw_failure_has(failure, &tw_error_system));
    ck_assert(!tw_failure_is(failure, &tw_error_system));
    tw_release(failure);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

START_TEST(long_chains_of_causes_are_released)
{
    int64_t before = test_allocs_living();
    struct tw_failure_fields fields = { .error_class = &tw_error };

    for (int i = 0; i < 300000; i++)
        fields.cause = tw_fail_with(&fields);
    tw_release(fields.cause);
    ck_assert_int_eq(test_allocs_living(), before);
}
END_TEST

START_TEST(no_memory_for_a_failure_is_a_failure)
{
    tw_value failure;
    struct tw_failure_fields fields = { .error_class = &tw_error };

    test_fail_alloc(1, true);
    failure = tw_fail(&tw_error_url, "x");
    ck_assert(tw_failure_is(failure, &tw_error_memory));
    ck_assert_str_eq(tw_failure_message(failure), "out of memory");
    fields.cause = failure;
    ck_assert(tw_failure_is(tw_fail_with(&fields), &tw_error_memory));
    test_fail_alloc(0, false);
    tw_release(failure);
    tw_release(failure); /* immortal */
    ck_assert_str_eq(tw_failure_message(tw_fail_memory()), "out of memory");
}
END_TEST

START_TEST(enomem_is_out_of_memory_whatever_the_class)
{
    tw_value failure = tw_fail_errno(&tw_error_connect, -ENOMEM);

    ck_assert(tw_failure_is(failure, &tw_error_memory));
    tw_release(failure);
}
END_TEST

static int logged;
static void observe(const struct tw_log_event *event, void *arg)
{
    (void)arg;
    logged++;
    ck_assert_str_eq(event->message, "while testing");
    ck_assert(tw_failure_is(event->failure, &tw_error_url));
}

START_TEST(a_logged_failure_reaches_the_observer_and_is_handled)
{
    tw_value failure = tw_fail(&tw_error_url, "x");

    logged = 0;
    tw_log_observe(observe, NULL, TW_LOG_ERROR);
    ck_assert(tw_is_none(tw_log_failure(failure, (void *)"while testing")));
    tw_log_problem(TW_LOG_INFO, "test", failure, "below the level");
    tw_log_observe(NULL, NULL, TW_LOG_ERROR);
    tw_log_failure(failure, NULL);
    ck_assert_int_eq(logged, 1);
    tw_release(failure);
}
END_TEST

START_TEST(lines_name_level_module_failure_and_causes)
{
    static const char expected[] = "error [web] fetching: tw_error_first: outer (a.c:1); "
                                   "because tw_error_url: inner (b.c:2)\n";
    char text[256] = "";
    FILE *file = fmemopen(text, sizeof text, "w");
    struct tw_failure_fields fields = {
        .error_class = &tw_error_first,
        .message = "outer",
        .where = "a.c:1",
        .cause = tw_fail_at("b.c:2", &tw_error_url, "inner"),
    };
    tw_value failure = tw_fail_with(&fields);

    tw_log_to(file, TW_LOG_WARNING);
    tw_log_problem(TW_LOG_ERROR, "web", failure, "fetching");
    tw_log(TW_LOG_INFO, "web", "not wanted");
    tw_log_to(NULL, TW_LOG_WARNING);
    fclose(file);
    ck_assert_str_eq(text, expected);
    tw_release(failure);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failure");

    TEST_ADD(suite, a_failure_belongs_to_its_class_and_those_above);
    TEST_ADD_ROWS(suite, each_class_has_a_word, words);
    TEST_ADD(suite, what_is_no_failure_answers_nothing);
    TEST_ADD(suite, a_failure_carries_cause_number_and_value);
    TEST_ADD(suite, long_chains_of_causes_are_released);
    TEST_ADD(suite, no_memory_for_a_failure_is_a_failure);
    TEST_ADD(suite, enomem_is_out_of_memory_whatever_the_class);
    TEST_ADD(suite, a_logged_failure_reaches_the_observer_and_is_handled);
    TEST_ADD(suite, lines_name_level_module_failure_and_causes);
    return test_run(suite);
}
