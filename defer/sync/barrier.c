/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - a given number of waits meet, then all go on.
 */
#include <errno.h>

#include <tweed/sync.h>

#include "defer/waiters.h"

struct tw_barrier {
    struct twi_waiters waiting;
    size_t parties;
    bool broken;
};

tw_barrier *tw_barrier_new(size_t parties)
{
    tw_barrier *barrier;

    if (parties == 0) {
        errno = EINVAL;
        return NULL;
    }
    barrier = twi_malloc(sizeof *barrier);
    if (barrier == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    barrier->parties = parties;
    barrier->broken = false;
    twi_waiters_init(&barrier->waiting);
    return barrier;
}

static tw_value broken_at(const char *where)
{
    return tw_fail_at(where, &tw_error_barrier_broken, "the barrier is broken");
}

/* The last wait's Deferred is made before the others are fired: without memory none is. Their
 * callbacks may free the barrier. */
static tw_deferred *meet(const char *where, tw_barrier *barrier)
{
    tw_deferred *last = tw_fired_at(where, tw_integer((int64_t)barrier->parties - 1));
    struct twi_waiters line;

    if (last == NULL)
        return NULL;
    twi_waiters_move_all(&line, &barrier->waiting);
    for (int64_t index = 0; line.count > 0; index++)
        twi_waiters_serve(&line, tw_integer(index));
    return last;
}

tw_deferred *tw_barrier_wait_at(const char *where, tw_barrier *barrier)
{
    if (barrier == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&barrier->waiting);
    if (barrier->broken)
        return tw_fired_at(where, broken_at(where));
    if (barrier->waiting.count + 1 == barrier->parties)
        return meet(where, barrier);
    return twi_waiters_join(&barrier->waiting, where);
}

static int fail_all(tw_barrier *barrier, bool broken)
{
    struct twi_waiters line;

    if (barrier == NULL)
        return -EINVAL;
    TWI_WAITERS_CHECK(&barrier->waiting);
    barrier->broken = broken;
    twi_waiters_move_all(&line, &barrier->waiting);
    if (line.count > 0)
        twi_waiters_serve_all(&line, broken_at(TW_HERE));
    return 0;
}

int tw_barrier_abort(tw_barrier *barrier)
{
    return fail_all(barrier, true);
}

int tw_barrier_reset(tw_barrier *barrier)
{
    return fail_all(barrier, false);
}

bool tw_barrier_broken(const tw_barrier *barrier)
{
    return barrier != NULL && barrier->broken;
}

size_t tw_barrier_waiting(const tw_barrier *barrier)
{
    return barrier != NULL ? barrier->waiting.count : 0;
}

void tw_barrier_free(tw_barrier *barrier)
{
    if (barrier == NULL)
        return;
    TWI_WAITERS_CHECK(&barrier->waiting);
    twi_waiters_abandon(&barrier->waiting, "barrier");
    twi_free(barrier);
}
