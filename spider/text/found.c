/* SPDX-License-Identifier: MIT */
/*
 * found.c - lists of nodes and attributes of a tree.
 */
#include "config.h"

#include <stdlib.h>

#include "spider/text/found.h"

void twi_found_add(struct twi_found_list *list, uint32_t node, uint32_t attr)
{
    if (list->count == list->room) {
        size_t room = list->room > 0 ? list->room * 2 : 16;
        struct twi_found *items = twi_arena_grow(
            list->arena, list->items, list->room * sizeof *items, room * sizeof *items);
        if (items == NULL)
            return;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = (struct twi_found){ node, attr };
}

static int compare_found(const void *a, const void *b)
{
    const struct twi_found *x = a, *y = b;

    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return x->attr < y->attr ? -1 : x->attr > y->attr;
}

void twi_found_sort(struct twi_found_list *list)
{
    size_t kept = 0;
    bool is_sorted = true;

    for (size_t i = 1; i < list->count && is_sorted; i++)
        is_sorted = compare_found(&list->items[i - 1], &list->items[i]) < 0;
    if (is_sorted)
        return;
    qsort(list->items, list->count, sizeof *list->items, compare_found);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || compare_found(&list->items[kept - 1], &list->items[i]) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
}
