/* SPDX-License-Identifier: MIT */
/*
 * memory.c - a cache in memory: entries by URL, the one used longest ago goes first.
 */
#include "config.h"

#include <errno.h>

#include "base/list.h"
#include "base/map.h"
#include "web/cache/cache.h"

enum { MOST_VARIANTS = 100 }; /* of one URL */

struct memory_cache {
    tw_cache cache;
    struct twi_map pages;
    struct twi_list recent; /* entries, used last first */
};

/* The variants of one URL, newest first. */
struct page {
    struct twi_list entries;
    size_t count;
};

struct memory_entry {
    struct twi_cache_entry entry;
    struct twi_list of_page, recent;
    struct page *page; /* NULL: out of the cache */
    int64_t cost;
};

struct memory_writer {
    struct twi_cache_writer writer;
    struct twi_buf body;
};

/* --- entries ------------------------------------------------------------------------------- */

static struct memory_entry *memory_entry_of(struct twi_cache_entry *entry)
{
    return TWI_CONTAINER(entry, struct memory_entry, entry);
}

static void memory_entry_free(struct twi_cache_entry *entry)
{
    twi_cache_head_free(&entry->head);
    tw_release(entry->bytes);
    twi_free(memory_entry_of(entry));
}

/* Out of the cache; its last user frees it. */
static void memory_remove_entry(tw_cache *cache, struct twi_cache_entry *entry)
{
    struct memory_cache *memory = TWI_CONTAINER(cache, struct memory_cache, cache);
    struct memory_entry *own = memory_entry_of(entry);
    struct page *page = own->page;

    if (page == NULL)
        return;
    own->page = NULL;
    twi_list_remove(&own->of_page);
    twi_list_remove(&own->recent);
    cache->counts.bytes -= own->cost;
    if (--page->count == 0) {
        twi_map_remove(&memory->pages, entry->head.url, strlen(entry->head.url));
        twi_free(page);
    }
    twi_cache_entry_unref(entry);
}

static struct page *page_of(struct memory_cache *memory, const char *url)
{
    return twi_map_get(&memory->pages, url, strlen(url));
}

static struct twi_cache_entry *memory_find(tw_cache *cache, const char *url,
                                           const tw_headers *sent)
{
    struct memory_cache *memory = TWI_CONTAINER(cache, struct memory_cache, cache);
    struct page *page = page_of(memory, url);

    if (page == NULL)
        return NULL;
    TWI_LIST_EACH (node, &page->entries) {
        struct memory_entry *own = TWI_CONTAINER(node, struct memory_entry, of_page);
        if (!twi_cache_head_matches(&own->entry.head, sent))
            continue;
        twi_list_remove(&own->recent);
        twi_list_prepend(&memory->recent, &own->recent);
        return twi_cache_entry_ref(&own->entry);
    }
    return NULL;
}

static void memory_evict(struct memory_cache *memory)
{
    tw_cache *cache = &memory->cache;

    while (cache->counts.bytes > cache->max_bytes && !twi_list_empty(&memory->recent)) {
        memory_remove_entry(
            cache, &TWI_CONTAINER(memory->recent.prev, struct memory_entry, recent)->entry);
        cache->counts.evicted++;
    }
}

static int64_t cost_of(const struct twi_cache_entry *entry)
{
    return (int64_t)(sizeof(struct memory_entry) + sizeof(struct page) +
                     twi_cache_head_size(&entry->head)) +
           entry->length;
}

static int memory_updated(tw_cache *cache, struct twi_cache_entry *entry)
{
    struct memory_entry *own = memory_entry_of(entry);

    if (own->page == NULL)
        return 0;
    cache->counts.bytes -= own->cost;
    own->cost = cost_of(entry);
    cache->counts.bytes += own->cost;
    memory_evict(TWI_CONTAINER(cache, struct memory_cache, cache));
    return 0;
}

static void memory_remove_url(tw_cache *cache, const char *url)
{
    struct memory_cache *memory = TWI_CONTAINER(cache, struct memory_cache, cache);
    struct page *page = page_of(memory, url);

    /* The page goes with its last entry. */
    for (size_t left = page != NULL ? page->count : 0; left > 0; left--)
        memory_remove_entry(
            cache, &TWI_CONTAINER(page->entries.next, struct memory_entry, of_page)->entry);
}

static void memory_clear(tw_cache *cache)
{
    struct memory_cache *memory = TWI_CONTAINER(cache, struct memory_cache, cache);

    while (!twi_list_empty(&memory->recent))
        memory_remove_entry(
            cache, &TWI_CONTAINER(memory->recent.next, struct memory_entry, recent)->entry);
}

static void memory_cache_free(tw_cache *cache)
{
    struct memory_cache *memory = TWI_CONTAINER(cache, struct memory_cache, cache);

    memory_clear(cache);
    twi_map_free(&memory->pages);
    twi_free(memory);
}

/* --- writers ------------------------------------------------------------------------------- */

static struct twi_cache_writer *memory_writer_new(tw_cache *cache)
{
    struct memory_writer *own = twi_calloc(1, sizeof *own);

    (void)cache;
    return own != NULL ? &own->writer : NULL;
}

static int memory_writer_add(struct twi_cache_writer *writer, const char *data, size_t length)
{
    return twi_buf_append(&TWI_CONTAINER(writer, struct memory_writer, writer)->body, data,
                          length);
}

static void memory_writer_free(struct twi_cache_writer *writer)
{
    struct memory_writer *own = TWI_CONTAINER(writer, struct memory_writer, writer);

    twi_buf_free(&own->body);
    twi_free(own);
}

static struct page *page_for(struct memory_cache *memory, const char *url)
{
    struct page *page = page_of(memory, url);

    if (page != NULL)
        return page;
    page = twi_calloc(1, sizeof *page);
    if (page == NULL)
        return NULL;
    twi_list_init(&page->entries);
    if (twi_map_set(&memory->pages, url, strlen(url), page, NULL) < 0) {
        twi_free(page);
        return NULL;
    }
    return page;
}

/* The one that the new entry replaces, or the oldest of too many. */
static struct memory_entry *replaced_by(struct page *page, const struct memory_entry *own)
{
    TWI_LIST_EACH (node, &page->entries) {
        struct memory_entry *other = TWI_CONTAINER(node, struct memory_entry, of_page);
        if (other != own && twi_cache_head_same_variant(&other->entry.head, &own->entry.head))
            return other;
    }
    if (page->count <= MOST_VARIANTS)
        return NULL;
    return TWI_CONTAINER(page->entries.prev, struct memory_entry, of_page);
}

static void entry_insert(struct memory_cache *memory, struct page *page,
                         struct memory_entry *own)
{
    struct memory_entry *old;

    own->page = page;
    own->cost = cost_of(&own->entry);
    memory->cache.counts.bytes += own->cost;
    page->count++;
    twi_list_prepend(&page->entries, &own->of_page);
    twi_list_prepend(&memory->recent, &own->recent);
    old = replaced_by(page, own);
    if (old != NULL)
        memory_remove_entry(&memory->cache, &old->entry);
    memory_evict(memory);
}

static int memory_writer_commit(struct twi_cache_writer *writer)
{
    struct memory_writer *from = TWI_CONTAINER(writer, struct memory_writer, writer);
    struct memory_cache *memory = TWI_CONTAINER(writer->cache, struct memory_cache, cache);
    struct memory_entry *own = twi_calloc(1, sizeof *own);
    tw_value bytes = from->body.length > 0 ? twi_buf_take(&from->body) : tw_bytes("", 0);
    struct page *page;

    if (own == NULL || tw_is_failure(bytes) ||
        (page = page_for(memory, writer->head.url)) == NULL) {
        twi_free(own);
        tw_release(bytes);
        return -ENOMEM;
    }
    own->entry = (struct twi_cache_entry){ 1, writer->cache->ops, writer->head, writer->length,
                                           bytes };
    writer->head = (struct twi_cache_head){ 0 };
    entry_insert(memory, page, own);
    return 0;
}

/* --- the store ----------------------------------------------------------------------------- */

static const struct twi_cache_ops memory_ops = {
    .find = memory_find,
    .entry_free = memory_entry_free,
    .writer_new = memory_writer_new,
    .writer_add = memory_writer_add,
    .writer_commit = memory_writer_commit,
    .writer_free = memory_writer_free,
    .updated = memory_updated,
    .remove_entry = memory_remove_entry,
    .remove_url = memory_remove_url,
    .clear = memory_clear,
    .free = memory_cache_free,
};

tw_cache *twi_cache_memory_new(void)
{
    struct memory_cache *memory = twi_calloc(1, sizeof *memory);

    if (memory == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    twi_list_init(&memory->recent);
    memory->cache.ops = &memory_ops;
    return &memory->cache;
}
