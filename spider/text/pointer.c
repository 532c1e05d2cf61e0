/* SPDX-License-Identifier: MIT */
/*
 * pointer.c - JSON pointers (RFC 6901).
 */
#include "config.h"

#include "spider/text/pointer.h"

const char *twi_pointer_check(struct twi_span pointer, size_t *ret_at)
{
    *ret_at = 0;
    if (pointer.length > 0 && pointer.text[0] != '/')
        return "a JSON pointer begins with \"/\"";
    for (size_t i = 0; i < pointer.length; i++) {
        *ret_at = i;
        if (pointer.text[i] == '~' &&
            (i + 1 == pointer.length ||
             (pointer.text[i + 1] != '0' && pointer.text[i + 1] != '1')))
            return "\"~\" is written \"~0\", and \"/\" in a name \"~1\"";
    }
    return NULL;
}

/* The part up to the next "/", which is taken off. */
static struct twi_span pointer_step(struct twi_span *pointer)
{
    struct twi_span rest = twi_span_from(*pointer, 1);
    size_t length = twi_span_find(rest, '/');

    *pointer = twi_span_from(rest, length);
    return twi_span_first(rest, length);
}

/* Is it the member's name, written with "~0" and "~1"? */
static bool step_names(struct twi_span step, const struct twi_json *member)
{
    size_t at = 0;

    for (size_t i = 0; i < member->key_length; i++, at++) {
        char c = at < step.length ? step.text[at] : 0;
        if (at >= step.length)
            return false;
        if (c == '~')
            c = step.text[++at] == '0' ? '~' : '/';
        if (c != member->key[i])
            return false;
    }
    return at == step.length;
}

/* "0", or digits that do not begin with it. */
static bool step_is_index(struct twi_span step, uint32_t *ret_index)
{
    return twi_span_number(step, ret_index) && (step.length == 1 || step.text[0] != '0');
}

static const struct twi_json *member_of(const struct twi_json *value, struct twi_span step)
{
    const struct twi_json *member = value->first, *found = NULL;
    uint32_t index;

    if (value->kind == TWI_JSON_OBJECT) {
        for (; member != NULL; member = member->next)
            if (step_names(step, member))
                found = member;
        return found;
    }
    if (value->kind != TWI_JSON_LIST || !step_is_index(step, &index))
        return NULL;
    while (member != NULL && index-- > 0)
        member = member->next;
    return member;
}

const struct twi_json *twi_pointer_find(const struct twi_json *value, struct twi_span pointer)
{
    while (value != NULL && pointer.length > 0)
        value = member_of(value, pointer_step(&pointer));
    return value;
}
