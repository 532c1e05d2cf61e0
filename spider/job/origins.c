/* SPDX-License-Identifier: MIT */
/*
 * origins.c - a table of origins with open addressing over an array by id.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/job/origins.h"
#include "spider/text/siphash.h"

void twi_origins_init(struct twi_origins *hosts, uint64_t key0, uint64_t key1)
{
    *hosts = (struct twi_origins){ .key0 = key0, .key1 = key1 };
    twi_arena_init(&hosts->arena, 0);
}

void twi_origins_free(struct twi_origins *hosts)
{
    twi_arena_free(&hosts->arena);
    free(hosts->origins);
    free(hosts->slots);
    *hosts = (struct twi_origins){ 0 };
}

/* The slot where `origin` is, or would be. */
static uint32_t *origins_slot(const struct twi_origins *hosts, const char *origin)
{
    size_t mask = hosts->slot_count - 1;
    size_t at = twi_siphash(hosts->key0, hosts->key1, origin, strlen(origin)) & mask;

    while (hosts->slots[at] != 0 && strcmp(hosts->origins[hosts->slots[at] - 1], origin) != 0)
        at = (at + 1) & mask;
    return &hosts->slots[at];
}

/* Twice as many slots, before half of them are taken. */
static int origins_widen(struct twi_origins *hosts)
{
    size_t count = hosts->slot_count == 0 ? 64 : hosts->slot_count * 2;
    uint32_t *slots;
    int64_t id;

    if ((size_t)hosts->count * 2 < hosts->slot_count)
        return 0;
    slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    free(hosts->slots);
    hosts->slots = slots;
    hosts->slot_count = count;
    for (id = 1; id <= hosts->count; id++)
        if (hosts->origins[id - 1] != NULL)
            *origins_slot(hosts, hosts->origins[id - 1]) = (uint32_t)id;
    return 0;
}

/* Room for an origin at `id`. */
static int origins_reach(struct twi_origins *hosts, int64_t id)
{
    size_t size = hosts->size == 0 ? 64 : hosts->size;
    const char **origins;

    if ((size_t)id <= hosts->size)
        return 0;
    while (size < (size_t)id)
        size *= 2;
    origins = realloc(hosts->origins, size * sizeof *origins);
    if (origins == NULL)
        return -ENOMEM;
    memset(origins + hosts->size, 0, (size - hosts->size) * sizeof *origins);
    hosts->origins = origins;
    hosts->size = size;
    return 0;
}

int twi_origins_add(struct twi_origins *hosts, int64_t id, const char *origin)
{
    const char *copy;

    /* Rows are appended; a number far beyond is damage, and would ask for as much memory. */
    if (id <= hosts->count || id > hosts->count + 1000000)
        return -EBADMSG;
    if (origins_widen(hosts) < 0 || origins_reach(hosts, id) < 0 ||
        (copy = twi_arena_strdup(&hosts->arena, origin)) == NULL)
        return -ENOMEM;
    hosts->origins[id - 1] = copy;
    hosts->count = id;
    *origins_slot(hosts, origin) = (uint32_t)id;
    return 0;
}

int64_t twi_origins_id(struct twi_origins *hosts, const char *origin)
{
    uint32_t *slot = hosts->slot_count > 0 ? origins_slot(hosts, origin) : NULL;
    int r;

    if (slot != NULL && *slot != 0)
        return *slot;
    r = twi_origins_add(hosts, hosts->count + 1, origin);
    return r < 0 ? r : hosts->count;
}

const char *twi_origins_origin(const struct twi_origins *hosts, int64_t id)
{
    return id >= 1 && id <= hosts->count ? hosts->origins[id - 1] : NULL;
}
