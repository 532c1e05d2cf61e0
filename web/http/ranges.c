/* SPDX-License-Identifier: MIT */
/*
 * ranges.c - the parts of a body that are asked for (RFC 9110, 14).
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "web/http/ranges.h"

static const char *range_skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

/* Read a number, saturated, which is beyond every file. False if there is none. */
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

/* "suffix", behind its "-": 1, 0 (cannot be satisfied), -EINVAL. */
static int range_read_suffix(const char **text, int64_t size, struct twi_range *range)
{
    int64_t suffix;

    if (!range_read_number(text, &suffix))
        return -EINVAL;
    range->first = suffix >= size ? 0 : size - suffix;
    range->last = size - 1;
    return suffix > 0;
}

/* One "first-last", "first-" or "-suffix": as range_read_suffix(). */
static int range_read(const char **text, int64_t size, struct twi_range *range)
{
    bool has_first = range_read_number(text, &range->first);

    if (**text != '-')
        return -EINVAL;
    ++*text;
    if (!has_first)
        return range_read_suffix(text, size, range);
    if (!range_read_number(text, &range->last))
        range->last = INT64_MAX;
    if (range->last < range->first)
        return -EINVAL;
    if (range->last >= size)
        range->last = size - 1;
    return range->first < size;
}

/* Add `range` to the list; `rest` is the number of bytes that ranges may still have. False when
 * it has more: overlapping ranges would send more than the whole. The end of an empty body can
 * be satisfied, but no Content-Range can express it. */
static bool range_add(struct twi_range ranges[TWI_RANGES_MAX], int *count,
                      struct twi_range range, int64_t *rest)
{
    if (range.last < range.first || range.last - range.first >= *rest)
        return false;
    *rest -= range.last - range.first + 1;
    ranges[(*count)++] = range;
    return true;
}

int twi_ranges_parse(const char *text, int64_t size, struct twi_range ranges[TWI_RANGES_MAX])
{
    int count = 0, seen = 0;
    int64_t rest = size;

    if (strncasecmp(text, "bytes=", 6) != 0)
        return 0;
    text += 6;
    for (;;) {
        struct twi_range range;
        int r;

        text += strspn(text, " \t,");
        if (*text == '\0')
            break;
        r = range_read(&text, size, &range);
        text = range_skip_space(text);
        if (r < 0 || (*text != ',' && *text != '\0') || ++seen > TWI_RANGES_MAX ||
            (r > 0 && !range_add(ranges, &count, range, &rest)))
            return 0;
    }
    return seen > 0 && count == 0 ? -ERANGE : count;
}
