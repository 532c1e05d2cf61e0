/* SPDX-License-Identifier: MIT */
/*
 * check_job_power.c - a crawl whose machine loses power still ends with each page done and each
 * item in its feed exactly once.
 *
 * Power fails at the n-th call that changes a file, and a random part of what was not synced is
 * gone, of the database as of the feeds. `make check` takes a part of the calls, `make
 * check-kills` all of them (JOB_KILLS=all).
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "spider/job/reader.h"
#include "tests/crawl_model.h"
#include "tests/jobs.h"
#include "tests/power.h"

static bool takes_all(void)
{
    const char *kills = getenv("JOB_KILLS");

    return kills != NULL && strcmp(kills, "all") == 0;
}

static int crawl_until(const struct crawl_plan *plan, unsigned n, uint32_t seed)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        power_begin(jobs_root, n, seed);
        crawl_run(plan);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char *const feeds[] = { "out.jsonl",
                                     "out.json",
                                     "out.csv",
                                     "out.xml",
                                     "out.sqlite",
                                     "out.jsonl.gz",
                                     "out.csv.zst",
                                     "part-%(batch)d.jsonl",
                                     "part-%(batch)d.xml.gz" };

static void plan_for(const char *feed, struct crawl_plan *plan)
{
    *plan = (struct crawl_plan){ .folder = jobs_path("job"),
                                 .feed = jobs_path(feed),
                                 .batch = strchr(feed, '%') != NULL ? 13 : 0,
                                 .pages = 60,
                                 .is_inline = true };
}

/* What was acknowledged is kept, where that was asked for. */
static void check_kept(const struct crawl_plan *plan, unsigned n)
{
    struct twi_reader *reader;
    struct twi_reader_counts counts;
    tw_value failure = tw_none();

    if (!plan->power || *plan->acknowledged == 0)
        return;
    ck_assert_msg(twi_reader_open(plan->folder, &reader, &failure) == 0, "%s",
                  tw_failure_message(failure));
    ck_assert_int_eq(twi_reader_count(reader, &counts, &failure), 0);
    ck_assert_msg(counts.rows >= (int64_t)*plan->acknowledged, "at %u: %d rows of %u", n,
                  (int)counts.rows, *plan->acknowledged);
    twi_reader_free(reader);
}

/* Power fails at the n-th call; at the `again`-th of the next run, too (0: not). False: there are
 * fewer calls. */
static bool fail_at(const char *feed, bool power, unsigned n, unsigned again, uint32_t seed)
{
    struct crawl_plan plan;
    const char *why;
    int status;

    jobs_begin();
    ck_assert_int_eq(mkdir(jobs_path("job"), 0777), 0);
    plan_for(feed, &plan);
    plan.power = power;
    plan.acknowledged = mmap(NULL, sizeof(unsigned), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(plan.acknowledged != MAP_FAILED);
    status = crawl_until(&plan, n, seed);
    ck_assert_msg(status == 0 || status == POWER_STATUS, "%s at %u: %d", feed, n, status);
    if (status == POWER_STATUS)
        check_kept(&plan, n);
    if (status == POWER_STATUS && again != 0)
        ck_assert_msg(crawl_until(&plan, again, seed + 1) != 1, "%s at %u, %u", feed, n,
                      again);
    if (status == POWER_STATUS)
        ck_assert_msg(crawl_until(&plan, 0, seed) == 0, "%s, after %u", feed, n);
    why = crawl_wrong(&plan);
    ck_assert_msg(why == NULL, "%s, power failed at %u (seed %u): %s", feed, n, (unsigned)seed,
                  why);
    munmap((void *)plan.acknowledged, sizeof(unsigned));
    jobs_end();
    return status == POWER_STATUS;
}

START_TEST(power_may_fail_at_any_call)
{
    unsigned step = takes_all() ? 1 : 17, n;

    for (n = 1 + (unsigned)_i % step; fail_at(feeds[_i], false, n, 0, n * 31 + (unsigned)_i);
         n += step)
        ;
    ck_assert_uint_gt(n, 100);
}
END_TEST

START_TEST(with_durability_power_what_was_acknowledged_is_kept)
{
    unsigned step = takes_all() ? 1 : 29, n;

    for (n = 1 + (unsigned)_i % step; fail_at(feeds[_i], true, n, 0, n * 17 + (unsigned)_i);
         n += step)
        ;
    ck_assert_uint_gt(n, 100);
}
END_TEST

START_TEST(power_may_fail_again_while_the_job_is_read_back)
{
    unsigned again, most = takes_all() ? 80 : 6;

    for (again = 1; again <= most; again++)
        ck_assert(
            fail_at(feeds[_i], false, 100 + 5 * again % 120, again * 80 / most, again * 7));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job_power");

    TEST_ADD_ROWS(suite, power_may_fail_at_any_call, feeds);
    TEST_ADD_ROWS(suite, with_durability_power_what_was_acknowledged_is_kept, feeds);
    TEST_ADD_ROWS(suite, power_may_fail_again_while_the_job_is_read_back, feeds);
    return test_run(suite);
}
