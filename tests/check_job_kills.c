/* SPDX-License-Identifier: MIT */
/*
 * check_job_kills.c - a crawl that is killed at each call that changes a file still ends with
 * each page done and each item in its feed exactly once.
 *
 * A crawl is run in a child that dies at its n-th call; another child goes on from there, perhaps
 * dies, too, and so on; the last one ends. `make check` takes a part of the calls, `make
 * check-kills` all of them (JOB_KILLS=all).
 */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/crawl_model.h"
#include "tests/jobs.h"
#include "tests/killer.h"

enum { PAGES = 60 };

static bool takes_all(void)
{
    const char *kills = getenv("JOB_KILLS");

    return kills != NULL && strcmp(kills, "all") == 0;
}

/* --- crawls in children --------------------------------------------------------------------- */

/* The status of a child that crawls and dies at its n-th call (0: counts, into *ret_calls). */
static int crawl_once(const struct crawl_plan *plan, unsigned n, bool is_torn)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        killer_arm(n, is_torn);
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
                                 .pages = PAGES,
                                 .is_inline = true };
}

static void check_whole(const struct crawl_plan *plan, const char *what, unsigned n)
{
    const char *why = crawl_wrong(plan);

    ck_assert_msg(why == NULL, "%s, killed at %u: %s", what, n, why);
}

/* Die at the n-th call, and the next time at the `again`-th (0: not), then go on to the end.
 * False: the crawl has fewer calls. */
static bool kill_at(const char *feed, unsigned n, bool is_torn, unsigned again)
{
    struct crawl_plan plan;
    int status;

    jobs_begin();
    plan_for(feed, &plan);
    status = crawl_once(&plan, n, is_torn);
    ck_assert_msg(status == 0 || status == KILLER_STATUS, "%s at %u: %d", feed, n, status);
    if (status == KILLER_STATUS && again != 0)
        ck_assert_msg(crawl_once(&plan, again, is_torn) != 1, "%s at %u, %u", feed, n, again);
    if (status == KILLER_STATUS)
        ck_assert_msg(crawl_once(&plan, 0, false) == 0, "%s, after %u", feed, n);
    check_whole(&plan, feed, n);
    jobs_end();
    return status == KILLER_STATUS;
}

START_TEST(each_call_may_be_the_last)
{
    unsigned step = takes_all() ? 1 : 17, n;

    for (n = 1 + (unsigned)_i % step; kill_at(feeds[_i], n, false, 0); n += step)
        ;
    ck_assert_uint_gt(n, 100);
}
END_TEST

START_TEST(half_of_a_write_may_be_the_last_thing)
{
    unsigned step = takes_all() ? 1 : 23, n;

    for (n = 2 + (unsigned)_i % step; kill_at(feeds[_i], n, true, 0); n += step)
        ;
    ck_assert_uint_gt(n, 100);
}
END_TEST

/* The start after a kill is killed, too, at each of its first calls. */
START_TEST(a_start_may_be_killed_like_the_crawl)
{
    unsigned again, most = takes_all() ? 60 : 6;
    unsigned n = 60 + 7 * (unsigned)_i;

    for (again = 1; again <= most; again++)
        ck_assert(kill_at(feeds[_i], n + again, again % 2 != 0, again * 60 / most));
}
END_TEST

/* --- at any moment, by SIGKILL -------------------------------------------------------------- */

/* Returns true when the crawl had ended before. */
static bool kill_after(const struct crawl_plan *plan, long microseconds)
{
    struct timespec pause = { .tv_nsec = microseconds * 1000 };
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0)
        crawl_run(plan);
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        ck_assert_int_eq(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

START_TEST(a_crawl_may_be_killed_at_any_moment)
{
    uint32_t random = 4711 + (uint32_t)_i;
    unsigned kills = 0, most = takes_all() ? 200 : 12;
    struct crawl_plan plan;

    jobs_begin();
    plan_for(feeds[_i], &plan);
    plan.is_inline = false;
    plan.pages = takes_all() ? 3000 : 300;
    while (kills < most && !kill_after(&plan, 1000 + (long)(random >> 8) % 30000)) {
        random = random * 1664525 + 1013904223;
        kills++;
    }
    ck_assert_int_eq(crawl_once(&plan, 0, false), 0);
    check_whole(&plan, feeds[_i], kills);
    jobs_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job_kills");

    TEST_ADD_ROWS(suite, each_call_may_be_the_last, feeds);
    TEST_ADD_ROWS(suite, half_of_a_write_may_be_the_last_thing, feeds);
    TEST_ADD_ROWS(suite, a_start_may_be_killed_like_the_crawl, feeds);
    TEST_ADD_ROWS(suite, a_crawl_may_be_killed_at_any_moment, feeds);
    return test_run(suite);
}
