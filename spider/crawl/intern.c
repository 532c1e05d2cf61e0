/* SPDX-License-Identifier: MIT */
/*
 * intern.c - rows of things whose hashes end alike. Without memory for more rows they get longer.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/intern.h"
#include "spider/text/siphash.h"

enum { FIRST_ROWS = 64 };

int twi_intern_init(struct twi_intern *table, size_t name_at, uint64_t k0, uint64_t k1)
{
    *table = (struct twi_intern){ .name_at_ = name_at, .k0_ = k0, .k1_ = k1 };
    table->rows_ = calloc(FIRST_ROWS, sizeof(struct twi_interned *));
    if (table->rows_ == NULL)
        return -ENOMEM;
    table->size_ = FIRST_ROWS;
    return 0;
}

void twi_intern_free(struct twi_intern *table)
{
    free(table->rows_);
    *table = (struct twi_intern){ 0 };
}

static const char *intern_name(const struct twi_intern *table,
                               const struct twi_interned *thing)
{
    return (const char *)thing + table->name_at_;
}

static uint32_t intern_hash(const struct twi_intern *table, const char *name)
{
    return (uint32_t)twi_siphash(table->k0_, table->k1_, name, strlen(name));
}

struct twi_interned *twi_intern_find(const struct twi_intern *table, const char *name)
{
    uint32_t hash = intern_hash(table, name);
    struct twi_interned *thing = table->rows_[hash % table->size_];

    while (thing != NULL &&
           (thing->hash_ != hash || strcmp(intern_name(table, thing), name) != 0))
        thing = thing->next_;
    return thing;
}

static void intern_put(struct twi_interned **rows, size_t size, struct twi_interned *thing)
{
    struct twi_interned **row = &rows[thing->hash_ % size];

    thing->next_ = *row;
    *row = thing;
}

static void intern_grow(struct twi_intern *table)
{
    size_t size = table->size_ * 2;
    struct twi_interned **rows = calloc(size, sizeof(struct twi_interned *)), *thing, *next;

    if (rows == NULL)
        return;
    for (size_t i = 0; i < table->size_; i++)
        for (thing = table->rows_[i]; thing != NULL; thing = next) {
            next = thing->next_;
            intern_put(rows, size, thing);
        }
    free(table->rows_);
    table->rows_ = rows;
    table->size_ = size;
}

void twi_intern_add(struct twi_intern *table, struct twi_interned *thing)
{
    if (table->count >= table->size_)
        intern_grow(table);
    thing->hash_ = intern_hash(table, intern_name(table, thing));
    intern_put(table->rows_, table->size_, thing);
    table->count++;
}

void twi_intern_remove(struct twi_intern *table, struct twi_interned *thing)
{
    struct twi_interned **row = &table->rows_[thing->hash_ % table->size_];

    while (*row != thing)
        row = &(*row)->next_;
    *row = thing->next_;
    table->count--;
}

void twi_intern_each(struct twi_intern *table,
                     void (*each)(struct twi_interned *thing, void *arg), void *arg)
{
    struct twi_interned *thing, *next;

    for (size_t i = 0; i < table->size_; i++)
        for (thing = table->rows_[i]; thing != NULL; thing = next) {
            next = thing->next_;
            each(thing, arg);
        }
}

size_t twi_intern_bytes(const struct twi_intern *table)
{
    return table->size_ * sizeof(struct twi_interned *);
}
