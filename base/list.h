/* SPDX-License-Identifier: MIT */
/*
 * list.h - a doubly linked ring of nodes that live inside other structs.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct twi_list {
    struct twi_list *next, *prev;
};

#define TWI_LIST_INIT(name) \
    {                       \
        &(name), &(name)    \
    }
#define TWI_CONTAINER(node, type, member) \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))
/* Walk; the current node may be removed. */
#define TWI_LIST_EACH(node, list)                                                     \
    for (struct twi_list *node = (list)->next, *node##_next = node->next; node != (list); \
         node = node##_next, node##_next = node->next)

static inline void twi_list_init(struct twi_list *list)
{
    list->next = list->prev = list;
}

static inline bool twi_list_empty(const struct twi_list *list)
{
    return list->next == list;
}

/* A node that is in no list is linked to itself, if it was initialised. */
static inline bool twi_list_linked(const struct twi_list *node)
{
    return node->next != node;
}

static inline void twi_list_insert_before(struct twi_list *node, struct twi_list *at)
{
    node->next = at;
    node->prev = at->prev;
    at->prev->next = node;
    at->prev = node;
}

static inline void twi_list_append(struct twi_list *list, struct twi_list *node)
{
    twi_list_insert_before(node, list);
}

static inline void twi_list_prepend(struct twi_list *list, struct twi_list *node)
{
    twi_list_insert_before(node, list->next);
}

static inline void twi_list_remove(struct twi_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = node;
}

/* Take the first node out; NULL when empty. */
static inline struct twi_list *twi_list_take_first(struct twi_list *list)
{
    struct twi_list *node = list->next;
    if (node == list)
        return NULL;
    twi_list_remove(node);
    return node;
}

/* Move everything from `from` to the end of `to`. */
static inline void twi_list_splice(struct twi_list *to, struct twi_list *from)
{
    if (twi_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    twi_list_init(from);
}

#endif
