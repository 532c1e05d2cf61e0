/* SPDX-License-Identifier: MIT */
/*
 * job.c - the reactor's side of a job: records are gathered, handed to the writer, acknowledged.
 *
 * Gathering pays: a commit costs as much as three pages' rows. But a place is free only when its
 * record is committed, so no more than half of them wait, and none waits for long.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/reactor.h>

#include "spider/job/tally.h"
#include "spider/job/writer.h"

#define GATHER_SECONDS 0.002
enum {
    GATHER_RECORDS = 64,
    GATHER_BYTES = 1 << 20,
    VISIT_BYTES = 128, /* about what one costs without its longer strings */
};

struct twi_job {
    struct twi_store *store;
    struct twi_writer *writer;
    struct twi_flight *flight; /* the store's */
    void (*full)(bool is_full, const char *why, void *arg);
    void (*failed)(tw_value failure, void *arg);
    void *arg;
    struct twi_records staged;
    size_t staged_count, staged_bytes, gather_count;
    unsigned in_flight;
    int64_t timer; /* for what is staged; 0: none */
    int64_t next_url;
    struct twi_tally numbers; /* the program's, as acknowledged */
    tw_value failure;         /* owned; none while all is well */
    bool is_closing;
    tw_deferred *closed; /* to fire */
    tw_deferred *ended;  /* for whoever closes it; NULL: handed out */
};

/* --- the program's numbers ------------------------------------------------------------------ */

static int number_add(struct twi_job *job, const char *key, int64_t add)
{
    if (twi_tally_find(&job->numbers, key, true) == NULL) {
        key = twi_arena_strdup(&job->numbers.arena, key);
        if (key == NULL)
            return -ENOMEM;
    }
    return twi_tally_add(&job->numbers, key, true, add, NULL);
}

static int number_read(const char *key, int64_t value, void *arg)
{
    return number_add(arg, key, value);
}

int64_t twi_job_state(const struct twi_job *job, const char *key)
{
    struct twi_tally_count *count = twi_tally_find((struct twi_tally *)&job->numbers, key,
                                                   true);

    return count != NULL ? count->add : 0;
}

/* --- what the writer tells ------------------------------------------------------------------ */

static void job_failed(struct twi_job *job, tw_value failure)
{
    if (tw_is_failure(job->failure)) {
        tw_release(failure);
        return;
    }
    job->failure = failure;
    if (job->failed != NULL && !job->is_closing)
        job->failed(tw_lend(failure), job->arg);
}

static void acknowledge(struct twi_job *job, struct twi_record *record)
{
    const struct twi_record_count *count;
    int r = 0;

    for (count = record->counts; r == 0 && count != NULL; count = count->next)
        if (count->is_state)
            r = number_add(job, count->key, count->add);
    if (r < 0)
        job_failed(job, tw_fail_memory());
    if (record->acknowledged != NULL)
        record->acknowledged(record, record->arg);
}

static void load_free(struct twi_load *load)
{
    tw_release(load->failure);
    twi_arena_free(&load->arena);
    free(load->ids);
    free(load);
}

static void answer_load(struct twi_load *load)
{
    const struct twi_visit *visit;

    for (visit = load->visits; visit != NULL; visit = visit->next)
        load->each(visit, load->arg);
    load->done(tw_lend(load->failure), load->arg);
    load_free(load);
}

static void job_free(struct twi_job *job)
{
    if (job->timer != 0)
        tw_call_cancel(job->timer);
    if (job->writer != NULL)
        twi_writer_free(job->writer);
    twi_store_free(job->store);
    twi_tally_free(&job->numbers);
    tw_release(job->failure);
    tw_deferred_unref(job->ended);
    tw_deferred_unref(job->closed);
    free(job);
}

static void job_over(struct twi_job *job)
{
    tw_deferred *closed = job->closed;
    tw_value failure = job->failure;

    job->closed = NULL;
    job->failure = tw_none();
    job_free(job);
    tw_fire(&closed, failure);
}

/* Any of the functions called here may close the job; it is freed by the last news only. */
static void job_hear(struct twi_writer_news *news, void *arg)
{
    struct twi_job *job = arg;
    struct twi_record *record = news->committed.first, *next_record;
    struct twi_load *load = news->loads, *next_load;

    for (; record != NULL; record = next_record) {
        next_record = record->next;
        acknowledge(job, record);
    }
    for (; load != NULL; load = next_load) {
        next_load = load->next;
        answer_load(load);
    }
    if (news->full_changed && job->full != NULL && !job->is_closing)
        job->full(news->is_full, news->why, job->arg);
    free(news->why);
    if (tw_is_failure(news->failure))
        job_failed(job, news->failure);
    if (news->is_ended)
        job_over(job);
}

/* --- gathering ------------------------------------------------------------------------------ */

static void job_flush(struct twi_job *job)
{
    if (job->timer != 0)
        tw_call_cancel(job->timer);
    job->timer = 0;
    if (job->staged_count == 0)
        return;
    job->staged_count = job->staged_bytes = 0;
    twi_writer_put(job->writer, &job->staged);
}

static void job_waited(void *arg)
{
    struct twi_job *job = arg;

    job->timer = 0;
    job_flush(job);
}

static size_t record_bytes(const struct twi_record *record)
{
    const struct twi_record_item *item;
    const struct twi_visit *visit;
    size_t bytes = 0;

    for (item = record->items; item != NULL; item = item->next)
        bytes += item->length;
    for (visit = record->visits; visit != NULL; visit = visit->next)
        bytes += VISIT_BYTES + (visit->info != NULL ? strlen(visit->info) : 0);
    return bytes;
}

void twi_job_put(struct twi_job *job, struct twi_record *record)
{
    if (job->is_closing || tw_is_failure(job->failure))
        return;
    twi_records_add(&job->staged, record);
    job->staged_count++;
    job->staged_bytes += record_bytes(record);
    if (job->staged_count >= job->gather_count || job->staged_bytes >= GATHER_BYTES ||
        job->in_flight == 0) {
        job_flush(job);
    } else if (job->timer == 0) {
        job->timer = tw_call_later(GATHER_SECONDS, job_waited, job);
        if (job->timer < 0) { /* no memory to wait with */
            job->timer = 0;
            job_flush(job);
        }
    }
}

void twi_job_in_flight(struct twi_job *job, unsigned count)
{
    job->in_flight = count;
    if (count == 0 && !job->is_closing)
        job_flush(job);
}

int64_t twi_job_number(struct twi_job *job, size_t count)
{
    int64_t first = job->next_url;

    job->next_url += (int64_t)count;
    return first;
}

int twi_job_load(struct twi_job *job, const int64_t *ids, size_t count,
                 void (*each)(const struct twi_visit *visit, void *arg),
                 void (*done)(tw_value failure, void *arg), void *arg)
{
    struct twi_load *load = calloc(1, sizeof *load);

    if (load == NULL || (load->ids = malloc((count + 1) * sizeof *ids)) == NULL) {
        free(load);
        return -ENOMEM;
    }
    if (count > 0)
        memcpy(load->ids, ids, count * sizeof *ids);
    load->count = count;
    load->each = each;
    load->done = done;
    load->arg = arg;
    twi_arena_init(&load->arena, 0);
    job_flush(job);
    twi_writer_load(job->writer, load);
    return 0;
}

void twi_job_flight_begin(struct twi_job *job, int64_t url)
{
    twi_flight_begin(job->flight, url);
}

void twi_job_flight_end(struct twi_job *job, int64_t url)
{
    twi_flight_end(job->flight, url);
}

/* --- opening and closing -------------------------------------------------------------------- */

/* The waiting may stop, but the end comes all the same. */
static int refuse_cancel(tw_deferred *deferred, void *ctx)
{
    (void)deferred;
    (void)ctx;
    return -EBUSY;
}

static int job_start(struct twi_job *job, const struct twi_job_options *options,
                     tw_value *ret_failure)
{
    struct twi_writer_options writer = { .is_inline = options->is_inline,
                                         .hear = job_hear,
                                         .arg = job };
    int r = twi_store_open(options, &job->store, ret_failure);

    if (r < 0)
        return r;
    job->flight = twi_store_flight(job->store);
    job->next_url = twi_store_facts(job->store)->last_url + 1;
    r = twi_store_state(job->store, number_read, job, ret_failure);
    if (r < 0)
        return r;
    writer.store = job->store;
    return twi_writer_new(&writer, &job->writer, ret_failure);
}

int twi_job_open(const struct twi_job_options *options, struct twi_job **ret_job,
                 tw_value *ret_failure)
{
    struct twi_job *job = calloc(1, sizeof *job);
    size_t half = options->places / 2;
    int r;

    if (job != NULL)
        job->ended = tw_promise(&job->closed, refuse_cancel, NULL);
    if (job == NULL || job->ended == NULL) {
        free(job);
        *ret_failure = tw_fail_memory();
        return -ENOMEM;
    }
    twi_tally_init(&job->numbers);
    job->full = options->full;
    job->failed = options->failed;
    job->arg = options->arg;
    job->gather_count = half < 1 ? 1 : half > GATHER_RECORDS ? GATHER_RECORDS : half;
    r = job_start(job, options, ret_failure);
    if (r < 0) {
        job_free(job);
        return r;
    }
    *ret_job = job;
    return 0;
}

tw_deferred *twi_job_close(struct twi_job *job, enum twi_job_end end)
{
    tw_deferred *ended = job->ended;

    if (job->is_closing)
        return tw_failed(tw_fail(&tw_error_misuse, "a job is closed twice"));
    job_flush(job);
    job->is_closing = true;
    job->ended = NULL;
    twi_writer_end(job->writer, tw_is_failure(job->failure) ? TWI_JOB_BROKEN : end);
    return ended;
}

uint64_t twi_job_key0(const struct twi_job *job)
{
    return twi_store_facts(job->store)->key0;
}

uint64_t twi_job_key1(const struct twi_job *job)
{
    return twi_store_facts(job->store)->key1;
}

int64_t twi_job_started(const struct twi_job *job)
{
    return twi_store_facts(job->store)->started;
}
