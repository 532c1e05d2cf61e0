/* SPDX-License-Identifier: MIT */
/*
 * stream_pair.h - two streams, each the other's end, and the results of their waits, as text.
 */
#ifndef TESTS_STREAM_PAIR_H
#define TESTS_STREAM_PAIR_H

#include <tweed/stream.h>
#include <tweed/testing.h>

#include "base/buf.h"
#include "tests/test.h"

static tw_stream *left, *right;
static struct twi_buf seen; /* results: [bytes], - for none, (class) for failures */

static tw_value see(tw_value result, void *arg)
{
    (void)arg;
    if (tw_is_none(result))
        twi_buf_append_text(&seen, "-");
    else if (tw_is_failure(result))
        twi_buf_printf(&seen, "(%s)", tw_failure_class(result)->name);
    else
        twi_buf_printf(&seen, "[%s]", tw_bytes_data(result));
    return tw_none();
}

static void watch(tw_deferred *wait)
{
    tw_add_both(test_given(wait), see, NULL);
    tw_deferred_unref(wait);
}

#define SEEN(text)                                     \
    do {                                               \
        ck_assert_str_eq(twi_buf_text(&seen), (text)); \
        twi_buf_consume(&seen, seen.length);           \
    } while (0)

/* In testing; what is written arrives in pieces of that size. False when there is no memory. */
static bool begin_pair(size_t piece)
{
    tw_protocol *first, *second;

    left = right = NULL;
    first = tw_stream_protocol_new(&left);
    second = tw_stream_protocol_new(&right);
    if (first != NULL && second != NULL)
        return tw_memory_pair(first, second, piece) == 0;
    tw_protocol_free(first);
    tw_protocol_free(second);
    return false;
}

#endif
