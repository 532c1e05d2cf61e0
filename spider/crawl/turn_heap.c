/* SPDX-License-Identifier: MIT */
/*
 * turn_heap.c - a pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986).
 */
#include "config.h"

#include "spider/crawl/turn_heap.h"

static bool is_sooner(const struct twi_turn_node *a, const struct twi_turn_node *b)
{
    return a->time != b->time ? a->time < b->time : a->turn < b->turn;
}

/* Two heaps, neither empty, made one; its first. */
static struct twi_turn_node *turns_join(struct twi_turn_node *a, struct twi_turn_node *b)
{
    if (is_sooner(b, a)) {
        struct twi_turn_node *first = b;
        b = a;
        a = first;
    }
    b->next_ = a->child_;
    if (b->next_ != NULL)
        b->next_->back_ = b;
    b->back_ = a;
    a->child_ = b;
    a->next_ = NULL;
    a->back_ = a;
    return a;
}

/* Join a row of heaps in pairs, then the pairs from the last on; NULL when it is empty. */
static struct twi_turn_node *turns_join_all(struct twi_turn_node *node)
{
    struct twi_turn_node *pairs = NULL, *all = NULL, *next;

    for (; node != NULL; node = next) {
        struct twi_turn_node *other = node->next_;
        next = other != NULL ? other->next_ : NULL;
        if (other != NULL)
            node = turns_join(node, other);
        node->next_ = pairs;
        pairs = node;
    }
    for (; pairs != NULL; pairs = next) {
        next = pairs->next_;
        pairs->next_ = NULL;
        pairs->back_ = pairs;
        all = all != NULL ? turns_join(all, pairs) : pairs;
    }
    return all;
}

void twi_turn_heap_add(struct twi_turn_heap *heap, struct twi_turn_node *node, int64_t time,
                       uint64_t turn)
{
    *node = (struct twi_turn_node){ .back_ = node, .time = time, .turn = turn };
    heap->first = heap->first != NULL ? turns_join(heap->first, node) : node;
}

/* Take `node`, which is not the first, out of the row in which it stands. */
static void turns_cut(struct twi_turn_node *node)
{
    if (node->back_->child_ == node)
        node->back_->child_ = node->next_;
    else
        node->back_->next_ = node->next_;
    if (node->next_ != NULL)
        node->next_->back_ = node->back_;
}

void twi_turn_heap_remove(struct twi_turn_heap *heap, struct twi_turn_node *node)
{
    struct twi_turn_node *below = turns_join_all(node->child_);

    if (heap->first == node) {
        heap->first = below;
    } else {
        turns_cut(node);
        if (below != NULL)
            heap->first = turns_join(heap->first, below);
    }
    node->child_ = node->next_ = node->back_ = NULL;
}
