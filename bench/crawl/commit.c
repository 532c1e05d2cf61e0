/* SPDX-License-Identifier: MIT */
/*
 * commit - the price of a page that is kept: CPU time of committing it, by the size of batches.
 *
 *     bench/crawl/commit [PAGES [LINKS [ITEMS]]]
 *
 * Each page has LINKS new links (1: as many as a whole crawl finds in the mean) and ITEMS items of
 * 150 bytes (5), which go into a jsonl file. Then the job is opened again: CPU time for each of its
 * URLs, and bytes on the disk. Prints a table. In TMPDIR.
 */
#include "config.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "spider/job/feed.h"
#include "spider/job/store.h"
#include "spider/text/arena.h"

enum { MAX_BATCH = 64 };

static char folder[256], feed_path[300];
static long pages = 20000, links = 1, items = 5;

static void give_up(const char *what)
{
    fprintf(stderr, "commit: %s\n", what);
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static struct twi_store *job_open(int (*url)(const struct twi_job_url *row, void *arg))
{
    struct twi_feed_options feed = { .path = feed_path };
    struct twi_job_options options = { .folder = folder,
                                       .spider = "bench",
                                       .places = 16,
                                       .url = url,
                                       .feeds = &feed,
                                       .feed_count = 1 };
    struct twi_store *store;
    tw_value failure = tw_none();

    if (twi_store_open(&options, &store, &failure) < 0)
        give_up(tw_failure_message(failure));
    return store;
}

/* --- pages ---------------------------------------------------------------------------------- */

static const char *origin_of(int64_t id)
{
    static char origins[50][48];
    char *origin = origins[id / 40 % 50];

    snprintf(origin, sizeof origins[0], "https://host-%d.example", (int)(id / 40 % 50));
    return origin;
}

static void add_links(struct twi_arena *arena, struct twi_record *record, int64_t *next)
{
    struct twi_visit **end = &record->visits;
    const char *origin = origin_of(*next);
    char path[64];

    for (long i = 0; i < links; i++, end = &(*end)->next) {
        *end = twi_arena_zeroed(arena, sizeof **end);
        snprintf(path, sizeof path, "/catalogue/some-title-of-a-page_%d/index.html",
                 (int)*next);
        (*end)->id = (*next)++;
        (*end)->parent = record->url;
        (*end)->key = (uint64_t)(*end)->id * UINT64_C(0x9e3779b97f4a7c15);
        (*end)->origin = origin;
        (*end)->path = twi_arena_strdup(arena, path);
    }
}

static void add_items(struct twi_arena *arena, struct twi_record *record)
{
    static const char json[] =
        "{\"title\":\"A title of some "
        "length\",\"author\":\"Somebody\",\"tags\":[\"one\",\"two\","
        "\"three\"],\"price\":51.77,\"url\":\"https://host.example/catalogue/1/index.html\"}";
    struct twi_record_item **end = &record->items;

    for (long i = 0; i < items; i++, end = &(*end)->next) {
        *end = twi_arena_zeroed(arena, sizeof **end);
        **end = (struct twi_record_item){
            .json = json, .length = sizeof json - 1, .feeds = 1, .ordinal = (unsigned)i
        };
    }
}

static void add_counts(struct twi_arena *arena, struct twi_record *record)
{
    static const char *const keys[] = {
        "downloader/request_count", "downloader/response_count", "downloader/response_bytes",
        "item_scraped_count",       "response_received_count",   "scheduler/enqueued"
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct twi_record_count *count = twi_arena_zeroed(arena, sizeof *count);

        *count = (struct twi_record_count){ .key = keys[i], .add = 1, .next = record->counts };
        record->counts = count;
    }
}

static void make_page(struct twi_arena *arena, struct twi_record *record, int64_t url,
                      int64_t *next)
{
    *record = (struct twi_record){
        .url = url, .kind = TWI_RECORD_DONE, .at = url, .status = 200, .bytes = 8000, .ms = 20
    };
    add_links(arena, record, next);
    add_items(arena, record);
    add_counts(arena, record);
}

/* --- measuring ------------------------------------------------------------------------------ */

static void commit_batch(struct twi_store *store, struct twi_record *records, long count)
{
    tw_value failure = tw_none();

    for (long i = 0; i < count; i++)
        records[i].next = i + 1 < count ? &records[i + 1] : NULL;
    if (twi_store_commit(store, records, &failure) < 0 ||
        twi_store_apply(store, &failure) < 0 || twi_store_tick(store, 1, &failure) < 0)
        give_up(tw_failure_message(failure));
}

/* CPU microseconds a page. */
static double measure(long batch)
{
    static struct twi_record records[MAX_BATCH];
    struct twi_arena arena;
    struct twi_store *store = job_open(NULL);
    tw_value failure = tw_none();
    int64_t next = 1;
    double spent = 0, from;

    twi_arena_init(&arena, 0);
    for (long page = 0; page < pages; page += batch) {
        for (long i = 0; i < batch; i++)
            make_page(&arena, &records[i], page + i + 1, &next);
        from = cpu_seconds();
        commit_batch(store, records, batch);
        spent += cpu_seconds() - from;
        twi_arena_reset(&arena);
    }
    from = cpu_seconds();
    if (twi_store_end(store, TWI_JOB_STOPPED, &failure) < 0)
        give_up(tw_failure_message(failure));
    twi_store_free(store);
    spent += cpu_seconds() - from;
    twi_arena_free(&arena);
    return spent / (double)pages * 1e6;
}

static int64_t urls_told;

static int told(const struct twi_job_url *row, void *arg)
{
    (void)arg;
    (void)row;
    urls_told++;
    return 0;
}

static void measure_start(void)
{
    double from = cpu_seconds();
    struct twi_store *store = job_open(told);
    double spent = cpu_seconds() - from;
    char path[300];
    struct stat st;

    twi_store_free(store);
    snprintf(path, sizeof path, "%s/job.sqlite", folder);
    if (stat(path, &st) < 0)
        give_up("no database");
    printf("start: %lld URLs in %.0f ms, %.2f us each; on the disk %.0f bytes each\n",
           (long long)urls_told, spent * 1e3, spent / (double)urls_told * 1e6,
           (double)st.st_size / (double)urls_told);
}

static void begin(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(folder, sizeof folder, "%s/tweed-commit-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        give_up("no folder in TMPDIR");
    snprintf(feed_path, sizeof feed_path, "%s.jsonl", folder);
}

static void end(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    remove(feed_path);
}

int main(int argc, char **argv)
{
    static const long batches[] = { 1, 4, 8, 16, 64 };

    if (argc > 1)
        pages = atol(argv[1]) / MAX_BATCH * MAX_BATCH;
    if (argc > 2)
        links = atol(argv[2]);
    if (argc > 3)
        items = atol(argv[3]);
    if (pages <= 0 || links < 0 || items < 0)
        give_up("PAGES, LINKS, ITEMS are numbers; at least 64 pages");
    printf("%ld pages, each with %ld new links and %ld items\n", pages, links, items);
    printf("pages in a batch    CPU us a page\n");
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        begin();
        printf("%16ld %16.1f\n", batches[i], measure(batches[i]));
        fflush(stdout);
        if (i + 1 == sizeof batches / sizeof batches[0])
            measure_start();
        end();
    }
    return 0;
}
