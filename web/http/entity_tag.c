/* SPDX-License-Identifier: MIT */
/*
 * entity_tag.c - lists of entity tags (RFC 9110, 8.8.3 and 13.1).
 */
#include "config.h"

#include <string.h>

#include "web/http/entity_tag.h"

static bool list_is_any(const char *list)
{
    list += strspn(list, " \t");
    return *list == '*' && list[1 + strspn(list + 1, " \t")] == '\0';
}

/* A tag knows no escapes: a backslash before the quote that ends it is part of the tag. */
bool twi_etag_in(const char *list, const char *etag, bool weak)
{
    size_t length = strlen(etag);

    for (;;) {
        const char *tag = list + strspn(list, " \t,"), *end;
        bool is_weak = strncmp(tag, "W/", 2) == 0;

        if (is_weak)
            tag += 2;
        end = *tag == '"' ? strchr(tag + 1, '"') : NULL;
        if (end == NULL)
            return false;
        if ((weak || !is_weak) && (size_t)(end + 1 - tag) == length &&
            memcmp(tag, etag, length) == 0)
            return true;
        list = end + 1;
    }
}

bool twi_headers_have_etag(const tw_headers *headers, enum twi_header id, const char *etag,
                           bool weak)
{
    const struct twi_field *field = twi_headers_find(headers, id);

    if (field != NULL && list_is_any(headers->text + field->value))
        return twi_headers_next(headers, field) == NULL;
    for (; field != NULL && etag != NULL; field = twi_headers_next(headers, field))
        if (twi_etag_in(headers->text + field->value, etag, weak))
            return true;
    return false;
}
