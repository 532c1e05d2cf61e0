/*
 * process_map.c - a function called for each item of a list: map, imap, imap unordered.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/value_list.h"
#include "reactor/process/process_pool.h"

static const struct tw_process_map_options no_options;

static void no_release(struct twi_process_task_set *set)
{
    tw_release(set->arguments);
    twi_free(set);
}

/* A set of `size` bytes with a list (taken) of arguments; NULL when there is no memory. */
static void *set_new(size_t size, tw_value arguments, size_t chunk)
{
    struct twi_process_task_set *set = twi_calloc(1, size);

    if (set == NULL) {
        tw_release(arguments);
        return NULL;
    }
    set->references = 1;
    set->arguments = tw_take(arguments);
    set->chunk = chunk > 0 ? chunk : 1;
    set->release = no_release;
    return set;
}

static tw_value not_a_list(tw_value arguments)
{
    return tw_fail(&tw_error_misuse, "a %s is no list of arguments",
                   tw_typeof(arguments)->name);
}

/* --- map ---------------------------------------------------------------------------------- */

struct map {
    struct twi_process_task_set set;
    struct tw_process_pool *pool;
    tw_deferred *done;
    tw_value results, *items;
    size_t left;
};

static void map_deliver(struct twi_process_task_set *set, size_t index, tw_value result)
{
    struct map *map = (struct map *)set;

    map->items[index] = result;
    if (--map->left > 0)
        return;
    result = map->results;
    map->results = tw_none();
    tw_fire(&map->done, result);
}

static void map_release(struct twi_process_task_set *set)
{
    struct map *map = (struct map *)set;

    tw_deferred_unref(map->done);
    tw_release(map->results);
    no_release(set);
}

static int process_map_cancel(tw_deferred *deferred, void *arg)
{
    struct map *map = arg;
    tw_deferred *done = map->done;

    (void)deferred;
    map->done = NULL;
    /* The map may go with the last of its tasks. */
    twi_process_pool_drop_set(map->pool, &map->set);
    tw_fire(&done, tw_fail(&tw_error_cancelled, "taken out of the process pool"));
    return 0;
}

static struct map *process_map_new(tw_process_pool *pool, tw_value arguments, size_t chunk)
{
    struct map *map = set_new(sizeof *map, arguments, chunk);

    if (map == NULL)
        return NULL;
    map->set.deliver = map_deliver;
    map->set.release = map_release;
    map->pool = pool;
    map->left = tw_list_length(map->set.arguments);
    map->results = twi_list_filled(map->left, &map->items);
    if (map->items != NULL)
        return map;
    twi_process_task_set_unref(&map->set);
    return NULL;
}

tw_deferred *tw_process_map_at(const char *where, tw_process_pool *pool, const char *name,
                               tw_value arguments,
                               const struct tw_process_map_options *options)
{
    const struct tw_process_entry *function;
    tw_deferred *deferred = NULL;
    struct map *map;
    tw_value refusal;

    if (options == NULL)
        options = &no_options;
    if (pool == NULL) {
        tw_release(arguments);
        return NULL;
    }
    refusal = tw_is(arguments, &tw_type_list)
                  ? twi_process_pool_refusal(pool, name, options->timeout, &function)
                  : not_a_list(arguments);
    if (tw_is_failure(refusal) || tw_list_length(arguments) == 0) {
        tw_release(arguments);
        return tw_fired_at(where, tw_is_failure(refusal) ? refusal : tw_list(0));
    }
    map = process_map_new(pool, arguments, options->chunk);
    if (map == NULL)
        return NULL;
    deferred = tw_promise_at(where, &map->done, process_map_cancel, map, NULL);
    if (deferred != NULL &&
        twi_process_pool_add_set(pool, function, &map->set, options->timeout) < 0) {
        tw_deferred_unref(deferred);
        deferred = NULL;
    }
    twi_process_task_set_unref(&map->set);
    return deferred;
}

/* --- imap --------------------------------------------------------------------------------- */

struct next {
    struct twi_list node;
    struct tw_process_results *results;
    tw_deferred *done;
};

/* Results wait in their places; `order` says in which order they came, or in which they are wanted.
 * Counted by its owner and by its tasks. */
struct tw_process_results {
    struct twi_process_task_set set;
    struct tw_process_pool *pool; /* NULL: it was refused, or all results are there */
    size_t count, taken, arrived, waiting;
    bool ordered, freed;
    struct twi_list nexts;
    tw_value *items; /* of results */
    tw_value results;
    size_t *order; /* unordered: indices, in the order of their arrival */
    bool *there;   /* ordered */
};

/* Is there one to be handed out? */
static bool has_next(const struct tw_process_results *results)
{
    if (results->taken == results->count)
        return false;
    return results->ordered ? results->there[results->taken]
                            : results->taken < results->arrived;
}

/* It, as [index, result]; without memory for that, a failure, and it stays. */
static tw_value take_next(struct tw_process_results *results)
{
    size_t index = results->ordered ? results->taken : results->order[results->taken];
    tw_value *pair, list = twi_list_filled(2, &pair);

    if (pair == NULL)
        return list;
    pair[0] = tw_integer((int64_t)index);
    pair[1] = results->items[index];
    results->items[index] = tw_none();
    results->taken++;
    return list;
}

static void serve_nexts(struct tw_process_results *results)
{
    results->set.references++;
    while (!results->freed && has_next(results) && !twi_list_empty(&results->nexts)) {
        struct next *next = TWI_CONTAINER(twi_list_take_first(&results->nexts), struct next,
                                          node);
        tw_deferred *done = next->done;

        twi_free(next);
        results->waiting--;
        tw_fire(&done, take_next(results));
    }
    twi_process_task_set_unref(&results->set);
}

static void imap_deliver(struct twi_process_task_set *set, size_t index, tw_value result)
{
    struct tw_process_results *results = (struct tw_process_results *)set;

    results->items[index] = result;
    if (results->ordered)
        results->there[index] = true;
    else
        results->order[results->arrived] = index;
    if (++results->arrived == results->count)
        results->pool = NULL;
    serve_nexts(results);
}

static void imap_release(struct twi_process_task_set *set)
{
    struct tw_process_results *results = (struct tw_process_results *)set;

    tw_release(results->results);
    twi_free(results->order);
    twi_free(results->there);
    no_release(set);
}

static tw_process_results *process_results_new(tw_value arguments, size_t chunk, bool ordered)
{
    struct tw_process_results *results = set_new(sizeof *results, arguments, chunk);

    if (results == NULL)
        return NULL;
    results->set.deliver = imap_deliver;
    results->set.release = imap_release;
    results->ordered = ordered;
    results->count = tw_list_length(results->set.arguments);
    twi_list_init(&results->nexts);
    results->results = twi_list_filled(results->count, &results->items);
    if (ordered)
        results->there = twi_calloc(results->count + 1, sizeof *results->there);
    else
        results->order = twi_calloc(results->count + 1, sizeof *results->order);
    if (results->items != NULL && (results->there != NULL || results->order != NULL))
        return results;
    twi_process_task_set_unref(&results->set);
    return NULL;
}

/* Results that are refused are failures, too: one for each argument. */
static void process_results_refuse(struct tw_process_results *results, tw_value refusal)
{
    for (size_t i = 0; i < results->count; i++)
        imap_deliver(&results->set, i, tw_retain(refusal));
    tw_release(refusal);
}

static tw_process_results *process_map_start(tw_process_pool *pool, const char *name,
                                             tw_value arguments,
                                             const struct tw_process_map_options *options,
                                             bool ordered)
{
    const struct tw_process_entry *function;
    struct tw_process_results *results;
    tw_value refusal;

    if (options == NULL)
        options = &no_options;
    if (pool == NULL) {
        tw_release(arguments);
        return NULL;
    }
    results = process_results_new(arguments, options->chunk, ordered);
    if (results == NULL || results->count == 0)
        return results;
    refusal = twi_process_pool_refusal(pool, name, options->timeout, &function);
    if (tw_is_failure(refusal)) {
        process_results_refuse(results, refusal);
        return results;
    }
    results->pool = pool;
    if (twi_process_pool_add_set(pool, function, &results->set, options->timeout) == 0)
        return results;
    twi_process_task_set_unref(&results->set);
    return NULL;
}

tw_process_results *tw_process_imap(tw_process_pool *pool, const char *name,
                                    tw_value arguments,
                                    const struct tw_process_map_options *options)
{
    return process_map_start(pool, name, arguments, options, true);
}

tw_process_results *tw_process_imap_unordered(tw_process_pool *pool, const char *name,
                                              tw_value arguments,
                                              const struct tw_process_map_options *options)
{
    return process_map_start(pool, name, arguments, options, false);
}

static int cancel_next(tw_deferred *deferred, void *arg)
{
    struct next *next = arg;
    tw_deferred *done = next->done;

    (void)deferred;
    twi_list_remove(&next->node);
    next->results->waiting--;
    twi_free(next);
    tw_fire(&done, tw_fail(&tw_error_cancelled, "no longer waits for a result"));
    return 0;
}

tw_deferred *tw_process_results_next_at(const char *where, tw_process_results *results)
{
    struct next *next;
    tw_deferred *deferred;

    if (results == NULL)
        return NULL;
    if (results->waiting == 0 && has_next(results))
        return tw_fired_at(where, take_next(results));
    if (results->taken + results->waiting >= results->count)
        return tw_fired_at(where, tw_none());
    next = twi_malloc(sizeof *next);
    deferred = next != NULL ? tw_promise_at(where, &next->done, cancel_next, next, NULL)
                            : NULL;
    if (deferred == NULL) {
        twi_free(next);
        return NULL;
    }
    next->results = results;
    results->waiting++;
    twi_list_append(&results->nexts, &next->node);
    return deferred;
}

void tw_process_results_free(tw_process_results *results)
{
    struct twi_list *node;

    if (results == NULL)
        return;
    results->freed = true;
    while ((node = twi_list_take_first(&results->nexts)) != NULL) {
        struct next *next = TWI_CONTAINER(node, struct next, node);
        tw_deferred *done = next->done;

        twi_free(next);
        results->waiting--;
        tw_fire(&done, tw_fail(&tw_error_abandoned, "the results were freed"));
    }
    if (results->pool != NULL)
        twi_process_pool_drop_set(results->pool, &results->set);
    twi_process_task_set_unref(&results->set);
}
