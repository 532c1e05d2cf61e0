/* SPDX-License-Identifier: MIT */
/*
 * pool.h - coroutines, so many at a time.
 *
 *     tw_pool *pool = tw_pool_new(10);
 *     for (i = 0; i < count; i++)
 *         tw_deferred_unref(tw_pool_spawn(pool, fetch, urls[i]));
 *     tw_await(tw_pool_join(pool));
 *     tw_pool_free(pool);
 *
 * Places are given first come, first served. What runs in a pool and waits for something else to
 * run in the same pool may wait for ever. One thread's. NULL, a pool that could not be made, gives
 * NULL Deferreds.
 * After gevent.pool.
 */
#ifndef TWEED_POOL_H
#define TWEED_POOL_H

#include <tweed/inline_callbacks.h>
#include <tweed/results.h>

TW_BEGIN

typedef struct tw_pool tw_pool;

/* At most `size` at a time, 1 or more. NULL with errno EINVAL or ENOMEM. */
TW_API tw_pool *tw_pool_new(size_t size);

/*
 * tw_inline_callbacks() as soon as there is a place: at once, or when one that runs has ended. The
 * Deferred fires with what the body returned. A cancel takes one that waits out of the line: its
 * body never runs (`release` is called); else it goes on to the body. Letting go of the Deferred
 * cancels nothing.
 */
#define tw_pool_spawn(pool, body, arg) tw_pool_spawn_at(TW_HERE, (pool), (body), (arg), NULL)
#define tw_pool_spawn_with(pool, body, arg, options) \
    tw_pool_spawn_at(TW_HERE, (pool), (body), (arg), (options))
TW_API tw_deferred *tw_pool_spawn_at(const char *where, tw_pool *pool, tw_coroutine_body *body,
                                     void *arg, const struct tw_coroutine_options *options);
/* Fires with none when a place is free, so that whoever makes work may wait with it. */
#define tw_pool_wait_available(pool) tw_pool_wait_available_at(TW_HERE, (pool))
TW_API tw_deferred *tw_pool_wait_available_at(const char *where, tw_pool *pool);

/* Run body() for each of `count` items, given the address of the item: item i is at
 * `(char *)items + i * item_size`; lent until it is done. Fires with the list of results in order,
 * failures among them. A cancel cancels all, as tw_map()'s. */
#define tw_pool_map(pool, body, items, count, item_size) \
    tw_pool_map_at(TW_HERE, (pool), (body), (items), (count), (item_size))
TW_API tw_deferred *tw_pool_map_at(const char *where, tw_pool *pool, tw_coroutine_body *body,
                                   const void *items, size_t count, size_t item_size);

/* The same, results one by one: in the order of the items (imap), or as they come (imap
 * unordered); see results.h. The pool may go before them. NULL when there is no memory. */
#define tw_pool_imap(pool, body, items, count, item_size) \
    tw_pool_imap_at(TW_HERE, (pool), (body), (items), (count), (item_size), true)
#define tw_pool_imap_unordered(pool, body, items, count, item_size) \
    tw_pool_imap_at(TW_HERE, (pool), (body), (items), (count), (item_size), false)
TW_API tw_results *tw_pool_imap_at(const char *where, tw_pool *pool, tw_coroutine_body *body,
                                   const void *items, size_t count, size_t item_size,
                                   bool ordered);

/* Fires with none when nothing runs or waits for a place. */
#define tw_pool_join(pool) tw_pool_join_at(TW_HERE, (pool))
TW_API tw_deferred *tw_pool_join_at(const char *where, tw_pool *pool);
/* Cancel all that run or wait now; tw_pool_join() tells when they have ended. Returns how many. */
TW_API size_t tw_pool_cancel(tw_pool *pool);

struct tw_pool_counts {
    size_t size;
    size_t running; /* places taken: size - running are free */
    size_t waiting; /* for a place */
};
TW_API struct tw_pool_counts tw_pool_counts(const tw_pool *pool);
/* What waits fails with tw_error_abandoned; what runs goes on. */
TW_API void tw_pool_free(tw_pool *pool);

TW_END
#endif
