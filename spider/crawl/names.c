/* SPDX-License-Identifier: MIT */
/*
 * names.c - open addressing; nothing is ever taken out.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/names.h"

#define FIRST_SIZE 16

static size_t name_hash(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

static struct twi_name *name_slot(const struct twi_names *names, const char *name)
{
    size_t mask = names->size - 1, at = name_hash(name) & mask;

    while (names->slots[at].name != NULL && strcmp(names->slots[at].name, name) != 0)
        at = (at + 1) & mask;
    return &names->slots[at];
}

static bool names_grow(struct twi_names *names)
{
    struct twi_names larger = *names;
    size_t i;

    larger.size = names->size == 0 ? FIRST_SIZE : names->size * 2;
    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (i = 0; i < names->size; i++)
        if (names->slots[i].name != NULL)
            *name_slot(&larger, names->slots[i].name) = names->slots[i];
    free(names->slots);
    *names = larger;
    return true;
}

void *twi_names_get(const struct twi_names *names, const char *name)
{
    return names->size == 0 ? NULL : name_slot(names, name)->value;
}

void **twi_names_at(struct twi_names *names, const char *name)
{
    struct twi_name *slot;

    if (names->count * 2 >= names->size && !names_grow(names))
        return NULL;
    slot = name_slot(names, name);
    if (slot->name == NULL) {
        slot->name = strdup(name);
        if (slot->name == NULL)
            return NULL;
        names->count++;
    }
    return &slot->value;
}

const char *twi_names_key(const struct twi_names *names, const char *name)
{
    return names->size == 0 ? NULL : name_slot(names, name)->name;
}

void twi_names_free(struct twi_names *names)
{
    size_t i;

    for (i = 0; i < names->size; i++)
        free(names->slots[i].name);
    free(names->slots);
    memset(names, 0, sizeof *names);
}
