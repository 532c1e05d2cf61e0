/* SPDX-License-Identifier: MIT */
/*
 * process_map.c - a function called for each item of a list: map, imap, imap unordered.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/value_list.h"
#include "defer/results.h"
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

/* Stands for a result that is missing, since none may be a result. */
static char not_there;

static void mark_not_there(struct map *map)
{
    for (size_t i = 0; i < map->left; i++)
        map->items[i] = tw_pointer(&not_there);
}

static bool is_not_there(tw_value item)
{
    return tw_is(item, &tw_type_pointer) && item.as.pointer == &not_there;
}

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

/* Calls that have their result keep it. */
static tw_value take_results(struct map *map)
{
    tw_value results = map->results;
    tw_value failure = tw_fail(&tw_error_cancelled, "taken out of the process pool");
    size_t count = tw_list_length(results);

    for (size_t i = 0; i < count; i++) {
        if (is_not_there(map->items[i]))
            map->items[i] = tw_retain(failure);
    }
    tw_release(failure);
    map->results = tw_none();
    return results;
}

static int process_map_cancel(tw_deferred *deferred, void *arg)
{
    struct map *map = arg;
    tw_deferred *done = map->done;
    tw_value results = take_results(map);

    (void)deferred;
    map->done = NULL;
    /* The map may be freed with the last of its tasks. */
    twi_process_pool_drop_set(map->pool, &map->set);
    tw_fire(&done, results);
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
    if (map->items != NULL) {
        mark_not_there(map);
        return map;
    }
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

/* References: of its tasks, and of the results. */
struct process_imap {
    struct twi_process_task_set set;
    struct tw_process_pool *pool; /* NULL: it was refused, or all results are there */
    tw_results *results;          /* a reference */
    size_t left;
};

static void process_imap_deliver(struct twi_process_task_set *set, size_t index,
                                 tw_value result)
{
    struct process_imap *imap = (struct process_imap *)set;

    twi_results_put(imap->results, index, result);
    if (--imap->left == 0)
        imap->pool = NULL;
    twi_results_serve(imap->results);
}

static void process_imap_release(struct twi_process_task_set *set)
{
    tw_results *results = ((struct process_imap *)set)->results;

    no_release(set);
    if (results != NULL)
        twi_results_unref(results);
}

static void process_imap_cancel(void *arg)
{
    struct process_imap *imap = arg;

    if (imap->pool != NULL)
        twi_process_pool_drop_set(imap->pool, &imap->set);
    twi_process_task_set_unref(&imap->set);
}

static const struct twi_results_source process_imap_ops = { .cancel = process_imap_cancel };

static struct process_imap *process_imap_new(tw_value arguments, size_t chunk, bool ordered)
{
    struct process_imap *imap = set_new(sizeof *imap, arguments, chunk);

    if (imap == NULL)
        return NULL;
    imap->set.deliver = process_imap_deliver;
    imap->set.release = process_imap_release;
    imap->left = tw_list_length(imap->set.arguments);
    imap->results = twi_results_new(imap->left, ordered, &process_imap_ops, imap);
    if (imap->results != NULL) {
        twi_results_ref(imap->results); /* the set's; the other one is the user's */
        return imap;
    }
    twi_process_task_set_unref(&imap->set);
    return NULL;
}

/* A refused imap has results, too: a failure for each argument. */
static tw_results *process_imap_refuse(struct process_imap *imap, tw_value refusal)
{
    size_t count = imap->left;

    for (size_t i = 0; i < count; i++)
        process_imap_deliver(&imap->set, i, tw_retain(refusal));
    tw_release(refusal);
    return imap->results;
}

static tw_results *process_imap_start(tw_process_pool *pool, const char *name,
                                      tw_value arguments,
                                      const struct tw_process_map_options *options,
                                      bool ordered)
{
    const struct tw_process_entry *function;
    struct process_imap *imap;
    tw_value refusal;

    if (options == NULL)
        options = &no_options;
    if (pool == NULL) {
        tw_release(arguments);
        return NULL;
    }
    imap = process_imap_new(arguments, options->chunk, ordered);
    if (imap == NULL || imap->left == 0)
        return imap != NULL ? imap->results : NULL;
    refusal = twi_process_pool_refusal(pool, name, options->timeout, &function);
    if (tw_is_failure(refusal))
        return process_imap_refuse(imap, refusal);
    imap->pool = pool;
    if (twi_process_pool_add_set(pool, function, &imap->set, options->timeout) == 0)
        return imap->results;
    imap->pool = NULL;
    tw_results_free(imap->results);
    return NULL;
}

tw_results *tw_process_imap(tw_process_pool *pool, const char *name, tw_value arguments,
                            const struct tw_process_map_options *options)
{
    return process_imap_start(pool, name, arguments, options, true);
}

tw_results *tw_process_imap_unordered(tw_process_pool *pool, const char *name,
                                      tw_value arguments,
                                      const struct tw_process_map_options *options)
{
    return process_imap_start(pool, name, arguments, options, false);
}
