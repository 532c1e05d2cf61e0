/* SPDX-License-Identifier: MIT */
/*
 * origins.h - origins and their numbers in the table `host`, as the writer knows them.
 */
#ifndef SPIDER_JOB_ORIGINS_H
#define SPIDER_JOB_ORIGINS_H

#include <stddef.h>
#include <stdint.h>

#include "spider/text/arena.h"

struct twi_origins {
    struct twi_arena arena;
    const char **origins; /* by id - 1; NULL: no such row */
    int64_t count;        /* the last id */
    size_t size;
    uint32_t *slots; /* ids; open addressing, a power of two */
    size_t slot_count;
    uint64_t key0, key1;
};

/* The keys keep a site from choosing origins that meet. */
void twi_origins_init(struct twi_origins *hosts, uint64_t key0, uint64_t key1);
void twi_origins_free(struct twi_origins *hosts);
/* The id of an origin, a new one if it is not known. -ENOMEM. */
int64_t twi_origins_id(struct twi_origins *hosts, const char *origin);
/* A row of the table, in the order of ids. 0, -ENOMEM, -EBADMSG (not in order, or far too
 * high). */
int twi_origins_add(struct twi_origins *hosts, int64_t id, const char *origin);
/* NULL: no such id. */
const char *twi_origins_origin(const struct twi_origins *hosts, int64_t id);

#endif
