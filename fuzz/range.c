/* SPDX-License-Identifier: MIT */
/*
 * range.c - eight bytes of a size, then any text as a Range and as a list of entity tags: ranges
 * lie inside and are no more than the whole.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz/target.h"
#include "web/http/entity_tag.h"
#include "web/http/ranges.h"

static void check_ranges(const char *text, int64_t size)
{
    struct twi_range ranges[TWI_RANGES_MAX];
    int count = twi_ranges_parse(text, size, ranges);
    uint64_t sum = 0;

    FUZZ_ASSERT(count == -ERANGE || (count >= 0 && count <= TWI_RANGES_MAX));
    for (int i = 0; i < count; i++) {
        FUZZ_ASSERT(ranges[i].first >= 0 && ranges[i].first <= ranges[i].last &&
                    ranges[i].last < size);
        sum += (uint64_t)(ranges[i].last - ranges[i].first) + 1;
        FUZZ_ASSERT(sum <= (uint64_t)size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t length = 0;
    char *text;

    for (size_t i = 0; i < 8 && i < size; i++)
        length = length << 8 | data[i];
    data += size < 8 ? size : 8;
    size -= size < 8 ? size : 8;
    text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    check_ranges(text, (int64_t)(length & INT64_MAX));
    /* The weak comparison takes all that the strong one takes. */
    FUZZ_ASSERT(!twi_etag_in(text, "\"a\"", false) || twi_etag_in(text, "\"a\"", true));
    free(text);
    return 0;
}
