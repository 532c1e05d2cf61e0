/* SPDX-License-Identifier: MIT */
/*
 * ready.c - calls for the next turn: a ring that grows.
 */
#include "config.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/compiler.h"
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

static inline void ready_push(struct twi_ready *ready, void (*fn)(void *arg), void *arg)
{
    ready->calls[ready->tail++ & (ready->size - 1)] = (struct twi_ready_call){ fn, arg };
}

/* The first call of all, a full ring, or misuse. */
static TWI_APART int call_soon_slowly(void (*fn)(void *arg), void *arg)
{
    struct twi_loop *loop = twi_loop_get();
    struct twi_ready *ready;

    if (loop == NULL || fn == NULL)
        return fn == NULL ? -EINVAL : -ENOMEM;
    ready = &loop->ready;
    if (ready->tail - ready->head == ready->size && ready_grow(ready) < 0)
        return -ENOMEM;
    ready_push(ready, fn, arg);
    return 0;
}

int tw_call_soon(void (*fn)(void *arg), void *arg)
{
    struct twi_loop *loop = twi_loop_here;

    if (TWI_UNLIKELY(loop == NULL || fn == NULL ||
                     loop->ready.tail - loop->ready.head == loop->ready.size))
        return call_soon_slowly(fn, arg);
    ready_push(&loop->ready, fn, arg);
    return 0;
}

/* Makes the calls that were queued at its beginning; the ring may grow and move meanwhile. */
bool twi_ready_run(struct twi_loop *loop)
{
    struct twi_ready *ready = &loop->ready;
    size_t queued = ready->tail - ready->head;

    for (size_t count = queued; count > 0; count--) {
        struct twi_ready_call call = ready->calls[ready->head++ & (ready->size - 1)];
        call.fn(call.arg);
        TWI_SLOW_END(&loop->slow, "call", call.fn);
    }
    return queued > 0;
}
