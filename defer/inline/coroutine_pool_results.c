/* SPDX-License-Identifier: MIT */
/*
 * coroutine_pool_results.c - one coroutine for each of many items: map, imap.
 */
#include <tweed/deferred_list.h>

#include "defer/deferred.h"
#include "defer/inline/coroutine_pool.h"
#include "defer/results.h"

/* --- map -------------------------------------------------------------------------------- */

struct map {
    const char *where;
    tw_pool *pool;
    tw_coroutine_body *body;
};

static tw_deferred *map_start(const void *item, void *arg)
{
    const struct map *map = arg;

    return tw_pool_spawn_at(map->where, map->pool, map->body, (void *)(uintptr_t)item, NULL);
}

static void map_free(void *arg)
{
    struct map *map = arg;

    twi_body_pool_unref(map->pool);
    twi_free(map);
}

static tw_value pass(tw_value result, void *map)
{
    (void)map;
    return result;
}

/* No more than there are places are spawned at a time: the rest are items still. */
tw_deferred *tw_pool_map_at(const char *where, tw_pool *pool, tw_coroutine_body *body,
                            const void *items, size_t count, size_t item_size)
{
    struct map *map = pool != NULL ? twi_malloc(sizeof *map) : NULL;
    tw_deferred *done;

    if (map == NULL)
        return NULL;
    *map = (struct map){ where, twi_body_pool_ref(pool), body };
    done = tw_map_at(where, items, count, item_size, tw_pool_counts(pool).size, map_start,
                     map);
    tw_add_both_with(done, pass, map, map_free);
    return done;
}

/* --- imap ------------------------------------------------------------------------------- */

struct pool_imap {
    tw_results *results; /* counted by each child without a result, and while it starts them */
    const char *where;
    tw_pool *pool;
    tw_coroutine_body *body;
    const char *items;
    size_t count, item_size, limit, started;
    bool pumping;
    tw_deferred *children[]; /* not counted; NULL: not started, or has a result */
};

static void pool_imap_cancel(void *arg)
{
    struct pool_imap *imap = arg;

    for (size_t i = 0; i < imap->started; i++)
        twi_cancel_child(imap->children[i], "a pool's map");
}

static void pool_imap_release(void *arg)
{
    struct pool_imap *imap = arg;

    twi_body_pool_unref(imap->pool);
    twi_free(imap);
}

static const struct twi_results_source pool_imap_ops = { pool_imap_cancel, pool_imap_release };

static void pool_imap_pump(struct pool_imap *imap);

static void pool_imap_child_done(void *arg, size_t index, tw_value *result)
{
    struct pool_imap *imap = arg;
    tw_results *results = imap->results;

    imap->children[index] = NULL;
    twi_results_put(results, index, tw_retain(*result));
    if (tw_is_failure(*result)) {
        tw_release(*result);
        *result = tw_none();
    }
    pool_imap_pump(imap);
    twi_results_serve(results);
    twi_results_unref(results);
}

static void pool_imap_start_next(struct pool_imap *imap)
{
    size_t index = imap->started++;
    void *item = (void *)(uintptr_t)(imap->items + index * imap->item_size);
    tw_deferred *child = tw_pool_spawn_at(imap->where, imap->pool, imap->body, item, NULL);

    twi_results_ref(imap->results);
    imap->children[index] = child;
    twi_deferred_tap(child, pool_imap_child_done, imap, index);
    if (twi_results_ended(imap->results))
        twi_cancel_child(imap->children[index], "a pool's map");
    tw_deferred_unref(child);
}

/* A child that is done at once calls this from inside the loop, which then serves it too. */
static void pool_imap_pump(struct pool_imap *imap)
{
    tw_results *results = imap->results;

    if (imap->pumping)
        return;
    imap->pumping = true;
    twi_results_ref(results);
    while (!twi_results_ended(results) && imap->started < imap->count &&
           imap->started - twi_results_arrived(results) < imap->limit)
        pool_imap_start_next(imap);
    imap->pumping = false;
    twi_results_unref(results);
}

static struct pool_imap *pool_imap_new(size_t count, bool ordered)
{
    struct pool_imap *imap = NULL;
    size_t size;

    if (!__builtin_mul_overflow(count, sizeof imap->children[0], &size) &&
        !__builtin_add_overflow(size, sizeof *imap, &size))
        imap = twi_calloc(1, size);
    if (imap == NULL)
        return NULL;
    imap->results = twi_results_new(count, ordered, &pool_imap_ops, imap);
    if (imap->results == NULL) {
        twi_free(imap);
        return NULL;
    }
    imap->count = count;
    return imap;
}

tw_results *tw_pool_imap_at(const char *where, tw_pool *pool, tw_coroutine_body *body,
                            const void *items, size_t count, size_t item_size, bool ordered)
{
    struct pool_imap *imap = pool != NULL ? pool_imap_new(count, ordered) : NULL;

    if (imap == NULL)
        return NULL;
    imap->where = where;
    imap->pool = twi_body_pool_ref(pool);
    imap->body = body;
    imap->items = items;
    imap->item_size = item_size;
    imap->limit = tw_pool_counts(pool).size;
    pool_imap_pump(imap);
    return imap->results;
}
