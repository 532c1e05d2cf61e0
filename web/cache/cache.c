/* SPDX-License-Identifier: MIT */
/*
 * cache.c - a cache, whatever stores it.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <tweed/clock.h>
#include <tweed/url.h>

#include "base/clock.h"
#include "web/cache/cache.h"

#define MEMORY_BYTES (INT64_C(64) << 20)
#define FOLDER_BYTES (INT64_C(1) << 30)

/* --- time ---------------------------------------------------------------------------------- */

static int64_t wall_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Time that stands still until it is advanced; NULL: the real one. */
static tw_clock *virtual_clock(void)
{
    tw_clock *clock = twi_clock_here();

    return clock != NULL && twi_clock_stands_still(clock) ? clock : NULL;
}

static int64_t clock_ms(tw_clock *clock)
{
    return twi_clock_now(clock) / (TWI_SECOND / 1000);
}

/* The date at the zero of all virtual clocks, so that caches of one folder agree. */
static int64_t virtual_start(void)
{
    static int64_t start;
    int64_t none = 0;

    if (__atomic_load_n(&start, __ATOMIC_RELAXED) == 0)
        __atomic_compare_exchange_n(&start, &none, wall_clock(), false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    return __atomic_load_n(&start, __ATOMIC_RELAXED);
}

int64_t twi_cache_now(void)
{
    tw_clock *clock = virtual_clock();

    return clock != NULL ? virtual_start() + clock_ms(clock) : wall_clock();
}

/* --- the cache ----------------------------------------------------------------------------- */

tw_cache *tw_cache_new(const struct tw_cache_options *options)
{
    static const struct tw_cache_options defaults;
    tw_cache *cache;
    int64_t by_default;

    if (options == NULL)
        options = &defaults;
    cache = options->folder != NULL ? twi_cache_folder_new(options->folder)
                                    : twi_cache_memory_new();
    if (cache == NULL)
        return NULL;
    by_default = options->folder != NULL ? FOLDER_BYTES : MEMORY_BYTES;
    cache->references = 1;
    cache->max_bytes = options->max_bytes < 0    ? INT64_MAX
                       : options->max_bytes == 0 ? by_default
                                                 : options->max_bytes;
    return cache;
}

tw_cache *tw_cache_ref(tw_cache *cache)
{
    if (cache != NULL)
        cache->references++;
    return cache;
}

void tw_cache_unref(tw_cache *cache)
{
    if (cache == NULL || --cache->references > 0)
        return;
    twi_map_free(&cache->refreshing);
    cache->ops->free(cache);
}

struct tw_cache_counts tw_cache_counts(const tw_cache *cache)
{
    return cache->counts;
}

char *twi_cache_key(const struct tw_url *url)
{
    return twi_format("%s%s%s", url->origin, url->pathname, url->search);
}

int tw_cache_remove(tw_cache *cache, const char *text)
{
    struct tw_url *url;
    char *key;
    int r = tw_url_parse(text, strlen(text), NULL, &url, NULL);

    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    key = twi_cache_key(url);
    tw_url_free(url);
    if (key == NULL)
        return -ENOMEM;
    cache->ops->remove_url(cache, key);
    twi_free(key);
    return 0;
}

void twi_cache_remove_key(tw_cache *cache, const char *key)
{
    cache->ops->remove_url(cache, key);
}

void tw_cache_clear(tw_cache *cache)
{
    cache->ops->clear(cache);
}

/* --- entries ------------------------------------------------------------------------------- */

struct twi_cache_entry *twi_cache_find(tw_cache *cache, const char *url,
                                       const tw_headers *sent)
{
    return cache->ops->find(cache, url, sent);
}

struct twi_cache_entry *twi_cache_entry_ref(struct twi_cache_entry *entry)
{
    entry->references++;
    return entry;
}

void twi_cache_entry_unref(struct twi_cache_entry *entry)
{
    if (entry != NULL && --entry->references == 0)
        entry->ops->entry_free(entry);
}

int64_t twi_cache_read(struct twi_cache_entry *entry, int64_t offset, char *space, size_t size,
                       const char **ret_data)
{
    int64_t left = entry->length - offset;

    if ((uint64_t)left < size)
        size = (size_t)left;
    if (size == 0)
        return 0;
    if (!tw_is_none(entry->bytes)) {
        *ret_data = tw_bytes_data(entry->bytes) + offset;
        return (int64_t)size;
    }
    *ret_data = space;
    return entry->ops->read(entry, offset, space, size);
}

void twi_cache_update(tw_cache *cache, struct twi_cache_entry *entry,
                      const struct twi_cache_answer *answer)
{
    int r = twi_cache_head_update(&entry->head, answer);

    if (r < 0)
        twi_cache_remove_entry(cache, entry);
    else
        r = cache->ops->updated(cache, entry);
    if (r < 0)
        cache->counts.failed++;
}

void twi_cache_remove_entry(tw_cache *cache, struct twi_cache_entry *entry)
{
    cache->ops->remove_entry(cache, entry);
}

bool twi_cache_refresh_begin(tw_cache *cache, const char *key)
{
    size_t length = strlen(key);

    return twi_map_get(&cache->refreshing, key, length) == NULL &&
           twi_map_set(&cache->refreshing, key, length, cache, NULL) == 0;
}

void twi_cache_refresh_end(tw_cache *cache, const char *key)
{
    twi_map_remove(&cache->refreshing, key, strlen(key));
}

/* --- writers ------------------------------------------------------------------------------- */

static void writer_free(struct twi_cache_writer *writer)
{
    tw_cache *cache = writer->cache;

    twi_cache_head_free(&writer->head);
    cache->ops->writer_free(writer);
    tw_cache_unref(cache);
}

struct twi_cache_writer *twi_cache_write(tw_cache *cache,
                                         const struct twi_cache_answer *answer,
                                         int64_t expected)
{
    struct twi_cache_writer *writer;

    if (expected > cache->max_bytes / 2)
        return NULL;
    writer = cache->ops->writer_new(cache);
    if (writer == NULL) {
        cache->counts.failed++;
        return NULL;
    }
    writer->cache = tw_cache_ref(cache);
    if (twi_cache_head_make(&writer->head, answer) < 0) {
        cache->counts.failed++;
        writer_free(writer);
        return NULL;
    }
    return writer;
}

bool twi_cache_writer_add(struct twi_cache_writer *writer, const char *data, size_t length)
{
    tw_cache *cache = writer->cache;
    bool fits = (int64_t)length <= cache->max_bytes / 2 - writer->length;

    writer->length += (int64_t)length;
    if (fits && cache->ops->writer_add(writer, data, length) == 0)
        return true;
    if (fits)
        cache->counts.failed++;
    writer_free(writer);
    return false;
}

void twi_cache_writer_commit(struct twi_cache_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->cache->ops->writer_commit(writer) < 0)
        writer->cache->counts.failed++;
    else
        writer->cache->counts.stored++;
    writer_free(writer);
}

void twi_cache_writer_drop(struct twi_cache_writer *writer)
{
    if (writer != NULL)
        writer_free(writer);
}
