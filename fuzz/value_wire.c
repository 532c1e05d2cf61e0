/* SPDX-License-Identifier: MIT */
/*
 * value_wire.c - values from another process: what is read is written as the same bytes again, or
 * as others that read the same; what is cut is refused.
 */
#include "config.h"

#include <errno.h>

#include "base/value_wire.h"
#include "fuzz/target.h"

/* What is read from `data`; false when it is refused. *ret_used: how much of it that took. */
static bool read_value(const char *data, size_t size, tw_value *ret_value, size_t *ret_used)
{
    const char *at = data;
    int r = twi_wire_get(&at, data + size, ret_value);

    FUZZ_ASSERT(r == 0 || (r == -EBADMSG && at == data));
    *ret_used = (size_t)(at - data);
    return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_buf first = { 0 }, second = { 0 };
    tw_value value, again;
    size_t used, used_again;

    if (!read_value((const char *)data, size, &value, &used))
        return 0;
    FUZZ_ASSERT(twi_wire_put(&first, value, SIZE_MAX) == 0);
    for (size_t cut = 0; cut < first.length; cut += 1 + first.length / 50)
        FUZZ_ASSERT(!read_value(first.data, cut, &again, &used_again));
    FUZZ_ASSERT(read_value(first.data, first.length, &again, &used_again));
    FUZZ_ASSERT(used_again == first.length);
    FUZZ_ASSERT(twi_wire_put(&second, again, SIZE_MAX) == 0);
    FUZZ_ASSERT(first.length == second.length &&
                memcmp(first.data, second.data, first.length) == 0);
    twi_buf_free(&first);
    twi_buf_free(&second);
    tw_release(value);
    tw_release(again);
    return 0;
}
