/* SPDX-License-Identifier: MIT */
/*
 * entries.c - where the entries of a chain lie: two in the Deferred, the others behind them in an
 * overflow block.
 *
 * A place is a number that an entry keeps until it has run, so that a waiter can find its entry:
 * 0 and 1 are inside, the others count on through the block. When entries move within the
 * block, their waiters are told.
 */
#include "defer/deferred.h"

#include <string.h>

enum { POOLED_CAPACITY = 8 };

static bool overflowing(const tw_deferred *deferred)
{
    return deferred->more != NULL && deferred->more->count > 0;
}

static struct twi_more *more_new(unsigned capacity)
{
    struct twi_more *more;

    if (capacity == POOLED_CAPACITY)
        more = twi_store_alloc(&twi_defer.overflows);
    else
        more = twi_malloc(sizeof *more + capacity * sizeof more->entries[0]);
    if (more != NULL) {
        memset(more, 0, sizeof *more);
        more->capacity = capacity;
    }
    return more;
}

void twi_more_free(struct twi_more *more)
{
    if (more->capacity == POOLED_CAPACITY)
        twi_store_free(&twi_defer.overflows, more);
    else
        twi_free(more);
}

struct twi_more *twi_entries_more(tw_deferred *deferred)
{
    if (deferred->more == NULL)
        deferred->more = more_new(POOLED_CAPACITY);
    return deferred->more;
}

/* Move the waiting entries to the start of the block. */
static void compact(struct twi_more *more)
{
    unsigned count = more->count - more->next;

    memmove(more->entries, more->entries + more->next, count * sizeof more->entries[0]);
    more->next = 0;
    more->count = count;
    for (unsigned i = 0; i < count; i++) {
        tw_deferred *waiter = more->entries[i].arg;
        if (more->entries[i].kind == TWI_WAITER)
            waiter->waiting_at = TWI_INSIDE + i;
    }
}

static bool entries_grow(tw_deferred *deferred)
{
    struct twi_more *old = deferred->more, *more;

    if (old->capacity > UINT32_MAX / 4 / sizeof old->entries[0])
        return false;
    more = more_new(old->capacity * 2);
    if (more == NULL)
        return false;
    memcpy(more->entries, old->entries, old->count * sizeof old->entries[0]);
    more->next = old->next;
    more->count = old->count;
    more->data = old->data;
    more->data_release = old->data_release;
    more->deaths = old->deaths;
    deferred->more = more;
    twi_more_free(old);
    return true;
}

bool twi_entries_room(tw_deferred *deferred, unsigned count)
{
    struct twi_more *more;

    if (!overflowing(deferred) && (deferred->state & TWI_HAS_SECOND) == 0) {
        unsigned inside = (deferred->state & TWI_HAS_FIRST) != 0 ? 1 : 2;
        if (count <= inside)
            return true;
        count -= inside;
    }
    more = twi_entries_more(deferred);
    if (more == NULL)
        return false;
    if (more->count + count > more->capacity && more->next > more->count / 2)
        compact(more);
    return more->count + count <= more->capacity || entries_grow(deferred);
}

static bool is_tap(const struct twi_entry *entry, twi_tap *fn, const void *arg, size_t index)
{
    return entry->kind == TWI_TAP && entry->fn.tap == fn && entry->arg == arg &&
           entry->with.index == index;
}

struct twi_entry *twi_entries_find_tap(tw_deferred *deferred, twi_tap *fn, const void *arg,
                                       size_t index)
{
    struct twi_more *more = deferred->more;

    for (size_t i = 0; i < TWI_INSIDE; i++) {
        if ((deferred->state & TWI_HAS_FIRST << i) != 0 &&
            is_tap(&deferred->entries[i], fn, arg, index))
            return &deferred->entries[i];
    }
    for (size_t i = more != NULL ? more->next : 0; more != NULL && i < more->count; i++) {
        if (is_tap(&more->entries[i], fn, arg, index))
            return &more->entries[i];
    }
    return NULL;
}

struct twi_entry *twi_entries_at(tw_deferred *deferred, size_t place)
{
    return place < TWI_INSIDE ? &deferred->entries[place]
                              : &deferred->more->entries[place - TWI_INSIDE];
}
