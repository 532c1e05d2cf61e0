/*
 * pool_results.c - one coroutine for each of many items: map, imap.
 */
#include <tweed/deferred_list.h>

#include "defer/inline/coroutine_pool.h"
#include "defer/waiters.h"

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

struct place {
    tw_deferred *child; /* not counted; NULL: not started, or has a result */
    tw_value result;
    bool arrived;
    size_t nth; /* the index of what arrived as the n-th */
};

/* Counted by its owner, by each child without a result, and while it starts them. */
struct tw_pool_results {
    const char *where;
    tw_pool *pool;
    tw_coroutine_body *body;
    const char *items;
    size_t count, item_size, limit;
    size_t started, arrived, taken, references;
    bool ordered, pumping, ended;
    struct twi_waiters waiting;
    struct place places[];
};

static void pool_results_unref(tw_pool_results *results)
{
    if (--results->references > 0)
        return;
    for (size_t i = 0; i < results->count; i++)
        tw_release(results->places[i].result);
    twi_body_pool_unref(results->pool);
    twi_free(results);
}

/* Is the next one to be handed out there? */
static bool is_next_there(const tw_pool_results *results)
{
    if (results->taken == results->count)
        return false;
    return results->ordered ? results->places[results->taken].arrived
                            : results->taken < results->arrived;
}

/* The next as [index, result]; without memory for it, a failure, and it stays. */
static tw_value pool_results_take(tw_pool_results *results)
{
    size_t index = results->ordered ? results->taken : results->places[results->taken].nth;
    tw_value *result = &results->places[index].result;
    tw_value pair = twi_pair(tw_integer((int64_t)index), tw_lend(*result));

    if (tw_is(pair, &tw_type_list)) {
        tw_drop(result);
        results->taken++;
    }
    return pair;
}

static void pool_results_hand_out(tw_pool_results *results)
{
    while (results->waiting.count > 0 && is_next_there(results))
        twi_waiters_serve(&results->waiting, pool_results_take(results));
}

static void pool_results_pump(tw_pool_results *results);

static void pool_results_child_done(void *arg, size_t index, tw_value *result)
{
    tw_pool_results *results = arg;
    struct place *place = &results->places[index];

    place->child = NULL;
    place->result = tw_retain(*result);
    place->arrived = true;
    results->places[results->arrived++].nth = index;
    if (tw_is_failure(*result)) {
        tw_release(*result);
        *result = tw_none();
    }
    pool_results_pump(results);
    pool_results_hand_out(results);
    pool_results_unref(results);
}

/* Children that are done at once come back here from inside: the loop is theirs too. */
static void pool_results_pump(tw_pool_results *results)
{
    if (results->pumping)
        return;
    results->pumping = true;
    results->references++;
    while (!results->ended && results->started < results->count &&
           results->started - results->arrived < results->limit) {
        size_t index = results->started++;
        void *item = (void *)(uintptr_t)(results->items + index * results->item_size);
        tw_deferred *child = tw_pool_spawn_at(results->where, results->pool, results->body,
                                              item, NULL);

        results->references++;
        results->places[index].child = child;
        twi_deferred_tap(child, pool_results_child_done, results, index);
        if (results->ended)
            tw_cancel(results->places[index].child);
        tw_deferred_unref(child);
    }
    results->pumping = false;
    pool_results_unref(results);
}

tw_pool_results *tw_pool_imap_at(const char *where, tw_pool *pool, tw_coroutine_body *body,
                                 const void *items, size_t count, size_t item_size,
                                 bool ordered)
{
    tw_pool_results *results = NULL;
    size_t size;

    if (pool != NULL && !__builtin_mul_overflow(count, sizeof results->places[0], &size) &&
        !__builtin_add_overflow(size, sizeof *results, &size))
        results = twi_calloc(1, size);
    if (results == NULL)
        return NULL;
    results->where = where;
    results->pool = twi_body_pool_ref(pool);
    results->body = body;
    results->items = items;
    results->count = count;
    results->item_size = item_size;
    results->limit = tw_pool_counts(pool).size;
    results->references = 1;
    results->ordered = ordered;
    twi_waiters_init(&results->waiting);
    pool_results_pump(results);
    return results;
}

tw_deferred *tw_pool_results_next_at(const char *where, tw_pool_results *results)
{
    if (results == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&results->waiting);
    if (results->waiting.count == 0 && is_next_there(results))
        return tw_fired_at(where, pool_results_take(results));
    if (results->taken + results->waiting.count >= results->count)
        return tw_fired_at(where, tw_none());
    return twi_waiters_join(&results->waiting, where);
}

void tw_pool_results_free(tw_pool_results *results)
{
    if (results == NULL)
        return;
    results->ended = true;
    results->references++;
    twi_waiters_abandon(&results->waiting, "pool's map");
    for (size_t i = 0; i < results->started; i++)
        tw_cancel(results->places[i].child);
    pool_results_unref(results);
    pool_results_unref(results);
}
