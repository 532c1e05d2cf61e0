/* SPDX-License-Identifier: MIT */
/*
 * event.c - a flag that many wait for.
 */
#include <errno.h>

#include <tweed/sync.h>

#include "defer/waiters.h"

struct tw_event {
    struct twi_waiters waiting;
    bool set;
};

tw_event *tw_event_new(void)
{
    tw_event *event = twi_malloc(sizeof *event);

    if (event == NULL)
        return NULL;
    event->set = false;
    twi_waiters_init(&event->waiting);
    return event;
}

tw_deferred *tw_event_wait_at(const char *where, tw_event *event)
{
    if (event == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&event->waiting);
    if (event->set)
        return tw_fired_at(where, tw_none());
    return twi_waiters_join(&event->waiting, where);
}

int tw_event_set(tw_event *event)
{
    struct twi_waiters line;

    if (event == NULL)
        return -EINVAL;
    TWI_WAITERS_CHECK(&event->waiting);
    event->set = true;
    twi_waiters_move_all(&line, &event->waiting);
    twi_waiters_serve_all(&line, tw_none());
    return 0;
}

int tw_event_clear(tw_event *event)
{
    if (event == NULL)
        return -EINVAL;
    TWI_WAITERS_CHECK(&event->waiting);
    event->set = false;
    return 0;
}

bool tw_event_is_set(const tw_event *event)
{
    return event != NULL && event->set;
}

size_t tw_event_waiting(const tw_event *event)
{
    return event != NULL ? event->waiting.count : 0;
}

void tw_event_free(tw_event *event)
{
    if (event == NULL)
        return;
    TWI_WAITERS_CHECK(&event->waiting);
    twi_waiters_abandon(&event->waiting, "event");
    twi_free(event);
}
