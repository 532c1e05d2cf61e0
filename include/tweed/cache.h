/* SPDX-License-Identifier: MIT */
/*
 * cache.h - a private HTTP cache: RFC 9111, for the requests of one user.
 *
 *     struct tw_cache_options where = { .folder = "/home/me/.cache/example" };
 *     tw_cache *cache = tw_cache_new(&where);
 *     struct tw_agent_options options = { .cache = cache };
 *     tw_agent *agent = tw_agent_new(&options);
 *     tw_cache_unref(cache);
 *     tw_deferred *page = tw_agent_request(agent, url, NULL);
 *
 * Answers to GET are kept as they came, coded as they were sent, and are used for GET and HEAD. A
 * fresh one costs no connection; a stale one is validated (If-None-Match, If-Modified-Since), and
 * a 304 updates it. stale-while-revalidate and stale-if-error (RFC 5861) and immutable (RFC 8246)
 * are followed. Requests with other methods go through, and invalidate. Redirects are kept like
 * pages. A request for one part (Range) is answered from a whole page; a part (206), an answer that
 * was cut short, or one whose request was cancelled, is not kept. Cookies of a kept answer are not
 * set again.
 *
 * A private cache holds one user's pages, so programs that act for several users give each of them
 * a cache. An answer to a request with Authorization, or with a Host field set by hand, is used
 * only for requests with the same ones.
 *
 * Several requests for one page that are under way at once each ask the server; the answer that
 * ends last is kept.
 */
#ifndef TWEED_CACHE_H
#define TWEED_CACHE_H

#include <tweed/value.h>

TW_BEGIN

typedef struct tw_cache tw_cache;

/* All zero is the default. */
struct tw_cache_options {
    /* Keep the answers in files below this folder, which is made when it is not there, for its
     * owner only. Several processes may use it at once, and may be killed at any time; files that
     * are damaged are not used. NULL: in memory. */
    const char *folder;
    /* Of all answers; those used longest ago go first. An answer of more than half of it is not
     * kept. 0: 64 MiB in memory, 1 GiB in a folder; negative: no limit. */
    int64_t max_bytes;
};
/* Counted; belongs to the calling thread, where several agents may use it. NULL with errno: ENOMEM,
 * or that of the folder. */
TW_API TW_MUST_USE tw_cache *tw_cache_new(const struct tw_cache_options *options);
TW_API tw_cache *tw_cache_ref(tw_cache *cache);
/* Requests under way hold a reference. Files stay. NULL is ignored. */
TW_API void tw_cache_unref(tw_cache *cache);
/* Forget all answers for a URL. Returns 0, -EINVAL (no URL), -ENOMEM. */
TW_API int tw_cache_remove(tw_cache *cache, const char *url);
/* Forget all. */
TW_API void tw_cache_clear(tw_cache *cache);

/* As in fetch() (the fetch standard, "request cache mode"). */
enum tw_cache_mode {
    /* As RFC 9111 says. A request with a condition of its own (If-None-Match, If-Range, ...) is
     * sent as it is: TW_CACHE_NO_STORE. */
    TW_CACHE_DEFAULT,
    TW_CACHE_NO_STORE,    /* neither look nor keep */
    TW_CACHE_RELOAD,      /* do not look, but keep */
    TW_CACHE_NO_CACHE,    /* always validate, unless it is fresh and immutable */
    TW_CACHE_FORCE_CACHE, /* use any answer that is there, however old */
    /* The same, and fail with tw_error_cache when none is there. */
    TW_CACHE_ONLY_IF_CACHED
};

/* Where a response comes from. */
enum tw_cache_source {
    TW_SOURCE_SERVER, /* a miss, or no cache was asked */
    TW_SOURCE_CACHE,  /* a hit: no connection was used */
    TW_SOURCE_STALE,  /* a hit beyond its time, which the mode, the request or the server allowed */
    TW_SOURCE_REVALIDATED /* the server said that it is still the same */
};

struct tw_cache_counts {
    uint64_t hits, revalidated, misses; /* of requests that looked */
    uint64_t stored, evicted;
    uint64_t failed;  /* to be stored: memory, the file system */
    int64_t bytes;    /* of all that is kept; in a folder as last counted */
};
TW_API struct tw_cache_counts tw_cache_counts(const tw_cache *cache);

TW_END
#endif
