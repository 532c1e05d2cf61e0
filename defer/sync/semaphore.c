/* SPDX-License-Identifier: MIT */
/*
 * semaphore.c - taking turns, a given number at a time.
 */
#include <errno.h>

#include "defer/sync/semaphore.h"

void twi_semaphore_unref(tw_semaphore *semaphore)
{
    if (--semaphore->references == 0)
        twi_free(semaphore);
}

tw_semaphore *tw_semaphore_new(size_t tokens)
{
    tw_semaphore *semaphore;

    if (tokens == 0) {
        errno = EINVAL;
        return NULL;
    }
    semaphore = twi_calloc(1, sizeof *semaphore);
    if (semaphore == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    semaphore->tokens = semaphore->limit = tokens;
    semaphore->references = 1;
    twi_waiters_init(&semaphore->waiting);
    return semaphore;
}

static void take_token(tw_semaphore *semaphore, const void *owner)
{
    semaphore->tokens--;
    semaphore->owner = owner;
    semaphore->depth = 1;
}

static bool holds(const tw_semaphore *semaphore, const void *owner)
{
    return semaphore->reentrant && semaphore->tokens == 0 && semaphore->owner == owner;
}

tw_deferred *twi_semaphore_acquire(const char *where, tw_semaphore *semaphore,
                                   const void *owner)
{
    struct twi_waiter *waiter;
    tw_deferred *deferred;
    bool again;

    TWI_WAITERS_CHECK(&semaphore->waiting);
    again = holds(semaphore, owner);
    if (semaphore->tokens == 0 && !again) {
        deferred = twi_waiters_join_as(&semaphore->waiting, where, &waiter);
        if (deferred != NULL)
            waiter->owner = owner;
        return deferred;
    }
    deferred = tw_fired_at(where, tw_pointer(semaphore));
    if (deferred != NULL && again)
        semaphore->depth++;
    else if (deferred != NULL)
        take_token(semaphore, owner);
    return deferred;
}

tw_deferred *tw_semaphore_acquire_at(const char *where, tw_semaphore *semaphore)
{
    return semaphore != NULL ? twi_semaphore_acquire(where, semaphore, NULL) : NULL;
}

int twi_semaphore_try(tw_semaphore *semaphore, const void *owner)
{
    TWI_WAITERS_CHECK(&semaphore->waiting);
    if (holds(semaphore, owner))
        semaphore->depth++;
    else if (semaphore->tokens > 0)
        take_token(semaphore, owner);
    else
        return -EAGAIN;
    return 0;
}

int tw_semaphore_try(tw_semaphore *semaphore)
{
    return semaphore != NULL ? twi_semaphore_try(semaphore, NULL) : -EINVAL;
}

/* A condition's waiter may have to look at its predicate before it wants the lock; if it does
 * not, the next one is served, in a loop. */
void twi_semaphore_hand_over(tw_semaphore *semaphore)
{
    struct twi_waiter *waiter;

    while ((waiter = twi_waiters_first(&semaphore->waiting)) != NULL) {
        semaphore->owner = waiter->owner;
        semaphore->depth = 1;
        if (twi_waiter_serve(waiter, tw_pointer(semaphore)))
            return;
    }
    semaphore->owner = NULL;
    semaphore->depth = 0;
    semaphore->tokens++;
}

int twi_semaphore_release(tw_semaphore *semaphore, const void *owner)
{
    TWI_WAITERS_CHECK(&semaphore->waiting);
    if (semaphore->tokens == semaphore->limit)
        return -EPERM;
    if (semaphore->reentrant && semaphore->owner != owner)
        return -EPERM;
    if (semaphore->reentrant && --semaphore->depth > 0)
        return 0;
    twi_semaphore_hand_over(semaphore);
    return 0;
}

int tw_semaphore_release(tw_semaphore *semaphore)
{
    return semaphore != NULL ? twi_semaphore_release(semaphore, NULL) : -EINVAL;
}

/* --- run -------------------------------------------------------------------------------- */

struct job {
    tw_semaphore *semaphore;
    const void *owner;
    tw_deferred *done; /* not counted: the job dies with it */
    tw_guarded *fn;
    void *arg;
    bool started, held;
};

static tw_value semaphore_job_start(tw_value acquired, void *arg)
{
    struct job *job = arg;

    (void)acquired;
    job->started = job->held = true;
    return tw_wait(job->fn(job->arg));
}

static void job_let_go(struct job *job)
{
    bool held = job->held;

    job->held = false;
    if (held)
        twi_semaphore_release(job->semaphore, job->owner);
}

static tw_value job_end(tw_value result, void *job)
{
    job_let_go(job);
    return result;
}

/* Acquired, but the chain never ran: it was paused when its last reference went. */
static bool job_missed(const struct job *job)
{
    return !job->started && tw_pointer_of(job->done->result) == job->semaphore;
}

static void semaphore_job_free(void *arg)
{
    struct job *job = arg;

    job->held = job->held || job_missed(job);
    job_let_go(job);
    twi_semaphore_unref(job->semaphore);
    twi_free(job);
}

/* Both steps fit inside the Deferred: neither add can fail. */
tw_deferred *twi_semaphore_run(const char *where, tw_semaphore *semaphore, tw_guarded *fn,
                               void *arg, const void *owner)
{
    struct job *job = fn != NULL ? twi_malloc(sizeof *job) : NULL;
    tw_deferred *deferred = NULL;

    if (fn == NULL)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "no function to call"));
    if (job != NULL && owner == NULL)
        owner = job;
    if (job != NULL)
        deferred = twi_semaphore_acquire(where, semaphore, owner);
    if (deferred == NULL) {
        twi_free(job);
        return NULL;
    }
    *job = (struct job){ semaphore, owner, deferred, fn, arg, false, false };
    semaphore->references++;
    tw_add_callback(deferred, semaphore_job_start, job);
    tw_add_both_with(deferred, job_end, job, semaphore_job_free);
    return deferred;
}

tw_deferred *tw_semaphore_run_at(const char *where, tw_semaphore *semaphore, tw_guarded *fn,
                                 void *arg)
{
    return semaphore != NULL ? twi_semaphore_run(where, semaphore, fn, arg, NULL) : NULL;
}

/* --- looking, letting go ---------------------------------------------------------------- */

size_t tw_semaphore_available(const tw_semaphore *semaphore)
{
    return semaphore != NULL ? semaphore->tokens : 0;
}

size_t tw_semaphore_waiting(const tw_semaphore *semaphore)
{
    return semaphore != NULL ? semaphore->waiting.count : 0;
}

void tw_semaphore_free(tw_semaphore *semaphore)
{
    if (semaphore == NULL)
        return;
    TWI_WAITERS_CHECK(&semaphore->waiting);
    semaphore->gone = true;
    twi_waiters_abandon(&semaphore->waiting, semaphore->limit > 1 ? "semaphore" : "lock");
    twi_semaphore_unref(semaphore);
}
