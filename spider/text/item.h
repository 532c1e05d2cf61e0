/* SPDX-License-Identifier: MIT */
/*
 * item.h - the fields of an item: names and JSON values, in the order in which they were first set.
 */
#ifndef SPIDER_TEXT_ITEM_H
#define SPIDER_TEXT_ITEM_H

#include "spider/text/json.h"
#include "spider/text/span.h"

struct twi_item {
    struct twi_arena *arena;
    struct twi_json *object;
    size_t count;
    struct twi_json **table; /* by name, as soon as there are many */
    size_t room;
};

/* An empty one. False when the arena failed; then `object` is NULL, setting does nothing, and
 * nothing is found. */
bool twi_item_init(struct twi_item *item, struct twi_arena *arena);
/* The value of that name; NULL: it has none. */
struct twi_json *twi_item_find(const struct twi_item *item, struct twi_span name);
/* Give a field the value, whose parts it shares; one of that name is replaced in its place. The
 * name is copied. */
void twi_item_set(struct twi_item *item, struct twi_span name, const struct twi_json *value);
/* Set all fields of an object. */
void twi_item_set_all(struct twi_item *item, const struct twi_json *object);

#endif
