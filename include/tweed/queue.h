/* SPDX-License-Identifier: MIT */
/*
 * queue.h - values wait for those who want them, or the other way round.
 *
 * One type for four: first in first out, last in first out, by priority, and (size 0) hand to
 * hand. Those who wait are served in the order in which they came; a cancelled wait leaves the
 * line and takes nothing along. One thread's, like all Deferreds. NULL, what could not be made,
 * does no harm.
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

/* size: how many values may wait (0: only a rendezvous); backlog: how many gets may wait. */
TW_API tw_queue *tw_queue_new(size_t size, size_t backlog);
TW_API tw_queue *tw_queue_new_ordered(enum tw_queue_order order, size_t size, size_t backlog);

/* Put at once or not at all. Takes `value`. 0, -EOVERFLOW when full (QueueOverflow), -EPIPE when
 * closed, -ENOMEM, -EINVAL (a bare Deferred). */
TW_API int tw_queue_put(tw_queue *queue, tw_value value);
/* `priority` matters to a queue ordered by it only. */
TW_API int tw_queue_put_priority(tw_queue *queue, int64_t priority, tw_value value);
/* Put, waiting for a place: fires with none when the value has it, or somebody has got it. Takes
 * `value`; a put that fails releases it. Fails with tw_error_queue_closed. Letting go of the
 * Deferred does not take the put back; cancelling it does. */
#define tw_queue_put_wait(queue, ...) tw_queue_put_wait_at(TW_HERE, (queue), 0, __VA_ARGS__)
#define tw_queue_put_wait_priority(queue, priority, ...) \
    tw_queue_put_wait_at(TW_HERE, (queue), (priority), __VA_ARGS__)
TW_API tw_deferred *tw_queue_put_wait_at(const char *where, tw_queue *queue, int64_t priority,
                                         tw_value value);

/* Fires with the next value; already failed with tw_error_queue_empty when too many wait
 * (QueueUnderflow), with tw_error_queue_closed when it is closed and empty. */
#define tw_queue_get(queue) tw_queue_get_at(TW_HERE, (queue))
TW_API tw_deferred *tw_queue_get_at(const char *where, tw_queue *queue);
/* Get at once or not at all: *ret_value is yours. 0, -EAGAIN when empty, -EPIPE when closed
 * too. */
TW_API int tw_queue_try_get(tw_queue *queue, tw_value *ret_value);

/* Say that the work for one value that was got is done. 0, -EPERM when there is none. */
TW_API int tw_queue_task_done(tw_queue *queue);
/* Fires with none when for each value that was put the work is done. */
#define tw_queue_join(queue) tw_queue_join_at(TW_HERE, (queue))
TW_API tw_deferred *tw_queue_join_at(const char *where, tw_queue *queue);

/* No more values: puts fail from now on, those that wait too; gets when none is left. With
 * `discard` those left are released at once, their work counting as done. 0, -EALREADY (it was
 * closed; what is left is discarded if so asked). After Python's shutdown(). */
TW_API int tw_queue_close(tw_queue *queue, bool discard);
TW_API bool tw_queue_closed(const tw_queue *queue);

TW_API size_t tw_queue_length(const tw_queue *queue);
TW_API size_t tw_queue_waiting(const tw_queue *queue);      /* gets */
TW_API size_t tw_queue_puts_waiting(const tw_queue *queue);
/* Releases the values left; what waits fails with tw_error_abandoned. */
TW_API void tw_queue_free(tw_queue *queue);

TW_END
#endif
