/*
 * ready.c - calls for the next turn: a ring that grows.
 */
#include "config.h"

#include <errno.h>

#include "base/alloc.h"
#include "reactor/loop.h"

enum { FIRST_SIZE = 64 };

static int ready_grow(struct twi_ready *ready)
{
    size_t size = ready->size == 0 ? FIRST_SIZE : ready->size * 2;
    struct twi_ready_call *calls = twi_malloc(size * sizeof *calls);
    size_t count = ready->tail - ready->head;

    if (calls == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        calls[i] = ready->calls[(ready->head + i) & (ready->size - 1)];
    twi_free(ready->calls);
    ready->calls = calls;
    ready->size = size;
    ready->head = 0;
    ready->tail = count;
    return 0;
}

int tw_call_soon(void (*fn)(void *arg), void *arg)
{
    struct twi_loop *loop = twi_loop_get();
    struct twi_ready *ready;

    if (__builtin_expect(loop == NULL || fn == NULL, 0))
        return fn == NULL ? -EINVAL : -ENOMEM;
    ready = &loop->ready;
    if (__builtin_expect(ready->tail - ready->head == ready->size, 0) && ready_grow(ready) < 0)
        return -ENOMEM;
    ready->calls[ready->tail++ & (ready->size - 1)] = (struct twi_ready_call){ fn, arg };
    return 0;
}

/* Those that were there at the beginning; the ring may grow and move meanwhile. */
bool twi_ready_run(struct twi_ready *ready)
{
    size_t queued = ready->tail - ready->head;

    for (size_t count = queued; count > 0; count--) {
        struct twi_ready_call call = ready->calls[ready->head++ & (ready->size - 1)];
        call.fn(call.arg);
    }
    return queued > 0;
}
