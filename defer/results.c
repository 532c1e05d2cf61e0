/* SPDX-License-Identifier: MIT */
/*
 * results.c - many results one by one, from any source.
 */
#include "defer/results.h"

#include "base/value_list.h"
#include "defer/waiters.h"

struct place {
    tw_value result;
    bool arrived;
    size_t nth; /* the index of what arrived as the n-th */
};

/* References: of its owner, and of each source of a result. */
struct tw_results {
    size_t count, arrived, taken, references;
    bool ordered, ended;
    struct twi_waiters waiting;
    const struct twi_results_source *ops;
    void *source;
    struct place places[];
};

tw_results *twi_results_new(size_t count, bool ordered, const struct twi_results_source *ops,
                            void *source)
{
    tw_results *results = NULL;
    size_t size;

    if (!__builtin_mul_overflow(count, sizeof results->places[0], &size) &&
        !__builtin_add_overflow(size, sizeof *results, &size))
        results = twi_calloc(1, size);
    if (results == NULL)
        return NULL;
    results->count = count;
    results->references = 1;
    results->ordered = ordered;
    results->ops = ops;
    results->source = source;
    twi_waiters_init(&results->waiting);
    return results;
}

tw_results *twi_results_ref(tw_results *results)
{
    results->references++;
    return results;
}

void twi_results_unref(tw_results *results)
{
    if (--results->references > 0)
        return;
    for (size_t i = 0; i < results->count; i++)
        tw_release(results->places[i].result);
    if (results->ops->release != NULL)
        results->ops->release(results->source);
    twi_free(results);
}

size_t twi_results_arrived(const tw_results *results)
{
    return results->arrived;
}

bool twi_results_ended(const tw_results *results)
{
    return results->ended;
}

/* --- handing out ------------------------------------------------------------------------- */

/* True if the next result to be handed out has come. */
static bool results_has_next(const tw_results *results)
{
    if (results->taken == results->count)
        return false;
    return results->ordered ? results->places[results->taken].arrived
                            : results->taken < results->arrived;
}

/* The next list [index, result]; without memory for it, a failure, and the result stays. */
static tw_value results_take(tw_results *results)
{
    size_t index = results->ordered ? results->taken : results->places[results->taken].nth;
    tw_value *pair, list = twi_list_filled(2, &pair);

    if (pair == NULL)
        return list;
    pair[0] = tw_integer((int64_t)index);
    pair[1] = results->places[index].result;
    results->places[index].result = tw_none();
    results->taken++;
    return list;
}

void twi_results_put(tw_results *results, size_t index, tw_value result)
{
    struct place *place = &results->places[index];

    place->result = tw_take(result);
    place->arrived = true;
    results->places[results->arrived++].nth = index;
}

void twi_results_serve(tw_results *results)
{
    results->references++;
    while (results->waiting.count > 0 && results_has_next(results))
        twi_waiters_serve(&results->waiting, results_take(results));
    twi_results_unref(results);
}

tw_deferred *tw_results_next_at(const char *where, tw_results *results)
{
    if (results == NULL)
        return NULL;
    TWI_WAITERS_CHECK(&results->waiting);
    if (results->waiting.count == 0 && results_has_next(results))
        return tw_fired_at(where, results_take(results));
    if (results->taken + results->waiting.count >= results->count)
        return tw_fired_at(where, tw_none());
    return twi_waiters_join(&results->waiting, where);
}

void tw_results_free(tw_results *results)
{
    if (results == NULL)
        return;
    TWI_WAITERS_CHECK(&results->waiting);
    results->ended = true;
    results->references++;
    twi_waiters_abandon(&results->waiting, "row of results");
    results->ops->cancel(results->source);
    twi_results_unref(results);
    twi_results_unref(results);
}
