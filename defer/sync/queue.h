/* SPDX-License-Identifier: MIT */
/*
 * queue.h - the inside of a queue, for channels and select.
 */
#ifndef DEFER_SYNC_QUEUE_H
#define DEFER_SYNC_QUEUE_H

#include <tweed/channel.h>
#include <tweed/queue.h>

#include "defer/waiters.h"

#include "base/heap.h"

/* Values wait in the ring or, by priority, in the heap; puts wait while it is full, gets while it
 * is empty. Only a select that both puts and gets, at size 0, stands in both lines. */
struct tw_queue {
    enum tw_queue_order order;
    bool closed;
    size_t size, backlog, length;
    size_t unfinished; /* put, and no task_done() yet */
    tw_value *ring;    /* `length` values from `first` on */
    size_t capacity, first;
    struct twi_heap heap;
    struct twi_waiters gets, puts, joins;
};

/* A channel is a queue under another name. */
static inline tw_queue *twi_channel_queue(const tw_channel *channel)
{
    return (tw_queue *)(uintptr_t)channel;
}

/* True if a get would not wait: there is a value, or the queue is closed. */
bool twi_queue_may_get(const tw_queue *queue);
/* True if a put would not wait: there is room, or the queue is closed. */
bool twi_queue_may_put(tw_queue *queue);
/* The next value, owned; only if there is one. The put that gets its place is left to the
 * caller: serve *ret_put last, if it is not NULL. */
tw_value twi_queue_take(tw_queue *queue, struct twi_waiter **ret_put);
/* Put without waiting: as tw_queue_put_priority(). It may free the queue. */
int twi_queue_accept(tw_queue *queue, int64_t priority, tw_value value);
tw_value twi_queue_closed_at(const char *where);

#endif
