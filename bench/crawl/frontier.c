/* SPDX-License-Identifier: MIT */
/*
 * frontier.c - the cost of a planned visit: nanoseconds and bytes of the seen set, the queues and
 * the schedule.
 *
 *     frontier [MILLIONS [HOSTS]]      1 and 10 million visits over 1,000 hosts; or so many
 *
 * Times are CPU times of this thread, the best of three rounds; bytes are what the structures say
 * and, behind the slash, by how much the process grew.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "spider/crawl/schedule.h"
#include "spider/job/queue.h"
#include "spider/job/seen.h"

enum { ROUNDS = 3, PAGE_LINKS = 20 };

static double cpu_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static size_t resident(void)
{
    unsigned long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &ignored, &pages) != 2)
        pages = 0;
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void *given(void *pointer)
{
    if (pointer != NULL)
        return pointer;
    fprintf(stderr, "frontier: no memory\n");
    exit(EXIT_FAILURE);
}

static void need(int r)
{
    given(r < 0 ? NULL : &r);
}

/* SplitMix64: hashes without repetition. */
static uint64_t hash_of(uint64_t n)
{
    n *= UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ^ n >> 31;
}

/* --- one row of the table -------------------------------------------------------------------- */

struct row {
    const char *what;
    double best; /* seconds of the best round; 0: none yet */
    size_t bytes, grown;
};

static void row_take(struct row *row, double seconds)
{
    if (row->best == 0 || seconds < row->best)
        row->best = seconds;
}

static void row_print(const struct row *row, uint64_t count)
{
    printf("  %-34s %7.1f ns", row->what, row->best / (double)count * 1e9);
    if (row->bytes > 0)
        printf("   %5.2f / %5.2f bytes", (double)row->bytes / (double)count,
               (double)row->grown / (double)count);
    printf("\n");
}

static void row_measure(struct row *row, size_t bytes, size_t before)
{
    size_t now = resident();

    row->bytes = bytes;
    if (row->grown == 0) /* later rounds use what the first one freed */
        row->grown = now > before ? now - before : 0;
}

/* --- the seen set ---------------------------------------------------------------------------- */

/* Links come by the page: hashed, prefetched, probed. */
static uint64_t seen_pages(struct twi_seen *seen, uint64_t from, uint64_t to)
{
    uint64_t added = 0;

    for (uint64_t n = from; n < to; n += PAGE_LINKS) {
        uint64_t end = n + PAGE_LINKS < to ? n + PAGE_LINKS : to;
        for (uint64_t i = n; i < end; i++)
            twi_seen_prefetch(seen, hash_of(i));
        for (uint64_t i = n; i < end; i++) {
            int r = twi_seen_add(seen, hash_of(i));
            need(r);
            added += (uint64_t)r;
        }
    }
    return added;
}

static void seen_round(struct row rows[3], uint64_t count)
{
    size_t before = resident();
    struct twi_seen *seen = given(twi_seen_new());
    double start = cpu_seconds();
    uint64_t found = 0;

    if (seen_pages(seen, 0, count) != count)
        exit(EXIT_FAILURE);
    row_take(&rows[0], cpu_seconds() - start);
    row_measure(&rows[0], twi_seen_bytes(seen), before);
    start = cpu_seconds();
    if (seen_pages(seen, 0, count) != 0)
        exit(EXIT_FAILURE);
    row_take(&rows[1], cpu_seconds() - start);
    start = cpu_seconds();
    for (uint64_t n = count; n < 2 * count; n++)
        found += twi_seen_has(seen, hash_of(n));
    row_take(&rows[2], cpu_seconds() - start);
    if (found != 0)
        exit(EXIT_FAILURE);
    twi_seen_free(seen);
}

/* --- queues ---------------------------------------------------------------------------------- */

static void queue_round(struct row rows[2], uint64_t count, uint64_t hosts, bool is_lifo)
{
    size_t before = resident(), bytes = 0;
    struct twi_queue_slab *slab = given(twi_queue_slab_new());
    struct twi_queues *queues = given(calloc(hosts, sizeof *queues));
    double start = cpu_seconds();
    int priority;

    for (uint64_t id = 1; id <= count; id++)
        need(twi_queues_push(slab, &queues[hash_of(id) % hosts], (int64_t)id, 0, is_lifo));
    row_take(&rows[0], cpu_seconds() - start);
    for (uint64_t i = 0; i < hosts; i++)
        bytes += sizeof *queues + twi_queues_bytes(&queues[i]);
    row_measure(&rows[0], bytes + twi_queue_slab_bytes(slab), before);
    start = cpu_seconds();
    for (uint64_t i = 0; i < count; i++) {
        struct twi_queues *queue = &queues[i % hosts];
        if (queue->waiting > 0)
            twi_queues_pop(slab, queue, is_lifo, &priority);
    }
    row_take(&rows[1], cpu_seconds() - start);
    for (uint64_t i = 0; i < hosts; i++)
        twi_queues_clear(slab, &queues[i], is_lifo);
    free(queues);
    twi_queue_slab_free(slab);
}

/* --- the schedule ---------------------------------------------------------------------------- */

/* All of a fetch: taken, sent, answered, committed, each host a second after the last time. */
static void schedule_fetch_all(struct twi_schedule *schedule, uint64_t count, uint64_t hosts)
{
    const struct twi_answer answer = { 200, 0.01, -1 };
    double now = 0;

    for (uint64_t i = 0; i < count;) {
        struct twi_slot slot;
        struct twi_taken taken = { .slot = &slot };
        if (twi_schedule_take(schedule, now, true, &taken) == TWI_TAKE_NOTHING) {
            now += 1.0 / (double)hosts;
            continue;
        }
        twi_schedule_sent(schedule, &slot, now);
        twi_schedule_answered(schedule, &slot, now, &answer);
        twi_schedule_network_free(schedule, &slot, now);
        twi_schedule_place_free(schedule, &slot, now);
        i++;
    }
}

static void schedule_round(struct row rows[2], uint64_t count, uint64_t hosts)
{
    const struct twi_schedule_options options = {
        .manners = { .usual = { .delay = 1, .jitter = 0.5, .max_per_host = 2 },
                     .throttles = true,
                     .throttle_target = 1,
                     .max_delay = 60,
                     .max_retry_after = 3600 },
        .max_total = 64,
    };
    uint64_t fetched = count < 1000000 ? count : 1000000;
    size_t before = resident();
    struct twi_schedule *schedule = given(twi_schedule_new(&options, 1));
    struct twi_host **of = given(calloc(hosts, sizeof(struct twi_host *)));
    double start;
    char origin[40];

    for (uint64_t i = 0; i < hosts; i++) {
        snprintf(origin, sizeof origin, "https://host%llu.example", (unsigned long long)i);
        of[i] = given(twi_schedule_host(schedule, origin));
    }
    start = cpu_seconds();
    for (uint64_t id = 1; id <= count; id++)
        need(twi_schedule_push(schedule, of[hash_of(id) % hosts], 0, (int64_t)id, 0));
    row_take(&rows[0], cpu_seconds() - start);
    row_measure(&rows[0], twi_schedule_bytes(schedule), before);
    start = cpu_seconds();
    schedule_fetch_all(schedule, fetched, hosts);
    row_take(&rows[1], (cpu_seconds() - start) * (double)count / (double)fetched);
    free(of);
    twi_schedule_free(schedule);
}

/* --- the table ------------------------------------------------------------------------------- */

static void measure(uint64_t count, uint64_t hosts)
{
    struct row rows[] = {
        { .what = "seen: add, by the page" },
        { .what = "seen: add what is there" },
        { .what = "seen: has not" },
        { .what = "queue: push" },
        { .what = "queue: pop" },
        { .what = "stack: push" },
        { .what = "stack: pop" },
        { .what = "schedule: push" },
        { .what = "schedule: take to commit" },
    };

    for (int round = 0; round < ROUNDS; round++) {
        seen_round(&rows[0], count);
        queue_round(&rows[3], count, hosts, false);
        queue_round(&rows[5], count, hosts, true);
        schedule_round(&rows[7], count, hosts);
    }
    printf("%llu visits, %llu hosts:\n", (unsigned long long)count, (unsigned long long)hosts);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        row_print(&rows[i], count);
}

int main(int argc, char **argv)
{
    double millions = argc > 1 ? strtod(argv[1], NULL) : 0;
    uint64_t hosts = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;

    if (argc > 3 || (argc > 1 && !(millions > 0 && millions < 1e5)) || hosts == 0) {
        fprintf(stderr, "usage: frontier [MILLIONS [HOSTS]]\n");
        return 2;
    }
    if (millions > 0) {
        measure((uint64_t)(millions * 1e6), hosts);
        return EXIT_SUCCESS;
    }
    measure(1000000, hosts);
    measure(10000000, hosts);
    return EXIT_SUCCESS;
}
