/* SPDX-License-Identifier: MIT */
/*
 * jobs.h - a scratch folder and records for the tests of jobs.
 */
#ifndef TESTS_JOBS_H
#define TESTS_JOBS_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tweed/testing.h>

#include "spider/job/job.h"
#include "spider/text/arena.h"
#include "tests/test.h"

static char jobs_root[64];

static inline int jobs_remove_one(const char *path, const struct stat *st, int type,
                                  struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void jobs_begin(void)
{
    strcpy(jobs_root, "/tmp/tweed-job-XXXXXX");
    test_given(mkdtemp(jobs_root));
}

static inline void jobs_end(void)
{
    nftw(jobs_root, jobs_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path in the scratch folder; four at a time. */
static inline const char *jobs_path(const char *name)
{
    static char paths[4][512];
    static unsigned at;
    char *path = paths[at++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", jobs_root, name);
    return path;
}

static inline void jobs_write(const char *path, const char *text)
{
    FILE *file = test_given(fopen(path, "w"));

    fputs(text, file);
    fclose(file);
}

/* A page's record with all that hangs on it, freed when it is acknowledged. */
struct jobs_page {
    struct twi_record record;
    struct twi_arena arena;
    int64_t *acknowledged; /* counts up */
    int64_t order;         /* the count that it then must have; 0: any */
};

static inline void jobs_acknowledged(struct twi_record *record, void *arg)
{
    struct jobs_page *page = arg;

    ck_assert_ptr_eq(record, &page->record);
    ++*page->acknowledged;
    if (page->order != 0)
        ck_assert_int_eq(*page->acknowledged, page->order);
    twi_arena_free(&page->arena);
    free(page);
}

static inline struct jobs_page *jobs_page(int64_t url, enum twi_record_kind kind,
                                          int64_t *acknowledged)
{
    struct jobs_page *page = test_given(calloc(1, sizeof *page));

    page->record = (struct twi_record){ .url = url,
                                        .kind = kind,
                                        .at = 1000 + url,
                                        .status = 200,
                                        .bytes = 100,
                                        .ms = 5,
                                        .acknowledged = jobs_acknowledged,
                                        .arg = page };
    twi_arena_init(&page->arena, 0);
    page->acknowledged = acknowledged;
    return page;
}

static inline void jobs_page_free(struct jobs_page *page)
{
    twi_arena_free(&page->arena);
    free(page);
}

/* Append to the page's visits. */
static inline struct twi_visit *jobs_visit(struct jobs_page *page, int64_t id,
                                           const char *origin, const char *path)
{
    struct twi_visit *visit = test_given(twi_arena_zeroed(&page->arena, sizeof *visit)), **end;

    for (end = &page->record.visits; *end != NULL; end = &(*end)->next)
        ;
    *end = visit;
    visit->id = id;
    visit->parent = page->record.url;
    visit->key = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    visit->origin = twi_arena_strdup(&page->arena, origin);
    visit->path = twi_arena_strdup(&page->arena, path);
    visit->depth = 1;
    return visit;
}

static inline void jobs_count(struct jobs_page *page, const char *key, bool is_state,
                              int64_t add, const char *text)
{
    struct twi_record_count *count = test_given(twi_arena_zeroed(&page->arena, sizeof *count));

    *count = (struct twi_record_count){ .key = twi_arena_strdup(&page->arena, key),
                                        .add = add,
                                        .text = text,
                                        .is_state = is_state,
                                        .next = page->record.counts };
    page->record.counts = count;
}

/* Run turns until *count has reached `wanted`, five seconds at most. */
static inline void jobs_wait(const int64_t *count, int64_t wanted)
{
    double deadline = test_deadline();

    while (*count < wanted && test_before(deadline))
        tw_reactor_iterate(0.05);
    ck_assert_int_ge(*count, wanted);
}

/* --- a job at work -------------------------------------------------------------------------- */

static struct {
    struct twi_job *job;
    int64_t acknowledged, hosts, urls, fulls, failures, order;
    struct twi_job_url rows[64];
    char origins[64][64];
    struct twi_job_host last_host;
} at;

static inline int jobs_told_host(const struct twi_job_host *row, void *arg)
{
    (void)arg;
    ck_assert_int_lt(row->id, 64);
    snprintf(at.origins[row->id], sizeof at.origins[0], "%s", row->origin);
    at.last_host = *row;
    at.hosts++;
    return 0;
}

static inline int jobs_told_url(const struct twi_job_url *row, void *arg)
{
    (void)arg;
    ck_assert_int_lt(row->id, 64);
    at.rows[row->id] = *row;
    at.urls++;
    return 0;
}

static inline void jobs_told_failed(tw_value failure, void *arg)
{
    (void)failure;
    (void)arg;
    at.failures++;
}

static const struct twi_job_options jobs_quotes = { .spider = "quotes",
                                                    .places = 8,
                                                    .is_inline = true,
                                                    .host = jobs_told_host,
                                                    .url = jobs_told_url,
                                                    .failed = jobs_told_failed };

static inline void jobs_begin_virtual(void)
{
    jobs_begin();
    ck_assert_int_eq(tw_testing_begin(), 0);
    memset(&at, 0, sizeof at);
}

static inline void jobs_end_virtual(void)
{
    ck_assert_uint_eq(tw_testing_end(), 0);
    jobs_end();
}

static inline int jobs_open_with(struct twi_job_options options, const char *folder,
                                 tw_value *ret_failure)
{
    options.folder = folder;
    at.hosts = at.urls = at.acknowledged = at.order = 0;
    memset(at.rows, 0, sizeof at.rows);
    return twi_job_open(&options, &at.job, ret_failure);
}

static inline void jobs_open(const char *name)
{
    tw_value failure = tw_none();
    int r = jobs_open_with(jobs_quotes, jobs_path(name), &failure);

    ck_assert_msg(r == 0, "%s", tw_failure_message(failure));
}

static bool jobs_is_closed;
static inline tw_value jobs_closed_with(tw_value result, void *arg)
{
    (void)arg;
    jobs_is_closed = true;
    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    return tw_none();
}

static inline void jobs_close(enum twi_job_end how)
{
    tw_deferred *closed = twi_job_close(at.job, how);
    double deadline = test_deadline();

    jobs_is_closed = false;
    tw_add_both(closed, jobs_closed_with, NULL);
    tw_deferred_unref(closed);
    while (!jobs_is_closed && test_before(deadline))
        tw_reactor_iterate(0.05);
    ck_assert(jobs_is_closed);
}

static inline struct jobs_page *jobs_page_of(int64_t url, enum twi_record_kind kind)
{
    struct jobs_page *page = jobs_page(url, kind, &at.acknowledged);

    page->order = ++at.order;
    return page;
}

static inline void jobs_put(struct jobs_page *page)
{
    twi_job_put(at.job, &page->record);
}

/* The seed found three pages on two hosts. */
static inline struct jobs_page *jobs_seed(void)
{
    struct jobs_page *page = jobs_page_of(1, TWI_RECORD_DONE);

    jobs_visit(page, 1, "start:", "");
    jobs_visit(page, 2, "https://a.example", "/2")->info =
        "{\"v\":1,\"callback\":\"parse_book\"}";
    jobs_visit(page, 3, "https://b.example", "/3?x=\xc3\xa4")->priority = -128;
    jobs_visit(page, 4, "https://a.example", "/4")->depth = 7;
    return page;
}

static inline void jobs_put_seed(void)
{
    ck_assert_int_eq(twi_job_number(at.job, 4), 1);
    jobs_put(jobs_seed());
}

#endif
