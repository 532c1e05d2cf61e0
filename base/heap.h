/* SPDX-License-Identifier: MIT */
/*
 * heap.h - a binary heap of nodes that live inside other structs and know their place.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/alloc.h"

/* Ordered by key, then by order of insertion. */
struct twi_heap_node {
    int64_t key;
    uint64_t order_;
    size_t place_; /* 1-based; 0: not in a heap */
};

/* All zero is empty. */
struct twi_heap {
    struct twi_heap_node **nodes_;
    size_t length, capacity_;
    uint64_t next_order_;
};

int twi_heap_add(struct twi_heap *heap, struct twi_heap_node *node, int64_t key);
void twi_heap_remove(struct twi_heap *heap, struct twi_heap_node *node);
/* Give a node another key; among equal keys it counts as added now. */
void twi_heap_move(struct twi_heap *heap, struct twi_heap_node *node, int64_t key);
struct twi_heap_node *twi_heap_first(const struct twi_heap *heap); /* NULL when empty */
static inline bool twi_heap_has(const struct twi_heap_node *node)
{
    return node->place_ != 0;
}
void twi_heap_free(struct twi_heap *heap);

#endif
