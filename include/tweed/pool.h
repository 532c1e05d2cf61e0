/* SPDX-License-Identifier: MIT */
/*
 * pool.h - a pool of coroutines, of which a given number run at a time.
 *
 *     tw_pool *pool = tw_pool_new(10);
 *     for (i = 0; i < count; i++)
 *         tw_deferred_unref(tw_pool_spawn(pool, fetch, urls[i]));
 *     tw_await(tw_pool_join(pool));
 *     tw_pool_free(pool);
 *
 * Places are given first come, first served. A body that waits for another body of the same
 * pool may wait for ever. A pool belongs to one thread. NULL, a pool that could not be made,
 * gives NULL Deferreds.
 * After gevent.pool.
 */
#ifndef TWEED_POOL_H
#define TWEED_POOL_H

#include <tweed/inline_callbacks.h>
#include <tweed/results.h>

TW_BEGIN

typedef struct tw_pool tw_pool;

/* At most `size` at a time, 1 or more. NULL with errno EINVAL or ENOMEM. */
TW_API TW_MUST_USE tw_pool *tw_pool_new(size_t size);

/*
 * tw_inline_callbacks() as soon as there is a place: at once, or when a running body has ended.
 * The Deferred fires with the body's result. A cancel before the body has its place takes it
 * out of the line: it never runs (`release` is called); later the cancel goes to the body.
 * Dropping the Deferred cancels nothing.
 */
#define tw_pool_spawn(pool, body, arg) tw_pool_spawn_at(TW_HERE, (pool), (body), (arg), NULL)
#define tw_pool_spawn_with(pool, body, arg, options) \
    tw_pool_spawn_at(TW_HERE, (pool), (body), (arg), (options))
TW_API TW_MUST_USE tw_deferred *tw_pool_spawn_at(const char *where, tw_pool *pool,
                                                 tw_coroutine_body *body, void *arg,
                                                 const struct tw_coroutine_options *options);
/* Fires with none when a place is free, so that a producer of work can wait for that. */
#define tw_pool_wait_available(pool) tw_pool_wait_available_at(TW_HERE, (pool))
TW_API TW_MUST_USE tw_deferred *tw_pool_wait_available_at(const char *where, tw_pool *pool);

/* Run body() for each of `count` items, given the address of the item: item i is at
 * `(char *)items + i * item_size`; lent until all are done. Fires with the list of results in
 * order, failures among them. A cancel cancels all, as with tw_map(). */
#define tw_pool_map(pool, body, items, count, item_size) \
    tw_pool_map_at(TW_HERE, (pool), (body), (items), (count), (item_size))
TW_API TW_MUST_USE tw_deferred *tw_pool_map_at(const char *where, tw_pool *pool,
                                               tw_coroutine_body *body, const void *items,
                                               size_t count, size_t item_size);

/* The same with results one by one: in the order of the items (imap), or as they come
 * (imap_unordered); see results.h. The pool may be freed before the results. NULL when there is
 * no memory. */
#define tw_pool_imap(pool, body, items, count, item_size) \
    tw_pool_imap_at(TW_HERE, (pool), (body), (items), (count), (item_size), true)
#define tw_pool_imap_unordered(pool, body, items, count, item_size) \
    tw_pool_imap_at(TW_HERE, (pool), (body), (items), (count), (item_size), false)
TW_API TW_MUST_USE tw_results *tw_pool_imap_at(const char *where, tw_pool *pool,
                                               tw_coroutine_body *body, const void *items,
                                               size_t count, size_t item_size, bool ordered);

/* Fires with none when nothing runs or waits for a place. */
#define tw_pool_join(pool) tw_pool_join_at(TW_HERE, (pool))
TW_API TW_MUST_USE tw_deferred *tw_pool_join_at(const char *where, tw_pool *pool);
/* Cancel all bodies that run or wait now; tw_pool_join() tells when they have ended. Returns
 * how many there were. */
TW_API size_t tw_pool_cancel(tw_pool *pool);

struct tw_pool_counts {
    size_t size;
    size_t running; /* places taken: size - running are free */
    size_t waiting; /* for a place */
};
TW_API struct tw_pool_counts tw_pool_counts(const tw_pool *pool);
/* Bodies that wait for a place fail with tw_error_abandoned; running ones go on. */
TW_API void tw_pool_free(tw_pool *pool);

TW_END
#endif
