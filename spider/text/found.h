/* SPDX-License-Identifier: MIT */
/*
 * found.h - lists of nodes and attributes of a tree.
 */
#ifndef SPIDER_TEXT_FOUND_H
#define SPIDER_TEXT_FOUND_H

#include "spider/text/tree.h"

/* A node, or one of its attributes. */
struct twi_found {
    uint32_t node;
    uint32_t attr; /* index into the tree's attributes + 1; 0: the node itself */
};

/* { .arena = arena } is empty. */
struct twi_found_list {
    struct twi_arena *arena;
    struct twi_found *items;
    size_t count, room;
};

void twi_found_add(struct twi_found_list *list, uint32_t node, uint32_t attr);
/* Into document order, each once. */
void twi_found_sort(struct twi_found_list *list);

#endif
