/* SPDX-License-Identifier: MIT */
/*
 * thread.h - blocking work on a pool of threads, results as Deferreds.
 *
 * After Twisted's twisted.internet.threads and python.threadpool.
 */
#ifndef TWEED_THREAD_H
#define TWEED_THREAD_H

#include <tweed/deferred.h>

TW_BEGIN

typedef struct tw_thread_pool tw_thread_pool;

/* Runs on a pool thread. May block; must not touch Deferreds or the reactor. The value that it
 * returns goes to the reactor's thread and must be the only reference. */
typedef tw_value tw_thread_function(void *arg);

/* A pool of at most `threads` (1 or more), started on demand. NULL: errno EINVAL or ENOMEM. */
TW_API TW_MUST_USE tw_thread_pool *tw_thread_pool_new(size_t threads);
/* The own pool of the calling thread's reactor, of 10 threads; made at first use, stopped with
 * the reactor. */
TW_API tw_thread_pool *tw_thread_pool_current(void);
/* Change the limit. Returns 0, -EINVAL. */
TW_API int tw_thread_pool_set_size(tw_thread_pool *pool, size_t threads);
struct tw_thread_pool_counts {
    size_t threads, working, queued;
};
TW_API struct tw_thread_pool_counts tw_thread_pool_counts(tw_thread_pool *pool);
/* Take no more work and join the threads. Queued work is done first if `finish`, otherwise
 * cancelled. */
TW_API void tw_thread_pool_free(tw_thread_pool *pool, bool finish);

/* Run fn(arg) on the current pool (or `pool`); fires with the value that it returns. A cancel
 * takes the work out of the queue; work that has begun goes on, and its result is dropped.
 * `release` (may be NULL) is called with arg once, on the reactor's thread. */
#define tw_defer_to_thread(fn, arg) tw_defer_to_thread_at(TW_HERE, NULL, (fn), (arg), NULL)
#define tw_defer_to_thread_pool(pool, fn, arg, release) \
    tw_defer_to_thread_at(TW_HERE, (pool), (fn), (arg), (release))
TW_API TW_MUST_USE tw_deferred *tw_defer_to_thread_at(const char *where, tw_thread_pool *pool,
                                                      tw_thread_function *fn, void *arg,
                                                      tw_release_fn *release);

TW_END
#endif
