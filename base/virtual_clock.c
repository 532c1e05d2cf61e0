/* SPDX-License-Identifier: MIT */
/*
 * virtual_clock.c - a clock that moves only when told.
 *
 * A heap of calls by time. Numbers are given in order and never again, so stale ones need not
 * be remembered: a number below the next one that is not in the map was called or cancelled.
 * Which of the two is remembered for the last few numbers.
 */
#include "config.h"

#include <errno.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"

struct call {
    struct twi_heap_node node;
    int64_t number;
    void (*fn)(void *arg);
    void *arg;
    tw_release_fn *release;
};

enum { REMEMBERED = 1024 };

struct virtual_clock {
    tw_clock clock;
    int64_t now;
    int64_t next_number;
    struct twi_heap heap;
    struct twi_map calls;
    unsigned advancing; /* calls of advance() in progress */
    bool freed;
    /* At its number modulo REMEMBERED: the newest call that is gone. */
    struct {
        int64_t number;
        bool cancelled;
    } gone[REMEMBERED];
};

static struct virtual_clock *self_of(tw_clock *clock)
{
    return (struct virtual_clock *)clock;
}

static struct call *call_find(struct virtual_clock *self, int64_t number)
{
    return twi_map_get(&self->calls, &number, sizeof number);
}

/* The error for a number that is not pending. */
static int missing(const struct virtual_clock *self, int64_t number)
{
    if (number <= 0 || self->gone[number % REMEMBERED].number != number)
        return -ENOENT;
    return self->gone[number % REMEMBERED].cancelled ? -ECANCELED : -EALREADY;
}

/* A call that was pending for long does not take the place of a newer number. */
static void call_forget(struct virtual_clock *self, struct call *call, bool cancelled)
{
    size_t place = (size_t)call->number % REMEMBERED;

    twi_heap_remove(&self->heap, &call->node);
    twi_map_remove(&self->calls, &call->number, sizeof call->number);
    if (self->gone[place].number < call->number) {
        self->gone[place].number = call->number;
        self->gone[place].cancelled = cancelled;
    }
}

static void call_let_go(struct call *call)
{
    if (call->release != NULL)
        call->release(call->arg);
    twi_free(call);
}

static int64_t virtual_now(tw_clock *clock)
{
    return self_of(clock)->now;
}

static int64_t virtual_call_at(tw_clock *clock, int64_t at, void (*fn)(void *), void *arg,
                               tw_release_fn *release)
{
    struct virtual_clock *self = self_of(clock);
    struct call *call = twi_calloc(1, sizeof *call);

    if (call == NULL)
        goto fail;
    call->number = self->next_number;
    call->fn = fn;
    call->arg = arg;
    call->release = release;
    if (twi_map_set(&self->calls, &call->number, sizeof call->number, call, NULL) < 0)
        goto fail;
    if (twi_heap_add(&self->heap, &call->node, at) < 0) {
        twi_map_remove(&self->calls, &call->number, sizeof call->number);
        goto fail;
    }
    self->next_number++;
    return call->number;

fail:
    twi_free(call);
    if (release != NULL)
        release(arg);
    return -ENOMEM;
}

static int virtual_cancel(tw_clock *clock, int64_t number)
{
    struct virtual_clock *self = self_of(clock);
    struct call *call = call_find(self, number);

    if (call == NULL)
        return missing(self, number);
    call_forget(self, call, true);
    call_let_go(call);
    return 0;
}

static int virtual_move(tw_clock *clock, int64_t number, int64_t at)
{
    struct virtual_clock *self = self_of(clock);
    struct call *call = call_find(self, number);

    if (call == NULL)
        return missing(self, number);
    twi_heap_move(&self->heap, &call->node, at);
    return 0;
}

static int virtual_when(tw_clock *clock, int64_t number, int64_t *ret_at)
{
    struct virtual_clock *self = self_of(clock);
    struct call *call = call_find(self, number);

    if (call == NULL)
        return missing(self, number);
    *ret_at = call->node.key;
    return 0;
}

static void destroy(struct virtual_clock *self)
{
    struct twi_heap_node *first;

    while ((first = twi_heap_first(&self->heap)) != NULL) {
        struct call *call = TWI_CONTAINER(first, struct call, node);
        call_forget(self, call, true);
        call_let_go(call);
    }
    if (self->advancing > 0)
        return;
    twi_heap_free(&self->heap);
    twi_map_free(&self->calls);
    twi_free(self);
}

/* A call may free the clock: then no call is left, and the clock itself is freed at the end. */
static int virtual_advance(tw_clock *clock, int64_t by)
{
    struct virtual_clock *self = self_of(clock);
    int64_t end = self->now > INT64_MAX - by ? INT64_MAX : self->now + by;
    struct twi_heap_node *first;

    self->advancing++;
    while ((first = twi_heap_first(&self->heap)) != NULL && first->key <= end) {
        struct call *call = TWI_CONTAINER(first, struct call, node);
        if (first->key > self->now)
            self->now = first->key;
        call_forget(self, call, false);
        call->fn(call->arg);
        call_let_go(call);
    }
    if (end > self->now)
        self->now = end;
    if (--self->advancing == 0 && self->freed)
        destroy(self);
    return 0;
}

static bool virtual_stands_still(const tw_clock *clock)
{
    (void)clock;
    return true;
}

static size_t virtual_pending(tw_clock *clock)
{
    return self_of(clock)->heap.length;
}

static void virtual_free(tw_clock *clock)
{
    struct virtual_clock *self = self_of(clock);

    self->freed = true;
    destroy(self);
}

static const struct twi_clock_ops virtual_ops = {
    .now = virtual_now,
    .asked = virtual_now,
    .call_at = virtual_call_at,
    .cancel = virtual_cancel,
    .move = virtual_move,
    .when = virtual_when,
    .advance = virtual_advance,
    .stands_still = virtual_stands_still,
    .pending = virtual_pending,
    .free = virtual_free,
};

tw_clock *tw_clock_virtual_new(void)
{
    struct virtual_clock *self = twi_calloc(1, sizeof *self);

    if (self == NULL)
        return NULL;
    self->clock.ops = &virtual_ops;
    self->next_number = 1;
    return &self->clock;
}
