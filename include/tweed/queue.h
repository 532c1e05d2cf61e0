/* SPDX-License-Identifier: MIT */
/*
 * queue.h - values wait for takers, or takers for values.
 *
 * One type serves four orders: first in first out, last in first out, by priority, and (size 0)
 * from hand to hand. Waiting gets and puts are served in the order in which they came; a
 * cancelled one leaves the line and takes no value. A queue belongs to one thread, like all
 * Deferreds. NULL, a queue that could not be made, does no harm.
 * After Twisted's DeferredQueue and Python's queue and asyncio.Queue.
 */
#ifndef TWEED_QUEUE_H
#define TWEED_QUEUE_H

#include <tweed/deferred.h>

TW_BEGIN

#define TW_UNLIMITED SIZE_MAX
typedef struct tw_queue tw_queue;

enum tw_queue_order {
    TW_FIFO,
    TW_LIFO,
    TW_PRIORITY /* the lowest first; among equals the oldest */
};

/* size: how many values the queue may hold (0: each put meets a get); backlog: how many gets
 * may wait. NULL when there is no memory. */
TW_API TW_MUST_USE tw_queue *tw_queue_new(size_t size, size_t backlog);
TW_API TW_MUST_USE tw_queue *tw_queue_new_ordered(enum tw_queue_order order, size_t size,
                                                  size_t backlog);

/* Put at once or not at all. Takes `value`. 0, -EOVERFLOW when full (QueueOverflow), -EPIPE when
 * closed, -ENOMEM, -EINVAL (a bare Deferred). */
TW_API int tw_queue_put(tw_queue *queue, tw_value value);
/* `priority` counts in a queue that is ordered by it, and nowhere else. */
TW_API int tw_queue_put_priority(tw_queue *queue, int64_t priority, tw_value value);
/* Put, waiting for room: fires with none when the value is in the queue, or a get has taken it.
 * Takes `value`; a put that fails releases it. Fails with tw_error_queue_closed. Dropping the
 * Deferred does not take the put back; cancelling it does. */
#define tw_queue_put_wait(queue, ...) tw_queue_put_wait_at(TW_HERE, (queue), 0, __VA_ARGS__)
#define tw_queue_put_wait_priority(queue, priority, ...) \
    tw_queue_put_wait_at(TW_HERE, (queue), (priority), __VA_ARGS__)
TW_API TW_MUST_USE tw_deferred *tw_queue_put_wait_at(const char *where, tw_queue *queue,
                                                     int64_t priority, tw_value value);

/* Fires with the next value. Fails at once with tw_error_queue_empty when more gets wait than
 * the backlog allows (QueueUnderflow); with tw_error_queue_closed when the queue is closed and
 * empty. */
#define tw_queue_get(queue) tw_queue_get_at(TW_HERE, (queue))
TW_API TW_MUST_USE tw_deferred *tw_queue_get_at(const char *where, tw_queue *queue);
/* Get at once or not at all; *ret_value is owned. Returns 0, -EAGAIN (empty), -EPIPE (empty and
 * closed). */
TW_API int tw_queue_try_get(tw_queue *queue, tw_value *ret_value);

/* Say that the work for one value from the queue is done. Returns 0, -EPERM when all is done
 * already. */
TW_API int tw_queue_task_done(tw_queue *queue);
/* Fires with none when the work for every value that was put is done. */
#define tw_queue_join(queue) tw_queue_join_at(TW_HERE, (queue))
TW_API TW_MUST_USE tw_deferred *tw_queue_join_at(const char *where, tw_queue *queue);

/* Take no more values: puts fail from now on, waiting ones too; gets fail when no value is
 * left. With `discard` the values left are released at once, and their work counts as done.
 * Returns 0, -EALREADY (it was closed before; `discard` is obeyed all the same). After Python's
 * shutdown(). */
TW_API int tw_queue_close(tw_queue *queue, bool discard);
TW_API bool tw_queue_closed(const tw_queue *queue);

TW_API size_t tw_queue_length(const tw_queue *queue);
TW_API size_t tw_queue_waiting(const tw_queue *queue);      /* gets */
TW_API size_t tw_queue_puts_waiting(const tw_queue *queue);
/* Releases the values left; waiting gets and puts fail with tw_error_abandoned. */
TW_API void tw_queue_free(tw_queue *queue);

TW_END
#endif
