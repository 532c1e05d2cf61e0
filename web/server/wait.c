/* SPDX-License-Identifier: MIT */
/*
 * wait.c - see wait.h.
 */
#include "config.h"

#include <tweed/reactor.h>

#include "reactor/face.h"
#include "web/server/wait.h"

/* A timed call may come this much early, by rounding. */
enum { SLACK_NS = 1000000 };

static void queue_due(void *arg);

static struct twi_wait *queue_first(struct twi_wait_queue *queue)
{
    return TWI_CONTAINER(queue->list.next, struct twi_wait, node);
}

static void queue_arm(struct twi_wait_queue *queue)
{
    int64_t left, call;

    if (queue->call != 0 || twi_list_empty(&queue->list))
        return;
    left = queue_first(queue)->deadline - twi_loop_now();
    call = tw_call_later((double)left / (double)TWI_SECOND + 1e-9, queue_due, queue);
    /* Without memory for it the next wait tries again. */
    if (call > 0)
        queue->call = call;
}

static void queue_due(void *arg)
{
    struct twi_wait_queue *queue = arg;
    int64_t now = twi_loop_now();

    queue->call = 0;
    while (!twi_list_empty(&queue->list)) {
        struct twi_wait *first = queue_first(queue);

        if (first->deadline > now + SLACK_NS)
            break;
        twi_wait_end(first);
        queue->expired(first);
    }
    queue_arm(queue);
}

void twi_wait_queue_init(struct twi_wait_queue *queue, int64_t duration,
                         void (*expired)(struct twi_wait *wait))
{
    twi_list_init(&queue->list);
    queue->duration = duration;
    queue->call = 0;
    queue->expired = expired;
}

void twi_wait_queue_end(struct twi_wait_queue *queue)
{
    if (queue->call != 0)
        tw_call_cancel(queue->call);
}

void twi_wait_begin(struct twi_wait *wait, struct twi_wait_queue *queue)
{
    twi_wait_end(wait);
    if (queue->duration == 0)
        return;
    wait->deadline = twi_loop_now() + queue->duration;
    twi_list_append(&queue->list, &wait->node);
    queue_arm(queue);
}
