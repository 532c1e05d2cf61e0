/* SPDX-License-Identifier: MIT */
/*
 * flight.c - which pages' callbacks run right now.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "spider/job/disk.h"
#include "spider/job/error.h"
#include "spider/job/flight.h"
#include "spider/job/folder.h"
#include "spider/job/record.h"

enum { FLIGHT_BYTES = TWI_FLIGHT_SLOTS * sizeof(int64_t), CRASHES_TEXT = 16384 };

/* A page, and how often in a row it was left. */
struct crash {
    int64_t id;
    int times;
};
struct crashes {
    struct crash list[TWI_FLIGHT_SLOTS];
    size_t count;
};

/* --- the mapping ---------------------------------------------------------------------------- */

/* A file with a hole would crash the program where the disk is full: each byte is written. */
static int flight_fill(int fd)
{
    static const char zeros[FLIGHT_BYTES];
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    return st.st_size == FLIGHT_BYTES ? 0 : twi_disk_write(fd, zeros, sizeof zeros, 0);
}

static int flight_map(struct twi_flight *flight, int fd)
{
    int r = flight_fill(fd);
    void *slots;

    if (r < 0)
        return r;
    slots = mmap(NULL, FLIGHT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (slots == MAP_FAILED)
        return -errno;
    flight->slots = slots;
    return 0;
}

int twi_flight_open(struct twi_flight *flight, const char *folder, tw_value *ret_failure)
{
    char *path = twi_folder_file(folder, "flight");
    int fd, r;

    *flight = (struct twi_flight){ 0 };
    if (path == NULL) {
        *ret_failure = tw_fail_memory();
        return -ENOMEM;
    }
    r = fd = twi_disk_open(path, O_RDWR | O_CREAT);
    if (fd >= 0) {
        r = flight_map(flight, fd);
        twi_disk->close(fd);
    }
    if (r < 0)
        *ret_failure = twi_job_failure(r, "cannot write %s: %s", path, strerror(-r));
    free(path);
    return r < 0 ? r : 0;
}

void twi_flight_close(struct twi_flight *flight)
{
    if (flight->slots != NULL)
        munmap((void *)flight->slots, FLIGHT_BYTES);
    flight->slots = NULL;
}

void twi_flight_begin(struct twi_flight *flight, int64_t id)
{
    if (flight->slots != NULL && flight->used < TWI_FLIGHT_SLOTS)
        flight->slots[flight->used++] = id;
}

void twi_flight_end(struct twi_flight *flight, int64_t id)
{
    size_t at = flight->used;

    while (at > 0 && flight->slots[at - 1] != id)
        at--;
    if (at == 0)
        return;
    flight->slots[at - 1] = 0;
    while (flight->used > 0 && flight->slots[flight->used - 1] == 0)
        flight->used--;
}

/* --- judging -------------------------------------------------------------------------------- */

/* "12 1,37 2": ids and times. */
static void crashes_read(struct crashes *crashes, const char *text)
{
    char *end;

    while (text != NULL && *text != '\0' && crashes->count < TWI_FLIGHT_SLOTS) {
        struct crash *crash = &crashes->list[crashes->count];

        crash->id = strtoll(text, &end, 10);
        crash->times = (int)strtol(end, &end, 10);
        if (end == text)
            return;
        crashes->count++;
        text = *end == ',' ? end + 1 : end;
    }
}

static int times_of(const struct crashes *crashes, int64_t id)
{
    for (size_t i = 0; i < crashes->count; i++)
        if (crashes->list[i].id == id)
            return crashes->list[i].times;
    return 0;
}

/* The pages that are left now; others are forgotten. */
static void crashes_go_on(const struct twi_flight *flight, int64_t last,
                          const struct crashes *before, struct crashes *after)
{
    for (size_t i = 0; i < TWI_FLIGHT_SLOTS; i++) {
        int64_t id = flight->slots[i];

        if (id >= 1 && id <= last && times_of(after, id) == 0)
            after->list[after->count++] = (struct crash){ .id = id,
                                                          .times = times_of(before, id) + 1 };
    }
}

/* Say so in the log, and begin to count anew: somebody may want it tried again. */
static int condemn(struct twi_sql *sql, struct crash *crash, int64_t now)
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(sql, "INSERT INTO log (url, at, kind, note) VALUES (?, ?, ?, ?)",
                            &query);

    if (r < 0)
        return r;
    r = twi_sql_do(query, "iiit", crash->id, now, (int64_t)TWI_RECORD_FAILED,
                   "crashed the program");
    twi_sql_query_free(query);
    crash->times = 0;
    return r;
}

static int crashes_write(struct twi_sql *sql, const struct crashes *crashes)
{
    struct twi_sql_query *query;
    char text[CRASHES_TEXT];
    size_t length = 0;
    int r = twi_sql_prepare(
        sql, "INSERT OR REPLACE INTO job (key, value) VALUES ('crashes', ?)", &query);

    if (r < 0)
        return r;
    text[0] = '\0';
    for (size_t i = 0; i < crashes->count && length < sizeof text - 40; i++)
        if (crashes->list[i].times > 0)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%" PRId64 " %d",
                                       length > 0 ? "," : "", crashes->list[i].id,
                                       crashes->list[i].times);
    r = twi_sql_do(query, "t", text);
    twi_sql_query_free(query);
    return r;
}

static int crashes_load(struct twi_sql *sql, struct crashes *crashes)
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(sql, "SELECT value FROM job WHERE key = 'crashes'", &query);

    if (r < 0)
        return r;
    r = twi_sql_step(query);
    if (r == 1)
        crashes_read(crashes, twi_sql_text(query, 0));
    twi_sql_query_free(query);
    return r < 0 ? r : 0;
}

static int crashes_judge(struct twi_sql *sql, struct crashes *crashes, int64_t now)
{
    int r = twi_sql_run(sql, "BEGIN IMMEDIATE");

    for (size_t i = 0; r == 0 && i < crashes->count; i++)
        if (crashes->list[i].times >= TWI_FLIGHT_CRASHES)
            r = condemn(sql, &crashes->list[i], now);
    if (r == 0)
        r = crashes_write(sql, crashes);
    return r == 0 ? twi_sql_run(sql, "COMMIT") : r;
}

int twi_flight_judge(struct twi_flight *flight, struct twi_sql *sql, int64_t last, int64_t now)
{
    struct crashes *crashes = calloc(2, sizeof *crashes);
    int r;

    if (crashes == NULL)
        return -ENOMEM;
    r = crashes_load(sql, &crashes[0]);
    crashes_go_on(flight, last, &crashes[0], &crashes[1]);
    if (r == 0 && crashes[0].count + crashes[1].count > 0)
        r = crashes_judge(sql, &crashes[1], now);
    free(crashes);
    if (r == 0)
        for (size_t i = 0; i < TWI_FLIGHT_SLOTS; i++)
            flight->slots[i] = 0;
    return r;
}
