/* SPDX-License-Identifier: MIT */
/*
 * map.c - an open-addressing hash map from byte strings to pointers.
 *
 * Keys come from peers (host names, cookie domains), so the hash is keyed: SipHash-1-3 with a key
 * drawn once for the process. Removed entries leave a mark that is cleared when the table is
 * rebuilt.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/map.h"
#include "base/posix.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t hash_key[2];
static char removed_mark;

static void draw_key(void)
{
    twi_random(hash_key, sizeof hash_key);
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

uint64_t twi_hash(const void *data, size_t length)
{
    const unsigned char *bytes = data;
    size_t whole = length / 8 * 8;
    uint64_t word = 0;
    uint64_t v[4];

    pthread_once(&once, draw_key);
    v[0] = hash_key[0] ^ UINT64_C(0x736f6d6570736575);
    v[1] = hash_key[1] ^ UINT64_C(0x646f72616e646f6d);
    v[2] = hash_key[0] ^ UINT64_C(0x6c7967656e657261);
    v[3] = hash_key[1] ^ UINT64_C(0x7465646279746573);
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, bytes + i, 8);
        sip_word(v, word);
    }
    word = (uint64_t)length << 56;
    for (size_t i = whole; i < length; i++)
        word |= (uint64_t)bytes[i] << (8 * (i - whole));
    sip_word(v, word);
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static bool is_free(const struct twi_map_entry *entry)
{
    return entry->key == NULL;
}

static bool is_removed(const struct twi_map_entry *entry)
{
    return entry->key == &removed_mark;
}

static bool is_key(const struct twi_map_entry *entry, uint64_t hash, const void *key,
                   size_t length)
{
    return entry->hash == hash && entry->length == length && !is_removed(entry) &&
           memcmp(entry->key, key, length) == 0;
}

/* The entry with this key, or NULL. */
static struct twi_map_entry *map_find(const struct twi_map *map, uint64_t hash,
                                      const void *key, size_t length)
{
    size_t mask = map->capacity_ - 1;

    if (map->count == 0)
        return NULL;
    for (size_t i = hash & mask; !is_free(&map->entries_[i]); i = (i + 1) & mask) {
        if (is_key(&map->entries_[i], hash, key, length))
            return &map->entries_[i];
    }
    return NULL;
}

static struct twi_map_entry *free_place(struct twi_map *map, uint64_t hash)
{
    size_t mask = map->capacity_ - 1;
    size_t i = hash & mask;

    while (!is_free(&map->entries_[i]))
        i = (i + 1) & mask;
    return &map->entries_[i];
}

/* Keep at most 3 of 4 places used, removed marks included. */
static int map_make_room(struct twi_map *map)
{
    struct twi_map bigger = { .count = map->count, .used_ = map->count };

    if (map->capacity_ > 0 && (map->used_ + 1) * 4 <= map->capacity_ * 3)
        return 0;
    bigger.capacity_ = 8;
    while (bigger.capacity_ < (map->count + 1) * 2)
        bigger.capacity_ *= 2;
    bigger.entries_ = twi_calloc(bigger.capacity_, sizeof *bigger.entries_);
    if (bigger.entries_ == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < map->capacity_; i++) {
        const struct twi_map_entry *entry = &map->entries_[i];
        if (!is_free(entry) && !is_removed(entry))
            *free_place(&bigger, entry->hash) = *entry;
    }
    twi_free(map->entries_);
    *map = bigger;
    return 0;
}

void *twi_map_get(const struct twi_map *map, const void *key, size_t length)
{
    const struct twi_map_entry *entry;

    if (map->count == 0)
        return NULL;
    entry = map_find(map, twi_hash(key, length), key, length);
    return entry != NULL ? entry->value : NULL;
}

int twi_map_set(struct twi_map *map, const void *key, size_t length, void *value,
                void **ret_old)
{
    uint64_t hash = twi_hash(key, length);
    struct twi_map_entry *entry = map_find(map, hash, key, length);
    char *copy;

    if (ret_old != NULL)
        *ret_old = entry != NULL ? entry->value : NULL;
    if (entry != NULL) {
        entry->value = value;
        return 0;
    }
    copy = twi_strndup(key, length);
    if (copy == NULL)
        return -ENOMEM;
    if (map_make_room(map) < 0) {
        twi_free(copy);
        return -ENOMEM;
    }
    *free_place(map, hash) = (struct twi_map_entry){ copy, length, hash, value };
    map->count++;
    map->used_++;
    return 0;
}

void *twi_map_remove(struct twi_map *map, const void *key, size_t length)
{
    struct twi_map_entry *entry;
    void *value;

    if (map->count == 0)
        return NULL;
    entry = map_find(map, twi_hash(key, length), key, length);
    if (entry == NULL)
        return NULL;
    value = entry->value;
    twi_free(entry->key);
    *entry = (struct twi_map_entry){ .key = &removed_mark };
    map->count--;
    return value;
}

const struct twi_map_entry *twi_map_next(const struct twi_map *map, size_t *cursor)
{
    while (*cursor < map->capacity_) {
        const struct twi_map_entry *entry = &map->entries_[(*cursor)++];
        if (!is_free(entry) && !is_removed(entry))
            return entry;
    }
    return NULL;
}

void twi_map_free(struct twi_map *map)
{
    for (size_t i = 0; i < map->capacity_; i++) {
        if (!is_free(&map->entries_[i]) && !is_removed(&map->entries_[i]))
            twi_free(map->entries_[i].key);
    }
    twi_free(map->entries_);
    *map = (struct twi_map){ 0 };
}
