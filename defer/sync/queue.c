/* SPDX-License-Identifier: MIT */
/*
 * queue.c - values wait for takers, or takers for values.
 *
 * Firing a wait is always the last step: its callbacks may do anything with the queue, and free
 * it.
 */
#include "defer/sync/queue.h"

#include <errno.h>

struct item {
    struct twi_heap_node node; /* first */
    tw_value value;
};

static struct twi_slab items = TWI_SLAB(struct item);

tw_queue *tw_queue_new_ordered(enum tw_queue_order order, size_t size, size_t backlog)
{
    tw_queue *queue = twi_calloc(1, sizeof *queue);

    if (queue == NULL)
        return NULL;
    queue->order = order;
    queue->size = size;
    queue->backlog = backlog;
    twi_waiters_init(&queue->gets);
    twi_waiters_init(&queue->puts);
    twi_waiters_init(&queue->joins);
    return queue;
}

tw_queue *tw_queue_new(size_t size, size_t backlog)
{
    return tw_queue_new_ordered(TW_FIFO, size, backlog);
}

/* --- where values wait ------------------------------------------------------------------ */

/* The capacity is a power of two. */
static tw_value *queue_place(const tw_queue *queue, size_t index)
{
    return &queue->ring[(queue->first + index) & (queue->capacity - 1)];
}

static bool queue_make_room(tw_queue *queue)
{
    size_t capacity = queue->capacity > 0 ? queue->capacity * 2 : 8, size;
    tw_value *ring;

    if (queue->length < queue->capacity)
        return true;
    if (__builtin_mul_overflow(capacity, sizeof *ring, &size))
        return false;
    ring = twi_malloc(size);
    if (ring == NULL)
        return false;
    for (size_t i = 0; i < queue->length; i++)
        ring[i] = *queue_place(queue, i);
    twi_free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->first = 0;
    return true;
}

static bool store_item(tw_queue *queue, int64_t priority, tw_value value)
{
    struct item *item = twi_slab_alloc(&items);

    if (item == NULL)
        return false;
    item->value = value;
    if (twi_heap_add(&queue->heap, &item->node, priority) == 0)
        return true;
    twi_slab_free(&items, item);
    return false;
}

/* `value` is owned, and stays the caller's when there is no memory. */
static bool store(tw_queue *queue, int64_t priority, tw_value value)
{
    if (queue->order == TW_PRIORITY) {
        if (!store_item(queue, priority, value))
            return false;
    } else {
        if (!queue_make_room(queue))
            return false;
        *queue_place(queue, queue->length) = value;
    }
    queue->length++;
    return true;
}

/* Take the next value; the place it had is for the value of `put`, so there is always one. */
static tw_value exchange_item(tw_queue *queue, struct twi_waiter *put)
{
    struct item *item = (struct item *)twi_heap_first(&queue->heap);
    tw_value value = item->value;

    twi_heap_remove(&queue->heap, &item->node);
    if (put != NULL) {
        item->value = put->value;
        twi_heap_add(&queue->heap, &item->node, put->priority);
    } else {
        twi_slab_free(&items, item);
    }
    return value;
}

static tw_value exchange(tw_queue *queue, struct twi_waiter *put)
{
    tw_value value;

    queue->length--;
    if (queue->order == TW_PRIORITY) {
        value = exchange_item(queue, put);
    } else if (queue->order == TW_LIFO) {
        value = *queue_place(queue, queue->length);
    } else {
        value = *queue_place(queue, 0);
        queue->first = (queue->first + 1) & (queue->capacity - 1);
    }
    if (put != NULL && queue->order != TW_PRIORITY)
        *queue_place(queue, queue->length) = put->value;
    if (put != NULL)
        queue->length++;
    return value;
}

/* --- put and get, without Deferreds ----------------------------------------------------- */

/* Puts are served even if nobody sees their Deferreds: the value counts. */
static struct twi_waiter *first_put(const tw_queue *queue)
{
    if (queue->puts.count == 0)
        return NULL;
    return TWI_CONTAINER(queue->puts.nodes.next, struct twi_waiter, node);
}

bool twi_queue_may_get(const tw_queue *queue)
{
    return queue->length > 0 || queue->puts.count > 0 || queue->closed;
}

bool twi_queue_may_put(tw_queue *queue)
{
    return queue->closed || queue->length < queue->size ||
           twi_waiters_first(&queue->gets) != NULL;
}

tw_value twi_queue_take(tw_queue *queue, struct twi_waiter **ret_put)
{
    struct twi_waiter *put = first_put(queue);
    tw_value value;

    if (queue->length > 0)
        value = exchange(queue, put);
    else
        value = put->value;
    if (put != NULL) {
        put->value = tw_none();
        queue->unfinished++;
    }
    *ret_put = put;
    return value;
}

int twi_queue_accept(tw_queue *queue, int64_t priority, tw_value value)
{
    struct twi_waiter *get;
    int r = 0;

    if (twi_is_deferred(value)) {
        r = -EINVAL;
    } else if (queue->closed) {
        r = -EPIPE;
    } else if ((get = twi_waiters_first(&queue->gets)) != NULL) {
        queue->unfinished++;
        twi_waiter_serve(get, value);
        return 0;
    } else if (queue->length >= queue->size) {
        r = -EOVERFLOW;
    } else {
        value = tw_take(value);
        if (!store(queue, priority, value))
            r = -ENOMEM;
    }
    if (r < 0)
        tw_release(value);
    else
        queue->unfinished++;
    return r;
}

tw_value twi_queue_closed_at(const char *where)
{
    return tw_fail_at(where, &tw_error_queue_closed, "the queue is closed");
}

/* --- put -------------------------------------------------------------------------------- */

int tw_queue_put_priority(tw_queue *queue, int64_t priority, tw_value value)
{
    if (queue == NULL) {
        tw_release(value);
        return -EINVAL;
    }
    TWI_WAITERS_CHECK(&queue->gets);
    return twi_queue_accept(queue, priority, value);
}

int tw_queue_put(tw_queue *queue, tw_value value)
{
    return tw_queue_put_priority(queue, 0, value);
}

static tw_deferred *join_puts(const char *where, tw_queue *queue, int64_t priority,
                              tw_value value)
{
    struct twi_waiter *put;
    tw_deferred *deferred = twi_waiters_join_as(&queue->puts, where, &put);

    if (deferred == NULL) {
        tw_release(value);
        return NULL;
    }
    put->value = tw_take(value);
    put->priority = priority;
    return deferred;
}

/* The Deferred is made first: without memory nothing is put. */
static tw_deferred *put_now(const char *where, tw_queue *queue, int64_t priority,
                            tw_value value)
{
    tw_deferred *deferred = tw_fired_at(where, tw_none());

    if (deferred == NULL)
        tw_release(value);
    else if (twi_queue_accept(queue, priority, value) < 0)
        deferred->result = tw_fail_memory();
    return deferred;
}

tw_deferred *tw_queue_put_wait_at(const char *where, tw_queue *queue, int64_t priority,
                                  tw_value value)
{
    tw_value failure;

    if (queue == NULL) {
        tw_release(value);
        return NULL;
    }
    TWI_WAITERS_CHECK(&queue->puts);
    if (!queue->closed && !twi_is_deferred(value))
        return twi_queue_may_put(queue) ? put_now(where, queue, priority, value)
                                        : join_puts(where, queue, priority, value);
    failure = queue->closed
                  ? twi_queue_closed_at(where)
                  : tw_fail_at(where, &tw_error_misuse, "a Deferred is no value to put");
    tw_release(value);
    return tw_fired_at(where, failure);
}

/* --- get -------------------------------------------------------------------------------- */

static tw_deferred *get_now(const char *where, tw_queue *queue)
{
    tw_deferred *deferred = tw_fired_at(where, tw_none());
    struct twi_waiter *put;

    if (deferred == NULL)
        return NULL;
    deferred->result = twi_queue_take(queue, &put);
    if (put != NULL)
        twi_waiter_serve(put, tw_none());
    return deferred;
}

tw_deferred *tw_queue_get_at(const char *where, tw_queue *queue)
{
    if (queue == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&queue->gets);
    if (queue->length > 0 || queue->puts.count > 0)
        return get_now(where, queue);
    if (queue->closed)
        return tw_fired_at(where, twi_queue_closed_at(where));
    if (queue->gets.count >= queue->backlog)
        return tw_fired_at(where,
                           tw_fail_at(where, &tw_error_queue_empty,
                                      "%zu wait for a value already", queue->gets.count));
    return twi_waiters_join(&queue->gets, where);
}

int tw_queue_try_get(tw_queue *queue, tw_value *ret_value)
{
    struct twi_waiter *put;

    if (queue == NULL)
        return -EINVAL;
    TWI_WAITERS_CHECK(&queue->gets);
    if (queue->length == 0 && queue->puts.count == 0)
        return queue->closed ? -EPIPE : -EAGAIN;
    *ret_value = twi_queue_take(queue, &put);
    if (put != NULL)
        twi_waiter_serve(put, tw_none());
    return 0;
}

/* --- join, close ------------------------------------------------------------------------ */

static void finish_joins(tw_queue *queue)
{
    struct twi_waiters line;

    twi_waiters_move_all(&line, &queue->joins);
    twi_waiters_serve_all(&line, tw_none());
}

int tw_queue_task_done(tw_queue *queue)
{
    if (queue == NULL)
        return -EINVAL;
    TWI_WAITERS_CHECK(&queue->joins);
    if (queue->unfinished <= queue->length)
        return -EPERM;
    if (--queue->unfinished == 0)
        finish_joins(queue);
    return 0;
}

tw_deferred *tw_queue_join_at(const char *where, tw_queue *queue)
{
    if (queue == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&queue->joins);
    if (queue->unfinished == 0)
        return tw_fired_at(where, tw_none());
    return twi_waiters_join(&queue->joins, where);
}

/* Detach all that is left in the queue first: releasing a value may run anything, and free the
 * queue. */
static tw_queue take_all(tw_queue *queue)
{
    tw_queue left = *queue;

    twi_waiters_init(&left.puts);
    queue->ring = NULL;
    queue->capacity = queue->first = queue->length = 0;
    queue->heap = (struct twi_heap){ 0 };
    return left;
}

static void release_all(tw_queue *left)
{
    struct twi_waiter *put;

    while (left->length > 0)
        tw_release(twi_queue_take(left, &put));
    twi_heap_free(&left->heap);
    twi_free(left->ring);
}

/* The waits that a close ends. */
struct ended {
    struct twi_waiters gets, puts, joins;
};

static void end_waits(tw_queue *queue, struct ended *ended)
{
    twi_waiters_move_all(&ended->gets, &queue->gets);
    twi_waiters_move_all(&ended->puts, &queue->puts);
    twi_waiters_init(&ended->joins);
    if (queue->unfinished == 0)
        twi_waiters_move_all(&ended->joins, &queue->joins);
}

static void queue_tell_ended(struct ended *ended)
{
    if (ended->gets.count + ended->puts.count > 0) {
        tw_value closed = twi_queue_closed_at(TW_HERE);
        twi_waiters_serve_all(&ended->gets, tw_lend(closed));
        twi_waiters_serve_all(&ended->puts, tw_lend(closed));
        tw_release(closed);
    }
    twi_waiters_serve_all(&ended->joins, tw_none());
}

int tw_queue_close(tw_queue *queue, bool discard)
{
    struct ended ended;
    tw_queue left = { 0 };
    bool again;

    if (queue == NULL)
        return -EINVAL;
    TWI_WAITERS_CHECK(&queue->gets);
    again = queue->closed;
    queue->closed = true;
    if (discard) {
        left = take_all(queue);
        queue->unfinished -= left.length;
    }
    end_waits(queue, &ended);
    queue_tell_ended(&ended);
    release_all(&left);
    return again ? -EALREADY : 0;
}

bool tw_queue_closed(const tw_queue *queue)
{
    return queue != NULL && queue->closed;
}

/* --- looking, letting go ---------------------------------------------------------------- */

size_t tw_queue_length(const tw_queue *queue)
{
    return queue != NULL ? queue->length : 0;
}

size_t tw_queue_waiting(const tw_queue *queue)
{
    return queue != NULL ? queue->gets.count : 0;
}

size_t tw_queue_puts_waiting(const tw_queue *queue)
{
    return queue != NULL ? queue->puts.count : 0;
}

/* Closed and with nothing unfinished, nobody joins a line any more. */
void tw_queue_free(tw_queue *queue)
{
    tw_queue left;

    if (queue == NULL)
        return;
    TWI_WAITERS_CHECK(&queue->gets);
    queue->closed = true;
    queue->unfinished = 0;
    twi_waiters_abandon(&queue->gets, "queue");
    twi_waiters_abandon(&queue->puts, "queue");
    twi_waiters_abandon(&queue->joins, "queue");
    left = take_all(queue);
    twi_free(queue);
    release_all(&left);
}
