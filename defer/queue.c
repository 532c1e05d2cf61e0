/*
 * queue.c - values wait for those who want them, or the other way round.
 */
#include <errno.h>

#include <tweed/sync.h>

#include "defer/waiters.h"

/* A ring: `length` values from `first` on. Only one of values and waiters is ever not empty. */
struct tw_queue {
    tw_value *ring;
    size_t capacity, first, length;
    size_t size, backlog;
    struct twi_waiters waiting;
};

tw_queue *tw_queue_new(size_t size, size_t backlog)
{
    tw_queue *queue = twi_calloc(1, sizeof *queue);

    if (queue == NULL)
        return NULL;
    queue->size = size;
    queue->backlog = backlog;
    twi_waiters_init(&queue->waiting);
    return queue;
}

static bool make_room(tw_queue *queue)
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
        ring[i] = queue->ring[(queue->first + i) % queue->capacity];
    twi_free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->first = 0;
    return true;
}

int tw_queue_put(tw_queue *queue, tw_value value)
{
    int r = 0;

    if (queue == NULL || twi_is_deferred(value)) {
        r = -EINVAL;
    } else if (queue->waiting.count > 0) {
        twi_waiters_serve(&queue->waiting, value);
        return 0;
    } else if (queue->length >= queue->size) {
        r = -EOVERFLOW;
    } else if (!make_room(queue)) {
        r = -ENOMEM;
    }
    if (r < 0) {
        tw_release(value);
        return r;
    }
    queue->ring[(queue->first + queue->length) % queue->capacity] = tw_take(value);
    queue->length++;
    return 0;
}

tw_deferred *tw_queue_get_at(const char *where, tw_queue *queue)
{
    tw_deferred *deferred;
    tw_value value;

    if (queue == NULL)
        return NULL;
    if (queue->length == 0 && queue->waiting.count >= queue->backlog)
        return tw_fired_at(where,
                           tw_fail_at(where, &tw_error_queue_empty,
                                      "%zu wait for a value already", queue->waiting.count));
    if (queue->length == 0)
        return twi_waiters_join(&queue->waiting, where);
    value = queue->ring[queue->first];
    deferred = tw_fired_at(where, tw_lend(value));
    if (deferred == NULL)
        return NULL;
    queue->first = (queue->first + 1) % queue->capacity;
    queue->length--;
    tw_release(value);
    return deferred;
}

size_t tw_queue_length(const tw_queue *queue)
{
    return queue != NULL ? queue->length : 0;
}

size_t tw_queue_waiting(const tw_queue *queue)
{
    return queue != NULL ? queue->waiting.count : 0;
}

void tw_queue_free(tw_queue *queue)
{
    if (queue == NULL)
        return;
    twi_waiters_abandon(&queue->waiting, "queue");
    for (; queue->length > 0; queue->length--) {
        tw_release(queue->ring[queue->first]);
        queue->first = (queue->first + 1) % queue->capacity;
    }
    twi_free(queue->ring);
    twi_free(queue);
}
