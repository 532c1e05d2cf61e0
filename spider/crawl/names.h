/* SPDX-License-Identifier: MIT */
/*
 * names.h - a table from names to pointers.
 */
#ifndef SPIDER_CRAWL_NAMES_H
#define SPIDER_CRAWL_NAMES_H

#include <stddef.h>

struct twi_name {
    char *name; /* its own copy; NULL: a free slot */
    void *value;
};
/* All zero is empty. Walk over `slots`, `size` of them. */
struct twi_names {
    struct twi_name *slots;
    size_t count, size;
};

void *twi_names_get(const struct twi_names *names, const char *name); /* NULL: none */
/* The place of the value under that name, a new one is NULL; NULL when there is no memory. */
void **twi_names_at(struct twi_names *names, const char *name);
/* The table's own copy of the name, which lives as long as it; NULL: it is not there. */
const char *twi_names_key(const struct twi_names *names, const char *name);
/* The table, not what it points to. */
void twi_names_free(struct twi_names *names);

#endif
