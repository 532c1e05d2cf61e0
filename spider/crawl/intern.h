/* SPDX-License-Identifier: MIT */
/*
 * intern.h - a table of things by their names. Names come from strangers, so the hash is keyed.
 */
#ifndef SPIDER_CRAWL_INTERN_H
#define SPIDER_CRAWL_INTERN_H

#include <stddef.h>
#include <stdint.h>

/* The first member of a thing in the table. */
struct twi_interned {
    struct twi_interned *next_;
    uint32_t hash_;
};

struct twi_intern {
    struct twi_interned **rows_;
    size_t size_, count, name_at_;
    uint64_t k0_, k1_;
};

/* A thing's name, with a NUL, stands `name_at` bytes behind its beginning. 0 or -ENOMEM. */
int twi_intern_init(struct twi_intern *table, size_t name_at, uint64_t k0, uint64_t k1);
void twi_intern_free(struct twi_intern *table); /* not the things */
struct twi_interned *twi_intern_find(const struct twi_intern *table, const char *name);
/* A thing whose name is not in the table. */
void twi_intern_add(struct twi_intern *table, struct twi_interned *thing);
void twi_intern_remove(struct twi_intern *table, struct twi_interned *thing);
/* All of them; `each` may remove the one that it is given. */
void twi_intern_each(struct twi_intern *table,
                     void (*each)(struct twi_interned *thing, void *arg), void *arg);
size_t twi_intern_bytes(const struct twi_intern *table); /* beside the things */

#endif
