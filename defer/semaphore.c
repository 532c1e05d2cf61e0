/*
 * semaphore.c - taking turns, with so many at a time.
 */
#include <errno.h>

#include <tweed/sync.h>

#include "defer/waiters.h"

/* Counted by its owner and by each tw_semaphore_run(), which must be able to give back its token
 * after the owner is gone. */
struct tw_semaphore {
    size_t tokens, limit;
    struct twi_waiters waiting;
    unsigned references;
};

static void semaphore_unref(tw_semaphore *semaphore)
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
    semaphore = twi_malloc(sizeof *semaphore);
    if (semaphore == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    semaphore->tokens = semaphore->limit = tokens;
    semaphore->references = 1;
    twi_waiters_init(&semaphore->waiting);
    return semaphore;
}

tw_deferred *tw_semaphore_acquire_at(const char *where, tw_semaphore *semaphore)
{
    tw_deferred *deferred;

    if (semaphore == NULL)
        return NULL;
    if (semaphore->tokens == 0)
        return twi_waiters_join(&semaphore->waiting, where);
    deferred = tw_fired_at(where, tw_pointer(semaphore));
    if (deferred != NULL)
        semaphore->tokens--;
    return deferred;
}

int tw_semaphore_release(tw_semaphore *semaphore)
{
    if (semaphore == NULL)
        return -EINVAL;
    if (semaphore->tokens == semaphore->limit)
        return -EPERM;
    if (semaphore->waiting.count > 0)
        twi_waiters_serve(&semaphore->waiting, tw_pointer(semaphore));
    else
        semaphore->tokens++;
    return 0;
}

/* --- run -------------------------------------------------------------------------------- */

struct job {
    tw_semaphore *semaphore;
    tw_guarded *fn;
    void *arg;
    bool held;
};

static tw_value job_start(tw_value acquired, void *arg)
{
    struct job *job = arg;

    (void)acquired;
    job->held = true;
    return tw_wait(job->fn(job->arg));
}

static void job_let_go(struct job *job)
{
    bool held = job->held;

    job->held = false;
    if (held)
        tw_semaphore_release(job->semaphore);
}

static tw_value job_end(tw_value result, void *job)
{
    job_let_go(job);
    return result;
}

static void job_free(void *arg)
{
    struct job *job = arg;

    job_let_go(job);
    semaphore_unref(job->semaphore);
    twi_free(job);
}

/* Both steps fit inside the Deferred: neither add can fail. */
tw_deferred *tw_semaphore_run_at(const char *where, tw_semaphore *semaphore, tw_guarded *fn,
                                 void *arg)
{
    struct job *job = semaphore != NULL && fn != NULL ? twi_malloc(sizeof *job) : NULL;
    tw_deferred *deferred = job != NULL ? tw_semaphore_acquire_at(where, semaphore) : NULL;

    if (fn == NULL)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "no function to call"));
    if (deferred == NULL) {
        twi_free(job);
        return NULL;
    }
    *job = (struct job){ semaphore, fn, arg, false };
    semaphore->references++;
    tw_add_callback(deferred, job_start, job);
    tw_add_both_with(deferred, job_end, job, job_free);
    return deferred;
}

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
    twi_waiters_abandon(&semaphore->waiting, "semaphore");
    semaphore_unref(semaphore);
}
