/* SPDX-License-Identifier: MIT */
/*
 * local.c - values that each coroutine has for itself.
 *
 * They lie in a block that a coroutine shares with the ones it starts until one of them sets a
 * value, and so gets a copy. So inheriting costs a count.
 */
#include "defer/coroutine/coroutine.h"

#include <errno.h>

#include <tweed/inline_callbacks.h>

#include "base/alloc.h"

struct item {
    const struct tw_local *local;
    tw_value value;
};

struct twi_locals {
    size_t references, count, capacity;
    struct item items[];
};

/* The values of the running task, or of the thread. */
static struct twi_locals *locals_here(void)
{
    struct twi_task_part *task = twi_coroutine_task();

    if (task != NULL)
        return task->locals;
    return twi_running.coroutines != NULL ? twi_running.coroutines->locals : NULL;
}

struct twi_locals *twi_locals_inherited(void)
{
    struct twi_locals *locals = locals_here();

    if (locals != NULL)
        locals->references++;
    return locals;
}

void twi_locals_unref(struct twi_locals *locals)
{
    if (locals == NULL || --locals->references > 0)
        return;
    for (size_t i = 0; i < locals->count; i++)
        tw_release(locals->items[i].value);
    twi_free(locals);
}

static struct item *local_find(struct twi_locals *locals, const struct tw_local *local)
{
    for (size_t i = 0; locals != NULL && i < locals->count; i++) {
        if (locals->items[i].local == local)
            return &locals->items[i];
    }
    return NULL;
}

/* A copy of one's own, with room for one more. */
static struct twi_locals *copy(const struct twi_locals *locals)
{
    size_t count = locals != NULL ? locals->count : 0;
    size_t capacity = count + 1 + count / 2;
    struct twi_locals *made = twi_malloc(sizeof *made + capacity * sizeof made->items[0]);

    if (made == NULL)
        return NULL;
    made->references = 1;
    made->capacity = capacity;
    made->count = count;
    for (size_t i = 0; i < count; i++) {
        made->items[i].local = locals->items[i].local;
        made->items[i].value = tw_retain(locals->items[i].value);
    }
    return made;
}

/* NULL when there is no memory. */
static struct twi_locals **thread_locals(void)
{
    struct twi_coroutine_thread *thread = twi_coroutine_this_thread();

    return thread != NULL ? &thread->locals : NULL;
}

int tw_local_set(const struct tw_local *local, tw_value value)
{
    struct twi_task_part *task = twi_coroutine_task();
    struct twi_locals **place = task != NULL ? &task->locals : thread_locals();
    struct twi_locals *locals = place != NULL ? *place : NULL;
    struct item *item = local_find(locals, local);
    tw_value old = tw_none();

    if (place == NULL) {
        tw_release(value);
        return -ENOMEM;
    }
    if (locals == NULL || locals->references > 1 ||
        (item == NULL && locals->count == locals->capacity)) {
        locals = copy(*place);
        if (locals == NULL) {
            tw_release(value);
            return -ENOMEM;
        }
        twi_locals_unref(*place);
        *place = locals;
        item = local_find(locals, local);
    }
    if (item == NULL)
        item = &locals->items[locals->count++];
    else
        old = item->value;
    item->local = local;
    item->value = tw_take(value);
    tw_release(old);
    return 0;
}

tw_value tw_local_get(const struct tw_local *local)
{
    struct item *item = local_find(locals_here(), local);

    return item != NULL ? tw_lend(item->value) : tw_none();
}
