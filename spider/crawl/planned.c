/* SPDX-License-Identifier: MIT */
/*
 * planned.c - a table whose entries move up when one is taken out, so that nothing is left
 * behind however long a crawl goes on.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/planned.h"

#define FIRST_SIZE 256

static size_t string_size(const char *string)
{
    return string == NULL ? 0 : strlen(string) + 1;
}

static size_t planned_size(const struct twi_visit *visit)
{
    return sizeof(struct twi_planned) + string_size(visit->origin) + string_size(visit->path) +
           string_size(visit->info);
}

static const char *string_copy(char **at, const char *string)
{
    char *copy = *at;
    size_t size = string_size(string);

    if (size == 0)
        return NULL;
    memcpy(copy, string, size);
    *at += size;
    return copy;
}

struct twi_planned *twi_planned_new(const struct twi_visit *visit, unsigned tries)
{
    struct twi_planned *planned = malloc(planned_size(visit));
    char *at;

    if (planned == NULL)
        return NULL;
    at = (char *)(planned + 1);
    planned->visit = *visit;
    planned->visit.next = NULL;
    planned->visit.origin = string_copy(&at, visit->origin);
    planned->visit.path = string_copy(&at, visit->path);
    planned->visit.info = string_copy(&at, visit->info);
    planned->tries = tries;
    return planned;
}

/* --- the table --------------------------------------------------------------------------- */

static size_t id_home(const struct twi_planned_set *set, int64_t id)
{
    return (size_t)(((uint64_t)id * 0x9e3779b97f4a7c15u) >> 20) & (set->size - 1);
}

static size_t id_slot(const struct twi_planned_set *set, int64_t id)
{
    size_t at = id_home(set, id);

    while (set->slots[at] != NULL && set->slots[at]->visit.id != id)
        at = (at + 1) & (set->size - 1);
    return at;
}

static int set_grow(struct twi_planned_set *set)
{
    struct twi_planned_set larger = *set;
    size_t i;

    larger.size = set->size == 0 ? FIRST_SIZE : set->size * 2;
    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (larger.slots == NULL)
        return -ENOMEM;
    for (i = 0; i < set->size; i++)
        if (set->slots[i] != NULL)
            larger.slots[id_slot(&larger, set->slots[i]->visit.id)] = set->slots[i];
    free(set->slots);
    *set = larger;
    return 0;
}

int twi_planned_put(struct twi_planned_set *set, struct twi_planned *planned)
{
    size_t at;

    if (set->count * 4 >= set->size * 3 && set_grow(set) < 0)
        return -ENOMEM;
    free(twi_planned_take(set, planned->visit.id));
    at = id_slot(set, planned->visit.id);
    set->slots[at] = planned;
    set->count++;
    set->bytes += planned_size(&planned->visit);
    return 0;
}

struct twi_planned *twi_planned_get(const struct twi_planned_set *set, int64_t id)
{
    return set->size == 0 ? NULL : set->slots[id_slot(set, id)];
}

/* Entries behind a hole whose way from home leads over it move into it. */
static void hole_close(struct twi_planned_set *set, size_t hole)
{
    size_t mask = set->size - 1, at = hole;

    for (;;) {
        size_t home;
        at = (at + 1) & mask;
        if (set->slots[at] == NULL)
            return;
        home = id_home(set, set->slots[at]->visit.id);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        set->slots[hole] = set->slots[at];
        set->slots[at] = NULL;
        hole = at;
    }
}

struct twi_planned *twi_planned_take(struct twi_planned_set *set, int64_t id)
{
    struct twi_planned *planned;
    size_t at;

    if (set->size == 0)
        return NULL;
    at = id_slot(set, id);
    planned = set->slots[at];
    if (planned == NULL)
        return NULL;
    set->slots[at] = NULL;
    set->count--;
    set->bytes -= planned_size(&planned->visit);
    hole_close(set, at);
    return planned;
}

void twi_planned_free(struct twi_planned_set *set)
{
    size_t i;

    for (i = 0; i < set->size; i++)
        free(set->slots[i]);
    free(set->slots);
    memset(set, 0, sizeof *set);
}
