/* SPDX-License-Identifier: MIT */
/*
 * value.c - the simple types, and the functions for every type.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include <tweed/value.h>

#include "base/hooks.h"

static int none_format(void *object, char *text, size_t size)
{
    (void)object;
    return snprintf(text, size, "none");
}

const tw_type tw_type_none = { .name = "none", .format = none_format };
const tw_type tw_type_integer = { .name = "integer" };
const tw_type tw_type_double = { .name = "double" };
const tw_type tw_type_pointer = { .name = "pointer" };

void (*twi_hook_drop_lent)(tw_value value);

void tw_drop(tw_value *value)
{
    void (*drop_lent)(tw_value value);
    tw_value old = *value;

    *value = tw_none();
    if (tw_is_owned(old)) {
        tw_release(old);
    } else if (tw_typeof(old)->release != NULL) {
        drop_lent = TWI_HOOK(twi_hook_drop_lent);
        if (drop_lent != NULL)
            drop_lent(old);
    }
}

int tw_value_format(tw_value value, char *text, size_t size)
{
    const tw_type *type = tw_typeof(value);

    if (type == &tw_type_integer)
        return snprintf(text, size, "%" PRId64, value.as.integer);
    if (type == &tw_type_double)
        return snprintf(text, size, "%g", value.as.real);
    if (type->format != NULL)
        return type->format(value.as.pointer, text, size);
    return snprintf(text, size, "<%s %p>", type->name, value.as.pointer);
}

int64_t tw_integer_of(tw_value value)
{
    if (tw_is(value, &tw_type_integer))
        return value.as.integer;
    if (!tw_is(value, &tw_type_double))
        return 0;
    if (value.as.real >= 0x1p63)
        return INT64_MAX;
    if (value.as.real < -0x1p63)
        return INT64_MIN;
    return value.as.real == value.as.real ? (int64_t)value.as.real : 0;
}

double tw_double_of(tw_value value)
{
    if (tw_is(value, &tw_type_double))
        return value.as.real;
    return tw_is(value, &tw_type_integer) ? (double)value.as.integer : 0;
}
