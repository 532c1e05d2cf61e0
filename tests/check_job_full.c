/* SPDX-License-Identifier: MIT */
/*
 * check_job_full.c - a full disk stops the crawl and loses nothing; a broken one ends it.
 *
 * The disk is full from the n-th call on that changes a file, for each n: of the database or of the
 * feed, within a transaction or behind it, or in a checkpoint.
 */
#include "config.h"

#include "spider/job/feed.h"
#include "spider/job/reader.h"
#include "tests/jobs.h"
#include "tests/killer.h"

static int64_t tells;
static bool is_full;

static void told_full(bool full, const char *why, void *arg)
{
    (void)arg;
    ck_assert(full != is_full);
    ck_assert((why != NULL) == full);
    is_full = full;
    tells++;
}

static int open_full(void)
{
    struct twi_feed_options feed = { .path = jobs_path("out.jsonl") };
    struct twi_job_options options = jobs_quotes;
    tw_value failure = tw_none();
    int r;

    options.full = told_full;
    options.feeds = &feed;
    options.feed_count = 1;
    r = jobs_open_with(options, jobs_path("job"), &failure);
    tw_release(failure);
    return r;
}

static struct twi_record_item first_item = { .json = "{\"n\":1}", .length = 7, .feeds = 1 };
static struct twi_record_item second_item = { .json = "{\"n\":2}", .length = 7, .feeds = 1 };

/* Two batches of records, with items. */
static void put_two(void)
{
    struct jobs_page *page;

    jobs_put_seed();
    page = jobs_page_of(2, TWI_RECORD_DONE);
    page->record.items = &first_item;
    jobs_put(page);
    tw_testing_settle();
    page = jobs_page_of(3, TWI_RECORD_DONE);
    page->record.items = &second_item;
    jobs_put(page);
    tw_testing_settle();
}

static void check_feed_is(const char *expected)
{
    char text[256];
    FILE *file = test_given(fopen(jobs_path("out.jsonl"), "r"));
    size_t length = fread(text, 1, sizeof text - 1, file);

    text[length] = '\0';
    fclose(file);
    ck_assert_str_eq(text, expected);
}

static void check_all_is_there(void)
{
    check_feed_is("{\"n\":1}\n{\"n\":2}\n");
    ck_assert_int_eq(open_full(), 0);
    ck_assert_int_eq(at.rows[1].state, TWI_JOB_DONE);
    ck_assert_int_eq(at.rows[2].state, TWI_JOB_DONE);
    ck_assert_int_eq(at.rows[3].state, TWI_JOB_DONE);
    ck_assert_int_eq(at.rows[4].state, TWI_JOB_PENDING);
    jobs_close(TWI_JOB_STOPPED);
    check_feed_is("{\"n\":1}\n{\"n\":2}\n");
}

/* Full from the n-th call on, for 25 seconds. False: there are fewer calls. */
static bool fill_at(unsigned n)
{
    bool reached;

    jobs_begin_virtual();
    tells = 0;
    ck_assert_int_eq(open_full(), 0);
    killer_fail(n, KILLER_FULL);
    put_two();
    tw_testing_advance(31); /* a checkpoint comes with what is put next */
    jobs_put(jobs_page_of(0, TWI_RECORD_DONE));
    tw_testing_settle();
    reached = killer_calls() >= n;
    tw_testing_advance(25);
    ck_assert_msg(is_full == reached, "at %u", n);
    killer_fail(0, KILLER_FULL);
    tw_testing_advance(11);
    ck_assert(!is_full);
    ck_assert_int_eq(at.acknowledged, 4);
    ck_assert_int_eq(tells, reached ? 2 : 0);
    jobs_close(TWI_JOB_STOPPED);
    check_all_is_there();
    jobs_end_virtual();
    return reached;
}

START_TEST(a_full_disk_is_waited_for_and_nothing_is_lost)
{
    unsigned n;

    for (n = 1; fill_at(n); n++)
        ;
    ck_assert_uint_gt(n, 20);
}
END_TEST

/* --- closing, and other errors -------------------------------------------------------------- */

static tw_value closing_failure;

static tw_value closed_badly(tw_value result, void *arg)
{
    (void)arg;
    closing_failure = tw_retain(result);
    jobs_is_closed = true;
    return tw_none();
}

static void close_badly(void)
{
    tw_deferred *closed = twi_job_close(at.job, TWI_JOB_STOPPED);

    jobs_is_closed = false;
    tw_add_both(closed, closed_badly, NULL);
    tw_deferred_unref(closed);
    tw_testing_settle();
    ck_assert(jobs_is_closed);
}

/* Records that are not acknowledged belong to whoever put them. */
static struct jobs_page *lost[8];
static size_t lost_count;

static struct jobs_page *page_to_lose(int64_t url)
{
    lost[lost_count] = jobs_page(url, TWI_RECORD_DONE, &at.acknowledged);
    return lost[lost_count++];
}

static void put_to_lose(void)
{
    struct jobs_page *page = page_to_lose(2);

    page->record.items = &first_item;
    twi_job_put(at.job, &page->record);
    twi_job_put(at.job, &page_to_lose(3)->record);
}

/* None of them was acknowledged; the next run has the pages still before it, once. */
static void check_lost(void)
{
    ck_assert_int_eq(at.acknowledged, 1);
    while (lost_count > 0)
        jobs_page_free(lost[--lost_count]);
    killer_fail(0, KILLER_FULL);
    is_full = false;
    ck_assert_int_eq(open_full(), 0);
    ck_assert_int_eq(at.rows[2].state, at.rows[3].state);
    check_feed_is(at.rows[2].state == TWI_JOB_DONE ? "{\"n\":1}\n" : "");
    jobs_close(TWI_JOB_STOPPED);
}

static bool close_full_at(unsigned n)
{
    bool reached;

    jobs_begin_virtual();
    ck_assert_int_eq(open_full(), 0);
    jobs_put_seed();
    tw_testing_settle();
    killer_fail(n, KILLER_FULL);
    put_to_lose();
    tw_testing_settle();
    reached = is_full;
    if (reached) {
        close_badly();
        ck_assert(tw_failure_is(closing_failure, &tw_error_job));
        ck_assert_int_eq(tw_failure_number(closing_failure), ENOSPC);
        tw_release(closing_failure);
        check_lost();
    } else {
        killer_fail(0, KILLER_FULL);
        jobs_close(TWI_JOB_STOPPED);
        lost_count = 0;
    }
    jobs_end_virtual();
    return reached;
}

START_TEST(a_job_can_be_closed_on_a_full_disk)
{
    unsigned n;

    for (n = 1; close_full_at(n); n++)
        ;
    ck_assert_uint_gt(n, 5);
}
END_TEST

static bool break_at(unsigned n)
{
    bool reached;

    jobs_begin_virtual();
    ck_assert_int_eq(open_full(), 0);
    jobs_put_seed();
    tw_testing_settle();
    killer_fail(n, KILLER_ERROR);
    put_to_lose();
    tw_testing_settle();
    reached = at.failures == 1;
    ck_assert_int_eq(at.acknowledged, reached ? 1 : 3);
    if (reached) {
        close_badly();
        ck_assert(tw_failure_is(closing_failure, &tw_error_job));
        ck_assert_int_eq(tw_failure_number(closing_failure), EIO);
        tw_release(closing_failure);
        check_lost();
    } else {
        killer_fail(0, KILLER_FULL);
        jobs_close(TWI_JOB_STOPPED);
        lost_count = 0;
    }
    jobs_end_virtual();
    return reached;
}

START_TEST(a_broken_disk_ends_the_crawl_and_says_why)
{
    unsigned n;

    for (n = 1; break_at(n); n++)
        ;
    ck_assert_uint_gt(n, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job_full");

    TEST_ADD(suite, a_full_disk_is_waited_for_and_nothing_is_lost);
    TEST_ADD(suite, a_job_can_be_closed_on_a_full_disk);
    TEST_ADD(suite, a_broken_disk_ends_the_crawl_and_says_why);
    return test_run(suite);
}
