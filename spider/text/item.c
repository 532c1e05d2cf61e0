/* SPDX-License-Identifier: MIT */
/*
 * item.c - the fields of an item.
 *
 * Few fields are found by looking at each; a table comes with the 17th, since pages may say how
 * many there are (tables of properties), and must not make setting them take quadratic time.
 */
#include "config.h"

#include <string.h>

#include "spider/text/item.h"

#define FIELDS_WITHOUT_TABLE 16

bool twi_item_init(struct twi_item *item, struct twi_arena *arena)
{
    *item = (struct twi_item){ .arena = arena,
                               .object = twi_json_new(arena, TWI_JSON_OBJECT) };
    return item->object != NULL;
}

static bool item_field_is(const struct twi_json *field, struct twi_span name)
{
    return field->key_length == name.length && memcmp(field->key, name.text, name.length) == 0;
}

/* Where a field of that name stands in the table, or may be put. */
static struct twi_json **table_place(const struct twi_item *item, struct twi_span name)
{
    uint64_t hash = 14695981039346656037u;
    size_t at;

    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (unsigned char)name.text[i]) * 1099511628211u;
    at = (hash ^ hash >> 32) & (item->room - 1);
    while (item->table[at] != NULL && !item_field_is(item->table[at], name))
        at = (at + 1) & (item->room - 1);
    return &item->table[at];
}

struct twi_json *twi_item_find(const struct twi_item *item, struct twi_span name)
{
    struct twi_json *field = item->object != NULL ? item->object->first : NULL;

    if (item->table != NULL)
        return *table_place(item, name);
    while (field != NULL && !item_field_is(field, name))
        field = field->next;
    return field;
}

static struct twi_span field_name(const struct twi_json *field)
{
    return (struct twi_span){ field->key, field->key_length };
}

static void table_make(struct twi_item *item)
{
    item->room = item->count * 4;
    while (item->room & (item->room - 1))
        item->room &= item->room - 1;
    item->table = twi_arena_zeroed(item->arena, item->room * sizeof(struct twi_json *));
    for (struct twi_json *field = item->object->first; field != NULL && item->table != NULL;
         field = field->next)
        *table_place(item, field_name(field)) = field;
}

static void item_field_add(struct twi_item *item, struct twi_span name,
                           const struct twi_json *value)
{
    struct twi_json *field = twi_json_new(item->arena, value->kind);
    const char *copy = twi_arena_copy(item->arena, name.text, name.length);

    if (field == NULL || copy == NULL)
        return;
    *field = *value;
    field->next = NULL;
    field->key = copy;
    field->key_length = name.length;
    twi_json_append(item->object, field);
    item->count++;
    if (item->count > FIELDS_WITHOUT_TABLE && item->count * 2 > item->room)
        table_make(item);
    else if (item->table != NULL)
        *table_place(item, name) = field;
}

void twi_item_set(struct twi_item *item, struct twi_span name, const struct twi_json *value)
{
    struct twi_json *field, old;

    if (item->object == NULL || value == NULL)
        return;
    field = twi_item_find(item, name);
    if (field == NULL) {
        item_field_add(item, name, value);
        return;
    }
    old = *field;
    *field = *value;
    field->next = old.next;
    field->key = old.key;
    field->key_length = old.key_length;
}

void twi_item_set_all(struct twi_item *item, const struct twi_json *object)
{
    if (object == NULL || object->kind != TWI_JSON_OBJECT)
        return;
    for (const struct twi_json *field = object->first; field != NULL; field = field->next)
        twi_item_set(item, field_name(field), field);
}
