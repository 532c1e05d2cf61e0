/* SPDX-License-Identifier: MIT */
/*
 * content_range.c - "bytes 0-99/200", "bytes 0-99/" and a star, or a star before the size.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/ascii.h"
#include "web/http/content_range.h"

/* A number that ends with `end`; *at moves behind that. */
static bool read_number(const char **at, char end, int64_t *ret_number)
{
    size_t digits = strspn(*at, "0123456789");
    uint64_t number;

    if ((*at)[digits] != end || twi_parse_decimal(*at, digits, &number) < 0 ||
        number > INT64_MAX)
        return false;
    *ret_number = (int64_t)number;
    *at += digits + (end != '\0');
    return true;
}

int twi_content_range_parse(const char *text, struct twi_content_range *range)
{
    /* Units are compared without case (RFC 9110, 14.1). */
    if (!twi_same_nocase(text, strcspn(text, " "), "bytes", 5))
        return -EINVAL;
    text += 5;
    text += strspn(text, " ");
    range->satisfied = *text != '*';
    if (!range->satisfied) {
        text++;
        if (*text++ != '/')
            return -EINVAL;
        return read_number(&text, '\0', &range->size) ? 0 : -EINVAL;
    }
    if (!read_number(&text, '-', &range->first) || !read_number(&text, '/', &range->last) ||
        range->last < range->first)
        return -EINVAL;
    range->size = -1;
    if (strcmp(text, "*") == 0)
        return 0;
    return read_number(&text, '\0', &range->size) && range->size > range->last ? 0 : -EINVAL;
}
