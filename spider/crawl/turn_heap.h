/* SPDX-License-Identifier: MIT */
/*
 * turn_heap.h - what is next by time and, at equal times, by turn.
 *
 * A pairing heap of nodes that live inside other structs: no operation allocates, so none fails.
 * Adding takes constant time, the others logarithmic time on average over a row of operations.
 */
#ifndef SPIDER_CRAWL_TURN_HEAP_H
#define SPIDER_CRAWL_TURN_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is in no heap. */
struct twi_turn_node {
    struct twi_turn_node *child_, *next_;
    struct twi_turn_node
        *back_; /* to the node before, or to the parent; the first's to itself */
    int64_t time;
    uint64_t turn;
};

/* All zero is empty. */
struct twi_turn_heap {
    struct twi_turn_node *first; /* NULL: empty */
};

static inline bool twi_turn_heap_has(const struct twi_turn_node *node)
{
    return node->back_ != NULL;
}
/* `node`, which is in no heap, with the time and turn given. */
void twi_turn_heap_add(struct twi_turn_heap *heap, struct twi_turn_node *node, int64_t time,
                       uint64_t turn);
/* `node`, which is in this heap. */
void twi_turn_heap_remove(struct twi_turn_heap *heap, struct twi_turn_node *node);

#endif
