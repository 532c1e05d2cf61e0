/* SPDX-License-Identifier: MIT */
/*
 * map.h - a hash map from byte strings to pointers; open addressing, keyed hash.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/alloc.h"

struct twi_map_entry {
    char *key; /* the map's copy, terminated */
    size_t length;
    uint64_t hash;
    void *value;
};

/* All zero is empty. */
struct twi_map {
    struct twi_map_entry *entries_;
    size_t count, capacity_, used_;
};

void *twi_map_get(const struct twi_map *map, const void *key, size_t length);
/* Set; the old value, if any, goes to *ret_old (may be NULL). 0 or -ENOMEM. `value` not NULL. */
int twi_map_set(struct twi_map *map, const void *key, size_t length, void *value,
                void **ret_old);
/* Take out; the value, or NULL. */
void *twi_map_remove(struct twi_map *map, const void *key, size_t length);
/* Walk: start with *cursor 0; NULL at the end. The entry returned may be removed meanwhile. */
const struct twi_map_entry *twi_map_next(const struct twi_map *map, size_t *cursor);
void twi_map_free(struct twi_map *map);
/* SipHash-1-3 with a key drawn once for the process. */
uint64_t twi_hash(const void *data, size_t length);

#endif
