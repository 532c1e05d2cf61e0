/* SPDX-License-Identifier: MIT */
/*
 * check_programs.c - the examples' promises, on the virtual clock, to the nanosecond.
 */
#include "config.h"

#include <stdio.h>

#include <tweed/tweed.h>
#include <tweed/testing.h>

#include "tests/test.h"

enum { SLEEPERS = 20, PAGES = 100 };

static double now(void)
{
    return tw_clock_seconds(tw_reactor_clock());
}

static tw_value sleeper(void *arg)
{
    tw_value slept = tw_sleep(2);

    return tw_is_failure(slept) ? slept : tw_pointer(arg);
}

START_TEST(twenty_sleepers_of_two_seconds_end_at_two)
{
    tw_deferred *sleepers[SLEEPERS];
    int numbers[SLEEPERS];
    tw_value all;

    ck_assert_int_eq(tw_testing_begin(), 0);
    for (int i = 0; i < SLEEPERS; i++)
        sleepers[i] = tw_inline_callbacks(sleeper, &numbers[i]);
    all = tw_block_on(tw_gather(sleepers, SLEEPERS));
    ck_assert_uint_eq(tw_list_length(all), SLEEPERS);
    for (int i = 0; i < SLEEPERS; i++)
        ck_assert_ptr_eq(tw_pointer_of(tw_list_at(all, (size_t)i)), &numbers[i]);
    ck_assert_double_eq(now(), 2);
    tw_release(all);
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

/* --- pages --------------------------------------------------------------------------------- */

static tw_value page_of(void *arg)
{
    (void)arg;
    return tw_string("page");
}

/* "/N" takes N tenths of a second. */
static tw_value slow_page(tw_request *request, void *arg)
{
    (void)arg;
    return tw_wait(
        tw_defer_later(NULL, atoi(tw_request_path(request) + 1) / 10.0, page_of, NULL));
}

static tw_value fetch(void *arg)
{
    char url[60];

    snprintf(url, sizeof url, "http://slow.example/%d", *(int *)arg);
    return tw_await(tw_get_page(url));
}

static tw_listener *serve(void)
{
    struct tw_listen_options options = { .address = "slow.example", .port = 80 };
    tw_site *site = test_given(tw_site_new(NULL));
    tw_listener *listener;

    ck_assert_int_eq(tw_site_handle(site, "/", slow_page, NULL, NULL), 0);
    ck_assert_int_eq(tw_site_listen(site, &options, &listener, NULL), 0);
    tw_site_unref(site);
    return listener;
}

/* On one thread, and one by one for comparison. */
static const struct {
    size_t at_once;
    double least, most;
} rows[] = {
    { PAGES, 10, 10.1 },
    { 1, 505, 505.1 },
};

static tw_deferred *start(const void *item, void *arg)
{
    (void)arg;
    return tw_inline_callbacks(fetch, (void *)item);
}

START_TEST(a_hundred_pages_take_as_long_as_the_slowest)
{
    int tenths[PAGES];
    tw_listener *listener;
    tw_value all;

    ck_assert_int_eq(tw_testing_begin(), 0);
    listener = serve();
    for (int i = 0; i < PAGES; i++)
        tenths[i] = i + 1;
    all = tw_block_on(tw_map(tenths, PAGES, sizeof tenths[0], rows[_i].at_once, start, NULL));
    for (size_t i = 0; i < PAGES; i++)
        ck_assert_str_eq(tw_bytes_data(tw_list_at(all, i)), "page");
    ck_assert_double_ge(now(), rows[_i].least);
    ck_assert_double_le(now(), rows[_i].most);
    tw_release(all);
    tw_listener_close(listener);
    tw_agent_close_idle(tw_agent_current());
    tw_testing_settle();
    ck_assert_uint_eq(tw_testing_end(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("programs");

    TEST_ADD(suite, twenty_sleepers_of_two_seconds_end_at_two);
    TEST_ADD_ROWS(suite, a_hundred_pages_take_as_long_as_the_slowest, rows);
    return test_run(suite);
}
