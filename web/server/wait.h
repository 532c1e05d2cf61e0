/* SPDX-License-Identifier: MIT */
/*
 * wait.h - queues of waits of the same duration.
 *
 * Equal durations keep a queue ordered by deadline, so that it needs one timed call, and
 * joining or leaving it is a list operation.
 */
#ifndef WEB_SERVER_WAIT_H
#define WEB_SERVER_WAIT_H

#include <stdint.h>

#include "base/list.h"

/* Embedded in the waiting struct; in one queue at most. */
struct twi_wait {
    struct twi_list node;
    int64_t deadline;
};

struct twi_wait_queue {
    struct twi_list list; /* of struct twi_wait, by deadline */
    int64_t duration;     /* nanoseconds; 0: nothing in it ever expires */
    int64_t call;         /* 0: none is set */
    /* The time of `wait` is over; it is in no queue. Must not free the queue. */
    void (*expired)(struct twi_wait *wait);
};

void twi_wait_queue_init(struct twi_wait_queue *queue, int64_t duration,
                         void (*expired)(struct twi_wait *wait));
/* End the queue; nothing waits in it any more. */
void twi_wait_queue_end(struct twi_wait_queue *queue);

static inline void twi_wait_init(struct twi_wait *wait)
{
    twi_list_init(&wait->node);
}
/* Wait in `queue` from now on, and nowhere else. */
void twi_wait_begin(struct twi_wait *wait, struct twi_wait_queue *queue);
static inline void twi_wait_end(struct twi_wait *wait)
{
    if (twi_list_linked(&wait->node))
        twi_list_remove(&wait->node);
}

#endif
