/* SPDX-License-Identifier: MIT */
/*
 * json.c - making JSON values, and looking into them.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/text/decimal.h"
#include "spider/text/json.h"

struct twi_json *twi_json_member(const struct twi_json *object, const char *name)
{
    size_t length = strlen(name);
    struct twi_json *found = NULL;

    if (object == NULL || object->kind != TWI_JSON_OBJECT)
        return NULL;
    for (struct twi_json *member = object->first; member != NULL; member = member->next)
        if (member->key_length == length && memcmp(member->key, name, length) == 0)
            found = member;
    return found;
}

bool twi_json_is_text(const struct twi_json *value, const char *text)
{
    return value != NULL && value->kind == TWI_JSON_STRING && strlen(text) == value->length &&
           memcmp(value->text, text, value->length) == 0;
}

const char *twi_json_text(const struct twi_json *value)
{
    if (value == NULL)
        return NULL;
    switch (value->kind) {
    case TWI_JSON_NULL:
        return "null";
    case TWI_JSON_FALSE:
        return "false";
    case TWI_JSON_TRUE:
        return "true";
    case TWI_JSON_NUMBER:
    case TWI_JSON_STRING:
        return value->text;
    default:
        return NULL;
    }
}

struct twi_json *twi_json_new(struct twi_arena *arena, enum twi_json_kind kind)
{
    struct twi_json *value = twi_arena_zeroed(arena, sizeof *value);

    if (value != NULL)
        value->kind = kind;
    return value;
}

static struct twi_json *json_with_text(struct twi_arena *arena, enum twi_json_kind kind,
                                       const char *data, size_t length)
{
    char *copy = twi_arena_copy(arena, data, length);
    struct twi_json *value = copy != NULL ? twi_json_new(arena, kind) : NULL;

    if (value != NULL) {
        value->text = copy;
        value->length = length;
    }
    return value;
}

struct twi_json *twi_json_string(struct twi_arena *arena, const char *data, size_t length)
{
    return json_with_text(arena, TWI_JSON_STRING, data, length);
}

struct twi_json *twi_json_boolean(struct twi_arena *arena, bool boolean)
{
    return twi_json_new(arena, boolean ? TWI_JSON_TRUE : TWI_JSON_FALSE);
}

struct twi_json *twi_json_integer(struct twi_arena *arena, int64_t integer)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)integer);

    return json_with_text(arena, TWI_JSON_NUMBER, digits, (size_t)length);
}

struct twi_json *twi_json_double(struct twi_arena *arena, double number)
{
    char digits[TWI_DECIMAL_SIZE];

    if (!isfinite(number))
        return twi_json_new(arena, TWI_JSON_NULL);
    return json_with_text(arena, TWI_JSON_NUMBER, digits, twi_decimal_print(digits, number));
}

struct twi_json *twi_json_append(struct twi_json *list, struct twi_json *value)
{
    if (list == NULL || value == NULL)
        return value;
    if (list->last != NULL)
        list->last->next = value;
    else
        list->first = value;
    list->last = value;
    return value;
}

struct twi_json *twi_json_put(struct twi_json *object, const char *key, struct twi_json *value)
{
    if (object == NULL || value == NULL)
        return value;
    value->key = key;
    value->key_length = strlen(key);
    return twi_json_append(object, value);
}

void twi_json_put_string(struct twi_arena *arena, struct twi_json *object, const char *key,
                         const char *string)
{
    twi_json_put(object, key,
                 string != NULL ? twi_json_string(arena, string, strlen(string))
                                : twi_json_new(arena, TWI_JSON_NULL));
}
