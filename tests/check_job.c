/* SPDX-License-Identifier: MIT */
/*
 * check_job.c - a job keeps what was acknowledged, in order.
 */
#include "config.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "spider/job/reader.h"
#include "tests/jobs.h"

/* --- what is kept ---------------------------------------------------------------------------- */

START_TEST(a_job_comes_back_as_it_was_committed)
{
    struct jobs_page *page;

    jobs_begin_virtual();
    jobs_open("job");
    ck_assert_int_eq(at.urls, 0);
    jobs_put_seed();
    jobs_put(jobs_page_of(2, TWI_RECORD_FAILED));
    page = jobs_page_of(3, TWI_RECORD_RETRY);
    page->record.due = 5000;
    jobs_put(page);
    page = jobs_page_of(3, TWI_RECORD_RETRY);
    page->record.due = 7000;
    jobs_put(page);
    jobs_put(jobs_page_of(4, TWI_RECORD_PART));
    jobs_close(TWI_JOB_STOPPED);
    ck_assert_int_eq(at.acknowledged, 5);

    jobs_open("job");
    ck_assert_int_eq(at.hosts, 3);
    ck_assert_int_eq(at.urls, 4);
    ck_assert_int_eq(at.rows[1].state, TWI_JOB_DONE);
    ck_assert_int_eq(at.rows[2].state, TWI_JOB_FAILED);
    ck_assert_int_eq(at.rows[3].state, TWI_JOB_PENDING);
    ck_assert_int_eq(at.rows[3].due, 7000);
    ck_assert_uint_eq(at.rows[3].tries, 2);
    ck_assert_int_eq(at.rows[3].priority, -128);
    ck_assert_int_eq(at.rows[4].state, TWI_JOB_PENDING);
    ck_assert_int_eq(at.rows[4].due, 0);
    ck_assert_uint_eq(at.rows[4].depth, 7);
    ck_assert_str_eq(at.origins[at.rows[3].host], "https://b.example");
    ck_assert_int_eq(at.rows[2].host, at.rows[4].host);
    ck_assert_uint_eq(at.rows[4].key, 4 * UINT64_C(0x9e3779b97f4a7c15));
    ck_assert_int_eq(twi_job_number(at.job, 1), 5);
    jobs_put(jobs_page_of(3, TWI_RECORD_EXCLUDED));
    jobs_put(jobs_page_of(4, TWI_RECORD_REDIRECT));
    jobs_close(TWI_JOB_FINISHED);

    jobs_open("job");
    ck_assert_int_eq(at.rows[3].state, TWI_JOB_EXCLUDED);
    ck_assert_int_eq(at.rows[4].state, TWI_JOB_DONE);
    jobs_close(TWI_JOB_BROKEN);
    jobs_end_virtual();
}
END_TEST

START_TEST(what_is_known_of_a_host_comes_back)
{
    struct jobs_page *page;
    struct twi_record_host host = { .origin = "https://new.example",
                                    .robots = "Disallow: /\n\0#",
                                    .robots_length = 14,
                                    .robots_status = 200,
                                    .robots_until = 99,
                                    .not_before = 77,
                                    .delay = 0.5 };

    jobs_begin_virtual();
    jobs_open("job");
    page = jobs_page_of(0, TWI_RECORD_DONE);
    page->record.hosts = &host;
    jobs_put(page);
    jobs_close(TWI_JOB_STOPPED);
    jobs_open("job");
    ck_assert_int_eq(at.hosts, 1);
    ck_assert_int_eq(at.urls, 0);
    ck_assert_str_eq(at.origins[1], "https://new.example");
    ck_assert_uint_eq(at.last_host.robots_length, 14);
    ck_assert_int_eq(at.last_host.robots_status, 200);
    ck_assert_int_eq(at.last_host.robots_until, 99);
    ck_assert_int_eq(at.last_host.not_before, 77);
    ck_assert(at.last_host.delay == 0.5);

    host = (struct twi_record_host){ .origin = host.origin, .delay = 8, .not_before = 700 };
    page = jobs_page_of(0, TWI_RECORD_DONE); /* no news of robots.txt */
    page->record.hosts = &host;
    jobs_put(page);
    jobs_close(TWI_JOB_STOPPED);
    jobs_open("job");
    ck_assert_int_eq(at.hosts, 1);
    ck_assert_uint_eq(at.last_host.robots_length, 14);
    ck_assert_int_eq(at.last_host.robots_status, 200);
    ck_assert_int_eq(at.last_host.not_before, 700);
    ck_assert(at.last_host.delay == 8);
    jobs_close(TWI_JOB_STOPPED);
    jobs_end_virtual();
}
END_TEST

START_TEST(numbers_of_the_program_are_seen_when_they_are_kept)
{
    struct jobs_page *page;
    uint64_t key0;

    jobs_begin_virtual();
    jobs_open("job");
    key0 = twi_job_key0(at.job);
    page = jobs_page_of(0, TWI_RECORD_DONE);
    jobs_count(page, "books", true, 3, NULL);
    jobs_count(page, "books", true, 4, NULL);
    jobs_count(page, "books", false, 100, NULL);
    jobs_put(page);
    ck_assert_int_eq(twi_job_state(at.job, "books"), 0);
    jobs_wait(&at.acknowledged, 1);
    ck_assert_int_eq(twi_job_state(at.job, "books"), 7);
    jobs_close(TWI_JOB_STOPPED);
    jobs_open("job");
    ck_assert_uint_eq(twi_job_key0(at.job), key0);
    ck_assert_int_eq(twi_job_state(at.job, "books"), 7);
    ck_assert_int_eq(twi_job_state(at.job, "papers"), 0);
    page = jobs_page_of(0, TWI_RECORD_DONE);
    jobs_count(page, "books", true, -10, NULL);
    jobs_count(page, "finish_reason", false, 0, "finished");
    jobs_put(page);
    jobs_close(TWI_JOB_STOPPED);
    jobs_open("job");
    ck_assert_int_eq(twi_job_state(at.job, "books"), -3);
    jobs_close(TWI_JOB_STOPPED);
    jobs_end_virtual();
}
END_TEST

/* --- cookies and files ---------------------------------------------------------------------- */

static char rows_told[512];

static int told_cookie(const struct twi_record_cookie *row, void *arg)
{
    size_t length = strlen(rows_told);

    (void)arg;
    snprintf(rows_told + length, sizeof rows_told - length, "%s %s %s\n", row->jar, row->name,
             row->line);
    return 0;
}

static int told_file(const struct twi_record_file *row, void *arg)
{
    size_t length = strlen(rows_told);

    (void)arg;
    snprintf(rows_told + length, sizeof rows_told - length, "%d %s %s %s %s %d\n",
             (int)(row->key >> 60), row->path, row->sha256, row->etag,
             row->modified != NULL ? row->modified : "-", (int)row->at);
    return 0;
}

static int told_stat(const char *key, int64_t number, const char *text, void *arg)
{
    size_t length = strlen(rows_told);

    (void)arg;
    snprintf(rows_told + length, sizeof rows_told - length, "%s %d %s\n", key, (int)number,
             text != NULL ? text : "-");
    return 0;
}

START_TEST(cookies_files_and_statistics_come_back)
{
    struct twi_job_options options = jobs_quotes;
    struct twi_record_cookie cookies[] = { { "", "a.example;/;id", "id=1", &cookies[1] },
                                           { "", "a.example;/;old", "old=1", &cookies[2] },
                                           { "", "a.example;/;old", NULL, &cookies[3] },
                                           { "bob", "a.example;/;id", "id=2", NULL } };
    struct twi_record_file file = { .key = UINT64_C(0xf000000000000001),
                                    .path = "ab/ab.jpg",
                                    .sha256 = "ab",
                                    .etag = "\"1\"",
                                    .at = 9 };
    struct jobs_page *page;
    tw_value failure = tw_none();

    jobs_begin_virtual();
    jobs_open("job");
    page = jobs_page_of(0, TWI_RECORD_DONE);
    page->record.cookies = cookies;
    page->record.files = &file;
    jobs_count(page, "pages", false, 3, NULL);
    jobs_count(page, "reason", false, 0, "stopped");
    jobs_put(page);
    jobs_close(TWI_JOB_STOPPED);
    options.cookie = told_cookie;
    options.file = told_file;
    options.stat = told_stat;
    rows_told[0] = '\0';
    ck_assert_int_eq(jobs_open_with(options, jobs_path("job"), &failure), 0);
    ck_assert_str_eq(rows_told, " a.example;/;id id=1\nbob a.example;/;id id=2\n"
                                "15 ab/ab.jpg ab \"1\" - 9\n"
                                "pages 3 -\nreason 0 stopped\n");
    jobs_close(TWI_JOB_STOPPED);
    jobs_end_virtual();
}
END_TEST

/* --- gathering ------------------------------------------------------------------------------ */

static const struct {
    const char *when;
    unsigned places, in_flight, records;
    size_t item;
    double seconds;
    int64_t acknowledged;
} gathered[] = {
    { "fewer than half of the places wait", 8, 9, 3, 0, 0.0019, 0 },
    { "half of the places go", 8, 9, 4, 0, 0, 4 },
    { "half, and the rest waits", 8, 9, 5, 0, 0, 4 },
    { "two milliseconds after the first they go", 8, 9, 3, 0, 0.0021, 3 },
    { "at most 64 wait", 1000, 999, 64, 0, 0, 64 },
    { "less than 64 wait", 1000, 999, 63, 0, 0, 0 },
    { "a mebibyte goes", 1000, 999, 1, 1 << 20, 0, 1 },
    { "less than a mebibyte waits", 1000, 999, 1, (1 << 20) - 1, 0, 0 },
    { "nothing else in flight: it goes", 8, 0, 1, 0, 0, 1 },
    { "one place: it goes", 1, 1, 1, 0, 0, 1 },
};

START_TEST(records_gather_while_others_are_coming)
{
    static struct twi_record_item item;
    struct twi_job_options options = jobs_quotes;
    tw_value failure = tw_none();
    struct jobs_page *page;

    jobs_begin_virtual();
    options.places = gathered[_i].places;
    ck_assert_int_eq(jobs_open_with(options, jobs_path("job"), &failure), 0);
    twi_job_in_flight(at.job, gathered[_i].in_flight);
    item.json = gathered[_i].item > 0 ? test_given(calloc(1, gathered[_i].item)) : NULL;
    item.length = gathered[_i].item;
    for (unsigned i = 0; i < gathered[_i].records; i++) {
        page = jobs_page_of(0, TWI_RECORD_DONE);
        page->record.items = gathered[_i].item > 0 ? &item : NULL;
        jobs_put(page);
        ck_assert_int_eq(at.acknowledged, 0); /* never inside the call */
    }
    tw_testing_settle();
    tw_testing_advance(gathered[_i].seconds);
    ck_assert_msg(at.acknowledged == gathered[_i].acknowledged, "%s: %d", gathered[_i].when,
                  (int)at.acknowledged);
    jobs_close(TWI_JOB_STOPPED);
    ck_assert_int_eq(at.acknowledged, gathered[_i].records);
    free((void *)item.json);
    jobs_end_virtual();
}
END_TEST

/* --- reading back --------------------------------------------------------------------------- */

static int64_t loads_done;
static char loaded[512];

static void load_each(const struct twi_visit *visit, void *arg)
{
    size_t length = strlen(loaded);

    (void)arg;
    snprintf(loaded + length, sizeof loaded - length, "%d<%d %s%s %s %u %d\n", (int)visit->id,
             (int)visit->parent, visit->origin, visit->path,
             visit->info != NULL ? visit->info : "-", visit->depth, visit->priority);
}

static void load_done(tw_value failure, void *arg)
{
    (void)arg;
    ck_assert(!tw_is_failure(failure));
    loads_done++;
}

START_TEST(visits_are_read_back_also_those_just_put)
{
    static const int64_t ids[] = { 4, 2, 99, 3 };

    jobs_begin_virtual();
    jobs_open("job");
    twi_job_in_flight(at.job, 3);
    jobs_put_seed();
    loads_done = 0;
    loaded[0] = '\0';
    ck_assert_int_eq(twi_job_load(at.job, ids, 4, load_each, load_done, NULL), 0);
    ck_assert_int_eq(twi_job_load(at.job, NULL, 0, load_each, load_done, NULL), 0);
    ck_assert_int_eq(loads_done, 0);
    jobs_wait(&loads_done, 2);
    ck_assert_int_eq(at.acknowledged, 1);
    ck_assert_str_eq(loaded,
                     "4<1 https://a.example/4 - 7 0\n"
                     "2<1 https://a.example/2 {\"v\":1,\"callback\":\"parse_book\"} 1 0\n"
                     "3<1 https://b.example/3?x=\xc3\xa4 - 1 -128\n");
    ck_assert_int_eq(twi_job_load(at.job, ids, 1, load_each, load_done, NULL), 0);
    jobs_close(TWI_JOB_STOPPED);
    ck_assert_int_eq(loads_done, 3);
    jobs_end_virtual();
}
END_TEST

/* --- a thread that commits ------------------------------------------------------------------ */

START_TEST(a_thread_commits_in_order)
{
    struct twi_job_options options = jobs_quotes;
    tw_value failure = tw_none();
    static const int64_t ids[] = { 1, 2 };

    jobs_begin();
    memset(&at, 0, sizeof at);
    options.is_inline = false;
    options.power = true;
    ck_assert_int_eq(jobs_open_with(options, jobs_path("job"), &failure), 0);
    twi_job_in_flight(at.job, 9);
    jobs_put_seed();
    loads_done = 0;
    for (int i = 0; i < 500; i++) {
        jobs_put(jobs_page_of(2, TWI_RECORD_RETRY));
        if (i % 7 == 0)
            ck_assert_int_eq(twi_job_load(at.job, ids, 2, load_each, load_done, NULL), 0);
        if (i % 5 == 0)
            tw_reactor_iterate(0);
    }
    jobs_wait(&at.acknowledged, 490);
    jobs_close(TWI_JOB_STOPPED);
    ck_assert_int_eq(at.acknowledged, 501);
    ck_assert_int_eq(loads_done, 72);
    ck_assert_int_eq(jobs_open_with(options, jobs_path("job"), &failure), 0);
    ck_assert_int_eq(at.urls, 4);
    ck_assert_uint_eq(at.rows[2].tries, 63); /* as far as it counts */
    jobs_close(TWI_JOB_FINISHED);
    jobs_end();
}
END_TEST

START_TEST(without_a_folder_all_is_acknowledged_and_nothing_kept)
{
    tw_value failure = tw_none();

    jobs_begin_virtual();
    ck_assert_int_eq(jobs_open_with(jobs_quotes, NULL, &failure), 0);
    jobs_put_seed();
    jobs_put(jobs_page_of(2, TWI_RECORD_DONE));
    jobs_close(TWI_JOB_FINISHED);
    ck_assert_int_eq(at.acknowledged, 2);
    jobs_end_virtual();
}
END_TEST

/* --- pages that crash the program ----------------------------------------------------------- */

/* A start, a callback that crashes, unless `good`; in a child, as it ends by a signal. */
static void crash_once(bool good)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        jobs_open("job");
        twi_job_flight_begin(at.job, 3);
        twi_job_flight_end(at.job, 3);
        twi_job_flight_begin(at.job, 2);
        twi_job_flight_begin(at.job, 4);
        twi_job_flight_end(at.job, 2);
        twi_job_flight_end(at.job, 4);
        twi_job_flight_begin(at.job, good ? 3 : 4);
        raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
}

static enum twi_job_state state_of_4(void)
{
    enum twi_job_state state;

    jobs_open("job");
    state = at.rows[4].state;
    ck_assert_int_eq(at.rows[2].state, TWI_JOB_PENDING);
    ck_assert_int_eq(at.rows[3].state, TWI_JOB_PENDING);
    jobs_close(TWI_JOB_BROKEN);
    return state;
}

START_TEST(a_page_that_crashes_the_program_three_times_in_a_row_fails)
{
    jobs_begin_virtual();
    jobs_open("job");
    jobs_put_seed();
    jobs_close(TWI_JOB_STOPPED);
    crash_once(false);
    crash_once(false);
    crash_once(true); /* not in a row */
    crash_once(false);
    crash_once(false);
    crash_once(false);
    ck_assert_int_eq(state_of_4(), TWI_JOB_FAILED);
    jobs_end_virtual();
}
END_TEST

START_TEST(a_page_that_crashes_it_twice_is_tried_again)
{
    jobs_begin_virtual();
    jobs_open("job");
    jobs_put_seed();
    jobs_close(TWI_JOB_STOPPED);
    crash_once(false);
    crash_once(false);
    ck_assert_int_eq(state_of_4(), TWI_JOB_PENDING);
    crash_once(false); /* the start above was a good one */
    ck_assert_int_eq(state_of_4(), TWI_JOB_PENDING);
    jobs_end_virtual();
}
END_TEST

/* --- readers -------------------------------------------------------------------------------- */

static char read_text[1024];

static void read_add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void read_add(const char *format, ...)
{
    size_t length = strlen(read_text);
    va_list args;

    va_start(args, format);
    vsnprintf(read_text + length, sizeof read_text - length, format, args);
    va_end(args);
}

static int read_entry(const struct twi_reader_entry *entry, void *arg)
{
    (void)arg;
    read_add("%d %d %s%s %d %s\n", (int)entry->seq, (int)entry->url, entry->origin,
             entry->path, (int)entry->kind, entry->note != NULL ? entry->note : "-");
    return 0;
}

static int read_stat(const char *key, const char *value, bool is_number, void *arg)
{
    (void)arg;
    read_add("%s=%s%s\n", key, value, is_number ? "" : " (text)");
    return 0;
}

static int read_url(const struct twi_reader_url *url, void *arg)
{
    (void)arg;
    read_add("%d<%d %s%s %s\n", (int)url->id, (int)url->parent, url->origin, url->path,
             url->info != NULL ? url->info : "-");
    return 0;
}

/* Two pages fail, one of them is done later, one is tried again. */
static void put_some(void)
{
    struct jobs_page *page;

    jobs_put_seed();
    page = jobs_page_of(2, TWI_RECORD_FAILED);
    page->record.note = "status 500";
    jobs_count(page, "errors", false, 2, NULL);
    jobs_count(page, "finish_reason", false, 0, "finished");
    jobs_put(page);
    jobs_put(jobs_page_of(3, TWI_RECORD_FAILED));
    jobs_put(jobs_page_of(3, TWI_RECORD_DONE));
    jobs_put(jobs_page_of(4, TWI_RECORD_RETRY));
    jobs_wait(&at.acknowledged, 5);
}

START_TEST(a_job_may_be_read_while_it_is_crawled)
{
    struct twi_reader *reader;
    struct twi_reader_counts counts;
    struct twi_reader_facts facts;
    tw_value failure = tw_none();

    jobs_begin_virtual();
    jobs_open("job");
    put_some();
    ck_assert_int_eq(twi_reader_open(jobs_path("job"), &reader, &failure), 0);
    ck_assert_int_eq(twi_reader_facts(reader, &facts, &failure), 0);
    ck_assert_str_eq(facts.spider, "quotes");
    ck_assert_str_eq(facts.state, "running");
    ck_assert_int_eq(facts.process, getpid());
    ck_assert_uint_eq(facts.key1, twi_job_key1(at.job));
    ck_assert_int_eq(facts.started, twi_job_started(at.job));
    ck_assert_int_eq(twi_reader_count(reader, &counts, &failure), 0);
    ck_assert_int_eq(counts.urls, 4);
    ck_assert_int_eq(counts.hosts, 3);
    ck_assert_int_eq(counts.done, 2);
    ck_assert_int_eq(counts.failed, 1);
    ck_assert_int_eq(counts.pending, 1);
    ck_assert_int_eq(counts.retries, 1);
    ck_assert_int_eq(counts.rows, 5);
    ck_assert_int_eq(counts.bytes, 500);
    read_text[0] = '\0';
    ck_assert_int_eq(twi_reader_failed(reader, read_entry, NULL, &failure), 0);
    ck_assert_str_eq(read_text, "2 2 https://a.example/2 1 status 500\n");
    read_text[0] = '\0';
    ck_assert_int_eq(twi_reader_history(reader, 3, read_entry, NULL, &failure), 0);
    ck_assert_int_eq(twi_reader_log(reader, 4, 10, read_entry, NULL, &failure), 0);
    ck_assert_int_eq(twi_reader_stats(reader, read_stat, NULL, &failure), 0);
    ck_assert_int_eq(
        twi_reader_find(reader, 2 * UINT64_C(0x9e3779b97f4a7c15), read_url, NULL, &failure),
        0);
    ck_assert_str_eq(read_text,
                     "3 3 https://b.example/3?x=\xc3\xa4 1 -\n"
                     "4 3 https://b.example/3?x=\xc3\xa4 0 -\n"
                     "5 4 https://a.example/4 4 -\n"
                     "errors=2\nfinish_reason=finished (text)\n"
                     "2<1 https://a.example/2 {\"v\":1,\"callback\":\"parse_book\"}\n");
    jobs_close(TWI_JOB_FINISHED);
    ck_assert_int_eq(twi_reader_facts(reader, &facts, &failure), 0);
    ck_assert_str_eq(facts.state, "finished");
    ck_assert_int_eq(facts.process, 0);
    twi_reader_free(reader);
    jobs_end_virtual();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job");

    TEST_ADD(suite, a_job_comes_back_as_it_was_committed);
    TEST_ADD(suite, what_is_known_of_a_host_comes_back);
    TEST_ADD(suite, numbers_of_the_program_are_seen_when_they_are_kept);
    TEST_ADD(suite, cookies_files_and_statistics_come_back);
    TEST_ADD_ROWS(suite, records_gather_while_others_are_coming, gathered);
    TEST_ADD(suite, visits_are_read_back_also_those_just_put);
    TEST_ADD(suite, a_thread_commits_in_order);
    TEST_ADD(suite, without_a_folder_all_is_acknowledged_and_nothing_kept);
    TEST_ADD(suite, a_page_that_crashes_the_program_three_times_in_a_row_fails);
    TEST_ADD(suite, a_page_that_crashes_it_twice_is_tried_again);
    TEST_ADD(suite, a_job_may_be_read_while_it_is_crawled);
    return test_run(suite);
}
