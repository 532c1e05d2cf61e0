/* SPDX-License-Identifier: MIT */
/*
 * check_job_memory.c - a job without memory: each allocation fails once, ours and SQLite's.
 *
 * Linked with --wrap for malloc() and its kin. Each run is a child of its own: it must not crash or
 * hang, must name what happened, and whatever was acknowledged must be kept.
 */
#include "config.h"

#include <malloc.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "spider/job/feed.h"
#include "tests/jobs.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static unsigned allocations, fails_at;

static bool fails_now(void)
{
    return fails_at != 0 && ++allocations == fails_at;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_realloc(block, size);
}

/* --- SQLite's ------------------------------------------------------------------------------- */

static void *sql_malloc(int size)
{
    return malloc((size_t)size);
}

static void *sql_realloc(void *block, int size)
{
    return realloc(block, (size_t)size);
}

static int sql_size(void *block)
{
    return block == NULL ? 0 : (int)malloc_usable_size(block);
}

static int sql_roundup(int size)
{
    return (size + 7) & ~7;
}

static int sql_init(void *arg)
{
    (void)arg;
    return SQLITE_OK;
}

static void sql_shutdown(void *arg)
{
    (void)arg;
}

/* --- a run ---------------------------------------------------------------------------------- */

/* The child ends when this does not hold: an assertion would want memory. */
static void hold(bool holds, const char *what)
{
    if (holds)
        return;
    fails_at = 0;
    fprintf(stderr, "job_memory: %s\n", what);
    _exit(1);
}

static void quietly_acknowledged(struct twi_record *record, void *arg)
{
    (void)record;
    (void)arg;
    at.acknowledged++;
}

static bool is_named(tw_value failure)
{
    return tw_failure_has(failure, &tw_error_memory) || tw_failure_is(failure, &tw_error_job);
}

static int64_t loads_done, loads_asked;

static void load_each(const struct twi_visit *visit, void *arg)
{
    (void)visit;
    (void)arg;
}

static void load_done(tw_value failure, void *arg)
{
    (void)failure;
    (void)arg;
    loads_done++;
}

static tw_value closed_somehow(tw_value result, void *arg)
{
    bool *has_failed = arg;

    *has_failed = tw_is_failure(result);
    hold(!*has_failed || is_named(result), "a failure of another kind");
    jobs_is_closed = true;
    return tw_none();
}

static int open_short(tw_value *ret_failure)
{
    struct twi_feed_options feed = { .path = jobs_path("out.jsonl.gz") };
    struct twi_job_options options = jobs_quotes;

    if (fails_at != 0) {
        options.host = NULL;
        options.url = NULL;
    }
    options.feeds = &feed;
    options.feed_count = 1;
    return jobs_open_with(options, jobs_path("job"), ret_failure);
}

static void run(struct jobs_page **pages, size_t count)
{
    static const int64_t ids[] = { 2, 3 };
    bool has_failed = false;
    tw_deferred *closed;

    for (size_t i = 0; i < count; i++) {
        twi_job_put(at.job, &pages[i]->record);
        tw_testing_settle();
        if (twi_job_load(at.job, ids, 2, load_each, load_done, NULL) == 0)
            loads_asked++;
    }
    jobs_is_closed = false;
    closed = twi_job_close(at.job, TWI_JOB_STOPPED);
    tw_add_both(closed, closed_somehow, &has_failed);
    tw_deferred_unref(closed);
    for (int turns = 0; turns < 100 && !jobs_is_closed; turns++)
        tw_testing_advance(1);
    hold(jobs_is_closed, "never closed");
    hold(loads_done == loads_asked, "a load without an end");
    hold(has_failed || at.acknowledged == (int64_t)count, "a record without an end");
}

static void check_after(int64_t acknowledged)
{
    tw_value failure = tw_none();

    fails_at = 0;
    ck_assert_int_eq(open_short(&failure), 0);
    if (acknowledged > 0)
        ck_assert_int_eq(at.rows[1].state, TWI_JOB_DONE);
    if (acknowledged > 1)
        ck_assert_int_eq(at.rows[2].state, TWI_JOB_DONE);
    if (acknowledged > 2)
        ck_assert_int_eq(at.rows[3].state, TWI_JOB_DONE);
    jobs_close(TWI_JOB_STOPPED);
}

static void child_run(unsigned n)
{
    static struct twi_record_item item = { .json = "{\"n\":1}", .length = 7, .feeds = 1 };
    struct jobs_page *pages[3];
    tw_value failure = tw_none();
    int r;

    ck_assert_int_eq(tw_testing_begin(), 0);
    pages[0] = jobs_seed();
    pages[1] = jobs_page(2, TWI_RECORD_DONE, &at.acknowledged);
    pages[2] = jobs_page(3, TWI_RECORD_DONE, &at.acknowledged);
    pages[1]->record.items = pages[2]->record.items = &item;
    jobs_count(pages[2], "n", true, 1, NULL);
    for (int i = 0; i < 3; i++)
        pages[i]->record.acknowledged = quietly_acknowledged;
    allocations = 0;
    fails_at = n;
    r = open_short(&failure);
    if (r < 0)
        hold(is_named(failure), "a failure of another kind");
    else
        run(pages, 3);
    _exit(allocations < n ? 3 : (check_after(at.acknowledged), 0));
}

/* False: there are fewer allocations. */
static bool fail_at(unsigned n)
{
    int status;
    pid_t child;

    jobs_begin();
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        child_run(n);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "at %u: signal %d", n, WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3, "at %u", n);
    jobs_end();
    return WEXITSTATUS(status) == 0;
}

START_TEST(each_allocation_may_fail)
{
    static const sqlite3_mem_methods methods = { sql_malloc,  free,     sql_realloc, sql_size,
                                                 sql_roundup, sql_init, sql_shutdown, NULL };
    unsigned step = getenv("JOB_KILLS") != NULL ? 1 : 37, n;

    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
    for (n = 1; fail_at(n); n += step)
        ;
    ck_assert_uint_gt(n, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job_memory");

    TEST_ADD(suite, each_allocation_may_fail);
    return test_run(suite);
}
