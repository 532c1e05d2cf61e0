/* SPDX-License-Identifier: MIT */
/*
 * check_job_folder.c - a wrong folder says what is wrong; older jobs are brought up to date.
 */
#include "config.h"

#include <fcntl.h>

#include "spider/job/reader.h"
#include "spider/job/schema.h"
#include "tests/jobs.h"

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
    jobs_open("job");
    jobs_put_seed();
    jobs_close(TWI_JOB_STOPPED);
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

/* A reader needs a job, too. */
static void check_reader_refuses(int error, bool is_resume)
{
    struct twi_reader *reader;
    tw_value failure = tw_none();

    if (!is_resume || error == -EBADMSG || at.urls > 0 || at.hosts > 0)
        return;
    ck_assert_int_eq(twi_reader_open(jobs_path("job"), &reader, &failure), error);
    ck_assert(tw_failure_is(failure, &tw_error_job));
    tw_release(failure);
}

START_TEST(a_wrong_folder_says_what_is_wrong)
{
    struct twi_job_options options = jobs_quotes;
    tw_value failure = tw_none();
    char says[512];
    int r;

    jobs_begin_virtual();
    if (folders[_i].error == -EACCES && geteuid() == 0) {
        jobs_end_virtual();
        return; /* nothing is forbidden to root */
    }
    folders[_i].make(jobs_path("job"));
    options.is_resume = folders[_i].is_resume;
    options.spider = folders[_i].spider;
    r = jobs_open_with(options, jobs_path(folders[_i].name), &failure);
    check_reader_refuses(folders[_i].error, folders[_i].is_resume);
    snprintf(says, sizeof says, folders[_i].says, jobs_path("job"));
    ck_assert_msg(r == folders[_i].error, "%s: %d %s", folders[_i].when, r,
                  r < 0 ? tw_failure_message(failure) : "");
    ck_assert(tw_failure_is(failure, &tw_error_job));
    ck_assert_int_eq(tw_failure_number(failure), -r);
    ck_assert_str_eq(tw_failure_message(failure), says);
    tw_release(failure);
    jobs_end_virtual();
}
END_TEST

START_TEST(a_second_crawler_is_refused_and_told_of_the_first)
{
    tw_value failure = tw_none();
    char says[512];
    struct twi_job *first;

    jobs_begin_virtual();
    jobs_open("job");
    first = at.job;
    ck_assert_int_eq(jobs_open_with(jobs_quotes, jobs_path("job"), &failure), -EBUSY);
    snprintf(says, sizeof says,
             "%s is being crawled by process %ld: wait for it, or stop it first",
             jobs_path("job"), (long)getpid());
    ck_assert_str_eq(tw_failure_message(failure), says);
    tw_release(failure);
    at.job = first;
    jobs_close(TWI_JOB_STOPPED);
    jobs_open("job");
    jobs_close(TWI_JOB_STOPPED);
    jobs_end_virtual();
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

    jobs_begin_virtual();
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
    jobs_end_virtual();
}
END_TEST

START_TEST(a_start_that_was_killed_early_begins_anew)
{
    jobs_begin_virtual();
    ck_assert_int_eq(mkdir(jobs_path("job"), 0777), 0);
    jobs_write(jobs_path("job/lock"), "");
    jobs_write(jobs_path("job/job.sqlite"), "");
    jobs_open("job");
    jobs_put_seed();
    jobs_close(TWI_JOB_STOPPED);
    jobs_open("job");
    ck_assert_int_eq(at.urls, 4);
    jobs_close(TWI_JOB_STOPPED);
    jobs_end_virtual();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job_folder");

    TEST_ADD_ROWS(suite, a_wrong_folder_says_what_is_wrong, folders);
    TEST_ADD(suite, a_second_crawler_is_refused_and_told_of_the_first);
    TEST_ADD(suite, an_older_job_is_brought_up_to_date_or_left_as_it_was);
    TEST_ADD(suite, a_start_that_was_killed_early_begins_anew);
    return test_run(suite);
}
