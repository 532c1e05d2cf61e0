/* SPDX-License-Identifier: MIT */
/*
 * text_cache.c - two tables: when the young one is full the old one goes, and it becomes the old
 * one. A thing that is found in the old one moves to the young one.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spider/text/text_cache.h"

#define BUCKETS 256

struct twi_text_cache_entry {
    struct twi_text_cache_entry *next;
    void *thing;
    size_t length;
    uint32_t hash;
    unsigned kind;
    char text[];
};

void twi_text_cache_init(struct twi_text_cache *cache, size_t most,
                         void (*release)(void *thing))
{
    *cache = (struct twi_text_cache){ .most = most, .release = release };
}

static void table_free(struct twi_text_cache *cache, struct twi_text_cache_entry **table)
{
    for (size_t i = 0; table != NULL && i < BUCKETS; i++) {
        while (table[i] != NULL) {
            struct twi_text_cache_entry *entry = table[i];
            table[i] = entry->next;
            cache->release(entry->thing);
            free(entry);
        }
    }
    free(table);
}

void twi_text_cache_free(struct twi_text_cache *cache)
{
    table_free(cache, cache->young);
    table_free(cache, cache->old);
    twi_text_cache_init(cache, cache->most, cache->release);
}

static uint32_t cache_hash(unsigned kind, const char *text, size_t length)
{
    uint64_t hash = kind + 1;

    for (; length >= 8; text += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, text, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    for (; length > 0; text++, length--)
        hash = (hash ^ (unsigned char)*text) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> 32);
}

static struct twi_text_cache_entry **cache_find(struct twi_text_cache_entry **table,
                                                uint32_t hash, unsigned kind, const char *text,
                                                size_t length)
{
    struct twi_text_cache_entry **place = &table[hash % BUCKETS];

    for (; *place != NULL; place = &(*place)->next)
        if ((*place)->hash == hash && (*place)->kind == kind && (*place)->length == length &&
            memcmp((*place)->text, text, length) == 0)
            return place;
    return NULL;
}

/* The table for one more; NULL when there is no memory. */
static struct twi_text_cache_entry **young_table(struct twi_text_cache *cache)
{
    if (cache->young != NULL && cache->count >= cache->most / 2) {
        table_free(cache, cache->old);
        cache->old = cache->young;
        cache->young = NULL;
        cache->count = 0;
    }
    if (cache->young == NULL)
        cache->young = calloc(BUCKETS, sizeof(struct twi_text_cache_entry *));
    return cache->young;
}

static void young_add(struct twi_text_cache *cache, struct twi_text_cache_entry *entry)
{
    struct twi_text_cache_entry **place = &cache->young[entry->hash % BUCKETS];

    entry->next = *place;
    *place = entry;
    cache->count++;
}

void *twi_text_cache_get(struct twi_text_cache *cache, unsigned kind, const char *text,
                         size_t length)
{
    uint32_t hash = cache_hash(kind, text, length);
    struct twi_text_cache_entry **place = NULL, *entry;

    if (cache->young != NULL)
        place = cache_find(cache->young, hash, kind, text, length);
    if (place != NULL)
        return (*place)->thing;
    if (cache->old != NULL)
        place = cache_find(cache->old, hash, kind, text, length);
    if (place == NULL)
        return NULL;
    entry = *place;
    if (cache->count < cache->most / 2 && cache->young != NULL) {
        *place = entry->next;
        young_add(cache, entry);
    }
    return entry->thing;
}

bool twi_text_cache_put(struct twi_text_cache *cache, unsigned kind, const char *text,
                        size_t length, void *thing)
{
    struct twi_text_cache_entry *entry = malloc(sizeof *entry + length);

    if (entry == NULL || young_table(cache) == NULL) {
        free(entry);
        cache->release(thing);
        return false;
    }
    *entry = (struct twi_text_cache_entry){
        .thing = thing, .length = length, .hash = cache_hash(kind, text, length), .kind = kind
    };
    memcpy(entry->text, text, length);
    young_add(cache, entry);
    return true;
}
