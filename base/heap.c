/* SPDX-License-Identifier: MIT */
/*
 * heap.c - a binary heap whose nodes know their place.
 */
#include "config.h"

#include "base/heap.h"

static bool before(const struct twi_heap_node *a, const struct twi_heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->order_ < b->order_;
}

/* Places count from 1; the array from 0. */
static void heap_put(struct twi_heap *heap, struct twi_heap_node *node, size_t place)
{
    heap->nodes_[place - 1] = node;
    node->place_ = place;
}

static void sift_up(struct twi_heap *heap, struct twi_heap_node *node, size_t place)
{
    while (place > 1 && before(node, heap->nodes_[place / 2 - 1])) {
        heap_put(heap, heap->nodes_[place / 2 - 1], place);
        place /= 2;
    }
    heap_put(heap, node, place);
}

static void sift_down(struct twi_heap *heap, struct twi_heap_node *node, size_t place)
{
    for (;;) {
        size_t child = place * 2;
        if (child > heap->length)
            break;
        if (child < heap->length && before(heap->nodes_[child], heap->nodes_[child - 1]))
            child++;
        if (!before(heap->nodes_[child - 1], node))
            break;
        heap_put(heap, heap->nodes_[child - 1], place);
        place = child;
    }
    heap_put(heap, node, place);
}

static void heap_settle(struct twi_heap *heap, struct twi_heap_node *node, size_t place)
{
    if (place > 1 && before(node, heap->nodes_[place / 2 - 1]))
        sift_up(heap, node, place);
    else
        sift_down(heap, node, place);
}

int twi_heap_add(struct twi_heap *heap, struct twi_heap_node *node, int64_t key)
{
    int r = twi_grow(&heap->nodes_, &heap->capacity_, heap->length + 1, sizeof *heap->nodes_);

    if (r < 0)
        return r;
    node->key = key;
    node->order_ = heap->next_order_++;
    sift_up(heap, node, ++heap->length);
    return 0;
}

void twi_heap_remove(struct twi_heap *heap, struct twi_heap_node *node)
{
    size_t place = node->place_;
    struct twi_heap_node *last = heap->nodes_[heap->length - 1];

    heap->length--;
    node->place_ = 0;
    if (last != node)
        heap_settle(heap, last, place);
}

void twi_heap_move(struct twi_heap *heap, struct twi_heap_node *node, int64_t key)
{
    node->key = key;
    node->order_ = heap->next_order_++;
    heap_settle(heap, node, node->place_);
}

struct twi_heap_node *twi_heap_first(const struct twi_heap *heap)
{
    return heap->length > 0 ? heap->nodes_[0] : NULL;
}

void twi_heap_free(struct twi_heap *heap)
{
    twi_free(heap->nodes_);
    *heap = (struct twi_heap){ 0 };
}
