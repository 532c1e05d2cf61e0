/* SPDX-License-Identifier: MIT */
/*
 * directives.c - the directives of Cache-Control.
 */
#include "config.h"

#include <errno.h>
#include <strings.h>

#include "web/cache/directives.h"

#define SECONDS_MAX (INT64_C(1) << 31)

int twi_delta_seconds(const char *text, size_t length, int64_t *ret_seconds)
{
    int64_t seconds = 0;

    if (length == 0)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -EINVAL;
        if (seconds < SECONDS_MAX)
            seconds = seconds * 10 + (text[i] - '0');
    }
    *ret_seconds = seconds < SECONDS_MAX ? seconds : SECONDS_MAX;
    return 0;
}

/* --- one by one ---------------------------------------------------------------------------- */

static void directive_split(struct twi_directive *directive)
{
    const char *element = directive->list.element, *equals;
    size_t length = directive->list.length;

    equals = memchr(element, '=', length);
    directive->name = element;
    directive->name_length = equals != NULL ? (size_t)(equals - element) : length;
    directive->has_value = equals != NULL;
    directive->value = equals != NULL ? equals + 1 : element + length;
    directive->value_length = (size_t)(element + length - directive->value);
    if (directive->value_length >= 2 && directive->value[0] == '"' &&
        directive->value[directive->value_length - 1] == '"') {
        directive->value++;
        directive->value_length -= 2;
    }
}

bool twi_directive_next(struct twi_directive *directive)
{
    if (!twi_elements_next(&directive->list))
        return false;
    directive_split(directive);
    return true;
}

bool twi_directive_is(const struct twi_directive *directive, const char *name)
{
    return strlen(name) == directive->name_length &&
           strncasecmp(directive->name, name, directive->name_length) == 0;
}

/* --- all ----------------------------------------------------------------------------------- */

/* A name with white space before its "=" is no directive; but a max-age whose meaning is lost
 * must not count as none. */
static bool is_broken_max_age(const struct twi_directive *directive)
{
    size_t length = directive->name_length;

    while (length > 0 &&
           (directive->name[length - 1] == ' ' || directive->name[length - 1] == '\t'))
        length--;
    return length < directive->name_length && length == 7 &&
           strncasecmp(directive->name, "max-age", 7) == 0;
}

static void seconds_take(const struct twi_directive *directive, int64_t *seconds,
                         int64_t otherwise)
{
    if (*seconds >= 0)
        return;
    if (twi_delta_seconds(directive->value, directive->value_length, seconds) < 0)
        *seconds = otherwise;
}

static bool timed_take(const struct twi_directive *directive, struct twi_directives *all)
{
    if (twi_directive_is(directive, "max-age"))
        seconds_take(directive, &all->max_age, 0);
    else if (is_broken_max_age(directive) && all->max_age < 0)
        all->max_age = 0;
    else if (twi_directive_is(directive, "max-stale") && !directive->has_value)
        all->max_stale = all->max_stale < 0 ? INT64_MAX : all->max_stale;
    else if (twi_directive_is(directive, "max-stale"))
        seconds_take(directive, &all->max_stale, -1);
    else if (twi_directive_is(directive, "min-fresh"))
        seconds_take(directive, &all->min_fresh, -1);
    else if (twi_directive_is(directive, "stale-while-revalidate"))
        seconds_take(directive, &all->stale_while_revalidate, -1);
    else if (twi_directive_is(directive, "stale-if-error"))
        seconds_take(directive, &all->stale_if_error, -1);
    else
        return false;
    return true;
}

static unsigned plain_bit(const struct twi_directive *directive)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
        { "no-store", TWI_CC_NO_STORE },
        { "must-revalidate", TWI_CC_MUST_REVALIDATE },
        { "must-understand", TWI_CC_MUST_UNDERSTAND },
        { "public", TWI_CC_PUBLIC },
        { "private", TWI_CC_PRIVATE },
        { "immutable", TWI_CC_IMMUTABLE },
        { "only-if-cached", TWI_CC_ONLY_IF_CACHED },
    };

    if (twi_directive_is(directive, "no-cache"))
        return directive->value_length > 0 ? TWI_CC_NO_CACHE_FIELDS : TWI_CC_NO_CACHE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (twi_directive_is(directive, names[i].name))
            return names[i].bit;
    return 0;
}

void twi_directives_read(const tw_headers *headers, struct twi_directives *ret_directives)
{
    struct twi_directives all = { 0, -1, -1, -1, -1, -1 };
    const struct twi_field *field = headers != NULL
                                        ? twi_headers_find(headers, TWI_HEADER_CACHE_CONTROL)
                                        : NULL;

    for (; field != NULL; field = twi_headers_next(headers, field)) {
        const char *text = headers->text + field->value;
        struct twi_directive directive = { .list = { text, text + field->value_length, NULL,
                                                     0 } };
        while (twi_directive_next(&directive))
            if (!timed_take(&directive, &all))
                all.bits |= plain_bit(&directive);
    }
    *ret_directives = all;
}
