/* SPDX-License-Identifier: MIT */
/*
 * deadline.c - many deadlines behind one timed call.
 */
#include "config.h"

#include "base/list.h"
#include "reactor/face.h"
#include "web/client/deadline.h"

static void alarm_rings(void *arg);

/* The alarm may ring too early, never too late. */
static int arm(struct twi_deadlines *deadlines)
{
    const struct twi_heap_node *first = twi_heap_first(&deadlines->heap);
    int64_t call;

    if (first == NULL || (deadlines->alarm > 0 && deadlines->alarm_at <= first->key))
        return 0;
    call = deadlines->clock->ops->call_at(deadlines->clock, first->key, alarm_rings, deadlines,
                                          NULL);
    if (call < 0)
        return (int)call;
    if (deadlines->alarm > 0)
        deadlines->clock->ops->cancel(deadlines->clock, deadlines->alarm);
    deadlines->alarm = call;
    deadlines->alarm_at = first->key;
    return 0;
}

static void alarm_rings(void *arg)
{
    struct twi_deadlines *deadlines = arg;
    struct twi_heap_node *first;
    struct twi_deadline *deadline;
    bool gone = false;

    deadlines->alarm = 0;
    deadlines->gone = &gone;
    while ((first = twi_heap_first(&deadlines->heap)) != NULL) {
        /* Without memory for another alarm no deadline would pass any more: let all pass now;
         * owners that cannot set a new one give up. */
        if (first->key > twi_clock_now(deadlines->clock) && arm(deadlines) == 0)
            break;
        twi_heap_remove(&deadlines->heap, first);
        deadline = TWI_CONTAINER(first, struct twi_deadline, node);
        deadline->passed(deadline);
        if (gone)
            return;
    }
    deadlines->gone = NULL;
}

int twi_deadline_set(struct twi_deadlines *deadlines, struct twi_deadline *deadline,
                     int64_t at)
{
    int r = 0;

    if (twi_heap_has(&deadline->node))
        twi_heap_move(&deadlines->heap, &deadline->node, at);
    else
        r = twi_heap_add(&deadlines->heap, &deadline->node, at);
    if (r == 0)
        r = arm(deadlines);
    if (r < 0)
        twi_deadline_clear(deadlines, deadline);
    return r;
}

void twi_deadline_clear(struct twi_deadlines *deadlines, struct twi_deadline *deadline)
{
    if (twi_heap_has(&deadline->node))
        twi_heap_remove(&deadlines->heap, &deadline->node);
}

void twi_deadlines_rest(struct twi_deadlines *deadlines)
{
    if (deadlines->alarm == 0 || twi_heap_first(&deadlines->heap) != NULL)
        return;
    deadlines->clock->ops->cancel(deadlines->clock, deadlines->alarm);
    deadlines->alarm = 0;
}

void twi_deadlines_free(struct twi_deadlines *deadlines)
{
    if (deadlines->gone != NULL)
        *deadlines->gone = true;
    if (deadlines->alarm > 0)
        deadlines->clock->ops->cancel(deadlines->clock, deadlines->alarm);
    deadlines->alarm = 0;
    twi_heap_free(&deadlines->heap);
}
