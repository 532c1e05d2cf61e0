/* SPDX-License-Identifier: MIT */
/*
 * writer.c - who commits: a thread, or the reactor in turns of its own.
 *
 * Both run the same round: take what has come, commit it, answer loads, do what is due, tell.
 * They share two boxes under one lock, one for each direction. A box is told of once, until it is
 * emptied: so a batch costs the reactor one call, and only that call allocates.
 *
 * A round on a full disk keeps its records and is made again after RETRY_MS; those that come in
 * between join them.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "spider/job/writer.h"

enum { RETRY_MS = 10 * 1000, TELL_AGAIN_MS = 10 };

struct twi_writer {
    struct twi_store *store;
    void (*hear)(struct twi_writer_news *news, void *arg);
    void *arg;
    tw_reactor *reactor;
    bool is_inline;

    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t come;
    struct twi_records put;
    struct twi_load *loads, **loads_end;
    bool end_asked;
    enum twi_job_end end;
    struct twi_writer_news news;
    bool news_told;

    /* Of the thread that does the rounds. */
    struct twi_records doing;
    struct twi_records applying; /* committed, their items perhaps not in the feeds yet */
    struct twi_load *answering;
    bool is_full, has_failed, is_ending, is_ended;
    int64_t retry_at; /* ms, monotonic */

    pthread_t thread;
    bool has_thread;
    int64_t timer; /* inline: the next round that nobody asked for; 0 */
    bool is_due;   /* inline: a round will come in this turn */
};

/* --- chains --------------------------------------------------------------------------------- */

void twi_records_add(struct twi_records *records, struct twi_record *record)
{
    record->next = NULL;
    if (records->first == NULL)
        records->first = record;
    else
        *records->end = record;
    records->end = &record->next;
}

void twi_records_join(struct twi_records *records, struct twi_records *other)
{
    if (other->first == NULL)
        return;
    if (records->first == NULL)
        records->first = other->first;
    else
        *records->end = other->first;
    records->end = other->end;
    other->first = NULL;
}

/* --- telling -------------------------------------------------------------------------------- */

/* On the reactor's thread: whatever is in the box. The writer may be freed meanwhile. */
static void writer_heard(void *arg)
{
    struct twi_writer *writer = arg;
    struct twi_writer_news news;

    pthread_mutex_lock(&writer->lock);
    news = writer->news;
    writer->news = (struct twi_writer_news){ 0 };
    writer->news_told = false;
    pthread_mutex_unlock(&writer->lock);
    writer->hear(&news, writer->arg);
}

static void wait_ms(int64_t ms)
{
    struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&pause, NULL);
}

static bool has_news(const struct twi_writer_news *news)
{
    return news->committed.first != NULL || news->loads != NULL || news->full_changed ||
           tw_is_failure(news->failure) || news->is_ended;
}

/* Let the reactor look into the box. Without memory for the call it is tried again until there is
 * some: news are never lost. Whether there are news is looked at together with the promise to
 * tell: the last news may have been heard by then, and this thread is waited for. */
static void writer_ring(struct twi_writer *writer)
{
    bool is_due;

    pthread_mutex_lock(&writer->lock);
    is_due = has_news(&writer->news) && !writer->news_told;
    writer->news_told = writer->news_told || is_due;
    pthread_mutex_unlock(&writer->lock);
    if (is_due && writer->is_inline)
        writer_heard(writer);
    else if (is_due)
        while (tw_reactor_call_from_thread(writer->reactor, writer_heard, writer) == -ENOMEM)
            wait_ms(TELL_AGAIN_MS);
}

/* --- a round -------------------------------------------------------------------------------- */

static int64_t writer_now(struct twi_writer *writer)
{
    struct timespec now;

    if (writer->is_inline)
        return (int64_t)(tw_clock_seconds(tw_reactor_clock()) * 1000);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Under the lock: full, or no longer. */
static void note_full(struct twi_writer *writer, bool is_full, char *why)
{
    free(writer->news.why);
    writer->news.why = why;
    writer->news.full_changed = true;
    writer->news.is_full = is_full;
}

static void writer_set_full(struct twi_writer *writer, bool is_full, tw_value failure)
{
    char *why = is_full ? strdup(tw_failure_message(failure)) : NULL;

    if (is_full)
        writer->retry_at = writer_now(writer) + RETRY_MS;
    if (writer->is_full == is_full) {
        free(why);
        return;
    }
    writer->is_full = is_full;
    pthread_mutex_lock(&writer->lock);
    note_full(writer, is_full, why);
    pthread_mutex_unlock(&writer->lock);
}

/* A call of the store went wrong: wait for room, or give up. Takes the failure. */
static void writer_failed(struct twi_writer *writer, int error, tw_value failure)
{
    if (error == -ENOSPC && !writer->is_ending) {
        writer_set_full(writer, true, failure);
        tw_release(failure);
        return;
    }
    writer->has_failed = true;
    pthread_mutex_lock(&writer->lock);
    writer->news.failure = failure;
    pthread_mutex_unlock(&writer->lock);
}

/* Take what has come. */
static void writer_take(struct twi_writer *writer)
{
    struct twi_load **end = &writer->answering;

    while (*end != NULL)
        end = &(*end)->next;
    pthread_mutex_lock(&writer->lock);
    twi_records_join(&writer->doing, &writer->put);
    *end = writer->loads;
    writer->loads = NULL;
    writer->loads_end = &writer->loads;
    writer->is_ending = writer->end_asked;
    pthread_mutex_unlock(&writer->lock);
}

/* Is it too early to try a full disk again? */
static bool writer_waits(struct twi_writer *writer)
{
    return writer->is_full && !writer->is_ending && writer_now(writer) < writer->retry_at;
}

/* Commit what there is, and write its items; when those of an earlier round are still due, they
 * come first. 0: there may be more to do. */
static int writer_commit_some(struct twi_writer *writer, tw_value *ret_failure)
{
    int r = 0;

    if (writer->applying.first == NULL && writer->doing.first != NULL) {
        r = twi_store_commit(writer->store, writer->doing.first, ret_failure);
        if (r == 0)
            twi_records_join(&writer->applying, &writer->doing);
    }
    if (r == 0)
        r = twi_store_apply(writer->store, ret_failure);
    if (r < 0 || writer->applying.first == NULL)
        return r;
    writer_set_full(writer, false, tw_none());
    pthread_mutex_lock(&writer->lock);
    twi_records_join(&writer->news.committed, &writer->applying);
    pthread_mutex_unlock(&writer->lock);
    return 0;
}

static void writer_commit(struct twi_writer *writer)
{
    tw_value failure = tw_none();
    int r;

    if (writer->has_failed || writer_waits(writer))
        return;
    do {
        r = writer_commit_some(writer, &failure);
    } while (r == 0 && writer->doing.first != NULL);
    if (r < 0)
        writer_failed(writer, r, failure);
}

/* Loads asked for before a failure are answered, too: nobody waits in vain. */
static void writer_answer(struct twi_writer *writer)
{
    struct twi_load *load, **end;

    for (load = writer->answering; load != NULL; load = load->next)
        twi_store_load(writer->store, load->ids, load->count, &load->arena, &load->visits,
                       &load->failure);
    pthread_mutex_lock(&writer->lock);
    for (end = &writer->news.loads; *end != NULL; end = &(*end)->next)
        ;
    *end = writer->answering;
    pthread_mutex_unlock(&writer->lock);
    writer->answering = NULL;
}

static void writer_tick(struct twi_writer *writer)
{
    tw_value failure = tw_none();
    int r;

    if (writer->has_failed || writer_waits(writer))
        return;
    r = twi_store_tick(writer->store, writer_now(writer), &failure);
    if (r < 0)
        writer_failed(writer, r, failure);
    else if (writer->is_full)
        writer_set_full(writer, false, tw_none());
}

static void writer_last(struct twi_writer *writer)
{
    tw_value failure = tw_none();
    int r;

    if (!writer->has_failed) {
        r = twi_store_end(writer->store, writer->end, &failure);
        if (r < 0)
            writer_failed(writer, r, failure);
    }
    writer->is_ended = true;
    pthread_mutex_lock(&writer->lock);
    writer->news.is_ended = true;
    pthread_mutex_unlock(&writer->lock);
}

static void inline_round(void *arg);

/* On a full disk the next try is a timed call; anything else waits for the next record. */
static void inline_retry(void *arg)
{
    struct twi_writer *writer = arg;

    writer->timer = 0;
    if (!writer->is_due)
        inline_round(writer);
}

static void inline_arm(struct twi_writer *writer)
{
    if (!writer->is_full || writer->timer != 0 || writer->is_ending)
        return;
    writer->timer = tw_call_later(RETRY_MS / 1000.0, inline_retry, writer);
    if (writer->timer < 0) {
        writer->timer = 0;
        writer_failed(writer, -ENOMEM, tw_fail_memory());
    }
}

/* One look at everything. An inline writer may be freed by what it tells. */
static void writer_round(struct twi_writer *writer)
{
    writer_take(writer);
    writer_commit(writer);
    if (writer->answering != NULL &&
        (writer->doing.first == NULL || writer->has_failed || writer->is_ending))
        writer_answer(writer);
    writer_tick(writer);
    if (writer->is_inline)
        inline_arm(writer);
    if (writer->is_ending)
        writer_last(writer);
    writer_ring(writer);
}

/* --- a thread of its own -------------------------------------------------------------------- */

/* How long to wait for more, in ms. */
static int64_t writer_patience(struct twi_writer *writer)
{
    int64_t now = writer_now(writer);

    if (writer->has_failed)
        return RETRY_MS;
    if (!writer->is_full)
        return twi_store_next_tick(writer->store, now);
    return writer->retry_at > now ? writer->retry_at - now : 0;
}

/* Under the lock: is there something that does not wait for room? */
static bool writer_is_wanted(const struct twi_writer *writer)
{
    return writer->end_asked || (!writer->is_full && writer->loads != NULL) ||
           (!writer->is_full && !writer->has_failed && writer->put.first != NULL);
}

static void writer_wait(struct twi_writer *writer)
{
    int64_t patience = writer_patience(writer);
    struct timespec until;
    int r = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += patience % 1000 * 1000000;
    until.tv_sec += patience / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&writer->lock);
    while (r == 0 && !writer_is_wanted(writer))
        r = pthread_cond_timedwait(&writer->come, &writer->lock, &until);
    pthread_mutex_unlock(&writer->lock);
}

static void *writer_main(void *arg)
{
    struct twi_writer *writer = arg;

    while (!writer->is_ended) {
        writer_wait(writer);
        writer_round(writer);
    }
    return NULL;
}

/* No signal is handled on the thread: the program's handlers belong to its own. */
static int writer_start(struct twi_writer *writer)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&writer->thread, NULL, writer_main, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    writer->has_thread = r == 0;
    return -r;
}

/* --- in the reactor's turns ----------------------------------------------------------------- */

static void inline_round(void *arg)
{
    struct twi_writer *writer = arg;

    writer->is_due = false;
    writer_round(writer);
}

/* A turn for what has come. Without memory for that it is done here. */
static void inline_wake(struct twi_writer *writer)
{
    if (writer->is_due)
        return;
    writer->is_due = true;
    if (tw_call_soon(inline_round, writer) < 0)
        inline_round(writer);
}

/* --- the reactor's side --------------------------------------------------------------------- */

static int writer_init(struct twi_writer *writer)
{
    pthread_condattr_t attributes;
    int r = pthread_condattr_init(&attributes);

    if (r != 0)
        return -r;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    r = pthread_cond_init(&writer->come, &attributes);
    pthread_condattr_destroy(&attributes);
    if (r != 0)
        return -r;
    r = pthread_mutex_init(&writer->lock, NULL);
    if (r != 0)
        pthread_cond_destroy(&writer->come);
    return -r;
}

int twi_writer_new(const struct twi_writer_options *options, struct twi_writer **ret_writer,
                   tw_value *ret_failure)
{
    struct twi_writer *writer = calloc(1, sizeof *writer);
    tw_reactor *reactor = tw_reactor_current();
    int r = writer == NULL || reactor == NULL ? -ENOMEM : writer_init(writer);

    if (r < 0) {
        free(writer);
        *ret_failure = tw_fail_errno(&tw_error_job, r);
        return r;
    }
    writer->store = options->store;
    writer->is_inline = options->is_inline;
    writer->hear = options->hear;
    writer->arg = options->arg;
    writer->loads_end = &writer->loads;
    writer->reactor = tw_reactor_ref(reactor);
    r = writer->is_inline ? 0 : writer_start(writer);
    if (r < 0) {
        *ret_failure = twi_job_failure(r, "cannot start the thread that commits: %s",
                                       strerror(-r));
        twi_writer_free(writer);
        return r;
    }
    *ret_writer = writer;
    return 0;
}

static void writer_wake(struct twi_writer *writer)
{
    if (writer->is_inline)
        inline_wake(writer);
    else
        pthread_cond_signal(&writer->come);
}

void twi_writer_put(struct twi_writer *writer, struct twi_records *records)
{
    pthread_mutex_lock(&writer->lock);
    twi_records_join(&writer->put, records);
    pthread_mutex_unlock(&writer->lock);
    writer_wake(writer);
}

void twi_writer_load(struct twi_writer *writer, struct twi_load *load)
{
    pthread_mutex_lock(&writer->lock);
    load->next = NULL;
    *writer->loads_end = load;
    writer->loads_end = &load->next;
    pthread_mutex_unlock(&writer->lock);
    writer_wake(writer);
}

void twi_writer_end(struct twi_writer *writer, enum twi_job_end end)
{
    pthread_mutex_lock(&writer->lock);
    writer->end = end;
    writer->end_asked = true;
    pthread_mutex_unlock(&writer->lock);
    writer_wake(writer);
}

void twi_writer_free(struct twi_writer *writer)
{
    if (writer->has_thread)
        pthread_join(writer->thread, NULL);
    if (writer->timer != 0)
        tw_call_cancel(writer->timer);
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->come);
    tw_reactor_unref(writer->reactor);
    free(writer);
}
