/*
 * ranges.c - which parts of a body are asked for (RFC 9110, 14), and entity tags (8.8.3).
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "web/http/headers.h"
#include "web/server/server.h"

static const char *range_skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

/* A number; saturated, which is beyond every file. False if there is none. */
static bool range_read_number(const char **text, int64_t *ret_number)
{
    size_t digits = strspn(*text, "0123456789");
    uint64_t number;

    if (digits == 0)
        return false;
    if (twi_parse_decimal(*text, digits, &number) < 0 || number > INT64_MAX)
        number = INT64_MAX;
    *text += digits;
    *ret_number = (int64_t)number;
    return true;
}

/* One "first-last", "first-" or "-suffix": 1, 0 (cannot be satisfied), -EINVAL. */
static int read_range(const char **text, int64_t size, struct twi_range *range)
{
    int64_t suffix;

    if (**text == '-') {
        (*text)++;
        if (!range_read_number(text, &suffix))
            return -EINVAL;
        range->first = suffix >= size ? 0 : size - suffix;
        range->last = size - 1;
        return suffix > 0 && size > 0;
    }
    if (!range_read_number(text, &range->first) || *(*text)++ != '-')
        return -EINVAL;
    if (!range_read_number(text, &range->last))
        range->last = INT64_MAX;
    if (range->last < range->first)
        return -EINVAL;
    if (range->last >= size)
        range->last = size - 1;
    return range->first < size;
}

int twi_ranges_parse(const char *text, int64_t size, struct twi_range ranges[TWI_RANGES_MAX])
{
    int count = 0, seen = 0;
    int64_t sum = 0;

    if (strncasecmp(text, "bytes=", 6) != 0)
        return 0;
    for (text += 6;; text++) {
        struct twi_range range;
        int r;

        text = range_skip_space(text);
        if (*text == ',' || *text == '\0') {
            if (*text == '\0')
                break;
            continue;
        }
        r = read_range(&text, size, &range);
        text = range_skip_space(text);
        if (r < 0 || (*text != ',' && *text != '\0') || ++seen > TWI_RANGES_MAX)
            return 0;
        if (r > 0) {
            ranges[count++] = range;
            sum += range.last - range.first + 1;
        }
        if (*text == '\0')
            break;
    }
    if (seen > 0 && count == 0)
        return -ERANGE;
    /* Overlapping ones would send more than the whole. */
    return sum > size ? 0 : count;
}

/* A tag knows no escapes: a backslash before the quote that ends it is part of the tag. */
static bool list_has_etag(const char *list, const char *etag, bool weak)
{
    size_t length = strlen(etag);

    list = range_skip_space(list);
    if (*list == '*')
        return true;
    while (*list != '\0') {
        bool is_weak = strncmp(list, "W/", 2) == 0;
        const char *tag = is_weak ? list + 2 : list;
        const char *end = *tag == '"' ? strchr(tag + 1, '"') : NULL;

        if (end == NULL)
            return false;
        if ((weak || !is_weak) && (size_t)(end + 1 - tag) == length &&
            memcmp(tag, etag, length) == 0)
            return true;
        list = end + 1 + strspn(end + 1, " \t,");
    }
    return false;
}

bool twi_headers_have_etag(const tw_headers *headers, enum twi_header id, const char *etag,
                           bool weak)
{
    const struct twi_field *field = twi_headers_find(headers, id);

    for (; field != NULL; field = twi_headers_next(headers, field))
        if (list_has_etag(headers->text + field->value, etag, weak))
            return true;
    return false;
}
