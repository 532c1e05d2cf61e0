/* SPDX-License-Identifier: MIT */
/*
 * check_job.c - a job keeps what was acknowledged, in order, and says what is wrong with a folder.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "spider/job/schema.h"
#include "tests/jobs.h"

/* --- a job at work -------------------------------------------------------------------------- */

static struct {
    struct twi_job *job;
    int64_t acknowledged, hosts, urls, fulls, failures, order;
    struct twi_job_url rows[64];
    char origins[64][64];
    struct twi_job_host last_host;
} at;

static int told_host(const struct twi_job_host *row, void *arg)
{
    (void)arg;
    ck_assert_int_lt(row->id, 64);
    snprintf(at.origins[row->id], sizeof at.origins[0], "%s", row->origin);
    at.last_host = *row;
    at.hosts++;
    return 0;
}

static int told_url(const struct twi_job_url *row, void *arg)
{
    (void)arg;
    ck_assert_int_lt(row->id, 64);
    at.rows[row->id] = *row;
    at.urls++;
    return 0;
}

static void told_failed(tw_value failure, void *arg)
{
    (void)failure;
    (void)arg;
    at.failures++;
}

static const struct twi_job_options quotes = { .spider = "quotes",
                                               .places = 8,
                                               .is_inline = true,
                                               .host = told_host,
                                               .url = told_url,
                                               .failed = told_failed };

static void begin(void)
{
    jobs_begin();
    ck_assert_int_eq(tw_testing_begin(), 0);
    memset(&at, 0, sizeof at);
}

static void end(void)
{
    ck_assert_uint_eq(tw_testing_end(), 0);
    jobs_end();
}

static int open_with(struct twi_job_options options, const char *folder, tw_value *ret_failure)
{
    options.folder = folder;
    at.hosts = at.urls = at.acknowledged = at.order = 0;
    memset(at.rows, 0, sizeof at.rows);
    return twi_job_open(&options, &at.job, ret_failure);
}

static void open_job(const char *name)
{
    tw_value failure = tw_none();
    int r = open_with(quotes, jobs_path(name), &failure);

    ck_assert_msg(r == 0, "%s", tw_failure_message(failure));
}

static bool is_closed;
static tw_value closed_with(tw_value result, void *arg)
{
    (void)arg;
    is_closed = true;
    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    return tw_none();
}

static void close_job(enum twi_job_end how)
{
    tw_deferred *closed = twi_job_close(at.job, how);
    double deadline = test_deadline();

    is_closed = false;
    tw_add_both(closed, closed_with, NULL);
    tw_deferred_unref(closed);
    while (!is_closed && test_before(deadline))
        tw_reactor_iterate(0.05);
    ck_assert(is_closed);
}

static struct jobs_page *page_of(int64_t url, enum twi_record_kind kind)
{
    struct jobs_page *page = jobs_page(url, kind, &at.acknowledged);

    page->order = ++at.order;
    return page;
}

static void put(struct jobs_page *page)
{
    twi_job_put(at.job, &page->record);
}

/* The seed found three pages on two hosts. */
static void put_seed(void)
{
    struct jobs_page *page;

    ck_assert_int_eq(twi_job_number(at.job, 4), 1);
    page = page_of(1, TWI_RECORD_DONE);
    jobs_visit(page, 1, "start:", "");
    jobs_visit(page, 2, "https://a.example", "/2")->info =
        "{\"v\":1,\"callback\":\"parse_book\"}";
    jobs_visit(page, 3, "https://b.example", "/3?x=\xc3\xa4")->priority = -128;
    jobs_visit(page, 4, "https://a.example", "/4")->depth = 7;
    put(page);
}

START_TEST(a_job_comes_back_as_it_was_committed)
{
    struct jobs_page *page;

    begin();
    open_job("job");
    ck_assert_int_eq(at.urls, 0);
    put_seed();
    put(page_of(2, TWI_RECORD_FAILED));
    page = page_of(3, TWI_RECORD_RETRY);
    page->record.due = 5000;
    put(page);
    page = page_of(3, TWI_RECORD_RETRY);
    page->record.due = 7000;
    put(page);
    put(page_of(4, TWI_RECORD_PART));
    close_job(TWI_JOB_STOPPED);
    ck_assert_int_eq(at.acknowledged, 5);

    open_job("job");
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
    put(page_of(3, TWI_RECORD_EXCLUDED));
    put(page_of(4, TWI_RECORD_REDIRECT));
    close_job(TWI_JOB_FINISHED);

    open_job("job");
    ck_assert_int_eq(at.rows[3].state, TWI_JOB_EXCLUDED);
    ck_assert_int_eq(at.rows[4].state, TWI_JOB_DONE);
    close_job(TWI_JOB_BROKEN);
    end();
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

    begin();
    open_job("job");
    page = page_of(0, TWI_RECORD_DONE);
    page->record.hosts = &host;
    put(page);
    close_job(TWI_JOB_STOPPED);
    open_job("job");
    ck_assert_int_eq(at.hosts, 1);
    ck_assert_int_eq(at.urls, 0);
    ck_assert_str_eq(at.origins[1], "https://new.example");
    ck_assert_uint_eq(at.last_host.robots_length, 14);
    ck_assert_int_eq(at.last_host.robots_status, 200);
    ck_assert_int_eq(at.last_host.robots_until, 99);
    ck_assert_int_eq(at.last_host.not_before, 77);
    ck_assert(at.last_host.delay == 0.5);
    close_job(TWI_JOB_STOPPED);
    end();
}
END_TEST

START_TEST(numbers_of_the_program_are_seen_when_they_are_kept)
{
    struct jobs_page *page;
    uint64_t key0;

    begin();
    open_job("job");
    key0 = twi_job_key0(at.job);
    page = page_of(0, TWI_RECORD_DONE);
    jobs_count(page, "books", true, 3, NULL);
    jobs_count(page, "books", true, 4, NULL);
    jobs_count(page, "books", false, 100, NULL);
    put(page);
    ck_assert_int_eq(twi_job_state(at.job, "books"), 0);
    jobs_wait(&at.acknowledged, 1);
    ck_assert_int_eq(twi_job_state(at.job, "books"), 7);
    close_job(TWI_JOB_STOPPED);
    open_job("job");
    ck_assert_uint_eq(twi_job_key0(at.job), key0);
    ck_assert_int_eq(twi_job_state(at.job, "books"), 7);
    ck_assert_int_eq(twi_job_state(at.job, "papers"), 0);
    page = page_of(0, TWI_RECORD_DONE);
    jobs_count(page, "books", true, -10, NULL);
    jobs_count(page, "finish_reason", false, 0, "finished");
    put(page);
    close_job(TWI_JOB_STOPPED);
    open_job("job");
    ck_assert_int_eq(twi_job_state(at.job, "books"), -3);
    close_job(TWI_JOB_STOPPED);
    end();
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
    struct twi_job_options options = quotes;
    tw_value failure = tw_none();
    struct jobs_page *page;

    begin();
    options.places = gathered[_i].places;
    ck_assert_int_eq(open_with(options, jobs_path("job"), &failure), 0);
    twi_job_in_flight(at.job, gathered[_i].in_flight);
    item.json = gathered[_i].item > 0 ? test_given(calloc(1, gathered[_i].item)) : NULL;
    item.length = gathered[_i].item;
    for (unsigned i = 0; i < gathered[_i].records; i++) {
        page = page_of(0, TWI_RECORD_DONE);
        page->record.items = gathered[_i].item > 0 ? &item : NULL;
        put(page);
        ck_assert_int_eq(at.acknowledged, 0); /* never inside the call */
    }
    tw_testing_settle();
    tw_testing_advance(gathered[_i].seconds);
    ck_assert_msg(at.acknowledged == gathered[_i].acknowledged, "%s: %d", gathered[_i].when,
                  (int)at.acknowledged);
    close_job(TWI_JOB_STOPPED);
    ck_assert_int_eq(at.acknowledged, gathered[_i].records);
    free((void *)item.json);
    end();
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

    begin();
    open_job("job");
    twi_job_in_flight(at.job, 3);
    put_seed();
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
    close_job(TWI_JOB_STOPPED);
    ck_assert_int_eq(loads_done, 3);
    end();
}
END_TEST

/* --- a thread that commits ------------------------------------------------------------------ */

START_TEST(a_thread_commits_in_order)
{
    struct twi_job_options options = quotes;
    tw_value failure = tw_none();
    static const int64_t ids[] = { 1, 2 };

    jobs_begin();
    memset(&at, 0, sizeof at);
    options.is_inline = false;
    options.power = true;
    ck_assert_int_eq(open_with(options, jobs_path("job"), &failure), 0);
    twi_job_in_flight(at.job, 9);
    put_seed();
    loads_done = 0;
    for (int i = 0; i < 500; i++) {
        put(page_of(2, TWI_RECORD_RETRY));
        if (i % 7 == 0)
            ck_assert_int_eq(twi_job_load(at.job, ids, 2, load_each, load_done, NULL), 0);
        if (i % 5 == 0)
            tw_reactor_iterate(0);
    }
    jobs_wait(&at.acknowledged, 490);
    close_job(TWI_JOB_STOPPED);
    ck_assert_int_eq(at.acknowledged, 501);
    ck_assert_int_eq(loads_done, 72);
    ck_assert_int_eq(open_with(options, jobs_path("job"), &failure), 0);
    ck_assert_int_eq(at.urls, 4);
    ck_assert_uint_eq(at.rows[2].tries, 63); /* as far as it counts */
    close_job(TWI_JOB_FINISHED);
    jobs_end();
}
END_TEST

START_TEST(without_a_folder_all_is_acknowledged_and_nothing_kept)
{
    tw_value failure = tw_none();

    begin();
    ck_assert_int_eq(open_with(quotes, NULL, &failure), 0);
    put_seed();
    put(page_of(2, TWI_RECORD_DONE));
    close_job(TWI_JOB_FINISHED);
    ck_assert_int_eq(at.acknowledged, 2);
    end();
}
END_TEST

/* --- folders -------------------------------------------------------------------------------- */

static void make_none(const char *path)
{
    (void)path;
}

static void make_file(const char *path)
{
    jobs_write(path, "text");
}

static void make_empty(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

static void make_documents(const char *path)
{
    make_empty(path);
    jobs_write(jobs_path("job/letter.txt"), "Dear");
}

static void make_closed(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0500), 0);
}

static void make_job(const char *path)
{
    (void)path;
    open_job("job");
    put_seed();
    close_job(TWI_JOB_STOPPED);
}

static void make_foreign(const char *path)
{
    struct twi_sql *sql;
    tw_value failure;

    make_empty(path);
    ck_assert_int_eq(twi_sql_open(jobs_path("job/job.sqlite"), TWI_SQL_MAKE, &sql, &failure),
                     0);
    ck_assert_int_eq(twi_sql_run(sql, "CREATE TABLE letters (text)"), 0);
    twi_sql_close(sql);
}

static void run_on_job(const char *statements)
{
    struct twi_sql *sql;
    tw_value failure;

    ck_assert_int_eq(twi_sql_open(jobs_path("job/job.sqlite"), TWI_SQL_WRITE, &sql, &failure),
                     0);
    ck_assert_int_eq(twi_sql_run(sql, statements), 0);
    twi_sql_close(sql);
}

static void make_newer(const char *path)
{
    make_job(path);
    run_on_job("PRAGMA user_version = 99");
}

static void make_garbage(const char *path)
{
    make_empty(path);
    jobs_write(jobs_path("job/job.sqlite"),
               "This is no database, but a text that is longer than "
               "the head of one, which has a hundred bytes in all.");
}

/* The pages behind the first are overwritten. */
static void make_damaged(const char *path)
{
    static const char bad[4096 * 8] = { 17 };
    int fd;

    make_job(path);
    fd = open(jobs_path("job/job.sqlite"), O_WRONLY);
    ck_assert_int_eq(pwrite(fd, bad, sizeof bad, 4096), sizeof bad);
    close(fd);
}

static void make_lost_host(const char *path)
{
    make_job(path);
    run_on_job("DELETE FROM host WHERE id = 3");
}

static const struct {
    const char *when;
    void (*make)(const char *path);
    bool is_resume;
    const char *name, *spider;
    int error;
    const char *says; /* with the folder in place of %s */
} folders[] = {
    { "no folder", make_none, true, "job", "quotes", -ENOENT,
      "there is no job %s: no such folder" },
    { "no folder above", make_none, false, "job/below", "quotes", -ENOENT,
      "cannot make the folder %s/below: No such file or directory" },
    { "a file", make_file, false, "job", "quotes", -ENOTDIR, "%s is no folder; a job is one" },
    { "an empty folder", make_empty, true, "job", "quotes", -EINVAL,
      "%s is no job: it has no job.sqlite; name a job, or a new or empty folder" },
    { "somebody's documents", make_documents, false, "job", "quotes", -EINVAL,
      "%s is no job: it has no job.sqlite; name a job, or a new or empty folder" },
    { "no permission", make_closed, false, "job", "quotes", -EACCES,
      "cannot write %s/lock: Permission denied" },
    { "another spider's", make_job, false, "job", "books", -EEXIST,
      "%s is the job of the spider \"quotes\", not of \"books\": name another folder" },
    { "another program's database", make_foreign, false, "job", "quotes", -EINVAL,
      "%s/job.sqlite is a database of another program: name another folder" },
    { "a newer version", make_newer, true, "job", "quotes", -EPROTONOSUPPORT,
      "%s/job.sqlite is of version 99, and this tweed knows up to 1: resume it with the newer "
      "tweed"
      " that made it" },
    { "a text", make_garbage, true, "job", "quotes", -EBADMSG,
      "%s/job.sqlite: file is not a database" },
    { "a damaged database", make_damaged, true, "job", "quotes", -EBADMSG,
      "%s/job.sqlite: database disk image is malformed" },
    { "a row that is missing", make_lost_host, true, "job", "quotes", -EBADMSG,
      "%s is damaged: restore it from a copy, or begin in a new folder" },
};

START_TEST(a_wrong_folder_says_what_is_wrong)
{
    struct twi_job_options options = quotes;
    tw_value failure = tw_none();
    char says[512];
    int r;

    begin();
    if (folders[_i].error == -EACCES && geteuid() == 0) {
        end();
        return; /* nothing is forbidden to root */
    }
    folders[_i].make(jobs_path("job"));
    options.is_resume = folders[_i].is_resume;
    options.spider = folders[_i].spider;
    r = open_with(options, jobs_path(folders[_i].name), &failure);
    snprintf(says, sizeof says, folders[_i].says, jobs_path("job"));
    ck_assert_msg(r == folders[_i].error, "%s: %d %s", folders[_i].when, r,
                  r < 0 ? tw_failure_message(failure) : "");
    ck_assert(tw_failure_is(failure, &tw_error_job));
    ck_assert_int_eq(tw_failure_number(failure), r);
    ck_assert_str_eq(tw_failure_message(failure), says);
    tw_release(failure);
    end();
}
END_TEST

START_TEST(a_second_crawler_is_refused_and_told_of_the_first)
{
    tw_value failure = tw_none();
    char says[512];
    struct twi_job *first;

    begin();
    open_job("job");
    first = at.job;
    ck_assert_int_eq(open_with(quotes, jobs_path("job"), &failure), -EBUSY);
    snprintf(says, sizeof says,
             "%s is being crawled by process %ld: wait for it, or stop it first",
             jobs_path("job"), (long)getpid());
    ck_assert_str_eq(tw_failure_message(failure), says);
    tw_release(failure);
    at.job = first;
    close_job(TWI_JOB_STOPPED);
    open_job("job");
    close_job(TWI_JOB_STOPPED);
    end();
}
END_TEST

/* --- versions ------------------------------------------------------------------------------- */

START_TEST(an_older_job_is_brought_up_to_date_or_left_as_it_was)
{
    const char *steps[] = {
        twi_schema_steps[0],
        "ALTER TABLE host ADD COLUMN colour TEXT; UPDATE host SET colour = 'red'",
        "CREATE TABLE more (n INT); INSERT INTO more VALUES (7)",
        "CREATE TABLE last (n INT); INSERT INTO nowhere VALUES (1)"
    };
    struct twi_sql *sql;
    tw_value failure = tw_none();
    int64_t number;
    size_t version;
    const char *path = "a.sqlite";

    begin();
    make_job(NULL);
    ck_assert_int_eq(twi_sql_open(jobs_path("job/job.sqlite"), TWI_SQL_WRITE, &sql, &failure),
                     0);
    ck_assert_int_eq(twi_schema_look(sql, path, 4, &version, &failure), 0);
    ck_assert_uint_eq(version, 1);
    ck_assert_int_lt(twi_schema_apply(sql, steps, version, 4), 0);
    twi_sql_rollback(sql);
    ck_assert_int_eq(twi_schema_look(sql, path, 4, &version, &failure), 0);
    ck_assert_uint_eq(version, 1);
    ck_assert_int_lt(twi_sql_ask(sql, "SELECT n FROM more", &number), 0);
    ck_assert_int_eq(twi_schema_apply(sql, steps, version, 3), 0);
    ck_assert_int_eq(twi_sql_ask(sql, "SELECT n FROM more", &number), 0);
    ck_assert_int_eq(number, 7);
    ck_assert_int_eq(
        twi_sql_ask(sql, "SELECT count(*) FROM host WHERE colour = 'red'", &number), 0);
    ck_assert_int_eq(number, 3);
    ck_assert_int_eq(twi_schema_look(sql, path, 2, &version, &failure), -EPROTONOSUPPORT);
    tw_release(failure);
    twi_sql_close(sql);
    end();
}
END_TEST

START_TEST(a_start_that_was_killed_early_begins_anew)
{
    begin();
    ck_assert_int_eq(mkdir(jobs_path("job"), 0777), 0);
    jobs_write(jobs_path("job/lock"), "");
    jobs_write(jobs_path("job/job.sqlite"), "");
    open_job("job");
    put_seed();
    close_job(TWI_JOB_STOPPED);
    open_job("job");
    ck_assert_int_eq(at.urls, 4);
    close_job(TWI_JOB_STOPPED);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job");

    TEST_ADD(suite, a_job_comes_back_as_it_was_committed);
    TEST_ADD(suite, what_is_known_of_a_host_comes_back);
    TEST_ADD(suite, numbers_of_the_program_are_seen_when_they_are_kept);
    TEST_ADD_ROWS(suite, records_gather_while_others_are_coming, gathered);
    TEST_ADD(suite, visits_are_read_back_also_those_just_put);
    TEST_ADD(suite, a_thread_commits_in_order);
    TEST_ADD(suite, without_a_folder_all_is_acknowledged_and_nothing_kept);
    TEST_ADD_ROWS(suite, a_wrong_folder_says_what_is_wrong, folders);
    TEST_ADD(suite, a_second_crawler_is_refused_and_told_of_the_first);
    TEST_ADD(suite, an_older_job_is_brought_up_to_date_or_left_as_it_was);
    TEST_ADD(suite, a_start_that_was_killed_early_begins_anew);
    return test_run(suite);
}
