/* SPDX-License-Identifier: MIT */
/*
 * map.c - the same work for many items, a limited number at a time.
 */
#include <tweed/deferred_list.h>

#include "base/value_list.h"
#include "defer/deferred.h"

/* References: of the Deferred that it fires, until that is fired, and of each child without a
 * result. */
struct map {
    tw_deferred *done; /* NULL once it is fired */
    tw_value results;
    tw_value *items_done;
    const char *items;
    size_t count, item_size, limit;
    size_t started, active, references;
    tw_map_start *start;
    void *arg;
    bool pumping;
    bool cancelled;          /* nothing more is started */
    tw_deferred *children[]; /* not counted; NULL: not started, or done */
};

static void map_unref(void *arg)
{
    struct map *map = arg;

    if (--map->references > 0)
        return;
    tw_release(map->results);
    twi_free(map);
}

static void map_pump(struct map *map);

static void map_child_done(void *arg, size_t index, tw_value *result)
{
    struct map *map = arg;

    map->children[index] = NULL;
    map->active--;
    if (map->done != NULL)
        map->items_done[index] = tw_retain(*result);
    if (tw_is_failure(*result)) {
        tw_release(*result);
        *result = tw_none();
    }
    map_pump(map);
    map_unref(map);
}

static void map_cancel_one(struct map *map, size_t index)
{
    const struct twi_parent parent = { map->done, "a map", map_child_done, map };

    twi_cancel_child_of(&parent, map->children[index], index);
}

static void start_next(struct map *map)
{
    size_t index = map->started++;
    tw_deferred *child = map->start(map->items + index * map->item_size, map->arg);

    map->active++;
    map->references++;
    map->children[index] = child;
    twi_deferred_tap(child, map_child_done, map, index);
    if (map->cancelled)
        map_cancel_one(map, index); /* by start() */
    tw_deferred_unref(child);
}

/* Items that were never started count as cancelled, like the others. */
static void map_fire(struct map *map)
{
    tw_value results = map->results;
    tw_value failure = tw_none();

    if (map->started < map->count)
        failure = tw_fail_at(map->done->where, &tw_error_cancelled, "never started");
    for (size_t i = map->started; i < map->count; i++)
        map->items_done[i] = tw_retain(failure);
    tw_release(failure);
    map->results = tw_none();
    tw_fire_at(map->done->where, &map->done, results);
}

/* A child that is done at once calls this from inside the loop, which then serves it too. */
static void map_pump(struct map *map)
{
    if (map->pumping)
        return;
    map->pumping = true;
    map->references++;
    while (!map->cancelled && map->started < map->count && map->active < map->limit)
        start_next(map);
    map->pumping = false;
    if (map->done != NULL && map->active == 0 &&
        (map->cancelled || map->started == map->count))
        map_fire(map);
    map_unref(map);
}

/* The children fire the map, once they have stopped. */
static int map_cancel(tw_deferred *done, void *arg)
{
    struct map *map = arg;

    (void)done;
    map->cancelled = true;
    map->references++;
    for (size_t i = 0; i < map->started; i++)
        map_cancel_one(map, i);
    map_pump(map);
    map_unref(map);
    return TW_CANCEL_LATER;
}

void twi_map_each_child(const tw_deferred *deferred, void (*fn)(tw_deferred *child, void *arg),
                        void *arg)
{
    struct map *map;

    if ((deferred->state & TWI_FIRED) != 0 || deferred->cancel != map_cancel)
        return;
    map = deferred->ctx;
    for (size_t i = 0; i < map->started; i++) {
        if (map->children[i] != NULL)
            fn(map->children[i], arg);
    }
}

static struct map *map_new(const char *where, size_t count, tw_deferred **ret_done)
{
    struct map *map = NULL;
    size_t size;

    if (!__builtin_mul_overflow(count, sizeof map->children[0], &size) &&
        !__builtin_add_overflow(size, sizeof *map, &size))
        map = twi_calloc(1, size);
    if (map == NULL)
        return NULL;
    map->results = twi_list_filled(count, &map->items_done);
    if (map->items_done == NULL) {
        twi_free(map);
        return NULL;
    }
    map->references = 1;
    map->count = count;
    *ret_done = tw_promise_at(where, &map->done, map_cancel, map, map_unref);
    return *ret_done != NULL ? map : NULL;
}

tw_deferred *tw_map_at(const char *where, const void *items, size_t count, size_t item_size,
                       size_t limit, tw_map_start *start, void *arg)
{
    tw_deferred *done = NULL;
    struct map *map;

    if (limit == 0)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "none at a time"));
    if (start == NULL)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "no function to call"));
    map = map_new(where, count, &done);
    if (map == NULL)
        return NULL;
    map->items = items;
    map->item_size = item_size;
    map->limit = limit;
    map->start = start;
    map->arg = arg;
    map_pump(map);
    return done;
}
